/*
 * Loading and unloading drivers.
 *
 *   (1) the file is checked, and its checksum            (4) imports are bound
 *   (2) frames are mapped, writable, and filled          (5) sections get their rights: W^X
 *   (3) the image is relocated to where it is            (6) the module enters PsLoadedModuleList
 *
 * A failure undoes the steps before it. Nothing of a driver is pageable: its frames are its own
 * until it is unloaded.
 *
 * LoadCount is one for the driver object and one for each driver that imports from this one; the
 * image goes with the last. Unloaded code that is still called (a timer, a thread, a callback
 * left behind) is bugcheck 0xCE, which names the driver: fault.c finds it in the list of unloaded
 * modules.
 *
 * MiLoadLock serializes loading and unloading, and guards LoadCount.
 */
#include "mm/mmp.h"
#include "mm/image.h"
#include "rtl/rtl.h"

static FAST_MUTEX MiLoadLock;

VOID
MiInitializeLoader(VOID)
{
    ExInitializeFastMutex(&MiLoadLock);
}

/* The rights of pages of a driver's image; the caller flushes, once for all of it. */
static NTSTATUS
MiProtectSystemPages(PVOID Va, SIZE_T Size, ULONG Protect)
{
    SIZE_T Pages = BYTES_TO_PAGES(Size);

    for (SIZE_T Index = 0; Index < Pages; Index++) {
        PULONG64 Pte = MiFindSystemPte((PUCHAR)Va + (Index << PAGE_SHIFT));
        ULONG64  Rights = *Pte & ~(PTE_WRITE | PTE_NX);

        if (Protect != PAGE_EXECUTE_READ)
            Rights |= PTE_NX;
        if (Protect == PAGE_READWRITE)
            Rights |= PTE_WRITE;
        *Pte = Rights;
    }
    return STATUS_SUCCESS;
}

/* An entry with room for its names and a copy of the file's symbols. */
static PKLDR_DATA_TABLE_ENTRY
MiCreateModuleEntry(PUNICODE_STRING FullName)
{
    SIZE_T                 Size = sizeof(KLDR_DATA_TABLE_ENTRY) + FullName->Length;
    PKLDR_DATA_TABLE_ENTRY Entry = ExAllocatePoolWithTag(NonPagedPool, Size, MI_MODULE_TAG);
    USHORT                 Start = 0;

    if (Entry == NULL)
        return NULL;
    RtlZeroMemory(Entry, Size);
    Entry->FullDllName.Buffer = (PWCHAR)(Entry + 1);
    Entry->FullDllName.Length = Entry->FullDllName.MaximumLength = FullName->Length;
    RtlCopyMemory(Entry->FullDllName.Buffer, FullName->Buffer, FullName->Length);
    for (USHORT Index = 0; Index < FullName->Length / sizeof(WCHAR); Index++)
        if (FullName->Buffer[Index] == L'\\')
            Start = Index + 1;
    Entry->BaseDllName.Buffer = Entry->FullDllName.Buffer + Start;
    Entry->BaseDllName.Length = Entry->BaseDllName.MaximumLength =
        FullName->Length - Start * sizeof(WCHAR);
    Entry->LoadCount = 1;
    return Entry;
}

/* Keeps the symbols beyond the file's life; without memory for them the driver runs nameless. */
static VOID
MiCopySymbols(PKLDR_DATA_TABLE_ENTRY Entry, PMI_IMAGE Image)
{
    SIZE_T Size;
    PVOID  Copy;

    MiFindSymbols(Entry, Image->File, Image->FileSize);
    if (Entry->Symbols == NULL)
        return;
    Size = (PUCHAR)Entry->SymbolStrings - (PUCHAR)Entry->Symbols;
    Size += *(ULONG UNALIGNED *)Entry->SymbolStrings;
    Copy = ExAllocatePoolWithTag(NonPagedPool, Size, MI_MODULE_TAG);
    if (Copy == NULL) {
        Entry->Symbols = NULL;
        return;
    }
    RtlCopyMemory(Copy, Entry->Symbols, Size);
    Entry->SymbolStrings = (PSTR)Copy + (SIZE_T)Entry->SymbolCount * 18;
    Entry->Symbols = Copy;
}

/* No processor may run on in code it still has a translation of: all flush before this returns. */
static VOID
MiFreeImage(PKLDR_DATA_TABLE_ENTRY Entry)
{
    MiReleaseRun(&MiImageRange, Entry->DllBase, TRUE, BYTES_TO_PAGES(Entry->SizeOfImage));
    MiReleasePending();
}

/* Steps (2) and (3). */
static NTSTATUS
MiPlaceImage(PMI_IMAGE Image, PKLDR_DATA_TABLE_ENTRY Entry)
{
    SIZE_T Pages = BYTES_TO_PAGES(Image->SizeOfImage);
    PVOID  Base;

    if (!MiChargeCommit(Pages))
        return STATUS_INSUFFICIENT_RESOURCES;
    Base = MiAllocateRun(&MiImageRange, Pages);
    if (Base == NULL || !MiMapNewFrames(Base, Pages, PTE_KERNEL_DATA)) {
        if (Base != NULL)
            MiFreeRun(&MiImageRange, Base);
        MiReturnCommit(Pages);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Entry->DllBase = Base;
    Entry->SizeOfImage = Image->SizeOfImage;
    RtlZeroMemory(Base, Image->SizeOfImage);
    MiCopyImage(Image, Base);
    if (RtlpRelocateImage(Base, Image->Nt->OptionalHeader.ImageBase, Image->SizeOfImage))
        return STATUS_SUCCESS;
    MiFreeImage(Entry);
    return STATUS_INVALID_IMAGE_FORMAT;
}

static NTSTATUS
MiLoadImage(PMI_IMAGE Image, PKLDR_DATA_TABLE_ENTRY Entry)
{
    NTSTATUS Status = MiPlaceImage(Image, Entry);

    if (!NT_SUCCESS(Status))
        return Status;
    Status = MiBindImportsLocked(Entry);
    if (!NT_SUCCESS(Status)) {
        MiFreeImage(Entry);
        return Status;
    }
    MiProtectSystemPages(Entry->DllBase, Image->SizeOfImage, PAGE_READONLY);
    MiProtectSections(Image, Entry->DllBase, MiProtectSystemPages);
    KiIpiFlushTb(NULL, TRUE);
    MiDescribeImage(Entry);
    MiCopySymbols(Entry, Image);
    MiInsertModule(Entry);
    return STATUS_SUCCESS;
}

/* See mm.h. Data is not needed any more when it returns. PASSIVE_LEVEL. */
NTSTATUS
MmLoadSystemImage(PUNICODE_STRING FullName, PVOID Data, SIZE_T DataSize,
                  PKLDR_DATA_TABLE_ENTRY *Entry)
{
    PKLDR_DATA_TABLE_ENTRY New;
    MI_IMAGE               Image;
    NTSTATUS               Status;

    MAY_BLOCK();

    *Entry = NULL;
    Status = MiCheckImage(Data, DataSize, &Image);
    if (!NT_SUCCESS(Status))
        return Status == STATUS_INVALID_IMAGE_WIN_32 ? STATUS_INVALID_IMAGE_FORMAT : Status;
    if (Image.Nt->OptionalHeader.AddressOfEntryPoint == 0)
        return STATUS_INVALID_IMAGE_FORMAT;
    if (!MiIsChecksumRight(&Image))
        return STATUS_IMAGE_CHECKSUM_MISMATCH;
    New = MiCreateModuleEntry(FullName);
    if (New == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;

    ExAcquireFastMutex(&MiLoadLock);
    if (MiFindModuleByName(&New->BaseDllName) != NULL)
        Status = STATUS_IMAGE_ALREADY_LOADED;
    else
        Status = MiLoadImage(&Image, New);
    ExReleaseFastMutex(&MiLoadLock);

    if (NT_SUCCESS(Status))
        *Entry = New;
    else
        ExFreePoolWithTag(New, MI_MODULE_TAG);
    return Status;
}

/*
 * Drops one count. The image goes when the driver object has gone and nobody imports from it any
 * more.
 */
VOID
MiReleaseModuleLocked(PKLDR_DATA_TABLE_ENTRY Entry)
{
    if (--Entry->LoadCount > 0)
        return;
    MiReleaseImportsLocked(Entry);
    if (Entry->Symbols != NULL)
        ExFreePoolWithTag(Entry->Symbols, MI_MODULE_TAG);
    Entry->Symbols = NULL;
    MiRetireModule(Entry);
    MiFreeImage(Entry);
}

/* Drops the driver object's share of the image. Its unload routine has run. PASSIVE_LEVEL. */
NTSTATUS
MmUnloadSystemImage(PKLDR_DATA_TABLE_ENTRY Entry)
{
    MAY_BLOCK();

    ExAcquireFastMutex(&MiLoadLock);
    MiReleaseModuleLocked(Entry);
    ExReleaseFastMutex(&MiLoadLock);
    return STATUS_SUCCESS;
}
