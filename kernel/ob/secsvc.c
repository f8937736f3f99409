/*
 * An object's descriptor over its life: assigned at insertion, read and changed through
 * NtQuerySecurityObject and NtSetSecurityObject, given up when the object goes.
 *
 * Most types keep it in the object's header. A type that does not (devices, files) has a security
 * procedure, which is asked instead; it never sees user memory: a set brings a captured
 * descriptor, a query fills a kernel buffer. ObDefaultSecurityMethod does the work for a slot,
 * wherever that lies.
 *
 * Locks: ObpSetSecurityLock, one for all, makes a change that reads the old descriptor, builds a
 * new one and exchanges them a single step. Readers do not take it (security.c).
 */
#include "kernel.h"
#include "ob/obp.h"

#define OB_LARGEST_DESCRIPTOR   0x20000
#define SECURITY_ALL            (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION \
                                 | DACL_SECURITY_INFORMATION | SACL_SECURITY_INFORMATION)

VOID NTAPI SeQuerySecurityAccessMask(SECURITY_INFORMATION Information, PACCESS_MASK Access);
VOID NTAPI SeSetSecurityAccessMask(SECURITY_INFORMATION Information, PACCESS_MASK Access);

static FAST_MUTEX ObpSetSecurityLock;

VOID INIT_CODE
ObpInitializeSecurityServices(VOID)
{
    ExInitializeFastMutex(&ObpSetSecurityLock);
}

/*
 * Gives a new object its descriptor, if it is of those that have one. Parent: the container's, or
 * NULL. What it had from an attempt at another place goes. A type with a security procedure is
 * handed the descriptor, and keeps it or, if it has seen to that itself, frees it.
 */
NTSTATUS
ObpAssignDescriptor(POBJECT_HEADER Header, PSECURITY_DESCRIPTOR Explicit,
                    PSECURITY_DESCRIPTOR Parent, PSECURITY_SUBJECT_CONTEXT Subject)
{
    POBJECT_TYPE         Type = Header->Type;
    PSECURITY_DESCRIPTOR Made, Logged;
    NTSTATUS             Status;

    if (Subject->PrimaryToken == NULL)
        return STATUS_SUCCESS;
    if (Header->SecurityDescriptor != NULL && (Header->Flags & OB_FLAG_DEFAULT_SECURITY))
        return STATUS_SUCCESS;                  // its maker has seen to it

    Status = SeAssignSecurity(Parent, Explicit, &Made, Type == ObpDirectoryObjectType, Subject,
                              &Type->TypeInfo.GenericMapping, PagedPool);
    if (!NT_SUCCESS(Status))
        return Status;
    if (Type->TypeInfo.SecurityProcedure != NULL) {
        if (Header->SecurityDescriptor != NULL)
            ObpSecurityMethod(Header, DeleteSecurityDescriptor, NULL, NULL, NULL);
        Status = ObpSecurityMethod(Header, AssignSecurityDescriptor, NULL, Made, NULL);
        if (!NT_SUCCESS(Status))
            SeDeassignSecurity(&Made);
        return Status;
    }
    Status = ObLogSecurityDescriptor(Made, &Logged, 1);
    SeDeassignSecurity(&Made);
    if (NT_SUCCESS(Status))
        ObReplaceDescriptor(&Header->SecurityDescriptor, Logged);
    return Status;
}

NTSTATUS
ObAssignByToken(PVOID Object, PACCESS_TOKEN Token)
{
    POBJECT_HEADER           Header = ObpHeaderOf(Object);
    SECURITY_SUBJECT_CONTEXT Subject = { NULL, SecurityAnonymous, Token, NULL };
    NTSTATUS                 Status = ObpAssignDescriptor(Header, ObpExplicitDescriptor(Header),
                                                          NULL, &Subject);

    if (NT_SUCCESS(Status))
        Header->Flags |= OB_FLAG_DEFAULT_SECURITY;
    return Status;
}

static NTSTATUS
ObpSetSlot(PVOID volatile *Slot, PSECURITY_INFORMATION Information,
           PSECURITY_DESCRIPTOR Descriptor, PGENERIC_MAPPING Mapping)
{
    PSECURITY_DESCRIPTOR Held, Made, Logged;
    NTSTATUS             Status;

    ExAcquireFastMutex(&ObpSetSecurityLock);
    Held = Made = ObHoldDescriptor(Slot);
    Status = SeSetSecurityDescriptorInfo(NULL, Information, Descriptor, &Made, PagedPool, Mapping);
    ObDropDescriptor(Slot, Held);
    if (NT_SUCCESS(Status)) {
        Status = ObLogSecurityDescriptor(Made, &Logged, 1);
        SeDeassignSecurity(&Made);
    }
    if (NT_SUCCESS(Status))
        ObReplaceDescriptor(Slot, Logged);
    ExReleaseFastMutex(&ObpSetSecurityLock);
    return Status;
}

NTSTATUS
ObDefaultSecurityMethod(PVOID volatile *Slot, SECURITY_OPERATION_CODE Operation,
                        PSECURITY_INFORMATION Information, PSECURITY_DESCRIPTOR Descriptor,
                        PULONG Length, PGENERIC_MAPPING Mapping)
{
    PSECURITY_DESCRIPTOR Held;
    NTSTATUS             Status;

    PAGED_CODE();

    switch (Operation) {
    case SetSecurityDescriptor:
        return ObpSetSlot(Slot, Information, Descriptor, Mapping);
    case QuerySecurityDescriptor:
        Held = ObHoldDescriptor(Slot);
        Status = SeQuerySecurityDescriptorInfo(Information, Descriptor, Length, &Held);
        ObDropDescriptor(Slot, Held);
        return Status;
    default:
        ObReplaceDescriptor(Slot, NULL);
        return STATUS_SUCCESS;
    }
}

NTSTATUS
ObpSecurityMethod(POBJECT_HEADER Header, SECURITY_OPERATION_CODE Operation,
                  PSECURITY_INFORMATION Information, PSECURITY_DESCRIPTOR Descriptor,
                  PULONG Length)
{
    if (Header->Type->TypeInfo.SecurityProcedure != NULL)
        return Header->Type->TypeInfo.SecurityProcedure(&Header->Body, Operation, Information,
                                                        Descriptor, Length,
                                                        &Header->SecurityDescriptor, PagedPool,
                                                        &Header->Type->TypeInfo.GenericMapping);
    return ObDefaultSecurityMethod(&Header->SecurityDescriptor, Operation, Information, Descriptor,
                                   Length, &Header->Type->TypeInfo.GenericMapping);
}

/*
 * Documented: the whole descriptor of an object, or NULL: it has none. Released with
 * ObReleaseObjectSecurity. PASSIVE_LEVEL.
 */
NTSTATUS NTAPI
ObGetObjectSecurity(PVOID Object, PSECURITY_DESCRIPTOR *SecurityDescriptor,
                    PBOOLEAN MemoryAllocated)
{
    POBJECT_HEADER       Header = ObpHeaderOf(Object);
    SECURITY_INFORMATION All = SECURITY_ALL;
    ULONG                Length = 0;
    NTSTATUS             Status;

    PAGED_CODE();

    *SecurityDescriptor = NULL;
    *MemoryAllocated    = FALSE;
    if (Header->Type->TypeInfo.SecurityProcedure == NULL) {
        *SecurityDescriptor = ObHoldDescriptor(&Header->SecurityDescriptor);
        if (*SecurityDescriptor != NULL) {
            ObReferenceSecurityDescriptor(*SecurityDescriptor, 1);
            ObDropDescriptor(&Header->SecurityDescriptor, *SecurityDescriptor);
        }
        return STATUS_SUCCESS;
    }
    Status = ObpSecurityMethod(Header, QuerySecurityDescriptor, &All, NULL, &Length);
    while (Status == STATUS_BUFFER_TOO_SMALL && Length <= OB_LARGEST_DESCRIPTOR) {
        *SecurityDescriptor = ExAllocatePoolWithTag(PagedPool, Length, TAG_OB_QUERY);
        if (*SecurityDescriptor == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        Status = ObpSecurityMethod(Header, QuerySecurityDescriptor, &All, *SecurityDescriptor,
                                   &Length);
        if (NT_SUCCESS(Status))
            *MemoryAllocated = TRUE;
        else
            ExFreePoolWithTag(*SecurityDescriptor, TAG_OB_QUERY);
    }
    if (!NT_SUCCESS(Status))
        *SecurityDescriptor = NULL;
    return Status;
}

VOID NTAPI
ObReleaseObjectSecurity(PSECURITY_DESCRIPTOR SecurityDescriptor, BOOLEAN MemoryAllocated)
{
    if (SecurityDescriptor == NULL)
        return;
    if (MemoryAllocated)
        ExFreePoolWithTag(SecurityDescriptor, TAG_OB_QUERY);
    else
        ObDereferenceSecurityDescriptor(SecurityDescriptor, 1);
}

/* Documented: changes the named parts of an object's descriptor; the kernel may. PASSIVE_LEVEL. */
NTSTATUS NTAPI
ObSetSecurityObjectByPointer(PVOID Object, SECURITY_INFORMATION SecurityInformation,
                             PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    return ObpSecurityMethod(ObpHeaderOf(Object), SetSecurityDescriptor, &SecurityInformation,
                             SecurityDescriptor, NULL);
}

/*
 * System service: changes the named parts. The handle needs WRITE_DAC, WRITE_OWNER or
 * ACCESS_SYSTEM_SECURITY for them. STATUS_NO_SECURITY_ON_OBJECT, STATUS_INVALID_OWNER, ...
 */
NTSTATUS NTAPI
NtSetSecurityObject(HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
                    PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    KPROCESSOR_MODE      Mode = KeGetPreviousMode();
    PSECURITY_DESCRIPTOR Captured;
    ACCESS_MASK          Access;
    PVOID                Object;
    NTSTATUS             Status;

    PAGED_CODE();

    if (SecurityDescriptor == NULL)
        return STATUS_ACCESS_VIOLATION;
    if ((SecurityInformation & SECURITY_ALL) == 0)
        return STATUS_INVALID_PARAMETER;
    SeSetSecurityAccessMask(SecurityInformation, &Access);
    Status = ObReferenceObjectByHandle(Handle, Access, NULL, Mode, &Object, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = SeCaptureSecurityDescriptor(SecurityDescriptor, Mode, PagedPool, TRUE, &Captured);
    if (NT_SUCCESS(Status)) {
        Status = ObSetSecurityObjectByPointer(Object, SecurityInformation, Captured);
        SeReleaseSecurityDescriptor(Captured, Mode, TRUE);
    }
    ObDereferenceObject(Object);
    return Status;
}

/* Fills a buffer of ours and hands it to the caller. */
static NTSTATUS
ObpQueryTo(PVOID Object, SECURITY_INFORMATION Information, PVOID To, ULONG Length,
           PULONG LengthNeeded, KPROCESSOR_MODE Mode)
{
    ULONG    Room = Length < OB_LARGEST_DESCRIPTOR ? Length : OB_LARGEST_DESCRIPTOR, Needed = Room;
    PVOID    Buffer = Room != 0 ? ExAllocatePoolWithTag(PagedPool, Room, TAG_OB_QUERY) : NULL;
    NTSTATUS Status;

    if (Room != 0 && Buffer == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    Status = ObpSecurityMethod(OBJECT_TO_HEADER(Object), QuerySecurityDescriptor, &Information,
                               Buffer, &Needed);
    if (NT_SUCCESS(Status))
        Status = ObReturnBytes(To, Buffer, Needed, LengthNeeded, Mode);
    else if (Status == STATUS_BUFFER_TOO_SMALL)
        Status = NT_SUCCESS(ObReturnBytes(LengthNeeded, &Needed, sizeof Needed, NULL, Mode))
            ? STATUS_BUFFER_TOO_SMALL : STATUS_ACCESS_VIOLATION;
    if (Buffer != NULL)
        ExFreePoolWithTag(Buffer, TAG_OB_QUERY);
    return Status;
}

/*
 * System service: the named parts of an object's descriptor, self-relative. The handle needs
 * READ_CONTROL, or ACCESS_SYSTEM_SECURITY for the SACL. STATUS_BUFFER_TOO_SMALL: *LengthNeeded
 * says how much it takes.
 */
NTSTATUS NTAPI
NtQuerySecurityObject(HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
                      PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Length, PULONG LengthNeeded)
{
    KPROCESSOR_MODE Mode = KeGetPreviousMode();
    ACCESS_MASK     Access;
    PVOID           Object;
    NTSTATUS        Status;

    PAGED_CODE();

    if (LengthNeeded == NULL)
        return STATUS_ACCESS_VIOLATION;
    Status = ObProbeOutput(LengthNeeded, sizeof *LengthNeeded, Mode);
    if (NT_SUCCESS(Status) && Length != 0)
        Status = SecurityDescriptor == NULL ? STATUS_ACCESS_VIOLATION
                                            : ObProbeOutput(SecurityDescriptor, Length, Mode);
    if (!NT_SUCCESS(Status))
        return Status;
    SeQuerySecurityAccessMask(SecurityInformation, &Access);
    Status = ObReferenceObjectByHandle(Handle, Access, NULL, Mode, &Object, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = ObpQueryTo(Object, SecurityInformation, SecurityDescriptor, Length, LengthNeeded,
                        Mode);
    ObDereferenceObject(Object);
    return Status;
}
