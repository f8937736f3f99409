/*
 * Counts everything there is; see census.h. Most of it comes with a snapshot (snapshot.c), the
 * pool's tags are asked for apart.
 */
#include "census.h"
#include "snapshot.h"
#include <stdlib.h>
#include <string.h>

#define IRP_TAG         0x20707249              // 'Irp '
#define LISTED_IRPS     64                      // a processor keeps at most

void
TakeCensus(CENSUS *Census)
{
    SNAPSHOT                             Snapshot;
    const SYSTEM_OBJECTTYPE_INFORMATION *Type = NULL;
    PSYSTEM_POOLTAG_INFORMATION          Tags;
    NTSTATUS                             Status;

    memset(Census, 0, sizeof *Census);
    if (NT_SUCCESS(TakeSnapshot(&Snapshot))) {
        while ((Type = NextType(&Snapshot, Type)) != NULL)
            Census->Objects[Type->TypeIndex % CENSUS_TYPES] = Type->NumberOfObjects;
        Census->Handles = (ULONG)Snapshot.Handles->NumberOfHandles;
        FreeSnapshot(&Snapshot);
    }
    Tags = QuerySystem(EtSystemPoolTagInformation, &Status);
    for (ULONG Index = 0; Tags && Index < Tags->Count && Index < CENSUS_TAGS; Index++) {
        Census->Tags[Index] = Tags->TagInfo[Index].TagUlong;
        Census->Blocks[Index] = (LONG)(Tags->TagInfo[Index].PagedAllocs
            - Tags->TagInfo[Index].PagedFrees + Tags->TagInfo[Index].NonPagedAllocs
            - Tags->TagInfo[Index].NonPagedFrees);
        Census->TagCount++;
    }
    free(Tags);
}

static LONG
BlocksOf(const CENSUS *Census, ULONG Tag)
{
    for (ULONG Index = 0; Index < Census->TagCount; Index++)
        if (Census->Tags[Index] == Tag)
            return Census->Blocks[Index];
    return 0;
}

static LONG
Kept(ULONG Tag)
{
    SYSTEM_INFO System;

    if (Tag != IRP_TAG)
        return 0;
    GetSystemInfo(&System);
    return LISTED_IRPS * (LONG)System.dwNumberOfProcessors;
}

ULONG
AwaitCensus(const CENSUS *Before, LONG Objects, LONG Blocks)
{
    static CENSUS After;
    ULONG         Grown;

    for (ULONG Try = 0; Try < 1000; Try++) {
        TakeCensus(&After);
        Grown = CensusGrowth(Before, &After, Objects, Blocks);
        if (Grown == 0)
            break;
        Sleep(20);
    }
    return Grown;
}

ULONG
CensusGrowth(const CENSUS *Before, const CENSUS *After, LONG Objects, LONG Blocks)
{
    if ((LONG)(After->Handles - Before->Handles) > Objects)
        return After->Handles - Before->Handles;
    for (ULONG Type = 0; Type < CENSUS_TYPES; Type++)
        if ((LONG)(After->Objects[Type] - Before->Objects[Type]) > Objects)
            return After->Objects[Type] - Before->Objects[Type];
    for (ULONG Index = 0; Index < After->TagCount; Index++) {
        ULONG Tag = After->Tags[Index];

        if (After->Blocks[Index] - BlocksOf(Before, Tag) > Blocks + Kept(Tag))
            return Tag;
    }
    return 0;
}
