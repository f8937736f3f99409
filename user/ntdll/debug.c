/*
 * Words for people. RtlpSay writes a sentence to the program's standard error, if it has one, and
 * to the debug port; DbgPrint writes to the debug port only. Both format with the kernel's own
 * formatter (%wZ is a UNICODE_STRING) and cut what exceeds their buffer.
 */
#include "ntdllp.h"

#define RTLP_LINE   512

typedef struct _RTLP_LINE_BUFFER {
    ULONG Count;
    WCHAR Text[RTLP_LINE];
} RTLP_LINE_BUFFER, *PRTLP_LINE_BUFFER;

static VOID
RtlpPutLine(PVOID Context, WCHAR Character)
{
    PRTLP_LINE_BUFFER Line = Context;

    if (Line->Count < RTLP_LINE)
        Line->Text[Line->Count++] = Character;
}

static VOID
RtlpDisplay(PRTLP_LINE_BUFFER Line)
{
    UNICODE_STRING String = { (USHORT)(Line->Count * sizeof(WCHAR)), sizeof Line->Text,
        Line->Text };

    NtDisplayString(&String);
}

VOID
RtlpSay(PCSTR Format, ...)
{
    PRTL_USER_PROCESS_PARAMETERS Parameters = NtCurrentPeb()->ProcessParameters;
    RTLP_LINE_BUFFER             Line;
    CHAR                         Bytes[RTLP_LINE];
    IO_STATUS_BLOCK              Iosb;
    va_list                      Arguments;

    Line.Count = 0;
    va_start(Arguments, Format);
    RtlpFormat(RtlpPutLine, &Line, Format, Arguments);
    va_end(Arguments);

    RtlpDisplay(&Line);
    if (Parameters == NULL || Parameters->StandardError == NULL)
        return;
    for (ULONG Index = 0; Index < Line.Count; Index++)
        Bytes[Index] = Line.Text[Index] < 128 ? (CHAR)Line.Text[Index] : '?';
    NtWriteFile(Parameters->StandardError, NULL, NULL, NULL, &Iosb, Bytes, Line.Count, NULL, NULL);
}

/* The program's name for messages; one static copy, made on first use. */
PCSTR
RtlpProgramName(VOID)
{
    static CHAR Name[64];

    if (LdrpProgram == NULL)
        return "program";
    if (Name[0] == 0) {
        USHORT Count = LdrpProgram->BaseDllName.Length / sizeof(WCHAR);

        for (USHORT Index = 0; Index < Count && Index < sizeof Name - 1; Index++)
            Name[Index] = (CHAR)LdrpProgram->BaseDllName.Buffer[Index];
    }
    return Name;
}

ULONG __cdecl
DbgPrint(PCSTR Format, ...)
{
    RTLP_LINE_BUFFER Line;
    va_list          Arguments;

    Line.Count = 0;
    va_start(Arguments, Format);
    RtlpFormat(RtlpPutLine, &Line, Format, Arguments);
    va_end(Arguments);
    RtlpDisplay(&Line);
    return STATUS_SUCCESS;
}

VOID NTAPI
DbgBreakPoint(VOID)
{
    __debugbreak();
}

VOID NTAPI
RtlAssert(PVOID Condition, PVOID File, ULONG Line, PCHAR Message)
{
    RtlpSay("%s: assertion failed: %s (%s, line %u)\n", RtlpProgramName(), Condition, File, Line);
    NtTerminateProcess(NtCurrentProcess(), STATUS_ASSERTION_FAILURE);
}
