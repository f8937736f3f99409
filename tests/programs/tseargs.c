/*
 * The services of processes, threads and security, each called with one thing wrong: the
 * documented status comes back, no handle is left behind, and process, thread, token and
 * descriptor are as they were. A row is one call.
 */
#include "sdk/ntsecurity.h"
#include "user/lib/testing.h"
#include <stdio.h>
#include <string.h>

#define BAD     ((PVOID)0x6660000)                  // nothing is mapped there
#define KERNEL  ((PVOID)0xFFFFF80000401000)
#define ODD     ((PVOID)((ULONG_PTR)Room + 1))
#define NOBODY  ((HANDLE)0x7770)                    // no handle
#define SELF    NtCurrentProcess()

static UCHAR             Room[4096] __attribute__((aligned(16)));
static HANDLE            Event, Thread, Token, Low, New;
static OBJECT_ATTRIBUTES Good, Short, Named;
static UNICODE_STRING    Name;
static CLIENT_ID         Own, Unknown = { (HANDLE)0x7FF0, NULL }, Crossed, Unowned;

static DWORD WINAPI
Never(PVOID Parameter)
{
    return 1;
}

static void
SetUp(void)
{
    InitializeObjectAttributes(&Good, NULL, 0, NULL, NULL);
    Short = Named = Good;
    Short.Length--;
    RtlInitUnicodeString(&Name, L"\\BaseNamedObjects\\TseArgs");
    Named.ObjectName = &Name;
    Event = CreateEventA(NULL, TRUE, FALSE, NULL);
    Thread = CreateThread(NULL, 0, Never, NULL, CREATE_SUSPENDED, NULL);
    Own.UniqueProcess = (HANDLE)(ULONG_PTR)GetCurrentProcessId();
    Unowned.UniqueThread = (HANDLE)(ULONG_PTR)GetCurrentThreadId();
    Crossed = Unowned;
    Crossed.UniqueProcess = (HANDLE)4;              // whose thread this is not
    NtOpenProcessToken(SELF, TOKEN_ALL_ACCESS, &Token);
    DuplicateToken(Token, SecurityIdentification, &Low);
}

/* H is where a handle goes. */
#define HANDLE_OUT(Call)                                                                    \
    do {                                                                                    \
        PHANDLE H = NULL;                                                                   \
        ROW(STATUS_ACCESS_VIOLATION, Call);                                                 \
        H = BAD; ROW(STATUS_ACCESS_VIOLATION, Call);                                        \
        H = KERNEL; ROW(STATUS_ACCESS_VIOLATION, Call);                                     \
        H = ODD; ROW(STATUS_DATATYPE_MISALIGNMENT, Call);                                   \
    } while (0)

/* P is any other address that is read or written. */
#define POINTER(Call)                                                                       \
    do {                                                                                    \
        PVOID P = BAD;                                                                      \
        ROW(STATUS_ACCESS_VIOLATION, Call);                                                 \
        P = KERNEL; ROW(STATUS_ACCESS_VIOLATION, Call);                                     \
        P = ODD; ROW(STATUS_DATATYPE_MISALIGNMENT, Call);                                   \
    } while (0)

/* H is a handle that must be of another type. */
#define WRONG_HANDLE(Call)                                                                  \
    do {                                                                                    \
        HANDLE H = NOBODY;                                                                  \
        ROW(STATUS_INVALID_HANDLE, Call);                                                   \
        H = Event; ROW(STATUS_OBJECT_TYPE_MISMATCH, Call);                                  \
    } while (0)

static void
Opens(void)
{
    Promise("Processes and threads are not opened by bad addresses, numbers, names or both");
    HANDLE_OUT(NtOpenProcess(H, PROCESS_TERMINATE, &Good, &Own));
    POINTER(NtOpenProcess(&New, PROCESS_TERMINATE, P, &Own));
    POINTER(NtOpenProcess(&New, PROCESS_TERMINATE, &Good, P));
    ROW(STATUS_INVALID_PARAMETER_MIX, NtOpenProcess(&New, PROCESS_TERMINATE, &Good, NULL));
    ROW(STATUS_INVALID_PARAMETER_MIX, NtOpenProcess(&New, PROCESS_TERMINATE, &Named, &Own));
    ROW(STATUS_INVALID_CID, NtOpenProcess(&New, PROCESS_TERMINATE, &Good, &Unknown));
    ROW(STATUS_INVALID_CID, NtOpenProcess(&New, PROCESS_TERMINATE, &Good, &Crossed));
    HANDLE_OUT(NtOpenThread(H, THREAD_TERMINATE, &Good, &Unowned));
    POINTER(NtOpenThread(&New, THREAD_TERMINATE, P, &Unowned));
    POINTER(NtOpenThread(&New, THREAD_TERMINATE, &Good, P));
    ROW(STATUS_INVALID_PARAMETER_MIX, NtOpenThread(&New, THREAD_TERMINATE, &Good, NULL));
    ROW(STATUS_INVALID_CID, NtOpenThread(&New, THREAD_TERMINATE, &Good, &Own));
    ROW(STATUS_INVALID_CID, NtOpenThread(&New, THREAD_TERMINATE, &Good, &Crossed));
}

static void
Control(void)
{
    Promise("What ends, stops and resumes refuses bad handles and addresses");
    WRONG_HANDLE(NtTerminateProcess(H, 1));
    WRONG_HANDLE(NtTerminateThread(H, 1));
    WRONG_HANDLE(NtSuspendProcess(H));
    WRONG_HANDLE(NtResumeProcess(H));
    WRONG_HANDLE(NtSuspendThread(H, NULL));
    WRONG_HANDLE(NtResumeThread(H, NULL));
    POINTER(NtSuspendThread(Thread, P));
    POINTER(NtResumeThread(Thread, P));
    WRONG_HANDLE(NtAlertThread(H));
    WRONG_HANDLE(NtQueueApcThread(H, (PPS_APC_ROUTINE)(PVOID)Never, NULL, NULL, NULL));
    POINTER(NtDelayExecution(FALSE, P));
}

static void
Tokens(void)
{
    SID         World = { 1, 1, SECURITY_WORLD_SID_AUTHORITY, { 0 } };
    TOKEN_OWNER Owner = { &World };
    ULONG       Length;

    Promise("What opens, copies and filters tokens refuses bad handles, types and addresses");
    WRONG_HANDLE(NtOpenProcessToken(H, TOKEN_QUERY, &New));
    HANDLE_OUT(NtOpenProcessToken(SELF, TOKEN_QUERY, H));
    HANDLE_OUT(NtOpenProcessTokenEx(SELF, TOKEN_QUERY, 0, H));
    WRONG_HANDLE(NtOpenThreadToken(H, TOKEN_QUERY, TRUE, &New));
    HANDLE_OUT(NtOpenThreadToken(Thread, TOKEN_QUERY, TRUE, H));
    ROW(STATUS_NO_TOKEN, NtOpenThreadToken(Thread, TOKEN_QUERY, TRUE, &New));
    WRONG_HANDLE(NtDuplicateToken(H, 0, NULL, FALSE, TokenPrimary, &New));
    HANDLE_OUT(NtDuplicateToken(Token, 0, NULL, FALSE, TokenPrimary, H));
    POINTER(NtDuplicateToken(Token, 0, P, FALSE, TokenPrimary, &New));
    ROW(STATUS_INVALID_PARAMETER, NtDuplicateToken(Token, 0, &Short, FALSE, TokenPrimary, &New));
    ROW(STATUS_INVALID_PARAMETER, NtDuplicateToken(Token, 0, NULL, FALSE, 3, &New));
    WRONG_HANDLE(NtFilterToken(H, 0, NULL, NULL, NULL, &New));
    HANDLE_OUT(NtFilterToken(Token, 0, NULL, NULL, NULL, H));
    POINTER(NtFilterToken(Token, 0, P, NULL, NULL, &New));
    POINTER(NtFilterToken(Token, 0, NULL, P, NULL, &New));
    POINTER(NtFilterToken(Token, 0, NULL, NULL, P, &New));
    ROW(STATUS_INVALID_PARAMETER, NtFilterToken(Token, 0x8000, NULL, NULL, NULL, &New));
    WRONG_HANDLE(NtQueryInformationToken(H, TokenUser, Room, 4096, &Length));
    POINTER(NtQueryInformationToken(Token, TokenUser, P, 256, &Length));
    POINTER(NtQueryInformationToken(Token, TokenUser, Room, 256, P));
    ROW(STATUS_BUFFER_TOO_SMALL, NtQueryInformationToken(Token, TokenUser, Room, 4, &Length));
    ROW(STATUS_INVALID_INFO_CLASS, NtQueryInformationToken(Token, 99, Room, 4, &Length));
    WRONG_HANDLE(NtSetInformationToken(H, TokenOwner, &Owner, sizeof Owner));
    ROW(STATUS_INVALID_OWNER, NtSetInformationToken(Token, TokenOwner, &Owner, sizeof Owner));
    POINTER(NtSetInformationToken(Token, TokenOwner, P, sizeof(PVOID)));
    ROW(STATUS_INFO_LENGTH_MISMATCH, NtSetInformationToken(Token, TokenOwner, Room, 4));
    ROW(STATUS_INVALID_INFO_CLASS, NtSetInformationToken(Token, TokenUser, Room, 16));
}

static void
Adjusts(void)
{
    TOKEN_PRIVILEGES Change = { 1, { { { 23, 0 }, 0 } } };      // SeChangeNotifyPrivilege off
    TOKEN_PRIVILEGES Many = { 1000, { { { 23, 0 }, 0 } } };
    ULONG            Length;

    Promise("What adjusts a token changes nothing when it fails");
    WRONG_HANDLE(NtAdjustPrivilegesToken(H, FALSE, &Change, 0, NULL, NULL));
    POINTER(NtAdjustPrivilegesToken(Token, FALSE, P, 0, NULL, NULL));
    POINTER(NtAdjustPrivilegesToken(Token, FALSE, &Change, 256, P, &Length));
    POINTER(NtAdjustPrivilegesToken(Token, FALSE, &Change, 256, (PVOID)Room, P));
    ROW(STATUS_INVALID_PARAMETER, NtAdjustPrivilegesToken(Token, FALSE, NULL, 0, NULL, NULL));
    ROW(STATUS_BUFFER_TOO_SMALL, NtAdjustPrivilegesToken(Token, FALSE, &Change, 4, (PVOID)Room,
        &Length));
    ROW(STATUS_INVALID_PARAMETER, NtAdjustPrivilegesToken(Token, FALSE, &Many, 0, NULL, NULL));
    WRONG_HANDLE(NtAdjustGroupsToken(H, TRUE, NULL, 0, NULL, NULL));
    POINTER(NtAdjustGroupsToken(Token, FALSE, P, 0, NULL, NULL));
    ROW(STATUS_INVALID_PARAMETER, NtAdjustGroupsToken(Token, FALSE, NULL, 0, NULL, NULL));
}

static void
Checks(void)
{
    GENERIC_MAPPING     Map = { 1, 2, 4, 7 };
    SECURITY_DESCRIPTOR Descriptor = { .Revision = 1, .Control = SE_DACL_PRESENT }, Strange;
    PRIVILEGE_SET       Set = { 1, 0, { { { 23, 0 }, 0 } } };
    ULONG               Length = sizeof Set;
    ACCESS_MASK         Granted;
    NTSTATUS            Result;
    BOOLEAN             Has;

    Promise("What checks access, and what reads and sets descriptors, refuses what is wrong");
    Strange = Descriptor;
    Strange.Revision = 77;
    WRONG_HANDLE(NtAccessCheck(&Descriptor, H, 1, &Map, &Set, &Length, &Granted, &Result));
    ROW(STATUS_NO_IMPERSONATION_TOKEN, NtAccessCheck(&Descriptor, Token, 1, &Map, &Set, &Length,
        &Granted, &Result));
    ROW(STATUS_GENERIC_NOT_MAPPED, NtAccessCheck(&Descriptor, Low, GENERIC_READ, &Map, &Set,
        &Length, &Granted, &Result));
    POINTER(NtAccessCheck(P, Low, 1, &Map, &Set, &Length, &Granted, &Result));
    POINTER(NtAccessCheck(&Descriptor, Low, 1, P, &Set, &Length, &Granted, &Result));
    POINTER(NtAccessCheck(&Descriptor, Low, 1, &Map, &Set, &Length, P, &Result));
    POINTER(NtAccessCheck(&Descriptor, Low, 1, &Map, &Set, &Length, &Granted, P));
    WRONG_HANDLE(NtPrivilegeCheck(H, &Set, &Has));
    POINTER(NtPrivilegeCheck(Token, P, &Has));
    ROW(STATUS_ACCESS_VIOLATION, NtPrivilegeCheck(Token, &Set, BAD));
    ROW(STATUS_INVALID_HANDLE, NtQuerySecurityObject(NOBODY, 4, Room, 4096, &Length));
    ROW(STATUS_BUFFER_TOO_SMALL, NtQuerySecurityObject(Event, 4, Room, 4, &Length));
    ROW(STATUS_ACCESS_VIOLATION, NtQuerySecurityObject(Event, 4, BAD, 4096, &Length));
    ROW(STATUS_ACCESS_VIOLATION, NtQuerySecurityObject(Event, 4, Room, 4096, BAD));
    ROW(STATUS_INVALID_HANDLE, NtSetSecurityObject(NOBODY, 4, &Descriptor));
    ROW(STATUS_ACCESS_VIOLATION, NtSetSecurityObject(Event, 4, NULL));
    ROW(STATUS_ACCESS_VIOLATION, NtSetSecurityObject(Event, 4, BAD));
    ROW(STATUS_UNKNOWN_REVISION, NtSetSecurityObject(Event, 4, &Strange));
    WRONG_HANDLE(NtImpersonateThread(H, Thread,
        &(SECURITY_QUALITY_OF_SERVICE){ .Length = sizeof(SECURITY_QUALITY_OF_SERVICE) }));
    POINTER(NtImpersonateThread(NtCurrentThread(), Thread, P));
    POINTER(NtAllocateLocallyUniqueId(P));
}

static void
Unchanged(void)
{
    PRIVILEGE_SET            Set = { 1, 0, { { { 23, 0 }, 0 } } };
    OBJECT_BASIC_INFORMATION Basic = { 0 };
    HANDLE                   All[] = { Event, Token, Low };
    BOOLEAN                  Has = FALSE;
    ULONG                    Count = 0;
    NTSTATUS                 Status;

    Promise("After all that the thread is suspended once, and the token has its privilege");
    NtQueryInformationThread(Thread, 35, &Count, sizeof Count, NULL);
    Expect(Count == 1, "suspended %lu times", Count);
    Status = NtPrivilegeCheck(Token, &Set, &Has);
    Expect(Status == STATUS_SUCCESS && Has, "the privilege: 0x%08lX, %d", (ULONG)Status, Has);
    Expect(WaitForSingleObject(Event, 0) == WAIT_TIMEOUT, "the event is set");
    for (ULONG Index = 0; Index < ARRAYSIZE(All); Index++) {
        NtQueryObject(All[Index], EtObjectBasicInformation, &Basic, sizeof Basic, NULL);
        Expect(Basic.HandleCount == 1, "object %lu has %lu handles", Index, Basic.HandleCount);
    }
}

int
main(void)
{
    SetUp();
    Opens();
    Control();
    Tokens();
    Adjusts();
    Checks();
    Unchanged();
    return Done("tseargs");
}
