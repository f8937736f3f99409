/*
 * Deferred procedure calls: what an interrupt service routine, or anybody, wants done at
 * DISPATCH_LEVEL soon.
 *
 * A KDPC is queued to one processor (the inserting one, or its target), once: DpcData, which
 * holds the queue's lock while it is queued, is claimed by a compare-and-exchange, so two
 * processors cannot both queue it. The insertion asks for an interrupt at DISPATCH_LEVEL;
 * KiDispatchInterrupt and the idle loop call KiRetireDpcList, which also runs the expiry of
 * timers (TimerCheck). Before a routine runs, its KDPC is out of the queue and may be queued
 * again or freed.
 *
 * Each queue is guarded by the processor's DpcLock, taken at HIGH_LEVEL since interrupt service
 * routines queue DPCs; it is the last in any order of locks. DpcRoutineActive is the processor's
 * own.
 *
 * A routine must return at DISPATCH_LEVEL, with the spin locks held that were held before and
 * APCs as they were: callout.c names it otherwise.
 */
#include "ke/dispatch.h"

VOID NTAPI
KeInitializeDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext)
{
    Dpc->Type = DpcObject;
    Dpc->Importance = MediumImportance;
    Dpc->Number = 0;
    Dpc->DeferredRoutine = DeferredRoutine;
    Dpc->DeferredContext = DeferredContext;
    Dpc->DpcData = NULL;
}

/* Threaded DPCs run as ordinary ones, as Windows does when told to. */
VOID NTAPI
KeInitializeThreadedDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext)
{
    KeInitializeDpc(Dpc, DeferredRoutine, DeferredContext);
}

VOID NTAPI
KeSetImportanceDpc(PRKDPC Dpc, KDPC_IMPORTANCE Importance)
{
    Dpc->Importance = (UCHAR)Importance;
}

VOID NTAPI
KeSetTargetProcessorDpc(PRKDPC Dpc, CCHAR Number)
{
    Dpc->Number = (USHORT)(DPC_TARGETED + Number);
}

static PKPRCB
KiDpcTarget(PKDPC Dpc)
{
    ULONG Number = Dpc->Number - DPC_TARGETED;

    if (Dpc->Number >= DPC_TARGETED && Number < MAXIMUM_KERNEL_PROCESSORS &&
        KiProcessorBlock[Number] != NULL)
        return KiProcessorBlock[Number];
    return KeGetCurrentPrcb();
}

static VOID
KiRequestDpcInterrupt(PKPRCB Prcb)
{
    if (Prcb != KeGetCurrentPrcb())
        KiIpiReschedule(Prcb->Number);
    else if (!Prcb->DpcRoutineActive)
        KiRequestSoftwareInterrupt(DISPATCH_LEVEL);
}

/*
 * Queues the DPC with its two arguments; FALSE if it is queued already. Any IRQL, any lock held.
 */
BOOLEAN NTAPI
KeInsertQueueDpc(PRKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2)
{
    KIRQL  OldIrql = KfRaiseIrql(HIGH_LEVEL);
    PKPRCB Prcb = KiDpcTarget(Dpc);
    PVOID  Owner;

    KiAcquireSpinLock(&Prcb->DpcLock);
    Owner = InterlockedCompareExchangePointer((PVOID volatile *)&Dpc->DpcData, &Prcb->DpcLock,
        NULL);
    if (Owner != NULL) {
        KiReleaseSpinLock(&Prcb->DpcLock);
        KeLowerIrql(OldIrql);
        return FALSE;
    }
    Dpc->SystemArgument1 = SystemArgument1;
    Dpc->SystemArgument2 = SystemArgument2;
    if (Dpc->Importance == HighImportance)
        InsertHeadList(&Prcb->DpcListHead, &Dpc->DpcListEntry);
    else
        InsertTailList(&Prcb->DpcListHead, &Dpc->DpcListEntry);
    Prcb->DpcQueueDepth++;
    KiReleaseSpinLock(&Prcb->DpcLock);
    KiRequestDpcInterrupt(Prcb);
    KeLowerIrql(OldIrql);
    return TRUE;
}

/*
 * Takes the DPC back; FALSE if it is not queued (it may be running). Any IRQL.
 */
BOOLEAN NTAPI
KeRemoveQueueDpc(PRKDPC Dpc)
{
    KIRQL       OldIrql = KfRaiseIrql(HIGH_LEVEL);
    PKSPIN_LOCK Lock = Dpc->DpcData;
    BOOLEAN     Removed = FALSE;

    if (Lock != NULL) {
        KiAcquireSpinLock(Lock);
        if (Dpc->DpcData == Lock) {
            RemoveEntryList(&Dpc->DpcListEntry);
            CONTAINING_RECORD(Lock, KPRCB, DpcLock)->DpcQueueDepth--;
            Dpc->DpcData = NULL;
            Removed = TRUE;
        }
        KiReleaseSpinLock(Lock);
    }
    KeLowerIrql(OldIrql);
    return Removed;
}

/* Runs the first DPC of the queue; FALSE if there is none. */
static BOOLEAN
KiRunFirstDpc(PKPRCB Prcb)
{
    PKDPC              Dpc;
    PKDEFERRED_ROUTINE Routine;
    PVOID              Context, Argument1, Argument2;
    ULONG64            State = KiCalloutState();
    KIRQL              OldIrql = KfRaiseIrql(HIGH_LEVEL);

    KiAcquireSpinLock(&Prcb->DpcLock);
    if (IsListEmpty(&Prcb->DpcListHead)) {
        KiReleaseSpinLock(&Prcb->DpcLock);
        KeLowerIrql(OldIrql);
        return FALSE;
    }
    Dpc = CONTAINING_RECORD(RemoveHeadList(&Prcb->DpcListHead), KDPC, DpcListEntry);
    Routine = Dpc->DeferredRoutine;
    Context = Dpc->DeferredContext;
    Argument1 = Dpc->SystemArgument1;
    Argument2 = Dpc->SystemArgument2;
    Prcb->DpcQueueDepth--;
    _ReadWriteBarrier();
    Dpc->DpcData = NULL;                        // the KDPC is its owner's again
    KiReleaseSpinLock(&Prcb->DpcLock);
    KeLowerIrql(OldIrql);

    Routine(Dpc, Context, Argument1, Argument2);

    KiCheckCallout(KiDpcRoutine, Routine, Context, DISPATCH_LEVEL, State);
    Prcb->DpcCount++;
    return TRUE;
}

/*
 * Runs due timers and queued DPCs until there are none. At DISPATCH_LEVEL, on Prcb, interrupts
 * on.
 */
VOID
KiRetireDpcList(PKPRCB Prcb)
{
    while (Prcb->TimerCheck || Prcb->DpcQueueDepth != 0) {
        Prcb->DpcRoutineActive = TRUE;
        if (Prcb->TimerCheck) {
            Prcb->TimerCheck = FALSE;
            KiTimerExpiration(NULL, NULL, NULL, NULL);
        }
        while (Prcb->DpcQueueDepth != 0 && KiRunFirstDpc(Prcb))
            ;
        // An insertion after this asks for its own interrupt; one before it is seen below.
        Prcb->DpcRoutineActive = FALSE;
        _ReadWriteBarrier();
    }
}

/*
 * Returns when every DPC that was queued before the call, on any processor, has run. Visits each
 * processor that has any: where a thread runs below DISPATCH_LEVEL the queue has been drained. A
 * DPC leaves the queue when DpcRoutineActive is set, so a processor seen with an empty queue and
 * then without a routine has none. Goes round twice, because what runs a due timer on one
 * processor may queue its DPC to another that was visited before. IRQL PASSIVE_LEVEL.
 */
VOID NTAPI
KeFlushQueuedDpcs(VOID)
{
    KAFFINITY Old = 0;

    IRQL_AT_MOST(PASSIVE_LEVEL);
    for (ULONG Visit = 0; Visit < 2 * MAXIMUM_KERNEL_PROCESSORS; Visit++) {
        PKPRCB Prcb = KiProcessorBlock[Visit % MAXIMUM_KERNEL_PROCESSORS];

        if (Prcb == NULL || (Prcb->DpcQueueDepth == 0 && !Prcb->DpcRoutineActive))
            continue;
        Old = KeSetSystemAffinityThreadEx(Prcb->SetMember);
        if (Prcb->DpcQueueDepth != 0)
            // ours may be faster than the inserter's
            KiRequestSoftwareInterrupt(DISPATCH_LEVEL);
        while (Prcb->DpcQueueDepth != 0)
            YieldProcessor();
        KeRevertToUserAffinityThreadEx(Old);
    }
}

VOID
KiCheckDpcOutside(PKDPC Dpc, PVOID Base, SIZE_T Size, PCSTR Sentence)
{
    ULONG_PTR Start = (ULONG_PTR)Base, Routine = (ULONG_PTR)Dpc->DeferredRoutine;

    if ((ULONG_PTR)Dpc - Start < Size)
        KiStopDriver(0xC7, 1, (ULONG_PTR)Dpc, Start, Start + Size, (PVOID)Routine, Sentence);
    if (Routine - Start < Size)
        KiStopDriver(0xC7, 2, Routine, Start, Start + Size, (PVOID)Routine, Sentence);
}

VOID
KeCheckForDpc(PVOID Base, SIZE_T Size)
{
    for (ULONG Number = 0; Number < MAXIMUM_KERNEL_PROCESSORS; Number++) {
        PKPRCB Prcb = KiProcessorBlock[Number];
        KIRQL  OldIrql;

        if (Prcb == NULL)
            continue;
        OldIrql = KfRaiseIrql(HIGH_LEVEL);
        KiAcquireSpinLock(&Prcb->DpcLock);
        for (PLIST_ENTRY Link = Prcb->DpcListHead.Flink; Link != &Prcb->DpcListHead;
             Link = Link->Flink)
            KiCheckDpcOutside(CONTAINING_RECORD(Link, KDPC, DpcListEntry), Base, Size,
                              "was unloaded with a DPC still queued");
        KiReleaseSpinLock(&Prcb->DpcLock);
        KeLowerIrql(OldIrql);
    }
}
