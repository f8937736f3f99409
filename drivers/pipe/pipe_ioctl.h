/*
 * What programs and pipe.sys agree on: the devices' names and the control codes. Programs include
 * it after <windows.h> and <winioctl.h>, the driver after <ntddk.h>.
 *
 * A pipe is opened as \\.\Example\NAME, or as \\.\ExampleDirect\NAME, which is the same pipe: the
 * first device does buffered I/O, the second direct I/O, which is better for large transfers. NAME
 * is 1 to PIPE_MAX_NAME characters, compared without regard to case, with no backslash in it. All
 * control codes are METHOD_BUFFERED.
 *
 * An open begins in the simple mode: nothing waits. With IOCTL_PIPE_SET_WAIT it asks that its own
 * reads wait for data, its own writes for room. Then
 *   - a read returns when there is at least one byte, or a message; it ends with end of file when
 *     the pipe is empty and the last open with write access has been closed;
 *   - a write returns when all of it is in; it fails with STATUS_PIPE_BROKEN (ERROR_BROKEN_PIPE)
 *     when the last open with read access has been closed.
 * A pipe that has had no writer, or no reader, yet waits for the first one.
 */
#pragma once

#define PIPE_NT_DEVICE_NAME     L"\\Device\\Example"
#define PIPE_DOS_DEVICE_NAME    L"\\DosDevices\\Example"
#define PIPE_NT_DIRECT_NAME     L"\\Device\\ExampleDirect"
#define PIPE_DOS_DIRECT_NAME    L"\\DosDevices\\ExampleDirect"

#define PIPE_MAX_NAME           64          // characters
#define PIPE_DEFAULT_SIZE       4096        // bytes
#define PIPE_MAX_SIZE           (16 * 1024 * 1024)

/* What a write that does not fit and does not wait does (PIPE_INFORMATION.Mode). */
#define PIPE_DROP_NEW           0           // it is cut short; the rest of it is lost
#define PIPE_OVERWRITE_OLD      1           // it goes in; the oldest bytes are lost

/* What the pipe carries (PIPE_TRAFFIC.Type). */
#define PIPE_BYTES              0
#define PIPE_MESSAGES           1           // a write is a message, a read returns at most one

/* What an open waits for (PIPE_TRAFFIC.Waits). */
#define PIPE_WAIT_READ          1
#define PIPE_WAIT_WRITE         2

typedef struct _PIPE_INFORMATION {
    ULONG     Size;                         // of the buffer, in bytes
    ULONG     Held;                         // bytes waiting to be read
    ULONG     Opens;                        // open instances of the pipe, over all processes
    ULONG     Mode;                         // PIPE_DROP_NEW or PIPE_OVERWRITE_OLD
    ULONGLONG Lost;                         // bytes lost since the pipe was created, in either mode
} PIPE_INFORMATION, *PPIPE_INFORMATION;

typedef struct _PIPE_TRAFFIC {
    /* The pipe. Written = Read + Lost + what is held, at any time: */
    ULONGLONG Written, Read, Lost;          // bytes
    ULONG     Held;                         // bytes, without the lengths of messages
    ULONG     Type;                         // PIPE_BYTES or PIPE_MESSAGES
    ULONG     Readers, Writers;             // opens with that access
    ULONG     ReadsWaiting, WritesWaiting;
    /* This open: */
    ULONG     Waits;                        // PIPE_WAIT_
    ULONGLONG BytesRead, BytesWritten;
} PIPE_TRAFFIC, *PPIPE_TRAFFIC;

#define PIPE_DEVICE_TYPE        0x8000

/*
 * Input: ULONG, 1 to PIPE_MAX_SIZE. Data that fits is kept, the oldest of what does not fit is
 * lost and counted. A pipe of messages must be empty, with nobody waiting (STATUS_DEVICE_BUSY).
 */
#define IOCTL_PIPE_SET_SIZE \
    CTL_CODE(PIPE_DEVICE_TYPE, 0x800, METHOD_BUFFERED, FILE_WRITE_ACCESS)

/* Input: ULONG, PIPE_DROP_NEW or PIPE_OVERWRITE_OLD. */
#define IOCTL_PIPE_SET_MODE \
    CTL_CODE(PIPE_DEVICE_TYPE, 0x801, METHOD_BUFFERED, FILE_WRITE_ACCESS)

/* Output: PIPE_INFORMATION. */
#define IOCTL_PIPE_QUERY \
    CTL_CODE(PIPE_DEVICE_TYPE, 0x802, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* Input: ULONG, PIPE_WAIT_ bits, for this open alone and the requests that follow. */
#define IOCTL_PIPE_SET_WAIT \
    CTL_CODE(PIPE_DEVICE_TYPE, 0x803, METHOD_BUFFERED, FILE_ANY_ACCESS)

/*
 * Input: ULONG, PIPE_BYTES or PIPE_MESSAGES. The pipe must be empty, with nobody waiting
 * (STATUS_DEVICE_BUSY). A message with its length (4 bytes) must fit the pipe: longer ones are
 * refused with STATUS_INVALID_BUFFER_SIZE. A message that does not fit and does not wait is lost
 * whole, or takes the place of whole old ones. A read with too short a buffer returns
 * STATUS_BUFFER_OVERFLOW (ERROR_MORE_DATA); the next one continues in the same message.
 */
#define IOCTL_PIPE_SET_TYPE \
    CTL_CODE(PIPE_DEVICE_TYPE, 0x804, METHOD_BUFFERED, FILE_WRITE_ACCESS)

/* Output: PIPE_TRAFFIC. */
#define IOCTL_PIPE_QUERY_TRAFFIC \
    CTL_CODE(PIPE_DEVICE_TYPE, 0x805, METHOD_BUFFERED, FILE_ANY_ACCESS)
