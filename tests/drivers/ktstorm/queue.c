/*
 * Requests of the driver's own, in batches: all are queued, then two threads go at them from the
 * same end, one cancelling, one taking them out of the queue and completing them.
 */
#include "ktstorm.h"

#define BATCH           256
#define MANY            100000
#define CHUNK           500

static PIRP               KtIrps[BATCH];
static IO_CSQ_IRP_CONTEXT KtContexts[BATCH];
static volatile LONG      KtEnded;

static NTSTATUS NTAPI
Ended(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    InterlockedIncrement(&KtEnded);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID
Queue(PIRP Irp, PIO_CSQ_IRP_CONTEXT Context)
{
    PIO_STACK_LOCATION Sp = IoGetNextIrpStackLocation(Irp);

    Sp->MajorFunction = IRP_MJ_READ;
    Sp->Parameters.Others.Argument4 = Context;
    IoSetCompletionRoutine(Irp, Ended, NULL, TRUE, TRUE, TRUE);
    EXPECT_HERE(IoCallDriver(KtDevice, Irp) == STATUS_PENDING);
}

static VOID
CancelBatch(VOID)
{
    for (ULONG Index = 0; Index < BATCH; Index++)
        IoCancelIrp(KtIrps[Index]);
}

static VOID
CompleteBatch(VOID)
{
    PIRP Irp;

    while ((Irp = IoCsqRemoveNextIrp(&KtQueue, NULL)) != NULL) {
        InterlockedIncrement(&KtCompleted);
        KtFinish(Irp, STATUS_SUCCESS);
    }
}

static VOID
RemoveBatch(VOID)
{
    for (ULONG Index = 0; Index < BATCH; Index++) {
        PIRP Irp = IoCsqRemoveIrp(&KtQueue, &KtContexts[Index]);

        if (Irp == NULL)
            continue;
        EXPECT_HERE(Irp == KtIrps[Index]);
        InterlockedIncrement(&KtCompleted);
        KtFinish(Irp, STATUS_SUCCESS);
    }
}

static VOID
RunBatches(ULONG Batches, BOOLEAN ByContext)
{
    LONG Before = KtCompleted + KtCancelled;

    for (ULONG Index = 0; Index < BATCH; Index++)
        KtIrps[Index] = IoAllocateIrp(KtDevice->StackSize, FALSE);
    for (ULONG Batch = 0; Batch < Batches; Batch++) {
        KtEnded = 0;
        for (ULONG Index = 0; Index < BATCH; Index++)
            Queue(KtIrps[Index], ByContext ? &KtContexts[Index] : NULL);
        KtBoth(CancelBatch, ByContext ? RemoveBatch : CompleteBatch);
        EXPECT_HERE(KtEnded == BATCH);
        for (ULONG Index = 0; Index < BATCH; Index++) {
            EXPECT_HERE(KtIrps[Index]->CancelRoutine == NULL);
            EXPECT_HERE(IoCsqRemoveIrp(&KtQueue, &KtContexts[Index]) == NULL || !ByContext);
            IoReuseIrp(KtIrps[Index], STATUS_SUCCESS);
        }
    }
    EXPECT_HERE(KtCompleted + KtCancelled == Before + (LONG)(Batches * BATCH));
    for (ULONG Index = 0; Index < BATCH; Index++)
        IoFreeIrp(KtIrps[Index]);
}

VOID
KtCancelAgainstComplete(VOID)
{
    RunBatches(800, FALSE);
}

/* The insert routine of the extended form may say no: the IRP is the caller's as it was. */
static VOID
RefusedInsert(VOID)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);

    IoSetNextIrpStackLocation(Irp);
    EXPECT_HERE(IoCsqInsertIrpEx(&KtQueue, Irp, &KtContexts[0], Irp) == STATUS_DEVICE_BUSY);
    EXPECT_HERE(Irp->CancelRoutine == NULL && KtContexts[0].Irp == NULL);
    EXPECT_HERE(!(IoGetCurrentIrpStackLocation(Irp)->Control & SL_PENDING_RETURNED));
    EXPECT_HERE(IoCsqRemoveIrp(&KtQueue, &KtContexts[0]) == NULL);
    IoFreeIrp(Irp);
}

VOID
KtCancelAgainstRemove(VOID)
{
    RefusedInsert();
    RunBatches(400, TRUE);
}

/* The fewest cycles that CHUNK cancels took, out of Count requests queued at once. */
static ULONG64
CancelInAnyOrder(PIRP *Irps, ULONG Count)
{
    ULONG64 Best = MAXULONG64, Start = 0;

    KtEnded = 0;
    for (ULONG Index = 0; Index < Count; Index++)
        Queue(Irps[Index], NULL);
    for (ULONG Index = 0; Index < Count; Index++) {
        if (Index % CHUNK == 0)
            Start = __rdtsc();
        EXPECT_HERE(IoCancelIrp(Irps[(ULONG64)Index * 77773 % Count]));
        // only while most are still queued
        if (Index % CHUNK == CHUNK - 1 && Index < Count / 2 + CHUNK && __rdtsc() - Start < Best)
            Best = __rdtsc() - Start;
    }
    EXPECT_HERE(KtEnded == (LONG)Count && IoCsqRemoveNextIrp(&KtQueue, NULL) == NULL);
    for (ULONG Index = 0; Index < Count; Index++)
        IoReuseIrp(Irps[Index], STATUS_SUCCESS);
    return Best;
}

VOID
KtManyInAnyOrder(VOID)
{
    PIRP   *Irps = ExAllocatePoolWithTag(NonPagedPool, MANY * sizeof *Irps, STORM_TAG);
    ULONG64 Few, Many;

    for (ULONG Index = 0; Index < MANY; Index++)
        Irps[Index] = IoAllocateIrp(KtDevice->StackSize, FALSE);
    CancelInAnyOrder(Irps, 1000);
    Few = CancelInAnyOrder(Irps, 1000);
    Many = CancelInAnyOrder(Irps, MANY);
    DbgPrint("ktstorm: a cancel takes %llu cycles with 1,000 queued, %llu with 100,000\n",
             Few / CHUNK, Many / CHUNK);
    EXPECT_HERE(Many < 8 * Few);
    for (ULONG Index = 0; Index < MANY; Index++)
        IoFreeIrp(Irps[Index]);
    ExFreePoolWithTag(Irps, STORM_TAG);
}
