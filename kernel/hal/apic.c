/*
 * The local APIC: one a processor, all at the same physical address, reached through the direct
 * map (whose 2 MiB page there is made uncached). It delivers what the I/O APIC routes, the
 * processor's own timer, its self-interrupts and the other processors' IPIs, each when CR8 (its
 * task priority register) is below the vector's upper four bits.
 *
 * Writing the interrupt command register takes two stores for a named target; interrupts are off
 * between them.
 */
#include "hal/halp.h"

#define APIC_ID             (0x20 / 4)          // indexes into the register page
#define APIC_EOI            (0xB0 / 4)
#define APIC_LDR            (0xD0 / 4)
#define APIC_DFR            (0xE0 / 4)
#define APIC_SPURIOUS       (0xF0 / 4)
#define APIC_ICR_LOW        (0x300 / 4)
#define APIC_ICR_HIGH       (0x310 / 4)
#define APIC_LVT_TIMER      (0x320 / 4)
#define APIC_LVT_LINT0      (0x350 / 4)
#define APIC_LVT_LINT1      (0x360 / 4)
#define APIC_LVT_ERROR      (0x370 / 4)
#define APIC_TIMER_INITIAL  (0x380 / 4)
#define APIC_TIMER_CURRENT  (0x390 / 4)
#define APIC_TIMER_DIVIDE   (0x3E0 / 4)

#define SPURIOUS_ENABLE     0x100
#define LVT_MASKED          0x10000
#define LVT_NMI             0x400
#define LVT_PERIODIC        0x20000
#define DIVIDE_BY_16        0x3

#define ICR_FIXED           0x4000              // assert
#define ICR_NMI             0x4400
#define ICR_INIT            0x4500
#define ICR_STARTUP         0x4600
#define ICR_PENDING         0x1000
#define ICR_SELF            0x40000

volatile BOOLEAN HalpFreezeRequested;

static inline ULONG
HalpApicRead(ULONG Register)
{
    return HalpDevice(HalpPlatform.LocalApic)[Register];
}

static inline VOID
HalpApicWrite(ULONG Register, ULONG Value)
{
    HalpDevice(HalpPlatform.LocalApic)[Register] = Value;
}

ULONG
HalpLocalApicId(VOID)
{
    return HalpApicRead(APIC_ID) >> 24;
}

/* This processor's local APIC: enabled, timer still masked, LINT1 an NMI. Interrupts are off. */
VOID
HalInitializeProcessor(ULONG Number)
{
    HalpApicWrite(APIC_DFR, 0xFFFFFFFF);
    HalpApicWrite(APIC_LDR, 1u << (24 + Number));
    HalpApicWrite(APIC_LVT_TIMER, LVT_MASKED | CLOCK_VECTOR);
    HalpApicWrite(APIC_LVT_LINT0, LVT_MASKED);
    HalpApicWrite(APIC_LVT_LINT1, LVT_NMI);
    HalpApicWrite(APIC_LVT_ERROR, LVT_MASKED);
    HalpApicWrite(APIC_TIMER_DIVIDE, DIVIDE_BY_16);
    HalpApicWrite(APIC_SPURIOUS, SPURIOUS_ENABLE | SPURIOUS_VECTOR);
    HalpApicWrite(APIC_EOI, 0);
}

VOID
HalpEndOfInterrupt(VOID)
{
    HalpApicWrite(APIC_EOI, 0);
}

/* Irql: APC_LEVEL or DISPATCH_LEVEL; it arrives when CR8 falls below that. */
VOID
HalRequestSoftwareInterrupt(KIRQL Irql)
{
    HalpApicWrite(APIC_ICR_LOW, ICR_SELF | ICR_FIXED | (ULONG)Irql << 4 | 0xF);
}

static VOID
HalpSendCommand(ULONG ApicId, ULONG Command)
{
    ULONG64 EFlags = __readeflags();

    _disable();
    while (HalpApicRead(APIC_ICR_LOW) & ICR_PENDING)
        YieldProcessor();
    HalpApicWrite(APIC_ICR_HIGH, ApicId << 24);
    HalpApicWrite(APIC_ICR_LOW, Command);
    __writeeflags(EFlags);
}

VOID
HalRequestIpi(KAFFINITY Targets)
{
    for (ULONG Number = 0; Targets >> Number != 0; Number++)
        if (Targets >> Number & 1)
            HalpSendCommand(HalpApicIdOf(Number), ICR_FIXED | IPI_VECTOR);
}

/* Stops every other processor for good, whatever it does. Any IRQL. */
VOID
HalpFreezeProcessors(VOID)
{
    KAFFINITY Others = KeQueryActiveProcessors() & ~((KAFFINITY)1 << KeGetCurrentProcessorNumber());

    HalpFreezeRequested = TRUE;
    for (ULONG Number = 0; Others >> Number != 0; Number++)
        if (Others >> Number & 1)
            HalpSendCommand(HalpApicIdOf(Number), ICR_NMI);
}

VOID
HalpStartProcessor(ULONG ApicId, ULONG StartPage)
{
    HalpSendCommand(ApicId, ICR_INIT);
    KeStallExecutionProcessor(10000);
    for (ULONG Try = 0; Try < 2; Try++) {
        HalpSendCommand(ApicId, ICR_STARTUP | StartPage);
        KeStallExecutionProcessor(200);
    }
}

/*
 * The timer counts the APIC's clock, divided by 16, down from Count; periodic with an interrupt,
 * or once without.
 */
VOID
HalpWriteApicTimer(ULONG Count, BOOLEAN Periodic)
{
    HalpApicWrite(APIC_LVT_TIMER, CLOCK_VECTOR | (Periodic ? LVT_PERIODIC : LVT_MASKED));
    HalpApicWrite(APIC_TIMER_INITIAL, Count);
}

ULONG
HalpReadApicTimer(VOID)
{
    return HalpApicRead(APIC_TIMER_CURRENT);
}

/* The two 8259s: given vectors that disturb nobody, then masked for good. */
static VOID
HalpDisablePic(VOID)
{
    static const UCHAR Words[][2] = {
        { 0x20, 0x11 }, { 0xA0, 0x11 }, { 0x21, 0xF0 }, { 0xA1, 0xF8 }, { 0x21, 0x04 },
        { 0xA1, 0x02 }, { 0x21, 0x01 }, { 0xA1, 0x01 }, { 0x21, 0xFF }, { 0xA1, 0xFF }
    };

    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Words); Index++)
        __outbyte(Words[Index][0], Words[Index][1]);
}

/* The direct map's 2 MiB page around Physical becomes uncached. */
static VOID
HalpUncache(PLOADER_PARAMETER_BLOCK LoaderBlock, ULONG Physical)
{
    ULONG64  Va = PHYSICAL_MAP_BASE + Physical;
    PULONG64 Table = (PULONG64)(PHYSICAL_MAP_BASE + LoaderBlock->PageDirectory);

    for (ULONG Shift = 39; Shift > 21; Shift -= 9)
        Table = (PULONG64)(PHYSICAL_MAP_BASE + (Table[Va >> Shift & 511] & 0x000FFFFFFFFFF000ULL));
    Table[Va >> 21 & 511] |= 0x18;              // PCD, PWT
    __writecr3(__readcr3());
}

/* Phase 0, boot processor, interrupts off. */
VOID
HalInitSystem(PLOADER_PARAMETER_BLOCK LoaderBlock)
{
    HalpDisablePic();
    HalpParseAcpi(LoaderBlock);
    HalpUncache(LoaderBlock, HalpPlatform.LocalApic);
    HalpUncache(LoaderBlock, HalpPlatform.IoApic);
    HalInitializeProcessor(0);
    HalpInitializeIoApic();
    HalpCalibrate();
}
