/*
 * Byte range locks of files on the RAM disk: which go together, which reads they stop, waiting for
 * one, and every way to lose them: unlocking, closing, the end of a process. What is expected is
 * computed from the documented rule.
 */
#include "sdk/ntapi.h"
#include "user/lib/testing.h"
#include <stdio.h>
#include <string.h>

#define FILE_NAME   "\\SystemRoot\\System32\\ntdll.dll"
#define WAITERS     4
#define ROUNDS      100
#define GRANTED     STATUS_SUCCESS
#define REFUSED     STATUS_LOCK_NOT_GRANTED

static HANDLE          Files[2];                // two opens of one file, synchronous
static IO_STATUS_BLOCK Iosb;

static HANDLE
Open(DWORD Flags)
{
    return CreateFileA(FILE_NAME, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, Flags, NULL);
}

static NTSTATUS
Lock(HANDLE File, ULONG64 Offset, ULONG64 Length, ULONG Key, BOOL Exclusive)
{
    LARGE_INTEGER From = { .QuadPart = (LONG64)Offset }, Bytes = { .QuadPart = (LONG64)Length };

    return NtLockFile(File, NULL, NULL, NULL, &Iosb, &From, &Bytes, Key, TRUE, (BOOLEAN)Exclusive);
}

static NTSTATUS
Unlock(HANDLE File, ULONG64 Offset, ULONG64 Length, ULONG Key)
{
    LARGE_INTEGER From = { .QuadPart = (LONG64)Offset }, Bytes = { .QuadPart = (LONG64)Length };

    return NtUnlockFile(File, &Iosb, &From, &Bytes, Key);
}

static NTSTATUS
Read(HANDLE File, ULONG64 Offset, ULONG Length, ULONG Key)
{
    LARGE_INTEGER From = { .QuadPart = (LONG64)Offset };
    UCHAR         Data[128];

    return NtReadFile(File, NULL, NULL, NULL, &Iosb, Data, Length, &From, &Key);
}

/* Against a lock of 100 bytes from 1000 on, by the first file with key 1. */
static const struct { ULONG64 Offset; ULONG Length; BOOL Overlaps; } Ranges[] = {
    { 1000, 100, TRUE }, { 900, 100, FALSE }, { 900, 101, TRUE }, { 1100, 1, FALSE },
    { 1099, 1, TRUE }, { 1040, 20, TRUE }, { 950, 120, TRUE }, { 0, 10, FALSE },
};

static void
Pair(ULONG Range, BOOL First, BOOL Second, ULONG Which, ULONG Key)
{
    BOOL     Own = Which == 0 && Key == 1;
    BOOL     Fits = !Ranges[Range].Overlaps || (!Second && (!First || Own));
    BOOL     Reads = !Ranges[Range].Overlaps || !First || Own;
    NTSTATUS Status;

    Expect(Lock(Files[0], 1000, 100, 1, First) == GRANTED, "the first lock");
    Status = Read(Files[Which], Ranges[Range].Offset, Ranges[Range].Length, Key);
    Expect(Status == (Reads ? STATUS_SUCCESS : STATUS_FILE_LOCK_CONFLICT),
        "read of range %lu under %s lock, file %lu, key %lu: 0x%08lX", Range,
        First ? "an exclusive" : "a shared", Which, Key, (ULONG)Status);
    Status = Lock(Files[Which], Ranges[Range].Offset, Ranges[Range].Length, Key, Second);
    Expect(Status == (Fits ? GRANTED : REFUSED), "range %lu, exclusive %d then %d, file %lu, key "
        "%lu: 0x%08lX", Range, First, Second, Which, Key, (ULONG)Status);
    if (NT_SUCCESS(Status))
        Expect(Unlock(Files[Which], Ranges[Range].Offset, Ranges[Range].Length, Key)
            == STATUS_SUCCESS, "unlock the second");
    Expect(Unlock(Files[0], 1000, 100, 1) == STATUS_SUCCESS, "unlock the first");
}

static void
Pairs(void)
{
    Promise("Two locks, and a read under a lock: each range, kind, file and key");
    for (ULONG Range = 0; Range < ARRAYSIZE(Ranges); Range++)
        for (ULONG Kinds = 0; Kinds < 4; Kinds++)
            for (ULONG Owner = 0; Owner < 4; Owner++)
                Pair(Range, Kinds & 1, Kinds >> 1, Owner & 1, 1 + (Owner >> 1));
}

static void
Unlocks(void)
{
    Promise("A lock is given up by its owner, with its range, and nothing else");
    Expect(Unlock(Files[0], 0, 10, 0) == STATUS_RANGE_NOT_LOCKED, "none is there");
    Lock(Files[0], 1000, 100, 1, TRUE);
    Expect(Unlock(Files[0], 1000, 99, 1) == STATUS_RANGE_NOT_LOCKED, "a shorter range");
    Expect(Unlock(Files[0], 1001, 99, 1) == STATUS_RANGE_NOT_LOCKED, "a later range");
    Expect(Unlock(Files[0], 1000, 100, 2) == STATUS_RANGE_NOT_LOCKED, "another key");
    Expect(Unlock(Files[1], 1000, 100, 1) == STATUS_RANGE_NOT_LOCKED, "another file");
    Expect(Lock(Files[0], 1000, 100, 1, FALSE) == GRANTED, "a shared one over one's own");
    Expect(Unlock(Files[0], 1000, 100, 1) == STATUS_SUCCESS
        && Read(Files[1], 1000, 10, 0) == STATUS_SUCCESS, "the exclusive one does not go first");
    Expect(Lock(Files[1], 1000, 100, 0, TRUE) == REFUSED, "the shared one is gone too");
    Expect(Unlock(Files[0], 1000, 100, 1) == STATUS_SUCCESS
        && Unlock(Files[0], 1000, 100, 1) == STATUS_RANGE_NOT_LOCKED, "the second unlock");
    Expect(Lock(Files[0], 0, (ULONG64)-1, 0, TRUE) == GRANTED, "everything");
    Expect(Lock(Files[1], 0x7FFFFFFF00000000, 1, 0, FALSE) == REFUSED, "behind the file's end");
    Expect(Unlock(Files[0], 0, (ULONG64)-1, 0) == STATUS_SUCCESS, "unlock everything");
    Expect(Lock(Files[0], 0x7FFFFFFFFFFFFFFF, 0x8000000000000002, 0, TRUE)
        == STATUS_INVALID_LOCK_RANGE, "a range beyond the last byte");
}

static void
BadArguments(void)
{
    static const ULONG_PTR Bad[] = { 0, 0x6660000, 0xFFFFF80000401000, 0x0000800000000000 };
    LARGE_INTEGER          Zero = { .QuadPart = 0 }, One = { .QuadPart = 1 };
    HANDLE                 Weak = NULL, Device, Folder;

    Promise("Bad pointers, handles and rights are refused, and lock nothing");
    for (ULONG Index = 0; Index < ARRAYSIZE(Bad); Index++) {
        PVOID P = (PVOID)Bad[Index];

        Expect(NtLockFile(Files[0], NULL, NULL, NULL, P, &Zero, &One, 0, TRUE, TRUE)
            == STATUS_ACCESS_VIOLATION, "lock, status block at %p", P);
        Expect(NtLockFile(Files[0], NULL, NULL, NULL, &Iosb, P, &One, 0, TRUE, TRUE)
            == STATUS_ACCESS_VIOLATION, "lock, offset at %p", P);
        Expect(NtLockFile(Files[0], NULL, NULL, NULL, &Iosb, &Zero, P, 0, TRUE, TRUE)
            == STATUS_ACCESS_VIOLATION, "lock, length at %p", P);
        Expect(NtUnlockFile(Files[0], P, &Zero, &One, 0) == STATUS_ACCESS_VIOLATION, "unlock %p",
            P);
        Expect(NtUnlockFile(Files[0], &Iosb, P, &One, 0) == STATUS_ACCESS_VIOLATION, "offset");
        Expect(NtUnlockFile(Files[0], &Iosb, &Zero, P, 0) == STATUS_ACCESS_VIOLATION, "length");
    }
    NtDuplicateObject(NtCurrentProcess(), Files[0], NtCurrentProcess(), &Weak,
        FILE_READ_ATTRIBUTES | SYNCHRONIZE, 0, 0);
    Expect(Lock(Weak, 0, 1, 0, TRUE) == STATUS_ACCESS_DENIED, "a lock without the right");
    Expect(Unlock(Weak, 0, 1, 0) == STATUS_ACCESS_DENIED, "an unlock without the right");
    Expect(Unlock(Files[0], 0, 1, 0) == STATUS_RANGE_NOT_LOCKED, "something is locked");
    CloseHandle(Weak);
    Expect(Lock(Weak, 0, 1, 0, TRUE) == STATUS_INVALID_HANDLE, "a closed handle");
    Device = CreateFileA("NUL", GENERIC_READ, 7, NULL, OPEN_EXISTING, 0, NULL);
    Expect(Lock(Device, 0, 1, 0, TRUE) == STATUS_INVALID_DEVICE_REQUEST, "a device");
    CloseHandle(Device);
    Folder = CreateFileA("\\SystemRoot\\System32", GENERIC_READ, 7, NULL, OPEN_EXISTING,
        FILE_FLAG_BACKUP_SEMANTICS, NULL);
    Expect(Lock(Folder, 0, 1, 0, TRUE) == STATUS_INVALID_PARAMETER, "a directory");
    CloseHandle(Folder);
}

static NTSTATUS
WaitFor(HANDLE File, HANDLE Event, PIO_STATUS_BLOCK Own, BOOLEAN Exclusive)
{
    static LARGE_INTEGER From = { .QuadPart = 0 }, Bytes = { .QuadPart = 10 };

    return NtLockFile(File, Event, NULL, NULL, Own, &From, &Bytes, 0, FALSE, Exclusive);
}

static BOOL
IsSet(HANDLE Event)
{
    return WaitForSingleObject(Event, 0) == WAIT_OBJECT_0;
}

static void
Waits(void)
{
    HANDLE          Waiting[WAITERS], Events[WAITERS];
    IO_STATUS_BLOCK Own[WAITERS], Cancel;

    Promise("Locks that wait are granted in their order, as soon as they can be");
    Lock(Files[0], 0, 10, 0, TRUE);
    for (ULONG Index = 0; Index < WAITERS; Index++) {       // shared, shared, exclusive, shared
        Waiting[Index] = Open(FILE_FLAG_OVERLAPPED);
        Events[Index] = CreateEventA(NULL, TRUE, FALSE, NULL);
        Expect(WaitFor(Waiting[Index], Events[Index], &Own[Index], Index == 2) == STATUS_PENDING,
            "waiter %lu does not wait", Index);
    }
    Expect(!IsSet(Events[0]) && Unlock(Files[0], 0, 10, 0) == STATUS_SUCCESS, "unlock");
    Expect(IsSet(Events[0]) && IsSet(Events[1]) && !IsSet(Events[2]) && IsSet(Events[3]),
        "not just the shared ones are granted");
    Expect(Own[0].Status == STATUS_SUCCESS && Own[3].Status == STATUS_SUCCESS, "their statuses");
    Unlock(Waiting[0], 0, 10, 0);
    Unlock(Waiting[3], 0, 10, 0);
    Expect(!IsSet(Events[2]), "the exclusive one is granted beside a shared one");
    CloseHandle(Waiting[1]);
    Expect(IsSet(Events[2]) && Own[2].Status == STATUS_SUCCESS, "closing the last does not help");

    Promise("A lock that waits can be cancelled, and ends when its file is closed");
    Expect(WaitFor(Waiting[0], Events[0], &Own[0], TRUE) == STATUS_PENDING, "wait");
    Expect(WaitFor(Waiting[3], Events[3], &Own[3], TRUE) == STATUS_PENDING, "wait");
    Expect(NtCancelIoFile(Waiting[0], &Cancel) == STATUS_SUCCESS && IsSet(Events[0])
        && Own[0].Status == STATUS_CANCELLED && !IsSet(Events[3]), "cancel: 0x%08lX",
        (ULONG)Own[0].Status);
    CloseHandle(Waiting[3]);
    Expect(IsSet(Events[3]) && Own[3].Status == STATUS_RANGE_NOT_LOCKED, "close: 0x%08lX",
        (ULONG)Own[3].Status);
    Expect(Unlock(Waiting[2], 0, 10, 0) == STATUS_SUCCESS, "the lock that was there");
    CloseHandle(Waiting[0]);
    CloseHandle(Waiting[2]);
    for (ULONG Index = 0; Index < WAITERS; Index++)
        CloseHandle(Events[Index]);
}

/* In a process of its own, with the number of a handle it has inherited; -: of an event. */
static int
Child(const char *Argument)
{
    BOOL    Waits = *Argument == '-';
    HANDLE  File = NULL;
    ULONG64 Value = 0;

    for (Argument += Waits; *Argument; Argument++)
        Value = Value * 10 + (ULONG64)(*Argument - '0');
    File = (HANDLE)Value;
    if (Waits) {
        SetEvent(File);
        return WaitFor(Open(0), NULL, &Iosb, TRUE) == GRANTED ? 9 : 10;
    }
    return Lock(File, 50, 10, 0, TRUE) == GRANTED && Lock(File, 70, 10, 0, FALSE) == GRANTED
        ? 7 : 8;
}

static BOOL
Start(const char *Prefix, HANDLE Handle, LPPROCESS_INFORMATION Process)
{
    STARTUPINFOA Startup = { .cb = sizeof Startup };
    char         Line[80];

    sprintf(Line, "tlocks %s%llu", Prefix, (ULONG64)Handle);
    return CreateProcessA(NULL, Line, NULL, NULL, TRUE, 0, NULL, NULL, &Startup, Process);
}

/* The end of a process that waits for a lock; sooner or later than it begins to wait. */
static void
Killed(void)
{
    SECURITY_ATTRIBUTES Security = { sizeof Security, NULL, TRUE };
    HANDLE              Event = CreateEventA(&Security, FALSE, FALSE, NULL);
    PROCESS_INFORMATION Process;

    Promise("A process that waits for a lock can be ended, and leaves nothing of its wait");
    Lock(Files[0], 0, 10, 0, TRUE);
    for (ULONG Round = 0; Round < 4; Round++) {
        Expect(Start("-", Event, &Process), "run");
        WaitForSingleObject(Event, INFINITE);
        for (ULONG Turn = 0; Turn < 20 * Round; Turn++)
            SwitchToThread();
        TerminateProcess(Process.hProcess, 1);
        WaitForSingleObject(Process.hProcess, INFINITE);
        CloseHandle(Process.hThread);
        CloseHandle(Process.hProcess);
    }
    Expect(Unlock(Files[0], 0, 10, 0) == STATUS_SUCCESS && Lock(Files[1], 0, 10, 0, TRUE)
        == GRANTED && Unlock(Files[1], 0, 10, 0) == STATUS_SUCCESS, "somebody has the lock");
    CloseHandle(Event);
}

static void
OtherProcesses(void)
{
    SECURITY_ATTRIBUTES Security = { sizeof Security, NULL, TRUE };
    PROCESS_INFORMATION Process;
    DWORD               Code = 0;
    HANDLE              File = CreateFileA(FILE_NAME, GENERIC_READ, FILE_SHARE_READ, &Security,
        OPEN_EXISTING, 0, NULL);

    Promise("A process loses its locks with its last handle, though others have the file open");
    Lock(File, 200, 10, 0, TRUE);
    Expect(Start("", File, &Process), "run");
    WaitForSingleObject(Process.hProcess, INFINITE);
    GetExitCodeProcess(Process.hProcess, &Code);
    Expect(Code == 7, "the other process gets no lock");
    Expect(Lock(Files[1], 50, 10, 0, TRUE) == GRANTED && Unlock(Files[1], 50, 10, 0)
        == STATUS_SUCCESS, "its lock is still there");
    Expect(Lock(Files[1], 200, 10, 0, TRUE) == REFUSED, "this process' lock is gone");
    CloseHandle(File);
    Expect(Lock(Files[1], 200, 10, 0, TRUE) == GRANTED && Unlock(Files[1], 200, 10, 0)
        == STATUS_SUCCESS, "a closed file's lock is still there");
    CloseHandle(Process.hThread);
    CloseHandle(Process.hProcess);
}

static volatile ULONG Inside, Total;

/* Adds to Total without any other guard than the lock. */
static DWORD WINAPI
Race(PVOID Parameter)
{
    HANDLE          File = Open(0);
    IO_STATUS_BLOCK Own;

    for (ULONG Round = 0; Round < ROUNDS; Round++) {
        ULONG Before;

        if (WaitFor(File, NULL, &Own, TRUE) != STATUS_SUCCESS || InterlockedIncrement(
                (volatile LONG *)&Inside) != 1)
            return 1;
        Before = Total;
        if (Round % 4 == 0)
            SwitchToThread();
        Total = Before + 1;
        InterlockedDecrement((volatile LONG *)&Inside);
        if (Unlock(File, 0, 10, 0) != STATUS_SUCCESS)
            return 2;
    }
    CloseHandle(File);
    return 0;
}

/* Waits for the lock, and gives up waiting at any moment: by cancelling, or closing the file. */
static DWORD WINAPI
GiveUp(PVOID Parameter)
{
    HANDLE Event = CreateEventA(NULL, TRUE, FALSE, NULL);
    ULONG  Random = (ULONG)(ULONG_PTR)Parameter + 1;

    for (ULONG Round = 0; Round < 4 * ROUNDS; Round++) {
        HANDLE          File = Open(FILE_FLAG_OVERLAPPED);
        IO_STATUS_BLOCK Own = { { .Status = STATUS_PENDING }, 0 }, Cancel;

        Random = Random * 1103515245 + 12345;
        if (WaitFor(File, Event, &Own, (Random >> 16) % 4 != 0) < 0)
            return 1;
        if ((Random >> 20) % 4 == 0)
            SwitchToThread();
        if ((Random >> 24) & 1)
            NtCancelIoFile(File, &Cancel);
        CloseHandle(File);
        WaitForSingleObject(Event, INFINITE);
        if (Own.Status != STATUS_SUCCESS && Own.Status != STATUS_CANCELLED
            && Own.Status != STATUS_RANGE_NOT_LOCKED)
            return 2;
    }
    CloseHandle(Event);
    return 0;
}

static void
Races(const char *Sentence, LPTHREAD_START_ROUTINE Routine)
{
    HANDLE Threads[WAITERS];
    DWORD  Code;

    Promise(Sentence);
    for (ULONG Index = 0; Index < WAITERS; Index++)
        Threads[Index] = CreateThread(NULL, 0, Routine, (PVOID)(ULONG_PTR)Index, 0, NULL);
    for (ULONG Index = 0; Index < WAITERS; Index++) {
        WaitForSingleObject(Threads[Index], INFINITE);
        GetExitCodeThread(Threads[Index], &Code);
        Expect(Code == 0, "thread %lu ends with %lu", Index, Code);
        CloseHandle(Threads[Index]);
    }
    Expect(Total == WAITERS * ROUNDS && Inside == 0, "%lu times", Total);
}

int
main(int Count, char **Arguments)
{
    ULONG64 Before, Bytes;

    if (Count > 1)
        return Child(Arguments[1]);
    Files[0] = Open(0);
    Files[1] = Open(0);
    Lock(Files[0], 0, 1, 0, TRUE);              // the file has a block for its locks from now on
    Unlock(Files[0], 0, 1, 0);
    PoolTag("Disk", &Before, &Bytes);
    Pairs();
    Unlocks();
    BadArguments();
    Waits();
    OtherProcesses();
    Killed();
    Races("Threads that wait for one lock have it one after the other", Race);
    Races("Waiting for a lock against cancelling it, closing the file, and getting it", GiveUp);
    Promise("No lock is left");
    ExpectTag("Disk", Before);
    Expect(Lock(Files[0], 0, (ULONG64)-1, 0, TRUE) == GRANTED, "not everything can be locked");
    return Done("tlocks");
}
