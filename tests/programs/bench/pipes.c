/*
 * pipe.sys through WriteFile and ReadFile, in one process: what was written is read back at once,
 * so nothing waits.
 */
#include "bench.h"
#include <winioctl.h>
#include "drivers/pipe/pipe_ioctl.h"
#include <stdio.h>
#include <stdlib.h>

static char   Out[65536], In[65536];
static HANDLE Pipe;
static DWORD  Size;

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
    ULONG Capacity = sizeof Out;
    DWORD Done;

    Pipe = CreateFileW(L"\\\\.\\Example\\BENCH", GENERIC_READ | GENERIC_WRITE, 0, NULL,
        OPEN_EXISTING, 0, NULL);
    Require(Pipe != INVALID_HANDLE_VALUE, "opening a pipe");
    Require(DeviceIoControl(Pipe, IOCTL_PIPE_SET_SIZE, &Capacity, sizeof Capacity, NULL, 0, &Done,
        NULL), "setting its size");
    WriteRead(1, 1000);
    WriteRead(512, 1000);
    WriteRead(4096, 1000);
    WriteRead(65536, 100);
    CloseHandle(Pipe);
}
