/*
 * Keeps what it is given. Reads stay with it, deaf to cancellation, until a write lets all of them
 * go; opens of \\.\Hold\slow and flushes stay until they are cancelled. Of a file with another
 * name the first letter says what else is kept like a read: open, query, cleanup or end (its
 * CLOSE). The control requests stand in hold.h.
 */
#include <ntifs.h>
#include "hold.h"

#define DEVICE_NAME     L"\\Device\\Hold"
#define LINK_NAME       L"\\DosDevices\\Hold"

static PDEVICE_OBJECT HoldDevice;
static LIST_ENTRY     HoldIrps;                // guarded by HoldLock
static KSPIN_LOCK     HoldLock;
static ULONG          HoldCount;
static PFILE_OBJECT   HoldFile;                // HOLD_REFERENCE

static NTSTATUS
Finish(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static VOID NTAPI
CancelSlow(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    Finish(Irp, STATUS_CANCELLED, 0);
}

/* Pends Irp until it is cancelled, which it may be already. */
static NTSTATUS
PendSlow(PIRP Irp)
{
    IoMarkIrpPending(Irp);
    IoSetCancelRoutine(Irp, CancelSlow);
    if (Irp->Cancel && IoSetCancelRoutine(Irp, NULL) != NULL)
        Finish(Irp, STATUS_CANCELLED, 0);
    return STATUS_PENDING;
}

static NTSTATUS
Keep(PIRP Irp)
{
    IoMarkIrpPending(Irp);
    ExInterlockedInsertTailList(&HoldIrps, &Irp->Tail.Overlay.ListEntry, &HoldLock);
    InterlockedIncrement((volatile LONG *)&HoldCount);
    return STATUS_PENDING;
}

static ULONG
LetGo(VOID)
{
    PLIST_ENTRY Entry;
    ULONG       Count = 0;

    while ((Entry = ExInterlockedRemoveHeadList(&HoldIrps, &HoldLock)) != NULL) {
        Finish(CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry), STATUS_SUCCESS, 0);
        InterlockedDecrement((volatile LONG *)&HoldCount);
        Count++;
    }
    return Count;
}

/* The last reference may be dropped where nothing can wait for the CLOSE that follows. */
static NTSTATUS
DropAtDispatchLevel(VOID)
{
    PFILE_OBJECT File = InterlockedExchangePointer((PVOID volatile *)&HoldFile, NULL);
    KIRQL        Irql;

    if (File == NULL)
        return STATUS_NOT_FOUND;
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    ObDereferenceObject(File);
    KeLowerIrql(Irql);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI
Told(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Done)
{
    KeSetEvent(Done, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS
WaitGuarded(VOID)
{
    PIRP   Read = IoAllocateIrp(HoldDevice->StackSize, FALSE);
    KEVENT Done;

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    IoGetNextIrpStackLocation(Read)->MajorFunction = IRP_MJ_READ;
    IoSetCompletionRoutine(Read, Told, &Done, TRUE, TRUE, TRUE);
    KeEnterGuardedRegion();
    IoCallDriver(HoldDevice, Read);
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    KeLeaveGuardedRegion();
    IoFreeIrp(Read);
    return STATUS_SUCCESS;
}

static NTSTATUS
Control(PIRP Irp, PIO_STACK_LOCATION Sp)
{
    PVOID   *Buffer = Irp->AssociatedIrp.SystemBuffer;
    NTSTATUS Status = STATUS_INVALID_DEVICE_REQUEST;

    switch (Sp->Parameters.DeviceIoControl.IoControlCode) {
    case HOLD_COUNT:
        if (Sp->Parameters.DeviceIoControl.OutputBufferLength < sizeof HoldCount)
            return Finish(Irp, STATUS_BUFFER_TOO_SMALL, 0);
        *(PULONG)Buffer = HoldCount;
        return Finish(Irp, STATUS_SUCCESS, sizeof HoldCount);
    case HOLD_REFERENCE:
        Status = STATUS_INVALID_PARAMETER;
        if (Sp->Parameters.DeviceIoControl.InputBufferLength == sizeof *Buffer && HoldFile == NULL)
            Status = ObReferenceObjectByHandle(*Buffer, 0, *IoFileObjectType, Irp->RequestorMode,
                                               (PVOID *)&HoldFile, NULL);
        break;
    case HOLD_DROP:
        Status = DropAtDispatchLevel();
        break;
    case HOLD_GUARDED:
        Status = WaitGuarded();
        break;
    case HOLD_SHUTDOWN:
        Status = IoRegisterShutdownNotification(HoldDevice);
        break;
    }
    return Finish(Irp, Status, 0);
}

static NTSTATUS NTAPI
Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    static const struct { UCHAR Major; WCHAR Letter; } Kept[] = {
        { IRP_MJ_CREATE, L'o' }, { IRP_MJ_QUERY_INFORMATION, L'q' }, { IRP_MJ_CLEANUP, L'c' },
        { IRP_MJ_CLOSE, L'e' },
    };
    PIO_STACK_LOCATION Sp = IoGetCurrentIrpStackLocation(Irp);
    PUNICODE_STRING    Name = Sp->FileObject != NULL ? &Sp->FileObject->FileName : NULL;
    WCHAR              Letter = Name != NULL && Name->Length > 2 ? Name->Buffer[1] : 0;

    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Kept); Index++)
        if (Kept[Index].Major == Sp->MajorFunction && Kept[Index].Letter == Letter)
            return Keep(Irp);

    switch (Sp->MajorFunction) {
    case IRP_MJ_CREATE:
        if (Letter == L's')
            return PendSlow(Irp);
        break;
    case IRP_MJ_FLUSH_BUFFERS:
        return PendSlow(Irp);
    case IRP_MJ_READ:
    case IRP_MJ_SHUTDOWN:
        return Keep(Irp);
    case IRP_MJ_WRITE:
        LetGo();
        return Finish(Irp, STATUS_SUCCESS, Sp->Parameters.Write.Length);
    case IRP_MJ_DEVICE_CONTROL:
        return Control(Irp, Sp);
    }
    return Finish(Irp, STATUS_SUCCESS, 0);
}

static VOID NTAPI
Unload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(LINK_NAME);

    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(HoldDevice);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(DEVICE_NAME);
    UNICODE_STRING Link = RTL_CONSTANT_STRING(LINK_NAME);
    NTSTATUS       Status;

    InitializeListHead(&HoldIrps);
    KeInitializeSpinLock(&HoldLock);
    for (ULONG Major = 0; Major <= IRP_MJ_MAXIMUM_FUNCTION; Major++)
        DriverObject->MajorFunction[Major] = Dispatch;
    DriverObject->DriverUnload = Unload;
    Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &HoldDevice);
    if (!NT_SUCCESS(Status))
        return Status;
    HoldDevice->Flags |= DO_BUFFERED_IO;
    return IoCreateSymbolicLink(&Link, &Name);
}
