/*
 * sc query [NAME], sc start NAME, sc stop NAME: drivers as services. What services there are is
 * written in \SystemRoot\System32\config\system.reg; a service runs while there is a
 * \Driver\NAME. Starting and stopping are NtLoadDriver and NtUnloadDriver with the service's
 * registry path; a refusal is explained.
 */
#include "sdk/ntapi.h"
#include "../lib/status.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM     "sc"
#define MAX_NAME    64
#define REGISTRY    "\\SystemRoot\\System32\\config\\system.reg"
#define SERVICES    "\\Services\\"

static int
Usage(void)
{
    fprintf(stderr, "usage: %s query [NAME]    lists drivers and whether they run\n"
                    "       %s start NAME      loads one\n"
                    "       %s stop NAME       unloads one\n", PROGRAM, PROGRAM, PROGRAM);
    return 2;
}

/*
 * Whether the driver waits to be unloaded until the last file of its devices is closed: the list
 * of loaded images says so of NAME.sys.
 */
static BOOL
IsStopping(const char *Name)
{
    RTL_PROCESS_MODULES *Modules;
    ULONG Length = 64 * sizeof(RTL_PROCESS_MODULE_INFORMATION), Index;
    char  File[MAX_NAME + 8];
    BOOL  Stopping = FALSE;

    Modules = malloc(Length);
    if (Modules && NT_SUCCESS(NtQuerySystemInformation(EtSystemModuleInformation, Modules, Length,
        NULL))) {
        snprintf(File, sizeof File, "%s.sys", Name);
        for (Index = 0; Index < Modules->NumberOfModules; Index++) {
            RTL_PROCESS_MODULE_INFORMATION *Module = &Modules->Modules[Index];

            if (_stricmp(Module->FullPathName + Module->OffsetToFileName, File) == 0)
                Stopping = (Module->Flags & LDRP_UNLOAD_IN_PROGRESS) != 0;
        }
    }
    free(Modules);
    return Stopping;
}

/* Whether \Driver has an object of that name. */
static BOOL
IsRunning(const char *Name)
{
    WCHAR             Path[] = L"\\Driver";
    UNICODE_STRING    String;
    OBJECT_ATTRIBUTES Attributes;
    HANDLE            Directory;
    ULONG             Context = 0, Needed;
    BOOLEAN           Restart = TRUE;
    BOOL              Found = FALSE;
    struct { OBJECT_DIRECTORY_INFORMATION Entry; UCHAR Text[1024]; } Buffer;

    RtlInitUnicodeString(&String, Path);
    InitializeObjectAttributes(&Attributes, &String, OBJ_CASE_INSENSITIVE, NULL, NULL);
    if (!NT_SUCCESS(NtOpenDirectoryObject(&Directory, DIRECTORY_QUERY, &Attributes)))
        return FALSE;
    while (!Found && NtQueryDirectoryObject(Directory, &Buffer, sizeof Buffer, TRUE, Restart,
        &Context, &Needed) == STATUS_SUCCESS) {
        char Text[MAX_NAME * 2];

        Restart = FALSE;
        snprintf(Text, sizeof Text, "%.*ls", (int)(Buffer.Entry.Name.Length / sizeof(WCHAR)),
            Buffer.Entry.Name.Buffer);
        Found = _stricmp(Text, Name) == 0;
    }
    NtClose(Directory);
    return Found;
}

static const char *
StateOf(const char *Name)
{
    return !IsRunning(Name) ? "stopped" : IsStopping(Name) ? "stop pending" : "running";
}

/*
 * Takes a service's name from a line
 * "[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\pipe]"; FALSE if it is none.
 */
static BOOL
ServiceOfLine(const char *Line, char *Name)
{
    const char *At = strstr(Line, SERVICES);
    size_t      Length;

    if (Line[0] != '[' || At == NULL)
        return FALSE;
    At += strlen(SERVICES);
    Length = strcspn(At, "\\]\n");
    if (At[Length] != ']' || Length == 0 || Length >= MAX_NAME)
        return FALSE;
    memcpy(Name, At, Length);
    Name[Length] = 0;
    return TRUE;
}

/*
 * Prints every service, or the one called Wanted. Returns how many there were, -1 if the registry
 * cannot be read.
 */
static int
ListServices(const char *Wanted, BOOL Print)
{
    FILE *Registry = fopen(REGISTRY, "r");
    char  Line[512], Name[MAX_NAME];
    int   Count = 0;

    if (Registry == NULL)
        return -1;
    while (fgets(Line, sizeof Line, Registry)) {
        if (!ServiceOfLine(Line, Name) || (Wanted && _stricmp(Wanted, Name)))
            continue;
        if (Print)
            printf("%-24s %s\n", Name, StateOf(Name));
        Count++;
    }
    fclose(Registry);
    return Count;
}

static int
Query(const char *Name)
{
    int Count = ListServices(Name, TRUE);

    if (Count < 0)
        return FailLast(PROGRAM, "cannot read %s", REGISTRY);
    if (Count == 0 && Name) {
        fprintf(stderr, "%s: there is no service %s in %s\n", PROGRAM, Name, REGISTRY);
        return 1;
    }
    return 0;
}

static const char *
Reason(NTSTATUS Status, BOOL Starting)
{
    switch (Status) {
    case STATUS_IMAGE_ALREADY_LOADED:
        return "it is running already";
    case STATUS_OBJECT_NAME_NOT_FOUND:
    case STATUS_OBJECT_PATH_NOT_FOUND:
    case STATUS_NO_SUCH_FILE:
        return Starting
            ? "there is no such service in the registry, or no .sys file where it points"
            : "no driver of that name is loaded";
    case STATUS_DRIVER_ENTRYPOINT_NOT_FOUND:
    case STATUS_PROCEDURE_NOT_FOUND:
    case STATUS_DLL_NOT_FOUND:
        return "it imports a routine that the kernel does not export; the debug port names it";
    case STATUS_INVALID_IMAGE_FORMAT:
    case STATUS_INVALID_IMAGE_NOT_MZ:
    case STATUS_INVALID_IMAGE_WIN_32:
    case STATUS_INVALID_IMAGE_WIN_64:
    case STATUS_IMAGE_CHECKSUM_MISMATCH:
        return "its file is damaged or not a driver for x64";
    case STATUS_INVALID_DEVICE_REQUEST:
        return Starting ? "its DriverEntry refused"
            : "it has no unload routine, or is part of the system";
    case STATUS_DEVICE_BUSY:
        return "something still uses it";
    case STATUS_OBJECT_NAME_COLLISION:
        return "another driver already has the name of one of its devices";
    }
    return Starting ? "it would not start" : "it would not stop";
}

static int
Change(const char *Name, BOOL Start)
{
    WCHAR          Path[160];
    UNICODE_STRING String = { 0, sizeof Path, Path };
    NTSTATUS       Status;
    int            Length;

    if (strlen(Name) >= MAX_NAME) {
        fprintf(stderr, "%s: the name is too long: STATUS_NAME_TOO_LONG (0xC0000106)\n", PROGRAM);
        return 1;
    }
    Length = _snwprintf(Path, ARRAYSIZE(Path),
        L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\%S", Name);
    String.Length = (USHORT)(Length * sizeof(WCHAR));
    Status = Start ? NtLoadDriver(&String) : NtUnloadDriver(&String);
    if (!NT_SUCCESS(Status))
        return FailStatus(PROGRAM, Status, "cannot %s %s: %s", Start ? "start" : "stop", Name,
            Reason(Status, Start));
    printf("%-24s %s\n", Name, StateOf(Name));
    if (!Start && IsRunning(Name))
        printf("It takes no new files, and goes when the last one open on its devices is closed; "
               "`%s start %s` takes that back.\n", PROGRAM, Name);
    return 0;
}

int
main(int Count, char **Arguments)
{
    if (Count >= 2 && Count <= 3 && strcmp(Arguments[1], "query") == 0)
        return Query(Count == 3 ? Arguments[2] : NULL);
    if (Count == 3 && strcmp(Arguments[1], "start") == 0)
        return Change(Arguments[2], TRUE);
    if (Count == 3 && strcmp(Arguments[1], "stop") == 0)
        return Change(Arguments[2], FALSE);
    return Usage();
}
