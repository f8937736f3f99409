/* See snapshot.h. The lists are kept as the kernel gave them; objects are found by bisection. */
#include "snapshot.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE  0x8000

void *
QuerySystem(ULONG Class, NTSTATUS *Status)
{
    ULONG Size = FIRST_SIZE, Needed = 0;
    void *Buffer;

    for (;;) {
        Buffer = malloc(Size);
        if (Buffer == NULL) {
            *Status = STATUS_NO_MEMORY;
            return NULL;
        }
        *Status = NtQuerySystemInformation(Class, Buffer, Size, &Needed);
        if (NT_SUCCESS(*Status))
            return Buffer;
        free(Buffer);
        if (*Status != STATUS_INFO_LENGTH_MISMATCH)
            return NULL;
        Size = (Needed > Size ? Needed : Size) + Needed / 8 + 0x1000;   // it may grow meanwhile
    }
}

const SYSTEM_PROCESS_INFORMATION *
NextProcess(const SNAPSHOT *Snapshot, const SYSTEM_PROCESS_INFORMATION *Process)
{
    if (Process == NULL)
        return Snapshot->Processes;
    return Process->NextEntryOffset
        ? (PVOID)((PUCHAR)Process + Process->NextEntryOffset) : NULL;
}

const SYSTEM_OBJECTTYPE_INFORMATION *
NextType(const SNAPSHOT *Snapshot, const SYSTEM_OBJECTTYPE_INFORMATION *Type)
{
    if (Type == NULL)
        return Snapshot->Types;
    return Type->NextEntryOffset
        ? (PVOID)((PUCHAR)Snapshot->Types + Type->NextEntryOffset) : NULL;
}

const SYSTEM_OBJECT_INFORMATION *
NextObject(const SNAPSHOT *Snapshot, const SYSTEM_OBJECTTYPE_INFORMATION *Type,
    const SYSTEM_OBJECT_INFORMATION *Object)
{
    if (Object == NULL)                     // behind the type's name, at a multiple of 8
        return (PVOID)((PUCHAR)Type->TypeName.Buffer
            + ((Type->TypeName.MaximumLength + 7) & ~7));
    return Object->NextEntryOffset
        ? (PVOID)((PUCHAR)Snapshot->Types + Object->NextEntryOffset) : NULL;
}

static int
CompareAddresses(const void *Left, const void *Right)
{
    PVOID A = (*(const SYSTEM_OBJECT_INFORMATION *const *)Left)->Object;
    PVOID B = (*(const SYSTEM_OBJECT_INFORMATION *const *)Right)->Object;

    return (A > B) - (A < B);
}

/* Fills Index, or only counts when it is NULL. */
static ULONG
EnterObjects(const SNAPSHOT *Snapshot, const SYSTEM_OBJECT_INFORMATION **Index)
{
    const SYSTEM_OBJECTTYPE_INFORMATION *Type = NULL;
    const SYSTEM_OBJECT_INFORMATION     *Object;
    ULONG                                Count = 0;

    while ((Type = NextType(Snapshot, Type)) != NULL)
        for (Object = NULL; (Object = NextObject(Snapshot, Type, Object)) != NULL; Count++)
            if (Index)
                Index[Count] = Object;
    return Count;
}

/* The names of the types, in the order of their numbers, which begin with 1. */
static NTSTATUS
QueryTypeNames(SNAPSHOT *Snapshot)
{
    ULONG    Size = 0x2000, Needed;
    NTSTATUS Status;

    do {
        free(Snapshot->TypeNames);
        Snapshot->TypeNames = malloc(Size);
        if (Snapshot->TypeNames == NULL)
            return STATUS_NO_MEMORY;
        Status = NtQueryObject(NULL, EtObjectTypesInformation, Snapshot->TypeNames, Size, &Needed);
        Size *= 2;
    } while (Status == STATUS_INFO_LENGTH_MISMATCH);
    return Status;
}

NTSTATUS
TakeSnapshot(SNAPSHOT *Snapshot)
{
    NTSTATUS Status;

    memset(Snapshot, 0, sizeof *Snapshot);
    Status = QueryTypeNames(Snapshot);
    if (NT_SUCCESS(Status))
        Snapshot->Handles = QuerySystem(EtSystemExtendedHandleInformation, &Status);
    if (NT_SUCCESS(Status))
        Snapshot->Types = QuerySystem(EtSystemObjectInformation, &Status);
    if (NT_SUCCESS(Status))
        Snapshot->Processes = QuerySystem(EtSystemProcessInformation, &Status);
    if (NT_SUCCESS(Status)) {
        Snapshot->ObjectCount = EnterObjects(Snapshot, NULL);
        Snapshot->Index = malloc((Snapshot->ObjectCount + 1) * sizeof *Snapshot->Index);
        if (Snapshot->Index == NULL)
            Status = STATUS_NO_MEMORY;
    }
    if (!NT_SUCCESS(Status)) {
        FreeSnapshot(Snapshot);
        return Status;
    }
    EnterObjects(Snapshot, Snapshot->Index);
    qsort(Snapshot->Index, Snapshot->ObjectCount, sizeof *Snapshot->Index, CompareAddresses);
    return STATUS_SUCCESS;
}

void
FreeSnapshot(SNAPSHOT *Snapshot)
{
    free(Snapshot->Processes);
    free(Snapshot->Handles);
    free(Snapshot->Types);
    free(Snapshot->TypeNames);
    free(Snapshot->Index);
    memset(Snapshot, 0, sizeof *Snapshot);
}

const SYSTEM_OBJECT_INFORMATION *
FindObject(const SNAPSHOT *Snapshot, PVOID Object)
{
    ULONG Low = 0, High = Snapshot->ObjectCount;

    while (Low < High) {
        ULONG Middle = (Low + High) / 2;

        if (Snapshot->Index[Middle]->Object == Object)
            return Snapshot->Index[Middle];
        if (Snapshot->Index[Middle]->Object < Object)
            Low = Middle + 1;
        else
            High = Middle;
    }
    return NULL;
}

PCUNICODE_STRING
TypeName(const SNAPSHOT *Snapshot, ULONG Index)
{
    static const UNICODE_STRING Unknown = { 2, 4, L"?" };
    PUCHAR Entry = (PUCHAR)Snapshot->TypeNames + sizeof(ULONG64);

    if (Index == 0 || Index > *(PULONG64)Snapshot->TypeNames)
        return &Unknown;
    while (--Index)
        Entry += (sizeof(OBJECT_TYPE_INFORMATION)
            + ((POBJECT_TYPE_INFORMATION)Entry)->TypeName.MaximumLength + 7) & ~7ULL;
    return &((POBJECT_TYPE_INFORMATION)Entry)->TypeName;
}

const char *
ProcessName(const SNAPSHOT *Snapshot, HANDLE Id, char *Text)
{
    const SYSTEM_PROCESS_INFORMATION *Process = NULL;

    while ((Process = NextProcess(Snapshot, Process)) != NULL)
        if (Process->UniqueProcessId == Id)
            break;
    if (Process == NULL)
        return strcpy(Text, "?");
    if (Process->ImageName.Length == 0)
        return strcpy(Text, Id ? "System" : "Idle");
    _snprintf(Text, PROCESS_NAME, "%.*ls", (int)(Process->ImageName.Length / sizeof(WCHAR)),
        Process->ImageName.Buffer);
    Text[PROCESS_NAME - 1] = 0;
    return Text;
}

void
PrintString(PCUNICODE_STRING String)
{
    printf("%.*ls", (int)(String->Length / sizeof(WCHAR)), String->Buffer);
}

static WCHAR
Upper(WCHAR Character)
{
    return Character >= L'a' && Character <= L'z' ? Character - 32 : Character;
}

BOOL
StartsWith(PCUNICODE_STRING String, PCUNICODE_STRING Prefix)
{
    if (String->Length < Prefix->Length)
        return FALSE;
    for (ULONG Index = 0; Index < Prefix->Length / sizeof(WCHAR); Index++)
        if (Upper(String->Buffer[Index]) != Upper(Prefix->Buffer[Index]))
            return FALSE;
    return TRUE;
}

BOOL
IsSame(PCUNICODE_STRING A, PCUNICODE_STRING B)
{
    return A->Length == B->Length && StartsWith(A, B);
}
