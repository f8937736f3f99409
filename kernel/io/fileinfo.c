/*
 * What is known about a file: NtQueryInformationFile, NtSetInformationFile,
 * NtQueryVolumeInformationFile, NtQueryAttributesFile, NtFlushBuffersFile.
 *
 * Each class has a least length and an access the handle needs; a table holds both. Position,
 * access and mode are the I/O manager's own and need no IRP; the rest is asked of the driver, in
 * a buffer in pool, and the service waits for the answer whether the file is synchronous or not.
 * A synchronous file's lock is held meanwhile.
 */
#include "iop.h"

#define ANY     0                               // no access needed
#define SET     0x80                            // can be set
#define QUERY   0x40                            // can be queried

/* By FILE_INFORMATION_CLASS; a class that is not there is STATUS_INVALID_INFO_CLASS. */
static const struct { UCHAR Uses; UCHAR Length; ACCESS_MASK Query, Set; } IopFileClasses[] = {
    [FileBasicInformation] = { QUERY | SET, sizeof(FILE_BASIC_INFORMATION), FILE_READ_ATTRIBUTES,
                              FILE_WRITE_ATTRIBUTES },
    [FileStandardInformation] = { QUERY, sizeof(FILE_STANDARD_INFORMATION), ANY, ANY },
    [FileInternalInformation] = { QUERY, sizeof(FILE_INTERNAL_INFORMATION), ANY, ANY },
    [FileEaInformation] = { QUERY, sizeof(FILE_EA_INFORMATION), ANY, ANY },
    [FileAccessInformation] = { QUERY, sizeof(FILE_ACCESS_INFORMATION), ANY, ANY },
    [FileNameInformation] = { QUERY, FIELD_OFFSET(FILE_NAME_INFORMATION,
                                                  FileName) + sizeof(ULONG), ANY, ANY },
    [FileRenameInformation] = { SET, FIELD_OFFSET(FILE_RENAME_INFORMATION, FileName), ANY, DELETE },
    [FileDispositionInformation] = { SET, sizeof(FILE_DISPOSITION_INFORMATION), ANY, DELETE },
    [FilePositionInformation] = { QUERY | SET, sizeof(FILE_POSITION_INFORMATION), ANY, ANY },
    [FileModeInformation] = { QUERY | SET, sizeof(FILE_MODE_INFORMATION), ANY, ANY },
    [FileAlignmentInformation] = { QUERY, sizeof(FILE_ALIGNMENT_INFORMATION), ANY, ANY },
    [FileAllInformation] = { QUERY, sizeof(FILE_ALL_INFORMATION), FILE_READ_ATTRIBUTES, ANY },
    [FileAllocationInformation] = { SET, sizeof(FILE_ALLOCATION_INFORMATION), ANY,
                                   FILE_WRITE_DATA },
    [FileEndOfFileInformation] = { SET, sizeof(FILE_END_OF_FILE_INFORMATION), ANY,
                                  FILE_WRITE_DATA },
    [FileNetworkOpenInformation] = { QUERY, sizeof(FILE_NETWORK_OPEN_INFORMATION),
                                    FILE_READ_ATTRIBUTES, ANY },
    [FileAttributeTagInformation] = { QUERY, sizeof(FILE_ATTRIBUTE_TAG_INFORMATION),
                                     FILE_READ_ATTRIBUTES, ANY },
};

static const UCHAR IopVolumeLengths[] = {
    [FileFsVolumeInformation] = sizeof(FILE_FS_VOLUME_INFORMATION),
    [FileFsSizeInformation] = sizeof(FILE_FS_SIZE_INFORMATION),
    [FileFsDeviceInformation] = sizeof(FILE_FS_DEVICE_INFORMATION),
    [FileFsAttributeInformation] = sizeof(FILE_FS_ATTRIBUTE_INFORMATION),
    [FileFsFullSizeInformation] = sizeof(FILE_FS_FULL_SIZE_INFORMATION),
};

/*
 * Sends Major with a system buffer and waits. *Information is what the driver says it has filled.
 */
static NTSTATUS
IopAskDriver(PIOP_CALL Call, UCHAR Major, ULONG Class, PVOID Buffer, ULONG Length,
             PULONG_PTR Information)
{
    PIRP               Irp = IoAllocateIrp(Call->Device->StackSize, TRUE);
    PIO_STACK_LOCATION Sp;

    *Information = 0;
    if (Irp == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    Irp->Flags = Buffer != NULL ? IRP_BUFFERED_IO : 0;
    Irp->RequestorMode = Call->Mode;
    Irp->AssociatedIrp.SystemBuffer = Buffer;
    Irp->Tail.Overlay.OriginalFileObject = Call->File;
    Sp = IoGetNextIrpStackLocation(Irp);
    Sp->MajorFunction = Major;
    Sp->FileObject = Call->File;
    if (Major == IRP_MJ_SET_INFORMATION) {
        Sp->Parameters.SetFile.Length = Length;
        Sp->Parameters.SetFile.FileInformationClass = Class;
    } else {
        Sp->Parameters.QueryFile.Length = Length;       // QueryVolume is laid out alike
        Sp->Parameters.QueryFile.FileInformationClass = Class;
    }
    return IopCallAndWait(Call->Device, Irp, Information, Call->Mode);
}

static ULONG
IopFileMode(PFILE_OBJECT File)
{
    ULONG Mode = 0;

    if (File->Flags & FO_SYNCHRONOUS_IO)
        Mode |= File->Flags & FO_ALERTABLE_IO
            ? FILE_SYNCHRONOUS_IO_ALERT : FILE_SYNCHRONOUS_IO_NONALERT;
    if (File->Flags & FO_WRITE_THROUGH)
        Mode |= FILE_WRITE_THROUGH;
    if (File->Flags & FO_SEQUENTIAL_ONLY)
        Mode |= FILE_SEQUENTIAL_ONLY;
    if (File->Flags & FO_NO_INTERMEDIATE_BUFFERING)
        Mode |= FILE_NO_INTERMEDIATE_BUFFERING;
    return Mode;
}

/* The driver fills its parts of FILE_ALL_INFORMATION; these are ours. */
static VOID
IopCompleteAll(PIOP_CALL Call, PFILE_ALL_INFORMATION All)
{
    All->AccessInformation.AccessFlags = Call->Granted;
    All->PositionInformation.CurrentByteOffset = Call->File->CurrentByteOffset;
    All->ModeInformation.Mode = IopFileMode(Call->File);
    All->AlignmentInformation.AlignmentRequirement = Call->Device->AlignmentRequirement;
}

static NTSTATUS
IopQueryClass(PIOP_CALL Call, ULONG Class, PVOID Buffer, ULONG Length, PULONG_PTR Information)
{
    NTSTATUS Status;

    *Information = IopFileClasses[Class].Length;
    switch (Class) {
    case FilePositionInformation:
        ((PFILE_POSITION_INFORMATION)Buffer)->CurrentByteOffset = Call->File->CurrentByteOffset;
        return STATUS_SUCCESS;
    case FileAccessInformation:
        ((PFILE_ACCESS_INFORMATION)Buffer)->AccessFlags = Call->Granted;
        return STATUS_SUCCESS;
    case FileModeInformation:
        ((PFILE_MODE_INFORMATION)Buffer)->Mode = IopFileMode(Call->File);
        return STATUS_SUCCESS;
    case FileAlignmentInformation:
        ((PFILE_ALIGNMENT_INFORMATION)Buffer)->AlignmentRequirement =
            Call->Device->AlignmentRequirement;
        return STATUS_SUCCESS;
    default:
        Status = IopAskDriver(Call, IRP_MJ_QUERY_INFORMATION, Class, Buffer, Length, Information);
        if (Class == FileAllInformation && !NT_ERROR(Status))
            IopCompleteAll(Call, Buffer);
        return Status;
    }
}

static NTSTATUS
IopSetClass(PIOP_CALL Call, ULONG Class, PVOID Buffer, ULONG Length, PULONG_PTR Information)
{
    LARGE_INTEGER Offset;
    ULONG         Mode;

    *Information = 0;
    if (Class == FilePositionInformation) {
        Offset = ((PFILE_POSITION_INFORMATION)Buffer)->CurrentByteOffset;
        if (Offset.QuadPart < 0)
            return STATUS_INVALID_PARAMETER;
        Call->File->CurrentByteOffset = Offset;
        return STATUS_SUCCESS;
    }
    if (Class == FileModeInformation) {
        Mode = ((PFILE_MODE_INFORMATION)Buffer)->Mode;
        if ((Mode & ~(FILE_WRITE_THROUGH | FILE_SEQUENTIAL_ONLY | FILE_SYNCHRONOUS_IO_ALERT
                      | FILE_SYNCHRONOUS_IO_NONALERT))
            || !(Mode & (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT)) !=
                !Call->Locked)
            return STATUS_INVALID_PARAMETER;
        Call->File->Flags &= ~(FO_WRITE_THROUGH | FO_SEQUENTIAL_ONLY | FO_ALERTABLE_IO);
        Call->File->Flags |= (Mode & FILE_WRITE_THROUGH ? FO_WRITE_THROUGH : 0)
                           | (Mode & FILE_SEQUENTIAL_ONLY ? FO_SEQUENTIAL_ONLY : 0)
                           | (Mode & FILE_SYNCHRONOUS_IO_ALERT ? FO_ALERTABLE_IO : 0);
        return STATUS_SUCCESS;
    }
    return IopAskDriver(Call, IRP_MJ_SET_INFORMATION, Class, Buffer, Length, Information);
}

/* Which of the three services. */
typedef enum _INFORMATION_KIND { QueryFileKind, SetFileKind, QueryVolumeKind } INFORMATION_KIND;

/* Class and length, before anything is touched. */
static NTSTATUS
IopCheckClass(INFORMATION_KIND Kind, ULONG Class, ULONG Length, PACCESS_MASK Access)
{
    ULONG Least = 0;

    *Access = 0;
    if (Kind == QueryVolumeKind) {
        if (Class < RTL_NUMBER_OF(IopVolumeLengths))
            Least = IopVolumeLengths[Class];
    } else if (Class < RTL_NUMBER_OF(IopFileClasses)
               && (IopFileClasses[Class].Uses & (Kind == SetFileKind ? SET : QUERY))) {
        Least = IopFileClasses[Class].Length;
        *Access = Kind == SetFileKind ? IopFileClasses[Class].Set : IopFileClasses[Class].Query;
    }
    if (Least == 0)
        return STATUS_INVALID_INFO_CLASS;
    return Length < Least ? STATUS_INFO_LENGTH_MISMATCH : STATUS_SUCCESS;
}

/* A buffer of our own, for a set with what the caller gave; raises. */
static PVOID
IopCaptureInformation(INFORMATION_KIND Kind, KPROCESSOR_MODE Mode, PVOID Given, ULONG Length)
{
    PVOID Buffer;

    if (Mode != KernelMode) {
        if (Kind == SetFileKind)
            ProbeForRead(Given, Length, sizeof(ULONG));
        else
            ProbeForWrite(Given, Length, sizeof(ULONG));
    }
    Buffer = ExAllocatePoolWithTag(NonPagedPool, Length, IOP_TAG_BUFFER);
    if (Buffer == NULL)
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    __try {
        if (Kind == SetFileKind)
            RtlCopyMemory(Buffer, Given, Length);
        else
            RtlZeroMemory(Buffer, Length);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        ExFreePoolWithTag(Buffer, IOP_TAG_BUFFER);
        ExRaiseStatus(GetExceptionCode());
    }
    return Buffer;
}

static NTSTATUS
IopInformation(INFORMATION_KIND Kind, HANDLE FileHandle, PIO_STATUS_BLOCK Iosb, PVOID Given,
               ULONG Length, ULONG Class)
{
    ULONG_PTR   Information = 0;
    PVOID       Buffer = NULL;
    ACCESS_MASK Access;
    IOP_CALL    Call;
    NTSTATUS    Status;

    PAGED_CODE();

    Status = IopCheckClass(Kind, Class, Length, &Access);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = IopBeginCall(&Call, FileHandle, Access, NULL);
    if (Status != STATUS_SUCCESS)
        return Status;

    __try {
        IopProbeStatusBlock(Iosb, Call.Mode);
        Buffer = IopCaptureInformation(Kind, Call.Mode, Given, Length);
        if (Kind == QueryFileKind)
            Status = IopQueryClass(&Call, Class, Buffer, Length, &Information);
        else if (Kind == SetFileKind)
            Status = IopSetClass(&Call, Class, Buffer, Length, &Information);
        else
            Status = IopAskDriver(&Call, IRP_MJ_QUERY_VOLUME_INFORMATION, Class, Buffer, Length,
                                  &Information);
        if (!NT_ERROR(Status)) {
            if (Kind != SetFileKind)
                RtlCopyMemory(Given, Buffer, min(Information, Length));
            Iosb->Information = Information;
            Iosb->Status = Status;
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    if (Buffer != NULL)
        ExFreePoolWithTag(Buffer, IOP_TAG_BUFFER);
    return IopEndCall(&Call, Status);
}

/*
 * System service: one class of information about an open file. STATUS_INVALID_INFO_CLASS,
 * STATUS_INFO_LENGTH_MISMATCH.
 */
NTSTATUS NTAPI
NtQueryInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation,
                       ULONG Length,
                       FILE_INFORMATION_CLASS FileInformationClass)
{
    return IopInformation(QueryFileKind, FileHandle, IoStatusBlock, FileInformation, Length,
                          FileInformationClass);
}

/* System service: changes one class of information of an open file. */
NTSTATUS NTAPI
NtSetInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation,
                     ULONG Length,
                     FILE_INFORMATION_CLASS FileInformationClass)
{
    return IopInformation(SetFileKind, FileHandle, IoStatusBlock, FileInformation, Length,
                          FileInformationClass);
}

/* System service: one class of information about the volume or device behind an open file. */
NTSTATUS NTAPI
NtQueryVolumeInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                             PVOID FsInformation, ULONG Length,
                             FS_INFORMATION_CLASS FsInformationClass)
{
    return IopInformation(QueryVolumeKind, FileHandle, IoStatusBlock, FsInformation, Length,
                          FsInformationClass);
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
    NTSTATUS  Status;

    PAGED_CODE();

    Status = IopBeginCall(&Call, FileHandle, 0, NULL);
    if (Status != STATUS_SUCCESS)
        return Status;
    if (Call.Mode != KernelMode && !(Call.Granted & (FILE_WRITE_DATA | FILE_APPEND_DATA)))
        return IopEndCall(&Call, STATUS_ACCESS_DENIED);
    __try {
        IopProbeStatusBlock(IoStatusBlock, Call.Mode);
        Status = IopAskDriver(&Call, IRP_MJ_FLUSH_BUFFERS, 0, NULL, 0, &Information);
        if (!NT_ERROR(Status)) {
            IoStatusBlock->Information = Information;
            IoStatusBlock->Status = Status;
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    return IopEndCall(&Call, Status);
}

/* System service: basic information about a file by its name. */
NTSTATUS NTAPI
NtQueryAttributesFile(POBJECT_ATTRIBUTES ObjectAttributes, PFILE_BASIC_INFORMATION FileInformation)
{
    KPROCESSOR_MODE        Mode = IopThread()->PreviousMode;
    OPEN_PACKET            Packet = { .Type = IO_TYPE_OPEN_PACKET, .Size = sizeof Packet,
                                     .Disposition = FILE_OPEN,
                                      .Options = FILE_OPEN_REPARSE_POINT,
                                      .ShareAccess =
                                          FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE };
    FILE_BASIC_INFORMATION Basic;
    IO_STATUS_BLOCK        Iosb;
    HANDLE                 Handle;
    NTSTATUS               Status;

    PAGED_CODE();

    __try {
        if (Mode != KernelMode)
            ProbeForWrite(FileInformation, sizeof *FileInformation, sizeof(ULONG));
        Status = ObOpenObjectByName(ObjectAttributes, IopFileObjectType, Mode, NULL,
                                    FILE_READ_ATTRIBUTES, &Packet, &Handle);
        if (!NT_SUCCESS(Status))
            return Status;
        Status = ZwQueryInformationFile(Handle, &Iosb, &Basic, sizeof Basic, FileBasicInformation);
        ObCloseHandle(Handle, Mode);
        if (NT_SUCCESS(Status))
            *FileInformation = Basic;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    return Status;
}
