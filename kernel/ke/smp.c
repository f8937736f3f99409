/*
 * Bringing up the other processors, one after the other, from phase 1 on the boot processor.
 *
 * A processor that wakes starts in real mode below 1 MiB. Two pages there are taken out of the
 * loader's memory map before mm/ sees it (KiReserveStartPages): one for the start code, one for a
 * PML4 that also maps low memory to itself. Each processor gets its KPROCESSOR_STATE from
 * nonpaged pool and a kernel stack, whose owner is its idle thread; both stay for good. It says
 * that it runs by its bit in KeActiveProcessors, then idles until the scheduler gives it a
 * thread.
 *
 * A processor that does not answer within a second is left out.
 */
#include "ke/kip.h"
#include "mm/mm.h"
#include "kd/kd.h"
#include "init.h"

#define START_PAGES         2
#define LOW_MEMORY_END      0xA0000
#define DIRECT_MAP_PML4     256                 // index of PHYSICAL_MAP_BASE
#define START_TIMEOUT_US    1000000
#define KI_TAG_PROCESSOR    'corP'

/* The block behind the start code; start16.S knows these offsets. */
#pragma pack(push, 1)
typedef struct _KSTART_BLOCK {
    USHORT  GdtLimit;                           // 0x00
    ULONG   GdtBase;
    ULONG   LongOffset;                         // 0x06: where 64-bit code begins, and its selector
    USHORT  LongSelector;
    ULONG   Cr3;                                // 0x0C
    ULONG64 Stack;                              // 0x10
    PVOID   State;                              // 0x18
    PVOID   Entry;                              // 0x20
} KSTART_BLOCK, *PKSTART_BLOCK;
#pragma pack(pop)

extern UCHAR KiStartCode[], KiStartLong[], KiStartBlock[], KiStartCodeEnd[];

volatile CCHAR            KeNumberProcessors = 1;
static volatile KAFFINITY KeActiveProcessors = 1;
static ULONG64            KiStartPage;          // physical, or 0

KAFFINITY NTAPI
KeQueryActiveProcessors(VOID)
{
    return KeActiveProcessors;
}

/* Takes the pages from the end of the first free range below 640 KiB. */
VOID
KiReserveStartPages(PLOADER_PARAMETER_BLOCK LoaderBlock)
{
    for (ULONG Index = 0; Index < LoaderBlock->MemoryCount; Index++) {
        LOADER_MEMORY *Memory = &LoaderBlock->Memory[Index];

        if (Memory->Type != LoaderFree || Memory->Pages <= START_PAGES ||
            Memory->Base + Memory->Pages * PAGE_SIZE > LOW_MEMORY_END)
            continue;
        Memory->Pages -= START_PAGES;
        KiStartPage = Memory->Base + Memory->Pages * PAGE_SIZE;
        return;
    }
}

/*
 * First C code of another processor, on its idle thread's stack, still in the start page tables.
 */
static DECLSPEC_NORETURN VOID
KiProcessorStartup(PKPROCESSOR_STATE State)
{
    PKPRCB Prcb = &State->Pcr.Prcb;
    PVOID  StackBase = State->StackBase;
    ULONG  Number = State->Number;

    __writecr3(KeLoaderBlock->PageDirectory);
    KiInitializeProcessor(&State->Pcr, Number, (PUCHAR)StackBase - sizeof(XMM_SAVE_AREA32));
    Prcb->ApicId = HalpApicIdOf(Number);
    HalInitializeProcessor(Number);
    InterlockedOr64((LONG64 volatile *)&KeActiveProcessors, (LONG64)Prcb->SetMember);
    KiFlushLocalTb(NULL, TRUE);
    KiBecomeIdleThread(Prcb, StackBase, (PUCHAR)StackBase - KERNEL_STACK_PAGES * PAGE_SIZE);
    HalpStartClock();
    KiIdleLoop();
    __builtin_unreachable();
}

/* Copies the start code to its page and makes the page tables behind it. */
static PKSTART_BLOCK
KiPrepareStartPages(VOID)
{
    PUCHAR        Code = PHYSICAL_TO_VA(KiStartPage);
    PULONG64      Pml4 = PHYSICAL_TO_VA(KiStartPage + PAGE_SIZE);
    PKSTART_BLOCK Block = (PKSTART_BLOCK)(Code + (KiStartBlock - KiStartCode));

    RtlCopyMemory(Code, KiStartCode, KiStartCodeEnd - KiStartCode);
    RtlCopyMemory(Pml4, PHYSICAL_TO_VA(KeLoaderBlock->PageDirectory), PAGE_SIZE);
    Pml4[0] = Pml4[DIRECT_MAP_PML4] & ~(1ULL << 63);

    Block->GdtLimit = 4 * 8 - 1;
    Block->GdtBase = (ULONG)KiStartPage + (ULONG)(KiStartCodeEnd - KiStartCode) - 4 * 8;
    Block->LongOffset = (ULONG)KiStartPage + (ULONG)(KiStartLong - KiStartCode);
    Block->LongSelector = KGDT64_R0_CODE;
    Block->Cr3 = (ULONG)(KiStartPage + PAGE_SIZE);
    Block->Entry = KiProcessorStartup;
    return Block;
}

static BOOLEAN
KiStartProcessor(PKSTART_BLOCK Block, ULONG Number)
{
    PKPROCESSOR_STATE State = ExAllocatePoolWithTag(NonPagedPool, sizeof *State, KI_TAG_PROCESSOR);
    PVOID             StackBase = MmCreateKernelStack();

    if (State == NULL || StackBase == NULL) {
        DbgPrint("Processor %lu: no memory\n", Number);
        return FALSE;
    }
    RtlZeroMemory(State, sizeof *State);
    State->Number = Number;
    State->StackBase = StackBase;
    Block->State = State;
    Block->Stack = (ULONG64)StackBase - sizeof(XMM_SAVE_AREA32) - 0x28;

    HalpStartProcessor(HalpApicIdOf(Number), (ULONG)(KiStartPage >> PAGE_SHIFT));
    for (ULONG Waited = 0; Waited < START_TIMEOUT_US; Waited += 100) {
        if (KeActiveProcessors >> Number & 1)
            return TRUE;
        KeStallExecutionProcessor(100);
    }
    DbgPrint("Processor %lu (APIC %lu) does not start\n", Number, HalpApicIdOf(Number));
    return FALSE;
}

/*
 * Starts every processor the firmware names, up to MAXIMUM_KERNEL_PROCESSORS or the command
 * line's numproc=. PASSIVE_LEVEL, once, when threads can be scheduled.
 */
VOID
KiStartAllProcessors(VOID)
{
    ULONG         Count = min(HalpProcessorCount(), MAXIMUM_KERNEL_PROCESSORS);
    CHAR          Limit[8];
    PKSTART_BLOCK Block;

    PAGED_CODE();

    if (KeCommandLineOption("numproc", Limit, sizeof Limit) && Limit[0] >= '1' && Limit[0] <= '8')
        Count = min(Count, (ULONG)(Limit[0] - '0'));
    KiProcessorBlock[0]->ApicId = HalpApicIdOf(0);
    if (Count < 2 || KiStartPage == 0)
        return;

    Block = KiPrepareStartPages();
    for (ULONG Number = 1; Number < Count; Number++) {
        if (!KiStartProcessor(Block, Number))
            break;
        KeNumberProcessors++;
    }
}
