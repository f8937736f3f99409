/*
 * What the loader has to say: plain characters to COM1 and to the debug port 0xE9, so that a
 * person at the terminal and build/debug.log both see them. The loader is silent unless something
 * is wrong; then BootFail prints one sentence that says what, ends the virtual machine if it has
 * an isa-debug-exit device (a test run), and halts otherwise. COM1 is programmed for 115200 bits
 * a second and polled.
 */
#include <stdarg.h>
#include "boot/boot.h"

#define COM1            0x3F8
#define DEBUG_PORT      0xE9
#define LINE_STATUS     5
#define TRANSMIT_EMPTY  0x20

static inline void
PortWrite8(uint16_t Port, uint8_t Value)
{
    __asm__ volatile("outb %0, %1" : : "a"(Value), "Nd"(Port));
}

static inline void
PortWrite32(uint16_t Port, uint32_t Value)
{
    __asm__ volatile("outl %0, %1" : : "a"(Value), "Nd"(Port));
}

static inline uint8_t
PortRead8(uint16_t Port)
{
    uint8_t Value;

    __asm__ volatile("inb %1, %0" : "=a"(Value) : "Nd"(Port));
    return Value;
}

void
BootPrintInitialize(void)
{
    static const uint8_t Setup[][2] = {
        {1, 0}, {3, 0x80}, {0, 1}, {1, 0}, {3, 3}, {2, 7}, {4, 3},      // 115200, 8N1, FIFO on
    };

    for (size_t Index = 0; Index < sizeof(Setup) / sizeof(Setup[0]); Index++)
        PortWrite8(COM1 + Setup[Index][0], Setup[Index][1]);
}

static void
PrintCharacter(char Character)
{
    if (Character == '\n')
        PrintCharacter('\r');

    // A port that is not there reads as all ones and so counts as ready.
    for (int Patience = 100000; Patience > 0; Patience--) {
        if (PortRead8(COM1 + LINE_STATUS) & TRANSMIT_EMPTY)
            break;
    }
    PortWrite8(COM1, (uint8_t)Character);
    PortWrite8(DEBUG_PORT, (uint8_t)Character);
}

static void
PrintNumber(uint32_t Number, uint32_t Radix)
{
    if (Number >= Radix)
        PrintNumber(Number / Radix, Radix);
    PrintCharacter("0123456789abcdef"[Number % Radix]);
}

/* Understands %s, %u and %x (32 bits), and %S: the next argument bytes of the string after it. */
static void
PrintFormatted(const char *Format, va_list Arguments)
{
    for (; *Format; Format++) {
        if (*Format != '%') {
            PrintCharacter(*Format);
            continue;
        }

        Format++;
        if (*Format == 's') {
            for (const char *Text = va_arg(Arguments, const char *); *Text; Text++)
                PrintCharacter(*Text);
        } else if (*Format == 'S') {
            int         Length = va_arg(Arguments, int);
            const char *Text = va_arg(Arguments, const char *);

            while (Length-- > 0 && *Text)
                PrintCharacter(*Text++);
        } else {
            PrintNumber(va_arg(Arguments, uint32_t), *Format == 'x' ? 16 : 10);
        }
    }
}

void
BootPrint(const char *Format, ...)
{
    va_list Arguments;

    va_start(Arguments, Format);
    PrintFormatted(Format, Arguments);
    va_end(Arguments);
}

/* Says why Etude cannot start, and stops. */
void
BootFail(const char *Format, ...)
{
    va_list Arguments;

    BootPrint("Etude cannot start: ");
    va_start(Arguments, Format);
    PrintFormatted(Format, Arguments);
    va_end(Arguments);
    BootPrint("\n");

    PortWrite32(DEBUG_EXIT_PORT, DEBUG_EXIT_LOADER);
    for (;;)
        __asm__ volatile("cli; hlt");
}
