/*
 * The formatter behind DbgPrint and the printf family: narrow and wide formats go through the
 * same engine, which hands every character to a Put routine and counts them. It writes nowhere
 * itself, keeps nothing and may run at any IRQL at which its arguments may be read.
 *
 * A specification is %[flags][width][.precision][size]type:
 *      flags  - 0 + blank #        size  h hh l ll w z t j I I32 I64        width, precision: a
 *      number or *
 *      type   d i u o x X p        integers; p is 16 capital hex digits
 *             c C s S              character, string; C and S are of the other width than the
 *             format
 *             Z                    PANSI_STRING, with w or l PUNICODE_STRING
 * A wide string in narrow output is converted by whoever Put is. There is no floating point: %e,
 * %f and %g are printed as they stand, and their argument is skipped.
 */
#include "rtlp.h"

#define FLAG_LEFT       0x01
#define FLAG_ZERO       0x02
#define FLAG_PLUS       0x04
#define FLAG_BLANK      0x08
#define FLAG_PREFIX     0x10
#define FLAG_CAPITAL    0x20
#define FLAG_NEGATIVE   0x40

// SIZE_WIDE: l or w, a long for integers
enum { SIZE_INT, SIZE_CHAR, SIZE_SHORT, SIZE_WIDE, SIZE_64 };

typedef struct _FORMATTER {
    PRTL_PUT_CHAR Put;
    PVOID         Context;
    const char   *Narrow;           // the format's next character: one of the two
    const WCHAR  *Wide;
    int           Count;            // characters put

    /* The specification being worked on: */
    ULONG         Flags;
    int           Width, Precision; // Precision -1: none given
    ULONG         Size;
} FORMATTER, *PFORMATTER;

static WCHAR
RtlpPeek(PFORMATTER Formatter)
{
    return Formatter->Wide != NULL ? *Formatter->Wide : (UCHAR)*Formatter->Narrow;
}

static VOID
RtlpAdvance(PFORMATTER Formatter)
{
    if (Formatter->Wide != NULL)
        Formatter->Wide += 1;
    else
        Formatter->Narrow += 1;
}

static BOOLEAN
RtlpAccept(PFORMATTER Formatter, WCHAR Character)
{
    if (RtlpPeek(Formatter) != Character)
        return FALSE;
    RtlpAdvance(Formatter);
    return TRUE;
}

static VOID
RtlpPut(PFORMATTER Formatter, WCHAR Character)
{
    Formatter->Put(Formatter->Context, Character);
    Formatter->Count += 1;
}

static VOID
RtlpPad(PFORMATTER Formatter, WCHAR Character, int Count)
{
    for (; Count > 0; Count -= 1)
        RtlpPut(Formatter, Character);
}

static VOID
RtlpParseFlags(PFORMATTER Formatter)
{
    Formatter->Flags = 0;
    for (;;) {
        if (RtlpAccept(Formatter, '-'))
            Formatter->Flags |= FLAG_LEFT;
        else if (RtlpAccept(Formatter, '0'))
            Formatter->Flags |= FLAG_ZERO;
        else if (RtlpAccept(Formatter, '+'))
            Formatter->Flags |= FLAG_PLUS;
        else if (RtlpAccept(Formatter, ' '))
            Formatter->Flags |= FLAG_BLANK;
        else if (RtlpAccept(Formatter, '#'))
            Formatter->Flags |= FLAG_PREFIX;
        else
            return;
    }
}

/* A decimal number; what would be absurd is cut off, so that no arithmetic overflows. */
static int
RtlpParseNumber(PFORMATTER Formatter)
{
    int Number = 0;

    for (; RtlpPeek(Formatter) >= '0' && RtlpPeek(Formatter) <= '9'; RtlpAdvance(Formatter)) {
        if (Number < 100000)
            Number = Number * 10 + (RtlpPeek(Formatter) - '0');
    }
    return Number;
}

static VOID
RtlpParseSize(PFORMATTER Formatter)
{
    Formatter->Size = SIZE_INT;
    if (RtlpAccept(Formatter, 'h')) {
        Formatter->Size = RtlpAccept(Formatter, 'h') ? SIZE_CHAR : SIZE_SHORT;
    } else if (RtlpAccept(Formatter, 'l')) {
        Formatter->Size = RtlpAccept(Formatter, 'l') ? SIZE_64 : SIZE_WIDE;
    } else if (RtlpAccept(Formatter, 'w')) {
        Formatter->Size = SIZE_WIDE;
    } else if (RtlpAccept(Formatter, 'z') || RtlpAccept(Formatter, 't') ||
               RtlpAccept(Formatter, 'j')) {
        Formatter->Size = SIZE_64;
    } else if (RtlpAccept(Formatter, 'I')) {
        if (RtlpAccept(Formatter, '3'))
            RtlpAccept(Formatter, '2');
        else {
            if (RtlpAccept(Formatter, '6'))
                RtlpAccept(Formatter, '4');
            Formatter->Size = SIZE_64;
        }
    }
}

static VOID
RtlpPutNumber(PFORMATTER Formatter, ULONG64 Value, ULONG Base)
{
    const char *Letters = (Formatter->Flags & FLAG_CAPITAL) != 0
        ? "0123456789ABCDEF" : "0123456789abcdef";
    char        Digits[24], Prefix[2];
    int         Length = 0, PrefixLength = 0, Zeros, Blanks;

    if (Formatter->Flags & FLAG_NEGATIVE)
        Prefix[PrefixLength++] = '-';
    else if (Formatter->Flags & FLAG_PLUS)
        Prefix[PrefixLength++] = '+';
    else if (Formatter->Flags & FLAG_BLANK)
        Prefix[PrefixLength++] = ' ';
    else if ((Formatter->Flags & FLAG_PREFIX) && Base == 16 && Value != 0) {
        Prefix[PrefixLength++] = '0';
        Prefix[PrefixLength++] = (Formatter->Flags & FLAG_CAPITAL) ? 'X' : 'x';
    }

    if (Value != 0 || Formatter->Precision != 0) {
        do {
            Digits[Length++] = Letters[Value % Base];
            Value /= Base;
        } while (Value != 0);
    }
    if ((Formatter->Flags & FLAG_PREFIX) && Base == 8 && Formatter->Precision <= Length)
        Formatter->Precision = Length + 1;

    Zeros = Formatter->Precision > Length ? Formatter->Precision - Length : 0;
    Blanks = Formatter->Width - PrefixLength - Zeros - Length;
    if (Blanks > 0 && Formatter->Precision < 0 &&
        (Formatter->Flags & (FLAG_ZERO | FLAG_LEFT)) == FLAG_ZERO) {
        Zeros += Blanks;
        Blanks = 0;
    }
    if ((Formatter->Flags & FLAG_LEFT) == 0)
        RtlpPad(Formatter, ' ', Blanks);
    for (int Index = 0; Index < PrefixLength; Index += 1)
        RtlpPut(Formatter, Prefix[Index]);
    RtlpPad(Formatter, '0', Zeros);
    while (Length > 0)
        RtlpPut(Formatter, Digits[--Length]);
    if (Formatter->Flags & FLAG_LEFT)
        RtlpPad(Formatter, ' ', Blanks);
}

/*
 * String's characters are bytes or, if Wide, UTF-16 units; at most Limit of them, and none after
 * a zero if Terminated.
 */
static VOID
RtlpPutString(PFORMATTER Formatter, const VOID *String, BOOLEAN Wide, int Limit, BOOLEAN Terminated)
{
    const WCHAR *WideString = String;
    const UCHAR *NarrowString = String;
    int          Length = 0, Index;

    if (Formatter->Precision >= 0 && (Limit < 0 || Formatter->Precision < Limit))
        Limit = Formatter->Precision;
    while ((Limit < 0 || Length < Limit) &&
           (!Terminated || (Wide ? WideString[Length] : NarrowString[Length]) != 0))
        Length += 1;

    if ((Formatter->Flags & FLAG_LEFT) == 0)
        RtlpPad(Formatter, ' ', Formatter->Width - Length);
    for (Index = 0; Index < Length; Index += 1)
        RtlpPut(Formatter, Wide ? WideString[Index] : NarrowString[Index]);
    if (Formatter->Flags & FLAG_LEFT)
        RtlpPad(Formatter, ' ', Formatter->Width - Length);
}

static VOID
RtlpPutText(PFORMATTER Formatter, const VOID *Text, BOOLEAN Wide)
{
    if (Text != NULL)
        RtlpPutString(Formatter, Text, Wide, -1, TRUE);
    else
        RtlpPutString(Formatter, "(null)", FALSE, 6, FALSE);
}

/*
 * ANSI_STRING and UNICODE_STRING differ in what Buffer points to and, for a length in characters,
 * by a factor.
 */
static VOID
RtlpPutCounted(PFORMATTER Formatter, const UNICODE_STRING *String)
{
    BOOLEAN Wide = Formatter->Size == SIZE_WIDE;

    if (String == NULL || String->Buffer == NULL)
        RtlpPutText(Formatter, NULL, FALSE);
    else
        RtlpPutString(Formatter, String->Buffer, Wide, Wide ? String->Length / 2 : String->Length,
                      FALSE);
}

static ULONG64
RtlpSignedArgument(PFORMATTER Formatter, LONG64 Value)
{
    if (Formatter->Size == SIZE_CHAR)
        Value = (CHAR)Value;
    else if (Formatter->Size == SIZE_SHORT)
        Value = (SHORT)Value;
    else if (Formatter->Size != SIZE_64)
        Value = (LONG)Value;
    if (Value >= 0)
        return Value;
    Formatter->Flags |= FLAG_NEGATIVE;
    return 0 - (ULONG64)Value;
}

static ULONG64
RtlpUnsignedArgument(PFORMATTER Formatter, ULONG64 Value)
{
    Formatter->Flags &= ~(FLAG_PLUS | FLAG_BLANK);
    if (Formatter->Size == SIZE_CHAR)
        return (UCHAR)Value;
    if (Formatter->Size == SIZE_SHORT)
        return (USHORT)Value;
    return Formatter->Size == SIZE_64 ? Value : (ULONG)Value;
}

/*
 * Is the string or character that a specification of this size names a wide one? Other: C or S.
 */
static BOOLEAN
RtlpIsWideArgument(PFORMATTER Formatter, BOOLEAN Other)
{
    if (Formatter->Size == SIZE_WIDE)
        return TRUE;
    if (Formatter->Size == SIZE_SHORT)
        return FALSE;
    return (Formatter->Wide != NULL) != Other;
}

/*
 * Carries out one specification with its argument; each argument takes eight bytes of the list.
 */
static VOID
RtlpPutArgument(PFORMATTER Formatter, WCHAR Type, ULONG64 Argument)
{
    WCHAR Character = (WCHAR)Argument;

    switch (Type) {
    case 'd':
    case 'i':
        RtlpPutNumber(Formatter, RtlpSignedArgument(Formatter, Argument), 10);
        break;
    case 'u':
        RtlpPutNumber(Formatter, RtlpUnsignedArgument(Formatter, Argument), 10);
        break;
    case 'o':
        RtlpPutNumber(Formatter, RtlpUnsignedArgument(Formatter, Argument), 8);
        break;
    case 'X':
        Formatter->Flags |= FLAG_CAPITAL;
        /* fall through */
    case 'x':
        RtlpPutNumber(Formatter, RtlpUnsignedArgument(Formatter, Argument), 16);
        break;
    case 'p':
        Formatter->Flags = (Formatter->Flags & FLAG_LEFT) | FLAG_CAPITAL;
        Formatter->Precision = 16;
        RtlpPutNumber(Formatter, Argument, 16);
        break;
    case 'c':
    case 'C':
        if (!RtlpIsWideArgument(Formatter, Type == 'C'))
            Character = (UCHAR)Character;
        Formatter->Precision = -1;
        RtlpPutString(Formatter, &Character, TRUE, 1, FALSE);
        break;
    case 's':
    case 'S':
        RtlpPutText(Formatter, (PVOID)Argument, RtlpIsWideArgument(Formatter, Type == 'S'));
        break;
    case 'Z':
        RtlpPutCounted(Formatter, (const UNICODE_STRING *)Argument);
        break;
    default:
        RtlpPut(Formatter, '%');
        RtlpPut(Formatter, Type);
        break;
    }
}

static int
RtlpFormatAll(PFORMATTER Formatter, va_list Arguments)
{
    WCHAR Type;

    for (; (Type = RtlpPeek(Formatter)) != 0;) {
        RtlpAdvance(Formatter);
        if (Type != '%' || RtlpAccept(Formatter, '%')) {
            RtlpPut(Formatter, Type);
            continue;
        }

        RtlpParseFlags(Formatter);
        Formatter->Width = RtlpAccept(Formatter, '*')
            ? va_arg(Arguments, int) : RtlpParseNumber(Formatter);
        if (Formatter->Width < 0) {
            Formatter->Flags |= FLAG_LEFT;
            Formatter->Width = -Formatter->Width;
        }
        Formatter->Precision = -1;
        if (RtlpAccept(Formatter, '.'))
            Formatter->Precision = RtlpAccept(Formatter, '*') ? va_arg(Arguments, int)
                                                              : RtlpParseNumber(Formatter);
        RtlpParseSize(Formatter);
        Type = RtlpPeek(Formatter);
        if (Type == 0)
            break;
        RtlpAdvance(Formatter);
        RtlpPutArgument(Formatter, Type, va_arg(Arguments, ULONG64));
    }
    return Formatter->Count;
}

/* See rtl.h: returns the number of characters given to Put. */
int
RtlpFormat(PRTL_PUT_CHAR Put, PVOID Context, const char *Format, va_list Arguments)
{
    FORMATTER Formatter = { .Put = Put, .Context = Context, .Narrow = Format };

    return RtlpFormatAll(&Formatter, Arguments);
}

int
RtlpFormatWide(PRTL_PUT_CHAR Put, PVOID Context, const WCHAR *Format, va_list Arguments)
{
    FORMATTER Formatter = { .Put = Put, .Context = Context, .Wide = Format };

    return RtlpFormatAll(&Formatter, Arguments);
}
