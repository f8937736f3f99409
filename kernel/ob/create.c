/*
 * The life of an object as a block of pool: allocated, inserted, deleted.
 *
 *   ObCreateObject   captures the attributes, allocates optional headers, header and body
 *                    (zeroed); one reference, no name and no handle yet. What was captured waits
 *                    in ObjectCreateInfo.
 *   (the creator fills the body in)
 *   ObInsertObject   walks to the name and puts the object there, makes a handle if asked, drops
 *                    the creator's reference. With OBJ_OPENIF and the name taken, the object that
 *                    has it gets the handle and ours goes.
 *   ObpDeleteObject  the last reference is gone: the type's delete procedure, then the block.
 *                    PASSIVE_LEVEL.
 *
 * Rules of insertion: a permanent object keeps its name without handles; any other loses it with
 * its last handle, at once if it was inserted without one and is opened and closed. A name may be
 * taken only by one object in its directory: STATUS_OBJECT_NAME_COLLISION, or with OBJ_OPENIF
 * STATUS_OBJECT_NAME_EXISTS (a success) or STATUS_OBJECT_TYPE_MISMATCH.
 *
 * The block: [quota][handle information][name][creator] OBJECT_HEADER body. Each optional header
 * is a multiple of 16 bytes and so is the header, so a body is aligned as pool is.
 */
#include "kernel.h"
#include "ob/obp.h"

/* Sets the offsets of Header's optional headers and the flag of the one that has none. */
static inline ULONG
ObpOptionalHeaders(POBJECT_TYPE Type, BOOLEAN Named, BOOLEAN Quota, POBJECT_HEADER Header)
{
    ULONG Size = 0;

    Header->NameInfoOffset = Header->HandleInfoOffset = Header->QuotaInfoOffset = 0;
    Header->Flags = 0;
    if (Type->TypeInfo.MaintainTypeList) {
        Size += sizeof(OBJECT_HEADER_CREATOR_INFO);
        Header->Flags = OB_FLAG_CREATOR_INFO;
    }
    if (Named)
        Header->NameInfoOffset = Size += sizeof(OBJECT_HEADER_NAME_INFO);
    if (Type->TypeInfo.MaintainHandleCount)
        Header->HandleInfoOffset = Size += sizeof(OBJECT_HEADER_HANDLE_INFO);
    if (Quota)
        Header->QuotaInfoOffset = Size += sizeof(OBJECT_HEADER_QUOTA_INFO);
    return Size;
}

/*
 * An object whose charges are its own counts as more, or less, in its type's usage than the
 * type's defaults for one.
 */
static VOID
ObpCountExtraCharges(POBJECT_HEADER Header, LONG Sign)
{
    POBJECT_TYPE              Type  = Header->Type;
    POBJECT_HEADER_QUOTA_INFO Quota = ObpQuotaInfo(Header);
    LONG                      Extra[2];

    if (Quota == NULL)
        return;
    Extra[NonPagedPool] = Quota->NonPagedPoolCharge - Type->TypeInfo.DefaultNonPagedPoolCharge;
    Extra[PagedPool]    = Quota->PagedPoolCharge - Type->TypeInfo.DefaultPagedPoolCharge;
    for (ULONG Pool = NonPagedPool; Pool <= PagedPool; Pool++)
        ObpCountUp(&Type->ExtraUsage[Pool], Sign * Extra[Pool], &Type->HighWaterExtraUsage[Pool]);
}

static VOID
ObpEnterTypeList(POBJECT_TYPE Type, POBJECT_HEADER_CREATOR_INFO Creator)
{
    KIRQL OldIrql;

    Creator->CreatorUniqueProcess = PsInitialSystemProcess != NULL
        ? ObpCurrentProcess()->UniqueProcessId : NULL;
    OldIrql = ObpLockTypeList(Type);
    InsertTailList(&Type->TypeList, &Creator->TypeList);
    ObpUnlockTypeList(Type, OldIrql);
}

NTSTATUS
ObpAllocateObject(POBJECT_TYPE Type, ULONG BodySize, BOOLEAN Named, BOOLEAN Quota,
                  POBJECT_HEADER *Result)
{
    OBJECT_HEADER  Blank;
    ULONG          Below = ObpOptionalHeaders(Type, Named, Quota, &Blank);
    ULONG          Size  = Below + FIELD_OFFSET(OBJECT_HEADER, Body) + BodySize;
    PUCHAR         Block;
    POBJECT_HEADER Header;

    if (Size < BodySize)
        return STATUS_INVALID_PARAMETER;

    Block = ExAllocatePoolWithTag(Type->TypeInfo.PoolType, Size, Type->Key);
    if (Block == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;

    __stosq((PULONG64)Block, 0, ROUND_UP(Size, sizeof(ULONG64)) / sizeof(ULONG64));
    *Result = Header = (POBJECT_HEADER)(Block + Below);
    Header->PointerCount     = 1;
    Header->Type             = Type;
    Header->NameInfoOffset   = Blank.NameInfoOffset;
    Header->HandleInfoOffset = Blank.HandleInfoOffset;
    Header->QuotaInfoOffset  = Blank.QuotaInfoOffset;
    Header->Flags            = Blank.Flags;
    if (KeGetPreviousMode() == KernelMode)
        Header->Flags |= OB_FLAG_KERNEL_OBJECT;
    ObpTrace(&Header->Body, 1, 1, Type->Key, CALLER());

    ObpCountUp(&Type->TotalNumberOfObjects, 1, &Type->HighWaterNumberOfObjects);
    if (Type->TypeInfo.MaintainTypeList)
        ObpEnterTypeList(Type, ObpCreatorInfo(Header));
    return STATUS_SUCCESS;
}

/* Leaves what insertion needs in the header; the name moves out of Info into it. */
static NTSTATUS
ObpKeepCreateInformation(POBJECT_HEADER Header, POBJECT_CREATE_INFORMATION Info)
{
    POBJECT_CREATE_INFORMATION Kept;

    if (Info->Name.Length == 0 && Info->SecurityDescriptor == NULL) {
        Header->ObjectCreateInfo = OB_SMALL_CREATE_INFO(Info->Attributes, Info->Mode);
    } else {
        Kept = ExAllocatePoolWithTag(PagedPool, sizeof(*Kept), TAG_OB_CREATE);
        if (Kept == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        *Kept = *Info;
        Header->ObjectCreateInfo = Kept;
        RtlZeroMemory(&Info->Name, sizeof(Info->Name));
        Info->SecurityDescriptor = NULL;
    }
    Header->Flags |= OB_FLAG_CREATE_INFO;
    return STATUS_SUCCESS;
}

VOID
ObpFreeKeptInformation(POBJECT_CREATE_INFORMATION Info)
{
    ObpFreeName(&Info->Name, NULL);
    SeReleaseSecurityDescriptor(Info->SecurityDescriptor, KernelMode, TRUE);
    ExFreePoolWithTag(Info, TAG_OB_CREATE);
}

NTSTATUS
ObCreateNameless(KPROCESSOR_MODE Mode, POBJECT_TYPE Type, ULONG BodySize, PVOID *Object)
{
    POBJECT_HEADER Header;
    NTSTATUS       Status;

    PAGED_CODE();
    *Object = NULL;

    Status = ObpAllocateObject(Type, BodySize, FALSE, FALSE, &Header);
    if (!NT_SUCCESS(Status))
        return Status;

    Header->ObjectCreateInfo = OB_SMALL_CREATE_INFO(0, Mode);
    Header->Flags |= OB_FLAG_CREATE_INFO;
    *Object = &Header->Body;
    return STATUS_SUCCESS;
}

/*
 * Makes an object of Type with BodySize zeroed bytes. Attributes (may be NULL) are read as
 * ProbeMode's caller's and decide name, root and OBJ_* flags at insertion; charges of 0 are the
 * type's defaults. *Object has one reference, which ObInsertObject drops, or ObDereferenceObject
 * without insertion. PASSIVE_LEVEL or APC_LEVEL.
 */
NTSTATUS NTAPI
ObCreateObject(KPROCESSOR_MODE ProbeMode, POBJECT_TYPE Type, POBJECT_ATTRIBUTES Attributes,
               KPROCESSOR_MODE OwnerMode, PVOID ParseContext, ULONG BodySize, ULONG PagedCharge,
               ULONG NonPagedCharge, PVOID *Object)
{
    OBJECT_CREATE_INFORMATION Info;
    POBJECT_HEADER            Header;
    POBJECT_HEADER_QUOTA_INFO Quota;
    NTSTATUS                  Status;

    PAGED_CODE();
    *Object = NULL;

    if (Attributes == NULL && PagedCharge == 0 && NonPagedCharge == 0)
        return ObCreateNameless(ProbeMode, Type, BodySize, Object);

    Status = ObpCaptureAttributes(Attributes, ProbeMode, &Info, NULL, 0);
    if (!NT_SUCCESS(Status))
        return Status;

    Info.ParseContext = ParseContext;
    Status = SeCaptureSecurityDescriptor(Info.SecurityDescriptor, ProbeMode, PagedPool, TRUE,
                                         &Info.SecurityDescriptor);
    if (!NT_SUCCESS(Status))
        goto Done;
    if (Info.Attributes & Type->TypeInfo.InvalidAttributes)
        Status = STATUS_INVALID_PARAMETER;
    else if ((Info.Attributes & OBJ_PERMANENT) &&
             !SeHasPrivilege(SE_CREATE_PERMANENT_PRIVILEGE, ProbeMode))
        Status = STATUS_PRIVILEGE_NOT_HELD;
    else
        Status = ObpAllocateObject(Type, BodySize, Info.Name.Length != 0,
                                   PagedCharge != 0 || NonPagedCharge != 0 ||
                                       (Info.Attributes & OBJ_EXCLUSIVE), &Header);
    if (!NT_SUCCESS(Status))
        goto Done;

    Quota = ObpQuotaInfo(Header);
    if (Quota != NULL) {
        Quota->PagedPoolCharge    = PagedCharge
            ? PagedCharge : Type->TypeInfo.DefaultPagedPoolCharge;
        Quota->NonPagedPoolCharge = NonPagedCharge
            ? NonPagedCharge : Type->TypeInfo.DefaultNonPagedPoolCharge;
    }
    if (Info.Attributes & OBJ_PERMANENT)
        Header->Flags |= OB_FLAG_PERMANENT;
    if (Info.Attributes & OBJ_EXCLUSIVE)
        Header->Flags |= OB_FLAG_EXCLUSIVE;

    ObpCountExtraCharges(Header, 1);
    Status = ObpKeepCreateInformation(Header, &Info);
    if (NT_SUCCESS(Status))
        *Object = &Header->Body;
    else
        ObpFreeObject(Header);          // the type has never seen its body

Done:
    ObpFreeName(&Info.Name, NULL);
    SeReleaseSecurityDescriptor(Info.SecurityDescriptor, KernelMode, TRUE);
    return Status;
}

/* How far below its header the object's block begins: where its lowest optional header is. */
static inline ULONG
ObpBelowHeader(POBJECT_HEADER Header)
{
    ULONG Creator = Header->Flags & OB_FLAG_CREATOR_INFO ? sizeof(OBJECT_HEADER_CREATOR_INFO) : 0;

    return max(max(Creator, Header->NameInfoOffset),
               max(Header->HandleInfoOffset, Header->QuotaInfoOffset));
}

/* Takes the object off its type's list and gives its memory back. */
VOID
ObpFreeObject(POBJECT_HEADER Header)
{
    POBJECT_TYPE                Type    = Header->Type;
    POBJECT_HEADER_CREATOR_INFO Creator = ObpCreatorInfo(Header);

    if (Creator != NULL) {
        KIRQL OldIrql = ObpLockTypeList(Type);

        RemoveEntryList(&Creator->TypeList);
        ObpUnlockTypeList(Type, OldIrql);
    }
    ObpFreeCreateInformation(Header);
    if (UNLIKELY(Header->NameInfoOffset != 0))
        ObpFreeName(&ObpNameInfo(Header)->Name, NULL);
    if (UNLIKELY(Header->HandleInfoOffset != 0) && ObpHandleInfo(Header)->More != NULL)
        ExFreePoolWithTag(ObpHandleInfo(Header)->More, TAG_OB_NAME);
    ObpReturnQuota(Header);
    ObpCountExtraCharges(Header, -1);
    InterlockedDecrement(&Type->TotalNumberOfObjects);
    Header->Type = OB_DELETED_TYPE;
    ExFreePoolWithTag((PUCHAR)Header - ObpBelowHeader(Header), Type->Key);
}

VOID
ObpDeleteObject(POBJECT_HEADER Header)
{
    POBJECT_TYPE Type = Header->Type;
    KIRQL        Irql = KeGetCurrentIrql();

    PAGED_CODE();

    if (Header->SecurityDescriptor != NULL)
        ObpSecurityMethod(Header, DeleteSecurityDescriptor, NULL, NULL, NULL);
    if (Type->TypeInfo.DeleteProcedure != NULL) {
        Type->TypeInfo.DeleteProcedure(&Header->Body);
        ASSERT(KeGetCurrentIrql() == Irql);
    }
    if (Header->PointerCount != 0)
        ObpBadReference(&Header->Body, 1, Header->PointerCount);
    ObpFreeObject(Header);
}
