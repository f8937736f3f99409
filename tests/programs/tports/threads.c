/* Threads at a port: how many work at a time, closing, and a race. */
#include "tports.h"

#define SPINS       300
#define RACE_POSTS  3000

static HANDLE        Go;
static volatile LONG Took, LastError, Sum;

/* Takes one packet and, if its key is not 0, works until Go is set. */
static DWORD WINAPI
Worker(PVOID Parameter)
{
    OVERLAPPED *Overlapped;
    ULONG_PTR   Key = 0;
    DWORD       Bytes;

    SetLastError(0);
    if (GetQueuedCompletionStatus(Port, &Bytes, &Key, &Overlapped, INFINITE))
        InterlockedIncrement(&Took);
    LastError = (LONG)GetLastError();
    while (Key == 1 && WaitForSingleObject(Go, 0) != WAIT_OBJECT_0)
        SwitchToThread();
    if (Key == 2)
        WaitForSingleObject(Go, INFINITE);
    return 0;
}

HANDLE
StartWorker(void)
{
    return CreateThread(NULL, 0, Worker, NULL, 0, NULL);
}

static void
Join(HANDLE Thread)
{
    Expect(WaitForSingleObject(Thread, 30000) == WAIT_OBJECT_0, "a thread does not end");
    CloseHandle(Thread);
}

static void
WaitTook(LONG Wanted)
{
    for (ULONG Turn = 0; Took < Wanted && Turn < 5000; Turn++)
        Sleep(1);
    Expect(Took == Wanted, "%ld threads of %ld have a packet", Took, Wanted);
}

void
Concurrency(void)
{
    HANDLE Threads[3];

    Promise("No more threads work at a time than the port was made for");
    Took = 0;
    Port = NewPort(1);
    Go = CreateEventA(NULL, TRUE, FALSE, NULL);
    for (ULONG Index = 0; Index < 3; Index++)
        Threads[Index] = StartWorker();
    PostQueuedCompletionStatus(Port, 0, 1, NULL);
    WaitTook(1);
    PostQueuedCompletionStatus(Port, 0, 2, NULL);
    for (ULONG Turn = 0; Turn < SPINS; Turn++)
        SwitchToThread();
    Expect(Took == 1, "a second thread works while the first does");

    Promise("A thread that waits, or ends, makes room for another");
    SetEvent(Go);                                       // the first ends
    WaitTook(2);
    ResetEvent(Go);
    PostQueuedCompletionStatus(Port, 0, 0, NULL);       // the second waits, or has ended
    WaitTook(3);
    SetEvent(Go);
    for (ULONG Index = 0; Index < 3; Index++)
        Join(Threads[Index]);
    CloseHandle(Go);
    CloseHandle(Port);
}

void
Closing(void)
{
    ULONG64 Before, Bytes, Irps;
    HANDLE  Threads[3];

    Promise("Closing a port ends the waits at it");
    Took = 0;
    Port = NewPort(0);
    for (ULONG Index = 0; Index < 3; Index++)
        Threads[Index] = StartWorker();
    for (ULONG Turn = 0; Turn < 5; Turn++)
        SwitchToThread();                               // at it or on the way: both must do
    CloseHandle(Port);
    for (ULONG Index = 0; Index < 3; Index++)
        Join(Threads[Index]);
    Expect(Took == 0 && (LastError == ERROR_ABANDONED_WAIT_0 || LastError == ERROR_INVALID_HANDLE),
        "%ld packets, error %ld", Took, LastError);

    Promise("Closing a port, or a file, frees what lies in it");
    PoolTag("IoCp", &Before, &Bytes);
    PoolTag("Irp ", &Irps, &Bytes);
    for (ULONG Round = 0; Round < 50; Round++) {
        Port = NewPort(0);
        File = OpenWithPort(L"\\??\\XferBuffered\\", 0x77);
        for (ULONG Index = 0; Index < 10; Index++) {
            PostQueuedCompletionStatus(Port, 0, 0, NULL);
            Control(XFER_END, &Iosb, STATUS_SUCCESS, 0);
        }
        Control(XFER_PEND, &Iosb, 0, 0);
        CloseHandle(Round & 1 ? Port : File);           // the pended one ends at CLEANUP
        CloseHandle(Round & 1 ? File : Port);
    }
    ExpectTag("IoCp", Before);
    ExpectTag("Irp ", Irps + 600);
}

static DWORD WINAPI
Poster(PVOID Parameter)
{
    for (LONG Index = 1; Index <= RACE_POSTS; Index++)
        PostQueuedCompletionStatus(Port, 0, (ULONG_PTR)Index, NULL);
    return 0;
}

static DWORD WINAPI
Taker(PVOID Parameter)
{
    OVERLAPPED *Overlapped;
    ULONG_PTR   Key;
    DWORD       Bytes;

    while (GetQueuedCompletionStatus(Port, &Bytes, &Key, &Overlapped, INFINITE) && Key != 0)
        InterlockedExchangeAdd(&Sum, (LONG)Key);
    return 0;
}

void
Race(void)
{
    HANDLE Posters[3], Takers[4];

    Promise("Many threads leave and take packets; none is lost or taken twice");
    Sum = 0;
    Port = NewPort(0);
    for (ULONG Index = 0; Index < 4; Index++)
        Takers[Index] = CreateThread(NULL, 0, Taker, NULL, 0, NULL);
    for (ULONG Index = 0; Index < 3; Index++)
        Posters[Index] = CreateThread(NULL, 0, Poster, NULL, 0, NULL);
    for (ULONG Index = 0; Index < 3; Index++)
        Join(Posters[Index]);
    for (ULONG Index = 0; Index < 4; Index++)
        PostQueuedCompletionStatus(Port, 0, 0, NULL);
    for (ULONG Index = 0; Index < 4; Index++)
        Join(Takers[Index]);
    Expect(Sum == 3 * RACE_POSTS * (RACE_POSTS + 1) / 2, "the sum is %ld", Sum);
    CloseHandle(Port);
}
