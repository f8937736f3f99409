/*
 * The services of directory objects: NtCreateDirectoryObject, NtOpenDirectoryObject,
 * NtQueryDirectoryObject.
 *
 * A query fills the caller's buffer with OBJECT_DIRECTORY_INFORMATION structures, one for each
 * name, ended by one that is all zero; the characters they point to follow them. It goes by the
 * entries' serial numbers: *Context is the last one that was returned, and the next call goes on
 * with the first entry above it. The directory remembers where that was (QueryHint), so reading a
 * large directory piece by piece does not start over each time.
 *
 * What fits is first collected in a kernel buffer, under the directory's lock, then copied to the
 * caller.
 *
 * STATUS_MORE_ENTRIES: the buffer was too small for all (without ReturnSingleEntry).
 * STATUS_NO_MORE_ENTRIES: nothing is left. STATUS_BUFFER_TOO_SMALL: not even one fits;
 * ReturnLength is what it needs.
 */
#include "kernel.h"
#include "ob/obp.h"
#include "sdk/ntsysinfo.h"

#define OB_LARGEST_QUERY    0x10000

NTSTATUS NTAPI
NtCreateDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
                        POBJECT_ATTRIBUTES ObjectAttributes)
{
    KPROCESSOR_MODE   Mode   = KeGetPreviousMode();
    NTSTATUS          Status = ObProbeHandle(DirectoryHandle, Mode);
    POBJECT_DIRECTORY Directory;

    PAGED_CODE();

    if (NT_SUCCESS(Status))
        Status = ObCreateObject(Mode, ObpDirectoryObjectType, ObjectAttributes, Mode, NULL,
                                sizeof(*Directory), 0, 0,
                                (PVOID *)&Directory);
    if (!NT_SUCCESS(Status))
        return Status;

    Status = ObpInitializeDirectory(Directory);
    if (!NT_SUCCESS(Status)) {
        ObDereferenceObject(Directory);
        return Status;
    }
    return ObInsertService(Directory, DesiredAccess, DirectoryHandle, Mode);
}

NTSTATUS NTAPI
NtOpenDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
                      POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ObOpenService(DirectoryHandle, DesiredAccess, ObjectAttributes, ObpDirectoryObjectType,
                         NULL);
}

/* The entry after serial number Last, or NULL. */
static POBJECT_DIRECTORY_ENTRY
ObpEntryAfterLocked(POBJECT_DIRECTORY Directory, ULONG Last)
{
    POBJECT_DIRECTORY_ENTRY Hint = Directory->QueryHint;
    PLIST_ENTRY             Link = Hint != NULL && Hint->Serial <= Last
        ? &Hint->Order : Directory->Order.Flink;

    for (; Link != &Directory->Order; Link = Link->Flink) {
        POBJECT_DIRECTORY_ENTRY Entry = CONTAINING_RECORD(Link, OBJECT_DIRECTORY_ENTRY, Order);

        if (Entry->Serial > Last)
            return Entry;
    }
    return NULL;
}

static POBJECT_DIRECTORY_ENTRY
ObpNextEntryLocked(POBJECT_DIRECTORY Directory, POBJECT_DIRECTORY_ENTRY Entry)
{
    PLIST_ENTRY Link = Entry->Order.Flink;

    return Link == &Directory->Order ? NULL : CONTAINING_RECORD(Link, OBJECT_DIRECTORY_ENTRY,
                                                                Order);
}

/*
 * Puts Text's characters and a zero at Offset of Buffer, which will be Target's, and describes
 * them there.
 */
static ULONG
ObpPutText(PUNICODE_STRING Out, PUNICODE_STRING Text, PUCHAR Buffer, PUCHAR Target, ULONG Offset)
{
    Out->Buffer        = (PWSTR)(Target + Offset);
    Out->Length        = Text->Length;
    Out->MaximumLength = Text->Length + sizeof(WCHAR);
    RtlCopyMemory(Buffer + Offset, Text->Buffer, Text->Length);
    *(PWSTR)(Buffer + Offset + Text->Length) = 0;
    return Offset + Out->MaximumLength;
}

typedef struct _OB_DIRECTORY_QUERY {
    PUCHAR  Buffer, Target;                     // ours, and where it will be copied to
    ULONG   Length;
    BOOLEAN Single;
    ULONG   Last;                               // serial number: in and out
    ULONG   Size;                               // out: bytes used, or needed for one
} OB_DIRECTORY_QUERY, *POB_DIRECTORY_QUERY;

/* Collects what fits: first counts the entries, because their characters follow all of them. */
static NTSTATUS
ObpCollectLocked(POBJECT_DIRECTORY Directory, POB_DIRECTORY_QUERY Query)
{
    POBJECT_DIRECTORY_INFORMATION Out   = (POBJECT_DIRECTORY_INFORMATION)Query->Buffer;
    POBJECT_DIRECTORY_ENTRY       First = ObpEntryAfterLocked(Directory, Query->Last), Entry;
    ULONG                         Size  = sizeof(*Out), Count = 0, Offset;

    if (First == NULL)
        return STATUS_NO_MORE_ENTRIES;

    for (Entry = First; Entry != NULL && !(Query->Single &&
        Count == 1); Entry = ObpNextEntryLocked(Directory, Entry)) {
        POBJECT_HEADER Header = OBJECT_TO_HEADER(Entry->Object);
        ULONG          More   =
            sizeof(*Out) + ObpNameInfo(Header)->Name.Length + Header->Type->Name.Length +
                                2 * sizeof(WCHAR);

        if (Size + More > Query->Length) {
            if (Count == 0) {
                Query->Size = Size + More;
                return STATUS_BUFFER_TOO_SMALL;
            }
            break;
        }
        Size += More;
        Count++;
    }

    Query->Size = Size;
    Offset = (Count + 1) * sizeof(*Out);
    for (ULONG Index = 0; Index < Count; Index++, First = ObpNextEntryLocked(Directory, First)) {
        POBJECT_HEADER Header = OBJECT_TO_HEADER(First->Object);

        Offset = ObpPutText(&Out[Index].Name, &ObpNameInfo(Header)->Name, Query->Buffer,
                            Query->Target, Offset);
        Offset = ObpPutText(&Out[Index].TypeName, &Header->Type->Name, Query->Buffer,
                            Query->Target, Offset);
        Directory->QueryHint = First;
        Query->Last          = First->Serial;
    }
    RtlZeroMemory(&Out[Count], sizeof(*Out));
    return Entry != NULL && !Query->Single ? STATUS_MORE_ENTRIES : STATUS_SUCCESS;
}

static NTSTATUS
ObpReturnDirectory(POB_DIRECTORY_QUERY Query, NTSTATUS Status, PULONG Context, PULONG ReturnLength)
{
    __try {
        if (NT_SUCCESS(Status) && Status != STATUS_NO_MORE_ENTRIES) {
            RtlCopyMemory(Query->Target, Query->Buffer, Query->Size);
            *Context = Query->Last;
        }
        if (ReturnLength != NULL)
            *ReturnLength = Query->Size;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    return Status;
}

static NTSTATUS
ObpProbeQuery(PVOID Buffer, ULONG Length, PULONG Context, PULONG ReturnLength,
              KPROCESSOR_MODE Mode, PULONG Last)
{
    __try {
        if (Mode != KernelMode) {
            ProbeForWrite(Buffer, Length, sizeof(WCHAR));
            ProbeForWrite(Context, sizeof(ULONG), sizeof(ULONG));
            if (ReturnLength != NULL)
                ProbeForWrite(ReturnLength, sizeof(ULONG), sizeof(ULONG));
        }
        *Last = *(volatile ULONG *)Context;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI
NtQueryDirectoryObject(HANDLE DirectoryHandle, PVOID Buffer, ULONG Length,
                       BOOLEAN ReturnSingleEntry, BOOLEAN RestartScan, PULONG Context,
                       PULONG ReturnLength)
{
    KPROCESSOR_MODE    Mode  = KeGetPreviousMode();
    OB_DIRECTORY_QUERY Query = { .Target = Buffer, .Length = min(Length, OB_LARGEST_QUERY),
                                .Single = ReturnSingleEntry };
    POBJECT_DIRECTORY  Directory;
    NTSTATUS           Status;

    PAGED_CODE();

    Status = ObpProbeQuery(Buffer, Length, Context, ReturnLength, Mode, &Query.Last);
    if (NT_SUCCESS(Status))
        Status = ObReferenceObjectByHandle(DirectoryHandle, DIRECTORY_QUERY,
                                           ObpDirectoryObjectType, Mode, (PVOID *)&Directory,
                                           NULL);
    if (!NT_SUCCESS(Status))
        return Status;

    if (RestartScan)
        Query.Last = 0;
    Query.Buffer = ExAllocatePoolWithTag(PagedPool, Query.Length + 1, TAG_OB_QUERY);
    if (Query.Buffer == NULL) {
        Status = STATUS_INSUFFICIENT_RESOURCES;
    } else {
        ExAcquireFastMutex(&Directory->Lock);
        Status = ObpCollectLocked(Directory, &Query);
        ExReleaseFastMutex(&Directory->Lock);
        Status = ObpReturnDirectory(&Query, Status, Context, ReturnLength);
        ExFreePoolWithTag(Query.Buffer, TAG_OB_QUERY);
    }
    ObDereferenceObject(Directory);
    return Status;
}
