/*
 * Conversions between UTF-16 and bytes, and the lstr routines. CP_UTF8 is UTF-8; every other code
 * page is taken as Latin-1, one byte a character, because that is what the consoles carry.
 */
#include "k32.h"

#undef lstrlen
#undef lstrcpy
#undef lstrcat
#undef lstrcmp
#undef lstrcmpi

/* Takes one character off UTF-8 text; what is not UTF-8 becomes U+FFFD, one byte at a time. */
static ULONG
BasepDecode(const UCHAR *Text, ULONG Left, PULONG Used)
{
    static const ULONG Smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    ULONG              Length = Text[0] < 0x80 ? 1 : Text[0] < 0xC2 ? 0 : Text[0] < 0xE0 ? 2
        : Text[0] < 0xF0 ? 3 : Text[0] < 0xF5 ? 4 : 0;
    ULONG              Value;

    *Used = 1;
    if (Length == 1)
        return Text[0];
    if (Length == 0 || Length > Left)
        return 0xFFFD;
    Value = Text[0] & (0x7F >> Length);
    for (ULONG Index = 1; Index < Length; Index++) {
        if ((Text[Index] & 0xC0) != 0x80)
            return 0xFFFD;
        Value = Value << 6 | (Text[Index] & 0x3F);
    }
    if (Value < Smallest[Length] || Value > 0x10FFFF || (Value & 0xFFFFF800) == 0xD800)
        return 0xFFFD;
    *Used = Length;
    return Value;
}

int WINAPI
MultiByteToWideChar(UINT CodePage, DWORD Flags, LPCCH Source, int Count, LPWSTR Target, int Size)
{
    const UCHAR *Text = (const UCHAR *)Source;
    ULONG        Left = Count < 0 ? (ULONG)strlen(Source) + 1 : (ULONG)Count, Used = 1;
    int          Written = 0;

    for (; Left; Text += Used, Left -= Used) {
        ULONG Value = CodePage == CP_UTF8 ? BasepDecode(Text, Left, &Used) : *Text;
        int   Units = Value > 0xFFFF ? 2 : 1;

        if (Size) {
            if (Written + Units > Size) {
                RtlSetLastWin32Error(ERROR_INSUFFICIENT_BUFFER);
                return 0;
            }
            if (Units == 2) {
                Target[Written] = (WCHAR)(0xD800 + ((Value - 0x10000) >> 10));
                Target[Written + 1] = (WCHAR)(0xDC00 + (Value & 0x3FF));
            } else {
                Target[Written] = (WCHAR)Value;
            }
        }
        Written += Units;
    }
    return Written;
}

static ULONG
BasepEncode(ULONG Value, PUCHAR Bytes)
{
    if (Value < 0x80) {
        Bytes[0] = (UCHAR)Value;
        return 1;
    }
    if (Value < 0x800) {
        Bytes[0] = (UCHAR)(0xC0 | Value >> 6);
        Bytes[1] = (UCHAR)(0x80 | (Value & 0x3F));
        return 2;
    }
    if (Value < 0x10000) {
        Bytes[0] = (UCHAR)(0xE0 | Value >> 12);
        Bytes[1] = (UCHAR)(0x80 | (Value >> 6 & 0x3F));
        Bytes[2] = (UCHAR)(0x80 | (Value & 0x3F));
        return 3;
    }
    Bytes[0] = (UCHAR)(0xF0 | Value >> 18);
    Bytes[1] = (UCHAR)(0x80 | (Value >> 12 & 0x3F));
    Bytes[2] = (UCHAR)(0x80 | (Value >> 6 & 0x3F));
    Bytes[3] = (UCHAR)(0x80 | (Value & 0x3F));
    return 4;
}

int WINAPI
WideCharToMultiByte(UINT CodePage, DWORD Flags, LPCWCH Source, int Count, LPSTR Target, int Size,
    LPCCH Default, LPBOOL UsedDefault)
{
    ULONG Left = Count < 0 ? (ULONG)wcslen(Source) + 1 : (ULONG)Count;
    int   Written = 0;

    if (UsedDefault)
        *UsedDefault = FALSE;
    for (; Left; Source++, Left--) {
        UCHAR Bytes[4];
        ULONG Value = *Source, Length = 1;

        if (CodePage == CP_UTF8) {
            if ((Value & 0xFC00) == 0xD800 && Left > 1 && (Source[1] & 0xFC00) == 0xDC00) {
                Value = 0x10000 + ((Value & 0x3FF) << 10 | (Source[1] & 0x3FF));
                Source++;
                Left--;
            }
            Length = BasepEncode(Value, Bytes);
        } else {
            Bytes[0] = Value < 256 ? (UCHAR)Value : (UCHAR)(Default ? *Default : '?');
            if (Value >= 256 && UsedDefault)
                *UsedDefault = TRUE;
        }
        if (Size && Written + (int)Length > Size) {
            RtlSetLastWin32Error(ERROR_INSUFFICIENT_BUFFER);
            return 0;
        }
        if (Size)
            memcpy(Target + Written, Bytes, Length);
        Written += Length;
    }
    return Written;
}

UINT WINAPI
GetACP(VOID)
{
    return 28591;
}

BOOL WINAPI
IsDBCSLeadByteEx(UINT CodePage, BYTE Byte)
{
    return FALSE;
}

int WINAPI
lstrlenA(LPCSTR Text)
{
    return Text ? (int)strlen(Text) : 0;
}

int WINAPI
lstrlenW(LPCWSTR Text)
{
    return Text ? (int)wcslen(Text) : 0;
}

LPSTR WINAPI
lstrcpyA(LPSTR Target, LPCSTR Source)
{
    return memcpy(Target, Source, strlen(Source) + 1);
}

LPWSTR WINAPI
lstrcpyW(LPWSTR Target, LPCWSTR Source)
{
    return memcpy(Target, Source, (wcslen(Source) + 1) * sizeof(WCHAR));
}

LPSTR WINAPI
lstrcatA(LPSTR Target, LPCSTR Source)
{
    lstrcpyA(Target + strlen(Target), Source);
    return Target;
}

LPWSTR WINAPI
lstrcatW(LPWSTR Target, LPCWSTR Source)
{
    lstrcpyW(Target + wcslen(Target), Source);
    return Target;
}

int WINAPI
lstrcmpA(LPCSTR A, LPCSTR B)
{
    while (*A && *A == *B)
        A++, B++;
    return (UCHAR)*A - (UCHAR)*B;
}

static UCHAR
BasepLower(CHAR Character)
{
    return (UCHAR)(Character >= 'A' && Character <= 'Z' ? Character + 32 : Character);
}

int WINAPI
lstrcmpiA(LPCSTR A, LPCSTR B)
{
    while (*A && BasepLower(*A) == BasepLower(*B))
        A++, B++;
    return BasepLower(*A) - BasepLower(*B);
}

int WINAPI
lstrcmpiW(LPCWSTR A, LPCWSTR B)
{
    return _wcsicmp(A, B);
}
