/*
 * What programs and pipe.sys agree on: the device's names and its control codes. Programs include
 * it after <windows.h> and <winioctl.h>, the driver after <ntddk.h>.
 *
 * A pipe is opened as \\.\Example\NAME. NAME is 1 to PIPE_MAX_NAME characters, compared without
 * regard to case, with no backslash in it. All control codes are METHOD_BUFFERED and act on the
 * pipe behind the handle.
 */
#pragma once

#define PIPE_NT_DEVICE_NAME     L"\\Device\\Example"
#define PIPE_DOS_DEVICE_NAME    L"\\DosDevices\\Example"

#define PIPE_MAX_NAME           64          // characters
#define PIPE_DEFAULT_SIZE       4096        // bytes
#define PIPE_MAX_SIZE           (1024 * 1024)

/* What a write that does not fit does (PIPE_INFORMATION.Mode, IOCTL_PIPE_SET_MODE). */
#define PIPE_DROP_NEW           0           // it is cut short; the rest of it is lost
#define PIPE_OVERWRITE_OLD      1           // it goes in; the oldest bytes are lost

typedef struct _PIPE_INFORMATION {
    ULONG     Size;                         // of the buffer, in bytes
    ULONG     Held;                         // bytes waiting to be read
    ULONG     Opens;                        // open instances of the pipe, over all processes
    ULONG     Mode;                         // PIPE_DROP_NEW or PIPE_OVERWRITE_OLD
    ULONGLONG Lost;                         // bytes lost since the pipe was created, in either mode
} PIPE_INFORMATION, *PPIPE_INFORMATION;

#define PIPE_DEVICE_TYPE        0x8000

/*
 * Input: ULONG, 1 to PIPE_MAX_SIZE. Data that fits is kept, the oldest of what does not fit is
 * lost and counted.
 */
#define IOCTL_PIPE_SET_SIZE \
    CTL_CODE(PIPE_DEVICE_TYPE, 0x800, METHOD_BUFFERED, FILE_WRITE_ACCESS)

/* Input: ULONG, PIPE_DROP_NEW or PIPE_OVERWRITE_OLD. */
#define IOCTL_PIPE_SET_MODE \
    CTL_CODE(PIPE_DEVICE_TYPE, 0x801, METHOD_BUFFERED, FILE_WRITE_ACCESS)

/* Output: PIPE_INFORMATION. */
#define IOCTL_PIPE_QUERY \
    CTL_CODE(PIPE_DEVICE_TYPE, 0x802, METHOD_BUFFERED, FILE_ANY_ACCESS)
