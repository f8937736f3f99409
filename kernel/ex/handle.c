/*
 * Handle tables: growing, filling and freeing slots. ex/handle.h tells how a table is laid out
 * and how a lookup and a close that meet come to terms; the lookup itself is inline there,
 * because it is the hottest path of the system.
 *
 *   ExCreateHandleTable      one leaf of 255 free slots (index 0 is never used)
 *   ExFillSlot               takes the first of the queue, growing the table first when the queue
 *                            runs low
 *   ExFreeSlot               appends to the queue
 *   ExDestroyHandleTable     frees the blocks of a table whose handles are all closed
 *
 * A leaf block costs one page of paged pool for 256 handles; a pointer block is added for the
 * first handle beyond 256 and the second level for the first beyond 131,072, so a million handles
 * take 3,907 leaves and nine pointer blocks. Each operation touches at most three blocks,
 * whatever the number of handles.
 *
 * Locks: HandleTableLock guards the queue and growth. A filled slot needs none.
 */
#include "kernel.h"
#include "ex/handle.h"

#define TAG_HANDLE_TABLE    'btbO'

static PVOID
ExpAllocateBlock(VOID)
{
    PVOID Block = ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, TAG_HANDLE_TABLE);

    if (Block != NULL)
        RtlZeroMemory(Block, PAGE_SIZE);
    return Block;
}

/*
 * Makes sure that the table has one level more than now, its first block being what is there now.
 */
static BOOLEAN
ExpAddLevelLocked(PHANDLE_TABLE Table)
{
    ULONG_PTR Code = Table->TableCode;
    PVOID    *Top  = ExpAllocateBlock();

    if (Top == NULL)
        return FALSE;

    Top[0] = (PVOID)(Code & ~(ULONG_PTR)3);
    InterlockedExchange64((volatile LONG64 *)&Table->TableCode,
                          (LONG64)((ULONG_PTR)Top | ((Code & 3) + 1)));
    return TRUE;
}

/*
 * Hangs Leaf into the blocks as the one that starts at Index; makes the pointer block above it
 * when it is the first there.
 */
static BOOLEAN
ExpLinkLeafLocked(PHANDLE_TABLE Table, ULONG Index, PVOID Leaf)
{
    ULONG  Number = Index / EX_SLOTS_PER_LEAF;
    PVOID *Blocks;

    if ((Table->TableCode & 3) == 0 && Number >= 1 && !ExpAddLevelLocked(Table))
        return FALSE;
    if ((Table->TableCode & 3) == 1 && Number >= EX_BLOCKS_PER_BLOCK && !ExpAddLevelLocked(Table))
        return FALSE;

    Blocks = (PVOID *)(Table->TableCode & ~(ULONG_PTR)3);
    if ((Table->TableCode & 3) == 2) {
        PVOID *Above = &Blocks[Number / EX_BLOCKS_PER_BLOCK];

        if (*Above == NULL)
            *Above = ExpAllocateBlock();
        Blocks = *Above;
        if (Blocks == NULL)
            return FALSE;
    }
    Blocks[Number % EX_BLOCKS_PER_BLOCK] = Leaf;
    return TRUE;
}

static VOID
ExpQueueSlotLocked(PHANDLE_TABLE Table, ULONG Index, PHANDLE_TABLE_ENTRY Entry)
{
    Entry->NextFree = 0;
    if (Table->LastFree != 0)
        ExFindSlot(Table, Table->LastFree)->NextFree = Index;
    else
        Table->FirstFree = Index;
    Table->LastFree = Index;
    Table->FreeCount++;
}

/* One leaf more; its slots are not in the queue yet. */
static BOOLEAN
ExpAddLeafLocked(PHANDLE_TABLE Table)
{
    PVOID Leaf;

    if (Table->SlotCount >= EX_MAXIMUM_SLOTS)
        return FALSE;

    Leaf = ExpAllocateBlock();
    if (Leaf == NULL)
        return FALSE;

    if (!ExpLinkLeafLocked(Table, Table->SlotCount, Leaf)) {
        ExFreePoolWithTag(Leaf, TAG_HANDLE_TABLE);
        return FALSE;
    }
    InterlockedExchangeAdd((volatile LONG *)&Table->SlotCount, EX_SLOTS_PER_LEAF);
    return TRUE;
}

static VOID
ExpQueueRangeLocked(PHANDLE_TABLE Table, ULONG First, ULONG End)
{
    for (ULONG Index = First; Index < End; Index++) {
        PHANDLE_TABLE_ENTRY Entry = ExFindSlot(Table, Index);

        if (Index != 0 && Entry->Value == 0)
            ExpQueueSlotLocked(Table, Index, Entry);
    }
}

/* An empty table with one leaf, or NULL. Process is whose handles it will hold (may be NULL). */
PHANDLE_TABLE
ExCreateHandleTable(PEPROCESS Process)
{
    PHANDLE_TABLE Table = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Table), TAG_HANDLE_TABLE);

    PAGED_CODE();

    if (Table == NULL)
        return NULL;

    RtlZeroMemory(Table, sizeof(*Table));
    ExInitializeFastMutex(&Table->HandleTableLock);
    Table->Process    = Process;
    Table->References = 1;
    Table->TableCode  = (ULONG_PTR)ExpAllocateBlock();
    if (Table->TableCode == 0) {
        ExFreePoolWithTag(Table, TAG_HANDLE_TABLE);
        return NULL;
    }
    Table->SlotCount = EX_SLOTS_PER_LEAF;
    ExpQueueRangeLocked(Table, 1, Table->SlotCount);
    return Table;
}

static VOID
ExpFreeBlocks(PVOID *Blocks, ULONG Levels)
{
    if (Levels != 0)
        for (ULONG Index = 0; Index < EX_BLOCKS_PER_BLOCK && Blocks[Index] != NULL; Index++)
            ExpFreeBlocks(Blocks[Index], Levels - 1);
    ExFreePoolWithTag(Blocks, TAG_HANDLE_TABLE);
}

/* Frees a table in which every slot is free and that nobody else can reach. */
VOID
ExDestroyHandleTable(PHANDLE_TABLE Table)
{
    PAGED_CODE();
    ASSERT(Table->HandleCount == 0);

    ExpFreeBlocks((PVOID *)(Table->TableCode & ~(ULONG_PTR)3), Table->TableCode & 3);
    ExFreePoolWithTag(Table, TAG_HANDLE_TABLE);
}

ULONG
ExGetHandleCount(PHANDLE_TABLE Table)
{
    return Table->HandleCount;
}

HANDLE
ExFillSlot(PHANDLE_TABLE Table, PVOID Address, ULONG Flags, ACCESS_MASK GrantedAccess)
{
    PHANDLE_TABLE_ENTRY Entry;
    ULONG               Index = 0;

    PAGED_CODE();

    ExAcquireFastMutex(&Table->HandleTableLock);
    if (Table->FreeCount < EX_FREE_RESERVE && ExpAddLeafLocked(Table))
        ExpQueueRangeLocked(Table, Table->SlotCount - EX_SLOTS_PER_LEAF, Table->SlotCount);

    if (Table->FirstFree != 0 && !Table->Closing) {
        Index = Table->FirstFree;
        Entry = ExFindSlot(Table, Index);
        Table->FirstFree = Entry->NextFree;
        if (Table->FirstFree == 0)
            Table->LastFree = 0;
        Table->FreeCount--;
        Table->HandleCount++;

        Entry->GrantedAccess = GrantedAccess;
        Entry->Generation++;
        InterlockedExchange64(&Entry->Value,
                              (LONG64)((ULONG_PTR)Address | Flags | EX_HANDLE_FILLED));
    }
    ExReleaseFastMutex(&Table->HandleTableLock);
    return (HANDLE)((ULONG_PTR)Index * 4);
}

VOID
ExFreeSlot(PHANDLE_TABLE Table, HANDLE Handle)
{
    ULONG Index = (ULONG)((ULONG_PTR)Handle / 4);

    PAGED_CODE();

    ExAcquireFastMutex(&Table->HandleTableLock);
    ExpQueueSlotLocked(Table, Index, ExFindSlot(Table, Index));
    Table->HandleCount--;
    ExReleaseFastMutex(&Table->HandleTableLock);
}

BOOLEAN
ExCloneSlots(PHANDLE_TABLE Table, PHANDLE_TABLE Model)
{
    PAGED_CODE();

    Table->FirstFree = Table->LastFree = Table->FreeCount = 0;
    while (Table->SlotCount < Model->SlotCount)
        if (!ExpAddLeafLocked(Table))
            return FALSE;
    return TRUE;
}

VOID
ExQueueFreeSlots(PHANDLE_TABLE Table)
{
    ExpQueueRangeLocked(Table, 1, Table->SlotCount);
}
