/*
 * Addresses for locked frames: in system space, from the system PTE range, for any thread at any
 * IRQL; or in the running program, as a reservation that only MmUnmapLockedPages can take away.
 * And address space reserved beforehand, for those who must not fail later.
 */
#include "mm/lock.h"

ULONG64
MiCacheBits(MEMORY_CACHING_TYPE CacheType)
{
    if (CacheType == MmCached)
        return 0;
    return CacheType == MmWriteCombined ? PTE_WRITE_THROUGH : PTE_CACHE_DISABLE | PTE_WRITE_THROUGH;
}

VOID
MiMapMdlAt(PVOID Va, PMDL Mdl, MEMORY_CACHING_TYPE CacheType)
{
    SIZE_T Pages = MiPagesOfMdl(Mdl);

    for (SIZE_T Index = 0; Index < Pages; Index++)
        *MiFindSystemPte((PUCHAR)Va + (Index << PAGE_SHIFT)) =
            PFN_TO_PTE(MmGetMdlPfnArray(Mdl)[Index]) | PTE_KERNEL_DATA | MiCacheBits(CacheType);
}

/* Pages of system addresses with their page tables made; NULL if there are none. */
static PVOID
MiReserveSystemPtes(SIZE_T Pages)
{
    PVOID Va = MiAllocateRun(&MiSystemPteRange, Pages);

    for (SIZE_T Index = 0; Va != NULL && Index < Pages; Index++)
        if (MiMakePte(MiSystemPml4, (PUCHAR)Va + (Index << PAGE_SHIFT)) == NULL) {
            MiFreeRun(&MiSystemPteRange, Va);
            return NULL;
        }
    return Va;
}

static PVOID
MiMapToSystem(PMDL Mdl, MEMORY_CACHING_TYPE CacheType, ULONG BugCheckOnFailure)
{
    SIZE_T Pages = MiPagesOfMdl(Mdl);
    PUCHAR Va = MiReserveSystemPtes(Pages);

    if (Va == NULL) {
        if (BugCheckOnFailure && !(Mdl->MdlFlags & MDL_MAPPING_CAN_FAIL))
            KeBugCheckEx(NO_MORE_SYSTEM_PTES, 0, Pages,
                         MiSystemPteRange.Pages - MiSystemPteRange.UsedPages,
                MiSystemPteRange.Pages);
        return NULL;
    }
    MiMapMdlAt(Va, Mdl, CacheType);
    Mdl->MappedSystemVa = Va + Mdl->ByteOffset;
    Mdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA | (Mdl->MdlFlags & MDL_PARTIAL
                                                ? MDL_PARTIAL_HAS_BEEN_MAPPED : 0);
    Mdl->MdlFlags &= ~MDL_PARENT_MAPPED_SYSTEM_VA;
    return Mdl->MappedSystemVa;
}

static NTSTATUS
MiMapToUserLocked(PMM_PROCESS Mm, PMDL Mdl, PULONG64 Start, MEMORY_CACHING_TYPE CacheType)
{
    SIZE_T   Pages = MiPagesOfMdl(Mdl);
    PMMVAD   Vad;
    NTSTATUS Status;

    if (!MiChargeUserCommit(Pages))
        return STATUS_INSUFFICIENT_RESOURCES;
    Status = MiReserveLocked(Mm, Start, Pages << PAGE_SHIFT, MM_HIGHEST_USER, FALSE, &Vad);
    if (NT_SUCCESS(Status)) {
        Vad->Type = MEM_MAPPED;
        Vad->Fixed = TRUE;
        Vad->Protection = MI_READWRITE;
        if (MiMapFramesLocked(*Start, MmGetMdlPfnArray(Mdl), Pages, MI_READWRITE,
                              MiCacheBits(CacheType))) {
            Mm->CommitCharge += Pages;
            return STATUS_SUCCESS;
        }
        MiRemoveVadLocked(Mm, Vad);
        Status = STATUS_INSUFFICIENT_RESOURCES;
    }
    MiReturnCommit(Pages);
    return Status;
}

/*
 * Gives the locked frames of Mdl an address. KernelMode: in system space, writable, not
 * executable; NULL if there is no room (a bugcheck if BugCheckOnFailure). UserMode: in the
 * running process, at BaseAddress if that is not NULL; raises on failure. IRQL <= DISPATCH_LEVEL;
 * UserMode <= APC_LEVEL.
 */
PVOID NTAPI
MmMapLockedPagesSpecifyCache(PMDL Mdl, KPROCESSOR_MODE AccessMode, MEMORY_CACHING_TYPE CacheType,
                             PVOID BaseAddress,
    ULONG BugCheckOnFailure, MM_PAGE_PRIORITY Priority)
{
    PMM_PROCESS Mm;
    ULONG64     Start = (ULONG64)BaseAddress;
    NTSTATUS    Status;

    IRQL_AT_MOST(AccessMode == KernelMode ? DISPATCH_LEVEL : APC_LEVEL);

    if (AccessMode == KernelMode)
        return MiMapToSystem(Mdl, CacheType, BugCheckOnFailure);
    if ((Start & (PAGE_SIZE - 1)) != 0 || Start > MM_HIGHEST_USER)
        ExRaiseStatus(STATUS_INVALID_PARAMETER);
    Mm = &PsGetCurrentProcess()->Mm;
    ExAcquireFastMutex(&Mm->AddressCreationLock);
    Status = MiMapToUserLocked(Mm, Mdl, &Start, CacheType);
    ExReleaseFastMutex(&Mm->AddressCreationLock);
    if (!NT_SUCCESS(Status))
        ExRaiseStatus(Status);
    return (PUCHAR)Start + Mdl->ByteOffset;
}

PVOID NTAPI
MmMapLockedPages(PMDL Mdl, KPROCESSOR_MODE AccessMode)
{
    return MmMapLockedPagesSpecifyCache(Mdl, AccessMode, MmCached, NULL, TRUE, HighPagePriority);
}

static VOID
MiUnmapFromUser(ULONG64 Start)
{
    PMM_PROCESS Mm = &PsGetCurrentProcess()->Mm;
    PMMVAD      Vad;

    ExAcquireFastMutex(&Mm->AddressCreationLock);
    Vad = MiFindVadLocked(Mm, Start);
    if (Vad != NULL && Vad->Type == MEM_MAPPED) {
        MiDecommitLocked(Mm, Vad->Start, Vad->End);
        MiRemoveVadLocked(Mm, Vad);
    }
    ExReleaseFastMutex(&Mm->AddressCreationLock);
}

/*
 * Takes away an address from MmMapLockedPagesSpecifyCache; a user one in its process. IRQL <=
 * DISPATCH_LEVEL.
 */
VOID NTAPI
MmUnmapLockedPages(PVOID BaseAddress, PMDL Mdl)
{
    PVOID Va = PAGE_ALIGN(BaseAddress);

    IRQL_AT_MOST(DISPATCH_LEVEL);

    if ((ULONG64)BaseAddress <= MM_HIGHEST_USER) {
        MiUnmapFromUser((ULONG64)Va);
        return;
    }
    if (MiRunAt(&MiSystemPteRange, Va) == NULL)
        KeBugCheckEx(SYSTEM_PTE_MISUSE, 0x301, (ULONG_PTR)BaseAddress, MiPagesOfMdl(Mdl), 0);
    MiReleaseRun(&MiSystemPteRange, Va, FALSE, 0);
    Mdl->MdlFlags &= ~(MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED);
    Mdl->MappedSystemVa = NULL;
}

/*
 * Reserves system addresses for MmMapLockedPagesWithReservedMapping, marked with PoolTag; NULL if
 * there are none.
 */
PVOID NTAPI
MmAllocateMappingAddress(SIZE_T NumberOfBytes, ULONG PoolTag)
{
    PVOID Va;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    Va = MiReserveSystemPtes(BYTES_TO_PAGES(NumberOfBytes));
    if (Va != NULL)
        MiRunAt(&MiSystemPteRange, Va)->Owner[0] = PoolTag;
    return Va;
}

/* The run at Va, which must be PoolTag's. */
static PMI_RUN
MiReservedRun(PVOID Va, ULONG PoolTag)
{
    PMI_RUN Run = MiRunAt(&MiSystemPteRange, PAGE_ALIGN(Va));

    if (Run == NULL || Run->Owner[0] != PoolTag)
        KeBugCheckEx(SYSTEM_PTE_MISUSE, Run == NULL ? 0x106 : 0x104, (ULONG_PTR)Va, PoolTag,
                     Run == NULL ? 0 : Run->Owner[0]);
    return Run;
}

VOID NTAPI
MmFreeMappingAddress(PVOID BaseAddress, ULONG PoolTag)
{
    IRQL_AT_MOST(DISPATCH_LEVEL);

    MiReservedRun(BaseAddress, PoolTag);
    MiFreeRun(&MiSystemPteRange, BaseAddress);
}

/* NULL if the reservation is too small. IRQL <= DISPATCH_LEVEL. */
PVOID NTAPI
MmMapLockedPagesWithReservedMapping(PVOID MappingAddress, ULONG PoolTag, PMDL Mdl,
                                    MEMORY_CACHING_TYPE CacheType)
{
    PMI_RUN Run = MiReservedRun(MappingAddress, PoolTag);

    IRQL_AT_MOST(DISPATCH_LEVEL);

    if ((Run->State & MI_RUN_PAGES) < MiPagesOfMdl(Mdl))
        return NULL;
    MiMapMdlAt(MappingAddress, Mdl, CacheType);
    Mdl->MappedSystemVa = (PUCHAR)MappingAddress + Mdl->ByteOffset;
    Mdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
    return Mdl->MappedSystemVa;
}

VOID NTAPI
MmUnmapReservedMapping(PVOID BaseAddress, ULONG PoolTag, PMDL Mdl)
{
    IRQL_AT_MOST(DISPATCH_LEVEL);

    MiReservedRun(BaseAddress, PoolTag);
    MiUnmapFrames(PAGE_ALIGN(BaseAddress), MiPagesOfMdl(Mdl), FALSE);
    Mdl->MdlFlags &= ~MDL_MAPPED_TO_SYSTEM_VA;
    Mdl->MappedSystemVa = NULL;
}
