/*
 * memcpy, memmove, memset. The kernel uses no SSE, and a string instruction moves eight bytes for
 * the price of one instruction, so long runs are rep movsq or rep stosq. The bytes at the end that
 * do not fill a quadword are moved by one quadword that overlaps the run: it is loaded before the
 * run, which makes it right for overlapping moves too.
 *
 * rdi and rsi are the caller's, and a copy to or from user memory may fault: they are pushed as
 * unwind data describes, so that the caller's __except finds them. The direction flag is never set:
 * a downward move is a loop.
 */
        .intel_syntax noprefix
        .text

/* PVOID memmove(PVOID Target, const VOID *Source, SIZE_T Size) */
        .globl  memmove
        .def    memmove; .scl 2; .type 32; .endef
        .p2align 4
memmove:
        mov     rax, rcx
        sub     rax, rdx
        cmp     rax, r8
        jb      RtlpMoveDown            /* Target lies inside Source's bytes */
/* PVOID memcpy(PVOID Target, const VOID *Source, SIZE_T Size): falls in */
        .globl  memcpy
        .def    memcpy; .scl 2; .type 32; .endef
memcpy:
        mov     rax, rcx
        cmp     r8, 16
        ja      RtlpMoveUp
        cmp     r8, 8
        jae     1f
        cmp     r8, 4
        jae     2f
        test    r8, r8
        jz      3f
        movzx   r9d, byte ptr [rdx]             /* 1, 2 or 3 bytes: first, middle, last */
        movzx   r10d, byte ptr [rdx + r8 - 1]
        shr     r8, 1
        movzx   r11d, byte ptr [rdx + r8]
        mov     [rcx + r8], r11b
        mov     [rcx], r9b
        adc     r8, r8                          /* the size again: carry is its lowest bit */
        mov     [rcx + r8 - 1], r10b
3:      ret
1:      mov     r9, [rdx]                       /* 8 to 16 */
        mov     r10, [rdx + r8 - 8]
        mov     [rcx], r9
        mov     [rcx + r8 - 8], r10
        ret
2:      mov     r9d, [rdx]                      /* 4 to 7 */
        mov     r10d, [rdx + r8 - 4]
        mov     [rcx], r9d
        mov     [rcx + r8 - 4], r10d
        ret

/* More than 16 bytes upwards; rax = rcx = Target. */
        .def    RtlpMoveUp; .scl 3; .type 32; .endef
        .seh_proc RtlpMoveUp
RtlpMoveUp:
        push    rdi
        .seh_pushreg rdi
        push    rsi
        .seh_pushreg rsi
        .seh_endprologue
        mov     r9, [rdx + r8 - 8]              /* the last quadword */
        lea     r10, [rcx + r8 - 8]
        mov     rdi, rcx
        mov     rsi, rdx
        mov     rcx, r8
        shr     rcx, 3
        rep movsq
        mov     [r10], r9
        pop     rsi
        pop     rdi
        ret
        .seh_endproc

/* Downwards, from the end: for Target above Source and overlapping. */
        .def    RtlpMoveDown; .scl 3; .type 32; .endef
RtlpMoveDown:
        mov     rax, rcx
        cmp     r8, 8
        jb      2f
1:      mov     r9, [rdx + r8 - 8]
        mov     [rcx + r8 - 8], r9
        sub     r8, 8
        cmp     r8, 8
        jae     1b
2:      test    r8, r8
        jz      4f
3:      movzx   r9d, byte ptr [rdx + r8 - 1]
        mov     [rcx + r8 - 1], r9b
        dec     r8
        jnz     3b
4:      ret

/* PVOID memset(PVOID Target, int Value, SIZE_T Size) */
        .globl  memset
        .def    memset; .scl 2; .type 32; .endef
        .p2align 4
memset:
        movzx   eax, dl
        mov     r9, 0x0101010101010101
        imul    r9, rax                         /* the byte in every place */
        mov     rax, rcx
        cmp     r8, 16
        ja      RtlpFillLong
        cmp     r8, 8
        jb      1f
        mov     [rcx], r9
        mov     [rcx + r8 - 8], r9
        ret
1:      cmp     r8, 4
        jb      2f
        mov     [rcx], r9d
        mov     [rcx + r8 - 4], r9d
        ret
2:      test    r8, r8
        jz      4f
3:      mov     [rcx + r8 - 1], r9b
        dec     r8
        jnz     3b
4:      ret

/* More than 16 bytes; rax = rcx = Target, r9 = pattern. */
        .def    RtlpFillLong; .scl 3; .type 32; .endef
        .seh_proc RtlpFillLong
RtlpFillLong:
        push    rdi
        .seh_pushreg rdi
        .seh_endprologue
        mov     rdi, rcx
        lea     r10, [rcx + r8 - 8]
        mov     r11, rcx
        mov     rax, r9
        mov     rcx, r8
        shr     rcx, 3
        rep stosq
        mov     [r10], r9
        mov     rax, r11
        pop     rdi
        ret
        .seh_endproc
