/* kill PID...: ends processes, with STATUS_CONTROL_C_EXIT as their exit status. `ps` lists them. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include "../lib/status.h"

#define PROGRAM "kill"

static int
Kill(const char *Text)
{
    char         *End;
    unsigned long Id = strtoul(Text, &End, 0);
    HANDLE        Process;
    int           Result = 0;

    if (*End || End == Text) {
        fprintf(stderr, "%s: %s is not a process number\n", PROGRAM, Text);
        return 2;
    }
    Process = OpenProcess(PROCESS_TERMINATE, FALSE, Id);
    if (Process == NULL)
        return FailLast(PROGRAM, "cannot open process %lu", Id);
    if (!TerminateProcess(Process, 0xC000013A))
        Result = FailLast(PROGRAM, "cannot end process %lu", Id);
    CloseHandle(Process);
    return Result;
}

int
main(int Count, char **Arguments)
{
    int Result = 0;

    if (Count < 2) {
        fprintf(stderr, "usage: %s PID...    ends processes\n", PROGRAM);
        return 2;
    }
    for (int Index = 1; Index < Count; Index++) {
        int One = Kill(Arguments[Index]);

        if (One)
            Result = One;
    }
    return Result;
}
