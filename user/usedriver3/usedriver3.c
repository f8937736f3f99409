/*
 * usedriver3 NAME: at each Enter, reads what the pipe \\.\Example\NAME holds and prints it, until
 * the end of the file (Ctrl-D). usedriver2 writes to the pipe.
 */
#include <windows.h>
#include <stdio.h>
#include <string.h>
#include "../lib/status.h"

#define PROGRAM "usedriver3"

static int
ExplainOpen(const char *Name)
{
    int Result = FailLast(PROGRAM, "cannot open \\\\.\\Example\\%s", Name);

    if (GetLastError() == ERROR_FILE_NOT_FOUND || GetLastError() == ERROR_PATH_NOT_FOUND)
        fprintf(stderr, "%s: is the pipe driver loaded? `sc start pipe` loads it.\n", PROGRAM);
    else
        fprintf(stderr, "%s: a pipe's name is 1 to 64 characters without a backslash.\n", PROGRAM);
    return Result;
}

/* Prints everything the pipe holds. Returns FALSE when a read fails. */
static BOOL
PrintWhatIsThere(HANDLE Pipe)
{
    char  Data[512], Last = '\n';
    DWORD Done, Total = 0;

    for (;;) {
        if (!ReadFile(Pipe, Data, sizeof Data, &Done, NULL))
            return FALSE;
        if (Done == 0)
            break;
        fwrite(Data, 1, Done, stdout);
        Last = Data[Done - 1];
        Total += Done;
    }
    if (Total == 0)
        printf("(nothing there)\n");
    else if (Last != '\n')
        printf("\n");
    return TRUE;
}

int
main(int Count, char **Arguments)
{
    char   Path[512], Line[256];
    HANDLE Pipe;

    if (Count != 2) {
        fprintf(stderr,
            "usage: %s NAME    prints what the pipe NAME holds at each Enter, until Ctrl-D\n",
            PROGRAM);
        return 2;
    }
    if (strlen(Arguments[1]) > sizeof Path - 16) {
        fprintf(stderr, "%s: the name is too long: STATUS_NAME_TOO_LONG (0xC0000106)\n", PROGRAM);
        return 1;
    }
    sprintf(Path, "\\\\.\\Example\\%s", Arguments[1]);
    Pipe = CreateFileA(Path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
        OPEN_EXISTING, 0, NULL);
    if (Pipe == INVALID_HANDLE_VALUE)
        return ExplainOpen(Arguments[1]);

    printf("Press Enter to read from pipe %s; Ctrl-D ends.\n", Arguments[1]);
    while (fgets(Line, sizeof Line, stdin)) {
        if (PrintWhatIsThere(Pipe))
            continue;
        CloseHandle(Pipe);
        return FailLast(PROGRAM, "cannot read from pipe %s", Arguments[1]);
    }
    CloseHandle(Pipe);
    return 0;
}
