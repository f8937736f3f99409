/*
 * Process parameters on their way from the creator to the new process.
 *
 * The creator hands over one block whose pointers point into it. It is captured once into pool,
 * every pointer is checked to lie inside and turned into an offset; in the new process the block
 * is copied to fresh memory and the offsets become pointers again.
 */
#include "ps/psp.h"
#include "ps/param.h"

#define PSP_MAXIMUM_PARAMETERS  0x10000

static VOID
PspEachString(PRTL_USER_PROCESS_PARAMETERS P, PUNICODE_STRING Strings[4])
{
    Strings[0] = &P->CurrentDirectory.DosPath;
    Strings[1] = &P->DllPath;
    Strings[2] = &P->ImagePathName;
    Strings[3] = &P->CommandLine;
}

/* Turns the pointers of the captured block, which stood at Original, into offsets. */
static NTSTATUS
PspMakeOffsets(PRTL_USER_PROCESS_PARAMETERS Block, ULONG Length, ULONG_PTR Original)
{
    PUNICODE_STRING Strings[4];
    ULONG_PTR       Offset;
    ULONG           Index;

    PspEachString(Block, Strings);
    for (Index = 0; Index < 4; Index++) {
        if (Strings[Index]->Length == 0) {
            RtlZeroMemory(Strings[Index], sizeof *Strings[Index]);
            continue;
        }
        Offset = (ULONG_PTR)Strings[Index]->Buffer - Original;
        if (Strings[Index]->MaximumLength < Strings[Index]->Length ||
            (Strings[Index]->Length & 1) != 0 ||
            Offset >= Length || Length - Offset < Strings[Index]->MaximumLength)
            return STATUS_INVALID_PARAMETER;
        Strings[Index]->Buffer = (PWCH)Offset;
    }
    Offset = (ULONG_PTR)Block->Environment - Original;
    if (Block->Environment != NULL && Offset >= Length)
        return STATUS_INVALID_PARAMETER;
    Block->Environment = Block->Environment == NULL ? NULL : (PVOID)Offset;
    return STATUS_SUCCESS;
}

NTSTATUS
PspCaptureParameters(PRTL_USER_PROCESS_PARAMETERS Source, KPROCESSOR_MODE Mode,
                     PRTL_USER_PROCESS_PARAMETERS *Captured)
{
    PRTL_USER_PROCESS_PARAMETERS Block = NULL;
    ULONG    Length;
    NTSTATUS Status = STATUS_SUCCESS;

    *Captured = NULL;
    __try {
        if (Mode != KernelMode)
            ProbeForRead(Source, sizeof *Source, sizeof(ULONG));
        Length = *(volatile ULONG *)&Source->MaximumLength;
        if (Length < sizeof *Source || Length > PSP_MAXIMUM_PARAMETERS)
            return STATUS_INVALID_PARAMETER;
        if (Mode != KernelMode)
            ProbeForRead(Source, Length, sizeof(ULONG));
        Block = ExAllocatePoolWithTag(PagedPool, Length, PSP_TAG_PARAM);
        if (Block == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        RtlCopyMemory(Block, Source, Length);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }

    if (NT_SUCCESS(Status)) {
        Block->MaximumLength = Block->Length = Length;
        Status = PspMakeOffsets(Block, Length, (ULONG_PTR)Source);
    }
    if (!NT_SUCCESS(Status)) {
        if (Block != NULL)
            ExFreePoolWithTag(Block, PSP_TAG_PARAM);
        return Status;
    }
    *Captured = Block;
    return STATUS_SUCCESS;
}

/* In the new process: memory for the block, pointers again. */
NTSTATUS
PspPlaceParameters(const RTL_USER_PROCESS_PARAMETERS *Captured,
                   PRTL_USER_PROCESS_PARAMETERS *Placed)
{
    PRTL_USER_PROCESS_PARAMETERS Block = NULL;
    PUNICODE_STRING Strings[4];
    ULONG    Index;
    NTSTATUS Status;

    Status = MmAllocateUserMemory((PVOID *)&Block, ROUND_UP(Captured->MaximumLength, PAGE_SIZE),
                                  MEM_RESERVE | MEM_COMMIT,
        PAGE_READWRITE);
    if (!NT_SUCCESS(Status))
        return Status;
    __try {
        RtlCopyMemory(Block, Captured, Captured->MaximumLength);
        PspEachString(Block, Strings);
        for (Index = 0; Index < 4; Index++)
            if (Strings[Index]->Length != 0)
                Strings[Index]->Buffer =
                    (PWCH)((ULONG_PTR)Strings[Index]->Buffer + (ULONG_PTR)Block);
        if (Block->Environment != NULL)
            Block->Environment = (PVOID)((ULONG_PTR)Block->Environment + (ULONG_PTR)Block);
        Block->Flags |= RTL_USER_PROC_PARAMS_NORMALIZED;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    *Placed = Block;
    return Status;
}
