/*
 * Copying between processes, through a kernel buffer: attach to one, read, attach to the other,
 * write. Either end may become invalid at any moment, for its own threads run on, so each half
 * stands in __try and the copy ends at the first fault.
 */
#include "mm/virtual.h"

#define MI_COPY_CHUNK   0x4000
#define MI_COPY_TAG     'pCmM'

/*
 * Copies between the current thread's buffer and Process' memory at Va, in Process' address
 * space.
 */
static NTSTATUS
MiCopyAttached(PEPROCESS Process, PVOID To, const VOID *From, SIZE_T Size)
{
    KAPC_STATE ApcState;
    NTSTATUS   Status = STATUS_SUCCESS;

    KeStackAttachProcess((PRKPROCESS)&Process->Pcb, &ApcState);
    __try {
        RtlCopyMemory(To, From, Size);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    KeUnstackDetachProcess(&ApcState);
    return Status;
}

/*
 * See mm.h. *Copied is what arrived; STATUS_PARTIAL_COPY if that is less than Size.
 * PASSIVE_LEVEL.
 */
NTSTATUS
MmCopyVirtualMemory(PEPROCESS From, PVOID Source, PEPROCESS To, PVOID Target, SIZE_T Size,
                    KPROCESSOR_MODE Mode,
    PSIZE_T Copied)
{
    PUCHAR   Buffer;
    SIZE_T   Done = 0, Chunk;
    NTSTATUS Status = STATUS_SUCCESS;

    MAY_BLOCK();

    *Copied = 0;
    if (Size == 0)
        return STATUS_SUCCESS;
    Buffer = ExAllocatePoolWithTag(PagedPool, min(Size, MI_COPY_CHUNK), MI_COPY_TAG);
    if (Buffer == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (; Done < Size && NT_SUCCESS(Status); Done += NT_SUCCESS(Status) ? Chunk : 0) {
        Chunk = min(Size - Done, MI_COPY_CHUNK - (((ULONG64)Source + Done) & (PAGE_SIZE - 1)));
        Chunk = min(Chunk, Size);
        Status = MiCopyAttached(From, Buffer, (PUCHAR)Source + Done, Chunk);
        if (NT_SUCCESS(Status))
            Status = MiCopyAttached(To, (PUCHAR)Target + Done, Buffer, Chunk);
    }
    ExFreePoolWithTag(Buffer, MI_COPY_TAG);
    *Copied = Done;
    return NT_SUCCESS(Status) ? STATUS_SUCCESS : STATUS_PARTIAL_COPY;
}

static BOOLEAN
MiIsUserRange(PVOID Va, SIZE_T Size)
{
    return (ULONG64)Va + Size >= (ULONG64)Va && (ULONG64)Va + Size <= MM_HIGHEST_USER + 1;
}

/* Both services: Remote is in the process, Local the caller's. */
static NTSTATUS
MiTransfer(HANDLE ProcessHandle, PVOID Remote, PVOID Local, SIZE_T Size, PSIZE_T Returned,
           BOOLEAN Write)
{
    KPROCESSOR_MODE Mode = KeGetPreviousMode();
    PEPROCESS       Process;
    SIZE_T          Copied = 0;
    NTSTATUS        Status;

    if (Mode != KernelMode && (!MiIsUserRange(Remote, Size) || !MiIsUserRange(Local, Size)))
        return STATUS_ACCESS_VIOLATION;
    __try {
        if (Mode != KernelMode && Returned != NULL)
            ProbeForWrite(Returned, sizeof(SIZE_T), sizeof(SIZE_T));
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    Status = ObReferenceObjectByHandle(ProcessHandle, Write ? PROCESS_VM_WRITE : PROCESS_VM_READ,
                                       *PsProcessType, Mode,
        (PVOID *)&Process, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    if (Write)
        Status = MmCopyVirtualMemory(PsGetCurrentProcess(), Local, Process, Remote, Size, Mode,
                                     &Copied);
    else
        Status = MmCopyVirtualMemory(Process, Remote, PsGetCurrentProcess(), Local, Size, Mode,
                                     &Copied);
    ObDereferenceObject(Process);

    __try {
        if (Returned != NULL)
            *Returned = Copied;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return Status;
}

/* Documented. PASSIVE_LEVEL. */
NTSTATUS NTAPI
NtReadVirtualMemory(HANDLE ProcessHandle, PVOID BaseAddress, PVOID Buffer, SIZE_T Size,
                    PSIZE_T Read)
{
    PAGED_CODE();
    return MiTransfer(ProcessHandle, BaseAddress, Buffer, Size, Read, FALSE);
}

/* Documented. PASSIVE_LEVEL. */
NTSTATUS NTAPI
NtWriteVirtualMemory(HANDLE ProcessHandle, PVOID BaseAddress, PVOID Buffer, SIZE_T Size,
                     PSIZE_T Written)
{
    PAGED_CODE();
    return MiTransfer(ProcessHandle, BaseAddress, Buffer, Size, Written, TRUE);
}
