/*
 * The edge between user and kernel mode, from outside: what a system call leaves of the registers,
 * what NtContinue makes of a hostile context, what becomes of an instruction a program may not
 * use, single steps, and the page of shared data.
 */
#include "sdk/ntapi.h"
#include "user/lib/testing.h"
#include <stdio.h>
#include <string.h>

#define EFLAGS_TRAP         0x100
#define EFLAGS_DIRECTION    0x400
#define EFLAGS_IOPL         0x3000
#define EFLAGS_NESTED       0x4000
#define UNKNOWN_SERVICE     0xFFFF
#define SHARED_DATA         0x7FFE0000ULL

static volatile LONG Steps;
static CONTEXT       Home;
static volatile BOOL Back;

/* The raw instruction: number in eax, rsp as given (0: the caller's own). */
static NTSTATUS
RawCall(ULONG Number, ULONG64 Stack)
{
    ULONG64 Result = Number;

    __asm__ __volatile__(
        "movq %%rsp, %%rbx\n\t"
        "testq %1, %1\n\t"
        "cmovneq %1, %%rsp\n\t"
        "xorl %%r10d, %%r10d\n\t"
        "syscall\n\t"
        "movq %%rbx, %%rsp"
        : "+a"(Result)
        : "r"(Stack)
        : "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "memory");
    return (NTSTATUS)Result;
}

/* The number in an ntdll stub: mov r10, rcx; mov eax, number. */
static ULONG
NumberOf(const char *Name)
{
    PUCHAR Stub = (PUCHAR)GetProcAddress(GetModuleHandleA("ntdll.dll"), Name);

    return *(PULONG)(Stub + 4);
}

static void
BadCalls(void)
{
    ULONG CreateFile11 = NumberOf("NtCreateFile");

    Promise("A number that is no service and stack arguments that are not there are statuses");
    Expect(RawCall(UNKNOWN_SERVICE, 0) == STATUS_INVALID_SYSTEM_SERVICE, "unknown service");
    Expect(RawCall(0xFFFFFFFF, 0) == STATUS_INVALID_SYSTEM_SERVICE, "the highest number");
    Expect(RawCall(CreateFile11, 0x10) == STATUS_ACCESS_VIOLATION, "stack at 0x10");
    Expect(RawCall(CreateFile11, 0x000007FFFFFEFFF0) == STATUS_ACCESS_VIOLATION, "at the end");
    Expect(RawCall(CreateFile11, 0xFFFFF80000401000) == STATUS_ACCESS_VIOLATION, "in the kernel");
    Expect(RawCall(CreateFile11, 0x8000000000000000) == STATUS_ACCESS_VIOLATION, "not canonical");
}

/* The trace of handles looks for the caller's return address there. */
static void
BadStacks(void)
{
    static const ULONG64 Stacks[] = { 0x10, 0x000007FFFFFEFFF0, 0x000007FFFFFEFFFC,
                                      0xFFFFF80000401000, 0x8000000000000000 };
    ULONG Close = NumberOf("NtClose");

    Promise("A call without stack arguments does not care where its caller's stack is");
    for (unsigned Index = 0; Index < sizeof Stacks / sizeof *Stacks; Index++)
        Expect(RawCall(Close, Stacks[Index]) == STATUS_INVALID_HANDLE, "closing no handle");
}

static void
Registers(void)
{
    ULONG64 Sum = 0, Leak = 1;

    Promise("A system call keeps the nonvolatile registers and shows nothing of the kernel's");
    __asm__ __volatile__(
        "movl $0x1111, %%ebx; movl $0x2222, %%esi; movl $0x3333, %%edi; movl $0x4444, %%r12d\n\t"
        "movl $0x5555, %%r13d; movl $0x6666, %%r14d; movl $0x7777, %%r15d\n\t"
        "movl $0xFFFF, %%eax; xorl %%r10d, %%r10d\n\t"
        "syscall\n\t"
        "leaq (%%rbx, %%rsi), %%rax; addq %%rdi, %%rax; addq %%r12, %%rax; addq %%r13, %%rax\n\t"
        "addq %%r14, %%rax; addq %%r15, %%rax\n\t"
        "orq %%r8, %%rdx; orq %%r9, %%rdx; orq %%r10, %%rdx\n\t"
        : "=a"(Sum), "=d"(Leak)
        :
        : "rbx", "rcx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
          "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "memory");
    Expect(Sum == 0x1111 * 28, "the sum is 0x%llX", Sum);
    Expect(Leak == 0, "volatile registers hold 0x%llX", Leak);
}

static LONG CALLBACK
Vectored(PEXCEPTION_POINTERS Pointers)
{
    PCONTEXT Context = Pointers->ContextRecord;

    if (Pointers->ExceptionRecord->ExceptionCode == (DWORD)EXCEPTION_SINGLE_STEP) {
        if (++Steps < 4)
            Context->EFlags |= EFLAGS_TRAP;
        return EXCEPTION_CONTINUE_EXECUTION;
    }
    if (!Back)
        return EXCEPTION_CONTINUE_SEARCH;
    Back = FALSE;
    *Context = Home;                                        // the hostile context has faulted
    return EXCEPTION_CONTINUE_EXECUTION;
}

/* Continues at Context; TRUE when that faulted in user mode and came back here. */
static BOOL
Faults(CONTEXT *Context)
{
    static volatile BOOL Tried;

    Tried = FALSE;
    RtlCaptureContext(&Home);
    if (Tried)
        return TRUE;
    Tried = Back = TRUE;
    NtContinue(Context, FALSE);
    return FALSE;
}

static void
HostileContexts(void)
{
    static const ULONG64 Nowhere[] = { 0x8000000000000000, 0x0000800000000000, 0xFFFFF80000401000,
        0x000007FFFFFF0000, 0 };
    CONTEXT              Context;

    Promise("NtContinue to an address outside user space is the program's own fault");
    for (int Index = 0; Index < 5; Index++) {
        RtlCaptureContext(&Context);
        Context.Rip = Nowhere[Index];
        Expect(Faults(&Context), "rip 0x%llX", Nowhere[Index]);
    }

    Promise("NtContinue gives no kernel selector, no I/O rights and no masked interrupts");
    RtlCaptureContext(&Context);
    Context.Rip = 0;
    Context.SegCs = 0x10;
    Context.SegSs = 0x18;
    Context.EFlags = EFLAGS_IOPL | EFLAGS_NESTED;
    Context.FltSave.MxCsr = Context.MxCsr = 0xFFFFFFFF;
    Expect(Faults(&Context), "kernel selectors");
    Expect(NtContinue((PCONTEXT)0xFFFFF80000401000, FALSE) == STATUS_ACCESS_VIOLATION, "kernel");
    Expect(NtContinue(NULL, FALSE) == STATUS_ACCESS_VIOLATION, "NULL");
}

static void
SingleStep(void)
{
    Promise("The trap flag gives a single step after each instruction");
    Steps = 0;
    __asm__ __volatile__("pushfq; orl $0x100, (%%rsp); popfq; nop; nop; nop; nop; nop; nop"
        : : : "memory", "cc");
    Expect(Steps == 4, "%ld steps", Steps);
}

static void
DirectionFlag(void)
{
    Promise("A system call with the direction flag set does no harm");
    for (int Round = 0; Round < 100; Round++) {
        ULONG Number = UNKNOWN_SERVICE;

        __asm__ __volatile__("std; syscall; cld"
            : "+a"(Number) : : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
        Expect((NTSTATUS)Number == STATUS_INVALID_SYSTEM_SERVICE, "status 0x%08lX", Number);
    }
}

static NTSTATUS
CodeOf(void (*Routine)(void))
{
    __try {
        Routine();
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static void Halt(void) { __asm__ __volatile__("hlt"); }
static void ReadPort(void) { __asm__ __volatile__("inb $0x60, %%al" : : : "rax"); }
static void ReadCr0(void) { __asm__ __volatile__("movq %%cr0, %%rax" : : : "rax"); }
static void Undefined(void) { __asm__ __volatile__("ud2"); }
static void KernelGate(void) { __asm__ __volatile__("int $0x2F"); }
static void NonCanonical(void) { *(volatile int *)0x8000000000000000 = 1; }
static void SharedWrite(void) { *(volatile int *)SHARED_DATA = 1; }

static void
Forbidden(void)
{
    Promise("What a program may not do is an exception with the right code");
    Expect(CodeOf(Halt) == STATUS_PRIVILEGED_INSTRUCTION, "hlt");
    Expect(CodeOf(ReadPort) == STATUS_PRIVILEGED_INSTRUCTION, "in");
    Expect(CodeOf(ReadCr0) == STATUS_PRIVILEGED_INSTRUCTION, "mov rax, cr0");
    Expect(CodeOf(Undefined) == STATUS_ILLEGAL_INSTRUCTION, "ud2");
    Expect(CodeOf(KernelGate) == STATUS_ACCESS_VIOLATION, "int 0x2F");
    Expect(CodeOf(NonCanonical) == STATUS_ACCESS_VIOLATION, "a non-canonical address");
    Expect(CodeOf(SharedWrite) == STATUS_ACCESS_VIOLATION, "writing the shared page");
}

static void
SharedData(void)
{
    volatile ULONG64 *InterruptTime = (ULONG64 *)(SHARED_DATA + 8);
    ULONG64           Before, Passed = MAXULONG64;

    Promise("The shared page tells the version, and its clock runs with Sleep");
    Expect(*(volatile ULONG *)(SHARED_DATA + 0x26C) == 5, "major version");
    Expect(*(volatile ULONG *)(SHARED_DATA + 0x270) == 2, "minor version");
    for (int Try = 0; Try < 10 && Passed >= 20000000; Try++) {      // a busy host may stop once
        Before = *InterruptTime;
        Sleep(100);
        Passed = *InterruptTime - Before;
        Expect(Passed >= 1000000, "%llu units of 100 ns for 100 ms", Passed);
    }
    Expect(Passed < 20000000, "%llu units of 100 ns for 100 ms", Passed);
}

int
main(void)
{
    AddVectoredExceptionHandler(1, Vectored);
    BadCalls();
    BadStacks();
    Registers();
    HostileContexts();
    SingleStep();
    DirectionFlag();
    Forbidden();
    SharedData();
    return Done("ttrap");
}
