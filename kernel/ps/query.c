/*
 * NtQueryInformationProcess, NtQueryInformationThread and their setting twins.
 *
 * Every class is one row of a table (procinfo.c, thrdinfo.c): its exact length, the right it
 * needs, and the routine that fills (or takes) a kernel copy. The services check, call the
 * routine, and copy to the caller at the end, so a routine never sees user memory.
 *
 * In this order: STATUS_INVALID_INFO_CLASS, what is wrong with the pointers,
 * STATUS_INFO_LENGTH_MISMATCH (a query then says the length in *ReturnLength), what is wrong with
 * the handle. A class that Windows has and Etude has not is STATUS_NOT_IMPLEMENTED.
 */
#include "ps/info.h"

static const PSP_CLASS *
PspFindClass(const PSP_CLASS *Table, ULONG Class)
{
    for (; Table->Routine != NULL; Table++)
        if (Table->Class == Class)
            return Table;
    return NULL;
}

/* The status of a class that is not in Table; one that is in Other has only the other direction. */
static NTSTATUS
PspNoClass(PCSTR Service, ULONG Class, ULONG Classes, const PSP_CLASS *Other)
{
    if (Class >= Classes || PspFindClass(Other, Class) != NULL)
        return STATUS_INVALID_INFO_CLASS;
    DbgPrint("%s: class %u is not implemented\n", Service, Class);
    return STATUS_NOT_IMPLEMENTED;
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
        ProbeForWrite(Buffer, Length, Length < sizeof(ULONG) ? 1 : sizeof(ULONG));
        if (ReturnLength != NULL)
            ProbeForWrite(ReturnLength, sizeof(ULONG), sizeof(ULONG));
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static NTSTATUS
PspReturnMismatch(ULONG Length, PULONG ReturnLength)
{
    __try {
        if (ReturnLength != NULL)
            *ReturnLength = Length;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_INFO_LENGTH_MISMATCH;
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

    Status = PspProbeInformation(Buffer, Length, ReturnLength, Mode);
    if (!NT_SUCCESS(Status))
        return Status;
    if (Length != Class->Length)
        return PspReturnMismatch(Class->Length, ReturnLength);
    Status = ObReferenceObjectByHandle(Handle, Class->Access, Type, Mode, &Object, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    RtlZeroMemory(&Information, sizeof Information);
    Status = Class->Routine(Object, &Information);
    ObDereferenceObject(Object);
    return NT_SUCCESS(Status) ? PspReturnInformation(Buffer, &Information, Length,
                                                     ReturnLength) : Status;
}

/* What both settings do. */
static NTSTATUS
PspSet(HANDLE Handle, POBJECT_TYPE Type, const PSP_CLASS *Class, PVOID Buffer, ULONG Length)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    PSP_INFORMATION Information;
    PVOID    Object;
    NTSTATUS Status;

    __try {
        if (Mode != KernelMode)
            ProbeForRead(Buffer, Length, Length < sizeof(ULONG) ? 1 : sizeof(ULONG));
        if (Length != Class->Length)
            return STATUS_INFO_LENGTH_MISMATCH;
        RtlCopyMemory(&Information, Buffer, Length);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    Status = ObReferenceObjectByHandle(Handle, Class->Access, Type, Mode, &Object, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = Class->Routine(Object, &Information);
    ObDereferenceObject(Object);
    return Status;
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
NtQueryInformationProcess(HANDLE ProcessHandle, PROCESSINFOCLASS InformationClass, PVOID Buffer,
                          ULONG Length, PULONG ReturnLength)
{
    const PSP_CLASS *Class = PspFindClass(PspProcessQueries, InformationClass);

    PAGED_CODE();
    if (InformationClass == ProcessImageFileName)
        return PspQueryImageName(ProcessHandle, Buffer, Length, ReturnLength);
    if (Class == NULL)
        return PspNoClass(__func__, InformationClass, MaxProcessInfoClass, PspProcessSettings);
    return PspQuery(ProcessHandle, PspProcessType, Class, Buffer, Length, ReturnLength);
}

NTSTATUS NTAPI
NtQueryInformationThread(HANDLE ThreadHandle, THREADINFOCLASS InformationClass, PVOID Buffer,
                         ULONG Length, PULONG ReturnLength)
{
    const PSP_CLASS *Class = PspFindClass(PspThreadQueries, InformationClass);

    PAGED_CODE();
    if (Class == NULL)
        return PspNoClass(__func__, InformationClass, MaxThreadInfoClass, PspThreadSettings);
    return PspQuery(ThreadHandle, PspThreadType, Class, Buffer, Length, ReturnLength);
}

NTSTATUS NTAPI
NtSetInformationThread(HANDLE ThreadHandle, THREADINFOCLASS InformationClass, PVOID Buffer,
                       ULONG Length)
{
    const PSP_CLASS *Class = PspFindClass(PspThreadSettings, InformationClass);

    PAGED_CODE();
    if (Class == NULL)
        return PspNoClass(__func__, InformationClass, MaxThreadInfoClass, PspThreadQueries);
    return PspSet(ThreadHandle, PspThreadType, Class, Buffer, Length);
}

NTSTATUS NTAPI
NtSetInformationProcess(HANDLE ProcessHandle, PROCESSINFOCLASS InformationClass, PVOID Buffer,
                        ULONG Length)
{
    const PSP_CLASS *Class = PspFindClass(PspProcessSettings, InformationClass);

    PAGED_CODE();
    if (Class == NULL)
        return PspNoClass(__func__, InformationClass, MaxProcessInfoClass, PspProcessQueries);
    return PspSet(ProcessHandle, PspProcessType, Class, Buffer, Length);
}
