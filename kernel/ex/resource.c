/*
 * Resources (ERESOURCE): locks with one exclusive owner or many shared ones, that recurse.
 *
 * ActiveCount is the number of owning threads; the flag ResourceOwnedExclusive tells the kinds
 * apart. Each owner has an entry with its thread and how often it acquired: the exclusive one, or
 * the first shared one, in OwnerEntry, further ones in OwnerTable (entry 0 holds the table's
 * size), which grows and stays. ExSetResourceOwnerPointer puts an address with its low bits set
 * in place of the thread, so that another thread can release.
 *
 * Waiters wait on a semaphore (shared) or a synchronization event (exclusive), both in one block
 * of pool made at the first conflict. The releaser hands ownership over before it wakes: to all
 * shared waiters after an exclusive owner, to one exclusive waiter after the last shared owner. A
 * woken waiter only writes its name into its entry; until then an exclusive one is
 * OWNER_HANDED_OVER. A shared acquisition waits behind exclusive waiters, unless the thread is an
 * owner already; the variants differ in just that:
 *
 *                                  behind exclusive waiters     owner already
 *   ExAcquireResourceSharedLite    waits                        gets it
 *   ExAcquireSharedStarveExclusive gets it                      gets it
 *   ExAcquireSharedWaitForExclusive waits                       waits
 *
 * Everything is guarded by SpinLock, which is not held while allocating or signalling.
 */
#include "ex/resource.h"

#define OWNER_HANDED_OVER   ((ERESOURCE_THREAD)1)

typedef enum { SharedNormal, SharedStarveExclusive, SharedWaitForExclusive } EXP_SHARED_KIND;

/* The entry of Owner (0: a free one), or NULL. */
static POWNER_ENTRY
ExpFindOwner(PERESOURCE Resource, ERESOURCE_THREAD Owner)
{
    POWNER_ENTRY Table = Resource->OwnerTable;
    ULONG        Index;

    if (Resource->OwnerEntry.OwnerThread == Owner)
        return &Resource->OwnerEntry;
    for (Index = 1; Table != NULL && Index < Table[0].TableSize; Index++)
        if (Table[Index].OwnerThread == Owner)
            return &Table[Index];
    return NULL;
}

/* Enters the running thread as a shared owner once more. Returns at OldIrql, unlocked. */
static VOID
ExpRecordShared(PERESOURCE Resource, KIRQL OldIrql, BOOLEAN Counted)
{
    ERESOURCE_THREAD Me = ExpCurrentOwner();
    POWNER_ENTRY     Entry;

    if (!Counted)
        Resource->ActiveCount++;                // first: the lock may be dropped for a larger table
    while ((Entry = ExpFindOwner(Resource, Me)) == NULL &&
           (Entry = ExpFindOwner(Resource, 0)) == NULL)
        OldIrql = ExpGrowOwnerTable(Resource, OldIrql);
    if (Entry->OwnerThread == Me)
        Resource->ActiveCount--;                // was an owner and counted already
    Entry->OwnerThread = Me;
    Entry->OwnerCount++;
    KeReleaseSpinLock(&Resource->SpinLock, OldIrql);
}

static BOOLEAN
ExpSharedMustWait(PERESOURCE Resource, EXP_SHARED_KIND Kind)
{
    if (Resource->ActiveCount == 0)
        return FALSE;
    if (ExpIsExclusive(Resource))
        return TRUE;
    if (Resource->NumberOfExclusiveWaiters == 0 || Kind == SharedStarveExclusive)
        return FALSE;
    return Kind == SharedWaitForExclusive || ExpFindOwner(Resource, ExpCurrentOwner()) == NULL;
}

static BOOLEAN
ExpAcquireShared(PERESOURCE Resource, BOOLEAN Wait, EXP_SHARED_KIND Kind)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&Resource->SpinLock);

    for (;;) {
        if (ExpIsExclusive(Resource) && Resource->OwnerEntry.OwnerThread == ExpCurrentOwner()) {
            Resource->OwnerEntry.OwnerCount++;
            KeReleaseSpinLock(&Resource->SpinLock, OldIrql);
            return TRUE;
        }
        if (!ExpSharedMustWait(Resource, Kind)) {
            ExpRecordShared(Resource, OldIrql, FALSE);
            return TRUE;
        }
        if (!Wait) {
            KeReleaseSpinLock(&Resource->SpinLock, OldIrql);
            return FALSE;
        }
        if (Resource->SharedWaiters != NULL)
            break;
        OldIrql = ExpCreateWaiters(Resource, OldIrql);
    }
    Resource->ContentionCount++;
    Resource->NumberOfSharedWaiters++;
    KeReleaseSpinLock(&Resource->SpinLock, OldIrql);
    KeWaitForSingleObject(Resource->SharedWaiters, WrResource, KernelMode, FALSE, NULL);
    OldIrql = KeAcquireSpinLockRaiseToDpc(&Resource->SpinLock);
    ExpRecordShared(Resource, OldIrql, TRUE);
    return TRUE;
}

BOOLEAN NTAPI
ExAcquireResourceSharedLite(PERESOURCE Resource, BOOLEAN Wait)
{
    MAY_BLOCK();
    return ExpAcquireShared(Resource, Wait, SharedNormal);
}

BOOLEAN NTAPI
ExAcquireSharedStarveExclusive(PERESOURCE Resource, BOOLEAN Wait)
{
    MAY_BLOCK();
    return ExpAcquireShared(Resource, Wait, SharedStarveExclusive);
}

BOOLEAN NTAPI
ExAcquireSharedWaitForExclusive(PERESOURCE Resource, BOOLEAN Wait)
{
    MAY_BLOCK();
    return ExpAcquireShared(Resource, Wait, SharedWaitForExclusive);
}

static VOID
ExpMakeExclusive(PERESOURCE Resource, ERESOURCE_THREAD Owner)
{
    Resource->Flag |= ResourceOwnedExclusive;
    Resource->ActiveCount = 1;
    Resource->OwnerEntry.OwnerThread = Owner;
    Resource->OwnerEntry.OwnerCount = 1;
}

/*
 * Acquires exclusively; TRUE if it did. Wait FALSE: only if that needs no wait. A shared owner
 * must not ask (it would wait for itself). IRQL <= APC_LEVEL, normal kernel APCs disabled.
 */
BOOLEAN NTAPI
ExAcquireResourceExclusiveLite(PERESOURCE Resource, BOOLEAN Wait)
{
    ERESOURCE_THREAD Me = ExpCurrentOwner();
    BOOLEAN          Acquired = TRUE;
    KIRQL            OldIrql;

    MAY_BLOCK();
    OldIrql = KeAcquireSpinLockRaiseToDpc(&Resource->SpinLock);
    while (Wait && Resource->ActiveCount != 0 && Resource->ExclusiveWaiters == NULL
        && !ExIsResourceAcquiredExclusiveLite(Resource))
        OldIrql = ExpCreateWaiters(Resource, OldIrql);

    if (Resource->ActiveCount == 0) {
        ExpMakeExclusive(Resource, Me);
    } else if (ExpIsExclusive(Resource) && Resource->OwnerEntry.OwnerThread == Me) {
        Resource->OwnerEntry.OwnerCount++;
    } else if (!Wait) {
        Acquired = FALSE;
    } else {
        Resource->ContentionCount++;
        Resource->NumberOfExclusiveWaiters++;
        KeReleaseSpinLock(&Resource->SpinLock, OldIrql);
        KeWaitForSingleObject(Resource->ExclusiveWaiters, WrResource, KernelMode, FALSE, NULL);
        OldIrql = KeAcquireSpinLockRaiseToDpc(&Resource->SpinLock);
        Resource->OwnerEntry.OwnerThread = Me;
    }
    KeReleaseSpinLock(&Resource->SpinLock, OldIrql);
    return Acquired;
}

/* Hands a free resource (or a shared one: to shared waiters) on; unlocks, then wakes. */
static VOID
ExpHandOver(PERESOURCE Resource, BOOLEAN SharedFirst, KIRQL OldIrql)
{
    ULONG   Shared = Resource->NumberOfSharedWaiters;
    BOOLEAN Exclusive = Resource->NumberOfExclusiveWaiters != 0 && Resource->ActiveCount == 0
        && (Shared == 0 || !SharedFirst);
    PKEVENT Event = Resource->ExclusiveWaiters;
    PKSEMAPHORE Semaphore = Resource->SharedWaiters;

    if (Exclusive) {
        Resource->NumberOfExclusiveWaiters--;
        ExpMakeExclusive(Resource, OWNER_HANDED_OVER);
    } else if (Shared != 0) {
        Resource->NumberOfSharedWaiters = 0;
        Resource->ActiveCount += (SHORT)Shared;
    }
    KeReleaseSpinLock(&Resource->SpinLock, OldIrql);
    if (Exclusive)
        KeSetEvent(Event, 0, FALSE);
    else if (Shared != 0)
        KeReleaseSemaphore(Semaphore, 0, (LONG)Shared, FALSE);
}

/*
 * Releases once for the owner ResourceThreadId (a thread, or an owner pointer). Bugcheck 0xE3 if
 * it owns nothing. IRQL <= DISPATCH_LEVEL.
 */
VOID NTAPI
ExReleaseResourceForThreadLite(PERESOURCE Resource, ERESOURCE_THREAD ResourceThreadId)
{
    POWNER_ENTRY Entry;
    BOOLEAN      WasExclusive;
    KIRQL        OldIrql;

    IRQL_AT_MOST(DISPATCH_LEVEL);
    OldIrql = KeAcquireSpinLockRaiseToDpc(&Resource->SpinLock);
    Entry = ResourceThreadId != 0 && Resource->ActiveCount != 0
        ? ExpFindOwner(Resource, ResourceThreadId) : NULL;
    if (Entry == NULL)
        KeBugCheckEx(RESOURCE_NOT_OWNED, (ULONG_PTR)Resource, ResourceThreadId,
            (ULONG_PTR)Resource->OwnerTable, 3);

    if (--Entry->OwnerCount != 0) {
        KeReleaseSpinLock(&Resource->SpinLock, OldIrql);
        return;
    }
    Entry->OwnerThread = 0;
    WasExclusive = ExpIsExclusive(Resource);
    Resource->Flag &= ~ResourceOwnedExclusive;
    if (--Resource->ActiveCount == 0)
        ExpHandOver(Resource, WasExclusive, OldIrql);
    else
        KeReleaseSpinLock(&Resource->SpinLock, OldIrql);
}

VOID FASTCALL
ExReleaseResourceLite(PERESOURCE Resource)
{
    ExReleaseResourceForThreadLite(Resource, ExpCurrentOwner());
}

/* The exclusive owner becomes a shared one and lets the shared waiters in. */
VOID NTAPI
ExConvertExclusiveToSharedLite(PERESOURCE Resource)
{
    KIRQL OldIrql = KeAcquireSpinLockRaiseToDpc(&Resource->SpinLock);

    ASSERT(ExpIsExclusive(Resource));
    Resource->Flag &= ~ResourceOwnedExclusive;
    ExpHandOver(Resource, TRUE, OldIrql);
}

/* OwnerPointer has its two low bits set; it takes the place of the running thread as an owner. */
VOID NTAPI
ExSetResourceOwnerPointer(PERESOURCE Resource, PVOID OwnerPointer)
{
    KIRQL        OldIrql = KeAcquireSpinLockRaiseToDpc(&Resource->SpinLock);
    POWNER_ENTRY Entry = ExpFindOwner(Resource, ExpCurrentOwner());

    ASSERT(Entry != NULL);
    Entry->OwnerThread = (ERESOURCE_THREAD)OwnerPointer;
    KeReleaseSpinLock(&Resource->SpinLock, OldIrql);
}

BOOLEAN NTAPI
ExIsResourceAcquiredExclusiveLite(PERESOURCE Resource)
{
    return ExpIsExclusive(Resource) && Resource->OwnerEntry.OwnerThread == ExpCurrentOwner();
}

/* How often the running thread owns it, in whichever way. */
ULONG NTAPI
ExIsResourceAcquiredSharedLite(PERESOURCE Resource)
{
    KIRQL        OldIrql = KeAcquireSpinLockRaiseToDpc(&Resource->SpinLock);
    POWNER_ENTRY Entry = ExpFindOwner(Resource, ExpCurrentOwner());
    ULONG        Count = Entry != NULL ? Entry->OwnerCount : 0;

    KeReleaseSpinLock(&Resource->SpinLock, OldIrql);
    return Count;
}

ULONG NTAPI
ExGetExclusiveWaiterCount(PERESOURCE Resource)
{
    return Resource->NumberOfExclusiveWaiters;
}

ULONG NTAPI
ExGetSharedWaiterCount(PERESOURCE Resource)
{
    return Resource->NumberOfSharedWaiters;
}

/* Owners are not boosted here, so there is nothing to switch off. */
VOID NTAPI
ExDisableResourceBoostLite(PERESOURCE Resource)
{
}
