/*
 * notify.sys from a program: the event is set; every wrong handle has its own answer; the event
 * lives until both sides have let go, and nothing is left behind.
 */
#include "sdk/ntapi.h"
#include <winioctl.h>
#include "user/lib/testing.h"
#include "drivers/notify/notify_ioctl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static HANDLE Device;

static HANDLE
Open(void)
{
    return CreateFileA("\\\\.\\Notify", 0, 0, NULL, OPEN_EXISTING, 0, NULL);
}

static NTSTATUS
Set(HANDLE File, HANDLE Event, ULONG Milliseconds)
{
    NOTIFY_REQUEST  Request = { (ULONG_PTR)Event, Milliseconds, 0 };
    IO_STATUS_BLOCK Block;

    return NtDeviceIoControlFile(File, NULL, NULL, NULL, &Block, IOCTL_NOTIFY_SET, &Request,
        sizeof Request, NULL, 0);
}

static NTSTATUS
Drop(HANDLE File)
{
    IO_STATUS_BLOCK Block;

    return NtDeviceIoControlFile(File, NULL, NULL, NULL, &Block, IOCTL_NOTIFY_DROP, NULL, 0, NULL,
        0);
}

/*
 * Every handle is a reference; Others are the driver's and, of a named event, its directory's. The
 * driver's DPC sets the event before it lets go of it, which is waited for.
 */
static void
ExpectCounts(HANDLE Object, ULONG Handles, ULONG Others, const char *When)
{
    OBJECT_BASIC_INFORMATION Information = { 0 };

    for (int Try = 0; Try < 1000; Try++) {
        NtQueryObject(Object, EtObjectBasicInformation, &Information, sizeof Information, NULL);
        if (Information.PointerCount == Handles + Others)
            break;
        Sleep(10);
    }
    Expect(Information.HandleCount == Handles && Information.PointerCount == Handles + Others,
        "%s: %lu handles, %lu references", When, Information.HandleCount, Information.PointerCount);
}

static void
Sets(void)
{
    HANDLE Event = CreateEventA(NULL, TRUE, FALSE, NULL);

    Promise("The driver sets the event when it is due, and then holds it no longer");
    ExpectCounts(Event, 1, 0, "before");
    Expect(Set(Device, Event, 60000) == STATUS_SUCCESS, "refused");
    ExpectCounts(Event, 1, 1, "while the driver has it");
    Expect(Set(Device, Event, 1) == STATUS_DEVICE_BUSY, "two requests at once");
    ExpectCounts(Event, 1, 1, "after a refused request");
    Expect(WaitForSingleObject(Event, 0) == WAIT_TIMEOUT, "set too early");
    Expect(Drop(Device) == STATUS_SUCCESS, "drop");
    ExpectCounts(Event, 1, 0, "after the drop");
    Expect(Drop(Device) == STATUS_NOT_FOUND, "dropped twice");
    for (int Round = 0; Round < 200; Round++) {
        Expect(Set(Device, Event, 0) == STATUS_SUCCESS, "round %d refused", Round);
        Expect(WaitForSingleObject(Event, 10000) == WAIT_OBJECT_0, "round %d not set", Round);
        ResetEvent(Event);
    }
    Expect(Set(Device, Event, 20) == STATUS_SUCCESS, "refused");
    Expect(WaitForSingleObject(Event, 10000) == WAIT_OBJECT_0, "not set");
    ExpectCounts(Event, 1, 0, "after it was set");
    CloseHandle(Event);
}

static void
Rubbish(void)
{
    HANDLE          Event = CreateEventA(NULL, TRUE, FALSE, NULL), Weak, Closed;
    HANDLE          Mutant = CreateMutexA(NULL, FALSE, NULL);
    NOTIFY_REQUEST  Late = { (ULONG_PTR)Event, NOTIFY_MAX_MILLISECONDS + 1, 0 };
    IO_STATUS_BLOCK Block;

    Promise("A handle that is no usable event of the caller is refused with the reason");
    DuplicateHandle(GetCurrentProcess(), Event, GetCurrentProcess(), &Weak, SYNCHRONIZE, FALSE, 0);
    DuplicateHandle(GetCurrentProcess(), Event, GetCurrentProcess(), &Closed, 0, FALSE,
        DUPLICATE_SAME_ACCESS);
    CloseHandle(Closed);
    Expect(Set(Device, NULL, 1) == STATUS_INVALID_HANDLE, "NULL");
    Expect(Set(Device, (HANDLE)0x123454, 1) == STATUS_INVALID_HANDLE, "rubbish");
    Expect(Set(Device, Closed, 1) == STATUS_INVALID_HANDLE, "closed");
    Expect(Set(Device, (HANDLE)((ULONG_PTR)Event | 0xFFFFFFFF80000000), 1) == STATUS_INVALID_HANDLE,
        "a kernel handle");
    Expect(Set(Device, Device, 1) == STATUS_OBJECT_TYPE_MISMATCH, "a file");
    Expect(Set(Device, Mutant, 1) == STATUS_OBJECT_TYPE_MISMATCH, "a mutant");
    Expect(Set(Device, GetCurrentProcess(), 1) == STATUS_OBJECT_TYPE_MISMATCH, "a process");
    Expect(Set(Device, Weak, 1) == STATUS_ACCESS_DENIED, "without EVENT_MODIFY_STATE");
    Expect(NtDeviceIoControlFile(Device, NULL, NULL, NULL, &Block, IOCTL_NOTIFY_SET, &Late,
        sizeof Late, NULL, 0) == STATUS_INVALID_PARAMETER, "too late");
    Expect(NtDeviceIoControlFile(Device, NULL, NULL, NULL, &Block, IOCTL_NOTIFY_SET, &Late, 8, NULL,
        0) == STATUS_INFO_LENGTH_MISMATCH, "short");
    ExpectCounts(Event, 2, 0, "after all of them");
    CloseHandle(Weak);
    CloseHandle(Event);
    CloseHandle(Mutant);
}

/* A child's event: its handle means nothing here, neither while it lives nor after it died. */
static void
OtherProcess(const char *Self)
{
    STARTUPINFOA        Startup = { .cb = sizeof Startup };
    PROCESS_INFORMATION Child;
    HANDLE              Ready = CreateEventA(NULL, TRUE, FALSE, "tnotify-ready");
    HANDLE              Event = CreateEventA(NULL, TRUE, FALSE, "tnotify-event");
    char                Line[64];
    const HANDLE        High = (HANDLE)(ULONG_PTR)0x400;    // the child makes its event known here

    Promise("A handle of another process, or of one that died, is a handle of nothing");
    _snprintf(Line, sizeof Line, "%s child", Self);
    Expect(CreateProcessA(NULL, Line, NULL, NULL, FALSE, 0, NULL, NULL, &Startup, &Child), "start");
    Expect(WaitForSingleObject(Ready, 20000) == WAIT_OBJECT_0, "the child is not ready");
    Expect(Set(Device, High, 1) == STATUS_INVALID_HANDLE, "while the process lives");

    Promise("A killed process takes its request along, and its file and handles are gone");
    ExpectCounts(Event, 2, 1 + 1, "while the child and its driver's reference live");
    TerminateProcess(Child.hProcess, 7);
    WaitForSingleObject(Child.hProcess, INFINITE);
    ExpectCounts(Event, 1, 1, "after the child was killed");
    Expect(WaitForSingleObject(Event, 0) == WAIT_TIMEOUT, "set for a dead process");
    Expect(Set(Device, High, 1) == STATUS_INVALID_HANDLE, "after the process died");
    CloseHandle(Child.hProcess);
    CloseHandle(Child.hThread);
    CloseHandle(Event);
    CloseHandle(Ready);
}

static int
RunChild(void)
{
    HANDLE File = Open();
    HANDLE Ready = OpenEventA(EVENT_ALL_ACCESS, FALSE, "tnotify-ready");
    HANDLE Event = OpenEventA(EVENT_ALL_ACCESS, FALSE, "tnotify-event");

    if (Set(File, Event, NOTIFY_MAX_MILLISECONDS))
        return 1;
    while ((ULONG_PTR)CreateEventA(NULL, TRUE, FALSE, NULL) < 0x400)
        ;
    SetEvent(Ready);
    WaitForSingleObject(GetCurrentProcess(), INFINITE);
    return 0;
}

static void
Outlives(void)
{
    HANDLE  Event = CreateEventA(NULL, TRUE, FALSE, "tnotify-kept"), Again;
    HANDLE  File = Open();
    ULONG64 Before, After, Bytes;

    Promise("The event outlives its last handle while the driver has it, and not longer");
    PoolTag("Even", &Before, &Bytes);
    Expect(Set(File, Event, NOTIFY_MAX_MILLISECONDS) == STATUS_SUCCESS, "refused");
    CloseHandle(Event);
    PoolTag("Even", &After, &Bytes);
    Expect(After == Before, "%llu events, there were %llu", After, Before);
    Again = OpenEventA(SYNCHRONIZE, FALSE, "tnotify-kept");
    Expect(Again == NULL, "its name went with its last handle, but was found");
    CloseHandle(File);
    ExpectTag("Even", Before - 1);
}

/* Requests set and dropped from two threads while the timer fires. */
static DWORD WINAPI
Racer(PVOID Context)
{
    HANDLE Event = CreateEventA(NULL, TRUE, FALSE, NULL);

    for (int Round = 0; Round < 3000; Round++) {
        Set(Context, Event, Round % 3 ? 0 : 1);
        if (Round % 2)
            Drop(Context);
    }
    Drop(Context);
    CloseHandle(Event);
    return 0;
}

static void
Races(void)
{
    HANDLE  File = Open(), Threads[4];
    ULONG64 Events, Notifies, Bytes;

    Promise("Set, drop, DPC and close race without losing or keeping an event");
    PoolTag("Even", &Events, &Bytes);
    PoolTag("Notf", &Notifies, &Bytes);
    for (int Index = 0; Index < 4; Index++)
        Threads[Index] = CreateThread(NULL, 0, Racer, File, 0, NULL);
    WaitForMultipleObjects(4, Threads, TRUE, INFINITE);
    for (int Index = 0; Index < 4; Index++)
        CloseHandle(Threads[Index]);
    CloseHandle(File);
    ExpectTag("Even", Events);              // a DPC's dereference leaves the deletion to a worker
    ExpectTag("Notf", Notifies - 1);
}

static DWORD WINAPI
Setter(PVOID Context)
{
    HANDLE Event = CreateEventA(NULL, TRUE, FALSE, NULL);

    while (Set(Context, Event, 20) != STATUS_INVALID_HANDLE)
        Sleep(0);
    CloseHandle(Event);
    return 0;
}

/* A request can be in the driver's hands only after its file's cleanup: the close sees to it. */
static void
SetWhileClosing(void)
{
    ULONG64 Events, Bytes;

    Promise("A request that comes while the last handle is closed goes with the file");
    PoolTag("Even", &Events, &Bytes);
    for (int Round = 0; Round < 60; Round++) {
        HANDLE File = Open();
        HANDLE Thread = CreateThread(NULL, 0, Setter, File, 0, NULL);

        while (Drop(File) != STATUS_SUCCESS)            // the setter has begun
            Sleep(0);
        for (int Pause = Round % 20; Pause > 0; Pause--)
            Drop(File);
        CloseHandle(File);
        WaitForSingleObject(Thread, INFINITE);
        CloseHandle(Thread);
    }
    ExpectTag("Even", Events);
}

int
main(int Count, char **Arguments)
{
    NTSTATUS Status;

    if (Count > 1)
        return RunChild();
    MeetAtLocks();
    Promise("notify.sys loads");
    Status = StartDriver("notify");
    Expect(Status == STATUS_SUCCESS, "status 0x%08lX", Status);
    Device = Open();
    Expect(Device != INVALID_HANDLE_VALUE, "open: %lu", GetLastError());

    Sets();
    Rubbish();
    OtherProcess(Arguments[0]);
    Outlives();
    Races();
    SetWhileClosing();

    Promise("After the last close the driver unloads and leaves nothing in the pool");
    CloseHandle(Device);
    Status = StopDriver("notify");
    Expect(Status == STATUS_SUCCESS, "status 0x%08lX", Status);
    ExpectTag("Notf", 0);
    return Done("tnotify");
}
