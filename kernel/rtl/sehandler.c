/*
 * __C_specific_handler: the language handler of every C function with __try.
 *
 * Its data is a scope table: a count, then for each __try, innermost first, the range of code,
 * the filter (or 1 for a constant EXCEPTION_EXECUTE_HANDLER, or the __finally block), and where
 * the __except block starts, 0 for __finally. During dispatch the filters of the scopes around
 * the control pc are asked; during an unwind their __finally blocks are run.
 * DISPATCHER_CONTEXT.ScopeIndex remembers how far the table has been worked through: it is
 * advanced before a block is called, so that an exception out of a __finally goes on behind it.
 */
#include "rtlp.h"

typedef struct _SCOPE_RECORD {
    ULONG BeginAddress, EndAddress;     // RVAs; the end is past the last instruction
    ULONG HandlerAddress;               // filter, 1, or __finally block
    ULONG JumpTarget;                   // __except block, or 0
} SCOPE_RECORD, *PSCOPE_RECORD;

typedef struct _SCOPE_TABLE {
    ULONG        Count;
    SCOPE_RECORD ScopeRecord[];
} SCOPE_TABLE, *PSCOPE_TABLE;

typedef LONG (*PSCOPE_FILTER)(PEXCEPTION_POINTERS Pointers, PVOID EstablisherFrame);
typedef VOID (*PSCOPE_FINALLY)(BOOLEAN AbnormalTermination, PVOID EstablisherFrame);

static BOOLEAN
RtlpScopeHolds(PSCOPE_RECORD Scope, ULONG64 Rva)
{
    return Rva >= Scope->BeginAddress && Rva < Scope->EndAddress;
}

static EXCEPTION_DISPOSITION
RtlpAskFilters(PEXCEPTION_RECORD ExceptionRecord, PVOID EstablisherFrame, PCONTEXT ContextRecord,
               PDISPATCHER_CONTEXT Dispatcher, PSCOPE_TABLE Table)
{
    EXCEPTION_POINTERS Pointers = { ExceptionRecord, ContextRecord };
    ULONG64            Base = Dispatcher->ImageBase;
    ULONG              Index;

    for (Index = Dispatcher->ScopeIndex; Index < Table->Count; Index += 1) {
        PSCOPE_RECORD Scope = &Table->ScopeRecord[Index];
        LONG          Answer = EXCEPTION_EXECUTE_HANDLER;

        if (!RtlpScopeHolds(Scope, Dispatcher->ControlPc - Base) || Scope->JumpTarget == 0)
            continue;
        if (Scope->HandlerAddress != 1)
            Answer = ((PSCOPE_FILTER)(Base + Scope->HandlerAddress))(&Pointers, EstablisherFrame);
        if (Answer < 0)
            return ExceptionContinueExecution;
        if (Answer > 0)                 // __except code finds the exception's code in rax
            RtlUnwindEx(EstablisherFrame, (PVOID)(Base + Scope->JumpTarget), ExceptionRecord,
                        (PVOID)(ULONG_PTR)(ULONG)ExceptionRecord->ExceptionCode,
                        Dispatcher->ContextRecord, Dispatcher->HistoryTable);
    }
    return ExceptionContinueSearch;
}

static EXCEPTION_DISPOSITION
RtlpRunFinallyBlocks(PEXCEPTION_RECORD ExceptionRecord, PVOID EstablisherFrame,
                     PDISPATCHER_CONTEXT Dispatcher, PSCOPE_TABLE Table)
{
    ULONG64 Base = Dispatcher->ImageBase;
    ULONG64 Target = Dispatcher->TargetIp - Base;
    BOOLEAN IsTarget = (ExceptionRecord->ExceptionFlags & EXCEPTION_TARGET_UNWIND) != 0;
    ULONG   Index;

    for (Index = Dispatcher->ScopeIndex; Index < Table->Count; Index += 1) {
        PSCOPE_RECORD Scope = &Table->ScopeRecord[Index];

        if (!RtlpScopeHolds(Scope, Dispatcher->ControlPc - Base))
            continue;
        if (IsTarget && (RtlpScopeHolds(Scope, Target) ||
                         (Scope->JumpTarget != 0 && Scope->JumpTarget == Target)))
            break;                      // control stays in this scope and all those around it
        if (Scope->JumpTarget == 0) {
            Dispatcher->ScopeIndex = Index + 1;
            ((PSCOPE_FINALLY)(Base + Scope->HandlerAddress))(TRUE, EstablisherFrame);
        }
    }
    return ExceptionContinueSearch;
}

/* A PEXCEPTION_ROUTINE; called by RtlDispatchException and RtlUnwindEx only. */
EXCEPTION_DISPOSITION __cdecl
__C_specific_handler(PEXCEPTION_RECORD ExceptionRecord, PVOID EstablisherFrame,
                     PCONTEXT ContextRecord,
                     PDISPATCHER_CONTEXT Dispatcher)
{
    PSCOPE_TABLE Table = Dispatcher->HandlerData;

    if ((ExceptionRecord->ExceptionFlags & EXCEPTION_UNWIND) == 0)
        return RtlpAskFilters(ExceptionRecord, EstablisherFrame, ContextRecord, Dispatcher, Table);
    return RtlpRunFinallyBlocks(ExceptionRecord, EstablisherFrame, Dispatcher, Table);
}
