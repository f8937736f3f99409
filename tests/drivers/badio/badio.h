/*
 * What badio's files share: the device, and the sins that are about IRPs of the driver's own.
 */
#pragma once

#include <ntifs.h>

#define TAG             'oidB'

extern PDEVICE_OBJECT BadDevice;

VOID   Finish(PIRP Irp, NTSTATUS Status);
HANDLE OpenDevice(ULONG Options);

/* own.c */
VOID BadFreedTwice(VOID);
VOID BadFreeInUse(VOID);
VOID BadFreeBelow(VOID);
VOID BadReuse(VOID);
VOID BadReuseFreed(VOID);
VOID BadFreedCall(VOID);
VOID BadOwnAtTop(VOID);
VOID BadCancelLock(VOID);
VOID BadRemoveLock(VOID);
VOID BadDeleteTwice(VOID);
VOID BadDeleteAttached(VOID);
NTSTATUS NTAPI PendCancelHolding(PDEVICE_OBJECT DeviceObject, PIRP Irp);
