/*
 * Semaphores: SignalState counts how many waits will be satisfied at once, at most Limit. Each
 * wait takes one (KiWaitSatisfy), KeReleaseSemaphore gives back. Guarded by KiDispatcherLock.
 */
#include "ke/dispatch.h"

VOID NTAPI
KeInitializeSemaphore(PRKSEMAPHORE Semaphore, LONG Count, LONG Limit)
{
    Semaphore->Header.Lock = 0;
    Semaphore->Header.Type = SemaphoreObject;
    Semaphore->Header.Size = sizeof(KSEMAPHORE) / sizeof(LONG);
    Semaphore->Header.SignalState = Count;
    InitializeListHead(&Semaphore->Header.WaitListHead);
    Semaphore->Limit = Limit;
}

/*
 * Adds Adjustment to the count and returns the former count; raises
 * STATUS_SEMAPHORE_LIMIT_EXCEEDED, changing nothing, if that would pass Limit or is not positive.
 * Increment and Wait as for KeSetEvent. IRQL <= DISPATCH_LEVEL.
 */
LONG NTAPI
KeReleaseSemaphore(PRKSEMAPHORE Semaphore, KPRIORITY Increment, LONG Adjustment, BOOLEAN Wait)
{
    KIRQL OldIrql;
    LONG  Old;

    IRQL_AT_MOST(Wait ? APC_LEVEL : DISPATCH_LEVEL);

    OldIrql = KiAcquireDispatcherLock();
    Old = Semaphore->Header.SignalState;
    if (Adjustment <= 0 || (LONG64)Old + Adjustment > Semaphore->Limit) {
        KiExitDispatcher(OldIrql);
        ExRaiseStatus(STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    }
    Semaphore->Header.SignalState = Old + Adjustment;
    if (Old == 0 && !IsListEmpty(&Semaphore->Header.WaitListHead))
        KiWaitTest(Semaphore, Increment);
    KiLeaveLocked(OldIrql, Wait);
    return Old;
}

LONG NTAPI
KeReadStateSemaphore(PRKSEMAPHORE Semaphore)
{
    return Semaphore->Header.SignalState;
}
