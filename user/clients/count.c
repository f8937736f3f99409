/*
 * Counting from outside: every file object of the system is looked at, with its name and counts
 * (SystemObjectInformation), then every handle of every process (SystemExtendedHandleInformation)
 * that leads to one of them. The driver is not asked and does not notice.
 *
 * A client is an open file, not a process and not a handle: one program may open the device twice,
 * and one open may have several handles, in several processes (DuplicateHandle, inheritance). A
 * file without any handle is open all the same: its last reference is the kernel's or another
 * driver's.
 */
#include "clients.h"
#include <stdio.h>

typedef struct _COUNT {
    ULONG Files, Handles, Processes;
} COUNT;

static const UNICODE_STRING DeviceType = { 12, 14, L"Device" };
static const UNICODE_STRING FileType = { 8, 10, L"File" };

/* Whether File is the device at Name, or something on it. */
static BOOL
IsClient(const SYSTEM_OBJECT_INFORMATION *File, PCUNICODE_STRING Name)
{
    PCUNICODE_STRING Own = &File->NameInfo;

    return !(File->Flags & 1) && StartsWith(Own, Name)
        && (Own->Length == Name->Length || Own->Buffer[Name->Length / sizeof(WCHAR)] == L'\\');
}

static const SYSTEM_OBJECTTYPE_INFORMATION *
FindType(const SNAPSHOT *Snapshot, PCUNICODE_STRING Name)
{
    const SYSTEM_OBJECTTYPE_INFORMATION *Type = NULL;

    while ((Type = NextType(Snapshot, Type)) != NULL)
        if (IsSame(&Type->TypeName, Name))
            break;
    return Type;
}

/* Whether there is a device whose name is Name, or begins it. */
static BOOL
DeviceExists(const SNAPSHOT *Snapshot, PCUNICODE_STRING Name)
{
    const SYSTEM_OBJECTTYPE_INFORMATION *Type = FindType(Snapshot, &DeviceType);
    const SYSTEM_OBJECT_INFORMATION     *Device = NULL;

    while (Type && (Device = NextObject(Snapshot, Type, Device)) != NULL)
        if (Device->NameInfo.Length && StartsWith(Name, &Device->NameInfo))
            return TRUE;
    return FALSE;
}

static void
PrintHandles(const SNAPSHOT *Snapshot, const SYSTEM_OBJECT_INFORMATION *File)
{
    char  Text[PROCESS_NAME];
    ULONG Count = 0;

    for (ULONG_PTR Index = 0; Index < Snapshot->Handles->NumberOfHandles; Index++) {
        const SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX *Handle = &Snapshot->Handles->Handles[Index];

        if (Handle->Object != File->Object)
            continue;
        printf("    handle %4llX of %s (%llu), access %08lX\n", (ULONG64)Handle->HandleValue,
            ProcessName(Snapshot, (HANDLE)Handle->UniqueProcessId, Text),
            (ULONG64)Handle->UniqueProcessId, Handle->GrantedAccess);
        Count++;
    }
    if (Count)
        return;
    printf("    no handle: the system or a driver keeps it; opened in process %llu",
        (ULONG64)(ULONG_PTR)File->CreatorUniqueProcess);
    ProcessName(Snapshot, File->CreatorUniqueProcess, Text);
    if (Text[0] == '?')
        printf(", which has ended\n");
    else
        printf(" (%s)\n", Text);
}

static void
PrintFiles(const SNAPSHOT *Snapshot, PCUNICODE_STRING Name)
{
    const SYSTEM_OBJECTTYPE_INFORMATION *Type = FindType(Snapshot, &FileType);
    const SYSTEM_OBJECT_INFORMATION     *File = NULL;

    while (Type && (File = NextObject(Snapshot, Type, File)) != NULL) {
        if (!IsClient(File, Name))
            continue;
        printf("  file %p  ", File->Object);
        PrintString(&File->NameInfo);
        printf("  HandleCount %ld  PointerCount %ld\n", File->HandleCount, File->PointerCount);
        PrintHandles(Snapshot, File);
    }
}

/* Handles come process by process, so a new process is one that differs from the one before. */
static void
CountHandles(const SNAPSHOT *Snapshot, PCUNICODE_STRING Name, COUNT *Count)
{
    ULONG_PTR Last = (ULONG_PTR)-1;

    for (ULONG_PTR Index = 0; Index < Snapshot->Handles->NumberOfHandles; Index++) {
        const SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX *Handle = &Snapshot->Handles->Handles[Index];
        const SYSTEM_OBJECT_INFORMATION         *File = NULL;

        if (IsSame(TypeName(Snapshot, Handle->ObjectTypeIndex), &FileType))
            File = FindObject(Snapshot, Handle->Object);
        if (File == NULL || !IsClient(File, Name))
            continue;
        Count->Handles++;
        Count->Processes += Handle->UniqueProcessId != Last;
        Last = Handle->UniqueProcessId;
    }
}

static void
CountFiles(const SNAPSHOT *Snapshot, PCUNICODE_STRING Name, COUNT *Count)
{
    const SYSTEM_OBJECTTYPE_INFORMATION *Type = FindType(Snapshot, &FileType);
    const SYSTEM_OBJECT_INFORMATION     *File = NULL;

    while (Type && (File = NextObject(Snapshot, Type, File)) != NULL)
        Count->Files += IsClient(File, Name);
}

NTSTATUS
ShowClients(PUNICODE_STRING Name, BOOL Brief, ULONG *Before)
{
    COUNT    Count = { 0, 0, 0 };
    SNAPSHOT Snapshot;
    NTSTATUS Status = TakeSnapshot(&Snapshot);

    if (!NT_SUCCESS(Status))
        return Status;
    CountFiles(&Snapshot, Name, &Count);
    CountHandles(&Snapshot, Name, &Count);
    if (Count.Files == 0 && !DeviceExists(&Snapshot, Name)) {
        Status = STATUS_OBJECT_NAME_NOT_FOUND;
    } else if (!Brief || Count.Files != *Before) {
        PrintString(Name);
        printf(": %lu client%s, %lu handle%s in %lu process%s\n", Count.Files,
            Count.Files == 1 ? "" : "s", Count.Handles, Count.Handles == 1 ? "" : "s",
            Count.Processes, Count.Processes == 1 ? "" : "es");
        if (!Brief)
            PrintFiles(&Snapshot, Name);
        fflush(stdout);
    }
    *Before = Count.Files;
    FreeSnapshot(&Snapshot);
    return Status;
}
