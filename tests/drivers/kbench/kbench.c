/*
 * kbench.sys, what operations cost inside the kernel, for the bench program: a driver like any
 * other, loaded by name, that uses documented routines only. \\.\KBench answers
 * IOCTL_KBENCH_RUN with the batches of one operation of the table below.
 *
 * One operation runs at a time; RunMutex sees to it.
 */
#include "kbench.h"
#include <intrin.h>

static const OPERATION Operations[] = {
    { "irp-1",            1000, StackPrepare,  StackRun,  StackFinish,      1 },
    { "irp-2",            1000, StackPrepare,  StackRun,  StackFinish,      2 },
    { "irp-8",            1000, StackPrepare,  StackRun,  StackFinish,      8 },
    { "cancel-1-of-1",     100, CancelPrepare, CancelRun, CancelFinish,     1 },
    { "cancel-1-of-10000", 100, CancelPrepare, CancelRun, CancelFinish, 10000 },
    { "handle-lookup-10",      1000, HandlePrepare, HandleRun, HandleFinish,      10 },
    { "handle-lookup-10000",   1000, HandlePrepare, HandleRun, HandleFinish,   10000 },
    { "handle-lookup-1000000", 1000, HandlePrepare, HandleRun, HandleFinish, 1000000 },
    { "name-lookup-10",        1000, NamePrepare,   NameRun,   NameFinish,        10 },
    { "name-lookup-1000",      1000, NamePrepare,   NameRun,   NameFinish,      1000 },
    { "name-lookup-100000",    1000, NamePrepare,   NameRun,   NameFinish,    100000 },
};

PDRIVER_OBJECT BenchDriver;
static KMUTEX  RunMutex;

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD   BenchUnload;
static DRIVER_DISPATCH BenchCreateClose, BenchControl;

static NTSTATUS
BenchRun(const OPERATION *Operation, PKBENCH_RESULT Result)
{
    NTSTATUS  Status = STATUS_SUCCESS;
    ULONGLONG Start;
    ULONG     Batch;

    RtlZeroMemory(Result, sizeof *Result);
    for (Batch = 0; Operation->Name[Batch] != 0 && Batch < KBENCH_NAME - 1; Batch++)
        Result->Name[Batch] = Operation->Name[Batch];

    if (Operation->Prepare != NULL)
        Status = Operation->Prepare(Operation);
    if (NT_SUCCESS(Status))
        Operation->Run(Operation->Count);       // to warm up
    for (Batch = 0; NT_SUCCESS(Status) && Batch < KBENCH_BATCHES; Batch++) {
        Start = __rdtsc();
        Operation->Run(Operation->Count);
        Result->Means[Batch] = (__rdtsc() - Start + Operation->Count / 2) / Operation->Count;
    }
    if (Operation->Finish != NULL)
        Operation->Finish();
    return Status;
}

static NTSTATUS NTAPI
BenchControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG              Index = 0;
    NTSTATUS           Status = STATUS_INVALID_DEVICE_REQUEST;

    UNREFERENCED_PARAMETER(DeviceObject);

    Irp->IoStatus.Information = 0;
    if (Stack->Parameters.DeviceIoControl.IoControlCode == (ULONG)IOCTL_KBENCH_RUN) {
        Status = STATUS_INFO_LENGTH_MISMATCH;
        if (Stack->Parameters.DeviceIoControl.InputBufferLength == sizeof(ULONG) &&
            Stack->Parameters.DeviceIoControl.OutputBufferLength == sizeof(KBENCH_RESULT)) {
            Index = *(PULONG)Irp->AssociatedIrp.SystemBuffer;
            Status = STATUS_NO_MORE_ENTRIES;
        }
    }
    if (Status == STATUS_NO_MORE_ENTRIES && Index < RTL_NUMBER_OF(Operations)) {
        KeWaitForSingleObject(&RunMutex, Executive, KernelMode, FALSE, NULL);
        Status = BenchRun(&Operations[Index], Irp->AssociatedIrp.SystemBuffer);
        KeReleaseMutex(&RunMutex, FALSE);
        Irp->IoStatus.Information = sizeof(KBENCH_RESULT);
    }
    Irp->IoStatus.Status = Status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI
BenchCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI
BenchUnload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\DosDevices\\KBench");

    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\KBench");
    UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\DosDevices\\KBench");
    PDEVICE_OBJECT Device;
    NTSTATUS       Status;

    UNREFERENCED_PARAMETER(RegistryPath);

    BenchDriver = DriverObject;
    KeInitializeMutex(&RunMutex, 0);
    Status = IoCreateDevice(DriverObject, 0, &Name, 0x8001, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = IoCreateSymbolicLink(&Link, &Name);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Device);
        return Status;
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = BenchCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = BenchCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = BenchCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = BenchControl;
    DriverObject->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL] = StackDispatch;
    DriverObject->DriverUnload = BenchUnload;
    return STATUS_SUCCESS;
}
