/*
 * Object types, which are objects themselves: of the type Type, named \ObjectTypes\NAME,
 * permanent, never deleted.
 *
 * A type is made once, by the subsystem it belongs to, from an OBJECT_TYPE_INITIALIZER that says
 * where its objects live (pool type and tag), which rights they know, and which of the type's
 * procedures are called at which moment (ob.h). DefaultObject says what a wait on one of its
 * objects waits for.
 *
 * The first type is Type itself: its header's Type is its own body. Types made before
 * \ObjectTypes exists (Type, Directory, SymbolicLink) are given their names by ObInitSystem.
 *
 * ObpTypes lists all of them by Index; it is only appended to, at start-up and by drivers, under
 * ObpTypesLock.
 *
 * What an object costs is charged as its type says (DefaultPagedPoolCharge and its nonpaged
 * sibling): the size of the body, to which the headers are added here.
 */
#include "kernel.h"
#include "ob/obp.h"

POBJECT_TYPE ObpTypeObjectType, ObpDirectoryObjectType, ObpSymbolicLinkObjectType;
POBJECT_TYPE ObpTypes[OB_MAXIMUM_TYPES];
ULONG        ObpTypeCount;
KEVENT       ObpDefaultObject;
FAST_MUTEX   ObpTypesLock;

/* \ObjectTypes\NAME for a type that has none yet. */
NTSTATUS
ObpNameType(POBJECT_TYPE Type)
{
    ULONG    Hash   = ObpHashName(&Type->Name);
    NTSTATUS Status = STATUS_OBJECT_NAME_COLLISION;

    ExAcquireFastMutex(&ObpTypeDirectory->Lock);
    if (ObpFindNameLocked(ObpTypeDirectory, &Type->Name, Hash, FALSE) == NULL)
        Status = ObpInsertNameLocked(ObpTypeDirectory, &Type->Name, Hash, OBJECT_TO_HEADER(Type));
    ExReleaseFastMutex(&ObpTypeDirectory->Lock);
    return Status;
}

/* Stands for the type Type while that is made. */
static OBJECT_TYPE ObpTypeOfFirstType = {
    .Key = 'epyT', .TypeInfo = { .PoolType = NonPagedPool, .MaintainTypeList = TRUE },
    .TypeList = { &ObpTypeOfFirstType.TypeList, &ObpTypeOfFirstType.TypeList }
};

static NTSTATUS
ObpAllocateType(PUNICODE_STRING Name, POBJECT_TYPE *Type)
{
    POBJECT_HEADER Header;
    PWSTR          Buffer;
    NTSTATUS       Status;

    Buffer = ExAllocatePoolWithTag(NonPagedPool, Name->Length + sizeof(WCHAR), TAG_OB_NAME);
    if (Buffer == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;

    Status = ObpAllocateObject(ObpTypeObjectType != NULL ? ObpTypeObjectType : &ObpTypeOfFirstType,
                               sizeof(OBJECT_TYPE), TRUE, FALSE, &Header);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Buffer, TAG_OB_NAME);
        return Status;
    }
    RtlCopyMemory(Buffer, Name->Buffer, Name->Length);
    Buffer[Name->Length / sizeof(WCHAR)] = 0;
    Header->Flags |= OB_FLAG_PERMANENT | OB_FLAG_KERNEL_OBJECT;
    *Type = (POBJECT_TYPE)&Header->Body;
    (*Type)->Self               = *Type;
    (*Type)->Name.Length        = Name->Length;
    (*Type)->Name.MaximumLength = Name->Length + sizeof(WCHAR);
    (*Type)->Name.Buffer        = Buffer;
    if (ObpTypeObjectType == NULL) {
        Header->Type      = *Type;
        ObpTypeObjectType = *Type;
        (*Type)->TotalNumberOfObjects = (*Type)->HighWaterNumberOfObjects = 1;
    }
    return STATUS_SUCCESS;
}

/* Sets what an object of the type costs: the body's charge is there, the headers' is added. */
static VOID
ObpSetCharges(POBJECT_TYPE_INITIALIZER Info)
{
    PULONG Charge = Info->PoolType == PagedPool ? &Info->DefaultPagedPoolCharge
                                                : &Info->DefaultNonPagedPoolCharge;

    *Charge += FIELD_OFFSET(OBJECT_HEADER, Body) + sizeof(OBJECT_HEADER_NAME_INFO);
    if (Info->MaintainTypeList)
        *Charge += sizeof(OBJECT_HEADER_CREATOR_INFO);
    if (Info->MaintainHandleCount)
        *Charge += sizeof(OBJECT_HEADER_HANDLE_INFO);
}

static NTSTATUS
ObpMakeType(PUNICODE_STRING Name, POBJECT_TYPE_INITIALIZER Initializer, ULONG Tag,
            LONG DefaultObject, POBJECT_TYPE *Type)
{
    POBJECT_TYPE New;
    NTSTATUS     Status;

    Status = ObpAllocateType(Name, &New);
    if (!NT_SUCCESS(Status))
        return Status;

    New->TypeInfo        = *Initializer;
    New->TypeInfo.Length = sizeof(*Initializer);
    New->Key             = Tag;
    New->DefaultObject   = DefaultObject;
    ObpSetCharges(&New->TypeInfo);
    ExInitializeFastMutex(&New->Lock);
    InitializeListHead(&New->TypeList);
    InitializeListHead(&New->CallbackList);
    if (New == ObpTypeObjectType)
        InsertTailList(&New->TypeList, &ObpCreatorInfo(OBJECT_TO_HEADER(New))->TypeList);

    ExAcquireFastMutex(&ObpTypesLock);
    Status = ObpTypeCount == OB_MAXIMUM_TYPES ? STATUS_INSUFFICIENT_RESOURCES
           : ObpTypeDirectory != NULL ? ObpNameType(New) : STATUS_SUCCESS;
    if (NT_SUCCESS(Status)) {
        New->Index = ObpTypeCount + 1;
        ObpTypes[ObpTypeCount] = New;
        ObpTypeCount++;
    }
    ExReleaseFastMutex(&ObpTypesLock);

    if (!NT_SUCCESS(Status)) {
        ObpFreeName(&New->Name, NULL);
        ObDereferenceObject(New);
        return Status;
    }
    *Type = New;
    return STATUS_SUCCESS;
}

NTSTATUS
ObpCreateType(PCWSTR Name, POBJECT_TYPE_INITIALIZER Initializer, ULONG Tag, LONG DefaultObject,
              POBJECT_TYPE *Type)
{
    UNICODE_STRING String;

    PAGED_CODE();
    *Type = NULL;

    RtlInitUnicodeString(&String, Name);
    return ObpMakeType(&String, Initializer, Tag, DefaultObject, Type);
}

/* What a driver may not ask for. */
static BOOLEAN
ObpIsValidInitializer(POBJECT_TYPE_INITIALIZER Info)
{
    return Info != NULL && Info->Length == sizeof(*Info) &&
        (Info->InvalidAttributes & ~OBJ_VALID_ATTRIBUTES) == 0 &&
        (!Info->MaintainHandleCount ||
         Info->OpenProcedure != NULL || Info->CloseProcedure != NULL) &&
        // objects that are waited for must be resident
        (Info->UseDefaultObject || Info->PoolType == NonPagedPool);
}

NTSTATUS NTAPI
ObCreateObjectType(PUNICODE_STRING Name, POBJECT_TYPE_INITIALIZER Initializer,
                   PVOID SecurityDescriptor, POBJECT_TYPE *Type)
{
    OBJECT_TYPE_INITIALIZER Info;
    ULONG                   Tag = 0;

    PAGED_CODE();

    if (Name == NULL || Name->Length == 0 || (Name->Length & 1) ||
        !ObpIsValidInitializer(Initializer))
        return STATUS_INVALID_PARAMETER;
    for (ULONG Index = 0; Index < Name->Length / sizeof(WCHAR); Index++)
        if (Name->Buffer[Index] == OBJ_NAME_PATH_SEPARATOR)
            return STATUS_OBJECT_NAME_INVALID;

    for (ULONG Index = 0; Index < sizeof(Tag); Index++)
        Tag |= (Index < Name->Length / sizeof(WCHAR) && Name->Buffer[Index] < 0x80
                ? (ULONG)Name->Buffer[Index] : ' ') << (8 * Index);
    Info = *Initializer;
    if (Info.UseDefaultObject)
        Info.ValidAccessMask |= SYNCHRONIZE;
    return ObpMakeType(Name, &Info, Tag, Info.UseDefaultObject ? OB_WAIT_DEFAULT : 0, Type);
}
