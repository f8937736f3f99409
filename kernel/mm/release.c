/*
 * Giving system addresses back. A processor may hold a stale translation of a page that is gone, so
 * before its frame or its address is used again every processor must flush; and making them all
 * flush is the most expensive thing mm/ does. So runs of pages go in two steps:
 *
 *   (1) MiReleaseRun makes their page table entries not valid, which keeps the frame numbers, and
 *       flushes this processor: a use after this is caught
 *   (2) when MI_PENDING_RUNS runs or MI_PENDING_PAGES pages have come together, all processors
 *       flush once, and then frames, addresses and commitment of the whole batch are free
 *
 * The trimmer completes what is pending at every walk, and so does whoever runs out of memory. On
 * one processor there is nothing to wait for.
 *
 * MiPendingLock guards the batch; it is taken out under the lock and completed without it.
 */
#include "mm/mmp.h"

#define MI_PENDING_RUNS     16
#define MI_PENDING_PAGES    256

typedef struct _MI_PENDING {
    PMI_RANGE Range;
    PVOID     Va;
    SIZE_T    Pages;
    BOOLEAN   FreeFrames;
    SIZE_T    Commit;
} MI_PENDING, *PMI_PENDING;

static KSPIN_LOCK MiPendingLock;
static MI_PENDING MiPending[MI_PENDING_RUNS];
static ULONG      MiPendingCount;
static SIZE_T     MiPendingPages;

/* Step (2) for a batch; Flush is FALSE when this processor is the only one. */
static VOID
MiCompleteBatch(PMI_PENDING Batch, ULONG Count, BOOLEAN Flush)
{
    if (Flush && Count > 0)
        KiIpiFlushTb(NULL, TRUE);
    for (ULONG Index = 0; Index < Count; Index++) {
        PMI_PENDING Run = &Batch[Index];

        MiClearEntries(Run->Va, Run->Pages, Run->FreeFrames);
        MiFreeRun(Run->Range, Run->Va);
        MiReturnCommit(Run->Commit);
    }
}

/*
 * Gives back the run at Va; its frames too if FreeFrames, and Commit pages of commitment. Pages of
 * the run that were never mapped are skipped. IRQL <= DISPATCH_LEVEL.
 */
VOID
MiReleaseRun(PMI_RANGE Range, PVOID Va, BOOLEAN FreeFrames, SIZE_T Commit)
{
    PMI_RUN    Run = MiRunAt(Range, Va);
    SIZE_T     Pages = Run->State & MI_RUN_PAGES;
    MI_PENDING Batch[MI_PENDING_RUNS], New = { Range, Va, Pages, FreeFrames, Commit };
    ULONG      Count = 0;
    KIRQL      OldIrql;

    Run->State |= MI_RUN_PENDING;                   // giving it back twice is found out
    MiInvalidateEntries(Va, Pages);
    if ((KeQueryActiveProcessors() & (KeQueryActiveProcessors() - 1)) == 0) {
        MiCompleteBatch(&New, 1, FALSE);
        return;
    }
    KeAcquireSpinLock(&MiPendingLock, &OldIrql);
    MiPending[MiPendingCount++] = New;
    MiPendingPages += Pages;
    if (MiPendingCount == MI_PENDING_RUNS || MiPendingPages >= MI_PENDING_PAGES) {
        Count = MiPendingCount;
        RtlCopyMemory(Batch, MiPending, Count * sizeof(MI_PENDING));
        MiPendingCount = 0;
        MiPendingPages = 0;
    }
    KeReleaseSpinLock(&MiPendingLock, OldIrql);
    MiCompleteBatch(Batch, Count, TRUE);
}

/* Completes what is pending. IRQL <= DISPATCH_LEVEL. */
VOID
MiReleasePending(VOID)
{
    MI_PENDING Batch[MI_PENDING_RUNS];
    ULONG      Count;
    KIRQL      OldIrql;

    KeAcquireSpinLock(&MiPendingLock, &OldIrql);
    Count = MiPendingCount;
    RtlCopyMemory(Batch, MiPending, Count * sizeof(MI_PENDING));
    MiPendingCount = 0;
    MiPendingPages = 0;
    KeReleaseSpinLock(&MiPendingLock, OldIrql);
    MiCompleteBatch(Batch, Count, TRUE);
}
