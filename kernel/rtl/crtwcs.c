/*
 * The wide string functions of the C library, for UTF-16 units. towupper and towlower know what
 * the upcase rules of upcase.c know.
 */
#include "rtlp.h"

size_t
wcslen(const wchar_t *String)
{
    const wchar_t *End = String;

    while (*End != L'\0')
        End += 1;
    return End - String;
}

size_t
wcsnlen(const wchar_t *String, size_t Limit)
{
    size_t Length = 0;

    while (Length < Limit && String[Length] != L'\0')
        Length += 1;
    return Length;
}

int
wcscmp(const wchar_t *First, const wchar_t *Second)
{
    while (*First == *Second && *First != L'\0') {
        First += 1;
        Second += 1;
    }
    return (int)*First - (int)*Second;
}

int
wcsncmp(const wchar_t *First, const wchar_t *Second, size_t Limit)
{
    for (; Limit > 0; Limit -= 1, First += 1, Second += 1) {
        if (*First != *Second || *First == L'\0')
            return (int)*First - (int)*Second;
    }
    return 0;
}

wchar_t *
wcscpy(wchar_t *Target, const wchar_t *Source)
{
    memcpy(Target, Source, (wcslen(Source) + 1) * sizeof(wchar_t));
    return Target;
}

wchar_t *
wcsncpy(wchar_t *Target, const wchar_t *Source, size_t Limit)
{
    size_t Length = wcsnlen(Source, Limit);

    memcpy(Target, Source, Length * sizeof(wchar_t));
    memset(Target + Length, 0, (Limit - Length) * sizeof(wchar_t));
    return Target;
}

wchar_t *
wcscat(wchar_t *Target, const wchar_t *Source)
{
    wcscpy(Target + wcslen(Target), Source);
    return Target;
}

wchar_t *
wcsncat(wchar_t *Target, const wchar_t *Source, size_t Limit)
{
    size_t   Length = wcsnlen(Source, Limit);
    wchar_t *End = Target + wcslen(Target);

    memcpy(End, Source, Length * sizeof(wchar_t));
    End[Length] = L'\0';
    return Target;
}

wchar_t *
wcschr(const wchar_t *String, wchar_t Character)
{
    for (; *String != Character; String += 1) {
        if (*String == L'\0')
            return NULL;
    }
    return (wchar_t *)String;
}

wchar_t *
wcsrchr(const wchar_t *String, wchar_t Character)
{
    const wchar_t *Found = NULL;

    do {
        if (*String == Character)
            Found = String;
    } while (*String++ != L'\0');
    return (wchar_t *)Found;
}

wchar_t *
wcsstr(const wchar_t *String, const wchar_t *Part)
{
    size_t Length = wcslen(Part);

    for (; *String != L'\0' || Length == 0; String += 1) {
        if (wcsncmp(String, Part, Length) == 0)
            return (wchar_t *)String;
    }
    return NULL;
}

size_t
wcsspn(const wchar_t *String, const wchar_t *Set)
{
    size_t Length = 0;

    while (String[Length] != L'\0' && wcschr(Set, String[Length]) != NULL)
        Length += 1;
    return Length;
}

wint_t
towupper(wint_t Character)
{
    return RtlUpcaseUnicodeChar(Character);
}

wint_t
towlower(wint_t Character)
{
    return RtlDowncaseUnicodeChar(Character);
}

int
_wcsnicmp(const wchar_t *First, const wchar_t *Second, size_t Limit)
{
    for (; Limit > 0; Limit -= 1, First += 1, Second += 1) {
        int Left = RtlDowncaseUnicodeChar(*First), Right = RtlDowncaseUnicodeChar(*Second);

        if (Left != Right || Left == L'\0')
            return Left - Right;
    }
    return 0;
}

int
_wcsicmp(const wchar_t *First, const wchar_t *Second)
{
    return _wcsnicmp(First, Second, (size_t)-1);
}

wchar_t *
_wcsupr(wchar_t *String)
{
    wchar_t *Next;

    for (Next = String; *Next != L'\0'; Next += 1)
        *Next = RtlUpcaseUnicodeChar(*Next);
    return String;
}

wchar_t *
_wcslwr(wchar_t *String)
{
    wchar_t *Next;

    for (Next = String; *Next != L'\0'; Next += 1)
        *Next = RtlDowncaseUnicodeChar(*Next);
    return String;
}
