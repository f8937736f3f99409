/*
 * The shell: a prompt, a few commands of its own, and every program of \SystemRoot\System32.
 * Editing of the line, its history and Ctrl-C are the console driver's; the shell reads finished
 * lines.
 *
 * Its argument is the name of its console (CONSOLE0, CONSOLE1).
 */
#include "sdk/ntapi.h"
#include <stdio.h>
#include <string.h>
#include "shell.h"
#include "../lib/status.h"

typedef struct _COMMAND {
    const char *Name;
    const char *Arguments;
    const char *Meaning;
    void      (*Routine)(char *Arguments);
} COMMAND;

static BOOL Leaving;

static void Help(char *Arguments);

static void
Echo(char *Arguments)
{
    printf("%s\n", Arguments);
}

static void
Clear(char *Arguments)
{
    printf("\033[2J\033[H");
}

static void
Exit(char *Arguments)
{
    Leaving = TRUE;
}

static void
Start(char *Arguments)
{
    if (*Arguments == 0)
        printf("start: which program? `start PROGRAM ARGUMENTS` runs it in the background\n");
    else
        RunBackground(Arguments);
}

static void
Shutdown(char *Arguments)
{
    NTSTATUS Status;

    if (*Arguments && strcmp(Arguments, "reboot")) {
        printf("shutdown: `shutdown` powers off, `shutdown reboot` starts again\n");
        return;
    }
    printf("The system is going down.\n");
    fflush(stdout);
    Status = NtShutdownSystem(*Arguments ? EtShutdownReboot : EtShutdownPowerOff);
    FailStatus("shutdown", Status, "the system stays up");
}

static void
Directory(char *Arguments)
{
    WIN32_FIND_DATAA Data;
    char             Pattern[SHELL_LINE + 32];
    HANDLE           Find;

    _snprintf(Pattern, sizeof Pattern, "%s\\*", *Arguments ? Arguments : "\\SystemRoot\\System32");
    Find = FindFirstFileA(Pattern, &Data);
    if (Find == INVALID_HANDLE_VALUE) {
        FailLast("dir", "cannot list %s", Pattern);
        return;
    }
    do {
        if (Data.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY)
            printf("     <dir>  %s\n", Data.cFileName);
        else
            printf("%10lu  %s\n", Data.nFileSizeLow, Data.cFileName);
    } while (FindNextFileA(Find, &Data));
    FindClose(Find);
}

static void
Type(char *Arguments)
{
    HANDLE File = CreateFileA(Arguments, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
        OPEN_EXISTING, 0, NULL);
    char   Part[512];
    DWORD  Length;

    if (File == INVALID_HANDLE_VALUE) {
        FailLast("type", "cannot open %s", *Arguments ? Arguments : "a file without a name");
        return;
    }
    while (ReadFile(File, Part, sizeof Part, &Length, NULL) && Length != 0)
        fwrite(Part, 1, Length, stdout);
    CloseHandle(File);
}

static const COMMAND Commands[] = {
    { "help",     "",                  "this list",                           Help },
    { "start",    "PROGRAM ARGUMENTS", "run a program in the background",     Start },
    { "dir",      "[FOLDER]",          "list a folder of the RAM disk",       Directory },
    { "type",     "FILE",              "print a file of the RAM disk",        Type },
    { "echo",     "TEXT",              "print text",                          Echo },
    { "cls",      "",                  "clear the screen",                    Clear },
    { "clear",    "",                  "the same",                            Clear },
    { "exit",     "",                  "end this shell (another one starts)", Exit },
    { "shutdown", "[reboot]",          "power off",                           Shutdown },
};

static const COMMAND Programs[] = {
    { "usedriver2", "NAME",        "write each line typed to the pipe NAME, until Ctrl-D", NULL },
    { "usedriver3", "NAME",        "print what the pipe NAME holds, at each Enter",        NULL },
    { "pipectl",    "NAME [VERB]", "query or change the pipe NAME",                        NULL },
    { "ps",         "[-t]",        "show the processes, with -t their threads",            NULL },
    { "kill",       "PID|NAME",    "end processes",                                        NULL },
    { "handle",     "[-ags] [TEXT]", "show who has what open",                             NULL },
    { "clients",    "DEVICE",      "count who has a device open",                          NULL },
    { "sc",         "VERB [NAME]", "query, start, stop, create or delete a driver",        NULL },
    { "objdir",     "[-r] [PATH]", "list a directory of the object namespace",             NULL },
    { "reg",        "VERB KEY",    "query, add to or delete from the registry",            NULL },
    { "access",     "OBJECT",      "show who may do what to an object",                    NULL },
    { "runas",      "USER PROGRAM", "run a program as administrator or student",           NULL },
    { "notify",     "[SECONDS]",   "have notify.sys set an event (sc start notify)",       NULL },
    { "inverted",   "VERB",        "wait for news from inverted.sys, or make some",        NULL },
    { "ticker",     "MS...",       "keep ticker.sys busy, one request after the other",    NULL },
    { "irptrack",   "DEVICE",      "show the requests that pass through a device",         NULL },
    { "getdev",     "VERB DEVICE", "have getdev.sys take another driver's device",         NULL },
};

static void
PrintCommands(const COMMAND *List, ULONG Count)
{
    for (ULONG Index = 0; Index < Count; Index++)
        printf("  %-10s %-18s %s\n", List[Index].Name, List[Index].Arguments, List[Index].Meaning);
}

static void
Help(char *Arguments)
{
    PrintCommands(Commands, ARRAYSIZE(Commands));
    printf("Programs (any .exe of \\SystemRoot\\System32 runs by its name; Ctrl-C ends it):\n");
    PrintCommands(Programs, ARRAYSIZE(Programs));
}

static void
Execute(char *Line)
{
    size_t Length = strcspn(Line, " \t");

    for (ULONG Index = 0; Index < ARRAYSIZE(Commands); Index++) {
        char *Arguments = Line + Length;

        if (strlen(Commands[Index].Name) != Length || _strnicmp(Commands[Index].Name, Line, Length))
            continue;
        while (*Arguments == ' ' || *Arguments == '\t')
            Arguments++;
        Commands[Index].Routine(Arguments);
        return;
    }
    RunForeground(Line);
}

/* Takes blanks and the end of the line off both ends. */
static char *
Trim(char *Line)
{
    size_t Length;

    while (*Line == ' ' || *Line == '\t')
        Line++;
    Length = strlen(Line);
    while (Length && strchr(" \t\r\n", Line[Length - 1]))
        Line[--Length] = 0;
    return Line;
}

int
main(int Count, char **Arguments)
{
    char Buffer[SHELL_LINE];

    WatchBreaks(Count > 1 ? Arguments[1] : "CONSOLE0");
    printf("Etude on %s. `help` lists the commands.\n", Count > 1 ? Arguments[1] : "the console");
    while (!Leaving) {
        char *Line;

        printf("etude> ");
        if (fgets(Buffer, sizeof Buffer, stdin) == NULL) {
            if (feof(stdin))
                break;
            // Ctrl-C at the prompt only drops the line
            if (RtlGetLastNtStatus() != STATUS_CANCELLED)
                return FailLast("shell", "cannot read the console");
            clearerr(stdin);
            AwaitBreak();
            printf("\n");
            continue;
        }
        Line = Trim(Buffer);
        if (*Line)
            Execute(Line);
    }
    return 0;
}
