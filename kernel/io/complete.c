/*
 * An IRP on its way down and up: steps (3), (4) and (6) of the life of an IRP (io.h).
 *
 * IofCallDriver moves one stack location down and calls the driver's dispatch routine;
 * IofCompleteRequest moves up, location by location, calling the completion routines that were
 * set, until one of them keeps the IRP (STATUS_MORE_PROCESSING_REQUIRED) or the top is reached. A
 * location's completion routine was set by the driver above it. Having passed a location, its
 * Control byte is cleared, so that a driver that sends the IRP again starts clean.
 *
 * Drivers are assumed hostile by accident. Always checked, each with its documented stop: an IRP
 * completed twice or after it was freed (0x44), with STATUS_PENDING (0xC9, 6), with a cancel
 * routine still set (0x48), above DISPATCH_LEVEL (0xC9, 0xE); an IRP sent down further than it
 * has locations (0x35); one that STATUS_PENDING was returned for without the mark, once a service
 * waits for it or its thread ends (0xC9, 0x23D); a dispatch or completion routine that returns at
 * another IRQL, with the thread's APCs disabled differently or with a spin lock held
 * (ke/callout.c).
 */
#include "iop.h"

static __attribute__((noinline, cold)) VOID
IopBadCall(PDEVICE_OBJECT Device, PIRP Irp, PVOID Caller)
{
    IRQL_AT_MOST(DISPATCH_LEVEL);
    if (Irp->Type != IO_TYPE_IRP)
        IopStop(DRIVER_VERIFIER_IOMANAGER_VIOLATION, 3, (ULONG_PTR)Irp, 0, Caller,
                "sent something that is not an IRP, or was freed");
    IopStop(NO_MORE_IRP_STACK_LOCATIONS, (ULONG_PTR)Irp, (ULONG_PTR)Device, 0, Caller,
            "sent an IRP further down than it has stack locations");
}

/* Apart, so that IofCallDriver keeps its values in fewer registers. */
static DECLSPEC_NOINLINE VOID
IopTracePending(PIRP Irp, PDEVICE_OBJECT Device, PVOID Dispatch, KIRQL Irql)
{
    IopTrace(IopTracePended, Irp, 0, Device, Dispatch, 0, Irql);        // (4)
}

/*
 * (3) Sends Irp to Device's driver, whose dispatch routine owns it from here on: the caller must
 * not touch it again unless it set a completion routine that keeps it. Returns what the dispatch
 * routine returned. IRQL <= DISPATCH_LEVEL.
 */
NTSTATUS FASTCALL
IofCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL              Irql = KeGetCurrentIrql();
    ULONG64            State = KiCalloutState();
    PIO_STACK_LOCATION Sp;
    PDRIVER_DISPATCH   Dispatch = IopInvalidDeviceRequest;
    NTSTATUS           Status;

    if (Irp->Type != IO_TYPE_IRP || Irp->CurrentLocation <= 1 || Irql > DISPATCH_LEVEL)
        IopBadCall(DeviceObject, Irp, __builtin_return_address(0));

    if (IopOwnerLocation(Irp) == 0)
        IopOwnerLocation(Irp) = Irp->CurrentLocation;
    Irp->CurrentLocation--;
    Sp = --Irp->Tail.Overlay.CurrentStackLocation;
    Sp->DeviceObject = DeviceObject;
    if (Sp->MajorFunction <= IRP_MJ_MAXIMUM_FUNCTION)
        Dispatch = DeviceObject->DriverObject->MajorFunction[Sp->MajorFunction];

    IopTrace(IopTraceSent, Irp, Irp->CurrentLocation, DeviceObject, Dispatch, *(PUSHORT)Sp, Irql);
    Status = Dispatch(DeviceObject, Irp);
    if (Status == STATUS_PENDING)
        IopTracePending(Irp, DeviceObject, Dispatch, Irql);

    KiCheckCallout(KiDispatchRoutine, Dispatch, DeviceObject, Irql, State);
    return Status;
}

static __attribute__((noinline, cold)) VOID
IopBadCompletion(PIRP Irp, PVOID Caller)
{
    if (KeGetCurrentIrql() > DISPATCH_LEVEL)
        IopStop(DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0xE, KeGetCurrentIrql(), (ULONG_PTR)Irp,
                Caller,
                "completed an IRP above DISPATCH_LEVEL");
    if (Irp->Type != IO_TYPE_IRP || Irp->CurrentLocation > Irp->StackCount + 1)
        IopStop(MULTIPLE_IRP_COMPLETE_REQUESTS, (ULONG_PTR)Irp, 0, 0, Caller,
                "completed an IRP that was completed before");
    if (Irp->CancelRoutine != NULL)
        IopStop(CANCEL_STATE_IN_COMPLETED_IRP, (ULONG_PTR)Irp, (ULONG_PTR)Irp->CancelRoutine, 0,
                Caller,
                "completed an IRP with its cancel routine still set");
    IopStop(DRIVER_VERIFIER_IOMANAGER_VIOLATION, 6, (ULONG_PTR)Irp->IoStatus.Status,
            (ULONG_PTR)Irp, Caller,
            "completed an IRP with STATUS_PENDING");
}

/* Calls the completion routine of a location just passed; returns FALSE if it keeps the IRP. */
static BOOLEAN
IopCallCompletionRoutine(PIRP Irp, PIO_STACK_LOCATION Sp)
{
    PIO_COMPLETION_ROUTINE Routine = Sp->CompletionRoutine;
    PVOID                  Context = Sp->Context;
    PDEVICE_OBJECT         Device = NULL;
    KIRQL                  Irql = KeGetCurrentIrql();
    ULONG64                State = KiCalloutState();
    CHAR                   Location = Irp->CurrentLocation;
    NTSTATUS               Status;

    if (Irp->CurrentLocation <= Irp->StackCount)
        Device = IoGetCurrentIrpStackLocation(Irp)->DeviceObject;
    Sp->MinorFunction = Sp->Flags = Sp->Control = 0;
    Sp->FileObject = NULL;

    Status = Routine(Device, Irp, Context);

    KiCheckCallout(KiCompletionRoutine, Routine, Device, Irql, State);
    if (Status == STATUS_MORE_PROCESSING_REQUIRED)
        IopTrace(IopTraceKept, Irp, Location, Device, Routine, 0, Irql);
    return Status != STATUS_MORE_PROCESSING_REQUIRED;
}

static BOOLEAN
IopWantsCompletion(PIRP Irp, UCHAR Control)
{
    if (Irp->Cancel && (Control & SL_INVOKE_ON_CANCEL))
        return TRUE;
    return (Control & (NT_SUCCESS(Irp->IoStatus.Status)
                       ? SL_INVOKE_ON_SUCCESS : SL_INVOKE_ON_ERROR)) != 0;
}

/* The last associated IRP of a master completes it. */
static VOID
IopCompleteAssociated(PIRP Irp, CCHAR PriorityBoost)
{
    PIRP Master = Irp->AssociatedIrp.MasterIrp;
    LONG Left = InterlockedDecrement((volatile LONG *)&Master->AssociatedIrp.IrpCount);

    Irp->Flags &= ~IRP_DEALLOCATE_BUFFER;           // AssociatedIrp holds the master, not a buffer
    IopFreeBuffers(Irp);
    IoFreeIrp(Irp);
    if (Left == 0)
        IofCompleteRequest(Master, PriorityBoost);
}

/*
 * A second completion is recognised by this, and so is one that comes while IopWaitForFile begins
 * to wait: of that one's flag in Flags and this location either side writes its own first and then
 * looks at the other's. The exchange is the barrier between the two.
 */
static inline VOID
IopSetCompleted(PIRP Irp)
{
    __atomic_exchange_n(&Irp->CurrentLocation, (CHAR)(Irp->StackCount + 2), __ATOMIC_SEQ_CST);
}

/* Every driver has seen the IRP: on to step (7), or to whoever waits for it. */
static VOID
IopReachTop(PIRP Irp, CCHAR PriorityBoost)
{
    ULONG Flags = Irp->Flags;

    if (Flags & IRP_ASSOCIATED_IRP) {
        IopCompleteAssociated(Irp, PriorityBoost);
    } else if (Irp->AllocationFlags & IOP_IRP_WAITED) {
        *Irp->UserIosb = Irp->IoStatus;
        KeSetEvent(Irp->UserEvent, PriorityBoost, FALSE);       // the waiter frees the IRP
    } else if (!(Flags & IRP_DEFER_IO_COMPLETION) || Irp->PendingReturned) {
        if ((Flags & IOP_IRP_AWAITED) && !Irp->PendingReturned)
            IopNotMarked(Irp);
        IopUnlockMdls(Irp);
        IopQueueFinish(Irp, PriorityBoost);
    }
    // else the service finishes it: it has not seen STATUS_PENDING
}

/* Location by location to the top, or to a completion routine that keeps the IRP. */
static __attribute__((noinline)) VOID
IopWalkUp(PIRP Irp, CCHAR PriorityBoost)
{
    while (Irp->CurrentLocation <= Irp->StackCount) {
        PIO_STACK_LOCATION Sp = Irp->Tail.Overlay.CurrentStackLocation++;
        UCHAR              Control = Sp->Control;

        Irp->CurrentLocation++;
        Irp->PendingReturned = Control & SL_PENDING_RETURNED;
        if (Control != 0 && IopWantsCompletion(Irp, Control)) {
            if (!IopCallCompletionRoutine(Irp, Sp))
                return;
            continue;
        }
        if (Irp->PendingReturned && Irp->CurrentLocation <= Irp->StackCount)
            IoMarkIrpPending(Irp);
        Sp->Control = 0;
    }
    IopSetCompleted(Irp);
    IopReachTop(Irp, PriorityBoost);
}

/*
 * Whether nothing is left to be done for an IRP that did not pend: a service finishes it, or the
 * running thread is in IopCallAndWait and has not begun to wait, so that its event needs no
 * dispatcher.
 */
static inline BOOLEAN
IopEndsAtOnce(PIRP Irp)
{
    ULONG Flags = Irp->Flags & (IRP_DEFER_IO_COMPLETION | IRP_ASSOCIATED_IRP);

    if (!(Irp->AllocationFlags & IOP_IRP_WAITED) || Flags != 0)
        return Flags == IRP_DEFER_IO_COMPLETION;
    if (Irp->Tail.Overlay.Thread != PsGetCurrentThread())
        return FALSE;
    *Irp->UserIosb = Irp->IoStatus;
    Irp->UserEvent->Header.SignalState = 1;
    return TRUE;
}

/*
 * (6) Completes Irp, whose IoStatus is set; the caller gives it up. PriorityBoost is what the
 * waiting thread gains. Completion routines run here, on the caller's thread and at its IRQL.
 * IRQL <= DISPATCH_LEVEL.
 */
VOID FASTCALL
IofCompleteRequest(PIRP Irp, CCHAR PriorityBoost)
{
    PIO_STACK_LOCATION Sp = Irp->Tail.Overlay.CurrentStackLocation;

    if (KeGetCurrentIrql() > DISPATCH_LEVEL || Irp->Type != IO_TYPE_IRP
        || Irp->CurrentLocation > Irp->StackCount + 1 || Irp->CancelRoutine != NULL
        || Irp->IoStatus.Status == STATUS_PENDING)
        IopBadCompletion(Irp, __builtin_return_address(0));
    IopTrace(IopTraceCompleted, Irp, Irp->CurrentLocation, NULL, __builtin_return_address(0),
             Irp->IoStatus.Status, KeGetCurrentIrql());

    if (Irp->CurrentLocation != Irp->StackCount || Sp->Control != 0 || !IopEndsAtOnce(Irp)) {
        IopWalkUp(Irp, PriorityBoost);
        return;
    }
    // one driver, and nothing pended: the caller of IofCallDriver goes on from here
    Irp->Tail.Overlay.CurrentStackLocation = Sp + 1;
    IopSetCompleted(Irp);
    if (Irp->Flags & IOP_IRP_AWAITED)
        IopNotMarked(Irp);
}

/*
 * Every entry of a driver's dispatch table that it did not fill. Plug and Play, power and system
 * control IRPs come with STATUS_NOT_SUPPORTED, which is what stays in one that nobody handles.
 */
NTSTATUS NTAPI
IopInvalidDeviceRequest(PDEVICE_OBJECT Device, PIRP Irp)
{
    UCHAR    Major = IoGetCurrentIrpStackLocation(Irp)->MajorFunction;
    BOOLEAN  Keep = Major == IRP_MJ_PNP || Major == IRP_MJ_POWER || Major == IRP_MJ_SYSTEM_CONTROL;
    NTSTATUS Status = STATUS_INVALID_DEVICE_REQUEST;

    if (Keep && Irp->IoStatus.Status == STATUS_NOT_SUPPORTED)
        Status = STATUS_NOT_SUPPORTED;
    else
        Irp->IoStatus.Information = 0;
    Irp->IoStatus.Status = Status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);        // (6)
    return Status;
}
