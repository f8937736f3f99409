/*
 * The services that map and unmap views, and their forms for drivers.
 *
 * ViewShare and ViewUnmap say whether a view is inherited by a process that is made as a copy of
 * this one. Processes are never made so, only from an image; both are taken and neither changes
 * anything.
 */
#include "mm/section.h"
#include "mm/virtual.h"
#include "ob/ob.h"
#include "sdk/ntsection.h"

#define MI_MAP_TYPES    (MEM_RESERVE | MEM_TOP_DOWN)

/* What the two ways to map have in common; the base and the rest are captured. */
typedef struct _MI_MAPPING {
    ULONG64   Base, Offset;
    SIZE_T    Size, CommitSize;
    ULONG_PTR ZeroBits;
    ULONG     AllocationType, Protection;
} MI_MAPPING, *PMI_MAPPING;

static NTSTATUS
MiCheckMapping(PMI_MAPPING Mapping, ULONG Inherit, ULONG Protect)
{
    Mapping->Protection = MiEncodeProtection(Protect);
    if (Mapping->Base > MM_HIGHEST_USER)
        return STATUS_INVALID_PARAMETER_3;
    if (Mapping->ZeroBits > 21 && Mapping->ZeroBits < 32)
        return STATUS_INVALID_PARAMETER_4;
    if (Mapping->Size != 0 && Mapping->CommitSize > Mapping->Size)
        return STATUS_INVALID_PARAMETER_5;
    if (Inherit != ViewShare && Inherit != ViewUnmap)
        return STATUS_INVALID_PARAMETER_8;
    if (Mapping->AllocationType & ~MI_MAP_TYPES)
        return STATUS_INVALID_PARAMETER_9;
    if (Mapping->Protection == MI_INVALID_PROTECTION)
        return STATUS_INVALID_PAGE_PROTECTION;
    if ((Mapping->Base | Mapping->Offset) & (MI_ALLOCATION_UNIT - 1))
        return STATUS_MAPPED_ALIGNMENT;
    return STATUS_SUCCESS;
}

/* In the target's address space. */
static NTSTATUS
MiMapSection(PMI_SECTION Section, PMI_MAPPING Mapping)
{
    BOOLEAN  Image = (Section->Attributes & SEC_IMAGE) != 0;
    NTSTATUS Status = STATUS_SUCCESS;

    if (!Image && !MiAllowsProtection(Section->Protection, Mapping->Protection))
        return STATUS_SECTION_PROTECTION;
    if (!Image && Mapping->CommitSize != 0) {
        if (Mapping->Offset >= Section->Size ||
            Mapping->CommitSize > Section->Size - Mapping->Offset)
            return STATUS_INVALID_VIEW_SIZE;
        Status = MiCommitSegment(Section->Segment, Mapping->Offset >> PAGE_SHIFT,
                                 BYTES_TO_PAGES(Mapping->CommitSize));
    }
    if (!NT_SUCCESS(Status))
        return Status;
    return MiMapView(Section, &Mapping->Base, Mapping->Offset, &Mapping->Size, Mapping->ZeroBits,
                     Mapping->AllocationType,
                     Mapping->Protection | (Section->Protection & MI_NOCACHE));
}

static ACCESS_MASK
MiRightsToMap(ULONG Protection)
{
    static const ACCESS_MASK Rights[] = {
        SECTION_MAP_READ, SECTION_MAP_READ, SECTION_MAP_WRITE, SECTION_MAP_READ,
        SECTION_MAP_EXECUTE, SECTION_MAP_EXECUTE | SECTION_MAP_READ,
        SECTION_MAP_EXECUTE | SECTION_MAP_WRITE, SECTION_MAP_EXECUTE | SECTION_MAP_READ };

    return Rights[Protection & 7];
}

static NTSTATUS
MiCaptureMapping(PVOID *BaseAddress, PLARGE_INTEGER SectionOffset, PSIZE_T ViewSize,
                 PMI_MAPPING Mapping)
{
    __try {
        if (KeGetPreviousMode() != KernelMode) {
            ProbeForWrite(BaseAddress, sizeof(*BaseAddress), sizeof(PVOID));
            ProbeForWrite(ViewSize, sizeof(*ViewSize), sizeof(SIZE_T));
            if (SectionOffset != NULL)
                ProbeForWrite(SectionOffset, sizeof(*SectionOffset), sizeof(ULONG));
        }
        Mapping->Base = (ULONG64)*(PVOID volatile *)BaseAddress;
        Mapping->Size = *(SIZE_T volatile *)ViewSize;
        if (SectionOffset != NULL)
            Mapping->Offset = (ULONG64)((volatile LARGE_INTEGER *)SectionOffset)->QuadPart;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static NTSTATUS
MiReturnMapping(PVOID *BaseAddress, PSIZE_T ViewSize, PMI_MAPPING Mapping)
{
    __try {
        *BaseAddress = (PVOID)Mapping->Base;
        *ViewSize = Mapping->Size;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

/* Documented; STATUS_IMAGE_NOT_AT_BASE is a success. PASSIVE_LEVEL. */
NTSTATUS NTAPI
NtMapViewOfSection(HANDLE SectionHandle, HANDLE ProcessHandle, PVOID *BaseAddress,
                   ULONG_PTR ZeroBits, SIZE_T CommitSize, PLARGE_INTEGER SectionOffset,
                   PSIZE_T ViewSize, SECTION_INHERIT InheritDisposition, ULONG AllocationType,
                   ULONG Protect)
{
    MI_MAPPING  Mapping = { .ZeroBits = ZeroBits, .CommitSize = CommitSize,
                            .AllocationType = AllocationType };
    PMI_SECTION Section;
    MI_TARGET   Target;
    NTSTATUS    Status, Written;

    PAGED_CODE();

    Status = MiCaptureMapping(BaseAddress, SectionOffset, ViewSize, &Mapping);
    if (NT_SUCCESS(Status))
        Status = MiCheckMapping(&Mapping, InheritDisposition, Protect);
    if (NT_SUCCESS(Status))
        Status = ObReferenceObjectByHandle(SectionHandle, MiRightsToMap(Mapping.Protection),
                                           MmSectionObjectType, KeGetPreviousMode(),
                                           (PVOID *)&Section, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = MiAttachTarget(ProcessHandle, PROCESS_VM_OPERATION, &Target);
    if (NT_SUCCESS(Status)) {
        Status = MiMapSection(Section, &Mapping);
        MiDetachTarget(&Target);
    }
    ObDereferenceObject(Section);
    if (!NT_SUCCESS(Status))
        return Status;
    Written = MiReturnMapping(BaseAddress, ViewSize, &Mapping);
    return NT_SUCCESS(Written) ? Status : Written;
}

/* Documented: BaseAddress may be anywhere in the view. STATUS_NOT_MAPPED_VIEW. PASSIVE_LEVEL. */
NTSTATUS NTAPI
NtUnmapViewOfSection(HANDLE ProcessHandle, PVOID BaseAddress)
{
    MI_TARGET Target;
    NTSTATUS  Status;

    PAGED_CODE();

    if ((ULONG64)BaseAddress > MM_HIGHEST_USER)
        return STATUS_NOT_MAPPED_VIEW;
    Status = MiAttachTarget(ProcessHandle, PROCESS_VM_OPERATION, &Target);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = MiUnmapView(&Target.Process->Mm, (ULONG64)BaseAddress);
    MiDetachTarget(&Target);
    return Status;
}

/* The same for a driver, by pointers. PASSIVE_LEVEL. */
NTSTATUS NTAPI
MmMapViewOfSection(PVOID SectionObject, PEPROCESS Process, PVOID *BaseAddress, ULONG_PTR ZeroBits,
                   SIZE_T CommitSize, PLARGE_INTEGER SectionOffset, PSIZE_T ViewSize,
                   SECTION_INHERIT InheritDisposition, ULONG AllocationType, ULONG Protect)
{
    MI_MAPPING Mapping = { .Base = (ULONG64)*BaseAddress, .Size = *ViewSize,
        .Offset = SectionOffset != NULL ? (ULONG64)SectionOffset->QuadPart : 0,
        .ZeroBits = ZeroBits, .CommitSize = CommitSize, .AllocationType = AllocationType };
    KAPC_STATE ApcState;
    NTSTATUS   Status = MiCheckMapping(&Mapping, InheritDisposition, Protect);

    PAGED_CODE();

    if (!NT_SUCCESS(Status))
        return Status;
    KeStackAttachProcess((PRKPROCESS)Process, &ApcState);
    Status = MiMapSection(SectionObject, &Mapping);
    KeUnstackDetachProcess(&ApcState);
    if (NT_SUCCESS(Status)) {
        *BaseAddress = (PVOID)Mapping.Base;
        *ViewSize = Mapping.Size;
    }
    return Status;
}

NTSTATUS NTAPI
MmUnmapViewOfSection(PEPROCESS Process, PVOID BaseAddress)
{
    KAPC_STATE ApcState;
    NTSTATUS   Status;

    PAGED_CODE();

    KeStackAttachProcess((PRKPROCESS)Process, &ApcState);
    Status = MiUnmapView(&Process->Mm, (ULONG64)BaseAddress);
    KeUnstackDetachProcess(&ApcState);
    return Status;
}

/* There is nothing to write back; only the address is looked at. STATUS_NOT_MAPPED_VIEW. */
NTSTATUS NTAPI
NtFlushVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress, PSIZE_T RegionSize,
                     PIO_STATUS_BLOCK IoStatus)
{
    MI_MAPPING Mapping = { 0 };
    MI_TARGET  Target;
    PMMVAD     Vad;
    NTSTATUS   Status = MiCaptureMapping(BaseAddress, NULL, RegionSize, &Mapping);

    PAGED_CODE();

    if (NT_SUCCESS(Status))
        Status = ObProbeOutput(IoStatus, sizeof(*IoStatus), KeGetPreviousMode());
    if (NT_SUCCESS(Status))
        Status = MiAttachTarget(ProcessHandle, PROCESS_VM_OPERATION, &Target);
    if (!NT_SUCCESS(Status))
        return Status;
    ExAcquireFastMutex(&Target.Process->Mm.AddressCreationLock);
    Vad = MiFindVadLocked(&Target.Process->Mm, Mapping.Base);
    if (Vad == NULL || Vad->Segment == NULL || Mapping.Size > Vad->End - Mapping.Base)
        Status = STATUS_NOT_MAPPED_VIEW;
    ExReleaseFastMutex(&Target.Process->Mm.AddressCreationLock);
    MiDetachTarget(&Target);
    __try {
        if (NT_SUCCESS(Status) && IoStatus != NULL)
            *IoStatus = (IO_STATUS_BLOCK){ .Status = STATUS_SUCCESS };
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    return Status;
}
