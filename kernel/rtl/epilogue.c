/*
 * Recognising an epilogue and finishing it.
 *
 * The x64 rules allow an epilogue only one shape, so it can be known from its bytes:
 *
 *      add  rsp, imm8/imm32      or      lea rsp, [frame register + disp8/disp32]      (at most
 *      one)
 *      pop  register             any number, 8-bit forms with and without REX.B
 *      ret | ret imm16 | rep ret | jmp somewhere else (a tail call)
 *
 * Starting at ControlPc, these instructions are first checked, on a copy of the registers; only
 * when the last of them is reached does the copy become the result. A jump counts as the end of
 * an epilogue when it leaves the function for the start of another, or goes through memory or a
 * register: a jump into the middle of a function is one between two parts of the same function,
 * whose stack frame is still there.
 */
#include "rtlp.h"

typedef struct _EPILOGUE {
    PUCHAR  Next;               // instruction to decode
    CONTEXT *Context;
    ULONG64 Rsp;                // after the instructions so far
    ULONG   Pops;
    struct {
        UCHAR   Register;
        ULONG64 Address;
    } Pop[16];
} EPILOGUE, *PEPILOGUE;

static LONG
RtlpReadLong(PUCHAR Bytes)
{
    return (LONG)(Bytes[0] | Bytes[1] << 8 | Bytes[2] << 16 | (ULONG)Bytes[3] << 24);
}

/* add rsp, imm / lea rsp, [fp + disp]: sets the stack pointer that the pops start from. */
static VOID
RtlpDecodeRelease(PEPILOGUE Epilogue, PUNWIND_INFO Info)
{
    PUCHAR Code = Epilogue->Next;
    ULONG  Register;

    if (Code[0] == 0x48 && Code[1] == 0x83 && Code[2] == 0xC4) {
        Epilogue->Rsp += (CHAR)Code[3];
        Epilogue->Next += 4;
        return;
    }
    if (Code[0] == 0x48 && Code[1] == 0x81 && Code[2] == 0xC4) {
        Epilogue->Rsp += RtlpReadLong(Code + 3);
        Epilogue->Next += 7;
        return;
    }
    if ((Code[0] & 0xFE) != 0x48 || Code[1] != 0x8D || (Code[2] & 0x38) != 0x20 ||
        Info->FrameRegister == 0)
        return;

    Register = (Code[2] & 7) | (Code[0] & 1) << 3;
    if (Register != Info->FrameRegister || (Register & 7) == 4)     // r12 and rsp need a SIB byte
        return;
    if ((Code[2] & 0xC0) == 0x40) {
        Epilogue->Rsp = (&Epilogue->Context->Rax)[Register] + (CHAR)Code[3];
        Epilogue->Next += 4;
    } else if ((Code[2] & 0xC0) == 0x80) {
        Epilogue->Rsp = (&Epilogue->Context->Rax)[Register] + RtlpReadLong(Code + 3);
        Epilogue->Next += 7;
    }
}

static VOID
RtlpDecodePops(PEPILOGUE Epilogue)
{
    while (Epilogue->Pops < RTL_NUMBER_OF(Epilogue->Pop)) {
        PUCHAR Code = Epilogue->Next;
        ULONG  Length = (Code[0] & 0xF0) == 0x40 ? 2 : 1;               // a REX prefix
        UCHAR  High = Length == 2 ? (Code[0] & 1) << 3 : 0;
        UCHAR  Opcode = Code[Length - 1];

        if ((Opcode & 0xF8) != 0x58)
            return;

        Epilogue->Pop[Epilogue->Pops].Register = (Opcode & 7) | High;
        Epilogue->Pop[Epilogue->Pops].Address = Epilogue->Rsp;
        Epilogue->Pops += 1;
        Epilogue->Rsp += 8;
        Epilogue->Next += Length;
    }
}

/* A direct jump: does it leave the function for the first instruction of another? */
static BOOLEAN
RtlpIsTailCall(ULONG64 ImageBase, PRUNTIME_FUNCTION FunctionEntry, ULONG64 Target)
{
    ULONG64           Rva = Target - ImageBase;
    ULONG64           OtherBase;
    PRUNTIME_FUNCTION Other;

    if (Rva > FunctionEntry->BeginAddress && Rva < FunctionEntry->EndAddress)
        return FALSE;

    Other = RtlLookupFunctionEntry(Target, &OtherBase, NULL);
    return Other == NULL || OtherBase + Other->BeginAddress == Target;
}

static BOOLEAN
RtlpIsEpilogueEnd(PEPILOGUE Epilogue, ULONG64 ImageBase, PRUNTIME_FUNCTION FunctionEntry)
{
    PUCHAR Code = Epilogue->Next;

    if (Code[0] == 0xC3 || Code[0] == 0xC2 || (Code[0] == 0xF3 && Code[1] == 0xC3))
        return TRUE;
    if (Code[0] == 0xEB)
        return RtlpIsTailCall(ImageBase, FunctionEntry, (ULONG64)Code + 2 + (CHAR)Code[1]);
    if (Code[0] == 0xE9)
        return RtlpIsTailCall(ImageBase, FunctionEntry, (ULONG64)Code + 5 + RtlpReadLong(Code + 1));
    if (Code[0] == 0xFF)
        return Code[1] == 0x25;                                         // jmp [rip + disp32]
    return (Code[0] & 0xF8) == 0x48 && Code[1] == 0xFF && (Code[2] & 0x38) == 0x20;
}

BOOLEAN
RtlpUnwindEpilogue(ULONG64 ImageBase, ULONG64 ControlPc, PRUNTIME_FUNCTION FunctionEntry,
                   PUNWIND_INFO Info, PCONTEXT Context, PKNONVOLATILE_CONTEXT_POINTERS Pointers)
{
    EPILOGUE Epilogue;
    ULONG    Index;

    Epilogue.Next = (PUCHAR)ControlPc;
    Epilogue.Context = Context;
    Epilogue.Rsp = Context->Rsp;
    Epilogue.Pops = 0;
    RtlpDecodeRelease(&Epilogue, Info);
    RtlpDecodePops(&Epilogue);
    if (!RtlpIsEpilogueEnd(&Epilogue, ImageBase, FunctionEntry))
        return FALSE;

    for (Index = 0; Index < Epilogue.Pops; Index += 1) {
        ULONG    Register = Epilogue.Pop[Index].Register;
        PULONG64 Address = (PULONG64)Epilogue.Pop[Index].Address;

        (&Context->Rax)[Register] = *Address;
        if (Pointers != NULL)
            Pointers->IntegerContext[Register] = Address;
    }
    Context->Rip = *(PULONG64)Epilogue.Rsp;
    Context->Rsp = Epilogue.Rsp + 8;
    return TRUE;
}
