/*
 * NtReadFile and NtWriteFile, the shortest way from a program to a driver and back.
 *
 * Where in the file: a synchronous file has CurrentByteOffset, used when the caller gives no
 * offset or the special one that asks for it; the driver of a file system moves it on. An
 * asynchronous file needs an offset with each request, named pipes and mailslots excepted.
 * Negative offsets are refused, but for a write's "at the end of the file", which is where a
 * handle with FILE_APPEND_DATA but not FILE_WRITE_DATA writes, whatever offset is given.
 *
 * Fast I/O: when a file system has set PrivateCacheMap and offers FastIoRead or FastIoWrite, a
 * synchronous request tries it first, and sends no IRP if it answers TRUE.
 *
 * The caller's memory is touched in IopPrepareTransfer only. Code in a __try block is compiled
 * without keeping anything in registers, so that routine holds no more than it must.
 */
#include "iop.h"

#define WRITE_AT_END    (-1LL)                  // FILE_WRITE_TO_END_OF_FILE, and -1 above it

/* The request, as the service was called. */
typedef struct _TRANSFER {
    PIO_STATUS_BLOCK Iosb;
    PVOID            Buffer;
    ULONG            Length;
    PLARGE_INTEGER   ByteOffset;
    PULONG           Key;
} TRANSFER;

static inline BOOLEAN
IopAppends(PIOP_CALL Call, BOOLEAN Write)
{
    return Write
        && (Call->Granted & (FILE_WRITE_DATA | FILE_APPEND_DATA)) == FILE_APPEND_DATA;
}

/* The offset the caller gave, captured, or NULL: is it one, and which? */
static NTSTATUS
IopResolveOffset(PIOP_CALL Call, PLARGE_INTEGER Given, BOOLEAN Write, PLARGE_INTEGER Offset)
{
    BOOLEAN Special = Given != NULL && Given->HighPart == -1;
    BOOLEAN UsePosition = Special && Given->LowPart == FILE_USE_FILE_POINTER_POSITION;
    BOOLEAN AtEnd = Special && Write && Given->LowPart == FILE_WRITE_TO_END_OF_FILE;

    if (IopAppends(Call, Write)) {
        Offset->QuadPart = WRITE_AT_END;
        return STATUS_SUCCESS;
    }
    if (Call->Locked && (Given == NULL || UsePosition)) {
        *Offset = Call->File->CurrentByteOffset;
        return STATUS_SUCCESS;
    }
    if (Given == NULL) {
        Offset->QuadPart = 0;
        return Call->File->Flags & (FO_NAMED_PIPE | FO_MAILSLOT) ? STATUS_SUCCESS
                                                                 : STATUS_INVALID_PARAMETER;
    }
    *Offset = *Given;
    return Given->QuadPart < 0 && !AtEnd ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

/* Offset and key are there, or the file is not synchronous; raises. */
static __attribute__((noinline)) NTSTATUS
IopCaptureOffset(PIOP_CALL Call, const TRANSFER *Transfer, BOOLEAN Write, PLARGE_INTEGER Offset,
                 PULONG Key)
{
    LARGE_INTEGER Given;

    if (Call->Mode != KernelMode) {
        if (Transfer->ByteOffset != NULL)
            ProbeForRead(Transfer->ByteOffset, sizeof Given, sizeof(ULONG));
        if (Transfer->Key != NULL)
            ProbeForRead(Transfer->Key, sizeof *Key, sizeof(ULONG));
    }
    if (Transfer->Key != NULL)
        *Key = *(volatile ULONG *)Transfer->Key;
    if (Transfer->ByteOffset == NULL)
        return IopResolveOffset(Call, NULL, Write, Offset);
    Given.QuadPart = *(volatile LONG64 *)&Transfer->ByteOffset->QuadPart;
    return IopResolveOffset(Call, &Given, Write, Offset);
}

/*
 * A program's buffer and status block; raises. What a write reads is touched when it is copied.
 */
static inline VOID
IopProbeTransfer(const TRANSFER *Transfer, BOOLEAN Write)
{
    IopProbeStatusBlock(Transfer->Iosb, UserMode);
    if (Write)
        ProbeForRead(Transfer->Buffer, Transfer->Length, 1);
    else
        ProbeForWrite(Transfer->Buffer, Transfer->Length, 1);
}

/* Offset, key and buffer of the IRP; raises. */
static inline NTSTATUS
IopSetTransfer(PIOP_CALL Call, const TRANSFER *Transfer, BOOLEAN Write)
{
    PIO_STACK_LOCATION Sp = Call->Sp;
    ULONG              Key = 0;
    NTSTATUS           Status = STATUS_SUCCESS;

    if (Call->Mode != KernelMode)
        IopProbeTransfer(Transfer, Write);
    Sp->Parameters.Read.ByteOffset = Call->File->CurrentByteOffset;
    if (Transfer->ByteOffset != NULL || Transfer->Key != NULL || !Call->Locked
        || IopAppends(Call, Write))
        Status = IopCaptureOffset(Call, Transfer, Write, &Sp->Parameters.Read.ByteOffset, &Key);
    Sp->Parameters.Read.Length = Transfer->Length;
    Sp->Parameters.Read.Key = Key;
    if (NT_SUCCESS(Status))
        IopSetTransferBuffer(Call->Irp, Call->Device->Flags, Transfer->Buffer, Transfer->Length,
                             Call->Mode, Write);
    return Status;
}

static NTSTATUS
IopPrepareRead(PIOP_CALL Call, const TRANSFER *Transfer)
{
    __try {
        return IopSetTransfer(Call, Transfer, FALSE);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
}

static NTSTATUS
IopPrepareWrite(PIOP_CALL Call, const TRANSFER *Transfer)
{
    __try {
        return IopSetTransfer(Call, Transfer, TRUE);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
}

static __attribute__((noinline)) NTSTATUS
IopCaptureFastOffset(PIOP_CALL Call, const TRANSFER *Transfer, BOOLEAN Write,
                     PLARGE_INTEGER Offset, PULONG Key)
{
    __try {
        return IopCaptureOffset(Call, Transfer, Write, Offset, Key);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
}

/*
 * The short cut of a file with a cache: TRUE if the request is done, and the call ended with
 * *Status. The driver copies to or from the caller's buffer itself, inside __try; that the buffer
 * is the caller's own is seen here. Whatever is wrong with the arguments, the IRP will report.
 */
static inline __attribute__((always_inline)) BOOLEAN
IopFastTransfer(PIOP_CALL Call, const TRANSFER *Transfer, BOOLEAN Write, PNTSTATUS Status)
{
    PFAST_IO_DISPATCH Table = Call->Device->DriverObject->FastIoDispatch;
    PFAST_IO_READ     Routine = NULL;
    LARGE_INTEGER     Offset = Call->File->CurrentByteOffset;
    KIRQL             Irql = KeGetCurrentIrql();
    ULONG64           State = KiCalloutState();
    ULONG             Key = 0;
    BOOLEAN           Done;
    IO_STATUS_BLOCK   Result;

    if (Table != NULL)
        Routine = Write ? (PFAST_IO_READ)Table->FastIoWrite : Table->FastIoRead;
    if (Routine == NULL || !Call->Locked)
        return FALSE;
    if (Call->Mode != KernelMode && (!EX_IS_USER_RANGE(Transfer->Buffer, Transfer->Length, 1) ||
        !EX_IS_USER_RANGE(Transfer->Iosb, sizeof *Transfer->Iosb, 1)))
        return FALSE;
    if ((Transfer->ByteOffset != NULL || Transfer->Key != NULL || IopAppends(Call, Write)) &&
        !NT_SUCCESS(IopCaptureFastOffset(Call, Transfer, Write, &Offset, &Key)))
        return FALSE;
    Done = Routine(Call->File, &Offset, Transfer->Length, TRUE, Key, Transfer->Buffer, &Result,
                   Call->Device);
    KiCheckCallout(KiFastIoRoutine, Routine, Call->Device, Irql, State);
    if (!Done)
        return FALSE;
    if (Call->Event != NULL)
        KeSetEvent(Call->Event, 0, FALSE);
    *Status = IopEndCall(Call, IopWriteStatusBlock(Transfer->Iosb, Result.Status,
                                                   Result.Information));
    return TRUE;
}

/* A file without intermediate buffering moves whole sectors, from and to aligned memory. */
static __attribute__((noinline)) BOOLEAN
IopIsAligned(PIOP_CALL Call, const TRANSFER *Transfer)
{
    ULONG   Sector = max(Call->File->DeviceObject->SectorSize, 1);
    LONG64  Offset = Call->Sp->Parameters.Read.ByteOffset.QuadPart;

    return Transfer->Length % Sector == 0 && (Offset < 0 || Offset % Sector == 0)
        && ((ULONG_PTR)Transfer->Buffer & Call->Device->AlignmentRequirement) == 0;
}

/* What both services have in common. The compiler makes two routines of it. */
static inline __attribute__((always_inline)) NTSTATUS
IopTransfer(BOOLEAN Write, HANDLE FileHandle, HANDLE EventHandle, PIO_APC_ROUTINE Apc,
            PVOID ApcContext, const TRANSFER *Transfer)
{
    IOP_CALL Call;
    NTSTATUS Status;

    Status = IopBeginCall(&Call, FileHandle, Write ? 0 : FILE_READ_DATA, EventHandle);
    if (Status != STATUS_SUCCESS)
        return Status;
    if (Write && Call.Mode != KernelMode && !(Call.Granted & (FILE_WRITE_DATA | FILE_APPEND_DATA)))
        return IopEndCall(&Call, STATUS_ACCESS_DENIED);
    if (Call.File->PrivateCacheMap != NULL && IopFastTransfer(&Call, Transfer, Write, &Status))
        return Status;

    Status = IopAllocateCallIrp(&Call, Write ? IRP_MJ_WRITE : IRP_MJ_READ, Apc, ApcContext,
                                Transfer->Iosb);
    if (!NT_SUCCESS(Status))
        return IopEndCall(&Call, Status);
    Status = Write ? IopPrepareWrite(&Call, Transfer) : IopPrepareRead(&Call, Transfer);
    if (!NT_SUCCESS(Status))
        return IopEndCall(&Call, Status);

    Call.Irp->Flags |= Write ? IRP_WRITE_OPERATION : IRP_READ_OPERATION;
    if (Call.File->Flags & (FO_NO_INTERMEDIATE_BUFFERING | FO_WRITE_THROUGH)) {
        if (Call.File->Flags & FO_NO_INTERMEDIATE_BUFFERING) {
            if (Call.Mode != KernelMode && !IopIsAligned(&Call, Transfer))
                return IopEndCall(&Call, STATUS_INVALID_PARAMETER);
            Call.Irp->Flags |= IRP_NOCACHE;
        }
        if (Write && (Call.File->Flags & FO_WRITE_THROUGH))
            Call.Sp->Flags = SL_WRITE_THROUGH;
    }
    return IopFinishCall(&Call);
}

/*
 * System service: reads up to Length bytes. Event and Apc may be NULL. Returns STATUS_PENDING
 * only for a file that is not synchronous.
 */
NTSTATUS NTAPI
NtReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
           PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset,
           PULONG Key)
{
    TRANSFER Transfer = { IoStatusBlock, Buffer, Length, ByteOffset, Key };

    return IopTransfer(FALSE, FileHandle, Event, ApcRoutine, ApcContext, &Transfer);
}

/* System service: writes Length bytes; otherwise as NtReadFile. */
NTSTATUS NTAPI
NtWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
            PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset,
            PULONG Key)
{
    TRANSFER Transfer = { IoStatusBlock, Buffer, Length, ByteOffset, Key };

    return IopTransfer(TRUE, FileHandle, Event, ApcRoutine, ApcContext, &Transfer);
}
