/*
 * Shared by irptrack.sys's two files: irptrack.c has the control device that programs open,
 * filter.c the devices that it attaches above others.
 */
#pragma once

#include <ntifs.h>
#include "irptrack_ioctl.h"

// exported by every NT, declared by few headers
extern NTSYSAPI POBJECT_TYPE *IoDeviceObjectType;

#define TRACK_TAG   'krtI'                      // shows as Itrk

typedef struct _TRACK_FILTER {
    PDEVICE_OBJECT  Lower;                      // set before the first IRP arrives, never changed
    ULONG           Flags;                      // IRPTRACK_*; whoever passes an IRP looks once

    // the filter has left the stack; changed by TrackLeave only
    BOOLEAN         Detached;

    // counts the IRPs that the filter has a hand in
    IO_REMOVE_LOCK  RemoveLock;

    /* Guarded by Lock: */
    KSPIN_LOCK      Lock;
    LIST_ENTRY      Notes;                      // of IRPs that are through, oldest first
    LONG            Count;                      // of Notes, or a little more
    ULONG           Lost;                       // since the last of Notes
    BOOLEAN         Closed;                     // nobody will read them any more
} TRACK_FILTER, *PTRACK_FILTER;

NTSTATUS TrackComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information);

DRIVER_DISPATCH TrackPass;

/* A filter attached above the device Name; PASSIVE_LEVEL. STATUS_NO_SUCH_DEVICE, ... */
NTSTATUS TrackAttach(PDRIVER_OBJECT Driver, PUNICODE_STRING Name, PDEVICE_OBJECT *Filter);

/*
 * Forgets what was not read, and takes the filter out of the stack unless it is out already or
 * something is attached above it.
 */
VOID     TrackLeave(PDEVICE_OBJECT Filter);

/* Leaves, and waits until no IRP has the filter's completion routine; PASSIVE_LEVEL, once. */
VOID     TrackStop(PDEVICE_OBJECT Filter);

/* Hands out the records that fit in Length bytes, and forgets them; returns how many bytes. */
ULONG    TrackRead(PTRACK_FILTER Filter, PIRPTRACK_RECORD To, ULONG Length);
