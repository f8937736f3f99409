/*
 * Keys of the registry for programs, in their W forms: open, make, delete, enumerate, ask.
 *
 * Where a routine takes a key and the name of one below it, an empty name is the key itself.
 * RegCreateKeyEx makes every key that is missing on the way, which NtCreateKey does not. Errors
 * are returned, not set.
 */
#include "registry.h"
#include <string.h>

#define WOW64_BITS  (KEY_WOW64_64KEY | KEY_WOW64_32KEY)

static const struct { ULONG_PTR Key; PCWSTR Path; } RegRoots[] = {
    { (ULONG_PTR)HKEY_LOCAL_MACHINE,  L"\\Registry\\Machine" },
    { (ULONG_PTR)HKEY_USERS,          L"\\Registry\\User" },
    { (ULONG_PTR)HKEY_CURRENT_USER,   L"\\Registry\\User\\.Default" },
    { (ULONG_PTR)HKEY_CLASSES_ROOT,   L"\\Registry\\Machine\\Software\\Classes" },
};

LSTATUS
RegError(NTSTATUS Status)
{
    if (Status == STATUS_BUFFER_OVERFLOW)
        return ERROR_MORE_DATA;
    if (Status == STATUS_CANNOT_DELETE)
        return ERROR_ACCESS_DENIED;
    return NT_SUCCESS(Status) ? ERROR_SUCCESS : (LSTATUS)RtlNtStatusToDosError(Status);
}

/* NULL if Key is a handle. */
static PCWSTR
RegRootPath(HKEY Key)
{
    for (ULONG Index = 0; Index < ARRAYSIZE(RegRoots); Index++)
        if (RegRoots[Index].Key == (ULONG_PTR)Key)
            return RegRoots[Index].Path;
    return NULL;
}

NTSTATUS
RegBuildName(HKEY Key, PCWSTR SubKey, PREG_NAME Name)
{
    PCWSTR Root = RegRootPath(Key);
    SIZE_T RootLength = Root != NULL ? wcslen(Root) : 0;
    SIZE_T Length = SubKey != NULL ? wcslen(SubKey) : 0;

    Name->Path = NULL;
    if (Key == NULL)
        return STATUS_INVALID_HANDLE;
    if (SubKey != NULL && SubKey[0] == L'\\')
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    if (RootLength + Length + 2 > 0xFFFF / sizeof(WCHAR))
        return STATUS_INVALID_PARAMETER;
    Name->Path = AdvAllocate((RootLength + Length + 2) * sizeof(WCHAR));
    if (Name->Path == NULL)
        return STATUS_NO_MEMORY;
    if (Root != NULL) {
        memcpy(Name->Path, Root, RootLength * sizeof(WCHAR));
        Name->Path[RootLength++] = L'\\';
    }
    memcpy(Name->Path + RootLength, SubKey, Length * sizeof(WCHAR));
    Name->String.Buffer = Name->Path;
    Name->String.Length = (USHORT)((RootLength + Length) * sizeof(WCHAR));
    Name->String.MaximumLength = Name->String.Length + sizeof(WCHAR);
    InitializeObjectAttributes(&Name->Attributes, &Name->String, OBJ_CASE_INSENSITIVE,
        Root != NULL ? NULL : (HANDLE)Key, NULL);
    return STATUS_SUCCESS;
}

static NTSTATUS
RegOpen(HKEY Key, PCWSTR SubKey, ACCESS_MASK Access, PHANDLE Handle)
{
    REG_NAME Name;
    NTSTATUS Status = RegBuildName(Key, SubKey, &Name);

    if (NT_SUCCESS(Status))
        Status = NtOpenKey(Handle, Access & ~WOW64_BITS, &Name.Attributes);
    AdvFree(Name.Path);
    return Status;
}

NTSTATUS
RegEnter(HKEY Key, ACCESS_MASK Access, PHANDLE Handle)
{
    *Handle = (HANDLE)Key;
    return RegRootPath(Key) != NULL ? RegOpen(Key, NULL, Access, Handle) : STATUS_SUCCESS;
}

VOID
RegLeave(HKEY Key, HANDLE Handle)
{
    if (Handle != (HANDLE)Key)
        NtClose(Handle);
}

LSTATUS WINAPI
RegOpenKeyExW(HKEY Key, LPCWSTR SubKey, DWORD Options, REGSAM Access, PHKEY Result)
{
    HANDLE  Handle;
    LSTATUS Error;

    if (Result == NULL)
        return ERROR_INVALID_PARAMETER;
    *Result = NULL;
    if ((SubKey == NULL || SubKey[0] == 0) && RegRootPath(Key) != NULL) {
        *Result = Key;
        return ERROR_SUCCESS;
    }
    Error = RegError(RegOpen(Key, SubKey, Access, &Handle));
    if (Error == ERROR_SUCCESS)
        *Result = (HKEY)Handle;
    return Error;
}

/* Makes the keys on the way to Name's last part; existing ones are passed over. */
static NTSTATUS
RegCreateParents(PREG_NAME Name, ULONG Options)
{
    UNICODE_STRING Whole = Name->String;
    ULONG          Count = Whole.Length / sizeof(WCHAR);
    NTSTATUS       Status = STATUS_SUCCESS;
    HANDLE         Handle;

    for (ULONG Index = 1; Index < Count && NT_SUCCESS(Status); Index++) {
        if (Whole.Buffer[Index] != L'\\')
            continue;
        Name->String.Length = (USHORT)(Index * sizeof(WCHAR));
        Status = NtOpenKey(&Handle, READ_CONTROL, &Name->Attributes);
        if (Status == STATUS_OBJECT_NAME_NOT_FOUND)
            Status = NtCreateKey(&Handle, READ_CONTROL, &Name->Attributes, 0, NULL, Options, NULL);
        if (NT_SUCCESS(Status))
            NtClose(Handle);
    }
    Name->String = Whole;
    return Status;
}

LSTATUS WINAPI
RegCreateKeyExW(HKEY Key, LPCWSTR SubKey, DWORD Reserved, LPWSTR Class, DWORD Options,
    REGSAM Access, CONST LPSECURITY_ATTRIBUTES Security, PHKEY Result, LPDWORD Disposition)
{
    UNICODE_STRING ClassString;
    REG_NAME       Name;
    HANDLE         Handle;
    ULONG          Made = 0;
    NTSTATUS       Status;

    if (Reserved != 0 || SubKey == NULL || Result == NULL)
        return ERROR_INVALID_PARAMETER;
    *Result = NULL;
    RtlInitUnicodeString(&ClassString, Class);
    Status = RegBuildName(Key, SubKey, &Name);
    if (NT_SUCCESS(Status)) {
        if (Security != NULL) {
            Name.Attributes.SecurityDescriptor = Security->lpSecurityDescriptor;
            Name.Attributes.Attributes |= Security->bInheritHandle ? OBJ_INHERIT : 0;
        }
        Access &= ~WOW64_BITS;
        Status = NtCreateKey(&Handle, Access, &Name.Attributes, 0, &ClassString, Options, &Made);
        if (Status == STATUS_OBJECT_NAME_NOT_FOUND) {
            Status = RegCreateParents(&Name, Options);
            if (NT_SUCCESS(Status))
                Status = NtCreateKey(&Handle, Access, &Name.Attributes, 0, &ClassString, Options,
                    &Made);
        }
    }
    AdvFree(Name.Path);
    if (!NT_SUCCESS(Status))
        return RegError(Status);
    *Result = (HKEY)Handle;
    if (Disposition != NULL)
        *Disposition = Made;
    return ERROR_SUCCESS;
}

LSTATUS WINAPI
RegCloseKey(HKEY Key)
{
    return RegRootPath(Key) != NULL ? ERROR_SUCCESS : RegError(NtClose((HANDLE)Key));
}

LSTATUS WINAPI
RegFlushKey(HKEY Key)
{
    return RegRootPath(Key) != NULL ? ERROR_SUCCESS : RegError(NtFlushKey((HANDLE)Key));
}

/* The key must not have others below it: ERROR_ACCESS_DENIED. */
LSTATUS WINAPI
RegDeleteKeyExW(HKEY Key, LPCWSTR SubKey, REGSAM View, DWORD Reserved)
{
    HANDLE   Handle;
    NTSTATUS Status;

    if (SubKey == NULL || Reserved != 0)
        return ERROR_INVALID_PARAMETER;
    Status = RegOpen(Key, SubKey, DELETE, &Handle);
    if (!NT_SUCCESS(Status))
        return RegError(Status);
    Status = NtDeleteKey(Handle);
    NtClose(Handle);
    return RegError(Status);
}

LSTATUS WINAPI
RegDeleteKeyW(HKEY Key, LPCWSTR SubKey)
{
    return RegDeleteKeyExW(Key, SubKey, 0, 0);
}

/* Deletes what is below SubKey, and SubKey itself unless it is NULL or empty. */
LSTATUS WINAPI
RegDeleteTreeW(HKEY Key, LPCWSTR SubKey)
{
    WCHAR   Name[256];
    HKEY    Below;
    LSTATUS Error = RegOpenKeyExW(Key, SubKey, 0, KEY_READ, &Below);

    if (Error != ERROR_SUCCESS)
        return Error;
    while (Error == ERROR_SUCCESS) {
        DWORD Length = ARRAYSIZE(Name);

        Error = RegEnumKeyExW(Below, 0, Name, &Length, NULL, NULL, NULL, NULL);
        if (Error == ERROR_SUCCESS)
            Error = RegDeleteTreeW(Below, Name);
    }
    RegCloseKey(Below);
    if (Error != ERROR_NO_MORE_ITEMS)
        return Error;
    return SubKey != NULL && SubKey[0] != 0 ? RegDeleteKeyW(Key, SubKey) : ERROR_SUCCESS;
}

LSTATUS WINAPI
RegEnumKeyExW(HKEY Key, DWORD Index, LPWSTR Name, LPDWORD NameLength, LPDWORD Reserved,
    LPWSTR Class, LPDWORD ClassLength, PFILETIME LastWrite)
{
    struct { KEY_BASIC_INFORMATION Info; WCHAR More[256]; } Basic;
    HANDLE   Handle;
    ULONG    Needed, Count;
    NTSTATUS Status;

    if (Name == NULL || NameLength == NULL || Reserved != NULL)
        return ERROR_INVALID_PARAMETER;
    Status = RegEnter(Key, KEY_ENUMERATE_SUB_KEYS, &Handle);
    if (!NT_SUCCESS(Status))
        return RegError(Status);
    Status = NtEnumerateKey(Handle, Index, KeyBasicInformation, &Basic, sizeof Basic, &Needed);
    RegLeave(Key, Handle);
    if (Status == STATUS_NO_MORE_ENTRIES)
        return ERROR_NO_MORE_ITEMS;
    if (!NT_SUCCESS(Status))
        return RegError(Status);

    Count = Basic.Info.NameLength / sizeof(WCHAR);
    if (*NameLength <= Count)
        return ERROR_MORE_DATA;
    memcpy(Name, Basic.Info.Name, Basic.Info.NameLength);
    Name[Count] = 0;
    *NameLength = Count;
    if (ClassLength != NULL && Class != NULL && *ClassLength != 0)
        Class[0] = 0;
    if (ClassLength != NULL)
        *ClassLength = 0;
    if (LastWrite != NULL)
        memcpy(LastWrite, &Basic.Info.LastWriteTime, sizeof *LastWrite);
    return ERROR_SUCCESS;
}

static VOID
RegStore(LPDWORD Where, ULONG Value)
{
    if (Where != NULL)
        *Where = Value;
}

/* The longest names are counted in characters. */
LSTATUS WINAPI
RegQueryInfoKeyW(HKEY Key, LPWSTR Class, LPDWORD ClassLength, LPDWORD Reserved, LPDWORD SubKeys,
    LPDWORD LongestSubKey, LPDWORD LongestClass, LPDWORD Values, LPDWORD LongestValueName,
    LPDWORD LongestValue, LPDWORD SecurityDescriptor, PFILETIME LastWrite)
{
    struct { KEY_FULL_INFORMATION Info; WCHAR More[256]; } Full;
    HANDLE   Handle;
    ULONG    Needed, Count, Room = ClassLength != NULL ? *ClassLength : 0;
    NTSTATUS Status = RegEnter(Key, KEY_QUERY_VALUE, &Handle);

    if (!NT_SUCCESS(Status))
        return RegError(Status);
    Status = NtQueryKey(Handle, KeyFullInformation, &Full, sizeof Full, &Needed);
    RegLeave(Key, Handle);
    if (!NT_SUCCESS(Status))
        return RegError(Status);
    Count = Full.Info.ClassLength / sizeof(WCHAR);
    RegStore(ClassLength, Count);
    RegStore(SubKeys, Full.Info.SubKeys);
    RegStore(LongestSubKey, Full.Info.MaxNameLen / sizeof(WCHAR));
    RegStore(LongestClass, Full.Info.MaxClassLen / sizeof(WCHAR));
    RegStore(Values, Full.Info.Values);
    RegStore(LongestValueName, Full.Info.MaxValueNameLen / sizeof(WCHAR));
    RegStore(LongestValue, Full.Info.MaxValueDataLen);
    RegStore(SecurityDescriptor, 0);
    if (LastWrite != NULL)
        memcpy(LastWrite, &Full.Info.LastWriteTime, sizeof *LastWrite);
    if (Class == NULL)
        return ERROR_SUCCESS;
    if (Room <= Count)
        return ERROR_MORE_DATA;
    memcpy(Class, Full.Info.Class, Count * sizeof(WCHAR));
    Class[Count] = 0;
    return ERROR_SUCCESS;
}
