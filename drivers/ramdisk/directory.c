/*
 * Listing directories: IRP_MJ_DIRECTORY_CONTROL, IRP_MN_QUERY_DIRECTORY.
 *
 * The first query of a file makes its cursor, with the pattern given then; each query goes on
 * where the last one stopped, or starts again (SL_RESTART_SCAN). Entries are put one behind the
 * other, each aligned to 8 bytes and linked by NextEntryOffset; one that does not fit is left for
 * the next query, and a first one that does not fit is STATUS_BUFFER_OVERFLOW.
 *
 * The caller's buffer is written directly, under __try.
 */
#include "ramdisk.h"

#define ENTRY_ALIGN(Value)  (((Value) + 7) & ~7U)

/* Patterns: * and ?, and the forms < > " that Win32 makes of them. */
static BOOLEAN
RamdiskMatches(const WCHAR *Pattern, ULONG PatternLength, const WCHAR *Name, ULONG NameLength)
{
    while (PatternLength != 0) {
        WCHAR Want = *Pattern;

        if (Want == L'*' || Want == L'<') {
            for (ULONG Skip = 0; Skip <= NameLength; Skip++)
                if (RamdiskMatches(Pattern + 1, PatternLength - 1, Name + Skip, NameLength - Skip))
                    return TRUE;
            return FALSE;
        }
        if (NameLength == 0)
            return (Want == L'>' || Want == L'"') &&
                RamdiskMatches(Pattern + 1, PatternLength - 1, Name, 0);
        if (Want == L'"')
            Want = L'.';
        if (Want != L'?' && Want != L'>' &&
            RtlUpcaseUnicodeChar(Want) != RtlUpcaseUnicodeChar(*Name))
            return FALSE;
        Pattern++, PatternLength--;
        Name++, NameLength--;
    }
    return NameLength == 0;
}

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
        Cursor->Pattern.Buffer = ExAllocatePoolWithTag(PagedPool, Pattern->Length, RAMDISK_TAG);
        if (Cursor->Pattern.Buffer == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        Cursor->Pattern.Length = Cursor->Pattern.MaximumLength = Pattern->Length;
        RtlCopyMemory(Cursor->Pattern.Buffer, Pattern->Buffer, Pattern->Length);
    }
    Cursor->Started = TRUE;
    Cursor->Next = Directory->FirstChild;
    return STATUS_SUCCESS;
}

static BOOLEAN
RamdiskWanted(PCURSOR Cursor, PNODE Node)
{
    return Cursor->Pattern.Length == 0
        || RamdiskMatches(Cursor->Pattern.Buffer, Cursor->Pattern.Length / sizeof(WCHAR),
                          Node->Name.Buffer,
                          Node->Name.Length / sizeof(WCHAR));
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
    case FileBothDirectoryInformation:
        return FIELD_OFFSET(FILE_BOTH_DIR_INFORMATION, FileName);
    case FileNamesInformation:
        return FIELD_OFFSET(FILE_NAMES_INFORMATION, FileName);
    default:
        return 0;
    }
}

/* The fixed part. All classes but FileNamesInformation begin like FILE_DIRECTORY_INFORMATION. */
static VOID
RamdiskFillEntry(PNODE Node, ULONG Class, ULONG NameOffset, PVOID Entry)
{
    PFILE_DIRECTORY_INFORMATION Information = Entry;

    RtlZeroMemory(Entry, NameOffset);
    if (Class == FileNamesInformation) {
        ((PFILE_NAMES_INFORMATION)Entry)->FileNameLength = Node->Name.Length;
        return;
    }
    Information->CreationTime = Information->LastAccessTime = Node->Time;
    Information->LastWriteTime = Information->ChangeTime = Node->Time;
    Information->EndOfFile.QuadPart = (LONG64)Node->Size;
    Information->AllocationSize.QuadPart = (LONG64)((Node->Size + 511) & ~511ULL);
    Information->FileAttributes = RamdiskAttributes(Node);
    Information->FileNameLength = Node->Name.Length;
}

/*
 * Fills the buffer from the cursor on; raises if the caller's memory has gone. *Used is what was
 * filled.
 */
static NTSTATUS
RamdiskListLocked(PCURSOR Cursor, ULONG Class, BOOLEAN Single, PUCHAR Buffer, ULONG Length,
                  PULONG Used)
{
    ULONG  NameOffset = RamdiskNameOffset(Class);
    PULONG Link = NULL;                         // NextEntryOffset of the last entry
    ULONG  Position = 0;

    for (; Cursor->Next != NULL; Cursor->Next = Cursor->Next->NextSibling) {
        PNODE Node = Cursor->Next;
        ULONG Need = NameOffset + Node->Name.Length;

        if (!RamdiskWanted(Cursor, Node))
            continue;
        if (Position > Length || Length - Position < Need)
            return Link == NULL ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
        RamdiskFillEntry(Node, Class, NameOffset, Buffer + Position);
        RtlCopyMemory(Buffer + Position + NameOffset, Node->Name.Buffer, Node->Name.Length);
        if (Link != NULL)
            *Link = (ULONG)(Buffer + Position - (PUCHAR)Link);
        Link = (PULONG)(Buffer + Position);
        *Used = Position + Need;
        Position = ENTRY_ALIGN(Position + Need);
        if (Single) {
            Cursor->Next = Node->NextSibling;
            break;
        }
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
            Status = RamdiskListLocked(Cursor, Class,
                (Stack->Flags & SL_RETURN_SINGLE_ENTRY) != 0, Irp->UserBuffer,
                                       Stack->Parameters.QueryDirectory.Length, Used);
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

    UNREFERENCED_PARAMETER(DeviceObject);

    if (Stack->MinorFunction == IRP_MN_QUERY_DIRECTORY)
        Status = RamdiskQueryDirectory(Irp, Stack, &Used);
    return RamdiskComplete(Irp, Status, NT_SUCCESS(Status) ? Used : 0);
}
