/*
 * Asynchronous procedure calls: routines that a chosen thread runs when it next can.
 *
 *   special kernel   NormalRoutine NULL. Runs at APC_LEVEL as soon as the thread runs below
 *                    APC_LEVEL; KeEnterGuardedRegion keeps it away. I/O completion.
 *   normal kernel    KernelRoutine at APC_LEVEL, then NormalRoutine at PASSIVE_LEVEL; one at a
 *                    time (KernelApcInProgress); a critical region or an owned mutex
 *                    (KernelApcDisable < 0) keeps it away.
 *   user             KernelRoutine, then NormalRoutine in user mode, on the way back there once
 *                    UserApcPending is set: by an alertable UserMode wait, NtTestAlert, or thread
 *                    end, whose APC goes to the head of the queue.
 *
 * A thread has two pairs of queues (kernel, user): ApcState is of the process it runs in now,
 * SavedApcState of its own while attached to another (attach.c); an APC names its environment.
 *
 * The kernel APC that is queued sets KernelApcPending, and then (KiInsertQueueApc, under both
 * locks) the thread is one of:
 *   (1) Running: its processor is interrupted at APC_LEVEL, which is taken when its IRQL falls
 *       below that;
 *   (2) Waiting below APC_LEVEL and willing: it wakes with STATUS_KERNEL_APC and waits again
 *       afterwards (wait.c);
 *   (3) anything else: KiFinishSwitch sees KernelApcPending when it runs again.
 * KiDeliverApc clears KernelApcPending before it looks at the queue. What a region kept away is
 * found again by KiCheckKernelApcs when the region is left.
 *
 * ApcQueueLock guards the queues, with KiDispatcherLock for insertion and for removal by another
 * thread. Routines run with neither.
 */
#include "ke/dispatch.h"

extern VOID NTAPI PspExitApcKernelRoutine(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine,
    PVOID *NormalContext, PVOID *Argument1, PVOID *Argument2);      // ps/ps.h

/*
 * Environment: 0 the thread's own process, 1 the one it is attached to, 2 the present one.
 * NormalRoutine NULL: a special kernel APC, whatever ApcMode says. The APC's memory is the
 * caller's until a routine of it is called.
 */
VOID NTAPI
KeInitializeApc(PRKAPC Apc, PRKTHREAD Thread, UCHAR Environment, PKKERNEL_ROUTINE KernelRoutine,
    PKRUNDOWN_ROUTINE RundownRoutine, PKNORMAL_ROUTINE NormalRoutine, KPROCESSOR_MODE ApcMode,
    PVOID NormalContext)
{
    Apc->Type = ApcObject;
    Apc->Size = sizeof(KAPC);
    Apc->Thread = Thread;
    Apc->ApcStateIndex = (CCHAR)Environment;
    if (Environment == CurrentApcState)
        Apc->ApcStateIndex = (CCHAR)Thread->ApcStateIndex;
    Apc->KernelRoutine = KernelRoutine;
    Apc->RundownRoutine = RundownRoutine;
    Apc->NormalRoutine = NormalRoutine;
    Apc->ApcMode = NormalRoutine != NULL ? ApcMode : KernelMode;
    Apc->NormalContext = NormalRoutine != NULL ? NormalContext : NULL;
    Apc->Inserted = FALSE;
}

/*
 * Special APCs stand before the normal ones; the one that ends the thread before all user APCs.
 */
static VOID
KiLinkApc(PKAPC Apc, PLIST_ENTRY Head)
{
    PLIST_ENTRY Before = Head;

    if (Apc->NormalRoutine == NULL) {
        Before = Head->Flink;
        while (Before != Head
            && CONTAINING_RECORD(Before, KAPC, ApcListEntry)->NormalRoutine == NULL)
            Before = Before->Flink;
    } else if (Apc->ApcMode == UserMode && Apc->KernelRoutine == PspExitApcKernelRoutine) {
        Before = Head->Flink;
    }
    InsertTailList(Before, &Apc->ApcListEntry);
    Apc->Inserted = TRUE;
}

static BOOLEAN
KiMayInterruptWait(PKTHREAD Thread, PKAPC Apc)
{
    if (Thread->WaitIrql >= APC_LEVEL || Thread->SpecialApcDisable != 0)
        return FALSE;
    return Apc->NormalRoutine == NULL
        || (Thread->KernelApcDisable == 0 && !Thread->ApcState.KernelApcInProgress);
}

static VOID
KiAnnounceKernelApc(PKTHREAD Thread, PKAPC Apc, KPRIORITY Increment)
{
    PKPRCB Prcb = KiProcessorOf(Thread);

    Thread->ApcState.KernelApcPending = TRUE;
    if (Thread->State == Running && Prcb == KeGetCurrentPrcb())
        KiRequestSoftwareInterrupt(APC_LEVEL);                              // (1)
    else if (Thread->State == Running)
        KiKickProcessor(Prcb);
    else if (Thread->State == Waiting && KiMayInterruptWait(Thread, Apc))
        KiUnwaitThread(Thread, STATUS_KERNEL_APC, Increment);               // (2)
}

VOID
KiInsertQueueApc(PKAPC Apc, KPRIORITY Increment)
{
    PKTHREAD    Thread = Apc->Thread;
    PKAPC_STATE State = Thread->ApcStatePointer[(UCHAR)Apc->ApcStateIndex];

    KiLinkApc(Apc, &State->ApcListHead[(UCHAR)Apc->ApcMode]);
    if (State != &Thread->ApcState) {
        State->KernelApcPending |= Apc->ApcMode == KernelMode;
    } else if (Apc->ApcMode == KernelMode) {
        KiAnnounceKernelApc(Thread, Apc, Increment);
    } else if (Thread->State == Waiting && Thread->WaitMode == UserMode && Thread->Alertable) {
        State->UserApcPending = TRUE;
        KiUnwaitThread(Thread, STATUS_USER_APC, Increment);
    }
}

/*
 * Queues the APC to its thread. FALSE if it is queued already or the thread takes no more.
 * Increment boosts the thread if it wakes. IRQL <= DISPATCH_LEVEL.
 */
BOOLEAN NTAPI
KeInsertQueueApc(PRKAPC Apc, PVOID SystemArgument1, PVOID SystemArgument2, KPRIORITY Increment)
{
    PKTHREAD Thread = Apc->Thread;
    BOOLEAN  Queued;
    KIRQL    OldIrql;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    OldIrql = KeRaiseIrqlToDpcLevel();
    KiAcquireSpinLock(&Thread->ApcQueueLock);
    Queued = Thread->ApcQueueable && !Apc->Inserted;
    if (!Queued) {
        KiReleaseSpinLock(&Thread->ApcQueueLock);
        KeLowerIrql(OldIrql);
        return FALSE;
    }
    Apc->SystemArgument1 = SystemArgument1;
    Apc->SystemArgument2 = SystemArgument2;
    KiAcquireSpinLock(&KiDispatcherLock);
    KiInsertQueueApc(Apc, Increment);
    KiReleaseSpinLock(&Thread->ApcQueueLock);
    KiExitDispatcher(OldIrql);
    return TRUE;
}

/* Takes a queued APC back; FALSE if it is not queued (any more). IRQL <= DISPATCH_LEVEL. */
BOOLEAN NTAPI
KeRemoveQueueApc(PRKAPC Apc)
{
    PKTHREAD Thread = Apc->Thread;
    KIRQL    OldIrql = KeRaiseIrqlToDpcLevel();
    BOOLEAN  Queued;

    KiAcquireSpinLock(&Thread->ApcQueueLock);
    KiAcquireSpinLock(&KiDispatcherLock);
    Queued = Apc->Inserted;
    if (Queued) {
        Apc->Inserted = FALSE;
        RemoveEntryList(&Apc->ApcListEntry);
    }
    KiReleaseSpinLock(&Thread->ApcQueueLock);
    KiExitDispatcher(OldIrql);
    return Queued;
}

PLIST_ENTRY
KeFlushQueueApc(PKTHREAD Thread, KPROCESSOR_MODE Mode)
{
    PLIST_ENTRY Head = &Thread->ApcState.ApcListHead[(UCHAR)Mode], First = NULL, Link;
    KIRQL       OldIrql = KeRaiseIrqlToDpcLevel();

    KiAcquireSpinLock(&Thread->ApcQueueLock);
    if (Mode == KernelMode)
        Thread->ApcQueueable = FALSE;
    if (!IsListEmpty(Head)) {
        First = Head->Flink;
        for (Link = First; Link != Head; Link = Link->Flink)
            CONTAINING_RECORD(Link, KAPC, ApcListEntry)->Inserted = FALSE;
        RemoveEntryList(Head);
        InitializeListHead(Head);
    }
    KiReleaseSpinLock(&Thread->ApcQueueLock);
    KeLowerIrql(OldIrql);
    return First;
}

/* What is to be called for an APC that has left its queue: its owner may queue it anew at once. */
typedef struct _KI_APC_CALL {
    PKAPC            Apc;
    PKKERNEL_ROUTINE KernelRoutine;
    PKNORMAL_ROUTINE NormalRoutine;
    PVOID            Context, Argument1, Argument2;
} KI_APC_CALL, *PKI_APC_CALL;

/* ApcQueueLock held. */
FORCEINLINE VOID
KiTakeApc(PKAPC Apc, PKI_APC_CALL Call)
{
    RemoveEntryList(&Apc->ApcListEntry);
    *Call = (KI_APC_CALL){ Apc, Apc->KernelRoutine, Apc->NormalRoutine, Apc->NormalContext,
                           Apc->SystemArgument1, Apc->SystemArgument2 };
    Apc->Inserted = FALSE;
}

/* One APC's routines. At APC_LEVEL, no lock held; the APC may be freed by its kernel routine. */
static VOID
KiRunKernelApc(PKTHREAD Thread, PKI_APC_CALL Call)
{
    Call->KernelRoutine(Call->Apc, &Call->NormalRoutine, &Call->Context, &Call->Argument1,
                        &Call->Argument2);
    if (KeGetCurrentIrql() != APC_LEVEL)
        KeBugCheckEx(IRQL_UNEXPECTED_VALUE, KeGetCurrentIrql() << 16 | APC_LEVEL << 8,
            (ULONG_PTR)Call->KernelRoutine, (ULONG_PTR)Call->Apc, (ULONG_PTR)Call->NormalRoutine);
    if (Call->NormalRoutine == NULL)
        return;
    Thread->ApcState.KernelApcInProgress = TRUE;
    KeLowerIrql(PASSIVE_LEVEL);
    Call->NormalRoutine(Call->Context, Call->Argument1, Call->Argument2);
    KfRaiseIrql(APC_LEVEL);
    Thread->ApcState.KernelApcInProgress = FALSE;
}

/* Takes the first kernel APC that may run now off the queue; FALSE if there is none. */
static BOOLEAN
KiNextKernelApc(PKTHREAD Thread, PKI_APC_CALL Call)
{
    PLIST_ENTRY Head = &Thread->ApcState.ApcListHead[KernelMode];
    KIRQL       OldIrql = KeRaiseIrqlToDpcLevel();
    BOOLEAN     Taken = FALSE;
    PKAPC       Apc;

    KiAcquireSpinLock(&Thread->ApcQueueLock);
    Thread->ApcState.KernelApcPending = FALSE;
    if (!IsListEmpty(Head)) {
        Apc = CONTAINING_RECORD(Head->Flink, KAPC, ApcListEntry);
        Taken = Apc->NormalRoutine == NULL
             || (!Thread->ApcState.KernelApcInProgress && Thread->KernelApcDisable == 0);
        if (Taken)
            KiTakeApc(Apc, Call);
    }
    KiReleaseSpinLock(&Thread->ApcQueueLock);
    KeLowerIrql(OldIrql);
    return Taken;
}

/*
 * Makes TrapFrame return to the first user APC; a second one follows when user mode has finished
 * the first.
 */
static VOID
KiDeliverUserApc(PKTHREAD Thread, PKTRAP_FRAME TrapFrame)
{
    PLIST_ENTRY Head = &Thread->ApcState.ApcListHead[UserMode];
    KIRQL       OldIrql = KeRaiseIrqlToDpcLevel();
    KI_APC_CALL Call;

    KiAcquireSpinLock(&Thread->ApcQueueLock);
    Thread->ApcState.UserApcPending = FALSE;
    Call.Apc = NULL;
    if (!IsListEmpty(Head))
        KiTakeApc(CONTAINING_RECORD(Head->Flink, KAPC, ApcListEntry), &Call);
    KiReleaseSpinLock(&Thread->ApcQueueLock);
    KeLowerIrql(OldIrql);
    if (Call.Apc == NULL)
        return;

    Call.KernelRoutine(Call.Apc, &Call.NormalRoutine, &Call.Context, &Call.Argument1,
                       &Call.Argument2);
    if (Call.NormalRoutine != NULL)
        KiInitUserApc(TrapFrame, Call.NormalRoutine, Call.Context, Call.Argument1, Call.Argument2);
    else
        KeTestAlertThread(UserMode);            // another one may wait behind it
}

/*
 * Delivers the running thread's kernel APCs and, when DeliveryMode is UserMode (TrapFrame returns
 * there), one user APC. At APC_LEVEL.
 */
VOID
KiDeliverApc(KPROCESSOR_MODE DeliveryMode, PVOID ExceptionFrame, PKTRAP_FRAME TrapFrame)
{
    PKTHREAD    Thread = KeGetCurrentThread();
    KI_APC_CALL Call;

    if (Thread->SpecialApcDisable != 0)
        return;
    while (KiNextKernelApc(Thread, &Call))
        KiRunKernelApc(Thread, &Call);
    if (DeliveryMode == UserMode && Thread->ApcState.UserApcPending)
        KiDeliverUserApc(Thread, TrapFrame);
}

/* The running thread has left a region: what that kept away is delivered when the IRQL allows. */
VOID
KiCheckKernelApcs(PKTHREAD Thread)
{
    if (Thread->KernelApcDisable != 0 || Thread->SpecialApcDisable != 0
        || IsListEmpty(&Thread->ApcState.ApcListHead[KernelMode]))
        return;
    Thread->ApcState.KernelApcPending = TRUE;
    KiRequestSoftwareInterrupt(APC_LEVEL);
}
