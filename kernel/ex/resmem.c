/*
 * The life of an ERESOURCE and the memory behind it: the table of owners, which doubles when it
 * is full, and the semaphore and event that waiters wait on, made at the first conflict. Both are
 * nonpaged pool, allocated with the resource's lock dropped, so two threads may do it at a time;
 * the slower one gives its memory back. ExDeleteResourceLite frees them.
 *
 * All resources are in ExpSystemResourcesList, for the debugger.
 */
#include "ex/resource.h"

#define EX_TAG_RESOURCE     'cseR'
#define FIRST_TABLE_SIZE    4

static LIST_ENTRY ExpSystemResourcesList = { &ExpSystemResourcesList, &ExpSystemResourcesList };
static KSPIN_LOCK ExpResourceListLock;

/* Nonpaged memory, zeroed; at IRQL <= APC_LEVEL, waits until there is some. */
static PVOID
ExpAllocateForResource(SIZE_T Size)
{
    LARGE_INTEGER Pause = { .QuadPart = -10 * 10000 };
    PVOID         Memory;

    while ((Memory = ExAllocatePoolWithTag(NonPagedPool, Size, EX_TAG_RESOURCE)) == NULL)
        KeDelayExecutionThread(KernelMode, FALSE, &Pause);
    RtlZeroMemory(Memory, Size);
    return Memory;
}

/*
 * Doubles the owner table. The lock is dropped on the way: the caller looks at everything anew.
 */
KIRQL
ExpGrowOwnerTable(PERESOURCE Resource, KIRQL OldIrql)
{
    POWNER_ENTRY Old = Resource->OwnerTable, New;
    ULONG        OldSize = Old != NULL ? Old[0].TableSize : 0;
    ULONG        NewSize = OldSize != 0 ? OldSize * 2 : FIRST_TABLE_SIZE;

    KeReleaseSpinLock(&Resource->SpinLock, OldIrql);
    New = ExpAllocateForResource(NewSize * sizeof(OWNER_ENTRY));
    OldIrql = KeAcquireSpinLockRaiseToDpc(&Resource->SpinLock);
    if (Resource->OwnerTable == Old) {
        RtlCopyMemory(New, Old, OldSize * sizeof(OWNER_ENTRY));
        New[0].TableSize = NewSize;
        Resource->OwnerTable = New;
    } else {
        Old = New;                              // another thread was faster
    }
    KeReleaseSpinLock(&Resource->SpinLock, OldIrql);
    if (Old != NULL)
        ExFreePoolWithTag(Old, EX_TAG_RESOURCE);
    return KeAcquireSpinLockRaiseToDpc(&Resource->SpinLock);
}

/* Makes the objects that waiters wait for. The lock is dropped on the way. */
KIRQL
ExpCreateWaiters(PERESOURCE Resource, KIRQL OldIrql)
{
    PEXP_RESOURCE_WAITERS New;

    KeReleaseSpinLock(&Resource->SpinLock, OldIrql);
    New = ExpAllocateForResource(sizeof *New);
    KeInitializeSemaphore(&New->Shared, 0, MAXLONG);
    KeInitializeEvent(&New->Exclusive, SynchronizationEvent, FALSE);
    OldIrql = KeAcquireSpinLockRaiseToDpc(&Resource->SpinLock);
    if (Resource->SharedWaiters != NULL) {
        KeReleaseSpinLock(&Resource->SpinLock, OldIrql);
        ExFreePoolWithTag(New, EX_TAG_RESOURCE);
        return KeAcquireSpinLockRaiseToDpc(&Resource->SpinLock);
    }
    Resource->SharedWaiters = &New->Shared;
    Resource->ExclusiveWaiters = &New->Exclusive;
    return OldIrql;
}

static VOID
ExpResetResource(PERESOURCE Resource)
{
    Resource->OwnerTable = NULL;
    Resource->ActiveCount = 0;
    Resource->Flag = 0;
    Resource->SharedWaiters = NULL;
    Resource->ExclusiveWaiters = NULL;
    Resource->OwnerEntry.OwnerThread = 0;
    Resource->OwnerEntry.TableSize = 0;
    Resource->ActiveEntries = Resource->ContentionCount = 0;
    Resource->NumberOfSharedWaiters = Resource->NumberOfExclusiveWaiters = 0;
    KeInitializeSpinLock(&Resource->SpinLock);
}

/* Resource is nonpaged memory of the caller, never moved or copied. */
NTSTATUS NTAPI
ExInitializeResourceLite(PERESOURCE Resource)
{
    ExpResetResource(Resource);
    ExInterlockedInsertTailList(&ExpSystemResourcesList, &Resource->SystemResourcesList,
        &ExpResourceListLock);
    return STATUS_SUCCESS;
}

static VOID
ExpFreeResourceMemory(PERESOURCE Resource)
{
    if (Resource->OwnerTable != NULL)
        ExFreePoolWithTag(Resource->OwnerTable, EX_TAG_RESOURCE);
    if (Resource->SharedWaiters != NULL)
        ExFreePoolWithTag(CONTAINING_RECORD(Resource->SharedWaiters, EXP_RESOURCE_WAITERS,
            Shared), EX_TAG_RESOURCE);
}

NTSTATUS NTAPI
ExReinitializeResourceLite(PERESOURCE Resource)
{
    ExpFreeResourceMemory(Resource);
    ExpResetResource(Resource);
    return STATUS_SUCCESS;
}

/* Nobody owns it or waits for it; its memory may be freed afterwards. */
NTSTATUS NTAPI
ExDeleteResourceLite(PERESOURCE Resource)
{
    KIRQL OldIrql = KfRaiseIrql(HIGH_LEVEL);

    KiAcquireSpinLock(&ExpResourceListLock);
    RemoveEntryList(&Resource->SystemResourcesList);
    KiReleaseSpinLock(&ExpResourceListLock);
    KeLowerIrql(OldIrql);
    ExpFreeResourceMemory(Resource);
    return STATUS_SUCCESS;
}

