/* The services that take a name in place of a handle. */
#include "tfiles.h"

typedef NTSTATUS (NTAPI *SERVICE)(POBJECT_ATTRIBUTES, PVOID);

static const struct { SERVICE Call; ULONG Length; } Services[] = {
    { (SERVICE)(PVOID)NtQueryAttributesFile, 40 },
    { (SERVICE)(PVOID)NtQueryFullAttributesFile, 56 },
};

static NTSTATUS
Ask(ULONG Index, PCWSTR Path, PVOID Buffer)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING    Name;

    RtlInitUnicodeString(&Name, Path);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    return Services[Index].Call(&Attributes, Buffer);
}

static void
Outputs(ULONG Service)
{
    ULONG Length = Services[Service].Length;

    FillRoom();
    Expect(Ask(Service, DISK_FILE, Room) == STATUS_SUCCESS && IsFilled(Length)
        && Room[Length - 1] != FILL, "%lu: good", Service);
    FillRoom();
    Expect(Ask(Service, L"\\SystemRoot\\none", Room) == STATUS_OBJECT_NAME_NOT_FOUND, "none");
    Expect(Ask(Service, L"\\SystemRoot\\none\\x", Room) == STATUS_OBJECT_PATH_NOT_FOUND, "path");
    Expect(Ask(Service, L"\\Nowhere", Room) == STATUS_OBJECT_NAME_NOT_FOUND, "root");
    Expect(Ask(Service, NO_DRIVER, Room) == STATUS_INVALID_DEVICE_REQUEST, "no driver");
    Expect(Ask(Service, L"\\BaseNamedObjects", Room) == STATUS_OBJECT_TYPE_MISMATCH, "no file");
    for (ULONG Index = 0; Index < BAD; Index++)
        Expect(Ask(Service, DISK_FILE, Bad[Index]) == AV, "%lu: into %p", Service, Bad[Index]);
    Expect(Ask(Service, DISK_FILE, ReadOnly) == AV, "%lu: read-only", Service);
    Expect(Ask(Service, DISK_FILE, Room + 2 * PAGE - 8) == AV, "%lu: over the end", Service);
    for (ULONG Odd = 1; Odd < 4; Odd++)
        Expect(Ask(Service, DISK_FILE, Room + Odd) == STATUS_DATATYPE_MISALIGNMENT, "%lu: odd",
            Service);
    Expect(IsFilled(0), "%lu: something is written", Service);
}

static void
Inputs(ULONG Service)
{
    UNICODE_STRING    Name;
    OBJECT_ATTRIBUTES Good, Attributes;

    RtlInitUnicodeString(&Name, DISK_FILE);
    InitializeObjectAttributes(&Good, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    FillRoom();
    for (ULONG Index = 1; Index < BAD; Index++) {
        Attributes = Good;
        Expect(Services[Service].Call(Bad[Index], Room) == AV, "attributes at %p", Bad[Index]);
        Attributes.ObjectName = Bad[Index];
        Expect(Services[Service].Call(&Attributes, Room) == AV, "name at %p", Bad[Index]);
        Attributes = Good;
        Attributes.ObjectName = &Name;
        Name.Buffer = Bad[Index];
        Expect(Services[Service].Call(&Attributes, Room) == AV, "text at %p", Bad[Index]);
        RtlInitUnicodeString(&Name, DISK_FILE);
    }
    Expect(Services[Service].Call((POBJECT_ATTRIBUTES)(Room + PAGE + 1), Room)
        == STATUS_DATATYPE_MISALIGNMENT, "misaligned");
    Attributes = Good;
    Attributes.Length--;
    Expect(Services[Service].Call(&Attributes, Room) == STATUS_INVALID_PARAMETER, "length");
    Name.Length--;
    Expect(Services[Service].Call(&Good, Room) == STATUS_OBJECT_NAME_INVALID, "odd length");
    Expect(IsFilled(0), "something is written");
}

void
Names(void)
{
    Promise("Attributes by name: every kind of buffer, and names that are not there");
    for (ULONG Index = 0; Index < ARRAYSIZE(Services); Index++)
        Outputs(Index);
    Promise("Attributes by name: every kind of bad name");
    for (ULONG Index = 0; Index < ARRAYSIZE(Services); Index++)
        Inputs(Index);
}
