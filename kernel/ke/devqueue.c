/*
 * Device queues (KDEVICE_QUEUE): entries that wait for a device that is busy. An insertion into a
 * queue that is not busy makes it busy and does not queue the entry - the caller starts the
 * device with it; a removal from a queue with no entries makes it not busy again. Entries may
 * carry a key to be sorted by. Guarded by the queue's own Lock; KeRemoveEntryDeviceQueue apart,
 * which comes from anywhere, all are called at DISPATCH_LEVEL.
 */
#include "ke/dispatch.h"

VOID NTAPI
KeInitializeDeviceQueue(PKDEVICE_QUEUE DeviceQueue)
{
    DeviceQueue->Type = DeviceQueueObject;
    DeviceQueue->Size = sizeof(KDEVICE_QUEUE);
    InitializeListHead(&DeviceQueue->DeviceListHead);
    KeInitializeSpinLock(&DeviceQueue->Lock);
    DeviceQueue->Busy = FALSE;
}

/* Puts Entry before Place if the queue is busy; makes it busy otherwise. The lock is held. */
static BOOLEAN
KiInsertDeviceEntry(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY Entry, PLIST_ENTRY Place)
{
    Entry->Inserted = DeviceQueue->Busy;
    if (DeviceQueue->Busy)
        InsertTailList(Place, &Entry->DeviceListEntry);
    DeviceQueue->Busy = TRUE;
    return Entry->Inserted;
}

/* The first entry whose key is at least SortKey, or the list's head. */
static PLIST_ENTRY
KiFindDeviceKey(PKDEVICE_QUEUE DeviceQueue, ULONG SortKey)
{
    PLIST_ENTRY Link = DeviceQueue->DeviceListHead.Flink;

    while (Link != &DeviceQueue->DeviceListHead
        && CONTAINING_RECORD(Link, KDEVICE_QUEUE_ENTRY, DeviceListEntry)->SortKey < SortKey)
        Link = Link->Flink;
    return Link;
}

static PKDEVICE_QUEUE_ENTRY
KiTakeDeviceEntry(PLIST_ENTRY Link)
{
    PKDEVICE_QUEUE_ENTRY Entry = CONTAINING_RECORD(Link, KDEVICE_QUEUE_ENTRY, DeviceListEntry);

    RemoveEntryList(Link);
    Entry->Inserted = FALSE;
    return Entry;
}

/*
 * TRUE: queued. FALSE: the device was idle and is busy with it now.
 */
BOOLEAN NTAPI
KeInsertDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY DeviceQueueEntry)
{
    BOOLEAN Queued;

    KeAcquireSpinLockAtDpcLevel(&DeviceQueue->Lock);
    Queued = KiInsertDeviceEntry(DeviceQueue, DeviceQueueEntry, &DeviceQueue->DeviceListHead);
    KeReleaseSpinLockFromDpcLevel(&DeviceQueue->Lock);
    return Queued;
}

/* As KeInsertDeviceQueue, behind the entries with keys up to SortKey. */
BOOLEAN NTAPI
KeInsertByKeyDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY DeviceQueueEntry,
    ULONG SortKey)
{
    PLIST_ENTRY Place;
    BOOLEAN     Queued;

    DeviceQueueEntry->SortKey = SortKey;
    KeAcquireSpinLockAtDpcLevel(&DeviceQueue->Lock);
    Place = &DeviceQueue->DeviceListHead;
    if (SortKey != MAXULONG)
        Place = KiFindDeviceKey(DeviceQueue, SortKey + 1);
    Queued = KiInsertDeviceEntry(DeviceQueue, DeviceQueueEntry, Place);
    KeReleaseSpinLockFromDpcLevel(&DeviceQueue->Lock);
    return Queued;
}

/*
 * The next entry for the device, or NULL: then it is idle.
 */
PKDEVICE_QUEUE_ENTRY NTAPI
KeRemoveDeviceQueue(PKDEVICE_QUEUE DeviceQueue)
{
    PKDEVICE_QUEUE_ENTRY Entry = NULL;

    KeAcquireSpinLockAtDpcLevel(&DeviceQueue->Lock);
    if (IsListEmpty(&DeviceQueue->DeviceListHead))
        DeviceQueue->Busy = FALSE;
    else
        Entry = KiTakeDeviceEntry(DeviceQueue->DeviceListHead.Flink);
    KeReleaseSpinLockFromDpcLevel(&DeviceQueue->Lock);
    return Entry;
}

/*
 * As KeRemoveDeviceQueue: the first entry with a key of SortKey or more, or else the first of
 * all.
 */
PKDEVICE_QUEUE_ENTRY NTAPI
KeRemoveByKeyDeviceQueue(PKDEVICE_QUEUE DeviceQueue, ULONG SortKey)
{
    PKDEVICE_QUEUE_ENTRY Entry = NULL;
    PLIST_ENTRY          Link;

    KeAcquireSpinLockAtDpcLevel(&DeviceQueue->Lock);
    if (IsListEmpty(&DeviceQueue->DeviceListHead)) {
        DeviceQueue->Busy = FALSE;
    } else {
        Link = KiFindDeviceKey(DeviceQueue, SortKey);
        Entry = KiTakeDeviceEntry(Link != &DeviceQueue->DeviceListHead ? Link : Link->Flink);
    }
    KeReleaseSpinLockFromDpcLevel(&DeviceQueue->Lock);
    return Entry;
}

/* As KeRemoveByKeyDeviceQueue, but leaves a queue that is not busy alone. */
PKDEVICE_QUEUE_ENTRY NTAPI
KeRemoveByKeyDeviceQueueIfBusy(PKDEVICE_QUEUE DeviceQueue, ULONG SortKey)
{
    return DeviceQueue->Busy ? KeRemoveByKeyDeviceQueue(DeviceQueue, SortKey) : NULL;
}

/*
 * Takes this entry out, if it is still queued. IRQL <= DISPATCH_LEVEL.
 */
BOOLEAN NTAPI
KeRemoveEntryDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY DeviceQueueEntry)
{
    KIRQL   OldIrql = KeAcquireSpinLockRaiseToDpc(&DeviceQueue->Lock);
    BOOLEAN Queued = DeviceQueueEntry->Inserted;

    if (Queued)
        KiTakeDeviceEntry(&DeviceQueueEntry->DeviceListEntry);
    KeReleaseSpinLock(&DeviceQueue->Lock, OldIrql);
    return Queued;
}
