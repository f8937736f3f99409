/*
 * Access control lists: an ACL header, then access control entries, one behind the other. Each
 * ACE starts with an ACE_HEADER that gives its type and size; the types that are checked here
 * (allow, deny, audit, alarm) hold an access mask and a SID.
 *
 * AclSize is the room there is, which the ACEs need not fill; AceCount is how many there are. An
 * ACL from elsewhere is measured against its memory with RtlpAclFits before it is walked;
 * everything else here believes AclSize.
 *
 * Nothing here takes a lock or allocates.
 */
#include "rtlp.h"

#define RTLP_ACE_SID(Ace)   ((PSID)&((ACCESS_ALLOWED_ACE *)(Ace))->SidStart)
#define RTLP_ACE_FIXED      FIELD_OFFSET(ACCESS_ALLOWED_ACE, SidStart)

/* STATUS_INVALID_PARAMETER, STATUS_BUFFER_TOO_SMALL: not even the header fits. */
NTSTATUS NTAPI
RtlCreateAcl(PACL Acl, ULONG AclLength, ULONG AclRevision)
{
    if (AclLength < sizeof(ACL))
        return STATUS_BUFFER_TOO_SMALL;
    if (AclLength > MAXUSHORT || AclRevision < MIN_ACL_REVISION || AclRevision > MAX_ACL_REVISION)
        return STATUS_INVALID_PARAMETER;

    Acl->AclRevision = (UCHAR)AclRevision;
    Acl->Sbz1        = 0;
    Acl->AclSize     = (USHORT)(AclLength & ~3);
    Acl->AceCount    = 0;
    Acl->Sbz2        = 0;
    return STATUS_SUCCESS;
}

static BOOLEAN
RtlpAceIsValid(PACE_HEADER Ace, ULONG Room)
{
    if (Room < sizeof *Ace || Ace->AceSize > Room || Ace->AceSize < sizeof *Ace
        || (Ace->AceSize & 3))
        return FALSE;
    if (Ace->AceType > ACCESS_MAX_MS_V2_ACE_TYPE)
        return TRUE;                    // not looked into by anybody
    return Ace->AceSize >= RTLP_ACE_FIXED
        && RtlpSidFits(RTLP_ACE_SID(Ace), Ace->AceSize - RTLP_ACE_FIXED);
}

/* A valid ACL at Acl that ends within Room bytes. */
BOOLEAN
RtlpAclFits(PACL Acl, ULONG Room)
{
    ULONG Offset = sizeof(ACL);

    if (Room < sizeof(ACL) || Acl->AclSize > Room || Acl->AclSize < sizeof(ACL)
        || Acl->AclRevision < MIN_ACL_REVISION || Acl->AclRevision > MAX_ACL_REVISION)
        return FALSE;
    for (ULONG Index = 0; Index < Acl->AceCount; Index++) {
        PACE_HEADER Ace = (PACE_HEADER)((PUCHAR)Acl + Offset);

        if (!RtlpAceIsValid(Ace, Acl->AclSize - Offset))
            return FALSE;
        Offset += Ace->AceSize;
    }
    return TRUE;
}

BOOLEAN NTAPI
RtlValidAcl(PACL Acl)
{
    return RtlpAclFits(Acl, MAXUSHORT);
}

/* Where the next ACE would begin; FALSE: the ACEs that are there do not fit into the ACL. */
BOOLEAN NTAPI
RtlFirstFreeAce(PACL Acl, PVOID *FirstFree)
{
    ULONG Offset = sizeof(ACL);

    *FirstFree = NULL;
    for (ULONG Index = 0; Index < Acl->AceCount; Index++) {
        if (Offset + sizeof(ACE_HEADER) > Acl->AclSize)
            return FALSE;
        Offset += ((PACE_HEADER)((PUCHAR)Acl + Offset))->AceSize;
    }
    if (Offset > Acl->AclSize)
        return FALSE;
    *FirstFree = (PUCHAR)Acl + Offset;
    return TRUE;
}

/* Bytes of the ACL that are in use. */
ULONG
RtlpAclUsed(PACL Acl)
{
    PVOID End;

    return RtlFirstFreeAce(Acl, &End) ? (ULONG)((PUCHAR)End - (PUCHAR)Acl) : Acl->AclSize;
}

/* STATUS_INVALID_PARAMETER: there is no such ACE. */
NTSTATUS NTAPI
RtlGetAce(PACL Acl, ULONG AceIndex, PVOID *Ace)
{
    PUCHAR At = (PUCHAR)(Acl + 1);

    if (AceIndex >= Acl->AceCount)
        return STATUS_INVALID_PARAMETER;
    while (AceIndex-- != 0)
        At += ((PACE_HEADER)At)->AceSize;
    if (At >= (PUCHAR)Acl + Acl->AclSize)
        return STATUS_INVALID_PARAMETER;
    *Ace = At;
    return STATUS_SUCCESS;
}

/* Counts the ACEs of a list and checks that they fill it; 0: they do not. */
static ULONG
RtlpCountAces(PUCHAR List, ULONG Length)
{
    ULONG Count = 0;

    for (ULONG Offset = 0; Offset < Length; Count++) {
        if (!RtlpAceIsValid((PACE_HEADER)(List + Offset), Length - Offset))
            return 0;
        Offset += ((PACE_HEADER)(List + Offset))->AceSize;
    }
    return Count;
}

/*
 * Inserts a list of ACEs before the one at StartingAceIndex, or at the end (MAXULONG).
 * STATUS_INVALID_PARAMETER; STATUS_BUFFER_TOO_SMALL; STATUS_INVALID_ACL.
 */
NTSTATUS NTAPI
RtlAddAce(PACL Acl, ULONG AceRevision, ULONG StartingAceIndex, PVOID AceList, ULONG AceListLength)
{
    ULONG Count = RtlpCountAces(AceList, AceListLength);
    PVOID End, At;

    if (!RtlFirstFreeAce(Acl, &End))
        return STATUS_INVALID_ACL;
    if (AceRevision < MIN_ACL_REVISION || AceRevision > MAX_ACL_REVISION || Count == 0)
        return STATUS_INVALID_PARAMETER;
    if (AceListLength > (ULONG)(Acl->AclSize - ((PUCHAR)End - (PUCHAR)Acl)))
        return STATUS_BUFFER_TOO_SMALL;

    if (!NT_SUCCESS(RtlGetAce(Acl, StartingAceIndex, &At)))
        At = End;
    memmove((PUCHAR)At + AceListLength, At, (PUCHAR)End - (PUCHAR)At);
    memcpy(At, AceList, AceListLength);
    Acl->AceCount += (USHORT)Count;
    if (AceRevision > Acl->AclRevision)
        Acl->AclRevision = (UCHAR)AceRevision;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI
RtlDeleteAce(PACL Acl, ULONG AceIndex)
{
    PVOID  Ace, End;
    USHORT Size;

    if (!RtlFirstFreeAce(Acl, &End) || !NT_SUCCESS(RtlGetAce(Acl, AceIndex, &Ace)))
        return STATUS_INVALID_PARAMETER;
    Size = ((PACE_HEADER)Ace)->AceSize;
    memmove(Ace, (PUCHAR)Ace + Size, (PUCHAR)End - ((PUCHAR)Ace + Size));
    Acl->AceCount--;
    return STATUS_SUCCESS;
}

/* Appends an ACE of a mask and a SID. STATUS_INVALID_SID, STATUS_ALLOTTED_SPACE_EXCEEDED. */
NTSTATUS
RtlpAppendAce(PACL Acl, ULONG Revision, UCHAR Type, ULONG Flags, ACCESS_MASK Mask, PSID Sid)
{
    ACCESS_ALLOWED_ACE *Ace;
    ULONG               Size;

    if (!RtlValidSid(Sid))
        return STATUS_INVALID_SID;
    if (Revision < MIN_ACL_REVISION || Revision > MAX_ACL_REVISION)
        return STATUS_REVISION_MISMATCH;
    if (!RtlFirstFreeAce(Acl, (PVOID *)&Ace))
        return STATUS_INVALID_ACL;
    Size = RTLP_ACE_FIXED + RtlLengthSid(Sid);
    if (Size > (ULONG)(Acl->AclSize - ((PUCHAR)Ace - (PUCHAR)Acl)))
        return STATUS_ALLOTTED_SPACE_EXCEEDED;

    Ace->Header.AceType  = Type;
    Ace->Header.AceFlags = (UCHAR)Flags;
    Ace->Header.AceSize  = (USHORT)Size;
    Ace->Mask            = Mask;
    RtlCopySid(Size - RTLP_ACE_FIXED, RTLP_ACE_SID(Ace), Sid);
    Acl->AceCount++;
    if (Revision > Acl->AclRevision)
        Acl->AclRevision = (UCHAR)Revision;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI
RtlAddAccessAllowedAceEx(PACL Acl, ULONG AceRevision, ULONG AceFlags, ACCESS_MASK AccessMask,
                         PSID Sid)
{
    return RtlpAppendAce(Acl, AceRevision, ACCESS_ALLOWED_ACE_TYPE, AceFlags, AccessMask, Sid);
}

NTSTATUS NTAPI
RtlAddAccessAllowedAce(PACL Acl, ULONG AceRevision, ACCESS_MASK AccessMask, PSID Sid)
{
    return RtlpAppendAce(Acl, AceRevision, ACCESS_ALLOWED_ACE_TYPE, 0, AccessMask, Sid);
}

NTSTATUS NTAPI
RtlAddAccessDeniedAceEx(PACL Acl, ULONG AceRevision, ULONG AceFlags, ACCESS_MASK AccessMask,
                        PSID Sid)
{
    return RtlpAppendAce(Acl, AceRevision, ACCESS_DENIED_ACE_TYPE, AceFlags, AccessMask, Sid);
}

NTSTATUS NTAPI
RtlAddAccessDeniedAce(PACL Acl, ULONG AceRevision, ACCESS_MASK AccessMask, PSID Sid)
{
    return RtlpAppendAce(Acl, AceRevision, ACCESS_DENIED_ACE_TYPE, 0, AccessMask, Sid);
}
