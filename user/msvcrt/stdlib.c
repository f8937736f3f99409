/*
 * <stdlib.h>: memory, numbers, sorting, random numbers; and what there is of <locale.h>: the "C"
 * locale.
 */
#include "crt.h"

void * __cdecl
malloc(size_t Size)
{
    void *Block = HeapAlloc(GetProcessHeap(), 0, Size);

    if (Block == NULL)
        errno = ENOMEM;
    return Block;
}

void * __cdecl
calloc(size_t Count, size_t Size)
{
    if (Size && Count > SIZE_MAX / Size)
        return NULL;
    return HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, Count * Size);
}

void * __cdecl
realloc(void *Block, size_t Size)
{
    if (Block == NULL)
        return malloc(Size);
    if (Size == 0) {
        free(Block);
        return NULL;
    }
    return HeapReAlloc(GetProcessHeap(), 0, Block, Size);
}

void __cdecl
free(void *Block)
{
    HeapFree(GetProcessHeap(), 0, Block);
}

size_t __cdecl
_msize(void *Block)
{
    return HeapSize(GetProcessHeap(), 0, Block);
}

static int
CrtDigitValue(char Digit)
{
    if (Digit >= '0' && Digit <= '9')
        return Digit - '0';
    Digit = (char)tolower((unsigned char)Digit);
    return Digit >= 'a' && Digit <= 'z' ? Digit - 'a' + 10 : 99;
}

/* Reads a number up to Limit; more is Limit and ERANGE. *Negative tells of a minus sign. */
static unsigned long long
CrtReadInteger(const char *Text, char **End, int Base, unsigned long long Limit, BOOL *Negative)
{
    const char        *Start = Text;
    unsigned long long Value = 0;
    BOOL               Any = FALSE, Over = FALSE;

    while (isspace((unsigned char)*Text))
        Text++;
    *Negative = *Text == '-';
    if (*Text == '-' || *Text == '+')
        Text++;
    if ((Base == 0 || Base == 16) && Text[0] == '0' && (Text[1] | 0x20) == 'x'
        && CrtDigitValue(Text[2]) < 16) {
        Text += 2;
        Base = 16;
    }
    if (Base == 0)
        Base = *Text == '0' ? 8 : 10;
    for (; CrtDigitValue(*Text) < Base; Text++, Any = TRUE) {
        int Digit = CrtDigitValue(*Text);

        if (Value > (Limit - Digit) / Base)
            Over = TRUE;
        Value = Value * Base + Digit;
    }
    if (End)
        *End = (char *)(Any ? Text : Start);
    if (Over) {
        errno = ERANGE;
        return Limit;
    }
    return Value;
}

long __cdecl
strtol(const char *Text, char **End, int Base)
{
    BOOL          Negative;
    unsigned long Value = (unsigned long)CrtReadInteger(Text, End, Base, 0x80000000u, &Negative);

    if (Negative)
        return (long)(0 - Value);
    if (Value == 0x80000000u)
        errno = ERANGE;
    return Value == 0x80000000u ? LONG_MAX : (long)Value;
}

unsigned long __cdecl
strtoul(const char *Text, char **End, int Base)
{
    BOOL          Negative;
    unsigned long Value = (unsigned long)CrtReadInteger(Text, End, Base, 0xFFFFFFFFu, &Negative);

    return Negative ? 0 - Value : Value;
}

long long __cdecl
_strtoi64(const char *Text, char **End, int Base)
{
    BOOL               Negative;
    unsigned long long Value = CrtReadInteger(Text, End, Base, 1ULL << 63, &Negative);

    if (Negative)
        return (long long)(0 - Value);
    return Value == 1ULL << 63 ? LLONG_MAX : (long long)Value;
}

unsigned long long __cdecl
_strtoui64(const char *Text, char **End, int Base)
{
    BOOL               Negative;
    unsigned long long Value = CrtReadInteger(Text, End, Base, ULLONG_MAX, &Negative);

    return Negative ? 0 - Value : Value;
}

int __cdecl
atoi(const char *Text)
{
    return (int)strtol(Text, NULL, 10);
}

long __cdecl
atol(const char *Text)
{
    return strtol(Text, NULL, 10);
}

long long __cdecl
_atoi64(const char *Text)
{
    return _strtoi64(Text, NULL, 10);
}

/* Good to about 15 digits: the digits as an integer, times a power of ten. */
double __cdecl
strtod(const char *Text, char **End)
{
    const char *Start = Text;
    double      Value = 0, Scale = 1;
    int         Exponent = 0;
    BOOL        Negative, Any = FALSE;

    while (isspace((unsigned char)*Text))
        Text++;
    Negative = *Text == '-';
    if (*Text == '-' || *Text == '+')
        Text++;
    for (; isdigit((unsigned char)*Text); Text++, Any = TRUE)
        Value = Value * 10 + (*Text - '0');
    if (*Text == '.')
        for (Text++; isdigit((unsigned char)*Text); Text++, Exponent--, Any = TRUE)
            Value = Value * 10 + (*Text - '0');
    if (Any && (*Text | 0x20) == 'e') {
        char *Stop;
        long  Power = strtol(Text + 1, &Stop, 10);

        if (Stop != Text + 1) {
            Exponent += (int)Power;
            Text = Stop;
        }
    }
    for (int Count = Exponent < 0 ? -Exponent : Exponent; Count > 0; Count--)
        Scale *= 10;
    if (End)
        *End = (char *)(Any ? Text : Start);
    Value = Exponent < 0 ? Value / Scale : Value * Scale;
    return Negative ? -Value : Value;
}

double __cdecl
atof(const char *Text)
{
    return strtod(Text, NULL);
}

char * __cdecl
_ui64toa(unsigned long long Value, char *Buffer, int Base)
{
    char  Text[65], *Next = Text + 64;
    char *Target = Buffer;

    *Next = 0;
    do {
        *--Next = "0123456789abcdefghijklmnopqrstuvwxyz"[Value % Base];
        Value /= Base;
    } while (Value);
    while ((*Target++ = *Next++) != 0)
        ;
    return Buffer;
}

char * __cdecl
_i64toa(long long Value, char *Buffer, int Base)
{
    if (Value >= 0 || Base != 10)
        return _ui64toa(Value, Buffer, Base);
    Buffer[0] = '-';
    _ui64toa(0 - (unsigned long long)Value, Buffer + 1, Base);
    return Buffer;
}

char * __cdecl
_itoa(int Value, char *Buffer, int Base)
{
    return Base == 10 ? _i64toa(Value, Buffer, Base) : _ui64toa((unsigned)Value, Buffer, Base);
}

char * __cdecl
_ultoa(unsigned long Value, char *Buffer, int Base)
{
    return _ui64toa(Value, Buffer, Base);
}

static void
CrtSwap(char *A, char *B, size_t Size)
{
    for (; Size; Size--, A++, B++) {
        char Byte = *A;

        *A = *B;
        *B = Byte;
    }
}

/* Heap sort: no recursion, no memory, never worse than n log n. */
void __cdecl
qsort(void *Base, size_t Count, size_t Size, int (*Compare)(const void *, const void *))
{
    char  *Items = Base;
    size_t Start = Count / 2, End = Count;

    while (End > 1) {
        size_t Root, Child;

        if (Start)
            Start--;
        else
            CrtSwap(Items, Items + --End * Size, Size);
        for (Root = Start; (Child = Root * 2 + 1) < End; Root = Child) {
            if (Child + 1 < End && Compare(Items + Child * Size, Items + (Child + 1) * Size) < 0)
                Child++;
            if (Compare(Items + Root * Size, Items + Child * Size) >= 0)
                break;
            CrtSwap(Items + Root * Size, Items + Child * Size, Size);
        }
    }
}

void * __cdecl
bsearch(const void *Key, const void *Base, size_t Count, size_t Size,
    int (*Compare)(const void *, const void *))
{
    const char *Items = Base;

    while (Count) {
        const char *Middle = Items + Count / 2 * Size;
        int         Order = Compare(Key, Middle);

        if (Order == 0)
            return (void *)Middle;
        if (Order > 0) {
            Items = Middle + Size;
            Count--;
        }
        Count /= 2;
    }
    return NULL;
}

void __cdecl
srand(unsigned Seed)
{
    CrtThread()->Seed = Seed;
}

int __cdecl
rand(void)
{
    PCRT_THREAD Thread = CrtThread();

    Thread->Seed = Thread->Seed * 214013 + 2531011;
    return Thread->Seed >> 16 & 0x7FFF;
}

int __cdecl
abs(int Value)
{
    return Value < 0 ? -Value : Value;
}

long __cdecl
labs(long Value)
{
    return Value < 0 ? -Value : Value;
}
