/*
 * Tests the scheduler: priorities, quantum, affinity, preemption. Most tests confine their
 * threads to one processor, where the order in which they run is determined.
 */
#include "../ktest.h"

NTKERNELAPI KAFFINITY NTAPI KeSetSystemAffinityThreadEx(KAFFINITY Affinity);
NTKERNELAPI VOID NTAPI KeRevertToUserAffinityThreadEx(KAFFINITY Affinity);

DRIVER_INITIALIZE DriverEntry;

#define PRIORITIES 31

typedef struct _RUNNER {
    KPRIORITY     Priority;
    KAFFINITY     Affinity;
    volatile LONG Place;                        // when it came to run, from 1
} RUNNER;

static KEVENT        Gate;
static volatile LONG Place;

static VOID NTAPI
RunnerThread(PVOID Context)
{
    RUNNER *Runner = Context;

    KeSetSystemAffinityThread(Runner->Affinity);
    KeSetPriorityThread(KeGetCurrentThread(), Runner->Priority);
    KeWaitForSingleObject(&Gate, Executive, KernelMode, FALSE, NULL);
    Runner->Place = InterlockedIncrement(&Place);
}

/* All of them become ready in one step; they must run by falling priority. */
static VOID
PriorityOrder(VOID)
{
    RUNNER   Runners[PRIORITIES];
    PKTHREAD Threads[PRIORITIES];
    KIRQL    OldIrql;
    LONG     Index;

    Place = 0;
    KeInitializeEvent(&Gate, NotificationEvent, FALSE);
    for (Index = 0; Index < PRIORITIES; Index++) {
        Runners[Index].Priority = Index + 1;
        Runners[Index].Affinity = 1;
        Runners[Index].Place = 0;
        Threads[Index] = KtStart(RunnerThread, &Runners[Index]);
    }
    KtAwaitWaiters(&Gate, PRIORITIES);
    KeSetSystemAffinityThread(1);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    KeSetEvent(&Gate, 0, FALSE);                // none can run before the IRQL falls
    EXPECT(Place == 0);
    KeLowerIrql(OldIrql);
    KeRevertToUserAffinityThread();
    for (Index = 0; Index < PRIORITIES; Index++)
        KtJoin(Threads[Index]);
    for (Index = 0; Index < PRIORITIES; Index++)
        EXPECT(Runners[Index].Place == PRIORITIES - Index);
}

typedef struct _SPINNER {
    KAFFINITY     Affinity;
    volatile LONG Turns;                        // how often it came to run after another one
} SPINNER;

static volatile LONG  Stop;
static SPINNER *volatile LastToRun;

static VOID NTAPI
SpinnerThread(PVOID Context)
{
    SPINNER *Spinner = Context;

    if (Spinner->Affinity != 0)
        KeSetSystemAffinityThread(Spinner->Affinity);
    while (!Stop) {
        if (LastToRun != Spinner) {
            LastToRun = Spinner;
            Spinner->Turns++;
        }
        YieldProcessor();
    }
}

/* Starts spinners of the given priorities; the caller's own is above them until StopSpinners. */
static VOID
StartSpinners(SPINNER *Spinners, ULONG Count, KAFFINITY Affinity, const KPRIORITY *Priorities,
    PKTHREAD *Threads)
{
    ULONG Index;

    KeSetPriorityThread(KeGetCurrentThread(), 28);
    Stop = 0;
    LastToRun = NULL;
    for (Index = 0; Index < Count; Index++) {
        Spinners[Index].Affinity = Affinity;
        Spinners[Index].Turns = 0;
        Threads[Index] = KtStart(SpinnerThread, &Spinners[Index]);
        KeSetPriorityThread(Threads[Index], Priorities[Index]);
    }
}

static VOID
StopSpinners(PKTHREAD *Threads, ULONG Count)
{
    ULONG Index;

    Stop = 1;
    for (Index = 0; Index < Count; Index++)
        KtJoin(Threads[Index]);
    KeSetPriorityThread(KeGetCurrentThread(), 8);
}

/* Gives the spinners time until each of the first Count has had Turns turns. */
static VOID
AwaitTurns(SPINNER *Spinners, ULONG Count, LONG Turns)
{
    ULONG Index, Tries;

    for (Index = 0; Index < Count; Index++) {
        for (Tries = 0; Tries < 1000 && Spinners[Index].Turns < Turns; Tries++)
            KtSleep(20);
        EXPECT(Spinners[Index].Turns >= Turns);
    }
}

static const KPRIORITY Equal[16] = { 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12,
    12 };

static VOID
RoundRobin(VOID)
{
    SPINNER  Spinners[4];
    PKTHREAD Threads[4];

    StartSpinners(Spinners, 4, 1, Equal, Threads);
    AwaitTurns(Spinners, 4, 4);
    StopSpinners(Threads, 4);
}

static VOID
HigherStarvesLower(VOID)
{
    static const KPRIORITY Priorities[2] = { 20, 10 };
    SPINNER  Spinners[2];
    PKTHREAD Threads[2];
    LONG     Before;

    StartSpinners(Spinners, 2, 1, Priorities, Threads);
    AwaitTurns(Spinners, 1, 1);
    KtSleep(50);
    Before = Spinners[1].Turns;
    KtSleep(300);
    EXPECT(Spinners[1].Turns == Before);
    StopSpinners(Threads, 2);
}

/* One spinner more than there are processors, anywhere: each gets its share. */
static VOID
Sharing(VOID)
{
    SPINNER  Spinners[9];
    PKTHREAD Threads[9];
    ULONG    Count = KtProcessors() + 1;

    StartSpinners(Spinners, Count, 0, Equal, Threads);
    AwaitTurns(Spinners, Count, 4);
    StopSpinners(Threads, Count);
}

static VOID
Affinity(VOID)
{
    ULONG     Number, Round;
    KAFFINITY Old;

    for (Round = 0; Round < 20; Round++) {
        for (Number = 0; Number < KtProcessors(); Number++) {
            KeSetSystemAffinityThread(1ULL << Number);
            EXPECT(KeGetCurrentProcessorNumber() == Number);
        }
    }
    Old = KeSetSystemAffinityThreadEx(1);
    EXPECT(Old == 1ULL << (KtProcessors() - 1));
    KeRevertToUserAffinityThreadEx(Old);
    EXPECT(KeGetCurrentProcessorNumber() == KtProcessors() - 1);
    KeRevertToUserAffinityThread();
}

static volatile LONG Preempted;

static VOID NTAPI
PreemptingThread(PVOID Context)
{
    KeSetSystemAffinityThread(1);
    KeSetPriorityThread(KeGetCurrentThread(), 25);
    KeWaitForSingleObject(&Gate, Executive, KernelMode, FALSE, NULL);
    Preempted = 1;
}

/*
 * The waker is of lower priority on the same processor: it sees the woken thread's work when
 * KeSetEvent returns.
 */
static VOID
WakePreempts(VOID)
{
    PKTHREAD  Thread;
    KPRIORITY Old;

    Preempted = 0;
    KeInitializeEvent(&Gate, NotificationEvent, FALSE);
    Thread = KtStart(PreemptingThread, NULL);
    KtAwaitWaiters(&Gate, 1);
    KeSetSystemAffinityThread(1);
    Old = KeSetPriorityThread(KeGetCurrentThread(), 16);
    KeSetEvent(&Gate, 0, FALSE);
    EXPECT(Preempted == 1);
    KeSetPriorityThread(KeGetCurrentThread(), Old);
    KeRevertToUserAffinityThread();
    KtJoin(Thread);
}

static VOID NTAPI
BoostedThread(PVOID Context)
{
    KPRIORITY Before = KeQueryPriorityThread(KeGetCurrentThread()), After;
    ULONG64   End;

    KeWaitForSingleObject(&Gate, Executive, KernelMode, FALSE, NULL);
    After = KeQueryPriorityThread(KeGetCurrentThread());
    EXPECT(After == Before + 4);
    for (End = KeQueryInterruptTime() + MILLISECONDS(KT_PATIENCE); KeQueryInterruptTime() < End;)
        if (KeQueryPriorityThread(KeGetCurrentThread()) == Before)
            break;
    EXPECT(KeQueryPriorityThread(KeGetCurrentThread()) == Before);
}

static VOID
Boost(VOID)
{
    PKTHREAD Thread;

    KeInitializeEvent(&Gate, NotificationEvent, FALSE);
    Thread = KtStart(BoostedThread, NULL);
    KtAwaitWaiters(&Gate, 1);
    KeSetEvent(&Gate, 4, FALSE);
    KtJoin(Thread);
}

/* Lowering a running thread below a ready one gives the processor away at once. */
static VOID
LoweringYields(VOID)
{
    RUNNER    Runner = { .Priority = 20, .Affinity = 1 };
    PKTHREAD  Thread;
    KPRIORITY Old;

    Place = 0;
    KeInitializeEvent(&Gate, NotificationEvent, FALSE);
    Thread = KtStart(RunnerThread, &Runner);
    KtAwaitWaiters(&Gate, 1);
    KeSetSystemAffinityThread(1);
    Old = KeSetPriorityThread(KeGetCurrentThread(), 30);
    KeSetEvent(&Gate, 0, FALSE);
    EXPECT(Runner.Place == 0);
    KeSetPriorityThread(KeGetCurrentThread(), 18);
    EXPECT(Runner.Place == 1);
    KeSetPriorityThread(KeGetCurrentThread(), Old);
    KeRevertToUserAffinityThread();
    KtJoin(Thread);
}

static VOID NTAPI
ShortThread(PVOID Context)
{
    InterlockedIncrement((volatile LONG *)Context);
}

#define MANY_THREADS 300

static VOID
ManyThreads(VOID)
{
    volatile LONG Count = 0;
    PKTHREAD      Threads[10];
    ULONG         Round, Index;

    for (Round = 0; Round < MANY_THREADS / 10; Round++) {
        for (Index = 0; Index < 10; Index++)
            Threads[Index] = KtStart(ShortThread, (PVOID)&Count);
        for (Index = 0; Index < 10; Index++)
            KtJoin(Threads[Index]);
    }
    EXPECT(Count == MANY_THREADS);
}

static VOID NTAPI
GatedThread(PVOID Context)
{
    KeWaitForSingleObject(&Gate, Executive, KernelMode, FALSE, NULL);
    *(volatile LONG *)Context = 1;
}

static VOID
ThreadObjects(VOID)
{
    volatile LONG Ran = 0;
    PKTHREAD      Thread;

    KeInitializeEvent(&Gate, NotificationEvent, FALSE);
    Thread = KtStart(GatedThread, (PVOID)&Ran);
    EXPECT(KtPoll(Thread) == STATUS_TIMEOUT);
    KeSetEvent(&Gate, 0, FALSE);
    EXPECT(KtWait(Thread, KT_PATIENCE) == STATUS_SUCCESS && Ran == 1);
    EXPECT(KtPoll(Thread) == STATUS_SUCCESS);
    ObDereferenceObject(Thread);
}

static const KT_TEST Tests[] = {
    { "Threads of thirty-one priorities that become ready at once run by falling priority",
      PriorityOrder },
    { "Threads of one priority take turns, a quantum each", RoundRobin },
    { "A thread that spins keeps threads of lower priority from its processor",
      HigherStarvesLower },
    { "One thread more than there are processors gets its share", Sharing },
    { "A thread runs on the processor it asks for when the call returns", Affinity },
    { "A woken thread of higher priority preempts its waker", WakePreempts },
    { "A wake-up boosts a thread by its increment, and the boost decays", Boost },
    { "Lowering its own priority below a ready thread's gives the processor away", LoweringYields },
    { "A thread object is signalled when the thread has ended", ThreadObjects },
    { "Three hundred threads start and end, their stacks reused", ManyThreads },
};

static VOID NTAPI
Unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = Unload;
    KtRun("ktsched", Tests, RTL_NUMBER_OF(Tests));
    return STATUS_SUCCESS;
}
