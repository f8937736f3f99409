/*
 * The C library and the heap: formatting, scanning, strings, sorting, memory, files on the RAM
 * disk, DLLs.
 */
#include "sdk/ntapi.h"
#include "user/lib/testing.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <errno.h>
#include <setjmp.h>

static void
Same(const char *Wanted, const char *Format, ...)
{
    char    Text[400];
    va_list Arguments;

    va_start(Arguments, Format);
    vsprintf(Text, Format, Arguments);
    va_end(Arguments);
    Expect(strcmp(Text, Wanted) == 0, "%s gives <%s>, not <%s>", Format, Text, Wanted);
}

static void
Formats(void)
{
    Promise("printf formats integers, strings and characters");
    Same("-7 7 4294967289 ff FF 17", "%d %i %u %x %X %o", -7, 7, -7, 255, 255, 15);
    Same("   42|42   |00042|+42| 42", "%5d|%-5d|%05d|%+d|% d", 42, 42, 42, 42, 42);
    Same("0xff 017 0x0000beef", "%#x %#o %#010x", 255, 15, 0xbeef);
    Same("123456789012345 -1", "%lld %I64d", 123456789012345LL, -1LL);
    Same("00000000DEADBEEF", "%p", (PVOID)0xDEADBEEF);
    Same("abc|  abc|abc  |ab", "%s|%5s|%-5s|%.2s", "abc", "abc", "abc", "abc");
    Same("wide x (null) 100%", "%ls %c %s %d%%", L"wide", 'x', NULL, 100);
    Same("   7|007|-1 65535", "%*d|%.3d|%hd %hu", 4, 7, 7, 0xFFFF, 0xFFFF);
    Promise("printf formats doubles exactly");
    Same("3.141593 -0.5 100", "%f %.1f %.0f", 3.14159265, -0.5, 100.0);
    Same("0.1000000000000000055511151231257827", "%.34f", 0.1);
    Same("1e+020 1.500000e-005", "%g %e", 1e20, 1.5e-5);
    Same("0.0001 123457 1.23457e+006", "%g %g %g", 0.0001, 123456.7, 1234567.0);
    Same("2 2 4 0", "%.0f %.0f %.0f %.0f", 1.5, 2.5, 3.5, 0.5);
    Same("inf -inf nan", "%f %f %f", 1e308 * 10, -1e308 * 10, __builtin_nan(""));
}

static void
Scans(void)
{
    char *End;
    int   A = 0, B = 0;
    char  Word[16] = "";

    Promise("Numbers and words are read back");
    Expect(sscanf("12 0x1f hello", "%d %i %s", &A, &B, Word) == 3 && A == 12 && B == 31
        && strcmp(Word, "hello") == 0, "sscanf: %d %d %s", A, B, Word);
    Expect(strtol("-123abc", &End, 10) == -123 && *End == 'a', "strtol");
    Expect(strtoul("ffffffff", NULL, 16) == 0xFFFFFFFF, "strtoul");
    Expect(strtol("99999999999", NULL, 10) == LONG_MAX, "strtol over");
    Expect(strtod("2.5e3x", &End) == 2500 && *End == 'x', "strtod");
    Expect(atoi("  42") == 42, "atoi");
}

static int
Compare(const void *A, const void *B)
{
    return *(const int *)A - *(const int *)B;
}

static void
Strings(void)
{
    char  Text[32] = "one,two;three", Copy[8] = "abcdefg";
    int   Numbers[100], Key = 57;

    Promise("String and sorting routines do what they say");
    Expect(strcmp(strtok(Text, ",;"), "one") == 0 && strcmp(strtok(NULL, ",;"), "two") == 0
        && strcmp(strtok(NULL, ",;"), "three") == 0 && strtok(NULL, ",;") == NULL, "strtok");
    memmove(Copy + 1, Copy, 5);
    Expect(strcmp(Copy, "aabcdeg") == 0, "memmove: %s", Copy);
    Expect(strstr("haystack", "st") && strchr("abc", 'c') && strrchr("abca", 'a')[1] == 0, "str");
    Expect(_stricmp("HeLLo", "hEllO") == 0 && strncmp("abc", "abd", 2) == 0, "compare");
    Expect(wcscmp(L"a", L"b") < 0 && wcslen(L"four") == 4, "wide");
    for (int Index = 0; Index < 100; Index++)
        Numbers[Index] = (Index * 37) % 100;
    qsort(Numbers, 100, sizeof(int), Compare);
    for (int Index = 0; Index < 100; Index++)
        Expect(Numbers[Index] == Index, "qsort: [%d] is %d", Index, Numbers[Index]);
    Expect(bsearch(&Key, Numbers, 100, sizeof(int), Compare) == &Numbers[57], "bsearch");
}

static void
Heap(void)
{
    static PUCHAR Blocks[500];
    static ULONG  Sizes[500];
    ULONG         Bad = 0;

    Promise("Thousands of blocks of all sizes keep what was written to them");
    srand(1);
    for (int Round = 0; Round < 5000; Round++) {
        int Slot = rand() % 500;

        for (ULONG Index = 0; Blocks[Slot] && Index < Sizes[Slot]; Index += 97)
            Bad += Blocks[Slot][Index] != (UCHAR)Slot;
        free(Blocks[Slot]);
        Sizes[Slot] = Round % 100 == 0 ? 100000 : rand() % 3000;
        Blocks[Slot] = malloc(Sizes[Slot]);
        if (!Expect(Blocks[Slot] != NULL, "malloc of %lu", Sizes[Slot]))
            return;
        Bad += ((ULONG_PTR)Blocks[Slot] & 15) != 0;
        memset(Blocks[Slot], Slot, Sizes[Slot]);
    }
    Expect(Bad == 0, "%lu bytes changed", Bad);
    Expect(HeapValidate(GetProcessHeap(), 0, NULL), "HeapValidate");
    for (int Slot = 0; Slot < 500; Slot++)
        free(Blocks[Slot]);
    Promise("realloc keeps the contents, calloc gives zeros");
    Blocks[0] = calloc(10, 10);
    Expect(Blocks[0] && Blocks[0][99] == 0, "calloc");
    Blocks[0][0] = 1;
    Blocks[0] = realloc(Blocks[0], 200000);
    Expect(Blocks[0] && Blocks[0][0] == 1 && _msize(Blocks[0]) == 200000, "realloc");
    free(Blocks[0]);
    Blocks[0] = malloc((size_t)1 << 60);
    Expect(Blocks[0] == NULL, "an exabyte at %p", Blocks[0]);
}

static void
Memory(void)
{
    MEMORY_BASIC_INFORMATION Basic;
    PUCHAR                   Base = VirtualAlloc(NULL, 0x10000, MEM_RESERVE, PAGE_READWRITE);

    Promise("Memory is reserved, committed, described and freed");
    Expect(Base != NULL, "reserve: %lu", GetLastError());
    Expect(VirtualAlloc(Base + 0x4000, 0x2000, MEM_COMMIT, PAGE_READWRITE) == Base + 0x4000,
        "commit: %lu", GetLastError());
    Base[0x5FFF] = 7;
    Expect(Base[0x4000] == 0, "a new page is not zero");
    Expect(VirtualQuery(Base + 0x4000, &Basic, sizeof Basic) == sizeof Basic
        && Basic.State == MEM_COMMIT && Basic.AllocationBase == Base, "query: state 0x%lx",
        Basic.State);
    Expect(VirtualQuery(Base, &Basic, sizeof Basic) && Basic.State == MEM_RESERVE
        && Basic.RegionSize == 0x4000, "query: size 0x%llx", (ULONG64)Basic.RegionSize);
    Expect(VirtualFree(Base, 0, MEM_RELEASE), "free: %lu", GetLastError());
    Expect(!VirtualFree(Base, 0, MEM_RELEASE), "freed twice");
    Expect(VirtualAlloc((PVOID)0xFFFF800000000000, 4096, MEM_RESERVE, PAGE_READWRITE) == NULL,
        "kernel memory was reserved");
}

static void
Files(void)
{
    FILE *File = fopen("\\SystemRoot\\System32\\ntdll.dll", "rb");
    char  Start[4] = "", Again[4] = "";
    long  Size;

    Promise("A file of the RAM disk is opened, read and positioned");
    if (!Expect(File != NULL, "fopen: %lu", GetLastError()))
        return;
    Expect(fread(Start, 1, 2, File) == 2 && memcmp(Start, "MZ", 2) == 0, "it begins %.2s", Start);
    Expect(fseek(File, 0, SEEK_END) == 0, "fseek");
    Size = ftell(File);
    Expect(Size > 10000, "size %ld", Size);
    Expect(fgetc(File) == EOF && feof(File), "no end");
    rewind(File);
    Expect(fread(Again, 1, 2, File) == 2 && memcmp(Again, "MZ", 2) == 0, "after rewind");
    fclose(File);
    Promise("A file that is not there, or must not be written, is refused");
    Expect(fopen("\\SystemRoot\\System32\\nosuch.txt", "r") == NULL && errno == ENOENT,
        "errno %d", errno);
    Expect(fopen("\\SystemRoot\\nosuch\\nosuch.txt", "r") == NULL, "no such folder");
    Expect(CreateFileA("\\SystemRoot\\System32\\new.txt", GENERIC_WRITE, 0, NULL, CREATE_NEW, 0,
        NULL) == INVALID_HANDLE_VALUE, "a new file on the RAM disk");
}

static void
Listing(void)
{
    WIN32_FIND_DATAA Data;
    HANDLE           Find = FindFirstFileA("\\SystemRoot\\System32\\*.dll", &Data);
    int              Count = 0, Known = 0;

    Promise("A folder is listed by pattern");
    if (!Expect(Find != INVALID_HANDLE_VALUE, "FindFirstFile: %lu", GetLastError()))
        return;
    do {
        Count++;
        Known += _stricmp(Data.cFileName, "ntdll.dll") == 0;
    } while (FindNextFileA(Find, &Data));
    Expect(GetLastError() == ERROR_NO_MORE_FILES, "the end: %lu", GetLastError());
    FindClose(Find);
    Expect(Count >= 3 && Known == 1, "%d files, ntdll.dll %d times", Count, Known);
}

static void
Libraries(void)
{
    HMODULE Module = GetModuleHandleA("kernel32.dll");

    Promise("Modules and their exports are found by name; what is missing is an error");
    Expect(Module && LoadLibraryA("KERNEL32") == Module, "kernel32: %p", Module);
    Expect((PVOID)GetProcAddress(Module, "CreateFileA") == (PVOID)CreateFileA
        || GetProcAddress(Module, "CreateFileA"), "CreateFileA");
    Expect((PVOID)GetProcAddress(Module, "HeapAlloc")
        == (PVOID)GetProcAddress(GetModuleHandleA("ntdll.dll"), "RtlAllocateHeap"), "a forwarder");
    Expect(GetProcAddress(Module, "NoSuchRoutine") == NULL
        && GetLastError() == ERROR_PROC_NOT_FOUND, "NoSuchRoutine: %lu", GetLastError());
    Expect(LoadLibraryA("nosuch.dll") == NULL && GetLastError() == ERROR_MOD_NOT_FOUND,
        "nosuch.dll: %lu", GetLastError());
}

static void
Jumps(void)
{
    static jmp_buf Place;
    volatile int   Count = 0;
    int            Value;

    Promise("longjmp comes back to setjmp with its value");
    Value = setjmp(Place);
    if (Value < 3) {
        Count++;
        longjmp(Place, Value + 1);
    }
    Expect(Value == 3 && Count == 3, "value %d after %d jumps", Value, Count);
}

int
main(void)
{
    Formats();
    Scans();
    Strings();
    Heap();
    Memory();
    Files();
    Listing();
    Libraries();
    Jumps();
    Promise("The clock is set and runs");
    Expect(time(NULL) > 1000000000, "time is %lld", (long long)time(NULL));
    return Done("tlibrary");
}
