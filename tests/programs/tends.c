/*
 * The ends of processes and threads, and suspending them. However a process ends, all it had goes
 * back: handles, objects, memory, ids. With an argument the program is its own child.
 */
#include "sdk/ntapi.h"
#include "user/lib/testing.h"
#include "user/lib/snapshot.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE    10000                       // milliseconds
#define ROUNDS      6
#define MAX_TAGS    512

static DWORD WINAPI
Forever(PVOID Parameter)
{
    volatile ULONG *Counter = Parameter;

    for (;;)
        ++*Counter;
}

static DWORD WINAPI
Waits(PVOID Parameter)
{
    WaitForSingleObject(Parameter, INFINITE);
    return 5;
}

static DWORD WINAPI
EndsProcess(PVOID Parameter)
{
    TerminateProcess(GetCurrentProcess(), 43);
    return 0;
}

static DWORD WINAPI
Faults(PVOID Parameter)
{
    return *(volatile DWORD *)8;
}

/* What every child has when it ends: handles of several types, memory, threads in all states. */
static void
Furnish(HANDLE Never)
{
    static ULONG Counter;
    HANDLE       Suspended;
    ULONG        Index;

    for (Index = 0; Index < 20; Index++) {
        CreateEventA(NULL, TRUE, FALSE, NULL);
        CreateMutexA(NULL, TRUE, NULL);
        CreateFileA("NUL", GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
        VirtualAlloc(NULL, 0x10000, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    }
    CreateThread(NULL, 0, Forever, &Counter, 0, NULL);
    CreateThread(NULL, 0, Waits, Never, 0, NULL);
    CreateThread(NULL, 0, Waits, Never, 0, NULL);
    CreateThread(NULL, 0, Waits, Never, CREATE_SUSPENDED, NULL);
    Suspended = CreateThread(NULL, 0, Waits, Never, 0, NULL);
    SuspendThread(Suspended);
}

static int
Child(const char *What)
{
    HANDLE Never = CreateEventA(NULL, TRUE, FALSE, NULL);
    HANDLE Ready = OpenEventA(EVENT_ALL_ACCESS, FALSE, "TEndsReady");

    SetStdHandle(STD_ERROR_HANDLE, NULL);
    if (strcmp(What, "threads") != 0)
        Furnish(Never);
    if (Ready)
        SetEvent(Ready);
    if (strcmp(What, "exit") == 0)
        ExitProcess(41);
    if (strcmp(What, "self") == 0)
        NtTerminateProcess(NtCurrentProcess(), 42);
    if (strcmp(What, "thread") == 0)
        WaitForSingleObject(CreateThread(NULL, 0, EndsProcess, NULL, 0, NULL), INFINITE);
    if (strcmp(What, "threads") == 0) {
        WaitForSingleObject(CreateThread(NULL, 0, Waits, Ready, 0, NULL), INFINITE);
        ExitThread(44);
    }
    if (strcmp(What, "fault") == 0)
        WaitForSingleObject(CreateThread(NULL, 0, Faults, NULL, 0, NULL), INFINITE);
    WaitForSingleObject(Never, INFINITE);
    return 1;
}

static BOOL
Start(const char *What, DWORD Flags, PROCESS_INFORMATION *Information)
{
    STARTUPINFOA Startup = { .cb = sizeof Startup };
    char         Line[64];

    sprintf(Line, "tends %s", What);
    return CreateProcessA(NULL, Line, NULL, NULL, FALSE, Flags, NULL, NULL, &Startup, Information);
}

static void
Close(PROCESS_INFORMATION *Information)
{
    CloseHandle(Information->hThread);
    CloseHandle(Information->hProcess);
}

/* How a child may end. Kill: from outside, once it is ready, or at once if it never ran. */
static const struct {
    const char *What;
    ULONG       Code;
    BOOL        Kill, Suspended, Never;
} Ways[] = {
    { "exit", 41, FALSE, FALSE, FALSE },
    { "self", 42, FALSE, FALSE, FALSE },
    { "thread", 43, FALSE, FALSE, FALSE },
    { "threads", 44, FALSE, FALSE, FALSE },
    { "fault", (ULONG)STATUS_ACCESS_VIOLATION, FALSE, FALSE, FALSE },
    { "wait", 45, TRUE, FALSE, FALSE },
    { "wait", 46, TRUE, TRUE, FALSE },
    { "wait", 47, TRUE, FALSE, TRUE },
};

static void
EndOnce(ULONG Way, HANDLE Ready)
{
    PROCESS_INFORMATION Information;
    DWORD               Code = 0;

    ResetEvent(Ready);
    if (!Expect(Start(Ways[Way].What, Ways[Way].Never ? CREATE_SUSPENDED : 0, &Information),
        "start %s: %lu", Ways[Way].What, GetLastError()))
        return;
    if (!Ways[Way].Never)
        Expect(WaitForSingleObject(Ready, PATIENCE) == WAIT_OBJECT_0, "%s is not ready",
            Ways[Way].What);
    if (Ways[Way].Suspended)
        Expect(NtSuspendProcess(Information.hProcess) == STATUS_SUCCESS, "suspend");
    if (Ways[Way].Kill)
        Expect(TerminateProcess(Information.hProcess, Ways[Way].Code), "kill");
    Expect(WaitForSingleObject(Information.hProcess, PATIENCE) == WAIT_OBJECT_0,
        "way %lu (%s): not signalled", Way, Ways[Way].What);
    Expect(WaitForSingleObject(Information.hThread, PATIENCE) == WAIT_OBJECT_0,
        "way %lu (%s): its thread is not signalled", Way, Ways[Way].What);
    GetExitCodeProcess(Information.hProcess, &Code);
    Expect(Code == Ways[Way].Code, "way %lu (%s): code 0x%lX", Way, Ways[Way].What, Code);
    Expect(NtTerminateProcess(Information.hProcess, 1) == STATUS_PROCESS_IS_TERMINATING,
        "ended twice");
    Expect(NtSuspendProcess(Information.hProcess) == STATUS_PROCESS_IS_TERMINATING,
        "suspended when dead");
    Expect(NtSuspendThread(Information.hThread, NULL) == STATUS_THREAD_IS_TERMINATING,
        "a dead thread suspended");
    Expect(CreateRemoteThread(Information.hProcess, NULL, 0, Waits, NULL, 0, NULL) == NULL,
        "a thread in a dead process");
    Close(&Information);
}

/* Objects and handles of each type, and blocks of each pool tag. */
typedef struct _CENSUS {
    ULONG Objects[64], Handles;
    ULONG Tags[MAX_TAGS], TagCount;
    LONG  Blocks[MAX_TAGS];
} CENSUS;

static void
TakeCensus(CENSUS *Census)
{
    SNAPSHOT                             Snapshot;
    const SYSTEM_OBJECTTYPE_INFORMATION *Type = NULL;
    PSYSTEM_POOLTAG_INFORMATION          Tags;
    NTSTATUS                             Status;

    memset(Census, 0, sizeof *Census);
    if (NT_SUCCESS(TakeSnapshot(&Snapshot))) {
        while ((Type = NextType(&Snapshot, Type)) != NULL)
            Census->Objects[Type->TypeIndex & 63] = Type->NumberOfObjects;
        Census->Handles = (ULONG)Snapshot.Handles->NumberOfHandles;
        FreeSnapshot(&Snapshot);
    }
    Tags = QuerySystem(EtSystemPoolTagInformation, &Status);
    for (ULONG Index = 0; Tags && Index < Tags->Count && Index < MAX_TAGS; Index++) {
        Census->Tags[Index] = Tags->TagInfo[Index].TagUlong;
        Census->Blocks[Index] = (LONG)(Tags->TagInfo[Index].PagedAllocs
            - Tags->TagInfo[Index].PagedFrees + Tags->TagInfo[Index].NonPagedAllocs
            - Tags->TagInfo[Index].NonPagedFrees);
        Census->TagCount++;
    }
    free(Tags);
}

/* What grew by at least one for each of Ways that ended; 0 if nothing did. */
static ULONG
Growth(const CENSUS *Before, const CENSUS *After, LONG Ends)
{
    if ((LONG)(After->Handles - Before->Handles) >= Ends)
        return After->Handles - Before->Handles;
    for (ULONG Type = 0; Type < 64; Type++)
        if ((LONG)(After->Objects[Type] - Before->Objects[Type]) >= Ends)
            return After->Objects[Type] - Before->Objects[Type];
    for (ULONG Index = 0; Index < After->TagCount; Index++)
        for (ULONG Old = 0; Old < Before->TagCount; Old++)
            if (Before->Tags[Old] == After->Tags[Index]
                && After->Blocks[Index] - Before->Blocks[Old] >= Ends)
                return After->Tags[Index];
    return 0;
}

static void
Ends(void)
{
    HANDLE        Ready = CreateEventA(NULL, TRUE, FALSE, "TEndsReady");
    static CENSUS Before, After;
    ULONG         Leak = 0;

    for (ULONG Way = 0; Way < ARRAYSIZE(Ways); Way++) {
        static char Sentences[ARRAYSIZE(Ways)][120];
        char       *Sentence = Sentences[Way];

        sprintf(Sentence, "A process that ends (%s%s%s%s) says how, and leaves nothing behind",
            Ways[Way].What, Ways[Way].Kill ? ", killed" : "",
            Ways[Way].Suspended ? " while suspended" : "",
            Ways[Way].Never ? " before it ran" : "");
        Promise(Sentence);
        EndOnce(Way, Ready);                    // what is made once only is made now
        TakeCensus(&Before);
        for (ULONG Round = 0; Round < ROUNDS; Round++)
            EndOnce(Way, Ready);
        for (ULONG Try = 0; Try < 100; Try++) { // the last threads end in the background
            TakeCensus(&After);
            Leak = Growth(&Before, &After, ROUNDS);
            if (Leak == 0)
                break;
            Sleep(20);
        }
        Expect(Leak == 0, "%lu or pool tag '%.4s' is left", Leak, (char *)&Leak);
    }
    CloseHandle(Ready);
}

static void
Counts(void)
{
    static ULONG Counter;
    HANDLE       Thread = CreateThread(NULL, 0, Forever, &Counter, CREATE_SUSPENDED, NULL);
    ULONG        Old = 99, Seen, Count = 0;
    NTSTATUS     Status = STATUS_SUCCESS;

    Promise("A thread runs when it was resumed as often as suspended, 127 times at most");
    for (Count = 1; Count < 127; Count++) {
        Status = NtSuspendThread(Thread, &Old);
        Expect(Status == STATUS_SUCCESS && Old == Count, "suspend %lu: 0x%08lX, %lu", Count,
            (ULONG)Status, Old);
    }
    Status = NtSuspendThread(Thread, &Old);
    Expect(Status == STATUS_SUSPEND_COUNT_EXCEEDED, "the 128th: 0x%08lX", (ULONG)Status);
    Expect(NtQueryInformationThread(Thread, EtThreadSuspendCount, &Seen, sizeof Seen, NULL)
        == STATUS_SUCCESS && Seen == 127, "count %lu", Seen);
    for (Count = 127; Count > 1; Count--)
        Expect(NtResumeThread(Thread, &Old) == STATUS_SUCCESS && Old == Count, "resume: %lu", Old);
    Expect(Counter == 0, "it ran while it was suspended");
    NtResumeThread(Thread, &Old);
    for (ULONG Try = 0; Try < 500 && Counter == 0; Try++)
        Sleep(10);
    Expect(Old == 1 && Counter != 0, "it does not run");
    Expect(NtResumeThread(Thread, &Old) == STATUS_SUCCESS && Old == 0, "resumed when running");

    SuspendThread(Thread);
    Sleep(50);
    Seen = *(volatile ULONG *)&Counter;
    Sleep(50);
    Expect(Seen == *(volatile ULONG *)&Counter, "it runs on while suspended");
    Expect(NtSuspendThread(Thread, (PULONG)0x6660000) == STATUS_ACCESS_VIOLATION, "bad pointer");
    NtQueryInformationThread(Thread, EtThreadSuspendCount, &Seen, sizeof Seen, NULL);
    Expect(Seen == 1, "a refused call counted: %lu", Seen);

    Promise("A thread that is ended while suspended ends, with its code, and is suspended no more");
    Expect(NtTerminateThread(Thread, 77) == STATUS_SUCCESS, "terminate");
    Expect(WaitForSingleObject(Thread, PATIENCE) == WAIT_OBJECT_0, "it does not end");
    Expect(GetExitCodeThread(Thread, &Count) && Count == 77, "code %lu", Count);
    Expect(NtSuspendThread(Thread, &Old) == STATUS_THREAD_IS_TERMINATING, "suspended when dead");
    CloseHandle(Thread);
}

/*
 * A thread that never ran, or one that runs its routine: ended in between it might hold the
 * loader's lock, and the program would never end, as on Windows.
 */
static HANDLE
RaceTarget(BOOL Runs)
{
    static ULONG Counter;
    HANDLE       Thread;

    Counter = 0;
    Thread = CreateThread(NULL, 0, Forever, &Counter, Runs ? 0 : CREATE_SUSPENDED, NULL);
    while (Runs && *(volatile ULONG *)&Counter == 0)
        Sleep(0);
    return Thread;
}

static DWORD WINAPI
Suspender(PVOID Parameter)
{
    ULONG Count = 0;

    while (NtSuspendThread(Parameter, NULL) != STATUS_THREAD_IS_TERMINATING)
        if (++Count & 1)
            NtResumeThread(Parameter, NULL);
    return 0;
}

static void
Race(void)
{
    HANDLE Thread, Helper;
    ULONG  Round, Left = 0;

    Promise("Suspending and ending a thread at once always ends it");
    for (Round = 0; Round < 100; Round++) {
        Thread = RaceTarget(Round & 1);
        Helper = CreateThread(NULL, 0, Suspender, Thread, 0, NULL);
        if (Round & 2)
            Sleep(0);
        NtTerminateThread(Thread, Round);
        NtSuspendThread(Thread, NULL);
        Left += WaitForSingleObject(Thread, PATIENCE) != WAIT_OBJECT_0;
        Left += WaitForSingleObject(Helper, PATIENCE) != WAIT_OBJECT_0;
        CloseHandle(Thread);
        CloseHandle(Helper);
    }
    Expect(Left == 0, "%lu of %lu threads did not end", Left, 2 * Round);
}

static void
Ids(void)
{
    CLIENT_ID         Own = ((PTEB)NtCurrentTeb())->ClientId, Id = Own;
    OBJECT_ATTRIBUTES Attributes;
    HANDLE            Handle;

    InitializeObjectAttributes(&Attributes, NULL, 0, NULL, NULL);
    Promise("A process is opened by its number, with a thread's of its own or none");
    Expect(NtOpenProcess(&Handle, SYNCHRONIZE, &Attributes, &Id) == STATUS_SUCCESS, "both");
    NtClose(Handle);
    Id.UniqueThread = NULL;
    Expect(NtOpenProcess(&Handle, SYNCHRONIZE, &Attributes, &Id) == STATUS_SUCCESS, "one");
    NtClose(Handle);
    Id.UniqueProcess = (HANDLE)4;
    Id.UniqueThread = Own.UniqueThread;
    Expect(NtOpenProcess(&Handle, SYNCHRONIZE, &Attributes, &Id) == STATUS_INVALID_CID,
        "another's thread");
    Expect(NtOpenThread(&Handle, SYNCHRONIZE, &Attributes, &Id) == STATUS_INVALID_CID,
        "a thread of another process");
    Id.UniqueProcess = Own.UniqueThread;
    Id.UniqueThread = NULL;
    Expect(NtOpenProcess(&Handle, SYNCHRONIZE, &Attributes, &Id) == STATUS_INVALID_CID,
        "a thread's number");
    Id.UniqueProcess = (HANDLE)((ULONG_PTR)Own.UniqueProcess + 1);
    Expect(NtOpenProcess(&Handle, SYNCHRONIZE, &Attributes, &Id) == STATUS_INVALID_CID,
        "no multiple of 4");
    Expect(NtOpenProcess(&Handle, SYNCHRONIZE, &Attributes, NULL)
        == STATUS_INVALID_PARAMETER_MIX, "neither name nor number");
}

static ULONG_PTR
Affinity(void)
{
    THREAD_BASIC_INFORMATION Basic = { 0 };

    NtQueryInformationThread(NtCurrentThread(), EtThreadBasicInformation, &Basic, sizeof Basic,
        NULL);
    return Basic.AffinityMask;
}

static void
Settings(void)
{
    PROCESS_BASIC_INFORMATION Basic;
    ULONG_PTR                 All, One = 1, None = 0, TooMany = ~(ULONG_PTR)0;
    UCHAR                     High[2] = { 0, 3 }, Normal[2] = { 0, 2 }, Wrong[2] = { 0, 9 };
    QUOTA_LIMITS              Limits;

    Promise("Threads follow their process' affinity and stay within it");
    NtQueryInformationProcess(NtCurrentProcess(), 0, &Basic, sizeof Basic, NULL);
    All = Basic.AffinityMask;
    Expect(All && Affinity() == All, "process %llx, thread %llx", (ULONG64)All,
        (ULONG64)Affinity());
    Expect(NtSetInformationProcess(NtCurrentProcess(), EtProcessAffinityMask, &None, sizeof None)
        == STATUS_INVALID_PARAMETER, "no processor");
    Expect(NtSetInformationProcess(NtCurrentProcess(), EtProcessAffinityMask, &TooMany,
        sizeof TooMany) == STATUS_INVALID_PARAMETER, "processors that are not there");
    Expect(NtSetInformationProcess(NtCurrentProcess(), EtProcessAffinityMask, &One, sizeof One)
        == STATUS_SUCCESS && Affinity() == 1, "the thread has %llx", (ULONG64)Affinity());
    if (All != 1)
        Expect(NtSetInformationThread(NtCurrentThread(), EtThreadAffinityMask, &All, sizeof All)
            == STATUS_INVALID_PARAMETER, "more than the process");
    Expect(NtSetInformationProcess(NtCurrentProcess(), EtProcessAffinityMask, &All, sizeof All)
        == STATUS_SUCCESS && Affinity() == All, "back: %llx", (ULONG64)Affinity());

    Promise("A process' priority class moves its threads with it");
    SetThreadPriority(GetCurrentThread(), 1);
    Expect(NtSetInformationProcess(NtCurrentProcess(), EtProcessPriorityClass, Wrong, 2)
        == STATUS_INVALID_PARAMETER, "class 9");
    Expect(NtSetInformationProcess(NtCurrentProcess(), EtProcessPriorityClass, High, 2)
        == STATUS_SUCCESS, "class high");
    NtQueryInformationProcess(NtCurrentProcess(), 0, &Basic, sizeof Basic, NULL);
    Expect(Basic.BasePriority == 13 && GetThreadPriority(GetCurrentThread()) == 1,
        "base %ld, thread %d", Basic.BasePriority, GetThreadPriority(GetCurrentThread()));
    NtSetInformationProcess(NtCurrentProcess(), EtProcessPriorityClass, Normal, 2);
    SetThreadPriority(GetCurrentThread(), 0);

    Promise("A pool limit may be set, but not below what is in use, nor a working set upside down");
    NtQueryInformationProcess(NtCurrentProcess(), EtProcessQuotaLimits, &Limits, sizeof Limits,
        NULL);
    Limits.MinimumWorkingSetSize = 0x200000;
    Limits.MaximumWorkingSetSize = 0x100000;
    Expect(NtSetInformationProcess(NtCurrentProcess(), EtProcessQuotaLimits, &Limits,
        sizeof Limits) == STATUS_BAD_WORKING_SET_LIMIT, "the minimum above the maximum");
    Limits.MinimumWorkingSetSize = Limits.MaximumWorkingSetSize = 0;
    Limits.PagedPoolLimit = 0x123000;
    Expect(NtSetInformationProcess(NtCurrentProcess(), EtProcessQuotaLimits, &Limits,
        sizeof Limits) == STATUS_SUCCESS, "a limit");
    memset(&Limits, 0, sizeof Limits);
    NtQueryInformationProcess(NtCurrentProcess(), EtProcessQuotaLimits, &Limits, sizeof Limits,
        NULL);
    Expect(Limits.PagedPoolLimit == 0x123000 && Limits.MinimumWorkingSetSize != 0x200000,
        "limit %llx", (ULONG64)Limits.PagedPoolLimit);
}

int
main(int Count, char **Arguments)
{
    if (Count > 1)
        return Child(Arguments[1]);
    Ends();
    Counts();
    Race();
    Ids();
    Settings();
    return Done("tends");
}
