/*
 * Interrupts. An interrupt of vector V runs at IRQL V >> 4, which the processor compares with
 * CR8: what arrives is always above the interrupted code's IRQL, and raising CR8 before
 * interrupts are let in again keeps equals out.
 *
 *   0x1F, 0x2F      self-interrupts: acknowledged at once, then APCs or DPCs and a context
 *                   switch, which may take long
 *   0x30 - 0xCF     devices: the chain of the vector is asked, then acknowledged
 *   0xD1, 0xE1      the clock, other processors
 *
 * A level-triggered line stays up until every device on it is served, so one taker a round is
 * enough: the line interrupts again. An edge is seen once, so a shared edge-triggered chain is
 * asked until nobody takes it.
 *
 * Locks: KiInterruptLock (DISPATCH_LEVEL) guards the chains against each other; a handler walks
 * its chain without it, which is why KeDisconnectInterrupt waits for the interrupt's own lock
 * before it returns.
 */
#include "ke/kip.h"
#include "ke/interrupt.h"

#define DEVICE_VECTOR_END   0xD0

static KSPIN_LOCK           KiInterruptLock;
static PKINTERRUPT volatile KiInterruptChain[256];

VOID
KeInitializeInterrupt(PKINTERRUPT Interrupt, PKSERVICE_ROUTINE ServiceRoutine,
    PVOID ServiceContext, PKSPIN_LOCK SpinLock, ULONG Vector, KIRQL Irql, KIRQL SynchronizeIrql,
    KINTERRUPT_MODE Mode, BOOLEAN ShareVector, KAFFINITY Affinity)
{
    RtlZeroMemory(Interrupt, sizeof *Interrupt);
    Interrupt->Type = InterruptObject;
    Interrupt->Size = sizeof *Interrupt;
    Interrupt->ServiceRoutine = ServiceRoutine;
    Interrupt->ServiceContext = ServiceContext;
    Interrupt->ActualLock = SpinLock != NULL ? SpinLock : &Interrupt->SpinLock;
    Interrupt->Vector = Vector;
    Interrupt->Irql = Irql;
    Interrupt->SynchronizeIrql = SynchronizeIrql > Irql ? SynchronizeIrql : Irql;
    Interrupt->Mode = Mode;
    Interrupt->ShareVector = ShareVector;
    Interrupt->Affinity = Affinity;
}

/* The first processor the interrupt may go to. */
static ULONG
KiTargetProcessor(KAFFINITY Affinity)
{
    ULONG Number;

    Affinity &= KeQueryActiveProcessors();
    return _BitScanForward64(&Number, Affinity) ? Number : 0;
}

BOOLEAN
KeConnectInterrupt(PKINTERRUPT Interrupt)
{
    PKINTERRUPT Head;
    BOOLEAN     Connected = FALSE;
    KIRQL       OldIrql;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    if (Interrupt->Vector < DEVICE_VECTOR_BASE || Interrupt->Vector >= DEVICE_VECTOR_END ||
        Interrupt->Irql != Interrupt->Vector >> 4)
        return FALSE;

    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    KiAcquireSpinLock(&KiInterruptLock);
    Head = KiInterruptChain[Interrupt->Vector];
    if (!Interrupt->Connected &&
        (Head == NULL || (Head->ShareVector && Interrupt->ShareVector &&
                          Head->Mode == Interrupt->Mode))) {
        Interrupt->Next = Head;
        Interrupt->Connected = Connected = TRUE;
        KiInterruptChain[Interrupt->Vector] = Interrupt;
        if (Head == NULL)
            HalpEnableVector(Interrupt->Vector, Interrupt->Mode == LevelSensitive,
                HalpApicIdOf(KiTargetProcessor(Interrupt->Affinity)));
    }
    KiReleaseSpinLock(&KiInterruptLock);
    KeLowerIrql(OldIrql);
    return Connected;
}

VOID
KeDisconnectInterrupt(PKINTERRUPT Interrupt)
{
    PKINTERRUPT volatile *Link = &KiInterruptChain[Interrupt->Vector];
    KIRQL                 OldIrql;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    KiAcquireSpinLock(&KiInterruptLock);
    if (Interrupt->Connected) {
        while (*Link != Interrupt)
            Link = &(*Link)->Next;
        *Link = Interrupt->Next;
        Interrupt->Connected = FALSE;
        if (KiInterruptChain[Interrupt->Vector] == NULL)
            HalpDisableVector(Interrupt->Vector);
    }
    KiReleaseSpinLock(&KiInterruptLock);

    /*
     * A service routine that was already running holds this lock; a processor about to take it
     * sees Connected.
     */
    KfRaiseIrql(Interrupt->SynchronizeIrql);
    KiAcquireSpinLock(Interrupt->ActualLock);
    KiReleaseSpinLock(Interrupt->ActualLock);
    KeLowerIrql(OldIrql);
}

/*
 * Runs SynchronizeRoutine with the interrupt kept out on every processor; returns what it
 * returns. At most the interrupt's SynchronizeIrql.
 */
BOOLEAN NTAPI
KeSynchronizeExecution(PKINTERRUPT Interrupt, PKSYNCHRONIZE_ROUTINE SynchronizeRoutine,
                       PVOID SynchronizeContext)
{
    ULONG64 State = KiCalloutState();
    BOOLEAN Result;
    KIRQL   OldIrql;

    IRQL_AT_MOST(Interrupt->SynchronizeIrql);

    KeRaiseIrql(Interrupt->SynchronizeIrql, &OldIrql);
    KiAcquireSpinLock(Interrupt->ActualLock);
    Result = SynchronizeRoutine(SynchronizeContext);
    KiCheckCallout(KiSynchronizeRoutine, SynchronizeRoutine, Interrupt,
                   Interrupt->SynchronizeIrql, State);
    KiReleaseSpinLock(Interrupt->ActualLock);
    KeLowerIrql(OldIrql);
    return Result;
}

static BOOLEAN
KiCallServiceRoutine(PKINTERRUPT Interrupt, ULONG Vector)
{
    ULONG64 State = KiCalloutState();
    BOOLEAN Taken = FALSE;

    KfRaiseIrql(Interrupt->SynchronizeIrql);
    KiAcquireSpinLock(Interrupt->ActualLock);
    if (Interrupt->Connected)
        Taken = Interrupt->ServiceRoutine(Interrupt, Interrupt->ServiceContext);
    KiCheckCallout(KiInterruptRoutine, Interrupt->ServiceRoutine, Interrupt,
                   Interrupt->SynchronizeIrql, State);
    Interrupt->DispatchCount += Taken;
    KiReleaseSpinLock(Interrupt->ActualLock);
    KeLowerIrql((KIRQL)(Vector >> 4));
    return Taken;
}

static VOID
KiDeviceInterrupt(ULONG Vector)
{
    BOOLEAN Again;

    do {
        Again = FALSE;
        for (PKINTERRUPT Interrupt = KiInterruptChain[Vector]; Interrupt != NULL;
            Interrupt = Interrupt->Next) {
            if (!KiCallServiceRoutine(Interrupt, Vector))
                continue;
            if (Interrupt->Mode == LevelSensitive)
                return;
            Again = KiInterruptChain[Vector]->Next != NULL;
        }
    } while (Again);
}

/*
 * Called with interrupts off; returns with them off, at the vector's IRQL: the way out restores
 * the interrupted code's.
 */
VOID
KiInterruptDispatch(PKTRAP_FRAME TrapFrame)
{
    ULONG  Vector = (ULONG)TrapFrame->Vector;
    PKPRCB Prcb = KeGetCurrentPrcb();

    if (Vector == SPURIOUS_VECTOR)
        return;

    KfRaiseIrql((KIRQL)(Vector >> 4));
    if (Prcb->Idle)
        KiLeaveIdle(Prcb);
    Prcb->InterruptCount++;
    if (Vector == APC_VECTOR || Vector == DISPATCH_VECTOR)
        HalpEndOfInterrupt();
    _enable();
    switch (Vector) {
    case APC_VECTOR:
        KiAllowUserAccess();
        KiDeliverApc(KernelMode, NULL, TrapFrame);
        break;
    case DISPATCH_VECTOR:
        KiDispatchInterrupt();
        break;
    case CLOCK_VECTOR:
        KeUpdateSystemTime(TrapFrame);
        break;
    case IPI_VECTOR:
        KiIpiInterrupt();
        break;
    default:
        KiDeviceInterrupt(Vector);
    }
    _disable();
    if (Vector != APC_VECTOR && Vector != DISPATCH_VECTOR)
        HalpEndOfInterrupt();
}
