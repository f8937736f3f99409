/*
 * Access checks and what they need: subject contexts, access states, generic rights.
 *
 * A subject context says on whose behalf a thread acts: its own token while it impersonates
 * somebody, else its process'. No process has a token: there is one user, who may do everything,
 * so both tokens are NULL, every privilege is held, and SeAccessCheck grants what is asked for.
 * The routines have their final shapes, so callers hold contexts, lock them around a check and
 * release them as they do on Windows.
 *
 * MAXIMUM_ALLOWED is granted as all of the type's rights. Locking a context takes no lock,
 * because nothing in it can change.
 */
#include "kernel.h"
#include "se/se.h"

POBJECT_TYPE  SepTokenObjectType;
POBJECT_TYPE *SeTokenObjectType = &SepTokenObjectType;

VOID INIT_CODE
SeInitSystem(VOID)
{
    OBJECT_TYPE_INITIALIZER Token = {
        // TOKEN_READ, _WRITE, _EXECUTE, _ALL_ACCESS
        .GenericMapping   = { 0x0002000A, 0x000200E0, 0x00020005, 0x000F01FF },
        .ValidAccessMask  = 0x001F01FF,
        .PoolType         = PagedPool,
        .SecurityRequired = TRUE,
    };

    if (!NT_SUCCESS(ObpCreateType(L"Token", &Token, 'ekoT', OB_WAIT_NEVER, &SepTokenObjectType)))
        KeBugCheckEx(SECURITY_INITIALIZATION_FAILED, 1, 0, 0, 0);
}

/* Turns the four generic rights of *AccessMask into the type's own. Any IRQL. */
VOID NTAPI
RtlMapGenericMask(PACCESS_MASK AccessMask, PGENERIC_MAPPING GenericMapping)
{
    ACCESS_MASK Mask = *AccessMask;

    if (Mask & GENERIC_READ)
        Mask |= GenericMapping->GenericRead;
    if (Mask & GENERIC_WRITE)
        Mask |= GenericMapping->GenericWrite;
    if (Mask & GENERIC_EXECUTE)
        Mask |= GenericMapping->GenericExecute;
    if (Mask & GENERIC_ALL)
        Mask |= GenericMapping->GenericAll;
    *AccessMask = Mask & ~(GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL);
}

/* Who acts in this thread now. Released by SeReleaseSubjectContext. PASSIVE_LEVEL. */
VOID NTAPI
SeCaptureSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    SubjectContext->ClientToken        = NULL;
    SubjectContext->ImpersonationLevel = SecurityAnonymous;
    SubjectContext->PrimaryToken       = NULL;
    SubjectContext->ProcessAuditId     = NULL;
}

VOID NTAPI
SeReleaseSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    SubjectContext->ClientToken  = NULL;
    SubjectContext->PrimaryToken = NULL;
}

VOID NTAPI
SeLockSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    PAGED_CODE();
}

VOID NTAPI
SeUnlockSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    PAGED_CODE();
}

NTSTATUS NTAPI
SeCreateAccessState(PACCESS_STATE AccessState, PVOID AuxData, ACCESS_MASK DesiredAccess,
                    PGENERIC_MAPPING GenericMapping)
{
    RtlZeroMemory(AccessState, sizeof(*AccessState));
    SeCaptureSubjectContext(&AccessState->SubjectSecurityContext);
    if (GenericMapping != NULL)
        RtlMapGenericMask(&DesiredAccess, GenericMapping);
    AccessState->OriginalDesiredAccess  = DesiredAccess;
    AccessState->RemainingDesiredAccess = DesiredAccess;
    AccessState->AuxData                = AuxData;
    return STATUS_SUCCESS;
}

VOID NTAPI
SeDeleteAccessState(PACCESS_STATE AccessState)
{
    SeReleaseSubjectContext(&AccessState->SubjectSecurityContext);
}

/*
 * The documented check of a descriptor against a subject: grants DesiredAccess and what was
 * granted before. PASSIVE_LEVEL.
 */
BOOLEAN NTAPI
SeAccessCheck(PSECURITY_DESCRIPTOR SecurityDescriptor,
              PSECURITY_SUBJECT_CONTEXT SubjectSecurityContext, BOOLEAN SubjectContextLocked,
              ACCESS_MASK DesiredAccess, ACCESS_MASK PreviouslyGrantedAccess,
              PPRIVILEGE_SET *Privileges, PGENERIC_MAPPING GenericMapping,
              KPROCESSOR_MODE AccessMode, PACCESS_MASK GrantedAccess, PNTSTATUS AccessStatus)
{
    PAGED_CODE();

    if (Privileges != NULL)
        *Privileges = NULL;
    if (DesiredAccess & MAXIMUM_ALLOWED)
        DesiredAccess = (DesiredAccess & ~MAXIMUM_ALLOWED) | GENERIC_ALL;
    RtlMapGenericMask(&DesiredAccess, GenericMapping);
    *GrantedAccess = DesiredAccess | PreviouslyGrantedAccess;
    *AccessStatus  = STATUS_SUCCESS;
    return TRUE;
}

/* Whether the caller holds a privilege; kernel mode holds all. PASSIVE_LEVEL. */
BOOLEAN NTAPI
SeSinglePrivilegeCheck(LUID PrivilegeValue, KPROCESSOR_MODE PreviousMode)
{
    PAGED_CODE();
    return TRUE;
}

BOOLEAN NTAPI
SePrivilegeCheck(PPRIVILEGE_SET RequiredPrivileges,
                 PSECURITY_SUBJECT_CONTEXT SubjectSecurityContext,
    KPROCESSOR_MODE AccessMode)
{
    PAGED_CODE();
    return TRUE;
}

/* Frees what SeAccessCheck returned through Privileges. */
VOID NTAPI
SeFreePrivileges(PPRIVILEGE_SET Privileges)
{
    if (Privileges != NULL)
        ExFreePool(Privileges);
}

/* The descriptor of a new object: none, because none is kept. */
NTSTATUS NTAPI
SeAssignSecurity(PSECURITY_DESCRIPTOR ParentDescriptor, PSECURITY_DESCRIPTOR ExplicitDescriptor,
                 PSECURITY_DESCRIPTOR *NewDescriptor, BOOLEAN IsDirectoryObject,
                 PSECURITY_SUBJECT_CONTEXT SubjectContext, PGENERIC_MAPPING GenericMapping,
                 POOL_TYPE PoolType)
{
    *NewDescriptor = NULL;
    return UNIMPLEMENTED();
}

NTSTATUS NTAPI
SeDeassignSecurity(PSECURITY_DESCRIPTOR *SecurityDescriptor)
{
    if (*SecurityDescriptor != NULL)
        ExFreePool(*SecurityDescriptor);
    *SecurityDescriptor = NULL;
    return STATUS_SUCCESS;
}
