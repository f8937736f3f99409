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
 * A leaf costs one page of paged pool for 256 handles. The array of leaves has 4 entries in the
 * table itself, then 32, 256, ...: a million handles take 3,907 leaves and arrays of 145 KB
 * altogether. Each operation touches one leaf and one array, whatever the number of handles.
 *
 * Locks: HandleTableLock guards the queue and growth. A filled slot needs none.
 */
#include "kernel.h"
#include "ex/handle.h"

#define TAG_HANDLE_TABLE    'btbO'

static PVOID
ExpAllocateTableBlock(SIZE_T Size)
{
    PVOID Block = ExAllocatePoolWithTag(PagedPool, Size, TAG_HANDLE_TABLE);

    if (Block != NULL)
        RtlZeroMemory(Block, Size);
    return Block;
}

/* A longer array of leaves in place of the full one. */
static BOOLEAN
ExpGrowLeavesLocked(PHANDLE_TABLE Table)
{
    ULONG                Room = Table->LeafRoom * 8;
    PHANDLE_TABLE_ENTRY *New  = Table->ArrayCount < EX_MAXIMUM_ARRAYS
        ? ExpAllocateTableBlock(Room * sizeof(*New)) : NULL;

    if (New == NULL)
        return FALSE;

    RtlCopyMemory(New, Table->Leaves, Table->LeafRoom * sizeof(*New));
    Table->Arrays[Table->ArrayCount++] = New;
    Table->LeafRoom = Room;
    Table->Leaves   = New;
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
    ULONG               Number = Table->SlotCount / EX_SLOTS_PER_LEAF;
    PHANDLE_TABLE_ENTRY Leaf;

    if (Table->SlotCount >= EX_MAXIMUM_SLOTS ||
        (Number == Table->LeafRoom && !ExpGrowLeavesLocked(Table)))
        return FALSE;

    Leaf = ExpAllocateTableBlock(PAGE_SIZE);
    if (Leaf == NULL)
        return FALSE;

    Table->Leaves[Number] = Leaf;
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
    Table->Leaves     = Table->Arrays[0] = Table->FirstLeaves;
    Table->LeafRoom   = EX_FIRST_LEAVES;
    Table->ArrayCount = 1;
    if (!ExpAddLeafLocked(Table)) {
        ExFreePoolWithTag(Table, TAG_HANDLE_TABLE);
        return NULL;
    }
    ExpQueueRangeLocked(Table, 1, Table->SlotCount);
    return Table;
}

/* Frees a table in which every slot is free and that nobody else can reach. */
VOID
ExDestroyHandleTable(PHANDLE_TABLE Table)
{
    PAGED_CODE();
    ASSERT(Table->HandleCount == 0);

    for (ULONG Leaf = 0; Leaf < Table->SlotCount / EX_SLOTS_PER_LEAF; Leaf++)
        ExFreePoolWithTag(Table->Leaves[Leaf], TAG_HANDLE_TABLE);
    while (--Table->ArrayCount != 0)
        ExFreePoolWithTag(Table->Arrays[Table->ArrayCount], TAG_HANDLE_TABLE);
    ExFreePoolWithTag(Table, TAG_HANDLE_TABLE);
}

/* The rest of (b): somebody else has changed the slot, and Seen was there. */
BOOLEAN
ExDropSlotAgain(PHANDLE_TABLE_ENTRY Entry, LONG64 Held, LONG64 Seen)
{
    LONG64 Value;

    do {
        Value = Seen;
        if (!EX_SAME_ADDRESS(Value, Held) || EX_HOLD_COUNT(Value) == 0)
            return FALSE;
        Seen = InterlockedCompareExchange64(&Entry->Value, Value + EX_HANDLE_HOLD, Value);
    } while (Seen != Value);
    return TRUE;
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
