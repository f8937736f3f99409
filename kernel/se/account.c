/*
 * The accounts there are, and NtLogonUser, which gives a token of one.
 *
 * Two people have an account: the administrator and a student. There are no passwords, so nobody
 * can prove that he is somebody else: NtLogonUser gives a token of an account to those who act
 * for the system (SeTcbPrivilege: the system itself and the administrator), and to everybody his
 * own. What each of them may do is all in the table below.
 *
 * The SIDs are those of a Windows machine: S-1-5-21 and the machine's id (rtl.h), then 500 for
 * the administrator and numbers from 1001 on for others. A logon makes a session of its own
 * (logon.c), whose id is in the token's S-1-5-5-X-Y.
 */
#include "se/sep.h"

typedef struct _SEP_ACCOUNT {
    PCWSTR  Name;
    ULONG   RelativeId;
    BOOLEAN Administrator;
    ULONG64 Present, Enabled;
} SEP_ACCOUNT;

#define USER_PRIVILEGES     (SE_BIT(SE_CHANGE_NOTIFY_PRIVILEGE) | SE_BIT(SE_UNDOCK_PRIVILEGE) \
                             | SE_BIT(SE_INC_WORKING_SET_PRIVILEGE))

/* The programs of the shell adjust no privileges, so the administrator's are mostly enabled. */
static const SEP_ACCOUNT SepAccounts[] = {
    { L"administrator", 500, TRUE,
      SEP_ALL_PRIVILEGES & ~(SE_BIT(SE_CREATE_TOKEN_PRIVILEGE) | SE_BIT(SE_AUDIT_PRIVILEGE)
                             | SE_BIT(SE_RELABEL_PRIVILEGE)),
      USER_PRIVILEGES | SE_BIT(SE_TCB_PRIVILEGE) | SE_BIT(SE_LOAD_DRIVER_PRIVILEGE)
      | SE_BIT(SE_SHUTDOWN_PRIVILEGE) | SE_BIT(SE_DEBUG_PRIVILEGE)
      | SE_BIT(SE_IMPERSONATE_PRIVILEGE)
      | SE_BIT(SE_CREATE_GLOBAL_PRIVILEGE) | SE_BIT(SE_ASSIGNPRIMARYTOKEN_PRIVILEGE)
      | SE_BIT(SE_CREATE_PERMANENT_PRIVILEGE) | SE_BIT(SE_INC_BASE_PRIORITY_PRIVILEGE)
      | SE_BIT(SE_PROF_SINGLE_PROCESS_PRIVILEGE) | SE_BIT(SE_CREATE_SYMBOLIC_LINK_PRIVILEGE) },
    { L"student", 1001, FALSE, USER_PRIVILEGES | SE_BIT(SE_TIME_ZONE_PRIVILEGE),
      SE_BIT(SE_CHANGE_NOTIFY_PRIVILEGE) },
};

#define SEP_LONGEST_NAME    32
#define SEP_MEMBER      (SE_GROUP_MANDATORY | SE_GROUP_ENABLED_BY_DEFAULT | SE_GROUP_ENABLED)
#define SEP_SID_ROOM    (FIELD_OFFSET(SID, SubAuthority) + 5 * sizeof(ULONG))

static PSID
SepMakeSid(PUCHAR Room, ULONG Count, const ULONG *Parts)
{
    static SID_IDENTIFIER_AUTHORITY Authority = { SECURITY_NT_AUTHORITY };

    RtlInitializeSid(Room, &Authority, (UCHAR)Count);
    RtlCopyMemory(((SID *)Room)->SubAuthority, Parts, Count * sizeof(ULONG));
    return Room;
}

/* A token of a new session of the account, not inserted. */
static NTSTATUS
SepLogonAccount(const SEP_ACCOUNT *Account, PTOKEN *Token)
{
    PSEP_LOGON    Logon;
    LUID          Id;
    NTSTATUS      Status;
    UCHAR         User[SEP_SID_ROOM], Group[SEP_SID_ROOM], Session[SEP_SID_ROOM], Buffer[128];
    PACL          Dacl = (PACL)Buffer;
    const ULONG   UserParts[5] = { 21, RTL_MACHINE_ID, Account->RelativeId };
    const ULONG   GroupParts[5] = { 21, RTL_MACHINE_ID, 513 };
    SID_AND_ATTRIBUTES Sids[9] = {
        { SepMakeSid(User, 5, UserParts), 0 }, { SepMakeSid(Group, 5, GroupParts), SEP_MEMBER },
        { SepExports.SeWorldSid, SEP_MEMBER }, { SepExports.SeAliasUsersSid, SEP_MEMBER },
        { SepExports.SeInteractiveSid, SEP_MEMBER },
        { SepExports.SeAuthenticatedUsersSid, SEP_MEMBER },
        { Session, SEP_MEMBER | SE_GROUP_LOGON_ID }, { SepExports.SeLocalSid, SEP_MEMBER },
        { SepExports.SeAliasAdminsSid, SEP_MEMBER | SE_GROUP_OWNER },
    };
    SEP_NEW_TOKEN New = {
        .Type = TokenPrimary, .Level = SecurityAnonymous, .Sids = Sids,
        .SidCount = Account->Administrator ? 9 : 8, .Present = Account->Present,
        .Enabled = Account->Enabled, .EnabledByDefault = Account->Enabled,
        .DefaultOwnerIndex = Account->Administrator ? 8 : 0, .PrimaryGroupIndex = 1,
        .DefaultDacl = Dacl, .ExpirationTime.QuadPart = MAXLONGLONG,
        .Source = { "Logon   ", { 0, 0 } },
    };

    ExAllocateLocallyUniqueId(&Id);
    SepMakeSid(Session, 3, (ULONG[]){ SECURITY_LOGON_IDS_RID, (ULONG)Id.HighPart, Id.LowPart });
    New.AuthenticationId = Id;
    RtlCreateAcl(Dacl, sizeof Buffer, ACL_REVISION);
    RtlAddAccessAllowedAce(Dacl, ACL_REVISION, GENERIC_ALL, Sids[New.DefaultOwnerIndex].Sid);
    RtlAddAccessAllowedAce(Dacl, ACL_REVISION, GENERIC_ALL, SepExports.SeLocalSystemSid);
    Dacl->AclSize = (USHORT)RtlpAclUsed(Dacl);

    Logon = SepNewLogon(Id);
    if (Logon == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    Status = SepCreateToken(&New, NULL, KernelMode, Token);
    SepDereferenceLogon(Logon);
    return Status;
}

/* Whether the caller is this account's user. */
static BOOLEAN
SepIsOwnAccount(const SEP_ACCOUNT *Account)
{
    PTOKEN Token = SepPrimaryOf((PKTHREAD)KeGetCurrentThread());
    UCHAR  Room[SEP_SID_ROOM];

    return RtlEqualSid(Token->UserAndGroups[0].Sid,
                       SepMakeSid(Room, 5, (ULONG[]){ 21, RTL_MACHINE_ID, Account->RelativeId }));
}

static const SEP_ACCOUNT *
SepFindAccount(PUNICODE_STRING Name)
{
    UNICODE_STRING Known;

    for (ULONG Index = 0; Index < RTL_NUMBER_OF(SepAccounts); Index++) {
        RtlInitUnicodeString(&Known, SepAccounts[Index].Name);
        if (RtlEqualUnicodeString(&Known, Name, TRUE))
            return &SepAccounts[Index];
    }
    return NULL;
}

/*
 * System service, Etude's own: a handle, with all access, to a primary token of a new logon
 * session of the named account. STATUS_NO_SUCH_USER, STATUS_LOGON_FAILURE: see the top.
 */
NTSTATUS NTAPI
NtLogonUser(PUNICODE_STRING UserName, PHANDLE TokenHandle)
{
    KPROCESSOR_MODE    Mode = KeGetPreviousMode();
    WCHAR              Buffer[SEP_LONGEST_NAME];
    UNICODE_STRING     Name;
    const SEP_ACCOUNT *Account;
    PTOKEN             Token;
    NTSTATUS           Status = ObProbeHandle(TokenHandle, Mode);

    PAGED_CODE();

    if (!NT_SUCCESS(Status))
        return Status;
    __try {
        if (Mode != KernelMode)
            ProbeForRead(UserName, sizeof *UserName, sizeof(ULONG));
        Name = *(volatile UNICODE_STRING *)UserName;
        if (Name.Length > sizeof Buffer || (Name.Length & 1))
            return STATUS_NO_SUCH_USER;
        if (Mode != KernelMode)
            ProbeForRead(Name.Buffer, Name.Length, sizeof(WCHAR));
        RtlCopyMemory(Buffer, Name.Buffer, Name.Length);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    Name.Buffer = Buffer;

    Account = SepFindAccount(&Name);
    if (Account == NULL)
        return STATUS_NO_SUCH_USER;
    if (!SeHasPrivilege(SE_TCB_PRIVILEGE, Mode) && !SepIsOwnAccount(Account))
        return STATUS_LOGON_FAILURE;
    Status = SepLogonAccount(Account, &Token);
    if (!NT_SUCCESS(Status))
        return Status;
    return ObInsertService(Token, TOKEN_ALL_ACCESS, TokenHandle, Mode);
}
