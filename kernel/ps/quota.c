/*
 * Pool quota: how much of each pool is charged to a process, the most there ever was, and how much
 * may be.
 *
 * A process is charged for the objects it makes, from their first handle to their end (what
 * one costs is said in ob/type.c), and for what the system or a driver allocates on its behalf and
 * says so: ExAllocatePoolWithQuota (whose blocks remember whom to give back to), or one of the
 * routines here. The limits are those of its creator; the System process and what it starts have
 * none. Everything is interlocked, so charging works at any IRQL <= DISPATCH_LEVEL.
 *
 * The figures are in a block beside the process, which an object that outlives its maker keeps.
 *
 * More given back than was charged is bugcheck 0x21 (QUOTA_UNDERFLOW).
 */
#include "ps/psp.h"

EPROCESS_QUOTA_BLOCK PspDefaultQuotaBlock = {
    .Quota = { { .Limit = MAXSIZE_T }, { .Limit = MAXSIZE_T } }, .References = 1 };

/* The limit is looked at once more because it may have been lowered meanwhile. */
static VOID
PspSetEasy(PPS_QUOTA Quota)
{
    Quota->Easy = min(Quota->Peak, Quota->Limit);
    if (Quota->Easy > Quota->Limit)
        Quota->Easy = Quota->Limit;
}

/* FALSE: it would be above the limit. (A charge that is refused may make another one fail.) */
static BOOLEAN
PspCharge(PPS_QUOTA Quota, SIZE_T Amount)
{
    SIZE_T Usage = (SIZE_T)InterlockedAdd64((volatile LONG64 *)&Quota->Usage, (LONG64)Amount);
    SIZE_T Peak;

    if (Usage > Quota->Limit || Amount > MAXLONG64) {
        InterlockedExchangeAdd64((volatile LONG64 *)&Quota->Usage, -(LONG64)Amount);
        return FALSE;
    }
    while ((Peak = Quota->Peak) < Usage &&
           (SIZE_T)InterlockedCompareExchange64((volatile LONG64 *)&Quota->Peak, (LONG64)Usage,
                                                (LONG64)Peak) != Peak)
        ;
    PspSetEasy(Quota);
    return TRUE;
}

PEPROCESS_QUOTA_BLOCK
PspChargeBoth(PEPROCESS_QUOTA_BLOCK Block, SIZE_T Paged, SIZE_T NonPaged)
{
    if (!PspCharge(&Block->Quota[NonPagedPool], NonPaged))
        return NULL;
    if (!PspCharge(&Block->Quota[PagedPool], Paged)) {
        PspReturnCharge(Block, NonPagedPool, NonPaged);
        return NULL;
    }
    InterlockedIncrement(&Block->References);
    return Block;
}

VOID
PspReturnCharge(PEPROCESS_QUOTA_BLOCK Block, POOL_TYPE Pool, SIZE_T Amount)
{
    LONG64 Left = InterlockedAdd64((volatile LONG64 *)&Block->Quota[Pool].Usage, -(LONG64)Amount);

    if (Left < 0)
        KeBugCheckEx(QUOTA_UNDERFLOW, (ULONG_PTR)Block->Process, Pool, Amount, -Left);
}

/* The last reference is gone. Whoever has charged the process and forgot is worth a line. */
VOID
PspFreeQuotaBlock(PEPROCESS_QUOTA_BLOCK Block)
{
    for (ULONG Pool = NonPagedPool; Pool <= PagedPool; Pool++)
        if (Block->Quota[Pool].Usage != 0)
            DbgPrint("ps: process %Iu has ended with %Iu bytes of %s pool still charged to it\n",
                     (ULONG_PTR)Block->ProcessId, Block->Quota[Pool].Usage,
                     Pool == PagedPool ? "paged" : "nonpaged");
    ExFreePoolWithTag(Block, PSP_TAG_QUOTA);
}

NTSTATUS
PspSetQuotaLimits(PEPROCESS Process, SIZE_T Paged, SIZE_T NonPaged)
{
    PPS_QUOTA Quota = Process->QuotaBlock->Quota;

    if ((Paged != 0 && Paged < Quota[PagedPool].Usage) ||
        (NonPaged != 0 && NonPaged < Quota[NonPagedPool].Usage))
        return STATUS_QUOTA_EXCEEDED;
    if (Paged != 0)
        Quota[PagedPool].Limit = Paged;
    if (NonPaged != 0)
        Quota[NonPagedPool].Limit = NonPaged;
    PspSetEasy(&Quota[PagedPool]);
    PspSetEasy(&Quota[NonPagedPool]);
    return STATUS_SUCCESS;
}

NTSTATUS
PspInheritQuota(PEPROCESS Process, PEPROCESS Parent)
{
    PEPROCESS_QUOTA_BLOCK Block = &PspDefaultQuotaBlock;

    if (Parent != NULL) {
        Block = ExAllocatePoolWithTag(NonPagedPool, sizeof *Block, PSP_TAG_QUOTA);
        if (Block == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        RtlZeroMemory(Block, sizeof *Block);
        Block->References = 1;
        Block->Process = Process;
        for (ULONG Pool = NonPagedPool; Pool <= PagedPool; Pool++)
            Block->Quota[Pool].Limit = Parent->QuotaBlock->Quota[Pool].Limit;
    }
    Process->QuotaBlock = Block;
    Process->MinimumWorkingSet = Parent != NULL ? Parent->MinimumWorkingSet : 50 * PAGE_SIZE;
    Process->MaximumWorkingSet = Parent != NULL ? Parent->MaximumWorkingSet : 345 * PAGE_SIZE;
    return STATUS_SUCCESS;
}

VOID
PspDereferenceQuota(PEPROCESS Process)
{
    if (Process->QuotaBlock != NULL)
        PsReturnSharedPoolQuota(Process->QuotaBlock, 0, 0);
}

/* Charges Amount bytes: STATUS_QUOTA_EXCEEDED if that is more than the process may have. */
NTSTATUS NTAPI
PsChargeProcessPoolQuota(PEPROCESS Process, POOL_TYPE PoolType, ULONG_PTR Amount)
{
    IRQL_AT_MOST(DISPATCH_LEVEL);

    return PspCharge(&Process->QuotaBlock->Quota[PoolType & PagedPool], Amount)
        ? STATUS_SUCCESS : STATUS_QUOTA_EXCEEDED;
}

NTSTATUS NTAPI
PsChargeProcessNonPagedPoolQuota(PEPROCESS Process, ULONG_PTR Amount)
{
    return PsChargeProcessPoolQuota(Process, NonPagedPool, Amount);
}

NTSTATUS NTAPI
PsChargeProcessPagedPoolQuota(PEPROCESS Process, ULONG_PTR Amount)
{
    return PsChargeProcessPoolQuota(Process, PagedPool, Amount);
}

/* The older form: raises STATUS_QUOTA_EXCEEDED. */
VOID NTAPI
PsChargePoolQuota(PEPROCESS Process, POOL_TYPE PoolType, ULONG_PTR Amount)
{
    NTSTATUS Status = PsChargeProcessPoolQuota(Process, PoolType, Amount);

    if (!NT_SUCCESS(Status))
        ExRaiseStatus(Status);
}

VOID NTAPI
PsReturnPoolQuota(PEPROCESS Process, POOL_TYPE PoolType, ULONG_PTR Amount)
{
    IRQL_AT_MOST(DISPATCH_LEVEL);

    PspReturnCharge(Process->QuotaBlock, PoolType & PagedPool, Amount);
}

VOID NTAPI
PsReturnProcessNonPagedPoolQuota(PEPROCESS Process, ULONG_PTR Amount)
{
    PsReturnPoolQuota(Process, NonPagedPool, Amount);
}

VOID NTAPI
PsReturnProcessPagedPoolQuota(PEPROCESS Process, ULONG_PTR Amount)
{
    PsReturnPoolQuota(Process, PagedPool, Amount);
}
