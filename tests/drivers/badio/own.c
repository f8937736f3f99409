/*
 * Sins with IRPs that the driver makes itself: freed or used again while somebody has them, freed
 * twice, sent when they are gone, left to reach the top; and with locks and devices.
 */
#include "badio.h"

static NTSTATUS NTAPI
KeepIrp(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    return STATUS_MORE_PROCESSING_REQUIRED;
}

VOID
BadFreedTwice(VOID)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);

    IoFreeIrp(Irp);
    IoFreeIrp(Irp);
}

VOID
BadFreeInUse(VOID)
{
    IO_STATUS_BLOCK Iosb;
    KEVENT          Event;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    IoFreeIrp(IoBuildSynchronousFsdRequest(IRP_MJ_SHUTDOWN, BadDevice, NULL, 0, NULL, &Event,
                                           &Iosb));
}

/* An IRP of this driver's that its device has and does not give back. */
static PIRP
SendOwn(VOID)
{
    PIRP Irp = IoAllocateIrp(BadDevice->StackSize, FALSE);

    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_READ;
    IoSetCompletionRoutine(Irp, KeepIrp, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(BadDevice, Irp);
    return Irp;
}

VOID
BadFreeBelow(VOID)
{
    IoFreeIrp(SendOwn());
}

VOID
BadReuse(VOID)
{
    IoReuseIrp(SendOwn(), STATUS_SUCCESS);
}

VOID
BadReuseFreed(VOID)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);

    IoFreeIrp(Irp);
    IoReuseIrp(Irp, STATUS_SUCCESS);
}

VOID
BadFreedCall(VOID)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);

    IoFreeIrp(Irp);
    IoCallDriver(BadDevice, Irp);
}

VOID
BadOwnAtTop(VOID)
{
    PIRP Irp = IoAllocateIrp(BadDevice->StackSize, FALSE);

    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_CLEANUP;
    IoCallDriver(BadDevice, Irp);
}

static VOID NTAPI
CancelHolding(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
}

NTSTATUS NTAPI
PendCancelHolding(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    IoSetCancelRoutine(Irp, CancelHolding);
    return STATUS_PENDING;
}

VOID
BadCancelLock(VOID)
{
    PIRP Irp = IoAllocateIrp(BadDevice->StackSize, FALSE);

    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_READ;
    IoSetCompletionRoutine(Irp, KeepIrp, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(BadDevice, Irp);
    IoCancelIrp(Irp);
}

VOID
BadRemoveLock(VOID)
{
    IO_REMOVE_LOCK Lock;

    IoInitializeRemoveLock(&Lock, TAG, 0, 0);
    IoReleaseRemoveLock(&Lock, NULL);
    IoReleaseRemoveLock(&Lock, NULL);
}

VOID
BadDeleteTwice(VOID)
{
    OpenDevice(FILE_SYNCHRONOUS_IO_NONALERT);
    IoDeleteDevice(BadDevice);
    IoDeleteDevice(BadDevice);
}

/* A filter's device goes, and the device below still points to it. */
VOID
BadDeleteAttached(VOID)
{
    PDEVICE_OBJECT Filter;

    IoCreateDevice(BadDevice->DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Filter);
    IoAttachDeviceToDeviceStack(Filter, BadDevice);
    IoDeleteDevice(Filter);
}
