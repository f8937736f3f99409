/*
 * Tests waiting: time-outs, events, semaphores, mutexes, mutants, WaitAny and WaitAll.
 */
#include "../ktest.h"

NTKERNELAPI VOID NTAPI KeInitializeMutant(PRKMUTEX Mutant, BOOLEAN InitialOwner);
NTKERNELAPI LONG NTAPI KePulseEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait);

DRIVER_INITIALIZE DriverEntry;

static VOID
ZeroTimeout(VOID)
{
    KEVENT Event;
    KIRQL  OldIrql;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    EXPECT(KtPoll(&Event) == STATUS_TIMEOUT);
    KeSetEvent(&Event, 0, FALSE);
    EXPECT(KtPoll(&Event) == STATUS_SUCCESS);
    EXPECT(KeGetCurrentIrql() == DISPATCH_LEVEL);
    KeLowerIrql(OldIrql);
    EXPECT(KeReadStateEvent(&Event) != 0);
}

static VOID
RelativeTimeout(VOID)
{
    KEVENT  Event;
    ULONG64 Start, Passed;
    ULONG   Try = 0;

    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    do {                                        // a busy host may stop the clock's machine once
        Start = KeQueryInterruptTime();
        EXPECT(KtWait(&Event, 50) == STATUS_TIMEOUT);
        Passed = KeQueryInterruptTime() - Start;
        EXPECT(Passed >= (ULONG64)MILLISECONDS(50));
    } while (Passed >= (ULONG64)MILLISECONDS(500) && ++Try < 20);
    EXPECT(Passed < (ULONG64)MILLISECONDS(500));
}

static VOID
AbsoluteTimeout(VOID)
{
    KEVENT        Event;
    LARGE_INTEGER Start, Due, End;

    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    KeQuerySystemTime(&Start);
    Due.QuadPart = Start.QuadPart + MILLISECONDS(40);
    EXPECT(KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, &Due) == STATUS_TIMEOUT);
    KeQuerySystemTime(&End);
    EXPECT(End.QuadPart >= Due.QuadPart);
    Due.QuadPart = Start.QuadPart;
    EXPECT(KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, &Due) == STATUS_TIMEOUT);
    Due.QuadPart = 1;
    EXPECT(KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, &Due) == STATUS_TIMEOUT);
}

static VOID
EventKinds(VOID)
{
    KEVENT Notification, Synchronization;

    KeInitializeEvent(&Notification, NotificationEvent, TRUE);
    KeInitializeEvent(&Synchronization, SynchronizationEvent, TRUE);
    EXPECT(KtPoll(&Notification) == STATUS_SUCCESS && KtPoll(&Notification) == STATUS_SUCCESS);
    EXPECT(KtPoll(&Synchronization) == STATUS_SUCCESS
        && KtPoll(&Synchronization) == STATUS_TIMEOUT);
    EXPECT(KeSetEvent(&Synchronization, 0, FALSE) == 0
        && KeSetEvent(&Synchronization, 0, FALSE) != 0);
    EXPECT(KeResetEvent(&Synchronization) != 0 && KeResetEvent(&Synchronization) == 0);
    KeClearEvent(&Notification);
    EXPECT(KeReadStateEvent(&Notification) == 0);
}

typedef struct _WAITERS {
    KEVENT        Event;
    volatile LONG Woken;
} WAITERS;

static VOID NTAPI
WaiterThread(PVOID Context)
{
    WAITERS *Waiters = Context;

    if (KtWait(&Waiters->Event, KT_PATIENCE) == STATUS_SUCCESS)
        InterlockedIncrement(&Waiters->Woken);
}

/* Starts three threads and lets them block. */
static VOID
StartWaiters(WAITERS *Waiters, EVENT_TYPE Type, PKTHREAD Threads[3])
{
    ULONG Index;

    Waiters->Woken = 0;
    KeInitializeEvent(&Waiters->Event, Type, FALSE);
    for (Index = 0; Index < 3; Index++)
        Threads[Index] = KtStart(WaiterThread, Waiters);
    KtAwaitWaiters(&Waiters->Event, 3);
}

static VOID
WakeOneOrAll(VOID)
{
    WAITERS  Waiters;
    PKTHREAD Threads[3];
    ULONG    Index;

    StartWaiters(&Waiters, SynchronizationEvent, Threads);
    for (Index = 1; Index <= 3; Index++) {
        KeSetEvent(&Waiters.Event, 0, FALSE);
        KT_AWAIT((ULONG)Waiters.Woken >= Index);
        KtSleep(30);
        EXPECT((ULONG)Waiters.Woken == Index);
    }
    for (Index = 0; Index < 3; Index++)
        KtJoin(Threads[Index]);
    EXPECT(KeReadStateEvent(&Waiters.Event) == 0);

    StartWaiters(&Waiters, NotificationEvent, Threads);
    KePulseEvent(&Waiters.Event, 0, FALSE);
    for (Index = 0; Index < 3; Index++)
        KtJoin(Threads[Index]);
    EXPECT(Waiters.Woken == 3 && KeReadStateEvent(&Waiters.Event) == 0);
}

static NTSTATUS
WaitFor(ULONG Count, PVOID *Objects, WAIT_TYPE Type, PLARGE_INTEGER Timeout)
{
    return KeWaitForMultipleObjects(Count, Objects, Type, Executive, KernelMode, FALSE, Timeout,
        NULL);
}

static VOID
WaitAnyOf(VOID)
{
    KEVENT        Events[3];
    PVOID         Objects[3] = { &Events[0], &Events[1], &Events[2] };
    LARGE_INTEGER Zero = { .QuadPart = 0 }, Short = KtAfter(20);
    ULONG         Index;

    for (Index = 0; Index < 3; Index++)
        KeInitializeEvent(&Events[Index], SynchronizationEvent, Index != 0);
    EXPECT(WaitFor(3, Objects, WaitAny, &Zero) == STATUS_WAIT_1);
    EXPECT(KeReadStateEvent(&Events[1]) == 0 && KeReadStateEvent(&Events[2]) != 0);
    EXPECT(WaitFor(3, Objects, WaitAny, NULL) == STATUS_WAIT_2);
    EXPECT(WaitFor(3, Objects, WaitAny, &Short) == STATUS_TIMEOUT);
}

typedef struct _ALL {
    KEVENT     Event;
    KSEMAPHORE Semaphore;
    KMUTEX     Mutex;
    NTSTATUS   Status;
} ALL;

static VOID NTAPI
WaitAllThread(PVOID Context)
{
    ALL          *All = Context;
    PVOID         Objects[3] = { &All->Event, &All->Semaphore, &All->Mutex };
    LARGE_INTEGER Long = KtAfter(10000);

    All->Status = WaitFor(3, Objects, WaitAll, &Long);
    EXPECT(KeAreApcsDisabled());
    KeReleaseMutex(&All->Mutex, FALSE);
}

static VOID
WaitAllOf(VOID)
{
    ALL      All = { .Status = -1 };
    PKTHREAD Thread;

    KeInitializeEvent(&All.Event, SynchronizationEvent, FALSE);
    KeInitializeSemaphore(&All.Semaphore, 0, 5);
    KeInitializeMutex(&All.Mutex, 0);
    EXPECT(KtPoll(&All.Mutex) == STATUS_SUCCESS);
    Thread = KtStart(WaitAllThread, &All);
    KtAwaitWaiters(&All.Event, 1);
    KeSetEvent(&All.Event, 0, FALSE);
    KtSleep(30);
    EXPECT(KeReadStateEvent(&All.Event) != 0);          // not taken while the rest is missing
    KeReleaseSemaphore(&All.Semaphore, 0, 2, FALSE);
    KtSleep(30);
    EXPECT(KeReadStateSemaphore(&All.Semaphore) == 2 && All.Status == -1);
    KeReleaseMutex(&All.Mutex, FALSE);
    KtJoin(Thread);
    EXPECT(All.Status == STATUS_SUCCESS);
    EXPECT(KeReadStateEvent(&All.Event) == 0 && KeReadStateSemaphore(&All.Semaphore) == 1);
    EXPECT(KeReadStateMutex(&All.Mutex) == 1);
}

static VOID
ManyObjects(VOID)
{
    PKEVENT       Events = ExAllocatePoolWithTag(NonPagedPool,
        MAXIMUM_WAIT_OBJECTS * sizeof(KEVENT), KT_TAG);
    PKWAIT_BLOCK  Blocks = ExAllocatePoolWithTag(NonPagedPool,
        MAXIMUM_WAIT_OBJECTS * sizeof(KWAIT_BLOCK), KT_TAG);
    PVOID         Objects[MAXIMUM_WAIT_OBJECTS];
    LARGE_INTEGER Short = KtAfter(20);
    NTSTATUS      Status;
    ULONG         Index;

    for (Index = 0; Index < MAXIMUM_WAIT_OBJECTS; Index++) {
        KeInitializeEvent(&Events[Index], NotificationEvent, FALSE);
        Objects[Index] = &Events[Index];
    }
    Status = KeWaitForMultipleObjects(MAXIMUM_WAIT_OBJECTS, Objects, WaitAny, Executive,
        KernelMode, FALSE, &Short, Blocks);
    EXPECT(Status == STATUS_TIMEOUT);
    KeSetEvent(&Events[63], 0, FALSE);
    Status = KeWaitForMultipleObjects(MAXIMUM_WAIT_OBJECTS, Objects, WaitAny, Executive,
        KernelMode, FALSE, NULL, Blocks);
    EXPECT(Status == STATUS_WAIT_63);
    for (Index = 0; Index < MAXIMUM_WAIT_OBJECTS; Index++)
        EXPECT(IsListEmpty(&Events[Index].Header.WaitListHead));
    ExFreePoolWithTag(Events, KT_TAG);
    ExFreePoolWithTag(Blocks, KT_TAG);
}

static NTSTATUS
ReleaseSemaphoreStatus(PKSEMAPHORE Semaphore, LONG Adjustment)
{
    __try {
        KeReleaseSemaphore(Semaphore, 0, Adjustment, FALSE);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static VOID
SemaphoreLimits(VOID)
{
    KSEMAPHORE Semaphore;

    KeInitializeSemaphore(&Semaphore, 1, 3);
    EXPECT(KeReleaseSemaphore(&Semaphore, 0, 1, FALSE) == 1);
    EXPECT(ReleaseSemaphoreStatus(&Semaphore, 2) == STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    EXPECT(ReleaseSemaphoreStatus(&Semaphore, 0) == STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    EXPECT(ReleaseSemaphoreStatus(&Semaphore, MAXLONG) == STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    EXPECT(KeReadStateSemaphore(&Semaphore) == 2);
    EXPECT(KtPoll(&Semaphore) == STATUS_SUCCESS && KtPoll(&Semaphore) == STATUS_SUCCESS);
    EXPECT(KtPoll(&Semaphore) == STATUS_TIMEOUT);
}

static NTSTATUS
ReleaseMutexStatus(PKMUTEX Mutex)
{
    __try {
        KeReleaseMutex(Mutex, FALSE);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static VOID NTAPI
ForeignThread(PVOID Context)
{
    EXPECT(KtPoll(Context) == STATUS_TIMEOUT);
    EXPECT(ReleaseMutexStatus(Context) == STATUS_MUTANT_NOT_OWNED);
}

static VOID
MutexRecursion(VOID)
{
    KMUTEX Mutex;

    KeInitializeMutex(&Mutex, 0);
    EXPECT(!KeAreApcsDisabled());
    EXPECT(KtPoll(&Mutex) == STATUS_SUCCESS && KtPoll(&Mutex) == STATUS_SUCCESS);
    EXPECT(KeReadStateMutex(&Mutex) == -1 && KeAreApcsDisabled());
    KtJoin(KtStart(ForeignThread, &Mutex));
    EXPECT(KeReleaseMutex(&Mutex, FALSE) == -1);
    KtJoin(KtStart(ForeignThread, &Mutex));
    EXPECT(KeReleaseMutex(&Mutex, FALSE) == 0);
    EXPECT(!KeAreApcsDisabled() && KeReadStateMutex(&Mutex) == 1);
    EXPECT(ReleaseMutexStatus(&Mutex) == STATUS_MUTANT_NOT_OWNED);
}

static VOID NTAPI
AbandoningThread(PVOID Context)
{
    EXPECT(KtPoll(Context) == STATUS_SUCCESS && KtPoll(Context) == STATUS_SUCCESS);
}

static VOID
MutantAbandoned(VOID)
{
    KMUTEX        Mutant;
    KEVENT        Event;
    PVOID         Objects[2] = { &Event, &Mutant };
    LARGE_INTEGER Zero = { .QuadPart = 0 };
    NTSTATUS      Status;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    KeInitializeMutant(&Mutant, FALSE);
    KtJoin(KtStart(AbandoningThread, &Mutant));
    EXPECT(KtPoll(&Mutant) == STATUS_ABANDONED);
    EXPECT(!KeAreApcsDisabled());
    EXPECT(KeReleaseMutex(&Mutant, FALSE) == 0);
    EXPECT(KtPoll(&Mutant) == STATUS_SUCCESS);
    KeReleaseMutex(&Mutant, FALSE);

    KtJoin(KtStart(AbandoningThread, &Mutant));
    Status = WaitFor(2, Objects, WaitAny, &Zero);
    EXPECT(Status == STATUS_ABANDONED_WAIT_0 + 1);
    KeReleaseMutex(&Mutant, FALSE);
}

typedef struct _PING {
    KEVENT Ping, Pong;
    ULONG  Rounds;
} PING;

static VOID NTAPI
PongThread(PVOID Context)
{
    PING *Ping = Context;
    ULONG Round;

    for (Round = 0; Round < Ping->Rounds; Round++) {
        EXPECT(KtWait(&Ping->Ping, 10000) == STATUS_SUCCESS);
        KeSetEvent(&Ping->Pong, 0, FALSE);
    }
}

static VOID
SetAndWait(VOID)
{
    PING     Ping = { .Rounds = 500 };
    PKTHREAD Thread;
    ULONG    Round;

    KeInitializeEvent(&Ping.Ping, SynchronizationEvent, FALSE);
    KeInitializeEvent(&Ping.Pong, SynchronizationEvent, FALSE);
    Thread = KtStart(PongThread, &Ping);
    for (Round = 0; Round < Ping.Rounds; Round++) {
        KeSetEvent(&Ping.Ping, 0, TRUE);
        EXPECT(KtWait(&Ping.Pong, 10000) == STATUS_SUCCESS);
        EXPECT(KeGetCurrentIrql() == PASSIVE_LEVEL);
    }
    KtJoin(Thread);
}

static VOID
Delays(VOID)
{
    ULONG64       Start = KeQueryInterruptTime();
    LARGE_INTEGER Zero = { .QuadPart = 0 };

    KtSleep(60);
    EXPECT(KeQueryInterruptTime() - Start >= (ULONG64)MILLISECONDS(60));
    EXPECT(KeDelayExecutionThread(KernelMode, FALSE, &Zero) == STATUS_SUCCESS);
}

static const KT_TEST Tests[] = {
    { "A time-out of zero looks and does not wait, at DISPATCH_LEVEL too", ZeroTimeout },
    { "A relative time-out ends a wait when it is over", RelativeTimeout },
    { "An absolute time-out ends a wait at that time, a past one at once", AbsoluteTimeout },
    { "A notification event stays signalled, a synchronization event lets one wait through",
      EventKinds },
    { "Setting a synchronization event wakes one thread, pulsing a notification event all",
      WakeOneOrAll },
    { "WaitAny takes the first signalled object only", WaitAnyOf },
    { "WaitAll takes all objects in one step or none", WaitAllOf },
    { "Sixty-four objects can be waited for with the caller's wait blocks", ManyObjects },
    { "A semaphore counts, and a release past its limit raises and changes nothing",
      SemaphoreLimits },
    { "A mutex recurses, keeps APCs away and cannot be released by another thread",
      MutexRecursion },
    { "A mutant whose owner ended is abandoned to the next one", MutantAbandoned },
    { "KeSetEvent with Wait set and the wait after it pass a token five hundred times",
      SetAndWait },
    { "KeDelayExecutionThread takes its time", Delays },
};

static VOID NTAPI
Unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = Unload;
    KtRun("ktwait", Tests, RTL_NUMBER_OF(Tests));
    return STATUS_SUCCESS;
}
