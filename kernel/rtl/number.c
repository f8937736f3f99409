/*
 * Numbers in strings, both ways. A number may be written with 0x, 0o or 0b before it, a sign
 * before that, and blanks before everything; the base 0 means that the prefix says it, and 10
 * without one.
 */
#include "rtlp.h"

/* Writes Value in Base, without sign, right-aligned before End; returns its start. */
static PWCHAR
RtlpPutDigits(PWCHAR End, ULONG64 Value, ULONG Base)
{
    do {
        *--End = L"0123456789ABCDEF"[Value % Base];
        Value /= Base;
    } while (Value != 0);
    return End;
}

/*
 * String becomes Value in Base (2, 8, 10, 16; 0 is 10). STATUS_BUFFER_OVERFLOW if it does not
 * fit. Any IRQL.
 */
NTSTATUS NTAPI
RtlInt64ToUnicodeString(ULONGLONG Value, ULONG Base, PUNICODE_STRING String)
{
    WCHAR  Digits[64];
    PWCHAR Start;
    SIZE_T Bytes;

    if (Base == 0)
        Base = 10;
    if (Base != 2 && Base != 8 && Base != 10 && Base != 16)
        return STATUS_INVALID_PARAMETER;

    Start = RtlpPutDigits(Digits + RTL_NUMBER_OF(Digits), Value, Base);
    Bytes = (PUCHAR)(Digits + RTL_NUMBER_OF(Digits)) - (PUCHAR)Start;
    if (Bytes > String->MaximumLength)
        return STATUS_BUFFER_OVERFLOW;

    memcpy(String->Buffer, Start, Bytes);
    String->Length = (USHORT)Bytes;
    if (Bytes + sizeof(WCHAR) <= String->MaximumLength)
        String->Buffer[Bytes / sizeof(WCHAR)] = L'\0';
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI
RtlIntegerToUnicodeString(ULONG Value, ULONG Base, PUNICODE_STRING String)
{
    return RtlInt64ToUnicodeString(Value, Base, String);
}

static ULONG
RtlpDigitOf(WCHAR Character)
{
    if (Character >= '0' && Character <= '9')
        return Character - '0';
    Character |= 0x20;
    if (Character >= 'a' && Character <= 'f')
        return Character - 'a' + 10;
    return 16;
}

/* Skips what may stand before the digits; returns the base, and whether there was a minus. */
static ULONG
RtlpReadPrefix(PCUNICODE_STRING String, PULONG Index, ULONG Base, PBOOLEAN Negative)
{
    ULONG Count = String->Length / sizeof(WCHAR);
    WCHAR Letter;

    while (*Index < Count && String->Buffer[*Index] <= L' ')
        *Index += 1;
    *Negative = FALSE;
    if (*Index < Count && (String->Buffer[*Index] == L'-' || String->Buffer[*Index] == L'+')) {
        *Negative = String->Buffer[*Index] == L'-';
        *Index += 1;
    }
    if (Base != 0)
        return Base;
    if (*Index + 1 >= Count || String->Buffer[*Index] != L'0')
        return 10;

    Letter = String->Buffer[*Index + 1] | 0x20;
    Base = Letter == L'x' ? 16 : Letter == L'o' ? 8 : Letter == L'b' ? 2 : 10;
    if (Base != 10)
        *Index += 2;
    return Base;
}

/*
 * Reads the number that String starts with; what follows it is ignored, no digits at all give 0.
 * STATUS_INVALID_PARAMETER for another base than 0, 2, 8, 10, 16. Any IRQL.
 */
NTSTATUS NTAPI
RtlUnicodeStringToInteger(PCUNICODE_STRING String, ULONG Base, PULONG Value)
{
    ULONG   Index = 0, Result = 0;
    BOOLEAN Negative;

    if (Base != 0 && Base != 2 && Base != 8 && Base != 10 && Base != 16)
        return STATUS_INVALID_PARAMETER;

    Base = RtlpReadPrefix(String, &Index, Base, &Negative);
    for (; Index < String->Length / sizeof(WCHAR); Index += 1) {
        ULONG Digit = RtlpDigitOf(String->Buffer[Index]);

        if (Digit >= Base)
            break;
        Result = Result * Base + Digit;
    }
    *Value = Negative ? 0 - Result : Result;
    return STATUS_SUCCESS;
}

/* The same for a terminated narrow string of at most 31 characters that count. */
NTSTATUS NTAPI
RtlCharToInteger(PCSZ String, ULONG Base, PULONG Value)
{
    WCHAR          Buffer[32];
    UNICODE_STRING Unicode = { 0, sizeof(Buffer), Buffer };
    ULONG          Index;

    while (*String != '\0' && (UCHAR)*String <= ' ')
        String += 1;
    for (Index = 0; Index < RTL_NUMBER_OF(Buffer) && String[Index] != '\0'; Index += 1)
        Buffer[Index] = (UCHAR)String[Index];
    Unicode.Length = (USHORT)(Index * sizeof(WCHAR));
    return RtlUnicodeStringToInteger(&Unicode, Base, Value);
}
