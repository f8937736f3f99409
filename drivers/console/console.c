/*
 * console.sys: \Device\Console0 and \Device\Console1, a line-editing terminal over each serial
 * port, as programs see it: reads give lines, writes show text, Ctrl-C is a break. Layered over
 * serial.sys through IoGetDeviceObjectPointer, as a class driver is over its port driver: it
 * sends requests of its own (pump.c) rather than passing the program's down, because one line
 * typed answers one read however the bytes arrived.
 *
 * A request's course: the dispatch routine queues the IRP where it can be cancelled, then calls
 * ConsoleRun, which completes whatever can be completed now; later completions come out of the
 * serial driver's completions. Cleanup cancels what a closing file leaves queued. The mode
 * belongs to the console, not to a file.
 */
#include "consolep.h"

static const struct {
    PCWSTR Device, Link, Serial;
} ConsoleNames[CONSOLES] = {
    { L"\\Device\\Console0", L"\\DosDevices\\CONSOLE0", L"\\Device\\Serial0" },
    { L"\\Device\\Console1", L"\\DosDevices\\CONSOLE1", L"\\Device\\Serial1" },
};

static NTSTATUS NTAPI
ConsoleCreateFile(PDEVICE_OBJECT Device, PIRP Irp)
{
    PFILE_OBJECT File = IoGetCurrentIrpStackLocation(Irp)->FileObject;

    return IrpComplete(Irp, File->FileName.Length ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_SUCCESS,
                       0);
}

static NTSTATUS NTAPI
ConsoleCleanup(PDEVICE_OBJECT Device, PIRP Irp)
{
    PCONSOLE     Console = Device->DeviceExtension;
    PFILE_OBJECT File = IoGetCurrentIrpStackLocation(Irp)->FileObject;

    IrpQueueCancelFile(&Console->Reads, File);
    IrpQueueCancelFile(&Console->Writes, File);
    IrpQueueCancelFile(&Console->BreakWaits, File);
    return IrpComplete(Irp, STATUS_SUCCESS, 0);
}

/*
 * IRP_MJ_FLUSH_BUFFERS, and IRP_MJ_SHUTDOWN before the machine goes off: waits until the serial
 * driver has all output, but gives up on a line that takes nothing for a second, and does not wait
 * for what comes meanwhile.
 */
static NTSTATUS NTAPI
ConsoleDrain(PDEVICE_OBJECT Device, PIRP Irp)
{
    PCONSOLE        Console = Device->DeviceExtension;
    LARGE_INTEGER   Second = { .QuadPart = -10000000 };
    volatile ULONG *Get = &Console->OutputGet;                  // looks without the lock will do
    ULONG           End = Console->OutputPut, Taken;
    NTSTATUS        Status;

    do {
        Taken = *Get;
        Status = KeWaitForSingleObject(&Console->Drained, Executive, KernelMode, FALSE, &Second);
    } while (Status == STATUS_TIMEOUT && *Get != Taken && (LONG)(End - *Get) > 0);
    return IrpComplete(Irp, Status == STATUS_TIMEOUT ? STATUS_IO_TIMEOUT : STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI
ConsoleClose(PDEVICE_OBJECT Device, PIRP Irp)
{
    return IrpComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI
ConsoleReadWrite(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PCONSOLE           Console = Device->DeviceExtension;
    BOOLEAN            Read = Stack->MajorFunction == IRP_MJ_READ;

    if ((Read ? Stack->Parameters.Read.Length : Stack->Parameters.Write.Length) == 0)
        return IrpComplete(Irp, STATUS_SUCCESS, 0);

    WRITTEN(Irp) = 0;
    IrpQueueInsert(Read ? &Console->Reads : &Console->Writes, Irp);
    ConsoleRun(Console);
    return STATUS_PENDING;
}

static NTSTATUS
ConsoleGetMode(PCONSOLE Console, PIRP Irp, ULONG OutputLength)
{
    if (OutputLength < sizeof(ULONG))
        return IrpComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    *(PULONG)Irp->AssociatedIrp.SystemBuffer = Console->Mode;
    return IrpComplete(Irp, STATUS_SUCCESS, sizeof(ULONG));
}

static NTSTATUS
ConsoleSetMode(PCONSOLE Console, PIRP Irp, ULONG InputLength)
{
    const ULONG Known = ENABLE_LINE_INPUT | ENABLE_ECHO_INPUT | ENABLE_PROCESSED_INPUT;
    ULONG       Mode;
    KIRQL       OldIrql;

    if (InputLength < sizeof(ULONG))
        return IrpComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    Mode = *(PULONG)Irp->AssociatedIrp.SystemBuffer;
    if (Mode & ~Known)
        return IrpComplete(Irp, STATUS_INVALID_PARAMETER, 0);

    KeAcquireSpinLock(&Console->Lock, &OldIrql);
    Console->Mode = Mode;
    KeReleaseSpinLock(&Console->Lock, OldIrql);
    return IrpComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS
ConsoleFlushInput(PCONSOLE Console, PIRP Irp)
{
    KIRQL OldIrql;

    KeAcquireSpinLock(&Console->Lock, &OldIrql);
    ConsoleFlushLocked(Console);
    KeReleaseSpinLock(&Console->Lock, OldIrql);
    ConsoleRun(Console);                        // there is room again
    return IrpComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI
ConsoleControl(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PCONSOLE           Console = Device->DeviceExtension;

    switch (Stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_CONSOLE_GET_MODE:
        return ConsoleGetMode(Console, Irp, Stack->Parameters.DeviceIoControl.OutputBufferLength);
    case IOCTL_CONSOLE_SET_MODE:
        return ConsoleSetMode(Console, Irp, Stack->Parameters.DeviceIoControl.InputBufferLength);
    case IOCTL_CONSOLE_FLUSH_INPUT:
        return ConsoleFlushInput(Console, Irp);
    case IOCTL_CONSOLE_WAIT_BREAK:
        IrpQueueInsert(&Console->BreakWaits, Irp);
        ConsoleRun(Console);
        return STATUS_PENDING;
    }
    return IrpComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
}

/* Gives a console its two IRPs to the serial device; on failure it has neither. */
static NTSTATUS
ConsoleMakePumps(PCONSOLE Console)
{
    PIRP Read = IoAllocateIrp(Console->SerialDevice->StackSize, FALSE);
    PIRP Write = IoAllocateIrp(Console->SerialDevice->StackSize, FALSE);

    if (!Read || !Write) {
        if (Read)
            IoFreeIrp(Read);
        if (Write)
            IoFreeIrp(Write);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    PumpInitialize(&Console->ReadPump, Console, IRP_MJ_READ, Read);
    PumpInitialize(&Console->WritePump, Console, IRP_MJ_WRITE, Write);
    return STATUS_SUCCESS;
}

static VOID
ConsoleInitialize(PCONSOLE Console, PDEVICE_OBJECT Device)
{
    Console->Device = Device;
    Console->Mode = ENABLE_LINE_INPUT | ENABLE_ECHO_INPUT | ENABLE_PROCESSED_INPUT;
    KeInitializeSpinLock(&Console->Lock);
    KeInitializeEvent(&Console->Stopped, NotificationEvent, FALSE);
    KeInitializeEvent(&Console->Drained, NotificationEvent, TRUE);
    IrpQueueInitialize(&Console->Reads, &Console->Lock);
    IrpQueueInitialize(&Console->Writes, &Console->Lock);
    IrpQueueInitialize(&Console->BreakWaits, &Console->Lock);
}

static NTSTATUS
ConsoleCreate(PDRIVER_OBJECT Driver, ULONG Index)
{
    UNICODE_STRING Name, Link, Serial;
    PDEVICE_OBJECT Device;
    PCONSOLE       Console;
    NTSTATUS       Status;

    RtlInitUnicodeString(&Name, ConsoleNames[Index].Device);
    RtlInitUnicodeString(&Link, ConsoleNames[Index].Link);
    RtlInitUnicodeString(&Serial, ConsoleNames[Index].Serial);
    Status = IoCreateDevice(Driver, sizeof(CONSOLE), &Name, FILE_DEVICE_ETUDE_CONSOLE, 0, FALSE,
                            &Device);
    if (!NT_SUCCESS(Status))
        return Status;

    Console = Device->DeviceExtension;
    ConsoleInitialize(Console, Device);
    Status = IoGetDeviceObjectPointer(&Serial, FILE_READ_DATA | FILE_WRITE_DATA,
                                      &Console->SerialFile,
                                      &Console->SerialDevice);
    if (!NT_SUCCESS(Status))
        goto DeleteDevice;
    Status = ConsoleMakePumps(Console);
    if (!NT_SUCCESS(Status))
        goto CloseSerial;
    Status = IoRegisterShutdownNotification(Device);
    if (!NT_SUCCESS(Status))
        goto FreePumps;
    Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status))
        goto Unregister;

    Device->Flags |= DO_BUFFERED_IO;
    // requests to the serial driver are the console's own
    Device->StackSize = 1;
    Device->Flags &= ~DO_DEVICE_INITIALIZING;
    ConsoleRun(Console);
    return STATUS_SUCCESS;

Unregister:
    IoUnregisterShutdownNotification(Device);
FreePumps:
    IoFreeIrp(Console->ReadPump.Irp);
    IoFreeIrp(Console->WritePump.Irp);
CloseSerial:
    ObDereferenceObject(Console->SerialFile);
DeleteDevice:
    IoDeleteDevice(Device);
    return Status;
}

/*
 * Called when no file is open, so no IRP but the console's own two can be outstanding; waits for
 * them.
 */
static VOID
ConsoleStop(PCONSOLE Console)
{
    KIRQL OldIrql;

    KeAcquireSpinLock(&Console->Lock, &OldIrql);
    Console->Stopping = TRUE;
    KeReleaseSpinLock(&Console->Lock, OldIrql);

    IoCancelIrp(Console->ReadPump.Irp);
    ConsoleRun(Console);
    KeWaitForSingleObject(&Console->Stopped, Executive, KernelMode, FALSE, NULL);
    // whoever set the event has released the lock
    KeAcquireSpinLock(&Console->Lock, &OldIrql);
    KeReleaseSpinLock(&Console->Lock, OldIrql);

    IoFreeIrp(Console->ReadPump.Irp);
    IoFreeIrp(Console->WritePump.Irp);
    ObDereferenceObject(Console->SerialFile);
}

static VOID NTAPI
ConsoleUnload(PDRIVER_OBJECT Driver)
{
    UNICODE_STRING Link;

    for (ULONG Index = 0; Index < CONSOLES; Index++) {
        RtlInitUnicodeString(&Link, ConsoleNames[Index].Link);
        IoDeleteSymbolicLink(&Link);
    }
    while (Driver->DeviceObject) {
        IoUnregisterShutdownNotification(Driver->DeviceObject);
        ConsoleStop(Driver->DeviceObject->DeviceExtension);
        IoDeleteDevice(Driver->DeviceObject);
    }
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    ULONG Created = 0;

    Driver->MajorFunction[IRP_MJ_CREATE] = ConsoleCreateFile;
    Driver->MajorFunction[IRP_MJ_CLEANUP] = ConsoleCleanup;
    Driver->MajorFunction[IRP_MJ_CLOSE] = ConsoleClose;
    Driver->MajorFunction[IRP_MJ_READ] = ConsoleReadWrite;
    Driver->MajorFunction[IRP_MJ_WRITE] = ConsoleReadWrite;
    Driver->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = ConsoleDrain;
    Driver->MajorFunction[IRP_MJ_SHUTDOWN] = ConsoleDrain;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = ConsoleControl;
    Driver->DriverUnload = ConsoleUnload;

    for (ULONG Index = 0; Index < CONSOLES; Index++) {
        NTSTATUS Status = ConsoleCreate(Driver, Index);

        if (NT_SUCCESS(Status))
            Created++;
        else if (Status != STATUS_OBJECT_NAME_NOT_FOUND)
            DbgPrint("console: console %u cannot be used, status 0x%08X\n", Index, Status);
    }
    return Created ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE;
}
