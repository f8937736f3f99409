/*
 * Security descriptors, continued: what changes absolute ones, and the conversion between the two
 * forms (secdesc.c says what they are).
 */
#include "rtlp.h"

/*
 * Points a part to Value; clears Clear in Control, then sets Set. STATUS_UNKNOWN_REVISION,
 * STATUS_INVALID_SECURITY_DESCR: it is self-relative.
 */
static NTSTATUS
RtlpSetPart(PISECURITY_DESCRIPTOR Descriptor, PVOID *Part, PVOID Value, USHORT Clear, USHORT Set)
{
    if (Descriptor->Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    if (Descriptor->Control & SE_SELF_RELATIVE)
        return STATUS_INVALID_SECURITY_DESCR;
    Descriptor->Control = (Descriptor->Control & ~Clear) | Set;
    *Part = Value;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI
RtlSetDaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, BOOLEAN DaclPresent,
                             PACL Dacl, BOOLEAN DaclDefaulted)
{
    PISECURITY_DESCRIPTOR Descriptor = SecurityDescriptor;
    USHORT                Set = SE_DACL_PRESENT | (DaclDefaulted ? SE_DACL_DEFAULTED : 0);

    return RtlpSetPart(Descriptor, (PVOID *)&Descriptor->Dacl, DaclPresent ? Dacl : NULL,
                       SE_DACL_PRESENT | SE_DACL_DEFAULTED, DaclPresent ? Set : 0);
}

NTSTATUS NTAPI
RtlSetSaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, BOOLEAN SaclPresent,
                             PACL Sacl, BOOLEAN SaclDefaulted)
{
    PISECURITY_DESCRIPTOR Descriptor = SecurityDescriptor;
    USHORT                Set = SE_SACL_PRESENT | (SaclDefaulted ? SE_SACL_DEFAULTED : 0);

    return RtlpSetPart(Descriptor, (PVOID *)&Descriptor->Sacl, SaclPresent ? Sacl : NULL,
                       SE_SACL_PRESENT | SE_SACL_DEFAULTED, SaclPresent ? Set : 0);
}

NTSTATUS NTAPI
RtlSetOwnerSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID Owner,
                              BOOLEAN OwnerDefaulted)
{
    PISECURITY_DESCRIPTOR Descriptor = SecurityDescriptor;

    return RtlpSetPart(Descriptor, &Descriptor->Owner, Owner, SE_OWNER_DEFAULTED,
                       OwnerDefaulted ? SE_OWNER_DEFAULTED : 0);
}

NTSTATUS NTAPI
RtlSetGroupSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID Group,
                              BOOLEAN GroupDefaulted)
{
    PISECURITY_DESCRIPTOR Descriptor = SecurityDescriptor;

    return RtlpSetPart(Descriptor, &Descriptor->Group, Group, SE_GROUP_DEFAULTED,
                       GroupDefaulted ? SE_GROUP_DEFAULTED : 0);
}

/* STATUS_BAD_DESCRIPTOR_FORMAT: it is self-relative. STATUS_BUFFER_TOO_SMALL: see *BufferLength. */
NTSTATUS NTAPI
RtlAbsoluteToSelfRelativeSD(PSECURITY_DESCRIPTOR AbsoluteSecurityDescriptor,
                            PSECURITY_DESCRIPTOR SelfRelativeSecurityDescriptor,
                            PULONG BufferLength)
{
    RTL_SECURITY_PARTS Parts;

    if (((PISECURITY_DESCRIPTOR)AbsoluteSecurityDescriptor)->Control & SE_SELF_RELATIVE)
        return STATUS_BAD_DESCRIPTOR_FORMAT;
    RtlpGetParts(AbsoluteSecurityDescriptor, &Parts);
    return RtlpBuildDescriptor(&Parts, SelfRelativeSecurityDescriptor, BufferLength);
}

/* Says how many bytes a part needs, in *Room; FALSE: there is not that much. */
static BOOLEAN
RtlpFits(PULONG Room, ULONG Needed)
{
    BOOLEAN Fits = Needed <= *Room;

    *Room = Needed;
    return Fits;
}

/*
 * The parts go to five buffers; each size is the room there is and becomes what is needed.
 * STATUS_BAD_DESCRIPTOR_FORMAT, STATUS_BUFFER_TOO_SMALL (nothing was copied).
 */
NTSTATUS NTAPI
RtlSelfRelativeToAbsoluteSD(PSECURITY_DESCRIPTOR SelfRelativeSecurityDescriptor,
                            PSECURITY_DESCRIPTOR AbsoluteSecurityDescriptor,
                            PULONG AbsoluteSecurityDescriptorSize, PACL Dacl, PULONG DaclSize,
                            PACL Sacl, PULONG SaclSize, PSID Owner, PULONG OwnerSize,
                            PSID PrimaryGroup, PULONG PrimaryGroupSize)
{
    PISECURITY_DESCRIPTOR Absolute = AbsoluteSecurityDescriptor;
    RTL_SECURITY_PARTS    Parts;
    BOOLEAN               Fits;

    RtlpGetParts(SelfRelativeSecurityDescriptor, &Parts);
    if (!(Parts.Control & SE_SELF_RELATIVE))
        return STATUS_BAD_DESCRIPTOR_FORMAT;

    Fits = RtlpFits(AbsoluteSecurityDescriptorSize, sizeof *Absolute)
        & RtlpFits(DaclSize, Parts.Dacl ? Parts.Dacl->AclSize : 0)
        & RtlpFits(SaclSize, Parts.Sacl ? Parts.Sacl->AclSize : 0)
        & RtlpFits(OwnerSize, Parts.Owner ? RtlLengthSid(Parts.Owner) : 0)
        & RtlpFits(PrimaryGroupSize, Parts.Group ? RtlLengthSid(Parts.Group) : 0);
    if (!Fits)
        return STATUS_BUFFER_TOO_SMALL;

    memset(Absolute, 0, sizeof *Absolute);
    Absolute->Revision = SECURITY_DESCRIPTOR_REVISION;
    Absolute->Control  = Parts.Control & ~SE_SELF_RELATIVE;
    if (Parts.Dacl != NULL)
        Absolute->Dacl = memcpy(Dacl, Parts.Dacl, *DaclSize);
    if (Parts.Sacl != NULL)
        Absolute->Sacl = memcpy(Sacl, Parts.Sacl, *SaclSize);
    if (Parts.Owner != NULL)
        Absolute->Owner = memcpy(Owner, Parts.Owner, *OwnerSize);
    if (Parts.Group != NULL)
        Absolute->Group = memcpy(PrimaryGroup, Parts.Group, *PrimaryGroupSize);
    return STATUS_SUCCESS;
}
