/*
 * Names of accounts, groups and privileges, and the numbers behind them. There is one machine and
 * no directory to ask, so all of them are in two tables.
 */
#include "advapi.h"
#include "sdk/ntsecurity.h"
#include <stdio.h>

#define LONGEST_SID 68

static const struct { PCWSTR Sid, Domain, Name; SID_NAME_USE Use; } Accounts[] = {
    { L"LA", L"ETUDE", L"administrator", SidTypeUser },
    { L"S-1-5-21-1970412-3390218-2003-1001", L"ETUDE", L"student", SidTypeUser },
    { L"S-1-5-21-1970412-3390218-2003-513", L"ETUDE", L"None", SidTypeGroup },
    { L"SY", L"NT AUTHORITY", L"SYSTEM", SidTypeWellKnownGroup },
    { L"BA", L"BUILTIN", L"Administrators", SidTypeAlias },
    { L"BU", L"BUILTIN", L"Users", SidTypeAlias },
    { L"WD", L"", L"Everyone", SidTypeWellKnownGroup },
    { L"AU", L"NT AUTHORITY", L"Authenticated Users", SidTypeWellKnownGroup },
    { L"IU", L"NT AUTHORITY", L"INTERACTIVE", SidTypeWellKnownGroup },
    { L"RC", L"NT AUTHORITY", L"RESTRICTED", SidTypeWellKnownGroup },
    { L"S-1-2-0", L"", L"LOCAL", SidTypeWellKnownGroup },
    { L"CO", L"", L"CREATOR OWNER", SidTypeWellKnownGroup },
    { L"CG", L"", L"CREATOR GROUP", SidTypeWellKnownGroup },
};

static const PCWSTR Privileges[] = {
    [2] = L"SeCreateTokenPrivilege", L"SeAssignPrimaryTokenPrivilege", L"SeLockMemoryPrivilege",
    L"SeIncreaseQuotaPrivilege", L"SeMachineAccountPrivilege", L"SeTcbPrivilege",
    L"SeSecurityPrivilege", L"SeTakeOwnershipPrivilege", L"SeLoadDriverPrivilege",
    L"SeSystemProfilePrivilege", L"SeSystemtimePrivilege", L"SeProfileSingleProcessPrivilege",
    L"SeIncreaseBasePriorityPrivilege", L"SeCreatePagefilePrivilege",
    L"SeCreatePermanentPrivilege", L"SeBackupPrivilege", L"SeRestorePrivilege",
    L"SeShutdownPrivilege", L"SeDebugPrivilege", L"SeAuditPrivilege",
    L"SeSystemEnvironmentPrivilege", L"SeChangeNotifyPrivilege", L"SeRemoteShutdownPrivilege",
    L"SeUndockPrivilege", L"SeSyncAgentPrivilege", L"SeEnableDelegationPrivilege",
    L"SeManageVolumePrivilege", L"SeImpersonatePrivilege", L"SeCreateGlobalPrivilege",
    L"SeTrustedCredManAccessPrivilege", L"SeRelabelPrivilege", L"SeIncreaseWorkingSetPrivilege",
    L"SeTimeZonePrivilege", L"SeCreateSymbolicLinkPrivilege",
};

static BOOL
SameName(PCWSTR A, PCWSTR B)
{
    UNICODE_STRING First, Second;

    RtlInitUnicodeString(&First, A);
    RtlInitUnicodeString(&Second, B);
    return RtlEqualUnicodeString(&First, &Second, TRUE);
}

/* Copies a name to a buffer of *Room characters; FALSE: *Room is what it takes. */
static BOOL
CopyName(PWSTR To, PDWORD Room, PCWSTR Name)
{
    DWORD Length = (DWORD)wcslen(Name);

    if (To == NULL || *Room <= Length) {
        *Room = Length + 1;
        return FALSE;
    }
    memcpy(To, Name, (Length + 1) * sizeof(WCHAR));
    *Room = Length;
    return TRUE;
}

static BOOL
Fail(DWORD Error)
{
    RtlSetLastWin32Error(Error);
    return FALSE;
}

BOOL WINAPI
LookupAccountSidW(LPCWSTR System, PSID Sid, LPWSTR Name, LPDWORD NameRoom, LPWSTR Domain,
    LPDWORD DomainRoom, PSID_NAME_USE Use)
{
    UCHAR Known[LONGEST_SID];
    BOOL  Fits;

    for (ULONG Index = 0; Index < ARRAYSIZE(Accounts); Index++) {
        if (!NT_SUCCESS(RtlpTextToSid(Accounts[Index].Sid, Known, sizeof Known))
            || !RtlEqualSid(Known, Sid))
            continue;
        *Use = Accounts[Index].Use;
        Fits = CopyName(Name, NameRoom, Accounts[Index].Name);
        Fits &= CopyName(Domain, DomainRoom, Accounts[Index].Domain);
        return Fits || Fail(ERROR_INSUFFICIENT_BUFFER);
    }
    return Fail(ERROR_NONE_MAPPED);
}

BOOL WINAPI
LookupAccountSidA(LPCSTR System, PSID Sid, LPSTR Name, LPDWORD NameRoom, LPSTR Domain,
    LPDWORD DomainRoom, PSID_NAME_USE Use)
{
    WCHAR WideName[64], WideDomain[64];
    DWORD NameCount = *NameRoom < 64 ? *NameRoom : 64;
    DWORD DomainCount = *DomainRoom < 64 ? *DomainRoom : 64;
    BOOL  Done = LookupAccountSidW(NULL, Sid, WideName, &NameCount, WideDomain, &DomainCount, Use);

    *NameRoom = NameCount;
    *DomainRoom = DomainCount;
    if (Done) {
        AdvNarrowTo(Name, WideName, NameCount + 1);
        AdvNarrowTo(Domain, WideDomain, DomainCount + 1);
    }
    return Done;
}

BOOL WINAPI
LookupAccountNameW(LPCWSTR System, LPCWSTR Name, PSID Sid, LPDWORD SidRoom, LPWSTR Domain,
    LPDWORD DomainRoom, PSID_NAME_USE Use)
{
    UCHAR  Found[LONGEST_SID];
    PCWSTR Last = wcsrchr(Name, L'\\');

    for (ULONG Index = 0; Index < ARRAYSIZE(Accounts); Index++) {
        ULONG Length, Room = *SidRoom;

        if (!SameName(Accounts[Index].Name, Last ? Last + 1 : Name)
            || !NT_SUCCESS(RtlpTextToSid(Accounts[Index].Sid, Found, sizeof Found)))
            continue;
        Length = RtlLengthSid(Found);
        *SidRoom = Length;
        *Use = Accounts[Index].Use;
        if (!CopyName(Domain, DomainRoom, Accounts[Index].Domain) || Room < Length || Sid == NULL)
            return Fail(ERROR_INSUFFICIENT_BUFFER);
        memcpy(Sid, Found, Length);
        return TRUE;
    }
    return Fail(ERROR_NONE_MAPPED);
}

BOOL WINAPI
LookupAccountNameA(LPCSTR System, LPCSTR Name, PSID Sid, LPDWORD SidRoom, LPSTR Domain,
    LPDWORD DomainRoom, PSID_NAME_USE Use)
{
    WCHAR WideDomain[64];
    DWORD Count = *DomainRoom < 64 ? *DomainRoom : 64;
    BOOL  Failed = FALSE, Done;
    PWSTR Wide = AdvWiden(Name, &Failed);

    if (Wide == NULL)
        return FALSE;
    Done = LookupAccountNameW(NULL, Wide, Sid, SidRoom, WideDomain, &Count, Use);
    AdvFree(Wide);
    *DomainRoom = Count;
    if (Done)
        AdvNarrowTo(Domain, WideDomain, Count + 1);
    return Done;
}

BOOL WINAPI
LookupPrivilegeValueW(LPCWSTR System, LPCWSTR Name, PLUID Luid)
{
    for (ULONG Index = 2; Index < ARRAYSIZE(Privileges); Index++) {
        if (SameName(Privileges[Index], Name)) {
            Luid->LowPart = Index;
            Luid->HighPart = 0;
            return TRUE;
        }
    }
    return Fail(ERROR_NO_SUCH_PRIVILEGE);
}

BOOL WINAPI
LookupPrivilegeValueA(LPCSTR System, LPCSTR Name, PLUID Luid)
{
    BOOL  Failed = FALSE, Done;
    PWSTR Wide = AdvWiden(Name, &Failed);

    if (Wide == NULL)
        return FALSE;
    Done = LookupPrivilegeValueW(NULL, Wide, Luid);
    AdvFree(Wide);
    return Done;
}

BOOL WINAPI
LookupPrivilegeNameW(LPCWSTR System, PLUID Luid, LPWSTR Name, LPDWORD Room)
{
    if (Luid->HighPart != 0 || Luid->LowPart < 2 || Luid->LowPart >= ARRAYSIZE(Privileges))
        return Fail(ERROR_NO_SUCH_PRIVILEGE);
    return CopyName(Name, Room, Privileges[Luid->LowPart]) || Fail(ERROR_INSUFFICIENT_BUFFER);
}

BOOL WINAPI
LookupPrivilegeNameA(LPCSTR System, PLUID Luid, LPSTR Name, LPDWORD Room)
{
    WCHAR Wide[64];
    DWORD Count = *Room < 64 ? *Room : 64;
    BOOL  Done = LookupPrivilegeNameW(NULL, Luid, Wide, &Count);

    *Room = Count;
    if (Done)
        AdvNarrowTo(Name, Wide, Count + 1);
    return Done;
}

/* The name of whoever the running thread acts as. */
BOOL WINAPI
GetUserNameW(LPWSTR Name, LPDWORD Room)
{
    UCHAR        Buffer[sizeof(TOKEN_USER) + LONGEST_SID];
    WCHAR        Domain[64];
    DWORD        Length, DomainRoom = 64;
    HANDLE       Token;
    NTSTATUS     Status;
    SID_NAME_USE Use;
    BOOL         Done;

    Status = NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &Token);
    if (Status == STATUS_NO_TOKEN)
        Status = NtOpenProcessToken(NtCurrentProcess(), TOKEN_QUERY, &Token);
    if (!AdvSetStatus(Status))
        return FALSE;
    Status = NtQueryInformationToken(Token, TokenUser, Buffer, sizeof Buffer, &Length);
    NtClose(Token);
    if (!AdvSetStatus(Status))
        return FALSE;
    Length = *Room;
    Done = LookupAccountSidW(NULL, ((PTOKEN_USER)Buffer)->User.Sid, Name, Room, Domain,
        &DomainRoom, &Use);
    if (Done)
        *Room += 1;                                     // this one counts the zero
    return Done;
}

BOOL WINAPI
GetUserNameA(LPSTR Name, LPDWORD Room)
{
    WCHAR Wide[64];
    DWORD Count = *Room < 64 ? *Room : 64;
    BOOL  Done = GetUserNameW(Wide, &Count);

    *Room = Count;
    if (Done)
        AdvNarrowTo(Name, Wide, Count);
    return Done;
}
