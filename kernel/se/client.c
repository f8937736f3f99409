/*
 * Acting for somebody else: impersonation.
 *
 * A thread that impersonates has a client token (ETHREAD.ClientToken, referenced) and a level that
 * says how far it may go: below SecurityImpersonation it can find out who the client is, but is
 * refused whatever it tries in his name. One who does not hold SeImpersonatePrivilege gets no
 * further than SecurityIdentification with the token of somebody other than his process' user.
 *
 * A server takes a client's identity down while the client waits in it (SeCreateClientSecurity)
 * and acts by it later (SeImpersonateClientEx); it gives it back with SeDeleteClientSecurity,
 * which is a macro of the DDK's.
 *
 * Locks: SepImpersonationLock, a fast mutex. A thread that sees no client token of its own does
 * not take it.
 */
#include "se/sep.h"

#undef PsDereferencePrimaryToken
#undef PsDereferenceImpersonationToken

FAST_MUTEX SepImpersonationLock;

/* Puts Token (its reference becomes the thread's; may be NULL) in the place of the old one. */
static VOID
SepExchangeClient(PETHREAD Thread, PTOKEN Token, SECURITY_IMPERSONATION_LEVEL Level)
{
    PTOKEN Old;

    ExAcquireFastMutex(&SepImpersonationLock);
    Old = Thread->ClientToken;
    Thread->ImpersonationLevel = Level;
    Thread->ClientToken        = Token;
    ExReleaseFastMutex(&SepImpersonationLock);
    if (Old != NULL)
        ObDereferenceObject(Old);
}

VOID
SeDeleteThread(PETHREAD Thread)
{
    if (Thread->ClientToken != NULL)
        SepExchangeClient(Thread, NULL, SecurityAnonymous);
}

/* The level at which the thread's process may act by the token. */
static SECURITY_IMPERSONATION_LEVEL
SepAllowedLevel(PETHREAD Thread, PTOKEN Token, SECURITY_IMPERSONATION_LEVEL Level)
{
    PTOKEN Own = SepPrimaryOf(&Thread->Tcb);

    if ((Own->Enabled & SE_BIT(SE_IMPERSONATE_PRIVILEGE)) || Level < SecurityImpersonation
        || RtlEqualSid(Own->UserAndGroups[0].Sid, Token->UserAndGroups[0].Sid))
        return Level;
    return SecurityIdentification;
}

/*
 * Documented: the thread acts by Token from now on; NULL: by its process' again. CopyOnOpen is
 * not looked at: a token that is opened is always the thread's own. PASSIVE_LEVEL.
 */
NTSTATUS NTAPI
PsImpersonateClient(PETHREAD Thread, PACCESS_TOKEN Token, BOOLEAN CopyOnOpen,
                    BOOLEAN EffectiveOnly, SECURITY_IMPERSONATION_LEVEL ImpersonationLevel)
{
    PTOKEN   Client = Token;
    NTSTATUS Status;

    PAGED_CODE();

    if (Client == NULL) {
        SepExchangeClient(Thread, NULL, SecurityAnonymous);
        return STATUS_SUCCESS;
    }
    ImpersonationLevel = SepAllowedLevel(Thread, Client, ImpersonationLevel);
    if (EffectiveOnly || Client->TokenType == TokenPrimary) {
        Status = SepDuplicateOwn(Client, EffectiveOnly, TokenImpersonation, ImpersonationLevel,
                                 &Client);
        if (!NT_SUCCESS(Status))
            return Status;
    } else {
        ObReferenceObject(Client);
    }
    SepExchangeClient(Thread, Client, ImpersonationLevel);
    return STATUS_SUCCESS;
}

VOID NTAPI
PsRevertToSelf(VOID)
{
    PsImpersonateClient(PsGetCurrentThread(), NULL, FALSE, FALSE, SecurityAnonymous);
}

BOOLEAN NTAPI
PsIsThreadImpersonating(PETHREAD Thread)
{
    return Thread->ClientToken != NULL;
}

/* ThreadImpersonationToken. The token's own level is the thread's. */
NTSTATUS
SeSetThreadToken(PETHREAD Thread, HANDLE Token, KPROCESSOR_MODE Mode)
{
    PTOKEN   Client;
    NTSTATUS Status;

    if (Token == NULL)
        return PsImpersonateClient(Thread, NULL, FALSE, FALSE, SecurityAnonymous);
    Status = ObReferenceObjectByHandle(Token, TOKEN_IMPERSONATE, SepTokenObjectType, Mode,
                                       (PVOID *)&Client, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = STATUS_BAD_TOKEN_TYPE;
    if (Client->TokenType == TokenImpersonation)
        Status = PsImpersonateClient(Thread, Client, FALSE, FALSE, Client->ImpersonationLevel);
    ObDereferenceObject(Client);
    return Status;
}

/* Documented: a process' primary token, referenced. PASSIVE_LEVEL. */
PACCESS_TOKEN NTAPI
PsReferencePrimaryToken(PEPROCESS Process)
{
    ObReferenceObject(Process->Token);
    return Process->Token;
}

VOID NTAPI
PsDereferencePrimaryToken(PACCESS_TOKEN PrimaryToken)
{
    ObDereferenceObject(PrimaryToken);
}

/* Documented: the token a thread impersonates, referenced, or NULL. PASSIVE_LEVEL. */
PACCESS_TOKEN NTAPI
PsReferenceImpersonationToken(PETHREAD Thread, PBOOLEAN CopyOnOpen, PBOOLEAN EffectiveOnly,
                              PSECURITY_IMPERSONATION_LEVEL ImpersonationLevel)
{
    PTOKEN Token;

    PAGED_CODE();

    *CopyOnOpen    = FALSE;
    *EffectiveOnly = FALSE;
    ExAcquireFastMutex(&SepImpersonationLock);
    Token = Thread->ClientToken;
    if (Token != NULL) {
        ObReferenceObject(Token);
        *ImpersonationLevel = Thread->ImpersonationLevel;
    }
    ExReleaseFastMutex(&SepImpersonationLock);
    return Token;
}

VOID NTAPI
PsDereferenceImpersonationToken(PACCESS_TOKEN ImpersonationToken)
{
    if (ImpersonationToken != NULL)
        ObDereferenceObject(ImpersonationToken);
}

/* What Context keeps of Client, whose reference it takes over. */
static NTSTATUS
SepKeepClient(PTOKEN Client, SECURITY_IMPERSONATION_LEVEL Level, PSECURITY_QUALITY_OF_SERVICE Qos,
              BOOLEAN Remote, PSECURITY_CLIENT_CONTEXT Context)
{
    PTOKEN   Kept = Client;
    NTSTATUS Status = STATUS_SUCCESS;

    if (Client->TokenType == TokenImpersonation && Qos->ImpersonationLevel > Level) {
        ObDereferenceObject(Client);
        return STATUS_BAD_IMPERSONATION_LEVEL;
    }
    RtlZeroMemory(Context, sizeof *Context);
    if (Qos->ContextTrackingMode == SECURITY_STATIC_TRACKING) {
        Status = SepDuplicateOwn(Client, Qos->EffectiveOnly, TokenImpersonation,
                                 Qos->ImpersonationLevel, &Kept);
        ObDereferenceObject(Client);
    }
    if (!NT_SUCCESS(Status))
        return Status;
    Context->SecurityQos               = *Qos;
    Context->ClientToken               = Kept;
    Context->DirectlyAccessClientToken = Qos->ContextTrackingMode != SECURITY_STATIC_TRACKING;
    Context->DirectAccessEffectiveOnly = Qos->EffectiveOnly;
    Context->ServerIsRemote            = Remote;
    return STATUS_SUCCESS;
}

/*
 * Documented: takes down who ClientThread acts for, for SeImpersonateClientEx. With static
 * tracking a copy of the token is kept, with dynamic tracking the token. PASSIVE_LEVEL.
 * STATUS_BAD_IMPERSONATION_LEVEL: the client himself impersonates somebody at a lower level.
 */
NTSTATUS NTAPI
SeCreateClientSecurity(PETHREAD ClientThread, PSECURITY_QUALITY_OF_SERVICE ClientSecurityQos,
                       BOOLEAN RemoteSession, PSECURITY_CLIENT_CONTEXT ClientContext)
{
    SECURITY_IMPERSONATION_LEVEL Level = SecurityDelegation;
    BOOLEAN                      Ignored, Effective;
    PTOKEN                       Client;

    PAGED_CODE();

    Client = PsReferenceImpersonationToken(ClientThread, &Ignored, &Effective, &Level);
    if (Client == NULL)
        Client = PsReferencePrimaryToken((PEPROCESS)ClientThread->Tcb.Process);
    return SepKeepClient(Client, Level, ClientSecurityQos, RemoteSession, ClientContext);
}

/* The same for whoever a subject context stands for. */
NTSTATUS NTAPI
SeCreateClientSecurityFromSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext,
                                         PSECURITY_QUALITY_OF_SERVICE ClientSecurityQos,
                                         BOOLEAN ServerIsRemote,
                                         PSECURITY_CLIENT_CONTEXT ClientContext)
{
    PTOKEN Client = SepEffective(SubjectContext);

    PAGED_CODE();

    ObReferenceObject(Client);
    return SepKeepClient(Client, SubjectContext->ImpersonationLevel, ClientSecurityQos,
                         ServerIsRemote, ClientContext);
}

/* Documented: ServerThread (NULL: the running one) acts for the client. PASSIVE_LEVEL. */
NTSTATUS NTAPI
SeImpersonateClientEx(PSECURITY_CLIENT_CONTEXT ClientContext, PETHREAD ServerThread)
{
    return PsImpersonateClient(ServerThread != NULL ? ServerThread : PsGetCurrentThread(),
                               ClientContext->ClientToken, TRUE,
                               ClientContext->DirectlyAccessClientToken
                               && ClientContext->DirectAccessEffectiveOnly,
                               ClientContext->SecurityQos.ImpersonationLevel);
}

VOID NTAPI
SeImpersonateClient(PSECURITY_CLIENT_CONTEXT ClientContext, PETHREAD ServerThread)
{
    SeImpersonateClientEx(ClientContext, ServerThread);
}
