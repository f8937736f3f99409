/*
 * Handle tables: numbers that stand for addresses, for ob/ (handles of a process) and ex/cid.c
 * (process and thread ids).
 *
 * A handle is an index times 4; index 0 is never used. Slots lie in leaves, 4,096-byte blocks of
 * 256, which are made on demand and found through one array of pointers, Leaves. A table only
 * grows: when the array is full a longer copy takes its place, and the old one stays until the
 * table goes, for those who are reading it. Leaf and array are published before the limit that
 * lets anybody look into them (SlotCount), so finding a slot takes no lock.
 *
 * Free slots are a queue: the one freed longest ago is used next, and a new leaf is made while
 * fewer than EX_FREE_RESERVE are waiting, so that a stale handle meets an empty slot and not
 * somebody else's object.
 *
 * Lookup against close: a lookup takes a hold on a filled slot, which is a count in the upper 16
 * bits of Value:
 *   (a) hold:    compare-exchange Value to Value - EX_HANDLE_HOLD if it is filled. Until the hold
 *                is dropped the object has the slot's own reference or (c)'s.
 *   (b) drop:    compare-exchange it back. If the slot no longer has a hold on that object, a
 *                close has come in between and the dropper now owns one reference to the object.
 *   (c) take:    the closer (who has a hold) references the object once for every other hold,
 *                then exchanges the slot to 0. Slots are filled and holds are taken only by
 *                compare-exchange, so nothing is lost.
 * Nobody waits in any of the three.
 */
#pragma once

#include "ex/ex.h"

// bits of Value; INHERIT and AUDIT have the values of OBJ_*
#define EX_HANDLE_FILLED    0x1
#define EX_HANDLE_INHERIT   0x2
#define EX_HANDLE_AUDIT     0x4
#define EX_HANDLE_PROTECT   0x8             // from NtClose
#define EX_HANDLE_FLAGS     0xF
#define EX_HANDLE_HOLD      (1LL << 48)

#define EX_SLOTS_PER_LEAF   (PAGE_SIZE / sizeof(HANDLE_TABLE_ENTRY))
// the array begins with this many leaves and becomes eight times as long each time
#define EX_FIRST_LEAVES     4
#define EX_MAXIMUM_ARRAYS   6
#define EX_FREE_RESERVE     32
#define EX_MAXIMUM_SLOTS    (16u << 20)

typedef struct _HANDLE_TABLE {
    /* Changed under HandleTableLock, read without it: */
    PHANDLE_TABLE_ENTRY *volatile Leaves;
    volatile ULONG     SlotCount;           // slots that exist: 0 .. SlotCount - 1
    volatile LONG      HandleCount;         // filled slots
    volatile BOOLEAN   Closing;             // takes no new handles

    /* Guarded by HandleTableLock: */
    FAST_MUTEX         HandleTableLock;
    // index of the slot to use next, 0 if none; HANDLE_TABLE_ENTRY.NextFree links
    ULONG              FirstFree;
    ULONG              LastFree;
    ULONG              FreeCount;
    ULONG              LeafRoom;            // entries of Leaves
    ULONG              ArrayCount;
    // the arrays so far, the last one is Leaves; the first one is FirstLeaves
    PHANDLE_TABLE_ENTRY *Arrays[EX_MAXIMUM_ARRAYS];
    PHANDLE_TABLE_ENTRY FirstLeaves[EX_FIRST_LEAVES];

    PEPROCESS          Process;             // whose handles these are, or NULL; not referenced
    // guarded by ObpHandleTableLock: the process, and users from other processes
    LONG               References;
} HANDLE_TABLE;

/* A hold on a slot: what a lookup knows until it drops it. */
typedef struct _EX_HOLD {
    PHANDLE_TABLE_ENTRY Entry;
    LONG64              Value;              // as it was before the hold
    ACCESS_MASK         GrantedAccess;
} EX_HOLD, *PEX_HOLD;

// an address in the kernel: bit 47 is set, so the upper bits come from extending it
#define EX_HOLD_ADDRESS(Value)  \
    ((PVOID)(((LONG64)((ULONG64)(Value) << 16) >> 16) & ~(LONG64)EX_HANDLE_FLAGS))
#define EX_HOLD_COUNT(Value)    ((ULONG)(0xFFFF - ((ULONG64)(Value) >> 48)))
#define EX_SAME_ADDRESS(A, B)   ((((A) ^ (B)) & 0x0000FFFFFFFFFFF0LL) == 0)

/* The slot at Index, which is below SlotCount. */
static inline PHANDLE_TABLE_ENTRY
ExSlotAt(PHANDLE_TABLE Table, ULONG64 Index)
{
    return &Table->Leaves[Index / EX_SLOTS_PER_LEAF][Index % EX_SLOTS_PER_LEAF];
}

/* The slot at Index, or NULL if there is none. */
static inline PHANDLE_TABLE_ENTRY
ExFindSlot(PHANDLE_TABLE Table, ULONG64 Index)
{
    return Index < Table->SlotCount ? ExSlotAt(Table, Index) : NULL;
}

/* (a). FALSE: the slot is free. */
static inline BOOLEAN
ExHoldSlot(PHANDLE_TABLE_ENTRY Entry, PEX_HOLD Hold)
{
    LONG64 Value, Rights;

    do {
        Value  = Entry->Value;
        Rights = Entry->Rights;
        if (!(Value & EX_HANDLE_FILLED))
            return FALSE;
    } while (InterlockedCompareExchange64(&Entry->Value, Value - EX_HANDLE_HOLD, Value) != Value);

    Hold->Entry         = Entry;
    Hold->Value         = Value;
    Hold->GrantedAccess = (ACCESS_MASK)Rights;
    return TRUE;
}

/* (b). FALSE: the slot was closed meanwhile, and the caller owns a reference to the object. */
BOOLEAN ExDropSlotAgain(PHANDLE_TABLE_ENTRY Entry, LONG64 Held, LONG64 Seen);

static inline BOOLEAN
ExDropSlot(PEX_HOLD Hold)
{
    LONG64 Value = Hold->Value - EX_HANDLE_HOLD, Seen;

    Seen = InterlockedCompareExchange64(&Hold->Entry->Value, Hold->Value, Value);
    return __builtin_expect(Seen == Value, 1) || ExDropSlotAgain(Hold->Entry, Hold->Value, Seen);
}

/*
 * Fills a free slot with Value (address and EX_HANDLE_* bits) and returns its handle, or NULL:
 * the table is full, closing, or out of memory. The reference that Value stands for is the
 * caller's until then. PASSIVE_LEVEL or APC_LEVEL, as the rest.
 */
HANDLE ExFillSlot(PHANDLE_TABLE Table, PVOID Address, ULONG Flags, ACCESS_MASK GrantedAccess);

/* Puts a slot that was exchanged to 0 at the end of the queue. */
VOID ExFreeSlot(PHANDLE_TABLE Table, HANDLE Handle);

/*
 * Gives an empty table that nobody else knows yet as many slots as there are in Model, all free
 * but not yet in the queue ...
 */
BOOLEAN ExCloneSlots(PHANDLE_TABLE Table, PHANDLE_TABLE Model);
/* ... so that some of them can be filled as they are in Model, before this queues the others. */
VOID ExQueueFreeSlots(PHANDLE_TABLE Table);
