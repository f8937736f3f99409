/*
 * Pool quota: how much of each pool is charged to a process, the most there ever was, and how much
 * may be.
 *
 * A process is charged for what the system or a driver allocates on its behalf and says so:
 * ExAllocatePoolWithQuota (whose blocks remember whom to give back to), or one of the routines
 * here. The limits are those of its creator, and unlimited for the first; the System process is
 * never charged. Everything is interlocked, so charging works at any IRQL <= DISPATCH_LEVEL.
 *
 * More given back than was charged is bugcheck 0x21 (QUOTA_UNDERFLOW).
 */
#include "ps/psp.h"

static NTSTATUS
PspCharge(PEPROCESS Process, POOL_TYPE PoolType, SIZE_T Amount)
{
    PPS_QUOTA Quota = &Process->Quota[PoolType & PagedPool];
    SIZE_T    Old, New, Peak;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    if (Process == PsInitialSystemProcess)
        return STATUS_SUCCESS;
    do {
        Old = Quota->Usage;
        New = Old + Amount;
        if (New < Old || New > Quota->Limit)
            return STATUS_QUOTA_EXCEEDED;
    } while ((SIZE_T)InterlockedCompareExchange64((volatile LONG64 *)&Quota->Usage, (LONG64)New,
                                                  (LONG64)Old) != Old);
    while ((Peak = Quota->Peak) < New &&
           (SIZE_T)InterlockedCompareExchange64((volatile LONG64 *)&Quota->Peak, (LONG64)New,
                                                (LONG64)Peak) != Peak)
        ;
    return STATUS_SUCCESS;
}

static VOID
PspReturn(PEPROCESS Process, POOL_TYPE PoolType, SIZE_T Amount)
{
    PPS_QUOTA Quota = &Process->Quota[PoolType & PagedPool];
    LONG64    Left;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    if (Process == PsInitialSystemProcess)
        return;
    Left = InterlockedAdd64((volatile LONG64 *)&Quota->Usage, -(LONG64)Amount);
    if (Left < 0)
        KeBugCheckEx(QUOTA_UNDERFLOW, (ULONG_PTR)Process, PoolType & PagedPool, Amount, -Left);
}

NTSTATUS
PspSetQuotaLimits(PEPROCESS Process, SIZE_T Paged, SIZE_T NonPaged)
{
    if ((Paged != 0 && Paged < Process->Quota[PagedPool].Usage) ||
        (NonPaged != 0 && NonPaged < Process->Quota[NonPagedPool].Usage))
        return STATUS_QUOTA_EXCEEDED;
    if (Paged != 0)
        Process->Quota[PagedPool].Limit = Paged;
    if (NonPaged != 0)
        Process->Quota[NonPagedPool].Limit = NonPaged;
    return STATUS_SUCCESS;
}

VOID
PspInheritQuota(PEPROCESS Process, PEPROCESS Parent)
{
    for (ULONG Pool = NonPagedPool; Pool <= PagedPool; Pool++)
        Process->Quota[Pool].Limit = Parent != NULL ? Parent->Quota[Pool].Limit : MAXSIZE_T;
    Process->MinimumWorkingSet = Parent != NULL ? Parent->MinimumWorkingSet : 50 * PAGE_SIZE;
    Process->MaximumWorkingSet = Parent != NULL ? Parent->MaximumWorkingSet : 345 * PAGE_SIZE;
}

/* The process is about to be deleted; whoever charged it and forgot is worth a line. */
VOID
PspCheckQuota(PEPROCESS Process)
{
    for (ULONG Pool = NonPagedPool; Pool <= PagedPool; Pool++)
        if (Process->Quota[Pool].Usage != 0)
            DbgPrint("ps: %s (%Iu) ends with %Iu bytes of %s pool still charged to it\n",
                     Process->ImageFileName, (ULONG_PTR)Process->UniqueProcessId,
                     Process->Quota[Pool].Usage, Pool == PagedPool ? "paged" : "nonpaged");
}

/* Charges Amount bytes: STATUS_QUOTA_EXCEEDED if that is more than the process may have. */
NTSTATUS NTAPI
PsChargeProcessPoolQuota(PEPROCESS Process, POOL_TYPE PoolType, ULONG_PTR Amount)
{
    return PspCharge(Process, PoolType, Amount);
}

NTSTATUS NTAPI
PsChargeProcessNonPagedPoolQuota(PEPROCESS Process, ULONG_PTR Amount)
{
    return PspCharge(Process, NonPagedPool, Amount);
}

NTSTATUS NTAPI
PsChargeProcessPagedPoolQuota(PEPROCESS Process, ULONG_PTR Amount)
{
    return PspCharge(Process, PagedPool, Amount);
}

/* The older form: raises STATUS_QUOTA_EXCEEDED. */
VOID NTAPI
PsChargePoolQuota(PEPROCESS Process, POOL_TYPE PoolType, ULONG_PTR Amount)
{
    NTSTATUS Status = PspCharge(Process, PoolType, Amount);

    if (!NT_SUCCESS(Status))
        ExRaiseStatus(Status);
}

VOID NTAPI
PsReturnPoolQuota(PEPROCESS Process, POOL_TYPE PoolType, ULONG_PTR Amount)
{
    PspReturn(Process, PoolType, Amount);
}

VOID NTAPI
PsReturnProcessNonPagedPoolQuota(PEPROCESS Process, ULONG_PTR Amount)
{
    PspReturn(Process, NonPagedPool, Amount);
}

VOID NTAPI
PsReturnProcessPagedPoolQuota(PEPROCESS Process, ULONG_PTR Amount)
{
    PspReturn(Process, PagedPool, Amount);
}
