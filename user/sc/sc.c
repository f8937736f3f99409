/*
 * sc: drivers as services, through the service functions of advapi32.
 *
 *   sc query [NAME]           whether they run
 *   sc start NAME, sc stop NAME
 *   sc create NAME binPath= FILE [type= T] [start= S] [error= E] [group= G] [depend= A/B]
 *                     [DisplayName= TEXT]
 *   sc config NAME OPTION= VALUE ...
 *   sc qc NAME                what its key says
 *   sc delete NAME
 *
 * As with the program of that name elsewhere, an option's value may stand behind a blank. A
 * refusal is explained (refusal.c).
 */
#include "sdk/ntapi.h"
#include <winsvc.h>
#include "sc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct _OPTIONS {
    DWORD Type, Start, Error;
    char *Path, *Group, *Display;
    char  Depend[512];
    BOOL  HasDepend;
} OPTIONS;

typedef struct _WORD { const char *Word; DWORD Value; } WORD_VALUE;

static const WORD_VALUE Types[] = { { "kernel", SERVICE_KERNEL_DRIVER },
    { "filesys", SERVICE_FILE_SYSTEM_DRIVER }, { NULL, 0 } };
static const WORD_VALUE Starts[] = { { "boot", SERVICE_BOOT_START },
    { "system", SERVICE_SYSTEM_START }, { "auto", SERVICE_AUTO_START },
    { "demand", SERVICE_DEMAND_START }, { "disabled", SERVICE_DISABLED }, { NULL, 0 } };
static const WORD_VALUE Errors[] = { { "ignore", SERVICE_ERROR_IGNORE },
    { "normal", SERVICE_ERROR_NORMAL }, { "severe", SERVICE_ERROR_SEVERE },
    { "critical", SERVICE_ERROR_CRITICAL }, { NULL, 0 } };

static int
Usage(void)
{
    fprintf(stderr, "usage: sc query [NAME]         lists drivers and whether they run\n"
                    "       sc start NAME           loads one\n"
                    "       sc stop NAME            unloads one\n"
                    "       sc create NAME binPath= FILE [type= kernel|filesys]\n"
                    "          [start= boot|system|auto|demand|disabled]\n"
                    "          [error= ignore|normal|severe|critical] [group= GROUP]\n"
                    "          [depend= A/B] [DisplayName= TEXT]\n"
                    "       sc config NAME ...      the same options, for one that is there\n"
                    "       sc qc NAME              what its key in the registry says\n"
                    "       sc delete NAME          removes its key\n");
    return 2;
}

static const char *
WordFor(const WORD_VALUE *Words, DWORD Value)
{
    for (; Words->Word; Words++)
        if (Words->Value == Value)
            return Words->Word;
    return "unknown";
}

static BOOL
ValueFor(const WORD_VALUE *Words, const char *Word, DWORD *Value)
{
    for (; Words->Word; Words++)
        if (_stricmp(Words->Word, Word) == 0) {
            *Value = Words->Value;
            return TRUE;
        }
    fprintf(stderr, "sc: `%s` is not known here\n", Word);
    return FALSE;
}

static const char *
StateWord(DWORD State)
{
    return State == SERVICE_RUNNING ? "running" : State == SERVICE_STOP_PENDING ? "stop pending"
         : "stopped";
}

/* Opens the service, with its manager closed behind it; complains if it cannot. */
static SC_HANDLE
OpenOne(const char *Name, DWORD Access, const char *Doing)
{
    SC_HANDLE Manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_CONNECT);
    SC_HANDLE Service = Manager ? OpenServiceA(Manager, Name, Access) : NULL;

    if (Service == NULL)
        Refused(Doing, Name, GetLastError());
    if (Manager)
        CloseServiceHandle(Manager);
    return Service;
}

static DWORD
PrintState(SC_HANDLE Service, const char *Name)
{
    SERVICE_STATUS Status = { 0 };

    QueryServiceStatus(Service, &Status);
    printf("%-24s %s\n", Name, StateWord(Status.dwCurrentState));
    return Status.dwCurrentState;
}

static int
QueryOne(const char *Name)
{
    SC_HANDLE Service = OpenOne(Name, SERVICE_QUERY_STATUS, "query");

    if (Service == NULL)
        return 1;
    PrintState(Service, Name);
    CloseServiceHandle(Service);
    return 0;
}

static int
QueryAll(void)
{
    SC_HANDLE              Manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_ENUMERATE_SERVICE);
    DWORD                  Size = 0x8000, Needed, Count, Resume = 0;
    LPENUM_SERVICE_STATUSA Services = malloc(Size);
    BOOL                   Done = FALSE;

    if (Manager == NULL || Services == NULL)
        return Refused("query", "the services", GetLastError());
    while (!Done) {
        Done = EnumServicesStatusA(Manager, SERVICE_DRIVER, SERVICE_STATE_ALL, Services, Size,
            &Needed, &Count, &Resume);
        if (!Done && GetLastError() != ERROR_MORE_DATA)
            return Refused("query", "the services", GetLastError());
        for (DWORD Index = 0; Index < Count; Index++)
            printf("%-24s %s\n", Services[Index].lpServiceName,
                StateWord(Services[Index].ServiceStatus.dwCurrentState));
    }
    free(Services);
    CloseServiceHandle(Manager);
    return 0;
}

static int
Start(const char *Name)
{
    SC_HANDLE Service = OpenOne(Name, SERVICE_START | SERVICE_QUERY_STATUS, "start");
    int       Result = 0;

    if (Service == NULL)
        return 1;
    if (StartServiceA(Service, 0, NULL))
        PrintState(Service, Name);
    else
        Result = Refused("start", Name, GetLastError());
    CloseServiceHandle(Service);
    return Result;
}

static int
Stop(const char *Name)
{
    SC_HANDLE      Service = OpenOne(Name, SERVICE_STOP | SERVICE_QUERY_STATUS, "stop");
    SERVICE_STATUS Status;
    int            Result = 0;

    if (Service == NULL)
        return 1;
    if (!ControlService(Service, SERVICE_CONTROL_STOP, &Status))
        Result = Refused("stop", Name, GetLastError());
    else if (PrintState(Service, Name) == SERVICE_STOP_PENDING)
        printf("It takes no new files, and goes when the last one open on its devices is closed; "
               "`sc start %s` takes that back.\n", Name);
    CloseServiceHandle(Service);
    return Result;
}

static int
Delete(const char *Name)
{
    SC_HANDLE Service = OpenOne(Name, DELETE | SERVICE_QUERY_STATUS, "delete");
    int       Result = 0;

    if (Service == NULL)
        return 1;
    if (!DeleteService(Service))
        Result = Refused("delete", Name, GetLastError());
    else if (PrintState(Service, Name) != SERVICE_STOPPED)
        printf("It goes when it has stopped and nobody has it open.\n");
    CloseServiceHandle(Service);
    return Result;
}

static int
QueryConfig(const char *Name)
{
    union { QUERY_SERVICE_CONFIGA Config; char Room[8192]; } Buffer;
    SC_HANDLE Service = OpenOne(Name, SERVICE_QUERY_CONFIG, "query");
    DWORD     Needed;

    if (Service == NULL)
        return 1;
    if (!QueryServiceConfigA(Service, &Buffer.Config, sizeof Buffer, &Needed)) {
        CloseServiceHandle(Service);
        return Refused("query", Name, GetLastError());
    }
    CloseServiceHandle(Service);
    printf("name          %s\n", Name);
    printf("type          %s\n", WordFor(Types, Buffer.Config.dwServiceType));
    printf("start         %s\n", WordFor(Starts, Buffer.Config.dwStartType));
    printf("error         %s\n", WordFor(Errors, Buffer.Config.dwErrorControl));
    printf("binary path   %s\n", Buffer.Config.lpBinaryPathName);
    printf("group         %s\n", Buffer.Config.lpLoadOrderGroup);
    printf("tag           %lu\n", Buffer.Config.dwTagId);
    printf("display name  %s\n", Buffer.Config.lpDisplayName);
    for (char *Other = Buffer.Config.lpDependencies; *Other; Other += strlen(Other) + 1)
        printf("depends on    %s\n", Other);
    return 0;
}

/* A/B becomes the strings A and B; Options->Depend ends in two zeros. */
static void
SplitDepend(OPTIONS *Options, const char *Value)
{
    Options->HasDepend = TRUE;
    memset(Options->Depend, 0, sizeof Options->Depend);
    strncpy(Options->Depend, Value, sizeof Options->Depend - 2);
    for (char *At = Options->Depend; *At; At++)
        if (*At == '/')
            *At = 0;
}

static BOOL
SetOption(OPTIONS *Options, const char *Name, char *Value)
{
    if (_stricmp(Name, "binPath=") == 0)
        Options->Path = Value;
    else if (_stricmp(Name, "group=") == 0)
        Options->Group = Value;
    else if (_stricmp(Name, "DisplayName=") == 0)
        Options->Display = Value;
    else if (_stricmp(Name, "depend=") == 0)
        SplitDepend(Options, Value);
    else if (_stricmp(Name, "type=") == 0)
        return ValueFor(Types, Value, &Options->Type);
    else if (_stricmp(Name, "start=") == 0)
        return ValueFor(Starts, Value, &Options->Start);
    else if (_stricmp(Name, "error=") == 0)
        return ValueFor(Errors, Value, &Options->Error);
    else
        return ValueFor(Types + 2, Name, &Options->Type);       // complains
    return TRUE;
}

/* NAME= VALUE or NAME=VALUE, to the end. */
static BOOL
ReadOptions(OPTIONS *Options, char **Arguments)
{
    char Name[32];

    for (; *Arguments; Arguments++) {
        char  *Equals = strchr(*Arguments, '=');
        size_t Length = Equals ? (size_t)(Equals - *Arguments) + 1 : 0;

        if (Length == 0 || Length >= sizeof Name || (Equals[1] == 0 && Arguments[1] == NULL))
            return FALSE;
        memcpy(Name, *Arguments, Length);
        Name[Length] = 0;
        if (!SetOption(Options, Name, Equals[1] ? Equals + 1 : *++Arguments))
            return FALSE;
    }
    return TRUE;
}

static int
Create(const char *Name, char **Arguments)
{
    OPTIONS   Options = { .Type = SERVICE_KERNEL_DRIVER, .Start = SERVICE_DEMAND_START,
                  .Error = SERVICE_ERROR_NORMAL };
    SC_HANDLE Manager, Service = NULL;
    int       Result = 0;

    if (!ReadOptions(&Options, Arguments) || Options.Path == NULL)
        return Usage();
    Manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_CREATE_SERVICE);
    if (Manager)
        Service = CreateServiceA(Manager, Name, Options.Display, SERVICE_QUERY_STATUS,
            Options.Type, Options.Start, Options.Error, Options.Path, Options.Group, NULL,
            Options.HasDepend ? Options.Depend : NULL, NULL, NULL);
    if (Service == NULL)
        Result = Refused("create", Name, GetLastError());
    else
        PrintState(Service, Name);
    if (Service)
        CloseServiceHandle(Service);
    if (Manager)
        CloseServiceHandle(Manager);
    return Result;
}

static int
Config(const char *Name, char **Arguments)
{
    OPTIONS   Options = { .Type = SERVICE_NO_CHANGE, .Start = SERVICE_NO_CHANGE,
                  .Error = SERVICE_NO_CHANGE };
    SC_HANDLE Service;
    int       Result = 0;

    if (!ReadOptions(&Options, Arguments))
        return Usage();
    Service = OpenOne(Name, SERVICE_CHANGE_CONFIG, "change");
    if (Service == NULL)
        return 1;
    if (!ChangeServiceConfigA(Service, Options.Type, Options.Start, Options.Error, Options.Path,
            Options.Group, NULL, Options.HasDepend ? Options.Depend : NULL, NULL, NULL,
            Options.Display))
        Result = Refused("change", Name, GetLastError());
    CloseServiceHandle(Service);
    return Result;
}

int
main(int Count, char **Arguments)
{
    static const struct { const char *Word; int (*Routine)(const char *); } Plain[] = {
        { "query", QueryOne }, { "start", Start }, { "stop", Stop }, { "delete", Delete },
        { "qc", QueryConfig } };

    if (Count == 2 && strcmp(Arguments[1], "query") == 0)
        return QueryAll();
    for (size_t Index = 0; Count == 3 && Index < ARRAYSIZE(Plain); Index++)
        if (strcmp(Arguments[1], Plain[Index].Word) == 0)
            return Plain[Index].Routine(Arguments[2]);
    if (Count > 3 && strcmp(Arguments[1], "create") == 0)
        return Create(Arguments[2], Arguments + 3);
    if (Count > 3 && strcmp(Arguments[1], "config") == 0)
        return Config(Arguments[2], Arguments + 3);
    return Usage();
}
