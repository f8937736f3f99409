/*
 * Reference counts. PointerCount is the number of references there are: one for each handle, one
 * while a directory holds the name, and one for each pointer that somebody keeps. It starts at 1,
 * the creator's.
 *
 *   ObfReferenceObject           one more; the caller has one already, so 0 -> 1 is a bug and
 *                                stops the machine
 *   ObReferenceObjectSafe        one more unless it is 0: for those who find the object in a list
 *                                it leaves when it is deleted
 *   ObReferenceObjectByPointer   one more, after a look at the type
 *   ObfDereferenceObject         one less; at 0 nobody can find the object any more and it is
 *                                deleted ((3) in ob.h)
 *
 * A delete procedure may block, so the one who drops the last reference above PASSIVE_LEVEL only
 * puts the object on the reaper's list, which is linked through the headers (NextToFree). A work
 * item takes one after the other and deletes it. Before it does, it queues itself again if there
 * are more, for another thread: a delete procedure that waits holds up no other.
 *
 * Bugcheck 0x18: P1 the object's type, P2 the object, P3 what went wrong (0 this is no live
 * object, 1 a reference from zero, 2 a dereference below zero, 3 the last reference dropped while
 * handles are open), P4 the count that was found (P3 = 0: the header's Type; 3: the handles).
 */
#include "kernel.h"
#include "ob/obp.h"

static KSPIN_LOCK     ObpReaperLock;

/* Guarded by ObpReaperLock: */
static POBJECT_HEADER ObpReaperList;
static BOOLEAN        ObpReaperQueued;

static VOID NTAPI ObpReap(PVOID Context);
static WORK_QUEUE_ITEM ObpReaperItem = { .WorkerRoutine = ObpReap };

DECLSPEC_NORETURN VOID
ObpBadReference(PVOID Object, ULONG Reason, LONG64 Count)
{
    KeBugCheckEx(REFERENCE_BY_POINTER, (ULONG_PTR)OBJECT_TO_HEADER(Object)->Type,
                 (ULONG_PTR)Object, Reason, Count);
}

/* ObpReaperLock is held. */
static VOID
ObpQueueReaper(VOID)
{
    if (!ObpReaperQueued)
        ExQueueWorkItem(&ObpReaperItem, CriticalWorkQueue);
    ObpReaperQueued = TRUE;
}

static VOID NTAPI
ObpReap(PVOID Context)
{
    POBJECT_HEADER Header;
    KIRQL          Irql;

    KeAcquireSpinLock(&ObpReaperLock, &Irql);
    ObpReaperQueued = FALSE;
    while ((Header = ObpReaperList) != NULL) {
        ObpReaperList = Header->NextToFree;
        if (ObpReaperList != NULL)
            ObpQueueReaper();
        KeReleaseSpinLock(&ObpReaperLock, Irql);

        Header->NextToFree = NULL;
        ObpDeleteObject(Header);
        KeAcquireSpinLock(&ObpReaperLock, &Irql);
    }
    KeReleaseSpinLock(&ObpReaperLock, Irql);
}

static VOID
ObpDefer(POBJECT_HEADER Header)
{
    KIRQL Irql;

    KeAcquireSpinLock(&ObpReaperLock, &Irql);
    if (ObpReaperList == NULL)
        ObpQueueReaper();
    Header->NextToFree = ObpReaperList;
    ObpReaperList = Header;
    KeReleaseSpinLock(&ObpReaperLock, Irql);
}

VOID
ObpDeleteOrDefer(POBJECT_HEADER Header)
{
    if (KeGetCurrentIrql() == PASSIVE_LEVEL)
        ObpDeleteObject(Header);
    else
        ObpDefer(Header);
}

/* At 0 nobody else can find the object any more; above 0 it may be gone already. */
static inline LONG64
ObpCountDown(POBJECT_HEADER Header, ULONG Tag, PVOID Caller)
{
    PVOID  Object = &Header->Body;
    LONG64 Count  = InterlockedDecrement64(&Header->PointerCount);

    ObpTrace(Object, -1, Count, Tag, Caller);
    if (Count < 0)
        ObpBadReference(Object, 2, Count);
    if (Count == 0 && Header->HandleCount != 0)
        ObpBadReference(Object, 3, Header->HandleCount);
    return Count;
}

LONG64
ObpDereference(POBJECT_HEADER Header, ULONG Tag, PVOID Caller)
{
    LONG64 Count = ObpCountDown(Header, Tag, Caller);

    if (Count == 0)
        ObpDeleteOrDefer(Header);
    return Count;
}

/*
 * Counts one more reference. The caller must have one, or hold a lock that keeps somebody else's.
 * <= DISPATCH_LEVEL.
 */
LONG_PTR FASTCALL
ObfReferenceObject(PVOID Object)
{
    IRQL_AT_MOST(DISPATCH_LEVEL);
    return ObpReference(ObpHeaderOf(Object), OB_TAG_DEFAULT, CALLER());
}

/* The same under a tag of the caller's choice, which the reference trace shows. */
LONG_PTR FASTCALL
ObfReferenceObjectWithTag(PVOID Object, ULONG Tag)
{
    IRQL_AT_MOST(DISPATCH_LEVEL);
    return ObpReference(ObpHeaderOf(Object), Tag, CALLER());
}

BOOLEAN
ObReferenceObjectSafe(PVOID Object)
{
    POBJECT_HEADER Header = ObpHeaderOf(Object);
    LONG64         Count;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    do {
        Count = Header->PointerCount;
        if (Count <= 0)
            return FALSE;
    } while (InterlockedCompareExchange64(&Header->PointerCount, Count + 1, Count) != Count);

    ObpTrace(Object, 1, Count + 1, OB_TAG_DEFAULT, CALLER());
    return TRUE;
}

/*
 * Drops one reference. The reference that reaches zero deletes the object: at once at
 * PASSIVE_LEVEL, otherwise later on the reaper's work item, so a DPC may call this but must not
 * expect the type's delete procedure to have run.
 */
LONG_PTR FASTCALL
ObfDereferenceObject(PVOID Object)
{
    IRQL_AT_MOST(DISPATCH_LEVEL);
    return ObpDereference(ObpHeaderOf(Object), OB_TAG_DEFAULT, CALLER());
}

LONG_PTR FASTCALL
ObfDereferenceObjectWithTag(PVOID Object, ULONG Tag)
{
    IRQL_AT_MOST(DISPATCH_LEVEL);
    return ObpDereference(ObpHeaderOf(Object), Tag, CALLER());
}

/*
 * Drops one reference; if it is the last, the object is deleted on the reaper's work item,
 * whatever the IRQL: for callers who hold a lock that the delete procedure takes.
 */
VOID NTAPI
ObDereferenceObjectDeferDeleteWithTag(PVOID Object, ULONG Tag)
{
    POBJECT_HEADER Header = ObpHeaderOf(Object);

    IRQL_AT_MOST(DISPATCH_LEVEL);
    if (ObpCountDown(Header, Tag, CALLER()) == 0)
        ObpDefer(Header);
}

VOID NTAPI
ObDereferenceObjectDeferDelete(PVOID Object)
{
    ObDereferenceObjectDeferDeleteWithTag(Object, OB_TAG_DEFAULT);
}

static NTSTATUS
ObpReferenceByPointer(PVOID Object, POBJECT_TYPE Type, KPROCESSOR_MODE Mode, ULONG Tag,
                      PVOID Caller)
{
    POBJECT_HEADER Header = ObpHeaderOf(Object);

    IRQL_AT_MOST(DISPATCH_LEVEL);

    if (Type != NULL ? Header->Type != Type : Mode != KernelMode)
        return STATUS_OBJECT_TYPE_MISMATCH;

    ObpReference(Header, Tag, Caller);
    return STATUS_SUCCESS;
}

/*
 * Counts one more reference if Object is of the given type (NULL, from kernel mode only: of any);
 * DesiredAccess is not checked. STATUS_OBJECT_TYPE_MISMATCH otherwise. <= DISPATCH_LEVEL.
 */
NTSTATUS NTAPI
ObReferenceObjectByPointer(PVOID Object, ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                           KPROCESSOR_MODE AccessMode)
{
    return ObpReferenceByPointer(Object, ObjectType, AccessMode, OB_TAG_DEFAULT, CALLER());
}

NTSTATUS NTAPI
ObReferenceObjectByPointerWithTag(PVOID Object, ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                                  KPROCESSOR_MODE AccessMode, ULONG Tag)
{
    return ObpReferenceByPointer(Object, ObjectType, AccessMode, Tag, CALLER());
}

POBJECT_TYPE NTAPI
ObGetObjectType(PVOID Object)
{
    return ObpHeaderOf(Object)->Type;
}

ULONG NTAPI
ObGetObjectPointerCount(PVOID Object)
{
    return (ULONG)ObpHeaderOf(Object)->PointerCount;
}
