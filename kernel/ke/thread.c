/*
 * What changes a thread's claim to a processor: its priority, its quantum, its affinity.
 *
 * Priorities 1 to 15 are dynamic: a wake-up may lift Priority above BasePriority by the increment
 * that the waker names (never above 15), and each full quantum that the thread then runs takes
 * one level away again, down to BasePriority. 16 to 31 are real time: never boosted, never
 * decayed. At the end of its quantum a thread goes behind its equals.
 *
 * Changing a thread that is not the running one depends on its State: Ready, it changes queues;
 * Standby or Running, its processor may have to run another one, which is made its NextThread and
 * picked up there (sched.c); Waiting, the new value counts when it wakes.
 *
 * All of it is guarded by KiDispatcherLock.
 */
#include "ke/dispatch.h"

VOID
KiBoostThread(PKTHREAD Thread, KPRIORITY Increment)
{
    KPRIORITY New = Thread->BasePriority + Increment;

    if (Increment <= 0 || Thread->Priority >= LOW_REALTIME_PRIORITY)
        return;
    if (New >= LOW_REALTIME_PRIORITY)
        New = LOW_REALTIME_PRIORITY - 1;
    if (New > Thread->Priority) {
        Thread->Priority = (SCHAR)New;
        Thread->PriorityDecrement = (SCHAR)(New - Thread->BasePriority);
    }
}

/* The priority after a full quantum: a boost loses one level. */
KPRIORITY
KiComputeNewPriority(PKTHREAD Thread)
{
    if (Thread->Priority >= LOW_REALTIME_PRIORITY || Thread->Priority <= Thread->BasePriority)
        return Thread->Priority;
    if (Thread->PriorityDecrement > 0)
        Thread->PriorityDecrement--;
    return Thread->Priority - 1;
}

/* The clock found the running thread's quantum used up. At DISPATCH_LEVEL, lock not held. */
VOID
KiQuantumEnd(PKPRCB Prcb)
{
    PKTHREAD Thread = Prcb->CurrentThread;
    BOOLEAN  Preempted = TRUE;

    KiAcquireSpinLock(&KiDispatcherLock);
    Prcb->QuantumEnd = FALSE;
    if (Thread != Prcb->IdleThread && Thread->Quantum <= 0) {
        Thread->Quantum = THREAD_QUANTUM_TICKS;
        Thread->Priority = (SCHAR)KiComputeNewPriority(Thread);
        Preempted = FALSE;
        if (Prcb->NextThread == NULL)
            Prcb->NextThread = KiSelectReadyThread(Prcb, Thread->Priority);
    }
    if (Prcb->NextThread != NULL)
        KiSwitchToNextThread(Prcb, Preempted);
    else
        KiReleaseSpinLock(&KiDispatcherLock);
}

VOID
KiYield(VOID)
{
    KIRQL    OldIrql = KiAcquireDispatcherLock();
    PKPRCB   Prcb = KeGetCurrentPrcb();
    PKTHREAD Thread = Prcb->CurrentThread;

    if (OldIrql < DISPATCH_LEVEL && Prcb->NextThread == NULL)
        Prcb->NextThread = KiSelectReadyThread(Prcb, Thread->Priority);
    if (OldIrql < DISPATCH_LEVEL && Prcb->NextThread != NULL) {
        Thread->Quantum = THREAD_QUANTUM_TICKS;
        KiSwitchToNextThread(Prcb, FALSE);
        KeLowerIrql(OldIrql);
    } else {
        KiExitDispatcher(OldIrql);
    }
}

/*
 * Prcb's running thread lost rank or may not stay: gives the processor something better, if there
 * is.
 */
static VOID
KiReplaceRunning(PKPRCB Prcb, PKTHREAD Thread)
{
    BOOLEAN MustLeave = !KiMayRunOn(Thread, Prcb);

    if (Prcb->NextThread != NULL)
        return;
    Prcb->NextThread = KiSelectReadyThread(Prcb, MustLeave ? 1 : Thread->Priority + 1);
    if (Prcb->NextThread == NULL && MustLeave)
        Prcb->NextThread = Prcb->IdleThread;
    if (Prcb->NextThread != NULL)
        KiKickProcessor(Prcb);
}

/* A Standby thread is given out anew; its processor takes the next best. */
static VOID
KiReplaceStandby(PKPRCB Prcb, PKTHREAD Thread)
{
    Prcb->NextThread = KiSelectReadyThread(Prcb, Prcb->CurrentThread->Priority + 1);
    KiReadyThread(Thread);
}

static VOID
KiSetPriorityThread(PKTHREAD Thread, KPRIORITY Priority)
{
    KPRIORITY Old = Thread->Priority;

    Thread->PriorityDecrement = 0;
    Thread->Quantum = THREAD_QUANTUM_TICKS;
    if (Thread->State == Ready) {
        KiRemoveReadyThread(Thread);
        Thread->Priority = (SCHAR)Priority;
        KiReadyThread(Thread);
        return;
    }
    Thread->Priority = (SCHAR)Priority;
    if (Priority < Old && Thread->State == Standby)
        KiReplaceStandby(KiProcessorOf(Thread), Thread);
    else if (Priority < Old && Thread->State == Running)
        KiReplaceRunning(KiProcessorOf(Thread), Thread);
}

/*
 * Sets the thread's priority (1 to 31), base and current, and returns the former one. IRQL <=
 * DISPATCH_LEVEL.
 */
KPRIORITY NTAPI
KeSetPriorityThread(PKTHREAD Thread, KPRIORITY Priority)
{
    KPRIORITY Old;
    KIRQL     OldIrql;

    IRQL_AT_MOST(DISPATCH_LEVEL);
    ASSERT(Priority > LOW_PRIORITY && Priority <= HIGH_PRIORITY);

    OldIrql = KiAcquireDispatcherLock();
    Old = Thread->Priority;
    Thread->BasePriority = (SCHAR)Priority;
    if (Priority != Old)
        KiSetPriorityThread(Thread, Priority);
    KiExitDispatcher(OldIrql);
    return Old;
}

/*
 * Sets the base priority to the process' base plus Increment, kept within the process' class
 * (dynamic or real time). Returns the former increment. IRQL <= DISPATCH_LEVEL.
 */
LONG NTAPI
KeSetBasePriorityThread(PRKTHREAD Thread, LONG Increment)
{
    KIRQL     OldIrql;
    KPRIORITY Base, Low, High;
    LONG      Old;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    OldIrql = KiAcquireDispatcherLock();
    Old = Thread->BasePriority - Thread->Process->BasePriority;
    Low = Thread->Process->BasePriority < LOW_REALTIME_PRIORITY ? 1 : LOW_REALTIME_PRIORITY;
    High = Low == 1 ? LOW_REALTIME_PRIORITY - 1 : HIGH_PRIORITY;
    Base = Thread->Process->BasePriority + Increment;
    Base = Base < Low ? Low : Base > High ? High : Base;
    Thread->BasePriority = (SCHAR)Base;
    if (Base != Thread->Priority)
        KiSetPriorityThread(Thread, Base);
    KiExitDispatcher(OldIrql);
    return Old;
}

KPRIORITY NTAPI
KeQueryPriorityThread(PRKTHREAD Thread)
{
    return Thread->Priority;
}

static VOID
KiSetAffinityLocked(PKTHREAD Thread, KAFFINITY Affinity)
{
    PKPRCB Prcb = KiProcessorOf(Thread);

    Thread->Affinity = Affinity;
    if (Thread->State == Ready) {
        KiRemoveReadyThread(Thread);
        KiReadyThread(Thread);
    } else if (Thread->State == Standby && !KiMayRunOn(Thread, Prcb)) {
        KiReplaceStandby(Prcb, Thread);
    } else if (Thread->State == Running && !KiMayRunOn(Thread, Prcb)) {
        KiReplaceRunning(Prcb, Thread);
    }
}

/*
 * Restricts the thread to the processors of Affinity. The running thread moves before this
 * returns (below DISPATCH_LEVEL).
 */
VOID
KeSetAffinityThread(PKTHREAD Thread, KAFFINITY Affinity)
{
    KIRQL OldIrql;

    IRQL_AT_MOST(DISPATCH_LEVEL);
    OldIrql = KiAcquireDispatcherLock();
    KiSetAffinityLocked(Thread, Affinity);
    KiExitDispatcher(OldIrql);
}

/*
 * Moves the running thread to one of the processors of Affinity until
 * KeRevertToUserAffinityThreadEx is given what this returns: the affinity set by an earlier call,
 * or 0. IRQL <= DISPATCH_LEVEL; at DISPATCH_LEVEL it moves when the IRQL falls.
 */
KAFFINITY NTAPI
KeSetSystemAffinityThreadEx(KAFFINITY Affinity)
{
    PKTHREAD  Thread = KeGetCurrentThread();
    KAFFINITY Old = Thread->SystemAffinityActive ? Thread->Affinity : 0;

    IRQL_AT_MOST(DISPATCH_LEVEL);
    if (!Thread->SystemAffinityActive) {
        Thread->UserAffinity = Thread->Affinity;
        Thread->SystemAffinityActive = TRUE;
    }
    KeSetAffinityThread(Thread, Affinity);
    return Old;
}

VOID NTAPI
KeRevertToUserAffinityThreadEx(KAFFINITY Affinity)
{
    PKTHREAD Thread = KeGetCurrentThread();

    IRQL_AT_MOST(DISPATCH_LEVEL);
    if (!Thread->SystemAffinityActive)
        return;
    if (Affinity == 0)
        Thread->SystemAffinityActive = FALSE;
    KeSetAffinityThread(Thread, Affinity != 0 ? Affinity : Thread->UserAffinity);
}

VOID NTAPI
KeSetSystemAffinityThread(KAFFINITY Affinity)
{
    KeSetSystemAffinityThreadEx(Affinity);
}

VOID NTAPI
KeRevertToUserAffinityThread(VOID)
{
    KeRevertToUserAffinityThreadEx(0);
}
