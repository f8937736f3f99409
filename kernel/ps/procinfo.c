/*
 * What NtQueryInformationProcess and NtSetInformationProcess know, class by class.
 *
 * A process' priority is that of its class (idle, normal, high, ...); each thread's is a distance
 * from it, which stays when the class changes. Its affinity is the set of processors that its
 * threads may use, present and future ones. Its quota is what quota.c counts against.
 */
#include "ps/info.h"

/* Base priorities by PROCESS_PRIORITY_CLASS_*: none, idle, normal, high, realtime, below, above. */
static const SCHAR PspClassPriority[] = { 8, 4, 8, 13, 24, 6, 10 };

static NTSTATUS
PspQueryProcessBasic(PVOID Object, PPSP_INFORMATION Information)
{
    PEPROCESS Process = Object;

    Information->ProcessBasic.ExitStatus = Process->ExitStatus;
    Information->ProcessBasic.PebBaseAddress = Process->Peb;
    Information->ProcessBasic.AffinityMask = Process->Pcb.Affinity & KeQueryActiveProcessors();
    Information->ProcessBasic.BasePriority = Process->Pcb.BasePriority;
    Information->ProcessBasic.UniqueProcessId = (ULONG_PTR)Process->UniqueProcessId;
    Information->ProcessBasic.InheritedFromUniqueProcessId =
        (ULONG_PTR)Process->InheritedFromUniqueProcessId;
    return STATUS_SUCCESS;
}

static NTSTATUS
PspQueryProcessTimes(PVOID Object, PPSP_INFORMATION Information)
{
    PEPROCESS Process = Object;

    Information->Times.CreateTime = Process->CreateTime;
    Information->Times.ExitTime = Process->ExitTime;
    Information->Times.KernelTime.QuadPart =
        (LONGLONG)Process->Pcb.KernelTime * CLOCK_INTERVAL_100NS;
    Information->Times.UserTime.QuadPart = (LONGLONG)Process->Pcb.UserTime * CLOCK_INTERVAL_100NS;
    return STATUS_SUCCESS;
}

static NTSTATUS
PspQueryProcessHandles(PVOID Object, PPSP_INFORMATION Information)
{
    PHANDLE_TABLE Table = ((PEPROCESS)Object)->ObjectTable;

    Information->Ulong = Table != NULL ? ExGetHandleCount(Table) : 0;
    return STATUS_SUCCESS;
}

static NTSTATUS
PspQueryProcessQuota(PVOID Object, PPSP_INFORMATION Information)
{
    PEPROCESS Process = Object;

    Information->Quota.PagedPoolLimit = Process->QuotaBlock->Quota[PagedPool].Limit;
    Information->Quota.NonPagedPoolLimit = Process->QuotaBlock->Quota[NonPagedPool].Limit;
    Information->Quota.MinimumWorkingSetSize = Process->MinimumWorkingSet;
    Information->Quota.MaximumWorkingSetSize = Process->MaximumWorkingSet;
    Information->Quota.PagefileLimit = MAXSIZE_T;
    Information->Quota.TimeLimit.QuadPart = MAXLONGLONG;
    return STATUS_SUCCESS;
}

/* What a process has committed is in memory or could be, so it is the working set too. */
static NTSTATUS
PspQueryProcessVm(PVOID Object, PPSP_INFORMATION Information)
{
    PEPROCESS    Process = Object;
    PVM_COUNTERS Vm = &Information->Vm;

    Vm->PeakVirtualSize = Process->Mm.PeakVirtualSize;
    Vm->VirtualSize = Process->Mm.VirtualSize;
    Vm->PeakWorkingSetSize = Vm->PeakPagefileUsage = Process->Mm.PeakCommitCharge * PAGE_SIZE;
    Vm->WorkingSetSize = Vm->PagefileUsage = Process->Mm.CommitCharge * PAGE_SIZE;
    Vm->QuotaPagedPoolUsage = Process->QuotaBlock->Quota[PagedPool].Usage;
    Vm->QuotaPeakPagedPoolUsage = Process->QuotaBlock->Quota[PagedPool].Peak;
    Vm->QuotaNonPagedPoolUsage = Process->QuotaBlock->Quota[NonPagedPool].Usage;
    Vm->QuotaPeakNonPagedPoolUsage = Process->QuotaBlock->Quota[NonPagedPool].Peak;
    return STATUS_SUCCESS;
}

/* No debugger, no other session, no 32-bit programs: the answer is 0. */
static NTSTATUS
PspQueryNothing(PVOID Object, PPSP_INFORMATION Information)
{
    return STATUS_SUCCESS;
}

static NTSTATUS
PspQueryErrorMode(PVOID Object, PPSP_INFORMATION Information)
{
    Information->Ulong = ((PEPROCESS)Object)->DefaultHardErrorMode;
    return STATUS_SUCCESS;
}

static NTSTATUS
PspSetErrorMode(PVOID Object, PPSP_INFORMATION Information)
{
    ((PEPROCESS)Object)->DefaultHardErrorMode = Information->Ulong;
    return STATUS_SUCCESS;
}

static NTSTATUS
PspQueryPriorityClass(PVOID Object, PPSP_INFORMATION Information)
{
    Information->Priority.Class = ((PEPROCESS)Object)->PriorityClass;
    return STATUS_SUCCESS;
}

/* Moves the process' base priority, and with it that of all its threads. */
static VOID
PspMoveBasePriority(PEPROCESS Process, SCHAR Priority)
{
    PLIST_ENTRY Link;
    PETHREAD    Thread;
    SCHAR       Old;

    ExAcquireFastMutex(&Process->ThreadLock);
    Old = Process->Pcb.BasePriority;
    Process->Pcb.BasePriority = Priority;
    for (Link = Process->ThreadListHead.Flink; Link != &Process->ThreadListHead;
         Link = Link->Flink) {
        Thread = CONTAINING_RECORD(Link, ETHREAD, ThreadListEntry);
        KeSetBasePriorityThread((PRKTHREAD)&Thread->Tcb, Thread->Tcb.BasePriority - Old);
    }
    ExReleaseFastMutex(&Process->ThreadLock);
}

BOOLEAN
PspMayRaisePriority(VOID)
{
    return SeSinglePrivilegeCheck(RtlConvertUlongToLuid(SE_INC_BASE_PRIORITY_PRIVILEGE),
                                  ExGetPreviousMode());
}

static NTSTATUS
PspSetPriorityClass(PVOID Object, PPSP_INFORMATION Information)
{
    PEPROCESS Process = Object;
    UCHAR     Class = Information->Priority.Class;

    if (Class == 0 || Class >= RTL_NUMBER_OF(PspClassPriority))
        return STATUS_INVALID_PARAMETER;
    if (Class == PSP_CLASS_REALTIME && Process->PriorityClass != Class && !PspMayRaisePriority())
        return STATUS_PRIVILEGE_NOT_HELD;
    Process->PriorityClass = Class;
    PspMoveBasePriority(Process, PspClassPriority[Class]);
    return STATUS_SUCCESS;
}

static NTSTATUS
PspSetBasePriority(PVOID Object, PPSP_INFORMATION Information)
{
    PEPROCESS Process = Object;

    if (Information->Long <= LOW_PRIORITY || Information->Long > HIGH_PRIORITY)
        return STATUS_INVALID_PARAMETER;
    if (Information->Long > Process->Pcb.BasePriority && !PspMayRaisePriority())
        return STATUS_PRIVILEGE_NOT_HELD;
    PspMoveBasePriority(Process, (SCHAR)Information->Long);
    return STATUS_SUCCESS;
}

static NTSTATUS
PspSetProcessAffinity(PVOID Object, PPSP_INFORMATION Information)
{
    PEPROCESS   Process = Object;
    KAFFINITY   Affinity = Information->Pointer;
    PLIST_ENTRY Link;

    if (Affinity == 0 || (Affinity & ~KeQueryActiveProcessors()) != 0)
        return STATUS_INVALID_PARAMETER;

    ExAcquireFastMutex(&Process->ThreadLock);
    Process->Pcb.Affinity = Affinity;
    for (Link = Process->ThreadListHead.Flink; Link != &Process->ThreadListHead;
         Link = Link->Flink)
        PspMoveThread(CONTAINING_RECORD(Link, ETHREAD, ThreadListEntry), Affinity);
    ExReleaseFastMutex(&Process->ThreadLock);
    return STATUS_SUCCESS;
}

/*
 * Working set sizes are kept for who asks (both MAXSIZE_T: the set is to be emptied, which nothing
 * needs here). Pool limits of 0 stay as they are; others need the privilege, and may not be below
 * what is in use.
 */
static NTSTATUS
PspSetProcessQuota(PVOID Object, PPSP_INFORMATION Information)
{
    PQUOTA_LIMITS Limits = &Information->Quota;
    PEPROCESS     Process = Object;
    SIZE_T        Minimum = Limits->MinimumWorkingSetSize;
    SIZE_T        Maximum = Limits->MaximumWorkingSetSize;

    if (Minimum != 0 && Maximum != 0) {
        if (Minimum == MAXSIZE_T && Maximum == MAXSIZE_T)
            return STATUS_SUCCESS;
        if (Minimum > Maximum)
            return STATUS_BAD_WORKING_SET_LIMIT;
        Process->MinimumWorkingSet = Minimum;
        Process->MaximumWorkingSet = Maximum;
        return STATUS_SUCCESS;
    }
    if (!SeSinglePrivilegeCheck(RtlConvertUlongToLuid(SE_INCREASE_QUOTA_PRIVILEGE),
                                ExGetPreviousMode()))
        return STATUS_PRIVILEGE_NOT_HELD;
    return PspSetQuotaLimits(Process, Limits->PagedPoolLimit, Limits->NonPagedPoolLimit);
}

/* Set to nothing the trace is disabled. */
static NTSTATUS
PspSetHandleTrace(PVOID Object, PPSP_INFORMATION Information)
{
    if (Information->Length != 0 && Information->Ulong != 0)
        return STATUS_INVALID_PARAMETER;
    ((PEPROCESS)Object)->HandleTraceStart = Information->Length ? ObpHandleTraceSequence + 1 : 0;
    return STATUS_SUCCESS;
}

const PSP_CLASS PspProcessQueries[] = {
    { ProcessBasicInformation, sizeof(PROCESS_BASIC_INFORMATION), PROCESS_QUERY_INFORMATION,
      PspQueryProcessBasic },
    { ProcessQuotaLimits, sizeof(QUOTA_LIMITS), PROCESS_QUERY_INFORMATION, PspQueryProcessQuota },
    { ProcessVmCounters, sizeof(VM_COUNTERS), PROCESS_QUERY_INFORMATION, PspQueryProcessVm },
    { ProcessTimes, sizeof(KERNEL_USER_TIMES), PROCESS_QUERY_INFORMATION, PspQueryProcessTimes },
    { ProcessDebugPort, sizeof(HANDLE), PROCESS_QUERY_INFORMATION, PspQueryNothing },
    { ProcessDefaultHardErrorMode, sizeof(ULONG), PROCESS_QUERY_INFORMATION, PspQueryErrorMode },
    { ProcessPriorityClass, 2, PROCESS_QUERY_INFORMATION, PspQueryPriorityClass },
    { ProcessHandleCount, sizeof(ULONG), PROCESS_QUERY_INFORMATION, PspQueryProcessHandles },
    { ProcessSessionInformation, sizeof(ULONG), PROCESS_QUERY_INFORMATION, PspQueryNothing },
    { ProcessWow64Information, sizeof(ULONG_PTR), PROCESS_QUERY_INFORMATION, PspQueryNothing },
    { 0 }
};
const PSP_CLASS PspProcessSettings[] = {
    { ProcessQuotaLimits, sizeof(QUOTA_LIMITS), PROCESS_SET_QUOTA, PspSetProcessQuota },
    { ProcessBasePriority, sizeof(LONG), PROCESS_SET_INFORMATION, PspSetBasePriority },
    { ProcessDefaultHardErrorMode, sizeof(ULONG), PROCESS_SET_INFORMATION, PspSetErrorMode },
    { ProcessPriorityClass, 2, PROCESS_SET_INFORMATION, PspSetPriorityClass },
    { ProcessAffinityMask, sizeof(KAFFINITY), PROCESS_SET_INFORMATION, PspSetProcessAffinity },
    { ProcessHandleTracing, sizeof(ULONG), PROCESS_SET_INFORMATION, PspSetHandleTrace },
    { 0 }
};
