/* wdkstyle.sys, a driver written as the WDK's samples are, used by a program. */
#include "sdk/ntapi.h"
#include "user/lib/testing.h"
#include <stdio.h>
#include <string.h>

static HANDLE
Open(DWORD Flags)
{
    return CreateFileA("\\\\.\\WdkStyle", GENERIC_READ, 0, NULL, OPEN_EXISTING, Flags, NULL);
}

static void
Reads(void)
{
    HANDLE File = Open(0);
    char   Answer[16] = "";
    DWORD  Done = 0;

    Promise("A driver in the style of the WDK's samples loads and answers from its own thread");
    Expect(File != INVALID_HANDLE_VALUE, "open: %lu", GetLastError());
    Expect(ReadFile(File, Answer, sizeof Answer, &Done, NULL), "read: %lu", GetLastError());
    Expect(Done == 9 && strcmp(Answer, "answer 42") == 0, "%lu bytes, %s", Done, Answer);
    Expect(!ReadFile(File, Answer, 0, &Done, NULL)
        && RtlGetLastNtStatus() == STATUS_BUFFER_TOO_SMALL, "no room: 0x%08lX",
        RtlGetLastNtStatus());
    CloseHandle(File);
}

static void
Closes(void)
{
    OVERLAPPED Overlapped = { .hEvent = CreateEventA(NULL, TRUE, FALSE, NULL) };
    HANDLE     File;
    char       Answer[16];
    NTSTATUS   Status;

    Promise("Its device is the administrators' alone");
    Expect(RunProgram("runas student twdkstyle open") == ERROR_ACCESS_DENIED, "the student");

    Promise("Reads are answered or cancelled when their file is closed, and nothing is left");
    for (int Round = 0; Round < 200; Round++) {
        File = Open(FILE_FLAG_OVERLAPPED);
        ResetEvent(Overlapped.hEvent);
        ReadFile(File, Answer, sizeof Answer, NULL, &Overlapped);
        CloseHandle(File);
        WaitForSingleObject(Overlapped.hEvent, INFINITE);
        Status = (NTSTATUS)Overlapped.Internal;
        Expect(Status == STATUS_SUCCESS || Status == STATUS_CANCELLED, "0x%08lX", Status);
    }
    CloseHandle(Overlapped.hEvent);
}

int
main(int Count, char **Arguments)
{
    NTSTATUS Status;

    if (Count > 1)
        return Open(0) == INVALID_HANDLE_VALUE ? (int)GetLastError() : 0;
    Status = StartDriver("wdkstyle");
    Reads();
    Closes();
    Promise("It unloads");
    Expect(Status == STATUS_SUCCESS, "start: 0x%08lX", Status);
    Status = StopDriver("wdkstyle");
    Expect(Status == STATUS_SUCCESS, "stop: 0x%08lX", Status);
    ExpectTag("Styl", 0);
    return Done("twdkstyle");
}
