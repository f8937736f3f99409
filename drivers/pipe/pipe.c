/*
 * pipe.sys, the poor man's pipe: two programs that open the same name share a buffer in kernel
 * memory.
 *
 * There is one device, \Device\Example. Its extension is the device context: the list of pipes
 * and the mutex that guards it. The name behind the device (\HELLO) names a resource context, a
 * PIPE: made by the first open of the name, found without regard to case by later ones, counted
 * in Opens, and freed when the last of its files is closed. Each file finds its pipe in
 * FileObject->FsContext; there is no context of a single file.
 *
 *   IRP_MJ_CREATE    find or make the PIPE, count one open
 *   IRP_MJ_READ      take the oldest bytes, as many as are there, possibly none
 *   IRP_MJ_WRITE     put bytes in: cut short if they do not fit, or in place of the oldest, as
 *                    the mode says
 *   IRP_MJ_DEVICE_CONTROL   size, mode, figures (pipe_ioctl.h)
 *   IRP_MJ_CLOSE     count one open less, free the PIPE with the last
 *
 * Nothing blocks and no IRP is ever kept, so there is nothing to cancel and nothing to do at
 * IRP_MJ_CLEANUP. The device does buffered I/O: SystemBuffer holds the data of a write, and takes
 * that of a read.
 *
 * Locks: ListMutex (PASSIVE_LEVEL, for the list and Opens) before a pipe's Lock (spin lock, for
 * its bytes), never both at once. IRPs are completed with neither held.
 */
#include <ntddk.h>
#include "pipe_ioctl.h"
#include "ring.h"

#define PIPE_TAG    'epiP'                      // shows as Pipe

typedef struct _PIPE_DEVICE {
    KMUTEX     ListMutex;

    /* Guarded by ListMutex: */
    LIST_ENTRY Pipes;                           // PIPE.Link
} PIPE_DEVICE, *PPIPE_DEVICE;

typedef struct _PIPE {
    /* Set at creation, never changed: */
    // without the backslash; its characters are NameBuffer
    UNICODE_STRING Name;
    WCHAR          NameBuffer[PIPE_MAX_NAME];

    /* Guarded by PIPE_DEVICE.ListMutex: */
    LIST_ENTRY     Link;
    ULONG          Opens;                       // file objects whose FsContext is this pipe

    /* Guarded by Lock: */
    KSPIN_LOCK     Lock;
    RING           Ring;                        // its bytes are nonpaged pool
    ULONGLONG      Lost;

    /* Written at any time: */
    volatile ULONG Mode;                        // PIPE_DROP_NEW or PIPE_OVERWRITE_OLD
} PIPE, *PPIPE;

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD   PipeUnload;
static DRIVER_DISPATCH PipeCreate, PipeCleanup, PipeClose, PipeRead, PipeWrite, PipeControl;

static NTSTATUS
PipeComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* Puts bytes in, with Lock held. Returns how many of them count as written. */
static ULONG
PipeAppend(PPIPE Pipe, const UCHAR *Data, ULONG Length)
{
    ULONG Mode = Pipe->Mode;
    ULONG Room = RingRoom(&Pipe->Ring);
    ULONG Fits = min(Length, Mode == PIPE_DROP_NEW ? Room : Pipe->Ring.Capacity);

    Pipe->Lost += Length - Fits;
    if (Mode == PIPE_DROP_NEW) {
        RingPut(&Pipe->Ring, Data, Fits);
        return Fits;
    }

    if (Fits > Room) {
        Pipe->Lost += Fits - Room;
        RingSkip(&Pipe->Ring, Fits - Room);
    }
    RingPut(&Pipe->Ring, Data + (Length - Fits), Fits);     // the end of what it would overwrite
    return Length;
}

/* ---- resource contexts; ListMutex held for Find, and for the others by their callers ---- */

static PPIPE
PipeFind(PPIPE_DEVICE Device, PCUNICODE_STRING Name)
{
    PLIST_ENTRY Entry;

    for (Entry = Device->Pipes.Flink; Entry != &Device->Pipes; Entry = Entry->Flink) {
        PPIPE Pipe = CONTAINING_RECORD(Entry, PIPE, Link);

        if (RtlEqualUnicodeString(&Pipe->Name, Name, TRUE))
            return Pipe;
    }
    return NULL;
}

/* A new pipe, not in the list yet, or NULL. */
static PPIPE
PipeNew(PCUNICODE_STRING Name)
{
    PPIPE Pipe = ExAllocatePoolWithTag(NonPagedPool, sizeof *Pipe, PIPE_TAG);

    if (Pipe == NULL)
        return NULL;
    RtlZeroMemory(Pipe, sizeof *Pipe);
    Pipe->Ring.Data = ExAllocatePoolWithTag(NonPagedPool, PIPE_DEFAULT_SIZE, PIPE_TAG);
    if (Pipe->Ring.Data == NULL) {
        ExFreePoolWithTag(Pipe, PIPE_TAG);
        return NULL;
    }
    Pipe->Ring.Capacity = PIPE_DEFAULT_SIZE;
    Pipe->Mode = PIPE_DROP_NEW;
    KeInitializeSpinLock(&Pipe->Lock);
    Pipe->Name.Buffer = Pipe->NameBuffer;
    Pipe->Name.MaximumLength = sizeof Pipe->NameBuffer;
    RtlCopyUnicodeString(&Pipe->Name, Name);
    return Pipe;
}

/* \HELLO -> HELLO: 1 to PIPE_MAX_NAME characters, and no second backslash. */
static NTSTATUS
PipeCheckName(PCUNICODE_STRING Given, PUNICODE_STRING Name)
{
    USHORT Index;

    if (Given->Length < 2 * sizeof(WCHAR) || Given->Buffer[0] != L'\\')
        return STATUS_OBJECT_NAME_INVALID;
    Name->Buffer = Given->Buffer + 1;
    Name->Length = Name->MaximumLength = Given->Length - sizeof(WCHAR);
    for (Index = 0; Index < Name->Length / sizeof(WCHAR); Index++)
        if (Name->Buffer[Index] == L'\\')
            return STATUS_OBJECT_NAME_INVALID;
    return Name->Length > PIPE_MAX_NAME * sizeof(WCHAR) ? STATUS_NAME_TOO_LONG : STATUS_SUCCESS;
}

/* Finds or makes the pipe and counts one open of it. */
static NTSTATUS
PipeOpen(PPIPE_DEVICE Device, PCUNICODE_STRING Name, PPIPE *Result, PULONG_PTR Information)
{
    PPIPE Pipe;

    KeWaitForSingleObject(&Device->ListMutex, Executive, KernelMode, FALSE, NULL);
    Pipe = PipeFind(Device, Name);
    *Information = FILE_OPENED;
    if (Pipe == NULL && (Pipe = PipeNew(Name)) != NULL) {
        InsertTailList(&Device->Pipes, &Pipe->Link);
        *Information = FILE_CREATED;
    }
    if (Pipe != NULL)
        Pipe->Opens++;
    KeReleaseMutex(&Device->ListMutex, FALSE);

    *Result = Pipe;
    return Pipe != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/* ---- dispatch routines ---- */

static NTSTATUS NTAPI
PipeCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG_PTR          Information = 0;
    UNICODE_STRING     Name;
    NTSTATUS           Status;
    PPIPE              Pipe = NULL;

    Status = PipeCheckName(&Stack->FileObject->FileName, &Name);
    if (NT_SUCCESS(Status) && (Stack->Parameters.Create.Options & FILE_DIRECTORY_FILE))
        Status = STATUS_NOT_A_DIRECTORY;
    if (NT_SUCCESS(Status))
        Status = PipeOpen(DeviceObject->DeviceExtension, &Name, &Pipe, &Information);
    if (NT_SUCCESS(Status))
        Stack->FileObject->FsContext = Pipe;
    return PipeComplete(Irp, Status, NT_SUCCESS(Status) ? Information : 0);
}

static NTSTATUS NTAPI
PipeCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return PipeComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI
PipeClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PPIPE_DEVICE Device = DeviceObject->DeviceExtension;
    PPIPE        Pipe = IoGetCurrentIrpStackLocation(Irp)->FileObject->FsContext;
    BOOLEAN      Last;

    KeWaitForSingleObject(&Device->ListMutex, Executive, KernelMode, FALSE, NULL);
    Last = --Pipe->Opens == 0;
    if (Last)
        RemoveEntryList(&Pipe->Link);
    KeReleaseMutex(&Device->ListMutex, FALSE);

    if (Last) {
        ExFreePoolWithTag(Pipe->Ring.Data, PIPE_TAG);
        ExFreePoolWithTag(Pipe, PIPE_TAG);
    }
    return PipeComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI
PipeRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PPIPE              Pipe = Stack->FileObject->FsContext;
    ULONG              Length;
    KIRQL              Irql;

    UNREFERENCED_PARAMETER(DeviceObject);

    KeAcquireSpinLock(&Pipe->Lock, &Irql);
    Length = min(Stack->Parameters.Read.Length, Pipe->Ring.Used);
    RingTake(&Pipe->Ring, Irp->AssociatedIrp.SystemBuffer, Length);
    KeReleaseSpinLock(&Pipe->Lock, Irql);
    return PipeComplete(Irp, STATUS_SUCCESS, Length);
}

static NTSTATUS NTAPI
PipeWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PPIPE              Pipe = Stack->FileObject->FsContext;
    ULONG              Length;
    KIRQL              Irql;

    UNREFERENCED_PARAMETER(DeviceObject);

    KeAcquireSpinLock(&Pipe->Lock, &Irql);
    Length = PipeAppend(Pipe, Irp->AssociatedIrp.SystemBuffer, Stack->Parameters.Write.Length);
    KeReleaseSpinLock(&Pipe->Lock, Irql);
    return PipeComplete(Irp, STATUS_SUCCESS, Length);
}

/* The newest bytes that fit move to a new ring. */
static NTSTATUS
PipeSetSize(PPIPE Pipe, ULONG Capacity)
{
    RING   New = { NULL, Capacity, 0, 0 };
    PUCHAR Old;
    KIRQL  Irql;

    if (Capacity == 0 || Capacity > PIPE_MAX_SIZE)
        return STATUS_INVALID_PARAMETER;
    New.Data = ExAllocatePoolWithTag(NonPagedPool, Capacity, PIPE_TAG);
    if (New.Data == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;

    KeAcquireSpinLock(&Pipe->Lock, &Irql);
    if (Pipe->Ring.Used > Capacity) {
        Pipe->Lost += Pipe->Ring.Used - Capacity;
        RingSkip(&Pipe->Ring, Pipe->Ring.Used - Capacity);
    }
    New.Used = Pipe->Ring.Used;
    RingTake(&Pipe->Ring, New.Data, New.Used);
    Old = Pipe->Ring.Data;
    Pipe->Ring = New;
    KeReleaseSpinLock(&Pipe->Lock, Irql);

    ExFreePoolWithTag(Old, PIPE_TAG);
    return STATUS_SUCCESS;
}

static NTSTATUS
PipeSetMode(PPIPE Pipe, ULONG Mode)
{
    if (Mode != PIPE_DROP_NEW && Mode != PIPE_OVERWRITE_OLD)
        return STATUS_INVALID_PARAMETER;
    // one store; a write sees the old mode or the new one
    Pipe->Mode = Mode;
    return STATUS_SUCCESS;
}

static VOID
PipeQuery(PPIPE_DEVICE Device, PPIPE Pipe, PPIPE_INFORMATION Information)
{
    KIRQL Irql;

    KeWaitForSingleObject(&Device->ListMutex, Executive, KernelMode, FALSE, NULL);
    Information->Opens = Pipe->Opens;
    KeReleaseMutex(&Device->ListMutex, FALSE);

    KeAcquireSpinLock(&Pipe->Lock, &Irql);
    Information->Size = Pipe->Ring.Capacity;
    Information->Held = Pipe->Ring.Used;
    Information->Mode = Pipe->Mode;
    Information->Lost = Pipe->Lost;
    KeReleaseSpinLock(&Pipe->Lock, Irql);
}

static NTSTATUS NTAPI
PipeControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PPIPE              Pipe = Stack->FileObject->FsContext;
    PVOID              Buffer = Irp->AssociatedIrp.SystemBuffer;
    BOOLEAN            HasUlong = Stack->Parameters.DeviceIoControl.InputBufferLength ==
        sizeof(ULONG);
    NTSTATUS           Status = STATUS_INFO_LENGTH_MISMATCH;

    switch (Stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_PIPE_SET_SIZE:
        if (HasUlong)
            Status = PipeSetSize(Pipe, *(PULONG)Buffer);
        break;
    case IOCTL_PIPE_SET_MODE:
        if (HasUlong)
            Status = PipeSetMode(Pipe, *(PULONG)Buffer);
        break;
    case IOCTL_PIPE_QUERY:
        if (Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(PIPE_INFORMATION))
            return PipeComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
        PipeQuery(DeviceObject->DeviceExtension, Pipe, Buffer);
        return PipeComplete(Irp, STATUS_SUCCESS, sizeof(PIPE_INFORMATION));
    default:
        Status = STATUS_INVALID_DEVICE_REQUEST;
        break;
    }
    return PipeComplete(Irp, Status, 0);
}

/* Called when no file is open any more, so the list is empty. */
static VOID NTAPI
PipeUnload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(PIPE_DOS_DEVICE_NAME);

    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(PIPE_NT_DEVICE_NAME);
    UNICODE_STRING Link = RTL_CONSTANT_STRING(PIPE_DOS_DEVICE_NAME);
    PDEVICE_OBJECT DeviceObject;
    PPIPE_DEVICE   Device;
    NTSTATUS       Status;

    UNREFERENCED_PARAMETER(RegistryPath);

    Status = IoCreateDevice(DriverObject, sizeof *Device, &Name, PIPE_DEVICE_TYPE, 0, FALSE,
                            &DeviceObject);
    if (!NT_SUCCESS(Status))
        return Status;
    Device = DeviceObject->DeviceExtension;
    KeInitializeMutex(&Device->ListMutex, 0);
    InitializeListHead(&Device->Pipes);
    DeviceObject->Flags |= DO_BUFFERED_IO;

    Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(DeviceObject);
        return Status;
    }

    DriverObject->MajorFunction[IRP_MJ_CREATE] = PipeCreate;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = PipeCleanup;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = PipeClose;
    DriverObject->MajorFunction[IRP_MJ_READ] = PipeRead;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = PipeWrite;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = PipeControl;
    DriverObject->DriverUnload = PipeUnload;
    return STATUS_SUCCESS;
}
