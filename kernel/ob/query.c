/*
 * Questions about objects: NtQueryObject, NtSetInformationObject, ObQueryNameString.
 *
 * Answers that hold a name are built in a kernel buffer first, with pointers that are right for
 * the caller's buffer, and copied out in one piece, so that a program sees nothing half made and
 * no lock is held while its memory is touched. The counts in the basic information are those
 * without the reference this service itself has.
 *
 * A full name is put together from the end: the object's own part, then one directory after the
 * other up to the root, all under ObpNameLock, which keeps every link in place. An object whose
 * directory has lost its own name shows as "...\".
 *
 * Sizes: STATUS_INFO_LENGTH_MISMATCH when the buffer is too small, with the needed size in
 * ReturnLength.
 */
#include "kernel.h"
#include "ob/obp.h"
#include "sdk/ntsysinfo.h"

/*
 * Goes up from the object, writing parts backwards from End unless it is NULL; returns the length
 * in bytes.
 */
static ULONG
ObpBuildPathLocked(POBJECT_HEADER Header, PUCHAR End)
{
    POBJECT_HEADER_NAME_INFO NameInfo = ObpNameInfo(Header);
    ULONG                    Length   = 0;

    while (NameInfo != NULL && NameInfo->Directory != NULL) {
        Length += NameInfo->Name.Length + sizeof(WCHAR);
        if (End != NULL) {
            *(PWSTR)(End - Length) = OBJ_NAME_PATH_SEPARATOR;
            RtlCopyMemory(End - Length + sizeof(WCHAR), NameInfo->Name.Buffer,
                          NameInfo->Name.Length);
        }
        if (NameInfo->Directory == ObpRootDirectory)
            return Length;
        NameInfo = ObpNameInfo(OBJECT_TO_HEADER(NameInfo->Directory));
    }
    if (Length != 0) {
        Length += 3 * sizeof(WCHAR);
        if (End != NULL)
            RtlCopyMemory(End - Length, L"...", 3 * sizeof(WCHAR));
    }
    return Length;
}

/* The name of an object whose type has no say in it. */
static NTSTATUS
ObpQueryPath(POBJECT_HEADER Header, POBJECT_NAME_INFORMATION Information, ULONG Length,
             PULONG ReturnLength)
{
    BOOLEAN  Root = &Header->Body == (PVOID)ObpRootDirectory;
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG    Size;

    ExAcquireFastMutex(&ObpNameLock);
    Size = Root ? sizeof(WCHAR) : ObpBuildPathLocked(Header, NULL);
    *ReturnLength = sizeof(*Information) + (Size ? Size + sizeof(WCHAR) : 0);
    if (Length < *ReturnLength || Size > 0xFFFC) {
        Status = STATUS_INFO_LENGTH_MISMATCH;
    } else {
        RtlZeroMemory(&Information->Name, sizeof(Information->Name));
        if (Size != 0) {
            Information->Name.Buffer        = (PWSTR)(Information + 1);
            Information->Name.Length        = (USHORT)Size;
            Information->Name.MaximumLength = (USHORT)(Size + sizeof(WCHAR));
            if (Root)
                Information->Name.Buffer[0] = OBJ_NAME_PATH_SEPARATOR;
            else
                ObpBuildPathLocked(Header, (PUCHAR)Information->Name.Buffer + Size);
            Information->Name.Buffer[Size / sizeof(WCHAR)] = 0;
        }
    }
    ExReleaseFastMutex(&ObpNameLock);
    return Status;
}

/*
 * The full name of an object, as a UNICODE_STRING whose characters follow it in Information;
 * empty if it has none. Types that name their objects themselves (files) are asked. <= APC_LEVEL,
 * PASSIVE_LEVEL for files. STATUS_INFO_LENGTH_MISMATCH with *ReturnLength.
 */
NTSTATUS NTAPI
ObQueryNameString(PVOID Object, POBJECT_NAME_INFORMATION Information, ULONG Length,
                  PULONG ReturnLength)
{
    POBJECT_HEADER Header = ObpHeaderOf(Object);

    PAGED_CODE();

    if (Header->Type->TypeInfo.QueryNameProcedure != NULL)
        return Header->Type->TypeInfo.QueryNameProcedure(Object, Header->NameInfoOffset != 0,
                                                         Information, Length,
                                                         ReturnLength, KernelMode);
    return ObpQueryPath(Header, Information, Length, ReturnLength);
}

static NTSTATUS
ObpQueryBasic(POBJECT_HEADER Header, POBJECT_HANDLE_INFORMATION Handle,
              POBJECT_BASIC_INFORMATION Basic)
{
    OBJECT_NAME_INFORMATION None;
    ULONG                   NameSize = 0;
    PULONG                  Charges  = ObpCharges(Header);

    RtlZeroMemory(Basic, sizeof(*Basic));
    ObpQueryPath(Header, &None, 0, &NameSize);

    Basic->Attributes    = Handle->HandleAttributes | (Header->Flags & OB_FLAG_PERMANENT
                                                       ? OBJ_PERMANENT : 0) |
                           (Header->Flags & OB_FLAG_EXCLUSIVE ? OBJ_EXCLUSIVE : 0);
    Basic->GrantedAccess = Handle->GrantedAccess;
    Basic->HandleCount   = (ULONG)Header->HandleCount;
    Basic->PointerCount  = (ULONG)Header->PointerCount - 1;
    Basic->PagedPoolCharge    = Charges[0];
    Basic->NonPagedPoolCharge = Charges[1];
    Basic->NameInfoSize  = NameSize > sizeof(None) ? NameSize : 0;
    Basic->TypeInfoSize  = sizeof(OBJECT_TYPE_INFORMATION) + Header->Type->Name.MaximumLength;
    if (Header->Type == ObpSymbolicLinkObjectType)
        Basic->CreationTime = ((POBJECT_SYMBOLIC_LINK)&Header->Body)->CreationTime;
    return STATUS_SUCCESS;
}

static VOID
ObpDescribeCharges(POBJECT_TYPE Type, POBJECT_TYPE_INFORMATION Out)
{
    ULONG NonPaged = Type->TypeInfo.DefaultNonPagedPoolCharge;
    ULONG Paged    = Type->TypeInfo.DefaultPagedPoolCharge;

    Out->DefaultNonPagedPoolCharge  = NonPaged;
    Out->DefaultPagedPoolCharge     = Paged;
    Out->TotalNonPagedPoolUsage     = Type->TotalNumberOfObjects * NonPaged + Type->ExtraUsage[0];
    Out->TotalPagedPoolUsage        = Type->TotalNumberOfObjects * Paged + Type->ExtraUsage[1];
    Out->HighWaterNonPagedPoolUsage = Type->HighWaterNumberOfObjects * NonPaged +
                                      Type->HighWaterExtraUsage[0];
    Out->HighWaterPagedPoolUsage    = Type->HighWaterNumberOfObjects * Paged +
                                      Type->HighWaterExtraUsage[1];
}

/*
 * One type at Out, which will be at Target in the caller's memory; returns its size with the
 * name, a multiple of 8.
 */
static ULONG
ObpDescribeType(POBJECT_TYPE Type, POBJECT_TYPE_INFORMATION Out, PUCHAR Target)
{
    ULONG Name = Type->Name.Length + sizeof(WCHAR);

    if (Out != NULL) {
        RtlZeroMemory(Out, sizeof(*Out));
        Out->TypeName.Length          = Type->Name.Length;
        Out->TypeName.MaximumLength   = (USHORT)Name;
        Out->TypeName.Buffer          = (PWSTR)(Target + sizeof(*Out));
        Out->TotalNumberOfObjects     = Type->TotalNumberOfObjects;
        Out->TotalNumberOfHandles     = Type->TotalNumberOfHandles;
        Out->HighWaterNumberOfObjects = Type->HighWaterNumberOfObjects;
        Out->HighWaterNumberOfHandles = Type->HighWaterNumberOfHandles;
        Out->InvalidAttributes        = Type->TypeInfo.InvalidAttributes;
        Out->GenericMapping           = Type->TypeInfo.GenericMapping;
        Out->ValidAccessMask          = Type->TypeInfo.ValidAccessMask;
        Out->SecurityRequired         = Type->TypeInfo.SecurityRequired;
        Out->MaintainHandleCount      = Type->TypeInfo.MaintainHandleCount;
        Out->PoolType                 = Type->TypeInfo.PoolType;
        ObpDescribeCharges(Type, Out);
        RtlCopyMemory(Out + 1, Type->Name.Buffer, Name);
    }
    return ROUND_UP(sizeof(*Out) + Name, sizeof(PVOID));
}

/*
 * All types: their number in an 8-byte head, then one after the other. Out NULL: only the size.
 */
static ULONG
ObpDescribeTypes(PUCHAR Out, PUCHAR Target)
{
    ULONG Size = sizeof(ULONG64), Count = ObpTypeCount;

    if (Out != NULL)
        *(PULONG64)Out = Count;
    for (ULONG Index = 0; Index < Count; Index++)
        Size += ObpDescribeType(ObpTypes[Index], Out ? (PVOID)(Out + Size) : NULL, Target + Size);
    return Size;
}

/* Answers of changing size, built in Out (Length bytes) for Target. *Size is what is needed. */
static NTSTATUS
ObpQueryLong(PVOID Object, OBJECT_INFORMATION_CLASS Class, PUCHAR Out, ULONG Length,
             PUCHAR Target, PULONG Size)
{
    POBJECT_NAME_INFORMATION Name = (POBJECT_NAME_INFORMATION)Out;
    NTSTATUS                 Status;

    if (Class == ObjectNameInformation) {
        Status = ObQueryNameString(Object, Name, Length, Size);
        if (NT_SUCCESS(Status) && Name->Name.Buffer != NULL)
            Name->Name.Buffer = (PWSTR)(Target + ((PUCHAR)Name->Name.Buffer - Out));
        return Status;
    }

    *Size = Class == ObjectTypeInformation ? ObpDescribeType(OBJECT_TO_HEADER(Object)->Type, NULL,
                                                             NULL)
                                           : ObpDescribeTypes(NULL, NULL);
    if (Length < *Size)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (Class == ObjectTypeInformation)
        ObpDescribeType(OBJECT_TO_HEADER(Object)->Type, (PVOID)Out, Target);
    else
        ObpDescribeTypes(Out, Target);
    return STATUS_SUCCESS;
}

static NTSTATUS
ObpReturnLong(PVOID Object, OBJECT_INFORMATION_CLASS Class, PVOID Buffer, ULONG Length,
              PULONG ReturnLength, KPROCESSOR_MODE Mode)
{
    ULONG    Room   = min(Length, 0x20000), Size = 0;
    PUCHAR   Bounce = ExAllocatePoolWithTag(PagedPool, Room + 1, TAG_OB_QUERY);
    NTSTATUS Status;

    if (Bounce == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;

    Status = ObpQueryLong(Object, Class, Bounce, Room, Buffer, &Size);
    if (NT_SUCCESS(Status))
        Status = ObReturnBytes(Buffer, Bounce, Size, ReturnLength, Mode);
    else if (ReturnLength != NULL && !NT_SUCCESS(ObReturnBytes(ReturnLength, &Size, sizeof(Size),
                                                               NULL, Mode)))
        Status = STATUS_ACCESS_VIOLATION;
    ExFreePoolWithTag(Bounce, TAG_OB_QUERY);
    return Status;
}

NTSTATUS NTAPI
NtQueryObject(HANDLE Handle, OBJECT_INFORMATION_CLASS Class, PVOID Buffer, ULONG Length,
              PULONG ReturnLength)
{
    KPROCESSOR_MODE                Mode   = KeGetPreviousMode();
    OBJECT_HANDLE_INFORMATION      Information;
    OBJECT_HANDLE_FLAG_INFORMATION Flags;
    OBJECT_BASIC_INFORMATION       Basic;
    PVOID                          Object = NULL;
    NTSTATUS                       Status = STATUS_SUCCESS;

    PAGED_CODE();

    if (Class == ObjectBasicInformation ? Length != sizeof(Basic)
                                        : Class == ObjectHandleFlagInformation &&
                                            Length != sizeof(Flags))
        return STATUS_INFO_LENGTH_MISMATCH;
    if (Class < 0 || Class > ObjectHandleFlagInformation)
        return STATUS_INVALID_INFO_CLASS;

    if (Class != ObjectTypesInformation)
        Status = ObReferenceObjectByHandle(Handle, 0, NULL, Mode, &Object, &Information);
    if (!NT_SUCCESS(Status))
        return Status;

    switch (Class) {
    case ObjectBasicInformation:
        ObpQueryBasic(OBJECT_TO_HEADER(Object), &Information, &Basic);
        Status = ObReturnBytes(Buffer, &Basic, sizeof(Basic), ReturnLength, Mode);
        break;
    case ObjectHandleFlagInformation:
        Flags.Inherit          = (Information.HandleAttributes & OBJ_INHERIT) != 0;
        Flags.ProtectFromClose = (Information.HandleAttributes & OBJ_PROTECT_CLOSE) != 0;
        Status = ObReturnBytes(Buffer, &Flags, sizeof(Flags), ReturnLength, Mode);
        break;
    default:
        Status = ObpReturnLong(Object, Class, Buffer, Length, ReturnLength, Mode);
    }
    if (Object != NULL)
        ObDereferenceObject(Object);
    return Status;
}

/* Sets a handle's attributes, inherit and protect from close. */
NTSTATUS NTAPI
NtSetInformationObject(HANDLE Handle, OBJECT_INFORMATION_CLASS Class, PVOID Buffer, ULONG Length)
{
    KPROCESSOR_MODE                Mode = KeGetPreviousMode();
    OBJECT_HANDLE_FLAG_INFORMATION Flags;
    PHANDLE_TABLE                  Table;
    EX_HOLD                        Hold;
    LONG64                         Value, New;

    PAGED_CODE();

    if (Class != ObjectHandleFlagInformation)
        return STATUS_INVALID_INFO_CLASS;
    if (Length != sizeof(Flags))
        return STATUS_INFO_LENGTH_MISMATCH;

    __try {
        if (Mode != KernelMode)
            ProbeForRead(Buffer, sizeof(Flags), 1);
        Flags = *(volatile OBJECT_HANDLE_FLAG_INFORMATION *)Buffer;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }

    Table = ObpTableOfHandle(&Handle, Mode);
    if (Table == NULL || (LONG64)(ULONG_PTR)Handle < 0 || !ObpHoldHandle(Table, Handle, &Hold))
        return ObpBadHandle(Table, Handle);

    do {
        Value = Hold.Entry->Value;
        New   = (Value & ~(LONG64)(EX_HANDLE_INHERIT | EX_HANDLE_PROTECT)) | (Flags.Inherit
            ? EX_HANDLE_INHERIT : 0) |
                (Flags.ProtectFromClose ? EX_HANDLE_PROTECT : 0);
    } while (EX_SAME_ADDRESS(Value, Hold.Value) &&
             InterlockedCompareExchange64(&Hold.Entry->Value, New, Value) != Value);
    ObpDropHold(&Hold);
    return EX_SAME_ADDRESS(Value, Hold.Value) ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
}
