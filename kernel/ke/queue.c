/*
 * Kernel queues (KQUEUE): entries that threads take and work on, with a bound on how many do so
 * at a time.
 *
 * A thread belongs to the queue it last took an entry from (KTHREAD.Queue). CurrentCount is how
 * many of the queue's threads run: it falls when one blocks in any wait (KiActivateWaiterQueue)
 * and rises when it wakes (KiUnwaitThread). An entry is handed out while CurrentCount is below
 * MaximumCount, so one that blocks makes room for another, and a burst of entries does not start
 * a burst of threads. A thread that finds nothing waits in WaitListHead; the last to come is
 * served first, its stack being warm. Its answer, the entry, is its WaitStatus.
 *
 * Header.SignalState is the number of entries. Guarded by KiDispatcherLock.
 */
#include "ke/dispatch.h"

/*
 * Count 0: as many threads as there are processors.
 */
VOID NTAPI
KeInitializeQueue(PRKQUEUE Queue, ULONG Count)
{
    Queue->Header.Lock = 0;
    Queue->Header.Type = QueueObject;
    Queue->Header.Size = sizeof(KQUEUE) / sizeof(LONG);
    Queue->Header.SignalState = 0;
    InitializeListHead(&Queue->Header.WaitListHead);
    InitializeListHead(&Queue->EntryListHead);
    InitializeListHead(&Queue->ThreadListHead);
    Queue->CurrentCount = 0;
    Queue->MaximumCount = Count != 0 ? Count : MAXIMUM_KERNEL_PROCESSORS;
}

static PLIST_ENTRY
KiTakeEntry(PKQUEUE Queue)
{
    PLIST_ENTRY Entry = RemoveHeadList(&Queue->EntryListHead);

    Entry->Flink = NULL;
    Queue->Header.SignalState--;
    return Entry;
}

/* Gives entries to waiting threads as long as the bound allows. */
static VOID
KiServeWaiters(PKQUEUE Queue)
{
    PKWAIT_BLOCK Block;

    while (Queue->CurrentCount < Queue->MaximumCount && !IsListEmpty(&Queue->EntryListHead)
        && !IsListEmpty(&Queue->Header.WaitListHead)) {
        Block = CONTAINING_RECORD(Queue->Header.WaitListHead.Blink, KWAIT_BLOCK, WaitListEntry);
        KiUnwaitThread(Block->Thread, (LONG_PTR)KiTakeEntry(Queue), 0);     // counts it as running
    }
}

VOID
KiActivateWaiterQueue(PKQUEUE Queue)
{
    Queue->CurrentCount--;
    KiServeWaiters(Queue);
}

VOID
KiLeaveQueue(PKTHREAD Thread)
{
    PKQUEUE Queue = Thread->Queue;

    Thread->Queue = NULL;
    RemoveEntryList(&Thread->QueueListEntry);
    KiActivateWaiterQueue(Queue);
}

static LONG
KiInsertQueue(PKQUEUE Queue, PLIST_ENTRY Entry, BOOLEAN Head)
{
    KIRQL OldIrql;
    LONG  Old;

    OldIrql = KiAcquireDispatcherLock();
    Old = Queue->Header.SignalState++;
    if (Head)
        InsertHeadList(&Queue->EntryListHead, Entry);
    else
        InsertTailList(&Queue->EntryListHead, Entry);
    KiServeWaiters(Queue);
    KiExitDispatcher(OldIrql);
    return Old;
}

/*
 * Puts an entry at the end (head) of the queue; returns how many were there. IRQL <=
 * DISPATCH_LEVEL.
 */
LONG NTAPI
KeInsertQueue(PRKQUEUE Queue, PLIST_ENTRY Entry)
{
    IRQL_AT_MOST(DISPATCH_LEVEL);
    return KiInsertQueue(Queue, Entry, FALSE);
}

LONG NTAPI
KeInsertHeadQueue(PRKQUEUE Queue, PLIST_ENTRY Entry)
{
    IRQL_AT_MOST(DISPATCH_LEVEL);
    return KiInsertQueue(Queue, Entry, TRUE);
}

/*
 * The running thread is back for more: it no longer counts as running, and it now belongs to
 * Queue.
 */
static VOID
KiJoinQueue(PKTHREAD Thread, PKQUEUE Queue)
{
    if (Thread->Queue == Queue) {
        Queue->CurrentCount--;
        return;
    }
    if (Thread->Queue != NULL)
        KiLeaveQueue(Thread);
    Thread->Queue = Queue;
    InsertTailList(&Queue->ThreadListHead, &Thread->QueueListEntry);
}

/* Links the two blocks of a wait for Queue; FALSE if the time is up already. */
static BOOLEAN
KiLinkQueueWait(PKTHREAD Thread, PKQUEUE Queue, BOOLEAN Timed, ULONG64 Due)
{
    PKWAIT_BLOCK Block = &Thread->WaitBlock[0], TimerBlock = &Thread->WaitBlock[TIMER_WAIT_BLOCK];

    if (Timed && !KiStartWaitTimer(Thread, Due))
        return FALSE;
    Block->Thread = Thread;
    Block->Object = Queue;
    Block->WaitKey = 0;
    Block->WaitType = WaitAny;
    Block->NextWaitBlock = Timed ? TimerBlock : Block;
    TimerBlock->NextWaitBlock = Block;
    Thread->WaitBlockList = Block;
    InsertTailList(&Queue->Header.WaitListHead, &Block->WaitListEntry);
    return TRUE;
}

/* KeRemoveQueue in a wait that may be Alertable: STATUS_ALERTED too. */
PLIST_ENTRY
KiRemoveQueue(PKQUEUE Queue, KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    PKTHREAD Thread = KeGetCurrentThread();
    ULONG64  Due = Timeout != NULL && Timeout->QuadPart != 0 ? KiComputeDueTime(*Timeout) : 0;
    LONG_PTR Result;
    KIRQL    OldIrql;

    MAY_BLOCK();
    for (;;) {
        OldIrql = KiBeginWait(Thread);
        KiJoinQueue(Thread, Queue);
        if (!IsListEmpty(&Queue->EntryListHead) && Queue->CurrentCount < Queue->MaximumCount) {
            Result = (LONG_PTR)KiTakeEntry(Queue);
            break;
        }
        Result = KiTestInterruption(Thread, WaitMode, Alertable);
        if (Result != STATUS_SUCCESS)
            break;
        Thread->WaitStatus = 0;
        Result = STATUS_TIMEOUT;
        if ((Timeout != NULL && Due == 0) || !KiLinkQueueWait(Thread, Queue, Timeout != NULL, Due))
            break;
        Result = KiBlockThread(Thread, WrQueue, WaitMode, Alertable, OldIrql);
        if (Result != STATUS_KERNEL_APC)
            return (PLIST_ENTRY)Result;
    }
    Queue->CurrentCount++;
    KiExitDispatcher(OldIrql);
    return (PLIST_ENTRY)Result;
}

/*
 * Takes the first entry, waiting for one at most Timeout (NULL: for ever). Returns the entry, or
 * STATUS_TIMEOUT or STATUS_USER_APC as a pointer, or STATUS_ABANDONED after KeRundownQueue. IRQL
 * <= APC_LEVEL.
 */
PLIST_ENTRY NTAPI
KeRemoveQueue(PRKQUEUE Queue, KPROCESSOR_MODE WaitMode, PLARGE_INTEGER Timeout)
{
    return KiRemoveQueue(Queue, WaitMode, FALSE, Timeout);
}

LONG NTAPI
KeReadStateQueue(PRKQUEUE Queue)
{
    return Queue->Header.SignalState;
}

/*
 * Empties the queue before it is freed: its threads no longer belong to it, those that wait get
 * STATUS_ABANDONED. Returns the first of the entries left over, a list without a head, or NULL.
 * IRQL <= DISPATCH_LEVEL.
 */
PLIST_ENTRY NTAPI
KeRundownQueue(PRKQUEUE Queue)
{
    PLIST_ENTRY First = NULL;
    PKTHREAD    Thread;
    KIRQL       OldIrql;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    OldIrql = KiAcquireDispatcherLock();
    if (!IsListEmpty(&Queue->EntryListHead)) {
        First = Queue->EntryListHead.Flink;
        RemoveEntryList(&Queue->EntryListHead);
        InitializeListHead(&Queue->EntryListHead);
    }
    Queue->Header.SignalState = 0;
    while (!IsListEmpty(&Queue->ThreadListHead)) {
        Thread = CONTAINING_RECORD(RemoveHeadList(&Queue->ThreadListHead), KTHREAD, QueueListEntry);
        Thread->Queue = NULL;
    }
    Queue->CurrentCount = 0;
    while (!IsListEmpty(&Queue->Header.WaitListHead))
        KiUnwaitThread(CONTAINING_RECORD(Queue->Header.WaitListHead.Flink, KWAIT_BLOCK,
            WaitListEntry)->Thread, STATUS_ABANDONED, 0);
    KiExitDispatcher(OldIrql);
    return First;
}
