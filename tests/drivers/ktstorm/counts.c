/*
 * What there is in the system: objects and handles of each type, blocks of each pool tag. A race
 * must leave no more than there was. What ends in the background (a thread's stack, an object's
 * last reference) is waited for.
 *
 * Two tags may grow: each processor keeps some IRPs that were freed, and the module list keeps the
 * names of images that were unloaded last.
 */
#include "ktstorm.h"

#define POOLTAG_CLASS   22
#define TYPES_CLASS     3
#define BYTES           32768
#define MOST_TYPES      64
#define PATIENCE        20000                   // milliseconds
#define LISTED_IRPS     64                      // of one processor
#define LISTED_IMAGES   16

typedef struct _POOLTAG {
    ULONG  Tag, PagedAllocs, PagedFrees;
    SIZE_T PagedUsed;
    ULONG  NonPagedAllocs, NonPagedFrees;
    SIZE_T NonPagedUsed;
} POOLTAG;

/* OBJECT_TYPE_INFORMATION as far as it matters; the name follows the rest. */
typedef struct _TYPE {
    UNICODE_STRING Name;
    ULONG          Objects, Handles, Others[20];
} TYPE;

typedef struct _COUNTS {
    ULONG  Types;
    struct { ULONG64 Header; TYPE First; UCHAR More[8192]; } Raw;
    ULONG  Objects[MOST_TYPES], Handles[MOST_TYPES];
    struct { ULONG Count; POOLTAG Tags[600]; } Pool;
} COUNTS;

NTSYSAPI NTSTATUS NTAPI ZwQuerySystemInformation(ULONG Class, PVOID Buffer, ULONG Length,
                                                 PULONG Returned);

static COUNTS KtBefore, KtNow;

static VOID
Take(COUNTS *Counts)
{
    TYPE *Type = &Counts->Raw.First;

    EXPECT_HERE(NT_SUCCESS(ZwQueryObject(NULL, TYPES_CLASS, &Counts->Raw, sizeof Counts->Raw,
                                         NULL)));
    Counts->Types = (ULONG)min(Counts->Raw.Header, MOST_TYPES);
    for (ULONG Index = 0; Index < Counts->Types; Index++) {
        Counts->Objects[Index] = Type->Objects;
        Counts->Handles[Index] = Type->Handles;
        Type = (TYPE *)(((ULONG_PTR)Type->Name.Buffer + Type->Name.MaximumLength + 7) & ~7ULL);
    }
    EXPECT_HERE(NT_SUCCESS(ZwQuerySystemInformation(POOLTAG_CLASS, &Counts->Pool,
                                                    sizeof Counts->Pool, NULL)));
}

static LONG
Blocks(const POOLTAG *Tag)
{
    return (LONG)(Tag->PagedAllocs - Tag->PagedFrees + Tag->NonPagedAllocs - Tag->NonPagedFrees);
}

static LONG
BlocksBefore(ULONG Tag)
{
    for (ULONG Index = 0; Index < KtBefore.Pool.Count; Index++)
        if (KtBefore.Pool.Tags[Index].Tag == Tag)
            return Blocks(&KtBefore.Pool.Tags[Index]);
    return 0;
}

static LONG
Slack(ULONG Tag)
{
    if (Tag == ' prI')
        return LISTED_IRPS * (LONG)__builtin_popcountll(KeQueryActiveProcessors());
    return Tag == 'dLmM' ? LISTED_IMAGES : 0;
}

/* Whether nothing is more than before; says what is if Complain. */
static BOOLEAN
NoMore(BOOLEAN Complain)
{
    BOOLEAN NoMore = TRUE;

    for (ULONG Index = 0; Index < KtNow.Types; Index++) {
        if (KtNow.Objects[Index] <= KtBefore.Objects[Index]
            && KtNow.Handles[Index] <= KtBefore.Handles[Index])
            continue;
        NoMore = FALSE;
        if (Complain)
            DbgPrint("ktstorm: type %u has %u objects and %u handles, had %u and %u\n", Index,
                     KtNow.Objects[Index], KtNow.Handles[Index], KtBefore.Objects[Index],
                     KtBefore.Handles[Index]);
    }
    for (ULONG Index = 0; Index < KtNow.Pool.Count; Index++) {
        const POOLTAG *Tag = &KtNow.Pool.Tags[Index];

        if (Blocks(Tag) <= BlocksBefore(Tag->Tag) + Slack(Tag->Tag))
            continue;
        NoMore = FALSE;
        if (Complain)
            DbgPrint("ktstorm: tag %.4s has %d blocks, had %d\n", (PCSTR)&Tag->Tag, Blocks(Tag),
                     BlocksBefore(Tag->Tag));
    }
    return NoMore;
}

VOID
KtNoteCounts(VOID)
{
    Take(&KtBefore);
}

BOOLEAN
KtCountsAreBack(VOID)
{
    LARGE_INTEGER Tick = { .QuadPart = -100000 };

    for (ULONG Waited = 0; Waited < PATIENCE; Waited += 10) {
        Take(&KtNow);
        if (NoMore(FALSE))
            return TRUE;
        KeDelayExecutionThread(KernelMode, FALSE, &Tick);
    }
    return NoMore(TRUE);
}
