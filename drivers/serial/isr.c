/*
 * The 16550 itself, and everything that runs at its interrupt's IRQL: the ISR and the routines
 * that serial.c has called under the interrupt's lock. The ISR empties the receiver into the
 * input ring, refills the transmitter from the output ring, and queues the DPC when an IRP may be
 * able to move on. It serves the device until no cause is left, because an ISA interrupt is an
 * edge: a cause left standing would never interrupt again.
 */
#include "serial.h"

#define UART_DATA           0
#define UART_ENABLE         1
#define UART_CAUSE          2           // reading
#define UART_FIFO           2           // writing
#define UART_LINE_CONTROL   3
#define UART_MODEM_CONTROL  4
#define UART_LINE_STATUS    5
#define UART_MODEM_STATUS   6
#define UART_SCRATCH        7

#define ENABLE_RECEIVE      0x01
#define ENABLE_TRANSMIT     0x02
#define CAUSE_NONE          0x01
#define CAUSE_MASK          0x0E
#define CAUSE_TRANSMIT      0x02
#define CAUSE_RECEIVE       0x04
#define CAUSE_LINE          0x06
#define CAUSE_TIMEOUT       0x0C
#define FIFO_ON_AND_CLEAR   0x07
#define FIFO_DEPTH          16
#define LINE_8N1            0x03
#define LINE_DIVISOR        0x80
#define MODEM_DTR_RTS_OUT2  0x0B        // OUT2 lets the interrupt through on a PC
#define STATUS_DATA_READY   0x01
#define STATUS_HOLDING_EMPTY 0x20

static UCHAR
ReadUart(PSERIAL_PORT Port, ULONG Register)
{
    return READ_PORT_UCHAR(Port->Base + Register);
}

static VOID
WriteUart(PSERIAL_PORT Port, ULONG Register, UCHAR Value)
{
    WRITE_PORT_UCHAR(Port->Base + Register, Value);
}

static ULONG
RingHeld(PSERIAL_RING_BUFFER Ring)
{
    return Ring->Put - Ring->Get;
}

static VOID
RingPut(PSERIAL_RING_BUFFER Ring, UCHAR Byte)
{
    Ring->Bytes[Ring->Put++ % SERIAL_RING] = Byte;
}

static UCHAR
RingGet(PSERIAL_RING_BUFFER Ring)
{
    return Ring->Bytes[Ring->Get++ % SERIAL_RING];
}

static VOID
SetEnabled(PSERIAL_PORT Port, UCHAR Enabled)
{
    if (Port->Enabled == Enabled)
        return;
    Port->Enabled = Enabled;
    WriteUart(Port, UART_ENABLE, Enabled);
}

/* A register that nothing uses remembers what is written to it, if there is a UART. */
BOOLEAN
SerialPortExists(PUCHAR Base)
{
    WRITE_PORT_UCHAR(Base + UART_SCRATCH, 0x5A);
    return READ_PORT_UCHAR(Base + UART_SCRATCH) == 0x5A;
}

/* 115200 bits a second, 8N1, no interrupt enabled yet. */
VOID
SerialProgram(PSERIAL_PORT Port)
{
    WriteUart(Port, UART_ENABLE, 0);
    WriteUart(Port, UART_LINE_CONTROL, LINE_DIVISOR);
    WriteUart(Port, UART_DATA, 1);
    WriteUart(Port, UART_ENABLE, 0);
    WriteUart(Port, UART_LINE_CONTROL, LINE_8N1);
    WriteUart(Port, UART_FIFO, FIFO_ON_AND_CLEAR);
    WriteUart(Port, UART_MODEM_CONTROL, MODEM_DTR_RTS_OUT2);
}

VOID
SerialQuiet(PSERIAL_PORT Port)
{
    WriteUart(Port, UART_ENABLE, 0);
    WriteUart(Port, UART_MODEM_CONTROL, 0);
}

/* Switches the receive interrupt on for the first time. */
BOOLEAN NTAPI
SerialEnableReceive(PVOID Context)
{
    SetEnabled(Context, ENABLE_RECEIVE);
    return TRUE;
}

/*
 * Moves bytes from the input ring to a read's buffer, which makes room for those still in the
 * UART.
 */
BOOLEAN NTAPI
SerialTakeInput(PVOID Context)
{
    PSERIAL_TRANSFER Transfer = Context;
    PSERIAL_PORT     Port = Transfer->Port;

    for (Transfer->Moved = 0; Transfer->Moved < Transfer->Length &&
         RingHeld(&Port->Input); Transfer->Moved++)
        Transfer->Buffer[Transfer->Moved] = RingGet(&Port->Input);
    SetEnabled(Port, Port->Enabled | ENABLE_RECEIVE);
    return Transfer->Moved != 0;
}

/*
 * Moves bytes from a write's buffer to the output ring; enabling the transmit interrupt raises it
 * at once.
 */
BOOLEAN NTAPI
SerialGiveOutput(PVOID Context)
{
    PSERIAL_TRANSFER    Transfer = Context;
    PSERIAL_RING_BUFFER Output = &Transfer->Port->Output;

    for (Transfer->Moved = 0; Transfer->Moved < Transfer->Length &&
         RingHeld(Output) < SERIAL_RING; Transfer->Moved++)
        RingPut(Output, Transfer->Buffer[Transfer->Moved]);
    if (RingHeld(Output))
        SetEnabled(Transfer->Port, Transfer->Port->Enabled | ENABLE_TRANSMIT);
    return Transfer->Moved != 0;
}

/* TRUE if the UART has taken every byte: the transmit interrupt goes off when it is empty. */
BOOLEAN NTAPI
SerialIsDrained(PVOID Context)
{
    PSERIAL_PORT Port = Context;

    return RingHeld(&Port->Output) == 0 && !(Port->Enabled & ENABLE_TRANSMIT);
}

static VOID
Receive(PSERIAL_PORT Port)
{
    while (ReadUart(Port, UART_LINE_STATUS) & STATUS_DATA_READY) {
        if (RingHeld(&Port->Input) == SERIAL_RING) {
            SetEnabled(Port, Port->Enabled & ~ENABLE_RECEIVE);
            return;
        }
        RingPut(&Port->Input, ReadUart(Port, UART_DATA));
    }
}

static VOID
Transmit(PSERIAL_PORT Port)
{
    ULONG Room = FIFO_DEPTH;

    if (ReadUart(Port, UART_LINE_STATUS) & STATUS_HOLDING_EMPTY) {
        while (Room-- > 0 && RingHeld(&Port->Output))
            WriteUart(Port, UART_DATA, RingGet(&Port->Output));
    }
    if (RingHeld(&Port->Output) == 0)
        SetEnabled(Port, Port->Enabled & ~ENABLE_TRANSMIT);
}

/* The interrupt service routine. FALSE means that the interrupt was not this device's. */
BOOLEAN NTAPI
SerialInterrupt(PKINTERRUPT Interrupt, PVOID Context)
{
    PSERIAL_PORT Port = Context;
    BOOLEAN      Ours = FALSE;
    UCHAR        Cause;

    while (!((Cause = ReadUart(Port, UART_CAUSE)) & CAUSE_NONE)) {
        Ours = TRUE;
        switch (Cause & CAUSE_MASK) {
        case CAUSE_RECEIVE:
        case CAUSE_TIMEOUT:
            Receive(Port);
            break;
        case CAUSE_TRANSMIT:
            Transmit(Port);
            break;
        case CAUSE_LINE:
            ReadUart(Port, UART_LINE_STATUS);
            break;
        default:
            ReadUart(Port, UART_MODEM_STATUS);
            break;
        }
    }

    if (Ours)
        KeInsertQueueDpc(&Port->Dpc, NULL, NULL);
    return Ours;
}
