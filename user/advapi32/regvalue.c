/*
 * Values of the registry for programs, in their W forms: query, set, delete, enumerate, get.
 *
 * A buffer that is too small is ERROR_MORE_DATA, with the size that is needed; without a buffer
 * only that size is told. RegGetValue looks at the type, opens a subkey on its own, expands
 * environment strings and ends every string with a zero, which the others leave to the caller.
 */
#include "registry.h"
#include <string.h>

/* The value as full information on the heap; by name, or if that is NULL by index. */
static LSTATUS
RegRead(HKEY Key, PCWSTR Name, ULONG Index, PKEY_VALUE_FULL_INFORMATION *Full)
{
    UNICODE_STRING String;
    HANDLE         Handle;
    ULONG          Room = 512, Needed;
    NTSTATUS       Status = RegEnter(Key, KEY_QUERY_VALUE, &Handle);

    *Full = NULL;
    if (!NT_SUCCESS(Status))
        return RegError(Status);
    RtlInitUnicodeString(&String, Name);
    for (;; Room = Needed) {
        *Full = AdvAllocate((SIZE_T)Room + 2 * sizeof(WCHAR));
        if (*Full == NULL)
            Status = STATUS_NO_MEMORY;
        else
            Status = Name != NULL
                ? NtQueryValueKey(Handle, &String, KeyValueFullInformation, *Full, Room, &Needed)
                : NtEnumerateValueKey(Handle, Index, KeyValueFullInformation, *Full, Room, &Needed);
        if (Status != STATUS_BUFFER_OVERFLOW && Status != STATUS_BUFFER_TOO_SMALL)
            break;
        AdvFree(*Full);
    }
    RegLeave(Key, Handle);
    if (NT_SUCCESS(Status))
        return ERROR_SUCCESS;
    AdvFree(*Full);
    return Status == STATUS_NO_MORE_ENTRIES ? ERROR_NO_MORE_ITEMS : RegError(Status);
}

static LSTATUS
RegGive(const VOID *From, ULONG Size, LPBYTE Data, LPDWORD Length)
{
    ULONG Room = Length != NULL ? *Length : 0;

    if (Length != NULL)
        *Length = Size;
    if (Data == NULL)
        return ERROR_SUCCESS;
    if (Room < Size)
        return ERROR_MORE_DATA;
    memcpy(Data, From, Size);
    return ERROR_SUCCESS;
}

LSTATUS WINAPI
RegQueryValueExW(HKEY Key, LPCWSTR Name, LPDWORD Reserved, LPDWORD Type, LPBYTE Data,
    LPDWORD Length)
{
    PKEY_VALUE_FULL_INFORMATION Full;
    LSTATUS                     Error;

    if (Reserved != NULL || (Data != NULL && Length == NULL))
        return ERROR_INVALID_PARAMETER;
    Error = RegRead(Key, Name != NULL ? Name : L"", 0, &Full);
    if (Error != ERROR_SUCCESS)
        return Error;
    if (Type != NULL)
        *Type = Full->Type;
    Error = RegGive((PUCHAR)Full + Full->DataOffset, Full->DataLength, Data, Length);
    AdvFree(Full);
    return Error;
}

/* Name and Data are given together, or not at all. */
LSTATUS WINAPI
RegEnumValueW(HKEY Key, DWORD Index, LPWSTR Name, LPDWORD NameLength, LPDWORD Reserved,
    LPDWORD Type, LPBYTE Data, LPDWORD Length)
{
    PKEY_VALUE_FULL_INFORMATION Full;
    LSTATUS                     Error;
    ULONG                       Count;

    if (Name == NULL || NameLength == NULL || Reserved != NULL || (Data != NULL && Length == NULL))
        return ERROR_INVALID_PARAMETER;
    Error = RegRead(Key, NULL, Index, &Full);
    if (Error != ERROR_SUCCESS)
        return Error;
    Count = Full->NameLength / sizeof(WCHAR);
    if (Type != NULL)
        *Type = Full->Type;
    if (*NameLength <= Count) {
        Error = ERROR_MORE_DATA;
    } else {
        memcpy(Name, Full->Name, Full->NameLength);
        Name[Count] = 0;
        *NameLength = Count;
        Error = RegGive((PUCHAR)Full + Full->DataOffset, Full->DataLength, Data, Length);
    }
    AdvFree(Full);
    return Error;
}

LSTATUS WINAPI
RegSetValueExW(HKEY Key, LPCWSTR Name, DWORD Reserved, DWORD Type, CONST BYTE *Data, DWORD Length)
{
    UNICODE_STRING String;
    HANDLE         Handle;
    NTSTATUS       Status;

    if (Reserved != 0)
        return ERROR_INVALID_PARAMETER;
    Status = RegEnter(Key, KEY_SET_VALUE, &Handle);
    if (!NT_SUCCESS(Status))
        return RegError(Status);
    RtlInitUnicodeString(&String, Name);
    Status = NtSetValueKey(Handle, &String, 0, Type, Data, Length);
    RegLeave(Key, Handle);
    return RegError(Status);
}

LSTATUS WINAPI
RegDeleteValueW(HKEY Key, LPCWSTR Name)
{
    UNICODE_STRING String;
    HANDLE         Handle;
    NTSTATUS       Status = RegEnter(Key, KEY_SET_VALUE, &Handle);

    if (!NT_SUCCESS(Status))
        return RegError(Status);
    RtlInitUnicodeString(&String, Name);
    Status = NtDeleteValueKey(Handle, &String);
    RegLeave(Key, Handle);
    return RegError(Status);
}

/* Whether Flags (RRF_RT_*) want a value of the type and size. */
static BOOL
RegWants(DWORD Flags, DWORD Type, DWORD Length)
{
    DWORD Bit = Type <= REG_DWORD ? 1U << Type : Type == REG_MULTI_SZ ? RRF_RT_REG_MULTI_SZ
              : Type == REG_QWORD ? RRF_RT_REG_QWORD : 0;
    DWORD Wanted = Flags & RRF_RT_ANY;

    if (Wanted == RRF_RT_ANY)
        return TRUE;
    if (Type == REG_BINARY && Wanted == RRF_RT_DWORD)
        return Length == sizeof(ULONG);
    if (Type == REG_BINARY && Wanted == RRF_RT_QWORD)
        return Length == sizeof(ULONG64);
    return (Wanted & Bit) != 0;
}

/* Expands the text in Full, if it is to be; the result replaces it. */
static LSTATUS
RegExpand(PKEY_VALUE_FULL_INFORMATION *Full)
{
    PWSTR                       Text = (PWSTR)((PUCHAR)*Full + (*Full)->DataOffset);
    DWORD                       Count = ExpandEnvironmentStringsW(Text, NULL, 0);
    ULONG                       Head = sizeof **Full;
    PKEY_VALUE_FULL_INFORMATION New = AdvAllocate(Head + (Count + 1) * sizeof(WCHAR));

    if (New == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    New->Type = REG_SZ;
    New->DataOffset = Head;
    New->DataLength = Count * sizeof(WCHAR);
    ExpandEnvironmentStringsW(Text, (PWSTR)((PUCHAR)New + Head), Count);
    AdvFree(*Full);
    *Full = New;
    return ERROR_SUCCESS;
}

/* Zeros at the end of text: one, or two for a list; RegRead has left room for them. */
static VOID
RegTerminate(PKEY_VALUE_FULL_INFORMATION Full)
{
    PWSTR Text = (PWSTR)((PUCHAR)Full + Full->DataOffset);
    ULONG Count = Full->DataLength / sizeof(WCHAR), Zeros = Full->Type == REG_MULTI_SZ ? 2 : 1;
    ULONG Have = 0;

    while (Have < Zeros && Have < Count && Text[Count - 1 - Have] == 0)
        Have++;
    for (; Have < Zeros; Have++)
        Text[Count++] = 0;
    Full->DataLength = Count * sizeof(WCHAR);
}

LSTATUS WINAPI
RegGetValueW(HKEY Key, LPCWSTR SubKey, LPCWSTR Name, DWORD Flags, LPDWORD Type, PVOID Data,
    LPDWORD Length)
{
    PKEY_VALUE_FULL_INFORMATION Full;
    HKEY                        Below = Key;
    BOOL                        Opened = SubKey != NULL && SubKey[0] != 0;
    DWORD                       Room = Length != NULL ? *Length : 0;
    LSTATUS                     Error = ERROR_SUCCESS;

    if ((Data != NULL && Length == NULL) || (Flags & RRF_RT_ANY) == 0)
        return ERROR_INVALID_PARAMETER;
    if ((Flags & RRF_RT_REG_EXPAND_SZ) && !(Flags & RRF_NOEXPAND)
        && (Flags & RRF_RT_ANY) != RRF_RT_ANY)
        return ERROR_INVALID_PARAMETER;
    if (Opened)
        Error = RegOpenKeyExW(Key, SubKey, 0, KEY_QUERY_VALUE, &Below);
    if (Error == ERROR_SUCCESS)
        Error = RegRead(Below, Name != NULL ? Name : L"", 0, &Full);
    if (Opened && Below != NULL)
        RegCloseKey(Below);
    if (Error != ERROR_SUCCESS)
        return Error;

    if (RegIsText(Full->Type))
        RegTerminate(Full);
    if (Full->Type == REG_EXPAND_SZ && !(Flags & RRF_NOEXPAND))
        Error = RegExpand(&Full);
    if (Error == ERROR_SUCCESS && !RegWants(Flags, Full->Type, Full->DataLength))
        Error = ERROR_UNSUPPORTED_TYPE;
    if (Type != NULL)
        *Type = Full->Type;
    if (Error == ERROR_SUCCESS)
        Error = RegGive((PUCHAR)Full + Full->DataOffset, Full->DataLength, Data, Length);
    if (Error != ERROR_SUCCESS && (Flags & RRF_ZEROONFAILURE) && Data != NULL)
        memset(Data, 0, Room);
    AdvFree(Full);
    return Error;
}
