/*
 * Tokens: opened, asked, adjusted, copied; and acting by another one than one's own.
 */
#include "advapi.h"
#include "sdk/ntsecurity.h"

BOOL WINAPI
OpenProcessToken(HANDLE Process, DWORD Access, PHANDLE Token)
{
    return AdvSetStatus(NtOpenProcessToken(Process, Access, Token));
}

BOOL WINAPI
OpenThreadToken(HANDLE Thread, DWORD Access, BOOL AsSelf, PHANDLE Token)
{
    return AdvSetStatus(NtOpenThreadToken(Thread, Access, AsSelf != FALSE, Token));
}

BOOL WINAPI
GetTokenInformation(HANDLE Token, TOKEN_INFORMATION_CLASS Class, LPVOID Buffer, DWORD Length,
    PDWORD Returned)
{
    return AdvSetStatus(NtQueryInformationToken(Token, Class, Buffer, Length, Returned));
}

BOOL WINAPI
SetTokenInformation(HANDLE Token, TOKEN_INFORMATION_CLASS Class, LPVOID Buffer, DWORD Length)
{
    return AdvSetStatus(NtSetInformationToken(Token, Class, Buffer, Length));
}

/* STATUS_NOT_ALL_ASSIGNED is a success with ERROR_NOT_ALL_ASSIGNED. */
static BOOL
AdjustResult(NTSTATUS Status)
{
    RtlSetLastWin32Error(NT_SUCCESS(Status) && Status != STATUS_NOT_ALL_ASSIGNED ? ERROR_SUCCESS
        : Status == STATUS_NOT_ALL_ASSIGNED ? ERROR_NOT_ALL_ASSIGNED
        : RtlNtStatusToDosError(Status));
    return NT_SUCCESS(Status);
}

BOOL WINAPI
AdjustTokenPrivileges(HANDLE Token, BOOL DisableAll, PTOKEN_PRIVILEGES New, DWORD Length,
    PTOKEN_PRIVILEGES Old, PDWORD Returned)
{
    return AdjustResult(NtAdjustPrivilegesToken(Token, DisableAll != FALSE, New, Length, Old,
        Returned));
}

BOOL WINAPI
AdjustTokenGroups(HANDLE Token, BOOL Reset, PTOKEN_GROUPS New, DWORD Length, PTOKEN_GROUPS Old,
    PDWORD Returned)
{
    return AdjustResult(NtAdjustGroupsToken(Token, Reset != FALSE, New, Length, Old, Returned));
}

BOOL WINAPI
DuplicateTokenEx(HANDLE Token, DWORD Access, LPSECURITY_ATTRIBUTES Security,
    SECURITY_IMPERSONATION_LEVEL Level, TOKEN_TYPE Type, PHANDLE New)
{
    SECURITY_QUALITY_OF_SERVICE Qos = { sizeof Qos, Level, FALSE, FALSE };
    OBJECT_ATTRIBUTES           Attributes;

    InitializeObjectAttributes(&Attributes, NULL,
        Security && Security->bInheritHandle ? OBJ_INHERIT : 0, NULL,
        Security ? Security->lpSecurityDescriptor : NULL);
    Attributes.SecurityQualityOfService = &Qos;
    return AdvSetStatus(NtDuplicateToken(Token, Access, &Attributes, FALSE, Type, New));
}

BOOL WINAPI
DuplicateToken(HANDLE Token, SECURITY_IMPERSONATION_LEVEL Level, PHANDLE New)
{
    return DuplicateTokenEx(Token, TOKEN_IMPERSONATE | TOKEN_QUERY, NULL, Level,
        TokenImpersonation, New);
}

/* The counts and arrays of CreateRestrictedToken as the service takes them. */
static PTOKEN_GROUPS
MakeGroups(DWORD Count, PSID_AND_ATTRIBUTES Sids)
{
    PTOKEN_GROUPS Groups = AdvAllocate(sizeof *Groups + Count * sizeof *Sids);

    if (Groups) {
        Groups->GroupCount = Count;
        memcpy(Groups->Groups, Sids, Count * sizeof *Sids);
    }
    return Groups;
}

BOOL WINAPI
CreateRestrictedToken(HANDLE Token, DWORD Flags, DWORD DisableCount, PSID_AND_ATTRIBUTES Disable,
    DWORD DeleteCount, PLUID_AND_ATTRIBUTES Delete, DWORD RestrictCount,
    PSID_AND_ATTRIBUTES Restrict, PHANDLE New)
{
    PTOKEN_GROUPS     Disabled = MakeGroups(DisableCount, Disable);
    PTOKEN_GROUPS     Restricting = MakeGroups(RestrictCount, Restrict);
    PTOKEN_PRIVILEGES Deleted = AdvAllocate(sizeof *Deleted + DeleteCount * sizeof *Delete);
    NTSTATUS          Status = STATUS_NO_MEMORY;

    if (Disabled && Restricting && Deleted) {
        Deleted->PrivilegeCount = DeleteCount;
        memcpy(Deleted->Privileges, Delete, DeleteCount * sizeof *Delete);
        Status = NtFilterToken(Token, Flags, Disabled, Deleted, Restricting, New);
    }
    AdvFree(Disabled);
    AdvFree(Restricting);
    AdvFree(Deleted);
    return AdvSetStatus(Status);
}

BOOL WINAPI
SetThreadToken(PHANDLE Thread, HANDLE Token)
{
    return AdvSetStatus(NtSetInformationThread(Thread ? *Thread : NtCurrentThread(),
        EtThreadImpersonationToken, &Token, sizeof Token));
}

BOOL WINAPI
RevertToSelf(VOID)
{
    return SetThreadToken(NULL, NULL);
}

/* A primary token cannot be impersonated itself: a copy is. */
BOOL WINAPI
ImpersonateLoggedOnUser(HANDLE Token)
{
    TOKEN_TYPE Type;
    DWORD      Returned;
    HANDLE     Copy;
    BOOL       Done;

    if (!GetTokenInformation(Token, TokenType, &Type, sizeof Type, &Returned))
        return FALSE;
    if (Type == TokenImpersonation)
        return SetThreadToken(NULL, Token);
    if (!DuplicateToken(Token, SecurityImpersonation, &Copy))
        return FALSE;
    Done = SetThreadToken(NULL, Copy);
    NtClose(Copy);
    return Done;
}

BOOL WINAPI
ImpersonateSelf(SECURITY_IMPERSONATION_LEVEL Level)
{
    HANDLE Token, Copy;
    BOOL   Done;

    if (!OpenProcessToken(NtCurrentProcess(), TOKEN_DUPLICATE, &Token))
        return FALSE;
    Done = DuplicateToken(Token, Level, &Copy);
    NtClose(Token);
    if (!Done)
        return FALSE;
    Done = SetThreadToken(NULL, Copy);
    NtClose(Copy);
    return Done;
}

BOOL WINAPI
AccessCheck(PSECURITY_DESCRIPTOR Descriptor, HANDLE Token, DWORD Access, PGENERIC_MAPPING Mapping,
    PPRIVILEGE_SET Set, LPDWORD SetLength, LPDWORD Granted, LPBOOL Allowed)
{
    NTSTATUS Answer;
    NTSTATUS Status = NtAccessCheck(Descriptor, Token, Access, Mapping, Set, SetLength, Granted,
        &Answer);

    if (!AdvSetStatus(Status))
        return FALSE;
    *Allowed = NT_SUCCESS(Answer);
    if (!*Allowed)
        AdvSetStatus(Answer);
    return TRUE;
}

BOOL WINAPI
PrivilegeCheck(HANDLE Token, PPRIVILEGE_SET Set, LPBOOL Held)
{
    BOOLEAN  Result = FALSE;
    NTSTATUS Status = NtPrivilegeCheck(Token, Set, &Result);

    *Held = Result;
    return AdvSetStatus(Status);
}
