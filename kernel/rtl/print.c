/*
 * The printf family that formats into memory, on top of format.c.
 *
 * The counted ones (_snprintf, _vsnprintf, _snwprintf, _vsnwprintf) behave as Microsoft's: the
 * result is the number of characters, and the terminator is written if there is room for it; if
 * the text itself does not fit, the buffer is filled without a terminator and the result is -1.
 */
#include "rtlp.h"

typedef struct _PRINT_TARGET {
    PCHAR  Narrow;
    PWCHAR Wide;
    SIZE_T Used, Limit;
} PRINT_TARGET, *PPRINT_TARGET;

static VOID
RtlpPutNarrow(PVOID Context, WCHAR Character)
{
    PPRINT_TARGET Target = Context;

    if (Target->Used < Target->Limit)
        Target->Narrow[Target->Used] = Character <= 0xFF ? (CHAR)Character : '?';
    Target->Used += 1;
}

static VOID
RtlpPutWide(PVOID Context, WCHAR Character)
{
    PPRINT_TARGET Target = Context;

    if (Target->Used < Target->Limit)
        Target->Wide[Target->Used] = Character;
    Target->Used += 1;
}

int
_vsnprintf(char *Buffer, size_t Limit, const char *Format, va_list Arguments)
{
    PRINT_TARGET Target = { .Narrow = Buffer, .Limit = Limit };
    int          Count = RtlpFormat(RtlpPutNarrow, &Target, Format, Arguments);

    if (Target.Used < Limit)
        Buffer[Target.Used] = '\0';
    return Target.Used <= Limit ? Count : -1;
}

int
_vsnwprintf(wchar_t *Buffer, size_t Limit, const wchar_t *Format, va_list Arguments)
{
    PRINT_TARGET Target = { .Wide = Buffer, .Limit = Limit };
    int          Count = RtlpFormatWide(RtlpPutWide, &Target, Format, Arguments);

    if (Target.Used < Limit)
        Buffer[Target.Used] = L'\0';
    return Target.Used <= Limit ? Count : -1;
}

int
_snprintf(char *Buffer, size_t Limit, const char *Format, ...)
{
    va_list Arguments;
    int     Count;

    va_start(Arguments, Format);
    Count = _vsnprintf(Buffer, Limit, Format, Arguments);
    va_end(Arguments);
    return Count;
}

int
_snwprintf(wchar_t *Buffer, size_t Limit, const wchar_t *Format, ...)
{
    va_list Arguments;
    int     Count;

    va_start(Arguments, Format);
    Count = _vsnwprintf(Buffer, Limit, Format, Arguments);
    va_end(Arguments);
    return Count;
}

int
vsprintf(char *Buffer, const char *Format, va_list Arguments)
{
    return _vsnprintf(Buffer, MAXLONG, Format, Arguments);
}

int
sprintf(char *Buffer, const char *Format, ...)
{
    va_list Arguments;
    int     Count;

    va_start(Arguments, Format);
    Count = vsprintf(Buffer, Format, Arguments);
    va_end(Arguments);
    return Count;
}

int
swprintf(wchar_t *Buffer, const wchar_t *Format, ...)
{
    va_list Arguments;
    int     Count;

    va_start(Arguments, Format);
    Count = _vsnwprintf(Buffer, MAXLONG, Format, Arguments);
    va_end(Arguments);
    return Count;
}
