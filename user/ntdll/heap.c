/*
 * The heap: blocks of a few dozen sizes, each size with a list of free blocks, cut from 64 KiB
 * runs; a block larger than the largest size has a region of its own, taken from and given back
 * to the kernel directly.
 *
 * Each block is preceded by a 16-byte header with its size class, the size the caller asked for,
 * and a signature that differs for a block in use, a free one and a large one: freeing twice,
 * freeing what is no block and (when the next block's header was overrun) some overruns end the
 * process with STATUS_HEAP_CORRUPTION and a sentence.
 *
 * Runs are never given back before RtlDestroyHeap. Lock: Heap->Lock, a leaf, for everything.
 */
#include "ntdllp.h"

#define HEAP_SIGNATURE      0x50414548u     // "HEAP"
// turns of a loop before a thread sleeps on the heap's lock
#define HEAP_SPIN           4000
#define BLOCK_IN_USE        0xB10C5EDu
#define BLOCK_FREE          0xF7EEB10Cu
#define BLOCK_LARGE         0xB16B10Cu
#define HEAP_CLASSES        44
#define HEAP_SMALL_CLASSES  32              // 16, 32, ... 512
#define HEAP_RUN            0x10000

typedef struct _HEAP_BLOCK {
    ULONG  Signature;
    ULONG  Class;
    union {
        SIZE_T              Size;           // in use: as asked for
        struct _HEAP_BLOCK *Next;           // free
    };
} HEAP_BLOCK, *PHEAP_BLOCK;

typedef struct _HEAP_RUN_HEADER {           // at the start of each run and each large block
    LIST_ENTRY Link;
    SIZE_T     Bytes;
    SIZE_T     Fill;
} HEAP_RUN_HEADER, *PHEAP_RUN_HEADER;

typedef struct _HEAP {
    ULONG                Signature;
    RTL_CRITICAL_SECTION Lock;

    /* Guarded by Lock: */
    LIST_ENTRY           Runs, Large;
    PHEAP_BLOCK          Free[HEAP_CLASSES];
    PUCHAR               Next, End;         // the part of the newest run that was not cut yet
} HEAP, *PHEAP;

_Static_assert(sizeof(HEAP_BLOCK) == 16 && sizeof(HEAP_RUN_HEADER) == 32,
    "blocks stay 16-byte aligned");

/* 16..512 in steps of 16, then 768, 1024, 1536, ... 32768 */
static SIZE_T
RtlpClassBytes(ULONG Class)
{
    ULONG Step;

    if (Class < HEAP_SMALL_CLASSES)
        return (Class + 1) * 16;
    Step = Class - HEAP_SMALL_CLASSES;
    return Step & 1 ? (SIZE_T)1024 << (Step / 2) : (SIZE_T)768 << (Step / 2);
}

static ULONG
RtlpClassOf(SIZE_T Size)
{
    ULONG Class;

    if (Size <= HEAP_SMALL_CLASSES * 16)
        return Size ? (ULONG)((Size - 1) / 16) : 0;
    for (Class = HEAP_SMALL_CLASSES; Class < HEAP_CLASSES && RtlpClassBytes(Class) < Size; Class++)
        ;
    return Class;
}

static PVOID
RtlpReserve(SIZE_T Bytes)
{
    PVOID Base = NULL;

    if (!NT_SUCCESS(NtAllocateVirtualMemory(NtCurrentProcess(), &Base, 0, &Bytes,
        MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE)))
        return NULL;
    return Base;
}

static VOID
RtlpRelease(PVOID Base)
{
    SIZE_T Zero = 0;

    NtFreeVirtualMemory(NtCurrentProcess(), &Base, &Zero, MEM_RELEASE);
}

static DECLSPEC_NORETURN VOID
RtlpHeapCorrupt(PVOID Block, PCSTR What)
{
    RtlpSay("%s: heap: block %p %s (STATUS_HEAP_CORRUPTION)\n", RtlpProgramName(), Block, What);
    NtTerminateProcess(NtCurrentProcess(), STATUS_HEAP_CORRUPTION);
    __builtin_unreachable();
}

PVOID NTAPI
RtlCreateHeap(ULONG Flags, PVOID Base, SIZE_T Reserve, SIZE_T Commit, PVOID Lock, PVOID Parameters)
{
    PHEAP Heap = RtlpReserve(sizeof *Heap);

    if (Heap == NULL)
        return NULL;
    Heap->Signature = HEAP_SIGNATURE;
    RtlInitializeCriticalSectionAndSpinCount(&Heap->Lock, HEAP_SPIN);
    InitializeListHead(&Heap->Runs);
    InitializeListHead(&Heap->Large);
    return Heap;
}

PVOID NTAPI
RtlDestroyHeap(PVOID HeapHandle)
{
    PHEAP Heap = HeapHandle;

    if (Heap == NtCurrentPeb()->ProcessHeap || Heap->Signature != HEAP_SIGNATURE)
        return HeapHandle;
    while (Heap->Large.Flink != &Heap->Large || Heap->Runs.Flink != &Heap->Runs) {
        PLIST_ENTRY Link = Heap->Large.Flink != &Heap->Large ? Heap->Large.Flink : Heap->Runs.Flink;

        RemoveEntryList(Link);
        RtlpRelease(Link);
    }
    RtlDeleteCriticalSection(&Heap->Lock);
    RtlpRelease(Heap);
    return NULL;
}

static PHEAP_BLOCK
RtlpAllocateLarge(PHEAP Heap, SIZE_T Size)
{
    PHEAP_RUN_HEADER Run;
    PHEAP_BLOCK      Block;

    if (Size > MAXLONG64 - HEAP_RUN)
        return NULL;
    Run = RtlpReserve(sizeof *Run + sizeof *Block + Size);
    if (Run == NULL)
        return NULL;
    Block = (PHEAP_BLOCK)(Run + 1);
    Block->Signature = BLOCK_LARGE;
    Block->Class = HEAP_CLASSES;
    Block->Size = Size;
    InsertTailList(&Heap->Large, &Run->Link);
    return Block;
}

static PHEAP_BLOCK
RtlpAllocateSmall(PHEAP Heap, ULONG Class, SIZE_T Size)
{
    PHEAP_BLOCK Block = Heap->Free[Class];
    SIZE_T      Bytes = sizeof *Block + RtlpClassBytes(Class);

    if (Block) {
        if (Block->Signature != BLOCK_FREE || Block->Class != Class)
            RtlpHeapCorrupt(Block + 1, "was written to after it was freed, or overrun");
        Heap->Free[Class] = Block->Next;
    } else {
        if (Bytes > (SIZE_T)(Heap->End - Heap->Next)) {
            PHEAP_RUN_HEADER Run = RtlpReserve(HEAP_RUN);

            if (Run == NULL)
                return NULL;
            InsertTailList(&Heap->Runs, &Run->Link);
            Heap->Next = (PUCHAR)(Run + 1);
            Heap->End = (PUCHAR)Run + HEAP_RUN;
        }
        Block = (PHEAP_BLOCK)Heap->Next;
        Heap->Next += Bytes;
    }
    Block->Signature = BLOCK_IN_USE;
    Block->Class = Class;
    Block->Size = Size;
    return Block;
}

/* Flags: HEAP_ZERO_MEMORY, HEAP_GENERATE_EXCEPTIONS. NULL when memory is short. */
PVOID NTAPI
RtlAllocateHeap(PVOID HeapHandle, ULONG Flags, SIZE_T Size)
{
    PHEAP       Heap = HeapHandle;
    ULONG       Class = RtlpClassOf(Size);
    PHEAP_BLOCK Block;

    RtlEnterCriticalSection(&Heap->Lock);
    Block = Class < HEAP_CLASSES ? RtlpAllocateSmall(Heap, Class, Size) : RtlpAllocateLarge(Heap,
        Size);
    RtlLeaveCriticalSection(&Heap->Lock);
    if (Block == NULL) {
        if (Flags & HEAP_GENERATE_EXCEPTIONS)
            RtlRaiseStatus(STATUS_NO_MEMORY);
        return NULL;
    }
    if ((Flags & HEAP_ZERO_MEMORY) && Class < HEAP_CLASSES)
        memset(Block + 1, 0, Size);
    return Block + 1;
}

static PHEAP_BLOCK
RtlpBlockOf(PVOID Memory)
{
    PHEAP_BLOCK Block = (PHEAP_BLOCK)Memory - 1;

    if ((ULONG_PTR)Memory & 15)
        RtlpHeapCorrupt(Memory, "is not a block of the heap");
    if (Block->Signature == BLOCK_FREE)
        RtlpHeapCorrupt(Memory, "was freed already");
    if (Block->Signature != BLOCK_IN_USE && Block->Signature != BLOCK_LARGE)
        RtlpHeapCorrupt(Memory, "is not a block of the heap, or its header was overrun");
    return Block;
}

BOOLEAN NTAPI
RtlFreeHeap(PVOID HeapHandle, ULONG Flags, PVOID Memory)
{
    PHEAP       Heap = HeapHandle;
    PHEAP_BLOCK Block;

    if (Memory == NULL)
        return TRUE;
    RtlEnterCriticalSection(&Heap->Lock);
    Block = RtlpBlockOf(Memory);
    if (Block->Signature == BLOCK_LARGE) {
        PHEAP_RUN_HEADER Run = (PHEAP_RUN_HEADER)Block - 1;

        RemoveEntryList(&Run->Link);
        RtlpRelease(Run);
    } else {
        Block->Signature = BLOCK_FREE;
        Block->Next = Heap->Free[Block->Class];
        Heap->Free[Block->Class] = Block;
    }
    RtlLeaveCriticalSection(&Heap->Lock);
    return TRUE;
}

SIZE_T NTAPI
RtlSizeHeap(PVOID HeapHandle, ULONG Flags, PVOID Memory)
{
    return RtlpBlockOf(Memory)->Size;
}

/*
 * The block stays where it is while its size class allows, unless it must be copied; NULL leaves
 * it as it was.
 */
PVOID NTAPI
RtlReAllocateHeap(PVOID HeapHandle, ULONG Flags, PVOID Memory, SIZE_T Size)
{
    PHEAP_BLOCK Block = RtlpBlockOf(Memory);
    SIZE_T      Old = Block->Size;
    PVOID       New;

    if (Block->Signature == BLOCK_IN_USE && Size <= RtlpClassBytes(Block->Class)) {
        if ((Flags & HEAP_ZERO_MEMORY) && Size > Old)
            memset((PUCHAR)Memory + Old, 0, Size - Old);
        Block->Size = Size;
        return Memory;
    }
    if (Flags & HEAP_REALLOC_IN_PLACE_ONLY)
        return NULL;
    New = RtlAllocateHeap(HeapHandle, Flags, Size);
    if (New == NULL)
        return NULL;
    memcpy(New, Memory, min(Old, Size));
    RtlFreeHeap(HeapHandle, 0, Memory);
    return New;
}

/* Keeps the other threads out of the heap, until RtlUnlockHeap by the same thread. */
BOOLEAN NTAPI
RtlLockHeap(PVOID HeapHandle)
{
    RtlEnterCriticalSection(&((PHEAP)HeapHandle)->Lock);
    return TRUE;
}

BOOLEAN NTAPI
RtlUnlockHeap(PVOID HeapHandle)
{
    return RtlLeaveCriticalSection(&((PHEAP)HeapHandle)->Lock) == STATUS_SUCCESS;
}

/* For the one thread that is left of the process. */
VOID
RtlpRenewHeapLock(PVOID HeapHandle)
{
    RtlInitializeCriticalSectionAndSpinCount(&((PHEAP)HeapHandle)->Lock, HEAP_SPIN);
}

BOOLEAN NTAPI
RtlValidateHeap(PVOID HeapHandle, ULONG Flags, PVOID Memory)
{
    PHEAP   Heap = HeapHandle;
    BOOLEAN Valid = Heap->Signature == HEAP_SIGNATURE;

    RtlEnterCriticalSection(&Heap->Lock);
    for (ULONG Class = 0; Valid && Class < HEAP_CLASSES; Class++)
        for (PHEAP_BLOCK Block = Heap->Free[Class]; Valid && Block; Block = Block->Next)
            Valid = Block->Signature == BLOCK_FREE && Block->Class == Class;
    if (Valid && Memory) {
        ULONG Signature = ((PHEAP_BLOCK)Memory - 1)->Signature;

        Valid = Signature == BLOCK_IN_USE || Signature == BLOCK_LARGE;
    }
    RtlLeaveCriticalSection(&Heap->Lock);
    return Valid;
}
