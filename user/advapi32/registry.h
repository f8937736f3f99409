/*
 * What the registry's files share: HKEYs. A key that was opened is a handle of the kernel; the
 * predefined ones (HKEY_LOCAL_MACHINE, ...) are numbers that stand for paths.
 */
#pragma once

#include "advapi.h"
#include "sdk/ntreg.h"

/* The error code of a status, as the registry's routines return it. */
LSTATUS RegError(NTSTATUS Status);

/* SubKey below Key as attributes for a service; Path is freed by AdvFree. */
typedef struct _REG_NAME {
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING    String;
    PWSTR             Path;
} REG_NAME, *PREG_NAME;
NTSTATUS RegBuildName(HKEY Key, PCWSTR SubKey, PREG_NAME Name);

/*
 * A kernel handle for Key with Access, which RegLeave gives back: of a predefined key one that is
 * opened for the purpose, else Key itself.
 */
NTSTATUS RegEnter(HKEY Key, ACCESS_MASK Access, PHANDLE Handle);
VOID     RegLeave(HKEY Key, HANDLE Handle);

/* Whether data of the type is text, which the A routines translate. */
static inline BOOL
RegIsText(DWORD Type)
{
    return Type == REG_SZ || Type == REG_EXPAND_SZ || Type == REG_MULTI_SZ;
}
