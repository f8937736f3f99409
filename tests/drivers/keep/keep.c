/* keep.sys: keeps references, reads and locked pages, and a log (keep.h). */
#include <ntifs.h>
#include "keep.h"

static PDEVICE_OBJECT KeepDevice;
static PFILE_OBJECT   KeepFile;                 // KEEP_REFERENCE
static LIST_ENTRY     KeepReads;                // guarded by KeepLock
static KSPIN_LOCK     KeepLock;
static KEEP_EVENTS    KeepEvents;               // guarded by KeepLock
static LONG           KeepSerial;

typedef struct _DROPPING {
    PIO_WORKITEM Item;
    KEVENT       Done;
} DROPPING;

static NTSTATUS
Finish(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static VOID
Log(PIO_STACK_LOCATION Sp)
{
    KEEP_EVENT Event = { Sp->MajorFunction, (ULONG)(ULONG_PTR)Sp->FileObject->FsContext,
                         (ULONG64)PsGetCurrentThreadId(), (ULONG64)PsGetCurrentProcessId() };
    KIRQL      Irql;

    KeAcquireSpinLock(&KeepLock, &Irql);
    if (KeepEvents.Count < RTL_NUMBER_OF(KeepEvents.Events))
        KeepEvents.Events[KeepEvents.Count++] = Event;
    KeReleaseSpinLock(&KeepLock, Irql);
}

static NTSTATUS
TellLog(PIRP Irp, ULONG Room)
{
    KIRQL Irql;

    if (Room < sizeof KeepEvents)
        return Finish(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    KeAcquireSpinLock(&KeepLock, &Irql);
    *(KEEP_EVENTS *)Irp->AssociatedIrp.SystemBuffer = KeepEvents;
    KeepEvents.Count = 0;
    KeReleaseSpinLock(&KeepLock, Irql);
    return Finish(Irp, STATUS_SUCCESS, sizeof KeepEvents);
}

static VOID NTAPI
Drop(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    DROPPING *Dropping = Context;

    ObDereferenceObject(KeepFile);
    KeepFile = NULL;
    KeSetEvent(&Dropping->Done, 0, FALSE);
}

static NTSTATUS
DropElsewhere(VOID)
{
    DROPPING Dropping = { .Item = IoAllocateWorkItem(KeepDevice) };

    if (KeepFile == NULL || Dropping.Item == NULL)
        return STATUS_INVALID_PARAMETER;
    KeInitializeEvent(&Dropping.Done, NotificationEvent, FALSE);
    IoQueueWorkItem(Dropping.Item, Drop, DelayedWorkQueue, &Dropping);
    KeWaitForSingleObject(&Dropping.Done, Executive, KernelMode, FALSE, NULL);
    IoFreeWorkItem(Dropping.Item);
    return STATUS_SUCCESS;
}

static NTSTATUS
Release(VOID)
{
    PLIST_ENTRY Entry;

    while ((Entry = ExInterlockedRemoveHeadList(&KeepReads, &KeepLock)) != NULL) {
        PIRP   Irp = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry);
        PUCHAR Data = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);

        *Data = 0x5A;
        Finish(Irp, STATUS_SUCCESS, 1);
    }
    return STATUS_SUCCESS;
}

/* A sin: nobody will unlock it. */
static NTSTATUS
LockForGood(PVOID Address)
{
    PMDL Mdl = IoAllocateMdl(Address, 1, FALSE, FALSE, NULL);

    __try {
        MmProbeAndLockPages(Mdl, UserMode, IoReadAccess);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        IoFreeMdl(Mdl);
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static NTSTATUS
Control(PIRP Irp, PIO_STACK_LOCATION Sp)
{
    PVOID   *Input = Irp->AssociatedIrp.SystemBuffer;
    BOOLEAN  HasInput = Sp->Parameters.DeviceIoControl.InputBufferLength == sizeof *Input;
    NTSTATUS Status = STATUS_INVALID_PARAMETER;

    switch (Sp->Parameters.DeviceIoControl.IoControlCode) {
    case KEEP_LOG:
        return TellLog(Irp, Sp->Parameters.DeviceIoControl.OutputBufferLength);
    case KEEP_REFERENCE:
        if (HasInput && KeepFile == NULL)
            Status = ObReferenceObjectByHandle(*Input, 0, *IoFileObjectType, UserMode,
                                               (PVOID *)&KeepFile, NULL);
        break;
    case KEEP_DROP:
        Status = DropElsewhere();
        break;
    case KEEP_RELEASE:
        Status = Release();
        break;
    case KEEP_LOCK:
        if (HasInput)
            Status = LockForGood(*Input);
        break;
    }
    return Finish(Irp, Status, 0);
}

static NTSTATUS NTAPI
Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Sp = IoGetCurrentIrpStackLocation(Irp);

    if (Sp->MajorFunction == IRP_MJ_DEVICE_CONTROL)
        return Control(Irp, Sp);
    if (Sp->FileObject->FileName.Length == 0)
        return Finish(Irp, STATUS_SUCCESS, 0);
    if (Sp->MajorFunction == IRP_MJ_READ) {
        if (Irp->MdlAddress == NULL
            || MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority) == NULL)
            return Finish(Irp, STATUS_INVALID_PARAMETER, 0);
        IoMarkIrpPending(Irp);
        ExInterlockedInsertTailList(&KeepReads, &Irp->Tail.Overlay.ListEntry, &KeepLock);
        return STATUS_PENDING;
    }
    if (Sp->MajorFunction == IRP_MJ_CREATE)
        Sp->FileObject->FsContext = (PVOID)(LONG_PTR)InterlockedIncrement(&KeepSerial);
    Log(Sp);
    return Finish(Irp, STATUS_SUCCESS, 0);
}

static VOID NTAPI
Unload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\??\\Keep");

    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(KeepDevice);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\Keep");
    UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\??\\Keep");
    NTSTATUS       Status;

    InitializeListHead(&KeepReads);
    KeInitializeSpinLock(&KeepLock);
    DriverObject->DriverUnload = Unload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_READ] = Dispatch;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Dispatch;
    Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &KeepDevice);
    if (!NT_SUCCESS(Status))
        return Status;
    KeepDevice->Flags |= DO_DIRECT_IO;
    return IoCreateSymbolicLink(&Link, &Name);
}
