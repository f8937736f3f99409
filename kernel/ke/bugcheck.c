/*
 * Bugchecks: the system stops because going on could do harm, and says everything it knows.
 *
 * The first processor to come here freezes the others and writes the report to both consoles and
 * the debug port: code, name, parameters, the driver at fault (the module of the first frame that
 * is not the kernel's), where it ran, registers if there was a trap, and the stack with function
 * names. Then, as the command line says, it halts (the default: gdb can still look), leaves QEMU
 * with status 193 (`bugcheckexit`, for tests), or restarts (`reboot`).
 *
 * The report itself may fail, since it reads structures of a broken machine. KiBugcheckDepth
 * counts how often this processor has entered: the second time ends the report with a line that
 * says so, the third says nothing. A processor that wants to bugcheck while another one does is
 * frozen or waits here.
 */
#include "bugcheck.h"
#include "hal/hal.h"
#include "init.h"
#include "kd/kd.h"
#include "rtl/rtl.h"

#define BUGCHECK_EXIT_CODE  0x60        // QEMU's status becomes 0x60 * 2 + 1 = 193

static volatile LONG KiBugcheckOwner;   // the reporting processor's number + 1; 0: none
static ULONG         KiBugcheckDepth;   // owner only

PVOID                KiRoutineAtFault;  // set by KiStopDriver

/* The data that gdb and tests look for, as in NT: the code and its parameters. */
ULONG_PTR KiBugCheckData[5];

static VOID
KiPrint(PCSTR Format, ...)
{
    CHAR    Line[256];
    va_list Arguments;

    va_start(Arguments, Format);
    _vsnprintf(Line, sizeof(Line) - 1, Format, Arguments);
    va_end(Arguments);
    Line[sizeof(Line) - 1] = '\0';
    KdPutConsole(Line);
}

static DECLSPEC_NORETURN VOID
KiHaltForever(VOID)
{
    for (;;)
        __asm__ __volatile__("cli; hlt");
}

/* The debugger stops here: the report is complete. */
static DECLSPEC_NORETURN __attribute__((noinline)) VOID
KiEndSystem(VOID)
{
    CHAR Value[8];

    if (KeCommandLineOption("bugcheckexit", Value, sizeof(Value)))
        HalpExitEmulator(BUGCHECK_EXIT_CODE);
    if (KeCommandLineOption("reboot", Value, sizeof(Value)))
        HalpReboot();
    KdPutConsole("The system has stopped.\n");
    KiHaltForever();
}

/* Returns on the processor that is to report, once; the others have stopped then. */
static VOID
KiBecomeReporter(ULONG Code)
{
    LONG Me = (LONG)KeGetCurrentPrcb()->Number + 1;
    LONG Owner = InterlockedCompareExchange(&KiBugcheckOwner, Me, 0);

    if (Owner != 0 && Owner != Me)
        KiHaltForever();

    KiBugcheckDepth += 1;
    if (KiBugcheckDepth == 2)
        KiPrint("\n*** Bugcheck 0x%08X while reporting this one: the report ends here.\n", Code);
    if (KiBugcheckDepth > 1)
        KiEndSystem();
    HalpFreezeProcessors();
}

static VOID
KiPrintParameters(const BUGCHECK_TEXT *Text, const ULONG_PTR *Parameter)
{
    ULONG Index;
    CHAR  Symbol[96];

    for (Index = 0; Index < 4; Index += 1) {
        PCSTR Meaning = Text != NULL ? Text->Parameter[Index] : "";

        if (Meaning == NULL)
            KiPrint("    %u: %p\n", Index + 1, (PVOID)Parameter[Index]);
        else if (*Meaning != '@')
            KiPrint("    %u: %p  %s\n", Index + 1, (PVOID)Parameter[Index], Meaning);
        else {
            KdSymbolize(Parameter[Index], Symbol, sizeof(Symbol));
            KiPrint("    %u: %p  %s: %s\n", Index + 1, (PVOID)Parameter[Index], Meaning + 1,
                    Symbol);
        }
    }
}

/* TRUE if Address lies in a module other than the kernel, which is named then. */
static BOOLEAN
KiPrintIfDriver(ULONG64 Address)
{
    CHAR Symbol[96];

    KdSymbolize(Address, Symbol, sizeof(Symbol));
    if (strncmp(Symbol, "nt!", 3) == 0 || strncmp(Symbol, "nt+", 3) == 0 ||
        strchr(Symbol, '+') == NULL)
        return FALSE;
    KiPrint("Driver at fault: %.*s.sys (%s)\n", (int)strcspn(Symbol, "!+"), Symbol, Symbol);
    return TRUE;
}

/* The one a check has named, else the first frame of a module other than the kernel. */
static VOID
KiPrintDriverAtFault(PCONTEXT Context)
{
    CONTEXT Frame = *Context;
    ULONG   Depth = 0;

    if (KiRoutineAtFault != NULL && KiPrintIfDriver((ULONG64)KiRoutineAtFault))
        return;
    while (!KiPrintIfDriver(Frame.Rip) && ++Depth < 48 && KdUnwindFrame(&Frame))
        ;
}

static VOID
KiPrintWhere(KIRQL Irql)
{
    PKPRCB   Prcb = KeGetCurrentPrcb();
    PKTHREAD Thread = Prcb->CurrentThread;

    KiPrint("Processor %u, IRQL %u, thread %p", Prcb->Number, Irql, Thread);
    if (Thread == Prcb->IdleThread)
        KiPrint(" (idle)");
    else if (Thread != NULL && KiInitialProcess != NULL)
        KiPrint(" (id %p), process %p (id %p)", PsGetCurrentThreadId(), Thread->ApcState.Process,
                PsGetCurrentProcessId());
    KiPrint("%s\n", Prcb->DpcRoutineActive ? ", in a DPC" : "");
}

static VOID
KiPrintRegisters(PCONTEXT Context)
{
    KiPrint("rax=%p rbx=%p rcx=%p rdx=%p\n", Context->Rax, Context->Rbx, Context->Rcx,
            Context->Rdx);
    KiPrint("rsi=%p rdi=%p rbp=%p rsp=%p\n", Context->Rsi, Context->Rdi, Context->Rbp,
            Context->Rsp);
    KiPrint("r8 =%p r9 =%p r10=%p r11=%p\n", Context->R8, Context->R9, Context->R10, Context->R11);
    KiPrint("r12=%p r13=%p r14=%p r15=%p\n", Context->R12, Context->R13, Context->R14,
            Context->R15);
    KiPrint("rip=%p efl=%08X cs=%04X\n", Context->Rip, Context->EFlags, Context->SegCs);
}

/* Rule 0x20002 of bugcheck 0xC4: 2 is the IRQL, 3 the highest one allowed, 4 the caller. */
static VOID
KiPrintIrqlViolation(PCSTR Routine)
{
    CHAR Symbol[96];

    KdSymbolize(KiBugCheckData[4], Symbol, sizeof(Symbol));
    KiPrint("Routine: %s was called at IRQL %u, allows %u at most, by %s\n", Routine,
            (ULONG)KiBugCheckData[2], (ULONG)KiBugCheckData[3], Symbol);
}

/*
 * Reports what KiBugCheckData holds, with the stack of Context. Routine: who was called at too
 * high an IRQL, or NULL.
 */
static DECLSPEC_NORETURN VOID
KiReportBugcheck(KIRQL Irql, PCONTEXT Context, BOOLEAN Trap, PCSTR Routine)
{
    ULONG                Code = (ULONG)KiBugCheckData[0];
    const BUGCHECK_TEXT *Text = KiFindBugcheckText(Code);

    KeGetCurrentPrcb()->DebuggerSavedIRQL = Irql;
    KiPrint("\n*** STOP 0x%08X %s\n", Code, Text != NULL ? Text->Name : "");
    if (Text != NULL)
        KiPrint("    %s\n", Text->Meaning);
    KiPrintParameters(Text, KiBugCheckData + 1);
    if (Routine != NULL)
        KiPrintIrqlViolation(Routine);
    KiPrintWhere(Irql);
    KiPrintDriverAtFault(Context);
    if (Trap)
        KiPrintRegisters(Context);
    KdPutConsole("Stack:\n");
    KdPrintStack(Context, KdPutConsole);
    KdPutConsole("\n");
    KiEndSystem();
}

/* Stops this processor's world: no interrupts, nothing else runs. Returns the IRQL it was at. */
static KIRQL
KiEnterBugcheck(ULONG Code, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3, ULONG_PTR P4)
{
    KIRQL Irql = KeGetCurrentIrql();

    _disable();
    __writecr8(HIGH_LEVEL);
    KiBecomeReporter(Code);
    KiBugCheckData[0] = Code;
    KiBugCheckData[1] = P1;
    KiBugCheckData[2] = P2;
    KiBugCheckData[3] = P3;
    KiBugCheckData[4] = P4;
    return Irql;
}

/* Stops the system with a report about the caller's stack. Any IRQL; does not return. */
DECLSPEC_NORETURN VOID NTAPI
KeBugCheckEx(ULONG BugCheckCode, ULONG_PTR BugCheckParameter1, ULONG_PTR BugCheckParameter2,
             ULONG_PTR BugCheckParameter3, ULONG_PTR BugCheckParameter4)
{
    KIRQL   Irql;
    CONTEXT Context;

    Irql = KiEnterBugcheck(BugCheckCode, BugCheckParameter1, BugCheckParameter2, BugCheckParameter3,
                           BugCheckParameter4);
    RtlCaptureContext(&Context);
    KiReportBugcheck(Irql, &Context, FALSE, NULL);
}

DECLSPEC_NORETURN VOID NTAPI
KeBugCheck(ULONG BugCheckCode)
{
    KeBugCheckEx(BugCheckCode, 0, 0, 0, 0);
}

/* See kd.h. */
DECLSPEC_NORETURN VOID
KiBugCheckFromTrap(ULONG Code, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3, ULONG_PTR P4,
                   PKTRAP_FRAME TrapFrame)
{
    KIRQL   Irql = KiEnterBugcheck(Code, P1, P2, P3, P4);
    CONTEXT Context;

    if (TrapFrame != NULL)
        KeTrapFrameToContext(TrapFrame, &Context);
    else
        RtlCaptureContext(&Context);
    KiReportBugcheck(Irql, &Context, TrapFrame != NULL, NULL);
}

/* Called by IRQL_AT_MOST: Routine was called by Caller above the IRQL it allows. */
DECLSPEC_NORETURN VOID
KiIrqlViolation(PCSTR Routine, KIRQL Highest, PVOID Caller)
{
    KIRQL   Irql = KeGetCurrentIrql();
    CONTEXT Context;

    KiEnterBugcheck(DRIVER_VERIFIER_DETECTED_VIOLATION, VERIFIER_RULE_IRQL, Irql, Highest,
                    (ULONG_PTR)Caller);
    RtlCaptureContext(&Context);
    KiReportBugcheck(Irql, &Context, FALSE, Routine);
}

/*
 * The end of an exception that was raised by software in the kernel and that nobody handled: see
 * rtl.h.
 */
DECLSPEC_NORETURN VOID
RtlpUnhandledException(PEXCEPTION_RECORD ExceptionRecord, PCONTEXT ContextRecord)
{
    KIRQL Irql = KiEnterBugcheck(KMODE_EXCEPTION_NOT_HANDLED, (ULONG)ExceptionRecord->ExceptionCode,
                                 (ULONG_PTR)ExceptionRecord->ExceptionAddress,
                                 ExceptionRecord->ExceptionInformation[0],
                                 ExceptionRecord->ExceptionInformation[1]);

    KiReportBugcheck(Irql, ContextRecord, TRUE, NULL);
}
