/*
 * Whole pages for the pool. A pool page's address tells its pool: paged pool and nonpaged pool
 * are two ranges of addresses, each with as many pages as there is RAM. Both are writable and
 * never executable.
 *
 * The record of an allocated run (range.c) keeps two words for its owner in ex/: the tag and the
 * number of bytes asked for.
 */
#include "mm/mmp.h"

static PMI_RANGE
MiPoolRangeOf(PVOID Va)
{
    if (MiInRange(&MiNonPagedPoolRange, Va))
        return &MiNonPagedPoolRange;
    return MiInRange(&MiPagedPoolRange, Va) ? &MiPagedPoolRange : NULL;
}

static PVOID
MiTryPoolPages(PMI_RANGE Range, SIZE_T Pages)
{
    PVOID Va;

    if (!MiChargeCommit(Pages))
        return NULL;
    Va = MiAllocateRun(Range, Pages);
    if (Va != NULL && MiMapNewFrames(Va, Pages, PTE_KERNEL_DATA))
        return Va;

    if (Va != NULL)
        MiFreeRun(Range, Va);
    MiReturnCommit(Pages);
    return NULL;
}

/* NULL when frames or addresses have run out; the caller decides what that means. */
PVOID
MiAllocatePoolPages(POOL_TYPE PoolType, SIZE_T NumberOfPages)
{
    PMI_RANGE Range = (PoolType & PagedPool) ? &MiPagedPoolRange : &MiNonPagedPoolRange;
    PVOID     Va;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    Va = MiTryPoolPages(Range, NumberOfPages);
    if (Va == NULL && NumberOfPages <= Range->Pages) {
        MiReleasePending();                         // what is on its way back may be enough
        Va = MiTryPoolPages(Range, NumberOfPages);
    }
    return Va;
}

/* Va came from MiAllocatePoolPages. */
VOID
MiFreePoolPages(PVOID Va)
{
    PMI_RANGE Range = MiPoolRangeOf(Va);
    SIZE_T    Pages = MiPoolPageCount(Va);

    IRQL_AT_MOST(DISPATCH_LEVEL);

    if (Pages == 0)
        KeBugCheckEx(BAD_POOL_CALLER, 0x46, (ULONG_PTR)Va, 0, 0);
    MiReleaseRun(Range, Va, TRUE, Pages);
}

BOOLEAN
MiIsPagedPool(PVOID Va)
{
    return MiInRange(&MiPagedPoolRange, Va);
}

BOOLEAN
MiIsNonPagedPool(PVOID Va)
{
    return MiInRange(&MiNonPagedPoolRange, Va);
}

/* Pages of the allocation that starts at Va; 0 if none does. */
SIZE_T
MiPoolPageCount(PVOID Va)
{
    PMI_RANGE Range = MiPoolRangeOf(Va);
    PMI_RUN   Run = Range == NULL ? NULL : MiRunAt(Range, Va);

    return Run == NULL ? 0 : Run->State & MI_RUN_PAGES;
}

/* The two words ex/ keeps with the allocation that starts at Va, or NULL. */
PULONG
MiPoolPageOwner(PVOID Va)
{
    PMI_RANGE Range = MiPoolRangeOf(Va);
    PMI_RUN   Run = Range == NULL ? NULL : MiRunAt(Range, Va);

    return Run == NULL ? NULL : Run->Owner;
}
