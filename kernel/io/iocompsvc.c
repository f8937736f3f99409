/*
 * The services of completion ports; what they do it with is in iocomp.c.
 *
 * A port is made with the access the creator asks for: IO_COMPLETION_MODIFY_STATE to leave and to
 * take packets and to give the port to a file, IO_COMPLETION_QUERY_STATE to count them. Outputs
 * are probed before a packet is taken; a packet whose output has become bad meanwhile is lost, as
 * on Windows.
 */
#include "iocomp.h"

/* System service: makes a port. Count 0: as many threads as there are processors. */
NTSTATUS NTAPI
NtCreateIoCompletion(PHANDLE IoCompletionHandle, ACCESS_MASK DesiredAccess,
                     POBJECT_ATTRIBUTES ObjectAttributes, ULONG Count)
{
    KPROCESSOR_MODE Mode = IopThread()->PreviousMode;
    NTSTATUS        Status = ObProbeHandle(IoCompletionHandle, Mode);
    PIOP_PORT       Port;

    PAGED_CODE();

    if (NT_SUCCESS(Status))
        Status = ObCreateObject(Mode, IopCompletionObjectType, ObjectAttributes, Mode, NULL,
                                sizeof *Port, 0, 0, (PVOID *)&Port);
    if (!NT_SUCCESS(Status))
        return Status;
    KeInitializeQueue(&Port->Queue, Count != 0 ? Count : (ULONG)KeNumberProcessors);
    return ObInsertService(Port, DesiredAccess, IoCompletionHandle, Mode);
}

NTSTATUS NTAPI
NtOpenIoCompletion(PHANDLE IoCompletionHandle, ACCESS_MASK DesiredAccess,
                   POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ObOpenService(IoCompletionHandle, DesiredAccess, ObjectAttributes,
                         IopCompletionObjectType, NULL);
}

/* System service: class 0, how many packets there are. */
NTSTATUS NTAPI
NtQueryIoCompletion(HANDLE IoCompletionHandle, ULONG Class, PVOID Buffer, ULONG Length,
                    PULONG ReturnLength)
{
    KPROCESSOR_MODE Mode = IopThread()->PreviousMode;
    PIOP_PORT       Port;
    NTSTATUS        Status;
    LONG            Depth;

    PAGED_CODE();

    if (Class != 0)
        return STATUS_INVALID_INFO_CLASS;
    if (Length != sizeof Depth)
        return STATUS_INFO_LENGTH_MISMATCH;
    Status = ObReferenceObjectByHandle(IoCompletionHandle, IO_COMPLETION_QUERY_STATE,
                                       IopCompletionObjectType, Mode, (PVOID *)&Port, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    Depth = KeReadStateQueue(&Port->Queue);
    ObDereferenceObject(Port);
    return ObReturnBytes(Buffer, &Depth, sizeof Depth, ReturnLength, Mode);
}

/* System service: leaves a packet with what the caller says. */
NTSTATUS NTAPI
NtSetIoCompletion(HANDLE IoCompletionHandle, PVOID KeyContext, PVOID ApcContext,
                  NTSTATUS IoStatus, ULONG_PTR IoStatusInformation)
{
    PVOID    Port;
    NTSTATUS Status;

    PAGED_CODE();

    Status = ObReferenceObjectByHandle(IoCompletionHandle, IO_COMPLETION_MODIFY_STATE,
                                       IopCompletionObjectType, IopThread()->PreviousMode, &Port,
                                       NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = IopPostPacket(Port, KeyContext, ApcContext, IoStatus, IoStatusInformation);
    ObDereferenceObject(Port);
    return Status;
}

/* The port behind a handle, and the caller's time-out, captured; *Wait is NULL for ever. */
static NTSTATUS
IopBeginRemove(HANDLE Handle, KPROCESSOR_MODE Mode, PLARGE_INTEGER Timeout,
               PLARGE_INTEGER Captured, PLARGE_INTEGER *Wait, PIOP_PORT *Port)
{
    *Wait = NULL;
    __try {
        if (Timeout != NULL) {
            if (Mode != KernelMode)
                ProbeForRead(Timeout, sizeof *Timeout, sizeof(ULONG));
            Captured->QuadPart = *(volatile LONG64 *)&Timeout->QuadPart;
            *Wait = Captured;
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return ObReferenceObjectByHandle(Handle, IO_COMPLETION_MODIFY_STATE, IopCompletionObjectType,
                                     Mode, (PVOID *)Port, NULL);
}

/*
 * System service: takes a packet, waiting for it at most Timeout. STATUS_TIMEOUT, STATUS_USER_APC
 * (the thread ends), STATUS_ABANDONED.
 */
NTSTATUS NTAPI
NtRemoveIoCompletion(HANDLE IoCompletionHandle, PVOID *KeyContext, PVOID *ApcContext,
                     PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER Timeout)
{
    KPROCESSOR_MODE                Mode = IopThread()->PreviousMode;
    FILE_IO_COMPLETION_INFORMATION Result;
    LARGE_INTEGER                  Captured, *Wait;
    PIOP_PORT                      Port;
    NTSTATUS                       Status = STATUS_ACCESS_VIOLATION;

    PAGED_CODE();

    if (KeyContext != NULL && ApcContext != NULL && IoStatusBlock != NULL)
        Status = ObProbeOutput(KeyContext, sizeof(PVOID), Mode);
    if (NT_SUCCESS(Status))
        Status = ObProbeOutput(ApcContext, sizeof(PVOID), Mode);
    if (NT_SUCCESS(Status))
        Status = ObProbeOutput(IoStatusBlock, sizeof *IoStatusBlock, Mode);
    if (NT_SUCCESS(Status))
        Status = IopBeginRemove(IoCompletionHandle, Mode, Timeout, &Captured, &Wait, &Port);
    if (!NT_SUCCESS(Status))
        return Status;

    Status = IopTakePacket(Port, Mode, FALSE, Wait, &Result);
    ObDereferenceObject(Port);
    if (Status != STATUS_SUCCESS)
        return Status;
    __try {
        *KeyContext = Result.KeyContext;
        *ApcContext = Result.ApcContext;
        *IoStatusBlock = Result.IoStatusBlock;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    return Status;
}

static NTSTATUS
IopStorePacket(PFILE_IO_COMPLETION_INFORMATION To, const FILE_IO_COMPLETION_INFORMATION *Result)
{
    __try {
        *To = *Result;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

/* Takes up to Count packets, of which only the first is waited for, into the caller's array. */
static NTSTATUS
IopTakePackets(PIOP_PORT Port, PFILE_IO_COMPLETION_INFORMATION Array, ULONG Count, PULONG Taken,
               PLARGE_INTEGER Wait, BOOLEAN Alertable)
{
    KPROCESSOR_MODE                Mode = IopThread()->PreviousMode;
    LARGE_INTEGER                  Zero = { .QuadPart = 0 };
    FILE_IO_COMPLETION_INFORMATION Result;
    NTSTATUS                       Status = STATUS_SUCCESS;

    for (*Taken = 0; *Taken < Count; ++*Taken) {
        Status = IopTakePacket(Port, Mode, *Taken == 0 && Alertable, *Taken == 0 ? Wait : &Zero,
                               &Result);
        if (Status != STATUS_SUCCESS)
            break;
        Status = IopStorePacket(&Array[*Taken], &Result);
        if (!NT_SUCCESS(Status))
            return Status;
    }
    return *Taken != 0 ? STATUS_SUCCESS : Status;
}

/* System service: takes up to Count packets; Alertable: user APCs and alerts end the wait. */
NTSTATUS NTAPI
NtRemoveIoCompletionEx(HANDLE IoCompletionHandle,
                       PFILE_IO_COMPLETION_INFORMATION IoCompletionInformation, ULONG Count,
                       PULONG NumEntriesRemoved, PLARGE_INTEGER Timeout, BOOLEAN Alertable)
{
    KPROCESSOR_MODE Mode = IopThread()->PreviousMode;
    LARGE_INTEGER   Captured, *Wait;
    PIOP_PORT       Port;
    ULONG           Taken;
    NTSTATUS        Status;

    PAGED_CODE();

    if (Count == 0 || Count > MAXULONG / sizeof *IoCompletionInformation)
        return STATUS_INVALID_PARAMETER;
    if (Mode != KernelMode) {
        __try {
            ProbeForWrite(IoCompletionInformation, Count * sizeof *IoCompletionInformation,
                          sizeof(ULONG));
            ProbeForWrite(NumEntriesRemoved, sizeof(ULONG), sizeof(ULONG));
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            return GetExceptionCode();
        }
    }
    Status = IopBeginRemove(IoCompletionHandle, Mode, Timeout, &Captured, &Wait, &Port);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = IopTakePackets(Port, IoCompletionInformation, Count, &Taken, Wait, Alertable);
    ObDereferenceObject(Port);
    __try {
        *NumEntriesRemoved = Taken;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    return Status;
}
