/*
 * Ways out of the machine: QEMU's debug exit device, which gives a test run its status; ACPI's
 * soft off; a reset. Each falls back on stopping the processor when the device is not there.
 */
#include "hal/halp.h"

// SLP_EN with SLP_TYP 0, which is S5 on QEMU's PIIX4
#define ACPI_SLEEP_NOW      0x2000
#define PIIX4_POWER_PORT    0xB004              // of old firmware
#define KEYBOARD_COMMAND    0x64
#define KEYBOARD_RESET      0xFE

static DECLSPEC_NORETURN VOID
HalpStop(VOID)
{
    for (;;) {
        _disable();
        __asm__ __volatile__("hlt");
    }
}

VOID
HalpExitEmulator(UCHAR Code)
{
    __outdword(DEBUG_EXIT_PORT, Code);
    HalpStop();
}

VOID
HalpPowerOff(VOID)
{
    _disable();
    __outword(HalpPlatform.PowerPort, ACPI_SLEEP_NOW);
    __outword(PIIX4_POWER_PORT, ACPI_SLEEP_NOW);
    HalpStop();
}

VOID
HalpReboot(VOID)
{
    _disable();
    __outbyte(KEYBOARD_COMMAND, KEYBOARD_RESET);
    HalpStop();
}
