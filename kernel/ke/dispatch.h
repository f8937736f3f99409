/*
 * What the dispatcher's files in ke/ share: readying, waking and switching threads. Every routine here is called
 * with KiDispatcherLock held, at DISPATCH_LEVEL, unless it says otherwise.
 *
 * Lock order: KTHREAD.ApcQueueLock, then KiDispatcherLock, then a processor's DpcLock (taken at HIGH_LEVEL by
 * KeInsertQueueDpc, which may be called under anything).
 */
#pragma once

#include "ke/ke.h"

#define TIMER_WAIT_BLOCK    THREAD_WAIT_OBJECTS         // index of the timer's block in KTHREAD.WaitBlock
#define DPC_TARGETED        0x40                        // KDPC.Number - this is the target processor
#define APC_STATE_NOT_ATTACHED ((PKPROCESS)1)           // in a KAPC_STATE: attaching was not needed

#ifndef DRIVER_VERIFIER_DETECTED_VIOLATION
#define DRIVER_VERIFIER_DETECTED_VIOLATION 0xC4
#endif

enum { OriginalApcState = 0, AttachedApcState = 1, CurrentApcState = 2 };      // KAPC_ENVIRONMENT

/* ---- sched.c ---- */
VOID     KiReadyThread(PKTHREAD Thread);                // of any state but Ready; finds it a processor or a queue
VOID     KiRemoveReadyThread(PKTHREAD Thread);          // State is Ready: takes it out of its queue
PKTHREAD KiSelectReadyThread(PKPRCB Prcb, KPRIORITY Lowest);    // the best for Prcb, off its queue; or NULL
VOID     KiSwapThread(VOID);                            // the running thread has changed its State; returns unlocked
VOID     KiSwitchToNextThread(PKPRCB Prcb, BOOLEAN Preempted);  // to Prcb->NextThread; returns unlocked
BOOLEAN  KiMayRunOn(PKTHREAD Thread, PKPRCB Prcb);
VOID     KiKickProcessor(PKPRCB Prcb);                  // it is to look at NextThread and at pending APCs; any IRQL

/* ---- thread.c ---- */
VOID     KiQuantumEnd(PKPRCB Prcb);                     // takes the lock itself
VOID     KiBoostThread(PKTHREAD Thread, KPRIORITY Increment);

/* ---- wait.c ---- */
VOID     KiWaitTest(PVOID Object, KPRIORITY Increment); // Object was signalled: wakes whom that satisfies
VOID     KiUnwaitThread(PKTHREAD Thread, LONG_PTR WaitStatus, KPRIORITY Increment);
NTSTATUS KiTestInterruption(PKTHREAD Thread, KPROCESSOR_MODE Mode, BOOLEAN Alertable);
KIRQL    KiBeginWait(PKTHREAD Thread);                  // lock not held; returns with it
ULONG64  KiComputeDueTime(LARGE_INTEGER Time);          // to interrupt time; lock not needed
BOOLEAN  KiStartWaitTimer(PKTHREAD Thread, ULONG64 Due);    // FALSE: due already
LONG_PTR KiBlockThread(PKTHREAD Thread, KWAIT_REASON Reason, KPROCESSOR_MODE Mode, BOOLEAN Alertable, KIRQL OldIrql);
VOID     KiLeaveLocked(KIRQL OldIrql, BOOLEAN Wait);    // KiExitDispatcher, unless a wait by the same thread follows

/* ---- mutant.c, timer.c, queue.c ---- */
VOID     KiAbandonMutants(PKTHREAD Thread, KPRIORITY Increment);
BOOLEAN  KiInsertTimer(PKTIMER Timer, ULONG64 Due);     // FALSE: due already, not inserted
VOID     KiRemoveTimer(PKTIMER Timer);                  // is inserted
VOID     KiInitializeTimerTable(VOID);
VOID     KiActivateWaiterQueue(PKQUEUE Queue);          // one of its threads stops running
VOID     KiLeaveQueue(PKTHREAD Thread);                 // ends its association with Thread->Queue

/* ---- apc.c ---- */
VOID     KiInsertQueueApc(PKAPC Apc, KPRIORITY Increment);  // ApcQueueLock is held too
VOID     KiCheckKernelApcs(PKTHREAD Thread);            // own thread, unlocked: asks for delivery if a queue is not empty

static inline PKPRCB KiProcessorOf(PKTHREAD Thread)     // where it is Ready, Standby or Running
{
    return KiProcessorBlock[Thread->NextProcessor];
}
