/*
 * Debug output and crash reports. DbgPrint may be called at any IRQL, from an ISR, and with any
 * lock held: it takes no lock another processor could hold while it waits for this one, and it
 * writes to the debug port (0xE9) and to a ring in memory (KdPrintRing) that the debugger reads.
 *
 * KeBugCheckEx freezes the other processors (HalpFreezeProcessors in hal.h) and prints the report
 * with KdPutConsole, which drives both UARTs by polling because no driver can be trusted any
 * more.
 */
#pragma once

#include "kernel.h"

// first thing at start-up: before it DbgPrint goes nowhere
VOID KdInitialize(VOID);
VOID KdPutDebugString(PCSTR String);            // debug port only
// both UARTs, polled, and the debug port; bugcheck and early boot
VOID KdPutConsole(PCSTR String);

/*
 * The function that holds Address, from the image's own COFF symbols (kernel and drivers keep
 * theirs): writes "module!Function+0x12" to Buffer. Falls back to "module+0x1234", then to the
 * bare address.
 */
VOID KdSymbolize(ULONG64 Address, PSTR Buffer, SIZE_T Size);

/*
 * Moves Context, a kernel context, to its caller's frame; FALSE when that is user mode or the end
 * of the stack.
 */
BOOLEAN KdUnwindFrame(PCONTEXT Context);

/*
 * Prints the call stack that Context describes (NULL: the caller's), one frame a line, through
 * Put.
 */
VOID KdPrintStack(PCONTEXT Context, VOID (*Put)(PCSTR));

/*
 * Bugcheck with the state at the trap: the report shows TrapFrame's registers and stack (NULL:
 * the caller's).
 */
struct _KTRAP_FRAME;
DECLSPEC_NORETURN VOID KiBugCheckFromTrap(ULONG Code, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3,
                                          ULONG_PTR P4,
    struct _KTRAP_FRAME *TrapFrame);
