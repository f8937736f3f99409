/*
 * inverted.sys from a program: requests parked by the thousand and answered, cancelled, closed,
 * or left behind by a killed process; each ends exactly once.
 */
#include "sdk/ntapi.h"
#include <winioctl.h>
#include "user/lib/testing.h"
#include "drivers/inverted/inverted_ioctl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY        4000
#define ROUNDS      1500
#define AT_ONCE     8

typedef struct _REQUEST {
    IO_STATUS_BLOCK Block;
    INVERTED_NEWS   News;
} REQUEST, *PREQUEST;

typedef struct _RACE {
    HANDLE        Thread;
    volatile LONG Answered, Cancelled, Odd;
} RACE, *PRACE;

static __thread ULONG Ended;                    // calls of CountEnd in this thread
static volatile LONG  Waiters;
static HANDLE         Device;                   // asynchronous

static HANDLE
Open(DWORD Flags)
{
    return CreateFileA("\\\\.\\Inverted", GENERIC_READ | GENERIC_WRITE,
        FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, Flags, NULL);
}

static void NTAPI
CountEnd(PVOID Context, PIO_STATUS_BLOCK Block, ULONG Reserved)
{
    Ended++;
}

static NTSTATUS
Park(HANDLE File, PREQUEST Request)
{
    memset(Request, 0, sizeof *Request);
    Request->Block.Status = STATUS_PENDING;
    return NtDeviceIoControlFile(File, NULL, (PVOID)CountEnd, NULL, &Request->Block,
        IOCTL_INVERTED_WAIT, NULL, 0, &Request->News, sizeof Request->News);
}

/* Parks MANY requests; FALSE if one was not pending. */
static BOOL
ParkMany(HANDLE File, PREQUEST Requests)
{
    for (ULONG Index = 0; Index < MANY; Index++)
        if (Park(File, &Requests[Index]) != STATUS_PENDING)
            return FALSE;
    return TRUE;
}

static ULONG
Tell(const char *Text)
{
    IO_STATUS_BLOCK Block;
    HANDLE          Event = CreateEventA(NULL, TRUE, FALSE, NULL);
    ULONG           Told = (ULONG)-1;

    if (NtDeviceIoControlFile(Device, Event, NULL, NULL, &Block, IOCTL_INVERTED_TELL, (PVOID)Text,
            (ULONG)strlen(Text), &Told, sizeof Told) == STATUS_PENDING)
        WaitForSingleObject(Event, INFINITE);
    CloseHandle(Event);
    return Told;
}

static void
WaitForEnds(ULONG Count)
{
    while (Ended < Count)
        SleepEx(INFINITE, TRUE);
}

/* How many of MANY requests ended with Status and, if successful, with Text. */
static ULONG
CountWith(PREQUEST Requests, NTSTATUS Status, const char *Text)
{
    ULONG Count = 0;

    for (ULONG Index = 0; Index < MANY; Index++)
        Count += Requests[Index].Block.Status == Status &&
            (Status || (Requests[Index].Block.Information == sizeof(INVERTED_NEWS) &&
                Requests[Index].News.Length == strlen(Text) &&
                memcmp(Requests[Index].News.Text, Text, strlen(Text)) == 0));
    return Count;
}

static void
Answers(PREQUEST Requests)
{
    REQUEST   Again;
    ULONG     Told;
    ULONGLONG Sequence;

    Promise("News reaches every request that was waiting, once, with the data");
    Expect(Tell("nobody") == 0, "somebody was waiting");
    Ended = 0;
    Expect(ParkMany(Device, Requests), "not pending");
    Told = Tell("first");
    Expect(Told == MANY, "%lu were told", Told);
    WaitForEnds(MANY);
    Expect(CountWith(Requests, STATUS_SUCCESS, "first") == MANY, "not all have it");
    Sequence = Requests[0].News.Sequence;

    Promise("A request that comes after the news waits for the next, whose number is one higher");
    Ended = 0;
    Expect(Park(Device, &Again) == STATUS_PENDING, "not pending");
    Expect(Tell("second") == 1, "told");
    WaitForEnds(1);
    Expect(Again.News.Sequence == Sequence + 1, "%llu after %llu", Again.News.Sequence, Sequence);
}

static void
Refuses(void)
{
    IO_STATUS_BLOCK Block;
    CHAR            Buffer[INVERTED_MAX_TEXT + 1] = { 0 };
    HANDLE          Reader = CreateFileA("\\\\.\\Inverted", GENERIC_READ,
        FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);

    Promise("Wrong lengths, codes and rights are refused");
    Expect(NtDeviceIoControlFile(Reader, NULL, NULL, NULL, &Block, IOCTL_INVERTED_WAIT, NULL, 0,
        Buffer, sizeof(INVERTED_NEWS) - 1) == STATUS_BUFFER_TOO_SMALL, "short output");
    Expect(NtDeviceIoControlFile(Reader, NULL, NULL, NULL, &Block, IOCTL_INVERTED_TELL, Buffer, 1,
        NULL, 0) == STATUS_ACCESS_DENIED, "told by a reader");
    Expect(NtDeviceIoControlFile(Device, NULL, NULL, NULL, &Block, IOCTL_INVERTED_TELL, Buffer,
        sizeof Buffer, NULL, 0) == STATUS_INFO_LENGTH_MISMATCH, "long text");
    Expect(NtDeviceIoControlFile(Device, NULL, NULL, NULL, &Block, IOCTL_INVERTED_TELL + 4, Buffer,
        1, NULL, 0) == STATUS_INVALID_DEVICE_REQUEST, "unknown code");
    CloseHandle(Reader);
}

static void
Ends(PREQUEST Requests)
{
    HANDLE          File = Open(FILE_FLAG_OVERLAPPED);
    IO_STATUS_BLOCK Block;

    Promise("NtCancelIoFile ends thousands of parked requests, all cancelled");
    Ended = 0;
    Expect(ParkMany(File, Requests), "not pending");
    Expect(NtCancelIoFile(File, &Block) == STATUS_SUCCESS, "cancel");
    WaitForEnds(MANY);
    Expect(CountWith(Requests, STATUS_CANCELLED, "") == MANY, "not all are cancelled");
    Expect(Tell("nobody") == 0, "something is left");

    Promise("Closing the handle ends its requests and nobody else's");
    Ended = 0;
    Expect(ParkMany(File, Requests), "not pending");
    Expect(ParkMany(Device, Requests + MANY), "not pending");
    CloseHandle(File);
    WaitForEnds(MANY);
    Expect(CountWith(Requests, STATUS_CANCELLED, "") == MANY, "not all are cancelled");
    Expect(Tell("rest") == MANY, "others were cancelled too");
    WaitForEnds(2 * MANY);
}

static void
Killed(const char *Self)
{
    STARTUPINFOA        Startup = { .cb = sizeof Startup };
    PROCESS_INFORMATION Child;
    HANDLE              Ready = CreateEventA(NULL, TRUE, FALSE, "tinverted-ready");
    ULONG64             Before, Bytes;
    char                Line[64];

    Promise("A process killed with thousands of requests parked leaves none behind");
    PoolTag("File", &Before, &Bytes);
    _snprintf(Line, sizeof Line, "%s child", Self);
    Expect(CreateProcessA(NULL, Line, NULL, NULL, FALSE, 0, NULL, NULL, &Startup, &Child), "start");
    Expect(WaitForSingleObject(Ready, 20000) == WAIT_OBJECT_0, "the child is not ready");
    TerminateProcess(Child.hProcess, 7);
    WaitForSingleObject(Child.hProcess, INFINITE);
    Expect(Tell("nobody") == 0, "something is left");
    CloseHandle(Child.hProcess);
    CloseHandle(Child.hThread);
    CloseHandle(Ready);
    ExpectTag("File", Before);
}

static int
RunChild(void)
{
    HANDLE   Ready = OpenEventA(EVENT_ALL_ACCESS, FALSE, "tinverted-ready");
    PREQUEST Requests = calloc(MANY, sizeof *Requests);

    Device = Open(FILE_FLAG_OVERLAPPED);
    if (Requests == NULL || !ParkMany(Device, Requests))
        return 1;
    SetEvent(Ready);
    WaitForSingleObject(GetCurrentProcess(), INFINITE);
    return 0;
}

/* Parks a few, cancels them in every second round while they are being answered, counts. */
static DWORD WINAPI
Waiter(PVOID Context)
{
    HANDLE          File = Open(FILE_FLAG_OVERLAPPED);
    PRACE           Race = Context;
    REQUEST         Requests[AT_ONCE];
    IO_STATUS_BLOCK Block;

    for (ULONG Round = 0; Round < ROUNDS; Round++) {
        Ended = 0;
        for (ULONG Index = 0; Index < AT_ONCE; Index++)
            Park(File, &Requests[Index]);
        if (Round % 2)
            NtCancelIoFile(File, &Block);
        WaitForEnds(AT_ONCE);
        for (ULONG Index = 0; Index < AT_ONCE; Index++)
            InterlockedIncrement(Requests[Index].Block.Status == STATUS_SUCCESS ? &Race->Answered :
                Requests[Index].Block.Status == STATUS_CANCELLED ? &Race->Cancelled : &Race->Odd);
    }
    CloseHandle(File);
    InterlockedDecrement(&Waiters);
    return 0;
}

static void
Races(void)
{
    static RACE Races[3];
    LONG        Told = 0, Answered = 0, Cancelled = 0, Odd = 0;

    Promise("Answer against cancel: each request ends once, and as many as were told have news");
    Waiters = 3;
    for (int Index = 0; Index < 3; Index++)
        Races[Index].Thread = CreateThread(NULL, 0, Waiter, &Races[Index], 0, NULL);
    // on one processor the waiters go first
    SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_BELOW_NORMAL);
    while (Waiters)
        Told += Tell("news");
    SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_NORMAL);
    for (int Index = 0; Index < 3; Index++) {
        WaitForSingleObject(Races[Index].Thread, INFINITE);
        CloseHandle(Races[Index].Thread);
        Answered += Races[Index].Answered;
        Cancelled += Races[Index].Cancelled;
        Odd += Races[Index].Odd;
    }
    Expect(Odd == 0 && Answered + Cancelled == 3 * ROUNDS * AT_ONCE, "%ld answered, %ld cancelled",
        Answered, Cancelled);
    Expect(Answered == Told, "%ld told, %ld answered", Told, Answered);
}

static void
Stops(PREQUEST Requests)
{
    NTSTATUS Status;
    HANDLE   Late;

    Promise("A driver stopped with thousands parked takes no new files and goes with the last one");
    Ended = 0;
    Expect(ParkMany(Device, Requests), "not pending");
    StopDriver("inverted");
    Late = Open(0);
    Expect(Late == INVALID_HANDLE_VALUE, "a new open succeeded");
    Expect(Tell("late") == MANY, "the parked requests are not answered any more");
    WaitForEnds(MANY);
    Expect(ParkMany(Device, Requests), "not pending");
    CloseHandle(Device);
    WaitForEnds(2 * MANY);
    Status = StartDriver("inverted");
    Expect(Status == STATUS_SUCCESS, "it was not gone: status 0x%08lX", Status);
    Expect(StopDriver("inverted") == STATUS_SUCCESS, "stop");
}

int
main(int Count, char **Arguments)
{
    PREQUEST Requests = calloc(2 * MANY, sizeof *Requests);
    NTSTATUS Status;

    if (Count > 1)
        return RunChild();
    Promise("inverted.sys loads");
    Status = StartDriver("inverted");
    Expect(Status == STATUS_SUCCESS, "status 0x%08lX", Status);
    Device = Open(FILE_FLAG_OVERLAPPED);
    Expect(Device != INVALID_HANDLE_VALUE && Requests != NULL, "open: %lu", GetLastError());

    Answers(Requests);
    Refuses();
    Ends(Requests);
    Killed(Arguments[0]);
    Races();
    Stops(Requests);
    return Done("tinverted");
}
