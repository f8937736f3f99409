/* Private to the executive's object types (init.c, event.c, mutant.c, semaphore.c, timer.c). */
#pragma once

#include "ob/ob.h"
#include "sdk/ntabi.h"
#include "sdk/ntsysinfo.h"

#ifndef MUTANT_QUERY_STATE
#define MUTANT_QUERY_STATE  0x0001
#define MUTANT_ALL_ACCESS   (STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | MUTANT_QUERY_STATE)
#endif
#ifndef TIMER_QUERY_STATE
#define TIMER_QUERY_STATE   0x0001
#define TIMER_MODIFY_STATE  0x0002
#define TIMER_ALL_ACCESS    (STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 0x3)
#endif

/* Lock guards the last three. */
typedef struct _ETIMER {
    KTIMER     KeTimer;
    KDPC       TimerDpc;
    KSPIN_LOCK Lock;                            // also makes setting the timer one step

    /* Guarded by Lock: */
    KAPC       TimerApc;                        // anew only while it is in no queue
    PKTHREAD   ApcThread;                       // referenced; NULL: expirations call nobody
    BOOLEAN    Fired;                           // the APC was queued since the timer was set
    LONG       Period;                          // in ms; 0: once
} ETIMER, *PETIMER;

VOID ExpDeleteMutant(PVOID Object);
VOID ExpCloseTimer(PEPROCESS Process, PVOID Object, ACCESS_MASK Access, ULONG64 ProcessCount,
                   ULONG64 SystemCount);
VOID ExpDeleteTimer(PVOID Object);

/*
 * An output whose address was probed before the state was changed: if it has become bad since,
 * the caller goes without.
 */
static inline VOID
ExpWriteLong(PLONG Address, LONG Value)
{
    __try {
        if (Address != NULL)
            *(volatile LONG *)Address = Value;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
    }
}

/* How every NtQueryXxx of these types begins: one class, one length, the object referenced. */
static inline NTSTATUS
ExpBeginQuery(HANDLE Handle, ACCESS_MASK Access, POBJECT_TYPE Type, ULONG Class, ULONG Length,
              ULONG Wanted, PVOID *Object)
{
    PAGED_CODE();

    if (Class != 0)
        return STATUS_INVALID_INFO_CLASS;
    return Length != Wanted ? STATUS_INFO_LENGTH_MISMATCH
        : ObReferenceObjectByHandle(Handle, Access, Type, KeGetPreviousMode(), Object, NULL);
}
