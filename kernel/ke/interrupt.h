/*
 * A driver's interrupt: what IoConnectInterrupt makes and the interrupt vectors lead to. Several
 * interrupts on one vector form a chain (Next), when all of them allow it.
 */
#pragma once

#include "ke/ke.h"

typedef struct _KINTERRUPT {
    CSHORT           Type;                      // InterruptObject
    CSHORT           Size;

    /* Set by KeInitializeInterrupt, never changed: */
    PKSERVICE_ROUTINE ServiceRoutine;
    PVOID            ServiceContext;
    // held while ServiceRoutine runs: the caller's, or SpinLock
    PKSPIN_LOCK      ActualLock;
    KSPIN_LOCK       SpinLock;
    ULONG            Vector;
    KIRQL            Irql;                      // of the vector
    KIRQL            SynchronizeIrql;           // ServiceRoutine runs at this
    KINTERRUPT_MODE  Mode;
    BOOLEAN          ShareVector;
    KAFFINITY        Affinity;

    /* Guarded by KiInterruptLock: */
    BOOLEAN          Connected;
    struct _KINTERRUPT *volatile Next;          // read without the lock by the vector's handler
    ULONG            DispatchCount;             // calls that said the interrupt was theirs
} KINTERRUPT;

/* Fills a new interrupt (zeroed nonpaged pool). SpinLock NULL: one of its own. */
VOID KeInitializeInterrupt(PKINTERRUPT Interrupt, PKSERVICE_ROUTINE ServiceRoutine,
    PVOID ServiceContext, PKSPIN_LOCK SpinLock, ULONG Vector, KIRQL Irql, KIRQL SynchronizeIrql,
    KINTERRUPT_MODE Mode, BOOLEAN ShareVector, KAFFINITY Affinity);

/*
 * Puts it on its vector and lets the line through. FALSE if the vector is not a device's or taken
 * by somebody who does not share.
 */
BOOLEAN KeConnectInterrupt(PKINTERRUPT Interrupt);

/*
 * Takes it off; when this returns, its service routine does not run and will not be called again.
 * Below its SynchronizeIrql.
 */
VOID KeDisconnectInterrupt(PKINTERRUPT Interrupt);
