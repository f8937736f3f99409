/*
 * Every information class of processes, threads and the system, with good and bad buffers: a row
 * of a table a class. A call that fails leaves the buffer as it was, and the length too unless it
 * says what is needed.
 */
#include "sdk/ntapi.h"
#include "user/lib/testing.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILL        0xA5
#define NOT_WRITTEN 0xEEEEEEEE
#define EXACT       1                       // a longer buffer is refused
#define LIST        2                       // its length changes from call to call

typedef NTSTATUS (*QUERY)(HANDLE Handle, ULONG Class, PVOID Buffer, ULONG Length, PULONG Needed);

static NTSTATUS
QuerySystem(HANDLE Handle, ULONG Class, PVOID Buffer, ULONG Length, PULONG Needed)
{
    return NtQuerySystemInformation(Class, Buffer, Length, Needed);
}

static NTSTATUS
QueryProcess(HANDLE Handle, ULONG Class, PVOID Buffer, ULONG Length, PULONG Needed)
{
    return NtQueryInformationProcess(Handle, Class, Buffer, Length, Needed);
}

static NTSTATUS
QueryThread(HANDLE Handle, ULONG Class, PVOID Buffer, ULONG Length, PULONG Needed)
{
    return NtQueryInformationThread(Handle, Class, Buffer, Length, Needed);
}

/* Length 0: it varies, and the system says how much it needs. */
static const struct {
    const char *Name;
    QUERY       Query;
    ULONG       Class, Length, Flags;
} Queries[] = {
    { "SystemBasic", QuerySystem, 0, sizeof(SYSTEM_BASIC_INFORMATION), 0 },
    { "SystemProcessor", QuerySystem, 1, sizeof(SYSTEM_PROCESSOR_INFORMATION), 0 },
    { "SystemPerformance", QuerySystem, 2, sizeof(SYSTEM_PERFORMANCE_INFORMATION), 0 },
    { "SystemTimeOfDay", QuerySystem, 3, sizeof(SYSTEM_TIMEOFDAY_INFORMATION), 0 },
    { "SystemProcess", QuerySystem, 5, 0, LIST },
    { "SystemProcessorTimes", QuerySystem, 8, 0, 0 },
    { "SystemFlags", QuerySystem, 9, sizeof(ULONG), 0 },
    { "SystemModule", QuerySystem, 11, 0, LIST },
    { "SystemHandle", QuerySystem, 16, 0, LIST },
    { "SystemObject", QuerySystem, 17, 0, LIST },
    { "SystemPoolTag", QuerySystem, 22, 0, LIST },
    { "SystemInterrupt", QuerySystem, 23, 0, 0 },
    { "SystemKernelDebugger", QuerySystem, 35, 2, 0 },
    { "SystemExtendedHandle", QuerySystem, 64, 0, LIST },
    { "SystemCommandLine", QuerySystem, EtSystemCommandLine, 0, 0 },
    { "ProcessBasic", QueryProcess, 0, sizeof(PROCESS_BASIC_INFORMATION), EXACT },
    { "ProcessQuotaLimits", QueryProcess, 1, sizeof(QUOTA_LIMITS), EXACT },
    { "ProcessVmCounters", QueryProcess, 3, sizeof(VM_COUNTERS), EXACT },
    { "ProcessTimes", QueryProcess, 4, sizeof(KERNEL_USER_TIMES), EXACT },
    { "ProcessDebugPort", QueryProcess, 7, sizeof(HANDLE), EXACT },
    { "ProcessErrorMode", QueryProcess, 12, sizeof(ULONG), EXACT },
    { "ProcessPriorityClass", QueryProcess, 18, 2, EXACT },
    { "ProcessHandleCount", QueryProcess, 20, sizeof(ULONG), EXACT },
    { "ProcessSession", QueryProcess, 24, sizeof(ULONG), EXACT },
    { "ProcessWow64", QueryProcess, 26, sizeof(ULONG_PTR), EXACT },
    { "ProcessImageFileName", QueryProcess, 27, 0, 0 },
    { "ThreadBasic", QueryThread, 0, sizeof(THREAD_BASIC_INFORMATION), EXACT },
    { "ThreadTimes", QueryThread, 1, sizeof(KERNEL_USER_TIMES), EXACT },
    { "ThreadStart", QueryThread, 9, sizeof(PVOID), EXACT },
    { "ThreadAmILastThread", QueryThread, 12, sizeof(ULONG), EXACT },
    { "ThreadIsIoPending", QueryThread, 16, sizeof(ULONG), EXACT },
    { "ThreadIsTerminated", QueryThread, 20, sizeof(ULONG), EXACT },
    { "ThreadSuspendCount", QueryThread, 35, sizeof(ULONG), EXACT },
};

static PUCHAR ReadOnly;                     // a page that may not be written
static PUCHAR Edge;                         // the end of a page before one that is not there
static PUCHAR Room;                         // ROOM bytes
#define ROOM 0x100000

static HANDLE
HandleFor(QUERY Query)
{
    return Query == QueryThread ? NtCurrentThread() : NtCurrentProcess();
}

static BOOL
Untouched(PUCHAR Buffer, ULONG Length)
{
    for (ULONG Index = 0; Index < Length; Index++)
        if (Buffer[Index] != FILL)
            return FALSE;
    return TRUE;
}

/* The length that the class needs now. */
static ULONG
NeededBy(ULONG Row)
{
    ULONG Needed = Queries[Row].Length;

    if (Needed == 0)
        Queries[Row].Query(HandleFor(Queries[Row].Query), Queries[Row].Class, NULL, 0, &Needed);
    return Needed;
}

static void
Good(ULONG Row)
{
    HANDLE   Handle = HandleFor(Queries[Row].Query);
    ULONG    Length = NeededBy(Row), Said = NOT_WRITTEN;
    NTSTATUS Status;

    Expect(Length != 0 && Length < ROOM / 2, "%s needs %lu bytes", Queries[Row].Name, Length);
    if (Queries[Row].Flags & LIST)
        Length += 0x2000;
    memset(Room, FILL, Length + 8);
    Status = Queries[Row].Query(Handle, Queries[Row].Class, Room, Length, &Said);
    Expect(Status == STATUS_SUCCESS, "%s: 0x%08lX", Queries[Row].Name, (ULONG)Status);
    Expect(Queries[Row].Flags & LIST ? Said && Said <= Length : Said == Length,
        "%s: length %lu of %lu", Queries[Row].Name, Said, Length);
    Expect(Untouched(Room + Said, Length + 8 - Said), "%s wrote past its length",
        Queries[Row].Name);
    Status = Queries[Row].Query(Handle, Queries[Row].Class, Room, Length, NULL);
    Expect(Status == STATUS_SUCCESS, "%s without a length: 0x%08lX", Queries[Row].Name,
        (ULONG)Status);
}

static void
Lengths(ULONG Row)
{
    HANDLE   Handle = HandleFor(Queries[Row].Query);
    ULONG    Length, Said, Try = 0;
    NTSTATUS Status;

    do {                                        // a list may get shorter: what has ended goes
        Length = NeededBy(Row);
        Said = NOT_WRITTEN;
        memset(Room, FILL, Length + 16);
        Status = Queries[Row].Query(Handle, Queries[Row].Class, Room, Length - 1, &Said);
    } while (Status == STATUS_SUCCESS && Queries[Row].Flags & LIST && ++Try < 100);
    Expect(Status == STATUS_INFO_LENGTH_MISMATCH, "%s too short: 0x%08lX", Queries[Row].Name,
        (ULONG)Status);
    Expect(Queries[Row].Flags & LIST ? Said + 0x1000 >= Length && Said != NOT_WRITTEN
        : Said == Length, "%s too short says %lu, not %lu", Queries[Row].Name, Said, Length);
    Said = NOT_WRITTEN;
    Status = Queries[Row].Query(Handle, Queries[Row].Class, NULL, 0, &Said);
    Expect(Status == STATUS_INFO_LENGTH_MISMATCH && Said != NOT_WRITTEN, "%s, no buffer: 0x%08lX",
        Queries[Row].Name, (ULONG)Status);
    Expect(Untouched(Room, Length + 16), "%s wrote into a short buffer", Queries[Row].Name);
    Status = Queries[Row].Query(Handle, Queries[Row].Class, Room, Length + 8, &Said);
    if (Queries[Row].Flags & EXACT)
        Expect(Status == STATUS_INFO_LENGTH_MISMATCH && Untouched(Room, Length + 16),
            "%s too long: 0x%08lX", Queries[Row].Name, (ULONG)Status);
    else if (!(Queries[Row].Flags & LIST))
        Expect(Status == STATUS_SUCCESS && Said == Length, "%s longer: 0x%08lX, %lu",
            Queries[Row].Name, (ULONG)Status, Said);
}

static void
Pointers(ULONG Row)
{
    static const ULONG_PTR Bad[] = { 0x8, 0x6660000, 0xFFFF800000001000, 0xFFFFF80000401000,
        0x0000800000000000, 0x00FF000000000000, 0xFFFFFFFFFFFFF000, 0 };
    HANDLE   Handle = HandleFor(Queries[Row].Query);
    ULONG    Length = NeededBy(Row) + (Queries[Row].Flags & LIST ? 0x2000 : 0);
    ULONG    Said = NOT_WRITTEN;
    NTSTATUS Status;

    for (ULONG Index = 0; Index < ARRAYSIZE(Bad); Index++) {
        Status = Queries[Row].Query(Handle, Queries[Row].Class, (PVOID)Bad[Index], Length, &Said);
        Expect(Status == STATUS_ACCESS_VIOLATION && Said == NOT_WRITTEN,
            "%s into 0x%llx: 0x%08lX, length %lu", Queries[Row].Name, (ULONG64)Bad[Index],
            (ULONG)Status, Said);
        if (Bad[Index] == 0)
            continue;
        memset(Room, FILL, Length);
        Status = Queries[Row].Query(Handle, Queries[Row].Class, Room, Length,
            (PULONG)Bad[Index]);
        Expect(Status == STATUS_ACCESS_VIOLATION && Untouched(Room, Length),
            "%s, length at 0x%llx: 0x%08lX", Queries[Row].Name, (ULONG64)Bad[Index],
            (ULONG)Status);
    }
    if (Length <= 0x1000) {
        Status = Queries[Row].Query(Handle, Queries[Row].Class, ReadOnly, Length, &Said);
        Expect(Status == STATUS_ACCESS_VIOLATION && Said == NOT_WRITTEN, "%s, read-only: 0x%08lX",
            Queries[Row].Name, (ULONG)Status);
    }
    if (Length > 4) {
        memset(Edge - 4, FILL, 4);
        Status = Queries[Row].Query(Handle, Queries[Row].Class, Edge - 4, Length, &Said);
        Expect(Status == STATUS_ACCESS_VIOLATION && Said == NOT_WRITTEN
            && Untouched(Edge - 4, 4), "%s over the edge: 0x%08lX", Queries[Row].Name,
            (ULONG)Status);
    }
    if (Length < sizeof(ULONG))
        return;                                 // bytes may lie anywhere
    memset(Room, FILL, Length + 8);
    Status = Queries[Row].Query(Handle, Queries[Row].Class, Room + 1, Length, &Said);
    Expect(Status == STATUS_DATATYPE_MISALIGNMENT && Said == NOT_WRITTEN
        && Untouched(Room, Length + 8), "%s misaligned: 0x%08lX", Queries[Row].Name,
        (ULONG)Status);
}

static void
Handles(ULONG Row)
{
    HANDLE   Event = CreateEventA(NULL, TRUE, FALSE, NULL), Weak;
    HANDLE   Own = HandleFor(Queries[Row].Query);
    ULONG    Length = NeededBy(Row), Class = Queries[Row].Class;
    NTSTATUS Status;

    if (Queries[Row].Query == QuerySystem) {
        CloseHandle(Event);
        return;
    }
    NtDuplicateObject(NtCurrentProcess(), Own, NtCurrentProcess(), &Weak, SYNCHRONIZE, 0, 0);
    memset(Room, FILL, Length);
    Status = Queries[Row].Query(Weak, Class, Room, Length, NULL);
    Expect(Status == STATUS_ACCESS_DENIED, "%s without the right: 0x%08lX", Queries[Row].Name,
        (ULONG)Status);
    Status = Queries[Row].Query(Event, Class, Room, Length, NULL);
    Expect(Status == STATUS_OBJECT_TYPE_MISMATCH, "%s of an event: 0x%08lX", Queries[Row].Name,
        (ULONG)Status);
    CloseHandle(Event);
    Status = Queries[Row].Query(Event, Class, Room, Length, NULL);
    Expect(Status == STATUS_INVALID_HANDLE, "%s of no handle: 0x%08lX", Queries[Row].Name,
        (ULONG)Status);
    Expect(Untouched(Room, Length), "%s wrote all the same", Queries[Row].Name);
    CloseHandle(Weak);
}

static void
EachQuery(const char *Sentence, void (*Check)(ULONG Row))
{
    Promise(Sentence);
    for (ULONG Row = 0; Row < ARRAYSIZE(Queries); Row++)
        Check(Row);
}

static const struct {
    const char *Name;
    BOOL        Thread;
    ULONG       Class, Length;
} Settings[] = {
    { "ProcessQuotaLimits", FALSE, 1, sizeof(QUOTA_LIMITS) },
    { "ProcessBasePriority", FALSE, 5, sizeof(LONG) },
    { "ProcessErrorMode", FALSE, 12, sizeof(ULONG) },
    { "ProcessPriorityClass", FALSE, 18, 2 },
    { "ProcessAffinityMask", FALSE, 21, sizeof(ULONG_PTR) },
    { "ThreadPriority", TRUE, 2, sizeof(LONG) },
    { "ThreadBasePriority", TRUE, 3, sizeof(LONG) },
    { "ThreadAffinityMask", TRUE, 4, sizeof(ULONG_PTR) },
    { "ThreadStart", TRUE, 9, sizeof(PVOID) },
};

static NTSTATUS
Set(ULONG Row, HANDLE Handle, PVOID Buffer, ULONG Length)
{
    return Settings[Row].Thread
        ? NtSetInformationThread(Handle, Settings[Row].Class, Buffer, Length)
        : NtSetInformationProcess(Handle, Settings[Row].Class, Buffer, Length);
}

static void
BadSettings(void)
{
    PROCESS_BASIC_INFORMATION Before, After;

    Promise("A setting with a bad length, pointer or handle is refused and changes nothing");
    NtQueryInformationProcess(NtCurrentProcess(), 0, &Before, sizeof Before, NULL);
    for (ULONG Row = 0; Row < ARRAYSIZE(Settings); Row++) {
        HANDLE   Own = Settings[Row].Thread ? NtCurrentThread() : NtCurrentProcess(), Weak;
        ULONG    Length = Settings[Row].Length;
        NTSTATUS Status;

        memset(Room, 0, 0x100);
        Expect(Set(Row, Own, Room, Length - 1) == STATUS_INFO_LENGTH_MISMATCH, "%s short",
            Settings[Row].Name);
        Expect(Set(Row, Own, Room, Length + 1) == STATUS_INFO_LENGTH_MISMATCH, "%s long",
            Settings[Row].Name);
        Status = Set(Row, Own, (PVOID)0x6660000, Length);
        Expect(Status == STATUS_ACCESS_VIOLATION, "%s unmapped: 0x%08lX", Settings[Row].Name,
            (ULONG)Status);
        Status = Set(Row, Own, (PVOID)0xFFFFF80000401000, Length);
        Expect(Status == STATUS_ACCESS_VIOLATION, "%s kernel: 0x%08lX", Settings[Row].Name,
            (ULONG)Status);
        NtDuplicateObject(NtCurrentProcess(), Own, NtCurrentProcess(), &Weak, SYNCHRONIZE, 0, 0);
        Status = Set(Row, Weak, Room, Length);
        Expect(Status == STATUS_ACCESS_DENIED, "%s without the right: 0x%08lX", Settings[Row].Name,
            (ULONG)Status);
        CloseHandle(Weak);
    }
    NtQueryInformationProcess(NtCurrentProcess(), 0, &After, sizeof After, NULL);
    Expect(memcmp(&Before, &After, sizeof Before) == 0, "the process has changed");
}

static void
NoClass(void)
{
    ULONG Value;

    Promise("A class that only the other direction has, or nobody, is STATUS_INVALID_INFO_CLASS");
    Expect(NtQuerySystemInformation(0x7777, &Value, 4, NULL) == STATUS_INVALID_INFO_CLASS,
        "system");
    Expect(NtQueryInformationProcess(NtCurrentProcess(), 0x7777, &Value, 4, NULL)
        == STATUS_INVALID_INFO_CLASS, "process");
    Expect(NtQueryInformationProcess(NtCurrentProcess(), EtProcessBasePriority, &Value, 4, NULL)
        == STATUS_INVALID_INFO_CLASS, "a setting queried");
    Expect(NtSetInformationProcess(NtCurrentProcess(), EtProcessTimes, &Value, 4)
        == STATUS_INVALID_INFO_CLASS, "a query set");
    Expect(NtSetInformationThread(NtCurrentThread(), 0x7777, &Value, 4)
        == STATUS_INVALID_INFO_CLASS, "thread");
}

/* One that Windows has and this system has not says so. */
static void
OtherClasses(void)
{
    static const QUERY Services[] = { QuerySystem, QueryProcess, QueryThread };

    Promise("Each class that is not there is refused, whatever the buffer, and writes nothing");
    memset(Room, FILL, 0x1000);
    for (ULONG Service = 0; Service < ARRAYSIZE(Services); Service++)
        for (ULONG Class = 0; Class < 250; Class++) {
            ULONG    Row = 0, Said = NOT_WRITTEN;
            NTSTATUS Status;

            while (Row < ARRAYSIZE(Queries) && (Queries[Row].Query != Services[Service]
                || Queries[Row].Class != Class))
                Row++;
            if (Row < ARRAYSIZE(Queries)
                || (Services[Service] == QueryProcess && Class == EtProcessHandleTracing))
                continue;                       // that one is with thandles
            Status = Services[Service](HandleFor(Services[Service]), Class, Room, 0x1000, &Said);
            Expect(Status == STATUS_INVALID_INFO_CLASS || Status == STATUS_NOT_IMPLEMENTED,
                "service %lu, class %lu: 0x%08lX", Service, Class, (ULONG)Status);
        }
    Expect(Untouched(Room, 0x1000), "something is written");
}

int
main(void)
{
    DWORD Old;

    Room = malloc(ROOM);
    ReadOnly = VirtualAlloc(NULL, 0x1000, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    VirtualProtect(ReadOnly, 0x1000, PAGE_READONLY, &Old);
    Edge = (PUCHAR)VirtualAlloc(NULL, 0x2000, MEM_RESERVE, PAGE_READWRITE) + 0x1000;
    VirtualAlloc(Edge - 0x1000, 0x1000, MEM_COMMIT, PAGE_READWRITE);

    EachQuery("Every class fills a buffer that is right, says its length, and writes no more",
        Good);
    EachQuery("Every class refuses a wrong length and says the right one", Lengths);
    EachQuery("Every class refuses bad, read-only and misaligned buffers and writes nothing",
        Pointers);
    EachQuery("Every class checks the handle's life, type and right", Handles);
    BadSettings();
    NoClass();
    OtherClasses();
    return Done("tinfo");
}
