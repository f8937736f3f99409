/*
 * Cancel-safe queues: the queue is the driver's (insert, remove, peek, its lock), the races are
 * handled here.
 *
 * An IRP in the queue has a cancel routine of ours and, in Tail.Overlay.DriverContext[3], the way
 * back to the queue: the IO_CSQ itself, or the IO_CSQ_IRP_CONTEXT it was inserted with, which
 * points to the queue and, while the IRP is queued, to the IRP. Whoever takes the cancel routine
 * out of an IRP owns it; an IRP without one is being cancelled and is left alone.
 *
 * The numbers are those of the life of an IRP (io.h):
 *
 *   insert   (4) under the driver's lock: mark pending, queue, set the routine; if Cancel is set
 *            by then and the routine can be taken back, remove it again and, outside the lock,
 *            complete it as cancelled
 *   remove   before (6), under the lock: take the routine; NULL means that a cancel has it, so the
 *            IRP is as good as gone
 *   cancel   (5) releases the cancel lock first, then removes the IRP under the driver's lock, then
 *            completes it
 */
#include "iop.h"
#include <csq.h>

#define QUEUE_OF(Irp)   ((Irp)->Tail.Overlay.DriverContext[3])

static VOID NTAPI
IopCsqCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_CSQ_IRP_CONTEXT Context = NULL;
    PIO_CSQ             Csq = QUEUE_OF(Irp);
    KIRQL               Irql;

    IoReleaseCancelSpinLock(Irp->CancelIrql);
    if (Csq->Type == IO_TYPE_CSQ_IRP_CONTEXT) {
        Context = QUEUE_OF(Irp);
        Csq = Context->Csq;
    }

    Csq->CsqAcquireLock(Csq, &Irql);
    Csq->CsqRemoveIrp(Csq, Irp);
    if (Context != NULL)
        Context->Irp = NULL;
    QUEUE_OF(Irp) = NULL;
    Csq->CsqReleaseLock(Csq, Irql);

    Csq->CsqCompleteCanceledIrp(Csq, Irp);
}

static NTSTATUS
IopCsqFill(PIO_CSQ Csq, ULONG Type, PVOID Insert, PVOID Remove, PVOID Peek, PVOID Acquire,
           PVOID Release, PVOID Complete)
{
    Csq->Type = Type;
    Csq->CsqInsertIrp = (PIO_CSQ_INSERT_IRP)Insert;
    Csq->CsqRemoveIrp = (PIO_CSQ_REMOVE_IRP)Remove;
    Csq->CsqPeekNextIrp = (PIO_CSQ_PEEK_NEXT_IRP)Peek;
    Csq->CsqAcquireLock = (PIO_CSQ_ACQUIRE_LOCK)Acquire;
    Csq->CsqReleaseLock = (PIO_CSQ_RELEASE_LOCK)Release;
    Csq->CsqCompleteCanceledIrp = (PIO_CSQ_COMPLETE_CANCELED_IRP)Complete;
    Csq->ReservePointer = NULL;
    return STATUS_SUCCESS;
}

/* Makes a queue out of the driver's routines. IRQL <= DISPATCH_LEVEL. */
NTSTATUS NTAPI
IoCsqInitialize(PIO_CSQ Csq, PIO_CSQ_INSERT_IRP CsqInsertIrp, PIO_CSQ_REMOVE_IRP CsqRemoveIrp,
                PIO_CSQ_PEEK_NEXT_IRP CsqPeekNextIrp, PIO_CSQ_ACQUIRE_LOCK CsqAcquireLock,
                PIO_CSQ_RELEASE_LOCK CsqReleaseLock,
                PIO_CSQ_COMPLETE_CANCELED_IRP CsqCompleteCanceledIrp)
{
    return IopCsqFill(Csq, IO_TYPE_CSQ, CsqInsertIrp, CsqRemoveIrp, CsqPeekNextIrp,
                      CsqAcquireLock, CsqReleaseLock,
                      CsqCompleteCanceledIrp);
}

/* The same, with an insert routine that takes a context and may refuse. */
NTSTATUS NTAPI
IoCsqInitializeEx(PIO_CSQ Csq, PIO_CSQ_INSERT_IRP_EX CsqInsertIrp, PIO_CSQ_REMOVE_IRP CsqRemoveIrp,
                  PIO_CSQ_PEEK_NEXT_IRP CsqPeekNextIrp, PIO_CSQ_ACQUIRE_LOCK CsqAcquireLock,
                  PIO_CSQ_RELEASE_LOCK CsqReleaseLock,
                  PIO_CSQ_COMPLETE_CANCELED_IRP CsqCompleteCanceledIrp)
{
    return IopCsqFill(Csq, IO_TYPE_CSQ_EX, CsqInsertIrp, CsqRemoveIrp, CsqPeekNextIrp,
                      CsqAcquireLock, CsqReleaseLock,
                      CsqCompleteCanceledIrp);
}

/*
 * Queues Irp, marked pending: the dispatch routine then returns STATUS_PENDING. Context (may be
 * NULL) lets IoCsqRemoveIrp find it. Returns the insert routine's status; if that is an error the
 * IRP is not queued. IRQL <= DISPATCH_LEVEL.
 */
NTSTATUS NTAPI
IoCsqInsertIrpEx(PIO_CSQ Csq, PIRP Irp, PIO_CSQ_IRP_CONTEXT Context, PVOID InsertContext)
{
    NTSTATUS Status = STATUS_SUCCESS;
    BOOLEAN  Cancelled = FALSE;
    KIRQL    Irql;

    if (Context != NULL) {
        Context->Type = IO_TYPE_CSQ_IRP_CONTEXT;
        Context->Irp = Irp;
        Context->Csq = Csq;
    }

    Csq->CsqAcquireLock(Csq, &Irql);
    QUEUE_OF(Irp) = Context != NULL ? (PVOID)Context : Csq;
    if (Csq->Type == IO_TYPE_CSQ_EX)
        Status = ((PIO_CSQ_INSERT_IRP_EX)(PVOID)Csq->CsqInsertIrp)(Csq, Irp, InsertContext);
    else
        Csq->CsqInsertIrp(Csq, Irp);
    if (!NT_SUCCESS(Status)) {
        QUEUE_OF(Irp) = NULL;
        if (Context != NULL)
            Context->Irp = NULL;
        Csq->CsqReleaseLock(Csq, Irql);
        return Status;
    }

    IoMarkIrpPending(Irp);                      // (4)
    IoSetCancelRoutine(Irp, IopCsqCancel);
    if (Irp->Cancel && IoSetCancelRoutine(Irp, NULL) != NULL) {
        Cancelled = TRUE;
        Csq->CsqRemoveIrp(Csq, Irp);
        QUEUE_OF(Irp) = NULL;
        if (Context != NULL)
            Context->Irp = NULL;
    }
    Csq->CsqReleaseLock(Csq, Irql);

    if (Cancelled)
        Csq->CsqCompleteCanceledIrp(Csq, Irp);
    return Status;
}

VOID NTAPI
IoCsqInsertIrp(PIO_CSQ Csq, PIRP Irp, PIO_CSQ_IRP_CONTEXT Context)
{
    IoCsqInsertIrpEx(Csq, Irp, Context, NULL);
}

/*
 * Takes an IRP out of its queue for good; with the driver's lock held. FALSE: a cancel owns it.
 */
static BOOLEAN
IopCsqTakeLocked(PIO_CSQ Csq, PIRP Irp)
{
    PIO_CSQ_IRP_CONTEXT Context = QUEUE_OF(Irp);

    if (IoSetCancelRoutine(Irp, NULL) == NULL)
        return FALSE;
    Csq->CsqRemoveIrp(Csq, Irp);
    if (Context != NULL && Context->Type == IO_TYPE_CSQ_IRP_CONTEXT)
        Context->Irp = NULL;
    QUEUE_OF(Irp) = NULL;
    return TRUE;
}

/* Takes out the IRP that was inserted with Context; NULL if it is gone or being cancelled. */
PIRP NTAPI
IoCsqRemoveIrp(PIO_CSQ Csq, PIO_CSQ_IRP_CONTEXT Context)
{
    PIRP  Irp;
    KIRQL Irql;

    Csq->CsqAcquireLock(Csq, &Irql);
    Irp = Context->Irp;
    if (Irp != NULL && !IopCsqTakeLocked(Csq, Irp))
        Irp = NULL;
    Csq->CsqReleaseLock(Csq, Irql);
    return Irp;
}

/* Takes out the next IRP that the driver's peek routine finds for PeekContext, or NULL. */
PIRP NTAPI
IoCsqRemoveNextIrp(PIO_CSQ Csq, PVOID PeekContext)
{
    PIRP  Irp = NULL;
    KIRQL Irql;

    Csq->CsqAcquireLock(Csq, &Irql);
    while ((Irp = Csq->CsqPeekNextIrp(Csq, Irp, PeekContext)) != NULL)
        if (IopCsqTakeLocked(Csq, Irp))
            break;
    Csq->CsqReleaseLock(Csq, Irql);
    return Irp;
}
