/*
 * A read that waits in pipe.sys, is completed by a write of the same program, and tells it so by
 * an event, by an APC, or through a completion port; the figure holds both requests. And many
 * pipes at once: a byte through one pair of opens, and through each of a thousand in turn. And an
 * inverted call: a request parked in inverted.sys, answered with news, taken.
 */
#include "bench.h"
#include <winioctl.h>
#include "drivers/pipe/pipe_ioctl.h"
#include "drivers/inverted/inverted_ioctl.h"
#include <stdio.h>

#define PAIRS 1000

static HANDLE Reader, Writer, Event;
static HANDLE Readers[PAIRS], Writers[PAIRS];
static ULONG  Arrived, PairCount;
static LARGE_INTEGER Zero;              // asynchronous files want an offset

static void
RunByEvent(ULONG Count)
{
    IO_STATUS_BLOCK Iosb;
    DWORD           Done;
    char            Byte;

    while (Count--) {
        NtReadFile(Reader, Event, NULL, NULL, &Iosb, &Byte, 1, &Zero, NULL);
        WriteFile(Writer, "x", 1, &Done, NULL);
        NtWaitForSingleObject(Event, FALSE, NULL);
    }
}

static VOID NTAPI
Arrive(PVOID Context, PIO_STATUS_BLOCK Iosb, ULONG Reserved)
{
    Arrived += (ULONG)Iosb->Information;
}

static void
RunByApc(ULONG Count)
{
    IO_STATUS_BLOCK Iosb;
    DWORD           Done;
    char            Byte;

    while (Count--) {
        NtReadFile(Reader, NULL, Arrive, NULL, &Iosb, &Byte, 1, &Zero, NULL);
        WriteFile(Writer, "x", 1, &Done, NULL);
        NtTestAlert();
    }
}

static HANDLE Port;

static void
RunByPort(ULONG Count)
{
    OVERLAPPED   Request = { 0 }, *Ended;
    ULONG_PTR    Key;
    DWORD        Done;
    char         Byte;

    while (Count--) {
        ReadFile(Reader, &Byte, 1, NULL, &Request);
        WriteFile(Writer, "x", 1, &Done, NULL);
        GetQueuedCompletionStatus(Port, &Done, &Key, &Ended, INFINITE);
    }
}

static void
MeasurePort(void)
{
    Port = CreateIoCompletionPort(Reader, NULL, 1, 0);
    Require(Port != NULL, "making a completion port");
    Measure("async-read-port", 1000, RunByPort);
    CloseHandle(Port);
}

static HANDLE
Open(const char *Name, DWORD Access, DWORD Flags)
{
    ULONG           Waits = PIPE_WAIT_READ | PIPE_WAIT_WRITE;
    IO_STATUS_BLOCK Iosb;
    HANDLE          Handle = CreateFileA(Name, Access, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
        OPEN_EXISTING, Flags, NULL);

    Require(Handle != INVALID_HANDLE_VALUE, "opening a pipe");
    Require(NT_SUCCESS(NtDeviceIoControlFile(Handle, NULL, NULL, NULL, &Iosb, IOCTL_PIPE_SET_WAIT,
        &Waits, sizeof Waits, NULL, 0)), "asking to wait");
    return Handle;
}

void
BenchAsynchronous(void)
{
    Reader = Open("\\\\.\\Example\\ASYNC", GENERIC_READ, FILE_FLAG_OVERLAPPED);
    Writer = Open("\\\\.\\Example\\ASYNC", GENERIC_WRITE, 0);
    Event = CreateEventW(NULL, FALSE, FALSE, NULL);
    Measure("async-read-event", 1000, RunByEvent);
    Measure("async-read-apc", 1000, RunByApc);
    Require(Arrived == 1000 * (BATCHES + 1), "an APC for each read");
    MeasurePort();
    CloseHandle(Event);
    CloseHandle(Reader);
    CloseHandle(Writer);
}

static void
RunPairs(ULONG Count)
{
    DWORD Done;
    char  Byte;

    for (ULONG Index = 0; Index < Count; Index++) {
        WriteFile(Writers[Index % PairCount], "x", 1, &Done, NULL);
        ReadFile(Readers[Index % PairCount], &Byte, 1, &Done, NULL);
    }
}

void
BenchPairs(void)
{
    char Name[40];

    for (ULONG Index = 0; Index < PAIRS; Index++) {
        _snprintf(Name, sizeof Name, "\\\\.\\Example\\PAIR%lu", Index);
        Writers[Index] = Open(Name, GENERIC_WRITE, 0);
        Readers[Index] = Open(Name, GENERIC_READ, 0);
        if (Index == 0) {
            PairCount = 1;
            Measure("pairs-1", 1000, RunPairs);
        }
    }
    PairCount = PAIRS;
    Measure("pairs-1000", 1000, RunPairs);
    for (ULONG Index = 0; Index < PAIRS; Index++) {
        CloseHandle(Writers[Index]);
        CloseHandle(Readers[Index]);
    }
}

static void
RunInverted(ULONG Count)
{
    IO_STATUS_BLOCK Iosb;
    INVERTED_NEWS   News;
    DWORD           Done;

    while (Count--) {
        NtDeviceIoControlFile(Reader, Event, NULL, NULL, &Iosb, IOCTL_INVERTED_WAIT, NULL, 0, &News,
            sizeof News);
        DeviceIoControl(Writer, IOCTL_INVERTED_TELL, "news", 4, NULL, 0, &Done, NULL);
        NtWaitForSingleObject(Event, FALSE, NULL);
    }
}

void
BenchInverted(void)
{
    static const WCHAR Name[] = L"\\\\.\\Inverted";
    UNICODE_STRING     Service;
    NTSTATUS           Status;

    RtlInitUnicodeString(&Service,
        L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\inverted");
    Status = NtLoadDriver(&Service);
    Require(NT_SUCCESS(Status) || Status == STATUS_IMAGE_ALREADY_LOADED, "loading inverted.sys");
    Reader = CreateFileW(Name, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
        OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
    Writer = CreateFileW(Name, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
        OPEN_EXISTING, 0, NULL);
    Require(Reader != INVALID_HANDLE_VALUE && Writer != INVALID_HANDLE_VALUE, "opening it");
    Event = CreateEventW(NULL, FALSE, FALSE, NULL);
    Measure("inverted-call", 1000, RunInverted);
    CloseHandle(Event);
    CloseHandle(Reader);
    CloseHandle(Writer);
    NtUnloadDriver(&Service);
}
