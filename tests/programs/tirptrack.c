/*
 * irptrack.sys from a program: what a filter sees above pipe.sys and inverted.sys, and that it
 * comes and goes under load without anyone noticing.
 */
#include "sdk/ntapi.h"
#include <winioctl.h>
#include "user/lib/testing.h"
#include "drivers/irptrack/irptrack_ioctl.h"
#include "drivers/inverted/inverted_ioctl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRANSFERS   20000
#define CYCLES      300

typedef struct _LOAD {
    HANDLE        Thread;
    const char   *Name;
    volatile LONG Wrong, Done;
} LOAD, *PLOAD;

static IRPTRACK_RECORD Records[64];
static volatile LONG   Loads;

/* A filter above Device: a file of irptrack.sys. */
static NTSTATUS
Attach(PCWSTR Device, PHANDLE Tracker)
{
    WCHAR             Path[64] = L"\\??\\IrpTrack";
    UNICODE_STRING    Name;
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK   Block;

    RtlInitUnicodeString(&Name, wcscat(Path, Device));
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    return NtOpenFile(Tracker, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &Attributes, &Block,
        FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_SYNCHRONOUS_IO_NONALERT);
}

static HANDLE
OpenPipe(const char *Name)
{
    char Path[64];

    _snprintf(Path, sizeof Path, "\\\\.\\Example\\%s", Name);
    return CreateFileA(Path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
        NULL, OPEN_EXISTING, 0, NULL);
}

static NTSTATUS
SetFlags(HANDLE Tracker, ULONG Flags, ULONG Length)
{
    IO_STATUS_BLOCK Block;

    return NtDeviceIoControlFile(Tracker, NULL, NULL, NULL, &Block, IOCTL_IRPTRACK_SET_FLAGS,
        &Flags, Length, NULL, 0);
}

static ULONG
ReadRecords(HANDLE Tracker)
{
    DWORD Done;

    memset(Records, 0, sizeof Records);
    if (!ReadFile(Tracker, Records, sizeof Records, &Done, NULL))
        return (ULONG)-1;
    return Done / sizeof Records[0];
}

/* Record Index is of the given kind and status. */
static BOOL
Is(ULONG Index, UCHAR Major, UCHAR How, NTSTATUS Status)
{
    return Records[Index].Major == Major && Records[Index].How == How &&
        Records[Index].Status == Status && Records[Index].Process == GetCurrentProcessId() &&
        Records[Index].Ended >= Records[Index].Started;
}

static void
Watches(void)
{
    HANDLE Tracker, Pipe;
    char   Data[16];
    ULONG  Count, Done;

    Promise("Between attach and close every IRP of the device is seen, with status and length");
    Expect(Attach(L"\\Device\\Example", &Tracker) == STATUS_SUCCESS, "attach");
    Pipe = OpenPipe("TRACK");
    WriteFile(Pipe, "seven..", 7, &Done, NULL);
    ReadFile(Pipe, Data, sizeof Data, &Done, NULL);
    CloseHandle(Pipe);
    Count = ReadRecords(Tracker);
    Expect(Count == 5, "%lu IRPs", Count);
    Expect(Is(0, 0x00, 0, STATUS_SUCCESS) && Records[0].Information == FILE_CREATED, "create");
    Expect(Is(1, 0x04, 0, STATUS_SUCCESS) && Records[1].Information == 7, "write");
    Expect(Is(2, 0x03, 0, STATUS_SUCCESS) && Records[2].Information == 7, "read");
    Expect(Is(3, 0x12, 0, STATUS_SUCCESS) && Is(4, 0x02, 0, STATUS_SUCCESS), "cleanup, close");
    Expect(ReadRecords(Tracker) == 0, "records are read twice");
    CloseHandle(Tracker);
}

static void
Variants(void)
{
    HANDLE Blind, Refuser, Pipe;
    DWORD  Done;

    Promise("An IRP can be completed by the filter, passed down blind, or watched");
    Expect(Attach(L"\\device\\example", &Blind) == STATUS_SUCCESS &&
        SetFlags(Blind, IRPTRACK_PASS_BLIND, sizeof(ULONG)) == STATUS_SUCCESS, "attach");
    Expect(Attach(L"\\Device\\Example", &Refuser) == STATUS_SUCCESS &&
        SetFlags(Refuser, IRPTRACK_REFUSE_WRITES, sizeof(ULONG)) == STATUS_SUCCESS, "attach above");
    Pipe = OpenPipe("TRACK");
    Expect(!WriteFile(Pipe, "x", 1, &Done, NULL) && RtlGetLastNtStatus() == STATUS_ACCESS_DENIED,
        "the write was not refused");
    Expect(ReadRecords(Refuser) == 2 && Is(1, 0x04, IRPTRACK_HERE, STATUS_ACCESS_DENIED), "here");
    Expect(ReadRecords(Blind) == 1 && Is(0, 0x00, IRPTRACK_BLIND, STATUS_SUCCESS), "blind");

    Promise("A filter under another stays until that one is gone, and nobody notices");
    CloseHandle(Blind);
    Expect(!WriteFile(Pipe, "x", 1, &Done, NULL), "the upper filter was cut off");
    CloseHandle(Refuser);
    Expect(WriteFile(Pipe, "x", 1, &Done, NULL) && Done == 1, "the pipe is cut off");
    CloseHandle(Pipe);
}

static void
Refuses(void)
{
    HANDLE Tracker;

    Promise("Wrong names, flags, lengths and functions are refused");
    Expect(Attach(L"\\Device\\NoSuch", &Tracker) == STATUS_OBJECT_NAME_NOT_FOUND, "no such name");
    Expect(Attach(L"\\Driver\\pipe", &Tracker) == STATUS_OBJECT_TYPE_MISMATCH, "no device");
    Expect(!NT_SUCCESS(Attach(L"", &Tracker)), "no name");
    Expect(Attach(L"\\Device\\Example", &Tracker) == STATUS_SUCCESS, "attach");
    Expect(SetFlags(Tracker, 8, sizeof(ULONG)) == STATUS_INVALID_PARAMETER, "flags");
    Expect(SetFlags(Tracker, 0, 3) == STATUS_INFO_LENGTH_MISMATCH, "length");
    Expect(!FlushFileBuffers(Tracker) && RtlGetLastNtStatus() == STATUS_INVALID_DEVICE_REQUEST,
        "function");
    CloseHandle(Tracker);
}

/*
 * More IRPs than are kept, and nobody reads: the first after the gap says how many are missing.
 */
static void
CountsLost(void)
{
    HANDLE Tracker, Pipe = OpenPipe("TRACK");
    ULONG  Count, Seen = 0, Lost = 0, Done;

    Promise("IRPs that find no room for their record are counted");
    Expect(Attach(L"\\Device\\Example", &Tracker) == STATUS_SUCCESS, "attach");
    for (int Index = 0; Index < IRPTRACK_KEPT + 10; Index++)
        WriteFile(Pipe, "", 0, &Done, NULL);
    while ((Count = ReadRecords(Tracker)) != 0 && Count <= 64)
        Seen += Count;
    Expect(Seen == IRPTRACK_KEPT, "%lu records", Seen);
    WriteFile(Pipe, "", 0, &Done, NULL);
    Expect(ReadRecords(Tracker) == 1, "no record after the gap");
    Lost = Records[0].Lost;
    Expect(Lost == 10, "%lu were lost", Lost);
    CloseHandle(Tracker);
    CloseHandle(Pipe);
}

/* Requests that are pending while the filter comes and goes. */
static void
Pending(void)
{
    HANDLE          Tracker, File;
    IO_STATUS_BLOCK Blocks[3];
    INVERTED_NEWS   News[3];

    Promise("Pended and cancelled IRPs are seen as such, and a filter may leave before they end");
    StartDriver("inverted");
    File = CreateFileA("\\\\.\\Inverted", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
        FILE_FLAG_OVERLAPPED, NULL);
    Expect(Attach(L"\\Device\\Inverted", &Tracker) == STATUS_SUCCESS, "attach");
    for (int Index = 0; Index < 3; Index++)
        Expect(NtDeviceIoControlFile(File, NULL, NULL, NULL, &Blocks[Index], IOCTL_INVERTED_WAIT,
            NULL, 0, &News[Index], sizeof News[Index]) == STATUS_PENDING, "not pending");
    Expect(ReadRecords(Tracker) == 0, "it has ended already");
    NtCancelIoFile(File, &Blocks[0]);
    Expect(ReadRecords(Tracker) == 3 &&
        Is(0, 0x0E, IRPTRACK_PENDED | IRPTRACK_CANCELLED, STATUS_CANCELLED), "cancelled");

    Blocks[1].Status = STATUS_PENDING;
    NtDeviceIoControlFile(File, NULL, NULL, NULL, &Blocks[1], IOCTL_INVERTED_WAIT, NULL, 0,
        &News[1], sizeof News[1]);
    CloseHandle(Tracker);
    Expect(Blocks[1].Status == STATUS_PENDING, "the pending request has ended");
    NtCancelIoFile(File, &Blocks[0]);
    Expect(Blocks[1].Status == STATUS_CANCELLED, "0x%08lX", Blocks[1].Status);
    CloseHandle(File);
    Expect(StopDriver("inverted") == STATUS_SUCCESS, "stop");
}

static DWORD WINAPI
Load(PVOID Context)
{
    PLOAD  Load = Context;
    HANDLE Pipe = OpenPipe(Load->Name);

    for (ULONG Number = 0; Number < TRANSFERS && Loads > 0; Number++) {
        ULONG Back = ~Number;
        DWORD Done;

        if (!WriteFile(Pipe, &Number, sizeof Number, &Done, NULL) || Done != sizeof Number ||
            !ReadFile(Pipe, &Back, sizeof Back, &Done, NULL) || Back != Number)
            Load->Wrong++;
        Load->Done++;
    }
    CloseHandle(Pipe);
    return 0;
}

static void
ComesAndGoes(void)
{
    static LOAD Some[3] = { { .Name = "LOAD1" }, { .Name = "LOAD2" }, { .Name = "LOAD3" } };

    Promise("The filter comes and goes hundreds of times under load and no byte is lost");
    Loads = 1;
    for (int Index = 0; Index < 3; Index++)
        Some[Index].Thread = CreateThread(NULL, 0, Load, &Some[Index], 0, NULL);
    for (int Cycle = 0; Cycle < CYCLES; Cycle++) {
        HANDLE Tracker;

        Expect(Attach(L"\\Device\\Example", &Tracker) == STATUS_SUCCESS, "attach");
        SetFlags(Tracker, Cycle % 2 ? IRPTRACK_PASS_BLIND : 0, sizeof(ULONG));
        ReadRecords(Tracker);
        CloseHandle(Tracker);
    }
    Loads = 0;
    for (int Index = 0; Index < 3; Index++) {
        WaitForSingleObject(Some[Index].Thread, INFINITE);
        CloseHandle(Some[Index].Thread);
        Expect(Some[Index].Wrong == 0, "%ld of %ld transfers were wrong", Some[Index].Wrong,
            Some[Index].Done);
    }

    Promise("irptrack.sys unloads and leaves nothing in the pool");
    Expect(StopDriver("irptrack") == STATUS_SUCCESS, "stop");
    ExpectTag("Itrk", 0);
}

int
main(void)
{
    NTSTATUS Status;

    Promise("irptrack.sys loads");
    Status = StartDriver("irptrack");
    Expect(Status == STATUS_SUCCESS, "status 0x%08lX", Status);
    Watches();
    Variants();
    Refuses();
    CountsLost();
    Pending();
    ComesAndGoes();
    return Done("tirptrack");
}
