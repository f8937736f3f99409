/*
 * NtQueryDirectoryFile: the entries of a directory, a buffer at a time. The driver keeps the
 * place it has reached with the file object; the pattern of the first call counts for all.
 * NtNotifyChangeDirectoryFile: what changes in it, as soon as it does.
 */
#include "iop.h"

/*
 * The pattern, copied to pool behind a UNICODE_STRING: it becomes the IRP's auxiliary buffer.
 * Raises.
 */
static PUNICODE_STRING
IopCapturePattern(PUNICODE_STRING Given, KPROCESSOR_MODE Mode)
{
    UNICODE_STRING  Name;
    PUNICODE_STRING Copy;

    if (Mode != KernelMode)
        ProbeForRead(Given, sizeof *Given, sizeof(ULONG));
    Name = *Given;
    if (Name.Length == 0)
        return NULL;
    if (Mode != KernelMode)
        ProbeForRead(Name.Buffer, Name.Length, sizeof(WCHAR));
    Copy = ExAllocatePoolWithTag(NonPagedPool, sizeof *Copy + Name.Length, IOP_TAG_NAME);
    if (Copy == NULL)
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    Copy->Length = Copy->MaximumLength = Name.Length;
    Copy->Buffer = (PWSTR)(Copy + 1);
    __try {
        RtlCopyMemory(Copy->Buffer, Name.Buffer, Name.Length);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        ExFreePoolWithTag(Copy, IOP_TAG_NAME);
        ExRaiseStatus(GetExceptionCode());
    }
    return Copy;
}

/* By FILE_INFORMATION_CLASS: the buffer's least length and alignment; 0: no class of entries. */
#define ENTRY(Type) { sizeof(Type), _Alignof(Type) }
static const struct { UCHAR Length, Alignment; } IopEntries[] = {
    [FileDirectoryInformation] = ENTRY(FILE_DIRECTORY_INFORMATION),
    [FileFullDirectoryInformation] = ENTRY(FILE_FULL_DIR_INFORMATION),
    [FileBothDirectoryInformation] = ENTRY(FILE_BOTH_DIR_INFORMATION),
    [FileNamesInformation] = ENTRY(FILE_NAMES_INFORMATION),
    [FileObjectIdInformation] = ENTRY(FILE_OBJECTID_INFORMATION),
    [FileQuotaInformation] = ENTRY(FILE_QUOTA_INFORMATION),
    [FileReparsePointInformation] = ENTRY(FILE_REPARSE_POINT_INFORMATION),
    [FileIdBothDirectoryInformation] = ENTRY(FILE_ID_BOTH_DIR_INFORMATION),
    [FileIdFullDirectoryInformation] = ENTRY(FILE_ID_FULL_DIR_INFORMATION),
};

/* What the two services ask for. */
typedef struct _DIRECTORY_LISTING {
    ULONG           Class;
    BOOLEAN         Single, Restart;
    PUNICODE_STRING Pattern;
} DIRECTORY_LISTING;

typedef struct _DIRECTORY_WATCH {
    ULONG   Filter;
    BOOLEAN Tree;
} DIRECTORY_WATCH;

/* Probes the buffer and fills the stack location's parameters; raises. */
static VOID
IopSetDirectoryQuery(PIOP_CALL Call, PVOID Buffer, ULONG Length, PVOID Context)
{
    DIRECTORY_LISTING *Query = Context;

    if (Call->Mode != KernelMode)
        ProbeForWrite(Buffer, Length, IopEntries[Query->Class].Alignment);
    if (Query->Pattern != NULL)
        Call->Irp->Tail.Overlay.AuxiliaryBuffer = (PCHAR)IopCapturePattern(Query->Pattern,
                                                                           Call->Mode);
    Call->Sp->MinorFunction = IRP_MN_QUERY_DIRECTORY;
    Call->Sp->Flags = (Query->Restart ? SL_RESTART_SCAN : 0)
        | (Query->Single ? SL_RETURN_SINGLE_ENTRY : 0);
    Call->Sp->Parameters.QueryDirectory.Length = Length;
    Call->Sp->Parameters.QueryDirectory.FileName =
        (PUNICODE_STRING)Call->Irp->Tail.Overlay.AuxiliaryBuffer;
    Call->Sp->Parameters.QueryDirectory.FileInformationClass = Query->Class;
}

/* What both services do, with a routine that fills in what they do not have in common. */
static NTSTATUS
IopDirectoryCall(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE Apc, PVOID ApcContext,
                 PIO_STATUS_BLOCK Iosb, PVOID Buffer, ULONG Length,
                 VOID (*Set)(PIOP_CALL Call, PVOID Buffer, ULONG Length, PVOID Context),
                 PVOID Context)
{
    IOP_CALL Call;
    NTSTATUS Status = IopBeginCall(&Call, FileHandle, FILE_LIST_DIRECTORY, Event);

    if (Status != STATUS_SUCCESS)
        return Status;
    __try {
        IopProbeStatusBlock(Iosb, Call.Mode);
        Status = IopAllocateCallIrp(&Call, IRP_MJ_DIRECTORY_CONTROL, Apc, ApcContext, Iosb);
        if (NT_SUCCESS(Status)) {
            Set(&Call, Buffer, Length, Context);
            IopSetTransferBuffer(Call.Irp, Call.Device->Flags, Buffer, Length, Call.Mode, FALSE);
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    if (!NT_SUCCESS(Status))
        return IopEndCall(&Call, Status);
    return IopFinishCall(&Call);
}

/*
 * System service: entries of the directory, from where the last call stopped. FileName (may be
 * NULL) is a pattern with * and ?. STATUS_NO_MORE_FILES at the end, STATUS_NO_SUCH_FILE if the
 * first call finds nothing, STATUS_BUFFER_OVERFLOW if not even one name fits,
 * STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_INFO_CLASS.
 */
NTSTATUS NTAPI
NtQueryDirectoryFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                     PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation, ULONG Length,
                     FILE_INFORMATION_CLASS FileInformationClass, BOOLEAN ReturnSingleEntry,
                     PUNICODE_STRING FileName,
                     BOOLEAN RestartScan)
{
    DIRECTORY_LISTING Query = { FileInformationClass, ReturnSingleEntry, RestartScan, FileName };

    PAGED_CODE();

    if ((ULONG)FileInformationClass >= RTL_NUMBER_OF(IopEntries)
        || IopEntries[FileInformationClass].Length == 0)
        return STATUS_INVALID_INFO_CLASS;
    if (Length < IopEntries[FileInformationClass].Length)
        return STATUS_INFO_LENGTH_MISMATCH;
    return IopDirectoryCall(FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock,
                            FileInformation, Length, IopSetDirectoryQuery, &Query);
}

static VOID
IopSetNotify(PIOP_CALL Call, PVOID Buffer, ULONG Length, PVOID Context)
{
    DIRECTORY_WATCH *Watch = Context;

    if (Call->Mode != KernelMode)
        ProbeForWrite(Buffer, Length, sizeof(ULONG));
    Call->Sp->MinorFunction = IRP_MN_NOTIFY_CHANGE_DIRECTORY;
    Call->Sp->Flags = Watch->Tree ? SL_WATCH_TREE : 0;
    Call->Sp->Parameters.NotifyDirectory.Length = Length;
    Call->Sp->Parameters.NotifyDirectory.CompletionFilter = Watch->Filter;
}

/*
 * System service: ends when something of what CompletionFilter (FILE_NOTIFY_CHANGE_) names changes
 * in the directory; Buffer says what, if it is long enough. STATUS_NOTIFY_CLEANUP: the handle was
 * closed. STATUS_INVALID_DEVICE_REQUEST: the driver does not watch.
 */
NTSTATUS NTAPI
NtNotifyChangeDirectoryFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                            PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer,
                            ULONG Length, ULONG CompletionFilter, BOOLEAN WatchTree)
{
    DIRECTORY_WATCH Watch = { CompletionFilter, WatchTree };

    PAGED_CODE();

    if (CompletionFilter == 0 || (CompletionFilter & ~FILE_NOTIFY_VALID_MASK))
        return STATUS_INVALID_PARAMETER;
    return IopDirectoryCall(FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock, Buffer,
                            Length, IopSetNotify, &Watch);
}
