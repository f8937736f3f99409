/*
 * Kernel stacks, out of the system PTE range: KERNEL_STACK_PAGES pages with a page below them
 * that is never mapped, so that an overflow is a double fault with its own stack and a readable
 * report instead of somebody else's data.
 *
 * Threads come and go quickly, so a few stacks are kept instead of being unmapped and flushed on
 * every processor: MiStackCache, guarded by MiStackLock.
 */
#include "mm/mmp.h"

#define STACK_CACHE     8

static KSPIN_LOCK MiStackLock;
static PVOID      MiStackCache[STACK_CACHE];
static ULONG      MiStackCount;

static PVOID
MiPopStack(VOID)
{
    PVOID Va = NULL;
    KIRQL OldIrql;

    KeAcquireSpinLock(&MiStackLock, &OldIrql);
    if (MiStackCount > 0)
        Va = MiStackCache[--MiStackCount];
    KeReleaseSpinLock(&MiStackLock, OldIrql);
    return Va;
}

static BOOLEAN
MiPushStack(PVOID Va)
{
    BOOLEAN Kept;
    KIRQL   OldIrql;

    KeAcquireSpinLock(&MiStackLock, &OldIrql);
    Kept = MiStackCount < STACK_CACHE;
    if (Kept)
        MiStackCache[MiStackCount++] = Va;
    KeReleaseSpinLock(&MiStackLock, OldIrql);
    return Kept;
}

/* Returns the high end, or NULL. What the stack holds is not defined. */
PVOID
MmCreateKernelStack(VOID)
{
    PUCHAR Va = MiPopStack();

    IRQL_AT_MOST(DISPATCH_LEVEL);

    if (Va == NULL) {
        if (!MiChargeCommit(KERNEL_STACK_PAGES))
            return NULL;
        Va = MiAllocateRun(&MiSystemPteRange, KERNEL_STACK_PAGES + 1);
        if (Va == NULL || !MiMapNewFrames(Va + PAGE_SIZE, KERNEL_STACK_PAGES, PTE_KERNEL_DATA)) {
            if (Va != NULL)
                MiFreeRun(&MiSystemPteRange, Va);
            MiReturnCommit(KERNEL_STACK_PAGES);
            return NULL;
        }
    }
    return Va + (KERNEL_STACK_PAGES + 1) * PAGE_SIZE;
}

/* Nobody runs on it any more. */
VOID
MmDeleteKernelStack(PVOID StackBase)
{
    PUCHAR Low = (PUCHAR)StackBase - KERNEL_STACK_PAGES * PAGE_SIZE, Va = Low - PAGE_SIZE;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    if (MiPushStack(Va))
        return;
    MiReleaseRun(&MiSystemPteRange, Va, TRUE, KERNEL_STACK_PAGES);
}
