/*
 * Every way a request's data can travel, with every kind of buffer: reads and writes of the
 * buffered, the direct and the neither device, control requests of the four methods, and buffers
 * that are good, misaligned, across pages, short, empty, unmapped, reserved, read-only, cut by the
 * end of the mapping, and in kernel space. A table says what each must return; what was written,
 * and that nothing was where it failed, is looked at byte by byte. At the end pool tags, locked
 * pages and handles are where they were.
 */
#include "tests/drivers/xfer/client.h"
#include "drivers/pipe/pipe_ioctl.h"
#include <stdio.h>
#include <string.h>

#define PAGE        0x1000
#define FILLER      0xEE
#define GOOD        STATUS_SUCCESS
#define AV          STATUS_ACCESS_VIOLATION
#define BIG         (16 * 1024 * 1024)

static UCHAR *Pages;                            // two of them, and a reserved one behind
static UCHAR *ReadOnly, *Reserved;

/* Buffers: where they begin (computed from the base that Where names), how long they are. */
typedef enum _WHERE { AtPages, AtReadOnly, AtReserved, AtAddress } WHERE;

static const struct {
    const char *Name;
    WHERE       Where;
    ULONG64     Offset;
    ULONG       Length;
    NTSTATUS    Read, Write;                    // when written to, when read from
} Buffers[] = {
    { "good",                AtPages,    0,                  64,       GOOD, GOOD },
    { "one byte",            AtPages,    5,                  1,        GOOD, GOOD },
    { "as long as an IRP's", AtPages,    8,                  48,       GOOD, GOOD },
    { "misaligned",          AtPages,    3,                  61,       GOOD, GOOD },
    { "across pages",        AtPages,    PAGE - 7,           100,      GOOD, GOOD },
    { "two pages",           AtPages,    0,                  2 * PAGE, GOOD, GOOD },
    { "none of good",        AtPages,    0,                  0,        GOOD, GOOD },
    { "none of nothing",     AtAddress,  0,                  0,        GOOD, GOOD },
    { "over the end",        AtPages,    2 * PAGE - 16,      64,       AV,   AV },
    { "reserved",            AtReserved, 0,                  64,       AV,   AV },
    { "read-only",           AtReadOnly, 0,                  64,       AV,   GOOD },
    { "none of read-only",   AtReadOnly, 0,                  0,        GOOD, GOOD },
    { "NULL",                AtAddress,  0,                  64,       AV,   AV },
    { "unmapped",            AtAddress,  0x6660000,          64,       AV,   AV },
    { "the kernel's image",  AtAddress,  0xFFFFF80000401000, 64,       AV,   AV },
    { "nonpaged pool",       AtAddress,  0xFFFFC00000000000, 64,       AV,   AV },
    { "not canonical",       AtAddress,  0x0000800000000000, 64,       AV,   AV },
    { "around the end",      AtAddress,  0xFFFFFFFFFFFFFFF0, 64,       AV,   AV },
    { "over user space",     AtAddress,  0x00007FFFFFFEFFF0, 64,       AV,   AV },
};

static UCHAR *
BufferAt(ULONG Index)
{
    UCHAR *Bases[] = { Pages, ReadOnly, Reserved, NULL };

    return Bases[Buffers[Index].Where] + Buffers[Index].Offset;
}

/* Whether all of it lies in the two pages. */
static BOOL
IsInPages(const UCHAR *Data, ULONG Length)
{
    ULONG64 Start = (ULONG64)Data - (ULONG64)Pages;

    return Start <= 2 * PAGE && Length <= 2 * PAGE - Start;
}

static void
Fill(const UCHAR *Data, ULONG Length, ULONG64 Offset)
{
    DWORD Old;

    memset(Pages, FILLER, 2 * PAGE);
    VirtualProtect(ReadOnly, PAGE, PAGE_READWRITE, &Old);
    for (ULONG Index = 0; Index < PAGE; Index++)
        ReadOnly[Index] = XFER_PATTERN(Offset + Index);
    VirtualProtect(ReadOnly, PAGE, PAGE_READONLY, &Old);
    for (ULONG Index = 0; Index < Length && IsInPages(Data, Index + 1); Index++)
        Pages[Data - Pages + Index] = XFER_PATTERN(Offset + Index);
}

/* Whether the two pages hold the pattern in Length bytes at Data, and nothing else has changed. */
static BOOL
OnlyPattern(const UCHAR *Data, ULONG Length, ULONG64 Offset)
{
    for (ULONG Index = 0; Index < 2 * PAGE; Index++) {
        BOOL Inside = IsInPages(Data, Length) && Pages + Index >= Data
            && Pages + Index < Data + Length;

        if (Pages[Index] != (Inside ? XFER_PATTERN(Offset + (Pages + Index - Data)) : FILLER))
            return FALSE;
    }
    return TRUE;
}

static void
Transfers(PCWSTR Path, ULONG Options, const char *Name)
{
    HANDLE        File = XferOpen(Path, FILE_READ_DATA | FILE_WRITE_DATA, 0, Options);
    LARGE_INTEGER Offset = { .QuadPart = 1000 };

    for (ULONG Index = 0; Index < ARRAYSIZE(Buffers); Index++) {
        IO_STATUS_BLOCK Iosb = { { 0x77777777 }, 77 };
        ULONG           Length = Buffers[Index].Length;
        UCHAR          *Data = BufferAt(Index);
        NTSTATUS        Status;

        Fill(NULL, 0, 1000);
        Status = NtReadFile(File, NULL, NULL, NULL, &Iosb, Data, Length, &Offset, NULL);
        Expect(Status == Buffers[Index].Read, "%s: read, %s: 0x%08lX", Name, Buffers[Index].Name,
            (ULONG)Status);
        Expect(NT_SUCCESS(Status) ? Iosb.Status == 0 && Iosb.Information == Length
            : Iosb.Status == 0x77777777 && Iosb.Information == 77, "%s: read, %s: status block",
            Name, Buffers[Index].Name);
        Expect((Path[8] == L'N' && Status == AV)     // that driver writes until it fails
            || OnlyPattern(Data, NT_SUCCESS(Status) ? Length : 0, 1000), "%s: read, %s: data",
            Name, Buffers[Index].Name);

        Fill(Data, Length, 1000);
        Status = NtWriteFile(File, NULL, NULL, NULL, &Iosb, Data, Length, &Offset, NULL);
        Expect(Status == Buffers[Index].Write, "%s: write, %s: 0x%08lX", Name,
            Buffers[Index].Name, (ULONG)Status);
    }
    CloseHandle(File);
}

typedef NTSTATUS (NTAPI *CONTROL)(HANDLE, HANDLE, PIO_APC_ROUTINE, PVOID, PIO_STATUS_BLOCK, ULONG,
    PVOID, ULONG, PVOID, ULONG);
static CONTROL Service;                         // NtDeviceIoControlFile or NtFsControlFile

/* The input is always good and as long as the output, and 0 long for an output of 0. */
static void
Outputs(HANDLE File, ULONG Method)
{
    static UCHAR Input[2 * PAGE];

    for (ULONG Index = 0; Index < ARRAYSIZE(Buffers); Index++) {
        IO_STATUS_BLOCK Iosb = { { 0x77777777 }, 77 };
        ULONG           Length = Buffers[Index].Length;
        UCHAR          *Data = BufferAt(Index);
        BOOL            Input2 = Method == METHOD_IN_DIRECT;
        NTSTATUS        Status, Wanted = Input2 ? Buffers[Index].Write : Buffers[Index].Read;

        for (ULONG Byte = 0; Byte < Length; Byte++)
            Input[Byte] = (UCHAR)~XFER_PATTERN(Byte);
        Fill(Input2 ? Data : NULL, Input2 ? Length : 0, 0);
        Status = Service(File, NULL, NULL, NULL, &Iosb,
            XFER_CODE(XFER_ECHO, Method), Input, Length, Data, Length);
        Expect(Status == Wanted, "method %lu, output %s: 0x%08lX", Method, Buffers[Index].Name,
            (ULONG)Status);
        Expect(NT_SUCCESS(Status) ? Iosb.Information == Length : Iosb.Information == 77,
            "method %lu, output %s: information", Method, Buffers[Index].Name);
        if (Wanted == AV && (Method == METHOD_NEITHER || Input2))
            continue;           // the driver has written until it failed, or what was filled stays
        Expect(OnlyPattern(Data, NT_SUCCESS(Status) ? Length : 0, 0),
            "method %lu, output %s: data", Method, Buffers[Index].Name);
    }
}

/* The output is good. */
static void
Inputs(HANDLE File, ULONG Method)
{
    static UCHAR Output[2 * PAGE];

    for (ULONG Index = 0; Index < ARRAYSIZE(Buffers); Index++) {
        IO_STATUS_BLOCK Iosb = { { 0x77777777 }, 77 };
        ULONG           Length = Buffers[Index].Length, Wrong = 0;
        UCHAR          *Data = BufferAt(Index);
        NTSTATUS        Status;

        Fill(Data, Length, 0);
        for (ULONG Byte = 0; Byte < Length; Byte++)
            Output[Byte] = Method == METHOD_IN_DIRECT ? (UCHAR)~XFER_PATTERN(Byte) : FILLER;
        Status = Service(File, NULL, NULL, NULL, &Iosb,
            XFER_CODE(XFER_ECHO, Method), Data, Length, Output, Length);
        Expect(Status == Buffers[Index].Write, "method %lu, input %s: 0x%08lX", Method,
            Buffers[Index].Name, (ULONG)Status);
        for (ULONG Byte = 0; Byte < Length; Byte++)
            Wrong += Output[Byte] != (NT_SUCCESS(Status) || Method == METHOD_IN_DIRECT
                ? (UCHAR)~XFER_PATTERN(Byte) : FILLER);
        Expect(Wrong == 0 || (Method == METHOD_NEITHER && Status == AV),
            "method %lu, input %s: %lu bytes wrong", Method,
            Buffers[Index].Name, Wrong);
    }
}

/* Input and output of different lengths: Information bytes are written, no more. */
static void
Lengths(HANDLE File, ULONG Method)
{
    static const struct { ULONG Input, Output; } Cases[] = {
        { 0, 0 }, { 0, 20 }, { 20, 0 }, { 5, 20 }, { 20, 5 }, { 48, 49 }, { 49, 48 }, { 4097, 64 },
    };
    static UCHAR Input[2 * PAGE];

    for (ULONG Index = 0; Index < ARRAYSIZE(Cases); Index++) {
        IO_STATUS_BLOCK Iosb = { { 0x77777777 }, 77 };
        ULONG           Both = min(Cases[Index].Input, Cases[Index].Output);
        ULONG           Given = Method == METHOD_IN_DIRECT ? Cases[Index].Output : 0;
        NTSTATUS        Status;

        for (ULONG Byte = 0; Byte < Cases[Index].Input; Byte++)
            Input[Byte] = (UCHAR)~XFER_PATTERN(Byte);
        Fill(Pages, Given, 0);
        Status = Service(File, NULL, NULL, NULL, &Iosb,
            XFER_CODE(XFER_ECHO, Method), Input, Cases[Index].Input, Pages, Cases[Index].Output);
        Expect(Status == STATUS_SUCCESS && Iosb.Information == Both,
            "method %lu, %lu and %lu bytes: 0x%08lX, %llu", Method, Cases[Index].Input,
            Cases[Index].Output, (ULONG)Status, (ULONG64)Iosb.Information);
        Expect(OnlyPattern(Pages, Given != 0 ? Given : Both, 0), "method %lu, %lu and %lu: data",
            Method, Cases[Index].Input, Cases[Index].Output);
    }
}

static void
Controls(CONTROL Which, const char *Outs, const char *Ins)
{
    HANDLE File = XferOpen(L"\\??\\XferBuffered\\", FILE_READ_DATA | FILE_WRITE_DATA, 0,
        FILE_SYNCHRONOUS_IO_NONALERT);

    Service = Which;
    Promise(Outs);
    for (ULONG Method = 0; Method < 4; Method++)
        Outputs(File, Method);
    Promise(Ins);
    for (ULONG Method = 0; Method < 4; Method++)
        Inputs(File, Method);
    Promise("Inputs and outputs of different lengths, of which the shorter counts");
    for (ULONG Method = 0; Method < 4; Method++)
        Lengths(File, Method);
    CloseHandle(File);
}

static ULONG
HeldBy(HANDLE Pipe)
{
    PIPE_INFORMATION Information = { 0 };
    DWORD            Done;

    DeviceIoControl(Pipe, IOCTL_PIPE_QUERY, NULL, 0, &Information, sizeof Information, &Done,
        NULL);
    return (ULONG)Information.Held;
}

static void
Empty(HANDLE Pipe)
{
    static UCHAR    Data[PAGE];
    IO_STATUS_BLOCK Iosb;

    while (HeldBy(Pipe) != 0)
        NtReadFile(Pipe, NULL, NULL, NULL, &Iosb, Data, PAGE, NULL, NULL);
}

/* Wait: by fast I/O, without an IRP: the driver works on the program's memory. */
static void
Pipe(ULONG Wait, ULONG Mode)
{
    HANDLE          File = CreateFileA("\\\\.\\Example\\TTransfer", GENERIC_READ | GENERIC_WRITE,
        0, NULL, OPEN_EXISTING, 0, NULL);
    IO_STATUS_BLOCK Own;
    DWORD           Done;

    DeviceIoControl(File, IOCTL_PIPE_SET_WAIT, &Wait, sizeof Wait, NULL, 0, &Done, NULL);
    DeviceIoControl(File, IOCTL_PIPE_SET_MODE, &Mode, sizeof Mode, NULL, 0, &Done, NULL);
    for (ULONG Index = 0; Index < ARRAYSIZE(Buffers); Index++) {
        IO_STATUS_BLOCK Iosb = { { 0x77777777 }, 77 };
        ULONG           Length = Buffers[Index].Length, Held;
        NTSTATUS        Status;

        Fill(Pages, 64, 0);
        NtWriteFile(File, NULL, NULL, NULL, &Own, Pages, 64, NULL, NULL);
        Fill(NULL, 0, 0);
        Status = NtReadFile(File, NULL, NULL, NULL, &Iosb, BufferAt(Index), Length, NULL, NULL);
        Held = HeldBy(File);
        Expect(Status == Buffers[Index].Read, "read, %s: 0x%08lX", Buffers[Index].Name,
            (ULONG)Status);
        Expect(NT_SUCCESS(Status) ? Iosb.Information == min(Length, 64)
            && Held == 64 - min(Length, 64) && OnlyPattern(BufferAt(Index), min(Length, 64), 0)
            : Iosb.Information == 77 && Held == 64, "read, %s: %llu bytes, %lu left",
            Buffers[Index].Name, (ULONG64)Iosb.Information, Held);
        Empty(File);

        Fill(BufferAt(Index), Length, 0);
        Status = NtWriteFile(File, NULL, NULL, NULL, &Iosb, BufferAt(Index), Length, NULL, NULL);
        Held = HeldBy(File);
        Expect(Status == Buffers[Index].Write, "write, %s: 0x%08lX", Buffers[Index].Name,
            (ULONG)Status);
        Expect(Held == (NT_SUCCESS(Status) ? min(Iosb.Information, PAGE) : 0),
            "write, %s: %lu bytes", Buffers[Index].Name, Held);
        Empty(File);
    }
    CloseHandle(File);
}

/* A driver keeps pages for as long as it works with them, whatever the program does meanwhile. */
static void
Pinned(void)
{
    HANDLE          File = XferOpen(L"\\??\\XferDirect\\", FILE_READ_DATA, 0, 0);
    IO_STATUS_BLOCK Iosb;
    UCHAR          *Data;
    DWORD           Old;

    Promise("Pages that a driver works with stay though the program frees or protects them");
    Data = VirtualAlloc(NULL, PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    Data[0] = 1;
    Expect(NtDeviceIoControlFile(File, NULL, NULL, NULL, &Iosb,
        XFER_CODE(XFER_PEND, METHOD_OUT_DIRECT), NULL, 0, Data, 64) == STATUS_PENDING, "pend");
    Expect(VirtualProtect(Data, PAGE, PAGE_READONLY, &Old), "protect");
    XferCall(File, XFER_POKE, "poked", 6, NULL, 0, NULL);
    Expect(strcmp((char *)Data, "poked") == 0, "the driver wrote to another page");
    Expect(VirtualFree(Data, 0, MEM_RELEASE), "free");
    XferCall(File, XFER_POKE, "again", 6, NULL, 0, NULL);      // nobody else's page, or it breaks
    Data = VirtualAlloc(Data, PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    Expect(Data != NULL && Data[0] == 0, "new memory at the same place is not zero");
    XferCall(File, XFER_POKE, "third", 6, NULL, 0, NULL);
    Expect(Data != NULL && Data[0] == 0, "the driver still writes to the program's memory");
    Expect(XferReleaseAll(File, STATUS_SUCCESS, 0) == 1 && Iosb.Status == STATUS_SUCCESS, "end");
    VirtualFree(Data, 0, MEM_RELEASE);
    CloseHandle(File);
}

static void
Big(void)
{
    HANDLE        File = XferOpen(L"\\??\\XferDirect\\", FILE_READ_DATA | FILE_WRITE_DATA, 0,
        FILE_SYNCHRONOUS_IO_NONALERT);
    LARGE_INTEGER Offset = { .QuadPart = 0 };
    IO_STATUS_BLOCK Iosb = { { 0 }, 0 };
    UCHAR        *Data = VirtualAlloc(NULL, BIG + PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    ULONG64       Blocks, Before, After;

    Promise("Sixteen megabytes travel directly, to an odd address, without a copy in pool");
    PoolTag("IoBf", &Blocks, &Before);
    Expect(NtReadFile(File, NULL, NULL, NULL, &Iosb, Data + 1, BIG, &Offset, NULL)
        == STATUS_SUCCESS && Iosb.Information == BIG, "read 0x%08lX", (ULONG)Iosb.Status);
    Expect(Data[0] == 0 && Data[1] == XFER_PATTERN(0) && Data[BIG] == XFER_PATTERN(BIG - 1)
        && Data[BIG + 1] == 0, "data");
    Expect(NtWriteFile(File, NULL, NULL, NULL, &Iosb, Data + 1, BIG, &Offset, NULL)
        == STATUS_SUCCESS, "write");
    PoolTag("IoBf", &Blocks, &After);
    Expect(After <= Before, "%llu bytes IoBf became %llu", Before, After);
    VirtualFree(Data, 0, MEM_RELEASE);
    CloseHandle(File);
}

int
main(void)
{
    static const char *const Tags[] = { "Mdl ", "IoBf", "File" };
    ULONG64 Before[ARRAYSIZE(Tags)], Bytes;
    ULONG   Handles, Old;

    XferLoad(TRUE);
    Reserved = VirtualAlloc(NULL, PAGE, MEM_RESERVE, PAGE_READWRITE);
    Pages = VirtualAlloc(NULL, 3 * PAGE, MEM_RESERVE, PAGE_READWRITE);
    VirtualAlloc(Pages, 2 * PAGE, MEM_COMMIT, PAGE_READWRITE);
    ReadOnly = VirtualAlloc(NULL, PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    VirtualProtect(ReadOnly, PAGE, PAGE_READONLY, &Old);
    for (ULONG Index = 0; Index < ARRAYSIZE(Tags); Index++)
        PoolTag(Tags[Index], &Before[Index], &Bytes);
    Handles = HandleCount();

    for (ULONG Options = 0; Options <= FILE_SYNCHRONOUS_IO_NONALERT; Options += 0x20) {
        Promise(Options ? "Reads and writes of synchronous files with every kind of buffer"
            : "Reads and writes of asynchronous files with every kind of buffer");
        Transfers(L"\\??\\XferBuffered\\", Options, "buffered");
        Transfers(L"\\??\\XferDirect\\", Options, "direct");
        Transfers(L"\\??\\XferNeither\\", Options, "neither");
    }
    Controls(NtDeviceIoControlFile,
        "Outputs of control requests, four methods and every kind of buffer",
        "Inputs of control requests, four methods and every kind of buffer");
    Controls(NtFsControlFile,
        "Outputs of file system control requests, four methods and every kind of buffer",
        "Inputs of file system control requests, four methods and every kind of buffer");
    Promise("Reads and writes of a pipe with every kind of buffer; what fails moves nothing");
    Pipe(0, PIPE_DROP_NEW);
    Promise("The same by fast I/O");
    Pipe(1, PIPE_DROP_NEW);
    Pipe(1, PIPE_OVERWRITE_OLD);
    Pinned();
    Big();

    Promise("All this leaves pool, handles and the driver as they were");
    for (ULONG Index = 0; Index < ARRAYSIZE(Tags); Index++)
        ExpectTag(Tags[Index], Before[Index]);
    Expect(HandleCount() == Handles, "%lu handles became %lu", Handles, HandleCount());
    Expect(XferLoad(FALSE) == STATUS_SUCCESS, "the driver cannot be unloaded");
    return Done("ttransfer");
}
