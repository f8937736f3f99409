/*
 * notify.sys: a program gives the driver an event, and the driver sets it from a DPC.
 *
 * A handle means something only in the process that has it, and only while it is open; an event's
 * address means something everywhere as long as somebody has a reference. So the dispatch
 * routine, which runs in the caller's process, turns the handle into a pointer once, and from
 * there on the handle does not matter: it may be closed, its process may be gone. The event lives
 * until both sides have let go.
 *
 * ObReferenceObjectByHandle does the checks, provided it is told the type, the access that will
 * be used, and the mode of whoever made the request:
 *   not a handle at all, closed, or of another process     STATUS_INVALID_HANDLE
 *   a handle of something else than an event               STATUS_OBJECT_TYPE_MISMATCH
 *   an event opened without EVENT_MODIFY_STATE             STATUS_ACCESS_DENIED
 * With KernelMode instead of Irp->RequestorMode the last would pass, and so would a kernel handle.
 *
 * Each open file has a request of its own (FsContext). Whoever takes Event out of it, under Lock,
 * lets go of the event, after Lock:
 *   (1) SET puts a reference in where there was NULL and starts the timer;
 *   (2) the DPC takes it out, sets it, lets go. A DPC that was already on its way when its request
 *       was dropped finds NULL, or the next request, which is not due yet, and leaves it alone;
 *   (3) DROP and CLEANUP take out what the DPC has not, and stop the timer;
 *   (4) CLOSE takes out what a SET has put in that another thread had begun before the last handle
 *       was closed: it may come after CLEANUP, but not after CLOSE. Then it waits until no DPC can
 *       still run, and frees the request.
 */
#include <ntddk.h>
#include "notify_ioctl.h"

#define NOTIFY_TAG  'ftoN'                      // shows as Notf

typedef struct _NOTIFY {
    KTIMER     Timer;
    KDPC       Dpc;
    KSPIN_LOCK Lock;

    /* Guarded by Lock: */
    PKEVENT    Event;                           // referenced; NULL: no request
    ULONGLONG  Due;                             // in interrupt time
} NOTIFY, *PNOTIFY;

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD     NotifyUnload;
static DRIVER_DISPATCH   NotifyCreate, NotifyCleanup, NotifyClose, NotifyControl;
static KDEFERRED_ROUTINE NotifyDpc;

static NTSTATUS
NotifyComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static VOID NTAPI
NotifyDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PNOTIFY Notify = Context;
    PKEVENT Event = NULL;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);

    KeAcquireSpinLockAtDpcLevel(&Notify->Lock);
    if (KeQueryInterruptTime() >= Notify->Due) {                                            // (2)
        Event = Notify->Event;
        Notify->Event = NULL;
    }
    KeReleaseSpinLockFromDpcLevel(&Notify->Lock);

    if (Event == NULL)
        return;
    KeSetEvent(Event, IO_NO_INCREMENT, FALSE);
    ObDereferenceObject(Event);                 // allowed at DISPATCH_LEVEL: deletion is deferred
}

static NTSTATUS
NotifySet(PNOTIFY Notify, const NOTIFY_REQUEST *Request, KPROCESSOR_MODE Mode)
{
    LARGE_INTEGER Due = { .QuadPart = -10000LL * Request->Milliseconds };
    PVOID         Event;
    NTSTATUS      Status;
    KIRQL         Irql;

    if (Request->Milliseconds > NOTIFY_MAX_MILLISECONDS || Request->Reserved != 0)
        return STATUS_INVALID_PARAMETER;

    Status = ObReferenceObjectByHandle((HANDLE)(ULONG_PTR)Request->Event, EVENT_MODIFY_STATE,
                                       *ExEventObjectType, Mode, &Event, NULL);
    if (!NT_SUCCESS(Status))
        return Status;

    KeAcquireSpinLock(&Notify->Lock, &Irql);
    if (Notify->Event != NULL) {
        Status = STATUS_DEVICE_BUSY;
    } else {
        Notify->Event = Event;                                                              // (1)
        Notify->Due = KeQueryInterruptTime() - Due.QuadPart;
        KeSetTimer(&Notify->Timer, Due, &Notify->Dpc);
    }
    KeReleaseSpinLock(&Notify->Lock, Irql);

    if (!NT_SUCCESS(Status))
        ObDereferenceObject(Event);
    return Status;
}

static NTSTATUS
NotifyDrop(PNOTIFY Notify)
{
    PKEVENT Event;
    KIRQL   Irql;

    KeAcquireSpinLock(&Notify->Lock, &Irql);
    Event = Notify->Event;                                                                  // (3)
    Notify->Event = NULL;
    KeCancelTimer(&Notify->Timer);
    KeReleaseSpinLock(&Notify->Lock, Irql);

    if (Event == NULL)
        return STATUS_NOT_FOUND;
    ObDereferenceObject(Event);
    return STATUS_SUCCESS;
}

/* ---- dispatch routines ---- */

static NTSTATUS NTAPI
NotifyCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PNOTIFY Notify = ExAllocatePoolWithTag(NonPagedPool, sizeof *Notify, NOTIFY_TAG);

    UNREFERENCED_PARAMETER(DeviceObject);

    if (Notify == NULL)
        return NotifyComplete(Irp, STATUS_INSUFFICIENT_RESOURCES);
    KeInitializeTimer(&Notify->Timer);
    KeInitializeDpc(&Notify->Dpc, NotifyDpc, Notify);
    KeInitializeSpinLock(&Notify->Lock);
    Notify->Event = NULL;
    IoGetCurrentIrpStackLocation(Irp)->FileObject->FsContext = Notify;
    return NotifyComplete(Irp, STATUS_SUCCESS);
}

/* The last handle is closed, perhaps because the process died: nobody can be waiting through it. */
static NTSTATUS NTAPI
NotifyCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    NotifyDrop(IoGetCurrentIrpStackLocation(Irp)->FileObject->FsContext);
    return NotifyComplete(Irp, STATUS_SUCCESS);
}

static NTSTATUS NTAPI
NotifyClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PNOTIFY Notify = IoGetCurrentIrpStackLocation(Irp)->FileObject->FsContext;

    UNREFERENCED_PARAMETER(DeviceObject);
    NotifyDrop(Notify);                                                                     // (4)
    KeFlushQueuedDpcs();
    ExFreePoolWithTag(Notify, NOTIFY_TAG);
    return NotifyComplete(Irp, STATUS_SUCCESS);
}

/* Runs in the process of the caller, the only place where its handle can be looked up. */
static NTSTATUS NTAPI
NotifyControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PNOTIFY            Notify = Stack->FileObject->FsContext;

    UNREFERENCED_PARAMETER(DeviceObject);

    switch (Stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_NOTIFY_SET:
        if (Stack->Parameters.DeviceIoControl.InputBufferLength != sizeof(NOTIFY_REQUEST))
            return NotifyComplete(Irp, STATUS_INFO_LENGTH_MISMATCH);
        return NotifyComplete(Irp, NotifySet(Notify, Irp->AssociatedIrp.SystemBuffer,
                                             Irp->RequestorMode));
    case IOCTL_NOTIFY_DROP:
        return NotifyComplete(Irp, NotifyDrop(Notify));
    default:
        return NotifyComplete(Irp, STATUS_INVALID_DEVICE_REQUEST);
    }
}

static VOID NTAPI
NotifyUnload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(NOTIFY_DOS_DEVICE_NAME);

    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(NOTIFY_NT_DEVICE_NAME);
    UNICODE_STRING Link = RTL_CONSTANT_STRING(NOTIFY_DOS_DEVICE_NAME);
    PDEVICE_OBJECT Device;
    NTSTATUS       Status;

    UNREFERENCED_PARAMETER(RegistryPath);

    Status = IoCreateDevice(DriverObject, 0, &Name, NOTIFY_DEVICE_TYPE,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &Device);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Device);
        return Status;
    }

    DriverObject->MajorFunction[IRP_MJ_CREATE] = NotifyCreate;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = NotifyCleanup;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = NotifyClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = NotifyControl;
    DriverObject->DriverUnload = NotifyUnload;
    return STATUS_SUCCESS;
}
