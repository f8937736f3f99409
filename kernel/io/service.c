/*
 * What NtReadFile, NtWriteFile, NtDeviceIoControlFile, NtFsControlFile and NtQueryDirectoryFile
 * have in common: from a file handle to an IRP, to the driver, and back with a status.
 *
 *   IopBeginCall        handle -> file, event; a synchronous file's lock; events cleared
 *   IopAllocateCallIrp  an IRP for the top of the device stack, first stack location filled (step
 *                       1)
 *   (the service)       parameters and buffers
 *   IopFinishCall       steps 2, 3 and, if nothing pended, 7; waits if the file is synchronous
 *   IopEndCall          instead of the last: gives back what the first two took, when there is no
 *                       IRP to send
 *
 * A synchronous file (FO_SYNCHRONOUS_IO) carries one request at a time: Busy is taken before the
 * IRP is made and kept until it is finished, and the wait is for the file's own Event. The call's
 * reference to the file serves the IRP too; a request for another file has one of its own. The
 * wait is in the caller's mode, so that ending the thread ends the wait: the IRP is cancelled,
 * and waited for again, with patience but not for ever.
 */
#include "iop.h"

static __attribute__((noinline)) NTSTATUS
IopWaitForLock(PFILE_OBJECT File, KPROCESSOR_MODE Mode)
{
    BOOLEAN  Alertable = (File->Flags & FO_ALERTABLE_IO) != 0;
    NTSTATUS Status = STATUS_SUCCESS;

    InterlockedIncrement((volatile LONG *)&File->Waiters);
    while (InterlockedExchange((volatile LONG *)&File->Busy, TRUE) != FALSE) {
        Status = KeWaitForSingleObject(&File->Lock, Executive, Mode, Alertable, NULL);
        if (Status == STATUS_USER_APC || Status == STATUS_ALERTED)
            break;
        Status = STATUS_SUCCESS;
    }
    InterlockedDecrement((volatile LONG *)&File->Waiters);
    return Status;
}

/*
 * Takes the lock of a synchronous file. STATUS_USER_APC, STATUS_ALERTED: the wait was broken off,
 * and the lock is not held.
 */
NTSTATUS
IopLockFile(PFILE_OBJECT File, KPROCESSOR_MODE Mode)
{
    if (InterlockedExchange((volatile LONG *)&File->Busy, TRUE) == FALSE)
        return STATUS_SUCCESS;
    return IopWaitForLock(File, Mode);
}

VOID
IopUnlockFile(PFILE_OBJECT File)
{
    InterlockedExchange((volatile LONG *)&File->Busy, FALSE);
    if (File->Waiters != 0)
        KeSetEvent(&File->Lock, 0, FALSE);
}

static __attribute__((noinline)) NTSTATUS
IopReferenceEvent(PIOP_CALL Call, HANDLE EventHandle)
{
    NTSTATUS Status = ObReferenceObjectByHandle(EventHandle, EVENT_MODIFY_STATE,
                                                *ExEventObjectType, Call->Mode,
                                                (PVOID *)&Call->Event, NULL);

    if (NT_SUCCESS(Status))
        KeClearEvent(Call->Event);
    return Status;
}

NTSTATUS
IopBeginCall(PIOP_CALL Call, HANDLE FileHandle, ACCESS_MASK Access, HANDLE EventHandle)
{
    OBJECT_HANDLE_INFORMATION Handle;
    PFILE_OBJECT              File;
    NTSTATUS                  Status;

    Call->Mode = IopThread()->PreviousMode;
    Call->Event = NULL;
    Call->Irp = NULL;
    Call->Locked = FALSE;

    Status = ObReferenceObjectByHandle(FileHandle, Access, IopFileObjectType, Call->Mode,
                                       (PVOID *)&Call->File, &Handle);
    if (!NT_SUCCESS(Status))
        return Status;
    File = Call->File;
    Call->Granted = Handle.GrantedAccess;
    Call->Device = IopTopOf(File->DeviceObject);

    if (EventHandle != NULL)
        Status = IopReferenceEvent(Call, EventHandle);
    if (NT_SUCCESS(Status) && (File->Flags & FO_SYNCHRONOUS_IO)) {
        Status = IopLockFile(File, Call->Mode);
        Call->Locked = Status == STATUS_SUCCESS;
    }
    return Status == STATUS_SUCCESS ? Status : IopEndCall(Call, Status);
}

/* What IoAllocateIrp would do, but each field is written once. */
NTSTATUS
IopAllocateCallIrp(PIOP_CALL Call, UCHAR Major, PIO_APC_ROUTINE Apc, PVOID ApcContext,
                   PIO_STATUS_BLOCK Iosb)
{
    CCHAR              StackSize = Call->Device->StackSize;
    PIO_STACK_LOCATION Sp;
    UCHAR              Flags;
    PIRP               Irp;

    if (Apc != NULL && Call->File->CompletionContext != NULL)
        return STATUS_INVALID_PARAMETER;        // a request tells its end in one way
    Irp = IopTakeIrp(StackSize, &Flags);
    if (Irp == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    Irp->Type = IO_TYPE_IRP;
    IopOwnerLocation(Irp) = StackSize + 1;
    Irp->Size = IoSizeOfIrp(StackSize);
    Irp->MdlAddress = NULL;
    Irp->Flags = IRP_DEFER_IO_COMPLETION;
    Irp->AssociatedIrp.SystemBuffer = NULL;
    InitializeListHead(&Irp->ThreadListEntry);
    Irp->IoStatus.Pointer = NULL;
    Irp->IoStatus.Information = 0;
    Irp->RequestorMode = Call->Mode;
    Irp->PendingReturned = FALSE;
    Irp->StackCount = StackSize;
    Irp->CurrentLocation = StackSize + 1;
    Irp->Cancel = FALSE;
    Irp->CancelIrql = 0;
    Irp->ApcEnvironment = (CCHAR)IopThread()->ApcStateIndex;
    Irp->AllocationFlags = Flags;
    Irp->UserIosb = Iosb;
    Irp->UserEvent = Call->Event;
    Irp->Overlay.AsynchronousParameters.UserApcRoutine = Apc;
    Irp->Overlay.AsynchronousParameters.UserApcContext = ApcContext;
    Irp->CancelRoutine = NULL;
    Irp->UserBuffer = NULL;
    Irp->Tail.Overlay.Thread = PsGetCurrentThread();
    Irp->Tail.Overlay.AuxiliaryBuffer = NULL;
    Irp->Tail.Overlay.OriginalFileObject = Call->File;

    Sp = (PIO_STACK_LOCATION)(Irp + 1) + StackSize;
    Irp->Tail.Overlay.CurrentStackLocation = Sp;
    for (CCHAR Location = 1; Location < StackSize; Location++)
        (Sp - 1 - Location)->Control = 0;
    Sp--;
    *(PULONG)Sp = Major;                        // and no minor function, flags, control
    Sp->Parameters.Others.Argument1 = NULL;
    Sp->Parameters.Others.Argument2 = NULL;
    Sp->Parameters.Others.Argument3 = NULL;
    Sp->Parameters.Others.Argument4 = NULL;
    Sp->FileObject = Call->File;

    Call->Irp = Irp;
    Call->Sp = Sp;
    if (!Call->Locked)
        KeClearEvent(&Call->File->Event);
    return STATUS_SUCCESS;
}

NTSTATUS
IopEndCall(PIOP_CALL Call, NTSTATUS Status)
{
    if (Call->Irp != NULL) {
        IopFreeBuffers(Call->Irp);
        if (Call->Irp->Tail.Overlay.AuxiliaryBuffer != NULL)
            ExFreePool(Call->Irp->Tail.Overlay.AuxiliaryBuffer);
        IoFreeIrp(Call->Irp);
    }
    if (Call->Locked)
        IopUnlockFile(Call->File);
    if (Call->Event != NULL)
        ObDereferenceObject(Call->Event);
    ObDereferenceObject(Call->File);
    return Status;
}

/*
 * The wait of a synchronous request was broken off by an alert or by the thread's end: cancel it,
 * and wait on. At APC_LEVEL the IRP cannot be finished, so it is still there as long as the
 * file's event is not set. A thread that ends gives it up when the driver takes too long; one
 * that was alerted has buffers to lose and waits.
 */
static NTSTATUS
IopCancelWaited(PFILE_OBJECT File, PIRP Irp)
{
    LARGE_INTEGER Patience = { .QuadPart = -10000000LL * IopCancelPatience };
    BOOLEAN       Disowned = FALSE;
    KIRQL         Irql = KfRaiseIrql(APC_LEVEL);

    if (KeReadStateEvent(&File->Event) == 0 && !(Irp->AllocationFlags & IOP_IRP_FINISHING))
        IoCancelIrp(Irp);                       // (5)
    KeLowerIrql(Irql);

    while (KeWaitForSingleObject(&File->Event, Executive, KernelMode, FALSE,
                                 &Patience) == STATUS_TIMEOUT) {
        ObReferenceObject(File);                // the IRP's own, if it is disowned
        Irql = KfRaiseIrql(APC_LEVEL);
        if (KeReadStateEvent(&File->Event) == 0) {
            if (PspIsThreadTerminating(PsGetCurrentThread()))
                Disowned = IopDisownIrp(Irp);
            else if (!(Irp->AllocationFlags & IOP_IRP_FINISHING))
                IopReportHeldIrp(Irp, "cancelled", IopCancelPatience);
        }
        KeLowerIrql(Irql);
        if (Disowned)
            return STATUS_CANCELLED;
        ObDereferenceObject(File);
    }
    return File->FinalStatus;
}

/*
 * The driver has pended a synchronous file's request. At APC_LEVEL it is seen whether the
 * completion APC has run already (FinalStatus is set); if not, the event is cleared, to be set by
 * that APC, and the IRP goes to the thread's list (2). From here on nobody but that APC finishes
 * it, so a driver that completes it, or has, must have marked it pending.
 */
static NTSTATUS
IopWaitForFile(PFILE_OBJECT File, PIRP Irp, KPROCESSOR_MODE Mode)
{
    BOOLEAN  Alertable = (File->Flags & FO_ALERTABLE_IO) != 0;
    KIRQL    Irql = KfRaiseIrql(APC_LEVEL);
    BOOLEAN  Finished = File->FinalStatus != STATUS_PENDING;
    NTSTATUS Status;

    if (!Finished) {
        KeClearEvent(&File->Event);
        InsertTailList(&PsGetCurrentThread()->IrpList, &Irp->ThreadListEntry);
        InterlockedXor((volatile LONG *)&Irp->Flags, IRP_DEFER_IO_COMPLETION | IOP_IRP_AWAITED);
        if (Irp->CurrentLocation == Irp->StackCount + 2 && !Irp->PendingReturned)
            IopNotMarked(Irp);
    }
    KeLowerIrql(Irql);
    if (Finished)
        return File->FinalStatus;

    Status = KeWaitForSingleObject(&File->Event, Executive, Mode, Alertable, NULL);
    if (Status == STATUS_USER_APC || Status == STATUS_ALERTED)
        return IopCancelWaited(File, Irp);
    return File->FinalStatus;
}

__attribute__((noinline, cold)) VOID
IopNotCompleted(PIRP Irp, PDEVICE_OBJECT Device)
{
    PIO_STACK_LOCATION Top = (PIO_STACK_LOCATION)(Irp + 1) + Irp->StackCount - 1;
    PVOID Dispatch = Device->DriverObject->MajorFunction[Top->MajorFunction];

    if (Irp->Type != IO_TYPE_IRP)
        KiStopDriver(DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x23E, (ULONG_PTR)Dispatch,
                     (ULONG_PTR)Irp, (ULONG_PTR)Device, Dispatch,
                     "marked an IRP pending but did not return STATUS_PENDING");
    KiStopDriver(DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x226, (ULONG_PTR)Dispatch, (ULONG_PTR)Irp,
                 (ULONG_PTR)Device, Dispatch,
                 "returned something else than STATUS_PENDING, and the IRP is not completed");
}

static inline BOOLEAN
IopIsCompleted(PIRP Irp)
{
    return Irp->Type == IO_TYPE_IRP && Irp->CurrentLocation == Irp->StackCount + 2;
}

/* The IRP is on the thread's list, and has a reference to the file, before the driver sees it. */
static NTSTATUS
IopFinishAsynchronous(PIOP_CALL Call)
{
    PIRP     Irp = Call->Irp;
    NTSTATUS Status;
    KIRQL    Irql;

    ObReferenceObject(Call->File);
    IopQueueThreadIrp(Irp);                                     // (2)
    Status = IofCallDriver(Call->Device, Irp);                  // (3)
    if (Status != STATUS_PENDING) {
        if (!IopIsCompleted(Irp))
            IopNotCompleted(Irp, Call->Device);
        Irql = KfRaiseIrql(APC_LEVEL);
        Status = IopFinishIrp(Irp, Call->File, Irp->Tail.Overlay.AuxiliaryBuffer);  // (7)
        KeLowerIrql(Irql);
    }
    ObDereferenceObject(Call->File);
    return Status;
}

NTSTATUS
IopFinishCall(PIOP_CALL Call)
{
    PFILE_OBJECT File = Call->File;
    PETHREAD     Thread = PsGetCurrentThread();
    PIRP         Irp = Call->Irp, Outer = Thread->WaitedIrp;
    NTSTATUS     Status;

    if (!Call->Locked)
        return IopFinishAsynchronous(Call);

    File->FinalStatus = STATUS_PENDING;
    Thread->WaitedIrp = Irp;                                    // (2)
    Status = IofCallDriver(Call->Device, Irp);                  // (3)
    if (Status == STATUS_PENDING) {
        Status = IopWaitForFile(File, Irp, Call->Mode);
        Thread->WaitedIrp = Outer;
    } else {
        Thread->WaitedIrp = Outer;
        if (!IopIsCompleted(Irp))
            IopNotCompleted(Irp, Call->Device);
        Status = IopFinishIrp(Irp, File, Irp->Tail.Overlay.AuxiliaryBuffer);    // (7)
    }
    IopUnlockFile(File);
    ObDereferenceObject(File);
    return Status;
}

/*
 * (4) Waits until the driver sets the event of an IRP that it has pended: for ever, but reports it
 * at longer and longer intervals, in UserMode after the wait was broken off and the IRP cancelled.
 * An alert or an APC breaks off the wait for an alertable file, but not for its being opened.
 */
static DECLSPEC_NOINLINE VOID
IopAwaitIrp(PIRP Irp, PKEVENT Event, KPROCESSOR_MODE WaitMode)
{
    ULONG         Seconds = IopCancelPatience;
    PFILE_OBJECT  File = Irp->Tail.Overlay.OriginalFileObject;
    LARGE_INTEGER Time;
    BOOLEAN       Alertable = File != NULL && (File->Flags & FO_ALERTABLE_IO)
        && !(Irp->Flags & IRP_CREATE_OPERATION);

    if (WaitMode != KernelMode) {
        if (KeWaitForSingleObject(Event, Executive, WaitMode, Alertable, NULL) == STATUS_SUCCESS)
            return;
        IoCancelIrp(Irp);                                       // (5)
    }
    for (;; Seconds *= 2) {
        Time.QuadPart = -10000000LL * Seconds;
        if (KeWaitForSingleObject(Event, Executive, KernelMode, FALSE, &Time) != STATUS_TIMEOUT)
            return;
        IopReportHeldIrp(Irp, WaitMode == KernelMode ? "sent" : "cancelled", Seconds);
    }
}

NTSTATUS
IopCallAndWait(PDEVICE_OBJECT Device, PIRP Irp, PULONG_PTR Information, KPROCESSOR_MODE WaitMode)
{
    PETHREAD        Thread = PsGetCurrentThread();
    PIRP            Outer = Thread->WaitedIrp;
    IO_STATUS_BLOCK Iosb;
    KEVENT          Event;

    MAY_BLOCK();

    KiInitializeEvent(&Event, NotificationEvent, FALSE);
    Irp->Tail.Overlay.Thread = Thread;
    Thread->WaitedIrp = Irp;
    Irp->UserEvent = &Event;
    Irp->UserIosb = &Iosb;
    Irp->Flags |= IRP_SYNCHRONOUS_API;
    Irp->AllocationFlags |= IOP_IRP_WAITED;

    if (IofCallDriver(Device, Irp) == STATUS_PENDING)           // (3)
        IopAwaitIrp(Irp, &Event, WaitMode);
    else if (*(volatile LONG *)&Event.Header.SignalState == 0)
        IopNotCompleted(Irp, Device);

    Thread->WaitedIrp = Outer;
    if (Information != NULL)
        *Information = Iosb.Information;
    IoFreeIrp(Irp);                                             // (8)
    return Iosb.Status;
}
