/*
 * smss, the first program: the kernel starts it when the drivers are up. It opens the consoles
 * and keeps a shell on each, which runs as the administrator.
 *
 * With run="PROGRAM ARGUMENTS" on the kernel's command line it runs that program on the first
 * console instead, and the system ends with it: powered off, or, with `testexit`, through QEMU's
 * isa-debug-exit, so that a test sees whether the program's exit status was 0 (33) or not (35).
 *
 * The time stamp counter at its start is handed down as the variable STARTED_AT: how long the
 * machine took from power-on to its first program.
 *
 * A console is opened twice, for input and for output: its file is busy while somebody reads, and
 * what a background program writes must not wait for that. Its handles are inheritable only while
 * a shell is created on it: no shell gets the other's console.
 */
#include "sdk/ntapi.h"
#include "../lib/status.h"
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#define CONSOLES        2
#define COMMAND_LENGTH  512

static HANDLE Inputs[CONSOLES], Outputs[CONSOLES];
static HANDLE Shells[CONSOLES];
static HANDLE Administrator;            // a token of his; NULL: programs run as the system does

static void
Say(int Console, const char *Text)
{
    DWORD Done;

    OutputDebugStringA(Text);
    if (Outputs[Console])
        WriteFile(Outputs[Console], Text, (DWORD)strlen(Text), &Done, NULL);
}

static HANDLE
OpenConsole(int Number, DWORD Access)
{
    char   Path[32];
    HANDLE Console;

    sprintf(Path, "\\\\.\\CONSOLE%d", Number);
    Console = CreateFileA(Path, Access, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
        OPEN_EXISTING, 0, NULL);
    if (Console != INVALID_HANDLE_VALUE)
        return Console;
    DbgPrint("smss: cannot open %s: %s (0x%08X)\n", Path, RtlpStatusName(RtlGetLastNtStatus()),
        RtlGetLastNtStatus());
    return NULL;
}

static void
SetInheritance(int Number, DWORD Flag)
{
    if (Inputs[Number])
        SetHandleInformation(Inputs[Number], HANDLE_FLAG_INHERIT, Flag);
    if (Outputs[Number])
        SetHandleInformation(Outputs[Number], HANDLE_FLAG_INHERIT, Flag);
}

/*
 * Starts a program with a console as its standard handles. Returns its process, or NULL with a
 * sentence said.
 */
static HANDLE
StartOn(int Number, const char *CommandLine)
{
    STARTUPINFOA        Startup = { .cb = sizeof Startup, .dwFlags = STARTF_USESTDHANDLES };
    PROCESS_INFORMATION Information;
    char                Line[COMMAND_LENGTH], Text[COMMAND_LENGTH + 160];
    BOOL                Started;

    strncpy(Line, CommandLine, sizeof Line - 1);
    Line[sizeof Line - 1] = 0;
    Startup.hStdInput = Inputs[Number];
    Startup.hStdOutput = Startup.hStdError = Outputs[Number];
    NtCurrentPeb()->ProcessParameters->ConsoleHandle = Outputs[Number];
    SetInheritance(Number, HANDLE_FLAG_INHERIT);
    Started = CreateProcessAsUserA(Administrator, NULL, Line, NULL, NULL, TRUE, 0, NULL, NULL,
        &Startup, &Information);
    if (!Started) {
        NTSTATUS Status = RtlGetLastNtStatus();

        _snprintf(Text, sizeof Text, "smss: cannot start %s: %s (0x%08lX)\r\n", Line,
            RtlpStatusName(Status), (ULONG)Status);
        Say(Number, Text);
    }
    SetInheritance(Number, 0);
    if (!Started)
        return NULL;
    CloseHandle(Information.hThread);
    return Information.hProcess;
}

static HANDLE
StartShell(int Number)
{
    char Line[32];

    sprintf(Line, "shell CONSOLE%d", Number);
    return StartOn(Number, Line);
}

/* Waits for a shell to end, says why it did, and starts another on its console. */
static void
KeepShells(void)
{
    for (;;) {
        HANDLE Waiting[CONSOLES];
        int    Which[CONSOLES];
        DWORD  Count = 0, Answer, Code = 0;
        char   Text[160];
        int    Number;

        for (Number = 0; Number < CONSOLES; Number++) {
            if (Shells[Number]) {
                Which[Count] = Number;
                Waiting[Count++] = Shells[Number];
            }
        }
        if (Count == 0) {
            OutputDebugStringA("smss: there is no shell left, and none can be started\n");
            Sleep(INFINITE);
        }
        Answer = WaitForMultipleObjects(Count, Waiting, FALSE, INFINITE);
        if (Answer >= Count)
            continue;
        Number = Which[Answer];
        GetExitCodeProcess(Shells[Number], &Code);
        CloseHandle(Shells[Number]);
        if (Code)
            _snprintf(Text, sizeof Text,
                "smss: the shell ended with 0x%08lX (%s); here is another.\r\n", Code,
                RtlpStatusName(Code));
        else
            _snprintf(Text, sizeof Text, "smss: the shell ended; here is another.\r\n");
        Say(Number, Text);
        if (Code)
            // a shell that cannot live does not fill the console
            Sleep(1000);
        Shells[Number] = StartShell(Number);
    }
}

/* Takes run="..." (or run=WORD) from the kernel's command line; FALSE if there is none. */
static BOOL
FindRun(const char *KernelLine, char *Command)
{
    const char *At = KernelLine;
    char        End = ' ';
    size_t      Length = 0;

    while ((At = strstr(At, "run=")) != NULL && At != KernelLine && At[-1] != ' ')
        At++;
    if (At == NULL)
        return FALSE;
    At += 4;
    if (*At == '"')
        End = *At++;
    while (At[Length] && At[Length] != End && Length < COMMAND_LENGTH - 1)
        Length++;
    memcpy(Command, At, Length);
    Command[Length] = 0;
    return Length > 0;
}

static void
RunAndEnd(const char *Command, BOOL TestExit)
{
    HANDLE Process = StartOn(0, Command);
    DWORD  Code = 1;
    char   Text[COMMAND_LENGTH + 96];

    if (Process) {
        WaitForSingleObject(Process, INFINITE);
        GetExitCodeProcess(Process, &Code);
    }
    _snprintf(Text, sizeof Text, "smss: %s ended with 0x%08lX\r\n", Command, Code);
    Say(0, Text);
    NtShutdownSystem(!TestExit ? EtShutdownPowerOff : Code ? EtShutdownTestFailed
        : EtShutdownTestPassed);
    Sleep(INFINITE);
}

int
main(void)
{
    ULONG64 StartedAt = __rdtsc();
    WCHAR   Wide[COMMAND_LENGTH] = { 0 };
    char    KernelLine[COMMAND_LENGTH] = { 0 }, Command[COMMAND_LENGTH];

    sprintf(Command, "%I64u", StartedAt);
    SetEnvironmentVariableA("STARTED_AT", Command);
    if (!LogonUserA("administrator", NULL, NULL, LOGON32_LOGON_INTERACTIVE,
            LOGON32_PROVIDER_DEFAULT, &Administrator))
        DbgPrint("smss: the administrator cannot log on\n");
    for (int Number = 0; Number < CONSOLES; Number++) {
        Inputs[Number] = OpenConsole(Number, GENERIC_READ);
        Outputs[Number] = OpenConsole(Number, GENERIC_WRITE);
    }
    if (NT_SUCCESS(NtQuerySystemInformation(EtSystemCommandLine, Wide,
        sizeof Wide - sizeof(WCHAR), NULL)))
        for (int Index = 0; Index < COMMAND_LENGTH - 1 && Wide[Index]; Index++)
            KernelLine[Index] = (char)Wide[Index];

    if (FindRun(KernelLine, Command))
        RunAndEnd(Command, strstr(KernelLine, "testexit") != NULL);
    for (int Number = 0; Number < CONSOLES; Number++)
        if (Inputs[Number] && Outputs[Number])
            Shells[Number] = StartShell(Number);
    KeepShells();
    return 0;
}
