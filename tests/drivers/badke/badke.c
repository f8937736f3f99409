/*
 * Drivers' sins against ke/: each must stop the machine with the bugcheck that names it. The part
 * of the service's name behind the dash says which one DriverEntry commits.
 */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;

/*
 * A routine that shall stand on the stack when the machine stops: neither inlined nor left by a
 * jump.
 */
#define SIN static DECLSPEC_NOINLINE VOID
#define STAY() __asm__ __volatile__("")

static KEVENT       Event;
static KMUTEX       Mutex;
static KSPIN_LOCK   Lock;
static FAST_MUTEX   FastMutex;
static ERESOURCE    Resource;
static KDPC         Dpc;

/* Waiting at DISPATCH_LEVEL */
SIN
BadWait(VOID)
{
    KIRQL OldIrql;

    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    STAY();
}

/* The same with a time-out: only a zero one may be used there */
SIN
BadWaitTimed(VOID)
{
    LARGE_INTEGER Second = { .QuadPart = -10000000 };
    KIRQL         OldIrql;

    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, &Second);
    STAY();
}

/* Above DISPATCH_LEVEL not even that */
SIN
BadWaitHigh(VOID)
{
    LARGE_INTEGER Zero = { .QuadPart = 0 };
    KIRQL         OldIrql;

    KeRaiseIrql(DISPATCH_LEVEL + 1, &OldIrql);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, &Zero);
    STAY();
}

/* Releasing a mutex somebody else owns */
SIN
BadMutex(VOID)
{
    KeReleaseMutex(&Mutex, FALSE);
    STAY();
}

/* Taking a spin lock twice */
SIN
BadTwice(VOID)
{
    KIRQL OldIrql;

    KeAcquireSpinLock(&Lock, &OldIrql);
    KeAcquireSpinLockAtDpcLevel(&Lock);
    STAY();
}

/* Releasing a spin lock that is not held */
SIN
BadRelease(VOID)
{
    KIRQL OldIrql;

    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    KeReleaseSpinLockFromDpcLevel(&Lock);
    STAY();
}

/* A DPC routine that returns at another IRQL */
SIN NTAPI
BadIrqlDpc(PKDPC TheDpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    KIRQL OldIrql;

    KeRaiseIrql(DISPATCH_LEVEL + 3, &OldIrql);
}

/* A DPC routine that returns with a spin lock held */
SIN NTAPI
BadLockDpc(PKDPC TheDpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    KeAcquireSpinLockAtDpcLevel(&Lock);
}

static VOID
RunDpc(PKDEFERRED_ROUTINE Routine)
{
    KeInitializeDpc(&Dpc, Routine, NULL);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KeFlushQueuedDpcs();
}

/* Taking a fast mutex twice */
SIN
BadFastMutex(VOID)
{
    ExAcquireFastMutex(&FastMutex);
    ExAcquireFastMutex(&FastMutex);
    STAY();
}

/* Releasing a resource that is not owned */
SIN
BadResource(VOID)
{
    ExReleaseResourceLite(&Resource);
    STAY();
}

/* Leaving a critical region that was not entered */
SIN
BadRegion(VOID)
{
    KeLeaveCriticalRegion();
    STAY();
}

/* A work item that keeps its thread at APC_LEVEL */
SIN NTAPI
BadWorker(PVOID Context)
{
    KIRQL OldIrql;

    KeRaiseIrql(APC_LEVEL, &OldIrql);
}

static VOID
RunWorkItem(VOID)
{
    static WORK_QUEUE_ITEM Item;
    LARGE_INTEGER          Second = { .QuadPart = -10000000 };

    ExInitializeWorkItem(&Item, BadWorker, NULL);
    ExQueueWorkItem(&Item, DelayedWorkQueue);
    KeDelayExecutionThread(KernelMode, FALSE, &Second);
}

/* A thread that ends with a mutex */
SIN NTAPI
BadThread(PVOID Context)
{
    KeWaitForSingleObject(&Mutex, Executive, KernelMode, FALSE, NULL);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID
RunThread(VOID)
{
    HANDLE        Thread;
    LARGE_INTEGER Second = { .QuadPart = -10000000 };

    PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, BadThread, NULL);
    KeDelayExecutionThread(KernelMode, FALSE, &Second);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PCWSTR Sin = wcsrchr(RegistryPath->Buffer, L'-') + 1;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    KeInitializeMutex(&Mutex, 0);
    KeInitializeSpinLock(&Lock);
    ExInitializeFastMutex(&FastMutex);
    ExInitializeResourceLite(&Resource);

    if (wcscmp(Sin, L"wait") == 0)
        BadWait();
    else if (wcscmp(Sin, L"waittimed") == 0)
        BadWaitTimed();
    else if (wcscmp(Sin, L"waithigh") == 0)
        BadWaitHigh();
    else if (wcscmp(Sin, L"mutex") == 0)
        BadMutex();
    else if (wcscmp(Sin, L"twice") == 0)
        BadTwice();
    else if (wcscmp(Sin, L"release") == 0)
        BadRelease();
    else if (wcscmp(Sin, L"dpcirql") == 0)
        RunDpc(BadIrqlDpc);
    else if (wcscmp(Sin, L"dpclock") == 0)
        RunDpc(BadLockDpc);
    else if (wcscmp(Sin, L"fastmutex") == 0)
        BadFastMutex();
    else if (wcscmp(Sin, L"resource") == 0)
        BadResource();
    else if (wcscmp(Sin, L"region") == 0)
        BadRegion();
    else if (wcscmp(Sin, L"workitem") == 0)
        RunWorkItem();
    else if (wcscmp(Sin, L"exit") == 0)
        RunThread();
    DbgPrint("badke: %ws was not punished\n", Sin);
    return STATUS_UNSUCCESSFUL;
}
