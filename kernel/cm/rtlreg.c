/*
 * The registry for drivers, by well-known places: RtlCheckRegistryKey, RtlCreateRegistryKey,
 * RtlWriteRegistryValue, RtlDeleteRegistryValue, and for rtlquery.c the way to a key.
 *
 * RelativeTo names a place that Path goes on from, or none (RTL_REGISTRY_ABSOLUTE), or says that
 * Path is the handle of an open key. All of it is done through the Zw services.
 */
#include "cm/rtlregp.h"

#define CONTROL_SET     L"\\Registry\\Machine\\System\\CurrentControlSet\\"

static const PCWSTR RtlpPlaces[RTL_REGISTRY_MAXIMUM] = {
    L"",
    CONTROL_SET L"Services\\",
    CONTROL_SET L"Control\\",
    L"\\Registry\\Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion\\",
    L"\\Registry\\Machine\\Hardware\\DeviceMap\\",
    L"\\Registry\\User\\.Default\\",
};

NTSTATUS
RtlpOpenKey(HANDLE Root, PUNICODE_STRING Name, ACCESS_MASK Access, BOOLEAN Create, PHANDLE Key)
{
    OBJECT_ATTRIBUTES Attributes;

    InitializeObjectAttributes(&Attributes, Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, Root,
                               NULL);
    return Create ? ZwCreateKey(Key, Access, &Attributes, 0, NULL, 0, NULL)
                  : ZwOpenKey(Key, Access, &Attributes);
}

NTSTATUS
RtlpOpenPlace(ULONG RelativeTo, PCWSTR Path, ACCESS_MASK Access, BOOLEAN Create, PHANDLE Key)
{
    UNICODE_STRING Name;
    SIZE_T         Length;
    ULONG          Place = RelativeTo & ~(RTL_REGISTRY_HANDLE | RTL_REGISTRY_OPTIONAL);
    NTSTATUS       Status;

    PAGED_CODE();

    if (RelativeTo & RTL_REGISTRY_HANDLE) {
        *Key = (HANDLE)Path;
        return STATUS_SUCCESS;
    }
    if (Place >= RTL_REGISTRY_MAXIMUM)
        return STATUS_INVALID_PARAMETER;
    if (Path == NULL)
        Path = L"";
    Length = (wcslen(RtlpPlaces[Place]) + wcslen(Path) + 1) * sizeof(WCHAR);
    if (Length > MAXUSHORT)
        return STATUS_NAME_TOO_LONG;
    Name.Length = 0;
    Name.MaximumLength = (USHORT)Length;
    Name.Buffer = ExAllocatePoolWithTag(PagedPool, Length, CM_TAG_BUFFER);
    if (Name.Buffer == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlAppendUnicodeToString(&Name, RtlpPlaces[Place]);
    RtlAppendUnicodeToString(&Name, Path);
    Status = RtlpOpenKey(NULL, &Name, Access, Create, Key);
    ExFreePoolWithTag(Name.Buffer, CM_TAG_BUFFER);
    return Status;
}

VOID
RtlpClosePlace(ULONG RelativeTo, HANDLE Key)
{
    if (!(RelativeTo & RTL_REGISTRY_HANDLE) && Key != NULL)
        ZwClose(Key);
}

/* STATUS_SUCCESS if the key is there, else what opening it says. PASSIVE_LEVEL. */
NTSTATUS NTAPI
RtlCheckRegistryKey(ULONG RelativeTo, PWSTR Path)
{
    HANDLE   Key;
    NTSTATUS Status = RtlpOpenPlace(RelativeTo, Path, KEY_READ, FALSE, &Key);

    if (NT_SUCCESS(Status))
        RtlpClosePlace(RelativeTo, Key);
    return Status;
}

/* Makes the last key of the path, if it is not there. PASSIVE_LEVEL. */
NTSTATUS NTAPI
RtlCreateRegistryKey(ULONG RelativeTo, PWSTR Path)
{
    HANDLE   Key;
    NTSTATUS Status = RtlpOpenPlace(RelativeTo, Path, KEY_ALL_ACCESS, TRUE, &Key);

    if (NT_SUCCESS(Status))
        RtlpClosePlace(RelativeTo, Key);
    return Status;
}

/* Writes a value; the last key of the path is made, if it is not there. PASSIVE_LEVEL. */
NTSTATUS NTAPI
RtlWriteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName, ULONG ValueType,
                      PVOID ValueData, ULONG ValueLength)
{
    UNICODE_STRING Name;
    HANDLE         Key;
    NTSTATUS       Status = RtlpOpenPlace(RelativeTo, Path, KEY_SET_VALUE, TRUE, &Key);

    if (!NT_SUCCESS(Status))
        return Status;
    RtlInitUnicodeString(&Name, ValueName);
    Status = ZwSetValueKey(Key, &Name, 0, ValueType, ValueData, ValueLength);
    RtlpClosePlace(RelativeTo, Key);
    return Status;
}

/* STATUS_OBJECT_NAME_NOT_FOUND: no such key or value. PASSIVE_LEVEL. */
NTSTATUS NTAPI
RtlDeleteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName)
{
    UNICODE_STRING Name;
    HANDLE         Key;
    NTSTATUS       Status = RtlpOpenPlace(RelativeTo, Path, KEY_SET_VALUE, FALSE, &Key);

    if (!NT_SUCCESS(Status))
        return Status;
    RtlInitUnicodeString(&Name, ValueName);
    Status = ZwDeleteValueKey(Key, &Name);
    RtlpClosePlace(RelativeTo, Key);
    return Status;
}
