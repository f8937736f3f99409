/*
 * The object manager's lookups: a handle among Size handles of the process, and a name among Size
 * names of a directory. The first counts the references alone; they are dropped when the operation
 * is over. The second is ObReferenceObjectByName and the dereference.
 */
#include <ntifs.h>
#include "kbench.h"
#include <ntstrsafe.h>

#define NAMES       1000                // that are looked up in turn
#define NAME_LENGTH 40
#define PLACE       L"\\KBenchNames"

NTSYSAPI NTSTATUS NTAPI ObReferenceObjectByName(PUNICODE_STRING Name, ULONG Attributes,
    PACCESS_STATE AccessState, ACCESS_MASK Access, POBJECT_TYPE Type, KPROCESSOR_MODE Mode,
    PVOID Context, PVOID *Object);

static HANDLE        *Handles, Directory;
static ULONG          HandleCount, References;
static PVOID          Event;
static WCHAR        (*Names)[NAME_LENGTH];
static UNICODE_STRING Strings[NAMES];

static NTSTATUS
MakeEvent(PCWSTR Name, PHANDLE Handle)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING    String;

    RtlInitUnicodeString(&String, Name);
    InitializeObjectAttributes(&Attributes, Name ? &String : NULL, OBJ_KERNEL_HANDLE, Directory,
                               NULL);
    return ZwCreateEvent(Handle, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE);
}

static NTSTATUS
HandleRoom(ULONG Count)
{
    HandleCount = 0;
    Handles = ExAllocatePoolWithTag(PagedPool, Count * sizeof *Handles, KBENCH_TAG);
    return Handles != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS
HandlePrepare(const OPERATION *Operation)
{
    NTSTATUS Status = HandleRoom(Operation->Size);

    References = 0;
    Event = NULL;
    if (NT_SUCCESS(Status))
        Status = ZwCreateEvent(&Handles[0], EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE);
    if (!NT_SUCCESS(Status))
        return Status;
    HandleCount = 1;
    Status = ObReferenceObjectByHandle(Handles[0], 0, NULL, KernelMode, &Event, NULL);
    for (; NT_SUCCESS(Status) && HandleCount < Operation->Size; HandleCount++)
        Status = ZwDuplicateObject(NtCurrentProcess(), Handles[0], NtCurrentProcess(),
                                   &Handles[HandleCount], 0, 0, DUPLICATE_SAME_ACCESS);
    return Status;
}

VOID
HandleRun(ULONG Count)
{
    ULONG Place = 0, Step = HandleCount / Count + 1;
    PVOID Object;

    References += Count;
    while (Count--) {
        ObReferenceObjectByHandle(Handles[Place], EVENT_MODIFY_STATE, *ExEventObjectType, UserMode,
                                  &Object, NULL);
        Place += Step;
        if (Place >= HandleCount)
            Place -= HandleCount;
    }
}

static VOID
CloseHandles(VOID)
{
    while (HandleCount > 0)
        ZwClose(Handles[--HandleCount]);
    if (Handles != NULL)
        ExFreePoolWithTag(Handles, KBENCH_TAG);
    Handles = NULL;
}

VOID
HandleFinish(VOID)
{
    CloseHandles();
    while (References > 0) {
        ObDereferenceObject(Event);
        References--;
    }
    if (Event != NULL)
        ObDereferenceObject(Event);
}

/* The directory's names are the numbers from 0; those that are looked up lie far apart. */
NTSTATUS
NamePrepare(const OPERATION *Operation)
{
    UNICODE_STRING    Path = RTL_CONSTANT_STRING(PLACE);
    OBJECT_ATTRIBUTES Attributes;
    NTSTATUS          Status = HandleRoom(Operation->Size);
    WCHAR             Name[NAME_LENGTH];

    InitializeObjectAttributes(&Attributes, &Path, OBJ_KERNEL_HANDLE, NULL, NULL);
    Names = ExAllocatePoolWithTag(PagedPool, NAMES * sizeof *Names, KBENCH_TAG);
    if (Names == NULL)
        Status = STATUS_INSUFFICIENT_RESOURCES;
    if (NT_SUCCESS(Status))
        Status = ZwCreateDirectoryObject(&Directory, DIRECTORY_ALL_ACCESS, &Attributes);
    for (; NT_SUCCESS(Status) && HandleCount < Operation->Size; HandleCount++) {
        RtlStringCchPrintfW(Name, NAME_LENGTH, L"Name%06lu", HandleCount);
        Status = MakeEvent(Name, &Handles[HandleCount]);
    }
    for (ULONG Index = 0; NT_SUCCESS(Status) && Index < NAMES; Index++) {
        RtlStringCchPrintfW(Names[Index], NAME_LENGTH, PLACE L"\\Name%06lu",
                            (ULONG)((ULONG64)Index * 7919 % Operation->Size));
        RtlInitUnicodeString(&Strings[Index], Names[Index]);
    }
    return Status;
}

VOID
NameRun(ULONG Count)
{
    PVOID Object;

    while (Count--) {
        ObReferenceObjectByName(&Strings[Count % NAMES], OBJ_CASE_INSENSITIVE, NULL, 0,
                                *ExEventObjectType, KernelMode, NULL, &Object);
        ObDereferenceObject(Object);
    }
}

VOID
NameFinish(VOID)
{
    CloseHandles();
    if (Directory != NULL)
        ZwClose(Directory);
    Directory = NULL;
    if (Names != NULL)
        ExFreePoolWithTag(Names, KBENCH_TAG);
}
