/*
 * A driver that nothing of this tree has touched: built by x86_64-w64-mingw32-gcc, linked with
 * its binutils and import libraries, from nothing but public headers. It turns text around
 * (buffered control requests), and completes reads later, from a timer's DPC, with a number that
 * its service's Parameters key gives the first of.
 */
#include <ntddk.h>

#define IOCTL_REVERSE   CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef struct {
    KSPIN_LOCK Lock;
    LIST_ENTRY Waiting;                 /* IRPs, guarded by Lock */
    ULONG      Next;                    /* guarded by Lock */
    KTIMER     Timer;
    KDPC       Dpc;
} EXTENSION;

static VOID NTAPI
Tick(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    EXTENSION *Extension = Context;
    PIRP       Irp = NULL;

    KeAcquireSpinLockAtDpcLevel(&Extension->Lock);
    while (!IsListEmpty(&Extension->Waiting)) {
        Irp = CONTAINING_RECORD(RemoveHeadList(&Extension->Waiting), IRP, Tail.Overlay.ListEntry);
        if (IoSetCancelRoutine(Irp, NULL) != NULL)
            break;
        InitializeListHead(&Irp->Tail.Overlay.ListEntry);       /* its cancel routine has it */
        Irp = NULL;
    }
    if (Irp != NULL)
        *(PULONG)Irp->AssociatedIrp.SystemBuffer = Extension->Next++;
    KeReleaseSpinLockFromDpcLevel(&Extension->Lock);
    if (Irp == NULL)
        return;
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = sizeof(ULONG);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

static VOID NTAPI
Cancel(PDEVICE_OBJECT Device, PIRP Irp)
{
    EXTENSION *Extension = Device->DeviceExtension;
    KIRQL      Irql = Irp->CancelIrql;

    IoReleaseCancelSpinLock(DISPATCH_LEVEL);
    KeAcquireSpinLockAtDpcLevel(&Extension->Lock);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
    KeReleaseSpinLockFromDpcLevel(&Extension->Lock);
    KeLowerIrql(Irql);
    Irp->IoStatus.Status = STATUS_CANCELLED;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

static NTSTATUS
Finish(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI
Read(PDEVICE_OBJECT Device, PIRP Irp)
{
    EXTENSION *Extension = Device->DeviceExtension;
    KIRQL      Irql;

    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length < sizeof(ULONG))
        return Finish(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    KeAcquireSpinLock(&Extension->Lock, &Irql);
    IoSetCancelRoutine(Irp, Cancel);
    if (Irp->Cancel && IoSetCancelRoutine(Irp, NULL) != NULL) {
        KeReleaseSpinLock(&Extension->Lock, Irql);
        return Finish(Irp, STATUS_CANCELLED, 0);
    }
    IoMarkIrpPending(Irp);
    InsertTailList(&Extension->Waiting, &Irp->Tail.Overlay.ListEntry);
    KeReleaseSpinLock(&Extension->Lock, Irql);
    return STATUS_PENDING;
}

static NTSTATUS NTAPI
Control(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION Sp = IoGetCurrentIrpStackLocation(Irp);
    PUCHAR             Text = Irp->AssociatedIrp.SystemBuffer;
    ULONG              Length = Sp->Parameters.DeviceIoControl.InputBufferLength, Index;

    if (Sp->Parameters.DeviceIoControl.IoControlCode != IOCTL_REVERSE)
        return Finish(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    if (Sp->Parameters.DeviceIoControl.OutputBufferLength < Length)
        return Finish(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    for (Index = 0; Index < Length / 2; Index++) {
        UCHAR Kept = Text[Index];

        Text[Index] = Text[Length - 1 - Index];
        Text[Length - 1 - Index] = Kept;
    }
    return Finish(Irp, STATUS_SUCCESS, Length);
}

static NTSTATUS NTAPI
Agree(PDEVICE_OBJECT Device, PIRP Irp)
{
    return Finish(Irp, STATUS_SUCCESS, 0);
}

static VOID NTAPI
Unload(PDRIVER_OBJECT Driver)
{
    UNICODE_STRING Link;
    EXTENSION     *Extension = Driver->DeviceObject->DeviceExtension;

    KeCancelTimer(&Extension->Timer);
    KeFlushQueuedDpcs();
    RtlInitUnicodeString(&Link, L"\\DosDevices\\Foreign");
    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(Driver->DeviceObject);
    DbgPrint("foreign: unloaded\n");
}

/* The value First of the key Parameters, 1 if there is none. */
static ULONG
ReadFirst(PUNICODE_STRING Path)
{
    static WCHAR             Name[] = L"Parameters";
    ULONG                    First = 1, One = 1;
    RTL_QUERY_REGISTRY_TABLE Table[3];
    PWSTR                    Key = ExAllocatePoolWithTag(PagedPool, Path->Length + sizeof(WCHAR),
                                                         'eroF');

    if (Key == NULL)
        return 1;
    RtlCopyMemory(Key, Path->Buffer, Path->Length);
    Key[Path->Length / sizeof(WCHAR)] = 0;
    RtlZeroMemory(Table, sizeof Table);
    Table[0].Flags = RTL_QUERY_REGISTRY_SUBKEY;
    Table[0].Name = Name;
    Table[1].Flags = RTL_QUERY_REGISTRY_DIRECT;
    Table[1].Name = L"First";
    Table[1].EntryContext = &First;
    Table[1].DefaultType = REG_DWORD;
    Table[1].DefaultData = &One;
    Table[1].DefaultLength = sizeof One;
    RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, Key, Table, NULL, NULL);
    ExFreePoolWithTag(Key, 'eroF');
    return First;
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name, Link;
    PDEVICE_OBJECT Device;
    EXTENSION     *Extension;
    LARGE_INTEGER  Due = { .QuadPart = -10000 };
    NTSTATUS       Status;

    RtlInitUnicodeString(&Name, L"\\Device\\Foreign");
    RtlInitUnicodeString(&Link, L"\\DosDevices\\Foreign");
    Status = IoCreateDevice(Driver, sizeof *Extension, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE,
                            &Device);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Device);
        return Status;
    }
    Extension = Device->DeviceExtension;
    KeInitializeSpinLock(&Extension->Lock);
    InitializeListHead(&Extension->Waiting);
    Extension->Next = ReadFirst(RegistryPath);
    KeInitializeTimer(&Extension->Timer);
    KeInitializeDpc(&Extension->Dpc, Tick, Extension);
    KeSetTimerEx(&Extension->Timer, Due, 1, &Extension->Dpc);
    Device->Flags |= DO_BUFFERED_IO;
    Driver->MajorFunction[IRP_MJ_CREATE] = Agree;
    Driver->MajorFunction[IRP_MJ_CLOSE] = Agree;
    Driver->MajorFunction[IRP_MJ_CLEANUP] = Agree;
    Driver->MajorFunction[IRP_MJ_READ] = Read;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    Driver->DriverUnload = Unload;
    DbgPrint("foreign: loaded from %wZ\n", RegistryPath);
    return STATUS_SUCCESS;
}
