/*
 * The user side of a thread: stack, TEB and first context.
 *
 * The stack is one reservation. Its top is committed, the page below that is a guard page, and a
 * touch there commits one more (mm/fault.c), which is why the TEB records the limits. The first
 * CONTEXT stands near the top of the stack:
 *
 *   StackBase - 0x28            rsp of RtlUserThreadStart, which the context below describes
 *   ...  CONTEXT                Rip = RtlUserThreadStart, Rcx = start routine, Rdx = argument
 *   CONTEXT - 0x28              rsp of LdrInitializeThunk(CONTEXT *, ntdll), where the thread
 *                               enters user mode
 */
#include "ps/psp.h"

#define PSP_DEFAULT_RESERVE (1024 * 1024)
#define PSP_DEFAULT_COMMIT  (16 * 1024)
#define PSP_MAXIMUM_RESERVE (256ULL * 1024 * 1024)
#define PSP_INITIAL_EFLAGS  0x202

PVOID PspLdrInitializeThunk, PspRtlUserThreadStart, PspNtdllBase;
PVOID KeUserExceptionDispatcher, KeUserApcDispatcher;

/* Reserves the stack, commits its top and lays the guard page; in the current process. */
static NTSTATUS
PspAllocateStack(SIZE_T Reserve, SIZE_T Commit, PVOID *Allocation, PVOID *Limit, PVOID *Base)
{
    PVOID    Address = NULL, Guard;
    NTSTATUS Status;

    Reserve = ROUND_UP(Reserve != 0 ? Reserve : PSP_DEFAULT_RESERVE, 0x10000);
    Commit = ROUND_UP(Commit != 0 ? Commit : PSP_DEFAULT_COMMIT, PAGE_SIZE);
    if (Commit + 2 * PAGE_SIZE > Reserve)
        Reserve = ROUND_UP(Commit + 2 * PAGE_SIZE, 0x10000);
    if (Reserve > PSP_MAXIMUM_RESERVE)
        return STATUS_NO_MEMORY;

    Status = MmAllocateUserMemory(&Address, Reserve, MEM_RESERVE, PAGE_READWRITE);
    if (!NT_SUCCESS(Status))
        return Status;
    *Allocation = Address;
    *Base = (PUCHAR)Address + Reserve;
    *Limit = (PUCHAR)*Base - Commit;
    Guard = (PUCHAR)*Limit - PAGE_SIZE;
    Status = MmAllocateUserMemory(Limit, Commit, MEM_COMMIT, PAGE_READWRITE);
    if (NT_SUCCESS(Status))
        Status = MmAllocateUserMemory(&Guard, PAGE_SIZE, MEM_COMMIT, PAGE_READWRITE | PAGE_GUARD);
    return Status;
}

/* Fills the TEB and the two contexts; everything written is the new thread's own memory. */
static NTSTATUS
PspFillUserStack(PEPROCESS Process, PTEB Teb, PVOID Allocation, PVOID Limit, PVOID Base,
                 PVOID StartRoutine, PVOID Argument, PPSP_USER_START Start)
{
    PCONTEXT First = (PCONTEXT)(((ULONG_PTR)Base - 0x100 - sizeof(CONTEXT)) & ~15ULL);
    PCONTEXT Entry = &Start->Context;

    RtlZeroMemory(Entry, sizeof *Entry);
    Entry->ContextFlags = CONTEXT_FULL;
    Entry->EFlags = PSP_INITIAL_EFLAGS;
    Entry->SegCs = KGDT64_R3_CODE | RPL_USER;
    Entry->SegSs = Entry->SegDs = Entry->SegEs = KGDT64_R3_DATA | RPL_USER;
    Entry->MxCsr = 0x1F80;
    Entry->FltSave.ControlWord = 0x27F;
    Entry->FltSave.MxCsr = 0x1F80;
    Entry->Rip = (ULONG64)PspRtlUserThreadStart;
    Entry->Rsp = (ULONG64)Base - 0x28;
    Entry->Rcx = (ULONG64)StartRoutine;
    Entry->Rdx = (ULONG64)Argument;

    __try {
        Teb->NtTib.Self = &Teb->NtTib;
        Teb->NtTib.StackBase = Base;
        Teb->NtTib.StackLimit = Limit;
        Teb->DeallocationStack = Allocation;
        Teb->ProcessEnvironmentBlock = Process->Peb;
        *First = *Entry;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }

    Entry->Rip = (ULONG64)PspLdrInitializeThunk;
    Entry->Rsp = (ULONG64)First - 0x28;
    Entry->Rcx = (ULONG64)First;
    Entry->Rdx = (ULONG64)PspNtdllBase;
    Start->Teb = Teb;
    return STATUS_SUCCESS;
}

NTSTATUS
PspCreateUserStack(PEPROCESS Process, PVOID StartRoutine, PVOID Argument, SIZE_T Reserve,
                   SIZE_T Commit, PPSP_USER_START Start)
{
    KAPC_STATE ApcState;
    PVOID      Teb = NULL, Allocation = NULL, Limit, Base;
    SIZE_T     Size = 0;
    NTSTATUS   Status;

    KeStackAttachProcess(&Process->Pcb, &ApcState);
    Status = MmAllocateUserMemory(&Teb, ROUND_UP(sizeof(TEB), PAGE_SIZE),
                                  MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (NT_SUCCESS(Status))
        Status = PspAllocateStack(Reserve, Commit, &Allocation, &Limit, &Base);
    if (NT_SUCCESS(Status))
        Status = PspFillUserStack(Process, Teb, Allocation, Limit, Base, StartRoutine, Argument,
                                  Start);
    if (!NT_SUCCESS(Status)) {
        if (Allocation != NULL)
            ZwFreeVirtualMemory(NtCurrentProcess(), &Allocation, &Size, MEM_RELEASE);
        Size = 0;
        if (Teb != NULL)
            ZwFreeVirtualMemory(NtCurrentProcess(), &Teb, &Size, MEM_RELEASE);
    }
    KeUnstackDetachProcess(&ApcState);
    return Status;
}

/*
 * The TEB is the program's to change: what it says is only used to free memory of its own
 * process.
 */
VOID
PspDeleteUserStack(PVOID Teb)
{
    PVOID  Stack = NULL;
    SIZE_T Size = 0;

    __try {
        Stack = ((PTEB)Teb)->DeallocationStack;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Stack = NULL;
    }
    if (Stack != NULL)
        ZwFreeVirtualMemory(NtCurrentProcess(), &Stack, &Size, MEM_RELEASE);
    Size = 0;
    ZwFreeVirtualMemory(NtCurrentProcess(), &Teb, &Size, MEM_RELEASE);
}
