/*
 * bench [SUBJECT...]: what operations cost, in ticks of the time stamp counter. Under QEMU's
 * `-icount shift=0` a tick is a guest instruction, and the figures do not depend on how busy the
 * machine outside is. It prints one line an operation, "op NAME TICKS", then "done".
 *
 * The subjects are in the table below, each in a file of its own; bench.h says how one is written.
 * `make bench` runs all of them, tests/test_bench.py holds them against their limits.
 */
#include "bench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *Name;
    void      (*Run)(void);
} Subjects[] = {
    { "boot",      BenchBoot },         // power-on to the first program
    { "calls",     BenchCalls },        // system calls, opens and closes
    { "objects",   BenchObjects },      // handles and objects
    { "pipes",     BenchPipes },        // pipe.sys in one process
    { "processes", BenchProcesses },    // pipe.sys between two
    { "async",     BenchAsynchronous }, // reads that tell of their end by event, APC and port
    { "pairs",     BenchPairs },        // one pipe, and a thousand
    { "inverted",  BenchInverted },     // a request parked in a driver until there is news
    { "kernel",    BenchKernel },       // what kbench.sys measures from inside
};

static int
ByValue(const void *Left, const void *Right)
{
    ULONG64 A = *(const ULONG64 *)Left, B = *(const ULONG64 *)Right;

    return A < B ? -1 : A > B;
}

void
Report(const char *Name, ULONG64 *Means)
{
    qsort(Means, BATCHES, sizeof *Means, ByValue);
    printf("op %s %I64u\n", Name, Means[BATCHES / 2]);
    fflush(stdout);
}

void
Measure(const char *Name, ULONG Count, void (*Run)(ULONG Count))
{
    ULONG64 Means[BATCHES], Start;

    Run(Count);
    for (int Batch = 0; Batch < BATCHES; Batch++) {
        Start = __rdtsc();
        Run(Count);
        Means[Batch] = (__rdtsc() - Start + Count / 2) / Count;
    }
    Report(Name, Means);
}

void
Require(BOOL Holds, const char *What)
{
    if (Holds)
        return;
    printf("bench: %s failed (status 0x%08lX)\n", What, (ULONG)RtlGetLastNtStatus());
    exit(1);
}

HANDLE
StartOther(char *CommandLine)
{
    STARTUPINFOA        Startup = { .cb = sizeof Startup };
    PROCESS_INFORMATION Information;

    Require(CreateProcessA(NULL, CommandLine, NULL, NULL, FALSE, 0, NULL, NULL, &Startup,
        &Information), "starting the other process");
    CloseHandle(Information.hThread);
    return Information.hProcess;
}

void
EndOther(HANDLE Process)
{
    DWORD Code = 1;

    WaitForSingleObject(Process, INFINITE);
    GetExitCodeProcess(Process, &Code);
    CloseHandle(Process);
    Require(Code == 0, "the other process");
}

static BOOL
Chosen(const char *Name, int Count, char **Words)
{
    for (int Index = 1; Index < Count; Index++)
        if (strcmp(Words[Index], Name) == 0)
            return TRUE;
    return Count < 2;
}

int
main(int Count, char **Words)
{
    if (Count == 2 && strcmp(Words[1], "echo") == 0)
        return PlayEcho(), 0;
    if (Count == 3 && strcmp(Words[1], "drain") == 0)
        return PlayDrain(strtoul(Words[2], NULL, 10)), 0;
    for (unsigned Index = 0; Index < sizeof Subjects / sizeof *Subjects; Index++)
        if (Chosen(Subjects[Index].Name, Count, Words))
            Subjects[Index].Run();
    printf("done\n");
    return 0;
}
