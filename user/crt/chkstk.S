/*
 * ___chkstk_ms: a function with more than a page of locals calls it with their size in rax,
 * before it lowers rsp. It touches each page on the way, from the top, so that the guard page below
 * the stack is met and moves down; a step over it would be an access violation. All registers are
 * kept.
 */
    .intel_syntax noprefix
    .text
    .globl  ___chkstk_ms
    .def    ___chkstk_ms; .scl 2; .type 32; .endef
    .balign 16
    .seh_proc ___chkstk_ms
___chkstk_ms:
    push    rcx
    .seh_pushreg rcx
    push    rax
    .seh_pushreg rax
    .seh_endprologue
    lea     rcx, [rsp + 0x18]           /* rsp of the caller */
1:  cmp     rax, 0x1000
    jb      2f
    sub     rcx, 0x1000
    test    dword ptr [rcx], ecx
    sub     rax, 0x1000
    jmp     1b
2:  sub     rcx, rax
    test    dword ptr [rcx], ecx
    pop     rax
    pop     rcx
    ret
    .seh_endproc
