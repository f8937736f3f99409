/*
 * Private to mm/: sections.
 *
 * A section object (MI_SECTION, the body of \...\NAME) says what may be mapped and how; the
 * memory is its segment's, which the section and every view of it reference, so that views
 * outlive handles and names. A segment owns a frame for each committed page; each page table
 * entry of a view that maps it has a reference of its own.
 *
 *   memory (SEC_COMMIT)   all frames are there from the start, zeroed
 *   memory (SEC_RESERVE)  frames come when a program commits pages in a view; another view meets
 *                         them at its first touch
 *   a file                its contents are read when the section is made. Files are read-only, so
 *                         nothing is ever written back
 *   an image (SEC_IMAGE)  the file is kept, checked; each view is a private image, as a program's
 *
 * A view's entries have PTE_SHARED as long as their frame is the segment's. A write to one that is
 * write-copy gives the process a copy of the page, without that bit, which was charged to the
 * process when it mapped the view.
 *
 * Lock: a segment's Lock guards its frames while they come; they never go before the segment, so
 * reading one needs no lock. Taken after a process' AddressCreationLock.
 */
#pragma once

#include "mm/vad.h"

#ifndef SEC_FILE
#define SEC_FILE        0x800000
#define SEC_IMAGE       0x1000000
#define SEC_NOCACHE     0x10000000
#endif
#ifndef SEC_BASED
#define SEC_BASED       0x200000
#endif

typedef struct _MI_SEGMENT {
    volatile LONG References;           // the section object, views
    FAST_MUTEX    Lock;
    SIZE_T        Pages;
    SIZE_T        Committed;            // guarded by Lock: pages that have a frame
    PVOID         ImageFile;            // SEC_IMAGE: the whole file; no frames then
    SIZE_T        ImageFileSize;
    PFN_NUMBER    Frames[];             // 0: not committed
} MI_SEGMENT, *PMI_SEGMENT;

typedef struct _MI_SECTION {
    PMI_SEGMENT Segment;                // referenced; set at creation, never changed, like all here
    ULONG64     Size;                   // bytes, as asked for or the file's
    ULONG       Protection;             // MI_*
    ULONG       Attributes;             // SEC_*
} MI_SECTION, *PMI_SECTION;

extern POBJECT_TYPE MmSectionObjectType;

/* segment.c */
NTSTATUS MiCreateMemorySegment(ULONG64 Size, BOOLEAN Commit, PMI_SEGMENT *Segment);
// *Size 0: the file's; else at most that
NTSTATUS MiCreateFileSegment(HANDLE File, PULONG64 Size, BOOLEAN Image, PMI_SEGMENT *Segment);
NTSTATUS MiCommitSegment(PMI_SEGMENT Segment, SIZE_T First, SIZE_T Pages);
VOID     MiDereferenceSegment(PMI_SEGMENT Segment);

/* view.c: in the current address space, AddressCreationLock held where the name says so. */
NTSTATUS MiMapView(PMI_SECTION Section, PULONG64 Base, ULONG64 Offset, PSIZE_T Size,
                   ULONG_PTR ZeroBits, ULONG AllocationType, ULONG Protection);
NTSTATUS MiUnmapView(PMM_PROCESS Mm, ULONG64 Address);
VOID     MiRemoveViewLocked(PMM_PROCESS Mm, PMMVAD Vad);
BOOLEAN  MiIsViewProtection(PMMVAD Vad, PULONG Protection);
NTSTATUS MiCommitViewLocked(PMMVAD Vad, ULONG64 Start, ULONG64 End, ULONG Protection);
NTSTATUS MiFaultInView(PMM_PROCESS Mm, ULONG64 Address);            // locked
NTSTATUS MiCopyOnWriteLocked(PULONG64 Pte, ULONG64 Address);
// whether a section of one protection may be mapped with another
BOOLEAN  MiAllowsProtection(ULONG Section, ULONG View);
