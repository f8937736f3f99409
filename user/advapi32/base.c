/*
 * What advapi32's other files share: errors; and the DLL's entry point.
 */
#include "advapi.h"

BOOL
AdvSetStatus(NTSTATUS Status)
{
    if (NT_SUCCESS(Status))
        return TRUE;
    RtlSetLastWin32Error(RtlNtStatusToDosError(Status));
    return FALSE;
}

BOOL WINAPI
DllMain(HINSTANCE Instance, DWORD Reason, PVOID Reserved)
{
    return TRUE;
}
