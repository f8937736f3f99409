/*
 * Walking one frame up the stack: RtlVirtualUnwind.
 *
 * Given the registers inside a function, it computes those of the caller, from the function's
 * unwind codes and the stack, without running anything. Three cases by where ControlPc is:
 *
 *   in the prologue    only the codes of instructions that have been executed are undone;
 *   in the body        all codes are undone, then those of chained UNWIND_INFOs;
 *   in the epilogue    the rest of the epilogue is decoded and carried out (epilogue.c), because
 *   half of the
 *                      prologue's effects are undone already and no table says which.
 *
 * A trap handler's prologue starts with UWOP_PUSH_MACHFRAME: the processor's five words. There
 * the walk crosses from the handler to the interrupted code, and Rip, Rsp, EFlags, SegCs and
 * SegSs all come from the frame, so that a context unwound through a trap can be resumed as it
 * stands, interrupt flag and SMAP's AC included.
 *
 * The establisher frame identifies a function's activation: rsp after the prologue, or the frame
 * register less its offset. Handlers get it, and RtlUnwindEx's target is one. Callers check it
 * against the stack's limits; nothing here reads memory but the image and the stack at
 * Context->Rsp.
 */
#include "rtlp.h"

typedef struct _UNWIND_STATE {
    PCONTEXT                       Context;
    PKNONVOLATILE_CONTEXT_POINTERS Pointers;
    ULONG64                        FrameBase;           // saved registers are at offsets from here
    BOOLEAN                        MachineFrame;        // Rip and Rsp are final
} UNWIND_STATE, *PUNWIND_STATE;

static VOID
RtlpRestoreInteger(PUNWIND_STATE State, ULONG Register, ULONG64 Address)
{
    (&State->Context->Rax)[Register] = *(PULONG64)Address;
    if (State->Pointers != NULL)
        State->Pointers->IntegerContext[Register] = (PULONG64)Address;
}

static VOID
RtlpRestoreXmm(PUNWIND_STATE State, ULONG Register, ULONG64 Address)
{
    PULONG64 Target = (PULONG64)(&State->Context->Xmm0 + Register);

    Target[0] = ((PULONG64)Address)[0];
    Target[1] = ((PULONG64)Address)[1];
    if (State->Pointers != NULL)
        State->Pointers->FloatingContext[Register] = (PM128A)Address;
}

/* The processor pushed [error code,] Rip, SegCs, EFlags, Rsp, SegSs. */
static VOID
RtlpUnwindMachineFrame(PUNWIND_STATE State, BOOLEAN ErrorCode)
{
    PCONTEXT Context = State->Context;
    PULONG64 Frame = (PULONG64)Context->Rsp + (ErrorCode ? 1 : 0);

    Context->Rip = Frame[0];
    Context->SegCs = (USHORT)Frame[1];
    Context->EFlags = (ULONG)Frame[2];
    Context->Rsp = Frame[3];
    Context->SegSs = (USHORT)Frame[4];
    State->MachineFrame = TRUE;
}

/* How many slots the code at Code takes. */
static ULONG
RtlpUnwindCodeSlots(PUNWIND_CODE Code)
{
    switch (Code->UnwindOp) {
    case UWOP_ALLOC_LARGE:
        return Code->OpInfo == 0 ? 2 : 3;
    case UWOP_SAVE_NONVOL:
    case UWOP_SAVE_XMM128:
    case UWOP_SPARE:
        return 2;
    case UWOP_SAVE_NONVOL_FAR:
    case UWOP_SAVE_XMM128_FAR:
        return 3;
    default:
        return 1;
    }
}

static ULONG
RtlpFarOffset(PUNWIND_CODE Code)
{
    return Code[1].FrameOffset | (ULONG)Code[2].FrameOffset << 16;
}

static VOID
RtlpUndoCode(PUNWIND_STATE State, PUNWIND_INFO Info, PUNWIND_CODE Code)
{
    PCONTEXT Context = State->Context;
    ULONG    Register = Code->OpInfo;

    switch (Code->UnwindOp) {
    case UWOP_PUSH_NONVOL:
        RtlpRestoreInteger(State, Register, Context->Rsp);
        Context->Rsp += 8;
        break;
    case UWOP_ALLOC_LARGE:
        Context->Rsp += Register == 0 ? Code[1].FrameOffset * 8UL : RtlpFarOffset(Code);
        break;
    case UWOP_ALLOC_SMALL:
        Context->Rsp += Register * 8 + 8;
        break;
    case UWOP_SET_FPREG:
        Context->Rsp = (&Context->Rax)[Info->FrameRegister] - Info->FrameOffset * 16;
        break;
    case UWOP_SAVE_NONVOL:
        RtlpRestoreInteger(State, Register, State->FrameBase + Code[1].FrameOffset * 8UL);
        break;
    case UWOP_SAVE_NONVOL_FAR:
        RtlpRestoreInteger(State, Register, State->FrameBase + RtlpFarOffset(Code));
        break;
    case UWOP_SAVE_XMM128:
        RtlpRestoreXmm(State, Register, State->FrameBase + Code[1].FrameOffset * 16UL);
        break;
    case UWOP_SAVE_XMM128_FAR:
        RtlpRestoreXmm(State, Register, State->FrameBase + RtlpFarOffset(Code));
        break;
    case UWOP_PUSH_MACHFRAME:
        RtlpUnwindMachineFrame(State, Register != 0);
        break;
    }
}

/* Undoes the codes whose instructions lie before Offset bytes into the function. */
static VOID
RtlpUnwindPrologue(PUNWIND_STATE State, PUNWIND_INFO Info, ULONG64 Offset)
{
    ULONG Index, Slots;

    for (Index = 0; Index < Info->CountOfCodes; Index += Slots) {
        PUNWIND_CODE Code = &Info->UnwindCode[Index];

        Slots = RtlpUnwindCodeSlots(Code);
        if (Code->UnwindOp != UWOP_EPILOG && Offset >= Code->CodeOffset)
            RtlpUndoCode(State, Info, Code);
    }
}

/* The establisher frame: through the frame register once the prologue has set it. */
static ULONG64
RtlpEstablisherFrame(PUNWIND_INFO Info, PCONTEXT Context, ULONG64 Offset)
{
    ULONG Index;

    if (Info->FrameRegister == 0)
        return Context->Rsp;

    if (Offset < Info->SizeOfProlog && (Info->Flags & UNW_FLAG_CHAININFO) == 0) {
        for (Index = 0; Index < Info->CountOfCodes;
             Index += RtlpUnwindCodeSlots(&Info->UnwindCode[Index])) {
            if (Info->UnwindCode[Index].UnwindOp == UWOP_SET_FPREG)
                break;
        }
        if (Index >= Info->CountOfCodes || Info->UnwindCode[Index].CodeOffset > Offset)
            return Context->Rsp;
    }
    return (&Context->Rax)[Info->FrameRegister] - Info->FrameOffset * 16;
}

/* What follows the codes: a chained RUNTIME_FUNCTION, or the handler's RVA and data. */
static PVOID
RtlpAfterCodes(PUNWIND_INFO Info)
{
    return &Info->UnwindCode[(Info->CountOfCodes + 1) & ~1];
}

/*
 * Replaces Context, the registers at ControlPc inside the function FunctionEntry of the image at
 * ImageBase, by the caller's. *EstablisherFrame identifies the activation that was left.
 * ContextPointers, if not NULL, receives where each restored register was saved.
 *
 * Returns the function's language handler and its data in *HandlerData when it has one of the
 * kind asked for (UNW_FLAG_EHANDLER or UNW_FLAG_UHANDLER) and ControlPc is neither in the
 * prologue nor in the epilogue; else NULL. Any IRQL, as long as the stack and the image's tables
 * are resident.
 */
PEXCEPTION_ROUTINE NTAPI
RtlVirtualUnwind(ULONG HandlerType, ULONG64 ImageBase, ULONG64 ControlPc,
                 PRUNTIME_FUNCTION FunctionEntry, PCONTEXT ContextRecord, PVOID *HandlerData,
                 PULONG64 EstablisherFrame, PKNONVOLATILE_CONTEXT_POINTERS ContextPointers)
{
    PUNWIND_INFO Info = (PUNWIND_INFO)(ImageBase + FunctionEntry->UnwindData);
    ULONG64      Offset = ControlPc - ImageBase - FunctionEntry->BeginAddress;
    BOOLEAN      InBody = Offset >= Info->SizeOfProlog;
    UNWIND_STATE State = { ContextRecord, ContextPointers, 0, FALSE };
    ULONG        Depth = 0;

    *EstablisherFrame = RtlpEstablisherFrame(Info, ContextRecord, Offset);
    if (InBody && RtlpUnwindEpilogue(ImageBase, ControlPc, FunctionEntry, Info, ContextRecord,
                                     ContextPointers))
        return NULL;

    State.FrameBase = *EstablisherFrame;
    RtlpUnwindPrologue(&State, Info, Offset);
    while ((Info->Flags & UNW_FLAG_CHAININFO) != 0 && ++Depth < MAXIMUM_UNWIND_CHAIN) {
        PRUNTIME_FUNCTION Parent = RtlpAfterCodes(Info);

        Info = (PUNWIND_INFO)(ImageBase + Parent->UnwindData);
        RtlpUnwindPrologue(&State, Info, ~0ULL);
    }

    if (!State.MachineFrame) {
        ContextRecord->Rip = *(PULONG64)ContextRecord->Rsp;
        ContextRecord->Rsp += 8;
    }

    if (InBody && (Info->Flags & HandlerType & (UNW_FLAG_EHANDLER | UNW_FLAG_UHANDLER)) != 0 &&
        (Info->Flags & UNW_FLAG_CHAININFO) == 0) {
        PULONG Handler = RtlpAfterCodes(Info);

        *HandlerData = Handler + 1;
        return (PEXCEPTION_ROUTINE)(ImageBase + *Handler);
    }
    return NULL;
}

BOOLEAN
RtlpUnwindLeaf(PCONTEXT Context, ULONG64 Low, ULONG64 High)
{
    if ((Context->Rsp & 7) != 0 || Context->Rsp < Low || Context->Rsp > High - 8)
        return FALSE;

    Context->Rip = *(PULONG64)Context->Rsp;
    Context->Rsp += 8;
    return TRUE;
}
