/*
 * pipe.sys, two programs that open the same name share a buffer in kernel memory.
 *
 * A name behind the device (\Device\Example\HELLO) names a PIPE: made by the first open of the
 * name, found without regard to case by later ones, freed when the last of its files is closed.
 * An open begins in the simple mode, in which nothing blocks: a read takes what is there, possibly
 * nothing; a write that does not fit is cut short, or takes the place of the oldest bytes. When
 * asked to (pipe_ioctl.h), reads wait for data and writes for room.
 *
 *   IRP_MJ_CREATE          find or make the PIPE, make the INSTANCE            open.c, names.c
 *   IRP_MJ_READ, _WRITE    move bytes, or wait                         here, move.c, queue.c
 *   IRP_MJ_QUERY_SECURITY, _SET_SECURITY  the pipe's descriptor              security.c
 *   IRP_MJ_DEVICE_CONTROL  size, mode, type, waiting, figures                      control.c
 *   IRP_MJ_CLEANUP         the last handle is gone: end what waits                    open.c
 *   IRP_MJ_CLOSE           the last reference is gone: free the INSTANCE              open.c
 *   fast I/O               reads and writes that need not wait, without an IRP      fastio.c
 *
 * How a request's bytes are reached is a property of the device. There are two that lead to the
 * same pipes: \Device\Example does buffered I/O (the I/O manager copies to or from SystemBuffer),
 * \Device\ExampleDirect direct I/O (it locks the program's pages and describes them by MdlAddress),
 * which spares large transfers a copy.
 *
 * Contexts, locks, and how the races end: pipe.h.
 */
#include "pipe.h"

DRIVER_INITIALIZE    DriverEntry;
static DRIVER_UNLOAD PipeUnload;

NTSTATUS
PipeComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* Where the bytes of a read or write are; NULL: there are none, or no memory to map them. */
PVOID
PipeBufferOf(PIRP Irp)
{
    return Irp->MdlAddress != NULL ? MmGetSystemAddressForMdlSafe(Irp->MdlAddress,
                                                                  NormalPagePriority)
                                   : Irp->AssociatedIrp.SystemBuffer;
}

NTSTATUS NTAPI
PipeRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PPIPE              Pipe = Stack->FileObject->FsContext;
    ULONG              Length = Stack->Parameters.Read.Length, Moved = 0;
    PVOID              Buffer = PipeBufferOf(Irp);
    NTSTATUS           Status;

    UNREFERENCED_PARAMETER(DeviceObject);

    if (Length != 0 && Buffer == NULL)
        return PipeComplete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    PipeAcquire(Pipe);
    Status = PipeGet(Pipe, Stack->FileObject->FsContext2, Buffer, Length, &Moved);
    if (Status == STATUS_PENDING)
        PipeWait(&Pipe->WaitingReads, Irp, FALSE);              // (3)
    PipeRelease(Pipe);
    return Status == STATUS_PENDING ? Status : PipeComplete(Irp, Status, Moved);
}

NTSTATUS NTAPI
PipeWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PPIPE              Pipe = Stack->FileObject->FsContext;
    ULONG              Length = Stack->Parameters.Write.Length, Moved = 0;
    PVOID              Buffer = PipeBufferOf(Irp);
    NTSTATUS           Status;

    UNREFERENCED_PARAMETER(DeviceObject);

    if (Length != 0 && Buffer == NULL)
        return PipeComplete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    PipeAcquire(Pipe);
    Status = PipePut(Pipe, Stack->FileObject->FsContext2, Buffer, Length, &Moved);
    if (Status == STATUS_PENDING) {
        PIPE_PROGRESS(Irp) = Moved;
        PipeWait(&Pipe->WaitingWrites, Irp, FALSE);             // (2)
    }
    PipeRelease(Pipe);
    return Status == STATUS_PENDING ? Status : PipeComplete(Irp, Status, Moved);
}

/* Makes a device and the name programs know it by; its pipes are Shared's, or its own. */
static NTSTATUS
PipeAddDevice(PDRIVER_OBJECT DriverObject, PCWSTR NtName, PCWSTR DosName, ULONG Method,
              PPIPE_DEVICE Shared)
{
    UNICODE_STRING  Name, Link;
    PDEVICE_OBJECT  DeviceObject;
    PPIPE_EXTENSION Extension;
    NTSTATUS        Status;
    ULONG           Index;

    RtlInitUnicodeString(&Name, NtName);
    RtlInitUnicodeString(&Link, DosName);
    Status = IoCreateDevice(DriverObject, sizeof *Extension, &Name, PIPE_DEVICE_TYPE, 0, FALSE,
                            &DeviceObject);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(DeviceObject);
        return Status;
    }

    Extension = DeviceObject->DeviceExtension;
    KeInitializeMutex(&Extension->Own.ListMutex, 0);
    for (Index = 0; Index < PIPE_BUCKETS; Index++)
        InitializeListHead(&Extension->Own.Pipes[Index]);
    Extension->Device = Shared != NULL ? Shared : &Extension->Own;
    DeviceObject->Flags |= Method;
    DeviceObject->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

/* Called when no file is open any more, so there are no pipes. */
static VOID NTAPI
PipeUnload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(PIPE_DOS_DEVICE_NAME);
    UNICODE_STRING DirectLink = RTL_CONSTANT_STRING(PIPE_DOS_DIRECT_NAME);

    IoDeleteSymbolicLink(&Link);
    IoDeleteSymbolicLink(&DirectLink);
    while (DriverObject->DeviceObject != NULL)
        IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);

    DriverObject->MajorFunction[IRP_MJ_CREATE] = PipeCreate;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = PipeCleanup;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = PipeClose;
    DriverObject->MajorFunction[IRP_MJ_READ] = PipeRead;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = PipeWrite;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = PipeControl;
    DriverObject->MajorFunction[IRP_MJ_QUERY_SECURITY] = PipeQuerySecurity;
    DriverObject->MajorFunction[IRP_MJ_SET_SECURITY] = PipeSetSecurity;
    DriverObject->FastIoDispatch = &PipeFastIo;
    DriverObject->DriverUnload = PipeUnload;

    Status = PipeAddDevice(DriverObject, PIPE_NT_DEVICE_NAME, PIPE_DOS_DEVICE_NAME, DO_BUFFERED_IO,
                           NULL);
    if (NT_SUCCESS(Status))
        Status = PipeAddDevice(DriverObject, PIPE_NT_DIRECT_NAME, PIPE_DOS_DIRECT_NAME,
                               DO_DIRECT_IO, PipeDeviceOf(DriverObject->DeviceObject));
    if (!NT_SUCCESS(Status) && DriverObject->DeviceObject != NULL)
        PipeUnload(DriverObject);
    return Status;
}
