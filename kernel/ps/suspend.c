/*
 * Suspending and resuming, a thread or all of a process.
 *
 * A thread's count says how often it was suspended; it runs at 0. Counts are changed under the
 * process' ThreadLock, under which threads are also told to end, so that a thread that was told is
 * never stopped again: it must run to its end. One that was suspended before is let go then.
 *
 * The caller may suspend itself. It stops when the lock is dropped, before this returns to user
 * mode.
 */
#include "ps/psp.h"

/* STATUS_THREAD_IS_TERMINATING, STATUS_SUSPEND_COUNT_EXCEEDED. */
static NTSTATUS
PspSuspendLocked(PETHREAD Thread, PULONG PreviousCount)
{
    if (Thread->Terminated)
        return STATUS_THREAD_IS_TERMINATING;
    __try {
        *PreviousCount = KeSuspendThread(&Thread->Tcb);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static NTSTATUS
PspResumeLocked(PETHREAD Thread, PULONG PreviousCount)
{
    *PreviousCount = KeResumeThread(&Thread->Tcb);
    return STATUS_SUCCESS;
}

VOID
PspStartThread(PETHREAD Thread, BOOLEAN Suspended)
{
    ULONG Count;

    if (Suspended) {
        ExAcquireFastMutex(&Thread->ThreadsProcess->ThreadLock);
        PspSuspendLocked(Thread, &Count);
        ExReleaseFastMutex(&Thread->ThreadsProcess->ThreadLock);
    }
    KeReadyThread(&Thread->Tcb);
}

static NTSTATUS
PspChangeThread(HANDLE ThreadHandle, PULONG PreviousCount,
                NTSTATUS (*Change)(PETHREAD Thread, PULONG PreviousCount))
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    PETHREAD Thread;
    ULONG    Count = 0;
    NTSTATUS Status;

    Status = ObProbeOutput(PreviousCount, sizeof Count, Mode);
    if (NT_SUCCESS(Status))
        Status = ObReferenceObjectByHandle(ThreadHandle, THREAD_SUSPEND_RESUME, PspThreadType,
                                           Mode, (PVOID *)&Thread, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    if (Thread->SystemThread && Mode != KernelMode) {
        ObDereferenceObject(Thread);
        return STATUS_ACCESS_DENIED;
    }
    ExAcquireFastMutex(&Thread->ThreadsProcess->ThreadLock);
    Status = Change(Thread, &Count);
    ExReleaseFastMutex(&Thread->ThreadsProcess->ThreadLock);
    ObDereferenceObject(Thread);
    if (NT_SUCCESS(Status) && PreviousCount != NULL)
        Status = ObReturnBytes(PreviousCount, &Count, sizeof Count, NULL, Mode);
    return Status;
}

NTSTATUS NTAPI
NtSuspendThread(HANDLE ThreadHandle, PULONG PreviousSuspendCount)
{
    PAGED_CODE();
    return PspChangeThread(ThreadHandle, PreviousSuspendCount, PspSuspendLocked);
}

NTSTATUS NTAPI
NtResumeThread(HANDLE ThreadHandle, PULONG PreviousSuspendCount)
{
    PAGED_CODE();
    return PspChangeThread(ThreadHandle, PreviousSuspendCount, PspResumeLocked);
}

/*
 * Every thread of the process once; one that cannot be suspended any more is left out.
 * STATUS_PROCESS_IS_TERMINATING: it ends, or has ended.
 */
static NTSTATUS
PspChangeProcess(HANDLE ProcessHandle,
                 NTSTATUS (*Change)(PETHREAD Thread, PULONG PreviousCount))
{
    PEPROCESS   Process;
    PLIST_ENTRY Link;
    ULONG       Count;
    NTSTATUS    Status;

    Status = ObReferenceObjectByHandle(ProcessHandle, PROCESS_SUSPEND_RESUME, PspProcessType,
                                       ExGetPreviousMode(), (PVOID *)&Process, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    if (Process == PsInitialSystemProcess) {
        ObDereferenceObject(Process);
        return STATUS_ACCESS_DENIED;
    }
    ExAcquireFastMutex(&Process->ThreadLock);
    if (Process->Exiting)
        Status = STATUS_PROCESS_IS_TERMINATING;
    else
        for (Link = Process->ThreadListHead.Flink; Link != &Process->ThreadListHead;
             Link = Link->Flink)
            Change(CONTAINING_RECORD(Link, ETHREAD, ThreadListEntry), &Count);
    ExReleaseFastMutex(&Process->ThreadLock);
    ObDereferenceObject(Process);
    return Status;
}

NTSTATUS NTAPI
NtSuspendProcess(HANDLE ProcessHandle)
{
    PAGED_CODE();
    return PspChangeProcess(ProcessHandle, PspSuspendLocked);
}

NTSTATUS NTAPI
NtResumeProcess(HANDLE ProcessHandle)
{
    PAGED_CODE();
    return PspChangeProcess(ProcessHandle, PspResumeLocked);
}
