/*
 * The ends of processes. However a process ends, all it had goes back: handles, objects, memory,
 * ids. With an argument the program is its own child.
 */
#include "sdk/ntapi.h"
#include "user/lib/testing.h"
#include "user/lib/census.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE    10000                       // milliseconds
#define ROUNDS      6

static DWORD WINAPI
Forever(PVOID Parameter)
{
    volatile ULONG *Counter = Parameter;

    for (;;)
        ++*Counter;
}

static DWORD WINAPI
Waits(PVOID Parameter)
{
    WaitForSingleObject(Parameter, INFINITE);
    return 5;
}

/* A thread that starts holds the loader's lock; one that was suspended then would never give it. */
static DWORD WINAPI
TellsAndWaits(PVOID Parameter)
{
    HANDLE *Handles = Parameter;

    SetEvent(Handles[1]);
    return Waits(Handles[0]);
}

static DWORD WINAPI
EndsProcess(PVOID Parameter)
{
    TerminateProcess(GetCurrentProcess(), 43);
    return 0;
}

static DWORD WINAPI
Faults(PVOID Parameter)
{
    return *(volatile DWORD *)8;
}

/* What every child has when it ends: handles of several types, memory, threads in all states. */
static void
Furnish(HANDLE Never)
{
    static HANDLE Handles[2];
    static ULONG  Counter;
    HANDLE        Suspended;
    ULONG         Index;

    for (Index = 0; Index < 20; Index++) {
        CreateEventA(NULL, TRUE, FALSE, NULL);
        CreateMutexA(NULL, TRUE, NULL);
        CreateFileA("NUL", GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
        VirtualAlloc(NULL, 0x10000, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    }
    CreateThread(NULL, 0, Forever, &Counter, 0, NULL);
    CreateThread(NULL, 0, Waits, Never, 0, NULL);
    CreateThread(NULL, 0, Waits, Never, 0, NULL);
    CreateThread(NULL, 0, Waits, Never, CREATE_SUSPENDED, NULL);
    Handles[0] = Never;
    Handles[1] = CreateEventA(NULL, TRUE, FALSE, NULL);
    Suspended = CreateThread(NULL, 0, TellsAndWaits, Handles, 0, NULL);
    WaitForSingleObject(Handles[1], INFINITE);
    SuspendThread(Suspended);
}

static int
Child(const char *What)
{
    HANDLE Never = CreateEventA(NULL, TRUE, FALSE, NULL);
    HANDLE Ready = OpenEventA(EVENT_ALL_ACCESS, FALSE, "TEndsReady");

    SetStdHandle(STD_ERROR_HANDLE, NULL);
    if (strcmp(What, "threads") != 0)
        Furnish(Never);
    if (Ready)
        SetEvent(Ready);
    if (strcmp(What, "exit") == 0)
        ExitProcess(41);
    if (strcmp(What, "self") == 0)
        NtTerminateProcess(NtCurrentProcess(), 42);
    if (strcmp(What, "thread") == 0)
        WaitForSingleObject(CreateThread(NULL, 0, EndsProcess, NULL, 0, NULL), INFINITE);
    if (strcmp(What, "threads") == 0) {
        WaitForSingleObject(CreateThread(NULL, 0, Waits, Ready, 0, NULL), INFINITE);
        ExitThread(44);
    }
    if (strcmp(What, "fault") == 0)
        WaitForSingleObject(CreateThread(NULL, 0, Faults, NULL, 0, NULL), INFINITE);
    WaitForSingleObject(Never, INFINITE);
    return 1;
}

static BOOL
Start(const char *What, DWORD Flags, PROCESS_INFORMATION *Information)
{
    STARTUPINFOA Startup = { .cb = sizeof Startup };
    char         Line[64];

    sprintf(Line, "tends %s", What);
    return CreateProcessA(NULL, Line, NULL, NULL, FALSE, Flags, NULL, NULL, &Startup, Information);
}

static void
Close(PROCESS_INFORMATION *Information)
{
    CloseHandle(Information->hThread);
    CloseHandle(Information->hProcess);
}

/* How a child may end. Kill: from outside, once it is ready, or at once if it never ran. */
static const struct {
    const char *What;
    ULONG       Code;
    BOOL        Kill, Suspended, Never;
} Ways[] = {
    { "exit", 41, FALSE, FALSE, FALSE },
    { "self", 42, FALSE, FALSE, FALSE },
    { "thread", 43, FALSE, FALSE, FALSE },
    { "threads", 44, FALSE, FALSE, FALSE },
    { "fault", (ULONG)STATUS_ACCESS_VIOLATION, FALSE, FALSE, FALSE },
    { "wait", 45, TRUE, FALSE, FALSE },
    { "wait", 46, TRUE, TRUE, FALSE },
    { "wait", 47, TRUE, FALSE, TRUE },
};

static void
EndOnce(ULONG Way, HANDLE Ready)
{
    PROCESS_INFORMATION Information;
    DWORD               Code = 0;

    ResetEvent(Ready);
    if (!Expect(Start(Ways[Way].What, Ways[Way].Never ? CREATE_SUSPENDED : 0, &Information),
        "start %s: %lu", Ways[Way].What, GetLastError()))
        return;
    if (!Ways[Way].Never)
        Expect(WaitForSingleObject(Ready, PATIENCE) == WAIT_OBJECT_0, "%s is not ready",
            Ways[Way].What);
    if (Ways[Way].Suspended)
        Expect(NtSuspendProcess(Information.hProcess) == STATUS_SUCCESS, "suspend");
    if (Ways[Way].Kill)
        Expect(TerminateProcess(Information.hProcess, Ways[Way].Code), "kill");
    Expect(WaitForSingleObject(Information.hProcess, PATIENCE) == WAIT_OBJECT_0,
        "way %lu (%s): not signalled", Way, Ways[Way].What);
    Expect(WaitForSingleObject(Information.hThread, PATIENCE) == WAIT_OBJECT_0,
        "way %lu (%s): its thread is not signalled", Way, Ways[Way].What);
    GetExitCodeProcess(Information.hProcess, &Code);
    Expect(Code == Ways[Way].Code, "way %lu (%s): code 0x%lX", Way, Ways[Way].What, Code);
    Expect(NtTerminateProcess(Information.hProcess, 1) == STATUS_PROCESS_IS_TERMINATING,
        "ended twice");
    Expect(NtSuspendProcess(Information.hProcess) == STATUS_PROCESS_IS_TERMINATING,
        "suspended when dead");
    Expect(NtSuspendThread(Information.hThread, NULL) == STATUS_THREAD_IS_TERMINATING,
        "a dead thread suspended");
    Expect(CreateRemoteThread(Information.hProcess, NULL, 0, Waits, NULL, 0, NULL) == NULL,
        "a thread in a dead process");
    Close(&Information);
}

static void
Ends(void)
{
    HANDLE        Ready = CreateEventA(NULL, TRUE, FALSE, "TEndsReady");
    static CENSUS Before;
    ULONG         Leak;

    for (ULONG Way = 0; Way < ARRAYSIZE(Ways); Way++) {
        static char Sentences[ARRAYSIZE(Ways)][120];
        char       *Sentence = Sentences[Way];

        sprintf(Sentence, "A process that ends (%s%s%s%s) says how, and leaves nothing behind",
            Ways[Way].What, Ways[Way].Kill ? ", killed" : "",
            Ways[Way].Suspended ? " while suspended" : "",
            Ways[Way].Never ? " before it ran" : "");
        Promise(Sentence);
        EndOnce(Way, Ready);                    // what is made once only is made now
        TakeCensus(&Before);
        for (ULONG Round = 0; Round < ROUNDS; Round++)
            EndOnce(Way, Ready);
        Leak = AwaitCensus(&Before, ROUNDS - 1, ROUNDS - 1);
        Expect(Leak == 0, "%lu or pool tag '%.4s' is left", Leak, (char *)&Leak);
    }
    CloseHandle(Ready);
}

int
main(int Count, char **Arguments)
{
    if (Count > 1)
        return Child(Arguments[1]);
    Ends();
    return Done("tends");
}
