/*
 * What arrives from the serial line, and the reads that wait for it. A break (Ctrl-C, in
 * processed mode) acts at once; every other byte waits in the Typed ring until a read wants it.
 * In line mode the bytes are keys of the line editor then, so that a line is echoed where the
 * program asks for it, and the read takes the finished line, or as much of it as it has room for;
 * a line that was ended as the end of file gives one read 0 bytes. Without line mode a read takes
 * the bytes as they came. While the ring lacks room the console asks the serial driver for
 * nothing, so that typed-ahead text waits in the line instead of being lost.
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
    return !Console->Stopping && CONSOLE_TYPED - TypedCount(Console) >= CONSOLE_CHUNK;
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
}

/* Takes what the serial line brought; ConsoleWantsInputLocked has kept room for it. */
VOID
ConsoleInputLocked(PCONSOLE Console, const UCHAR *Bytes, ULONG Count)
{
    for (ULONG Index = 0; Index < Count; Index++) {
        if (Bytes[Index] == CTRL_C && (Console->Mode & ENABLE_PROCESSED_INPUT))
            Break(Console);
        else
            Console->Typed[Console->TypedPut++ % CONSOLE_TYPED] = Bytes[Index];
    }
}

/* Whether a read can be answered; in line mode feeds the line editor until it can. */
static BOOLEAN
InputReady(PCONSOLE Console)
{
    if (!(Console->Mode & ENABLE_LINE_INPUT))
        return Console->LineDone || TypedCount(Console);
    while (!Console->LineDone && TypedCount(Console))
        EditByteLocked(Console, Console->Typed[Console->TypedGet++ % CONSOLE_TYPED]);
    return Console->LineDone;
}

/* Moves the finished line, or typed bytes, to a read's buffer; returns how many. */
static ULONG
TakeInput(PCONSOLE Console, PUCHAR Buffer, ULONG Length)
{
    PEDIT_LINE Line = &Console->Line;
    ULONG      Taken = 0;

    if (Console->LineDone) {
        while (Taken < Length && Console->LineRead < Line->Length)
            Buffer[Taken++] = Line->Bytes[Console->LineRead++];
        if (Console->LineRead == Line->Length)
            EditResetLocked(Console);
        return Taken;
    }
    while (Taken < Length && TypedCount(Console))
        Buffer[Taken++] = Console->Typed[Console->TypedGet++ % CONSOLE_TYPED];
    return Taken;
}

static PIRP
TakeAnsweredRead(PCONSOLE Console, PULONG Taken)
{
    PIRP  Irp = NULL;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Console->Lock, &OldIrql);
    if (IrpQueueFirstLocked(&Console->Reads) && InputReady(Console))
        Irp = IrpQueueTakeLocked(&Console->Reads);
    if (Irp)
        *Taken = TakeInput(Console, Irp->AssociatedIrp.SystemBuffer,
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
 * The next IRP that a break completes: first the waits, so that whoever ends programs runs first,
 * then the reads; the break is over when a wait has been told.
 */
static PIRP
TakeBroken(PCONSOLE Console, PNTSTATUS Status)
{
    PIRP  Irp = NULL;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Console->Lock, &OldIrql);
    if (Console->BreakTyped) {
        *Status = STATUS_SUCCESS;
        Irp = IrpQueueTakeLocked(&Console->BreakWaits);
        if (Irp)
            Console->CancelReads = TRUE;
        if (Irp && IsListEmpty(&Console->BreakWaits.Irps))
            Console->BreakTyped = FALSE;
    }
    if (!Irp && Console->CancelReads) {
        *Status = STATUS_CANCELLED;
        Irp = IrpQueueTakeLocked(&Console->Reads);
        if (!Irp)
            Console->CancelReads = FALSE;
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
