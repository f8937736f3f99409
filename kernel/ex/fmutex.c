/*
 * Fast mutexes and guarded mutexes: locks that cost one interlocked operation when nobody
 * competes. Count is 1 when free, 0 when held, and one less for each thread that waits for the
 * synchronization event inside. They do not recurse: the owner that comes again would wait for
 * itself, which is bugcheck 0xC4 (0x1000), as a release by another thread is (0x1004).
 *
 * A fast mutex keeps APCs away by holding its owner at APC_LEVEL, a guarded mutex by a guarded
 * region, at the owner's IRQL. The Unsafe routines leave that to the caller. The two structures
 * agree in everything but the meaning of their last field, so one pair of routines serves both.
 */
#include "ex/ex.h"

_Static_assert(FIELD_OFFSET(FAST_MUTEX, Event) == FIELD_OFFSET(KGUARDED_MUTEX, Gate), "one layout");

#define SELF_DEADLOCK       0x1000              // first parameters of bugcheck 0xC4
#define UNEXPECTED_THREAD   0x1004

static inline VOID
ExpEnterMutex(PFAST_MUTEX Mutex)
{
    PKTHREAD Thread = KeGetCurrentThread();

    if (Mutex->Owner == Thread)
        KeBugCheckEx(0xC4, SELF_DEADLOCK, (ULONG_PTR)Mutex,
            (ULONG_PTR)__builtin_return_address(0), 0);
    if (InterlockedDecrement(&Mutex->Count) < 0) {
        Mutex->Contention++;
        KeWaitForSingleObject(&Mutex->Event, WrFastMutex, KernelMode, FALSE, NULL);
    }
    Mutex->Owner = Thread;
}

static inline VOID
ExpLeaveMutex(PFAST_MUTEX Mutex)
{
    if (Mutex->Owner != KeGetCurrentThread())
        KeBugCheckEx(0xC4, UNEXPECTED_THREAD, (ULONG_PTR)Mutex, (ULONG_PTR)Mutex->Owner,
            (ULONG_PTR)__builtin_return_address(0));
    Mutex->Owner = NULL;
    if (InterlockedIncrement(&Mutex->Count) <= 0)
        KeSetEvent(&Mutex->Event, 0, FALSE);
}

static inline BOOLEAN
ExpTryMutex(PFAST_MUTEX Mutex)
{
    if (InterlockedCompareExchange(&Mutex->Count, 0, 1) != 1)
        return FALSE;
    Mutex->Owner = KeGetCurrentThread();
    return TRUE;
}

/*
 * Waits for the mutex and returns at APC_LEVEL. IRQL <= APC_LEVEL.
 */
VOID FASTCALL
ExAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    KIRQL OldIrql;

    MAY_BLOCK();
    OldIrql = KfRaiseIrql(APC_LEVEL);
    ExpEnterMutex(FastMutex);
    FastMutex->OldIrql = OldIrql;
}

VOID FASTCALL
ExReleaseFastMutex(PFAST_MUTEX FastMutex)
{
    KIRQL OldIrql = (KIRQL)FastMutex->OldIrql;

    IRQL_AT_MOST(APC_LEVEL);
    ExpLeaveMutex(FastMutex);
    KeLowerIrql(OldIrql);
}

BOOLEAN FASTCALL
ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    KIRQL OldIrql;

    MAY_BLOCK();
    OldIrql = KfRaiseIrql(APC_LEVEL);
    if (!ExpTryMutex(FastMutex)) {
        KeLowerIrql(OldIrql);
        return FALSE;
    }
    FastMutex->OldIrql = OldIrql;
    return TRUE;
}

VOID FASTCALL
ExAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex)
{
    MAY_BLOCK();
    ExpEnterMutex(FastMutex);
}

VOID FASTCALL
ExReleaseFastMutexUnsafe(PFAST_MUTEX FastMutex)
{
    IRQL_AT_MOST(APC_LEVEL);
    ExpLeaveMutex(FastMutex);
}

VOID FASTCALL
KeInitializeGuardedMutex(PKGUARDED_MUTEX GuardedMutex)
{
    GuardedMutex->SpecialApcDisable = 0;
    ExInitializeFastMutex((PFAST_MUTEX)GuardedMutex);
}

VOID FASTCALL
KeAcquireGuardedMutex(PKGUARDED_MUTEX GuardedMutex)
{
    MAY_BLOCK();
    KeEnterGuardedRegion();
    ExpEnterMutex((PFAST_MUTEX)GuardedMutex);
}

VOID FASTCALL
KeReleaseGuardedMutex(PKGUARDED_MUTEX GuardedMutex)
{
    IRQL_AT_MOST(APC_LEVEL);
    ExpLeaveMutex((PFAST_MUTEX)GuardedMutex);
    KeLeaveGuardedRegion();
}

BOOLEAN FASTCALL
KeTryToAcquireGuardedMutex(PKGUARDED_MUTEX GuardedMutex)
{
    MAY_BLOCK();
    KeEnterGuardedRegion();
    if (ExpTryMutex((PFAST_MUTEX)GuardedMutex))
        return TRUE;
    KeLeaveGuardedRegion();
    return FALSE;
}

VOID FASTCALL
KeAcquireGuardedMutexUnsafe(PKGUARDED_MUTEX GuardedMutex)
{
    MAY_BLOCK();
    ExpEnterMutex((PFAST_MUTEX)GuardedMutex);
}

VOID FASTCALL
KeReleaseGuardedMutexUnsafe(PKGUARDED_MUTEX GuardedMutex)
{
    IRQL_AT_MOST(APC_LEVEL);
    ExpLeaveMutex((PFAST_MUTEX)GuardedMutex);
}
