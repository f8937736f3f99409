/*
 * What the files of this program share. A file measures one subject: a routine named in the table
 * in bench.c sets up, calls Measure once for each operation, and cleans up.
 *
 *     static void RunNullCall(ULONG Count) { while (Count--) NtGetCurrentProcessorNumber(); }
 *     void BenchCalls(void) { Measure("null-call", 2000, RunNullCall); }
 */
#pragma once

#include "sdk/ntapi.h"

#define BATCHES 20                      // after one that warms up and is dropped

/*
 * Runs the operation Count times, BATCHES + 1 times over, and prints "op NAME N": the median of the
 * batches' mean number of ticks.
 */
void Measure(const char *Name, ULONG Count, void (*Run)(ULONG Count));

/* Prints "op NAME N" for the mean ticks of BATCHES batches, which are sorted. */
void Report(const char *Name, ULONG64 *Means);

/* Ends the program with a sentence unless Holds. */
void Require(BOOL Holds, const char *What);

/* Starts this program as another process, and waits until it has ended well. */
HANDLE StartOther(char *CommandLine);
void   EndOther(HANDLE Process);

/* What the other process does: `bench echo`, `bench drain BYTES`. */
void PlayEcho(void);
void PlayDrain(ULONG Bytes);

/* The subjects, each in a file of its own. */
void BenchBoot(void);
void BenchCalls(void);
void BenchObjects(void);
void BenchPipes(void);
void BenchProcesses(void);
void BenchAsynchronous(void);
void BenchPairs(void);
void BenchInverted(void);
void BenchKernel(void);
