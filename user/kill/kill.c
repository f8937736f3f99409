/*
 * kill PID|NAME...: ends processes, by number or all of a name, with STATUS_CONTROL_C_EXIT as
 * their exit status, and waits until they have given back what they had. `ps` lists them.
 */
#include "../lib/snapshot.h"
#include "../lib/status.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM         "kill"
#define PATIENCE        5000                    // milliseconds

static int
Kill(DWORD Id)
{
    HANDLE Process = OpenProcess(PROCESS_TERMINATE | SYNCHRONIZE, FALSE, Id);
    int    Result = 0;

    if (Process == NULL)
        return FailLast(PROGRAM, "cannot open process %lu", Id);
    if (!TerminateProcess(Process, (UINT)STATUS_CONTROL_C_EXIT)) {
        Result = FailLast(PROGRAM, "cannot end process %lu", Id);
    } else if (WaitForSingleObject(Process, PATIENCE) != WAIT_OBJECT_0) {
        fprintf(stderr, "%s: process %lu is told to end, but a driver still keeps it\n", PROGRAM,
            Id);
        Result = 1;
    }
    CloseHandle(Process);
    return Result;
}

/* Every process whose image has this name, with or without ".exe", but not this one. */
static int
KillByName(const char *Name)
{
    const SYSTEM_PROCESS_INFORMATION *Process = NULL;
    char     Own[PROCESS_NAME], Exe[PROCESS_NAME];
    int      Result = 0;
    ULONG    Found = 0;
    SNAPSHOT Snapshot;
    NTSTATUS Status = TakeSnapshot(&Snapshot);

    if (!NT_SUCCESS(Status))
        return FailStatus(PROGRAM, Status, "cannot list the processes");
    _snprintf(Exe, sizeof Exe - 1, "%s.exe", Name);
    Exe[sizeof Exe - 1] = 0;
    while ((Process = NextProcess(&Snapshot, Process)) != NULL) {
        DWORD Id = (DWORD)(ULONG_PTR)Process->UniqueProcessId;

        ProcessName(&Snapshot, Process->UniqueProcessId, Own);
        if (Id == GetCurrentProcessId() || (_stricmp(Own, Name) && _stricmp(Own, Exe)))
            continue;
        Found++;
        if (Kill(Id))
            Result = 1;
    }
    FreeSnapshot(&Snapshot);
    if (Found == 0) {
        fprintf(stderr, "%s: there is no process %s; `ps` lists them\n", PROGRAM, Name);
        Result = 1;
    }
    return Result;
}

int
main(int Count, char **Arguments)
{
    int Result = 0;

    if (Count < 2 || Arguments[1][0] == '-') {
        fprintf(stderr, "usage: %s PID|NAME...    ends processes\n", PROGRAM);
        return 2;
    }
    for (int Index = 1; Index < Count; Index++) {
        char *End;
        DWORD Id = strtoul(Arguments[Index], &End, 0);

        if (*End ? KillByName(Arguments[Index]) : Kill(Id))
            Result = 1;
    }
    return Result;
}
