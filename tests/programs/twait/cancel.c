/* What waits is cancelled, closed, or ended with its process; the others' bytes are untouched. */
#include "twait.h"

#define MANY 200

static HANDLE
Overlapped(DWORD Access)
{
    return Open("TWAIT", Access, FILE_FLAG_OVERLAPPED, WAIT_BOTH);
}

static void
TestCancelIo(void)
{
    HANDLE     Asynchronous = Overlapped(GENERIC_READ | GENERIC_WRITE);
    HANDLE     Watch = Open("TWAIT", GENERIC_READ | GENERIC_WRITE, 0, 0);
    OVERLAPPED Requests[MANY];
    char       Data[MANY];
    DWORD      Done, Wrong = 0;

    Promise("Two hundred reads that wait are all cancelled, and take nothing");
    memset(Requests, 0, sizeof Requests);
    for (int Index = 0; Index < MANY; Index++)
        if (ReadFile(Asynchronous, Data + Index, 1, NULL, &Requests[Index]) ||
            GetLastError() != ERROR_IO_PENDING)
            Wrong++;
    Expect(Wrong == 0 && Traffic(Watch).ReadsWaiting == MANY, "%lu wrong, %lu wait", Wrong,
        Traffic(Watch).ReadsWaiting);
    Expect(CancelIo(Asynchronous), "CancelIo: %lu", GetLastError());
    for (int Index = 0; Index < MANY; Index++)
        if (GetOverlappedResult(Asynchronous, &Requests[Index], &Done, TRUE) || Done != 0 ||
            (NTSTATUS)Requests[Index].Internal != STATUS_CANCELLED)
            Wrong++;
    Expect(Wrong == 0 && Traffic(Watch).ReadsWaiting == 0, "%lu wrong, %lu wait", Wrong,
        Traffic(Watch).ReadsWaiting);
    Expect(WriteNow(Watch, "abc", 3, &Done) == STATUS_SUCCESS && Done == 3, "a write after it");
    Expect(ReadNow(Watch, Data, 10, &Done) == STATUS_SUCCESS && Done == 3, "read back: %lu", Done);

    Promise("A cancelled write says how much of it is in, and that much can be read");
    Expect(Set(Watch, IOCTL_PIPE_SET_SIZE, 4), "size 4");
    memset(Requests, 0, sizeof Requests);
    WriteFile(Asynchronous, "0123456789", 10, NULL, &Requests[0]);
    WriteFile(Asynchronous, "abc", 3, NULL, &Requests[1]);
    Expect(Traffic(Watch).WritesWaiting == 2, "%lu wait", Traffic(Watch).WritesWaiting);
    Expect(ReadNow(Watch, Data, 3, &Done) == STATUS_SUCCESS && Done == 3, "a read of 3");
    Expect(CancelIo(Asynchronous), "CancelIo: %lu", GetLastError());
    GetOverlappedResult(Asynchronous, &Requests[0], &Done, TRUE);
    Expect((NTSTATUS)Requests[0].Internal == STATUS_CANCELLED && Requests[0].InternalHigh == 7,
        "0x%08lX, %llu", (ULONG)Requests[0].Internal, Requests[0].InternalHigh);
    GetOverlappedResult(Asynchronous, &Requests[1], &Done, TRUE);
    Expect((NTSTATUS)Requests[1].Internal == STATUS_CANCELLED && Requests[1].InternalHigh == 0,
        "0x%08lX, %llu", (ULONG)Requests[1].Internal, Requests[1].InternalHigh);
    Expect(ReadNow(Watch, Data, 10, &Done) == STATUS_SUCCESS && Done == 4 &&
        memcmp(Data, "3456", 4) == 0, "%lu bytes", Done);
    Expect(Balanced(Watch), "the counters");
    CloseHandle(Asynchronous);
    CloseHandle(Watch);
}

static void
TestClose(void)
{
    HANDLE     First = Overlapped(GENERIC_READ), Second = Overlapped(GENERIC_READ);
    HANDLE     Writer = Open("TWAIT", GENERIC_WRITE, 0, WAIT_BOTH);
    OVERLAPPED One = { .hEvent = CreateEventW(NULL, TRUE, FALSE, NULL) };
    OVERLAPPED Two = { .hEvent = CreateEventW(NULL, TRUE, FALSE, NULL) };
    char       Data[2][10];
    DWORD      Done;

    Promise("Closing a handle ends its own reads; those of others go on");
    ReadFile(First, Data[0], 10, NULL, &One);
    ReadFile(Second, Data[1], 10, NULL, &Two);
    Expect(Traffic(Writer).ReadsWaiting == 2, "%lu wait", Traffic(Writer).ReadsWaiting);
    CloseHandle(First);
    Expect(WaitForSingleObject(One.hEvent, 10000) == WAIT_OBJECT_0 &&
        (NTSTATUS)One.Internal == STATUS_CANCELLED, "0x%08lX", (ULONG)One.Internal);
    Expect(Traffic(Writer).ReadsWaiting == 1, "%lu wait", Traffic(Writer).ReadsWaiting);
    Expect(WriteNow(Writer, "xyz", 3, &Done) == STATUS_SUCCESS, "the write");
    Expect(WaitForSingleObject(Two.hEvent, 10000) == WAIT_OBJECT_0 && Two.InternalHigh == 3,
        "0x%08lX, %llu", (ULONG)Two.Internal, Two.InternalHigh);
    CloseHandle(Second);
    CloseHandle(Writer);
    CloseHandle(One.hEvent);
    CloseHandle(Two.hEvent);
}

void
TestCancel(void)
{
    TestCancelIo();
    TestClose();
}
