/*
 * The printf family: each member is CrtFormat with a place to put characters. To a buffer, what
 * does not fit is dropped; the _sn variants then return -1 and leave the buffer unterminated,
 * exactly as Windows' msvcrt does. To a stream, characters gather in a small block that goes to
 * the stream under its lock.
 */
#include "crt.h"

typedef struct _CRT_TEXT {
    char    *Narrow;
    wchar_t *Wide;
    size_t   Size, Count;
} CRT_TEXT, *PCRT_TEXT;

typedef struct _CRT_STREAM {
    FILE *Stream;
    int   Result;
    int   Count;
    char  Bytes[128];
} CRT_STREAM, *PCRT_STREAM;

static VOID
CrtToText(PVOID Context, WCHAR Character)
{
    PCRT_TEXT Text = Context;

    if (Text->Count < Text->Size) {
        if (Text->Narrow)
            Text->Narrow[Text->Count] = Character < 256 ? (char)Character : '?';
        else
            Text->Wide[Text->Count] = Character;
    }
    Text->Count++;
}

static VOID
CrtSend(PCRT_STREAM Output)
{
    if (Output->Result == 0)
        Output->Result = CrtWriteBytes(Output->Stream, Output->Bytes, Output->Count);
    Output->Count = 0;
}

static VOID
CrtToStream(PVOID Context, WCHAR Character)
{
    PCRT_STREAM Output = Context;

    Output->Bytes[Output->Count++] = Character < 256 ? (char)Character : '?';
    if (Output->Count == sizeof Output->Bytes)
        CrtSend(Output);
}

static int
CrtPrint(FILE *Stream, const void *Format, BOOL Wide, va_list Arguments)
{
    CRT_STREAM Output = { .Stream = Stream };
    int        Count;

    CrtLock(Stream);
    Count = CrtFormat(CrtToStream, &Output, Format, Wide, Arguments);
    CrtSend(&Output);
    CrtUnlock(Stream);
    return Output.Result ? -1 : Count;
}

int __cdecl
vfprintf(FILE *Stream, const char *Format, va_list Arguments)
{
    return CrtPrint(Stream, Format, FALSE, Arguments);
}

int __cdecl
vprintf(const char *Format, va_list Arguments)
{
    return CrtPrint(&_iob[1], Format, FALSE, Arguments);
}

int __cdecl
vfwprintf(FILE *Stream, const wchar_t *Format, va_list Arguments)
{
    return CrtPrint(Stream, Format, TRUE, Arguments);
}

int __cdecl
vwprintf(const wchar_t *Format, va_list Arguments)
{
    return CrtPrint(&_iob[1], Format, TRUE, Arguments);
}

int __cdecl
printf(const char *Format, ...)
{
    va_list Arguments;
    int     Count;

    va_start(Arguments, Format);
    Count = CrtPrint(&_iob[1], Format, FALSE, Arguments);
    va_end(Arguments);
    return Count;
}

int __cdecl
fprintf(FILE *Stream, const char *Format, ...)
{
    va_list Arguments;
    int     Count;

    va_start(Arguments, Format);
    Count = CrtPrint(Stream, Format, FALSE, Arguments);
    va_end(Arguments);
    return Count;
}

int __cdecl
wprintf(const wchar_t *Format, ...)
{
    va_list Arguments;
    int     Count;

    va_start(Arguments, Format);
    Count = CrtPrint(&_iob[1], Format, TRUE, Arguments);
    va_end(Arguments);
    return Count;
}

int __cdecl
fwprintf(FILE *Stream, const wchar_t *Format, ...)
{
    va_list Arguments;
    int     Count;

    va_start(Arguments, Format);
    Count = CrtPrint(Stream, Format, TRUE, Arguments);
    va_end(Arguments);
    return Count;
}

int __cdecl
_vsnprintf(char *Buffer, size_t Size, const char *Format, va_list Arguments)
{
    CRT_TEXT Text = { .Narrow = Buffer, .Size = Size };

    CrtFormat(CrtToText, &Text, Format, FALSE, Arguments);
    if (Text.Count < Size)
        Buffer[Text.Count] = 0;
    return Text.Count <= Size ? (int)Text.Count : -1;
}

int __cdecl
_vsnwprintf(wchar_t *Buffer, size_t Size, const wchar_t *Format, va_list Arguments)
{
    CRT_TEXT Text = { .Wide = Buffer, .Size = Size };

    CrtFormat(CrtToText, &Text, Format, TRUE, Arguments);
    if (Text.Count < Size)
        Buffer[Text.Count] = 0;
    return Text.Count <= Size ? (int)Text.Count : -1;
}

int __cdecl
_vscprintf(const char *Format, va_list Arguments)
{
    CRT_TEXT Text = { .Size = 0 };

    return CrtFormat(CrtToText, &Text, Format, FALSE, Arguments);
}

int __cdecl
vsprintf(char *Buffer, const char *Format, va_list Arguments)
{
    return _vsnprintf(Buffer, INT_MAX, Format, Arguments);
}

int __cdecl
_snprintf(char *Buffer, size_t Size, const char *Format, ...)
{
    va_list Arguments;
    int     Count;

    va_start(Arguments, Format);
    Count = _vsnprintf(Buffer, Size, Format, Arguments);
    va_end(Arguments);
    return Count;
}

int __cdecl
_snwprintf(wchar_t *Buffer, size_t Size, const wchar_t *Format, ...)
{
    va_list Arguments;
    int     Count;

    va_start(Arguments, Format);
    Count = _vsnwprintf(Buffer, Size, Format, Arguments);
    va_end(Arguments);
    return Count;
}

int __cdecl
sprintf(char *Buffer, const char *Format, ...)
{
    va_list Arguments;
    int     Count;

    va_start(Arguments, Format);
    Count = _vsnprintf(Buffer, INT_MAX, Format, Arguments);
    va_end(Arguments);
    return Count;
}

/* Windows' old form, without a size. */
int __cdecl
swprintf(wchar_t *Buffer, const wchar_t *Format, ...)
{
    va_list Arguments;
    int     Count;

    va_start(Arguments, Format);
    Count = _vsnwprintf(Buffer, INT_MAX, Format, Arguments);
    va_end(Arguments);
    return Count;
}
