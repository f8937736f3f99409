/*
 * Tests IRPs from inside: those a driver allocates, builds and sends itself, along a stack of two
 * devices of its own, a filter above a bottom.
 *
 * The bottom answers reads with bytes that count from the request's offset, and control requests
 * with their input upside down; pended ones are completed by a DPC. The filter passes everything
 * down, with a completion routine that notes what it saw.
 */
#include <ntifs.h>
#include "../ktest.h"

#define LENGTH          5000
#define MINOR_PEND      0x77                    // a request that the bottom pends

static PDEVICE_OBJECT KtDevice, KtFilter;       // the bottom, and what is attached above it
static UCHAR          KtData[LENGTH];
static volatile LONG  KtPassed, KtSeen, KtSeenPending;
static NTSTATUS       KtSeenStatus;
static KDPC           KtDpc;

static UCHAR
Pattern(ULONG64 Offset)
{
    return (UCHAR)(Offset * 7 + 3);
}

static BOOLEAN
HasPattern(ULONG64 Offset, ULONG Length)
{
    for (ULONG Index = 0; Index < Length; Index++)
        if (KtData[Index] != Pattern(Offset + Index))
            return FALSE;
    return TRUE;
}

static PUCHAR
TransferBuffer(PIRP Irp)
{
    if (Irp->MdlAddress != NULL)
        return MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    if (Irp->AssociatedIrp.SystemBuffer != NULL)
        return Irp->AssociatedIrp.SystemBuffer;
    return Irp->UserBuffer;
}

static VOID
Read(PIRP Irp, PIO_STACK_LOCATION Stack)
{
    ULONG64 Offset = (ULONG64)Stack->Parameters.Read.ByteOffset.QuadPart;
    PUCHAR  Buffer = TransferBuffer(Irp);

    for (ULONG Index = 0; Index < Stack->Parameters.Read.Length; Index++)
        Buffer[Index] = Pattern(Offset + Index);
    Irp->IoStatus.Information = Stack->Parameters.Read.Length;
}

static VOID
Control(PIRP Irp, PIO_STACK_LOCATION Stack)
{
    ULONG  Length = min(Stack->Parameters.DeviceIoControl.InputBufferLength,
                        Stack->Parameters.DeviceIoControl.OutputBufferLength);
    ULONG  Method = Stack->Parameters.DeviceIoControl.IoControlCode & 3;
    PUCHAR From = Irp->AssociatedIrp.SystemBuffer, To = Irp->AssociatedIrp.SystemBuffer;

    if (Method == METHOD_NEITHER) {
        From = Stack->Parameters.DeviceIoControl.Type3InputBuffer;
        To = Irp->UserBuffer;
    } else if (Method != METHOD_BUFFERED) {
        To = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    }
    for (ULONG Index = 0; Index < Length; Index++)
        To[Index] = (UCHAR)~From[Index];
    Irp->IoStatus.Information = Length;
}

static VOID NTAPI
CompleteLater(PKDPC Dpc, PVOID Context, PVOID Irp, PVOID Unused)
{
    ((PIRP)Irp)->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest((PIRP)Irp, IO_NO_INCREMENT);
}

static NTSTATUS NTAPI
NoteCompletion(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    EXPECT(DeviceObject == KtFilter && Context == &KtPassed);
    InterlockedIncrement(&KtSeen);
    KtSeenStatus = Irp->IoStatus.Status;
    if (Irp->PendingReturned) {
        InterlockedIncrement(&KtSeenPending);
        IoMarkIrpPending(Irp);
    }
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS NTAPI
Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

    if (DeviceObject == KtFilter) {
        InterlockedIncrement(&KtPassed);
        IoCopyCurrentIrpStackLocationToNext(Irp);
        IoSetCompletionRoutine(Irp, NoteCompletion, (PVOID)&KtPassed, TRUE, TRUE, TRUE);
        return IoCallDriver(KtDevice, Irp);
    }

    Irp->IoStatus.Information = 0;
    if (Stack->MajorFunction == IRP_MJ_READ)
        Read(Irp, Stack);
    else if (Stack->MajorFunction == IRP_MJ_DEVICE_CONTROL)
        Control(Irp, Stack);
    if (Stack->MinorFunction == MINOR_PEND) {
        IoMarkIrpPending(Irp);
        KeInsertQueueDpc(&KtDpc, Irp, NULL);
        return STATUS_PENDING;
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID
AllocateAndReuse(VOID)
{
    PIRP Irp = IoAllocateIrp(3, FALSE);

    EXPECT(Irp->Type == IO_TYPE_IRP && Irp->StackCount == 3 && Irp->CurrentLocation == 4);
    EXPECT(Irp->Size == IoSizeOfIrp(3) && IsListEmpty(&Irp->ThreadListEntry));
    EXPECT(Irp->Tail.Overlay.CurrentStackLocation == (PIO_STACK_LOCATION)(Irp + 1) + 3);
    Irp->IoStatus.Information = 5;
    Irp->Flags = IRP_NOCACHE;
    IoSetNextIrpStackLocation(Irp);
    IoReuseIrp(Irp, STATUS_TIMEOUT);
    EXPECT(Irp->IoStatus.Status == STATUS_TIMEOUT && Irp->IoStatus.Information == 0 &&
           Irp->Flags == 0);
    EXPECT(Irp->CurrentLocation == 4);
    IoFreeIrp(Irp);
    Irp = IoAllocateIrp(100, FALSE);
    EXPECT(Irp != NULL && Irp->StackCount == 100);
    IoFreeIrp(Irp);
    EXPECT(IoAllocateIrp(0, FALSE) == NULL);
}

static NTSTATUS NTAPI
KeepIrp(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    EXPECT(DeviceObject == NULL);               // the IRP was allocated without a location of ours
    KeSetEvent(Context, 0, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* An IRP of the driver's own: sent, kept by its completion routine, sent again, freed. */
static VOID
OwnIrp(VOID)
{
    PIRP               Irp = IoAllocateIrp(KtDevice->StackSize, FALSE);
    PIO_STACK_LOCATION Stack;
    KEVENT             Done;

    for (ULONG Round = 0; Round < 3; Round++) {
        KeInitializeEvent(&Done, NotificationEvent, FALSE);
        Stack = IoGetNextIrpStackLocation(Irp);
        Stack->MajorFunction = IRP_MJ_READ;
        Stack->Parameters.Read.Length = 100;
        Stack->Parameters.Read.ByteOffset.QuadPart = Round;
        Irp->UserBuffer = KtData;
        IoSetCompletionRoutine(Irp, KeepIrp, &Done, TRUE, TRUE, TRUE);
        EXPECT(IoCallDriver(KtDevice, Irp) == STATUS_SUCCESS);
        EXPECT(KeReadStateEvent(&Done) != 0 && Irp->IoStatus.Information == 100 &&
               HasPattern(Round, 100));
        IoReuseIrp(Irp, STATUS_SUCCESS);
    }
    IoFreeIrp(Irp);
}

static VOID
BuiltRequests(VOID)
{
    static const ULONG Kinds[] = { 0, DO_BUFFERED_IO, DO_DIRECT_IO };
    LARGE_INTEGER      Offset = { .QuadPart = 9 };
    UCHAR              In[8] = { 1 }, Out[8];
    IO_STATUS_BLOCK    Iosb;
    KEVENT             Event;
    PIRP               Irp;

    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Kinds); Index++) {
        KtDevice->Flags |= Kinds[Index];
        KeInitializeEvent(&Event, NotificationEvent, FALSE);
        RtlZeroMemory(KtData, LENGTH);
        Irp = IoBuildSynchronousFsdRequest(IRP_MJ_READ, KtDevice, KtData, LENGTH, &Offset, &Event,
                                           &Iosb);
        EXPECT(IoCallDriver(KtDevice, Irp) == STATUS_SUCCESS);
        EXPECT(KtPoll(&Event) == STATUS_SUCCESS && Iosb.Information == LENGTH &&
               HasPattern(9, LENGTH));
        KtDevice->Flags &= ~Kinds[Index];
    }
    for (ULONG Method = METHOD_BUFFERED; Method <= METHOD_NEITHER; Method++) {
        KeInitializeEvent(&Event, NotificationEvent, FALSE);
        Irp = IoBuildDeviceIoControlRequest(CTL_CODE(FILE_DEVICE_UNKNOWN, 0x902, Method,
                                                     FILE_ANY_ACCESS), KtDevice, In,
                                            sizeof In, Out, sizeof Out, FALSE, &Event, &Iosb);
        EXPECT(IoCallDriver(KtDevice, Irp) == STATUS_SUCCESS);
        EXPECT(KtPoll(&Event) == STATUS_SUCCESS && Iosb.Information == sizeof Out &&
               Out[0] == 0xFE && Out[7] == 0xFF);
    }
}

static VOID
AssociatedIrps(VOID)
{
    PIRP   Master = IoAllocateIrp(KtDevice->StackSize + 1, FALSE);
    KEVENT Done;

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    IoSetCompletionRoutine(Master, KeepIrp, &Done, TRUE, TRUE, TRUE);
    IoSetNextIrpStackLocation(Master);
    Master->IoStatus.Status = STATUS_SUCCESS;
    Master->AssociatedIrp.IrpCount = 3;
    for (ULONG Index = 0; Index < 3; Index++) {
        PIRP Part = IoMakeAssociatedIrp(Master, KtDevice->StackSize);

        EXPECT(KeReadStateEvent(&Done) == 0);
        IoGetNextIrpStackLocation(Part)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
        IoCallDriver(KtDevice, Part);
    }
    EXPECT(KeReadStateEvent(&Done) != 0);
    IoFreeIrp(Master);
}

/* Through the filter: its completion routine runs, and pending is passed up. */
static VOID
ThroughFilter(VOID)
{
    LARGE_INTEGER   Offset = { .QuadPart = 4 };
    IO_STATUS_BLOCK Iosb;
    KEVENT          Event;
    NTSTATUS        Status;
    PIRP            Irp;

    EXPECT(KtFilter->StackSize == KtDevice->StackSize + 1);
    for (ULONG Pend = 0; Pend <= 1; Pend++) {
        KtPassed = KtSeen = KtSeenPending = 0;
        KeInitializeEvent(&Event, NotificationEvent, FALSE);
        Irp = IoBuildSynchronousFsdRequest(IRP_MJ_READ, KtFilter, KtData, LENGTH, &Offset, &Event,
                                           &Iosb);
        IoGetNextIrpStackLocation(Irp)->MinorFunction = Pend ? MINOR_PEND : 0;
        Status = IoCallDriver(KtFilter, Irp);
        EXPECT(Status == (Pend ? STATUS_PENDING : STATUS_SUCCESS));
        EXPECT(KtWait(&Event, KT_PATIENCE) == STATUS_SUCCESS && Iosb.Status == STATUS_SUCCESS);
        EXPECT(KtPassed == 1 && KtSeen == 1 && KtSeenPending == (LONG)Pend &&
               HasPattern(4, LENGTH));
    }
}

static NTSTATUS NTAPI
Note(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    EXPECT(DeviceObject == KtFilter && Context == Irp);
    InterlockedIncrement(&KtSeen);
    return STATUS_SUCCESS;                      // and does not pass the mark on
}

static NTSTATUS NTAPI
KeepAndNote(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    KtSeenPending = Irp->PendingReturned;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* One location's routine wants the ends in Wanted: 1 success, 2 error, 4 cancelled. */
static VOID
CompleteAs(ULONG Wanted, NTSTATUS Status, BOOLEAN Cancel, BOOLEAN Pend)
{
    PIRP    Irp = IoAllocateIrp(2, FALSE);
    BOOLEAN Called = (NT_SUCCESS(Status) ? Wanted & 1 : Wanted & 2) || (Cancel && (Wanted & 4));

    KtSeen = 0;
    KtSeenPending = 99;
    IoSetCompletionRoutine(Irp, KeepAndNote, NULL, TRUE, TRUE, TRUE);
    IoSetNextIrpStackLocation(Irp);
    IoGetCurrentIrpStackLocation(Irp)->DeviceObject = KtFilter;
    IoSetCompletionRoutine(Irp, Note, Irp, Wanted & 1, (Wanted & 2) != 0, (Wanted & 4) != 0);
    IoSetNextIrpStackLocation(Irp);
    if (Pend)
        IoMarkIrpPending(Irp);
    if (Cancel)
        EXPECT(!IoCancelIrp(Irp));
    Irp->IoStatus.Status = Status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    EXPECT(KtSeen == Called && KtSeenPending == (Pend && !Called));
    EXPECT(Irp->IoStatus.Status == Status && Irp->Cancel == Cancel);
    IoFreeIrp(Irp);
}

static VOID
WhenCompleted(VOID)
{
    static const NTSTATUS Statuses[] = { STATUS_SUCCESS, STATUS_REPARSE, STATUS_BUFFER_OVERFLOW,
                                         STATUS_DATA_ERROR, STATUS_CANCELLED };

    for (ULONG Case = 0; Case < 32; Case++)
        for (ULONG Index = 0; Index < RTL_NUMBER_OF(Statuses); Index++)
            CompleteAs(Case & 7, Statuses[Index], (Case & 8) != 0, (Case & 16) != 0);
}

static VOID
IsSynchronous(VOID)
{
    static const struct { ULONG Flags, FileFlags; UCHAR Major, Method; BOOLEAN Synchronous; }
    Cases[] = {
        { 0, 0, IRP_MJ_READ, 0, FALSE },
        { 0, FO_SYNCHRONOUS_IO, IRP_MJ_READ, 0, TRUE },
        { IRP_SYNCHRONOUS_API, 0, IRP_MJ_READ, 0, TRUE },
        { IRP_PAGING_IO, 0, IRP_MJ_READ, 0, FALSE },
        { IRP_PAGING_IO, FO_SYNCHRONOUS_IO, IRP_MJ_READ, 0, FALSE },
        { IRP_PAGING_IO | IRP_SYNCHRONOUS_API, 0, IRP_MJ_READ, 0, FALSE },
        { IRP_PAGING_IO | IRP_SYNCHRONOUS_PAGING_IO, 0, IRP_MJ_READ, 0, TRUE },
        { 0, 0, IRP_MJ_DEVICE_CONTROL, METHOD_BUFFERED, TRUE },
        { 0, 0, IRP_MJ_FILE_SYSTEM_CONTROL, METHOD_BUFFERED, TRUE },
        { 0, 0, IRP_MJ_DEVICE_CONTROL, METHOD_OUT_DIRECT, FALSE },
        { 0, 0, IRP_MJ_FILE_SYSTEM_CONTROL, METHOD_NEITHER, FALSE },
    };
    static FILE_OBJECT File;
    PIRP               Irp = IoAllocateIrp(1, FALSE);
    PIO_STACK_LOCATION Sp;

    IoSetNextIrpStackLocation(Irp);
    Sp = IoGetCurrentIrpStackLocation(Irp);
    Sp->FileObject = &File;
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Cases); Index++) {
        Irp->Flags = Cases[Index].Flags;
        File.Flags = Cases[Index].FileFlags;
        Sp->MajorFunction = Cases[Index].Major;
        Sp->Parameters.DeviceIoControl.IoControlCode = Cases[Index].Method;
        EXPECT(IoIsOperationSynchronous(Irp) == Cases[Index].Synchronous);
    }
    IoFreeIrp(Irp);
}

static const KT_TEST Tests[] = {
    { "A new IRP is laid out as documented, and IoReuseIrp readies it again", AllocateAndReuse },
    { "An IRP of the driver's own can be kept by its completion routine and sent again", OwnIrp },
    { "IoBuild...Request make IRPs that are finished in their thread", BuiltRequests },
    { "The last associated IRP completes the master", AssociatedIrps },
    { "A completion routine runs for the ends it wants; past one that does not, the mark of "
      "pending goes up by itself", WhenCompleted },
    { "IoIsOperationSynchronous tells by paging, file, service and method", IsSynchronous },
    { "A filter sees each IRP go down and come up, pended or not", ThroughFilter },
};

static VOID NTAPI
Unload(PDRIVER_OBJECT DriverObject)
{
    IoDetachDevice(KtDevice);
    IoDeleteDevice(KtFilter);
    IoDeleteDevice(KtDevice);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &KtDevice);
    IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &KtFilter);
    for (ULONG Major = 0; Major <= IRP_MJ_MAXIMUM_FUNCTION; Major++)
        DriverObject->MajorFunction[Major] = Dispatch;
    DriverObject->DriverUnload = Unload;
    KeInitializeDpc(&KtDpc, CompleteLater, NULL);
    KtDevice->Flags &= ~DO_DEVICE_INITIALIZING;         // or nothing could be attached
    IoAttachDeviceToDeviceStack(KtFilter, KtDevice);
    KtRun("ktirp", Tests, RTL_NUMBER_OF(Tests));
    return STATUS_SUCCESS;
}
