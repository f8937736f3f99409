/*
 * Declarations the way the WDK's samples have them: annotations, routines declared by their roles,
 * a GUID of one's own.
 */
#pragma once

#include <initguid.h>
#include <ntddk.h>
#include <wdmsec.h>
#define NTSTRSAFE_LIB_IMPL
#include <ntstrsafe.h>

#define STYLE_TAG   (ULONG)'lytS'

// {5D006E1A-2631-466C-B8A0-32FD498E4424}
DEFINE_GUID(GUID_DEVCLASS_WDK_STYLE,
    0x5d006e1a, 0x2631, 0x466c, 0xb8, 0xa0, 0x32, 0xfd, 0x49, 0x8e, 0x44, 0x24);

typedef struct _DEVICE_EXTENSION {
    PDEVICE_OBJECT Self;
    IO_CSQ         Queue;
    _Guarded_by_(QueueLock)
    LIST_ENTRY     PendingIrps;
    KSPIN_LOCK     QueueLock;
    KSEMAPHORE     Waiting;
    PVOID          Thread;
    BOOLEAN        ThreadShouldStop;
} DEVICE_EXTENSION, *PDEVICE_EXTENSION;

typedef struct _FILE_CONTEXT {
    IO_REMOVE_LOCK RundownLock;
} FILE_CONTEXT, *PFILE_CONTEXT;

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD StyleUnload;

_Dispatch_type_(IRP_MJ_CREATE)
_Dispatch_type_(IRP_MJ_CLOSE)
DRIVER_DISPATCH StyleCreateClose;

_Dispatch_type_(IRP_MJ_READ)
DRIVER_DISPATCH StyleRead;

_Dispatch_type_(IRP_MJ_CLEANUP)
DRIVER_DISPATCH StyleCleanup;

KSTART_ROUTINE StyleThread;

IO_CSQ_INSERT_IRP StyleInsertIrp;
IO_CSQ_REMOVE_IRP StyleRemoveIrp;
IO_CSQ_PEEK_NEXT_IRP StylePeekNextIrp;
IO_CSQ_ACQUIRE_LOCK StyleAcquireLock;
IO_CSQ_RELEASE_LOCK StyleReleaseLock;
IO_CSQ_COMPLETE_CANCELED_IRP StyleCompleteCanceledIrp;

_IRQL_requires_max_(DISPATCH_LEVEL)
_Must_inspect_result_
NTSTATUS
StyleFill(
    _In_ PIRP Irp,
    _Out_writes_bytes_(Length) PVOID Buffer,
    _In_ ULONG Length
    );
