/*
 * Range lists: who has which part of a line of numbers (ports, memory), sorted by start. Ranges
 * of one list overlap only if both are shared, or if whoever added one did not mind.
 *
 * An iterator is good as long as the list does not change; Stamp, which grows with each change,
 * tells. The entries are paged pool; the caller locks. IRQL <= APC_LEVEL.
 */
#include "kernel.h"
#include "rtl/rtlrange.h"

#define RANGE_TAG   'gnRR'                      // RRng

typedef struct _RTLP_RANGE {
    LIST_ENTRY Link;
    RTL_RANGE  Range;
} RTLP_RANGE, *PRTLP_RANGE;

static inline PRTLP_RANGE
RtlpRangeOf(PLIST_ENTRY Link)
{
    return CONTAINING_RECORD(Link, RTLP_RANGE, Link);
}

VOID NTAPI
RtlInitializeRangeList(PRTL_RANGE_LIST RangeList)
{
    InitializeListHead(&RangeList->ListHead);
    RangeList->Flags = RangeList->Count = RangeList->Stamp = 0;
}

static VOID
RtlpRemoveRange(PRTL_RANGE_LIST List, PRTLP_RANGE Range)
{
    RemoveEntryList(&Range->Link);
    List->Count--;
    List->Stamp++;
    ExFreePoolWithTag(Range, RANGE_TAG);
}

VOID NTAPI
RtlFreeRangeList(PRTL_RANGE_LIST RangeList)
{
    while (!IsListEmpty(&RangeList->ListHead))
        RtlpRemoveRange(RangeList, RtlpRangeOf(RangeList->ListHead.Flink));
}

/* Whether a range that is there keeps Start to End from being used with Flags. */
static BOOLEAN
RtlpIsInTheWay(const RTL_RANGE *There, ULONGLONG Start, ULONGLONG End, ULONG Flags,
               UCHAR AvailableMask, PVOID Context, PRTL_CONFLICT_RANGE_CALLBACK Callback)
{
    if (There->End < Start || There->Start > End)
        return FALSE;
    if ((Flags & RTL_RANGE_LIST_SHARED_OK) && (There->Flags & RTL_RANGE_SHARED))
        return FALSE;
    if ((Flags & RTL_RANGE_LIST_NULL_CONFLICT_OK) && There->Owner == NULL)
        return FALSE;
    if (There->Attributes & AvailableMask)
        return FALSE;
    return Callback == NULL || !Callback(Context, (PRTL_RANGE)There);
}

/*
 * *Available: nothing is in the way from Start to End (inclusive), not counting shared ranges or
 * those without an owner if Flags say so, those with an attribute of AttributeAvailableMask, and
 * those that Callback (may be NULL) accepts.
 */
NTSTATUS NTAPI
RtlIsRangeAvailable(PRTL_RANGE_LIST RangeList, ULONGLONG Start, ULONGLONG End, ULONG Flags,
                    UCHAR AttributeAvailableMask, PVOID Context,
                    PRTL_CONFLICT_RANGE_CALLBACK Callback, PBOOLEAN Available)
{
    PLIST_ENTRY Link;

    PAGED_CODE();

    if (End < Start)
        return STATUS_INVALID_PARAMETER;
    *Available = TRUE;
    for (Link = RangeList->ListHead.Flink; Link != &RangeList->ListHead; Link = Link->Flink) {
        if (RtlpRangeOf(Link)->Range.Start > End)
            break;
        if (RtlpIsInTheWay(&RtlpRangeOf(Link)->Range, Start, End, Flags, AttributeAvailableMask,
                           Context, Callback))
            *Available = FALSE;
    }
    return STATUS_SUCCESS;
}

/*
 * Adds Start to End (inclusive). STATUS_RANGE_LIST_CONFLICT: it overlaps another, unless both are
 * shared or Flags say to add it all the same; STATUS_INSUFFICIENT_RESOURCES.
 */
NTSTATUS NTAPI
RtlAddRange(PRTL_RANGE_LIST RangeList, ULONGLONG Start, ULONGLONG End, UCHAR Attributes,
            ULONG Flags, PVOID UserData, PVOID Owner)
{
    BOOLEAN     Shared = (Flags & RTL_RANGE_LIST_ADD_SHARED) != 0, Free;
    PRTLP_RANGE Range;
    PLIST_ENTRY Next;
    NTSTATUS    Status = RtlIsRangeAvailable(RangeList, Start, End,
                                             Shared ? RTL_RANGE_LIST_SHARED_OK : 0, 0, NULL, NULL,
                                             &Free);

    if (!NT_SUCCESS(Status))
        return Status;
    if (!Free && !(Flags & RTL_RANGE_LIST_ADD_IF_CONFLICT))
        return STATUS_RANGE_LIST_CONFLICT;
    Range = ExAllocatePoolWithTag(PagedPool, sizeof *Range, RANGE_TAG);
    if (Range == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    Range->Range = (RTL_RANGE){ .Start = Start, .End = End, .UserData = UserData, .Owner = Owner,
        .Attributes = Attributes, .Flags = (UCHAR)((Shared ? RTL_RANGE_SHARED : 0) |
                                                   (Free ? 0 : RTL_RANGE_CONFLICT)) };
    for (Next = RangeList->ListHead.Flink; Next != &RangeList->ListHead; Next = Next->Flink)
        if (RtlpRangeOf(Next)->Range.Start > Start)
            break;
    InsertTailList(Next, &Range->Link);
    RangeList->Count++;
    RangeList->Stamp++;
    return STATUS_SUCCESS;
}

/* Removes the range that Owner has from Start to End. STATUS_RANGE_NOT_FOUND. */
NTSTATUS NTAPI
RtlDeleteRange(PRTL_RANGE_LIST RangeList, ULONGLONG Start, ULONGLONG End, PVOID Owner)
{
    PLIST_ENTRY Link;

    for (Link = RangeList->ListHead.Flink; Link != &RangeList->ListHead; Link = Link->Flink) {
        PRTL_RANGE Range = &RtlpRangeOf(Link)->Range;

        if (Range->Start == Start && Range->End == End && Range->Owner == Owner) {
            RtlpRemoveRange(RangeList, RtlpRangeOf(Link));
            return STATUS_SUCCESS;
        }
    }
    return STATUS_RANGE_NOT_FOUND;
}

/* Removes all that Owner has. */
NTSTATUS NTAPI
RtlDeleteOwnersRanges(PRTL_RANGE_LIST RangeList, PVOID Owner)
{
    PLIST_ENTRY Link, Next;

    for (Link = RangeList->ListHead.Flink; Link != &RangeList->ListHead; Link = Next) {
        Next = Link->Flink;
        if (RtlpRangeOf(Link)->Range.Owner == Owner)
            RtlpRemoveRange(RangeList, RtlpRangeOf(Link));
    }
    return STATUS_SUCCESS;
}

/* STATUS_NO_MORE_ENTRIES: the list is empty; *Range is NULL then. */
NTSTATUS NTAPI
RtlGetFirstRange(PRTL_RANGE_LIST RangeList, PRTL_RANGE_LIST_ITERATOR Iterator, PRTL_RANGE *Range)
{
    Iterator->RangeListHead = &RangeList->ListHead;
    Iterator->MergedHead = NULL;
    Iterator->Stamp = RangeList->Stamp;
    Iterator->Current = NULL;
    *Range = NULL;
    if (IsListEmpty(&RangeList->ListHead))
        return STATUS_NO_MORE_ENTRIES;
    Iterator->Current = RangeList->ListHead.Flink;
    *Range = &RtlpRangeOf(Iterator->Current)->Range;
    return STATUS_SUCCESS;
}

/*
 * STATUS_NO_MORE_ENTRIES: no range in that direction; STATUS_INVALID_PARAMETER: the list has
 * changed since the iteration began.
 */
NTSTATUS NTAPI
RtlGetNextRange(PRTL_RANGE_LIST_ITERATOR Iterator, PRTL_RANGE *Range, BOOLEAN MoveForwards)
{
    PRTL_RANGE_LIST List = CONTAINING_RECORD(Iterator->RangeListHead, RTL_RANGE_LIST, ListHead);
    PLIST_ENTRY     Link = Iterator->Current;

    *Range = NULL;
    if (List->Stamp != Iterator->Stamp)
        return STATUS_INVALID_PARAMETER;
    if (Link == NULL)
        return STATUS_NO_MORE_ENTRIES;
    Link = MoveForwards ? Link->Flink : Link->Blink;
    Iterator->Current = Link != &List->ListHead ? Link : NULL;
    if (Iterator->Current == NULL)
        return STATUS_NO_MORE_ENTRIES;
    *Range = &RtlpRangeOf(Link)->Range;
    return STATUS_SUCCESS;
}
