/*
 * The services that make named pipes and mailslots. Their own arguments are checked and travel in
 * a structure, by way of IoCreateFile and the OPEN_PACKET, to the driver's
 * IRP_MJ_CREATE_NAMED_PIPE or IRP_MJ_CREATE_MAILSLOT; IoCreateFile checks the others.
 */
#include "iop.h"

/* A time-out to capture: NULL is none. A driver's default serves then. */
static NTSTATUS
IopCaptureTimeout(PLARGE_INTEGER Given, PLARGE_INTEGER Timeout, PBOOLEAN Specified)
{
    __try {
        if (Given != NULL) {
            if (IopThread()->PreviousMode != KernelMode)
                ProbeForRead(Given, sizeof *Given, sizeof(ULONG));
            *Timeout = *Given;
            *Specified = TRUE;
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

/*
 * System service: makes an instance of a named pipe. NamedPipeType, ReadMode: 0 bytes, 1 messages;
 * CompletionMode: 0 waits, 1 does not. A pipe of bytes cannot be read by messages. DefaultTimeout
 * is relative.
 */
NTSTATUS NTAPI
NtCreateNamedPipeFile(PHANDLE FileHandle, ULONG DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                      PIO_STATUS_BLOCK IoStatusBlock, ULONG ShareAccess, ULONG CreateDisposition,
                      ULONG CreateOptions, ULONG NamedPipeType, ULONG ReadMode,
                      ULONG CompletionMode, ULONG MaximumInstances, ULONG InboundQuota,
                      ULONG OutboundQuota, PLARGE_INTEGER DefaultTimeout)
{
    NAMED_PIPE_CREATE_PARAMETERS Pipe = {
        .NamedPipeType = NamedPipeType, .ReadMode = ReadMode, .CompletionMode = CompletionMode,
        .MaximumInstances = MaximumInstances, .InboundQuota = InboundQuota,
        .OutboundQuota = OutboundQuota
    };
    NTSTATUS Status;

    PAGED_CODE();

    Status = IopCaptureTimeout(DefaultTimeout, &Pipe.DefaultTimeout, &Pipe.TimeoutSpecified);
    if (!NT_SUCCESS(Status))
        return Status;
    if (NamedPipeType > 1 || ReadMode > 1 || CompletionMode > 1 || ReadMode > NamedPipeType
        || MaximumInstances == 0 || Pipe.DefaultTimeout.QuadPart > 0)
        return STATUS_INVALID_PARAMETER;
    return IoCreateFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, NULL, 0,
                        ShareAccess, CreateDisposition, CreateOptions, NULL, 0,
                        CreateFileTypeNamedPipe, &Pipe, 0);
}

/* System service: makes a mailslot. ReadTimeout -1 waits for ever. */
NTSTATUS NTAPI
NtCreateMailslotFile(PHANDLE FileHandle, ULONG DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                     PIO_STATUS_BLOCK IoStatusBlock, ULONG CreateOptions, ULONG MailslotQuota,
                     ULONG MaximumMessageSize, PLARGE_INTEGER ReadTimeout)
{
    MAILSLOT_CREATE_PARAMETERS Slot = { .MailslotQuota = MailslotQuota,
                                        .MaximumMessageSize = MaximumMessageSize };
    NTSTATUS                   Status;

    PAGED_CODE();

    Status = IopCaptureTimeout(ReadTimeout, &Slot.ReadTimeout, &Slot.TimeoutSpecified);
    if (!NT_SUCCESS(Status))
        return Status;
    return IoCreateFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, NULL, 0,
                        FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_CREATE, CreateOptions, NULL, 0,
                        CreateFileTypeMailslot, &Slot, 0);
}
