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

/* From the process heap, zeroed; NULL, with the last error set, when memory is short. */
PVOID AdvAllocate(SIZE_T Size);
VOID  AdvFree(PVOID Block);

/*
 * Terminated copies on the heap, NULL for NULL; *Failed (not touched on success) tells that
 * memory was short. AdvWidenList copies strings one after the other up to an empty one.
 */
PWSTR AdvWiden(PCSTR Text, PBOOL Failed);
PWSTR AdvWidenList(PCSTR Text, PBOOL Failed);
/* Count characters each way; what has no counterpart becomes a question mark. */
VOID  AdvWidenTo(PWSTR To, PCSTR From, SIZE_T Count);
VOID  AdvNarrowTo(PSTR To, PCWSTR From, SIZE_T Count);

VOID  ScmInitialize(VOID);              // once, when the DLL is loaded
