/*
 * usedriver2 NAME: each line typed is written to the pipe \\.\Example\NAME, until the end of the
 * file (Ctrl-D at the start of a line). The other end is usedriver3, in another console.
 *
 * A pipe does not block: what does not fit is dropped, and the line is then reported as cut
 * short.
 */
#include <windows.h>
#include <stdio.h>
#include <string.h>
#include "../lib/status.h"

#define PROGRAM "usedriver2"

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

int
main(int Count, char **Arguments)
{
    char   Path[512], Line[1024];
    HANDLE Pipe;

    if (Count != 2) {
        fprintf(stderr,
            "usage: %s NAME    writes each line typed to the pipe NAME, until Ctrl-D\n", PROGRAM);
        return 2;
    }
    if (strlen(Arguments[1]) > sizeof Path - 16) {
        fprintf(stderr, "%s: the name is too long: STATUS_NAME_TOO_LONG (0xC0000106)\n", PROGRAM);
        return 1;
    }
    sprintf(Path, "\\\\.\\Example\\%s", Arguments[1]);
    Pipe = CreateFileA(Path, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
        OPEN_EXISTING, 0, NULL);
    if (Pipe == INVALID_HANDLE_VALUE)
        return ExplainOpen(Arguments[1]);

    printf("Type lines to write to pipe %s; Ctrl-D ends.\n", Arguments[1]);
    while (fgets(Line, sizeof Line, stdin)) {
        DWORD Length = (DWORD)strlen(Line), Done = 0;

        if (!WriteFile(Pipe, Line, Length, &Done, NULL)) {
            CloseHandle(Pipe);
            return FailLast(PROGRAM, "cannot write to pipe %s", Arguments[1]);
        }
        if (Done < Length)
            printf("The pipe is full: %lu of %lu bytes were written.\n", Done, Length);
    }
    CloseHandle(Pipe);
    return 0;
}
