/*
 * What the parts of the memory test share: one line a promise, and the counters of a tag.
 */
#pragma once

#include <ntifs.h>

#define TAG 'tstK'

/* Prints the verdict on one promise. */
VOID Promise(BOOLEAN Kept, PCSTR Sentence);

/* Blocks and bytes that TAG holds now, both pools, by the system's own counters. */
typedef struct _USAGE {
    LONG   Paged, NonPaged;
    SIZE_T Bytes;
} USAGE;
USAGE TagUsage(ULONG Tag);

VOID TestSizes(VOID);
VOID TestStress(VOID);
VOID TestFailures(VOID);
VOID TestTrimming(VOID);
VOID TestMdls(VOID);
VOID TestPhysical(VOID);
VOID TestUserMemory(VOID);
VOID TestChains(PDEVICE_OBJECT Device);         // a direct one, whose reads go to ChainRead
DRIVER_DISPATCH ChainRead;
