/*
 * Services that depend on each other, and what is told of how the last start of a service ended.
 */
#include "sdk/ntapi.h"
#include "user/lib/testing.h"
#include <winsvc.h>
#include <stdio.h>
#include <string.h>

#define NAME    "tdepend-none"                  // badke.sys does not know this one and fails
#define FILE_   "System32\\drivers\\null.sys"

static SC_HANDLE Manager;

static SC_HANDLE
Create(const char *Name, const char *Path)
{
    return CreateServiceA(Manager, Name, NULL, SERVICE_ALL_ACCESS, SERVICE_KERNEL_DRIVER,
        SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL, Path, NULL, NULL, NULL, NULL, NULL);
}

static DWORD
StateOf(SC_HANDLE Service)
{
    SERVICE_STATUS Status = { 0 };

    QueryServiceStatus(Service, &Status);
    return Status.dwCurrentState;
}

static void
Depend(SC_HANDLE Service, const char *On)
{
    Expect(ChangeServiceConfigA(Service, SERVICE_NO_CHANGE, SERVICE_NO_CHANGE, SERVICE_NO_CHANGE,
        NULL, NULL, NULL, On, NULL, NULL, NULL), "depend on %s: %lu", On, GetLastError());
}

/* Three services: the second depends on the first, the third on the second. */
static void
Dependents(void)
{
    union { ENUM_SERVICE_STATUSA List[3]; BYTE Bytes[512]; } Room;
    SERVICE_STATUS Status;
    SC_HANDLE      First = Create("tdepend1", FILE_);
    SC_HANDLE      Second = Create("tdepend2", "System32\\drivers\\hold.sys");
    SC_HANDLE      Third = Create("tdepend3", "System32\\drivers\\xfer.sys");
    DWORD          Needed, Count;

    Promise("A service starts with what it depends on, and is not stopped before what needs it");
    Depend(Second, "tdepend1\0");
    Depend(Third, "tdepend2\0");
    Expect(StartServiceA(Third, 0, NULL), "StartService: error %lu", GetLastError());
    Expect(StateOf(First) == SERVICE_RUNNING && StateOf(Second) == SERVICE_RUNNING, "not all run");
    FAILS(ControlService(First, SERVICE_CONTROL_STOP, &Status), ERROR_DEPENDENT_SERVICES_RUNNING);
    Expect(Status.dwCurrentState == SERVICE_RUNNING, "state %lu", Status.dwCurrentState);
    FAILS(EnumDependentServicesA(First, SERVICE_STATE_ALL, NULL, 0, &Needed, &Count),
        ERROR_MORE_DATA);
    Expect(EnumDependentServicesA(First, SERVICE_STATE_ALL, Room.List, Needed, &Needed, &Count)
        && Count == 2, "%lu dependents, error %lu", Count, GetLastError());
    Expect(strcmp(Room.List[0].lpServiceName, "tdepend3") == 0
        && strcmp(Room.List[1].lpServiceName, "tdepend2") == 0, "another order");
    Expect(EnumDependentServicesA(First, SERVICE_INACTIVE, Room.List, sizeof Room, &Needed, &Count)
        && Count == 0, "%lu inactive", Count);
    FAILS(EnumDependentServicesA(First, 0, Room.List, sizeof Room, &Needed, &Count),
        ERROR_INVALID_PARAMETER);
    Expect(ControlService(Third, SERVICE_CONTROL_STOP, &Status), "error %lu", GetLastError());
    Expect(ControlService(Second, SERVICE_CONTROL_STOP, &Status), "error %lu", GetLastError());
    Expect(ControlService(First, SERVICE_CONTROL_STOP, &Status), "error %lu", GetLastError());
    FAILS(ChangeServiceConfigA(First, SERVICE_NO_CHANGE, SERVICE_NO_CHANGE, SERVICE_NO_CHANGE,
        NULL, NULL, NULL, "tdepend3\0", NULL, NULL, NULL), ERROR_CIRCULAR_DEPENDENCY);
    Expect(StateOf(First) == SERVICE_STOPPED, "state %lu", StateOf(First));
    DeleteService(Third);
    DeleteService(Second);
    DeleteService(First);
    CloseServiceHandle(Third);
    CloseServiceHandle(Second);
    CloseServiceHandle(First);
}

static DWORD
ExitOf(SC_HANDLE Service)
{
    SERVICE_STATUS Status = { .dwWin32ExitCode = 4711 };

    QueryServiceStatus(Service, &Status);
    return Status.dwWin32ExitCode;
}

static void
ExitCodes(void)
{
    SERVICE_STATUS Status;
    SC_HANDLE      Service = Create(NAME, FILE_);

    Promise("The exit code tells how the last start ended");
    Expect(ExitOf(Service) == ERROR_SERVICE_NEVER_STARTED, "new: %lu", ExitOf(Service));
    StartServiceA(Service, 0, NULL);
    Expect(ExitOf(Service) == 0, "running: %lu", ExitOf(Service));
    ControlService(Service, SERVICE_CONTROL_STOP, &Status);
    Expect(Status.dwWin32ExitCode == 0 && ExitOf(Service) == 0, "stopped: %lu", ExitOf(Service));
    ChangeServiceConfigA(Service, SERVICE_NO_CHANGE, SERVICE_NO_CHANGE, SERVICE_NO_CHANGE,
        "System32\\drivers\\badke.sys", NULL, NULL, NULL, NULL, NULL, NULL);
    FAILS(StartServiceA(Service, 0, NULL), ERROR_GEN_FAILURE);  // its DriverEntry fails
    Expect(ExitOf(Service) == ERROR_GEN_FAILURE, "failed: %lu", ExitOf(Service));
    Expect(StateOf(Service) == SERVICE_STOPPED, "state %lu", StateOf(Service));
    DeleteService(Service);
    CloseServiceHandle(Service);
    Service = Create(NAME, FILE_);
    Expect(ExitOf(Service) == ERROR_SERVICE_NEVER_STARTED, "new again: %lu", ExitOf(Service));
    DeleteService(Service);
    CloseServiceHandle(Service);
}

int
main(void)
{
    ULONG Handles;

    StopDriver("null");                         // its file is used by services of another name
    Manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_ALL_ACCESS);
    Handles = HandleCount();
    Dependents();
    ExitCodes();
    Promise("None of it leaves a handle behind");
    Expect(HandleCount() == Handles, "%lu handles became %lu", Handles, HandleCount());
    return Done("tdepend");
}
