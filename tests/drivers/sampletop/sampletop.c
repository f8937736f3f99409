/*
 * sampletop.sys is a filter above \Device\SampleLow: it passes everything down, reads with a
 * completion routine that is to run on success and error but not on cancel. See samplelow.c.
 */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
static DRIVER_DISPATCH TopPass, TopRead;
static IO_COMPLETION_ROUTINE TopReadDone;

static PDEVICE_OBJECT TopLower;

static NTSTATUS NTAPI
TopPass(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(TopLower, Irp);
}

static NTSTATUS NTAPI
TopReadDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI
TopRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, TopReadDone, DeviceObject, TRUE, TRUE, FALSE);
    return IoCallDriver(TopLower, Irp);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Target = RTL_CONSTANT_STRING(L"\\Device\\SampleLow");
    PDEVICE_OBJECT Device, Below;
    PFILE_OBJECT   File;
    NTSTATUS       Status;

    Status = IoGetDeviceObjectPointer(&Target, FILE_READ_DATA, &File, &Below);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (NT_SUCCESS(Status)) {
        TopLower = IoAttachDeviceToDeviceStack(Device, Below);
        Device->Flags |= Below->Flags & (DO_BUFFERED_IO | DO_DIRECT_IO);
    }
    ObDereferenceObject(File);
    for (ULONG Major = 0; Major <= IRP_MJ_MAXIMUM_FUNCTION; Major++)
        DriverObject->MajorFunction[Major] = TopPass;
    DriverObject->MajorFunction[IRP_MJ_READ] = TopRead;
    return Status;
}
