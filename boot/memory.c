/*
 * Physical memory as the loader sees it: two tables.
 *
 *   Ram     the ranges that the boot loader's memory map calls RAM, whole pages, ascending
 *   Used    what of it is taken and for what: the loader itself, the modules, then every
 *           allocation
 *
 * BootMemoryReserve enters what is where it is already; BootMemoryAllocate finds the lowest gap
 * above 1 MiB and below 4 GiB. BootMemoryReport merges the two into the block's map: used ranges
 * with their type, the rest of the RAM free. Page 0 (the real-mode vectors and the BIOS data) is
 * firmware's, so that no physical address handed out is 0. What the map says about anything but
 * RAM is not repeated: whatever the block does not list is not memory.
 */
#include "boot/boot.h"

#define MAX_RANGES      48
#define FIRST_PAGE      0x100000ull
#define LAST_PAGE       0xFFFFF000ull

typedef struct _RANGE {
    uint64_t           Base, End;
    LOADER_MEMORY_TYPE Type;
} RANGE;

typedef struct _RANGES {
    uint32_t Count;
    RANGE    Range[MAX_RANGES];         // ascending
} RANGES;

static RANGES Ram, Used;

void
BootCopy(void *To, const void *From, uint32_t Size)
{
    __asm__ volatile("rep movsb" : "+D"(To), "+S"(From), "+c"(Size) : : "memory");
}

void
BootZero(void *To, uint32_t Size)
{
    __asm__ volatile("rep stosb" : "+D"(To), "+c"(Size) : "a"(0) : "memory");
}

/*
 * Enters a range in its place, or lengthens the one before it; ranges of one table must not
 * overlap.
 */
static void
InsertRange(RANGES *Table, RANGE New)
{
    uint32_t Index = Table->Count;

    if (New.Base >= New.End)
        return;
    for (uint32_t Before = 0; Before < Table->Count; Before++) {
        RANGE *Range = &Table->Range[Before];

        if (Range->End == New.Base && Range->Type == New.Type &&
            (Before + 1 == Table->Count || Range[1].Base >= New.End)) {
            Range->End = New.End;
            return;
        }
    }
    if (Table->Count == MAX_RANGES)
        BootFail("the memory map has more than %u ranges", MAX_RANGES);

    for (; Index > 0 && Table->Range[Index - 1].Base > New.Base; Index--)
        Table->Range[Index] = Table->Range[Index - 1];
    if ((Index > 0 && Table->Range[Index - 1].End > New.Base) ||
        (Index < Table->Count && Table->Range[Index + 1].Base < New.End))
        BootFail("the memory map's ranges overlap at 0x%x", (uint32_t)New.Base);

    Table->Range[Index] = New;
    Table->Count++;
}

/* Takes the map before anything else writes to memory, and the loader's own pages out of it. */
void
BootMemoryInitialize(const MULTIBOOT_INFO *Info)
{
    uint32_t Offset = 0;

    if (!(Info->Flags & MULTIBOOT_MEMORY_MAP))
        BootFail("the boot loader passed no memory map");

    while (Offset < Info->MapLength) {
        const MULTIBOOT_MEMORY *Entry = (const MULTIBOOT_MEMORY *)(Info->Map + Offset);
        RANGE                   Range;

        Range.Base = ROUND_UP(Entry->Base);
        Range.End = (Entry->Base + Entry->Length) & ~(uint64_t)(PAGE_SIZE - 1);
        Range.Type = LoaderFree;
        if (Range.Base == 0)
            Range.Base = PAGE_SIZE;
        if (Entry->Type == 1)
            InsertRange(&Ram, Range);
        Offset += Entry->Size + sizeof(Entry->Size);
    }

    BootMemoryReserve((uint32_t)LoaderStart, LoaderEnd - LoaderStart, LoaderReclaim);
}

/* Marks a range, rounded out to whole pages, as used. */
void
BootMemoryReserve(uint64_t Base, uint64_t Size, LOADER_MEMORY_TYPE Type)
{
    RANGE Range = { Base & ~(uint64_t)(PAGE_SIZE - 1), ROUND_UP(Base + Size), Type };

    InsertRange(&Used, Range);
}

/* The end of the first used range that meets [Base, End), or 0. */
static uint64_t
UsedUntil(uint64_t Base, uint64_t End)
{
    for (uint32_t Index = 0; Index < Used.Count; Index++) {
        if (Used.Range[Index].Base < End && Used.Range[Index].End > Base)
            return Used.Range[Index].End;
    }
    return 0;
}

/* Size bytes, rounded up to pages, zeroed and contiguous. */
void *
BootMemoryAllocate(uint32_t Size, LOADER_MEMORY_TYPE Type)
{
    uint64_t Length = ROUND_UP((uint64_t)Size);

    for (uint32_t Index = 0; Index < Ram.Count; Index++) {
        uint64_t Base = Ram.Range[Index].Base < FIRST_PAGE ? FIRST_PAGE : Ram.Range[Index].Base;
        uint64_t Next;

        while ((Next = UsedUntil(Base, Base + Length)) != 0)
            Base = Next;
        if (Base + Length > Ram.Range[Index].End || Base + Length > LAST_PAGE)
            continue;

        BootMemoryReserve(Base, Length, Type);
        BootZero((void *)(uint32_t)Base, (uint32_t)Length);
        return (void *)(uint32_t)Base;
    }
    BootFail("there is not enough memory: %u KiB in one piece are wanted",
             (uint32_t)(Length >> 10));
}

/* One past the last byte of RAM. */
uint64_t
BootMemoryEnd(void)
{
    return Ram.Count ? Ram.Range[Ram.Count - 1].End : 0;
}

static void
ReportRange(LOADER_PARAMETER_BLOCK *Block, uint64_t Base, uint64_t End, LOADER_MEMORY_TYPE Type)
{
    LOADER_MEMORY *Memory = &Block->Memory[Block->MemoryCount];

    if (Base >= End)
        return;
    if (Block->MemoryCount == LOADER_MAX_MEMORY)
        BootFail("the memory map has more than %u ranges", LOADER_MAX_MEMORY);

    Memory->Base = Base;
    Memory->Pages = (End - Base) / PAGE_SIZE;
    Memory->Type = Type;
    Block->MemoryCount++;
}

/* Fills the block's map. Nothing may be allocated after this. */
void
BootMemoryReport(LOADER_PARAMETER_BLOCK *Block)
{
    ReportRange(Block, 0, PAGE_SIZE, LoaderFirmware);
    for (uint32_t Index = 0; Index < Ram.Count; Index++) {
        uint64_t Base = Ram.Range[Index].Base;

        for (uint32_t Which = 0; Which < Used.Count; Which++) {
            RANGE Range = Used.Range[Which];

            if (Range.Base < Base || Range.End > Ram.Range[Index].End)
                continue;
            ReportRange(Block, Base, Range.Base, LoaderFree);
            ReportRange(Block, Range.Base, Range.End, Range.Type);
            Base = Range.End;
        }
        ReportRange(Block, Base, Ram.Range[Index].End, LoaderFree);
    }
}
