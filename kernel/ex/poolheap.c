/*
 * Blocks inside pool pages.
 *
 * Each pool has a descriptor: a free list for every block size (2..254 units) and a bit map of
 * the lists that are not empty. An allocation takes the first block of the smallest list that
 * fits, found by a bit scan, and puts what it does not need back as a free block of its own; a
 * free joins the block with its free neighbours. Both take the same few steps however full the
 * pool is.
 *
 * A page that becomes whole again is kept if fewer than POOL_SPARE_PAGES are, because giving it
 * back makes all processors flush their translations.
 *
 * Locks: the nonpaged descriptor has a spin lock. The paged one has a fast mutex, because its
 * headers and links lie in pages that may be trimmed and cannot be touched at DISPATCH_LEVEL.
 * Pages come and go outside the lock.
 *
 * Damage is a bugcheck 0x19: 0x20 when a block does not fit its neighbours, 3 when a free list is
 * broken.
 */
#include "ex/poolp.h"

#define POOL_SPARE_PAGES    16

typedef struct _POOL_DESCRIPTOR {
    /* Set at start-up, never changed: */
    BOOLEAN    Paged;

    /* Guarded by SpinLock (nonpaged) or Mutex (paged): */
    KSPIN_LOCK SpinLock;
    FAST_MUTEX Mutex;
    ULONG64    NonEmpty[4];
    LIST_ENTRY ListHeads[POOL_UNITS_PER_PAGE];
    PVOID      SparePages[POOL_SPARE_PAGES];
    ULONG      SpareCount;
    ULONG      TotalPages;
} POOL_DESCRIPTOR, *PPOOL_DESCRIPTOR;

static POOL_DESCRIPTOR ExpPoolDescriptors[2];

VOID
ExpInitializePoolHeap(VOID)
{
    for (ULONG Pool = 0; Pool < 2; Pool++) {
        PPOOL_DESCRIPTOR Descriptor = &ExpPoolDescriptors[Pool];

        Descriptor->Paged = Pool == 1;
        ExInitializeFastMutex(&Descriptor->Mutex);
        for (ULONG Units = 0; Units < POOL_UNITS_PER_PAGE; Units++)
            InitializeListHead(&Descriptor->ListHeads[Units]);
    }
}

static KIRQL
ExpLockPool(PPOOL_DESCRIPTOR Descriptor)
{
    KIRQL OldIrql = PASSIVE_LEVEL;

    if (!Descriptor->Paged)
        KeAcquireSpinLock(&Descriptor->SpinLock, &OldIrql);
    else
        ExAcquireFastMutex(&Descriptor->Mutex);
    return OldIrql;
}

static VOID
ExpUnlockPool(PPOOL_DESCRIPTOR Descriptor, KIRQL OldIrql)
{
    if (!Descriptor->Paged)
        KeReleaseSpinLock(&Descriptor->SpinLock, OldIrql);
    else
        ExReleaseFastMutex(&Descriptor->Mutex);
}

static VOID
ExpInsertFreeLocked(PPOOL_DESCRIPTOR Descriptor, PPOOL_HEADER Block)
{
    ULONG Units = Block->BlockSize;

    Block->PoolType = POOL_FREE;
    InsertHeadList(&Descriptor->ListHeads[Units], POOL_LINKS(Block));
    Descriptor->NonEmpty[Units / 64] |= 1ULL << (Units % 64);
}

static VOID
ExpRemoveFreeLocked(PPOOL_DESCRIPTOR Descriptor, PPOOL_HEADER Block)
{
    PLIST_ENTRY Links = POOL_LINKS(Block);
    ULONG       Units = Block->BlockSize;

    if (Links->Flink->Blink != Links || Links->Blink->Flink != Links)
        KeBugCheckEx(BAD_POOL_HEADER, 3, (ULONG_PTR)Block, (ULONG_PTR)Links->Flink,
                     (ULONG_PTR)Links->Blink);
    if (RemoveEntryList(Links))
        Descriptor->NonEmpty[Units / 64] &= ~(1ULL << (Units % 64));
}

/*
 * Cuts Block after Units; the rest becomes a block of its own, which is returned, or NULL if
 * nothing is left.
 */
static PPOOL_HEADER
ExpSplitBlock(PPOOL_HEADER Block, ULONG BlockUnits, ULONG Units)
{
    PPOOL_HEADER Rest, After;

    if (BlockUnits - Units < 2)                     // no room for header and links
        Units = BlockUnits;
    Block->BlockSize = (UCHAR)Units;
    if (Units == BlockUnits)
        return NULL;

    Rest = POOL_NEXT(Block);
    Rest->PoolIndex = Block->PoolIndex;
    Rest->PreviousSize = (UCHAR)Units;
    Rest->BlockSize = (UCHAR)(BlockUnits - Units);
    After = POOL_NEXT(Rest);
    if (!POOL_AT_PAGE_END(After))
        After->PreviousSize = Rest->BlockSize;
    return Rest;
}

/* Takes a block of Units from the lists, or a spare page; NULL if there is neither. */
static PPOOL_HEADER
ExpTakeBlockLocked(PPOOL_DESCRIPTOR Descriptor, ULONG Units)
{
    PPOOL_HEADER Block = NULL, Rest;
    ULONG        Found, Length = POOL_UNITS_PER_PAGE;

    for (ULONG Word = Units / 64; Word < 4 && Block == NULL; Word++) {
        ULONG64 Mask = Descriptor->NonEmpty[Word] & (Word == Units / 64
                                                     ? ~0ULL << (Units % 64) : ~0ULL);

        if (_BitScanForward64(&Found, Mask)) {
            Length = Word * 64 + Found;
            Block = (PPOOL_HEADER)Descriptor->ListHeads[Length].Flink - 1;
            if (Block->BlockSize != Length || Block->PoolType != POOL_FREE)
                KeBugCheckEx(BAD_POOL_HEADER, 3, (ULONG_PTR)Block, Length, *(PULONG64)Block);
            ExpRemoveFreeLocked(Descriptor, Block);
        }
    }
    if (Block == NULL) {
        if (Descriptor->SpareCount == 0)
            return NULL;
        Block = Descriptor->SparePages[--Descriptor->SpareCount];
        Block->PreviousSize = 0;
        Block->PoolIndex = Descriptor->Paged;
    }
    Rest = ExpSplitBlock(Block, Length, Units);
    Block->PoolType = POOL_CACHED;                  // nobody joins it from now on
    if (Rest != NULL)
        ExpInsertFreeLocked(Descriptor, Rest);
    return Block;
}

/* Gives Descriptor one more page, or FALSE. */
static BOOLEAN
ExpAddPoolPage(PPOOL_DESCRIPTOR Descriptor)
{
    PVOID   Page = MiAllocatePoolPages(Descriptor->Paged ? PagedPool : NonPagedPool, 1);
    BOOLEAN Kept;
    KIRQL   OldIrql;

    if (Page == NULL)
        return FALSE;
    OldIrql = ExpLockPool(Descriptor);
    Kept = Descriptor->SpareCount < POOL_SPARE_PAGES;
    if (Kept) {
        Descriptor->SparePages[Descriptor->SpareCount++] = Page;
        Descriptor->TotalPages++;
    }
    ExpUnlockPool(Descriptor, OldIrql);
    if (!Kept)
        MiFreePoolPages(Page);                      // others have filled it meanwhile
    return TRUE;
}

/*
 * Cuts the front off Block so that what follows its header starts on a cache line. Block is long
 * enough for that.
 */
static PPOOL_HEADER
ExpAlignBlockLocked(PPOOL_DESCRIPTOR Descriptor, PPOOL_HEADER Block)
{
    ULONG        Skip = (ULONG)(-(LONG64)(Block + 1) & (POOL_CACHE_LINE - 1)) / POOL_UNIT;
    PPOOL_HEADER Aligned;

    if (Skip == 0)
        return Block;
    if (Skip == 1)                                  // too short for a block of its own
        Skip += POOL_CACHE_LINE / POOL_UNIT;
    Aligned = ExpSplitBlock(Block, Block->BlockSize, Skip);
    Aligned->PoolType = POOL_CACHED;
    ExpInsertFreeLocked(Descriptor, Block);
    return Aligned;
}

PPOOL_HEADER
ExpAllocateBlock(BOOLEAN Paged, ULONG Units, BOOLEAN CacheAligned)
{
    PPOOL_DESCRIPTOR Descriptor = &ExpPoolDescriptors[Paged];
    PPOOL_HEADER     Block;
    KIRQL            OldIrql;

    do {
        OldIrql = ExpLockPool(Descriptor);
        Block = ExpTakeBlockLocked(Descriptor, Units);
        if (Block != NULL && CacheAligned)
            Block = ExpAlignBlockLocked(Descriptor, Block);
        ExpUnlockPool(Descriptor, OldIrql);
    } while (Block == NULL && ExpAddPoolPage(Descriptor));
    return Block;
}

/*
 * The owner calls it, so neither its own sizes nor its neighbours' idea of it may change
 * meanwhile.
 */
VOID
ExpCheckBlock(PPOOL_HEADER Block)
{
    PPOOL_HEADER Next = POOL_NEXT(Block), Previous = POOL_PREVIOUS(Block);
    ULONG64      Page = ROUND_DOWN((ULONG64)Block, PAGE_SIZE);

    if (Block->BlockSize < 2 || (ULONG64)Next > Page + PAGE_SIZE || (ULONG64)Previous < Page)
        KeBugCheckEx(BAD_POOL_HEADER, 0x20, (ULONG_PTR)Block, (ULONG_PTR)Next, *(PULONG64)Block);
    if (!POOL_AT_PAGE_END(Next) && Next->PreviousSize != Block->BlockSize)
        KeBugCheckEx(BAD_POOL_HEADER, 0x20, (ULONG_PTR)Block, (ULONG_PTR)Next, *(PULONG64)Next);
    if (Block->PreviousSize == 0 ? (ULONG64)Block != Page : FALSE)
        KeBugCheckEx(BAD_POOL_HEADER, 0x20, (ULONG_PTR)Block, (ULONG_PTR)Next, *(PULONG64)Block);
}

/* Joins Block with its free neighbours; returns the whole and its length. */
static PPOOL_HEADER
ExpJoinLocked(PPOOL_DESCRIPTOR Descriptor, PPOOL_HEADER Block, PULONG Units)
{
    PPOOL_HEADER Next = POOL_NEXT(Block), Previous = POOL_PREVIOUS(Block);

    *Units = Block->BlockSize;
    if (!POOL_AT_PAGE_END(Next) && Next->PoolType == POOL_FREE) {
        *Units += Next->BlockSize;
        ExpRemoveFreeLocked(Descriptor, Next);
    }
    if (Block->PreviousSize != 0) {
        if (Previous->BlockSize != Block->PreviousSize)
            KeBugCheckEx(BAD_POOL_HEADER, 0x20, (ULONG_PTR)Previous, (ULONG_PTR)Block,
                         *(PULONG64)Previous);
        if (Previous->PoolType == POOL_FREE) {
            *Units += Previous->BlockSize;
            ExpRemoveFreeLocked(Descriptor, Previous);
            Block = Previous;
        }
    }
    return Block;
}

VOID
ExpFreeBlock(PPOOL_HEADER Block)
{
    PPOOL_DESCRIPTOR Descriptor = &ExpPoolDescriptors[Block->PoolIndex];
    PVOID            Surplus = NULL;
    ULONG            Units;
    KIRQL            OldIrql = ExpLockPool(Descriptor);

    Block = ExpJoinLocked(Descriptor, Block, &Units);
    if (Units < POOL_UNITS_PER_PAGE) {
        PPOOL_HEADER After = (PPOOL_HEADER)((PUCHAR)Block + Units * POOL_UNIT);

        Block->BlockSize = (UCHAR)Units;
        if (!POOL_AT_PAGE_END(After))
            After->PreviousSize = (UCHAR)Units;
        ExpInsertFreeLocked(Descriptor, Block);
    } else if (Descriptor->SpareCount < POOL_SPARE_PAGES) {
        Descriptor->SparePages[Descriptor->SpareCount++] = Block;
    } else {
        Descriptor->TotalPages--;
        Surplus = Block;
    }
    ExpUnlockPool(Descriptor, OldIrql);

    if (Surplus != NULL)
        MiFreePoolPages(Surplus);
}
