/*
 * Reading and changing the descriptor of an object, part by part, as SECURITY_INFORMATION names
 * them. Whether the caller may is decided before: READ_CONTROL to read, WRITE_DAC and WRITE_OWNER
 * to change, ACCESS_SYSTEM_SECURITY for the SACL (SeSetSecurityAccessMask and its twin). What is
 * decided here is whom he may make the owner.
 */
#include "se/sep.h"

#define OWNER_AND_GROUP (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION)

/* Documented: the rights a handle needs for a query. */
VOID NTAPI
SeQuerySecurityAccessMask(SECURITY_INFORMATION SecurityInformation, PACCESS_MASK DesiredAccess)
{
    *DesiredAccess = 0;
    if (SecurityInformation & (OWNER_AND_GROUP | DACL_SECURITY_INFORMATION))
        *DesiredAccess |= READ_CONTROL;
    if (SecurityInformation & SACL_SECURITY_INFORMATION)
        *DesiredAccess |= ACCESS_SYSTEM_SECURITY;
}

/* Documented: the rights a handle needs for a change. */
VOID NTAPI
SeSetSecurityAccessMask(SECURITY_INFORMATION SecurityInformation, PACCESS_MASK DesiredAccess)
{
    *DesiredAccess = 0;
    if (SecurityInformation & OWNER_AND_GROUP)
        *DesiredAccess |= WRITE_OWNER;
    if (SecurityInformation & DACL_SECURITY_INFORMATION)
        *DesiredAccess |= WRITE_DAC;
    if (SecurityInformation & SACL_SECURITY_INFORMATION)
        *DesiredAccess |= ACCESS_SYSTEM_SECURITY;
}

/* Leaves only the parts that Information names. */
static VOID
SepSelectParts(PRTL_SECURITY_PARTS Parts, SECURITY_INFORMATION Information)
{
    if (!(Information & OWNER_SECURITY_INFORMATION)) {
        Parts->Owner    = NULL;
        Parts->Control &= ~SE_OWNER_DEFAULTED;
    }
    if (!(Information & GROUP_SECURITY_INFORMATION)) {
        Parts->Group    = NULL;
        Parts->Control &= ~SE_GROUP_DEFAULTED;
    }
    if (!(Information & DACL_SECURITY_INFORMATION)) {
        Parts->Dacl     = NULL;
        Parts->Control &= ~(SE_DACL_PRESENT | SE_DACL_DEFAULTED | SE_DACL_AUTO_INHERIT_REQ
                            | SE_DACL_AUTO_INHERITED | SE_DACL_PROTECTED);
    }
    if (!(Information & SACL_SECURITY_INFORMATION)) {
        Parts->Sacl     = NULL;
        Parts->Control &= ~(SE_SACL_PRESENT | SE_SACL_DEFAULTED | SE_SACL_AUTO_INHERIT_REQ
                            | SE_SACL_AUTO_INHERITED | SE_SACL_PROTECTED);
    }
}

/*
 * Documented: copies the named parts of *ObjectsSecurityDescriptor (NULL: none) to
 * SecurityDescriptor, self-relative; *Length is the room and becomes what is needed.
 * STATUS_BUFFER_TOO_SMALL, a fault's status. PASSIVE_LEVEL.
 */
NTSTATUS NTAPI
SeQuerySecurityDescriptorInfo(PSECURITY_INFORMATION SecurityInformation,
                              PSECURITY_DESCRIPTOR SecurityDescriptor, PULONG Length,
                              PSECURITY_DESCRIPTOR *ObjectsSecurityDescriptor)
{
    RTL_SECURITY_PARTS Parts = { 0 };
    NTSTATUS           Status;

    PAGED_CODE();

    __try {
        if (*ObjectsSecurityDescriptor != NULL)
            RtlpGetParts(*ObjectsSecurityDescriptor, &Parts);
        SepSelectParts(&Parts, *SecurityInformation);
        Status = RtlpBuildDescriptor(&Parts, SecurityDescriptor, Length);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    return Status;
}

/* Whether the running thread may make Owner an owner; the kernel may make anybody. */
static BOOLEAN
SepMayAssignOwner(PSID Owner)
{
    SECURITY_SUBJECT_CONTEXT Context;
    BOOLEAN                  May;

    if (KeGetPreviousMode() == KernelMode)
        return TRUE;
    SeCaptureSubjectContext(&Context);
    May = !SepCannotAct(&Context) && SepMayOwn(SepEffective(&Context), Owner);
    SeReleaseSubjectContext(&Context);
    return May;
}

/* The new DACL, generic rights mapped, in its own pool. */
static NTSTATUS
SepCopyMapped(PACL From, PGENERIC_MAPPING Mapping, PACL *To)
{
    ACCESS_ALLOWED_ACE *Ace;
    NTSTATUS            Status = SepCaptureAcl(From, KernelMode, To);

    if (!NT_SUCCESS(Status))
        return Status;
    for (ULONG Index = 0; NT_SUCCESS(RtlGetAce(*To, Index, (PVOID *)&Ace)); Index++)
        if (Ace->Header.AceType <= SYSTEM_ALARM_ACE_TYPE
            && !(Ace->Header.AceFlags & INHERIT_ONLY_ACE))
            RtlMapGenericMask(&Ace->Mask, Mapping);
    return STATUS_SUCCESS;
}

/* Old with the parts of New that Information names; *Dacl is to be freed. */
static NTSTATUS
SepMergeParts(PRTL_SECURITY_PARTS Old, const RTL_SECURITY_PARTS *New,
              SECURITY_INFORMATION Information, PGENERIC_MAPPING Mapping, PACL *Dacl)
{
    const USHORT DaclControl = SE_DACL_PRESENT | SE_DACL_PROTECTED | SE_DACL_DEFAULTED;
    NTSTATUS     Status = STATUS_SUCCESS;

    if (Information & OWNER_SECURITY_INFORMATION) {
        if (New->Owner == NULL || !SepMayAssignOwner(New->Owner))
            return STATUS_INVALID_OWNER;
        Old->Owner = New->Owner;
    }
    if (Information & GROUP_SECURITY_INFORMATION) {
        if (New->Group == NULL)
            return STATUS_INVALID_PRIMARY_GROUP;
        Old->Group = New->Group;
    }
    if (Information & DACL_SECURITY_INFORMATION) {
        Old->Control = (Old->Control & ~DaclControl) | (New->Control & DaclControl);
        if (New->Dacl != NULL)
            Status = SepCopyMapped(New->Dacl, Mapping, Dacl);
        Old->Dacl = *Dacl;
    }
    if (Information & SACL_SECURITY_INFORMATION) {
        Old->Control = (Old->Control & ~(DaclControl << 2)) | (New->Control & SE_SACL_PRESENT)
            | (New->Control & SE_SACL_PROTECTED);
        Old->Sacl = New->Sacl;
    }
    return Status;
}

/*
 * Documented: *ObjectsSecurityDescriptor becomes a new descriptor in PoolType with the named parts
 * of SecurityDescriptor and the others of the old one, which the caller frees. Object is not
 * looked at. PASSIVE_LEVEL. STATUS_NO_SECURITY_ON_OBJECT, STATUS_INVALID_OWNER,
 * STATUS_INVALID_PRIMARY_GROUP, STATUS_INSUFFICIENT_RESOURCES.
 */
NTSTATUS NTAPI
SeSetSecurityDescriptorInfo(PVOID Object, PSECURITY_INFORMATION SecurityInformation,
                            PSECURITY_DESCRIPTOR SecurityDescriptor,
                            PSECURITY_DESCRIPTOR *ObjectsSecurityDescriptor, POOL_TYPE PoolType,
                            PGENERIC_MAPPING GenericMapping)
{
    RTL_SECURITY_PARTS   Parts, New;
    PSECURITY_DESCRIPTOR Built = NULL;
    PACL                 Dacl = NULL;
    ULONG                Length = 0;
    NTSTATUS             Status;

    PAGED_CODE();

    if (*ObjectsSecurityDescriptor == NULL)
        return STATUS_NO_SECURITY_ON_OBJECT;
    RtlpGetParts(*ObjectsSecurityDescriptor, &Parts);
    RtlpGetParts(SecurityDescriptor, &New);
    Status = SepMergeParts(&Parts, &New, *SecurityInformation, GenericMapping, &Dacl);
    if (NT_SUCCESS(Status)) {
        RtlpBuildDescriptor(&Parts, NULL, &Length);
        Built  = ExAllocatePoolWithTag(PoolType, Length, SEP_TAG_DESCRIPTOR);
        Status = Built == NULL ? STATUS_INSUFFICIENT_RESOURCES
                               : RtlpBuildDescriptor(&Parts, Built, &Length);
    }
    if (Dacl != NULL)
        ExFreePoolWithTag(Dacl, SEP_TAG_DACL);
    if (NT_SUCCESS(Status))
        *ObjectsSecurityDescriptor = Built;
    return Status;
}

/* The same; lists are not inherited anew, whatever AutoInheritFlags says. */
NTSTATUS NTAPI
SeSetSecurityDescriptorInfoEx(PVOID Object, PSECURITY_INFORMATION SecurityInformation,
                              PSECURITY_DESCRIPTOR ModificationDescriptor,
                              PSECURITY_DESCRIPTOR *ObjectsSecurityDescriptor,
                              ULONG AutoInheritFlags, POOL_TYPE PoolType,
                              PGENERIC_MAPPING GenericMapping)
{
    return SeSetSecurityDescriptorInfo(Object, SecurityInformation, ModificationDescriptor,
                                       ObjectsSecurityDescriptor, PoolType, GenericMapping);
}
