/*
 * Shutdown notification: devices that registered get IRP_MJ_SHUTDOWN before the machine goes off,
 * in the reverse order of registration; those that asked for the last chance after all others. A
 * driver that does not give its IRP back within `cancelwait` seconds is reported, and the machine
 * goes off all the same: the IRP and what it belongs to are left to the driver.
 */
#include "iop.h"

typedef struct _SHUTDOWN_ENTRY {
    LIST_ENTRY     Link;
    PDEVICE_OBJECT Device;                      // referenced
    KEVENT         Completed;
} SHUTDOWN_ENTRY;

/* Guarded by IopDatabaseLock: */
static LIST_ENTRY IopShutdownList = { &IopShutdownList, &IopShutdownList };
static LIST_ENTRY IopLastChanceList = { &IopLastChanceList, &IopLastChanceList };

static NTSTATUS
IopRegister(PLIST_ENTRY List, PDEVICE_OBJECT Device)
{
    SHUTDOWN_ENTRY *Entry = ExAllocatePoolWithTag(NonPagedPool, sizeof *Entry, IOP_TAG_OTHER);

    if (Entry == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    ObReferenceObject(Device);
    Entry->Device = Device;
    ExInterlockedInsertHeadList(List, &Entry->Link, &IopDatabaseLock);
    Device->Flags |= DO_SHUTDOWN_REGISTERED;
    return STATUS_SUCCESS;
}

/* PASSIVE_LEVEL. Undone with IoUnregisterShutdownNotification, or by IoDeleteDevice. */
NTSTATUS NTAPI
IoRegisterShutdownNotification(PDEVICE_OBJECT DeviceObject)
{
    return IopRegister(&IopShutdownList, DeviceObject);
}

NTSTATUS NTAPI
IoRegisterLastChanceShutdownNotification(PDEVICE_OBJECT DeviceObject)
{
    return IopRegister(&IopLastChanceList, DeviceObject);
}

/* Takes one entry of Device (any, if NULL) off the list. */
static SHUTDOWN_ENTRY *
IopTakeEntry(PLIST_ENTRY List, PDEVICE_OBJECT Device)
{
    SHUTDOWN_ENTRY *Found = NULL;
    KIRQL           Irql;

    KeAcquireSpinLock(&IopDatabaseLock, &Irql);
    for (PLIST_ENTRY Link = List->Flink; Link != List && Found == NULL; Link = Link->Flink) {
        SHUTDOWN_ENTRY *Entry = CONTAINING_RECORD(Link, SHUTDOWN_ENTRY, Link);

        if (Device == NULL || Entry->Device == Device) {
            RemoveEntryList(Link);
            Found = Entry;
        }
    }
    KeReleaseSpinLock(&IopDatabaseLock, Irql);
    return Found;
}

static VOID
IopFreeEntry(SHUTDOWN_ENTRY *Entry)
{
    ObDereferenceObject(Entry->Device);
    ExFreePoolWithTag(Entry, IOP_TAG_OTHER);
}

VOID NTAPI
IoUnregisterShutdownNotification(PDEVICE_OBJECT DeviceObject)
{
    SHUTDOWN_ENTRY *Entry;

    PAGED_CODE();

    while ((Entry = IopTakeEntry(&IopShutdownList, DeviceObject)) != NULL
           || (Entry = IopTakeEntry(&IopLastChanceList, DeviceObject)) != NULL)
        IopFreeEntry(Entry);
    DeviceObject->Flags &= ~DO_SHUTDOWN_REGISTERED;
}

static NTSTATUS NTAPI
IopShutdownCompleted(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* Sends the IRP and waits for it; FALSE: the driver keeps it. */
static BOOLEAN
IopSendShutdown(PDEVICE_OBJECT Device, PIRP Irp, PKEVENT Completed)
{
    LARGE_INTEGER Patience = { .QuadPart = -10000000LL * IopCancelPatience };

    KeInitializeEvent(Completed, NotificationEvent, FALSE);
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_SHUTDOWN;
    IoSetCompletionRoutine(Irp, IopShutdownCompleted, Completed, TRUE, TRUE, TRUE);
    if (IofCallDriver(Device, Irp) != STATUS_PENDING) {         // (3)
        if (!KeReadStateEvent(Completed))
            IopNotCompleted(Irp, Device);
    } else if (KeWaitForSingleObject(Completed, Executive, KernelMode, FALSE, &Patience)
               == STATUS_TIMEOUT) {
        IopReportHeldIrp(Irp, "sent", IopCancelPatience);
        return FALSE;
    }
    IoFreeIrp(Irp);                                             // (8)
    return TRUE;
}

static VOID
IopNotify(PLIST_ENTRY List)
{
    SHUTDOWN_ENTRY *Entry;

    while ((Entry = IopTakeEntry(List, NULL)) != NULL) {
        PDEVICE_OBJECT Device = IoGetAttachedDeviceReference(Entry->Device);
        PIRP           Irp = IoAllocateIrp(Device->StackSize, FALSE);

        if (Irp != NULL && !IopSendShutdown(Device, Irp, &Entry->Completed))
            continue;
        ObDereferenceObject(Device);
        IopFreeEntry(Entry);
    }
}

VOID
IoShutdownSystem(VOID)
{
    PAGED_CODE();

    IopNotify(&IopShutdownList);
    IopNotify(&IopLastChanceList);
}
