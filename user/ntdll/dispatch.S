/*
 * Where the kernel enters user mode out of turn: for an exception and for a user APC. In both
 * cases rsp points to a CONTEXT of the interrupted code. The frame describes itself to the
 * unwinder as a machine frame, with the nonvolatile registers saved in that CONTEXT, so that a
 * stack walk and an unwind go on into the interrupted code.
 */
#include "asm.h"

/*
 * Copies the machine frame (rip, cs, eflags, rsp, ss) below the CONTEXT and makes room for a
 * call.
 */
.macro ENTER_FROM_KERNEL
    .seh_pushframe
    .seh_stackalloc FRAME_CALL
    .seh_savereg rbx, FRAME_SIZE + CxRbx
    .seh_savereg rbp, FRAME_SIZE + CxRbp
    .seh_savereg rsi, FRAME_SIZE + CxRsi
    .seh_savereg rdi, FRAME_SIZE + CxRdi
    .seh_savereg r12, FRAME_SIZE + CxR12
    .seh_savereg r13, FRAME_SIZE + CxR13
    .seh_savereg r14, FRAME_SIZE + CxR14
    .seh_savereg r15, FRAME_SIZE + CxR15
    .seh_savexmm xmm6, FRAME_SIZE + CxXmm6
    .seh_savexmm xmm7, FRAME_SIZE + CxXmm6 + 0x10
    .seh_savexmm xmm8, FRAME_SIZE + CxXmm6 + 0x20
    .seh_savexmm xmm9, FRAME_SIZE + CxXmm6 + 0x30
    .seh_savexmm xmm10, FRAME_SIZE + CxXmm6 + 0x40
    .seh_savexmm xmm11, FRAME_SIZE + CxXmm6 + 0x50
    .seh_savexmm xmm12, FRAME_SIZE + CxXmm6 + 0x60
    .seh_savexmm xmm13, FRAME_SIZE + CxXmm6 + 0x70
    .seh_savexmm xmm14, FRAME_SIZE + CxXmm6 + 0x80
    .seh_savexmm xmm15, FRAME_SIZE + CxXmm6 + 0x90
    .seh_endprologue
    cld
    lea     rsp, [rsp - FRAME_SIZE]
    movzx   eax, word ptr [rsp + FRAME_SIZE + CxSegSs]
    mov     [rsp + FRAME_CALL + 0x20], rax
    mov     rax, [rsp + FRAME_SIZE + CxRsp]
    mov     [rsp + FRAME_CALL + 0x18], rax
    mov     eax, [rsp + FRAME_SIZE + CxEFlags]
    mov     [rsp + FRAME_CALL + 0x10], rax
    movzx   eax, word ptr [rsp + FRAME_SIZE + CxSegCs]
    mov     [rsp + FRAME_CALL + 0x08], rax
    mov     rax, [rsp + FRAME_SIZE + CxRip]
    mov     [rsp + FRAME_CALL], rax
.endm

    .text

/*
 * rsp -> CONTEXT, then the EXCEPTION_RECORD. Does not return: the exception is continued,
 * handled, or raised anew.
 */
    .globl  KiUserExceptionDispatcher
    .balign 16
    .seh_proc KiUserExceptionDispatcher
KiUserExceptionDispatcher:
    ENTER_FROM_KERNEL
    lea     rcx, [rsp + FRAME_SIZE + CxSize]
    lea     rdx, [rsp + FRAME_SIZE]
    call    RtlpDispatchUserException
    int3
    .seh_endproc

/*
 * rsp -> CONTEXT; its P1Home..P4Home: NormalContext, SystemArgument1, SystemArgument2,
 * NormalRoutine.
 */
    .globl  KiUserApcDispatcher
    .balign 16
    .seh_proc KiUserApcDispatcher
KiUserApcDispatcher:
    ENTER_FROM_KERNEL
    mov     rcx, [rsp + FRAME_SIZE]
    mov     rdx, [rsp + FRAME_SIZE + 0x08]
    mov     r8, [rsp + FRAME_SIZE + 0x10]
    call    qword ptr [rsp + FRAME_SIZE + 0x18]
    lea     rcx, [rsp + FRAME_SIZE]
    mov     edx, 1
    call    NtContinue
    mov     ecx, eax
    call    RtlRaiseStatus
    int3
    .seh_endproc
