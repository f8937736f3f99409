/*
 * Tests pending and cancellation from inside: a device that keeps its reads in a cancel-safe
 * queue until a write completes the oldest, and its flush requests in StartIo's queue until the
 * test lets them go.
 *
 * Every IRP that goes in must come out exactly once: Queued - Completed - Cancelled is the number
 * in the queue.
 */
#include <ntifs.h>
#include "../ktest.h"

#define DEVICE_NAME     L"\\Device\\KtCancel"

static PDEVICE_OBJECT KtDevice;
static IO_CSQ         KtQueue;
static KSPIN_LOCK     KtQueueLock;
static LIST_ENTRY     KtQueueHead;
static volatile LONG  KtQueued, KtCompleted, KtCancelled, KtCleanups, KtCloses;

/* ---- the queue ---- */

static VOID NTAPI
QueueInsert(PIO_CSQ Csq, PIRP Irp)
{
    InterlockedIncrement(&KtQueued);
    InsertTailList(&KtQueueHead, &Irp->Tail.Overlay.ListEntry);
}

static VOID NTAPI
QueueRemove(PIO_CSQ Csq, PIRP Irp)
{
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

static PIRP NTAPI
QueuePeek(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    PLIST_ENTRY Entry = Irp != NULL ? Irp->Tail.Overlay.ListEntry.Flink : KtQueueHead.Flink;

    return Entry == &KtQueueHead ? NULL : CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry);
}

static VOID NTAPI
QueueLock(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&KtQueueLock, Irql);
}

static VOID NTAPI
QueueUnlock(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&KtQueueLock, Irql);
}

static VOID
Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

static VOID NTAPI
QueueCancelled(PIO_CSQ Csq, PIRP Irp)
{
    InterlockedIncrement(&KtCancelled);
    Complete(Irp, STATUS_CANCELLED, 0);
}

/* ---- dispatch ---- */

static NTSTATUS NTAPI
Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PIRP               Oldest;

    switch (Stack->MajorFunction) {
    case IRP_MJ_READ:
        IoCsqInsertIrp(&KtQueue, Irp, NULL);
        return STATUS_PENDING;
    case IRP_MJ_WRITE:
        Oldest = IoCsqRemoveNextIrp(&KtQueue, NULL);
        if (Oldest != NULL) {
            InterlockedIncrement(&KtCompleted);
            *(PUCHAR)Oldest->AssociatedIrp.SystemBuffer = *(PUCHAR)Irp->AssociatedIrp.SystemBuffer;
            Complete(Oldest, STATUS_SUCCESS, 1);
        }
        Complete(Irp, STATUS_SUCCESS, Oldest != NULL);
        return STATUS_SUCCESS;
    case IRP_MJ_CLEANUP:
        InterlockedIncrement(&KtCleanups);
        while ((Oldest = IoCsqRemoveNextIrp(&KtQueue, NULL)) != NULL)
            QueueCancelled(&KtQueue, Oldest);
        break;
    case IRP_MJ_CLOSE:
        InterlockedIncrement(&KtCloses);
        break;
    }
    Complete(Irp, STATUS_SUCCESS, 0);
    return STATUS_SUCCESS;
}

/* ---- tests ---- */

static HANDLE
Open(ULONG Options)
{
    UNICODE_STRING    Name = RTL_CONSTANT_STRING(DEVICE_NAME);
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK   Iosb;
    HANDLE            Handle = NULL;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    EXPECT(ZwOpenFile(&Handle, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &Attributes, &Iosb, 0,
                      Options)
           == STATUS_SUCCESS);
    return Handle;
}

static ULONG_PTR
Write(HANDLE File, UCHAR Value)
{
    LARGE_INTEGER   Zero = { .QuadPart = 0 };
    IO_STATUS_BLOCK Iosb = { .Information = 99 };

    EXPECT(ZwWriteFile(File, NULL, NULL, NULL, &Iosb, &Value, 1, &Zero, NULL) == STATUS_SUCCESS);
    return Iosb.Information;
}

static NTSTATUS
Read(HANDLE File, HANDLE Event, PIO_STATUS_BLOCK Iosb, PUCHAR Buffer)
{
    LARGE_INTEGER Zero = { .QuadPart = 0 };

    Iosb->Status = STATUS_PENDING;
    return ZwReadFile(File, Event, NULL, NULL, Iosb, Buffer, 1, &Zero, NULL);
}

static VOID
Asynchronous(VOID)
{
    HANDLE          File = Open(0), Other = Open(0), Event;
    IO_STATUS_BLOCK Iosb;
    LARGE_INTEGER   Now = { .QuadPart = 0 };
    UCHAR           Byte = 0;

    ZwCreateEvent(&Event, EVENT_ALL_ACCESS, NULL, NotificationEvent, TRUE);
    EXPECT(Read(File, Event, &Iosb, &Byte) == STATUS_PENDING);
    EXPECT(ZwWaitForSingleObject(Event, FALSE, &Now) == STATUS_TIMEOUT &&
           Iosb.Status == STATUS_PENDING);
    EXPECT(Write(File, 'x') == 1);
    EXPECT(ZwWaitForSingleObject(Event, FALSE, NULL) == STATUS_SUCCESS);
    EXPECT(Iosb.Status == STATUS_SUCCESS && Iosb.Information == 1 && Byte == 'x');

    // the file itself is waited for
    EXPECT(Read(File, NULL, &Iosb, &Byte) == STATUS_PENDING);
    EXPECT(ZwWaitForSingleObject(File, FALSE, &Now) == STATUS_TIMEOUT);
    EXPECT(Write(Other, 'y') == 1);
    EXPECT(ZwWaitForSingleObject(File, FALSE, NULL) == STATUS_SUCCESS && Byte == 'y');
    ZwClose(Event);
    ZwClose(Other);
    ZwClose(File);
}

static VOID NTAPI
WriterThread(PVOID File)
{
    KT_AWAIT(Write(File, 'z') == 1);            // as soon as the read is there
}

static VOID
Synchronous(VOID)
{
    HANDLE          File = Open(FILE_SYNCHRONOUS_IO_NONALERT), Other = Open(0);
    IO_STATUS_BLOCK Iosb;
    UCHAR           Byte = 0;
    PKTHREAD        Thread = KtStart(WriterThread, Other);

    EXPECT(Read(File, NULL, &Iosb, &Byte) == STATUS_SUCCESS);
    EXPECT(Iosb.Status == STATUS_SUCCESS && Byte == 'z');
    KtJoin(Thread);
    ZwClose(File);
    ZwClose(Other);
}

static VOID
CancelFile(VOID)
{
    HANDLE          File = Open(0), Other = Open(0);
    LONG            Before = KtCancelled;
    IO_STATUS_BLOCK Iosb[3], Result;
    UCHAR           Byte;

    EXPECT(Read(File, NULL, &Iosb[0], &Byte) == STATUS_PENDING &&
           Read(File, NULL, &Iosb[1], &Byte) == STATUS_PENDING);
    EXPECT(Read(Other, NULL, &Iosb[2], &Byte) == STATUS_PENDING);
    EXPECT(ZwCancelIoFile(File, &Result) == STATUS_SUCCESS && Result.Status == STATUS_SUCCESS);
    EXPECT(KtCancelled == Before + 2);
    EXPECT(Iosb[0].Status == STATUS_CANCELLED && Iosb[1].Status == STATUS_CANCELLED);
    EXPECT(Iosb[2].Status == STATUS_PENDING);           // another file's request stays
    EXPECT(Write(File, 1) == 1 && Iosb[2].Status == STATUS_SUCCESS);
    ZwClose(File);
    ZwClose(Other);
}

static VOID
CleanupAndClose(VOID)
{
    LONG            Cleanups = KtCleanups, Closes = KtCloses;
    HANDLE          File = Open(0);
    IO_STATUS_BLOCK Iosb;
    PVOID           Object;
    UCHAR           Byte;

    EXPECT(Read(File, NULL, &Iosb, &Byte) == STATUS_PENDING);
    ObReferenceObjectByHandle(File, 0, *IoFileObjectType, KernelMode, &Object, NULL);
    ZwClose(File);
    EXPECT(KtCleanups == Cleanups + 1 && KtCloses == Closes && Iosb.Status == STATUS_CANCELLED);
    ObDereferenceObject(Object);
    EXPECT(KtCloses == Closes + 1);
}

static VOID NTAPI
LeavingThread(PVOID Context)
{
    static IO_STATUS_BLOCK Iosb;
    static UCHAR           Byte;

    EXPECT(Read(Context, NULL, &Iosb, &Byte) == STATUS_PENDING);
}

/* The same with an IRP of the driver's own. */
static VOID NTAPI
QueueingThread(PVOID Iosb)
{
    PIRP Irp = IoAllocateIrp(KtDevice->StackSize, FALSE);

    Irp->Tail.Overlay.Thread = PsGetCurrentThread();
    Irp->UserIosb = Iosb;
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_READ;
    IoQueueThreadIrp(Irp);
    EXPECT(IoCallDriver(KtDevice, Irp) == STATUS_PENDING);
}

static VOID
ThreadEnd(VOID)
{
    IO_STATUS_BLOCK Iosb = { .Status = STATUS_PENDING };
    LONG            Before = KtCancelled;
    HANDLE          File = Open(0);

    KtJoin(KtStart(LeavingThread, File));
    EXPECT(KtCancelled == Before + 1 && IsListEmpty(&KtQueueHead));
    KtJoin(KtStart(QueueingThread, &Iosb));
    EXPECT(KtCancelled == Before + 2 && Iosb.Status == STATUS_CANCELLED);
    ZwClose(File);
}

static VOID
ManyQueued(VOID)
{
    HANDLE           File = Open(0);
    LONG             Before = KtCancelled;
    PIO_STATUS_BLOCK Iosb = ExAllocatePoolWithTag(NonPagedPool, 1000 * sizeof *Iosb, KT_TAG);
    IO_STATUS_BLOCK  Result;
    UCHAR            Byte;

    for (ULONG Index = 0; Index < 1000; Index++)
        EXPECT(Read(File, NULL, &Iosb[Index], &Byte) == STATUS_PENDING);
    EXPECT(ZwCancelIoFile(File, &Result) == STATUS_SUCCESS);
    EXPECT(KtCancelled == Before + 1000 && IsListEmpty(&KtQueueHead));
    for (ULONG Index = 0; Index < 1000; Index++)
        EXPECT(Iosb[Index].Status == STATUS_CANCELLED);
    ZwClose(File);
    ExFreePoolWithTag(Iosb, KT_TAG);
}

static const KT_TEST Tests[] = {
    { "An asynchronous request pends, and sets event, file and status block when it is done",
     Asynchronous },
    { "A synchronous request waits until it is done", Synchronous },
    { "Cancelling a file ends the caller's requests for it and no others", CancelFile },
    { "CLEANUP comes with the last handle, CLOSE with the last reference", CleanupAndClose },
    { "The end of a thread cancels what it has outstanding", ThreadEnd },
    { "A thousand queued requests are cancelled, each once", ManyQueued },
};

static VOID NTAPI
Unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(KtDevice);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(DEVICE_NAME);
    NTSTATUS       Status;

    Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &KtDevice);
    if (!NT_SUCCESS(Status))
        return Status;
    for (ULONG Major = 0; Major <= IRP_MJ_MAXIMUM_FUNCTION; Major++)
        DriverObject->MajorFunction[Major] = Dispatch;
    DriverObject->DriverUnload = Unload;
    InitializeListHead(&KtQueueHead);
    KeInitializeSpinLock(&KtQueueLock);
    IoCsqInitialize(&KtQueue, QueueInsert, QueueRemove, QueuePeek, QueueLock, QueueUnlock,
                    QueueCancelled);
    KtDevice->Flags |= DO_BUFFERED_IO;
    KtDevice->Flags &= ~DO_DEVICE_INITIALIZING;         // it is opened before DriverEntry returns
    KtRun("ktcancel", Tests, RTL_NUMBER_OF(Tests));
    return STATUS_SUCCESS;
}
