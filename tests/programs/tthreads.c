/*
 * Threads: their results, suspension, APCs, TLS of both kinds, many at once; locks between them;
 * and SSE registers that stay a thread's own while threads take turns on the processors.
 */
#include "sdk/ntapi.h"
#include "user/lib/testing.h"
#include <stdio.h>
#include <string.h>
#include <emmintrin.h>

#define THREADS     24
#define ROUNDS      20000

static __declspec(thread) ULONG Own = 17;
static volatile LONG Wrong, Sum;
static volatile LONG Running;
static LONG Plain;
static CRITICAL_SECTION Lock;
static volatile LONG ApcCalls;

static DWORD WINAPI
ReturnIt(PVOID Value)
{
    return (DWORD)(ULONG_PTR)Value;
}

static DWORD WINAPI
CountUp(PVOID Ignored)
{
    for (;;) {
        InterlockedIncrement(&Running);
        Sleep(1);
    }
}

static void
Results(void)
{
    HANDLE Thread = CreateThread(NULL, 0, ReturnIt, (PVOID)0x12345, 0, NULL);
    DWORD  Code = 0;
    LONG   Seen, Tries = 0;

    Promise("A thread's result is its exit code, and its handle is signalled");
    Expect(WaitForSingleObject(Thread, 60000) == WAIT_OBJECT_0, "not signalled");
    Expect(GetExitCodeThread(Thread, &Code) && Code == 0x12345, "code 0x%lx", Code);
    CloseHandle(Thread);

    Promise("A suspended thread does not run; a resumed one does; a terminated one ends");
    Thread = CreateThread(NULL, 0, CountUp, NULL, CREATE_SUSPENDED, NULL);
    Sleep(50);
    Expect(Running == 0, "ran before it was resumed");
    Expect(ResumeThread(Thread) == 1, "resume");
    for (int Try = 0; Try < 3000 && Running == 0; Try++)
        Sleep(10);
    Expect(Running > 0, "does not run");
    Expect(SuspendThread(Thread) == 0, "suspend");
    do {                                        // its processor may take a while to hear of it
        Seen = Running;
        Sleep(50);
    } while (Running != Seen && ++Tries < 100);
    Sleep(100);
    Expect(Running == Seen, "ran while suspended");
    Expect(TerminateThread(Thread, 99), "terminate: %lu", GetLastError());
    Expect(WaitForSingleObject(Thread, 60000) == WAIT_OBJECT_0, "did not end");
    Expect(GetExitCodeThread(Thread, &Code) && Code == 99, "code %lu", Code);
    CloseHandle(Thread);
}

static void CALLBACK
Apc(ULONG_PTR Value)
{
    InterlockedExchangeAdd(&ApcCalls, (LONG)Value);
}

static void
Apcs(void)
{
    Promise("A user APC runs in an alertable wait, and only there");
    Expect(QueueUserAPC(Apc, GetCurrentThread(), 5), "queue: %lu", GetLastError());
    Sleep(20);
    Expect(ApcCalls == 0, "ran in a wait that was not alertable");
    Expect(SleepEx(60000, TRUE) == WAIT_IO_COMPLETION, "the wait went on");
    Expect(ApcCalls == 5, "ran %ld times five", ApcCalls / 5);
}

static DWORD WINAPI
UseTls(PVOID Parameter)
{
    ULONG Slot = (ULONG)(ULONG_PTR)Parameter;

    if (Own != 17 || TlsGetValue(Slot) != NULL)
        InterlockedIncrement(&Wrong);
    Own = GetCurrentThreadId();
    TlsSetValue(Slot, &Own);
    for (int Count = 0; Count < 20; Count++) {
        Sleep(1);
        if (Own != GetCurrentThreadId() || TlsGetValue(Slot) != &Own)
            InterlockedIncrement(&Wrong);
    }
    return 0;
}

/* Starts THREADS threads of Routine and waits for all. */
static BOOL
RunMany(LPTHREAD_START_ROUTINE Routine, PVOID Parameter)
{
    HANDLE Threads[THREADS];
    DWORD  Started = 0, Result;

    for (; Started < THREADS; Started++) {
        Threads[Started] = CreateThread(NULL, 0, Routine,
            Parameter ? Parameter : (PVOID)(ULONG_PTR)Started, 0, NULL);
        if (Threads[Started] == NULL)
            break;
    }
    Result = WaitForMultipleObjects(Started, Threads, TRUE, 60000);
    for (DWORD Index = 0; Index < Started; Index++)
        CloseHandle(Threads[Index]);
    return Started == THREADS && Result == WAIT_OBJECT_0;
}

static DWORD WINAPI
AddUnderLock(PVOID Ignored)
{
    for (int Count = 0; Count < 1000; Count++) {
        EnterCriticalSection(&Lock);
        EnterCriticalSection(&Lock);
        Plain++;
        LeaveCriticalSection(&Lock);
        if (Count % 100 == 0)
            SwitchToThread();
        LeaveCriticalSection(&Lock);
        InterlockedIncrement(&Sum);
    }
    return 0;
}

/* Keeps twelve vector registers and the rounding mode busy with values of its own. */
static DWORD WINAPI
KeepVectors(PVOID Parameter)
{
    ULONG   Number = (ULONG)(ULONG_PTR)Parameter + 1;
    ULONG   Csr = 0x1F80 | (Number & 3) << 13, Now;
    __m128i A = _mm_set1_epi32((int)Number), B = _mm_set1_epi32((int)(Number * 3));
    __m128i X[6] = { A, B, A, B, A, B };

    _mm_setcsr(Csr);
    for (ULONG Round = 1; Round <= ROUNDS; Round++) {
        for (int Index = 0; Index < 6; Index++)
            X[Index] = _mm_add_epi32(X[Index], Index & 1 ? B : A);
        if (Round % 1000 == 0)
            SwitchToThread();
        Now = _mm_getcsr();
        if ((Now & 0x6000) != (Csr & 0x6000))
            InterlockedIncrement(&Wrong);
    }
    for (int Index = 0; Index < 6; Index++) {
        ULONG Each = Index & 1 ? Number * 3 : Number;

        if ((ULONG)_mm_cvtsi128_si32(X[Index]) != Each * (ROUNDS + 1))
            InterlockedIncrement(&Wrong);
    }
    return 0;
}

static DWORD WINAPI
KeepFpu(PVOID Parameter)
{
    double Step = (double)((ULONG_PTR)Parameter + 1), Total = 0;

    for (int Round = 0; Round < ROUNDS; Round++) {
        Total += Step / 2;
        if (Round % 1000 == 0)
            SwitchToThread();
    }
    if (Total != Step / 2 * ROUNDS)
        InterlockedIncrement(&Wrong);
    return 0;
}

static void
Many(void)
{
    ULONG Before, Slot = TlsAlloc();

    Promise("__declspec(thread) variables and TlsAlloc slots are a thread's own");
    Expect(RunMany(UseTls, (PVOID)(ULONG_PTR)Slot), "the threads did not end");
    Expect(Wrong == 0, "%ld mix-ups", Wrong);

    Before = HandleCount();
    InitializeCriticalSection(&Lock);
    Promise("A critical section lets one thread in at a time");
    Expect(RunMany(AddUnderLock, NULL), "the threads did not end");
    Expect(Plain == THREADS * 1000 && Sum == THREADS * 1000, "%ld and %ld", Plain, Sum);
    DeleteCriticalSection(&Lock);

    Promise("Vector registers and the rounding mode survive thread switches");
    Wrong = 0;
    Expect(RunMany(KeepVectors, NULL), "the threads did not end");
    Expect(Wrong == 0, "%ld mix-ups", Wrong);
    Promise("Doubles survive thread switches");
    Expect(RunMany(KeepFpu, NULL), "the threads did not end");
    Expect(Wrong == 0, "%ld mix-ups", Wrong);
    Promise("Threads that have ended leave no handle behind");
    Expect(HandleCount() == Before, "%lu handles became %lu", Before, HandleCount());
}

static volatile LONG Allocations;

static DWORD WINAPI
AllocateForEver(PVOID Parameter)
{
    for (;;) {
        HeapFree(GetProcessHeap(), 0, HeapAlloc(GetProcessHeap(), 0, 100));
        InterlockedIncrement(&Allocations);
    }
}

/* What a DLL's DllMain may do, a TLS callback may: allocate, while the process ends. */
static VOID NTAPI
AllocateAtEnd(PVOID Module, DWORD Reason, PVOID Reserved)
{
    if (Reason == DLL_PROCESS_DETACH && Allocations != 0)
        HeapFree(GetProcessHeap(), 0, HeapAlloc(GetProcessHeap(), 0, 100));
}

__attribute__((section(".CRT$XLB"), used))
static const PIMAGE_TLS_CALLBACK Callback = AllocateAtEnd;

/* The child: ends while its threads are in the heap. */
static int
EndAmongAllocations(void)
{
    for (int Index = 0; Index < 4; Index++)
        CreateThread(NULL, 0, AllocateForEver, NULL, 0, NULL);
    while (Allocations < 100)
        Sleep(0);
    return 42;
}

static DWORD WINAPI
CountForEver(PVOID Parameter)
{
    for (;;)
        Allocations++;
}

/*
 * The child: whether its threads still run when they have been ended. One may have been beginning,
 * with the loader lock, so there is no way out but the service.
 */
static DECLSPEC_NORETURN void
CountAfterEnd(void)
{
    LONG Before;

    for (int Index = 0; Index < 4; Index++)
        CreateThread(NULL, 0, CountForEver, NULL, 0, NULL);
    while (Allocations < 1000)
        Sleep(0);
    NtTerminateProcess(NULL, 7);
    Before = Allocations;
    for (int Index = 0; Index < 200000; Index++)
        YieldProcessor();
    NtTerminateProcess(NtCurrentProcess(), Allocations == Before ? 42 : 1);
    __builtin_unreachable();
}

static void
Ends(void)
{
    Promise("A process' other threads do not run any more when it has ended them");
    for (int Round = 0; Round < 10; Round++)
        Expect(RunProgram("tthreads count") == 42, "round %d", Round);
    Promise("A process that ends while its threads are in the heap has the heap to itself");
    for (int Round = 0; Round < 40; Round++)
        Expect(RunProgram("tthreads end") == 42, "round %d", Round);
}

int
main(int Count, char **Arguments)
{
    if (Count > 1 && strcmp(Arguments[1], "count") == 0)
        CountAfterEnd();
    if (Count > 1)
        return EndAmongAllocations();
    MeetAtLocks();
    Results();
    Apcs();
    Many();
    Ends();
    return Done("tthreads");
}
