/*
 * Structured exception handling: dispatching and unwinding.
 *
 * Dispatch (first pass). RtlDispatchException walks up from where the exception happened and asks
 * each frame's language handler. The handler answers ExceptionContinueExecution (the context may
 * have been mended: resume it), ExceptionContinueSearch (go on), or does not return: it has taken
 * the exception and calls RtlUnwindEx.
 *
 * Unwind (second pass). RtlUnwindEx walks from itself to the target frame and calls each handler
 * again, with EXCEPTION_UNWINDING, so that __finally blocks run; at the target it loads the
 * registers and continues at TargetIp with ReturnValue in rax.
 *
 * Exceptions inside handlers. Handlers are called by two assembly stubs (context.S) that have
 * handlers of their own:
 *
 *   (1) an exception inside an exception handler, while still in dispatch, walks over the stub's
 *       frame and is told ExceptionNestedException with the frame that was being asked: until the
 *       walk has passed that frame, records carry EXCEPTION_NESTED_CALL;
 *   (2) an exception or unwind that walks over the stub of an unwinding handler is told
 *       ExceptionCollidedUnwind with the older unwind's state, and goes on from there: at the
 *       frame and scope that the older one had reached, so that no __finally block runs twice.
 *
 * Every frame is checked against the stack's limits before it is believed.
 */
#include "rtlp.h"

/* One pass over the stack: where it is, and the handler it is about to call. */
typedef struct _DISPATCH {
    ULONG64            Low, High;           // limits of the stack
    PCONTEXT           Context;             // registers of the caller of the frame looked at
    DISPATCHER_CONTEXT Dispatcher;
} DISPATCH, *PDISPATCH;

static BOOLEAN
RtlpIsFrameValid(PDISPATCH Dispatch)
{
    ULONG64 Frame = Dispatch->Dispatcher.EstablisherFrame;

    return (Frame & 7) == 0 && Frame >= Dispatch->Low && Frame < Dispatch->High;
}

/*
 * Handler of RtlpExecuteHandlerForException's own frame: (1). The stub keeps Dispatcher at
 * EstablisherFrame + 0x20.
 */
EXCEPTION_DISPOSITION
RtlpNestedExceptionHandler(PEXCEPTION_RECORD ExceptionRecord, PVOID EstablisherFrame,
                           PCONTEXT ContextRecord, PDISPATCHER_CONTEXT Dispatcher)
{
    PDISPATCHER_CONTEXT Interrupted = *(PDISPATCHER_CONTEXT *)((PUCHAR)EstablisherFrame + 0x20);

    UNREFERENCED_PARAMETER(ContextRecord);
    if ((ExceptionRecord->ExceptionFlags & EXCEPTION_UNWIND) != 0)
        return ExceptionContinueSearch;

    Dispatcher->EstablisherFrame = Interrupted->EstablisherFrame;
    return ExceptionNestedException;
}

/* Handler of RtlpExecuteHandlerForUnwind's own frame: (2). */
EXCEPTION_DISPOSITION
RtlpCollidedUnwindHandler(PEXCEPTION_RECORD ExceptionRecord, PVOID EstablisherFrame,
                          PCONTEXT ContextRecord, PDISPATCHER_CONTEXT Dispatcher)
{
    PDISPATCHER_CONTEXT Interrupted = *(PDISPATCHER_CONTEXT *)((PUCHAR)EstablisherFrame + 0x20);
    ULONG64             TargetIp = Dispatcher->TargetIp;

    UNREFERENCED_PARAMETER(ExceptionRecord);
    UNREFERENCED_PARAMETER(ContextRecord);
    *Dispatcher = *Interrupted;
    Dispatcher->TargetIp = TargetIp;
    return ExceptionCollidedUnwind;
}

/*
 * Asks the handler of the current frame, and again after a collided unwind has moved the walk
 * elsewhere. Returns TRUE when the exception was dealt with.
 */
static BOOLEAN
RtlpCallExceptionHandlers(PDISPATCH Dispatch, PEXCEPTION_RECORD ExceptionRecord,
                          PCONTEXT ContextRecord, PULONG Flags, PULONG64 NestedFrame)
{
    PDISPATCHER_CONTEXT   Dispatcher = &Dispatch->Dispatcher;
    EXCEPTION_DISPOSITION Disposition;

    for (;;) {
        ULONG64 Frame = Dispatcher->EstablisherFrame;

        ExceptionRecord->ExceptionFlags = *Flags;
        Disposition = RtlpExecuteHandlerForException(ExceptionRecord, (PVOID)Frame, ContextRecord,
                                                     Dispatcher);
        *Flags |= ExceptionRecord->ExceptionFlags & EXCEPTION_NONCONTINUABLE;
        if (*NestedFrame == Frame) {
            *Flags &= ~EXCEPTION_NESTED_CALL;
            *NestedFrame = 0;
        }

        switch (Disposition) {
        case ExceptionContinueExecution:
            if ((*Flags & EXCEPTION_NONCONTINUABLE) != 0)
                RtlRaiseStatus(STATUS_NONCONTINUABLE_EXCEPTION);
            return TRUE;
        case ExceptionContinueSearch:
            return FALSE;
        case ExceptionNestedException:
            *Flags |= EXCEPTION_NESTED_CALL;
            if (Dispatcher->EstablisherFrame > *NestedFrame)
                *NestedFrame = Dispatcher->EstablisherFrame;
            Dispatcher->EstablisherFrame = Frame;
            return FALSE;
        case ExceptionCollidedUnwind:
            *Dispatch->Context = *Dispatcher->ContextRecord;
            Dispatcher->ContextRecord = Dispatch->Context;
            RtlVirtualUnwind(UNW_FLAG_NHANDLER, Dispatcher->ImageBase, Dispatcher->ControlPc,
                             Dispatcher->FunctionEntry, Dispatch->Context, &Dispatcher->HandlerData,
                             &Dispatcher->EstablisherFrame, NULL);
            continue;
        default:
            RtlRaiseStatus(STATUS_INVALID_DISPOSITION);
        }
    }
}

/*
 * Looks for a handler of ExceptionRecord, which happened with the registers ContextRecord on the
 * current stack. Returns TRUE if a filter wants execution to resume with *ContextRecord (which it
 * may have changed), FALSE if nobody took the exception. Does not return if a handler did. Any
 * IRQL; the caller's stack must be resident.
 */
BOOLEAN NTAPI
RtlDispatchException(PEXCEPTION_RECORD ExceptionRecord, PCONTEXT ContextRecord)
{
    CONTEXT             Context = *ContextRecord;
    DISPATCH            Dispatch = { .Context = &Context };
    PDISPATCHER_CONTEXT Dispatcher = &Dispatch.Dispatcher;
    ULONG               Flags = ExceptionRecord->ExceptionFlags & EXCEPTION_NONCONTINUABLE;
    ULONG64             NestedFrame = 0;

    if (!RtlpGetStackLimits(&Dispatch.Low, &Dispatch.High))
        return FALSE;

    Dispatcher->EstablisherFrame = Context.Rsp;
    while (RtlpIsFrameValid(&Dispatch)) {
        Dispatcher->ControlPc = Context.Rip;
        Dispatcher->FunctionEntry = RtlLookupFunctionEntry(Context.Rip, &Dispatcher->ImageBase,
                                                           NULL);
        if (Dispatcher->FunctionEntry == NULL) {
            if (!RtlpUnwindLeaf(&Context, Dispatch.Low, Dispatch.High) ||
                Context.Rip == Dispatcher->ControlPc)
                break;
            Dispatcher->EstablisherFrame = Context.Rsp;
            continue;
        }

        Dispatcher->LanguageHandler = RtlVirtualUnwind(
            UNW_FLAG_EHANDLER, Dispatcher->ImageBase, Dispatcher->ControlPc,
            Dispatcher->FunctionEntry, &Context, &Dispatcher->HandlerData,
            &Dispatcher->EstablisherFrame, NULL);
        if (!RtlpIsFrameValid(&Dispatch))
            break;
        if (Dispatcher->LanguageHandler != NULL) {
            Dispatcher->ContextRecord = &Context;
            Dispatcher->ScopeIndex = 0;
            if (RtlpCallExceptionHandlers(&Dispatch, ExceptionRecord, ContextRecord, &Flags,
                                          &NestedFrame))
                return TRUE;
        }
        Dispatcher->EstablisherFrame = Context.Rsp;
    }

    if (Dispatcher->EstablisherFrame != Dispatch.High)
        Flags |= EXCEPTION_STACK_INVALID;
    ExceptionRecord->ExceptionFlags = Flags;
    return FALSE;
}

/*
 * Raises ExceptionRecord where the caller stands; ExceptionAddress is filled in. Returns if a
 * filter asked to continue. IRQL as for the handlers it reaches.
 */
VOID NTAPI
RtlRaiseException(PEXCEPTION_RECORD ExceptionRecord)
{
    CONTEXT           Context, Caller;
    ULONG64           ImageBase, Frame;
    PVOID             HandlerData;
    PRUNTIME_FUNCTION Entry;

    RtlCaptureContext(&Context);
    Caller = Context;
    Entry = RtlLookupFunctionEntry(Context.Rip, &ImageBase, NULL);
    if (Entry != NULL)
        RtlVirtualUnwind(UNW_FLAG_NHANDLER, ImageBase, Context.Rip, Entry, &Caller, &HandlerData,
                         &Frame, NULL);

    ExceptionRecord->ExceptionAddress = (PVOID)Caller.Rip;
    if (RtlDispatchException(ExceptionRecord, &Caller))
        RtlRestoreContext(&Caller, ExceptionRecord);
    RtlpUnhandledException(ExceptionRecord, &Caller);
}

/* Raises Status as an exception that cannot be continued. */
DECLSPEC_NORETURN VOID NTAPI
RtlRaiseStatus(NTSTATUS Status)
{
    EXCEPTION_RECORD Record = {
        .ExceptionCode = Status,
        .ExceptionFlags = EXCEPTION_NONCONTINUABLE,
    };

    RtlRaiseException(&Record);
    __builtin_unreachable();
}
