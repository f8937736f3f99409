/*
 * The loader's first and last instructions. GRUB or QEMU enters at BootEntry in 32-bit protected
 * mode without paging, eax = 0x2BADB002, ebx = the Multiboot information. BootEnterKernel
 * switches on paging and long mode at once: the instruction after `mov cr0` is still fetched from
 * its physical address, through PML4[0], which maps the lower memory to itself until the kernel
 * clears that entry.
 */
.intel_syntax noprefix

.set MULTIBOOT_FLAGS, 3                 // modules on page boundaries; a memory map, please
.set CR4_PAE_PGE,     0x0A0
.set MSR_EFER,        0xC0000080
.set EFER_LME_NXE,    0x900
.set CR0_PG_WP_NE_PE, 0x80010021
.set KERNEL_CODE,     0x08
.set KERNEL_DATA,     0x10

.section .multiboot, "a"
.balign 4
    .long 0x1BADB002, MULTIBOOT_FLAGS, -(0x1BADB002 + MULTIBOOT_FLAGS)

.text
.code32
.globl BootEntry
BootEntry:
    cli
    cld
    mov esp, offset BootStackTop
    push 0
    popfd
    push ebx
    push eax
    call BootMain                       // does not return

/*
 * void BootEnterKernel(uint64_t *PageDirectory, uint64_t Entry, uint64_t Stack, uint64_t Block)
 */
.globl BootEnterKernel
BootEnterKernel:
    mov ebp, esp
    mov eax, cr4
    or eax, CR4_PAE_PGE
    mov cr4, eax
    mov eax, [ebp + 4]
    mov cr3, eax
    mov ecx, MSR_EFER
    rdmsr
    or eax, EFER_LME_NXE
    wrmsr
    mov eax, CR0_PG_WP_NE_PE
    mov cr0, eax
    lgdt [BootGdtPointer]
    // A far jump to the next line, as bytes: the assembler has no Intel syntax for ptr16:32.
    .byte 0xEA
    .long BootLongMode
    .word KERNEL_CODE

.code64
BootLongMode:
    mov eax, KERNEL_DATA
    mov ds, eax
    mov es, eax
    mov ss, eax
    xor eax, eax
    mov fs, eax
    mov gs, eax
    lldt ax
    lgdt [rip + BootGdtPointerHigh]     // through the direct map: valid after PML4[0] is cleared
    mov rax, [rbp + 8]
    mov rsp, [rbp + 16]
    mov rcx, [rbp + 24]
    // as after a call: shadow space, and a return address of 0 on top
    sub rsp, 40
    mov qword ptr [rsp], 0
    xor ebp, ebp
    jmp rax

.data
.balign 8
BootGdt:
    .quad 0, 0x00AF9B000000FFFF, 0x00CF93000000FFFF
BootGdtPointer:
    .word . - BootGdt - 1
    .long BootGdt
.balign 8
BootGdtPointerHigh:
    .word 23
    .long BootGdt, 0xFFFF8000

.bss
.balign 16
    .skip 16384
BootStackTop:
