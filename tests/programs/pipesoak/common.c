/* What parent and clients share: pipes, numbers that look random, data that can be told. */
#include "pipesoak.h"
#include <stdarg.h>

HANDLE
OpenPipe(const char *Name, DWORD Access, ULONG Waits)
{
    char   Path[100];
    HANDLE Pipe;

    _snprintf(Path, sizeof Path, "\\\\.\\%s", Name);
    Pipe = CreateFileA(Path, Access, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0,
        NULL);
    if (Pipe != INVALID_HANDLE_VALUE && Waits)
        SetPipe(Pipe, IOCTL_PIPE_SET_WAIT, Waits);
    return Pipe;
}

BOOL
SetPipe(HANDLE Pipe, DWORD Code, ULONG Value)
{
    DWORD Done;

    return DeviceIoControl(Pipe, Code, &Value, sizeof Value, NULL, 0, &Done, NULL);
}

PIPE_TRAFFIC
Traffic(HANDLE Pipe)
{
    PIPE_TRAFFIC Figures = { 0 };
    DWORD        Done;

    DeviceIoControl(Pipe, IOCTL_PIPE_QUERY_TRAFFIC, NULL, 0, &Figures, sizeof Figures, &Done, NULL);
    return Figures;
}

ULONG
Random(PULONG Seed)
{
    *Seed = *Seed * 1103515245 + 12345;
    return *Seed >> 1;
}

static ULONG64
Word(ULONG64 Seed, ULONG Index)
{
    return (Seed + Index) * 0x9E3779B97F4A7C15ULL ^ Seed;
}

void
Fill(PUCHAR Data, ULONG Length, ULONG64 Seed)
{
    for (ULONG Index = 0; Index < Length; Index += sizeof(ULONG64)) {
        ULONG64 Value = Word(Seed, Index);

        memcpy(Data + Index, &Value, min(Length - Index, sizeof Value));
    }
}

BOOL
IsFilled(const UCHAR *Data, ULONG Length, ULONG64 Seed)
{
    for (ULONG Index = 0; Index < Length; Index += sizeof(ULONG64)) {
        ULONG64 Value = Word(Seed, Index);

        if (memcmp(Data + Index, &Value, min(Length - Index, sizeof Value)) != 0)
            return FALSE;
    }
    return TRUE;
}

UCHAR
StreamByte(ULONG64 Offset, ULONG Seed)
{
    return (UCHAR)((Offset + Seed) * 0x9E3779B97F4A7C15ULL >> 56);
}

HANDLE
StartClient(const char *Format, ...)
{
    STARTUPINFOA        Startup = { .cb = sizeof Startup };
    PROCESS_INFORMATION Information;
    char                Line[120] = "pipesoak ";
    va_list             Arguments;

    va_start(Arguments, Format);
    _vsnprintf(Line + strlen(Line), sizeof Line - strlen(Line), Format, Arguments);
    va_end(Arguments);
    if (!CreateProcessA(NULL, Line, NULL, NULL, FALSE, 0, NULL, NULL, &Startup, &Information)) {
        Expect(FALSE, "cannot start `%s`: 0x%08lX", Line, (ULONG)RtlGetLastNtStatus());
        return NULL;
    }
    CloseHandle(Information.hThread);
    return Information.hProcess;
}

ULONG
EndOf(HANDLE Client)
{
    DWORD Code = 1;

    WaitForSingleObject(Client, INFINITE);
    GetExitCodeProcess(Client, &Code);
    CloseHandle(Client);
    return Code;
}
