/*
 * Breaks one rule of the I/O manager; which one, the service's name says (badio-double,
 * badio-pending, ...). The kernel must stop the machine with the documented code and name this
 * driver; if it does not, the load fails with STATUS_UNSUCCESSFUL.
 */
#include "badio.h"

#define DEVICE_NAME     L"\\Device\\BadIo"

typedef struct _SIN {
    PCWSTR           Name;
    VOID           (*Commit)(VOID);
    PDRIVER_DISPATCH Read;                      // what IRP_MJ_READ, or a query, does in this sin
} SIN;

PDEVICE_OBJECT    BadDevice;
static const SIN *BadSin;

VOID
Finish(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

HANDLE
OpenDevice(ULONG Options)
{
    UNICODE_STRING    Name = RTL_CONSTANT_STRING(DEVICE_NAME);
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK   Iosb;
    HANDLE            Handle = NULL;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    ZwOpenFile(&Handle, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &Attributes, &Iosb, 0,
               Options);
    return Handle;
}

/* Through the device, which sins in its dispatch routine. */
static VOID
BadThroughFile(VOID)
{
    LARGE_INTEGER   Offset = { .QuadPart = 0 };
    IO_STATUS_BLOCK Iosb;
    UCHAR           Byte;

    ZwReadFile(OpenDevice(FILE_SYNCHRONOUS_IO_NONALERT), NULL, NULL, NULL, &Iosb, &Byte, 1,
               &Offset, NULL);
}

static VOID NTAPI
ReadAndLeave(PVOID Context)
{
    static IO_STATUS_BLOCK Iosb;
    static UCHAR           Byte;
    LARGE_INTEGER          Offset = { .QuadPart = 0 };

    ZwReadFile(OpenDevice(0), NULL, NULL, NULL, &Iosb, &Byte, 1, &Offset, NULL);
}

/* The same with an asynchronous file, by a thread that ends then. */
static VOID
BadThroughThread(VOID)
{
    HANDLE Thread;

    PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, ReadAndLeave, NULL);
    ZwWaitForSingleObject(Thread, FALSE, NULL);
}

static NTSTATUS NTAPI
BadDouble(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Finish(Irp, STATUS_SUCCESS);
    Finish(Irp, STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI
BadPendingStatus(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Finish(Irp, STATUS_PENDING);
    return STATUS_PENDING;
}

static VOID NTAPI
CancelNothing(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoReleaseCancelSpinLock(Irp->CancelIrql);
}

static NTSTATUS NTAPI
BadCancelRoutineLeft(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoSetCancelRoutine(Irp, CancelNothing);
    Finish(Irp, STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI
BadIrql(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL OldIrql;

    Finish(Irp, STATUS_SUCCESS);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI
BadRegion(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KeEnterCriticalRegion();
    Finish(Irp, STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

/* More than the one byte that was asked for. */
static NTSTATUS NTAPI
BadInformation(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 2;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI
BadInformationLater(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    BadInformation(DeviceObject, Irp);
    return STATUS_PENDING;
}

/* The same asked for what is known of the file. */
static VOID
BadQuery(VOID)
{
    FILE_STANDARD_INFORMATION Standard;
    IO_STATUS_BLOCK           Iosb;

    ZwQueryInformationFile(OpenDevice(FILE_SYNCHRONOUS_IO_NONALERT), &Iosb, &Standard,
                           sizeof Standard, FileStandardInformation);
}

static NTSTATUS NTAPI
BadQueryInformation(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = sizeof(FILE_STANDARD_INFORMATION) + 1;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI
BadForgotten(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI
BadMarked(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    Finish(Irp, STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

/* Completed, so that nobody waits for it; but the service does. */
static NTSTATUS NTAPI
BadUnmarked(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Finish(Irp, STATUS_SUCCESS);
    return STATUS_PENDING;
}

static VOID NTAPI
FinishLater(PKDPC Dpc, PVOID Irp, PVOID Argument1, PVOID Argument2)
{
    Finish(Irp, STATUS_SUCCESS);
}

static NTSTATUS NTAPI
BadUnmarkedLater(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    static KTIMER Timer;
    static KDPC   Dpc;
    LARGE_INTEGER Soon = { .QuadPart = -500000 };

    KeInitializeTimer(&Timer);
    KeInitializeDpc(&Dpc, FinishLater, Irp);
    KeSetTimer(&Timer, Soon, &Dpc);
    return STATUS_PENDING;
}

static NTSTATUS NTAPI
BadOverrun(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    *((volatile UCHAR *)Irp->AssociatedIrp.SystemBuffer + 1) = 0x55;
    Finish(Irp, STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

/* Passes it on though there is nobody below. */
static NTSTATUS NTAPI
BadLocations(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return IoCallDriver(DeviceObject, Irp);
}

static NTSTATUS NTAPI
BadHigh(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL OldIrql;

    KeRaiseIrql(DISPATCH_LEVEL + 1, &OldIrql);
    Finish(Irp, STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI
Pend(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    return STATUS_PENDING;
}

static const SIN Sins[] = {
    { L"double", BadThroughFile, BadDouble },
    { L"pending", BadThroughFile, BadPendingStatus },
    { L"cancelroutine", BadThroughFile, BadCancelRoutineLeft },
    { L"irql", BadThroughFile, BadIrql },
    { L"region", BadThroughFile, BadRegion },
    { L"information", BadThroughFile, BadInformation },
    { L"informationquery", BadQuery, BadQueryInformation },
    { L"informationlater", BadThroughFile, BadInformationLater },
    { L"forgotten", BadThroughFile, BadForgotten },
    { L"marked", BadThroughFile, BadMarked },
    { L"unmarked", BadThroughFile, BadUnmarked },
    { L"unmarkedlater", BadThroughFile, BadUnmarkedLater },
    { L"unmarkedthread", BadThroughThread, BadUnmarked },
    { L"overrun", BadThroughFile, BadOverrun },
    { L"freedtwice", BadFreedTwice, NULL },
    { L"freeinuse", BadFreeInUse, NULL },
    { L"freebelow", BadFreeBelow, Pend },
    { L"reusefreed", BadReuseFreed, NULL },
    { L"reuse", BadReuse, Pend },
    { L"freedcall", BadFreedCall, NULL },
    { L"locations", BadThroughFile, BadLocations },
    { L"high", BadThroughFile, BadHigh },
    { L"top", BadOwnAtTop, NULL },
    { L"cancellock", BadCancelLock, PendCancelHolding },
    { L"removelock", BadRemoveLock, NULL },
    { L"deletetwice", BadDeleteTwice, NULL },
    { L"deleteattached", BadDeleteAttached, NULL },
};

static NTSTATUS NTAPI
Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR Major = IoGetCurrentIrpStackLocation(Irp)->MajorFunction;

    if (Major == IRP_MJ_READ || Major == IRP_MJ_QUERY_INFORMATION)
        return BadSin->Read(DeviceObject, Irp);
    Finish(Irp, STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(DEVICE_NAME);

    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Sins); Index++)
        if (wcscmp(wcsrchr(RegistryPath->Buffer, L'-') + 1, Sins[Index].Name) == 0)
            BadSin = &Sins[Index];
    if (BadSin == NULL)
        return STATUS_INVALID_PARAMETER;

    IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &BadDevice);
    for (ULONG Major = 0; Major <= IRP_MJ_MAXIMUM_FUNCTION; Major++)
        DriverObject->MajorFunction[Major] = Dispatch;
    BadDevice->Flags |= DO_BUFFERED_IO;
    BadDevice->Flags &= ~DO_DEVICE_INITIALIZING;
    BadSin->Commit();
    DbgPrint("badio: the sin went unpunished\n");
    return STATUS_UNSUCCESSFUL;
}
