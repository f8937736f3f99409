/*
 * What programs and irptrack.sys agree on: the device's names, its control code and the records
 * it hands out. Programs include it after <windows.h> and <winioctl.h>, the driver after
 * <ntifs.h>.
 *
 * \\.\IrpTrack\Device\X opens a filter above \Device\X: one a file, and the file's cleanup
 * takes it away. ReadFile hands out the oldest records, as many as fit and are there, at once (0
 * bytes: there are none); they are forgotten then.
 */
#pragma once

#define IRPTRACK_NT_DEVICE_NAME     L"\\Device\\IrpTrack"
#define IRPTRACK_DOS_DEVICE_NAME    L"\\DosDevices\\IrpTrack"

#define IRPTRACK_DEVICE_TYPE        0x8004u
#define IRPTRACK_KEPT               1024        // records kept until they are read

#define IRPTRACK_PASS_BLIND         0x1         // pass IRPs down without a completion routine
#define IRPTRACK_REFUSE_WRITES      0x2         // complete writes here, with STATUS_ACCESS_DENIED

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
    UCHAR     Major, How;
    ULONG     Lost;                             // IRPs that passed unrecorded before this one
} IRPTRACK_RECORD, *PIRPTRACK_RECORD;

/* Input: ULONG, IRPTRACK_PASS_BLIND | IRPTRACK_REFUSE_WRITES, for the IRPs to come; at first 0. */
#define IOCTL_IRPTRACK_SET_FLAGS \
    CTL_CODE(IRPTRACK_DEVICE_TYPE, 0x800, METHOD_BUFFERED, FILE_WRITE_ACCESS)
