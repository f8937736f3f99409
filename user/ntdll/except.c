/*
 * Exceptions of a program. The kernel brings each one to KiUserExceptionDispatcher (dispatch.S)
 * and so to RtlpDispatchUserException: first the vectored handlers, in their order, then the
 * frames' handlers (RtlDispatchException, shared with the kernel). One that a handler dismisses
 * continues where it happened; one that nobody takes goes back to the kernel as a second chance
 * and ends the process.
 *
 * As RtlUserThreadStart is the outermost frame, its filter (RtlpTopLevelFilter) is reached before
 * that: it asks the filter of SetUnhandledExceptionFilter, if there is one, and otherwise says in
 * a sentence what happened and where.
 *
 * At the end, what kernel/rtl asks of its host: the limits of the stack and the image around an
 * address.
 */
#include "ntdllp.h"
#include "asm.h"

#define RTLP_MAX_VECTORED   16

static PVECTORED_EXCEPTION_HANDLER  RtlpVectored[RTLP_MAX_VECTORED];
static ULONG                        RtlpVectoredCount;
static PTOP_LEVEL_EXCEPTION_FILTER  RtlpUserFilter;

_Static_assert(sizeof(CONTEXT) == CxSize && FIELD_OFFSET(CONTEXT, Rip) == CxRip
    && FIELD_OFFSET(CONTEXT, Xmm6) == CxXmm6 && FIELD_OFFSET(CONTEXT, Rbx) == CxRbx
    && FIELD_OFFSET(CONTEXT, R12) == CxR12 && FIELD_OFFSET(CONTEXT, SegCs) == CxSegCs
    && FIELD_OFFSET(CONTEXT, SegSs) == CxSegSs && FIELD_OFFSET(CONTEXT, EFlags) == CxEFlags,
    "asm.h agrees with CONTEXT");

static BOOLEAN
RtlpCallVectored(PEXCEPTION_RECORD Record, PCONTEXT Context)
{
    EXCEPTION_POINTERS Pointers = { Record, Context };

    for (ULONG Index = 0; Index < RtlpVectoredCount; Index++)
        if (RtlpVectored[Index](&Pointers) == EXCEPTION_CONTINUE_EXECUTION)
            return TRUE;
    return FALSE;
}

/* Called by KiUserExceptionDispatcher; does not return. */
VOID
RtlpDispatchUserException(PEXCEPTION_RECORD Record, PCONTEXT Context)
{
    NTSTATUS         Status;
    EXCEPTION_RECORD Nested;

    if (RtlpCallVectored(Record, Context) || RtlDispatchException(Record, Context))
        Status = NtContinue(Context, FALSE);
    else
        Status = NtRaiseException(Record, Context, FALSE);

    // only if the context was not acceptable
    memset(&Nested, 0, sizeof Nested);
    Nested.ExceptionCode = Status;
    Nested.ExceptionFlags = EXCEPTION_NONCONTINUABLE;
    Nested.ExceptionRecord = Record;
    RtlRaiseException(&Nested);
}

PVOID NTAPI
RtlAddVectoredExceptionHandler(ULONG First, PVECTORED_EXCEPTION_HANDLER Handler)
{
    PVOID Result = NULL;

    RtlEnterCriticalSection(&LdrpLoaderLock);
    if (RtlpVectoredCount < RTLP_MAX_VECTORED) {
        ULONG At = First ? 0 : RtlpVectoredCount;

        memmove(RtlpVectored + At + 1, RtlpVectored + At,
            (RtlpVectoredCount - At) * sizeof RtlpVectored[0]);
        RtlpVectored[At] = Handler;
        RtlpVectoredCount++;
        Result = (PVOID)Handler;
    }
    RtlLeaveCriticalSection(&LdrpLoaderLock);
    return Result;
}

ULONG NTAPI
RtlRemoveVectoredExceptionHandler(PVOID Handle)
{
    ULONG Found = 0;

    RtlEnterCriticalSection(&LdrpLoaderLock);
    for (ULONG Index = 0; Index < RtlpVectoredCount && !Found; Index++) {
        if ((PVOID)RtlpVectored[Index] != Handle)
            continue;
        RtlpVectoredCount--;
        memmove(RtlpVectored + Index, RtlpVectored + Index + 1,
            (RtlpVectoredCount - Index) * sizeof RtlpVectored[0]);
        Found = 1;
    }
    RtlLeaveCriticalSection(&LdrpLoaderLock);
    return Found;
}

VOID NTAPI
RtlSetUnhandledExceptionFilter(PTOP_LEVEL_EXCEPTION_FILTER Filter)
{
    RtlpUserFilter = Filter;
}

static VOID
RtlpSayUnhandled(PEXCEPTION_RECORD Record)
{
    static const PCSTR    Accesses[] = { "reading", "writing", "executing" };
    NTSTATUS              Code = Record->ExceptionCode;
    PLDR_DATA_TABLE_ENTRY Module = LdrpFindByAddress(Record->ExceptionAddress);
    UNICODE_STRING        Nowhere = { 18, 18, L"no module" };
    PUNICODE_STRING       Name = Module ? &Module->BaseDllName : &Nowhere;
    ULONG64               Offset = (ULONG64)Record->ExceptionAddress - (Module
        ? (ULONG64)Module->DllBase : 0);
    ULONG64               Access = Record->NumberParameters >= 2
        ? Record->ExceptionInformation[0] : 0;

    if (Code == STATUS_ACCESS_VIOLATION || Code == STATUS_IN_PAGE_ERROR)
        RtlpSay("%s: unhandled exception 0x%08X %s %s 0x%llx at %wZ+0x%llx\n", RtlpProgramName(),
            Code, RtlpStatusName(Code), Accesses[Access == 8 ? 2 : Access == 1],
            (ULONG64)Record->ExceptionInformation[1], Name, Offset);
    else
        RtlpSay("%s: unhandled exception 0x%08X %s at %wZ+0x%llx\n", RtlpProgramName(), Code,
            RtlpStatusName(Code), Name, Offset);
}

LONG
RtlpTopLevelFilter(PEXCEPTION_POINTERS Pointers)
{
    LONG Answer;

    if (RtlpUserFilter) {
        Answer = RtlpUserFilter(Pointers);
        if (Answer != EXCEPTION_CONTINUE_SEARCH)
            return Answer;
    }
    RtlpSayUnhandled(Pointers->ExceptionRecord);
    return EXCEPTION_EXECUTE_HANDLER;
}

/* kernel32's UnhandledExceptionFilter: for programs that call it from a filter of their own. */
LONG NTAPI
RtlUnhandledExceptionFilter(PEXCEPTION_POINTERS Pointers)
{
    return RtlpTopLevelFilter(Pointers);
}

BOOLEAN
RtlpGetStackLimits(PULONG64 Low, PULONG64 High)
{
    PTEB Teb = (PTEB)NtCurrentTeb();

    *Low = Teb->DeallocationStack ? (ULONG64)Teb->DeallocationStack
        : (ULONG64)Teb->NtTib.StackLimit;
    *High = (ULONG64)Teb->NtTib.StackBase;
    return TRUE;
}

PVOID
RtlpFindImage(PVOID Pc, PULONG SizeOfImage)
{
    PLDR_DATA_TABLE_ENTRY Module = LdrpFindByAddress(Pc);

    if (Module == NULL)
        return NULL;
    *SizeOfImage = Module->SizeOfImage;
    return Module->DllBase;
}
