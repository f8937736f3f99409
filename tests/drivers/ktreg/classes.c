/*
 * The information classes: for each, a buffer of every length from nothing to more than enough.
 * Below the fixed part the buffer stays as it was, below the whole it is filled as far as it
 * goes, and the needed length is the same each time.
 */
#include "ktreg.h"

#define ROOM    400

typedef NTSTATUS (*ASK)(HANDLE Key, ULONG Class, PVOID Buffer, ULONG Length, PULONG Needed);

static NTSTATUS
AskKey(HANDLE Key, ULONG Class, PVOID Buffer, ULONG Length, PULONG Needed)
{
    return ZwQueryKey(Key, Class, Buffer, Length, Needed);
}

static NTSTATUS
AskChild(HANDLE Key, ULONG Class, PVOID Buffer, ULONG Length, PULONG Needed)
{
    return ZwEnumerateKey(Key, 0, Class, Buffer, Length, Needed);
}

static NTSTATUS
AskValue(HANDLE Key, ULONG Class, PVOID Buffer, ULONG Length, PULONG Needed)
{
    return QueryValue(Key, L"Name", Class, Buffer, Length, Needed);
}

static NTSTATUS
AskIndex(HANDLE Key, ULONG Class, PVOID Buffer, ULONG Length, PULONG Needed)
{
    return ZwEnumerateValueKey(Key, 0, Class, Buffer, Length, Needed);
}

/* Leaves the whole answer in Whole. */
static VOID
EveryLength(ASK Ask, HANDLE Key, ULONG Class, ULONG Fixed, ULONG Total, PUCHAR Whole)
{
    UCHAR Part[ROOM];
    ULONG Needed = 0;

    CHECK(Ask(Key, Class, Whole, ROOM, &Needed) == STATUS_SUCCESS);
    CHECK(Needed == Total);
    for (ULONG Length = 0; Length <= Total + 1; Length++) {
        NTSTATUS Expected = Length < Fixed ? STATUS_BUFFER_TOO_SMALL
                          : Length < Total ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
        ULONG    Filled = Length < Fixed ? 0 : min(Length, Total);

        RtlFillMemory(Part, sizeof Part, 0xAA);
        Needed = 0;
        CHECK(Ask(Key, Class, Part, Length, &Needed) == Expected);
        CHECK(Needed == Total);
        CHECK(RtlCompareMemory(Part, Whole, Filled) == Filled);
        CHECK(Part[Filled] == 0xAA);
    }
}

VOID
TestKeyClasses(VOID)
{
    union { UCHAR Bytes[ROOM]; KEY_BASIC_INFORMATION Basic; KEY_NODE_INFORMATION Node;
            KEY_FULL_INFORMATION Full; } Answer;
    HANDLE Key, Child;
    ULONG  Needed, Path = KtregPath.Length + sizeof(WCHAR) + 14;

    CHECK(CreateBelow(L"Classes", REG_OPTION_VOLATILE, NULL, &Key) == STATUS_SUCCESS);
    CHECK(CreateBelow(L"Classes\\Child", REG_OPTION_VOLATILE, NULL, &Child) == STATUS_SUCCESS);
    CHECK(SetNumber(Key, L"Long name", 1) == STATUS_SUCCESS);

    EveryLength(AskKey, Key, KeyBasicInformation, 16, 16 + 14, Answer.Bytes);
    CHECK(Answer.Basic.NameLength == 14 && Answer.Basic.TitleIndex == 7);
    CHECK(RtlCompareMemory(Answer.Basic.Name, L"Classes", 14) == 14);
    EveryLength(AskKey, Key, KeyNodeInformation, 24, 40 + 10, Answer.Bytes);
    CHECK(Answer.Node.ClassOffset == 40 && Answer.Node.ClassLength == 10);
    CHECK(RtlCompareMemory(Answer.Bytes + 40, L"Class", 10) == 10);
    EveryLength(AskKey, Key, KeyFullInformation, 44, 44 + 10, Answer.Bytes);
    CHECK(Answer.Full.SubKeys == 1 && Answer.Full.MaxNameLen == 10 && Answer.Full.Values == 1);
    CHECK(Answer.Full.MaxClassLen == 10 && Answer.Full.MaxValueNameLen == 18);
    CHECK(Answer.Full.MaxValueDataLen == 4);
    EveryLength(AskKey, Key, KeyNameInformation, 4, 4 + Path, Answer.Bytes);
    CHECK(*(PULONG)Answer.Bytes == Path);
    EveryLength(AskKey, Key, KeyCachedInformation, 36, 36, Answer.Bytes);
    EveryLength(AskKey, Key, KeyFlagsInformation, 12, 12, Answer.Bytes);
    CHECK(((PULONG)Answer.Bytes)[1] == 1);          // volatile
    EveryLength(AskKey, Key, KeyVirtualizationInformation, 4, 4, Answer.Bytes);
    EveryLength(AskKey, Key, KeyHandleTagsInformation, 4, 4, Answer.Bytes);
    CHECK(ZwQueryKey(Key, 99, &Answer, ROOM, &Needed) == STATUS_INVALID_PARAMETER);

    EveryLength(AskChild, Key, KeyBasicInformation, 16, 16 + 10, Answer.Bytes);
    EveryLength(AskChild, Key, KeyNodeInformation, 24, 36 + 10, Answer.Bytes);
    EveryLength(AskChild, Key, KeyFullInformation, 44, 44 + 10, Answer.Bytes);
    CHECK(ZwEnumerateKey(Key, 0, KeyNameInformation, &Answer, ROOM, &Needed)
          == STATUS_INVALID_PARAMETER);
    CHECK(ZwEnumerateKey(Key, 1, KeyBasicInformation, &Answer, ROOM, &Needed)
          == STATUS_NO_MORE_ENTRIES);
    CHECK(ZwDeleteKey(Child) == STATUS_SUCCESS);
    CHECK(ZwDeleteKey(Key) == STATUS_SUCCESS);
    ZwClose(Child);
    ZwClose(Key);
}

VOID
TestValueClasses(VOID)
{
    static const ASK Both[] = { AskValue, AskIndex };
    union { UCHAR Bytes[ROOM]; KEY_VALUE_BASIC_INFORMATION Basic; KEY_VALUE_FULL_INFORMATION Full;
            KEY_VALUE_PARTIAL_INFORMATION Partial; } Answer;
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"Name");
    HANDLE         Key;
    ULONG          Needed;

    CHECK(CreateBelow(L"Values", 0, NULL, &Key) == STATUS_SUCCESS);
    CHECK(ZwSetValueKey(Key, &Name, 0, REG_BINARY, (PVOID)"0123456789", 11) == STATUS_SUCCESS);
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Both); Index++) {
        EveryLength(Both[Index], Key, KeyValueBasicInformation, 12, 12 + 8, Answer.Bytes);
        CHECK(Answer.Basic.Type == REG_BINARY && Answer.Basic.NameLength == 8);
        EveryLength(Both[Index], Key, KeyValueFullInformation, 20, 28 + 11, Answer.Bytes);
        CHECK(Answer.Full.DataOffset == 28 && Answer.Full.DataLength == 11);
        CHECK(RtlCompareMemory(Answer.Bytes + 28, "0123456789", 11) == 11);
        EveryLength(Both[Index], Key, KeyValueFullInformationAlign64, 20, 32 + 11, Answer.Bytes);
        CHECK(Answer.Full.DataOffset == 32);
        EveryLength(Both[Index], Key, KeyValuePartialInformation, 12, 12 + 11, Answer.Bytes);
        CHECK(Answer.Partial.DataLength == 11 && Answer.Partial.Data[10] == 0);
        EveryLength(Both[Index], Key, KeyValuePartialInformationAlign64, 8, 8 + 11, Answer.Bytes);
        CHECK(Both[Index](Key, 99, &Answer, ROOM, &Needed) == STATUS_INVALID_PARAMETER);
    }
    CHECK(ZwSetValueKey(Key, &Name, 0, REG_SZ, NULL, 0) == STATUS_SUCCESS);
    EveryLength(AskValue, Key, KeyValuePartialInformation, 12, 12, Answer.Bytes);
    CHECK(QueryValue(Key, L"Other", KeyValueBasicInformation, &Answer, ROOM, &Needed)
          == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(ZwDeleteKey(Key) == STATUS_SUCCESS);
    ZwClose(Key);
}
