/*
 * Patterns of directory queries. * and ? mean what they mean everywhere; Win32 makes three more of
 * its own forms, so that dots behave as they did on DOS:
 *
 *   <   any characters, but not the name's last dot
 *   >   one character that is no dot; at a dot or the end of the name, none
 *   "   a dot, or nothing at the end of the name
 *
 * The pattern is followed as a set of places in it, all reached by the part of the name that has
 * been read: each character of the name moves the set on. So no pattern takes longer than its
 * length times the name's.
 */
#include "ramdisk.h"

#define WORDS   ((RAMDISK_PATTERN_MAX + 1 + 63) / 64)

typedef struct _PLACES {
    ULONG64 Bits[WORDS];
} PLACES;

static inline BOOLEAN
HasPlace(const PLACES *Set, ULONG Place)
{
    return Set->Bits[Place / 64] >> (Place % 64) & 1;
}

static inline VOID
AddPlace(PLACES *Set, ULONG Place)
{
    Set->Bits[Place / 64] |= 1ULL << (Place % 64);
}

/* Adds the places behind wildcards that may match nothing before Next (0: the name's end). */
static VOID
SkipEmpty(PCUNICODE_STRING Pattern, PLACES *Set, WCHAR Next)
{
    for (ULONG Place = 0; Place < Pattern->Length / sizeof(WCHAR); Place++) {
        WCHAR Want = Pattern->Buffer[Place];

        if (!HasPlace(Set, Place))
            continue;
        if (Want == L'*' || Want == L'<' || (Want == L'>' && (Next == 0 || Next == L'.'))
            || (Want == L'"' && Next == 0))
            AddPlace(Set, Place + 1);
    }
}

/* Whether what stands at a place takes the character; *Stays: and may take more. */
static BOOLEAN
Takes(WCHAR Want, WCHAR Character, BOOLEAN LastDot, PBOOLEAN Stays)
{
    *Stays = FALSE;
    switch (Want) {
    case L'*':
        return *Stays = TRUE;
    case L'<':
        return *Stays = !LastDot;
    case L'?':
        return TRUE;
    case L'>':
        return Character != L'.';
    case L'"':
        return Character == L'.';
    default:
        return RtlUpcaseUnicodeChar(Want) == RtlUpcaseUnicodeChar(Character);
    }
}

BOOLEAN
RamdiskMatches(PCUNICODE_STRING Pattern, PCUNICODE_STRING Name)
{
    ULONG   Places = Pattern->Length / sizeof(WCHAR), Length = Name->Length / sizeof(WCHAR);
    ULONG   LastDot = Length;
    PLACES  Set = { { 1 } }, Next;
    BOOLEAN Stays;

    for (ULONG Index = 0; Index < Length; Index++)
        if (Name->Buffer[Index] == L'.')
            LastDot = Index;
    for (ULONG Index = 0; Index < Length; Index++) {
        SkipEmpty(Pattern, &Set, Name->Buffer[Index]);
        RtlZeroMemory(&Next, sizeof Next);
        for (ULONG Place = 0; Place < Places; Place++)
            if (HasPlace(&Set, Place) && Takes(Pattern->Buffer[Place], Name->Buffer[Index],
                                               Index == LastDot, &Stays))
                AddPlace(&Next, Stays ? Place : Place + 1);
        Set = Next;
    }
    SkipEmpty(Pattern, &Set, 0);
    return HasPlace(&Set, Places);
}
