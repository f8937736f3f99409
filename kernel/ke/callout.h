/*
 * Part of ke.h: what a driver's routine must leave as it found it, and the stop that names a
 * driver (callout.c). Who calls out of the kernel writes
 *
 *     KIRQL   Irql = KeGetCurrentIrql();
 *     ULONG64 State = KiCalloutState();
 *
 *     Routine(Device, Irp);
 *     KiCheckCallout(KiDispatchRoutine, Routine, Device, Irql, State);
 */
#pragma once

typedef enum _KI_CALLOUT {
    KiDispatchRoutine, KiCompletionRoutine, KiDpcRoutine, KiWorkRoutine, KiCancelRoutine,
    KiStartIoRoutine, KiIoTimerRoutine, KiDriverEntry, KiUnloadRoutine, KiReinitRoutine,
    KiFastIoRoutine, KiInterruptRoutine, KiSynchronizeRoutine
} KI_CALLOUT;

/*
 * How deep APCs are disabled (high half) and how many spin locks are held (low half). One load
 * each, so that a switch to another processor between them does no harm: below DISPATCH_LEVEL
 * each processor holds none.
 */
static inline ULONG64
KiCalloutState(VOID)
{
    return (ULONG64)*(volatile ULONG *)&KeGetCurrentThread()->KernelApcDisable << 32
        | __readgsdword(FIELD_OFFSET(KIPCR, Prcb.SpinLockDepth));
}

/* The routine came back with another IRQL or state. Object: the device, work item or the like. */
DECLSPEC_NORETURN __attribute__((cold))
VOID KiCalloutViolation(KI_CALLOUT Kind, PVOID Routine, PVOID Object, KIRQL Irql, ULONG64 State);

static inline VOID
KiCheckCallout(KI_CALLOUT Kind, PVOID Routine, PVOID Object, KIRQL Irql, ULONG64 State)
{
    ULONG64 Now = KiCalloutState();

    // by halves, so that they need not be put together
    if (KeGetCurrentIrql() != Irql || Now >> 32 != State >> 32 || (ULONG)Now != (ULONG)State)
        KiCalloutViolation(Kind, Routine, Object, Irql, State);
}

/*
 * Memory with a driver's image is about to go: bugcheck 0xC7 if an armed timer or a queued DPC
 * lies in it, or its routine does. Any IRQL <= DISPATCH_LEVEL.
 */
VOID KeCheckForTimer(PVOID Base, SIZE_T Size);
VOID KeCheckForDpc(PVOID Base, SIZE_T Size);
// of one DPC, of a timer or a queue
VOID KiCheckDpcOutside(PKDPC Dpc, PVOID Base, SIZE_T Size, PCSTR Sentence);

/* Stops the system; says first, in one sentence, what the driver behind Address did. */
DECLSPEC_NORETURN __attribute__((cold))
VOID KiStopDriver(ULONG Code, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3, ULONG_PTR P4,
                  PVOID Address, PCSTR Sentence);
extern PVOID KiRoutineAtFault;                  // of whom the bugcheck's report speaks, or NULL
