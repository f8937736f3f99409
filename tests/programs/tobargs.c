/*
 * The services of objects, each called with one thing wrong: the documented status comes back, no
 * handle is left behind, and the objects are as they were. A row is one call.
 */
#include "sdk/ntapi.h"
#include "user/lib/testing.h"
#include <stdio.h>

#define BASE    L"\\BaseNamedObjects\\"
#define BAD     ((PVOID)0x6660000)                  // nothing is mapped there
#define KERNEL  ((PVOID)0xFFFFF80000401000)
#define ODD     ((PVOID)((ULONG_PTR)Room + 1))
#define SELF    NtCurrentProcess()

static UCHAR             Room[4096] __attribute__((aligned(16)));
static HANDLE            Event, Semaphore, Mutant, Timer, Directory, Link, New;
static OBJECT_ATTRIBUTES Good, Short, Flags, OddName, BadName, KernelName, NoSlash, RootOnly;
static UNICODE_STRING    Name, NameOdd, NameBad, NameKernel, NameNoSlash, Target, Empty;

static POBJECT_ATTRIBUTES
Attributes(POBJECT_ATTRIBUTES Block, PUNICODE_STRING String, PCWSTR Text)
{
    RtlInitUnicodeString(String, Text);
    InitializeObjectAttributes(Block, String, 0, NULL, NULL);
    return Block;
}

static void
SetUp(void)
{
    Attributes(&Good, &Name, BASE L"TobArgs");
    Short = Flags = Good;
    Short.Length--;
    Flags.Attributes = 0x10000;
    Attributes(&OddName, &NameOdd, BASE L"TobArgs")->ObjectName->Length--;
    Attributes(&BadName, &NameBad, BASE L"TobArgs")->ObjectName->Buffer = BAD;
    Attributes(&KernelName, &NameKernel, BASE L"TobArgs")->ObjectName->Buffer = KERNEL;
    Attributes(&NoSlash, &NameNoSlash, L"TobArgs");
    RtlInitUnicodeString(&Target, L"\\Device");
    NtCreateEvent(&Event, EVENT_ALL_ACCESS, NULL, 0, FALSE);
    NtCreateSemaphore(&Semaphore, SEMAPHORE_ALL_ACCESS, NULL, 1, 5);
    NtCreateMutant(&Mutant, MUTANT_ALL_ACCESS, NULL, FALSE);
    NtCreateTimer(&Timer, TIMER_ALL_ACCESS, NULL, 0);
    InitializeObjectAttributes(&RootOnly, NULL, 0, Event, NULL);
    NtCreateDirectoryObject(&Directory, 0xF000F, NULL);
    NtCreateSymbolicLinkObject(&Link, 0xF0001, NULL, &Target);
}

/* What all services that make or open by name have in common. */
#define BY_NAME(Call)                                                                       \
    do {                                                                                    \
        POBJECT_ATTRIBUTES A = BAD;                                                         \
        PHANDLE            H = &New;                                                        \
        ROW(STATUS_ACCESS_VIOLATION, Call);                                                 \
        A = KERNEL; ROW(STATUS_ACCESS_VIOLATION, Call);                                     \
        A = ODD; ROW(STATUS_DATATYPE_MISALIGNMENT, Call);                                   \
        A = &Short; ROW(STATUS_INVALID_PARAMETER, Call);                                    \
        A = &Flags; ROW(STATUS_INVALID_PARAMETER, Call);                                    \
        A = &OddName; ROW(STATUS_OBJECT_NAME_INVALID, Call);                                \
        A = &BadName; ROW(STATUS_ACCESS_VIOLATION, Call);                                   \
        A = &KernelName; ROW(STATUS_ACCESS_VIOLATION, Call);                                \
        A = &NoSlash; ROW(STATUS_OBJECT_PATH_SYNTAX_BAD, Call);                             \
        A = &RootOnly; ROW(STATUS_OBJECT_NAME_INVALID, Call);                               \
        A = &Good;                                                                          \
        H = NULL; ROW(STATUS_ACCESS_VIOLATION, Call);                                       \
        H = BAD; ROW(STATUS_ACCESS_VIOLATION, Call);                                        \
        H = KERNEL; ROW(STATUS_ACCESS_VIOLATION, Call);                                     \
        H = ODD; ROW(STATUS_DATATYPE_MISALIGNMENT, Call);                                   \
    } while (0)

static void
Names(void)
{
    Promise("Whatever makes or opens an object refuses a bad name, attributes, or handle address");
    BY_NAME(NtCreateEvent(H, EVENT_ALL_ACCESS, A, 0, FALSE));
    BY_NAME(NtOpenEvent(H, EVENT_ALL_ACCESS, A));
    BY_NAME(NtCreateMutant(H, MUTANT_ALL_ACCESS, A, FALSE));
    BY_NAME(NtOpenMutant(H, MUTANT_ALL_ACCESS, A));
    BY_NAME(NtCreateSemaphore(H, SEMAPHORE_ALL_ACCESS, A, 0, 1));
    BY_NAME(NtOpenSemaphore(H, SEMAPHORE_ALL_ACCESS, A));
    BY_NAME(NtCreateTimer(H, TIMER_ALL_ACCESS, A, 0));
    BY_NAME(NtOpenTimer(H, TIMER_ALL_ACCESS, A));
    BY_NAME(NtCreateDirectoryObject(H, 0xF000F, A));
    BY_NAME(NtOpenDirectoryObject(H, 0xF000F, A));
    BY_NAME(NtCreateSymbolicLinkObject(H, 0xF0001, A, &Target));
    BY_NAME(NtOpenSymbolicLinkObject(H, 0xF0001, A));
    ROW(STATUS_INVALID_PARAMETER, NtOpenEvent(&New, EVENT_ALL_ACCESS, NULL));
    ROW(STATUS_OBJECT_NAME_NOT_FOUND, NtOpenEvent(&New, EVENT_ALL_ACCESS, &Good));
    ROW(STATUS_INVALID_PARAMETER, NtCreateEvent(&New, EVENT_ALL_ACCESS, &Good, 2, FALSE));
    ROW(STATUS_INVALID_PARAMETER, NtCreateTimer(&New, TIMER_ALL_ACCESS, &Good, 2));
    ROW(STATUS_INVALID_PARAMETER, NtCreateSemaphore(&New, SEMAPHORE_ALL_ACCESS, &Good, 2, 1));
    ROW(STATUS_INVALID_PARAMETER, NtCreateSemaphore(&New, SEMAPHORE_ALL_ACCESS, &Good, -1, 1));
    ROW(STATUS_INVALID_PARAMETER, NtCreateSemaphore(&New, SEMAPHORE_ALL_ACCESS, &Good, 0, 0));
    ROW(STATUS_INVALID_PARAMETER, NtCreateSymbolicLinkObject(&New, 0xF0001, &Good, &Empty));
    ROW(STATUS_ACCESS_VIOLATION, NtCreateSymbolicLinkObject(&New, 0xF0001, &Good, BAD));
    ROW(STATUS_ACCESS_VIOLATION, NtCreateSymbolicLinkObject(&New, 0xF0001, &Good, &NameBad));
}

static void
State(void)
{
    LARGE_INTEGER Zero = { .QuadPart = 0 };

    Promise("Whatever changes a state refuses a bad handle, number or address");
    ROW(STATUS_ACCESS_VIOLATION, NtSetEvent(Event, BAD));
    ROW(STATUS_ACCESS_VIOLATION, NtSetEvent(Event, KERNEL));
    ROW(STATUS_DATATYPE_MISALIGNMENT, NtSetEvent(Event, ODD));
    ROW(STATUS_ACCESS_VIOLATION, NtResetEvent(Event, BAD));
    ROW(STATUS_ACCESS_VIOLATION, NtPulseEvent(Event, BAD));
    ROW(STATUS_INVALID_HANDLE, NtClearEvent((HANDLE)0x7770));
    ROW(STATUS_OBJECT_TYPE_MISMATCH, NtSetEvent(Mutant, NULL));
    ROW(STATUS_ACCESS_VIOLATION, NtReleaseSemaphore(Semaphore, 1, BAD));
    ROW(STATUS_INVALID_PARAMETER, NtReleaseSemaphore(Semaphore, 0, NULL));
    ROW(STATUS_INVALID_PARAMETER, NtReleaseSemaphore(Semaphore, -1, NULL));
    ROW(STATUS_SEMAPHORE_LIMIT_EXCEEDED, NtReleaseSemaphore(Semaphore, 5, NULL));
    ROW(STATUS_MUTANT_NOT_OWNED, NtReleaseMutant(Mutant, NULL));
    ROW(STATUS_ACCESS_VIOLATION, NtReleaseMutant(Mutant, BAD));
    ROW(STATUS_ACCESS_VIOLATION, NtSetTimer(Timer, BAD, NULL, NULL, FALSE, 0, NULL));
    ROW(STATUS_ACCESS_VIOLATION, NtSetTimer(Timer, &Zero, NULL, NULL, FALSE, 0, BAD));
    ROW(STATUS_INVALID_PARAMETER_6, NtSetTimer(Timer, &Zero, NULL, NULL, FALSE, -1, NULL));
    ROW(STATUS_ACCESS_VIOLATION, NtCancelTimer(Timer, BAD));
}

static void
Waits(void)
{
    LARGE_INTEGER Zero = { .QuadPart = 0 };
    HANDLE        Twice[2] = { Event, Event }, Wrong[2] = { Event, (HANDLE)0x7770 };

    Promise("Waits refuse what cannot be waited for, and too many");
    ROW(STATUS_INVALID_HANDLE, NtWaitForSingleObject((HANDLE)0x7770, FALSE, &Zero));
    ROW(STATUS_ACCESS_VIOLATION, NtWaitForSingleObject(Event, FALSE, BAD));
    ROW(STATUS_INVALID_PARAMETER_1, NtWaitForMultipleObjects(0, Twice, 1, FALSE, &Zero));
    ROW(STATUS_INVALID_PARAMETER_1, NtWaitForMultipleObjects(65, Twice, 1, FALSE, &Zero));
    ROW(STATUS_INVALID_PARAMETER_3, NtWaitForMultipleObjects(2, Twice, 7, FALSE, &Zero));
    ROW(STATUS_INVALID_PARAMETER_MIX, NtWaitForMultipleObjects(2, Twice, 0, FALSE, &Zero));
    ROW(STATUS_INVALID_HANDLE, NtWaitForMultipleObjects(2, Wrong, 1, FALSE, &Zero));
    ROW(STATUS_ACCESS_VIOLATION, NtWaitForMultipleObjects(2, BAD, 1, FALSE, &Zero));
    ROW(STATUS_INVALID_HANDLE, NtSignalAndWaitForSingleObject(Event, (HANDLE)8888, FALSE, &Zero));
    ROW(STATUS_OBJECT_TYPE_MISMATCH, NtSignalAndWaitForSingleObject(Timer, Event, FALSE, &Zero));
    ROW(STATUS_ACCESS_VIOLATION, NtSignalAndWaitForSingleObject(Event, Event, FALSE, BAD));
}

static void
Handles(void)
{
    Promise("Handle services refuse bad handles, options and addresses");
    ROW(STATUS_INVALID_HANDLE, NtClose((HANDLE)0x7770));
    ROW(STATUS_INVALID_HANDLE, NtClose(NULL));
    ROW(STATUS_INVALID_HANDLE, NtClose(KERNEL));
    ROW(STATUS_INVALID_HANDLE, NtClose((HANDLE)(LONG_PTR)(LONG)0x80000004));
    ROW(STATUS_INVALID_PARAMETER, NtDuplicateObject(SELF, Event, SELF, &New, 0, 0, 8));
    ROW(STATUS_INVALID_PARAMETER, NtDuplicateObject(SELF, Event, NULL, &New, 0, 0, 0));
    ROW(STATUS_INVALID_HANDLE, NtDuplicateObject(SELF, (HANDLE)0x7770, SELF, &New, 0, 0, 2));
    ROW(STATUS_INVALID_HANDLE, NtDuplicateObject((HANDLE)0x7770, Event, SELF, &New, 0, 0, 2));
    ROW(STATUS_OBJECT_TYPE_MISMATCH, NtDuplicateObject(Event, Event, SELF, &New, 0, 0, 2));
    ROW(STATUS_ACCESS_VIOLATION, NtDuplicateObject(SELF, Event, SELF, BAD, 0, 0, 2));
    ROW(STATUS_DATATYPE_MISALIGNMENT, NtDuplicateObject(SELF, Event, SELF, ODD, 0, 0, 2));
    ROW(STATUS_INVALID_HANDLE, NtMakeTemporaryObject((HANDLE)0x7770));
    ROW(IsUser("student") ? STATUS_PRIVILEGE_NOT_HELD : STATUS_INVALID_HANDLE,
        NtMakePermanentObject((HANDLE)0x7770));
    ROW(STATUS_INVALID_INFO_CLASS, NtSetInformationObject(Event, 0, Room, 2));
    ROW(STATUS_INFO_LENGTH_MISMATCH, NtSetInformationObject(Event, 4, Room, 3));
    ROW(STATUS_ACCESS_VIOLATION, NtSetInformationObject(Event, 4, BAD, 2));
    ROW(STATUS_INVALID_HANDLE, NtSetInformationObject((HANDLE)0x7770, 4, Room, 2));
}

static void
Queries(void)
{
    ULONG Context = 0, Length;

    Promise("Queries refuse bad classes, lengths and addresses");
    ROW(STATUS_INVALID_INFO_CLASS, NtQueryObject(Event, 77, Room, 64, NULL));
    ROW(STATUS_INFO_LENGTH_MISMATCH, NtQueryObject(Event, 0, Room, 4, NULL));
    ROW(STATUS_INFO_LENGTH_MISMATCH, NtQueryObject(Event, 1, Room, 4, &Length));
    ROW(STATUS_INFO_LENGTH_MISMATCH, NtQueryObject(Event, 2, Room, 4, &Length));
    ROW(STATUS_INFO_LENGTH_MISMATCH, NtQueryObject(NULL, 3, Room, 4, &Length));
    ROW(STATUS_INFO_LENGTH_MISMATCH, NtQueryObject(Event, 4, Room, 3, NULL));
    ROW(STATUS_ACCESS_VIOLATION, NtQueryObject(Event, 2, BAD, 4096, NULL));
    ROW(STATUS_ACCESS_VIOLATION, NtQueryObject(Event, 2, Room, 4096, BAD));
    ROW(STATUS_ACCESS_VIOLATION, NtQueryObject(Event, 1, Room, 4, BAD));
    ROW(STATUS_INVALID_HANDLE, NtQueryObject((HANDLE)0x7770, 2, Room, 4096, NULL));
    ROW(STATUS_INVALID_INFO_CLASS, NtQueryEvent(Event, 1, Room, 8, NULL));
    ROW(STATUS_INFO_LENGTH_MISMATCH, NtQueryEvent(Event, 0, Room, 7, NULL));
    ROW(STATUS_INFO_LENGTH_MISMATCH, NtQuerySemaphore(Semaphore, 0, Room, 9, NULL));
    ROW(STATUS_INFO_LENGTH_MISMATCH, NtQueryMutant(Mutant, 0, Room, 0, NULL));
    ROW(STATUS_INFO_LENGTH_MISMATCH, NtQueryTimer(Timer, 0, Room, 0, NULL));
    ROW(STATUS_ACCESS_VIOLATION, NtQueryEvent(Event, 0, Room, 8, BAD));
    ROW(STATUS_ACCESS_VIOLATION, NtQuerySymbolicLinkObject(Link, BAD, NULL));
    ROW(STATUS_BUFFER_TOO_SMALL, NtQuerySymbolicLinkObject(Link, &Empty, NULL));
    ROW(STATUS_OBJECT_TYPE_MISMATCH, NtQuerySymbolicLinkObject(Event, &Empty, NULL));
    ROW(STATUS_NO_MORE_ENTRIES, NtQueryDirectoryObject(Directory, Room, 4096, FALSE, TRUE, &Context,
        NULL));
    ROW(STATUS_ACCESS_VIOLATION, NtQueryDirectoryObject(Directory, BAD, 4096, FALSE, TRUE,
        &Context, NULL));
    ROW(STATUS_ACCESS_VIOLATION, NtQueryDirectoryObject(Directory, Room, 4096, FALSE, TRUE, BAD,
        NULL));
    ROW(STATUS_OBJECT_TYPE_MISMATCH, NtQueryDirectoryObject(Event, Room, 4096, FALSE, TRUE,
        &Context, NULL));
}

static void
Unchanged(void)
{
    EVENT_BASIC_INFORMATION     Now     = { 0 };
    SEMAPHORE_BASIC_INFORMATION Left    = { 0 };
    OBJECT_BASIC_INFORMATION    Basic   = { 0 };
    HANDLE                      All[]   = { Event, Semaphore, Mutant, Timer, Directory, Link };

    Promise("After all that every object is as it was made");
    NtQueryEvent(Event, 0, &Now, sizeof Now, NULL);
    NtQuerySemaphore(Semaphore, 0, &Left, sizeof Left, NULL);
    Expect(Now.EventState == 0, "the event is set");
    Expect(Left.CurrentCount == 1 && Left.MaximumCount == 5, "%ld left", Left.CurrentCount);
    for (ULONG Index = 0; Index < ARRAYSIZE(All); Index++) {
        NtQueryObject(All[Index], EtObjectBasicInformation, &Basic, sizeof Basic, NULL);
        Expect(Basic.HandleCount == 1 && Basic.PointerCount == 1, "object %lu: %lu, %lu", Index,
            Basic.HandleCount, Basic.PointerCount);
    }
}

int
main(void)
{
    SetUp();
    Names();
    State();
    Waits();
    Handles();
    Queries();
    Unchanged();
    return Done("tobargs");
}
