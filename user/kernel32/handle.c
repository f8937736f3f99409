/* Handles as such: duplicating them and their flags. */
#include "k32.h"

BOOL WINAPI
DuplicateHandle(HANDLE SourceProcess, HANDLE Source, HANDLE TargetProcess, LPHANDLE Target,
    DWORD Access, BOOL Inherit, DWORD Options)
{
    return BaseSetStatus(NtDuplicateObject(SourceProcess, Source, TargetProcess, Target, Access,
        Inherit ? OBJ_INHERIT : 0, Options));
}

BOOL WINAPI
GetHandleInformation(HANDLE Handle, LPDWORD Flags)
{
    OBJECT_HANDLE_FLAG_INFORMATION Information;

    if (!BaseSetStatus(NtQueryObject(Handle, EtObjectHandleFlagInformation, &Information,
        sizeof Information, NULL)))
        return FALSE;
    *Flags = (Information.Inherit ? HANDLE_FLAG_INHERIT : 0)
        | (Information.ProtectFromClose ? HANDLE_FLAG_PROTECT_FROM_CLOSE : 0);
    return TRUE;
}

BOOL WINAPI
SetHandleInformation(HANDLE Handle, DWORD Mask, DWORD Flags)
{
    OBJECT_HANDLE_FLAG_INFORMATION Information;
    DWORD                          Now;

    if (!GetHandleInformation(Handle, &Now))
        return FALSE;
    Now = (Now & ~Mask) | (Flags & Mask);
    Information.Inherit = (Now & HANDLE_FLAG_INHERIT) != 0;
    Information.ProtectFromClose = (Now & HANDLE_FLAG_PROTECT_FROM_CLOSE) != 0;
    return BaseSetStatus(NtSetInformationObject(Handle, EtObjectHandleFlagInformation,
        &Information, sizeof Information));
}
