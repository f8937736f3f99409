/*
 * Cancelable IRP queues; the rules are numbered in irpqueue.h. Linked into each driver that uses
 * them. Typical course:
 *
 *   dispatch routine    return IrpQueueInsert(&Queue, Irp);         // STATUS_PENDING
 *   DPC                 KeAcquireSpinLock(Queue.Lock, …);
 *                       Irp = IrpQueueTakeLocked(&Queue);           // ours alone now
 *                       KeReleaseSpinLock(Queue.Lock, …);
 *                       IrpComplete(Irp, STATUS_SUCCESS, Bytes);
 *   IRP_MJ_CLEANUP      IrpQueueCancelFile(&Queue, FileObject);
 *
 * DriverContext[3] of a queued IRP names its queue; the other three elements are the driver's.
 */
#include "irpqueue.h"

#define QUEUE_OF(Irp)   ((PIRP_QUEUE)(Irp)->Tail.Overlay.DriverContext[3])

/*
 * Completes an IRP and returns its status, so that a dispatch routine may end in it. IRQL <=
 * DISPATCH_LEVEL.
 */
NTSTATUS
IrpComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_SERIAL_INCREMENT);
    return Status;
}

VOID
IrpQueueInitialize(PIRP_QUEUE Queue, PKSPIN_LOCK Lock)
{
    Queue->Lock = Lock;
    InitializeListHead(&Queue->Irps);
}

static VOID NTAPI
IrpQueueCancel(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIRP_QUEUE Queue = QUEUE_OF(Irp);
    KIRQL      OldIrql;

    IoReleaseCancelSpinLock(Irp->CancelIrql);

    KeAcquireSpinLock(Queue->Lock, &OldIrql);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);              // (1), (3)
    KeReleaseSpinLock(Queue->Lock, OldIrql);

    IrpComplete(Irp, STATUS_CANCELLED, 0);
}

/*
 * Marks the IRP pending and queues it; it may be completed before this returns. IRQL <=
 * DISPATCH_LEVEL.
 */
NTSTATUS
IrpQueueInsert(PIRP_QUEUE Queue, PIRP Irp)
{
    BOOLEAN Cancelled;
    KIRQL   OldIrql;

    IoMarkIrpPending(Irp);
    Irp->Tail.Overlay.DriverContext[3] = Queue;

    KeAcquireSpinLock(Queue->Lock, &OldIrql);
    InsertTailList(&Queue->Irps, &Irp->Tail.Overlay.ListEntry);
    IoSetCancelRoutine(Irp, IrpQueueCancel);
    Cancelled = Irp->Cancel && IoSetCancelRoutine(Irp, NULL) != NULL;
    if (Cancelled)
        RemoveEntryList(&Irp->Tail.Overlay.ListEntry);          // (4)
    KeReleaseSpinLock(Queue->Lock, OldIrql);

    if (Cancelled)
        IrpComplete(Irp, STATUS_CANCELLED, 0);
    return STATUS_PENDING;
}

/*
 * The oldest IRP, which stays queued: it may be looked at, and its buffer used, while the lock is
 * held; or NULL.
 */
PIRP
IrpQueueFirstLocked(PIRP_QUEUE Queue)
{
    if (IsListEmpty(&Queue->Irps))
        return NULL;
    return CONTAINING_RECORD(Queue->Irps.Flink, IRP, Tail.Overlay.ListEntry);
}

/*
 * Takes one IRP, found with IrpQueueFirstLocked, off its queue; FALSE if it is being cancelled
 * and so is not the caller's.
 */
BOOLEAN
IrpQueueRemoveLocked(PIRP Irp)
{
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
    if (IoSetCancelRoutine(Irp, NULL) != NULL)
        return TRUE;                                            // (2)

    InitializeListHead(&Irp->Tail.Overlay.ListEntry);           // (3)
    return FALSE;
}

/*
 * Takes the oldest IRP that is not being cancelled, or NULL. The caller completes it after it has
 * released the lock.
 */
PIRP
IrpQueueTakeLocked(PIRP_QUEUE Queue)
{
    PIRP Irp;

    while ((Irp = IrpQueueFirstLocked(Queue)) != NULL) {
        if (IrpQueueRemoveLocked(Irp))
            return Irp;
    }
    return NULL;
}

/* The first IRP of a file that can be had, or NULL. */
static PIRP
IrpQueueTakeOfFile(PIRP_QUEUE Queue, PFILE_OBJECT File)
{
    PLIST_ENTRY Entry, Next;
    PIRP        Found = NULL;
    KIRQL       OldIrql;

    KeAcquireSpinLock(Queue->Lock, &OldIrql);
    for (Entry = Queue->Irps.Flink; Entry != &Queue->Irps && !Found; Entry = Next) {
        PIRP Irp = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry);

        Next = Entry->Flink;
        if (IoGetCurrentIrpStackLocation(Irp)->FileObject == File && IrpQueueRemoveLocked(Irp))
            Found = Irp;
    }
    KeReleaseSpinLock(Queue->Lock, OldIrql);
    return Found;
}

/* Completes a file's IRPs with STATUS_CANCELLED. IRQL <= DISPATCH_LEVEL, the lock not held. */
VOID
IrpQueueCancelFile(PIRP_QUEUE Queue, PFILE_OBJECT File)
{
    PIRP Irp;

    while ((Irp = IrpQueueTakeOfFile(Queue, File)) != NULL)
        IrpComplete(Irp, STATUS_CANCELLED, 0);
}
