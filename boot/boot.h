/*
 * Private to the loader: what its files offer each other.
 *
 *   main.c      order of events: check the processor, the modules, the image; map; fill the block
 *   print.c     characters to COM1 and the debug port; BootFail
 *   memory.c    which physical pages are used for what; the memory map of the block
 *   image.c     the checks on ntoskrnl.exe, and its sections in memory
 *   archive.c   the checks on the RAM disk
 *   paging.c    the page tables
 *   start.S     the first and the last instructions
 *
 * All of it is 32-bit code without paging, so a pointer is a physical address.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "boot/loader.h"

#define PAGE_SIZE       4096u
#define ROUND_UP(n)     (((n) + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1))

/* Multiboot 1, as far as it is used. */
#define MULTIBOOT_COMMAND_LINE  0x004
#define MULTIBOOT_MODULES       0x008
#define MULTIBOOT_MEMORY_MAP    0x040
#define MULTIBOOT_LOADER_NAME   0x200

typedef struct _MULTIBOOT_INFO {
    uint32_t Flags, LowerMemory, UpperMemory, BootDevice;
    uint32_t CommandLine;
    uint32_t ModuleCount, Modules;
    uint32_t Symbols[4];
    uint32_t MapLength, Map;
    uint32_t DrivesLength, Drives, ConfigTable;
    uint32_t LoaderName;
} MULTIBOOT_INFO;

typedef struct _MULTIBOOT_MODULE {
    uint32_t Start, End, String, Reserved;
} MULTIBOOT_MODULE;

typedef struct _MULTIBOOT_MEMORY {
    uint32_t Size;                      // of what follows
    uint64_t Base, Length;
    uint32_t Type;                      // 1 = RAM
} __attribute__((packed)) MULTIBOOT_MEMORY;

/* A module as the boot loader left it. */
typedef struct _BOOT_FILE {
    const uint8_t *Base;
    uint32_t       Size;
} BOOT_FILE;

/*
 * The kernel's image: where it was put, and the headers' answers that paging.c and main.c need.
 */
typedef struct _BOOT_IMAGE {
    uint8_t       *Base;
    uint32_t       Size;                // bytes, without debug sections
    uint32_t       Entry;               // relative to the base
    const uint8_t *Sections;            // the section headers in the file
    uint32_t       SectionCount;
} BOOT_IMAGE;

#define SECTION_HEADER_SIZE     40
#define SECTION_EXECUTE         0x20000000u
#define SECTION_WRITE           0x80000000u

typedef struct _SECTION {
    uint32_t VirtualAddress, VirtualSize, RawOffset, RawSize, Flags;
    bool     Debug;
} SECTION;

/* print.c */
void BootPrintInitialize(void);
void BootPrint(const char *Format, ...);
__attribute__((noreturn)) void BootFail(const char *Format, ...);

/* memory.c */
void BootMemoryInitialize(const MULTIBOOT_INFO *Info);
void BootMemoryReserve(uint64_t Base, uint64_t Size, LOADER_MEMORY_TYPE Type);
void *BootMemoryAllocate(uint32_t Size, LOADER_MEMORY_TYPE Type);
uint64_t BootMemoryEnd(void);
void BootMemoryReport(LOADER_PARAMETER_BLOCK *Block);
void BootCopy(void *To, const void *From, uint32_t Size);
void BootZero(void *To, uint32_t Size);

/* image.c */
void BootImageCheck(BOOT_FILE File, BOOT_IMAGE *Image);
void BootImageLoad(BOOT_FILE File, BOOT_IMAGE *Image);
SECTION BootImageSection(const BOOT_IMAGE *Image, uint32_t Index);

/* archive.c */
void BootArchiveCheck(BOOT_FILE File);

/* paging.c */
uint64_t *BootBuildPageTables(const BOOT_IMAGE *Image);

/* start.S: enters the kernel in long mode; every address is a virtual one of the kernel's. */
__attribute__((noreturn)) void BootEnterKernel(uint64_t *PageDirectory, uint64_t Entry,
                                               uint64_t Stack, uint64_t Block);
extern uint8_t LoaderStart[], LoaderEnd[];
