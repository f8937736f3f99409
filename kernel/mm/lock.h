/*
 * Private to mm/: MDLs and locked frames (mdl.c, lock.c, maplock.c, mdlpages.c, iospace.c).
 */
#pragma once

#include "mm/vad.h"

#ifndef SYSTEM_PTE_MISUSE
#define SYSTEM_PTE_MISUSE   0xDA
#endif

static inline SIZE_T MiPagesOfMdl(PMDL Mdl)
{
    return ADDRESS_AND_SIZE_TO_SPAN_PAGES(MmGetMdlVirtualAddress(Mdl), Mdl->ByteCount);
}

VOID    MiUnlockFrames(PMDL Mdl, SIZE_T Pages);                 // the first Pages of the array
ULONG64 MiCacheBits(MEMORY_CACHING_TYPE CacheType);

/* Maps the frames of an MDL at Va, which is an allocated run of system PTEs. */
VOID    MiMapMdlAt(PVOID Va, PMDL Mdl, MEMORY_CACHING_TYPE CacheType);
