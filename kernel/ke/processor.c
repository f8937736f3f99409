/*
 * A processor's own state: its KPCR behind GS, GDT, TSS and, shared by all, the IDT; the
 * model-specific registers of `syscall`; the protection bits of CR4.
 *
 * KiInitializeProcessor runs once on each processor, first thing, with interrupts off. The
 * KPROCESSOR_STATE is zeroed memory that stays for good. The TSS names four stacks: Rsp0, the
 * running thread's (KiSwapContext keeps it), and three of the processor's own for double fault,
 * NMI and machine check, which must not trust the stack they interrupt.
 *
 * SMEP, SMAP and UMIP are switched on when CPUID has them. The kernel's text is read-only, so the
 * no-ops that become stac and clac on a processor with SMAP are written through the direct map,
 * once, by the boot processor.
 */
#include "ke/kip.h"
#include "mm/mm.h"

#define DESCRIPTOR_R0_CODE  0x00209B0000000000ULL
#define DESCRIPTOR_R0_DATA  0x00CF93000000FFFFULL
#define DESCRIPTOR_R3_CM    0x00CFFB000000FFFFULL
#define DESCRIPTOR_R3_DATA  0x00CFF3000000FFFFULL
#define DESCRIPTOR_R3_CODE  0x0020FB0000000000ULL
#define DESCRIPTOR_TSS      0x0000890000000000ULL

#define GATE_KERNEL         0x8E
#define GATE_USER           0xEE

#define MSR_STAR            0xC0000081
#define MSR_LSTAR           0xC0000082
#define MSR_SFMASK          0xC0000084
#define EFER_SCE            0x001
#define SFMASK_VALUE        0x4700              // NT, DF, IF and TF are clear on entry

#define CR0_VALUE           0x80010033          // PG, WP, NE, ET, MP, PE
#define CR4_OSFXSR          0x00000600          // with OSXMMEXCPT
#define CR4_UMIP            0x00000800
#define CR4_SMEP            0x00100000
#define CR4_SMAP            0x00200000

#define CPUID7_EBX_SMEP     (1u << 7)
#define CPUID7_EBX_SMAP     (1u << 20)
#define CPUID7_ECX_UMIP     (1u << 2)

PKPROCESSOR_STATE      KiProcessorState[MAXIMUM_KERNEL_PROCESSORS];
PKPRCB                 KiProcessorBlock[MAXIMUM_KERNEL_PROCESSORS];
static KINTERRUPT_GATE KiIdt[256];

/* The CR4 protection bits this machine has. */
static ULONG64
KiProtectionBits(VOID)
{
    int     Registers[4];
    ULONG64 Bits = 0;

    __cpuid(Registers, 0);
    if (Registers[0] < 7)
        return 0;

    __cpuidex(Registers, 7, 0);
    if (Registers[1] & CPUID7_EBX_SMEP)
        Bits |= CR4_SMEP;
    if (Registers[1] & CPUID7_EBX_SMAP)
        Bits |= CR4_SMAP;
    if (Registers[2] & CPUID7_ECX_UMIP)
        Bits |= CR4_UMIP;
    return Bits;
}

static VOID
KiSetGate(ULONG Vector, PVOID Handler, ULONG Ist, UCHAR Type)
{
    PKINTERRUPT_GATE Gate = &KiIdt[Vector];
    ULONG64          Address = (ULONG64)Handler;

    Gate->OffsetLow = (USHORT)Address;
    Gate->OffsetMiddle = (USHORT)(Address >> 16);
    Gate->OffsetHigh = (ULONG)(Address >> 32);
    Gate->Selector = KGDT64_R0_CODE;
    Gate->IstIndex = (UCHAR)Ist;
    Gate->Type = Type;
}

static VOID
KiApplyPatches(PLOADER_PARAMETER_BLOCK LoaderBlock)
{
    for (const KI_PATCH *Patch = KiSmapPatches; Patch < KiSmapPatchesEnd; Patch++) {
        ULONG64 Offset = Patch->Address - LoaderBlock->KernelBase;

        RtlCopyMemory(PHYSICAL_TO_VA(LoaderBlock->KernelPhysical + Offset), &Patch->Code, 3);
    }
}

/* Once, on the boot processor, before its KiInitializeProcessor: no trap has happened yet. */
VOID
KiInitializeIdtAndPatches(PLOADER_PARAMETER_BLOCK LoaderBlock)
{
    for (ULONG Vector = 0; Vector < 256; Vector++)
        KiSetGate(Vector, KiTrapStubs + Vector * 16, 0, GATE_KERNEL);

    KiSetGate(TrapDoubleFault, KiDoubleFault, IST_DOUBLE_FAULT, GATE_KERNEL);
    KiSetGate(TrapNmi, KiNmiInterrupt, IST_NMI, GATE_KERNEL);
    KiSetGate(TrapMachineCheck, KiMachineCheck, IST_MACHINE_CHECK, GATE_KERNEL);
    KiIdt[TrapBreakpoint].Type = GATE_USER;
    KiIdt[TrapOverflow].Type = GATE_USER;
    KiIdt[FAST_FAIL_VECTOR].Type = GATE_USER;
    KiIdt[ASSERTION_VECTOR].Type = GATE_USER;

    if (KiProtectionBits() & CR4_SMAP)
        KiApplyPatches(LoaderBlock);
}

static VOID
KiBuildGdt(PKPROCESSOR_STATE State)
{
    ULONG64 Tss = (ULONG64)&State->Tss;

    State->Gdt[KGDT64_R0_CODE / 8] = DESCRIPTOR_R0_CODE;
    State->Gdt[KGDT64_R0_DATA / 8] = DESCRIPTOR_R0_DATA;
    State->Gdt[KGDT64_R3_CMCODE / 8] = DESCRIPTOR_R3_CM;
    State->Gdt[KGDT64_R3_DATA / 8] = DESCRIPTOR_R3_DATA;
    State->Gdt[KGDT64_R3_CODE / 8] = DESCRIPTOR_R3_CODE;
    State->Gdt[KGDT64_SYS_TSS / 8] = DESCRIPTOR_TSS | (sizeof(KTSS64) - 1) |
        (Tss & 0xFFFFFF) << 16 | (Tss >> 24 & 0xFF) << 56;
    State->Gdt[KGDT64_SYS_TSS / 8 + 1] = Tss >> 32;

    for (ULONG Index = 0; Index < RTL_NUMBER_OF(State->IstStacks); Index++)
        State->Tss.Ist[Index] = (ULONG64)State->IstStacks[Index] + IST_STACK_SIZE;
    State->Tss.IoMapBase = sizeof(KTSS64);
}

static VOID
KiLoadDescriptorTables(PKPROCESSOR_STATE State)
{
    KDESCRIPTOR Gdtr = { sizeof State->Gdt - 1, State->Gdt };
    KDESCRIPTOR Idtr = { sizeof KiIdt - 1, KiIdt };
    ULONG64     Target;

    __asm__ __volatile__(
        "lgdt   %1\n\t"
        "lidt   %2\n\t"
        "movl   %3, %%ss\n\t"
        "movl   %4, %%ds\n\t"
        "movl   %4, %%es\n\t"
        "movl   %4, %%fs\n\t"
        "movl   %4, %%gs\n\t"
        "ltr    %w5\n\t"
        "leaq   1f(%%rip), %0\n\t"
        "pushq  %q6\n\t"
        "pushq  %0\n\t"
        "lretq\n"
        "1:"
        : "=&r"(Target)
        : "m"(Gdtr), "m"(Idtr), "r"(KGDT64_R0_DATA), "r"(KGDT64_R3_DATA | RPL_USER),
          "r"(KGDT64_SYS_TSS), "r"((ULONG64)KGDT64_R0_CODE)
        : "memory");
}

static VOID
KiInitializePcr(PKPROCESSOR_STATE State, ULONG Number)
{
    PKIPCR Pcr = &State->Pcr;
    PKPRCB Prcb = &Pcr->Prcb;

    Pcr->Pcr.GdtBase = (PVOID)State->Gdt;
    Pcr->Pcr.TssBase = &State->Tss;
    Pcr->Pcr.IdtBase = (PVOID)KiIdt;
    Pcr->Pcr.Self = &Pcr->Pcr;
    Pcr->Pcr.CurrentPrcb = (PVOID)Prcb;
    Pcr->Pcr.MajorVersion = PCR_MAJOR_VERSION;
    Pcr->Pcr.MinorVersion = PCR_MINOR_VERSION;
    Pcr->Pcr.ObsoleteNumber = (UCHAR)Number;

    Prcb->MxCsr = 0x1F80;
    Prcb->Number = (USHORT)Number;
    Prcb->SetMember = (KAFFINITY)1 << Number;
    Prcb->Pcr = &Pcr->Pcr;
    Prcb->Tss = &State->Tss;
    Prcb->CurrentThread = Prcb->IdleThread = (PKTHREAD)State->IdleThread;
}

static VOID
KiInitializeSystemCall(VOID)
{
    __writemsr(MSR_STAR,
               (ULONG64)(KGDT64_R3_CMCODE | RPL_USER) << 48 | (ULONG64)KGDT64_R0_CODE << 32);
    __writemsr(MSR_LSTAR, (ULONG64)KiSystemCall64);
    __writemsr(MSR_SFMASK, SFMASK_VALUE);
    __writemsr(MSR_EFER, __readmsr(MSR_EFER) | EFER_SCE);
}

/*
 * Makes this processor able to take traps. Pcr is the first member of a zeroed KPROCESSOR_STATE;
 * BootStack is where its idle thread's stack begins to push. Interrupts are off and stay off;
 * IRQL becomes PASSIVE_LEVEL.
 */
VOID
KiInitializeProcessor(PKIPCR Pcr, ULONG Number, PVOID BootStack)
{
    PKPROCESSOR_STATE State = CONTAINING_RECORD(Pcr, KPROCESSOR_STATE, Pcr);
    ULONG             MxCsr = 0x1F80;

    KiBuildGdt(State);
    KiInitializePcr(State, Number);
    State->Tss.Rsp0 = Pcr->Prcb.RspBase = (ULONG64)BootStack;
    KiLoadDescriptorTables(State);
    __writemsr(MSR_GS_BASE, (ULONG64)Pcr);
    __writemsr(MSR_KERNEL_GS_BASE, 0);
    KiInitializeSystemCall();

    __writecr0(CR0_VALUE);
    __writecr4(__readcr4() | CR4_OSFXSR | KiProtectionBits());
    __asm__ __volatile__("fninit; ldmxcsr %0" : : "m"(MxCsr));
    __writecr8(PASSIVE_LEVEL);

    KiProcessorState[Number] = State;
    KiProcessorBlock[Number] = &Pcr->Prcb;
}
