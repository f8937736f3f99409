/*
 * Processes as address spaces that a thread may enter: a thread that attaches to another process
 * runs in that one's address space, with an empty pair of APC queues; its own are set aside and
 * get back when it detaches. Attaching nests: the first level keeps the thread's own state in
 * SavedApcState, a deeper one in the caller's KAPC_STATE.
 *
 * CR3 follows ApcState.Process: here at once, in KiSwapContext at every switch. Both change at
 * DISPATCH_LEVEL, so no switch sees them apart. APC_INDEX: ApcStateIndex is 1 while attached.
 */
#include "ke/dispatch.h"

/*
 * Process is zeroed; its address space exists.
 */
VOID
KeInitializeProcess(PKPROCESS Process, KPRIORITY BasePriority, ULONG64 DirectoryTableBase)
{
    Process->Header.Type = ProcessObject;
    Process->Header.Size = sizeof(KPROCESS) / sizeof(LONG);
    InitializeListHead(&Process->Header.WaitListHead);
    InitializeListHead(&Process->ThreadListHead);
    Process->Affinity = (1ULL << MAXIMUM_KERNEL_PROCESSORS) - 1;
    Process->BasePriority = (SCHAR)BasePriority;
    Process->DirectoryTableBase = DirectoryTableBase;
}

LONG
KeSetProcessSignal(PKPROCESS Process)
{
    KIRQL OldIrql = KiAcquireDispatcherLock();
    LONG  Old = Process->Header.SignalState;

    Process->Header.SignalState = TRUE;
    if (Old == 0)
        KiWaitTest(Process, 0);
    KiExitDispatcher(OldIrql);
    return Old;
}

static VOID
KiMoveApcList(PLIST_ENTRY From, PLIST_ENTRY To)
{
    InitializeListHead(To);
    if (IsListEmpty(From))
        return;
    To->Flink = From->Flink;
    To->Blink = From->Blink;
    To->Flink->Blink = To->Blink->Flink = To;
}

static VOID
KiMoveApcState(PKAPC_STATE From, PKAPC_STATE To)
{
    *To = *From;
    KiMoveApcList(&From->ApcListHead[KernelMode], &To->ApcListHead[KernelMode]);
    KiMoveApcList(&From->ApcListHead[UserMode], &To->ApcListHead[UserMode]);
}

/*
 * Thread's current environment becomes Process with empty queues; the former state goes to Saved.
 */
static VOID
KiAttachProcess(PKTHREAD Thread, PKPROCESS Process, PKAPC_STATE Saved)
{
    KiMoveApcState(&Thread->ApcState, Saved);
    RtlZeroMemory(&Thread->ApcState, sizeof Thread->ApcState);
    InitializeListHead(&Thread->ApcState.ApcListHead[KernelMode]);
    InitializeListHead(&Thread->ApcState.ApcListHead[UserMode]);
    Thread->ApcState.Process = Process;
    Thread->ApcStatePointer[OriginalApcState] = &Thread->SavedApcState;
    Thread->ApcStatePointer[AttachedApcState] = &Thread->ApcState;
    Thread->ApcStateIndex = AttachedApcState;
}

static VOID
KiLoadAddressSpace(PKPROCESS Process)
{
    if (__readcr3() != Process->DirectoryTableBase)
        __writecr3(Process->DirectoryTableBase);
}

/*
 * Enters Process; ApcState is the caller's memory for KeUnstackDetachProcess, nonpaged (the stack
 * will do). IRQL <= DISPATCH_LEVEL, not in a DPC: bugcheck 5.
 */
VOID NTAPI
KeStackAttachProcess(PRKPROCESS Process, PRKAPC_STATE ApcState)
{
    PKTHREAD Thread = KeGetCurrentThread();
    KIRQL    OldIrql;

    IRQL_AT_MOST(DISPATCH_LEVEL);
    if (KeGetCurrentIrql() == DISPATCH_LEVEL && KeGetCurrentPrcb()->DpcRoutineActive)
        KeBugCheckEx(INVALID_PROCESS_ATTACH_ATTEMPT, (ULONG_PTR)Process,
            (ULONG_PTR)Thread->ApcState.Process, Thread->ApcStateIndex, TRUE);

    if (Thread->ApcState.Process == Process) {
        ApcState->Process = APC_STATE_NOT_ATTACHED;
        return;
    }
    OldIrql = KeRaiseIrqlToDpcLevel();
    KiAcquireSpinLock(&Thread->ApcQueueLock);
    if (Thread->ApcStateIndex == OriginalApcState) {
        ApcState->Process = NULL;
        KiAttachProcess(Thread, Process, &Thread->SavedApcState);
    } else {
        KiAttachProcess(Thread, Process, ApcState);
    }
    KiLoadAddressSpace(Process);
    KiReleaseSpinLock(&Thread->ApcQueueLock);
    KeLowerIrql(OldIrql);
}

/* Takes the APC lock once no kernel APC of the process to leave is pending. */
static KIRQL
KiLockForDetach(PKTHREAD Thread)
{
    KIRQL OldIrql;

    for (;;) {
        OldIrql = KeRaiseIrqlToDpcLevel();
        KiAcquireSpinLock(&Thread->ApcQueueLock);
        if (!Thread->ApcState.KernelApcPending || Thread->SpecialApcDisable != 0 ||
            OldIrql >= APC_LEVEL)
            return OldIrql;
        KiReleaseSpinLock(&Thread->ApcQueueLock);
        KeLowerIrql(APC_LEVEL);
        KiDeliverApc(KernelMode, NULL, NULL);
        KeLowerIrql(OldIrql);
    }
}

/*
 * Goes back to where the matching KeStackAttachProcess came from. An APC queued to the process
 * that is left, or one in progress, is bugcheck 6.
 */
VOID NTAPI
KeUnstackDetachProcess(PRKAPC_STATE ApcState)
{
    PKTHREAD Thread = KeGetCurrentThread();
    KIRQL    OldIrql;

    IRQL_AT_MOST(DISPATCH_LEVEL);
    if (ApcState->Process == APC_STATE_NOT_ATTACHED)
        return;

    OldIrql = KiLockForDetach(Thread);
    if (Thread->ApcStateIndex == OriginalApcState || Thread->ApcState.KernelApcInProgress
        || !IsListEmpty(&Thread->ApcState.ApcListHead[KernelMode])
        || !IsListEmpty(&Thread->ApcState.ApcListHead[UserMode]))
        KeBugCheckEx(INVALID_PROCESS_DETACH_ATTEMPT, (ULONG_PTR)ApcState, Thread->ApcStateIndex,
            0, 0);

    if (ApcState->Process != NULL) {
        KiMoveApcState(ApcState, &Thread->ApcState);
    } else {
        KiMoveApcState(&Thread->SavedApcState, &Thread->ApcState);
        Thread->SavedApcState.Process = NULL;
        Thread->ApcStatePointer[OriginalApcState] = &Thread->ApcState;
        Thread->ApcStatePointer[AttachedApcState] = &Thread->SavedApcState;
        Thread->ApcStateIndex = OriginalApcState;
    }
    KiLoadAddressSpace(Thread->ApcState.Process);
    KiReleaseSpinLock(&Thread->ApcQueueLock);

    if (!IsListEmpty(&Thread->ApcState.ApcListHead[KernelMode])) {
        Thread->ApcState.KernelApcPending = TRUE;
        KiRequestSoftwareInterrupt(APC_LEVEL);
    }
    KeLowerIrql(OldIrql);
}

VOID NTAPI
KeAttachProcess(PRKPROCESS Process)
{
    KAPC_STATE Unused;

    if (KeGetCurrentThread()->ApcStateIndex != OriginalApcState)
        KeBugCheckEx(INVALID_PROCESS_ATTACH_ATTEMPT, (ULONG_PTR)Process,
            (ULONG_PTR)KeGetCurrentThread()->ApcState.Process,
            KeGetCurrentThread()->ApcStateIndex, FALSE);
    KeStackAttachProcess(Process, &Unused);
}

VOID NTAPI
KeDetachProcess(VOID)
{
    KAPC_STATE Home = { .Process = NULL };

    if (KeGetCurrentThread()->ApcStateIndex != OriginalApcState)
        KeUnstackDetachProcess(&Home);
}
