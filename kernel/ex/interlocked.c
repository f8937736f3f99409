/*
 * Lists and numbers guarded by the caller's spin lock (ExInterlocked...). They may be called at
 * any IRQL, so the lock is held at HIGH_LEVEL; the same lock must not be taken in another way.
 * The lock-free lists are in slist.S.
 */
#include "ex/ex.h"

static inline KIRQL
ExpLockHigh(PKSPIN_LOCK Lock)
{
    KIRQL OldIrql = KfRaiseIrql(HIGH_LEVEL);

    KiAcquireSpinLock(Lock);
    return OldIrql;
}

static inline VOID
ExpUnlockHigh(PKSPIN_LOCK Lock, KIRQL OldIrql)
{
    KiReleaseSpinLock(Lock);
    KeLowerIrql(OldIrql);
}

/* Returns the former sum. */
LARGE_INTEGER NTAPI
ExInterlockedAddLargeInteger(PLARGE_INTEGER Addend, LARGE_INTEGER Increment, PKSPIN_LOCK Lock)
{
    KIRQL         OldIrql = ExpLockHigh(Lock);
    LARGE_INTEGER Old = *Addend;

    Addend->QuadPart = Old.QuadPart + Increment.QuadPart;
    ExpUnlockHigh(Lock, OldIrql);
    return Old;
}

ULONG FASTCALL
ExInterlockedAddUlong(PULONG Addend, ULONG Increment, PKSPIN_LOCK Lock)
{
    KIRQL OldIrql = ExpLockHigh(Lock);
    ULONG Old = *Addend;

    *Addend = Old + Increment;
    ExpUnlockHigh(Lock, OldIrql);
    return Old;
}

/* The insertions return the former first (last) entry, NULL if the list was empty. */
PLIST_ENTRY FASTCALL
ExInterlockedInsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry, PKSPIN_LOCK Lock)
{
    KIRQL       OldIrql = ExpLockHigh(Lock);
    PLIST_ENTRY First = IsListEmpty(ListHead) ? NULL : ListHead->Flink;

    InsertHeadList(ListHead, ListEntry);
    ExpUnlockHigh(Lock, OldIrql);
    return First;
}

PLIST_ENTRY FASTCALL
ExInterlockedInsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry, PKSPIN_LOCK Lock)
{
    KIRQL       OldIrql = ExpLockHigh(Lock);
    PLIST_ENTRY Last = IsListEmpty(ListHead) ? NULL : ListHead->Blink;

    InsertTailList(ListHead, ListEntry);
    ExpUnlockHigh(Lock, OldIrql);
    return Last;
}

PLIST_ENTRY FASTCALL
ExInterlockedRemoveHeadList(PLIST_ENTRY ListHead, PKSPIN_LOCK Lock)
{
    KIRQL       OldIrql = ExpLockHigh(Lock);
    PLIST_ENTRY First = IsListEmpty(ListHead) ? NULL : RemoveHeadList(ListHead);

    ExpUnlockHigh(Lock, OldIrql);
    return First;
}

PSINGLE_LIST_ENTRY FASTCALL
ExInterlockedPushEntryList(PSINGLE_LIST_ENTRY ListHead, PSINGLE_LIST_ENTRY ListEntry,
    PKSPIN_LOCK Lock)
{
    KIRQL              OldIrql = ExpLockHigh(Lock);
    PSINGLE_LIST_ENTRY First = ListHead->Next;

    ListEntry->Next = First;
    ListHead->Next = ListEntry;
    ExpUnlockHigh(Lock, OldIrql);
    return First;
}

PSINGLE_LIST_ENTRY FASTCALL
ExInterlockedPopEntryList(PSINGLE_LIST_ENTRY ListHead, PKSPIN_LOCK Lock)
{
    KIRQL              OldIrql = ExpLockHigh(Lock);
    PSINGLE_LIST_ENTRY First = ListHead->Next;

    if (First != NULL)
        ListHead->Next = First->Next;
    ExpUnlockHigh(Lock, OldIrql);
    return First;
}

/* Raises STATUS_DATATYPE_MISALIGNMENT unless the header is aligned to 16 bytes. */
VOID
InitializeSListHead(PSLIST_HEADER SListHead)
{
    if (((ULONG_PTR)SListHead & 15) != 0)
        ExRaiseDatatypeMisalignment();
    SListHead->Alignment = 0;
    SListHead->Region = 0;
}

USHORT
ExQueryDepthSList(PSLIST_HEADER ListHead)
{
    return (USHORT)ListHead->Alignment;
}
