/*
 * A count of everything, for programs that test whether something is left behind: objects of each
 * type, handles, blocks of each pool tag.
 */
#pragma once

#include "sdk/ntapi.h"

#define CENSUS_TYPES    64
#define CENSUS_TAGS     512

typedef struct _CENSUS {
    ULONG Objects[CENSUS_TYPES], Handles;
    ULONG Tags[CENSUS_TAGS], TagCount;
    LONG  Blocks[CENSUS_TAGS];
} CENSUS;

void TakeCensus(CENSUS *Census);

/*
 * What grew: by more than Objects handles or objects of a type (returns by how many), or by more
 * than Blocks of a tag (returns the tag); 0 if nothing did. The IRPs that processors keep in their
 * lists do not count.
 */
ULONG CensusGrowth(const CENSUS *Before, const CENSUS *After, LONG Objects, LONG Blocks);

/*
 * The same of now, when what ends in the background has ended: 0, or what is left after a long
 * time.
 */
ULONG AwaitCensus(const CENSUS *Before, LONG Objects, LONG Blocks);
