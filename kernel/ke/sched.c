/*
 * Which thread runs where. The rule: a ready thread never waits while a processor it may use runs
 * one of lower priority.
 *
 * KiReadyThread gives a thread to the processor whose work matters least (an idle one first;
 * among equals the one it ran on last, whose caches know it): if the thread is better than what
 * runs there it becomes that processor's NextThread (Standby) and the processor is kicked, else
 * it goes into that processor's ready queue. A processor that looks for work
 * (KiSelectReadyThread) looks at its own queues first, then at everybody's.
 *
 * NextThread is picked up at one of three places: KiExitDispatcher (the running thread made
 * somebody ready), KiDispatchInterrupt (a DPC, the end of a quantum or another processor did) and
 * the idle loop. In each, the thread that runs goes back to a queue - to its head if it was
 * preempted, to its tail if its quantum is over - and KiSwapContext changes stacks.
 *
 * The switch is made with KiDispatcherLock held, and the side that arrives releases it
 * (KiFinishSwitch). So a thread that marked itself Waiting cannot be woken and run elsewhere, nor
 * the stack of a terminated one be freed, before the processor has left its stack: both need the
 * lock first.
 */
#include "ke/dispatch.h"

KSPIN_LOCK       KiDispatcherLock;
// processors that run threads; guarded by KiDispatcherLock
static KAFFINITY KiSchedulable;

/*
 * Makes the processor one that threads are given to. Its CurrentThread is its idle thread.
 */
VOID
KiInitializeDispatcher(PKPRCB Prcb)
{
    ULONG Priority;

    for (Priority = 0; Priority < MAXIMUM_PRIORITY; Priority++)
        InitializeListHead(&Prcb->DispatcherReadyListHead[Priority]);
    InitializeListHead(&Prcb->DpcListHead);
    if (Prcb->Number == 0)
        KiInitializeTimerTable();
    Prcb->SetMember = 1ULL << Prcb->Number;
    InterlockedOr64((LONG64 *)&KiSchedulable, Prcb->SetMember);
}

KIRQL
KiAcquireDispatcherLock(VOID)
{
    KIRQL OldIrql = KeRaiseIrqlToDpcLevel();

    KiAcquireSpinLock(&KiDispatcherLock);
    return OldIrql;
}

BOOLEAN
KiMayRunOn(PKTHREAD Thread, PKPRCB Prcb)
{
    KAFFINITY Allowed = Thread->Affinity & KiSchedulable;

    return Allowed == 0 || (Allowed & Prcb->SetMember) != 0;
}

VOID
KiKickProcessor(PKPRCB Prcb)
{
    if (Prcb != KeGetCurrentPrcb())
        KiIpiReschedule(Prcb->Number);
}

/* The priority of what Prcb runs or is about to run; 0 if it idles. */
static inline KPRIORITY
KiPriorityOn(PKPRCB Prcb)
{
    return Prcb->NextThread != NULL ? Prcb->NextThread->Priority : Prcb->CurrentThread->Priority;
}

static PKPRCB
KiChooseProcessor(PKTHREAD Thread)
{
    PKPRCB    Best = KiProcessorOf(Thread), Prcb;
    KPRIORITY Lowest = MAXIMUM_PRIORITY;
    KAFFINITY Rest = KiSchedulable;
    ULONG     Number;

    if (Best != NULL && KiMayRunOn(Thread, Best)) {
        Lowest = KiPriorityOn(Best);
        if (Lowest == 0)
            return Best;
    }
    while (_BitScanForward64(&Number, Rest)) {
        Rest &= Rest - 1;
        Prcb = KiProcessorBlock[Number];
        if (KiPriorityOn(Prcb) < Lowest && KiMayRunOn(Thread, Prcb)) {
            Best = Prcb;
            Lowest = KiPriorityOn(Prcb);
        }
    }
    return Best;
}

static VOID
KiInsertReadyThread(PKPRCB Prcb, PKTHREAD Thread)
{
    PLIST_ENTRY Head = &Prcb->DispatcherReadyListHead[Thread->Priority];

    Thread->State = Ready;
    if (Thread->Preempted)
        InsertHeadList(Head, &Thread->ReadyListEntry);
    else
        InsertTailList(Head, &Thread->ReadyListEntry);
    Thread->Preempted = FALSE;
    Prcb->ReadySummary |= 1u << Thread->Priority;
}

VOID
KiReadyThread(PKTHREAD Thread)
{
    PKTHREAD Displaced;
    PKPRCB   Prcb;

    for (;;) {
        Prcb = KiChooseProcessor(Thread);
        Thread->NextProcessor = (UCHAR)Prcb->Number;
        if (Thread->Priority <= KiPriorityOn(Prcb)) {
            KiInsertReadyThread(Prcb, Thread);
            return;
        }
        Displaced = Prcb->NextThread;
        Prcb->NextThread = Thread;
        Thread->State = Standby;
        KiKickProcessor(Prcb);
        if (Displaced == NULL || Displaced == Prcb->IdleThread)
            return;
        Displaced->Preempted = TRUE;
        Thread = Displaced;                     // of lower priority: this ends
    }
}

VOID
KiRemoveReadyThread(PKTHREAD Thread)
{
    PKPRCB Prcb = KiProcessorOf(Thread);

    if (RemoveEntryList(&Thread->ReadyListEntry))
        Prcb->ReadySummary &= ~(1u << Thread->Priority);
}

/* The best thread in From's queues that may run on Prcb and has at least priority Lowest. */
static PKTHREAD
KiFindReadyThread(PKPRCB From, PKPRCB Prcb, KPRIORITY Lowest)
{
    ULONG       Summary = Lowest < MAXIMUM_PRIORITY ? From->ReadySummary & (~0u << Lowest) : 0;
    ULONG       Priority;
    PLIST_ENTRY Head, Link;
    PKTHREAD    Thread;

    while (_BitScanReverse(&Priority, Summary)) {
        Head = &From->DispatcherReadyListHead[Priority];
        for (Link = Head->Flink; Link != Head; Link = Link->Flink) {
            Thread = CONTAINING_RECORD(Link, KTHREAD, ReadyListEntry);
            if (KiMayRunOn(Thread, Prcb))
                return Thread;
        }
        Summary &= ~(1u << Priority);
    }
    return NULL;
}

PKTHREAD
KiSelectReadyThread(PKPRCB Prcb, KPRIORITY Lowest)
{
    PKTHREAD  Best = KiFindReadyThread(Prcb, Prcb, Lowest), Other;
    KAFFINITY Rest = KiSchedulable & ~Prcb->SetMember;
    ULONG     Number;

    while (_BitScanForward64(&Number, Rest)) {
        Rest &= Rest - 1;
        Other = KiFindReadyThread(KiProcessorBlock[Number], Prcb,
            Best != NULL ? Best->Priority + 1 : Lowest);
        if (Other != NULL)
            Best = Other;
    }
    if (Best != NULL) {
        KiRemoveReadyThread(Best);
        Best->NextProcessor = (UCHAR)Prcb->Number;
        Best->State = Standby;
    }
    return Best;
}

/*
 * Leaves the running thread for New; returns, the lock released, when it runs again, perhaps on
 * another processor.
 */
static VOID
KiSwitchTo(PKPRCB Prcb, PKTHREAD New)
{
    PKTHREAD Old = Prcb->CurrentThread;

    if (Prcb->SpinLockDepth != 0)
        KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, 0x1007, (ULONG_PTR)Old,
            Prcb->SpinLockDepth, 0);

    New->State = Running;
    New->NextProcessor = (UCHAR)Prcb->Number;
    New->ContextSwitches++;
    Prcb->ContextSwitches++;
    KiSwapContext(Old, New);
    KiFinishSwitch();
}

VOID
KiFinishSwitch(VOID)
{
    PKTHREAD Thread = KeGetCurrentThread();

    KiReleaseSpinLock(&KiDispatcherLock);
    if (Thread->ApcState.KernelApcPending && Thread->SpecialApcDisable == 0)
        KiRequestSoftwareInterrupt(APC_LEVEL);
}

VOID
KiSwapThread(VOID)
{
    PKPRCB   Prcb = KeGetCurrentPrcb();
    PKTHREAD New = Prcb->NextThread;

    if (New != NULL)
        Prcb->NextThread = NULL;
    else if ((New = KiSelectReadyThread(Prcb, 1)) == NULL)
        New = Prcb->IdleThread;
    KiSwitchTo(Prcb, New);
}

VOID
KiSwitchToNextThread(PKPRCB Prcb, BOOLEAN Preempted)
{
    PKTHREAD Old = Prcb->CurrentThread, New;

    if (Old != Prcb->IdleThread) {
        Old->Preempted = Preempted;
        // while NextThread still stands for this processor's work; what Old displaces elsewhere,
        // or Old itself if it has gained rank, may be given to this processor instead
        KiReadyThread(Old);
    }
    New = Prcb->NextThread;
    Prcb->NextThread = NULL;
    if (New == Old) {
        Old->State = Running;
        KiFinishSwitch();
    } else {
        KiSwitchTo(Prcb, New);
    }
}

/*
 * Ends a section under KiDispatcherLock: releases it and lowers to OldIrql, after switching to
 * NextThread if one was chosen for this processor. At DISPATCH_LEVEL the switch waits for the
 * IRQL to fall.
 */
VOID
KiExitDispatcher(KIRQL OldIrql)
{
    PKPRCB Prcb = KeGetCurrentPrcb();

    if (Prcb->NextThread == NULL) {
        KiReleaseSpinLock(&KiDispatcherLock);
    } else if (OldIrql < DISPATCH_LEVEL) {
        KiSwitchToNextThread(Prcb, TRUE);
    } else {
        KiReleaseSpinLock(&KiDispatcherLock);
        if (!Prcb->DpcRoutineActive)
            KiRequestSoftwareInterrupt(DISPATCH_LEVEL);
    }
    KeLowerIrql(OldIrql);
}

/*
 * Body of the interrupt at DISPATCH_LEVEL: drains the DPCs, then ends the quantum or runs
 * NextThread.
 */
VOID
KiDispatchInterrupt(VOID)
{
    PKPRCB Prcb = KeGetCurrentPrcb();

    KiRetireDpcList(Prcb);
    if (Prcb->QuantumEnd) {
        KiQuantumEnd(Prcb);
    } else if (Prcb->NextThread != NULL) {
        KiAcquireSpinLock(&KiDispatcherLock);
        if (Prcb->NextThread != NULL)
            KiSwitchToNextThread(Prcb, TRUE);
        else
            KiReleaseSpinLock(&KiDispatcherLock);
    }
}

/*
 * The idle loop runs NextThread; returns when there is nothing to run any more. At
 * DISPATCH_LEVEL.
 */
VOID
KiIdleSwitch(VOID)
{
    PKPRCB Prcb = KeGetCurrentPrcb();

    KiAcquireSpinLock(&KiDispatcherLock);
    if (Prcb->NextThread != NULL)
        KiSwapThread();
    else
        KiReleaseSpinLock(&KiDispatcherLock);
}

/*
 * Sets up what every thread has for the thread a processor idles on: it is Running from the
 * start, has priority 0 and is never in a queue.
 */
VOID
KiInitializeIdleThread(PKTHREAD Thread, PKPRCB Prcb, PKPROCESS Process)
{
    Thread->Header.Type = ThreadObject;
    InitializeListHead(&Thread->Header.WaitListHead);
    InitializeListHead(&Thread->MutantListHead);
    InitializeListHead(&Thread->ApcState.ApcListHead[KernelMode]);
    InitializeListHead(&Thread->ApcState.ApcListHead[UserMode]);
    Thread->ApcState.Process = Thread->Process = Process;
    Thread->ApcStatePointer[OriginalApcState] = &Thread->ApcState;
    Thread->ApcStatePointer[AttachedApcState] = &Thread->SavedApcState;
    Thread->State = Running;
    Thread->Affinity = 1ULL << Prcb->Number;
    Thread->NextProcessor = (UCHAR)Prcb->Number;
    Thread->Quantum = MAXLONG;
    Thread->SystemThread = TRUE;
    Prcb->IdleThread = Thread;
}
