/*
 * pipe.sys from a program: what it carries, how it is counted, two pairs on two names, names it
 * refuses, and ten thousand opens and closes after which every count and every pool tag is where
 * it was.
 */
#include "sdk/ntapi.h"
#include <winioctl.h>
#include "user/lib/testing.h"
#include "drivers/pipe/pipe_ioctl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static HANDLE
Open(const char *Name)
{
    char Path[300];

    _snprintf(Path, sizeof Path, "\\\\.\\Example\\%s", Name);
    return CreateFileA(Path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
        NULL, OPEN_EXISTING, 0, NULL);
}

static DWORD
Write(HANDLE Pipe, const char *Text)
{
    DWORD Done = 0;

    return WriteFile(Pipe, Text, (DWORD)strlen(Text), &Done, NULL) ? Done : (DWORD)-1;
}

static const char *
Read(HANDLE Pipe)
{
    static char Data[256];
    DWORD       Done = 0;

    if (!ReadFile(Pipe, Data, sizeof Data - 1, &Done, NULL))
        return "(failed)";
    Data[Done] = 0;
    return Data;
}

static PIPE_INFORMATION
Query(HANDLE Pipe)
{
    PIPE_INFORMATION Information = { 0 };
    DWORD            Done;

    DeviceIoControl(Pipe, IOCTL_PIPE_QUERY, NULL, 0, &Information, sizeof Information, &Done, NULL);
    return Information;
}

static BOOL
Set(HANDLE Pipe, DWORD Code, ULONG Value)
{
    DWORD Done;

    return DeviceIoControl(Pipe, Code, &Value, sizeof Value, NULL, 0, &Done, NULL);
}

static void
Carries(void)
{
    HANDLE A = Open("TPIPE"), B = Open("tpipe"), Other = Open("TPIPE2");

    Promise("What is written under a name is read under it, once, in order, in any spelling");
    Expect(A != INVALID_HANDLE_VALUE && B != INVALID_HANDLE_VALUE, "open: %lu", GetLastError());
    Expect(Write(A, "first ") == 6 && Write(A, "second") == 6, "write");
    Expect(Query(B).Held == 12 && Query(B).Opens == 2, "held %lu opens %lu", Query(B).Held,
        Query(B).Opens);
    Expect(strcmp(Read(Other), "") == 0, "it came out of another pipe");
    Expect(strcmp(Read(B), "first second") == 0, "read");
    Expect(strcmp(Read(B), "") == 0, "read twice");
    Promise("Two pairs on two names do not mix");
    Write(A, "for one");
    Write(Other, "for two");
    Expect(strcmp(Read(Other), "for two") == 0 && strcmp(Read(B), "for one") == 0, "mixed");
    CloseHandle(A);
    CloseHandle(B);
    CloseHandle(Other);
    Promise("A pipe is gone with its last handle");
    A = Open("TPIPE");
    Expect(Query(A).Opens == 1 && Query(A).Held == 0, "opens %lu", Query(A).Opens);
    CloseHandle(A);
}

static void
Full(void)
{
    HANDLE Pipe = Open("TFULL");

    Promise("A full pipe drops new data, or overwrites old, as it was told, and counts the loss");
    Expect(Query(Pipe).Size == PIPE_DEFAULT_SIZE, "default size %lu", Query(Pipe).Size);
    Expect(Set(Pipe, IOCTL_PIPE_SET_SIZE, 8), "size: %lu", GetLastError());
    Expect(Write(Pipe, "abcdef") == 6 && Write(Pipe, "ghij") == 2, "cut short");
    Expect(Query(Pipe).Lost == 2, "lost %llu", Query(Pipe).Lost);
    Expect(strcmp(Read(Pipe), "abcdefgh") == 0, "drop");
    Expect(Set(Pipe, IOCTL_PIPE_SET_MODE, PIPE_OVERWRITE_OLD), "mode: %lu", GetLastError());
    Expect(Write(Pipe, "abcdef") == 6 && Write(Pipe, "ghij") == 4, "all goes in");
    Expect(strcmp(Read(Pipe), "cdefghij") == 0, "overwrite");
    Expect(Query(Pipe).Lost == 4, "lost %llu", Query(Pipe).Lost);
    Promise("Sizes and modes that make no sense are refused");
    Expect(!Set(Pipe, IOCTL_PIPE_SET_SIZE, 0), "size 0");
    Expect(!Set(Pipe, IOCTL_PIPE_SET_SIZE, PIPE_MAX_SIZE + 1), "size too large");
    Expect(!Set(Pipe, IOCTL_PIPE_SET_MODE, 77), "mode 77");
    Expect(!Set(Pipe, CTL_CODE(PIPE_DEVICE_TYPE, 0x877, METHOD_BUFFERED, 0), 0), "unknown code");
    Expect(Query(Pipe).Size == 8, "the size changed to %lu", Query(Pipe).Size);
    CloseHandle(Pipe);
}

static void
Names(void)
{
    char   Name[200];
    HANDLE Pipe;

    Promise("Names of 64 characters are taken, longer, empty and nested ones refused");
    memset(Name, 'n', sizeof Name);
    Name[PIPE_MAX_NAME] = 0;
    Pipe = Open(Name);
    Expect(Pipe != INVALID_HANDLE_VALUE, "64: %lu", GetLastError());
    CloseHandle(Pipe);
    Name[PIPE_MAX_NAME] = 'n';
    Name[PIPE_MAX_NAME + 1] = 0;
    Expect(Open(Name) == INVALID_HANDLE_VALUE, "65");
    Expect(Open("a\\b") == INVALID_HANDLE_VALUE, "nested");
    Expect(Open("") == INVALID_HANDLE_VALUE, "empty");
}

static ULONG
DeviceCounts(PULONG Pointers)
{
    OBJECT_BASIC_INFORMATION Basic = { 0 };
    HANDLE                   Pipe = Open("TCOUNT");

    NtQueryObject(Pipe, EtObjectBasicInformation, &Basic, sizeof Basic, NULL);
    *Pointers = Basic.PointerCount;
    CloseHandle(Pipe);
    return Basic.HandleCount;
}

static void
TenThousand(void)
{
    static const char *const Tags[] = { "Pipe", "File", "Irp ", "ObNm", "ObDi" };
    ULONG64 Blocks[ARRAYSIZE(Tags)], Bytes;
    ULONG   Handles, Pointers, Before = HandleCount(), PointersAfter, Failed = 0;

    Handles = DeviceCounts(&Pointers);
    for (ULONG Index = 0; Index < ARRAYSIZE(Tags); Index++)
        PoolTag(Tags[Index], &Blocks[Index], &Bytes);
    for (int Count = 0; Count < 10000; Count++) {
        HANDLE Pipe = Open(Count & 1 ? "TMANY" : "tmany2");

        if (Pipe == INVALID_HANDLE_VALUE)
            Failed++;
        else
            CloseHandle(Pipe);
    }
    Promise("Ten thousand opens and closes of a pipe all succeed");
    Expect(Failed == 0, "%lu failed", Failed);
    Promise("After them every count and every pool tag is where it was");
    Expect(HandleCount() == Before, "%lu handles became %lu", Before, HandleCount());
    Expect(DeviceCounts(&PointersAfter) == Handles && PointersAfter == Pointers,
        "a file's pointer count %lu became %lu", Pointers, PointersAfter);
    for (ULONG Index = 0; Index < ARRAYSIZE(Tags); Index++)
        ExpectTag(Tags[Index], Blocks[Index] + (Index == 2 ? 64 : 0));  // processors keep free IRPs
}

static DWORD WINAPI
Pump(PVOID Name)
{
    HANDLE Pipe = Open(Name);
    DWORD  Bad = 0;

    for (int Count = 0; Count < 300; Count++) {
        if (Write(Pipe, "0123456789") == (DWORD)-1 || strcmp(Read(Pipe), "(failed)") == 0)
            Bad++;
        if (Count % 10 == 0) {
            CloseHandle(Pipe);
            Pipe = Open(Name);
        }
    }
    CloseHandle(Pipe);
    return Bad;
}

static void
AtOnce(void)
{
    static const char *const Names[8] = { "P1", "P1", "P1", "P1", "P2", "P2", "P3", "P4" };
    HANDLE  Threads[8];
    DWORD   Code, Bad = 0;
    ULONG64 Blocks, Bytes;

    PoolTag("Pipe", &Blocks, &Bytes);
    for (int Index = 0; Index < 8; Index++)
        Threads[Index] = CreateThread(NULL, 0, Pump, (PVOID)Names[Index], 0, NULL);
    Promise("Eight threads open, write, read and close four pipes at once");
    Expect(WaitForMultipleObjects(8, Threads, TRUE, 60000) == WAIT_OBJECT_0, "they did not end");
    for (int Index = 0; Index < 8; Index++) {
        GetExitCodeThread(Threads[Index], &Code);
        Bad += Code;
        CloseHandle(Threads[Index]);
    }
    Expect(Bad == 0, "%lu calls failed", Bad);
    ExpectTag("Pipe", Blocks);
}

int
main(void)
{
    Carries();
    Full();
    Names();
    TenThousand();
    AtOnce();
    return Done("tpipe");
}
