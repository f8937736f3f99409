/*
 * Is unloaded with something left behind; the service's name says what. What would run code that
 * is gone must stop the machine: a timer in the driver's own memory (timer) or with a DPC there
 * (timerdpc), a DPC still queued (dpc), a work item still queued (workitem), a thread (thread).
 * What does no harm at once must be named: a link and pool (rest), an I/O work item (iowork), a
 * device (device). A DriverEntry that fails leaves a filter attached to the null device (filter).
 */
#include <ntifs.h>

#define TAG         'tfeL'

static PCWSTR         LeftWhat;
static PDEVICE_OBJECT LeftDevice;
static KTIMER         LeftTimer;
static KDPC           LeftDpc, LeftBlocker;
static KEVENT         LeftEvent;
static volatile LONG  LeftBlocked;

static BOOLEAN
Is(PCWSTR Text)
{
    return wcscmp(LeftWhat, Text) == 0;
}

static VOID
Sleep(LONGLONG Milliseconds)
{
    LARGE_INTEGER Time = { .QuadPart = -10000 * Milliseconds };

    KeDelayExecutionThread(KernelMode, FALSE, &Time);
}

static VOID NTAPI
LeftDpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
}

/* Keeps its processor for a while, so that what is queued behind it stays queued. */
static VOID NTAPI
BlockProcessor(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    LeftBlocked = 1;
    for (ULONG Round = 0; Round < 2000; Round++)
        KeStallExecutionProcessor(1000);
}

static VOID
LeaveDpc(VOID)
{
    KeInitializeDpc(&LeftBlocker, BlockProcessor, NULL);
    KeInitializeDpc(&LeftDpc, LeftDpcRoutine, NULL);
    KeSetTargetProcessorDpc(&LeftBlocker, 1);
    KeSetTargetProcessorDpc(&LeftDpc, 1);
    KeSetSystemAffinityThread(1);               // not where the DPCs go
    KeInsertQueueDpc(&LeftBlocker, NULL, NULL);
    while (!LeftBlocked)
        YieldProcessor();
    KeInsertQueueDpc(&LeftDpc, NULL, NULL);
}

static VOID NTAPI
LeftThread(PVOID Context)
{
    for (;;)
        Sleep(200);
}

static VOID NTAPI
LeftWorker(PVOID Context)
{
    KeWaitForSingleObject(&LeftEvent, Executive, KernelMode, FALSE, NULL);
}

/* More than the queue has threads: some stay queued. */
static VOID
LeaveWorkItems(VOID)
{
    static WORK_QUEUE_ITEM Items[20];

    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Items); Index++) {
        ExInitializeWorkItem(&Items[Index], LeftWorker, NULL);
        ExQueueWorkItem(&Items[Index], CriticalWorkQueue);
    }
    Sleep(100);
}

static VOID NTAPI
LeftIoWorker(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    Sleep(500);
    DbgPrint("badleft: the work item has run\n");
}

static VOID
SetTimer(PKTIMER Timer)
{
    LARGE_INTEGER Minute = { .QuadPart = -600000000 };

    KeInitializeTimer(Timer);
    KeInitializeDpc(&LeftDpc, LeftDpcRoutine, NULL);
    KeSetTimer(Timer, Minute, Is(L"timerdpc") ? &LeftDpc : NULL);
}

static VOID
LeaveRest(VOID)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\DosDevices\\BadLeft");
    UNICODE_STRING Target = RTL_CONSTANT_STRING(L"\\Device\\Nowhere");

    IoCreateSymbolicLink(&Link, &Target);
    ExAllocatePoolWithTag(NonPagedPool, 100, TAG);
    ExAllocatePoolWithTag(PagedPool, 5000, TAG);
    ExFreePoolWithTag(ExAllocatePoolWithTag(PagedPool, 50, TAG), TAG);
}

static VOID NTAPI
Unload(PDRIVER_OBJECT DriverObject)
{
    HANDLE Thread;

    if (Is(L"timer"))
        SetTimer(&LeftTimer);
    else if (Is(L"timerdpc"))
        SetTimer(ExAllocatePoolWithTag(NonPagedPool, sizeof(KTIMER), TAG));
    else if (Is(L"dpc"))
        LeaveDpc();
    else if (Is(L"workitem"))
        LeaveWorkItems();
    else if (Is(L"thread"))
        PsCreateSystemThread(&Thread, 0, NULL, NULL, NULL, LeftThread, NULL);
    else if (Is(L"iowork"))
        IoQueueWorkItem(IoAllocateWorkItem(LeftDevice), LeftIoWorker, DelayedWorkQueue, NULL);
    else if (Is(L"rest"))
        LeaveRest();
    if (!Is(L"device"))
        IoDeleteDevice(LeftDevice);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    static WCHAR   What[16];
    UNICODE_STRING Null = RTL_CONSTANT_STRING(L"\\Device\\Null");
    PDEVICE_OBJECT Below;
    NTSTATUS       Status;

    wcsncpy(What, wcsrchr(RegistryPath->Buffer, L'-') + 1, RTL_NUMBER_OF(What) - 1);
    LeftWhat = What;
    KeInitializeEvent(&LeftEvent, NotificationEvent, FALSE);
    DriverObject->DriverUnload = Unload;
    Status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &LeftDevice);
    if (!NT_SUCCESS(Status) || !Is(L"filter"))
        return Status;
    Status = IoAttachDevice(LeftDevice, &Null, &Below);
    return NT_SUCCESS(Status) ? STATUS_UNSUCCESSFUL : Status;
}
