/*
 * What the files of kbench.sys share. An operation is an entry of the table in kbench.c: Prepare
 * (or NULL) sets up, Run does the operation Count times and is timed, Finish (or NULL) takes what
 * Prepare made away again, whether it succeeded or not. All run at PASSIVE_LEVEL.
 */
#pragma once

#include <ntddk.h>
#include "kbench_ioctl.h"

#define KBENCH_TAG 'cneB'

typedef struct _OPERATION {
    PCSTR    Name;
    ULONG    Count;                     // of a batch
    NTSTATUS (*Prepare)(const struct _OPERATION *Operation);
    VOID     (*Run)(ULONG Count);
    VOID     (*Finish)(VOID);
    ULONG    Size;                      // whatever Prepare makes of it
} OPERATION;

/* stack.c: an IRP through Size devices. */
NTSTATUS StackPrepare(const OPERATION *Operation);
VOID     StackRun(ULONG Count);
VOID     StackFinish(VOID);
DRIVER_DISPATCH StackDispatch;

/* cancel.c: one IRP cancelled among Size that wait. */
NTSTATUS CancelPrepare(const OPERATION *Operation);
VOID     CancelRun(ULONG Count);
VOID     CancelFinish(VOID);

/* objects.c: a handle among Size, a name among Size. */
NTSTATUS HandlePrepare(const OPERATION *Operation);
VOID     HandleRun(ULONG Count);
VOID     HandleFinish(VOID);
NTSTATUS NamePrepare(const OPERATION *Operation);
VOID     NameRun(ULONG Count);
VOID     NameFinish(VOID);

extern PDRIVER_OBJECT BenchDriver;
