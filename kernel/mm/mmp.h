/*
 * Private to mm/.
 *
 *   init.c      the order in which memory comes up
 *   pfn.c       page frames: free list, reference counts, commitment
 *   pte.c       page tables through the direct map; mapping and unmapping frames in system space
 *   range.c     runs of pages in a range of addresses (the pools, system PTEs, driver images), in
 *               constant time
 *   release.c   giving runs back, with one flush for many
 *   poolpage.c  pages for the pool            syspte.c    kernel stacks
 *   fault.c     page faults                   trimmer.c   takes paged pool pages away
 *   vad.c       who owns which user address   virtual.c   the services on user memory
 *   section.c, segment.c, view.c, sysview.c   sections and their views
 *   process.c   address spaces                mdl.c, lock.c, iospace.c   locked pages and their
 *               mappings
 *
 * A PTE of user space is in one of these states; 0 means that nothing is committed there:
 *
 *   committed, never touched    protection in the software bits, no frame
 *   transition                  PTE_TRANSITION and a frame: present as soon as somebody may touch
 *                               it (guard and no-access pages)
 *   valid                       the processor's bits, and the protection in the software bits
 */
#pragma once

#include "mm/mm.h"
#include "ex/ex.h"

#define PTE_VALID           0x001ULL
#define PTE_WRITE           0x002ULL
#define PTE_USER            0x004ULL
#define PTE_WRITE_THROUGH   0x008ULL
#define PTE_CACHE_DISABLE   0x010ULL
#define PTE_ACCESSED        0x020ULL
#define PTE_DIRTY           0x040ULL
#define PTE_LARGE           0x080ULL
#define PTE_GLOBAL          0x100ULL
#define PTE_TRANSITION      0x800ULL                // not valid, but the frame number is
#define PTE_PROTECT_SHIFT   52                      // five software bits: MI_* below
#define PTE_PROTECT_MASK    (0x1FULL << PTE_PROTECT_SHIFT)
#define PTE_COMMITTED       (1ULL << 57)            // every committed user page has it
#define PTE_SHARED          (1ULL << 58)            // its frame is a section's (section.h)
#define PTE_NX              (1ULL << 63)
#define PTE_FRAME_MASK      0x000FFFFFFFFFF000ULL

#define PTE_TO_PFN(Pte)     (((Pte) & PTE_FRAME_MASK) >> PAGE_SHIFT)
#define PFN_TO_PTE(Pfn)     ((ULONG64)(Pfn) << PAGE_SHIFT)

/* Rights of pages in system space. */
#define PTE_KERNEL_DATA     (PTE_VALID | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY | PTE_GLOBAL | PTE_NX)

/* The five protection bits: PAGE_NOACCESS ... PAGE_EXECUTE_WRITECOPY in order, and two flags. */
enum {
    MI_NOACCESS, MI_READONLY, MI_READWRITE, MI_WRITECOPY,
    MI_EXECUTE, MI_EXECUTE_READ, MI_EXECUTE_READWRITE, MI_EXECUTE_WRITECOPY,
    MI_GUARD = 8, MI_NOCACHE = 16, MI_INVALID_PROTECTION = 0xFF
};
#define PTE_PROTECTION(Pte) ((ULONG)(((Pte) >> PTE_PROTECT_SHIFT) & 0x1F))

/* ---- pfn.c ---- */

enum { MiFrameReserved, MiFrameFree, MiFrameActive };

/* One page frame; 16 bytes. Flink and Blink link the free list and are guarded by MmPfnLock. */
typedef struct _MMPFN {
    ULONG         Flink, Blink;
    // its owner (the page table that maps it), and one for each MDL that locks it
    volatile LONG ReferenceCount;
    ULONG         State;
} MMPFN, *PMMPFN;

extern PMMPFN     MmPfnDatabase;
extern PFN_NUMBER MmHighestPhysicalPage;

VOID       MiInitializeFrames(PLOADER_PARAMETER_BLOCK LoaderBlock);
// zeroed, for good; before LoaderFree is released
PVOID      MiBootAllocate(SIZE_T Bytes);
VOID       MiReleaseLoaderMemory(LOADER_MEMORY_TYPE Type);
VOID       MiReleaseFrames(PFN_NUMBER First, SIZE_T Pages);
PFN_NUMBER MiAllocateFrame(BOOLEAN Zero);           // one reference, the owner's; 0 if none is left
PFN_NUMBER MiAllocateContiguousFrames(SIZE_T Pages, PFN_NUMBER Lowest, PFN_NUMBER Highest,
                                      PFN_NUMBER Boundary);
VOID       MiReferenceFrame(PFN_NUMBER Pfn);
VOID       MiDereferenceFrame(PFN_NUMBER Pfn);      // the last reference frees it
BOOLEAN    MiIsRam(PFN_NUMBER Pfn);
BOOLEAN    MiChargeCommit(SIZE_T Pages);            // on the kernel's behalf
BOOLEAN    MiChargeUserCommit(SIZE_T Pages);        // leaves the kernel its reserve
VOID       MiReturnCommit(SIZE_T Pages);

/* ---- pte.c ---- */

extern PULONG64 MiSystemPml4;

VOID     MiInitializePageTables(PLOADER_PARAMETER_BLOCK LoaderBlock);
// NULL if a table on the way is missing, or the page is large
PULONG64 MiFindPte(PULONG64 Pml4, PVOID Va);
// makes the tables; NULL if there is no memory for them
PULONG64 MiMakePte(PULONG64 Pml4, PVOID Va);
VOID     MiFreeUserPageTables(PULONG64 Pml4);
// fresh frames at system addresses; commitment is the caller's
BOOLEAN  MiMapNewFrames(PVOID Va, SIZE_T Pages, ULONG64 Rights);
VOID     MiInvalidateEntries(PVOID Va, SIZE_T Pages);
VOID     MiClearEntries(PVOID Va, SIZE_T Pages, BOOLEAN FreeFrames);
VOID     MiUnmapFrames(PVOID Va, SIZE_T Pages, BOOLEAN FreeFrames); // the three steps at once
VOID     MiFlushRange(PVOID Va, SIZE_T Pages);
static inline PULONG64 MiFindSystemPte(PVOID Va) { return MiFindPte(MiSystemPml4, Va); }
static inline PULONG64 MiCurrentPml4(VOID) { return PHYSICAL_TO_VA(__readcr3() & PTE_FRAME_MASK); }

/* ---- range.c ---- */

#define MI_RANGE_CLASSES    60

/*
 * A run of pages, described at its first page (a free one at its last page too). An allocated run
 * keeps two words of its owner's. The records of all other pages are 0 in State.
 */
typedef struct _MI_RUN {
    ULONG State;                        // pages, and MI_RUN_FREE or MI_RUN_USED
    union {
        struct { ULONG Flink, Blink; };
        ULONG Owner[2];
    };
} MI_RUN, *PMI_RUN;

#define MI_RUN_FREE     0x80000000u
#define MI_RUN_USED     0x40000000u
#define MI_RUN_PENDING  0x20000000u             // used, and on its way back (release.c)
#define MI_RUN_PAGES    0x1FFFFFFFu

typedef struct _MI_RANGE {
    /* Set at start-up, never changed: */
    ULONG64    Base;
    ULONG      Pages;

    /* Guarded by Lock: */
    KSPIN_LOCK Lock;
    PMI_RUN    Runs;
    ULONG64    NonEmpty;                // bit c: Heads[c] is not empty
    ULONG      Heads[MI_RANGE_CLASSES];
    // HighestUsed only grows: a bound for those who walk the range
    ULONG      UsedPages, HighestUsed;
} MI_RANGE, *PMI_RANGE;

extern MI_RANGE MiPagedPoolRange, MiNonPagedPoolRange, MiSystemPteRange, MiImageRange;

VOID    MiInitializeRange(PMI_RANGE Range, ULONG64 Base, ULONG Pages);
PVOID   MiAllocateRun(PMI_RANGE Range, SIZE_T Pages);
VOID    MiFreeRun(PMI_RANGE Range, PVOID Va);
// of the allocated run that starts at Va, or NULL
PMI_RUN MiRunAt(PMI_RANGE Range, PVOID Va);
static inline BOOLEAN MiInRange(PMI_RANGE Range, PVOID Va)
{
    return (ULONG64)Va - Range->Base < (ULONG64)Range->Pages << PAGE_SHIFT;
}

/* ---- release.c ---- */

VOID MiReleaseRun(PMI_RANGE Range, PVOID Va, BOOLEAN FreeFrames, SIZE_T Commit);
VOID MiReleasePending(VOID);

/* ---- trimmer.c ---- */
BOOLEAN MiFaultInPoolPage(PULONG64 Pte);

/* ---- vad.c, virtual.c, process.c: see vad.h ---- */
extern PFN_NUMBER MiSharedUserPage;

/* ---- module.c ---- */
VOID MiInitializeModules(PLOADER_PARAMETER_BLOCK LoaderBlock);
