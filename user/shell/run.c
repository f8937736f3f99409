/*
 * Programs, run from the shell. A foreground program owns the console until it ends: the shell
 * only waits. Ctrl-C reaches the console driver, not the program; a thread of the shell keeps a
 * request for that event at the driver, on a file of its own (the standard handles' file is busy
 * while somebody reads), and ends the foreground program when it comes.
 *
 * Lock: Foreground belongs to ForegroundLock, so that a process handle is not closed under the
 * thread that uses it.
 */
#include <windows.h>
#include <winioctl.h>
#include <stdio.h>
#include <string.h>
#include "shell.h"
#include "../lib/status.h"
#include "drivers/console/console.h"

static CRITICAL_SECTION ForegroundLock;
// guarded by ForegroundLock: a program is being started or runs; a break came for it meanwhile; its
// process, NULL until there is one
static BOOL             Running, Broken;
static HANDLE           Foreground;

/* Set by a break at the prompt, or while a program runs, once BreakThread has dealt with it. */
static HANDLE PromptBroken, ProgramBroken;

/*
 * After a read at the prompt was cancelled by a break: waits until BreakThread has seen that
 * break, lest it end the program that the next line starts.
 */
void
AwaitBreak(void)
{
    WaitForSingleObject(PromptBroken, 1000);
}

static DWORD WINAPI
BreakThread(void *Parameter)
{
    HANDLE Console = Parameter;
    DWORD  Done;

    while (DeviceIoControl(Console, IOCTL_CONSOLE_WAIT_BREAK, NULL, 0, NULL, 0, &Done, NULL)) {
        EnterCriticalSection(&ForegroundLock);
        Broken = Running;
        if (Foreground)
            TerminateProcess(Foreground, (UINT)STATUS_CONTROL_C_EXIT);
        SetEvent(Running ? ProgramBroken : PromptBroken);
        LeaveCriticalSection(&ForegroundLock);
    }
    return 0;
}

void
WatchBreaks(const char *Name)
{
    char   Path[64];
    HANDLE Console, Thread;

    InitializeCriticalSection(&ForegroundLock);
    PromptBroken = CreateEventA(NULL, FALSE, FALSE, NULL);
    ProgramBroken = CreateEventA(NULL, TRUE, FALSE, NULL);
    // at the prompt a break only drops the line
    SetConsoleCtrlHandler(NULL, TRUE);
    _snprintf(Path, sizeof Path, "\\\\.\\%s", Name);
    Console = CreateFileA(Path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
        NULL, OPEN_EXISTING, 0, NULL);
    if (Console == INVALID_HANDLE_VALUE) {
        FailLast("shell", "cannot watch %s for Ctrl-C", Path);
        return;
    }
    Thread = CreateThread(NULL, 0, BreakThread, Console, 0, NULL);
    if (Thread == NULL)
        FailLast("shell", "cannot watch %s for Ctrl-C", Path);
    else
        CloseHandle(Thread);
}

/* The program's name, for messages: the first word of the line without quotes. */
static void
NameOf(const char *CommandLine, char *Name, size_t Size)
{
    char   End = *CommandLine == '"' ? '"' : ' ';
    size_t Length = 0;

    CommandLine += End == '"';
    while (CommandLine[Length] && CommandLine[Length] != End && Length < Size - 1)
        Length++;
    memcpy(Name, CommandLine, Length);
    Name[Length] = 0;
}

static void
ExplainStart(const char *Name)
{
    switch (GetLastError()) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_NAME:
        printf("%s: there is no such program; `help` lists the commands, `dir` the programs\n",
            Name);
        break;
    case ERROR_BAD_EXE_FORMAT:
        printf("%s: is not a program for this system, or is damaged: %s\n", Name,
            RtlpStatusName(RtlGetLastNtStatus()));
        break;
    default:
        FailLast("shell", "cannot start %s", Name);
    }
}

static void
ExplainExit(const char *Name, DWORD Code)
{
    if (Code == 0)
        return;
    if (Code >= 0x80000000)
        printf("%s: exited with 0x%08lX (%s)\n", Name, Code, RtlpStatusName((LONG)Code));
    else
        printf("%s: exited with %lu\n", Name, Code);
}

/*
 * Says which process a break ends from now on; a break that came while it was being made ends it.
 */
static void
SetForeground(BOOL Runs, HANDLE Process)
{
    EnterCriticalSection(&ForegroundLock);
    Running = Runs;
    Foreground = Process;
    if (Process == NULL)
        Broken = FALSE;
    else if (Broken)
        TerminateProcess(Process, (UINT)STATUS_CONTROL_C_EXIT);
    LeaveCriticalSection(&ForegroundLock);
}

void
RunForeground(char *CommandLine)
{
    STARTUPINFOA        Startup = { .cb = sizeof Startup };
    PROCESS_INFORMATION Information;
    char                Name[64];
    DWORD               Code = 0;

    NameOf(CommandLine, Name, sizeof Name);
    fflush(stdout);
    ResetEvent(ProgramBroken);
    SetForeground(TRUE, NULL);
    if (!CreateProcessA(NULL, CommandLine, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, NULL,
        &Startup, &Information)) {
        SetForeground(FALSE, NULL);
        ExplainStart(Name);
        return;
    }
    SetForeground(TRUE, Information.hProcess);
    ResumeThread(Information.hThread);
    CloseHandle(Information.hThread);

    WaitForSingleObject(Information.hProcess, INFINITE);
    GetExitCodeProcess(Information.hProcess, &Code);
    // a program that a break has ended by itself may be gone before BreakThread has seen the break
    if (Code == (DWORD)STATUS_CONTROL_C_EXIT)
        WaitForSingleObject(ProgramBroken, 1000);
    SetForeground(FALSE, NULL);
    CloseHandle(Information.hProcess);
    ExplainExit(Name, Code);
}

/* A background program reads from NUL: the console's input belongs to the shell. */
void
RunBackground(char *CommandLine)
{
    SECURITY_ATTRIBUTES Inherit = { sizeof Inherit, NULL, TRUE };
    STARTUPINFOA        Startup = { .cb = sizeof Startup, .dwFlags = STARTF_USESTDHANDLES };
    PROCESS_INFORMATION Information;
    char                Name[64];
    HANDLE              Nul;

    NameOf(CommandLine, Name, sizeof Name);
    Nul = CreateFileA("NUL", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, &Inherit,
        OPEN_EXISTING, 0, NULL);
    if (Nul == INVALID_HANDLE_VALUE) {
        FailLast("shell", "cannot open NUL");
        return;
    }
    Startup.hStdInput = Nul;
    Startup.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    Startup.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    if (CreateProcessA(NULL, CommandLine, NULL, NULL, TRUE, 0, NULL, NULL, &Startup,
        &Information)) {
        printf("%s: started as process %lu\n", Name, Information.dwProcessId);
        CloseHandle(Information.hThread);
        CloseHandle(Information.hProcess);
    } else {
        ExplainStart(Name);
    }
    CloseHandle(Nul);
}
