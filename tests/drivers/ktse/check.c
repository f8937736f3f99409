/*
 * Access checks: every row of a table is a descriptor, a token, wanted rights, and what must come
 * of it.
 */
#include "ktse.h"

#define R   0x1                                 // rights of an invented type
#define W   0x2
#define X   0x4
#define ALL (STANDARD_RIGHTS_REQUIRED | R | W | X)

static GENERIC_MAPPING KtMapping = { READ_CONTROL | R, READ_CONTROL | W, READ_CONTROL | X, ALL };

VOID
KtMakeDescriptor(PKT_DESCRIPTOR To, PSID Owner, BOOLEAN WithDacl, const KT_ACE *Aces, ULONG Count)
{
    PACL Acl = (PACL)To->Acl;

    RtlCreateSecurityDescriptor(&To->Descriptor, SECURITY_DESCRIPTOR_REVISION);
    RtlSetOwnerSecurityDescriptor(&To->Descriptor, Owner, FALSE);
    RtlSetGroupSecurityDescriptor(&To->Descriptor, Owner, FALSE);
    if (!WithDacl)
        return;
    RtlCreateAcl(Acl, sizeof To->Acl, ACL_REVISION);
    for (ULONG Index = 0; Index < Count && Aces[Index].Mask != 0; Index++) {
        PACE_HEADER Ace;

        RtlAddAccessAllowedAceEx(Acl, ACL_REVISION, 0, Aces[Index].Mask & ~KT_DENY,
                                 *Aces[Index].Sid);
        RtlGetAce(Acl, Index, (PVOID *)&Ace);
        if (Aces[Index].Mask & KT_DENY)
            Ace->AceType = ACCESS_DENIED_ACE_TYPE;
    }
    RtlSetDaclSecurityDescriptor(&To->Descriptor, TRUE, Acl, FALSE);
}

typedef struct _KT_ROW {
    PSID       *Owner;
    BOOLEAN     WithDacl;
    KT_ACE      Aces[3];
    KT_TOKEN    Token;
    ACCESS_MASK Wanted, Before;
    NTSTATUS    Status;
    ACCESS_MASK Granted;
} KT_ROW;

static BOOLEAN
KtCheckRow(const KT_ROW *Row)
{
    SECURITY_SUBJECT_CONTEXT Subject = { NULL, SecurityAnonymous, KtTokens[Row->Token], NULL };
    KT_DESCRIPTOR            Descriptor;
    ACCESS_MASK              Granted = 0xDEAD;
    NTSTATUS                 Status = 0xDEAD;
    BOOLEAN                  Answer;

    KtMakeDescriptor(&Descriptor, *Row->Owner, Row->WithDacl, Row->Aces, 3);
    Answer = SeAccessCheck(&Descriptor.Descriptor, &Subject, FALSE, Row->Wanted, Row->Before, NULL,
                           &KtMapping, UserMode, &Granted, &Status);
    if (Answer == NT_SUCCESS(Row->Status) && Status == Row->Status && Granted == Row->Granted)
        return TRUE;
    DbgPrint("ktse: answer %u, status %08x, granted %x instead of %08x, %x\n", Answer, Status,
             Granted, Row->Status, Row->Granted);
    return FALSE;
}

#define DENIED          STATUS_ACCESS_DENIED
#define WORLD           &SeExports->SeWorldSid
#define ADMINS          &SeExports->SeAliasAdminsSid
#define USERS           &SeExports->SeAliasUsersSid
#define SYSTEM          &SeExports->SeLocalSystemSid
#define GUESTS          &SeExports->SeAliasGuestsSid
#define READ_OWNER      (READ_CONTROL | WRITE_DAC)

static VOID
KtCheckRows(const KT_ROW *Rows, ULONG Count)
{
    for (ULONG Index = 0; Index < Count; Index++) {
        if (!KtCheckRow(&Rows[Index])) {
            DbgPrint("ktse: row %u of %u\n", Index, Count);
            KtFail("a row of the table", Index);
        }
    }
}

static VOID
KtCheckEntries(VOID)
{
    const KT_ROW Rows[] = {
        /* No DACL, an empty one, plain entries. */
        { GUESTS, FALSE, { { 0 } }, KtDenied, ALL, 0, STATUS_SUCCESS, ALL },
        { GUESTS, FALSE, { { 0 } }, KtDenied, MAXIMUM_ALLOWED, 0, STATUS_SUCCESS, ALL },
        { GUESTS, TRUE, { { 0 } }, KtPlain, R, 0, DENIED, 0 },
        { GUESTS, TRUE, { { 0 } }, KtPlain, MAXIMUM_ALLOWED, 0, DENIED, 0 },
        { GUESTS, TRUE, { { R, WORLD } }, KtPlain, R, 0, STATUS_SUCCESS, R },
        { GUESTS, TRUE, { { R, WORLD } }, KtPlain, R | W, 0, DENIED, 0 },
        { GUESTS, TRUE, { { R, WORLD }, { W, SYSTEM } }, KtPlain, R | W, 0, STATUS_SUCCESS, R | W },
        { GUESTS, TRUE, { { R, GUESTS } }, KtPlain, R, 0, DENIED, 0 },
        /* What was granted before counts. */
        { GUESTS, TRUE, { { R, WORLD } }, KtPlain, R | W, W, STATUS_SUCCESS, R | W },
        { GUESTS, TRUE, { { 0 } }, KtPlain, 0, X, STATUS_SUCCESS, X },
        { GUESTS, TRUE, { { R, WORLD } }, KtPlain, 0, 0, DENIED, 0 },
        /* Order: the first that speaks of a right decides it. */
        { GUESTS, TRUE, { { KT_DENY | W, WORLD }, { R | W, SYSTEM } }, KtPlain, R, 0,
          STATUS_SUCCESS, R },
        { GUESTS, TRUE, { { KT_DENY | W, WORLD }, { R | W, SYSTEM } }, KtPlain, R | W, 0, DENIED,
          0 },
        { GUESTS, TRUE, { { R | W, SYSTEM }, { KT_DENY | W, WORLD } }, KtPlain, R | W, 0,
          STATUS_SUCCESS, R | W },
        { GUESTS, TRUE, { { KT_DENY | W, WORLD }, { R | W | X, SYSTEM } }, KtPlain,
          MAXIMUM_ALLOWED, 0, STATUS_SUCCESS, R | X },
        { GUESTS, TRUE, { { R, WORLD } }, KtPlain, MAXIMUM_ALLOWED | W, 0, DENIED, 0 },
        /* The owner. */
        { SYSTEM, TRUE, { { 0 } }, KtPlain, READ_OWNER, 0, STATUS_SUCCESS, READ_OWNER },
        { SYSTEM, TRUE, { { 0 } }, KtPlain, READ_OWNER | DELETE, 0, DENIED, 0 },
        { ADMINS, TRUE, { { 0 } }, KtPlain, WRITE_DAC, 0, STATUS_SUCCESS, WRITE_DAC },
        { ADMINS, TRUE, { { 0 } }, KtDenied, WRITE_DAC, 0, DENIED, 0 },
        { SYSTEM, TRUE, { { KT_DENY | WRITE_DAC, WORLD } }, KtPlain, WRITE_DAC, 0, STATUS_SUCCESS,
          WRITE_DAC },
    };

    KtCheckRows(Rows, RTL_NUMBER_OF(Rows));
}

static VOID
KtCheckKinds(VOID)
{
    const KT_ROW Rows[] = {
        /* Generic rights, in the entry and in what is wanted. */
        { GUESTS, TRUE, { { GENERIC_READ, WORLD } }, KtPlain, R | READ_CONTROL, 0, STATUS_SUCCESS,
          R | READ_CONTROL },
        { GUESTS, TRUE, { { R | READ_CONTROL, WORLD } }, KtPlain, GENERIC_READ, 0, STATUS_SUCCESS,
          R | READ_CONTROL },
        { GUESTS, TRUE, { { GENERIC_ALL, WORLD } }, KtPlain, GENERIC_ALL, 0, STATUS_SUCCESS, ALL },
        /* Groups that are there for denials only. */
        { GUESTS, TRUE, { { R, ADMINS } }, KtDenied, R, 0, DENIED, 0 },
        { GUESTS, TRUE, { { KT_DENY | R, ADMINS }, { R, WORLD } }, KtDenied, R, 0, DENIED, 0 },
        { GUESTS, TRUE, { { R, ADMINS } }, KtPlain, R, 0, STATUS_SUCCESS, R },
        /* A restricting SID must be granted it too. */
        { GUESTS, TRUE, { { R, SYSTEM } }, KtRestrictedToUsers, R, 0, DENIED, 0 },
        { GUESTS, TRUE, { { R, SYSTEM }, { R, USERS } }, KtRestrictedToUsers, R, 0,
          STATUS_SUCCESS, R },
        { GUESTS, TRUE, { { R | W, SYSTEM }, { R | X, USERS } }, KtRestrictedToUsers,
          MAXIMUM_ALLOWED, 0, STATUS_SUCCESS, R },
        /* Privileges. */
        { GUESTS, TRUE, { { 0 } }, KtSystem, WRITE_OWNER, 0, STATUS_SUCCESS, WRITE_OWNER },
        { GUESTS, TRUE, { { 0 } }, KtPlain, WRITE_OWNER, 0, DENIED, 0 },
        { GUESTS, TRUE, { { 0 } }, KtSystem, ACCESS_SYSTEM_SECURITY, 0, STATUS_SUCCESS,
          ACCESS_SYSTEM_SECURITY },
        { GUESTS, TRUE, { { GENERIC_ALL, WORLD } }, KtPlain, ACCESS_SYSTEM_SECURITY, 0,
          STATUS_PRIVILEGE_NOT_HELD, 0 },
        { GUESTS, TRUE, { { ACCESS_SYSTEM_SECURITY, WORLD } }, KtPlain, ACCESS_SYSTEM_SECURITY, 0,
          STATUS_PRIVILEGE_NOT_HELD, 0 },
    };

    KtCheckRows(Rows, RTL_NUMBER_OF(Rows));
}

VOID
KtCheckTable(VOID)
{
    SECURITY_SUBJECT_CONTEXT Subject = { NULL, SecurityAnonymous, KtTokens[KtPlain], NULL };
    ACCESS_MASK              Granted;
    NTSTATUS                 Status;

    KtCheckEntries();
    KtCheckKinds();
    HOLDS(!SeAccessCheck(NULL, &Subject, FALSE, R, 0, NULL, &KtMapping, UserMode, &Granted,
                         &Status) && Status == STATUS_ACCESS_DENIED);
    HOLDS(SeAccessCheck(NULL, &Subject, FALSE, MAXIMUM_ALLOWED, 0, NULL, &KtMapping, KernelMode,
                        &Granted, &Status) && Granted == ALL);
    Subject = (SECURITY_SUBJECT_CONTEXT){ KtTokens[KtPlain], SecurityIdentification,
                                          KtTokens[KtSystem], NULL };
    HOLDS(!SeAccessCheck(&(SECURITY_DESCRIPTOR){ .Revision = 1 }, &Subject, FALSE, R, 0, NULL,
                         &KtMapping, UserMode, &Granted, &Status)
          && Status == STATUS_BAD_IMPERSONATION_LEVEL);
}

VOID
KtCheckPrivileges(VOID)
{
    SECURITY_SUBJECT_CONTEXT Subject = { NULL, SecurityAnonymous, KtTokens[KtSystem], NULL };
    PPRIVILEGE_SET           Used = NULL;
    KT_DESCRIPTOR            Closed;
    ACCESS_STATE             State = { .Flags = 0 };
    PRIVILEGE_SET            Wanted = { 1, PRIVILEGE_SET_ALL_NECESSARY,
                                        { { SeExports->SeLoadDriverPrivilege, 0 } } };
    ACCESS_MASK              Granted;
    NTSTATUS                 Status;

    KtMakeDescriptor(&Closed, SeExports->SeAliasGuestsSid, TRUE, NULL, 0);
    HOLDS(SeAccessCheck(&Closed.Descriptor, &Subject, FALSE, WRITE_OWNER, 0, &Used, &KtMapping,
                        UserMode, &Granted, &Status));
    HOLDS(Used != NULL && Used->PrivilegeCount == 1
          && Used->Privilege[0].Luid.LowPart == SE_TAKE_OWNERSHIP_PRIVILEGE);
    if (Used != NULL) {
        HOLDS(SeAppendPrivileges(&State, Used) == STATUS_SUCCESS);
        HOLDS(State.Privileges.PrivilegeSet.PrivilegeCount == 1);
        SeFreePrivileges(Used);
    }
    HOLDS(SePrivilegeCheck(&Wanted, &Subject, UserMode));
    HOLDS(Wanted.Privilege[0].Attributes & SE_PRIVILEGE_USED_FOR_ACCESS);
    Subject.PrimaryToken = KtTokens[KtPlain];
    HOLDS(!SePrivilegeCheck(&Wanted, &Subject, UserMode));
    HOLDS(SePrivilegeCheck(&Wanted, &Subject, KernelMode));
    HOLDS(SeSinglePrivilegeCheck(SeExports->SeDebugPrivilege, UserMode));   // the system's thread
}
