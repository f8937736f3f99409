/*
 * pipe.sys through WriteFile and ReadFile, with opens that ask to wait. In one process what was
 * written is read back at once. Between two processes, the other one is this program again: it
 * answers each byte with one (echo), or reads until the end of the file (drain).
 */
#include "bench.h"
#include <winioctl.h>
#include "drivers/pipe/pipe_ioctl.h"
#include <stdio.h>
#include <stdlib.h>

#define CAPACITY 65536

static char   Out[CAPACITY], In[CAPACITY];
static HANDLE Pipe, Back;
static DWORD  Size;

static HANDLE
OpenPipe(const char *Name, DWORD Access)
{
    ULONG  Capacity = CAPACITY, Waits = PIPE_WAIT_READ | PIPE_WAIT_WRITE;
    char   Path[64];
    HANDLE Handle;
    DWORD  Done;

    _snprintf(Path, sizeof Path, "\\\\.\\Example\\%s", Name);
    Handle = CreateFileA(Path, Access, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0,
        NULL);
    Require(Handle != INVALID_HANDLE_VALUE, "opening a pipe");
    Require(DeviceIoControl(Handle, IOCTL_PIPE_SET_WAIT, &Waits, sizeof Waits, NULL, 0, &Done,
        NULL), "asking to wait");
    if (Access & GENERIC_WRITE)
        Require(DeviceIoControl(Handle, IOCTL_PIPE_SET_SIZE, &Capacity, sizeof Capacity, NULL, 0,
            &Done, NULL), "setting a pipe's size");
    return Handle;
}

static void
RunWriteRead(ULONG Count)
{
    DWORD Done;

    while (Count--) {
        WriteFile(Pipe, Out, Size, &Done, NULL);
        ReadFile(Pipe, In, Size, &Done, NULL);
    }
}

static void
WriteRead(DWORD Bytes, ULONG Count)
{
    char  Name[32];
    DWORD Done = 0;

    Size = Bytes;
    Require(WriteFile(Pipe, Out, Size, &Done, NULL) && Done == Size, "a write");
    Require(ReadFile(Pipe, In, Size, &Done, NULL) && Done == Size, "a read");
    _snprintf(Name, sizeof Name, "write-read-%lu", Bytes);
    Measure(Name, Count, RunWriteRead);
}

void
BenchPipes(void)
{
    Pipe = OpenPipe("BENCH", GENERIC_READ | GENERIC_WRITE);
    WriteRead(1, 1000);
    WriteRead(512, 1000);
    WriteRead(4096, 1000);
    WriteRead(65536, 100);
    CloseHandle(Pipe);
}

static void
RunPingPong(ULONG Count)
{
    DWORD Done;

    while (Count--) {
        WriteFile(Pipe, Out, 1, &Done, NULL);
        ReadFile(Back, In, 1, &Done, NULL);
    }
}

static void
RunStream(ULONG Count)
{
    DWORD Done;

    while (Count--)
        WriteFile(Pipe, Out, Size, &Done, NULL);
}

static void
Stream(const char *Name, DWORD Bytes, ULONG Count)
{
    char   Line[32];
    HANDLE Other;

    Size = Bytes;
    Pipe = OpenPipe("STREAM", GENERIC_WRITE);
    _snprintf(Line, sizeof Line, "bench drain %lu", Bytes);
    Other = StartOther(Line);
    Measure(Name, Count, RunStream);
    CloseHandle(Pipe);
    EndOther(Other);
}

void
BenchProcesses(void)
{
    HANDLE Other;
    DWORD  Done;

    Pipe = OpenPipe("PING", GENERIC_WRITE);
    Back = OpenPipe("PONG", GENERIC_READ);
    Other = StartOther("bench echo");
    Require(WriteFile(Pipe, Out, 1, &Done, NULL) && ReadFile(Back, In, 1, &Done, NULL) && Done == 1,
        "a round trip");
    Measure("pingpong-1", 1000, RunPingPong);
    CloseHandle(Pipe);
    EndOther(Other);
    CloseHandle(Back);
    Stream("stream-4096", 4096, 256);
    Stream("stream-65536", 65536, 32);
}

/* The other process. */
void
PlayEcho(void)
{
    HANDLE Ping = OpenPipe("PING", GENERIC_READ), Pong = OpenPipe("PONG", GENERIC_WRITE);
    DWORD  Done;

    while (ReadFile(Ping, In, 1, &Done, NULL) && Done == 1)
        WriteFile(Pong, In, 1, &Done, NULL);
}

void
PlayDrain(ULONG Bytes)
{
    HANDLE Stream = OpenPipe("STREAM", GENERIC_READ);
    DWORD  Done;

    while (ReadFile(Stream, In, Bytes, &Done, NULL) && Done > 0)
        ;
}
