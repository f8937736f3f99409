/*
 * Private to serial.sys: one SERIAL_PORT for each 16550 that answers. Bytes move between three
 * places:
 *
 *   UART  <-- isr.c, at the interrupt's IRQL -->  two rings  <-- transfer.c, at DISPATCH_LEVEL -->
 *         IRPs
 *
 * The rings belong to the interrupt lock: transfer.c touches them only through
 * KeSynchronizeExecution. When the input ring is full the receive interrupt is switched off and
 * bytes stay in the UART, which stops the sender; they are never dropped. The transmit interrupt
 * is on exactly while the output ring holds something.
 */
#pragma once

#include <ntddk.h>
#include "../common/irpqueue.h"
#include "serial_ioctl.h"

#define SERIAL_PORTS        3
#define SERIAL_RING         1024        // a power of two

typedef struct _SERIAL_RING_BUFFER {
    ULONG Put, Get;                     // run freely; Put - Get bytes are held
    UCHAR Bytes[SERIAL_RING];
} SERIAL_RING_BUFFER, *PSERIAL_RING_BUFFER;

typedef struct _SERIAL_PORT {
    /* Set at creation, never changed: */
    PDEVICE_OBJECT Device;
    PUCHAR         Base;                // I/O port of the first register
    PKINTERRUPT    Interrupt;
    KDPC           Dpc;                 // queued by ISR and timer: IRPs can move on
    KEVENT         Moved;               // set by the DPC: look again whether all output has left

    /* Guarded by the interrupt's lock: */
    UCHAR              Enabled;         // what the interrupt enable register holds
    SERIAL_RING_BUFFER Input, Output;

    /* Guarded by Lock: */
    KSPIN_LOCK Lock;
    IRP_QUEUE  Reads, Writes;           // DriverContext of their IRPs: see transfer.c
    SERIAL_TIMEOUTS Timeouts;
    KTIMER     Timer;
    ULONGLONG  ReadDue, WriteDue;       // when to look again, in interrupt time
} SERIAL_PORT, *PSERIAL_PORT;

/* A request to the interrupt side: move at most Length bytes, set Moved. */
typedef struct _SERIAL_TRANSFER {
    PSERIAL_PORT Port;
    PUCHAR       Buffer;
    ULONG        Length, Moved;
} SERIAL_TRANSFER, *PSERIAL_TRANSFER;

/*
 * Exported by HAL.dll; mingw-w64's <ntddk.h> leaves it out when <wdm.h> is included, which it
 * always is.
 */
NTHALAPI ULONG NTAPI
HalGetInterruptVector(INTERFACE_TYPE Bus, ULONG BusNumber, ULONG Level, ULONG BusVector,
                      PKIRQL Irql, PKAFFINITY Affinity);

BOOLEAN SerialPortExists(PUCHAR Base);
VOID    SerialProgram(PSERIAL_PORT Port);
VOID    SerialQuiet(PSERIAL_PORT Port);

VOID     SerialInitializeQueues(PSERIAL_PORT Port);
NTSTATUS SerialSetTimeouts(PSERIAL_PORT Port, const SERIAL_TIMEOUTS *Timeouts);
VOID     SerialGetTimeouts(PSERIAL_PORT Port, PSERIAL_TIMEOUTS Timeouts);

DRIVER_DISPATCH      SerialRead, SerialWrite;
KDEFERRED_ROUTINE    SerialDpc;
KSERVICE_ROUTINE     SerialInterrupt;
KSYNCHRONIZE_ROUTINE SerialEnableReceive, SerialTakeInput, SerialGiveOutput, SerialIsDrained;
