/*
 * Arguments made up for system services: most of them nearly right, some of them hostile.
 *
 * Pointers lead into one stretch of memory that all threads of the process share and write: pages
 * that can be written, one that can only be read, and nothing before and behind. So a service that
 * reads an argument twice, or believes that memory stays what it was when it was probed, is found
 * out sooner or later. What is written there is itself made up: handles, lengths, pointers.
 */
#include "things.h"
#include <winioctl.h>
#include "drivers/getdev/getdev_ioctl.h"
#include "drivers/inverted/inverted_ioctl.h"
#include "drivers/notify/notify_ioctl.h"
#include "drivers/pipe/pipe_ioctl.h"
#include "drivers/serial/serial_ioctl.h"
#include "drivers/ticker/ticker_ioctl.h"
#include <string.h>

static const WCHAR *const Names[] = {
    L"\\Device\\Null", L"\\Device\\Example\\FUZZ", L"\\SystemRoot\\System32\\ntdll.dll",
    L"\\SystemRoot\\System32", L"\\??\\NUL", L"\\BaseNamedObjects\\Fuzz", L"\\BaseNamedObjects",
    L"\\Device\\Nothing", L"\\", L"", L"relative", L"\\Driver\\pipe", L"\\KernelObjects\\x",
    L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\pipe", L"\\\\\\", L"\\??",
    L"\\BaseNamedObjects\\Fuzz1", L"\\BaseNamedObjects\\Fuzz2", L"\\BaseNamedObjects\\Fuzz3",
    L"\\BaseNamedObjects\\Fuzz4", L"\\SystemRoot", L"student", L"Type", L"ntdll.dll",
};

static const ULONG Sizes[] = { 4, 8, 12, 16, 24, 32, 40, 48, 56, 64, 104, 256, 1024, 4096 };

static const ULONG Lengths[] = {
    0, 1, 2, 4, 7, 8, 12, 16, 20, 24, 32, 40, 48, 56, 64, 100, 128, 256, 512, 1000, 4095, 4096,
    4097, 20000, 65535, 65536, 0x100000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF8, 0xFFFFFFFF,
};

static const ULONG64 Hostile[] = {
    0, 1, 7, 8, 0x10000, 0x123457, 0x7FFFFFFEFFFF, 0x7FFFFFFFFFF8, 0x800000000000,
    0xFFFF800000000000, 0xFFFF800000001000, 0xFFFFA00000000000, 0xFFFFC00000000000,
    0xFFFFF80000400000, 0xFFFFF80000401003, 0x00FF000000000001, 0xFFFFFFFFFFFFF000,
    0xFFFFFFFFFFFFFFFF,
};

/* Of the model drivers, all but getdev's that forgets on purpose, and some of other devices. */
static const ULONG Controls[] = {
    IOCTL_PIPE_SET_SIZE, IOCTL_PIPE_SET_MODE, IOCTL_PIPE_QUERY, IOCTL_PIPE_SET_WAIT,
    IOCTL_PIPE_SET_TYPE, IOCTL_PIPE_QUERY_TRAFFIC, IOCTL_NOTIFY_SET, IOCTL_NOTIFY_DROP,
    IOCTL_INVERTED_WAIT, IOCTL_INVERTED_TELL, IOCTL_TICKER_TICK, IOCTL_GETDEV_TAKE,
    IOCTL_GETDEV_PEEK, IOCTL_GETDEV_DROP, IOCTL_GETDEV_LIST, IOCTL_SERIAL_SET_TIMEOUTS,
    0x222003, 0x00070000, 0x000900A8, 0x0011400C, 0xFFFFFFFF,
};

ULONG64
Roll(PDICE Dice)
{
    ULONG64 X = Dice->State += 0x9E3779B97F4A7C15;

    X = (X ^ X >> 30) * 0xBF58476D1CE4E5B9;
    X = (X ^ X >> 27) * 0x94D049BB133111EB;
    return X ^ X >> 31;
}

ULONG
Below(PDICE Dice, ULONG Limit)
{
    return (ULONG)(Roll(Dice) >> 32) % Limit;
}

#define ONE_OF(Dice, List) (List)[Below(Dice, ARRAYSIZE(List))]

/* One of ours. */
static HANDLE
Kept(PDICE Dice, ULONG Kind)
{
    HANDLE Handle = Things[Kind][Below(Dice, OF_A_KIND)];

    return Handle ? Handle : Things[Kind][0];
}

/* A handle of the kind, most times; W is any. Or one that a service has written, or nonsense. */
static ULONG_PTR
SomeHandle(PDICE Dice, char Kind)
{
    switch (Below(Dice, 32)) {
    case 0:
        return Below(Dice, 400) * 4;
    case 1: case 2:
        return *(volatile ULONG *)(Memory + Below(Dice, PAGES * PAGE / 8) * 8);
    case 3:
        return (ULONG_PTR)-(LONG_PTR)Below(Dice, 8);
    case 4:
        return ONE_OF(Dice, Hostile);
    case 5: case 6: case 7:
        return (ULONG_PTR)Kept(Dice, Below(Dice, ARRAYSIZE(Things)));
    default:
        return (ULONG_PTR)Kept(Dice, Kind == 'W' ? Below(Dice, ARRAYSIZE(Things))
                                                 : (ULONG)(strchr(Kinds, Kind) - Kinds));
    }
}

/* Memory that can be written, most times with room for two pages. */
static ULONG_PTR
SomePointer(PDICE Dice)
{
    switch (Below(Dice, 64)) {
    case 0: case 1:
        return ONE_OF(Dice, Hostile);
    case 2:
        return 0;
    case 3:                                     // runs into the page that is not there
        return (ULONG_PTR)Memory + (PAGES + 1) * PAGE - Below(Dice, 32);
    case 4:                                     // runs into the page that cannot be written
        return (ULONG_PTR)Memory + PAGES * PAGE - Below(Dice, 64);
    case 5: case 6:
        return (ULONG_PTR)Memory + Below(Dice, (PAGES - 2) * PAGE);
    default:
        return (ULONG_PTR)Memory + Below(Dice, (PAGES - 2) * PAGE / 8) * 8;
    }
}

/* Whether a structure at the address lies where the program itself may write. */
static BOOL
Ours(ULONG_PTR Address)
{
    return Address - (ULONG_PTR)Memory < (PAGES - 1) * PAGE;
}

static ULONG64
SomeNumber(PDICE Dice)
{
    switch (Below(Dice, 6)) {
    case 0:
        return Below(Dice, 16);
    case 1:
        return ONE_OF(Dice, Lengths);
    case 2:
        return 1ull << Below(Dice, 64);
    case 3:
        return Roll(Dice);
    case 4:
        return SomePointer(Dice);
    default:
        return SomeHandle(Dice, 'W');
    }
}

static ULONG_PTR
SomeString(PDICE Dice)
{
    PUNICODE_STRING String = (PUNICODE_STRING)SomePointer(Dice);
    const WCHAR    *Name = ONE_OF(Dice, Names);
    BOOL            Right = Below(Dice, 8) != 0;

    if (Ours((ULONG_PTR)String)) {
        String->Length = (USHORT)(Right ? wcslen(Name) * sizeof(WCHAR) : SomeNumber(Dice));
        String->MaximumLength = (USHORT)(Right ? String->Length : SomeNumber(Dice));
        String->Buffer = Right ? (PWSTR)Name : (PWSTR)SomePointer(Dice);
    }
    return (ULONG_PTR)String;
}

/* A string that a service is to fill. */
static ULONG_PTR
SomeRoom(PDICE Dice)
{
    PUNICODE_STRING String = (PUNICODE_STRING)SomePointer(Dice);

    if (Ours((ULONG_PTR)String)) {
        String->Length = 0;
        String->MaximumLength = (USHORT)ONE_OF(Dice, Sizes);
        String->Buffer = (PWSTR)SomePointer(Dice);
    }
    return (ULONG_PTR)String;
}

/* A security descriptor, half of the time with one byte of it changed. */
static ULONG_PTR
SomeDescriptor(PDICE Dice)
{
    PUCHAR Copy = (PUCHAR)SomePointer(Dice);

    if (Ours((ULONG_PTR)Copy)) {
        memcpy(Copy, Descriptor, DescriptorLength);
        if (Below(Dice, 2))
            Copy[Below(Dice, DescriptorLength)] = (UCHAR)Roll(Dice);
    }
    return (ULONG_PTR)Copy;
}

/* Never OBJ_PERMANENT: what it makes would stay, and rightly so. */
static ULONG_PTR
SomeAttributes(PDICE Dice)
{
    POBJECT_ATTRIBUTES Attributes = (POBJECT_ATTRIBUTES)SomePointer(Dice);
    BOOL               Right = Below(Dice, 8) != 0;

    if (Below(Dice, 8) == 0)
        return 0;
    if (Ours((ULONG_PTR)Attributes)) {
        Attributes->Length = Right ? sizeof *Attributes : (ULONG)SomeNumber(Dice);
        Attributes->RootDirectory = Below(Dice, 8) ? NULL : (HANDLE)SomeHandle(Dice, 'D');
        Attributes->ObjectName = Below(Dice, 5) ? (PUNICODE_STRING)SomeString(Dice) : NULL;
        Attributes->Attributes = (Right ? OBJ_CASE_INSENSITIVE | ((ULONG)Roll(Dice) & 0x82)
                                        : (ULONG)SomeNumber(Dice)) & ~OBJ_PERMANENT;
        Attributes->SecurityDescriptor = Below(Dice, 4) ? NULL : (PVOID)SomeDescriptor(Dice);
        Attributes->SecurityQualityOfService = Right ? NULL : (PVOID)SomePointer(Dice);
    }
    return (ULONG_PTR)Attributes;
}

/* Memory that holds an address or a size to begin with. */
static ULONG_PTR
SomeAddress(PDICE Dice)
{
    static const ULONG64 Values[] = { 0, 0, 0, 0x1000, 0x10000, 0x2345, 1ull << 32, 0x7FFFFFFF };
    PULONG64             At = (PULONG64)SomePointer(Dice);

    if (Ours((ULONG_PTR)At))
        *At = Below(Dice, 32) ? ONE_OF(Dice, Values) : SomeNumber(Dice);
    return (ULONG_PTR)At;
}

static ULONG_PTR
SomeContent(PDICE Dice)
{
    PULONG64 At = (PULONG64)SomePointer(Dice);

    if (Ours((ULONG_PTR)At))
        for (ULONG Index = 0; Index < 4; Index++)
            At[Index] = SomeNumber(Dice);
    return (ULONG_PTR)At;
}

/* A time-out of at most a millisecond; nobody else writes it, or most threads would soon sleep. */
static ULONG_PTR
SomeTime(PDICE Dice)
{
    ULONG64 Where = Below(Dice, 16) ? 1 : ONE_OF(Dice, Hostile);

    Dice->Time.QuadPart = -(LONG64)Below(Dice, 10000);
    return Where <= 1 ? (ULONG_PTR)&Dice->Time : Where;
}

static ULONG_PTR
SomeFlags(PDICE Dice, char Kind)
{
    static const ULONG Options[] = { 0, 0x20, 0x10, 1, 0x21, 0x40, 0x60, 0x4000, 0x1000, 8 };
    static const ULONG Memories[] = { 0x1000, 0x2000, 0x3000, 0x4000, 0x8000, 0x80000, 0x8000000 };
    static const ULONG Protections[] = { 1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0x104, 0 };

    switch (Kind) {
    case 'i':
        return Below(Dice, 8) ? ONE_OF(Dice, Options) : (ULONG)Roll(Dice);
    case 'v':
        return Below(Dice, 8) ? ONE_OF(Dice, Memories) : (ULONG)Roll(Dice);
    case 'g':
        return Below(Dice, 8) ? ONE_OF(Dice, Protections) : (ULONG)Roll(Dice);
    case 'a':
        return Below(Dice, 4) ? 0x02000000 : (ULONG)Roll(Dice) & 0xF01F01FF;
    case 'c':
        return Below(Dice, 3) ? ONE_OF(Dice, Controls) : 0x222000 + Below(Dice, 0x6000);
    default:
        return Below(Dice, 2) ? 1u << Below(Dice, 32) : Roll(Dice) & Roll(Dice) & 0xFFFF;
    }
}

ULONG_PTR
MakeUp(PDICE Dice, char Kind)
{
    if (strchr("trz", Kind) == NULL && Below(Dice, 60) == 0)
        return SomeNumber(Dice);
    switch (Kind) {
    case 'w': return *(volatile ULONG *)(Memory + Below(Dice, PAGES * PAGE / 8) * 8);
    case 'e': return Below(Dice, 3) ? 0 : SomeHandle(Dice, 'E');
    case 'o': return SomeAttributes(Dice);
    case 'u': return SomeString(Dice);
    case 'k': return SomeRoom(Dice);
    case 'x': return SomeDescriptor(Dice);
    case 't': return SomeTime(Dice);
    case 'y': return SomeAddress(Dice);
    case 'p': return SomeContent(Dice);
    case 'q': return Below(Dice, 3) ? 0 : SomePointer(Dice);
    case 'n': return Below(Dice, 60);
    case 'm': return Below(Dice, 8);
    case 'l': return Below(Dice, 4) ? ONE_OF(Dice, Sizes) : ONE_OF(Dice, Lengths);
    case 's': return Below(Dice, 2);
    case 'r': return Below(Dice, 2000) ? (ULONG_PTR)ComeBack : ONE_OF(Dice, Hostile);
    case 'z': return 0;
    case 'a': case 'c': case 'f': case 'g': case 'i': case 'v':
        return SomeFlags(Dice, Kind);
    default:  return SomeHandle(Dice, Kind);
    }
}
