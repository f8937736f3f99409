/*
 * The runtime library as a driver sees it through the kernel's exports: memory and strings,
 * formatting, numbers, time. ktseh.sys does the same for exceptions.
 */
#include <ntifs.h>

#include "../ktest.h"

/* What <ntifs.h> leaves to other headers. */
int _vsnprintf(char *Buffer, size_t Limit, const char *Format, va_list Arguments);
int _snprintf(char *Buffer, size_t Limit, const char *Format, ...);
int _snwprintf(wchar_t *Buffer, size_t Limit, const wchar_t *Format, ...);
LONG NTAPI RtlCompareString(PSTRING String1, PSTRING String2, BOOLEAN CaseInSensitive);

/* ---- memory ---- */

static UCHAR Pattern[96], Work[96];

static VOID
FillPattern(PUCHAR Bytes)
{
    ULONG Index;

    for (Index = 0; Index < sizeof(Pattern); Index++)
        Bytes[Index] = (UCHAR)(Index * 7 + 1);
}

/* Size bytes were moved inside Work from From to To: every byte is where it belongs. */
static BOOLEAN
MovedRight(ULONG To, ULONG From, ULONG Size)
{
    ULONG Index;

    for (Index = 0; Index < sizeof(Work); Index++) {
        ULONG Source = Index >= To && Index < To + Size ? Index - To + From : Index;

        if (Work[Index] != Pattern[Source])
            return FALSE;
    }
    return TRUE;
}

static VOID
Memory(VOID)
{
    ULONG To, From, Size, Index;

    FillPattern(Pattern);
    for (Size = 0; Size <= 40; Size++) {
        for (To = 0; To <= 24; To++) {
            for (From = 0; From <= 24; From++) {
                FillPattern(Work);
                EXPECT(RtlCompareMemory(Work, Pattern, sizeof(Work)) == sizeof(Work));
                memmove(Work + To, Work + From, Size);
                EXPECT(MovedRight(To, From, Size));
            }
            FillPattern(Work);
            EXPECT(memcpy(Work + To + 48, Work + 8, Size) == Work + To + 48 || Size > 40);
            EXPECT(To > 8 || MovedRight(To + 48, 8, Size));
            EXPECT(memset(Work + To, 0xAB, Size) == Work + To);
            for (Index = To; Index < To + Size; Index++)
                EXPECT(Work[Index] == 0xAB);
        }
    }
    FillPattern(Work);
    Work[37]++;
    EXPECT(RtlCompareMemory(Work, Pattern, sizeof(Work)) == 37);
    EXPECT(memcmp(Work, Pattern, 37) == 0 && memcmp(Work, Pattern, 38) > 0);
}

/* ---- strings ---- */

static UNICODE_STRING
Wide(PCWSTR Text)
{
    UNICODE_STRING String;

    RtlInitUnicodeString(&String, Text);
    return String;
}

static VOID
UnicodeStrings(VOID)
{
    WCHAR          Buffer[8];
    UNICODE_STRING Small = { 0, sizeof(Buffer), Buffer }, Made, A = Wide(L"Pipe"), B =
        Wide(L"pIPE\\x");
    WCHAR          Letter;

    EXPECT(A.Length == 8 && A.MaximumLength == 10);
    EXPECT(!RtlEqualUnicodeString(&A, &B, TRUE) && RtlPrefixUnicodeString(&A, &B, TRUE));
    EXPECT(!RtlPrefixUnicodeString(&A, &B, FALSE) && RtlCompareUnicodeString(&A, &B, TRUE) < 0);
    RtlCopyUnicodeString(&Small, &A);
    EXPECT(Small.Length == 8 && Buffer[4] == 0);
    EXPECT(RtlAppendUnicodeToString(&Small, L"12345") == STATUS_BUFFER_TOO_SMALL &&
           Small.Length == 8);
    EXPECT(RtlAppendUnicodeToString(&Small, L"1234") == STATUS_SUCCESS && Small.Length == 16);
    EXPECT(RtlUpcaseUnicodeString(&Made, &B, TRUE) == STATUS_SUCCESS);
    EXPECT(RtlCompareMemory(Made.Buffer, L"PIPE\\X", 12) == 12);
    RtlFreeUnicodeString(&Made);
    EXPECT(Made.Buffer == NULL);

    EXPECT(RtlUpcaseUnicodeChar(0xE4) == 0xC4 && RtlUpcaseUnicodeChar(0xDF) == 0xDF);
    EXPECT(RtlUpcaseUnicodeChar(0xFF) == 0x178 && RtlUpcaseUnicodeChar(0x3B1) == 0x391);
    EXPECT(RtlUpcaseUnicodeChar(0x44F) == 0x42F && RtlUpcaseUnicodeChar(0x13A) == 0x139);
    for (Letter = 1; Letter != 0; Letter++) {
        WCHAR Small = RtlDowncaseUnicodeChar(Letter);

        EXPECT(RtlUpcaseUnicodeChar(Small) == RtlUpcaseUnicodeChar(Letter));
    }
}

static VOID
AnsiStrings(VOID)
{
    ANSI_STRING    Ansi, Other;
    UNICODE_STRING Unicode;
    CHAR           Buffer[4];

    RtlInitAnsiString(&Ansi, "\xE4xyz");
    EXPECT(RtlAnsiStringToUnicodeString(&Unicode, &Ansi, TRUE) == STATUS_SUCCESS);
    EXPECT(Unicode.Length == 8 && Unicode.Buffer[0] == 0xE4 && Unicode.Buffer[4] == 0);
    Other.Buffer = Buffer;
    Other.MaximumLength = sizeof(Buffer);
    EXPECT(RtlUnicodeStringToAnsiString(&Other, &Unicode, FALSE) == STATUS_BUFFER_OVERFLOW);
    EXPECT(Other.Length == 3 && Buffer[3] == 0);
    RtlFreeUnicodeString(&Unicode);

    EXPECT(strcmp("abc", "abd") < 0 && strncmp("abc", "abd", 2) == 0);
    EXPECT(strrchr("a/b/c", '/')[1] == 'c' && strchr("a/b", 'x') == NULL &&
           strstr("xabcx", "bc")[2] == 'x');
    EXPECT(wcscmp(L"b", L"a") > 0 && wcsstr(L"one two", L"two") != NULL && wcslen(L"four") == 4);
}

/* ---- formatting and numbers ---- */

static BOOLEAN
Formats(PCSTR Expected, PCSTR Format, ...)
{
    CHAR    Text[128];
    va_list Arguments;

    va_start(Arguments, Format);
    _vsnprintf(Text, sizeof(Text), Format, Arguments);
    va_end(Arguments);
    if (strcmp(Text, Expected) != 0)
        DbgPrint("ktrtl: %s gave \"%s\", not \"%s\"\n", Format, Text, Expected);
    return strcmp(Text, Expected) == 0;
}

static VOID
Formatting(VOID)
{
    UNICODE_STRING Name = Wide(L"name");
    ANSI_STRING    Ansi;
    CHAR           Exact[4];
    WCHAR          Out[16];

    RtlInitAnsiString(&Ansi, "ansi");
    EXPECT(Formats("-5|  42|42  |0042|+7| 7", "%d|%4d|%-4d|%04d|%+d|% d", -5, 42, 42, 42, 7, 7));
    EXPECT(Formats("ff|FF|0xff|0XFF|17|007", "%x|%X|%#x|%#X|%o|%.3d", 255, 255, 255, 255, 15, 7));
    EXPECT(Formats("123456789abcdef0|-1|ff|-2", "%I64x|%lld|%hhx|%hd", 0x123456789ABCDEF0, -1LL,
                   0x1FF, 0x1FFFE));
    EXPECT(Formats("00000000DEADBEEF|%|c", "%p|%%|%c", (PVOID)0xDEADBEEF, 'c'));
    EXPECT(Formats("str|  st|wide|wide|name|ansi|(null)", "%s|%4.2s|%ws|%S|%wZ|%Z|%s", "str",
                   "str", L"wide", L"wide",
                   &Name, &Ansi, NULL));
    EXPECT(Formats("    9|ab", "%*d|%.*s", 5, 9, 2, "abc"));
    EXPECT(_snprintf(Exact, 4, "abc") == 3 && _snprintf(Exact, 4, "abcd") == 4 &&
           _snprintf(Exact, 4, "abcde") == -1);
    EXPECT(_snwprintf(Out, 16, L"%s %S %d", L"w", "n", 5) == 5 && wcscmp(Out, L"w n 5") == 0);
}

static VOID
Numbers(VOID)
{
    WCHAR          Buffer[12];
    UNICODE_STRING String = { 0, sizeof(Buffer), Buffer };
    ULONG          Value;
    LARGE_INTEGER  Time, Back;
    TIME_FIELDS    Fields;
    LONG           Day;

    EXPECT(RtlIntegerToUnicodeString(0xBEEF, 16, &String) == STATUS_SUCCESS &&
           wcscmp(Buffer, L"BEEF") == 0);
    EXPECT(RtlIntegerToUnicodeString(1, 7, &String) == STATUS_INVALID_PARAMETER);
    String = Wide(L"  -0x1F and more");
    EXPECT(RtlUnicodeStringToInteger(&String, 0, &Value) == STATUS_SUCCESS && (LONG)Value == -31);

    for (Day = 0; Day < 200000; Day += 17) {            // 1601 to 2148
        Time.QuadPart = Day * 864000000000LL + 123450000;
        RtlTimeToTimeFields(&Time, &Fields);
        EXPECT(RtlTimeFieldsToTime(&Fields, &Back) && Back.QuadPart == Time.QuadPart);
        EXPECT(Fields.Weekday == (Day + 1) % 7);
    }
    Fields.Year = 2023, Fields.Month = 2, Fields.Day = 29;
    EXPECT(!RtlTimeFieldsToTime(&Fields, &Time));
}

static const KT_TEST Tests[] = {
    { "memcpy, memmove and memset move every size at every distance", Memory },
    { "UNICODE_STRINGs compare, copy, append and change case", UnicodeStrings },
    { "ANSI strings convert, and the C library's string functions work", AnsiStrings },
    { "printf's formats come out as documented", Formatting },
    { "Numbers and times go to text and fields and back", Numbers },
};

static VOID NTAPI
Unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = Unload;
    KtRun("ktrtl", Tests, sizeof(Tests) / sizeof(Tests[0]));
    return STATUS_SUCCESS;
}
