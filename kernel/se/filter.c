/*
 * Tokens that may do less: SeFilterToken, NtFilterToken; and the other side of it, whether a token
 * may do no more than another, so that its holder may start a program with it.
 */
#include "se/sep.h"

#ifndef DISABLE_MAX_PRIVILEGE
#define DISABLE_MAX_PRIVILEGE   0x1
#define SANDBOX_INERT           0x2
#endif

/* The bits of an array of privileges. */
static ULONG64
SepPrivilegeBits(PTOKEN_PRIVILEGES Privileges)
{
    ULONG64 Bits = 0;

    for (ULONG Index = 0; Privileges != NULL && Index < Privileges->PrivilegeCount; Index++)
        Bits |= SepPrivilegeBit(Privileges->Privileges[Index].Luid);
    return Bits;
}

/* From now on the token's SIDs that are in the list count for denials only. */
static VOID
SepDenyOnly(PTOKEN Token, PTOKEN_GROUPS List)
{
    for (ULONG Index = 0; List != NULL && Index < List->GroupCount; Index++) {
        for (ULONG Sid = 0; Sid < Token->UserAndGroupCount; Sid++) {
            PSID_AND_ATTRIBUTES Own = &Token->UserAndGroups[Sid];

            if (RtlEqualSid(Own->Sid, List->Groups[Index].Sid))
                Own->Attributes = (Own->Attributes & ~(SE_GROUP_ENABLED | SE_GROUP_OWNER
                                                       | SE_GROUP_ENABLED_BY_DEFAULT))
                    | SE_GROUP_USE_FOR_DENY_ONLY;
        }
    }
}

/* Not inserted: it has the creation reference. */
static NTSTATUS
SepFilterToken(PTOKEN Token, ULONG Flags, PTOKEN_GROUPS Disable, PTOKEN_PRIVILEGES Privileges,
               PTOKEN_GROUPS Restrict, PTOKEN *Filtered)
{
    ULONG64       Delete = SepPrivilegeBits(Privileges);
    SEP_NEW_TOKEN New;
    NTSTATUS      Status;

    *Filtered = NULL;
    if (Flags & ~(DISABLE_MAX_PRIVILEGE | SANDBOX_INERT))
        return STATUS_INVALID_PARAMETER;
    if (Flags & DISABLE_MAX_PRIVILEGE)
        Delete |= ~SE_BIT(SE_CHANGE_NOTIFY_PRIVILEGE);

    SepLockToken(Token, FALSE);
    SepDescribeToken(Token, &New);
    New.Present          &= ~Delete;
    New.Enabled          &= ~Delete;
    New.EnabledByDefault &= ~Delete;
    New.ParentTokenId     = Token->TokenId;
    if (Restrict != NULL && Restrict->GroupCount != 0) {
        New.Restricted      = Restrict->Groups;
        New.RestrictedCount = Restrict->GroupCount;
    }
    Status = SepCreateToken(&New, NULL, KernelMode, Filtered);
    SepUnlockToken(Token);
    if (NT_SUCCESS(Status))
        SepDenyOnly(*Filtered, Disable);
    return Status;
}

/*
 * Documented: a token like ExistingToken in which SidsToDisable count for denials only,
 * PrivilegesToDelete are not there, and RestrictedSids must be granted whatever is used.
 * Referenced. PASSIVE_LEVEL.
 */
NTSTATUS NTAPI
SeFilterToken(PACCESS_TOKEN ExistingToken, ULONG Flags, PTOKEN_GROUPS SidsToDisable,
              PTOKEN_PRIVILEGES PrivilegesToDelete, PTOKEN_GROUPS RestrictedSids,
              PACCESS_TOKEN *FilteredToken)
{
    NTSTATUS Status = SepFilterToken(ExistingToken, Flags, SidsToDisable, PrivilegesToDelete,
                                     RestrictedSids, (PTOKEN *)FilteredToken);

    PAGED_CODE();

    if (NT_SUCCESS(Status))
        Status = ObInsertObject(*FilteredToken, NULL, 0, 1, NULL, NULL);
    if (!NT_SUCCESS(Status))
        *FilteredToken = NULL;
    return Status;
}

static VOID
SepFreeQuery(PVOID Block)
{
    if (Block != NULL)
        ExFreePoolWithTag(Block, SEP_TAG_QUERY);
}

/* System service: the same for a handle with TOKEN_DUPLICATE; the new one has its rights. */
NTSTATUS NTAPI
NtFilterToken(HANDLE ExistingTokenHandle, ULONG Flags, PTOKEN_GROUPS SidsToDisable,
              PTOKEN_PRIVILEGES PrivilegesToDelete, PTOKEN_GROUPS RestrictedSids,
              PHANDLE NewTokenHandle)
{
    KPROCESSOR_MODE           Mode = KeGetPreviousMode();
    OBJECT_HANDLE_INFORMATION Information;
    PTOKEN_GROUPS             Disable = NULL, Restrict = NULL;
    PTOKEN_PRIVILEGES         Delete = NULL;
    PTOKEN                    Token, Filtered;
    NTSTATUS                  Status = ObProbeHandle(NewTokenHandle, Mode);

    PAGED_CODE();

    if (NT_SUCCESS(Status))
        Status = SepCaptureGroups(SidsToDisable, Mode, &Disable);
    if (NT_SUCCESS(Status))
        Status = SepCaptureGroups(RestrictedSids, Mode, &Restrict);
    if (NT_SUCCESS(Status))
        Status = SepCapturePrivileges(PrivilegesToDelete, Mode, &Delete);
    if (NT_SUCCESS(Status))
        Status = ObReferenceObjectByHandle(ExistingTokenHandle, TOKEN_DUPLICATE,
                                           SepTokenObjectType, Mode, (PVOID *)&Token,
                                           &Information);
    if (NT_SUCCESS(Status)) {
        Status = SepFilterToken(Token, Flags, Disable, Delete, Restrict, &Filtered);
        ObDereferenceObject(Token);
    }
    SepFreeQuery(Disable);
    SepFreeQuery(Restrict);
    SepFreeQuery(Delete);
    if (!NT_SUCCESS(Status))
        return Status;
    return ObInsertService(Filtered, Information.GrantedAccess, NewTokenHandle, Mode);
}

/* Whether Token is of the same user as Than and has no group and no privilege that Than lacks. */
static BOOLEAN
SepHasNoMore(PTOKEN Token, PTOKEN Than)
{
    if (!RtlEqualSid(Token->UserAndGroups[0].Sid, Than->UserAndGroups[0].Sid)
        || (Token->Present & ~Than->Present) || (Than->RestrictedSidCount != 0
        && Token->RestrictedSidCount == 0))
        return FALSE;
    for (ULONG Index = 1; Index < Token->UserAndGroupCount; Index++)
        if ((Token->UserAndGroups[Index].Attributes & (SE_GROUP_ENABLED | SE_GROUP_LOGON_ID))
            == SE_GROUP_ENABLED
            && !SepSidInToken(Than, Token->UserAndGroups[Index].Sid, FALSE, FALSE))
            return FALSE;
    return TRUE;
}

NTSTATUS
SeReferencePrimaryHandle(HANDLE Handle, KPROCESSOR_MODE Mode, PACCESS_TOKEN *Token)
{
    PTOKEN   Given;
    NTSTATUS Status = ObReferenceObjectByHandle(Handle, TOKEN_ASSIGN_PRIMARY, SepTokenObjectType,
                                                Mode, (PVOID *)&Given, NULL);

    *Token = NULL;
    if (!NT_SUCCESS(Status))
        return Status;
    if (Given->TokenType != TokenPrimary)
        Status = STATUS_BAD_TOKEN_TYPE;
    else if (!SepHasNoMore(Given, SepPrimaryOf((PKTHREAD)KeGetCurrentThread()))
             && !SeHasPrivilege(SE_ASSIGNPRIMARYTOKEN_PRIVILEGE, Mode))
        Status = STATUS_PRIVILEGE_NOT_HELD;
    if (NT_SUCCESS(Status))
        *Token = Given;
    else
        ObDereferenceObject(Given);
    return Status;
}
