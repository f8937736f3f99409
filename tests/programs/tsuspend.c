/*
 * Suspending threads, also against ending them; opening by number; affinity, priority class and
 * limits of a process.
 */
#include "sdk/ntapi.h"
#include "user/lib/testing.h"
#include <psapi.h>
#include <stdio.h>
#include <string.h>

#define PATIENCE    30000                       // milliseconds

static DWORD WINAPI
Forever(PVOID Parameter)
{
    volatile ULONG *Counter = Parameter;

    for (;;)
        ++*Counter;
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
    for (ULONG Try = 0; Try < 3000 && *(volatile ULONG *)&Counter == 0; Try++)
        Sleep(10);
    Expect(Old == 1 && Counter != 0, "it does not run");
    Expect(NtResumeThread(Thread, &Old) == STATUS_SUCCESS && Old == 0, "resumed when running");

    SuspendThread(Thread);
    Count = 0;
    do {                                        // its processor may take a while to hear of it
        Seen = *(volatile ULONG *)&Counter;
        Sleep(50);
    } while (Seen != *(volatile ULONG *)&Counter && ++Count < 100);
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
    for (Round = 0; Round < 40; Round++) {
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

/* Switches SeIncreaseQuotaPrivilege, which programs start with switched off. */
static void
SwitchQuotaPrivilege(BOOL On)
{
    TOKEN_PRIVILEGES New = { 1, { { { 5, 0 }, On ? SE_PRIVILEGE_ENABLED : 0 } } };
    HANDLE           Token;

    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES, &Token))
        return;
    AdjustTokenPrivileges(Token, FALSE, &New, 0, NULL, NULL);
    CloseHandle(Token);
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
    SwitchQuotaPrivilege(FALSE);
    Expect(NtSetInformationProcess(NtCurrentProcess(), EtProcessQuotaLimits, &Limits,
        sizeof Limits) == STATUS_PRIVILEGE_NOT_HELD, "a limit without the privilege");
    SwitchQuotaPrivilege(TRUE);
    if (IsUser("student")) {                    // who has no such privilege to switch on
        Expect(NtSetInformationProcess(NtCurrentProcess(), EtProcessQuotaLimits, &Limits,
            sizeof Limits) == STATUS_PRIVILEGE_NOT_HELD, "a limit set by the student");
        return;
    }
    Expect(NtSetInformationProcess(NtCurrentProcess(), EtProcessQuotaLimits, &Limits,
        sizeof Limits) == STATUS_SUCCESS, "a limit");
    memset(&Limits, 0, sizeof Limits);
    NtQueryInformationProcess(NtCurrentProcess(), EtProcessQuotaLimits, &Limits, sizeof Limits,
        NULL);
    Expect(Limits.PagedPoolLimit == 0x123000 && Limits.MinimumWorkingSetSize != 0x200000,
        "limit %llx", (ULONG64)Limits.PagedPoolLimit);
}

/* The same and more through kernel32. */
static void
Win32(void)
{
    FILETIME  Creation, Exit, Kernel, User;
    DWORD_PTR Process = 0, System = 0;
    HANDLE    Self = GetCurrentProcess(), Thread = GetCurrentThread();
    SIZE_T    Minimum = 0, Maximum = 0;
    WCHAR     Name[200];
    DWORD     Size = ARRAYSIZE(Name);
    PROCESS_MEMORY_COUNTERS Memory;

    Promise("kernel32 tells a process' times, memory, name, priority class and affinity");
    Expect(GetProcessTimes(Self, &Creation, &Exit, &Kernel, &User) && Creation.dwHighDateTime
        && Exit.dwHighDateTime == 0, "process times");
    Expect(GetThreadTimes(Thread, &Creation, &Exit, &Kernel, &User) && Creation.dwHighDateTime,
        "thread times");
    Expect(GetPriorityClass(Self) == NORMAL_PRIORITY_CLASS, "class %lX", GetPriorityClass(Self));
    Expect(SetPriorityClass(Self, ABOVE_NORMAL_PRIORITY_CLASS)
        && GetPriorityClass(Self) == ABOVE_NORMAL_PRIORITY_CLASS, "above normal");
    Expect(!SetPriorityClass(Self, 0x12345) && GetLastError() == ERROR_INVALID_PARAMETER,
        "no class: %lu", GetLastError());
    SetPriorityClass(Self, NORMAL_PRIORITY_CLASS);
    Expect(GetProcessAffinityMask(Self, &Process, &System) && Process == System && (Process & 1),
        "affinity");
    Expect(SetThreadAffinityMask(Thread, 1) == Process && SetThreadAffinityMask(Thread, Process)
        == 1, "thread affinity");
    Expect(!SetProcessAffinityMask(Self, 0) && GetLastError() == ERROR_INVALID_PARAMETER,
        "no processor: %lu", GetLastError());
    Expect(GetThreadId(Thread) == GetCurrentThreadId()
        && GetProcessIdOfThread(Thread) == GetCurrentProcessId(), "ids");
    Expect(K32GetProcessMemoryInfo(Self, &Memory, sizeof Memory) && Memory.WorkingSetSize
        && Memory.PeakWorkingSetSize >= Memory.WorkingSetSize, "memory");
    Expect(SetProcessWorkingSetSize(Self, 0x100000, 0x200000)
        && GetProcessWorkingSetSize(Self, &Minimum, &Maximum) && Minimum == 0x100000
        && Maximum == 0x200000, "working set %llx", (ULONG64)Minimum);
    Expect(QueryFullProcessImageNameW(Self, 0, Name, &Size) && Size > 12
        && _wcsicmp(Name + Size - 12, L"tsuspend.exe") == 0, "name %ls", Name);
    Size = 4;
    Expect(!QueryFullProcessImageNameW(Self, 0, Name, &Size)
        && GetLastError() == ERROR_INSUFFICIENT_BUFFER, "a small buffer: %lu", GetLastError());
}

int
main(void)
{
    Counts();
    Race();
    Ids();
    Settings();
    Win32();
    return Done("tsuspend");
}
