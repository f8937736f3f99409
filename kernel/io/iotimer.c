/*
 * I/O timers: a routine a device has called once a second at DISPATCH_LEVEL.
 *
 * All of them share one kernel timer, which runs while any is started. Its DPC walks the list,
 * calling each routine with no lock held; IopTimerNext is where it goes on, and whoever removes
 * that entry meanwhile moves it.
 */
#include "iop.h"

typedef struct _IO_TIMER {
    CSHORT            Type;                     // IO_TYPE_TIMER
    BOOLEAN           Started;                  // guarded by IopTimerLock
    LIST_ENTRY        Link;
    PIO_TIMER_ROUTINE Routine;
    PVOID             Context;
    PDEVICE_OBJECT    DeviceObject;
} IO_TIMER;

/* Guarded by IopTimerLock: */
static KSPIN_LOCK  IopTimerLock;
static LIST_ENTRY  IopTimers = { &IopTimers, &IopTimers };
static PLIST_ENTRY IopTimerNext = &IopTimers;
static ULONG       IopTimersStarted;
static BOOLEAN     IopTimerReady;
static KTIMER      IopTimer;
static KDPC        IopTimerDpc;

static VOID NTAPI
IopTimerTick(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    ULONG64 State;

    KeAcquireSpinLockAtDpcLevel(&IopTimerLock);
    for (PLIST_ENTRY Entry = IopTimers.Flink; Entry != &IopTimers; Entry = IopTimerNext) {
        PIO_TIMER         Timer = CONTAINING_RECORD(Entry, IO_TIMER, Link);
        PIO_TIMER_ROUTINE Routine = Timer->Routine;
        PDEVICE_OBJECT    Device = Timer->DeviceObject;

        IopTimerNext = Entry->Flink;
        if (!Timer->Started)
            continue;
        KeReleaseSpinLockFromDpcLevel(&IopTimerLock);
        State = KiCalloutState();
        Routine(Device, Timer->Context);
        KiCheckCallout(KiIoTimerRoutine, Routine, Device, DISPATCH_LEVEL, State);
        KeAcquireSpinLockAtDpcLevel(&IopTimerLock);
    }
    IopTimerNext = &IopTimers;
    KeReleaseSpinLockFromDpcLevel(&IopTimerLock);
}

/*
 * Gives DeviceObject a timer, stopped; it goes with the device. PASSIVE_LEVEL.
 * STATUS_INSUFFICIENT_RESOURCES.
 */
NTSTATUS NTAPI
IoInitializeTimer(PDEVICE_OBJECT DeviceObject, PIO_TIMER_ROUTINE TimerRoutine, PVOID Context)
{
    PIO_TIMER Timer = DeviceObject->Timer;
    KIRQL     Irql;

    PAGED_CODE();

    if (Timer == NULL) {
        Timer = ExAllocatePoolWithTag(NonPagedPool, sizeof *Timer, IOP_TAG_OTHER);
        if (Timer == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        RtlZeroMemory(Timer, sizeof *Timer);
        Timer->Type = IO_TYPE_TIMER;
        Timer->DeviceObject = DeviceObject;
        DeviceObject->Timer = Timer;
        KeAcquireSpinLock(&IopTimerLock, &Irql);
        InsertTailList(&IopTimers, &Timer->Link);
        KeReleaseSpinLock(&IopTimerLock, Irql);
    }
    Timer->Routine = TimerRoutine;
    Timer->Context = Context;
    return STATUS_SUCCESS;
}

/* Starts the calls. IRQL <= DISPATCH_LEVEL. */
VOID NTAPI
IoStartTimer(PDEVICE_OBJECT DeviceObject)
{
    LARGE_INTEGER Second = { .QuadPart = -10000000 };
    KIRQL         Irql;

    KeAcquireSpinLock(&IopTimerLock, &Irql);
    if (!IopTimerReady) {
        IopTimerReady = TRUE;
        KeInitializeTimer(&IopTimer);
        KeInitializeDpc(&IopTimerDpc, IopTimerTick, NULL);
    }
    if (!DeviceObject->Timer->Started) {
        DeviceObject->Timer->Started = TRUE;
        if (IopTimersStarted++ == 0)
            KeSetTimerEx(&IopTimer, Second, 1000, &IopTimerDpc);
    }
    KeReleaseSpinLock(&IopTimerLock, Irql);
}

/*
 * Stops the calls; one that has begun on another processor may still be running. IRQL <=
 * DISPATCH_LEVEL.
 */
VOID NTAPI
IoStopTimer(PDEVICE_OBJECT DeviceObject)
{
    KIRQL Irql;

    KeAcquireSpinLock(&IopTimerLock, &Irql);
    if (DeviceObject->Timer->Started) {
        DeviceObject->Timer->Started = FALSE;
        if (--IopTimersStarted == 0)
            KeCancelTimer(&IopTimer);
    }
    KeReleaseSpinLock(&IopTimerLock, Irql);
}

/*
 * Takes the device's timer away for good; PASSIVE_LEVEL, so that a call that has begun can be
 * waited for.
 */
VOID
IopStopTimers(PDEVICE_OBJECT DeviceObject)
{
    PIO_TIMER Timer = DeviceObject->Timer;
    KIRQL     Irql;

    IoStopTimer(DeviceObject);
    KeAcquireSpinLock(&IopTimerLock, &Irql);
    if (IopTimerNext == &Timer->Link)
        IopTimerNext = Timer->Link.Flink;
    RemoveEntryList(&Timer->Link);
    KeReleaseSpinLock(&IopTimerLock, Irql);
    KeFlushQueuedDpcs();
    DeviceObject->Timer = NULL;
    ExFreePoolWithTag(Timer, IOP_TAG_OTHER);
}
