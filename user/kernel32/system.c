/*
 * Time, the system, errors as text, exceptions, debug output.
 *
 * Ticks and time are read from KUSER_SHARED_DATA, which the kernel keeps up to date at
 * 0x7FFE0000: 100 ns units at +0x08 (interrupt time) and +0x14 (system time), each with its high
 * part stored twice around the low one.
 */
#include "k32.h"

#define SHARED_DATA         0x7FFE0000ULL
#define SHARED_INTERRUPT    (SHARED_DATA + 0x08)
#define SHARED_SYSTEM_TIME  (SHARED_DATA + 0x14)

typedef struct _SHARED_TIME {
    volatile ULONG Low;
    volatile LONG  High1, High2;
} SHARED_TIME;

static ULONG64
BasepSharedTime(ULONG64 Address)
{
    const SHARED_TIME *Time = (const SHARED_TIME *)Address;
    LONG               High;
    ULONG              Low;

    do {
        High = Time->High1;
        Low = Time->Low;
    } while (High != Time->High2);
    return ((ULONG64)High << 32) | Low;
}

ULONGLONG WINAPI
GetTickCount64(VOID)
{
    return BasepSharedTime(SHARED_INTERRUPT) / 10000;
}

DWORD WINAPI
GetTickCount(VOID)
{
    return (DWORD)GetTickCount64();
}

VOID WINAPI
GetSystemTimeAsFileTime(LPFILETIME Time)
{
    ULONG64 Now = BasepSharedTime(SHARED_SYSTEM_TIME);

    Time->dwLowDateTime = (DWORD)Now;
    Time->dwHighDateTime = (DWORD)(Now >> 32);
}

BOOL WINAPI
QueryPerformanceCounter(LARGE_INTEGER *Counter)
{
    return BaseSetStatus(NtQueryPerformanceCounter(Counter, NULL));
}

BOOL WINAPI
QueryPerformanceFrequency(LARGE_INTEGER *Frequency)
{
    LARGE_INTEGER Counter;

    return BaseSetStatus(NtQueryPerformanceCounter(&Counter, Frequency));
}

VOID WINAPI
GetSystemInfo(LPSYSTEM_INFO Information)
{
    SYSTEM_BASIC_INFORMATION Basic;

    memset(Information, 0, sizeof *Information);
    if (!BaseSetStatus(NtQuerySystemInformation(EtSystemBasicInformation, &Basic, sizeof Basic,
        NULL)))
        return;
    Information->wProcessorArchitecture = PROCESSOR_ARCHITECTURE_AMD64;
    Information->dwPageSize = Basic.PageSize;
    Information->lpMinimumApplicationAddress = (PVOID)Basic.MinimumUserModeAddress;
    Information->lpMaximumApplicationAddress = (PVOID)Basic.MaximumUserModeAddress;
    Information->dwActiveProcessorMask = Basic.ActiveProcessorsAffinityMask;
    Information->dwNumberOfProcessors = Basic.NumberOfProcessors;
    Information->dwProcessorType = PROCESSOR_AMD_X8664;
    Information->dwAllocationGranularity = Basic.AllocationGranularity;
}

DWORD WINAPI
GetVersion(VOID)
{
    return 5 | 2 << 8 | 3790u << 16;
}

/* The version whose published layouts the kernel follows: Windows Server 2003 (5.2, build 3790). */
BOOL WINAPI
GetVersionExW(LPOSVERSIONINFOW Information)
{
    Information->dwMajorVersion = 5;
    Information->dwMinorVersion = 2;
    Information->dwBuildNumber = 3790;
    Information->dwPlatformId = VER_PLATFORM_WIN32_NT;
    Information->szCSDVersion[0] = 0;
    return TRUE;
}

BOOL WINAPI
GetVersionExA(LPOSVERSIONINFOA Information)
{
    return GetVersionExW((LPOSVERSIONINFOW)Information);    // the numbers lie before the string
}

BOOL WINAPI
IsDebuggerPresent(VOID)
{
    return NtCurrentPeb()->BeingDebugged;
}

VOID WINAPI
OutputDebugStringA(LPCSTR Text)
{
    DbgPrint("%s", Text);
}

VOID WINAPI
OutputDebugStringW(LPCWSTR Text)
{
    DbgPrint("%ws", Text);
}

VOID WINAPI
RaiseException(DWORD Code, DWORD Flags, DWORD Count, const ULONG_PTR *Arguments)
{
    EXCEPTION_RECORD Record;

    memset(&Record, 0, sizeof Record);
    Record.ExceptionCode = Code;
    Record.ExceptionFlags = Flags & EXCEPTION_NONCONTINUABLE;
    Record.ExceptionAddress = (PVOID)RaiseException;
    if (Arguments) {
        Record.NumberParameters = min(Count, EXCEPTION_MAXIMUM_PARAMETERS);
        memcpy(Record.ExceptionInformation, Arguments, Record.NumberParameters * sizeof(ULONG_PTR));
    }
    RtlRaiseException(&Record);
}

static LPTOP_LEVEL_EXCEPTION_FILTER BaseTopFilter;

LPTOP_LEVEL_EXCEPTION_FILTER WINAPI
SetUnhandledExceptionFilter(LPTOP_LEVEL_EXCEPTION_FILTER Filter)
{
    RtlSetUnhandledExceptionFilter(Filter);
    return InterlockedExchangePointer((PVOID *)&BaseTopFilter, (PVOID)Filter);
}

UINT WINAPI
SetErrorMode(UINT Mode)
{
    return 0;
}

BOOL WINAPI
IsProcessorFeaturePresent(DWORD Feature)
{
    return Feature < 64 && *(const UCHAR *)(SHARED_DATA + 0x274 + Feature);
}

DWORD WINAPI
FormatMessageW(DWORD Flags, LPCVOID Source, DWORD Id, DWORD Language, LPWSTR Buffer, DWORD Size,
    va_list *Arguments)
{
    static const WCHAR Hex[] = L"0123456789ABCDEF";
    WCHAR              Text[] = L"Error 0x00000000.";
    DWORD              Count = ARRAYSIZE(Text) - 1;

    for (ULONG Digit = 0; Digit < 8; Digit++)
        Text[15 - Digit] = Hex[(Id >> (Digit * 4)) & 15];
    if (Flags & FORMAT_MESSAGE_ALLOCATE_BUFFER) {
        PWSTR New = LocalAlloc(0, sizeof Text);

        *(PWSTR *)Buffer = New;
        Buffer = New;
        Size = ARRAYSIZE(Text);
    }
    if (Buffer == NULL || Size < ARRAYSIZE(Text)) {
        RtlSetLastWin32Error(ERROR_INSUFFICIENT_BUFFER);
        return 0;
    }
    memcpy(Buffer, Text, sizeof Text);
    return Count;
}

DWORD WINAPI
FormatMessageA(DWORD Flags, LPCVOID Source, DWORD Id, DWORD Language, LPSTR Buffer, DWORD Size,
    va_list *Arguments)
{
    WCHAR Wide[64];
    DWORD Count = FormatMessageW(Flags & ~FORMAT_MESSAGE_ALLOCATE_BUFFER, Source, Id, Language,
        Wide, ARRAYSIZE(Wide), Arguments);

    if (Flags & FORMAT_MESSAGE_ALLOCATE_BUFFER) {
        PSTR New = LocalAlloc(0, Count + 1);

        *(PSTR *)Buffer = New;
        Buffer = New;
        Size = Count + 1;
    }
    if (Buffer == NULL || Size <= Count) {
        RtlSetLastWin32Error(ERROR_INSUFFICIENT_BUFFER);
        return 0;
    }
    for (DWORD Index = 0; Index <= Count; Index++)
        Buffer[Index] = (CHAR)Wide[Index];
    return Count;
}
