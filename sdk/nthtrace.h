/*
 * The trace of a process' handles, for programs (drivers have it from <ntddk.h>):
 * NtSetInformationProcess with EtProcessHandleTracing enables it (Length 0 disables it),
 * NtQueryInformationProcess reads what was traced since.
 */
#pragma once

#include "sdk/ntapi.h"

/* Flags is 0. */
typedef struct _PROCESS_HANDLE_TRACING_ENABLE {
    ULONG Flags;
} PROCESS_HANDLE_TRACING_ENABLE, *PPROCESS_HANDLE_TRACING_ENABLE;

#define PROCESS_HANDLE_TRACING_MAX_STACKS 16

typedef struct _PROCESS_HANDLE_TRACING_ENTRY {
    HANDLE    Handle;
    CLIENT_ID ClientId;
    ULONG     Type;                             // 1: opened, 2: closed, 3: was no handle
    PVOID     Stacks[PROCESS_HANDLE_TRACING_MAX_STACKS];
} PROCESS_HANDLE_TRACING_ENTRY, *PPROCESS_HANDLE_TRACING_ENTRY;

typedef struct _PROCESS_HANDLE_TRACING_QUERY {
    HANDLE Handle;                              // in: of this one; NULL: of all
    ULONG  TotalTraces;
    PROCESS_HANDLE_TRACING_ENTRY HandleTrace[1];        // newest first
} PROCESS_HANDLE_TRACING_QUERY, *PPROCESS_HANDLE_TRACING_QUERY;
