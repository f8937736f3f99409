/*
 * serial.sys: COM1, COM2, ... as \Device\Serial0, \Device\Serial1, ..., interrupt-driven. This file
 * makes the devices; transfer.c knows IRPs and time-outs, isr.c the UART. The life of a request:
 *
 *   SerialRead / SerialWrite    queue the IRP (it can be cancelled from here on), then try to
 *                               serve the queue
 *   SerialInterrupt             moves bytes between UART and rings, queues the DPC
 *   SerialDpc                   serves both queues
 *   SerialServe*                take IRPs whose bytes are there under Port->Lock, complete them
 *                               outside it
 *   SerialCleanup               cancels what a closing handle leaves behind
 *
 * Lock order: Port->Lock (DISPATCH_LEVEL), then the interrupt's lock through
 * KeSynchronizeExecution.
 */
#include "serial.h"

static const struct {
    PCWSTR Device, Link;
    USHORT Base;
    UCHAR  Irq;
} SerialHardware[SERIAL_PORTS] = {
    { L"\\Device\\Serial0", L"\\DosDevices\\COM1", 0x3F8, 4 },
    { L"\\Device\\Serial1", L"\\DosDevices\\COM2", 0x2F8, 3 },
    // on an interrupt of its own: an edge cannot be shared with COM1
    { L"\\Device\\Serial2", L"\\DosDevices\\COM3", 0x3E8, 5 },
};

/* The device itself can be opened; there is nothing below it. */
static NTSTATUS NTAPI
SerialCreate(PDEVICE_OBJECT Device, PIRP Irp)
{
    PFILE_OBJECT File = IoGetCurrentIrpStackLocation(Irp)->FileObject;

    return IrpComplete(Irp, File->FileName.Length ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_SUCCESS,
                       0);
}

static NTSTATUS NTAPI
SerialCleanup(PDEVICE_OBJECT Device, PIRP Irp)
{
    PSERIAL_PORT Port = Device->DeviceExtension;
    PFILE_OBJECT File = IoGetCurrentIrpStackLocation(Irp)->FileObject;

    IrpQueueCancelFile(&Port->Reads, File);
    IrpQueueCancelFile(&Port->Writes, File);
    return IrpComplete(Irp, STATUS_SUCCESS, 0);
}

/*
 * IRP_MJ_FLUSH_BUFFERS, and IRP_MJ_SHUTDOWN before the machine goes off: waits until the UART has
 * taken what was written, but gives up on a line that moves nothing for a second.
 */
static NTSTATUS NTAPI
SerialDrain(PDEVICE_OBJECT Device, PIRP Irp)
{
    PSERIAL_PORT  Port = Device->DeviceExtension;
    LARGE_INTEGER Second = { .QuadPart = -10000000 };
    NTSTATUS      Status = STATUS_SUCCESS;
    BOOLEAN       Drained;

    // looked at last: who waits beside another may have slept through the only event
    while (!(Drained = KeSynchronizeExecution(Port->Interrupt, SerialIsDrained, Port)) &&
           Status == STATUS_SUCCESS)
        Status = KeWaitForSingleObject(&Port->Moved, Executive, KernelMode, FALSE, &Second);
    return IrpComplete(Irp, Drained ? STATUS_SUCCESS : STATUS_IO_TIMEOUT, 0);
}

static NTSTATUS NTAPI
SerialControl(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PSERIAL_PORT       Port = Device->DeviceExtension;
    PSERIAL_TIMEOUTS   Timeouts = Irp->AssociatedIrp.SystemBuffer;

    switch (Stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_SERIAL_SET_TIMEOUTS:
        if (Stack->Parameters.DeviceIoControl.InputBufferLength < sizeof *Timeouts)
            return IrpComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
        return IrpComplete(Irp, SerialSetTimeouts(Port, Timeouts), 0);
    case IOCTL_SERIAL_GET_TIMEOUTS:
        if (Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof *Timeouts)
            return IrpComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
        SerialGetTimeouts(Port, Timeouts);
        return IrpComplete(Irp, STATUS_SUCCESS, sizeof *Timeouts);
    default:
        return IrpComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

static NTSTATUS NTAPI
SerialClose(PDEVICE_OBJECT Device, PIRP Irp)
{
    return IrpComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS
SerialConnect(PSERIAL_PORT Port, UCHAR Irq)
{
    KAFFINITY Affinity;
    NTSTATUS  Status;
    ULONG     Vector;
    KIRQL     Irql;

    Vector = HalGetInterruptVector(Isa, 0, Irq, Irq, &Irql, &Affinity);
    Status = IoConnectInterrupt(&Port->Interrupt, SerialInterrupt, Port, NULL, Vector, Irql, Irql,
                                Latched, FALSE, Affinity, FALSE);
    if (NT_SUCCESS(Status))
        KeSynchronizeExecution(Port->Interrupt, SerialEnableReceive, Port);
    return Status;
}

static NTSTATUS
SerialCreatePort(PDRIVER_OBJECT Driver, ULONG Index)
{
    PUCHAR         Base = (PUCHAR)(ULONG_PTR)SerialHardware[Index].Base;
    UNICODE_STRING Name, Link;
    PDEVICE_OBJECT Device;
    PSERIAL_PORT   Port;
    NTSTATUS       Status;

    if (!SerialPortExists(Base))
        return STATUS_NO_SUCH_DEVICE;

    RtlInitUnicodeString(&Name, SerialHardware[Index].Device);
    RtlInitUnicodeString(&Link, SerialHardware[Index].Link);
    Status = IoCreateDevice(Driver, sizeof(SERIAL_PORT), &Name, FILE_DEVICE_SERIAL_PORT, 0, TRUE,
                            &Device);
    if (!NT_SUCCESS(Status))
        return Status;

    Device->Flags |= DO_BUFFERED_IO;
    Port = Device->DeviceExtension;
    Port->Device = Device;
    Port->Base = Base;
    SerialInitializeQueues(Port);

    SerialProgram(Port);
    Status = SerialConnect(Port, SerialHardware[Index].Irq);
    if (!NT_SUCCESS(Status))
        goto DeleteDevice;
    Status = IoRegisterShutdownNotification(Device);
    if (!NT_SUCCESS(Status))
        goto Disconnect;
    Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status))
        goto Unregister;
    Device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;

Unregister:
    IoUnregisterShutdownNotification(Device);
Disconnect:
    SerialQuiet(Port);
    IoDisconnectInterrupt(Port->Interrupt);
DeleteDevice:
    IoDeleteDevice(Device);
    return Status;
}

/* Called when no handle to a port is left, so no IRP is queued. */
static VOID NTAPI
SerialUnload(PDRIVER_OBJECT Driver)
{
    UNICODE_STRING Link;

    while (Driver->DeviceObject) {
        PSERIAL_PORT Port = Driver->DeviceObject->DeviceExtension;

        IoUnregisterShutdownNotification(Driver->DeviceObject);
        SerialQuiet(Port);
        IoDisconnectInterrupt(Port->Interrupt);
        KeCancelTimer(&Port->Timer);
        KeRemoveQueueDpc(&Port->Dpc);
        KeFlushQueuedDpcs();
        IoDeleteDevice(Driver->DeviceObject);
    }
    for (ULONG Index = 0; Index < SERIAL_PORTS; Index++) {
        RtlInitUnicodeString(&Link, SerialHardware[Index].Link);
        IoDeleteSymbolicLink(&Link);
    }
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    ULONG Created = 0;

    Driver->MajorFunction[IRP_MJ_CREATE] = SerialCreate;
    Driver->MajorFunction[IRP_MJ_CLEANUP] = SerialCleanup;
    Driver->MajorFunction[IRP_MJ_CLOSE] = SerialClose;
    Driver->MajorFunction[IRP_MJ_READ] = SerialRead;
    Driver->MajorFunction[IRP_MJ_WRITE] = SerialWrite;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = SerialControl;
    Driver->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = SerialDrain;
    Driver->MajorFunction[IRP_MJ_SHUTDOWN] = SerialDrain;
    Driver->DriverUnload = SerialUnload;

    for (ULONG Index = 0; Index < SERIAL_PORTS; Index++) {
        NTSTATUS Status = SerialCreatePort(Driver, Index);

        if (NT_SUCCESS(Status))
            Created++;
        else if (Status != STATUS_NO_SUCH_DEVICE)
            DbgPrint("serial: port %u cannot be used, status 0x%08X\n", Index + 1, Status);
    }
    return Created ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE;
}
