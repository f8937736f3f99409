/*
 * Runs of pages in a range of system addresses: the two pools, system PTEs, driver images.
 *
 * Each page of the range has a small record. A run, free or used, is described in the record of
 * its first page; a free run also in that of its last page, so that a freed neighbour finds it
 * (boundary tags). Free runs hang in lists by size: one list for each size up to 31 pages, then
 * one for each power of two. A bit map says which lists are not empty, so finding a run is one
 * bit scan, whatever the range looks like; only a request for 32 pages and more may have to walk
 * the list of its own power of two, when no larger run is left.
 *
 * Only addresses are dealt with here: frames and page tables are the caller's. A run is freed
 * after its pages were unmapped and flushed, so whoever gets the addresses next finds nothing of
 * the past.
 *
 * Each range has a spin lock; nothing is called under it.
 */
#include "mm/mmp.h"

#define NO_RUN          0xFFFFFFFFu
#define SMALL_CLASSES   32

MI_RANGE MiPagedPoolRange, MiNonPagedPoolRange, MiSystemPteRange, MiImageRange;

static ULONG
MiRunClass(ULONG Pages)
{
    ULONG Log;

    if (Pages < SMALL_CLASSES)
        return Pages;
    _BitScanReverse(&Log, Pages);
    return SMALL_CLASSES - 5 + Log;
}

static VOID
MiInsertFreeRunLocked(PMI_RANGE Range, ULONG First, ULONG Pages)
{
    ULONG   Class = MiRunClass(Pages), Next = Range->Heads[Class];
    PMI_RUN Run = &Range->Runs[First];

    Run->State = Range->Runs[First + Pages - 1].State = Pages | MI_RUN_FREE;
    Run->Blink = NO_RUN;
    Run->Flink = Next;
    if (Next != NO_RUN)
        Range->Runs[Next].Blink = First;
    Range->Heads[Class] = First;
    Range->NonEmpty |= 1ULL << Class;
}

/* Takes the free run that starts at First out of its list and wipes its two records. */
static VOID
MiRemoveFreeRunLocked(PMI_RANGE Range, ULONG First)
{
    PMI_RUN Run = &Range->Runs[First];
    ULONG   Pages = Run->State & MI_RUN_PAGES, Class = MiRunClass(Pages);

    if (Run->Blink == NO_RUN)
        Range->Heads[Class] = Run->Flink;
    else
        Range->Runs[Run->Blink].Flink = Run->Flink;
    if (Run->Flink != NO_RUN)
        Range->Runs[Run->Flink].Blink = Run->Blink;
    if (Range->Heads[Class] == NO_RUN)
        Range->NonEmpty &= ~(1ULL << Class);
    Run->State = Range->Runs[First + Pages - 1].State = 0;
}

/* Called once at start-up; the records come from MiBootAllocate. */
INIT_CODE VOID
MiInitializeRange(PMI_RANGE Range, ULONG64 Base, ULONG Pages)
{
    Range->Base = Base;
    Range->Pages = Pages;
    Range->Runs = MiBootAllocate((SIZE_T)Pages * sizeof(MI_RUN));
    for (ULONG Class = 0; Class < MI_RANGE_CLASSES; Class++)
        Range->Heads[Class] = NO_RUN;
    MiInsertFreeRunLocked(Range, 0, Pages);
}

static ULONG
MiFindFreeRunLocked(PMI_RANGE Range, ULONG Pages)
{
    ULONG   Class = MiRunClass(Pages), Found;
    // from here on every run is long enough
    ULONG   Fits = Pages < SMALL_CLASSES ? Class : Class + 1;
    ULONG64 Mask = Range->NonEmpty & (~0ULL << Fits);

    if (_BitScanForward64(&Found, Mask))
        return Range->Heads[Found];

    for (ULONG First = Range->Heads[Class]; First != NO_RUN; First = Range->Runs[First].Flink)
        if ((Range->Runs[First].State & MI_RUN_PAGES) >= Pages)
            return First;
    return NO_RUN;
}

/* Returns the address of Pages pages that nobody else has, or NULL. IRQL <= DISPATCH_LEVEL. */
PVOID
MiAllocateRun(PMI_RANGE Range, SIZE_T Pages)
{
    ULONG First, Length;
    KIRQL OldIrql;

    if (Pages == 0 || Pages > Range->Pages)
        return NULL;
    KeAcquireSpinLock(&Range->Lock, &OldIrql);
    First = MiFindFreeRunLocked(Range, (ULONG)Pages);
    if (First != NO_RUN) {
        Length = Range->Runs[First].State & MI_RUN_PAGES;
        MiRemoveFreeRunLocked(Range, First);
        if (Length > Pages)
            MiInsertFreeRunLocked(Range, First + (ULONG)Pages, Length - (ULONG)Pages);
        Range->Runs[First].State = (ULONG)Pages | MI_RUN_USED;
        Range->Runs[First].Owner[0] = Range->Runs[First].Owner[1] = 0;
        Range->UsedPages += (ULONG)Pages;
        Range->HighestUsed = max(Range->HighestUsed, First + (ULONG)Pages);
    }
    KeReleaseSpinLock(&Range->Lock, OldIrql);
    return First == NO_RUN ? NULL : (PVOID)(Range->Base + ((ULONG64)First << PAGE_SHIFT));
}

/* Va is the start of a run from MiAllocateRun. */
VOID
MiFreeRun(PMI_RANGE Range, PVOID Va)
{
    ULONG First = (ULONG)(((ULONG64)Va - Range->Base) >> PAGE_SHIFT), Pages;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Range->Lock, &OldIrql);
    Pages = Range->Runs[First].State & MI_RUN_PAGES;
    Range->Runs[First].State = 0;
    Range->UsedPages -= Pages;
    if (First + Pages < Range->Pages && (Range->Runs[First + Pages].State & MI_RUN_FREE)) {
        ULONG After = First + Pages;

        Pages += Range->Runs[After].State & MI_RUN_PAGES;
        MiRemoveFreeRunLocked(Range, After);
    }
    if (First > 0 && (Range->Runs[First - 1].State & MI_RUN_FREE)) {
        ULONG Before = Range->Runs[First - 1].State & MI_RUN_PAGES;

        First -= Before;
        Pages += Before;
        MiRemoveFreeRunLocked(Range, First);
    }
    MiInsertFreeRunLocked(Range, First, Pages);
    KeReleaseSpinLock(&Range->Lock, OldIrql);
}

/* No lock: the record of a used run does not change until its owner frees it. */
PMI_RUN
MiRunAt(PMI_RANGE Range, PVOID Va)
{
    PMI_RUN Run;

    if (!MiInRange(Range, Va) || ((ULONG64)Va & (PAGE_SIZE - 1)) != 0)
        return NULL;
    Run = &Range->Runs[((ULONG64)Va - Range->Base) >> PAGE_SHIFT];
    return (Run->State & (MI_RUN_USED | MI_RUN_PENDING)) == MI_RUN_USED ? Run : NULL;
}
