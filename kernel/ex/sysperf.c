/*
 * NtQuerySystemInformation: processors, memory and time as numbers.
 *
 * Each processor counts for itself in its KPRCB, without a lock; the sums here are therefore of
 * about now. Times are clock ticks: whoever ran when the tick came is charged all of it. What
 * Windows counts and Etude does not (page faults, transfers, the cache manager) stays 0.
 */
#include "ex/sysinfo.h"
#include <intrin.h>

#ifndef PROCESSOR_ARCHITECTURE_AMD64
#define PROCESSOR_ARCHITECTURE_AMD64    9           // as in <winnt.h>
#endif

static LONGLONG
ExpTicksToTime(ULONG Ticks)
{
    return (LONGLONG)Ticks * CLOCK_INTERVAL_100NS;
}

/* Family, model and stepping, as the processor's own instruction tells them. */
NTSTATUS
ExpCollectProcessor(PEXP_SINK Sink)
{
    PSYSTEM_PROCESSOR_INFORMATION Entry = ExpReserve(Sink, sizeof *Entry);
    int   Registers[4];
    ULONG Family, Model, Signature;

    if (Entry == NULL)
        return STATUS_INFO_LENGTH_MISMATCH;
    __cpuid(Registers, 1);
    Signature = (ULONG)Registers[0];
    Family = (Signature >> 8) & 0xF;
    Model = (Signature >> 4) & 0xF;
    if (Family == 6 || Family == 15)
        Model |= (Signature >> 12) & 0xF0;
    if (Family == 15)
        Family += (Signature >> 20) & 0xFF;
    Entry->ProcessorArchitecture = PROCESSOR_ARCHITECTURE_AMD64;
    Entry->ProcessorLevel = (USHORT)Family;
    Entry->ProcessorRevision = (USHORT)(Model << 8 | (Signature & 0xF));
    Entry->ProcessorFeatureBits = (ULONG)Registers[3];
    return STATUS_SUCCESS;
}

NTSTATUS
ExpCollectProcessorTimes(PEXP_SINK Sink)
{
    ULONG Number;

    for (Number = 0; Number < (ULONG)KeNumberProcessors; Number++) {
        PSYSTEM_PROCESSOR_PERFORMANCE_INFORMATION Entry = ExpReserve(Sink, sizeof *Entry);
        PKPRCB Prcb = KiProcessorBlock[Number];

        if (Entry == NULL)
            continue;
        Entry->IdleTime.QuadPart = ExpTicksToTime(Prcb->IdleThread->KernelTime);
        Entry->KernelTime.QuadPart = ExpTicksToTime(Prcb->KernelTime);
        Entry->UserTime.QuadPart = ExpTicksToTime(Prcb->UserTime);
        Entry->DpcTime.QuadPart = ExpTicksToTime(Prcb->DpcTime);
        Entry->InterruptTime.QuadPart = ExpTicksToTime(Prcb->InterruptTime);
        Entry->InterruptCount = Prcb->InterruptCount;
    }
    return ExpSinkStatus(Sink);
}

NTSTATUS
ExpCollectInterrupts(PEXP_SINK Sink)
{
    ULONG Number;

    for (Number = 0; Number < (ULONG)KeNumberProcessors; Number++) {
        PSYSTEM_INTERRUPT_INFORMATION Entry = ExpReserve(Sink, sizeof *Entry);
        PKPRCB Prcb = KiProcessorBlock[Number];

        if (Entry == NULL)
            continue;
        Entry->ContextSwitches = Prcb->ContextSwitches;
        Entry->DpcCount = Prcb->DpcCount;
        Entry->TimeIncrement = CLOCK_INTERVAL_100NS;
    }
    return ExpSinkStatus(Sink);
}

static VOID
ExpSumPools(PSYSTEM_PERFORMANCE_INFORMATION Entry)
{
    LONG64 Paged = 0, NonPaged = 0;
    ULONG  Index;

    for (Index = 0; Index < ExpPoolTrackerCount; Index++) {
        PPOOL_TRACKER Tracker = &ExpPoolTrackers[Index];

        Entry->PagedPoolAllocs += Tracker->PagedAllocs;
        Entry->PagedPoolFrees += Tracker->PagedFrees;
        Entry->NonPagedPoolAllocs += Tracker->NonPagedAllocs;
        Entry->NonPagedPoolFrees += Tracker->NonPagedFrees;
        Paged += Tracker->PagedBytes;
        NonPaged += Tracker->NonPagedBytes;
    }
    Entry->PagedPoolPages = (ULONG)BYTES_TO_PAGES(Paged);
    Entry->NonPagedPoolPages = (ULONG)BYTES_TO_PAGES(NonPaged);
}

NTSTATUS
ExpCollectPerformance(PEXP_SINK Sink)
{
    PSYSTEM_PERFORMANCE_INFORMATION Entry = ExpReserve(Sink, sizeof *Entry);
    ULONG Number;

    if (Entry == NULL)
        return STATUS_INFO_LENGTH_MISMATCH;
    Entry->AvailablePages = (ULONG)MmAvailablePages;
    Entry->CommittedPages = (ULONG)MmTotalCommittedPages;
    Entry->CommitLimit = (ULONG)MmTotalCommitLimit;
    ExpSumPools(Entry);
    for (Number = 0; Number < (ULONG)KeNumberProcessors; Number++) {
        PKPRCB Prcb = KiProcessorBlock[Number];

        Entry->IdleProcessTime.QuadPart += ExpTicksToTime(Prcb->IdleThread->KernelTime);
        Entry->ContextSwitches += Prcb->ContextSwitches;
        Entry->SystemCalls += Prcb->SystemCalls;
    }
    return STATUS_SUCCESS;
}

/* NtGlobalFlag: no debugging aid of Windows' that it switches is there, so none is on. */
NTSTATUS
ExpCollectFlags(PEXP_SINK Sink)
{
    PULONG Entry = ExpReserve(Sink, sizeof *Entry);

    return Entry != NULL ? STATUS_SUCCESS : STATUS_INFO_LENGTH_MISMATCH;
}

/* gdb stops the machine from outside; the system has no debugger of its own. */
NTSTATUS
ExpCollectDebugger(PEXP_SINK Sink)
{
    PSYSTEM_KERNEL_DEBUGGER_INFORMATION Entry = ExpReserve(Sink, sizeof *Entry);

    if (Entry == NULL)
        return STATUS_INFO_LENGTH_MISMATCH;
    Entry->KernelDebuggerNotPresent = TRUE;
    return STATUS_SUCCESS;
}
