/*
 * Objects by name, as a program sees them: every kind that can be made, directories, symbolic
 * links, relative names, permanent objects, and the counts after every step.
 */
#include "sdk/ntapi.h"
#include "user/lib/testing.h"
#include <stdio.h>
#include <wchar.h>

#define SYMBOLIC_LINK_ALL_ACCESS    0x000F0001
#define DIRECTORY_ALL_ACCESS        0x000F000F

#define BASE    L"\\BaseNamedObjects\\"

static POBJECT_ATTRIBUTES
Named(PCWSTR Name, ULONG Attributes, HANDLE Root)
{
    static UNICODE_STRING    String[4];
    static OBJECT_ATTRIBUTES Block[4];
    static ULONG             Next;
    ULONG                    Slot = Next++ % ARRAYSIZE(Block);

    RtlInitUnicodeString(&String[Slot], Name);
    InitializeObjectAttributes(&Block[Slot], &String[Slot], Attributes, Root, NULL);
    return &Block[Slot];
}

static NTSTATUS
MakeLink(PHANDLE Handle, PCWSTR Name, PCWSTR Target, ULONG Attributes, HANDLE Root)
{
    UNICODE_STRING String;

    RtlInitUnicodeString(&String, Target);
    return NtCreateSymbolicLinkObject(Handle, SYMBOLIC_LINK_ALL_ACCESS,
        Named(Name, Attributes, Root), &String);
}

/* What NtQueryObject says: HandleCount in the upper, PointerCount in the lower half. */
static ULONG64
Counts(HANDLE Handle)
{
    OBJECT_BASIC_INFORMATION Basic = { 0 };

    NtQueryObject(Handle, EtObjectBasicInformation, &Basic, sizeof Basic, NULL);
    return (ULONG64)Basic.HandleCount << 32 | Basic.PointerCount;
}
#define COUNTS(Handles, Pointers)   ((ULONG64)(Handles) << 32 | (Pointers))

enum { EVENT, MUTANT, SEMAPHORE, TIMER, DIRECTORY, LINK, KINDS };
static const char *const KindName[] = { "event", "mutant", "semaphore", "timer", "directory",
    "link" };

static NTSTATUS
Create(ULONG Kind, PHANDLE Handle, PCWSTR Name, ULONG Attributes, HANDLE Root)
{
    POBJECT_ATTRIBUTES A = Named(Name, Attributes, Root);

    *Handle = NULL;
    return Kind == EVENT     ? NtCreateEvent(Handle, EVENT_ALL_ACCESS, A, 0, FALSE)
         : Kind == MUTANT    ? NtCreateMutant(Handle, MUTANT_ALL_ACCESS, A, FALSE)
         : Kind == SEMAPHORE ? NtCreateSemaphore(Handle, SEMAPHORE_ALL_ACCESS, A, 0, 1)
         : Kind == TIMER     ? NtCreateTimer(Handle, TIMER_ALL_ACCESS, A, 0)
         : Kind == DIRECTORY ? NtCreateDirectoryObject(Handle, DIRECTORY_ALL_ACCESS, A)
         : MakeLink(Handle, Name, L"\\BaseNamedObjects", Attributes, Root);
}

static NTSTATUS
Open(ULONG Kind, PHANDLE Handle, PCWSTR Name, ULONG Attributes, HANDLE Root)
{
    static NTSTATUS (NTAPI *const Services[])(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES) = {
        NtOpenEvent, NtOpenMutant, NtOpenSemaphore, NtOpenTimer, NtOpenDirectoryObject,
        NtOpenSymbolicLinkObject };

    *Handle = NULL;
    return Services[Kind](Handle, MAXIMUM_ALLOWED, Named(Name, Attributes, Root));
}

#define IS(Wanted, Call)                                                                    \
    do {                                                                                    \
        NTSTATUS Result = (Call);                                                           \
        Expect(Result == (Wanted), "%s: %s: 0x%08lX", KindName[Kind], #Call, (ULONG)Result); \
    } while (0)

static void
OneKind(ULONG Kind)
{
    ULONG  Other = (Kind + 1) % KINDS;
    HANDLE First, Second, Third;

    IS(STATUS_OBJECT_NAME_NOT_FOUND, Open(Kind, &First, BASE L"Tob", 0, NULL));
    IS(STATUS_SUCCESS, Create(Kind, &First, BASE L"Tob", 0, NULL));
    Expect(Counts(First) == COUNTS(1, 2), "%s: counts %llX", KindName[Kind], Counts(First));
    IS(STATUS_OBJECT_NAME_COLLISION, Create(Kind, &Second, BASE L"Tob", 0, NULL));
    Expect(Counts(First) == COUNTS(1, 2), "%s: counts %llX", KindName[Kind], Counts(First));
    IS(STATUS_OBJECT_NAME_EXISTS, Create(Kind, &Second, BASE L"Tob", OBJ_OPENIF, NULL));
    Expect(Counts(First) == COUNTS(2, 3), "%s: counts %llX", KindName[Kind], Counts(First));
    IS(STATUS_SUCCESS, Open(Kind, &Third, BASE L"Tob", 0, NULL));
    Expect(Counts(First) == COUNTS(3, 4), "%s: counts %llX", KindName[Kind], Counts(First));
    NtClose(Third);
    Expect(Counts(First) == COUNTS(2, 3), "%s: counts %llX", KindName[Kind], Counts(First));
    // a link on the way is followed, to a directory
    IS(STATUS_OBJECT_TYPE_MISMATCH, Open(Other, &Third, BASE L"Tob", 0, NULL));
    IS(STATUS_OBJECT_NAME_NOT_FOUND, Open(Kind, &Third, BASE L"TOB", 0, NULL));
    IS(STATUS_SUCCESS, Open(Kind, &Third, BASE L"TOB", OBJ_CASE_INSENSITIVE, NULL));
    NtClose(First);
    NtClose(Second);
    Expect(Counts(Third) == COUNTS(1, 2), "%s: counts %llX", KindName[Kind], Counts(Third));
    NtClose(Third);
    IS(STATUS_OBJECT_NAME_NOT_FOUND, Open(Kind, &First, BASE L"Tob", 0, NULL));
}

static void
Kinds(void)
{
    ULONG Before = HandleCount();

    Promise("Every kind is made and opened by name, once in its case, while a handle is open");
    for (ULONG Kind = 0; Kind < KINDS; Kind++)
        OneKind(Kind);
    Expect(HandleCount() == Before, "%lu handles became %lu", Before, HandleCount());
}

static void
Relative(void)
{
    ULONG  Kind = DIRECTORY;
    HANDLE Root, Inner, Event, Again;

    Promise("Names are relative to the directory they are given with");
    IS(STATUS_SUCCESS, Create(DIRECTORY, &Root, BASE L"TobRoot", 0, NULL));
    IS(STATUS_SUCCESS, Create(DIRECTORY, &Inner, L"Inner", 0, Root));
    IS(STATUS_SUCCESS, Create(EVENT, &Event, L"Inner\\Event", 0, Root));
    IS(STATUS_SUCCESS, Open(EVENT, &Again, L"Event", 0, Inner));
    Expect(Counts(Event) == COUNTS(2, 3), "counts %llX", Counts(Event));
    NtClose(Again);
    IS(STATUS_SUCCESS, Open(EVENT, &Again, BASE L"TobRoot\\Inner\\Event", 0, NULL));
    NtClose(Again);
    IS(STATUS_OBJECT_PATH_SYNTAX_BAD, Open(EVENT, &Again, L"\\Inner\\Event", 0, Root));
    IS(STATUS_OBJECT_PATH_NOT_FOUND, Open(EVENT, &Again, L"Other\\Event", 0, Root));
    IS(STATUS_OBJECT_TYPE_MISMATCH, Open(EVENT, &Again, L"x", 0, Event));
    IS(STATUS_INVALID_HANDLE, Open(EVENT, &Again, L"x", 0, (HANDLE)0x7770));

    Promise("A directory that has lost its name keeps what is in it until that goes too");
    Expect(Counts(Root) == COUNTS(1, 3), "counts %llX", Counts(Root));
    NtClose(Root);
    IS(STATUS_OBJECT_PATH_NOT_FOUND, Open(EVENT, &Again, BASE L"TobRoot\\Inner\\Event", 0, NULL));
    IS(STATUS_SUCCESS, Open(EVENT, &Again, L"Event", 0, Inner));
    NtClose(Again);
    NtClose(Inner);
    NtClose(Event);
}

static void
Prefixes(void)
{
    static const PCWSTR Same[] = { L"\\??\\TobDos", L"\\DosDevices\\TobDos",
        L"\\GLOBAL??\\TobDos", L"\\??\\Global\\TobDos", L"\\??\\GLOBALROOT\\GLOBAL??\\TobDos" };
    ULONG  Kind = LINK;
    HANDLE Link, Again;

    if (IsUser("student")) {
        Promise("A student makes no DOS names");
        for (ULONG Index = 0; Index < ARRAYSIZE(Same); Index++)
            IS(STATUS_ACCESS_DENIED, MakeLink(&Link, Same[Index], L"\\Device", 0, NULL));
        return;
    }
    Promise("\\??, \\DosDevices and \\GLOBAL?? are one place, with Global and GLOBALROOT in it");
    IS(STATUS_SUCCESS, MakeLink(&Link, L"\\??\\TobDos", L"\\Device", 0, NULL));
    for (ULONG Index = 0; Index < ARRAYSIZE(Same); Index++) {
        NTSTATUS Status = Open(LINK, &Again, Same[Index], 0, NULL);

        Expect(NT_SUCCESS(Status), "%ls: 0x%08lX", Same[Index], (ULONG)Status);
        Expect(Counts(Link) == COUNTS(2, 3), "%ls: counts %llX", Same[Index], Counts(Link));
        NtClose(Again);
    }
    IS(STATUS_SUCCESS, Open(DIRECTORY, &Again, L"\\??", 0, NULL));
    NtClose(Again);
    IS(STATUS_OBJECT_PATH_NOT_FOUND, Open(LINK, &Again, L"\\?\\TobDos", 0, NULL));
    IS(STATUS_OBJECT_NAME_INVALID, Open(LINK, &Again, L"\\??\\", 0, NULL));
    NtClose(Link);
}

#define LONGEST 32

/* TobLink0 -> TobLink1 -> ... -> TobLink32 -> TobEnd */
static void
Links(void)
{
    HANDLE Link[LONGEST + 1], Event, Again;
    WCHAR  Name[64], Target[64];
    ULONG  Kind = LINK;

    Promise("Thirty-two links are followed, one more is too many, and so is a loop");
    IS(STATUS_SUCCESS, Create(EVENT, &Event, BASE L"TobEnd", 0, NULL));
    for (ULONG Index = 0; Index <= LONGEST; Index++) {
        swprintf(Name, ARRAYSIZE(Name), BASE L"TobLink%lu", Index);
        swprintf(Target, ARRAYSIZE(Target), Index == LONGEST ? BASE L"TobEnd" : BASE L"TobLink%lu",
            Index + 1);
        IS(STATUS_SUCCESS, MakeLink(&Link[Index], Name, Target, 0, NULL));
    }
    IS(STATUS_SUCCESS, Open(EVENT, &Again, BASE L"TobLink1", 0, NULL));
    Expect(Counts(Event) == COUNTS(2, 3), "counts %llX", Counts(Event));
    NtClose(Again);
    IS(STATUS_OBJECT_PATH_INVALID, Open(EVENT, &Again, BASE L"TobLink0", 0, NULL));
    for (ULONG Index = 0; Index <= LONGEST; Index++)
        NtClose(Link[Index]);
    NtClose(Event);

    IS(STATUS_SUCCESS, MakeLink(&Link[0], BASE L"TobLoop", BASE L"TobLoop\\x", 0, NULL));
    IS(STATUS_OBJECT_PATH_INVALID, Open(EVENT, &Again, BASE L"TobLoop", 0, NULL));
    NtClose(Link[0]);
}

static void
Permanent(void)
{
    ULONG  Kind = EVENT;
    HANDLE Event, Other;

    Promise("A permanent object keeps its name without handles, a temporary one does not");
    IS(STATUS_SUCCESS, Create(EVENT, &Event, BASE L"TobStays", 0, NULL));
    if (IsUser("student")) {
        IS(STATUS_PRIVILEGE_NOT_HELD, NtMakePermanentObject(Event));
        IS(STATUS_PRIVILEGE_NOT_HELD, Create(EVENT, &Other, BASE L"TobOther", OBJ_PERMANENT, NULL));
        NtClose(Event);
        IS(STATUS_OBJECT_NAME_NOT_FOUND, Open(EVENT, &Event, BASE L"TobStays", 0, NULL));
        return;
    }
    IS(STATUS_SUCCESS, NtMakePermanentObject(Event));
    NtSetEvent(Event, NULL);
    NtClose(Event);
    IS(STATUS_SUCCESS, Open(EVENT, &Event, BASE L"TobStays", 0, NULL));
    Expect(WaitForSingleObject(Event, 0) == WAIT_OBJECT_0, "it is another object");
    Expect(Counts(Event) == COUNTS(1, 2), "counts %llX", Counts(Event));
    IS(STATUS_SUCCESS, NtMakeTemporaryObject(Event));
    NtClose(Event);
    IS(STATUS_OBJECT_NAME_NOT_FOUND, Open(EVENT, &Event, BASE L"TobStays", 0, NULL));
}

static void
Types(void)
{
    union { OBJECT_TYPE_INFORMATION Type; UCHAR Room[256]; } Before, Now;
    HANDLE Events[5], Copy;

    Promise("A type counts its objects and handles, and what they cost");
    NtCreateEvent(&Events[0], EVENT_ALL_ACCESS, NULL, 0, FALSE);
    NtQueryObject(Events[0], EtObjectTypeInformation, &Before, sizeof Before, NULL);
    Expect(Before.Type.TypeName.Length == 10 && wcscmp(Before.Type.TypeName.Buffer, L"Event") == 0,
        "the name");
    for (ULONG Index = 1; Index < 5; Index++)
        NtCreateEvent(&Events[Index], EVENT_ALL_ACCESS, NULL, 0, FALSE);
    NtDuplicateObject(NtCurrentProcess(), Events[0], NtCurrentProcess(), &Copy, 0, 0,
        DUPLICATE_SAME_ACCESS);
    NtQueryObject(Copy, EtObjectTypeInformation, &Now, sizeof Now, NULL);
    // others make and lose events too
    Expect(Now.Type.TotalNumberOfObjects >= 5 && Now.Type.TotalNumberOfHandles >= 6, "too few");
    Expect(Now.Type.TotalNonPagedPoolUsage
        == Now.Type.TotalNumberOfObjects * Now.Type.DefaultNonPagedPoolCharge, "%lu for %lu",
        Now.Type.TotalNonPagedPoolUsage, Now.Type.TotalNumberOfObjects);
    Expect(Now.Type.HighWaterNumberOfObjects >= Now.Type.TotalNumberOfObjects, "peak");
    Expect(Now.Type.ValidAccessMask == EVENT_ALL_ACCESS, "rights");
    for (ULONG Index = 0; Index < 5; Index++)
        NtClose(Events[Index]);
    NtClose(Copy);
}

static void
Attributes(void)
{
    OBJECT_HANDLE_FLAG_INFORMATION Flags = { TRUE, TRUE };
    OBJECT_BASIC_INFORMATION       Basic;
    ULONG  Kind = EVENT;
    HANDLE Event;

    Promise("A handle's attributes are set and shown; OBJ_KERNEL_HANDLE is not for programs");
    IS(STATUS_SUCCESS, Create(EVENT, &Event, BASE L"TobFlags", 0x200 /* OBJ_KERNEL_HANDLE */,
        NULL));
    Expect((LONG_PTR)Event > 0, "handle %p", Event);
    IS(STATUS_SUCCESS, NtSetInformationObject(Event, EtObjectHandleFlagInformation, &Flags, 2));
    NtQueryObject(Event, EtObjectBasicInformation, &Basic, sizeof Basic, NULL);
    Expect(Basic.Attributes == (OBJ_INHERIT | 1), "attributes %lX", Basic.Attributes);
    Expect(Basic.GrantedAccess == EVENT_ALL_ACCESS, "access %lX", Basic.GrantedAccess);
    IS(STATUS_HANDLE_NOT_CLOSABLE, NtClose(Event));
    Flags.ProtectFromClose = FALSE;
    IS(STATUS_SUCCESS, NtSetInformationObject(Event, EtObjectHandleFlagInformation, &Flags, 2));
    IS(STATUS_SUCCESS, NtClose(Event));
}

/* What the other process gets: 0 if it is kept out in every way that there is. */
static int
Outsider(void)
{
    HANDLE Event;

    return Open(EVENT, &Event, BASE L"TobAlone", 0, NULL) != STATUS_ACCESS_DENIED
        || Open(EVENT, &Event, BASE L"TobAlone", OBJ_EXCLUSIVE, NULL) != STATUS_ACCESS_DENIED
        || Create(EVENT, &Event, BASE L"TobAlone", OBJ_OPENIF, NULL) != STATUS_ACCESS_DENIED;
}

static void
Alone(void)
{
    ULONG  Kind = EVENT;
    HANDLE Event, Again;

    Promise("An exclusive object keeps other processes out, until its last handle closes");
    IS(STATUS_SUCCESS, Create(EVENT, &Event, BASE L"TobAlone", OBJ_EXCLUSIVE, NULL));
    IS(STATUS_SUCCESS, Open(EVENT, &Again, BASE L"TobAlone", 0, NULL));
    Expect(Counts(Event) == COUNTS(2, 3), "counts %llX", Counts(Event));
    Expect(RunProgram("tobjects outsider") == 0, "another process has it");
    Expect(Counts(Event) == COUNTS(2, 3), "counts %llX", Counts(Event));
    NtClose(Event);
    Expect(RunProgram("tobjects outsider") == 0, "another process has it after one close");
    NtClose(Again);
    IS(STATUS_OBJECT_NAME_NOT_FOUND, Open(EVENT, &Event, BASE L"TobAlone", 0, NULL));
}

int
main(int Count, char **Arguments)
{
    if (Count > 1 && Arguments[1][0] == 'o')
        return Outsider();
    Kinds();
    Relative();
    Prefixes();
    Links();
    Permanent();
    Types();
    Attributes();
    Alone();
    return Done("tobjects");
}
