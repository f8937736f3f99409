/*
 * Tests object types from inside: one that this driver makes, with all its procedures, and those
 * that the system exports. A type cannot be taken back, so the driver cannot be unloaded.
 */
#include <ntifs.h>
#include "../ktest.h"
#include "../../../sdk/ntsysinfo.h"
#include "ktobtype.h"

NTSYSAPI NTSTATUS NTAPI ObOpenObjectByName(POBJECT_ATTRIBUTES, POBJECT_TYPE, KPROCESSOR_MODE,
                                           PACCESS_STATE, ACCESS_MASK, PVOID, PHANDLE);
NTSYSAPI NTSTATUS NTAPI ObReferenceObjectByName(PUNICODE_STRING, ULONG, PACCESS_STATE, ACCESS_MASK,
                                                POBJECT_TYPE, KPROCESSOR_MODE, PVOID, PVOID *);
NTSYSAPI POBJECT_TYPE NTAPI ObGetObjectType(PVOID);

DRIVER_INITIALIZE DriverEntry;

#define THING_ACCESS    (STANDARD_RIGHTS_REQUIRED | 0x3)

static POBJECT_TYPE KtType;
static struct {
    ULONG       Opens, Closes, Deletes, Parses, Asked;
    KT_REASON   Reason;
    ULONG       HandleCount;
    ULONG64     Own, System;
    ACCESS_MASK Access;
    PVOID       Context;
    USHORT      RestLength;
} Seen;
static BOOLEAN Refuse, Keep;

VOID
ThingExpect(BOOLEAN Holds, PCSTR Condition, ULONG Line)
{
    KtExpect(Holds, Condition, Line);
}

static NTSTATUS NTAPI
ThingOpen(KT_REASON Reason, PEPROCESS Process, PVOID Object, ACCESS_MASK Access, ULONG HandleCount)
{
    Seen.Opens++;
    Seen.Reason      = Reason;
    Seen.Access      = Access;
    Seen.HandleCount = HandleCount;
    return Refuse ? STATUS_DEVICE_BUSY : STATUS_SUCCESS;
}

static VOID NTAPI
ThingClose(PEPROCESS Process, PVOID Object, ACCESS_MASK Access, ULONG64 Own, ULONG64 System)
{
    Seen.Closes++;
    Seen.Own    = Own;
    Seen.System = System;
}

static VOID NTAPI
ThingDelete(PVOID Object)
{
    Seen.Deletes++;
}

static NTSTATUS NTAPI
ThingParse(PVOID ParseObject, POBJECT_TYPE ObjectType, PACCESS_STATE AccessState,
           KPROCESSOR_MODE Mode, ULONG Attributes, PUNICODE_STRING Complete, PUNICODE_STRING Rest,
           PVOID Context, PSECURITY_QUALITY_OF_SERVICE Qos, PVOID *Object)
{
    Seen.Parses++;
    Seen.Context    = Context;
    Seen.RestLength = Rest->Length;
    if (Rest->Length != 0 && Rest->Buffer[1] != 'a')
        return STATUS_OBJECT_NAME_NOT_FOUND;
    ObReferenceObject(ParseObject);
    *Object = ParseObject;
    return STATUS_SUCCESS;
}

static BOOLEAN NTAPI
ThingOkayToClose(PEPROCESS Process, PVOID Object, HANDLE Handle, KPROCESSOR_MODE Mode)
{
    Seen.Asked++;
    return !Keep;
}

static POBJECT_ATTRIBUTES
Named(PCWSTR Name, ULONG Attributes)
{
    static UNICODE_STRING    String;
    static OBJECT_ATTRIBUTES Block;

    RtlInitUnicodeString(&String, Name);
    InitializeObjectAttributes(&Block, Name ? &String : NULL, Attributes | OBJ_KERNEL_HANDLE, NULL,
                               NULL);
    return &Block;
}

static KT_INITIALIZER
ThingInitializer(VOID)
{
    KT_INITIALIZER Info = {
        .Length = sizeof(Info), .UseDefaultObject = TRUE, .InvalidAttributes = OBJ_OPENLINK,
        .GenericMapping = { STANDARD_RIGHTS_READ | 1, STANDARD_RIGHTS_WRITE | 2,
            STANDARD_RIGHTS_EXECUTE, THING_ACCESS },
        .ValidAccessMask = THING_ACCESS, .MaintainHandleCount = TRUE, .MaintainTypeList = TRUE,
        .PoolType = NonPagedPool, .DefaultNonPagedPoolCharge = 100,
        .Open = ThingOpen, .Close = ThingClose, .Delete = ThingDelete, .Parse = ThingParse,
        .OkayToClose = ThingOkayToClose,
    };

    return Info;
}

static NTSTATUS
Make(PCWSTR Name, KT_INITIALIZER *Info, POBJECT_TYPE *Type)
{
    UNICODE_STRING String;

    RtlInitUnicodeString(&String, Name);
    return ObCreateObjectType(&String, Info, NULL, Type);
}

static VOID
Making(VOID)
{
    KT_INITIALIZER Good = ThingInitializer(), Bad;
    POBJECT_TYPE   Type, Found;
    UNICODE_STRING Path = RTL_CONSTANT_STRING(L"\\ObjectTypes\\KtThing");

    Bad = Good, Bad.Length--;
    EXPECT(Make(L"KtBad", &Bad, &Type) == STATUS_INVALID_PARAMETER);
    Bad = Good, Bad.InvalidAttributes = 0x80000000;
    EXPECT(Make(L"KtBad", &Bad, &Type) == STATUS_INVALID_PARAMETER);
    Bad = Good, Bad.Open = Bad.Close = NULL;
    EXPECT(Make(L"KtBad", &Bad, &Type) == STATUS_INVALID_PARAMETER);
    Bad = Good, Bad.UseDefaultObject = FALSE, Bad.PoolType = PagedPool;
    EXPECT(Make(L"KtBad", &Bad, &Type) == STATUS_INVALID_PARAMETER);
    EXPECT(Make(L"", &Good, &Type) == STATUS_INVALID_PARAMETER);
    EXPECT(Make(L"Kt\\Bad", &Good, &Type) == STATUS_OBJECT_NAME_INVALID);
    EXPECT(Make(L"Event", &Good, &Type) == STATUS_OBJECT_NAME_COLLISION);

    EXPECT(Make(L"KtThing", &Good, &KtType) == STATUS_SUCCESS);
    EXPECT(Make(L"KtThing", &Good, &Type) == STATUS_OBJECT_NAME_COLLISION);
    EXPECT(ObReferenceObjectByName(&Path, 0, NULL, 0, NULL, KernelMode, NULL, (PVOID *)&Found)
           == STATUS_SUCCESS);
    EXPECT(Found == KtType && ObGetObjectType(Found) == ObGetObjectType(*ExEventObjectType));
    ObDereferenceObject(Found);
}

/* What the system says about the type of a handle; zeros if it does not. */
static OBJECT_TYPE_INFORMATION
TypeOf(HANDLE Handle)
{
    static union { OBJECT_TYPE_INFORMATION Type; UCHAR Room[512]; } Buffer;

    RtlZeroMemory(&Buffer, sizeof(Buffer));
    ZwQueryObject(Handle, EtObjectTypeInformation, &Buffer, sizeof(Buffer), NULL);
    return Buffer.Type;
}

static PVOID
NewThing(PCWSTR Name, PHANDLE Handle)
{
    PVOID Thing = NULL;

    EXPECT(ObCreateObject(KernelMode, KtType, Named(Name, OBJ_CASE_INSENSITIVE), KernelMode, NULL,
                          100, 0, 0, &Thing) == STATUS_SUCCESS);
    EXPECT(ObInsertObject(Thing, NULL, GENERIC_READ, 0, NULL, Handle) == STATUS_SUCCESS);
    return Thing;
}

static VOID
Procedures(VOID)
{
    HANDLE Handle, Second;

    RtlZeroMemory(&Seen, sizeof(Seen));
    NewThing(NULL, &Handle);
    EXPECT(Seen.Opens == 1 && Seen.Reason == KtCreate && Seen.HandleCount == 1);
    EXPECT(Seen.Access == (STANDARD_RIGHTS_READ | 1));
    EXPECT(ZwDuplicateObject(NtCurrentProcess(), Handle, NtCurrentProcess(), &Second, 0,
                             OBJ_KERNEL_HANDLE, DUPLICATE_SAME_ACCESS) == STATUS_SUCCESS);
    EXPECT(Seen.Opens == 2 && Seen.Reason == KtDuplicate && Seen.HandleCount == 2);
    Refuse = TRUE;
    EXPECT(ZwDuplicateObject(NtCurrentProcess(), Handle, NtCurrentProcess(), &Second, 0,
                             OBJ_KERNEL_HANDLE, DUPLICATE_SAME_ACCESS) == STATUS_DEVICE_BUSY);
    Refuse = FALSE;
    EXPECT(Seen.Opens == 3 && Seen.Closes == 0);
    EXPECT(TypeOf(Handle).TotalNumberOfHandles == 2);

    Keep = TRUE;
    EXPECT(ZwClose(Handle) == STATUS_HANDLE_NOT_CLOSABLE && Seen.Closes == 0 && Seen.Asked == 1);
    Keep = FALSE;
    EXPECT(ZwClose(Handle) == STATUS_SUCCESS && Seen.Closes == 1);
}

static VOID
CloseCounts(VOID)
{
    HANDLE Handle, Second;
    PVOID  Object;

    RtlZeroMemory(&Seen, sizeof(Seen));
    NewThing(NULL, &Handle);
    ZwDuplicateObject(NtCurrentProcess(), Handle, NtCurrentProcess(), &Second, 0,
                      OBJ_KERNEL_HANDLE, DUPLICATE_SAME_ACCESS);
    EXPECT(ZwClose(Handle) == STATUS_SUCCESS);
    EXPECT(Seen.Closes == 1 && Seen.Own == 2 && Seen.System == 2);
    EXPECT(ObReferenceObjectByHandle(Second, 1, KtType, KernelMode, &Object, NULL)
           == STATUS_SUCCESS);
    EXPECT(ZwClose(Second) == STATUS_SUCCESS);
    EXPECT(Seen.Closes == 2 && Seen.Own == 1 && Seen.System == 1 && Seen.Deletes == 0);
    EXPECT(ObDereferenceObject(Object) == 0 && Seen.Deletes == 1);
}

static VOID
Parsing(VOID)
{
    HANDLE Handle, Second;
    PVOID  Thing, Object;
    ULONG  Context;

    RtlZeroMemory(&Seen, sizeof(Seen));
    Thing = NewThing(L"\\KtThing", &Handle);
    EXPECT(ObOpenObjectByName(Named(L"\\KtThing\\abc", 0), KtType, KernelMode, NULL, 1, &Context,
                              &Second) == STATUS_SUCCESS);
    EXPECT(Seen.Parses == 1 && Seen.Context == &Context && Seen.RestLength == 8);
    EXPECT(ObReferenceObjectByHandle(Second, 0, NULL, KernelMode, &Object, NULL)
           == STATUS_SUCCESS && Object == Thing);
    ObDereferenceObject(Object);
    ZwClose(Second);
    EXPECT(ObOpenObjectByName(Named(L"\\KtThing\\xyz", 0), KtType, KernelMode, NULL, 1, NULL,
                              &Second) == STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT(ObOpenObjectByName(Named(L"\\KtThing\\abc", 0), *ExEventObjectType, KernelMode, NULL, 1,
                              NULL, &Second) == STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT(ObOpenObjectByName(Named(L"\\KtThing", OBJ_OPENLINK), KtType, KernelMode, NULL, 1, NULL,
                              &Second) == STATUS_INVALID_PARAMETER);
    ZwClose(Handle);
    EXPECT(Seen.Deletes == 1);
    EXPECT(ObOpenObjectByName(Named(L"\\KtThing", 0), KtType, KernelMode, NULL, 1, NULL, &Second)
           == STATUS_OBJECT_NAME_NOT_FOUND);
}

static VOID
Waiting(VOID)
{
    LARGE_INTEGER Now = { .QuadPart = 0 };
    HANDLE        Handle;

    NewThing(NULL, &Handle);
    EXPECT(ZwWaitForSingleObject(Handle, FALSE, &Now) == STATUS_SUCCESS);
    ZwClose(Handle);
}

static VOID
Charges(VOID)
{
    OBJECT_TYPE_INFORMATION  Before, Now;
    OBJECT_BASIC_INFORMATION Basic;
    HANDLE                   Handles[10];

    NewThing(NULL, &Handles[0]);
    Before = TypeOf(Handles[0]);
    EXPECT(Before.DefaultNonPagedPoolCharge > 100 && Before.DefaultPagedPoolCharge == 0);
    for (ULONG Index = 1; Index < 10; Index++)
        NewThing(NULL, &Handles[Index]);
    Now = TypeOf(Handles[0]);
    EXPECT(Now.TotalNumberOfObjects == Before.TotalNumberOfObjects + 9);
    EXPECT(Now.TotalNonPagedPoolUsage
           == Before.TotalNonPagedPoolUsage + 9 * Before.DefaultNonPagedPoolCharge);
    ZwQueryObject(Handles[9], EtObjectBasicInformation, &Basic, sizeof(Basic), NULL);
    EXPECT(Basic.NonPagedPoolCharge == Before.DefaultNonPagedPoolCharge);

    for (ULONG Index = 1; Index < 10; Index++)
        ZwClose(Handles[Index]);
    Now = TypeOf(Handles[0]);
    EXPECT(Now.TotalNumberOfObjects == Before.TotalNumberOfObjects);
    EXPECT(Now.TotalNumberOfHandles == Before.TotalNumberOfHandles);
    EXPECT(Now.TotalNonPagedPoolUsage == Before.TotalNonPagedPoolUsage);
    EXPECT(Now.HighWaterNumberOfObjects >= Before.TotalNumberOfObjects + 9);
    EXPECT(Now.HighWaterNonPagedPoolUsage
           >= Before.TotalNonPagedPoolUsage + 9 * Before.DefaultNonPagedPoolCharge);
    ZwClose(Handles[0]);
}

static VOID
Exclusive(VOID)
{
    HANDLE Handle, Second, Mine;
    PVOID  Thing;

    EXPECT(ObCreateObject(KernelMode, KtType, Named(L"\\KtAlone", OBJ_EXCLUSIVE), KernelMode, NULL,
                          8, 0, 0, &Thing) == STATUS_SUCCESS);
    EXPECT(ObInsertObject(Thing, NULL, 1, 0, NULL, &Handle) == STATUS_SUCCESS);
    EXPECT(ObOpenObjectByName(Named(L"\\KtAlone", 0), KtType, KernelMode, NULL, 1, NULL, &Mine)
           == STATUS_SUCCESS);
    ZwClose(Mine);
    ZwClose(Handle);

    NewThing(L"\\KtShared", &Handle);
    EXPECT(ObOpenObjectByName(Named(L"\\KtShared", OBJ_EXCLUSIVE), KtType, KernelMode, NULL, 1,
                              NULL, &Second) == STATUS_ACCESS_DENIED);
    ZwClose(Handle);
}

/* The types that drivers import, with the rights that are documented for them. */
NTSYSAPI POBJECT_TYPE ExDesktopObjectType, ExWindowStationObjectType, LpcPortObjectType, PsJobType;

static VOID
Exported(VOID)
{
    static const struct { PCWSTR Name; ULONG Access; } Wanted[] = {
        { L"Desktop", 0xF01FF }, { L"WindowStation", 0xF037F }, { L"Port", 0x1F0001 },
        { L"Job", 0x1F001F }, { L"Event", 0x1F0003 }, { L"Directory", 0xF000F },
        { L"SymbolicLink", 0xF0001 }, { L"Type", 0xF0001 }, { L"Mutant", 0x1F0001 },
        { L"Semaphore", 0x1F0003 }, { L"Timer", 0x1F0003 }, { L"File", 0x1F01FF },
    };
    PUCHAR Buffer = ExAllocatePoolWithTag(PagedPool, 0x4000, KT_TAG), Next = Buffer + 8;
    ULONG  Found  = 0, Size;

    EXPECT(ZwQueryObject(NULL, 3, Buffer, 0x4000, &Size) == STATUS_SUCCESS);
    for (ULONG Count = *(PULONG)Buffer; Count != 0; Count--) {
        POBJECT_TYPE_INFORMATION Type = (PVOID)Next;

        for (ULONG Index = 0; Index < RTL_NUMBER_OF(Wanted); Index++) {
            UNICODE_STRING Name;

            RtlInitUnicodeString(&Name, Wanted[Index].Name);
            if (RtlEqualUnicodeString(&Name, &Type->TypeName, FALSE)) {
                EXPECT(Type->ValidAccessMask == Wanted[Index].Access);
                Found++;
            }
        }
        Next += (sizeof(*Type) + Type->TypeName.MaximumLength + 7) & ~7;
    }
    EXPECT(Found == RTL_NUMBER_OF(Wanted) && Next == Buffer + Size);
    ExFreePoolWithTag(Buffer, KT_TAG);
    EXPECT(ObGetObjectType(ExDesktopObjectType) == ObGetObjectType(PsJobType));
    EXPECT(ExWindowStationObjectType != NULL && LpcPortObjectType != NULL);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    static const KT_TEST Tests[] = {
        { "A driver makes an object type, and what is wrong with one is refused", Making },
        { "Each procedure of a type is called when it should be, and may refuse", Procedures },
        { "A close procedure is told the counts before the handle went", CloseCounts },
        { "The rest of a name goes to the parse procedure, with the context", Parsing },
        { "An object that cannot be waited for is signalled if its type says so", Waiting },
        { "What objects cost is charged to their type and given back", Charges },
        { "An exclusive object and an exclusive open keep others out", Exclusive },
        { "A type's own descriptors and names are asked for, kept and given back", OwnSecurity },
        { "The system's types have the documented rights", Exported },
    };

    KtRun("ktobtype", Tests, RTL_NUMBER_OF(Tests));
    return STATUS_SUCCESS;
}
