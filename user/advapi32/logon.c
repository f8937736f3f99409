/*
 * Logging on, and starting programs as somebody else. There are no passwords: whether the caller
 * may is the kernel's to say (kernel/se/account.c), so Domain and Password are not looked at.
 */
#include "advapi.h"
#include "sdk/ntsecurity.h"

BOOL WINAPI
LogonUserW(LPCWSTR Name, LPCWSTR Domain, LPCWSTR Password, DWORD Type, DWORD Provider,
    PHANDLE Token)
{
    UNICODE_STRING String;

    RtlInitUnicodeString(&String, Name);
    return AdvSetStatus(NtLogonUser(&String, Token));
}

BOOL WINAPI
LogonUserA(LPCSTR Name, LPCSTR Domain, LPCSTR Password, DWORD Type, DWORD Provider, PHANDLE Token)
{
    BOOL  Failed = FALSE, Done;
    PWSTR Wide = AdvWiden(Name, &Failed);

    if (Wide == NULL)
        return FALSE;
    Done = LogonUserW(Wide, NULL, NULL, Type, Provider, Token);
    AdvFree(Wide);
    return Done;
}

BOOL WINAPI
CreateProcessAsUserW(HANDLE Token, LPCWSTR Application, LPWSTR CommandLine,
    LPSECURITY_ATTRIBUTES ProcessSecurity, LPSECURITY_ATTRIBUTES ThreadSecurity, BOOL Inherit,
    DWORD Flags, LPVOID Environment, LPCWSTR Directory, LPSTARTUPINFOW Startup,
    LPPROCESS_INFORMATION Information)
{
    return CreateProcessInternalW(Token, Application, CommandLine, ProcessSecurity,
        ThreadSecurity, Inherit, Flags, Environment, Directory, Startup, Information, NULL);
}

BOOL WINAPI
CreateProcessAsUserA(HANDLE Token, LPCSTR Application, LPSTR CommandLine,
    LPSECURITY_ATTRIBUTES ProcessSecurity, LPSECURITY_ATTRIBUTES ThreadSecurity, BOOL Inherit,
    DWORD Flags, LPVOID Environment, LPCSTR Directory, LPSTARTUPINFOA Startup,
    LPPROCESS_INFORMATION Information)
{
    BOOL         Failed = FALSE, Done = FALSE;
    PWSTR        Program = AdvWiden(Application, &Failed), Line = AdvWiden(CommandLine, &Failed);
    PWSTR        Folder = AdvWiden(Directory, &Failed);
    STARTUPINFOW Wide = { .cb = sizeof Wide };

    if (Startup) {
        Wide.dwFlags = Startup->dwFlags;
        Wide.hStdInput = Startup->hStdInput;
        Wide.hStdOutput = Startup->hStdOutput;
        Wide.hStdError = Startup->hStdError;
    }
    if (!Failed)
        Done = CreateProcessAsUserW(Token, Program, Line, ProcessSecurity, ThreadSecurity, Inherit,
            Flags, Flags & CREATE_UNICODE_ENVIRONMENT ? Environment : NULL, Folder, &Wide,
            Information);
    AdvFree(Program);
    AdvFree(Line);
    AdvFree(Folder);
    return Done;
}

BOOL WINAPI
CreateProcessWithTokenW(HANDLE Token, DWORD LogonFlags, LPCWSTR Application, LPWSTR CommandLine,
    DWORD Flags, LPVOID Environment, LPCWSTR Directory, LPSTARTUPINFOW Startup,
    LPPROCESS_INFORMATION Information)
{
    return CreateProcessAsUserW(Token, Application, CommandLine, NULL, NULL, FALSE, Flags,
        Environment, Directory, Startup, Information);
}

BOOL WINAPI
CreateProcessWithLogonW(LPCWSTR Name, LPCWSTR Domain, LPCWSTR Password, DWORD LogonFlags,
    LPCWSTR Application, LPWSTR CommandLine, DWORD Flags, LPVOID Environment, LPCWSTR Directory,
    LPSTARTUPINFOW Startup, LPPROCESS_INFORMATION Information)
{
    HANDLE Token;
    BOOL   Done;

    if (!LogonUserW(Name, Domain, Password, LOGON32_LOGON_INTERACTIVE, LOGON32_PROVIDER_DEFAULT,
            &Token))
        return FALSE;
    Done = CreateProcessWithTokenW(Token, LogonFlags, Application, CommandLine, Flags,
        Environment, Directory, Startup, Information);
    NtClose(Token);
    return Done;
}
