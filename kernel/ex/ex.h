/*
 * What ex/ offers to the rest of the kernel: tagged pool, look-aside lists, resources, fast
 * mutexes, work items (pool*.c, lookaside.c, resource.c, fmutex.c, worker.c), handle tables
 * (handle.c), and the executive objects event, mutant, semaphore, timer with their services.
 */
#pragma once

#include "ke/ke.h"

/* ---- pool: phase 0, after MmInitSystem's ranges exist (called by it) ---- */
VOID ExInitializePool(VOID);

/*
 * Counters of one tag, by pool; PoolTagTable grows, never shrinks. Read by the debugger and
 * NtQuerySystemInformation.
 */
typedef struct _POOL_TRACKER {
    ULONG  Tag;
    LONG   PagedAllocs, PagedFrees, NonPagedAllocs, NonPagedFrees;
    LONG64 PagedBytes, NonPagedBytes;
} POOL_TRACKER, *PPOOL_TRACKER;
extern POOL_TRACKER ExpPoolTrackers[];
// size of the hash table above; unused entries have Tag 0
extern ULONG        ExpPoolTrackerCount;
// the counters of Tag, or NULL if nothing was ever allocated under it
PPOOL_TRACKER ExpLookUpTracker(ULONG Tag);

/* worker.c: a queued work item whose routine lies in the Size bytes at Base; NULL. */
PVOID ExFindQueuedWorkItem(PVOID Base, SIZE_T Size, PVOID *Routine);
/* Starts a thread for each queue whose own ones all wait. PASSIVE_LEVEL, once a second. */
VOID ExBalanceWorkers(VOID);

/* ---- handle tables (ex/handle.c) ---- */

/*
 * One slot. Value is the address of the object's header with the handle's attributes in its low
 * bits (EX_HANDLE_* in ex/handle.h), 0 in a free slot. While lookups are on their way the number
 * of them is subtracted from its upper 16 bits, which are 0xFFFF in the address of anything in
 * the kernel.
 */
typedef struct _HANDLE_TABLE_ENTRY {
    union { volatile LONG64 Value; PVOID Object; };
    union {
        struct {
            union { ACCESS_MASK GrantedAccess; ULONG NextFree; };
            // grows each time the slot is filled
            ULONG Generation;
        };
        volatile LONG64 Rights;                                 // both, read in one piece
    };
} HANDLE_TABLE_ENTRY, *PHANDLE_TABLE_ENTRY;

// laid out in ex/handle.h of ob/ex; ObjectTable of a process
typedef struct _HANDLE_TABLE HANDLE_TABLE, *PHANDLE_TABLE;

PHANDLE_TABLE ExCreateHandleTable(PEPROCESS Process);
VOID          ExDestroyHandleTable(PHANDLE_TABLE Table);        // it must be empty
ULONG         ExGetHandleCount(PHANDLE_TABLE Table);

/*
 * CIDs come from a handle table of their own: ExCreateCid gives a number (multiple of 4) that
 * stands for Object (EPROCESS or ETHREAD).
 */
HANDLE ExCreateCid(PVOID Object);
// ProcessObject or ThreadObject; referenced, or NULL
PVOID  ExLookupCid(HANDLE Cid, UCHAR DispatcherType);
VOID   ExDestroyCid(HANDLE Cid);

/* ---- executive object types (ex/init.c), created after ob/ ---- */
VOID ExInitializeObjects(VOID);
VOID ExInitializeWorkers(VOID);                                 // phase 1: worker threads
VOID ExInitializeCallbacks(VOID);                               // phase 1: \Callback
extern POBJECT_TYPE ExMutantObjectType, ExTimerObjectType;      // the others are public names

/* NtQuerySystemInformation's collectors live in ex/sysinfo.c. */
