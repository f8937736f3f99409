/*
 * serial.sys with the time-outs that programs set, on a COM3 whose other end echoes what it gets.
 */
#include "sdk/ntapi.h"
#include "user/lib/testing.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ECHO_MS 2000                        // within which a short echo is back, as a rule

static HANDLE Port;
static char   Data[64];

static void
SetTimeouts(DWORD Interval, DWORD Multiplier, DWORD Constant)
{
    COMMTIMEOUTS Timeouts = { Interval, Multiplier, Constant, 0, 0 };

    Expect(SetCommTimeouts(Port, &Timeouts), "set: %lu", GetLastError());
}

/*
 * Writes Text, which comes back, and reads into Room bytes; how many came, or -1. A read whose
 * time was up before a busy host had sent all of it back is followed by another.
 */
static int
WriteAndRead(const char *Text, ULONG Room)
{
    DWORD Length = (DWORD)strlen(Text), Done, Sum = 0;

    memset(Data, 0, sizeof Data);
    if (Length && !WriteFile(Port, Text, Length, &Done, NULL))
        return -1;
    for (int Try = 0; Try == 0 || (Sum < Length && Try < 10); Try++) {
        if (!ReadFile(Port, Data + Sum, Room - Sum, &Done, NULL))
            return -1;
        Sum += Done;
    }
    return (int)Sum;
}

static void
Fills(void)
{
    int Done;

    Promise("With no limits a read waits until its buffer is full");
    SetTimeouts(0, 0, 0);
    Done = WriteAndRead("0123456789", 10);
    Expect(Done == 10 && memcmp(Data, "0123456789", 10) == 0, "%d bytes", Done);

    Promise("With a total time it ends at the latest then, with what there is");
    SetTimeouts(0, 1, ECHO_MS);
    Done = WriteAndRead("abc", 20);
    Expect(Done == 3 && memcmp(Data, "abc", 3) == 0, "%d bytes", Done);
    SetTimeouts(0, 1, 50);
    Done = WriteAndRead("", 20);
    Expect(Done == 0, "%d bytes from a silent line", Done);
    SetTimeouts(0, 1, ECHO_MS);
    Done = WriteAndRead("abcdef", 6);
    Expect(Done == 6, "%d bytes", Done);

    Promise("With an interval it ends when the line falls silent, but not before the first byte");
    SetTimeouts(ECHO_MS, 0, 0);
    Done = WriteAndRead("interval", 40);
    Expect(Done == 8, "%d bytes", Done);
}

static void
AtOnce(void)
{
    DWORD Start = GetTickCount();
    int   Done;

    Promise("A read for what is there returns at once");
    SetTimeouts(MAXDWORD, 0, 0);
    Done = WriteAndRead("", 10);
    Expect(Done == 0 && GetTickCount() - Start < 5000, "%d bytes after %lu ms", Done,
        GetTickCount() - Start);

    Promise("A read for the first byte returns with it, or when the time is up");
    SetTimeouts(MAXDWORD, MAXDWORD, 20000);
    Done = WriteAndRead("x", 10);
    Expect(Done == 1 && Data[0] == 'x', "%d bytes", Done);
    SetTimeouts(MAXDWORD, MAXDWORD, 50);
    Done = WriteAndRead("", 10);
    Expect(Done == 0, "%d bytes", Done);
}

/* A read that is cancelled takes no byte with it; a limit can be set while it waits. */
static DWORD WINAPI
LateLimit(PVOID Context)
{
    COMMTIMEOUTS Timeouts = { 0, 0, 30, 0, 0 };
    HANDLE       File = *(PHANDLE)Context;

    return !SetCommTimeouts(File, &Timeouts);
}

static void
Changes(void)
{
    COMMTIMEOUTS    Timeouts = { MAXDWORD, MAXDWORD, MAXDWORD, 0, 0 };
    HANDLE          Thread, Event = CreateEventA(NULL, TRUE, FALSE, NULL);
    IO_STATUS_BLOCK Block, Cancel;
    LARGE_INTEGER   Start = { 0 };
    NTSTATUS        Status;
    DWORD           Code;

    Promise("Impossible limits are refused, and those that hold can be read back");
    Expect(!SetCommTimeouts(Port, &Timeouts) && GetLastError() == ERROR_INVALID_PARAMETER, "set");
    SetTimeouts(1, 2, 3);
    Expect(GetCommTimeouts(Port, &Timeouts) && Timeouts.ReadIntervalTimeout == 1 &&
        Timeouts.ReadTotalTimeoutMultiplier == 2 && Timeouts.ReadTotalTimeoutConstant == 3, "get");

    Promise("A read can be cancelled while its time runs, and a new limit reaches one that waits");
    CloseHandle(Port);
    Port = CreateFileA("\\\\.\\COM3", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
        FILE_FLAG_OVERLAPPED, NULL);
    SetTimeouts(0, 0, 3600 * 1000);
    Status = NtReadFile(Port, Event, NULL, NULL, &Block, Data, 10, &Start, NULL);
    Expect(Status == STATUS_PENDING, "status 0x%08lX", Status);
    NtCancelIoFile(Port, &Cancel);
    Expect(Block.Status == STATUS_CANCELLED, "status 0x%08lX", Block.Status);
    NtReadFile(Port, Event, NULL, NULL, &Block, Data, 10, &Start, NULL);
    Thread = CreateThread(NULL, 0, LateLimit, &Port, 0, NULL);
    WaitForSingleObject(Event, INFINITE);
    Expect(Block.Status == STATUS_TIMEOUT && Block.Information == 0, "status 0x%08lX",
        Block.Status);
    WaitForSingleObject(Thread, INFINITE);
    GetExitCodeThread(Thread, &Code);
    Expect(Code == 0, "the limit could not be set");
    CloseHandle(Thread);
    CloseHandle(Event);
}

/* In milliseconds this is just above 2^64 units of the driver's clock: 58 thousand years. */
#define LONG_WRITE  430000u
#define LONG_TIME   1844674407370956ull

static DWORD WINAPI
Flusher(PVOID Context)
{
    return FlushFileBuffers(*(PHANDLE)Context) ? 0 : GetLastError();
}

static void
LongWrite(void)
{
    COMMTIMEOUTS    Timeouts = { MAXDWORD, 0, 0, (DWORD)(LONG_TIME / LONG_WRITE),
                                 (DWORD)(LONG_TIME % LONG_WRITE) };
    HANDLE          Threads[4], Event = CreateEventA(NULL, TRUE, FALSE, NULL);
    IO_STATUS_BLOCK Block;
    LARGE_INTEGER   Start = { 0 };
    PVOID           Text = calloc(1, LONG_WRITE);
    DWORD           Code;

    Promise("The largest total time of a long write is not taken for none");
    Expect(SetCommTimeouts(Port, &Timeouts), "set: %lu", GetLastError());
    NtWriteFile(Port, Event, NULL, NULL, &Block, Text, LONG_WRITE, &Start, NULL);
    for (int Index = 0; Index < 4; Index++)
        Threads[Index] = CreateThread(NULL, 0, Flusher, &Port, 0, NULL);
    WaitForSingleObject(Event, INFINITE);
    Expect(Block.Status == STATUS_SUCCESS && Block.Information == LONG_WRITE,
        "status 0x%08lX, %llu bytes", Block.Status, (ULONG64)Block.Information);

    Promise("Threads that flush the port meanwhile are all told that what was in it has left");
    for (int Index = 0; Index < 4; Index++) {
        WaitForSingleObject(Threads[Index], INFINITE);
        GetExitCodeThread(Threads[Index], &Code);
        Expect(Code == 0, "thread %d: error %lu", Index, Code);
        CloseHandle(Threads[Index]);
    }
    CloseHandle(Event);
    free(Text);
}

int
main(void)
{
    Promise("COM3 opens, once");
    Port = CreateFileA("\\\\.\\COM3", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0,
        NULL);
    Expect(Port != INVALID_HANDLE_VALUE, "open: %lu", GetLastError());
    Expect(CreateFileA("\\\\.\\COM3", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL)
        == INVALID_HANDLE_VALUE, "a port is exclusive, but opened twice");
    Fills();
    AtOnce();
    Changes();
    LongWrite();
    CloseHandle(Port);
    return Done("tserial");
}
