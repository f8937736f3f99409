/*
 * Tests of the tables of the runtime library, each against a plain model, and of callback objects:
 * generic tables, name prefixes, range lists.
 */
#include <ntifs.h>
#include "../ktest.h"

/* As published; mingw-w64's headers leave them out. */
typedef struct { ULONGLONG Start, End; PVOID UserData, Owner; UCHAR Attributes, Flags; } RANGE;
typedef struct { LIST_ENTRY ListHead; ULONG Flags, Count, Stamp; } RANGE_LIST;
typedef struct { PLIST_ENTRY Head, Merged; PVOID Current; ULONG Stamp; } ITERATOR;
typedef BOOLEAN (NTAPI *CONFLICT)(PVOID Context, RANGE *Range);
NTSYSAPI VOID NTAPI RtlInitializeRangeList(RANGE_LIST *List);
NTSYSAPI VOID NTAPI RtlFreeRangeList(RANGE_LIST *List);
NTSYSAPI NTSTATUS NTAPI RtlAddRange(RANGE_LIST *List, ULONGLONG Start, ULONGLONG End,
    UCHAR Attributes, ULONG Flags, PVOID UserData, PVOID Owner);
NTSYSAPI NTSTATUS NTAPI RtlDeleteRange(RANGE_LIST *List, ULONGLONG Start, ULONGLONG End,
    PVOID Owner);
NTSYSAPI NTSTATUS NTAPI RtlIsRangeAvailable(RANGE_LIST *List, ULONGLONG Start, ULONGLONG End,
    ULONG Flags, UCHAR Mask, PVOID Context, CONFLICT Callback, PBOOLEAN Available);
NTSYSAPI NTSTATUS NTAPI RtlGetFirstRange(RANGE_LIST *List, ITERATOR *Iterator, RANGE **Range);
NTSYSAPI NTSTATUS NTAPI RtlGetNextRange(ITERATOR *Iterator, RANGE **Range, BOOLEAN Forwards);

#define NUMBERS     512

static ULONG   Seed = 1;
static LONG    Allocated;
static BOOLEAN Present[NUMBERS];

static ULONG
Random(ULONG Below)
{
    Seed = Seed * 1103515245 + 12345;
    return (Seed >> 8) % Below;
}

static RTL_GENERIC_COMPARE_RESULTS NTAPI
Compare(PRTL_GENERIC_TABLE Table, PVOID First, PVOID Second)
{
    ULONG A = *(PULONG)First, B = *(PULONG)Second;

    return A < B ? GenericLessThan : A > B ? GenericGreaterThan : GenericEqual;
}

static PVOID NTAPI
Allocate(PRTL_GENERIC_TABLE Table, CLONG Size)
{
    PVOID Block = ExAllocatePoolWithTag(NonPagedPool, Size, KT_TAG);

    Allocated += Block != NULL;
    return Table->TableContext == Compare ? Block : NULL;
}

static VOID NTAPI
Free(PRTL_GENERIC_TABLE Table, PVOID Block)
{
    Allocated--;
    ExFreePoolWithTag(Block, KT_TAG);
}

/* The table has just what Present says, in order, both ways of enumerating. */
static VOID
CheckTable(PRTL_GENERIC_TABLE Table, ULONG Count)
{
    PVOID  Key = NULL;
    PULONG Element;
    ULONG  Seen = 0, Expected = 0;

    for (Element = RtlEnumerateGenericTable(Table, TRUE); Element != NULL;
         Element = RtlEnumerateGenericTable(Table, FALSE), Seen++, Expected++) {
        while (Expected < NUMBERS && !Present[Expected])
            Expected++;
        EXPECT(*Element == Expected);
    }
    EXPECT(Seen == Count && RtlNumberGenericTableElements(Table) == Count);
    EXPECT(Allocated == (LONG)Count && RtlIsGenericTableEmpty(Table) == (Count == 0));
    for (Seen = 0; RtlEnumerateGenericTableWithoutSplaying(Table, &Key) != NULL;)
        Seen++;
    EXPECT(Seen == Count);
}

static VOID
TestGenericTable(VOID)
{
    RTL_GENERIC_TABLE Table;
    ULONG             Number, Count = 0, Step;
    BOOLEAN           New;
    PULONG            Found;

    RtlZeroMemory(Present, sizeof Present);
    RtlInitializeGenericTable(&Table, Compare, Allocate, Free, Compare);
    for (Step = 0; Step < 20000; Step++) {
        Number = Random(NUMBERS);
        if (Random(2)) {
            Found = RtlInsertElementGenericTable(&Table, &Number, sizeof Number, &New);
            EXPECT(Found != NULL && *Found == Number && New == !Present[Number]);
            Count += New;
            Present[Number] = TRUE;
        } else {
            EXPECT(RtlDeleteElementGenericTable(&Table, &Number) == Present[Number]);
            Count -= Present[Number];
            Present[Number] = FALSE;
        }
        Number = Random(NUMBERS);
        Found = RtlLookupElementGenericTable(&Table, &Number);
        EXPECT((Found != NULL) == Present[Number] && (Found == NULL || *Found == Number));
        if (Step % 1000 == 0)
            CheckTable(&Table, Count);
    }
    CheckTable(&Table, Count);
    for (Number = 0; Number < NUMBERS; Number++)
        RtlDeleteElementGenericTable(&Table, &Number);
    RtlZeroMemory(Present, sizeof Present);
    CheckTable(&Table, 0);

    for (Step = 0; Step < 100; Step++) {            // the order of insertion is kept
        Number = Step * 37 % 101;
        RtlInsertElementGenericTable(&Table, &Number, sizeof Number, NULL);
    }
    for (Step = 0; Step < 500; Step++) {
        ULONG Index = Step < 100 ? Step : Random(100);

        Found = RtlGetElementGenericTable(&Table, Index);
        EXPECT(Found != NULL && *Found == Index * 37 % 101);
    }
    EXPECT(RtlGetElementGenericTable(&Table, 100) == NULL);
    while ((Found = RtlGetElementGenericTable(&Table, 0)) != NULL) {
        Number = *Found;
        EXPECT(RtlDeleteElementGenericTable(&Table, &Number));
    }
    EXPECT(Allocated == 0);
}

#define NAMES   8

static VOID
TestPrefixes(VOID)
{
    static UNICODE_STRING Names[NAMES] = {
        RTL_CONSTANT_STRING(L"\\"), RTL_CONSTANT_STRING(L"\\Device"),
        RTL_CONSTANT_STRING(L"\\Device\\Pipe"), RTL_CONSTANT_STRING(L"\\DEVICE\\pipe"),
        RTL_CONSTANT_STRING(L"\\Device\\Pipe\\a"), RTL_CONSTANT_STRING(L"\\Other"),
        RTL_CONSTANT_STRING(L"\\Device\\Null"), RTL_CONSTANT_STRING(L"\\A\\B\\C\\D") };
    static const struct { PCWSTR Path; ULONG Sensitive; int Found; } Finds[] = {
        { L"\\Device\\Pipe\\a\\b", 0, 4 }, { L"\\Device\\Pipe\\ab", 100, 2 },
        { L"\\DEVICE\\pipe\\x", 100, 3 }, { L"\\DEVICE\\PIPE\\x", 100, 0 },
        { L"\\device\\null\\x", 0, 6 }, { L"\\Device\\null\\x", 8, 6 },
        { L"\\device\\null\\x", 8, 0 }, { L"\\Devices\\x", 0, 0 }, { L"Device", 0, -1 },
        { L"\\a\\b\\c\\d\\e", 0, 7 }, { L"\\a\\b\\c", 0, 0 }, { L"\\other", 0, 5 } };
    UNICODE_PREFIX_TABLE       Table;
    UNICODE_PREFIX_TABLE_ENTRY Entries[NAMES], Twice, *Found;
    ULONG                      Index, Count = 0;

    RtlInitializeUnicodePrefix(&Table);
    for (Index = 0; Index < NAMES; Index++)
        EXPECT(RtlInsertUnicodePrefix(&Table, &Names[Index], &Entries[Index]));
    EXPECT(!RtlInsertUnicodePrefix(&Table, &Names[2], &Twice));
    for (Index = 0; Index < RTL_NUMBER_OF(Finds); Index++) {
        UNICODE_STRING Path;

        RtlInitUnicodeString(&Path, Finds[Index].Path);
        Found = RtlFindUnicodePrefix(&Table, &Path, Finds[Index].Sensitive);
        EXPECT(Found == (Finds[Index].Found < 0 ? NULL : &Entries[Finds[Index].Found]));
    }
    for (Found = RtlNextUnicodePrefix(&Table, TRUE); Found != NULL && Count < 100; Count++)
        Found = RtlNextUnicodePrefix(&Table, FALSE);
    EXPECT(Count == NAMES);
    RtlRemoveUnicodePrefix(&Table, &Entries[2]);    // its neighbour in case takes its place
    Found = RtlFindUnicodePrefix(&Table, &Names[2], 0);
    EXPECT(Found == &Entries[3]);
    for (Index = 0; Index < NAMES; Index++)
        if (Index != 2)
            RtlRemoveUnicodePrefix(&Table, &Entries[Index]);
    EXPECT(RtlFindUnicodePrefix(&Table, &Names[4], 0) == NULL);
    EXPECT(RtlNextUnicodePrefix(&Table, TRUE) == NULL);
}

static BOOLEAN NTAPI
Accept(PVOID Context, RANGE *Range)
{
    return Range->UserData == Context;
}

static BOOLEAN
IsFree(RANGE_LIST *List, ULONGLONG Start, ULONGLONG End, ULONG Flags, UCHAR Mask, CONFLICT Callback)
{
    BOOLEAN Free = 2;

    EXPECT(RtlIsRangeAvailable(List, Start, End, Flags, Mask, &Seed, Callback, &Free)
           == STATUS_SUCCESS);
    return Free;
}

static VOID
TestRanges(VOID)
{
    RANGE_LIST List;
    ITERATOR   Iterator;
    RANGE     *Range;
    BOOLEAN    Free;

    RtlInitializeRangeList(&List);
    EXPECT(RtlGetFirstRange(&List, &Iterator, &Range) == STATUS_NO_MORE_ENTRIES && Range == NULL);
    EXPECT(RtlAddRange(&List, 100, 199, 0, 0, NULL, &List) == STATUS_SUCCESS);
    EXPECT(RtlAddRange(&List, 300, 399, 1, 2, &Seed, &List) == STATUS_SUCCESS);    // shared
    EXPECT(RtlAddRange(&List, 199, 250, 0, 0, NULL, NULL) == STATUS_RANGE_LIST_CONFLICT);
    EXPECT(RtlAddRange(&List, 0, ~0ULL, 0, 0, NULL, NULL) == STATUS_RANGE_LIST_CONFLICT);
    EXPECT(RtlAddRange(&List, 20, 10, 0, 0, NULL, NULL) == STATUS_INVALID_PARAMETER);
    EXPECT(RtlAddRange(&List, 350, 450, 0, 2, NULL, NULL) == STATUS_SUCCESS);      // both shared
    EXPECT(RtlAddRange(&List, 150, 160, 0, 1, NULL, NULL) == STATUS_SUCCESS);      // all the same
    EXPECT(List.Count == 4);
    EXPECT(IsFree(&List, 200, 299, 0, 0, NULL) && !IsFree(&List, 200, 300, 0, 0, NULL));
    EXPECT(IsFree(&List, 300, 500, 1, 0, NULL) && !IsFree(&List, 300, 340, 0, 0, NULL));
    EXPECT(IsFree(&List, 300, 340, 0, 1, NULL) && IsFree(&List, 300, 340, 0, 0, Accept));
    EXPECT(IsFree(&List, 440, 450, 2, 0, NULL) && !IsFree(&List, 440, 450, 0, 0, NULL));
    EXPECT(RtlIsRangeAvailable(&List, 2, 1, 0, 0, NULL, NULL, &Free) == STATUS_INVALID_PARAMETER);

    EXPECT(RtlGetFirstRange(&List, &Iterator, &Range) == STATUS_SUCCESS && Range->Start == 100);
    EXPECT(RtlGetNextRange(&Iterator, &Range, TRUE) == STATUS_SUCCESS && Range->Start == 150);
    EXPECT(Range->Flags == 2);                                                     // a conflict
    EXPECT(RtlGetNextRange(&Iterator, &Range, TRUE) == STATUS_SUCCESS && Range->Start == 300);
    EXPECT(RtlGetNextRange(&Iterator, &Range, FALSE) == STATUS_SUCCESS && Range->Start == 150);
    EXPECT(RtlDeleteRange(&List, 150, 160, &List) == STATUS_RANGE_NOT_FOUND);
    EXPECT(RtlDeleteRange(&List, 150, 160, NULL) == STATUS_SUCCESS);
    EXPECT(RtlGetNextRange(&Iterator, &Range, TRUE) == STATUS_INVALID_PARAMETER);  // it changed
    RtlFreeRangeList(&List);
    EXPECT(List.Count == 0 && IsFree(&List, 0, ~0ULL, 0, 0, NULL));
}

static volatile LONG Calls;
static PVOID         Registration;
static KEVENT        Inside, GoOn;

static VOID NTAPI
Called(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    EXPECT(Context == Called && Argument1 == &Calls && Argument2 == NULL);
    InterlockedIncrement(&Calls);
}

static VOID NTAPI
Stays(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    KeSetEvent(&Inside, 0, FALSE);
    EXPECT(KtWait(&GoOn, 10000) == STATUS_SUCCESS);
    InterlockedIncrement(&Calls);
}

static VOID NTAPI
Unregister(PVOID Context)
{
    ExUnregisterCallback(Registration);
    EXPECT(Calls == 1);                             // not before the call had ended
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID NTAPI
Notify(PVOID Context)
{
    ExNotifyCallback(Context, (PVOID)&Calls, NULL);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID
TestCallbacks(VOID)
{
    UNICODE_STRING    Name = RTL_CONSTANT_STRING(L"\\Callback\\kttable");
    UNICODE_STRING    System = RTL_CONSTANT_STRING(L"\\Callback\\PowerState");
    OBJECT_ATTRIBUTES Attributes;
    PCALLBACK_OBJECT  Object, Same;
    PKTHREAD          Caller, Leaver;
    PVOID             First, Second;
    KIRQL             Irql;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE | OBJ_PERMANENT, NULL,
                               NULL);
    EXPECT(ExCreateCallback(&Object, &Attributes, FALSE, TRUE) == STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT(ExCreateCallback(&Object, &Attributes, TRUE, TRUE) == STATUS_SUCCESS);
    EXPECT(ExCreateCallback(&Same, &Attributes, FALSE, TRUE) == STATUS_SUCCESS && Same == Object);
    ObDereferenceObject(Same);
    Calls = 0;
    First = ExRegisterCallback(Object, Called, Called);
    Second = ExRegisterCallback(Object, Called, Called);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    ExNotifyCallback(Object, (PVOID)&Calls, NULL);
    KeLowerIrql(Irql);
    EXPECT(Calls == 2);
    ExUnregisterCallback(First);
    ExNotifyCallback(Object, (PVOID)&Calls, NULL);
    EXPECT(Calls == 3);
    ExUnregisterCallback(Second);
    ExNotifyCallback(Object, (PVOID)&Calls, NULL);
    EXPECT(Calls == 3);

    Calls = 0;
    KeInitializeEvent(&Inside, SynchronizationEvent, FALSE);
    KeInitializeEvent(&GoOn, SynchronizationEvent, FALSE);
    Registration = ExRegisterCallback(Object, Stays, NULL);
    Caller = KtStart(Notify, Object);
    EXPECT(KtWait(&Inside, 10000) == STATUS_SUCCESS);
    Leaver = KtStart(Unregister, NULL);
    EXPECT(KtWait(Leaver, 20) == STATUS_TIMEOUT);
    KeSetEvent(&GoOn, 0, FALSE);
    KtJoin(Caller);
    KtJoin(Leaver);
    ObMakeTemporaryObject(Object);
    ObDereferenceObject(Object);
    EXPECT(ExCreateCallback(&Object, &Attributes, FALSE, TRUE) == STATUS_OBJECT_NAME_NOT_FOUND);

    InitializeObjectAttributes(&Attributes, NULL, 0, NULL, NULL);
    EXPECT(ExCreateCallback(&Object, &Attributes, TRUE, FALSE) == STATUS_SUCCESS);
    First = ExRegisterCallback(Object, Called, Called);
    EXPECT(First != NULL && ExRegisterCallback(Object, Called, Called) == NULL);
    ExUnregisterCallback(First);
    ObDereferenceObject(Object);
    InitializeObjectAttributes(&Attributes, &System, OBJ_CASE_INSENSITIVE, NULL, NULL);
    EXPECT(ExCreateCallback(&Object, &Attributes, FALSE, TRUE) == STATUS_SUCCESS);
    ObDereferenceObject(Object);
}

static const KT_TEST Tests[] = {
    { "A generic table agrees with a plain array through twenty thousand steps", TestGenericTable },
    { "The longest prefix in whole parts is found, with and without case", TestPrefixes },
    { "Range lists know what is free, shared, in conflict and gone", TestRanges },
    { "Callbacks are called in order and are over when they are taken back", TestCallbacks },
};

static VOID NTAPI
Unload(PDRIVER_OBJECT Driver)
{
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    Driver->DriverUnload = Unload;
    KtRun("kttable", Tests, RTL_NUMBER_OF(Tests));
    return STATUS_SUCCESS;
}
