/*
 * The call stack of a context, walked with the unwind tables: through C code, assembly, trap
 * handlers and the interrupted code behind them, until user mode or the end.
 *
 * The machine may be in any state, so each step first asks the page tables whether the stack can
 * be touched where the frame is, and a walk never goes on when it does not get higher on the same
 * stack. A trap changes the stack only when it crosses a machine frame, which RtlVirtualUnwind
 * does in one step.
 */
#include "kdp.h"

#define MAXIMUM_FRAMES  48

static BOOLEAN
KdpIsStackPresent(ULONG64 Rsp)
{
    return (Rsp & 7) == 0 && Rsp >= KERNEL_BASE_OF_SYSTEM && MmIsAddressPresent((PVOID)Rsp) &&
           MmIsAddressPresent((PVOID)(Rsp + 8 * sizeof(ULONG64)));
}

/* Moves Context to the caller's frame; FALSE at the end of the stack. */
BOOLEAN
KdUnwindFrame(PCONTEXT Context)
{
    ULONG64           ImageBase, Frame;
    PVOID             HandlerData;
    PRUNTIME_FUNCTION Entry;

    if (!KdpIsStackPresent(Context->Rsp))
        return FALSE;

    Entry = RtlLookupFunctionEntry(Context->Rip, &ImageBase, NULL);
    if (Entry != NULL && MmIsAddressPresent((PVOID)Context->Rip)) {
        RtlVirtualUnwind(UNW_FLAG_NHANDLER, ImageBase, Context->Rip, Entry, Context, &HandlerData,
                         &Frame, NULL);
    } else {                            // a leaf, a call to nowhere, or code freed after start-up
        Context->Rip = *(PULONG64)Context->Rsp;
        Context->Rsp += sizeof(ULONG64);
    }
    return Context->Rip >= KERNEL_BASE_OF_SYSTEM;
}

VOID
KdPrintStack(PCONTEXT Context, VOID (*Put)(PCSTR))
{
    CONTEXT Frame;
    ULONG   Number = 0;
    CHAR    Symbol[96], Line[160];

    if (Context != NULL) {
        Frame = *Context;
    } else {
        RtlCaptureContext(&Frame);
        if (!KdUnwindFrame(&Frame))
            return;
    }

    do {
        KdSymbolize(Frame.Rip, Symbol, sizeof(Symbol));
        _snprintf(Line, sizeof(Line), "  %02u %p %p %s\n", Number, (PVOID)Frame.Rsp,
                  (PVOID)Frame.Rip, Symbol);
        Put(Line);
        Number += 1;
    } while (Number < MAXIMUM_FRAMES && KdUnwindFrame(&Frame));

    if (Frame.Rip != 0 && Frame.Rip < KERNEL_BASE_OF_SYSTEM) {
        _snprintf(Line, sizeof(Line), "  %02u %p %p (user mode)\n", Number, (PVOID)Frame.Rsp,
                  (PVOID)Frame.Rip);
        Put(Line);
    }
}
