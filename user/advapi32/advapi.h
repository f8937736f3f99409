/*
 * advapi32's own declarations. Its routines translate as kernel32's do: a Win32 call becomes
 * system services, and the status comes back as GetLastError.
 */
#pragma once

#include "sdk/ntapi.h"

/*
 * Sets GetLastError from Status. Returns TRUE for success and informational codes, FALSE for
 * warnings and errors.
 */
BOOL AdvSetStatus(NTSTATUS Status);
