/*
 * tsecurity as the student: what the administrator has closed to him, what only the administrator
 * may do, and what he may do himself.
 */
#include "tsecurity.h"

static NTSTATUS
OpenProcessOf(ULONG Id, ACCESS_MASK Access)
{
    CLIENT_ID Client = { (HANDLE)(ULONG_PTR)Id, NULL };
    HANDLE    Process;
    NTSTATUS  Status = NtOpenProcess(&Process, Access, Named(NULL, NULL), &Client);

    if (NT_SUCCESS(Status))
        NtClose(Process);
    return Status;
}

static NTSTATUS
OpenThreadOf(ULONG Id, ACCESS_MASK Access)
{
    CLIENT_ID Client = { NULL, (HANDLE)(ULONG_PTR)Id };
    HANDLE    Thread;
    NTSTATUS  Status = NtOpenThread(&Thread, Access, Named(NULL, NULL), &Client);

    if (NT_SUCCESS(Status))
        NtClose(Thread);
    return Status;
}

static void
StudentObjects(void)
{
    HANDLE   Event, More;
    NTSTATUS Status;

    Promise("The student cannot open what the administrator closed to him");
    Expect(IsUser("student"), "runas has not made a student");
    EXPECT(OpenEventAs(CLOSED, SYNCHRONIZE), STATUS_ACCESS_DENIED);
    EXPECT(OpenEventAs(CLOSED, READ_CONTROL), STATUS_ACCESS_DENIED);
    EXPECT(OpenEventAs(CLOSED, MAXIMUM_ALLOWED), STATUS_ACCESS_DENIED);
    EXPECT(OpenEventAs(CLOSED, ACCESS_SYSTEM_SECURITY), STATUS_PRIVILEGE_NOT_HELD);

    Promise("What is open to him for reading he cannot write, nor get more by duplicating");
    EXPECT(OpenEventAs(READABLE, EVENT_MODIFY_STATE), STATUS_ACCESS_DENIED);
    EXPECT(OpenEventAs(READABLE, GENERIC_WRITE), STATUS_ACCESS_DENIED);
    EXPECT(OpenEventAs(READABLE, WRITE_DAC), STATUS_ACCESS_DENIED);
    EXPECT(NtOpenEvent(&Event, GENERIC_READ | SYNCHRONIZE, Named(READABLE, NULL)), STATUS_SUCCESS);
    EXPECT(NtSetEvent(Event, NULL), STATUS_ACCESS_DENIED);
    EXPECT(NtDuplicateObject(NtCurrentProcess(), Event, NtCurrentProcess(), &More,
        EVENT_MODIFY_STATE, 0, 0), STATUS_ACCESS_DENIED);
    EXPECT(NtDuplicateObject(NtCurrentProcess(), Event, NtCurrentProcess(), &More, SYNCHRONIZE, 0,
        0), STATUS_SUCCESS);
    NtClose(More);
    NtClose(Event);
    Status = NtOpenEvent(&Event, MAXIMUM_ALLOWED, Named(READABLE, NULL));
    EXPECT(Status, STATUS_SUCCESS);
    EXPECT(NtSetEvent(Event, NULL), STATUS_ACCESS_DENIED);
    NtClose(Event);

    Promise("Where he may create and where not");
    EXPECT(NtCreateEvent(&Event, EVENT_ALL_ACCESS, Named(L"\\BaseNamedObjects\\SeMine", NULL),
        0, FALSE), STATUS_SUCCESS);
    NtClose(Event);
    EXPECT(NtCreateEvent(&Event, EVENT_ALL_ACCESS, Named(L"\\Driver\\Mine", NULL),
        0, FALSE), STATUS_ACCESS_DENIED);
    EXPECT(NtCreateEvent(&Event, EVENT_ALL_ACCESS, Named(L"\\Device\\Mine", NULL),
        0, FALSE), STATUS_ACCESS_DENIED);
    EXPECT(NtCreateDirectoryObject(&Event, DIRECTORY_QUERY, Named(L"\\??\\Mine", NULL)),
        STATUS_ACCESS_DENIED);
    EXPECT(NtOpenDirectoryObject(&Event, DIRECTORY_QUERY, Named(L"\\Driver", NULL)),
        STATUS_ACCESS_DENIED);
    EXPECT(NtOpenDirectoryObject(&Event, DIRECTORY_QUERY, Named(L"\\Device", NULL)),
        STATUS_SUCCESS);
    NtClose(Event);
    EXPECT(NtOpenEvent(&Event, SYNCHRONIZE, Named(L"\\Driver\\null", NULL)),
        STATUS_OBJECT_TYPE_MISMATCH);
}

static void
StudentSystem(ULONG Process, ULONG Thread)
{
    const LUID     Load = { 10, 0 };            // SeLoadDriverPrivilege
    HANDLE         File, Token, Pipes[2];
    IO_STATUS_BLOCK Block;

    Promise("He cannot load or stop a driver, nor shut the system down");
    EXPECT(LoadNothing(FALSE), STATUS_PRIVILEGE_NOT_HELD);
    EXPECT(LoadNothing(TRUE), STATUS_PRIVILEGE_NOT_HELD);
    EXPECT(NtShutdownSystem(EtShutdownPowerOff), STATUS_PRIVILEGE_NOT_HELD);

    Promise("He cannot open another user's process or thread");
    EXPECT(OpenProcessOf(Process, PROCESS_TERMINATE), STATUS_ACCESS_DENIED);
    EXPECT(OpenProcessOf(Process, PROCESS_QUERY_INFORMATION), STATUS_ACCESS_DENIED);
    EXPECT(OpenProcessOf(Process, MAXIMUM_ALLOWED), STATUS_ACCESS_DENIED);
    EXPECT(OpenThreadOf(Thread, THREAD_SUSPEND_RESUME), STATUS_ACCESS_DENIED);
    EXPECT(OpenProcessOf(4, PROCESS_TERMINATE), STATUS_ACCESS_DENIED);
    EXPECT(OpenProcessOf(GetCurrentProcessId(), PROCESS_ALL_ACCESS), STATUS_SUCCESS);
    EXPECT(OpenThreadOf(GetCurrentThreadId(), THREAD_ALL_ACCESS), STATUS_SUCCESS);

    Promise("He cannot become the administrator, or get a privilege he has not been given");
    Expect(!LogonUserA("administrator", NULL, NULL, LOGON32_LOGON_INTERACTIVE, 0, &Token)
        && GetLastError() == ERROR_LOGON_FAILURE, "error %lu", GetLastError());
    Expect(!LogonUserA("nobody", NULL, NULL, LOGON32_LOGON_INTERACTIVE, 0, &Token)
        && GetLastError() == ERROR_NO_SUCH_USER, "error %lu", GetLastError());
    Expect(LogonUserA("student", NULL, NULL, LOGON32_LOGON_INTERACTIVE, 0, &Token), "error %lu",
        GetLastError());
    NtClose(Token);
    EXPECT(NtOpenProcessToken(NtCurrentProcess(), TOKEN_ADJUST_PRIVILEGES, &Token),
        STATUS_SUCCESS);
    EXPECT(NtAdjustPrivilegesToken(Token, FALSE,
        &(TOKEN_PRIVILEGES){ 1, { { Load, SE_PRIVILEGE_ENABLED } } }, 0, NULL, NULL),
        STATUS_NOT_ALL_ASSIGNED);
    EXPECT(LoadNothing(FALSE), STATUS_PRIVILEGE_NOT_HELD);
    NtClose(Token);

    Promise("He makes pipes, but not with access to their audit, which takes a privilege");
    for (ULONG Times = 0; Times < 2; Times++) {             // the second time it is there
        EXPECT(NtOpenFile(&File, GENERIC_READ | ACCESS_SYSTEM_SECURITY,
            Named(L"\\??\\Example\\SePipe", NULL), &Block, 3, 0), STATUS_PRIVILEGE_NOT_HELD);
        EXPECT(NtOpenFile(&Pipes[Times], GENERIC_READ,
            Named(L"\\??\\Example\\SePipe", NULL), &Block, 3, 0), STATUS_SUCCESS);
    }
    NtClose(Pipes[0]);
    NtClose(Pipes[1]);

    Promise("He may use devices, pipes and the console");
    File = CreateFileA("\\\\.\\NUL", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    Expect(File != INVALID_HANDLE_VALUE, "NUL: error %lu", GetLastError());
    EXPECT(NtSetSecurityObject(File, DACL_SECURITY_INFORMATION,
        &(SECURITY_DESCRIPTOR){ .Revision = 1 }), STATUS_ACCESS_DENIED);
    CloseHandle(File);
}

static void
StudentOwner(void)
{
    PSECURITY_DESCRIPTOR Nobody;
    HANDLE               Event, Again;

    Promise("An owner may always read and change the DACL, and only that");
    Event = MakeEvent(L"\\BaseNamedObjects\\SeOwn", NULL);
    ConvertStringSecurityDescriptorToSecurityDescriptorA("D:", SDDL_REVISION_1, &Nobody, NULL);
    EXPECT(NtSetSecurityObject(Event, DACL_SECURITY_INFORMATION, Nobody), STATUS_SUCCESS);
    EXPECT(OpenEventAs(L"\\BaseNamedObjects\\SeOwn", SYNCHRONIZE), STATUS_ACCESS_DENIED);
    EXPECT(NtOpenEvent(&Again, READ_CONTROL | WRITE_DAC, Named(L"\\BaseNamedObjects\\SeOwn", NULL)),
        STATUS_SUCCESS);
    EXPECT(NtSetEvent(Event, NULL), STATUS_SUCCESS);    // the handle keeps what it was granted
    EXPECT(NtSetSecurityObject(Again, OWNER_SECURITY_INFORMATION, Nobody), STATUS_ACCESS_DENIED);
    LocalFree(Nobody);
    NtClose(Again);
    NtClose(Event);
}

int
Student(char **Arguments)
{
    StudentObjects();
    StudentSystem(strtoul(Arguments[2], NULL, 0), strtoul(Arguments[3], NULL, 0));
    StudentOwner();
    return Done("tsecurity-student");
}
