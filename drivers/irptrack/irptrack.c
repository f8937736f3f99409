/*
 * irptrack.sys, a filter that shows what passes between the I/O manager and a device.
 *
 * A program opens \\.\IrpTrack and names a device; the driver attaches a filter (filter.c) above
 * it and keeps a record of each IRP until the program reads it. The filter belongs to the file:
 * the file's cleanup takes it out of the stack, so it goes also when the program dies.
 *
 * One driver, two kinds of device: the control device has a name and its own dispatch routines;
 * a filter has neither name nor opinion, and passes every major function. All go through
 * TrackDispatch, which tells them apart by the device the IRP was sent to.
 *
 * Filters that have left their stacks stay as devices until the driver is unloaded (filter.c says
 * why). FsContext of a control file is its filter, or NULL; it changes once, from NULL.
 */
#include "irptrack.h"

PDEVICE_OBJECT TrackControlDevice;

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

/* FsContext of a file whose filter is being attached. */
#define TRACK_BUSY  ((PVOID)1)

static NTSTATUS
TrackAttachFor(PFILE_OBJECT File, PIRPTRACK_ATTACH Request, ULONG Length)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Filter;
    NTSTATUS       Status;

    if (Length != sizeof *Request)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (Request->Flags & ~(IRPTRACK_PASS_BLIND | IRPTRACK_REFUSE_WRITES))
        return STATUS_INVALID_PARAMETER;
    Request->Name[IRPTRACK_MAX_NAME - 1] = L'\0';
    RtlInitUnicodeString(&Name, Request->Name);

    if (InterlockedCompareExchangePointer(&File->FsContext, TRACK_BUSY, NULL) != NULL)
        return STATUS_DEVICE_BUSY;
    Status = TrackAttach(TrackControlDevice->DriverObject, &Name, Request->Flags, &Filter);
    InterlockedExchangePointer(&File->FsContext, NT_SUCCESS(Status) ? Filter : NULL);
    return Status;
}

static NTSTATUS
TrackControl(PIRP Irp, PIO_STACK_LOCATION Stack)
{
    ULONG          InputLength = Stack->Parameters.DeviceIoControl.InputBufferLength;
    ULONG          OutputLength = Stack->Parameters.DeviceIoControl.OutputBufferLength;
    PVOID          Buffer = Irp->AssociatedIrp.SystemBuffer;
    PDEVICE_OBJECT Device = Stack->FileObject->FsContext;
    ULONG          Count;

    if (Stack->Parameters.DeviceIoControl.IoControlCode == IOCTL_IRPTRACK_ATTACH)
        return TrackComplete(Irp, TrackAttachFor(Stack->FileObject, Buffer, InputLength), 0);
    if (Device == NULL || Device == TRACK_BUSY)
        return TrackComplete(Irp, STATUS_INVALID_DEVICE_STATE, 0);

    switch (Stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_IRPTRACK_READ:
        Count = TrackRead(Device->DeviceExtension, Buffer, OutputLength / sizeof(IRPTRACK_RECORD));
        return TrackComplete(Irp, STATUS_SUCCESS, Count * sizeof(IRPTRACK_RECORD));
    case IOCTL_IRPTRACK_LOST:
        if (OutputLength < sizeof(ULONG))
            return TrackComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
        *(PULONG)Buffer = TrackLost(Device->DeviceExtension);
        return TrackComplete(Irp, STATUS_SUCCESS, sizeof(ULONG));
    default:
        return TrackComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

static NTSTATUS NTAPI
TrackDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

    if (DeviceObject != TrackControlDevice)
        return TrackPass(DeviceObject, Irp);

    switch (Stack->MajorFunction) {
    case IRP_MJ_CREATE:
    case IRP_MJ_CLOSE:
        return TrackComplete(Irp, STATUS_SUCCESS, 0);
    case IRP_MJ_CLEANUP:
        if (Stack->FileObject->FsContext != NULL)
            TrackLeave(Stack->FileObject->FsContext);
        return TrackComplete(Irp, STATUS_SUCCESS, 0);
    case IRP_MJ_DEVICE_CONTROL:
        return TrackControl(Irp, Stack);
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
    TrackUninitialize();
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(IRPTRACK_NT_DEVICE_NAME);
    UNICODE_STRING Link = RTL_CONSTANT_STRING(IRPTRACK_DOS_DEVICE_NAME);
    NTSTATUS       Status;
    ULONG          Major;

    UNREFERENCED_PARAMETER(RegistryPath);

    Status = IoCreateDevice(DriverObject, 0, &Name, IRPTRACK_DEVICE_TYPE, 0, FALSE,
                            &TrackControlDevice);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(TrackControlDevice);
        return Status;
    }

    TrackInitialize();
    for (Major = 0; Major <= IRP_MJ_MAXIMUM_FUNCTION; Major++)
        DriverObject->MajorFunction[Major] = TrackDispatch;
    DriverObject->DriverUnload = TrackUnload;
    return STATUS_SUCCESS;
}
