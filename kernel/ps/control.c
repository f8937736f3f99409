/*
 * Services that open and end processes and threads.
 */
#include "ps/psp.h"

/*
 * Captures a CLIENT_ID and checks the attributes; a name and an id exclude each other, and names
 * are not kept for these types.
 */
static NTSTATUS
PspCaptureClientId(PHANDLE Handle, POBJECT_ATTRIBUTES Attributes, PCLIENT_ID ClientId,
                   KPROCESSOR_MODE Mode, PCLIENT_ID Cid, PULONG Flags)
{
    PUNICODE_STRING Name;

    __try {
        if (Mode != KernelMode) {
            ProbeForWrite(Handle, sizeof(HANDLE), sizeof(HANDLE));
            ProbeForRead(Attributes, sizeof *Attributes, sizeof(HANDLE));
            if (ClientId != NULL)
                ProbeForRead(ClientId, sizeof *ClientId, sizeof(HANDLE));
        }
        Name = Attributes->ObjectName;
        *Flags = Attributes->Attributes & (Mode == KernelMode ? ~0UL : ~OBJ_KERNEL_HANDLE);
        if (ClientId != NULL)
            *Cid = *(volatile CLIENT_ID *)ClientId;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    if (Name != NULL || ClientId == NULL)
        return STATUS_INVALID_PARAMETER_MIX;
    return STATUS_SUCCESS;
}

/*
 * Opens a handle to Object, whose reference is dropped, and writes it to the caller. One with
 * SeDebugPrivilege may do everything to any process and thread.
 */
static NTSTATUS
PspReturnOpened(PVOID Object, ULONG Flags, ACCESS_MASK Access, POBJECT_TYPE Type,
                KPROCESSOR_MODE Mode, PHANDLE Result)
{
    ACCESS_STATE AccessState;
    HANDLE       Handle;
    NTSTATUS     Status;

    SeBeginAccessState(&AccessState, Access, &Type->TypeInfo.GenericMapping);
    if (SeHasPrivilege(SE_DEBUG_PRIVILEGE, Mode))
        SeGrantRemaining(&AccessState, &Type->TypeInfo.GenericMapping);
    Status = ObOpenObjectByPointer(Object, Flags, &AccessState, 0, Type, Mode, &Handle);
    SeEndAccessState(&AccessState);
    ObDereferenceObject(Object);
    if (!NT_SUCCESS(Status))
        return Status;
    __try {
        *Result = Handle;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
        ObCloseHandle(Handle, KernelMode);
    }
    return Status;
}

/* The process of an id; one that also names a thread means that thread's process. */
static PVOID
PspLookupProcess(PCLIENT_ID Cid)
{
    PEPROCESS Process = NULL;
    PETHREAD  Thread;

    if (Cid->UniqueThread == NULL)
        return ExLookupCid(Cid->UniqueProcess, ProcessObject);
    Thread = ExLookupCid(Cid->UniqueThread, ThreadObject);
    if (Thread == NULL)
        return NULL;
    if (Thread->Cid.UniqueProcess == Cid->UniqueProcess) {
        Process = Thread->ThreadsProcess;
        ObReferenceObject(Process);
    }
    ObDereferenceObject(Thread);
    return Process;
}

NTSTATUS NTAPI
NtOpenProcess(PHANDLE ProcessHandle, ACCESS_MASK DesiredAccess,
              POBJECT_ATTRIBUTES ObjectAttributes, PCLIENT_ID ClientId)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    CLIENT_ID Cid;
    PVOID     Object;
    ULONG     Flags;
    NTSTATUS  Status;

    PAGED_CODE();

    Status = PspCaptureClientId(ProcessHandle, ObjectAttributes, ClientId, Mode, &Cid, &Flags);
    if (!NT_SUCCESS(Status))
        return Status;
    Object = PspLookupProcess(&Cid);
    if (Object == NULL)
        return STATUS_INVALID_CID;
    return PspReturnOpened(Object, Flags, DesiredAccess, PspProcessType, Mode, ProcessHandle);
}

NTSTATUS NTAPI
NtOpenThread(PHANDLE ThreadHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
             PCLIENT_ID ClientId)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    CLIENT_ID Cid;
    PETHREAD  Thread;
    ULONG     Flags;
    NTSTATUS  Status;

    PAGED_CODE();

    Status = PspCaptureClientId(ThreadHandle, ObjectAttributes, ClientId, Mode, &Cid, &Flags);
    if (!NT_SUCCESS(Status))
        return Status;
    Thread = ExLookupCid(Cid.UniqueThread, ThreadObject);
    if (Thread == NULL)
        return STATUS_INVALID_CID;
    if (Cid.UniqueProcess != NULL && Thread->Cid.UniqueProcess != Cid.UniqueProcess) {
        ObDereferenceObject(Thread);
        return STATUS_INVALID_CID;
    }
    return PspReturnOpened(Thread, Flags, DesiredAccess, PspThreadType, Mode, ThreadHandle);
}

/*
 * ProcessHandle NULL ends every other thread of the caller's process and returns when none of them
 * can run in user mode any more; a program that exits does that first, and then ends itself with
 * NtCurrentProcess(). Another process may still have threads when this returns: it is signalled
 * when the last is gone.
 * STATUS_PROCESS_IS_TERMINATING: it has ended already.
 */
NTSTATUS NTAPI
NtTerminateProcess(HANDLE ProcessHandle, NTSTATUS ExitStatus)
{
    PEPROCESS Process;
    BOOLEAN   Self;
    NTSTATUS  Status;

    PAGED_CODE();

    if (ProcessHandle == NULL) {
        Process = PsGetCurrentThread()->ThreadsProcess;
        Status = PspTerminateProcess(Process, ExitStatus, PsGetCurrentThread());
        if (Process->ActiveThreads > 1)
            KiIpiFlushTb(NULL, TRUE);           // the interrupt is what counts: it delivers the APC
        return Status;
    }

    Status = ObReferenceObjectByHandle(ProcessHandle, PROCESS_TERMINATE, PspProcessType,
                                       ExGetPreviousMode(),
        (PVOID *)&Process, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = PspTerminateProcess(Process, ExitStatus, NULL);
    Self = Process == PsGetCurrentThread()->ThreadsProcess;
    ObDereferenceObject(Process);
    if (NT_SUCCESS(Status) && Self)
        PspExitThread(ExitStatus);
    return Status;
}

/*
 * ThreadHandle NULL is the calling thread, which may not be its process' last:
 * STATUS_CANT_TERMINATE_SELF.
 */
NTSTATUS NTAPI
NtTerminateThread(HANDLE ThreadHandle, NTSTATUS ExitStatus)
{
    PETHREAD Thread = PsGetCurrentThread();
    NTSTATUS Status;

    PAGED_CODE();

    if (ThreadHandle == NULL) {
        if (Thread->ThreadsProcess->ActiveThreads == 1)
            return STATUS_CANT_TERMINATE_SELF;
        PspExitThread(ExitStatus);
    }
    Status = ObReferenceObjectByHandle(ThreadHandle, THREAD_TERMINATE, PspThreadType,
                                       ExGetPreviousMode(),
        (PVOID *)&Thread, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    if (Thread == PsGetCurrentThread()) {
        ObDereferenceObject(Thread);
        PspExitThread(ExitStatus);
    }
    Status = PspTerminateThread(Thread, ExitStatus);
    ObDereferenceObject(Thread);
    return Status;
}
