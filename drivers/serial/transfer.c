/*
 * The queues of a port and its time-outs: when a read or a write is complete, and moving its bytes
 * between the IRP's buffer and the rings. Called when a request comes, from the DPC that the ISR
 * queues, and from the same DPC when the port's timer expires.
 *
 * Only the first IRP of a queue is served; its time starts when it becomes the first. A read
 * leaves its bytes in the input ring until it is complete, so that one that is cancelled takes
 * nothing with it. It asks for as many bytes as its buffer has, at most the ring's size, and ends
 * earlier, as SERIAL_TIMEOUTS says:
 *
 *   ReadIntervalTimeout     milliseconds since the last byte came; 0: never
 *   ReadTotalTimeout...     Multiplier times the bytes asked for plus Constant; both 0: never
 *   Interval is MAXULONG    with both totals 0: at once, with what is there, perhaps nothing;
 *                           with Multiplier MAXULONG: at the first byte, or after Constant.
 *
 * A write ends when its last byte is in the output ring, or after its total time. What ends by
 * time completes with STATUS_TIMEOUT, which is a success, and the bytes it got.
 *
 * A new port has { MAXULONG, MAXULONG, MAXULONG - 1 }: a read waits for the first byte for weeks.
 */
#include "serial.h"

/* Of a queued IRP: when its time began (0: not yet); of a read: when how many bytes had come. */
#define BEGUN(Irp)      (*(PULONGLONG)&(Irp)->Tail.Overlay.DriverContext[0])
#define LAST_BYTE(Irp)  (*(PULONGLONG)&(Irp)->Tail.Overlay.DriverContext[1])
#define PROGRESS(Irp)   (*(PULONG)&(Irp)->Tail.Overlay.DriverContext[2])

#define NEVER           MAXULONGLONG
#define UNITS_PER_MS    10000ull                // of interrupt time

static ULONGLONG
SerialTotal(ULONGLONG Begun, ULONG Multiplier, ULONG Constant, ULONG Length)
{
    ULONGLONG Milliseconds = (ULONGLONG)Multiplier * Length + Constant;     // has always room

    // the timer takes a LONGLONG: what would not fit is more than a man's life away
    if (Milliseconds == 0 || Milliseconds > (MAXLONGLONG - Begun) / UNITS_PER_MS)
        return NEVER;
    return Begun + Milliseconds * UNITS_PER_MS;
}

/* The timer runs for whichever queue is due first. */
static VOID
SerialArmLocked(PSERIAL_PORT Port)
{
    ULONGLONG     Due = min(Port->ReadDue, Port->WriteDue);
    LARGE_INTEGER Left;

    if (Due == NEVER) {
        KeCancelTimer(&Port->Timer);
        return;
    }
    Left.QuadPart = -(LONGLONG)max(Due - min(Due, KeQueryInterruptTime()), 1);
    KeSetTimer(&Port->Timer, Left, &Port->Dpc);
}

/*
 * How many bytes have come. Only SerialTakeRead takes bytes, under Port->Lock, so a byte seen here
 * stays; the interrupt can only add.
 */
static ULONG
SerialHeldLocked(PSERIAL_PORT Port)
{
    return *(volatile ULONG *)&Port->Input.Put - Port->Input.Get;
}

/* Whether the first read is complete, with *Status; if it is not, *Due is when to look again. */
static BOOLEAN
SerialReadIsDone(PSERIAL_PORT Port, PIRP Irp, PNTSTATUS Status, PULONGLONG Due)
{
    const SERIAL_TIMEOUTS *Limits = &Port->Timeouts;
    ULONG     Length = min(IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length, SERIAL_RING);
    ULONG     Held = SerialHeldLocked(Port);
    ULONGLONG Now = KeQueryInterruptTime();
    BOOLEAN   AtOnce = Limits->ReadIntervalTimeout == MAXULONG;
    BOOLEAN   AnyByte = AtOnce && Limits->ReadTotalTimeoutMultiplier == MAXULONG;

    if (BEGUN(Irp) == 0)
        BEGUN(Irp) = LAST_BYTE(Irp) = Now;
    if (PROGRESS(Irp) != Held) {
        PROGRESS(Irp) = Held;
        LAST_BYTE(Irp) = Now;
    }

    *Status = STATUS_SUCCESS;
    *Due = SerialTotal(BEGUN(Irp), AnyByte ? 0 : Limits->ReadTotalTimeoutMultiplier,
                       Limits->ReadTotalTimeoutConstant, Length);
    if (Held >= Length || (AnyByte && Held > 0) || (AtOnce && *Due == NEVER))
        return TRUE;

    if (!AtOnce && Limits->ReadIntervalTimeout != 0 && Held > 0)
        *Due = min(*Due, LAST_BYTE(Irp) + Limits->ReadIntervalTimeout * UNITS_PER_MS);
    *Status = STATUS_TIMEOUT;
    return Now >= *Due;
}

/* Takes the first read if it is complete, and says with how many bytes and what status. */
static PIRP
SerialTakeRead(PSERIAL_PORT Port, PULONG Moved, PNTSTATUS Status)
{
    PIRP            Irp;
    SERIAL_TRANSFER Transfer = { .Port = Port };
    KIRQL           OldIrql;

    KeAcquireSpinLock(&Port->Lock, &OldIrql);
    Port->ReadDue = NEVER;
    while ((Irp = IrpQueueFirstLocked(&Port->Reads)) != NULL) {
        if (!SerialReadIsDone(Port, Irp, Status, &Port->ReadDue)) {
            Irp = NULL;
            break;
        }
        if (IrpQueueRemoveLocked(Irp)) {
            Transfer.Buffer = Irp->AssociatedIrp.SystemBuffer;
            Transfer.Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length;
            KeSynchronizeExecution(Port->Interrupt, SerialTakeInput, &Transfer);
            *Moved = Transfer.Moved;
            break;
        }
    }
    SerialArmLocked(Port);
    KeReleaseSpinLock(&Port->Lock, OldIrql);
    return Irp;
}

static VOID
SerialServeReads(PSERIAL_PORT Port)
{
    NTSTATUS Status;
    ULONG    Moved;
    PIRP     Irp;

    while ((Irp = SerialTakeRead(Port, &Moved, &Status)) != NULL)
        IrpComplete(Irp, Status, Moved);
}

/* Moves what fits of the first write to the output ring; says whether it is complete. */
static BOOLEAN
SerialAdvanceLocked(PSERIAL_PORT Port, PIRP Irp, PNTSTATUS Status, PULONGLONG Due)
{
    ULONG           Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length;
    ULONGLONG       Now = KeQueryInterruptTime();
    SERIAL_TRANSFER Transfer;

    if (BEGUN(Irp) == 0)
        BEGUN(Irp) = Now;
    Transfer.Port = Port;
    Transfer.Buffer = (PUCHAR)Irp->AssociatedIrp.SystemBuffer + PROGRESS(Irp);
    Transfer.Length = Length - PROGRESS(Irp);
    KeSynchronizeExecution(Port->Interrupt, SerialGiveOutput, &Transfer);
    PROGRESS(Irp) += Transfer.Moved;

    *Status = STATUS_SUCCESS;
    if (PROGRESS(Irp) == Length)
        return TRUE;
    *Due = SerialTotal(BEGUN(Irp), Port->Timeouts.WriteTotalTimeoutMultiplier,
                       Port->Timeouts.WriteTotalTimeoutConstant, Length);
    *Status = STATUS_TIMEOUT;
    return Now >= *Due;
}

static PIRP
SerialTakeWrite(PSERIAL_PORT Port, PNTSTATUS Status)
{
    PIRP  Irp;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Port->Lock, &OldIrql);
    Port->WriteDue = NEVER;
    while ((Irp = IrpQueueFirstLocked(&Port->Writes)) != NULL) {
        if (!SerialAdvanceLocked(Port, Irp, Status, &Port->WriteDue)) {
            Irp = NULL;
            break;
        }
        if (IrpQueueRemoveLocked(Irp))
            break;
    }
    SerialArmLocked(Port);
    KeReleaseSpinLock(&Port->Lock, OldIrql);
    return Irp;
}

static VOID
SerialServeWrites(PSERIAL_PORT Port)
{
    NTSTATUS Status;
    PIRP     Irp;

    while ((Irp = SerialTakeWrite(Port, &Status)) != NULL)
        IrpComplete(Irp, Status, PROGRESS(Irp));
}

/* ---- what serial.c calls ---- */

VOID
SerialInitializeQueues(PSERIAL_PORT Port)
{
    KeInitializeSpinLock(&Port->Lock);
    KeInitializeDpc(&Port->Dpc, SerialDpc, Port);
    KeInitializeTimer(&Port->Timer);
    KeInitializeEvent(&Port->Moved, SynchronizationEvent, FALSE);
    IrpQueueInitialize(&Port->Reads, &Port->Lock);
    IrpQueueInitialize(&Port->Writes, &Port->Lock);
    Port->ReadDue = Port->WriteDue = NEVER;
    Port->Timeouts = (SERIAL_TIMEOUTS){ MAXULONG, MAXULONG, MAXULONG - 1, 0, 0 };
}

/* Queued by the ISR when bytes have moved, and by the timer when time is up. */
VOID NTAPI
SerialDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PSERIAL_PORT Port = Context;

    SerialServeReads(Port);
    SerialServeWrites(Port);
    KeSetEvent(&Port->Moved, IO_NO_INCREMENT, FALSE);
}

NTSTATUS NTAPI
SerialRead(PDEVICE_OBJECT Device, PIRP Irp)
{
    PSERIAL_PORT Port = Device->DeviceExtension;

    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length == 0)
        return IrpComplete(Irp, STATUS_SUCCESS, 0);

    BEGUN(Irp) = PROGRESS(Irp) = 0;
    IrpQueueInsert(&Port->Reads, Irp);
    SerialServeReads(Port);
    return STATUS_PENDING;
}

NTSTATUS NTAPI
SerialWrite(PDEVICE_OBJECT Device, PIRP Irp)
{
    PSERIAL_PORT Port = Device->DeviceExtension;

    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length == 0)
        return IrpComplete(Irp, STATUS_SUCCESS, 0);

    BEGUN(Irp) = PROGRESS(Irp) = 0;
    IrpQueueInsert(&Port->Writes, Irp);
    SerialServeWrites(Port);
    return STATUS_PENDING;
}

/* The new limits hold from the next request on, and for those that are waiting. */
NTSTATUS
SerialSetTimeouts(PSERIAL_PORT Port, const SERIAL_TIMEOUTS *Timeouts)
{
    KIRQL OldIrql;

    if (Timeouts->ReadIntervalTimeout == MAXULONG &&
        Timeouts->ReadTotalTimeoutMultiplier == MAXULONG &&
        Timeouts->ReadTotalTimeoutConstant == MAXULONG)
        return STATUS_INVALID_PARAMETER;
    KeAcquireSpinLock(&Port->Lock, &OldIrql);
    Port->Timeouts = *Timeouts;
    KeReleaseSpinLock(&Port->Lock, OldIrql);
    SerialServeReads(Port);
    SerialServeWrites(Port);
    return STATUS_SUCCESS;
}

VOID
SerialGetTimeouts(PSERIAL_PORT Port, PSERIAL_TIMEOUTS Timeouts)
{
    KIRQL OldIrql;

    KeAcquireSpinLock(&Port->Lock, &OldIrql);
    *Timeouts = Port->Timeouts;
    KeReleaseSpinLock(&Port->Lock, OldIrql);
}
