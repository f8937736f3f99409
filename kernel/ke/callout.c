/*
 * Calls out of the kernel: what a driver's routine must leave as it found it.
 *
 * Whoever calls a routine of a driver notes the IRQL and KiCalloutState() first (how deep APCs
 * are disabled in the thread, how many spin locks the processor holds) and compares afterwards;
 * a difference comes here and stops the system. The stop has the code that is documented for this
 * rule and this kind of routine, and names the driver by the routine itself, because when it has
 * returned no frame of it is left on the stack.
 *
 *               IRQL              APCs disabled     spin lock held
 *   dispatch    0xC9, 5           0xC4, 0xC5        0xC4, 0x40009
 *   completion  0xC4, 0xFA        0xC4, 0xFB        0xC4, 0x40009
 *   DPC         0xC8              0xC7, 4           0xC4, 0x40009
 *   work item   0xE1              0xC4, 0x40003     0xC4, 0x40009
 *   fast I/O    0xC4, 0x2001D     0xC4, 0xC6        0xC4, 0x40009
 *   interrupt   0xC4, 0x111       0xC4, 0x40003     0xC4, 0x40009
 *   others      0xC4, 0x2001D     0xC4, 0x40003     0xC4, 0x40009
 *
 * A lock left held is reported before anything else: it explains the rest.
 */
#include "ke/kip.h"
#include "kd/kd.h"
#include "rtl/rtl.h"

#define VERIFIER            0xC4
#define RULE_DISPATCH_APCS  0xC5
#define RULE_FAST_IO_APCS   0xC6
#define RULE_COMPLETED_IRQL 0xFA
#define RULE_COMPLETED_APCS 0xFB
#define RULE_INTERRUPT_IRQL 0x111
#define RULE_IRQL_RETURN    0x2001D         // the second parameter points to the sentence
#define RULE_REGIONS        0x40003
#define RULE_SPIN_LOCK      0x40009
#define IO_MANAGER          0xC9
#define RULE_DISPATCH_IRQL  5
#define WORKER_IRQL         0xE1
#define TIMER_OR_DPC        0xC7
#define DPC_APCS            4               // first parameter of 0xC7

static const PCSTR KiCalloutNames[] = {
    "dispatch routine", "completion routine", "DPC routine", "work item", "cancel routine",
    "StartIo routine", "I/O timer routine", "DriverEntry", "unload routine",
    "reinitialization routine", "fast I/O routine", "interrupt service routine",
    "synchronized routine",
};

/* Says which driver did what, then stops the system. */
DECLSPEC_NORETURN VOID
KiStopDriver(ULONG Code, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3, ULONG_PTR P4, PVOID Address,
             PCSTR Sentence)
{
    CHAR Where[96], Line[256];

    KdSymbolize((ULONG64)Address, Where, sizeof Where);
    _snprintf(Line, sizeof Line - 1, "\nDriver %.*s %s (%s)\n", (int)strcspn(Where, "!+"), Where,
              Sentence, Where);
    Line[sizeof Line - 1] = 0;
    KdPutConsole(Line);
    KiRoutineAtFault = Address;
    KeBugCheckEx(Code, P1, P2, P3, P4);
}

static DECLSPEC_NORETURN VOID
KiIrqlChanged(KI_CALLOUT Kind, PVOID Routine, PVOID Object, KIRQL Before, PCSTR Sentence)
{
    ULONG_PTR R = (ULONG_PTR)Routine, Now = KeGetCurrentIrql();

    switch (Kind) {
    case KiDispatchRoutine:
        KiStopDriver(IO_MANAGER, RULE_DISPATCH_IRQL, (ULONG_PTR)Object, Before, Now, Routine,
                     Sentence);
    case KiCompletionRoutine:
        KiStopDriver(VERIFIER, RULE_COMPLETED_IRQL, R, Before, Now, Routine, Sentence);
    case KiInterruptRoutine:
        KiStopDriver(VERIFIER, RULE_INTERRUPT_IRQL, R, Before, Now, Routine, Sentence);
    case KiDpcRoutine:
        KiStopDriver(IRQL_UNEXPECTED_VALUE, Now << 16 | (ULONG_PTR)Before << 8 | 2, R, 0, 0,
                     Routine, Sentence);
    case KiWorkRoutine:
        KiStopDriver(WORKER_IRQL, R, Now, (ULONG_PTR)Object, 0, Routine, Sentence);
    default:
        KiStopDriver(VERIFIER, RULE_IRQL_RETURN, (ULONG_PTR)Sentence, R, Before | Now << 8,
                     Routine, Sentence);
    }
}

static DECLSPEC_NORETURN VOID
KiApcsChanged(KI_CALLOUT Kind, PVOID Routine, ULONG Before, ULONG Now, PCSTR Sentence)
{
    ULONG_PTR R = (ULONG_PTR)Routine;

    switch (Kind) {
    case KiDispatchRoutine:
        KiStopDriver(VERIFIER, RULE_DISPATCH_APCS, R, Now, Before, Routine, Sentence);
    case KiCompletionRoutine:
        KiStopDriver(VERIFIER, RULE_COMPLETED_APCS, R, Now, Before, Routine, Sentence);
    case KiFastIoRoutine:
        KiStopDriver(VERIFIER, RULE_FAST_IO_APCS, R, Now, Before, Routine, Sentence);
    case KiDpcRoutine:
        KiStopDriver(TIMER_OR_DPC, DPC_APCS, R, Before, Now, Routine, Sentence);
    default:
        KiStopDriver(VERIFIER, RULE_REGIONS, (ULONG_PTR)Sentence, R, 0, Routine, Sentence);
    }
}

DECLSPEC_NORETURN VOID
KiCalloutViolation(KI_CALLOUT Kind, PVOID Routine, PVOID Object, KIRQL Irql, ULONG64 State)
{
    static CHAR Sentence[128];
    ULONG64     Now = KiCalloutState();
    PCSTR       Name = KiCalloutNames[Kind];

    if ((ULONG)Now != (ULONG)State) {
        _snprintf(Sentence, sizeof Sentence - 1,
                  "returned from its %s with %u spin locks held, not %u", Name, (ULONG)Now,
                  (ULONG)State);
        KiStopDriver(VERIFIER, RULE_SPIN_LOCK, (ULONG_PTR)Sentence, (ULONG_PTR)Routine, 0, Routine,
                     Sentence);
    }
    if (Now != State) {
        _snprintf(Sentence, sizeof Sentence - 1,
                  "returned from its %s with APCs disabled that were enabled, or the reverse",
                  Name);
        KiApcsChanged(Kind, Routine, (ULONG)(State >> 32), (ULONG)(Now >> 32), Sentence);
    }
    _snprintf(Sentence, sizeof Sentence - 1, "returned from its %s at IRQL %u, was called at %u",
              Name, KeGetCurrentIrql(), Irql);
    KiIrqlChanged(Kind, Routine, Object, Irql, Sentence);
}
