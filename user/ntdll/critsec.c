/*
 * Critical sections: a lock that costs an interlocked instruction while nobody waits.
 *
 * LockCount is -1 when free, and otherwise one less than the number of threads that own or want
 * it. Who raises it to 0 owns the section; anybody else waits on an automatic event, made when
 * first needed, that the owner sets on leaving while LockCount says that somebody waits. Each
 * waiter takes exactly one set, so none is lost.
 *
 * While the process ends, its other threads are gone. What one of them had entered it will never
 * leave: a wait for it ends the process there and then.
 */
#include "ntdllp.h"

NTSTATUS NTAPI
RtlInitializeCriticalSectionAndSpinCount(PRTL_CRITICAL_SECTION Section, ULONG SpinCount)
{
    memset(Section, 0, sizeof *Section);
    Section->LockCount = -1;
    Section->SpinCount = SpinCount & 0xFFFFFF;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI
RtlInitializeCriticalSection(PRTL_CRITICAL_SECTION Section)
{
    return RtlInitializeCriticalSectionAndSpinCount(Section, 0);
}

NTSTATUS NTAPI
RtlDeleteCriticalSection(PRTL_CRITICAL_SECTION Section)
{
    if (Section->LockSemaphore)
        NtClose(Section->LockSemaphore);
    memset(Section, 0, sizeof *Section);
    return STATUS_SUCCESS;
}

/* The section's event; two threads may make one at once, and one of them closes its own again. */
static HANDLE
RtlpSectionEvent(PRTL_CRITICAL_SECTION Section)
{
    HANDLE   Event;
    NTSTATUS Status;

    if (Section->LockSemaphore)
        return Section->LockSemaphore;
    Status = NtCreateEvent(&Event, EVENT_ALL_ACCESS, NULL, 1, FALSE);
    if (!NT_SUCCESS(Status))
        RtlRaiseStatus(Status);
    if (InterlockedCompareExchangePointer(&Section->LockSemaphore, Event, NULL))
        NtClose(Event);
    return Section->LockSemaphore;
}

static HANDLE
RtlpCurrentThreadId(VOID)
{
    return ((PTEB)NtCurrentTeb())->ClientId.UniqueThread;
}

NTSTATUS NTAPI
RtlEnterCriticalSection(PRTL_CRITICAL_SECTION Section)
{
    HANDLE Self = RtlpCurrentThreadId();

    // while sleepers are being woken one by one, a spinning thread would only wait behind them
    for (ULONG_PTR Spin = Section->SpinCount; Spin && Section->LockCount == 0 &&
         Section->OwningThread != Self; Spin--)
        YieldProcessor();
    if (InterlockedIncrement(&Section->LockCount) != 0) {
        if (Section->OwningThread == Self) {
            Section->RecursionCount++;
            return STATUS_SUCCESS;
        }
        if (LdrpShutdownInProgress)
            NtTerminateProcess(NtCurrentProcess(), LdrpExitStatus);
        NtWaitForSingleObject(RtlpSectionEvent(Section), FALSE, NULL);
    }
    Section->OwningThread = Self;
    Section->RecursionCount = 1;
    return STATUS_SUCCESS;
}

BOOLEAN NTAPI
RtlTryEnterCriticalSection(PRTL_CRITICAL_SECTION Section)
{
    HANDLE Self = RtlpCurrentThreadId();

    if (InterlockedCompareExchange(&Section->LockCount, 0, -1) == -1) {
        Section->OwningThread = Self;
        Section->RecursionCount = 1;
        return TRUE;
    }
    if (Section->OwningThread != Self)
        return FALSE;
    InterlockedIncrement(&Section->LockCount);
    Section->RecursionCount++;
    return TRUE;
}

/* N.B. Leaving a section one does not own would free it under its owner, so it is refused. */
NTSTATUS NTAPI
RtlLeaveCriticalSection(PRTL_CRITICAL_SECTION Section)
{
    if (Section->OwningThread != RtlpCurrentThreadId())
        return STATUS_RESOURCE_NOT_OWNED;
    if (--Section->RecursionCount) {
        InterlockedDecrement(&Section->LockCount);
        return STATUS_SUCCESS;
    }
    Section->OwningThread = NULL;
    if (InterlockedDecrement(&Section->LockCount) >= 0)
        NtSetEvent(RtlpSectionEvent(Section), NULL);
    return STATUS_SUCCESS;
}
