/*
 * Byte range locks: NtLockFile and NtUnlockFile, which only carry the request to the driver that
 * keeps the locks, as IRP_MJ_LOCK_CONTROL.
 *
 * Length travels by pointer, so it lies in pool: as the IRP's auxiliary buffer for NtLockFile,
 * whose IRP may live on when the service has returned.
 *
 * A file that was locked once (LockOperation) has its process' locks given up when the process
 * closes its last handle to it, though other processes still have some (close.c).
 */
#include "iop.h"

/* Offset and length, captured; a probed status block. */
static NTSTATUS
IopCaptureRange(KPROCESSOR_MODE Mode, PIO_STATUS_BLOCK Iosb, PLARGE_INTEGER ByteOffset,
                PLARGE_INTEGER Length, PLARGE_INTEGER CapturedOffset,
                PLARGE_INTEGER CapturedLength)
{
    __try {
        IopProbeStatusBlock(Iosb, Mode);
        if (Mode != KernelMode) {
            ProbeForRead(ByteOffset, sizeof *ByteOffset, sizeof(ULONG));
            ProbeForRead(Length, sizeof *Length, sizeof(ULONG));
        }
        *CapturedOffset = *ByteOffset;
        *CapturedLength = *Length;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static NTSTATUS
IopBeginLock(PIOP_CALL Call, HANDLE FileHandle, HANDLE EventHandle)
{
    NTSTATUS Status = IopBeginCall(Call, FileHandle, 0, EventHandle);

    if (Status == STATUS_SUCCESS && Call->Mode != KernelMode
        && !(Call->Granted & (FILE_READ_DATA | FILE_WRITE_DATA)))
        Status = IopEndCall(Call, STATUS_ACCESS_DENIED);
    return Status;
}

/*
 * System service: locks Length bytes from ByteOffset on for the calling process. The handle must
 * be open for reading or writing. STATUS_LOCK_NOT_GRANTED if FailImmediately and another lock is
 * in the way; without it the request goes on until the range is free.
 */
NTSTATUS NTAPI
NtLockFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
           PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER ByteOffset, PLARGE_INTEGER Length,
           ULONG Key, BOOLEAN FailImmediately, BOOLEAN ExclusiveLock)
{
    LARGE_INTEGER  Offset, Bytes;
    PLARGE_INTEGER Copy;
    IOP_CALL       Call;
    NTSTATUS       Status;

    PAGED_CODE();

    Status = IopCaptureRange(IopThread()->PreviousMode, IoStatusBlock, ByteOffset, Length, &Offset,
                             &Bytes);
    if (NT_SUCCESS(Status))
        Status = IopBeginLock(&Call, FileHandle, Event);
    if (Status != STATUS_SUCCESS)
        return Status;
    Status = IopAllocateCallIrp(&Call, IRP_MJ_LOCK_CONTROL, ApcRoutine, ApcContext, IoStatusBlock);
    if (!NT_SUCCESS(Status))
        return IopEndCall(&Call, Status);
    Copy = ExAllocatePoolWithTag(NonPagedPool, sizeof *Copy, IOP_TAG_BUFFER);
    if (Copy == NULL)
        return IopEndCall(&Call, STATUS_INSUFFICIENT_RESOURCES);
    *Copy = Bytes;

    Call.Irp->Tail.Overlay.AuxiliaryBuffer = (PCHAR)Copy;
    Call.Sp->MinorFunction = IRP_MN_LOCK;
    Call.Sp->Flags = (FailImmediately ? SL_FAIL_IMMEDIATELY : 0)
        | (ExclusiveLock ? SL_EXCLUSIVE_LOCK : 0);
    Call.Sp->Parameters.LockControl.Length = Copy;
    Call.Sp->Parameters.LockControl.Key = Key;
    Call.Sp->Parameters.LockControl.ByteOffset = Offset;
    Call.File->LockOperation = TRUE;
    return IopFinishCall(&Call);
}

NTSTATUS
IopSendUnlock(PFILE_OBJECT File, UCHAR Minor, KPROCESSOR_MODE Mode, PLARGE_INTEGER Offset,
              PLARGE_INTEGER Length, ULONG Key)
{
    PDEVICE_OBJECT     Device = IoGetRelatedDeviceObject(File);
    PIRP               Irp = IoAllocateIrp(Device->StackSize, FALSE);
    PIO_STACK_LOCATION Sp;

    if (Irp == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    Irp->RequestorMode = Mode;
    Irp->Tail.Overlay.OriginalFileObject = File;
    Sp = IoGetNextIrpStackLocation(Irp);
    Sp->MajorFunction = IRP_MJ_LOCK_CONTROL;
    Sp->MinorFunction = Minor;
    Sp->FileObject = File;
    Sp->Parameters.LockControl.Length = Length;
    Sp->Parameters.LockControl.Key = Key;
    if (Offset != NULL)
        Sp->Parameters.LockControl.ByteOffset = *Offset;
    return IopCallAndWait(Device, Irp, NULL, Mode);
}

/*
 * System service: gives up a lock; the range must be that of the lock. STATUS_RANGE_NOT_LOCKED.
 */
NTSTATUS NTAPI
NtUnlockFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER ByteOffset,
             PLARGE_INTEGER Length, ULONG Key)
{
    LARGE_INTEGER Offset, Bytes;
    IOP_CALL      Call;
    NTSTATUS      Status;

    PAGED_CODE();

    Status = IopCaptureRange(IopThread()->PreviousMode, IoStatusBlock, ByteOffset, Length, &Offset,
                             &Bytes);
    if (NT_SUCCESS(Status))
        Status = IopBeginLock(&Call, FileHandle, NULL);
    if (Status != STATUS_SUCCESS)
        return Status;
    Status = IopSendUnlock(Call.File, IRP_MN_UNLOCK_SINGLE, Call.Mode, &Offset, &Bytes, Key);
    if (!NT_ERROR(Status))
        Status = IopWriteStatusBlock(IoStatusBlock, Status, 0);
    return IopEndCall(&Call, Status);
}
