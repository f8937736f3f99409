/*
 * Tests DPCs, timers and device queues.
 */
#include "../ktest.h"

DRIVER_INITIALIZE DriverEntry;

typedef struct _CALLS {
    KEVENT        Done;
    volatile LONG Count, Wanted;
    volatile LONG Processor;
    volatile LONG Irql;
    PVOID         Argument1, Argument2;
} CALLS;

static VOID NTAPI
CountDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    CALLS *Calls = Context;

    Calls->Processor = (LONG)KeGetCurrentProcessorNumber();
    Calls->Irql = KeGetCurrentIrql();
    Calls->Argument1 = Argument1;
    Calls->Argument2 = Argument2;
    if (InterlockedIncrement(&Calls->Count) == Calls->Wanted)
        KeSetEvent(&Calls->Done, 0, FALSE);
}

static VOID
PrepareCalls(CALLS *Calls, LONG Wanted)
{
    RtlZeroMemory(Calls, sizeof *Calls);
    KeInitializeEvent(&Calls->Done, NotificationEvent, FALSE);
    Calls->Wanted = Wanted;
}

static VOID
RunsOnce(VOID)
{
    CALLS Calls;
    KDPC  Dpc;
    KIRQL OldIrql;

    PrepareCalls(&Calls, 1);
    KeInitializeDpc(&Dpc, CountDpc, &Calls);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    EXPECT(KeInsertQueueDpc(&Dpc, (PVOID)11, (PVOID)22));
    EXPECT(!KeInsertQueueDpc(&Dpc, (PVOID)33, (PVOID)44));
    EXPECT(Calls.Count == 0);
    KeLowerIrql(OldIrql);
    EXPECT(KtWait(&Calls.Done, KT_PATIENCE) == STATUS_SUCCESS && Calls.Count == 1);
    EXPECT(Calls.Argument1 == (PVOID)11 && Calls.Argument2 == (PVOID)22
        && Calls.Irql == DISPATCH_LEVEL);
    EXPECT(KeInsertQueueDpc(&Dpc, NULL, NULL));
    KeFlushQueuedDpcs();
    EXPECT(Calls.Count == 2);
}

static VOID
Removed(VOID)
{
    CALLS Calls;
    KDPC  Dpc;
    KIRQL OldIrql;

    PrepareCalls(&Calls, 1);
    KeInitializeDpc(&Dpc, CountDpc, &Calls);
    EXPECT(!KeRemoveQueueDpc(&Dpc));
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    EXPECT(KeRemoveQueueDpc(&Dpc) && !KeRemoveQueueDpc(&Dpc));
    KeLowerIrql(OldIrql);
    KeFlushQueuedDpcs();
    EXPECT(Calls.Count == 0);
}

static VOID
EveryProcessor(VOID)
{
    CALLS Calls;
    KDPC  Dpc;
    ULONG Number;

    for (Number = 0; Number < KtProcessors(); Number++) {
        PrepareCalls(&Calls, 1);
        KeInitializeDpc(&Dpc, CountDpc, &Calls);
        KeSetTargetProcessorDpc(&Dpc, (CCHAR)Number);
        KeInsertQueueDpc(&Dpc, NULL, NULL);
        EXPECT(KtWait(&Calls.Done, KT_PATIENCE) == STATUS_SUCCESS);
        EXPECT((ULONG)Calls.Processor == Number);
    }
}

typedef struct _ORDER {
    volatile LONG Next;
    LONG          Place[3];
} ORDER;

static VOID NTAPI
OrderDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    ORDER *Order = Context;

    Order->Place[(ULONG_PTR)Argument1] = Order->Next++;
}

static VOID
Importance(VOID)
{
    ORDER     Order = { 0 };
    KDPC      Dpcs[3];
    KIRQL     OldIrql;
    ULONG_PTR Index;

    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    for (Index = 0; Index < 3; Index++) {
        KeInitializeDpc(&Dpcs[Index], OrderDpc, &Order);
        if (Index == 2)
            KeSetImportanceDpc(&Dpcs[Index], HighImportance);
        KeInsertQueueDpc(&Dpcs[Index], (PVOID)Index, NULL);
    }
    KeLowerIrql(OldIrql);
    KeFlushQueuedDpcs();
    EXPECT(Order.Place[2] == 0 && Order.Place[0] == 1 && Order.Place[1] == 2);
}

static VOID
OneShot(VOID)
{
    KTIMER  Timer;
    CALLS   Calls;
    KDPC    Dpc;
    ULONG64 Start = KeQueryInterruptTime();

    PrepareCalls(&Calls, 1);
    KeInitializeDpc(&Dpc, CountDpc, &Calls);
    KeInitializeTimer(&Timer);
    EXPECT(!KeReadStateTimer(&Timer));
    EXPECT(!KeSetTimer(&Timer, KtAfter(50), &Dpc));
    EXPECT(KtWait(&Timer, KT_PATIENCE) == STATUS_SUCCESS);
    EXPECT(KeQueryInterruptTime() - Start >= (ULONG64)MILLISECONDS(50));
    EXPECT(KtWait(&Calls.Done, KT_PATIENCE) == STATUS_SUCCESS);
    EXPECT(KeReadStateTimer(&Timer) && !KeCancelTimer(&Timer));
    KtSleep(120);
    EXPECT(Calls.Count == 1);
}

static VOID
Cancelled(VOID)
{
    BOOLEAN Armed = FALSE;
    KTIMER  Timer;
    CALLS   Calls;
    KDPC    Dpc;

    for (ULONG Try = 0; Try < 10 && !Armed; Try++) {    // unless the host stops until it is due
        KeFlushQueuedDpcs();
        PrepareCalls(&Calls, 1);
        KeInitializeDpc(&Dpc, CountDpc, &Calls);
        KeInitializeTimer(&Timer);
        KeSetTimer(&Timer, KtAfter(50), &Dpc);
        Armed = KeSetTimer(&Timer, KtAfter(60), &Dpc);
        Armed = KeCancelTimer(&Timer) && Armed;
    }
    EXPECT(Armed && !KeCancelTimer(&Timer));
    EXPECT(KtWait(&Timer, 150) == STATUS_TIMEOUT && Calls.Count == 0);
}

static VOID
Periodic(VOID)
{
    KTIMER  Timer;
    CALLS   Calls;
    KDPC    Dpc;
    ULONG64 Start = KeQueryInterruptTime(), Passed;
    LONG    Count;

    PrepareCalls(&Calls, 6);
    KeInitializeDpc(&Dpc, CountDpc, &Calls);
    KeInitializeTimerEx(&Timer, SynchronizationTimer);
    KeSetTimerEx(&Timer, KtAfter(20), 30, &Dpc);
    EXPECT(KtWait(&Calls.Done, KT_PATIENCE) == STATUS_SUCCESS);
    Passed = KeQueryInterruptTime() - Start;
    EXPECT(Passed >= (ULONG64)MILLISECONDS(20 + 5 * 30 - 10));
    EXPECT(KtWait(&Timer, KT_PATIENCE) == STATUS_SUCCESS);     // signals again and again
    EXPECT(KtWait(&Timer, KT_PATIENCE) == STATUS_SUCCESS);
    EXPECT(KeCancelTimer(&Timer));
    KeFlushQueuedDpcs();
    Count = Calls.Count;
    KtSleep(100);
    EXPECT(Calls.Count == Count);
}

static VOID
TimerKinds(VOID)
{
    KTIMER        Notification, Synchronization;
    LARGE_INTEGER Past = { .QuadPart = 1 };

    KeInitializeTimer(&Notification);
    KeInitializeTimerEx(&Synchronization, SynchronizationTimer);
    KeSetTimer(&Notification, Past, NULL);
    KeSetTimer(&Synchronization, Past, NULL);
    EXPECT(KtPoll(&Notification) == STATUS_SUCCESS && KtPoll(&Notification) == STATUS_SUCCESS);
    EXPECT(KtPoll(&Synchronization) == STATUS_SUCCESS
        && KtPoll(&Synchronization) == STATUS_TIMEOUT);
    KeSetTimer(&Notification, KtAfter(5000), NULL);
    EXPECT(!KeReadStateTimer(&Notification));           // setting it resets it
    KeCancelTimer(&Notification);
}

#define MANY_TIMERS 200

static VOID
ManyTimers(VOID)
{
    PKTIMER Timers = ExAllocatePoolWithTag(NonPagedPool, MANY_TIMERS * sizeof(KTIMER), KT_TAG);
    ULONG64 Start = KeQueryInterruptTime();
    ULONG   Index;

    for (Index = 0; Index < MANY_TIMERS; Index++) {
        KeInitializeTimer(&Timers[Index]);
        KeSetTimer(&Timers[Index], KtAfter((Index * 37) % 300 + 1), NULL);
    }
    for (Index = 0; Index < MANY_TIMERS; Index += 2)
        KeCancelTimer(&Timers[Index]);
    for (Index = 1; Index < MANY_TIMERS; Index += 2)
        EXPECT(KtWait(&Timers[Index], KT_PATIENCE) == STATUS_SUCCESS);
    EXPECT(KeQueryInterruptTime() - Start >= (ULONG64)MILLISECONDS(290));
    ExFreePoolWithTag(Timers, KT_TAG);
}

static volatile LONG Insertions;

/* Queues itself again until it has run often enough. */
static VOID NTAPI
AgainDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    CALLS *Calls = Context;

    if (InterlockedIncrement(&Calls->Count) >= Calls->Wanted)
        KeSetEvent(&Calls->Done, 0, FALSE);
    else if (KeInsertQueueDpc(Dpc, NULL, NULL))
        InterlockedIncrement(&Insertions);
}

static VOID NTAPI
InsertThread(PVOID Context)
{
    PKDPC  Dpc = Context;
    CALLS *Calls = Dpc->DeferredContext;

    while (Calls->Count < Calls->Wanted)
        if (KeInsertQueueDpc(Dpc, NULL, NULL))
            InterlockedIncrement(&Insertions);
}

static VOID
Contended(VOID)
{
    CALLS    Calls;
    KDPC     Dpc;
    PKTHREAD Threads[2];

    Insertions = 0;
    PrepareCalls(&Calls, 2000);
    KeInitializeDpc(&Dpc, AgainDpc, &Calls);
    Threads[0] = KtStart(InsertThread, &Dpc);
    Threads[1] = KtStart(InsertThread, &Dpc);
    EXPECT(KtWait(&Calls.Done, KT_PATIENCE) == STATUS_SUCCESS);
    KtJoin(Threads[0]);
    KtJoin(Threads[1]);
    KeFlushQueuedDpcs();
    EXPECT(Calls.Count == Insertions && !KeRemoveQueueDpc(&Dpc));
}

static VOID
DeviceQueues(VOID)
{
    KDEVICE_QUEUE       Queue;
    KDEVICE_QUEUE_ENTRY Entries[4];
    KIRQL               OldIrql;

    KeInitializeDeviceQueue(&Queue);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    EXPECT(!KeInsertDeviceQueue(&Queue, &Entries[0]));          // idle: start it yourself
    EXPECT(KeInsertByKeyDeviceQueue(&Queue, &Entries[1], 30));
    EXPECT(KeInsertByKeyDeviceQueue(&Queue, &Entries[2], 10));
    EXPECT(KeInsertByKeyDeviceQueue(&Queue, &Entries[3], 20));
    EXPECT(KeRemoveByKeyDeviceQueue(&Queue, 15) == &Entries[3]);
    EXPECT(KeRemoveDeviceQueue(&Queue) == &Entries[2]);
    EXPECT(KeRemoveEntryDeviceQueue(&Queue, &Entries[1])
        && !KeRemoveEntryDeviceQueue(&Queue, &Entries[1]));
    EXPECT(KeRemoveDeviceQueue(&Queue) == NULL);
    EXPECT(!KeInsertDeviceQueue(&Queue, &Entries[1]));          // idle again
    KeLowerIrql(OldIrql);
}

static const KT_TEST Tests[] = {
    { "A DPC runs once at DISPATCH_LEVEL with the arguments of the insertion that queued it",
      RunsOnce },
    { "A DPC that is removed does not run", Removed },
    { "A DPC runs on the processor it is targeted at, whichever that is", EveryProcessor },
    { "A DPC of high importance overtakes the others", Importance },
    { "A timer signals once, when it is due, and queues its DPC", OneShot },
    { "A timer that is cancelled neither signals nor queues its DPC", Cancelled },
    { "A periodic timer queues its DPC again and again until it is cancelled", Periodic },
    { "A notification timer stays signalled, a synchronization timer lets one wait through",
      TimerKinds },
    { "Two hundred timers, half of them cancelled, all expire in their time", ManyTimers },
    { "A DPC that itself and two threads queue runs exactly as often as it was queued", Contended },
    { "A device queue hands out its entries by key and knows when the device is idle",
      DeviceQueues },
};

static VOID NTAPI
Unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = Unload;
    KtRun("ktdpc", Tests, RTL_NUMBER_OF(Tests));
    return STATUS_SUCCESS;
}
