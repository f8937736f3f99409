/*
 * Page tables, walked and built through the direct map.
 *
 * Four levels; a table is a frame of 512 entries. The PML4 entries of all system ranges are made
 * here at start-up and never change, and below them tables are only ever added, with an
 * interlocked exchange, so system space needs no lock to walk and every process sees it through
 * its copy of the upper half. Tables of a process are guarded by its AddressCreationLock and are
 * freed with it.
 *
 * A system page is unmapped in three steps: its PTE stops being valid but keeps the frame number,
 * all processors flush, and only then the frame goes back. A processor with a stale translation
 * can so never reach somebody else's page.
 */
#include "mm/mmp.h"

// from so many pages on one flush of everything is cheaper
#define FLUSH_ALL_PAGES     4

PULONG64 MiSystemPml4;

static ULONG
MiTableIndex(PVOID Va, ULONG Level)                 // level 3 is the PML4
{
    return (ULONG)((ULONG64)Va >> (PAGE_SHIFT + 9 * Level)) & 511;
}

PULONG64
MiFindPte(PULONG64 Pml4, PVOID Va)
{
    PULONG64 Table = Pml4;

    for (ULONG Level = 3; Level > 0; Level--) {
        ULONG64 Entry = Table[MiTableIndex(Va, Level)];

        if (!(Entry & PTE_VALID) || (Entry & PTE_LARGE))
            return NULL;
        Table = PHYSICAL_TO_VA(Entry & PTE_FRAME_MASK);
    }
    return &Table[MiTableIndex(Va, 0)];
}

/*
 * Follows Entry to its table, which is made if there is none; another processor may be making it
 * too.
 */
static PULONG64
MiMakeTable(PULONG64 Entry, ULONG64 Rights)
{
    ULONG64    Value = *(volatile ULONG64 *)Entry, New;
    PFN_NUMBER Pfn;

    if (Value & PTE_VALID)
        return PHYSICAL_TO_VA(Value & PTE_FRAME_MASK);
    if (!MiChargeCommit(1))
        return NULL;
    Pfn = MiAllocateFrame(TRUE);
    if (Pfn == 0) {
        MiReturnCommit(1);
        return NULL;
    }
    New = PFN_TO_PTE(Pfn) | PTE_VALID | PTE_WRITE | PTE_ACCESSED | Rights;
    Value = InterlockedCompareExchange64((LONG64 *)Entry, New, 0);
    if (Value != 0) {
        MiDereferenceFrame(Pfn);
        MiReturnCommit(1);
        New = Value;
    }
    return PHYSICAL_TO_VA(New & PTE_FRAME_MASK);
}

PULONG64
MiMakePte(PULONG64 Pml4, PVOID Va)
{
    ULONG64  Rights = (ULONG64)Va <= MM_HIGHEST_USER ? PTE_USER : 0;
    PULONG64 Table = Pml4;

    for (ULONG Level = 3; Level > 0 && Table != NULL; Level--)
        Table = MiMakeTable(&Table[MiTableIndex(Va, Level)], Rights);
    return Table == NULL ? NULL : &Table[MiTableIndex(Va, 0)];
}

static VOID
MiFreeTable(ULONG64 Entry, ULONG Level)
{
    PULONG64 Table = PHYSICAL_TO_VA(Entry & PTE_FRAME_MASK);

    for (ULONG Index = 0; Level > 0 && Index < 512; Index++)
        if (Table[Index] & PTE_VALID)
            MiFreeTable(Table[Index], Level - 1);
    MiDereferenceFrame(PTE_TO_PFN(Entry));
    MiReturnCommit(1);
}

/*
 * Frees every table below the lower half of Pml4; the pages they mapped are gone already. No
 * processor may be using it.
 */
VOID
MiFreeUserPageTables(PULONG64 Pml4)
{
    for (ULONG Index = 0; Index < 256; Index++)
        if (Pml4[Index] & PTE_VALID) {
            MiFreeTable(Pml4[Index], 2);
            Pml4[Index] = 0;
        }
}

/* Makes the PML4 entries of the system ranges, so that a process only copies the upper half. */
INIT_CODE VOID
MiInitializePageTables(PLOADER_PARAMETER_BLOCK LoaderBlock)
{
    static const ULONG64 Ranges[] = {
        MM_PAGED_POOL_START, MM_NONPAGED_POOL_START, MM_SYSTEM_PTE_START, KI_USER_SHARED_DATA,
        MM_SYSTEM_IMAGE_START
    };

    MiSystemPml4 = PHYSICAL_TO_VA(LoaderBlock->PageDirectory);
    MiSystemPml4[0] = 0;                            // the loader's identity map
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Ranges); Index++)
        if (MiMakeTable(&MiSystemPml4[MiTableIndex((PVOID)Ranges[Index], 3)], 0) == NULL)
            KeBugCheckEx(INSTALL_MORE_MEMORY, MmNumberOfPhysicalPages, 0, MmHighestPhysicalPage, 1);
}

VOID
MiFlushRange(PVOID Va, SIZE_T Pages)
{
    if (Pages >= FLUSH_ALL_PAGES) {
        KiIpiFlushTb(NULL, TRUE);
        return;
    }
    for (SIZE_T Index = 0; Index < Pages; Index++)
        KiIpiFlushTb((PUCHAR)Va + (Index << PAGE_SHIFT), FALSE);
}

/*
 * Maps fresh frames, not zeroed, at Pages system pages from Va. On failure nothing stays mapped.
 */
BOOLEAN
MiMapNewFrames(PVOID Va, SIZE_T Pages, ULONG64 Rights)
{
    for (SIZE_T Index = 0; Index < Pages; Index++) {
        PULONG64   Pte = MiMakePte(MiSystemPml4, (PUCHAR)Va + (Index << PAGE_SHIFT));
        PFN_NUMBER Pfn = Pte == NULL ? 0 : MiAllocateFrame(FALSE);

        if (Pfn == 0) {
            MiUnmapFrames(Va, Index, TRUE);         // the caller frees the run
            return FALSE;
        }
        *Pte = PFN_TO_PTE(Pfn) | Rights;
    }
    return TRUE;
}

/*
 * Makes the entries of system pages not valid and forgets them on this processor; the frame
 * numbers stay. A paged pool page cannot be faulted in any more.
 */
VOID
MiInvalidateEntries(PVOID Va, SIZE_T Pages)
{
    for (SIZE_T Index = 0; Index < Pages; Index++) {
        PUCHAR   Page = (PUCHAR)Va + (Index << PAGE_SHIFT);
        PULONG64 Pte = MiFindSystemPte(Page);

        if (Pte != NULL && *Pte != 0) {
            InterlockedAnd64((LONG64 *)Pte, ~(PTE_VALID | PTE_TRANSITION));
            __invlpg(Page);
        }
    }
}

/* Empties the entries, which no processor knows any more, and frees their frames if FreeFrames. */
VOID
MiClearEntries(PVOID Va, SIZE_T Pages, BOOLEAN FreeFrames)
{
    for (SIZE_T Index = 0; Index < Pages; Index++) {
        PULONG64 Pte = MiFindSystemPte((PUCHAR)Va + (Index << PAGE_SHIFT));
        ULONG64  Old = Pte == NULL ? 0 : InterlockedExchange64((LONG64 *)Pte, 0);

        if (Old != 0 && FreeFrames)
            MiDereferenceFrame(PTE_TO_PFN(Old));
    }
}

/* Unmaps system pages at once: all processors flush. */
VOID
MiUnmapFrames(PVOID Va, SIZE_T Pages, BOOLEAN FreeFrames)
{
    MiInvalidateEntries(Va, Pages);
    MiFlushRange(Va, Pages);
    MiClearEntries(Va, Pages, FreeFrames);
}
