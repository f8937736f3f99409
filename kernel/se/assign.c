/*
 * The descriptor of a new object: what its creator said, what its container passes on, what the
 * creator's token says by default.
 *
 *   owner, group  the creator's descriptor, else the token's
 *   DACL          the creator's descriptor; if that has none, or says that it is only a default,
 *                 the container's inheritable entries; if there are none, the default, else the
 *                 token's
 *   SACL          the creator's (needs SeSecurityPrivilege), else the container's
 *
 * An entry is passed on to objects by OBJECT_INHERIT_ACE, to containers by CONTAINER_INHERIT_ACE;
 * on the way CREATOR OWNER becomes the owner, CREATOR GROUP the group, and generic rights those of
 * the type. An entry that loses something so and is inheritable itself goes on to the container's
 * own children in its old form, as an inherit-only entry.
 */
#include "se/sep.h"

#define SEF_DACL_AUTO_INHERIT           0x01
#define SEF_SACL_AUTO_INHERIT           0x02
#define SEF_AVOID_PRIVILEGE_CHECK       0x08
#define SEF_AVOID_OWNER_CHECK           0x10
#define SEF_DEFAULT_OWNER_FROM_PARENT   0x20
#define SEF_DEFAULT_GROUP_FROM_PARENT   0x40

#define INHERIT_FLAGS   (OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE | NO_PROPAGATE_INHERIT_ACE \
                         | INHERIT_ONLY_ACE)

typedef struct _SEP_ASSIGN {
    RTL_SECURITY_PARTS Parts;           // of the new descriptor
    PGENERIC_MAPPING   Mapping;
    BOOLEAN            Container;
} SEP_ASSIGN, *PSEP_ASSIGN;

/* Appends an entry as it applies to the object, and as it goes on to the object's children. */
static NTSTATUS
SepPutAce(PSEP_ASSIGN Assign, PACL To, ACCESS_ALLOWED_ACE *Ace, UCHAR Flags)
{
    PSID        Sid = &Ace->SidStart, Old = Sid;
    ACCESS_MASK Mask = Ace->Mask;
    NTSTATUS    Status = STATUS_SUCCESS;

    if (Ace->Header.AceType > SYSTEM_ALARM_ACE_TYPE)
        return RtlAddAce(To, To->AclRevision, MAXULONG, Ace, Ace->Header.AceSize);

    RtlMapGenericMask(&Mask, Assign->Mapping);
    if (RtlEqualSid(Sid, SepExports.SeCreatorOwnerSid) && Assign->Parts.Owner != NULL)
        Sid = Assign->Parts.Owner;
    else if (RtlEqualSid(Sid, SepExports.SeCreatorGroupSid) && Assign->Parts.Group != NULL)
        Sid = Assign->Parts.Group;

    if ((Flags & INHERIT_ONLY_ACE) || (Sid == Old && Mask == Ace->Mask)
        || !(Flags & (OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE)))
        return RtlpAppendAce(To, ACL_REVISION, Ace->Header.AceType, Flags,
                             Flags & INHERIT_ONLY_ACE ? Ace->Mask : Mask,
                             Flags & INHERIT_ONLY_ACE ? Old : Sid);

    Status = RtlpAppendAce(To, ACL_REVISION, Ace->Header.AceType, Flags & ~INHERIT_FLAGS, Mask,
                           Sid);
    if (NT_SUCCESS(Status))
        Status = RtlpAppendAce(To, ACL_REVISION, Ace->Header.AceType, Flags | INHERIT_ONLY_ACE,
                               Ace->Mask, Old);
    return Status;
}

/* What becomes of a container's entry in a child; FALSE: it is not passed on. */
static BOOLEAN
SepInheritFlags(UCHAR Flags, BOOLEAN Container, PUCHAR NewFlags)
{
    UCHAR Kept = Flags & ~INHERIT_FLAGS;

    if (!Container) {
        *NewFlags = Kept;
        return (Flags & OBJECT_INHERIT_ACE) != 0;
    }
    if (Flags & CONTAINER_INHERIT_ACE) {
        if (!(Flags & NO_PROPAGATE_INHERIT_ACE))
            Kept |= Flags & (OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE);
        *NewFlags = Kept;
        return TRUE;
    }
    *NewFlags = Kept | OBJECT_INHERIT_ACE | INHERIT_ONLY_ACE;
    return (Flags & OBJECT_INHERIT_ACE) && !(Flags & NO_PROPAGATE_INHERIT_ACE);
}

/* Appends From, as it is or (Inherit) what a container with it passes on. */
static NTSTATUS
SepPutAcl(PSEP_ASSIGN Assign, PACL To, PACL From, BOOLEAN Inherit, UCHAR Mark)
{
    NTSTATUS Status = STATUS_SUCCESS;
    PVOID    Ace;

    for (ULONG Index = 0; From != NULL && Index < From->AceCount && NT_SUCCESS(Status); Index++) {
        UCHAR Flags;

        RtlGetAce(From, Index, &Ace);
        Flags = ((PACE_HEADER)Ace)->AceFlags;
        if (!Inherit)
            Status = SepPutAce(Assign, To, Ace, Flags);
        else if (SepInheritFlags(Flags, Assign->Container, &Flags))
            Status = SepPutAce(Assign, To, Ace, Flags | Mark);
    }
    return Status;
}

/* Room for an entry twice, each time with another SID. */
static ULONG
SepAclRoom(PACL Acl)
{
    return Acl == NULL ? 0 : 2u * Acl->AclSize + 2u * Acl->AceCount * SEP_LONGEST_SID;
}

/* The list in its own block of pool: Own, then what Parent passes on. NULL and success: neither. */
static NTSTATUS
SepMakeAcl(PSEP_ASSIGN Assign, PACL Own, PACL Parent, UCHAR Mark, PACL *Result)
{
    ULONG    Room = sizeof(ACL) + SepAclRoom(Own) + SepAclRoom(Parent);
    NTSTATUS Status;
    PACL     New;

    *Result = NULL;
    if (Room > MAXUSHORT)
        Room = MAXUSHORT & ~3;
    New = ExAllocatePoolWithTag(PagedPool, Room, SEP_TAG_DACL);
    if (New == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlCreateAcl(New, Room, ACL_REVISION);
    Status = SepPutAcl(Assign, New, Own, FALSE, 0);
    if (NT_SUCCESS(Status))
        Status = SepPutAcl(Assign, New, Parent, TRUE, Mark);
    if (!NT_SUCCESS(Status) || (Own == NULL && New->AceCount == 0)) {
        ExFreePoolWithTag(New, SEP_TAG_DACL);
        return Status;
    }
    New->AclSize = (USHORT)RtlpAclUsed(New);
    *Result = New;
    return STATUS_SUCCESS;
}

/* Given: the creator's descriptor; From: the container's; Default: the token's list. */
static NTSTATUS
SepAssignDacl(PSEP_ASSIGN Assign, const RTL_SECURITY_PARTS *Given, PACL From, PACL Default,
              BOOLEAN Auto)
{
    PUSHORT  Control = &Assign->Parts.Control;
    UCHAR    Mark = Auto ? INHERITED_ACE : 0;
    NTSTATUS Status;

    if ((Given->Control & SE_DACL_PRESENT) && !(Given->Control & SE_DACL_DEFAULTED)) {
        *Control |= SE_DACL_PRESENT | (Given->Control & SE_DACL_PROTECTED);
        if (Given->Dacl == NULL)
            return STATUS_SUCCESS;
        if (!Auto || (Given->Control & SE_DACL_PROTECTED))
            From = NULL;
        return SepMakeAcl(Assign, Given->Dacl, From, Mark, &Assign->Parts.Dacl);
    }
    Status = SepMakeAcl(Assign, NULL, From, Mark, &Assign->Parts.Dacl);
    if (!NT_SUCCESS(Status) || Assign->Parts.Dacl != NULL) {
        *Control |= SE_DACL_PRESENT | (Auto ? SE_DACL_AUTO_INHERITED : 0);
        return Status;
    }
    if (Given->Control & SE_DACL_PRESENT) {
        *Control |= SE_DACL_PRESENT | SE_DACL_DEFAULTED;
        Default = Given->Dacl;
    } else if (Default != NULL) {
        *Control |= SE_DACL_PRESENT | SE_DACL_DEFAULTED;
    }
    return Default == NULL ? STATUS_SUCCESS
                           : SepMakeAcl(Assign, Default, NULL, 0, &Assign->Parts.Dacl);
}

static NTSTATUS
SepAssignSacl(PSEP_ASSIGN Assign, const RTL_SECURITY_PARTS *Given, PACL From, BOOLEAN Auto)
{
    PACL Own = Given->Control & SE_SACL_PRESENT ? Given->Sacl : NULL;
    NTSTATUS Status;

    if ((Given->Control & SE_SACL_PRESENT) && (!Auto || (Given->Control & SE_SACL_PROTECTED)))
        From = NULL;
    Status = SepMakeAcl(Assign, Own, From, Auto ? INHERITED_ACE : 0, &Assign->Parts.Sacl);
    if ((Given->Control & SE_SACL_PRESENT) || Assign->Parts.Sacl != NULL)
        Assign->Parts.Control |= SE_SACL_PRESENT | (Given->Control & SE_SACL_PROTECTED);
    return Status;
}

/* Whether the token's holder may make Sid an owner. */
BOOLEAN
SepMayOwn(PTOKEN Token, PSID Sid)
{
    if (Token->Enabled & SE_BIT(SE_RESTORE_PRIVILEGE))
        return RtlValidSid(Sid);
    for (ULONG Index = 0; Index < Token->UserAndGroupCount; Index++)
        if (RtlEqualSid(Token->UserAndGroups[Index].Sid, Sid))
            return !(Token->UserAndGroups[Index].Attributes & SE_GROUP_USE_FOR_DENY_ONLY)
                && (Index == 0 || (Token->UserAndGroups[Index].Attributes & SE_GROUP_OWNER));
    return FALSE;
}

static NTSTATUS
SepAssignAll(PSEP_ASSIGN Assign, PTOKEN Token, const RTL_SECURITY_PARTS *Given,
             const RTL_SECURITY_PARTS *From, ULONG Flags)
{
    KPROCESSOR_MODE Mode = KeGetPreviousMode();
    NTSTATUS        Status;

    Assign->Parts.Owner = Given->Owner != NULL ? Given->Owner
        : (Flags & SEF_DEFAULT_OWNER_FROM_PARENT) && From->Owner != NULL ? From->Owner
        : Token->UserAndGroups[Token->DefaultOwnerIndex].Sid;
    Assign->Parts.Group = Given->Group != NULL ? Given->Group
        : (Flags & SEF_DEFAULT_GROUP_FROM_PARENT) && From->Group != NULL ? From->Group
        : Token->PrimaryGroup;
    if (Mode != KernelMode && Given->Owner != NULL && !(Flags & SEF_AVOID_OWNER_CHECK)
        && !SepMayOwn(Token, Given->Owner))
        return STATUS_INVALID_OWNER;
    if (Mode != KernelMode && (Given->Control & SE_SACL_PRESENT)
        && !(Flags & SEF_AVOID_PRIVILEGE_CHECK)
        && !(Token->Enabled & SE_BIT(SE_SECURITY_PRIVILEGE)))
        return STATUS_PRIVILEGE_NOT_HELD;

    Status = SepAssignDacl(Assign, Given, From->Dacl, Token->DefaultDacl,
                           (Flags & SEF_DACL_AUTO_INHERIT) != 0);
    if (NT_SUCCESS(Status))
        Status = SepAssignSacl(Assign, Given, From->Sacl, (Flags & SEF_SACL_AUTO_INHERIT) != 0);
    return Status;
}

/*
 * Documented: the descriptor of a new object, self-relative, in PoolType; freed with
 * SeDeassignSecurity. ParentDescriptor and ExplicitDescriptor may be NULL. PASSIVE_LEVEL.
 * STATUS_INVALID_OWNER, STATUS_PRIVILEGE_NOT_HELD, STATUS_INSUFFICIENT_RESOURCES.
 */
NTSTATUS NTAPI
SeAssignSecurityEx(PSECURITY_DESCRIPTOR ParentDescriptor, PSECURITY_DESCRIPTOR ExplicitDescriptor,
                   PSECURITY_DESCRIPTOR *NewDescriptor, GUID *ObjectType,
                   BOOLEAN IsDirectoryObject, ULONG AutoInheritFlags,
                   PSECURITY_SUBJECT_CONTEXT SubjectContext, PGENERIC_MAPPING GenericMapping,
                   POOL_TYPE PoolType)
{
    SEP_ASSIGN         Assign = { .Mapping = GenericMapping, .Container = IsDirectoryObject };
    RTL_SECURITY_PARTS Given = { 0 }, From = { 0 };
    PTOKEN             Token = SepEffective(SubjectContext);
    ULONG              Length = 0;
    NTSTATUS           Status;

    PAGED_CODE();

    *NewDescriptor = NULL;
    if (ExplicitDescriptor != NULL)
        RtlpGetParts(ExplicitDescriptor, &Given);
    if (ParentDescriptor != NULL)
        RtlpGetParts(ParentDescriptor, &From);

    SepLockToken(Token, FALSE);
    Status = SepAssignAll(&Assign, Token, &Given, &From, AutoInheritFlags);
    if (NT_SUCCESS(Status)) {
        RtlpBuildDescriptor(&Assign.Parts, NULL, &Length);
        *NewDescriptor = ExAllocatePoolWithTag(PoolType, Length, SEP_TAG_DESCRIPTOR);
        Status = *NewDescriptor == NULL ? STATUS_INSUFFICIENT_RESOURCES
            : RtlpBuildDescriptor(&Assign.Parts, *NewDescriptor, &Length);
    }
    SepUnlockToken(Token);
    if (Assign.Parts.Dacl != NULL)
        ExFreePoolWithTag(Assign.Parts.Dacl, SEP_TAG_DACL);
    if (Assign.Parts.Sacl != NULL)
        ExFreePoolWithTag(Assign.Parts.Sacl, SEP_TAG_DACL);
    return Status;
}

NTSTATUS NTAPI
SeAssignSecurity(PSECURITY_DESCRIPTOR ParentDescriptor, PSECURITY_DESCRIPTOR ExplicitDescriptor,
                 PSECURITY_DESCRIPTOR *NewDescriptor, BOOLEAN IsDirectoryObject,
                 PSECURITY_SUBJECT_CONTEXT SubjectContext, PGENERIC_MAPPING GenericMapping,
                 POOL_TYPE PoolType)
{
    return SeAssignSecurityEx(ParentDescriptor, ExplicitDescriptor, NewDescriptor, NULL,
                              IsDirectoryObject, 0, SubjectContext, GenericMapping, PoolType);
}

NTSTATUS NTAPI
SeDeassignSecurity(PSECURITY_DESCRIPTOR *SecurityDescriptor)
{
    PAGED_CODE();

    if (*SecurityDescriptor != NULL)
        ExFreePoolWithTag(*SecurityDescriptor, SEP_TAG_DESCRIPTOR);
    *SecurityDescriptor = NULL;
    return STATUS_SUCCESS;
}
