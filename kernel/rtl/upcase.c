/*
 * Upper and lower case of one UTF-16 character, by rule instead of by table: Latin-1, Latin
 * Extended-A, Greek and Cyrillic. A character outside these has no case here. Two characters are
 * equal without case exactly if their upper cases are equal, so both directions must agree.
 */
#include "rtlp.h"

enum { APART, EVEN_UP, ODD_UP };        // distance is fixed, or pairs whose capital is even or odd

/* Ranges of small letters: how far below them their capitals are. */
static const struct {
    WCHAR First, Last;
    UCHAR Kind;
    SHORT Distance;
} RtlpCaseRanges[] = {
    { 'a', 'z', APART, 32 },
    { 0xE0, 0xF6, APART, 32 },
    { 0xF8, 0xFE, APART, 32 },
    { 0xFF, 0xFF, APART, -121 },
    { 0x100, 0x12F, EVEN_UP, 1 },
    { 0x132, 0x137, EVEN_UP, 1 },
    { 0x139, 0x148, ODD_UP, 1 },
    { 0x14A, 0x177, EVEN_UP, 1 },
    { 0x179, 0x17E, ODD_UP, 1 },
    { 0x3AC, 0x3AC, APART, 38 },
    { 0x3AD, 0x3AF, APART, 37 },
    { 0x3B1, 0x3C1, APART, 32 },
    { 0x3C3, 0x3CB, APART, 32 },
    { 0x3CC, 0x3CC, APART, 64 },
    { 0x3CD, 0x3CE, APART, 63 },
    { 0x430, 0x44F, APART, 32 },
    { 0x450, 0x45F, APART, 80 },
    { 0x460, 0x481, EVEN_UP, 1 },
    { 0x48A, 0x4BF, EVEN_UP, 1 },
    { 0x4D0, 0x52F, EVEN_UP, 1 },
};

static WCHAR
RtlpUpcaseBeyondAscii(WCHAR Character)
{
    ULONG Index;

    for (Index = 1; Index < RTL_NUMBER_OF(RtlpCaseRanges); Index += 1) {
        if (Character < RtlpCaseRanges[Index].First)
            break;
        if (Character > RtlpCaseRanges[Index].Last)
            continue;
        if (RtlpCaseRanges[Index].Kind == EVEN_UP)
            return Character & ~1;
        if (RtlpCaseRanges[Index].Kind == ODD_UP)
            return (Character - 1) | 1;
        return Character - RtlpCaseRanges[Index].Distance;
    }
    return Character;
}

/* The capital of SourceCharacter, or itself. Any IRQL. */
WCHAR NTAPI
RtlUpcaseUnicodeChar(WCHAR SourceCharacter)
{
    if (SourceCharacter < 0x80)
        return SourceCharacter >= 'a' && SourceCharacter <= 'z'
            ? SourceCharacter - 32 : SourceCharacter;
    return RtlpUpcaseBeyondAscii(SourceCharacter);
}

/* The small letter of SourceCharacter, or itself. Any IRQL. */
WCHAR NTAPI
RtlDowncaseUnicodeChar(WCHAR SourceCharacter)
{
    ULONG Index;

    if (SourceCharacter < 0x80)
        return SourceCharacter >= 'A' && SourceCharacter <= 'Z'
            ? SourceCharacter + 32 : SourceCharacter;

    for (Index = 1; Index < RTL_NUMBER_OF(RtlpCaseRanges); Index += 1) {
        WCHAR Small = SourceCharacter + RtlpCaseRanges[Index].Distance;

        if (Small >= RtlpCaseRanges[Index].First && Small <= RtlpCaseRanges[Index].Last &&
            Small != SourceCharacter && RtlpUpcaseBeyondAscii(Small) == SourceCharacter)
            return Small;
    }
    return SourceCharacter;
}
