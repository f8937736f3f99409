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
 * ObpTypes lists all of them by Index; it is only appended to, at start-up and when drivers load.
 */
#include "kernel.h"
#include "ob/obp.h"

POBJECT_TYPE ObpTypeObjectType, ObpDirectoryObjectType, ObpSymbolicLinkObjectType;
POBJECT_TYPE ObpTypes[OB_MAXIMUM_TYPES];
ULONG        ObpTypeCount;

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

static NTSTATUS
ObpAllocateType(PCWSTR Name, POBJECT_TYPE *Type)
{
    UNICODE_STRING String;
    POBJECT_HEADER Header;
    PWSTR          Buffer;
    NTSTATUS       Status;

    RtlInitUnicodeString(&String, Name);
    Buffer = ExAllocatePoolWithTag(NonPagedPool, String.MaximumLength, TAG_OB_NAME);
    if (Buffer == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;

    Status = ObpAllocateObject(ObpTypeObjectType, NonPagedPool, 'epyT', sizeof(OBJECT_TYPE), TRUE,
                               FALSE, &Header);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Buffer, TAG_OB_NAME);
        return Status;
    }
    RtlCopyMemory(Buffer, Name, String.MaximumLength);
    Header->Flags |= OB_FLAG_PERMANENT | OB_FLAG_KERNEL_OBJECT;
    *Type = (POBJECT_TYPE)&Header->Body;
    (*Type)->Self        = *Type;
    (*Type)->Name        = String;
    (*Type)->Name.Buffer = Buffer;
    if (ObpTypeObjectType == NULL) {
        Header->Type      = *Type;
        ObpTypeObjectType = *Type;
        (*Type)->TotalNumberOfObjects = (*Type)->HighWaterNumberOfObjects = 1;
    }
    return STATUS_SUCCESS;
}

NTSTATUS
ObpCreateType(PCWSTR Name, POBJECT_TYPE_INITIALIZER Initializer, ULONG Tag, LONG DefaultObject,
              POBJECT_TYPE *Type)
{
    POBJECT_TYPE New;
    NTSTATUS     Status;

    PAGED_CODE();
    *Type = NULL;

    if (ObpTypeCount == OB_MAXIMUM_TYPES)
        return STATUS_INSUFFICIENT_RESOURCES;
    Status = ObpAllocateType(Name, &New);
    if (!NT_SUCCESS(Status))
        return Status;

    New->TypeInfo      = *Initializer;
    New->Key           = Tag;
    New->DefaultObject = DefaultObject;
    ExInitializeFastMutex(&New->Lock);
    InitializeListHead(&New->TypeList);

    Status = ObpTypeDirectory != NULL ? ObpNameType(New) : STATUS_SUCCESS;
    if (!NT_SUCCESS(Status)) {
        ObpFreeName(&New->Name, NULL);
        ObDereferenceObject(New);
        return Status;
    }
    New->Index = ObpTypeCount + 1;
    ObpTypes[ObpTypeCount] = New;
    ObpTypeCount++;
    *Type = New;
    return STATUS_SUCCESS;
}
