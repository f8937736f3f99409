/*
 * The end of a file: CLEANUP at the last handle, CLOSE at the last reference.
 *
 * The close procedure of the type File runs for each handle; the last one sends IRP_MJ_CLEANUP,
 * on which the driver completes what it still holds for the file. Requests on their way keep the
 * file object (each IRP has a reference), so IRP_MJ_CLOSE may come much later and in another
 * thread: from the delete procedure, when the last reference is gone. After it nothing of the
 * file is left, and the device's count goes down, which may delete the device or unload its
 * driver.
 *
 * When a process closes its last handle to a file that others still have open, its byte range locks
 * go (IRP_MN_UNLOCK_ALL).
 *
 * A file that was opened but whose handle could not be made never had a handle: the delete
 * procedure sends CLEANUP itself. Both IRPs must be sent, so an allocation that fails is tried
 * again.
 */
#include "iop.h"

static DECLSPEC_NOINLINE PIRP
IopInsistOnIrp(CCHAR StackSize)
{
    LARGE_INTEGER Delay = { .QuadPart = -CLOCK_INTERVAL_100NS };
    PIRP          Irp;

    while ((Irp = IoAllocateIrp(StackSize, FALSE)) == NULL)     // (1)
        KeDelayExecutionThread(KernelMode, FALSE, &Delay);
    return Irp;
}

static VOID
IopSendClose(PFILE_OBJECT File, UCHAR Major)
{
    PDEVICE_OBJECT     Device = IopTopOf(File->DeviceObject);
    PIRP               Irp = IoAllocateIrp(Device->StackSize, FALSE);   // (1)
    PIO_STACK_LOCATION Sp;

    if (Irp == NULL)
        Irp = IopInsistOnIrp(Device->StackSize);
    Sp = IoGetNextIrpStackLocation(Irp);
    Irp->Flags = IRP_CLOSE_OPERATION;
    Irp->Tail.Overlay.OriginalFileObject = File;
    Sp->MajorFunction = Major;
    Sp->FileObject = File;
    IopCallAndWait(Device, Irp, NULL, KernelMode);              // (3) to (8), never (5)
}

/* Close procedure of the type File. The counts are those before the handle went. */
VOID
IopCloseFile(PEPROCESS Process, PVOID Object, ACCESS_MASK Access, ULONG64 ProcessHandleCount,
             ULONG64 SystemHandleCount)
{
    PFILE_OBJECT File = Object;

    PAGED_CODE();

    if (!(File->Flags & FO_FILE_OPEN))
        return;
    if (SystemHandleCount != 1) {
        if (ProcessHandleCount == 1 && File->LockOperation)
            IopSendUnlock(File, IRP_MN_UNLOCK_ALL, KernelMode, NULL, NULL, 0);
        return;
    }
    IopSendClose(File, IRP_MJ_CLEANUP);
    InterlockedOr((volatile LONG *)&File->Flags, FO_CLEANUP_COMPLETE);
}

/* Delete procedure of the type File. */
VOID
IopDeleteFile(PVOID Object)
{
    PFILE_OBJECT   File = Object;
    PDEVICE_OBJECT Device = File->DeviceObject;

    PAGED_CODE();

    if (File->Flags & FO_FILE_OPEN) {
        if (!(File->Flags & FO_CLEANUP_COMPLETE))
            IopSendClose(File, IRP_MJ_CLEANUP);
        IopSendClose(File, IRP_MJ_CLOSE);
    }
    if (File->CompletionContext != NULL)
        IopReleaseFilePort(File);
    if (File->FileName.Buffer != NULL)
        ExFreePool(File->FileName.Buffer);
    if (Device != NULL)
        IopDereferenceDevice(Device);
}
