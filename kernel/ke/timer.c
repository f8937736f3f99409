/*
 * Timers: dispatcher objects that signal themselves, and may queue a DPC, at an interrupt time,
 * once or every Period milliseconds.
 *
 * An armed timer (Header.Inserted) is in one of the lists of KiTimerTable, the one for the clock
 * tick its DueTime falls in modulo the table's size; each list is in order of DueTime.
 * KiNextDueTime is never later than the earliest of all: the clock interrupt compares with it
 * (KiIsTimerDue) and, when it is past, has KiTimerExpiration run at DISPATCH_LEVEL, which walks
 * the lists of the ticks since it last did. KiNextDueTime may be too early, after a cancellation:
 * then that finds nothing.
 *
 * Due times are interrupt time; an absolute system time is converted when the timer is set. A
 * timer that is due when it is set expires at once. Period is kept in the KTIMER; nothing outside
 * this file looks at it there, as its place differs between public headers.
 *
 * Guarded by KiDispatcherLock.
 */
#include "ke/dispatch.h"

#define TICKS_PER_MILLISECOND 10000             // of interrupt time, 100 ns each

static LIST_ENTRY       KiTimerTable[TIMER_TABLE_SIZE];
static ULONG            KiTimerCount;
static ULONG64          KiLastExpiry;           // clock tick up to which the table was walked
static volatile ULONG64 KiNextDueTime = MAXULONG64;

VOID
KiInitializeTimerTable(VOID)
{
    ULONG Index;

    for (Index = 0; Index < TIMER_TABLE_SIZE; Index++)
        InitializeListHead(&KiTimerTable[Index]);
}

BOOLEAN
KiIsTimerDue(ULONG64 InterruptTime)
{
    return InterruptTime >= KiNextDueTime;
}

static inline PLIST_ENTRY
KiTimerList(ULONG64 Tick)
{
    return &KiTimerTable[Tick % TIMER_TABLE_SIZE];
}

static inline ULONG64
KiListDueTime(PLIST_ENTRY Head)
{
    if (IsListEmpty(Head))
        return MAXULONG64;
    return CONTAINING_RECORD(Head->Flink, KTIMER, TimerListEntry)->DueTime.QuadPart;
}

BOOLEAN
KiInsertTimer(PKTIMER Timer, ULONG64 Due)
{
    PLIST_ENTRY Head = KiTimerList(Due / CLOCK_INTERVAL_100NS), Link;

    if (Due <= KeQueryInterruptTime())
        return FALSE;
    Timer->DueTime.QuadPart = Due;
    Timer->Header.Inserted = TRUE;
    for (Link = Head->Blink; Link != Head; Link = Link->Blink)
        if (CONTAINING_RECORD(Link, KTIMER, TimerListEntry)->DueTime.QuadPart <= Due)
            break;
    InsertHeadList(Link, &Timer->TimerListEntry);
    KiTimerCount++;
    if (Due < KiNextDueTime)
        KiNextDueTime = Due;
    return TRUE;
}

VOID
KiRemoveTimer(PKTIMER Timer)
{
    Timer->Header.Inserted = FALSE;
    RemoveEntryList(&Timer->TimerListEntry);
    KiTimerCount--;
}

/*
 * The timer, not in the table, reaches Due: signals it, arms it again if periodic, queues its
 * DPC.
 */
static VOID
KiSignalTimer(PKTIMER Timer, ULONG64 Due)
{
    ULONG64       Now = KeQueryInterruptTime(), Period =
        (ULONG64)Timer->Period * TICKS_PER_MILLISECOND;
    PKDPC         Dpc = Timer->Dpc;
    LARGE_INTEGER SystemTime;

    Timer->Header.SignalState = TRUE;
    if (Period != 0 && !KiInsertTimer(Timer, Due + Period))
        KiInsertTimer(Timer, Now + Period);
    if (!IsListEmpty(&Timer->Header.WaitListHead))
        KiWaitTest(Timer, 0);
    if (Dpc != NULL) {
        KeQuerySystemTime(&SystemTime);
        KeInsertQueueDpc(Dpc, (PVOID)(ULONG_PTR)SystemTime.LowPart,
            (PVOID)(ULONG_PTR)(ULONG)SystemTime.HighPart);
    }
}

/*
 * Looks for the earliest timer, first among those of this turn of the table, which ends at the
 * first one found.
 */
static ULONG64
KiFindNextDueTime(ULONG64 Tick)
{
    ULONG64 Next = MAXULONG64, Due;
    ULONG   Index;

    for (Index = 0; Index < TIMER_TABLE_SIZE && KiTimerCount != 0; Index++) {
        Due = KiListDueTime(KiTimerList(Tick + Index));
        if (Due < Next)
            Next = Due;
        if (Due / CLOCK_INTERVAL_100NS == Tick + Index)
            break;
    }
    return Next;
}

/*
 * Expires what is due. Called by KiRetireDpcList on the boot processor, with no arguments, at
 * DISPATCH_LEVEL.
 */
VOID
KiTimerExpiration(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    ULONG64     Now = KeQueryInterruptTime(), Last = Now / CLOCK_INTERVAL_100NS, Tick;
    PLIST_ENTRY Head;
    PKTIMER     Timer;

    KiAcquireSpinLock(&KiDispatcherLock);
    Tick = Last - KiLastExpiry < TIMER_TABLE_SIZE ? KiLastExpiry : Last - TIMER_TABLE_SIZE + 1;
    for (; Tick <= Last; Tick++) {
        Head = KiTimerList(Tick);
        while (KiListDueTime(Head) <= Now) {
            Timer = CONTAINING_RECORD(Head->Flink, KTIMER, TimerListEntry);
            KiRemoveTimer(Timer);
            KiSignalTimer(Timer, Timer->DueTime.QuadPart);
        }
    }
    KiLastExpiry = Last;
    KiNextDueTime = KiFindNextDueTime(Last);
    KiExitDispatcher(DISPATCH_LEVEL);
}

VOID NTAPI
KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type)
{
    Timer->Header.Lock = 0;
    Timer->Header.Type = (UCHAR)(TimerNotificationObject + Type);
    Timer->Header.Size = sizeof(KTIMER) / sizeof(LONG);
    Timer->Header.SignalState = FALSE;
    InitializeListHead(&Timer->Header.WaitListHead);
    Timer->DueTime.QuadPart = 0;
    Timer->Dpc = NULL;
    Timer->Processor = 0;
    Timer->Period = 0;
}

VOID NTAPI
KeInitializeTimer(PKTIMER Timer)
{
    KeInitializeTimerEx(Timer, NotificationTimer);
}

/*
 * Arms the timer anew: not signalled until DueTime (negative: relative, 100 ns; else system
 * time), then every Period ms if that is not zero. Dpc is queued at each expiry. Returns whether
 * it was armed. IRQL <= DISPATCH_LEVEL.
 */
BOOLEAN NTAPI
KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc)
{
    ULONG64 Due = KiComputeDueTime(DueTime);
    BOOLEAN Armed;
    KIRQL   OldIrql;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    OldIrql = KiAcquireDispatcherLock();
    Armed = Timer->Header.Inserted;
    if (Armed)
        KiRemoveTimer(Timer);
    Timer->Header.Absolute = DueTime.QuadPart >= 0;
    Timer->Header.SignalState = FALSE;
    Timer->Dpc = Dpc;
    Timer->Period = (ULONG)Period;
    if (!KiInsertTimer(Timer, Due))
        KiSignalTimer(Timer, KeQueryInterruptTime());
    KiExitDispatcher(OldIrql);
    return Armed;
}

BOOLEAN NTAPI
KeSetTimer(PKTIMER Timer, LARGE_INTEGER DueTime, PKDPC Dpc)
{
    return KeSetTimerEx(Timer, DueTime, 0, Dpc);
}

/*
 * Disarms the timer; its state stays. Returns whether it was armed. A DPC it has queued may still
 * run. IRQL <= DISPATCH_LEVEL.
 */
BOOLEAN NTAPI
KeCancelTimer(PKTIMER Timer)
{
    BOOLEAN Armed;
    KIRQL   OldIrql;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    OldIrql = KiAcquireDispatcherLock();
    Armed = Timer->Header.Inserted;
    if (Armed)
        KiRemoveTimer(Timer);
    KiExitDispatcher(OldIrql);
    return Armed;
}

BOOLEAN NTAPI
KeReadStateTimer(PKTIMER Timer)
{
    return Timer->Header.SignalState != 0;
}

VOID
KeCheckForTimer(PVOID Base, SIZE_T Size)
{
    KIRQL OldIrql = KiAcquireDispatcherLock();

    for (ULONG Index = 0; Index < TIMER_TABLE_SIZE && KiTimerCount != 0; Index++) {
        PLIST_ENTRY Head = &KiTimerTable[Index];

        for (PLIST_ENTRY Link = Head->Flink; Link != Head; Link = Link->Flink) {
            PKTIMER Timer = CONTAINING_RECORD(Link, KTIMER, TimerListEntry);

            if ((ULONG_PTR)Timer - (ULONG_PTR)Base < Size)
                KiStopDriver(0xC7, 0, (ULONG_PTR)Timer, (ULONG_PTR)Base, (ULONG_PTR)Base + Size,
                             Timer, "was unloaded with a timer still set");
            if (Timer->Dpc != NULL)
                KiCheckDpcOutside(Timer->Dpc, Base, Size,
                                  "was unloaded with a timer still set whose DPC is its own");
        }
    }
    KiExitDispatcher(OldIrql);
}
