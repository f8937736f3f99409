/*
 * Look-aside lists: a few freed blocks of one size kept in an interlocked list in front of the
 * pool. The allocation and the free are inline in the DDK headers (pop or call Allocate; push or,
 * when Depth is reached, call Free), so here are only their start and their end, and the same two
 * as routines for those who look them up by name. The depth is fixed.
 *
 * All lists are in ExpLookasideLists, guarded by ExpLookasideLock, for the debugger.
 */
#include "ex/ex.h"

#define LOOKASIDE_DEPTH 64

static LIST_ENTRY ExpLookasideLists = { &ExpLookasideLists, &ExpLookasideLists };
static KSPIN_LOCK ExpLookasideLock;

static VOID
ExpInitializeLookaside(PGENERAL_LOOKASIDE List, PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free,
    POOL_TYPE PoolType, SIZE_T Size, ULONG Tag)
{
    RtlZeroMemory(List, sizeof *List);
    InitializeSListHead(&List->ListHead);
    List->Depth = List->MaximumDepth = LOOKASIDE_DEPTH;
    List->Type = PoolType;
    List->Tag = Tag;
    List->Size = (ULONG)(Size < sizeof(SLIST_ENTRY) ? sizeof(SLIST_ENTRY) : Size);
    List->Allocate = Allocate != NULL ? Allocate : ExAllocatePoolWithTag;
    List->Free = Free != NULL ? Free : ExFreePool;
    ExInterlockedInsertTailList(&ExpLookasideLists, &List->ListEntry, &ExpLookasideLock);
}

/* Gives the blocks that are kept back to the pool. */
static VOID
ExpDeleteLookaside(PGENERAL_LOOKASIDE List)
{
    PSLIST_ENTRY Entry;
    KIRQL        OldIrql = KfRaiseIrql(HIGH_LEVEL);

    KiAcquireSpinLock(&ExpLookasideLock);
    RemoveEntryList(&List->ListEntry);
    KiReleaseSpinLock(&ExpLookasideLock);
    KeLowerIrql(OldIrql);

    while ((Entry = InterlockedPopEntrySList(&List->ListHead)) != NULL)
        List->Free(Entry);
}

/*
 * Allocate and Free NULL: the pool. List is nonpaged memory, aligned to 16 bytes. IRQL <=
 * DISPATCH_LEVEL.
 */
VOID NTAPI
ExInitializeNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside, PALLOCATE_FUNCTION Allocate,
    PFREE_FUNCTION Free, ULONG Flags, SIZE_T Size, ULONG Tag, USHORT Depth)
{
    IRQL_AT_MOST(DISPATCH_LEVEL);
    ExpInitializeLookaside(&Lookaside->L, Allocate, Free, NonPagedPool | Flags, Size, Tag);
}

VOID NTAPI
ExInitializePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside, PALLOCATE_FUNCTION Allocate,
    PFREE_FUNCTION Free, ULONG Flags, SIZE_T Size, ULONG Tag, USHORT Depth)
{
    PAGED_CODE();
    ExpInitializeLookaside(&Lookaside->L, Allocate, Free, PagedPool | Flags, Size, Tag);
}

VOID NTAPI
ExDeleteNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside)
{
    IRQL_AT_MOST(DISPATCH_LEVEL);
    ExpDeleteLookaside(&Lookaside->L);
}

VOID NTAPI
ExDeletePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside)
{
    PAGED_CODE();
    ExpDeleteLookaside(&Lookaside->L);
}

PVOID NTAPI
ExiAllocateFromLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside)
{
    return ExAllocateFromNPagedLookasideList(Lookaside);
}

VOID NTAPI
ExiFreeToLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside, PVOID Entry)
{
    ExFreeToNPagedLookasideList(Lookaside, Entry);
}
