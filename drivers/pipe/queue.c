/*
 * Waiting IRPs, in cancel-safe queues, and the mutex under which they meet the bytes.
 *
 * IoCsq decides who owns an IRP that is taken out and cancelled at the same moment, and calls the
 * routines below for what it cannot know: where the IRP goes, and what is to be done with one that
 * was cancelled. The IRP that waits longest is first; a write that was continued and is not done
 * goes back there.
 */
#include "pipe.h"

static PPIPE_QUEUE
PipeQueueOf(PIO_CSQ Csq)
{
    return CONTAINING_RECORD(Csq, PIPE_QUEUE, Csq);
}

static NTSTATUS NTAPI
PipeQueueInsert(PIO_CSQ Csq, PIRP Irp, PVOID AtHead)
{
    PPIPE_QUEUE Queue = PipeQueueOf(Csq);

    if (AtHead != NULL)
        InsertHeadList(&Queue->Irps, &Irp->Tail.Overlay.ListEntry);
    else
        InsertTailList(&Queue->Irps, &Irp->Tail.Overlay.ListEntry);
    Queue->Count++;
    return STATUS_SUCCESS;
}

static VOID NTAPI
PipeQueueRemove(PIO_CSQ Csq, PIRP Irp)
{
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
    PipeQueueOf(Csq)->Count--;
}

/* The IRP behind Irp, or the first; only one of File's, if there is a File. */
static PIRP NTAPI
PipeQueuePeek(PIO_CSQ Csq, PIRP Irp, PVOID File)
{
    PPIPE_QUEUE Queue = PipeQueueOf(Csq);
    PLIST_ENTRY Entry = Irp != NULL ? Irp->Tail.Overlay.ListEntry.Flink : Queue->Irps.Flink;

    for (; Entry != &Queue->Irps; Entry = Entry->Flink) {
        Irp = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry);
        if (File == NULL || IoGetCurrentIrpStackLocation(Irp)->FileObject == File)
            return Irp;
    }
    return NULL;
}

static VOID NTAPI
PipeQueueLock(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&PipeQueueOf(Csq)->Lock, Irql);
}

static VOID NTAPI
PipeQueueUnlock(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&PipeQueueOf(Csq)->Lock, Irql);
}

/* (6) and (7) */
static VOID NTAPI
PipeQueueCancelled(PIO_CSQ Csq, PIRP Irp)
{
    PPIPE Pipe = PipeQueueOf(Csq)->Pipe;
    ULONG Moved = PipeQueueOf(Csq) == &Pipe->WaitingWrites ? PIPE_PROGRESS(Irp) : 0;

    if (Pipe->Holder == KeGetCurrentThread())
        PipeFinish(Pipe, Irp, STATUS_CANCELLED, Moved);
    else
        PipeComplete(Irp, STATUS_CANCELLED, Moved);
}

VOID
PipeInitializeQueue(PPIPE_QUEUE Queue, PPIPE Pipe)
{
    Queue->Pipe = Pipe;
    Queue->Count = 0;
    KeInitializeSpinLock(&Queue->Lock);
    InitializeListHead(&Queue->Irps);
    IoCsqInitializeEx(&Queue->Csq, PipeQueueInsert, PipeQueueRemove, PipeQueuePeek, PipeQueueLock,
                      PipeQueueUnlock, PipeQueueCancelled);
}

/* DataMutex is held. The IRP is marked pending, and may be gone on return. */
VOID
PipeWait(PPIPE_QUEUE Queue, PIRP Irp, BOOLEAN AtHead)
{
    IoCsqInsertIrpEx(&Queue->Csq, Irp, NULL, AtHead ? Queue : NULL);
}

PIRP
PipeTake(PPIPE_QUEUE Queue, PFILE_OBJECT File)
{
    return PipeNobodyWaits(Queue) ? NULL : IoCsqRemoveNextIrp(&Queue->Csq, File);
}

VOID
PipeAcquire(PPIPE Pipe)
{
    ExAcquireFastMutex(&Pipe->DataMutex);
    Pipe->Holder = KeGetCurrentThread();
}

/* Completes the IRPs from First on; their pipe may be gone meanwhile. */
static __attribute__((noinline)) VOID
PipeCompleteList(PLIST_ENTRY First)
{
    LIST_ENTRY List;

    InitializeListHead(&List);
    AppendTailList(&List, First);
    while (!IsListEmpty(&List))
        IoCompleteRequest(CONTAINING_RECORD(RemoveHeadList(&List), IRP, Tail.Overlay.ListEntry),
                          IO_NO_INCREMENT);
}

VOID
PipeRelease(PPIPE Pipe)
{
    PLIST_ENTRY First = NULL;

    if (!IsListEmpty(&Pipe->Finished)) {
        First = Pipe->Finished.Flink;
        RemoveEntryList(&Pipe->Finished);
        InitializeListHead(&Pipe->Finished);
    }
    Pipe->Holder = NULL;
    ExReleaseFastMutex(&Pipe->DataMutex);
    if (First != NULL)
        PipeCompleteList(First);
}

/* Notes how an IRP that this driver owns has ended; with DataMutex held. */
VOID
PipeFinish(PPIPE Pipe, PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    InsertTailList(&Pipe->Finished, &Irp->Tail.Overlay.ListEntry);
}
