/*
 * NtCreateFile, NtOpenFile, IoCreateFile: the arguments are checked and captured, and packed into
 * an OPEN_PACKET that travels through the object manager's walk to the parse procedure of the
 * device the name leads to (parse.c).
 *
 *   NtCreateFile -> IoCreateFile -> ObOpenObjectByName -> IopParseDevice -> IRP_MJ_CREATE
 *
 * A name that leads to an object that is not a device gives STATUS_OBJECT_TYPE_MISMATCH.
 */
#include "iop.h"

#define MAXIMUM_EAS         0x10000             // bytes of extended attributes

#define SYNCHRONOUS_OPTIONS (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT)

/* What may stand beside FILE_DIRECTORY_FILE. */
#define DIRECTORY_OPTIONS \
    (FILE_DIRECTORY_FILE | SYNCHRONOUS_OPTIONS | FILE_WRITE_THROUGH | FILE_COMPLETE_IF_OPLOCKED \
     | FILE_OPEN_FOR_BACKUP_INTENT | FILE_DELETE_ON_CLOSE | FILE_OPEN_FOR_FREE_SPACE_QUERY \
     | FILE_OPEN_BY_FILE_ID | FILE_NO_COMPRESSION | FILE_OPEN_REPARSE_POINT)

/* The documented combinations that make no sense. */
static NTSTATUS
IopCheckCreateArguments(ACCESS_MASK Access, ULONG FileAttributes, ULONG ShareAccess,
                        ULONG Disposition, ULONG Options)
{
    if ((FileAttributes & ~FILE_ATTRIBUTE_VALID_FLAGS) || (ShareAccess & ~FILE_SHARE_VALID_FLAGS)
        || Disposition > FILE_MAXIMUM_DISPOSITION || (Options & ~FILE_VALID_OPTION_FLAGS))
        return STATUS_INVALID_PARAMETER;
    if ((Options & SYNCHRONOUS_OPTIONS) && !(Access & SYNCHRONIZE))
        return STATUS_INVALID_PARAMETER;
    if ((Options & SYNCHRONOUS_OPTIONS) == SYNCHRONOUS_OPTIONS)
        return STATUS_INVALID_PARAMETER;
    if ((Options & FILE_DELETE_ON_CLOSE) && !(Access & DELETE))
        return STATUS_INVALID_PARAMETER;
    if ((Options & FILE_DIRECTORY_FILE)
        && ((Options & ~DIRECTORY_OPTIONS)
            || (Disposition != FILE_CREATE && Disposition != FILE_OPEN &&
                Disposition != FILE_OPEN_IF)))
        return STATUS_INVALID_PARAMETER;
    if ((Options & (FILE_COMPLETE_IF_OPLOCKED | FILE_RESERVE_OPFILTER))
        == (FILE_COMPLETE_IF_OPLOCKED | FILE_RESERVE_OPFILTER))
        return STATUS_INVALID_PARAMETER;
    if ((Options & FILE_NO_INTERMEDIATE_BUFFERING) && (Access & FILE_APPEND_DATA))
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

/* What a named pipe or a mailslot is made with has rules of its own. */
static NTSTATUS
IopCheckCreateType(CREATE_FILE_TYPE Type, PVOID Parameters, ULONG ShareAccess, ULONG Disposition,
                   ULONG Options)
{
    if (Type == CreateFileTypeNone)
        return STATUS_SUCCESS;
    if (Parameters == NULL || (ShareAccess & FILE_SHARE_DELETE))
        return STATUS_INVALID_PARAMETER;
    if (Type == CreateFileTypeNamedPipe)
        return Disposition < FILE_OPEN || Disposition > FILE_OPEN_IF
            || (Options & ~FILE_VALID_PIPE_OPTION_FLAGS)
            ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
    return Type != CreateFileTypeMailslot || Disposition != FILE_CREATE
        || (Options & ~FILE_VALID_MAILSLOT_OPTION_FLAGS)
        ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

/* Where the results will go. */
static NTSTATUS
IopProbeResults(PHANDLE FileHandle, PIO_STATUS_BLOCK Iosb)
{
    __try {
        EX_PROBE_WRITE(FileHandle, sizeof *FileHandle, sizeof(ULONG));
        EX_PROBE_WRITE(Iosb, sizeof *Iosb, sizeof(ULONG));
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

/* Probes and captures what else may lie in the caller's memory; raises. */
static VOID
IopCaptureCreate(POPEN_PACKET Packet, KPROCESSOR_MODE Mode, PLARGE_INTEGER AllocationSize,
                 PVOID EaBuffer, ULONG EaLength)
{
    if (Mode != KernelMode) {
        if (AllocationSize != NULL)
            ProbeForRead(AllocationSize, sizeof *AllocationSize, sizeof(ULONG));
        if (EaBuffer != NULL && EaLength != 0)
            ProbeForRead(EaBuffer, EaLength, sizeof(ULONG));
    }
    if (AllocationSize != NULL)
        Packet->AllocationSize = *AllocationSize;
    if (Packet->AllocationSize.QuadPart < 0)
        ExRaiseStatus(STATUS_INVALID_PARAMETER);
    if (EaBuffer != NULL && EaLength != 0) {
        if (EaLength > MAXIMUM_EAS)
            ExRaiseStatus(STATUS_EA_LIST_INCONSISTENT);
        Packet->EaBuffer = ExAllocatePoolWithTag(NonPagedPool, EaLength, IOP_TAG_BUFFER);
        if (Packet->EaBuffer == NULL)
            ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
        Packet->EaLength = EaLength;
        RtlCopyMemory(Packet->EaBuffer, EaBuffer, EaLength);
    }
}

/* The same without raising; the list of extended attributes, if there is one, is one. */
static DECLSPEC_NOINLINE NTSTATUS
IopCheckCapture(POPEN_PACKET Packet, KPROCESSOR_MODE Mode, PIO_STATUS_BLOCK Iosb,
                PLARGE_INTEGER AllocationSize, PVOID EaBuffer, ULONG EaLength)
{
    ULONG    ErrorOffset;
    NTSTATUS Status;

    __try {
        IopCaptureCreate(Packet, Mode, AllocationSize, EaBuffer, EaLength);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    if (Packet->EaBuffer == NULL)
        return STATUS_SUCCESS;
    Status = IoCheckEaBufferValidity(Packet->EaBuffer, EaLength, &ErrorOffset);
    return NT_SUCCESS(Status) ? Status : IopWriteStatusBlock(Iosb, Status, ErrorOffset);
}

/* Hands the results to the caller; a handle it cannot be told is closed again. */
static NTSTATUS
IopReturnHandle(PHANDLE FileHandle, HANDLE Handle, PIO_STATUS_BLOCK Iosb, NTSTATUS Status,
                ULONG_PTR Information,
                KPROCESSOR_MODE Mode)
{
    __try {
        *FileHandle = Handle;
        Iosb->Information = Information;
        Iosb->Status = Status;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
        ObCloseHandle(Handle, Mode);
    }
    return Status;
}

/*
 * NtCreateFile with more options: Options are IO_NO_PARAMETER_CHECKING, IO_FORCE_ACCESS_CHECK,
 * IO_CHECK_CREATE_PARAMETERS, IO_OPEN_TARGET_DIRECTORY. The caller's mode is the thread's previous
 * mode, or KernelMode with IO_NO_PARAMETER_CHECKING. Drivers' arguments are checked only if they
 * ask for it. InternalParameters (of a named pipe or mailslot) are system memory. PASSIVE_LEVEL.
 */
NTSTATUS NTAPI
IoCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
             PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER AllocationSize, ULONG FileAttributes,
             ULONG ShareAccess,
             ULONG Disposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength,
             CREATE_FILE_TYPE CreateFileType,
             PVOID InternalParameters, ULONG Options)
{
    KPROCESSOR_MODE Mode = (Options & IO_NO_PARAMETER_CHECKING)
        ? KernelMode : IopThread()->PreviousMode;
    OPEN_PACKET     Packet = { .Type = IO_TYPE_OPEN_PACKET, .Size = sizeof Packet,
                              .Options = CreateOptions,
                               .Disposition = Disposition, .Flags = Options, .FileAttributes =
                                   (USHORT)FileAttributes,
                               .ShareAccess = (USHORT)ShareAccess,
                               .FileType = CreateFileType,
                               .TypeParameters = InternalParameters };
    HANDLE          Handle = NULL;
    NTSTATUS        Status = STATUS_SUCCESS;

    PAGED_CODE();

    if (Mode != KernelMode || (Options & IO_CHECK_CREATE_PARAMETERS)) {
        Status = IopCheckCreateArguments(DesiredAccess, FileAttributes, ShareAccess, Disposition,
                                         CreateOptions);
        if (NT_SUCCESS(Status))
            Status = IopCheckCreateType(CreateFileType, InternalParameters, ShareAccess,
                                        Disposition, CreateOptions);
        if (!NT_SUCCESS(Status))
            return Status;
    }
    if (Mode != KernelMode)
        Status = IopProbeResults(FileHandle, IoStatusBlock);
    if (NT_SUCCESS(Status) && (AllocationSize != NULL || EaBuffer != NULL))
        Status = IopCheckCapture(&Packet, Mode, IoStatusBlock, AllocationSize, EaBuffer, EaLength);
    if (NT_SUCCESS(Status))
        Status = ObOpenObjectByName(ObjectAttributes, IopFileObjectType, Mode, NULL,
                                    DesiredAccess, &Packet, &Handle);
    if (Packet.EaBuffer != NULL)
        ExFreePoolWithTag(Packet.EaBuffer, IOP_TAG_BUFFER);
    if (!NT_SUCCESS(Status))
        return Status;
    return IopReturnHandle(FileHandle, Handle, IoStatusBlock, Packet.FinalStatus,
                           Packet.Information, Mode);
}

/* System service: creates or opens a file or device. */
NTSTATUS NTAPI
NtCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
             PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER AllocationSize, ULONG FileAttributes,
             ULONG ShareAccess,
             ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength)
{
    return IoCreateFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock,
                        AllocationSize, FileAttributes,
                        ShareAccess, CreateDisposition, CreateOptions, EaBuffer, EaLength,
                        CreateFileTypeNone, NULL, 0);
}

/* System service: opens what is there. */
NTSTATUS NTAPI
NtOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
           PIO_STATUS_BLOCK IoStatusBlock, ULONG ShareAccess, ULONG OpenOptions)
{
    return IoCreateFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, NULL, 0,
                        ShareAccess, FILE_OPEN,
                        OpenOptions, NULL, 0, CreateFileTypeNone, NULL, 0);
}
