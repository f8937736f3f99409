/*
 * Private to se/: tokens from inside, and what the files of se/ share.
 *
 * Locks: TOKEN.Lock is a resource, and the thread is in a critical region while it has it. Shared:
 * SeLockSubjectContext. Exclusive: whoever adjusts privileges, groups or defaults. Privileges and
 * the attributes of groups are read without it, because each is one word.
 * SepImpersonationLock guards every ETHREAD.ClientToken; SepLogonLock the logon sessions.
 */
#pragma once

#include "se/se.h"
#include "ps/ps.h"
#include "rtl/rtl.h"

#define SEP_TAG_DACL        'cAeS'
#define SEP_TAG_DESCRIPTOR  'dSeS'
#define SEP_TAG_PRIVILEGE   'rPeS'
#define SEP_TAG_QUERY       'uQeS'
#define SEP_TAG_LOGON       'oLeS'

#define SEP_REMEMBERED      16          // a power of two
#define SEP_MAXIMUM_SIDS    256         // of one kind, in what a caller may give
#define SEP_LONGEST_SID     (FIELD_OFFSET(SID, SubAuthority) + 15 * sizeof(ULONG))
#define SEP_ALL_PRIVILEGES  (((1ULL << (SE_MAX_WELL_KNOWN_PRIVILEGE + 1)) - 1) & ~3ULL)

/* A logon session: every token of it has the same authentication id. Guarded by SepLogonLock. */
typedef struct _SEP_LOGON {
    LIST_ENTRY Link;
    LUID       LogonId;
    ULONG      Tokens;
    BOOLEAN    Marked;                  // its end is to be told
} SEP_LOGON, *PSEP_LOGON;

typedef struct _TOKEN {
    /* Set at creation, never changed: */
    TOKEN_SOURCE                 TokenSource;
    LUID                         TokenId, AuthenticationId, ParentTokenId;
    LARGE_INTEGER                ExpirationTime;
    TOKEN_TYPE                   TokenType;
    SECURITY_IMPERSONATION_LEVEL ImpersonationLevel;
    ULONG                        UserAndGroupCount, RestrictedSidCount;
    ULONG                        SidBytes;      // of all SIDs: from SidArea on
    PSID_AND_ATTRIBUTES          UserAndGroups; // [0] is the user
    PSID_AND_ATTRIBUTES          RestrictedSids;
    PSEP_LOGON                   LogonSession;  // counted
    BOOLEAN                      Initialized;   // the delete procedure has something to undo

    /* Guarded by Lock, read without it: */
    volatile ULONG64             Present, Enabled, EnabledByDefault;   // SE_BIT(privilege)

    /* Guarded by Lock: */
    ERESOURCE                    Lock;
    LUID                         ModifiedId;
    ULONG                        SessionId;
    ULONG                        DefaultOwnerIndex;
    PSID                         PrimaryGroup;  // one of UserAndGroups
    PACL                         DefaultDacl;   // own pool, or NULL

    /*
     * What checks have come to: a descriptor's serial number in the lower half, the rights it
     * gives this token in the upper one. Interlocked; emptied when the token is adjusted.
     */
    volatile ULONG64             Remembered[SEP_REMEMBERED];
    volatile ULONG               RememberedEpoch;

    UCHAR                        SidArea[];     // the two arrays, then the SIDs
} TOKEN, *PTOKEN;

/* ---- init.c ---- */

extern POBJECT_TYPE SepTokenObjectType;
extern SE_EXPORTS   SepExports;

/* ---- token.c ---- */

typedef struct _SEP_NEW_TOKEN {
    TOKEN_TYPE                   Type;
    SECURITY_IMPERSONATION_LEVEL Level;
    PSID_AND_ATTRIBUTES          Sids, Restricted;      // copied; Sids[0] is the user
    ULONG                        SidCount, RestrictedCount;
    ULONG64                      Present, Enabled, EnabledByDefault;
    ULONG                        DefaultOwnerIndex, PrimaryGroupIndex;
    PACL                         DefaultDacl;           // copied
    LUID                         AuthenticationId, ParentTokenId;
    LARGE_INTEGER                ExpirationTime;
    TOKEN_SOURCE                 Source;
    ULONG                        SessionId;
} SEP_NEW_TOKEN, *PSEP_NEW_TOKEN;

/*
 * Makes a token, not inserted: *Token has the creation reference and, if Attributes is not NULL,
 * what ObInsertObject needs. STATUS_NO_SUCH_LOGON_SESSION, STATUS_INSUFFICIENT_RESOURCES.
 */
NTSTATUS SepCreateToken(const SEP_NEW_TOKEN *New, POBJECT_ATTRIBUTES Attributes,
                        KPROCESSOR_MODE Mode, PTOKEN *Token);
VOID     SepDeleteToken(PVOID Object);

/* A copy of another type or level; EffectiveOnly leaves out what is disabled. */
NTSTATUS SepDuplicateToken(PTOKEN Token, POBJECT_ATTRIBUTES Attributes, BOOLEAN EffectiveOnly,
                           TOKEN_TYPE Type, SECURITY_IMPERSONATION_LEVEL Level,
                           KPROCESSOR_MODE Mode, PTOKEN *Copy);
/* The same, not to be inserted: guarded by its own default DACL. */
NTSTATUS SepDuplicateOwn(PTOKEN Token, BOOLEAN EffectiveOnly, TOKEN_TYPE Type,
                         SECURITY_IMPERSONATION_LEVEL Level, PTOKEN *Copy);
VOID     SepDescribeToken(PTOKEN Token, PSEP_NEW_TOKEN New);
VOID     SepLockToken(PTOKEN Token, BOOLEAN Exclusive);
VOID     SepUnlockToken(PTOKEN Token);
VOID     SepTokenChanged(PTOKEN Token);         // with Lock held: forget, new ModifiedId

/* Whether Sid counts for the token: enabled, or, for Deny, enabled or for deny only. */
BOOLEAN  SepSidInToken(PTOKEN Token, PSID Sid, BOOLEAN Deny, BOOLEAN Restricted);

static inline LUID
SepLuidOf(ULONG64 Value)
{
    LUID Luid = { (ULONG)Value, (LONG)(Value >> 32) };

    return Luid;
}

static inline BOOLEAN
SepSameLuid(LUID A, LUID B)
{
    return A.LowPart == B.LowPart && A.HighPart == B.HighPart;
}

/* ---- logon.c ---- */

PSEP_LOGON SepReferenceLogon(LUID LogonId);     // NULL: there is none
VOID       SepDereferenceLogon(PSEP_LOGON Logon);
PSEP_LOGON SepNewLogon(LUID LogonId);           // counted once for the caller; NULL: no memory
extern FAST_MUTEX SepLogonLock;
VOID       ExAllocateLocallyUniqueId(PLUID Luid);       // subject.c; any IRQL

/* ---- subject.c, access.c ---- */

extern FAST_MUTEX SepImpersonationLock;

static inline PTOKEN
SepPrimaryOf(PKTHREAD Thread)
{
    return ((PEPROCESS)Thread->Process)->Token;
}

/* Whose rights count in a context: the client's, else the process'. */
static inline PTOKEN
SepEffective(PSECURITY_SUBJECT_CONTEXT Context)
{
    return Context->ClientToken != NULL ? Context->ClientToken : Context->PrimaryToken;
}

static inline BOOLEAN
SepCannotAct(PSECURITY_SUBJECT_CONTEXT Context)
{
    return Context->ClientToken != NULL && Context->ImpersonationLevel < SecurityImpersonation;
}

/* The rights that a descriptor gives a token, privileges apart. */
ACCESS_MASK SepMaximumAccess(PTOKEN Token, PSECURITY_DESCRIPTOR Descriptor,
                             PGENERIC_MAPPING Mapping);

/* What a check is about, and what it has come to. */
typedef struct _SEP_CHECK {
    PTOKEN           Token;
    ACCESS_MASK      Desired, Previous;         // in; may have generic rights
    PGENERIC_MAPPING Mapping;
    ACCESS_MASK      Granted;                   // out; 0 on failure
    ULONG64          Used;                      // out: SE_BITs of privileges that were needed
} SEP_CHECK, *PSEP_CHECK;

NTSTATUS SepAccessCheck(PSEP_CHECK Check, PSECURITY_DESCRIPTOR Descriptor);

/* ---- privilege.c ---- */

PPRIVILEGE_SET SepMakePrivilegeSet(ULONG64 Bits);       // pool; NULL for none or no memory
ULONG64        SepPrivilegeBit(LUID Luid);
BOOLEAN        SepCheckPrivileges(PTOKEN Token, PLUID_AND_ATTRIBUTES Privileges, ULONG Count,
                                  BOOLEAN All);

/* ---- assign.c, capture.c, query.c ---- */

BOOLEAN  SepMayOwn(PTOKEN Token, PSID Sid);     // may its holder make Sid an owner?
NTSTATUS SepQueryToken(PTOKEN Token, TOKEN_INFORMATION_CLASS Class, PUCHAR To, PVOID Target,
                       ULONG Room, PULONG Needed);

NTSTATUS SepCaptureGroups(PTOKEN_GROUPS Given, KPROCESSOR_MODE Mode, PTOKEN_GROUPS *Captured);

/*
 * The old state of what NtAdjust* changes, from probing its buffer to handing it over once the
 * token is changed (Status): Old is a block with SEP_TAG_QUERY, which is freed, or NULL.
 */
NTSTATUS SepProbeOld(PVOID Previous, ULONG Length, PULONG ReturnLength, KPROCESSOR_MODE Mode);
NTSTATUS SepReturnOld(PVOID To, const VOID *Old, ULONG Size, PULONG ReturnLength,
                      KPROCESSOR_MODE Mode, NTSTATUS Status);

/* Such a block of groups, with the pointers it will have at Target. NULL: no memory. */
PTOKEN_GROUPS SepMakeGroups(const SID_AND_ATTRIBUTES *Sids, ULONG Count, PVOID Target,
                            PULONG Size);
NTSTATUS SepCapturePrivileges(PTOKEN_PRIVILEGES Given, KPROCESSOR_MODE Mode,
                              PTOKEN_PRIVILEGES *Captured);
NTSTATUS SepCapturePrivilegeSet(PPRIVILEGE_SET Given, KPROCESSOR_MODE Mode,
                                PTOKEN_PRIVILEGES *Captured);
NTSTATUS SepCaptureSid(PSID Given, KPROCESSOR_MODE Mode, PSID Buffer);  // SEP_LONGEST_SID bytes
NTSTATUS SepCaptureAcl(PACL Given, KPROCESSOR_MODE Mode, PACL *Captured);
