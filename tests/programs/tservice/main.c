/*
 * What an installer of a driver does, and what it may get wrong: services made, started, stopped,
 * changed and deleted through advapi32, with the error codes that installers look at; and the
 * registry as programs see it.
 */
#include "tservice.h"
#include "sdk/ntreg.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME    "tservice"
#define FILE_   "System32\\drivers\\null.sys"

SC_HANDLE Manager;

static SC_HANDLE
Create(const char *Name, DWORD Access, DWORD Type, DWORD Start, const char *Path)
{
    return CreateServiceA(Manager, Name, "The name to show", Access, Type, Start,
        SERVICE_ERROR_NORMAL, Path, NULL, NULL, NULL, NULL, NULL);
}

DWORD
StateOf(SC_HANDLE Service)
{
    SERVICE_STATUS Status = { 0 };

    QueryServiceStatus(Service, &Status);
    return Status.dwCurrentState;
}

static void
StopNull(void)
{
    SERVICE_STATUS Status;
    SC_HANDLE      Null = OpenServiceA(Manager, "null", SERVICE_ALL_ACCESS);

    ControlService(Null, SERVICE_CONTROL_STOP, &Status);
    CloseServiceHandle(Null);
}

static void
Installer(void)
{
    SERVICE_STATUS Status;
    SC_HANDLE      Service, Again;
    HANDLE         Device;

    Promise("An installer creates a service, starts it, opens the device, stops and deletes it");
    Service = Create(NAME, SERVICE_ALL_ACCESS, SERVICE_KERNEL_DRIVER, SERVICE_DEMAND_START,
        "C:\\System32\\drivers\\null.sys");
    Expect(Service != NULL, "CreateService: error %lu", GetLastError());
    Expect(StateOf(Service) == SERVICE_STOPPED, "not stopped");
    Expect(StartServiceA(Service, 0, NULL), "StartService: error %lu", GetLastError());
    Expect(StateOf(Service) == SERVICE_RUNNING, "not running");
    FAILS(StartServiceA(Service, 0, NULL), ERROR_SERVICE_ALREADY_RUNNING);
    Device = CreateFileA("\\\\.\\NUL", GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    Expect(Device != INVALID_HANDLE_VALUE, "CreateFile: error %lu", GetLastError());
    Expect(ControlService(Service, SERVICE_CONTROL_STOP, &Status), "error %lu", GetLastError());
    Expect(Status.dwCurrentState == SERVICE_STOP_PENDING, "state %lu", Status.dwCurrentState);
    FAILS(ControlService(Service, SERVICE_CONTROL_STOP, &Status),
        ERROR_SERVICE_CANNOT_ACCEPT_CTRL);
    CloseHandle(Device);
    for (ULONG Wait = 0; Wait < 1000 && StateOf(Service) != SERVICE_STOPPED; Wait++)
        Sleep(5);
    Expect(StateOf(Service) == SERVICE_STOPPED, "still not stopped");
    FAILS(ControlService(Service, SERVICE_CONTROL_STOP, &Status), ERROR_SERVICE_NOT_ACTIVE);

    Promise("A service that was deleted goes with its last handle, and its name is free then");
    Again = OpenServiceA(Manager, NAME, SERVICE_QUERY_STATUS);
    Expect(Again != NULL, "OpenService: error %lu", GetLastError());
    Expect(DeleteService(Service), "DeleteService: error %lu", GetLastError());
    FAILS(DeleteService(Service), ERROR_SERVICE_MARKED_FOR_DELETE);
    FAILS(StartServiceA(Service, 0, NULL), ERROR_SERVICE_MARKED_FOR_DELETE);
    FAILS(Create(NAME, SERVICE_ALL_ACCESS, 1, 3, FILE_), ERROR_SERVICE_MARKED_FOR_DELETE);
    CloseServiceHandle(Service);
    FAILS(Create(NAME, SERVICE_ALL_ACCESS, 1, 3, FILE_), ERROR_SERVICE_MARKED_FOR_DELETE);
    CloseServiceHandle(Again);
    FAILS(OpenServiceA(Manager, NAME, SERVICE_QUERY_STATUS), ERROR_SERVICE_DOES_NOT_EXIST);
}

static void
DeleteRunning(void)
{
    SERVICE_STATUS Status;
    SC_HANDLE      Service = Create(NAME, SERVICE_ALL_ACCESS, 1, 3, FILE_);

    Promise("A running service that was deleted stays until it has stopped");
    Expect(StartServiceA(Service, 0, NULL), "StartService: error %lu", GetLastError());
    Expect(DeleteService(Service), "DeleteService: error %lu", GetLastError());
    CloseServiceHandle(Service);
    Service = OpenServiceA(Manager, NAME, SERVICE_ALL_ACCESS);
    Expect(Service != NULL && StateOf(Service) == SERVICE_RUNNING, "it is gone");
    Expect(ControlService(Service, SERVICE_CONTROL_STOP, &Status), "error %lu", GetLastError());
    CloseServiceHandle(Service);
    FAILS(OpenServiceA(Manager, NAME, SERVICE_QUERY_STATUS), ERROR_SERVICE_DOES_NOT_EXIST);
}

/* The other process: it dies without closing anything. */
static int
Leave(void)
{
    SC_HANDLE Service;

    Manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_ALL_ACCESS);
    Service = Create(NAME, SERVICE_ALL_ACCESS, 1, 3, FILE_);
    return Service != NULL && DeleteService(Service) ? 0 : 1;
}

static void
Abandoned(void)
{
    SC_HANDLE Service;

    Promise("What a process that has ended left marked for deletion is gone when it is looked for");
    Expect(RunProgram("tservice.exe leave") == 0, "it could not create and delete");
    FAILS(OpenServiceA(Manager, NAME, SERVICE_QUERY_STATUS), ERROR_SERVICE_DOES_NOT_EXIST);
    Expect(RunProgram("tservice.exe leave") == 0, "nor again");
    Service = Create(NAME, SERVICE_ALL_ACCESS, 1, 3, FILE_);
    Expect(Service != NULL, "the name is taken: error %lu", GetLastError());
    DeleteService(Service);
    CloseServiceHandle(Service);
}

static void
DependOnSelf(void)
{
    HKEY Key;

    Expect(RegOpenKeyExA(HKEY_LOCAL_MACHINE, "System\\CurrentControlSet\\Services\\" NAME, 0,
        KEY_SET_VALUE, &Key) == 0, "not opened");
    RegSetValueExA(Key, "DependOnService", 0, REG_MULTI_SZ, (BYTE *)NAME "\0", sizeof NAME + 1);
    RegCloseKey(Key);
}

static void
Errors(void)
{
    SERVICE_STATUS Status;
    SC_HANDLE      Service = Create(NAME, SERVICE_QUERY_STATUS | DELETE, 1, 3, FILE_), Other;

    Promise("Wrong calls get the documented error codes");
    FAILS(Create(NAME, SERVICE_ALL_ACCESS, 1, 3, FILE_), ERROR_SERVICE_EXISTS);
    FAILS(Create("a\\b", SERVICE_ALL_ACCESS, 1, 3, FILE_), ERROR_INVALID_NAME);
    FAILS(Create("", SERVICE_ALL_ACCESS, 1, 3, FILE_), ERROR_INVALID_NAME);
    FAILS(Create("other", SERVICE_ALL_ACCESS, 3, 3, FILE_), ERROR_INVALID_PARAMETER);
    FAILS(Create("other", SERVICE_ALL_ACCESS, 1, 5, FILE_), ERROR_INVALID_PARAMETER);
    FAILS(Create("other", SERVICE_ALL_ACCESS, 1, 3, NULL), ERROR_INVALID_PARAMETER);
    FAILS(OpenServiceA(Manager, "nosuch", SERVICE_ALL_ACCESS), ERROR_SERVICE_DOES_NOT_EXIST);
    FAILS(OpenServiceA(Service, NAME, SERVICE_ALL_ACCESS), ERROR_INVALID_HANDLE);
    FAILS(OpenServiceA(NULL, NAME, SERVICE_ALL_ACCESS), ERROR_INVALID_HANDLE);
    FAILS(OpenServiceA((SC_HANDLE)0x1234, NAME, SERVICE_ALL_ACCESS), ERROR_INVALID_HANDLE);
    FAILS(StartServiceA(Manager, 0, NULL), ERROR_INVALID_HANDLE);
    FAILS(StartServiceA(Service, 0, NULL), ERROR_ACCESS_DENIED);
    FAILS(ControlService(Service, SERVICE_CONTROL_STOP, &Status), ERROR_ACCESS_DENIED);
    FAILS(ControlService(Service, 0, &Status), ERROR_INVALID_PARAMETER);
    FAILS(ControlService(Service, SERVICE_CONTROL_SHUTDOWN, &Status), ERROR_INVALID_PARAMETER);
    FAILS(ControlService(Service, 127, &Status), ERROR_INVALID_PARAMETER);
    FAILS(ControlService(Service, 256, &Status), ERROR_INVALID_PARAMETER);
    FAILS(ControlService(Service, 200, &Status), ERROR_ACCESS_DENIED);
    FAILS(ChangeServiceConfigA(Service, 1, 3, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
        ERROR_ACCESS_DENIED);
    FAILS(OpenSCManagerA("elsewhere", NULL, SC_MANAGER_CONNECT), RPC_S_SERVER_UNAVAILABLE);
    FAILS(OpenSCManagerA(NULL, "ServicesFailed", SC_MANAGER_CONNECT),
        ERROR_DATABASE_DOES_NOT_EXIST);
    FAILS(CloseServiceHandle(NULL), ERROR_INVALID_HANDLE);
    Other = OpenSCManagerA(NULL, NULL, SC_MANAGER_CONNECT);
    FAILS(CreateServiceA(Other, "x", NULL, 1, 1, 3, 1, FILE_, 0, 0, 0, 0, 0), ERROR_ACCESS_DENIED);
    CloseServiceHandle(Other);
    FAILS(CloseServiceHandle(Other), ERROR_INVALID_HANDLE);
    FAILS(Create("other", SERVICE_ALL_ACCESS, 1, 3, FILE_), ERROR_DUPLICATE_SERVICE_NAME);
    FAILS(CreateServiceA(Manager, "other", "PIPE", SERVICE_ALL_ACCESS, 1, 3, 1, FILE_, NULL, NULL,
        NULL, NULL, NULL), ERROR_DUPLICATE_SERVICE_NAME);
    FAILS(CreateServiceA(Manager, "other", NULL, SERVICE_ALL_ACCESS, 1, 3, 1, FILE_, NULL, NULL,
        "null\0Other\0", NULL, NULL), ERROR_CIRCULAR_DEPENDENCY);
    DeleteService(Service);
    CloseServiceHandle(Service);
    Other = OpenServiceA(Manager, "pipe", SERVICE_ALL_ACCESS);
    FAILS(ControlService(Other, 200, &Status), ERROR_INVALID_SERVICE_CONTROL);
    FAILS(ControlService(Other, SERVICE_CONTROL_PAUSE, &Status), ERROR_INVALID_SERVICE_CONTROL);
    Expect(Status.dwCurrentState == SERVICE_RUNNING, "state %lu", Status.dwCurrentState);
    FAILS(ChangeServiceConfigA(Other, SERVICE_NO_CHANGE, SERVICE_NO_CHANGE, SERVICE_NO_CHANGE,
        NULL, NULL, NULL, NULL, NULL, NULL, "Null"), ERROR_DUPLICATE_SERVICE_NAME);
    CloseServiceHandle(Other);

    Promise("Starting what cannot start says why");
    Service = Create(NAME, SERVICE_ALL_ACCESS, 1, SERVICE_DISABLED, "System32\\nothing.sys");
    FAILS(StartServiceA(Service, 0, NULL), ERROR_SERVICE_DISABLED);
    Expect(ChangeServiceConfigA(Service, SERVICE_NO_CHANGE, SERVICE_DEMAND_START,
        SERVICE_NO_CHANGE, NULL, NULL, NULL, NULL, NULL, NULL, NULL), "error %lu", GetLastError());
    FAILS(StartServiceA(Service, 0, NULL), ERROR_FILE_NOT_FOUND);
    ChangeServiceConfigA(Service, SERVICE_NO_CHANGE, SERVICE_NO_CHANGE, SERVICE_NO_CHANGE, NULL,
        NULL, NULL, "nosuch\0", NULL, NULL, NULL);
    FAILS(StartServiceA(Service, 0, NULL), ERROR_SERVICE_DEPENDENCY_DELETED);
    FAILS(ChangeServiceConfigA(Service, SERVICE_NO_CHANGE, SERVICE_NO_CHANGE, SERVICE_NO_CHANGE,
        NULL, NULL, NULL, NAME "\0", NULL, NULL, NULL), ERROR_CIRCULAR_DEPENDENCY);
    DependOnSelf();                             // past the service manager
    FAILS(StartServiceA(Service, 0, NULL), ERROR_CIRCULAR_DEPENDENCY);
    DeleteService(Service);
    CloseServiceHandle(Service);
}

static void
Queries(void)
{
    struct { QUERY_SERVICE_CONFIGA A; char More[512]; } Narrow;
    struct { QUERY_SERVICE_CONFIGW W; WCHAR More[512]; } Wide;
    SERVICE_STATUS_PROCESS Process;
    SC_HANDLE              Service = CreateServiceA(Manager, NAME, "Shown", SERVICE_ALL_ACCESS, 1,
                               SERVICE_DEMAND_START, SERVICE_ERROR_SEVERE, FILE_, "Group", &(DWORD){
                               0 }, "null\0pipe\0", NULL, NULL);
    DWORD                  Needed, Again, Count, Resume = 0, Calls = 0, Seen = 0;
    static BYTE            List[600];

    Promise("A service's configuration and the list of services come in both kinds of text");
    FAILS(QueryServiceConfigA(Service, NULL, 0, &Needed), ERROR_INSUFFICIENT_BUFFER);
    FAILS(QueryServiceConfigA(Service, &Narrow.A, Needed - 1, &Again), ERROR_INSUFFICIENT_BUFFER);
    Expect(Needed == Again, "%lu bytes, then %lu", Needed, Again);
    Expect(QueryServiceConfigA(Service, &Narrow.A, Needed, &Again), "error %lu", GetLastError());
    Expect(QueryServiceConfigW(Service, &Wide.W, sizeof Wide, &Again), "error %lu",
        GetLastError());
    Expect(strcmp(Narrow.A.lpBinaryPathName, FILE_) == 0, "path %s", Narrow.A.lpBinaryPathName);
    Expect(wcscmp(Wide.W.lpDisplayName, L"Shown") == 0, "the display name is another");
    Expect(Narrow.A.dwErrorControl == SERVICE_ERROR_SEVERE && Narrow.A.dwTagId == 1, "tag %lu",
        Narrow.A.dwTagId);
    Expect(memcmp(Narrow.A.lpDependencies, "null\0pipe\0", 11) == 0, "other dependencies");
    FAILS(QueryServiceStatusEx(Service, 1, (LPBYTE)&Process, sizeof Process, &Needed),
        ERROR_INVALID_LEVEL);
    FAILS(QueryServiceStatusEx(Service, 0, (LPBYTE)&Process, 10, &Needed),
        ERROR_INSUFFICIENT_BUFFER);
    Expect(QueryServiceStatusEx(Service, 0, (LPBYTE)&Process, Needed, &Needed), "error %lu",
        GetLastError());
    for (BOOL Done = FALSE; !Done && Calls < 1000; Calls++) {
        Done = EnumServicesStatusExA(Manager, SC_ENUM_PROCESS_INFO, SERVICE_DRIVER,
            SERVICE_STATE_ALL, List, sizeof List, &Needed, &Count, &Resume, NULL);
        if (!Done)
            Expect(GetLastError() == ERROR_MORE_DATA && Count > 0, "error %lu", GetLastError());
        for (DWORD Index = 0; Index < Count; Index++)
            Seen += strcmp(((LPENUM_SERVICE_STATUS_PROCESSA)List)[Index].lpServiceName, NAME) == 0;
    }
    Expect(Seen == 1, "seen %lu times in %lu calls", Seen, Calls);
    FAILS(EnumServicesStatusExA(Manager, 7, SERVICE_DRIVER, SERVICE_STATE_ALL, List, sizeof List,
        &Needed, &Count, &Resume, NULL), ERROR_INVALID_LEVEL);
    DeleteService(Service);
    CloseServiceHandle(Service);
}

static void
Registry(void)
{
    char  Text[64], Name[64];
    BYTE  Data[64];
    WCHAR Wide[64];
    DWORD Length, Type, Count, Number = 77, Made;
    HKEY  Key, Below;

    Promise("The registry's routines make, read, list and delete keys and values");
    Expect(RegCreateKeyExA(HKEY_LOCAL_MACHINE, "Software\\Test\\Deep\\Key", 0, NULL, 0,
        KEY_ALL_ACCESS, NULL, &Key, &Made) == 0 && Made == REG_CREATED_NEW_KEY, "not created");
    Expect(RegSetValueExA(Key, "Text", 0, REG_SZ, (BYTE *)"%Here%!", 8) == 0, "not set");
    Expect(RegSetValueExA(Key, "Expand", 0, REG_EXPAND_SZ, (BYTE *)"%Here%!", 8) == 0, "not set");
    Expect(RegSetValueExW(Key, L"Number", 0, REG_DWORD, (BYTE *)&Number, 4) == 0, "not set");
    Length = 3;
    Expect(RegQueryValueExA(Key, "text", NULL, &Type, Data, &Length) == ERROR_MORE_DATA
        && Length == 8, "length %lu", Length);
    Expect(RegQueryValueExA(Key, "text", NULL, &Type, Data, &Length) == 0 && Type == REG_SZ
        && memcmp(Data, "%Here%!", 8) == 0, "another text");
    Length = sizeof Wide;
    Expect(RegQueryValueExW(Key, L"TEXT", NULL, NULL, (BYTE *)Wide, &Length) == 0 && Length == 16
        && wcscmp(Wide, L"%Here%!") == 0, "another wide text");
    Expect(RegQueryValueExA(Key, "none", NULL, NULL, NULL, &Length) == ERROR_FILE_NOT_FOUND, "?");
    SetEnvironmentVariableA("Here", "there");
    Length = sizeof Text;
    Expect(RegGetValueA(HKEY_LOCAL_MACHINE, "Software\\Test\\Deep\\Key", "Expand", RRF_RT_REG_SZ,
        &Type, Text, &Length) == 0 && strcmp(Text, "there!") == 0, "%s", Text);
    Length = sizeof Number;
    Expect(RegGetValueW(Key, NULL, L"Number", RRF_RT_REG_DWORD, NULL, &Number, &Length) == 0, "?");
    Expect(RegGetValueW(Key, NULL, L"Number", RRF_RT_REG_SZ, NULL, NULL, NULL)
        == ERROR_UNSUPPORTED_TYPE, "any type will do");
    for (Count = 0;; Count++) {
        DWORD NameLength = sizeof Name;

        Length = sizeof Data;
        if (RegEnumValueA(Key, Count, Name, &NameLength, NULL, NULL, Data, &Length) != 0)
            break;
    }
    Expect(Count == 3, "%lu values", Count);
    Expect(RegOpenKeyExA(HKEY_LOCAL_MACHINE, "Software\\Test", 0, KEY_READ, &Below) == 0, "?");
    Length = sizeof Name;
    Expect(RegEnumKeyExA(Below, 0, Name, &Length, NULL, NULL, NULL, NULL) == 0
        && strcmp(Name, "Deep") == 0, "%s", Name);
    Expect(RegEnumKeyExA(Below, 1, Name, &Length, NULL, NULL, NULL, NULL) == ERROR_NO_MORE_ITEMS,
        "more keys");
    Expect(RegSetValueExA(Below, "x", 0, REG_SZ, NULL, 0) == ERROR_ACCESS_DENIED, "written");
    Expect(RegDeleteKeyA(Below, "Deep") == ERROR_ACCESS_DENIED, "deleted with keys below");
    Expect(RegDeleteValueA(Key, "Text") == 0 && RegDeleteValueA(Key, "Text")
        == ERROR_FILE_NOT_FOUND, "not deleted");
    Expect(RegDeleteTreeA(HKEY_LOCAL_MACHINE, "Software\\Test") == 0, "the tree stays");
    Expect(RegQueryValueExA(Key, "Number", NULL, NULL, NULL, &Length) == ERROR_KEY_DELETED, "?");
    RegCloseKey(Below);
    RegCloseKey(Key);
}

static void
Sums(ULONG64 *Blocks, ULONG64 *Bytes)
{
    static const char *const Tags[] = { "CmNo", "CmVa", "CmBu", "Key ", "IoNm", "Even", "Muta" };
    ULONG64                  B, S;

    for (ULONG Index = 0; Index < ARRAYSIZE(Tags); Index++) {
        B = S = 0;
        PoolTag(Tags[Index], &B, &S);
        Blocks[Index] = B;
        Bytes[Index] = S;
    }
}

int
main(int Count, char **Arguments)
{
    ULONG64 BlocksBefore[7], BytesBefore[7], Blocks[7], Bytes[7];
    ULONG   Handles;

    if (Count > 1)
        return Leave();
    Manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_ALL_ACCESS);
    StopNull();
    for (ULONG Round = 0; Round < 3; Round++) {
        if (Round == 1) {
            Handles = HandleCount();
            Sums(BlocksBefore, BytesBefore);
        }
        Installer();
        DeleteRunning();
        Abandoned();
        Errors();
        Queries();
        Registry();
        Rights();
    }
    Promise("None of it leaves a handle or pool behind");
    Expect(HandleCount() == Handles, "%lu handles became %lu", Handles, HandleCount());
    Sums(Blocks, Bytes);
    for (ULONG Index = 0; Index < 7; Index++)
        Expect(Blocks[Index] == BlocksBefore[Index] && Bytes[Index] == BytesBefore[Index],
            "tag %lu: %llu blocks became %llu, %llu bytes %llu", Index, BlocksBefore[Index],
            Blocks[Index], BytesBefore[Index], Bytes[Index]);
    return Done("tservice");
}
