/*
 * CLEANUP against CLOSE, as keep.sys sees them: CLEANUP comes once, with the last handle, in the
 * thread that closes it; CLOSE comes once, when the last reference has gone, in whatever thread
 * that happens, however long after. Files that were duplicated, inherited, left to the end of a
 * process, referenced by a driver, or busy with a request that a driver keeps.
 */
#include "sdk/ntapi.h"
#include <winioctl.h>
#include "user/lib/testing.h"
#include "tests/drivers/keep/keep.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CREATE  0x00
#define CLOSE   0x02
#define CLEANUP 0x12
#define SYSTEM  4                               // the System process' number

static HANDLE Control;

static HANDLE
Open(ULONG Flags, BOOL Inherit)
{
    SECURITY_ATTRIBUTES Security = { sizeof Security, NULL, Inherit };

    return CreateFileA("\\\\.\\Keep\\file", GENERIC_READ, FILE_SHARE_READ, &Security,
        OPEN_EXISTING, Flags, NULL);
}

static BOOL
Ask(ULONG Code, PVOID Input)
{
    DWORD Done;

    return DeviceIoControl(Control, Code, &Input, Input ? sizeof Input : 0, NULL, 0, &Done, NULL);
}

/* What has happened since the last look. */
static KEEP_EVENTS
Events(void)
{
    KEEP_EVENTS Log = { 0 };
    DWORD       Done;

    DeviceIoControl(Control, KEEP_LOG, NULL, 0, &Log, sizeof Log, &Done, NULL);
    return Log;
}

/* Whether nothing but Major has happened; Thread and Process, unless 0, say where. */
static BOOL
Only(ULONG Major, ULONG64 Thread, ULONG64 Process)
{
    KEEP_EVENTS Log = Events();

    return Log.Count == 1 && Log.Events[0].Major == Major
        && (Thread == 0 || Log.Events[0].Thread == Thread)
        && (Process == 0 || Log.Events[0].Process == Process);
}

static void
Plain(void)
{
    KEEP_EVENTS Log;

    Promise("An open and a close are CREATE, CLEANUP, CLOSE, in that order and in this thread");
    for (ULONG Round = 0; Round < 3; Round++) {
        CloseHandle(Open(0, FALSE));
        Log = Events();
        Expect(Log.Count == 3 && Log.Events[0].Major == CREATE && Log.Events[1].Major == CLEANUP
            && Log.Events[2].Major == CLOSE, "%lu events", Log.Count);
        for (ULONG Index = 0; Index < Log.Count; Index++)
            Expect(Log.Events[Index].Thread == GetCurrentThreadId()
                && Log.Events[Index].Process == GetCurrentProcessId()
                && Log.Events[Index].Serial == Log.Events[0].Serial, "event %lu", Index);
    }
}

static DWORD WINAPI
CloseIt(PVOID Parameter)
{
    CloseHandle(Parameter);
    return 0;
}

static void
Duplicates(void)
{
    HANDLE File = Open(0, FALSE), Copies[5], Thread;
    DWORD  Id;

    Promise("Duplicates: CLEANUP comes with the last of them, in the thread that closes it");
    Events();
    for (ULONG Index = 0; Index < ARRAYSIZE(Copies); Index++)
        DuplicateHandle(GetCurrentProcess(), File, GetCurrentProcess(), &Copies[Index], 0, FALSE,
            DUPLICATE_SAME_ACCESS);
    CloseHandle(File);
    for (ULONG Index = 1; Index < ARRAYSIZE(Copies); Index++) {
        CloseHandle(Copies[Index]);
        Expect(Events().Count == 0, "something has come with handle %lu", Index);
    }
    Thread = CreateThread(NULL, 0, CloseIt, Copies[0], 0, &Id);
    WaitForSingleObject(Thread, INFINITE);
    CloseHandle(Thread);
    KEEP_EVENTS Log = Events();
    Expect(Log.Count == 2 && Log.Events[0].Major == CLEANUP && Log.Events[1].Major == CLOSE,
        "%lu events", Log.Count);
    Expect(Log.Events[0].Thread == Id && Log.Events[1].Thread == Id, "another thread");
}

static void
Referenced(void)
{
    HANDLE File = Open(0, FALSE);
    DWORD  Done;
    BYTE   Byte;

    Promise("A driver's reference holds CLOSE back: it comes in the thread that drops it");
    Events();
    Expect(Ask(KEEP_REFERENCE, File), "reference");
    CloseHandle(File);
    Expect(Only(CLEANUP, GetCurrentThreadId(), GetCurrentProcessId()), "not CLEANUP alone");
    Expect(!ReadFile(File, &Byte, 1, &Done, NULL) && GetLastError() == ERROR_INVALID_HANDLE,
        "the handle can still be used");
    Expect(Events().Count == 0, "CLOSE has come early");
    Expect(Ask(KEEP_DROP, NULL), "drop");
    Expect(Only(CLOSE, 0, SYSTEM), "not CLOSE alone, in the System process");
}

static void
Busy(void)
{
    HANDLE          File = Open(FILE_FLAG_OVERLAPPED, FALSE);
    IO_STATUS_BLOCK Iosb = { { .Status = STATUS_PENDING }, 0 };
    LARGE_INTEGER   Start = { .QuadPart = 0 };
    static UCHAR    Data[100];
    KEEP_EVENTS     Log;

    Promise("A request on its way holds CLOSE back, not CLEANUP");
    Events();
    Expect(NtReadFile(File, NULL, NULL, NULL, &Iosb, Data, sizeof Data, &Start, NULL)
        == STATUS_PENDING, "read");
    CloseHandle(File);
    Expect(Only(CLEANUP, GetCurrentThreadId(), 0), "not CLEANUP alone");
    Ask(KEEP_RELEASE, NULL);
    Expect(Iosb.Status == STATUS_SUCCESS && Data[0] == 0x5A, "the read: 0x%08lX",
        (ULONG)Iosb.Status);
    while ((Log = Events()).Count == 0)         // at APC_LEVEL nothing is deleted: a worker does it
        SwitchToThread();
    Expect(Log.Count == 1 && Log.Events[0].Major == CLOSE, "not CLOSE alone");
}

/* Starts this program again; its number. */
static ULONG
Child(const char *What, HANDLE File, HANDLE Event, PHANDLE Process)
{
    STARTUPINFOA        Startup = { .cb = sizeof Startup };
    PROCESS_INFORMATION Information = { 0 };
    char                Line[80];

    sprintf(Line, "tcleanup %s %llu %llu", What, (ULONG64)File, (ULONG64)Event);
    if (!CreateProcessA(NULL, Line, NULL, NULL, TRUE, 0, NULL, NULL, &Startup, &Information))
        return 0;
    CloseHandle(Information.hThread);
    *Process = Information.hProcess;
    return Information.dwProcessId;
}

static void
Inherited(void)
{
    SECURITY_ATTRIBUTES Security = { sizeof Security, NULL, TRUE };
    HANDLE              File = Open(0, TRUE), Event, Process;
    KEEP_EVENTS         Log;
    ULONG               Id;

    Promise("The last handle is another process': CLEANUP and CLOSE come when that ends, there");
    Events();
    Event = CreateEventA(&Security, TRUE, FALSE, NULL);
    Id = Child("wait", File, Event, &Process);
    CloseHandle(File);
    Expect(Id != 0 && Events().Count == 0, "something has come early");
    SetEvent(Event);
    WaitForSingleObject(Process, INFINITE);
    CloseHandle(Process);
    CloseHandle(Event);
    Log = Events();
    Expect(Log.Count == 2 && Log.Events[0].Major == CLEANUP && Log.Events[1].Major == CLOSE,
        "%lu events", Log.Count);
    Expect(Log.Events[0].Process == Id && Log.Events[1].Process == Id, "not in that process");
}

static void
Death(void)
{
    HANDLE      Process;
    KEEP_EVENTS Log;
    ULONG       Id = Child("read", NULL, NULL, &Process);

    Promise("A process that ends while a driver keeps its read: CLEANUP there, CLOSE at the end");
    WaitForSingleObject(Process, INFINITE);
    CloseHandle(Process);
    Log = Events();
    Expect(Id != 0 && Log.Count == 2 && Log.Events[0].Major == CREATE
        && Log.Events[1].Major == CLEANUP && Log.Events[1].Process == Id, "%lu events", Log.Count);
    Ask(KEEP_RELEASE, NULL);                    // writes to pages that are nobody's any more
    Expect(Only(CLOSE, GetCurrentThreadId(), 0), "not CLOSE alone, where the read is released");
}

/* As a child. */
static int
Play(char **Arguments)
{
    static UCHAR  Data[5000];
    OVERLAPPED    Overlapped = { 0 };
    DWORD         Done;

    if (strcmp(Arguments[1], "wait") == 0) {
        WaitForSingleObject((HANDLE)(ULONG_PTR)atoi(Arguments[3]), INFINITE);
        return 0;
    }
    if (strcmp(Arguments[1], "lock") == 0) {
        StartDriver("keep");
        Control = CreateFileA("\\\\.\\Keep", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
        return Ask(KEEP_LOCK, Data);            // and now the system must stop
    }
    ReadFile(Open(FILE_FLAG_OVERLAPPED, FALSE), Data, sizeof Data, &Done, &Overlapped);
    return 0;
}

int
main(int Count, char **Arguments)
{
    ULONG64 Files, Mdls, Irps, Bytes;

    if (Count > 1)
        return Play(Arguments);
    StartDriver("keep");
    Control = CreateFileA("\\\\.\\Keep", GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0,
        NULL);
    PoolTag("File", &Files, &Bytes);
    PoolTag("Mdl ", &Mdls, &Bytes);
    PoolTag("Irp ", &Irps, &Bytes);
    Plain();
    Duplicates();
    Referenced();
    Busy();
    Inherited();
    Death();

    Promise("All this leaves pool and the driver as they were");
    ExpectTag("File", Files);
    ExpectTag("Mdl ", Mdls);
    ExpectTag("Irp ", Irps + 8);
    CloseHandle(Control);
    Expect(StopDriver("keep") == STATUS_SUCCESS, "the driver cannot be unloaded");
    return Done("tcleanup");
}
