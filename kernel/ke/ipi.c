/*
 * Processors calling each other. An IPI carries no message: the sender sets bits in the target's
 * request word first, and the handler, at IPI_LEVEL, takes whatever bits are there.
 *
 *   reschedule   the target looks at its NextThread, DPCs and APCs: it interrupts itself at those
 *                levels
 *   flush        the target drops one translation, or all of them, and counts itself off
 *
 * A flush is one at a time (KiFlushLock). Its sender spins at DISPATCH_LEVEL with interrupts on,
 * so two processors that want to flush serve each other; nobody may therefore spin for anything
 * above DISPATCH_LEVEL that a flusher could hold.
 *
 * Freezing is an NMI, because it must reach a processor that has interrupts off. A frozen
 * processor stays so.
 */
#include "ke/kip.h"

#define IPI_RESCHEDULE  1
#define IPI_FLUSH       2

static volatile LONG KiIpiRequest[MAXIMUM_KERNEL_PROCESSORS];

static KSPIN_LOCK    KiFlushLock;
static PVOID         KiFlushAddress;            // these three: guarded by KiFlushLock
static BOOLEAN       KiFlushAll;
static volatile LONG KiFlushPending;            // processors that have not flushed yet
static volatile LONG KiIdleFlush[MAXIMUM_KERNEL_PROCESSORS];    // see KiLeaveIdle

#define CR4_PGE     0x80

VOID
KiRequestSoftwareInterrupt(KIRQL Irql)
{
    HalRequestSoftwareInterrupt(Irql);
}

VOID
KiIpiReschedule(ULONG Processor)
{
    PKPRCB Prcb = KiProcessorBlock[Processor];

    if (Prcb == NULL || Prcb == KeGetCurrentPrcb())
        return;

    InterlockedOr(&KiIpiRequest[Processor], IPI_RESCHEDULE);
    HalRequestIpi(Prcb->SetMember);
}

/* Drops this processor's translations: one, or all of them, global ones included. */
VOID
KiFlushLocalTb(PVOID Address, BOOLEAN All)
{
    if (All) {
        ULONG64 Cr4 = __readcr4();

        __writecr4(Cr4 & ~(ULONG64)CR4_PGE);
        __writecr4(Cr4);
    } else {
        __invlpg(Address);
    }
}

/*
 * Around the halt of the idle loop: a halted processor is not woken for a flush. Whoever wants one
 * sets KiIdleFlush and then looks at Idle; the processor clears Idle and then looks at
 * KiIdleFlush, before it runs anything but the entry of an interrupt. Each store is locked, so one
 * of the two sees the other's.
 */
VOID
KiEnterIdle(PKPRCB Prcb)
{
    __atomic_exchange_n(&Prcb->Idle, TRUE, __ATOMIC_SEQ_CST);
}

VOID
KiLeaveIdle(PKPRCB Prcb)
{
    __atomic_exchange_n(&Prcb->Idle, FALSE, __ATOMIC_SEQ_CST);
    if (KiIdleFlush[Prcb->Number] != 0 && InterlockedExchange(&KiIdleFlush[Prcb->Number], 0) != 0)
        KiFlushLocalTb(NULL, TRUE);
}

/* Of Processors, those that must be interrupted for a flush; the halted ones flush as they wake. */
static KAFFINITY
KiProcessorsToFlush(KAFFINITY Processors)
{
    for (ULONG Number = 0; Number < MAXIMUM_KERNEL_PROCESSORS; Number++) {
        if (!(Processors >> Number & 1))
            continue;
        InterlockedExchange(&KiIdleFlush[Number], 1);
        if (KiProcessorBlock[Number]->Idle)
            Processors &= ~((KAFFINITY)1 << Number);
    }
    return Processors;
}

/*
 * Drops the translation of Address (or all) on every processor; when it returns, none uses an
 * older one. IRQL at most DISPATCH_LEVEL.
 */
VOID
KiIpiFlushTb(PVOID Address, BOOLEAN All)
{
    KAFFINITY Others;
    KIRQL     OldIrql;

    IRQL_AT_MOST(DISPATCH_LEVEL);

    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    KiFlushLocalTb(Address, All);
    Others = KiProcessorsToFlush(KeQueryActiveProcessors() & ~KeGetCurrentPrcb()->SetMember);
    if (Others != 0) {
        KiAcquireSpinLock(&KiFlushLock);
        KiFlushAddress = Address;
        KiFlushAll = All;
        KiFlushPending = (LONG)__builtin_popcountll(Others);
        for (ULONG Number = 0; Number < MAXIMUM_KERNEL_PROCESSORS; Number++)
            if (Others >> Number & 1)
                InterlockedOr(&KiIpiRequest[Number], IPI_FLUSH);
        HalRequestIpi(Others);
        while (KiFlushPending != 0)
            YieldProcessor();
        KiReleaseSpinLock(&KiFlushLock);
    }
    KeLowerIrql(OldIrql);
}

/* The IPI's handler, at IPI_LEVEL. */
VOID
KiIpiInterrupt(VOID)
{
    PKPRCB Prcb = KeGetCurrentPrcb();
    LONG   Requests = InterlockedExchange(&KiIpiRequest[Prcb->Number], 0);

    if (Requests & IPI_FLUSH) {
        KiIdleFlush[Prcb->Number] = 0;          // whoever set it has seen that this one is not idle
        KiFlushLocalTb(KiFlushAddress, KiFlushAll);
        InterlockedDecrement(&KiFlushPending);
    }
    if (Requests & IPI_RESCHEDULE) {
        if (Prcb->NextThread != NULL || Prcb->DpcQueueDepth != 0)
            HalRequestSoftwareInterrupt(DISPATCH_LEVEL);
        if (Prcb->CurrentThread->ApcState.KernelApcPending)
            HalRequestSoftwareInterrupt(APC_LEVEL);
    }
}

/* The NMI's handler: stops for good if somebody has asked for it. */
VOID
KiFreezeInterrupt(VOID)
{
    if (!HalpFreezeRequested)
        return;
    KeGetCurrentPrcb()->DebuggerSavedIRQL = KeGetCurrentIrql();
    KeGetCurrentPrcb()->Frozen = TRUE;
    for (;;) {
        _disable();
        __asm__ __volatile__("hlt");
    }
}
