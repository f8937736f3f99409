/*
 * runas: runs a program as another user, on this console, waits for it and ends with its status.
 *
 *     runas student objdir \Driver
 *
 * Whether the caller may is the system's to say: the administrator may act as anybody, a student
 * only as himself.
 */
#include "sdk/ntapi.h"
#include "../lib/status.h"
#include <stdio.h>
#include <string.h>

#define PROGRAM         "runas"
#define LINE_LENGTH     512

/* The command line from its third word on: what is to be run, quotes and all. */
static const char *
RestOfLine(void)
{
    const char *At = GetCommandLineA();

    for (int Word = 0; Word < 2; Word++) {
        BOOL Quoted = FALSE;

        for (; *At && (Quoted || (*At != ' ' && *At != '\t')); At++)
            if (*At == '"')
                Quoted = !Quoted;
        while (*At == ' ' || *At == '\t')
            At++;
    }
    return At;
}

int
main(int Count, char **Arguments)
{
    STARTUPINFOA        Startup = { .cb = sizeof Startup, .dwFlags = STARTF_USESTDHANDLES };
    PROCESS_INFORMATION Information;
    char                Line[LINE_LENGTH];
    HANDLE              Token;
    DWORD               Code = 1;

    if (Count < 3 || strlen(RestOfLine()) >= sizeof Line) {
        fprintf(stderr, "usage: %s USER PROGRAM [ARGUMENTS]  runs a program as that user\n",
            PROGRAM);
        return 2;
    }
    strcpy(Line, RestOfLine());
    if (!LogonUserA(Arguments[1], NULL, NULL, LOGON32_LOGON_INTERACTIVE, LOGON32_PROVIDER_DEFAULT,
            &Token))
        return FailLast(PROGRAM, "%s", Arguments[1]);

    Startup.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    Startup.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    Startup.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    if (!CreateProcessAsUserA(Token, NULL, Line, NULL, NULL, FALSE, 0, NULL, NULL, &Startup,
            &Information))
        return FailLast(PROGRAM, "%s", Line);
    CloseHandle(Token);
    WaitForSingleObject(Information.hProcess, INFINITE);
    GetExitCodeProcess(Information.hProcess, &Code);
    CloseHandle(Information.hThread);
    CloseHandle(Information.hProcess);
    return (int)Code;
}
