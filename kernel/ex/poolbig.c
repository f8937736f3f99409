/*
 * Allocations that do not fit in a page: whole pages from mm/, page aligned, without a header.
 * Tag and size are kept in the two words that mm/ gives every run of pool pages; a run that holds
 * small blocks has 0 there, so freeing a page in the middle of one, or freeing it twice, is told
 * apart from a real allocation.
 */
#include "ex/poolp.h"

/* Returns NULL if there is no memory. Pages are counted whole. */
PVOID
ExpAllocateBigPool(BOOLEAN Paged, SIZE_T Bytes, ULONG Tag)
{
    SIZE_T Pages = BYTES_TO_PAGES(Bytes);
    PVOID  Va;

    if (Bytes > MAXULONG)
        return NULL;
    Va = MiAllocatePoolPages(Paged ? PagedPool : NonPagedPool, Pages);
    if (Va != NULL) {
        PULONG Owner = MiPoolPageOwner(Va);

        Owner[0] = Tag;
        Owner[1] = (ULONG)Bytes;
        ExpTrackAllocation(Tag, Paged, Pages << PAGE_SHIFT);
    }
    return Va;
}

/* Va is page aligned and lies in a pool; Tag is 0 when the caller does not say it. */
VOID
ExpFreeBigPool(PVOID Va, ULONG Tag)
{
    BOOLEAN Paged = MiIsPagedPool(Va);
    PULONG  Owner = MiPoolPageOwner(Va);
    ULONG   AllocationTag = Owner == NULL ? 0 : Owner[0];

    if (AllocationTag != 0)
        ExpCheckTag(Va, AllocationTag, Tag);

    /* Whoever takes the tag away frees the pages; a second free finds 0. */
    if (AllocationTag == 0 ||
        InterlockedCompareExchange((volatile LONG *)Owner, 0, (LONG)AllocationTag) !=
            (LONG)AllocationTag) {
        if (Paged)
            KeBugCheckEx(BAD_POOL_CALLER, 0x50, (ULONG_PTR)Va,
                         BYTES_TO_PAGES((ULONG64)Va - MM_PAGED_POOL_START), 0);
        KeBugCheckEx(BAD_POOL_CALLER, 0x44, (ULONG_PTR)Va, 0, 0);
    }
    ExpTrackFree(AllocationTag, Paged, MiPoolPageCount(Va) << PAGE_SHIFT);
    MiFreePoolPages(Va);
}
