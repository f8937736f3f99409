/*
 * Thread objects: creation, start, look-up; system threads.
 *
 * A thread holds one reference on itself from creation until the reaper has its stack, and one on
 * its process until the object is deleted. PspCreateThread enters it in the process' list under
 * ThreadLock, where a process that is ending refuses it; from then on it can be told to end, even
 * before it first runs.
 */
#include "ps/psp.h"

/* First code of a system thread, at PASSIVE_LEVEL. */
static VOID NTAPI
PspSystemThreadStartup(PKSTART_ROUTINE StartRoutine, PVOID StartContext)
{
    KeLowerIrql(PASSIVE_LEVEL);
    StartRoutine(StartContext);
    PspExitThread(STATUS_SUCCESS);
}

/*
 * First code of a user thread; returning from here enters user mode at the context given at
 * creation.
 */
static VOID NTAPI
PspUserThreadStartup(PKSTART_ROUTINE StartRoutine, PVOID StartContext)
{
    PETHREAD Thread = PsGetCurrentThread();

    KeLowerIrql(PASSIVE_LEVEL);
    if (Thread->Terminated)
        PspExitThread(Thread->ExitStatus);
}

/* Enters the thread in its process' list, unless the process is ending. */
static NTSTATUS
PspInsertThread(PEPROCESS Process, PETHREAD Thread)
{
    NTSTATUS Status = STATUS_PROCESS_IS_TERMINATING;

    ExAcquireFastMutex(&Process->ThreadLock);
    if (!Process->Exiting) {
        InsertTailList(&Process->ThreadListHead, &Thread->ThreadListEntry);
        Process->ActiveThreads++;
        Status = STATUS_SUCCESS;
    }
    ExReleaseFastMutex(&Process->ThreadLock);
    return Status;
}

/* The user thread's ids are known only now: they go into its TEB. */
static VOID
PspSetTebClientId(PEPROCESS Process, PTEB Teb, PCLIENT_ID Cid)
{
    KAPC_STATE ApcState;

    KeStackAttachProcess(&Process->Pcb, &ApcState);
    __try {
        Teb->ClientId = *Cid;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        /* Another thread of the process freed the TEB: the thread will fault on its own. */
    }
    KeUnstackDetachProcess(&ApcState);
}

static NTSTATUS
PspFillThread(PETHREAD Thread, PEPROCESS Process, PPSP_USER_START Start,
              PKSTART_ROUTINE StartRoutine, PVOID StartContext)
{
    PVOID    Stack = MmCreateKernelStack();
    NTSTATUS Status;

    if (Stack == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeInitializeThread(&Thread->Tcb, Stack, (PUCHAR)Stack - KERNEL_STACK_PAGES * PAGE_SIZE,
        Start != NULL ? PspUserThreadStartup : PspSystemThreadStartup, StartRoutine, StartContext,
        Start != NULL ? &Start->Context : NULL, Start != NULL ? Start->Teb : NULL, &Process->Pcb);

    ObReferenceObject(Process);
    Thread->ThreadsProcess = Process;
    Status = ObAssignByToken(Thread, Process->Token);
    if (!NT_SUCCESS(Status))
        return Status;
    Thread->Cid.UniqueProcess = Process->UniqueProcessId;
    Thread->Cid.UniqueThread = ExCreateCid(Thread);
    if (Thread->Cid.UniqueThread == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (Start != NULL)
        PspSetTebClientId(Process, Start->Teb, &Thread->Cid);
    return PspInsertThread(Process, Thread);
}

NTSTATUS
PspCreateThread(PEPROCESS Process, KPROCESSOR_MODE Mode, POBJECT_ATTRIBUTES Attributes,
                PPSP_USER_START Start, PKSTART_ROUTINE StartRoutine, PVOID StartContext,
                PETHREAD *Thread)
{
    PETHREAD New;
    NTSTATUS Status;

    PAGED_CODE();

    Status = ObCreateObject(Mode, PspThreadType, Attributes, KernelMode, NULL, sizeof(ETHREAD), 0,
                            0, (PVOID *)&New);
    if (!NT_SUCCESS(Status))
        return Status;
    RtlZeroMemory(New, sizeof *New);
    InitializeListHead(&New->IrpList);
    New->ExitStatus = STATUS_PENDING;
    New->StartAddress = New->Win32StartAddress = (PVOID)StartRoutine;
    New->SystemThread = Start == NULL;
    KeQuerySystemTime(&New->CreateTime);

    Status = PspFillThread(New, Process, Start, StartRoutine, StartContext);
    if (!NT_SUCCESS(Status)) {
        ObDereferenceObject(New);
        return Status;
    }
    ObReferenceObject(New);                     // its own, until the reaper has been
    PspCallThreadNotify(New, TRUE);
    *Thread = New;
    return STATUS_SUCCESS;
}

/*
 * Documented. ProcessHandle NULL or of the System process: a system thread. IRQL: PASSIVE_LEVEL.
 * The handle is a kernel handle only if ObjectAttributes says so; the caller closes it.
 */
NTSTATUS NTAPI
PsCreateSystemThread(PHANDLE ThreadHandle, ULONG DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
    HANDLE ProcessHandle, PCLIENT_ID ClientId, PKSTART_ROUTINE StartRoutine, PVOID StartContext)
{
    PEPROCESS Process = PsInitialSystemProcess;
    PETHREAD  Thread;
    NTSTATUS  Status;

    PAGED_CODE();

    *ThreadHandle = NULL;
    if (ProcessHandle != NULL) {
        Status = ObReferenceObjectByHandle(ProcessHandle, PROCESS_CREATE_THREAD, PspProcessType,
                                           KernelMode,
            (PVOID *)&Process, NULL);
        if (!NT_SUCCESS(Status))
            return Status;
    } else {
        ObReferenceObject(Process);
    }

    Status = PspCreateThread(Process, KernelMode, ObjectAttributes, NULL, StartRoutine,
                             StartContext, &Thread);
    ObDereferenceObject(Process);
    if (!NT_SUCCESS(Status))
        return Status;
    if (ClientId != NULL)
        *ClientId = Thread->Cid;

    ObReferenceObject(Thread);                  // ObInsertObject drops the creator's
    Status = ObInsertObject(Thread, NULL, DesiredAccess, 0, NULL, ThreadHandle);
    if (!NT_SUCCESS(Status)) {
        Thread->ExitStatus = Status;
        Thread->Terminated = TRUE;
    }
    PspStartThread(Thread, FALSE);
    ObDereferenceObject(Thread);
    return Status;
}

/*
 * Documented: ends the calling system thread. STATUS_INVALID_PARAMETER if it is not one.
 */
NTSTATUS NTAPI
PsTerminateSystemThread(NTSTATUS ExitStatus)
{
    PAGED_CODE();
    if (!PsGetCurrentThread()->SystemThread)
        return STATUS_INVALID_PARAMETER;
    PspExitThread(ExitStatus);
}

NTSTATUS NTAPI
PsLookupThreadByThreadId(HANDLE ThreadId, PETHREAD *Thread)
{
    PAGED_CODE();
    *Thread = ExLookupCid(ThreadId, ThreadObject);
    return *Thread != NULL ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

HANDLE NTAPI
PsGetThreadId(PETHREAD Thread)
{
    return Thread->Cid.UniqueThread;
}

HANDLE NTAPI
PsGetThreadProcessId(PETHREAD Thread)
{
    return Thread->Cid.UniqueProcess;
}

BOOLEAN NTAPI
PsIsSystemThread(PETHREAD Thread)
{
    return Thread->SystemThread;
}

PEPROCESS NTAPI
IoThreadToProcess(PETHREAD Thread)
{
    return Thread->ThreadsProcess;
}
