/*
 * Three ways to write the rights of a user page: the interface's PAGE_* flags, mm/'s five bits
 * that fit in a page table entry, and the processor's bits. A guard page and a no-access page
 * have none of the last, so that every touch faults.
 */
#include "mm/vad.h"

/*
 * MI_INVALID_PROTECTION unless exactly one right is named, and no modifier goes with
 * PAGE_NOACCESS.
 */
ULONG
MiEncodeProtection(ULONG Protect)
{
    ULONG Right = Protect & 0xFF, Index;

    if (Right == 0 || (Right & (Right - 1)) != 0 ||
        (Protect & ~(0xFF | PAGE_GUARD | PAGE_NOCACHE)) != 0)
        return MI_INVALID_PROTECTION;
    if (Right == PAGE_NOACCESS && Protect != PAGE_NOACCESS)
        return MI_INVALID_PROTECTION;
    _BitScanForward(&Index, Right);
    return Index | (Protect & PAGE_GUARD ? MI_GUARD : 0) | (Protect & PAGE_NOCACHE
                                                            ? MI_NOCACHE : 0);
}

ULONG
MiDecodeProtection(ULONG Protection)
{
    return 1u << (Protection & 7) | (Protection & MI_GUARD ? PAGE_GUARD : 0) |
           (Protection & MI_NOCACHE ? PAGE_NOCACHE : 0);
}

ULONG64
MiUserRights(ULONG Protection)
{
    ULONG64 Rights = PTE_VALID | PTE_USER | PTE_ACCESSED | PTE_DIRTY;

    if ((Protection & 7) == MI_NOACCESS || (Protection & MI_GUARD))
        return 0;
    if ((Protection & 7) < MI_EXECUTE)
        Rights |= PTE_NX;
    // and write-copy, whose pages are private already
    if ((Protection & 3) >= MI_READWRITE)
        Rights |= PTE_WRITE;
    return Rights | (Protection & MI_NOCACHE ? PTE_CACHE_DISABLE : 0);
}
