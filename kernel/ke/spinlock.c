/*
 * Spin locks. A lock that is held contains its holder: the KTHREAD with bit 0 set. While a
 * processor holds one it stays at DISPATCH_LEVEL or above and so keeps its thread, which makes
 * the holder a property of the processor; taking a lock twice is bugcheck 0xF, releasing one that
 * another holds bugcheck 0x10. Each processor counts the locks it holds (KPRCB.SpinLockDepth): a
 * context switch or the end of a DPC routine with one held is a bugcheck too.
 *
 * An in-stack queued lock uses the same word as the tail of a queue of the waiters' handles, so
 * that each spins on its own memory and they are served in order. Bit 0 of a handle's
 * LockQueue.Lock says "still waiting". One lock must be used in one way only, as on Windows.
 *
 * The numbered queued locks (KeAcquireQueuedSpinLock) are plain locks in a table.
 */
#include "ke/dispatch.h"

#define QUEUED_LOCK_WAITS 1

static KSPIN_LOCK KiQueuedLocks[LockQueueMaximumLock];

static inline VOID
KiTakeSpinLock(PKSPIN_LOCK Lock)
{
    LONG64 Holder = (LONG64)KeGetCurrentThread() | 1;

    while (InterlockedCompareExchange64((LONG64 *)Lock, Holder, 0) != 0) {
        if (*Lock == (KSPIN_LOCK)Holder)
            KeBugCheckEx(SPIN_LOCK_ALREADY_OWNED, (ULONG_PTR)Lock,
                (ULONG_PTR)__builtin_return_address(0), 0, 0);
        while (*(volatile KSPIN_LOCK *)Lock != 0)
            YieldProcessor();
    }
    KeGetCurrentPrcb()->SpinLockDepth++;
}

static inline VOID
KiGiveSpinLock(PKSPIN_LOCK Lock)
{
    if (*Lock != ((KSPIN_LOCK)KeGetCurrentThread() | 1))
        KeBugCheckEx(SPIN_LOCK_NOT_OWNED, (ULONG_PTR)Lock, (ULONG_PTR)__builtin_return_address(0),
            *Lock, 0);
    KeGetCurrentPrcb()->SpinLockDepth--;
    KiReleaseSpinLock(Lock);
}

/* Whatever the short cuts below do not settle; they come here by a jump, without a stack frame. */
static DECLSPEC_NOINLINE KIRQL NTAPI
KiAcquireSpinLockSlow(PKSPIN_LOCK SpinLock)
{
    KIRQL OldIrql;

    IRQL_AT_MOST(DISPATCH_LEVEL);
    OldIrql = KeRaiseIrqlToDpcLevel();
    KiTakeSpinLock(SpinLock);
    return OldIrql;
}

static DECLSPEC_NOINLINE VOID NTAPI
KiReleaseSpinLockSlow(PKSPIN_LOCK SpinLock, KIRQL NewIrql)
{
    KiGiveSpinLock(SpinLock);
    KeLowerIrql(NewIrql);
}

/*
 * Raises to DISPATCH_LEVEL, takes the lock and returns the IRQL to give back. IRQL <=
 * DISPATCH_LEVEL.
 */
KIRQL NTAPI
KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock)
{
    KIRQL OldIrql = KeGetCurrentIrql();

    if (OldIrql <= DISPATCH_LEVEL) {
        __writecr8(DISPATCH_LEVEL);
        if (InterlockedCompareExchange64((LONG64 *)SpinLock, (LONG64)KeGetCurrentThread() | 1,
                                         0) == 0) {
            KeGetCurrentPrcb()->SpinLockDepth++;
            return OldIrql;
        }
        __writecr8(OldIrql);
    }
    __attribute__((musttail)) return KiAcquireSpinLockSlow(SpinLock);
}

KIRQL NTAPI
KeAcquireSpinLockRaiseToSynch(PKSPIN_LOCK SpinLock)
{
    KIRQL OldIrql = KeRaiseIrqlToSynchLevel();

    KiTakeSpinLock(SpinLock);
    return OldIrql;
}

VOID NTAPI
KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql)
{
    if (*SpinLock == ((KSPIN_LOCK)KeGetCurrentThread() | 1)) {
        KeGetCurrentPrcb()->SpinLockDepth--;
        KiReleaseSpinLock(SpinLock);
        __writecr8(NewIrql);
        return;
    }
    __attribute__((musttail)) return KiReleaseSpinLockSlow(SpinLock, NewIrql);
}

/*
 * The caller is at DISPATCH_LEVEL or above: below it, a switch would take the processor from the
 * holder.
 */
VOID NTAPI
KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    if (KeGetCurrentIrql() < DISPATCH_LEVEL)
        KiIrqlViolation(__func__, DISPATCH_LEVEL, __builtin_return_address(0));
    KiTakeSpinLock(SpinLock);
}

VOID NTAPI
KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock)
{
    KiGiveSpinLock(SpinLock);
}

BOOLEAN FASTCALL
KeTryToAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    if (InterlockedCompareExchange64((LONG64 *)SpinLock, (LONG64)KeGetCurrentThread() | 1, 0) != 0)
        return FALSE;
    KeGetCurrentPrcb()->SpinLockDepth++;
    return TRUE;
}

BOOLEAN FASTCALL
KeTestSpinLock(PKSPIN_LOCK SpinLock)
{
    return *(volatile KSPIN_LOCK *)SpinLock == 0;
}

/* For code that runs as a DPC or as a threaded DPC: the lock at DISPATCH_LEVEL either way. */
KIRQL FASTCALL
KeAcquireSpinLockForDpc(PKSPIN_LOCK SpinLock)
{
    return KeAcquireSpinLockRaiseToDpc(SpinLock);
}

VOID FASTCALL
KeReleaseSpinLockForDpc(PKSPIN_LOCK SpinLock, KIRQL OldIrql)
{
    KeReleaseSpinLock(SpinLock, OldIrql);
}

/*
 * Takes the lock through LockHandle, the caller's memory until the release (its stack). At
 * DISPATCH_LEVEL or above.
 */
VOID FASTCALL
KeAcquireInStackQueuedSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    PKSPIN_LOCK_QUEUE Node = &LockHandle->LockQueue, Previous;

    Node->Next = NULL;
    Node->Lock = SpinLock;
    Previous = InterlockedExchangePointer((PVOID volatile *)SpinLock, Node);
    if (Previous != NULL) {
        Node->Lock = (PKSPIN_LOCK)((ULONG_PTR)SpinLock | QUEUED_LOCK_WAITS);
        _ReadWriteBarrier();
        Previous->Next = Node;
        while ((ULONG_PTR)Node->Lock & QUEUED_LOCK_WAITS)
            YieldProcessor();
    }
    KeGetCurrentPrcb()->SpinLockDepth++;
}

VOID FASTCALL
KeReleaseInStackQueuedSpinLockFromDpcLevel(PKLOCK_QUEUE_HANDLE LockHandle)
{
    PKSPIN_LOCK_QUEUE Node = &LockHandle->LockQueue;
    PKSPIN_LOCK       Lock = Node->Lock;

    KeGetCurrentPrcb()->SpinLockDepth--;
    if (Node->Next == NULL) {
        if (InterlockedCompareExchangePointer((PVOID volatile *)Lock, NULL, Node) == Node)
            return;
        while (Node->Next == NULL)              // it is in the queue and about to link itself
            YieldProcessor();
    }
    _ReadWriteBarrier();
    Node->Next->Lock = Lock;
}

VOID FASTCALL
KeAcquireInStackQueuedSpinLock(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    IRQL_AT_MOST(DISPATCH_LEVEL);
    LockHandle->OldIrql = KeRaiseIrqlToDpcLevel();
    KeAcquireInStackQueuedSpinLockAtDpcLevel(SpinLock, LockHandle);
}

VOID FASTCALL
KeAcquireInStackQueuedSpinLockRaiseToSynch(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    LockHandle->OldIrql = KeRaiseIrqlToSynchLevel();
    KeAcquireInStackQueuedSpinLockAtDpcLevel(SpinLock, LockHandle);
}

VOID FASTCALL
KeReleaseInStackQueuedSpinLock(PKLOCK_QUEUE_HANDLE LockHandle)
{
    KIRQL OldIrql = LockHandle->OldIrql;

    KeReleaseInStackQueuedSpinLockFromDpcLevel(LockHandle);
    KeLowerIrql(OldIrql);
}

KIRQL FASTCALL
KeAcquireQueuedSpinLock(KSPIN_LOCK_QUEUE_NUMBER Number)
{
    return KeAcquireSpinLockRaiseToDpc(&KiQueuedLocks[Number]);
}

KIRQL FASTCALL
KeAcquireQueuedSpinLockRaiseToSynch(KSPIN_LOCK_QUEUE_NUMBER Number)
{
    return KeAcquireSpinLockRaiseToSynch(&KiQueuedLocks[Number]);
}

VOID FASTCALL
KeReleaseQueuedSpinLock(KSPIN_LOCK_QUEUE_NUMBER Number, KIRQL OldIrql)
{
    KeReleaseSpinLock(&KiQueuedLocks[Number], OldIrql);
}

static LOGICAL
KiTryQueuedSpinLock(KSPIN_LOCK_QUEUE_NUMBER Number, KIRQL NewIrql, PKIRQL OldIrql)
{
    KIRQL Old = KfRaiseIrql(NewIrql);

    if (!KeTryToAcquireSpinLockAtDpcLevel(&KiQueuedLocks[Number])) {
        KeLowerIrql(Old);
        return FALSE;
    }
    *OldIrql = Old;
    return TRUE;
}

LOGICAL FASTCALL
KeTryToAcquireQueuedSpinLock(KSPIN_LOCK_QUEUE_NUMBER Number, PKIRQL OldIrql)
{
    return KiTryQueuedSpinLock(Number, DISPATCH_LEVEL, OldIrql);
}

LOGICAL FASTCALL
KeTryToAcquireQueuedSpinLockRaiseToSynch(KSPIN_LOCK_QUEUE_NUMBER Number, PKIRQL OldIrql)
{
    return KiTryQueuedSpinLock(Number, 12, OldIrql);
}
