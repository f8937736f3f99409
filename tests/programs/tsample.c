/*
 * Makes handles of several kinds, leaves a read pending at \\.\Sample, has a second thread wait,
 * and asks samplelow.sys to stop: what the debugger's samples show of a process is this one.
 */
#include "sdk/ntapi.h"
#include <winioctl.h>
#include <stdio.h>
#include "user/lib/snapshot.h"
#include "tests/drivers/samplelow/sample_ioctl.h"

#define WAITING     5                           // a thread's state

static HANDLE Never;

static DWORD WINAPI
Waiter(void *Context)
{
    return WaitForSingleObject(Never, INFINITE);
}

/* Whether the second thread waits already. */
static BOOL
Waits(void)
{
    const SYSTEM_PROCESS_INFORMATION *Process = NULL;
    SNAPSHOT Snapshot;
    BOOL     Waiting = FALSE;

    if (!NT_SUCCESS(TakeSnapshot(&Snapshot)))
        return FALSE;
    while ((Process = NextProcess(&Snapshot, Process)) != NULL) {
        const SYSTEM_THREAD_INFORMATION *Threads = (PVOID)(Process + 1);

        if ((ULONG_PTR)Process->UniqueProcessId == GetCurrentProcessId())
            Waiting = Process->NumberOfThreads == 2 && Threads[1].ThreadState == WAITING;
    }
    FreeSnapshot(&Snapshot);
    return Waiting;
}

/* An event that is this process' alone. */
static void
MakeExclusive(void)
{
    static UNICODE_STRING Name;
    OBJECT_ATTRIBUTES     Attributes;
    HANDLE                Event;

    RtlInitUnicodeString(&Name, L"\\BaseNamedObjects\\SampleExclusive");
    InitializeObjectAttributes(&Attributes, &Name, OBJ_EXCLUSIVE, NULL, NULL);
    NtCreateEvent(&Event, EVENT_ALL_ACCESS, &Attributes, 0, FALSE);
}

int
main(void)
{
    SECURITY_ATTRIBUTES Inherit = { sizeof Inherit, NULL, TRUE };
    static char         Buffer[16];
    OVERLAPPED          Read = { 0 }, Stop = { 0 };
    HANDLE              Handles[SAMPLE_HANDLES], Device;
    DWORD               Done;

    Device = CreateFileA("\\\\.\\Sample", GENERIC_READ | GENERIC_WRITE,
        FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
    if (Device == INVALID_HANDLE_VALUE)
        return 1;
    Read.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
    Stop.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
    Never = CreateEventA(&Inherit, TRUE, FALSE, "SampleNever");
    Handles[0] = Device;
    Handles[1] = Never;
    Handles[2] = CreateMutexA(NULL, TRUE, "SampleMutex");
    Handles[3] = CreateEventA(NULL, TRUE, FALSE, NULL);
    CloseHandle(Handles[3]);
    CloseHandle((HANDLE)0x7FFC);
    MakeExclusive();

    ReadFile(Device, Buffer, sizeof Buffer, NULL, &Read);
    CreateThread(NULL, 0, Waiter, NULL, 0, NULL);
    while (!Waits())
        Sleep(1);
    if (!DeviceIoControl(Device, IOCTL_SAMPLE_STOP, Handles, sizeof Handles, NULL, 0, &Done, &Stop)
        && (GetLastError() != ERROR_IO_PENDING || !GetOverlappedResult(Device, &Stop, &Done, TRUE)))
        return 1;
    CancelIo(Device);
    printf("tsample is done\n");
    return 0;
}
