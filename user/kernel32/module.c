/*
 * Modules, the command line and the environment. A module's handle is its base address; NULL is
 * the program itself.
 */
#include "k32.h"

static CHAR BaseCommandLineA[1024];

HMODULE WINAPI
LoadLibraryExW(LPCWSTR Name, HANDLE File, DWORD Flags)
{
    UNICODE_STRING String;
    PVOID          Base;

    RtlInitUnicodeString(&String, Name);
    return BaseSetStatus(LdrLoadDll(NULL, NULL, &String, &Base)) ? Base : NULL;
}

HMODULE WINAPI
LoadLibraryW(LPCWSTR Name)
{
    return LoadLibraryExW(Name, NULL, 0);
}

HMODULE WINAPI
LoadLibraryA(LPCSTR Name)
{
    PWSTR   Wide = BaseWiden(Name);
    HMODULE Module = LoadLibraryW(Wide);

    BaseFree(Wide);
    return Module;
}

BOOL WINAPI
FreeLibrary(HMODULE Module)
{
    return BaseSetStatus(LdrUnloadDll(Module));
}

HMODULE WINAPI
GetModuleHandleW(LPCWSTR Name)
{
    UNICODE_STRING String;
    PVOID          Base;

    if (Name == NULL)
        return NtCurrentPeb()->ImageBaseAddress;
    RtlInitUnicodeString(&String, Name);
    return BaseSetStatus(LdrGetDllHandle(NULL, NULL, &String, &Base)) ? Base : NULL;
}

HMODULE WINAPI
GetModuleHandleA(LPCSTR Name)
{
    PWSTR   Wide = BaseWiden(Name);
    HMODULE Module = GetModuleHandleW(Wide);

    BaseFree(Wide);
    return Module;
}

FARPROC WINAPI
GetProcAddress(HMODULE Module, LPCSTR Name)
{
    ANSI_STRING String;
    PVOID       Address;
    NTSTATUS    Status;

    if ((ULONG_PTR)Name < 0x10000) {
        Status = LdrGetProcedureAddress(Module, NULL, (ULONG)(ULONG_PTR)Name, &Address);
    } else {
        RtlInitAnsiString(&String, Name);
        Status = LdrGetProcedureAddress(Module, &String, 0, &Address);
    }
    return BaseSetStatus(Status) ? (FARPROC)Address : NULL;
}

DWORD WINAPI
GetModuleFileNameW(HMODULE Module, LPWSTR Buffer, DWORD Size)
{
    PLIST_ENTRY Head = &NtCurrentPeb()->Ldr->InLoadOrderModuleList;
    PVOID       Base = Module ? (PVOID)Module : NtCurrentPeb()->ImageBaseAddress;

    for (PLIST_ENTRY Link = Head->Flink; Link != Head; Link = Link->Flink) {
        PLDR_DATA_TABLE_ENTRY Entry = CONTAINING_RECORD(Link, LDR_DATA_TABLE_ENTRY,
            InLoadOrderLinks);
        DWORD                 Count = Entry->FullDllName.Length / sizeof(WCHAR);

        if (Entry->DllBase != Base)
            continue;
        if (Count >= Size) {
            RtlSetLastWin32Error(ERROR_INSUFFICIENT_BUFFER);
            Count = Size ? Size - 1 : 0;
        }
        memcpy(Buffer, Entry->FullDllName.Buffer, Count * sizeof(WCHAR));
        if (Size)
            Buffer[Count] = 0;
        return Count;
    }
    RtlSetLastWin32Error(ERROR_MOD_NOT_FOUND);
    return 0;
}

DWORD WINAPI
GetModuleFileNameA(HMODULE Module, LPSTR Buffer, DWORD Size)
{
    WCHAR Wide[MAX_PATH];
    DWORD Count = GetModuleFileNameW(Module, Wide, min(Size, MAX_PATH));

    for (DWORD Index = 0; Index < Count; Index++)
        Buffer[Index] = (CHAR)Wide[Index];
    if (Size)
        Buffer[Count] = 0;
    return Count;
}

LPWSTR WINAPI
GetCommandLineW(VOID)
{
    return NtCurrentPeb()->ProcessParameters->CommandLine.Buffer;
}

LPSTR WINAPI
GetCommandLineA(VOID)
{
    PCWSTR Wide = GetCommandLineW();

    if (BaseCommandLineA[0] == 0)
        for (ULONG Index = 0; Wide[Index] && Index < sizeof BaseCommandLineA - 1; Index++)
            BaseCommandLineA[Index] = (CHAR)Wide[Index];
    return BaseCommandLineA;
}

DWORD WINAPI
GetEnvironmentVariableW(LPCWSTR Name, LPWSTR Buffer, DWORD Size)
{
    UNICODE_STRING Variable, Value = { 0, (USHORT)min(Size * sizeof(WCHAR), 0xFFFE), Buffer };
    NTSTATUS       Status;
    DWORD          Count;

    RtlInitUnicodeString(&Variable, Name);
    Status = RtlQueryEnvironmentVariable_U(NULL, &Variable, &Value);
    Count = Value.Length / sizeof(WCHAR);
    if (Status == STATUS_BUFFER_TOO_SMALL || (NT_SUCCESS(Status) && Count == Size))
        return Count + 1;
    return BaseSetStatus(Status) ? Count : 0;
}

DWORD WINAPI
GetEnvironmentVariableA(LPCSTR Name, LPSTR Buffer, DWORD Size)
{
    WCHAR Value[512];
    PWSTR Wide = BaseWiden(Name);
    DWORD Count = GetEnvironmentVariableW(Wide, Value, ARRAYSIZE(Value));

    BaseFree(Wide);
    if (Count == 0 || Count >= ARRAYSIZE(Value))
        return Count;
    if (Count >= Size)
        return Count + 1;
    for (DWORD Index = 0; Index <= Count; Index++)
        Buffer[Index] = (CHAR)Value[Index];
    return Count;
}

BOOL WINAPI
SetEnvironmentVariableW(LPCWSTR Name, LPCWSTR Value)
{
    UNICODE_STRING Variable, Text;

    RtlInitUnicodeString(&Variable, Name);
    RtlInitUnicodeString(&Text, Value);
    return BaseSetStatus(RtlSetEnvironmentVariable(NULL, &Variable, Value ? &Text : NULL));
}

BOOL WINAPI
SetEnvironmentVariableA(LPCSTR Name, LPCSTR Value)
{
    PWSTR Wide = BaseWiden(Name), WideValue = BaseWiden(Value);
    BOOL  Success = SetEnvironmentVariableW(Wide, WideValue);

    BaseFree(Wide);
    BaseFree(WideValue);
    return Success;
}

LPWCH WINAPI
GetEnvironmentStringsW(VOID)
{
    return NtCurrentPeb()->ProcessParameters->Environment;
}

BOOL WINAPI
FreeEnvironmentStringsW(LPWCH Strings)
{
    return TRUE;
}

DWORD WINAPI
GetCurrentDirectoryW(DWORD Size, LPWSTR Buffer)
{
    PUNICODE_STRING Path = &NtCurrentPeb()->ProcessParameters->CurrentDirectory.DosPath;
    DWORD           Count = Path->Length / sizeof(WCHAR);

    if (Count >= Size)
        return Count + 1;
    memcpy(Buffer, Path->Buffer, Path->Length);
    Buffer[Count] = 0;
    return Count;
}
