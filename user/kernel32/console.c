/*
 * The console and the standard handles. A console is a device (\Device\Console0), opened twice by
 * smss, for input and for output, because a file in use by a read makes a write wait; children
 * inherit both as their standard handles. CONIN$, CONOUT$ and CON open the process' own console
 * again. What a console can do beyond reading and writing are control codes of its driver.
 */
#include "k32.h"
#include <winioctl.h>
#include "drivers/console/console.h"

#define BASE_HANDLERS   8

static PHANDLER_ROUTINE BaseHandlers[BASE_HANDLERS];        // asked from the last to the first
static ULONG            BaseHandlerCount;
static BOOL             BaseIgnoreBreaks;

static PHANDLE
BasepStandardSlot(DWORD Which)
{
    PRTL_USER_PROCESS_PARAMETERS Parameters = NtCurrentPeb()->ProcessParameters;

    switch (Which) {
    case STD_INPUT_HANDLE:  return &Parameters->StandardInput;
    case STD_OUTPUT_HANDLE: return &Parameters->StandardOutput;
    case STD_ERROR_HANDLE:  return &Parameters->StandardError;
    }
    RtlSetLastWin32Error(ERROR_INVALID_HANDLE);
    return NULL;
}

HANDLE WINAPI
GetStdHandle(DWORD Which)
{
    PHANDLE Slot = BasepStandardSlot(Which);

    return Slot ? *Slot : INVALID_HANDLE_VALUE;
}

BOOL WINAPI
SetStdHandle(DWORD Which, HANDLE Handle)
{
    PHANDLE Slot = BasepStandardSlot(Which);

    if (Slot)
        *Slot = Handle;
    return Slot != NULL;
}

/* A new handle to the process' console if Name is one of its names, else NULL. */
HANDLE
BaseConsoleDevice(PCWSTR Name, DWORD Access, BOOL Inherit)
{
    PRTL_USER_PROCESS_PARAMETERS Parameters = NtCurrentPeb()->ProcessParameters;
    BOOL                         IsInput = !_wcsicmp(Name, L"CONIN$")
                                           || (!_wcsicmp(Name, L"CON")
                                               && !(Access & GENERIC_WRITE));
    HANDLE                       Source, Target;

    if (_wcsicmp(Name, L"CONIN$") && _wcsicmp(Name, L"CONOUT$") && _wcsicmp(Name, L"CON"))
        return NULL;
    Source = IsInput ? Parameters->StandardInput
           : Parameters->ConsoleHandle ? Parameters->ConsoleHandle : Parameters->StandardOutput;
    if (!BaseSetStatus(NtDuplicateObject(NtCurrentProcess(), Source, NtCurrentProcess(), &Target,
        0, Inherit ? OBJ_INHERIT : 0, DUPLICATE_SAME_ACCESS)))
        return INVALID_HANDLE_VALUE;
    return Target;
}

BOOL WINAPI
GetConsoleMode(HANDLE Console, LPDWORD Mode)
{
    DWORD Done;

    return DeviceIoControl(Console, IOCTL_CONSOLE_GET_MODE, NULL, 0, Mode, sizeof *Mode, &Done,
        NULL);
}

BOOL WINAPI
SetConsoleMode(HANDLE Console, DWORD Mode)
{
    DWORD Done;

    return DeviceIoControl(Console, IOCTL_CONSOLE_SET_MODE, &Mode, sizeof Mode, NULL, 0, &Done,
        NULL);
}

BOOL WINAPI
FlushConsoleInputBuffer(HANDLE Console)
{
    DWORD Done;

    return DeviceIoControl(Console, IOCTL_CONSOLE_FLUSH_INPUT, NULL, 0, NULL, 0, &Done, NULL);
}

BOOL WINAPI
ReadConsoleA(HANDLE Console, LPVOID Buffer, DWORD Count, LPDWORD Done, LPVOID Control)
{
    return ReadFile(Console, Buffer, Count, Done, NULL);
}

BOOL WINAPI
ReadConsoleW(HANDLE Console, LPVOID Buffer, DWORD Count, LPDWORD Done, LPVOID Control)
{
    PUCHAR Bytes = Buffer;
    PWSTR  Wide = Buffer;

    if (!ReadFile(Console, Buffer, Count, Done, NULL))
        return FALSE;
    for (DWORD Index = *Done; Index > 0; Index--)
        Wide[Index - 1] = Bytes[Index - 1];
    return TRUE;
}

BOOL WINAPI
WriteConsoleA(HANDLE Console, const VOID *Buffer, DWORD Count, LPDWORD Done, LPVOID Reserved)
{
    return WriteFile(Console, Buffer, Count, Done, NULL);
}

BOOL WINAPI
WriteConsoleW(HANDLE Console, const VOID *Buffer, DWORD Count, LPDWORD Done, LPVOID Reserved)
{
    const WCHAR *Text = Buffer;
    CHAR         Bytes[256];
    DWORD        Written = 0;
    BOOL         Success = TRUE;

    while (Success && Written < Count) {
        DWORD Chunk = min(Count - Written, sizeof Bytes), Part = 0;

        for (DWORD Index = 0; Index < Chunk; Index++)
            Bytes[Index] = Text[Written + Index] < 256 ? (CHAR)Text[Written + Index] : '?';
        Success = WriteFile(Console, Bytes, Chunk, &Part, NULL);
        Written += Part;
        if (Part == 0)
            break;
    }
    if (Done)
        *Done = Written;
    return Success;
}

/*
 * Handler NULL: Add says whether breaks are ignored. Otherwise Handler is asked before those that
 * were added earlier, or removed. A break is seen by a program that reads the console; the shell
 * ends one that does not.
 */
BOOL WINAPI
SetConsoleCtrlHandler(PHANDLER_ROUTINE Handler, BOOL Add)
{
    ULONG Index;

    if (Handler == NULL) {
        BaseIgnoreBreaks = Add;
        return TRUE;
    }
    if (Add && BaseHandlerCount < BASE_HANDLERS) {
        BaseHandlers[BaseHandlerCount++] = Handler;
        return TRUE;
    }
    for (Index = 0; !Add && Index < BaseHandlerCount; Index++) {
        if (BaseHandlers[Index] != Handler)
            continue;
        BaseHandlers[Index] = BaseHandlers[--BaseHandlerCount];
        return TRUE;
    }
    RtlSetLastWin32Error(ERROR_INVALID_PARAMETER);
    return FALSE;
}

/*
 * A read of File was cancelled. If File is a console that was a break: the handlers are asked,
 * and when none takes it the process ends, as on Windows.
 */
VOID
BaseBreak(HANDLE File)
{
    DWORD Mode;

    if (BaseIgnoreBreaks || !GetConsoleMode(File, &Mode))
        return;
    for (ULONG Index = BaseHandlerCount; Index > 0; Index--)
        if (BaseHandlers[Index - 1](CTRL_C_EVENT))
            return;
    RtlExitUserProcess(STATUS_CONTROL_C_EXIT);
}

UINT WINAPI
GetConsoleCP(VOID)
{
    return 28591;
}

UINT WINAPI
GetConsoleOutputCP(VOID)
{
    return 28591;
}
