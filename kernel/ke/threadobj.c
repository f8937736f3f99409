/*
 * Threads as dispatcher objects: how one is set up, started, suspended, alerted and ended.
 *
 * KeInitializeThread fills a zeroed KTHREAD, which is Initialized until KeReadyThread enters it
 * in its process and gives it to a processor. KeTerminateThread is the end, run by the thread
 * itself: it abandons its mutants, signals its header, hands itself to ps/'s reaper and leaves
 * the processor.
 *
 * The reaper frees the stack the thread is still standing on when it is enqueued. What orders the
 * two is KiDispatcherLock: it is held from before PspReaperEnqueue until the next thread's side
 * of KiSwapContext lets go of it, on another stack; the reaper takes the lock (KiThreadLeft, or
 * its own use of it) before it frees anything. For the same reason PspReaperEnqueue may not
 * signal anything itself but by KiSetEventLocked or a DPC.
 *
 * A thread is suspended by a kernel APC that waits for its SuspendSemaphore, so it stops where
 * normal kernel APCs are allowed - before it next runs a user instruction, or at once if it waits
 * below APC_LEVEL. SuspendCount says how often; the semaphore's count and the APC's Inserted
 * together make sure that the APC waits only while it is above zero.
 */
#include "ke/dispatch.h"

extern VOID PspReaperEnqueue(PKTHREAD Thread);          // ps/ps.h

static VOID NTAPI
KiSuspendApcRoutine(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
    PVOID *Argument1, PVOID *Argument2)
{
}

static VOID NTAPI
KiSuspendThread(PVOID NormalContext, PVOID Argument1, PVOID Argument2)
{
    KeWaitForSingleObject(&KeGetCurrentThread()->SuspendSemaphore, Suspended, KernelMode, FALSE,
        NULL);
}

static VOID
KiInitializeApcState(PKTHREAD Thread, PKPROCESS Process)
{
    InitializeListHead(&Thread->ApcState.ApcListHead[KernelMode]);
    InitializeListHead(&Thread->ApcState.ApcListHead[UserMode]);
    Thread->ApcState.Process = Process;
    Thread->ApcStatePointer[OriginalApcState] = &Thread->ApcState;
    Thread->ApcStatePointer[AttachedApcState] = &Thread->SavedApcState;
    Thread->ApcQueueable = TRUE;
}

/*
 * Sets up a thread on its stack; Thread is zeroed. The other parameters are
 * KiInitializeContextThread's (ke.h). IRQL <= DISPATCH_LEVEL.
 */
VOID
KeInitializeThread(PKTHREAD Thread, PVOID StackBase, PVOID StackLimit,
    PKSYSTEM_ROUTINE SystemRoutine, PKSTART_ROUTINE StartRoutine, PVOID StartContext,
    PCONTEXT UserContext, PVOID Teb, PKPROCESS Process)
{
    PKWAIT_BLOCK TimerBlock = &Thread->WaitBlock[TIMER_WAIT_BLOCK];

    Thread->Header.Type = ThreadObject;
    Thread->Header.Size = sizeof(KTHREAD) / sizeof(LONG);
    InitializeListHead(&Thread->Header.WaitListHead);
    InitializeListHead(&Thread->MutantListHead);
    KiInitializeApcState(Thread, Process);
    Thread->Process = Process;
    Thread->Affinity = Process->Affinity;
    Thread->Priority = Thread->BasePriority = Process->BasePriority;
    Thread->Quantum = THREAD_QUANTUM_TICKS;
    Thread->NextProcessor = (UCHAR)KeGetCurrentProcessorNumber();
    Thread->State = Initialized;
    Thread->SystemThread = Teb == NULL;

    KeInitializeTimerEx(&Thread->Timer, NotificationTimer);
    TimerBlock->Thread = Thread;
    TimerBlock->Object = &Thread->Timer;
    TimerBlock->WaitKey = (USHORT)STATUS_TIMEOUT;
    TimerBlock->WaitType = WaitAny;
    KeInitializeSemaphore(&Thread->SuspendSemaphore, 0, 2);
    KeInitializeApc(&Thread->SuspendApc, Thread, OriginalApcState, KiSuspendApcRoutine, NULL,
        KiSuspendThread, KernelMode, NULL);

    Thread->StackBase = StackBase;
    Thread->StackLimit = StackLimit;
    Thread->Teb = Teb;
    KiInitializeContextThread(Thread, SystemRoutine, StartRoutine, StartContext, UserContext);
}

VOID
KeReadyThread(PKTHREAD Thread)
{
    KIRQL OldIrql = KiAcquireDispatcherLock();

    InsertTailList(&Thread->Process->ThreadListHead, &Thread->ThreadListEntry);
    KiReadyThread(Thread);
    KiExitDispatcher(OldIrql);
}

/*
 * Ends the running thread; its APC queues were flushed (KeFlushQueueApc). Holding a mutex is
 * bugcheck 0x8A.
 */
DECLSPEC_NORETURN VOID
KeTerminateThread(KPRIORITY Increment)
{
    PKTHREAD Thread = KeGetCurrentThread();

    IRQL_AT_MOST(APC_LEVEL);
    KiAcquireDispatcherLock();
    KiAbandonMutants(Thread, Increment);
    if (Thread->Queue != NULL)
        KiLeaveQueue(Thread);
    RemoveEntryList(&Thread->ThreadListEntry);
    Thread->State = Terminated;
    Thread->Header.SignalState = TRUE;
    if (!IsListEmpty(&Thread->Header.WaitListHead))
        KiWaitTest(Thread, Increment);
    PspReaperEnqueue(Thread);
    KiSwapThread();
    KeBugCheckEx(KERNEL_MODE_EXCEPTION_NOT_HANDLED, 0, (ULONG_PTR)Thread, 0, 0);    // it ran again
}

BOOLEAN
KiThreadLeft(PKTHREAD Thread)
{
    KIRQL   OldIrql = KiAcquireDispatcherLock();
    BOOLEAN Left = Thread->State == Terminated;

    KiExitDispatcher(OldIrql);
    return Left;
}

static KIRQL
KiLockThreadApcs(PKTHREAD Thread)
{
    KIRQL OldIrql = KeRaiseIrqlToDpcLevel();

    KiAcquireSpinLock(&Thread->ApcQueueLock);
    KiAcquireSpinLock(&KiDispatcherLock);
    return OldIrql;
}

static VOID
KiUnlockThreadApcs(PKTHREAD Thread, KIRQL OldIrql)
{
    KiReleaseSpinLock(&Thread->ApcQueueLock);
    KiExitDispatcher(OldIrql);
}

/*
 * Returns the former count; raises STATUS_SUSPEND_COUNT_EXCEEDED at MAXIMUM_SUSPEND_COUNT. IRQL
 * <= DISPATCH_LEVEL. The thread may run kernel code for a while yet.
 */
ULONG
KeSuspendThread(PKTHREAD Thread)
{
    KIRQL OldIrql;
    ULONG Old;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    OldIrql = KiLockThreadApcs(Thread);
    Old = (ULONG)Thread->SuspendCount;
    if (Old == MAXCHAR) {
        KiUnlockThreadApcs(Thread, OldIrql);
        ExRaiseStatus(STATUS_SUSPEND_COUNT_EXCEEDED);
    }
    if (Thread->ApcQueueable) {
        Thread->SuspendCount++;
        if (Old == 0 && Thread->SuspendApc.Inserted)
            // takes back a resume the APC has not seen
            Thread->SuspendSemaphore.Header.SignalState--;
        else if (Old == 0)
            KiInsertQueueApc(&Thread->SuspendApc, 0);
    }
    KiUnlockThreadApcs(Thread, OldIrql);
    return Old;
}

static VOID
KiReleaseSuspended(PKTHREAD Thread)
{
    Thread->SuspendSemaphore.Header.SignalState++;
    KiWaitTest(&Thread->SuspendSemaphore, 0);
}

/* Returns the former count; at 1 the thread goes on. */
ULONG
KeResumeThread(PKTHREAD Thread)
{
    KIRQL OldIrql;
    ULONG Old;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    OldIrql = KiLockThreadApcs(Thread);
    Old = (ULONG)Thread->SuspendCount;
    if (Old != 0 && --Thread->SuspendCount == 0)
        KiReleaseSuspended(Thread);
    KiUnlockThreadApcs(Thread, OldIrql);
    return Old;
}

VOID
KeForceResumeThread(PKTHREAD Thread)
{
    KIRQL OldIrql = KiLockThreadApcs(Thread);

    if (Thread->SuspendCount != 0) {
        Thread->SuspendCount = 0;
        KiReleaseSuspended(Thread);
    }
    KiUnlockThreadApcs(Thread, OldIrql);
}

/*
 * Breaks an alertable wait of Thread (a UserMode alert only a UserMode one), or remembers the
 * alert for its next one. Returns whether one was remembered already.
 */
BOOLEAN
KeAlertThread(PKTHREAD Thread, KPROCESSOR_MODE Mode)
{
    KIRQL   OldIrql = KiAcquireDispatcherLock();
    BOOLEAN Old = Thread->Alerted[(UCHAR)Mode];

    if (!Old) {
        if (Thread->State == Waiting && Thread->Alertable && Mode <= Thread->WaitMode)
            KiUnwaitThread(Thread, STATUS_ALERTED, 2);
        else
            Thread->Alerted[(UCHAR)Mode] = TRUE;
    }
    KiExitDispatcher(OldIrql);
    return Old;
}

/*
 * Takes the alert that was remembered for the running thread: returns whether there was one.
 * UserMode also lets user APCs that are queued be delivered on the way to user mode.
 */
BOOLEAN
KeTestAlertThread(KPROCESSOR_MODE Mode)
{
    PKTHREAD Thread = KeGetCurrentThread();
    KIRQL    OldIrql = KiLockThreadApcs(Thread);
    BOOLEAN  Old = Thread->Alerted[(UCHAR)Mode];

    Thread->Alerted[(UCHAR)Mode] = FALSE;
    if (!Old && Mode == UserMode && !IsListEmpty(&Thread->ApcState.ApcListHead[UserMode]))
        Thread->ApcState.UserApcPending = TRUE;
    KiUnlockThreadApcs(Thread, OldIrql);
    return Old;
}

/*
 * A user APC that ends Thread was queued: it is to be delivered wherever the thread is. A
 * UserMode wait is broken, user code on another processor interrupted.
 */
VOID
KeBoostCurrentForTermination(PKTHREAD Thread)
{
    KIRQL OldIrql = KiLockThreadApcs(Thread);

    Thread->ApcState.UserApcPending = TRUE;
    if (Thread->State == Waiting && Thread->WaitMode == UserMode)
        KiUnwaitThread(Thread, STATUS_USER_APC, 2);
    else if (Thread->State == Running)
        KiKickProcessor(KiProcessorOf(Thread));
    KiUnlockThreadApcs(Thread, OldIrql);
}
