/*
 * What hal/ shares among its own files.
 */
#pragma once

#include "hal/hal.h"

#define HALP_MAXIMUM_PROCESSORS 8
#define HALP_ISA_IRQS           16

/* What the ACPI tables said; acpi.c fills it, and it does not change afterwards. */
typedef struct _HALP_PLATFORM {
    ULONG   ProcessorCount;
    UCHAR   ApicId[HALP_MAXIMUM_PROCESSORS];    // [0] is the boot processor's
    ULONG   LocalApic, IoApic;                  // physical addresses
    ULONG   IoApicBase;                         // global number of the I/O APIC's first line
    struct {
        UCHAR Line;                             // where the ISA interrupt arrives
        UCHAR Flags;                            // MPS: bits 0-1 polarity, 2-3 trigger
    } Isa[HALP_ISA_IRQS];
    USHORT  PowerPort;                          // PM1a control
} HALP_PLATFORM;

extern HALP_PLATFORM HalpPlatform;

static inline volatile ULONG *
HalpDevice(ULONG Physical)
{
    return (volatile ULONG *)(PHYSICAL_MAP_BASE + Physical);
}

VOID  HalpParseAcpi(PLOADER_PARAMETER_BLOCK LoaderBlock);
VOID  HalpInitializeIoApic(VOID);
VOID  HalpCalibrate(VOID);
ULONG HalpReadApicTimer(VOID);
ULONG HalpLocalApicId(VOID);
VOID  HalpWriteApicTimer(ULONG Count, BOOLEAN Periodic);
ULONG HalpPitElapsed(VOID);
VOID  HalpPitStart(VOID);
