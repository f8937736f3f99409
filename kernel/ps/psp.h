/*
 * What the files of ps/ share among themselves.
 */
#pragma once

#include "ps/ps.h"
#include "hal/hal.h"
#include "se/se.h"
#include "rtl/rtl.h"
#include "sdk/ntsysinfo.h"

#define PSP_TAG_STACK   'kSsP'
#define PSP_TAG_NAME    'nPsP'
#define PSP_TAG_PARAM   'pPsP'
#define PSP_TAG_QUOTA   'bQsP'

#define PSP_CLASS_NORMAL    2                   // PROCESS_PRIORITY_CLASS_* of newer headers
#define PSP_CLASS_REALTIME  4

extern FAST_MUTEX PspActiveProcessLock;         // guards PsActiveProcessHead
extern POBJECT_TYPE PspProcessType, PspThreadType;

/* Where a user thread begins and what it is given: filled by PspCreateUserStack. */
typedef struct _PSP_USER_START {
    PVOID   Teb;
    CONTEXT Context;                            // at ntdll!LdrInitializeThunk
} PSP_USER_START, *PPSP_USER_START;

/*
 * Creates a process object without threads: address space, handle table, id. Parent may be NULL
 * (System). Token NULL: it acts as Parent does. The caller owns one reference; the process holds
 * one on itself until its last thread ends (PspDestroyEmptyProcess otherwise).
 */
NTSTATUS PspCreateProcess(PEPROCESS Parent, PCUNICODE_STRING ImageName, BOOLEAN InheritHandles,
                          KPROCESSOR_MODE Mode, POBJECT_ATTRIBUTES Attributes,
                          PACCESS_TOKEN Token, PEPROCESS *Process);

/*
 * Undoes PspCreateProcess for a process that never had a thread. The caller's own reference
 * stays.
 */
VOID PspDestroyEmptyProcess(PEPROCESS Process, NTSTATUS Status);

/*
 * Makes TEB, stack and first CONTEXT of a user thread in Process: it will call
 * StartRoutine(Argument) by way of ntdll's thread start. Sizes of 0 mean the image's. Cid is
 * filled in by PspCreateThread.
 */
NTSTATUS PspCreateUserStack(PEPROCESS Process, PVOID StartRoutine, PVOID Argument, SIZE_T Reserve,
                            SIZE_T Commit, PPSP_USER_START Start);
VOID PspDeleteUserStack(PVOID Teb);             // of the current process; by a thread that ends

/*
 * Ends Thread with Status when it next enters user mode or waits in user mode; PspExitThread for
 * the running thread.
 */
NTSTATUS PspTerminateThread(PETHREAD Thread, NTSTATUS Status);
NTSTATUS PspTerminateProcess(PEPROCESS Process, NTSTATUS Status, PETHREAD Except);

/* thrdinfo.c: gives Thread its affinity; the caller holds its process' ThreadLock. */
VOID PspMoveThread(PETHREAD Thread, KAFFINITY Affinity);

/*
 * quota.c: the limits of a new process; limits of 0 are left alone, STATUS_QUOTA_EXCEEDED for one
 * below the usage; the process lets go of what is charged to it.
 */
extern EPROCESS_QUOTA_BLOCK PspDefaultQuotaBlock;       // the system's
NTSTATUS PspInheritQuota(PEPROCESS Process, PEPROCESS Parent);
NTSTATUS PspSetQuotaLimits(PEPROCESS Process, SIZE_T Paged, SIZE_T NonPaged);
VOID     PspDereferenceQuota(PEPROCESS Process);

VOID PspCallProcessNotify(PEPROCESS Process, BOOLEAN Create);
VOID PspCallThreadNotify(PETHREAD Thread, BOOLEAN Create);

// phase 0: its list; the thread starts with the first enqueue's DPC
VOID PspInitializeReaper(VOID);
