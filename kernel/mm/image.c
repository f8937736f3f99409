/*
 * PE images, seen as files somebody may have damaged.
 *
 * MiCheckImage answers once for everything that is read from the headers later: magic numbers,
 * machine, sizes; each section lies inside the file and inside the image, on a page of its own,
 * and sections ascend. What lies deeper (relocations, imports, exports) is checked where it is
 * read. A driver's checksum must be right, if it has one, which finds the damage that a check of
 * structure cannot.
 */
#include "mm/mmp.h"
#include "mm/image.h"
#include "rtl/rtl.h"

/* Headers: inside the file, x64, with an optional header as long as its directories. */
static NTSTATUS
MiCheckHeaders(PMI_IMAGE Image)
{
    PIMAGE_DOS_HEADER Dos = (PIMAGE_DOS_HEADER)Image->File;
    PIMAGE_NT_HEADERS Nt;
    SIZE_T            End;

    if (Image->FileSize < sizeof(*Dos) || Dos->e_magic != IMAGE_DOS_SIGNATURE)
        return STATUS_INVALID_IMAGE_NOT_MZ;
    if (Dos->e_lfanew < (LONG)sizeof(*Dos) || (Dos->e_lfanew & 3) != 0 ||
        (ULONG)Dos->e_lfanew > PAGE_SIZE - sizeof(*Nt) ||
            (ULONG)Dos->e_lfanew + sizeof(*Nt) > Image->FileSize)
        return STATUS_INVALID_IMAGE_FORMAT;

    Nt = (PIMAGE_NT_HEADERS)(Image->File + Dos->e_lfanew);
    if (Nt->Signature != IMAGE_NT_SIGNATURE)
        return STATUS_INVALID_IMAGE_FORMAT;
    if (Nt->FileHeader.Machine == IMAGE_FILE_MACHINE_I386)
        return STATUS_INVALID_IMAGE_WIN_32;
    if (Nt->FileHeader.Machine != IMAGE_FILE_MACHINE_AMD64 ||
        Nt->OptionalHeader.Magic != IMAGE_NT_OPTIONAL_HDR64_MAGIC ||
        Nt->FileHeader.SizeOfOptionalHeader < sizeof(Nt->OptionalHeader) ||
        !(Nt->FileHeader.Characteristics & IMAGE_FILE_EXECUTABLE_IMAGE))
        return STATUS_INVALID_IMAGE_FORMAT;

    Image->Nt = Nt;
    Image->Sections = IMAGE_FIRST_SECTION(Nt);
    Image->SectionCount = Nt->FileHeader.NumberOfSections;
    End = (SIZE_T)((PUCHAR)(Image->Sections + Image->SectionCount) - Image->File);
    if (End > Nt->OptionalHeader.SizeOfHeaders ||
        Nt->OptionalHeader.SizeOfHeaders > Image->FileSize)
        return STATUS_INVALID_IMAGE_FORMAT;
    return STATUS_SUCCESS;
}

static ULONG64
MiSectionSize(PIMAGE_SECTION_HEADER Section)
{
    return Section->Misc.VirtualSize != 0 ? Section->Misc.VirtualSize : Section->SizeOfRawData;
}

static BOOLEAN
MiAreSectionsSound(PMI_IMAGE Image)
{
    ULONG64 Next = ROUND_UP(Image->Nt->OptionalHeader.SizeOfHeaders, PAGE_SIZE);

    for (ULONG Index = 0; Index < Image->SectionCount; Index++) {
        PIMAGE_SECTION_HEADER Section = &Image->Sections[Index];

        if ((Section->VirtualAddress & (PAGE_SIZE - 1)) != 0 || Section->VirtualAddress < Next)
            return FALSE;
        if (Section->SizeOfRawData != 0 &&
            (ULONG64)Section->PointerToRawData + Section->SizeOfRawData > Image->FileSize)
            return FALSE;
        Next = ROUND_UP((ULONG64)Section->VirtualAddress + MiSectionSize(Section), PAGE_SIZE);
        if (Next > Image->SizeOfImage)
            return FALSE;
    }
    return TRUE;
}

/* The entry point, if there is one, is code. */
static BOOLEAN
MiIsEntrySound(PMI_IMAGE Image)
{
    ULONG Entry = Image->Nt->OptionalHeader.AddressOfEntryPoint;

    for (ULONG Index = 0; Entry != 0 && Index < Image->SectionCount; Index++) {
        PIMAGE_SECTION_HEADER Section = &Image->Sections[Index];

        if (Entry >= Section->VirtualAddress &&
            Entry - Section->VirtualAddress < MiSectionSize(Section))
            return (Section->Characteristics & IMAGE_SCN_MEM_EXECUTE) != 0;
    }
    return Entry == 0;
}

/*
 * File is the whole file, in kernel memory. On success *Image may be used without further checks
 * of headers and sections.
 */
NTSTATUS
MiCheckImage(PVOID File, SIZE_T FileSize, PMI_IMAGE Image)
{
    PIMAGE_OPTIONAL_HEADER Optional;
    NTSTATUS               Status;

    *Image = (MI_IMAGE){ .File = File, .FileSize = FileSize };
    Status = MiCheckHeaders(Image);
    if (!NT_SUCCESS(Status))
        return Status;

    Optional = &Image->Nt->OptionalHeader;
    if (Optional->SizeOfImage == 0 || Optional->SizeOfImage > MI_LARGEST_IMAGE ||
        Optional->SectionAlignment < PAGE_SIZE || Optional->SizeOfHeaders > Optional->SizeOfImage ||
        Optional->AddressOfEntryPoint >= Optional->SizeOfImage ||
            (Optional->ImageBase & 0xFFFF) != 0)
        return STATUS_INVALID_IMAGE_FORMAT;
    Image->SizeOfImage = (ULONG)ROUND_UP(Optional->SizeOfImage, PAGE_SIZE);
    if (!MiAreSectionsSound(Image) || !MiIsEntrySound(Image))
        return STATUS_INVALID_IMAGE_FORMAT;
    return STATUS_SUCCESS;
}

/*
 * The sum of all 16-bit words with end-around carry, the field itself taken as 0, plus the
 * length. A field of 0 says there is none.
 */
BOOLEAN
MiIsChecksumRight(PMI_IMAGE Image)
{
    ULONG   Field = Image->Nt->OptionalHeader.CheckSum;
    SIZE_T  Skip = (SIZE_T)((PUCHAR)&Image->Nt->OptionalHeader.CheckSum - Image->File);
    ULONG64 Sum = 0;

    if (Field == 0)
        return TRUE;
    for (SIZE_T Offset = 0; Offset + 1 < Image->FileSize; Offset += 2)
        if (Offset - Skip >= sizeof(ULONG))
            Sum += *(PUSHORT)(Image->File + Offset);
    if (Image->FileSize & 1)
        Sum += Image->File[Image->FileSize - 1];
    while (Sum >> 16)
        Sum = (Sum & 0xFFFF) + (Sum >> 16);
    return (ULONG)(Sum + Image->FileSize) == Field;
}

VOID
MiCopyImage(PMI_IMAGE Image, PVOID Base)
{
    RtlCopyMemory(Base, Image->File, Image->Nt->OptionalHeader.SizeOfHeaders);
    for (ULONG Index = 0; Index < Image->SectionCount; Index++) {
        PIMAGE_SECTION_HEADER Section = &Image->Sections[Index];
        SIZE_T                Size = min(Section->SizeOfRawData, MiSectionSize(Section));

        RtlCopyMemory((PUCHAR)Base + Section->VirtualAddress,
                      Image->File + Section->PointerToRawData, Size);
    }
}

static ULONG
MiSectionProtection(PIMAGE_SECTION_HEADER Section)
{
    if (Section->Characteristics & IMAGE_SCN_MEM_EXECUTE)       // and writable: it was, until now
        return PAGE_EXECUTE_READ;
    return Section->Characteristics & IMAGE_SCN_MEM_WRITE ? PAGE_READWRITE : PAGE_READONLY;
}

NTSTATUS
MiProtectSections(PMI_IMAGE Image, PVOID Base, PMI_PROTECT Protect)
{
    NTSTATUS Status = Protect(Base, Image->Nt->OptionalHeader.SizeOfHeaders, PAGE_READONLY);

    for (ULONG Index = 0; NT_SUCCESS(Status) && Index < Image->SectionCount; Index++) {
        PIMAGE_SECTION_HEADER Section = &Image->Sections[Index];

        if (MiSectionSize(Section) != 0)
            Status = Protect((PUCHAR)Base + Section->VirtualAddress, MiSectionSize(Section),
                MiSectionProtection(Section));
    }
    return Status;
}

VOID
MiDescribeImage(PKLDR_DATA_TABLE_ENTRY Entry)
{
    PIMAGE_NT_HEADERS Nt = RtlImageNtHeader(Entry->DllBase);

    Entry->EntryPoint = (PUCHAR)Entry->DllBase + Nt->OptionalHeader.AddressOfEntryPoint;
    Entry->ExceptionTable = RtlImageDirectoryEntryToData(Entry->DllBase, TRUE,
                                                         IMAGE_DIRECTORY_ENTRY_EXCEPTION,
        &Entry->ExceptionTableSize);
}

/* Points Entry at the COFF symbols in File, if they and their strings lie inside it. */
VOID
MiFindSymbols(PKLDR_DATA_TABLE_ENTRY Entry, PVOID File, SIZE_T FileSize)
{
    PIMAGE_NT_HEADERS Nt = RtlImageNtHeader(File);
    ULONG64           Start, Strings;

    Entry->Symbols = NULL;
    Entry->SymbolCount = 0;
    if (Nt == NULL || Nt->FileHeader.PointerToSymbolTable == 0)
        return;
    Start = Nt->FileHeader.PointerToSymbolTable;
    Strings = Start + (ULONG64)Nt->FileHeader.NumberOfSymbols * 18;
    if (Strings + sizeof(ULONG) > FileSize ||
        Strings + *(ULONG UNALIGNED *)((PUCHAR)File + Strings) > FileSize)
        return;
    Entry->Symbols = (PUCHAR)File + Start;
    Entry->SymbolCount = Nt->FileHeader.NumberOfSymbols;
    Entry->SymbolStrings = (PSTR)File + Strings;
}
