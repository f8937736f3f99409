/*
 * Views of sections in system space, for drivers: from the start of the section, mapped at once,
 * in the range of system PTEs. Every page is given its frame first, so that such a view never
 * faults. MiSystemViews remembers whose segment lies where; MiSystemViewLock guards it.
 */
#include "mm/section.h"
#include "ob/ob.h"

#define MI_VIEW_TAG     'vSmM'

typedef struct _MI_SYSTEM_VIEW {
    LIST_ENTRY  Link;
    PVOID       Base;
    PMI_SEGMENT Segment;                // referenced
} MI_SYSTEM_VIEW, *PMI_SYSTEM_VIEW;

static LIST_ENTRY MiSystemViews = { &MiSystemViews, &MiSystemViews };
static KSPIN_LOCK MiSystemViewLock;

/* The entries of Pages pages from Va on; the frames get a reference each. */
static BOOLEAN
MiEnterSystemFrames(PMI_SEGMENT Segment, PUCHAR Va, SIZE_T Pages, ULONG64 Rights)
{
    for (SIZE_T Index = 0; Index < Pages; Index++) {
        PULONG64 Pte = MiMakePte(MiSystemPml4, Va + (Index << PAGE_SHIFT));

        if (Pte == NULL)
            return FALSE;                       // the run goes back with what it has
        MiReferenceFrame(Segment->Frames[Index]);
        *Pte = PFN_TO_PTE(Segment->Frames[Index]) | Rights;
    }
    return TRUE;
}

static NTSTATUS
MiMapSystemView(PMI_SECTION Section, SIZE_T Pages, PMI_SYSTEM_VIEW View)
{
    ULONG64  Rights = PTE_KERNEL_DATA;
    NTSTATUS Status = MiCommitSegment(Section->Segment, 0, Pages);

    if (!NT_SUCCESS(Status))
        return Status;
    if ((Section->Protection & 3) != MI_READWRITE)
        Rights &= ~PTE_WRITE;
    View->Base = MiAllocateRun(&MiSystemPteRange, Pages);
    if (View->Base == NULL)
        return STATUS_NO_MEMORY;
    if (!MiEnterSystemFrames(Section->Segment, View->Base, Pages, Rights)) {
        MiReleaseRun(&MiSystemPteRange, View->Base, TRUE, 0);
        return STATUS_NO_MEMORY;
    }
    View->Segment = Section->Segment;
    InterlockedIncrement(&View->Segment->References);
    return STATUS_SUCCESS;
}

/*
 * Maps *ViewSize bytes (0: all) from the start of the section; rounded up to pages on return.
 * Writable if the section is. PASSIVE_LEVEL. STATUS_INVALID_VIEW_SIZE, STATUS_NO_MEMORY.
 */
NTSTATUS NTAPI
MmMapViewInSystemSpace(PVOID Section, PVOID *MappedBase, PSIZE_T ViewSize)
{
    PMI_SECTION     Source = Section;
    SIZE_T          Size = *ViewSize != 0 ? *ViewSize : Source->Size;
    PMI_SYSTEM_VIEW View;
    NTSTATUS        Status;

    PAGED_CODE();

    *MappedBase = NULL;
    if (Size > Source->Size || (Source->Attributes & SEC_IMAGE))
        return STATUS_INVALID_VIEW_SIZE;
    View = ExAllocatePoolWithTag(NonPagedPool, sizeof(*View), MI_VIEW_TAG);
    if (View == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    Status = MiMapSystemView(Source, BYTES_TO_PAGES(Size), View);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(View, MI_VIEW_TAG);
        return Status;
    }
    ExInterlockedInsertTailList(&MiSystemViews, &View->Link, &MiSystemViewLock);
    *MappedBase = View->Base;
    *ViewSize = ROUND_UP(Size, PAGE_SIZE);
    return STATUS_SUCCESS;
}

/* MappedBase is what mapping returned. STATUS_NOT_MAPPED_VIEW. PASSIVE_LEVEL. */
NTSTATUS NTAPI
MmUnmapViewInSystemSpace(PVOID MappedBase)
{
    PMI_SYSTEM_VIEW View = NULL;
    PLIST_ENTRY     Link;
    KIRQL           OldIrql;

    PAGED_CODE();

    KeAcquireSpinLock(&MiSystemViewLock, &OldIrql);
    for (Link = MiSystemViews.Flink; Link != &MiSystemViews && View == NULL; Link = Link->Flink)
        if (CONTAINING_RECORD(Link, MI_SYSTEM_VIEW, Link)->Base == MappedBase)
            View = CONTAINING_RECORD(Link, MI_SYSTEM_VIEW, Link);
    if (View != NULL)
        RemoveEntryList(&View->Link);
    KeReleaseSpinLock(&MiSystemViewLock, OldIrql);
    if (View == NULL)
        return STATUS_NOT_MAPPED_VIEW;
    MiReleaseRun(&MiSystemPteRange, View->Base, TRUE, 0);
    MiDereferenceSegment(View->Segment);
    ExFreePoolWithTag(View, MI_VIEW_TAG);
    return STATUS_SUCCESS;
}
