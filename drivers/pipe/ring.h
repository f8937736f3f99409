/*
 * A circular buffer: the oldest byte is at Head, the newest just before Head + Used, both modulo
 * Capacity. It holds bytes, or messages: a message is its length (ULONG) and its bytes, and the
 * first one may have lost its beginning to a read with a short buffer.
 *
 * The ring knows no locks and no IRPs; whoever owns it calls these routines with a lock held.
 * What is copied in or out may be a program's memory, which can fault: then the routine says so,
 * and the ring is as it was.
 */
#pragma once

#include <ntddk.h>

typedef struct _RING {
    PUCHAR Data;                                // Capacity bytes
    ULONG  Capacity, Used;                      // 0 <= Used <= Capacity
    ULONG  Head;
} RING, *PRING;

/* Copies, and returns STATUS_SUCCESS or the exception it met. */
NTSTATUS RingCopy(PVOID To, const VOID *From, ULONG Length);

/* Copies the oldest Length bytes, Length <= Used, and forgets them. */
NTSTATUS RingTake(PRING Ring, PUCHAR Data, ULONG Length);

/* Adds Length bytes, Length <= RingRoom. */
NTSTATUS RingPut(PRING Ring, const UCHAR *Data, ULONG Length);

/*
 * Messages. RingPutMessage needs room for RingMessageSize(Length). RingTakeMessage takes at most
 * Length bytes of the first one, *Taken says how many; STATUS_BUFFER_OVERFLOW: there was more,
 * which stays. RingSkipMessage forgets the first one and returns how many bytes it had.
 */
NTSTATUS RingPutMessage(PRING Ring, const UCHAR *Data, ULONG Length);
NTSTATUS RingTakeMessage(PRING Ring, PUCHAR Data, ULONG Length, PULONG Taken);
ULONG    RingSkipMessage(PRING Ring);

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

static __inline ULONGLONG
RingMessageSize(ULONG Length)
{
    return (ULONGLONG)Length + sizeof(ULONG);
}
