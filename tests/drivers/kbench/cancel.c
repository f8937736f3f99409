/*
 * One IRP is cancelled among many that wait in a cancel-safe queue, and another takes its place:
 * IoCancelIrp, the queue's own cancel routine, the completion, IoCsqInsertIrp. The one in the
 * middle is taken, which a search from either end would find last.
 */
#include "kbench.h"

static IO_CSQ         Queue;
static LIST_ENTRY     Waiting;
static KSPIN_LOCK     QueueLock;
static PDEVICE_OBJECT Device;
static PIRP           Middle;

static VOID NTAPI
QueueInsert(PIO_CSQ Csq, PIRP Irp)
{
    // behind the one it replaces, so that it stays in the middle
    PLIST_ENTRY Place = Middle != NULL ? &Middle->Tail.Overlay.ListEntry : &Waiting;

    UNREFERENCED_PARAMETER(Csq);
    InsertTailList(Place, &Irp->Tail.Overlay.ListEntry);
}

static VOID NTAPI
QueueRemove(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

static PIRP NTAPI
QueuePeek(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    PLIST_ENTRY Next = Irp != NULL ? Irp->Tail.Overlay.ListEntry.Flink : Waiting.Flink;

    UNREFERENCED_PARAMETER(Csq);
    UNREFERENCED_PARAMETER(Context);
    return Next == &Waiting ? NULL : CONTAINING_RECORD(Next, IRP, Tail.Overlay.ListEntry);
}

static VOID NTAPI
QueueAcquire(PIO_CSQ Csq, PKIRQL Irql)
{
    UNREFERENCED_PARAMETER(Csq);
    KeAcquireSpinLock(&QueueLock, Irql);
}

static VOID NTAPI
QueueRelease(PIO_CSQ Csq, KIRQL Irql)
{
    UNREFERENCED_PARAMETER(Csq);
    KeReleaseSpinLock(&QueueLock, Irql);
}

static VOID NTAPI
QueueCancelled(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    Irp->IoStatus.Status = STATUS_CANCELLED;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

static NTSTATUS NTAPI
CancelFree(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Context);
    IoFreeIrp(Irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* An IRP as a driver above would have sent it: this driver's location is the current one. */
static PIRP
CancelQueue(VOID)
{
    PIRP Irp = IoAllocateIrp(2, FALSE);

    if (Irp == NULL)
        return NULL;
    IoSetNextIrpStackLocation(Irp);
    IoSetCompletionRoutine(Irp, CancelFree, NULL, TRUE, TRUE, TRUE);
    IoSetNextIrpStackLocation(Irp);
    IoGetCurrentIrpStackLocation(Irp)->DeviceObject = Device;
    IoCsqInsertIrp(&Queue, Irp, NULL);
    return Irp;
}

NTSTATUS
CancelPrepare(const OPERATION *Operation)
{
    PIRP  Irp, Half = NULL;
    ULONG Index;

    Device = BenchDriver->DeviceObject;
    Middle = NULL;
    InitializeListHead(&Waiting);
    KeInitializeSpinLock(&QueueLock);
    IoCsqInitialize(&Queue, QueueInsert, QueueRemove, QueuePeek, QueueAcquire, QueueRelease,
                    QueueCancelled);
    for (Index = 0; Index < Operation->Size; Index++) {
        Irp = CancelQueue();
        if (Irp == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        if (Index == Operation->Size / 2)
            Half = Irp;
    }
    Middle = Half;
    return STATUS_SUCCESS;
}

VOID
CancelRun(ULONG Count)
{
    while (Count--) {
        PIRP Cancelled = Middle;

        Middle = CancelQueue();
        IoCancelIrp(Cancelled);
    }
}

VOID
CancelFinish(VOID)
{
    PIRP Irp;

    while ((Irp = IoCsqRemoveNextIrp(&Queue, NULL)) != NULL)
        QueueCancelled(&Queue, Irp);
}
