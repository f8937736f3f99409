/*
 * SIDs, access control lists and security descriptors as Win32 knows them: ntdll's routines under
 * their other names, with BOOL for NTSTATUS. SIDs and descriptors as text are in sddl.c.
 */
#include "advapi.h"
#include "sdk/ntsecurity.h"

BOOL WINAPI
IsValidSid(PSID Sid)
{
    return RtlValidSid(Sid);
}

BOOL WINAPI
EqualSid(PSID A, PSID B)
{
    return RtlEqualSid(A, B);
}

BOOL WINAPI
EqualPrefixSid(PSID A, PSID B)
{
    return RtlEqualPrefixSid(A, B);
}

DWORD WINAPI
GetLengthSid(PSID Sid)
{
    return RtlLengthSid(Sid);
}

DWORD WINAPI
GetSidLengthRequired(UCHAR Count)
{
    return RtlLengthRequiredSid(Count);
}

BOOL WINAPI
CopySid(DWORD Length, PSID To, PSID From)
{
    return AdvSetStatus(RtlCopySid(Length, To, From));
}

BOOL WINAPI
InitializeSid(PSID Sid, PSID_IDENTIFIER_AUTHORITY Authority, BYTE Count)
{
    return AdvSetStatus(RtlInitializeSid(Sid, Authority, Count));
}

PDWORD WINAPI
GetSidSubAuthority(PSID Sid, DWORD Index)
{
    return RtlSubAuthoritySid(Sid, Index);
}

PUCHAR WINAPI
GetSidSubAuthorityCount(PSID Sid)
{
    return RtlSubAuthorityCountSid(Sid);
}

PSID_IDENTIFIER_AUTHORITY WINAPI
GetSidIdentifierAuthority(PSID Sid)
{
    return &((SID *)Sid)->IdentifierAuthority;
}

BOOL WINAPI
AllocateAndInitializeSid(PSID_IDENTIFIER_AUTHORITY Authority, BYTE Count, DWORD P0, DWORD P1,
    DWORD P2, DWORD P3, DWORD P4, DWORD P5, DWORD P6, DWORD P7, PSID *Sid)
{
    return AdvSetStatus(RtlAllocateAndInitializeSid(Authority, Count, P0, P1, P2, P3, P4, P5, P6,
        P7, Sid));
}

PVOID WINAPI
FreeSid(PSID Sid)
{
    return RtlFreeSid(Sid);
}

BOOL WINAPI
InitializeAcl(PACL Acl, DWORD Length, DWORD Revision)
{
    return AdvSetStatus(RtlCreateAcl(Acl, Length, Revision));
}

BOOL WINAPI
IsValidAcl(PACL Acl)
{
    return RtlValidAcl(Acl);
}

BOOL WINAPI
GetAce(PACL Acl, DWORD Index, LPVOID *Ace)
{
    return AdvSetStatus(RtlGetAce(Acl, Index, Ace));
}

BOOL WINAPI
AddAce(PACL Acl, DWORD Revision, DWORD Index, LPVOID List, DWORD Length)
{
    return AdvSetStatus(RtlAddAce(Acl, Revision, Index, List, Length));
}

BOOL WINAPI
DeleteAce(PACL Acl, DWORD Index)
{
    return AdvSetStatus(RtlDeleteAce(Acl, Index));
}

BOOL WINAPI
AddAccessAllowedAceEx(PACL Acl, DWORD Revision, DWORD Flags, DWORD Mask, PSID Sid)
{
    return AdvSetStatus(RtlAddAccessAllowedAceEx(Acl, Revision, Flags, Mask, Sid));
}

BOOL WINAPI
AddAccessAllowedAce(PACL Acl, DWORD Revision, DWORD Mask, PSID Sid)
{
    return AddAccessAllowedAceEx(Acl, Revision, 0, Mask, Sid);
}

BOOL WINAPI
AddAccessDeniedAceEx(PACL Acl, DWORD Revision, DWORD Flags, DWORD Mask, PSID Sid)
{
    return AdvSetStatus(RtlAddAccessDeniedAceEx(Acl, Revision, Flags, Mask, Sid));
}

BOOL WINAPI
AddAccessDeniedAce(PACL Acl, DWORD Revision, DWORD Mask, PSID Sid)
{
    return AddAccessDeniedAceEx(Acl, Revision, 0, Mask, Sid);
}

BOOL WINAPI
InitializeSecurityDescriptor(PSECURITY_DESCRIPTOR Descriptor, DWORD Revision)
{
    return AdvSetStatus(RtlCreateSecurityDescriptor(Descriptor, Revision));
}

BOOL WINAPI
IsValidSecurityDescriptor(PSECURITY_DESCRIPTOR Descriptor)
{
    return RtlValidSecurityDescriptor(Descriptor);
}

DWORD WINAPI
GetSecurityDescriptorLength(PSECURITY_DESCRIPTOR Descriptor)
{
    return RtlLengthSecurityDescriptor(Descriptor);
}

BOOL WINAPI
GetSecurityDescriptorControl(PSECURITY_DESCRIPTOR Descriptor,
    PSECURITY_DESCRIPTOR_CONTROL Control, LPDWORD Revision)
{
    return AdvSetStatus(RtlGetControlSecurityDescriptor(Descriptor, Control, Revision));
}

BOOL WINAPI
SetSecurityDescriptorDacl(PSECURITY_DESCRIPTOR Descriptor, BOOL Present, PACL Acl, BOOL Defaulted)
{
    return AdvSetStatus(RtlSetDaclSecurityDescriptor(Descriptor, Present != FALSE, Acl,
        Defaulted != FALSE));
}

BOOL WINAPI
GetSecurityDescriptorDacl(PSECURITY_DESCRIPTOR Descriptor, LPBOOL Present, PACL *Acl,
    LPBOOL Defaulted)
{
    BOOLEAN  There = FALSE, Default = FALSE;
    NTSTATUS Status = RtlGetDaclSecurityDescriptor(Descriptor, &There, Acl, &Default);

    *Present   = There;
    *Defaulted = Default;
    return AdvSetStatus(Status);
}

BOOL WINAPI
SetSecurityDescriptorOwner(PSECURITY_DESCRIPTOR Descriptor, PSID Sid, BOOL Defaulted)
{
    return AdvSetStatus(RtlSetOwnerSecurityDescriptor(Descriptor, Sid, Defaulted != FALSE));
}

BOOL WINAPI
GetSecurityDescriptorOwner(PSECURITY_DESCRIPTOR Descriptor, PSID *Sid, LPBOOL Defaulted)
{
    BOOLEAN  Default = FALSE;
    NTSTATUS Status = RtlGetOwnerSecurityDescriptor(Descriptor, Sid, &Default);

    *Defaulted = Default;
    return AdvSetStatus(Status);
}

BOOL WINAPI
SetSecurityDescriptorGroup(PSECURITY_DESCRIPTOR Descriptor, PSID Sid, BOOL Defaulted)
{
    return AdvSetStatus(RtlSetGroupSecurityDescriptor(Descriptor, Sid, Defaulted != FALSE));
}

BOOL WINAPI
GetSecurityDescriptorGroup(PSECURITY_DESCRIPTOR Descriptor, PSID *Sid, LPBOOL Defaulted)
{
    BOOLEAN  Default = FALSE;
    NTSTATUS Status = RtlGetGroupSecurityDescriptor(Descriptor, Sid, &Default);

    *Defaulted = Default;
    return AdvSetStatus(Status);
}

BOOL WINAPI
MakeSelfRelativeSD(PSECURITY_DESCRIPTOR Absolute, PSECURITY_DESCRIPTOR Relative, LPDWORD Length)
{
    return AdvSetStatus(RtlAbsoluteToSelfRelativeSD(Absolute, Relative, Length));
}

BOOL WINAPI
GetKernelObjectSecurity(HANDLE Handle, SECURITY_INFORMATION Information,
    PSECURITY_DESCRIPTOR Descriptor, DWORD Length, LPDWORD Needed)
{
    return AdvSetStatus(NtQuerySecurityObject(Handle, Information, Descriptor, Length, Needed));
}

BOOL WINAPI
SetKernelObjectSecurity(HANDLE Handle, SECURITY_INFORMATION Information,
    PSECURITY_DESCRIPTOR Descriptor)
{
    return AdvSetStatus(NtSetSecurityObject(Handle, Information, Descriptor));
}

VOID WINAPI
MapGenericMask(PDWORD Mask, PGENERIC_MAPPING Mapping)
{
    DWORD Given = *Mask;

    *Mask = (Given & 0x0FFFFFFF) | (Given & GENERIC_READ ? Mapping->GenericRead : 0)
        | (Given & GENERIC_WRITE ? Mapping->GenericWrite : 0)
        | (Given & GENERIC_EXECUTE ? Mapping->GenericExecute : 0)
        | (Given & GENERIC_ALL ? Mapping->GenericAll : 0);
}
