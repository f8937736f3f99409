/*
 * The two serial ports, driven by polling: for what must be seen when no driver can be trusted, a
 * bugcheck above all, and for the first words of start-up. Each port's transmitter is waited for,
 * but not forever: a port that is not there (its line status reads as 0xFF) or does not get empty
 * is passed over.
 */
#include "kdp.h"

#define UART_DATA           0
#define UART_DIVISOR_LOW    0           // while the line control's high bit is set
#define UART_DIVISOR_HIGH   1
#define UART_LINE_CONTROL   3
#define UART_LINE_STATUS    5

#define LINE_8N1            0x03
#define LINE_DIVISOR        0x80
#define STATUS_EMPTY        0x20        // the transmitter takes another byte

static const USHORT KdpUarts[] = { 0x3F8, 0x2F8 };

VOID
KdpInitializeUarts(VOID)
{
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(KdpUarts); Index += 1) {
        USHORT Port = KdpUarts[Index];

        __outbyte(Port + UART_LINE_CONTROL, LINE_DIVISOR | LINE_8N1);
        __outbyte(Port + UART_DIVISOR_LOW, 1);              // 115200 baud
        __outbyte(Port + UART_DIVISOR_HIGH, 0);
        __outbyte(Port + UART_LINE_CONTROL, LINE_8N1);
    }
}

static VOID
KdpPutUart(USHORT Port, CHAR Character)
{
    ULONG Tries;

    for (Tries = 0; Tries < 100000; Tries += 1) {
        UCHAR Status = __inbyte(Port + UART_LINE_STATUS);

        if (Status == 0xFF)
            return;
        if (Status & STATUS_EMPTY)
            break;
        YieldProcessor();
    }
    __outbyte(Port + UART_DATA, Character);
}

VOID
KdpPutUarts(PCSTR String)
{
    ULONG Index;

    for (; *String != '\0'; String += 1) {
        for (Index = 0; Index < RTL_NUMBER_OF(KdpUarts); Index += 1) {
            if (*String == '\n')
                KdpPutUart(KdpUarts[Index], '\r');
            KdpPutUart(KdpUarts[Index], *String);
        }
    }
}
