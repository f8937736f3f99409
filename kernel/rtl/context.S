/*
 * Registers to and from a CONTEXT, and the stubs that call language handlers. The same source
 * serves the kernel and ntdll: what differs is asked of the code segment at run time. In the
 * kernel (CS of ring 0) the floating point state belongs to the user thread and is left alone; in
 * user mode it is part of the context.
 *
 * RtlRestoreContext loads everything and ends in iretq, which also works within ring 3, so one
 * instruction sets rip, rsp and the flags (interrupt flag and AC in the kernel) together.
 *
 * The offsets are those of the public CONTEXT.
 */
        .intel_syntax noprefix

#define CxContextFlags  0x30
#define CxMxCsr         0x34
#define CxSegCs         0x38
#define CxSegDs         0x3A
#define CxSegEs         0x3C
#define CxSegFs         0x3E
#define CxSegGs         0x40
#define CxSegSs         0x42
#define CxEFlags        0x44
#define CxRax           0x78
#define CxRcx           0x80
#define CxRdx           0x88
#define CxRbx           0x90
#define CxRsp           0x98
#define CxRbp           0xA0
#define CxRsi           0xA8
#define CxRdi           0xB0
#define CxR8            0xB8
#define CxR9            0xC0
#define CxR10           0xC8
#define CxR11           0xD0
#define CxR12           0xD8
#define CxR13           0xE0
#define CxR14           0xE8
#define CxR15           0xF0
#define CxRip           0xF8
#define CxFltSave       0x100

#define CONTEXT_AMD64_CONTROL_INTEGER_SEGMENTS  0x100007
#define CONTEXT_AMD64_FLOATING_POINT            0x100008

        .text

/*
 * VOID RtlCaptureContext(PCONTEXT ContextRecord): the caller's registers as they will be when this
 * returns.
 */
        .globl  RtlCaptureContext
        .def    RtlCaptureContext; .scl 2; .type 32; .endef
        .p2align 4
        .seh_proc RtlCaptureContext
RtlCaptureContext:
        pushfq
        .seh_stackalloc 8
        .seh_endprologue
        mov     [rcx + CxRax], rax
        mov     [rcx + CxRcx], rcx
        mov     [rcx + CxRdx], rdx
        mov     [rcx + CxRbx], rbx
        mov     [rcx + CxRbp], rbp
        mov     [rcx + CxRsi], rsi
        mov     [rcx + CxRdi], rdi
        mov     [rcx + CxR8], r8
        mov     [rcx + CxR9], r9
        mov     [rcx + CxR10], r10
        mov     [rcx + CxR11], r11
        mov     [rcx + CxR12], r12
        mov     [rcx + CxR13], r13
        mov     [rcx + CxR14], r14
        mov     [rcx + CxR15], r15
        mov     word ptr [rcx + CxSegDs], ds
        mov     word ptr [rcx + CxSegEs], es
        mov     word ptr [rcx + CxSegFs], fs
        mov     word ptr [rcx + CxSegGs], gs
        mov     word ptr [rcx + CxSegSs], ss
        mov     eax, [rsp]
        mov     [rcx + CxEFlags], eax
        mov     rax, [rsp + 8]
        mov     [rcx + CxRip], rax
        lea     rax, [rsp + 16]
        mov     [rcx + CxRsp], rax
        mov     dword ptr [rcx + CxContextFlags], CONTEXT_AMD64_CONTROL_INTEGER_SEGMENTS
        mov     eax, cs
        mov     [rcx + CxSegCs], ax
        test    al, 3
        jz      1f
        stmxcsr [rcx + CxMxCsr]
        fxsave64 [rcx + CxFltSave]
        or      dword ptr [rcx + CxContextFlags], CONTEXT_AMD64_FLOATING_POINT
1:      mov     rax, [rcx + CxRax]
        add     rsp, 8
        ret
        .seh_endproc

/*
 * VOID RtlRestoreContext(PCONTEXT ContextRecord, PEXCEPTION_RECORD): becomes the context; does not
 * return.
 */
        .globl  RtlRestoreContext
        .def    RtlRestoreContext; .scl 2; .type 32; .endef
        .p2align 4
        .seh_proc RtlRestoreContext
RtlRestoreContext:
        sub     rsp, 0x28
        .seh_stackalloc 0x28
        .seh_endprologue
        mov     eax, cs
        test    al, 3
        jz      1f
        xor     edx, edx
        call    NtContinue
        int3
1:      movzx   eax, word ptr [rcx + CxSegSs]
        mov     [rsp + 0x20], rax
        mov     rax, [rcx + CxRsp]
        mov     [rsp + 0x18], rax
        mov     eax, [rcx + CxEFlags]
        mov     [rsp + 0x10], rax
        movzx   eax, word ptr [rcx + CxSegCs]
        mov     [rsp + 0x08], rax
        mov     rax, [rcx + CxRip]
        mov     [rsp], rax
        mov     rax, [rcx + CxRax]
        mov     rdx, [rcx + CxRdx]
        mov     rbx, [rcx + CxRbx]
        mov     rbp, [rcx + CxRbp]
        mov     rsi, [rcx + CxRsi]
        mov     rdi, [rcx + CxRdi]
        mov     r8, [rcx + CxR8]
        mov     r9, [rcx + CxR9]
        mov     r10, [rcx + CxR10]
        mov     r11, [rcx + CxR11]
        mov     r12, [rcx + CxR12]
        mov     r13, [rcx + CxR13]
        mov     r14, [rcx + CxR14]
        mov     r15, [rcx + CxR15]
        mov     rcx, [rcx + CxRcx]
        iretq
        .seh_endproc

/*
 * EXCEPTION_DISPOSITION Rtlp...(ExceptionRecord, EstablisherFrame, ContextRecord, Dispatcher): call
 * Dispatcher->LanguageHandler. Dispatcher stays at [rsp + 0x20], the establisher frame's + 0x20,
 * for the handlers of these frames in except.c. The nop keeps the return address inside the
 * function's body.
 */
#define DcLanguageHandler 0x30

        .globl  RtlpExecuteHandlerForException
        .def    RtlpExecuteHandlerForException; .scl 2; .type 32; .endef
        .p2align 4
        .seh_proc RtlpExecuteHandlerForException
        .seh_handler RtlpNestedExceptionHandler, @except
RtlpExecuteHandlerForException:
        sub     rsp, 0x28
        .seh_stackalloc 0x28
        .seh_endprologue
        mov     [rsp + 0x20], r9
        call    [r9 + DcLanguageHandler]
        nop
        add     rsp, 0x28
        ret
        .seh_endproc

        .globl  RtlpExecuteHandlerForUnwind
        .def    RtlpExecuteHandlerForUnwind; .scl 2; .type 32; .endef
        .p2align 4
        .seh_proc RtlpExecuteHandlerForUnwind
        .seh_handler RtlpCollidedUnwindHandler, @except, @unwind
RtlpExecuteHandlerForUnwind:
        sub     rsp, 0x28
        .seh_stackalloc 0x28
        .seh_endprologue
        mov     [rsp + 0x20], r9
        call    [r9 + DcLanguageHandler]
        nop
        add     rsp, 0x28
        ret
        .seh_endproc
