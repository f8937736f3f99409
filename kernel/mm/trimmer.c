/*
 * Paged pool really pages: the balance set manager walks it once a second and trims every page that
 * nobody has touched since the walk before.
 *
 * A trimmed page keeps its frame; its PTE becomes a transition PTE. A touch below DISPATCH_LEVEL
 * is a fault that makes it valid again (MiFaultInPoolPage); a touch at DISPATCH_LEVEL or above is
 * a bugcheck, on this system as on one that would have to read the page from a disk.
 *
 *   valid, accessed        -> valid, not accessed       the walk
 *   valid, not accessed    -> transition                the next walk, unless an MDL has locked
 *                          the frame
 *   transition             -> valid, accessed           a fault
 *   any                    -> 0                         the pool gives the page back
 *
 * Each step is one interlocked exchange of the PTE, so no lock is needed; who loses simply leaves
 * the page as it is. All processors flush once at the end of a walk.
 */
#include "mm/mmp.h"

/* Ages or trims one page; TRUE if its translation must be flushed. */
static BOOLEAN
MiTrimPoolPage(PULONG64 Pte)
{
    ULONG64 Old = *(volatile ULONG64 *)Pte, New;

    if (!(Old & PTE_VALID))
        return FALSE;
    if (Old & PTE_ACCESSED)
        New = Old & ~PTE_ACCESSED;
    else if (MmPfnDatabase[PTE_TO_PFN(Old)].ReferenceCount > 1)
        return FALSE;
    else
        New = (Old & ~PTE_VALID) | PTE_TRANSITION;
    return (ULONG64)InterlockedCompareExchange64((LONG64 *)Pte, New, Old) == Old;
}

VOID
MmTrimPagedPool(VOID)
{
    PUCHAR  Va = (PUCHAR)MM_PAGED_POOL_START;
    PUCHAR  End = Va + ((SIZE_T)MiPagedPoolRange.HighestUsed << PAGE_SHIFT);
    BOOLEAN Flush = FALSE;

    for (; Va < End; Va += PAGE_SIZE) {
        PULONG64 Pte = MiFindSystemPte(Va);

        if (Pte != NULL && MiTrimPoolPage(Pte))
            Flush = TRUE;
    }
    if (Flush)
        KiIpiFlushTb(NULL, TRUE);
    MiReleasePending();
}

/*
 * A touch of a paged pool page that is not valid. TRUE: it is now (or was made so by somebody
 * else).
 */
BOOLEAN
MiFaultInPoolPage(PULONG64 Pte)
{
    ULONG64 Old = *(volatile ULONG64 *)Pte, New;

    while (!(Old & PTE_VALID)) {
        if (!(Old & PTE_TRANSITION))
            return FALSE;
        New = (Old & ~PTE_TRANSITION) | PTE_VALID | PTE_ACCESSED | PTE_DIRTY;
        Old = InterlockedCompareExchange64((LONG64 *)Pte, New, Old);
    }
    return TRUE;
}
