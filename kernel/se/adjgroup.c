/*
 * NtAdjustGroupsToken: groups of a token enabled and disabled (adjust.c says what holds for this
 * and for privileges).
 *
 * The change is made under the token's lock and taken back before anybody sees it if a group may
 * not be changed, or if the old state does not fit into the caller's buffer.
 */
#include "se/sep.h"

/* One group as it is wanted. STATUS_CANT_DISABLE_MANDATORY, STATUS_CANT_ENABLE_DENY_ONLY. */
static NTSTATUS
SepAdjustGroup(PSID_AND_ATTRIBUTES Group, BOOLEAN Enable)
{
    if (Group->Attributes & SE_GROUP_USE_FOR_DENY_ONLY)
        return Enable ? STATUS_CANT_ENABLE_DENY_ONLY : STATUS_SUCCESS;
    if (!Enable && (Group->Attributes & SE_GROUP_MANDATORY))
        return STATUS_CANT_DISABLE_MANDATORY;
    Group->Attributes = Enable ? Group->Attributes | SE_GROUP_ENABLED
                               : Group->Attributes & ~SE_GROUP_ENABLED;
    return STATUS_SUCCESS;
}

static VOID
SepResetGroups(PTOKEN Token)
{
    for (ULONG Index = 1; Index < Token->UserAndGroupCount; Index++) {
        PSID_AND_ATTRIBUTES Group = &Token->UserAndGroups[Index];

        if (!(Group->Attributes & SE_GROUP_MANDATORY))
            SepAdjustGroup(Group, (Group->Attributes & SE_GROUP_ENABLED_BY_DEFAULT) != 0);
    }
}

/* STATUS_NOT_ALL_ASSIGNED is a success: some are not the token's. */
static NTSTATUS
SepSetGroups(PTOKEN Token, PTOKEN_GROUPS New)
{
    NTSTATUS Status = STATUS_SUCCESS, One;

    for (ULONG Index = 0; Index < New->GroupCount; Index++) {
        ULONG Sid = 1;

        while (Sid < Token->UserAndGroupCount
               && !RtlEqualSid(Token->UserAndGroups[Sid].Sid, New->Groups[Index].Sid))
            Sid++;
        if (Sid == Token->UserAndGroupCount) {
            Status = STATUS_NOT_ALL_ASSIGNED;
            continue;
        }
        One = SepAdjustGroup(&Token->UserAndGroups[Sid],
                             (New->Groups[Index].Attributes & SE_GROUP_ENABLED) != 0);
        if (!NT_SUCCESS(One))
            return One;
    }
    return Status;
}

/*
 * New is NULL to reset. With a Target, *Old becomes a block that says how the groups were that have
 * changed, with the pointers it will have at Target, if that fits in Room. Scratch has room for
 * twice the token's groups.
 */
static NTSTATUS
SepAdjustGroups(PTOKEN Token, PTOKEN_GROUPS New, PSID_AND_ATTRIBUTES Scratch, PVOID Target,
                ULONG Room, PTOKEN_GROUPS *Old, PULONG Size)
{
    PSID_AND_ATTRIBUTES Changed = Scratch + Token->UserAndGroupCount;
    NTSTATUS            Status = STATUS_SUCCESS;
    ULONG               Count = 0, Index;

    for (Index = 0; Index < Token->UserAndGroupCount; Index++)
        Scratch[Index] = Token->UserAndGroups[Index];
    if (New == NULL)
        SepResetGroups(Token);
    else
        Status = SepSetGroups(Token, New);
    for (Index = 0; Index < Token->UserAndGroupCount; Index++)
        if (Scratch[Index].Attributes != Token->UserAndGroups[Index].Attributes)
            Changed[Count++] = Scratch[Index];

    if (NT_SUCCESS(Status) && Target != NULL) {
        *Old = SepMakeGroups(Changed, Count, Target, Size);
        if (*Old == NULL)
            Status = STATUS_INSUFFICIENT_RESOURCES;
        else if (*Size > Room)
            Status = STATUS_BUFFER_TOO_SMALL;
    }
    for (Index = 0; !NT_SUCCESS(Status) && Index < Token->UserAndGroupCount; Index++)
        Token->UserAndGroups[Index].Attributes = Scratch[Index].Attributes;
    if (NT_SUCCESS(Status) && Count != 0)
        SepTokenChanged(Token);
    return Status;
}

/*
 * System service: enables and disables groups. The handle needs TOKEN_ADJUST_GROUPS, and
 * TOKEN_QUERY if the previous state of those that change is wanted. STATUS_NOT_ALL_ASSIGNED (a
 * success); STATUS_CANT_DISABLE_MANDATORY, STATUS_CANT_ENABLE_DENY_ONLY, STATUS_BUFFER_TOO_SMALL:
 * nothing is changed.
 */
NTSTATUS NTAPI
NtAdjustGroupsToken(HANDLE TokenHandle, BOOLEAN ResetToDefault, PTOKEN_GROUPS NewState,
                    ULONG BufferLength, PTOKEN_GROUPS PreviousState, PULONG ReturnLength)
{
    KPROCESSOR_MODE     Mode = KeGetPreviousMode();
    ACCESS_MASK         Access = TOKEN_ADJUST_GROUPS | (PreviousState ? TOKEN_QUERY : 0);
    PTOKEN_GROUPS       New = NULL, Old = NULL;
    ULONG               Size = 0;
    PSID_AND_ATTRIBUTES Scratch;
    PTOKEN              Token;
    NTSTATUS            Status;

    PAGED_CODE();

    if (!ResetToDefault && NewState == NULL)
        return STATUS_INVALID_PARAMETER;
    Status = SepProbeOld(PreviousState, BufferLength, PreviousState ? ReturnLength : NULL, Mode);
    if (NT_SUCCESS(Status) && !ResetToDefault)
        Status = SepCaptureGroups(NewState, Mode, &New);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = ObReferenceObjectByHandle(TokenHandle, Access, SepTokenObjectType, Mode,
                                       (PVOID *)&Token, NULL);
    if (NT_SUCCESS(Status)) {
        Scratch = ExAllocatePoolWithTag(PagedPool, 2 * Token->UserAndGroupCount * sizeof *Scratch,
                                        SEP_TAG_QUERY);
        if (Scratch != NULL) {
            SepLockToken(Token, TRUE);
            Status = SepAdjustGroups(Token, New, Scratch, PreviousState, BufferLength, &Old, &Size);
            SepUnlockToken(Token);
            ExFreePoolWithTag(Scratch, SEP_TAG_QUERY);
        } else {
            Status = STATUS_INSUFFICIENT_RESOURCES;
        }
        ObDereferenceObject(Token);
    }
    if (New != NULL)
        ExFreePoolWithTag(New, SEP_TAG_QUERY);
    return SepReturnOld(PreviousState, Old, Size, ReturnLength, Mode, Status);
}
