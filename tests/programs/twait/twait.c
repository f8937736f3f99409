/*
 * Reads that wait for data and writes that wait for room: what wakes them, what ends them, and
 * that the simple mode beside them is as it was.
 */
#include "twait.h"

HANDLE
Open(const char *Name, DWORD Access, DWORD Flags, ULONG Waits)
{
    char   Path[100];
    HANDLE Pipe;

    _snprintf(Path, sizeof Path, strchr(Name, '\\') ? "\\\\.\\%s" : "\\\\.\\Example\\%s", Name);
    Pipe = CreateFileA(Path, Access, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, Flags,
        NULL);
    if (Waits)
        Set(Pipe, IOCTL_PIPE_SET_WAIT, Waits);
    return Pipe;
}

/* By NtDeviceIoControlFile with an event, so that it works for any file. */
static NTSTATUS
Control(HANDLE Pipe, DWORD Code, PVOID Input, ULONG InputLength, PVOID Output, ULONG OutputLength)
{
    HANDLE          Event = CreateEventW(NULL, TRUE, FALSE, NULL);
    IO_STATUS_BLOCK Iosb;
    NTSTATUS        Status = NtDeviceIoControlFile(Pipe, Event, NULL, NULL, &Iosb, Code, Input,
        InputLength, Output, OutputLength);

    if (Status == STATUS_PENDING) {
        WaitForSingleObject(Event, INFINITE);
        Status = Iosb.Status;
    }
    CloseHandle(Event);
    return Status;
}

BOOL
Set(HANDLE Pipe, DWORD Code, ULONG Value)
{
    return NT_SUCCESS(Control(Pipe, Code, &Value, sizeof Value, NULL, 0));
}

PIPE_TRAFFIC
Traffic(HANDLE Pipe)
{
    PIPE_TRAFFIC Figures = { 0 };

    Control(Pipe, IOCTL_PIPE_QUERY_TRAFFIC, NULL, 0, &Figures, sizeof Figures);
    return Figures;
}

BOOL
Balanced(HANDLE Pipe)
{
    PIPE_TRAFFIC Figures = Traffic(Pipe);

    return Figures.Written == Figures.Read + Figures.Lost + Figures.Held;
}

NTSTATUS
ReadNow(HANDLE Pipe, PVOID Data, DWORD Length, PDWORD Done)
{
    IO_STATUS_BLOCK Iosb = { 0 };
    NTSTATUS        Status = NtReadFile(Pipe, NULL, NULL, NULL, &Iosb, Data, Length, NULL, NULL);

    *Done = (DWORD)Iosb.Information;
    return Status;
}

NTSTATUS
WriteNow(HANDLE Pipe, const void *Data, DWORD Length, PDWORD Done)
{
    IO_STATUS_BLOCK Iosb = { 0 };
    NTSTATUS        Status = NtWriteFile(Pipe, NULL, NULL, NULL, &Iosb, (PVOID)Data, Length, NULL,
        NULL);

    *Done = (DWORD)Iosb.Information;
    return Status;
}

static DWORD WINAPI
Perform(PVOID Argument)
{
    REQUEST *Request = Argument;

    Request->Status = Request->Write
        ? WriteNow(Request->Pipe, Request->Data, Request->Length, &Request->Done)
        : ReadNow(Request->Pipe, Request->Data, Request->Length, &Request->Done);
    return 0;
}

/* The file is busy while the request waits, so the queue is watched through another open. */
void
Start(REQUEST *Request, HANDLE Pipe, BOOL Write, PVOID Data, DWORD Length)
{
    static HANDLE Watch;
    PIPE_TRAFFIC  Before, Now;

    Request->Pipe = Pipe;
    Request->Write = Write;
    Request->Data = Data;
    Request->Length = Length;
    Watch = Open("TWAIT", FILE_READ_ATTRIBUTES, 0, 0);
    Before = Traffic(Watch);
    Request->Thread = CreateThread(NULL, 0, Perform, Request, 0, NULL);
    do
        Now = Traffic(Watch);
    while (Now.ReadsWaiting + Now.WritesWaiting <= Before.ReadsWaiting + Before.WritesWaiting &&
        WaitForSingleObject(Request->Thread, 0) == WAIT_TIMEOUT);
    CloseHandle(Watch);
}

NTSTATUS
Finish(REQUEST *Request)
{
    WaitForSingleObject(Request->Thread, 30000);
    CloseHandle(Request->Thread);
    return Request->Status;
}

static void
TestWaits(void)
{
    HANDLE  Reader = Open("TWAIT", GENERIC_READ, 0, WAIT_BOTH);
    HANDLE  Writer = Open("TWAIT", GENERIC_WRITE, 0, WAIT_BOTH);
    HANDLE  Simple = Open("TWAIT", GENERIC_READ | GENERIC_WRITE, 0, 0);
    REQUEST Read, Write;
    char    Data[64] = { 0 };
    DWORD   Done;

    Promise("A read that was asked to wait gets what is written later, at once");
    Start(&Read, Reader, FALSE, Data, sizeof Data);
    Expect(Traffic(Simple).ReadsWaiting == 1, "%lu reads wait", Traffic(Simple).ReadsWaiting);
    Expect(WriteNow(Simple, "hello", 5, &Done) == STATUS_SUCCESS && Done == 5, "the write");
    Expect(Finish(&Read) == STATUS_SUCCESS && Read.Done == 5 && memcmp(Data, "hello", 5) == 0,
        "0x%08lX, %lu bytes", Read.Status, Read.Done);

    Promise("An open in the simple mode does not wait beside those that do");
    Expect(ReadNow(Simple, Data, sizeof Data, &Done) == STATUS_SUCCESS && Done == 0, "%lu", Done);

    Promise("A write that was asked to wait returns when all of it is in, even a byte at a time");
    Expect(Set(Simple, IOCTL_PIPE_SET_SIZE, 1), "size 1");
    Start(&Write, Writer, TRUE, "abcdef", 6);
    Expect(Traffic(Simple).WritesWaiting == 1 && Traffic(Simple).Held == 1, "it does not wait");
    Expect(WriteNow(Simple, "x", 1, &Done) == STATUS_SUCCESS && Done == 0,
        "a write of the simple mode got in before the one that waits");
    Expect(ReadNow(Reader, Data, 2, &Done) == STATUS_SUCCESS && memcmp(Data, "ab", 2) == 0, "ab");
    Expect(ReadNow(Simple, Data, sizeof Data, &Done) == STATUS_SUCCESS && Done == 4 &&
        memcmp(Data, "cdef", 4) == 0, "the rest: %lu", Done);
    Expect(Finish(&Write) == STATUS_SUCCESS && Write.Done == 6, "%lu bytes", Write.Done);
    Expect(Balanced(Simple) && Traffic(Simple).Lost == 1, "the counters");

    Promise("An overwriting pipe lets a write that waits go on");
    Expect(Set(Simple, IOCTL_PIPE_SET_SIZE, 4), "size 4");
    Start(&Write, Writer, TRUE, "123456", 6);
    Expect(Set(Simple, IOCTL_PIPE_SET_MODE, PIPE_OVERWRITE_OLD), "mode");
    Expect(Finish(&Write) == STATUS_SUCCESS, "0x%08lX", Write.Status);
    Expect(ReadNow(Simple, Data, sizeof Data, &Done) == STATUS_SUCCESS && Done == 4 &&
        memcmp(Data, "3456", 4) == 0 && Balanced(Simple), "what is in it");
    CloseHandle(Reader);
    CloseHandle(Writer);
    CloseHandle(Simple);
}

static void
TestEnds(void)
{
    HANDLE  Reader = Open("TWAIT", GENERIC_READ, 0, WAIT_BOTH), Writer, Second;
    REQUEST Read, Write;
    char    Data[64];
    DWORD   Done;

    Promise("A reader waits for the first writer, and meets the end of the file after the last");
    Start(&Read, Reader, FALSE, Data, sizeof Data);
    Writer = Open("TWAIT", GENERIC_WRITE, 0, WAIT_BOTH);
    Second = Open("TWAIT", GENERIC_WRITE, 0, WAIT_BOTH);
    Expect(WriteNow(Writer, "1", 1, &Done) == STATUS_SUCCESS, "the write");
    Expect(Finish(&Read) == STATUS_SUCCESS && Read.Done == 1, "0x%08lX", Read.Status);
    Expect(WriteNow(Writer, "2", 1, &Done) == STATUS_SUCCESS, "the second write");
    CloseHandle(Writer);
    Expect(ReadNow(Reader, Data, 1, &Done) == STATUS_SUCCESS && Data[0] == '2', "what was left");
    Start(&Read, Reader, FALSE, Data, sizeof Data);
    CloseHandle(Second);
    Expect(Finish(&Read) == STATUS_END_OF_FILE && Read.Done == 0, "0x%08lX", Read.Status);
    Expect(ReadNow(Reader, Data, 1, &Done) == STATUS_END_OF_FILE, "a second read");
    Expect(ReadFile(Reader, Data, 1, &Done, NULL) && Done == 0, "ReadFile at the end");

    Promise("A new writer takes the end of the file back");
    Writer = Open("TWAIT", GENERIC_WRITE, 0, WAIT_BOTH);
    Start(&Read, Reader, FALSE, Data, sizeof Data);
    Expect(WriteNow(Writer, "3", 1, &Done) == STATUS_SUCCESS, "the write");
    Expect(Finish(&Read) == STATUS_SUCCESS && Data[0] == '3', "0x%08lX", Read.Status);

    Promise("The last reader's end breaks writes that wait, and those that follow");
    Expect(Set(Writer, IOCTL_PIPE_SET_SIZE, 2), "size 2");
    Start(&Write, Writer, TRUE, "abc", 3);
    CloseHandle(Reader);
    Expect(Finish(&Write) == STATUS_PIPE_BROKEN && Write.Done == 2, "0x%08lX, %lu", Write.Status,
        Write.Done);
    Expect(WriteNow(Writer, "d", 1, &Done) == STATUS_PIPE_BROKEN, "the next write");
    Expect(!WriteFile(Writer, "d", 1, &Done, NULL) && GetLastError() == ERROR_BROKEN_PIPE,
        "WriteFile: %lu", GetLastError());
    Expect(Balanced(Writer), "the counters");
    CloseHandle(Writer);
}

static void
TestSizes(void)
{
    static const ULONG Sizes[] = { 1, 2, 4095, 4096, 65536, 1 << 20, PIPE_MAX_SIZE };
    HANDLE  Writer = Open("TWAIT", GENERIC_WRITE, 0, WAIT_BOTH);
    HANDLE  Direct = Open("ExampleDirect\\twait", GENERIC_READ, 0, WAIT_BOTH);
    ULONG   Length = 1 << 20, Got;
    PUCHAR  Out = malloc(Length), In = malloc(Length);
    REQUEST Write;
    DWORD   Done;

    Promise("A megabyte goes through pipes of 1 byte to 16 MiB unchanged, read by direct I/O");
    for (ULONG Index = 0; Index < Length; Index++)
        Out[Index] = (UCHAR)(Index * 31 + Index / 251);
    for (ULONG Size = 0; Size < ARRAYSIZE(Sizes); Size++) {
        ULONG Part = Sizes[Size] == 1 ? 5000 : Length;

        memset(In, 0, Length);
        Expect(Set(Writer, IOCTL_PIPE_SET_SIZE, Sizes[Size]), "size %lu", Sizes[Size]);
        Start(&Write, Writer, TRUE, Out, Part);
        for (Got = 0; Got < Part; Got += Done)
            if (!NT_SUCCESS(ReadNow(Direct, In + Got, Part - Got, &Done)) || Done == 0)
                break;
        Expect(Finish(&Write) == STATUS_SUCCESS && Write.Done == Part && Got == Part,
            "size %lu: %lu written, %lu read", Sizes[Size], Write.Done, Got);
        Expect(memcmp(In, Out, Part) == 0, "size %lu: the bytes differ", Sizes[Size]);
    }
    Expect(Balanced(Writer), "the counters");
    Promise("17 MiB are refused");
    Expect(!Set(Writer, IOCTL_PIPE_SET_SIZE, PIPE_MAX_SIZE + 1), "accepted");
    CloseHandle(Writer);
    CloseHandle(Direct);
    free(Out);
    free(In);
}

static void
TestBadMemory(void)
{
    HANDLE Pipe = Open("TWAIT", GENERIC_READ | GENERIC_WRITE, 0, WAIT_BOTH);
    PUCHAR Page = VirtualAlloc(NULL, 8192, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    char   Data[64];
    DWORD  Old, Done;

    VirtualProtect(Page + 4096, 4096, PAGE_NOACCESS, &Old);
    Promise("A buffer that ends too early fails the request, and the pipe is as it was");
    Expect(WriteNow(Pipe, Page + 4090, 12, &Done) == STATUS_ACCESS_VIOLATION, "the write");
    Expect(Traffic(Pipe).Written == 0 && Traffic(Pipe).Held == 0, "something was written");
    Expect(WriteNow(Pipe, "0123456789", 10, &Done) == STATUS_SUCCESS, "a good write");
    Expect(ReadNow(Pipe, Page + 4092, 10, &Done) == STATUS_ACCESS_VIOLATION, "the read");
    Expect(ReadNow(Pipe, Data, sizeof Data, &Done) == STATUS_SUCCESS, "a good read");
    Expect(Done == 10 && memcmp(Data, "0123456789", 10) == 0, "%lu bytes", Done);
    Expect(Balanced(Pipe), "the counters");
    VirtualFree(Page, 0, MEM_RELEASE);
    CloseHandle(Pipe);
}

int
main(void)
{
    ULONG64 Blocks, Bytes;

    PoolTag("Pipe", &Blocks, &Bytes);
    TestWaits();
    TestEnds();
    TestSizes();
    TestBadMemory();
    TestMessages();
    TestCancel();
    TestSecurity();
    Promise("Nothing of the pipes is left");
    ExpectTag("Pipe", Blocks);
    return Done("twait");
}
