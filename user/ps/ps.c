/*
 * ps: the processes as a tree, each under the one that created it, with its number, its threads,
 * handles, memory and time; -t lists the threads too. A process whose creator has ended stands at
 * the left.
 */
#include "../lib/snapshot.h"
#include "../lib/status.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM "ps"
#define INDENT  2

typedef const SYSTEM_PROCESS_INFORMATION *PROCESS;

static const char *const States[] = { "initialized", "ready", "running", "standby", "terminated",
    "waiting" };

static PROCESS
Find(const SNAPSHOT *Snapshot, HANDLE Id)
{
    PROCESS Process = NULL;

    while ((Process = NextProcess(Snapshot, Process)) != NULL)
        if (Process->UniqueProcessId == Id)
            break;
    return Process;
}

/* A number is used again: the creator is the one that was there when the process was made. */
static BOOL
IsCreatedBy(PROCESS Process, PROCESS Parent)
{
    return Process != Parent && Process->InheritedFromUniqueProcessId == Parent->UniqueProcessId
        && Process->CreateTime.QuadPart >= Parent->CreateTime.QuadPart;
}

static void
PrintThreads(PROCESS Process)
{
    const SYSTEM_THREAD_INFORMATION *Thread = (PVOID)(Process + 1);

    for (ULONG Index = 0; Index < Process->NumberOfThreads; Index++, Thread++) {
        ULONG64 Milliseconds = (Thread->UserTime.QuadPart + Thread->KernelTime.QuadPart) / 10000;

        printf("      thread %5llu  %-11s priority %2ld  switches %6lu  time %llu.%02llu\n",
            (ULONG64)(ULONG_PTR)Thread->ClientId.UniqueThread,
            Thread->ThreadState < ARRAYSIZE(States) ? States[Thread->ThreadState] : "?",
            Thread->Priority, Thread->ContextSwitches, Milliseconds / 1000,
            Milliseconds / 10 % 100);
    }
}

/* One process and, below it, those it created. */
static void
PrintTree(const SNAPSHOT *Snapshot, PROCESS Process, int Depth, BOOL Threads)
{
    ULONG64 Milliseconds = (Process->UserTime.QuadPart + Process->KernelTime.QuadPart) / 10000;
    char    Name[PROCESS_NAME];
    PROCESS Child = NULL;

    printf("%5llu %7lu %7lu %7lluK %6llu.%02llu  %*s%s\n",
        (ULONG64)(ULONG_PTR)Process->UniqueProcessId, Process->NumberOfThreads,
        Process->HandleCount, (ULONG64)Process->VirtualSize / 1024, Milliseconds / 1000,
        Milliseconds / 10 % 100, Depth * INDENT, "",
        ProcessName(Snapshot, Process->UniqueProcessId, Name));
    if (Threads)
        PrintThreads(Process);
    while ((Child = NextProcess(Snapshot, Child)) != NULL)
        if (IsCreatedBy(Child, Process))
            PrintTree(Snapshot, Child, Depth + 1, Threads);
}

int
main(int Count, char **Arguments)
{
    BOOL     Threads = Count == 2 && strcmp(Arguments[1], "-t") == 0;
    ULONG    Processes = 0, ThreadCount = 0, Handles = 0;
    PROCESS  Process = NULL;
    SNAPSHOT Snapshot = { 0 };
    NTSTATUS Status;

    if (Count != (Threads ? 2 : 1)) {
        fprintf(stderr, "usage: %s [-t]    shows the processes, with -t their threads\n", PROGRAM);
        return 2;
    }
    Snapshot.Processes = QuerySystem(EtSystemProcessInformation, &Status);
    if (Snapshot.Processes == NULL)
        return FailStatus(PROGRAM, Status, "cannot list the processes");
    printf("  PID THREADS HANDLES   MEMORY      TIME  NAME\n");
    while ((Process = NextProcess(&Snapshot, Process)) != NULL) {
        PROCESS Parent = Find(&Snapshot, Process->InheritedFromUniqueProcessId);

        if (Parent == NULL || !IsCreatedBy(Process, Parent))
            PrintTree(&Snapshot, Process, 0, Threads);
        Processes++;
        ThreadCount += Process->NumberOfThreads;
        Handles += Process->HandleCount;
    }
    printf("%lu processes, %lu threads, %lu handles\n", Processes, ThreadCount, Handles);
    FreeSnapshot(&Snapshot);
    return 0;
}
