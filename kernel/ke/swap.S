/*
 * Threads as stacks: KiSystemStartup puts the boot processor on the kernel's first stack,
 * KiSwapContext leaves one thread's stack for another's, and KiThreadStartup is what a new
 * thread's stack returns to.
 *
 * A thread that does not run has on its stack, from KernelStack up: the nonvolatile registers,
 * EFLAGS, the address to return to. Its x87 and SSE state is in NpxArea, at the top of the stack.
 * KiInitializeContextThread (context.c) lays out the same for a thread that has never run, with
 * KiThreadStartup as the return address.
 *
 * The switch itself happens with interrupts off, because between the first and the last of its
 * steps the stack, gs:[CurrentThread] and TSS.Rsp0 belong to different threads. The dispatcher
 * lock is held throughout; the new thread's side releases it.
 */
#include "ke/offsets.h"

.intel_syntax noprefix

.bss
.balign 4096
.globl KiBootStack, KiBootStackEnd
KiBootStack:
    .zero 0x6000
KiBootStackEnd:

.text
.balign 16
.globl KiSystemStartup
.def KiSystemStartup; .scl 2; .type 32; .endef
.seh_proc KiSystemStartup
KiSystemStartup:                                /* rcx: LOADER_PARAMETER_BLOCK */
    .seh_endprologue
    lea rsp, [rip + KiBootStackEnd - 0x200]     /* NpxArea lies above */
    sub rsp, 0x20
    xor ebp, ebp
    call KiInitializeKernel
    int3
.seh_endproc

.balign 16
.globl KiSwapContext
.def KiSwapContext; .scl 2; .type 32; .endef
.seh_proc KiSwapContext
KiSwapContext:                                  /* rcx: the running thread, rdx: the one to run */
    pushfq
    .seh_stackalloc 8
    .irp Register, rbp, r15, r14, r13, r12, rsi, rdi, rbx
    push \Register
    .seh_pushreg \Register
    .endr
    .seh_endprologue
    mov rax, [rcx + TH_NPX_AREA]
    fxsave64 [rax]
    cli
    mov [rcx + TH_KERNEL_STACK], rsp
    mov rsp, [rdx + TH_KERNEL_STACK]
    mov gs:[PCR_CURRENT_THREAD], rdx
    mov rax, [rdx + TH_INITIAL_STACK]
    mov gs:[PCR_RSP_BASE], rax
    mov rcx, gs:[PCR_TSS]
    mov [rcx + TSS_RSP0], rax

    mov rax, [rdx + TH_APC_PROCESS]
    mov rax, [rax + PR_DIRECTORY]
    mov rcx, cr3
    cmp rax, rcx
    je 1f
    mov cr3, rax
1:  mov rax, [rdx + TH_NPX_AREA]
    fxrstor64 [rax]

    mov r8, [rdx + TH_TEB]
    test r8, r8
    jz 2f
    mov ecx, MSR_KERNEL_GS_BASE
    mov eax, r8d
    mov rdx, r8
    shr rdx, 32
    wrmsr
2:  .irp Register, rbx, rdi, rsi, r12, r13, r14, r15, rbp
    pop \Register
    .endr
    popfq
    ret
.seh_endproc

/*
 * A new thread's first instructions, at DISPATCH_LEVEL with KiDispatcherLock held. On the stack:
 * a return address of 0 (stack walks end there), SystemRoutine, StartRoutine, StartContext, the
 * IRQL to start at. When SystemRoutine returns, the thread goes to user mode through its
 * TrapFrame.
 */
.balign 16
.globl KiThreadStartup
.def KiThreadStartup; .scl 2; .type 32; .endef
.seh_proc KiThreadStartup
KiThreadStartup:
    sub rsp, 0x20
    .seh_stackalloc 0x20
    .seh_endprologue
    call KiFinishSwitch
    sti
    mov rax, [rsp + 0x40]
    mov cr8, rax
    mov rcx, [rsp + 0x30]
    mov rdx, [rsp + 0x38]
    call [rsp + 0x28]
    call KiUserThreadEntry
    jmp KiExceptionExit
.seh_endproc
