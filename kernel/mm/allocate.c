/*
 * Reserving, committing, freeing and protecting user memory: what the services of virtual.c do
 * once handles and pointers are dealt with. Addresses and sizes come from programs; each is
 * checked before it is added to another.
 *
 * A reservation starts on a multiple of 64 KiB; everything else is in pages. Committing what is
 * committed is allowed and only changes its rights. A release may take the middle out of a
 * reservation, which leaves two.
 */
#include "mm/section.h"

#define MI_ALLOCATION_TYPES (MEM_COMMIT | MEM_RESERVE | MEM_TOP_DOWN | MEM_RESET | MEM_WRITE_WATCH)

#ifndef MEM_WRITE_WATCH
#define MEM_WRITE_WATCH     0x200000
#endif

/*
 * Turns [*Base, *Base + Size) into whole units of Unit at the start and pages at the end. FALSE:
 * not user addresses.
 */
static BOOLEAN
MiRoundRange(ULONG64 Base, SIZE_T Size, ULONG64 Unit, PULONG64 Start, PULONG64 End)
{
    if (Base > MM_HIGHEST_USER || Size > MM_HIGHEST_USER + 1 - Base)
        return FALSE;
    *Start = ROUND_DOWN(Base, Unit);
    *End = ROUND_UP(Base + Size, PAGE_SIZE);
    return TRUE;
}

/*
 * The highest address a new reservation may reach when its top ZeroBits bits must be zero (or
 * ZeroBits is a mask).
 */
ULONG64
MiHighestForZeroBits(ULONG_PTR ZeroBits)
{
    ULONG64 Highest = MM_HIGHEST_USER;
    ULONG   Top;

    if (ZeroBits >= 32) {
        _BitScanReverse64(&Top, ZeroBits);
        Highest = (2ULL << Top) - 1;
    } else if (ZeroBits != 0) {
        Highest = 0xFFFFFFFFULL >> ZeroBits;
    }
    return min(Highest, MM_HIGHEST_USER);
}

static NTSTATUS
MiReserveAndCommitLocked(PMM_PROCESS Mm, PULONG64 Start, ULONG64 Size, ULONG64 Highest,
                         ULONG Type, ULONG Protection)
{
    PMMVAD   Vad;
    NTSTATUS Status = MiReserveLocked(Mm, Start, Size, Highest, (Type & MEM_TOP_DOWN) != 0, &Vad);

    if (!NT_SUCCESS(Status))
        return Status;
    Vad->Protection = Protection;
    if (!(Type & MEM_COMMIT))
        return STATUS_SUCCESS;
    Status = MiCommitLocked(Mm, *Start, *Start + Size, Protection);
    if (!NT_SUCCESS(Status))
        MiRemoveVadLocked(Mm, Vad);
    return Status;
}

static NTSTATUS
MiCommitInsideLocked(PMM_PROCESS Mm, ULONG64 Start, ULONG64 End, ULONG Protection)
{
    PMMVAD Vad = MiFindVadLocked(Mm, Start);

    if (Vad == NULL || End > Vad->End || Vad->Fixed)
        return STATUS_CONFLICTING_ADDRESSES;
    if (Vad->Segment != NULL)
        return MiCommitViewLocked(Vad, Start, End, Protection);
    return MiCommitLocked(Mm, Start, End, Protection);
}

NTSTATUS
MiAllocateVirtual(PMM_PROCESS Mm, PULONG64 Base, PSIZE_T Size, ULONG_PTR ZeroBits, ULONG Type,
                  ULONG Protect)
{
    BOOLEAN  Reserve = (Type & MEM_RESERVE) || *Base == 0;
    ULONG    Protection = MiEncodeProtection(Protect);
    ULONG64  Start, End;
    NTSTATUS Status;

    if ((Type & ~MI_ALLOCATION_TYPES) || !(Type & (MEM_COMMIT | MEM_RESERVE | MEM_RESET)) ||
        ((Type & MEM_RESET) && Type != MEM_RESET) || (Type & MEM_WRITE_WATCH))
        return STATUS_INVALID_PARAMETER_5;
    if (Protection == MI_INVALID_PROTECTION || (Protection & 3) == MI_WRITECOPY)
        return STATUS_INVALID_PAGE_PROTECTION;
    if (*Base > MM_HIGHEST_USER)
        return STATUS_INVALID_PARAMETER_2;
    if (*Size == 0 || !MiRoundRange(*Base, *Size, Reserve ? MI_ALLOCATION_UNIT : PAGE_SIZE,
                                    &Start, &End))
        return STATUS_INVALID_PARAMETER_4;
    if (Start < MM_LOWEST_USER && *Base != 0)
        return STATUS_INVALID_PARAMETER_2;
    if (Type == MEM_RESET)
        return STATUS_SUCCESS;                      // contents may go, and need not

    ExAcquireFastMutex(&Mm->AddressCreationLock);
    if (Reserve)
        Status = MiReserveAndCommitLocked(Mm, &Start, End - Start, MiHighestForZeroBits(ZeroBits),
                                          Type, Protection);
    else
        Status = MiCommitInsideLocked(Mm, Start, End, Protection);
    ExReleaseFastMutex(&Mm->AddressCreationLock);
    if (NT_SUCCESS(Status)) {
        *Size = ROUND_UP(*Base + *Size, PAGE_SIZE) - (*Base == 0 ? 0 : Start);
        *Base = Start;
    }
    return Status;
}

/* Cuts [Start, End) out of Vad. */
static NTSTATUS
MiReleaseLocked(PMM_PROCESS Mm, PMMVAD Vad, ULONG64 Start, ULONG64 End)
{
    MMVAD    Old = *Vad;
    PMMVAD   Rest;
    NTSTATUS Status;

    if (Start == Old.Start && End == Old.End) {
        MiDecommitLocked(Mm, Start, End);
        MiRemoveVadLocked(Mm, Vad);
        return STATUS_SUCCESS;
    }
    // the middle: the upper rest needs a VAD of its own
    if (Start != Old.Start && End != Old.End) {
        Vad->End = End;
        Mm->VirtualSize -= Old.End - End;
        Status = MiReserveLocked(Mm, &End, Old.End - End, MM_HIGHEST_USER, FALSE, &Rest);
        if (!NT_SUCCESS(Status)) {
            Vad->End = Old.End;
            Mm->VirtualSize += Old.End - End;
            return Status;
        }
        Rest->Protection = Old.Protection;
    }
    MiDecommitLocked(Mm, Start, End);
    if (Start == Old.Start)
        Vad->Start = End;
    else
        Vad->End = Start;
    Mm->VirtualSize -= End - Start;
    return STATUS_SUCCESS;
}

static NTSTATUS
MiFreeLocked(PMM_PROCESS Mm, ULONG64 Base, PULONG64 Start, PULONG64 End, BOOLEAN Whole,
             ULONG FreeType)
{
    PMMVAD Vad = MiFindVadLocked(Mm, Base);

    if (Vad == NULL)
        return STATUS_MEMORY_NOT_ALLOCATED;
    if (Whole && *Start != Vad->Start)
        return STATUS_FREE_VM_NOT_AT_BASE;
    if (Whole)
        *End = Vad->End;
    if (*End > Vad->End || Vad->Fixed)
        return STATUS_UNABLE_TO_FREE_VM;
    if (Vad->Type != MEM_PRIVATE)
        return STATUS_UNABLE_TO_DELETE_SECTION;
    if (FreeType == MEM_RELEASE)
        return MiReleaseLocked(Mm, Vad, *Start, *End);
    MiDecommitLocked(Mm, *Start, *End);
    return STATUS_SUCCESS;
}

NTSTATUS
MiFreeVirtual(PMM_PROCESS Mm, PULONG64 Base, PSIZE_T Size, ULONG FreeType)
{
    ULONG64  Start, End;
    NTSTATUS Status;

    if (FreeType != MEM_DECOMMIT && FreeType != MEM_RELEASE)
        return STATUS_INVALID_PARAMETER_4;
    if (*Base > MM_HIGHEST_USER)
        return STATUS_INVALID_PARAMETER_2;
    if (!MiRoundRange(*Base, *Size, PAGE_SIZE, &Start, &End))
        return STATUS_INVALID_PARAMETER_3;

    ExAcquireFastMutex(&Mm->AddressCreationLock);
    Status = MiFreeLocked(Mm, *Base, &Start, &End, *Size == 0, FreeType);
    ExReleaseFastMutex(&Mm->AddressCreationLock);
    if (NT_SUCCESS(Status)) {
        *Base = Start;
        *Size = End - Start;
    }
    return Status;
}

NTSTATUS
MiProtectVirtual(PMM_PROCESS Mm, PULONG64 Base, PSIZE_T Size, ULONG Protect, PULONG Old)
{
    ULONG    Protection = MiEncodeProtection(Protect);
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG64  Start, End;
    PMMVAD   Vad;

    if (Protection == MI_INVALID_PROTECTION)
        return STATUS_INVALID_PAGE_PROTECTION;
    if (*Base > MM_HIGHEST_USER)
        return STATUS_INVALID_PARAMETER_2;
    if (*Size == 0 || !MiRoundRange(*Base, *Size, PAGE_SIZE, &Start, &End))
        return STATUS_INVALID_PARAMETER_3;

    ExAcquireFastMutex(&Mm->AddressCreationLock);
    Vad = MiFindVadLocked(Mm, Start);
    if (Vad == NULL || End > Vad->End)
        Status = STATUS_CONFLICTING_ADDRESSES;
    else if (Vad->Fixed)
        Status = STATUS_SECTION_PROTECTION;
    else if (Vad->Segment != NULL && !MiIsViewProtection(Vad, &Protection))
        Status = STATUS_SECTION_PROTECTION;
    else if ((Protection & 3) == MI_WRITECOPY && Vad->Type == MEM_PRIVATE)
        Status = STATUS_INVALID_PAGE_PROTECTION;
    else if (!MiIsCommittedLocked(Start, End))
        Status = STATUS_NOT_COMMITTED;
    if (NT_SUCCESS(Status)) {
        *Old = MiDecodeProtection(PTE_PROTECTION(*MiFindPte(MiCurrentPml4(), (PVOID)Start)));
        MiProtectLocked(Start, End, Protection);
        *Base = Start;
        *Size = End - Start;
    }
    ExReleaseFastMutex(&Mm->AddressCreationLock);
    return Status;
}
