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
    if (Length != Class->Length) {
        if (ReturnLength != NULL)
            Status = ObReturnBytes(ReturnLength, &Class->Length, sizeof(ULONG), NULL, Mode);
        return NT_SUCCESS(Status) ? STATUS_INFO_LENGTH_MISMATCH : Status;
    }
    Status = ObReferenceObjectByHandle(Handle, Class->Access, Type, Mode, &Object, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    RtlZeroMemory(&Information, sizeof Information);
    Status = Class->Routine(Object, &Information);
    ObDereferenceObject(Object);
    return NT_SUCCESS(Status) ? ObReturnBytes(Buffer, &Information, Length, ReturnLength, Mode)
                              : Status;
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
        if (Length != Class->Length && (Length != 0 || Class->Class != ProcessHandleTracing))
            return STATUS_INFO_LENGTH_MISMATCH;
        RtlCopyMemory(&Information, Buffer, Length);
        Information.Length = Length;
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

/*
 * The classes of variable length, which are filled where they are. The image's path: a
 * UNICODE_STRING and its characters.
 */
static ULONG
PspFillImageName(PEPROCESS Process, PUNICODE_STRING Buffer, ULONG Length)
{
    UNICODE_STRING Name   = *Process->SeAuditName;
    ULONG          Needed = sizeof Name + Name.Length;

    if (Length >= Needed) {
        RtlCopyMemory(Buffer + 1, Name.Buffer, Name.Length);
        Name.MaximumLength = Name.Length;
        Name.Buffer = (PWCH)(Buffer + 1);
        *Buffer = Name;
    }
    return Needed;
}

static NTSTATUS
PspQueryVariable(HANDLE Handle, ULONG Class, PVOID Buffer, ULONG Length, PULONG ReturnLength)
{
    BOOLEAN         Trace = Class == ProcessHandleTracing;
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    PEPROCESS       Process;
    ULONG           Needed;
    NTSTATUS        Status;

    Status = PspProbeInformation(Buffer, Length, ReturnLength, Mode);
    if (NT_SUCCESS(Status) && Trace &&
        Length < FIELD_OFFSET(PROCESS_HANDLE_TRACING_QUERY, HandleTrace))
        Status = STATUS_INFO_LENGTH_MISMATCH;
    if (NT_SUCCESS(Status))
        Status = ObReferenceObjectByHandle(Handle, PROCESS_QUERY_INFORMATION, PspProcessType,
                                           Mode, (PVOID *)&Process, NULL);
    if (!NT_SUCCESS(Status))
        return Status;

    if (Trace && Process->HandleTraceStart == 0) {
        Status = STATUS_INVALID_PARAMETER;              // it is not enabled
    } else __try {
        Needed = Trace ? ObQueryHandleTrace(Process, Process->HandleTraceStart, Buffer, Length)
                       : PspFillImageName(Process, Buffer, Length);
        if (ReturnLength != NULL)
            *ReturnLength = Needed;
        if (Needed > Length)
            Status = STATUS_INFO_LENGTH_MISMATCH;
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
    if (InformationClass == ProcessImageFileName || InformationClass == ProcessHandleTracing)
        return PspQueryVariable(ProcessHandle, InformationClass, Buffer, Length, ReturnLength);
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
