/*
 * From the loader to the idle loop, on the boot processor.
 *
 * KiSystemStartup (swap.S) puts the processor on the kernel's own stack and calls
 * KiInitializeKernel. There: the loader's identity map goes away, debug output starts, the
 * processor gets its tables, the code running now becomes the idle thread of processor 0 (a
 * thread whose stack is KiBootStack, in the idle process), and ExpInitializePhase0 brings the
 * rest up. That one readies the first thread; the idle loop gives way to it.
 *
 * IRQL is PASSIVE_LEVEL with interrupts off until the idle loop raises to DISPATCH_LEVEL and lets
 * them in.
 */
#include "ke/kip.h"
#include "mm/mm.h"
#include "kd/kd.h"
#include "init.h"

static KPROCESSOR_STATE KiBootProcessor;

static VOID
KiClearIdentityMap(PLOADER_PARAMETER_BLOCK LoaderBlock)
{
    *(volatile ULONG64 *)PHYSICAL_TO_VA(LoaderBlock->PageDirectory) = 0;
    __writecr3(__readcr3());
}

/*
 * The thread that runs now on the stack from StackLimit to StackBase is this processor's idle
 * thread from here on.
 */
VOID
KiBecomeIdleThread(PKPRCB Prcb, PVOID StackBase, PVOID StackLimit)
{
    PKTHREAD Thread = Prcb->IdleThread;

    Thread->StackBase = StackBase;
    Thread->StackLimit = StackLimit;
    Thread->NpxArea = Thread->InitialStack = (PUCHAR)StackBase - sizeof(XMM_SAVE_AREA32);
    KiInitializeIdleThread(Thread, Prcb, KiInitialProcess);
    KiInitializeDispatcher(Prcb);
}

/* Called by KiSystemStartup alone, on KiBootStack; never returns. */
DECLSPEC_NORETURN VOID
KiInitializeKernel(PLOADER_PARAMETER_BLOCK LoaderBlock)
{
    PKPRCB Prcb = &KiBootProcessor.Pcr.Prcb;

    KiClearIdentityMap(LoaderBlock);
    KiInitializeIdtAndPatches(LoaderBlock);
    KiInitializeProcessor(&KiBootProcessor.Pcr, 0, KiBootStackEnd - sizeof(XMM_SAVE_AREA32));
    KdInitialize();

    KeInitializeProcess(KiInitialProcess, 0, LoaderBlock->PageDirectory);
    KiBecomeIdleThread(Prcb, KiBootStackEnd, KiBootStack);
    KiReserveStartPages(LoaderBlock);
    ExpInitializePhase0(LoaderBlock);
    KiIdleLoop();
    __builtin_unreachable();
}
