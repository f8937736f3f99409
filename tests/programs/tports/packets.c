/* Packets: by value and order, and which requests leave one. */
#include "tports.h"

HANDLE          Port, File;
IO_STATUS_BLOCK Iosb;

HANDLE
NewPort(ULONG Threads)
{
    return CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, Threads);
}

HANDLE
OpenWithPort(PCWSTR Path, ULONG_PTR Key)
{
    HANDLE Opened = XferOpen(Path, READ_WRITE, 0, 0);

    Expect(CreateIoCompletionPort(Opened, Port, Key, 0) == Port, "the port is refused: %lu",
        GetLastError());
    return Opened;
}

void
Values(void)
{
    OVERLAPPED  Marker, *Overlapped = &Marker;
    ULONG_PTR   Key = 1;
    DWORD       Bytes;
    HANDLE      Event = CreateEventA(NULL, TRUE, FALSE, NULL);
    PVOID       Context;
    ULONG       Depth = 0;

    Promise("Packets come in the order they were left, with what they were given");
    Port = NewPort(0);
    Expect(!GetQueuedCompletionStatus(Port, &Bytes, &Key, &Overlapped, 0)
        && GetLastError() == WAIT_TIMEOUT && Overlapped == NULL, "an empty port had a packet");
    for (ULONG Index = 0; Index < 5; Index++)
        Expect(PostQueuedCompletionStatus(Port, 100 + Index, 200 + Index,
            (LPOVERLAPPED)(ULONG_PTR)(300 + Index)), "post");
    NtQueryIoCompletion(Port, 0, &Depth, sizeof Depth, NULL);
    Expect(Depth == 5, "%lu of 5 packets", Depth);
    for (ULONG Index = 0; Index < 5; Index++) {
        Expect(GetQueuedCompletionStatus(Port, &Bytes, &Key, &Overlapped, INFINITE), "get");
        Expect(Bytes == 100 + Index && Key == 200 + Index
            && (ULONG_PTR)Overlapped == 300 + Index, "packet %lu has other values", Index);
    }
    NtSetIoCompletion(Port, NULL, &Marker, STATUS_END_OF_FILE, 0);
    Expect(!GetQueuedCompletionStatus(Port, &Bytes, &Key, &Overlapped, INFINITE)
        && GetLastError() == ERROR_HANDLE_EOF && Overlapped == &Marker, "a failure's packet");

    Promise("Calls with wrong handles, classes and lengths are refused");
    Expect(NtSetIoCompletion(Event, NULL, NULL, 0, 0) == STATUS_OBJECT_TYPE_MISMATCH, "type");
    Expect(NtQueryIoCompletion(Port, 1, &Depth, sizeof Depth, NULL) == STATUS_INVALID_INFO_CLASS,
        "class");
    Expect(NtQueryIoCompletion(Port, 0, &Depth, 8, NULL) == STATUS_INFO_LENGTH_MISMATCH, "length");
    Expect(NtRemoveIoCompletion(Port, NULL, &Context, (PIO_STATUS_BLOCK)&Marker, NULL)
        == STATUS_ACCESS_VIOLATION, "no key");
    Expect(NtWaitForSingleObject(Port, FALSE, NULL) < 0, "a port can be waited for as an object");
    Expect(CreateIoCompletionPort(INVALID_HANDLE_VALUE, Port, 0, 0) == NULL
        && GetLastError() == ERROR_INVALID_PARAMETER, "neither file nor new port");
    CloseHandle(Port);
    CloseHandle(Event);
}

void
Many(void)
{
    OVERLAPPED_ENTRY Entries[8];
    ULONG            Removed = 9;

    Promise("Several packets are taken at once, as many as there are");
    Port = NewPort(0);
    for (ULONG_PTR Index = 0; Index < 11; Index++)
        PostQueuedCompletionStatus(Port, (DWORD)Index, Index, NULL);
    Expect(GetQueuedCompletionStatusEx(Port, Entries, 8, &Removed, INFINITE, FALSE)
        && Removed == 8, "%lu of 8", Removed);
    Expect(Entries[7].lpCompletionKey == 7 && Entries[7].dwNumberOfBytesTransferred == 7, "values");
    Expect(GetQueuedCompletionStatusEx(Port, Entries, 8, &Removed, INFINITE, FALSE)
        && Removed == 3, "%lu of 3", Removed);
    Expect(!GetQueuedCompletionStatusEx(Port, Entries, 8, &Removed, 0, FALSE)
        && GetLastError() == WAIT_TIMEOUT, "an empty port");
    Expect(NtRemoveIoCompletionEx(Port, (PVOID)Entries, 0, &Removed, NULL, FALSE)
        == STATUS_INVALID_PARAMETER, "room for none");
    CloseHandle(Port);
}

/* Whether the port has a packet of Overlapped with Status and Length. */
static BOOL
HasPacket(PVOID Context, NTSTATUS Status, ULONG_PTR Length)
{
    LARGE_INTEGER   Zero = { .QuadPart = 0 };
    IO_STATUS_BLOCK Iosb = { { 0 }, 0 };
    PVOID           Key = NULL, Found = NULL;

    return NtRemoveIoCompletion(Port, &Key, &Found, &Iosb, &Zero) == STATUS_SUCCESS
        && Key == (PVOID)0x77 && Found == Context && Iosb.Status == Status
        && Iosb.Information == Length;
}

static BOOL
IsEmpty(void)
{
    ULONG Depth = 1;

    NtQueryIoCompletion(Port, 0, &Depth, sizeof Depth, NULL);
    return Depth == 0;
}

NTSTATUS
Control(ULONG Function, PVOID Context, NTSTATUS Status, ULONG Length)
{
    XFER_ENDING Ending = { Status, Length };

    Iosb.Status = 0x77777777;
    return NtDeviceIoControlFile(File, NULL, NULL, Context, &Iosb,
        XFER_CODE(Function, METHOD_BUFFERED), &Ending, sizeof Ending, NULL, 0);
}

void
Requests(void)
{
    IO_STATUS_BLOCK Cancel;
    UCHAR           Data[16];
    LARGE_INTEGER   Offset = { .QuadPart = 40 };

    Promise("A request leaves a packet when it ends, but for one that failed at once");
    Port = NewPort(0);
    File = OpenWithPort(L"\\??\\XferBuffered\\", 0x77);
    Expect(Control(XFER_END, &Offset, STATUS_SUCCESS, 5) == STATUS_SUCCESS
        && HasPacket(&Offset, STATUS_SUCCESS, 5), "success at once");
    Expect(Control(XFER_END, &Offset, STATUS_BUFFER_OVERFLOW, 6) == STATUS_BUFFER_OVERFLOW
        && HasPacket(&Offset, STATUS_BUFFER_OVERFLOW, 6), "a warning at once");
    Expect(Control(XFER_END, &Offset, STATUS_DATA_ERROR, 0) == STATUS_DATA_ERROR && IsEmpty()
        && Iosb.Status == 0x77777777, "failure at once");
    Expect(Control(XFER_PEND_MARK, &Offset, STATUS_DATA_ERROR, 0) == STATUS_PENDING
        && HasPacket(&Offset, STATUS_DATA_ERROR, 0), "failure after pending");
    Expect(Control(XFER_PEND, &Offset, 0, 0) == STATUS_PENDING && IsEmpty(), "pended");
    Expect(XferReleaseAll(File, STATUS_SUCCESS, 9) == 1
        && HasPacket(&Offset, STATUS_SUCCESS, 9) && Iosb.Information == 9, "released");
    Expect(Control(XFER_PEND, &Offset, 0, 0) == STATUS_PENDING
        && NtCancelIoFile(File, &Cancel) == STATUS_SUCCESS
        && HasPacket(&Offset, STATUS_CANCELLED, 0), "cancelled");
    Expect(NtReadFile(File, NULL, NULL, Data, &Iosb, Data, sizeof Data, &Offset, NULL)
        == STATUS_SUCCESS && HasPacket(Data, STATUS_SUCCESS, 16)
        && Data[3] == XFER_PATTERN(43), "a read");

    Promise("No packet without a context; none of a success at once if the file says so");
    Expect(Control(XFER_END, NULL, STATUS_SUCCESS, 5) == STATUS_SUCCESS && IsEmpty(), "no context");
    Expect(SetFileCompletionNotificationModes(File, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS), "mode");
    Expect(Control(XFER_END, &Offset, STATUS_SUCCESS, 5) == STATUS_SUCCESS && IsEmpty(), "skipped");
    Expect(Control(XFER_END, &Offset, STATUS_BUFFER_OVERFLOW, 5) == STATUS_BUFFER_OVERFLOW
        && HasPacket(&Offset, STATUS_BUFFER_OVERFLOW, 5), "a warning is not skipped");
    Expect(Control(XFER_PEND_MARK, &Offset, STATUS_SUCCESS, 5) == STATUS_PENDING
        && HasPacket(&Offset, STATUS_SUCCESS, 5), "pended ones are not skipped");
    CloseHandle(File);
    CloseHandle(Port);
}

void
Association(void)
{
    HANDLE        Second = NewPort(0), Synchronous, Weak;
    LARGE_INTEGER Offset = { .QuadPart = 0 };
    UCHAR         Data[4];

    Promise("A file has one port, a synchronous one none, and a port excludes APCs");
    Port = NewPort(0);
    File = OpenWithPort(L"\\??\\XferBuffered\\", 0x77);
    Expect(CreateIoCompletionPort(File, Second, 1, 0) == NULL
        && GetLastError() == ERROR_INVALID_PARAMETER, "a second port");
    Synchronous = XferOpen(L"\\??\\XferBuffered\\", READ_WRITE, 0, FILE_SYNCHRONOUS_IO_NONALERT);
    Expect(CreateIoCompletionPort(Synchronous, Port, 1, 0) == NULL
        && GetLastError() == ERROR_INVALID_PARAMETER, "a synchronous file");
    Expect(!SetFileCompletionNotificationModes(Synchronous, 2), "modes of a synchronous file");
    Expect(NtReadFile(File, NULL, (PIO_APC_ROUTINE)(PVOID)Values, NULL, &Iosb, Data, 4, &Offset,
        NULL) == STATUS_INVALID_PARAMETER, "an APC routine");
    NtDuplicateObject(NtCurrentProcess(), Second, NtCurrentProcess(), &Weak,
        IO_COMPLETION_QUERY_STATE, 0, 0);
    Expect(NtSetIoCompletion(Weak, NULL, NULL, 0, 0) == STATUS_ACCESS_DENIED, "access");
    CloseHandle(Weak);
    CloseHandle(Synchronous);
    CloseHandle(Second);
    CloseHandle(File);
    CloseHandle(Port);
}
