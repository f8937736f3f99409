/*
 * Listing directories: IRP_MJ_DIRECTORY_CONTROL, IRP_MN_QUERY_DIRECTORY.
 *
 * The first query of a file makes its cursor, with the pattern given then; each query goes on
 * where the last one stopped, or starts again (SL_RESTART_SCAN). A directory other than the root
 * has . and .. first. Entries are put one behind the other, each aligned to 8 bytes and linked by
 * NextEntryOffset; one that does not fit is left for the next query, and of a first one that does
 * not fit as much of the name is given as does, with STATUS_BUFFER_OVERFLOW.
 *
 * The caller's buffer is written directly, under __try.
 */
#include "ramdisk.h"

#define ENTRY_ALIGN(Value)  (((Value) + 7) & ~7U)

VOID
RamdiskFreeCursor(PCURSOR Cursor)
{
    if (Cursor == NULL)
        return;
    if (Cursor->Pattern.Buffer != NULL)
        ExFreePoolWithTag(Cursor->Pattern.Buffer, RAMDISK_TAG);
    ExFreePoolWithTag(Cursor, RAMDISK_TAG);
}

/* The file's cursor, made if it has none; of two that come at once one makes it. */
static PCURSOR
RamdiskCursor(PFILE_OBJECT File)
{
    PCURSOR Cursor = File->FsContext2;

    if (Cursor != NULL)
        return Cursor;
    Cursor = ExAllocatePoolWithTag(NonPagedPool, sizeof *Cursor, RAMDISK_TAG);
    if (Cursor == NULL)
        return NULL;
    RtlZeroMemory(Cursor, sizeof *Cursor);
    ExInitializeFastMutex(&Cursor->Lock);
    if (InterlockedCompareExchangePointer(&File->FsContext2, Cursor, NULL) != NULL) {
        ExFreePoolWithTag(Cursor, RAMDISK_TAG);
        Cursor = File->FsContext2;
    }
    return Cursor;
}

/* First query, or one that starts again. */
static NTSTATUS
RamdiskStartLocked(PCURSOR Cursor, PNODE Directory, PUNICODE_STRING Pattern)
{
    if (!Cursor->Started && Pattern != NULL && Pattern->Length != 0) {
        if (Pattern->Length > RAMDISK_PATTERN_MAX * sizeof(WCHAR))
            return STATUS_OBJECT_NAME_INVALID;
        Cursor->Pattern.Buffer = ExAllocatePoolWithTag(PagedPool, Pattern->Length, RAMDISK_TAG);
        if (Cursor->Pattern.Buffer == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        Cursor->Pattern.Length = Cursor->Pattern.MaximumLength = Pattern->Length;
        RtlCopyMemory(Cursor->Pattern.Buffer, Pattern->Buffer, Pattern->Length);
    }
    Cursor->Started = TRUE;
    Cursor->Dots = Directory->Parent == NULL ? 2 : 0;
    Cursor->Next = Directory->FirstChild;
    return STATUS_SUCCESS;
}

/* What the cursor stands at, and its name; NULL at the end. */
static PNODE
RamdiskAtCursor(PCURSOR Cursor, PNODE Directory, PUNICODE_STRING Name)
{
    static const UNICODE_STRING Dots = RTL_CONSTANT_STRING(L"..");

    if (Cursor->Dots < 2) {
        *Name = Dots;
        Name->Length = (USHORT)((Cursor->Dots + 1) * sizeof(WCHAR));
        return Cursor->Dots == 0 ? Directory : Directory->Parent;
    }
    if (Cursor->Next != NULL)
        *Name = Cursor->Next->Name;
    return Cursor->Next;
}

static VOID
RamdiskAdvance(PCURSOR Cursor)
{
    if (Cursor->Dots < 2)
        Cursor->Dots++;
    else
        Cursor->Next = Cursor->Next->NextSibling;
}

/* Where the name lies in an entry of the class; 0: not a class for directories. */
static ULONG
RamdiskNameOffset(ULONG Class)
{
    switch (Class) {
    case FileDirectoryInformation:
        return FIELD_OFFSET(FILE_DIRECTORY_INFORMATION, FileName);
    case FileFullDirectoryInformation:
        return FIELD_OFFSET(FILE_FULL_DIR_INFORMATION, FileName);
    case FileIdFullDirectoryInformation:
        return FIELD_OFFSET(FILE_ID_FULL_DIR_INFORMATION, FileName);
    case FileBothDirectoryInformation:
        return FIELD_OFFSET(FILE_BOTH_DIR_INFORMATION, FileName);
    case FileIdBothDirectoryInformation:
        return FIELD_OFFSET(FILE_ID_BOTH_DIR_INFORMATION, FileName);
    case FileNamesInformation:
        return FIELD_OFFSET(FILE_NAMES_INFORMATION, FileName);
    default:
        return 0;
    }
}

/* The fixed part. All classes but FileNamesInformation begin like FILE_DIRECTORY_INFORMATION. */
static VOID
RamdiskFillEntry(PNODE Node, ULONG NameLength, ULONG Class, ULONG NameOffset, PVOID Entry)
{
    PFILE_DIRECTORY_INFORMATION Information = Entry;

    RtlZeroMemory(Entry, NameOffset);
    if (Class == FileNamesInformation) {
        ((PFILE_NAMES_INFORMATION)Entry)->FileNameLength = NameLength;
        return;
    }
    Information->CreationTime = Information->LastAccessTime = Node->Time;
    Information->LastWriteTime = Information->ChangeTime = Node->Time;
    Information->EndOfFile.QuadPart = (LONG64)Node->Size;
    Information->AllocationSize.QuadPart = (LONG64)((Node->Size + 511) & ~511ULL);
    Information->FileAttributes = RamdiskAttributes(Node);
    Information->FileNameLength = NameLength;
    if (Class == FileIdFullDirectoryInformation)
        ((PFILE_ID_FULL_DIR_INFORMATION)Entry)->FileId.QuadPart = Node->Id;
    else if (Class == FileIdBothDirectoryInformation)
        ((PFILE_ID_BOTH_DIR_INFORMATION)Entry)->FileId.QuadPart = Node->Id;
}

/*
 * Fills the buffer from the cursor on; raises if the caller's memory has gone. *Used is what was
 * filled.
 */
static NTSTATUS
RamdiskListLocked(PCURSOR Cursor, PNODE Directory, ULONG Class, BOOLEAN Single, PUCHAR Buffer,
                  ULONG Length, PULONG Used)
{
    ULONG          NameOffset = RamdiskNameOffset(Class), Position = 0, Room;
    PULONG         Link = NULL;                 // NextEntryOffset of the last entry
    UNICODE_STRING Name;
    PNODE          Node;

    while ((Node = RamdiskAtCursor(Cursor, Directory, &Name)) != NULL) {
        if (Cursor->Pattern.Length != 0 && !RamdiskMatches(&Cursor->Pattern, &Name)) {
            RamdiskAdvance(Cursor);
            continue;
        }
        Room = Position + NameOffset < Length ? Length - Position - NameOffset : 0;
        if (Room < Name.Length && Link != NULL)
            break;
        RamdiskFillEntry(Node, Name.Length, Class, NameOffset, Buffer + Position);
        RtlCopyMemory(Buffer + Position + NameOffset, Name.Buffer, min(Name.Length, Room));
        *Used = Position + NameOffset + min(Name.Length, Room);
        if (Room < Name.Length)
            return STATUS_BUFFER_OVERFLOW;
        if (Link != NULL)
            *Link = (ULONG)(Buffer + Position - (PUCHAR)Link);
        Link = (PULONG)(Buffer + Position);
        Position = ENTRY_ALIGN(*Used);
        RamdiskAdvance(Cursor);
        if (Single)
            break;
    }
    return Link != NULL ? STATUS_SUCCESS : STATUS_NO_MORE_FILES;
}

static NTSTATUS
RamdiskQueryDirectory(PIRP Irp, PIO_STACK_LOCATION Stack, PULONG Used)
{
    PNODE    Directory = Stack->FileObject->FsContext;
    ULONG    Class = Stack->Parameters.QueryDirectory.FileInformationClass;
    PCURSOR  Cursor;
    BOOLEAN  First;
    NTSTATUS Status = STATUS_SUCCESS;

    if (!Directory->Directory || RamdiskNameOffset(Class) == 0)
        return STATUS_INVALID_PARAMETER;
    Cursor = RamdiskCursor(Stack->FileObject);
    if (Cursor == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;

    ExAcquireFastMutex(&Cursor->Lock);
    First = !Cursor->Started;
    if (First || (Stack->Flags & SL_RESTART_SCAN))
        Status = RamdiskStartLocked(Cursor, Directory, Stack->Parameters.QueryDirectory.FileName);
    if (NT_SUCCESS(Status)) {
        __try {
            Status = RamdiskListLocked(Cursor, Directory, Class,
                                       (Stack->Flags & SL_RETURN_SINGLE_ENTRY) != 0,
                                       Irp->UserBuffer, Stack->Parameters.QueryDirectory.Length,
                                       Used);
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            Status = GetExceptionCode();
        }
    }
    ExReleaseFastMutex(&Cursor->Lock);
    return First && Status == STATUS_NO_MORE_FILES ? STATUS_NO_SUCH_FILE : Status;
}

NTSTATUS NTAPI
RamdiskDirectoryControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG              Used = 0;
    NTSTATUS           Status = STATUS_INVALID_DEVICE_REQUEST;

    if (Stack->MinorFunction == IRP_MN_NOTIFY_CHANGE_DIRECTORY)
        return RamdiskNotify(DeviceObject->DeviceExtension, Irp, Stack);
    if (Stack->MinorFunction == IRP_MN_QUERY_DIRECTORY)
        Status = RamdiskQueryDirectory(Irp, Stack, &Used);
    return RamdiskComplete(Irp, Status, NT_ERROR(Status) ? 0 : Used);
}
