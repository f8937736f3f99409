/*
 * What the two files about ERESOURCEs share: resource.c (acquiring and releasing, and the essay)
 * and resmem.c (their memory).
 */
#pragma once

#include "ex/ex.h"

typedef struct _EXP_RESOURCE_WAITERS {
    KSEMAPHORE Shared;
    KEVENT     Exclusive;
} EXP_RESOURCE_WAITERS, *PEXP_RESOURCE_WAITERS;

/*
 * Both are called with the resource's SpinLock held and drop it on the way: the caller looks at
 * everything anew.
 */
KIRQL ExpGrowOwnerTable(PERESOURCE Resource, KIRQL OldIrql);
KIRQL ExpCreateWaiters(PERESOURCE Resource, KIRQL OldIrql);

static inline ERESOURCE_THREAD ExpCurrentOwner(VOID)
{
    return (ERESOURCE_THREAD)KeGetCurrentThread();
}

static inline BOOLEAN ExpIsExclusive(PERESOURCE Resource)
{
    return (Resource->Flag & ResourceOwnedExclusive) != 0;
}
