/*
 * What hal/ offers to the rest of the kernel: the local APIC, the I/O APIC, the clock, ports,
 * starting and freezing processors, leaving QEMU. Vectors and IRQLs are those of the table in
 * docs and DESIGN: a vector's upper four bits are its IRQL.
 */
#pragma once

#include "kernel.h"
#include "boot/loader.h"

#define APC_VECTOR          0x1F
#define DISPATCH_VECTOR     0x2F
#define DEVICE_VECTOR_BASE  0x30
#define CLOCK_VECTOR        0xD1
#define IPI_VECTOR          0xE1
#define FREEZE_VECTOR       0x02            // as an NMI
#define SPURIOUS_VECTOR     0xFF            // the local APIC's, when a request went away

// this processor's local APIC; called on each
VOID  HalInitializeProcessor(ULONG Number);
// ACPI tables, I/O APIC, PIC off, clock calibrated
VOID  HalInitSystem(PLOADER_PARAMETER_BLOCK LoaderBlock);
// this processor's APIC timer at CLOCK_INTERVAL_100NS
VOID  HalpStartClock(VOID);
ULONG HalpProcessorCount(VOID);
ULONG HalpApicIdOf(ULONG Number);
VOID  HalpStartProcessor(ULONG ApicId, ULONG StartPage);        // INIT-SIPI-SIPI
VOID  HalRequestSoftwareInterrupt(KIRQL Irql);                  // self-IPI at 0x1F or 0x2F
VOID  HalRequestIpi(KAFFINITY Targets);                         // IPI_VECTOR
VOID  HalpEndOfInterrupt(VOID);
// NMI to all others; they stop for good
VOID  HalpFreezeProcessors(VOID);
// lets the device line of Vector through
VOID  HalpEnableVector(ULONG Vector, BOOLEAN Level, ULONG ApicId);
VOID  HalpDisableVector(ULONG Vector);
VOID  HalpReadClock(PLARGE_INTEGER Time);                       // the battery clock, as system time
extern volatile BOOLEAN HalpFreezeRequested;                    // tells the NMI handler why
ULONG64 HalpReadTsc(VOID);
ULONG64 HalpTscFrequency(VOID);
// isa-debug-exit: QEMU's status is Code * 2 + 1
DECLSPEC_NORETURN VOID HalpExitEmulator(UCHAR Code);
// ACPI S5 of QEMU's PM block (PIIX4 0x604 / 0xB004)
DECLSPEC_NORETURN VOID HalpPowerOff(VOID);
DECLSPEC_NORETURN VOID HalpReboot(VOID);
