/*
 * The page tables the kernel starts with, and keeps for its own half. One page directory pointer
 * table maps physical memory in 2 MiB pages: everything below 4 GiB (devices too), and RAM above
 * that. It hangs in the PML4 twice: at PHYSICAL_MAP_BASE with no-execute in the PML4's entry, and
 * at 0, executable, so that the loader still runs at the moment paging goes on; KiSystemStartup
 * clears that second entry. The kernel's image gets 4 KiB pages with each section's own rights;
 * what the section headers leave out (a header page's rest, gaps) is read-only data.
 */
#include "boot/boot.h"

#define PRESENT         0x001ull
#define WRITABLE        0x002ull
#define LARGE           0x080ull
#define GLOBAL          0x100ull
#define NO_EXECUTE      0x8000000000000000ull

#define LARGE_PAGE      0x200000ull
#define GIGABYTE        0x40000000ull
#define LARGEST_MAP     (512 * GIGABYTE)        // what one PML4 entry reaches

#define PML4_INDEX(Va)  (((Va) >> 39) & 511)
#define PDPT_INDEX(Va)  (((Va) >> 30) & 511)
#define PD_INDEX(Va)    (((Va) >> 21) & 511)
#define PT_INDEX(Va)    (((Va) >> 12) & 511)

static uint64_t *
AllocateTable(void)
{
    return BootMemoryAllocate(PAGE_SIZE, LoaderPageTables);
}

static uint64_t
EntryFor(const void *Table)
{
    return (uint32_t)Table | PRESENT | WRITABLE;
}

/* Follows an entry to the table below, which is made if it is not there. */
static uint64_t *
Below(uint64_t *Entry)
{
    if (!(*Entry & PRESENT))
        *Entry = EntryFor(AllocateTable());
    return (uint64_t *)(uint32_t)(*Entry & ~0xFFFull);
}

static void
MapPhysicalMemory(uint64_t *Pml4)
{
    uint64_t  End = BootMemoryEnd() < 4 * GIGABYTE ? 4 * GIGABYTE : BootMemoryEnd();
    uint64_t *Pdpt = AllocateTable();

    if (End > LARGEST_MAP)
        BootFail("there is more physical memory than Etude can map");

    for (uint64_t Physical = 0; Physical < End; Physical += LARGE_PAGE) {
        uint64_t *Pd = Below(&Pdpt[PDPT_INDEX(Physical)]);

        Pd[PD_INDEX(Physical)] = Physical | PRESENT | WRITABLE | LARGE;
    }
    Pml4[PML4_INDEX(PHYSICAL_MAP_BASE)] = EntryFor(Pdpt) | NO_EXECUTE;
    Pml4[0] = EntryFor(Pdpt);
}

static void
MapImagePages(uint64_t *Pml4, const BOOT_IMAGE *Image, uint32_t Offset, uint32_t Size,
              uint64_t Rights)
{
    uint32_t End = ROUND_UP(Offset + Size);

    for (; Offset < End; Offset += PAGE_SIZE) {
        uint64_t  Va = KERNEL_IMAGE_BASE + Offset;
        uint64_t *Pd = Below(&Below(&Pml4[PML4_INDEX(Va)])[PDPT_INDEX(Va)]);

        Below(&Pd[PD_INDEX(Va)])[PT_INDEX(Va)] =
            ((uint32_t)Image->Base + Offset) | PRESENT | GLOBAL | Rights;
    }
}

static uint64_t
RightsOf(uint32_t Flags)
{
    if (Flags & SECTION_EXECUTE)
        return 0;
    return NO_EXECUTE | (Flags & SECTION_WRITE ? WRITABLE : 0);
}

/* Builds all of them; returns the PML4. */
uint64_t *
BootBuildPageTables(const BOOT_IMAGE *Image)
{
    uint64_t *Pml4 = AllocateTable();

    MapPhysicalMemory(Pml4);
    MapImagePages(Pml4, Image, 0, Image->Size, NO_EXECUTE);
    for (uint32_t Index = 0; Index < Image->SectionCount; Index++) {
        SECTION Section = BootImageSection(Image, Index);

        if (!Section.Debug)
            MapImagePages(Pml4, Image, Section.VirtualAddress, Section.VirtualSize,
                          RightsOf(Section.Flags));
    }
    return Pml4;
}
