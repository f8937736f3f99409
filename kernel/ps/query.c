/*
 * NtQueryInformationProcess, NtQueryInformationThread and their setting twins.
 *
 * Every class is one row of a table: its exact length, the right it needs, and the routine that
 * fills (or takes) a kernel copy. The services check, call the routine, and copy to the caller at
 * the end, so a routine never sees user memory.
 */
#include "ps/psp.h"

/* A kernel copy of any class' data. */
typedef union _PSP_INFORMATION {
    PROCESS_BASIC_INFORMATION ProcessBasic;
    THREAD_BASIC_INFORMATION  ThreadBasic;
    KERNEL_USER_TIMES         Times;
    LONG                      Long;
    ULONG                     Ulong;
    ULONG_PTR                 Pointer;
    struct { BOOLEAN Foreground; UCHAR Class; } Priority;
} PSP_INFORMATION, *PPSP_INFORMATION;

typedef struct _PSP_CLASS {
    ULONG       Class, Length;
    ACCESS_MASK Access;
    NTSTATUS  (*Routine)(PVOID Object, PPSP_INFORMATION Information);
} PSP_CLASS;

static NTSTATUS
PspQueryProcessBasic(PVOID Object, PPSP_INFORMATION Information)
{
    PEPROCESS Process = Object;

    Information->ProcessBasic.ExitStatus = Process->ExitStatus;
    Information->ProcessBasic.PebBaseAddress = Process->Peb;
    Information->ProcessBasic.AffinityMask = Process->Pcb.Affinity;
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
PspQueryThreadBasic(PVOID Object, PPSP_INFORMATION Information)
{
    PETHREAD Thread = Object;

    Information->ThreadBasic.ExitStatus = Thread->Tcb.State == Terminated
        ? Thread->ExitStatus : STATUS_PENDING;
    Information->ThreadBasic.TebBaseAddress = Thread->Tcb.Teb;
    Information->ThreadBasic.ClientId = Thread->Cid;
    Information->ThreadBasic.AffinityMask = Thread->Tcb.Affinity;
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
    KeSetPriorityThread(&((PETHREAD)Object)->Tcb, Information->Long);
    return STATUS_SUCCESS;
}

/*
 * A program gives its threads' priority as a distance from the process': -2 to 2, or all the way
 * (-15, 15).
 */
static NTSTATUS
PspSetThreadBasePriority(PVOID Object, PPSP_INFORMATION Information)
{
    PETHREAD  Thread = Object;
    KPRIORITY Priority = Thread->Tcb.Process->BasePriority + Information->Long;

    if ((Information->Long < -2 || Information->Long > 2) && Information->Long != 15 &&
        Information->Long != -15)
        return STATUS_INVALID_PARAMETER;
    if (Information->Long == 15 || Priority >= LOW_REALTIME_PRIORITY)
        Priority = LOW_REALTIME_PRIORITY - 1;
    if (Information->Long == -15 || Priority < 1)
        Priority = 1;
    KeSetPriorityThread(&Thread->Tcb, Priority);
    return STATUS_SUCCESS;
}

static NTSTATUS
PspSetThreadToken(PVOID Object, PPSP_INFORMATION Information)
{
    return SeSetThreadToken(Object, (HANDLE)Information->Pointer, ExGetPreviousMode());
}

static const PSP_CLASS PspProcessQueries[] = {
    { ProcessBasicInformation, sizeof(PROCESS_BASIC_INFORMATION), PROCESS_QUERY_INFORMATION,
     PspQueryProcessBasic },
    { ProcessTimes, sizeof(KERNEL_USER_TIMES), PROCESS_QUERY_INFORMATION, PspQueryProcessTimes },
    { ProcessHandleCount, sizeof(ULONG), PROCESS_QUERY_INFORMATION, PspQueryProcessHandles },
    { 0 }
};
static const PSP_CLASS PspThreadQueries[] = {
    { ThreadBasicInformation, sizeof(THREAD_BASIC_INFORMATION), THREAD_QUERY_INFORMATION,
     PspQueryThreadBasic },
    { ThreadTimes, sizeof(KERNEL_USER_TIMES), THREAD_QUERY_INFORMATION, PspQueryThreadTimes },
    { ThreadQuerySetWin32StartAddress, sizeof(ULONG_PTR), THREAD_QUERY_INFORMATION,
     PspQueryThreadStart },
    { ThreadAmILastThread, sizeof(ULONG), THREAD_QUERY_INFORMATION, PspQueryThreadLast },
    { ThreadIsIoPending, sizeof(ULONG), THREAD_QUERY_INFORMATION, PspQueryThreadIoPending },
    { 0 }
};
static const PSP_CLASS PspThreadSettings[] = {
    { ThreadPriority, sizeof(LONG), THREAD_SET_INFORMATION, PspSetThreadPriority },
    { ThreadBasePriority, sizeof(LONG), THREAD_SET_INFORMATION, PspSetThreadBasePriority },
    { ThreadImpersonationToken, sizeof(HANDLE), THREAD_SET_THREAD_TOKEN, PspSetThreadToken },
    { 0 }
};

static const PSP_CLASS *
PspFindClass(const PSP_CLASS *Table, ULONG Class)
{
    for (; Table->Routine != NULL; Table++)
        if (Table->Class == Class)
            return Table;
    return NULL;
}

/* Copies out; the caller's fault is the caller's status. */
static NTSTATUS
PspReturnInformation(PVOID Buffer, const VOID *Data, ULONG Length, PULONG ReturnLength)
{
    __try {
        RtlCopyMemory(Buffer, Data, Length);
        if (ReturnLength != NULL)
            *ReturnLength = Length;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static NTSTATUS
PspProbeInformation(PVOID Buffer, ULONG Length, PULONG ReturnLength, KPROCESSOR_MODE Mode)
{
    if (Mode == KernelMode)
        return STATUS_SUCCESS;
    __try {
        ProbeForWrite(Buffer, Length, sizeof(ULONG));
        if (ReturnLength != NULL)
            ProbeForWrite(ReturnLength, sizeof(ULONG), sizeof(ULONG));
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

/* What both queries do. */
static NTSTATUS
PspQuery(HANDLE Handle, POBJECT_TYPE Type, const PSP_CLASS *Class, PVOID Buffer, ULONG Length,
         PULONG ReturnLength)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    PSP_INFORMATION Information;
    PVOID    Object;
    NTSTATUS Status;

    if (Class == NULL)
        return STATUS_INVALID_INFO_CLASS;
    Status = PspProbeInformation(Buffer, Length, ReturnLength, Mode);
    if (!NT_SUCCESS(Status))
        return Status;
    if (Length != Class->Length)
        return STATUS_INFO_LENGTH_MISMATCH;
    Status = ObReferenceObjectByHandle(Handle, Class->Access, Type, Mode, &Object, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    RtlZeroMemory(&Information, sizeof Information);
    Status = Class->Routine(Object, &Information);
    ObDereferenceObject(Object);
    return NT_SUCCESS(Status) ? PspReturnInformation(Buffer, &Information, Length,
                                                     ReturnLength) : Status;
}

/* The image's path, the one class of variable length: a UNICODE_STRING and its characters. */
static NTSTATUS
PspQueryImageName(HANDLE Handle, PVOID Buffer, ULONG Length, PULONG ReturnLength)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    UNICODE_STRING  Name;
    PEPROCESS Process;
    ULONG     Needed;
    NTSTATUS  Status;

    Status = PspProbeInformation(Buffer, Length, ReturnLength, Mode);
    if (NT_SUCCESS(Status))
        Status = ObReferenceObjectByHandle(Handle, PROCESS_QUERY_INFORMATION, PspProcessType,
                                           Mode, (PVOID *)&Process, NULL);
    if (!NT_SUCCESS(Status))
        return Status;

    Needed = sizeof Name + Process->SeAuditName->Length;
    __try {
        if (Length >= Needed) {
            Name.Length = Name.MaximumLength = Process->SeAuditName->Length;
            Name.Buffer = (PWCH)((PUNICODE_STRING)Buffer + 1);
            *(PUNICODE_STRING)Buffer = Name;
            RtlCopyMemory(Name.Buffer, Process->SeAuditName->Buffer, Name.Length);
        } else {
            Status = STATUS_INFO_LENGTH_MISMATCH;
        }
        if (ReturnLength != NULL)
            *ReturnLength = Needed;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    ObDereferenceObject(Process);
    return Status;
}

NTSTATUS NTAPI
NtQueryInformationProcess(HANDLE ProcessHandle, PROCESSINFOCLASS Class, PVOID Buffer,
                          ULONG Length, PULONG ReturnLength)
{
    PAGED_CODE();
    if (Class == ProcessImageFileName)
        return PspQueryImageName(ProcessHandle, Buffer, Length, ReturnLength);
    return PspQuery(ProcessHandle, PspProcessType, PspFindClass(PspProcessQueries, Class), Buffer,
                    Length, ReturnLength);
}

NTSTATUS NTAPI
NtQueryInformationThread(HANDLE ThreadHandle, THREADINFOCLASS Class, PVOID Buffer, ULONG Length,
                         PULONG ReturnLength)
{
    PAGED_CODE();
    return PspQuery(ThreadHandle, PspThreadType, PspFindClass(PspThreadQueries, Class), Buffer,
                    Length, ReturnLength);
}

NTSTATUS NTAPI
NtSetInformationThread(HANDLE ThreadHandle, THREADINFOCLASS InformationClass, PVOID Buffer,
                       ULONG Length)
{
    KPROCESSOR_MODE  Mode = ExGetPreviousMode();
    const PSP_CLASS *Class = PspFindClass(PspThreadSettings, InformationClass);
    PSP_INFORMATION  Information;
    PVOID    Thread;
    NTSTATUS Status;

    PAGED_CODE();

    if (Class == NULL)
        return STATUS_INVALID_INFO_CLASS;
    if (Length != Class->Length)
        return STATUS_INFO_LENGTH_MISMATCH;
    __try {
        if (Mode != KernelMode)
            ProbeForRead(Buffer, Length, sizeof(ULONG));
        RtlCopyMemory(&Information, Buffer, Length);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    Status = ObReferenceObjectByHandle(ThreadHandle, Class->Access, PspThreadType, Mode, &Thread,
                                       NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = Class->Routine(Thread, &Information);
    ObDereferenceObject(Thread);
    return Status;
}

NTSTATUS NTAPI
NtSetInformationProcess(HANDLE ProcessHandle, PROCESSINFOCLASS Class, PVOID Buffer, ULONG Length)
{
    PAGED_CODE();
    return UNIMPLEMENTED();
}
