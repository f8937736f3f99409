/*
 * Tells in which order the last handles of its files are closed (IRP_MJ_CLEANUP), and when a read
 * is cancelled between them.
 */
#include <ntddk.h>
#include "closelog_ioctl.h"

#define DEVICE_NAME     L"\\Device\\CloseLog"
#define LINK_NAME       L"\\DosDevices\\CloseLog"

static PDEVICE_OBJECT LogDevice;
static KSPIN_LOCK     LogLock;
static CLOSE_LOG      Log;                      // guarded by LogLock

static NTSTATUS
Finish(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static VOID
Append(ULONG Entry, LONG Reads)
{
    KIRQL Irql;

    KeAcquireSpinLock(&LogLock, &Irql);
    if (Log.Count < CLOSE_LOG_ENTRIES)
        Log.Entries[Log.Count] = Entry;
    Log.Count++;
    Log.Reads += Reads;
    KeReleaseSpinLock(&LogLock, Irql);
}

static VOID NTAPI
CancelRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    Append(CLOSE_LOG_CANCELLED, -1);
    Finish(Irp, STATUS_CANCELLED, 0);
}

static NTSTATUS
Read(PIRP Irp)
{
    KIRQL Irql;

    IoMarkIrpPending(Irp);
    KeAcquireSpinLock(&LogLock, &Irql);
    Log.Reads++;
    KeReleaseSpinLock(&LogLock, Irql);
    IoSetCancelRoutine(Irp, CancelRead);
    if (Irp->Cancel && IoSetCancelRoutine(Irp, NULL) != NULL) {
        Append(CLOSE_LOG_CANCELLED, -1);
        Finish(Irp, STATUS_CANCELLED, 0);
    }
    return STATUS_PENDING;
}

static NTSTATUS
Tell(PIRP Irp, ULONG Room)
{
    KIRQL Irql;

    if (Room < sizeof Log)
        return Finish(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    KeAcquireSpinLock(&LogLock, &Irql);
    *(CLOSE_LOG *)Irp->AssociatedIrp.SystemBuffer = Log;
    Log.Count = 0;
    KeReleaseSpinLock(&LogLock, Irql);
    return Finish(Irp, STATUS_SUCCESS, sizeof Log);
}

static NTSTATUS NTAPI
Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Sp = IoGetCurrentIrpStackLocation(Irp);

    switch (Sp->MajorFunction) {
    case IRP_MJ_READ:
        return Read(Irp);
    case IRP_MJ_WRITE:
        if (Sp->Parameters.Write.Length != sizeof(ULONG))
            return Finish(Irp, STATUS_INVALID_PARAMETER, 0);
        Sp->FileObject->FsContext = ULongToPtr(*(PULONG)Irp->AssociatedIrp.SystemBuffer);
        return Finish(Irp, STATUS_SUCCESS, sizeof(ULONG));
    case IRP_MJ_DEVICE_CONTROL:
        return Tell(Irp, Sp->Parameters.DeviceIoControl.OutputBufferLength);
    case IRP_MJ_CLEANUP:
        if (Sp->FileObject->FsContext != NULL)
            Append(PtrToUlong(Sp->FileObject->FsContext), 0);
        break;
    }
    return Finish(Irp, STATUS_SUCCESS, 0);
}

static VOID NTAPI
Unload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(LINK_NAME);

    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(LogDevice);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(DEVICE_NAME);
    UNICODE_STRING Link = RTL_CONSTANT_STRING(LINK_NAME);
    NTSTATUS       Status;

    KeInitializeSpinLock(&LogLock);
    for (ULONG Major = 0; Major <= IRP_MJ_MAXIMUM_FUNCTION; Major++)
        DriverObject->MajorFunction[Major] = Dispatch;
    DriverObject->DriverUnload = Unload;
    Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &LogDevice);
    if (!NT_SUCCESS(Status))
        return Status;
    LogDevice->Flags |= DO_BUFFERED_IO;
    Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status))
        IoDeleteDevice(LogDevice);
    return Status;
}
