/*
 * The control codes of a serial port that serial.sys knows, under their Windows names and numbers;
 * mingw-w64's <ntddser.h> has none of them. Programs use GetCommTimeouts and SetCommTimeouts.
 */
#pragma once

/* Milliseconds, except that 0 and MAXULONG have meanings of their own; transfer.c tells them. */
typedef struct _SERIAL_TIMEOUTS {
    ULONG ReadIntervalTimeout;
    ULONG ReadTotalTimeoutMultiplier;
    ULONG ReadTotalTimeoutConstant;
    ULONG WriteTotalTimeoutMultiplier;
    ULONG WriteTotalTimeoutConstant;
} SERIAL_TIMEOUTS, *PSERIAL_TIMEOUTS;

/* Input: SERIAL_TIMEOUTS. */
#define IOCTL_SERIAL_SET_TIMEOUTS \
    CTL_CODE(FILE_DEVICE_SERIAL_PORT, 7, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* Output: SERIAL_TIMEOUTS. */
#define IOCTL_SERIAL_GET_TIMEOUTS \
    CTL_CODE(FILE_DEVICE_SERIAL_PORT, 8, METHOD_BUFFERED, FILE_ANY_ACCESS)
