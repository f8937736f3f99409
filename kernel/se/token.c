/*
 * Tokens as objects: made, copied, deleted.
 *
 * A token is one block: its fields, the arrays of SIDs and attributes (the user first, then the
 * groups, then the restricting SIDs), and the SIDs they point to. What can change of it later is
 * the privileges' and groups' being enabled, the default owner, primary group, DACL and session
 * (adjust.c); everybody else gets a copy.
 *
 * A primary token belongs to a process, an impersonation token to a thread that acts for
 * somebody; its level says how far it may go. One that a program makes has a descriptor like any
 * object of his; one that the kernel makes for a process or thread is guarded by its own default
 * DACL. Privileges are bits: SE_BIT(SE_DEBUG_PRIVILEGE).
 *
 * The SIDs of a primary token, and so its rights, are those of its logon session's (logon.c),
 * which it counts.
 */
#include "se/sep.h"

VOID
SepLockToken(PTOKEN Token, BOOLEAN Exclusive)
{
    KeEnterCriticalRegion();
    if (Exclusive)
        ExAcquireResourceExclusiveLite(&Token->Lock, TRUE);
    else
        ExAcquireResourceSharedLite(&Token->Lock, TRUE);
}

VOID
SepUnlockToken(PTOKEN Token)
{
    ExReleaseResourceLite(&Token->Lock);
    KeLeaveCriticalRegion();
}

/* A check that is under way may have read the old state: it looks at the epoch when it ends. */
VOID
SepTokenChanged(PTOKEN Token)
{
    ExAllocateLocallyUniqueId(&Token->ModifiedId);
    InterlockedIncrement((volatile LONG *)&Token->RememberedEpoch);
    for (ULONG Index = 0; Index < SEP_REMEMBERED; Index++)
        InterlockedExchange64((volatile LONG64 *)&Token->Remembered[Index], 0);
}

/* Delete procedure of the type. */
VOID
SepDeleteToken(PVOID Object)
{
    PTOKEN Token = Object;

    if (!Token->Initialized)
        return;
    ExDeleteResourceLite(&Token->Lock);
    if (Token->DefaultDacl != NULL)
        ExFreePoolWithTag(Token->DefaultDacl, SEP_TAG_DACL);
    SepDereferenceLogon(Token->LogonSession);
}

static ULONG
SepSidBytes(const SID_AND_ATTRIBUTES *Sids, ULONG Count)
{
    ULONG Bytes = 0;

    for (ULONG Index = 0; Index < Count; Index++)
        Bytes += (ULONG)ROUND_UP(RtlLengthSid(Sids[Index].Sid), sizeof(ULONG));
    return Bytes;
}

/* Copies SIDs to At, and what points to them to To; returns where the next ones go. */
static PUCHAR
SepCopySids(PSID_AND_ATTRIBUTES To, const SID_AND_ATTRIBUTES *From, ULONG Count, PUCHAR At)
{
    for (ULONG Index = 0; Index < Count; Index++) {
        ULONG Length = RtlLengthSid(From[Index].Sid);

        RtlCopyMemory(At, From[Index].Sid, Length);
        To[Index].Sid        = At;
        To[Index].Attributes = From[Index].Attributes;
        At += ROUND_UP(Length, sizeof(ULONG));
    }
    return At;
}

static VOID
SepFillToken(PTOKEN Token, const SEP_NEW_TOKEN *New)
{
    PUCHAR At = Token->SidArea
        + (New->SidCount + New->RestrictedCount) * sizeof(SID_AND_ATTRIBUTES);

    Token->UserAndGroups      = (PSID_AND_ATTRIBUTES)Token->SidArea;
    Token->RestrictedSids     = Token->UserAndGroups + New->SidCount;
    Token->UserAndGroupCount  = New->SidCount;
    Token->RestrictedSidCount = New->RestrictedCount;
    At = SepCopySids(Token->UserAndGroups, New->Sids, New->SidCount, At);
    SepCopySids(Token->RestrictedSids, New->Restricted, New->RestrictedCount, At);

    Token->TokenSource        = New->Source;
    Token->AuthenticationId   = New->AuthenticationId;
    Token->ParentTokenId      = New->ParentTokenId;
    Token->ExpirationTime     = New->ExpirationTime;
    Token->TokenType          = New->Type;
    Token->ImpersonationLevel = New->Level;
    Token->Present            = New->Present;
    Token->Enabled            = New->Enabled;
    Token->EnabledByDefault   = New->EnabledByDefault;
    Token->DefaultOwnerIndex  = New->DefaultOwnerIndex;
    Token->PrimaryGroup       = Token->UserAndGroups[New->PrimaryGroupIndex].Sid;
    Token->SessionId          = New->SessionId;
    ExAllocateLocallyUniqueId(&Token->TokenId);
    Token->ModifiedId         = Token->TokenId;
}

NTSTATUS
SepCreateToken(const SEP_NEW_TOKEN *New, POBJECT_ATTRIBUTES Attributes, KPROCESSOR_MODE Mode,
               PTOKEN *Token)
{
    ULONG      Bytes = SepSidBytes(New->Sids, New->SidCount)
        + SepSidBytes(New->Restricted, New->RestrictedCount);
    ULONG      Size = FIELD_OFFSET(TOKEN, SidArea) + Bytes
        + (New->SidCount + New->RestrictedCount) * sizeof(SID_AND_ATTRIBUTES);
    PACL       Dacl = NULL;
    PSEP_LOGON Logon = SepReferenceLogon(New->AuthenticationId);
    NTSTATUS   Status;

    PAGED_CODE();

    *Token = NULL;
    if (Logon == NULL)
        return STATUS_NO_SUCH_LOGON_SESSION;
    if (New->DefaultDacl != NULL) {
        Dacl = ExAllocatePoolWithTag(PagedPool, New->DefaultDacl->AclSize, SEP_TAG_DACL);
        if (Dacl == NULL) {
            SepDereferenceLogon(Logon);
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        RtlCopyMemory(Dacl, New->DefaultDacl, New->DefaultDacl->AclSize);
    }
    Status = ObCreateObject(Mode, SepTokenObjectType, Attributes, Mode, NULL, Size, 0, 0,
                            (PVOID *)Token);
    if (!NT_SUCCESS(Status)) {
        SepDereferenceLogon(Logon);
        if (Dacl != NULL)
            ExFreePoolWithTag(Dacl, SEP_TAG_DACL);
        return Status;
    }
    ExInitializeResourceLite(&(*Token)->Lock);
    (*Token)->LogonSession = Logon;
    (*Token)->DefaultDacl  = Dacl;
    (*Token)->SidBytes     = Bytes;
    (*Token)->Initialized  = TRUE;
    SepFillToken(*Token, New);
    return STATUS_SUCCESS;
}

static ULONG
SepIndexOf(PTOKEN Token, PSID Sid)
{
    ULONG Index = 0;

    while (Index + 1 < Token->UserAndGroupCount && Token->UserAndGroups[Index].Sid != Sid)
        Index++;
    return Index;
}

/* What SepCreateToken needs to make the same again. The caller has the token locked. */
VOID
SepDescribeToken(PTOKEN Token, PSEP_NEW_TOKEN New)
{
    *New = (SEP_NEW_TOKEN){
        .Type = Token->TokenType, .Level = Token->ImpersonationLevel,
        .Sids = Token->UserAndGroups, .SidCount = Token->UserAndGroupCount,
        .Restricted = Token->RestrictedSids, .RestrictedCount = Token->RestrictedSidCount,
        .Present = Token->Present, .Enabled = Token->Enabled,
        .EnabledByDefault = Token->EnabledByDefault,
        .DefaultOwnerIndex = Token->DefaultOwnerIndex,
        .PrimaryGroupIndex = SepIndexOf(Token, Token->PrimaryGroup),
        .DefaultDacl = Token->DefaultDacl, .AuthenticationId = Token->AuthenticationId,
        .ParentTokenId = Token->ParentTokenId, .ExpirationTime = Token->ExpirationTime,
        .Source = Token->TokenSource, .SessionId = Token->SessionId,
    };
}

/* Disabled groups count for denials only, disabled privileges not at all: for good. */
static VOID
SepKeepEffective(PTOKEN Copy)
{
    Copy->Present           = Copy->Enabled;
    Copy->EnabledByDefault &= Copy->Enabled;
    for (ULONG Index = 1; Index < Copy->UserAndGroupCount; Index++)
        if (!(Copy->UserAndGroups[Index].Attributes & SE_GROUP_ENABLED))
            Copy->UserAndGroups[Index].Attributes |= SE_GROUP_USE_FOR_DENY_ONLY;
}

NTSTATUS
SepDuplicateToken(PTOKEN Token, POBJECT_ATTRIBUTES Attributes, BOOLEAN EffectiveOnly,
                  TOKEN_TYPE Type, SECURITY_IMPERSONATION_LEVEL Level, KPROCESSOR_MODE Mode,
                  PTOKEN *Copy)
{
    SEP_NEW_TOKEN New;
    NTSTATUS      Status;

    SepLockToken(Token, FALSE);
    SepDescribeToken(Token, &New);
    New.Type  = Type;
    New.Level = Level;
    Status = SepCreateToken(&New, Attributes, Mode, Copy);
    if (NT_SUCCESS(Status)) {
        (*Copy)->ModifiedId = Token->ModifiedId;
        if (EffectiveOnly)
            SepKeepEffective(*Copy);
    }
    SepUnlockToken(Token);
    return Status;
}

NTSTATUS
SepDuplicateOwn(PTOKEN Token, BOOLEAN EffectiveOnly, TOKEN_TYPE Type,
                SECURITY_IMPERSONATION_LEVEL Level, PTOKEN *Copy)
{
    NTSTATUS Status = SepDuplicateToken(Token, NULL, EffectiveOnly, Type, Level, KernelMode, Copy);

    if (!NT_SUCCESS(Status))
        return Status;
    Status = ObAssignByToken(*Copy, *Copy);
    if (!NT_SUCCESS(Status))
        ObDereferenceObject(*Copy);
    return Status;
}

NTSTATUS
SeSubProcessToken(PEPROCESS Parent, PACCESS_TOKEN Given, PACCESS_TOKEN *Token)
{
    PTOKEN From = Given != NULL ? Given : Parent != NULL ? Parent->Token : NULL;

    PAGED_CODE();

    if (From == NULL) {
        ObReferenceObject(SepSystemToken);
        *Token = SepSystemToken;
        return STATUS_SUCCESS;
    }
    return SepDuplicateOwn(From, FALSE, TokenPrimary, SecurityAnonymous, (PTOKEN *)Token);
}
