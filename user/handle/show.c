/*
 * What a handle leads to. Names come from the list of all objects; an object whose type keeps no
 * list, and a process or thread, is looked at through a handle of our own, duplicated from the
 * process that has it.
 */
#include "show.h"
#include "../lib/rights.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

BOOL
IsChosenProcess(const SNAPSHOT *Snapshot, const CHOICE *Choice, ULONG_PTR Id)
{
    char          Own[PROCESS_NAME], Exe[PROCESS_NAME], *End;
    unsigned long Number;

    if (Choice->Process == NULL)
        return TRUE;
    Number = strtoul(Choice->Process, &End, 0);
    if (*End == 0)
        return Id == Number;
    ProcessName(Snapshot, (HANDLE)Id, Own);
    _snprintf(Exe, sizeof Exe - 1, "%s.exe", Choice->Process);
    Exe[sizeof Exe - 1] = 0;
    return _stricmp(Own, Choice->Process) == 0 || _stricmp(Own, Exe) == 0;
}

BOOL
SaysNoProcess(const SNAPSHOT *Snapshot, const CHOICE *Choice)
{
    const SYSTEM_PROCESS_INFORMATION *Process = NULL;

    while ((Process = NextProcess(Snapshot, Process)) != NULL)
        if (IsChosenProcess(Snapshot, Choice, (ULONG_PTR)Process->UniqueProcessId))
            return FALSE;
    fprintf(stderr, "%s: there is no process %s; `ps` lists them\n", PROGRAM, Choice->Process);
    return TRUE;
}

static void
CopyText(PCUNICODE_STRING Name, char *Text)
{
    ULONG Length = Name->Length / sizeof(WCHAR);

    if (Length >= MAX_NAME)
        Length = MAX_NAME - 1;
    for (ULONG Index = 0; Index < Length; Index++)
        Text[Index] = Name->Buffer[Index] < 0x80 ? (char)Name->Buffer[Index] : '?';
    Text[Length] = 0;
}

/* A handle of ours to the same object, with Access or (0) the same rights; NULL: not to be had. */
static HANDLE
Duplicate(const HANDLE_ENTRY *Entry, ACCESS_MASK Access)
{
    HANDLE Process = OpenProcess(PROCESS_DUP_HANDLE, FALSE, (DWORD)Entry->UniqueProcessId);
    HANDLE Copy = NULL;

    if (Process == NULL)
        return NULL;
    NtDuplicateObject(Process, (HANDLE)Entry->HandleValue, NtCurrentProcess(), &Copy, Access, 0,
        Access ? 0 : DUPLICATE_SAME_ACCESS);
    CloseHandle(Process);
    return Copy;
}

static void
DescribeProcess(const SNAPSHOT *Snapshot, const HANDLE_ENTRY *Entry, char *Text)
{
    HANDLE                    Copy = Duplicate(Entry, PROCESS_QUERY_INFORMATION);
    PROCESS_BASIC_INFORMATION Basic;
    char                      Name[PROCESS_NAME];

    if (Copy == NULL)
        return;
    if (NT_SUCCESS(NtQueryInformationProcess(Copy, EtProcessBasicInformation, &Basic,
            sizeof Basic, NULL)))
        sprintf(Text, "%s (%llu)", ProcessName(Snapshot, (HANDLE)Basic.UniqueProcessId, Name),
            (ULONG64)Basic.UniqueProcessId);
    NtClose(Copy);
}

static void
DescribeThread(const SNAPSHOT *Snapshot, const HANDLE_ENTRY *Entry, char *Text)
{
    HANDLE                   Copy = Duplicate(Entry, THREAD_QUERY_INFORMATION);
    THREAD_BASIC_INFORMATION Basic;
    char                     Name[PROCESS_NAME];

    if (Copy == NULL)
        return;
    if (NT_SUCCESS(NtQueryInformationThread(Copy, EtThreadBasicInformation, &Basic, sizeof Basic,
            NULL)))
        sprintf(Text, "%s (%llu): %llu",
            ProcessName(Snapshot, Basic.ClientId.UniqueProcess, Name),
            (ULONG64)(ULONG_PTR)Basic.ClientId.UniqueProcess,
            (ULONG64)(ULONG_PTR)Basic.ClientId.UniqueThread);
    NtClose(Copy);
}

static void
DescribeUnlisted(const HANDLE_ENTRY *Entry, char *Text)
{
    struct { OBJECT_NAME_INFORMATION Name; WCHAR Text[MAX_NAME]; } Buffer;
    HANDLE Copy = Duplicate(Entry, 0);

    if (Copy == NULL)
        return;
    if (NT_SUCCESS(NtQueryObject(Copy, EtObjectNameInformation, &Buffer, sizeof Buffer, NULL)))
        CopyText(&Buffer.Name.Name, Text);
    NtClose(Copy);
}

const char *
Describe(const SNAPSHOT *Snapshot, const HANDLE_ENTRY *Entry, char *Text)
{
    static const UNICODE_STRING ProcessType = { 14, 16, L"Process" };
    static const UNICODE_STRING ThreadType = { 12, 14, L"Thread" };
    PCUNICODE_STRING                 Type = TypeName(Snapshot, Entry->ObjectTypeIndex);
    const SYSTEM_OBJECT_INFORMATION *Object = FindObject(Snapshot, Entry->Object);

    Text[0] = 0;
    if (IsSame(Type, &ProcessType))
        DescribeProcess(Snapshot, Entry, Text);
    else if (IsSame(Type, &ThreadType))
        DescribeThread(Snapshot, Entry, Text);
    else if (Object)
        CopyText(&Object->NameInfo, Text);
    else
        DescribeUnlisted(Entry, Text);
    return Text;
}

void
PrintEntry(const SNAPSHOT *Snapshot, const CHOICE *Choice, const HANDLE_ENTRY *Entry,
    const char *Description)
{
    PCUNICODE_STRING Type = TypeName(Snapshot, Entry->ObjectTypeIndex);
    char             Name[32];

    printf("%6llX: %-13.*ls", (ULONG64)Entry->HandleValue, (int)(Type->Length / sizeof(WCHAR)),
        Type->Buffer);
    if (Choice->Access)
        printf(" %08lX", Entry->GrantedAccess);
    printf("%s%s%s%s\n", *Description ? " " : "", Description,
        Entry->HandleAttributes & OBJ_INHERIT ? "  [inherit]" : "",
        Entry->HandleAttributes & 1 ? "  [protected]" : "");
    if (Choice->Access) {
        sprintf(Name, "%.*ls", (int)min(Type->Length / sizeof(WCHAR), sizeof Name - 1),
            Type->Buffer);
        printf("%7s", "");
        PrintRights(Name, Entry->GrantedAccess);
        printf("\n");
    }
}
