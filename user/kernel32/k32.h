/*
 * kernel32's own declarations. Its routines translate: a Win32 call becomes a system service with
 * an NT name, an OBJECT_ATTRIBUTES and an NTSTATUS, and the status comes back as GetLastError. An
 * A routine widens its strings and calls the W one. What ntdll has under the same contract is
 * forwarded by kernel32.def.
 */
#pragma once

#include "sdk/ntapi.h"

/*
 * Sets GetLastError from Status. Returns TRUE for success and informational codes, FALSE for
 * warnings and errors.
 */
BOOL  BaseSetStatus(NTSTATUS Status);

/* A terminated UTF-16 copy of Text on the heap (NULL for NULL); free it with BaseFree. */
PWSTR BaseWiden(PCSTR Text);
VOID  BaseFree(PVOID Block);
PVOID BaseAllocate(SIZE_T Size);

/* From milliseconds to NT's relative time; NULL for INFINITE. */
PLARGE_INTEGER BaseTimeout(PLARGE_INTEGER Timeout, DWORD Milliseconds);

/*
 * Attributes for an object named Name in \BaseNamedObjects (unnamed: NULL). Path and Buffer
 * belong to the caller and must live as long as Attributes. FALSE, with the last error set, when
 * the name is too long.
 */
#define BASE_MAX_NAME   (MAX_PATH + 20)
typedef struct _BASE_OBJECT_NAME {
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING    Path;
    WCHAR             Buffer[BASE_MAX_NAME];
} BASE_OBJECT_NAME, *PBASE_OBJECT_NAME;
BOOL  BaseObjectName(PBASE_OBJECT_NAME Object, LPSECURITY_ATTRIBUTES Security, PCWSTR Name);

/* Frees what a handle of CreateToolhelp32Snapshot stands for, if it is one. */
VOID  BaseForgetSnapshot(HANDLE Handle);

/* A handle of a standard device by number, or the handle itself. */
HANDLE BaseConsoleDevice(PCWSTR Name, DWORD Access, BOOL Inherit);

static inline VOID
BaseFileTime(LPFILETIME FileTime, LARGE_INTEGER Time)
{
    FileTime->dwLowDateTime = Time.LowPart;
    FileTime->dwHighDateTime = (DWORD)Time.HighPart;
}

/* Called when a read of File was cancelled; does not return when that was an unhandled break. */
VOID  BaseBreak(HANDLE File);

size_t strlen(const char *);
size_t wcslen(const wchar_t *);
void *memcpy(void *, const void *, size_t);
void *memset(void *, int, size_t);
int   _wcsicmp(const wchar_t *, const wchar_t *);
int   _wcsnicmp(const wchar_t *, const wchar_t *, size_t);
