/*
 * Making, changing and deleting services, and what their keys hold.
 *
 * Only drivers can be services: there is no process that would run the other kinds. A driver's
 * file may be given as a DOS path; what is written is what the kernel can open.
 */
#include "scm.h"
#include <string.h>

#define IS_DRIVER(Type) ((Type) == SERVICE_KERNEL_DRIVER || (Type) == SERVICE_FILE_SYSTEM_DRIVER)

DWORD
ScmCheckConfig(const SCM_CONFIG *Config, BOOL New)
{
    BOOL AnyType = !New && Config->Type == SERVICE_NO_CHANGE;

    if (!AnyType && (Config->Type & SERVICE_WIN32) && !(Config->Type & SERVICE_DRIVER))
        return ERROR_CALL_NOT_IMPLEMENTED;
    if (!AnyType && !IS_DRIVER(Config->Type))
        return ERROR_INVALID_PARAMETER;
    if (Config->Start > SERVICE_DISABLED && (New || Config->Start != SERVICE_NO_CHANGE))
        return ERROR_INVALID_PARAMETER;
    if (Config->ErrorControl > SERVICE_ERROR_CRITICAL
        && (New || Config->ErrorControl != SERVICE_NO_CHANGE))
        return ERROR_INVALID_PARAMETER;
    if (New && (Config->Path == NULL || Config->Path[0] == 0))
        return ERROR_INVALID_PARAMETER;
    if (Config->Tag != NULL && (Config->Group == NULL || Config->Group[0] == 0))
        return ERROR_INVALID_PARAMETER;
    return ERROR_SUCCESS;
}

/* C:\X.SYS is written as the kernel knows it; a name without a drive is below \SystemRoot. */
static DWORD
ScmWritePath(HANDLE Key, PCWSTR Path)
{
    UNICODE_STRING Name;
    SIZE_T         Length = wcslen(Path);
    PWSTR          Plain;
    DWORD          Error;

    if (Length > 1 && Path[0] == L'"' && Path[Length - 1] == L'"') {
        Plain = AdvAllocate(Length * sizeof(WCHAR));
        if (Plain == NULL)
            return ERROR_NOT_ENOUGH_MEMORY;
        memcpy(Plain, Path + 1, (Length - 2) * sizeof(WCHAR));
        Error = ScmWritePath(Key, Plain);
        AdvFree(Plain);
        return Error;
    }
    if (Path[0] == 0 || Path[1] != L':')
        return ScmWriteText(Key, L"ImagePath", REG_EXPAND_SZ, Path);
    if (!RtlDosPathNameToNtPathName_U(Path, &Name, NULL, NULL))
        return ERROR_BAD_PATHNAME;
    Error = ScmWriteText(Key, L"ImagePath", REG_EXPAND_SZ, Name.Buffer);
    RtlFreeUnicodeString(&Name);
    return Error;
}

/* A tag that no service of the group has: one more than the highest. */
static DWORD
ScmNewTag(PCWSTR Group)
{
    struct { KEY_BASIC_INFORMATION Info; WCHAR More[SCM_MAX_NAME]; } Basic;
    HANDLE Services, Key;
    ULONG  Needed;
    DWORD  Highest = 0;

    if (!NT_SUCCESS(ScmOpenKey(NULL, NULL, KEY_READ, &Services)))
        return 1;
    for (ULONG Index = 0; NT_SUCCESS(NtEnumerateKey(Services, Index, KeyBasicInformation, &Basic,
            sizeof Basic - sizeof(WCHAR), &Needed)); Index++) {
        PWSTR Other;
        DWORD Tag;

        Basic.Info.Name[Basic.Info.NameLength / sizeof(WCHAR)] = 0;
        if (!NT_SUCCESS(ScmOpenKey(Services, Basic.Info.Name, KEY_READ, &Key)))
            continue;
        Other = ScmReadText(Key, L"Group", NULL);
        Tag = ScmReadNumber(Key, L"Tag", 0);
        if (Other != NULL && _wcsicmp(Other, Group) == 0 && Tag > Highest)
            Highest = Tag;
        AdvFree(Other);
        NtClose(Key);
    }
    NtClose(Services);
    return Highest + 1;
}

/*
 * What a service called Name must not have: a display name that another has as one or as its
 * name, dependencies that lead back to itself.
 */
static DWORD
ScmCheckOthers(PCWSTR Name, const SCM_CONFIG *Config)
{
    WCHAR  Other[SCM_MAX_NAME + 1];
    ULONG  Index = 0;
    BOOL   Taken = FALSE;
    HANDLE Services, Key;

    if (Config->Dependencies != NULL && ScmLeadsTo(Config->Dependencies, Name))
        return ERROR_CIRCULAR_DEPENDENCY;
    if (Config->DisplayName == NULL || Config->DisplayName[0] == 0
        || !NT_SUCCESS(ScmOpenKey(NULL, NULL, KEY_READ, &Services)))
        return ERROR_SUCCESS;
    while (!Taken && ScmNextService(Services, &Index, Other, &Key)) {
        PWSTR Shown = ScmReadText(Key, L"DisplayName", NULL);

        Taken = _wcsicmp(Other, Name) != 0 && (_wcsicmp(Other, Config->DisplayName) == 0
            || (Shown != NULL && _wcsicmp(Shown, Config->DisplayName) == 0));
        AdvFree(Shown);
        NtClose(Key);
    }
    NtClose(Services);
    return Taken ? ERROR_DUPLICATE_SERVICE_NAME : ERROR_SUCCESS;
}

DWORD
ScmWriteConfig(HANDLE Key, const SCM_CONFIG *Config)
{
    const struct { PCWSTR Name; DWORD Value; } Numbers[] = { { L"Type", Config->Type },
        { L"Start", Config->Start }, { L"ErrorControl", Config->ErrorControl } };
    const struct { PCWSTR Name, Text; DWORD Type; } Texts[] = {
        { L"Group", Config->Group, REG_SZ }, { L"ObjectName", Config->Account, REG_SZ },
        { L"DependOnService", Config->Dependencies, REG_MULTI_SZ },
        { L"DisplayName", Config->DisplayName, REG_SZ } };
    DWORD Error = ERROR_SUCCESS, Tag = 0;

    if (Config->Tag != NULL)
        Tag = ScmNewTag(Config->Group);
    for (ULONG Index = 0; Index < ARRAYSIZE(Numbers) && Error == ERROR_SUCCESS; Index++)
        if (Numbers[Index].Value != SERVICE_NO_CHANGE)
            Error = ScmWriteNumber(Key, Numbers[Index].Name, Numbers[Index].Value);
    if (Error == ERROR_SUCCESS && Config->Path != NULL)
        Error = ScmWritePath(Key, Config->Path);
    for (ULONG Index = 0; Index < ARRAYSIZE(Texts) && Error == ERROR_SUCCESS; Index++)
        if (Texts[Index].Text != NULL)
            Error = ScmWriteText(Key, Texts[Index].Name, Texts[Index].Type, Texts[Index].Text);
    if (Error == ERROR_SUCCESS && Tag != 0) {
        *Config->Tag = Tag;
        Error = ScmWriteNumber(Key, L"Tag", Tag);
    }
    return Error;
}

/* Whether the name is taken, and why; a service that waits to be deleted goes if it can. */
static DWORD
ScmClearName(PSCM_HANDLE Manager, PCWSTR Name)
{
    HANDLE Key, Mark = NULL;
    DWORD  Error = ERROR_SERVICE_EXISTS;

    if (!NT_SUCCESS(ScmOpenKey(Manager->Key, Name, KEY_READ, &Key)))
        return ERROR_SUCCESS;
    if (ScmReadNumber(Key, L"DeleteFlag", 0) != 0) {
        Error = ERROR_SERVICE_MARKED_FOR_DELETE;
        if (NT_SUCCESS(ScmOpenMark(Name, &Mark)) && ScmIsStale(Key, Mark, Name))
            Error = ScmDeleteKey(Name);
        if (Mark != NULL)
            NtClose(Mark);
    }
    NtClose(Key);
    return Error;
}

/* With the database locked. */
static DWORD
ScmCreateLocked(PSCM_HANDLE Manager, PSCM_HANDLE Scm, const SCM_CONFIG *Config)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING    String;
    HANDLE            Key;
    NTSTATUS          Status;
    DWORD             Error = ScmClearName(Manager, Scm->Name);

    if (Error == ERROR_SUCCESS)
        Error = ScmCheckOthers(Scm->Name, Config);
    if (Error != ERROR_SUCCESS)
        return Error;
    RtlInitUnicodeString(&String, Scm->Name);
    InitializeObjectAttributes(&Attributes, &String, OBJ_CASE_INSENSITIVE, Manager->Key, NULL);
    Status = NtCreateKey(&Key, KEY_WRITE, &Attributes, 0, NULL, 0, NULL);
    if (!NT_SUCCESS(Status))
        return RtlNtStatusToDosError(Status);
    Error = ScmWriteConfig(Key, Config);
    NtClose(Key);
    if (Error == ERROR_SUCCESS)
        Status = ScmOpenKey(Manager->Key, Scm->Name, ScmKeyAccess(Scm->Access), &Scm->Key);
    if (Error == ERROR_SUCCESS && NT_SUCCESS(Status))
        Status = ScmOpenMark(Scm->Name, &Scm->Mark);
    if (Error == ERROR_SUCCESS && !NT_SUCCESS(Status))
        Error = RtlNtStatusToDosError(Status);
    if (Error != ERROR_SUCCESS)
        ScmDeleteKey(Scm->Name);
    return Error;
}

SC_HANDLE WINAPI
CreateServiceW(SC_HANDLE Manager, LPCWSTR Name, LPCWSTR DisplayName, DWORD Access, DWORD Type,
    DWORD Start, DWORD ErrorControl, LPCWSTR Path, LPCWSTR Group, LPDWORD Tag,
    LPCWSTR Dependencies, LPCWSTR Account, LPCWSTR Password)
{
    SCM_CONFIG  Config = { Type, Start, ErrorControl, Path, Group, Dependencies, Account,
                    DisplayName, Tag };
    PSCM_HANDLE Parent = ScmCheck(Manager, TRUE, SC_MANAGER_CREATE_SERVICE), Scm;
    HANDLE      Lock;
    DWORD       Error;

    if (Parent == NULL)
        return NULL;
    Error = Name == NULL ? ERROR_INVALID_ADDRESS : !ScmIsName(Name) ? ERROR_INVALID_NAME
          : ScmCheckConfig(&Config, TRUE);
    if (Error != ERROR_SUCCESS)
        return (SC_HANDLE)(ULONG_PTR)ScmFail(Error);
    Scm = AdvAllocate(sizeof *Scm);
    if (Scm == NULL)
        return NULL;
    wcscpy(Scm->Name, Name);
    Scm->Access = ScmMapServiceAccess(Access);
    Lock = ScmLockDatabase();
    Error = ScmCreateLocked(Parent, Scm, &Config);
    ScmUnlockDatabase(Lock);
    if (Error == ERROR_SUCCESS)
        return ScmMakeHandle(Scm);
    ScmDropHandle(Scm);
    ScmFail(Error);
    return NULL;
}

BOOL WINAPI
ChangeServiceConfigW(SC_HANDLE Service, DWORD Type, DWORD Start, DWORD ErrorControl, LPCWSTR Path,
    LPCWSTR Group, LPDWORD Tag, LPCWSTR Dependencies, LPCWSTR Account, LPCWSTR Password,
    LPCWSTR DisplayName)
{
    SCM_CONFIG  Config = { Type, Start, ErrorControl, Path, Group, Dependencies, Account,
                    DisplayName, Tag };
    PSCM_HANDLE Scm = ScmCheck(Service, FALSE, SERVICE_CHANGE_CONFIG);
    HANDLE      Lock;
    DWORD       Error;

    if (Scm == NULL)
        return FALSE;
    Lock = ScmLockDatabase();
    Error = ScmReadNumber(Scm->Key, L"DeleteFlag", 0) != 0 ? ERROR_SERVICE_MARKED_FOR_DELETE
          : ScmCheckConfig(&Config, FALSE);
    if (Error == ERROR_SUCCESS)
        Error = ScmCheckOthers(Scm->Name, &Config);
    if (Error == ERROR_SUCCESS)
        Error = ScmWriteConfig(Scm->Key, &Config);
    ScmUnlockDatabase(Lock);
    return Error == ERROR_SUCCESS ? TRUE : ScmFail(Error);
}

BOOL WINAPI
DeleteService(SC_HANDLE Service)
{
    PSCM_HANDLE Scm = ScmCheck(Service, FALSE, DELETE);
    HANDLE      Lock;
    DWORD       Error;

    if (Scm == NULL)
        return FALSE;
    Lock = ScmLockDatabase();
    Error = ScmReadNumber(Scm->Key, L"DeleteFlag", 0) != 0 ? ERROR_SERVICE_MARKED_FOR_DELETE
          : ScmWriteNumber(Scm->Key, L"DeleteFlag", 1);
    ScmUnlockDatabase(Lock);
    return Error == ERROR_SUCCESS ? TRUE : ScmFail(Error);
}
