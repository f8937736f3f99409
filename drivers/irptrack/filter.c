/*
 * The filter device: it goes on top of another device's stack, sees every IRP on the way down and,
 * if it likes, on the way up, and leaves the stack again while IRPs are going through it.
 *
 * An IRP can be dealt with in three ways, and TrackPass shows each:
 *   - completed here: it goes no further;
 *   - passed down blind: IoSkipCurrentIrpStackLocation hands our own stack location to the driver
 *     below, so this driver does not exist for the IRP's completion. What the call returned is all
 *     one knows, and the IRP must not be touched after it;
 *   - passed down with a completion routine: IoCopyCurrentIrpStackLocationToNext makes a location
 *     for the driver below, and TrackDone is called when the IRP comes up again, in whatever
 *     thread, at up to DISPATCH_LEVEL. It repeats IoMarkIrpPending for our own location when the
 *     driver below has pended, because the caller of TrackPass was told STATUS_PENDING.
 *
 * Leaving while IRPs are in flight: some have this driver's completion routine in them, perhaps
 * for hours, and one may still arrive, because the I/O manager looked for the top of the stack just
 * before IoDetachDevice. So a filter that has left the stack stays as a device, knows Lower, and
 * serves such IRPs as before; the files they belong to keep the device below from going away. Only
 * the unload has to wait: each IRP holds the remove lock from its way down until the filter is done
 * with it, and TrackStop waits for that. If somebody has attached above the filter it cannot leave
 * without cutting that one off, and stays in the stack until the unload.
 */
#include "irptrack.h"

static NPAGED_LOOKASIDE_LIST TrackContexts;

/* What TrackDone needs to know. */
typedef struct _TRACK_CONTEXT {
    PTRACK_FILTER   Filter;
    IRPTRACK_RECORD Record;
} TRACK_CONTEXT, *PTRACK_CONTEXT;

static IO_COMPLETION_ROUTINE TrackDone;

VOID
TrackInitialize(VOID)
{
    ExInitializeNPagedLookasideList(&TrackContexts, NULL, NULL, 0, sizeof(TRACK_CONTEXT),
                                    TRACK_TAG, 0);
}

VOID
TrackUninitialize(VOID)
{
    ExDeleteNPagedLookasideList(&TrackContexts);
}

static VOID
TrackBegin(PIRPTRACK_RECORD Record, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

    RtlZeroMemory(Record, sizeof *Record);
    Record->Irp = (ULONG_PTR)Irp;
    Record->Started = KeQueryInterruptTime();
    Record->Process = HandleToULong(PsGetCurrentProcessId());
    Record->Thread = HandleToULong(PsGetCurrentThreadId());
    Record->Major = Stack->MajorFunction;
    Record->Minor = Stack->MinorFunction;
}

static VOID
TrackEnd(PTRACK_FILTER Filter, PIRPTRACK_RECORD Record, NTSTATUS Status, ULONG_PTR Information)
{
    PTRACK_RING Ring;
    KIRQL       Irql;

    Record->Ended = KeQueryInterruptTime();
    Record->Status = Status;
    Record->Information = Information;

    KeAcquireSpinLock(&Filter->Lock, &Irql);
    Ring = Filter->Ring;
    if (Ring != NULL && Ring->Count < IRPTRACK_RING)
        Ring->Records[(Ring->First + Ring->Count++) % IRPTRACK_RING] = *Record;
    else if (Ring != NULL)
        Ring->Lost++;
    KeReleaseSpinLock(&Filter->Lock, Irql);
}

/* The filter's file is open, so it has its ring. */
ULONG
TrackRead(PTRACK_FILTER Filter, PIRPTRACK_RECORD To, ULONG Room)
{
    PTRACK_RING Ring = Filter->Ring;
    ULONG       Taken;
    KIRQL       Irql;

    KeAcquireSpinLock(&Filter->Lock, &Irql);
    for (Taken = 0; Taken < Room && Ring->Count > 0; Taken++) {
        To[Taken] = Ring->Records[Ring->First];
        Ring->First = (Ring->First + 1) % IRPTRACK_RING;
        Ring->Count--;
    }
    KeReleaseSpinLock(&Filter->Lock, Irql);
    return Taken;
}

ULONG
TrackLost(PTRACK_FILTER Filter)
{
    return Filter->Ring->Lost;
}

/* ---- the three ways ---- */

static NTSTATUS
TrackRefuse(PTRACK_FILTER Filter, PIRP Irp)
{
    IRPTRACK_RECORD Record;

    TrackBegin(&Record, Irp);
    Record.How = IRPTRACK_HERE;
    TrackEnd(Filter, &Record, STATUS_ACCESS_DENIED, 0);
    TrackComplete(Irp, STATUS_ACCESS_DENIED, 0);
    IoReleaseRemoveLock(&Filter->RemoveLock, Irp);
    return STATUS_ACCESS_DENIED;
}

static NTSTATUS
TrackPassBlind(PTRACK_FILTER Filter, PIRP Irp)
{
    IRPTRACK_RECORD Record;
    NTSTATUS        Status;

    TrackBegin(&Record, Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    Status = IoCallDriver(Filter->Lower, Irp);
    Record.How = IRPTRACK_BLIND | (Status == STATUS_PENDING ? IRPTRACK_PENDED : 0);
    TrackEnd(Filter, &Record, Status, 0);
    IoReleaseRemoveLock(&Filter->RemoveLock, Irp);
    return Status;
}

static NTSTATUS
TrackPassAndWatch(PTRACK_FILTER Filter, PIRP Irp)
{
    PTRACK_CONTEXT Context = ExAllocateFromNPagedLookasideList(&TrackContexts);

    if (Context == NULL)
        return TrackPassBlind(Filter, Irp);
    Context->Filter = Filter;
    TrackBegin(&Context->Record, Irp);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, TrackDone, Context, TRUE, TRUE, TRUE);
    return IoCallDriver(Filter->Lower, Irp);
}

static NTSTATUS NTAPI
TrackDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Opaque)
{
    PTRACK_CONTEXT Context = Opaque;
    PTRACK_FILTER  Filter = Context->Filter;

    UNREFERENCED_PARAMETER(DeviceObject);

    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    Context->Record.How = (Irp->PendingReturned ? IRPTRACK_PENDED : 0)
                        | (Irp->Cancel ? IRPTRACK_CANCELLED : 0);
    TrackEnd(Filter, &Context->Record, Irp->IoStatus.Status, Irp->IoStatus.Information);
    ExFreeToNPagedLookasideList(&TrackContexts, Context);
    IoReleaseRemoveLock(&Filter->RemoveLock, Irp);
    return STATUS_CONTINUE_COMPLETION;
}

/* Every IRP for a filter device, at whatever IRQL its sender has. */
NTSTATUS NTAPI
TrackPass(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PTRACK_FILTER Filter = DeviceObject->DeviceExtension;

    if (!NT_SUCCESS(IoAcquireRemoveLock(&Filter->RemoveLock, Irp))) {
        IoSkipCurrentIrpStackLocation(Irp);
        return IoCallDriver(Filter->Lower, Irp);
    }
    if ((Filter->Flags & IRPTRACK_REFUSE_WRITES) &&
        IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_WRITE)
        return TrackRefuse(Filter, Irp);
    return Filter->Flags & IRPTRACK_PASS_BLIND ? TrackPassBlind(Filter, Irp)
                                               : TrackPassAndWatch(Filter, Irp);
}

/* ---- attaching and detaching ---- */

/* The I/O manager prepares buffers as the top of the stack says, so it must say what is below. */
static VOID
TrackCopyFlags(PDEVICE_OBJECT Filter, PDEVICE_OBJECT Lower)
{
    Filter->Flags |= Lower->Flags & (DO_BUFFERED_IO | DO_DIRECT_IO | DO_POWER_PAGABLE);
    Filter->DeviceType = Lower->DeviceType;
    Filter->Characteristics = Lower->Characteristics;
}

/* A filter device that is not attached yet, with its ring. */
static NTSTATUS
TrackCreate(PDRIVER_OBJECT Driver, ULONG Flags, PDEVICE_OBJECT *Device)
{
    PTRACK_RING   Ring = ExAllocatePoolWithTag(NonPagedPool, sizeof *Ring, TRACK_TAG);
    PTRACK_FILTER Filter;
    NTSTATUS      Status;

    if (Ring == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    Status = IoCreateDevice(Driver, sizeof *Filter, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, Device);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Ring, TRACK_TAG);
        return Status;
    }
    Ring->First = Ring->Count = Ring->Lost = 0;
    Filter = (*Device)->DeviceExtension;
    Filter->Ring = Ring;
    Filter->Flags = Flags;
    KeInitializeSpinLock(&Filter->Lock);
    IoInitializeRemoveLock(&Filter->RemoveLock, TRACK_TAG, 0, 0);
    return STATUS_SUCCESS;
}

NTSTATUS
TrackAttach(PDRIVER_OBJECT Driver, PCUNICODE_STRING Name, ULONG Flags, PDEVICE_OBJECT *Attached)
{
    PDEVICE_OBJECT Target, Top, Device;
    PTRACK_FILTER  Filter;
    NTSTATUS       Status;

    Status = ObReferenceObjectByName((PUNICODE_STRING)Name, OBJ_CASE_INSENSITIVE, NULL, 0,
                                     *IoDeviceObjectType, KernelMode, NULL, (PVOID *)&Target);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = TrackCreate(Driver, Flags, &Device);
    if (NT_SUCCESS(Status)) {
        Filter = Device->DeviceExtension;
        Top = IoGetAttachedDeviceReference(Target);
        TrackCopyFlags(Device, Top);
        ObDereferenceObject(Top);
        Status = IoAttachDeviceToDeviceStackSafe(Device, Target, &Filter->Lower);
        if (NT_SUCCESS(Status)) {
            TrackCopyFlags(Device, Filter->Lower);
            Device->Flags &= ~DO_DEVICE_INITIALIZING;
            Filter->Attached = TRUE;
            *Attached = Device;
        } else {
            ExFreePoolWithTag(Filter->Ring, TRACK_TAG);
            IoDeleteDevice(Device);
        }
    }
    ObDereferenceObject(Target);
    return Status;
}

VOID
TrackLeave(PDEVICE_OBJECT Device)
{
    PTRACK_FILTER Filter = Device->DeviceExtension;
    PTRACK_RING   Ring;
    KIRQL         Irql;

    KeAcquireSpinLock(&Filter->Lock, &Irql);
    Ring = Filter->Ring;
    Filter->Ring = NULL;
    KeReleaseSpinLock(&Filter->Lock, Irql);
    if (Ring != NULL)
        ExFreePoolWithTag(Ring, TRACK_TAG);

    if (Filter->Attached && Device->AttachedDevice == NULL) {
        Filter->Attached = FALSE;
        IoDetachDevice(Filter->Lower);
    }
}

VOID
TrackStop(PDEVICE_OBJECT Device)
{
    PTRACK_FILTER Filter = Device->DeviceExtension;

    TrackLeave(Device);
    IoAcquireRemoveLock(&Filter->RemoveLock, NULL);
    IoReleaseRemoveLockAndWait(&Filter->RemoveLock, NULL);
}
