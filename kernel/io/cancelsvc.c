/*
 * Cancellation from outside: NtCancelIoFile, NtCancelIoFileEx and NtCancelSynchronousIoFile ask
 * for step (5) of the life of an IRP (io.h).
 *
 * A thread's IRPs can be looked at by the thread itself only (iop.h). So a request of another
 * thread is cancelled by a special kernel APC sent there, which walks the list, cancels what is
 * meant and says how many there were. The APC breaks any wait but does not end it.
 *
 *                              whose           which                         waits for the end
 *   NtCancelIoFile             own thread      asynchronous, of the file     yes
 *   NtCancelIoFileEx           own process     of the file, by status block  no
 *   NtCancelSynchronousIoFile  another thread  synchronous, by status block  no
 *
 * The requests of a synchronous file and those the system waits for itself (an open, a query) are
 * found through ETHREAD.WaitedIrp: a thread is in one at a time, and in an inner one only while a
 * driver below the outer one makes calls of its own.
 */
#include "iop.h"

/* One thread's share of the work; on the stack of the one who waits for Done. */
typedef struct _CANCEL_APC {
    KAPC                    Apc;
    const IOP_CANCEL_SCOPE *Scope;
    ULONG                   Found;
    KEVENT                  Done;
} CANCEL_APC, *PCANCEL_APC;

static BOOLEAN
IopIsMeant(PIRP Irp, const IOP_CANCEL_SCOPE *Scope)
{
    return (Scope->File == NULL || Irp->Tail.Overlay.OriginalFileObject == Scope->File)
        && (Scope->Iosb == NULL || Irp->UserIosb == Scope->Iosb);
}

/* An open or a query can be cancelled, CLEANUP and CLOSE cannot. Own thread at APC_LEVEL. */
static ULONG
IopCancelSynchronous(const IOP_CANCEL_SCOPE *Scope)
{
    PIRP Irp = PsGetCurrentThread()->WaitedIrp;

    if (Irp == NULL || (Irp->AllocationFlags & IOP_IRP_FINISHING)
        || (Irp->Flags & IRP_CLOSE_OPERATION) || !IopIsMeant(Irp, Scope))
        return 0;
    IoCancelIrp(Irp);
    return 1;
}

ULONG
IopCancelMine(const IOP_CANCEL_SCOPE *Scope, BOOLEAN Cancel)
{
    PLIST_ENTRY Head = &PsGetCurrentThread()->IrpList, Entry, Next;
    KIRQL       Irql = KfRaiseIrql(APC_LEVEL);
    ULONG       Count = Scope->Synchronous ? IopCancelSynchronous(Scope) : 0;

    if (!Scope->Asynchronous)
        Head = NULL;
    for (Entry = Head != NULL ? Head->Flink : NULL; Entry != Head; Entry = Next) {
        PIRP Irp = CONTAINING_RECORD(Entry, IRP, ThreadListEntry);

        // only an APC could take IRPs off, and none runs here
        Next = Entry->Flink;
        if (Irp->AllocationFlags & IOP_IRP_FINISHING) {
            Count += !Cancel;                   // its Tail is an APC by now
        } else if (IopIsMeant(Irp, Scope)) {
            Count++;
            if (Cancel)
                IoCancelIrp(Irp);
        }
    }
    KeLowerIrql(Irql);
    return Count;
}

static VOID NTAPI
IopCancelApc(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext, PVOID *Argument1,
             PVOID *Argument2)
{
    PCANCEL_APC Request = CONTAINING_RECORD(Apc, CANCEL_APC, Apc);

    Request->Found = IopCancelMine(Request->Scope, TRUE);
    KeSetEvent(&Request->Done, 0, FALSE);       // the request is gone now
}

/* The thread has ended, and its requests with it. */
static VOID NTAPI
IopCancelRundown(PKAPC Apc)
{
    KeSetEvent(&CONTAINING_RECORD(Apc, CANCEL_APC, Apc)->Done, 0, FALSE);
}

/*
 * Cancels in Thread, which may be any; returns how many requests that were. A thread that keeps
 * APCs out for too long has none. PASSIVE_LEVEL.
 */
static ULONG
IopCancelIn(PETHREAD Thread, const IOP_CANCEL_SCOPE *Scope)
{
    LARGE_INTEGER Patience = { .QuadPart = -10000000LL * IopCancelPatience };
    CANCEL_APC    Request = { .Scope = Scope };

    if (Thread == PsGetCurrentThread())
        return IopCancelMine(Scope, TRUE);
    if (Thread->WaitedIrp == NULL && IsListEmpty(&Thread->IrpList))
        return 0;
    KeInitializeEvent(&Request.Done, NotificationEvent, FALSE);
    KeInitializeApc(&Request.Apc, &Thread->Tcb, IOP_CURRENT_APC_ENVIRONMENT, IopCancelApc,
                    IopCancelRundown, NULL, KernelMode, NULL);
    if (!KeInsertQueueApc(&Request.Apc, NULL, NULL, 0))
        return 0;
    if (KeWaitForSingleObject(&Request.Done, Executive, KernelMode, FALSE, &Patience)
        == STATUS_TIMEOUT && !KeRemoveQueueApc(&Request.Apc))
        KeWaitForSingleObject(&Request.Done, Executive, KernelMode, FALSE, NULL);
    return Request.Found;
}

static NTSTATUS
IopProbeResult(PIO_STATUS_BLOCK Iosb)
{
    __try {
        IopProbeStatusBlock(Iosb, IopThread()->PreviousMode);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static NTSTATUS
IopReferenceFile(HANDLE FileHandle, PFILE_OBJECT *File)
{
    return ObReferenceObjectByHandle(FileHandle, 0, IopFileObjectType, IopThread()->PreviousMode,
                                     (PVOID *)File, NULL);
}

/*
 * System service: cancels what the calling thread has outstanding on a file, and waits until it
 * is completed, or the thread is told to end. Other threads' requests stay.
 */
NTSTATUS NTAPI
NtCancelIoFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock)
{
    IOP_CANCEL_SCOPE Scope = { .Asynchronous = TRUE };
    NTSTATUS         Status = IopProbeResult(IoStatusBlock);

    PAGED_CODE();

    if (NT_SUCCESS(Status))
        Status = IopReferenceFile(FileHandle, &Scope.File);
    if (!NT_SUCCESS(Status))
        return Status;
    IopCancelMine(&Scope, TRUE);
    while (IopCancelMine(&Scope, FALSE) != 0 && !PspIsThreadTerminating(PsGetCurrentThread()))
        IopShortDelay();
    ObDereferenceObject(Scope.File);
    return IopWriteStatusBlock(IoStatusBlock, STATUS_SUCCESS, 0);
}

/*
 * System service: asks for the end of what any thread of the calling process has outstanding on a
 * file: all of it, or the request with the status block IoRequestToCancel. It may be completed
 * later. STATUS_NOT_FOUND: there is none.
 */
NTSTATUS NTAPI
NtCancelIoFileEx(HANDLE FileHandle, PIO_STATUS_BLOCK IoRequestToCancel,
                 PIO_STATUS_BLOCK IoStatusBlock)
{
    IOP_CANCEL_SCOPE Scope = { .Iosb = IoRequestToCancel, .Synchronous = TRUE,
                               .Asynchronous = TRUE };
    PETHREAD         Thread = NULL;
    ULONG            Found = 0;
    NTSTATUS         Status = IopProbeResult(IoStatusBlock);

    PAGED_CODE();

    if (NT_SUCCESS(Status))
        Status = IopReferenceFile(FileHandle, &Scope.File);
    if (!NT_SUCCESS(Status))
        return Status;
    while ((Thread = PsGetNextProcessThread(PsGetCurrentThread()->ThreadsProcess, Thread)) != NULL)
        Found += IopCancelIn(Thread, &Scope);
    ObDereferenceObject(Scope.File);
    return IopWriteStatusBlock(IoStatusBlock, Found != 0 ? STATUS_SUCCESS : STATUS_NOT_FOUND, 0);
}

/*
 * System service: asks for the end of the synchronous request a thread waits in, if it has the
 * status block IoRequestToCancel (NULL: whichever). The handle needs THREAD_TERMINATE.
 * STATUS_NOT_FOUND: it is in none.
 */
NTSTATUS NTAPI
NtCancelSynchronousIoFile(HANDLE ThreadHandle, PIO_STATUS_BLOCK IoRequestToCancel,
                          PIO_STATUS_BLOCK IoStatusBlock)
{
    IOP_CANCEL_SCOPE Scope = { .Iosb = IoRequestToCancel, .Synchronous = TRUE };
    PETHREAD         Thread;
    ULONG            Found;
    NTSTATUS         Status = IopProbeResult(IoStatusBlock);

    PAGED_CODE();

    if (NT_SUCCESS(Status))
        Status = ObReferenceObjectByHandle(ThreadHandle, THREAD_TERMINATE, *PsThreadType,
                                           IopThread()->PreviousMode, (PVOID *)&Thread, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    Found = IopCancelIn(Thread, &Scope);
    ObDereferenceObject(Thread);
    return IopWriteStatusBlock(IoStatusBlock, Found != 0 ? STATUS_SUCCESS : STATUS_NOT_FOUND, 0);
}
