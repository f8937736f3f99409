/*
 * IRPs that drivers send to other drivers: IoBuildAsynchronousFsdRequest,
 * IoBuildSynchronousFsdRequest and IoBuildDeviceIoControlRequest allocate an IRP and fill in the
 * first stack location and the buffers, as the Nt services do: steps (1) and (2) of the life of an
 * IRP (io.h). The driver goes on with (3).
 *
 * A synchronous one belongs to the running thread: it is on the thread's list, is finished there
 * by APC (status block written, event set) and freed by the I/O manager. So APCs must be able to
 * run where the caller waits: PASSIVE_LEVEL, no guarded region. When IoCallDriver returns an
 * error at once, status block and event are left alone: look at them only after STATUS_PENDING.
 * An asynchronous one is the driver's own: its completion routine frees it.
 */
#include "iop.h"

static BOOLEAN
IopMajorHasBuffer(ULONG Major)
{
    return Major == IRP_MJ_READ || Major == IRP_MJ_WRITE;
}

/*
 * Allocates an IRP for IRP_MJ_READ, WRITE, FLUSH_BUFFERS, SHUTDOWN, PNP or POWER. Buffer is
 * system memory (any address the caller may touch); StartingOffset may be NULL. NULL if memory is
 * short or a direct buffer cannot be locked. IRQL <= APC_LEVEL.
 */
PIRP NTAPI
IoBuildAsynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject, PVOID Buffer,
                              ULONG Length,
                              PLARGE_INTEGER StartingOffset, PIO_STATUS_BLOCK IoStatusBlock)
{
    PIRP               Irp;
    PIO_STACK_LOCATION Sp;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    Irp = IoAllocateIrp(DeviceObject->StackSize, FALSE);        // (1)
    if (Irp == NULL)
        return NULL;

    Sp = IoGetNextIrpStackLocation(Irp);
    Sp->MajorFunction = (UCHAR)MajorFunction;
    Irp->Tail.Overlay.Thread = PsGetCurrentThread();
    Irp->UserIosb = IoStatusBlock;
    if (!IopMajorHasBuffer(MajorFunction))
        return Irp;

    Sp->Parameters.Read.Length = Length;
    if (StartingOffset != NULL)
        Sp->Parameters.Read.ByteOffset = *StartingOffset;
    __try {
        IopSetTransferBuffer(Irp, DeviceObject->Flags, Buffer, Length, KernelMode,
                             MajorFunction == IRP_MJ_WRITE);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        IopFreeBuffers(Irp);
        IoFreeIrp(Irp);
        return NULL;
    }
    return Irp;
}

/* The same for a caller that waits: Event is set when the IRP is finished. PASSIVE_LEVEL. */
PIRP NTAPI
IoBuildSynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject, PVOID Buffer,
                             ULONG Length,
                             PLARGE_INTEGER StartingOffset, PKEVENT Event,
                             PIO_STATUS_BLOCK IoStatusBlock)
{
    PIRP Irp;

    PAGED_CODE();

    Irp = IoBuildAsynchronousFsdRequest(MajorFunction, DeviceObject, Buffer, Length,
                                        StartingOffset, IoStatusBlock);
    if (Irp == NULL)
        return NULL;

    Irp->UserEvent = Event;
    IopQueueThreadIrp(Irp);                                     // (2)
    return Irp;
}

/*
 * An IRP_MJ_DEVICE_CONTROL (or IRP_MJ_INTERNAL_DEVICE_CONTROL) IRP for a caller that waits for
 * Event. Buffers are system memory, handled by IoControlCode's method. NULL if memory is short or
 * a direct buffer cannot be locked. PASSIVE_LEVEL.
 */
PIRP NTAPI
IoBuildDeviceIoControlRequest(ULONG IoControlCode, PDEVICE_OBJECT DeviceObject, PVOID InputBuffer,
                              ULONG InputBufferLength,
                              PVOID OutputBuffer, ULONG OutputBufferLength,
                              BOOLEAN InternalDeviceIoControl,
                              PKEVENT Event, PIO_STATUS_BLOCK IoStatusBlock)
{
    PIRP               Irp;
    PIO_STACK_LOCATION Sp;

    PAGED_CODE();

    Irp = IoAllocateIrp(DeviceObject->StackSize, FALSE);
    if (Irp == NULL)
        return NULL;

    Sp = IoGetNextIrpStackLocation(Irp);
    Sp->MajorFunction = InternalDeviceIoControl
        ? IRP_MJ_INTERNAL_DEVICE_CONTROL : IRP_MJ_DEVICE_CONTROL;
    __try {
        IopSetControlBuffers(Irp, Sp, IoControlCode, InputBuffer, InputBufferLength, OutputBuffer,
                             OutputBufferLength,
                             KernelMode);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        IopFreeBuffers(Irp);
        IoFreeIrp(Irp);
        return NULL;
    }

    Irp->Tail.Overlay.Thread = PsGetCurrentThread();
    Irp->UserIosb = IoStatusBlock;
    Irp->UserEvent = Event;
    IopQueueThreadIrp(Irp);
    return Irp;
}
