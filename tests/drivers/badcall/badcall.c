/*
 * Comes back from a routine that the kernel called with something changed. The service's name
 * says from which routine and what: badcall-WHO-WHAT, where WHAT is irql (one higher than it was
 * called at), apcs (one more critical region) or lock (a spin lock held). The kernel must stop the
 * machine with the code documented for that and name the routine; if it does not, the load fails
 * with STATUS_UNSUCCESSFUL.
 *
 * The request that reaches the device is pended by the dispatch routine, with a cancel routine;
 * the sin is committed by whichever routine is WHO. The interrupt is the one of the PC's timer.
 */
#include <ntifs.h>

/* <ntddk.h> hides it on x64. */
NTHALAPI ULONG NTAPI HalGetInterruptVector(INTERFACE_TYPE Bus, ULONG BusNumber, ULONG Level,
                                           ULONG BusVector, PKIRQL Irql, PKAFFINITY Affinity);

#define SIN static DECLSPEC_NOINLINE
#define DEVICE_NAME L"\\Device\\BadCall"

#define PIT_CHANNEL0    0x40
#define PIT_COMMAND     0x43
#define PIT_RATE        0x34                    // channel 0, low and high byte, rate generator

static PDEVICE_OBJECT BadDevice;
static PCWSTR         BadWho, BadWhat;
static KSPIN_LOCK     BadLock;

static BOOLEAN
Is(PCWSTR Part, PCWSTR Text)
{
    return wcsncmp(Part, Text, wcslen(Text)) == 0;
}

/* Changes what the service's name says, if it is Who's turn. */
static VOID
Sin(PCWSTR Who)
{
    KIRQL OldIrql;

    if (!Is(BadWho, Who))
        return;
    if (Is(BadWhat, L"irql"))
        KeRaiseIrql(KeGetCurrentIrql() + 1, &OldIrql);
    else if (Is(BadWhat, L"apcs"))
        KeEnterCriticalRegion();
    else if (KeGetCurrentIrql() > DISPATCH_LEVEL)
        KeAcquireSpinLockAtDpcLevel(&BadLock);
    else
        KeAcquireSpinLock(&BadLock, &OldIrql);
}

SIN VOID NTAPI
BadCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    Irp->IoStatus.Status = STATUS_CANCELLED;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    Sin(L"cancel");
}

SIN NTSTATUS NTAPI
BadDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    IoSetCancelRoutine(Irp, BadCancel);
    Sin(L"dispatch");
    return STATUS_PENDING;
}

SIN NTSTATUS NTAPI
BadCompletion(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    Sin(L"completion");
    return STATUS_MORE_PROCESSING_REQUIRED;
}

SIN VOID NTAPI
BadStartIo(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Sin(L"startio");
}

SIN VOID NTAPI
BadDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    Sin(L"dpc");
}

SIN VOID NTAPI
BadTimer(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    Sin(L"timer");
}

SIN VOID NTAPI
BadWorker(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    Sin(L"work");
}

SIN BOOLEAN NTAPI
BadFastControl(PFILE_OBJECT File, BOOLEAN Wait, PVOID Input, ULONG InputLength, PVOID Output,
               ULONG OutputLength, ULONG Code, PIO_STATUS_BLOCK Iosb, PDEVICE_OBJECT DeviceObject)
{
    Sin(L"fastio");
    Iosb->Status = STATUS_SUCCESS;
    return TRUE;
}

SIN BOOLEAN NTAPI
BadFastRead(PFILE_OBJECT File, PLARGE_INTEGER Offset, ULONG Length, BOOLEAN Wait, ULONG Key,
            PVOID Buffer, PIO_STATUS_BLOCK Iosb, PDEVICE_OBJECT DeviceObject)
{
    Sin(L"fastread");
    Iosb->Status = STATUS_SUCCESS;
    return TRUE;
}

SIN BOOLEAN NTAPI
BadInterrupt(PKINTERRUPT Interrupt, PVOID Context)
{
    Sin(L"interrupt");
    return TRUE;
}

SIN BOOLEAN NTAPI
BadSynchronized(PVOID Context)
{
    Sin(L"synchronized");
    return TRUE;
}

/* A file with a cache, as far as the I/O manager can tell. */
static NTSTATUS NTAPI
Create(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoGetCurrentIrpStackLocation(Irp)->FileObject->PrivateCacheMap = BadDevice;
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID
CallFast(PDRIVER_OBJECT DriverObject)
{
    static FAST_IO_DISPATCH FastIo = { .SizeOfFastIoDispatch = sizeof FastIo,
                                       .FastIoDeviceControl = BadFastControl,
                                       .FastIoRead = BadFastRead };
    UNICODE_STRING          Name = RTL_CONSTANT_STRING(DEVICE_NAME);
    OBJECT_ATTRIBUTES       Attributes;
    IO_STATUS_BLOCK         Iosb;
    UCHAR                   Byte;
    HANDLE                  File;

    DriverObject->FastIoDispatch = &FastIo;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = Create;
    BadDevice->Flags &= ~DO_DEVICE_INITIALIZING;
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    ZwOpenFile(&File, GENERIC_READ | SYNCHRONIZE, &Attributes, &Iosb, 0,
               FILE_SYNCHRONOUS_IO_NONALERT);
    if (Is(BadWho, L"fastread"))
        ZwReadFile(File, NULL, NULL, NULL, &Iosb, &Byte, 1, NULL, NULL);
    else
        ZwDeviceIoControlFile(File, NULL, NULL, NULL, &Iosb,
                              CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED,
                                       FILE_ANY_ACCESS), NULL, 0, NULL, 0);
}

static VOID
Interrupt(VOID)
{
    PKINTERRUPT Connected;
    KAFFINITY   Affinity;
    KIRQL       Irql;
    ULONG       Vector = HalGetInterruptVector(Isa, 0, 0, 0, &Irql, &Affinity);

    IoConnectInterrupt(&Connected, BadInterrupt, NULL, NULL, Vector, Irql, Irql, Latched, FALSE,
                       Affinity, FALSE);
    if (Is(BadWho, L"synchronized"))
        KeSynchronizeExecution(Connected, BadSynchronized, NULL);
    WRITE_PORT_UCHAR((PUCHAR)PIT_COMMAND, PIT_RATE);
    WRITE_PORT_UCHAR((PUCHAR)PIT_CHANNEL0, 0xFF);
    WRITE_PORT_UCHAR((PUCHAR)PIT_CHANNEL0, 0x2E);       // a hundred a second
}

static VOID
SendAndCancel(VOID)
{
    PIRP Irp = IoAllocateIrp(BadDevice->StackSize, FALSE);

    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_READ;
    IoSetCompletionRoutine(Irp, BadCompletion, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(BadDevice, Irp);
    IoCancelIrp(Irp);
}

static VOID
Wait(LONGLONG Milliseconds)
{
    LARGE_INTEGER Time = { .QuadPart = -10000 * Milliseconds };

    KeDelayExecutionThread(KernelMode, FALSE, &Time);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(DEVICE_NAME);
    static KDPC    Dpc;

    BadWho = wcschr(RegistryPath->Buffer, L'-') + 1;
    BadWhat = wcschr(BadWho, L'-') + 1;
    IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &BadDevice);
    DriverObject->MajorFunction[IRP_MJ_READ] = BadDispatch;
    DriverObject->DriverStartIo = BadStartIo;

    if (Is(BadWho, L"startio")) {
        IoStartPacket(BadDevice, IoAllocateIrp(BadDevice->StackSize, FALSE), NULL, NULL);
    } else if (Is(BadWho, L"dpc")) {
        KeInitializeDpc(&Dpc, BadDpc, NULL);
        KeInsertQueueDpc(&Dpc, NULL, NULL);
    } else if (Is(BadWho, L"work")) {
        IoQueueWorkItem(IoAllocateWorkItem(BadDevice), BadWorker, DelayedWorkQueue, NULL);
        Wait(500);
    } else if (Is(BadWho, L"timer")) {
        IoInitializeTimer(BadDevice, BadTimer, NULL);
        IoStartTimer(BadDevice);
        Wait(1500);
    } else if (Is(BadWho, L"fast")) {
        CallFast(DriverObject);
    } else if (Is(BadWho, L"interrupt") || Is(BadWho, L"synchronized")) {
        Interrupt();
        Wait(500);
    } else {
        SendAndCancel();
    }
    Sin(L"entry");
    return STATUS_UNSUCCESSFUL;
}
