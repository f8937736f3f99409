/*
 * The information classes of processes and threads: tables in procinfo.c and thrdinfo.c, used by
 * the services in query.c.
 */
#pragma once

#include "ps/psp.h"

/* A kernel copy of any class' data. */
typedef struct _PSP_INFORMATION {
    union {
        PROCESS_BASIC_INFORMATION ProcessBasic;
        THREAD_BASIC_INFORMATION  ThreadBasic;
        KERNEL_USER_TIMES         Times;
        QUOTA_LIMITS              Quota;
        VM_COUNTERS               Vm;
        LONG                      Long;
        ULONG                     Ulong;
        ULONG_PTR                 Pointer;
        struct { BOOLEAN Foreground; UCHAR Class; } Priority;
    };
    ULONG Length;                               // set: of what the caller gave
} PSP_INFORMATION, *PPSP_INFORMATION;

/*
 * A class: its exact length, the right it needs, and the routine that fills or takes the kernel
 * copy (zeroed before a query). A table ends with a row without a routine.
 */
typedef struct _PSP_CLASS {
    ULONG       Class, Length;
    ACCESS_MASK Access;
    NTSTATUS  (*Routine)(PVOID Object, PPSP_INFORMATION Information);
} PSP_CLASS;

extern const PSP_CLASS PspProcessQueries[], PspProcessSettings[];
extern const PSP_CLASS PspThreadQueries[], PspThreadSettings[];

/* Whether the caller has the privilege to go beyond the priorities of ordinary programs. */
BOOLEAN PspMayRaisePriority(VOID);

#define PROCESS_SET_QUOTA   0x0100
