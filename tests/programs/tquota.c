/*
 * Pool quota as a program meets it: what objects cost their maker, what happens at the limit, and
 * what becomes of the charge for an object that outlives its maker.
 *
 *     tquota              all of it; as the student what needs no privilege
 *     tquota leave PID    leaves an event in process PID and ends
 *     tquota limit        ends with this process' limit of nonpaged pool
 */
#include "sdk/ntapi.h"
#include "user/lib/snapshot.h"
#include "user/lib/testing.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS      10
#define UNLIMITED   (~(SIZE_T)0)

static VM_COUNTERS
Counters(void)
{
    VM_COUNTERS Vm = { 0 };

    NtQueryInformationProcess(NtCurrentProcess(), EtProcessVmCounters, &Vm, sizeof Vm, NULL);
    return Vm;
}

static SIZE_T
NonPaged(void)
{
    return Counters().QuotaNonPagedPoolUsage;
}

static OBJECT_TYPE_INFORMATION
TypeOf(HANDLE Handle)
{
    union { OBJECT_TYPE_INFORMATION Type; UCHAR Room[256]; } Buffer = { 0 };

    NtQueryObject(Handle, EtObjectTypeInformation, &Buffer, sizeof Buffer, NULL);
    return Buffer.Type;
}

static POBJECT_ATTRIBUTES
Named(PCWSTR Name, ULONG Attributes)
{
    static OBJECT_ATTRIBUTES Block;
    static UNICODE_STRING    String;

    RtlInitUnicodeString(&String, Name);
    InitializeObjectAttributes(&Block, &String, Attributes | OBJ_CASE_INSENSITIVE, NULL, NULL);
    return &Block;
}

static NTSTATUS
MakeEvent(PHANDLE Event)
{
    return NtCreateEvent(Event, EVENT_ALL_ACCESS, NULL, 0, FALSE);
}

static NTSTATUS
MakeLink(PHANDLE Link)
{
    UNICODE_STRING Target;

    RtlInitUnicodeString(&Target, L"\\Device");
    return NtCreateSymbolicLinkObject(Link, SYMBOLIC_LINK_QUERY,
        Named(L"\\BaseNamedObjects\\QuotaLink", 0), &Target);
}

static void
Charged(void)
{
    VM_COUNTERS Before, After;
    HANDLE      Events[EVENTS], Copy, Link;
    ULONG       Cost;

    Promise("Each object costs its maker what its type says, in its pool, until it is deleted");
    MakeEvent(&Events[0]);
    Cost = TypeOf(Events[0]).DefaultNonPagedPoolCharge;
    Before = Counters();
    for (ULONG Index = 1; Index < EVENTS; Index++) {
        MakeEvent(&Events[Index]);
        Expect(NonPaged() == Before.QuotaNonPagedPoolUsage + Index * Cost, "after %lu events",
            Index);
    }
    Expect(Cost >= 0x48, "an event costs %lu", Cost);
    After = Counters();
    Expect(After.QuotaPagedPoolUsage == Before.QuotaPagedPoolUsage, "paged pool is charged");
    NtDuplicateObject(NtCurrentProcess(), Events[1], NtCurrentProcess(), &Copy, 0, 0,
        DUPLICATE_SAME_ACCESS);
    Expect(NonPaged() == After.QuotaNonPagedPoolUsage, "a second handle costs something");
    NtClose(Events[1]);
    Expect(NonPaged() == After.QuotaNonPagedPoolUsage, "the object is not deleted yet");
    NtClose(Copy);
    Expect(NonPaged() == After.QuotaNonPagedPoolUsage - Cost, "after the last handle");
    for (ULONG Index = 2; Index < EVENTS; Index++)
        NtClose(Events[Index]);
    NtClose(Events[0]);
    Expect(NonPaged() == Before.QuotaNonPagedPoolUsage - Cost, "at the end");
    Expect(Counters().QuotaPeakNonPagedPoolUsage >= After.QuotaNonPagedPoolUsage, "the peak");

    MakeLink(&Link);
    After = Counters();
    Expect(After.QuotaPagedPoolUsage == Before.QuotaPagedPoolUsage
        + TypeOf(Link).DefaultPagedPoolCharge, "a link");
    Expect(TypeOf(Link).DefaultPagedPoolCharge != 0, "a link costs nothing");
    NtClose(Link);
    Expect(Counters().QuotaPagedPoolUsage == Before.QuotaPagedPoolUsage, "after the link");
}

static NTSTATUS
SetLimit(SIZE_T Limit)
{
    QUOTA_LIMITS Limits = { .NonPagedPoolLimit = Limit };

    return NtSetInformationProcess(NtCurrentProcess(), EtProcessQuotaLimits, &Limits,
        sizeof Limits);
}

/* What fails at the limit, and what it leaves. */
static void
AtLimit(void)
{
    HANDLE          Event, Exists = NULL, Link = NULL;
    ULONG           Handles;
    SIZE_T          Usage;
    IO_STATUS_BLOCK Iosb;

    NtCreateEvent(&Exists, EVENT_ALL_ACCESS, Named(L"\\BaseNamedObjects\\QuotaOld", 0), 0, FALSE);
    Usage = NonPaged();
    Handles = HandleCount();
    Expect(SetLimit(Usage + 8) == STATUS_SUCCESS, "the limit");
    Expect(MakeEvent(&Event) == STATUS_QUOTA_EXCEEDED, "an event");
    Expect(NtCreateEvent(&Event, EVENT_ALL_ACCESS, Named(L"\\BaseNamedObjects\\QuotaNew", 0), 0,
        FALSE) == STATUS_QUOTA_EXCEEDED, "a named event");
    Expect(NtOpenFile(&Event, FILE_READ_DATA | SYNCHRONIZE, Named(L"\\Device\\Null", 0), &Iosb, 0,
        FILE_SYNCHRONOUS_IO_NONALERT) == STATUS_QUOTA_EXCEEDED, "a file");
    Expect(CreateThread(NULL, 0, (LPTHREAD_START_ROUTINE)(PVOID)NtClose, NULL, 0, NULL) == NULL
        && GetLastError() == ERROR_NOT_ENOUGH_QUOTA, "a thread: error %lu", GetLastError());
    Expect(HandleCount() == Handles && NonPaged() == Usage, "%lu handles, %llu bytes more",
        HandleCount() - Handles, (ULONG64)(NonPaged() - Usage));
    Expect(NtCreateEvent(&Event, EVENT_ALL_ACCESS,
        Named(L"\\BaseNamedObjects\\QuotaOld", OBJ_OPENIF), 0, FALSE) == STATUS_OBJECT_NAME_EXISTS,
        "what is there already may be opened");
    NtClose(Event);
    Expect(MakeLink(&Link) == STATUS_SUCCESS,
        "the other pool has a limit of its own");
    Expect(SetLimit(UNLIMITED) == STATUS_SUCCESS, "the limit is lifted");
    Expect(NtOpenEvent(&Event, EVENT_ALL_ACCESS, Named(L"\\BaseNamedObjects\\QuotaNew", 0))
        == STATUS_OBJECT_NAME_NOT_FOUND, "the refused event has left its name");
    NtClose(Link);
    NtClose(Exists);
}

static void
Limited(void)
{
    TOKEN_PRIVILEGES Quota = { 1, { { { 5, 0 }, SE_PRIVILEGE_ENABLED } } };
    HANDLE           Events[EVENTS + 1] = { NULL }, Token;
    ULONG            Cost, Made = 0;

    Promise("At its limit a process gets STATUS_QUOTA_EXCEEDED, and an attempt leaves nothing");
    OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES, &Token);
    AdjustTokenPrivileges(Token, FALSE, &Quota, 0, NULL, NULL);
    CloseHandle(Token);
    if (IsUser("student")) {
        Expect(SetLimit(NonPaged() + 8) == STATUS_PRIVILEGE_NOT_HELD, "the student sets a limit");
        return;
    }
    MakeEvent(&Events[0]);
    Cost = TypeOf(Events[0]).DefaultNonPagedPoolCharge;
    NtClose(Events[0]);
    SetLimit(NonPaged() + EVENTS * Cost + Cost - 1);
    while (Made <= EVENTS && MakeEvent(&Events[Made]) == STATUS_SUCCESS)
        Made++;
    Expect(Made == EVENTS, "%lu events instead of %d", Made, EVENTS);
    Expect(SetLimit(NonPaged() - 1) == STATUS_QUOTA_EXCEEDED, "a limit below the usage");
    while (Made)
        NtClose(Events[--Made]);
    AtLimit();

    Promise("A child's limits are its creator's");
    SetLimit(0x1234567);
    Expect(RunProgram("tquota limit") == 0x1234567, "the child's is another");
    SetLimit(UNLIMITED);
}

/* The child: an event for the parent, the handle's value as exit code. */
static int
Leave(ULONG Parent)
{
    HANDLE Process = OpenProcess(PROCESS_DUP_HANDLE, FALSE, Parent), Event, Copy = NULL;

    MakeEvent(&Event);
    NtDuplicateObject(NtCurrentProcess(), Event, Process, &Copy, 0, 0, DUPLICATE_SAME_ACCESS);
    return (int)(ULONG_PTR)Copy;
}

/* How many blocks of quota there are without a process; the System process has none of its own. */
static LONG
Orphans(void)
{
    const SYSTEM_PROCESS_INFORMATION *Process = NULL;
    ULONG64  Blocks, Bytes;
    SNAPSHOT Snapshot;

    if (!NT_SUCCESS(TakeSnapshot(&Snapshot)))
        return -1;
    PoolTag("PsQb", &Blocks, &Bytes);
    while ((Process = NextProcess(&Snapshot, Process)) != NULL)
        Blocks--;
    FreeSnapshot(&Snapshot);
    return (LONG)Blocks + 1;
}

/* Processes are deleted in the background, and cost their maker until then. */
static void
Settles(LONG Wanted, SIZE_T Usage)
{
    for (ULONG Try = 0; Try < 500 && (Orphans() != Wanted || NonPaged() != Usage); Try++)
        Sleep(10);
    Expect(Orphans() == Wanted, "%ld blocks of quota have no process, not %ld", Orphans(), Wanted);
    Expect(NonPaged() == Usage, "%llu bytes are charged here, not %llu", (ULONG64)NonPaged(),
        (ULONG64)Usage);
}

static void
Outlives(SIZE_T Usage)
{
    HANDLE Event;
    char   Command[40];

    Promise("An object that outlives its maker stays charged to it, and costs nobody else");
    sprintf(Command, "tquota leave %lu", GetCurrentProcessId());
    Settles(0, Usage);
    Event = (HANDLE)(ULONG_PTR)RunProgram(Command);
    Expect(NtSetEvent(Event, NULL) == STATUS_SUCCESS, "there is no event");
    Settles(1, Usage);
    NtClose(Event);
    Settles(0, Usage);
}

int
main(int Count, char **Words)
{
    QUOTA_LIMITS Limits = { 0 };
    SIZE_T       Usage;

    if (Count == 3 && strcmp(Words[1], "leave") == 0)
        return Leave(strtoul(Words[2], NULL, 0));
    NtQueryInformationProcess(NtCurrentProcess(), EtProcessQuotaLimits, &Limits, sizeof Limits,
        NULL);
    if (Count == 2)
        return (int)Limits.NonPagedPoolLimit;
    Charged();
    Usage = NonPaged();
    Limited();
    Outlives(Usage);
    return Done("tquota");
}
