/*
 * What signalling a dispatcher object does.
 *
 * Whoever signals an object - its routines, a timer that expires, a thread that ends - calls
 * KiWaitTest with KiDispatcherLock held. It takes the waiters in the order they came and lets the
 * object pay for each (KiWaitSatisfy: a synchronization event resets, a semaphore counts down, a
 * mutant changes hands) until it is no longer signalled. A thread that waits for all of several
 * objects gets them only when all are signalled, and then in one step.
 *
 * KiUnwaitThread unlinks all blocks of a thread, its timer's too, and readies it. The woken
 * thread finds its answer in WaitStatus and need not look at the objects again.
 */
#include "ke/dispatch.h"

VOID
KiTakeMutant(PKMUTANT Mutant, PKTHREAD Thread)
{
    if (--Mutant->Header.SignalState != 0)
        return;
    Mutant->OwnerThread = Thread;
    Thread->KernelApcDisable -= Mutant->ApcDisable;
    InsertHeadList(&Thread->MutantListHead, &Mutant->MutantListEntry);
    if (Mutant->Abandoned) {
        Mutant->Abandoned = FALSE;
        Thread->WaitStatus |= STATUS_ABANDONED;
    }
}

VOID
KiUnwaitThread(PKTHREAD Thread, LONG_PTR WaitStatus, KPRIORITY Increment)
{
    PKWAIT_BLOCK Block = Thread->WaitBlockList;

    do {
        RemoveEntryList(&Block->WaitListEntry);
        Block = Block->NextWaitBlock;
    } while (Block != Thread->WaitBlockList);
    if (Thread->Timer.Header.Inserted)
        KiRemoveTimer(&Thread->Timer);
    if (Thread->Queue != NULL)
        Thread->Queue->CurrentCount++;

    Thread->WaitStatus |= WaitStatus;
    KiBoostThread(Thread, Increment);
    KiReadyThread(Thread);
}

/* Takes every object of a WaitAll if all are signalled. */
static BOOLEAN
KiTakeAll(PKTHREAD Thread)
{
    PKWAIT_BLOCK First = Thread->WaitBlockList, Block = First;

    do {
        if (Block->WaitKey != STATUS_TIMEOUT && !KiIsSignalled(Block->Object, Thread))
            return FALSE;
    } while ((Block = Block->NextWaitBlock) != First);
    do {
        if (Block->WaitKey != STATUS_TIMEOUT)
            KiWaitSatisfy(Block->Object, Thread);
    } while ((Block = Block->NextWaitBlock) != First);
    return TRUE;
}

VOID
KiWaitTest(PVOID Object, KPRIORITY Increment)
{
    PDISPATCHER_HEADER Header = Object;
    PLIST_ENTRY        Link = Header->WaitListHead.Flink;
    PKWAIT_BLOCK       Block;

    while (Header->SignalState > 0 && Link != &Header->WaitListHead) {
        Block = CONTAINING_RECORD(Link, KWAIT_BLOCK, WaitListEntry);
        Link = Link->Flink;
        if (Block->WaitType == WaitAny) {
            KiWaitSatisfy(Header, Block->Thread);
            KiUnwaitThread(Block->Thread, Block->WaitKey, Increment);
        } else if (KiTakeAll(Block->Thread)) {
            KiUnwaitThread(Block->Thread, STATUS_WAIT_0, Increment);
        } else {
            continue;
        }
        // several blocks of the woken thread may have been here
        Link = Header->WaitListHead.Flink;
    }
}
