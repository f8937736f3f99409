/*
 * ntoskrnl.exe: is this file whole, is it an x64 native PE32+ image linked for KERNEL_IMAGE_BASE,
 * and does everything its headers say stay within the file and within the image? The checks come
 * first, all of them, and each failure is a sentence; then the sections are copied to where their
 * addresses put them, so that the image in memory is what the linker described, zeros included.
 * Rights are not set here but in the page tables (paging.c).
 *
 * Debug sections (a name that begins with '/', the form the linker gives long names, or with
 * ".debug") must come last; they stay in the file. The checksum in the header, which
 * tools/seal.py writes, finds damage anywhere in the file.
 */
#include "boot/boot.h"

#define DOS_MAGIC               0x5A4D
#define PE_MAGIC                0x00004550
#define MACHINE_X64             0x8664
#define OPTIONAL_MAGIC_PE32P    0x020B
#define SUBSYSTEM_NATIVE        1
#define LARGEST_IMAGE           0x4000000u      // 64 MiB: more is a damaged header

/* Offsets from the PE signature. */
#define PE_MACHINE              4
#define PE_SECTION_COUNT        6
#define PE_OPTIONAL_SIZE        20
#define PE_OPTIONAL             24
#define PE_ENTRY                (PE_OPTIONAL + 16)
#define PE_IMAGE_BASE           (PE_OPTIONAL + 24)
#define PE_SECTION_ALIGNMENT    (PE_OPTIONAL + 32)
#define PE_HEADERS_SIZE         (PE_OPTIONAL + 60)
#define PE_CHECKSUM             (PE_OPTIONAL + 64)
#define PE_SUBSYSTEM            (PE_OPTIONAL + 68)
#define PE_OPTIONAL_SMALLEST    112

static uint32_t
Read32(const uint8_t *At)
{
    return At[0] | At[1] << 8 | At[2] << 16 | (uint32_t)At[3] << 24;
}

static uint32_t
Read16(const uint8_t *At)
{
    return At[0] | At[1] << 8;
}

static bool
Within(uint32_t Offset, uint32_t Size, uint32_t Limit)
{
    return Offset <= Limit && Size <= Limit - Offset;
}

SECTION
BootImageSection(const BOOT_IMAGE *Image, uint32_t Index)
{
    const uint8_t *Header = Image->Sections + Index * SECTION_HEADER_SIZE;
    SECTION        Section;

    Section.VirtualSize = Read32(Header + 8);
    Section.VirtualAddress = Read32(Header + 12);
    Section.RawSize = Read32(Header + 16);
    Section.RawOffset = Read32(Header + 20);
    Section.Flags = Read32(Header + 36);
    Section.Debug = Header[0] == '/' ||
                    (Header[0] == '.' && Header[1] == 'd' && Header[2] == 'e' && Header[3] == 'b');
    if (Section.VirtualSize == 0)
        Section.VirtualSize = Section.RawSize;
    return Section;
}

/*
 * The PE checksum: the 16-bit ones' complement sum of the file without the field itself, plus the
 * file's size.
 */
static void
CheckSum(BOOT_FILE File, uint32_t Field)
{
    const uint16_t *Words = (const uint16_t *)File.Base;
    uint32_t        Stored = Read32(File.Base + Field);
    uint64_t        Sum = 0;

    for (uint32_t Index = 0; Index < File.Size / 2; Index++)
        Sum += Words[Index];
    if (File.Size & 1)
        Sum += File.Base[File.Size - 1];
    Sum -= (Stored & 0xFFFF) + (Stored >> 16);
    while (Sum >> 16)
        Sum = (Sum & 0xFFFF) + (Sum >> 16);

    if ((uint32_t)Sum + File.Size != Stored)
        BootFail("ntoskrnl.exe is damaged: its checksum is 0x%x, the header says 0x%x",
                 (uint32_t)Sum + File.Size, Stored);
}

/*
 * Returns the PE signature's offset once it and the two headers after it are known to be inside
 * the file and ours.
 */
static uint32_t
CheckHeaders(BOOT_FILE File)
{
    const uint8_t *Pe;
    uint32_t       Offset;

    if (File.Size < 64 || Read16(File.Base) != DOS_MAGIC)
        BootFail("the first module is not a program image (no MZ); it must be ntoskrnl.exe");
    Offset = Read32(File.Base + 0x3C);
    if ((Offset & 3) || !Within(Offset, PE_OPTIONAL + PE_OPTIONAL_SMALLEST, File.Size))
        BootFail("ntoskrnl.exe is damaged: its PE header lies outside the file");
    Pe = File.Base + Offset;
    if (Read32(Pe) != PE_MAGIC)
        BootFail("ntoskrnl.exe is damaged: it has no PE signature");
    if (Read16(Pe + PE_MACHINE) != MACHINE_X64 || Read16(Pe + PE_OPTIONAL) != OPTIONAL_MAGIC_PE32P)
        BootFail("the first module is not a 64-bit x86 image (machine 0x%x)",
                 Read16(Pe + PE_MACHINE));
    if (Read16(Pe + PE_OPTIONAL_SIZE) < PE_OPTIONAL_SMALLEST)
        BootFail("ntoskrnl.exe is damaged: its optional header is cut short");
    CheckSum(File, Offset + PE_CHECKSUM);
    if (Read16(Pe + PE_SUBSYSTEM) != SUBSYSTEM_NATIVE)
        BootFail("the first module is a program for users (subsystem %u), not a kernel",
                 Read16(Pe + PE_SUBSYSTEM));
    if (Read32(Pe + PE_IMAGE_BASE) != (uint32_t)KERNEL_IMAGE_BASE ||
        Read32(Pe + PE_IMAGE_BASE + 4) != (uint32_t)(KERNEL_IMAGE_BASE >> 32))
        BootFail("the first module is linked for the address 0x%x%x, not for the kernel's",
                 Read32(Pe + PE_IMAGE_BASE + 4), Read32(Pe + PE_IMAGE_BASE));
    if (Read32(Pe + PE_SECTION_ALIGNMENT) != PAGE_SIZE)
        BootFail("ntoskrnl.exe's sections are not aligned to pages");
    return Offset;
}

/*
 * Walks the sections: each inside the file, none overlapping, debug sections last. Sets the
 * image's size.
 */
static void
CheckSections(BOOT_FILE File, BOOT_IMAGE *Image)
{
    bool EntryFound = false, DebugSeen = false;

    for (uint32_t Index = 0; Index < Image->SectionCount; Index++) {
        SECTION Section = BootImageSection(Image, Index);
        uint32_t End = Section.VirtualAddress + Section.VirtualSize;

        if (Section.RawSize && !Within(Section.RawOffset, Section.RawSize, File.Size))
            BootFail("ntoskrnl.exe is damaged: section %u lies outside the file", Index);
        if (Section.Debug) {
            DebugSeen = true;
            continue;
        }
        if (DebugSeen || (Section.VirtualAddress & (PAGE_SIZE - 1)) ||
            Section.VirtualAddress < Image->Size ||
            Section.VirtualSize > LARGEST_IMAGE || Section.VirtualAddress > LARGEST_IMAGE)
            BootFail("ntoskrnl.exe is damaged: section %u is out of place", Index);
        if ((Section.Flags & SECTION_WRITE) && (Section.Flags & SECTION_EXECUTE))
            BootFail("section %u of ntoskrnl.exe is both writable and executable", Index);
        if ((Section.Flags & SECTION_EXECUTE) && Image->Entry >= Section.VirtualAddress &&
            Image->Entry < End)
            EntryFound = true;
        Image->Size = ROUND_UP(End);
    }
    if (!EntryFound)
        BootFail("ntoskrnl.exe is damaged: its entry point is not in code");
}

/* Checks the file and fills everything of the image but its base. */
void
BootImageCheck(BOOT_FILE File, BOOT_IMAGE *Image)
{
    uint32_t       Offset = CheckHeaders(File);
    const uint8_t *Pe = File.Base + Offset;
    uint32_t       SectionsOffset = Offset + PE_OPTIONAL + Read16(Pe + PE_OPTIONAL_SIZE);

    Image->Entry = Read32(Pe + PE_ENTRY);
    Image->SectionCount = Read16(Pe + PE_SECTION_COUNT);
    Image->Sections = File.Base + SectionsOffset;
    Image->Size = PAGE_SIZE;
    if (Image->SectionCount == 0 || Read32(Pe + PE_HEADERS_SIZE) > PAGE_SIZE ||
        !Within(SectionsOffset, Image->SectionCount * SECTION_HEADER_SIZE, File.Size) ||
        SectionsOffset + Image->SectionCount * SECTION_HEADER_SIZE > Read32(Pe + PE_HEADERS_SIZE))
        BootFail("ntoskrnl.exe is damaged: its section table does not fit");
    CheckSections(File, Image);
}

/* Gives a checked image its memory and puts the headers and the sections there. */
void
BootImageLoad(BOOT_FILE File, BOOT_IMAGE *Image)
{
    Image->Base = BootMemoryAllocate(Image->Size, LoaderKernel);
    BootCopy(Image->Base, File.Base, File.Size < PAGE_SIZE ? File.Size : PAGE_SIZE);

    for (uint32_t Index = 0; Index < Image->SectionCount; Index++) {
        SECTION  Section = BootImageSection(Image, Index);
        uint32_t Size = Section.RawSize < Section.VirtualSize
            ? Section.RawSize : Section.VirtualSize;

        if (!Section.Debug && Section.RawOffset)
            BootCopy(Image->Base + Section.VirtualAddress, File.Base + Section.RawOffset, Size);
    }
}
