/* Range lists, as published; mingw-w64's headers leave them out. */
#pragma once

typedef struct _RTL_RANGE {
    ULONGLONG Start, End;                       // the last number is in the range
    PVOID     UserData, Owner;
    UCHAR     Attributes, Flags;
} RTL_RANGE, *PRTL_RANGE;

typedef struct _RTL_RANGE_LIST {
    LIST_ENTRY ListHead;
    ULONG      Flags, Count, Stamp;
} RTL_RANGE_LIST, *PRTL_RANGE_LIST;

typedef struct _RANGE_LIST_ITERATOR {
    PLIST_ENTRY RangeListHead, MergedHead;
    PVOID       Current;
    ULONG       Stamp;
} RTL_RANGE_LIST_ITERATOR, *PRTL_RANGE_LIST_ITERATOR;

#define RTL_RANGE_SHARED                1       // RTL_RANGE.Flags
#define RTL_RANGE_CONFLICT              2
#define RTL_RANGE_LIST_ADD_IF_CONFLICT  1       // RtlAddRange
#define RTL_RANGE_LIST_ADD_SHARED       2
#define RTL_RANGE_LIST_SHARED_OK        1       // RtlIsRangeAvailable
#define RTL_RANGE_LIST_NULL_CONFLICT_OK 2

typedef BOOLEAN (NTAPI *PRTL_CONFLICT_RANGE_CALLBACK)(PVOID Context, PRTL_RANGE Range);
