/*
 * The services on a process' memory. Each captures its pointer parameters once, under __try when
 * they are a program's, resolves the process handle with the access it needs, does its work
 * attached to that process (allocate.c), and writes the results back.
 *
 * A service that has done its work does not undo it because the results could not be written: the
 * caller's own pointers were bad, and they were probed before.
 */
#include "mm/virtual.h"

NTSTATUS
MiAttachTarget(HANDLE Handle, ACCESS_MASK Access, PMI_TARGET Target)
{
    NTSTATUS Status = STATUS_SUCCESS;

    Target->Attached = FALSE;
    if (Handle == NtCurrentProcess()) {
        Target->Process = PsGetCurrentProcess();
        ObReferenceObject(Target->Process);
    } else {
        Status = ObReferenceObjectByHandle(Handle, Access, *PsProcessType, KeGetPreviousMode(),
            (PVOID *)&Target->Process, NULL);
    }
    if (!NT_SUCCESS(Status))
        return Status;
    if (Target->Process->Mm.VadList.Flink == NULL || Target->Process->Exiting) {
        ObDereferenceObject(Target->Process);
        return STATUS_PROCESS_IS_TERMINATING;
    }
    if (Target->Process != PsGetCurrentProcess()) {
        KeStackAttachProcess((PRKPROCESS)&Target->Process->Pcb, &Target->ApcState);
        Target->Attached = TRUE;
    }
    return STATUS_SUCCESS;
}

VOID
MiDetachTarget(PMI_TARGET Target)
{
    if (Target->Attached)
        KeUnstackDetachProcess(&Target->ApcState);
    ObDereferenceObject(Target->Process);
}

/* *Base and *Size are in and out; what is there is read once. */
static NTSTATUS
MiCaptureRegion(PVOID *Base, PSIZE_T Size, PULONG64 CapturedBase, PSIZE_T CapturedSize)
{
    KPROCESSOR_MODE Mode = KeGetPreviousMode();

    __try {
        if (Mode != KernelMode) {
            ProbeForWrite(Base, sizeof(PVOID), sizeof(PVOID));
            ProbeForWrite(Size, sizeof(SIZE_T), sizeof(SIZE_T));
        }
        *CapturedBase = (ULONG64)*(PVOID volatile *)Base;
        *CapturedSize = *(SIZE_T volatile *)Size;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static NTSTATUS
MiReturnRegion(PVOID *Base, PSIZE_T Size, ULONG64 NewBase, SIZE_T NewSize)
{
    __try {
        *Base = (PVOID)NewBase;
        *Size = NewSize;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

/* Documented. PASSIVE_LEVEL. */
NTSTATUS NTAPI
NtAllocateVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress, ULONG_PTR ZeroBits,
                        PSIZE_T RegionSize,
    ULONG AllocationType, ULONG Protect)
{
    MI_TARGET Target;
    ULONG64   Base;
    SIZE_T    Size;
    NTSTATUS  Status;

    PAGED_CODE();

    if (ZeroBits > 21 && ZeroBits < 32)
        return STATUS_INVALID_PARAMETER_3;
    Status = MiCaptureRegion(BaseAddress, RegionSize, &Base, &Size);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = MiAttachTarget(ProcessHandle, PROCESS_VM_OPERATION, &Target);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = MiAllocateVirtual(&Target.Process->Mm, &Base, &Size, ZeroBits, AllocationType,
                               Protect);
    MiDetachTarget(&Target);
    return NT_SUCCESS(Status) ? MiReturnRegion(BaseAddress, RegionSize, Base, Size) : Status;
}

/* Documented. PASSIVE_LEVEL. */
NTSTATUS NTAPI
NtFreeVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress, PSIZE_T RegionSize, ULONG FreeType)
{
    MI_TARGET Target;
    ULONG64   Base;
    SIZE_T    Size;
    NTSTATUS  Status;

    PAGED_CODE();

    Status = MiCaptureRegion(BaseAddress, RegionSize, &Base, &Size);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = MiAttachTarget(ProcessHandle, PROCESS_VM_OPERATION, &Target);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = MiFreeVirtual(&Target.Process->Mm, &Base, &Size, FreeType);
    MiDetachTarget(&Target);
    return NT_SUCCESS(Status) ? MiReturnRegion(BaseAddress, RegionSize, Base, Size) : Status;
}

/* Documented. PASSIVE_LEVEL. */
NTSTATUS NTAPI
NtProtectVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress, PSIZE_T RegionSize,
                       ULONG NewProtect,
    PULONG OldProtect)
{
    MI_TARGET Target;
    ULONG64   Base;
    SIZE_T    Size;
    ULONG     Old = 0;
    NTSTATUS  Status;

    PAGED_CODE();

    Status = MiCaptureRegion(BaseAddress, RegionSize, &Base, &Size);
    if (!NT_SUCCESS(Status))
        return Status;
    __try {
        if (KeGetPreviousMode() != KernelMode)
            ProbeForWrite(OldProtect, sizeof(ULONG), sizeof(ULONG));
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    Status = MiAttachTarget(ProcessHandle, PROCESS_VM_OPERATION, &Target);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = MiProtectVirtual(&Target.Process->Mm, &Base, &Size, NewProtect, &Old);
    MiDetachTarget(&Target);
    if (!NT_SUCCESS(Status))
        return Status;

    __try {
        *OldProtect = Old;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return MiReturnRegion(BaseAddress, RegionSize, Base, Size);
}

/* State and rights of one page. */
static VOID
MiDescribePage(ULONG64 Va, PMEMORY_BASIC_INFORMATION Information)
{
    PULONG64 Pte = MiFindPte(MiCurrentPml4(), (PVOID)Va);
    ULONG64  Value = Pte == NULL ? 0 : *Pte;

    Information->State = Value == 0 ? MEM_RESERVE : MEM_COMMIT;
    Information->Protect = Value == 0 ? 0 : MiDecodeProtection(PTE_PROTECTION(Value));
}

static VOID
MiQueryRegionLocked(PMM_PROCESS Mm, ULONG64 Page, PMEMORY_BASIC_INFORMATION Information)
{
    PMMVAD                   Vad = MiFindVadLocked(Mm, Page);
    ULONG64                  End = MM_HIGHEST_USER + 1;
    MEMORY_BASIC_INFORMATION Next;

    *Information = (MEMORY_BASIC_INFORMATION){ .BaseAddress = (PVOID)Page, .State = MEM_FREE,
                                              .Protect = PAGE_NOACCESS };
    if (Vad == NULL) {
        for (PLIST_ENTRY Link = Mm->VadList.Blink; Link != &Mm->VadList; Link = Link->Blink)
            if (CONTAINING_RECORD(Link, MMVAD, Link)->Start > Page)
                End = CONTAINING_RECORD(Link, MMVAD, Link)->Start;
        Information->RegionSize = End - Page;
        return;
    }
    Information->AllocationBase = (PVOID)Vad->Start;
    Information->AllocationProtect = MiDecodeProtection(Vad->Protection);
    Information->Type = Vad->Type;
    MiDescribePage(Page, Information);
    for (End = Page + PAGE_SIZE; End < Vad->End; End += PAGE_SIZE) {
        MiDescribePage(End, &Next);
        if (Next.State != Information->State || Next.Protect != Information->Protect)
            break;
    }
    Information->RegionSize = End - Page;
}

/* Documented, for MemoryBasicInformation. PASSIVE_LEVEL. */
NTSTATUS NTAPI
NtQueryVirtualMemory(HANDLE ProcessHandle, PVOID BaseAddress, MEMORY_INFORMATION_CLASS Class,
                     PVOID Buffer,
    SIZE_T Length, PSIZE_T ReturnLength)
{
    MEMORY_BASIC_INFORMATION Information;
    MI_TARGET                Target;
    NTSTATUS                 Status;

    PAGED_CODE();

    if (Class != MemoryBasicInformation)
        return STATUS_INVALID_INFO_CLASS;
    if (Length < sizeof(Information))
        return STATUS_INFO_LENGTH_MISMATCH;
    if ((ULONG64)BaseAddress > MM_HIGHEST_USER)
        return STATUS_INVALID_PARAMETER;
    Status = MiAttachTarget(ProcessHandle, PROCESS_QUERY_INFORMATION, &Target);
    if (!NT_SUCCESS(Status))
        return Status;
    ExAcquireFastMutex(&Target.Process->Mm.AddressCreationLock);
    MiQueryRegionLocked(&Target.Process->Mm, ROUND_DOWN((ULONG64)BaseAddress, PAGE_SIZE),
                        &Information);
    ExReleaseFastMutex(&Target.Process->Mm.AddressCreationLock);
    MiDetachTarget(&Target);

    __try {
        if (KeGetPreviousMode() != KernelMode) {
            ProbeForWrite(Buffer, sizeof(Information), sizeof(ULONG64));
            if (ReturnLength != NULL)
                ProbeForWrite(ReturnLength, sizeof(SIZE_T), sizeof(SIZE_T));
        }
        *(PMEMORY_BASIC_INFORMATION)Buffer = Information;
        if (ReturnLength != NULL)
            *ReturnLength = sizeof(Information);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

/* The processor keeps its caches coherent; only the handle is looked at. */
NTSTATUS NTAPI
NtFlushInstructionCache(HANDLE ProcessHandle, PVOID BaseAddress, SIZE_T Length)
{
    MI_TARGET Target;
    NTSTATUS  Status;

    PAGED_CODE();

    Status = MiAttachTarget(ProcessHandle, PROCESS_VM_WRITE, &Target);
    if (NT_SUCCESS(Status))
        MiDetachTarget(&Target);
    return Status;
}

/* See mm.h. */
NTSTATUS
MmAllocateUserMemory(PVOID *Base, SIZE_T Size, ULONG Type, ULONG Protect)
{
    ULONG64  Start = (ULONG64)*Base;
    NTSTATUS Status;

    PAGED_CODE();

    Status = MiAllocateVirtual(&PsGetCurrentProcess()->Mm, &Start, &Size, 0, Type, Protect);
    if (NT_SUCCESS(Status))
        *Base = (PVOID)Start;
    return Status;
}
