/* The Rtl routines: places, and RtlQueryRegistryValues with every flag. */
#include "ktreg.h"

#define DIRECT  RTL_QUERY_REGISTRY_DIRECT
#define CHECKED 0x100                               // RTL_QUERY_REGISTRY_TYPECHECK
#define ONE     L"ktreg\\Parameters"

VOID
TestCheck(VOID)
{
    ULONG Number = 5;

    CHECK(RtlCheckRegistryKey(RTL_REGISTRY_SERVICES, L"ktreg") == STATUS_SUCCESS);
    CHECK(RtlCheckRegistryKey(RTL_REGISTRY_ABSOLUTE, KtregPath.Buffer) == STATUS_SUCCESS);
    CHECK(RtlCheckRegistryKey(RTL_REGISTRY_CONTROL, L"") == STATUS_SUCCESS);
    CHECK(RtlCheckRegistryKey(RTL_REGISTRY_DEVICEMAP, L"") == STATUS_SUCCESS);
    CHECK(RtlCheckRegistryKey(RTL_REGISTRY_SERVICES, L"nothing") == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(RtlCheckRegistryKey(77, L"ktreg") == STATUS_INVALID_PARAMETER);
    CHECK(RtlCreateRegistryKey(RTL_REGISTRY_SERVICES, L"ktreg\\Rtl") == STATUS_SUCCESS);
    CHECK(RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, L"ktreg\\Rtl", L"Number", REG_DWORD,
                                &Number, sizeof Number) == STATUS_SUCCESS);
    CHECK(RtlDeleteRegistryValue(RTL_REGISTRY_SERVICES, L"ktreg\\Rtl", L"number")
          == STATUS_SUCCESS);
    CHECK(RtlDeleteRegistryValue(RTL_REGISTRY_SERVICES, L"ktreg\\Rtl", L"Number")
          == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(RtlDeleteRegistryValue(RTL_REGISTRY_SERVICES, L"ktreg\\No", L"Number")
          == STATUS_OBJECT_NAME_NOT_FOUND);
}

static NTSTATUS
Query(PRTL_QUERY_REGISTRY_TABLE Table, PVOID Context)
{
    return RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, ONE, Table, Context, NULL);
}

VOID
TestQueryDirect(VOID)
{
    UNICODE_STRING Text = { 0 }, Strings = { 0 }, Small;
    WCHAR          Tiny[4];
    ULONG          Number = 0, Missing = 1;
    struct { LONG Size; UCHAR More[12]; } Quad = { -8, { 0 } }, Long = { 16, { 0 } };
    RTL_QUERY_REGISTRY_TABLE Table[] = {
        { NULL, DIRECT | CHECKED, L"Number", &Number, REG_DWORD << 24, NULL, 0 },
        { NULL, DIRECT | CHECKED, L"Text", &Text, REG_SZ << 24, NULL, 0 },
        { NULL, DIRECT | RTL_QUERY_REGISTRY_NOEXPAND, L"Strings", &Strings, 0, NULL, 0 },
        { NULL, DIRECT, L"Quad", &Quad, 0, NULL, 0 },
        { NULL, DIRECT, L"Quad", &Long, 0, NULL, 0 },
        { NULL, DIRECT, L"Missing", &Missing, REG_DWORD, &Number, sizeof Number },
        { 0 }
    };
    RTL_QUERY_REGISTRY_TABLE Narrow[] = { { NULL, DIRECT, L"Text", &Small, 0, NULL, 0 }, { 0 } };

    CHECK(Query(Table, NULL) == STATUS_SUCCESS);
    CHECK(Number == 42 && Missing == 42);
    CHECK(Text.Buffer != NULL && wcscmp(Text.Buffer, L"a \"quoted\" back\\slash; no comment") == 0);
    CHECK(Text.Length == wcslen(Text.Buffer) * sizeof(WCHAR));
    CHECK(Strings.Length == 10 && RtlCompareMemory(Strings.Buffer, L"a\0bc\0", 10) == 10);
    CHECK(Quad.Size == 0x05060708 && Quad.More[3] == 1);
    CHECK(Long.Size == 8 && *(PULONG)Long.More == REG_QWORD && Long.More[4] == 8);
    RtlFreeUnicodeString(&Text);
    RtlFreeUnicodeString(&Strings);

    Small = (UNICODE_STRING){ 0, sizeof Tiny, Tiny };
    CHECK(Query(Narrow, NULL) == STATUS_BUFFER_TOO_SMALL);
    Narrow[0].Name = L"Quad";
    Narrow[0].EntryContext = &Long;
    Long.Size = -7;
    CHECK(Query(Narrow, NULL) == STATUS_BUFFER_TOO_SMALL);
    Table[0].DefaultType = (ULONG)REG_SZ << 24;
    CHECK(Query(Table, NULL) == STATUS_OBJECT_TYPE_MISMATCH);
}

typedef struct _SEEN {
    ULONG    Calls, Strings, Types;
    WCHAR    Last[64];
    NTSTATUS Answer;
} SEEN;

static NTSTATUS NTAPI
See(PWSTR Name, ULONG Type, PVOID Data, ULONG Length, PVOID Context, PVOID EntryContext)
{
    SEEN *Seen = EntryContext;

    CHECK(Context == See);
    Seen->Calls++;
    Seen->Types |= 1U << (Type & 31);
    if (Type == REG_SZ) {
        Seen->Strings++;
        CHECK(Length <= sizeof Seen->Last || Length > 0);
        RtlCopyMemory(Seen->Last, Data, min(Length, sizeof Seen->Last - sizeof(WCHAR)));
    }
    if (Type == REG_NONE)
        CHECK(Data == NULL && Length == 0);
    return Seen->Answer;
}

VOID
TestQueryRoutines(VOID)
{
    static WCHAR Environment[] = L"A=1\0X=expanded\0";
    SEEN Seen[7] = { 0 };
    RTL_QUERY_REGISTRY_TABLE Table[] = {
        { See, 0, L"Strings", &Seen[0], 0, NULL, 0 },
        { See, RTL_QUERY_REGISTRY_NOEXPAND, L"Strings", &Seen[1], 0, NULL, 0 },
        { See, 0, L"Expand", &Seen[2], 0, NULL, 0 },
        { See, 0, L"Missing", &Seen[3], REG_SZ, L"default", 0 },
        { See, RTL_QUERY_REGISTRY_NOVALUE, NULL, &Seen[4], 0, NULL, 0 },
        { See, RTL_QUERY_REGISTRY_NOEXPAND, NULL, &Seen[5], 0, NULL, 0 },
        { NULL, RTL_QUERY_REGISTRY_SUBKEY, L"Sub", NULL, 0, NULL, 0 },
        { See, RTL_QUERY_REGISTRY_DELETE, L"Number", &Seen[6], 0, NULL, 0 },
        { See, RTL_QUERY_REGISTRY_TOPKEY | RTL_QUERY_REGISTRY_REQUIRED, L"Number", &Seen[6], 0,
          NULL, 0 },
        { 0 }
    };
    HANDLE Key;

    CHECK(CreateBelow(L"Parameters\\Sub", 0, NULL, &Key) == STATUS_SUCCESS);
    CHECK(SetNumber(Key, L"Number", 1) == STATUS_SUCCESS);
    CHECK(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, ONE, Table, See, Environment)
          == STATUS_SUCCESS);
    CHECK(Seen[0].Calls == 2 && Seen[0].Strings == 2 && wcscmp(Seen[0].Last, L"bc") == 0);
    CHECK(Seen[1].Calls == 1 && Seen[1].Types == 1U << REG_MULTI_SZ);
    CHECK(Seen[2].Calls == 1 && wcscmp(Seen[2].Last, L"expanded!") == 0);
    CHECK(Seen[3].Calls == 1 && wcscmp(Seen[3].Last, L"default") == 0);
    CHECK(Seen[4].Calls == 1 && Seen[4].Types == 1U << REG_NONE);
    CHECK(Seen[5].Calls == 10);
    CHECK(Seen[6].Calls == 2);
    // the one in the subkey was deleted, the other was not
    Table[7].Flags = RTL_QUERY_REGISTRY_REQUIRED;
    CHECK(Query(Table, See) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(ZwDeleteKey(Key) == STATUS_SUCCESS);
    ZwClose(Key);
}

VOID
TestQueryFaults(VOID)
{
    SEEN  Seen = { 0 };
    ULONG Number;
    RTL_QUERY_REGISTRY_TABLE Table[] = { { See, 0, L"Number", &Seen, 0, NULL, 0 }, { 0 } };

    Seen.Answer = STATUS_DATA_ERROR;
    CHECK(Query(Table, See) == STATUS_DATA_ERROR);
    Seen.Answer = STATUS_BUFFER_TOO_SMALL;
    CHECK(Query(Table, See) == STATUS_SUCCESS);
    Table[0].Flags = RTL_QUERY_REGISTRY_SUBKEY;
    Table[0].Name = NULL;
    CHECK(Query(Table, See) == STATUS_INVALID_PARAMETER);
    Table[0] = (RTL_QUERY_REGISTRY_TABLE){ NULL, DIRECT, NULL, &Number, 0, NULL, 0 };
    CHECK(Query(Table, See) == STATUS_INVALID_PARAMETER);
    Table[0] = (RTL_QUERY_REGISTRY_TABLE){ See, DIRECT, L"Number", &Number, 0, NULL, 0 };
    CHECK(Query(Table, See) == STATUS_INVALID_PARAMETER);
    Table[0] = (RTL_QUERY_REGISTRY_TABLE){ NULL, 0, L"Number", &Number, 0, NULL, 0 };
    CHECK(Query(Table, See) == STATUS_INVALID_PARAMETER);
    Table[0] = (RTL_QUERY_REGISTRY_TABLE){ See, RTL_QUERY_REGISTRY_REQUIRED, L"Missing", &Seen, 0,
                                           NULL, 0 };
    CHECK(Query(Table, See) == STATUS_OBJECT_NAME_NOT_FOUND);
    Table[0].Flags = 0;
    CHECK(Query(Table, See) == STATUS_SUCCESS);
    CHECK(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"nothing", Table, See, NULL)
          == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES | RTL_REGISTRY_OPTIONAL, L"nothing", Table,
                                 See, NULL) == STATUS_SUCCESS);
}
