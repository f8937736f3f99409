/*
 * SC_HANDLEs: of the service manager and of services; what they may do, opening and closing them.
 *
 * A handle remembers the rights it was opened with, and each routine asks for the one it needs.
 * Whether the caller may have them is for the registry to say: the key is opened with the rights
 * that the handle's need.
 */
#include "scm.h"
#include <string.h>

/* All handles of this process; guarded by ScmListLock. */
static PSCM_HANDLE          ScmHandles;
static RTL_CRITICAL_SECTION ScmListLock;

VOID
ScmInitialize(VOID)
{
    RtlInitializeCriticalSection(&ScmListLock);
}

SC_HANDLE
ScmMakeHandle(PSCM_HANDLE New)
{
    RtlEnterCriticalSection(&ScmListLock);
    New->Next = ScmHandles;
    ScmHandles = New;
    RtlLeaveCriticalSection(&ScmListLock);
    return (SC_HANDLE)New;
}

/* Takes the handle off the list; NULL if it is not on it. */
static PSCM_HANDLE
ScmTakeHandle(SC_HANDLE Handle, BOOL Remove)
{
    PSCM_HANDLE *Link, Found;

    RtlEnterCriticalSection(&ScmListLock);
    for (Link = &ScmHandles; *Link != NULL && *Link != (PSCM_HANDLE)Handle;)
        Link = &(*Link)->Next;
    Found = *Link;
    if (Found != NULL && Remove)
        *Link = Found->Next;
    RtlLeaveCriticalSection(&ScmListLock);
    return Found;
}

PSCM_HANDLE
ScmCheck(SC_HANDLE Handle, BOOL IsManager, ACCESS_MASK Access)
{
    PSCM_HANDLE Found = Handle != NULL ? ScmTakeHandle(Handle, FALSE) : NULL;

    if (Found == NULL || Found->IsManager != IsManager) {
        ScmFail(ERROR_INVALID_HANDLE);
        return NULL;
    }
    if ((Found->Access & Access) != Access) {
        ScmFail(ERROR_ACCESS_DENIED);
        return NULL;
    }
    return Found;
}

static ACCESS_MASK
ScmMap(ACCESS_MASK Access, ACCESS_MASK Read, ACCESS_MASK Write, ACCESS_MASK Execute,
    ACCESS_MASK All)
{
    if (Access & GENERIC_READ)
        Access |= STANDARD_RIGHTS_READ | Read;
    if (Access & GENERIC_WRITE)
        Access |= STANDARD_RIGHTS_WRITE | Write;
    if (Access & GENERIC_EXECUTE)
        Access |= STANDARD_RIGHTS_EXECUTE | Execute;
    if (Access & (GENERIC_ALL | MAXIMUM_ALLOWED))
        Access |= All;
    return Access & All;
}

ACCESS_MASK
ScmMapServiceAccess(ACCESS_MASK Access)
{
    return ScmMap(Access, SERVICE_QUERY_CONFIG | SERVICE_QUERY_STATUS | SERVICE_INTERROGATE
        | SERVICE_ENUMERATE_DEPENDENTS, SERVICE_CHANGE_CONFIG, SERVICE_START | SERVICE_STOP
        | SERVICE_PAUSE_CONTINUE | SERVICE_USER_DEFINED_CONTROL, SERVICE_ALL_ACCESS);
}

ACCESS_MASK
ScmMapManagerAccess(ACCESS_MASK Access)
{
    return SC_MANAGER_CONNECT | ScmMap(Access, SC_MANAGER_ENUMERATE_SERVICE
        | SC_MANAGER_QUERY_LOCK_STATUS, SC_MANAGER_CREATE_SERVICE | SC_MANAGER_MODIFY_BOOT_CONFIG,
        SC_MANAGER_CONNECT | SC_MANAGER_LOCK, SC_MANAGER_ALL_ACCESS);
}

ACCESS_MASK
ScmKeyAccess(ACCESS_MASK Access)
{
    ACCESS_MASK Key = KEY_READ;

    if (Access & ~(SERVICE_QUERY_CONFIG | SERVICE_QUERY_STATUS | SERVICE_ENUMERATE_DEPENDENTS
            | SERVICE_INTERROGATE | SERVICE_USER_DEFINED_CONTROL | READ_CONTROL))
        Key |= KEY_SET_VALUE;           // what everybody may do to services is to ask
    return Key | (Access & DELETE);
}

BOOL
ScmIsName(PCWSTR Name)
{
    SIZE_T Length = wcslen(Name);

    return Length != 0 && Length <= SCM_MAX_NAME && wcschr(Name, L'\\') == NULL
        && wcschr(Name, L'/') == NULL;
}

/* Only this machine's database of active services is there. */
SC_HANDLE WINAPI
OpenSCManagerW(LPCWSTR Machine, LPCWSTR Database, DWORD Access)
{
    PSCM_HANDLE Scm;
    NTSTATUS    Status;

    if (Machine != NULL && Machine[0] != 0 && wcscmp(Machine, L".") != 0)
        return (SC_HANDLE)(ULONG_PTR)ScmFail(RPC_S_SERVER_UNAVAILABLE);
    if (Database != NULL && _wcsicmp(Database, L"ServicesActive") != 0)
        return (SC_HANDLE)(ULONG_PTR)ScmFail(_wcsicmp(Database, L"ServicesFailed") == 0
            ? ERROR_DATABASE_DOES_NOT_EXIST : ERROR_INVALID_NAME);
    Scm = AdvAllocate(sizeof *Scm);
    if (Scm == NULL)
        return NULL;
    Scm->IsManager = TRUE;
    Scm->Access = ScmMapManagerAccess(Access);
    Status = ScmOpenKey(NULL, NULL, KEY_READ | (Scm->Access & SC_MANAGER_CREATE_SERVICE
        ? KEY_CREATE_SUB_KEY : 0), &Scm->Key);
    if (!AdvSetStatus(Status)) {
        AdvFree(Scm);
        return NULL;
    }
    return ScmMakeHandle(Scm);
}

/* With the database locked. *Result has its key and mark open. */
static DWORD
ScmOpenLocked(PSCM_HANDLE Manager, PCWSTR Name, ACCESS_MASK Access, PSCM_HANDLE Scm)
{
    NTSTATUS Status;

    wcscpy(Scm->Name, Name);
    Scm->Access = Access;
    Status = ScmOpenKey(Manager->Key, Name, ScmKeyAccess(Access), &Scm->Key);
    if (Status == STATUS_OBJECT_NAME_NOT_FOUND || Status == STATUS_INVALID_PARAMETER)
        return ERROR_SERVICE_DOES_NOT_EXIST;
    if (!NT_SUCCESS(Status))
        return RtlNtStatusToDosError(Status);
    Status = ScmOpenMark(Name, &Scm->Mark);
    if (!NT_SUCCESS(Status))
        return RtlNtStatusToDosError(Status);
    if (!ScmIsStale(Scm->Key, Scm->Mark, Name))
        return ERROR_SUCCESS;
    ScmDeleteKey(Name);
    return ERROR_SERVICE_DOES_NOT_EXIST;
}

SC_HANDLE WINAPI
OpenServiceW(SC_HANDLE Manager, LPCWSTR Name, DWORD Access)
{
    PSCM_HANDLE Parent = ScmCheck(Manager, TRUE, SC_MANAGER_CONNECT), Scm;
    HANDLE      Lock;
    DWORD       Error;

    if (Parent == NULL)
        return NULL;
    if (Name == NULL || !ScmIsName(Name))
        return (SC_HANDLE)(ULONG_PTR)ScmFail(Name == NULL ? ERROR_INVALID_ADDRESS
            : ERROR_INVALID_NAME);
    Scm = AdvAllocate(sizeof *Scm);
    if (Scm == NULL)
        return NULL;
    Lock = ScmLockDatabase();
    Error = ScmOpenLocked(Parent, Name, ScmMapServiceAccess(Access), Scm);
    ScmUnlockDatabase(Lock);
    if (Error == ERROR_SUCCESS)
        return ScmMakeHandle(Scm);
    ScmDropHandle(Scm);
    ScmFail(Error);
    return NULL;
}

/* Gives back what the handle has, and with it a service that waits for it to be deleted. */
BOOL
ScmDropHandle(PSCM_HANDLE Scm)
{
    HANDLE Lock = NULL;

    if (Scm->Mark != NULL) {
        Lock = ScmLockDatabase();
        if (ScmIsStale(Scm->Key, Scm->Mark, Scm->Name))
            ScmDeleteKey(Scm->Name);
        NtClose(Scm->Mark);
    }
    if (Scm->Key != NULL)
        NtClose(Scm->Key);
    ScmUnlockDatabase(Lock);
    AdvFree(Scm);
    return TRUE;
}

BOOL WINAPI
CloseServiceHandle(SC_HANDLE Handle)
{
    PSCM_HANDLE Scm = Handle != NULL ? ScmTakeHandle(Handle, TRUE) : NULL;

    return Scm != NULL ? ScmDropHandle(Scm) : ScmFail(ERROR_INVALID_HANDLE);
}
