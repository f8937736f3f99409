/*
 * The order in which memory comes up, and when start-up's memory goes back.
 *
 *   MmInitSystem          frames (pfn.c), the records of the address ranges (range.c), the free
 *                         list, the PML4 entries of system space (pte.c), the shared user page,
 *                         the pool (ex/), the list of loaded modules
 *   MmInitializePhase1    the trimmer's thread
 *   MmFreeInitMemory      when no INIT code will run any more: its pages and the loader's go to
 *                         the free list
 *
 * Each range has as many pages as there is RAM, within MI_RANGE_LIMIT; driver images have 64 MiB.
 */
#include "init.h"
#include "mm/vad.h"

#define MI_RANGE_LIMIT      0x80000                 // pages: 2 GiB
#define MI_RANGE_LEAST      0x4000
#define MI_IMAGE_PAGES      0x4000

PVOID   MmHighestUserAddress = (PVOID)MM_HIGHEST_USER;
PVOID   MmSystemRangeStart = (PVOID)KERNEL_BASE_OF_SYSTEM;
ULONG64 MmUserProbeAddress = MM_USER_PROBE;

PFN_NUMBER MiSharedUserPage;

extern UCHAR MmInitSectionStart[], MmInitSectionEnd[];

static INIT_CODE VOID
MiMapSharedUserData(VOID)
{
    PULONG64 Pte = MiMakePte(MiSystemPml4, (PVOID)KI_USER_SHARED_DATA);

    MiSharedUserPage = MiAllocateFrame(TRUE);
    MiChargeCommit(1);
    *Pte = PFN_TO_PTE(MiSharedUserPage) | PTE_KERNEL_DATA;
}

/* Phase 0, on the boot processor. Pool and kernel stacks are there when it returns. */
INIT_CODE VOID
MmInitSystem(PLOADER_PARAMETER_BLOCK LoaderBlock)
{
    ULONG Pages;

    MiInitializeFrames(LoaderBlock);
    Pages = (ULONG)min(max(MmNumberOfPhysicalPages, MI_RANGE_LEAST), MI_RANGE_LIMIT);
    MiInitializeRange(&MiPagedPoolRange, MM_PAGED_POOL_START, Pages);
    MiInitializeRange(&MiNonPagedPoolRange, MM_NONPAGED_POOL_START, Pages);
    MiInitializeRange(&MiSystemPteRange, MM_SYSTEM_PTE_START, Pages);
    MiInitializeRange(&MiImageRange, MM_SYSTEM_IMAGE_START, MI_IMAGE_PAGES);
    MiReleaseLoaderMemory(LoaderFree);
    MiInitializePageTables(LoaderBlock);
    MiMapSharedUserData();
    ExInitializePool();
    MiInitializeModules(LoaderBlock);
}

VOID
MmInitializePhase1(VOID)
{
    MiInitializeMm(&PsInitialSystemProcess->Mm);    // system threads may have user memory too
}

/* Called once, last thing at start-up. */
VOID
MmFreeInitMemory(VOID)
{
    SIZE_T     Pages = BYTES_TO_PAGES(MmInitSectionEnd - MmInitSectionStart);
    PFN_NUMBER First = PTE_TO_PFN(*MiFindSystemPte(MmInitSectionStart));

    MiUnmapFrames(MmInitSectionStart, Pages, FALSE);
    MiReleaseFrames(First, Pages);                  // the image is contiguous in physical memory
    MiReleaseLoaderMemory(LoaderReclaim);
}
