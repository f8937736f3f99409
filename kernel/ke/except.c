/*
 * Finding somebody who takes an exception.
 *
 * Kernel mode: the frames on the kernel stack, by RtlDispatchException; a handler that takes it
 * never returns here (RtlUnwindEx continues at the handler), one that says "continue execution"
 * leaves a changed context, which goes back to the trap frame. When nobody takes it the system
 * stops: 0x7E in a system thread, 0x1E elsewhere. A breakpoint nobody took is skipped when the
 * command line says `ignorebreak`.
 *
 * User mode: ntdll does the search. The context and the record are put on the program's stack and
 * the thread returns to KiUserExceptionDispatcher. When that finds nobody either it raises the
 * exception again, with FirstChance FALSE, and the process ends with the exception's code, as it
 * does when its stack cannot take the frame.
 *
 * The same road leads to user APCs: KiInitUserApc puts the interrupted context on the program's
 * stack, and NtContinue brings the thread back to it.
 */
#include "ke/kip.h"
#include "mm/mm.h"
#include "rtl/rtl.h"
#include "kd/kd.h"
#include "init.h"

/* What KiUserExceptionDispatcher finds at rsp (sdk/ntabi.h). */
typedef struct _KUSER_EXCEPTION_FRAME {
    CONTEXT          Context;
    EXCEPTION_RECORD Record;
} KUSER_EXCEPTION_FRAME, *PKUSER_EXCEPTION_FRAME;

static VOID
KiKernelUnhandled(PEXCEPTION_RECORD Record, PCONTEXT Context, PKTRAP_FRAME TrapFrame)
{
    if (Record->ExceptionCode == STATUS_BREAKPOINT && KeCommandLineOption("ignorebreak", NULL, 0)) {
        CHAR Where[96];

        KdSymbolize(TrapFrame->Rip, Where, sizeof Where);
        DbgPrint("Breakpoint at %p (%s) skipped\n", (PVOID)TrapFrame->Rip, Where);
        TrapFrame->Rip++;
        return;
    }
    if (KeGetCurrentThread()->SystemThread || Record->ExceptionCode == STATUS_BREAKPOINT)
        KiBugCheckFromTrap(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED, (ULONG)Record->ExceptionCode,
            (ULONG_PTR)Record->ExceptionAddress, (ULONG_PTR)Record, (ULONG_PTR)Context, TrapFrame);
    KiBugCheckFromTrap(KMODE_EXCEPTION_NOT_HANDLED, (ULONG)Record->ExceptionCode,
        (ULONG_PTR)Record->ExceptionAddress, Record->ExceptionInformation[0],
        Record->ExceptionInformation[1], TrapFrame);
}

static VOID
KiDispatchKernelException(PEXCEPTION_RECORD Record, PKTRAP_FRAME TrapFrame, BOOLEAN FirstChance)
{
    CONTEXT Context;

    KeTrapFrameToContext(TrapFrame, &Context);
    if (FirstChance && RtlDispatchException(Record, &Context)) {
        KeContextToTrapFrame(TrapFrame, &Context, CONTEXT_FULL, KernelMode);
        return;
    }
    KiKernelUnhandled(Record, &Context, TrapFrame);
}

/*
 * Makes the thread go on at Rip in user mode with rsp at Frame, when it returns through
 * TrapFrame.
 */
static VOID
KiEnterUserAt(PKTRAP_FRAME TrapFrame, PVOID Rip, PVOID Frame)
{
    CONTEXT Control;

    Control.Rip = (ULONG64)Rip;
    Control.Rsp = (ULONG64)Frame;
    Control.EFlags = (ULONG)TrapFrame->EFlags & ~0x500;     // no single step, direction up
    KeContextToTrapFrame(TrapFrame, &Control, CONTEXT_CONTROL, UserMode);
}

/* FALSE if the program's stack cannot take it. */
static BOOLEAN
KiPushUserException(PEXCEPTION_RECORD Record, PKTRAP_FRAME TrapFrame)
{
    PKUSER_EXCEPTION_FRAME Frame;
    CONTEXT                Context;

    if (KeUserExceptionDispatcher == NULL)
        return FALSE;

    KeTrapFrameToContext(TrapFrame, &Context);
    Frame = (PKUSER_EXCEPTION_FRAME)ROUND_DOWN(TrapFrame->Rsp - sizeof *Frame, 16);
    __try {
        ProbeForWrite(Frame, sizeof *Frame, 16);
        RtlCopyMemory(&Frame->Context, &Context, sizeof Context);
        RtlCopyMemory(&Frame->Record, Record, sizeof *Record);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return FALSE;
    }
    KiEnterUserAt(TrapFrame, KeUserExceptionDispatcher, Frame);
    return TRUE;
}

static VOID
KiEndFaultingProcess(NTSTATUS Code, ULONG64 Rip, ULONG_PTR P0, ULONG_PTR P1)
{
    DbgPrint("Process %p ends: exception %08lX at %p (%p, %p)\n", PsGetCurrentProcessId(), Code,
             (PVOID)Rip,
        (PVOID)P0, (PVOID)P1);
    ZwTerminateProcess(NtCurrentProcess(), Code);
}

/* See ke.h. TrapFrame is the exception's; IRQL is the faulting code's. */
VOID
KiDispatchException(PEXCEPTION_RECORD Record, PKTRAP_FRAME TrapFrame, KPROCESSOR_MODE Mode,
                    BOOLEAN FirstChance)
{
    if (Mode == KernelMode) {
        KiDispatchKernelException(Record, TrapFrame, FirstChance);
        return;
    }
    if (!FirstChance || !KiPushUserException(Record, TrapFrame))
        KiEndFaultingProcess(Record->ExceptionCode, (ULONG64)Record->ExceptionAddress,
            Record->ExceptionInformation[0], Record->ExceptionInformation[1]);
}

/*
 * Makes the running thread enter ntdll's KiUserApcDispatcher when it returns through TrapFrame,
 * which is its own entry from user mode; NtContinue will bring back what TrapFrame holds now.
 * IRQL APC_LEVEL.
 */
VOID
KiInitUserApc(PKTRAP_FRAME TrapFrame, PKNORMAL_ROUTINE NormalRoutine, PVOID NormalContext,
              PVOID Arg1, PVOID Arg2)
{
    PCONTEXT Frame = (PCONTEXT)ROUND_DOWN(TrapFrame->Rsp - sizeof(CONTEXT), 16);
    CONTEXT  Context;
    NTSTATUS Status = STATUS_SUCCESS;

    KeTrapFrameToContext(TrapFrame, &Context);
    Context.P1Home = (ULONG64)NormalContext;
    Context.P2Home = (ULONG64)Arg1;
    Context.P3Home = (ULONG64)Arg2;
    Context.P4Home = (ULONG64)NormalRoutine;
    __try {
        ProbeForWrite(Frame, sizeof *Frame, 16);
        RtlCopyMemory(Frame, &Context, sizeof Context);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    if (!NT_SUCCESS(Status) || KeUserApcDispatcher == NULL) {
        KiEndFaultingProcess(Status, TrapFrame->Rip, 1, (ULONG_PTR)Frame);
        return;
    }
    KiEnterUserAt(TrapFrame, KeUserApcDispatcher, Frame);
}

/*
 * Continues the caller at Context (captured). TestAlert: a user APC that waits is delivered
 * first. From kernel mode it does not return. PASSIVE_LEVEL. STATUS_ACCESS_VIOLATION for a bad
 * pointer; otherwise the result is not seen.
 */
NTSTATUS NTAPI
NtContinue(PCONTEXT Context, BOOLEAN TestAlert)
{
    CONTEXT Captured;

    PAGED_CODE();

    if (ExGetPreviousMode() == KernelMode)
        RtlRestoreContext(Context, NULL);

    __try {
        ProbeForRead(Context, sizeof *Context, 16);
        RtlCopyMemory(&Captured, Context, sizeof Captured);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    KeContextToTrapFrame(KeGetCurrentThread()->TrapFrame, &Captured, Captured.ContextFlags,
                         UserMode);
    if (TestAlert)
        KeTestAlertThread(UserMode);
    return STATUS_SUCCESS;
}

static VOID
KiRaiseInKernel(PEXCEPTION_RECORD Record, PCONTEXT Context, BOOLEAN FirstChance)
{
    KTRAP_FRAME TrapFrame;
    CONTEXT     Continue;

    RtlZeroMemory(&TrapFrame, sizeof TrapFrame);
    KeContextToTrapFrame(&TrapFrame, Context, CONTEXT_CONTROL | CONTEXT_INTEGER, KernelMode);
    RtlCopyMemory(&TrapFrame.Xmm0, &Context->Xmm0, 6 * sizeof(M128A));
    TrapFrame.MxCsr = Context->MxCsr;
    KiDispatchException(Record, &TrapFrame, KernelMode, FirstChance);
    KeTrapFrameToContext(&TrapFrame, &Continue);
    RtlRestoreContext(&Continue, NULL);
}

/*
 * Raises Record as if it had happened at Context. FirstChance FALSE: nobody is asked any more.
 * Returns only with a status that says why the caller's pointers were refused. PASSIVE_LEVEL from
 * user mode.
 */
NTSTATUS NTAPI
NtRaiseException(PEXCEPTION_RECORD Record, PCONTEXT Context, BOOLEAN FirstChance)
{
    PKTRAP_FRAME     TrapFrame = KeGetCurrentThread()->TrapFrame;
    EXCEPTION_RECORD CapturedRecord;
    CONTEXT          CapturedContext;

    if (ExGetPreviousMode() == KernelMode) {
        KiRaiseInKernel(Record, Context, FirstChance);
        return STATUS_SUCCESS;
    }

    __try {
        ProbeForRead(Record, sizeof *Record, 8);
        ProbeForRead(Context, sizeof *Context, 16);
        RtlCopyMemory(&CapturedRecord, Record, sizeof CapturedRecord);
        RtlCopyMemory(&CapturedContext, Context, sizeof CapturedContext);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    if (CapturedRecord.NumberParameters > EXCEPTION_MAXIMUM_PARAMETERS)
        return STATUS_INVALID_PARAMETER;

    KeContextToTrapFrame(TrapFrame, &CapturedContext, CapturedContext.ContextFlags, UserMode);
    KiDispatchException(&CapturedRecord, TrapFrame, UserMode, FirstChance);
    return STATUS_SUCCESS;
}

/*
 * Language handler of KiServiceInternal: an exception that leaves a Zw call takes the caller's
 * mode back, and the service frame.
 */
EXCEPTION_DISPOSITION NTAPI
KiServiceInternalHandler(PEXCEPTION_RECORD Record, PVOID EstablisherFrame, PCONTEXT Context,
                         PVOID Dispatcher)
{
    PKTHREAD Thread = KeGetCurrentThread();

    if (Record->ExceptionFlags & (EXCEPTION_UNWINDING | EXCEPTION_EXIT_UNWIND)) {
        Thread->PreviousMode = *((KPROCESSOR_MODE *)EstablisherFrame + SERVICE_AREA + 8);
        Thread->ServiceFrame = *(PVOID *)((PUCHAR)EstablisherFrame + SERVICE_AREA);
    }
    return ExceptionContinueSearch;
}

/* Who called the innermost Zw routine that the running thread is in, or NULL. Any IRQL. */
PVOID
KeServiceCaller(VOID)
{
    PUCHAR Frame = KeGetCurrentThread()->ServiceFrame;

    return Frame != NULL ? *(PVOID *)(Frame + SERVICE_RETURN) : NULL;
}
