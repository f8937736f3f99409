/*
 * How threads and processes end.
 *
 * A thread ends itself, by PspExitThread, at PASSIVE_LEVEL with nothing held. To end another one,
 * PspTerminateThread marks it and queues an APC that the thread meets when it next goes to user
 * mode or waits in user mode (such a wait is broken). System threads end only themselves.
 *
 * The order in PspExitThread: (1) outstanding IRPs are cancelled and waited for; (2) out of the
 * process' count of threads - whoever takes it to zero runs (3); (3) the process gives back its
 * handles in ascending order, then its memory, and is signalled; (4) the last APCs are run down;
 * (5) KeTerminateThread signals the thread and leaves the processor. Its stack is freed by the
 * reaper, a system thread: nobody can free the stack he stands on.
 */
#include "ps/psp.h"
#include "io/io.h"

#define PSP_OWN_ENVIRONMENT 0                   // the APC runs in the thread's own process

static LIST_ENTRY PspReaperList;                // ETHREAD.ReaperLink; guarded by KiDispatcherLock
static KEVENT     PspReaperEvent;

VOID
PspInitializeReaper(VOID)
{
    InitializeListHead(&PspReaperList);
    KeInitializeEvent(&PspReaperEvent, SynchronizationEvent, FALSE);
}

VOID
PspReaperEnqueue(PKTHREAD Thread)
{
    InsertTailList(&PspReaperList, &CONTAINING_RECORD(Thread, ETHREAD, Tcb)->ReaperLink);
    KiSetEventLocked(&PspReaperEvent);
}

/*
 * Takes one thread off the list, or NULL. The lock was held until the thread had left its stack:
 * now it has.
 */
static PETHREAD
PspNextDeadThread(VOID)
{
    PETHREAD Thread = NULL;
    KIRQL    OldIrql = KiAcquireDispatcherLock();

    if (!IsListEmpty(&PspReaperList))
        Thread = CONTAINING_RECORD(RemoveHeadList(&PspReaperList), ETHREAD, ReaperLink);
    KiExitDispatcher(OldIrql);
    return Thread;
}

NTAPI VOID
PspReaperThread(PVOID Context)
{
    PETHREAD Thread;

    for (;;) {
        KeWaitForSingleObject(&PspReaperEvent, Executive, KernelMode, FALSE, NULL);
        while ((Thread = PspNextDeadThread()) != NULL) {
            MmDeleteKernelStack(Thread->Tcb.StackBase);
            Thread->Tcb.StackBase = NULL;
            ObDereferenceObject(Thread);
        }
    }
}

/* The last thread of the process runs this, in the process. */
static VOID
PspExitProcess(PEPROCESS Process)
{
    PspCallProcessNotify(Process, FALSE);
    ObKillProcess(Process);
    MmCleanProcessAddressSpace(Process);

    KeQuerySystemTime(&Process->ExitTime);
    KeSetProcessSignal(&Process->Pcb);
    ObDereferenceObject(Process);               // its own; every thread still holds one
}

VOID
PspDestroyEmptyProcess(PEPROCESS Process, NTSTATUS Status)
{
    KAPC_STATE ApcState;

    Process->Exiting = TRUE;
    Process->ExitStatus = Status;
    KeStackAttachProcess(&Process->Pcb, &ApcState);
    PspExitProcess(Process);
    KeUnstackDetachProcess(&ApcState);
}

/* Takes the running thread out of its process' count; TRUE if it was the last. */
static BOOLEAN
PspLeaveProcess(PEPROCESS Process, PETHREAD Thread, NTSTATUS ExitStatus)
{
    BOOLEAN Last;

    ExAcquireFastMutex(&Process->ThreadLock);
    Thread->Terminated = TRUE;
    Thread->ExitStatus = ExitStatus;
    Last = --Process->ActiveThreads == 0;
    if (Last) {
        Process->Exiting = TRUE;
        if (Process->ExitStatus == STATUS_PENDING)
            Process->ExitStatus = ExitStatus;
    }
    ExReleaseFastMutex(&Process->ThreadLock);
    return Last;
}

/* Runs down what is still queued: an APC of a thread that ended is never delivered. */
static VOID
PspRundownApcs(PKTHREAD Thread, KPROCESSOR_MODE Mode)
{
    PLIST_ENTRY First = KeFlushQueueApc(Thread, Mode), Entry;
    PKAPC       Apc;

    if (First == NULL)
        return;
    Entry = First;
    do {
        Apc = CONTAINING_RECORD(Entry, KAPC, ApcListEntry);
        Entry = Entry->Flink;
        if (Apc == &CONTAINING_RECORD(Thread, ETHREAD, Tcb)->ExitApc || Apc == &Thread->SuspendApc)
            continue;
        if (Apc->RundownRoutine != NULL)
            Apc->RundownRoutine(Apc);
        else
            ExFreePool(Apc);
    } while (Entry != First);
}

DECLSPEC_NORETURN VOID
PspExitThread(NTSTATUS ExitStatus)
{
    PETHREAD  Thread = PsGetCurrentThread();
    PEPROCESS Process = Thread->ThreadsProcess;
    PVOID     Teb = Thread->Tcb.Teb;

    MAY_BLOCK();
    if (Thread->Tcb.ApcStateIndex != 0)
        KeBugCheckEx(INVALID_PROCESS_ATTACH_ATTEMPT, (ULONG_PTR)Process,
                     (ULONG_PTR)Thread->Tcb.ApcState.Process, 1, 0);

    Thread->Terminated = TRUE;
    KeLowerIrql(PASSIVE_LEVEL);
    IoCancelThreadIo(Thread);
    PspCallThreadNotify(Thread, FALSE);
    if (PspLeaveProcess(Process, Thread, ExitStatus))
        PspExitProcess(Process);
    else if (Teb != NULL)
        PspDeleteUserStack(Teb);
    KeQuerySystemTime(&Thread->ExitTime);

    KeEnterCriticalRegion();
    Thread->Tcb.ExitStatus = ExitStatus;
    PspRundownApcs(&Thread->Tcb, KernelMode);
    PspRundownApcs(&Thread->Tcb, UserMode);
    KeTerminateThread(IO_NO_INCREMENT);
}

/* The kernel routine of the APC that ends a thread; it does not return. */
VOID NTAPI
PspExitApcKernelRoutine(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                        PVOID *Argument1, PVOID *Argument2)
{
    PspExitThread(PsGetCurrentThread()->ExitStatus);
}

BOOLEAN
PspIsThreadTerminating(PETHREAD Thread)
{
    return Thread->Terminated;
}

/* Marks Thread under the lock; FALSE if it is on its way out already. */
static BOOLEAN
PspMarkThread(PETHREAD Thread, NTSTATUS Status)
{
    if (Thread->Terminated)
        return FALSE;
    Thread->Terminated = TRUE;
    Thread->ExitStatus = Status;
    return TRUE;
}

/* Sends the APC that makes a marked thread end. */
static VOID
PspSendExitApc(PETHREAD Thread)
{
    KeInitializeApc(&Thread->ExitApc, &Thread->Tcb, PSP_OWN_ENVIRONMENT, PspExitApcKernelRoutine,
                    NULL,
        (PKNORMAL_ROUTINE)PspExitApcKernelRoutine, UserMode, NULL);
    if (KeInsertQueueApc(&Thread->ExitApc, NULL, NULL, 2)) {
        KeForceResumeThread(&Thread->Tcb);
        KeBoostCurrentForTermination(&Thread->Tcb);
    }
}

NTSTATUS
PspTerminateThread(PETHREAD Thread, NTSTATUS Status)
{
    BOOLEAN Marked;

    if (Thread == PsGetCurrentThread())
        PspExitThread(Status);
    if (Thread->SystemThread)
        return STATUS_INVALID_PARAMETER;

    ExAcquireFastMutex(&Thread->ThreadsProcess->ThreadLock);
    Marked = PspMarkThread(Thread, Status);
    ExReleaseFastMutex(&Thread->ThreadsProcess->ThreadLock);
    if (Marked)
        PspSendExitApc(Thread);
    return STATUS_SUCCESS;
}

/*
 * Ends every thread of Process but Except, with Status; no new ones can come. The process' own
 * exit status is the first that anybody gave. STATUS_PROCESS_IS_TERMINATING: it has none left.
 */
NTSTATUS
PspTerminateProcess(PEPROCESS Process, NTSTATUS Status, PETHREAD Except)
{
    PLIST_ENTRY Link;
    PETHREAD    Thread;

    PAGED_CODE();

    if (Process == PsInitialSystemProcess)
        return STATUS_ACCESS_DENIED;

    ExAcquireFastMutex(&Process->ThreadLock);
    if (Process->Exiting && Process->ActiveThreads == 0) {
        ExReleaseFastMutex(&Process->ThreadLock);
        return STATUS_PROCESS_IS_TERMINATING;
    }
    Process->Exiting = TRUE;
    if (Process->ExitStatus == STATUS_PENDING && Except == NULL)
        Process->ExitStatus = Status;
    for (Link = Process->ThreadListHead.Flink; Link != &Process->ThreadListHead;
         Link = Link->Flink) {
        Thread = CONTAINING_RECORD(Link, ETHREAD, ThreadListEntry);
        if (Thread != Except && Thread != PsGetCurrentThread() && PspMarkThread(Thread, Status))
            PspSendExitApc(Thread);
    }
    ExReleaseFastMutex(&Process->ThreadLock);
    return STATUS_SUCCESS;
}
