/*
 * What is known about an open file, by class: NtQueryInformationFile and NtSetInformationFile.
 *
 * Two tables say of each class how long it is, what access it needs and who answers. Position,
 * access, mode, alignment, port, notification modes and priority are the I/O manager's own and
 * need no IRP; all information is the driver's with the I/O manager's parts put in; the rest is
 * the driver's. What a driver does not know it answers with STATUS_INVALID_PARAMETER, or
 * STATUS_INVALID_DEVICE_REQUEST if it knows no information at all.
 */
#include "infocall.h"

#define MODES_SETTABLE \
    (FILE_WRITE_THROUGH | FILE_SEQUENTIAL_ONLY | FILE_SYNCHRONOUS_IO_ALERT \
     | FILE_SYNCHRONOUS_IO_NONALERT)

static const struct { ULONG Mode, Flag; } IopModes[] = {
    { FILE_WRITE_THROUGH,             FO_WRITE_THROUGH },
    { FILE_SEQUENTIAL_ONLY,           FO_SEQUENTIAL_ONLY },
    { FILE_NO_INTERMEDIATE_BUFFERING, FO_NO_INTERMEDIATE_BUFFERING },
    { FILE_DELETE_ON_CLOSE,           FO_DELETE_ON_CLOSE },
};

/* Modes of NtSetInformationFile's notification class, and the flags they become. */
static const struct { ULONG Mode, Flag; } IopNotificationModes[] = {
    { FILE_SKIP_COMPLETION_PORT_ON_SUCCESS, FO_SKIP_COMPLETION_PORT },
    { FILE_SKIP_SET_EVENT_ON_HANDLE,        FO_SKIP_SET_EVENT },
    { FILE_SKIP_SET_USER_EVENT_ON_FAST_IO,  FO_SKIP_SET_FAST_IO },
};

static ULONG
IopFileMode(PFILE_OBJECT File)
{
    ULONG Mode = 0;

    if (File->Flags & FO_SYNCHRONOUS_IO)
        Mode = File->Flags & FO_ALERTABLE_IO
            ? FILE_SYNCHRONOUS_IO_ALERT : FILE_SYNCHRONOUS_IO_NONALERT;
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(IopModes); Index++)
        if (File->Flags & IopModes[Index].Flag)
            Mode |= IopModes[Index].Mode;
    return Mode;
}

static NTSTATUS
IopQueryPosition(PIOP_CALL Call, ULONG Class, PVOID Buffer, ULONG Length, PULONG_PTR Information)
{
    ((PFILE_POSITION_INFORMATION)Buffer)->CurrentByteOffset = Call->File->CurrentByteOffset;
    return STATUS_SUCCESS;
}

/* Access, mode, alignment and priority: one number each. */
static NTSTATUS
IopQueryNumber(PIOP_CALL Call, ULONG Class, PVOID Buffer, ULONG Length, PULONG_PTR Information)
{
    PULONG Value = Buffer;

    *Value = 0;
    switch (Class) {
    case FileAccessInformation:
        *Value = Call->Granted;
        break;
    case FileModeInformation:
        *Value = IopFileMode(Call->File);
        break;
    case FileAlignmentInformation:
        *Value = Call->Device->AlignmentRequirement;
        break;
    case FileIoPriorityHintInformation:
        *Value = IopFileExtension(Call->File)->PriorityHint;
        break;
    case FileIoCompletionNotificationInformation:
        for (ULONG Index = 0; Index < RTL_NUMBER_OF(IopNotificationModes); Index++)
            if (Call->File->Flags & IopNotificationModes[Index].Flag)
                *Value |= IopNotificationModes[Index].Mode;
        break;
    }
    return STATUS_SUCCESS;
}

/* The driver fills its parts of FILE_ALL_INFORMATION; the others are ours. */
static NTSTATUS
IopQueryAll(PIOP_CALL Call, ULONG Class, PVOID Buffer, ULONG Length, PULONG_PTR Information)
{
    PFILE_ALL_INFORMATION All = Buffer;
    NTSTATUS              Status = IopAskDriver(Call, IRP_MJ_QUERY_INFORMATION, Class, Buffer,
                                                Length, Information);

    All->AccessInformation.AccessFlags = Call->Granted;
    All->PositionInformation.CurrentByteOffset = Call->File->CurrentByteOffset;
    All->ModeInformation.Mode = IopFileMode(Call->File);
    All->AlignmentInformation.AlignmentRequirement = Call->Device->AlignmentRequirement;
    return Status;
}

static NTSTATUS
IopSetPosition(PIOP_CALL Call, ULONG Class, PVOID Buffer, ULONG Length, PULONG_PTR Information)
{
    LARGE_INTEGER Offset = ((PFILE_POSITION_INFORMATION)Buffer)->CurrentByteOffset;

    if (Offset.QuadPart < 0)
        return STATUS_INVALID_PARAMETER;
    if ((Call->File->Flags & FO_NO_INTERMEDIATE_BUFFERING)
        && (Offset.QuadPart & Call->Device->AlignmentRequirement))
        return STATUS_INVALID_PARAMETER;
    Call->File->CurrentByteOffset = Offset;
    return STATUS_SUCCESS;
}

/*
 * A synchronous file stays synchronous, alertable or not; an asynchronous one asynchronous. An
 * asynchronous file has no lock, and may be closed meanwhile: the other flags must not be touched.
 */
static NTSTATUS
IopSetMode(PIOP_CALL Call, ULONG Class, PVOID Buffer, ULONG Length, PULONG_PTR Information)
{
    ULONG          Mode = ((PFILE_MODE_INFORMATION)Buffer)->Mode;
    ULONG          Synchronous = Mode & (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT);
    volatile LONG *Flags = (volatile LONG *)&Call->File->Flags;

    if ((Mode & ~MODES_SETTABLE) || (Synchronous & (Synchronous - 1))
        || (Synchronous != 0) != Call->Locked)
        return STATUS_INVALID_PARAMETER;
    InterlockedAnd(Flags, ~(FO_WRITE_THROUGH | FO_SEQUENTIAL_ONLY | FO_ALERTABLE_IO));
    InterlockedOr(Flags, (Mode & FILE_WRITE_THROUGH ? FO_WRITE_THROUGH : 0)
                  | (Mode & FILE_SEQUENTIAL_ONLY ? FO_SEQUENTIAL_ONLY : 0)
                  | (Mode & FILE_SYNCHRONOUS_IO_ALERT ? FO_ALERTABLE_IO : 0));
    return STATUS_SUCCESS;
}

static NTSTATUS
IopSetPort(PIOP_CALL Call, ULONG Class, PVOID Buffer, ULONG Length, PULONG_PTR Information)
{
    PFILE_COMPLETION_INFORMATION Completion = Buffer;

    return IopSetFilePort(Call->File, Completion->Port, Completion->Key, Call->Mode);
}

/* A mode once set stays. Asynchronous files only: a synchronous one's event is how it waits. */
static NTSTATUS
IopSetNotification(PIOP_CALL Call, ULONG Class, PVOID Buffer, ULONG Length,
                   PULONG_PTR Information)
{
    ULONG Modes = ((PFILE_IO_COMPLETION_NOTIFICATION_INFORMATION)Buffer)->Flags, Flags = 0;

    if (Call->Locked)
        return STATUS_INVALID_PARAMETER;
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(IopNotificationModes); Index++)
        if (Modes & IopNotificationModes[Index].Mode) {
            Modes &= ~IopNotificationModes[Index].Mode;
            Flags |= IopNotificationModes[Index].Flag;
        }
    if (Modes != 0)
        return STATUS_INVALID_PARAMETER;
    InterlockedOr((volatile LONG *)&Call->File->Flags, (LONG)Flags);
    return STATUS_SUCCESS;
}

static NTSTATUS
IopSetPriorityHint(PIOP_CALL Call, ULONG Class, PVOID Buffer, ULONG Length,
                   PULONG_PTR Information)
{
    ULONG Hint = ((PFILE_IO_PRIORITY_HINT_INFORMATION)Buffer)->PriorityHint;

    // high and critical are the memory manager's
    if (Hint > IoPriorityNormal)
        return STATUS_INVALID_PARAMETER;
    IopFileExtension(Call->File)->PriorityHint = Hint;
    return STATUS_SUCCESS;
}

static const IOP_INFORMATION_CLASS IopQueryClasses[] = {
    [FileBasicInformation] = IOP_CLASS(FILE_BASIC_INFORMATION, FILE_READ_ATTRIBUTES, NULL),
    [FileStandardInformation] = IOP_CLASS(FILE_STANDARD_INFORMATION, 0, NULL),
    [FileInternalInformation] = IOP_CLASS(FILE_INTERNAL_INFORMATION, 0, NULL),
    [FileEaInformation] = IOP_CLASS(FILE_EA_INFORMATION, 0, NULL),
    [FileAccessInformation] = IOP_CLASS(FILE_ACCESS_INFORMATION, 0, IopQueryNumber),
    [FileNameInformation] = IOP_CLASS(FILE_NAME_INFORMATION, 0, NULL),
    [FilePositionInformation] = IOP_CLASS(FILE_POSITION_INFORMATION, 0, IopQueryPosition),
    [FileModeInformation] = IOP_CLASS(FILE_MODE_INFORMATION, 0, IopQueryNumber),
    [FileAlignmentInformation] = IOP_CLASS(FILE_ALIGNMENT_INFORMATION, 0, IopQueryNumber),
    [FileAllInformation] = IOP_CLASS(FILE_ALL_INFORMATION, FILE_READ_ATTRIBUTES, IopQueryAll),
    [FileAlternateNameInformation] = IOP_CLASS(FILE_NAME_INFORMATION, 0, NULL),
    [FileStreamInformation] = IOP_CLASS(FILE_STREAM_INFORMATION, 0, NULL),
    [FilePipeInformation] = IOP_CLASS(FILE_PIPE_INFORMATION, FILE_READ_ATTRIBUTES, NULL),
    [FilePipeLocalInformation] = IOP_CLASS(FILE_PIPE_LOCAL_INFORMATION, FILE_READ_ATTRIBUTES,
                                           NULL),
    [FilePipeRemoteInformation] = IOP_CLASS(FILE_PIPE_REMOTE_INFORMATION, FILE_READ_ATTRIBUTES,
                                            NULL),
    [FileMailslotQueryInformation] = IOP_CLASS(FILE_MAILSLOT_QUERY_INFORMATION, 0, NULL),
    [FileCompressionInformation] = IOP_CLASS(FILE_COMPRESSION_INFORMATION, 0, NULL),
    [FileNetworkOpenInformation] = IOP_CLASS(FILE_NETWORK_OPEN_INFORMATION, FILE_READ_ATTRIBUTES,
                                             NULL),
    [FileAttributeTagInformation] = IOP_CLASS(FILE_ATTRIBUTE_TAG_INFORMATION,
                                              FILE_READ_ATTRIBUTES, NULL),
    [FileIoCompletionNotificationInformation] =
        IOP_CLASS(FILE_IO_COMPLETION_NOTIFICATION_INFORMATION, 0, IopQueryNumber),
    [FileIoPriorityHintInformation] =
        IOP_CLASS(FILE_IO_PRIORITY_HINT_INFORMATION, FILE_READ_DATA, IopQueryNumber),
};

static const IOP_INFORMATION_CLASS IopSetClasses[] = {
    [FileBasicInformation] = IOP_CLASS(FILE_BASIC_INFORMATION, FILE_WRITE_ATTRIBUTES, NULL),
    [FileRenameInformation] = IOP_CLASS(FILE_RENAME_INFORMATION, DELETE, IopSetName),
    [FileLinkInformation] = IOP_CLASS(FILE_LINK_INFORMATION, 0, IopSetName),
    [FileDispositionInformation] = IOP_CLASS(FILE_DISPOSITION_INFORMATION, DELETE, NULL),
    [FilePositionInformation] = IOP_CLASS(FILE_POSITION_INFORMATION, 0, IopSetPosition),
    [FileModeInformation] = IOP_CLASS(FILE_MODE_INFORMATION, 0, IopSetMode),
    [FileAllocationInformation] = IOP_CLASS(FILE_ALLOCATION_INFORMATION, FILE_WRITE_DATA, NULL),
    [FileEndOfFileInformation] = IOP_CLASS(FILE_END_OF_FILE_INFORMATION, FILE_WRITE_DATA, NULL),
    [FilePipeInformation] = IOP_CLASS(FILE_PIPE_INFORMATION, FILE_WRITE_ATTRIBUTES, NULL),
    [FileMailslotSetInformation] = IOP_CLASS(FILE_MAILSLOT_SET_INFORMATION, 0, NULL),
    [FileCompletionInformation] = IOP_CLASS(FILE_COMPLETION_INFORMATION, 0, IopSetPort),
    [FileValidDataLengthInformation] = IOP_CLASS(FILE_VALID_DATA_LENGTH_INFORMATION,
                                                 FILE_WRITE_DATA, NULL),
    [FileIoCompletionNotificationInformation] =
        IOP_CLASS(FILE_IO_COMPLETION_NOTIFICATION_INFORMATION, 0, IopSetNotification),
    [FileIoPriorityHintInformation] = IOP_CLASS(FILE_IO_PRIORITY_HINT_INFORMATION, 0,
                                                IopSetPriorityHint),
};

/*
 * System service: one class of information about an open file. STATUS_INVALID_INFO_CLASS,
 * STATUS_INFO_LENGTH_MISMATCH, STATUS_BUFFER_OVERFLOW: a name was cut.
 */
NTSTATUS NTAPI
NtQueryInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation,
                       ULONG Length, FILE_INFORMATION_CLASS FileInformationClass)
{
    return IopInformation(IopQueryClasses, RTL_NUMBER_OF(IopQueryClasses), FileInformationClass,
                          IRP_MJ_QUERY_INFORMATION, FileHandle, IoStatusBlock, FileInformation,
                          Length);
}

/* System service: changes one class of information of an open file. */
NTSTATUS NTAPI
NtSetInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation,
                     ULONG Length, FILE_INFORMATION_CLASS FileInformationClass)
{
    return IopInformation(IopSetClasses, RTL_NUMBER_OF(IopSetClasses), FileInformationClass,
                          IRP_MJ_SET_INFORMATION, FileHandle, IoStatusBlock, FileInformation,
                          Length);
}
