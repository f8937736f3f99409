/*
 * Comes back from a routine that the kernel called with something changed. The service's name
 * says from which routine and what: badcall-WHO-WHAT, where WHAT is irql (one higher than it was
 * called at), apcs (one more critical region) or lock (a spin lock held). The kernel must stop the
 * machine with the code documented for that and name the routine; if it does not, the load fails
 * with STATUS_UNSUCCESSFUL.
 *
 * The request that reaches the device is pended by the dispatch routine, with a cancel routine;
 * the sin is committed by whichever routine is WHO.
 */
#include <ntifs.h>

#define SIN static DECLSPEC_NOINLINE

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
    static KDPC Dpc;

    BadWho = wcschr(RegistryPath->Buffer, L'-') + 1;
    BadWhat = wcschr(BadWho, L'-') + 1;
    IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &BadDevice);
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
    } else {
        SendAndCancel();
    }
    Sin(L"entry");
    return STATUS_UNSUCCESSFUL;
}
