/*
 * tfuzz [SEED [ROUNDS]]: services called at random, by children that run for a moment as the
 * administrator or as the student. Whatever they do, the system goes on, and when the last of them
 * is gone nothing is left of them: no object, no handle.
 */
#include "tfuzz.h"
#include "user/lib/snapshot.h"
#include "user/lib/testing.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS      24
#define PATIENCE    1500                        // milliseconds that a child has

#define TYPES       64

typedef struct _CENSUS {
    ULONG Objects[TYPES], Handles;
} CENSUS;

static const char *const Models[] = { "notify", "inverted", "ticker", "getdev" };
static char Names[TYPES][24];                   // of types

static void
TakeCensus(CENSUS *Census)
{
    SNAPSHOT                             Snapshot;
    const SYSTEM_OBJECTTYPE_INFORMATION *Type = NULL;

    memset(Census, 0, sizeof *Census);
    if (!NT_SUCCESS(TakeSnapshot(&Snapshot)))
        return;
    while ((Type = NextType(&Snapshot, Type)) != NULL) {
        Census->Objects[Type->TypeIndex % TYPES] = Type->NumberOfObjects;
        _snprintf(Names[Type->TypeIndex % TYPES], sizeof Names[0] - 1, "%ls",
            TypeName(&Snapshot, Type->TypeIndex)->Buffer);
    }
    Census->Handles = (ULONG)Snapshot.Handles->NumberOfHandles;
    FreeSnapshot(&Snapshot);
}

/* A child that calls services as User; it ends, or is ended. */
static BOOL
Round(ULONG64 Seed, BOOL Student)
{
    STARTUPINFOA        Startup = { .cb = sizeof Startup, .dwFlags = STARTF_USESTDHANDLES };
    PROCESS_INFORMATION Information;
    HANDLE              Token;
    char                Line[64];
    BOOL                Started;
    DWORD               Code = 0;

    if (!LogonUserA(Student ? "student" : "administrator", NULL, NULL, LOGON32_LOGON_INTERACTIVE,
            LOGON32_PROVIDER_DEFAULT, &Token))
        return FALSE;
    sprintf(Line, "tfuzz %s %llu", Student ? "student" : "administrator", Seed);
    Started = CreateProcessAsUserA(Token, NULL, Line, NULL, NULL, FALSE, 0, NULL, NULL, &Startup,
        &Information);
    CloseHandle(Token);
    if (!Started)
        return FALSE;
    WaitForSingleObject(Information.hProcess, PATIENCE);
    TerminateProcess(Information.hProcess, 1);
    WaitForSingleObject(Information.hProcess, INFINITE);
    GetExitCodeProcess(Information.hProcess, &Code);
    printf("seed %llu%s: the child ended with 0x%08lX\n", Seed, Student ? ", student" : "", Code);
    fflush(stdout);
    CloseHandle(Information.hThread);
    CloseHandle(Information.hProcess);
    return TRUE;
}

/* A process or thread that has ended stays an object for a moment more. */
static void
Settle(CENSUS *Census)
{
    CENSUS Earlier;

    TakeCensus(Census);
    do {
        Earlier = *Census;
        Sleep(50);
        TakeCensus(Census);
    } while (memcmp(&Earlier, Census, sizeof Earlier) != 0);
}

static void
Compare(const CENSUS *Before, const CENSUS *After)
{
    Promise("Nothing is left of them: no object, no handle");
    for (ULONG Type = 0; Type < TYPES; Type++)
        Expect(Before->Objects[Type] == After->Objects[Type], "%s: %lu objects became %lu",
            Names[Type], Before->Objects[Type], After->Objects[Type]);
    Expect(Before->Handles == After->Handles, "%lu handles became %lu", Before->Handles,
        After->Handles);
}

int
main(int Count, char **Arguments)
{
    ULONG64 Seed = Count > 1 ? strtoull(Arguments[1], NULL, 0) : 1;
    ULONG   Rounds = Count > 2 ? strtoul(Arguments[2], NULL, 0) : ROUNDS;
    CENSUS  Before, After;

    if (Count == 3 && (strcmp(Arguments[1], "student") == 0
            || strcmp(Arguments[1], "administrator") == 0))
        return Child(strtoull(Arguments[2], NULL, 0), Arguments[1][0] == 'a');

    Promise("Services called at random by several threads at once do no harm");
    for (ULONG Index = 0; Index < ARRAYSIZE(Models); Index++)
        Expect(StartDriver(Models[Index]) == STATUS_SUCCESS, "cannot start %s", Models[Index]);
    Round(Seed, FALSE);
    Round(Seed, TRUE);
    Settle(&Before);
    for (ULONG Index = 0; Index < Rounds; Index++)
        Expect(Round(Seed + Index, Index % 2), "the child did not start: 0x%08lX",
            RtlGetLastNtStatus());
    Settle(&After);
    Compare(&Before, &After);
    Promise("The model drivers, which took part, can be unloaded");
    for (ULONG Index = 0; Index < ARRAYSIZE(Models); Index++)
        Expect(StopDriver(Models[Index]) == STATUS_SUCCESS, "cannot stop %s", Models[Index]);
    return Done("tfuzz");
}
