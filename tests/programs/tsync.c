/*
 * Dispatcher objects from a program: events, mutants, semaphores, timers, and waits on one and on
 * many.
 */
#include "sdk/ntapi.h"
#include "user/lib/testing.h"
#include <stdio.h>

#define PATIENCE    60000                       // milliseconds

static HANDLE Shared, Answer;

static DWORD WINAPI
SetLater(PVOID Event)
{
    Sleep(50);
    SetEvent(Event);
    return 0;
}

static void
Events(void)
{
    HANDLE Manual = CreateEventA(NULL, TRUE, FALSE, NULL);
    HANDLE Automatic = CreateEventA(NULL, FALSE, TRUE, NULL);
    HANDLE Thread;
    DWORD  Start, Passed;
    LONG   Previous = 7;

    Promise("A manual event stays set, an automatic one is taken by one wait");
    Expect(WaitForSingleObject(Manual, 0) == WAIT_TIMEOUT, "manual, not set");
    NtSetEvent(Manual, &Previous);
    Expect(Previous == 0, "previous state %ld", Previous);
    Expect(WaitForSingleObject(Manual, 0) == WAIT_OBJECT_0, "manual, first");
    Expect(WaitForSingleObject(Manual, 0) == WAIT_OBJECT_0, "manual, second");
    ResetEvent(Manual);
    Expect(WaitForSingleObject(Manual, 0) == WAIT_TIMEOUT, "manual, reset");
    Expect(WaitForSingleObject(Automatic, 0) == WAIT_OBJECT_0, "automatic, first");
    Expect(WaitForSingleObject(Automatic, 0) == WAIT_TIMEOUT, "automatic, second");

    Promise("A wait ends when another thread sets the event, and not much later");
    Start = GetTickCount();
    Thread = CreateThread(NULL, 0, SetLater, Automatic, 0, NULL);
    Expect(WaitForSingleObject(Automatic, PATIENCE) == WAIT_OBJECT_0, "no wake-up");
    Expect(GetTickCount() - Start >= 40, "too early: %lu ms", GetTickCount() - Start);
    WaitForSingleObject(Thread, INFINITE);
    CloseHandle(Thread);

    Promise("A wait times out after the time it names");
    Passed = 3000;
    for (int Try = 0; Try < 10 && Passed >= 3000; Try++) {      // a busy host may stop once
        Start = GetTickCount();
        Expect(WaitForSingleObject(Automatic, 100) == WAIT_TIMEOUT, "no time-out");
        Passed = GetTickCount() - Start;
        Expect(Passed >= 90, "%lu ms", Passed);
    }
    Expect(Passed < 3000, "%lu ms", Passed);
    CloseHandle(Manual);
    CloseHandle(Automatic);
}

static DWORD WINAPI
TakeAndLeave(PVOID Mutex)
{
    WaitForSingleObject(Mutex, INFINITE);
    return 0;                                               // the mutex is abandoned
}

static void
Mutants(void)
{
    HANDLE Mutex = CreateMutexA(NULL, TRUE, NULL), Thread;

    Promise("A mutant is taken again by its owner and released as often");
    Expect(WaitForSingleObject(Mutex, 0) == WAIT_OBJECT_0, "recursive");
    Expect(ReleaseMutex(Mutex) && ReleaseMutex(Mutex), "release");
    Expect(!ReleaseMutex(Mutex) && GetLastError() == ERROR_NOT_OWNER, "a third release: %lu",
        GetLastError());
    Promise("A mutant whose owner ends is abandoned, once");
    Thread = CreateThread(NULL, 0, TakeAndLeave, Mutex, 0, NULL);
    WaitForSingleObject(Thread, INFINITE);
    CloseHandle(Thread);
    Expect(WaitForSingleObject(Mutex, PATIENCE) == WAIT_ABANDONED, "not abandoned");
    Expect(ReleaseMutex(Mutex), "the new owner cannot release");
    Expect(WaitForSingleObject(Mutex, 0) == WAIT_OBJECT_0, "still abandoned");
    ReleaseMutex(Mutex);
    CloseHandle(Mutex);
}

static void
Semaphores(void)
{
    HANDLE                      Semaphore = CreateSemaphoreA(NULL, 1, 3, NULL);
    SEMAPHORE_BASIC_INFORMATION Now;
    LONG                        Previous = -1;

    Promise("A semaphore counts, and never above its limit");
    Expect(ReleaseSemaphore(Semaphore, 2, &Previous) && Previous == 1, "previous %ld", Previous);
    Expect(!ReleaseSemaphore(Semaphore, 1, NULL) && GetLastError() == ERROR_TOO_MANY_POSTS,
        "above the limit: %lu", GetLastError());
    for (int Count = 0; Count < 3; Count++)
        Expect(WaitForSingleObject(Semaphore, 0) == WAIT_OBJECT_0, "take %d", Count);
    Expect(WaitForSingleObject(Semaphore, 0) == WAIT_TIMEOUT, "a fourth");
    NtQuerySemaphore(Semaphore, 0, &Now, sizeof Now, NULL);
    Expect(Now.CurrentCount == 0 && Now.MaximumCount == 3, "count %ld of %ld", Now.CurrentCount,
        Now.MaximumCount);
    Expect(NtReleaseSemaphore(Semaphore, 0, NULL) == STATUS_INVALID_PARAMETER, "release of 0");
    CloseHandle(Semaphore);
    Expect(CreateSemaphoreA(NULL, 4, 3, NULL) == NULL, "a count above the limit");
}

static void
Timers(void)
{
    HANDLE        Timer = CreateWaitableTimerW(NULL, FALSE, NULL);
    LARGE_INTEGER Due = { .QuadPart = -500000 };            // 50 ms
    DWORD         Start = GetTickCount();

    Promise("A timer is signalled when it is due, again if it is periodic, and not when cancelled");
    Expect(SetWaitableTimer(Timer, &Due, 30, NULL, NULL, FALSE), "set: %lu", GetLastError());
    Expect(WaitForSingleObject(Timer, PATIENCE) == WAIT_OBJECT_0, "not due");
    Expect(GetTickCount() - Start >= 40, "early");
    Expect(WaitForSingleObject(Timer, PATIENCE) == WAIT_OBJECT_0, "not periodic");
    Expect(CancelWaitableTimer(Timer), "cancel");
    WaitForSingleObject(Timer, 0);
    Expect(WaitForSingleObject(Timer, 100) == WAIT_TIMEOUT, "due after cancel");
    CloseHandle(Timer);
}

static VOID NTAPI
Due(PVOID Context, ULONG Low, LONG High)
{
}

/* Sets the shared timer for an APC of its own, again and again; a moment ahead, or at once. */
static DWORD WINAPI
SetsTimer(PVOID Timer)
{
    for (int Index = 0; Index < 20000; Index++) {
        LARGE_INTEGER When = { .QuadPart = -(LONG64)(Index % 3) };

        NtSetTimer(Timer, &When, (PTIMER_APC_ROUTINE)(PVOID)Due, NULL, FALSE, Index % 2, NULL);
        if (Index % 64 == 0)
            SleepEx(0, TRUE);
    }
    return 0;
}

/* References to a thread that has ended, when those that are on their way are gone. */
static ULONG
ReferencesLeft(HANDLE Thread)
{
    OBJECT_BASIC_INFORMATION Basic = { 0 };

    for (int Try = 0; Try < 2000; Try++) {
        NtQueryObject(Thread, EtObjectBasicInformation, &Basic, sizeof Basic, NULL);
        if (Basic.PointerCount <= 2)            // the handle's, and this query's
            break;
        Sleep(10);
    }
    return Basic.PointerCount;
}

static void
ManySetOneTimer(void)
{
    HANDLE Timer, Threads[3];

    Promise("Threads that set one timer at once disarm each other, and no reference to one stays");
    NtCreateTimer(&Timer, TIMER_ALL_ACCESS, NULL, 0);
    for (int Index = 0; Index < 3; Index++)
        Threads[Index] = CreateThread(NULL, 0, SetsTimer, Timer, 0, NULL);
    WaitForMultipleObjects(3, Threads, TRUE, INFINITE);
    NtCancelTimer(Timer, NULL);
    for (int Index = 0; Index < 3; Index++) {
        ULONG Left = ReferencesLeft(Threads[Index]);

        Expect(Left <= 2, "%lu references to a thread that ended", Left);
        CloseHandle(Threads[Index]);
    }
    CloseHandle(Timer);
}

static void
Many(void)
{
    HANDLE Events[4], Too[65];
    DWORD  Index;

    for (Index = 0; Index < 4; Index++)
        Events[Index] = CreateEventA(NULL, FALSE, FALSE, NULL);
    Promise("A wait for any takes the first that is set, and only that");
    SetEvent(Events[2]);
    SetEvent(Events[3]);
    Expect(WaitForMultipleObjects(4, Events, FALSE, 0) == WAIT_OBJECT_0 + 2, "which");
    Expect(WaitForMultipleObjects(4, Events, FALSE, 0) == WAIT_OBJECT_0 + 3, "the other");
    Expect(WaitForMultipleObjects(4, Events, FALSE, 0) == WAIT_TIMEOUT, "nothing left");
    Promise("A wait for all takes all or none");
    for (Index = 0; Index < 3; Index++)
        SetEvent(Events[Index]);
    Expect(WaitForMultipleObjects(4, Events, TRUE, 20) == WAIT_TIMEOUT, "one is not set");
    Expect(WaitForSingleObject(Events[0], 0) == WAIT_OBJECT_0, "the first was taken");
    SetEvent(Events[0]);
    SetEvent(Events[3]);
    Expect(WaitForMultipleObjects(4, Events, TRUE, PATIENCE) == WAIT_OBJECT_0, "all are set");
    Expect(WaitForMultipleObjects(4, Events, FALSE, 0) == WAIT_TIMEOUT, "not taken");
    Promise("A wait for none, for more than 64 or for one twice is refused");
    for (Index = 0; Index < 65; Index++)
        Too[Index] = Events[0];
    Expect(WaitForMultipleObjects(65, Too, FALSE, 0) == WAIT_FAILED, "65");
    Expect(NtWaitForMultipleObjects(0, Events, 1, FALSE, NULL) < 0, "0");
    Expect(NtWaitForMultipleObjects(2, Too, 0, FALSE, NULL) < 0, "the same twice, all");
    for (Index = 0; Index < 4; Index++)
        CloseHandle(Events[Index]);
}

static DWORD WINAPI
Ponger(PVOID Rounds)
{
    for (ULONG_PTR Count = 0; Count < (ULONG_PTR)Rounds; Count++) {
        WaitForSingleObject(Shared, INFINITE);
        SetEvent(Answer);
    }
    return 0;
}

static void
PingPong(void)
{
    HANDLE Thread;
    DWORD  Count;

    Shared = CreateEventA(NULL, FALSE, FALSE, NULL);
    Answer = CreateEventA(NULL, FALSE, FALSE, NULL);
    Thread = CreateThread(NULL, 0, Ponger, (PVOID)2000, 0, NULL);
    Promise("Two threads hand a turn to each other two thousand times");
    for (Count = 0; Count < 2000; Count++)
        if (SignalObjectAndWait(Shared, Answer, PATIENCE, FALSE) != WAIT_OBJECT_0)
            break;
    Expect(Count == 2000, "stopped after %lu", Count);
    Expect(WaitForSingleObject(Thread, PATIENCE) == WAIT_OBJECT_0, "the other has not ended");
    CloseHandle(Thread);
    CloseHandle(Shared);
    CloseHandle(Answer);
}

int
main(void)
{
    Events();
    Mutants();
    Semaphores();
    Timers();
    ManySetOneTimer();
    Many();
    PingPong();
    return Done("tsync");
}
