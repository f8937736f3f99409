/*
 * Security as programs see it. Run by the administrator it checks tokens, descriptors and
 * impersonation, leaves two events of his own about, and runs itself as the student, who must be
 * refused what is closed to him and may do the rest.
 */
#include "tsecurity.h"

OBJECT_ATTRIBUTES *
Named(PCWSTR Name, PSECURITY_DESCRIPTOR Descriptor)
{
    static OBJECT_ATTRIBUTES Attributes;
    static UNICODE_STRING    String;

    RtlInitUnicodeString(&String, Name);
    InitializeObjectAttributes(&Attributes, Name ? &String : NULL, 0, NULL, Descriptor);
    return &Attributes;
}

NTSTATUS
OpenEventAs(PCWSTR Name, ACCESS_MASK Access)
{
    HANDLE   Event;
    NTSTATUS Status = NtOpenEvent(&Event, Access, Named(Name, NULL));

    if (NT_SUCCESS(Status))
        NtClose(Event);
    return Status;
}

HANDLE
MakeEvent(PCWSTR Name, const char *Sddl)
{
    PSECURITY_DESCRIPTOR Descriptor = NULL;
    HANDLE               Event = NULL;
    NTSTATUS             Status;

    if (Sddl)
        Expect(ConvertStringSecurityDescriptorToSecurityDescriptorA(Sddl, SDDL_REVISION_1,
            &Descriptor, NULL), "%s is refused", Sddl);
    Status = NtCreateEvent(&Event, EVENT_ALL_ACCESS, Named(Name, Descriptor), 0,
        FALSE);
    Expect(Status == STATUS_SUCCESS, "an event with %s: 0x%08X", Sddl, Status);
    LocalFree(Descriptor);
    return Event;
}

NTSTATUS
LoadNothing(BOOL Unload)
{
    UNICODE_STRING Key;

    RtlInitUnicodeString(&Key,
        L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\nosuchservice");
    return Unload ? NtUnloadDriver(&Key) : NtLoadDriver(&Key);
}

/* ---- as the administrator ---- */

static void
TestToken(void)
{
    const LUID       Load = { 10, 0 };
    TOKEN_PRIVILEGES Off = { 1, { { Load, 0 } } }, Old;
    HANDLE           Token, Low;
    DWORD            Length, Type;
    union { TOKEN_USER User; UCHAR Room[128]; } User;
    LPSTR            Text = NULL;

    Promise("A program has a token that says who it acts for");
    Expect(IsUser("administrator"), "the shell's programs do not act as the administrator");
    EXPECT(NtOpenProcessToken(NtCurrentProcess(), TOKEN_ALL_ACCESS, &Token), STATUS_SUCCESS);
    EXPECT(NtQueryInformationToken(Token, TokenUser, NULL, 0, &Length), STATUS_BUFFER_TOO_SMALL);
    EXPECT(NtQueryInformationToken(Token, TokenUser, &User, Length, &Length), STATUS_SUCCESS);
    Expect(ConvertSidToStringSidA(User.User.User.Sid, &Text)
        && strstr(Text, "-500") != NULL, "the user is %s", Text);
    LocalFree(Text);
    EXPECT(NtQueryInformationToken(Token, TokenType, &Type, sizeof Type, &Length), STATUS_SUCCESS);
    Expect(Type == TokenPrimary, "type %lu", Type);
    EXPECT(NtQueryInformationToken(Token, 99, &Type, sizeof Type, &Length),
        STATUS_INVALID_INFO_CLASS);
    EXPECT(NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &Low), STATUS_NO_TOKEN);

    Promise("A privilege counts while it is enabled");
    EXPECT(LoadNothing(FALSE), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT(NtAdjustPrivilegesToken(Token, FALSE, &Off, 4, &Old, &Length), STATUS_BUFFER_TOO_SMALL);
    EXPECT(LoadNothing(FALSE), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT(NtAdjustPrivilegesToken(Token, FALSE, &Off, sizeof Old, &Old, &Length), STATUS_SUCCESS);
    EXPECT(LoadNothing(FALSE), STATUS_PRIVILEGE_NOT_HELD);
    EXPECT(NtAdjustPrivilegesToken(Token, FALSE, &Old, 0, NULL, NULL), STATUS_SUCCESS);
    EXPECT(LoadNothing(FALSE), STATUS_OBJECT_NAME_NOT_FOUND);
    NtClose(Token);
}

static void
TestGroups(void)
{
    UCHAR         Answer[64];
    PTOKEN_GROUPS Old = (PTOKEN_GROUPS)Answer;
    TOKEN_GROUPS  New = { 1, { { NULL, SE_GROUP_ENABLED } } };
    DWORD         Length = 0;
    PSID          World, Nobody;
    HANDLE        Token;

    Promise("Groups that are mandatory stay enabled; what was changed of the others is told");
    NtOpenProcessToken(NtCurrentProcess(), TOKEN_ALL_ACCESS, &Token);
    ConvertStringSidToSidA("S-1-1-0", &World);
    ConvertStringSidToSidA("S-1-0-0", &Nobody);
    New.Groups[0].Sid = World;
    EXPECT(NtAdjustGroupsToken(Token, FALSE, &New, 4, Old, &Length), STATUS_BUFFER_TOO_SMALL);
    Expect(Length == FIELD_OFFSET(TOKEN_GROUPS, Groups), "%lu bytes are needed", Length);
    EXPECT(NtAdjustGroupsToken(Token, FALSE, &New, sizeof Answer, Old, &Length), STATUS_SUCCESS);
    Expect(Old->GroupCount == 0, "%lu groups changed", Old->GroupCount);
    EXPECT(NtAdjustGroupsToken(Token, TRUE, NULL, sizeof Answer, Old, &Length), STATUS_SUCCESS);
    Expect(Old->GroupCount == 0, "%lu groups changed by a reset", Old->GroupCount);
    New.Groups[0].Attributes = 0;
    EXPECT(NtAdjustGroupsToken(Token, FALSE, &New, 0, NULL, NULL), STATUS_CANT_DISABLE_MANDATORY);
    New.Groups[0].Sid = Nobody;
    EXPECT(NtAdjustGroupsToken(Token, FALSE, &New, 0, NULL, NULL), STATUS_NOT_ALL_ASSIGNED);
    LocalFree(World);
    LocalFree(Nobody);
    NtClose(Token);
}

static void
TestImpersonation(void)
{
    HANDLE Token, Low, Open;

    Promise("A thread that acts for the student is refused what he is refused");
    Expect(LogonUserA("student", NULL, NULL, LOGON32_LOGON_INTERACTIVE, LOGON32_PROVIDER_DEFAULT,
        &Token), "error %lu", GetLastError());
    EXPECT(OpenEventAs(CLOSED, EVENT_ALL_ACCESS), STATUS_SUCCESS);
    Expect(ImpersonateLoggedOnUser(Token), "error %lu", GetLastError());
    Expect(IsUser("student"), "not the student");
    EXPECT(OpenEventAs(CLOSED, SYNCHRONIZE), STATUS_ACCESS_DENIED);
    EXPECT(LoadNothing(FALSE), STATUS_PRIVILEGE_NOT_HELD);
    EXPECT(NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &Open), STATUS_SUCCESS);
    NtClose(Open);
    RevertToSelf();
    Expect(IsUser("administrator"), "not the administrator again");
    EXPECT(OpenEventAs(CLOSED, EVENT_ALL_ACCESS), STATUS_SUCCESS);

    Promise("At the level of identification he is known, and can do nothing");
    Expect(DuplicateToken(Token, SecurityIdentification, &Low), "error %lu", GetLastError());
    Expect(ImpersonateLoggedOnUser(Low), "error %lu", GetLastError());
    EXPECT(OpenEventAs(READABLE, SYNCHRONIZE), STATUS_BAD_IMPERSONATION_LEVEL);
    RevertToSelf();
    EXPECT(NtDuplicateToken(Low, 0, NULL, FALSE, TokenPrimary, &Open),
        STATUS_ACCESS_DENIED);                  // DuplicateToken asks for no right to copy
    NtClose(Low);
    NtClose(Token);
}

static void
TestRestricted(void)
{
    UCHAR              Sid[68];
    DWORD              Length = sizeof Sid, Room = 64;
    char               Domain[64];
    SID_NAME_USE       Use;
    SID_AND_ATTRIBUTES Admins = { Sid, 0 };
    HANDLE             Token, Less;

    Promise("A token without its administrators' group and privileges opens less");
    Expect(LookupAccountNameA(NULL, "Administrators", Sid, &Length, Domain, &Room, &Use),
        "error %lu", GetLastError());
    OpenProcessToken(NtCurrentProcess(), TOKEN_ALL_ACCESS, &Token);
    Expect(CreateRestrictedToken(Token, DISABLE_MAX_PRIVILEGE, 1, &Admins, 0, NULL, 0, NULL, &Less),
        "error %lu", GetLastError());
    Expect(ImpersonateLoggedOnUser(Less), "error %lu", GetLastError());
    EXPECT(OpenEventAs(CLOSED, SYNCHRONIZE), STATUS_ACCESS_DENIED);
    EXPECT(LoadNothing(FALSE), STATUS_PRIVILEGE_NOT_HELD);
    RevertToSelf();
    NtClose(Less);
    NtClose(Token);
}

static void
TestDescriptors(HANDLE Closed)
{
    static ULONG64       Buffer[64];
    const char          *Sddl = "O:BAG:BUD:P(D;;GW;;;WD)(A;CIOI;GRGX;;;AU)(A;;0x12345;;;" STUDENT
        ")";
    PSECURITY_DESCRIPTOR Descriptor;
    ULONG                Needed;
    HANDLE               Weak, Thread;
    LPSTR                Text = NULL;

    Promise("SDDL reads back as it was written, and nonsense is refused");
    Expect(ConvertStringSecurityDescriptorToSecurityDescriptorA(Sddl, 1, &Descriptor, NULL),
        "error %lu", GetLastError());
    ConvertSecurityDescriptorToStringSecurityDescriptorA(Descriptor, 1, 7, &Text, NULL);
    Expect(Text && strcmp(Text, "O:BAG:BUD:P(D;;GW;;;WD)(A;OICI;GRGX;;;AU)(A;;0x12345;;;" STUDENT
        ")") == 0, "%s", Text);
    LocalFree(Descriptor);
    LocalFree(Text);
    Expect(!ConvertStringSecurityDescriptorToSecurityDescriptorA("D:(A;;GA;;;XX)", 1, &Descriptor,
        NULL), "an unknown SID is taken");
    Expect(!ConvertStringSecurityDescriptorToSecurityDescriptorA("D:(A;;GA;;;WD", 1, &Descriptor,
        NULL), "half an entry is taken");

    Promise("A descriptor is read with READ_CONTROL, in full or not at all");
    EXPECT(NtQuerySecurityObject(Closed, DACL_SECURITY_INFORMATION, NULL, 0, &Needed),
        STATUS_BUFFER_TOO_SMALL);
    EXPECT(NtQuerySecurityObject(Closed, DACL_SECURITY_INFORMATION, Buffer, Needed - 1, &Needed),
        STATUS_BUFFER_TOO_SMALL);
    EXPECT(NtQuerySecurityObject(Closed, DACL_SECURITY_INFORMATION, Buffer, Needed, &Needed),
        STATUS_SUCCESS);
    NtDuplicateObject(NtCurrentProcess(), Closed, NtCurrentProcess(), &Weak, SYNCHRONIZE, 0, 0);
    EXPECT(NtQuerySecurityObject(Weak, DACL_SECURITY_INFORMATION, Buffer, sizeof Buffer, &Needed),
        STATUS_ACCESS_DENIED);
    EXPECT(NtQuerySecurityObject(Closed, SACL_SECURITY_INFORMATION, Buffer, sizeof Buffer, &Needed),
        STATUS_ACCESS_DENIED);

    Promise("It is changed with WRITE_DAC and WRITE_OWNER, and an owner must be assignable");
    EXPECT(NtSetSecurityObject(Weak, DACL_SECURITY_INFORMATION, Buffer), STATUS_ACCESS_DENIED);
    ConvertStringSecurityDescriptorToSecurityDescriptorA("O:" STUDENT, 1, &Descriptor, NULL);
    EXPECT(NtSetSecurityObject(Closed, OWNER_SECURITY_INFORMATION, Descriptor),
        STATUS_INVALID_OWNER);
    LocalFree(Descriptor);
    ConvertStringSecurityDescriptorToSecurityDescriptorA("O:LA", 1, &Descriptor, NULL);
    EXPECT(NtSetSecurityObject(Closed, OWNER_SECURITY_INFORMATION, Descriptor), STATUS_SUCCESS);
    LocalFree(Descriptor);
    EXPECT(NtQuerySecurityObject(Closed, 7, Buffer, sizeof Buffer, &Needed), STATUS_SUCCESS);
    ConvertSecurityDescriptorToStringSecurityDescriptorA(Buffer, 1, 7, &Text, NULL);
    Expect(Text && strncmp(Text, "O:LAG:", 6) == 0 && strstr(Text, ";;;BA)") != NULL, "%s", Text);
    LocalFree(Text);
    NtClose(Weak);
    EXPECT(NtDuplicateObject(NtCurrentProcess(), NtCurrentThread(), NtCurrentProcess(), &Thread, 0,
        0, DUPLICATE_SAME_ACCESS), STATUS_SUCCESS);
    EXPECT(NtQuerySecurityObject(Thread, 7, Buffer, sizeof Buffer, &Needed), STATUS_SUCCESS);
    NtClose(Thread);
}

static void
TestBadPointers(HANDLE Event)
{
    NTSTATUS (NTAPI *Logon)(PUNICODE_STRING, PHANDLE) =
        (PVOID)GetProcAddress(GetModuleHandleA("ntdll.dll"), "NtLogonUser");
    PVOID    Bad = (PVOID)0x10, Kernel = (PVOID)0xFFFF800000000000;
    HANDLE   Token, New;
    ULONG    Length = 16, Value;
    NTSTATUS Answer;
    GENERIC_MAPPING Mapping = { 0 };

    Promise("Bad pointers to the security services do no harm");
    NtOpenProcessToken(NtCurrentProcess(), TOKEN_ALL_ACCESS, &Token);
    EXPECT(NtOpenProcessToken(NtCurrentProcess(), TOKEN_QUERY, Kernel), STATUS_ACCESS_VIOLATION);
    EXPECT(NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, FALSE, Bad), STATUS_ACCESS_VIOLATION);
    EXPECT(NtDuplicateToken(Token, 0, Bad, FALSE, TokenPrimary, &New), STATUS_ACCESS_VIOLATION);
    EXPECT(NtDuplicateToken(Token, 0, NULL, FALSE, TokenPrimary, Kernel), STATUS_ACCESS_VIOLATION);
    EXPECT(NtDuplicateToken(Token, 0, NULL, FALSE, 7, &New), STATUS_INVALID_PARAMETER);
    EXPECT(NtFilterToken(Token, 0, Bad, NULL, NULL, &New), STATUS_ACCESS_VIOLATION);
    EXPECT(NtFilterToken(Token, 0x80, NULL, NULL, NULL, &New), STATUS_INVALID_PARAMETER);
    EXPECT(NtAdjustPrivilegesToken(Token, FALSE, Kernel, 0, NULL, NULL), STATUS_ACCESS_VIOLATION);
    EXPECT(NtAdjustPrivilegesToken(Token, FALSE, NULL, 0, NULL, NULL), STATUS_INVALID_PARAMETER);
    EXPECT(NtAdjustGroupsToken(Token, FALSE, Bad, 0, NULL, NULL), STATUS_ACCESS_VIOLATION);
    EXPECT(NtQueryInformationToken(Token, TokenUser, Kernel, 100, &Length),
        STATUS_ACCESS_VIOLATION);
    EXPECT(NtQueryInformationToken(Token, TokenUser, NULL, 0, Bad), STATUS_ACCESS_VIOLATION);
    EXPECT(NtQueryInformationToken(Event, TokenUser, NULL, 0, &Length),
        STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT(NtSetInformationToken(Token, TokenOwner, Bad, 8), STATUS_ACCESS_VIOLATION);
    EXPECT(NtSetInformationToken(Token, TokenOwner, &Bad, 8), STATUS_ACCESS_VIOLATION);
    EXPECT(NtSetInformationToken(Token, TokenOwner, &Bad, 4), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT(NtAccessCheck(Bad, Token, 1, &Mapping, Bad, &Length, &Value, &Answer),
        STATUS_NO_IMPERSONATION_TOKEN);
    EXPECT(NtAccessCheck(Bad, Token, GENERIC_READ, &Mapping, Bad, &Length, &Value, &Answer),
        STATUS_GENERIC_NOT_MAPPED);
    EXPECT(NtPrivilegeCheck(Token, Kernel, (PBOOLEAN)&Value), STATUS_ACCESS_VIOLATION);
    EXPECT(NtQuerySecurityObject(Event, 7, Kernel, 100, &Length), STATUS_ACCESS_VIOLATION);
    EXPECT(NtQuerySecurityObject(Event, 7, NULL, 0, Bad), STATUS_ACCESS_VIOLATION);
    EXPECT(NtSetSecurityObject(Event, DACL_SECURITY_INFORMATION, Bad), STATUS_ACCESS_VIOLATION);
    EXPECT(NtSetSecurityObject(Event, DACL_SECURITY_INFORMATION, Kernel), STATUS_ACCESS_VIOLATION);
    EXPECT(NtAllocateLocallyUniqueId(Bad), STATUS_ACCESS_VIOLATION);
    EXPECT(Logon(Bad, &New), STATUS_ACCESS_VIOLATION);
    EXPECT(NtSetInformationThread(NtCurrentThread(), EtThreadImpersonationToken, &Event,
        sizeof Event), STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT(NtSetInformationThread(NtCurrentThread(), EtThreadImpersonationToken, &Token,
        sizeof Token), STATUS_BAD_TOKEN_TYPE);
    NtClose(Token);
}

/* NUL's descriptor is changed, and given back. */
static void
TestBehindDevice(void)
{
    ULONG64              Before[32];
    PSECURITY_DESCRIPTOR ReadOnly;
    IO_STATUS_BLOCK      Block;
    HANDLE               Device, File;
    ULONG                Needed;

    Promise("A model driver's device guards the names behind it as it guards its own");
    EXPECT(NtOpenFile(&Device, READ_CONTROL | WRITE_DAC, Named(L"\\Device\\Null", NULL), &Block,
        0, 0), STATUS_SUCCESS);
    EXPECT(NtQuerySecurityObject(Device, DACL_SECURITY_INFORMATION, Before, sizeof Before, &Needed),
        STATUS_SUCCESS);
    ConvertStringSecurityDescriptorToSecurityDescriptorA("D:(A;;GR;;;BA)", SDDL_REVISION_1,
        &ReadOnly, NULL);
    EXPECT(NtSetSecurityObject(Device, DACL_SECURITY_INFORMATION, ReadOnly), STATUS_SUCCESS);
    EXPECT(NtOpenFile(&File, FILE_WRITE_DATA, Named(L"\\Device\\Null", NULL), &Block, 0, 0),
        STATUS_ACCESS_DENIED);
    EXPECT(NtOpenFile(&File, FILE_WRITE_DATA, Named(L"\\Device\\Null\\x", NULL), &Block, 0, 0),
        STATUS_ACCESS_DENIED);
    EXPECT(NtOpenFile(&File, FILE_READ_DATA, Named(L"\\Device\\Null\\x", NULL), &Block, 0, 0),
        STATUS_SUCCESS);
    NtClose(File);
    EXPECT(NtSetSecurityObject(Device, DACL_SECURITY_INFORMATION, Before), STATUS_SUCCESS);
    NtClose(Device);
    LocalFree(ReadOnly);
}

int
main(int Count, char **Arguments)
{
    static const char *const Tags[] = { "Toke", "SeAc", "SeSd", "SeQu", "SePr", "SeLo", "ObSe" };
    ULONG64 Blocks[ARRAYSIZE(Tags)], Bytes, After;
    char    Line[128];
    HANDLE  Closed, Readable;
    ULONG   Handles, Result;

    if (Count == 4 && strcmp(Arguments[1], "student") == 0)
        return Student(Arguments);
    sprintf(Line, "runas student tsecurity student %lu %lu", GetCurrentProcessId(),
        GetCurrentThreadId());
    RunProgram("runas student ps");                     // what is made once is there now
    Handles = HandleCount();
    PoolTag("Toke", &After, &Bytes);
    for (ULONG Quiet = 0; Quiet < 20; Quiet++) {        // its last process may still be going
        Sleep(5);
        PoolTag("Toke", &Blocks[0], &Bytes);
        if (Blocks[0] != After)
            Quiet = 0;
        After = Blocks[0];
    }
    for (ULONG Index = 0; Index < ARRAYSIZE(Tags); Index++)
        PoolTag(Tags[Index], &Blocks[Index], &Bytes);

    Closed = MakeEvent(CLOSED, "D:P(A;;GA;;;BA)");
    Readable = MakeEvent(READABLE, "D:P(A;;GA;;;BA)(A;;GR;;;WD)(A;;0x100000;;;AU)");
    TestToken();
    TestGroups();
    TestImpersonation();
    TestRestricted();
    Promise("The student, whom runas starts, is kept to what he may do");
    Result = RunProgram(Line);
    Expect(Result == 0, "0x%08lX", Result);
    TestDescriptors(Closed);
    TestBadPointers(Readable);
    TestBehindDevice();
    TestKeys();
    NtClose(Closed);
    NtClose(Readable);

    Promise("Every handle, token and descriptor is given back");
    Expect(HandleCount() == Handles, "%lu handles, %lu before", HandleCount(), Handles);
    for (ULONG Index = 0; Index < ARRAYSIZE(Tags); Index++)
        ExpectTag(Tags[Index], Blocks[Index]);
    return Done("tsecurity");
}
