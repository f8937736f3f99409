/*
 * The RAM disk must be a plain ustar archive: 512-byte headers, each with its own checksum, each
 * followed by the file's bytes rounded up to 512, ended by a header of zeros. The loader walks
 * all the headers before the kernel relies on them; it does not look into the files.
 */
#include "boot/boot.h"

#define RECORD          512u
#define SIZE_FIELD      124
#define CHECKSUM_FIELD  148
#define MAGIC_FIELD     257

/*
 * Reads an octal number of at most Length digits, ended by a space or a NUL; false if it is none.
 */
static bool
ReadOctal(const uint8_t *Field, uint32_t Length, uint32_t *Number)
{
    uint32_t Index;

    *Number = 0;
    for (Index = 0; Index < Length && Field[Index] >= '0' && Field[Index] <= '7'; Index++) {
        if (*Number >> 29)
            return false;
        *Number = *Number * 8 + Field[Index] - '0';
    }
    return Index > 0 && (Index == Length || Field[Index] == ' ' || Field[Index] == 0);
}

/* The sum of a header's bytes, the checksum field itself counted as spaces. */
static uint32_t
HeaderSum(const uint8_t *Header)
{
    uint32_t Sum = 0;

    for (uint32_t Index = 0; Index < RECORD; Index++)
        Sum += Index >= CHECKSUM_FIELD && Index < CHECKSUM_FIELD + 8 ? ' ' : Header[Index];
    return Sum;
}

static bool
IsUstar(const uint8_t *Header)
{
    static const char Magic[5] = "ustar";

    for (uint32_t Index = 0; Index < sizeof(Magic); Index++) {
        if (Header[MAGIC_FIELD + Index] != (uint8_t)Magic[Index])
            return false;
    }
    return true;
}

void
BootArchiveCheck(BOOT_FILE File)
{
    uint32_t Offset = 0, Size, Sum;

    if (File.Size < RECORD || !IsUstar(File.Base))
        BootFail("the second module is not a ustar archive; it must be ramdisk.tar");

    while (Offset + RECORD <= File.Size && File.Base[Offset] != 0) {
        const uint8_t *Header = File.Base + Offset;

        if (!IsUstar(Header) || !ReadOctal(Header + CHECKSUM_FIELD, 8, &Sum) ||
            Sum != HeaderSum(Header))
            BootFail("the RAM disk is damaged: the header at offset %u is not one of ustar's",
                     Offset);
        if (!ReadOctal(Header + SIZE_FIELD, 12, &Size))
            BootFail("the RAM disk is damaged: %S has no size", 100, (const char *)Header);
        if (Size > File.Size - Offset - RECORD)
            BootFail("the RAM disk is cut short: %S lacks its end", 100, (const char *)Header);
        Offset += RECORD + ((Size + RECORD - 1) & ~(RECORD - 1));
    }
    if (Offset + RECORD > File.Size)
        BootFail("the RAM disk is cut short: the archive has no end mark");
}
