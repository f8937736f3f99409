/*
 * Work items: routines that system threads run at PASSIVE_LEVEL for those who cannot wait where
 * they are.
 *
 * A WORK_QUEUE_ITEM goes into one of three kernel queues (KQUEUE) by its urgency; a few threads
 * of a fitting priority take from each, and as a queue counts only threads that run, one that
 * blocks in an item lets another go on. When all of them are blocked and an item waits for more
 * than a second, the balance set manager starts one more, which ends when it finds nothing to do.
 * An item is out of the queue before its routine is called, which may free it or queue it again.
 * List.Flink is not NULL exactly while it is queued.
 *
 * A routine must come back at PASSIVE_LEVEL with APCs enabled and no spin lock held: callout.c
 * names it otherwise. Queueing an item that is queued is 0xE4.
 */
#include "ps/ps.h"

#define EX_WORK_QUEUES          3
#define EXTRA_THREAD_PATIENCE   20000000LL      // of one that finds nothing, in 100 ns

typedef struct _EXP_WORK_QUEUE {
    KQUEUE    Queue;
    KPRIORITY Priority;
    ULONG     Threads;
    PVOID     First;                            // the item that waited when ExBalanceWorkers looked
} EXP_WORK_QUEUE, *PEXP_WORK_QUEUE;

#define LIST_ITSELF(List) { &(List), &(List) }
#define WORK_QUEUE(Which, ThreadPriority, ThreadCount) {                                    \
    .Queue = {                                                                              \
        .Header = {                                                                         \
            .Type = QueueObject,                                                            \
            .WaitListHead = LIST_ITSELF(ExpWorkQueues[Which].Queue.Header.WaitListHead) },  \
        .EntryListHead = LIST_ITSELF(ExpWorkQueues[Which].Queue.EntryListHead),             \
        .ThreadListHead = LIST_ITSELF(ExpWorkQueues[Which].Queue.ThreadListHead),           \
        .MaximumCount = MAXIMUM_KERNEL_PROCESSORS },                                        \
    .Priority = ThreadPriority,                                                             \
    .Threads = ThreadCount }

/*
 * Usable before there are threads to serve them. By WORK_QUEUE_TYPE: critical, delayed,
 * hypercritical.
 */
static EXP_WORK_QUEUE ExpWorkQueues[EX_WORK_QUEUES] = {
    WORK_QUEUE(CriticalWorkQueue, 13, 4),
    WORK_QUEUE(DelayedWorkQueue, 12, 4),
    WORK_QUEUE(HyperCriticalWorkQueue, 15, 2),
};

static VOID
ExpRunWorkItem(PWORK_QUEUE_ITEM Item)
{
    PWORKER_THREAD_ROUTINE Routine = Item->WorkerRoutine;
    PVOID                  Parameter = Item->Parameter;
    ULONG64                State = KiCalloutState();

    Routine(Parameter);
    KiCheckCallout(KiWorkRoutine, Routine, Item, PASSIVE_LEVEL, State);
}

static VOID NTAPI
ExpWorkerThread(PVOID Context)
{
    PEXP_WORK_QUEUE Work = Context;

    KeSetPriorityThread(KeGetCurrentThread(), Work->Priority);
    for (;;)
        ExpRunWorkItem(CONTAINING_RECORD(KeRemoveQueue(&Work->Queue, KernelMode, NULL),
            WORK_QUEUE_ITEM, List));
}

static VOID NTAPI
ExpExtraThread(PVOID Context)
{
    PEXP_WORK_QUEUE Work = Context;
    LARGE_INTEGER   Patience = { .QuadPart = -EXTRA_THREAD_PATIENCE };
    PLIST_ENTRY     Entry;

    KeSetPriorityThread(KeGetCurrentThread(), Work->Priority);
    while ((LONG_PTR)(Entry = KeRemoveQueue(&Work->Queue, KernelMode, &Patience)) != STATUS_TIMEOUT)
        ExpRunWorkItem(CONTAINING_RECORD(Entry, WORK_QUEUE_ITEM, List));
}

static NTSTATUS
ExpStartWorker(PEXP_WORK_QUEUE Work, PKSTART_ROUTINE Routine)
{
    HANDLE   Thread;
    NTSTATUS Status = PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, Routine,
                                           Work);

    if (NT_SUCCESS(Status))
        ZwClose(Thread);
    return Status;
}

VOID
ExInitializeWorkers(VOID)
{
    ULONG    Index, Count;
    NTSTATUS Status;

    PAGED_CODE();
    for (Index = 0; Index < EX_WORK_QUEUES; Index++) {
        for (Count = 0; Count < ExpWorkQueues[Index].Threads; Count++) {
            Status = ExpStartWorker(&ExpWorkQueues[Index], ExpWorkerThread);
            if (!NT_SUCCESS(Status))
                KeBugCheckEx(PHASE1_INITIALIZATION_FAILED, (ULONG_PTR)Status, 0, 0, 0);
        }
    }
}

/* A hint that needs no lock: an item that is still the first, and no thread of the queue runs. */
VOID
ExBalanceWorkers(VOID)
{
    for (ULONG Index = 0; Index < EX_WORK_QUEUES; Index++) {
        PEXP_WORK_QUEUE Work = &ExpWorkQueues[Index];
        PLIST_ENTRY     First = Work->Queue.EntryListHead.Flink;

        if (First != &Work->Queue.EntryListHead && First == Work->First
            && Work->Queue.CurrentCount == 0)
            ExpStartWorker(Work, ExpExtraThread);
        Work->First = First;
    }
}

/*
 * Queues an item set up by ExInitializeWorkItem; its memory is nonpaged. Types above
 * HyperCriticalWorkQueue count as delayed. IRQL <= DISPATCH_LEVEL.
 */
VOID NTAPI
ExQueueWorkItem(PWORK_QUEUE_ITEM WorkItem, WORK_QUEUE_TYPE QueueType)
{
    IRQL_AT_MOST(DISPATCH_LEVEL);
    if (WorkItem->List.Flink != NULL)
        KeBugCheckEx(WORKER_INVALID, 1, (ULONG_PTR)WorkItem, (ULONG_PTR)WorkItem->WorkerRoutine,
            QueueType);
    if (QueueType >= EX_WORK_QUEUES)
        QueueType = DelayedWorkQueue;
    KeInsertQueue(&ExpWorkQueues[QueueType].Queue, &WorkItem->List);
}

PVOID
ExFindQueuedWorkItem(PVOID Base, SIZE_T Size, PVOID *Routine)
{
    PVOID Found = NULL;
    KIRQL OldIrql = KiAcquireDispatcherLock();

    for (ULONG Index = 0; Index < EX_WORK_QUEUES; Index++) {
        PLIST_ENTRY Head = &ExpWorkQueues[Index].Queue.EntryListHead;

        for (PLIST_ENTRY Entry = Head->Flink; Entry != Head; Entry = Entry->Flink) {
            PWORK_QUEUE_ITEM Item = CONTAINING_RECORD(Entry, WORK_QUEUE_ITEM, List);

            if ((ULONG_PTR)Item->WorkerRoutine - (ULONG_PTR)Base < Size) {
                *Routine = (PVOID)Item->WorkerRoutine;
                Found = Item;
            }
        }
    }
    KiExitDispatcher(OldIrql);
    return Found;
}
