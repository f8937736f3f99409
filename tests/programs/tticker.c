/*
 * ticker.sys from a program: one request at a time, in order; cancelled while queued, while
 * running and in between; closed, killed; and the device goes on with the next.
 */
#include "sdk/ntapi.h"
#include <winioctl.h>
#include "user/lib/testing.h"
#include "drivers/ticker/ticker_ioctl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY        500
#define ROUNDS      250
#define AT_ONCE     6

typedef struct _REQUEST {
    IO_STATUS_BLOCK Block;
    ULONGLONG       Number;
} REQUEST, *PREQUEST;

static __thread ULONG Ended;
static HANDLE         Device;
static volatile LONG  Ticked, Cancelled, Odd;

static HANDLE
Open(void)
{
    return CreateFileA("\\\\.\\Ticker", 0, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING,
        FILE_FLAG_OVERLAPPED, NULL);
}

static void NTAPI
CountEnd(PVOID Context, PIO_STATUS_BLOCK Block, ULONG Reserved)
{
    Ended++;
}

static NTSTATUS
Tick(HANDLE File, PREQUEST Request, ULONG Milliseconds)
{
    memset(Request, 0, sizeof *Request);
    Request->Block.Status = STATUS_PENDING;
    return NtDeviceIoControlFile(File, NULL, (PVOID)CountEnd, NULL, &Request->Block,
        IOCTL_TICKER_TICK, &Milliseconds, sizeof Milliseconds, &Request->Number,
        sizeof Request->Number);
}

static void
WaitForEnds(ULONG Count)
{
    while (Ended < Count)
        SleepEx(INFINITE, TRUE);
}

static void
Ticks(void)
{
    REQUEST Requests[20];
    BOOL    InOrder = TRUE;
    ULONG   Start = GetTickCount();

    Promise("Requests are served one after the other, in order, each for its time");
    Ended = 0;
    for (int Index = 0; Index < 20; Index++)
        Expect(Tick(Device, &Requests[Index], Index % 3 * 10) == STATUS_PENDING, "not pending");
    WaitForEnds(20);
    Start = GetTickCount() - Start;
    for (int Index = 0; Index < 20; Index++)
        InOrder &= Requests[Index].Block.Status == STATUS_SUCCESS &&
            Requests[Index].Number == Requests[0].Number + Index;
    Expect(InOrder, "not in order");
    Expect(Start >= 180, "190 ms of ticks took %lu ms", Start);
}

static void
Refuses(void)
{
    IO_STATUS_BLOCK Block;
    ULONG           Long = TICKER_MAX_MILLISECONDS + 1;
    ULONGLONG       Number;

    Promise("Wrong lengths, times and codes are refused");
    Expect(NtDeviceIoControlFile(Device, NULL, NULL, NULL, &Block, IOCTL_TICKER_TICK, &Long, 3,
        &Number, sizeof Number) == STATUS_INFO_LENGTH_MISMATCH, "short input");
    Expect(NtDeviceIoControlFile(Device, NULL, NULL, NULL, &Block, IOCTL_TICKER_TICK, &Long, 4,
        &Number, 4) == STATUS_BUFFER_TOO_SMALL, "short output");
    Expect(NtDeviceIoControlFile(Device, NULL, NULL, NULL, &Block, IOCTL_TICKER_TICK, &Long, 4,
        &Number, sizeof Number) == STATUS_INVALID_PARAMETER, "too long");
    Expect(NtDeviceIoControlFile(Device, NULL, NULL, NULL, &Block, IOCTL_TICKER_TICK + 4, &Long, 4,
        &Number, sizeof Number) == STATUS_INVALID_DEVICE_REQUEST, "unknown code");
}

/* Cancels, closes or kills what the file has: one running for an hour and MANY behind it. */
static void
Ends(void)
{
    static REQUEST  Requests[MANY + 1], Others[2];
    HANDLE          File = Open();
    IO_STATUS_BLOCK Block;
    ULONG           Count = 0;

    Promise("Cancelling what runs and all that waits behind it leaves the ticker to others");
    Ended = 0;
    for (int Index = 0; Index <= MANY; Index++)
        Tick(File, &Requests[Index], TICKER_MAX_MILLISECONDS);
    Tick(Device, &Others[0], 0);
    Expect(NtCancelIoFile(File, &Block) == STATUS_SUCCESS, "cancel");
    WaitForEnds(MANY + 2);
    for (int Index = 0; Index <= MANY; Index++)
        Count += Requests[Index].Block.Status == STATUS_CANCELLED;
    Expect(Count == MANY + 1, "%lu of %d are cancelled", Count, MANY + 1);
    Expect(Others[0].Block.Status == STATUS_SUCCESS, "the other: 0x%08lX", Others[0].Block.Status);

    Promise("So does closing the handle");
    Ended = Count = 0;
    for (int Index = 0; Index <= MANY; Index++)
        Tick(File, &Requests[Index], TICKER_MAX_MILLISECONDS);
    Tick(Device, &Others[1], 0);
    CloseHandle(File);
    WaitForEnds(MANY + 2);
    for (int Index = 0; Index <= MANY; Index++)
        Count += Requests[Index].Block.Status == STATUS_CANCELLED;
    Expect(Count == MANY + 1, "%lu of %d are cancelled", Count, MANY + 1);
    Expect(Others[1].Number == Others[0].Number + 1, "tick %llu after %llu", Others[1].Number,
        Others[0].Number);
}

static void
Killed(const char *Self)
{
    STARTUPINFOA        Startup = { .cb = sizeof Startup };
    PROCESS_INFORMATION Child;
    HANDLE              Ready = CreateEventA(NULL, TRUE, FALSE, "tticker-ready");
    REQUEST             Request;
    char                Line[64];

    Promise("So does killing the process");
    _snprintf(Line, sizeof Line, "%s child", Self);
    Expect(CreateProcessA(NULL, Line, NULL, NULL, FALSE, 0, NULL, NULL, &Startup, &Child), "start");
    Expect(WaitForSingleObject(Ready, 20000) == WAIT_OBJECT_0, "the child is not ready");
    Ended = 0;
    Tick(Device, &Request, 0);
    Expect(Request.Block.Status == STATUS_PENDING, "the ticker is free");
    TerminateProcess(Child.hProcess, 7);
    WaitForEnds(1);
    Expect(Request.Block.Status == STATUS_SUCCESS, "0x%08lX", Request.Block.Status);
    WaitForSingleObject(Child.hProcess, INFINITE);
    CloseHandle(Child.hProcess);
    CloseHandle(Child.hThread);
    CloseHandle(Ready);
}

static int
RunChild(void)
{
    static REQUEST Requests[MANY];
    HANDLE         Ready = OpenEventA(EVENT_ALL_ACCESS, FALSE, "tticker-ready");
    HANDLE         File = Open();

    for (int Index = 0; Index < MANY; Index++)
        Tick(File, &Requests[Index], TICKER_MAX_MILLISECONDS);
    SetEvent(Ready);
    WaitForSingleObject(GetCurrentProcess(), INFINITE);
    return 0;
}

static DWORD WINAPI
Racer(PVOID Context)
{
    HANDLE          File = Open();
    REQUEST         Requests[AT_ONCE];
    IO_STATUS_BLOCK Block;

    for (ULONG Round = 0; Round < ROUNDS; Round++) {
        Ended = 0;
        for (ULONG Index = 0; Index < AT_ONCE; Index++)
            Tick(File, &Requests[Index], Round % 16 == 0);
        if (Round % 4)
            NtCancelIoFile(File, &Block);
        WaitForEnds(AT_ONCE);
        for (ULONG Index = 0; Index < AT_ONCE; Index++)
            InterlockedIncrement(Requests[Index].Block.Status == STATUS_SUCCESS ? &Ticked :
                Requests[Index].Block.Status == STATUS_CANCELLED ? &Cancelled : &Odd);
    }
    CloseHandle(File);
    return 0;
}

static void
Races(void)
{
    HANDLE  Threads[4];
    REQUEST First, Last;

    Promise("StartIo, DPC and cancel race: each request ends once, each tick is counted once");
    Ended = 0;
    Tick(Device, &First, 0);
    WaitForEnds(1);
    for (int Index = 0; Index < 4; Index++)
        Threads[Index] = CreateThread(NULL, 0, Racer, NULL, 0, NULL);
    WaitForMultipleObjects(4, Threads, TRUE, INFINITE);
    for (int Index = 0; Index < 4; Index++)
        CloseHandle(Threads[Index]);
    Tick(Device, &Last, 0);
    WaitForEnds(2);
    Expect(Odd == 0 && Ticked + Cancelled == 4 * ROUNDS * AT_ONCE, "%ld ticked, %ld cancelled",
        Ticked, Cancelled);
    Expect(Ticked > 0 && Cancelled > 0, "%ld ticked, %ld cancelled", Ticked, Cancelled);
    Expect(Last.Number - First.Number - 1 == (ULONGLONG)Ticked, "%llu ticks for %ld requests",
        Last.Number - First.Number - 1, Ticked);
}

int
main(int Count, char **Arguments)
{
    NTSTATUS Status;

    if (Count > 1)
        return RunChild();
    Promise("ticker.sys loads");
    Status = StartDriver("ticker");
    Expect(Status == STATUS_SUCCESS, "status 0x%08lX", Status);
    Device = Open();
    Expect(Device != INVALID_HANDLE_VALUE, "open: %lu", GetLastError());

    Ticks();
    Refuses();
    Ends();
    Killed(Arguments[0]);
    Races();

    Promise("After the last close the driver unloads");
    CloseHandle(Device);
    Status = StopDriver("ticker");
    Expect(Status == STATUS_SUCCESS, "status 0x%08lX", Status);
    return Done("tticker");
}
