/*
 * What Etude's programs share for naming failures. ntdll exports RtlGetLastNtStatus on Windows
 * too, so a program that uses these runs there as well.
 */
#pragma once

/* "STATUS_ACCESS_VIOLATION", or "unknown status". */
const char *RtlpStatusName(LONG Status);

/* The status behind the running thread's last failed kernel32 call. */
LONG NTAPI RtlGetLastNtStatus(void);

/* Say on standard error what was tried and why it failed; both return 1, for main to return. */
int FailStatus(const char *Program, LONG Status, const char *Format, ...);
int FailLast(const char *Program, const char *Format, ...);
