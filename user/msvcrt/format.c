/*
 * printf's formatter: %d %i %u %x %X %o %p %c %C %s %S %f %F %e %E %g %G %n %%, flags "-+ #0",
 * width and precision (also *), sizes hh h l ll j z t w I32 I64 I L. In a wide format %s is a
 * wide string and %S a narrow one, as on Windows.
 */
#include "crt.h"

enum { LEFT = 1, PLUS = 2, BLANK = 4, HASH = 8, ZERO = 16 };

typedef struct _CRT_OUTPUT {
    PCRT_PUT Put;
    PVOID    Context;
    int      Count;
} CRT_OUTPUT, *PCRT_OUTPUT;

typedef struct _CRT_SPEC {
    int   Flags, Width, Precision;      // Precision -1: none given
    int   Bytes;                        // size of an integer argument
    BOOL  Long, Short;                  // l or w; h
    WCHAR Conversion;
} CRT_SPEC, *PCRT_SPEC;

static VOID
CrtPut(PCRT_OUTPUT Output, WCHAR Character)
{
    Output->Put(Output->Context, Character);
    Output->Count++;
}

static VOID
CrtPad(PCRT_OUTPUT Output, WCHAR Character, int Count)
{
    while (Count-- > 0)
        CrtPut(Output, Character);
}

/*
 * Prefix (sign, 0x), then zeros, then Text: the field is filled with blanks, or after the prefix
 * with zeros.
 */
static VOID
CrtPutNumber(PCRT_OUTPUT Output, PCRT_SPEC Spec, const char *Prefix, const char *Text, int Zeros)
{
    int Length = (int)strlen(Prefix) + Zeros + (int)strlen(Text);

    if ((Spec->Flags & (ZERO | LEFT)) == ZERO && Spec->Width > Length) {
        Zeros += Spec->Width - Length;
        Length = Spec->Width;
    }
    if (!(Spec->Flags & LEFT))
        CrtPad(Output, L' ', Spec->Width - Length);
    while (*Prefix)
        CrtPut(Output, (UCHAR)*Prefix++);
    CrtPad(Output, L'0', Zeros);
    while (*Text)
        CrtPut(Output, (UCHAR)*Text++);
    if (Spec->Flags & LEFT)
        CrtPad(Output, L' ', Spec->Width - Length);
}

static const char *
CrtSign(PCRT_SPEC Spec, BOOL Negative)
{
    return Negative ? "-" : Spec->Flags & PLUS ? "+" : Spec->Flags & BLANK ? " " : "";
}

static VOID
CrtPutInteger(PCRT_OUTPUT Output, PCRT_SPEC Spec, ULONG64 Value, BOOL Signed)
{
    const char *Digits = Spec->Conversion == L'X' || Spec->Conversion == L'p'
        ? "0123456789ABCDEF" : "0123456789abcdef";
    const char *Prefix = "";
    char        Text[32], *Next = Text + sizeof Text - 1;
    ULONG       Base = 10, Zeros;

    if (Spec->Conversion == L'x' || Spec->Conversion == L'X' || Spec->Conversion == L'p')
        Base = 16;
    if (Spec->Conversion == L'o')
        Base = 8;
    if (Signed) {
        Prefix = CrtSign(Spec, (LONG64)Value < 0);
        if ((LONG64)Value < 0)
            Value = -Value;
    } else if ((Spec->Flags & HASH) && Value && Base == 16) {
        Prefix = Spec->Conversion == L'X' ? "0X" : "0x";
    }
    *Next = 0;
    for (; Value; Value /= Base)
        *--Next = Digits[Value % Base];
    Zeros = (ULONG)strlen(Next);
    if (Spec->Precision >= 0)
        Spec->Flags &= ~ZERO;
    if (Spec->Precision < 0)
        Spec->Precision = 1;
    if ((Spec->Flags & HASH) && Base == 8 && (int)Zeros >= Spec->Precision)
        Spec->Precision = (int)Zeros + 1;
    CrtPutNumber(Output, Spec, Prefix, Next, Spec->Precision > (int)Zeros
        ? Spec->Precision - (int)Zeros : 0);
}

static VOID
CrtPutDouble(PCRT_OUTPUT Output, PCRT_SPEC Spec, double Value)
{
    char Text[CRT_DOUBLE_TEXT];
    BOOL Negative = __builtin_signbit(Value);

    if (Spec->Precision < 0)
        Spec->Precision = 6;
    if (CrtFormatDouble(Text, Negative ? -Value : Value, (char)Spec->Conversion, Spec->Precision,
            (Spec->Flags & HASH) != 0))
        Spec->Flags &= ~ZERO;                               // infinity, or not a number
    CrtPutNumber(Output, Spec, CrtSign(Spec, Negative), Text, 0);
}

static VOID
CrtPutString(PCRT_OUTPUT Output, PCRT_SPEC Spec, const void *Text, BOOL Wide)
{
    int Length = 0;

    if (Text == NULL) {
        Text = "(null)";
        Wide = FALSE;
    }
    while ((Spec->Precision < 0 || Length < Spec->Precision)
           && (Wide ? ((const wchar_t *)Text)[Length] != 0 : ((const char *)Text)[Length] != 0))
        Length++;
    if (!(Spec->Flags & LEFT))
        CrtPad(Output, L' ', Spec->Width - Length);
    for (int Index = 0; Index < Length; Index++)
        CrtPut(Output, Wide ? ((const wchar_t *)Text)[Index] : ((const UCHAR *)Text)[Index]);
    if (Spec->Flags & LEFT)
        CrtPad(Output, L' ', Spec->Width - Length);
}

/* The format, one character at a time, whatever its width. */
typedef struct _CRT_READER {
    const void *Text;
    BOOL        Wide;
} CRT_READER, *PCRT_READER;

static WCHAR
CrtPeek(PCRT_READER Reader, int Ahead)
{
    return Reader->Wide ? ((const wchar_t *)Reader->Text)[Ahead]
        : ((const UCHAR *)Reader->Text)[Ahead];
}

static VOID
CrtSkip(PCRT_READER Reader, int Count)
{
    Reader->Text = (const char *)Reader->Text + Count * (Reader->Wide ? 2 : 1);
}

static VOID
CrtReadFlags(PCRT_READER Reader, PCRT_SPEC Spec)
{
    for (;; CrtSkip(Reader, 1)) {
        switch (CrtPeek(Reader, 0)) {
        case L'-': Spec->Flags |= LEFT; break;
        case L'+': Spec->Flags |= PLUS; break;
        case L' ': Spec->Flags |= BLANK; break;
        case L'#': Spec->Flags |= HASH; break;
        case L'0': Spec->Flags |= ZERO; break;
        default:   return;
        }
    }
}

static int
CrtReadNumber(PCRT_READER Reader)
{
    int Value = 0;

    for (; CrtPeek(Reader, 0) >= L'0' && CrtPeek(Reader, 0) <= L'9'; CrtSkip(Reader, 1))
        Value = Value < 100000 ? Value * 10 + CrtPeek(Reader, 0) - L'0' : Value;
    return Value;
}

static VOID
CrtReadSize(PCRT_READER Reader, PCRT_SPEC Spec)
{
    for (;; CrtSkip(Reader, 1)) {
        switch (CrtPeek(Reader, 0)) {
        case L'h': Spec->Bytes = Spec->Short ? 1 : 2; Spec->Short = TRUE; break;
        case L'l': Spec->Bytes = Spec->Long ? 8 : 4; Spec->Long = TRUE; break;
        case L'w': Spec->Long = TRUE; break;
        case L'j': case L'z': case L't': Spec->Bytes = 8; break;
        case L'L': Spec->Bytes = 8; break;
        case L'I':
            Spec->Bytes = 8;
            if (CrtPeek(Reader, 1) == L'3' && CrtPeek(Reader, 2) == L'2') {
                Spec->Bytes = 4;
                CrtSkip(Reader, 2);
            } else if (CrtPeek(Reader, 1) == L'6' && CrtPeek(Reader, 2) == L'4') {
                CrtSkip(Reader, 2);
            }
            break;
        default:
            return;
        }
    }
}

static ULONG64
CrtInteger(PCRT_SPEC Spec, BOOL Signed, ULONG64 Argument)
{
    switch (Spec->Bytes) {
    case 1:  return Signed ? (ULONG64)(CHAR)Argument : (UCHAR)Argument;
    case 2:  return Signed ? (ULONG64)(SHORT)Argument : (USHORT)Argument;
    case 8:  return Argument;
    default: return Signed ? (ULONG64)(LONG)Argument : (ULONG)Argument;
    }
}

/*
 * On x64 every argument takes one 8-byte slot, and a double's slot holds its bits: one fetch
 * serves all.
 */
static VOID
CrtConvert(PCRT_OUTPUT Output, PCRT_SPEC Spec, BOOL WideFormat, ULONG64 Argument)
{
    WCHAR  Character[2] = { (WCHAR)Argument, 0 };
    double Value;

    switch (Spec->Conversion) {
    case L'd': case L'i':
        CrtPutInteger(Output, Spec, CrtInteger(Spec, TRUE, Argument), TRUE);
        break;
    case L'u': case L'x': case L'X': case L'o':
        CrtPutInteger(Output, Spec, CrtInteger(Spec, FALSE, Argument), FALSE);
        break;
    case L'p':
        Spec->Precision = 16;
        CrtPutInteger(Output, Spec, Argument, FALSE);
        break;
    case L'f': case L'F': case L'e': case L'E': case L'g': case L'G':
        memcpy(&Value, &Argument, sizeof Value);
        CrtPutDouble(Output, Spec, Value);
        break;
    case L'c': case L'C':
        Spec->Precision = 1;
        CrtPutString(Output, Spec, Character[0] ? (PVOID)Character : (PVOID)L"", TRUE);
        if (Character[0] == 0)
            CrtPut(Output, 0);
        break;
    case L's':
        CrtPutString(Output, Spec, (PVOID)Argument, Spec->Long || (WideFormat && !Spec->Short));
        break;
    case L'S':
        CrtPutString(Output, Spec, (PVOID)Argument, Spec->Long || (!WideFormat && !Spec->Short));
        break;
    case L'n':
        *(int *)Argument = Output->Count;
        break;
    }
}

int
CrtFormat(PCRT_PUT Put, PVOID Context, const void *Format, BOOL Wide, va_list Arguments)
{
    CRT_OUTPUT Output = { Put, Context, 0 };
    CRT_READER Reader = { Format, Wide };

    for (; CrtPeek(&Reader, 0); CrtSkip(&Reader, 1)) {
        CRT_SPEC Spec = { .Precision = -1 };

        if (CrtPeek(&Reader, 0) != L'%' || CrtPeek(&Reader, 1) == L'%') {
            CrtPut(&Output, CrtPeek(&Reader, 0));
            CrtSkip(&Reader, CrtPeek(&Reader, 0) == L'%');
            continue;
        }
        CrtSkip(&Reader, 1);
        CrtReadFlags(&Reader, &Spec);
        if (CrtPeek(&Reader, 0) == L'*') {
            Spec.Width = va_arg(Arguments, int);
            CrtSkip(&Reader, 1);
            if (Spec.Width < 0) {
                Spec.Flags |= LEFT;
                Spec.Width = -Spec.Width;
            }
        } else {
            Spec.Width = CrtReadNumber(&Reader);
        }
        if (CrtPeek(&Reader, 0) == L'.') {
            CrtSkip(&Reader, 1);
            if (CrtPeek(&Reader, 0) == L'*') {
                Spec.Precision = va_arg(Arguments, int);
                CrtSkip(&Reader, 1);
            } else {
                Spec.Precision = CrtReadNumber(&Reader);
            }
        }
        CrtReadSize(&Reader, &Spec);
        Spec.Conversion = CrtPeek(&Reader, 0);
        if (Spec.Conversion == 0)
            break;
        CrtConvert(&Output, &Spec, Wide, va_arg(Arguments, ULONG64));
    }
    return Output.Count;
}
