/*
 * What a trap means: KiDispatchTrap looks at the vector and calls the interrupt code, resolves a
 * page fault through mm/, or turns the fault into an exception record for KiDispatchException
 * (except.c).
 *
 * Exceptions are taken with interrupts off and run with them on again when the interrupted code
 * had them on, at the interrupted code's IRQL. User access (EFLAGS.AC) is allowed again for
 * exception handling below DISPATCH_LEVEL when it was allowed in the interrupted code, or when
 * that was user mode: filters and handlers may look at user memory.
 *
 * KiReturnToUser is the last thing before user mode on every way there: it delivers APCs.
 * KTHREAD.TrapFrame is the frame of the innermost entry from user mode, set by each of them.
 */
#include "ke/kip.h"
#include "ke/interrupt.h"
#include "ex/ex.h"
#include "mm/mm.h"
#include "kd/kd.h"

#define BUGCHECK_SECURITY   0x139           // KERNEL_SECURITY_CHECK_FAILURE
#define BUGCHECK_MACHINE    0x9C            // MACHINE_CHECK_EXCEPTION

extern char ExpInterlockedPopEntrySListFault[], ExpInterlockedPopEntrySListResume[];

#define OFFSET_IS(Type, Field, Offset) \
    _Static_assert(FIELD_OFFSET(Type, Field) == (Offset), #Type "." #Field " moved: ke/offsets.h")

OFFSET_IS(KTRAP_FRAME, Xmm0, TF_XMM0);
OFFSET_IS(KTRAP_FRAME, MxCsr, TF_MXCSR);
OFFSET_IS(KTRAP_FRAME, PreviousIrql, TF_PREVIOUS_IRQL);
OFFSET_IS(KTRAP_FRAME, IsSystemCall, TF_IS_SYSTEM_CALL);
OFFSET_IS(KTRAP_FRAME, FaultAddress, TF_FAULT_ADDRESS);
OFFSET_IS(KTRAP_FRAME, Rax, TF_RAX);
OFFSET_IS(KTRAP_FRAME, Rbx, TF_RBX);
OFFSET_IS(KTRAP_FRAME, Vector, TF_VECTOR);
OFFSET_IS(KTRAP_FRAME, Rip, TF_RIP);
OFFSET_IS(KTRAP_FRAME, SegCs, TF_CS);
OFFSET_IS(KTRAP_FRAME, EFlags, TF_EFLAGS);
OFFSET_IS(KTRAP_FRAME, Rsp, TF_RSP);
_Static_assert(sizeof(KTRAP_FRAME) == TF_LENGTH, "KTRAP_FRAME changed: see ke/offsets.h");
OFFSET_IS(KTHREAD, InitialStack, TH_INITIAL_STACK);
OFFSET_IS(KTHREAD, NpxArea, TH_NPX_AREA);
OFFSET_IS(KTHREAD, Teb, TH_TEB);
OFFSET_IS(KTHREAD, KernelStack, TH_KERNEL_STACK);
OFFSET_IS(KTHREAD, TrapFrame, TH_TRAP_FRAME);
OFFSET_IS(KTHREAD, PreviousMode, TH_PREVIOUS_MODE);
OFFSET_IS(KTHREAD, ServiceFrame, TH_SERVICE_FRAME);
OFFSET_IS(KTHREAD, ApcState.Process, TH_APC_PROCESS);
OFFSET_IS(KTHREAD, ApcState.KernelApcPending, TH_APC_PENDING);
OFFSET_IS(KPROCESS, DirectoryTableBase, PR_DIRECTORY);
OFFSET_IS(KIPCR, Pcr.Self, PCR_SELF);
OFFSET_IS(KIPCR, Pcr.CurrentPrcb, PCR_CURRENT_PRCB);
OFFSET_IS(KIPCR, Prcb.MxCsr, PCR_MXCSR);
OFFSET_IS(KIPCR, Prcb.Number, PCR_NUMBER);
OFFSET_IS(KIPCR, Prcb.CurrentThread, PCR_CURRENT_THREAD);
OFFSET_IS(KIPCR, Prcb.UserRsp, PCR_USER_RSP);
OFFSET_IS(KIPCR, Prcb.RspBase, PCR_RSP_BASE);
OFFSET_IS(KIPCR, Prcb.Tss, PCR_TSS);
OFFSET_IS(KIPCR, Prcb.SystemCalls, PCR_SYSTEM_CALLS);
OFFSET_IS(KTSS64, Rsp0, TSS_RSP0);

#define PAGE_FAULT_WRITE    0x02
#define PAGE_FAULT_USER     0x04
#define PAGE_FAULT_FETCH    0x10

static VOID
KiRaise(PKTRAP_FRAME TrapFrame, NTSTATUS Code, ULONG Count, ULONG_PTR P0, ULONG_PTR P1)
{
    KPROCESSOR_MODE  Mode = TRAP_FROM_USER(TrapFrame) ? UserMode : KernelMode;
    EXCEPTION_RECORD Record;

    RtlZeroMemory(&Record, sizeof Record);
    Record.ExceptionCode = Code;
    Record.ExceptionAddress = (PVOID)TrapFrame->Rip;
    Record.NumberParameters = Count;
    Record.ExceptionInformation[0] = P0;
    Record.ExceptionInformation[1] = P1;

    if ((Mode == UserMode || (TrapFrame->EFlags & EFLAGS_AC)) &&
        KeGetCurrentIrql() < DISPATCH_LEVEL)
        KiAllowUserAccess();
    KiDispatchException(&Record, TrapFrame, Mode, TRUE);
}

/* Kernel code that expects to fault and says where to go on. */
static BOOLEAN
KiFixupFault(PKTRAP_FRAME TrapFrame)
{
    ULONG64 Rip = TrapFrame->Rip;

    if (Rip >= (ULONG64)KiCopyArguments && Rip < (ULONG64)KiCopyArgumentsEnd)
        TrapFrame->Rip = (ULONG64)KiCopyArgumentsFault;
    else if (Rip == (ULONG64)KePeekUserLoad)
        TrapFrame->Rip = (ULONG64)KePeekUserFault;
    else if (Rip == (ULONG64)ExpInterlockedPopEntrySListFault)
        TrapFrame->Rip = (ULONG64)ExpInterlockedPopEntrySListResume;
    else
        return FALSE;
    return TRUE;
}

static VOID
KiPageFault(PKTRAP_FRAME TrapFrame)
{
    ULONG64         Error = TrapFrame->ErrorCode;
    KPROCESSOR_MODE Mode = TRAP_FROM_USER(TrapFrame) ? UserMode : KernelMode;
    ULONG_PTR       Access;
    NTSTATUS        Status;

    if (TrapFrame->Rip == (ULONG64)ExpInterlockedPopEntrySListFault && KiFixupFault(TrapFrame))
        return;

    /*
     * A program cannot cause an access with the kernel's rights, except on an emulator that pops
     * an iretq's frame with them, where SMAP stops it: nothing mm/ could resolve.
     */
    if (Mode == UserMode && !(Error & PAGE_FAULT_USER))
        Status = STATUS_ACCESS_VIOLATION;
    else
        Status = MmAccessFault(Error, (PVOID)TrapFrame->FaultAddress, Mode, TrapFrame);
    if (NT_SUCCESS(Status))
        return;
    if (Mode == KernelMode && KiFixupFault(TrapFrame))
        return;

    Access = (Error & PAGE_FAULT_FETCH) ? EXCEPTION_EXECUTE_FAULT : (Error & PAGE_FAULT_WRITE) != 0;
    KiRaise(TrapFrame, Status, 2, Access, TrapFrame->FaultAddress);
}

/*
 * A protection fault: an access violation at an address nobody knows, or an instruction a program
 * may not use.
 */
static VOID
KiGeneralProtection(PKTRAP_FRAME TrapFrame)
{
    UCHAR Opcode = 0;

    if (!TRAP_FROM_USER(TrapFrame) && KiFixupFault(TrapFrame))
        return;
    if (TRAP_FROM_USER(TrapFrame) && TrapFrame->ErrorCode == 0) {
        KiAllowUserAccess();
        __try {
            Opcode = *(volatile UCHAR *)TrapFrame->Rip;
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            Opcode = 0;
        }
    }
    switch (Opcode) {
    // hlt, cli, sti, mov cr / wrmsr / lgdt ...
    case 0xF4: case 0xFA: case 0xFB: case 0x0F:
    case 0x6C: case 0x6D: case 0x6E: case 0x6F:             // ins, outs
    case 0xE4: case 0xE5: case 0xE6: case 0xE7:             // in, out
    case 0xEC: case 0xED: case 0xEE: case 0xEF:
        KiRaise(TrapFrame, STATUS_PRIVILEGED_INSTRUCTION, 0, 0, 0);
        break;
    default:
        KiRaise(TrapFrame, STATUS_ACCESS_VIOLATION, 2, 0, ~(ULONG_PTR)0);
    }
}

/* __fastfail: no handler may run. ecx says why. */
static VOID
KiFastFail(PKTRAP_FRAME TrapFrame)
{
    EXCEPTION_RECORD Record;

    RtlZeroMemory(&Record, sizeof Record);
    Record.ExceptionCode = STATUS_STACK_BUFFER_OVERRUN;
    Record.ExceptionFlags = EXCEPTION_NONCONTINUABLE;
    Record.ExceptionAddress = (PVOID)TrapFrame->Rip;
    Record.NumberParameters = 1;
    Record.ExceptionInformation[0] = TrapFrame->Rcx;
    if (!TRAP_FROM_USER(TrapFrame))
        KiBugCheckFromTrap(BUGCHECK_SECURITY, TrapFrame->Rcx, (ULONG_PTR)TrapFrame,
            (ULONG_PTR)&Record, 0, TrapFrame);

    KiDispatchException(&Record, TrapFrame, UserMode, FALSE);
}

/* The status of the vectors that need no more than one. */
static NTSTATUS
KiStatusOfVector(ULONG64 Vector)
{
    switch (Vector) {
    case TrapDivide:        return STATUS_INTEGER_DIVIDE_BY_ZERO;
    case TrapDebug:         return STATUS_SINGLE_STEP;
    case TrapOverflow:      return STATUS_INTEGER_OVERFLOW;
    case TrapBound:         return STATUS_ARRAY_BOUNDS_EXCEEDED;
    case TrapInvalidOpcode: return STATUS_ILLEGAL_INSTRUCTION;
    case TrapFloatingPoint: return STATUS_FLOAT_INVALID_OPERATION;
    case TrapAlignment:     return STATUS_DATATYPE_MISALIGNMENT;
    case TrapSimd:          return STATUS_FLOAT_MULTIPLE_TRAPS;
    case ASSERTION_VECTOR:  return STATUS_ASSERTION_FAILURE;
    default:                return STATUS_ACCESS_VIOLATION;
    }
}

static VOID
KiException(PKTRAP_FRAME TrapFrame)
{
    if (TrapFrame->EFlags & EFLAGS_IF)
        _enable();

    switch (TrapFrame->Vector) {
    case TrapPageFault:
        KiPageFault(TrapFrame);
        break;
    case TrapGeneralProtection:
        KiGeneralProtection(TrapFrame);
        break;
    case TrapBreakpoint:
        // the context shows the instruction itself
        TrapFrame->Rip--;
        KiRaise(TrapFrame, STATUS_BREAKPOINT, 1, 0, 0);
        break;
    case TrapDebug:
        TrapFrame->EFlags &= ~0x100ULL;
        KiRaise(TrapFrame, STATUS_SINGLE_STEP, 0, 0, 0);
        break;
    case FAST_FAIL_VECTOR:
        KiFastFail(TrapFrame);
        break;
    default:
        KiRaise(TrapFrame, KiStatusOfVector(TrapFrame->Vector), 0, 0, 0);
    }
}

/*
 * Interrupts off on entry. When it returns, KiTrapCommon leaves through TrapFrame, which may have
 * changed.
 */
VOID
KiDispatchTrap(PKTRAP_FRAME TrapFrame)
{
    ULONG64 Vector = TrapFrame->Vector;

    TrapFrame->PreviousMode = (UCHAR)KeGetCurrentThread()->PreviousMode;
    TrapFrame->IsSystemCall = FALSE;
    if (TRAP_FROM_USER(TrapFrame)) {
        KeGetCurrentThread()->TrapFrame = TrapFrame;
        KeGetCurrentThread()->PreviousMode = UserMode;
    }

    if (Vector == APC_VECTOR || (Vector >= EXCEPTION_VECTORS && Vector != FAST_FAIL_VECTOR &&
        Vector != ASSERTION_VECTOR))
        KiInterruptDispatch(TrapFrame);
    else
        KiException(TrapFrame);

    if (TRAP_FROM_USER(TrapFrame))
        KiReturnToUser(TrapFrame);
}

/*
 * The last thing before user mode: APCs. IRQL PASSIVE_LEVEL; returns with interrupts off, so that
 * none can be queued unseen before the processor leaves the kernel.
 */
VOID
KiReturnToUser(PKTRAP_FRAME TrapFrame)
{
    PKTHREAD Thread = KeGetCurrentThread();

    _disable();
    while (Thread->ApcState.UserApcPending ||
        (Thread->ApcState.KernelApcPending && Thread->KernelApcDisable == 0 &&
         Thread->SpecialApcDisable == 0)) {
        KfRaiseIrql(APC_LEVEL);
        _enable();
        KiAllowUserAccess();
        KiDeliverApc(UserMode, NULL, TrapFrame);
        _disable();
        KeLowerIrql(PASSIVE_LEVEL);
    }
}

/* Double fault, NMI, machine check, each on its own stack. */
VOID
KiFatalTrap(PKTRAP_FRAME TrapFrame)
{
    switch (TrapFrame->Vector) {
    case TrapNmi:
        KiFreezeInterrupt();
        KiBugCheckFromTrap(NMI_HARDWARE_FAILURE, 0x4F4454, 0, 0, 0, TrapFrame);
    case TrapMachineCheck:
        KiBugCheckFromTrap(BUGCHECK_MACHINE, 0, 0, 0, 0, TrapFrame);
    default:
        KiBugCheckFromTrap(UNEXPECTED_KERNEL_MODE_TRAP, TrapDoubleFault, __readcr2(), 0, 0,
                           TrapFrame);
    }
}
