/*
 * Tests what else a driver may ask of the I/O manager: power and Plug and Play IRPs, fast I/O,
 * StartIo by key and deferred, a cancel-safe queue that refuses, the boost of a completion,
 * reinitialization, the error log, shutdown notification.
 */
#include <ntifs.h>
#include "../ktest.h"

#define DEVICE_NAME     L"\\Device\\KtMore"
#define FAST_CODE       CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define SLOW_CODE       CTL_CODE(FILE_DEVICE_UNKNOWN, 0x802, METHOD_BUFFERED, FILE_ANY_ACCESS)

static PDRIVER_OBJECT KtDriver;
static PDEVICE_OBJECT KtDevice, KtLast;         // KtLast asks for the last chance
static volatile LONG  KtFast, KtControls, KtNested, KtDeepest, KtOrder;
static ULONG          KtStarted[8];             // keys, in the order StartIo saw them
static ULONG          KtStarts, KtCancelable;   // how many StartIo saw with a cancel routine
static FAST_IO_DISPATCH KtFastIo;

static VOID
Finish(PIRP Irp, NTSTATUS Status, CCHAR Boost)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, Boost);
}

static BOOLEAN NTAPI
FastControl(PFILE_OBJECT File, BOOLEAN Wait, PVOID Input, ULONG InputLength, PVOID Output,
            ULONG OutputLength, ULONG Code, PIO_STATUS_BLOCK Iosb, PDEVICE_OBJECT DeviceObject)
{
    InterlockedIncrement(&KtFast);
    if (Code != FAST_CODE)
        return FALSE;
    Iosb->Status = STATUS_SUCCESS;
    Iosb->Information = OutputLength;
    RtlFillMemory(Output, OutputLength, 0x5A);
    return TRUE;
}

/*
 * Information is the packet's key; with a UserBuffer it goes on to the next at once, from
 * inside. DriverContext is no place for them: the queue's entry lies there.
 */
static VOID NTAPI
StartIo(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    LONG Depth = InterlockedIncrement(&KtNested);

    if (Depth > KtDeepest)
        KtDeepest = Depth;
    KtCancelable += Irp->CancelRoutine != NULL;
    if (KtStarts < RTL_NUMBER_OF(KtStarted))
        KtStarted[KtStarts++] = (ULONG)Irp->IoStatus.Information;
    if (Irp->UserBuffer != NULL)
        IoStartNextPacket(DeviceObject, FALSE);
    InterlockedDecrement(&KtNested);
}

static NTSTATUS NTAPI
Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    switch (IoGetCurrentIrpStackLocation(Irp)->MajorFunction) {
    case IRP_MJ_DEVICE_CONTROL:
        InterlockedIncrement(&KtControls);
        break;
    case IRP_MJ_SHUTDOWN:
        DbgPrint("ktmore: shutdown %d of %s\n", InterlockedIncrement(&KtOrder),
                 DeviceObject == KtLast ? "last" : "first");
        break;
    }
    Finish(Irp, STATUS_SUCCESS, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

/* Sent through a stack: the dispatch entries for them were never filled. */
static VOID
UnsupportedIrps(VOID)
{
    static const UCHAR Majors[] = { IRP_MJ_PNP, IRP_MJ_POWER, IRP_MJ_SYSTEM_CONTROL };
    IO_STATUS_BLOCK    Iosb;
    POWER_STATE        On = { .DeviceState = PowerDeviceD0 };
    POWER_STATE        Off = { .DeviceState = PowerDeviceD3 };
    KEVENT             Event;
    PIRP               Irp;

    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Majors); Index++) {
        Irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, KtDevice, NULL, 0, NULL, &Event, &Iosb);
        IoGetNextIrpStackLocation(Irp)->MajorFunction = Majors[Index];
        Irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
        PoStartNextPowerIrp(Irp);
        EXPECT(PoCallDriver(KtDevice, Irp) == STATUS_NOT_SUPPORTED);
    }
    Irp = IoBuildSynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, KtDevice, NULL, 0, NULL, &Event,
                                       &Iosb);
    EXPECT(IoCallDriver(KtDevice, Irp) == STATUS_INVALID_DEVICE_REQUEST);
    PoSetPowerState(KtDevice, DevicePowerState, On);
    EXPECT(PoSetPowerState(KtDevice, DevicePowerState, Off).DeviceState == PowerDeviceD0);
    EXPECT(PoSetPowerState(KtDevice, DevicePowerState, On).DeviceState == PowerDeviceD3);
}

static VOID
FastFirst(VOID)
{
    UNICODE_STRING    Name = RTL_CONSTANT_STRING(DEVICE_NAME);
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK   Iosb;
    UCHAR             Out[4] = { 0 };
    HANDLE            File;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT(ZwOpenFile(&File, GENERIC_READ | SYNCHRONIZE, &Attributes, &Iosb, 0,
                      FILE_SYNCHRONOUS_IO_NONALERT) == STATUS_SUCCESS);
    KtControls = KtFast = 0;
    EXPECT(ZwDeviceIoControlFile(File, NULL, NULL, NULL, &Iosb, FAST_CODE, NULL, 0, Out,
                                 sizeof Out) == STATUS_SUCCESS);
    EXPECT(KtFast == 1 && KtControls == 0 && Iosb.Information == 4 && Out[3] == 0x5A);
    EXPECT(ZwDeviceIoControlFile(File, NULL, NULL, NULL, &Iosb, SLOW_CODE, NULL, 0, Out,
                                 sizeof Out) == STATUS_SUCCESS);
    EXPECT(KtFast == 2 && KtControls == 1);
    ZwClose(File);
}

/* Whether the event of a fast request is set, by the file's notification modes. */
static BOOLEAN
FastSets(ULONG Modes)
{
    FILE_IO_COMPLETION_NOTIFICATION_INFORMATION Information = { Modes };
    UNICODE_STRING    Name = RTL_CONSTANT_STRING(DEVICE_NAME);
    OBJECT_ATTRIBUTES Attributes;
    LARGE_INTEGER     Now = { .QuadPart = 0 };
    IO_STATUS_BLOCK   Iosb;
    BOOLEAN           Set;
    HANDLE            File, Event;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT(ZwOpenFile(&File, GENERIC_READ, &Attributes, &Iosb, 0, 0) == STATUS_SUCCESS);
    EXPECT(ZwSetInformationFile(File, &Iosb, &Information, sizeof Information,
                                FileIoCompletionNotificationInformation) == STATUS_SUCCESS);
    ZwCreateEvent(&Event, EVENT_ALL_ACCESS, NULL, NotificationEvent, TRUE);
    EXPECT(ZwDeviceIoControlFile(File, Event, NULL, NULL, &Iosb, FAST_CODE, NULL, 0, NULL, 0)
           == STATUS_SUCCESS);
    Set = ZwWaitForSingleObject(Event, FALSE, &Now) == STATUS_SUCCESS;
    ZwClose(Event);
    ZwClose(File);
    return Set;
}

static VOID
FastEvent(VOID)
{
    EXPECT(FastSets(0) && FastSets(FILE_SKIP_SET_EVENT_ON_HANDLE));
    EXPECT(!FastSets(FILE_SKIP_SET_USER_EVENT_ON_FAST_IO));
}

/* Packets with these keys; Next: StartIo goes on by itself. */
static VOID
Queue(PIRP *Irps, const ULONG *Keys, ULONG Count, BOOLEAN Next)
{
    KtStarts = 0;
    KtDeepest = 0;
    for (ULONG Index = 0; Index < Count; Index++) {
        ULONG Key = Keys[Index];

        Irps[Index] = IoAllocateIrp(1, FALSE);
        Irps[Index]->IoStatus.Information = Key;
        Irps[Index]->UserBuffer = (PVOID)(ULONG_PTR)Next;
        IoStartPacket(KtDevice, Irps[Index], &Key, NULL);
    }
}

static VOID
FreeAll(PIRP *Irps, ULONG Count)
{
    for (ULONG Index = 0; Index < Count; Index++)
        IoFreeIrp(Irps[Index]);
}

static VOID
StartByKey(VOID)
{
    static const ULONG Keys[] = { 50, 30, 70, 10, 60 };
    PIRP               Irps[RTL_NUMBER_OF(Keys)];
    KIRQL              Irql;

    Queue(Irps, Keys, RTL_NUMBER_OF(Keys), FALSE);
    EXPECT(KtStarts == 1 && KtStarted[0] == 50);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    IoStartNextPacketByKey(KtDevice, FALSE, 55);        // 60 is the next above
    IoStartNextPacketByKey(KtDevice, FALSE, 60);
    IoStartNextPacketByKey(KtDevice, FALSE, 71);        // none: from the beginning
    IoStartNextPacket(KtDevice, FALSE);
    EXPECT(KtDevice->CurrentIrp == Irps[1]);
    IoStartNextPacket(KtDevice, FALSE);
    KeLowerIrql(Irql);
    EXPECT(KtStarts == 5 && KtStarted[1] == 60 && KtStarted[2] == 70 && KtStarted[3] == 10 &&
           KtStarted[4] == 30);
    EXPECT(KtDevice->CurrentIrp == NULL && !KtDevice->DeviceQueue.Busy);
    FreeAll(Irps, RTL_NUMBER_OF(Keys));
}

/* With the deferred attribute StartIo is not called from within itself. */
static VOID
StartDeferred(VOID)
{
    static const ULONG Keys[] = { 1, 2, 3, 4 };
    PIRP               Irps[RTL_NUMBER_OF(Keys)];
    KIRQL              Irql;

    for (ULONG Deferred = 0; Deferred <= 1; Deferred++) {
        IoSetStartIoAttributes(KtDevice, (BOOLEAN)Deferred, FALSE);
        Queue(Irps, Keys, 1, FALSE);                    // keeps the device busy
        for (ULONG Index = 1; Index < RTL_NUMBER_OF(Keys); Index++)
            Queue(&Irps[Index], &Keys[Index], 1, TRUE);
        KeRaiseIrql(DISPATCH_LEVEL, &Irql);
        IoStartNextPacket(KtDevice, FALSE);
        KeLowerIrql(Irql);
        EXPECT(KtStarts == 3 && KtDeepest == (Deferred ? 1 : 3));
        EXPECT(KtDevice->CurrentIrp == NULL);
        FreeAll(Irps, RTL_NUMBER_OF(Keys));
    }
    IoSetStartIoAttributes(KtDevice, FALSE, FALSE);
}

static VOID NTAPI
CancelPacket(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    EXPECT(KeRemoveEntryDeviceQueue(&DeviceObject->DeviceQueue,
                                    &Irp->Tail.Overlay.DeviceQueueEntry));
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    KtOrder++;
}

/* One packet at once, one queued, one cancelled before: its cancel routine is called. */
static VOID
CancelablePackets(BOOLEAN NonCancelable)
{
    PIRP  Irps[3];
    KIRQL Irql;

    IoSetStartIoAttributes(KtDevice, FALSE, NonCancelable);
    KtStarts = KtCancelable = 0;
    KtOrder = 0;
    for (ULONG Index = 0; Index < 3; Index++) {
        Irps[Index] = IoAllocateIrp(1, FALSE);
        IoSetNextIrpStackLocation(Irps[Index]);
        if (Index == 2)
            EXPECT(!IoCancelIrp(Irps[Index]));
        IoStartPacket(KtDevice, Irps[Index], NULL, CancelPacket);
    }
    EXPECT(KtStarts == 1 && KtOrder == 1 && Irps[2]->CancelRoutine == NULL);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    IoStartNextPacket(KtDevice, TRUE);
    EXPECT(KtStarts == 2 && KtDevice->CurrentIrp == Irps[1]);
    IoStartNextPacket(KtDevice, TRUE);
    KeLowerIrql(Irql);
    EXPECT(KtStarts == 2 && KtDevice->CurrentIrp == NULL);
    EXPECT(KtCancelable == (NonCancelable ? 0 : 2));
    KtOrder = 0;
    FreeAll(Irps, 3);
    IoSetStartIoAttributes(KtDevice, FALSE, FALSE);
}

static VOID
StartCancelable(VOID)
{
    CancelablePackets(FALSE);
    CancelablePackets(TRUE);
}

/* Waits for a request of its own at the lowest priority and sees what the completion gave it. */
typedef struct _BOOSTED {
    KEVENT          Waiting;
    PIRP volatile   Irp;
    KPRIORITY       Priority;
    IO_STATUS_BLOCK Iosb;
} BOOSTED;

static VOID NTAPI
BoostedThread(PVOID Context)
{
    BOOSTED *Boosted = Context;
    KEVENT   Event;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    KeSetPriorityThread(KeGetCurrentThread(), 5);
    Boosted->Irp = IoBuildSynchronousFsdRequest(IRP_MJ_SHUTDOWN, KtDevice, NULL, 0, NULL, &Event,
                                                &Boosted->Iosb);
    IoSetNextIrpStackLocation(Boosted->Irp);            // as if KtDevice had it
    IoMarkIrpPending(Boosted->Irp);
    KeSetEvent(&Boosted->Waiting, 0, FALSE);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    Boosted->Priority = KeQueryPriorityThread(KeGetCurrentThread());
}

static VOID
PriorityBoost(VOID)
{
    BOOSTED  Boosted = { .Irp = NULL };
    PKTHREAD Thread;

    KeInitializeEvent(&Boosted.Waiting, NotificationEvent, FALSE);
    Thread = KtStart(BoostedThread, &Boosted);
    KeWaitForSingleObject(&Boosted.Waiting, Executive, KernelMode, FALSE, NULL);
    KtAwaitWaiters(Boosted.Irp->UserEvent, 1);
    Finish(Boosted.Irp, STATUS_SUCCESS, 6);
    KtJoin(Thread);
    EXPECT(Boosted.Priority > 5 && Boosted.Priority <= 11);
    DbgPrint("ktmore: completed with a boost of 6 the thread of priority 5 ran at %d\n",
             Boosted.Priority);
}

static VOID
ErrorLog(VOID)
{
    PIO_ERROR_LOG_PACKET Packet = IoAllocateErrorLogEntry(KtDevice, sizeof *Packet);

    EXPECT(Packet != NULL && IoAllocateErrorLogEntry(KtDevice, 1) == NULL);
    Packet->ErrorCode = IO_ERR_TIMEOUT;
    Packet->FinalStatus = STATUS_IO_TIMEOUT;
    Packet->UniqueErrorValue = 0x4711;
    IoWriteErrorLogEntry(Packet);
    IoFreeErrorLogEntry(IoAllocateErrorLogEntry(KtDriver, sizeof *Packet));
}

static VOID NTAPI
Reinitialize(PDRIVER_OBJECT DriverObject, PVOID Context, ULONG Count)
{
    DbgPrint("ktmore: reinitialized %u\n", Count);
    if (Count < 2)
        IoRegisterDriverReinitialization(DriverObject, Reinitialize, Context);
}

static const KT_TEST Tests[] = {
    { "Plug and Play, power and system control IRPs that nobody handles keep their status",
     UnsupportedIrps },
    { "A driver's fast I/O routine is asked before an IRP is made", FastFirst },
    { "What it does at once sets the caller's event, unless the file says no", FastEvent },
    { "Packets are started by key", StartByKey },
    { "Deferred, StartIo is not called from within itself", StartDeferred },
    { "A packet cancelled before it is queued is not; StartIo's can be cancelled, if at all",
      StartCancelable },
    { "The boost of a completion raises the thread that waits", PriorityBoost },
    { "Error log entries are written or freed", ErrorLog },
};

static VOID NTAPI
Unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(KtLast);
    IoDeleteDevice(KtDevice);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    static const UCHAR Filled[] = { IRP_MJ_CREATE, IRP_MJ_CLEANUP, IRP_MJ_CLOSE, IRP_MJ_SHUTDOWN,
                                    IRP_MJ_DEVICE_CONTROL };
    UNICODE_STRING     Name = RTL_CONSTANT_STRING(DEVICE_NAME);

    KtDriver = DriverObject;
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Filled); Index++)
        DriverObject->MajorFunction[Filled[Index]] = Dispatch;
    DriverObject->DriverStartIo = StartIo;
    DriverObject->DriverUnload = Unload;
    KtFastIo.SizeOfFastIoDispatch = sizeof KtFastIo;
    KtFastIo.FastIoDeviceControl = FastControl;
    DriverObject->FastIoDispatch = &KtFastIo;
    IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &KtDevice);
    IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &KtLast);
    KtDevice->Flags &= ~DO_DEVICE_INITIALIZING;         // it is opened before DriverEntry returns
    KtRun("ktmore", Tests, RTL_NUMBER_OF(Tests));
    IoRegisterLastChanceShutdownNotification(KtLast);
    IoRegisterShutdownNotification(KtDevice);
    IoRegisterDriverReinitialization(DriverObject, Reinitialize, NULL);
    return STATUS_SUCCESS;
}
