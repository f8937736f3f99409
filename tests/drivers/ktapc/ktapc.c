/*
 * Tests kernel APCs: which ones reach a thread that runs, waits, or is in a critical or a guarded
 * region, and in which order.
 */
#include "../ktest.h"

/* Exported by every NT, declared by no public header. */
typedef VOID (NTAPI *KT_KERNEL_ROUTINE)(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine,
    PVOID *NormalContext, PVOID *Argument1, PVOID *Argument2);
NTKERNELAPI VOID NTAPI KeInitializeApc(PKAPC Apc, PKTHREAD Thread, ULONG Environment,
    KT_KERNEL_ROUTINE KernelRoutine, PKRUNDOWN_ROUTINE RundownRoutine,
    PKNORMAL_ROUTINE NormalRoutine, KPROCESSOR_MODE Mode, PVOID Context);
NTKERNELAPI BOOLEAN NTAPI KeInsertQueueApc(PKAPC Apc, PVOID Argument1, PVOID Argument2,
    KPRIORITY Increment);

DRIVER_INITIALIZE DriverEntry;

static volatile LONG Specials, Normals, Next;
static volatile LONG SpecialPlace, NormalPlace;
static volatile KIRQL SpecialIrql, NormalIrql;
static PKTHREAD      RanIn;

static VOID NTAPI
SpecialRoutine(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *Context, PVOID *Argument1,
    PVOID *Argument2)
{
    if (*NormalRoutine != NULL)
        return;                                 // kernel routine of a normal one
    SpecialIrql = KeGetCurrentIrql();
    SpecialPlace = InterlockedIncrement(&Next);
    RanIn = KeGetCurrentThread();
    InterlockedIncrement(&Specials);
}

static VOID NTAPI
NormalRoutine(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    EXPECT(Context == (PVOID)7 && Argument1 == (PVOID)8 && Argument2 == (PVOID)9);
    NormalIrql = KeGetCurrentIrql();
    NormalPlace = InterlockedIncrement(&Next);
    RanIn = KeGetCurrentThread();
    InterlockedIncrement(&Normals);
}

static KAPC Special, Normal;

static VOID
Prepare(PKTHREAD Thread)
{
    Specials = Normals = Next = 0;
    KeInitializeApc(&Special, Thread, 0, SpecialRoutine, NULL, NULL, KernelMode, NULL);
    KeInitializeApc(&Normal, Thread, 0, SpecialRoutine, NULL, NormalRoutine, KernelMode, (PVOID)7);
}

static VOID
QueueBoth(VOID)
{
    EXPECT(KeInsertQueueApc(&Normal, (PVOID)8, (PVOID)9, 0));
    EXPECT(KeInsertQueueApc(&Special, NULL, NULL, 0));
}

static VOID
OwnThread(VOID)
{
    KIRQL OldIrql;

    Prepare(KeGetCurrentThread());
    KeRaiseIrql(APC_LEVEL, &OldIrql);
    QueueBoth();
    EXPECT(!KeInsertQueueApc(&Special, NULL, NULL, 0) && Next == 0);
    KeLowerIrql(OldIrql);
    EXPECT(Specials == 1 && Normals == 1 && SpecialPlace == 1 && NormalPlace == 2);
    EXPECT(SpecialIrql == APC_LEVEL && NormalIrql == PASSIVE_LEVEL);
}

static VOID
CriticalRegion(VOID)
{
    Prepare(KeGetCurrentThread());
    KeEnterCriticalRegion();
    KeEnterCriticalRegion();
    QueueBoth();
    EXPECT(Specials == 1 && Normals == 0);
    KeLeaveCriticalRegion();
    EXPECT(Normals == 0);
    KeLeaveCriticalRegion();
    EXPECT(Normals == 1);
}

static VOID
GuardedRegion(VOID)
{
    Prepare(KeGetCurrentThread());
    KeEnterGuardedRegion();
    QueueBoth();
    EXPECT(Next == 0 && KeAreAllApcsDisabled());
    KeLeaveGuardedRegion();
    EXPECT(Specials == 1 && Normals == 1);

    Prepare(KeGetCurrentThread());
    KeEnterCriticalRegion();
    KeEnterGuardedRegion();
    QueueBoth();
    KeLeaveGuardedRegion();
    EXPECT(Specials == 1 && Normals == 0);
    KeLeaveCriticalRegion();
    EXPECT(Normals == 1);
}

static VOID
OwnedMutex(VOID)
{
    KMUTEX Mutex;

    KeInitializeMutex(&Mutex, 0);
    Prepare(KeGetCurrentThread());
    KtPoll(&Mutex);
    QueueBoth();
    EXPECT(Specials == 1 && Normals == 0);
    KeReleaseMutex(&Mutex, FALSE);
    EXPECT(Normals == 1);
}

typedef struct _TARGET {
    KEVENT        Wake;
    volatile LONG Spin, Started;
    NTSTATUS      Status;
} TARGET;

static VOID NTAPI
WaitingThread(PVOID Context)
{
    TARGET *Target = Context;

    Target->Started = 1;
    Target->Status = KtWait(&Target->Wake, 10000);
}

static VOID
WaitingTarget(VOID)
{
    TARGET   Target = { .Status = -1 };
    PKTHREAD Thread;

    KeInitializeEvent(&Target.Wake, SynchronizationEvent, FALSE);
    Thread = KtStart(WaitingThread, &Target);
    KtAwaitWaiters(&Target.Wake, 1);
    Prepare(Thread);
    QueueBoth();
    KT_AWAIT(Normals != 0);
    EXPECT(Specials == 1 && Normals == 1 && RanIn == Thread);
    EXPECT(Target.Status == -1);                // it waits on
    KeSetEvent(&Target.Wake, 0, FALSE);
    KtJoin(Thread);
    EXPECT(Target.Status == STATUS_SUCCESS);
}

static VOID NTAPI
SpinningThread(PVOID Context)
{
    TARGET *Target = Context;

    Target->Started = 1;
    while (Target->Spin)
        YieldProcessor();
}

static VOID
RunningTarget(VOID)
{
    TARGET   Target = { .Spin = 1 };
    PKTHREAD Thread = KtStart(SpinningThread, &Target);

    while (!Target.Started)
        KtSleep(10);
    Prepare(Thread);
    QueueBoth();
    KT_AWAIT(Normals != 0);
    EXPECT(Specials == 1 && Normals == 1 && RanIn == Thread);
    Target.Spin = 0;
    KtJoin(Thread);
    EXPECT(!KeInsertQueueApc(&Special, NULL, NULL, 0));     // it has ended
}

/* A normal APC that waits itself, and in vain. */
static VOID NTAPI
TimingOutRoutine(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    EXPECT(KtWait(Context, 20) == STATUS_TIMEOUT);
    InterlockedIncrement(&Normals);
}

/* Shares the first processor with the test, which keeps it from running at DISPATCH_LEVEL. */
static VOID NTAPI
BoundWaitingThread(PVOID Context)
{
    KeSetSystemAffinityThread(1);
    WaitingThread(Context);
}

/* The wait ends as an APC comes: the APC's own wait must not spoil the answer. */
static VOID
WaitInsideApc(VOID)
{
    TARGET   Target = { .Status = -1 };
    KEVENT   Never;
    PKTHREAD Thread;
    KIRQL    OldIrql;

    KeInitializeEvent(&Never, SynchronizationEvent, FALSE);
    KeInitializeEvent(&Target.Wake, SynchronizationEvent, FALSE);
    Thread = KtStart(BoundWaitingThread, &Target);
    KtAwaitWaiters(&Target.Wake, 1);
    Prepare(Thread);
    KeInitializeApc(&Normal, Thread, 0, SpecialRoutine, NULL, TimingOutRoutine, KernelMode, &Never);
    KeSetSystemAffinityThread(1);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    KeSetEvent(&Target.Wake, 0, FALSE);
    EXPECT(KeInsertQueueApc(&Normal, NULL, NULL, 0));
    KeLowerIrql(OldIrql);
    KeRevertToUserAffinityThread();
    KtJoin(Thread);
    EXPECT(Target.Status == STATUS_SUCCESS && Normals == 1);
}

#define STORM_APCS 300

static volatile LONG StormRuns;
static KAPC          Storm[4];

static VOID NTAPI
StormRoutine(PKAPC Apc, PKNORMAL_ROUTINE *Routine, PVOID *Context, PVOID *Argument1,
    PVOID *Argument2)
{
    InterlockedIncrement(&StormRuns);
}

static VOID NTAPI
StormTarget(PVOID Context)
{
    TARGET *Target = Context;

    Target->Started = 1;
    while (Target->Spin) {
        KtWait(&Target->Wake, 1);
        KeEnterCriticalRegion();
        KtWait(&Target->Wake, 0);
        KeLeaveCriticalRegion();
    }
}

static VOID
StormOfApcs(VOID)
{
    TARGET   Target = { .Spin = 1 };
    PKTHREAD Thread;
    LONG     Queued = 0;
    ULONG    Index;

    StormRuns = 0;
    KeInitializeEvent(&Target.Wake, SynchronizationEvent, FALSE);
    Thread = KtStart(StormTarget, &Target);
    while (!Target.Started)
        KtSleep(10);
    for (Index = 0; Index < 4; Index++)
        KeInitializeApc(&Storm[Index], Thread, 0, StormRoutine, NULL,
            Index < 2 ? NULL : NormalRoutine, KernelMode,
            (PVOID)7);
    Normals = 0;
    for (Index = 0; Index < STORM_APCS; Index++) {
        Queued += KeInsertQueueApc(&Storm[Index % 4], (PVOID)8, (PVOID)9, 0);
        if (Index % 32 == 0)
            KT_AWAIT(StormRuns == Queued);
    }
    KT_AWAIT(StormRuns == Queued);
    EXPECT(StormRuns == Queued && Queued >= STORM_APCS / 32);
    Target.Spin = 0;
    KtJoin(Thread);
}

static const KT_TEST Tests[] = {
    { "APCs queued at APC_LEVEL run when the IRQL falls, the special one first, each at its IRQL",
      OwnThread },
    { "A critical region holds normal kernel APCs back and lets special ones through",
      CriticalRegion },
    { "A guarded region holds every kernel APC back", GuardedRegion },
    { "Owning a mutex holds normal kernel APCs back", OwnedMutex },
    { "A waiting thread runs kernel APCs and waits on", WaitingTarget },
    { "An APC that waits, as a wait ends, leaves that wait's answer alone", WaitInsideApc },
    { "A thread that spins is interrupted by kernel APCs; one that has ended takes none",
      RunningTarget },
    { "Three hundred APCs to a thread that waits and enters regions are all delivered",
      StormOfApcs },
};

static VOID NTAPI
Unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = Unload;
    KtRun("ktapc", Tests, RTL_NUMBER_OF(Tests));
    return STATUS_SUCCESS;
}
