/*
 * The end of a process against everything it may be in the middle of: four threads of a child
 * open, close, read, write, pend and cancel on the pipe and the null device as fast as they can,
 * and the child is killed at some moment. Afterwards no request, file, thread or process of it is
 * left.
 */
#include "sdk/ntapi.h"
#include <winioctl.h>
#include "user/lib/testing.h"
#include "drivers/pipe/pipe_ioctl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHILDREN    40
#define PENDING     8

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

static int
Child(void)
{
    static const LPTHREAD_START_ROUTINE Routines[] = { OpenAndClose, ReadForEver, WriteForEver };

    for (ULONG Index = 0; Index < 3; Index++)
        CreateThread(NULL, 0, Routines[Index], NULL, 0, NULL);
    PendAndCancel(NULL);
    return 0;
}

static BOOL
KillOne(ULONG Milliseconds)
{
    STARTUPINFOA        Startup = { .cb = sizeof Startup };
    PROCESS_INFORMATION Process;
    char                Command[] = "tstorm child";
    BOOL                Ended;

    if (!CreateProcessA(NULL, Command, NULL, NULL, FALSE, 0, NULL, NULL, &Startup, &Process))
        return FALSE;
    Sleep(Milliseconds);
    TerminateProcess(Process.hProcess, 9);
    Ended = WaitForSingleObject(Process.hProcess, 20000) == WAIT_OBJECT_0;
    CloseHandle(Process.hThread);
    CloseHandle(Process.hProcess);
    return Ended;
}

/* Blocks in use under a tag; what goes asynchronously (stacks, last references) is waited for. */
static BOOL
ComesBack(const char *Tag, ULONG64 Before, ULONG64 Slack)
{
    ULONG64 Blocks = 0, Bytes;

    for (ULONG Try = 0; Try < 100; Try++) {
        PoolTag(Tag, &Blocks, &Bytes);
        if (Blocks <= Before + Slack)
            return TRUE;
        Sleep(20);
    }
    return Expect(FALSE, "%s: %llu blocks, were %llu", Tag, Blocks, Before);
}

int
main(int Count, char **Arguments)
{
    // those of IRPs may stay in the processors' lists
    static const struct { const char *Tag; ULONG64 Slack; } Tags[] = {
        { "File", 0 }, { "Thre", 0 }, { "Proc", 0 }, { "IoBf", 0 }, { "Irp ", 160 }
    };
    ULONG64 Before[5], Bytes;
    ULONG   Handles;

    if (Count > 1)
        return Child();
    KillOne(50);                                // what is cached is there afterwards
    Sleep(100);
    for (ULONG Index = 0; Index < 5; Index++)
        PoolTag(Tags[Index].Tag, &Before[Index], &Bytes);
    Handles = HandleCount();

    Promise("A process can be killed in the middle of anything");
    for (ULONG Round = 0; Round < CHILDREN; Round++)
        Expect(KillOne(5 + Round * 7 % 40), "round %lu: it did not end", Round);
    Promise("Nothing of it is left");
    for (ULONG Index = 0; Index < 5; Index++)
        ComesBack(Tags[Index].Tag, Before[Index], Tags[Index].Slack);
    Expect(HandleCount() == Handles, "%lu handles, were %lu", HandleCount(), Handles);
    return Done("tstorm");
}
