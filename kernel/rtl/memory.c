/*
 * Comparing and filling memory; copying and setting are in memory.S. The Rtl names are what the
 * macros of the public headers of some SDK expand to, so they exist as routines too. Any IRQL at
 * which the memory may be touched.
 */
#include "rtlp.h"

#undef RtlMoveMemory
#undef RtlCopyMemory
#undef RtlFillMemory
#undef RtlZeroMemory
#undef RtlCopyMemoryNonTemporal

int
memcmp(const void *First, const void *Second, size_t Size)
{
    const UCHAR *Left = First, *Right = Second;

    while (Size >= 8 && *(const ULONG64 UNALIGNED *)Left == *(const ULONG64 UNALIGNED *)Right) {
        Left += 8;
        Right += 8;
        Size -= 8;
    }
    for (; Size > 0; Size -= 1, Left += 1, Right += 1) {
        if (*Left != *Right)
            return *Left - *Right;
    }
    return 0;
}

/* The number of bytes that are equal from the start. */
SIZE_T NTAPI
RtlCompareMemory(const VOID *Source1, const VOID *Source2, SIZE_T Length)
{
    const UCHAR *Left = Source1, *Right = Source2;
    SIZE_T       Index = 0;

    while (Length - Index >= 8 &&
           *(const ULONG64 UNALIGNED *)(Left + Index) ==
               *(const ULONG64 UNALIGNED *)(Right + Index))
        Index += 8;
    while (Index < Length && Left[Index] == Right[Index])
        Index += 1;
    return Index;
}

/* The number of bytes, in whole ULONGs, that hold Pattern from the start. */
SIZE_T NTAPI
RtlCompareMemoryUlong(PVOID Source, SIZE_T Length, ULONG Pattern)
{
    PULONG Value = Source;
    SIZE_T Count = Length / sizeof(ULONG), Index;

    for (Index = 0; Index < Count && Value[Index] == Pattern; Index += 1)
        continue;
    return Index * sizeof(ULONG);
}

VOID NTAPI
RtlFillMemoryUlong(PVOID Destination, SIZE_T Length, ULONG Pattern)
{
    PULONG Value = Destination;

    for (Length /= sizeof(ULONG); Length > 0; Length -= 1)
        *Value++ = Pattern;
}

VOID NTAPI
RtlMoveMemory(PVOID Destination, const VOID *Source, SIZE_T Length)
{
    memmove(Destination, Source, Length);
}

VOID NTAPI
RtlCopyMemory(PVOID Destination, const VOID *Source, SIZE_T Length)
{
    memcpy(Destination, Source, Length);
}

VOID NTAPI
RtlCopyMemoryNonTemporal(PVOID Destination, const VOID *Source, SIZE_T Length)
{
    memcpy(Destination, Source, Length);
}

VOID NTAPI
RtlFillMemory(PVOID Destination, SIZE_T Length, UCHAR Fill)
{
    memset(Destination, Fill, Length);
}

VOID NTAPI
RtlZeroMemory(PVOID Destination, SIZE_T Length)
{
    memset(Destination, 0, Length);
}

/* A hint only; the caches of this machine need none. */
VOID FASTCALL
RtlPrefetchMemoryNonTemporal(PVOID Source, SIZE_T Length)
{
    UNREFERENCED_PARAMETER(Source);
    UNREFERENCED_PARAMETER(Length);
}
