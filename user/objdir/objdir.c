/*
 * objdir [PATH]: what the directory PATH of the object namespace holds (`\` if none is given):
 * name, type, where a symbolic link leads, and for objects that a program can open by name their
 * two counts. Those were taken through a handle of objdir's own, which is not counted in what is
 * printed.
 */
#include "sdk/ntapi.h"
#include "../lib/status.h"
#include <stdio.h>
#include <string.h>

#define PROGRAM     "objdir"
#define MAX_PATH_CHARACTERS 512

typedef NTSTATUS (NTAPI *OPEN_ROUTINE)(PHANDLE Handle, ACCESS_MASK Access,
    POBJECT_ATTRIBUTES Attributes);

static const struct {
    PCWSTR       Type;
    OPEN_ROUTINE Open;
    ACCESS_MASK  Access;
} Openers[] = {
    { L"Directory",    NtOpenDirectoryObject,    DIRECTORY_QUERY },
    { L"SymbolicLink", NtOpenSymbolicLinkObject, SYMBOLIC_LINK_QUERY },
    { L"Event",        NtOpenEvent,              EVENT_QUERY_STATE },
    { L"Mutant",       NtOpenMutant,             MUTANT_QUERY_STATE },
    { L"Semaphore",    NtOpenSemaphore,          SEMAPHORE_QUERY_STATE },
    { L"Timer",        NtOpenTimer,              TIMER_QUERY_STATE },
};

static BOOL
IsType(PCUNICODE_STRING Name, PCWSTR Type)
{
    size_t Length = wcslen(Type);

    return Name->Length == Length * sizeof(WCHAR) && wcsncmp(Name->Buffer, Type, Length) == 0;
}

static void
PrintTarget(HANDLE Link)
{
    WCHAR          Text[MAX_PATH_CHARACTERS];
    UNICODE_STRING Target = { 0, sizeof Text, Text };

    if (NT_SUCCESS(NtQuerySymbolicLinkObject(Link, &Target, NULL)))
        printf("  -> %.*ls", (int)(Target.Length / sizeof(WCHAR)), Target.Buffer);
}

static void
PrintDetails(HANDLE Directory, const OBJECT_DIRECTORY_INFORMATION *Entry)
{
    OBJECT_ATTRIBUTES        Attributes;
    OBJECT_BASIC_INFORMATION Basic;
    UNICODE_STRING           Name = Entry->Name;
    HANDLE                   Handle;

    InitializeObjectAttributes(&Attributes, &Name, 0, Directory, NULL);
    for (ULONG Index = 0; Index < ARRAYSIZE(Openers); Index++) {
        if (!IsType(&Entry->TypeName, Openers[Index].Type))
            continue;
        if (!NT_SUCCESS(Openers[Index].Open(&Handle, Openers[Index].Access, &Attributes)))
            return;
        if (NT_SUCCESS(NtQueryObject(Handle, EtObjectBasicInformation, &Basic, sizeof Basic, NULL)))
            printf(" handles %lu pointers %lu", Basic.HandleCount - 1, Basic.PointerCount - 1);
        if (Openers[Index].Open == NtOpenSymbolicLinkObject)
            PrintTarget(Handle);
        NtClose(Handle);
    }
}

static NTSTATUS
OpenDirectory(const char *Path, PHANDLE Directory)
{
    WCHAR             Wide[MAX_PATH_CHARACTERS];
    UNICODE_STRING    String = { 0, sizeof Wide, Wide };
    OBJECT_ATTRIBUTES Attributes;
    size_t            Length = strlen(Path);

    if (Length >= MAX_PATH_CHARACTERS)
        return STATUS_NAME_TOO_LONG;
    for (size_t Index = 0; Index < Length; Index++)
        Wide[Index] = (UCHAR)Path[Index];
    String.Length = (USHORT)(Length * sizeof(WCHAR));
    InitializeObjectAttributes(&Attributes, &String, OBJ_CASE_INSENSITIVE, NULL, NULL);
    return NtOpenDirectoryObject(Directory, DIRECTORY_QUERY | DIRECTORY_TRAVERSE, &Attributes);
}

int
main(int Count, char **Arguments)
{
    const char *Path = Count > 1 ? Arguments[1] : "\\";
    HANDLE      Directory;
    ULONG       Context = 0, Needed;
    BOOLEAN     Restart = TRUE;
    NTSTATUS    Status;
    struct { OBJECT_DIRECTORY_INFORMATION Entry; UCHAR Text[1024]; } Buffer;

    if (Count > 2) {
        fprintf(stderr, "usage: %s [PATH]    lists a directory of the object namespace\n", PROGRAM);
        return 2;
    }
    Status = OpenDirectory(Path, &Directory);
    if (!NT_SUCCESS(Status))
        return FailStatus(PROGRAM, Status, "cannot open %s", Path);
    for (;; Restart = FALSE) {
        Status = NtQueryDirectoryObject(Directory, &Buffer, sizeof Buffer, TRUE, Restart,
            &Context, &Needed);
        if (Status != STATUS_SUCCESS)
            break;
        printf("%-24.*ls %-14.*ls", (int)(Buffer.Entry.Name.Length / sizeof(WCHAR)),
            Buffer.Entry.Name.Buffer, (int)(Buffer.Entry.TypeName.Length / sizeof(WCHAR)),
            Buffer.Entry.TypeName.Buffer);
        PrintDetails(Directory, &Buffer.Entry);
        printf("\n");
    }
    NtClose(Directory);
    if (Status != STATUS_NO_MORE_ENTRIES)
        return FailStatus(PROGRAM, Status, "cannot read %s", Path);
    return 0;
}
