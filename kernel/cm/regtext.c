/*
 * Registry text files, in the standard format:
 *
 *   Windows Registry Editor Version 5.00
 *   ; a comment
 *   [HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\pipe]     a key, made with all above it
 *   @="text"                        the default value
 *   "Name"="text with \\ and \""    REG_SZ
 *   "Name"=dword:0000000a           REG_DWORD
 *   "Name"=hex:01,02                REG_BINARY; hex(2): REG_EXPAND_SZ, hex(7): REG_MULTI_SZ,
 *                                   hex(b): REG_QWORD, hex(N): type N, N in hexadecimal. The bytes
 *                                   go on in the next line after a backslash
 *   "Name"=-                        deletes the value
 *   [-HKEY_LOCAL_MACHINE\...]       deletes the key and all below it
 *
 * The text is UTF-8 or, with a byte order mark, UTF-16. Several files may be joined: the first
 * line that says anything must be the header, and it may come again. A line that is not
 * understood gets a sentence with its number and is passed over; the values below a key line that
 * was not understood are passed over with it. regline.c reads what a line says.
 */
#include "cm/cmregtext.h"
#include "kd/kd.h"

#define MAX_COMPLAINTS  20

VOID
CmpComplain(PCM_TEXT Text, PCSTR Sentence)
{
    CHAR Line[160];

    if (++Text->Complaints > MAX_COMPLAINTS)
        return;
    _snprintf(Line, sizeof Line, "System32\\config\\system.reg, line %u: %s\r\n", Text->Line,
              Text->Complaints == MAX_COMPLAINTS ? "there are more mistakes than are told"
                                                 : Sentence);
    Line[sizeof Line - 1] = 0;
    KdPutConsole(Line);
}

/* One character of UTF-8, 0xFFFD for bytes that are none. */
static ULONG
CmpDecode(const UCHAR **At, const UCHAR *End)
{
    ULONG First = *(*At)++, More = First < 0xC2 ? 0 : First < 0xE0 ? 1 : First < 0xF0 ? 2
                                 : First < 0xF5 ? 3 : 0;
    ULONG Code = More != 0 ? First & (0x3FU >> More) : First;

    if (First < 0x80)
        return First;
    if (More == 0)
        return 0xFFFD;
    for (; More != 0; More--) {
        if (*At == End || (**At & 0xC0) != 0x80)
            return 0xFFFD;
        Code = Code << 6 | (*(*At)++ & 0x3F);
    }
    return Code > 0x10FFFF || (Code >= 0xD800 && Code < 0xE000) ? 0xFFFD : Code;
}

/* The text as UTF-16 in pool, *Length characters. */
static PWSTR
CmpWidenText(const UCHAR *Data, SIZE_T Size, PSIZE_T Length)
{
    const UCHAR *End = Data + Size;
    PWSTR        Wide;

    *Length = 0;
    if (Size >= MAXLONG / sizeof(WCHAR))
        return NULL;
    Wide = ExAllocatePoolWithTag(PagedPool, (Size + 1) * sizeof(WCHAR), CM_TAG_BUFFER);
    if (Wide == NULL)
        return NULL;
    if (Size >= 2 && Data[0] == 0xFF && Data[1] == 0xFE) {
        *Length = Size / sizeof(WCHAR) - 1;
        RtlCopyMemory(Wide, Data + 2, *Length * sizeof(WCHAR));
        return Wide;
    }
    while (Data < End) {
        ULONG Code = CmpDecode(&Data, End);

        if (Code > 0xFFFF) {
            Wide[(*Length)++] = (WCHAR)(0xD800 + ((Code - 0x10000) >> 10));
            Code = 0xDC00 + (Code & 0x3FF);
        }
        Wide[(*Length)++] = (WCHAR)Code;
    }
    return Wide;
}

static VOID
CmpSkipLine(PCM_TEXT Text)
{
    while (Text->Next < Text->End && *Text->Next != L'\n')
        Text->Next++;
    if (Text->Next < Text->End)
        Text->Next++;
    Text->Line++;
}

static BOOLEAN
CmpIsHeader(PCM_TEXT Text)
{
    static const PCWSTR Headers[] = { L"Windows Registry Editor Version 5.00", L"REGEDIT4" };

    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Headers); Index++)
        if (CmpTakeWord(Text, Headers[Index]))
            return TRUE;
    return FALSE;
}

static VOID
CmpReadLine(PCM_TEXT Text)
{
    WCHAR First = CmpPeek(Text);

    if (First == 0 || First == L';')
        return;
    if (CmpIsHeader(Text)) {
        Text->HasHeader = TRUE;
        CmpExpectEnd(Text);
        return;
    }
    if (!Text->HasHeader)
        CmpComplain(Text, "the file must begin with \"Windows Registry Editor Version 5.00\"");
    Text->HasHeader = TRUE;
    if (First == L'[')
        CmpReadKeyLine(Text);
    else if (First == L'"' || First == L'@')
        CmpReadValueLine(Text);
    else
        CmpComplain(Text, "neither a key in brackets nor a value");
}

VOID
CmReadText(const VOID *Data, SIZE_T Size)
{
    SIZE_T  Length;
    PWSTR   Wide = CmpWidenText(Data, Size, &Length);
    CM_TEXT Text = { .Next = Wide, .End = Wide + Length, .Line = 1 };

    PAGED_CODE();

    if (Wide == NULL) {
        CmpComplain(&Text, "the file is too large");
        return;
    }
    ExAcquireFastMutex(&CmpLock);
    while (Text.Next < Text.End) {
        CmpReadLine(&Text);
        CmpSkipLine(&Text);
    }
    ExReleaseFastMutex(&CmpLock);
    ExFreePoolWithTag(Wide, CM_TAG_BUFFER);
}
