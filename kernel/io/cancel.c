/*
 * Cancellation: step (5) of the life of an IRP (io.h).
 *
 * A driver that keeps an IRP sets a cancel routine with IoSetCancelRoutine, an atomic exchange of
 * one pointer. Whoever exchanges the routine out of the IRP owns its completion: IoCancelIrp,
 * which then calls the routine, or the driver, which then completes the IRP normally. A driver
 * that sets its routine must look at Irp->Cancel afterwards, because a cancel that found no
 * routine does not come again.
 *
 * IoCancelIrp holds the cancel spin lock while it calls the routine; the routine releases it,
 * with IoReleaseCancelSpinLock and the IRQL it finds in Irp->CancelIrql, before it does anything
 * else. A routine that comes back without having released it is stopped (0xC4, 0x40009).
 */
#include "iop.h"

static KSPIN_LOCK IopCancelLock;

ULONG IopCancelPatience = 5;

/* The one lock all drivers share; hold it briefly. Raises to DISPATCH_LEVEL. */
VOID NTAPI
IoAcquireCancelSpinLock(PKIRQL Irql)
{
    KeAcquireSpinLock(&IopCancelLock, Irql);
}

VOID NTAPI
IoReleaseCancelSpinLock(KIRQL Irql)
{
    KeReleaseSpinLock(&IopCancelLock, Irql);
}

/*
 * The routine must have released the cancel spin lock, which puts the IRQL back, and may have
 * freed the IRP.
 */
VOID
IopCheckCancelRoutine(PDRIVER_CANCEL Routine, PDEVICE_OBJECT Device, KIRQL Irql, ULONG64 State)
{
    if (IopCancelLock == ((KSPIN_LOCK)KeGetCurrentThread() | 1))
        IopStop(DRIVER_VERIFIER_DETECTED_VIOLATION, 0x40009, (ULONG_PTR)&IopCancelLock,
                (ULONG_PTR)Device, Routine,
                "returned from its cancel routine without releasing the cancel spin lock");
    KiCheckCallout(KiCancelRoutine, Routine, Device, Irql, State);
}

/*
 * (5) Asks for Irp to be completed soon. TRUE if a cancel routine was there and was called; FALSE
 * if the IRP was only marked. The caller makes sure that the IRP is not freed meanwhile. IRQL <=
 * DISPATCH_LEVEL.
 */
BOOLEAN NTAPI
IoCancelIrp(PIRP Irp)
{
    ULONG64        State = KiCalloutState();
    PDEVICE_OBJECT Device;
    PDRIVER_CANCEL Routine;
    KIRQL          Irql;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    IoAcquireCancelSpinLock(&Irql);
    Irp->Cancel = TRUE;
    Routine = IoSetCancelRoutine(Irp, NULL);
    IopTrace(IopTraceCancelled, Irp, Irp->CurrentLocation, NULL, Routine, 0, Irql);
    if (Routine == NULL) {
        IoReleaseCancelSpinLock(Irql);
        return FALSE;
    }
    if (Irp->CurrentLocation > Irp->StackCount + 1)
        IopStop(CANCEL_STATE_IN_COMPLETED_IRP, (ULONG_PTR)Irp, (ULONG_PTR)Routine, 0, Routine,
                "left its cancel routine in an IRP that is completed");

    Irp->CancelIrql = Irql;
    Device = IoGetCurrentIrpStackLocation(Irp)->DeviceObject;
    Routine(Device, Irp);
    IopCheckCancelRoutine(Routine, Device, Irql, State);
    return TRUE;
}

/* Gives up on what is left of the running thread's IRPs. */
static VOID
IopDisownMine(PETHREAD Thread)
{
    PLIST_ENTRY Entry, Next;
    KIRQL       Irql = KfRaiseIrql(APC_LEVEL);

    for (Entry = Thread->IrpList.Flink; Entry != &Thread->IrpList; Entry = Next) {
        Next = Entry->Flink;
        IopDisownIrp(CONTAINING_RECORD(Entry, IRP, ThreadListEntry));
    }
    KeLowerIrql(Irql);
}

/* (5) for all that the running thread, which ends, has outstanding. See io.h. */
VOID
IoCancelThreadIo(PETHREAD Thread)
{
    IOP_CANCEL_SCOPE Everything = { .Asynchronous = TRUE };
    ULONG            Ticks = 0;

    MAY_BLOCK();

    if (IsListEmpty(&Thread->IrpList))
        return;
    IopCancelMine(&Everything, TRUE);
    while (!IsListEmpty(&Thread->IrpList)) {
        IopShortDelay();
        if (++Ticks == IopCancelPatience * (10000000 / CLOCK_INTERVAL_100NS))
            IopDisownMine(Thread);
    }
}
