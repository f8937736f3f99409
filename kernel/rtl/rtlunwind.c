/*
 * The second pass of exception handling: RtlUnwindEx runs what the frames between here and the
 * target want to be run (__finally blocks), then continues in the target frame. except.c tells
 * the whole story.
 *
 * Two contexts are in play: Current, the registers inside the frame being looked at, and
 * Previous, those of its caller. While the frame is not the target they change roles after each
 * step; at the target Current is what is loaded, with Rip = TargetIp and Rax = ReturnValue.
 */
#include "rtlp.h"

typedef struct _UNWIND_PASS {
    ULONG64            Low, High;           // limits of the stack
    ULONG64            TargetFrame;         // 0: an exit unwind, to the end of the stack
    ULONG64            ReturnValue;
    PEXCEPTION_RECORD  ExceptionRecord;
    ULONG              Flags;
    PCONTEXT           Current, Previous;
    DISPATCHER_CONTEXT Dispatcher;
} UNWIND_PASS, *PUNWIND_PASS;

static VOID
RtlpSwapContexts(PUNWIND_PASS Pass)
{
    PCONTEXT Swap = Pass->Current;

    Pass->Current = Pass->Previous;
    Pass->Previous = Swap;
}

static BOOLEAN
RtlpIsUnwindFrameValid(PUNWIND_PASS Pass)
{
    ULONG64 Frame = Pass->Dispatcher.EstablisherFrame;

    return (Frame & 7) == 0 && Frame >= Pass->Low && Frame < Pass->High &&
           (Pass->TargetFrame == 0 || Frame <= Pass->TargetFrame);
}

/* An older unwind was walked over: take its place, at the frame and scope where it stopped. */
static VOID
RtlpTakeOverUnwind(PUNWIND_PASS Pass)
{
    PDISPATCHER_CONTEXT Dispatcher = &Pass->Dispatcher;
    ULONG64             Frame;
    PVOID               HandlerData;

    *Pass->Current = *Dispatcher->ContextRecord;
    *Pass->Previous = *Pass->Current;
    RtlVirtualUnwind(UNW_FLAG_NHANDLER, Dispatcher->ImageBase, Dispatcher->ControlPc,
                     Dispatcher->FunctionEntry, Pass->Previous, &HandlerData, &Frame, NULL);
    Pass->Flags |= EXCEPTION_COLLIDED_UNWIND;
}

/* Calls the current frame's handler, again after each collided unwind. */
static VOID
RtlpCallUnwindHandlers(PUNWIND_PASS Pass)
{
    PDISPATCHER_CONTEXT   Dispatcher = &Pass->Dispatcher;
    EXCEPTION_DISPOSITION Disposition;

    do {
        if (Dispatcher->EstablisherFrame == Pass->TargetFrame)
            Pass->Flags |= EXCEPTION_TARGET_UNWIND;
        Pass->ExceptionRecord->ExceptionFlags = Pass->Flags;
        Pass->Current->Rax = Pass->ReturnValue;
        Dispatcher->ContextRecord = Pass->Current;
        Disposition = RtlpExecuteHandlerForUnwind(
            Pass->ExceptionRecord, (PVOID)Dispatcher->EstablisherFrame, Pass->Current, Dispatcher);
        Pass->Flags &= ~(EXCEPTION_COLLIDED_UNWIND | EXCEPTION_TARGET_UNWIND);
        if (Disposition == ExceptionCollidedUnwind)
            RtlpTakeOverUnwind(Pass);
        else if (Disposition != ExceptionContinueSearch)
            RtlRaiseStatus(STATUS_INVALID_DISPOSITION);
    } while (Disposition == ExceptionCollidedUnwind);
}

/*
 * Deals with the frame that Current is in; afterwards Current is in its caller, unless it was the
 * target.
 */
static VOID
RtlpUnwindFrame(PUNWIND_PASS Pass)
{
    PDISPATCHER_CONTEXT Dispatcher = &Pass->Dispatcher;

    Dispatcher->ControlPc = Pass->Current->Rip;
    Dispatcher->FunctionEntry = RtlLookupFunctionEntry(Pass->Current->Rip, &Dispatcher->ImageBase,
                                                       NULL);
    if (Dispatcher->FunctionEntry == NULL) {
        if (!RtlpUnwindLeaf(Pass->Current, Pass->Low, Pass->High) ||
            Pass->Current->Rip == Dispatcher->ControlPc)
            RtlRaiseStatus(STATUS_BAD_FUNCTION_TABLE);
        Dispatcher->EstablisherFrame = Pass->Current->Rsp - 8;
        return;
    }

    *Pass->Previous = *Pass->Current;
    Dispatcher->LanguageHandler = RtlVirtualUnwind(
        UNW_FLAG_UHANDLER, Dispatcher->ImageBase, Dispatcher->ControlPc, Dispatcher->FunctionEntry,
        Pass->Previous, &Dispatcher->HandlerData, &Dispatcher->EstablisherFrame, NULL);
    if (!RtlpIsUnwindFrameValid(Pass))
        RtlRaiseStatus(STATUS_BAD_STACK);
    if (Dispatcher->LanguageHandler != NULL) {
        Dispatcher->ScopeIndex = 0;
        RtlpCallUnwindHandlers(Pass);
    }
    if (Dispatcher->EstablisherFrame != Pass->TargetFrame)
        RtlpSwapContexts(Pass);
}

/*
 * Unwinds to TargetFrame and continues at TargetIp with ReturnValue in rax; does not return.
 * TargetFrame NULL is an exit unwind: every handler is called, then the exception counts as
 * unhandled. ExceptionRecord may be NULL. OriginalContext is storage for a context. IRQL as for
 * the __finally blocks on the way.
 */
VOID NTAPI
RtlUnwindEx(PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord, PVOID ReturnValue,
            PCONTEXT OriginalContext, PUNWIND_HISTORY_TABLE HistoryTable)
{
    CONTEXT          Local;
    EXCEPTION_RECORD LocalRecord = { .ExceptionCode = STATUS_UNWIND };
    UNWIND_PASS      Pass = {
        .TargetFrame = (ULONG64)TargetFrame,
        .ReturnValue = (ULONG64)ReturnValue,
        .Flags = EXCEPTION_UNWINDING,
        .Current = OriginalContext,
        .Previous = &Local,
    };

    RtlCaptureContext(OriginalContext);
    if (!RtlpGetStackLimits(&Pass.Low, &Pass.High))
        RtlRaiseStatus(STATUS_BAD_STACK);
    if (ExceptionRecord == NULL) {
        LocalRecord.ExceptionAddress = (PVOID)OriginalContext->Rip;
        ExceptionRecord = &LocalRecord;
    }
    if (TargetFrame == NULL)
        Pass.Flags |= EXCEPTION_EXIT_UNWIND;
    Pass.ExceptionRecord = ExceptionRecord;
    Pass.Dispatcher.TargetIp = (ULONG64)TargetIp;
    Pass.Dispatcher.HistoryTable = HistoryTable;
    Pass.Dispatcher.EstablisherFrame = OriginalContext->Rsp;

    while (Pass.Dispatcher.EstablisherFrame != Pass.TargetFrame && Pass.Current->Rsp < Pass.High)
        RtlpUnwindFrame(&Pass);

    if (Pass.Dispatcher.EstablisherFrame != Pass.TargetFrame)
        RtlpUnhandledException(ExceptionRecord, Pass.Current);
    Pass.Current->Rax = Pass.ReturnValue;
    Pass.Current->Rip = (ULONG64)TargetIp;
    RtlRestoreContext(Pass.Current, ExceptionRecord);
}

/* RtlUnwindEx without storage of the caller's. */
VOID NTAPI
RtlUnwind(PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord, PVOID ReturnValue)
{
    CONTEXT Context;

    RtlUnwindEx(TargetFrame, TargetIp, ExceptionRecord, ReturnValue, &Context, NULL);
}
