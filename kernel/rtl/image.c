/*
 * Reading a PE image that is mapped: headers, directories, exports, relocations.
 *
 * Nothing in an image is believed: a driver or a DLL may be damaged or made to hurt. Each table
 * is checked to lie inside SizeOfImage before it is read, strings are compared with a bound, and
 * counts are taken as limits. What was checked once (RtlImageNtHeader) is the base of all:
 * e_lfanew must put the headers into the first page, and the machine and the optional header's
 * magic must be x64's.
 */
#include "rtlp.h"

/*
 * The image's PE header, or NULL if ImageBase does not start a plausible x64 image. The first
 * page must be readable. Any IRQL.
 */
PIMAGE_NT_HEADERS NTAPI
RtlImageNtHeader(PVOID ImageBase)
{
    PIMAGE_DOS_HEADER Dos = ImageBase;
    PIMAGE_NT_HEADERS Nt;

    if (Dos == NULL || Dos->e_magic != IMAGE_DOS_SIGNATURE || (Dos->e_lfanew & 3) != 0 ||
        (ULONG)Dos->e_lfanew > PAGE_SIZE - sizeof(IMAGE_NT_HEADERS))
        return NULL;

    Nt = (PIMAGE_NT_HEADERS)((PUCHAR)ImageBase + Dos->e_lfanew);
    if (Nt->Signature != IMAGE_NT_SIGNATURE ||
        Nt->FileHeader.Machine != IMAGE_FILE_MACHINE_AMD64 ||
        Nt->FileHeader.SizeOfOptionalHeader < FIELD_OFFSET(IMAGE_OPTIONAL_HEADER, DataDirectory) ||
        Nt->OptionalHeader.Magic != IMAGE_NT_OPTIONAL_HDR_MAGIC)
        return NULL;
    return Nt;
}

/* Where Rva's byte lies in the file that ImageBase holds unmapped, or NULL. */
static PVOID
RtlpFileAddress(PVOID ImageBase, PIMAGE_NT_HEADERS Nt, ULONG Rva, ULONG Size)
{
    PIMAGE_SECTION_HEADER Section = IMAGE_FIRST_SECTION(Nt);
    ULONG                 Index;

    for (Index = 0; Index < Nt->FileHeader.NumberOfSections; Index += 1, Section += 1) {
        ULONG Offset = Rva - Section->VirtualAddress;

        if (Rva >= Section->VirtualAddress && Offset < Section->SizeOfRawData &&
            Size <= Section->SizeOfRawData - Offset)
            return (PUCHAR)ImageBase + Section->PointerToRawData + Offset;
    }
    return NULL;
}

/*
 * The address of one of the image's directories and its size, or NULL if it has none or it lies
 * outside the image. MappedAsImage FALSE: ImageBase is the file as it is on disk. Any IRQL.
 */
PVOID NTAPI
RtlImageDirectoryEntryToData(PVOID ImageBase, BOOLEAN MappedAsImage, USHORT Directory, PULONG Size)
{
    PIMAGE_NT_HEADERS     Nt = RtlImageNtHeader(ImageBase);
    PIMAGE_DATA_DIRECTORY Entry;

    *Size = 0;
    if (Nt == NULL || Directory >= IMAGE_NUMBEROF_DIRECTORY_ENTRIES ||
        Directory >= Nt->OptionalHeader.NumberOfRvaAndSizes)
        return NULL;

    Entry = &Nt->OptionalHeader.DataDirectory[Directory];
    if (Entry->VirtualAddress == 0 || Entry->Size == 0 ||
        Entry->VirtualAddress >= Nt->OptionalHeader.SizeOfImage ||
        Entry->Size > Nt->OptionalHeader.SizeOfImage - Entry->VirtualAddress)
        return NULL;

    *Size = Entry->Size;
    if (MappedAsImage)
        return (PUCHAR)ImageBase + Entry->VirtualAddress;
    return RtlpFileAddress(ImageBase, Nt, Entry->VirtualAddress, Entry->Size);
}

/* The export directory with its three tables, all checked to lie in the image. */
typedef struct _EXPORTS {
    PUCHAR  Base;
    ULONG   SizeOfImage;
    ULONG   Start, Size;            // RVAs of the directory: an export inside is a forwarder
    ULONG   OrdinalBase, FunctionCount, NameCount;
    PULONG  Functions, Names;
    PUSHORT Ordinals;
} EXPORTS, *PEXPORTS;

static BOOLEAN
RtlpIsTableInside(PEXPORTS Exports, ULONG Rva, ULONG64 Count, ULONG Element)
{
    return Rva < Exports->SizeOfImage && Count * Element <= Exports->SizeOfImage - Rva;
}

static BOOLEAN
RtlpOpenExports(PVOID ImageBase, PEXPORTS Exports)
{
    PIMAGE_EXPORT_DIRECTORY Directory;

    Directory = RtlImageDirectoryEntryToData(ImageBase, TRUE, IMAGE_DIRECTORY_ENTRY_EXPORT,
                                             &Exports->Size);
    if (Directory == NULL || Exports->Size < sizeof(*Directory))
        return FALSE;

    Exports->Base = ImageBase;
    Exports->SizeOfImage = RtlImageNtHeader(ImageBase)->OptionalHeader.SizeOfImage;
    Exports->Start = (ULONG)((PUCHAR)Directory - Exports->Base);
    Exports->OrdinalBase = Directory->Base;
    Exports->FunctionCount = Directory->NumberOfFunctions;
    Exports->NameCount = Directory->NumberOfNames;
    Exports->Functions = (PULONG)(Exports->Base + Directory->AddressOfFunctions);
    Exports->Names = (PULONG)(Exports->Base + Directory->AddressOfNames);
    Exports->Ordinals = (PUSHORT)(Exports->Base + Directory->AddressOfNameOrdinals);
    return RtlpIsTableInside(Exports, Directory->AddressOfFunctions, Exports->FunctionCount, 4) &&
           RtlpIsTableInside(Exports, Directory->AddressOfNames, Exports->NameCount, 4) &&
           RtlpIsTableInside(Exports, Directory->AddressOfNameOrdinals, Exports->NameCount, 2);
}

/* strcmp against a string at an RVA that may run out of the image. */
static int
RtlpCompareName(PEXPORTS Exports, PCSTR Name, ULONG Rva)
{
    for (; Rva < Exports->SizeOfImage; Rva += 1, Name += 1) {
        int Difference = (UCHAR)*Name - Exports->Base[Rva];

        if (Difference != 0 || *Name == '\0')
            return Difference;
    }
    return -1;
}

static PVOID
RtlpExportAddress(PEXPORTS Exports, ULONG Index, PCSTR *Forwarder)
{
    ULONG Rva;

    if (Index >= Exports->FunctionCount)
        return NULL;

    Rva = Exports->Functions[Index];
    if (Rva == 0 || Rva >= Exports->SizeOfImage)
        return NULL;
    if (Rva - Exports->Start >= Exports->Size)
        return Exports->Base + Rva;
    if (Forwarder != NULL)
        *Forwarder = (PCSTR)Exports->Base + Rva;
    return NULL;
}

/* See rtl.h. The names are sorted, so this is a binary search. Any IRQL. */
PVOID NTAPI
RtlFindExportedRoutineByName(PVOID ImageBase, PCSTR Name, PCSTR *Forwarder)
{
    EXPORTS Exports;
    ULONG   Low = 0, High;

    if (Forwarder != NULL)
        *Forwarder = NULL;
    if (!RtlpOpenExports(ImageBase, &Exports))
        return NULL;

    for (High = Exports.NameCount; Low < High;) {
        ULONG Middle = Low + (High - Low) / 2;
        int   Order = RtlpCompareName(&Exports, Name, Exports.Names[Middle]);

        if (Order == 0)
            return RtlpExportAddress(&Exports, Exports.Ordinals[Middle], Forwarder);
        if (Order < 0)
            High = Middle;
        else
            Low = Middle + 1;
    }
    return NULL;
}

/* The same by ordinal. */
PVOID
RtlpFindExportedRoutineByOrdinal(PVOID ImageBase, ULONG Ordinal, PCSTR *Forwarder)
{
    EXPORTS Exports;

    if (Forwarder != NULL)
        *Forwarder = NULL;
    if (!RtlpOpenExports(ImageBase, &Exports))
        return NULL;
    return RtlpExportAddress(&Exports, Ordinal - Exports.OrdinalBase, Forwarder);
}

/*
 * Applies one block of relocations; FALSE if it points outside the image or knows another type.
 */
static BOOLEAN
RtlpRelocateBlock(PUCHAR ImageBase, ULONG SizeOfImage, ULONG64 Delta, PIMAGE_BASE_RELOCATION Block)
{
    PUSHORT Entry = (PUSHORT)(Block + 1);
    ULONG   Count = (Block->SizeOfBlock - sizeof(*Block)) / sizeof(USHORT);

    for (; Count > 0; Count -= 1, Entry += 1) {
        ULONG64 Offset = (ULONG64)Block->VirtualAddress + (*Entry & 0xFFF);

        if (*Entry >> 12 == IMAGE_REL_BASED_ABSOLUTE)
            continue;
        if (Offset + sizeof(ULONG64) > SizeOfImage)
            return FALSE;
        if (*Entry >> 12 == IMAGE_REL_BASED_DIR64)
            *(ULONG64 UNALIGNED *)(ImageBase + Offset) += Delta;
        else if (*Entry >> 12 == IMAGE_REL_BASED_HIGHLOW)
            *(ULONG UNALIGNED *)(ImageBase + Offset) += (ULONG)Delta;
        else
            return FALSE;
    }
    return TRUE;
}

/*
 * See rtl.h. The image's pages must be writable. FALSE also if it says that it cannot be
 * relocated.
 */
BOOLEAN
RtlpRelocateImage(PVOID ImageBase, ULONG64 PreferredBase, ULONG SizeOfImage)
{
    ULONG64           Delta = (ULONG64)ImageBase - PreferredBase;
    PIMAGE_NT_HEADERS Nt = RtlImageNtHeader(ImageBase);
    ULONG             Size;
    PUCHAR            Next;

    if (Delta == 0)
        return TRUE;
    if (Nt == NULL || (Nt->FileHeader.Characteristics & IMAGE_FILE_RELOCS_STRIPPED) != 0)
        return FALSE;

    Next = RtlImageDirectoryEntryToData(ImageBase, TRUE, IMAGE_DIRECTORY_ENTRY_BASERELOC, &Size);
    // position-independent as it is, unless the entry is damaged
    if (Next == NULL)
        return Nt->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_BASERELOC].Size == 0;

    while (Size >= sizeof(IMAGE_BASE_RELOCATION)) {
        PIMAGE_BASE_RELOCATION Block = (PIMAGE_BASE_RELOCATION)Next;
        ULONG                  BlockSize = Block->SizeOfBlock;

        if (BlockSize < sizeof(*Block) || BlockSize > Size)
            return FALSE;
        if (!RtlpRelocateBlock(ImageBase, SizeOfImage, Delta, Block))
            return FALSE;
        Next += BlockSize;
        Size -= BlockSize;
    }
    return TRUE;
}
