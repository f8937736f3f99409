/*
 * Doubles as decimal text, exactly: the value is written as a binary fixed-point number of 34
 * words after the point and 33 before it, which holds every double; dividing the whole part and
 * multiplying the fraction by 10^9 gives all its decimal digits (no more than 309 before and 1074
 * after the point). Rounding, to nearest and then to even, is done on those.
 */
#include "crt.h"

#define FRACTION_WORDS  34
#define WHOLE_WORDS     33
#define MAX_DIGITS      1400

typedef struct _CRT_DECIMAL {
    // no leading zero, except that a value below 1 starts behind the point
    char Digits[MAX_DIGITS];
    int  Count;
    int  Point;                         // digits before the point; negative: zeros after it
} CRT_DECIMAL, *PCRT_DECIMAL;

static VOID
CrtPutGroup(PCRT_DECIMAL Decimal, ULONG Group)
{
    ULONG Unit = 100000000;

    for (; Unit; Unit /= 10)
        if (Decimal->Count < MAX_DIGITS)
            Decimal->Digits[Decimal->Count++] = (char)(Group / Unit % 10);
}

static VOID
CrtExpand(double Value, PCRT_DECIMAL Decimal)
{
    ULONG   Words[FRACTION_WORDS + WHOLE_WORDS] = { 0 }, Groups[40];
    ULONG64 Bits, Mantissa;
    int     Exponent, Shift, Count = 0, Skip = 0;
    BOOL    Rest = TRUE;

    memcpy(&Bits, &Value, sizeof Bits);
    Exponent = (int)(Bits >> 52 & 0x7FF);
    Mantissa = (Bits & 0xFFFFFFFFFFFFF) | (Exponent ? 1ULL << 52 : 0);
    // place of the mantissa's lowest bit
    Shift = (Exponent ? Exponent : 1) - 1075 + FRACTION_WORDS * 32;
    for (int Bit = 0; Bit < 53; Bit++)
        if (Mantissa >> Bit & 1)
            Words[(Shift + Bit) / 32] |= 1u << ((Shift + Bit) % 32);

    while (Rest) {                      // the whole part, lowest group first
        ULONG64 Remainder = 0;

        Rest = FALSE;
        for (int Index = FRACTION_WORDS + WHOLE_WORDS - 1; Index >= FRACTION_WORDS; Index--) {
            Remainder = Remainder << 32 | Words[Index];
            Words[Index] = (ULONG)(Remainder / 1000000000);
            Remainder %= 1000000000;
            Rest |= Words[Index] != 0;
        }
        Groups[Count++] = (ULONG)Remainder;
    }
    Decimal->Count = 0;
    while (Count)
        CrtPutGroup(Decimal, Groups[--Count]);
    Decimal->Point = Decimal->Count;

    Rest = TRUE;
    while (Rest && Decimal->Count < MAX_DIGITS - 9) {   // the fraction, highest group first
        ULONG64 Carry = 0;

        Rest = FALSE;
        for (int Index = 0; Index < FRACTION_WORDS; Index++) {
            Carry += (ULONG64)Words[Index] * 1000000000;
            Words[Index] = (ULONG)Carry;
            Carry >>= 32;
            Rest |= Words[Index] != 0;
        }
        CrtPutGroup(Decimal, (ULONG)Carry);
    }
    while (Skip < Decimal->Count - 1 && Decimal->Digits[Skip] == 0)
        Skip++;
    memmove(Decimal->Digits, Decimal->Digits + Skip, Decimal->Count - Skip);
    Decimal->Count -= Skip;
    Decimal->Point -= Skip;
}

/*
 * Keeps Keep digits (which may be 0 or less). A carry out of the first one makes a new first
 * digit.
 */
static VOID
CrtRound(PCRT_DECIMAL Decimal, int Keep)
{
    BOOL Up, Exact = TRUE;

    if (Keep >= Decimal->Count)
        return;
    if (Keep < 0) {
        Decimal->Count = 0;
        return;
    }
    for (int Index = Keep + 1; Index < Decimal->Count; Index++)
        Exact &= Decimal->Digits[Index] == 0;
    Up = Decimal->Digits[Keep] > 5
        || (Decimal->Digits[Keep] == 5 && (!Exact || (Keep && (Decimal->Digits[Keep - 1] & 1))));
    Decimal->Count = Keep;
    if (!Up)
        return;
    while (Keep > 0 && Decimal->Digits[Keep - 1] == 9)
        Decimal->Digits[--Keep] = 0;
    if (Keep) {
        Decimal->Digits[Keep - 1]++;
        return;
    }
    memmove(Decimal->Digits + 1, Decimal->Digits, Decimal->Count);
    Decimal->Digits[0] = 1;
    Decimal->Count++;
    Decimal->Point++;
}

static char
CrtDigit(PCRT_DECIMAL Decimal, int Index)
{
    return Index >= 0 && Index < Decimal->Count ? (char)('0' + Decimal->Digits[Index]) : '0';
}

static char *
CrtFixed(char *Next, PCRT_DECIMAL Decimal, int Precision, BOOL Alternate)
{
    if (Decimal->Point <= 0)
        *Next++ = '0';
    for (int Index = 0; Index < Decimal->Point; Index++)
        *Next++ = CrtDigit(Decimal, Index);
    if (Precision || Alternate)
        *Next++ = '.';
    for (int Index = 0; Index < Precision; Index++)
        *Next++ = CrtDigit(Decimal, Decimal->Point + Index);
    return Next;
}

static char *
CrtScientific(char *Next, PCRT_DECIMAL Decimal, int Precision, BOOL Alternate, char Letter,
    BOOL Zero)
{
    int Exponent = Zero ? 0 : Decimal->Point - 1;

    *Next++ = CrtDigit(Decimal, 0);
    if (Precision || Alternate)
        *Next++ = '.';
    for (int Index = 1; Index <= Precision; Index++)
        *Next++ = CrtDigit(Decimal, Index);
    *Next++ = Letter;
    *Next++ = Exponent < 0 ? '-' : '+';
    if (Exponent < 0)
        Exponent = -Exponent;
    *Next++ = (char)('0' + Exponent / 100);                 // three digits, as msvcrt prints
    *Next++ = (char)('0' + Exponent / 10 % 10);
    *Next++ = (char)('0' + Exponent % 10);
    return Next;
}

/*
 * Writes Value (not negative) to Buffer, CRT_DOUBLE_TEXT bytes, terminated. Returns 1 for
 * infinity and NaN, else 0.
 */
int
CrtFormatDouble(char *Buffer, double Value, char Conversion, int Precision, BOOL Alternate)
{
    CRT_DECIMAL Decimal;
    BOOL        Upper = Conversion < 'a';
    char        Letter = Upper ? 'E' : 'e', *Next = Buffer;

    if (__builtin_isnan(Value) || __builtin_isinf(Value)) {
        strcpy(Buffer, __builtin_isnan(Value) ? (Upper ? "NAN" : "nan") : (Upper ? "INF" : "inf"));
        return 1;
    }
    if (Precision > 400)
        Precision = 400;
    CrtExpand(Value, &Decimal);
    switch (Conversion | 0x20) {
    case 'f':
        CrtRound(&Decimal, Decimal.Point + Precision);
        Next = CrtFixed(Next, &Decimal, Precision, Alternate);
        break;
    case 'e':
        CrtRound(&Decimal, Precision + 1);
        Next = CrtScientific(Next, &Decimal, Precision, Alternate, Letter, Value == 0);
        break;
    default:
        if (Precision == 0)
            Precision = 1;
        CrtRound(&Decimal, Precision);
        while (!Alternate && Decimal.Count > 1 && Decimal.Digits[Decimal.Count - 1] == 0)
            Decimal.Count--;
        if (Value != 0 && (Decimal.Point < -3 || Decimal.Point > Precision))
            Next = CrtScientific(Next, &Decimal, Alternate ? Precision - 1 : Decimal.Count - 1,
                Alternate, Letter, FALSE);
        else if (Value == 0)
            Next = CrtFixed(Next, &Decimal, Alternate ? Precision - 1 : 0, Alternate);
        else
            Next = CrtFixed(Next, &Decimal, Alternate ? Precision - Decimal.Point
                                    : max(Decimal.Count - Decimal.Point, 0), Alternate);
    }
    *Next = 0;
    return 0;
}
