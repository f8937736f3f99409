/*
 * The order in which a process that ends gives back its handles, however it ends: first the
 * requests of its threads are cancelled, then the handles are closed in ascending order (own,
 * inherited, given by another process, protected from close), and only then is it signalled.
 * closelog.sys writes down what it sees of that. With an argument the program is its own child.
 */
#include "sdk/ntapi.h"
#include "user/lib/testing.h"
#include "tests/drivers/closelog/closelog_ioctl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE    10000                       // milliseconds
#define FILES       12

static HANDLE Log;

/* A file of the driver's, not numbered yet. */
static HANDLE
OpenLogged(BOOL Inherit)
{
    SECURITY_ATTRIBUTES Attributes = { sizeof Attributes, NULL, Inherit };

    return CreateFileA("\\\\.\\CloseLog", GENERIC_READ | GENERIC_WRITE,
        FILE_SHARE_READ | FILE_SHARE_WRITE, &Attributes, OPEN_EXISTING, 0, NULL);
}

static void
Number(HANDLE File, HANDLE Value)
{
    ULONG Data = (ULONG)(ULONG_PTR)Value;
    DWORD Done;

    WriteFile(File, &Data, sizeof Data, &Done, NULL);
}

static CLOSE_LOG
ReadLog(void)
{
    CLOSE_LOG Read = { 0 };
    DWORD     Done;

    DeviceIoControl(Log, 0x222400, NULL, 0, &Read, sizeof Read, &Done, NULL);
    return Read;
}

static DWORD WINAPI
Reads(PVOID File)
{
    UCHAR Buffer[16];
    DWORD Done;

    return ReadFile(File, Buffer, sizeof Buffer, &Done, NULL);
}

static DWORD WINAPI
Faults(PVOID Parameter)
{
    return *(volatile DWORD *)8;
}

/*
 * Opens FILES files with other handles between them, in places that were used before, so that
 * age and value are in different orders; every third is protected.
 */
static void
Furnish(BOOL WithRead)
{
    HANDLE Early[FILES], Files[FILES];

    for (ULONG Index = 0; Index < FILES; Index++)
        Early[Index] = CreateEventA(NULL, TRUE, FALSE, NULL);
    for (ULONG Index = 0; Index < FILES; Index++) {
        NtClose(Early[(Index * 5) % FILES]);
        Files[Index] = OpenLogged(FALSE);
        Number(Files[Index], Files[Index]);
        CreateMutexA(NULL, TRUE, NULL);
        if (Index % 3 == 0)
            SetHandleInformation(Files[Index], HANDLE_FLAG_PROTECT_FROM_CLOSE,
                HANDLE_FLAG_PROTECT_FROM_CLOSE);
    }
    if (WithRead)
        CreateThread(NULL, 0, Reads, Files[5], 0, NULL);
}

static int
Child(const char *What)
{
    HANDLE Ready = OpenEventA(EVENT_ALL_ACCESS, FALSE, "TOrderReady");
    HANDLE Go = OpenEventA(SYNCHRONIZE, FALSE, "TOrderGo");

    SetStdHandle(STD_ERROR_HANDLE, NULL);
    Furnish(strcmp(What, "threads") != 0);
    SetEvent(Ready);
    WaitForSingleObject(Go, INFINITE);
    if (strcmp(What, "exit") == 0)
        ExitProcess(1);
    if (strcmp(What, "self") == 0)
        NtTerminateProcess(NtCurrentProcess(), 1);
    if (strcmp(What, "threads") == 0)
        NtTerminateThread(NtCurrentThread(), 1);
    if (strcmp(What, "fault") == 0)
        WaitForSingleObject(CreateThread(NULL, 0, Faults, NULL, 0, NULL), INFINITE);
    Sleep(INFINITE);
    return 1;
}

/* Given: a file that the child inherits, and one that is put into its table. */
static BOOL
Start(const char *What, PROCESS_INFORMATION *Information)
{
    STARTUPINFOA Startup = { .cb = sizeof Startup };
    HANDLE       Inherited = OpenLogged(TRUE), Given = OpenLogged(FALSE), Value = NULL;
    char         Line[64];
    BOOL         Started;

    Number(Inherited, Inherited);
    sprintf(Line, "torder %s", What);
    Started = CreateProcessA(NULL, Line, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, NULL, &Startup,
        Information);
    if (Started) {
        NtDuplicateObject(NtCurrentProcess(), Given, Information->hProcess, &Value, 0, 0,
            DUPLICATE_SAME_ACCESS);
        Number(Given, Value);
    }
    CloseHandle(Given);
    CloseHandle(Inherited);
    return Started;
}

/* Whether it is Files numbers in ascending order, after Reads reads that were cancelled. */
static void
Check(const CLOSE_LOG *Read, ULONG Reads, ULONG Files)
{
    Expect(Read->Count == Reads + Files, "%lu entries, not %lu", Read->Count, Reads + Files);
    Expect(Read->Reads == 0, "%lu reads are left", Read->Reads);
    for (ULONG Index = 0; Index < Read->Count && Index < CLOSE_LOG_ENTRIES; Index++) {
        if (Index < Reads)
            Expect(Read->Entries[Index] == CLOSE_LOG_CANCELLED, "handle %lx is closed first",
                Read->Entries[Index]);
        else if (Index > Reads)
            Expect(Read->Entries[Index] > Read->Entries[Index - 1], "%lx is closed after %lx",
                Read->Entries[Index], Read->Entries[Index - 1]);
    }
}

static const struct {
    const char *What, *Sentence;
    BOOL        Kill, Suspended, Never;
    ULONG       Reads;
} Ways[] = {
    { "exit", "ends itself by ExitProcess", FALSE, FALSE, FALSE, 1 },
    { "self", "terminates itself", FALSE, FALSE, FALSE, 1 },
    { "threads", "loses its last thread", FALSE, FALSE, FALSE, 0 },
    { "fault", "dies of an exception", FALSE, FALSE, FALSE, 1 },
    { "wait", "is killed while a thread waits in a read", TRUE, FALSE, FALSE, 1 },
    { "wait", "is killed while it is suspended", TRUE, TRUE, FALSE, 1 },
    { "wait", "is killed before it ran", TRUE, FALSE, TRUE, 0 },
};

static void
EndOnce(ULONG Way, HANDLE Ready, HANDLE Go)
{
    static char         Sentences[ARRAYSIZE(Ways)][120];
    PROCESS_INFORMATION Information;
    CLOSE_LOG           Read;

    sprintf(Sentences[Way], "The handles of a process that %s are closed in ascending order",
        Ways[Way].Sentence);
    Promise(Sentences[Way]);
    ResetEvent(Ready);
    ResetEvent(Go);
    ReadLog();
    if (!Expect(Start(Ways[Way].What, &Information), "start: %lu", GetLastError()))
        return;
    Read = ReadLog();
    Expect(Read.Count == 0, "the parent's handle was the last one");
    if (!Ways[Way].Never) {
        ResumeThread(Information.hThread);
        Expect(WaitForSingleObject(Ready, PATIENCE) == WAIT_OBJECT_0, "it is not ready");
        while (ReadLog().Reads != Ways[Way].Reads)
            Sleep(1);
    }
    if (Ways[Way].Suspended)
        NtSuspendProcess(Information.hProcess);
    if (Ways[Way].Kill)
        TerminateProcess(Information.hProcess, 1);
    else
        SetEvent(Go);
    Expect(WaitForSingleObject(Information.hProcess, PATIENCE) == WAIT_OBJECT_0, "not signalled");
    Read = ReadLog();
    Check(&Read, Ways[Way].Reads, Ways[Way].Never ? 2 : FILES + 2);
    CloseHandle(Information.hThread);
    CloseHandle(Information.hProcess);
}

int
main(int Count, char **Words)
{
    HANDLE Ready, Go;

    if (Count > 1)
        return Child(Words[1]);
    if (!IsUser("student"))
        StartDriver("closelog");
    Log = OpenLogged(FALSE);
    Ready = CreateEventA(NULL, TRUE, FALSE, "TOrderReady");
    Go = CreateEventA(NULL, TRUE, FALSE, "TOrderGo");
    for (ULONG Way = 0; Way < ARRAYSIZE(Ways); Way++)
        EndOnce(Way, Ready, Go);
    return Done("torder");
}
