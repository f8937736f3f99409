/*
 * Fast I/O: the I/O manager calls these routines before it makes an IRP, for a file opened for
 * synchronous use whose PrivateCacheMap is set. A file of this driver has no cache; it sets the
 * field (IOCTL_PIPE_SET_WAIT) to say that it wants to be called, as file systems that keep their
 * data in memory do.
 *
 * The call comes in the program's own thread, with the program's own buffer, which was probed and
 * may still fault. FALSE means: send an IRP. So what would wait, be refused, or fault before a
 * byte has moved takes the other way, and is reported there.
 */
#include "pipe.h"

static BOOLEAN
PipeFastResult(NTSTATUS Status, ULONG Moved, PIO_STATUS_BLOCK IoStatus)
{
    if (Status != STATUS_SUCCESS && Status != STATUS_BUFFER_OVERFLOW) {
        if (Moved == 0)
            return FALSE;
        Status = STATUS_SUCCESS;
    }
    IoStatus->Status = Status;
    IoStatus->Information = Moved;
    return TRUE;
}

static BOOLEAN NTAPI
PipeFastRead(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length, BOOLEAN Wait,
             ULONG LockKey, PVOID Buffer, PIO_STATUS_BLOCK IoStatus, PDEVICE_OBJECT DeviceObject)
{
    PPIPE    Pipe = FileObject->FsContext;
    ULONG    Moved = 0;
    NTSTATUS Status = STATUS_PENDING;

    UNREFERENCED_PARAMETER(FileOffset);
    UNREFERENCED_PARAMETER(Wait);
    UNREFERENCED_PARAMETER(LockKey);
    UNREFERENCED_PARAMETER(DeviceObject);

    PipeAcquire(Pipe);
    if (Pipe->Ring.Used != 0)
        Status = PipeGet(Pipe, FileObject->FsContext2, Buffer, Length, &Moved);
    PipeRelease(Pipe);
    return PipeFastResult(Status, Moved, IoStatus);
}

/* With DataMutex held: whether a write of that length is done at once. */
static BOOLEAN
PipeHasRoom(PPIPE Pipe, ULONG Length)
{
    ULONGLONG Size = Pipe->Type == PIPE_MESSAGES ? RingMessageSize(Length) : Length;

    return Size <= RingRoom(&Pipe->Ring) && PipeNobodyWaits(&Pipe->WaitingWrites);
}

static BOOLEAN NTAPI
PipeFastWrite(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length, BOOLEAN Wait,
              ULONG LockKey, PVOID Buffer, PIO_STATUS_BLOCK IoStatus, PDEVICE_OBJECT DeviceObject)
{
    PPIPE    Pipe = FileObject->FsContext;
    ULONG    Moved = 0;
    NTSTATUS Status = STATUS_PENDING;

    UNREFERENCED_PARAMETER(FileOffset);
    UNREFERENCED_PARAMETER(Wait);
    UNREFERENCED_PARAMETER(LockKey);
    UNREFERENCED_PARAMETER(DeviceObject);

    PipeAcquire(Pipe);
    if (PipeHasRoom(Pipe, Length))
        Status = PipePut(Pipe, FileObject->FsContext2, Buffer, Length, &Moved);
    PipeRelease(Pipe);
    return PipeFastResult(Status, Moved, IoStatus);
}

FAST_IO_DISPATCH PipeFastIo = {
    .SizeOfFastIoDispatch = sizeof(FAST_IO_DISPATCH),
    .FastIoRead           = PipeFastRead,
    .FastIoWrite          = PipeFastWrite,
};
