/*
 * Interlocked singly linked lists. The header's 16 bytes change in one cmpxchg16b: the depth (16
 * bits) and a sequence number (48 bits) in the first half, the first entry's address in the
 * second, whose low four bits are not the address'. The sequence number grows with every change,
 * so a header that looks the same is the same.
 *
 * A pop reads the first entry's link while another processor may be popping that entry and its
 * owner freeing it. The value is then thrown away, since the sequence number has changed; but if
 * the memory is gone the read faults. The page fault handler knows the instruction
 * (ExpInterlockedPopEntrySListFault) and continues at ExpInterlockedPopEntrySListResume, which
 * looks at the header again.
 *
 * Any IRQL, no lock.
 */
.intel_syntax noprefix
.text

.macro ROUTINE Name
.balign 16
.globl \Name
.def \Name; .scl 2; .type 32; .endef
.seh_proc \Name
\Name:
    push rbx
    .seh_pushreg rbx
    .seh_endprologue
.endm

/* rcx: header, rdx: entry; returns the former first entry */
ROUTINE ExpInterlockedPushEntrySList
    mov r8, rcx
    mov rcx, rdx
    mov rax, [r8]
    mov rdx, [r8 + 8]
1:  mov r9, rdx
    and r9, -16
    mov [rcx], r9
    lea rbx, [rax + 0x10001]                    /* depth and sequence number go up */
    lock cmpxchg16b [r8]
    jne 1b
    mov rax, r9
    pop rbx
    ret
.seh_endproc

.globl ExpInterlockedPopEntrySListResume, ExpInterlockedPopEntrySListFault
/* rcx: header; returns the first entry, or NULL */
ROUTINE ExpInterlockedPopEntrySList
    mov r8, rcx
ExpInterlockedPopEntrySListResume:
    mov rax, [r8]
    mov rdx, [r8 + 8]
1:  mov r9, rdx
    and r9, -16
    jz 2f
ExpInterlockedPopEntrySListFault:
    mov rcx, [r9]
    lea rbx, [rax + 0xFFFF]                     /* depth down, sequence number up */
    lock cmpxchg16b [r8]
    jne 1b
2:  mov rax, r9
    pop rbx
    ret
.seh_endproc

/* rcx: header; returns the whole list */
ROUTINE ExpInterlockedFlushSList
    mov r8, rcx
    mov rax, [r8]
    mov rdx, [r8 + 8]
1:  mov r9, rdx
    and r9, -16
    jz 2f
    lea rbx, [rax + 0x10000]
    xor bx, bx
    xor ecx, ecx
    lock cmpxchg16b [r8]
    jne 1b
2:  mov rax, r9
    pop rbx
    ret
.seh_endproc
