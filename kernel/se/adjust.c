/*
 * Changing a token: NtAdjustPrivilegesToken and NtSetInformationToken; adjgroup.c has
 * NtAdjustGroupsToken.
 *
 * Adjusting enables and disables what the token has; it never adds anything. The token stays as
 * it was unless what is to be said of its old state fits into the caller's buffer:
 * STATUS_BUFFER_TOO_SMALL changes nothing. A caller whose buffer faults in spite of the probe gets
 * the fault's status, and the change stands.
 */
#include "se/sep.h"

/* The attributes of a privilege of the token's, as programs see them. */
static ULONG
SepPrivilegeAttributes(PTOKEN Token, ULONG64 Bit)
{
    return (Token->Enabled & Bit ? SE_PRIVILEGE_ENABLED : 0)
        | (Token->EnabledByDefault & Bit ? SE_PRIVILEGE_ENABLED_BY_DEFAULT : 0);
}

/* What the privileges would be; FALSE: some are not there. */
static BOOLEAN
SepPlanPrivileges(PTOKEN Token, BOOLEAN DisableAll, PTOKEN_PRIVILEGES New, PULONG64 Present,
                  PULONG64 Enabled)
{
    BOOLEAN All = TRUE;

    *Present = Token->Present;
    *Enabled = DisableAll ? 0 : Token->Enabled;
    for (ULONG Index = 0; !DisableAll && Index < New->PrivilegeCount; Index++) {
        ULONG64 Bit = SepPrivilegeBit(New->Privileges[Index].Luid) & *Present;
        ULONG   Attributes = New->Privileges[Index].Attributes;

        if (Bit == 0) {
            All = FALSE;
        } else if (Attributes & SE_PRIVILEGE_REMOVED) {
            *Present &= ~Bit;
            *Enabled &= ~Bit;
        } else {
            *Enabled = Attributes & SE_PRIVILEGE_ENABLED ? *Enabled | Bit : *Enabled & ~Bit;
        }
    }
    return All;
}

/* The state of those of the token's privileges that are about to change. */
static PTOKEN_PRIVILEGES
SepOldPrivileges(PTOKEN Token, ULONG64 Changed, PULONG Size)
{
    ULONG             Count = (ULONG)__builtin_popcountll(Changed), Index = 0;
    PTOKEN_PRIVILEGES Old;

    *Size = FIELD_OFFSET(TOKEN_PRIVILEGES, Privileges) + Count * sizeof(LUID_AND_ATTRIBUTES);
    Old = ExAllocatePoolWithTag(PagedPool, *Size, SEP_TAG_QUERY);
    if (Old == NULL)
        return NULL;
    Old->PrivilegeCount = Count;
    for (; Changed != 0; Changed &= Changed - 1, Index++) {
        Old->Privileges[Index].Luid       = SepLuidOf(__builtin_ctzll(Changed));
        Old->Privileges[Index].Attributes = SepPrivilegeAttributes(Token, Changed & -Changed);
    }
    return Old;
}

/* Old is what the caller gets, if Wanted and it fits. */
static NTSTATUS
SepAdjustPrivileges(PTOKEN Token, BOOLEAN DisableAll, PTOKEN_PRIVILEGES New, BOOLEAN Wanted,
                    ULONG Room, PTOKEN_PRIVILEGES *Old, PULONG Size)
{
    ULONG64  Present, Enabled, Changed;
    NTSTATUS Status;

    SepLockToken(Token, TRUE);
    Status  = SepPlanPrivileges(Token, DisableAll, New, &Present, &Enabled)
        ? STATUS_SUCCESS : STATUS_NOT_ALL_ASSIGNED;
    Changed = (Present ^ Token->Present) | (Enabled ^ Token->Enabled);
    if (Wanted) {
        *Old = SepOldPrivileges(Token, Changed, Size);
        if (*Old == NULL)
            Status = STATUS_INSUFFICIENT_RESOURCES;
        else if (*Size > Room)
            Status = STATUS_BUFFER_TOO_SMALL;
    }
    if (NT_SUCCESS(Status) && Changed != 0) {
        Token->Present           = Present;
        Token->Enabled           = Enabled;
        Token->EnabledByDefault &= Present;
        SepTokenChanged(Token);
    }
    SepUnlockToken(Token);
    return Status;
}

NTSTATUS
SepReturnOld(PVOID To, const VOID *Old, ULONG Size, PULONG ReturnLength, KPROCESSOR_MODE Mode,
             NTSTATUS Status)
{
    NTSTATUS Returned = STATUS_SUCCESS;

    if (Old == NULL)
        return Status;
    if (NT_SUCCESS(Status))
        Returned = ObReturnBytes(To, Old, Size, ReturnLength, Mode);
    else if (Status == STATUS_BUFFER_TOO_SMALL && ReturnLength != NULL)
        Returned = ObReturnBytes(ReturnLength, &Size, sizeof Size, NULL, Mode);
    ExFreePoolWithTag((PVOID)Old, SEP_TAG_QUERY);
    return NT_SUCCESS(Returned) ? Status : Returned;
}

NTSTATUS
SepProbeOld(PVOID Previous, ULONG Length, PULONG ReturnLength, KPROCESSOR_MODE Mode)
{
    NTSTATUS Status = ObProbeOutput(Previous, Length, Mode);

    return NT_SUCCESS(Status) ? ObProbeOutput(ReturnLength, sizeof(ULONG), Mode) : Status;
}

/*
 * System service: enables, disables or removes privileges of a token. The handle needs
 * TOKEN_ADJUST_PRIVILEGES, and TOKEN_QUERY if the previous state is wanted.
 * STATUS_NOT_ALL_ASSIGNED (a success): the token does not have some of them.
 */
NTSTATUS NTAPI
NtAdjustPrivilegesToken(HANDLE TokenHandle, BOOLEAN DisableAllPrivileges,
                        PTOKEN_PRIVILEGES NewState, ULONG BufferLength,
                        PTOKEN_PRIVILEGES PreviousState, PULONG ReturnLength)
{
    KPROCESSOR_MODE   Mode = KeGetPreviousMode();
    ACCESS_MASK       Access = TOKEN_ADJUST_PRIVILEGES | (PreviousState ? TOKEN_QUERY : 0);
    PTOKEN_PRIVILEGES New = NULL, Old = NULL;
    ULONG             Size = 0;
    PTOKEN            Token;
    NTSTATUS          Status;

    PAGED_CODE();

    if (!DisableAllPrivileges && NewState == NULL)
        return STATUS_INVALID_PARAMETER;
    Status = SepProbeOld(PreviousState, BufferLength, PreviousState ? ReturnLength : NULL, Mode);
    if (NT_SUCCESS(Status) && !DisableAllPrivileges)
        Status = SepCapturePrivileges(NewState, Mode, &New);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = ObReferenceObjectByHandle(TokenHandle, Access, SepTokenObjectType, Mode,
                                       (PVOID *)&Token, NULL);
    if (NT_SUCCESS(Status)) {
        Status = SepAdjustPrivileges(Token, DisableAllPrivileges, New, PreviousState != NULL,
                                     BufferLength, &Old, &Size);
        ObDereferenceObject(Token);
    }
    if (New != NULL)
        ExFreePoolWithTag(New, SEP_TAG_QUERY);
    return SepReturnOld(PreviousState, Old, Size, ReturnLength, Mode, Status);
}

/* TokenOwner: a SID of the token's that may own. STATUS_INVALID_OWNER. */
static NTSTATUS
SepSetOwner(PTOKEN Token, PSID Sid)
{
    for (ULONG Index = 0; Index < Token->UserAndGroupCount; Index++) {
        if (RtlEqualSid(Token->UserAndGroups[Index].Sid, Sid)
            && (Index == 0 || (Token->UserAndGroups[Index].Attributes & SE_GROUP_OWNER))) {
            Token->DefaultOwnerIndex = Index;
            return STATUS_SUCCESS;
        }
    }
    return STATUS_INVALID_OWNER;
}

/* TokenPrimaryGroup: any SID of the token's. STATUS_INVALID_PRIMARY_GROUP. */
static NTSTATUS
SepSetPrimaryGroup(PTOKEN Token, PSID Sid)
{
    for (ULONG Index = 0; Index < Token->UserAndGroupCount; Index++) {
        if (RtlEqualSid(Token->UserAndGroups[Index].Sid, Sid)) {
            Token->PrimaryGroup = Token->UserAndGroups[Index].Sid;
            return STATUS_SUCCESS;
        }
    }
    return STATUS_INVALID_PRIMARY_GROUP;
}

static NTSTATUS
SepSetInformation(PTOKEN Token, TOKEN_INFORMATION_CLASS Class, PSID Sid, PACL *Dacl)
{
    NTSTATUS Status = STATUS_SUCCESS;
    PACL     Old;

    SepLockToken(Token, TRUE);
    if (Class == TokenOwner) {
        Status = SepSetOwner(Token, Sid);
    } else if (Class == TokenPrimaryGroup) {
        Status = SepSetPrimaryGroup(Token, Sid);
    } else {
        Old = Token->DefaultDacl;
        Token->DefaultDacl = *Dacl;
        *Dacl = Old;
    }
    if (NT_SUCCESS(Status))
        SepTokenChanged(Token);
    SepUnlockToken(Token);
    return Status;
}

/*
 * System service: TokenOwner, TokenPrimaryGroup, TokenDefaultDacl. The handle needs
 * TOKEN_ADJUST_DEFAULT. STATUS_INVALID_INFO_CLASS, STATUS_INFO_LENGTH_MISMATCH.
 */
NTSTATUS NTAPI
NtSetInformationToken(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
                      PVOID TokenInformation, ULONG TokenInformationLength)
{
    KPROCESSOR_MODE Mode = KeGetPreviousMode();
    UCHAR           Sid[SEP_LONGEST_SID];
    PVOID           Given;
    PACL            Dacl = NULL;
    PTOKEN          Token;
    NTSTATUS        Status = STATUS_SUCCESS;

    PAGED_CODE();

    if (TokenInformationClass != TokenOwner && TokenInformationClass != TokenPrimaryGroup
        && TokenInformationClass != TokenDefaultDacl)
        return STATUS_INVALID_INFO_CLASS;
    if (TokenInformationLength < sizeof(PVOID))
        return STATUS_INFO_LENGTH_MISMATCH;
    __try {
        if (Mode != KernelMode)
            ProbeForRead(TokenInformation, sizeof(PVOID), sizeof(ULONG));
        Given = *(PVOID volatile *)TokenInformation;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    if (TokenInformationClass != TokenDefaultDacl)
        Status = SepCaptureSid(Given, Mode, Sid);
    else if (Given != NULL)
        Status = SepCaptureAcl(Given, Mode, &Dacl);
    if (NT_SUCCESS(Status))
        Status = ObReferenceObjectByHandle(TokenHandle, TOKEN_ADJUST_DEFAULT, SepTokenObjectType,
                                           Mode, (PVOID *)&Token, NULL);
    if (NT_SUCCESS(Status)) {
        Status = SepSetInformation(Token, TokenInformationClass, Sid, &Dacl);
        ObDereferenceObject(Token);
    }
    if (Dacl != NULL)
        ExFreePoolWithTag(Dacl, SEP_TAG_DACL);
    return Status;
}
