/*
 * The services about alerts and user APCs. NtQueueApcThread queues an APC of its own pool block;
 * it is freed when the APC is delivered (its kernel routine) or when the thread ends first (its
 * rundown routine). It runs when the thread next waits alertably in user mode or calls
 * NtTestAlert.
 */
#include "ps/ps.h"
#include "sdk/ntabi.h"

#define PSP_TAG_APC 'cpAP'

static VOID NTAPI
PspFreeApc(PKAPC Apc)
{
    ExFreePoolWithTag(Apc, PSP_TAG_APC);
}

static VOID NTAPI
PspUserApcKernelRoutine(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
    PVOID *Argument1, PVOID *Argument2)
{
    PspFreeApc(Apc);
}

/*
 * Queues Routine(Argument1, Argument2, Argument3) to a thread's user mode. STATUS_UNSUCCESSFUL if
 * the thread is ending, STATUS_INVALID_HANDLE if it has no user mode.
 */
NTSTATUS NTAPI
NtQueueApcThread(HANDLE ThreadHandle, PVOID Routine, PVOID Argument1, PVOID Argument2,
    PVOID Argument3)
{
    PETHREAD Thread;
    PKAPC    Apc;
    NTSTATUS Status;

    PAGED_CODE();
    Status = ObReferenceObjectByHandle(ThreadHandle, THREAD_SET_CONTEXT, *PsThreadType,
        KeGetPreviousMode(), (PVOID *)&Thread, NULL);
    if (!NT_SUCCESS(Status))
        return Status;

    Status = STATUS_INVALID_HANDLE;
    if (Thread->SystemThread || (ULONG_PTR)Routine > MM_HIGHEST_USER)
        goto Done;
    Status = STATUS_NO_MEMORY;
    Apc = ExAllocatePoolWithTag(NonPagedPool, sizeof *Apc, PSP_TAG_APC);
    if (Apc == NULL)
        goto Done;
    KeInitializeApc(Apc, &Thread->Tcb, 0, PspUserApcKernelRoutine, PspFreeApc,
        (PKNORMAL_ROUTINE)Routine, UserMode, Argument1);
    Status = STATUS_SUCCESS;
    if (PspIsThreadTerminating(Thread) || !KeInsertQueueApc(Apc, Argument2, Argument3, 0)) {
        PspFreeApc(Apc);
        Status = STATUS_UNSUCCESSFUL;
    }
Done:
    ObDereferenceObject(Thread);
    return Status;
}

NTSTATUS NTAPI
NtAlertThread(HANDLE ThreadHandle)
{
    PETHREAD Thread;
    NTSTATUS Status;

    PAGED_CODE();
    Status = ObReferenceObjectByHandle(ThreadHandle, THREAD_ALERT, *PsThreadType,
        KeGetPreviousMode(), (PVOID *)&Thread, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    KeAlertThread(&Thread->Tcb, KeGetPreviousMode());
    ObDereferenceObject(Thread);
    return STATUS_SUCCESS;
}

/*
 * STATUS_ALERTED if an alert was waiting; user APCs that are queued run before the caller goes
 * on.
 */
NTSTATUS NTAPI
NtTestAlert(VOID)
{
    return KeTestAlertThread(KeGetPreviousMode()) ? STATUS_ALERTED : STATUS_SUCCESS;
}
