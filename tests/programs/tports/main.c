/*
 * Completion ports, and the other ways to learn that a request has ended: packets by value and
 * order, which requests leave one, how many threads work at a time, ports that are closed with
 * packets in them or threads at them, APCs and status blocks. Pool tags are counted throughout.
 */
#include "tports.h"

static volatile LONG Calls, LastError;

static VOID NTAPI
CountApc(ULONG_PTR Parameter)
{
    Calls++;
}

static VOID CALLBACK
IoDone(DWORD Error, DWORD Bytes, LPOVERLAPPED Overlapped)
{
    Calls++;
    LastError = (LONG)Error;
    Overlapped->Offset = Bytes;
}

void
Apcs(void)
{
    OVERLAPPED_ENTRY Entry;
    OVERLAPPED       Overlapped = { .Offset = 40 };
    UCHAR            Data[8];
    ULONG            Removed;

    Promise("An alertable wait at a port ends for an APC");
    Calls = 0;
    Port = NewPort(0);
    QueueUserAPC(CountApc, GetCurrentThread(), 0);
    Expect(!GetQueuedCompletionStatusEx(Port, &Entry, 1, &Removed, 0, FALSE) && Calls == 0
        && GetLastError() == WAIT_TIMEOUT, "not alertable");
    Expect(!GetQueuedCompletionStatusEx(Port, &Entry, 1, &Removed, INFINITE, TRUE) && Calls == 1
        && GetLastError() == WAIT_IO_COMPLETION, "alertable");
    CloseHandle(Port);

    Promise("ReadFileEx and WriteFileEx call their routine in an alertable wait");
    Calls = 0;
    File = XferOpen(L"\\??\\XferBuffered\\", READ_WRITE, 0, 0);
    Expect(ReadFileEx(File, Data, 8, &Overlapped, IoDone) && Calls == 0, "read");
    Expect(SleepEx(INFINITE, TRUE) == WAIT_IO_COMPLETION && Calls == 1 && LastError == 0
        && Overlapped.Offset == 8 && Data[7] == XFER_PATTERN(47), "routine");
    Overlapped.Offset = 40;
    Expect(WriteFileEx(File, Data, 8, &Overlapped, IoDone), "write");
    Expect(SleepEx(INFINITE, TRUE) == WAIT_IO_COMPLETION && Calls == 2 && LastError == 0,
        "routine");
    Overlapped.Offset = 41;
    Expect(!WriteFileEx(File, Data, 8, &Overlapped, IoDone) && GetLastError() == ERROR_CRC
        && SleepEx(0, TRUE) == 0 && Calls == 2, "a failure at once");
    CloseHandle(File);
}

void
StatusBlocks(void)
{
    XFER_ENDING Ending = { STATUS_SUCCESS, 3 };
    OVERLAPPED  Overlapped = { .hEvent = CreateEventA(NULL, TRUE, TRUE, NULL) };
    DWORD       Done = 77;

    Promise("GetOverlappedResult tells a request's end by event and status block");
    File = XferOpen(L"\\??\\XferBuffered\\", READ_WRITE, 0, 0);
    Expect(!DeviceIoControl(File, XFER_CODE(XFER_PEND, METHOD_BUFFERED), NULL, 0, NULL, 0, NULL,
        &Overlapped) && GetLastError() == ERROR_IO_PENDING, "pended");
    Expect(WaitForSingleObject(Overlapped.hEvent, 0) == WAIT_TIMEOUT, "the event is cleared");
    Expect(!GetOverlappedResult(File, &Overlapped, &Done, FALSE)
        && GetLastError() == ERROR_IO_INCOMPLETE, "incomplete");
    Expect(!GetOverlappedResultEx(File, &Overlapped, &Done, 1, FALSE)
        && GetLastError() == WAIT_TIMEOUT, "in time");
    Expect(XferCall(File, XFER_RELEASE, &Ending, sizeof Ending, NULL, 0, NULL) == STATUS_SUCCESS,
        "release");
    Expect(GetOverlappedResult(File, &Overlapped, &Done, TRUE) && Done == 3, "done %lu", Done);
    CloseHandle(Overlapped.hEvent);
    CloseHandle(File);
}

/* As a process of its own: ends with everything outstanding. */
static int
LeaveAll(void)
{
    Port = NewPort(1);
    File = OpenWithPort(L"\\??\\XferDirect\\", 0x77);
    Control(XFER_PEND, &Iosb, 0, 0);
    Control(XFER_END, &Iosb, STATUS_SUCCESS, 0);
    PostQueuedCompletionStatus(Port, 0, 0, NULL);
    StartWorker();
    StartWorker();
    StartWorker();
    SwitchToThread();
    return 7;
}

int
main(int Count, char **Arguments)
{
    ULONG64 Ports, Files, Bytes;
    ULONG   Handles;

    if (Count > 1)
        return LeaveAll();
    MeetAtLocks();
    Promise("The driver for transfers can be loaded");
    Expect(XferLoad(TRUE) == STATUS_SUCCESS, "it is not");
    PoolTag("IoCp", &Ports, &Bytes);
    PoolTag("File", &Files, &Bytes);
    Handles = HandleCount();
    Values();
    Many();
    Requests();
    Association();
    Concurrency();
    Closing();
    Apcs();
    StatusBlocks();
    Race();

    Promise("A process that ends with everything outstanding leaves nothing behind");
    for (ULONG Round = 0; Round < 3; Round++)
        Expect(RunProgram("tports leave") == 7, "the process fails");
    ExpectTag("IoCp", Ports);
    ExpectTag("File", Files);
    // threads that meet at the loader, the heap or the PEB leave an event each, for good
    Expect(HandleCount() == Handles, "%lu handles became %lu", Handles, HandleCount());
    Expect(XferLoad(FALSE) == STATUS_SUCCESS, "the driver cannot be unloaded");
    return Done("tports");
}
