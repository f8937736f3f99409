/*
 * A circular buffer: the oldest byte is at Head, the newest just before Head + Used,
 both modulo Capacity.
 *
 * It knows no locks and no IRPs; whoever owns it calls these routines with a lock held.
 */
#pragma once

typedef struct _RING {
    PUCHAR Data;                                // Capacity bytes
    ULONG  Capacity, Used;                      // 0 <= Used <= Capacity
    ULONG  Head;
} RING, *PRING;

static __inline ULONG
RingRoom(const RING *Ring)
{
    return Ring->Capacity - Ring->Used;
}

/* Forgets the oldest Length bytes, Length <= Used. */
static __inline VOID
RingSkip(PRING Ring, ULONG Length)
{
    Ring->Head += Length;
    if (Ring->Head >= Ring->Capacity)
        Ring->Head -= Ring->Capacity;
    Ring->Used -= Length;
}

/* Takes the oldest Length bytes, Length <= Used. */
static __inline VOID
RingTake(PRING Ring, PUCHAR Data, ULONG Length)
{
    ULONG First = min(Length, Ring->Capacity - Ring->Head);

    RtlCopyMemory(Data, Ring->Data + Ring->Head, First);
    if (Length > First)
        RtlCopyMemory(Data + First, Ring->Data, Length - First);
    RingSkip(Ring, Length);
}

/* Adds Length bytes, Length <= RingRoom. */
static __inline VOID
RingPut(PRING Ring, const UCHAR *Data, ULONG Length)
{
    ULONG Tail = Ring->Head + Ring->Used;
    ULONG First;

    if (Tail >= Ring->Capacity)
        Tail -= Ring->Capacity;
    First = min(Length, Ring->Capacity - Tail);
    RtlCopyMemory(Ring->Data + Tail, Data, First);
    if (Length > First)
        RtlCopyMemory(Ring->Data, Data + First, Length - First);
    Ring->Used += Length;
}
