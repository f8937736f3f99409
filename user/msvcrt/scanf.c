/*
 * sscanf and scanf for numbers, words and characters: %d %i %u %x %o %s %c %n %%, a width, '*',
 * and the sizes hh h l ll I64. A line of standard input is scanned as a string: scanf reads one
 * line a call.
 */
#include "crt.h"

long long _strtoi64(const char *Text, char **End, int Base);
char *fgets(char *Buffer, int Size, FILE *Stream);

typedef struct _CRT_SCAN {
    int  Width, Bytes;
    BOOL Skip;
    char Conversion;
} CRT_SCAN, *PCRT_SCAN;

static const char *
CrtReadScan(const char *Format, PCRT_SCAN Scan)
{
    memset(Scan, 0, sizeof *Scan);
    Scan->Bytes = 4;
    if (*Format == '*') {
        Scan->Skip = TRUE;
        Format++;
    }
    while (isdigit((UCHAR)*Format))
        Scan->Width = Scan->Width * 10 + *Format++ - '0';
    for (;; Format++) {
        if (*Format == 'h')
            Scan->Bytes = Scan->Bytes == 2 ? 1 : 2;
        else if (*Format == 'l')
            Scan->Bytes = Format[1] == 'l' ? 8 : Scan->Bytes;
        else if (*Format == 'I' && Format[1] == '6' && Format[2] == '4') {
            Scan->Bytes = 8;
            Format += 2;
        } else
            break;
    }
    Scan->Conversion = *Format;
    return *Format ? Format + 1 : Format;
}

/* Scans one number of at most Width characters; NULL if there is none. */
static const char *
CrtScanNumber(const char *Text, PCRT_SCAN Scan, void *Target)
{
    char      Copy[32], *End;
    int       Base = Scan->Conversion == 'x' ? 16 : Scan->Conversion == 'o' ? 8
        : Scan->Conversion == 'i' ? 0 : 10;
    int       Limit = Scan->Width && Scan->Width < 31 ? Scan->Width : 31, Length = 0;
    long long Value;

    while (Length < Limit && Text[Length]) {
        Copy[Length] = Text[Length];
        Length++;
    }
    Copy[Length] = 0;
    Value = _strtoi64(Copy, &End, Base);
    if (End == Copy)
        return NULL;
    if (!Scan->Skip)
        memcpy(Target, &Value, Scan->Bytes);
    return Text + (End - Copy);
}

static const char *
CrtScanText(const char *Text, PCRT_SCAN Scan, char *Target)
{
    int Count = 0, Limit = Scan->Width ? Scan->Width : Scan->Conversion == 'c' ? 1 : INT_MAX;

    while (Count < Limit && Text[Count] && (Scan->Conversion == 'c'
        || !isspace((UCHAR)Text[Count])))
        Count++;
    if (Count == 0)
        return NULL;
    if (!Scan->Skip) {
        memcpy(Target, Text, Count);
        if (Scan->Conversion == 's')
            Target[Count] = 0;
    }
    return Text + Count;
}

int __cdecl
vsscanf(const char *Text, const char *Format, va_list Arguments)
{
    const char *Start = Text;
    int         Assigned = 0;

    while (*Format) {
        CRT_SCAN Scan;
        void    *Target;

        if (isspace((UCHAR)*Format)) {
            while (isspace((UCHAR)*Text))
                Text++;
            Format++;
            continue;
        }
        if (*Format != '%' || Format[1] == '%') {
            if (*Text != *Format)
                break;
            Format += *Format == '%' ? 2 : 1;
            Text++;
            continue;
        }
        Format = CrtReadScan(Format + 1, &Scan);
        Target = Scan.Skip ? NULL : va_arg(Arguments, void *);
        if (Scan.Conversion == 'n') {
            *(int *)Target = (int)(Text - Start);
            continue;
        }
        while (Scan.Conversion != 'c' && isspace((UCHAR)*Text))
            Text++;
        if (*Text == 0 && Assigned == 0)
            return EOF;
        Text = Scan.Conversion == 's' || Scan.Conversion == 'c' ? CrtScanText(Text, &Scan, Target)
             : CrtScanNumber(Text, &Scan, Target);
        if (Text == NULL)
            break;
        Assigned += !Scan.Skip;
    }
    return Assigned;
}

int __cdecl
sscanf(const char *Text, const char *Format, ...)
{
    va_list Arguments;
    int     Count;

    va_start(Arguments, Format);
    Count = vsscanf(Text, Format, Arguments);
    va_end(Arguments);
    return Count;
}

int __cdecl
scanf(const char *Format, ...)
{
    char    Line[512];
    va_list Arguments;
    int     Count;

    if (fgets(Line, sizeof Line, &_iob[0]) == NULL)
        return EOF;
    va_start(Arguments, Format);
    Count = vsscanf(Line, Format, Arguments);
    va_end(Arguments);
    return Count;
}
