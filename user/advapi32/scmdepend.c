/*
 * Services that depend on a service: those whose DependOnService names it, and those that depend on
 * these. As long as one of them runs, the service cannot be stopped.
 *
 * EnumDependentServices gives them in the order in which they can be stopped, the most distant
 * first. A circle of services ends at the greatest distance that is looked for.
 */
#include "scm.h"

#define FARTHEST    16

static ULONG ScmDistance(HANDLE Key, PCWSTR Target, ULONG Limit);

/* How many services lie between Names and Target, plus one, on the longest way; 0: none. */
static ULONG
ScmDistanceOf(PCWSTR Names, PCWSTR Target, ULONG Limit)
{
    ULONG  Longest = 0;
    HANDLE Other;

    for (PCWSTR Name = Names; Name != NULL && *Name != 0; Name += wcslen(Name) + 1) {
        ULONG Distance = _wcsicmp(Name, Target) == 0 ? 1 : 0;

        if (Distance == 0 && ScmIsName(Name)
            && NT_SUCCESS(ScmOpenKey(NULL, Name, KEY_READ, &Other))) {
            Distance = ScmDistance(Other, Target, Limit - 1);
            if (Distance != 0)
                Distance++;
            NtClose(Other);
        }
        if (Distance > Longest)
            Longest = Distance;
    }
    return Longest;
}

/* The same from what the service of Key depends on. */
static ULONG
ScmDistance(HANDLE Key, PCWSTR Target, ULONG Limit)
{
    PWSTR Names = Limit != 0 ? ScmReadText(Key, L"DependOnService", NULL) : NULL;
    ULONG Longest = ScmDistanceOf(Names, Target, Limit);

    AdvFree(Names);
    return Longest;
}

BOOL
ScmLeadsTo(PCWSTR Names, PCWSTR Target)
{
    return ScmDistanceOf(Names, Target, FARTHEST) != 0;
}

BOOL
ScmIsNeeded(PCWSTR Target)
{
    WCHAR  Name[SCM_MAX_NAME + 1];
    ULONG  Index = 0;
    BOOL   Needed = FALSE;
    HANDLE Services, Key;

    if (!NT_SUCCESS(ScmOpenKey(NULL, NULL, KEY_READ, &Services)))
        return FALSE;
    while (!Needed && ScmNextService(Services, &Index, Name, &Key)) {
        Needed = ScmDistance(Key, Target, FARTHEST) != 0
            && ScmState(Key, Name) != SERVICE_STOPPED;
        NtClose(Key);
    }
    NtClose(Services);
    return Needed;
}

static BOOL
ScmListDependents(SC_HANDLE Service, PSCM_LIST List, PVOID Buffer, DWORD Size, LPDWORD Needed,
    LPDWORD Returned)
{
    PSCM_HANDLE Scm = ScmCheck(Service, FALSE, SERVICE_ENUMERATE_DEPENDENTS);
    WCHAR       Name[SCM_MAX_NAME + 1];
    HANDLE      Services, Key;

    if (Scm == NULL)
        return FALSE;
    if (Needed == NULL || Returned == NULL)
        return ScmFail(ERROR_INVALID_ADDRESS);
    if (!(List->State & SERVICE_STATE_ALL) || (List->State & ~SERVICE_STATE_ALL))
        return ScmFail(ERROR_INVALID_PARAMETER);
    if (!AdvSetStatus(ScmOpenKey(NULL, NULL, KEY_READ, &Services)))
        return FALSE;
    List->Type = SERVICE_DRIVER | SERVICE_WIN32;
    List->Next = Buffer;
    List->End = (PUCHAR)Buffer + (Buffer != NULL ? Size & ~1U : 0);
    for (ULONG Distance = FARTHEST; Distance != 0; Distance--) {
        for (ULONG Index = 0; ScmNextService(Services, &Index, Name, &Key); NtClose(Key))
            if (ScmDistance(Key, Scm->Name, FARTHEST) == Distance)
                ScmListOne(List, Key, Name);
    }
    NtClose(Services);
    *Needed = List->Missing;
    *Returned = List->Count;
    return List->Missing == 0 ? TRUE : ScmFail(ERROR_MORE_DATA);
}

BOOL WINAPI
EnumDependentServicesW(SC_HANDLE Service, DWORD State, LPENUM_SERVICE_STATUSW Services, DWORD Size,
    LPDWORD Needed, LPDWORD Returned)
{
    SCM_LIST List = { .State = State, .Wide = TRUE };

    return ScmListDependents(Service, &List, Services, Size, Needed, Returned);
}

BOOL WINAPI
EnumDependentServicesA(SC_HANDLE Service, DWORD State, LPENUM_SERVICE_STATUSA Services, DWORD Size,
    LPDWORD Needed, LPDWORD Returned)
{
    SCM_LIST List = { .State = State };

    return ScmListDependents(Service, &List, Services, Size, Needed, Returned);
}
