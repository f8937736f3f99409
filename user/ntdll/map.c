/*
 * Brings a DLL's file into memory.
 *
 * The file is read with ordinary NtReadFile calls from \SystemRoot\System32 into memory from
 * NtAllocateVirtualMemory: the headers, then each section at its address, and what the file does
 * not fill stays zero. Preferably at the base the headers name, else anywhere, and then
 * relocated. All of it is writable while that goes on and while snap.c binds the imports;
 * LdrpProtectSections then gives each section the rights it asks for, and never both write and
 * execute.
 *
 * The kernel maps the program and ntdll itself. Everything is checked against the file's and the
 * image's size before it is used: a damaged DLL gives STATUS_INVALID_IMAGE_FORMAT.
 */
#include "ntdllp.h"

#define LDRP_HEADER_BYTES   0x1000
#define LDRP_MAX_IMAGE      0x10000000

static const WCHAR LdrpSystemFolder[] = L"\\SystemRoot\\System32\\";

PIMAGE_NT_HEADERS
LdrpHeaders(PVOID Base)
{
    return (PIMAGE_NT_HEADERS)((PUCHAR)Base + ((PIMAGE_DOS_HEADER)Base)->e_lfanew);
}

/* A data directory of a mapped image; NULL and 0 when the image has none. */
PVOID
LdrpDirectory(PVOID Base, ULONG Directory, PULONG Size)
{
    PIMAGE_OPTIONAL_HEADER Optional = &LdrpHeaders(Base)->OptionalHeader;

    *Size = 0;
    if (Directory >= Optional->NumberOfRvaAndSizes
        || Optional->DataDirectory[Directory].VirtualAddress == 0)
        return NULL;
    *Size = Optional->DataDirectory[Directory].Size;
    return (PUCHAR)Base + Optional->DataDirectory[Directory].VirtualAddress;
}

static NTSTATUS
LdrpRead(HANDLE File, ULONG Offset, PVOID Buffer, ULONG Length)
{
    LARGE_INTEGER   Position = { .QuadPart = Offset };
    IO_STATUS_BLOCK Iosb = { { 0 }, 0 };
    NTSTATUS        Status;

    if (Length == 0)
        return STATUS_SUCCESS;
    Status = NtReadFile(File, NULL, NULL, NULL, &Iosb, Buffer, Length, &Position, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    return Iosb.Information == Length ? STATUS_SUCCESS : STATUS_INVALID_IMAGE_FORMAT;
}

/*
 * Checks the headers in the first Length bytes of a file; returns them, or NULL if the file is no
 * x64 DLL.
 */
static PIMAGE_NT_HEADERS
LdrpCheckHeaders(PUCHAR Data, ULONG Length)
{
    PIMAGE_DOS_HEADER Dos = (PIMAGE_DOS_HEADER)Data;
    PIMAGE_NT_HEADERS Nt;
    ULONG             SectionsAt;

    if (Length < sizeof *Dos || Dos->e_magic != IMAGE_DOS_SIGNATURE
        || Dos->e_lfanew < (LONG)sizeof *Dos)
        return NULL;
    if ((ULONG)Dos->e_lfanew > Length - sizeof *Nt)
        return NULL;
    Nt = (PIMAGE_NT_HEADERS)(Data + Dos->e_lfanew);
    if (Nt->Signature != IMAGE_NT_SIGNATURE || Nt->FileHeader.Machine != IMAGE_FILE_MACHINE_AMD64
        || Nt->OptionalHeader.Magic != IMAGE_NT_OPTIONAL_HDR64_MAGIC)
        return NULL;
    SectionsAt = (ULONG)((PUCHAR)IMAGE_FIRST_SECTION(Nt) - Data);
    if (SectionsAt + Nt->FileHeader.NumberOfSections * sizeof(IMAGE_SECTION_HEADER) > Length)
        return NULL;
    if (Nt->OptionalHeader.SizeOfImage == 0 || Nt->OptionalHeader.SizeOfImage > LDRP_MAX_IMAGE
        || Nt->OptionalHeader.SizeOfHeaders > Nt->OptionalHeader.SizeOfImage)
        return NULL;
    return Nt;
}

static NTSTATUS
LdrpReadSections(HANDLE File, PVOID Base, PIMAGE_NT_HEADERS Nt)
{
    PIMAGE_SECTION_HEADER Section = IMAGE_FIRST_SECTION(Nt);
    ULONG                 Image = Nt->OptionalHeader.SizeOfImage;
    NTSTATUS              Status;

    Status = LdrpRead(File, 0, Base, min(Nt->OptionalHeader.SizeOfHeaders, LDRP_HEADER_BYTES));
    for (USHORT Index = 0; NT_SUCCESS(Status) && Index < Nt->FileHeader.NumberOfSections;
        Index++, Section++) {
        ULONG Size = Section->SizeOfRawData;

        if (Section->Misc.VirtualSize && Size > Section->Misc.VirtualSize)
            Size = Section->Misc.VirtualSize;
        if (Section->VirtualAddress > Image || Size > Image - Section->VirtualAddress)
            return STATUS_INVALID_IMAGE_FORMAT;
        Status = LdrpRead(File, Section->PointerToRawData,
            (PUCHAR)Base + Section->VirtualAddress, Size);
    }
    return Status;
}

static NTSTATUS
LdrpAllocateImage(PIMAGE_NT_HEADERS Nt, PVOID *Base)
{
    SIZE_T   Size = Nt->OptionalHeader.SizeOfImage;
    NTSTATUS Status;

    *Base = (PVOID)(ULONG_PTR)Nt->OptionalHeader.ImageBase;
    Status = NtAllocateVirtualMemory(NtCurrentProcess(), Base, 0, &Size,
        MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (NT_SUCCESS(Status))
        return Status;
    *Base = NULL;
    Size = Nt->OptionalHeader.SizeOfImage;
    return NtAllocateVirtualMemory(NtCurrentProcess(), Base, 0, &Size, MEM_RESERVE | MEM_COMMIT,
        PAGE_READWRITE);
}

static NTSTATUS
LdrpMapOpenFile(HANDLE File, PVOID *Base)
{
    PIMAGE_NT_HEADERS Nt;
    IO_STATUS_BLOCK   Iosb = { { 0 }, 0 };
    LARGE_INTEGER     Start = { .QuadPart = 0 };
    PUCHAR            Headers;
    SIZE_T            Zero = 0;
    NTSTATUS          Status;

    Headers = RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, 0, LDRP_HEADER_BYTES);
    if (Headers == NULL)
        return STATUS_NO_MEMORY;
    Status = NtReadFile(File, NULL, NULL, NULL, &Iosb, Headers, LDRP_HEADER_BYTES, &Start, NULL);
    if (!NT_SUCCESS(Status))
        goto Done;
    Nt = LdrpCheckHeaders(Headers, (ULONG)Iosb.Information);
    Status = Nt ? LdrpAllocateImage(Nt, Base) : STATUS_INVALID_IMAGE_FORMAT;
    if (!NT_SUCCESS(Status))
        goto Done;

    Status = LdrpReadSections(File, *Base, Nt);
    if (NT_SUCCESS(Status) && (ULONG64)*Base != Nt->OptionalHeader.ImageBase
        && !RtlpRelocateImage(*Base, Nt->OptionalHeader.ImageBase, Nt->OptionalHeader.SizeOfImage))
        Status = STATUS_INVALID_IMAGE_FORMAT;
    if (!NT_SUCCESS(Status))
        NtFreeVirtualMemory(NtCurrentProcess(), Base, &Zero, MEM_RELEASE);
Done:
    RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, Headers);
    return Status;
}

/*
 * Maps \SystemRoot\System32\Name (Length bytes of UTF-16), writable throughout. *Base is the
 * image's address; the caller protects it once its imports are bound. STATUS_DLL_NOT_FOUND when
 * there is no such file.
 */
NTSTATUS
LdrpMapFile(PCWSTR Name, USHORT Length, PVOID *Base)
{
    WCHAR             Path[300];
    USHORT            Prefix = sizeof LdrpSystemFolder - sizeof(WCHAR);
    UNICODE_STRING    String = { Prefix + Length, sizeof Path, Path };
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK   Iosb;
    HANDLE            File;
    NTSTATUS          Status;

    if (Length > sizeof Path - sizeof LdrpSystemFolder)
        return STATUS_DLL_NOT_FOUND;
    memcpy(Path, LdrpSystemFolder, Prefix);
    memcpy((PUCHAR)Path + Prefix, Name, Length);
    InitializeObjectAttributes(&Attributes, &String, OBJ_CASE_INSENSITIVE, NULL, NULL);
    Status = NtOpenFile(&File, FILE_READ_DATA | SYNCHRONIZE, &Attributes, &Iosb, FILE_SHARE_READ,
        FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE);
    if (!NT_SUCCESS(Status))
        return STATUS_DLL_NOT_FOUND;
    Status = LdrpMapOpenFile(File, Base);
    NtClose(File);
    return Status;
}

static ULONG
LdrpSectionRights(ULONG Characteristics)
{
    if (Characteristics & IMAGE_SCN_MEM_EXECUTE)
        return PAGE_EXECUTE_READ;
    return Characteristics & IMAGE_SCN_MEM_WRITE ? PAGE_READWRITE : PAGE_READONLY;
}

/* Gives the headers and each section of an image from LdrpMapFile their final rights. */
NTSTATUS
LdrpProtectSections(PVOID Base)
{
    PIMAGE_NT_HEADERS     Nt = LdrpHeaders(Base);
    PIMAGE_SECTION_HEADER Section = IMAGE_FIRST_SECTION(Nt);
    USHORT                Count = Nt->FileHeader.NumberOfSections;
    PVOID                 Start = Base;
    SIZE_T                Size = Nt->OptionalHeader.SizeOfHeaders;
    ULONG                 Old;
    NTSTATUS              Status;

    Status = NtProtectVirtualMemory(NtCurrentProcess(), &Start, &Size, PAGE_READONLY, &Old);
    for (USHORT Index = 0; NT_SUCCESS(Status) && Index < Count; Index++, Section++) {
        Size = max(Section->Misc.VirtualSize, Section->SizeOfRawData);
        Start = (PUCHAR)Base + Section->VirtualAddress;
        if (Size == 0)
            continue;
        Status = NtProtectVirtualMemory(NtCurrentProcess(), &Start, &Size,
            LdrpSectionRights(Section->Characteristics), &Old);
    }
    return Status;
}
