/*
 * Private to the pool (ex/pool*.c).
 *
 *   pool.c      the allocation and freeing routines drivers call, their checks, the per-processor
 *               lists
 *   poolheap.c  blocks inside a page: free lists by size, splitting, joining
 *   poolbig.c   allocations of whole pages
 *   pooltag.c   the counters of each tag
 *
 * A page is a row of blocks, each with a POOL_HEADER that says how long it and the block before
 * it are. Sizes are in units of 16 bytes. A block is in one of three states, told by PoolType:
 *
 *   POOL_FREE      in a free list of its pool's descriptor; the list entry follows the header.
 *                  Guarded by the descriptor's lock
 *   POOL_CACHED    in a per-processor list, ready to be handed out; its neighbours take it for
 *                  allocated
 *   POOL_IN_USE    somebody's, with tag and pool in the header
 */
#pragma once

#include "init.h"
#include "mm/mm.h"
#include "ex/ex.h"

#define POOL_UNIT           16
#define POOL_UNITS_PER_PAGE (PAGE_SIZE / POOL_UNIT)
// bytes: the rest of a page is a block too; beyond it whole pages
#define POOL_LARGEST_BLOCK  (PAGE_SIZE - 3 * POOL_UNIT)
#define POOL_CACHE_LINE     64

#define POOL_FREE           0x00
#define POOL_CACHED         0x40
#define POOL_IN_USE         0x04            // and PoolType + 1 in the low bits: 1 nonpaged, 2 paged
#define POOL_QUOTA          0x08

/*
 * As published for x64; every field a byte of its own, so that neighbours can be written at the
 * same time.
 */
typedef struct _POOL_HEADER {
    UCHAR PreviousSize;                     // units of the block before; 0: first in its page
    UCHAR PoolIndex;                        // 0 nonpaged, 1 paged
    UCHAR BlockSize;                        // units, header included; 2..254
    UCHAR PoolType;
    ULONG PoolTag;
    ULONG64 ProcessBilled;                  // 0: no process is charged
} POOL_HEADER, *PPOOL_HEADER;
_Static_assert(sizeof(POOL_HEADER) == POOL_UNIT, "a pool header is one unit");

#define POOL_NEXT(Block)        ((PPOOL_HEADER)((PUCHAR)(Block) + (Block)->BlockSize * POOL_UNIT))
#define POOL_PREVIOUS(Block) \
    ((PPOOL_HEADER)((PUCHAR)(Block) - (Block)->PreviousSize * POOL_UNIT))
#define POOL_AT_PAGE_END(Va)    (((ULONG64)(Va) & (PAGE_SIZE - 1)) == 0)
#define POOL_LINKS(Block)       ((PLIST_ENTRY)((Block) + 1))
// of a block for Bytes
#define POOL_UNITS(Bytes)       ((ULONG)(((Bytes) + 2 * POOL_UNIT - 1) / POOL_UNIT))

/* ---- poolheap.c ---- */
VOID         ExpInitializePoolHeap(VOID);
// NULL: no memory. State is the caller's to set
PPOOL_HEADER ExpAllocateBlock(BOOLEAN Paged, ULONG Units, BOOLEAN CacheAligned);
VOID         ExpFreeBlock(PPOOL_HEADER Block);                  // checks the neighbours
// 0x19 if it does not fit its neighbours
VOID         ExpCheckBlock(PPOOL_HEADER Block);

/* ---- poolbig.c ---- */
PVOID ExpAllocateBigPool(BOOLEAN Paged, SIZE_T Bytes, ULONG Tag);
VOID  ExpFreeBigPool(PVOID Va, ULONG Tag);

/* ---- pooltag.c ---- */
VOID ExpTrackAllocation(ULONG Tag, BOOLEAN Paged, LONG64 Bytes);
VOID ExpTrackFree(ULONG Tag, BOOLEAN Paged, LONG64 Bytes);

/*
 * Whoever frees with a tag must name the one it allocated with; a tag with PROTECTED_POOL may not
 * be left out. The flag itself is no part of the comparison.
 */
static inline VOID
ExpCheckTag(PVOID Va, ULONG AllocationTag, ULONG FreeTag)
{
    BOOLEAN Protected = (AllocationTag & PROTECTED_POOL) != 0;

    if (FreeTag == 0 ? Protected : (AllocationTag ^ FreeTag) & ~PROTECTED_POOL)
        KeBugCheckEx(BAD_POOL_CALLER, 0x0A, (ULONG_PTR)Va, AllocationTag, FreeTag);
}
