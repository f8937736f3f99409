/*
 * Private to mm/: PE images.
 *
 *   image.c     checks on a file that nobody trusts; copying it to where it will run; section
 *               rights
 *   usermap.c   MmMapUserImage            sysload.c   drivers           bind.c   their imports
 *   module.c    the list of loaded modules
 *
 * An image goes through the same steps on both sides: the file is checked as a whole
 * (MiCheckImage), address space is made writable, headers and sections are copied (MiCopyImage),
 * relocations applied, imports bound (drivers; ntdll does it for programs), and at last each page
 * gets the rights of its section: none is ever writable and executable at once.
 */
#pragma once

#include <ntimage.h>
#include "mm/mm.h"

#define MI_MODULE_TAG       'dLmM'
#define MI_UNLOADED_KEPT    16
#define MI_LARGEST_IMAGE    0x4000000               // 64 MiB

/* What MiCheckImage found; all of it lies inside the file. */
typedef struct _MI_IMAGE {
    PUCHAR                File;
    SIZE_T                FileSize;
    PIMAGE_NT_HEADERS     Nt;
    PIMAGE_SECTION_HEADER Sections;
    ULONG                 SectionCount;
    ULONG                 SizeOfImage;              // whole pages
} MI_IMAGE, *PMI_IMAGE;

NTSTATUS MiCheckImage(PVOID File, SIZE_T FileSize, PMI_IMAGE Image);
BOOLEAN  MiIsChecksumRight(PMI_IMAGE Image);
VOID     MiCopyImage(PMI_IMAGE Image, PVOID Base);  // Base: SizeOfImage writable bytes of zeros

/*
 * Calls Protect once for each run of pages: the headers, then each section, with PAGE_* rights.
 */
typedef NTSTATUS (*PMI_PROTECT)(PVOID Va, SIZE_T Size, ULONG Protect);
NTSTATUS MiProtectSections(PMI_IMAGE Image, PVOID Base, PMI_PROTECT Protect);

/* Fills ExceptionTable and EntryPoint from the mapped headers; Symbols from the file. */
VOID MiDescribeImage(PKLDR_DATA_TABLE_ENTRY Entry);
VOID MiFindSymbols(PKLDR_DATA_TABLE_ENTRY Entry, PVOID File, SIZE_T FileSize);

VOID                   MiInsertModule(PKLDR_DATA_TABLE_ENTRY Entry);
VOID                   MiRetireModule(PKLDR_DATA_TABLE_ENTRY Entry);
PKLDR_DATA_TABLE_ENTRY MiFindModuleByName(PUNICODE_STRING Name);

/*
 * bind.c: resolves every import of the mapped, still writable image and counts the modules it
 * uses; releasing them again.
 */
NTSTATUS MiBindImportsLocked(PKLDR_DATA_TABLE_ENTRY Entry);
VOID     MiReleaseImportsLocked(PKLDR_DATA_TABLE_ENTRY Entry);

/* usermap.c: reading a file through a kernel handle; an image in the current address space. */
NTSTATUS MiReadAt(HANDLE File, PVOID Buffer, ULONG Size, ULONG64 Offset, PULONG Read);
NTSTATUS MiReadWholeFile(HANDLE File, PVOID *Data, PSIZE_T Size);
NTSTATUS MiMapImageData(PMI_IMAGE Image, PMM_IMAGE_INFORMATION Information);

VOID MiInitializeLoader(VOID);
VOID MiReleaseModuleLocked(PKLDR_DATA_TABLE_ENTRY Entry);
