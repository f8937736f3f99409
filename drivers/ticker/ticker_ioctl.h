/*
 * What programs and ticker.sys agree on: the device's names and its control code. Programs
 * include it after <windows.h> and <winioctl.h>, the driver after <ntddk.h>.
 */
#pragma once

#define TICKER_NT_DEVICE_NAME   L"\\Device\\Ticker"
#define TICKER_DOS_DEVICE_NAME  L"\\DosDevices\\Ticker"

#define TICKER_DEVICE_TYPE      0x8003u
#define TICKER_MAX_MILLISECONDS (60u * 60 * 1000)

/*
 * METHOD_BUFFERED. Input: ULONG, for how many milliseconds the ticker is to be busy, at most
 * TICKER_MAX_MILLISECONDS. Output: ULONGLONG, the number of this tick since the driver was
 * loaded. Requests are served one after the other in the order in which they came.
 */
#define IOCTL_TICKER_TICK \
    CTL_CODE(TICKER_DEVICE_TYPE, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
