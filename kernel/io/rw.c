/*
 * NtReadFile and NtWriteFile, the shortest way from a program to a driver and back.
 *
 * Where in the file: a synchronous file has CurrentByteOffset, used when the caller gives no
 * offset or the special one that asks for it; the driver of a file system moves it on. An
 * asynchronous file needs an offset with each request, named pipes and mailslots excepted.
 * Negative offsets are refused, but for a write's "at the end of the file".
 *
 * Fast I/O: when a file system has set PrivateCacheMap and offers FastIoRead or FastIoWrite, a
 * synchronous request tries it first, and sends no IRP if it answers TRUE.
 */
#include "iop.h"

/* The caller's parameters in kernel memory. */
typedef struct _TRANSFER {
    LARGE_INTEGER Offset;
    BOOLEAN       HasOffset;
    ULONG         Key;
} TRANSFER;

/* Probes what the caller passed, and captures it; raises. */
static inline VOID
IopCaptureTransfer(TRANSFER *Transfer, KPROCESSOR_MODE Mode, BOOLEAN Write, PIO_STATUS_BLOCK Iosb,
                   PVOID Buffer,
                   ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key)
{
    if (Mode != KernelMode) {
        IopProbeStatusBlock(Iosb, Mode);
        if (Write)
            ProbeForRead(Buffer, Length, 1);
        else
            ProbeForWrite(Buffer, Length, 1);
        if (ByteOffset != NULL)
            ProbeForRead(ByteOffset, sizeof *ByteOffset, sizeof(ULONG));
        if (Key != NULL)
            ProbeForRead(Key, sizeof *Key, sizeof(ULONG));
    }
    Transfer->HasOffset = ByteOffset != NULL;
    if (ByteOffset != NULL)
        Transfer->Offset = *ByteOffset;
    Transfer->Key = Key != NULL ? *Key : 0;
}

/* Decides where the request starts. */
static inline NTSTATUS
IopResolveOffset(PIOP_CALL Call, TRANSFER *Transfer, BOOLEAN Write)
{
    BOOLEAN UsePosition = Transfer->HasOffset && Transfer->Offset.HighPart == -1
                       && Transfer->Offset.LowPart == FILE_USE_FILE_POINTER_POSITION;
    BOOLEAN AtEnd = Write && Transfer->HasOffset && Transfer->Offset.HighPart == -1
                 && Transfer->Offset.LowPart == FILE_WRITE_TO_END_OF_FILE;

    if (Call->Locked && (!Transfer->HasOffset || UsePosition)) {
        Transfer->Offset = Call->File->CurrentByteOffset;
        return STATUS_SUCCESS;
    }
    if (!Transfer->HasOffset) {
        Transfer->Offset.QuadPart = 0;
        return Call->File->Flags & (FO_NAMED_PIPE | FO_MAILSLOT)
            ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    }
    if (Transfer->Offset.QuadPart < 0 && !AtEnd)
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

/* The file system's short cut; TRUE if the request is done and *Iosb says how. */
static BOOLEAN
IopTryFastTransfer(PIOP_CALL Call, TRANSFER *Transfer, BOOLEAN Write, PVOID Buffer, ULONG Length,
                   PIO_STATUS_BLOCK Iosb)
{
    PFAST_IO_DISPATCH Table = Call->Device->DriverObject->FastIoDispatch;
    BOOLEAN           Done = FALSE;

    if (Call->File->PrivateCacheMap == NULL || Table == NULL || !Call->Locked)
        return FALSE;
    __try {
        if (!Write && Table->FastIoRead != NULL)
            Done = Table->FastIoRead(Call->File, &Transfer->Offset, Length, TRUE, Transfer->Key,
                                     Buffer, Iosb,
                                     Call->Device);
        else if (Write && Table->FastIoWrite != NULL)
            Done = Table->FastIoWrite(Call->File, &Transfer->Offset, Length, TRUE, Transfer->Key,
                                      Buffer, Iosb,
                                      Call->Device);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        // the IRP will meet the same exception and report it
        Done = FALSE;
    }
    return Done && !NT_ERROR(Iosb->Status);
}

static NTSTATUS
IopFinishFast(PIOP_CALL Call, PIO_STATUS_BLOCK Result, PIO_STATUS_BLOCK Iosb)
{
    NTSTATUS Status = Result->Status;

    __try {
        *Iosb = *Result;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    if (Call->Event != NULL)
        KeSetEvent(Call->Event, 0, FALSE);
    return IopEndCall(Call, Status);
}

static inline __attribute__((always_inline)) NTSTATUS
IopTransfer(BOOLEAN Write, HANDLE FileHandle, HANDLE EventHandle, PIO_APC_ROUTINE Apc,
            PVOID ApcContext,
            PIO_STATUS_BLOCK Iosb, PVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset,
            PULONG Key)
{
    IO_STATUS_BLOCK Fast;
    IOP_CALL        Call;
    TRANSFER        Transfer;
    NTSTATUS        Status;

    Status = IopBeginCall(&Call, FileHandle, Write ? 0 : FILE_READ_DATA, EventHandle);
    if (Status != STATUS_SUCCESS)
        return Status;
    if (Write && Call.Mode != KernelMode && !(Call.Granted & (FILE_WRITE_DATA | FILE_APPEND_DATA)))
        return IopEndCall(&Call, STATUS_ACCESS_DENIED);

    __try {
        IopCaptureTransfer(&Transfer, Call.Mode, Write, Iosb, Buffer, Length, ByteOffset, Key);
        Status = IopResolveOffset(&Call, &Transfer, Write);
        if (NT_SUCCESS(Status) && IopTryFastTransfer(&Call, &Transfer, Write, Buffer, Length,
                                                     &Fast))
            return IopFinishFast(&Call, &Fast, Iosb);
        if (NT_SUCCESS(Status))
            Status = IopAllocateCallIrp(&Call, Write ? IRP_MJ_WRITE : IRP_MJ_READ, Apc,
                                        ApcContext, Iosb);
        if (NT_SUCCESS(Status))
            IopSetTransferBuffer(Call.Irp, Call.Device->Flags, Buffer, Length, Call.Mode, Write);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    if (!NT_SUCCESS(Status))
        return IopEndCall(&Call, Status);

    Call.Irp->Flags |= Write ? IRP_WRITE_OPERATION : IRP_READ_OPERATION;
    if (Call.File->Flags & FO_NO_INTERMEDIATE_BUFFERING)
        Call.Irp->Flags |= IRP_NOCACHE;
    if (Write && (Call.File->Flags & FO_WRITE_THROUGH))
        Call.Sp->Flags = SL_WRITE_THROUGH;
    Call.Sp->Parameters.Read.Length = Length;
    Call.Sp->Parameters.Read.Key = Transfer.Key;
    Call.Sp->Parameters.Read.ByteOffset = Transfer.Offset;
    return IopFinishCall(&Call);
}

/*
 * System service: reads up to Length bytes. Event and Apc may be NULL. Returns STATUS_PENDING
 * only for a file that is not synchronous.
 */
NTSTATUS NTAPI
NtReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
           PIO_STATUS_BLOCK IoStatusBlock,
           PVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key)
{
    return IopTransfer(FALSE, FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock, Buffer,
                       Length, ByteOffset, Key);
}

/* System service: writes Length bytes; otherwise as NtReadFile. */
NTSTATUS NTAPI
NtWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
            PIO_STATUS_BLOCK IoStatusBlock,
            PVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key)
{
    return IopTransfer(TRUE, FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock, Buffer,
                       Length, ByteOffset, Key);
}
