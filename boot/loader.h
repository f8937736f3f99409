/*
 * What the OS loader hands to the kernel. Both sides include this file: the loader as 32-bit
 * code, the kernel as 64-bit code, so every field has a fixed width and every address is 64 bits
 * wide.
 *
 * The loader enters KiSystemStartup with the address of the block (in the direct map of physical
 * memory) in rcx, interrupts off, on a stack of LOADER_STACK_PAGES pages, with page tables that
 * map:
 *
 *   PHYSICAL_MAP_BASE     all physical memory below the end of the highest RAM page and
 *                         everything below 4 GiB, in 2 MiB pages, writable, never executable
 *   KernelBase            the kernel's image, section by section, with the rights its headers ask
 *                         for
 *
 * and PML4[0], which maps lower physical memory to itself so that the loader survives the switch
 * to paging: the kernel clears that entry (and reloads CR3) first thing in KiSystemStartup. The
 * GDT in use lies in the direct map, in reclaimable pages; rsp is 8 modulo 16 as after a call,
 * with a return address of 0 and shadow space. CR0 = PG|WP|NE|PE, CR4 = PAE|PGE, EFER = LME|NXE;
 * the 8259s are as the firmware left them.
 */
#pragma once

#define PHYSICAL_MAP_BASE   0xFFFF800000000000ULL
#define KERNEL_IMAGE_BASE   0xFFFFF80000400000ULL

#define LOADER_BLOCK_MAGIC  0x4544555445ULL     // "ETUDE"
#define LOADER_MAX_MEMORY   64
#define LOADER_COMMAND_LINE 256
#define LOADER_STACK_PAGES  8

/* QEMU's isa-debug-exit: writing n (32 bits) to the port ends QEMU with exit status 2n + 1. */
#define DEBUG_EXIT_PORT     0xF4
#define DEBUG_EXIT_SUCCESS  0x10                // 33
#define DEBUG_EXIT_FAILURE  0x11                // 35: a test run found a failure
#define DEBUG_EXIT_LOADER   0x12                // 37: the loader refused to start the kernel
#define DEBUG_EXIT_BUGCHECK 0x60                // 193: with `bugcheckexit` on the command line

typedef enum _LOADER_MEMORY_TYPE {
    LoaderFree = 1,             // RAM nobody uses
    LoaderFirmware,             // not RAM, or not ours to use
    LoaderKernel,               // the kernel's mapped image
    LoaderModule,               // the RAM disk, and the kernel's file as it was loaded (symbols)
    // loader code, this block, its stack: free once the kernel has left them
    LoaderReclaim,
    LoaderPageTables            // the page tables that stay in use
} LOADER_MEMORY_TYPE;

typedef struct _LOADER_MEMORY {
    unsigned long long Base;    // physical, page aligned
    unsigned long long Pages;
    unsigned long long Type;    // LOADER_MEMORY_TYPE
} LOADER_MEMORY;

typedef struct _LOADER_PARAMETER_BLOCK {
    unsigned long long Magic;
    unsigned long long KernelBase;          // virtual
    // physical address of the image's first byte; contiguous
    unsigned long long KernelPhysical;
    unsigned long long KernelSize;          // SizeOfImage, without debug sections
    unsigned long long KernelFile;          // physical: the PE file as loaded, for its symbol table
    unsigned long long KernelFileSize;
    unsigned long long RamDisk;             // physical, page aligned: the ustar archive
    unsigned long long RamDiskSize;
    unsigned long long PageDirectory;       // physical: the PML4 in CR3
    unsigned long long Rsdp;                // physical: ACPI's root pointer, or 0
    unsigned long long MemoryCount;
    LOADER_MEMORY      Memory[LOADER_MAX_MEMORY];   // ascending, not overlapping
    char               CommandLine[LOADER_COMMAND_LINE];    // terminated
} LOADER_PARAMETER_BLOCK, *PLOADER_PARAMETER_BLOCK;
