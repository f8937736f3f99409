/*
 * What the services that query or set information about an open file have in common (fileinfo.c,
 * volinfo.c): a class is looked up in the service's table, the caller's buffer is probed as long
 * and as aligned as the class wants it, the handle must have been granted the class' access; then
 * the class' own routine, or the driver, works on a buffer in pool, and what it filled goes to the
 * caller.
 *
 * The service waits for the driver whether the file is synchronous or not; a synchronous file's
 * lock is held meanwhile. Nothing is written unless the request succeeds, if only in part
 * (STATUS_BUFFER_OVERFLOW). The caller's memory is touched in the two routines with a __try block,
 * and no driver runs inside one.
 */
#include "infocall.h"

/* An IRP for Major with a system buffer, or NULL. */
static PIRP
IopInformationIrp(PIOP_CALL Call, UCHAR Major, ULONG Class, PVOID Buffer, ULONG Length)
{
    PIRP               Irp = IoAllocateIrp(Call->Device->StackSize, TRUE);
    PIO_STACK_LOCATION Sp;

    if (Irp == NULL)
        return NULL;
    Irp->Flags = Buffer != NULL ? IRP_BUFFERED_IO : 0;
    Irp->RequestorMode = Call->Mode;
    Irp->AssociatedIrp.SystemBuffer = Buffer;
    Irp->Tail.Overlay.OriginalFileObject = Call->File;
    Sp = IoGetNextIrpStackLocation(Irp);
    Sp->MajorFunction = Major;
    Sp->FileObject = Call->File;
    // SetFile, QueryVolume and SetVolume are laid out alike
    Sp->Parameters.QueryFile.Length = Length;
    Sp->Parameters.QueryFile.FileInformationClass = Class;
    return Irp;
}

/* Sends it and waits. *Information is what the driver says it has filled. */
NTSTATUS
IopAskDriver(PIOP_CALL Call, UCHAR Major, ULONG Class, PVOID Buffer, ULONG Length,
             PULONG_PTR Information)
{
    PIRP Irp = IopInformationIrp(Call, Major, Class, Buffer, Length);

    *Information = 0;
    return Irp == NULL ? STATUS_INSUFFICIENT_RESOURCES
                       : IopCallAndWait(Call->Device, Irp, Information, Call->Mode);
}

/* The same for a new name, in the directory that Target stands for, or the file's own (NULL). */
NTSTATUS
IopAskToName(PIOP_CALL Call, ULONG Class, PFILE_RENAME_INFORMATION Rename, ULONG Length,
             PFILE_OBJECT Target)
{
    PIRP               Irp = IopInformationIrp(Call, IRP_MJ_SET_INFORMATION, Class, Rename, Length);
    PIO_STACK_LOCATION Sp;

    if (Irp == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    Sp = IoGetNextIrpStackLocation(Irp);
    Sp->Parameters.SetFile.FileObject = Target;
    Sp->Parameters.SetFile.ReplaceIfExists = Rename->ReplaceIfExists;
    return IopCallAndWait(Call->Device, Irp, NULL, Call->Mode);
}

/* A buffer of our own, with what the caller gave if it is a set. */
static NTSTATUS
IopCaptureInformation(const IOP_INFORMATION_CLASS *Class, KPROCESSOR_MODE Mode,
                      PIO_STATUS_BLOCK Iosb, PVOID Given, ULONG Length, BOOLEAN Set, PVOID *Buffer)
{
    *Buffer = NULL;
    __try {
        IopProbeStatusBlock(Iosb, Mode);
        if (Mode != KernelMode && Set)
            ProbeForRead(Given, Length, Class->Alignment);
        else if (Mode != KernelMode)
            ProbeForWrite(Given, Length, Class->Alignment);
        *Buffer = ExAllocatePoolWithTag(NonPagedPool, Length, IOP_TAG_BUFFER);
        if (*Buffer == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        if (Set)
            RtlCopyMemory(*Buffer, Given, Length);
        else
            RtlZeroMemory(*Buffer, Length);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        if (*Buffer != NULL)
            ExFreePoolWithTag(*Buffer, IOP_TAG_BUFFER);
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

/* Buffer may be NULL: only the status block is written. */
static NTSTATUS
IopReturnInformation(PIO_STATUS_BLOCK Iosb, PVOID Given, const VOID *Buffer, NTSTATUS Status,
                     ULONG_PTR Information)
{
    __try {
        if (Buffer != NULL)
            RtlCopyMemory(Given, Buffer, Information);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return IopWriteStatusBlock(Iosb, Status, Information);
}

/* Without a routine of its own, the class goes to the driver as Major. */
NTSTATUS
IopInformation(const IOP_INFORMATION_CLASS *Table, ULONG Classes, ULONG Class, UCHAR Major,
               HANDLE FileHandle, PIO_STATUS_BLOCK Iosb, PVOID Given, ULONG Length)
{
    BOOLEAN     Set = Major == IRP_MJ_SET_INFORMATION || Major == IRP_MJ_SET_VOLUME_INFORMATION;
    ULONG_PTR   Information = 0;
    IOP_CALL    Call;
    PVOID       Buffer;
    NTSTATUS    Status;

    PAGED_CODE();

    if (Class >= Classes || Table[Class].Length == 0)
        return STATUS_INVALID_INFO_CLASS;
    Table += Class;
    if (Length < Table->Length)
        return STATUS_INFO_LENGTH_MISMATCH;
    Status = IopCaptureInformation(Table, IopThread()->PreviousMode, Iosb, Given, Length, Set,
                                   &Buffer);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = IopBeginCall(&Call, FileHandle, Table->Access, NULL);
    if (Status == STATUS_SUCCESS) {
        Information = Set ? 0 : Table->Length;
        Status = Table->Routine != NULL
            ? Table->Routine(&Call, Class, Buffer, Length, &Information)
            : IopAskDriver(&Call, Major, Class, Buffer, Length, &Information);
        if (!Set && !NT_ERROR(Status) && Information > Length)
            IopStop(DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x312, (ULONG_PTR)Buffer, Class,
                    Call.Device->DriverObject->MajorFunction[Major],
                    "has more in IoStatus.Information than the information's buffer has");
        if (!NT_ERROR(Status))
            Status = IopReturnInformation(Iosb, Given, Set ? NULL : Buffer, Status, Information);
        IopEndCall(&Call, Status);
    }
    ExFreePoolWithTag(Buffer, IOP_TAG_BUFFER);
    return Status;
}

/*
 * System service: has the driver write what it still holds back. The handle must be open for
 * writing.
 */
NTSTATUS NTAPI
NtFlushBuffersFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock)
{
    ULONG_PTR Information;
    IOP_CALL  Call;
    NTSTATUS  Status = STATUS_ACCESS_VIOLATION;

    PAGED_CODE();

    if (IoStatusBlock != NULL)
        Status = ObProbeOutput(IoStatusBlock, sizeof *IoStatusBlock, IopThread()->PreviousMode);
    if (NT_SUCCESS(Status))
        Status = IopBeginCall(&Call, FileHandle, 0, NULL);
    if (Status != STATUS_SUCCESS)
        return Status;
    if (Call.Mode != KernelMode && !(Call.Granted & (FILE_WRITE_DATA | FILE_APPEND_DATA)))
        return IopEndCall(&Call, STATUS_ACCESS_DENIED);
    Status = IopAskDriver(&Call, IRP_MJ_FLUSH_BUFFERS, 0, NULL, 0, &Information);
    if (!NT_ERROR(Status))
        Status = IopWriteStatusBlock(IoStatusBlock, Status, Information);
    return IopEndCall(&Call, Status);
}
