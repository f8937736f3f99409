/*
 * The first drivers: out of the RAM disk before there is a file system.
 *
 * The loader left the archive in memory. Until the boot drivers (Start = 0), ramdisk.sys among
 * them, are running, files are looked up in it directly: a ustar archive is a row of 512-byte
 * headers, each followed by its file, padded to 512 bytes. Then \SystemRoot becomes a link to
 * \Device\Ramdisk and the others (Start = 1, then 2) are read like any file. A RAM disk without
 * System32\config\system.reg, or whose boot drivers do not start, ends in bugcheck 0x7B with a
 * sentence before it.
 */
#include "iop.h"
#include "cm/cm.h"
#include "kd/kd.h"

typedef struct _USTAR_HEADER {
    CHAR Name[100], Mode[8], Owner[8], Group[8], Size[12], Time[12], Checksum[8], Kind, Link[100];
    CHAR Magic[6], Version[2], OwnerName[32], GroupName[32], Major[8], Minor[8], Prefix[155],
    Pad[12];
} USTAR_HEADER;
_Static_assert(sizeof(USTAR_HEADER) == 512, "a ustar header fills a block");

static BOOLEAN IopSystemRootIsThere;

static ULONG64
IopReadOctal(PCSTR Field, ULONG Width)
{
    ULONG64 Value = 0;

    for (ULONG Index = 0; Index < Width && Field[Index] >= '0' && Field[Index] <= '7'; Index++)
        Value = Value << 3 | (ULONG64)(Field[Index] - '0');
    return Value;
}

static BOOLEAN
IopHeaderIsValid(const USTAR_HEADER *Header)
{
    const UCHAR *Bytes = (const UCHAR *)Header;
    ULONG        Sum = 8 * ' ';

    for (ULONG Index = 0; Index < sizeof *Header; Index++)
        if (Index < FIELD_OFFSET(USTAR_HEADER, Checksum) ||
            Index >= FIELD_OFFSET(USTAR_HEADER, Kind))
            Sum += Bytes[Index];
    return memcmp(Header->Magic, "ustar", 5) == 0 && IopReadOctal(Header->Checksum, 8) == Sum;
}

/*
 * Compares a header's name with Path, whose separators may be either slash, without regard to
 * case.
 */
static BOOLEAN
IopNameMatches(const USTAR_HEADER *Header, PCUNICODE_STRING Path)
{
    ULONG Length = Path->Length / sizeof(WCHAR);
    ULONG Index;

    for (Index = 0; Index < Length; Index++) {
        WCHAR Given = Path->Buffer[Index] == L'\\'
            ? L'/' : RtlUpcaseUnicodeChar(Path->Buffer[Index]);

        if (Index == sizeof Header->Name ||
            RtlUpcaseUnicodeChar((UCHAR)Header->Name[Index]) != Given)
            return FALSE;
    }
    return Index == sizeof Header->Name || Header->Name[Index] == 0;
}

/* Path is relative to the archive's root. The data stays in the RAM disk's memory. */
static NTSTATUS
IopFindInArchive(PCUNICODE_STRING Path, PVOID *Data, PSIZE_T Size)
{
    PUCHAR  Archive = PHYSICAL_TO_VA(KeLoaderBlock->RamDisk);
    ULONG64 Total = KeLoaderBlock->RamDiskSize;
    ULONG64 Offset = 0;

    while (Total - Offset >= sizeof(USTAR_HEADER)) {
        const USTAR_HEADER *Header = (const USTAR_HEADER *)(Archive + Offset);
        ULONG64             Length = IopReadOctal(Header->Size, sizeof Header->Size);

        if (Header->Name[0] == 0)
            return STATUS_OBJECT_NAME_NOT_FOUND;
        Offset += sizeof *Header;
        if (!IopHeaderIsValid(Header) || Length > Total - Offset)
            return STATUS_DISK_CORRUPT_ERROR;
        if ((Header->Kind == '0' || Header->Kind == 0) && IopNameMatches(Header, Path)) {
            *Data = Archive + Offset;
            *Size = Length;
            return STATUS_SUCCESS;
        }
        Offset += min(ROUND_UP(Length, sizeof *Header), Total - Offset);
    }
    return STATUS_OBJECT_NAME_NOT_FOUND;
}

static NTSTATUS
IopReadWholeFile(HANDLE File, PVOID *Data, PSIZE_T Size)
{
    FILE_STANDARD_INFORMATION Standard;
    IO_STATUS_BLOCK           Iosb;
    NTSTATUS                  Status;

    Status = ZwQueryInformationFile(File, &Iosb, &Standard, sizeof Standard,
                                    FileStandardInformation);
    if (!NT_SUCCESS(Status))
        return Status;
    if (Standard.EndOfFile.QuadPart == 0 || Standard.EndOfFile.QuadPart > MAXLONG)
        return STATUS_INVALID_IMAGE_FORMAT;
    *Data = ExAllocatePoolWithTag(PagedPool, Standard.EndOfFile.LowPart, IOP_TAG_OTHER);
    if (*Data == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;

    Status = ZwReadFile(File, NULL, NULL, NULL, &Iosb, *Data, Standard.EndOfFile.LowPart, NULL,
                        NULL);
    if (!NT_SUCCESS(Status))
        ExFreePoolWithTag(*Data, IOP_TAG_OTHER);
    *Size = Iosb.Information;
    return Status;
}

/*
 * The whole image file: from the archive while \SystemRoot is not there, else from the file, in
 * pool (*FromPool) with the tag IOP_TAG_OTHER.
 */
NTSTATUS
IopReadImageFile(PCUNICODE_STRING FullName, PVOID *Data, PSIZE_T Size, PBOOLEAN FromPool)
{
    UNICODE_STRING    Root = RTL_CONSTANT_STRING(L"\\SystemRoot\\");
    UNICODE_STRING    Path = *FullName;
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK   Iosb;
    HANDLE            File;
    NTSTATUS          Status;

    PAGED_CODE();

    *FromPool = IopSystemRootIsThere;
    if (!IopSystemRootIsThere) {
        if (!RtlPrefixUnicodeString(&Root, FullName, TRUE))
            return STATUS_OBJECT_PATH_NOT_FOUND;
        Path.Buffer += Root.Length / sizeof(WCHAR);
        Path.Length -= Root.Length;
        return IopFindInArchive(&Path, Data, Size);
    }

    InitializeObjectAttributes(&Attributes, &Path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL,
                               NULL);
    Status = ZwOpenFile(&File, FILE_READ_DATA | SYNCHRONIZE, &Attributes, &Iosb, FILE_SHARE_READ,
                        FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = IopReadWholeFile(File, Data, Size);
    ZwClose(File);
    return Status;
}

static DECLSPEC_NORETURN VOID
IopCannotStart(PCSTR Sentence, NTSTATUS Status)
{
    CHAR Line[160];

    _snprintf(Line, sizeof Line, "Etude cannot start: %s (status %08X).\n", Sentence, Status);
    KdPutConsole(Line);
    KeBugCheckEx(INACCESSIBLE_BOOT_DEVICE, (ULONG_PTR)KeLoaderBlock->RamDisk, (ULONG)Status, 0, 0);
}

/*
 * Loads the drivers that start at Start; a boot driver that fails stops the system, unless its
 * key says that it may.
 */
static VOID
IopStartDrivers(ULONG Start)
{
    LIST_ENTRY   Services;
    PIOP_SERVICE Service;
    CHAR         Sentence[80];
    NTSTATUS     Status = IopListServices(Start, &Services);

    if (!NT_SUCCESS(Status))
        IopCannotStart("the services cannot be read", Status);
    for (; (Service = IopTakeService(&Services)) != NULL; IopDropService(Service)) {
        Status = IopLoadDriver(&Service->KeyPath);
        if (NT_SUCCESS(Status))
            continue;
        _snprintf(Sentence, sizeof Sentence, "driver %wZ did not load", &Service->Name);
        Sentence[sizeof Sentence - 1] = 0;
        if (Start == 0 && Service->ErrorControl > 1)
            IopCannotStart(Sentence, Status);
        DbgPrint("io: %s (status %08x)\n", Sentence, Status);
    }
}

VOID
IoLoadBootDrivers(VOID)
{
    UNICODE_STRING Registry = RTL_CONSTANT_STRING(L"System32\\config\\system.reg");
    UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\SystemRoot");
    UNICODE_STRING Target = RTL_CONSTANT_STRING(L"\\Device\\Ramdisk");
    SIZE_T         Size;
    PVOID          Data;
    NTSTATUS       Status;

    PAGED_CODE();

    Status = IopFindInArchive(&Registry, &Data, &Size);
    if (!NT_SUCCESS(Status))
        IopCannotStart(Status == STATUS_DISK_CORRUPT_ERROR ? "the RAM disk is damaged"
                       : "System32\\config\\system.reg is not on the RAM disk", Status);
    CmReadText(Data, Size);

    IopStartDrivers(0);
    Status = IoCreateSymbolicLink(&Link, &Target);
    if (!NT_SUCCESS(Status))
        IopCannotStart("\\SystemRoot cannot be made", Status);
    IopSystemRootIsThere = TRUE;
    IopRunReinitialization(TRUE);
    IopStartDrivers(1);
    IopStartDrivers(2);
    IopRunReinitialization(FALSE);
}
