/*
 * The buffers of an IRP: how a caller's memory becomes what a driver sees.
 *
 *   buffered   a system buffer in nonpaged pool (AssociatedIrp.SystemBuffer): input is copied in
 *              before the call, output is copied out in step (7), in the issuing thread
 *              (IRP_INPUT_OPERATION says so)
 *              (a short one lies in the IRP's own memory, with a guard behind it; others in pool)
 *   direct     an MDL over the caller's pages, probed and locked (MdlAddress)
 *   neither    the caller's address as it is (UserBuffer, Type3InputBuffer); the driver probes it
 *
 * Reads, writes and directory queries go by the device's DO_BUFFERED_IO and DO_DIRECT_IO, control
 * requests by the method in the low two bits of their code. The Set routines raise: the services
 * call them in a __try block, and IopFreeBuffers takes back whatever was made until then, because
 * each piece is in the IRP before the next step may raise.
 */
#include "iop.h"

static inline VOID
IopSetSystemBuffer(PIRP Irp, ULONG Length)
{
    PIOP_INLINE_BUFFER Inline = IopInlineBuffer(Irp);
    PVOID              Buffer;

    if (Length <= INLINE_LENGTH && Irp->StackCount <= SMALL_LOCATIONS
        && (Irp->AllocationFlags & IRP_ALLOCATED_FIXED_SIZE)) {
        Inline->Length = Length;
        *(ULONG64 UNALIGNED *)(Inline->Data + Length) = INLINE_GUARD;
        Irp->AssociatedIrp.SystemBuffer = Inline->Data;
        Irp->Flags |= IRP_BUFFERED_IO;
        return;
    }
    Buffer = ExAllocatePoolWithTag(NonPagedPool, Length, IOP_TAG_BUFFER);
    if (Buffer == NULL)
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    Irp->AssociatedIrp.SystemBuffer = Buffer;
    Irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER;
}

static inline VOID
IopWantOutput(PIRP Irp, ULONG Length)
{
    Irp->Flags |= IRP_INPUT_OPERATION;
    IopOutputLength(Irp) = Length;
}

static VOID
IopSetMdl(PIRP Irp, PVOID Buffer, ULONG Length, KPROCESSOR_MODE Mode, LOCK_OPERATION Operation)
{
    PMDL Mdl = IoAllocateMdl(Buffer, Length, FALSE, FALSE, Irp);

    if (Mdl == NULL)
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    MmProbeAndLockForIrp(Mdl, Mode, Operation);
}

VOID
IopSetTransferBuffer(PIRP Irp, ULONG DeviceFlags, PVOID Buffer, ULONG Length,
                     KPROCESSOR_MODE Mode, BOOLEAN Write)
{
    Irp->UserBuffer = Buffer;
    if (Length == 0)
        return;

    if (DeviceFlags & DO_BUFFERED_IO) {
        IopSetSystemBuffer(Irp, Length);
        if (Write)
            RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, Buffer, Length);
        else
            IopWantOutput(Irp, Length);
    } else if (DeviceFlags & DO_DIRECT_IO) {
        IopSetMdl(Irp, Buffer, Length, Mode, Write ? IoReadAccess : IoWriteAccess);
    }
}

static VOID
IopSetDirectControl(PIRP Irp, ULONG Method, PVOID Input, ULONG InputLength, PVOID Output,
                    ULONG OutputLength,
                    KPROCESSOR_MODE Mode)
{
    if (InputLength != 0) {
        IopSetSystemBuffer(Irp, InputLength);
        RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, Input, InputLength);
    }
    if (OutputLength != 0)
        IopSetMdl(Irp, Output, OutputLength, Mode, Method == METHOD_IN_DIRECT
                  ? IoReadAccess : IoWriteAccess);
}

VOID
IopSetControlBuffers(PIRP Irp, PIO_STACK_LOCATION Sp, ULONG Code, PVOID Input, ULONG InputLength,
                     PVOID Output,
                     ULONG OutputLength, KPROCESSOR_MODE Mode)
{
    ULONG Method = Code & 3;

    Sp->Parameters.DeviceIoControl.IoControlCode = Code;
    Sp->Parameters.DeviceIoControl.InputBufferLength = InputLength;
    Sp->Parameters.DeviceIoControl.OutputBufferLength = OutputLength;

    if (Method == METHOD_NEITHER) {
        Sp->Parameters.DeviceIoControl.Type3InputBuffer = Input;
        Irp->UserBuffer = Output;
        return;
    }
    if (Mode != KernelMode && InputLength != 0)
        ProbeForRead(Input, InputLength, 1);
    if (Method != METHOD_BUFFERED) {
        IopSetDirectControl(Irp, Method, Input, InputLength, Output, OutputLength, Mode);
        return;
    }

    if (Mode != KernelMode && OutputLength != 0)
        ProbeForWrite(Output, OutputLength, 1);
    if (InputLength != 0 || OutputLength != 0)
        IopSetSystemBuffer(Irp, max(InputLength, OutputLength));
    if (InputLength != 0)
        RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, Input, InputLength);
    if (OutputLength != 0) {
        Irp->UserBuffer = Output;
        IopWantOutput(Irp, OutputLength);
    }
}

VOID
IopUnlockMdls(PIRP Irp)
{
    for (PMDL Mdl = Irp->MdlAddress; Mdl != NULL; Mdl = Mdl->Next)
        if (Mdl->MdlFlags & MDL_PAGES_LOCKED)
            MmUnlockPages(Mdl);
}

VOID
IopFreeBuffers(PIRP Irp)
{
    PMDL Mdl = Irp->MdlAddress;

    if (Irp->Flags & IRP_DEALLOCATE_BUFFER) {
        ExFreePool(Irp->AssociatedIrp.SystemBuffer);
        Irp->Flags &= ~IRP_DEALLOCATE_BUFFER;
    }
    IopUnlockMdls(Irp);
    Irp->MdlAddress = NULL;
    while (Mdl != NULL) {
        PMDL Next = Mdl->Next;

        IoFreeMdl(Mdl);
        Mdl = Next;
    }
}
