/*
 * ticker.sys, a device that does one thing at a time: StartIo, a device queue, a timer and a DPC,
 * as in a driver of real hardware; only that the hardware is a KTIMER.
 *
 * A request for n milliseconds keeps the ticker busy for n milliseconds; then it is complete and
 * the next begins. The I/O manager keeps the queue: IoStartPacket calls TickerStartIo when the
 * device is free, otherwise puts the IRP into DeviceObject->DeviceQueue, and IoStartNextPacket
 * fetches it from there. A timer that has expired queues the DPC, where a driver of hardware would
 * have its interrupt service routine do so.
 *
 * Cancellation can come in every state. The cancel spin lock decides who completes an IRP; both
 * the DPC and the cancel routine look at Running while they hold it:
 *   (1) queued    the cancel routine finds it in the device queue, takes it out, completes it;
 *   (2) current, but TickerStartIo has not seen it yet: the cancel routine leaves it alone, and
 *       TickerStartIo finds Irp->Cancel and completes it;
 *   (3) running   the one who takes it out of Running completes it and starts the next;
 *   (4) done      its cancel routine is gone, so IoCancelIrp has nothing to call.
 * A DPC can be on its way when its IRP is cancelled and the next one starts. It then finds an IRP
 * in Running that is not due yet, and leaves it to that one's own DPC (5).
 *
 * Comparing Irp with DeviceObject->CurrentIrp instead, as is often seen, is not enough: the IRP
 * may have been completed, freed and allocated again at the same address in the meantime.
 *
 * Mine links all IRPs of the device, so that IRP_MJ_CLEANUP finds those of its file: a file's last
 * handle can be closed while its requests are anywhere.
 */
#include <ntddk.h>
#include "ticker_ioctl.h"

typedef struct _TICKER {
    KTIMER     Timer;
    KDPC       Dpc;

    /* Guarded by the cancel spin lock: */
    PIRP       Running;                         // what the timer runs for
    ULONGLONG  Due;                             // when it will be done, in interrupt time
    LIST_ENTRY Mine;                            // IRP.Tail.Overlay.ListEntry of every IRP

    /* Only in the DPC: */
    ULONGLONG  Ticks;
} TICKER, *PTICKER;

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD     TickerUnload;
static DRIVER_DISPATCH   TickerCreateClose, TickerCleanup, TickerControl;
static DRIVER_STARTIO    TickerStartIo;
static DRIVER_CANCEL     TickerCancel;
static KDEFERRED_ROUTINE TickerDpc;

static NTSTATUS
TickerComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* The IRP is nobody's but the caller's from here on; the cancel spin lock is held. */
static VOID
TickerForgetLocked(PIRP Irp)
{
    IoSetCancelRoutine(Irp, NULL);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

/* DISPATCH_LEVEL; Irp is current, and its cancel routine is set unless it has been called. */
static VOID NTAPI
TickerStartIo(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PTICKER       Ticker = DeviceObject->DeviceExtension;
    ULONG         Milliseconds = *(PULONG)Irp->AssociatedIrp.SystemBuffer;
    LARGE_INTEGER Due = { .QuadPart = -10000LL * Milliseconds };
    KIRQL         Irql;

    IoAcquireCancelSpinLock(&Irql);
    if (Irp->Cancel) {                                                                      // (2)
        TickerForgetLocked(Irp);
        IoReleaseCancelSpinLock(Irql);
        TickerComplete(Irp, STATUS_CANCELLED, 0);
        IoStartNextPacket(DeviceObject, TRUE);
        return;
    }
    Ticker->Running = Irp;
    Ticker->Due = KeQueryInterruptTime() - Due.QuadPart;
    KeSetTimer(&Ticker->Timer, Due, &Ticker->Dpc);
    IoReleaseCancelSpinLock(Irql);
}

static VOID NTAPI
TickerDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PDEVICE_OBJECT DeviceObject = Context;
    PTICKER        Ticker = DeviceObject->DeviceExtension;
    PIRP           Irp;
    KIRQL          Irql;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);

    IoAcquireCancelSpinLock(&Irql);
    Irp = Ticker->Running;
    if (Irp == NULL || KeQueryInterruptTime() < Ticker->Due) {                              // (5)
        IoReleaseCancelSpinLock(Irql);
        return;
    }
    Ticker->Running = NULL;                                                                 // (3)
    TickerForgetLocked(Irp);
    *(PULONGLONG)Irp->AssociatedIrp.SystemBuffer = ++Ticker->Ticks;
    IoReleaseCancelSpinLock(Irql);

    TickerComplete(Irp, STATUS_SUCCESS, sizeof(ULONGLONG));
    IoStartNextPacket(DeviceObject, TRUE);
}

/* Called with the cancel spin lock held, which it releases. */
static VOID NTAPI
TickerCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PTICKER Ticker = DeviceObject->DeviceExtension;
    BOOLEAN Running = Ticker->Running == Irp;
    BOOLEAN Owned = Running || KeRemoveEntryDeviceQueue(&DeviceObject->DeviceQueue,
                                                        &Irp->Tail.Overlay.DeviceQueueEntry);

    if (Owned)                                                                              // (1)
        TickerForgetLocked(Irp);
    if (Running) {                                                                          // (3)
        Ticker->Running = NULL;
        KeCancelTimer(&Ticker->Timer);
    }
    IoReleaseCancelSpinLock(Irp->CancelIrql);

    if (Owned)
        TickerComplete(Irp, STATUS_CANCELLED, 0);
    if (Running) {
        KIRQL Irql;

        KeRaiseIrql(DISPATCH_LEVEL, &Irql);
        IoStartNextPacket(DeviceObject, TRUE);
        KeLowerIrql(Irql);
    }
}

/* ---- dispatch routines ---- */

static NTSTATUS NTAPI
TickerCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return TickerComplete(Irp, STATUS_SUCCESS, 0);
}

/*
 * Cancels one IRP of the file, as IoCancelIrp would, but finds it under the lock, so that it
 * cannot be complete already. FALSE: there is none that is not being cancelled.
 */
static BOOLEAN
TickerCancelOne(PDEVICE_OBJECT DeviceObject, PFILE_OBJECT File)
{
    PTICKER     Ticker = DeviceObject->DeviceExtension;
    PLIST_ENTRY Entry;
    KIRQL       Irql;

    IoAcquireCancelSpinLock(&Irql);
    for (Entry = Ticker->Mine.Flink; Entry != &Ticker->Mine; Entry = Entry->Flink) {
        PIRP           Irp = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry);
        PDRIVER_CANCEL Cancel;

        if (IoGetCurrentIrpStackLocation(Irp)->FileObject != File)
            continue;
        Cancel = IoSetCancelRoutine(Irp, NULL);
        if (Cancel == NULL)
            continue;
        Irp->Cancel = TRUE;
        Irp->CancelIrql = Irql;
        Cancel(DeviceObject, Irp);
        return TRUE;
    }
    IoReleaseCancelSpinLock(Irql);
    return FALSE;
}

static NTSTATUS NTAPI
TickerCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    while (TickerCancelOne(DeviceObject, IoGetCurrentIrpStackLocation(Irp)->FileObject))
        ;
    return TickerComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI
TickerControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PTICKER            Ticker = DeviceObject->DeviceExtension;
    KIRQL              Irql;

    if (Stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_TICKER_TICK)
        return TickerComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    if (Stack->Parameters.DeviceIoControl.InputBufferLength != sizeof(ULONG))
        return TickerComplete(Irp, STATUS_INFO_LENGTH_MISMATCH, 0);
    if (Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(ULONGLONG))
        return TickerComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    if (*(PULONG)Irp->AssociatedIrp.SystemBuffer > TICKER_MAX_MILLISECONDS)
        return TickerComplete(Irp, STATUS_INVALID_PARAMETER, 0);

    IoMarkIrpPending(Irp);
    IoAcquireCancelSpinLock(&Irql);
    InsertTailList(&Ticker->Mine, &Irp->Tail.Overlay.ListEntry);
    IoReleaseCancelSpinLock(Irql);
    IoStartPacket(DeviceObject, Irp, NULL, TickerCancel);
    return STATUS_PENDING;
}

/* No file is open, so nothing runs or waits; a DPC of a cancelled timer may be on its way. */
static VOID NTAPI
TickerUnload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(TICKER_DOS_DEVICE_NAME);

    KeFlushQueuedDpcs();
    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(TICKER_NT_DEVICE_NAME);
    UNICODE_STRING Link = RTL_CONSTANT_STRING(TICKER_DOS_DEVICE_NAME);
    PDEVICE_OBJECT DeviceObject;
    PTICKER        Ticker;
    NTSTATUS       Status;

    UNREFERENCED_PARAMETER(RegistryPath);

    Status = IoCreateDevice(DriverObject, sizeof *Ticker, &Name, TICKER_DEVICE_TYPE,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &DeviceObject);
    if (!NT_SUCCESS(Status))
        return Status;
    Ticker = DeviceObject->DeviceExtension;
    KeInitializeTimer(&Ticker->Timer);
    KeInitializeDpc(&Ticker->Dpc, TickerDpc, DeviceObject);
    InitializeListHead(&Ticker->Mine);

    Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(DeviceObject);
        return Status;
    }

    DriverObject->MajorFunction[IRP_MJ_CREATE] = TickerCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = TickerCleanup;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = TickerCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = TickerControl;
    DriverObject->DriverStartIo = TickerStartIo;
    DriverObject->DriverUnload = TickerUnload;
    return STATUS_SUCCESS;
}
