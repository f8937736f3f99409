/*
 * samplelow.sys makes one of each thing that the debugger's commands show, and calls SampleStop:
 * with a breakpoint there the machine stands still in a state that is the same in every run. The
 * samples in tests/golden are taken there.
 *
 * \Device\SampleLow keeps reads (pended, with a cancel routine). IOCTL_SAMPLE_STOP takes the
 * resource, queues a DPC and an APC, and stops at DISPATCH_LEVEL; a thread of the driver's waits
 * for the resource meanwhile, another is woken and has no processor if there is only one.
 * \SampleDirectory has an event, which the driver references under the tag Smpl, and a link.
 */
#include <ntifs.h>
#include "sample_ioctl.h"

#define SAMPLE_TAG 'lpmS'

/* Exported by the kernel, in no public header. */
NTKERNELAPI VOID NTAPI KeInitializeApc(PRKAPC Apc, PRKTHREAD Thread, UCHAR Environment,
                                       PKKERNEL_ROUTINE KernelRoutine,
                                       PKRUNDOWN_ROUTINE RundownRoutine,
                                       PKNORMAL_ROUTINE NormalRoutine, KPROCESSOR_MODE ApcMode,
                                       PVOID NormalContext);
NTKERNELAPI BOOLEAN NTAPI KeInsertQueueApc(PRKAPC Apc, PVOID SystemArgument1,
                                           PVOID SystemArgument2, KPRIORITY Increment);

DRIVER_INITIALIZE DriverEntry;
static DRIVER_DISPATCH SampleCreateClose, SampleRead, SampleControl;
static DRIVER_CANCEL   SampleCancel;

/* For the debugger. */
PDEVICE_OBJECT SampleDevice;
PFILE_OBJECT   SampleFile;
PIRP           SampleIrp;
PVOID          SampleEvent, SampleBlock, SampleThread;
HANDLE         SampleHandles[SAMPLE_HANDLES];
ERESOURCE      SampleResource;
KTIMER         SampleTimer;
KDPC           SampleTimerDpc, SampleDpc;

static KAPC   SampleApc;
static KEVENT SampleWaiting, SampleWake;

static VOID NTAPI
SampleDpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
}

static VOID NTAPI
SampleKernelRoutine(PKAPC Apc, PKNORMAL_ROUTINE *Normal, PVOID *Context, PVOID *Argument1,
                    PVOID *Argument2)
{
}

static VOID NTAPI
SampleNormalRoutine(PVOID Context, PVOID Argument1, PVOID Argument2)
{
}

/* The breakpoints. */
__declspec(noinline) VOID
SampleStop(VOID)
{
    __asm__ __volatile__("nop" ::: "memory");
}

__declspec(noinline) VOID
SampleDone(VOID)
{
    __asm__ __volatile__("nop" ::: "memory");
}

static NTSTATUS
SampleComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI
SampleCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return SampleComplete(Irp, STATUS_SUCCESS);
}

static VOID NTAPI
SampleCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    SampleComplete(Irp, STATUS_CANCELLED);
}

static NTSTATUS NTAPI
SampleRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    SampleIrp = Irp;
    SampleFile = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    IoMarkIrpPending(Irp);
    IoSetCancelRoutine(Irp, SampleCancel);
    return STATUS_PENDING;
}

/* Waits for the resource, with an APC that cannot be delivered meanwhile. */
static VOID NTAPI
SampleWaiter(PVOID Context)
{
    KeEnterCriticalRegion();
    KeSetEvent(&SampleWaiting, IO_NO_INCREMENT, FALSE);
    ExAcquireResourceExclusiveLite(&SampleResource, TRUE);
    ExReleaseResourceLite(&SampleResource);
    KeLeaveCriticalRegion();
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID NTAPI
SampleWoken(PVOID Context)
{
    KeWaitForSingleObject(&SampleWake, Executive, KernelMode, FALSE, NULL);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static PVOID
SampleStart(PKSTART_ROUTINE Routine)
{
    HANDLE Handle;
    PVOID  Thread = NULL;

    if (NT_SUCCESS(PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Routine,
                                        NULL))) {
        ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, &Thread, NULL);
        ZwClose(Handle);
    }
    return Thread;
}

/* Lets the waiter come as far as its wait for the resource. */
static VOID
SampleSetUp(VOID)
{
    LARGE_INTEGER Short = { .QuadPart = -500000 };
    PVOID         Woken;

    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(&SampleResource, TRUE);
    SampleThread = SampleStart(SampleWaiter);
    Woken = SampleStart(SampleWoken);
    ObDereferenceObject(Woken);
    KeWaitForSingleObject(&SampleWaiting, Executive, KernelMode, FALSE, NULL);
    while (ExGetExclusiveWaiterCount(&SampleResource) == 0)
        KeDelayExecutionThread(KernelMode, FALSE, &Short);
    KeDelayExecutionThread(KernelMode, FALSE, &Short);
    KeInitializeApc(&SampleApc, SampleThread, 0, SampleKernelRoutine, NULL,
                    SampleNormalRoutine, KernelMode, NULL);
    KeInsertQueueApc(&SampleApc, NULL, NULL, IO_NO_INCREMENT);
}

static NTSTATUS NTAPI
SampleControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Sp = IoGetCurrentIrpStackLocation(Irp);
    KIRQL              Irql;

    if (Sp->Parameters.DeviceIoControl.IoControlCode != IOCTL_SAMPLE_STOP
        || Sp->Parameters.DeviceIoControl.InputBufferLength != sizeof SampleHandles)
        return SampleComplete(Irp, STATUS_INVALID_DEVICE_REQUEST);
    RtlCopyMemory(SampleHandles, Irp->AssociatedIrp.SystemBuffer, sizeof SampleHandles);

    SampleSetUp();
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    KeSetEvent(&SampleWake, IO_NO_INCREMENT, FALSE);
    KeInsertQueueDpc(&SampleDpc, NULL, NULL);
    SampleStop();
    KeLowerIrql(Irql);

    ObReferenceObjectWithTag(SampleEvent, SAMPLE_TAG);
    ObDereferenceObjectWithTag(SampleEvent, SAMPLE_TAG);
    SampleDone();
    ExReleaseResourceLite(&SampleResource);
    KeLeaveCriticalRegion();
    return SampleComplete(Irp, STATUS_SUCCESS);
}

/* \SampleDirectory with its two objects. The handles stay open. */
static NTSTATUS
SampleMakeObjects(VOID)
{
    UNICODE_STRING    Directory = RTL_CONSTANT_STRING(L"\\SampleDirectory");
    UNICODE_STRING    Event = RTL_CONSTANT_STRING(L"\\SampleDirectory\\Event");
    UNICODE_STRING    Link = RTL_CONSTANT_STRING(L"\\SampleDirectory\\Link");
    UNICODE_STRING    Target = RTL_CONSTANT_STRING(L"\\Device\\SampleLow");
    OBJECT_ATTRIBUTES Attributes;
    HANDLE            Handle;
    NTSTATUS          Status;

    InitializeObjectAttributes(&Attributes, &Directory, OBJ_KERNEL_HANDLE, NULL, NULL);
    Status = ZwCreateDirectoryObject(&Handle, DIRECTORY_ALL_ACCESS, &Attributes);
    if (!NT_SUCCESS(Status))
        return Status;
    Attributes.ObjectName = &Link;
    Status = ZwCreateSymbolicLinkObject(&Handle, SYMBOLIC_LINK_ALL_ACCESS, &Attributes, &Target);
    if (!NT_SUCCESS(Status))
        return Status;
    Attributes.ObjectName = &Event;
    Status = ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE);
    if (!NT_SUCCESS(Status))
        return Status;
    return ObReferenceObjectByHandleWithTag(Handle, EVENT_ALL_ACCESS, *ExEventObjectType,
                                            KernelMode, SAMPLE_TAG, &SampleEvent, NULL);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\SampleLow");
    UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\DosDevices\\Sample");
    LARGE_INTEGER  Hour = { .QuadPart = -36000000000LL };
    NTSTATUS       Status;

    Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN,
                            FALSE, &SampleDevice);
    if (NT_SUCCESS(Status))
        Status = IoCreateSymbolicLink(&Link, &Name);
    if (NT_SUCCESS(Status))
        Status = SampleMakeObjects();
    if (!NT_SUCCESS(Status))
        return Status;

    SampleBlock = ExAllocatePoolWithTag(NonPagedPool, 0x60, SAMPLE_TAG);
    if (SampleBlock == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlFillMemory(SampleBlock, 0x60, 0x5A);
    ExInitializeResourceLite(&SampleResource);
    KeInitializeEvent(&SampleWaiting, NotificationEvent, FALSE);
    KeInitializeEvent(&SampleWake, NotificationEvent, FALSE);
    KeInitializeDpc(&SampleDpc, SampleDpcRoutine, NULL);
    KeInitializeDpc(&SampleTimerDpc, SampleDpcRoutine, NULL);
    KeInitializeTimer(&SampleTimer);
    KeSetTimerEx(&SampleTimer, Hour, 60000, &SampleTimerDpc);

    DriverObject->MajorFunction[IRP_MJ_CREATE] = SampleCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = SampleCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = SampleCreateClose;
    DriverObject->MajorFunction[IRP_MJ_READ] = SampleRead;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = SampleControl;
    DbgPrint("samplelow: ready to be looked at\n");
    return STATUS_SUCCESS;
}
