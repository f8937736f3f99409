/*
 * Races against the I/O manager, from inside. The device keeps its reads in a cancel-safe queue;
 * what else is raced is made by each file.
 */
#pragma once

#include <ntifs.h>

#define DEVICE_NAME     L"\\Device\\KtStorm"
#define STORM_TAG       'mrtS'

extern PDRIVER_OBJECT KtDriver;
extern PDEVICE_OBJECT KtDevice;
extern IO_CSQ         KtQueue;
extern volatile LONG  KtCompleted, KtCancelled; // reads that left the queue, by how

VOID KtExpectAt(BOOLEAN Holds, PCSTR Condition, ULONG Line);
#define EXPECT_HERE(Condition) KtExpectAt(!!(Condition), #Condition, __LINE__)

/* Runs both at once, in two threads, and returns when both are done. */
VOID KtBoth(VOID (*First)(VOID), VOID (*Second)(VOID));
NTSTATUS KtOpen(PCWSTR Name, ULONG Options, PHANDLE Handle);
VOID KtFinish(PIRP Irp, NTSTATUS Status);

/* queue.c */
VOID KtCancelAgainstComplete(VOID);
VOID KtCancelAgainstRemove(VOID);
VOID KtManyInAnyOrder(VOID);

/* files.c */
extern PDEVICE_OBJECT KtFilter;
extern volatile LONG  KtFiltered;
VOID KtCloseAgainstCancel(VOID);
VOID KtAttachAgainstCall(VOID);
VOID KtUnloadAgainstOpen(VOID);
VOID KtTenThousandLoads(VOID);
