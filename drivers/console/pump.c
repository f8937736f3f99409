/*
 * The console's two IRPs to the serial driver, and ConsoleRun, which moves everything that can
 * move.
 *
 * A pump sends its IRP again whenever there is a reason: the read pump while there is room for
 * input, the write pump while the output ring holds something. The serial driver may complete the
 * IRP before IoCallDriver returns, so the states of consolep.h keep the completion routine from
 * sending from inside the send: PumpCalling -> PumpAnswered, and PumpRun's loop goes on; PumpSent
 * -> PumpIdle, and the completion routine runs the console itself. The IRP always comes back to
 * the console (STATUS_MORE_PROCESSING_REQUIRED); it is freed at unload.
 */
#include "consolep.h"

static ULONG
OutputCount(PCONSOLE Console)
{
    return Console->OutputPut - Console->OutputGet;
}

BOOLEAN
ConsoleOutputRoomLocked(PCONSOLE Console, ULONG Room)
{
    return CONSOLE_OUTPUT - OutputCount(Console) >= Room;
}

/* Keeps Drained true to its meaning; after every change of the output ring or the write pump. */
VOID
ConsoleNoteDrainedLocked(PCONSOLE Console)
{
    if (OutputCount(Console) != 0 || Console->WritePump.State != PumpIdle)
        KeClearEvent(&Console->Drained);
    else if (!KeReadStateEvent(&Console->Drained))
        KeSetEvent(&Console->Drained, IO_NO_INCREMENT, FALSE);
}

static VOID
PutRaw(PCONSOLE Console, UCHAR Byte)
{
    if (ConsoleOutputRoomLocked(Console, 1))
        Console->Output[Console->OutputPut++ % CONSOLE_OUTPUT] = Byte;
    Console->LastOutput = Byte;
}

/*
 * One byte towards the terminal; a newline gets the carriage return it needs. An echo that finds
 * no room is dropped.
 */
VOID
ConsolePutLocked(PCONSOLE Console, UCHAR Byte)
{
    if (Byte == '\n' && Console->LastOutput != '\r')
        PutRaw(Console, '\r');
    PutRaw(Console, Byte);
}

VOID
ConsolePutTextLocked(PCONSOLE Console, PCSTR Text)
{
    while (*Text)
        ConsolePutLocked(Console, *Text++);
}

VOID
PumpInitialize(PPUMP Pump, PCONSOLE Console, UCHAR Major, PIRP Irp)
{
    Pump->Console = Console;
    Pump->Major = Major;
    Pump->Irp = Irp;
    Pump->State = PumpIdle;
}

/*
 * Takes what a completed read brought. Only called by the one that moves the pump to PumpIdle or
 * PumpAnswered.
 */
static VOID
PumpTakeAnswerLocked(PPUMP Pump)
{
    PCONSOLE Console = Pump->Console;

    if (Pump->Major != IRP_MJ_READ)
        return;
    if (NT_SUCCESS(Pump->Irp->IoStatus.Status))
        ConsoleInputLocked(Console, Pump->Buffer, (ULONG)Pump->Irp->IoStatus.Information);
    else
        Console->Stopping = TRUE;
}

static NTSTATUS NTAPI
PumpCompleted(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    PPUMP    Pump = Context;
    PCONSOLE Console = Pump->Console;
    BOOLEAN  Run;
    KIRQL    OldIrql;

    KeAcquireSpinLock(&Console->Lock, &OldIrql);
    PumpTakeAnswerLocked(Pump);
    Run = Pump->State == PumpSent;
    Pump->State = Run ? PumpIdle : PumpAnswered;
    KeReleaseSpinLock(&Console->Lock, OldIrql);

    if (Run)
        ConsoleRun(Console);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/*
 * Decides whether there is a reason to send, fills the buffer of a write, and claims the pump;
 * returns the length, or 0. From is the state the caller may claim it from: anybody from
 * PumpIdle, only the one whose call was answered from PumpAnswered.
 */
static ULONG
PumpClaimLocked(PPUMP Pump, PUMP_STATE From)
{
    PCONSOLE Console = Pump->Console;
    ULONG    Length = 0;

    if (Pump->State != From)
        return 0;

    if (Pump->Major == IRP_MJ_READ) {
        Length = ConsoleWantsInputLocked(Console) ? CONSOLE_CHUNK : 0;
    } else {
        while (Length < CONSOLE_CHUNK && OutputCount(Console))
            Pump->Buffer[Length++] = Console->Output[Console->OutputGet++ % CONSOLE_OUTPUT];
    }
    Pump->State = Length ? PumpCalling : PumpIdle;
    return Length;
}

static VOID
PumpSend(PPUMP Pump, ULONG Length)
{
    PIRP               Irp = Pump->Irp;
    PIO_STACK_LOCATION Stack;

    IoReuseIrp(Irp, STATUS_SUCCESS);
    Irp->AssociatedIrp.SystemBuffer = Pump->Buffer;
    Stack = IoGetNextIrpStackLocation(Irp);
    Stack->MajorFunction = Pump->Major;
    Stack->FileObject = Pump->Console->SerialFile;
    if (Pump->Major == IRP_MJ_READ)
        Stack->Parameters.Read.Length = Length;
    else
        Stack->Parameters.Write.Length = Length;
    IoSetCompletionRoutine(Irp, PumpCompleted, Pump, TRUE, TRUE, TRUE);
    IoCallDriver(Pump->Console->SerialDevice, Irp);
}

/*
 * Sends a pump's IRP as long as there is a reason and the serial driver answers at once. TRUE if
 * anything was sent.
 */
static BOOLEAN
PumpRun(PPUMP Pump)
{
    PCONSOLE   Console = Pump->Console;
    PUMP_STATE From = PumpIdle;
    BOOLEAN    Sent = FALSE;
    ULONG      Length;
    KIRQL      OldIrql;

    KeAcquireSpinLock(&Console->Lock, &OldIrql);
    while ((Length = PumpClaimLocked(Pump, From)) != 0) {
        Sent = TRUE;
        KeReleaseSpinLock(&Console->Lock, OldIrql);
        PumpSend(Pump, Length);
        KeAcquireSpinLock(&Console->Lock, &OldIrql);
        From = PumpAnswered;
        if (Pump->State == PumpAnswered)
            continue;
        Pump->State = PumpSent;
        break;
    }
    ConsoleNoteDrainedLocked(Console);
    if (Console->Stopping && Console->ReadPump.State == PumpIdle &&
        Console->WritePump.State == PumpIdle)
        KeSetEvent(&Console->Stopped, IO_NO_INCREMENT, FALSE);
    KeReleaseSpinLock(&Console->Lock, OldIrql);
    return Sent;
}

/* Moves the first write into the output ring; takes it if that was its end. */
static PIRP
TakeFinishedWrite(PCONSOLE Console)
{
    PIRP  Irp;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Console->Lock, &OldIrql);
    while ((Irp = IrpQueueFirstLocked(&Console->Writes)) != NULL) {
        ULONG  Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length;
        PUCHAR Bytes = Irp->AssociatedIrp.SystemBuffer;

        while (WRITTEN(Irp) < Length && ConsoleOutputRoomLocked(Console, CONSOLE_ECHO_ROOM + 2))
            ConsolePutLocked(Console, Bytes[WRITTEN(Irp)++]);
        if (WRITTEN(Irp) < Length) {
            Irp = NULL;
            break;
        }
        if (IrpQueueRemoveLocked(Irp))
            break;
    }
    ConsoleNoteDrainedLocked(Console);
    KeReleaseSpinLock(&Console->Lock, OldIrql);
    return Irp;
}

/*
 * Moves everything that can move: breaks, input to reads, writes to the output ring, both pumps;
 * until nothing does. Called without the lock by every routine that may have changed something.
 * IRQL <= DISPATCH_LEVEL.
 */
VOID
ConsoleRun(PCONSOLE Console)
{
    PIRP    Irp;
    BOOLEAN Sent;

    do {
        ConsoleServeBreak(Console);
        ConsoleServeReads(Console);
        while ((Irp = TakeFinishedWrite(Console)) != NULL)
            IrpComplete(Irp, STATUS_SUCCESS, WRITTEN(Irp));
        Sent = PumpRun(&Console->WritePump);
        Sent |= PumpRun(&Console->ReadPump);
    } while (Sent);
}
