/*
 * Handles and objects: what making and closing them costs, and the pool that each takes, as the
 * pool's own counters by tag say.
 */
#include "bench.h"
#include "user/lib/testing.h"

#define MANY 10000

static HANDLE Event, Many[MANY];

static void
RunDuplicate(ULONG Count)
{
    HANDLE Copy;

    while (Count--) {
        NtDuplicateObject(NtCurrentProcess(), Event, NtCurrentProcess(), &Copy, 0, 0,
            DUPLICATE_SAME_ACCESS);
        NtClose(Copy);
    }
}

static void
RunEvent(ULONG Count)
{
    HANDLE New;

    while (Count--) {
        NtCreateEvent(&New, EVENT_ALL_ACCESS, NULL, 0, FALSE);
        NtClose(New);
    }
}

static void
ReportBytes(const char *Name, ULONG64 Bytes)
{
    ULONG64 Means[BATCHES];

    for (int Batch = 0; Batch < BATCHES; Batch++)
        Means[Batch] = (Bytes + MANY / 2) / MANY;
    Report(Name, Means);
}

static void
CloseMany(void)
{
    for (ULONG Index = 0; Index < MANY; Index++)
        NtClose(Many[Index]);
}

static void
Bytes(void)
{
    ULONG64 Blocks, Before, After;

    PoolTag("Obtb", &Blocks, &Before);
    for (ULONG Index = 0; Index < MANY; Index++)
        Require(NT_SUCCESS(NtDuplicateObject(NtCurrentProcess(), Event, NtCurrentProcess(),
            &Many[Index], 0, 0, DUPLICATE_SAME_ACCESS)), "duplicating a handle");
    PoolTag("Obtb", &Blocks, &After);
    ReportBytes("bytes-handle", After - Before);
    CloseMany();

    PoolTag("Even", &Blocks, &Before);
    for (ULONG Index = 0; Index < MANY; Index++)
        Require(NT_SUCCESS(NtCreateEvent(&Many[Index], EVENT_ALL_ACCESS, NULL, 0, FALSE)),
            "making an event");
    PoolTag("Even", &Blocks, &After);
    ReportBytes("bytes-event", After - Before);
    CloseMany();
}

void
BenchObjects(void)
{
    Require(NT_SUCCESS(NtCreateEvent(&Event, EVENT_ALL_ACCESS, NULL, 0, FALSE)), "the event");
    Measure("handle-create-close", 1000, RunDuplicate);
    Measure("event-create-close", 1000, RunEvent);
    Bytes();
    NtClose(Event);
}
