/*
 * Tests the registry from inside: what the text file says, keys and values through the Zw
 * services (keys.c, classes.c), and the Rtl routines (rtl.c).
 */
#include "ktreg.h"
#include "../ktest.h"

UNICODE_STRING KtregPath;

VOID
KtregExpect(BOOLEAN Holds, PCSTR Condition, ULONG Line)
{
    KtExpect(Holds, Condition, Line);
}

static VOID
Join(PUNICODE_STRING Name, PCWSTR Path)
{
    Name->Length = 0;
    RtlAppendUnicodeStringToString(Name, &KtregPath);
    if (*Path != 0)
        RtlAppendUnicodeToString(Name, L"\\");
    RtlAppendUnicodeToString(Name, Path);
}

NTSTATUS
OpenBelow(PCWSTR Path, ACCESS_MASK Access, PHANDLE Key)
{
    WCHAR             Buffer[400];
    UNICODE_STRING    Name = { 0, sizeof Buffer, Buffer };
    OBJECT_ATTRIBUTES Attributes;

    Join(&Name, Path);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
    return ZwOpenKey(Key, Access, &Attributes);
}

NTSTATUS
CreateBelow(PCWSTR Path, ULONG Options, PULONG Disposition, PHANDLE Key)
{
    WCHAR             Buffer[400];
    UNICODE_STRING    Name = { 0, sizeof Buffer, Buffer };
    UNICODE_STRING    Class = RTL_CONSTANT_STRING(L"Class");
    OBJECT_ATTRIBUTES Attributes;

    Join(&Name, Path);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    return ZwCreateKey(Key, KEY_ALL_ACCESS, &Attributes, 7, &Class, Options, Disposition);
}

NTSTATUS
SetNumber(HANDLE Key, PCWSTR Name, ULONG Number)
{
    UNICODE_STRING String;

    RtlInitUnicodeString(&String, Name);
    return ZwSetValueKey(Key, &String, 0, REG_DWORD, &Number, sizeof Number);
}

NTSTATUS
QueryValue(HANDLE Key, PCWSTR Name, ULONG Class, PVOID Buffer, ULONG Length, PULONG Needed)
{
    UNICODE_STRING String;

    RtlInitUnicodeString(&String, Name);
    *Needed = 0;
    return ZwQueryValueKey(Key, &String, Class, Buffer, Length, Needed);
}

static const KT_TEST Tests[] = {
    { "A text file's values, escapes, continued lines and deletions are read", TestText },
    { "Keys are made, opened and found again, whatever the case of their names", TestKeys },
    { "A deleted key is gone, its handles say so, and not every key can be deleted", TestDelete },
    { "Every class of key information has its length and its statuses", TestKeyClasses },
    { "Every class of value information has its length and its statuses", TestValueClasses },
    { "A handle does what it was opened for", TestRights },
    { "A thousand keys and values are enumerated in order, and leave no pool behind", TestMany },
    { "Keys are checked, made, and values written and deleted by their place", TestCheck },
    { "RtlQueryRegistryValues stores strings, numbers and bytes directly", TestQueryDirect },
    { "RtlQueryRegistryValues calls routines, with defaults and expansion", TestQueryRoutines },
    { "RtlQueryRegistryValues refuses what makes no sense", TestQueryFaults },
};

static VOID NTAPI
Unload(PDRIVER_OBJECT Driver)
{
    ExFreePoolWithTag(KtregPath.Buffer, TAG);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    KtregPath.Length = RegistryPath->Length;
    KtregPath.MaximumLength = RegistryPath->Length + sizeof(WCHAR);
    KtregPath.Buffer = ExAllocatePoolWithTag(PagedPool, KtregPath.MaximumLength, TAG);
    if (KtregPath.Buffer == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlCopyMemory(KtregPath.Buffer, RegistryPath->Buffer, RegistryPath->Length);
    KtregPath.Buffer[KtregPath.Length / sizeof(WCHAR)] = 0;
    Driver->DriverUnload = Unload;
    KtRun("ktreg", Tests, RTL_NUMBER_OF(Tests));
    return STATUS_SUCCESS;
}
