/*
 * IRPs as memory: allocated, initialised, reused and freed. Steps (1) and (8) of the life of an
 * IRP (io.h).
 *
 * An IRP is a header followed by one IO_STACK_LOCATION for each driver it may pass through.
 * CurrentLocation counts down from StackCount + 1 (nobody has it yet) to 1 (the lowest driver);
 * IofCompleteRequest counts it up again, past the start, to StackCount + 2: that is how a
 * completed IRP is told from one in use. Type is IO_TYPE_IRP while the IRP is allocated and 0
 * once it is freed.
 *
 * Most IRPs are small and live for microseconds, so each processor keeps two short lists of freed
 * ones: up to SMALL_LOCATIONS and up to LARGE_LOCATIONS stack locations. AllocationFlags
 * remembers which list an IRP goes back to. The lists are touched only by their own processor at
 * DISPATCH_LEVEL and need no lock.
 */
#include "iop.h"

#define LIST_DEPTH          32

typedef struct DECLSPEC_ALIGN(64) _IRP_LIST {
    /* Own processor at DISPATCH_LEVEL only: */
    PIRP  First[2];                     // small, large; linked through Tail.CompletionKey
    ULONG Count[2];
} IRP_LIST;

static IRP_LIST IopIrpLists[MAXIMUM_KERNEL_PROCESSORS];

/*
 * Makes an IRP out of PacketSize bytes of nonpaged memory: everything zero but sizes, counts and
 * the stack pointer. For memory of the driver's own; an allocated IRP is readied again with
 * IoReuseIrp.
 */
VOID NTAPI
IoInitializeIrp(PIRP Irp, USHORT PacketSize, CCHAR StackSize)
{
    IRQL_AT_MOST(DISPATCH_LEVEL);

    __stosq((PULONG64)Irp, 0, IoSizeOfIrp(StackSize) / sizeof(ULONG64));
    Irp->Type = IO_TYPE_IRP;
    Irp->Size = PacketSize;
    Irp->StackCount = StackSize;
    Irp->CurrentLocation = StackSize + 1;
    Irp->ApcEnvironment = (CCHAR)IopThread()->ApcStateIndex;
    InitializeListHead(&Irp->ThreadListEntry);
    Irp->Tail.Overlay.CurrentStackLocation = (PIO_STACK_LOCATION)(Irp + 1) + StackSize;
}

static PIRP
IopPopIrp(ULONG List)
{
    KIRQL     Irql = KfRaiseIrql(DISPATCH_LEVEL);
    IRP_LIST *Lists = &IopIrpLists[KiCurrentNumber()];
    PIRP      Irp = Lists->First[List];

    if (Irp != NULL) {
        Lists->First[List] = Irp->Tail.CompletionKey;
        Lists->Count[List]--;
    }
    KeLowerIrql(Irql);
    return Irp;
}

static BOOLEAN
IopPushIrp(PIRP Irp, ULONG List)
{
    KIRQL     Irql = KfRaiseIrql(DISPATCH_LEVEL);
    IRP_LIST *Lists = &IopIrpLists[KiCurrentNumber()];
    BOOLEAN   Room = Lists->Count[List] < LIST_DEPTH;

    if (Room) {
        Irp->Tail.CompletionKey = Lists->First[List];
        Lists->First[List] = Irp;
        Lists->Count[List]++;
    }
    KeLowerIrql(Irql);
    return Room;
}

/*
 * Memory for an IRP with StackSize locations, nothing of it set, or NULL. *Flags is what
 * AllocationFlags must become for IoFreeIrp to know where it goes back to.
 */
PIRP
IopTakeIrp(CCHAR StackSize, PUCHAR Flags)
{
    SIZE_T Size = IoSizeOfIrp(StackSize);
    PIRP   Irp;

    *Flags = 0;
    if (StackSize <= LARGE_LOCATIONS) {
        *Flags = IRP_ALLOCATED_FIXED_SIZE;
        Irp = IopPopIrp(StackSize > SMALL_LOCATIONS);
        if (Irp != NULL)
            return Irp;
        Size = StackSize > SMALL_LOCATIONS
            ? IoSizeOfIrp(LARGE_LOCATIONS)
            : IoSizeOfIrp(SMALL_LOCATIONS) + sizeof(IOP_INLINE_BUFFER);
    }
    return ExAllocatePoolWithTag(NonPagedPool, Size, IOP_TAG_IRP);
}

/* Out of pool, unless a list has got one meanwhile. */
static DECLSPEC_NOINLINE PIRP
IopAllocateIrp(CCHAR StackSize)
{
    UCHAR Flags;
    PIRP  Irp = IopTakeIrp(StackSize, &Flags);

    if (Irp == NULL)
        return NULL;
    IoInitializeIrp(Irp, IoSizeOfIrp(StackSize), StackSize);
    Irp->AllocationFlags = Flags;
    return Irp;
}

/*
 * (1) Allocates an IRP with StackSize locations; NULL if memory is short or StackSize is not
 * positive. The caller owns it and frees it with IoFreeIrp, or lets its completion free it. IRQL
 * <= DISPATCH_LEVEL.
 */
PIRP NTAPI
IoAllocateIrp(CCHAR StackSize, BOOLEAN ChargeQuota)
{
    PIRP Irp = NULL;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    if (StackSize <= 0)
        return NULL;
    if (StackSize <= LARGE_LOCATIONS)
        Irp = IopPopIrp(StackSize > SMALL_LOCATIONS);
    if (Irp == NULL)
        return IopAllocateIrp(StackSize);
    IoInitializeIrp(Irp, IoSizeOfIrp(StackSize), StackSize);
    Irp->AllocationFlags = IRP_ALLOCATED_FIXED_SIZE;
    return Irp;
}

/* Freed or reused, as Verb says: not an IRP (any more), on its thread's list, with a driver. */
static __attribute__((noinline, cold)) VOID
IopBadFree(PIRP Irp, PVOID Caller, PCSTR Verb)
{
    CHAR Sentence[80];

    if (Irp->Type != IO_TYPE_IRP) {
        _snprintf(Sentence, sizeof Sentence, "%s an IRP that is none, or was freed before", Verb);
        IopStop(DRIVER_VERIFIER_IOMANAGER_VIOLATION, 1, (ULONG_PTR)Irp, 0, Caller, Sentence);
    }
    if (Irp->ThreadListEntry.Flink != &Irp->ThreadListEntry) {
        _snprintf(Sentence, sizeof Sentence, "%s an IRP that is still on its thread's list", Verb);
        IopStop(DRIVER_VERIFIER_IOMANAGER_VIOLATION, 2, (ULONG_PTR)Irp, 0, Caller, Sentence);
    }
    _snprintf(Sentence, sizeof Sentence, "%s an IRP that a driver below still has", Verb);
    KiStopDriver(DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x20B, (ULONG_PTR)Caller, (ULONG_PTR)Irp,
                 (ULONG_PTR)IoGetCurrentIrpStackLocation(Irp)->DeviceObject, Caller, Sentence);
}

/*
 * (8) Frees an IRP that IoAllocateIrp made. It must not be with a driver or on its thread's list.
 * Buffers and MDLs it points to are the caller's. IRQL <= DISPATCH_LEVEL.
 */
VOID NTAPI
IoFreeIrp(PIRP Irp)
{
    UCHAR Flags = Irp->AllocationFlags;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    if (Irp->Type != IO_TYPE_IRP || Irp->ThreadListEntry.Flink != &Irp->ThreadListEntry
        || IopIsInUse(Irp))
        IopBadFree(Irp, __builtin_return_address(0), "freed");

    IopTrace(IopTraceFreed, Irp, Irp->CurrentLocation, NULL, __builtin_return_address(0), 0,
             KeGetCurrentIrql());
    Irp->Type = 0;
    if (!(Flags & IRP_ALLOCATED_FIXED_SIZE) || !IopPushIrp(Irp, Irp->StackCount > SMALL_LOCATIONS))
        ExFreePoolWithTag(Irp, IOP_TAG_IRP);
}

/*
 * Readies an IRP of the driver's own for another trip, keeping what says how it was allocated;
 * IoStatus.Status becomes Status. Not for IRPs on their way, nor for those of other drivers or of
 * the I/O manager.
 */
VOID NTAPI
IoReuseIrp(PIRP Irp, NTSTATUS Status)
{
    UCHAR Flags = Irp->AllocationFlags;

    if (Irp->Type != IO_TYPE_IRP || Irp->ThreadListEntry.Flink != &Irp->ThreadListEntry
        || IopIsInUse(Irp))
        IopBadFree(Irp, __builtin_return_address(0), "reused");

    IoInitializeIrp(Irp, Irp->Size, Irp->StackCount);
    Irp->AllocationFlags = Flags;
    Irp->IoStatus.Status = Status;
}

/*
 * Allocates an IRP that stands for part of MasterIrp. The driver sets MasterIrp's IrpCount; the
 * associated IRP whose completion takes it to zero completes the master. NULL if memory is short.
 */
PIRP NTAPI
IoMakeAssociatedIrp(PIRP MasterIrp, CCHAR StackSize)
{
    PIRP Irp = IoAllocateIrp(StackSize, FALSE);

    if (Irp == NULL)
        return NULL;

    Irp->Flags |= IRP_ASSOCIATED_IRP;
    Irp->Tail.Overlay.Thread = MasterIrp->Tail.Overlay.Thread;
    Irp->AssociatedIrp.MasterIrp = MasterIrp;
    return Irp;
}

/*
 * Puts an IRP whose Tail.Overlay.Thread is the running thread on its list, so that the thread's
 * end cancels it.
 */
VOID NTAPI
IoQueueThreadIrp(PIRP Irp)
{
    IRQL_AT_MOST(APC_LEVEL);

    IopQueueThreadIrp(Irp);
}
