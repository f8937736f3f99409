/*
 * Tests locks under contention: spin locks, queued spin locks, interlocked lists, fast and
 * guarded mutexes, resources; and work items and look-aside lists.
 */
#include "../ktest.h"

NTKERNELAPI VOID FASTCALL KeInitializeGuardedMutex(PKGUARDED_MUTEX Mutex);
NTKERNELAPI VOID FASTCALL KeAcquireGuardedMutex(PKGUARDED_MUTEX Mutex);
NTKERNELAPI VOID FASTCALL KeReleaseGuardedMutex(PKGUARDED_MUTEX Mutex);

DRIVER_INITIALIZE DriverEntry;

#define CROWD   6                               // threads that compete
#define ROUNDS  300                             // each, with a change of threads at most of them

static KSPIN_LOCK      SpinLock;
static FAST_MUTEX      FastMutex;
static KGUARDED_MUTEX  GuardedMutex;
static ERESOURCE       Resource;
static volatile ULONG  Guarded;                 // two words that only the lock keeps equal
static volatile ULONG  GuardedToo;
static volatile LONG   Broken;

/* The work a lock has to protect. */
static VOID
Touch(VOID)
{
    ULONG Value = Guarded;

    if (GuardedToo != Value)
        InterlockedIncrement(&Broken);
    Guarded = Value + 1;
    if ((Value & 15) == 0)
        YieldProcessor();
    GuardedToo = Value + 1;
}

/* Runs CROWD threads through Routine and checks that nothing was lost between them. */
static VOID
Compete(PKSTART_ROUTINE Routine)
{
    PKTHREAD Threads[CROWD];
    ULONG    Index;

    Guarded = GuardedToo = 0;
    Broken = 0;
    for (Index = 0; Index < CROWD; Index++)
        Threads[Index] = KtStart(Routine, (PVOID)(ULONG_PTR)Index);
    for (Index = 0; Index < CROWD; Index++)
        KtJoin(Threads[Index]);
    EXPECT(Broken == 0 && Guarded == CROWD * ROUNDS && GuardedToo == CROWD * ROUNDS);
}

static VOID NTAPI
SpinThread(PVOID Context)
{
    KIRQL OldIrql;
    ULONG Round;

    for (Round = 0; Round < ROUNDS; Round++) {
        KeAcquireSpinLock(&SpinLock, &OldIrql);
        Touch();
        KeReleaseSpinLock(&SpinLock, OldIrql);
    }
}

static VOID
SpinLocks(VOID)
{
    KIRQL OldIrql;

    KeInitializeSpinLock(&SpinLock);
    Compete(SpinThread);
    KeAcquireSpinLock(&SpinLock, &OldIrql);
    EXPECT(OldIrql == PASSIVE_LEVEL && KeGetCurrentIrql() == DISPATCH_LEVEL);
    KeReleaseSpinLock(&SpinLock, OldIrql);
    EXPECT(KeGetCurrentIrql() == PASSIVE_LEVEL && SpinLock == 0);
}

static VOID NTAPI
QueuedThread(PVOID Context)
{
    KLOCK_QUEUE_HANDLE Handle;
    ULONG              Round;

    for (Round = 0; Round < ROUNDS; Round++) {
        KeAcquireInStackQueuedSpinLock(&SpinLock, &Handle);
        Touch();
        KeReleaseInStackQueuedSpinLock(&Handle);
    }
}

static VOID
QueuedSpinLocks(VOID)
{
    KeInitializeSpinLock(&SpinLock);
    Compete(QueuedThread);
    EXPECT(SpinLock == 0);
}

static VOID NTAPI
FastMutexThread(PVOID Context)
{
    ULONG Round;

    for (Round = 0; Round < ROUNDS; Round++) {
        if ((Round & 3) != 3 || !ExTryToAcquireFastMutex(&FastMutex))
            ExAcquireFastMutex(&FastMutex);
        if (KeGetCurrentIrql() != APC_LEVEL)
            InterlockedIncrement(&Broken);
        Touch();
        ExReleaseFastMutex(&FastMutex);
    }
}

static VOID
FastMutexes(VOID)
{
    ExInitializeFastMutex(&FastMutex);
    Compete(FastMutexThread);
    EXPECT(FastMutex.Count == 1 && FastMutex.Owner == NULL);
    ExAcquireFastMutex(&FastMutex);
    EXPECT(KeGetCurrentIrql() == APC_LEVEL);
    ExReleaseFastMutex(&FastMutex);
    EXPECT(KeGetCurrentIrql() == PASSIVE_LEVEL);
}

static VOID NTAPI
GuardedMutexThread(PVOID Context)
{
    ULONG Round;

    for (Round = 0; Round < ROUNDS; Round++) {
        KeAcquireGuardedMutex(&GuardedMutex);
        Touch();
        KeReleaseGuardedMutex(&GuardedMutex);
    }
}

static VOID
GuardedMutexes(VOID)
{
    KeInitializeGuardedMutex(&GuardedMutex);
    Compete(GuardedMutexThread);
    KeAcquireGuardedMutex(&GuardedMutex);
    EXPECT(KeAreApcsDisabled() && KeGetCurrentIrql() == PASSIVE_LEVEL);
    KeReleaseGuardedMutex(&GuardedMutex);
    EXPECT(!KeAreApcsDisabled());
}

/* Every thread writes and, between its own writes, reads. */
static VOID NTAPI
ResourceThread(PVOID Context)
{
    ULONG Round;

    KeEnterCriticalRegion();
    for (Round = 0; Round < ROUNDS; Round++) {
        ExAcquireResourceExclusiveLite(&Resource, TRUE);
        Touch();
        if ((Round & 7) == 7)
            ExConvertExclusiveToSharedLite(&Resource);
        ExReleaseResourceLite(&Resource);
        ExAcquireResourceSharedLite(&Resource, TRUE);
        if (Guarded != GuardedToo)
            InterlockedIncrement(&Broken);
        ExReleaseResourceLite(&Resource);
    }
    KeLeaveCriticalRegion();
}

static VOID
ResourceContention(VOID)
{
    ExInitializeResourceLite(&Resource);
    Compete(ResourceThread);
    EXPECT(Resource.ActiveCount == 0);
    EXPECT(NT_SUCCESS(ExDeleteResourceLite(&Resource)));
}

typedef struct _ASK {
    volatile LONG Shared, Starving, Patient, Exclusive;
} ASK;

/* Says which kinds of acquisition another thread would get now. */
static VOID NTAPI
AskThread(PVOID Context)
{
    ASK *Ask = Context;

    KeEnterCriticalRegion();
    if ((Ask->Shared = ExAcquireResourceSharedLite(&Resource, FALSE)) != 0)
        ExReleaseResourceLite(&Resource);
    if ((Ask->Starving = ExAcquireSharedStarveExclusive(&Resource, FALSE)) != 0)
        ExReleaseResourceLite(&Resource);
    if ((Ask->Patient = ExAcquireSharedWaitForExclusive(&Resource, FALSE)) != 0)
        ExReleaseResourceLite(&Resource);
    if ((Ask->Exclusive = ExAcquireResourceExclusiveLite(&Resource, FALSE)) != 0)
        ExReleaseResourceLite(&Resource);
    KeLeaveCriticalRegion();
}

static BOOLEAN
OthersGet(BOOLEAN Shared, BOOLEAN Starving, BOOLEAN Patient, BOOLEAN Exclusive)
{
    ASK Ask = { -1, -1, -1, -1 };

    KtJoin(KtStart(AskThread, &Ask));
    return Ask.Shared == Shared && Ask.Starving == Starving && Ask.Patient == Patient
        && Ask.Exclusive == Exclusive;
}

static VOID NTAPI
ExclusiveThread(PVOID Context)
{
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&Resource, TRUE);
    *(volatile LONG *)Context = 1;
    ExReleaseResourceLite(&Resource);
    KeLeaveCriticalRegion();
}

static VOID
ResourceRules(VOID)
{
    volatile LONG Got = 0;
    PKTHREAD      Thread;

    ExInitializeResourceLite(&Resource);
    KeEnterCriticalRegion();
    EXPECT(ExAcquireResourceExclusiveLite(&Resource, TRUE)
        && ExAcquireResourceSharedLite(&Resource, FALSE));
    EXPECT(ExIsResourceAcquiredExclusiveLite(&Resource)
        && ExIsResourceAcquiredSharedLite(&Resource) == 2);
    EXPECT(OthersGet(FALSE, FALSE, FALSE, FALSE));
    ExReleaseResourceLite(&Resource);
    EXPECT(OthersGet(FALSE, FALSE, FALSE, FALSE));
    ExConvertExclusiveToSharedLite(&Resource);
    EXPECT(OthersGet(TRUE, TRUE, TRUE, FALSE));

    Thread = KtStart(ExclusiveThread, (PVOID)&Got);
    KT_AWAIT(ExGetExclusiveWaiterCount(&Resource) != 0);
    EXPECT(ExGetExclusiveWaiterCount(&Resource) == 1 && Got == 0);
    EXPECT(OthersGet(FALSE, TRUE, FALSE, FALSE));
    EXPECT(ExAcquireResourceSharedLite(&Resource, FALSE));      // an owner already
    ExReleaseResourceLite(&Resource);
    ExReleaseResourceLite(&Resource);
    KtJoin(Thread);
    EXPECT(Got == 1 && OthersGet(TRUE, TRUE, TRUE, TRUE));
    KeLeaveCriticalRegion();
    ExDeleteResourceLite(&Resource);
}

typedef struct DECLSPEC_ALIGN(16) _ITEM {
    SLIST_ENTRY Entry;
    LONG        Owned;
} ITEM;

static DECLSPEC_ALIGN(16) SLIST_HEADER Stack;
static DECLSPEC_ALIGN(16) ITEM         Items[8];

static VOID NTAPI
StackThread(PVOID Context)
{
    ULONG Round;
    ITEM *Item;

    for (Round = 0; Round < ROUNDS * 2; Round++) {
        Item = (ITEM *)ExInterlockedPopEntrySList(&Stack, NULL);
        if (Item == NULL)
            continue;
        if (InterlockedIncrement(&Item->Owned) != 1)
            InterlockedIncrement(&Broken);
        InterlockedDecrement(&Item->Owned);
        ExInterlockedPushEntrySList(&Stack, &Item->Entry, NULL);
    }
}

static VOID
InterlockedLists(VOID)
{
    PKTHREAD Threads[CROWD];
    ULONG    Index, Count = 0;

    Broken = 0;
    ExInitializeSListHead(&Stack);
    for (Index = 0; Index < RTL_NUMBER_OF(Items); Index++)
        ExInterlockedPushEntrySList(&Stack, &Items[Index].Entry, NULL);
    for (Index = 0; Index < CROWD; Index++)
        Threads[Index] = KtStart(StackThread, NULL);
    for (Index = 0; Index < CROWD; Index++)
        KtJoin(Threads[Index]);
    EXPECT(Broken == 0 && ExQueryDepthSList(&Stack) == RTL_NUMBER_OF(Items));
    while (ExInterlockedPopEntrySList(&Stack, NULL) != NULL)
        Count++;
    EXPECT(Count == RTL_NUMBER_OF(Items) && ExQueryDepthSList(&Stack) == 0);
}

#define WORK_ITEMS 40

static WORK_QUEUE_ITEM WorkItems[WORK_ITEMS];
static volatile LONG   WorkDone;
static KEVENT          WorkEvent;

static VOID NTAPI
Work(PVOID Context)
{
    EXPECT(KeGetCurrentIrql() == PASSIVE_LEVEL && PsGetCurrentProcessId() != NULL);
    if (((ULONG_PTR)Context & 3) == 0)
        KtSleep(10);                            // one that blocks lets others go on
    if (InterlockedIncrement(&WorkDone) == WORK_ITEMS)
        KeSetEvent(&WorkEvent, 0, FALSE);
}

static VOID
WorkerItems(VOID)
{
    KIRQL OldIrql;

    WorkDone = 0;
    KeInitializeEvent(&WorkEvent, NotificationEvent, FALSE);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    for (ULONG_PTR Index = 0; Index < WORK_ITEMS; Index++) {
        ExInitializeWorkItem(&WorkItems[Index], Work, (PVOID)Index);
        ExQueueWorkItem(&WorkItems[Index], Index % 3);
    }
    KeLowerIrql(OldIrql);
    EXPECT(KtWait(&WorkEvent, KT_PATIENCE) == STATUS_SUCCESS);
    for (ULONG Index = 0; Index < WORK_ITEMS; Index++)
        EXPECT(WorkItems[Index].List.Flink == NULL);
}

/* All but the last wait for what that one does. */
static VOID NTAPI
WaitOrSet(PVOID Last)
{
    Last ? (VOID)KeSetEvent(&WorkEvent, 0, FALSE) : (VOID)KtWait(&WorkEvent, 60000);
    InterlockedIncrement(&WorkDone);
}

static VOID
WaitingItems(VOID)
{
    WorkDone = 0;
    KeInitializeEvent(&WorkEvent, NotificationEvent, FALSE);
    for (ULONG Index = 0; Index < 7; Index++) {             // a queue has four threads
        ExInitializeWorkItem(&WorkItems[Index], WaitOrSet, (PVOID)(ULONG_PTR)(Index == 6));
        ExQueueWorkItem(&WorkItems[Index], DelayedWorkQueue);
    }
    for (EXPECT(KtWait(&WorkEvent, 30000) == STATUS_SUCCESS); WorkDone < 7;)
        KtSleep(1);
}

static VOID
LookasideLists(VOID)
{
    PNPAGED_LOOKASIDE_LIST List = ExAllocatePoolWithTag(NonPagedPool, sizeof *List, KT_TAG);
    PVOID                  First, Second;

    ExInitializeNPagedLookasideList(List, NULL, NULL, 0, 100, KT_TAG, 0);
    First = ExAllocateFromNPagedLookasideList(List);
    Second = ExAllocateFromNPagedLookasideList(List);
    EXPECT(First != NULL && Second != NULL && First != Second);
    ExFreeToNPagedLookasideList(List, First);
    EXPECT(ExAllocateFromNPagedLookasideList(List) == First);
    ExFreeToNPagedLookasideList(List, First);
    ExFreeToNPagedLookasideList(List, Second);
    EXPECT(ExQueryDepthSList(&List->L.ListHead) == 2);
    ExDeleteNPagedLookasideList(List);
    ExFreePoolWithTag(List, KT_TAG);
}

static const KT_TEST Tests[] = {
    { "A spin lock protects what six threads change at a time", SpinLocks },
    { "An in-stack queued spin lock does so too", QueuedSpinLocks },
    { "A fast mutex does, at APC_LEVEL", FastMutexes },
    { "A guarded mutex does, at PASSIVE_LEVEL with APCs disabled", GuardedMutexes },
    { "A resource does, shared, exclusive and converted", ResourceContention },
    { "A resource recurses; its three shared acquisitions treat exclusive waiters as documented",
      ResourceRules },
    { "An interlocked list that six threads push to and pop from loses and doubles nothing",
      InterlockedLists },
    { "Forty work items queued at DISPATCH_LEVEL all run at PASSIVE_LEVEL, some of them blocking",
      WorkerItems },
    { "Work items that all wait for a later one are not stuck", WaitingItems },
    { "A look-aside list gives back the block that was freed last", LookasideLists },
};

static VOID NTAPI
Unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = Unload;
    KtRun("ktsync", Tests, RTL_NUMBER_OF(Tests));
    return STATUS_SUCCESS;
}
