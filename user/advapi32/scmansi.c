/* The A forms of the service functions that take strings: widened, and on to the W form. */
#include "scm.h"

SC_HANDLE WINAPI
OpenSCManagerA(LPCSTR Machine, LPCSTR Database, DWORD Access)
{
    BOOL      Failed = FALSE;
    PWSTR     WideMachine = AdvWiden(Machine, &Failed), WideDatabase = AdvWiden(Database, &Failed);
    SC_HANDLE Handle = Failed ? NULL : OpenSCManagerW(WideMachine, WideDatabase, Access);

    AdvFree(WideMachine);
    AdvFree(WideDatabase);
    return Handle;
}

SC_HANDLE WINAPI
OpenServiceA(SC_HANDLE Manager, LPCSTR Name, DWORD Access)
{
    BOOL      Failed = FALSE;
    PWSTR     Wide = AdvWiden(Name, &Failed);
    SC_HANDLE Handle = Failed ? NULL : OpenServiceW(Manager, Wide, Access);

    AdvFree(Wide);
    return Handle;
}

SC_HANDLE WINAPI
CreateServiceA(SC_HANDLE Manager, LPCSTR Name, LPCSTR DisplayName, DWORD Access, DWORD Type,
    DWORD Start, DWORD ErrorControl, LPCSTR Path, LPCSTR Group, LPDWORD Tag, LPCSTR Dependencies,
    LPCSTR Account, LPCSTR Password)
{
    BOOL      Failed = FALSE;
    PWSTR     Wide[] = { AdvWiden(Name, &Failed), AdvWiden(DisplayName, &Failed),
                  AdvWiden(Path, &Failed), AdvWiden(Group, &Failed),
                  AdvWidenList(Dependencies, &Failed), AdvWiden(Account, &Failed) };
    SC_HANDLE Handle = Failed ? NULL : CreateServiceW(Manager, Wide[0], Wide[1], Access, Type,
                  Start, ErrorControl, Wide[2], Wide[3], Tag, Wide[4], Wide[5], NULL);

    for (ULONG Index = 0; Index < ARRAYSIZE(Wide); Index++)
        AdvFree(Wide[Index]);
    return Handle;
}

BOOL WINAPI
ChangeServiceConfigA(SC_HANDLE Service, DWORD Type, DWORD Start, DWORD ErrorControl, LPCSTR Path,
    LPCSTR Group, LPDWORD Tag, LPCSTR Dependencies, LPCSTR Account, LPCSTR Password,
    LPCSTR DisplayName)
{
    BOOL  Failed = FALSE;
    PWSTR Wide[] = { AdvWiden(Path, &Failed), AdvWiden(Group, &Failed),
              AdvWidenList(Dependencies, &Failed), AdvWiden(Account, &Failed),
              AdvWiden(DisplayName, &Failed) };
    BOOL  Done = !Failed && ChangeServiceConfigW(Service, Type, Start, ErrorControl, Wide[0],
              Wide[1], Tag, Wide[2], Wide[3], NULL, Wide[4]);

    for (ULONG Index = 0; Index < ARRAYSIZE(Wide); Index++)
        AdvFree(Wide[Index]);
    return Done;
}
