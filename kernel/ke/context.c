/*
 * Three pictures of a thread's registers: CONTEXT, which programs and exception handlers see;
 * KTRAP_FRAME, from which the kernel returns to the interrupted code; and the stack of a thread
 * that has never run.
 *
 * A trap frame holds the general registers and the volatile SSE ones. The rest of the floating
 * point state (x87, xmm6 to xmm15) stays in the processor while the kernel works, because kernel
 * code is compiled without SSE and a driver's code keeps the nonvolatile registers; so both
 * conversions also go through FXSAVE and FXRSTOR, and they are right only on the thread that owns
 * the frame.
 *
 * After a system call the frame's volatile registers were never stored (IsSystemCall); a context
 * made from it has zeros there. A context put into such a frame makes it an ordinary one, to be
 * restored in full by iretq.
 *
 * What a program may ask for is cut down here: its selectors are replaced, its flags and MXCSR
 * masked, and an rip outside user space becomes one that faults in user mode, so that nothing on
 * the way out can fault in the kernel.
 */
#include "ke/kip.h"
#include "mm/mm.h"

#define EFLAGS_USER_MASK    0x00250DD5          // CF PF AF ZF SF TF DF OF RF AC ID
// defined bits that every SSE2 processor has, without DAZ
#define MXCSR_MASK          0x0000FFBF
#define MXCSR_INITIAL       0x1F80
#define FCW_INITIAL         0x27F

static inline VOID
KiSaveFloat(PVOID Area)
{
    __asm__ __volatile__("fxsave64 (%0)" : : "r"(Area) : "memory");
}

static inline VOID
KiRestoreFloat(const VOID *Area)
{
    __asm__ __volatile__("fxrstor64 (%0)" : : "r"(Area) : "memory");
}

VOID
KiInitializeNpxArea(PVOID Area)
{
    PXMM_SAVE_AREA32 Npx = Area;

    RtlZeroMemory(Npx, sizeof *Npx);
    Npx->ControlWord = FCW_INITIAL;
    Npx->MxCsr = MXCSR_INITIAL;
}

static VOID
KiFloatToContext(const KTRAP_FRAME *TrapFrame, PCONTEXT Context)
{
    KiSaveFloat(&Context->FltSave);
    if (!TrapFrame->IsSystemCall)
        RtlCopyMemory(&Context->Xmm0, &TrapFrame->Xmm0, 6 * sizeof(M128A));
    else
        RtlZeroMemory(&Context->Xmm0, 6 * sizeof(M128A));
    Context->MxCsr = TrapFrame->MxCsr;
    Context->FltSave.MxCsr = TrapFrame->MxCsr;
}

/* Fills Context from the running thread's TrapFrame; everything a CONTEXT_FULL has. Any IRQL. */
VOID
KeTrapFrameToContext(const KTRAP_FRAME *TrapFrame, PCONTEXT Context)
{
    RtlZeroMemory(Context, sizeof *Context);
    Context->ContextFlags = CONTEXT_FULL | CONTEXT_SEGMENTS;
    Context->SegCs = (USHORT)TrapFrame->SegCs;
    Context->SegSs = (USHORT)TrapFrame->SegSs;
    Context->SegDs = Context->SegEs = Context->SegGs = KGDT64_R3_DATA | RPL_USER;
    Context->SegFs = 0x53;
    Context->EFlags = (ULONG)TrapFrame->EFlags;
    Context->Rip = TrapFrame->Rip;
    Context->Rsp = TrapFrame->Rsp;
    Context->Rbx = TrapFrame->Rbx;
    Context->Rbp = TrapFrame->Rbp;
    Context->Rsi = TrapFrame->Rsi;
    Context->Rdi = TrapFrame->Rdi;
    RtlCopyMemory(&Context->R12, &TrapFrame->R12, 4 * sizeof(ULONG64));
    Context->Rax = TrapFrame->Rax;
    if (!TrapFrame->IsSystemCall) {
        Context->Rcx = TrapFrame->Rcx;
        Context->Rdx = TrapFrame->Rdx;
        RtlCopyMemory(&Context->R8, &TrapFrame->R8, 4 * sizeof(ULONG64));
    }
    KiFloatToContext(TrapFrame, Context);
}

static VOID
KiContextToFloat(PKTRAP_FRAME TrapFrame, const CONTEXT *Context)
{
    DECLSPEC_ALIGN(16) XMM_SAVE_AREA32 Npx = Context->FltSave;

    // the kernel's while it runs; the frame's is loaded on the way out
    Npx.MxCsr = MXCSR_INITIAL;
    KiRestoreFloat(&Npx);
    RtlCopyMemory(&TrapFrame->Xmm0, &Context->Xmm0, 6 * sizeof(M128A));
    TrapFrame->MxCsr = Context->MxCsr & MXCSR_MASK;
}

static VOID
KiContextToControl(PKTRAP_FRAME TrapFrame, const CONTEXT *Context, KPROCESSOR_MODE Mode)
{
    TrapFrame->Rip = Context->Rip;
    TrapFrame->Rsp = Context->Rsp;
    if (Mode == KernelMode) {
        TrapFrame->SegCs = KGDT64_R0_CODE;
        TrapFrame->SegSs = KGDT64_R0_DATA;
        TrapFrame->EFlags = Context->EFlags;
        return;
    }
    if (TrapFrame->Rip >= MM_USER_PROBE)
        TrapFrame->Rip = MM_USER_PROBE;
    TrapFrame->SegCs = KGDT64_R3_CODE | RPL_USER;
    TrapFrame->SegSs = KGDT64_R3_DATA | RPL_USER;
    TrapFrame->EFlags = (Context->EFlags & EFLAGS_USER_MASK) | EFLAGS_IF | 2;
}

/* An ordinary frame has all its registers: those a system call's frame never held become zero. */
static VOID
KiCompleteFrame(PKTRAP_FRAME TrapFrame)
{
    if (!TrapFrame->IsSystemCall)
        return;

    TrapFrame->IsSystemCall = FALSE;
    RtlZeroMemory(&TrapFrame->Xmm0, 6 * sizeof(M128A));
    TrapFrame->Rcx = TrapFrame->Rdx = 0;
    RtlZeroMemory(&TrapFrame->R8, 4 * sizeof(ULONG64));
}

/*
 * Puts the parts of Context that ContextFlags names into the running thread's TrapFrame, so that
 * the return through it continues there. Context is a private copy, already captured. IRQL as the
 * frame's owner.
 */
VOID
KeContextToTrapFrame(PKTRAP_FRAME TrapFrame, const CONTEXT *Context, ULONG ContextFlags,
                     KPROCESSOR_MODE Mode)
{
    KiCompleteFrame(TrapFrame);
    if ((ContextFlags & CONTEXT_CONTROL) == CONTEXT_CONTROL)
        KiContextToControl(TrapFrame, Context, Mode);
    if ((ContextFlags & CONTEXT_INTEGER) == CONTEXT_INTEGER) {
        TrapFrame->Rax = Context->Rax;
        TrapFrame->Rcx = Context->Rcx;
        TrapFrame->Rdx = Context->Rdx;
        TrapFrame->Rbx = Context->Rbx;
        TrapFrame->Rbp = Context->Rbp;
        TrapFrame->Rsi = Context->Rsi;
        TrapFrame->Rdi = Context->Rdi;
        RtlCopyMemory(&TrapFrame->R8, &Context->R8, 4 * sizeof(ULONG64));
        RtlCopyMemory(&TrapFrame->R12, &Context->R12, 4 * sizeof(ULONG64));
    }
    if ((ContextFlags & CONTEXT_FLOATING_POINT) == CONTEXT_FLOATING_POINT)
        KiContextToFloat(TrapFrame, Context);
}

/* What KiSwapContext and then KiThreadStartup find on a new thread's stack. */
typedef struct _KSTART_FRAME {
    ULONG64 Nonvolatile[8];                     // rbx, rdi, rsi, r12 to r15, rbp
    ULONG64 EFlags;
    ULONG64 Return;
    ULONG64 End;                                // 0: KiThreadStartup has no caller
    PVOID   SystemRoutine, StartRoutine, StartContext;
    ULONG64 StartIrql, Align;
} KSTART_FRAME;

/*
 * Lays out the stack of a thread that has not run yet; see ke.h. Thread->StackBase and StackLimit
 * are set; NpxArea, InitialStack, KernelStack and TrapFrame are set here. UserContext, if not
 * NULL, is a kernel copy.
 */
VOID
KiInitializeContextThread(PKTHREAD Thread, PKSYSTEM_ROUTINE SystemRoutine,
                          PKSTART_ROUTINE StartRoutine,
    PVOID StartContext, PCONTEXT UserContext)
{
    ULONG_PTR     Top = (ULONG_PTR)Thread->StackBase - sizeof(XMM_SAVE_AREA32);
    KSTART_FRAME *Start;

    Thread->NpxArea = Thread->InitialStack = (PVOID)Top;
    KiInitializeNpxArea(Thread->NpxArea);
    Top -= sizeof(KTRAP_FRAME);
    Thread->TrapFrame = NULL;
    Thread->PreviousMode = KernelMode;
    if (UserContext != NULL) {
        PKTRAP_FRAME TrapFrame = (PKTRAP_FRAME)Top;

        RtlZeroMemory(TrapFrame, sizeof *TrapFrame);
        KeContextToTrapFrame(TrapFrame, UserContext, CONTEXT_CONTROL | CONTEXT_INTEGER, UserMode);
        TrapFrame->MxCsr = MXCSR_INITIAL;
        TrapFrame->PreviousMode = UserMode;
        Thread->TrapFrame = TrapFrame;
    }

    Start = (KSTART_FRAME *)(Top - 0x10 - sizeof *Start);
    RtlZeroMemory(Start, sizeof *Start);
    Start->EFlags = EFLAGS_AC | 2;
    Start->Return = (ULONG64)KiThreadStartup;
    Start->SystemRoutine = SystemRoutine;
    Start->StartRoutine = StartRoutine;
    Start->StartContext = StartContext;
    Start->StartIrql = UserContext != NULL ? APC_LEVEL : PASSIVE_LEVEL;
    Thread->KernelStack = Start;
}

/*
 * SystemRoutine of a new thread has returned: prepares its first way to user mode. IRQL <=
 * APC_LEVEL.
 */
VOID
KiUserThreadEntry(VOID)
{
    PKTHREAD Thread = KeGetCurrentThread();

    if (Thread->TrapFrame == NULL)
        KeBugCheckEx(NO_USER_MODE_CONTEXT, (ULONG_PTR)Thread, 0, 0, 0);
    Thread->PreviousMode = UserMode;
    KeLowerIrql(PASSIVE_LEVEL);
}
