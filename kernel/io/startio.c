/*
 * StartIo: one IRP at a time for devices that can only do one thing at a time.
 *
 * The device's DeviceQueue is busy while CurrentIrp is with the driver's StartIo routine.
 * IoStartPacket calls the routine or queues the IRP; the driver calls IoStartNextPacket when it
 * is done, which takes the next one from the queue. A cancelable IRP is looked at and moved under
 * the cancel spin lock, so that its cancel routine can tell a current IRP from a queued one.
 *
 * StartIo runs at DISPATCH_LEVEL with no lock held. It often calls IoStartNextPacket itself; with
 * the deferred attribute
 * (IoSetStartIoAttributes) such calls do not nest but are made one after the other.
 */
#include "iop.h"

#define START_DEFERRED      0x1                 // StartIoFlags
#define START_NONCANCELABLE 0x2
#define START_BY_KEY        0x4                 // a deferred call waits, for StartIoKey if ...
#define START_NEXT          0x8
#define START_CANCELABLE    0x10

static VOID
IopCallStartIo(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PDRIVER_STARTIO Routine = DeviceObject->DriverObject->DriverStartIo;    // owns Irp: (4)
    ULONG64         State = KiCalloutState();

    Routine(DeviceObject, Irp);
    KiCheckCallout(KiStartIoRoutine, Routine, DeviceObject, DISPATCH_LEVEL, State);
}

/*
 * Has StartIo called with Irp, now or when the device is free. Key (may be NULL) orders the
 * queue; CancelFunction (may be NULL) is set as the IRP's cancel routine. The IRP is marked
 * pending by the caller. IRQL <= DISPATCH_LEVEL.
 */
VOID NTAPI
IoStartPacket(PDEVICE_OBJECT DeviceObject, PIRP Irp, PULONG Key, PDRIVER_CANCEL CancelFunction)
{
    PKDEVICE_QUEUE_ENTRY Entry = &Irp->Tail.Overlay.DeviceQueueEntry;
    KIRQL                Irql = KfRaiseIrql(DISPATCH_LEVEL);
    ULONG64              State = KiCalloutState();
    BOOLEAN              Queued;
    KIRQL                CancelIrql;

    if (CancelFunction != NULL) {
        IoAcquireCancelSpinLock(&CancelIrql);
        IoSetCancelRoutine(Irp, CancelFunction);
    }
    Queued = Key != NULL ? KeInsertByKeyDeviceQueue(&DeviceObject->DeviceQueue, Entry, *Key)
                         : KeInsertDeviceQueue(&DeviceObject->DeviceQueue, Entry);
    if (!Queued)
        DeviceObject->CurrentIrp = Irp;
    if (CancelFunction != NULL) {
        if (!Queued && (IopExtension(DeviceObject)->StartIoFlags & START_NONCANCELABLE))
            IoSetCancelRoutine(Irp, NULL);
        if (Queued && Irp->Cancel && IoSetCancelRoutine(Irp, NULL) != NULL) {
            Irp->CancelIrql = CancelIrql;
            CancelFunction(DeviceObject, Irp);          // (5) releases the cancel lock
            IopCheckCancelRoutine(CancelFunction, DeviceObject, CancelIrql, State);
        } else {
            IoReleaseCancelSpinLock(CancelIrql);
        }
    }
    if (!Queued)
        IopCallStartIo(DeviceObject, Irp);
    KeLowerIrql(Irql);
}

/*
 * Takes the next IRP off the queue and starts it, or leaves the device free. At DISPATCH_LEVEL.
 */
static VOID
IopStartNext(PDEVICE_OBJECT DeviceObject, BOOLEAN Cancelable, BOOLEAN ByKey, ULONG Key)
{
    PKDEVICE_QUEUE_ENTRY Entry;
    KIRQL                CancelIrql = DISPATCH_LEVEL;
    PIRP                 Irp = NULL;

    if (Cancelable)
        IoAcquireCancelSpinLock(&CancelIrql);
    DeviceObject->CurrentIrp = NULL;
    Entry = ByKey ? KeRemoveByKeyDeviceQueue(&DeviceObject->DeviceQueue, Key)
                  : KeRemoveDeviceQueue(&DeviceObject->DeviceQueue);
    if (Entry != NULL) {
        Irp = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.DeviceQueueEntry);
        DeviceObject->CurrentIrp = Irp;
        if (Cancelable && (IopExtension(DeviceObject)->StartIoFlags & START_NONCANCELABLE))
            IoSetCancelRoutine(Irp, NULL);
    }
    if (Cancelable)
        IoReleaseCancelSpinLock(CancelIrql);
    if (Irp != NULL)
        IopCallStartIo(DeviceObject, Irp);
}

/*
 * With the deferred attribute: the outermost call makes the calls that come while StartIo runs.
 */
static VOID
IopStartNextDeferred(PDEVICE_OBJECT DeviceObject, ULONG How, ULONG Key)
{
    PIOP_DEVICE_EXTENSION Extension = IopExtension(DeviceObject);

    Extension->StartIoKey = (LONG)Key;
    Extension->StartIoFlags |= How;
    if (InterlockedIncrement(&Extension->StartIoCount) > 1)
        return;
    do {
        How = Extension->StartIoFlags;
        Extension->StartIoFlags &= ~(START_BY_KEY | START_NEXT | START_CANCELABLE);
        IopStartNext(DeviceObject, (How & START_CANCELABLE) != 0, (How & START_BY_KEY) != 0,
                     (ULONG)Extension->StartIoKey);
    } while (InterlockedDecrement(&Extension->StartIoCount) != 0);
}

static VOID
IopStartNextPacket(PDEVICE_OBJECT DeviceObject, BOOLEAN Cancelable, BOOLEAN ByKey, ULONG Key)
{
    KIRQL Irql = KfRaiseIrql(DISPATCH_LEVEL);

    if (IopExtension(DeviceObject)->StartIoFlags & START_DEFERRED)
        IopStartNextDeferred(DeviceObject, (Cancelable ? START_CANCELABLE : 0) | (ByKey
            ? START_BY_KEY : START_NEXT), Key);
    else
        IopStartNext(DeviceObject, Cancelable, ByKey, Key);
    KeLowerIrql(Irql);
}

/*
 * The driver is done with CurrentIrp. Cancelable as in the IoStartPacket calls. At
 * DISPATCH_LEVEL.
 */
VOID NTAPI
IoStartNextPacket(PDEVICE_OBJECT DeviceObject, BOOLEAN Cancelable)
{
    IRQL_AT_MOST(DISPATCH_LEVEL);

    IopStartNextPacket(DeviceObject, Cancelable, FALSE, 0);
}

/* The same, going on with the first IRP whose key is not below Key. */
VOID NTAPI
IoStartNextPacketByKey(PDEVICE_OBJECT DeviceObject, BOOLEAN Cancelable, ULONG Key)
{
    IRQL_AT_MOST(DISPATCH_LEVEL);

    IopStartNextPacket(DeviceObject, Cancelable, TRUE, Key);
}

/*
 * DeferredStartIo: StartIo is not called from within itself. NonCancelable: an IRP loses its
 * cancel routine before StartIo.
 */
VOID NTAPI
IoSetStartIoAttributes(PDEVICE_OBJECT DeviceObject, BOOLEAN DeferredStartIo, BOOLEAN NonCancelable)
{
    IopExtension(DeviceObject)->StartIoFlags = (DeferredStartIo ? START_DEFERRED : 0)
                                             | (NonCancelable ? START_NONCANCELABLE : 0);
}
