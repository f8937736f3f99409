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

/* What is known of one IRP: on its way up it is TrackDone's context, then it waits to be read. */
typedef struct _TRACK_NOTE {
    LIST_ENTRY      Entry;                      // in Filter->Notes
    PTRACK_FILTER   Filter;
    IRPTRACK_RECORD Record;
} TRACK_NOTE, *PTRACK_NOTE;

/* NULL without memory: the IRP passes all the same, and is counted as lost. */
static PTRACK_NOTE
TrackBegin(PTRACK_FILTER Filter, PIRP Irp)
{
    PTRACK_NOTE Note = ExAllocatePoolWithTag(NonPagedPool, sizeof *Note, TRACK_TAG);

    if (Note == NULL)
        return NULL;
    RtlZeroMemory(Note, sizeof *Note);
    Note->Filter = Filter;
    Note->Record.Irp = (ULONG_PTR)Irp;
    Note->Record.Started = KeQueryInterruptTime();
    Note->Record.Process = HandleToULong(PsGetCurrentProcessId());
    Note->Record.Thread = HandleToULong(PsGetCurrentThreadId());
    Note->Record.Major = IoGetCurrentIrpStackLocation(Irp)->MajorFunction;
    return Note;
}

/* The filter has no more to do with the IRP, which may be gone: its address is only a name here. */
static VOID
TrackEnd(PTRACK_FILTER Filter, PTRACK_NOTE Note, UCHAR How, PIRP Irp, IO_STATUS_BLOCK Result)
{
    KIRQL Irql;

    KeAcquireSpinLock(&Filter->Lock, &Irql);
    if (Note != NULL && !Filter->Closed && Filter->Count < IRPTRACK_KEPT) {
        Note->Record.Ended = KeQueryInterruptTime();
        Note->Record.Status = Result.Status;
        Note->Record.Information = Result.Information;
        Note->Record.How = How;
        Note->Record.Lost = Filter->Lost;
        InsertTailList(&Filter->Notes, &Note->Entry);
        InterlockedIncrement(&Filter->Count);
        Filter->Lost = 0;
        Note = NULL;
    } else {
        Filter->Lost++;
    }
    KeReleaseSpinLock(&Filter->Lock, Irql);
    if (Note != NULL)
        ExFreePoolWithTag(Note, TRACK_TAG);
    IoReleaseRemoveLock(&Filter->RemoveLock, Irp);
}

ULONG
TrackRead(PTRACK_FILTER Filter, PIRPTRACK_RECORD To, ULONG Length)
{
    PLIST_ENTRY Entry;
    PTRACK_NOTE Note;
    ULONG       Done = 0;

    while (Length - Done >= sizeof *To &&
           (Entry = ExInterlockedRemoveHeadList(&Filter->Notes, &Filter->Lock)) != NULL) {
        Note = CONTAINING_RECORD(Entry, TRACK_NOTE, Entry);
        *To++ = Note->Record;
        Done += sizeof *To;
        ExFreePoolWithTag(Note, TRACK_TAG);
        InterlockedDecrement(&Filter->Count);
    }
    return Done;
}

/* ---- the three ways ---- */

static NTSTATUS
TrackRefuse(PTRACK_FILTER Filter, PTRACK_NOTE Note, PIRP Irp)
{
    TrackComplete(Irp, STATUS_ACCESS_DENIED, 0);
    TrackEnd(Filter, Note, IRPTRACK_HERE, Irp, (IO_STATUS_BLOCK){ .Status = STATUS_ACCESS_DENIED });
    return STATUS_ACCESS_DENIED;
}

static NTSTATUS
TrackPassBlind(PTRACK_FILTER Filter, PTRACK_NOTE Note, PIRP Irp)
{
    NTSTATUS Status;

    IoSkipCurrentIrpStackLocation(Irp);
    Status = IoCallDriver(Filter->Lower, Irp);
    TrackEnd(Filter, Note, IRPTRACK_BLIND | (Status == STATUS_PENDING ? IRPTRACK_PENDED : 0), Irp,
             (IO_STATUS_BLOCK){ .Status = Status });
    return Status;
}

static NTSTATUS NTAPI
TrackDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PTRACK_NOTE Note = Context;
    UCHAR       How = Irp->Cancel ? IRPTRACK_CANCELLED : 0;

    UNREFERENCED_PARAMETER(DeviceObject);

    if (Irp->PendingReturned) {
        IoMarkIrpPending(Irp);
        How |= IRPTRACK_PENDED;
    }
    TrackEnd(Note->Filter, Note, How, Irp, Irp->IoStatus);
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS
TrackPassAndWatch(PTRACK_FILTER Filter, PTRACK_NOTE Note, PIRP Irp)
{
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, TrackDone, Note, TRUE, TRUE, TRUE);
    return IoCallDriver(Filter->Lower, Irp);
}

/* Every IRP for a filter device, at whatever IRQL its sender has. */
NTSTATUS NTAPI
TrackPass(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PTRACK_FILTER Filter = DeviceObject->DeviceExtension;
    PTRACK_NOTE   Note;

    if (!NT_SUCCESS(IoAcquireRemoveLock(&Filter->RemoveLock, Irp))) {
        IoSkipCurrentIrpStackLocation(Irp);
        return IoCallDriver(Filter->Lower, Irp);
    }
    Note = TrackBegin(Filter, Irp);
    if ((Filter->Flags & IRPTRACK_REFUSE_WRITES) &&
        IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_WRITE)
        return TrackRefuse(Filter, Note, Irp);
    if ((Filter->Flags & IRPTRACK_PASS_BLIND) || Note == NULL)
        return TrackPassBlind(Filter, Note, Irp);
    return TrackPassAndWatch(Filter, Note, Irp);
}

/* ---- attaching and detaching ---- */

NTSTATUS
TrackAttach(PDRIVER_OBJECT Driver, PUNICODE_STRING Name, PDEVICE_OBJECT *Device)
{
    PDEVICE_OBJECT Target, Top;
    PTRACK_FILTER  Filter;
    NTSTATUS       Status;

    Status = ObReferenceObjectByName(Name, OBJ_CASE_INSENSITIVE, NULL, 0, *IoDeviceObjectType,
                                     KernelMode, NULL, (PVOID *)&Target);
    if (!NT_SUCCESS(Status))
        return Status;
    Top = IoGetAttachedDeviceReference(Target);
    Status = IoCreateDevice(Driver, sizeof *Filter, NULL, Top->DeviceType, Top->Characteristics,
                            FALSE, Device);
    if (NT_SUCCESS(Status)) {
        Filter = (*Device)->DeviceExtension;
        KeInitializeSpinLock(&Filter->Lock);
        InitializeListHead(&Filter->Notes);
        IoInitializeRemoveLock(&Filter->RemoveLock, TRACK_TAG, 0, 0);
        // buffers are prepared as the topmost device says, and that is this one now
        (*Device)->Flags |= Top->Flags & (DO_BUFFERED_IO | DO_DIRECT_IO | DO_POWER_PAGABLE);
        (*Device)->Flags &= ~DO_DEVICE_INITIALIZING;
        Status = IoAttachDeviceToDeviceStackSafe(*Device, Target, &Filter->Lower);
        if (!NT_SUCCESS(Status))
            IoDeleteDevice(*Device);
    }
    ObDereferenceObject(Top);
    ObDereferenceObject(Target);
    return Status;
}

VOID
TrackLeave(PDEVICE_OBJECT Device)
{
    PTRACK_FILTER   Filter = Device->DeviceExtension;
    IRPTRACK_RECORD Unread;
    KIRQL           Irql;

    KeAcquireSpinLock(&Filter->Lock, &Irql);
    Filter->Closed = TRUE;
    KeReleaseSpinLock(&Filter->Lock, Irql);
    while (TrackRead(Filter, &Unread, sizeof Unread) != 0)
        ;
    if (!Filter->Detached && Device->AttachedDevice == NULL) {
        Filter->Detached = TRUE;
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
