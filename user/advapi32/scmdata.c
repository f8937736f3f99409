/*
 * The services as the registry has them: keys, values, and the two named objects of scm.h.
 */
#include "scm.h"
#include <string.h>

#define SERVICES    L"\\Registry\\Machine\\System\\CurrentControlSet\\Services"
#define CURRENT     L"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\ServiceCurrent"
#define LOCK_NAME   L"\\BaseNamedObjects\\ServiceDatabase"
#define MARK_NAME   L"\\BaseNamedObjects\\ServiceHandle-"

BOOL
ScmFail(DWORD Error)
{
    RtlSetLastWin32Error(Error);
    return FALSE;
}

static VOID
ScmAttributes(POBJECT_ATTRIBUTES Attributes, PUNICODE_STRING String, PCWSTR Name, HANDLE Root)
{
    RtlInitUnicodeString(String, Name);
    InitializeObjectAttributes(Attributes, String, OBJ_CASE_INSENSITIVE | OBJ_OPENIF, Root, NULL);
}

/* For what programs of all users share: an empty place for the list of rights, so all have them. */
static SECURITY_DESCRIPTOR ScmForAll = { .Revision = SECURITY_DESCRIPTOR_REVISION,
                               .Control = SE_DACL_PRESENT };

/*
 * NULL if the lock cannot be made or is not let go of; the caller goes on without, alone with its
 * own checks.
 */
HANDLE
ScmLockDatabase(void)
{
    LARGE_INTEGER     Patience = { .QuadPart = -300000000 };    // half a minute
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING    String;
    HANDLE            Lock;

    ScmAttributes(&Attributes, &String, LOCK_NAME, NULL);
    Attributes.SecurityDescriptor = &ScmForAll;
    if (!NT_SUCCESS(NtCreateMutant(&Lock, MUTANT_ALL_ACCESS, &Attributes, FALSE)))
        return NULL;
    if (NtWaitForSingleObject(Lock, FALSE, &Patience) != STATUS_TIMEOUT)
        return Lock;
    NtClose(Lock);
    return NULL;
}

VOID
ScmUnlockDatabase(HANDLE Lock)
{
    if (Lock == NULL)
        return;
    NtReleaseMutant(Lock, NULL);
    NtClose(Lock);
}

/* Services NULL: from the root; Name NULL: the key of all services. */
NTSTATUS
ScmOpenKey(HANDLE Services, PCWSTR Name, ACCESS_MASK Access, PHANDLE Key)
{
    WCHAR             Path[ARRAYSIZE(SERVICES) + SCM_MAX_NAME + 2] = SERVICES;
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING    String;

    if (Services == NULL && Name != NULL) {
        wcscat(Path, L"\\");
        wcscat(Path, Name);
    }
    ScmAttributes(&Attributes, &String, Services == NULL ? Path : Name, Services);
    Attributes.Attributes = OBJ_CASE_INSENSITIVE;
    return NtOpenKey(Key, Access, &Attributes);
}

NTSTATUS
ScmOpenMark(PCWSTR Name, PHANDLE Mark)
{
    WCHAR             Path[ARRAYSIZE(MARK_NAME) + SCM_MAX_NAME + 1] = MARK_NAME;
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING    String;

    wcscat(Path, Name);
    ScmAttributes(&Attributes, &String, Path, NULL);
    Attributes.SecurityDescriptor = &ScmForAll;
    return NtCreateEvent(Mark, EVENT_QUERY_STATE, &Attributes, 0, FALSE);
}

ULONG
ScmCountHandles(HANDLE Mark)
{
    OBJECT_BASIC_INFORMATION Basic = { 0 };

    NtQueryObject(Mark, 0, &Basic, sizeof Basic, NULL);
    return Basic.HandleCount;
}

DWORD
ScmReadNumber(HANDLE Key, PCWSTR Name, DWORD Default)
{
    struct { KEY_VALUE_PARTIAL_INFORMATION Info; DWORD More; } Value;
    UNICODE_STRING String;
    ULONG          Needed;

    RtlInitUnicodeString(&String, Name);
    if (!NT_SUCCESS(NtQueryValueKey(Key, &String, KeyValuePartialInformation, &Value, sizeof Value,
            &Needed)) || Value.Info.Type != REG_DWORD || Value.Info.DataLength != sizeof(DWORD))
        return Default;
    memcpy(&Default, Value.Info.Data, sizeof Default);
    return Default;
}

PWSTR
ScmReadText(HANDLE Key, PCWSTR Name, PULONG Size)
{
    ULONG                          Room = 512, Head = FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION,
                                       Data);
    PKEY_VALUE_PARTIAL_INFORMATION Info;
    UNICODE_STRING                 String;
    NTSTATUS                       Status;

    RtlInitUnicodeString(&String, Name);
    for (;; AdvFree(Info)) {
        ULONG Needed = 0;

        Info = AdvAllocate(Room + 2 * sizeof(WCHAR));
        if (Info == NULL)
            return NULL;
        Status = NtQueryValueKey(Key, &String, KeyValuePartialInformation, Info, Room, &Needed);
        if (Status != STATUS_BUFFER_OVERFLOW && Status != STATUS_BUFFER_TOO_SMALL)
            break;
        Room = Needed;
    }
    if (!NT_SUCCESS(Status) || (Info->Type != REG_SZ && Info->Type != REG_EXPAND_SZ
            && Info->Type != REG_MULTI_SZ)) {
        AdvFree(Info);
        return NULL;
    }
    if (Size != NULL)
        *Size = Info->DataLength;
    // the text moves to the front of its block, zeros behind it
    Room = Info->DataLength;
    memmove(Info, (PUCHAR)Info + Head, Room);
    memset((PUCHAR)Info + Room, 0, 2 * sizeof(WCHAR));
    return (PWSTR)Info;
}

static DWORD
ScmWrite(HANDLE Key, PCWSTR Name, DWORD Type, const VOID *Data, ULONG Size)
{
    UNICODE_STRING String;
    NTSTATUS       Status;

    RtlInitUnicodeString(&String, Name);
    Status = NtSetValueKey(Key, &String, 0, Type, Data, Size);
    return NT_SUCCESS(Status) ? ERROR_SUCCESS : RtlNtStatusToDosError(Status);
}

DWORD
ScmWriteNumber(HANDLE Key, PCWSTR Name, DWORD Value)
{
    return ScmWrite(Key, Name, REG_DWORD, &Value, sizeof Value);
}

/* An empty text takes the value away. */
DWORD
ScmWriteText(HANDLE Key, PCWSTR Name, DWORD Type, PCWSTR Text)
{
    UNICODE_STRING String;
    PCWSTR         End = Text;
    NTSTATUS       Status;

    if (Text[0] == 0) {
        RtlInitUnicodeString(&String, Name);
        Status = NtDeleteValueKey(Key, &String);
        return NT_SUCCESS(Status) || Status == STATUS_OBJECT_NAME_NOT_FOUND ? ERROR_SUCCESS
             : RtlNtStatusToDosError(Status);
    }
    do {
        End += wcslen(End) + 1;
    } while (Type == REG_MULTI_SZ && *End != 0);
    return ScmWrite(Key, Name, Type, Text, (ULONG)(End - Text + (Type == REG_MULTI_SZ))
        * sizeof(WCHAR));
}

DWORD
ScmDeleteKey(PCWSTR Name)
{
    HKEY  Services;
    DWORD Error = RegOpenKeyExW(HKEY_LOCAL_MACHINE, L"System\\CurrentControlSet\\Services", 0,
                      KEY_READ, &Services);

    if (Error == ERROR_SUCCESS) {
        Error = RegDeleteTreeW(Services, Name);
        RegCloseKey(Services);
    }
    ScmNoteExit(Name, ERROR_SERVICE_NEVER_STARTED);
    return Error;
}

BOOL
ScmNextService(HANDLE Services, PULONG Index, PWSTR Name, PHANDLE Key)
{
    struct { KEY_BASIC_INFORMATION Info; WCHAR More[SCM_MAX_NAME]; } Basic;
    ULONG Length;

    while (NT_SUCCESS(NtEnumerateKey(Services, (*Index)++, KeyBasicInformation, &Basic,
            sizeof Basic - sizeof(WCHAR), &Length))) {
        Length = Basic.Info.NameLength / sizeof(WCHAR);
        if (Length > SCM_MAX_NAME)
            continue;
        memcpy(Name, Basic.Info.Name, Length * sizeof(WCHAR));
        Name[Length] = 0;
        if (NT_SUCCESS(ScmOpenKey(Services, Name, KEY_READ, Key)))
            return TRUE;
    }
    return FALSE;
}

static HANDLE
ScmOpenCurrent(ACCESS_MASK Access)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING    String;
    HANDLE            Key;

    ScmAttributes(&Attributes, &String, CURRENT, NULL);
    return NT_SUCCESS(NtCreateKey(&Key, Access, &Attributes, 0, NULL, REG_OPTION_VOLATILE, NULL))
        ? Key : NULL;
}

/* ERROR_SERVICE_NEVER_STARTED takes the note away. */
VOID
ScmNoteExit(PCWSTR Name, DWORD Error)
{
    HANDLE         Key = ScmOpenCurrent(KEY_SET_VALUE);
    UNICODE_STRING String;

    if (Key == NULL)
        return;                         // who may not write it could not start a driver either
    RtlInitUnicodeString(&String, Name);
    if (Error == ERROR_SERVICE_NEVER_STARTED)
        NtDeleteValueKey(Key, &String);
    else
        ScmWriteNumber(Key, Name, Error);
    NtClose(Key);
}

DWORD
ScmReadExit(PCWSTR Name)
{
    HANDLE Key = ScmOpenCurrent(KEY_READ);
    DWORD  Error = ERROR_SERVICE_NEVER_STARTED;

    if (Key != NULL) {
        Error = ScmReadNumber(Key, Name, Error);
        NtClose(Key);
    }
    return Error;
}

/* Whether a service is to be deleted and nothing keeps it: only our own handle is open. */
BOOL
ScmIsStale(HANDLE Key, HANDLE Mark, PCWSTR Name)
{
    return ScmReadNumber(Key, L"DeleteFlag", 0) != 0 && ScmCountHandles(Mark) <= 1
        && ScmState(Key, Name) == SERVICE_STOPPED;
}
