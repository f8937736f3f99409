/*
 * xfer.sys: a device for programs that test how requests travel, and end (xfer.h).
 *
 * What it pends lies in a cancel-safe queue; CLEANUP cancels what its file has there, unless the
 * file's name is \keep: then CLOSE comes when the last of it is released, in whatever thread that
 * is. Share access is counted over all files of a device whose name is \share.
 */
#include <ntifs.h>
#include "xfer.h"

typedef struct _XFER_DEVICE {
    IO_CSQ       Csq;
    KSPIN_LOCK   Lock;                          // guards Pending
    LIST_ENTRY   Pending;
    FAST_MUTEX   ShareMutex;                    // guards Share
    SHARE_ACCESS Share;
    XFER_COUNTS  Counts;
    LONG         Order;
} XFER_DEVICE, *PXFER_DEVICE;

static const struct { PWSTR Name, Link; ULONG Flags; } XferDevices[] = {
    { L"\\Device\\XferBuffered", L"\\??\\XferBuffered", DO_BUFFERED_IO },
    { L"\\Device\\XferDirect",   L"\\??\\XferDirect",   DO_DIRECT_IO },
    { L"\\Device\\XferNeither",  L"\\??\\XferNeither",  0 },
};

DRIVER_INITIALIZE DriverEntry;

static VOID NTAPI
XferInsert(PIO_CSQ Csq, PIRP Irp)
{
    PXFER_DEVICE Device = CONTAINING_RECORD(Csq, XFER_DEVICE, Csq);

    InsertTailList(&Device->Pending, &Irp->Tail.Overlay.ListEntry);
    Device->Counts.Pended++;
}

static VOID NTAPI
XferRemove(PIO_CSQ Csq, PIRP Irp)
{
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
    CONTAINING_RECORD(Csq, XFER_DEVICE, Csq)->Counts.Pended--;
}

/* Context: a file whose requests are wanted, or NULL. */
static PIRP NTAPI
XferPeek(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    PXFER_DEVICE Device = CONTAINING_RECORD(Csq, XFER_DEVICE, Csq);
    PLIST_ENTRY  Entry = Irp == NULL ? Device->Pending.Flink : Irp->Tail.Overlay.ListEntry.Flink;

    for (; Entry != &Device->Pending; Entry = Entry->Flink) {
        Irp = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry);
        if (Context == NULL || IoGetCurrentIrpStackLocation(Irp)->FileObject == Context)
            return Irp;
    }
    return NULL;
}

static VOID NTAPI
XferAcquire(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&CONTAINING_RECORD(Csq, XFER_DEVICE, Csq)->Lock, Irql);
}

static VOID NTAPI
XferRelease(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&CONTAINING_RECORD(Csq, XFER_DEVICE, Csq)->Lock, Irql);
}

static NTSTATUS
XferComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static VOID NTAPI
XferCancelled(PIO_CSQ Csq, PIRP Irp)
{
    XferComplete(Irp, STATUS_CANCELLED, 0);
}

static BOOLEAN
XferIsNamed(PFILE_OBJECT File, PCWSTR Name)
{
    UNICODE_STRING Wanted;

    RtlInitUnicodeString(&Wanted, Name);
    return RtlEqualUnicodeString(&File->FileName, &Wanted, TRUE);
}

static NTSTATUS NTAPI
XferCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PXFER_DEVICE       Device = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS           Status = STATUS_SUCCESS;

    if (XferIsNamed(Stack->FileObject, L"\\share")) {
        ExAcquireFastMutex(&Device->ShareMutex);
        Status = IoCheckShareAccess(Stack->Parameters.Create.SecurityContext->DesiredAccess,
                                    Stack->Parameters.Create.ShareAccess, Stack->FileObject,
                                    &Device->Share, TRUE);
        ExReleaseFastMutex(&Device->ShareMutex);
    }
    if (NT_SUCCESS(Status))
        InterlockedIncrement(&Device->Counts.Creates);
    return XferComplete(Irp, Status, FILE_OPENED);
}

static NTSTATUS NTAPI
XferCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PXFER_DEVICE Device = DeviceObject->DeviceExtension;
    PFILE_OBJECT File = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    PIRP         Pending;

    if (XferIsNamed(File, L"\\share")) {
        ExAcquireFastMutex(&Device->ShareMutex);
        IoRemoveShareAccess(File, &Device->Share);
        ExReleaseFastMutex(&Device->ShareMutex);
    }
    Device->Counts.CleanupThread = (ULONG64)PsGetCurrentThreadId();
    Device->Counts.CleanupOrder = InterlockedIncrement(&Device->Order);
    InterlockedIncrement(&Device->Counts.Cleanups);
    if (!XferIsNamed(File, L"\\keep"))
        while ((Pending = IoCsqRemoveNextIrp(&Device->Csq, File)) != NULL)
            XferComplete(Pending, STATUS_CANCELLED, 0);
    return XferComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI
XferClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PXFER_DEVICE Device = DeviceObject->DeviceExtension;

    Device->Counts.CloseThread = (ULONG64)PsGetCurrentThreadId();
    Device->Counts.CloseOrder = InterlockedIncrement(&Device->Order);
    InterlockedIncrement(&Device->Counts.Closes);
    return XferComplete(Irp, STATUS_SUCCESS, 0);
}

/* Fills the memory with the pattern, or checks it; raises if it is a program's and bad. */
static BOOLEAN
XferPattern(PUCHAR Memory, ULONG Length, ULONG64 Offset, BOOLEAN Write)
{
    for (ULONG Index = 0; Index < Length; Index++) {
        if (!Write)
            Memory[Index] = XFER_PATTERN(Offset + Index);
        else if (Memory[Index] != XFER_PATTERN(Offset + Index))
            return FALSE;
    }
    return TRUE;
}

static NTSTATUS
XferTransferNeither(PIRP Irp, ULONG Length, ULONG64 Offset, BOOLEAN Write)
{
    __try {
        if (Irp->RequestorMode != KernelMode && Write)
            ProbeForRead(Irp->UserBuffer, Length, 1);
        else if (Irp->RequestorMode != KernelMode)
            ProbeForWrite(Irp->UserBuffer, Length, 1);
        return XferPattern(Irp->UserBuffer, Length, Offset, Write)
            ? STATUS_SUCCESS : STATUS_DATA_ERROR;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
}

static NTSTATUS NTAPI
XferReadWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PXFER_DEVICE       Device = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG              Length = Stack->Parameters.Read.Length;
    ULONG64            Offset = (ULONG64)Stack->Parameters.Read.ByteOffset.QuadPart;
    BOOLEAN            Write = Stack->MajorFunction == IRP_MJ_WRITE;
    PUCHAR             Memory = Irp->AssociatedIrp.SystemBuffer;
    NTSTATUS           Status = STATUS_SUCCESS;

    Device->Counts.LastOffset = Offset;
    Device->Counts.LastKey = Stack->Parameters.Read.Key;
    Device->Counts.LastLength = Length;
    if (Irp->MdlAddress != NULL)
        Memory = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    if (Length == 0)
        Status = Memory == NULL ? STATUS_SUCCESS : STATUS_INTERNAL_ERROR;
    else if (!(DeviceObject->Flags & (DO_BUFFERED_IO | DO_DIRECT_IO)))
        Status = XferTransferNeither(Irp, Length, Offset, Write);
    else if (Memory == NULL)
        Status = STATUS_INTERNAL_ERROR;
    else if (!XferPattern(Memory, Length, Offset, Write))
        Status = STATUS_DATA_ERROR;
    if (NT_SUCCESS(Status) && (Stack->FileObject->Flags & FO_SYNCHRONOUS_IO))
        Stack->FileObject->CurrentByteOffset.QuadPart = (LONG64)Offset + Length;
    return XferComplete(Irp, Status, NT_SUCCESS(Status) ? Length : 0);
}

/* Where a control request's input and output are, by its method. */
static VOID
XferBuffers(PIRP Irp, PIO_STACK_LOCATION Stack, PUCHAR *Input, PUCHAR *Output)
{
    ULONG Method = Stack->Parameters.DeviceIoControl.IoControlCode & 3;

    *Input = *Output = Irp->AssociatedIrp.SystemBuffer;
    if (Method == METHOD_NEITHER) {
        *Input = Stack->Parameters.DeviceIoControl.Type3InputBuffer;
        *Output = Irp->UserBuffer;
    } else if (Method != METHOD_BUFFERED) {
        *Output = Irp->MdlAddress == NULL
            ? NULL : MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    }
}

/* METHOD_IN_DIRECT's second buffer is input too: it is only read, and must be the complement. */
static NTSTATUS
XferEcho(PIRP Irp, PIO_STACK_LOCATION Stack, PULONG_PTR Information)
{
    ULONG  InLength = Stack->Parameters.DeviceIoControl.InputBufferLength;
    ULONG  OutLength = Stack->Parameters.DeviceIoControl.OutputBufferLength;
    ULONG  Method = Stack->Parameters.DeviceIoControl.IoControlCode & 3;
    ULONG  Length = min(InLength, OutLength);
    PUCHAR Input, Output;

    XferBuffers(Irp, Stack, &Input, &Output);
    if (Method != METHOD_NEITHER && ((InLength != 0 && Input == NULL)
                                     || (OutLength != 0 && Output == NULL)))
        return STATUS_INTERNAL_ERROR;
    __try {
        if (Method == METHOD_NEITHER && Irp->RequestorMode != KernelMode) {
            ProbeForRead(Input, InLength, 1);
            ProbeForWrite(Output, OutLength, 1);
        }
        for (ULONG Index = 0; Index < Length; Index++) {
            if (Method != METHOD_IN_DIRECT)
                Output[Index] = (UCHAR)~Input[Index];
            else if (Output[Index] != (UCHAR)~Input[Index])
                return STATUS_DATA_ERROR;
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    *Information = Length;
    return STATUS_SUCCESS;
}

/* Ends everything pended now, one after the other: the end of one may let another come. */
static ULONG
XferReleaseAll(PXFER_DEVICE Device, PXFER_ENDING Ending)
{
    LIST_ENTRY Irps;
    ULONG      Count = 0;
    PIRP       Irp;

    InitializeListHead(&Irps);
    while ((Irp = IoCsqRemoveNextIrp(&Device->Csq, NULL)) != NULL)
        InsertTailList(&Irps, &Irp->Tail.Overlay.ListEntry);
    for (; !IsListEmpty(&Irps); Count++)
        XferComplete(CONTAINING_RECORD(RemoveHeadList(&Irps), IRP, Tail.Overlay.ListEntry),
                     Ending->Status, Ending->Information);
    return Count;
}

static VOID
XferPoke(PXFER_DEVICE Device, PVOID Data, ULONG Length)
{
    PIRP  Irp = NULL;
    KIRQL Irql;

    KeAcquireSpinLock(&Device->Lock, &Irql);
    while ((Irp = XferPeek(&Device->Csq, Irp, NULL)) != NULL)
        if (Irp->MdlAddress != NULL)
            RtlCopyMemory(MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority), Data,
                          min(Length, MmGetMdlByteCount(Irp->MdlAddress)));
    KeReleaseSpinLock(&Device->Lock, Irql);
}

static NTSTATUS
XferPend(PXFER_DEVICE Device, PIRP Irp)
{
    if (Irp->MdlAddress != NULL)                // the mapping is made where the thread may wait
        MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    IoCsqInsertIrp(&Device->Csq, Irp, NULL);
    return STATUS_PENDING;
}

static NTSTATUS NTAPI
XferControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PXFER_DEVICE       Device = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG              Length = Stack->Parameters.DeviceIoControl.InputBufferLength;
    ULONG              Room = Stack->Parameters.DeviceIoControl.OutputBufferLength;
    PXFER_ENDING       Ending = Irp->AssociatedIrp.SystemBuffer;
    ULONG_PTR          Information = 0;
    NTSTATUS           Status = STATUS_SUCCESS;

    switch (((Stack->Parameters.DeviceIoControl.IoControlCode >> 2) & 0xFFF) - 0x800) {
    case XFER_ECHO:
        Status = XferEcho(Irp, Stack, &Information);
        break;
    case XFER_END:
    case XFER_PEND_MARK:
        if (Length < sizeof *Ending || Ending == NULL)
            return XferComplete(Irp, STATUS_INVALID_PARAMETER, 0);
        Status = Ending->Status;
        if ((Stack->Parameters.DeviceIoControl.IoControlCode >> 2 & 0xFFF) == 0x800 + XFER_END)
            return XferComplete(Irp, Status, Ending->Information);
        IoMarkIrpPending(Irp);
        XferComplete(Irp, Status, Ending->Information);
        return STATUS_PENDING;
    case XFER_PEND:
        return XferPend(Device, Irp);
    case XFER_RELEASE:
        if (Length < sizeof *Ending || Ending == NULL)
            Status = STATUS_INVALID_PARAMETER;
        else
            Information = XferReleaseAll(Device, Ending);
        break;
    case XFER_QUERY:
        if (Room < sizeof Device->Counts || Ending == NULL)
            return XferComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
        *(PXFER_COUNTS)Irp->AssociatedIrp.SystemBuffer = Device->Counts;
        Information = sizeof Device->Counts;
        break;
    case XFER_POKE:
        XferPoke(Device, Irp->AssociatedIrp.SystemBuffer, Length);
        break;
    default:
        Status = STATUS_INVALID_DEVICE_REQUEST;
    }
    return XferComplete(Irp, Status, Information);
}

static VOID NTAPI
XferUnload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link;

    for (ULONG Index = 0; Index < RTL_NUMBER_OF(XferDevices); Index++) {
        RtlInitUnicodeString(&Link, XferDevices[Index].Link);
        IoDeleteSymbolicLink(&Link);
    }
    while (DriverObject->DeviceObject != NULL)
        IoDeleteDevice(DriverObject->DeviceObject);
}

static NTSTATUS
XferAddDevice(PDRIVER_OBJECT DriverObject, ULONG Index)
{
    UNICODE_STRING Name, Link;
    PDEVICE_OBJECT DeviceObject;
    PXFER_DEVICE   Device;
    NTSTATUS       Status;

    RtlInitUnicodeString(&Name, XferDevices[Index].Name);
    RtlInitUnicodeString(&Link, XferDevices[Index].Link);
    Status = IoCreateDevice(DriverObject, sizeof *Device, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE,
                            &DeviceObject);
    if (!NT_SUCCESS(Status))
        return Status;
    DeviceObject->Flags |= XferDevices[Index].Flags;
    Device = DeviceObject->DeviceExtension;
    InitializeListHead(&Device->Pending);
    KeInitializeSpinLock(&Device->Lock);
    ExInitializeFastMutex(&Device->ShareMutex);
    IoCsqInitialize(&Device->Csq, XferInsert, XferRemove, XferPeek, XferAcquire, XferRelease,
                    XferCancelled);
    return IoCreateSymbolicLink(&Link, &Name);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status = STATUS_SUCCESS;

    DriverObject->DriverUnload = XferUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = XferCreate;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = XferCleanup;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = XferClose;
    DriverObject->MajorFunction[IRP_MJ_READ] = XferReadWrite;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = XferReadWrite;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = XferControl;
    DriverObject->MajorFunction[IRP_MJ_FILE_SYSTEM_CONTROL] = XferControl;
    for (ULONG Index = 0; NT_SUCCESS(Status) && Index < RTL_NUMBER_OF(XferDevices); Index++)
        Status = XferAddDevice(DriverObject, Index);
    if (!NT_SUCCESS(Status))
        XferUnload(DriverObject);
    return Status;
}
