/*
 * Asking for services: the configuration of one, the list of all.
 *
 * The structures hold pointers to strings, which follow them in the caller's buffer: behind the
 * configuration, and from the end of the buffer downwards for a list, whose entries grow towards
 * them. The A and W forms differ only in how a string is put there.
 */
#include "scm.h"
#include <string.h>

/* A text and, once there is a place, its copy in the caller's buffer. */
static SIZE_T
ScmPut(PVOID To, PCWSTR Text, SIZE_T Count, BOOL Wide)
{
    if (To != NULL && Wide)
        memcpy(To, Text, Count * sizeof(WCHAR));
    else if (To != NULL)
        AdvNarrowTo(To, Text, Count);
    return Count * (Wide ? sizeof(WCHAR) : 1);
}

/* Characters of a text or a list of texts, their ends included. */
static SIZE_T
ScmCount(PCWSTR Text, BOOL List)
{
    PCWSTR End = Text;

    if (!List)
        return wcslen(Text) + 1;
    while (*End != 0)
        End += wcslen(End) + 1;
    return (SIZE_T)(End - Text) + 1;
}

static BOOL
ScmQueryConfig(SC_HANDLE Service, LPQUERY_SERVICE_CONFIGW Config, DWORD Size, LPDWORD Needed,
    BOOL Wide)
{
    static const PCWSTR Names[] = { L"ImagePath", L"Group", L"DependOnService", L"ObjectName",
                          L"DisplayName" };
    PWSTR               Texts[ARRAYSIZE(Names)];
    LPWSTR             *Places[] = { &Config->lpBinaryPathName, &Config->lpLoadOrderGroup,
                          &Config->lpDependencies, &Config->lpServiceStartName,
                          &Config->lpDisplayName };
    PSCM_HANDLE         Scm = ScmCheck(Service, FALSE, SERVICE_QUERY_CONFIG);
    PUCHAR              At = (PUCHAR)Config + sizeof *Config;
    SIZE_T              Total = sizeof *Config;

    if (Scm == NULL)
        return FALSE;
    if (Needed == NULL)
        return ScmFail(ERROR_INVALID_ADDRESS);
    for (ULONG Index = 0; Index < ARRAYSIZE(Names); Index++) {
        Texts[Index] = ScmReadText(Scm->Key, Names[Index], NULL);
        Total += ScmPut(NULL, NULL, ScmCount(Texts[Index] ? Texts[Index] : Index == 4 ? Scm->Name
            : L"", Index == 2), Wide);
    }
    *Needed = (DWORD)Total;
    if (Config != NULL && Size >= Total) {
        Config->dwServiceType = ScmReadNumber(Scm->Key, L"Type", 0);
        Config->dwStartType = ScmReadNumber(Scm->Key, L"Start", SERVICE_DEMAND_START);
        Config->dwErrorControl = ScmReadNumber(Scm->Key, L"ErrorControl", SERVICE_ERROR_NORMAL);
        Config->dwTagId = ScmReadNumber(Scm->Key, L"Tag", 0);
    }
    for (ULONG Index = 0; Index < ARRAYSIZE(Names); Index++) {
        PCWSTR Text = Texts[Index] ? Texts[Index] : Index == 4 ? Scm->Name : L"";

        if (Config != NULL && Size >= Total) {
            *Places[Index] = (LPWSTR)At;
            At += ScmPut(At, Text, ScmCount(Text, Index == 2), Wide);
        }
        AdvFree(Texts[Index]);
    }
    return Config != NULL && Size >= Total ? TRUE : ScmFail(ERROR_INSUFFICIENT_BUFFER);
}

BOOL WINAPI
QueryServiceConfigW(SC_HANDLE Service, LPQUERY_SERVICE_CONFIGW Config, DWORD Size, LPDWORD Needed)
{
    return ScmQueryConfig(Service, Config, Size, Needed, TRUE);
}

BOOL WINAPI
QueryServiceConfigA(SC_HANDLE Service, LPQUERY_SERVICE_CONFIGA Config, DWORD Size, LPDWORD Needed)
{
    return ScmQueryConfig(Service, (LPQUERY_SERVICE_CONFIGW)Config, Size, Needed, FALSE);
}

static PUCHAR
ScmPutLast(PSCM_LIST List, PCWSTR Text)
{
    SIZE_T Count = wcslen(Text) + 1;

    List->End -= ScmPut(NULL, Text, Count, List->Wide);
    ScmPut(List->End, Text, Count, List->Wide);
    return List->End;
}

static BOOL
ScmIsWanted(PSCM_LIST List, HANDLE Key, LPSERVICE_STATUS_PROCESS Status)
{
    BOOL  Active = Status->dwCurrentState != SERVICE_STOPPED, Wanted = TRUE;
    PWSTR Group;

    if (!(Status->dwServiceType & List->Type & (SERVICE_DRIVER | SERVICE_WIN32))
        || !(List->State & (Active ? SERVICE_ACTIVE : SERVICE_INACTIVE)))
        return FALSE;
    if (List->Group == NULL)
        return TRUE;
    Group = ScmReadText(Key, L"Group", NULL);
    Wanted = _wcsicmp(Group != NULL ? Group : L"", List->Group) == 0;
    AdvFree(Group);
    return Wanted;
}

BOOL
ScmListOne(PSCM_LIST List, HANDLE Key, PCWSTR Name)
{
    LPENUM_SERVICE_STATUS_PROCESSW Entry = (PVOID)List->Next;
    SERVICE_STATUS_PROCESS         Status;
    PWSTR                          Display;
    PCWSTR                         Shown;
    SIZE_T                         Size, Head = List->Process ? sizeof *Entry
                                       : sizeof(ENUM_SERVICE_STATUSW);

    ScmFillStatus(Key, Name, &Status);
    if (!ScmIsWanted(List, Key, &Status))
        return TRUE;
    Display = ScmReadText(Key, L"DisplayName", NULL);
    Shown = Display != NULL ? Display : Name;
    Size = Head + (wcslen(Name) + wcslen(Shown) + 2) * (List->Wide ? sizeof(WCHAR) : 1);
    if (List->Missing == 0 && (SIZE_T)(List->End - List->Next) >= Size) {
        Entry->lpDisplayName = (LPWSTR)ScmPutLast(List, Shown);
        Entry->lpServiceName = (LPWSTR)ScmPutLast(List, Name);
        memcpy(&Entry->ServiceStatusProcess, &Status, List->Process ? sizeof Status
            : sizeof(SERVICE_STATUS));
        List->Next += Head;
        List->Count++;
    } else {
        List->Missing += (DWORD)Size;
    }
    AdvFree(Display);
    return List->Missing == 0;
}

static BOOL
ScmList(SC_HANDLE Manager, PSCM_LIST List, PVOID Buffer, DWORD Size, LPDWORD Needed,
    LPDWORD Returned, LPDWORD Resume)
{
    PSCM_HANDLE Scm = ScmCheck(Manager, TRUE, SC_MANAGER_ENUMERATE_SERVICE);
    DWORD       Index = Resume != NULL ? *Resume : 0, Next = 0;
    WCHAR       Name[SCM_MAX_NAME + 1];
    HANDLE      Key;

    if (Scm == NULL)
        return FALSE;
    if (Needed == NULL || Returned == NULL)
        return ScmFail(ERROR_INVALID_ADDRESS);
    if (!(List->Type & (SERVICE_DRIVER | SERVICE_WIN32)) || !(List->State & SERVICE_STATE_ALL))
        return ScmFail(ERROR_INVALID_PARAMETER);
    List->Next = Buffer;
    List->End = (PUCHAR)Buffer + (Buffer != NULL ? Size & ~1U : 0);
    while (ScmNextService(Scm->Key, &Index, Name, &Key)) {
        if (!ScmListOne(List, Key, Name) && Next == 0)
            Next = Index - 1;
        NtClose(Key);
    }
    *Needed = List->Missing;
    *Returned = List->Count;
    if (Resume != NULL)
        *Resume = List->Missing != 0 ? Next : 0;
    return List->Missing == 0 ? TRUE : ScmFail(ERROR_MORE_DATA);
}

BOOL WINAPI
EnumServicesStatusW(SC_HANDLE Manager, DWORD Type, DWORD State, LPENUM_SERVICE_STATUSW Services,
    DWORD Size, LPDWORD Needed, LPDWORD Returned, LPDWORD Resume)
{
    SCM_LIST List = { .Type = Type, .State = State, .Wide = TRUE };

    return ScmList(Manager, &List, Services, Size, Needed, Returned, Resume);
}

BOOL WINAPI
EnumServicesStatusA(SC_HANDLE Manager, DWORD Type, DWORD State, LPENUM_SERVICE_STATUSA Services,
    DWORD Size, LPDWORD Needed, LPDWORD Returned, LPDWORD Resume)
{
    SCM_LIST List = { .Type = Type, .State = State };

    return ScmList(Manager, &List, Services, Size, Needed, Returned, Resume);
}

BOOL WINAPI
EnumServicesStatusExW(SC_HANDLE Manager, SC_ENUM_TYPE Level, DWORD Type, DWORD State,
    LPBYTE Services, DWORD Size, LPDWORD Needed, LPDWORD Returned, LPDWORD Resume, LPCWSTR Group)
{
    SCM_LIST List = { .Type = Type, .State = State, .Group = Group, .Wide = TRUE, .Process = TRUE };

    if (Level != SC_ENUM_PROCESS_INFO)
        return ScmFail(ERROR_INVALID_LEVEL);
    return ScmList(Manager, &List, Services, Size, Needed, Returned, Resume);
}

BOOL WINAPI
EnumServicesStatusExA(SC_HANDLE Manager, SC_ENUM_TYPE Level, DWORD Type, DWORD State,
    LPBYTE Services, DWORD Size, LPDWORD Needed, LPDWORD Returned, LPDWORD Resume, LPCSTR Group)
{
    BOOL     Failed = FALSE;
    PWSTR    Wide = AdvWiden(Group, &Failed);
    SCM_LIST List = { .Type = Type, .State = State, .Group = Wide, .Process = TRUE };
    BOOL     Done = FALSE;

    if (Level != SC_ENUM_PROCESS_INFO)
        ScmFail(ERROR_INVALID_LEVEL);
    else if (!Failed)
        Done = ScmList(Manager, &List, Services, Size, Needed, Returned, Resume);
    AdvFree(Wide);
    return Done;
}
