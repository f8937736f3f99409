/*
 * What processes and threads say about themselves, and what may be set: times, priority classes,
 * affinity, memory, the image's name. Each is an information class of the kernel's in Win32's
 * shape.
 */
#include "k32.h"
#include <psapi.h>

/* Win32's priority classes by the kernel's numbers. */
static const DWORD BaseClasses[] = { 0, IDLE_PRIORITY_CLASS, NORMAL_PRIORITY_CLASS,
    HIGH_PRIORITY_CLASS, REALTIME_PRIORITY_CLASS, BELOW_NORMAL_PRIORITY_CLASS,
    ABOVE_NORMAL_PRIORITY_CLASS };

typedef struct _BASE_PRIORITY_CLASS {
    BOOLEAN Foreground;
    UCHAR   Class;
} BASE_PRIORITY_CLASS;

static FILETIME
BasepFileTime(LARGE_INTEGER Time)
{
    return (FILETIME){ Time.LowPart, Time.HighPart };
}

static void
BasepReturnTimes(const KERNEL_USER_TIMES *Times, LPFILETIME Creation, LPFILETIME Exit,
    LPFILETIME Kernel, LPFILETIME User)
{
    *Creation = BasepFileTime(Times->CreateTime);
    *Exit = BasepFileTime(Times->ExitTime);
    *Kernel = BasepFileTime(Times->KernelTime);
    *User = BasepFileTime(Times->UserTime);
}

BOOL WINAPI
GetProcessTimes(HANDLE Process, LPFILETIME Creation, LPFILETIME Exit, LPFILETIME Kernel,
    LPFILETIME User)
{
    KERNEL_USER_TIMES Times;

    if (!BaseSetStatus(NtQueryInformationProcess(Process, EtProcessTimes, &Times, sizeof Times,
        NULL)))
        return FALSE;
    BasepReturnTimes(&Times, Creation, Exit, Kernel, User);
    return TRUE;
}

BOOL WINAPI
GetThreadTimes(HANDLE Thread, LPFILETIME Creation, LPFILETIME Exit, LPFILETIME Kernel,
    LPFILETIME User)
{
    KERNEL_USER_TIMES Times;

    if (!BaseSetStatus(NtQueryInformationThread(Thread, EtThreadTimes, &Times, sizeof Times,
        NULL)))
        return FALSE;
    BasepReturnTimes(&Times, Creation, Exit, Kernel, User);
    return TRUE;
}

DWORD WINAPI
GetPriorityClass(HANDLE Process)
{
    BASE_PRIORITY_CLASS Class;

    if (!BaseSetStatus(NtQueryInformationProcess(Process, EtProcessPriorityClass, &Class,
        sizeof Class, NULL)))
        return 0;
    return BaseClasses[Class.Class < ARRAYSIZE(BaseClasses) ? Class.Class : 0];
}

BOOL WINAPI
SetPriorityClass(HANDLE Process, DWORD PriorityClass)
{
    BASE_PRIORITY_CLASS Class = { FALSE, 0 };

    for (UCHAR Index = 1; Index < ARRAYSIZE(BaseClasses); Index++)
        if (BaseClasses[Index] == PriorityClass)
            Class.Class = Index;
    return BaseSetStatus(NtSetInformationProcess(Process, EtProcessPriorityClass, &Class,
        sizeof Class));
}

static BOOL
BasepSystem(PSYSTEM_BASIC_INFORMATION System)
{
    return BaseSetStatus(NtQuerySystemInformation(EtSystemBasicInformation, System,
        sizeof *System, NULL));
}

BOOL WINAPI
GetProcessAffinityMask(HANDLE Process, PDWORD_PTR ProcessMask, PDWORD_PTR SystemMask)
{
    PROCESS_BASIC_INFORMATION Basic;
    SYSTEM_BASIC_INFORMATION  System;

    if (!BaseSetStatus(NtQueryInformationProcess(Process, EtProcessBasicInformation, &Basic,
        sizeof Basic, NULL)) || !BasepSystem(&System))
        return FALSE;
    *ProcessMask = Basic.AffinityMask;
    *SystemMask = System.ActiveProcessorsAffinityMask;
    return TRUE;
}

BOOL WINAPI
SetProcessAffinityMask(HANDLE Process, DWORD_PTR Mask)
{
    return BaseSetStatus(NtSetInformationProcess(Process, EtProcessAffinityMask, &Mask,
        sizeof Mask));
}

/* Returns the former mask; 0 is failure. */
DWORD_PTR WINAPI
SetThreadAffinityMask(HANDLE Thread, DWORD_PTR Mask)
{
    THREAD_BASIC_INFORMATION Basic;

    if (!BaseSetStatus(NtQueryInformationThread(Thread, EtThreadBasicInformation, &Basic,
        sizeof Basic, NULL)))
        return 0;
    return BaseSetStatus(NtSetInformationThread(Thread, EtThreadAffinityMask, &Mask, sizeof Mask))
        ? Basic.AffinityMask : 0;
}

static const CLIENT_ID *
BasepThreadIds(HANDLE Thread, PTHREAD_BASIC_INFORMATION Basic)
{
    return BaseSetStatus(NtQueryInformationThread(Thread, EtThreadBasicInformation, Basic,
        sizeof *Basic, NULL)) ? &Basic->ClientId : NULL;
}

DWORD WINAPI
GetThreadId(HANDLE Thread)
{
    THREAD_BASIC_INFORMATION Basic;
    const CLIENT_ID         *Ids = BasepThreadIds(Thread, &Basic);

    return Ids ? (DWORD)(ULONG_PTR)Ids->UniqueThread : 0;
}

DWORD WINAPI
GetProcessIdOfThread(HANDLE Thread)
{
    THREAD_BASIC_INFORMATION Basic;
    const CLIENT_ID         *Ids = BasepThreadIds(Thread, &Basic);

    return Ids ? (DWORD)(ULONG_PTR)Ids->UniqueProcess : 0;
}

BOOL WINAPI
K32GetProcessMemoryInfo(HANDLE Process, PPROCESS_MEMORY_COUNTERS Counters, DWORD Size)
{
    VM_COUNTERS Vm;

    if (Size < sizeof *Counters) {
        RtlSetLastWin32Error(ERROR_INSUFFICIENT_BUFFER);
        return FALSE;
    }
    if (!BaseSetStatus(NtQueryInformationProcess(Process, EtProcessVmCounters, &Vm, sizeof Vm,
        NULL)))
        return FALSE;
    Counters->cb = sizeof *Counters;
    Counters->PageFaultCount = Vm.PageFaultCount;
    Counters->PeakWorkingSetSize = Vm.PeakWorkingSetSize;
    Counters->WorkingSetSize = Vm.WorkingSetSize;
    Counters->QuotaPeakPagedPoolUsage = Vm.QuotaPeakPagedPoolUsage;
    Counters->QuotaPagedPoolUsage = Vm.QuotaPagedPoolUsage;
    Counters->QuotaPeakNonPagedPoolUsage = Vm.QuotaPeakNonPagedPoolUsage;
    Counters->QuotaNonPagedPoolUsage = Vm.QuotaNonPagedPoolUsage;
    Counters->PagefileUsage = Vm.PagefileUsage;
    Counters->PeakPagefileUsage = Vm.PeakPagefileUsage;
    return TRUE;
}

BOOL WINAPI
GetProcessWorkingSetSize(HANDLE Process, PSIZE_T Minimum, PSIZE_T Maximum)
{
    QUOTA_LIMITS Limits;

    if (!BaseSetStatus(NtQueryInformationProcess(Process, EtProcessQuotaLimits, &Limits,
        sizeof Limits, NULL)))
        return FALSE;
    *Minimum = Limits.MinimumWorkingSetSize;
    *Maximum = Limits.MaximumWorkingSetSize;
    return TRUE;
}

BOOL WINAPI
SetProcessWorkingSetSize(HANDLE Process, SIZE_T Minimum, SIZE_T Maximum)
{
    QUOTA_LIMITS Limits = { .MinimumWorkingSetSize = Minimum, .MaximumWorkingSetSize = Maximum };

    if (Minimum == 0 || Maximum == 0) {
        RtlSetLastWin32Error(ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    return BaseSetStatus(NtSetInformationProcess(Process, EtProcessQuotaLimits, &Limits,
        sizeof Limits));
}

/*
 * The image's NT path, whatever Flags say: Etude has no drive letters. *Size is the room in
 * characters, and then the length.
 */
BOOL WINAPI
QueryFullProcessImageNameW(HANDLE Process, DWORD Flags, LPWSTR Name, PDWORD Size)
{
    struct { UNICODE_STRING String; WCHAR Text[600]; } Buffer;
    ULONG Characters;

    if (!BaseSetStatus(NtQueryInformationProcess(Process, EtProcessImageFileName, &Buffer,
        sizeof Buffer, NULL)))
        return FALSE;
    Characters = Buffer.String.Length / sizeof(WCHAR);
    if (Characters >= *Size) {
        RtlSetLastWin32Error(ERROR_INSUFFICIENT_BUFFER);
        return FALSE;
    }
    memcpy(Name, Buffer.String.Buffer, Buffer.String.Length);
    Name[Characters] = 0;
    *Size = Characters;
    return TRUE;
}
