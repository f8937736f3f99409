/*
 * Page faults.
 *
 * User addresses: the PTE alone says what to do (mmp.h). Never touched: a zeroed frame, which was
 * promised when the page was committed. Guard: the flag goes and the program is told; if it was
 * the guard page of the running thread's stack, the next page down becomes the guard instead and
 * the program goes on, until the stack's last page. Both kinds of mode come here alike: the
 * kernel touches user buffers inside __try, and what cannot be resolved becomes its exception.
 *
 * System addresses: only paged pool resolves, and only below DISPATCH_LEVEL. Everything else is
 * somebody's mistake and ends the system, with the code that says whose:
 *
 *   0x0A, 0xD1  touched at DISPATCH_LEVEL or above what may be paged out or is not there; 0xD1 if
 *               a driver's code did it
 *   0x50        not there                    0xBE  written, but read-only
 *   0xFC        executed, but no code        0xCE  code of a driver that was unloaded
 *
 * The process' AddressCreationLock is taken for user addresses, never for system addresses.
 */
#include "mm/section.h"
#include "mm/image.h"
#include "kd/kd.h"

#define FAULT_PRESENT       0x01
#define FAULT_WRITE         0x02
#define FAULT_FETCH         0x10

#define CR4_SMAP            (1ULL << 21)
#define EFLAGS_AC           0x40000

static ULONG
MiAccessType(ULONG64 ErrorCode)
{
    return ErrorCode & FAULT_FETCH ? 8 : ErrorCode & FAULT_WRITE ? 1 : 0;
}

static DECLSPEC_NORETURN VOID
MiFaultAtHighIrql(ULONG64 ErrorCode, PVOID Address, PKTRAP_FRAME TrapFrame)
{
    PKLDR_DATA_TABLE_ENTRY Module = MmFindModule((PVOID)TrapFrame->Rip);
    BOOLEAN                Driver = Module != NULL &&
        &Module->InLoadOrderLinks != PsLoadedModuleList.Flink;

    if (MmFindUnloadedModule(Address) != NULL && Address == (PVOID)TrapFrame->Rip)
        KiBugCheckFromTrap(DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS,
                           (ULONG_PTR)Address,
            MiAccessType(ErrorCode), TrapFrame->Rip, 0, TrapFrame);
    KiBugCheckFromTrap(Driver ? DRIVER_IRQL_NOT_LESS_OR_EQUAL : IRQL_NOT_LESS_OR_EQUAL,
                       (ULONG_PTR)Address,
        TrapFrame->PreviousIrql, MiAccessType(ErrorCode), TrapFrame->Rip, TrapFrame);
}

/* A system address that nothing may resolve. */
static DECLSPEC_NORETURN VOID
MiFatalFault(ULONG64 ErrorCode, PVOID Address, ULONG64 Pte, PKTRAP_FRAME TrapFrame)
{
    if (MmFindUnloadedModule(Address) != NULL)
        KiBugCheckFromTrap(DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS,
                           (ULONG_PTR)Address,
            MiAccessType(ErrorCode), TrapFrame->Rip, 0, TrapFrame);
    if ((Pte & PTE_VALID) && (ErrorCode & FAULT_FETCH))
        KiBugCheckFromTrap(ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY, (ULONG_PTR)Address, Pte,
                           (ULONG_PTR)TrapFrame, 2,
            TrapFrame);
    if ((Pte & PTE_VALID) && (ErrorCode & FAULT_WRITE))
        KiBugCheckFromTrap(ATTEMPTED_WRITE_TO_READONLY_MEMORY, (ULONG_PTR)Address, Pte,
                           (ULONG_PTR)TrapFrame, 10,
            TrapFrame);
    KiBugCheckFromTrap(PAGE_FAULT_IN_NONPAGED_AREA, (ULONG_PTR)Address, MiAccessType(ErrorCode),
                       TrapFrame->Rip, 0,
        TrapFrame);
}

/*
 * TRUE if a valid Pte allows what was tried: somebody resolved the fault first, or a stale
 * translation caused it.
 */
static BOOLEAN
MiIsAllowed(ULONG64 Pte, ULONG64 ErrorCode)
{
    return (Pte & PTE_VALID) && !((ErrorCode & FAULT_WRITE) && !(Pte & PTE_WRITE)) &&
           !((ErrorCode & FAULT_FETCH) && (Pte & PTE_NX));
}

static NTSTATUS
MiSystemFault(ULONG64 ErrorCode, PVOID Address, PKTRAP_FRAME TrapFrame)
{
    PULONG64 Pte = MiFindSystemPte(Address);
    ULONG64  Value = Pte == NULL ? 0 : *(volatile ULONG64 *)Pte;

    if (MiIsAllowed(Value, ErrorCode)) {
        __invlpg(Address);
        return STATUS_SUCCESS;
    }
    if (!(Value & PTE_VALID)) {
        if (TrapFrame->PreviousIrql >= DISPATCH_LEVEL)
            MiFaultAtHighIrql(ErrorCode, Address, TrapFrame);
        if (MiIsPagedPool(Address) && Pte != NULL && MiFaultInPoolPage(Pte))
            return STATUS_SUCCESS;
    }
    MiFatalFault(ErrorCode, Address, Value, TrapFrame);
}

#define STACK_OVERFLOW_ROOM     (4 * PAGE_SIZE)

/*
 * The guard page at Page was touched and is an ordinary page now. If it was this thread's stack,
 * moves the guard down.
 */
static NTSTATUS
MiGrowStack(PMM_PROCESS Mm, ULONG64 Page)
{
    PTEB     Teb = KeGetCurrentThread()->Teb;
    ULONG64  Low, Limit, Next = Page - PAGE_SIZE;
    NTSTATUS Status;

    if (Teb == NULL || &((PEPROCESS)KeGetCurrentThread()->Process)->Mm != Mm)
        return STATUS_GUARD_PAGE_VIOLATION;
    // user memory, from a trap; the return restores it
    __writeeflags(__readeflags() | EFLAGS_AC);
    __try {
        Low = (ULONG64)Teb->DeallocationStack;
        Limit = (ULONG64)Teb->NtTib.StackLimit;
        if (Low == 0 || Page < Low || Page >= Limit)
            return STATUS_GUARD_PAGE_VIOLATION;
        Teb->NtTib.StackLimit = (PVOID)Page;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return STATUS_GUARD_PAGE_VIOLATION;
    }
    // The last page of a stack is never given; those before it are left to the handlers of the
    // overflow, which need room for the exception's context and their own frames.
    ExAcquireFastMutex(&Mm->AddressCreationLock);
    if (Next <= Low + STACK_OVERFLOW_ROOM) {
        if (Page > Low + PAGE_SIZE)
            MiCommitLocked(Mm, Low + PAGE_SIZE, Page, MI_READWRITE);
        Status = STATUS_STACK_OVERFLOW;
    } else {
        Status = MiCommitLocked(Mm, Next, Page, MI_READWRITE | MI_GUARD);
    }
    ExReleaseFastMutex(&Mm->AddressCreationLock);
    return NT_SUCCESS(Status) ? STATUS_SUCCESS : STATUS_STACK_OVERFLOW;
}

/* Makes a committed page valid with its rights. */
static NTSTATUS
MiMakeValidLocked(PULONG64 Pte, ULONG Protection)
{
    PFN_NUMBER Pfn = *Pte & PTE_TRANSITION ? PTE_TO_PFN(*Pte) : MiAllocateFrame(TRUE);
    ULONG64    Rights;

    if (Pfn == 0)
        return STATUS_NO_MEMORY;
    Rights = MiUserRights(Protection) | (*Pte & PTE_SHARED);
    if ((*Pte & PTE_SHARED) && (Protection & 3) == MI_WRITECOPY)
        Rights &= ~PTE_WRITE;                       // a write comes here again, and copies
    *Pte = PFN_TO_PTE(Pfn) | Rights | PTE_COMMITTED | ((ULONG64)Protection << PTE_PROTECT_SHIFT);
    return STATUS_SUCCESS;
}

static NTSTATUS
MiResolveUserLocked(PMM_PROCESS Mm, ULONG64 ErrorCode, PVOID Address)
{
    PULONG64 Pte = MiFindPte(MiCurrentPml4(), Address);
    ULONG64  Value = Pte == NULL ? 0 : *Pte;
    ULONG    Protection = PTE_PROTECTION(Value);
    ULONG64  Rights;

    if (Value == 0)
        return MiFaultInView(Mm, (ULONG64)Address);
    if (Value & PTE_VALID) {
        if ((ErrorCode & FAULT_WRITE) && (Value & PTE_SHARED) && (Protection & 3) == MI_WRITECOPY)
            return MiCopyOnWriteLocked(Pte, (ULONG64)Address);
        __invlpg(Address);
        return MiIsAllowed(Value, ErrorCode) ? STATUS_SUCCESS : STATUS_ACCESS_VIOLATION;
    }
    if (Protection & MI_GUARD) {
        Protection &= ~MI_GUARD;
        *Pte = (Value & ~PTE_PROTECT_MASK) | ((ULONG64)Protection << PTE_PROTECT_SHIFT);
        MiMakeValidLocked(Pte, Protection);
        return STATUS_GUARD_PAGE_VIOLATION;
    }
    Rights = MiUserRights(Protection);
    if (!MiIsAllowed(Rights, ErrorCode))
        return STATUS_ACCESS_VIOLATION;
    return MiMakeValidLocked(Pte, Protection);
}

/* What the kernel may not do to user memory even where the program may. */
static VOID
MiCheckKernelAccess(ULONG64 ErrorCode, PVOID Address, PKTRAP_FRAME TrapFrame)
{
    BOOLEAN  Smap = (__readcr4() & CR4_SMAP) && !(TrapFrame->EFlags & EFLAGS_AC);
    PULONG64 Pte = MiFindPte(MiCurrentPml4(), Address);
    ULONG64  Value = Pte == NULL ? 0 : *(volatile ULONG64 *)Pte;

    if (TrapFrame->PreviousIrql >= DISPATCH_LEVEL)
        MiFaultAtHighIrql(ErrorCode, Address, TrapFrame);
    if (Value != 0 && ((ErrorCode & FAULT_FETCH) || ((ErrorCode & FAULT_PRESENT) && Smap)))
        MiFatalFault(ErrorCode, Address, Value, TrapFrame);
}

static NTSTATUS
MiUserFault(ULONG64 ErrorCode, PVOID Address, KPROCESSOR_MODE Mode, PKTRAP_FRAME TrapFrame)
{
    PMM_PROCESS Mm = &PsGetCurrentProcess()->Mm;
    NTSTATUS    Status;

    if (Mode == KernelMode)
        MiCheckKernelAccess(ErrorCode, Address, TrapFrame);
    if (Mm->VadList.Flink == NULL)                  // a process without user space
        return STATUS_ACCESS_VIOLATION;

    ExAcquireFastMutex(&Mm->AddressCreationLock);
    Status = MiResolveUserLocked(Mm, ErrorCode, Address);
    ExReleaseFastMutex(&Mm->AddressCreationLock);
    if (Status == STATUS_GUARD_PAGE_VIOLATION)
        Status = MiGrowStack(Mm, ROUND_DOWN((ULONG64)Address, PAGE_SIZE));
    return Status;
}

/* See mm.h. Interrupts are as the interrupted code had them. */
NTSTATUS
MmAccessFault(ULONG64 ErrorCode, PVOID Address, KPROCESSOR_MODE Mode, PKTRAP_FRAME TrapFrame)
{
    if ((ULONG64)Address <= MM_HIGHEST_USER)
        return MiUserFault(ErrorCode, Address, Mode, TrapFrame);
    if (Mode == UserMode)
        return STATUS_ACCESS_VIOLATION;
    if ((ULONG64)Address < KERNEL_BASE_OF_SYSTEM)   // between user space and the system: nobody's
        return TrapFrame->PreviousIrql >= DISPATCH_LEVEL
            ? MiSystemFault(ErrorCode, Address, TrapFrame)
                                                         : STATUS_ACCESS_VIOLATION;
    return MiSystemFault(ErrorCode, Address, TrapFrame);
}
