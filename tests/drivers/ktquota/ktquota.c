/*
 * Pool quota: what is charged to a process, its limits, and what happens beyond them, tested from
 * inside by attaching to the first program (smss). Loaded as ktquota-underflow it gives back more
 * than it charged: bugcheck 0x21.
 */
#include <ntifs.h>
#include "../ktest.h"

#define TAG     'tQtK'

NTKERNELAPI NTSTATUS NTAPI PsChargeProcessPoolQuota(PEPROCESS Process, POOL_TYPE PoolType,
    ULONG_PTR Amount);
NTKERNELAPI NTSTATUS NTAPI PsChargeProcessPagedPoolQuota(PEPROCESS Process, ULONG_PTR Amount);
NTKERNELAPI NTSTATUS NTAPI PsChargeProcessNonPagedPoolQuota(PEPROCESS Process, ULONG_PTR Amount);
NTKERNELAPI VOID NTAPI PsReturnProcessPagedPoolQuota(PEPROCESS Process, ULONG_PTR Amount);
NTKERNELAPI VOID NTAPI PsReturnProcessNonPagedPoolQuota(PEPROCESS Process, ULONG_PTR Amount);
NTSYSAPI NTSTATUS NTAPI ZwSetInformationProcess(HANDLE Process, PROCESSINFOCLASS Class,
    PVOID Buffer, ULONG Length);

static PEPROCESS Program;
static HANDLE    Handle;

/* The first process that is not the system's. */
static PEPROCESS
FindProgram(VOID)
{
    PEPROCESS Process;
    ULONG_PTR Id;

    for (Id = 8; Id < 4096; Id += 4)
        if (NT_SUCCESS(PsLookupProcessByProcessId((HANDLE)Id, &Process)))
            return Process;
    return NULL;
}

static VM_COUNTERS
Counters(VOID)
{
    VM_COUNTERS Vm = { 0 };

    EXPECT(NT_SUCCESS(ZwQueryInformationProcess(Handle, ProcessVmCounters, &Vm, sizeof Vm, NULL)));
    return Vm;
}

static NTSTATUS
SetLimits(SIZE_T Paged, SIZE_T NonPaged)
{
    QUOTA_LIMITS Limits = { .PagedPoolLimit = Paged, .NonPagedPoolLimit = NonPaged };

    return ZwSetInformationProcess(Handle, ProcessQuotaLimits, &Limits, sizeof Limits);
}

/* Allocates in Program; *Status is what was raised. */
static PVOID
AllocateThere(POOL_TYPE PoolType, SIZE_T Bytes, PNTSTATUS Status)
{
    KAPC_STATE State;
    PVOID      Block = NULL;

    *Status = STATUS_SUCCESS;
    KeStackAttachProcess((PVOID)Program, &State);
    __try {
        Block = ExAllocatePoolWithQuotaTag(PoolType, Bytes, TAG);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        *Status = GetExceptionCode();
    }
    KeUnstackDetachProcess(&State);
    return Block;
}

static VOID
Charged(VOID)
{
    VM_COUNTERS Before = Counters(), After;

    EXPECT(PsChargeProcessPagedPoolQuota(Program, 1000) == STATUS_SUCCESS);
    EXPECT(PsChargeProcessNonPagedPoolQuota(Program, 300) == STATUS_SUCCESS);
    EXPECT(PsChargeProcessPoolQuota(Program, NonPagedPool, 50) == STATUS_SUCCESS);
    After = Counters();
    EXPECT(After.QuotaPagedPoolUsage == Before.QuotaPagedPoolUsage + 1000);
    EXPECT(After.QuotaNonPagedPoolUsage == Before.QuotaNonPagedPoolUsage + 350);
    EXPECT(After.QuotaPeakPagedPoolUsage >= After.QuotaPagedPoolUsage);
    PsReturnProcessPagedPoolQuota(Program, 1000);
    PsReturnProcessNonPagedPoolQuota(Program, 350);
    After = Counters();
    EXPECT(After.QuotaPagedPoolUsage == Before.QuotaPagedPoolUsage);
    EXPECT(After.QuotaNonPagedPoolUsage == Before.QuotaNonPagedPoolUsage);
    EXPECT(After.QuotaPeakPagedPoolUsage >= Before.QuotaPagedPoolUsage + 1000);
}

static VOID
Blocks(VOID)
{
    VM_COUNTERS Before = Counters(), After;
    NTSTATUS    Status;
    PVOID       Paged = AllocateThere(PagedPool, 100, &Status);
    PVOID       NonPaged = AllocateThere(NonPagedPool, 200, &Status);
    PVOID       Own;
    KIRQL       Irql;

    EXPECT(Paged != NULL && NonPaged != NULL);
    After = Counters();
    EXPECT(After.QuotaPagedPoolUsage >= Before.QuotaPagedPoolUsage + 100);
    EXPECT(After.QuotaNonPagedPoolUsage >= Before.QuotaNonPagedPoolUsage + 200);
    ExFreePoolWithTag(Paged, TAG);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    ExFreePoolWithTag(NonPaged, TAG);
    KeLowerIrql(Irql);
    After = Counters();
    EXPECT(After.QuotaPagedPoolUsage == Before.QuotaPagedPoolUsage);
    EXPECT(After.QuotaNonPagedPoolUsage == Before.QuotaNonPagedPoolUsage);

    Own = ExAllocatePoolWithQuotaTag(NonPagedPool, 100, TAG);   // the system's: free of charge
    EXPECT(Own != NULL);
    ExFreePoolWithTag(Own, TAG);
}

static VOID
Limited(VOID)
{
    VM_COUNTERS Before = Counters();
    NTSTATUS    Status;
    PVOID       Block;

    EXPECT(SetLimits(0, Before.QuotaNonPagedPoolUsage + 500) == STATUS_SUCCESS);
    Block = AllocateThere(NonPagedPool, 1000, &Status);
    EXPECT(Block == NULL && Status == STATUS_QUOTA_EXCEEDED);
    Block = AllocateThere(NonPagedPool | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE, 1000, &Status);
    EXPECT(Block == NULL && Status == STATUS_SUCCESS);
    EXPECT(PsChargeProcessNonPagedPoolQuota(Program, 501) == STATUS_QUOTA_EXCEEDED);
    EXPECT(PsChargeProcessNonPagedPoolQuota(Program, 500) == STATUS_SUCCESS);
    EXPECT(PsChargeProcessNonPagedPoolQuota(Program, 1) == STATUS_QUOTA_EXCEEDED);
    EXPECT(SetLimits(0, 1) == STATUS_QUOTA_EXCEEDED);
    PsReturnProcessNonPagedPoolQuota(Program, 500);
    EXPECT(Counters().QuotaNonPagedPoolUsage == Before.QuotaNonPagedPoolUsage);
    Block = AllocateThere(PagedPool, 1000, &Status);            // the other pool's limit is its own
    EXPECT(Block != NULL);
    ExFreePoolWithTag(Block, TAG);
    EXPECT(SetLimits(0, ~(SIZE_T)0) == STATUS_SUCCESS);
}

static const KT_TEST Tests[] = {
    { "What is charged to a process shows in its usage and peak until it is given back", Charged },
    { "Blocks allocated with quota are charged and remember whom to give back to", Blocks },
    { "Nobody gets more than the limit, by raising, by NULL or by status, and no less", Limited },
};

static VOID NTAPI
Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PWSTR  Last = RegistryPath->Buffer + RegistryPath->Length / sizeof(WCHAR) - 1;
    NTSTATUS Status;

    DriverObject->DriverUnload = Unload;
    Program = FindProgram();
    if (Program == NULL)
        return STATUS_NOT_FOUND;
    if (*Last == L'w') {                                        // ktquota-underflow
        PsReturnProcessPagedPoolQuota(Program, 0x10000000);
        return STATUS_UNSUCCESSFUL;
    }
    Status = ObOpenObjectByPointer(Program, OBJ_KERNEL_HANDLE, NULL, PROCESS_ALL_ACCESS,
        *PsProcessType, KernelMode, &Handle);
    if (NT_SUCCESS(Status)) {
        KtRun("ktquota", Tests, RTL_NUMBER_OF(Tests));
        ZwClose(Handle);
    }
    ObDereferenceObject(Program);
    return Status;
}
