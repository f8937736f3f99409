/*
 * Frames by the page, described by an MDL and mapped nowhere: MmAllocatePagesForMdl and its kin.
 * And the requests about paging of a driver's own image, which have nothing to do here: images
 * are never paged out.
 */
#include "mm/lock.h"
#include "mm/image.h"

/*
 * An MDL of zeroed frames between Low and High (inclusive) for TotalBytes, or for as many as
 * there are; NULL if there are none at all. Freed with MmFreePagesFromMdl, then ExFreePool. IRQL
 * <= APC_LEVEL.
 */
PMDL NTAPI
MmAllocatePagesForMdlEx(PHYSICAL_ADDRESS Low, PHYSICAL_ADDRESS High, PHYSICAL_ADDRESS SkipBytes,
                        SIZE_T TotalBytes,
    MEMORY_CACHING_TYPE CacheType, ULONG Flags)
{
    PMDL   Mdl = MmCreateMdl(NULL, NULL, ROUND_UP(TotalBytes, PAGE_SIZE));
    SIZE_T Pages, Got = 0;

    PAGED_CODE();

    if (Mdl == NULL)
        return NULL;
    for (Pages = MiPagesOfMdl(Mdl); Got < Pages && MiChargeCommit(1); Got++) {
        PFN_NUMBER Pfn = MiAllocateContiguousFrames(1, BYTES_TO_PAGES(Low.QuadPart),
                                                    High.QuadPart >> PAGE_SHIFT, 0);

        if (Pfn == 0) {
            MiReturnCommit(1);
            break;
        }
        RtlZeroMemory(PFN_TO_VA(Pfn), PAGE_SIZE);
        MmGetMdlPfnArray(Mdl)[Got] = Pfn;
    }
    if (Got == 0) {
        IoFreeMdl(Mdl);
        return NULL;
    }
    Mdl->ByteCount = (ULONG)(Got << PAGE_SHIFT);
    Mdl->MdlFlags |= MDL_PAGES_LOCKED;
    return Mdl;
}

PMDL NTAPI
MmAllocatePagesForMdl(PHYSICAL_ADDRESS Low, PHYSICAL_ADDRESS High, PHYSICAL_ADDRESS SkipBytes,
                      SIZE_T TotalBytes)
{
    return MmAllocatePagesForMdlEx(Low, High, SkipBytes, TotalBytes, MmCached, 0);
}

/* The MDL itself stays the caller's. IRQL <= APC_LEVEL. */
VOID NTAPI
MmFreePagesFromMdl(PMDL Mdl)
{
    SIZE_T Pages = MiPagesOfMdl(Mdl);

    PAGED_CODE();

    if (Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA)
        MmUnmapLockedPages(Mdl->MappedSystemVa, Mdl);
    MiUnlockFrames(Mdl, Pages);
    MiReturnCommit(Pages);
    Mdl->MdlFlags &= ~MDL_PAGES_LOCKED;
    Mdl->ByteCount = 0;
}

/* A handle for MmUnlockPagableImageSection: the module. */
PVOID NTAPI
MmLockPagableDataSection(PVOID AddressWithinSection)
{
    PAGED_CODE();
    return MmFindModule(AddressWithinSection);
}

VOID NTAPI
MmLockPagableSectionByHandle(PVOID ImageSectionHandle)
{
    PAGED_CODE();
}

VOID NTAPI
MmUnlockPagableImageSection(PVOID ImageSectionHandle)
{
    PAGED_CODE();
}

PVOID NTAPI
MmPageEntireDriver(PVOID AddressWithinSection)
{
    PKLDR_DATA_TABLE_ENTRY Module = MmFindModule(AddressWithinSection);

    PAGED_CODE();
    return Module == NULL ? NULL : Module->DllBase;
}

VOID NTAPI
MmResetDriverPaging(PVOID AddressWithinSection)
{
    PAGED_CODE();
}

MM_SYSTEMSIZE NTAPI
MmQuerySystemSize(VOID)
{
    ULONG64 Megabytes = MmNumberOfPhysicalPages >> (20 - PAGE_SHIFT);

    return Megabytes < 64 ? MmSmallSystem : Megabytes < 512 ? MmMediumSystem : MmLargeSystem;
}

BOOLEAN NTAPI
MmIsThisAnNtAsSystem(VOID)
{
    return FALSE;
}
