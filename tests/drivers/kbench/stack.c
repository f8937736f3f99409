/*
 * An IRP from IoAllocateIrp to IoFreeIrp through a stack of devices. Each but the lowest copies its
 * location to the next and sets a completion routine, as a filter does; the lowest completes.
 * The sender keeps the IRP with a completion routine of its own and frees it.
 */
#include "kbench.h"

#define MAX_DEVICES 8

typedef struct _LEVEL {
    PDEVICE_OBJECT Lower;               // NULL: this is the lowest
} LEVEL, *PLEVEL;

static PDEVICE_OBJECT Devices[MAX_DEVICES];
static ULONG          DeviceCount;

static NTSTATUS NTAPI
StackPassed(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Context);
    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI
StackDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PLEVEL Level = DeviceObject->DeviceExtension;

    if (Level != NULL && Level->Lower != NULL) {
        IoCopyCurrentIrpStackLocationToNext(Irp);
        IoSetCompletionRoutine(Irp, StackPassed, NULL, TRUE, TRUE, TRUE);
        return IoCallDriver(Level->Lower, Irp);
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI
StackKeep(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

NTSTATUS
StackPrepare(const OPERATION *Operation)
{
    NTSTATUS Status;
    PLEVEL   Level;

    for (DeviceCount = 0; DeviceCount < Operation->Size; DeviceCount++) {
        Status = IoCreateDevice(BenchDriver, sizeof(LEVEL), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE,
                                &Devices[DeviceCount]);
        if (!NT_SUCCESS(Status))
            return Status;
        Level = Devices[DeviceCount]->DeviceExtension;
        Level->Lower = DeviceCount == 0 ? NULL
            : IoAttachDeviceToDeviceStack(Devices[DeviceCount], Devices[0]);
        Devices[DeviceCount]->Flags &= ~DO_DEVICE_INITIALIZING;
    }
    return STATUS_SUCCESS;
}

VOID
StackRun(ULONG Count)
{
    PDEVICE_OBJECT Top = Devices[DeviceCount - 1];

    while (Count--) {
        PIRP Irp = IoAllocateIrp(Top->StackSize, FALSE);

        if (Irp == NULL)
            return;
        IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
        IoSetCompletionRoutine(Irp, StackKeep, NULL, TRUE, TRUE, TRUE);
        IoCallDriver(Top, Irp);
        IoFreeIrp(Irp);
    }
}

VOID
StackFinish(VOID)
{
    while (DeviceCount > 0) {
        PDEVICE_OBJECT Device = Devices[--DeviceCount];
        PLEVEL         Level = Device->DeviceExtension;

        if (Level->Lower != NULL)
            IoDetachDevice(Level->Lower);
        IoDeleteDevice(Device);
    }
}
