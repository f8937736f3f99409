/*
 * ticker [MILLISECONDS]...: sends ticker.sys one request for each number, all at once, and says
 * when each is done: one after the other, in this order. Ctrl-C cancels them all.
 */
#include <windows.h>
#include <winioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../lib/status.h"
#include "drivers/ticker/ticker_ioctl.h"

#define PROGRAM     "ticker"
#define MAX_TICKS   32

static ULONG      Milliseconds[MAX_TICKS];
static ULONGLONG  Numbers[MAX_TICKS];
static OVERLAPPED Overlapped[MAX_TICKS];

static int
Send(HANDLE Device, int Count)
{
    for (int Index = 0; Index < Count; Index++) {
        Overlapped[Index].hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
        if (!DeviceIoControl(Device, IOCTL_TICKER_TICK, &Milliseconds[Index], sizeof(ULONG),
                &Numbers[Index], sizeof(ULONGLONG), NULL, &Overlapped[Index]) &&
            GetLastError() != ERROR_IO_PENDING)
            return FailLast(PROGRAM, "the driver refuses %lu ms", Milliseconds[Index]);
    }
    printf("%d request%s sent.\n", Count, Count == 1 ? " is" : "s are");
    fflush(stdout);
    return 0;
}

static int
Await(HANDLE Device, int Count)
{
    ULONG Start = GetTickCount();
    DWORD Done;

    for (int Index = 0; Index < Count; Index++) {
        if (!GetOverlappedResult(Device, &Overlapped[Index], &Done, TRUE))
            return FailLast(PROGRAM, "request %d failed", Index + 1);
        printf("tick %llu: %lu ms, done after %lu ms\n", Numbers[Index], Milliseconds[Index],
            GetTickCount() - Start);
        fflush(stdout);
    }
    return 0;
}

int
main(int Count, char **Arguments)
{
    HANDLE Device;
    int    Result;

    if (Count < 2 || Count > MAX_TICKS + 1) {
        fprintf(stderr, "usage: %s MILLISECONDS...    up to %d ticks, one after the other\n",
                PROGRAM, MAX_TICKS);
        return 2;
    }
    for (int Index = 1; Index < Count; Index++)
        Milliseconds[Index - 1] = strtoul(Arguments[Index], NULL, 0);
    Device = CreateFileA("\\\\.\\Ticker", 0, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
        OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
    if (Device == INVALID_HANDLE_VALUE) {
        Result = FailLast(PROGRAM, "cannot open \\\\.\\Ticker");
        fprintf(stderr, "%s: `sc start ticker` loads the driver.\n", PROGRAM);
        return Result;
    }
    Result = Send(Device, Count - 1);
    return Result ? Result : Await(Device, Count - 1);
}
