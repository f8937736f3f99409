/*
 * The collectors of NtQuerySystemInformation (sysinfo.c, sysperf.c, proclist.c, objlist.c).
 */
#pragma once

#include "init.h"
#include "ps/ps.h"
#include "sdk/ntsysinfo.h"

/* A kernel buffer being filled. Needed counts on past the end. */
typedef struct _EXP_SINK {
    PUCHAR Buffer;
    PUCHAR User;                    // where the caller's buffer is, for pointers inside the data
    SIZE_T Length, Needed;
} EXP_SINK, *PEXP_SINK;

/*
 * The next Length bytes of the buffer, zeroed; NULL if they do not fit (they are counted all the
 * same).
 */
PVOID ExpReserve(PEXP_SINK Sink, SIZE_T Length);

/* Where an address in the kernel buffer will be in the caller's. */
PVOID ExpUserAddress(PEXP_SINK Sink, PVOID Address);

NTSTATUS ExpCollectProcesses(PEXP_SINK Sink);
NTSTATUS ExpCollectHandles(PEXP_SINK Sink);
NTSTATUS ExpCollectExtendedHandles(PEXP_SINK Sink);
NTSTATUS ExpCollectObjects(PEXP_SINK Sink);
NTSTATUS ExpCollectProcessor(PEXP_SINK Sink);
NTSTATUS ExpCollectPerformance(PEXP_SINK Sink);
NTSTATUS ExpCollectProcessorTimes(PEXP_SINK Sink);
NTSTATUS ExpCollectInterrupts(PEXP_SINK Sink);
NTSTATUS ExpCollectFlags(PEXP_SINK Sink);
NTSTATUS ExpCollectDebugger(PEXP_SINK Sink);

/* How a collector ends: everything fitted, or not. */
static inline NTSTATUS
ExpSinkStatus(PEXP_SINK Sink)
{
    return Sink->Needed > Sink->Length ? STATUS_INFO_LENGTH_MISMATCH : STATUS_SUCCESS;
}
