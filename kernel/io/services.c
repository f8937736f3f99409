/*
 * What the registry says of a driver: its service key, by convention below
 * \Registry\Machine\System\CurrentControlSet\Services.
 *
 *   Type          1 driver, 2 file system driver; nothing else can be loaded
 *   Start         0 boot, 1 system, 2 automatic: loaded at start-up, in that order; 3 on demand,
 *                 4 disabled. Missing: on demand
 *   ErrorControl  of a boot driver: 0 and 1 let the system start without it
 *   ImagePath     its file, below \SystemRoot unless it begins with a backslash; missing:
 *                 System32\drivers\NAME.sys
 *   Group, Tag    the order among those with the same Start: groups as the value List of
 *                 Control\ServiceGroupOrder names them, then those in no such group; in a group
 *                 by Tag, without one last; then as the keys were made
 */
#include "iop.h"
#include "cm/cm.h"

#define SERVICES_KEY    L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\"
#define NO_RANK         MAXULONG

UNICODE_STRING
IopLastPart(PCUNICODE_STRING Path)
{
    UNICODE_STRING Part = *Path;
    ULONG          Start = Path->Length / sizeof(WCHAR);

    while (Start > 0 && Path->Buffer[Start - 1] != L'\\')
        Start--;
    Part.Buffer += Start;
    Part.Length = Part.MaximumLength = Path->Length - (USHORT)(Start * sizeof(WCHAR));
    return Part;
}

static NTSTATUS
IopReadServiceValues(HANDLE Key, PIOP_SERVICE Service)
{
    enum { DIRECT = RTL_QUERY_REGISTRY_DIRECT | 0x100 };        // and the type is checked
    enum { NUMBER = REG_DWORD << 24 };
    RTL_QUERY_REGISTRY_TABLE Table[] = {
        { NULL, DIRECT, L"Type", &Service->Type, NUMBER, NULL, 0 },
        { NULL, DIRECT, L"Start", &Service->Start, NUMBER, NULL, 0 },
        { NULL, DIRECT, L"ErrorControl", &Service->ErrorControl, NUMBER, NULL, 0 },
        { NULL, DIRECT, L"Tag", &Service->Tag, NUMBER, NULL, 0 },
        { NULL, DIRECT, L"Group", &Service->Group, REG_SZ << 24, NULL, 0 },
        { NULL, RTL_QUERY_REGISTRY_DIRECT, L"ImagePath", &Service->ImagePath, 0, NULL, 0 },
        { 0 }
    };

    return RtlQueryRegistryValues(RTL_REGISTRY_HANDLE, Key, Table, NULL, NULL);
}

NTSTATUS
IopReadService(PUNICODE_STRING KeyPath, PIOP_SERVICE Service)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE            Key;
    NTSTATUS          Status;

    PAGED_CODE();

    *Service = (IOP_SERVICE){ .KeyPath = *KeyPath, .Name = IopLastPart(KeyPath), .Start = 3,
                              .ErrorControl = NO_RANK };
    if (Service->Name.Length == 0)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    InitializeObjectAttributes(&Attributes, KeyPath, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
                               NULL, NULL);
    Status = ZwOpenKey(&Key, KEY_READ, &Attributes);
    if (!NT_SUCCESS(Status))
        return Status;
    Service->Serial = CmKeySerial(Key);
    Status = IopReadServiceValues(Key, Service);
    ZwClose(Key);
    if (NT_SUCCESS(Status) && Service->Type != 1 && Service->Type != 2)
        Status = STATUS_ILL_FORMED_SERVICE_ENTRY;
    if (!NT_SUCCESS(Status))
        IopFreeService(Service);
    return Status;
}

VOID
IopFreeService(PIOP_SERVICE Service)
{
    RtlFreeUnicodeString(&Service->ImagePath);
    RtlFreeUnicodeString(&Service->Group);
}

typedef struct _GROUP_SEARCH {
    PCUNICODE_STRING Group;
    ULONG            Next, Rank;
} GROUP_SEARCH;

static NTSTATUS NTAPI
IopCompareGroup(PWSTR ValueName, ULONG ValueType, PVOID ValueData, ULONG ValueLength,
                PVOID Context, PVOID EntryContext)
{
    GROUP_SEARCH  *Search = Context;
    UNICODE_STRING Group;

    if (ValueType != REG_SZ)
        return STATUS_SUCCESS;
    RtlInitUnicodeString(&Group, ValueData);
    if (Search->Rank == NO_RANK && RtlEqualUnicodeString(&Group, Search->Group, TRUE))
        Search->Rank = Search->Next;
    Search->Next++;
    return STATUS_SUCCESS;
}

static ULONG
IopGroupRank(PCUNICODE_STRING Group)
{
    GROUP_SEARCH             Search = { Group, 0, NO_RANK };
    RTL_QUERY_REGISTRY_TABLE Table[] = { { IopCompareGroup, 0, L"List", NULL, 0, NULL, 0 }, { 0 } };

    if (Group->Length != 0)
        RtlQueryRegistryValues(RTL_REGISTRY_CONTROL, L"ServiceGroupOrder", Table, &Search, NULL);
    return Search.Rank;
}

static BOOLEAN
IopGoesBefore(PIOP_SERVICE A, PIOP_SERVICE B)
{
    if (A->Rank != B->Rank)
        return A->Rank < B->Rank;
    if (A->Rank != NO_RANK && A->Tag != B->Tag)
        return A->Tag - 1 < B->Tag - 1;         // 0, no tag, comes last
    return A->Serial < B->Serial;
}

/* Puts the service of key NAME into the list, if it starts at Start. */
static NTSTATUS
IopListService(PUNICODE_STRING Name, ULONG Start, PLIST_ENTRY Services)
{
    UNICODE_STRING Path;
    PIOP_SERVICE   Service;
    PLIST_ENTRY    Next;
    NTSTATUS       Status = IopJoinName(&Path, SERVICES_KEY, Name);

    if (!NT_SUCCESS(Status))
        return Status;
    Service = ExAllocatePoolWithTag(PagedPool, sizeof *Service, IOP_TAG_OTHER);
    if (Service == NULL) {
        IopFreeName(&Path);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = IopReadService(&Path, Service);
    if (!NT_SUCCESS(Status) || Service->Start != Start) {
        if (NT_SUCCESS(Status))
            IopFreeService(Service);
        ExFreePoolWithTag(Service, IOP_TAG_OTHER);
        IopFreeName(&Path);
        return STATUS_SUCCESS;                  // a service that is no driver
    }
    Service->Rank = IopGroupRank(&Service->Group);
    for (Next = Services->Flink; Next != Services; Next = Next->Flink)
        if (IopGoesBefore(Service, CONTAINING_RECORD(Next, IOP_SERVICE, Link)))
            break;
    InsertTailList(Next, &Service->Link);
    return STATUS_SUCCESS;
}

NTSTATUS
IopListServices(ULONG Start, PLIST_ENTRY Services)
{
    UNICODE_STRING         Path = RTL_CONSTANT_STRING(SERVICES_KEY), Name;
    PKEY_BASIC_INFORMATION Basic;
    OBJECT_ATTRIBUTES      Attributes;
    ULONG                  Needed, Room = sizeof *Basic + 255 * sizeof(WCHAR);
    HANDLE                 Key;
    NTSTATUS               Status;

    PAGED_CODE();

    InitializeListHead(Services);
    Basic = ExAllocatePoolWithTag(PagedPool, Room, IOP_TAG_OTHER);
    if (Basic == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    InitializeObjectAttributes(&Attributes, &Path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL,
                               NULL);
    Status = ZwOpenKey(&Key, KEY_READ, &Attributes);
    for (ULONG Index = 0; NT_SUCCESS(Status); Index++) {
        if (!NT_SUCCESS(ZwEnumerateKey(Key, Index, KeyBasicInformation, Basic, Room, &Needed)))
            break;
        Name.Buffer = Basic->Name;
        Name.Length = Name.MaximumLength = (USHORT)Basic->NameLength;
        Status = IopListService(&Name, Start, Services);
    }
    ZwClose(Key);
    ExFreePoolWithTag(Basic, IOP_TAG_OTHER);
    return Status;
}

PIOP_SERVICE
IopTakeService(PLIST_ENTRY Services)
{
    return IsListEmpty(Services) ? NULL
         : CONTAINING_RECORD(RemoveHeadList(Services), IOP_SERVICE, Link);
}

VOID
IopDropService(PIOP_SERVICE Service)
{
    IopFreeService(Service);
    IopFreeName(&Service->KeyPath);
    ExFreePoolWithTag(Service, IOP_TAG_OTHER);
}
