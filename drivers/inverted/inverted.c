/*
 * inverted.sys, the inverted call: how a driver tells programs that something has happened.
 *
 * A driver cannot call a program, so the program calls first: it sends IOCTL_INVERTED_WAIT, and
 * the driver parks the request until there is news, then completes it with the news as its
 * output. Compared with an event that the driver sets (notify.sys): news carries data, each
 * request is answered once, any number of programs and threads can wait, by whatever way of
 * asynchronous I/O they like, and when one of them dies the I/O manager cancels its requests; the
 * driver has no handle of anybody's to care for.
 *
 * The requests are parked in a cancel-safe queue, IoCsq: the driver supplies six small routines
 * that insert, remove, look, lock, unlock and complete, and the IoCsq routines supply what is hard
 * to get right by hand, the race between completion and cancellation. An IRP that
 * IoCsqRemoveNextIrp has returned can no longer be cancelled and is the driver's alone. Here news
 * comes by IOCTL_INVERTED_TELL; in a driver with a device it would come from its DPC, which may
 * call IoCsqRemoveNextIrp as well.
 *
 * News goes to the requests that were waiting when it came, and to no others: a program that is
 * told and asks again at once must not be told the same again. So each request is stamped with the
 * sequence number of the last news before it, and the queue is in the order of these stamps.
 * Request and news are put in order by Lock.
 *
 * IRP_MJ_CLEANUP of a file completes what its threads have parked. Unload comes when no file is
 * open, so the queue is empty then.
 */
#include <ntddk.h>
#include "inverted_ioctl.h"

typedef struct _INVERTED_DEVICE {
    IO_CSQ     Queue;
    KSPIN_LOCK Lock;

    /* Guarded by Lock: */
    LIST_ENTRY Parked;                          // IRP.Tail.Overlay.ListEntry
    ULONGLONG  Sequence;                        // of the latest news
} INVERTED_DEVICE, *PINVERTED_DEVICE;

/* DriverContext[3] is IoCsq's own. */
#define STAMP_OF(Irp)       (*(PULONGLONG)&(Irp)->Tail.Overlay.DriverContext[0])

/* Which IRP is sought: those of File, or (NULL) those that were parked before news Before. */
typedef struct _INVERTED_PEEK {
    PFILE_OBJECT File;
    ULONGLONG    Before;
} INVERTED_PEEK, *PINVERTED_PEEK;

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD   InvertedUnload;
static DRIVER_DISPATCH InvertedCreateClose, InvertedCleanup, InvertedControl;

static NTSTATUS
InvertedComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* ---- what IoCsq calls; Lock is held for the first three ---- */

#define DEVICE_OF(Csq)  CONTAINING_RECORD((Csq), INVERTED_DEVICE, Queue)

static VOID NTAPI
InvertedInsert(PIO_CSQ Csq, PIRP Irp)
{
    STAMP_OF(Irp) = DEVICE_OF(Csq)->Sequence;
    InsertTailList(&DEVICE_OF(Csq)->Parked, &Irp->Tail.Overlay.ListEntry);
}

static VOID NTAPI
InvertedRemove(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

static PIRP NTAPI
InvertedPeek(PIO_CSQ Csq, PIRP After, PVOID Context)
{
    PLIST_ENTRY    Parked = &DEVICE_OF(Csq)->Parked;
    PLIST_ENTRY    Entry = After != NULL ? After->Tail.Overlay.ListEntry.Flink : Parked->Flink;
    PINVERTED_PEEK Wanted = Context;

    for (; Entry != Parked; Entry = Entry->Flink) {
        PIRP Irp = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry);

        if (Wanted->File == NULL)
            return STAMP_OF(Irp) < Wanted->Before ? Irp : NULL;
        if (IoGetCurrentIrpStackLocation(Irp)->FileObject == Wanted->File)
            return Irp;
    }
    return NULL;
}

static VOID NTAPI
InvertedAcquire(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&DEVICE_OF(Csq)->Lock, Irql);
}

static VOID NTAPI
InvertedRelease(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&DEVICE_OF(Csq)->Lock, Irql);
}

static VOID NTAPI
InvertedCancelled(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    InvertedComplete(Irp, STATUS_CANCELLED, 0);
}

/* ---- dispatch routines ---- */

static NTSTATUS NTAPI
InvertedCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return InvertedComplete(Irp, STATUS_SUCCESS, 0);
}

/* The file's last handle is closed: nobody can use the answers to its requests. */
static NTSTATUS NTAPI
InvertedCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PINVERTED_DEVICE Device = DeviceObject->DeviceExtension;
    INVERTED_PEEK    Mine = { IoGetCurrentIrpStackLocation(Irp)->FileObject, 0 };
    PIRP             Parked;

    while ((Parked = IoCsqRemoveNextIrp(&Device->Queue, &Mine)) != NULL)
        InvertedComplete(Parked, STATUS_CANCELLED, 0);
    return InvertedComplete(Irp, STATUS_SUCCESS, 0);
}

/* IoCsqInsertIrp marks the IRP pending; it may be complete before this returns. */
static NTSTATUS
InvertedWait(PINVERTED_DEVICE Device, PIRP Irp, ULONG OutputLength)
{
    if (OutputLength < sizeof(INVERTED_NEWS))
        return InvertedComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    IoCsqInsertIrp(&Device->Queue, Irp, NULL);
    return STATUS_PENDING;
}

/* Completes what was parked before this news. Returns how many there were. */
static ULONG
InvertedSpread(PINVERTED_DEVICE Device, const VOID *Text, ULONG Length)
{
    INVERTED_NEWS News = { .Length = Length };
    INVERTED_PEEK Peek = { NULL, 0 };
    ULONG         Told = 0;
    KIRQL         Irql;
    PIRP          Irp;

    RtlCopyMemory(News.Text, Text, Length);
    KeAcquireSpinLock(&Device->Lock, &Irql);
    News.Sequence = Peek.Before = ++Device->Sequence;
    KeReleaseSpinLock(&Device->Lock, Irql);

    while ((Irp = IoCsqRemoveNextIrp(&Device->Queue, &Peek)) != NULL) {
        RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, &News, sizeof News);
        InvertedComplete(Irp, STATUS_SUCCESS, sizeof News);
        Told++;
    }
    return Told;
}

static NTSTATUS NTAPI
InvertedControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PINVERTED_DEVICE   Device = DeviceObject->DeviceExtension;
    ULONG              InputLength = Stack->Parameters.DeviceIoControl.InputBufferLength;
    ULONG              OutputLength = Stack->Parameters.DeviceIoControl.OutputBufferLength;
    ULONG              Told;

    switch (Stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_INVERTED_WAIT:
        return InvertedWait(Device, Irp, OutputLength);

    case IOCTL_INVERTED_TELL:
        if (InputLength > INVERTED_MAX_TEXT)
            return InvertedComplete(Irp, STATUS_INFO_LENGTH_MISMATCH, 0);
        Told = InvertedSpread(Device, Irp->AssociatedIrp.SystemBuffer, InputLength);
        if (OutputLength < sizeof(ULONG))
            return InvertedComplete(Irp, STATUS_SUCCESS, 0);
        *(PULONG)Irp->AssociatedIrp.SystemBuffer = Told;
        return InvertedComplete(Irp, STATUS_SUCCESS, sizeof(ULONG));

    default:
        return InvertedComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

static VOID NTAPI
InvertedUnload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(INVERTED_DOS_DEVICE_NAME);

    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING   Name = RTL_CONSTANT_STRING(INVERTED_NT_DEVICE_NAME);
    UNICODE_STRING   Link = RTL_CONSTANT_STRING(INVERTED_DOS_DEVICE_NAME);
    PDEVICE_OBJECT   DeviceObject;
    PINVERTED_DEVICE Device;
    NTSTATUS         Status;

    UNREFERENCED_PARAMETER(RegistryPath);

    Status = IoCreateDevice(DriverObject, sizeof *Device, &Name, INVERTED_DEVICE_TYPE,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &DeviceObject);
    if (!NT_SUCCESS(Status))
        return Status;
    Device = DeviceObject->DeviceExtension;
    KeInitializeSpinLock(&Device->Lock);
    InitializeListHead(&Device->Parked);
    IoCsqInitialize(&Device->Queue, InvertedInsert, InvertedRemove, InvertedPeek, InvertedAcquire,
                    InvertedRelease, InvertedCancelled);

    Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(DeviceObject);
        return Status;
    }

    DriverObject->MajorFunction[IRP_MJ_CREATE] = InvertedCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = InvertedCleanup;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = InvertedCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = InvertedControl;
    DriverObject->DriverUnload = InvertedUnload;
    return STATUS_SUCCESS;
}
