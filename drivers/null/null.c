/*
 * null.sys, the smallest legal driver: \Device\Null, known to programs as NUL.
 *
 * Reads are at the end of the file at once, writes go nowhere and succeed. The driver keeps
 * nothing, so it has no locks and no extension: a table of four routines, a device, a link to it,
 * and an unload routine that takes both away again. `make drivers/mine` makes a copy to start from.
 */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD   NullUnload;
static DRIVER_DISPATCH NullCreateClose, NullRead, NullWrite;

static NTSTATUS
NullComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI
NullCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return NullComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI
NullRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return NullComplete(Irp, STATUS_END_OF_FILE, 0);
}

static NTSTATUS NTAPI
NullWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return NullComplete(Irp, STATUS_SUCCESS,
                        IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length);
}

static VOID NTAPI
NullUnload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\DosDevices\\NUL");

    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\Null");
    UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\DosDevices\\NUL");
    PDEVICE_OBJECT Device;
    NTSTATUS       Status;

    UNREFERENCED_PARAMETER(RegistryPath);

    Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_NULL, FILE_DEVICE_SECURE_OPEN,
                            FALSE, &Device);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Device);
        return Status;
    }

    DriverObject->MajorFunction[IRP_MJ_CREATE] = NullCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = NullCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = NullCreateClose;
    DriverObject->MajorFunction[IRP_MJ_READ] = NullRead;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = NullWrite;
    DriverObject->DriverUnload = NullUnload;
    return STATUS_SUCCESS;
}
