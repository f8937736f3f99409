/*
 * System calls. Number in eax; the kernel's services are in KiServiceTable in the order of
 * services.txt.
 *
 * KiSystemCall64 is where a program's `syscall` arrives: interrupts off, return address in rcx,
 * flags in r11, arguments in r10, rdx, r8, r9 and from [rsp + 0x28] on. It fills the part of a
 * KTRAP_FRAME that the calling convention makes a caller keep, plus rip, flags and rsp, copies
 * the stack arguments and calls the service with user access allowed (EFLAGS.AC). On the way out,
 * when no APC waits and the frame is still the system call's, it restores the nonvolatile
 * registers, clears the volatile ones and leaves by sysretq: rip followed a `syscall`, and
 * programs have no pages near the end of the canonical range, so sysretq cannot fault. Otherwise
 * KiReturnToUser delivers APCs, and the frame that NtContinue, an exception or an APC has put in
 * place (IsSystemCall then is 0) leaves by KiTrapExit's iretq.
 *
 * KiServiceInternal is where the kernel's own Zw stubs arrive, as an ordinary call with the
 * arguments as they were passed. It makes the previous mode KernelMode for the length of the
 * call, and itself the thread's ServiceFrame, by which traces find the caller; its unwind handler
 * takes both back for an exception that passes through.
 *
 * Between KiCopyArguments and KiCopyArgumentsEnd a fault does not raise an exception: trap.c
 * continues at KiCopyArgumentsFault, which ends the call with STATUS_ACCESS_VIOLATION. KePeekUser,
 * which reads eight bytes of a program's, deals with its fault in the same way.
 */
#include "ke/offsets.h"

.intel_syntax noprefix
.text

/* rsp + FRAME: the KTRAP_FRAME; below it the callee's arguments */
#define FRAME   SERVICE_AREA

.balign 16
.globl KiSystemCall64
.def KiSystemCall64; .scl 2; .type 32; .endef
.seh_proc KiSystemCall64
KiSystemCall64:
    swapgs
    mov gs:[PCR_USER_RSP], rsp
    mov rsp, gs:[PCR_RSP_BASE]
    push SEL_R3_DATA
    push gs:[PCR_USER_RSP]
    push r11
    push SEL_R3_CODE
    push rcx
    .seh_pushframe
    sub rsp, 0x10                               /* error code, vector */
    .seh_stackalloc 0x10
    .irp Register, rbp, r15, r14, r13, r12, rsi, rdi, rbx
    push \Register
    .seh_pushreg \Register
    .endr
    sub rsp, TF_RBX + FRAME
    .seh_stackalloc TF_RBX + FRAME
    .seh_endprologue

    mov dword ptr [rsp + FRAME + TF_PREVIOUS_IRQL], TF_SYSTEM_CALL_MARK
    stmxcsr [rsp + FRAME + TF_MXCSR]
    ldmxcsr gs:[PCR_MXCSR]
    mov rbx, gs:[PCR_CURRENT_THREAD]
    mov byte ptr [rbx + TH_PREVIOUS_MODE], 1
    lea rsi, [rsp + FRAME]
    mov [rbx + TH_TRAP_FRAME], rsi
99: .byte 0x0F, 0x1F, 0x00                      /* stac */
    .section .rdata$smapB, "dr"
    .quad 99b, 0xCB010F
    .text
    sti
    inc dword ptr gs:[PCR_SYSTEM_CALLS]

    cmp eax, dword ptr [rip + KiServiceCount]
    jae KiInvalidService
    mov eax, eax
    lea rdi, [rip + KiArgumentTable]
    movzx ecx, byte ptr [rdi + rax]
    lea rdi, [rip + KiServiceTable]
    mov r12, [rdi + rax * 8]
    sub ecx, 4
    jg KiCopyUserArguments
KiCallService:
    mov rcx, r10
    call r12

KiSystemCallExit:
    cli
    cmp word ptr [rbx + TH_APC_PENDING], 0
    jne KiSystemCallSlowExit
    cmp byte ptr [rsp + FRAME + TF_IS_SYSTEM_CALL], 0
    je KiSystemCallSlowExit
KiSystemCallFastExit:
    ldmxcsr [rsp + FRAME + TF_MXCSR]
    mov rcx, [rsp + FRAME + TF_RIP]
    mov r11, [rsp + FRAME + TF_EFLAGS]
    mov r8, [rsp + FRAME + TF_RSP]
    add rsp, TF_RBX + FRAME
    .irp Register, rbx, rdi, rsi, r12, r13, r14, r15, rbp
    pop \Register
    .endr
    .irp Register, 0, 1, 2, 3, 4, 5
    xorps xmm\Register, xmm\Register
    .endr
    xor edx, edx
    xor r9d, r9d
    xor r10d, r10d
    mov rsp, r8
    xor r8d, r8d
    swapgs
    sysretq

/* The stack arguments of a program: ecx of them, to the area the service expects them in. */
KiCopyUserArguments:
    mov rsi, [rsp + FRAME + TF_RSP]
    lea rdi, [rsp + 0x20]
    movabs r11, USER_PROBE_ADDRESS - SERVICE_AREA - 0x28
    cmp rsi, r11
    jae KiCopyArgumentsFault
    add rsi, 0x28
.globl KiCopyArguments, KiCopyArgumentsEnd, KiCopyArgumentsFault
KiCopyArguments:
    rep movsq
KiCopyArgumentsEnd:
    jmp KiCallService
KiCopyArgumentsFault:
    mov eax, 0xC0000005                         /* STATUS_ACCESS_VIOLATION */
    jmp KiSystemCallExit
KiInvalidService:
    mov eax, 0xC000001C                         /* STATUS_INVALID_SYSTEM_SERVICE */
    jmp KiSystemCallExit

KiSystemCallSlowExit:
    cmp byte ptr [rsp + FRAME + TF_IS_SYSTEM_CALL], 0
    je 1f
    mov [rsp + FRAME + TF_RAX], rax
1:  lea rcx, [rsp + FRAME]
    call KiReturnToUser
    cli
    cmp byte ptr [rsp + FRAME + TF_IS_SYSTEM_CALL], 0
    je 2f
    mov rax, [rsp + FRAME + TF_RAX]
    jmp KiSystemCallFastExit
2:  add rsp, FRAME - 0x20
    jmp KiTrapExit
.seh_endproc

/* BOOLEAN KePeekUser(PVOID Address, PVOID *Value): FALSE if they cannot be read. */
.balign 16
.globl KePeekUser, KePeekUserLoad, KePeekUserFault
.def KePeekUser; .scl 2; .type 32; .endef
KePeekUser:
    movabs rax, USER_PROBE_ADDRESS - 8
    cmp rcx, rax
    ja KePeekUserFault
KePeekUserLoad:
    mov rax, [rcx]
    mov [rdx], rax
    mov eax, 1
    ret
KePeekUserFault:
    xor eax, eax
    ret

/* rsp on entry: the return address into the Zw routine's caller. */
/* Offsets of what is to be restored; the handler in except.c uses them too. */
#define SAVED_FRAME SERVICE_AREA
#define SAVED_MODE  (SERVICE_AREA + 8)

.balign 16
.globl KiServiceInternal
.def KiServiceInternal; .scl 2; .type 32; .endef
.seh_proc KiServiceInternal
KiServiceInternal:
    push rbx
    .seh_pushreg rbx
    push rsi
    .seh_pushreg rsi
    push rdi
    .seh_pushreg rdi
    sub rsp, SERVICE_AREA + 0x10
    .seh_stackalloc SERVICE_AREA + 0x10
    .seh_handler KiServiceInternalHandler, @unwind
    .seh_endprologue
    mov rbx, gs:[PCR_CURRENT_THREAD]
    movzx r10d, byte ptr [rbx + TH_PREVIOUS_MODE]
    mov [rsp + SAVED_MODE], r10
    mov r10, [rbx + TH_SERVICE_FRAME]
    mov [rsp + SAVED_FRAME], r10
    mov [rbx + TH_SERVICE_FRAME], rsp
    mov byte ptr [rbx + TH_PREVIOUS_MODE], 0
    mov r11, rcx
    mov eax, eax
    lea rdi, [rip + KiArgumentTable]
    movzx ecx, byte ptr [rdi + rax]
    sub ecx, 4
    jle 1f
    lea rsi, [rsp + SERVICE_RETURN + 0x28]
    lea rdi, [rsp + 0x20]
    rep movsq
1:  mov rcx, r11
    lea rdi, [rip + KiServiceTable]
    call [rdi + rax * 8]
    mov r10, [rsp + SAVED_MODE]
    mov [rbx + TH_PREVIOUS_MODE], r10b
    mov r10, [rsp + SAVED_FRAME]
    mov [rbx + TH_SERVICE_FRAME], r10
    add rsp, SERVICE_AREA + 0x10
    pop rdi
    pop rsi
    pop rbx
    ret
.seh_endproc
