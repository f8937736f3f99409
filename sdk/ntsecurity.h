/*
 * The security services of the kernel and what ntdll exports for security, for Etude's own
 * programs and DLLs: <winternl.h> leaves them out.
 */
#pragma once

#include "sdk/ntapi.h"

NTSTATUS NTAPI NtOpenProcessToken(HANDLE Process, ACCESS_MASK Access, PHANDLE Token);
NTSTATUS NTAPI NtOpenProcessTokenEx(HANDLE Process, ACCESS_MASK Access, ULONG Attributes,
    PHANDLE Token);
NTSTATUS NTAPI NtOpenThreadToken(HANDLE Thread, ACCESS_MASK Access, BOOLEAN AsSelf, PHANDLE Token);
NTSTATUS NTAPI NtOpenThreadTokenEx(HANDLE Thread, ACCESS_MASK Access, BOOLEAN AsSelf,
    ULONG Attributes, PHANDLE Token);
NTSTATUS NTAPI NtDuplicateToken(HANDLE Token, ACCESS_MASK Access, POBJECT_ATTRIBUTES Attributes,
    BOOLEAN EffectiveOnly, TOKEN_TYPE Type, PHANDLE New);
NTSTATUS NTAPI NtFilterToken(HANDLE Token, ULONG Flags, PTOKEN_GROUPS Disable,
    PTOKEN_PRIVILEGES Delete, PTOKEN_GROUPS Restrict, PHANDLE New);
NTSTATUS NTAPI NtAdjustPrivilegesToken(HANDLE Token, BOOLEAN DisableAll, PTOKEN_PRIVILEGES New,
    ULONG Length, PTOKEN_PRIVILEGES Old, PULONG Returned);
NTSTATUS NTAPI NtAdjustGroupsToken(HANDLE Token, BOOLEAN Reset, PTOKEN_GROUPS New, ULONG Length,
    PTOKEN_GROUPS Old, PULONG Returned);
NTSTATUS NTAPI NtQueryInformationToken(HANDLE Token, TOKEN_INFORMATION_CLASS Class, PVOID Buffer,
    ULONG Length, PULONG Returned);
NTSTATUS NTAPI NtSetInformationToken(HANDLE Token, TOKEN_INFORMATION_CLASS Class, PVOID Buffer,
    ULONG Length);
NTSTATUS NTAPI NtAccessCheck(PSECURITY_DESCRIPTOR Descriptor, HANDLE Token, ACCESS_MASK Access,
    PGENERIC_MAPPING Mapping, PPRIVILEGE_SET Set, PULONG SetLength, PACCESS_MASK Granted,
    PNTSTATUS Status);
NTSTATUS NTAPI NtPrivilegeCheck(HANDLE Token, PPRIVILEGE_SET Set, PBOOLEAN Result);
NTSTATUS NTAPI NtImpersonateThread(HANDLE Server, HANDLE Client,
    PSECURITY_QUALITY_OF_SERVICE Qos);
NTSTATUS NTAPI NtQuerySecurityObject(HANDLE Handle, SECURITY_INFORMATION Information,
    PSECURITY_DESCRIPTOR Descriptor, ULONG Length, PULONG Needed);
NTSTATUS NTAPI NtSetSecurityObject(HANDLE Handle, SECURITY_INFORMATION Information,
    PSECURITY_DESCRIPTOR Descriptor);
NTSTATUS NTAPI NtAllocateLocallyUniqueId(PLUID Luid);
// Etude's own: a primary token of a new logon of the account
NTSTATUS NTAPI NtLogonUser(PUNICODE_STRING Name, PHANDLE Token);

#define EtThreadImpersonationToken  5

/* ntdll (kernel/rtl): SIDs, lists, descriptors */
BOOLEAN  NTAPI RtlValidSid(PSID Sid);
ULONG    NTAPI RtlLengthSid(PSID Sid);
ULONG    NTAPI RtlLengthRequiredSid(ULONG Count);
NTSTATUS NTAPI RtlInitializeSid(PSID Sid, PSID_IDENTIFIER_AUTHORITY Authority, UCHAR Count);
PULONG   NTAPI RtlSubAuthoritySid(PSID Sid, ULONG Index);
PUCHAR   NTAPI RtlSubAuthorityCountSid(PSID Sid);
BOOLEAN  NTAPI RtlEqualSid(PSID A, PSID B);
BOOLEAN  NTAPI RtlEqualPrefixSid(PSID A, PSID B);
NTSTATUS NTAPI RtlCopySid(ULONG Length, PSID To, PSID From);
NTSTATUS NTAPI RtlAllocateAndInitializeSid(PSID_IDENTIFIER_AUTHORITY Authority, UCHAR Count,
    ULONG P0, ULONG P1, ULONG P2, ULONG P3, ULONG P4, ULONG P5, ULONG P6, ULONG P7, PSID *Sid);
PVOID    NTAPI RtlFreeSid(PSID Sid);
NTSTATUS NTAPI RtlConvertSidToUnicodeString(PUNICODE_STRING Text, PSID Sid, BOOLEAN Allocate);
NTSTATUS NTAPI RtlCreateAcl(PACL Acl, ULONG Length, ULONG Revision);
BOOLEAN  NTAPI RtlValidAcl(PACL Acl);
BOOLEAN  NTAPI RtlFirstFreeAce(PACL Acl, PVOID *Free);
NTSTATUS NTAPI RtlGetAce(PACL Acl, ULONG Index, PVOID *Ace);
NTSTATUS NTAPI RtlAddAce(PACL Acl, ULONG Revision, ULONG Index, PVOID List, ULONG Length);
NTSTATUS NTAPI RtlDeleteAce(PACL Acl, ULONG Index);
NTSTATUS NTAPI RtlAddAccessAllowedAceEx(PACL Acl, ULONG Revision, ULONG Flags, ACCESS_MASK Mask,
    PSID Sid);
NTSTATUS NTAPI RtlAddAccessDeniedAceEx(PACL Acl, ULONG Revision, ULONG Flags, ACCESS_MASK Mask,
    PSID Sid);
NTSTATUS NTAPI RtlCreateSecurityDescriptor(PSECURITY_DESCRIPTOR Descriptor, ULONG Revision);
BOOLEAN  NTAPI RtlValidSecurityDescriptor(PSECURITY_DESCRIPTOR Descriptor);
ULONG    NTAPI RtlLengthSecurityDescriptor(PSECURITY_DESCRIPTOR Descriptor);
NTSTATUS NTAPI RtlGetControlSecurityDescriptor(PSECURITY_DESCRIPTOR Descriptor, PUSHORT Control,
    PULONG Revision);
NTSTATUS NTAPI RtlSetDaclSecurityDescriptor(PSECURITY_DESCRIPTOR Descriptor, BOOLEAN Present,
    PACL Acl, BOOLEAN Defaulted);
NTSTATUS NTAPI RtlGetDaclSecurityDescriptor(PSECURITY_DESCRIPTOR Descriptor, PBOOLEAN Present,
    PACL *Acl, PBOOLEAN Defaulted);
NTSTATUS NTAPI RtlSetSaclSecurityDescriptor(PSECURITY_DESCRIPTOR Descriptor, BOOLEAN Present,
    PACL Acl, BOOLEAN Defaulted);
NTSTATUS NTAPI RtlGetSaclSecurityDescriptor(PSECURITY_DESCRIPTOR Descriptor, PBOOLEAN Present,
    PACL *Acl, PBOOLEAN Defaulted);
NTSTATUS NTAPI RtlSetOwnerSecurityDescriptor(PSECURITY_DESCRIPTOR Descriptor, PSID Sid,
    BOOLEAN Defaulted);
NTSTATUS NTAPI RtlGetOwnerSecurityDescriptor(PSECURITY_DESCRIPTOR Descriptor, PSID *Sid,
    PBOOLEAN Defaulted);
NTSTATUS NTAPI RtlSetGroupSecurityDescriptor(PSECURITY_DESCRIPTOR Descriptor, PSID Sid,
    BOOLEAN Defaulted);
NTSTATUS NTAPI RtlGetGroupSecurityDescriptor(PSECURITY_DESCRIPTOR Descriptor, PSID *Sid,
    PBOOLEAN Defaulted);
NTSTATUS NTAPI RtlAbsoluteToSelfRelativeSD(PSECURITY_DESCRIPTOR Absolute,
    PSECURITY_DESCRIPTOR Relative, PULONG Length);

/* Etude's own, of ntdll: SDDL. What the first one returns is freed with RtlFreeHeap. */
NTSTATUS NTAPI RtlpSddlToDescriptor(PCWSTR Text, PSECURITY_DESCRIPTOR *Descriptor, PULONG Length);
NTSTATUS NTAPI RtlpDescriptorToSddl(PSECURITY_DESCRIPTOR Descriptor,
    SECURITY_INFORMATION Information, PWSTR Buffer, PULONG Characters);
NTSTATUS NTAPI RtlpTextToSid(PCWSTR Text, PSID Sid, ULONG Room);

/* kernel32's, undocumented on Windows too: CreateProcessW with another primary token. */
BOOL WINAPI CreateProcessInternalW(HANDLE Token, LPCWSTR Application, LPWSTR CommandLine,
    LPSECURITY_ATTRIBUTES ProcessSecurity, LPSECURITY_ATTRIBUTES ThreadSecurity, BOOL Inherit,
    DWORD Flags, LPVOID Environment, LPCWSTR Directory, LPSTARTUPINFOW StartupInfo,
    LPPROCESS_INFORMATION Information, PHANDLE NewToken);
