/*
 * The OS loader's course. GRUB (from the CD) or QEMU (-kernel) has put three things into memory:
 * this program, ntoskrnl.exe and the RAM disk, and passes a Multiboot 1 information structure.
 * From there:
 *
 *   1. take the memory map, and mark the loader and the two modules as used
 *   2. check the processor, then both modules; whatever is wrong ends in BootFail with a sentence
 *   3. lay out the kernel's image, the page tables, the stack and the parameter block in free
 *      pages
 *   4. fill the block (loader.h) and enter KiSystemStartup
 *
 * Nothing is moved: Multiboot puts modules on page boundaries wherever there is room, and
 * allocations go around them. The command line is copied before the first allocation, because the
 * boot loader's own strings lie in memory that counts as free.
 */
#include "boot/boot.h"

#define MULTIBOOT_MAGIC     0x2BADB002
#define MODULES_WANTED      2
#define BIOS_EBDA_SEGMENT   0x40E
#define CPUID_NX            (1u << 20)
#define CPUID_LONG_MODE     (1u << 29)

static char CommandLine[LOADER_COMMAND_LINE];

static void
CheckProcessor(void)
{
    uint32_t Eax = 0x80000000, Ebx, Ecx, Edx;

    __asm__ volatile("cpuid" : "+a"(Eax), "=b"(Ebx), "=c"(Ecx), "=d"(Edx));
    if (Eax < 0x80000001)
        BootFail("this processor is not a 64-bit one");
    Eax = 0x80000001;
    __asm__ volatile("cpuid" : "+a"(Eax), "=b"(Ebx), "=c"(Ecx), "=d"(Edx));
    if (!(Edx & CPUID_LONG_MODE) || !(Edx & CPUID_NX))
        BootFail("this processor has no 64-bit mode or no no-execute pages");
}

/* Copies the command line. QEMU puts the loader's own file name before it, GRUB does not. */
static void
TakeCommandLine(const MULTIBOOT_INFO *Info)
{
    const char *Text = (const char *)Info->CommandLine;
    const char *Name = (const char *)Info->LoaderName;
    uint32_t    Length = 0;

    if (!(Info->Flags & MULTIBOOT_COMMAND_LINE) || !Text)
        return;
    if ((Info->Flags & MULTIBOOT_LOADER_NAME) && Name && Name[0] == 'q' && Name[1] == 'e' &&
        Name[2] == 'm') {
        while (*Text && *Text != ' ')
            Text++;
    }
    while (*Text == ' ')
        Text++;
    while (Length < LOADER_COMMAND_LINE - 1 && Text[Length]) {
        CommandLine[Length] = Text[Length];
        Length++;
    }
    while (Length > 0 && CommandLine[Length - 1] == ' ')
        CommandLine[--Length] = 0;
}

/* Finds the two modules and keeps their pages from being allocated. */
static void
TakeModules(const MULTIBOOT_INFO *Info, BOOT_FILE Files[MODULES_WANTED])
{
    const MULTIBOOT_MODULE *Modules = (const MULTIBOOT_MODULE *)Info->Modules;
    uint32_t                Count = Info->Flags & MULTIBOOT_MODULES ? Info->ModuleCount : 0;

    if (Count != MODULES_WANTED)
        BootFail("two modules are wanted, ntoskrnl.exe and ramdisk.tar, "
                 "but the boot loader passed %u", Count);

    for (uint32_t Index = 0; Index < MODULES_WANTED; Index++) {
        MULTIBOOT_MODULE Module = Modules[Index];

        if ((Module.Start & (PAGE_SIZE - 1)) || Module.Start < (uint32_t)LoaderEnd ||
            Module.End < Module.Start)
            BootFail("module %u lies at 0x%x, which is not a place for one", Index + 1,
                     Module.Start);
        if (Module.End == Module.Start)
            BootFail("module %u is empty", Index + 1);
        Files[Index].Base = (const uint8_t *)Module.Start;
        Files[Index].Size = Module.End - Module.Start;
    }
    for (uint32_t Index = 0; Index < MODULES_WANTED; Index++)
        BootMemoryReserve((uint32_t)Files[Index].Base, Files[Index].Size, LoaderModule);
}

/* Looks for "RSD PTR " with a right checksum on the 16-byte boundaries of a range. */
static uint32_t
ScanForRsdp(uint32_t From, uint32_t To)
{
    for (uint32_t At = From; At < To; At += 16) {
        const uint8_t *Bytes = (const uint8_t *)At;
        uint8_t        Sum = 0;

        if (*(const volatile uint32_t *)At != 0x20445352 ||
            *(const volatile uint32_t *)(At + 4) != 0x20525450)
            continue;
        for (int Index = 0; Index < 20; Index++)
            Sum += Bytes[Index];
        if (Sum == 0)
            return At;
    }
    return 0;
}

static uint32_t
FindRsdp(void)
{
    volatile uint16_t *SegmentAt = (volatile uint16_t *)BIOS_EBDA_SEGMENT;
    uint32_t           Ebda, Found = 0;

    // the compiler takes an address this low for a null pointer
    __asm__("" : "+r"(SegmentAt));
    Ebda = (uint32_t)*SegmentAt << 4;
    if (Ebda >= 0x80000 && Ebda < 0xA0000)
        Found = ScanForRsdp(Ebda, Ebda + 1024);
    return Found ? Found : ScanForRsdp(0xE0000, 0x100000);
}

static void
FillBlock(LOADER_PARAMETER_BLOCK *Block, const BOOT_FILE Files[MODULES_WANTED],
          const BOOT_IMAGE *Image,
          const uint64_t *Pml4)
{
    Block->Magic = LOADER_BLOCK_MAGIC;
    Block->KernelBase = KERNEL_IMAGE_BASE;
    Block->KernelPhysical = (uint32_t)Image->Base;
    Block->KernelSize = Image->Size;
    Block->KernelFile = (uint32_t)Files[0].Base;
    Block->KernelFileSize = Files[0].Size;
    Block->RamDisk = (uint32_t)Files[1].Base;
    Block->RamDiskSize = Files[1].Size;
    Block->PageDirectory = (uint32_t)Pml4;
    Block->Rsdp = FindRsdp();
    BootCopy(Block->CommandLine, CommandLine, sizeof(CommandLine));
    BootMemoryReport(Block);
}

__attribute__((noreturn)) void
BootMain(uint32_t Magic, const MULTIBOOT_INFO *Info)
{
    BOOT_FILE               Files[MODULES_WANTED];
    BOOT_IMAGE              Image = { 0 };
    LOADER_PARAMETER_BLOCK *Block;
    uint64_t               *Pml4;
    uint8_t                *Stack;

    BootPrintInitialize();
    if (Magic != MULTIBOOT_MAGIC)
        BootFail("it was not started by a Multiboot 1 loader");

    BootMemoryInitialize(Info);
    TakeCommandLine(Info);
    TakeModules(Info, Files);
    CheckProcessor();
    BootImageCheck(Files[0], &Image);
    BootArchiveCheck(Files[1]);

    BootImageLoad(Files[0], &Image);
    Pml4 = BootBuildPageTables(&Image);
    Stack = BootMemoryAllocate(LOADER_STACK_PAGES * PAGE_SIZE, LoaderReclaim);
    Block = BootMemoryAllocate(sizeof(*Block), LoaderReclaim);
    FillBlock(Block, Files, &Image, Pml4);
    BootEnterKernel(Pml4, KERNEL_IMAGE_BASE + Image.Entry,
                    PHYSICAL_MAP_BASE + (uint32_t)Stack + LOADER_STACK_PAGES * PAGE_SIZE,
                    PHYSICAL_MAP_BASE + (uint32_t)Block);
}
