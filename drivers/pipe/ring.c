/* See ring.h. Code in a __try block keeps nothing in registers, so it is in one short routine. */
#include "ring.h"

__attribute__((noinline)) NTSTATUS
RingCopy(PVOID To, const VOID *From, ULONG Length)
{
    __try {
        RtlCopyMemory(To, From, Length);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

/* Where the byte Offset behind the oldest is or will be; *First bytes there are in one piece. */
static PUCHAR
RingAt(const RING *Ring, ULONG Offset, ULONG Length, PULONG First)
{
    ULONG Start = Ring->Head + Offset;

    if (Start >= Ring->Capacity)
        Start -= Ring->Capacity;
    *First = min(Length, Ring->Capacity - Start);
    return Ring->Data + Start;
}

/* Copies Length of the bytes that begin Offset behind the oldest. */
static NTSTATUS
RingPeek(const RING *Ring, ULONG Offset, PUCHAR Data, ULONG Length)
{
    ULONG    First;
    PUCHAR   Start = RingAt(Ring, Offset, Length, &First);
    NTSTATUS Status = RingCopy(Data, Start, First);

    if (First == Length || !NT_SUCCESS(Status))
        return Status;
    return RingCopy(Data + First, Ring->Data, Length - First);
}

static NTSTATUS
RingPoke(PRING Ring, ULONG Offset, const UCHAR *Data, ULONG Length)
{
    ULONG    First;
    PUCHAR   Start = RingAt(Ring, Offset, Length, &First);
    NTSTATUS Status = RingCopy(Start, Data, First);

    if (First == Length || !NT_SUCCESS(Status))
        return Status;
    return RingCopy(Ring->Data, Data + First, Length - First);
}

NTSTATUS
RingTake(PRING Ring, PUCHAR Data, ULONG Length)
{
    NTSTATUS Status = RingPeek(Ring, 0, Data, Length);

    if (NT_SUCCESS(Status))
        RingSkip(Ring, Length);
    return Status;
}

NTSTATUS
RingPut(PRING Ring, const UCHAR *Data, ULONG Length)
{
    NTSTATUS Status = RingPoke(Ring, Ring->Used, Data, Length);

    if (NT_SUCCESS(Status))
        Ring->Used += Length;
    return Status;
}

NTSTATUS
RingPutMessage(PRING Ring, const UCHAR *Data, ULONG Length)
{
    NTSTATUS Status = RingPoke(Ring, Ring->Used, (PUCHAR)&Length, sizeof Length);

    if (NT_SUCCESS(Status))
        Status = RingPoke(Ring, Ring->Used + sizeof Length, Data, Length);
    if (NT_SUCCESS(Status))
        Ring->Used += sizeof Length + Length;
    return Status;
}

NTSTATUS
RingTakeMessage(PRING Ring, PUCHAR Data, ULONG Length, PULONG Taken)
{
    ULONG    Whole = 0, Rest;
    NTSTATUS Status;

    *Taken = 0;
    RingPeek(Ring, 0, (PUCHAR)&Whole, sizeof Whole);
    Length = min(Length, Whole);
    Status = RingPeek(Ring, sizeof Whole, Data, Length);
    if (!NT_SUCCESS(Status))
        return Status;
    *Taken = Length;
    if (Length == Whole) {
        RingSkip(Ring, sizeof Whole + Length);
        return STATUS_SUCCESS;
    }
    // the rest becomes the first message; its length goes where the end of what was taken lay
    Rest = Whole - Length;
    RingSkip(Ring, Length);
    RingPoke(Ring, 0, (PUCHAR)&Rest, sizeof Rest);
    return STATUS_BUFFER_OVERFLOW;
}

ULONG
RingSkipMessage(PRING Ring)
{
    ULONG Length = 0;

    RingPeek(Ring, 0, (PUCHAR)&Length, sizeof Length);
    RingSkip(Ring, sizeof Length + Length);
    return Length;
}
