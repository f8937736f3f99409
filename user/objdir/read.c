/*
 * Reading the namespace: directories are opened and read one after the other; names, types and
 * targets come from there. The counts are those of the list of all objects, taken afterwards, when
 * the directories are closed again; an object is found in it by its whole name.
 */
#include "objdir.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PATH_CHARACTERS 512

static void
ToWide(const char *Text, PUNICODE_STRING String)
{
    ULONG Length = (ULONG)strlen(Text);

    for (ULONG Index = 0; Index < Length && Index < MAX_PATH_CHARACTERS; Index++)
        String->Buffer[Index] = (UCHAR)Text[Index];
    String->Length = (USHORT)(Length * sizeof(WCHAR));
    String->MaximumLength = String->Length;
}

static char *
ToText(const char *Before, PCUNICODE_STRING Name)
{
    ULONG  Length = Name->Length / sizeof(WCHAR);
    size_t Start = strlen(Before);
    char  *Text = malloc(Start + Length + 1);

    if (Text == NULL)
        return NULL;
    memcpy(Text, Before, Start);
    for (ULONG Index = 0; Index < Length; Index++)
        Text[Start + Index] = Name->Buffer[Index] < 0x80 ? (char)Name->Buffer[Index] : '?';
    Text[Start + Length] = 0;
    return Text;
}

/* The target of the link at Path, or NULL: it may not be read. */
static char *
ReadTarget(const char *Path)
{
    WCHAR             Wide[MAX_PATH_CHARACTERS], Text[MAX_PATH_CHARACTERS];
    UNICODE_STRING    Name = { 0, 0, Wide }, Target = { 0, sizeof Text, Text };
    OBJECT_ATTRIBUTES Attributes;
    HANDLE            Link;
    char             *Result = NULL;

    ToWide(Path, &Name);
    InitializeObjectAttributes(&Attributes, &Name, 0, NULL, NULL);
    if (!NT_SUCCESS(NtOpenSymbolicLinkObject(&Link, SYMBOLIC_LINK_QUERY, &Attributes)))
        return NULL;
    if (NT_SUCCESS(NtQuerySymbolicLinkObject(Link, &Target, NULL)))
        Result = ToText("", &Target);
    NtClose(Link);
    return Result;
}

/* Room for one more entry at the end; NULL: no memory. */
static ENTRY *
Append(LIST *List)
{
    if (List->Count == List->Room) {
        ULONG  Room = List->Room ? List->Room * 2 : 64;
        ENTRY *Entries = realloc(List->Entries, Room * sizeof *Entries);

        if (Entries == NULL)
            return NULL;
        List->Entries = Entries;
        List->Room = Room;
    }
    return &List->Entries[List->Count++];
}

static NTSTATUS
AddEntry(const char *Path, ULONG Depth, const OBJECT_DIRECTORY_INFORMATION *Found, LIST *List)
{
    char   Before[MAX_PATH_CHARACTERS + 2];
    ENTRY  Entry = { .Depth = Depth }, *Added;

    _snprintf(Before, sizeof Before, "%s%s", Path, Path[1] ? "\\" : "");
    Entry.NameOffset = (ULONG)strlen(Before);
    _snprintf(Entry.Type, sizeof Entry.Type - 1, "%.*ls",
        (int)(Found->TypeName.Length / sizeof(WCHAR)), Found->TypeName.Buffer);
    Entry.Path = ToText(Before, &Found->Name);
    Added = Entry.Path ? Append(List) : NULL;
    if (Added == NULL) {
        free(Entry.Path);
        return STATUS_NO_MEMORY;
    }
    if (strcmp(Entry.Type, "SymbolicLink") == 0)
        Entry.Target = ReadTarget(Entry.Path);
    *Added = Entry;
    return STATUS_SUCCESS;
}

static int
ComparePaths(const void *Left, const void *Right)
{
    const ENTRY *A = Left, *B = Right;

    return _stricmp(A->Path, B->Path);
}

static NTSTATUS
OpenDirectory(const char *Path, PHANDLE Directory)
{
    WCHAR             Wide[MAX_PATH_CHARACTERS];
    UNICODE_STRING    Name = { 0, 0, Wide };
    OBJECT_ATTRIBUTES Attributes;

    if (strlen(Path) >= MAX_PATH_CHARACTERS)
        return STATUS_NAME_TOO_LONG;
    ToWide(Path, &Name);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    return NtOpenDirectoryObject(Directory, DIRECTORY_QUERY, &Attributes);
}

NTSTATUS
FindDirectory(const char *Path, char *Name, ULONG Room)
{
    static ULONG64 Buffer[256];
    PUNICODE_STRING Found = (PUNICODE_STRING)Buffer;     // OBJECT_NAME_INFORMATION's
    size_t         Length = strlen(Path);
    HANDLE         Directory;
    NTSTATUS       Status;

    while (Length > 1 && Path[Length - 1] == '\\')
        Length--;
    if (Length >= Room)
        return STATUS_NAME_TOO_LONG;
    memcpy(Name, Path, Length);
    Name[Length] = 0;
    Status = OpenDirectory(Name, &Directory);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = NtQueryObject(Directory, EtObjectNameInformation, Buffer, sizeof Buffer, NULL);
    NtClose(Directory);
    if (NT_SUCCESS(Status) && Found->Length / sizeof(WCHAR) >= Room)
        return STATUS_NAME_TOO_LONG;
    if (NT_SUCCESS(Status) && Found->Length != 0)
        _snprintf(Name, Room, "%.*ls", (int)(Found->Length / sizeof(WCHAR)), Found->Buffer);
    return Status;
}

/* The names of one directory, sorted. */
static NTSTATUS
ReadNames(const char *Path, ULONG Depth, LIST *List)
{
    struct { OBJECT_DIRECTORY_INFORMATION Entry; UCHAR Text[1024]; } Buffer;
    ULONG    Context = 0, Needed;
    BOOLEAN  Restart = TRUE;
    HANDLE   Directory;
    NTSTATUS Status = OpenDirectory(Path, &Directory);

    if (!NT_SUCCESS(Status))
        return Status;
    do {
        Status = NtQueryDirectoryObject(Directory, &Buffer, sizeof Buffer, TRUE, Restart,
            &Context, &Needed);
        if (NT_SUCCESS(Status) && Status != STATUS_NO_MORE_ENTRIES)
            Status = AddEntry(Path, Depth, &Buffer.Entry, List);
        Restart = FALSE;
    } while (Status == STATUS_SUCCESS);
    NtClose(Directory);
    qsort(List->Entries, List->Count, sizeof(ENTRY), ComparePaths);
    return Status == STATUS_NO_MORE_ENTRIES ? STATUS_SUCCESS : Status;
}

/* What is in Path; behind each directory what is in it, unless it may not be read. */
static NTSTATUS
ReadDirectory(const char *Path, ULONG Depth, BOOL Recursive, LIST *List)
{
    LIST     Own = { 0 };
    NTSTATUS Status = ReadNames(Path, Depth, &Own);
    ENTRY   *Added;

    for (ULONG Index = 0; Index < Own.Count && NT_SUCCESS(Status); Index++) {
        Added = Append(List);
        if (Added == NULL) {
            Status = STATUS_NO_MEMORY;
            break;
        }
        *Added = Own.Entries[Index];
        if (Recursive && strcmp(Added->Type, "Directory") == 0)
            ReadDirectory(Own.Entries[Index].Path, Depth + 1, TRUE, List);
    }
    free(Own.Entries);                          // what they point to is List's now
    return Status;
}

/* An object of the snapshot by its whole name. */
typedef struct _NAMED {
    const SYSTEM_OBJECT_INFORMATION *Object;
    char                            *Name;
} NAMED;

static int
CompareNamed(const void *Left, const void *Right)
{
    return _stricmp(((const NAMED *)Left)->Name, ((const NAMED *)Right)->Name);
}

/* A file bears its device's name, an opened key that of the key, but they are in no directory. */
static BOOL
IsInDirectory(PCUNICODE_STRING Type, const SYSTEM_OBJECT_INFORMATION *Object)
{
    static const UNICODE_STRING FileType = { 8, 10, L"File" }, KeyType = { 6, 8, L"Key" };

    return Object->NameInfo.Length != 0 && !IsSame(Type, &FileType)
        && (!IsSame(Type, &KeyType) || (Object->Flags & OBJ_PERMANENT));
}

/* Every object that a directory may hold. */
static NAMED *
SortByName(const SNAPSHOT *Snapshot, ULONG *Count)
{
    NAMED *Named = malloc((Snapshot->ObjectCount + 1) * sizeof *Named);
    const SYSTEM_OBJECTTYPE_INFORMATION *Type = NULL;
    const SYSTEM_OBJECT_INFORMATION     *Object;

    *Count = 0;
    while (Named && (Type = NextType(Snapshot, Type)) != NULL) {
        for (Object = NULL; (Object = NextObject(Snapshot, Type, Object)) != NULL; ) {
            if (!IsInDirectory(&Type->TypeName, Object))
                continue;
            Named[*Count].Object = Object;
            Named[*Count].Name = ToText("", &Object->NameInfo);
            *Count += Named[*Count].Name != NULL;
        }
    }
    if (Named)
        qsort(Named, *Count, sizeof *Named, CompareNamed);
    return Named;
}

static NTSTATUS
CountObjects(LIST *List)
{
    SNAPSHOT Snapshot;
    NAMED   *Named, *Found;
    ULONG    Count;
    NTSTATUS Status = TakeSnapshot(&Snapshot);

    if (!NT_SUCCESS(Status))
        return Status;
    Named = SortByName(&Snapshot, &Count);
    for (ULONG Index = 0; Named && Index < List->Count; Index++) {
        ENTRY *Entry = &List->Entries[Index];
        NAMED  Key = { NULL, Entry->Path };

        Found = bsearch(&Key, Named, Count, sizeof *Named, CompareNamed);
        Entry->Counted = Found != NULL;
        if (Found) {
            Entry->Handles = Found->Object->HandleCount;
            Entry->Pointers = Found->Object->PointerCount;
        }
    }
    while (Named && Count)
        free(Named[--Count].Name);
    free(Named);
    FreeSnapshot(&Snapshot);
    return STATUS_SUCCESS;
}

static void
FreeEntry(ENTRY *Entry)
{
    free(Entry->Path);
    free(Entry->Target);
}

static void
KeepType(LIST *List, const char *Type)
{
    ULONG Kept = 0;

    for (ULONG Index = 0; Index < List->Count; Index++) {
        if (_stricmp(List->Entries[Index].Type, Type) == 0)
            List->Entries[Kept++] = List->Entries[Index];
        else
            FreeEntry(&List->Entries[Index]);
    }
    List->Count = Kept;
}

NTSTATUS
ReadTree(const char *Path, BOOL Recursive, const char *Type, LIST *List)
{
    NTSTATUS Status;

    memset(List, 0, sizeof *List);
    Status = ReadDirectory(Path, 0, Recursive, List);
    if (NT_SUCCESS(Status) && Type)
        KeepType(List, Type);
    if (NT_SUCCESS(Status))
        Status = CountObjects(List);
    if (!NT_SUCCESS(Status))
        FreeList(List);
    return Status;
}

void
FreeList(LIST *List)
{
    while (List->Count)
        FreeEntry(&List->Entries[--List->Count]);
    free(List->Entries);
    memset(List, 0, sizeof *List);
}
