/*
 * Fast mutexes and guarded mutexes: locks that cost one interlocked operation when nobody
 * competes. Count has bit 0 set while the mutex is free (so it is 1 when nobody cares), bit 1
 * while a waiter was woken and has not been back yet, and counts the sleeping waiters in the rest.
 * Who finds the mutex taken spins a little, if there are other processors, and then sleeps on the
 * event inside. A release frees the mutex and wakes one waiter, if none is under way; the woken
 * one competes anew with whoever runs, so a busy mutex does not change threads at every release.
 *
 * They do not recurse: the owner that comes again would wait for itself, which is bugcheck 0xC4
 * (0x1000), as a release by another thread is (0x1004).
 *
 * A fast mutex keeps APCs away by holding its owner at APC_LEVEL, a guarded mutex by a guarded
 * region, at the owner's IRQL. The Unsafe routines leave that to the caller. The two structures
 * agree in everything but the meaning of their last field, so one pair of routines serves both.
 */
#include "ex/ex.h"

_Static_assert(FIELD_OFFSET(FAST_MUTEX, Event) == FIELD_OFFSET(KGUARDED_MUTEX, Gate), "one layout");

#ifndef DRIVER_VERIFIER_DETECTED_VIOLATION
#define DRIVER_VERIFIER_DETECTED_VIOLATION 0xC4
#endif

#define SELF_DEADLOCK       0x1000              // first parameters of bugcheck 0xC4
#define UNEXPECTED_THREAD   0x1004

#define MUTEX_FREE          1
#define MUTEX_WAITER_WOKEN  2
#define MUTEX_WAITER        4
#define MUTEX_SPINS         200

static inline BOOLEAN
ExpChangeCount(PFAST_MUTEX Mutex, LONG Old, LONG New)
{
    return InterlockedCompareExchange(&Mutex->Count, New, Old) == Old;
}

/* Takes the mutex once it is free. A round that was woken up for owns MUTEX_WAITER_WOKEN. */
static VOID
ExpWaitForMutex(PFAST_MUTEX Mutex)
{
    ULONG Spins = KeNumberProcessors > 1 ? MUTEX_SPINS : 0;
    LONG  Woken = 0, Old;

    Mutex->Contention++;
    for (;;) {
        Old = Mutex->Count;
        if (Old & MUTEX_FREE) {
            if (ExpChangeCount(Mutex, Old, Old - MUTEX_FREE - Woken))
                return;
        } else if (Spins != 0) {
            Spins--;
            YieldProcessor();
        } else if (ExpChangeCount(Mutex, Old, Old + MUTEX_WAITER - Woken)) {
            KeWaitForSingleObject(&Mutex->Event, WrFastMutex, KernelMode, FALSE, NULL);
            Woken = MUTEX_WAITER_WOKEN;
        }
    }
}

static inline VOID
ExpEnterMutex(PFAST_MUTEX Mutex)
{
    PKTHREAD Thread = KeGetCurrentThread();

    if (Mutex->Owner == Thread)
        KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, SELF_DEADLOCK, (ULONG_PTR)Mutex,
            (ULONG_PTR)__builtin_return_address(0), 0);
    if (!ExpChangeCount(Mutex, MUTEX_FREE, 0))
        ExpWaitForMutex(Mutex);
    Mutex->Owner = Thread;
}

/* Frees a mutex somebody waits for, and wakes one waiter if none is on its way already. */
static VOID
ExpFreeContended(PFAST_MUTEX Mutex)
{
    LONG Old, Wake;

    do {
        Old = Mutex->Count;
        Wake = 0;
        if (Old >= MUTEX_WAITER && !(Old & MUTEX_WAITER_WOKEN))
            Wake = MUTEX_WAITER_WOKEN - MUTEX_WAITER;
    } while (!ExpChangeCount(Mutex, Old, Old + MUTEX_FREE + Wake));
    if (Wake != 0)
        KeSetEvent(&Mutex->Event, 0, FALSE);
}

static inline VOID
ExpLeaveMutex(PFAST_MUTEX Mutex)
{
    if (Mutex->Owner != KeGetCurrentThread())
        KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, UNEXPECTED_THREAD, (ULONG_PTR)Mutex,
            (ULONG_PTR)Mutex->Owner, (ULONG_PTR)__builtin_return_address(0));
    Mutex->Owner = NULL;
    if (!ExpChangeCount(Mutex, 0, MUTEX_FREE))
        ExpFreeContended(Mutex);
}

static inline BOOLEAN
ExpTryMutex(PFAST_MUTEX Mutex)
{
    LONG Old;

    while ((Old = Mutex->Count) & MUTEX_FREE) {
        if (ExpChangeCount(Mutex, Old, Old - MUTEX_FREE)) {
            Mutex->Owner = KeGetCurrentThread();
            return TRUE;
        }
    }
    return FALSE;
}

/*
 * ExAcquireFastMutex and ExReleaseFastMutex without their short cuts, which leave everything else
 * to these by a jump, so that what is taken and given without competition needs no stack frame.
 */
static DECLSPEC_NOINLINE VOID FASTCALL
ExpAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    KIRQL OldIrql;

    MAY_BLOCK();
    OldIrql = KfRaiseIrql(APC_LEVEL);
    ExpEnterMutex(FastMutex);
    FastMutex->OldIrql = OldIrql;
}

static DECLSPEC_NOINLINE VOID FASTCALL
ExpReleaseFastMutex(PFAST_MUTEX FastMutex)
{
    KIRQL OldIrql = (KIRQL)FastMutex->OldIrql;

    IRQL_AT_MOST(APC_LEVEL);
    ExpLeaveMutex(FastMutex);
    KeLowerIrql(OldIrql);
}

/*
 * Waits for the mutex and returns at APC_LEVEL. IRQL <= APC_LEVEL.
 */
VOID FASTCALL
ExAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    KIRQL OldIrql = KeGetCurrentIrql();

    if (OldIrql <= APC_LEVEL) {
        __writecr8(APC_LEVEL);
        if (ExpChangeCount(FastMutex, MUTEX_FREE, 0)) {
            FastMutex->Owner = KeGetCurrentThread();
            FastMutex->OldIrql = OldIrql;
            return;
        }
        __writecr8(OldIrql);
    }
    __attribute__((musttail)) return ExpAcquireFastMutex(FastMutex);
}

VOID FASTCALL
ExReleaseFastMutex(PFAST_MUTEX FastMutex)
{
    KIRQL    OldIrql = (KIRQL)FastMutex->OldIrql;
    PKTHREAD Thread = KeGetCurrentThread();

    if (KeGetCurrentIrql() == APC_LEVEL && FastMutex->Owner == Thread) {
        FastMutex->Owner = NULL;
        if (ExpChangeCount(FastMutex, 0, MUTEX_FREE)) {
            __writecr8(OldIrql);
            return;
        }
        FastMutex->Owner = Thread;
    }
    __attribute__((musttail)) return ExpReleaseFastMutex(FastMutex);
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
