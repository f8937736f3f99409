/* The tree: what the text file left in it, making, finding and deleting keys, rights, many keys. */
#include "ktreg.h"

typedef struct _VALUE {
    KEY_VALUE_PARTIAL_INFORMATION Info;
    UCHAR                         More[200];
} VALUE;

static BOOLEAN
Holds(HANDLE Key, PCWSTR Name, ULONG Type, const VOID *Data, ULONG Size)
{
    VALUE Value;
    ULONG Needed;

    return NT_SUCCESS(QueryValue(Key, Name, KeyValuePartialInformation, &Value, sizeof Value,
                                 &Needed))
        && Value.Info.Type == Type && Value.Info.DataLength == Size
        && RtlCompareMemory(Value.Info.Data, Data, Size) == Size;
}

VOID
TestText(VOID)
{
    static const WCHAR Text[] = L"a \"quoted\" back\\slash; no comment";
    static const WCHAR Wide[] = L"Gr\u00fc\u00dfe, \u4e16\u754c";
    ULONG              Number = 42, Needed;
    HANDLE             Key, Gone;
    VALUE              Value;

    CHECK(OpenBelow(L"Parameters", KEY_READ, &Key) == STATUS_SUCCESS);
    CHECK(Holds(Key, L"", REG_SZ, L"the default value", sizeof L"the default value"));
    CHECK(Holds(Key, L"number", REG_DWORD, &Number, sizeof Number));
    CHECK(Holds(Key, L"TEXT", REG_SZ, Text, sizeof Text));
    CHECK(Holds(Key, L"Wide", REG_SZ, Wide, sizeof Wide));
    CHECK(Holds(Key, L"Expand", REG_EXPAND_SZ, L"%X%!", sizeof L"%X%!"));
    CHECK(Holds(Key, L"Strings", REG_MULTI_SZ, L"a\0bc\0", sizeof L"a\0bc\0"));
    CHECK(Holds(Key, L"Quad", REG_QWORD, "\x08\x07\x06\x05\x04\x03\x02\x01", 8));
    CHECK(Holds(Key, L"Bytes", REG_BINARY, "\x01\x02\x03\x04\x05", 5));
    CHECK(Holds(Key, L"Nothing", REG_BINARY, "", 0));
    CHECK(Holds(Key, L"Odd", 0x1234, "\xff", 1));
    CHECK(QueryValue(Key, L"Gone", KeyValuePartialInformation, &Value, sizeof Value, &Needed)
          == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(OpenBelow(L"Parameters\\Gone", KEY_READ, &Gone) == STATUS_OBJECT_NAME_NOT_FOUND);
    ZwClose(Key);
}

static NTSTATUS
OpenRelative(HANDLE Root, PCWSTR Path, ULONG Flags, PHANDLE Key)
{
    UNICODE_STRING    Name;
    OBJECT_ATTRIBUTES Attributes;

    RtlInitUnicodeString(&Name, Path);
    InitializeObjectAttributes(&Attributes, &Name, Flags | OBJ_KERNEL_HANDLE, Root, NULL);
    return ZwOpenKey(Key, KEY_READ, &Attributes);
}

VOID
TestKeys(VOID)
{
    static const struct { PCWSTR Path; NTSTATUS Status; } Opens[] = {
        { L"\\Registry", STATUS_SUCCESS },
        { L"\\REGISTRY\\machine\\", STATUS_SUCCESS },
        { L"\\registry\\Machine\\\\SYSTEM\\currentcontrolset\\Services", STATUS_SUCCESS },
        { L"\\Registry\\Machine\\Nothing", STATUS_OBJECT_NAME_NOT_FOUND },
        { L"\\Registry\\Machine\\Nothing\\Below", STATUS_OBJECT_NAME_NOT_FOUND },
        { L"Registry", STATUS_OBJECT_PATH_SYNTAX_BAD },
        { L"\\Device", STATUS_OBJECT_TYPE_MISMATCH },
    };
    WCHAR  Long[258];
    HANDLE Key, Other;
    ULONG  Disposition;

    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Opens); Index++) {
        NTSTATUS Status = OpenRelative(NULL, Opens[Index].Path, 0, &Key);

        CHECK(Status == Opens[Index].Status);
        if (NT_SUCCESS(Status))
            ZwClose(Key);
    }
    CHECK(CreateBelow(L"Made", 0, &Disposition, &Key) == STATUS_SUCCESS);
    CHECK(Disposition == REG_CREATED_NEW_KEY);
    CHECK(CreateBelow(L"MADE", 0, &Disposition, &Other) == STATUS_SUCCESS);
    CHECK(Disposition == REG_OPENED_EXISTING_KEY);
    ZwClose(Other);
    CHECK(CreateBelow(L"Made\\No\\Further", 0, NULL, &Other) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(CreateBelow(L"Made\\Options", 0x100, NULL, &Other) == STATUS_INVALID_PARAMETER);
    CHECK(CreateBelow(L"Made\\Volatile", REG_OPTION_VOLATILE, NULL, &Other) == STATUS_SUCCESS);
    ZwClose(Other);
    CHECK(CreateBelow(L"Made\\Volatile\\Not", 0, NULL, &Other) == STATUS_CHILD_MUST_BE_VOLATILE);
    CHECK(OpenRelative(Key, L"Volatile", 0, &Other) == STATUS_SUCCESS);
    ZwClose(Other);
    CHECK(OpenBelow(L"Made\\Volatile", DELETE, &Other) == STATUS_SUCCESS);
    CHECK(ZwDeleteKey(Other) == STATUS_SUCCESS);
    ZwClose(Other);
    CHECK(OpenRelative(Key, L"", 0, &Other) == STATUS_SUCCESS);
    ZwClose(Other);

    for (ULONG Index = 0; Index < 256; Index++)
        Long[Index] = L'x';
    Long[256] = 0;
    CHECK(OpenRelative(Key, Long, 0, &Other) == STATUS_INVALID_PARAMETER);
    Long[255] = 0;
    CHECK(OpenRelative(Key, Long, 0, &Other) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(ZwFlushKey(Key) == STATUS_SUCCESS);
    CHECK(ZwDeleteKey(Key) == STATUS_SUCCESS);
    ZwClose(Key);
}

VOID
TestDelete(VOID)
{
    UNICODE_STRING        Name = RTL_CONSTANT_STRING(L"Value");
    KEY_BASIC_INFORMATION Basic;
    OBJECT_ATTRIBUTES     Attributes;
    HANDLE                Key, Child, Again, Fixed;
    ULONG                 Disposition, Needed;

    CHECK(CreateBelow(L"Parent", 0, NULL, &Key) == STATUS_SUCCESS);
    CHECK(CreateBelow(L"Parent\\Child", 0, NULL, &Child) == STATUS_SUCCESS);
    CHECK(SetNumber(Child, L"Value", 1) == STATUS_SUCCESS);
    CHECK(ZwDeleteKey(Key) == STATUS_CANNOT_DELETE);
    CHECK(ZwDeleteKey(Child) == STATUS_SUCCESS);
    CHECK(ZwDeleteKey(Child) == STATUS_KEY_DELETED);
    CHECK(SetNumber(Child, L"Value", 2) == STATUS_KEY_DELETED);
    CHECK(ZwDeleteValueKey(Child, &Name) == STATUS_KEY_DELETED);
    CHECK(ZwFlushKey(Child) == STATUS_KEY_DELETED);
    CHECK(ZwQueryKey(Child, KeyBasicInformation, &Basic, sizeof Basic, &Needed)
          == STATUS_KEY_DELETED);
    CHECK(ZwEnumerateKey(Child, 0, KeyBasicInformation, &Basic, sizeof Basic, &Needed)
          == STATUS_KEY_DELETED);
    CHECK(QueryValue(Child, L"Value", KeyValueBasicInformation, &Basic, sizeof Basic, &Needed)
          == STATUS_KEY_DELETED);

    // a new key of the name has nothing to do with the old one
    CHECK(CreateBelow(L"Parent\\Child", 0, &Disposition, &Again) == STATUS_SUCCESS);
    CHECK(Disposition == REG_CREATED_NEW_KEY);
    CHECK(QueryValue(Again, L"Value", KeyValueBasicInformation, &Basic, sizeof Basic, &Needed)
          == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(ZwFlushKey(Child) == STATUS_KEY_DELETED);
    CHECK(ZwDeleteKey(Again) == STATUS_SUCCESS);
    ZwClose(Again);
    ZwClose(Child);
    CHECK(ZwDeleteKey(Key) == STATUS_SUCCESS);
    ZwClose(Key);

    RtlInitUnicodeString(&Name, L"\\Registry\\Machine\\Hardware\\DeviceMap");
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK(ZwOpenKey(&Fixed, DELETE, &Attributes) == STATUS_SUCCESS);
    CHECK(ZwDeleteKey(Fixed) == STATUS_CANNOT_DELETE);
    ZwClose(Fixed);
    RtlInitUnicodeString(&Name, L"\\Registry\\Machine\\New");
    CHECK(ZwCreateKey(&Fixed, KEY_READ, &Attributes, 0, NULL, 0, NULL)
          == STATUS_CHILD_MUST_BE_VOLATILE);
}

VOID
TestRights(VOID)
{
    UNICODE_STRING        Name = RTL_CONSTANT_STRING(L"Value");
    KEY_BASIC_INFORMATION Basic;
    PVOID                 Object;
    HANDLE                Key;
    ULONG                 Needed;

    CHECK(CreateBelow(L"Rights", 0, NULL, &Key) == STATUS_SUCCESS);
    CHECK(SetNumber(Key, L"Value", 1) == STATUS_SUCCESS);
    // a kernel-mode caller is not checked, but the handle knows what it was opened for
    ZwClose(Key);
    CHECK(OpenBelow(L"Rights", KEY_QUERY_VALUE, &Key) == STATUS_SUCCESS);
    CHECK(ObReferenceObjectByHandle(Key, KEY_SET_VALUE, NULL, UserMode, &Object, NULL)
          != STATUS_SUCCESS);
    CHECK(ZwQueryKey(Key, KeyBasicInformation, &Basic, sizeof Basic, &Needed)
          == STATUS_BUFFER_OVERFLOW);
    CHECK(ZwDeleteValueKey(Key, &Name) == STATUS_SUCCESS);
    CHECK(ZwDeleteValueKey(Key, &Name) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(ZwDeleteKey(Key) == STATUS_SUCCESS);
    ZwClose(Key);
}

static VOID
MakeName(PWSTR Name, ULONG Number)
{
    for (ULONG Index = 0; Index < 4; Index++, Number /= 10)
        Name[3 - Index] = (WCHAR)(L'0' + Number % 10);
    Name[4] = 0;
}

#define MANY    1000

static VOID
MakeMany(HANDLE Key, PWSTR Path)
{
    HANDLE Child;
    WCHAR  Name[5];

    for (ULONG Index = 0; Index < MANY; Index++) {
        ULONG Number = Index * 7 % MANY;            // 7 has no divisor in common with MANY

        MakeName(Path + 5, Number);
        CHECK(CreateBelow(Path, 0, NULL, &Child) == STATUS_SUCCESS);
        ZwClose(Child);
        MakeName(Name, Number);
        CHECK(SetNumber(Key, Name, Number) == STATUS_SUCCESS);
    }
}

VOID
TestMany(VOID)
{
    struct { KEY_BASIC_INFORMATION Info; WCHAR More[8]; } Basic;
    struct { KEY_VALUE_FULL_INFORMATION Info; WCHAR More[8]; } Full;
    WCHAR  Path[] = L"Many\\0000", Name[5];
    HANDLE Key, Child;
    ULONG  Index, Needed;

    CHECK(CreateBelow(L"Many", 0, NULL, &Key) == STATUS_SUCCESS);
    MakeMany(Key, Path);
    for (Index = 0; Index < MANY; Index++) {
        MakeName(Name, Index);                      // children come sorted
        CHECK(NT_SUCCESS(ZwEnumerateKey(Key, Index, KeyBasicInformation, &Basic, sizeof Basic,
                                        &Needed)));
        CHECK(RtlCompareMemory(Basic.Info.Name, Name, 8) == 8);
        MakeName(Name, Index * 7 % MANY);           // values as they were made
        CHECK(NT_SUCCESS(ZwEnumerateValueKey(Key, Index, KeyValueFullInformation, &Full,
                                             sizeof Full, &Needed)));
        CHECK(RtlCompareMemory(Full.Info.Name, Name, 8) == 8);
    }
    CHECK(ZwEnumerateKey(Key, MANY, KeyBasicInformation, &Basic, sizeof Basic, &Needed)
          == STATUS_NO_MORE_ENTRIES);
    CHECK(ZwEnumerateValueKey(Key, MANY, KeyValueFullInformation, &Full, sizeof Full, &Needed)
          == STATUS_NO_MORE_ENTRIES);
    for (Index = 0; Index < MANY; Index++) {
        MakeName(Path + 5, Index);
        CHECK(OpenBelow(Path, DELETE, &Child) == STATUS_SUCCESS);
        CHECK(ZwDeleteKey(Child) == STATUS_SUCCESS);
        ZwClose(Child);
    }
    CHECK(ZwEnumerateKey(Key, 0, KeyBasicInformation, &Basic, sizeof Basic, &Needed)
          == STATUS_NO_MORE_ENTRIES);
    CHECK(ZwDeleteKey(Key) == STATUS_SUCCESS);
    ZwClose(Key);
}
