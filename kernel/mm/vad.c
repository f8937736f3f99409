/*
 * Reservations of user addresses, and the page table entries inside them. See vad.h.
 *
 * VADs stand in MM_PROCESS.VadList in ascending order. A new one is found a place by walking the
 * gaps: from below, or from above for MEM_TOP_DOWN, on multiples of 64 KiB.
 *
 * Taking a page away is done in two passes: every entry of the range stops being valid, all
 * processors flush, then the frames go; so another thread of the program cannot write to a frame
 * that is somebody else's already. The entries keep the frame numbers meanwhile as transition
 * entries.
 */
#include "mm/vad.h"

#define MI_VAD_TAG      'daVM'
#define MI_MOST_VADS    16384                       // of one process: they are nonpaged pool
#define TABLE_SPAN      (512ULL << PAGE_SHIFT)      // what one page table maps

VOID
MiInitializeMm(PMM_PROCESS Mm)
{
    ExInitializeFastMutex(&Mm->AddressCreationLock);
    InitializeListHead(&Mm->VadList);
    Mm->CommitCharge = Mm->VirtualSize = 0;
    Mm->PeakCommitCharge = Mm->PeakVirtualSize = 0;
    Mm->VadCount = 0;
    Mm->LockedPages = 0;
}

PMMVAD
MiFindVadLocked(PMM_PROCESS Mm, ULONG64 Address)
{
    for (PLIST_ENTRY Link = Mm->VadList.Flink; Link != &Mm->VadList; Link = Link->Flink) {
        PMMVAD Vad = CONTAINING_RECORD(Link, MMVAD, Link);

        if (Address < Vad->Start)
            return NULL;
        if (Address < Vad->End)
            return Vad;
    }
    return NULL;
}

/*
 * Where a reservation of Size may stand between Low and High; *After is the list entry it
 * follows. 0 if nowhere.
 */
static ULONG64
MiPlaceInGap(ULONG64 Low, ULONG64 High, ULONG64 Size, BOOLEAN TopDown)
{
    Low = ROUND_UP(Low, MI_ALLOCATION_UNIT);
    if (High < Low || High - Low < Size)
        return 0;
    return TopDown ? ROUND_DOWN(High - Size, MI_ALLOCATION_UNIT) : Low;
}

static ULONG64
MiFindPlaceLocked(PMM_PROCESS Mm, ULONG64 Size, ULONG64 Highest, BOOLEAN TopDown)
{
    ULONG64     Low = MM_LOWEST_USER, Place, Found = 0;
    PLIST_ENTRY Link = Mm->VadList.Flink;

    for (;; Link = Link->Flink) {
        PMMVAD  Vad = Link == &Mm->VadList ? NULL : CONTAINING_RECORD(Link, MMVAD, Link);
        ULONG64 High = Vad == NULL ? Highest + 1 : min(Vad->Start, Highest + 1);

        Place = MiPlaceInGap(Low, High, Size, TopDown);
        if (Place != 0)
            Found = Place;
        if (Vad == NULL || (Found != 0 && !TopDown))
            return Found;
        Low = Vad->End;
    }
}

static VOID
MiInsertVadLocked(PMM_PROCESS Mm, PMMVAD Vad)
{
    PLIST_ENTRY Link = Mm->VadList.Flink;

    while (Link != &Mm->VadList && CONTAINING_RECORD(Link, MMVAD, Link)->Start < Vad->Start)
        Link = Link->Flink;
    InsertTailList(Link, &Vad->Link);               // before Link
    Mm->VirtualSize += Vad->End - Vad->Start;
    Mm->PeakVirtualSize = max(Mm->PeakVirtualSize, Mm->VirtualSize);
    Mm->VadCount++;
}

static BOOLEAN
MiIsFreeLocked(PMM_PROCESS Mm, ULONG64 Start, ULONG64 End)
{
    for (PLIST_ENTRY Link = Mm->VadList.Flink; Link != &Mm->VadList; Link = Link->Flink) {
        PMMVAD Vad = CONTAINING_RECORD(Link, MMVAD, Link);

        if (Vad->Start < End && Start < Vad->End)
            return FALSE;
    }
    return TRUE;
}

/*
 * Reserves Size bytes (whole pages) at *Start, or at a place of its choice below Highest if
 * *Start is 0. The new VAD is private, its Protection the caller's to set.
 */
NTSTATUS
MiReserveLocked(PMM_PROCESS Mm, PULONG64 Start, ULONG64 Size, ULONG64 Highest, BOOLEAN TopDown,
                PMMVAD *Vad)
{
    if (*Start == 0) {
        *Start = MiFindPlaceLocked(Mm, Size, Highest, TopDown);
        if (*Start == 0)
            return STATUS_NO_MEMORY;
    } else if (!MiIsFreeLocked(Mm, *Start, *Start + Size)) {
        return STATUS_CONFLICTING_ADDRESSES;
    }
    if (Mm->VadCount == MI_MOST_VADS)
        return STATUS_NO_MEMORY;
    *Vad = ExAllocatePoolWithTag(NonPagedPool, sizeof(MMVAD), MI_VAD_TAG);
    if (*Vad == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    **Vad = (MMVAD){ .Start = *Start, .End = *Start + Size, .Protection = MI_NOACCESS,
                    .Type = MEM_PRIVATE };
    MiInsertVadLocked(Mm, *Vad);
    return STATUS_SUCCESS;
}

VOID
MiRemoveVadLocked(PMM_PROCESS Mm, PMMVAD Vad)
{
    RemoveEntryList(&Vad->Link);
    Mm->VirtualSize -= Vad->End - Vad->Start;
    Mm->VadCount--;
    ExFreePoolWithTag(Vad, MI_VAD_TAG);
}

static inline PULONG64
MiUserPte(ULONG64 Va)
{
    return MiFindPte(MiCurrentPml4(), (PVOID)Va);
}

/* The first page from Va on that has an entry which is not 0, or End. */
static ULONG64
MiNextCommittedLocked(ULONG64 Va, ULONG64 End)
{
    while (Va < End) {
        PULONG64 Pte = MiUserPte(Va);

        if (Pte == NULL)
            Va = ROUND_DOWN(Va, TABLE_SPAN) + TABLE_SPAN;
        else if (*Pte != 0)
            return Va;
        else
            Va += PAGE_SIZE;
    }
    return End;
}

static ULONG64
MiCountUncommittedLocked(ULONG64 Start, ULONG64 End)
{
    ULONG64 Pages = (End - Start) >> PAGE_SHIFT;

    for (ULONG64 Va = Start; (Va = MiNextCommittedLocked(Va, End)) < End; Va += PAGE_SIZE)
        Pages--;
    return Pages;
}

BOOLEAN
MiIsCommittedLocked(ULONG64 Start, ULONG64 End)
{
    return MiCountUncommittedLocked(Start, End) == 0;
}

BOOLEAN
MiMakeTablesLocked(ULONG64 Start, ULONG64 End)
{
    for (ULONG64 Va = Start; Va < End; Va = ROUND_DOWN(Va, TABLE_SPAN) + TABLE_SPAN)
        if (MiMakePte(MiCurrentPml4(), (PVOID)Va) == NULL)
            return FALSE;
    return TRUE;
}

/*
 * Commits what is not committed yet between Start and End (page aligned) and gives the whole of
 * it Protection. On failure nothing has changed.
 */
NTSTATUS
MiCommitLocked(PMM_PROCESS Mm, ULONG64 Start, ULONG64 End, ULONG Protection)
{
    ULONG64  Pages = MiCountUncommittedLocked(Start, End), Entry;

    if (!MiChargeUserCommit(Pages))
        return STATUS_COMMITMENT_LIMIT;
    if (!MiMakeTablesLocked(Start, End)) {
        MiReturnCommit(Pages);
        return STATUS_NO_MEMORY;
    }
    Entry = PTE_COMMITTED | ((ULONG64)Protection << PTE_PROTECT_SHIFT);
    if (Pages < (End - Start) >> PAGE_SHIFT)
        MiProtectLocked(Start, End, Protection);
    for (ULONG64 Va = Start; Va < End; Va += PAGE_SIZE) {
        PULONG64 Pte = MiUserPte(Va);

        if (*Pte == 0)
            *Pte = Entry;
    }
    Mm->CommitCharge += Pages;
    Mm->PeakCommitCharge = max(Mm->PeakCommitCharge, Mm->CommitCharge);
    return STATUS_SUCCESS;
}

/* All processors forget the range: *Dirty says whether anybody can know it. */
static VOID
MiFlushUserRange(ULONG64 Start, ULONG64 End, BOOLEAN Dirty)
{
    if (Dirty)
        MiFlushRange((PVOID)Start, (End - Start) >> PAGE_SHIFT);
}

/*
 * Makes every valid entry of the range a transition entry; the caller flushes if it returns TRUE.
 */
BOOLEAN
MiInvalidateLocked(ULONG64 Start, ULONG64 End)
{
    BOOLEAN Any = FALSE;

    for (ULONG64 Va = Start; (Va = MiNextCommittedLocked(Va, End)) < End; Va += PAGE_SIZE) {
        PULONG64 Pte = MiUserPte(Va);

        if (*Pte & PTE_VALID) {
            *Pte = (*Pte & ~PTE_VALID) | PTE_TRANSITION;
            Any = TRUE;
        }
    }
    return Any;
}

SIZE_T
MiForgetPagesLocked(ULONG64 Start, ULONG64 End)
{
    SIZE_T Pages = 0;

    MiFlushUserRange(Start, End, MiInvalidateLocked(Start, End));
    for (ULONG64 Va = Start; (Va = MiNextCommittedLocked(Va, End)) < End; Va += PAGE_SIZE) {
        PULONG64 Pte = MiUserPte(Va);

        if (*Pte & PTE_TRANSITION)
            MiDereferenceFrame(PTE_TO_PFN(*Pte));
        *Pte = 0;
        Pages++;
    }
    return Pages;
}

VOID
MiDecommitLocked(PMM_PROCESS Mm, ULONG64 Start, ULONG64 End)
{
    SIZE_T Pages = MiForgetPagesLocked(Start, End);

    Mm->CommitCharge -= Pages;
    MiReturnCommit(Pages);
}

/*
 * Gives every committed page of the range Protection; those with a frame become valid again at
 * their next touch.
 */
VOID
MiProtectLocked(ULONG64 Start, ULONG64 End, ULONG Protection)
{
    MiFlushUserRange(Start, End, MiInvalidateLocked(Start, End));
    for (ULONG64 Va = Start; (Va = MiNextCommittedLocked(Va, End)) < End; Va += PAGE_SIZE) {
        PULONG64 Pte = MiUserPte(Va);

        *Pte = (*Pte & ~PTE_PROTECT_MASK) | ((ULONG64)Protection << PTE_PROTECT_SHIFT);
    }
}

/*
 * Maps frames that somebody else owns (an MDL's) at fresh addresses; each gets a reference.
 * Charged by the caller.
 */
BOOLEAN
MiMapFramesLocked(ULONG64 Start, const PFN_NUMBER *Frames, ULONG64 Pages, ULONG Protection,
                  ULONG64 Extra)
{
    for (ULONG64 Index = 0; Index < Pages; Index++)
        if (MiMakePte(MiCurrentPml4(), (PVOID)(Start + (Index << PAGE_SHIFT))) == NULL)
            return FALSE;
    for (ULONG64 Index = 0; Index < Pages; Index++) {
        MiReferenceFrame(Frames[Index]);
        *MiUserPte(Start + (Index << PAGE_SHIFT)) =
            PFN_TO_PTE(Frames[Index]) | MiUserRights(Protection) |
            PTE_COMMITTED | ((ULONG64)Protection << PTE_PROTECT_SHIFT) | Extra;
    }
    return TRUE;
}
