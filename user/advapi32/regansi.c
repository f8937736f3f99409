/*
 * The A forms of the registry's routines: names are widened, the W form is called, and names and
 * text that come back are narrowed. A value's data is text if its type says so; a size is then
 * that of the narrow text.
 */
#include "registry.h"
#include <string.h>

LSTATUS WINAPI
RegOpenKeyExA(HKEY Key, LPCSTR SubKey, DWORD Options, REGSAM Access, PHKEY Result)
{
    BOOL    Failed = FALSE;
    PWSTR   Wide = AdvWiden(SubKey, &Failed);
    LSTATUS Error = Failed ? ERROR_NOT_ENOUGH_MEMORY
                  : RegOpenKeyExW(Key, Wide, Options, Access, Result);

    AdvFree(Wide);
    return Error;
}

LSTATUS WINAPI
RegCreateKeyExA(HKEY Key, LPCSTR SubKey, DWORD Reserved, LPSTR Class, DWORD Options,
    REGSAM Access, CONST LPSECURITY_ATTRIBUTES Security, PHKEY Result, LPDWORD Disposition)
{
    BOOL    Failed = FALSE;
    PWSTR   Wide = AdvWiden(SubKey, &Failed), WideClass = AdvWiden(Class, &Failed);
    LSTATUS Error = Failed ? ERROR_NOT_ENOUGH_MEMORY
                  : RegCreateKeyExW(Key, Wide, Reserved, WideClass, Options, Access, Security,
                        Result, Disposition);

    AdvFree(Wide);
    AdvFree(WideClass);
    return Error;
}

LSTATUS WINAPI
RegDeleteKeyExA(HKEY Key, LPCSTR SubKey, REGSAM View, DWORD Reserved)
{
    BOOL    Failed = FALSE;
    PWSTR   Wide = AdvWiden(SubKey, &Failed);
    LSTATUS Error = Failed ? ERROR_NOT_ENOUGH_MEMORY : RegDeleteKeyExW(Key, Wide, View, Reserved);

    AdvFree(Wide);
    return Error;
}

LSTATUS WINAPI
RegDeleteKeyA(HKEY Key, LPCSTR SubKey)
{
    return RegDeleteKeyExA(Key, SubKey, 0, 0);
}

LSTATUS WINAPI
RegDeleteTreeA(HKEY Key, LPCSTR SubKey)
{
    BOOL    Failed = FALSE;
    PWSTR   Wide = AdvWiden(SubKey, &Failed);
    LSTATUS Error = Failed ? ERROR_NOT_ENOUGH_MEMORY : RegDeleteTreeW(Key, Wide);

    AdvFree(Wide);
    return Error;
}

LSTATUS WINAPI
RegDeleteValueA(HKEY Key, LPCSTR Name)
{
    BOOL    Failed = FALSE;
    PWSTR   Wide = AdvWiden(Name, &Failed);
    LSTATUS Error = Failed ? ERROR_NOT_ENOUGH_MEMORY : RegDeleteValueW(Key, Wide);

    AdvFree(Wide);
    return Error;
}

LSTATUS WINAPI
RegEnumKeyExA(HKEY Key, DWORD Index, LPSTR Name, LPDWORD NameLength, LPDWORD Reserved, LPSTR Class,
    LPDWORD ClassLength, PFILETIME LastWrite)
{
    WCHAR   Wide[256];
    DWORD   Count = ARRAYSIZE(Wide);
    LSTATUS Error;

    if (Name == NULL || NameLength == NULL || Reserved != NULL)
        return ERROR_INVALID_PARAMETER;
    Error = RegEnumKeyExW(Key, Index, Wide, &Count, NULL, NULL, ClassLength, LastWrite);
    if (Error != ERROR_SUCCESS)
        return Error;
    if (*NameLength <= Count)
        return ERROR_MORE_DATA;
    AdvNarrowTo(Name, Wide, Count + 1);
    *NameLength = Count;
    return ERROR_SUCCESS;
}

/* What a W routine gave (Size bytes at Wide) as the A form of a value's data. */
static LSTATUS
RegNarrow(DWORD Type, const BYTE *Wide, DWORD Size, LPBYTE Data, LPDWORD Length)
{
    DWORD Room = Length != NULL ? *Length : 0;
    DWORD Count = RegIsText(Type) ? Size / sizeof(WCHAR) : Size;

    if (Length != NULL)
        *Length = Count;
    if (Data == NULL)
        return ERROR_SUCCESS;
    if (Room < Count)
        return ERROR_MORE_DATA;
    if (RegIsText(Type))
        AdvNarrowTo((PSTR)Data, (PCWSTR)Wide, Count);
    else
        memcpy(Data, Wide, Count);
    return ERROR_SUCCESS;
}

/* Calls RegGetValueW or RegQueryValueExW (Flags 0) with a buffer that is large enough. */
static LSTATUS
RegReadWide(HKEY Key, PCWSTR SubKey, PCWSTR Name, DWORD Flags, LPDWORD Type, LPBYTE *Wide,
    LPDWORD Size)
{
    LSTATUS Error = ERROR_MORE_DATA;

    *Wide = NULL;
    for (*Size = 256; Error == ERROR_MORE_DATA;) {
        AdvFree(*Wide);
        *Wide = AdvAllocate(*Size);
        if (*Wide == NULL)
            return ERROR_NOT_ENOUGH_MEMORY;
        Error = Flags != 0 ? RegGetValueW(Key, SubKey, Name, Flags, Type, *Wide, Size)
              : RegQueryValueExW(Key, Name, NULL, Type, *Wide, Size);
    }
    return Error;
}

LSTATUS WINAPI
RegQueryValueExA(HKEY Key, LPCSTR Name, LPDWORD Reserved, LPDWORD Type, LPBYTE Data,
    LPDWORD Length)
{
    BOOL    Failed = FALSE;
    PWSTR   WideName = AdvWiden(Name, &Failed);
    LPBYTE  Wide = NULL;
    DWORD   Size, Kind = REG_NONE;
    LSTATUS Error;

    if (Reserved != NULL || (Data != NULL && Length == NULL))
        Error = ERROR_INVALID_PARAMETER;
    else
        Error = Failed ? ERROR_NOT_ENOUGH_MEMORY
              : RegReadWide(Key, NULL, WideName, 0, &Kind, &Wide, &Size);
    if (Error == ERROR_SUCCESS) {
        if (Type != NULL)
            *Type = Kind;
        Error = RegNarrow(Kind, Wide, Size, Data, Length);
    }
    AdvFree(Wide);
    AdvFree(WideName);
    return Error;
}

LSTATUS WINAPI
RegGetValueA(HKEY Key, LPCSTR SubKey, LPCSTR Name, DWORD Flags, LPDWORD Type, PVOID Data,
    LPDWORD Length)
{
    BOOL    Failed = FALSE;
    PWSTR   WideKey = AdvWiden(SubKey, &Failed), WideName = AdvWiden(Name, &Failed);
    LPBYTE  Wide = NULL;
    DWORD   Size, Kind = REG_NONE, Room = Length != NULL ? *Length : 0;
    LSTATUS Error;

    if ((Data != NULL && Length == NULL) || (Flags & RRF_RT_ANY) == 0)
        Error = ERROR_INVALID_PARAMETER;
    else
        Error = Failed ? ERROR_NOT_ENOUGH_MEMORY
              : RegReadWide(Key, WideKey, WideName, Flags, &Kind, &Wide, &Size);
    if (Type != NULL)
        *Type = Kind;
    if (Error == ERROR_SUCCESS)
        Error = RegNarrow(Kind, Wide, Size, Data, Length);
    if (Error != ERROR_SUCCESS && (Flags & RRF_ZEROONFAILURE) && Data != NULL)
        memset(Data, 0, Room);
    AdvFree(Wide);
    AdvFree(WideKey);
    AdvFree(WideName);
    return Error;
}

LSTATUS WINAPI
RegSetValueExA(HKEY Key, LPCSTR Name, DWORD Reserved, DWORD Type, CONST BYTE *Data, DWORD Length)
{
    BOOL    Failed = FALSE;
    PWSTR   WideName = AdvWiden(Name, &Failed), Text = NULL;
    LSTATUS Error = ERROR_NOT_ENOUGH_MEMORY;

    if (RegIsText(Type) && Data != NULL) {
        Text = AdvAllocate(((SIZE_T)Length + 1) * sizeof(WCHAR));
        Failed |= Text == NULL;
        if (Text != NULL)
            AdvWidenTo(Text, (PCSTR)Data, Length);
    }
    if (!Failed)
        Error = RegSetValueExW(Key, WideName, Reserved, Type,
            Text != NULL ? (LPBYTE)Text : Data, Text != NULL ? Length * sizeof(WCHAR) : Length);
    AdvFree(Text);
    AdvFree(WideName);
    return Error;
}

LSTATUS WINAPI
RegEnumValueA(HKEY Key, DWORD Index, LPSTR Name, LPDWORD NameLength, LPDWORD Reserved,
    LPDWORD Type, LPBYTE Data, LPDWORD Length)
{
    PWSTR   Wide;
    LPBYTE  Bytes = NULL;
    DWORD   Count = 16384, Kind = REG_NONE, Size = 0;
    LSTATUS Error;

    if (Name == NULL || NameLength == NULL || Reserved != NULL || (Data != NULL && Length == NULL))
        return ERROR_INVALID_PARAMETER;
    Wide = AdvAllocate(Count * sizeof(WCHAR));
    if (Wide == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    Error = RegEnumValueW(Key, Index, Wide, &Count, NULL, &Kind, NULL, &Size);
    if (Error == ERROR_SUCCESS && *NameLength <= Count)
        Error = ERROR_MORE_DATA;
    if (Error == ERROR_SUCCESS) {
        Bytes = AdvAllocate((SIZE_T)Size + 1);
        Error = Bytes == NULL ? ERROR_NOT_ENOUGH_MEMORY
              : RegQueryValueExW(Key, Wide, NULL, &Kind, Bytes, &Size);
    }
    if (Error == ERROR_SUCCESS) {
        AdvNarrowTo(Name, Wide, Count + 1);
        *NameLength = Count;
        Error = RegNarrow(Kind, Bytes, Size, Data, Length);
    }
    if (Type != NULL)
        *Type = Kind;
    AdvFree(Bytes);
    AdvFree(Wide);
    return Error;
}
