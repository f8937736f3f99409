/*
 * The balance set manager: a system thread that looks after the system once a second. It has paged
 * pool trimmed (mm/trimmer.c), and gives a thread to every work queue whose own ones all wait
 * (ex/worker.c).
 */
#include "kernel.h"
#include "ex/ex.h"
#include "mm/mm.h"

#define BALANCE_PERIOD_MS   1000

VOID NTAPI
KeBalanceSetManager(PVOID Context)
{
    LARGE_INTEGER Period = { .QuadPart = -10000LL * BALANCE_PERIOD_MS };

    for (;;) {
        KeDelayExecutionThread(KernelMode, FALSE, &Period);
        MmTrimPagedPool();
        ExBalanceWorkers();
    }
}
