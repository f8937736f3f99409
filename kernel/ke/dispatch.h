/*
 * What the dispatcher's files in ke/ share: readying, waking and switching threads. Every routine
 * here is called with KiDispatcherLock held, at DISPATCH_LEVEL, unless it says otherwise.
 *
 * Lock order: KTHREAD.ApcQueueLock, then KiDispatcherLock, then a processor's DpcLock (taken at
 * HIGH_LEVEL by KeInsertQueueDpc, which may be called under anything).
 */
#pragma once

#include "ke/ke.h"

#define TIMER_WAIT_BLOCK    THREAD_WAIT_OBJECTS     // index of the timer's in KTHREAD.WaitBlock
#define DPC_TARGETED        0x40                    // KDPC.Number - this: the target processor
#define APC_STATE_NOT_ATTACHED ((PKPROCESS)1)       // in a KAPC_STATE: there was no need to attach

#ifndef DRIVER_VERIFIER_DETECTED_VIOLATION
#define DRIVER_VERIFIER_DETECTED_VIOLATION 0xC4
#endif

enum { OriginalApcState = 0, AttachedApcState = 1, CurrentApcState = 2 };       // KAPC_ENVIRONMENT

/*
 * sched.c
 *   KiReadyThread           a thread of any State but Ready gets a processor or a queue
 *   KiRemoveReadyThread     takes a thread that is Ready out of its queue
 *   KiSelectReadyThread     the best one for Prcb, off its queue and Standby; or NULL
 *   KiSwapThread            the running thread has changed its State; returns unlocked
 *   KiSwitchToNextThread    to Prcb->NextThread; returns unlocked
 *   KiKickProcessor         it is to look at NextThread and at pending APCs; any IRQL
 */
VOID     KiReadyThread(PKTHREAD Thread);
VOID     KiRemoveReadyThread(PKTHREAD Thread);
PKTHREAD KiSelectReadyThread(PKPRCB Prcb, KPRIORITY Lowest);
VOID     KiSwapThread(VOID);
VOID     KiSwitchToNextThread(PKPRCB Prcb, BOOLEAN Preempted);
BOOLEAN  KiMayRunOn(PKTHREAD Thread, PKPRCB Prcb);
VOID     KiKickProcessor(PKPRCB Prcb);

/* thread.c; KiQuantumEnd takes the lock itself */
VOID     KiQuantumEnd(PKPRCB Prcb);
VOID     KiBoostThread(PKTHREAD Thread, KPRIORITY Increment);

/*
 * signal.c
 *   KiTakeMutant            Thread enters the mutant, one level deeper or as its new owner
 *   KiWaitTest              Object was signalled: wakes whom that satisfies
 *   KiUnwaitThread          wakes a Waiting thread with WaitStatus
 */
VOID     KiTakeMutant(PKMUTANT Mutant, PKTHREAD Thread);
VOID     KiWaitTest(PVOID Object, KPRIORITY Increment);
VOID     KiUnwaitThread(PKTHREAD Thread, LONG_PTR WaitStatus, KPRIORITY Increment);

/*
 * wait.c
 *   KiTestInterruption      STATUS_SUCCESS, or what breaks the wait that is about to begin
 *   KiBeginWait             lock not held; returns with it, no kernel APC pending
 *   KiComputeDueTime        to interrupt time; lock not needed
 *   KiStartWaitTimer        FALSE: due already
 *   KiBlockThread           stops the running thread, whose blocks are linked; returns unlocked
 *   KiLeaveLocked           KiExitDispatcher, unless a wait by the same thread follows
 */
NTSTATUS KiTestInterruption(PKTHREAD Thread, KPROCESSOR_MODE Mode, BOOLEAN Alertable);
KIRQL    KiBeginWait(PKTHREAD Thread);
ULONG64  KiComputeDueTime(LARGE_INTEGER Time);
BOOLEAN  KiStartWaitTimer(PKTHREAD Thread, ULONG64 Due);
LONG_PTR KiBlockThread(PKTHREAD Thread, KWAIT_REASON Reason, KPROCESSOR_MODE Mode,
    BOOLEAN Alertable, KIRQL OldIrql);
VOID     KiLeaveLocked(KIRQL OldIrql, BOOLEAN Wait);

/*
 * mutant.c, timer.c, queue.c
 *   KiInsertTimer           FALSE: due already, not inserted
 *   KiRemoveTimer           of one that is inserted
 *   KiActivateWaiterQueue   one of the queue's threads stops running
 *   KiLeaveQueue            ends the thread's association with Thread->Queue
 */
VOID     KiAbandonMutants(PKTHREAD Thread, KPRIORITY Increment);
BOOLEAN  KiInsertTimer(PKTIMER Timer, ULONG64 Due);
VOID     KiRemoveTimer(PKTIMER Timer);
VOID     KiInitializeTimerTable(VOID);
VOID     KiActivateWaiterQueue(PKQUEUE Queue);
VOID     KiLeaveQueue(PKTHREAD Thread);

/*
 * apc.c
 *   KiInsertQueueApc        ApcQueueLock is held too
 *   KiCheckKernelApcs       own thread, unlocked: asks for delivery if a queue is not empty
 */
VOID     KiInsertQueueApc(PKAPC Apc, KPRIORITY Increment);
VOID     KiCheckKernelApcs(PKTHREAD Thread);

/* The processor where a thread is Ready, Standby or Running, or ran last. */
static inline PKPRCB KiProcessorOf(PKTHREAD Thread)
{
    return KiProcessorBlock[Thread->NextProcessor];
}

/* Thread could take the object now. */
static inline BOOLEAN KiIsSignalled(PDISPATCHER_HEADER Object, PKTHREAD Thread)
{
    return Object->SignalState > 0
        || (Object->Type == MutantObject && ((PKMUTANT)Object)->OwnerThread == Thread);
}

/* Lets a signalled object pay for Thread's wait. */
static inline VOID KiWaitSatisfy(PDISPATCHER_HEADER Object, PKTHREAD Thread)
{
    switch (Object->Type) {
    case EventSynchronizationObject:
    case TimerSynchronizationObject:
        Object->SignalState = 0;
        break;
    case SemaphoreObject:
        Object->SignalState--;
        break;
    case MutantObject:
        KiTakeMutant((PKMUTANT)Object, Thread);
        break;
    }
}
