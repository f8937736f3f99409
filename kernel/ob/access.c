/*
 * Access rights at open: what was asked for becomes what the handle is granted.
 *
 * Generic rights (GENERIC_READ, ...) mean what the type's generic mapping says; MAXIMUM_ALLOWED
 * means all that can be granted; rights the type does not know are dropped. No object carries a
 * security descriptor, so all that is asked for is granted, except ACCESS_SYSTEM_SECURITY to a
 * program without the privilege.
 *
 * An object's parse procedure may have granted some rights already
 * (AccessState->PreviouslyGrantedAccess); they stay. At use nothing is asked here any more:
 * ObReferenceObjectByHandle compares with the handle's granted access.
 */
#include "kernel.h"
#include "ob/obp.h"

NTSTATUS
ObpGrantAccess(PACCESS_STATE AccessState, POBJECT_TYPE Type, KPROCESSOR_MODE Mode,
               PACCESS_MASK Granted)
{
    ACCESS_MASK Wanted = AccessState->RemainingDesiredAccess | AccessState->PreviouslyGrantedAccess;

    *Granted = 0;
    if ((Wanted & ACCESS_SYSTEM_SECURITY) &&
        !SeSinglePrivilegeCheck(SE_SECURITY_PRIVILEGE_LUID, Mode))
        return STATUS_PRIVILEGE_NOT_HELD;

    if (Wanted & MAXIMUM_ALLOWED)
        Wanted |= GENERIC_ALL;
    RtlMapGenericMask(&Wanted, &Type->TypeInfo.GenericMapping);
    Wanted &= Type->TypeInfo.ValidAccessMask | ACCESS_SYSTEM_SECURITY;

    AccessState->PreviouslyGrantedAccess = Wanted;
    AccessState->RemainingDesiredAccess  = 0;
    *Granted = Wanted;
    return STATUS_SUCCESS;
}

/* The object's security descriptor: none has one, which is a success with NULL. */
NTSTATUS NTAPI
ObGetObjectSecurity(PVOID Object, PSECURITY_DESCRIPTOR *SecurityDescriptor,
                    PBOOLEAN MemoryAllocated)
{
    PAGED_CODE();

    *SecurityDescriptor = ObpHeaderOf(Object)->SecurityDescriptor;
    *MemoryAllocated    = FALSE;
    return STATUS_SUCCESS;
}

VOID NTAPI
ObReleaseObjectSecurity(PSECURITY_DESCRIPTOR SecurityDescriptor, BOOLEAN MemoryAllocated)
{
    if (SecurityDescriptor != NULL && MemoryAllocated)
        ExFreePool(SecurityDescriptor);
}
