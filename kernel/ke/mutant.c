/*
 * Mutants, which drivers know as mutexes. SignalState is 1 when free, 0 when its owner entered
 * once, and one less for each further time. The owner's mutants are in KTHREAD.MutantListHead, so
 * that a thread that ends can leave them abandoned: the next owner's wait returns
 * STATUS_ABANDONED.
 *
 * A mutex (KeInitializeMutex) has ApcDisable 1: owning it keeps normal kernel APCs away, as
 * KeEnterCriticalRegion does, and a thread may not end with it. A mutant (NtCreateMutant) does
 * neither. Taking one is KiTakeMutant in wait.c. Guarded by KiDispatcherLock.
 */
#include "ke/dispatch.h"

/*
 * InitialOwner: the calling thread owns it at once. IRQL <= DISPATCH_LEVEL.
 */
VOID NTAPI
KeInitializeMutant(PRKMUTANT Mutant, BOOLEAN InitialOwner)
{
    PKTHREAD Thread = KeGetCurrentThread();
    KIRQL    OldIrql;

    Mutant->Header.Lock = 0;
    Mutant->Header.Type = MutantObject;
    Mutant->Header.Size = sizeof(KMUTANT) / sizeof(LONG);
    Mutant->Header.SignalState = !InitialOwner;
    InitializeListHead(&Mutant->Header.WaitListHead);
    Mutant->Abandoned = FALSE;
    Mutant->ApcDisable = 0;
    Mutant->OwnerThread = InitialOwner ? Thread : NULL;
    if (InitialOwner) {
        OldIrql = KiAcquireDispatcherLock();
        InsertHeadList(&Thread->MutantListHead, &Mutant->MutantListEntry);
        KiExitDispatcher(OldIrql);
    }
}

VOID NTAPI
KeInitializeMutex(PRKMUTEX Mutex, ULONG Level)
{
    KeInitializeMutant(Mutex, FALSE);
    Mutex->ApcDisable = 1;
}

/* The owner has left for the last time: the next waiter takes over. */
static VOID
KiFreeMutant(PKMUTANT Mutant, PKTHREAD Owner, KPRIORITY Increment)
{
    RemoveEntryList(&Mutant->MutantListEntry);
    Mutant->OwnerThread = NULL;
    Owner->KernelApcDisable += Mutant->ApcDisable;
    Mutant->Header.SignalState = 1;
    if (!IsListEmpty(&Mutant->Header.WaitListHead))
        KiWaitTest(Mutant, Increment);
}

/*
 * Leaves the mutant once (Abandoned: for good, marking it so, whoever owns it) and returns the
 * former SignalState. Raises STATUS_MUTANT_NOT_OWNED, or STATUS_ABANDONED if it was abandoned,
 * when the caller is not the owner. IRQL <= DISPATCH_LEVEL.
 */
LONG NTAPI
KeReleaseMutant(PRKMUTANT Mutant, KPRIORITY Increment, BOOLEAN Abandoned, BOOLEAN Wait)
{
    PKTHREAD Thread = KeGetCurrentThread(), Owner;
    BOOLEAN  MayDeliver;
    KIRQL    OldIrql;
    LONG     Old;

    IRQL_AT_MOST(Wait ? APC_LEVEL : DISPATCH_LEVEL);

    OldIrql = KiAcquireDispatcherLock();
    Old = Mutant->Header.SignalState;
    Owner = Mutant->OwnerThread;
    MayDeliver = Owner == Thread && Mutant->ApcDisable != 0 && !Wait;
    if (!Abandoned && Owner != Thread) {
        KiExitDispatcher(OldIrql);
        ExRaiseStatus(Mutant->Abandoned ? STATUS_ABANDONED : STATUS_MUTANT_NOT_OWNED);
    }
    if (Abandoned)
        Mutant->Abandoned = TRUE;
    if (Owner != NULL && (Abandoned || Old == 0))
        KiFreeMutant(Mutant, Owner, Increment);
    else if (Owner != NULL)
        Mutant->Header.SignalState = Old + 1;
    KiLeaveLocked(OldIrql, Wait);               // Mutant may be gone from here on

    if (MayDeliver)
        KiCheckKernelApcs(Thread);
    return Old;
}

/*
 * A driver that releases a mutex it does not own gets the exception; unhandled, that is its
 * bugcheck.
 */
LONG NTAPI
KeReleaseMutex(PRKMUTEX Mutex, BOOLEAN Wait)
{
    return KeReleaseMutant(Mutex, 1, FALSE, Wait);
}

/* The running thread ends, the lock is held. */
VOID
KiAbandonMutants(PKTHREAD Thread, KPRIORITY Increment)
{
    PKMUTANT Mutant;

    while (!IsListEmpty(&Thread->MutantListHead)) {
        Mutant = CONTAINING_RECORD(Thread->MutantListHead.Flink, KMUTANT, MutantListEntry);
        if (Mutant->ApcDisable != 0)
            KeBugCheckEx(THREAD_TERMINATE_HELD_MUTEX, (ULONG_PTR)Thread, (ULONG_PTR)Mutant, 0, 0);
        Mutant->Abandoned = TRUE;
        KiFreeMutant(Mutant, Thread, Increment);
    }
}

LONG NTAPI
KeReadStateMutant(PRKMUTANT Mutant)
{
    return Mutant->Header.SignalState;
}

LONG NTAPI
KeReadStateMutex(PRKMUTEX Mutex)
{
    return Mutex->Header.SignalState;
}
