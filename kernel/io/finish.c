/*
 * The end of an IRP in the thread that issued it: step (7) of the life of an IRP (io.h).
 *
 * Output of buffered requests goes to the caller's memory, the status block is written, events
 * are set, the user's APC is queued: all this needs the issuing thread's address space, so it
 * happens in that thread at APC_LEVEL. A service whose driver did not return STATUS_PENDING does
 * it itself on the way out, which costs no APC; otherwise IofCompleteRequest, on whatever
 * processor it runs, queues a special kernel APC (IopQueueFinish).
 *
 * An IRP that failed at once (an error, and no driver had returned STATUS_PENDING) leaves status
 * block, event and APC alone: the service's return value says it all.
 *
 * A thread that ends does not wait for ever: after IopCancelPatience seconds it disowns what a
 * driver still holds. Such an IRP has no thread any more, and is dropped when it is completed at
 * last. IopDisownLock decides between the two: either the APC is queued first (IOP_IRP_FINISHING)
 * and the thread waits for it, or the thread is taken out first.
 */
#include "iop.h"
#include "kd/kd.h"

static KSPIN_LOCK IopDisownLock;

/* The dispatch routine an IRP was sent to first, by which its driver is named. */
static PVOID
IopFirstDispatch(PIRP Irp)
{
    PIO_STACK_LOCATION Sp = (PIO_STACK_LOCATION)(Irp + 1) + Irp->StackCount - 1;

    if (Sp->DeviceObject == NULL)
        return _ReturnAddress();
    return Sp->DeviceObject->DriverObject->MajorFunction[Sp->MajorFunction];
}

__attribute__((noinline, cold)) VOID
IopNotMarked(PIRP Irp)
{
    IopStop(DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x23D, (ULONG_PTR)IopFirstDispatch(Irp),
            (ULONG_PTR)Irp, IopFirstDispatch(Irp),
            "returned STATUS_PENDING but did not mark the IRP pending");
}

/* What a driver did with a system buffer. */
static __attribute__((noinline, cold)) VOID
IopBadBuffer(PIRP Irp, ULONG Code, ULONG_PTR Rule, PCSTR Sentence)
{
    IopStop(Code, Rule, (ULONG_PTR)Irp->AssociatedIrp.SystemBuffer, (ULONG_PTR)Irp,
            IopFirstDispatch(Irp), Sentence);
}

static inline VOID
IopCheckInlineBuffer(PIRP Irp)
{
    PIOP_INLINE_BUFFER Inline = IopInlineBuffer(Irp);

    if (Irp->AssociatedIrp.SystemBuffer == Inline->Data
        && *(ULONG64 UNALIGNED *)(Inline->Data + Inline->Length) != INLINE_GUARD)
        IopBadBuffer(Irp, BAD_POOL_HEADER, 0x20, "wrote past the end of a system buffer");
}

/* Copies a buffered request's output to the caller, whose memory may have gone. */
static __attribute__((noinline)) VOID
IopCopyOut(PIRP Irp)
{
    if (Irp->IoStatus.Information > IopOutputLength(Irp) && IopOutputLength(Irp) != 0)
        IopBadBuffer(Irp, DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x312,
                     "completed an IRP with more in IoStatus.Information than its output buffer "
                     "has");
    __try {
        RtlCopyMemory(Irp->UserBuffer, Irp->AssociatedIrp.SystemBuffer, Irp->IoStatus.Information);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Irp->IoStatus.Status = GetExceptionCode();
        Irp->IoStatus.Information = 0;
    }
}

/* Information goes first: who polls Status must find it there. */
NTSTATUS
IopWriteStatusBlock(PIO_STATUS_BLOCK Iosb, NTSTATUS Status, ULONG_PTR Information)
{
    __try {
        Iosb->Information = Information;
        *(volatile NTSTATUS *)&Iosb->Status = Status;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return Status;
}

/* A synchronous file's event stays set between requests that do not pend; see service.c. */
static inline VOID
IopSignal(PIRP Irp, PFILE_OBJECT File, NTSTATUS Status)
{
    if (Irp->UserEvent != NULL)
        KeSetEvent(Irp->UserEvent, 0, FALSE);
    if (File != NULL && (Irp->UserEvent == NULL || (File->Flags & FO_SYNCHRONOUS_IO))) {
        File->FinalStatus = Status;
        if (File->Event.Header.SignalState == 0 && !(File->Flags & FO_SKIP_SET_EVENT))
            KeSetEvent(&File->Event, 0, FALSE);
    }
}

static VOID NTAPI
IopFreeUserApc(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext, PVOID *Argument1,
               PVOID *Argument2)
{
    IoFreeIrp(CONTAINING_RECORD(Apc, IRP, Tail.Apc));
}

static VOID NTAPI
IopRundownUserApc(PKAPC Apc)
{
    IoFreeIrp(CONTAINING_RECORD(Apc, IRP, Tail.Apc));
}

/* The IRP's last use is as the user's APC; the APC's kernel routine frees it. */
static BOOLEAN
IopQueueUserApc(PIRP Irp)
{
    PIO_APC_ROUTINE Routine = Irp->Overlay.AsynchronousParameters.UserApcRoutine;

    KeInitializeApc(&Irp->Tail.Apc, KeGetCurrentThread(), IOP_CURRENT_APC_ENVIRONMENT,
                    IopFreeUserApc,
                    IopRundownUserApc, (PKNORMAL_ROUTINE)(PVOID)Routine, Irp->RequestorMode,
                    Irp->Overlay.AsynchronousParameters.UserApcContext);
    return KeInsertQueueApc(&Irp->Tail.Apc, Irp->UserIosb, NULL, 2);
}

/*
 * A success that nobody had to wait for leaves no packet if the file says so. The caller's context
 * is part of the packet; without one it wants none.
 */
static inline BOOLEAN
IopWantsPacket(PIRP Irp, PFILE_OBJECT File, NTSTATUS Status)
{
    return File->CompletionContext != NULL
        && Irp->Overlay.AsynchronousParameters.UserApcContext != NULL
        && (!(File->Flags & FO_SKIP_COMPLETION_PORT) || Irp->PendingReturned
            || !NT_SUCCESS(Status));
}

/* The last use of an asynchronous file's IRP: the user's APC, the port's packet, or none. */
static VOID
IopTellAsynchronous(PIRP Irp, PFILE_OBJECT File, BOOLEAN Told, NTSTATUS Status)
{
    if (Told && Irp->Overlay.AsynchronousParameters.UserApcRoutine != NULL
        && IopQueueUserApc(Irp))
        return;
    if (Told && Irp->Overlay.AsynchronousParameters.UserApcRoutine == NULL
        && IopWantsPacket(Irp, File, Status))
        IopQueuePacket(Irp, File->CompletionContext);
    else
        IoFreeIrp(Irp);
}

/*
 * (7) and (8). File is the IRP's OriginalFileObject or NULL. A synchronous file's reference is
 * the service's (service.c).
 */
NTSTATUS
IopFinishIrp(PIRP Irp, PFILE_OBJECT File, PVOID Auxiliary)
{
    ULONG    Flags = Irp->Flags;
    NTSTATUS Status;
    BOOLEAN  Told;

    if (Flags & IRP_BUFFERED_IO) {
        IopCheckInlineBuffer(Irp);
        if ((Flags & IRP_INPUT_OPERATION) && !NT_ERROR(Irp->IoStatus.Status))
            IopCopyOut(Irp);
    }
    Status = Irp->IoStatus.Status;
    Told = !NT_ERROR(Status) || Irp->PendingReturned;
    if (Told && Irp->UserIosb != NULL)
        Status = IopWriteStatusBlock(Irp->UserIosb, Status, Irp->IoStatus.Information);
    if ((Flags & IRP_DEALLOCATE_BUFFER) || Irp->MdlAddress != NULL)
        IopFreeBuffers(Irp);
    if (Auxiliary != NULL)
        ExFreePool(Auxiliary);
    if (Irp->ThreadListEntry.Flink != &Irp->ThreadListEntry) {
        RemoveEntryList(&Irp->ThreadListEntry);
        InitializeListHead(&Irp->ThreadListEntry);
    }

    if (Told)
        IopSignal(Irp, File, Status);
    if (File != NULL && Irp->UserEvent != NULL && !(Flags & IRP_SYNCHRONOUS_API))
        ObDereferenceObject(Irp->UserEvent);
    if (File == NULL || (File->Flags & FO_SYNCHRONOUS_IO)) {
        if (!Told || Irp->Overlay.AsynchronousParameters.UserApcRoutine == NULL ||
            !IopQueueUserApc(Irp))
            IoFreeIrp(Irp);
        return Status;
    }
    IopTellAsynchronous(Irp, File, Told, Status);
    ObDereferenceObject(File);
    return Status;
}

/* The IRP may go before its thread has noticed: nobody must find it through WaitedIrp. */
static inline VOID
IopLeaveWaited(PIRP Irp)
{
    if (PsGetCurrentThread()->WaitedIrp == Irp)
        PsGetCurrentThread()->WaitedIrp = NULL;
}

static VOID NTAPI
IopFinishApc(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext, PVOID *Argument1,
             PVOID *Argument2)
{
    PIRP Irp = CONTAINING_RECORD(Apc, IRP, Tail.Apc);

    IopLeaveWaited(Irp);
    IopFinishIrp(Irp, *Argument1, *Argument2);
}

/* The thread is gone without having run the APC. */
static VOID NTAPI
IopRundownFinishApc(PKAPC Apc)
{
    PIRP Irp = CONTAINING_RECORD(Apc, IRP, Tail.Apc);

    if (Apc->SystemArgument2 != NULL)
        ExFreePool(Apc->SystemArgument2);
    IopDropIrp(Irp, Apc->SystemArgument1);
}

/* (8) alone: nobody is left to be told. */
VOID
IopDropIrp(PIRP Irp, PFILE_OBJECT File)
{
    IopFreeBuffers(Irp);
    InitializeListHead(&Irp->ThreadListEntry);
    if (File != NULL) {
        if (Irp->UserEvent != NULL && !(Irp->Flags & IRP_SYNCHRONOUS_API))
            ObDereferenceObject(Irp->UserEvent);
        ObDereferenceObject(File);
    }
    IoFreeIrp(Irp);
}

/*
 * Sends a completed IRP to its thread. IRQL <= DISPATCH_LEVEL. The APC overlays Tail.Overlay, so
 * what it needs is taken out.
 */
VOID
IopQueueFinish(PIRP Irp, CCHAR Boost)
{
    PFILE_OBJECT File = Irp->Tail.Overlay.OriginalFileObject;
    PVOID        Auxiliary = Irp->Tail.Overlay.AuxiliaryBuffer;
    PETHREAD     Thread;
    KIRQL        Irql;

    KeAcquireSpinLock(&IopDisownLock, &Irql);
    Thread = Irp->Tail.Overlay.Thread;
    if (Thread != NULL) {
        Irp->AllocationFlags |= IOP_IRP_FINISHING;
        KeInitializeApc(&Irp->Tail.Apc, &Thread->Tcb, Irp->ApcEnvironment, IopFinishApc,
                        IopRundownFinishApc, NULL,
                        KernelMode, NULL);
        if (!KeInsertQueueApc(&Irp->Tail.Apc, File, Auxiliary, Boost))
            Thread = NULL;
    } else if (!(Irp->AllocationFlags & IOP_IRP_DISOWNED)) {
        KeReleaseSpinLock(&IopDisownLock, Irql);
        IopStop(INCONSISTENT_IRP, (ULONG_PTR)Irp, 0, 0, IopFirstDispatch(Irp),
                "was sent an IRP of a driver's own that reached the top: the sender's completion "
                "routine must return STATUS_MORE_PROCESSING_REQUIRED and free it");
    }
    KeReleaseSpinLock(&IopDisownLock, Irql);

    if (Thread == NULL) {
        if (Auxiliary != NULL)
            ExFreePool(Auxiliary);
        IopDropIrp(Irp, File);
    }
}

VOID
IopReportHeldIrp(PIRP Irp, PCSTR Since, ULONG Seconds)
{
    PIO_STACK_LOCATION Sp = Irp->Tail.Overlay.CurrentStackLocation;
    PDRIVER_OBJECT     Driver;
    CHAR               Routine[96];

    if (Irp->CurrentLocation < 1 || Irp->CurrentLocation > Irp->StackCount
        || Sp->DeviceObject == NULL)
        return;
    Driver = Sp->DeviceObject->DriverObject;
    KdSymbolize((ULONG64)Driver->MajorFunction[Sp->MajorFunction], Routine, sizeof Routine);
    DbgPrint("io: %wZ holds IRP %p (major function %02x), which %s was given, %u seconds after it "
             "was %s\n", &Driver->DriverName, Irp, Sp->MajorFunction, Routine, Seconds, Since);
}

/*
 * Takes an IRP a driver does not give back off the running thread; its completion, if it ever
 * comes, drops it.
 */
BOOLEAN
IopDisownIrp(PIRP Irp)
{
    BOOLEAN Disowned = FALSE;
    KIRQL   Irql;

    KeAcquireSpinLock(&IopDisownLock, &Irql);
    if (!(Irp->AllocationFlags & IOP_IRP_FINISHING)) {
        if (Irp->CurrentLocation == Irp->StackCount + 2 && !Irp->PendingReturned)
            IopNotMarked(Irp);                  // completed, and nobody was to finish it
        IopReportHeldIrp(Irp, "cancelled", IopCancelPatience);
        for (PMDL Mdl = Irp->MdlAddress; Mdl != NULL; Mdl = Mdl->Next)
            if (Mdl->MdlFlags & MDL_PAGES_LOCKED)
                MmDisownPages(Mdl);
        IopLeaveWaited(Irp);
        RemoveEntryList(&Irp->ThreadListEntry);
        InitializeListHead(&Irp->ThreadListEntry);
        Irp->AllocationFlags |= IOP_IRP_DISOWNED;
        Irp->Tail.Overlay.Thread = NULL;
        Disowned = TRUE;
    }
    KeReleaseSpinLock(&IopDisownLock, Irql);
    return Disowned;
}
