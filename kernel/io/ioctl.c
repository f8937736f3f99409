/*
 * NtDeviceIoControlFile and NtFsControlFile: control codes.
 *
 * A code says how its buffers travel (bits 0-1, buffer.c) and what access the handle must have
 * (bits 14-15: FILE_READ_ACCESS, FILE_WRITE_ACCESS). A driver with a FastIoDeviceControl routine
 * is asked first, for device control codes; it works on the caller's own buffers under __try, and
 * answers FALSE when it wants an IRP.
 */
#include "iop.h"

/* A control request's own arguments. */
typedef struct _CONTROL_REQUEST {
    ULONG Code, InputLength, OutputLength;
    PVOID Input, Output;
} CONTROL_REQUEST;

static BOOLEAN
IopMayControl(PIOP_CALL Call, ULONG Code)
{
    ULONG Wanted = (Code >> 14) & (FILE_READ_ACCESS | FILE_WRITE_ACCESS);

    if (Call->Mode == KernelMode)
        return TRUE;
    if ((Wanted & FILE_READ_ACCESS) && !(Call->Granted & FILE_READ_DATA))
        return FALSE;
    return !(Wanted & FILE_WRITE_ACCESS) || (Call->Granted & FILE_WRITE_DATA);
}

/* TRUE if the driver has done it without an IRP. */
static BOOLEAN
IopTryFastControl(PIOP_CALL Call, CONTROL_REQUEST *Control, PIO_STATUS_BLOCK Result)
{
    PFAST_IO_DISPATCH Table = Call->Device->DriverObject->FastIoDispatch;
    KIRQL             Irql = KeGetCurrentIrql();
    ULONG64           State = KiCalloutState();
    BOOLEAN           Done = FALSE;

    if (Table == NULL || Table->SizeOfFastIoDispatch <= FIELD_OFFSET(FAST_IO_DISPATCH,
                                                                     FastIoDeviceControl)
        || Table->FastIoDeviceControl == NULL)
        return FALSE;
    if (Call->Mode != KernelMode && (Control->Code & 3) != METHOD_NEITHER) {
        if (Control->InputLength != 0)
            ProbeForRead(Control->Input, Control->InputLength, 1);
        if (Control->OutputLength != 0)
            ProbeForWrite(Control->Output, Control->OutputLength, 1);
    }
    __try {
        Done = Table->FastIoDeviceControl(Call->File, TRUE, Control->Input, Control->InputLength,
                                          Control->Output,
                                          Control->OutputLength, Control->Code, Result,
                                          Call->Device);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Result->Status = GetExceptionCode();
        Result->Information = 0;
        Done = TRUE;
    }
    KiCheckCallout(KiFastIoRoutine, Table->FastIoDeviceControl, Call->Device, Irql, State);
    return Done;
}

/* What finish.c does for an IRP that nobody had to wait for. */
static VOID
IopTellFastControl(PIOP_CALL Call, PVOID ApcContext, PIO_STATUS_BLOCK Result)
{
    PFILE_OBJECT File = Call->File;

    if (Call->Event != NULL && !((File->Flags & FO_SKIP_SET_FAST_IO) && NT_SUCCESS(Result->Status)))
        KeSetEvent(Call->Event, 0, FALSE);
    if (File->CompletionContext == NULL || ApcContext == NULL || NT_ERROR(Result->Status)
        || ((File->Flags & FO_SKIP_COMPLETION_PORT) && NT_SUCCESS(Result->Status)))
        return;
    if (!NT_SUCCESS(IopPostPacket(File->CompletionContext->Port, File->CompletionContext->Key,
                                  ApcContext, Result->Status, Result->Information)))
        Result->Status = STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS
IopFinishFastControl(PIOP_CALL Call, PVOID ApcContext, PIO_STATUS_BLOCK Result,
                     PIO_STATUS_BLOCK Iosb)
{
    Result->Status = IopWriteStatusBlock(Iosb, Result->Status, Result->Information);
    IopTellFastControl(Call, ApcContext, Result);
    return IopEndCall(Call, Result->Status);
}

static NTSTATUS
IopControl(UCHAR Major, HANDLE FileHandle, HANDLE EventHandle, PIO_APC_ROUTINE Apc,
           PVOID ApcContext,
           PIO_STATUS_BLOCK Iosb, CONTROL_REQUEST *Control)
{
    IO_STATUS_BLOCK Fast;
    IOP_CALL        Call;
    NTSTATUS        Status;

    Status = IopBeginCall(&Call, FileHandle, 0, EventHandle);
    if (Status != STATUS_SUCCESS)
        return Status;
    if (!IopMayControl(&Call, Control->Code))
        return IopEndCall(&Call, STATUS_ACCESS_DENIED);

    __try {
        IopProbeStatusBlock(Iosb, Call.Mode);
        if (Major == IRP_MJ_DEVICE_CONTROL && Apc == NULL &&
            IopTryFastControl(&Call, Control, &Fast))
            return IopFinishFastControl(&Call, ApcContext, &Fast, Iosb);
        Status = IopAllocateCallIrp(&Call, Major, Apc, ApcContext, Iosb);
        if (NT_SUCCESS(Status))
            IopSetControlBuffers(Call.Irp, Call.Sp, Control->Code, Control->Input,
                                 Control->InputLength,
                                 Control->Output, Control->OutputLength, Call.Mode);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    if (!NT_SUCCESS(Status))
        return IopEndCall(&Call, Status);
    return IopFinishCall(&Call);
}

/* System service: a control code for the device. */
NTSTATUS NTAPI
NtDeviceIoControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                      PIO_STATUS_BLOCK IoStatusBlock, ULONG IoControlCode, PVOID InputBuffer,
                      ULONG InputBufferLength,
                      PVOID OutputBuffer, ULONG OutputBufferLength)
{
    CONTROL_REQUEST Control = { IoControlCode, InputBufferLength, OutputBufferLength, InputBuffer,
                               OutputBuffer };

    return IopControl(IRP_MJ_DEVICE_CONTROL, FileHandle, Event, ApcRoutine, ApcContext,
                      IoStatusBlock, &Control);
}

/* System service: a control code for the file system. */
NTSTATUS NTAPI
NtFsControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                PIO_STATUS_BLOCK IoStatusBlock, ULONG FsControlCode, PVOID InputBuffer,
                ULONG InputBufferLength,
                PVOID OutputBuffer, ULONG OutputBufferLength)
{
    CONTROL_REQUEST Control = { FsControlCode, InputBufferLength, OutputBufferLength, InputBuffer,
                               OutputBuffer };

    return IopControl(IRP_MJ_FILE_SYSTEM_CONTROL, FileHandle, Event, ApcRoutine, ApcContext,
                      IoStatusBlock, &Control);
}
