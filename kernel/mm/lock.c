/*
 * Locking pages. A locked page's frame has a reference of its own, so it stays what it is while a
 * driver or a device uses it, even when the program frees the memory or ends; and the trimmer
 * leaves a locked page of paged pool valid.
 *
 * A user page is locked in three steps: touch it, so that the fault handler brings it in and
 * refuses what must be refused; then, under the process' AddressCreationLock, look whether it is
 * still valid and take the reference; if it is not, begin again.
 *
 * The process counts the pages that MDLs hold of it; one that ends before they are released is
 * bugcheck 0x76, which names the driver that locked last. Those of an IRP that its thread has
 * given up count no longer (MmDisownPages).
 */
#include "mm/lock.h"

/* Gives up the references of the first Pages frames. */
VOID
MiUnlockFrames(PMDL Mdl, SIZE_T Pages)
{
    for (SIZE_T Index = 0; Index < Pages; Index++)
        MiDereferenceFrame(MmGetMdlPfnArray(Mdl)[Index]);
    if (Mdl->Process != NULL)
        InterlockedAdd64(&Mdl->Process->Mm.LockedPages, -(LONG64)Pages);
}

/* The process answers for the pages no longer, though they stay locked. IRQL <= DISPATCH_LEVEL. */
VOID
MmDisownPages(PMDL Mdl)
{
    PEPROCESS Process = InterlockedExchangePointer((PVOID *)&Mdl->Process, NULL);

    if (Process != NULL)
        InterlockedAdd64(&Process->Mm.LockedPages, -(LONG64)MiPagesOfMdl(Mdl));
}

/*
 * Reads a byte, or writes it back as it is. Not inlined: a fault in a call is inside the caller's
 * __try.
 */
static __attribute__((noinline)) VOID
MiTouchPage(volatile UCHAR *Va, BOOLEAN Write)
{
    if (Write)
        __asm__ __volatile__("lock orb $0, %0" : "+m"(*Va));
    else
        (VOID)*Va;
}

static NTSTATUS
MiTouchUserPage(volatile UCHAR *Va, BOOLEAN Write)
{
    __try {
        MiTouchPage(Va, Write);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static PFN_NUMBER
MiReferenceUserPageLocked(PVOID Va, BOOLEAN Write)
{
    PULONG64 Pte = MiFindPte(MiCurrentPml4(), Va);

    if (Pte == NULL || !(*Pte & PTE_VALID) || (Write && !(*Pte & PTE_WRITE)))
        return 0;
    MiReferenceFrame(PTE_TO_PFN(*Pte));
    return PTE_TO_PFN(*Pte);
}

static NTSTATUS
MiLockUserPage(PUCHAR Va, BOOLEAN Write, PPFN_NUMBER Pfn)
{
    PMM_PROCESS Mm = &PsGetCurrentProcess()->Mm;
    NTSTATUS    Status;

    do {
        Status = MiTouchUserPage(Va, Write);
        if (!NT_SUCCESS(Status))
            return Status;
        ExAcquireFastMutex(&Mm->AddressCreationLock);
        *Pfn = MiReferenceUserPageLocked(Va, Write);
        ExReleaseFastMutex(&Mm->AddressCreationLock);
    } while (*Pfn == 0);
    InterlockedIncrement64(&Mm->LockedPages);
    return STATUS_SUCCESS;
}

/*
 * One page of system space: paged pool is made valid and stays so, because the trimmer sees the
 * reference.
 */
static NTSTATUS
MiLockSystemPage(PUCHAR Va, PPFN_NUMBER Pfn)
{
    PULONG64 Pte = MiFindSystemPte(Va);

    if (Pte == NULL) {                              // the direct map's large pages, or nothing
        *Pfn = MmGetPhysicalAddress(Va).QuadPart >> PAGE_SHIFT;
        MiReferenceFrame(*Pfn);
        return *Pfn != 0 ? STATUS_SUCCESS : STATUS_ACCESS_VIOLATION;
    }
    if (!MiFaultInPoolPage(Pte))
        return STATUS_ACCESS_VIOLATION;
    *Pfn = PTE_TO_PFN(*Pte);
    MiReferenceFrame(*Pfn);
    // trimmed between the two lines above: back again
    MiFaultInPoolPage(Pte);
    return STATUS_SUCCESS;
}

static NTSTATUS
MiLockPages(PMDL Mdl, BOOLEAN Write, PSIZE_T Locked)
{
    PPFN_NUMBER Frames = MmGetMdlPfnArray(Mdl);
    SIZE_T      Pages = MiPagesOfMdl(Mdl);
    NTSTATUS    Status = STATUS_SUCCESS;

    for (*Locked = 0; *Locked < Pages; ++*Locked) {
        PUCHAR Va = (PUCHAR)Mdl->StartVa + (*Locked << PAGE_SHIFT);

        if ((ULONG64)Va <= MM_HIGHEST_USER)
            Status = MiLockUserPage(Va, Write, &Frames[*Locked]);
        else
            Status = MiLockSystemPage(Va, &Frames[*Locked]);
        if (!NT_SUCCESS(Status))
            break;
    }
    return Status;
}

/* MmProbeAndLockPages for an IRP's buffer, which the I/O manager will unlock. */
VOID
MmProbeAndLockForIrp(PMDL Mdl, KPROCESSOR_MODE AccessMode, LOCK_OPERATION Operation)
{
    ULONG64  Start = (ULONG64)MmGetMdlVirtualAddress(Mdl), End = Start + Mdl->ByteCount;
    BOOLEAN  User = Start <= MM_HIGHEST_USER;
    NTSTATUS Status;
    SIZE_T   Locked;

    IRQL_AT_MOST(User ? APC_LEVEL : DISPATCH_LEVEL);

    if (End < Start || (User ? End > MM_HIGHEST_USER + 1 : AccessMode != KernelMode))
        ExRaiseStatus(STATUS_ACCESS_VIOLATION);
    Mdl->Process = User ? PsGetCurrentProcess() : NULL;
    Status = MiLockPages(Mdl, Operation != IoReadAccess, &Locked);
    if (!NT_SUCCESS(Status)) {
        MiUnlockFrames(Mdl, Locked);
        Mdl->Process = NULL;
        ExRaiseStatus(Status);
    }
    Mdl->MdlFlags |= MDL_PAGES_LOCKED | (Operation != IoReadAccess ? MDL_WRITE_OPERATION : 0);
}

/*
 * Locks the pages of the buffer Mdl describes, in the running process, after checking that
 * AccessMode may do Operation. Raises STATUS_ACCESS_VIOLATION and the like; then nothing is
 * locked. IRQL <= DISPATCH_LEVEL; for pageable memory <= APC_LEVEL.
 */
VOID NTAPI
MmProbeAndLockPages(PMDL Mdl, KPROCESSOR_MODE AccessMode, LOCK_OPERATION Operation)
{
    MmProbeAndLockForIrp(Mdl, AccessMode, Operation);
    if (Mdl->Process != NULL)
        Mdl->Process->Mm.Locker = __builtin_return_address(0);
}

/* Unmaps and unlocks. Any context, IRQL <= DISPATCH_LEVEL. */
VOID NTAPI
MmUnlockPages(PMDL Mdl)
{
    IRQL_AT_MOST(DISPATCH_LEVEL);

    if (!(Mdl->MdlFlags & MDL_PAGES_LOCKED) ||
        (Mdl->MdlFlags & (MDL_PARTIAL | MDL_SOURCE_IS_NONPAGED_POOL)))
        KeBugCheckEx(0xC4, 0x7C, (ULONG_PTR)Mdl, (ULONG_PTR)Mdl->MdlFlags, 0);
    if (Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA)
        MmUnmapLockedPages(Mdl->MappedSystemVa, Mdl);
    MmDisownPages(Mdl);
    MiUnlockFrames(Mdl, MiPagesOfMdl(Mdl));
    Mdl->MdlFlags &= ~(MDL_PAGES_LOCKED | MDL_WRITE_OPERATION);
}

/* The same in another process. PASSIVE_LEVEL. */
VOID NTAPI
MmProbeAndLockProcessPages(PMDL Mdl, PEPROCESS Process, KPROCESSOR_MODE AccessMode,
                           LOCK_OPERATION Operation)
{
    KAPC_STATE ApcState;

    KeStackAttachProcess((PRKPROCESS)Process, &ApcState);
    __try {
        MmProbeAndLockForIrp(Mdl, AccessMode, Operation);
        Process->Mm.Locker = __builtin_return_address(0);
    } __finally {
        KeUnstackDetachProcess(&ApcState);
    }
}
