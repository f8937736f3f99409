/*
 * Security descriptors: owner, primary group, DACL (who may do what), SACL (what is recorded).
 *
 * There are two forms. An absolute one points to its parts, which lie anywhere; a self-relative
 * one holds their offsets and is one block of bytes, parts and all. Control says which
 * (SE_SELF_RELATIVE), and which lists are present: a DACL that is present and NULL grants
 * everything to everybody, one that is present and empty nothing to anybody.
 *
 * Whoever has to do with both forms takes a descriptor apart with RtlpGetParts and makes a
 * self-relative one of the parts with RtlpBuildDescriptor; everything that converts, captures,
 * assigns or changes descriptors does it that way.
 *
 * Setters work on absolute descriptors and only keep the pointers. Nothing here allocates.
 */
#include "rtlp.h"

static PVOID
RtlpPart(PSECURITY_DESCRIPTOR Descriptor, ULONG Offset)
{
    return Offset != 0 ? (PUCHAR)Descriptor + Offset : NULL;
}

VOID
RtlpGetParts(PSECURITY_DESCRIPTOR Descriptor, PRTL_SECURITY_PARTS Parts)
{
    PISECURITY_DESCRIPTOR          Absolute = Descriptor;
    SECURITY_DESCRIPTOR_RELATIVE  *Relative = Descriptor;

    Parts->Control = Absolute->Control;
    if (Absolute->Control & SE_SELF_RELATIVE) {
        Parts->Owner = RtlpPart(Descriptor, Relative->Owner);
        Parts->Group = RtlpPart(Descriptor, Relative->Group);
        Parts->Dacl  = RtlpPart(Descriptor, Relative->Dacl);
        Parts->Sacl  = RtlpPart(Descriptor, Relative->Sacl);
    } else {
        Parts->Owner = Absolute->Owner;
        Parts->Group = Absolute->Group;
        Parts->Dacl  = Absolute->Dacl;
        Parts->Sacl  = Absolute->Sacl;
    }
    if (!(Parts->Control & SE_DACL_PRESENT))
        Parts->Dacl = NULL;
    if (!(Parts->Control & SE_SACL_PRESENT))
        Parts->Sacl = NULL;
}

/* Copies a part to At of the block, which is at Descriptor; returns where the next one goes. */
static ULONG
RtlpPutPart(PSECURITY_DESCRIPTOR Descriptor, PULONG Offset, ULONG At, const VOID *Part, ULONG Size)
{
    *Offset = 0;
    if (Part == NULL)
        return At;
    memcpy((PUCHAR)Descriptor + At, Part, Size);
    *Offset = At;
    return At + (ULONG)ROUND_UP(Size, sizeof(ULONG));
}

static ULONG
RtlpRoom(ULONG Size)
{
    return (ULONG)ROUND_UP(Size, sizeof(ULONG));
}

/*
 * Makes a self-relative descriptor of the parts. *Length is the room at Descriptor, and on return
 * what was needed. STATUS_BUFFER_TOO_SMALL.
 */
NTSTATUS
RtlpBuildDescriptor(const RTL_SECURITY_PARTS *Parts, PSECURITY_DESCRIPTOR Descriptor,
                    PULONG Length)
{
    SECURITY_DESCRIPTOR_RELATIVE *Relative = Descriptor;
    ULONG Owner = Parts->Owner != NULL ? RtlLengthSid(Parts->Owner) : 0;
    ULONG Group = Parts->Group != NULL ? RtlLengthSid(Parts->Group) : 0;
    ULONG Dacl = Parts->Dacl != NULL ? Parts->Dacl->AclSize : 0;
    ULONG Sacl = Parts->Sacl != NULL ? Parts->Sacl->AclSize : 0;
    ULONG Needed = sizeof *Relative + RtlpRoom(Owner) + RtlpRoom(Group) + RtlpRoom(Dacl)
        + RtlpRoom(Sacl), Room = *Length, At = sizeof *Relative;

    *Length = Needed;
    if (Room < Needed)
        return STATUS_BUFFER_TOO_SMALL;

    memset(Relative, 0, Needed);
    Relative->Revision = SECURITY_DESCRIPTOR_REVISION;
    Relative->Control  = Parts->Control | SE_SELF_RELATIVE;
    At = RtlpPutPart(Descriptor, &Relative->Sacl, At, Parts->Sacl, Sacl);
    At = RtlpPutPart(Descriptor, &Relative->Dacl, At, Parts->Dacl, Dacl);
    At = RtlpPutPart(Descriptor, &Relative->Owner, At, Parts->Owner, Owner);
    RtlpPutPart(Descriptor, &Relative->Group, At, Parts->Group, Group);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI
RtlCreateSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Revision)
{
    if (Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    memset(SecurityDescriptor, 0, sizeof(SECURITY_DESCRIPTOR));
    ((PISECURITY_DESCRIPTOR)SecurityDescriptor)->Revision = SECURITY_DESCRIPTOR_REVISION;
    return STATUS_SUCCESS;
}

/* The parts of a valid descriptor may lie anywhere: only absolute ones need this. */
BOOLEAN NTAPI
RtlValidSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    RTL_SECURITY_PARTS Parts;

    if (SecurityDescriptor == NULL || *(PUCHAR)SecurityDescriptor != SECURITY_DESCRIPTOR_REVISION)
        return FALSE;
    RtlpGetParts(SecurityDescriptor, &Parts);
    return (Parts.Owner == NULL || RtlValidSid(Parts.Owner))
        && (Parts.Group == NULL || RtlValidSid(Parts.Group))
        && (Parts.Dacl == NULL || RtlValidAcl(Parts.Dacl))
        && (Parts.Sacl == NULL || RtlValidAcl(Parts.Sacl));
}

static BOOLEAN
RtlpOffsetFits(ULONG Offset, ULONG Length)
{
    return Offset >= sizeof(SECURITY_DESCRIPTOR_RELATIVE) && Offset < Length && !(Offset & 3);
}

/*
 * A self-relative descriptor that lies in Length bytes with all its parts, and has those that
 * RequiredInformation names.
 */
BOOLEAN NTAPI
RtlValidRelativeSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptorInput,
                                   ULONG SecurityDescriptorLength,
                                   SECURITY_INFORMATION RequiredInformation)
{
    SECURITY_DESCRIPTOR_RELATIVE *Relative = SecurityDescriptorInput;
    PUCHAR                        Base = SecurityDescriptorInput;
    ULONG                         Length = SecurityDescriptorLength;

    if (Length < sizeof *Relative || Relative->Revision != SECURITY_DESCRIPTOR_REVISION
        || !(Relative->Control & SE_SELF_RELATIVE))
        return FALSE;
    if (Relative->Owner != 0 ? !RtlpOffsetFits(Relative->Owner, Length)
        || !RtlpSidFits(Base + Relative->Owner, Length - Relative->Owner)
        : (RequiredInformation & OWNER_SECURITY_INFORMATION) != 0)
        return FALSE;
    if (Relative->Group != 0 ? !RtlpOffsetFits(Relative->Group, Length)
        || !RtlpSidFits(Base + Relative->Group, Length - Relative->Group)
        : (RequiredInformation & GROUP_SECURITY_INFORMATION) != 0)
        return FALSE;
    if ((Relative->Control & SE_DACL_PRESENT) && Relative->Dacl != 0
        ? !RtlpOffsetFits(Relative->Dacl, Length)
        || !RtlpAclFits((PACL)(Base + Relative->Dacl), Length - Relative->Dacl)
        : (RequiredInformation & DACL_SECURITY_INFORMATION)
        && !(Relative->Control & SE_DACL_PRESENT))
        return FALSE;
    return !((Relative->Control & SE_SACL_PRESENT) && Relative->Sacl != 0
        ? !RtlpOffsetFits(Relative->Sacl, Length)
        || !RtlpAclFits((PACL)(Base + Relative->Sacl), Length - Relative->Sacl)
        : (RequiredInformation & SACL_SECURITY_INFORMATION)
        && !(Relative->Control & SE_SACL_PRESENT));
}

/* Bytes of a self-relative descriptor with these parts. */
ULONG NTAPI
RtlLengthSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    RTL_SECURITY_PARTS Parts;
    ULONG              Length = 0;

    RtlpGetParts(SecurityDescriptor, &Parts);
    RtlpBuildDescriptor(&Parts, NULL, &Length);
    return Length;
}

NTSTATUS NTAPI
RtlGetControlSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PUSHORT Control,
                                PULONG Revision)
{
    *Revision = ((PISECURITY_DESCRIPTOR)SecurityDescriptor)->Revision;
    if (*Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    *Control = ((PISECURITY_DESCRIPTOR)SecurityDescriptor)->Control;
    return STATUS_SUCCESS;
}

static NTSTATUS
RtlpGetChecked(PSECURITY_DESCRIPTOR Descriptor, PRTL_SECURITY_PARTS Parts)
{
    if (((PISECURITY_DESCRIPTOR)Descriptor)->Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    RtlpGetParts(Descriptor, Parts);
    return STATUS_SUCCESS;
}

/* The DACL, or the SACL; Acl and Defaulted are written only if it is present. */
static NTSTATUS
RtlpGetAcl(PSECURITY_DESCRIPTOR Descriptor, BOOLEAN Sacl, PBOOLEAN Present, PACL *Acl,
           PBOOLEAN Defaulted)
{
    RTL_SECURITY_PARTS Parts;
    NTSTATUS           Status = RtlpGetChecked(Descriptor, &Parts);

    if (!NT_SUCCESS(Status))
        return Status;
    *Present = (Parts.Control & (Sacl ? SE_SACL_PRESENT : SE_DACL_PRESENT)) != 0;
    if (*Present) {
        *Acl       = Sacl ? Parts.Sacl : Parts.Dacl;
        *Defaulted = (Parts.Control & (Sacl ? SE_SACL_DEFAULTED : SE_DACL_DEFAULTED)) != 0;
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI
RtlGetDaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PBOOLEAN DaclPresent,
                             PACL *Dacl, PBOOLEAN DaclDefaulted)
{
    return RtlpGetAcl(SecurityDescriptor, FALSE, DaclPresent, Dacl, DaclDefaulted);
}

NTSTATUS NTAPI
RtlGetSaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PBOOLEAN SaclPresent,
                             PACL *Sacl, PBOOLEAN SaclDefaulted)
{
    return RtlpGetAcl(SecurityDescriptor, TRUE, SaclPresent, Sacl, SaclDefaulted);
}

NTSTATUS NTAPI
RtlGetOwnerSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID *Owner,
                              PBOOLEAN OwnerDefaulted)
{
    RTL_SECURITY_PARTS Parts;
    NTSTATUS           Status = RtlpGetChecked(SecurityDescriptor, &Parts);

    if (!NT_SUCCESS(Status))
        return Status;
    *Owner          = Parts.Owner;
    *OwnerDefaulted = (Parts.Control & SE_OWNER_DEFAULTED) != 0;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI
RtlGetGroupSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID *Group,
                              PBOOLEAN GroupDefaulted)
{
    RTL_SECURITY_PARTS Parts;
    NTSTATUS           Status = RtlpGetChecked(SecurityDescriptor, &Parts);

    if (!NT_SUCCESS(Status))
        return Status;
    *Group          = Parts.Group;
    *GroupDefaulted = (Parts.Control & SE_GROUP_DEFAULTED) != 0;
    return STATUS_SUCCESS;
}
