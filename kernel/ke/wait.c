/*
 * Waiting for dispatcher objects.
 *
 * A waiting thread is linked to each object it waits for by a wait block in the object's
 * WaitListHead; its blocks form a ring through NextWaitBlock that starts at WaitBlockList. A
 * time-out is one more block, for the thread's own Timer: that the time is up is just another
 * object that was signalled. Waking is signal.c's.
 *
 * A wait, step by step (KiWait):
 *   (1) KiBeginWait takes KiDispatcherLock. A kernel APC that is pending then is delivered first
 *       and the lock taken again: once the lock is held, a new one finds either a running thread
 *       (interrupt) or a Waiting one (4).
 *   (2) Objects that are signalled are taken at once, whatever the time-out or pending user APCs
 *       say.
 *   (3) A user APC or an alert that may break this wait does so; a time-out of zero is over.
 *   (4) The blocks are linked, State becomes Waiting, KiSwapThread runs somebody else and gives
 *       up the lock on the far side.
 *   (5) Woken with STATUS_KERNEL_APC, the thread delivers APCs as its IRQL falls and begins again
 *       at (1), with the same due time.
 *
 * After KeSetEvent(..., Wait = TRUE) and its kin the lock is still held and IRQL is
 * DISPATCH_LEVEL: the wait that must follow adopts both (WaitNext), so that nothing happens
 * between the two.
 */
#include "ke/dispatch.h"

typedef struct _KI_WAIT_REQUEST {
    ULONG           Count;
    PVOID          *Objects;
    WAIT_TYPE       Type;
    PKWAIT_BLOCK    Blocks;                     // Count of them
    KWAIT_REASON    Reason;
    KPROCESSOR_MODE Mode;
    BOOLEAN         Alertable, Timed;
    ULONG64         Due;                        // interrupt time; 0: do not wait at all
} KI_WAIT_REQUEST, *PKI_WAIT_REQUEST;

KIRQL
KiBeginWait(PKTHREAD Thread)
{
    KIRQL OldIrql;

    if (Thread->WaitNext) {
        Thread->WaitNext = FALSE;
        return Thread->WaitIrql;
    }
    for (;;) {
        OldIrql = KiAcquireDispatcherLock();
        if (!Thread->ApcState.KernelApcPending || Thread->SpecialApcDisable != 0 ||
            OldIrql >= APC_LEVEL)
            return OldIrql;
        KiReleaseSpinLock(&KiDispatcherLock);
        KeLowerIrql(APC_LEVEL);
        KiDeliverApc(KernelMode, NULL, NULL);
        KeLowerIrql(OldIrql);
    }
}

/* STATUS_SUCCESS if nothing breaks the wait that Thread is about to begin. */
NTSTATUS
KiTestInterruption(PKTHREAD Thread, KPROCESSOR_MODE Mode, BOOLEAN Alertable)
{
    if (Alertable && Thread->Alerted[(UCHAR)Mode]) {
        Thread->Alerted[(UCHAR)Mode] = FALSE;
        return STATUS_ALERTED;
    }
    if (Mode == UserMode && Alertable && !IsListEmpty(&Thread->ApcState.ApcListHead[UserMode]))
        Thread->ApcState.UserApcPending = TRUE;
    if (Mode == UserMode && Thread->ApcState.UserApcPending)
        return STATUS_USER_APC;
    if (Alertable && Thread->Alerted[KernelMode]) {
        Thread->Alerted[KernelMode] = FALSE;
        return STATUS_ALERTED;
    }
    return STATUS_SUCCESS;
}

/* Interrupt time at which a time-out (negative: relative, else system time) is over; never 0. */
ULONG64
KiComputeDueTime(LARGE_INTEGER Time)
{
    LARGE_INTEGER SystemTime;
    ULONG64       Now = KeQueryInterruptTime();

    if (Time.QuadPart < 0)
        return Now - (ULONG64)Time.QuadPart;
    KeQuerySystemTime(&SystemTime);
    if (Time.QuadPart <= SystemTime.QuadPart)
        return 1;
    return Now + (ULONG64)(Time.QuadPart - SystemTime.QuadPart);
}

BOOLEAN
KiStartWaitTimer(PKTHREAD Thread, ULONG64 Due)
{
    PKWAIT_BLOCK Block = &Thread->WaitBlock[TIMER_WAIT_BLOCK];

    Thread->Timer.Header.SignalState = FALSE;
    if (!KiInsertTimer(&Thread->Timer, Due))
        return FALSE;
    InsertTailList(&Thread->Timer.Header.WaitListHead, &Block->WaitListEntry);
    return TRUE;
}

/*
 * Stops the running thread, whose blocks are linked, until it is woken. Returns its WaitStatus at
 * OldIrql, unlocked.
 */
LONG_PTR
KiBlockThread(PKTHREAD Thread, KWAIT_REASON Reason, KPROCESSOR_MODE Mode, BOOLEAN Alertable,
    KIRQL OldIrql)
{
    LONG_PTR Status;

    Thread->WaitReason = (UCHAR)Reason;
    Thread->WaitMode = Mode;
    Thread->Alertable = Alertable;
    Thread->WaitIrql = OldIrql;
    Thread->WaitTime = (ULONG)*(volatile ULONG64 *)SharedTickCount;
    Thread->State = Waiting;
    if (Thread->Queue != NULL && Reason != WrQueue)
        KiActivateWaiterQueue(Thread->Queue);
    KiSwapThread();
    Status = Thread->WaitStatus;                // an APC delivered by the next line may wait too
    KeLowerIrql(OldIrql);
    return Status;
}

/* A mutant can be entered 2^31 times, the next attempt raises; the lock goes first. */
static VOID
KiCheckMutantLimit(PDISPATCHER_HEADER Object, PKTHREAD Thread, KIRQL OldIrql)
{
    if (Object->Type == MutantObject && Object->SignalState == (LONG)MINLONG &&
        ((PKMUTANT)Object)->OwnerThread == Thread) {
        KiExitDispatcher(OldIrql);
        ExRaiseStatus(STATUS_MUTANT_LIMIT_EXCEEDED);
    }
}

/* Takes what is signalled already: TRUE ends the wait with *Status. */
static inline BOOLEAN
KiTakeSignalled(const KI_WAIT_REQUEST *Wait, PKTHREAD Thread, KIRQL OldIrql, PNTSTATUS Status)
{
    ULONG Index;

    for (Index = 0; Index < Wait->Count; Index++) {
        if (!KiIsSignalled(Wait->Objects[Index], Thread)) {
            if (Wait->Type == WaitAll)
                return FALSE;
            continue;
        }
        KiCheckMutantLimit(Wait->Objects[Index], Thread, OldIrql);
        if (Wait->Type == WaitAny) {
            KiWaitSatisfy(Wait->Objects[Index], Thread);
            *Status = (NTSTATUS)(Thread->WaitStatus | Index);
            return TRUE;
        }
    }
    if (Wait->Type == WaitAny || Wait->Count == 0)
        return FALSE;
    for (Index = 0; Index < Wait->Count; Index++)
        KiWaitSatisfy(Wait->Objects[Index], Thread);
    *Status = (NTSTATUS)Thread->WaitStatus;
    return TRUE;
}

/* Links the blocks into their ring and to their objects; FALSE if the time is up already. */
static BOOLEAN
KiLinkBlocks(const KI_WAIT_REQUEST *Wait, PKTHREAD Thread)
{
    PKWAIT_BLOCK TimerBlock = &Thread->WaitBlock[TIMER_WAIT_BLOCK], Block;
    PKWAIT_BLOCK *Link = &Thread->WaitBlockList;
    ULONG        Index;

    if (Wait->Timed && !KiStartWaitTimer(Thread, Wait->Due))
        return FALSE;
    for (Index = 0; Index < Wait->Count; Index++) {
        Block = &Wait->Blocks[Index];
        Block->Thread = Thread;
        Block->Object = Wait->Objects[Index];
        Block->WaitKey = (USHORT)Index;
        Block->WaitType = (UCHAR)Wait->Type;
        InsertTailList(&((PDISPATCHER_HEADER)Block->Object)->WaitListHead, &Block->WaitListEntry);
        *Link = Block;
        Link = &Block->NextWaitBlock;
    }
    if (Wait->Timed) {
        *Link = TimerBlock;
        Link = &TimerBlock->NextWaitBlock;
    }
    *Link = Thread->WaitBlockList;
    return TRUE;
}

static inline NTSTATUS
KiWait(const KI_WAIT_REQUEST *Wait)
{
    PKTHREAD Thread = KeGetCurrentThread();
    NTSTATUS Status;
    KIRQL    OldIrql;

    do {
        OldIrql = KiBeginWait(Thread);                          // (1)
        Thread->WaitStatus = STATUS_SUCCESS;
        if (KiTakeSignalled(Wait, Thread, OldIrql, &Status))    // (2)
            goto Done;
        Status = KiTestInterruption(Thread, Wait->Mode, Wait->Alertable);   // (3)
        if (Status != STATUS_SUCCESS)
            goto Done;
        Status = STATUS_TIMEOUT;
        if (Wait->Timed && Wait->Due == 0)
            goto Done;
        if (!KiLinkBlocks(Wait, Thread))
            goto Done;
        Status = (NTSTATUS)KiBlockThread(Thread, Wait->Reason, Wait->Mode, Wait->Alertable,
            OldIrql);                                           // (4)
    } while (Status == STATUS_KERNEL_APC);                      // (5)
    return Status;

Done:
    KiExitDispatcher(OldIrql);
    return Status;
}

/* A wait at DISPATCH_LEVEL or above, with the rule's number in bugcheck 0xC4. */
static __attribute__((noinline, cold)) VOID
KiWaitTooHigh(PKI_WAIT_REQUEST Wait, PLARGE_INTEGER Timeout, PVOID Caller)
{
    KIRQL Irql = KeGetCurrentIrql();
    ULONG Rule = Irql > DISPATCH_LEVEL ? 0x120 : Timeout == NULL ? 0x121 : 0x122;

    KiStopDriver(DRIVER_VERIFIER_DETECTED_VIOLATION, Rule, (ULONG_PTR)&Irql,
                 Wait->Count == 1 ? (ULONG_PTR)Wait->Objects[0] : (ULONG_PTR)Wait->Objects,
                 (ULONG_PTR)Timeout, Caller, "waited at DISPATCH_LEVEL or above");
}

/* Checks the caller's IRQL and turns its time-out into a due time. */
static inline VOID
KiPrepareTimeout(PKI_WAIT_REQUEST Wait, PLARGE_INTEGER Timeout, PVOID Caller)
{
    BOOLEAN Polls = Timeout != NULL && Timeout->QuadPart == 0;
    KIRQL   Highest = Polls ? DISPATCH_LEVEL : APC_LEVEL;

    if (KeGetCurrentIrql() > Highest && !KeGetCurrentThread()->WaitNext)
        KiWaitTooHigh(Wait, Timeout, Caller);
    Wait->Timed = Timeout != NULL;
    Wait->Due = Timeout == NULL || Polls ? 0 : KiComputeDueTime(*Timeout);
}

/*
 * Waits for Object to be signalled. Timeout NULL waits for ever, zero only looks; it may be
 * relative (negative, 100 ns) or absolute. Mode UserMode lets user APCs break the wait, Alertable
 * alerts as well.
 *
 * STATUS_SUCCESS, STATUS_ABANDONED (a mutant whose owner ended), STATUS_TIMEOUT, STATUS_USER_APC,
 * STATUS_ALERTED; raises STATUS_MUTANT_LIMIT_EXCEEDED. IRQL <= APC_LEVEL, DISPATCH_LEVEL with a
 * zero time-out.
 */
NTSTATUS NTAPI
KeWaitForSingleObject(PVOID Object, KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
    BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    KI_WAIT_REQUEST Wait = {
        .Count = 1, .Objects = &Object, .Type = WaitAny, .Reason = WaitReason, .Mode = WaitMode,
        .Alertable = Alertable, .Blocks = KeGetCurrentThread()->WaitBlock };

    KiPrepareTimeout(&Wait, Timeout, __builtin_return_address(0));
    return KiWait(&Wait);
}

/*
 * Waits for one (WaitAny) or all (WaitAll) of Count objects. More than THREAD_WAIT_OBJECTS need
 * the caller's WaitBlockArray, in nonpaged memory that lives as long as the wait; more than
 * MAXIMUM_WAIT_OBJECTS is bugcheck 0xC. WaitAll takes either all the objects, in one step, or
 * none. Else as KeWaitForSingleObject; WaitAny returns STATUS_WAIT_0 + index (or
 * STATUS_ABANDONED_WAIT_0 + index).
 */
NTSTATUS NTAPI
KeWaitForMultipleObjects(ULONG Count, PVOID Object[], WAIT_TYPE WaitType, KWAIT_REASON WaitReason,
    KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, PLARGE_INTEGER Timeout,
    PKWAIT_BLOCK WaitBlockArray)
{
    KI_WAIT_REQUEST Wait = {
        .Count = Count, .Objects = Object, .Type = WaitType, .Reason = WaitReason, .Mode = WaitMode,
        .Alertable = Alertable,
        .Blocks = WaitBlockArray != NULL ? WaitBlockArray : KeGetCurrentThread()->WaitBlock };
    ULONG Highest = WaitBlockArray != NULL ? MAXIMUM_WAIT_OBJECTS : THREAD_WAIT_OBJECTS;

    if (Count == 0 || Count > Highest)
        KeBugCheckEx(MAXIMUM_WAIT_OBJECTS_EXCEEDED, Count, (ULONG_PTR)WaitBlockArray, 0, 0);
    KiPrepareTimeout(&Wait, Timeout, __builtin_return_address(0));
    return KiWait(&Wait);
}

/*
 * Waits for the time alone. STATUS_SUCCESS when it has passed, else STATUS_USER_APC or
 * STATUS_ALERTED. An interval of zero yields the processor. IRQL <= APC_LEVEL.
 */
NTSTATUS NTAPI
KeDelayExecutionThread(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, PLARGE_INTEGER Interval)
{
    KI_WAIT_REQUEST Wait = {
        .Reason = DelayExecution, .Mode = WaitMode, .Alertable = Alertable, .Timed = TRUE };
    NTSTATUS        Status;

    MAY_BLOCK();
    Wait.Due = Interval->QuadPart == 0 ? 0 : KiComputeDueTime(*Interval);
    Status = KiWait(&Wait);
    if (Status != STATUS_TIMEOUT)
        return Status;
    if (Wait.Due == 0)
        KiYield();
    return STATUS_SUCCESS;
}

VOID
KiLeaveLocked(KIRQL OldIrql, BOOLEAN Wait)
{
    PKTHREAD Thread = KeGetCurrentThread();

    if (Wait) {
        Thread->WaitNext = TRUE;
        Thread->WaitIrql = OldIrql;
    } else {
        KiExitDispatcher(OldIrql);
    }
}
