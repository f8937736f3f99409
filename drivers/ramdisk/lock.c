/*
 * Byte range locks: IRP_MJ_LOCK_CONTROL, and whether a read may pass.
 *
 * A lock belongs to a file object, a process and a key, all three. An exclusive one stands alone on
 * its range; shared ones may lie over each other, and over an exclusive one of the same owner. Who
 * does not own an exclusive lock may not read under it. A lock is given up as it was taken, with
 * the same range, or with all others of its owner: when a process closes its last handle to the
 * file (IRP_MN_UNLOCK_ALL), or the file's last handle goes (CLEANUP).
 *
 * A request that is in the way of another and may wait is pended in Waiting, in the order they
 * came; each unlock looks through them for those that can have their range now. Cancelling against
 * granting: who gets the cancel routine out of the IRP (IoSetCancelRoutine) completes it. No IRP is
 * completed under the lock: they are collected in a list first.
 *
 * Nodes lie in paged pool, so a node has its locks, once there was one, in a block of nonpaged
 * pool, for good. What the system itself reads (images, for one) is not held up by locks.
 */
#include "ramdisk.h"

typedef struct _LOCKS {
    KSPIN_LOCK Lock;
    LIST_ENTRY Held, Waiting;                   // LOCKs; IRPs. Guarded by Lock
} LOCKS;

typedef struct _LOCK {
    LIST_ENTRY   Link;
    PFILE_OBJECT File;
    PEPROCESS    Process;
    ULONG        Key;
    BOOLEAN      Exclusive;
    ULONG64      Offset, Length;
} LOCK, *PLOCK;

/* Kept in an IRP that waits, or asks: */
#define LOCKS_OF(Irp)   (*(PLOCKS *)&(Irp)->Tail.Overlay.DriverContext[0])
#define LOCK_OF(Irp)    (*(PLOCK *)&(Irp)->Tail.Overlay.DriverContext[1])

static DRIVER_CANCEL RamdiskCancelLock;

static BOOLEAN
RamdiskOwns(const LOCK *One, const LOCK *Other)
{
    return One->File == Other->File && One->Process == Other->Process && One->Key == Other->Key;
}

/* Lengths that reach beyond the last byte there can be were refused. */
static BOOLEAN
RamdiskOverlaps(const LOCK *One, const LOCK *Other)
{
    return One->Length != 0 && Other->Length != 0
        && One->Offset <= Other->Offset + (Other->Length - 1)
        && Other->Offset <= One->Offset + (One->Length - 1);
}

/* Whether Wanted, a lock or (not exclusive) a read, has to wait for one that is held. */
static BOOLEAN
RamdiskConflictsLocked(PLOCKS Locks, const LOCK *Wanted)
{
    for (PLIST_ENTRY Entry = Locks->Held.Flink; Entry != &Locks->Held; Entry = Entry->Flink) {
        const LOCK *Held = CONTAINING_RECORD(Entry, LOCK, Link);

        if (RamdiskOverlaps(Held, Wanted)
            && (Wanted->Exclusive || (Held->Exclusive && !RamdiskOwns(Held, Wanted))))
            return TRUE;
    }
    return FALSE;
}

/* Grants what can be granted now; the IRPs, no longer to be cancelled, go to Done. */
static VOID
RamdiskGrantLocked(PLOCKS Locks, PLIST_ENTRY Done)
{
    PLIST_ENTRY Entry, Next;

    for (Entry = Locks->Waiting.Flink; Entry != &Locks->Waiting; Entry = Next) {
        PIRP Irp = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry);

        Next = Entry->Flink;
        if (RamdiskConflictsLocked(Locks, LOCK_OF(Irp)) || IoSetCancelRoutine(Irp, NULL) == NULL)
            continue;
        RemoveEntryList(Entry);
        InsertTailList(&Locks->Held, &LOCK_OF(Irp)->Link);
        InsertTailList(Done, Entry);
    }
}

static VOID
RamdiskCompleteAll(PLIST_ENTRY Done, NTSTATUS Status)
{
    while (!IsListEmpty(Done)) {
        PIRP Irp = CONTAINING_RECORD(RemoveHeadList(Done), IRP, Tail.Overlay.ListEntry);

        RamdiskComplete(Irp, Status, 0);
    }
}

static VOID NTAPI
RamdiskCancelLock(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PLOCKS Locks = LOCKS_OF(Irp);
    KIRQL  Irql;

    UNREFERENCED_PARAMETER(DeviceObject);

    IoReleaseCancelSpinLock(Irp->CancelIrql);
    KeAcquireSpinLock(&Locks->Lock, &Irql);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
    KeReleaseSpinLock(&Locks->Lock, Irql);
    ExFreePoolWithTag(LOCK_OF(Irp), RAMDISK_TAG);
    RamdiskComplete(Irp, STATUS_CANCELLED, 0);
}

/* Pends the IRP, unless it has been cancelled already. */
static NTSTATUS
RamdiskWaitLocked(PLOCKS Locks, PIRP Irp)
{
    InsertTailList(&Locks->Waiting, &Irp->Tail.Overlay.ListEntry);
    IoSetCancelRoutine(Irp, RamdiskCancelLock);
    if (Irp->Cancel && IoSetCancelRoutine(Irp, NULL) != NULL) {
        RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
        return STATUS_CANCELLED;
    }
    IoMarkIrpPending(Irp);                      // nobody completes it before Lock is released
    return STATUS_PENDING;
}

/* The node's block, made if there is none; of two that come at once one makes it. */
static PLOCKS
RamdiskLocks(PNODE Node)
{
    PLOCKS Locks = Node->Locks;

    if (Locks != NULL)
        return Locks;
    Locks = ExAllocatePoolWithTag(NonPagedPool, sizeof *Locks, RAMDISK_TAG);
    if (Locks == NULL)
        return NULL;
    KeInitializeSpinLock(&Locks->Lock);
    InitializeListHead(&Locks->Held);
    InitializeListHead(&Locks->Waiting);
    if (InterlockedCompareExchangePointer((PVOID *)&Node->Locks, Locks, NULL) != NULL)
        ExFreePoolWithTag(Locks, RAMDISK_TAG);
    return Node->Locks;
}

static NTSTATUS
RamdiskTakeLock(PLOCKS Locks, PIRP Irp, PIO_STACK_LOCATION Stack, const LOCK *Wanted)
{
    PLOCK    Lock = ExAllocatePoolWithTag(NonPagedPool, sizeof *Lock, RAMDISK_TAG);
    NTSTATUS Status = STATUS_SUCCESS;
    KIRQL    Irql;

    if (Lock == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    *Lock = *Wanted;
    LOCKS_OF(Irp) = Locks;
    LOCK_OF(Irp) = Lock;
    KeAcquireSpinLock(&Locks->Lock, &Irql);
    if (!RamdiskConflictsLocked(Locks, Lock))
        InsertTailList(&Locks->Held, &Lock->Link);
    else if (Stack->Flags & SL_FAIL_IMMEDIATELY)
        Status = STATUS_LOCK_NOT_GRANTED;
    else
        Status = RamdiskWaitLocked(Locks, Irp);
    KeReleaseSpinLock(&Locks->Lock, Irql);
    if (!NT_SUCCESS(Status))
        ExFreePoolWithTag(Lock, RAMDISK_TAG);
    return Status;
}

/* Of two locks of one range and owner, an exclusive and a shared one, the exclusive one goes. */
static NTSTATUS
RamdiskGiveUpLock(PLOCKS Locks, const LOCK *Wanted)
{
    PLOCK      Found = NULL;
    LIST_ENTRY Done;
    KIRQL      Irql;

    InitializeListHead(&Done);
    KeAcquireSpinLock(&Locks->Lock, &Irql);
    for (PLIST_ENTRY Entry = Locks->Held.Flink; Entry != &Locks->Held; Entry = Entry->Flink) {
        PLOCK Held = CONTAINING_RECORD(Entry, LOCK, Link);

        if (RamdiskOwns(Held, Wanted) && Held->Offset == Wanted->Offset
            && Held->Length == Wanted->Length && (Found == NULL || Held->Exclusive))
            Found = Held;
    }
    if (Found != NULL) {
        RemoveEntryList(&Found->Link);
        RamdiskGrantLocked(Locks, &Done);
    }
    KeReleaseSpinLock(&Locks->Lock, Irql);
    if (Found == NULL)
        return STATUS_RANGE_NOT_LOCKED;
    ExFreePoolWithTag(Found, RAMDISK_TAG);
    RamdiskCompleteAll(&Done, STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

/* Takes what waits for File out of Waiting; the file is being closed. */
static VOID
RamdiskEndWaitsLocked(PLOCKS Locks, PFILE_OBJECT File, PLIST_ENTRY Ended)
{
    PLIST_ENTRY Entry, Next;

    for (Entry = Locks->Waiting.Flink; Entry != &Locks->Waiting; Entry = Next) {
        PIRP Irp = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry);

        Next = Entry->Flink;
        if (LOCK_OF(Irp)->File != File || IoSetCancelRoutine(Irp, NULL) == NULL)
            continue;
        RemoveEntryList(Entry);
        ExFreePoolWithTag(LOCK_OF(Irp), RAMDISK_TAG);
        InsertTailList(Ended, Entry);
    }
}

VOID
RamdiskGiveUpLocks(PNODE Node, PFILE_OBJECT File, PEPROCESS Process, const ULONG *Key)
{
    PLOCKS      Locks = Node->Locks;
    LIST_ENTRY  Done, Ended;
    PLIST_ENTRY Entry, Next;
    KIRQL       Irql;

    if (Locks == NULL)
        return;
    InitializeListHead(&Done);
    InitializeListHead(&Ended);
    KeAcquireSpinLock(&Locks->Lock, &Irql);
    for (Entry = Locks->Held.Flink; Entry != &Locks->Held; Entry = Next) {
        PLOCK Held = CONTAINING_RECORD(Entry, LOCK, Link);

        Next = Entry->Flink;
        if (Held->File != File || (Process != NULL && Held->Process != Process)
            || (Key != NULL && Held->Key != *Key))
            continue;
        RemoveEntryList(Entry);
        ExFreePoolWithTag(Held, RAMDISK_TAG);
    }
    if (Process == NULL)
        RamdiskEndWaitsLocked(Locks, File, &Ended);
    RamdiskGrantLocked(Locks, &Done);
    KeReleaseSpinLock(&Locks->Lock, Irql);
    RamdiskCompleteAll(&Ended, STATUS_RANGE_NOT_LOCKED);
    RamdiskCompleteAll(&Done, STATUS_SUCCESS);
}

BOOLEAN
RamdiskMayRead(PNODE Node, PIRP Irp, PIO_STACK_LOCATION Stack, ULONG Length)
{
    PLOCKS  Locks = Node->Locks;
    LOCK    Read = { .File = Stack->FileObject, .Process = IoGetRequestorProcess(Irp),
                     .Key = Stack->Parameters.Read.Key, .Length = Length,
                     .Offset = (ULONG64)Stack->Parameters.Read.ByteOffset.QuadPart };
    BOOLEAN Conflict;
    KIRQL   Irql;

    if (Locks == NULL || Irp->RequestorMode == KernelMode)
        return TRUE;
    KeAcquireSpinLock(&Locks->Lock, &Irql);
    Conflict = RamdiskConflictsLocked(Locks, &Read);
    KeReleaseSpinLock(&Locks->Lock, Irql);
    return !Conflict;
}

NTSTATUS NTAPI
RamdiskLockControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PNODE              Node = Stack->FileObject->FsContext;
    LOCK               Wanted = { .File = Stack->FileObject, .Process = IoGetRequestorProcess(Irp),
                                  .Key = Stack->Parameters.LockControl.Key,
                                  .Exclusive = (Stack->Flags & SL_EXCLUSIVE_LOCK) != 0,
                                  .Offset = (ULONG64)
                                      Stack->Parameters.LockControl.ByteOffset.QuadPart };
    PLOCKS             Locks = Node->Directory ? NULL : RamdiskLocks(Node);
    NTSTATUS           Status = STATUS_SUCCESS;

    UNREFERENCED_PARAMETER(DeviceObject);

    if (Locks == NULL)
        return RamdiskComplete(Irp, Node->Directory ? STATUS_INVALID_PARAMETER
                               : STATUS_INSUFFICIENT_RESOURCES, 0);
    switch (Stack->MinorFunction) {
    case IRP_MN_LOCK:
        Wanted.Length = (ULONG64)Stack->Parameters.LockControl.Length->QuadPart;
        Status = Wanted.Length != 0 && Wanted.Offset + (Wanted.Length - 1) < Wanted.Offset
            ? STATUS_INVALID_LOCK_RANGE : RamdiskTakeLock(Locks, Irp, Stack, &Wanted);
        break;
    case IRP_MN_UNLOCK_SINGLE:
        Wanted.Length = (ULONG64)Stack->Parameters.LockControl.Length->QuadPart;
        Status = RamdiskGiveUpLock(Locks, &Wanted);
        break;
    case IRP_MN_UNLOCK_ALL:
        RamdiskGiveUpLocks(Node, Wanted.File, Wanted.Process, NULL);
        break;
    case IRP_MN_UNLOCK_ALL_BY_KEY:
        RamdiskGiveUpLocks(Node, Wanted.File, Wanted.Process, &Wanted.Key);
        break;
    default:
        Status = STATUS_INVALID_DEVICE_REQUEST;
    }
    return Status == STATUS_PENDING ? Status : RamdiskComplete(Irp, Status, 0);
}
