/*
 * SIDs and lists by themselves; descriptors of new objects; shared descriptors.
 */
#include "ktse.h"

static GENERIC_MAPPING KtMapping = { 0x20001, 0x20002, 0x20004, 0xF0007 };

VOID
KtCheckSids(VOID)
{
    static SID_IDENTIFIER_AUTHORITY Nt = { SECURITY_NT_AUTHORITY };
    UCHAR          Sid[32], Copy[32], List[64];
    WCHAR          Room[64];
    UNICODE_STRING Text = { 0, sizeof Room, Room }, Wanted;
    PACL           Acl = (PACL)List;
    PVOID          Ace;

    HOLDS(RtlInitializeSid(Sid, &Nt, 2) == STATUS_SUCCESS && RtlLengthSid(Sid) == 16);
    HOLDS(RtlInitializeSid(Copy, &Nt, 16) == STATUS_INVALID_PARAMETER);
    *RtlSubAuthoritySid(Sid, 0) = 32;
    *RtlSubAuthoritySid(Sid, 1) = 544;
    HOLDS(RtlValidSid(Sid) && RtlEqualSid(Sid, SeExports->SeAliasAdminsSid));
    HOLDS(RtlConvertSidToUnicodeString(&Text, Sid, FALSE) == STATUS_SUCCESS);
    RtlInitUnicodeString(&Wanted, L"S-1-5-32-544");
    HOLDS(RtlEqualUnicodeString(&Text, &Wanted, FALSE));
    Text.MaximumLength = 8;
    HOLDS(RtlConvertSidToUnicodeString(&Text, Sid, FALSE) == STATUS_BUFFER_OVERFLOW);
    HOLDS(RtlCopySid(15, Copy, Sid) == STATUS_BUFFER_TOO_SMALL);
    HOLDS(RtlCopySid(16, Copy, Sid) == STATUS_SUCCESS && RtlEqualSid(Copy, Sid));
    Sid[1] = 16;
    HOLDS(!RtlValidSid(Sid));
    Copy[0] = 2;
    HOLDS(!RtlValidSid(Copy));

    HOLDS(RtlCreateAcl(Acl, 4, ACL_REVISION) == STATUS_BUFFER_TOO_SMALL);
    HOLDS(RtlCreateAcl(Acl, sizeof List, 1) == STATUS_INVALID_PARAMETER);
    HOLDS(RtlCreateAcl(Acl, 8 + 20, ACL_REVISION) == STATUS_SUCCESS);
    HOLDS(RtlAddAccessAllowedAceEx(Acl, ACL_REVISION, 0, 1, SeExports->SeWorldSid)
          == STATUS_SUCCESS);
    HOLDS(RtlAddAccessAllowedAceEx(Acl, ACL_REVISION, 0, 1, SeExports->SeWorldSid)
          == STATUS_ALLOTTED_SPACE_EXCEEDED);
    HOLDS(RtlGetAce(Acl, 0, &Ace) == STATUS_SUCCESS
          && RtlGetAce(Acl, 1, &Ace) == STATUS_INVALID_PARAMETER);
}

/* The n-th entry of a descriptor's DACL, or NULL. */
static ACCESS_ALLOWED_ACE *
KtAceOf(PSECURITY_DESCRIPTOR Descriptor, ULONG Index)
{
    BOOLEAN Present = FALSE, Defaulted;
    PACL    Dacl = NULL;
    PVOID   Ace = NULL;

    RtlGetDaclSecurityDescriptor(Descriptor, &Present, &Dacl, &Defaulted);
    if (!Present || Dacl == NULL || !NT_SUCCESS(RtlGetAce(Dacl, Index, &Ace)))
        return NULL;
    return Ace;
}

VOID
KtCheckAssign(VOID)
{
    const KT_ACE             Entry[] = { { GENERIC_READ, &SeExports->SeCreatorOwnerSid } };
    SECURITY_SUBJECT_CONTEXT Subject;
    KT_DESCRIPTOR            Parent, Given;
    PSECURITY_DESCRIPTOR     New, Old;
    ACCESS_ALLOWED_ACE      *Ace;
    SECURITY_INFORMATION     Dacl = DACL_SECURITY_INFORMATION;
    UCHAR                    Buffer[512];
    ULONG                    Length = 0;
    PSID                     Owner;
    BOOLEAN                  Defaulted;

    SeCaptureSubjectContext(&Subject);
    SeLockSubjectContext(&Subject);

    /* Nothing given: the token's owner and DACL, generic rights mapped. */
    HOLDS(SeAssignSecurity(NULL, NULL, &New, FALSE, &Subject, &KtMapping, PagedPool)
          == STATUS_SUCCESS);
    HOLDS(SeValidSecurityDescriptor(RtlLengthSecurityDescriptor(New), New));
    RtlGetOwnerSecurityDescriptor(New, &Owner, &Defaulted);
    HOLDS(RtlEqualSid(Owner, SeExports->SeAliasAdminsSid));
    Ace = KtAceOf(New, 0);
    HOLDS(Ace != NULL && Ace->Mask == KtMapping.GenericAll);
    SeDeassignSecurity(&New);
    HOLDS(New == NULL);

    /* A container's inheritable entry; CREATOR OWNER becomes the owner. */
    KtMakeDescriptor(&Parent, SeExports->SeAliasAdminsSid, TRUE, Entry, 1);
    KtAceOf(&Parent.Descriptor, 0)->Header.AceFlags = OBJECT_INHERIT_ACE | INHERIT_ONLY_ACE;
    HOLDS(SeAssignSecurity(&Parent.Descriptor, NULL, &New, FALSE, &Subject, &KtMapping, PagedPool)
          == STATUS_SUCCESS);
    Ace = KtAceOf(New, 0);
    HOLDS(Ace != NULL && Ace->Mask == KtMapping.GenericRead && Ace->Header.AceFlags == 0
          && RtlEqualSid(&Ace->SidStart, SeExports->SeAliasAdminsSid) && KtAceOf(New, 1) == NULL);
    SeDeassignSecurity(&New);

    /* What is given goes before that. */
    KtMakeDescriptor(&Given, SeExports->SeWorldSid, TRUE, NULL, 0);
    HOLDS(SeAssignSecurityEx(&Parent.Descriptor, &Given.Descriptor, &New, NULL, FALSE, 0, &Subject,
                             &KtMapping, PagedPool) == STATUS_SUCCESS);
    HOLDS(KtAceOf(New, 0) == NULL);
    SeUnlockSubjectContext(&Subject);
    SeReleaseSubjectContext(&Subject);

    /* Changed and read part by part. */
    Old = New;
    HOLDS(SeSetSecurityDescriptorInfo(NULL, &Dacl, &Parent.Descriptor, &New, PagedPool, &KtMapping)
          == STATUS_SUCCESS && New != Old);
    SeDeassignSecurity(&Old);
    HOLDS(KtAceOf(New, 0) != NULL);
    HOLDS(SeQuerySecurityDescriptorInfo(&Dacl, Buffer, &Length, &New) == STATUS_BUFFER_TOO_SMALL);
    HOLDS(Length <= sizeof Buffer
          && SeQuerySecurityDescriptorInfo(&Dacl, Buffer, &Length, &New) == STATUS_SUCCESS);
    RtlGetOwnerSecurityDescriptor(Buffer, &Owner, &Defaulted);
    HOLDS(Owner == NULL && KtAceOf(Buffer, 0) != NULL);
    SeDeassignSecurity(&New);
}

VOID
KtCheckSharing(VOID)
{
    SECURITY_SUBJECT_CONTEXT Subject;
    PSECURITY_DESCRIPTOR     Made, One, Two;

    SeCaptureSubjectContext(&Subject);
    SeAssignSecurity(NULL, NULL, &Made, FALSE, &Subject, &KtMapping, PagedPool);
    SeReleaseSubjectContext(&Subject);
    HOLDS(ObLogSecurityDescriptor(Made, &One, 1) == STATUS_SUCCESS && One != Made);
    HOLDS(ObLogSecurityDescriptor(Made, &Two, 2) == STATUS_SUCCESS && Two == One);
    ObDereferenceSecurityDescriptor(One, 1);
    HOLDS(RtlValidSecurityDescriptor(Two));
    ObDereferenceSecurityDescriptor(Two, 2);
    SeDeassignSecurity(&Made);
}
