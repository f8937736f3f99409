/*
 * setjmp and longjmp: the nonvolatile registers of x64 in the layout of <setjmp.h>'s _JUMP_BUFFER
 * (Frame, Rbx, Rsp, Rbp, Rsi, Rdi, R12..R15, Rip, MxCsr and FpCsr, Xmm6..Xmm15). longjmp goes
 * straight to its target: __finally blocks of the frames between are not run.
 */
    .intel_syntax noprefix
    .text

    .globl  _setjmp, _setjmpex, setjmp
    .balign 16
    .seh_proc setjmp
    .seh_endprologue
_setjmp:
_setjmpex:
setjmp:
    mov     [rcx], rdx
    mov     [rcx + 0x08], rbx
    lea     rax, [rsp + 8]
    mov     [rcx + 0x10], rax
    mov     [rcx + 0x18], rbp
    mov     [rcx + 0x20], rsi
    mov     [rcx + 0x28], rdi
    mov     [rcx + 0x30], r12
    mov     [rcx + 0x38], r13
    mov     [rcx + 0x40], r14
    mov     [rcx + 0x48], r15
    mov     rax, [rsp]
    mov     [rcx + 0x50], rax
    stmxcsr [rcx + 0x58]
    fnstcw  [rcx + 0x5C]
    movdqa  [rcx + 0x60], xmm6
    movdqa  [rcx + 0x70], xmm7
    movdqa  [rcx + 0x80], xmm8
    movdqa  [rcx + 0x90], xmm9
    movdqa  [rcx + 0xA0], xmm10
    movdqa  [rcx + 0xB0], xmm11
    movdqa  [rcx + 0xC0], xmm12
    movdqa  [rcx + 0xD0], xmm13
    movdqa  [rcx + 0xE0], xmm14
    movdqa  [rcx + 0xF0], xmm15
    xor     eax, eax
    ret
    .seh_endproc

    .globl  longjmp
    .balign 16
    .seh_proc longjmp
    .seh_endprologue
longjmp:
    mov     eax, edx
    test    eax, eax
    jnz     1f
    inc     eax
1:  mov     rbx, [rcx + 0x08]
    mov     rbp, [rcx + 0x18]
    mov     rsi, [rcx + 0x20]
    mov     rdi, [rcx + 0x28]
    mov     r12, [rcx + 0x30]
    mov     r13, [rcx + 0x38]
    mov     r14, [rcx + 0x40]
    mov     r15, [rcx + 0x48]
    ldmxcsr [rcx + 0x58]
    fldcw   [rcx + 0x5C]
    movdqa  xmm6, [rcx + 0x60]
    movdqa  xmm7, [rcx + 0x70]
    movdqa  xmm8, [rcx + 0x80]
    movdqa  xmm9, [rcx + 0x90]
    movdqa  xmm10, [rcx + 0xA0]
    movdqa  xmm11, [rcx + 0xB0]
    movdqa  xmm12, [rcx + 0xC0]
    movdqa  xmm13, [rcx + 0xD0]
    movdqa  xmm14, [rcx + 0xE0]
    movdqa  xmm15, [rcx + 0xF0]
    mov     rdx, [rcx + 0x50]
    mov     rsp, [rcx + 0x10]
    jmp     rdx
    .seh_endproc
