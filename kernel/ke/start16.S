/*
 * The first instructions of every processor but the boot processor. KiStartAllProcessors copies
 * KiStartCode to a page below 1 MiB, fills the block behind it and sends the start IPI; the
 * processor begins in real mode at the page's first byte, with cs = page >> 4. Paging and long
 * mode go on in one step, in page tables that also map low memory to itself; then the code leaves
 * the page for KiProcessorStartup, with the processor's state in rcx.
 *
 * AT&T syntax: the absolute addresses of 16-bit code are clearer to the assembler that way.
 */
    .section .rdata, "dr"
    .globl  KiStartCode, KiStartBlock, KiStartCodeEnd
    .balign 16
    .code16
KiStartCode:
    cli
    cld
    movw    %cs, %ax
    movw    %ax, %ds
    lgdtl   KiStartBlock - KiStartCode
    movl    KiStartBlock - KiStartCode + 0x0C, %eax
    movl    %eax, %cr3
    movl    $0xA0, %eax                         /* PGE, PAE */
    movl    %eax, %cr4
    movl    $0xC0000080, %ecx
    movl    $0x901, %eax                        /* NXE, LME, SCE */
    xorl    %edx, %edx
    wrmsr
    movl    $0x80010033, %eax                   /* PG, WP, NE, ET, MP, PE */
    movl    %eax, %cr0
    ljmpl   *(KiStartBlock - KiStartCode + 0x06)

    .code64
    .globl  KiStartLong
KiStartLong:
    movl    $0x18, %eax
    movl    %eax, %ss
    movq    KiStartBlock+0x10(%rip), %rsp
    movq    KiStartBlock+0x18(%rip), %rcx
    jmpq    *KiStartBlock+0x20(%rip)

    .balign 16
KiStartBlock:                                   /* KSTART_BLOCK in smp.c */
    .zero   0x28
KiStartGdt:
    .quad   0, 0
    .quad   0x00209B0000000000, 0x00CF93000000FFFF
KiStartCodeEnd:
