/* Where in the file a request goes: its offset, the file's position, the end. */
#include "tsyncfile.h"

#define NONE        0x8000000000000000ull       // no offset is given
#define POSITION    0xFFFFFFFFFFFFFFFEull       // FILE_USE_FILE_POINTER_POSITION
#define END         0xFFFFFFFFFFFFFFFFull       // FILE_WRITE_TO_END_OF_FILE
#define BAD         STATUS_INVALID_PARAMETER
#define OK          STATUS_SUCCESS

static UCHAR Data[1024] __attribute__((aligned(512)));

static NTSTATUS
Transfer(HANDLE File, BOOL Write, ULONG64 Given, ULONG64 Lands, ULONG Length)
{
    IO_STATUS_BLOCK Iosb;
    LARGE_INTEGER   Offset = { .QuadPart = (LONG64)Given };

    for (ULONG Index = 0; Index < Length; Index++)
        Data[Index] = XFER_PATTERN(Lands + Index);
    return (Write ? NtWriteFile : NtReadFile)(File, NULL, NULL, NULL, &Iosb, Data, Length,
        Given == NONE ? NULL : &Offset, NULL);
}

static ULONG64
PositionOf(HANDLE File)
{
    FILE_POSITION_INFORMATION Position = { { .QuadPart = -77 } };
    IO_STATUS_BLOCK           Iosb;

    NtQueryInformationFile(File, &Iosb, &Position, sizeof Position, EtFilePositionInformation);
    return (ULONG64)Position.CurrentByteOffset.QuadPart;
}

/* Given to a file at position 100: what comes back, and where the driver sees it. */
static const struct {
    BOOL     Write;
    ULONG64  Given;
    NTSTATUS Synchronous;
    ULONG64  Lands;
    NTSTATUS Asynchronous;
} Cases[] = {
    { FALSE, NONE, OK, 100, BAD },
    { TRUE, NONE, OK, 100, BAD },
    { FALSE, POSITION, OK, 100, BAD },
    { TRUE, POSITION, OK, 100, BAD },
    { FALSE, END, BAD, 0, BAD },
    { TRUE, END, OK, END, OK },
    { FALSE, 0, OK, 0, OK },
    { TRUE, 5000, OK, 5000, OK },
    { FALSE, 0x7FFFFFFFFFFFFF00, OK, 0x7FFFFFFFFFFFFF00, OK },
    { FALSE, (ULONG64)-3, BAD, 0, BAD },
    { TRUE, (ULONG64)-3, BAD, 0, BAD },
    { FALSE, 0x8000000000000001, BAD, 0, BAD },
    { TRUE, 0xFFFFFFFE00000000, BAD, 0, BAD },
};

static void
Case(ULONG Index, ULONG Options)
{
    HANDLE   File = XferOpen(PATH, READ_WRITE, 7, Options);
    ULONG64  Lands = Cases[Index].Lands;
    NTSTATUS Status, Wanted = Options ? Cases[Index].Synchronous : Cases[Index].Asynchronous;

    Transfer(File, FALSE, 60, 60, 40);
    Expect(PositionOf(File) == (Options ? 100 : 0), "a read at 60 leaves the position at %llu",
        PositionOf(File));
    Status = Transfer(File, Cases[Index].Write, Cases[Index].Given, Lands, 16);
    Expect(Status == Wanted, "case %lu, options %lx: 0x%08lX", Index, Options, (ULONG)Status);
    if (NT_SUCCESS(Status)) {
        XFER_COUNTS Counts = XferCounts(Control);

        Expect(Counts.LastOffset == Lands, "case %lu: at %llu", Index, Counts.LastOffset);
        Expect(PositionOf(File) == (Options ? Lands + 16 : 0), "case %lu, options %lx: position "
            "%llu", Index, Options, PositionOf(File));
    } else {
        Expect(PositionOf(File) == (Options ? 100 : 0), "case %lu moves the position", Index);
    }
    CloseHandle(File);
}

void
Offsets(void)
{
    Promise("Offsets: the file's own position, a given one, the end; which file takes which");
    for (ULONG Index = 0; Index < ARRAYSIZE(Cases); Index++) {
        Case(Index, ALERT);
        Case(Index, NOALERT);
        Case(Index, 0);
    }
}

void
Appending(void)
{
    static const ULONG64 Given[] = { NONE, POSITION, END, 0, 5000, (ULONG64)-3 };
    HANDLE               Files[2], Both;

    Promise("A handle that may only append writes at the end, whatever offset it gives");
    Files[0] = XferOpen(PATH, FILE_APPEND_DATA, 7, NOALERT);
    Files[1] = XferOpen(PATH, FILE_APPEND_DATA, 7, 0);
    Both = XferOpen(PATH, FILE_APPEND_DATA | FILE_WRITE_DATA, 7, 0);
    for (ULONG Index = 0; Index < ARRAYSIZE(Given); Index++)
        for (ULONG Which = 0; Which < 2; Which++) {
            NTSTATUS Status = Transfer(Files[Which], TRUE, Given[Index], END, 16);

            Expect(Status == OK && XferCounts(Control).LastOffset == END,
                "file %lu, offset %llx: 0x%08lX at %llx", Which, Given[Index], (ULONG)Status,
                XferCounts(Control).LastOffset);
        }
    Expect(Transfer(Files[0], FALSE, 0, 0, 16) == STATUS_ACCESS_DENIED, "it reads");
    Expect(Transfer(Both, TRUE, 5000, 5000, 16) == OK && XferCounts(Control).LastOffset == 5000,
        "one that may write too does not write where it says");
    CloseHandle(Files[0]);
    CloseHandle(Files[1]);
    CloseHandle(Both);
}

/* On the RAM disk, whose sectors are 512 bytes long. */
void
Unbuffered(void)
{
    static const struct { ULONG64 Offset; ULONG Length; NTSTATUS Status; } Reads[] = {
        { 0, 512, OK }, { 512, 1024, OK }, { 0, 0, OK }, { 1, 512, BAD }, { 0, 511, BAD },
        { 256, 512, BAD }, { 0, 1000, BAD }, { 511, 1, BAD },
    };
    HANDLE File = XferOpen(L"\\SystemRoot\\System32\\ntdll.dll", FILE_READ_DATA, 7, NOALERT | 8);
    HANDLE Plain = XferOpen(L"\\SystemRoot\\System32\\ntdll.dll", FILE_READ_DATA, 7, NOALERT);

    Promise("Without intermediate buffering only whole sectors are read");
    for (ULONG Index = 0; Index < ARRAYSIZE(Reads); Index++) {
        Expect(Transfer(File, FALSE, Reads[Index].Offset, 0, Reads[Index].Length)
            == Reads[Index].Status, "%lu bytes at %llu", Reads[Index].Length, Reads[Index].Offset);
        Expect(Transfer(Plain, FALSE, Reads[Index].Offset, 0, Reads[Index].Length) == OK,
            "%lu bytes at %llu, buffered", Reads[Index].Length, Reads[Index].Offset);
    }
    CloseHandle(File);
    CloseHandle(Plain);
}
