/*
 * Two threads that race for handles and names, each ROUNDS times in each race, and a process with a
 * million handles:
 *
 *     tobrace ROUNDS       all of it, then whether every handle and every block is given back
 *     tobrace many COUNT   what the former starts: opens COUNT handles and ends with them open
 */
#include "sdk/ntapi.h"
#include "user/lib/testing.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ULONG           Rounds;
static HANDLE volatile Shared;
static volatile LONG   Done1, Wrong;
static NTSTATUS        FirstWrong;

static BOOL
Known(NTSTATUS Status, NTSTATUS Other)
{
    if (Status >= 0 || Status == Other)
        return TRUE;
    if (InterlockedIncrement(&Wrong) == 1)
        FirstWrong = Status;
    return FALSE;
}

static POBJECT_ATTRIBUTES
RaceName(ULONG Attributes, POBJECT_ATTRIBUTES Block, PUNICODE_STRING String)
{
    RtlInitUnicodeString(String, L"\\BaseNamedObjects\\TobRace");
    InitializeObjectAttributes(Block, String, Attributes, NULL, NULL);
    return Block;
}

/* Creates or opens the one name, and closes it: often it goes with that. */
static DWORD WINAPI
OpenClose(PVOID Context)
{
    OBJECT_ATTRIBUTES Block;
    UNICODE_STRING    String;
    HANDLE            Handle;

    RaceName(OBJ_OPENIF, &Block, &String);
    for (ULONG Round = 0; Round < Rounds; Round++) {
        NTSTATUS Status = (Round & 1) ? NtOpenEvent(&Handle, EVENT_ALL_ACCESS, &Block)
            : NtCreateEvent(&Handle, EVENT_ALL_ACCESS, &Block, 0, FALSE);

        Known(Status, (Round & 1) ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_SUCCESS);
        if (Status >= 0)
            Known(NtClose(Handle), STATUS_SUCCESS);
    }
    return 0;
}

/* Duplicates the shared handle, puts the copy in its place and closes what was there. */
static DWORD WINAPI
DuplicateClose(PVOID Context)
{
    HANDLE Copy;

    for (ULONG Round = 0; Round < Rounds; Round++) {
        NTSTATUS Status = NtDuplicateObject(NtCurrentProcess(), Shared, NtCurrentProcess(), &Copy,
            0, 0, DUPLICATE_SAME_ACCESS);

        Known(Status, STATUS_INVALID_HANDLE);
        if (Status >= 0)
            Known(NtClose(InterlockedExchangePointer((PVOID volatile *)&Shared, Copy)),
                STATUS_SUCCESS);
    }
    return 0;
}

/* Makes events and deletes them ... */
static DWORD WINAPI
MakeDelete(PVOID Context)
{
    HANDLE Handle;

    for (ULONG Round = 0; Round < Rounds; Round++) {
        Known(NtCreateEvent(&Handle, EVENT_ALL_ACCESS, NULL, 0, FALSE), STATUS_SUCCESS);
        Shared = Handle;
        Known(NtClose(Handle), STATUS_SUCCESS);
    }
    Done1 = 1;
    return 0;
}

/* ... while they are looked up. */
static DWORD WINAPI
LookUp(PVOID Context)
{
    while (!Done1)
        Known(NtSetEvent(Shared, NULL), STATUS_INVALID_HANDLE);
    return 0;
}

static void
Race(const char *Sentence, LPTHREAD_START_ROUTINE First, LPTHREAD_START_ROUTINE Second)
{
    HANDLE Threads[2];

    Promise(Sentence);
    Wrong = Done1 = 0;
    Threads[0] = CreateThread(NULL, 0, First, NULL, 0, NULL);
    Threads[1] = CreateThread(NULL, 0, Second, NULL, 0, NULL);
    WaitForMultipleObjects(2, Threads, TRUE, INFINITE);
    CloseHandle(Threads[0]);
    CloseHandle(Threads[1]);
    Expect(Wrong == 0, "%ld calls failed, the first with 0x%08lX", Wrong, (ULONG)FirstWrong);
}

static void
Races(void)
{
    OBJECT_BASIC_INFORMATION Basic = { 0 };
    OBJECT_ATTRIBUTES        Block;
    UNICODE_STRING           String;
    HANDLE                   Handle;
    NTSTATUS                 Status;

    Race("Opens race closes of the last handle: the name is found or not, and gone at the end",
        OpenClose, OpenClose);
    Status = NtOpenEvent(&Handle, EVENT_ALL_ACCESS, RaceName(0, &Block, &String));
    Expect(Status == STATUS_OBJECT_NAME_NOT_FOUND, "the name: 0x%08lX", (ULONG)Status);

    NtCreateEvent(&Handle, EVENT_ALL_ACCESS, NULL, 0, FALSE);
    Shared = Handle;
    Race("Duplicates race closes of their source: one handle and one reference are left",
        DuplicateClose, DuplicateClose);
    NtQueryObject(Shared, EtObjectBasicInformation, &Basic, sizeof Basic, NULL);
    Expect(Basic.HandleCount == 1 && Basic.PointerCount == 1, "%lu handles, %lu pointers",
        Basic.HandleCount, Basic.PointerCount);
    NtClose(Shared);

    Race("Lookups race deletes: a stale handle is refused", MakeDelete, LookUp);
}

static int
OpenMany(ULONG Count)
{
    PUCHAR Seen = VirtualAlloc(NULL, Count, MEM_COMMIT, PAGE_READWRITE);
    HANDLE Event, Copy;

    NtCreateEvent(&Event, EVENT_ALL_ACCESS, NULL, 0, FALSE);
    for (ULONG Index = 0; Index < Count; Index++) {
        ULONG_PTR Bit;

        if (NtDuplicateObject(NtCurrentProcess(), Event, NtCurrentProcess(), &Copy, 0, 0,
            DUPLICATE_SAME_ACCESS) < 0)
            return 2;
        Bit = (ULONG_PTR)Copy / 4;
        if (Bit / 8 >= Count || (Seen[Bit / 8] & 1 << Bit % 8))
            return 3;
        Seen[Bit / 8] |= 1 << Bit % 8;
    }
    return HandleCount() > Count ? 42 : 4;
}

int
main(int Count, char **Words)
{
    static const char *const Tags[] = { "Even", "ObDi", "ObNm", "ObCr", "Obtb" };
    ULONG64 Before[ARRAYSIZE(Tags)], Bytes;
    ULONG   Handles, Code;
    char    Command[64];

    if (Count == 3 && strcmp(Words[1], "many") == 0)
        return OpenMany(strtoul(Words[2], NULL, 10));
    MeetAtLocks();
    Rounds = Count > 1 ? strtoul(Words[1], NULL, 10) : 10000;
    RunProgram("tobrace many 10");              // what a first process allocates for good
    Handles = HandleCount();
    for (ULONG Index = 0; Index < ARRAYSIZE(Tags); Index++)
        PoolTag(Tags[Index], &Before[Index], &Bytes);

    Races();
    sprintf(Command, "tobrace many %lu", Rounds);
    Promise("As many handles as rounds in one process are all different, and end with it");
    Code = RunProgram(Command);
    Expect(Code == 42, "the process ended with %lu", Code);

    Promise("Every handle and every block of pool is given back");
    // threads that meet at the loader, the heap or the PEB leave an event each, for good
    Expect(HandleCount() == Handles, "%lu handles became %lu", Handles, HandleCount());
    for (ULONG Index = 0; Index < ARRAYSIZE(Tags); Index++)
        ExpectTag(Tags[Index], Before[Index] + (Index == 0 ? 3 : 0));
    return Done("tobrace");
}
