/*
 * What NtQueryInformationThread and NtSetInformationThread know, class by class.
 */
#include "ps/info.h"

#define PSP_THREAD_SUSPEND_COUNT    35          // ThreadSuspendCount of newer headers

static NTSTATUS
PspQueryThreadBasic(PVOID Object, PPSP_INFORMATION Information)
{
    PETHREAD Thread = Object;

    Information->ThreadBasic.ExitStatus = Thread->Tcb.State == Terminated
        ? Thread->ExitStatus : STATUS_PENDING;
    Information->ThreadBasic.TebBaseAddress = Thread->Tcb.Teb;
    Information->ThreadBasic.ClientId = Thread->Cid;
    Information->ThreadBasic.AffinityMask = Thread->Tcb.Affinity & KeQueryActiveProcessors();
    Information->ThreadBasic.Priority = Thread->Tcb.Priority;
    Information->ThreadBasic.BasePriority =
        Thread->Tcb.BasePriority - Thread->Tcb.Process->BasePriority;
    return STATUS_SUCCESS;
}

static NTSTATUS
PspQueryThreadTimes(PVOID Object, PPSP_INFORMATION Information)
{
    PETHREAD Thread = Object;

    Information->Times.CreateTime = Thread->CreateTime;
    Information->Times.ExitTime = Thread->ExitTime;
    Information->Times.KernelTime.QuadPart =
        (LONGLONG)Thread->Tcb.KernelTime * CLOCK_INTERVAL_100NS;
    Information->Times.UserTime.QuadPart = (LONGLONG)Thread->Tcb.UserTime * CLOCK_INTERVAL_100NS;
    return STATUS_SUCCESS;
}

static NTSTATUS
PspQueryThreadStart(PVOID Object, PPSP_INFORMATION Information)
{
    Information->Pointer = (ULONG_PTR)((PETHREAD)Object)->Win32StartAddress;
    return STATUS_SUCCESS;
}

static NTSTATUS
PspQueryThreadLast(PVOID Object, PPSP_INFORMATION Information)
{
    Information->Ulong = ((PETHREAD)Object)->ThreadsProcess->ActiveThreads == 1;
    return STATUS_SUCCESS;
}

static NTSTATUS
PspQueryThreadIoPending(PVOID Object, PPSP_INFORMATION Information)
{
    Information->Ulong = !IsListEmpty(&((PETHREAD)Object)->IrpList);
    return STATUS_SUCCESS;
}

static NTSTATUS
PspSetThreadPriority(PVOID Object, PPSP_INFORMATION Information)
{
    if (Information->Long < 1 || Information->Long > HIGH_PRIORITY)
        return STATUS_INVALID_PARAMETER;
    if (Information->Long >= LOW_REALTIME_PRIORITY && !PspMayRaisePriority())
        return STATUS_PRIVILEGE_NOT_HELD;
    KeSetPriorityThread(&((PETHREAD)Object)->Tcb, Information->Long);
    return STATUS_SUCCESS;
}

static NTSTATUS
PspQueryThreadTerminated(PVOID Object, PPSP_INFORMATION Information)
{
    Information->Ulong = ((PETHREAD)Object)->Tcb.State == Terminated;
    return STATUS_SUCCESS;
}

static NTSTATUS
PspQueryThreadSuspensions(PVOID Object, PPSP_INFORMATION Information)
{
    Information->Ulong = (ULONG)((PETHREAD)Object)->Tcb.SuspendCount;
    return STATUS_SUCCESS;
}

/*
 * A program gives its threads' priority as a distance from the process': -2 to 2, or all the way
 * (-15, 15).
 */
static NTSTATUS
PspSetThreadBasePriority(PVOID Object, PPSP_INFORMATION Information)
{
    if ((Information->Long < -2 || Information->Long > 2) && Information->Long != 15 &&
        Information->Long != -15)
        return STATUS_INVALID_PARAMETER;
    KeSetBasePriorityThread((PRKTHREAD)&((PETHREAD)Object)->Tcb, Information->Long);
    return STATUS_SUCCESS;
}

static NTSTATUS
PspSetThreadStart(PVOID Object, PPSP_INFORMATION Information)
{
    ((PETHREAD)Object)->Win32StartAddress = (PVOID)Information->Pointer;
    return STATUS_SUCCESS;
}

/*
 * A driver may have lent the thread another affinity (KeSetSystemAffinityThread); then it has the
 * new one when it goes back.
 */
VOID
PspMoveThread(PETHREAD Thread, KAFFINITY Affinity)
{
    if (Thread->Tcb.SystemAffinityActive)
        Thread->Tcb.UserAffinity = Affinity;
    else
        KeSetAffinityThread(&Thread->Tcb, Affinity);
}

static NTSTATUS
PspSetThreadAffinity(PVOID Object, PPSP_INFORMATION Information)
{
    PETHREAD  Thread = Object;
    KAFFINITY Affinity = Information->Pointer;
    NTSTATUS  Status = STATUS_INVALID_PARAMETER;

    ExAcquireFastMutex(&Thread->ThreadsProcess->ThreadLock);
    if (Affinity != 0 &&
        (Affinity & ~(Thread->ThreadsProcess->Pcb.Affinity & KeQueryActiveProcessors())) == 0) {
        PspMoveThread(Thread, Affinity);
        Status = STATUS_SUCCESS;
    }
    ExReleaseFastMutex(&Thread->ThreadsProcess->ThreadLock);
    return Status;
}

static NTSTATUS
PspSetThreadToken(PVOID Object, PPSP_INFORMATION Information)
{
    return SeSetThreadToken(Object, (HANDLE)Information->Pointer, ExGetPreviousMode());
}

const PSP_CLASS PspThreadQueries[] = {
    { ThreadBasicInformation, sizeof(THREAD_BASIC_INFORMATION), THREAD_QUERY_INFORMATION,
      PspQueryThreadBasic },
    { ThreadTimes, sizeof(KERNEL_USER_TIMES), THREAD_QUERY_INFORMATION, PspQueryThreadTimes },
    { ThreadQuerySetWin32StartAddress, sizeof(ULONG_PTR), THREAD_QUERY_INFORMATION,
      PspQueryThreadStart },
    { ThreadAmILastThread, sizeof(ULONG), THREAD_QUERY_INFORMATION, PspQueryThreadLast },
    { ThreadIsIoPending, sizeof(ULONG), THREAD_QUERY_INFORMATION, PspQueryThreadIoPending },
    { ThreadIsTerminated, sizeof(ULONG), THREAD_QUERY_INFORMATION, PspQueryThreadTerminated },
    { PSP_THREAD_SUSPEND_COUNT, sizeof(ULONG), THREAD_QUERY_INFORMATION,
      PspQueryThreadSuspensions },
    { 0 }
};
const PSP_CLASS PspThreadSettings[] = {
    { ThreadPriority, sizeof(LONG), THREAD_SET_INFORMATION, PspSetThreadPriority },
    { ThreadBasePriority, sizeof(LONG), THREAD_SET_INFORMATION, PspSetThreadBasePriority },
    { ThreadImpersonationToken, sizeof(HANDLE), THREAD_SET_THREAD_TOKEN, PspSetThreadToken },
    { ThreadAffinityMask, sizeof(KAFFINITY), THREAD_SET_INFORMATION, PspSetThreadAffinity },
    { ThreadQuerySetWin32StartAddress, sizeof(ULONG_PTR), THREAD_SET_INFORMATION,
      PspSetThreadStart },
    { 0 }
};
