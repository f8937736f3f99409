/*
 * What programs and getdev.sys agree on: the device's names and its control codes, all of them
 * METHOD_BUFFERED. Programs include it after <windows.h> and <winioctl.h>, the driver after
 * <ntddk.h>.
 */
#pragma once

#define GETDEV_NT_DEVICE_NAME   L"\\Device\\GetDev"
#define GETDEV_DOS_DEVICE_NAME  L"\\DosDevices\\GetDev"

#define GETDEV_MAX_KEPT         8
#define GETDEV_MAX_NAME         128         // characters, the final zero included

typedef struct _GETDEV_ENTRY {
    ULONG64 FileObject;
    ULONG64 DeviceObject;
    ULONG   StackSize;                      // of the device: what an IRP for it must have
    ULONG   DeviceType;
    WCHAR   Name[GETDEV_MAX_NAME];
} GETDEV_ENTRY, *PGETDEV_ENTRY;

#define GETDEV_DEVICE_TYPE      0x8001
#define GETDEV_CODE(Number, Access) \
    (ULONG)CTL_CODE(GETDEV_DEVICE_TYPE, Number, METHOD_BUFFERED, Access)

/* Input: a device's name, WCHARs, no final zero needed. Output: GETDEV_ENTRY. */
#define IOCTL_GETDEV_TAKE       GETDEV_CODE(0x800, FILE_WRITE_ACCESS)   // keeps the file object
#define IOCTL_GETDEV_PEEK       GETDEV_CODE(0x801, FILE_WRITE_ACCESS)   // lets it go at once

/* Acts on the file object that was taken last. Output: GETDEV_ENTRY. */
#define IOCTL_GETDEV_DROP       GETDEV_CODE(0x802, FILE_WRITE_ACCESS)   // lets it go
#define IOCTL_GETDEV_FORGET     GETDEV_CODE(0x803, FILE_WRITE_ACCESS)   // the bug: never will

/* Output: a GETDEV_ENTRY for each file object that is kept. */
#define IOCTL_GETDEV_LIST       GETDEV_CODE(0x804, FILE_ANY_ACCESS)
