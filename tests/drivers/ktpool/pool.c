/*
 * Pool: sizes and alignment, many threads on all processors at both IRQLs, allocations that
 * cannot be had, and paged pool that is trimmed by the system's own doing.
 */
#include "ktpool.h"

#define BLOCKS      64
#define ROUNDS      3000
#define PATTERN     0x5A

static VOID
Fill(PUCHAR Block, SIZE_T Size, UCHAR Value)
{
    RtlFillMemory(Block, Size, Value);
}

static BOOLEAN
IsFilled(PUCHAR Block, SIZE_T Size, UCHAR Value)
{
    for (SIZE_T Index = 0; Index < Size; Index++)
        if (Block[Index] != Value)
            return FALSE;
    return TRUE;
}

VOID
TestSizes(VOID)
{
    static const POOL_TYPE Types[] = { NonPagedPool, PagedPool, NonPagedPoolCacheAligned,
                                      PagedPoolCacheAligned };
    BOOLEAN                Aligned = TRUE, Kept = TRUE, Counted = TRUE;

    for (ULONG Type = 0; Type < RTL_NUMBER_OF(Types); Type++)
        for (SIZE_T Size = 1; Size < 3 * PAGE_SIZE; Size += Size < 600 ? 7 : 501) {
            ULONG64 Mask = Size >= PAGE_SIZE ? PAGE_SIZE - 1 : Type >= 2 ? 63 : 15;
            PUCHAR  First = ExAllocatePoolWithTag(Types[Type], Size, TAG);
            PUCHAR  Second = ExAllocatePoolWithTag(Types[Type], Size, TAG);
            USAGE   Usage = TagUsage(TAG);

            Aligned = Aligned && ((ULONG64)First & Mask) == 0 && ((ULONG64)Second & Mask) == 0;
            Fill(First, Size, 1);
            Fill(Second, Size, 2);
            Kept = Kept && IsFilled(First, Size, 1) && IsFilled(Second, Size, 2);
            Counted = Counted && Usage.Paged + Usage.NonPaged == 2 && Usage.Bytes >= 2 * Size;
            ExFreePoolWithTag(First, TAG);
            ExFreePool(Second);
        }
    Promise(Aligned, "Blocks are aligned on 16 bytes, 64 if asked for, pages on pages");
    Promise(Kept, "Two blocks never overlap");
    Promise(Counted, "A tag's counters are exact after every allocation");
}

typedef struct _WORKER {
    ULONG   Processor;
    KIRQL   Irql;
    BOOLEAN Damaged;
} WORKER;

static ULONG
NextRandom(PULONG Seed)
{
    *Seed = *Seed * 1664525 + 1013904223;
    return *Seed >> 8;
}

/*
 * Allocates and frees at random; each block is filled with its slot's number and looked at before
 * it goes.
 */
static VOID NTAPI
Worker(PVOID Context)
{
    WORKER *Self = Context;
    PUCHAR  Blocks[BLOCKS] = { 0 };
    USHORT  Sizes[BLOCKS];
    ULONG   Seed = Self->Processor * 7 + Self->Irql;
    KIRQL   OldIrql;

    KeSetSystemAffinityThread((KAFFINITY)1 << Self->Processor);
    for (ULONG Round = 0; Round < ROUNDS; Round++) {
        ULONG Slot = NextRandom(&Seed) % BLOCKS;

        KeRaiseIrql(Self->Irql, &OldIrql);
        if (Blocks[Slot] != NULL) {
            if (!IsFilled(Blocks[Slot], Sizes[Slot], (UCHAR)Slot))
                Self->Damaged = TRUE;
            ExFreePoolWithTag(Blocks[Slot], TAG);
            Blocks[Slot] = NULL;
        } else {
            Sizes[Slot] = (USHORT)(1 + NextRandom(&Seed) % (NextRandom(&Seed) % 16 == 0
                                                            ? 9000 : 400));
            Blocks[Slot] = ExAllocatePoolWithTag(Self->Irql == DISPATCH_LEVEL
                                                 ? NonPagedPool : PagedPool,
                                                 Sizes[Slot], TAG);
            if (Blocks[Slot] != NULL)
                Fill(Blocks[Slot], Sizes[Slot], (UCHAR)Slot);
        }
        KeLowerIrql(OldIrql);
    }
    for (ULONG Slot = 0; Slot < BLOCKS; Slot++)
        if (Blocks[Slot] != NULL)
            ExFreePoolWithTag(Blocks[Slot], TAG);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

VOID
TestStress(VOID)
{
    static const KIRQL Irqls[] = { PASSIVE_LEVEL, APC_LEVEL, DISPATCH_LEVEL };
    WORKER             Workers[8 * RTL_NUMBER_OF(Irqls)] = { 0 };
    HANDLE             Threads[RTL_NUMBER_OF(Workers)];
    KAFFINITY          Processors = KeQueryActiveProcessors();
    ULONG              Count = 0;
    BOOLEAN            Damaged = FALSE;
    USAGE              Usage;

    for (ULONG Number = 0; Number < 8; Number++)
        for (ULONG Level = 0; Level < RTL_NUMBER_OF(Irqls) && (Processors >> Number & 1); Level++) {
            Workers[Count].Processor = Number;
            Workers[Count].Irql = Irqls[Level];
            if (NT_SUCCESS(PsCreateSystemThread(&Threads[Count], THREAD_ALL_ACCESS, NULL, NULL,
                                                NULL,
                                                Worker, &Workers[Count])))
                Count++;
        }
    for (ULONG Index = 0; Index < Count; Index++) {
        ZwWaitForSingleObject(Threads[Index], FALSE, NULL);
        ZwClose(Threads[Index]);
        Damaged = Damaged || Workers[Index].Damaged;
    }
    Usage = TagUsage(TAG);
    Promise(Count >= RTL_NUMBER_OF(Irqls) && !Damaged,
            "Threads at three IRQLs on every processor never see each other's blocks");
    Promise(Usage.Paged == 0 && Usage.NonPaged == 0 && Usage.Bytes == 0,
            "After the threads the tag's counters are back where they were");
}

VOID
TestFailures(VOID)
{
    BOOLEAN  Raised = FALSE;
    NTSTATUS Status = STATUS_SUCCESS;

    Promise(ExAllocatePoolWithTag(NonPagedPool, 0x7FFFFFFF, TAG) == NULL &&
            ExAllocatePoolWithTag(PagedPool, (SIZE_T)-4096, TAG) == NULL &&
            ExAllocatePoolWithTag(PagedPool, 0x4000000000ULL, TAG) == NULL,
            "An allocation that cannot be had returns NULL");
    __try {
        ExAllocatePoolWithQuotaTag(NonPagedPool, 0x7FFFFFFF, TAG);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
        Raised = TRUE;
    }
    Promise(Raised && Status == STATUS_INSUFFICIENT_RESOURCES,
            "ExAllocatePoolWithQuotaTag raises STATUS_INSUFFICIENT_RESOURCES");
    Promise(ExAllocatePoolWithQuotaTag(NonPagedPool | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE,
                                       0x7FFFFFFF, TAG) == NULL,
            "With POOL_QUOTA_FAIL_INSTEAD_OF_RAISE it returns NULL");
}

VOID
TestTrimming(VOID)
{
    PUCHAR        Block = ExAllocatePoolWithTag(PagedPool, 4 * PAGE_SIZE, TAG);
    LARGE_INTEGER Tenth = { .QuadPart = -1000000 };
    PUCHAR        Locked = ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, TAG);
    PMDL          Mdl = IoAllocateMdl(Locked, PAGE_SIZE, FALSE, FALSE, NULL);
    ULONG         Tries = 0;

    Fill(Block, 4 * PAGE_SIZE, PATTERN);
    MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
    while (MmIsAddressValid(Block) && Tries++ < 100)
        KeDelayExecutionThread(KernelMode, FALSE, &Tenth);
    Promise(!MmIsAddressValid(Block), "Paged pool nobody touches is trimmed by itself");
    Promise(MmIsAddressValid(Locked), "Paged pool that an MDL has locked is not");
    Promise(IsFilled(Block, 4 * PAGE_SIZE, PATTERN),
            "A touch below DISPATCH_LEVEL brings it back as it was");
    Promise(MmIsAddressValid(Block), "and it is valid then");
    MmUnlockPages(Mdl);
    IoFreeMdl(Mdl);
    ExFreePoolWithTag(Locked, TAG);
    ExFreePoolWithTag(Block, TAG);
}
