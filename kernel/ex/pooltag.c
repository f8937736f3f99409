/*
 * What each tag holds: counts and bytes, by pool.
 *
 * ExpPoolTrackers is a hash table with open addressing. An entry is claimed by an interlocked
 * exchange of its Tag from 0 and keeps it for good, so a lookup needs no lock. Every allocation
 * and every free is counted at once with interlocked additions; blocks in the per-processor lists
 * count as free. The numbers are therefore exact whenever nobody is in the middle of a call.
 *
 * When the table is full, further tags share its last entry.
 */
#include "ex/poolp.h"

#define TRACKER_COUNT   1024                // a power of two
#define TRACKER_SHIFT   22                  // 32 - log2(TRACKER_COUNT)
#define OVERFLOW_TAG    'lfvO'

POOL_TRACKER ExpPoolTrackers[TRACKER_COUNT];
ULONG        ExpPoolTrackerCount = TRACKER_COUNT;

static PPOOL_TRACKER
ExpClaimTracker(ULONG Tag, ULONG Index)
{
    for (ULONG Probe = 0; Probe < TRACKER_COUNT - 1; Probe++,
         Index = (Index + 1) % (TRACKER_COUNT - 1)) {
        PPOOL_TRACKER Tracker = &ExpPoolTrackers[Index % (TRACKER_COUNT - 1)];

        if (Tracker->Tag == Tag)
            return Tracker;
        if (Tracker->Tag == 0) {
            ULONG Seen = (ULONG)InterlockedCompareExchange((volatile LONG *)&Tracker->Tag,
                                                           (LONG)Tag, 0);

            if (Seen == 0 || Seen == Tag)
                return Tracker;
        }
    }
    ExpPoolTrackers[TRACKER_COUNT - 1].Tag = OVERFLOW_TAG;
    return &ExpPoolTrackers[TRACKER_COUNT - 1];
}

static inline PPOOL_TRACKER
ExpFindTracker(ULONG Tag)
{
    ULONG Index = (Tag * 0x9E3779B1u) >> TRACKER_SHIFT;

    if (ExpPoolTrackers[Index].Tag == Tag)
        return &ExpPoolTrackers[Index];
    return ExpClaimTracker(Tag, Index);
}

PPOOL_TRACKER
ExpLookUpTracker(ULONG Tag)
{
    ULONG Index = (Tag * 0x9E3779B1u) >> TRACKER_SHIFT;

    for (ULONG Probe = 0; Tag != 0 && Probe < TRACKER_COUNT - 1; Probe++, Index++) {
        PPOOL_TRACKER Tracker = &ExpPoolTrackers[Index % (TRACKER_COUNT - 1)];

        if (Tracker->Tag == Tag)
            return Tracker;
        if (Tracker->Tag == 0)
            break;
    }
    return NULL;
}

VOID
ExpTrackAllocation(ULONG Tag, BOOLEAN Paged, LONG64 Bytes)
{
    PPOOL_TRACKER Tracker = ExpFindTracker(Tag);

    InterlockedIncrement(Paged ? &Tracker->PagedAllocs : &Tracker->NonPagedAllocs);
    InterlockedAdd64(Paged ? &Tracker->PagedBytes : &Tracker->NonPagedBytes, Bytes);
}

VOID
ExpTrackFree(ULONG Tag, BOOLEAN Paged, LONG64 Bytes)
{
    PPOOL_TRACKER Tracker = ExpFindTracker(Tag);

    InterlockedIncrement(Paged ? &Tracker->PagedFrees : &Tracker->NonPagedFrees);
    InterlockedAdd64(Paged ? &Tracker->PagedBytes : &Tracker->NonPagedBytes, -Bytes);
}
