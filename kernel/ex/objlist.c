/*
 * NtQuerySystemInformation: handles and objects.
 *
 * The handles of all processes come in two shapes, the older one with 16 bits for process and
 * handle. The objects come type by type, with names and counts, whether or not anybody has a
 * handle to them: an object in one list and not in the other is kept by the kernel or a driver
 * alone. Neither list stops the system while it is made, so an object may have lost its last
 * handle between the two calls of a program that compares them.
 *
 * A file's name is its device's name and the name it was opened by; asking for it takes no lock
 * of the file and asks no driver, so neither a file whose owner waits in a synchronous read nor a
 * driver that keeps what it is asked holds anybody up.
 */
#include "ex/sysinfo.h"
#include "io/io.h"

#define EXP_TAG_NAME        'nysE'
#define EXP_NAME_LENGTH     4096
#define EXP_ALIGNMENT       sizeof(PVOID)

typedef struct _EXP_HANDLES {
    PEXP_SINK Sink;
    PEPROCESS Process;
    ULONG     Count;
} EXP_HANDLES;

static VOID
ExpDescribeHandle(HANDLE Handle, POBJECT_HEADER Header, ACCESS_MASK Access, ULONG Attributes,
                  PVOID Context)
{
    EXP_HANDLES *Handles = Context;
    PSYSTEM_HANDLE_TABLE_ENTRY_INFO Entry = ExpReserve(Handles->Sink, sizeof *Entry);

    Handles->Count++;
    if (Entry == NULL)
        return;
    Entry->UniqueProcessId = (USHORT)(ULONG_PTR)Handles->Process->UniqueProcessId;
    Entry->ObjectTypeIndex = (UCHAR)Header->Type->Index;
    Entry->HandleAttributes = (UCHAR)Attributes;
    Entry->HandleValue = (USHORT)(ULONG_PTR)Handle;
    Entry->Object = &Header->Body;
    Entry->GrantedAccess = Access;
}

static VOID
ExpDescribeExtendedHandle(HANDLE Handle, POBJECT_HEADER Header, ACCESS_MASK Access,
                          ULONG Attributes, PVOID Context)
{
    EXP_HANDLES *Handles = Context;
    PSYSTEM_HANDLE_TABLE_ENTRY_INFO_EX Entry = ExpReserve(Handles->Sink, sizeof *Entry);

    Handles->Count++;
    if (Entry == NULL)
        return;
    Entry->Object = &Header->Body;
    Entry->UniqueProcessId = (ULONG_PTR)Handles->Process->UniqueProcessId;
    Entry->HandleValue = (ULONG_PTR)Handle;
    Entry->GrantedAccess = Access;
    Entry->ObjectTypeIndex = (USHORT)Header->Type->Index;
    Entry->HandleAttributes = Attributes;
}

static ULONG
ExpWalkHandles(PEXP_SINK Sink, POB_HANDLE_CALLBACK Describe)
{
    EXP_HANDLES Handles = { .Sink = Sink };

    while ((Handles.Process = PsGetNextProcess(Handles.Process)) != NULL)
        ObEnumerateHandles(Handles.Process, Describe, &Handles);
    return Handles.Count;
}

NTSTATUS
ExpCollectHandles(PEXP_SINK Sink)
{
    PSYSTEM_HANDLE_INFORMATION Header =
        ExpReserve(Sink, FIELD_OFFSET(SYSTEM_HANDLE_INFORMATION, Handles));
    ULONG Count = ExpWalkHandles(Sink, ExpDescribeHandle);

    if (Header != NULL)
        Header->NumberOfHandles = Count;
    return ExpSinkStatus(Sink);
}

NTSTATUS
ExpCollectExtendedHandles(PEXP_SINK Sink)
{
    PSYSTEM_HANDLE_INFORMATION_EX Header =
        ExpReserve(Sink, FIELD_OFFSET(SYSTEM_HANDLE_INFORMATION_EX, Handles));
    ULONG Count = ExpWalkHandles(Sink, ExpDescribeExtendedHandle);

    if (Header != NULL)
        Header->NumberOfHandles = Count;
    return ExpSinkStatus(Sink);
}

/* Appends Name and a terminating zero, and has String point to where the caller will see it. */
static VOID
ExpAppendName(PEXP_SINK Sink, PCUNICODE_STRING Name, PUNICODE_STRING String)
{
    ULONG Size = Name->Length + sizeof(WCHAR);
    PWCH  Text = ExpReserve(Sink, ROUND_UP(Size, EXP_ALIGNMENT));

    if (Text == NULL)
        return;
    RtlCopyMemory(Text, Name->Buffer, Name->Length);
    String->Length = Name->Length;
    String->MaximumLength = (USHORT)Size;
    String->Buffer = ExpUserAddress(Sink, Text);
}

/* One object; Scratch has room for its name. Returns where its entry is, or NULL. */
static PSYSTEM_OBJECT_INFORMATION
ExpDescribeObject(PEXP_SINK Sink, PVOID Object, POBJECT_NAME_INFORMATION Scratch)
{
    PSYSTEM_OBJECT_INFORMATION Entry = ExpReserve(Sink, sizeof *Entry);
    SYSTEM_OBJECT_INFORMATION  Nowhere;
    ULONG Length;

    if (Entry == NULL)
        Entry = &Nowhere;                       // the names are counted all the same
    if (ObDescribeObject(Object, Entry) &&
        NT_SUCCESS(ObGetObjectType(Object) == *IoFileObjectType
                   ? IoQueryOpenedName(Object, Scratch, EXP_NAME_LENGTH, &Length)
                   : ObQueryNameString(Object, Scratch, EXP_NAME_LENGTH, &Length)) &&
        Scratch->Name.Length != 0)
        ExpAppendName(Sink, &Scratch->Name, &Entry->NameInfo);
    return Entry != &Nowhere ? Entry : NULL;
}

static PSYSTEM_OBJECTTYPE_INFORMATION
ExpDescribeType(PEXP_SINK Sink, POBJECT_TYPE Type)
{
    PSYSTEM_OBJECTTYPE_INFORMATION Entry = ExpReserve(Sink, sizeof *Entry);
    UNICODE_STRING Nowhere;

    ExpAppendName(Sink, &Type->Name, Entry != NULL ? &Entry->TypeName : &Nowhere);
    if (Entry == NULL)
        return NULL;
    Entry->NumberOfObjects = Type->TotalNumberOfObjects;
    Entry->NumberOfHandles = Type->TotalNumberOfHandles;
    Entry->TypeIndex = Type->Index;
    Entry->InvalidAttributes = Type->TypeInfo.InvalidAttributes;
    Entry->GenericMapping = Type->TypeInfo.GenericMapping;
    Entry->ValidAccessMask = Type->TypeInfo.ValidAccessMask;
    Entry->PoolType = Type->TypeInfo.PoolType;
    Entry->SecurityRequired = Type->TypeInfo.SecurityRequired;
    Entry->WaitableObject = Type->DefaultObject != OB_WAIT_NEVER;
    return Entry;
}

/* A type that keeps a list and has something in it, with its objects. FALSE: nothing to say. */
static BOOLEAN
ExpDescribeObjects(PEXP_SINK Sink, POBJECT_TYPE Type, POBJECT_NAME_INFORMATION Scratch,
                   PSYSTEM_OBJECTTYPE_INFORMATION *Entry)
{
    PSYSTEM_OBJECT_INFORMATION Last = NULL;
    PVOID Object = ObGetNextObject(Type, NULL);

    if (Object == NULL)
        return FALSE;
    *Entry = ExpDescribeType(Sink, Type);
    for (; Object != NULL; Object = ObGetNextObject(Type, Object)) {
        if (Last != NULL)
            Last->NextEntryOffset = (ULONG)Sink->Needed;
        Last = ExpDescribeObject(Sink, Object, Scratch);
    }
    return TRUE;
}

NTSTATUS
ExpCollectObjects(PEXP_SINK Sink)
{
    POBJECT_NAME_INFORMATION Scratch =
        ExAllocatePoolWithTag(PagedPool, EXP_NAME_LENGTH, EXP_TAG_NAME);
    PSYSTEM_OBJECTTYPE_INFORMATION Last = NULL, Entry;
    POBJECT_TYPE Type;
    ULONG        Number, Start;

    if (Scratch == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (Number = 0; (Type = ObGetType(Number)) != NULL; Number++) {
        Start = (ULONG)Sink->Needed;
        if (!ExpDescribeObjects(Sink, Type, Scratch, &Entry))
            continue;
        if (Last != NULL)
            Last->NextEntryOffset = Start;
        Last = Entry;
    }
    ExFreePoolWithTag(Scratch, EXP_TAG_NAME);
    return ExpSinkStatus(Sink);
}
