/*
 * Strings of UTF-16: the wcs* of <wchar.h>, and conversions to and from bytes (Latin-1, the
 * consoles' code page).
 */
#include "crt.h"

wint_t towlower(wint_t Character);
wint_t towupper(wint_t Character);
long long _strtoi64(const char *Text, char **End, int Base);

size_t __cdecl
wcslen(const wchar_t *Text)
{
    size_t Length = 0;

    while (Text[Length])
        Length++;
    return Length;
}

size_t __cdecl
wcsnlen(const wchar_t *Text, size_t Limit)
{
    size_t Length = 0;

    while (Length < Limit && Text[Length])
        Length++;
    return Length;
}

wchar_t * __cdecl
wcscpy(wchar_t *To, const wchar_t *From)
{
    memcpy(To, From, (wcslen(From) + 1) * sizeof(wchar_t));
    return To;
}

wchar_t * __cdecl
wcsncpy(wchar_t *To, const wchar_t *From, size_t Size)
{
    size_t Length = wcsnlen(From, Size);

    memcpy(To, From, Length * sizeof(wchar_t));
    memset(To + Length, 0, (Size - Length) * sizeof(wchar_t));
    return To;
}

wchar_t * __cdecl
wcscat(wchar_t *To, const wchar_t *From)
{
    wcscpy(To + wcslen(To), From);
    return To;
}

int __cdecl
wcscmp(const wchar_t *A, const wchar_t *B)
{
    while (*A && *A == *B)
        A++, B++;
    return *A - *B;
}

int __cdecl
wcsncmp(const wchar_t *A, const wchar_t *B, size_t Size)
{
    while (Size && *A && *A == *B)
        A++, B++, Size--;
    return Size ? *A - *B : 0;
}

int __cdecl
_wcsicmp(const wchar_t *A, const wchar_t *B)
{
    while (*A && towlower(*A) == towlower(*B))
        A++, B++;
    return towlower(*A) - towlower(*B);
}

int __cdecl
_wcsnicmp(const wchar_t *A, const wchar_t *B, size_t Size)
{
    while (Size && *A && towlower(*A) == towlower(*B))
        A++, B++, Size--;
    return Size ? towlower(*A) - towlower(*B) : 0;
}

wchar_t * __cdecl
wcschr(const wchar_t *Text, wchar_t Character)
{
    for (;; Text++) {
        if (*Text == Character)
            return (wchar_t *)Text;
        if (*Text == 0)
            return NULL;
    }
}

wchar_t * __cdecl
wcsrchr(const wchar_t *Text, wchar_t Character)
{
    for (const wchar_t *Next = Text + wcslen(Text); Next >= Text; Next--)
        if (*Next == Character)
            return (wchar_t *)Next;
    return NULL;
}

wchar_t * __cdecl
wcsstr(const wchar_t *Text, const wchar_t *Part)
{
    size_t Length = wcslen(Part);

    for (; wcsncmp(Text, Part, Length); Text++)
        if (*Text == 0)
            return NULL;
    return (wchar_t *)Text;
}

wchar_t * __cdecl
_wcsdup(const wchar_t *Text)
{
    wchar_t *Copy = malloc((wcslen(Text) + 1) * sizeof(wchar_t));

    return Copy ? wcscpy(Copy, Text) : NULL;
}

wchar_t * __cdecl
_wcslwr(wchar_t *Text)
{
    for (wchar_t *Next = Text; *Next; Next++)
        *Next = (wchar_t)towlower(*Next);
    return Text;
}

wchar_t * __cdecl
_wcsupr(wchar_t *Text)
{
    for (wchar_t *Next = Text; *Next; Next++)
        *Next = (wchar_t)towupper(*Next);
    return Text;
}

/* Numbers have no characters beyond ASCII: the longest that counts is copied and read as bytes. */
long __cdecl
wcstol(const wchar_t *Text, wchar_t **End, int Base)
{
    char Copy[72], *Stop;
    int  Length;
    long Value;

    for (Length = 0; Length < 71 && Text[Length] && Text[Length] < 128; Length++)
        Copy[Length] = (char)Text[Length];
    Copy[Length] = 0;
    Value = (long)_strtoi64(Copy, &Stop, Base);
    if (End)
        *End = (wchar_t *)Text + (Stop - Copy);
    return Value;
}

unsigned long __cdecl
wcstoul(const wchar_t *Text, wchar_t **End, int Base)
{
    return (unsigned long)wcstol(Text, End, Base);
}

int __cdecl
_wtoi(const wchar_t *Text)
{
    return (int)wcstol(Text, NULL, 10);
}

size_t __cdecl
mbstowcs(wchar_t *To, const char *From, size_t Size)
{
    size_t Count;

    if (To == NULL)
        return strlen(From);
    for (Count = 0; Count < Size; Count++) {
        To[Count] = (unsigned char)From[Count];
        if (From[Count] == 0)
            break;
    }
    return Count;
}

size_t __cdecl
wcstombs(char *To, const wchar_t *From, size_t Size)
{
    size_t Count;

    if (To == NULL)
        return wcslen(From);
    for (Count = 0; Count < Size; Count++) {
        To[Count] = From[Count] < 256 ? (char)From[Count] : '?';
        if (From[Count] == 0)
            break;
    }
    return Count;
}

int __cdecl
mbtowc(wchar_t *To, const char *From, size_t Size)
{
    if (From == NULL || Size == 0)
        return 0;
    if (To)
        *To = (unsigned char)*From;
    return *From != 0;
}

int __cdecl
wctomb(char *To, wchar_t Character)
{
    if (To == NULL)
        return 0;
    *To = Character < 256 ? (char)Character : '?';
    return 1;
}
