/*
 * The collectors of NtQuerySystemInformation (sysinfo.c, proclist.c).
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
