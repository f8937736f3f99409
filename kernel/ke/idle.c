/*
 * What a processor does when no thread wants it. The idle loop is the body of the processor's
 * idle thread, at DISPATCH_LEVEL: it drains DPCs itself, switches to NextThread when somebody has
 * chosen one, and otherwise halts.
 *
 * No wake-up is lost: the checks before the halt are made with interrupts off, and `sti; hlt`
 * lets an interrupt in only after the halt has begun. At DISPATCH_LEVEL the DISPATCH
 * self-interrupt itself stays masked, so whatever asks for it must also have left a DPC, a due
 * timer or a NextThread; other processors wake this one by an IPI (KiIpiReschedule).
 */
#include "ke/kip.h"

static BOOLEAN
KiIdleHasWork(PKPRCB Prcb)
{
    return Prcb->DpcQueueDepth != 0 || Prcb->TimerCheck ||
        *(volatile PKTHREAD *)&Prcb->NextThread != NULL;
}

/*
 * Never returns. Entered on the idle thread's stack at any IRQL <= DISPATCH_LEVEL, interrupts on
 * or off.
 */
VOID
KiIdleLoop(VOID)
{
    PKPRCB Prcb = KeGetCurrentPrcb();

    KfRaiseIrql(DISPATCH_LEVEL);
    _enable();
    for (;;) {
        if (Prcb->DpcQueueDepth != 0 || Prcb->TimerCheck)
            KiRetireDpcList(Prcb);
        if (Prcb->NextThread != NULL)
            KiIdleSwitch();

        _disable();
        KiEnterIdle(Prcb);
        if (KiIdleHasWork(Prcb))
            _enable();
        else
            __asm__ __volatile__("sti; hlt" : : : "memory");
        KiLeaveIdle(Prcb);
    }
}
