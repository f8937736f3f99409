/*
 * tfuzz [SEED [ROUNDS]]: services called at random, by children that run for a moment as the
 * administrator or as the student. Whatever they do, the system goes on, and when the last of them
 * is gone nothing is left of them: no object, no handle, no block of any pool tag beyond SLACK.
 */
#include "tfuzz.h"
#include "user/lib/census.h"
#include "user/lib/testing.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS      24
#define PATIENCE    1500                        // milliseconds that a child has
#define SLACK       16                          // blocks of a tag, for what others do meanwhile

static const char *const Models[] = { "notify", "inverted", "ticker", "getdev" };

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
    static CENSUS Earlier;

    TakeCensus(Census);
    do {
        Earlier = *Census;
        Sleep(50);
        TakeCensus(Census);
    } while (memcmp(&Earlier, Census, FIELD_OFFSET(CENSUS, Tags)) != 0);
}

int
main(int Count, char **Arguments)
{
    static CENSUS Before;
    ULONG64       Seed = Count > 1 ? strtoull(Arguments[1], NULL, 0) : 1;
    ULONG         Rounds = Count > 2 ? strtoul(Arguments[2], NULL, 0) : ROUNDS, Grown;

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
    Promise("Nothing is left of them: no object, no handle, no pool");
    Grown = AwaitCensus(&Before, 0, SLACK);
    Expect(Grown == 0, "0x%lX: more objects or handles, or a tag", Grown);
    Promise("The model drivers, which took part, can be unloaded");
    for (ULONG Index = 0; Index < ARRAYSIZE(Models); Index++)
        Expect(StopDriver(Models[Index]) == STATUS_SUCCESS, "cannot stop %s", Models[Index]);
    return Done("tfuzz");
}
