/*
 * A type with a security and a query-name procedure: it is handed each named object's first
 * descriptor, asked for it and to change it, and told to drop it before the object goes.
 */
#include <ntifs.h>
#include "ktobtype.h"

#define EXPECT(Condition)   ThingExpect(!!(Condition), #Condition, __LINE__)

#define NAME        L"own"

static struct {
    ULONG                Times[AssignSecurityDescriptor + 1], Names, Deletes;
    PVOID                Object;
    PSECURITY_DESCRIPTOR Kept;
    BOOLEAN              HasName, Refuse;
} Seen;

static NTSTATUS NTAPI
GuardedSecurity(PVOID Object, SECURITY_OPERATION_CODE Operation, PSECURITY_INFORMATION Information,
                PSECURITY_DESCRIPTOR Descriptor, PULONG Length, PSECURITY_DESCRIPTOR *Slot,
                POOL_TYPE PoolType, PGENERIC_MAPPING Mapping)
{
    PSECURITY_DESCRIPTOR Old = *Slot;
    NTSTATUS             Status = STATUS_SUCCESS;

    Seen.Times[Operation]++;
    Seen.Object = Object;
    switch (Operation) {
    case AssignSecurityDescriptor:
        if (Seen.Refuse)
            return STATUS_DEVICE_BUSY;
        *Slot = Descriptor;                     // the type's from now on
        break;
    case QuerySecurityDescriptor:
        return SeQuerySecurityDescriptorInfo(Information, Descriptor, Length, Slot);
    case SetSecurityDescriptor:
        Status = SeSetSecurityDescriptorInfo(Object, Information, Descriptor, Slot, PoolType,
                                             Mapping);
        if (NT_SUCCESS(Status))
            SeDeassignSecurity(&Old);
        break;
    case DeleteSecurityDescriptor:
        SeDeassignSecurity(Slot);
        break;
    }
    Seen.Kept = *Slot;
    return Status;
}

static NTSTATUS NTAPI
GuardedName(PVOID Object, BOOLEAN HasName, POBJECT_NAME_INFORMATION Information, ULONG Length,
            PULONG ReturnLength, KPROCESSOR_MODE Mode)
{
    Seen.Names++;
    Seen.HasName = HasName;
    *ReturnLength = sizeof(*Information) + sizeof(NAME);
    if (Length < *ReturnLength)
        return STATUS_INFO_LENGTH_MISMATCH;
    Information->Name.Buffer        = (PWSTR)(Information + 1);
    Information->Name.Length        = sizeof(NAME) - sizeof(WCHAR);
    Information->Name.MaximumLength = sizeof(NAME);
    RtlCopyMemory(Information + 1, NAME, sizeof(NAME));
    return STATUS_SUCCESS;
}

static VOID NTAPI
GuardedDelete(PVOID Object)
{
    Seen.Deletes++;
}

static NTSTATUS
NewGuarded(POBJECT_TYPE Type, PCWSTR Name, PHANDLE Handle)
{
    PVOID             Object;
    UNICODE_STRING    String;
    OBJECT_ATTRIBUTES Attributes;

    RtlInitUnicodeString(&String, Name);
    InitializeObjectAttributes(&Attributes, Name ? &String : NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT(ObCreateObject(KernelMode, Type, &Attributes, KernelMode, NULL, 8, 0, 0, &Object)
           == STATUS_SUCCESS);
    return ObInsertObject(Object, NULL, GENERIC_ALL, 0, NULL, Handle);
}

static VOID
AskAndChange(HANDLE Handle)
{
    static ULONG64      Room[64];
    SECURITY_DESCRIPTOR Open;
    BOOLEAN             Present, Defaulted;
    ULONG               Size;
    PACL                Dacl;

    EXPECT(ZwQueryObject(Handle, 1, Room, sizeof(Room), &Size) == STATUS_SUCCESS);
    EXPECT(Seen.Names == 1 && Seen.HasName && Size == sizeof(UNICODE_STRING) + sizeof(NAME));

    EXPECT(ZwQuerySecurityObject(Handle, DACL_SECURITY_INFORMATION, Room, sizeof(Room), &Size)
           == STATUS_SUCCESS);
    EXPECT(Seen.Times[QuerySecurityDescriptor] == 1 && Seen.Object != NULL);
    EXPECT(NT_SUCCESS(RtlGetDaclSecurityDescriptor(Room, &Present, &Dacl, &Defaulted)) && Present
           && Dacl != NULL);

    RtlCreateSecurityDescriptor(&Open, SECURITY_DESCRIPTOR_REVISION);
    RtlSetDaclSecurityDescriptor(&Open, TRUE, NULL, FALSE);
    EXPECT(ZwSetSecurityObject(Handle, DACL_SECURITY_INFORMATION, &Open) == STATUS_SUCCESS);
    EXPECT(Seen.Times[SetSecurityDescriptor] == 1);
    EXPECT(ZwQuerySecurityObject(Handle, DACL_SECURITY_INFORMATION, Room, sizeof(Room), &Size)
           == STATUS_SUCCESS);
    EXPECT(NT_SUCCESS(RtlGetDaclSecurityDescriptor(Room, &Present, &Dacl, &Defaulted)) && Present
           && Dacl == NULL);
}

VOID
OwnSecurity(VOID)
{
    KT_INITIALIZER Info = {
        .Length = sizeof(Info), .ValidAccessMask = STANDARD_RIGHTS_ALL, .PoolType = NonPagedPool,
        .GenericMapping = { STANDARD_RIGHTS_READ, STANDARD_RIGHTS_WRITE, STANDARD_RIGHTS_EXECUTE,
            STANDARD_RIGHTS_ALL },
        .UseDefaultObject = TRUE, .Delete = GuardedDelete, .Security = GuardedSecurity,
        .QueryName = GuardedName,
    };
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"KtGuarded");
    POBJECT_TYPE   Type;
    HANDLE         Handle;

    EXPECT(ObCreateObjectType(&Name, &Info, NULL, &Type) == STATUS_SUCCESS);
    EXPECT(NewGuarded(Type, NULL, &Handle) == STATUS_SUCCESS);
    EXPECT(Seen.Times[AssignSecurityDescriptor] == 0 && ZwClose(Handle) == STATUS_SUCCESS);
    EXPECT(Seen.Times[DeleteSecurityDescriptor] == 0 && Seen.Deletes == 1);

    Seen.Refuse = TRUE;
    EXPECT(NewGuarded(Type, L"\\KtGuarded", &Handle) == STATUS_DEVICE_BUSY);
    EXPECT(Seen.Times[AssignSecurityDescriptor] == 1 && Seen.Deletes == 2);
    Seen.Refuse = FALSE;

    EXPECT(NewGuarded(Type, L"\\KtGuarded", &Handle) == STATUS_SUCCESS);
    EXPECT(Seen.Times[AssignSecurityDescriptor] == 2 && Seen.Kept != NULL);
    if (Seen.Kept != NULL)
        AskAndChange(Handle);
    EXPECT(Seen.Times[DeleteSecurityDescriptor] == 0 && ZwClose(Handle) == STATUS_SUCCESS);
    EXPECT(Seen.Times[DeleteSecurityDescriptor] == 1 && Seen.Kept == NULL && Seen.Deletes == 3);
}
