/*
 * Segments: the memory behind sections. See section.h.
 */
#include "mm/section.h"
#include "mm/image.h"

#define MI_SEGMENT_TAG  'tSmM'
#define MI_MOST_PAGES   0x1000000ULL                // 64 GiB: what an array of frames may describe

static NTSTATUS
MiAllocateSegment(SIZE_T Pages, PMI_SEGMENT *Segment)
{
    SIZE_T Size = sizeof(MI_SEGMENT) + Pages * sizeof(PFN_NUMBER);

    *Segment = Pages > MI_MOST_PAGES ? NULL : ExAllocatePoolWithTag(NonPagedPool, Size,
                                                                    MI_SEGMENT_TAG);
    if (*Segment == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlZeroMemory(*Segment, Size);
    ExInitializeFastMutex(&(*Segment)->Lock);
    (*Segment)->References = 1;
    (*Segment)->Pages = Pages;
    return STATUS_SUCCESS;
}

/* Gives frames to those of Pages pages from First on that have none; all or nothing. */
NTSTATUS
MiCommitSegment(PMI_SEGMENT Segment, SIZE_T First, SIZE_T Pages)
{
    SIZE_T Missing = 0, Index;

    ExAcquireFastMutex(&Segment->Lock);
    for (Index = First; Index < First + Pages; Index++)
        Missing += Segment->Frames[Index] == 0;
    if (!MiChargeUserCommit(Missing)) {
        ExReleaseFastMutex(&Segment->Lock);
        return STATUS_COMMITMENT_LIMIT;
    }
    for (Index = First; Index < First + Pages; Index++)
        if (Segment->Frames[Index] == 0) {
            Segment->Frames[Index] = MiAllocateFrame(TRUE);
            ASSERT(Segment->Frames[Index] != 0);    // it was promised
        }
    Segment->Committed += Missing;
    ExReleaseFastMutex(&Segment->Lock);
    return STATUS_SUCCESS;
}

/* The last reference frees it. No lock of a process need be free. */
VOID
MiDereferenceSegment(PMI_SEGMENT Segment)
{
    if (InterlockedDecrement(&Segment->References) != 0)
        return;
    for (SIZE_T Index = 0; Index < Segment->Pages; Index++)
        if (Segment->Frames[Index] != 0)
            MiDereferenceFrame(Segment->Frames[Index]);
    MiReturnCommit(Segment->Committed);
    if (Segment->ImageFile != NULL)
        ExFreePool(Segment->ImageFile);
    ExFreePoolWithTag(Segment, MI_SEGMENT_TAG);
}

NTSTATUS
MiCreateMemorySegment(ULONG64 Size, BOOLEAN Commit, PMI_SEGMENT *Segment)
{
    NTSTATUS Status;

    if (Size > MI_MOST_PAGES << PAGE_SHIFT)
        return STATUS_SECTION_TOO_BIG;
    Status = MiAllocateSegment(BYTES_TO_PAGES(Size), Segment);
    if (!NT_SUCCESS(Status) || !Commit)
        return Status;
    Status = MiCommitSegment(*Segment, 0, (*Segment)->Pages);
    if (!NT_SUCCESS(Status))
        MiDereferenceSegment(*Segment);
    return Status;
}

/* The file's contents in the segment's frames; the rest of the last page is zeros. */
static NTSTATUS
MiFillSegment(PMI_SEGMENT Segment, HANDLE File, ULONG64 Size)
{
    ULONG    Wanted, Done, Read;
    NTSTATUS Status = STATUS_SUCCESS;

    for (ULONG64 Offset = 0; NT_SUCCESS(Status) && Offset < Size; Offset += PAGE_SIZE) {
        PUCHAR Page = PFN_TO_VA(Segment->Frames[Offset >> PAGE_SHIFT]);

        Wanted = (ULONG)min(PAGE_SIZE, Size - Offset);
        for (Done = 0; NT_SUCCESS(Status) && Done < Wanted; Done += Read) {
            Status = MiReadAt(File, Page + Done, Wanted - Done, Offset + Done, &Read);
            if (NT_SUCCESS(Status) && Read == 0)
                Status = STATUS_FILE_INVALID;       // shorter than it said
        }
    }
    return Status;
}

static NTSTATUS
MiCreateImageSegment(HANDLE File, PULONG64 Size, PMI_SEGMENT *Segment)
{
    MI_IMAGE Image;
    NTSTATUS Status = MiAllocateSegment(0, Segment);

    if (!NT_SUCCESS(Status))
        return Status;
    Status = MiReadWholeFile(File, &(*Segment)->ImageFile, &(*Segment)->ImageFileSize);
    if (!NT_SUCCESS(Status))
        (*Segment)->ImageFile = NULL;
    else
        Status = MiCheckImage((*Segment)->ImageFile, (*Segment)->ImageFileSize, &Image);
    if (NT_SUCCESS(Status))
        *Size = Image.SizeOfImage;
    else
        MiDereferenceSegment(*Segment);
    return Status;
}

/* See section.h. STATUS_MAPPED_FILE_SIZE_ZERO; STATUS_SECTION_TOO_BIG: longer than the file. */
NTSTATUS
MiCreateFileSegment(HANDLE File, PULONG64 Size, BOOLEAN Image, PMI_SEGMENT *Segment)
{
    FILE_STANDARD_INFORMATION Standard;
    IO_STATUS_BLOCK           IoStatus;
    NTSTATUS                  Status;

    if (Image)
        return MiCreateImageSegment(File, Size, Segment);
    if (!NT_SUCCESS(ZwQueryInformationFile(File, &IoStatus, &Standard, sizeof(Standard),
                                           FileStandardInformation)) || Standard.Directory)
        return STATUS_INVALID_FILE_FOR_SECTION;
    if (*Size == 0)
        *Size = (ULONG64)Standard.EndOfFile.QuadPart;
    if (*Size == 0)
        return STATUS_MAPPED_FILE_SIZE_ZERO;
    if (*Size > (ULONG64)Standard.EndOfFile.QuadPart)
        return STATUS_SECTION_TOO_BIG;
    Status = MiCreateMemorySegment(*Size, TRUE, Segment);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = MiFillSegment(*Segment, File, *Size);
    if (!NT_SUCCESS(Status))
        MiDereferenceSegment(*Segment);
    return Status;
}
