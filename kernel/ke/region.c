/*
 * Critical and guarded regions: stretches of a thread's code that APCs must not interrupt. A
 * critical region (KernelApcDisable < 0) keeps normal kernel APCs away and with them suspension;
 * a guarded region (SpecialApcDisable < 0) every kernel APC. They nest, belong to one thread and
 * cost an addition; apc.c obeys them. A leave without its enter is bugcheck 1.
 */
#include "ke/dispatch.h"

VOID NTAPI
KeEnterCriticalRegion(VOID)
{
    KeGetCurrentThread()->KernelApcDisable--;
    _ReadWriteBarrier();
}

VOID NTAPI
KeLeaveCriticalRegion(VOID)
{
    PKTHREAD Thread = KeGetCurrentThread();

    _ReadWriteBarrier();
    if (Thread->KernelApcDisable >= 0)
        KeBugCheckEx(APC_INDEX_MISMATCH, (ULONG_PTR)__builtin_return_address(0),
            Thread->ApcStateIndex, (ULONG_PTR)Thread->KernelApcDisable, 0);
    if (++Thread->KernelApcDisable == 0) {
        _ReadWriteBarrier();
        KiCheckKernelApcs(Thread);
    }
}

VOID NTAPI
KeEnterGuardedRegion(VOID)
{
    KeGetCurrentThread()->SpecialApcDisable--;
    _ReadWriteBarrier();
}

/*
 * Special APCs are owed even where a critical region still holds the normal ones back:
 * KiDeliverApc tells them apart.
 */
VOID NTAPI
KeLeaveGuardedRegion(VOID)
{
    PKTHREAD Thread = KeGetCurrentThread();

    _ReadWriteBarrier();
    if (Thread->SpecialApcDisable >= 0)
        KeBugCheckEx(APC_INDEX_MISMATCH, (ULONG_PTR)__builtin_return_address(0),
            Thread->ApcStateIndex, (ULONG_PTR)Thread->SpecialApcDisable, 0);
    if (++Thread->SpecialApcDisable == 0) {
        _ReadWriteBarrier();
        if (!IsListEmpty(&Thread->ApcState.ApcListHead[KernelMode])) {
            Thread->ApcState.KernelApcPending = TRUE;
            KiRequestSoftwareInterrupt(APC_LEVEL);
        }
    }
}

/* Normal kernel APCs cannot be delivered to the running thread now. */
BOOLEAN NTAPI
KeAreApcsDisabled(VOID)
{
    PKTHREAD Thread = KeGetCurrentThread();

    return Thread->KernelApcDisable != 0 || Thread->SpecialApcDisable != 0;
}

/* No kernel APC can be delivered, special ones included. */
BOOLEAN NTAPI
KeAreAllApcsDisabled(VOID)
{
    return KeGetCurrentThread()->SpecialApcDisable != 0 || KeGetCurrentIrql() >= APC_LEVEL;
}
