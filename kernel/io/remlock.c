/*
 * Remove locks: a count of those who use a device, and a way to wait until there are none.
 *
 * IoCount starts at 1, the device's own. Acquire adds one, and fails once Removed is set; release
 * takes one away; the one who takes it to zero sets RemoveEvent. IoReleaseRemoveLockAndWait,
 * called by one who has acquired, sets Removed, gives up its own count and the device's, and
 * waits.
 *
 * A driver built with DBG has a larger block and says so in RemlockSize; the part behind the
 * common one is the driver's and not used here.
 */
#include "iop.h"

/* Readies a lock that lies in nonpaged memory. */
VOID NTAPI
IoInitializeRemoveLockEx(PIO_REMOVE_LOCK Lock, ULONG AllocateTag, ULONG MaxLockedMinutes,
                         ULONG HighWatermark,
                         ULONG RemlockSize)
{
    RtlZeroMemory(Lock, RemlockSize);
    Lock->Common.IoCount = 1;
    KeInitializeEvent(&Lock->Common.RemoveEvent, SynchronizationEvent, FALSE);
}

/*
 * Counts the caller in; Tag is for the driver's own debugging. STATUS_DELETE_PENDING: the device
 * is being removed.
 */
NTSTATUS NTAPI
IoAcquireRemoveLockEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, PCSTR File, ULONG Line,
                      ULONG RemlockSize)
{
    IRQL_AT_MOST(DISPATCH_LEVEL);

    InterlockedIncrement(&RemoveLock->Common.IoCount);
    if (!RemoveLock->Common.Removed)
        return STATUS_SUCCESS;
    if (InterlockedDecrement(&RemoveLock->Common.IoCount) == 0)
        KeSetEvent(&RemoveLock->Common.RemoveEvent, 0, FALSE);
    return STATUS_DELETE_PENDING;
}

VOID NTAPI
IoReleaseRemoveLockEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, ULONG RemlockSize)
{
    LONG Count = InterlockedDecrement(&RemoveLock->Common.IoCount);

    IRQL_AT_MOST(DISPATCH_LEVEL);

    if (Count == 0)
        KeSetEvent(&RemoveLock->Common.RemoveEvent, 0, FALSE);
    else if (Count < 0)
        IopStop(DRIVER_VERIFIER_DETECTED_VIOLATION, 0xD5, (ULONG_PTR)RemoveLock, (ULONG_PTR)Tag,
                __builtin_return_address(0),
                "released a remove lock more often than it acquired it");
}

/*
 * Counts the caller out, lets nobody in any more, and waits until everybody is out.
 * PASSIVE_LEVEL.
 */
VOID NTAPI
IoReleaseRemoveLockAndWaitEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, ULONG RemlockSize)
{
    MAY_BLOCK();

    RemoveLock->Common.Removed = TRUE;
    InterlockedDecrement(&RemoveLock->Common.IoCount);
    if (InterlockedDecrement(&RemoveLock->Common.IoCount) > 0)
        KeWaitForSingleObject(&RemoveLock->Common.RemoveEvent, Executive, KernelMode, FALSE, NULL);
}
