/*
 * What mm/ offers to the rest of the kernel: physical pages, system address space, user address
 * spaces, images.
 *
 * Physical pages are described by MMPFN records. Page tables are reached through the direct map
 * of physical memory at PHYSICAL_MAP_BASE. Every kernel range has all its PML4 entries made at
 * start-up, so a process only copies the upper half of the PML4. W^X everywhere. Paged pool pages
 * may be trimmed (trimmer.c): the PTE becomes a transition PTE (not present, frame number kept),
 * and a touch below DISPATCH_LEVEL brings it back; at DISPATCH_LEVEL or above it is bugcheck 0xA
 * (0xD1 if a driver did it).
 *
 * Locks: MmPfnLock (frames, free list), MiSystemPteLock, each process' AddressCreationLock (VADs;
 * a FAST_MUTEX) before its page-table lock.
 */
#pragma once

#include "ke/ke.h"
#include "boot/loader.h"

#define MM_PAGED_POOL_START     0xFFFFA00000000000ULL
#define MM_NONPAGED_POOL_START  0xFFFFC00000000000ULL
#define MM_SYSTEM_PTE_START     0xFFFFD00000000000ULL
#define MM_SYSTEM_IMAGE_START   0xFFFFF80001000000ULL       // drivers, after the kernel
#define MM_SYSTEM_IMAGE_END     0xFFFFF80040000000ULL
#define MM_HIGHEST_USER         0x000007FFFFFEFFFFULL
#define MM_USER_PROBE           0x000007FFFFFF0000ULL
#define MM_LOWEST_USER          0x0000000000010000ULL

#define PFN_TO_VA(Pfn)          ((PVOID)(PHYSICAL_MAP_BASE + ((ULONG64)(Pfn) << PAGE_SHIFT)))
#define PHYSICAL_TO_VA(Pa)      ((PVOID)(PHYSICAL_MAP_BASE + (ULONG64)(Pa)))

/*
 * A loaded image: the kernel itself, or a driver. In PsLoadedModuleList; removed under
 * PsLoadedModuleLock.
 */
typedef struct _KLDR_DATA_TABLE_ENTRY {
    LIST_ENTRY     InLoadOrderLinks;
    PVOID          ExceptionTable;              // .pdata
    ULONG          ExceptionTableSize;
    PVOID          DllBase;
    PVOID          EntryPoint;
    ULONG          SizeOfImage;
    UNICODE_STRING FullDllName;                 // \SystemRoot\System32\drivers\pipe.sys
    UNICODE_STRING BaseDllName;                 // pipe.sys
    ULONG          Flags;
    LONG           LoadCount;
    // copy of the file's COFF symbol table (18-byte records), or NULL
    PVOID          Symbols;
    ULONG          SymbolCount;
    PSTR           SymbolStrings;               // follows the symbols; its first ULONG is its size
} KLDR_DATA_TABLE_ENTRY, *PKLDR_DATA_TABLE_ENTRY;

extern LIST_ENTRY PsLoadedModuleList;
extern ULONG64    MmNumberOfPhysicalPages, MmAvailablePages, MmTotalCommitLimit;
extern volatile LONG64 MmTotalCommittedPages;

/* ---- start-up ---- */
// phase 0: frames, ranges, pools usable afterwards
VOID MmInitSystem(PLOADER_PARAMETER_BLOCK LoaderBlock);
VOID MmCreateSectionType(VOID);                             // phase 0, after ob/
VOID MmInitializePhase1(VOID);                              // PASSIVE_LEVEL
// last thing at start-up: frees INIT and loader memory; no INIT code runs afterwards
VOID MmFreeInitMemory(VOID);
// once a second, PASSIVE_LEVEL: trims what was not touched since the last time
VOID MmTrimPagedPool(VOID);

/*
 * ---- pages for the pool (ex/pool.c): whole pages, NULL if none. Nonpaged: any IRQL <= DISPATCH;
 * paged: <= APC. ----
 */
PVOID MiAllocatePoolPages(POOL_TYPE PoolType, SIZE_T NumberOfPages);
VOID  MiFreePoolPages(PVOID Va);
BOOLEAN MiIsPagedPool(PVOID Va);                // by address alone
BOOLEAN MiIsNonPagedPool(PVOID Va);
// two words of the pool's own with the allocation that starts at Va; NULL if none does
PULONG  MiPoolPageOwner(PVOID Va);
SIZE_T  MiPoolPageCount(PVOID Va);              // of the allocation that starts at Va

/*
 * ---- kernel stacks: KERNEL_STACK_PAGES pages with a guard page below; returns the high end, or
 * NULL ----
 */
PVOID MmCreateKernelStack(VOID);
VOID  MmDeleteKernelStack(PVOID StackBase);

/* ---- faults ---- */
/*
 * Resolves a page fault or says why not: STATUS_SUCCESS, STATUS_ACCESS_VIOLATION,
 * STATUS_GUARD_PAGE_VIOLATION, STATUS_STACK_OVERFLOW, STATUS_NO_MEMORY. Bugchecks itself (0x50,
 * 0xA, 0xD1, 0xFC, 0xBE, 0xCE) for kernel addresses that nothing may resolve. ErrorCode is the
 * processor's.
 */
NTSTATUS MmAccessFault(ULONG64 ErrorCode, PVOID Address, KPROCESSOR_MODE Mode,
                       PKTRAP_FRAME TrapFrame);

/*
 * ---- user address spaces; Process is ps/'s EPROCESS, mm's part of it is MM_PROCESS (below) ----
 */
typedef struct _MM_PROCESS {
    FAST_MUTEX AddressCreationLock;
    LIST_ENTRY VadList;                         // ascending; guarded by AddressCreationLock
    SIZE_T     CommitCharge, VirtualSize;       // pages, bytes; guarded by AddressCreationLock
    SIZE_T     PeakCommitCharge, PeakVirtualSize;       // the same
    ULONG      VadCount;                        // in VadList; guarded by AddressCreationLock
    volatile LONG64 LockedPages;                // by MDLs; interlocked
    PVOID      Locker;                          // the last driver that called to lock some
} MM_PROCESS, *PMM_PROCESS;

VOID     MmProbeAndLockForIrp(PMDL Mdl, KPROCESSOR_MODE AccessMode, LOCK_OPERATION Operation);
VOID     MmDisownPages(PMDL Mdl);
NTSTATUS MmCreateProcessAddressSpace(PMM_PROCESS Mm, PULONG64 DirectoryTableBase);
// frees everything below MM_HIGHEST_USER; attached or current
VOID     MmCleanProcessAddressSpace(PEPROCESS Process);
VOID     MmDeleteProcessAddressSpace(PEPROCESS Process);    // the page tables themselves

/*
 * Maps the PE file FileHandle (a kernel handle, open for read) as a user image into the current
 * (attached) process, at its preferred base or elsewhere, relocated, sections with their rights
 * (W^X). Returns base, entry point (absolute), size and the stack reserve/commit the headers ask
 * for. STATUS_INVALID_IMAGE_FORMAT / STATUS_INVALID_IMAGE_WIN_64... for damaged or foreign files.
 */
typedef struct _MM_IMAGE_INFORMATION {
    PVOID  Base, EntryPoint;
    SIZE_T Size, StackReserve, StackCommit;
    USHORT Subsystem;
} MM_IMAGE_INFORMATION, *PMM_IMAGE_INFORMATION;
NTSTATUS MmMapUserImage(HANDLE FileHandle, PMM_IMAGE_INFORMATION Information);

/*
 * Reserves/commits like NtAllocateVirtualMemory in the current (attached) process, kernel-side
 * parameters.
 */
NTSTATUS MmAllocateUserMemory(PVOID *Base, SIZE_T Size, ULONG Type, ULONG Protect);
NTSTATUS MmCopyVirtualMemory(PEPROCESS From, PVOID Source, PEPROCESS To, PVOID Target, SIZE_T Size,
    KPROCESSOR_MODE Mode, PSIZE_T Copied);

/* ---- driver images (mm/sysload.c) ---- */
/*
 * Loads a driver: Data/DataSize is the whole file in pool or in the RAM disk's memory. Checks,
 * maps, relocates, binds imports by name against loaded modules ("ntoskrnl.exe", "HAL.dll" and
 * any loaded driver), protects, enters it in PsLoadedModuleList. A missing import:
 * STATUS_DRIVER_ENTRYPOINT_NOT_FOUND and a DbgPrint line that names driver, module and routine;
 * missing module: STATUS_DLL_NOT_FOUND... (documented); damaged: STATUS_INVALID_IMAGE_FORMAT.
 */
NTSTATUS MmLoadSystemImage(PUNICODE_STRING FullName, PVOID Data, SIZE_T DataSize,
                           PKLDR_DATA_TABLE_ENTRY *Entry);
NTSTATUS MmUnloadSystemImage(PKLDR_DATA_TABLE_ENTRY Entry);
/* The module whose image holds Address, or NULL; any IRQL, no lock (entries are freed late). */
PKLDR_DATA_TABLE_ENTRY MmFindModule(PVOID Address);
/*
 * The driver that was unloaded from where Address is, or NULL. Its entry and names
 * stay for a while.
 */
PKLDR_DATA_TABLE_ENTRY MmFindUnloadedModule(PVOID Address);

// page tables say it can be touched now; safe at any IRQL
BOOLEAN MmIsAddressPresent(PVOID Va);
