/*
 * Driver objects: loaded, initialised, unloaded.
 *
 * Loading makes the object \Driver\NAME first, so that its name keeps a second load of the same
 * service out, then reads and maps the image, then calls DriverEntry in the System process. If
 * any of it fails, what was done is undone: devices that DriverEntry left are deleted and named,
 * the object loses its name and its last reference, and with it the image goes.
 *
 * Who keeps a driver: the load (one reference, dropped after DriverUnload ran) and each device
 * object (one each). The image is unmapped by the object's delete procedure, after all DPCs that
 * were queued have run; so no dispatch routine, work item or DPC of the driver finds its code
 * gone.
 *
 * Unloading (IopUnloadDriver in device.c) sets DOE_UNLOAD_PENDING on all devices, which refuses
 * new opens; when no file and no attached device is left, DRVO_UNLOAD_INVOKED is set and
 * DriverUnload called, once. Loading the service again while the unload is still waiting takes
 * the DOE_UNLOAD_PENDING flags back.
 */
#include "iop.h"

/* What IopRunInSystem carries to a worker thread. */
typedef struct _SYSTEM_CALL {
    WORK_QUEUE_ITEM Item;
    NTSTATUS      (*Routine)(PVOID);
    PVOID           Context;
    NTSTATUS        Status;
    KEVENT          Done;
} SYSTEM_CALL;

static VOID NTAPI
IopSystemWorker(PVOID Context)
{
    SYSTEM_CALL *Call = Context;

    Call->Status = Call->Routine(Call->Context);
    KeSetEvent(&Call->Done, 0, FALSE);
}

NTSTATUS
IopRunInSystem(NTSTATUS (*Routine)(PVOID), PVOID Context)
{
    SYSTEM_CALL Call = { .Routine = Routine, .Context = Context };

    PAGED_CODE();

    if ((PEPROCESS)IoGetCurrentProcess() == PsInitialSystemProcess &&
        KeGetCurrentIrql() == PASSIVE_LEVEL)
        return Routine(Context);

    KeInitializeEvent(&Call.Done, NotificationEvent, FALSE);
    ExInitializeWorkItem(&Call.Item, IopSystemWorker, &Call);
    ExQueueWorkItem(&Call.Item, DelayedWorkQueue);
    KeWaitForSingleObject(&Call.Done, Executive, KernelMode, FALSE, NULL);
    return Call.Status;
}

NTSTATUS
IopJoinName(PUNICODE_STRING Result, PCWSTR Prefix, PCUNICODE_STRING Name)
{
    SIZE_T Length = wcslen(Prefix) * sizeof(WCHAR) + Name->Length;

    Result->Buffer = NULL;
    if (Length + sizeof(WCHAR) > MAXUSHORT)
        return STATUS_NAME_TOO_LONG;
    Result->MaximumLength = (USHORT)(Length + sizeof(WCHAR));
    Result->Length = 0;
    Result->Buffer = ExAllocatePoolWithTag(NonPagedPool, Result->MaximumLength, IOP_TAG_NAME);
    if (Result->Buffer == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlAppendUnicodeToString(Result, Prefix);
    RtlAppendUnicodeStringToString(Result, Name);
    Result->Buffer[Result->Length / sizeof(WCHAR)] = 0;
    return STATUS_SUCCESS;
}

VOID
IopFreeName(PUNICODE_STRING Name)
{
    if (Name->Buffer != NULL)
        ExFreePoolWithTag(Name->Buffer, IOP_TAG_NAME);
}

/* Delete procedure of the type: nothing of the driver is left but its image. */
VOID
IopDeleteDriverObject(PVOID Object)
{
    PDRIVER_OBJECT        Driver = Object;
    PIOP_DRIVER_EXTENSION Extension = IopDriverExtension(Driver);

    if (Extension == NULL)
        return;
    while (Extension->Clients != NULL) {
        PIOP_CLIENT_EXTENSION Client = Extension->Clients;

        Extension->Clients = Client->Next;
        ExFreePoolWithTag(Client, IOP_TAG_DRIVER);
    }
    if (Extension->Module != NULL) {
        IopVisitTags(Driver, TRUE);
        if (Extension->Module->LoadCount == 1)
            IopCheckQueues(Driver);
        KeFlushQueuedDpcs();
        DbgPrint("io: %wZ is unloaded\n", &Driver->DriverName);
        MmUnloadSystemImage(Extension->Module);
    }
    IopFreeName(&Extension->ServiceKeyName);
    IopFreeName(&Driver->DriverName);
}

/* The named object with one reference, everything but the image filled in. */
static NTSTATUS
IopCreateDriverObject(PCUNICODE_STRING ServiceName, PDRIVER_OBJECT *Result)
{
    UNICODE_STRING        DriverName;
    OBJECT_ATTRIBUTES     Attributes;
    PIOP_DRIVER_EXTENSION Extension;
    PDRIVER_OBJECT        Driver;
    NTSTATUS              Status;

    Status = IopJoinName(&DriverName, L"\\Driver\\", ServiceName);
    if (!NT_SUCCESS(Status))
        return Status;
    InitializeObjectAttributes(&Attributes, &DriverName,
                               OBJ_PERMANENT | OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL,
                               NULL);
    Status = ObCreateObject(KernelMode, IopDriverObjectType, &Attributes, KernelMode, NULL,
                            sizeof *Driver + sizeof *Extension, 0, 0, (PVOID *)&Driver);
    if (!NT_SUCCESS(Status)) {
        IopFreeName(&DriverName);
        return Status;
    }

    RtlZeroMemory(Driver, sizeof *Driver + sizeof *Extension);
    Extension = (PIOP_DRIVER_EXTENSION)(Driver + 1);
    Extension->DriverObject = Driver;
    Driver->Type = IO_TYPE_DRIVER;
    Driver->Size = sizeof *Driver;
    Driver->Flags = DRVO_LEGACY_DRIVER;
    Driver->DriverExtension = (PDRIVER_EXTENSION)Extension;
    Driver->DriverName = DriverName;
    for (ULONG Major = 0; Major <= IRP_MJ_MAXIMUM_FUNCTION; Major++)
        Driver->MajorFunction[Major] = IopInvalidDeviceRequest;

    Status = IopJoinName(&Extension->ServiceKeyName, L"", ServiceName);
    if (!NT_SUCCESS(Status)) {
        ObDereferenceObject(Driver);
        return Status;
    }
    Status = ObInsertObject(Driver, NULL, 0, 1, NULL, NULL);
    *Result = Driver;
    return Status;
}

/* The full name of the service's file; freed with IopFreeName. */
static NTSTATUS
IopImageName(PIOP_SERVICE Service, PUNICODE_STRING FullName)
{
    UNICODE_STRING Ending = RTL_CONSTANT_STRING(L".sys"), Path;
    NTSTATUS       Status;

    if (Service->ImagePath.Length != 0 && Service->ImagePath.Buffer[0] == L'\\')
        return IopJoinName(FullName, L"", &Service->ImagePath);
    if (Service->ImagePath.Length != 0)
        return IopJoinName(FullName, L"\\SystemRoot\\", &Service->ImagePath);
    Status = IopJoinName(&Path, L"\\SystemRoot\\System32\\drivers\\", &Service->Name);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = IopJoinName(FullName, Path.Buffer, &Ending);
    IopFreeName(&Path);
    return Status;
}

static NTSTATUS
IopLoadImage(PDRIVER_OBJECT Driver, PIOP_SERVICE Service)
{
    PKLDR_DATA_TABLE_ENTRY Module;
    UNICODE_STRING         FullName;
    BOOLEAN                FromPool;
    SIZE_T                 Size;
    PVOID                  Data;
    NTSTATUS               Status;

    Status = IopImageName(Service, &FullName);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = IopReadImageFile(&FullName, &Data, &Size, &FromPool);
    if (NT_SUCCESS(Status)) {
        Status = MmLoadSystemImage(&FullName, Data, Size, &Module);
        if (FromPool)
            ExFreePoolWithTag(Data, IOP_TAG_OTHER);
    }
    if (NT_SUCCESS(Status))
        PsReportImage(&FullName, NULL, Module->DllBase, Module->SizeOfImage);
    IopFreeName(&FullName);
    if (!NT_SUCCESS(Status))
        return Status;

    IopDriverExtension(Driver)->Module = Module;
    Driver->DriverSection = Module;
    Driver->DriverStart = Module->DllBase;
    Driver->DriverSize = Module->SizeOfImage;
    Driver->DriverInit = (PDRIVER_INITIALIZE)Module->EntryPoint;
    IopVisitTags(Driver, FALSE);
    return STATUS_SUCCESS;
}

/* Deletes what a DriverEntry that failed has left. */
static VOID
IopCleanUpFailedDriver(PDRIVER_OBJECT Driver)
{
    while (Driver->DeviceObject != NULL) {
        PDEVICE_OBJECT Device = Driver->DeviceObject;

        DbgPrint("io: %wZ failed and left device %p behind\n", &Driver->DriverName, Device);
        if (IopExtension(Device)->AttachedTo != NULL)
            IoDetachDevice(IopExtension(Device)->AttachedTo);
        IoDeleteDevice(Device);
        if (Driver->DeviceObject == Device)
            // somebody uses it already: the driver stays until that ends
            break;
    }
}

static NTSTATUS
IopCallDriverEntry(PDRIVER_OBJECT Driver, PCUNICODE_STRING KeyPath)
{
    ULONG64        State = KiCalloutState();
    UNICODE_STRING RegistryPath;
    NTSTATUS       Status;

    Status = IopJoinName(&RegistryPath, L"", KeyPath);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = Driver->DriverInit(Driver, &RegistryPath);
    IopFreeName(&RegistryPath);

    KiCheckCallout(KiDriverEntry, Driver->DriverInit, Driver, PASSIVE_LEVEL, State);
    if (!NT_SUCCESS(Status)) {
        DbgPrint("io: %wZ: DriverEntry failed with status %08x\n", &Driver->DriverName, Status);
        IopCleanUpFailedDriver(Driver);
        IopReportLeftovers(Driver);
        return Status;
    }
    for (ULONG Major = 0; Major <= IRP_MJ_MAXIMUM_FUNCTION; Major++)
        if (Driver->MajorFunction[Major] == NULL)
            Driver->MajorFunction[Major] = IopInvalidDeviceRequest;
    for (PDEVICE_OBJECT Device = Driver->DeviceObject; Device != NULL; Device = Device->NextDevice)
        Device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

/*
 * The service's driver is there already: takes a waiting unload back, or says
 * STATUS_IMAGE_ALREADY_LOADED.
 */
static NTSTATUS
IopResurrectDriver(PCUNICODE_STRING ServiceName)
{
    NTSTATUS       Status = STATUS_IMAGE_ALREADY_LOADED;
    UNICODE_STRING Name;
    PDRIVER_OBJECT Driver;
    KIRQL          Irql;

    if (!NT_SUCCESS(IopJoinName(&Name, L"\\Driver\\", ServiceName)))
        return STATUS_INSUFFICIENT_RESOURCES;
    if (NT_SUCCESS(ObReferenceObjectByName(&Name, OBJ_CASE_INSENSITIVE, NULL, 0,
                                           IopDriverObjectType, KernelMode, NULL,
                                           (PVOID *)&Driver))) {
        KeAcquireSpinLock(&IopDatabaseLock, &Irql);
        for (PDEVICE_OBJECT Device = Driver->DeviceObject; Device != NULL;
             Device = Device->NextDevice) {
            if ((IopExtension(Device)->ExtensionFlags & DOE_UNLOAD_PENDING) &&
                !(Driver->Flags & DRVO_UNLOAD_INVOKED)) {
                IopExtension(Device)->ExtensionFlags &= ~DOE_UNLOAD_PENDING;
                Status = STATUS_SUCCESS;
            }
        }
        if (Status == STATUS_SUCCESS)
            IopDriverExtension(Driver)->Module->Flags &= ~LDRP_UNLOAD_IN_PROGRESS;
        KeReleaseSpinLock(&IopDatabaseLock, Irql);
        ObDereferenceObject(Driver);
    }
    IopFreeName(&Name);
    return Status;
}

static NTSTATUS
IopLoadService(PIOP_SERVICE Service)
{
    PDRIVER_OBJECT Driver;
    NTSTATUS       Status = IopCreateDriverObject(&Service->Name, &Driver);

    if (Status == STATUS_OBJECT_NAME_COLLISION)
        return IopResurrectDriver(&Service->Name);
    if (!NT_SUCCESS(Status))
        return Status;

    Status = IopLoadImage(Driver, Service);
    if (NT_SUCCESS(Status))
        Status = IopCallDriverEntry(Driver, &Service->KeyPath);
    if (NT_SUCCESS(Status)) {
        Driver->Flags |= DRVO_INITIALIZED;
        DbgPrint("io: %wZ is loaded at %p\n", &Driver->DriverName, Driver->DriverStart);
        if (Driver->Flags & DRVO_REINIT_REGISTERED)
            IopReinitializeLate();
        return STATUS_SUCCESS;
    }
    ObMakeTemporaryObject(Driver);
    ObDereferenceObject(Driver);
    return Status;
}

NTSTATUS
IopLoadDriver(PUNICODE_STRING KeyPath)
{
    IOP_SERVICE Service;
    NTSTATUS    Status = IopReadService(KeyPath, &Service);

    PAGED_CODE();

    if (!NT_SUCCESS(Status))
        return Status;
    Status = IopLoadService(&Service);
    IopFreeService(&Service);
    return Status;
}
