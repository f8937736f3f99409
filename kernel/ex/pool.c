/*
 * Pool: memory for drivers and the kernel, by tag, in two kinds. Nonpaged pool may be touched at
 * any IRQL; paged pool below DISPATCH_LEVEL only, because its pages may be trimmed at any moment
 * (mm/trimmer.c).
 *
 *   up to 4048 bytes    a block in a page, with a POOL_HEADER before it (poolheap.c)
 *   beyond              whole pages, page aligned (poolbig.c)
 *
 * Small blocks take a short way first: each processor keeps some freed ones of every size up to
 * POOL_SMALL_UNITS, for either pool, as arrays of pointers. Only the processor itself uses them,
 * with interrupts off for the few instructions it takes; the blocks are not touched meanwhile,
 * for they may be paged out.
 *
 * Rules, each a bugcheck 0xC2 (BAD_POOL_CALLER) that says who broke it:
 *
 *   0x00  zero bytes                            0x08  allocated at too high an IRQL
 *   0x07  freed already                         0x09  freed at too high an IRQL
 *   0x0A  freed with another's tag              0x40  freed an address of user space
 *   0x42  freed an address of no pool           0x46  freed an address that is no block's
 *   0x44, 0x50  freed pages of nonpaged or paged pool that are not allocated
 *   0x9A  asked for must-succeed pool           0x9B  a tag of zero
 *
 * A header that does not fit its neighbours is bugcheck 0x19.
 */
#include "ex/poolp.h"
#include "sdk/wdk/poolflag.h"

#define POOL_SMALL_UNITS    32              // blocks of up to 512 bytes, header included
#define POOL_STACK_DEPTH    15
#define POOL_NO_TAG         'enoN'
#define POOL_ZERO_ALLOCATION 1024           // what ExAllocatePoolZero of newer WDKs asks for

/* Free blocks of one size, used by one processor only. */
typedef struct DECLSPEC_ALIGN(64) _POOL_STACK {
    ULONG64      Count;
    PPOOL_HEADER Blocks[POOL_STACK_DEPTH];
} POOL_STACK, *PPOOL_STACK;

static POOL_STACK ExpPoolStacks[MAXIMUM_KERNEL_PROCESSORS][2][POOL_SMALL_UNITS + 1];

VOID
ExInitializePool(VOID)
{
    ExpInitializePoolHeap();
}

static inline PPOOL_HEADER
ExpPopBlock(BOOLEAN Paged, ULONG Units)
{
    ULONG64      Flags = __readeflags();
    PPOOL_HEADER Block = NULL;
    PPOOL_STACK  Stack;

    _disable();
    Stack = &ExpPoolStacks[KiCurrentNumber()][Paged][Units];
    if (Stack->Count > 0)
        Block = Stack->Blocks[--Stack->Count];
    __writeeflags(Flags);
    return Block;
}

static inline BOOLEAN
ExpPushBlock(PPOOL_HEADER Block, BOOLEAN Paged, ULONG Units)
{
    ULONG64     Flags = __readeflags();
    PPOOL_STACK Stack;
    BOOLEAN     Kept;

    _disable();
    Stack = &ExpPoolStacks[KiCurrentNumber()][Paged][Units];
    Kept = Stack->Count < POOL_STACK_DEPTH;
    if (Kept)
        Stack->Blocks[Stack->Count++] = Block;
    __writeeflags(Flags);
    return Kept;
}

static inline KIRQL
ExpHighestPoolIrql(BOOLEAN Paged)
{
    return Paged ? APC_LEVEL : DISPATCH_LEVEL;
}

static inline PVOID
ExpHandOut(PPOOL_HEADER Block, POOL_TYPE PoolType, ULONG Tag)
{
    BOOLEAN Paged = PoolType & PagedPool;

    Block->PoolTag = Tag;
    Block->ProcessBilled = 0;
    Block->PoolType = (UCHAR)(POOL_IN_USE | (Paged + 1));
    ExpTrackAllocation(Tag, Paged, Block->BlockSize * POOL_UNIT);
    return Block + 1;
}

/* The rules of an allocation, and the sizes and types the short way does not take. */
static __attribute__((noinline)) PVOID
ExpAllocatePoolSlow(POOL_TYPE PoolType, SIZE_T Bytes, ULONG Tag)
{
    BOOLEAN      Paged = PoolType & PagedPool, Aligned = (PoolType & NonPagedPoolCacheAligned) != 0;
    PPOOL_HEADER Block;
    ULONG        Units;

    if (KeGetCurrentIrql() > ExpHighestPoolIrql(Paged))
        KeBugCheckEx(BAD_POOL_CALLER, 0x08, KeGetCurrentIrql(), PoolType, Bytes);
    if (Bytes == 0)
        KeBugCheckEx(BAD_POOL_CALLER, 0x00, 0, PoolType, Tag);
    if (Tag == 0)
        KeBugCheckEx(BAD_POOL_CALLER, 0x9B, PoolType, Bytes,
                     (ULONG_PTR)__builtin_return_address(0));
    if (PoolType & NonPagedPoolMustSucceed)
        KeBugCheckEx(BAD_POOL_CALLER, 0x9A, PoolType, Bytes, Tag);
    if (Bytes > POOL_LARGEST_BLOCK - (Aligned ? 2 * POOL_CACHE_LINE : 0))
        return ExpAllocateBigPool(Paged, Bytes, Tag);

    Units = POOL_UNITS(Bytes) + (Aligned ? POOL_CACHE_LINE / POOL_UNIT + 1 : 0);
    Block = ExpAllocateBlock(Paged, Units, Aligned);
    return Block == NULL ? NULL : ExpHandOut(Block, PoolType, Tag);
}

/*
 * Allocates Bytes of pool, aligned on 16 bytes (a page or more: on a page), charged to Tag. The
 * contents are not defined, or zero if PoolType has POOL_ZERO_ALLOCATION. Returns NULL when there
 * is no memory, or raises STATUS_INSUFFICIENT_RESOURCES if PoolType has
 * POOL_RAISE_IF_ALLOCATION_FAILURE. IRQL <= DISPATCH_LEVEL; paged pool <= APC_LEVEL.
 */
PVOID NTAPI
ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T Bytes, ULONG Tag)
{
    BOOLEAN      Paged = PoolType & PagedPool;
    PPOOL_HEADER Block;
    PVOID        Va;

    if (Bytes - 1 < POOL_SMALL_UNITS * POOL_UNIT - POOL_UNIT &&
        (PoolType & ~(PagedPool | NonPagedPoolNx)) == 0 &&
        Tag != 0 && KeGetCurrentIrql() <= ExpHighestPoolIrql(Paged)) {
        Block = ExpPopBlock(Paged, POOL_UNITS(Bytes));
        if (Block != NULL)
            return ExpHandOut(Block, PoolType, Tag);
    }
    Va = ExpAllocatePoolSlow(PoolType, Bytes, Tag);
    if (Va == NULL && (PoolType & POOL_RAISE_IF_ALLOCATION_FAILURE))
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    if (Va != NULL && (PoolType & POOL_ZERO_ALLOCATION))
        RtlZeroMemory(Va, Bytes);
    return Va;
}

#undef ExAllocatePool
PVOID NTAPI
ExAllocatePool(POOL_TYPE PoolType, SIZE_T Bytes)
{
    return ExAllocatePoolWithTag(PoolType, Bytes, POOL_NO_TAG);
}

/* Nothing is kept back by priority: an allocation fails only when there is no memory. */
PVOID NTAPI
ExAllocatePoolWithTagPriority(POOL_TYPE PoolType, SIZE_T Bytes, ULONG Tag,
                              EX_POOL_PRIORITY Priority)
{
    return ExAllocatePoolWithTag(PoolType, Bytes, Tag);
}

/*
 * Charges the block in full to the current process, which the block keeps until it is freed;
 * allocations of whole pages and those of the System process are not charged. FALSE: the process
 * has no quota left.
 */
static BOOLEAN
ExpChargeBlock(PVOID Va)
{
    PPOOL_HEADER Block = (PPOOL_HEADER)Va - 1;
    PEPROCESS    Process = (PEPROCESS)IoGetCurrentProcess();

    if (POOL_AT_PAGE_END(Va) || Process == PsInitialSystemProcess)
        return TRUE;
    if (!NT_SUCCESS(PsChargeProcessPoolQuota(Process, MiIsPagedPool(Va) ? PagedPool : NonPagedPool,
                                             Block->BlockSize * POOL_UNIT)))
        return FALSE;
    ObReferenceObject(Process);
    Block->ProcessBilled = (ULONG64)Process;
    return TRUE;
}

static __attribute__((noinline)) VOID
ExpReturnCharge(PPOOL_HEADER Block, BOOLEAN Paged)
{
    PEPROCESS Process = (PEPROCESS)Block->ProcessBilled;

    Block->ProcessBilled = 0;
    PsReturnPoolQuota(Process, Paged ? PagedPool : NonPagedPool, Block->BlockSize * POOL_UNIT);
    ObDereferenceObject(Process);
}

/*
 * ExAllocatePoolWithTag, charged to the current process. Raises STATUS_QUOTA_EXCEEDED if it has no
 * quota left and STATUS_INSUFFICIENT_RESOURCES if there is no memory, unless PoolType has
 * POOL_QUOTA_FAIL_INSTEAD_OF_RAISE: then NULL.
 */
PVOID NTAPI
ExAllocatePoolWithQuotaTag(POOL_TYPE PoolType, SIZE_T Bytes, ULONG Tag)
{
    BOOLEAN  Raise = !(PoolType & POOL_QUOTA_FAIL_INSTEAD_OF_RAISE);
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;
    PVOID    Va;

    PoolType &= ~(POOL_QUOTA_FAIL_INSTEAD_OF_RAISE | POOL_RAISE_IF_ALLOCATION_FAILURE);
    Va = ExAllocatePoolWithTag(PoolType, Bytes, Tag);
    if (Va != NULL && !ExpChargeBlock(Va)) {
        ExFreePoolWithTag(Va, Tag);
        Status = STATUS_QUOTA_EXCEEDED;
        Va = NULL;
    }
    if (Va == NULL && Raise)
        ExRaiseStatus(Status);
    return Va;
}

#undef ExAllocatePoolWithQuota
PVOID NTAPI
ExAllocatePoolWithQuota(POOL_TYPE PoolType, SIZE_T Bytes)
{
    return ExAllocatePoolWithQuotaTag(PoolType, Bytes, POOL_NO_TAG);
}

/*
 * Allocates by POOL_FLAG_*: zeroed unless POOL_FLAG_UNINITIALIZED. NULL when there is no memory or
 * quota, when Flags do not name one kind of pool, and for a tag or size of 0; all of them raise
 * the status if Flags has POOL_FLAG_RAISE_ON_FAILURE. IRQL as for ExAllocatePoolWithTag.
 */
PVOID NTAPI
ExAllocatePool2(ULONG64 Flags, SIZE_T Bytes, ULONG Tag)
{
    ULONG64 Kind = Flags & (POOL_FLAG_NON_PAGED | POOL_FLAG_NON_PAGED_EXECUTE | POOL_FLAG_PAGED);
    ULONG   Type = Kind == POOL_FLAG_PAGED ? PagedPool : NonPagedPool;
    PVOID   Va;

    if (Flags & POOL_FLAG_CACHE_ALIGNED)
        Type |= NonPagedPoolCacheAligned;
    if (!(Flags & POOL_FLAG_UNINITIALIZED))
        Type |= POOL_ZERO_ALLOCATION;
    if (Kind == 0 || (Kind & (Kind - 1)) != 0 || Bytes == 0 || Tag == 0)
        Va = NULL;
    else if (Flags & POOL_FLAG_USE_QUOTA)
        Va = ExAllocatePoolWithQuotaTag(Type | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE, Bytes, Tag);
    else
        Va = ExAllocatePoolWithTag(Type, Bytes, Tag);
    if (Va == NULL && (Flags & POOL_FLAG_RAISE_ON_FAILURE))
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    return Va;
}

/* An address that no block can have. */
static DECLSPEC_NORETURN VOID
ExpBadAddress(PVOID Va)
{
    ULONG Reason = 0x46;

    if (Va != NULL && (ULONG64)Va <= MM_HIGHEST_USER)
        KeBugCheckEx(BAD_POOL_CALLER, 0x40, (ULONG_PTR)Va, KERNEL_BASE_OF_SYSTEM, 0);
    if (Va != NULL && !MiIsPagedPool(Va) && !MiIsNonPagedPool(Va))
        Reason = 0x42;
    KeBugCheckEx(BAD_POOL_CALLER, Reason, (ULONG_PTR)Va, 0, 0);
}

/*
 * Frees what the allocation routines returned. Tag, if it is not 0, must be the allocation's.
 * IRQL <= DISPATCH_LEVEL; paged pool <= APC_LEVEL.
 */
VOID NTAPI
ExFreePoolWithTag(PVOID Va, ULONG Tag)
{
    BOOLEAN      Paged = MiIsPagedPool(Va);
    PPOOL_HEADER Block = (PPOOL_HEADER)Va - 1;
    ULONG        AllocationTag, Units;

    if (((ULONG64)Va & (POOL_UNIT - 1)) != 0 || (!Paged && !MiIsNonPagedPool(Va)))
        ExpBadAddress(Va);
    if (KeGetCurrentIrql() > ExpHighestPoolIrql(Paged))
        KeBugCheckEx(BAD_POOL_CALLER, 0x09, KeGetCurrentIrql(), Paged, (ULONG_PTR)Va);
    if (POOL_AT_PAGE_END(Va)) {
        ExpFreeBigPool(Va, Tag);
        return;
    }
    if (Block->PoolType == POOL_FREE || Block->PoolType == POOL_CACHED)
        KeBugCheckEx(BAD_POOL_CALLER, 0x07, 0, *(PULONG64)Block, (ULONG_PTR)Va);
    if (Block->PoolType != (POOL_IN_USE | (Paged + 1)) || Block->PoolIndex != Paged)
        KeBugCheckEx(BAD_POOL_HEADER, 0x20, (ULONG_PTR)Block, (ULONG_PTR)POOL_NEXT(Block),
                     *(PULONG64)Block);
    ExpCheckBlock(Block);
    AllocationTag = Block->PoolTag;
    ExpCheckTag(Va, AllocationTag, Tag);

    if (Block->ProcessBilled != 0)
        ExpReturnCharge(Block, Paged);
    Units = Block->BlockSize;
    Block->PoolType = POOL_CACHED;
    ExpTrackFree(AllocationTag, Paged, Units * POOL_UNIT);
    if (Units > POOL_SMALL_UNITS || !ExpPushBlock(Block, Paged, Units))
        ExpFreeBlock(Block);
}

#undef ExFreePool
VOID NTAPI
ExFreePool(PVOID Va)
{
    ExFreePoolWithTag(Va, 0);
}
