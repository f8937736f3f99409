/*
 * Page frames.
 *
 * MmPfnDatabase has a record for every frame up to the end of RAM. A frame is reserved (not RAM,
 * or the kernel's for good), free, or active. An active frame's references are its owner's, which
 * is the page table that maps it, and one for every MDL that locks it; so a program may free
 * memory while a device still writes to it, and the frame goes back to the free list when the
 * last MDL lets go.
 *
 * Free frames form a doubly linked list, so that a contiguous block can be taken out of its
 * middle. Frames below 1 MiB are never handed out: processors start there.
 *
 * Commitment is the promise of a frame. It is charged before the frame is needed: by the pool and
 * the kernel's tables when they allocate, by a program when it commits memory, long before it
 * touches it. As the sum of promises never exceeds what there is, a demand-zero fault finds a
 * frame. Programs stop short of the kernel's reserve (an eighth).
 *
 * MmPfnLock guards the free list and MmAvailablePages; taken last, at DISPATCH_LEVEL.
 */
#include "mm/mmp.h"

#define LOWEST_FRAME    (0x100000 >> PAGE_SHIFT)
#define LIST_END        0                           // frame 0 is never free

PMMPFN     MmPfnDatabase;
PFN_NUMBER MmHighestPhysicalPage;
ULONG64    MmNumberOfPhysicalPages, MmAvailablePages, MmTotalCommitLimit;
volatile LONG64 MmTotalCommittedPages;

static KSPIN_LOCK     MmPfnLock;
static ULONG          MiFreeHead;
static LOADER_MEMORY *MiBootRegion;                 // MiBootAllocate takes from its end
static LOADER_MEMORY  MiLoaderMemory[LOADER_MAX_MEMORY];
static ULONG          MiLoaderMemoryCount;

/*
 * Finds the end of RAM and the largest free region, and makes the database out of the end of
 * that.
 */
INIT_CODE VOID
MiInitializeFrames(PLOADER_PARAMETER_BLOCK LoaderBlock)
{
    MiLoaderMemoryCount = (ULONG)LoaderBlock->MemoryCount;
    for (ULONG Index = 0; Index < MiLoaderMemoryCount; Index++) {
        LOADER_MEMORY *Region = &MiLoaderMemory[Index];

        *Region = LoaderBlock->Memory[Index];
        if (Region->Type == LoaderFirmware)
            continue;
        MmNumberOfPhysicalPages += Region->Pages;
        MmHighestPhysicalPage = max(MmHighestPhysicalPage,
                                    (Region->Base >> PAGE_SHIFT) + Region->Pages - 1);
        if (Region->Type == LoaderFree && (MiBootRegion == NULL ||
                                           Region->Pages > MiBootRegion->Pages))
            MiBootRegion = Region;
    }
    MmPfnDatabase = MiBootAllocate((MmHighestPhysicalPage + 1) * sizeof(MMPFN));
}

/* Memory for tables that live as long as the system, before there is a free list. */
INIT_CODE PVOID
MiBootAllocate(SIZE_T Bytes)
{
    SIZE_T Pages = BYTES_TO_PAGES(Bytes);
    PVOID  Va;

    if (MiBootRegion == NULL || Pages >= MiBootRegion->Pages)
        KeBugCheckEx(INSTALL_MORE_MEMORY, MmNumberOfPhysicalPages, 0, MmHighestPhysicalPage, Pages);
    MiBootRegion->Pages -= Pages;
    Va = PHYSICAL_TO_VA(MiBootRegion->Base + (MiBootRegion->Pages << PAGE_SHIFT));
    RtlZeroMemory(Va, Pages << PAGE_SHIFT);
    return Va;
}

static VOID
MiInsertFreeFrameLocked(PFN_NUMBER Pfn)
{
    PMMPFN Frame = &MmPfnDatabase[Pfn];

    Frame->State = MiFrameFree;
    Frame->ReferenceCount = 0;
    Frame->Blink = LIST_END;
    Frame->Flink = MiFreeHead;
    if (MiFreeHead != LIST_END)
        MmPfnDatabase[MiFreeHead].Blink = (ULONG)Pfn;
    MiFreeHead = (ULONG)Pfn;
    MmAvailablePages++;
}

static VOID
MiTakeFreeFrameLocked(PFN_NUMBER Pfn)
{
    PMMPFN Frame = &MmPfnDatabase[Pfn];

    if (Frame->State != MiFrameFree)
        KeBugCheckEx(PFN_LIST_CORRUPT, 7, Pfn, Frame->ReferenceCount, Frame->State);
    if (Frame->Blink == LIST_END)
        MiFreeHead = Frame->Flink;
    else
        MmPfnDatabase[Frame->Blink].Flink = Frame->Flink;
    if (Frame->Flink != LIST_END)
        MmPfnDatabase[Frame->Flink].Blink = Frame->Blink;
    Frame->State = MiFrameActive;
    Frame->ReferenceCount = 1;
    MmAvailablePages--;
}

/* Puts reserved frames on the free list and raises the limit of commitment by them. */
VOID
MiReleaseFrames(PFN_NUMBER First, SIZE_T Pages)
{
    PFN_NUMBER End = First + Pages;
    KIRQL      OldIrql;

    First = max(First, LOWEST_FRAME);
    KeAcquireSpinLock(&MmPfnLock, &OldIrql);
    for (PFN_NUMBER Pfn = End; Pfn > First; Pfn--, MmTotalCommitLimit++)
        MiInsertFreeFrameLocked(Pfn - 1);           // the lowest frame comes out first
    KeReleaseSpinLock(&MmPfnLock, OldIrql);
}

/*
 * Gives what the loader used for Type (LoaderFree: what it left) to the free list; the other
 * types stay reserved.
 */
VOID
MiReleaseLoaderMemory(LOADER_MEMORY_TYPE Type)
{
    for (ULONG Index = 0; Index < MiLoaderMemoryCount; Index++)
        if (MiLoaderMemory[Index].Type == (ULONG64)Type)
            MiReleaseFrames(MiLoaderMemory[Index].Base >> PAGE_SHIFT, MiLoaderMemory[Index].Pages);
}

PFN_NUMBER
MiAllocateFrame(BOOLEAN Zero)
{
    PFN_NUMBER Pfn;
    KIRQL      OldIrql;

    KeAcquireSpinLock(&MmPfnLock, &OldIrql);
    Pfn = MiFreeHead;
    if (Pfn != LIST_END)
        MiTakeFreeFrameLocked(Pfn);
    KeReleaseSpinLock(&MmPfnLock, OldIrql);

    if (Pfn != LIST_END && Zero)
        RtlZeroMemory(PFN_TO_VA(Pfn), PAGE_SIZE);
    return Pfn;
}

/*
 * Pages frames in a row between Lowest and Highest (inclusive) that do not cross a multiple of
 * Boundary (0: none); 0 if there are none.
 */
PFN_NUMBER
MiAllocateContiguousFrames(SIZE_T Pages, PFN_NUMBER Lowest, PFN_NUMBER Highest, PFN_NUMBER Boundary)
{
    PFN_NUMBER First = 0;
    SIZE_T     Length = 0;
    KIRQL      OldIrql;

    Highest = min(Highest, MmHighestPhysicalPage);
    KeAcquireSpinLock(&MmPfnLock, &OldIrql);
    for (PFN_NUMBER Pfn = max(Lowest, LOWEST_FRAME); Pfn <= Highest && Length < Pages; Pfn++) {
        if (Boundary != 0 && Pfn % Boundary == 0)
            Length = 0;
        if (MmPfnDatabase[Pfn].State != MiFrameFree)
            Length = 0;
        else if (Length++ == 0)
            First = Pfn;
    }
    if (Length < Pages)
        First = 0;
    for (SIZE_T Index = 0; First != 0 && Index < Pages; Index++)
        MiTakeFreeFrameLocked(First + Index);
    KeReleaseSpinLock(&MmPfnLock, OldIrql);
    return First;
}

/* TRUE for RAM that frames describe; device memory is not counted. */
BOOLEAN
MiIsRam(PFN_NUMBER Pfn)
{
    return Pfn <= MmHighestPhysicalPage && MmPfnDatabase[Pfn].State != MiFrameReserved;
}

VOID
MiReferenceFrame(PFN_NUMBER Pfn)
{
    if (MiIsRam(Pfn))
        InterlockedIncrement(&MmPfnDatabase[Pfn].ReferenceCount);
}

VOID
MiDereferenceFrame(PFN_NUMBER Pfn)
{
    PMMPFN Frame = &MmPfnDatabase[Pfn];
    LONG   Count;
    KIRQL  OldIrql;

    if (!MiIsRam(Pfn))
        return;
    Count = InterlockedDecrement(&Frame->ReferenceCount);
    if (Count > 0)
        return;
    if (Count < 0 || Frame->State != MiFrameActive)
        KeBugCheckEx(PFN_LIST_CORRUPT, 7, Pfn, Count, Frame->State);

    KeAcquireSpinLock(&MmPfnLock, &OldIrql);
    MiInsertFreeFrameLocked(Pfn);
    KeReleaseSpinLock(&MmPfnLock, OldIrql);
}

static BOOLEAN
MiChargeUpTo(SIZE_T Pages, ULONG64 Limit)
{
    LONG64 Old = MmTotalCommittedPages, Seen;

    for (;; Old = Seen) {
        if (Pages > Limit || (ULONG64)Old + Pages > Limit)
            return FALSE;
        Seen = InterlockedCompareExchange64(&MmTotalCommittedPages, Old + Pages, Old);
        if (Seen == Old)
            return TRUE;
    }
}

BOOLEAN
MiChargeCommit(SIZE_T Pages)
{
    return MiChargeUpTo(Pages, MmTotalCommitLimit);
}

BOOLEAN
MiChargeUserCommit(SIZE_T Pages)
{
    return MiChargeUpTo(Pages, MmTotalCommitLimit - MmTotalCommitLimit / 8);
}

VOID
MiReturnCommit(SIZE_T Pages)
{
    InterlockedAdd64(&MmTotalCommittedPages, -(LONG64)Pages);
}
