/*
 * Bytes and messages on their way: from a write to the reads that wait, into the ring, out of it.
 * Everything here happens with DataMutex held. The copies may meet a program's bad address; then
 * nothing has changed but what *Moved already counts.
 */
#include "pipe.h"

/* Bytes leave the pipe unread. */
VOID
PipeLose(PPIPE Pipe, ULONG Bytes)
{
    Pipe->Lost += Bytes;
    Pipe->Held -= Bytes;
}

/* Bytes have come into the pipe, and those of them that are lost or read leave it by the same. */
static VOID
PipeCame(PPIPE Pipe, PINSTANCE Instance, ULONG Bytes)
{
    Pipe->Written += Bytes;
    Pipe->Held += Bytes;
    Instance->BytesWritten += Bytes;
}

static VOID
PipeLeft(PPIPE Pipe, PINSTANCE Instance, ULONG Bytes)
{
    Pipe->Read += Bytes;
    Pipe->Held -= Bytes;
    Instance->BytesRead += Bytes;
}

/*
 * (1) Gives Data to the read that waits longest, *Moved says how much. STATUS_NOT_FOUND: none
 * waits. What remains of a message is put into the ring, which is empty (I1).
 */
static NTSTATUS
PipeGive(PPIPE Pipe, PINSTANCE Instance, const UCHAR *Data, ULONG Length, PULONG Moved)
{
    PIRP               Irp = PipeTake(&Pipe->WaitingReads, NULL);
    PIO_STACK_LOCATION Stack;
    ULONG              Count;
    BOOLEAN            Rest;
    NTSTATUS           Status;

    *Moved = 0;
    if (Irp == NULL)
        return STATUS_NOT_FOUND;
    Stack = IoGetCurrentIrpStackLocation(Irp);
    Count = min(Length, Stack->Parameters.Read.Length);
    Rest = Pipe->Type == PIPE_MESSAGES && Count < Length;
    Status = RingCopy(PipeBufferOf(Irp), Data, Count);
    if (NT_SUCCESS(Status) && Rest)
        Status = RingPutMessage(&Pipe->Ring, Data + Count, Length - Count);
    if (!NT_SUCCESS(Status)) {
        PipeWait(&Pipe->WaitingReads, Irp, TRUE);
        return Status;
    }
    *Moved = Rest ? Length : Count;
    PipeCame(Pipe, Instance, *Moved);
    PipeLeft(Pipe, Stack->FileObject->FsContext2, Count);
    PipeFinish(Pipe, Irp, Rest ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS, Count);
    return STATUS_SUCCESS;
}

/* Puts the end of Data in, in place of as many of the oldest bytes as it takes. */
static NTSTATUS
PipeOverwrite(PPIPE Pipe, PINSTANCE Instance, const UCHAR *Data, ULONG Length)
{
    ULONG    Fits = min(Length, Pipe->Ring.Capacity);
    ULONG    Room = RingRoom(&Pipe->Ring);
    ULONG    Skipped = Fits > Room ? Fits - Room : 0;
    RING     Before = Pipe->Ring;
    NTSTATUS Status;

    RingSkip(&Pipe->Ring, Skipped);
    Status = RingPut(&Pipe->Ring, Data + (Length - Fits), Fits);
    if (!NT_SUCCESS(Status)) {
        Pipe->Ring = Before;
        return Status;
    }
    PipeCame(Pipe, Instance, Length);
    PipeLose(Pipe, Skipped + (Length - Fits));
    return STATUS_SUCCESS;
}

static NTSTATUS
PipePutBytes(PPIPE Pipe, PINSTANCE Instance, const UCHAR *Data, ULONG Length, BOOLEAN MayFill,
             PULONG Moved)
{
    NTSTATUS Status;
    ULONG    Count;

    while (*Moved < Length && !PipeNobodyWaits(&Pipe->WaitingReads)) {
        Status = PipeGive(Pipe, Instance, Data + *Moved, Length - *Moved, &Count);
        *Moved += Count;
        if (Status == STATUS_NOT_FOUND)
            break;
        if (!NT_SUCCESS(Status))
            return Status;
    }
    Data += *Moved;
    Length -= *Moved;
    if (Length == 0)
        return STATUS_SUCCESS;
    if (Pipe->Mode == PIPE_OVERWRITE_OLD) {
        Status = PipeOverwrite(Pipe, Instance, Data, Length);
        if (NT_SUCCESS(Status))
            *Moved += Length;
        return Status;
    }

    Count = MayFill ? min(Length, RingRoom(&Pipe->Ring)) : 0;
    Status = RingPut(&Pipe->Ring, Data, Count);
    if (!NT_SUCCESS(Status))
        return Status;
    PipeCame(Pipe, Instance, Count);
    *Moved += Count;
    if (Count == Length)
        return STATUS_SUCCESS;
    if (Instance->Waits & PIPE_WAIT_WRITE)
        return STATUS_PENDING;
    PipeCame(Pipe, Instance, Length - Count);
    PipeLose(Pipe, Length - Count);
    return STATUS_SUCCESS;
}

static NTSTATUS
PipePutMessage(PPIPE Pipe, PINSTANCE Instance, const UCHAR *Data, ULONG Length, BOOLEAN MayFill,
               PULONG Moved)
{
    ULONGLONG Size = RingMessageSize(Length);
    NTSTATUS  Status;

    if (Size > Pipe->Ring.Capacity)
        return STATUS_INVALID_BUFFER_SIZE;
    Status = PipeGive(Pipe, Instance, Data, Length, Moved);
    if (Status != STATUS_NOT_FOUND)
        return Status;
    if (Pipe->Mode == PIPE_OVERWRITE_OLD)
        while (Size > RingRoom(&Pipe->Ring))
            PipeLose(Pipe, RingSkipMessage(&Pipe->Ring));
    if (MayFill && Size <= RingRoom(&Pipe->Ring)) {
        Status = RingPutMessage(&Pipe->Ring, Data, Length);
        if (!NT_SUCCESS(Status))
            return Status;
        PipeCame(Pipe, Instance, Length);
        *Moved = Length;
        return STATUS_SUCCESS;
    }
    if (Instance->Waits & PIPE_WAIT_WRITE)
        return STATUS_PENDING;
    PipeCame(Pipe, Instance, Length);
    PipeLose(Pipe, Length);
    return STATUS_SUCCESS;
}

/* A write whose turn it is; MayFill: into the ring, too. */
static NTSTATUS
PipePutNow(PPIPE Pipe, PINSTANCE Instance, const UCHAR *Data, ULONG Length, BOOLEAN MayFill,
           PULONG Moved)
{
    if ((Instance->Waits & PIPE_WAIT_WRITE) && Pipe->HadReader && Pipe->Readers == 0)
        return STATUS_PIPE_BROKEN;
    if (Pipe->Type == PIPE_MESSAGES)
        return PipePutMessage(Pipe, Instance, Data, Length, MayFill, Moved);
    return PipePutBytes(Pipe, Instance, Data, Length, MayFill, Moved);
}

NTSTATUS
PipePut(PPIPE Pipe, PINSTANCE Instance, const UCHAR *Data, ULONG Length, PULONG Moved)
{
    return PipePutNow(Pipe, Instance, Data, Length, PipeNobodyWaits(&Pipe->WaitingWrites), Moved);
}

/* (4) Lets writes that wait go on while there is room for them. */
VOID
PipeContinueWrites(PPIPE Pipe)
{
    PIRP               Irp;
    PIO_STACK_LOCATION Stack;
    NTSTATUS           Status;
    ULONG              Moved;

    while ((Irp = PipeTake(&Pipe->WaitingWrites, NULL)) != NULL) {
        Stack = IoGetCurrentIrpStackLocation(Irp);
        Moved = PIPE_PROGRESS(Irp);
        Status = PipePutNow(Pipe, Stack->FileObject->FsContext2, PipeBufferOf(Irp),
                            Stack->Parameters.Write.Length, TRUE, &Moved);
        PIPE_PROGRESS(Irp) = Moved;
        if (Status == STATUS_PENDING) {
            PipeWait(&Pipe->WaitingWrites, Irp, TRUE);
            return;
        }
        PipeFinish(Pipe, Irp, Status, Moved);
    }
}

/* (3) */
NTSTATUS
PipeGet(PPIPE Pipe, PINSTANCE Instance, PUCHAR Data, ULONG Length, PULONG Moved)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG    Count;

    while (Pipe->Ring.Used != 0 && (*Moved < Length || Pipe->Type == PIPE_MESSAGES)) {
        Count = min(Length - *Moved, Pipe->Ring.Used);
        if (Pipe->Type == PIPE_MESSAGES)
            Status = RingTakeMessage(&Pipe->Ring, Data, Length, &Count);
        else
            Status = RingTake(&Pipe->Ring, Data + *Moved, Count);
        if (NT_ERROR(Status))
            return *Moved != 0 ? STATUS_SUCCESS : Status;
        PipeLeft(Pipe, Instance, Count);
        *Moved += Count;
        if (!PipeNobodyWaits(&Pipe->WaitingWrites))
            PipeContinueWrites(Pipe);
        if (Pipe->Type == PIPE_MESSAGES)
            return Status;
    }
    if (*Moved != 0 || !(Instance->Waits & PIPE_WAIT_READ))
        return STATUS_SUCCESS;
    if (Length == 0 && Pipe->Type == PIPE_BYTES)
        return STATUS_SUCCESS;
    return Pipe->HadWriter && Pipe->Writers == 0 ? STATUS_END_OF_FILE : STATUS_PENDING;
}
