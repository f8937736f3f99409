/*
 * Starting, stopping and the state of services.
 *
 * A driver runs while its object is in \Driver. Stopping it while files of its devices are open
 * makes it wait: the state is then SERVICE_STOP_PENDING, and starting it takes that back.
 */
#include "scm.h"
#include <string.h>

#define DRIVERS         L"\\Driver\\"
#define DEEPEST         16              // of services that depend on each other

/* The last part of a path. */
static PCWSTR
ScmFileName(PCWSTR Path)
{
    PCWSTR Slash = wcsrchr(Path, L'\\');

    return Slash != NULL ? Slash + 1 : Path;
}

/* Whether the driver of the service's file waits to be unloaded: the list of images tells. */
static BOOL
ScmIsStopping(HANDLE Key, PCWSTR Name)
{
    ULONG                Length = 4096, Needed = 0;
    PRTL_PROCESS_MODULES Modules = NULL;
    PWSTR                Path = ScmReadText(Key, L"ImagePath", NULL);
    WCHAR                File[SCM_MAX_NAME + 5];
    CHAR                 Wanted[SCM_MAX_NAME + 5];
    BOOL                 Stopping = FALSE;
    NTSTATUS             Status;

    do {
        AdvFree(Modules);
        Modules = AdvAllocate(Length);
        Status = Modules == NULL ? STATUS_NO_MEMORY
               : NtQuerySystemInformation(EtSystemModuleInformation, Modules, Length, &Needed);
        Length = Needed + 1024;
    } while (Status == STATUS_INFO_LENGTH_MISMATCH);
    wcscpy(File, Name);
    wcscat(File, L".sys");
    if (Path != NULL && wcslen(ScmFileName(Path)) < ARRAYSIZE(File))
        wcscpy(File, ScmFileName(Path));
    AdvNarrowTo(Wanted, File, wcslen(File) + 1);
    for (ULONG Index = 0; NT_SUCCESS(Status) && Index < Modules->NumberOfModules; Index++) {
        RTL_PROCESS_MODULE_INFORMATION *Module = &Modules->Modules[Index];

        if (_stricmp(Module->FullPathName + Module->OffsetToFileName, Wanted) == 0)
            Stopping = (Module->Flags & LDRP_UNLOAD_IN_PROGRESS) != 0;
    }
    AdvFree(Modules);
    AdvFree(Path);
    return Stopping;
}

DWORD
ScmState(HANDLE Key, PCWSTR Name)
{
    WCHAR             Path[ARRAYSIZE(DRIVERS) + SCM_MAX_NAME + 1] = DRIVERS;
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING    String;
    HANDLE            Handle;
    NTSTATUS          Status;

    wcscat(Path, Name);
    RtlInitUnicodeString(&String, Path);
    InitializeObjectAttributes(&Attributes, &String, OBJ_CASE_INSENSITIVE, NULL, NULL);
    // a driver is no link, and there is no service that opens one: the refusal tells
    Status = NtOpenSymbolicLinkObject(&Handle, SYMBOLIC_LINK_QUERY, &Attributes);
    if (NT_SUCCESS(Status))
        NtClose(Handle);
    if (Status != STATUS_OBJECT_TYPE_MISMATCH)
        return SERVICE_STOPPED;
    return ScmIsStopping(Key, Name) ? SERVICE_STOP_PENDING : SERVICE_RUNNING;
}

VOID
ScmFillStatus(HANDLE Key, PCWSTR Name, LPSERVICE_STATUS_PROCESS Status)
{
    memset(Status, 0, sizeof *Status);
    Status->dwServiceType = ScmReadNumber(Key, L"Type", 0);
    Status->dwCurrentState = ScmState(Key, Name);
    if (Status->dwCurrentState == SERVICE_RUNNING)
        Status->dwControlsAccepted = SERVICE_ACCEPT_STOP;
    if (Status->dwCurrentState == SERVICE_STOPPED)
        Status->dwWin32ExitCode = ScmReadExit(Name);
}

static NTSTATUS
ScmCallDriver(PCWSTR Name, NTSTATUS (NTAPI *Service)(PUNICODE_STRING))
{
    static const WCHAR Start[] = L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\";
    WCHAR              Path[ARRAYSIZE(Start) + SCM_MAX_NAME];
    UNICODE_STRING     String;

    wcscpy(Path, Start);
    wcscat(Path, Name);
    RtlInitUnicodeString(&String, Path);
    return Service(&String);
}

static DWORD ScmStart(HANDLE Key, PCWSTR Name, ULONG Depth);

/* Starts what the service depends on. */
static DWORD
ScmStartOthers(HANDLE Key, ULONG Depth)
{
    PWSTR  Names = ScmReadText(Key, L"DependOnService", NULL);
    DWORD  Error = ERROR_SUCCESS;
    HANDLE Other;

    for (PWSTR Name = Names; Name != NULL && *Name != 0 && Error == ERROR_SUCCESS;
         Name += wcslen(Name) + 1) {
        if (!ScmIsName(Name) || !NT_SUCCESS(ScmOpenKey(NULL, Name, KEY_READ, &Other))) {
            Error = ERROR_SERVICE_DEPENDENCY_DELETED;
            break;
        }
        Error = ScmStart(Other, Name, Depth + 1);
        if (Error == ERROR_SERVICE_ALREADY_RUNNING)
            Error = ERROR_SUCCESS;
        else if (Error != ERROR_SUCCESS && Error != ERROR_CIRCULAR_DEPENDENCY)
            Error = ERROR_SERVICE_DEPENDENCY_FAIL;
        NtClose(Other);
    }
    AdvFree(Names);
    return Error;
}

static DWORD
ScmStart(HANDLE Key, PCWSTR Name, ULONG Depth)
{
    NTSTATUS Status;
    DWORD    Error;

    if (Depth > DEEPEST)
        return ERROR_CIRCULAR_DEPENDENCY;
    if (ScmReadNumber(Key, L"DeleteFlag", 0) != 0)
        return ERROR_SERVICE_MARKED_FOR_DELETE;
    if (ScmReadNumber(Key, L"Start", SERVICE_DEMAND_START) == SERVICE_DISABLED)
        return ERROR_SERVICE_DISABLED;
    if (ScmState(Key, Name) == SERVICE_RUNNING)
        return ERROR_SERVICE_ALREADY_RUNNING;
    Error = ScmStartOthers(Key, Depth);
    if (Error != ERROR_SUCCESS)
        return Error;
    Status = ScmCallDriver(Name, NtLoadDriver);
    Error = NT_SUCCESS(Status) ? ERROR_SUCCESS : RtlNtStatusToDosError(Status);
    ScmNoteExit(Name, Error);
    return Error;
}

/* The arguments are for services that are programs. */
BOOL WINAPI
StartServiceW(SC_HANDLE Service, DWORD Count, LPCWSTR *Arguments)
{
    PSCM_HANDLE Scm = ScmCheck(Service, FALSE, SERVICE_START);
    DWORD       Error;

    if (Scm == NULL)
        return FALSE;
    Error = ScmStart(Scm->Key, Scm->Name, 0);
    return Error == ERROR_SUCCESS ? TRUE : ScmFail(Error);
}

BOOL WINAPI
StartServiceA(SC_HANDLE Service, DWORD Count, LPCSTR *Arguments)
{
    return StartServiceW(Service, 0, NULL);
}

/* ERROR_INVALID_SERVICE_CONTROL: a driver that has no unload routine cannot be stopped. */
static DWORD
ScmStop(PSCM_HANDLE Scm)
{
    NTSTATUS Status;

    switch (ScmState(Scm->Key, Scm->Name)) {
    case SERVICE_STOPPED:
        return ERROR_SERVICE_NOT_ACTIVE;
    case SERVICE_STOP_PENDING:
        return ERROR_SERVICE_CANNOT_ACCEPT_CTRL;
    }
    if (ScmIsNeeded(Scm->Name))
        return ERROR_DEPENDENT_SERVICES_RUNNING;
    Status = ScmCallDriver(Scm->Name, NtUnloadDriver);
    if (Status == STATUS_OBJECT_NAME_NOT_FOUND)
        return ERROR_SERVICE_NOT_ACTIVE;
    if (Status == STATUS_INVALID_DEVICE_REQUEST)
        return ERROR_INVALID_SERVICE_CONTROL;
    if (!NT_SUCCESS(Status))
        return RtlNtStatusToDosError(Status);
    ScmNoteExit(Scm->Name, ERROR_SUCCESS);
    return ERROR_SUCCESS;
}

/* The right that a control needs; 0: there is no such control, or it is the system's alone. */
static ACCESS_MASK
ScmControlAccess(DWORD Control)
{
    if (Control == SERVICE_CONTROL_STOP)
        return SERVICE_STOP;
    if (Control == SERVICE_CONTROL_INTERROGATE)
        return SERVICE_INTERROGATE;
    if (Control >= 128 && Control <= 255)
        return SERVICE_USER_DEFINED_CONTROL;
    return Control == 0 || Control == SERVICE_CONTROL_SHUTDOWN
        || Control > SERVICE_CONTROL_NETBINDDISABLE ? 0 : SERVICE_PAUSE_CONTINUE;
}

BOOL WINAPI
ControlService(SC_HANDLE Service, DWORD Control, LPSERVICE_STATUS Status)
{
    ACCESS_MASK            Access = ScmControlAccess(Control);
    PSCM_HANDLE            Scm;
    SERVICE_STATUS_PROCESS Now;
    DWORD                  Error = ERROR_SUCCESS;

    if (Access == 0)
        return ScmFail(ERROR_INVALID_PARAMETER);
    if (Status == NULL)
        return ScmFail(ERROR_INVALID_ADDRESS);
    Scm = ScmCheck(Service, FALSE, Access);
    if (Scm == NULL)
        return FALSE;
    if (Control == SERVICE_CONTROL_STOP)
        Error = ScmStop(Scm);
    else if (ScmState(Scm->Key, Scm->Name) == SERVICE_STOPPED)
        Error = ERROR_SERVICE_NOT_ACTIVE;
    else if (Control != SERVICE_CONTROL_INTERROGATE)
        Error = ERROR_INVALID_SERVICE_CONTROL;
    ScmFillStatus(Scm->Key, Scm->Name, &Now);
    memcpy(Status, &Now, sizeof *Status);       // begins like it
    return Error == ERROR_SUCCESS ? TRUE : ScmFail(Error);
}

BOOL WINAPI
QueryServiceStatus(SC_HANDLE Service, LPSERVICE_STATUS Status)
{
    PSCM_HANDLE            Scm = ScmCheck(Service, FALSE, SERVICE_QUERY_STATUS);
    SERVICE_STATUS_PROCESS Now;

    if (Scm == NULL)
        return FALSE;
    if (Status == NULL)
        return ScmFail(ERROR_INVALID_ADDRESS);
    ScmFillStatus(Scm->Key, Scm->Name, &Now);
    memcpy(Status, &Now, sizeof *Status);
    return TRUE;
}

BOOL WINAPI
QueryServiceStatusEx(SC_HANDLE Service, SC_STATUS_TYPE Level, LPBYTE Buffer, DWORD Size,
    LPDWORD Needed)
{
    PSCM_HANDLE            Scm = ScmCheck(Service, FALSE, SERVICE_QUERY_STATUS);
    SERVICE_STATUS_PROCESS Now;

    if (Scm == NULL)
        return FALSE;
    if (Level != SC_STATUS_PROCESS_INFO)
        return ScmFail(ERROR_INVALID_LEVEL);
    if (Needed == NULL)
        return ScmFail(ERROR_INVALID_ADDRESS);
    *Needed = sizeof Now;
    if (Size < sizeof Now || Buffer == NULL)
        return ScmFail(ERROR_INSUFFICIENT_BUFFER);
    ScmFillStatus(Scm->Key, Scm->Name, &Now);
    memcpy(Buffer, &Now, sizeof Now);
    return TRUE;
}
