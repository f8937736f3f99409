/*
 * The way in and out of the kernel for exceptions and interrupts.
 *
 * Every vector has 16 bytes of code in KiTrapStubs that push a zero where the processor pushes no
 * error code, then the vector, and go to KiTrapCommon. It pushes every general register, so that
 * the kernel stack holds a KTRAP_FRAME, and its unwind codes say where each one lies: a stack
 * walk continues into the interrupted code with all registers right, volatile ones included. Then
 * KiDispatchTrap (trap.c) does the work in C and KiTrapExit undoes it all.
 *
 *      from user mode     swapgs on entry and again on exit; KiDispatchTrap delivers user APCs
 *                         before it returns
 *      EFLAGS.AC          cleared (clac) so that no handler reaches user memory by accident;
 *                         trap.c sets it again where it may; iretq brings back the interrupted
 *                         code's
 *      SSE                the volatile registers and MXCSR are saved: drivers may use them
 *
 * Double fault, NMI and machine check run on stacks of their own (IST) and can hit between an
 * entry's first instruction and its swapgs; they ask the GS base itself which of the two it is.
 * None of them returns.
 */
#include "ke/offsets.h"

.intel_syntax noprefix
.text

/*
 * A place for clac or stac: a no-op that KiInitializeIdtAndPatches overwrites when the processor
 * has SMAP.
 */
.macro SMAP_PATCH third
99: .byte 0x0F, 0x1F, 0x00
    .section .rdata$smapB, "dr"
    .quad 99b, 0x00010F | (\third << 16)
    .text
.endm

.macro SAVE_SSE base
    movups [rsp + \base + TF_XMM0], xmm0
    movups [rsp + \base + TF_XMM0 + 0x10], xmm1
    movups [rsp + \base + TF_XMM0 + 0x20], xmm2
    movups [rsp + \base + TF_XMM0 + 0x30], xmm3
    movups [rsp + \base + TF_XMM0 + 0x40], xmm4
    movups [rsp + \base + TF_XMM0 + 0x50], xmm5
    stmxcsr [rsp + \base + TF_MXCSR]
.endm

.macro PUSH_ALL
    .irp Register, rbp, r15, r14, r13, r12, rsi, rdi, rbx, r11, r10, r9, r8, rdx, rcx, rax
    push \Register
    .seh_pushreg \Register
    .endr
    sub rsp, TF_RAX + 0x20
    .seh_stackalloc TF_RAX + 0x20
    .seh_endprologue
    cld
.endm

.section .rdata$smapA, "dr"
.balign 16
.globl KiSmapPatches
KiSmapPatches:
.section .rdata$smapB, "dr"
.balign 16
.section .rdata$smapC, "dr"
.balign 16
.globl KiSmapPatchesEnd
KiSmapPatchesEnd:
.text

.globl KiTrapStubs
.balign 16
KiTrapStubs:
.set Vector, 0
.rept 256
    .balign 16
    .if (Vector != 8) && ((Vector < 10) || (Vector > 14)) && (Vector != 17) && (Vector != 21)
    push 0
    .endif
    push Vector
    jmp KiTrapCommon
    .set Vector, Vector + 1
.endr

.balign 16
.globl KiTrapCommon
.def KiTrapCommon; .scl 2; .type 32; .endef
.seh_proc KiTrapCommon
KiTrapCommon:
    .seh_pushframe @code
    .seh_stackalloc 8                           /* the vector */
    PUSH_ALL
    test byte ptr [rsp + 0x20 + TF_CS], 3
    jz 1f
    swapgs
1:  SMAP_PATCH 0xCA
    SAVE_SSE 0x20
    ldmxcsr gs:[PCR_MXCSR]
    mov rax, cr8
    mov dword ptr [rsp + 0x20 + TF_PREVIOUS_IRQL], eax
    mov rax, cr2
    mov [rsp + 0x20 + TF_FAULT_ADDRESS], rax
    lea rcx, [rsp + 0x20]
    call KiDispatchTrap

.globl KiTrapExit
KiTrapExit:                                     /* rsp + 0x20: the frame to return through */
    cli
    movzx eax, byte ptr [rsp + 0x20 + TF_PREVIOUS_IRQL]
    mov cr8, rax
    movups xmm0, [rsp + 0x20 + TF_XMM0]
    movups xmm1, [rsp + 0x20 + TF_XMM0 + 0x10]
    movups xmm2, [rsp + 0x20 + TF_XMM0 + 0x20]
    movups xmm3, [rsp + 0x20 + TF_XMM0 + 0x30]
    movups xmm4, [rsp + 0x20 + TF_XMM0 + 0x40]
    movups xmm5, [rsp + 0x20 + TF_XMM0 + 0x50]
    ldmxcsr [rsp + 0x20 + TF_MXCSR]
    test byte ptr [rsp + 0x20 + TF_CS], 3
    jz 2f
    swapgs
2:  add rsp, TF_RAX + 0x20
    .irp Register, rax, rcx, rdx, r8, r9, r10, r11, rbx, rdi, rsi, r12, r13, r14, r15, rbp
    pop \Register
    .endr
    add rsp, 0x10
    iretq
.seh_endproc

/*
 * Leaves through the running thread's TrapFrame, dropping whatever is on the kernel stack: a
 * thread's first entry to user mode, or an exit from a system call whose frame was replaced.
 */
.balign 16
.globl KiExceptionExit
.def KiExceptionExit; .scl 2; .type 32; .endef
.seh_proc KiExceptionExit
KiExceptionExit:
    .seh_endprologue
    cli
    mov rcx, gs:[PCR_CURRENT_THREAD]
    mov rcx, [rcx + TH_TRAP_FRAME]
    lea rsp, [rcx - 0x20]
    call KiReturnToUser
    jmp KiTrapExit
.seh_endproc

/* The three that have a stack of their own. */
.macro IST_ENTRY name, vector, coded
.balign 16
.globl \name
.def \name; .scl 2; .type 32; .endef
.seh_proc \name
\name:
    .if \coded
    .seh_pushframe @code
    .else
    .seh_pushframe
    push 0
    .seh_stackalloc 8
    .endif
    push \vector
    .seh_stackalloc 8
    PUSH_ALL
    SMAP_PATCH 0xCA
    mov ecx, MSR_GS_BASE
    rdmsr
    test edx, edx
    js 1f
    swapgs
1:  SAVE_SSE 0x20
    mov rax, cr8
    mov dword ptr [rsp + 0x20 + TF_PREVIOUS_IRQL], eax
    lea rcx, [rsp + 0x20]
    call KiFatalTrap
    int3
.seh_endproc
.endm

IST_ENTRY KiDoubleFault, 8, 1
IST_ENTRY KiNmiInterrupt, 2, 0
IST_ENTRY KiMachineCheck, 18, 0
