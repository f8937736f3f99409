/*
 * Events. A notification event stays signalled and lets everybody through until it is reset; a
 * synchronization event lets one waiter through and resets itself as it does (KiWaitSatisfy in
 * wait.c). SignalState is 0 or 1 and guarded by KiDispatcherLock; KeClearEvent and
 * KeReadStateEvent, which nobody waits for, do without.
 */
#include "ke/dispatch.h"

VOID NTAPI
KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State)
{
    KiInitializeEvent(Event, Type, State);
}

/*
 * Signals the event, wakes those it satisfies with the priority boost Increment, and returns the
 * former state. Wait: the caller's next call is a KeWait..., which takes over the lock (wait.c).
 * IRQL <= DISPATCH_LEVEL, with Wait <= APC_LEVEL.
 */
LONG NTAPI
KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    KIRQL OldIrql;
    LONG  Old;

    IRQL_AT_MOST(Wait ? APC_LEVEL : DISPATCH_LEVEL);

    OldIrql = KiAcquireDispatcherLock();
    Old = Event->Header.SignalState;
    Event->Header.SignalState = 1;
    if (Old == 0 && !IsListEmpty(&Event->Header.WaitListHead))
        KiWaitTest(Event, Increment);
    KiLeaveLocked(OldIrql, Wait);
    return Old;
}

VOID
KiSetEventLocked(PKEVENT Event)
{
    Event->Header.SignalState = 1;
    KiWaitTest(Event, 0);
}

/*
 * Wakes those who wait now and leaves the event reset. As KeSetEvent.
 */
LONG NTAPI
KePulseEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    KIRQL OldIrql;
    LONG  Old;

    IRQL_AT_MOST(Wait ? APC_LEVEL : DISPATCH_LEVEL);

    OldIrql = KiAcquireDispatcherLock();
    Old = Event->Header.SignalState;
    Event->Header.SignalState = 1;
    if (Old == 0)
        KiWaitTest(Event, Increment);
    Event->Header.SignalState = 0;
    KiLeaveLocked(OldIrql, Wait);
    return Old;
}

LONG NTAPI
KeResetEvent(PRKEVENT Event)
{
    KIRQL OldIrql;
    LONG  Old;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    OldIrql = KiAcquireDispatcherLock();
    Old = Event->Header.SignalState;
    Event->Header.SignalState = 0;
    KiExitDispatcher(OldIrql);
    return Old;
}

VOID NTAPI
KeClearEvent(PRKEVENT Event)
{
    Event->Header.SignalState = 0;
}

LONG NTAPI
KeReadStateEvent(PRKEVENT Event)
{
    return Event->Header.SignalState;
}
