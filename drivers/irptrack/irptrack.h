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

typedef struct _TRACK_RING {
    ULONG           First, Count, Lost;
    IRPTRACK_RECORD Records[IRPTRACK_RING];
} TRACK_RING, *PTRACK_RING;

typedef struct _TRACK_FILTER {
    /* Set before the first IRP arrives, never changed: */
    PDEVICE_OBJECT  Lower;
    ULONG           Flags;                      // IRPTRACK_*

    // FALSE once the filter has left the stack; changed by TrackLeave only
    BOOLEAN         Attached;

    // counts the IRPs that the filter has a hand in
    IO_REMOVE_LOCK  RemoveLock;

    /* Guarded by Lock: */
    KSPIN_LOCK      Lock;
    PTRACK_RING     Ring;                       // NULL: nobody will read it any more
} TRACK_FILTER, *PTRACK_FILTER;

extern PDEVICE_OBJECT TrackControlDevice;

NTSTATUS TrackComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information);

DRIVER_DISPATCH TrackPass;

/* A filter attached above the device Name; PASSIVE_LEVEL. STATUS_NO_SUCH_DEVICE, ... */
NTSTATUS TrackAttach(PDRIVER_OBJECT Driver, PCUNICODE_STRING Name, ULONG Flags,
                     PDEVICE_OBJECT *Filter);

/*
 * Frees the ring, and takes the filter out of the stack unless it is out already or something is
 * attached above it.
 */
VOID     TrackLeave(PDEVICE_OBJECT Filter);

/* Leaves, and waits until no IRP has the filter's completion routine; PASSIVE_LEVEL, once. */
VOID     TrackStop(PDEVICE_OBJECT Filter);

/* Moves up to Room records out of the ring; returns how many. */
ULONG    TrackRead(PTRACK_FILTER Filter, PIRPTRACK_RECORD To, ULONG Room);
ULONG    TrackLost(PTRACK_FILTER Filter);

VOID     TrackInitialize(VOID);
VOID     TrackUninitialize(VOID);
