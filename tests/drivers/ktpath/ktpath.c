/*
 * Ways of a request that few drivers take: fast reads and writes, IRPs of the driver's own, built
 * or in its own memory, associated IRPs, remove locks, the boost of a completion and its decay.
 *
 * The device keeps reads, with a cancel routine, until the test completes or cancels them; a file
 * opened by the name `cached` looks as if it had a cache, so that fast I/O is tried.
 */
#include <ntifs.h>
#include "../ktest.h"

#define DEVICE_NAME     L"\\Device\\KtPath"
#define PARTS           4
#define PRIORITY        5

static PDEVICE_OBJECT KtDevice;
static volatile LONG  KtFast, KtIrps, KtMasters, KtPartsDone;
static BOOLEAN        KtFastAnswer;             // what the fast routines say
static FAST_IO_DISPATCH KtFastIo;

static NTSTATUS
Finish(PIRP Irp, NTSTATUS Status, CCHAR Boost)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, Boost);
    return Status;
}

static VOID NTAPI
Cancelled(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    Finish(Irp, STATUS_CANCELLED, IO_NO_INCREMENT);
}

static NTSTATUS NTAPI
Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Sp = IoGetCurrentIrpStackLocation(Irp);

    switch (Sp->MajorFunction) {
    case IRP_MJ_CREATE:
        if (Sp->FileObject->FileName.Length != 0)
            Sp->FileObject->PrivateCacheMap = KtDevice;
        break;
    case IRP_MJ_READ:
        IoMarkIrpPending(Irp);
        IoSetCancelRoutine(Irp, Cancelled);
        return STATUS_PENDING;
    case IRP_MJ_WRITE:
    case IRP_MJ_FLUSH_BUFFERS:
        InterlockedIncrement(&KtIrps);
        break;
    }
    return Finish(Irp, STATUS_SUCCESS, IO_NO_INCREMENT);
}

/* ---- fast I/O ---- */

/* FAST_IO_READ and FAST_IO_WRITE alike. */
static BOOLEAN NTAPI
FastTransfer(PFILE_OBJECT File, PLARGE_INTEGER Offset, ULONG Length, BOOLEAN Wait, ULONG Key,
             PVOID Buffer, PIO_STATUS_BLOCK Iosb, PDEVICE_OBJECT DeviceObject)
{
    InterlockedIncrement(&KtFast);
    EXPECT(Wait && DeviceObject == KtDevice && Offset->QuadPart == 77 && Length == 3);
    Iosb->Status = STATUS_SUCCESS;
    Iosb->Information = 2;
    return KtFastAnswer;
}

static BOOLEAN NTAPI
FastControl(PFILE_OBJECT File, BOOLEAN Wait, PVOID Input, ULONG InputLength, PVOID Output,
            ULONG OutputLength, ULONG Code, PIO_STATUS_BLOCK Iosb, PDEVICE_OBJECT DeviceObject)
{
    InterlockedIncrement(&KtFast);
    Iosb->Status = STATUS_DEVICE_NOT_READY;
    Iosb->Information = 0;
    return KtFastAnswer;
}

static HANDLE
Open(PCWSTR Text, ULONG Options)
{
    UNICODE_STRING    Name;
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK   Iosb;
    HANDLE            File = NULL;

    RtlInitUnicodeString(&Name, Text);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT(ZwOpenFile(&File, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &Attributes, &Iosb, 0,
                      Options) == STATUS_SUCCESS);
    return File;
}

/* A write to that file: how many fast calls and how many IRPs it makes. */
static VOID
ExpectWrite(HANDLE File, BOOLEAN Answer, LONG Fast, LONG Irps)
{
    LARGE_INTEGER   Offset = { .QuadPart = 77 };
    IO_STATUS_BLOCK Iosb = { .Information = 99 };
    UCHAR           Data[3];

    KtFast = KtIrps = 0;
    KtFastAnswer = Answer;
    EXPECT(ZwWriteFile(File, NULL, NULL, NULL, &Iosb, Data, sizeof Data, &Offset, NULL)
           == STATUS_SUCCESS);
    EXPECT(KtFast == Fast && KtIrps == Irps && Iosb.Status == STATUS_SUCCESS);
    EXPECT(Iosb.Information == (Irps ? 0 : 2));
}

static VOID
FastFirst(VOID)
{
    HANDLE          Cached = Open(DEVICE_NAME L"\\cached", FILE_SYNCHRONOUS_IO_NONALERT);
    HANDLE          Plain = Open(DEVICE_NAME, FILE_SYNCHRONOUS_IO_NONALERT);
    HANDLE          Asynchronous = Open(DEVICE_NAME L"\\cached", 0);
    LARGE_INTEGER   Offset = { .QuadPart = 77 };
    IO_STATUS_BLOCK Iosb;
    UCHAR           Data[3];

    ExpectWrite(Cached, TRUE, 1, 0);
    ExpectWrite(Cached, FALSE, 1, 1);           // it wants an IRP
    ExpectWrite(Plain, TRUE, 0, 1);             // no cache
    ExpectWrite(Asynchronous, TRUE, 0, 1);
    KtFast = 0;
    KtFastAnswer = TRUE;
    EXPECT(ZwReadFile(Cached, NULL, NULL, NULL, &Iosb, Data, sizeof Data, &Offset, NULL)
           == STATUS_SUCCESS);
    EXPECT(KtFast == 1 && Iosb.Information == 2);
    EXPECT(ZwDeviceIoControlFile(Plain, NULL, NULL, NULL, &Iosb,
                                 CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_NEITHER,
                                          FILE_ANY_ACCESS), NULL, 0, NULL, 0)
           == STATUS_DEVICE_NOT_READY);         // its failure counts, too
    EXPECT(KtFast == 2 && Iosb.Status == STATUS_DEVICE_NOT_READY);
    ZwClose(Asynchronous);
    ZwClose(Plain);
    ZwClose(Cached);
}

/* ---- associated IRPs ---- */

static NTSTATUS NTAPI
MasterDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    InterlockedIncrement(&KtMasters);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* The driver's own business: a part's failure is the whole's. */
static NTSTATUS NTAPI
PartDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    InterlockedIncrement(&KtPartsDone);
    if (!NT_SUCCESS(Irp->IoStatus.Status))
        Irp->AssociatedIrp.MasterIrp->IoStatus.Status = Irp->IoStatus.Status;
    return STATUS_SUCCESS;
}

/* A master whose parts the device keeps. */
static PIRP
SendParts(PIRP *Parts)
{
    PIRP Master = IoAllocateIrp(KtDevice->StackSize + 1, FALSE);

    KtMasters = KtPartsDone = 0;
    IoSetCompletionRoutine(Master, MasterDone, NULL, TRUE, TRUE, TRUE);
    IoSetNextIrpStackLocation(Master);
    Master->IoStatus.Status = STATUS_SUCCESS;
    Master->AssociatedIrp.IrpCount = PARTS;
    for (ULONG Index = 0; Index < PARTS; Index++) {
        Parts[Index] = IoMakeAssociatedIrp(Master, KtDevice->StackSize);
        EXPECT(Parts[Index]->Flags & IRP_ASSOCIATED_IRP);
        IoGetNextIrpStackLocation(Parts[Index])->MajorFunction = IRP_MJ_READ;
        IoSetCompletionRoutine(Parts[Index], PartDone, NULL, TRUE, TRUE, TRUE);
        EXPECT(IoCallDriver(KtDevice, Parts[Index]) == STATUS_PENDING);
    }
    return Master;
}

static VOID
CompletePart(PIRP Part, NTSTATUS Status)
{
    EXPECT(IoSetCancelRoutine(Part, NULL) == Cancelled);
    Finish(Part, Status, IO_NO_INCREMENT);
}

static VOID
AssociatedIrps(VOID)
{
    PIRP Parts[PARTS], Master = SendParts(Parts);

    CompletePart(Parts[2], STATUS_SUCCESS);
    CompletePart(Parts[0], STATUS_DEVICE_DATA_ERROR);
    CompletePart(Parts[1], STATUS_SUCCESS);
    EXPECT(KtMasters == 0 && KtPartsDone == 3);
    CompletePart(Parts[3], STATUS_SUCCESS);
    EXPECT(KtMasters == 1 && Master->IoStatus.Status == STATUS_DEVICE_DATA_ERROR);
    IoFreeIrp(Master);

    Master = SendParts(Parts);
    EXPECT(!IoCancelIrp(Master));               // that alone does not reach the parts
    for (ULONG Index = 0; Index < PARTS; Index++) {
        EXPECT(KtMasters == 0);
        if (Index == 1)
            CompletePart(Parts[Index], STATUS_SUCCESS);
        else
            EXPECT(IoCancelIrp(Parts[Index]));
    }
    EXPECT(KtMasters == 1 && KtPartsDone == PARTS);
    EXPECT(Master->IoStatus.Status == STATUS_CANCELLED);
    IoFreeIrp(Master);
}

/* ---- a driver's own IRPs ---- */

/* What their sender must do in its completion routine; NULL: the memory is not the kernel's. */
static NTSTATUS NTAPI
OwnDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Free)
{
    PMDL Mdl = Irp->MdlAddress;

    InterlockedIncrement(&KtMasters);
    if (Irp->Flags & IRP_DEALLOCATE_BUFFER)
        ExFreePool(Irp->AssociatedIrp.SystemBuffer);
    if (Mdl != NULL) {
        MmUnlockPages(Mdl);
        IoFreeMdl(Mdl);
    }
    if (Free != NULL)
        IoFreeIrp(Irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID
BuildAs(ULONG Kind, PUCHAR Data, ULONG Length)
{
    LARGE_INTEGER      Offset = { .QuadPart = 77 };
    IO_STATUS_BLOCK    Iosb = { .Information = 99 };
    PIO_STACK_LOCATION Sp;
    PIRP               Irp;

    KtDevice->Flags |= Kind;
    KtMasters = 0;
    Irp = IoBuildAsynchronousFsdRequest(IRP_MJ_WRITE, KtDevice, Data, Length, &Offset, &Iosb);
    Sp = IoGetNextIrpStackLocation(Irp);
    EXPECT(Irp->UserIosb == &Iosb && Irp->Tail.Overlay.Thread == PsGetCurrentThread());
    EXPECT(IsListEmpty(&Irp->ThreadListEntry) && Irp->RequestorMode == KernelMode);
    EXPECT(Sp->MajorFunction == IRP_MJ_WRITE && Sp->Parameters.Write.Length == Length
           && Sp->Parameters.Write.ByteOffset.QuadPart == 77);
    EXPECT((Irp->MdlAddress != NULL) == (Kind == DO_DIRECT_IO)
           && (Irp->AssociatedIrp.SystemBuffer != NULL) == (Kind == DO_BUFFERED_IO));
    if (Kind == DO_BUFFERED_IO)
        EXPECT(RtlCompareMemory(Irp->AssociatedIrp.SystemBuffer, Data, Length) == Length);
    IoSetCompletionRoutine(Irp, OwnDone, KtDevice, TRUE, TRUE, TRUE);
    EXPECT(IoCallDriver(KtDevice, Irp) == STATUS_SUCCESS && KtMasters == 1);
    EXPECT(Iosb.Information == 99);             // it never reached the top
    KtDevice->Flags &= ~Kind;
}

static VOID
OwnIrps(VOID)
{
    PUCHAR Data = ExAllocatePoolWithTag(PagedPool, 5000, KT_TAG);
    PIRP   Own = ExAllocatePoolWithTag(NonPagedPool, IoSizeOfIrp(2), KT_TAG);

    RtlFillMemory(Data, 5000, 0x5A);
    for (ULONG Length = 3; Length <= 5000; Length += 4997) {
        BuildAs(0, Data, Length);
        BuildAs(DO_BUFFERED_IO, Data, Length);
        BuildAs(DO_DIRECT_IO, Data, Length);
    }
    KtMasters = 0;
    IoInitializeIrp(Own, IoSizeOfIrp(2), 2);
    EXPECT(Own->StackCount == 2 && Own->CurrentLocation == 3 && Own->Size == IoSizeOfIrp(2));
    IoGetNextIrpStackLocation(Own)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
    IoSetCompletionRoutine(Own, OwnDone, NULL, TRUE, TRUE, TRUE);
    EXPECT(IoCallDriver(KtDevice, Own) == STATUS_SUCCESS && KtMasters == 1);
    ExFreePool(Own);
    ExFreePool(Data);
}

/* ---- remove locks ---- */

static IO_REMOVE_LOCK KtLock;
static KEVENT         KtRemoved;

static VOID NTAPI
Remover(PVOID Context)
{
    EXPECT(IoAcquireRemoveLock(&KtLock, NULL) == STATUS_SUCCESS);
    IoReleaseRemoveLockAndWait(&KtLock, NULL);
    KeSetEvent(&KtRemoved, 0, FALSE);
}

static VOID
RemoveLock(VOID)
{
    PKTHREAD Thread;

    IoInitializeRemoveLock(&KtLock, KT_TAG, 0, 0);
    KeInitializeEvent(&KtRemoved, NotificationEvent, FALSE);
    EXPECT(IoAcquireRemoveLock(&KtLock, NULL) == STATUS_SUCCESS);
    EXPECT(IoAcquireRemoveLock(&KtLock, &KtLock) == STATUS_SUCCESS);
    Thread = KtStart(Remover, NULL);
    while (NT_SUCCESS(IoAcquireRemoveLock(&KtLock, Thread))) {  // until the remover has begun
        IoReleaseRemoveLock(&KtLock, Thread);
        KtSleep(1);
    }
    IoReleaseRemoveLock(&KtLock, &KtLock);
    EXPECT(KtWait(&KtRemoved, 30) == STATUS_TIMEOUT);           // one holder is left
    IoReleaseRemoveLock(&KtLock, NULL);
    KtJoin(Thread);
    EXPECT(KeReadStateEvent(&KtRemoved) != 0);
    EXPECT(IoAcquireRemoveLock(&KtLock, NULL) == STATUS_DELETE_PENDING);
}

/* ---- boost ---- */

typedef struct _READER {
    PIRP volatile Irp;
    KPRIORITY     First, Last;
} READER;

/* Waits for a request; runs with a boost then, which is gone when it has run for a while. */
static VOID NTAPI
ReaderThread(PVOID Context)
{
    READER         *Reader = Context;
    IO_STATUS_BLOCK Iosb;
    KEVENT          Event;
    PIRP            Irp;
    ULONG64         End;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    KeSetPriorityThread(KeGetCurrentThread(), PRIORITY);
    Irp = IoBuildSynchronousFsdRequest(IRP_MJ_READ, KtDevice, NULL, 0, NULL, &Event, &Iosb);
    EXPECT(IoCallDriver(KtDevice, Irp) == STATUS_PENDING);
    Reader->Irp = Irp;
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    Reader->First = KeQueryPriorityThread(KeGetCurrentThread());
    for (End = KeQueryInterruptTime() + MILLISECONDS(KT_PATIENCE); KeQueryInterruptTime() < End;)
        if ((Reader->Last = KeQueryPriorityThread(KeGetCurrentThread())) == PRIORITY)
            break;
}

static VOID
Boost(VOID)
{
    static const CCHAR Boosts[] = { IO_NO_INCREMENT, IO_DISK_INCREMENT, IO_KEYBOARD_INCREMENT };

    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Boosts); Index++) {
        READER   Reader = { .Irp = NULL };
        PKTHREAD Thread = KtStart(ReaderThread, &Reader);

        KT_AWAIT(Reader.Irp != NULL);
        KtAwaitWaiters(Reader.Irp->UserEvent, 1);
        EXPECT(IoSetCancelRoutine(Reader.Irp, NULL) == Cancelled);
        Finish(Reader.Irp, STATUS_SUCCESS, Boosts[Index]);
        KtJoin(Thread);
        EXPECT(Reader.First == PRIORITY + Boosts[Index] && Reader.Last == PRIORITY);
    }
}

static const KT_TEST Tests[] = {
    { "Fast I/O is tried before an IRP is made, and an IRP is made when it says no", FastFirst },
    { "The last associated IRP completes the master, whether the parts succeed, fail or are "
      "cancelled", AssociatedIrps },
    { "A driver's own IRPs are built with a device's buffers, or made in its own memory",
      OwnIrps },
    { "A remove lock is waited for until its last holder lets go", RemoveLock },
    { "A completion boosts the thread that waits by what it says, and the boost decays", Boost },
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

    for (ULONG Major = 0; Major <= IRP_MJ_MAXIMUM_FUNCTION; Major++)
        DriverObject->MajorFunction[Major] = Dispatch;
    DriverObject->DriverUnload = Unload;
    KtFastIo.SizeOfFastIoDispatch = sizeof KtFastIo;
    KtFastIo.FastIoRead = FastTransfer;
    KtFastIo.FastIoWrite = FastTransfer;
    KtFastIo.FastIoDeviceControl = FastControl;
    DriverObject->FastIoDispatch = &KtFastIo;
    IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &KtDevice);
    KtDevice->Flags &= ~DO_DEVICE_INITIALIZING;         // it is opened before DriverEntry returns
    KtRun("ktpath", Tests, RTL_NUMBER_OF(Tests));
    return STATUS_SUCCESS;
}
