/*
 * Cancellation from a program: CancelIo, CancelIoEx and CancelSynchronousIo on pipe.sys, whose
 * waits can be cancelled, and on hold.sys, which keeps what it has; what becomes of a thread and a
 * process whose requests are not given back.
 */
#include "tcancel.h"
#include "drivers/pipe/pipe_ioctl.h"

typedef struct _READER {
    HANDLE File, Thread;
    DWORD  Error;                               // of its ReadFile; 0 if that succeeded
} READER;

HANDLE
Open(const char *Name, DWORD Flags)
{
    return CreateFileA(Name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
        NULL, OPEN_EXISTING, Flags, NULL);
}

/* A pipe whose reads wait for data. */
static HANDLE
OpenPipe(DWORD Flags)
{
    HANDLE     File = Open("\\\\.\\Example\\CANCEL", Flags);
    OVERLAPPED Request = { 0 };
    ULONG      Wait = PIPE_WAIT_READ;
    DWORD      Done;

    Expect(DeviceIoControl(File, IOCTL_PIPE_SET_WAIT, &Wait, sizeof Wait, NULL, 0, &Done, &Request),
        "wait: %lu", GetLastError());
    return File;
}

static DWORD WINAPI
ReadOnce(void *Context)
{
    READER *Reader = Context;
    char    Byte;
    DWORD   Done;

    Reader->Error = ReadFile(Reader->File, &Byte, 1, &Done, NULL) ? 0 : GetLastError();
    return 0;
}

static DWORD WINAPI
OpenSlowly(void *Context)
{
    READER *Reader = Context;

    Reader->File = Open("\\\\.\\Hold\\slow", 0);
    Reader->Error = Reader->File != INVALID_HANDLE_VALUE ? 0 : GetLastError();
    return 0;
}

static void
Start(READER *Reader, LPTHREAD_START_ROUTINE Routine)
{
    Reader->Error = 4711;
    Reader->Thread = CreateThread(NULL, 0, Routine, Reader, 0, NULL);
}

/* Cancels until there is something to cancel: the thread may not have got so far. */
static BOOL
CancelSoon(BOOL (*Cancel)(READER *), READER *Reader)
{
    for (ULONG Try = 0; Try < 1000; Try++) {
        if (Cancel(Reader))
            return TRUE;
        if (GetLastError() != ERROR_NOT_FOUND)
            return FALSE;
        Sleep(1);
    }
    return FALSE;
}

static BOOL
ByThread(READER *Reader)
{
    return CancelSynchronousIo(Reader->Thread);
}

static BOOL
ByFile(READER *Reader)
{
    return CancelIoEx(Reader->File, NULL);
}

static void
ExpectAborted(READER *Reader, BOOL (*Cancel)(READER *), const char *What)
{
    Expect(CancelSoon(Cancel, Reader), "%s: cancel: %lu", What, GetLastError());
    Expect(WaitForSingleObject(Reader->Thread, 10000) == WAIT_OBJECT_0, "%s: waits on", What);
    Expect(Reader->Error == ERROR_OPERATION_ABORTED, "%s: error %lu", What, Reader->Error);
    CloseHandle(Reader->Thread);
}

static void
Synchronous(void)
{
    READER Reader = { .File = OpenPipe(0) }, Opener = { .File = NULL };

    Promise("A thread's synchronous request is cancelled from another thread, by thread or file");
    Start(&Reader, ReadOnce);
    ExpectAborted(&Reader, ByThread, "read");
    Start(&Reader, ReadOnce);
    ExpectAborted(&Reader, ByFile, "read by file");
    Start(&Opener, OpenSlowly);
    ExpectAborted(&Opener, ByThread, "open");

    Promise("Where nothing is outstanding, nothing is found to cancel");
    Expect(!CancelIoEx(Reader.File, NULL) && GetLastError() == ERROR_NOT_FOUND, "CancelIoEx: %lu",
        GetLastError());
    Expect(!CancelSynchronousIo(GetCurrentThread()) && GetLastError() == ERROR_NOT_FOUND,
        "CancelSynchronousIo: %lu", GetLastError());
    Expect(CancelIo(Reader.File), "CancelIo: %lu", GetLastError());
    CloseHandle(Reader.File);
}

static HANDLE         Pipe;
static OVERLAPPED     Requests[4];
static char           Bytes[4];

static BOOL
Pend(ULONG Index)
{
    memset(&Requests[Index], 0, sizeof Requests[Index]);
    return !ReadFile(Pipe, &Bytes[Index], 1, NULL, &Requests[Index])
        && GetLastError() == ERROR_IO_PENDING;
}

static BOOL
IsAborted(ULONG Index)
{
    DWORD Done;

    return !GetOverlappedResult(Pipe, &Requests[Index], &Done, FALSE)
        && GetLastError() == ERROR_OPERATION_ABORTED;
}

static DWORD WINAPI
CancelFromElsewhere(void *Context)
{
    Expect(CancelIo(Pipe), "CancelIo elsewhere: %lu", GetLastError());
    Expect(Requests[0].Internal == STATUS_PENDING && Requests[2].Internal == STATUS_PENDING,
        "CancelIo took another thread's");
    Expect(CancelIoEx(Pipe, &Requests[2]), "CancelIoEx elsewhere: %lu", GetLastError());
    return 0;
}

static void
Overlapped(void)
{
    IO_STATUS_BLOCK Iosb;
    HANDLE          Thread;

    Pipe = OpenPipe(FILE_FLAG_OVERLAPPED);
    Promise("CancelIoEx takes the one request or all of the file, CancelIo the caller's");
    Expect(Pend(0) && Pend(1) && Pend(2) && Pend(3), "pend: %lu", GetLastError());
    Expect(CancelIoEx(Pipe, &Requests[1]), "one: %lu", GetLastError());
    Expect(IsAborted(1) && Requests[0].Internal == STATUS_PENDING, "the wrong one");
    Expect(!CancelIoEx(Pipe, &Requests[1]) && GetLastError() == ERROR_NOT_FOUND, "again: %lu",
        GetLastError());
    Thread = CreateThread(NULL, 0, CancelFromElsewhere, NULL, 0, NULL);
    WaitForSingleObject(Thread, INFINITE);
    CloseHandle(Thread);
    Expect(IsAborted(2) && Requests[0].Internal == STATUS_PENDING, "from another thread");
    Expect(CancelIoEx(Pipe, NULL) && IsAborted(0) && IsAborted(3), "all: %lu", GetLastError());
    Expect(Pend(0) && CancelIo(Pipe) && IsAborted(0), "CancelIo");

    Promise("Bad arguments to the cancel services do no harm");
    Expect(!CancelIoEx((HANDLE)0x7771, NULL) && GetLastError() == ERROR_INVALID_HANDLE, "handle");
    Expect(NtCancelIoFileEx(Pipe, NULL, (PVOID)0xFFFF800000000000) == STATUS_ACCESS_VIOLATION,
        "kernel address");
    Expect(NtCancelSynchronousIoFile(Pipe, NULL, &Iosb) == STATUS_OBJECT_TYPE_MISMATCH, "type");
    Expect(NtCancelSynchronousIoFile(NtCurrentThread(), NULL, (PVOID)8) == STATUS_ACCESS_VIOLATION,
        "low address");
    CloseHandle(Pipe);
}

ULONG
Held(HANDLE Hold)
{
    ULONG Count = 0;
    DWORD Done;

    DeviceIoControl(Hold, HOLD_COUNT, NULL, 0, &Count, sizeof Count, &Done, NULL);
    return Count;
}

static DWORD WINAPI
WaitGuarded(void *Context)
{
    DWORD Done;

    DeviceIoControl(((READER *)Context)->File, HOLD_GUARDED, NULL, 0, NULL, 0, &Done, NULL);
    return 0;
}

/* A thread's requests are looked at in the thread, if it lets anybody in. */
static void
Guarded(void)
{
    READER Reader = { .File = Open("\\\\.\\Hold", 0) };
    HANDLE Hold = Open("\\\\.\\Hold", 0);
    DWORD  Done;

    Promise("A cancellation does not wait for a thread whose driver waits with APCs disabled");
    Start(&Reader, WaitGuarded);
    while (Held(Hold) == 0)
        Sleep(1);
    FAILS(CancelSynchronousIo(Reader.Thread), ERROR_NOT_FOUND);
    FAILS(CancelIoEx(Reader.File, NULL), ERROR_NOT_FOUND);
    Expect(WriteFile(Hold, "x", 1, &Done, NULL), "write: %lu", GetLastError());
    Expect(WaitForSingleObject(Reader.Thread, 10000) == WAIT_OBJECT_0, "the thread stays");
    CloseHandle(Reader.Thread);
    CloseHandle(Reader.File);
    CloseHandle(Hold);
}

/* The kernel gives it up after `cancelwait` seconds. */
static void
Stuck(void)
{
    static CENSUS Before;
    READER   Reader = { .File = Open("\\\\.\\Hold", 0) };
    HANDLE   Hold = Open("\\\\.\\Hold", 0);
    NTSTATUS Status;
    DWORD    Done;

    Promise("A thread whose request is not given back ends all the same, and the system goes on");
    Start(&Reader, ReadOnce);
    while (Held(Hold) == 0)
        Sleep(1);
    Expect(TerminateThread(Reader.Thread, 7), "terminate: %lu", GetLastError());
    Expect(WaitForSingleObject(Reader.Thread, 20000) == WAIT_OBJECT_0, "the thread stays");
    Expect(Held(Hold) == 1, "held: %lu", Held(Hold));

    Promise("So does a process with asynchronous ones, and one in CancelIo");
    TakeCensus(&Before);
    Expect(RunProgram("tcancel leave") == 3, "exit status");
    Expect(Held(Hold) == 4, "held: %lu", Held(Hold));
    Expect(RunProgram("tcancel cancel") == 3, "exit status");
    Expect(Held(Hold) == 5, "held: %lu", Held(Hold));
    Expect(StopDriver("hold") == STATUS_SUCCESS, "stop pends");
    Expect(Open("\\\\.\\Hold", 0) == INVALID_HANDLE_VALUE, "opened while it is being stopped");

    Promise("Given back at last, they are dropped, and the driver can go");
    Expect(WriteFile(Hold, "x", 1, &Done, NULL), "write: %lu", GetLastError());
    ExpectLeft(Hold, &Before, 0);
    CloseHandle(Reader.File);
    CloseHandle(Reader.Thread);
    CloseHandle(Hold);
    Status = StopDriver("hold");
    Expect(Status == STATUS_OBJECT_NAME_NOT_FOUND, "the driver is still there: %08lX", Status);
}

int
main(int Count, char **Arguments)
{
    if (Count > 1)
        return Part(Arguments[1]);
    StartDriver("hold");
    Synchronous();
    Overlapped();
    Guarded();
    Stuck();
    return Done("tcancel");
}
