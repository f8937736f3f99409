/*
 * Tests the callbacks on handles of processes and threads: who may register, the order of the
 * calls, what they are told, and that a right taken away is missing from the handle.
 */
#include <ntifs.h>
#include "../ktest.h"

#ifndef PROCESS_TERMINATE
#define PROCESS_TERMINATE           0x0001
#define PROCESS_QUERY_INFORMATION   0x0400
#endif

DRIVER_INITIALIZE DriverEntry;

typedef struct _WATCHER {
    ACCESS_MASK  Takes, Adds;                   // by its callback before
    ULONG        Before, After, Place, AfterPlace;
    OB_OPERATION Operation;
    ACCESS_MASK  Original, Desired, Granted;
    BOOLEAN      Kernel;
    PVOID        Object, Type, Source, Target, CallContext;
    NTSTATUS     Status;
    PVOID        Handle;
} WATCHER;

static WATCHER High, Low;
static ULONG   Place;

static OB_PREOP_CALLBACK_STATUS NTAPI
Before(PVOID Context, POB_PRE_OPERATION_INFORMATION Information)
{
    POB_PRE_DUPLICATE_HANDLE_INFORMATION Parameters =
        &Information->Parameters->DuplicateHandleInformation;
    WATCHER *Watcher = Context;

    Watcher->Before++;
    Watcher->Place     = ++Place;
    Watcher->Operation = Information->Operation;
    Watcher->Object    = Information->Object;
    Watcher->Type      = Information->ObjectType;
    Watcher->Kernel    = Information->KernelHandle;
    Watcher->Original  = Parameters->OriginalDesiredAccess;
    Watcher->Desired   = Parameters->DesiredAccess;
    if (Information->Operation == OB_OPERATION_HANDLE_DUPLICATE) {
        Watcher->Source = Parameters->SourceProcess;
        Watcher->Target = Parameters->TargetProcess;
    }
    Parameters->DesiredAccess = (Parameters->DesiredAccess & ~Watcher->Takes) | Watcher->Adds;
    Information->CallContext  = &Watcher->Place;
    return OB_PREOP_SUCCESS;
}

static VOID NTAPI
After(PVOID Context, POB_POST_OPERATION_INFORMATION Information)
{
    WATCHER *Watcher = Context;

    Watcher->After++;
    Watcher->AfterPlace  = ++Place;
    Watcher->CallContext = Information->CallContext;
    Watcher->Status      = Information->ReturnStatus;
    Watcher->Granted     = Information->Parameters->CreateHandleInformation.GrantedAccess;
}

static NTSTATUS
Register(WATCHER *Watcher, PCWSTR Altitude, POBJECT_TYPE *Type, OB_OPERATION Operations,
         USHORT Version)
{
    OB_OPERATION_REGISTRATION Operation = { Type, Operations, Before, After };
    OB_CALLBACK_REGISTRATION  Given     = { .Version = Version, .OperationRegistrationCount = 1,
        .RegistrationContext = Watcher, .OperationRegistration = &Operation };

    RtlInitUnicodeString(&Given.Altitude, Altitude);
    return ObRegisterCallbacks(&Given, &Watcher->Handle);
}

#define BOTH        (OB_OPERATION_HANDLE_CREATE | OB_OPERATION_HANDLE_DUPLICATE)
#define VERSION     OB_FLT_REGISTRATION_VERSION

static VOID
Reset(VOID)
{
    RtlZeroMemory(&High, sizeof(High));
    RtlZeroMemory(&Low, sizeof(Low));
    Place = 0;
}

static NTSTATUS
OpenProcess(ACCESS_MASK Access, ULONG Attributes, PHANDLE Handle)
{
    return ObOpenObjectByPointer(PsGetCurrentProcess(), Attributes, NULL, Access, *PsProcessType,
                                 KernelMode, Handle);
}

static ACCESS_MASK
GrantedTo(HANDLE Handle)
{
    OBJECT_HANDLE_INFORMATION Information = { 0 };
    PVOID                     Object;

    if (NT_SUCCESS(ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, &Object, &Information)))
        ObDereferenceObject(Object);
    return Information.GrantedAccess;
}

static VOID
Registering(VOID)
{
    OB_OPERATION_REGISTRATION Foreign = { PsProcessType, BOTH, NULL, NULL };
    OB_CALLBACK_REGISTRATION  Given   = { .Version = VERSION, .OperationRegistrationCount = 1,
        .Altitude = RTL_CONSTANT_STRING(L"77"), .OperationRegistration = &Foreign };
    PVOID                     Handle;

    Reset();
    EXPECT(ObGetFilterVersion() == VERSION);
    EXPECT(Register(&High, L"321000", PsProcessType, BOTH, 0x200) == STATUS_INVALID_PARAMETER);
    EXPECT(Register(&High, L"high", PsProcessType, BOTH, VERSION) == STATUS_INVALID_PARAMETER);
    EXPECT(Register(&High, L"", PsProcessType, BOTH, VERSION) == STATUS_INVALID_PARAMETER);
    EXPECT(Register(&High, L"1", ExEventObjectType, BOTH, VERSION) == STATUS_INVALID_PARAMETER);
    EXPECT(Register(&High, L"1", PsProcessType, 4, VERSION) == STATUS_INVALID_PARAMETER);
    EXPECT(Register(&High, L"1", PsProcessType, 0, VERSION) == STATUS_INVALID_PARAMETER);
    EXPECT(ObRegisterCallbacks(&Given, &Handle) == STATUS_INVALID_PARAMETER);
    Foreign.PreOperation = (POB_PRE_OPERATION_CALLBACK)(PVOID)&Given;
    EXPECT(ObRegisterCallbacks(&Given, &Handle) == STATUS_ACCESS_DENIED);

    EXPECT(Register(&High, L"321000", PsProcessType, BOTH, VERSION) == STATUS_SUCCESS);
    EXPECT(Register(&Low, L"0321000.0", PsThreadType, BOTH, VERSION)
           == STATUS_FLT_INSTANCE_ALTITUDE_COLLISION && Low.Handle == NULL);
    ObUnRegisterCallbacks(High.Handle);
    EXPECT(Register(&Low, L"321000", PsThreadType, BOTH, VERSION) == STATUS_SUCCESS);
    ObUnRegisterCallbacks(Low.Handle);
}

static VOID
TakingAway(VOID)
{
    HANDLE Handle;

    Reset();
    High.Takes = PROCESS_TERMINATE | PROCESS_QUERY_INFORMATION;
    EXPECT(Register(&High, L"9", PsProcessType, BOTH, VERSION) == STATUS_SUCCESS);
    EXPECT(OpenProcess(PROCESS_ALL_ACCESS, 0, &Handle) == STATUS_SUCCESS);
    EXPECT(High.Before == 1 && High.After == 1 && High.Operation == OB_OPERATION_HANDLE_CREATE);
    EXPECT(High.Object == PsGetCurrentProcess() && High.Type == *PsProcessType && !High.Kernel);
    EXPECT(High.Original == PROCESS_ALL_ACCESS && High.Desired == PROCESS_ALL_ACCESS);
    // query information is no right that can be taken away
    EXPECT(GrantedTo(Handle) == (PROCESS_ALL_ACCESS & ~PROCESS_TERMINATE));
    EXPECT(High.Granted == GrantedTo(Handle) && High.Status == STATUS_SUCCESS);
    EXPECT(High.CallContext == &High.Place);
    ZwClose(Handle);

    High.Adds = PROCESS_ALL_ACCESS;
    EXPECT(OpenProcess(PROCESS_QUERY_INFORMATION, OBJ_KERNEL_HANDLE, &Handle) == STATUS_SUCCESS);
    EXPECT(GrantedTo(Handle) == PROCESS_QUERY_INFORMATION && High.Kernel);
    ZwClose(Handle);
    ObUnRegisterCallbacks(High.Handle);
    EXPECT(OpenProcess(PROCESS_ALL_ACCESS, 0, &Handle) == STATUS_SUCCESS);
    EXPECT(GrantedTo(Handle) == PROCESS_ALL_ACCESS && High.Before == 2);
    ZwClose(Handle);
}

static VOID
Ordered(VOID)
{
    HANDLE Handle;

    Reset();
    Low.Takes = PROCESS_TERMINATE;
    EXPECT(Register(&Low, L"1000.5", PsProcessType, BOTH, VERSION) == STATUS_SUCCESS);
    EXPECT(Register(&High, L"1000.51", PsProcessType, BOTH, VERSION) == STATUS_SUCCESS);
    EXPECT(OpenProcess(PROCESS_ALL_ACCESS, 0, &Handle) == STATUS_SUCCESS);
    EXPECT(High.Place == 1 && Low.Place == 2 && Low.AfterPlace == 3 && High.AfterPlace == 4);
    EXPECT(High.Granted == (PROCESS_ALL_ACCESS & ~PROCESS_TERMINATE));
    ZwClose(Handle);
    ObUnRegisterCallbacks(High.Handle);
    ObUnRegisterCallbacks(Low.Handle);
}

static VOID
Duplicating(VOID)
{
    HANDLE Handle, Copy;

    Reset();
    High.Takes = 2;                             // suspend and resume
    EXPECT(Register(&High, L"5", PsThreadType, OB_OPERATION_HANDLE_DUPLICATE, VERSION)
           == STATUS_SUCCESS);
    EXPECT(ObOpenObjectByPointer(PsGetCurrentThread(), OBJ_KERNEL_HANDLE, NULL, THREAD_ALL_ACCESS,
                                 *PsThreadType, KernelMode, &Handle) == STATUS_SUCCESS);
    EXPECT(High.Before == 0);
    EXPECT(ZwDuplicateObject(NtCurrentProcess(), Handle, NtCurrentProcess(), &Copy, 0, 0,
                             DUPLICATE_SAME_ACCESS) == STATUS_SUCCESS);
    EXPECT(High.Before == 1 && High.After == 1);
    EXPECT(High.Operation == OB_OPERATION_HANDLE_DUPLICATE && !High.Kernel);
    EXPECT(High.Object == PsGetCurrentThread() && High.Source == PsGetCurrentProcess()
           && High.Target == PsGetCurrentProcess());
    EXPECT(GrantedTo(Copy) == (GrantedTo(Handle) & ~2));
    ZwClose(Copy);
    ZwClose(Handle);
    ObUnRegisterCallbacks(High.Handle);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    static const KT_TEST Tests[] = {
        { "What cannot be registered is refused with its status", Registering },
        { "A callback takes rights away from a handle, and adds none", TakingAway },
        { "The highest altitude is called first before, and last after", Ordered },
        { "Duplicates are told with their source and target", Duplicating },
    };

    KtRun("ktobcall", Tests, RTL_NUMBER_OF(Tests));
    return STATUS_SUCCESS;
}
