/*
 * Private to mm/: who owns which user addresses.
 *
 * An MMVAD is one reservation. What is committed inside it, and with which rights, is written in
 * the page tables (mmp.h): an entry of 0 is reserved only. All of it, and MM_PROCESS' counters,
 * is guarded by the process' AddressCreationLock, a fast mutex; routines ending in Locked need it
 * held, and run in the process' address space (its own or attached). Nothing that may fault on
 * user memory is done while it is held.
 */
#pragma once

#include "ps/ps.h"
#include "mm/mmp.h"

#ifndef MEM_IMAGE
#define MEM_IMAGE           0x1000000
#endif

typedef struct _MMVAD {
    LIST_ENTRY Link;
    ULONG64    Start, End;              // first byte; first byte behind it
    ULONG      Protection;              // MI_*: given at the reservation
    ULONG      Type;                    // MEM_PRIVATE, MEM_MAPPED, MEM_IMAGE
    BOOLEAN    Fixed;                   // the services may not free it or change its rights

    /* Of a view (section.h): */
    struct _MI_SEGMENT *Segment;        // referenced; NULL: no view
    ULONG64    FirstPage;               // of the segment, at Start
    SIZE_T     Charge;                  // pages, for the copies that writes may make
} MMVAD, *PMMVAD;

#define MI_ALLOCATION_UNIT  0x10000ULL

VOID     MiInitializeMm(PMM_PROCESS Mm);
PMMVAD   MiFindVadLocked(PMM_PROCESS Mm, ULONG64 Address);
NTSTATUS MiReserveLocked(PMM_PROCESS Mm, PULONG64 Start, ULONG64 Size, ULONG64 Highest,
                         BOOLEAN TopDown, PMMVAD *Vad);
VOID     MiRemoveVadLocked(PMM_PROCESS Mm, PMMVAD Vad);         // its pages are gone
NTSTATUS MiCommitLocked(PMM_PROCESS Mm, ULONG64 Start, ULONG64 End, ULONG Protection);
BOOLEAN  MiInvalidateLocked(ULONG64 Start, ULONG64 End);     // TRUE: the caller flushes
// frees the frames, or gives up the references; returns how many entries there were
SIZE_T   MiForgetPagesLocked(ULONG64 Start, ULONG64 End);
// page tables for the range; FALSE: no memory
BOOLEAN  MiMakeTablesLocked(ULONG64 Start, ULONG64 End);
VOID     MiDecommitLocked(PMM_PROCESS Mm, ULONG64 Start, ULONG64 End);
BOOLEAN  MiIsCommittedLocked(ULONG64 Start, ULONG64 End);
VOID     MiProtectLocked(ULONG64 Start, ULONG64 End, ULONG Protection);
BOOLEAN  MiMapFramesLocked(ULONG64 Start, const PFN_NUMBER *Frames, ULONG64 Pages,
                           ULONG Protection, ULONG64 Extra);

// PAGE_* to MI_*, or MI_INVALID_PROTECTION
ULONG    MiEncodeProtection(ULONG Protect);
ULONG    MiDecodeProtection(ULONG Protection);
// the processor's bits; 0 if nothing is allowed
ULONG64  MiUserRights(ULONG Protection);

/* The bodies of the services, in the current address space. */
ULONG64  MiHighestForZeroBits(ULONG_PTR ZeroBits);
NTSTATUS MiAllocateVirtual(PMM_PROCESS Mm, PULONG64 Base, PSIZE_T Size, ULONG_PTR ZeroBits,
                           ULONG Type, ULONG Protect);
NTSTATUS MiFreeVirtual(PMM_PROCESS Mm, PULONG64 Base, PSIZE_T Size, ULONG FreeType);
NTSTATUS MiProtectVirtual(PMM_PROCESS Mm, PULONG64 Base, PSIZE_T Size, ULONG Protect, PULONG Old);
