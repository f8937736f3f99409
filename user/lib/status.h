/* Names of status codes (status.c), and what a program's last system call returned. */
#pragma once

/* "STATUS_ACCESS_VIOLATION", or "unknown status". */
PCSTR RtlpStatusName(NTSTATUS Status);

/* The status behind the running thread's last failed kernel32 call (kernel32 keeps it beside GetLastError). */
NTSTATUS NTAPI RtlGetLastNtStatus(VOID);
