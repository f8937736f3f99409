/*
 * Security identifiers: who somebody is. A SID is a revision (1), a six-byte authority and up to
 * fifteen 32-bit sub-authorities, written S-1-5-32-544; its length follows from their number. The
 * last sub-authority (the relative id) tells the members of one domain from each other.
 *
 * A SID is believed for RtlLengthSid bytes, so one that comes from elsewhere is first measured
 * against the memory it lies in (RtlpSidFits), then asked whether it is valid.
 *
 * Nothing here takes a lock. RtlConvertSidToUnicodeString may allocate (PASSIVE_LEVEL); the rest
 * runs wherever the SID's memory can be touched.
 */
#include "rtlp.h"

#define RTLP_TAG_SID    'iSeS'

BOOLEAN NTAPI
RtlValidSid(PSID Sid)
{
    SID *This = Sid;

    return This != NULL && This->Revision == SID_REVISION
        && This->SubAuthorityCount <= SID_MAX_SUB_AUTHORITIES;
}

ULONG NTAPI
RtlLengthRequiredSid(ULONG SubAuthorityCount)
{
    return FIELD_OFFSET(SID, SubAuthority) + SubAuthorityCount * sizeof(ULONG);
}

ULONG NTAPI
RtlLengthSid(PSID Sid)
{
    return RtlLengthRequiredSid(((SID *)Sid)->SubAuthorityCount);
}

/* A valid SID at Sid that ends within Room bytes. */
BOOLEAN
RtlpSidFits(PSID Sid, ULONG Room)
{
    return Room >= RtlLengthRequiredSid(0) && RtlValidSid(Sid) && RtlLengthSid(Sid) <= Room;
}

/* The sub-authorities keep their values. STATUS_INVALID_PARAMETER: more than fifteen. */
NTSTATUS NTAPI
RtlInitializeSid(PSID Sid, PSID_IDENTIFIER_AUTHORITY IdentifierAuthority, UCHAR SubAuthorityCount)
{
    SID *This = Sid;

    if (SubAuthorityCount > SID_MAX_SUB_AUTHORITIES)
        return STATUS_INVALID_PARAMETER;

    This->Revision            = SID_REVISION;
    This->SubAuthorityCount   = SubAuthorityCount;
    This->IdentifierAuthority = *IdentifierAuthority;
    return STATUS_SUCCESS;
}

PULONG NTAPI
RtlSubAuthoritySid(PSID Sid, ULONG SubAuthority)
{
    return &((SID *)Sid)->SubAuthority[SubAuthority];
}

PUCHAR NTAPI
RtlSubAuthorityCountSid(PSID Sid)
{
    return &((SID *)Sid)->SubAuthorityCount;
}

PSID_IDENTIFIER_AUTHORITY NTAPI
RtlIdentifierAuthoritySid(PSID Sid)
{
    return &((SID *)Sid)->IdentifierAuthority;
}

BOOLEAN NTAPI
RtlEqualSid(PSID Sid1, PSID Sid2)
{
    SID *A = Sid1, *B = Sid2;

    return *(USHORT *)A == *(USHORT *)B && memcmp(A, B, RtlLengthSid(A)) == 0;
}

/* The same but for the last sub-authority: two accounts of one domain. */
BOOLEAN NTAPI
RtlEqualPrefixSid(PSID Sid1, PSID Sid2)
{
    SID *A = Sid1, *B = Sid2;

    if (*(USHORT *)A != *(USHORT *)B)
        return FALSE;
    return memcmp(A, B, RtlLengthRequiredSid(A->SubAuthorityCount ? A->SubAuthorityCount - 1u : 0))
        == 0;
}

/* STATUS_BUFFER_TOO_SMALL: the SID is longer than Length, and nothing was copied. */
NTSTATUS NTAPI
RtlCopySid(ULONG Length, PSID Destination, PSID Source)
{
    ULONG Needed = RtlLengthSid(Source);

    if (Needed > Length)
        return STATUS_BUFFER_TOO_SMALL;
    memmove(Destination, Source, Needed);
    return STATUS_SUCCESS;
}

/* Freed with RtlFreeSid. */
NTSTATUS NTAPI
RtlAllocateAndInitializeSid(PSID_IDENTIFIER_AUTHORITY IdentifierAuthority, UCHAR SubAuthorityCount,
                            ULONG SubAuthority0, ULONG SubAuthority1, ULONG SubAuthority2,
                            ULONG SubAuthority3, ULONG SubAuthority4, ULONG SubAuthority5,
                            ULONG SubAuthority6, ULONG SubAuthority7, PSID *Sid)
{
    const ULONG Parts[8] = { SubAuthority0, SubAuthority1, SubAuthority2, SubAuthority3,
                             SubAuthority4, SubAuthority5, SubAuthority6, SubAuthority7 };
    SID        *New;

    if (SubAuthorityCount > RTL_NUMBER_OF(Parts))
        return STATUS_INVALID_SID;
    New = ExAllocatePoolWithTag(PagedPool, RtlLengthRequiredSid(SubAuthorityCount), RTLP_TAG_SID);
    if (New == NULL)
        return STATUS_NO_MEMORY;

    RtlInitializeSid(New, IdentifierAuthority, SubAuthorityCount);
    memcpy(New->SubAuthority, Parts, SubAuthorityCount * sizeof(ULONG));
    *Sid = New;
    return STATUS_SUCCESS;
}

PVOID NTAPI
RtlFreeSid(PSID Sid)
{
    if (Sid != NULL)
        ExFreePoolWithTag(Sid, RTLP_TAG_SID);
    return NULL;
}

/* The authority's six bytes, highest first, as one number. */
static ULONG64
RtlpSidAuthority(const SID *Sid)
{
    ULONG64 Value = 0;

    for (ULONG Index = 0; Index < 6; Index++)
        Value = Value << 8 | Sid->IdentifierAuthority.Value[Index];
    return Value;
}

/*
 * S-1-5-21-... STATUS_INVALID_SID; STATUS_BUFFER_OVERFLOW: the caller's buffer is too small. An
 * allocated string is freed with RtlFreeUnicodeString.
 */
NTSTATUS NTAPI
RtlConvertSidToUnicodeString(PUNICODE_STRING UnicodeString, PSID Sid,
                             BOOLEAN AllocateDestinationString)
{
    WCHAR          Text[6 + 14 + SID_MAX_SUB_AUTHORITIES * 11];
    SID           *This = Sid;
    UNICODE_STRING String;
    ULONG64        Authority;
    int            Length;

    PAGED_CODE();

    if (!RtlValidSid(Sid))
        return STATUS_INVALID_SID;

    Authority = RtlpSidAuthority(This);
    Length    = _snwprintf(Text, RTL_NUMBER_OF(Text),
                           Authority >> 32 ? L"S-1-0x%I64x" : L"S-1-%I64u", Authority);
    for (ULONG Index = 0; Index < This->SubAuthorityCount; Index++)
        Length += _snwprintf(Text + Length, RTL_NUMBER_OF(Text) - Length, L"-%u",
                             This->SubAuthority[Index]);
    RtlInitUnicodeString(&String, Text);

    if (AllocateDestinationString)
        return RtlCreateUnicodeString(UnicodeString, Text) ? STATUS_SUCCESS : STATUS_NO_MEMORY;
    if (String.Length > UnicodeString->MaximumLength)
        return STATUS_BUFFER_OVERFLOW;
    RtlCopyUnicodeString(UnicodeString, &String);
    return STATUS_SUCCESS;
}
