/*
 * irptrack.sys, a filter that shows what passes between the I/O manager and a device.
 *
 * A program opens \\.\IrpTrack\Device\Example; the driver attaches a filter (filter.c) above
 * \Device\Example and keeps a record of each IRP until the program reads it, by ReadFile. The
 * filter belongs to the file: the file's cleanup takes it out of the stack, so it goes also when
 * the program dies.
 *
 * One driver, two kinds of device: the control device has a name and its own dispatch routines;
 * a filter has neither name nor opinion, and passes every major function. All go through
 * TrackDispatch, which tells them apart by the device the IRP was sent to.
 *
 * Everybody may open the control device, and so look into and refuse other users' requests: right
 * for a machine to learn on. Elsewhere such a device is made with a descriptor that lets only
 * administrators in, by IoCreateDeviceSecure.
 *
 * Filters that have left their stacks stay as devices until the driver is unloaded (filter.c says
 * why). FsContext of a control file is its filter, from its create on.
 */
#include "irptrack.h"

static PDEVICE_OBJECT TrackControlDevice;

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD   TrackUnload;
static DRIVER_DISPATCH TrackDispatch;

NTSTATUS
TrackComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS
TrackControl(PTRACK_FILTER Filter, PIO_STACK_LOCATION Stack, const ULONG *Flags)
{
    if (Stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_IRPTRACK_SET_FLAGS)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (Stack->Parameters.DeviceIoControl.InputBufferLength != sizeof *Flags)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (*Flags & ~(IRPTRACK_PASS_BLIND | IRPTRACK_REFUSE_WRITES))
        return STATUS_INVALID_PARAMETER;
    Filter->Flags = *Flags;
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI
TrackDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PFILE_OBJECT       File = Stack->FileObject;
    PDEVICE_OBJECT     Filter = File != NULL ? File->FsContext : NULL;

    if (DeviceObject != TrackControlDevice)
        return TrackPass(DeviceObject, Irp);
    if (Filter == NULL && Stack->MajorFunction != IRP_MJ_CREATE)
        return TrackComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);

    switch (Stack->MajorFunction) {
    case IRP_MJ_CREATE:
        return TrackComplete(Irp, TrackAttach(DeviceObject->DriverObject, &File->FileName,
            (PDEVICE_OBJECT *)&File->FsContext), FILE_OPENED);
    case IRP_MJ_READ:
        return TrackComplete(Irp, STATUS_SUCCESS, TrackRead(Filter->DeviceExtension,
            Irp->AssociatedIrp.SystemBuffer, Stack->Parameters.Read.Length));
    case IRP_MJ_DEVICE_CONTROL:
        return TrackComplete(Irp, TrackControl(Filter->DeviceExtension, Stack,
            Irp->AssociatedIrp.SystemBuffer), 0);
    case IRP_MJ_CLEANUP:
        TrackLeave(Filter);
        // fall through
    case IRP_MJ_CLOSE:
        return TrackComplete(Irp, STATUS_SUCCESS, 0);
    default:
        return TrackComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

/*
 * No control file is open and nobody is attached above a filter, so all can go; a completion
 * routine may still be on its last instructions.
 */
static VOID NTAPI
TrackUnload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(IRPTRACK_DOS_DEVICE_NAME);
    PDEVICE_OBJECT Device;

    IoDeleteSymbolicLink(&Link);
    for (Device = DriverObject->DeviceObject; Device != NULL; Device = Device->NextDevice)
        if (Device != TrackControlDevice)
            TrackStop(Device);
    KeFlushQueuedDpcs();
    while (DriverObject->DeviceObject != NULL)
        IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(IRPTRACK_NT_DEVICE_NAME);
    UNICODE_STRING Link = RTL_CONSTANT_STRING(IRPTRACK_DOS_DEVICE_NAME);
    NTSTATUS       Status;
    ULONG          Major;

    UNREFERENCED_PARAMETER(RegistryPath);

    Status = IoCreateDevice(DriverObject, 0, &Name, IRPTRACK_DEVICE_TYPE,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &TrackControlDevice);
    if (!NT_SUCCESS(Status))
        return Status;
    TrackControlDevice->Flags |= DO_BUFFERED_IO;
    Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(TrackControlDevice);
        return Status;
    }

    for (Major = 0; Major <= IRP_MJ_MAXIMUM_FUNCTION; Major++)
        DriverObject->MajorFunction[Major] = TrackDispatch;
    DriverObject->DriverUnload = TrackUnload;
    return STATUS_SUCCESS;
}
