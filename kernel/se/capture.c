/*
 * Taking in SIDs, lists and descriptors that a caller gives: probed, copied once, and only the
 * copy is checked and used. From kernel mode nothing is probed.
 *
 * A length that lies in the caller's memory is read once; the copy is made with that length and
 * then must agree with itself, whatever the caller has done to the original meanwhile.
 */
#include "se/sep.h"

/* Copies a SID to Buffer of SEP_LONGEST_SID bytes. A fault's status, STATUS_INVALID_SID. */
NTSTATUS
SepCaptureSid(PSID Given, KPROCESSOR_MODE Mode, PSID Buffer)
{
    ULONG Length;

    __try {
        if (Mode != KernelMode)
            ProbeForRead(Given, sizeof(USHORT), 1);
        Length = ((volatile UCHAR *)Given)[FIELD_OFFSET(SID, SubAuthorityCount)];
        if (Length > SID_MAX_SUB_AUTHORITIES)
            return STATUS_INVALID_SID;
        Length = RtlLengthRequiredSid(Length);
        if (Mode != KernelMode)
            ProbeForRead(Given, Length, 1);
        RtlCopyMemory(Buffer, Given, Length);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return RtlpSidFits(Buffer, Length) ? STATUS_SUCCESS : STATUS_INVALID_SID;
}

/* Copies a list to pool, SEP_TAG_DACL. */
NTSTATUS
SepCaptureAcl(PACL Given, KPROCESSOR_MODE Mode, PACL *Captured)
{
    PACL     Copy = NULL;
    USHORT   Length = 0;
    NTSTATUS Status = STATUS_SUCCESS;

    *Captured = NULL;
    __try {
        if (Mode != KernelMode)
            ProbeForRead(Given, sizeof(ACL), 1);
        Length = *(volatile USHORT *)&Given->AclSize;
        if (Length < sizeof(ACL))
            return STATUS_INVALID_ACL;
        if (Mode != KernelMode)
            ProbeForRead(Given, Length, 1);
        Copy = ExAllocatePoolWithTag(PagedPool, Length, SEP_TAG_DACL);
        if (Copy == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        RtlCopyMemory(Copy, Given, Length);
        if (!RtlpAclFits(Copy, Length))
            Status = STATUS_INVALID_ACL;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    if (NT_SUCCESS(Status))
        *Captured = Copy;
    else if (Copy != NULL)
        ExFreePoolWithTag(Copy, SEP_TAG_DACL);
    return Status;
}

/*
 * Copies a TOKEN_GROUPS (may be NULL, and then so is the copy) and its SIDs to one block of pool,
 * SEP_TAG_QUERY.
 */
NTSTATUS
SepCaptureGroups(PTOKEN_GROUPS Given, KPROCESSOR_MODE Mode, PTOKEN_GROUPS *Captured)
{
    PTOKEN_GROUPS Copy = NULL;
    PUCHAR        At = NULL;
    ULONG         Count = 0, Head = 0;
    NTSTATUS      Status = STATUS_SUCCESS;

    *Captured = NULL;
    if (Given == NULL)
        return STATUS_SUCCESS;
    __try {
        if (Mode != KernelMode)
            ProbeForRead(Given, FIELD_OFFSET(TOKEN_GROUPS, Groups), sizeof(ULONG));
        Count = *(volatile ULONG *)&Given->GroupCount;
        if (Count > SEP_MAXIMUM_SIDS)
            return STATUS_INVALID_PARAMETER;
        Head = FIELD_OFFSET(TOKEN_GROUPS, Groups) + Count * sizeof(SID_AND_ATTRIBUTES);
        if (Mode != KernelMode)
            ProbeForRead(Given, Head, sizeof(ULONG));
        Copy = ExAllocatePoolWithTag(PagedPool, Head + Count * SEP_LONGEST_SID, SEP_TAG_QUERY);
        if (Copy == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        RtlCopyMemory(Copy, Given, Head);
        Copy->GroupCount = Count;
        At = (PUCHAR)Copy + Head;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    for (ULONG Index = 0; Index < Count && NT_SUCCESS(Status); Index++) {
        Status = SepCaptureSid(Copy->Groups[Index].Sid, Mode, At);
        Copy->Groups[Index].Sid = At;
        At += SEP_LONGEST_SID;
    }
    if (NT_SUCCESS(Status))
        *Captured = Copy;
    else if (Copy != NULL)
        ExFreePoolWithTag(Copy, SEP_TAG_QUERY);
    return Status;
}

/*
 * Copies Given's privileges, Offset bytes behind its first word, which counts them, to a block
 * that begins with a TOKEN_PRIVILEGES.
 */
static NTSTATUS
SepCaptureLuids(PULONG Given, ULONG Offset, KPROCESSOR_MODE Mode, PTOKEN_PRIVILEGES *Captured)
{
    PTOKEN_PRIVILEGES Copy = NULL;
    ULONG             Count, Size;
    NTSTATUS          Status = STATUS_SUCCESS;

    *Captured = NULL;
    if (Given == NULL)
        return STATUS_SUCCESS;
    __try {
        if (Mode != KernelMode)
            ProbeForRead(Given, Offset, sizeof(ULONG));
        Count = *(volatile ULONG *)Given;
        if (Count > SEP_MAXIMUM_SIDS)
            return STATUS_INVALID_PARAMETER;
        Size = Count * sizeof(LUID_AND_ATTRIBUTES);
        if (Mode != KernelMode)
            ProbeForRead(Given, Offset + Size, sizeof(ULONG));
        Copy = ExAllocatePoolWithTag(PagedPool, sizeof *Copy + Size, SEP_TAG_QUERY);
        if (Copy == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        RtlCopyMemory(Copy->Privileges, (PUCHAR)Given + Offset, Size);
        Copy->PrivilegeCount = Count;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    if (NT_SUCCESS(Status))
        *Captured = Copy;
    else if (Copy != NULL)
        ExFreePoolWithTag(Copy, SEP_TAG_QUERY);
    return Status;
}

NTSTATUS
SepCapturePrivileges(PTOKEN_PRIVILEGES Given, KPROCESSOR_MODE Mode, PTOKEN_PRIVILEGES *Captured)
{
    return SepCaptureLuids((PULONG)Given, FIELD_OFFSET(TOKEN_PRIVILEGES, Privileges), Mode,
                           Captured);
}

NTSTATUS
SepCapturePrivilegeSet(PPRIVILEGE_SET Given, KPROCESSOR_MODE Mode, PTOKEN_PRIVILEGES *Captured)
{
    return SepCaptureLuids((PULONG)Given, FIELD_OFFSET(PRIVILEGE_SET, Privilege), Mode, Captured);
}

/* Where the parts of a caller's descriptor lie. */
static NTSTATUS
SepCaptureParts(PSECURITY_DESCRIPTOR Given, KPROCESSOR_MODE Mode, PRTL_SECURITY_PARTS Parts)
{
    SECURITY_DESCRIPTOR          Copy;
    SECURITY_DESCRIPTOR_RELATIVE Relative;

    __try {
        if (Mode != KernelMode)
            ProbeForRead(Given, sizeof Relative, sizeof(ULONG));
        Relative = *(volatile SECURITY_DESCRIPTOR_RELATIVE *)Given;
        if (Relative.Revision != SECURITY_DESCRIPTOR_REVISION)
            return STATUS_UNKNOWN_REVISION;
        if (!(Relative.Control & SE_SELF_RELATIVE)) {
            if (Mode != KernelMode)
                ProbeForRead(Given, sizeof Copy, sizeof(ULONG));
            Copy = *(volatile SECURITY_DESCRIPTOR *)Given;
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    Parts->Control = Relative.Control & ~SE_SELF_RELATIVE;
    if (Relative.Control & SE_SELF_RELATIVE) {
        Parts->Owner = Relative.Owner ? (PUCHAR)Given + Relative.Owner : NULL;
        Parts->Group = Relative.Group ? (PUCHAR)Given + Relative.Group : NULL;
        Parts->Dacl  = Relative.Dacl ? (PACL)((PUCHAR)Given + Relative.Dacl) : NULL;
        Parts->Sacl  = Relative.Sacl ? (PACL)((PUCHAR)Given + Relative.Sacl) : NULL;
    } else {
        Parts->Owner = Copy.Owner;
        Parts->Group = Copy.Group;
        Parts->Dacl  = Copy.Dacl;
        Parts->Sacl  = Copy.Sacl;
    }
    if (!(Parts->Control & SE_DACL_PRESENT))
        Parts->Dacl = NULL;
    if (!(Parts->Control & SE_SACL_PRESENT))
        Parts->Sacl = NULL;
    return STATUS_SUCCESS;
}

static NTSTATUS
SepBuildInPool(const RTL_SECURITY_PARTS *Parts, POOL_TYPE PoolType, PSECURITY_DESCRIPTOR *Built)
{
    ULONG Length = 0;

    RtlpBuildDescriptor(Parts, NULL, &Length);
    *Built = ExAllocatePoolWithTag(PoolType, Length, SEP_TAG_DESCRIPTOR);
    return *Built == NULL ? STATUS_INSUFFICIENT_RESOURCES
                          : RtlpBuildDescriptor(Parts, *Built, &Length);
}

NTSTATUS NTAPI
SeCaptureSecurityDescriptor(PSECURITY_DESCRIPTOR Original, KPROCESSOR_MODE Mode,
                            POOL_TYPE PoolType, BOOLEAN CaptureIfKernel,
                            PSECURITY_DESCRIPTOR *Captured)
{
    UCHAR              Owner[SEP_LONGEST_SID], Group[SEP_LONGEST_SID];
    RTL_SECURITY_PARTS Parts = { 0 };
    PACL               Dacl = NULL, Sacl = NULL;
    NTSTATUS           Status;

    PAGED_CODE();

    *Captured = NULL;
    if (Original == NULL)
        return STATUS_SUCCESS;
    if (Mode == KernelMode && !CaptureIfKernel) {
        *Captured = Original;
        return STATUS_SUCCESS;
    }
    Status = SepCaptureParts(Original, Mode, &Parts);
    if (NT_SUCCESS(Status) && Parts.Owner != NULL)
        Status = SepCaptureSid(Parts.Owner, Mode, Owner);
    if (NT_SUCCESS(Status) && Parts.Group != NULL)
        Status = SepCaptureSid(Parts.Group, Mode, Group);
    if (NT_SUCCESS(Status) && Parts.Dacl != NULL)
        Status = SepCaptureAcl(Parts.Dacl, Mode, &Dacl);
    if (NT_SUCCESS(Status) && Parts.Sacl != NULL)
        Status = SepCaptureAcl(Parts.Sacl, Mode, &Sacl);
    if (NT_SUCCESS(Status)) {
        Parts.Owner = Parts.Owner != NULL ? Owner : NULL;
        Parts.Group = Parts.Group != NULL ? Group : NULL;
        Parts.Dacl  = Dacl;
        Parts.Sacl  = Sacl;
        Status = SepBuildInPool(&Parts, PoolType, Captured);
    }
    if (Dacl != NULL)
        ExFreePoolWithTag(Dacl, SEP_TAG_DACL);
    if (Sacl != NULL)
        ExFreePoolWithTag(Sacl, SEP_TAG_DACL);
    return Status;
}

NTSTATUS NTAPI
SeReleaseSecurityDescriptor(PSECURITY_DESCRIPTOR Captured, KPROCESSOR_MODE Mode,
                            BOOLEAN CaptureIfKernel)
{
    if (Captured != NULL && (Mode != KernelMode || CaptureIfKernel))
        ExFreePoolWithTag(Captured, SEP_TAG_DESCRIPTOR);
    return STATUS_SUCCESS;
}

/* Documented: a self-relative descriptor that lies with all its parts in Length bytes. */
BOOLEAN NTAPI
SeValidSecurityDescriptor(ULONG Length, PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    return RtlValidRelativeSecurityDescriptor(SecurityDescriptor, Length, 0);
}
