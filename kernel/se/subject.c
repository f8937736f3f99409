/*
 * Who asks: subject contexts and access states.
 *
 * A subject context holds the tokens a thread acts by: the one it impersonates, if any, and its
 * process'. SeCaptureSubjectContext counts both, so the context may go to another thread and be
 * used there; SeReleaseSubjectContext gives them back. Locking it keeps both tokens as they are.
 *
 * An access state carries a context through an open (se.h). Those that the object manager makes
 * for an open of the running thread lie on its stack and end before the thread does anything
 * else: the process' token cannot go meanwhile, and is not counted (SeBeginAccessState).
 */
#include "se/sep.h"

/* What the AuxData of an access state, which its maker supplies, begins with. */
typedef struct _SEP_AUX_DATA {
    PPRIVILEGE_SET  PrivilegesUsed;
    GENERIC_MAPPING GenericMapping;
} SEP_AUX_DATA, *PSEP_AUX_DATA;

static volatile LONG64 SepLastLuid = 1000;      // those below are well known

VOID
ExAllocateLocallyUniqueId(PLUID Luid)
{
    *Luid = SepLuidOf(InterlockedIncrement64(&SepLastLuid));
}

/* System service: a number that has not been given to anybody since the system started. */
NTSTATUS NTAPI
NtAllocateLocallyUniqueId(PLUID Luid)
{
    LUID New;

    ExAllocateLocallyUniqueId(&New);
    return ObReturnBytes(Luid, &New, sizeof New, NULL, KeGetPreviousMode());
}

/* The token the thread impersonates, referenced, or NULL; and how far it may go. */
static PTOKEN
SepReferenceClient(PETHREAD Thread, PSECURITY_IMPERSONATION_LEVEL Level)
{
    PTOKEN Token;

    if (Thread->ClientToken == NULL)
        return NULL;
    ExAcquireFastMutex(&SepImpersonationLock);
    Token = Thread->ClientToken;
    if (Token != NULL) {
        ObReferenceObject(Token);
        *Level = Thread->ImpersonationLevel;
    }
    ExReleaseFastMutex(&SepImpersonationLock);
    return Token;
}

/* Who acts in this thread now. Released by SeReleaseSubjectContext. PASSIVE_LEVEL. */
VOID NTAPI
SeCaptureSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    PETHREAD                     Thread = PsGetCurrentThread();
    SECURITY_IMPERSONATION_LEVEL Level = SecurityAnonymous;

    SubjectContext->ClientToken        = SepReferenceClient(Thread, &Level);
    SubjectContext->ImpersonationLevel = Level;
    SubjectContext->PrimaryToken       = SepPrimaryOf(&Thread->Tcb);
    SubjectContext->ProcessAuditId     = ((PEPROCESS)Thread->Tcb.Process)->UniqueProcessId;
    ObReferenceObject(SubjectContext->PrimaryToken);
}

VOID NTAPI
SeReleaseSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    if (SubjectContext->ClientToken != NULL)
        ObDereferenceObject(SubjectContext->ClientToken);
    if (SubjectContext->PrimaryToken != NULL)
        ObDereferenceObject(SubjectContext->PrimaryToken);
    SubjectContext->ClientToken  = NULL;
    SubjectContext->PrimaryToken = NULL;
}

/*
 * Keeps the context's tokens from being adjusted until SeUnlockSubjectContext. The thread is in a
 * critical region meanwhile. PASSIVE_LEVEL.
 */
VOID NTAPI
SeLockSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    PAGED_CODE();

    SepLockToken(SubjectContext->PrimaryToken, FALSE);
    if (SubjectContext->ClientToken != NULL)
        SepLockToken(SubjectContext->ClientToken, FALSE);
}

VOID NTAPI
SeUnlockSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    PAGED_CODE();

    if (SubjectContext->ClientToken != NULL)
        SepUnlockToken(SubjectContext->ClientToken);
    SepUnlockToken(SubjectContext->PrimaryToken);
}

static VOID
SepFillAccessState(PACCESS_STATE AccessState, PVOID AuxData, ACCESS_MASK DesiredAccess,
                   PGENERIC_MAPPING GenericMapping)
{
    PSEP_AUX_DATA Aux = AuxData;

    if (GenericMapping != NULL)
        RtlMapGenericMask(&DesiredAccess, GenericMapping);
    AccessState->OriginalDesiredAccess  = DesiredAccess;
    AccessState->RemainingDesiredAccess = DesiredAccess;
    AccessState->AuxData                = AuxData;
    if (SepEffective(&AccessState->SubjectSecurityContext)->Enabled
        & SE_BIT(SE_CHANGE_NOTIFY_PRIVILEGE))
        AccessState->Flags = TOKEN_HAS_TRAVERSE_PRIVILEGE;
    if (Aux == NULL)
        return;
    Aux->PrivilegesUsed = &AccessState->Privileges.PrivilegeSet;
    if (GenericMapping != NULL)
        Aux->GenericMapping = *GenericMapping;
}

NTSTATUS NTAPI
SeCreateAccessState(PACCESS_STATE AccessState, PVOID AuxData, ACCESS_MASK DesiredAccess,
                    PGENERIC_MAPPING GenericMapping)
{
    PAGED_CODE();

    RtlZeroMemory(AccessState, sizeof *AccessState);
    ExAllocateLocallyUniqueId(&AccessState->OperationID);
    SeCaptureSubjectContext(&AccessState->SubjectSecurityContext);
    SepFillAccessState(AccessState, AuxData, DesiredAccess, GenericMapping);
    return STATUS_SUCCESS;
}

VOID NTAPI
SeDeleteAccessState(PACCESS_STATE AccessState)
{
    if (AccessState->PrivilegesAllocated && AccessState->AuxData != NULL)
        SeFreePrivileges(((PSEP_AUX_DATA)AccessState->AuxData)->PrivilegesUsed);
    SeReleaseSubjectContext(&AccessState->SubjectSecurityContext);
}

VOID
SeBeginAccessState(PACCESS_STATE AccessState, ACCESS_MASK DesiredAccess,
                   PGENERIC_MAPPING GenericMapping)
{
    PSECURITY_SUBJECT_CONTEXT Context = &AccessState->SubjectSecurityContext;
    PETHREAD                  Thread = PsGetCurrentThread();

    __stosq((PULONG64)AccessState, 0, sizeof *AccessState / sizeof(ULONG64));
    Context->PrimaryToken = SepPrimaryOf(&Thread->Tcb);
    if (Context->PrimaryToken == NULL) {        // before SeInitSystem
        AccessState->RemainingDesiredAccess = DesiredAccess;
        return;
    }
    Context->ClientToken = SepReferenceClient(Thread, &Context->ImpersonationLevel);
    SepFillAccessState(AccessState, NULL, DesiredAccess, GenericMapping);
}

VOID
SeEndAccessState(PACCESS_STATE AccessState)
{
    if (AccessState->SubjectSecurityContext.ClientToken != NULL)
        ObDereferenceObject(AccessState->SubjectSecurityContext.ClientToken);
}

/* Changes what generic rights mean in an access state that has AuxData. */
VOID NTAPI
SeSetAccessStateGenericMapping(PACCESS_STATE AccessState, PGENERIC_MAPPING GenericMapping)
{
    if (AccessState->AuxData != NULL)
        ((PSEP_AUX_DATA)AccessState->AuxData)->GenericMapping = *GenericMapping;
}

/*
 * Adds privileges that were needed for an open to those its access state names. There is room for
 * three; more go to a block of their own, which SeDeleteAccessState frees. PASSIVE_LEVEL.
 * STATUS_INSUFFICIENT_RESOURCES.
 */
NTSTATUS NTAPI
SeAppendPrivileges(PACCESS_STATE AccessState, PPRIVILEGE_SET Privileges)
{
    PSEP_AUX_DATA  Aux = AccessState->AuxData;
    PPRIVILEGE_SET Old = Aux != NULL ? Aux->PrivilegesUsed : &AccessState->Privileges.PrivilegeSet;
    PPRIVILEGE_SET New = Old;
    ULONG          Count = Old->PrivilegeCount + Privileges->PrivilegeCount;

    PAGED_CODE();

    if (Count > INITIAL_PRIVILEGE_COUNT || AccessState->PrivilegesAllocated) {
        if (Aux == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        New = ExAllocatePoolWithTag(PagedPool, FIELD_OFFSET(PRIVILEGE_SET, Privilege[Count]),
                                    SEP_TAG_PRIVILEGE);
        if (New == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        RtlCopyMemory(New, Old, FIELD_OFFSET(PRIVILEGE_SET, Privilege[Old->PrivilegeCount]));
    }
    RtlCopyMemory(&New->Privilege[Old->PrivilegeCount], Privileges->Privilege,
                  Privileges->PrivilegeCount * sizeof(LUID_AND_ATTRIBUTES));
    New->PrivilegeCount = Count;
    if (New != Old) {
        if (AccessState->PrivilegesAllocated)
            SeFreePrivileges(Old);
        Aux->PrivilegesUsed = New;
        AccessState->PrivilegesAllocated = TRUE;
    }
    return STATUS_SUCCESS;
}
