/*
 * The I/O APIC, and which vector a device's interrupt has.
 *
 * Each of its 24 lines has a fixed vector: line n at IRQL 12 - n / 3, so that the low ISA lines
 * are the urgent ones and no two lines share a vector. An ISA interrupt's line may differ from
 * its number; the MADT's overrides say so. A line is masked until somebody connects an interrupt
 * to its vector (ke/interrupt.c).
 *
 * Locks: HalpIoApicLock around the index and data registers, at HIGH_LEVEL.
 */
#include "hal/halp.h"
#include "ke/ke.h"

#define IO_APIC_INDEX       0
#define IO_APIC_DATA        (0x10 / 4)
#define IO_APIC_VERSION     0x01
#define IO_APIC_ROUTE       0x10                // two registers a line

#define ROUTE_MASKED        0x10000
#define ROUTE_LEVEL         0x08000
#define ROUTE_LOW           0x02000

#define HIGHEST_DEVICE_IRQL 12
#define LINES_PER_IRQL      3
#define MAXIMUM_LINES       24

#define MPS_POLARITY_LOW    0x3
#define MPS_TRIGGER_LEVEL   0xC

static KSPIN_LOCK HalpIoApicLock;
static ULONG      HalpLineCount;

static VOID
HalpIoApicWrite(ULONG Register, ULONG Value)
{
    HalpDevice(HalpPlatform.IoApic)[IO_APIC_INDEX] = Register;
    HalpDevice(HalpPlatform.IoApic)[IO_APIC_DATA] = Value;
}

static VOID
HalpWriteRoute(ULONG Line, ULONG Low, ULONG ApicId)
{
    KIRQL OldIrql;

    KeRaiseIrql(HIGH_LEVEL, &OldIrql);
    KiAcquireSpinLock(&HalpIoApicLock);
    HalpIoApicWrite(IO_APIC_ROUTE + Line * 2, ROUTE_MASKED);
    HalpIoApicWrite(IO_APIC_ROUTE + Line * 2 + 1, ApicId << 24);
    HalpIoApicWrite(IO_APIC_ROUTE + Line * 2, Low);
    KiReleaseSpinLock(&HalpIoApicLock);
    KeLowerIrql(OldIrql);
}

static ULONG
HalpVectorOfLine(ULONG Line)
{
    return (HIGHEST_DEVICE_IRQL - Line / LINES_PER_IRQL) << 4 | Line % LINES_PER_IRQL;
}

/* MAXIMUM_LINES if the vector is no line's. */
static ULONG
HalpLineOfVector(ULONG Vector)
{
    for (ULONG Line = 0; Line < HalpLineCount; Line++)
        if (HalpVectorOfLine(Line) == Vector)
            return Line;
    return MAXIMUM_LINES;
}

VOID
HalpInitializeIoApic(VOID)
{
    HalpDevice(HalpPlatform.IoApic)[IO_APIC_INDEX] = IO_APIC_VERSION;
    HalpLineCount = min((HalpDevice(HalpPlatform.IoApic)[IO_APIC_DATA] >> 16 & 0xFF) + 1,
                        MAXIMUM_LINES);
    for (ULONG Line = 0; Line < HalpLineCount; Line++)
        HalpWriteRoute(Line, ROUTE_MASKED, 0);
}

/*
 * Lets the line of Vector through to one processor. Level: what the driver says; an override in
 * the MADT knows better.
 */
VOID
HalpEnableVector(ULONG Vector, BOOLEAN Level, ULONG ApicId)
{
    ULONG Line = HalpLineOfVector(Vector);
    ULONG Low = Vector | (Level ? ROUTE_LEVEL : 0);

    if (Line == MAXIMUM_LINES)
        return;
    for (ULONG Irq = 0; Irq < HALP_ISA_IRQS; Irq++) {
        if (HalpPlatform.Isa[Irq].Line != Line)
            continue;
        if ((HalpPlatform.Isa[Irq].Flags & MPS_POLARITY_LOW) == MPS_POLARITY_LOW)
            Low |= ROUTE_LOW;
        if ((HalpPlatform.Isa[Irq].Flags & MPS_TRIGGER_LEVEL) == MPS_TRIGGER_LEVEL)
            Low |= ROUTE_LEVEL;
    }
    HalpWriteRoute(Line, Low, ApicId);
}

VOID
HalpDisableVector(ULONG Vector)
{
    ULONG Line = HalpLineOfVector(Vector);

    if (Line != MAXIMUM_LINES)
        HalpWriteRoute(Line, ROUTE_MASKED, 0);
}

/*
 * The vector, IRQL and possible processors of a device's interrupt. BusInterruptLevel is the ISA
 * number, or the line the firmware wrote to a PCI device's configuration. Returns 0 if there is
 * no such line.
 */
ULONG NTAPI
HalGetInterruptVector(INTERFACE_TYPE InterfaceType, ULONG BusNumber, ULONG BusInterruptLevel,
    ULONG BusInterruptVector, PKIRQL Irql, PKAFFINITY Affinity)
{
    ULONG Line = BusInterruptLevel;
    ULONG Vector;

    *Irql = 0;
    *Affinity = 0;
    if (Line < HALP_ISA_IRQS)
        Line = HalpPlatform.Isa[Line].Line;
    if (Line >= HalpLineCount)
        return 0;

    Vector = HalpVectorOfLine(Line);
    *Irql = (KIRQL)(Vector >> 4);
    *Affinity = KeQueryActiveProcessors();
    return Vector;
}
