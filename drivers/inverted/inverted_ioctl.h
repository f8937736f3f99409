/*
 * What programs and inverted.sys agree on: the device's names and its control codes, all
 * METHOD_BUFFERED. Programs include it after <windows.h> and <winioctl.h>, the driver after
 * <ntddk.h>.
 */
#pragma once

#define INVERTED_NT_DEVICE_NAME     L"\\Device\\Inverted"
#define INVERTED_DOS_DEVICE_NAME    L"\\DosDevices\\Inverted"

#define INVERTED_DEVICE_TYPE        0x8002
#define INVERTED_MAX_TEXT           64

typedef struct _INVERTED_NEWS {
    ULONGLONG Sequence;                     // 1 for the first news; a gap tells what was missed
    ULONG     Length;                       // bytes of Text
    CHAR      Text[INVERTED_MAX_TEXT];
} INVERTED_NEWS, *PINVERTED_NEWS;

/* Output: INVERTED_NEWS. Pending until there is news. */
#define IOCTL_INVERTED_WAIT \
    CTL_CODE(INVERTED_DEVICE_TYPE, 0x800, METHOD_BUFFERED, FILE_READ_ACCESS)

/*
 * Input: up to INVERTED_MAX_TEXT bytes, the news. Output: ULONG, how many waiting requests got
 * it; may be left out.
 */
#define IOCTL_INVERTED_TELL \
    CTL_CODE(INVERTED_DEVICE_TYPE, 0x801, METHOD_BUFFERED, FILE_WRITE_ACCESS)
