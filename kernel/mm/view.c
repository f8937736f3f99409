/*
 * Views of sections in user space: mapping, unmapping, what their rights may become, and their two
 * kinds of fault.
 *
 * Mapping writes an entry for every page that has a frame, not valid yet but with the frame's
 * number; the first touch makes it valid, with the rights that the entry's protection says. A page
 * that gets its frame later, through another view, has an entry of 0 here until it is touched.
 */
#include "mm/section.h"
#include "mm/image.h"

#define VIEW_ENTRY(Protection)  (PTE_COMMITTED | PTE_SHARED | PTE_TRANSITION |              \
                                 ((ULONG64)(Protection) << PTE_PROTECT_SHIFT))

static inline BOOLEAN
MiIsWrite(ULONG Protection)
{
    return (Protection & 3) == MI_READWRITE;
}

static inline BOOLEAN
MiIsCopy(ULONG Protection)
{
    return (Protection & 3) == MI_WRITECOPY;
}

BOOLEAN
MiAllowsProtection(ULONG Section, ULONG View)
{
    if ((View & 7) == MI_NOACCESS)
        return TRUE;
    if ((View & 7) >= MI_EXECUTE && (Section & 7) < MI_EXECUTE)
        return FALSE;
    return !MiIsWrite(View) || MiIsWrite(Section);
}

/* Whether a page of the view may get the protection; of a copying view, write means copy. */
BOOLEAN
MiIsViewProtection(PMMVAD Vad, PULONG Protection)
{
    if (MiIsCopy(Vad->Protection) && MiIsWrite(*Protection))
        *Protection |= 1;                       // MI_READWRITE to MI_WRITECOPY
    if (MiIsCopy(*Protection) && !MiIsCopy(Vad->Protection))
        return FALSE;                           // the copies were not charged
    return MiAllowsProtection(Vad->Protection, *Protection);
}

static SIZE_T
MiViewPage(PMMVAD Vad, ULONG64 Va)
{
    return (SIZE_T)(Vad->FirstPage + ((Va - Vad->Start) >> PAGE_SHIFT));
}

/* Entries for the pages from Start to End that have frames and no entry; the tables are there. */
static VOID
MiEnterFramesLocked(PMMVAD Vad, ULONG64 Start, ULONG64 End, ULONG Protection)
{
    for (ULONG64 Va = Start; Va < End; Va += PAGE_SIZE) {
        PFN_NUMBER Pfn = Vad->Segment->Frames[MiViewPage(Vad, Va)];
        PULONG64   Pte = MiFindPte(MiCurrentPml4(), (PVOID)Va);

        if (Pfn == 0 || *Pte != 0)
            continue;
        MiReferenceFrame(Pfn);
        *Pte = PFN_TO_PTE(Pfn) | VIEW_ENTRY(Protection);
    }
}

static NTSTATUS
MiMapViewLocked(PMM_PROCESS Mm, PMI_SEGMENT Segment, PULONG64 Base, ULONG64 Offset, SIZE_T Size,
                ULONG64 Highest, BOOLEAN TopDown, ULONG Protection)
{
    SIZE_T   Charge = MiIsCopy(Protection) ? Size >> PAGE_SHIFT : 0;
    PMMVAD   Vad;
    NTSTATUS Status;

    if (!MiChargeUserCommit(Charge))
        return STATUS_COMMITMENT_LIMIT;
    Status = MiReserveLocked(Mm, Base, Size, Highest, TopDown, &Vad);
    if (NT_SUCCESS(Status) && !MiMakeTablesLocked(*Base, *Base + Size)) {
        MiRemoveVadLocked(Mm, Vad);
        Status = STATUS_NO_MEMORY;
    }
    if (!NT_SUCCESS(Status)) {
        MiReturnCommit(Charge);
        return Status;
    }
    InterlockedIncrement(&Segment->References);
    Vad->Segment = Segment;
    Vad->FirstPage = Offset >> PAGE_SHIFT;
    Vad->Type = MEM_MAPPED;
    Vad->Protection = Protection;
    Vad->Charge = Charge;
    Mm->CommitCharge += Charge;
    MiEnterFramesLocked(Vad, Vad->Start, Vad->End, Protection);
    return STATUS_SUCCESS;
}

static NTSTATUS
MiMapImageView(PMI_SEGMENT Segment, PULONG64 Base, PSIZE_T Size)
{
    MM_IMAGE_INFORMATION Information;
    MI_IMAGE             Image;
    NTSTATUS             Status = MiCheckImage(Segment->ImageFile, Segment->ImageFileSize, &Image);

    if (NT_SUCCESS(Status))
        Status = MiMapImageData(&Image, &Information);
    if (!NT_SUCCESS(Status))
        return Status;
    *Base = (ULONG64)Information.Base;
    *Size = Information.Size;
    return *Base == Image.Nt->OptionalHeader.ImageBase ? STATUS_SUCCESS : STATUS_IMAGE_NOT_AT_BASE;
}

/* Everything was checked but what depends on the section's size. */
NTSTATUS
MiMapView(PMI_SECTION Section, PULONG64 Base, ULONG64 Offset, PSIZE_T Size, ULONG_PTR ZeroBits,
          ULONG AllocationType, ULONG Protection)
{
    PMM_PROCESS Mm = &PsGetCurrentProcess()->Mm;
    NTSTATUS    Status;

    if (Section->Attributes & SEC_IMAGE)
        return MiMapImageView(Section->Segment, Base, Size);
    if (Offset >= Section->Size || *Size > Section->Size - Offset)
        return STATUS_INVALID_VIEW_SIZE;
    if (*Size == 0)
        *Size = Section->Size - Offset;
    *Size = ROUND_UP(*Size, PAGE_SIZE);
    if (*Base > MM_HIGHEST_USER || *Size > MM_HIGHEST_USER + 1 - *Base)
        return STATUS_INVALID_PARAMETER_3;
    ExAcquireFastMutex(&Mm->AddressCreationLock);
    Status = MiMapViewLocked(Mm, Section->Segment, Base, Offset, *Size,
                             MiHighestForZeroBits(ZeroBits),
                             (AllocationType & MEM_TOP_DOWN) != 0, Protection);
    ExReleaseFastMutex(&Mm->AddressCreationLock);
    return Status;
}

VOID
MiRemoveViewLocked(PMM_PROCESS Mm, PMMVAD Vad)
{
    PMI_SEGMENT Segment = Vad->Segment;

    MiForgetPagesLocked(Vad->Start, Vad->End);
    Mm->CommitCharge -= Vad->Charge;
    MiReturnCommit(Vad->Charge);
    MiRemoveVadLocked(Mm, Vad);
    MiDereferenceSegment(Segment);
}

/* Address may be anywhere in the view. STATUS_NOT_MAPPED_VIEW. */
NTSTATUS
MiUnmapView(PMM_PROCESS Mm, ULONG64 Address)
{
    NTSTATUS Status = STATUS_NOT_MAPPED_VIEW;
    PMMVAD   Vad;

    ExAcquireFastMutex(&Mm->AddressCreationLock);
    Vad = MiFindVadLocked(Mm, Address);
    if (Vad != NULL && Vad->Segment != NULL) {
        MiRemoveViewLocked(Mm, Vad);
        Status = STATUS_SUCCESS;
    } else if (Vad != NULL && Vad->Type == MEM_IMAGE) {
        MiDecommitLocked(Mm, Vad->Start, Vad->End);
        MiRemoveVadLocked(Mm, Vad);
        Status = STATUS_SUCCESS;
    }
    ExReleaseFastMutex(&Mm->AddressCreationLock);
    return Status;
}

/* NtAllocateVirtualMemory in a view: commits pages of a reserved section, for all its views. */
NTSTATUS
MiCommitViewLocked(PMMVAD Vad, ULONG64 Start, ULONG64 End, ULONG Protection)
{
    NTSTATUS Status;

    if (!MiIsViewProtection(Vad, &Protection))
        return STATUS_SECTION_PROTECTION;
    Status = MiCommitSegment(Vad->Segment, MiViewPage(Vad, Start),
                             (SIZE_T)(End - Start) >> PAGE_SHIFT);
    if (!NT_SUCCESS(Status))
        return Status;
    MiEnterFramesLocked(Vad, Start, End, Protection);
    MiProtectLocked(Start, End, Protection);
    return STATUS_SUCCESS;
}

/* A touch where there is no entry: a page of a view that was committed through another one? */
NTSTATUS
MiFaultInView(PMM_PROCESS Mm, ULONG64 Address)
{
    ULONG64 Page = ROUND_DOWN(Address, PAGE_SIZE);
    PMMVAD  Vad = MiFindVadLocked(Mm, Page);

    if (Vad == NULL || Vad->Segment == NULL || Vad->Segment->Frames[MiViewPage(Vad, Page)] == 0)
        return STATUS_ACCESS_VIOLATION;
    MiEnterFramesLocked(Vad, Page, Page + PAGE_SIZE, Vad->Protection);
    return STATUS_SUCCESS;                      // and the access is tried again
}

/* A write to a page that is a section's and write-copy: the process gets its own. */
NTSTATUS
MiCopyOnWriteLocked(PULONG64 Pte, ULONG64 Address)
{
    ULONG64    Old = *Pte;
    PFN_NUMBER Pfn = MiAllocateFrame(FALSE);

    if (Pfn == 0)
        return STATUS_NO_MEMORY;
    RtlCopyMemory(PFN_TO_VA(Pfn), PFN_TO_VA(PTE_TO_PFN(Old)), PAGE_SIZE);
    *Pte = (Old & ~(PTE_FRAME_MASK | PTE_SHARED)) | PFN_TO_PTE(Pfn) | PTE_WRITE | PTE_DIRTY;
    MiFlushRange((PVOID)ROUND_DOWN(Address, PAGE_SIZE), 1);
    MiDereferenceFrame(PTE_TO_PFN(Old));
    return STATUS_SUCCESS;
}
