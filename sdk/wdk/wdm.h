/*
 * What the WDK's wdm.h has and mingw-w64's has not, so that the source of a Windows driver builds
 * as it stands. This folder comes before mingw-w64's in the search for a driver's headers; it
 * adds, and changes nothing.
 *
 * The types of routines, which drivers use to declare their own, are those that pointers are
 * declared with. Of the pool's newer functions ExAllocatePool2 is the kernel's (poolflag.h); the
 * others are made of those it always had.
 */
#pragma once

#include <driverspecs.h>
#include_next <wdm.h>

#ifndef __cplusplus
#define try     __try
#define except  __except
#define finally __finally
#define leave   __leave
#endif

#define ROUTINE_TYPE(Name) typedef __typeof__(*(P##Name)0) Name

ROUTINE_TYPE(ALLOCATE_FUNCTION);
ROUTINE_TYPE(ALLOCATE_FUNCTION_EX);
ROUTINE_TYPE(FREE_FUNCTION);
ROUTINE_TYPE(FREE_FUNCTION_EX);
ROUTINE_TYPE(IO_CSQ_ACQUIRE_LOCK);
ROUTINE_TYPE(IO_CSQ_COMPLETE_CANCELED_IRP);
ROUTINE_TYPE(IO_CSQ_INSERT_IRP);
ROUTINE_TYPE(IO_CSQ_PEEK_NEXT_IRP);
ROUTINE_TYPE(IO_CSQ_RELEASE_LOCK);
ROUTINE_TYPE(IO_CSQ_REMOVE_IRP);
ROUTINE_TYPE(RTL_QUERY_REGISTRY_ROUTINE);

#define MdlMappingNoWrite       0x80000000u
#define MdlMappingNoExecute     0x40000000u

/* ---- pool ---- */

#include "poolflag.h"

#define DrvRtPoolNxOptIn        1

/* Nonpaged pool cannot be executed here, whether one opts in or not. */
FORCEINLINE VOID
ExInitializeDriverRuntime(ULONG RuntimeFlags)
{
    UNREFERENCED_PARAMETER(RuntimeFlags);
}

FORCEINLINE PVOID
ExAllocatePoolUninitialized(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    return ExAllocatePoolWithTag(PoolType, NumberOfBytes, Tag);
}

FORCEINLINE PVOID
ExAllocatePoolZero(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    PVOID Block = ExAllocatePoolWithTag(PoolType, NumberOfBytes, Tag);

    if (Block != NULL)
        RtlZeroMemory(Block, NumberOfBytes);
    return Block;
}

FORCEINLINE PVOID
ExAllocatePoolQuotaUninitialized(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    return ExAllocatePoolWithQuotaTag(PoolType, NumberOfBytes, Tag);
}

FORCEINLINE PVOID
ExAllocatePoolQuotaZero(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    PVOID Block = ExAllocatePoolWithQuotaTag(PoolType, NumberOfBytes, Tag);

    if (Block != NULL)
        RtlZeroMemory(Block, NumberOfBytes);
    return Block;
}

FORCEINLINE PVOID
ExAllocatePoolPriorityUninitialized(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
                                    EX_POOL_PRIORITY Priority)
{
    return ExAllocatePoolWithTagPriority(PoolType, NumberOfBytes, Tag, Priority);
}

FORCEINLINE PVOID
ExAllocatePoolPriorityZero(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
                           EX_POOL_PRIORITY Priority)
{
    PVOID Block = ExAllocatePoolWithTagPriority(PoolType, NumberOfBytes, Tag, Priority);

    if (Block != NULL)
        RtlZeroMemory(Block, NumberOfBytes);
    return Block;
}
