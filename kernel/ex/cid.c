/*
 * Client ids: the numbers of processes and threads, out of one handle table of their own, so that
 * a process id is never a thread's at the same time, all are multiples of 4, and an id is used
 * again as late as possible.
 *
 * A slot's Value is the EPROCESS or ETHREAD itself; both begin with a dispatcher header whose
 * Type tells which. The slot has no reference to it: the object's delete procedure removes its id
 * (ExDestroyCid), so a lookup may meet an object whose last reference has just gone, and takes a
 * reference only if there still is one. ExDestroyCid empties the slot in two steps, filled off
 * first so that no new lookup holds it, and waits the few instructions (or the time slice) until
 * those on their way have dropped it.
 */
#include "kernel.h"
#include "ex/handle.h"
#include "ob/ob.h"

static PHANDLE_TABLE ExpCidTable;

VOID
ExpInitializeCids(VOID)
{
    ExpCidTable = ExCreateHandleTable(NULL);
    ASSERT(ExpCidTable != NULL);
}

/*
 * A new id that stands for Object (an EPROCESS or ETHREAD whose dispatcher header is set up), or
 * NULL: no memory. <= APC_LEVEL.
 */
HANDLE
ExCreateCid(PVOID Object)
{
    return ExFillSlot(ExpCidTable, Object, 0, 0);
}

/*
 * The process or thread (by DISPATCHER_HEADER.Type) with this id, referenced; NULL if there is
 * none. <= APC_LEVEL.
 */
PVOID
ExLookupCid(HANDLE Cid, UCHAR DispatcherType)
{
    PHANDLE_TABLE_ENTRY Entry = ExFindSlot(ExpCidTable, (ULONG_PTR)Cid / 4);
    PDISPATCHER_HEADER  Object;
    EX_HOLD             Hold;

    PAGED_CODE();

    if (Entry == NULL || ((ULONG_PTR)Cid & 3) != 0 || !ExHoldSlot(Entry, &Hold))
        return NULL;

    Object = EX_HOLD_ADDRESS(Hold.Value);
    if (Object->Type != DispatcherType || !ObReferenceObjectSafe(Object))
        Object = NULL;
    ExDropSlot(&Hold);
    return Object;
}

/* Gives the id back. Called by the object's delete procedure, PASSIVE_LEVEL. */
VOID
ExDestroyCid(HANDLE Cid)
{
    PHANDLE_TABLE_ENTRY Entry = ExFindSlot(ExpCidTable, (ULONG_PTR)Cid / 4);
    LARGE_INTEGER       Tick  = { .QuadPart = -CLOCK_INTERVAL_100NS };
    LONG64              Value;

    MAY_BLOCK();

    InterlockedAnd64(&Entry->Value, ~(LONG64)EX_HANDLE_FILLED);
    for (;;) {
        Value = Entry->Value;
        if (EX_HOLD_COUNT(Value) == 0 && InterlockedCompareExchange64(&Entry->Value, 0,
                                                                      Value) == Value)
            break;
        KeDelayExecutionThread(KernelMode, FALSE, &Tick);
    }
    ExFreeSlot(ExpCidTable, Cid);
}
