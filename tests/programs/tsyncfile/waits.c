/*
 * Waits for a file: for the end of a request, and for the file's own lock. A wait of an alertable
 * file ends for an alert or an APC, by cancelling the request; another's does not. Events of files.
 */
#include "tsyncfile.h"

#define ENDING  0x40001234                      // what a released request ends with
#define MOVES   500
#define FLUSH   99                              // in place of a function of xfer.sys

typedef struct _WAITER {
    HANDLE        File, Thread;
    ULONG         Function;
    NTSTATUS      Status;                       // of the request
    volatile LONG Apcs, Started, Ended;
} WAITER;

static void NTAPI
CountApc(PVOID Argument1, PVOID Argument2, PVOID Argument3)
{
    InterlockedIncrement(&((WAITER *)Argument1)->Apcs);
}

static DWORD WINAPI
Wait(PVOID Parameter)
{
    WAITER         *Waiter = Parameter;
    IO_STATUS_BLOCK Iosb;

    InterlockedExchange(&Waiter->Started, TRUE);
    if (Waiter->Function == FLUSH)
        Waiter->Status = NtFlushBuffersFile(Waiter->File, &Iosb);
    else
        Waiter->Status = XferCall(Waiter->File, Waiter->Function, NULL, 0, NULL, 0, NULL);
    InterlockedExchange(&Waiter->Ended, TRUE);
    return 0;
}

static void
Start(WAITER *Waiter, HANDLE File, ULONG Function)
{
    memset(Waiter, 0, sizeof *Waiter);
    Waiter->File = File;
    Waiter->Function = Function;
    Waiter->Thread = CreateThread(NULL, 0, Wait, Waiter, 0, NULL);
    while (!Waiter->Started)                    // starting takes alerts and APCs
        SwitchToThread();
}

static void
End(WAITER *Waiter)
{
    WaitForSingleObject(Waiter->Thread, INFINITE);
    CloseHandle(Waiter->Thread);
}

static void
UntilPended(LONG Count)
{
    while (XferCounts(Control).Pended != Count)
        SwitchToThread();
}

static void
Break(WAITER *Waiter, BOOL Apc)
{
    if (Apc)
        NtQueueApcThread(Waiter->Thread, CountApc, Waiter, NULL, NULL);
    else
        NtAlertThread(Waiter->Thread);
}

/* For the end of a request. */
static void
Requests(BOOL Apc)
{
    HANDLE File = XferOpen(PATH, READ_WRITE, 7, ALERT);
    WAITER Waiter;

    for (ULONG Early = 0; Early < 2; Early++) {     // broken off perhaps before it waits
        Start(&Waiter, File, XFER_PEND);
        if (!Early)
            UntilPended(1);
        Break(&Waiter, Apc);
        End(&Waiter);
        Expect(Waiter.Status == STATUS_CANCELLED, "alertable: 0x%08lX", (ULONG)Waiter.Status);
        Expect(Waiter.Apcs == Apc, "%ld APCs", Waiter.Apcs);
        Expect(XferCounts(Control).Pended == 0, "the driver still has the request");
    }
    CloseHandle(File);

    File = XferOpen(PATH, READ_WRITE, 7, NOALERT);
    Start(&Waiter, File, XFER_PEND);
    UntilPended(1);
    Break(&Waiter, Apc);
    for (ULONG Turn = 0; Turn < 50; Turn++)
        SwitchToThread();
    Expect(!Waiter.Ended && Waiter.Apcs == 0 && XferCounts(Control).Pended == 1,
        "a nonalertable wait is broken off");
    XferReleaseAll(Control, ENDING, 0);
    End(&Waiter);
    Expect(Waiter.Status == ENDING && Waiter.Apcs == 0, "nonalertable: 0x%08lX",
        (ULONG)Waiter.Status);
    CloseHandle(File);
}

/* For the file's lock, which another thread's request has. */
static void
Locks(BOOL Apc)
{
    HANDLE File = XferOpen(PATH, READ_WRITE, 7, ALERT);
    WAITER First, Second;

    Start(&First, File, XFER_PEND);
    UntilPended(1);
    Start(&Second, File, XFER_PEND);
    Break(&Second, Apc);
    End(&Second);
    Expect(Second.Status == (Apc ? STATUS_USER_APC : STATUS_ALERTED), "the second: 0x%08lX",
        (ULONG)Second.Status);
    Expect(Second.Apcs == Apc && !First.Ended && XferCounts(Control).Pended == 1,
        "the first one is disturbed");
    XferReleaseAll(Control, ENDING, 0);
    End(&First);
    Expect(First.Status == ENDING, "the first: 0x%08lX", (ULONG)First.Status);
    CloseHandle(File);
}

static NTSTATUS
SetMode(HANDLE File, ULONG Mode)
{
    IO_STATUS_BLOCK Iosb;

    return NtSetInformationFile(File, &Iosb, &Mode, sizeof Mode, 16);
}

/* The mode of an open file may be changed, but not from synchronous to asynchronous or back. */
static void
Modes(void)
{
    HANDLE File = XferOpen(PATH, READ_WRITE, 7, NOALERT), Async = XferOpen(PATH, READ_WRITE, 7, 0);
    WAITER Waiter;

    Expect(SetMode(File, 0) == STATUS_INVALID_PARAMETER, "a synchronous file becomes another");
    Expect(SetMode(File, ALERT | NOALERT) == STATUS_INVALID_PARAMETER, "both");
    Expect(SetMode(File, NOALERT | 8) == STATUS_INVALID_PARAMETER, "buffering");
    Expect(SetMode(Async, NOALERT) == STATUS_INVALID_PARAMETER, "an asynchronous one");
    Expect(SetMode(Async, FILE_WRITE_THROUGH) == STATUS_SUCCESS, "write through");
    Expect(SetMode(File, ALERT) == STATUS_SUCCESS, "alertable");
    Start(&Waiter, File, XFER_PEND);
    UntilPended(1);
    NtAlertThread(Waiter.Thread);
    End(&Waiter);
    Expect(Waiter.Status == STATUS_CANCELLED, "0x%08lX", (ULONG)Waiter.Status);
    CloseHandle(Async);
    CloseHandle(File);
}

/* Services that wait whatever the file: hold.sys keeps flushes until they are cancelled. */
static void
Flushes(BOOL Apc)
{
    HANDLE File = XferOpen(L"\\??\\Hold", READ_WRITE, 7, ALERT);
    WAITER Waiter;

    Start(&Waiter, File, FLUSH);
    Break(&Waiter, Apc);
    End(&Waiter);
    Expect(Waiter.Status == STATUS_CANCELLED && Waiter.Apcs == Apc, "alertable: 0x%08lX, %ld APCs",
        (ULONG)Waiter.Status, Waiter.Apcs);
    CloseHandle(File);

    File = XferOpen(L"\\??\\Hold", READ_WRITE, 7, NOALERT);
    Start(&Waiter, File, FLUSH);
    Break(&Waiter, Apc);
    for (ULONG Turn = 0; Turn < 50; Turn++)
        SwitchToThread();
    Expect(!Waiter.Ended && Waiter.Apcs == 0, "a nonalertable wait is broken off");
    while (!CancelSynchronousIo(Waiter.Thread))
        SwitchToThread();
    End(&Waiter);
    Expect(Waiter.Status == STATUS_CANCELLED, "nonalertable: 0x%08lX", (ULONG)Waiter.Status);
    CloseHandle(File);
}

void
Waits(void)
{
    Promise("An alert breaks off an alertable file's request and cancels it, and no other's");
    Requests(FALSE);
    Promise("So does an APC of the program, which then runs");
    Requests(TRUE);
    Promise("A wait for an alertable file's lock ends for an alert or an APC");
    Locks(FALSE);
    Locks(TRUE);
    Promise("So does the wait of a flush");
    StartDriver("hold");
    Flushes(FALSE);
    Flushes(TRUE);
    Expect(StopDriver("hold") == STATUS_SUCCESS, "hold.sys cannot be unloaded");
    Promise("A file becomes alertable by its mode, and stays synchronous or asynchronous");
    Modes();
}

static DWORD WINAPI
Move(PVOID Parameter)
{
    IO_STATUS_BLOCK Iosb;
    UCHAR           Data[10];

    for (ULONG Round = 0; Round < MOVES; Round++) {
        NTSTATUS Status = NtReadFile(Parameter, NULL, NULL, NULL, &Iosb, Data, sizeof Data, NULL,
            NULL);

        if (Status != STATUS_SUCCESS || Iosb.Information != sizeof Data)
            return 1;
        for (ULONG Index = 1; Index < sizeof Data; Index++)
            if (Data[Index] != (UCHAR)(Data[Index - 1] + 7))
                return 1;
    }
    return 0;
}

void
Lock(void)
{
    FILE_POSITION_INFORMATION Position;
    IO_STATUS_BLOCK           Iosb;
    HANDLE                    File = XferOpen(PATH, READ_WRITE, 7, NOALERT), Threads[4];
    WAITER                    First, Second;
    DWORD                     Code;

    Promise("A synchronous file carries one request at a time, whichever threads they are from");
    Start(&First, File, XFER_PEND);
    UntilPended(1);
    Start(&Second, File, XFER_PEND);
    for (ULONG Turn = 0; Turn < 50; Turn++)
        SwitchToThread();
    Expect(XferCounts(Control).Pended == 1, "the second has reached the driver");
    Expect(XferReleaseAll(Control, ENDING, 0) == 1, "release the first");
    UntilPended(1);
    Expect(XferReleaseAll(Control, ENDING + 1, 0) == 1, "release the second");
    End(&First);
    End(&Second);
    Expect(First.Status == ENDING && Second.Status == ENDING + 1, "0x%08lX, 0x%08lX",
        (ULONG)First.Status, (ULONG)Second.Status);

    Promise("Threads that read on in one synchronous file each get what nobody else does");
    for (ULONG Index = 0; Index < ARRAYSIZE(Threads); Index++)
        Threads[Index] = CreateThread(NULL, 0, Move, File, 0, NULL);
    for (ULONG Index = 0; Index < ARRAYSIZE(Threads); Index++) {
        WaitForSingleObject(Threads[Index], INFINITE);
        GetExitCodeThread(Threads[Index], &Code);
        Expect(Code == 0, "thread %lu read something else", Index);
        CloseHandle(Threads[Index]);
    }
    NtQueryInformationFile(File, &Iosb, &Position, sizeof Position, EtFilePositionInformation);
    Expect(Position.CurrentByteOffset.QuadPart == ARRAYSIZE(Threads) * MOVES * 10, "position %lld",
        Position.CurrentByteOffset.QuadPart);
    CloseHandle(File);
}

static BOOL
IsSet(HANDLE Object)
{
    return WaitForSingleObject(Object, 0) == WAIT_OBJECT_0;
}

void
Events(void)
{
    HANDLE          File = XferOpen(PATH, READ_WRITE, 7, 0);
    HANDLE          Event = CreateEventA(NULL, TRUE, TRUE, NULL);
    IO_STATUS_BLOCK Iosb = { { 0 }, 0 };
    ULONG           Pend = XFER_CODE(XFER_PEND, METHOD_BUFFERED);

    Promise("A file's own event: reset by a request, set by its end, unless that has its own");
    for (ULONG Round = 0; Round < 3; Round++) {
        Expect(NtDeviceIoControlFile(File, NULL, NULL, NULL, &Iosb, Pend, NULL, 0, NULL, 0)
            == STATUS_PENDING && !IsSet(File), "set while the request is on its way");
        XferReleaseAll(Control, ENDING, 3);
        Expect(IsSet(File) && Iosb.Status == ENDING && Iosb.Information == 3, "not set by it");
    }
    Expect(NtDeviceIoControlFile(File, Event, NULL, NULL, &Iosb, Pend, NULL, 0, NULL, 0)
        == STATUS_PENDING && !IsSet(Event) && !IsSet(File), "not reset");
    XferReleaseAll(Control, ENDING, 0);
    Expect(IsSet(Event) && !IsSet(File), "event %d, file %d", IsSet(Event), IsSet(File));
    Expect(XferCall(File, XFER_ECHO, "x", 1, &Iosb, 1, NULL) == STATUS_SUCCESS && IsSet(File),
        "a request that ends at once does not set it");
    CloseHandle(Event);
    CloseHandle(File);
}

static HANDLE volatile Shared;                  // a file that is being opened and closed
static LONG volatile   Stop;

static DWORD WINAPI
ChangeMode(PVOID Parameter)
{
    for (ULONG Mode = 0; !Stop; Mode ^= FILE_WRITE_THROUGH)
        if (Shared != NULL)
            SetMode(Shared, Mode);
    return 0;
}

void
Closing(void)
{
    HANDLE      Threads[2];
    XFER_COUNTS Before = XferCounts(Control), After;

    Promise("A file whose mode is set while its last handle is closed is cleaned up once");
    for (ULONG Index = 0; Index < ARRAYSIZE(Threads); Index++)
        Threads[Index] = CreateThread(NULL, 0, ChangeMode, NULL, 0, NULL);
    for (ULONG Round = 0; Round < 3000; Round++) {
        Shared = XferOpen(PATH, FILE_READ_DATA, 7, 0);
        for (volatile ULONG Turn = 0; Turn < Round % 64 * 8; Turn++)
            ;
        CloseHandle(Shared);
    }
    Stop = TRUE;
    for (ULONG Index = 0; Index < ARRAYSIZE(Threads); Index++) {
        WaitForSingleObject(Threads[Index], INFINITE);
        CloseHandle(Threads[Index]);
    }
    After = XferCounts(Control);
    Expect(After.Creates - Before.Creates == 3000, "%ld opens", After.Creates - Before.Creates);
    Expect(After.Cleanups - Before.Cleanups == 3000, "%ld cleaned up",
        After.Cleanups - Before.Cleanups);
    Expect(After.Closes - Before.Closes == 3000, "%ld closed", After.Closes - Before.Closes);
}
