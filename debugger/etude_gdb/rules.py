"""The rules behind bugchecks 0xC4, 0xC7 and 0xC9, by their first parameter: what was broken, the likely cause, the way to mend it."""
_LEFT_APCS = ("a routine returns with APCs as much enabled as it was called with", "a critical or guarded region, or a fast mutex, left on one "
              "way out only", "one KeLeaveCriticalRegion for each KeEnterCriticalRegion, on every way out")
_LEFT_IRQL = ("a routine returns at the IRQL it was called at", "KeRaiseIrql or a spin lock without its counterpart on one way out",
              "KeLowerIrql or KeReleaseSpinLock with the saved IRQL on every way out")
_WAIT = ("no thread waits at DISPATCH_LEVEL or above, but with a time-out of zero", "a wait under a spin lock, in a DPC, or in a completion "
         "routine, which may run at DISPATCH_LEVEL", "wait at PASSIVE_LEVEL, in a work item if need be")
_FREED = ("an IRP is used until it is freed, and freed once", "a pointer to an IRP kept after IoFreeIrp or IoCompleteRequest",
          "!irp of it lists under Life who freed it; set the pointer to NULL there")
_INFORMATION = ("IoStatus.Information is at most the length of the output buffer", "the length needed was put there instead of the length "
                "written", "with too small a buffer complete with STATUS_BUFFER_TOO_SMALL and Information 0, or write what fits")
_MARKED = ("IoMarkIrpPending and returning STATUS_PENDING go together", "the IRP was marked, then completed in the dispatch routine, whose "
           "status was returned", "after IoMarkIrpPending return STATUS_PENDING, completed or not")
_UNMARKED = ("who returns STATUS_PENDING has marked the IRP pending, before it is queued or completed", "no IoMarkIrpPending in the dispatch "
             "routine, or none in a completion routine when PendingReturned is set", "call IoMarkIrpPending first of all, then queue the IRP")
RULES = {
    0xC4: {
        0x7C: ("pages are unlocked once, by the MDL that has them locked", "MmUnlockPages of an MDL that is not locked, or a second time",
               "unlock where MmProbeAndLockPages succeeded, and free the MDL then"),
        0xC5: _LEFT_APCS, 0xC6: _LEFT_APCS, 0xFB: _LEFT_APCS, 0x40003: _LEFT_APCS, 0xFA: _LEFT_IRQL, 0x111: _LEFT_IRQL, 0x2001D: _LEFT_IRQL,
        0xD5: ("a remove lock is released as often as it was acquired", "released on a way out on which IoAcquireRemoveLock had failed",
               "release only after STATUS_SUCCESS"),
        0xE5: ("a work item is freed when its routine has been called", "IoFreeWorkItem while the item is queued",
               "free it in its routine, or wait for that"),
        0x120: _WAIT, 0x121: _WAIT, 0x122: _WAIT,
        0x1000: ("a thread does not take a lock that it holds", "a routine that takes a fast mutex calls another that takes it too",
                 "split the inner one: with the lock, and for callers who hold it"),
        0x1007: ("a thread that holds a spin lock stays at DISPATCH_LEVEL or above", "KeLowerIrql below DISPATCH_LEVEL with the lock held",
                 "KeReleaseSpinLock lowers the IRQL; nothing else does while the lock is held"),
        0x1004: ("a lock is released by the thread that took it", "released by a work item or a completion routine",
                 "use a semaphore or an event for what one thread takes and another gives back"),
        0x20002: ("a routine is called at an IRQL that its documentation allows", "called under a spin lock or in a DPC",
                  "collect under the lock, act after its release; or use a work item"),
        0x40009: ("a routine releases the spin locks it takes", "a way out, mostly that of an error, without KeReleaseSpinLock",
                  "release on every way out; a cancel routine: IoReleaseCancelSpinLock(Irp->CancelIrql) first of all")},
    0xC7: {
        0: ("a timer is cancelled before its memory goes", "KeCancelTimer left out of DriverUnload", "KeCancelTimer, then KeFlushQueuedDpcs"),
        1: ("a DPC has run before its memory goes", "a timer or an interrupt still queues it at unload", "stop what queues it, then "
            "KeFlushQueuedDpcs"),
        2: ("a DPC has run before its routine goes", "a DPC in pool that is still queued at unload", "stop what queues it, then "
            "KeFlushQueuedDpcs"),
        4: _LEFT_APCS},
    0xC9: {
        1: _FREED, 3: _FREED,
        2: ("an IRP of IoBuildSynchronousFsdRequest or IoBuildDeviceIoControlRequest is the I/O manager's once it is made", "IoFreeIrp of it",
            "send it: it is freed when it is completed"),
        5: _LEFT_IRQL,
        6: ("an IRP is completed with its final status", "IoStatus.Status was set to STATUS_PENDING", "STATUS_PENDING is only what the dispatch "
            "routine returns"),
        0xE: ("IRPs are completed at DISPATCH_LEVEL at most", "completed in an interrupt service routine, or under its lock",
              "IoRequestDpc, and complete it in the DPC"),
        0x201: ("a device is detached from the one below before it is deleted", "IoDeleteDevice without IoDetachDevice",
                "IoDetachDevice(what the attach returned), then IoDeleteDevice"),
        0x20B: ("an IRP is freed or used again by the one who made it, when it has come back", "IoFreeIrp after STATUS_PENDING, or after IoCancelIrp",
                "wait for the completion routine; !irp says who holds it"),
        0x226: ("a dispatch routine completes the IRP, passes it on, or returns STATUS_PENDING", "a way out without IoCompleteRequest, or an IRP "
                "that was queued and another status returned", "complete on every way out; after queueing it return STATUS_PENDING"),
        0x23D: _UNMARKED, 0x23E: _MARKED,
        0x240: ("a device is deleted once", "IoDeleteDevice in an error path and again in DriverUnload",
                "set the pointer to NULL where it is deleted"),
        0x312: _INFORMATION}}


def rule_for(code, parameter):
    """The row for a code and its first parameter, or None."""
    return RULES.get(code, {}).get(parameter)
