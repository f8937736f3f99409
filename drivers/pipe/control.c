/*
 * Control requests: pipe_ioctl.h says what each takes and gives. What an open asks for (waiting)
 * is in its INSTANCE, everything else in the PIPE, for all of its opens.
 */
#include "pipe.h"

/* With DataMutex held: nothing is in the pipe, and nobody waits. */
static BOOLEAN
PipeIsIdle(PPIPE Pipe)
{
    return Pipe->Ring.Used == 0 && PipeNobodyWaits(&Pipe->WaitingReads) &&
        PipeNobodyWaits(&Pipe->WaitingWrites);
}

/* The newest bytes that fit move to a new ring, which is exchanged for the old one. */
static NTSTATUS
PipeExchangeRing(PPIPE Pipe, PRING New)
{
    RING Old = Pipe->Ring;

    if (Pipe->Type == PIPE_MESSAGES && !PipeIsIdle(Pipe))
        return STATUS_DEVICE_BUSY;
    if (Old.Used > New->Capacity) {
        PipeLose(Pipe, Old.Used - New->Capacity);
        RingSkip(&Old, Old.Used - New->Capacity);
    }
    New->Used = Old.Used;
    RingTake(&Old, New->Data, New->Used);
    Pipe->Ring = *New;
    *New = Old;
    PipeContinueWrites(Pipe);
    return STATUS_SUCCESS;
}

static NTSTATUS
PipeSetSize(PPIPE Pipe, ULONG Capacity)
{
    RING     Ring = { NULL, Capacity, 0, 0 };
    NTSTATUS Status;

    if (Capacity == 0 || Capacity > PIPE_MAX_SIZE)
        return STATUS_INVALID_PARAMETER;
    Ring.Data = ExAllocatePoolWithTag(NonPagedPool, Capacity, PIPE_TAG);
    if (Ring.Data == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;

    PipeAcquire(Pipe);
    Status = PipeExchangeRing(Pipe, &Ring);
    PipeRelease(Pipe);

    ExFreePoolWithTag(Ring.Data, PIPE_TAG);     // the old one, or the new one if it was refused
    return Status;
}

static NTSTATUS
PipeSetMode(PPIPE Pipe, ULONG Mode)
{
    if (Mode != PIPE_DROP_NEW && Mode != PIPE_OVERWRITE_OLD)
        return STATUS_INVALID_PARAMETER;
    PipeAcquire(Pipe);
    Pipe->Mode = Mode;
    PipeContinueWrites(Pipe);                   // who overwrites need not wait
    PipeRelease(Pipe);
    return STATUS_SUCCESS;
}

static NTSTATUS
PipeSetType(PPIPE Pipe, ULONG Type)
{
    NTSTATUS Status = STATUS_DEVICE_BUSY;

    if (Type != PIPE_BYTES && Type != PIPE_MESSAGES)
        return STATUS_INVALID_PARAMETER;
    PipeAcquire(Pipe);
    if (PipeIsIdle(Pipe)) {
        Pipe->Type = Type;
        Status = STATUS_SUCCESS;
    }
    PipeRelease(Pipe);
    return Status;
}

/* Requests of a file that waits for nothing always go by IRP; see fastio.c. */
static NTSTATUS
PipeSetWait(PFILE_OBJECT File, ULONG Waits)
{
    PINSTANCE Instance = File->FsContext2;

    if (Waits & ~(PIPE_WAIT_READ | PIPE_WAIT_WRITE))
        return STATUS_INVALID_PARAMETER;
    Instance->Waits = Waits;
    File->PrivateCacheMap = Waits != 0 ? Instance : NULL;
    return STATUS_SUCCESS;
}

static VOID
PipeQuery(PPIPE_DEVICE Device, PPIPE Pipe, PPIPE_INFORMATION Information)
{
    Information->Opens = PipeCountOpens(Device, Pipe);
    PipeAcquire(Pipe);
    Information->Size = Pipe->Ring.Capacity;
    Information->Held = Pipe->Held;
    Information->Mode = Pipe->Mode;
    Information->Lost = Pipe->Lost;
    PipeRelease(Pipe);
}

static VOID
PipeQueryTraffic(PPIPE Pipe, PINSTANCE Instance, PPIPE_TRAFFIC Traffic)
{
    PipeAcquire(Pipe);
    Traffic->Written = Pipe->Written;
    Traffic->Read = Pipe->Read;
    Traffic->Lost = Pipe->Lost;
    Traffic->Held = Pipe->Held;
    Traffic->Type = Pipe->Type;
    Traffic->Readers = Pipe->Readers;
    Traffic->Writers = Pipe->Writers;
    Traffic->ReadsWaiting = Pipe->WaitingReads.Count;
    Traffic->WritesWaiting = Pipe->WaitingWrites.Count;
    Traffic->Waits = Instance->Waits;
    Traffic->BytesRead = Instance->BytesRead;
    Traffic->BytesWritten = Instance->BytesWritten;
    PipeRelease(Pipe);
}

/* The codes whose input is a ULONG. */
static NTSTATUS
PipeSet(PFILE_OBJECT File, ULONG Code, ULONG Value)
{
    switch (Code) {
    case IOCTL_PIPE_SET_SIZE:
        return PipeSetSize(File->FsContext, Value);
    case IOCTL_PIPE_SET_MODE:
        return PipeSetMode(File->FsContext, Value);
    case IOCTL_PIPE_SET_TYPE:
        return PipeSetType(File->FsContext, Value);
    default:
        return PipeSetWait(File, Value);
    }
}

NTSTATUS NTAPI
PipeControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PFILE_OBJECT       File = Stack->FileObject;
    PVOID              Buffer = Irp->AssociatedIrp.SystemBuffer;
    ULONG              Code = Stack->Parameters.DeviceIoControl.IoControlCode;
    ULONG              OutputLength = Stack->Parameters.DeviceIoControl.OutputBufferLength;

    switch (Code) {
    case IOCTL_PIPE_SET_SIZE:
    case IOCTL_PIPE_SET_MODE:
    case IOCTL_PIPE_SET_TYPE:
    case IOCTL_PIPE_SET_WAIT:
        if (Stack->Parameters.DeviceIoControl.InputBufferLength != sizeof(ULONG))
            return PipeComplete(Irp, STATUS_INFO_LENGTH_MISMATCH, 0);
        return PipeComplete(Irp, PipeSet(File, Code, *(PULONG)Buffer), 0);
    case IOCTL_PIPE_QUERY:
        if (OutputLength < sizeof(PIPE_INFORMATION))
            return PipeComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
        PipeQuery(PipeDeviceOf(DeviceObject), File->FsContext, Buffer);
        return PipeComplete(Irp, STATUS_SUCCESS, sizeof(PIPE_INFORMATION));
    case IOCTL_PIPE_QUERY_TRAFFIC:
        if (OutputLength < sizeof(PIPE_TRAFFIC))
            return PipeComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
        PipeQueryTraffic(File->FsContext, File->FsContext2, Buffer);
        return PipeComplete(Irp, STATUS_SUCCESS, sizeof(PIPE_TRAFFIC));
    default:
        return PipeComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}
