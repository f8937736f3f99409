/*
 * getdev.sys takes other drivers' devices with IoGetDeviceObjectPointer, and keeps them, returns
 * them, or forgets to return them, as its program asks: an experiment about who keeps what alive.
 * A device that its service's key names (Parameters\Target) is taken when it is loaded.
 *
 * IoGetDeviceObjectPointer opens the device, references the file object that this makes, and
 * closes the handle again. What its caller has afterwards is one reference to a *file object*; the
 * device pointer it also gets is counted nowhere and is good only as long as that file object
 * lives. So there is one thing to give back, with ObDereferenceObject(FileObject), and until then
 * the target's device counts an open file and its driver cannot go. A driver that forgets (here:
 * IOCTL_GETDEV_FORGET) makes the target's driver impossible to unload until the machine is
 * restarted, even after it is itself gone.
 *
 * IoGetDeviceObjectPointer asks as the kernel, whom nothing is refused, and everybody may open this
 * driver's device: right for an experiment. Elsewhere such a device is made with a descriptor that
 * lets only administrators in, by IoCreateDeviceSecure.
 *
 * Entries are added and removed at the end of a small array, under a fast mutex. Control requests
 * run in the program's thread at PASSIVE_LEVEL, so waiting there is allowed. Letting go of a file
 * object sends IRPs to the target's driver and may unload it: that is never done with the mutex
 * held.
 */
#include <ntddk.h>
#include "getdev_ioctl.h"

typedef struct _GETDEV_KEPT {
    PFILE_OBJECT   FileObject;              // referenced: what keeps the target's device
    PDEVICE_OBJECT DeviceObject;            // not referenced: alive as long as FileObject is
    WCHAR          Name[GETDEV_MAX_NAME];
} GETDEV_KEPT, *PGETDEV_KEPT;

typedef struct _GETDEV_EXTENSION {
    FAST_MUTEX  Mutex;
    /* Guarded by Mutex: */
    ULONG       Count;
    GETDEV_KEPT Kept[GETDEV_MAX_KEPT];
} GETDEV_EXTENSION, *PGETDEV_EXTENSION;

/*
 * Without it a value of another type than the routine's caller had in mind overwrites what
 * EntryContext points to. <wdm.h> has it; mingw-w64's does not.
 */
#ifndef RTL_QUERY_REGISTRY_TYPECHECK
#define RTL_QUERY_REGISTRY_TYPECHECK        0x00000100
#define RTL_QUERY_REGISTRY_TYPECHECK_SHIFT  24
#endif

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD   GetDevUnload;
static DRIVER_DISPATCH GetDevCreateClose, GetDevControl;

static VOID
GetDevDescribe(const GETDEV_KEPT *Kept, PGETDEV_ENTRY Entry)
{
    Entry->FileObject = (ULONG_PTR)Kept->FileObject;
    Entry->DeviceObject = (ULONG_PTR)Kept->DeviceObject;
    Entry->StackSize = (ULONG)Kept->DeviceObject->StackSize;
    Entry->DeviceType = Kept->DeviceObject->DeviceType;
    RtlCopyMemory(Entry->Name, Kept->Name, sizeof Entry->Name);
}

/* The one call this driver is about. Kept->Name is set; on success the file object is ours. */
static __declspec(noinline) NTSTATUS
GetDevTake(PGETDEV_KEPT Kept)
{
    UNICODE_STRING Name;

    RtlInitUnicodeString(&Name, Kept->Name);
    return IoGetDeviceObjectPointer(&Name, FILE_READ_DATA, &Kept->FileObject,
                                    &Kept->DeviceObject);
}

/* Gives back what GetDevTake got; DeviceObject may be gone when this returns. */
static __declspec(noinline) VOID
GetDevLetGo(PGETDEV_KEPT Kept)
{
    ObDereferenceObject(Kept->FileObject);
    Kept->FileObject = NULL;
    Kept->DeviceObject = NULL;
}

static __declspec(noinline) BOOLEAN
GetDevKeep(PGETDEV_EXTENSION Extension, const GETDEV_KEPT *Kept)
{
    BOOLEAN Room;

    ExAcquireFastMutex(&Extension->Mutex);
    Room = Extension->Count < GETDEV_MAX_KEPT;
    if (Room)
        Extension->Kept[Extension->Count++] = *Kept;
    ExReleaseFastMutex(&Extension->Mutex);
    return Room;
}

/* Takes the newest entry off the array. */
static BOOLEAN
GetDevPop(PGETDEV_EXTENSION Extension, PGETDEV_KEPT Kept)
{
    BOOLEAN Any;

    ExAcquireFastMutex(&Extension->Mutex);
    Any = Extension->Count != 0;
    if (Any)
        *Kept = Extension->Kept[--Extension->Count];
    ExReleaseFastMutex(&Extension->Mutex);
    return Any;
}

/* IOCTL_GETDEV_TAKE and PEEK. Buffer holds the name and takes the entry. */
static NTSTATUS
GetDevOpen(PGETDEV_EXTENSION Extension, PVOID Buffer, ULONG InputLength, BOOLEAN Keep)
{
    GETDEV_KEPT Kept = { 0 };
    NTSTATUS    Status;

    if (InputLength == 0 || InputLength % sizeof(WCHAR) != 0
        || InputLength > (GETDEV_MAX_NAME - 1) * sizeof(WCHAR))
        return STATUS_INVALID_PARAMETER;
    RtlCopyMemory(Kept.Name, Buffer, InputLength);

    Status = GetDevTake(&Kept);
    if (!NT_SUCCESS(Status))
        return Status;
    GetDevDescribe(&Kept, Buffer);
    if (!Keep || !GetDevKeep(Extension, &Kept)) {
        GetDevLetGo(&Kept);
        if (Keep)
            return STATUS_INSUFFICIENT_RESOURCES;
    }
    return STATUS_SUCCESS;
}

/* Takes the device that the service's key names in Parameters\Target, if it names one. */
static VOID
GetDevTakeAtLoad(PGETDEV_EXTENSION Extension, PUNICODE_STRING RegistryPath)
{
    GETDEV_KEPT              Kept = { 0 };
    UNICODE_STRING           Target = { 0, sizeof Kept.Name, Kept.Name };
    RTL_QUERY_REGISTRY_TABLE Table[3] = {
        { .Flags = RTL_QUERY_REGISTRY_SUBKEY, .Name = L"Parameters" },
        { .Flags = RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_TYPECHECK, .Name = L"Target",
          .EntryContext = &Target, .DefaultType = REG_SZ << RTL_QUERY_REGISTRY_TYPECHECK_SHIFT },
    };
    WCHAR                    Path[2 * GETDEV_MAX_NAME] = { 0 };   // RegistryPath may have no 0
    NTSTATUS                 Status;

    if (RegistryPath->Length > sizeof Path - sizeof(WCHAR))
        return;
    RtlCopyMemory(Path, RegistryPath->Buffer, RegistryPath->Length);
    Status = RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, Path, Table, NULL, NULL);
    if (!NT_SUCCESS(Status) || Target.Length == 0)
        return;
    Status = GetDevTake(&Kept);
    if (NT_SUCCESS(Status))
        GetDevKeep(Extension, &Kept);
    else
        DbgPrint("getdev: cannot take %ws, status %08x\n", Kept.Name, Status);
}

/* IOCTL_GETDEV_DROP and FORGET. */
static NTSTATUS
GetDevRelease(PGETDEV_EXTENSION Extension, PGETDEV_ENTRY Entry, BOOLEAN Forget)
{
    GETDEV_KEPT Kept;

    if (!GetDevPop(Extension, &Kept))
        return STATUS_NOT_FOUND;
    GetDevDescribe(&Kept, Entry);
    if (!Forget)
        GetDevLetGo(&Kept);
    return STATUS_SUCCESS;
}

static NTSTATUS
GetDevList(PGETDEV_EXTENSION Extension, PGETDEV_ENTRY Entries, ULONG Length, PULONG_PTR Written)
{
    ULONG Index;

    ExAcquireFastMutex(&Extension->Mutex);
    for (Index = 0; Index < Extension->Count && Length >= (Index + 1) * sizeof *Entries; Index++)
        GetDevDescribe(&Extension->Kept[Index], &Entries[Index]);
    ExReleaseFastMutex(&Extension->Mutex);
    *Written = Index * sizeof *Entries;
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI
GetDevControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PGETDEV_EXTENSION  Extension = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Sp = IoGetCurrentIrpStackLocation(Irp);
    ULONG              Code = Sp->Parameters.DeviceIoControl.IoControlCode;
    ULONG              Input = Sp->Parameters.DeviceIoControl.InputBufferLength;
    ULONG              Output = Sp->Parameters.DeviceIoControl.OutputBufferLength;
    PVOID              Buffer = Irp->AssociatedIrp.SystemBuffer;
    ULONG_PTR          Written = sizeof(GETDEV_ENTRY);
    NTSTATUS           Status;

    if (Code == IOCTL_GETDEV_LIST)
        Status = GetDevList(Extension, Buffer, Output, &Written);
    else if (Output < sizeof(GETDEV_ENTRY))
        Status = STATUS_BUFFER_TOO_SMALL;
    else if (Code == IOCTL_GETDEV_TAKE || Code == IOCTL_GETDEV_PEEK)
        Status = GetDevOpen(Extension, Buffer, Input, Code == IOCTL_GETDEV_TAKE);
    else if (Code == IOCTL_GETDEV_DROP || Code == IOCTL_GETDEV_FORGET)
        Status = GetDevRelease(Extension, Buffer, Code == IOCTL_GETDEV_FORGET);
    else
        Status = STATUS_INVALID_DEVICE_REQUEST;

    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = NT_SUCCESS(Status) ? Written : 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI
GetDevCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

/* What is still kept is given back; what was forgotten nobody can give back any more. */
static VOID NTAPI
GetDevUnload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(GETDEV_DOS_DEVICE_NAME);
    GETDEV_KEPT    Kept;

    while (GetDevPop(DriverObject->DeviceObject->DeviceExtension, &Kept))
        GetDevLetGo(&Kept);
    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING    Name = RTL_CONSTANT_STRING(GETDEV_NT_DEVICE_NAME);
    UNICODE_STRING    Link = RTL_CONSTANT_STRING(GETDEV_DOS_DEVICE_NAME);
    PGETDEV_EXTENSION Extension;
    PDEVICE_OBJECT    Device;
    NTSTATUS          Status;

    Status = IoCreateDevice(DriverObject, sizeof *Extension, &Name, GETDEV_DEVICE_TYPE,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &Device);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Device);
        return Status;
    }
    Extension = Device->DeviceExtension;
    ExInitializeFastMutex(&Extension->Mutex);
    Extension->Count = 0;
    GetDevTakeAtLoad(Extension, RegistryPath);

    DriverObject->MajorFunction[IRP_MJ_CREATE] = GetDevCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = GetDevCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = GetDevCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = GetDevControl;
    DriverObject->DriverUnload = GetDevUnload;
    return STATUS_SUCCESS;
}
