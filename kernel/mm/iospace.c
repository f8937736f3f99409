/*
 * Physical addresses: device memory mapped into system space, memory in a row for devices, and
 * what lies under an address.
 *
 * RAM is never mapped with another caching type than the direct map's, except when a driver asks
 * for noncached memory: one processor model, QEMU's, takes that without harm.
 */
#include "mm/lock.h"

/*
 * Device memory (or any other) at PhysicalAddress. NULL if there is no room. IRQL <=
 * DISPATCH_LEVEL.
 */
PVOID NTAPI
MmMapIoSpace(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes, MEMORY_CACHING_TYPE CacheType)
{
    ULONG64 Offset = PhysicalAddress.QuadPart & (PAGE_SIZE - 1);
    ULONG64 First = (ULONG64)PhysicalAddress.QuadPart - Offset;
    SIZE_T  Pages = BYTES_TO_PAGES(Offset + NumberOfBytes);
    PUCHAR  Va;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    if (NumberOfBytes == 0 || First + (Pages << PAGE_SHIFT) > PTE_FRAME_MASK)
        return NULL;
    Va = MmAllocateMappingAddress(Pages << PAGE_SHIFT, 0);
    if (Va == NULL)
        return NULL;
    for (SIZE_T Index = 0; Index < Pages; Index++)
        *MiFindSystemPte(Va + (Index << PAGE_SHIFT)) =
            (First + (Index << PAGE_SHIFT)) | PTE_KERNEL_DATA | MiCacheBits(CacheType);
    return Va + Offset;
}

/* IRQL <= DISPATCH_LEVEL. */
VOID NTAPI
MmUnmapIoSpace(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
    PVOID   Va = PAGE_ALIGN(BaseAddress);
    PMI_RUN Run = MiRunAt(&MiSystemPteRange, Va);
    SIZE_T  Pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(BaseAddress, NumberOfBytes);

    IRQL_AT_MOST(DISPATCH_LEVEL);

    if (Run == NULL || (Run->State & MI_RUN_PAGES) != Pages)
        KeBugCheckEx(SYSTEM_PTE_MISUSE, 0x200, (ULONG_PTR)BaseAddress, NumberOfBytes, Run == NULL
                     ? 0 : Run->State);
    MiReleaseRun(&MiSystemPteRange, Va, FALSE, 0);
}

/* The entry that maps Va and the size of its page; 0 if none does. */
static ULONG64
MiEntryFor(PVOID Va, PULONG64 Span)
{
    PULONG64 Table = MiCurrentPml4();

    for (ULONG Shift = PAGE_SHIFT + 27; Table != NULL; Shift -= 9) {
        ULONG64 Entry = Table[((ULONG64)Va >> Shift) & 511];

        *Span = 1ULL << Shift;
        if (Shift == PAGE_SHIFT)
            return Entry & (PTE_VALID | PTE_TRANSITION) ? Entry : 0;
        if (!(Entry & PTE_VALID))
            return 0;
        if (Entry & PTE_LARGE)
            return Entry;
        Table = PHYSICAL_TO_VA(Entry & PTE_FRAME_MASK);
    }
    return 0;
}

static BOOLEAN
MiIsCanonical(PVOID Va)
{
    return (LONG64)Va >> 47 == 0 || (LONG64)Va >> 47 == -1;
}

/* 0 if Va is not mapped. Any IRQL; meaningful while somebody keeps the page where it is. */
PHYSICAL_ADDRESS NTAPI
MmGetPhysicalAddress(PVOID BaseAddress)
{
    PHYSICAL_ADDRESS Physical = { .QuadPart = 0 };
    ULONG64          Span, Entry = MiIsCanonical(BaseAddress) ? MiEntryFor(BaseAddress, &Span) : 0;

    if (Entry != 0)
        Physical.QuadPart =
            (Entry & PTE_FRAME_MASK & ~(Span - 1)) | ((ULONG64)BaseAddress & (Span - 1));
    return Physical;
}

/* See mm.h: valid now, not merely in transition. */
BOOLEAN
MmIsAddressPresent(PVOID Va)
{
    ULONG64 Span;

    return MiIsCanonical(Va) && (MiEntryFor(Va, &Span) & PTE_VALID);
}

BOOLEAN NTAPI
MmIsAddressValid(PVOID VirtualAddress)
{
    return MmIsAddressPresent(VirtualAddress);
}

/*
 * Memory in a row, within limits, in nonpaged system space; freed by MmFreeContiguousMemory. NULL
 * if there is none. PASSIVE_LEVEL on Windows; here IRQL <= DISPATCH_LEVEL. Contents are not
 * defined.
 */
PVOID NTAPI
MmAllocateContiguousMemorySpecifyCache(SIZE_T NumberOfBytes, PHYSICAL_ADDRESS Lowest,
                                       PHYSICAL_ADDRESS Highest,
    PHYSICAL_ADDRESS Boundary, MEMORY_CACHING_TYPE CacheType)
{
    SIZE_T           Pages = BYTES_TO_PAGES(NumberOfBytes);
    PHYSICAL_ADDRESS Physical;
    PVOID            Va;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    if (Pages == 0 || !MiChargeCommit(Pages))
        return NULL;
    Physical.QuadPart = MiAllocateContiguousFrames(Pages, BYTES_TO_PAGES(Lowest.QuadPart),
                                                   Highest.QuadPart >> PAGE_SHIFT,
        Boundary.QuadPart >> PAGE_SHIFT) << PAGE_SHIFT;
    if (Physical.QuadPart != 0) {
        Va = MmMapIoSpace(Physical, Pages << PAGE_SHIFT, CacheType);
        if (Va != NULL)
            return Va;
        for (SIZE_T Index = 0; Index < Pages; Index++)
            MiDereferenceFrame((Physical.QuadPart >> PAGE_SHIFT) + Index);
    }
    MiReturnCommit(Pages);
    return NULL;
}

PVOID NTAPI
MmAllocateContiguousMemory(SIZE_T NumberOfBytes, PHYSICAL_ADDRESS HighestAcceptableAddress)
{
    PHYSICAL_ADDRESS Zero = { .QuadPart = 0 };

    return MmAllocateContiguousMemorySpecifyCache(NumberOfBytes, Zero, HighestAcceptableAddress,
                                                  Zero, MmCached);
}

VOID NTAPI
MmFreeContiguousMemory(PVOID BaseAddress)
{
    PMI_RUN Run = MiRunAt(&MiSystemPteRange, BaseAddress);

    IRQL_AT_MOST(DISPATCH_LEVEL);

    if (Run == NULL)
        KeBugCheckEx(BAD_POOL_CALLER, 0x46, (ULONG_PTR)BaseAddress, 0, 0);
    MiReleaseRun(&MiSystemPteRange, BaseAddress, TRUE, Run->State & MI_RUN_PAGES);
}

VOID NTAPI
MmFreeContiguousMemorySpecifyCache(PVOID BaseAddress, SIZE_T NumberOfBytes,
                                   MEMORY_CACHING_TYPE CacheType)
{
    MmFreeContiguousMemory(BaseAddress);
}

PVOID NTAPI
MmAllocateNonCachedMemory(SIZE_T NumberOfBytes)
{
    PHYSICAL_ADDRESS Zero = { .QuadPart = 0 }, Highest = { .QuadPart = -1 };

    Highest.QuadPart = MAXLONGLONG;
    return MmAllocateContiguousMemorySpecifyCache(NumberOfBytes, Zero, Highest, Zero, MmNonCached);
}

VOID NTAPI
MmFreeNonCachedMemory(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
    MmFreeContiguousMemory(BaseAddress);
}
