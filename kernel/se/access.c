/*
 * The access check: a token, a descriptor and wanted rights.
 *
 * In this order, and each right is decided by the first rule that speaks of it:
 *   what was granted before          stays
 *   ACCESS_SYSTEM_SECURITY           only by SeSecurityPrivilege
 *   WRITE_OWNER                      by SeTakeOwnershipPrivilege
 *   READ_CONTROL, WRITE_DAC          to the owner
 *   no DACL                          everything
 *   the DACL's entries, in order     to the SIDs that are enabled in the token; a denial also
 *                                    counts for those that are there for denials only
 * and everything else is refused. A token with restricting SIDs gets what both its SIDs and the
 * restricting ones alone would get.
 *
 * As each right is decided on its own, all there is to know of a token and a DACL is the mask of
 * the rights it comes to (SepMaximumAccess); a check compares that with what is wanted, and
 * MAXIMUM_ALLOWED is the mask itself. For descriptors that objects carry the token remembers it
 * (SeCheckStored).
 */
#include "se/sep.h"

/* What is asked for by these bits has to be worked out first. */
#define SEP_SPECIAL_RIGHTS  (GENERIC_ALL | GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE        \
                             | MAXIMUM_ALLOWED | ACCESS_SYSTEM_SECURITY)

/* Turns the four generic rights of *AccessMask into the type's own. Any IRQL. */
VOID NTAPI
RtlMapGenericMask(PACCESS_MASK AccessMask, PGENERIC_MAPPING GenericMapping)
{
    ACCESS_MASK Mask = *AccessMask;

    if (Mask & GENERIC_READ)
        Mask |= GenericMapping->GenericRead;
    if (Mask & GENERIC_WRITE)
        Mask |= GenericMapping->GenericWrite;
    if (Mask & GENERIC_EXECUTE)
        Mask |= GenericMapping->GenericExecute;
    if (Mask & GENERIC_ALL)
        Mask |= GenericMapping->GenericAll;
    *AccessMask = Mask & ~(GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL);
}

BOOLEAN
SepSidInToken(PTOKEN Token, PSID Sid, BOOLEAN Deny, BOOLEAN Restricted)
{
    PSID_AND_ATTRIBUTES Sids = Restricted ? Token->RestrictedSids : Token->UserAndGroups;
    ULONG               Count = Restricted ? Token->RestrictedSidCount : Token->UserAndGroupCount;

    for (ULONG Index = 0; Index < Count; Index++) {
        if (!RtlEqualSid(Sids[Index].Sid, Sid))
            continue;
        if (Restricted)
            return TRUE;
        if (Sids[Index].Attributes & SE_GROUP_USE_FOR_DENY_ONLY)
            return Deny;
        return Index == 0 || (Sids[Index].Attributes & SE_GROUP_ENABLED) != 0;
    }
    return FALSE;
}

/* The rights by one of the token's two lists of SIDs. */
static ACCESS_MASK
SepRightsBySids(PTOKEN Token, const RTL_SECURITY_PARTS *Parts, PGENERIC_MAPPING Mapping,
                BOOLEAN Restricted)
{
    ACCESS_MASK         Granted = 0, Denied = 0, Mask;
    ACCESS_ALLOWED_ACE *Ace = Parts->Dacl != NULL ? (ACCESS_ALLOWED_ACE *)(Parts->Dacl + 1) : NULL;

    if (Parts->Dacl == NULL)
        return MAXULONG;
    if (Parts->Owner != NULL && SepSidInToken(Token, Parts->Owner, FALSE, Restricted))
        Granted = READ_CONTROL | WRITE_DAC;

    for (ULONG Index = 0; Index < Parts->Dacl->AceCount; Index++) {
        UCHAR Type = Ace->Header.AceType;

        if (Type <= ACCESS_DENIED_ACE_TYPE && !(Ace->Header.AceFlags & INHERIT_ONLY_ACE)
            && SepSidInToken(Token, &Ace->SidStart, Type == ACCESS_DENIED_ACE_TYPE, Restricted)) {
            Mask = Ace->Mask;
            RtlMapGenericMask(&Mask, Mapping);
            if (Type == ACCESS_DENIED_ACE_TYPE)
                Denied |= Mask & ~Granted;
            else
                Granted |= Mask & ~Denied;
        }
        Ace = (ACCESS_ALLOWED_ACE *)((PUCHAR)Ace + Ace->Header.AceSize);
    }
    return Granted;
}

ACCESS_MASK
SepMaximumAccess(PTOKEN Token, PSECURITY_DESCRIPTOR Descriptor, PGENERIC_MAPPING Mapping)
{
    RTL_SECURITY_PARTS Parts;
    ACCESS_MASK        Rights;

    RtlpGetParts(Descriptor, &Parts);
    Rights = SepRightsBySids(Token, &Parts, Mapping, FALSE);
    if (Token->RestrictedSidCount != 0)
        Rights &= SepRightsBySids(Token, &Parts, Mapping, TRUE);
    return Rights & ~ACCESS_SYSTEM_SECURITY;    // that one is never a DACL's to give
}

/* What privileges give of Wanted. STATUS_PRIVILEGE_NOT_HELD. */
static NTSTATUS
SepRightsByPrivilege(PTOKEN Token, ACCESS_MASK Wanted, PACCESS_MASK Given, PULONG64 Used)
{
    *Given = 0;
    *Used  = 0;
    if (Wanted & ACCESS_SYSTEM_SECURITY) {
        if (!(Token->Enabled & SE_BIT(SE_SECURITY_PRIVILEGE)))
            return STATUS_PRIVILEGE_NOT_HELD;
        *Given |= ACCESS_SYSTEM_SECURITY;
        *Used  |= SE_BIT(SE_SECURITY_PRIVILEGE);
    }
    if ((Wanted & WRITE_OWNER) && (Token->Enabled & SE_BIT(SE_TAKE_OWNERSHIP_PRIVILEGE))) {
        *Given |= WRITE_OWNER;
        *Used  |= SE_BIT(SE_TAKE_OWNERSHIP_PRIVILEGE);
    }
    return STATUS_SUCCESS;
}

/* Rights: what the descriptor gives. */
static NTSTATUS
SepDecide(PSEP_CHECK Check, ACCESS_MASK Rights)
{
    ACCESS_MASK Wanted = Check->Desired & ~(MAXIMUM_ALLOWED | Check->Previous), Given;
    NTSTATUS    Status = SepRightsByPrivilege(Check->Token, Wanted, &Given, &Check->Used);

    Check->Granted = 0;
    if (!NT_SUCCESS(Status))
        return Status;
    Wanted &= ~Given;
    Given  |= Check->Previous;
    if (Wanted & ~Rights)
        return STATUS_ACCESS_DENIED;
    Given |= Wanted;
    if (Check->Desired & MAXIMUM_ALLOWED)
        Given |= Rights & Check->Mapping->GenericAll;
    if (Given == 0)
        return STATUS_ACCESS_DENIED;            // nothing asked for, or nothing allowed
    Check->Granted = Given;
    return STATUS_SUCCESS;
}

NTSTATUS
SepAccessCheck(PSEP_CHECK Check, PSECURITY_DESCRIPTOR Descriptor)
{
    RtlMapGenericMask(&Check->Desired, Check->Mapping);
    return SepDecide(Check, SepMaximumAccess(Check->Token, Descriptor, Check->Mapping));
}

/* Kernel mode is granted what it asks for. */
static VOID
SepGrantKernel(PSEP_CHECK Check)
{
    ACCESS_MASK Desired = Check->Desired;

    if (Desired & MAXIMUM_ALLOWED)
        Desired = (Desired & ~MAXIMUM_ALLOWED) | GENERIC_ALL;
    RtlMapGenericMask(&Desired, Check->Mapping);
    Check->Granted = Desired | Check->Previous;
}

/*
 * Documented: whether the subject may have DesiredAccess to what the descriptor (of either form)
 * protects. AccessMode KernelMode is granted what it asks for. *Privileges (may be NULL) is the
 * set that was needed, or NULL; freed with SeFreePrivileges. TRUE: *GrantedAccess is everything
 * granted, before and now; FALSE: *AccessStatus says why not. PASSIVE_LEVEL.
 */
BOOLEAN NTAPI
SeAccessCheck(PSECURITY_DESCRIPTOR SecurityDescriptor,
              PSECURITY_SUBJECT_CONTEXT SubjectSecurityContext, BOOLEAN SubjectContextLocked,
              ACCESS_MASK DesiredAccess, ACCESS_MASK PreviouslyGrantedAccess,
              PPRIVILEGE_SET *Privileges, PGENERIC_MAPPING GenericMapping,
              KPROCESSOR_MODE AccessMode, PACCESS_MASK GrantedAccess, PNTSTATUS AccessStatus)
{
    SEP_CHECK Check = { SepEffective(SubjectSecurityContext), DesiredAccess,
                        PreviouslyGrantedAccess, GenericMapping, 0, 0 };

    PAGED_CODE();

    if (Privileges != NULL)
        *Privileges = NULL;
    *AccessStatus = STATUS_SUCCESS;
    if (AccessMode == KernelMode)
        SepGrantKernel(&Check);
    else if (SecurityDescriptor == NULL)
        *AccessStatus = STATUS_ACCESS_DENIED;
    else if (SepCannotAct(SubjectSecurityContext))
        *AccessStatus = STATUS_BAD_IMPERSONATION_LEVEL;
    else
        *AccessStatus = SepAccessCheck(&Check, SecurityDescriptor);

    *GrantedAccess = Check.Granted;
    if (NT_SUCCESS(*AccessStatus) && Privileges != NULL)
        *Privileges = SepMakePrivilegeSet(Check.Used);
    return NT_SUCCESS(*AccessStatus);
}

/* SepMaximumAccess of a logged descriptor, remembered. See SepTokenChanged for the race. */
static __attribute__((noinline)) ACCESS_MASK
SepRemember(PTOKEN Token, PSECURITY_DESCRIPTOR Descriptor, PGENERIC_MAPPING Mapping)
{
    ULONG            Epoch = Token->RememberedEpoch;
    ULONG            Serial = ObDescriptorSerial(Descriptor);
    volatile LONG64 *Slot =
        (volatile LONG64 *)&Token->Remembered[Serial & (SEP_REMEMBERED - 1)];
    ACCESS_MASK      Rights = SepMaximumAccess(Token, Descriptor, Mapping);
    LONG64           Value = (LONG64)((ULONG64)Rights << 32 | Serial);

    if (Serial == 0)
        return Rights;
    InterlockedExchange64(Slot, Value);
    if (Token->RememberedEpoch != Epoch)
        InterlockedCompareExchange64(Slot, 0, Value);
    return Rights;
}

static inline ACCESS_MASK
SepStoredRights(PTOKEN Token, PSECURITY_DESCRIPTOR Descriptor, PGENERIC_MAPPING Mapping)
{
    ULONG   Serial = ObDescriptorSerial(Descriptor);
    ULONG64 Known  = Token->Remembered[Serial & (SEP_REMEMBERED - 1)];

    if ((ULONG)Known == Serial && Serial != 0)
        return (ACCESS_MASK)(Known >> 32);
    return SepRemember(Token, Descriptor, Mapping);
}

VOID
SeGrantRemaining(PACCESS_STATE AccessState, PGENERIC_MAPPING GenericMapping)
{
    SEP_CHECK Check = { NULL, AccessState->RemainingDesiredAccess,
                        AccessState->PreviouslyGrantedAccess, GenericMapping, 0, 0 };

    SepGrantKernel(&Check);
    AccessState->PreviouslyGrantedAccess = Check.Granted;
    AccessState->RemainingDesiredAccess  = 0;
}

/* An object without a descriptor: everything but the way to its SACL. */
static NTSTATUS
SepCheckUnprotected(PACCESS_STATE AccessState, PGENERIC_MAPPING GenericMapping)
{
    if ((AccessState->RemainingDesiredAccess & ACCESS_SYSTEM_SECURITY)
        && !(SepEffective(&AccessState->SubjectSecurityContext)->Enabled
             & SE_BIT(SE_SECURITY_PRIVILEGE)))
        return STATUS_PRIVILEGE_NOT_HELD;
    SeGrantRemaining(AccessState, GenericMapping);
    return STATUS_SUCCESS;
}

NTSTATUS
SeCheckStored(PACCESS_STATE AccessState, PSECURITY_DESCRIPTOR Descriptor,
              PGENERIC_MAPPING GenericMapping)
{
    PSECURITY_SUBJECT_CONTEXT Context = &AccessState->SubjectSecurityContext;
    PTOKEN                    Token = SepEffective(Context);
    ACCESS_MASK               Wanted = AccessState->RemainingDesiredAccess, Rights;
    SEP_CHECK                 Check;
    NTSTATUS                  Status;

    if (Descriptor == NULL)
        return SepCheckUnprotected(AccessState, GenericMapping);
    Rights = SepStoredRights(Token, Descriptor, GenericMapping);
    if (Context->ClientToken == NULL && Wanted != 0 && !(Wanted & (~Rights | SEP_SPECIAL_RIGHTS))) {
        AccessState->PreviouslyGrantedAccess |= Wanted;
        AccessState->RemainingDesiredAccess   = 0;
        return STATUS_SUCCESS;
    }
    if (SepCannotAct(Context))
        return STATUS_BAD_IMPERSONATION_LEVEL;

    Check = (SEP_CHECK){ Token, Wanted, AccessState->PreviouslyGrantedAccess, GenericMapping,
                         0, 0 };
    RtlMapGenericMask(&Check.Desired, GenericMapping);
    Status = SepDecide(&Check, Rights);
    if (NT_SUCCESS(Status)) {
        AccessState->PreviouslyGrantedAccess = Check.Granted;
        AccessState->RemainingDesiredAccess  = 0;
    }
    return Status;
}
