/*
 * What programs and irptrack.sys agree on: the device's names, its control codes and the records
 * it hands out. Programs include it after <windows.h> and <winioctl.h>, the driver after
 * <ntifs.h>. Every code is METHOD_BUFFERED and acts on the filter that belongs to the file.
 */
#pragma once

#define IRPTRACK_NT_DEVICE_NAME     L"\\Device\\IrpTrack"
#define IRPTRACK_DOS_DEVICE_NAME    L"\\DosDevices\\IrpTrack"

#define IRPTRACK_DEVICE_TYPE        0x8004u
#define IRPTRACK_MAX_NAME           128
#define IRPTRACK_RING               1024        // records kept until they are read

#define IRPTRACK_PASS_BLIND         0x1         // pass IRPs down without a completion routine
#define IRPTRACK_REFUSE_WRITES      0x2         // complete writes here, with STATUS_ACCESS_DENIED

typedef struct _IRPTRACK_ATTACH {
    ULONG Flags;                                // IRPTRACK_PASS_BLIND, IRPTRACK_REFUSE_WRITES
    WCHAR Name[IRPTRACK_MAX_NAME];              // of the device, terminated
} IRPTRACK_ATTACH, *PIRPTRACK_ATTACH;

/* How an IRP ended, as far as the filter saw (IRPTRACK_RECORD.How). */
#define IRPTRACK_HERE               0x1         // completed by the filter itself
#define IRPTRACK_BLIND              0x2         // passed down; Status is what the call returned
#define IRPTRACK_PENDED             0x4
#define IRPTRACK_CANCELLED          0x8

typedef struct _IRPTRACK_RECORD {
    ULONGLONG Irp;                              // address
    ULONGLONG Started, Ended;                   // interrupt time, 100 ns
    ULONGLONG Information;
    ULONG     Process, Thread;
    LONG      Status;
    UCHAR     Major, Minor, How, Reserved;
} IRPTRACK_RECORD, *PIRPTRACK_RECORD;

/* Input: IRPTRACK_ATTACH. One filter a file; the file's cleanup detaches it. */
#define IOCTL_IRPTRACK_ATTACH \
    CTL_CODE(IRPTRACK_DEVICE_TYPE, 0x800, METHOD_BUFFERED, FILE_WRITE_ACCESS)

/* Output: the oldest records, as many as fit and are there, at once. They are forgotten here. */
#define IOCTL_IRPTRACK_READ \
    CTL_CODE(IRPTRACK_DEVICE_TYPE, 0x801, METHOD_BUFFERED, FILE_READ_ACCESS)

/* Output: ULONG, records lost so far because the ring was full. */
#define IOCTL_IRPTRACK_LOST \
    CTL_CODE(IRPTRACK_DEVICE_TYPE, 0x802, METHOD_BUFFERED, FILE_READ_ACCESS)
