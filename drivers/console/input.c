/*
 * What arrives from the serial line, and the reads that wait for it. A byte is a break (Ctrl-C,
 * in processed mode), or a key of the line editor (line mode), or simply input. Finished input
 * waits in the Typed ring, whose entries are bytes or the end-of-file mark. A read in line mode
 * takes up to and including one '\n'; an end-of-file mark at the front gives one read 0 bytes.
 * While the ring lacks room for another line the console asks the serial driver for nothing, so
 * typed-ahead text waits in the line instead of being lost.
 */
#include "consolep.h"

#define CTRL_C  0x03

static ULONG
TypedCount(PCONSOLE Console)
{
    return Console->TypedPut - Console->TypedGet;
}

BOOLEAN
ConsoleWantsInputLocked(PCONSOLE Console)
{
    return !Console->Stopping && CONSOLE_TYPED - TypedCount(Console) >=
        CONSOLE_LINE + 2 + CONSOLE_CHUNK * 3;
}

/* Appends finished input; ConsoleWantsInputLocked keeps room for it. */
VOID
ConsoleTypeLocked(PCONSOLE Console, USHORT Entry)
{
    if (TypedCount(Console) < CONSOLE_TYPED)
        Console->Typed[Console->TypedPut++ % CONSOLE_TYPED] = Entry;
}

VOID
ConsoleFlushLocked(PCONSOLE Console)
{
    Console->TypedGet = Console->TypedPut;
    EditResetLocked(Console);
}

static VOID
Break(PCONSOLE Console)
{
    ConsolePutTextLocked(Console, "^C\r\n");
    ConsoleFlushLocked(Console);
    Console->BreakTyped = TRUE;
    Console->CancelReads = !IsListEmpty(&Console->BreakWaits.Irps);
}

VOID
ConsoleInputLocked(PCONSOLE Console, const UCHAR *Bytes, ULONG Count)
{
    for (ULONG Index = 0; Index < Count; Index++) {
        if (Bytes[Index] == CTRL_C && (Console->Mode & ENABLE_PROCESSED_INPUT))
            Break(Console);
        else if (Console->Mode & ENABLE_LINE_INPUT)
            EditByteLocked(Console, Bytes[Index]);
        else
            ConsoleTypeLocked(Console, Bytes[Index]);
    }
}

/* Moves typed bytes to a buffer, in line mode no further than a line's end; returns how many. */
static ULONG
TakeTyped(PCONSOLE Console, PUCHAR Buffer, ULONG Length)
{
    ULONG Taken = 0;

    while (Taken < Length && TypedCount(Console)) {
        USHORT Entry = Console->Typed[Console->TypedGet % CONSOLE_TYPED];

        if (Entry == TYPED_END_OF_FILE) {
            if (Taken == 0)
                Console->TypedGet++;
            break;
        }
        Console->TypedGet++;
        Buffer[Taken++] = (UCHAR)Entry;
        if (Entry == '\n' && (Console->Mode & ENABLE_LINE_INPUT))
            break;
    }
    return Taken;
}

static PIRP
TakeAnsweredRead(PCONSOLE Console, PULONG Taken)
{
    PIRP  Irp = NULL;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Console->Lock, &OldIrql);
    if (TypedCount(Console))
        Irp = IrpQueueTakeLocked(&Console->Reads);
    if (Irp)
        *Taken = TakeTyped(Console, Irp->AssociatedIrp.SystemBuffer,
                           IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length);
    KeReleaseSpinLock(&Console->Lock, OldIrql);
    return Irp;
}

/* Completes the reads for which there is input, the oldest first. */
VOID
ConsoleServeReads(PCONSOLE Console)
{
    ULONG Taken;
    PIRP  Irp;

    while ((Irp = TakeAnsweredRead(Console, &Taken)) != NULL)
        IrpComplete(Irp, STATUS_SUCCESS, Taken);
}

/*
 * The next IRP that a break completes: first the reads, then the waits; the break is over when a
 * wait has been told.
 */
static PIRP
TakeBroken(PCONSOLE Console, PNTSTATUS Status)
{
    PIRP  Irp = NULL;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Console->Lock, &OldIrql);
    if (Console->CancelReads) {
        *Status = STATUS_CANCELLED;
        Irp = IrpQueueTakeLocked(&Console->Reads);
        if (!Irp)
            Console->CancelReads = FALSE;
    }
    if (!Irp && Console->BreakTyped) {
        *Status = STATUS_SUCCESS;
        Irp = IrpQueueTakeLocked(&Console->BreakWaits);
        if (Irp && IsListEmpty(&Console->BreakWaits.Irps))
            Console->BreakTyped = FALSE;
    }
    KeReleaseSpinLock(&Console->Lock, OldIrql);
    return Irp;
}

VOID
ConsoleServeBreak(PCONSOLE Console)
{
    NTSTATUS Status;
    PIRP     Irp;

    while ((Irp = TakeBroken(Console, &Status)) != NULL)
        IrpComplete(Irp, Status, 0);
}
