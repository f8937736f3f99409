/*
 * Interrupts for drivers: IoConnectInterrupt puts a service routine on a vector of every
 * processor, over the interrupt objects of ke/. There is no Plug and Play to hand out vectors:
 * HalGetInterruptVector says which vector and IRQL a bus line has.
 */
#include "iop.h"
#include "ke/interrupt.h"

#define IOP_TAG_INTERRUPT   'tnIK'

/*
 * Has ServiceRoutine called at SynchronizeIrql, with SpinLock (or one of its own, if NULL) held,
 * when Vector is interrupted. STATUS_INVALID_PARAMETER: the vector cannot be had. Undone with
 * IoDisconnectInterrupt. PASSIVE_LEVEL.
 */
NTSTATUS NTAPI
IoConnectInterrupt(PKINTERRUPT *InterruptObject, PKSERVICE_ROUTINE ServiceRoutine,
                   PVOID ServiceContext,
                   PKSPIN_LOCK SpinLock, ULONG Vector, KIRQL Irql, KIRQL SynchronizeIrql,
                   KINTERRUPT_MODE InterruptMode,
                   BOOLEAN ShareVector, KAFFINITY ProcessorEnableMask, BOOLEAN FloatingSave)
{
    PKINTERRUPT Interrupt;

    PAGED_CODE();

    *InterruptObject = NULL;
    Interrupt = ExAllocatePoolWithTag(NonPagedPool, sizeof *Interrupt, IOP_TAG_INTERRUPT);
    if (Interrupt == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlZeroMemory(Interrupt, sizeof *Interrupt);
    KeInitializeInterrupt(Interrupt, ServiceRoutine, ServiceContext, SpinLock, Vector, Irql,
                          SynchronizeIrql, InterruptMode,
                          ShareVector, ProcessorEnableMask);
    *InterruptObject = Interrupt;               // the first interrupt may come before this returns
    if (KeConnectInterrupt(Interrupt))
        return STATUS_SUCCESS;

    *InterruptObject = NULL;
    ExFreePoolWithTag(Interrupt, IOP_TAG_INTERRUPT);
    return STATUS_INVALID_PARAMETER;
}

/*
 * When this returns, the service routine does not run and will not be called again.
 * PASSIVE_LEVEL.
 */
VOID NTAPI
IoDisconnectInterrupt(PKINTERRUPT InterruptObject)
{
    PAGED_CODE();

    KeDisconnectInterrupt(InterruptObject);
    ExFreePoolWithTag(InterruptObject, IOP_TAG_INTERRUPT);
}
