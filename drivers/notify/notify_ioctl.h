/*
 * What programs and notify.sys agree on: the device's names and its control codes. Programs
 * include it after <windows.h> and <winioctl.h>, the driver after <ntddk.h>. Both codes are
 * METHOD_BUFFERED and act on the request behind the file they are sent to: one at a time.
 */
#pragma once

#define NOTIFY_NT_DEVICE_NAME   L"\\Device\\Notify"
#define NOTIFY_DOS_DEVICE_NAME  L"\\DosDevices\\Notify"

#define NOTIFY_DEVICE_TYPE      0x8001
#define NOTIFY_MAX_MILLISECONDS (24u * 60 * 60 * 1000)

typedef struct _NOTIFY_REQUEST {
    ULONGLONG Event;                        // the caller's handle, with EVENT_MODIFY_STATE
    ULONG     Milliseconds;                 // from now until it is set
    ULONG     Reserved;                     // 0
} NOTIFY_REQUEST, *PNOTIFY_REQUEST;

/* Input: NOTIFY_REQUEST. Busy while the file's last request has neither come true nor been
 * dropped. */
#define IOCTL_NOTIFY_SET \
    CTL_CODE(NOTIFY_DEVICE_TYPE, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* Drops the file's request; fails with STATUS_NOT_FOUND when there is none any more. */
#define IOCTL_NOTIFY_DROP \
    CTL_CODE(NOTIFY_DEVICE_TYPE, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
