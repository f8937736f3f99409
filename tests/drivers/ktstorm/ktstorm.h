/*
 * Races against the I/O manager, from inside. The device keeps its reads in a cancel-safe queue;
 * what else is raced is made by each file.
 */
#pragma once

#include <ntifs.h>

#define DEVICE_NAME     L"\\Device\\KtStorm"
#define STORM_TAG       'mrtS'

NTSYSAPI NTSTATUS NTAPI ZwYieldExecution(VOID);

extern PDRIVER_OBJECT KtDriver;
extern PDEVICE_OBJECT KtDevice;
extern IO_CSQ         KtQueue;
extern volatile LONG  KtCompleted, KtCancelled; // reads that left the queue, by how
extern volatile LONG  KtCleaned;                // of those cancelled, by CLEANUP

VOID KtExpectAt(BOOLEAN Holds, PCSTR Condition, ULONG Line);
#define EXPECT_HERE(Condition) KtExpectAt(!!(Condition), #Condition, __LINE__)

/* Runs them at once, in two or three threads, and returns when all are done. */
typedef VOID (*KT_ROUTINE)(VOID);
VOID KtTogether(const KT_ROUTINE *Routines, ULONG Count);
VOID KtBoth(KT_ROUTINE First, KT_ROUTINE Second);
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

/* loads.c */
VOID KtUnloadAgainstOpen(VOID);
VOID KtTenThousandLoads(VOID);

/* counts.c: notes the counts of everything; whether they are the same (soon) */
VOID    KtNoteCounts(VOID);
BOOLEAN KtCountsAreBack(VOID);
