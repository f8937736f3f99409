/*
 * A queue of pending IRPs that can be cancelled at any moment, for drivers that keep requests
 * until a device answers. Three parties may want the same IRP: the driver, which wants to
 * complete it; IoCancelIrp, through the cancel routine; and cleanup, which cancels what belongs
 * to a closing file. The protocol, which irpqueue.c cites by number:
 *
 *   (1) An IRP is in the queue exactly while it is on the list, and the list changes only under
 *       the queue's lock.
 *   (2) Whoever takes the cancel routine away (IoSetCancelRoutine(Irp, NULL) returns it) owns the
 *       IRP and completes it.
 *   (3) A taker that finds the cancel routine gone leaves the IRP on a list of its own: the
 *       cancel routine is waiting for the lock, unlinks the IRP from there and completes it.
 *   (4) An IRP that was cancelled before its cancel routine was set is completed by the inserter,
 *       under rule (2).
 *   (5) Nothing is completed while the lock is held.
 */
#pragma once

#include <ntddk.h>

typedef struct _IRP_QUEUE {
    // the driver's, shared with whatever else must change together with the queue
    PKSPIN_LOCK Lock;
    LIST_ENTRY  Irps;           // guarded by Lock; linked through Tail.Overlay.ListEntry
} IRP_QUEUE, *PIRP_QUEUE;

VOID     IrpQueueInitialize(PIRP_QUEUE Queue, PKSPIN_LOCK Lock);
NTSTATUS IrpQueueInsert(PIRP_QUEUE Queue, PIRP Irp);
PIRP     IrpQueueFirstLocked(PIRP_QUEUE Queue);
BOOLEAN  IrpQueueRemoveLocked(PIRP Irp);
PIRP     IrpQueueTakeLocked(PIRP_QUEUE Queue);
VOID     IrpQueueCancelFile(PIRP_QUEUE Queue, PFILE_OBJECT File);
NTSTATUS IrpComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information);
