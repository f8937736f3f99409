/*
 * The end of a process against everything it may be in the middle of: the threads of a child open,
 * close, read, write, pend and cancel on the pipe and the null device as fast as they can, one of
 * them keeps hundreds of reads outstanding, which a thread of this process completes as fast as it
 * can, and the child is killed at some moment. Afterwards no request, file, thread or process of
 * it is left. All children together have 200,000 reads outstanding when they are killed.
 */
#include "sdk/ntapi.h"
#include <winioctl.h>
#include "user/lib/testing.h"
#include "user/lib/census.h"
#include "drivers/pipe/pipe_ioctl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHILDREN    100
#define OUTSTANDING 2000                        // reads of a child
#define PENDING     8
#define SLACK       8                           // blocks of a tag, for what others do meanwhile
#define READY       "TStormReady"

static HANDLE
Open(const char *Name, DWORD Flags)
{
    return CreateFileA(Name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
        NULL, OPEN_EXISTING, Flags, NULL);
}

static HANDLE
OpenPipe(DWORD Flags)
{
    HANDLE     File = Open("\\\\.\\Example\\STORM", Flags);
    OVERLAPPED Request = { 0 };
    ULONG      Wait = PIPE_WAIT_READ;
    DWORD      Done;

    DeviceIoControl(File, IOCTL_PIPE_SET_WAIT, &Wait, sizeof Wait, NULL, 0, &Done, &Request);
    return File;
}

static DWORD WINAPI
OpenAndClose(void *Context)
{
    for (;;) {
        CloseHandle(Open("\\\\.\\Example\\STORM", 0));
        CloseHandle(Open("NUL", 0));
    }
}

static DWORD WINAPI
ReadForEver(void *Context)
{
    HANDLE Pipe = OpenPipe(0);
    char   Data[16];
    DWORD  Done;

    for (;;)
        ReadFile(Pipe, Data, sizeof Data, &Done, NULL);
}

static DWORD WINAPI
WriteForEver(void *Context)
{
    HANDLE Pipe = OpenPipe(0);
    DWORD  Done;

    for (;;)
        WriteFile(Pipe, "storm", 5, &Done, NULL);
}

static DWORD WINAPI
PendAndCancel(void *Context)
{
    static OVERLAPPED Requests[PENDING];
    static char       Data[PENDING][16];

    for (;;) {
        HANDLE Pipe = OpenPipe(FILE_FLAG_OVERLAPPED);

        for (ULONG Index = 0; Index < PENDING; Index++) {
            memset(&Requests[Index], 0, sizeof Requests[Index]);
            ReadFile(Pipe, Data[Index], 16, NULL, &Requests[Index]);
        }
        for (ULONG Index = PENDING; Index > PENDING / 2; Index--)
            CancelIoEx(Pipe, &Requests[Index - 1]);
        CloseHandle(Pipe);                      // the other half
        for (ULONG Index = 0; Index < PENDING; Index++)
            while (*(volatile ULONG_PTR *)&Requests[Index].Internal == STATUS_PENDING)
                Sleep(0);
    }
}

static OVERLAPPED Many[OUTSTANDING];
static char       ManyData[OUTSTANDING][16];

/* Makes OUTSTANDING reads pend, those that do not already. */
static void
PendMany(HANDLE Pipe)
{
    for (ULONG Index = 0; Index < OUTSTANDING; Index++)
        if (*(volatile ULONG_PTR *)&Many[Index].Internal != STATUS_PENDING)
            ReadFile(Pipe, ManyData[Index], 16, NULL, &Many[Index]);
}

static int
Child(void)
{
    static const LPTHREAD_START_ROUTINE Routines[] = { OpenAndClose, ReadForEver, WriteForEver,
        PendAndCancel };
    HANDLE Pipe = OpenPipe(FILE_FLAG_OVERLAPPED);

    PendMany(Pipe);
    for (ULONG Index = 0; Index < ARRAYSIZE(Routines); Index++)
        CreateThread(NULL, 0, Routines[Index], NULL, 0, NULL);
    SetEvent(OpenEventA(EVENT_MODIFY_STATE, FALSE, READY));
    for (;;)
        PendMany(Pipe);
}

/* Kills a child some time after all its reads are outstanding. */
static BOOL
KillOne(HANDLE Ready, ULONG Delay)
{
    STARTUPINFOA        Startup = { .cb = sizeof Startup };
    PROCESS_INFORMATION Process;
    char                Command[] = "tstorm child";
    BOOL                Ended;

    ResetEvent(Ready);
    if (!CreateProcessA(NULL, Command, NULL, NULL, FALSE, 0, NULL, NULL, &Startup, &Process))
        return FALSE;
    Ended = WaitForSingleObject(Ready, 20000) == WAIT_OBJECT_0;
    for (volatile ULONG Spin = 0; Spin < Delay; Spin++)
        ;
    TerminateProcess(Process.hProcess, 9);
    Ended = Ended && WaitForSingleObject(Process.hProcess, 20000) == WAIT_OBJECT_0;
    CloseHandle(Process.hThread);
    CloseHandle(Process.hProcess);
    return Ended;
}

static volatile BOOL Stop;

/* Completes what the children read. */
static DWORD WINAPI
Complete(void *Context)
{
    HANDLE Pipe = Open("\\\\.\\Example\\STORM", 0);
    DWORD  Done;

    while (!Stop)
        WriteFile(Pipe, "storm", 5, &Done, NULL);
    CloseHandle(Pipe);
    return 0;
}

static void
KillMany(HANDLE Ready, ULONG Count)
{
    HANDLE Thread;

    Stop = FALSE;
    Thread = CreateThread(NULL, 0, Complete, NULL, 0, NULL);
    for (ULONG Round = 0; Round < Count; Round++)
        Expect(KillOne(Ready, Round * 7919 % 20000), "round %lu: it did not start or end", Round);
    Stop = TRUE;
    WaitForSingleObject(Thread, INFINITE);
    CloseHandle(Thread);
}

int
main(int Count, char **Arguments)
{
    static CENSUS Before;
    HANDLE        Ready = CreateEventA(NULL, FALSE, FALSE, READY);
    ULONG         Grown;

    if (Count > 1)
        return Child();
    MeetAtLocks();
    Promise("A process can be killed in the middle of anything");
    KillMany(Ready, 3);                         // what is cached is there afterwards
    Sleep(200);
    TakeCensus(&Before);
    KillMany(Ready, CHILDREN);

    Promise("Nothing of it is left");
    Grown = AwaitCensus(&Before, 0, SLACK);
    Expect(Grown == 0, "%lu or pool tag '%.4s' is left", Grown, (char *)&Grown);
    return Done("tstorm");
}
