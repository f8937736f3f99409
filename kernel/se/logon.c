/*
 * Logon sessions: what the tokens that come from one logon have in common.
 *
 * A session begins with its first token and ends with its last one; its id is the authentication
 * id of all of them. A driver that keeps something for a session asks to be told when it ends
 * (SeRegisterLogonSessionTerminatedRoutine, SeMarkLogonSessionForTerminationNotification).
 *
 * Locks: SepLogonLock, a fast mutex, guards the list, the counts and the routines. Routines are
 * called without it, by whoever dropped the last token, at PASSIVE_LEVEL.
 */
#include "se/sep.h"

#define SEP_MAXIMUM_ROUTINES 8

FAST_MUTEX SepLogonLock;
static LIST_ENTRY SepLogons = { &SepLogons, &SepLogons };
static PSE_LOGON_SESSION_TERMINATED_ROUTINE SepTerminated[SEP_MAXIMUM_ROUTINES];

static PSEP_LOGON
SepFindLogonLocked(LUID LogonId)
{
    for (PLIST_ENTRY Link = SepLogons.Flink; Link != &SepLogons; Link = Link->Flink) {
        PSEP_LOGON Logon = CONTAINING_RECORD(Link, SEP_LOGON, Link);

        if (SepSameLuid(Logon->LogonId, LogonId))
            return Logon;
    }
    return NULL;
}

PSEP_LOGON
SepReferenceLogon(LUID LogonId)
{
    PSEP_LOGON Logon;

    ExAcquireFastMutex(&SepLogonLock);
    Logon = SepFindLogonLocked(LogonId);
    if (Logon != NULL)
        Logon->Tokens++;
    ExReleaseFastMutex(&SepLogonLock);
    return Logon;
}

VOID
SepDereferenceLogon(PSEP_LOGON Logon)
{
    PSE_LOGON_SESSION_TERMINATED_ROUTINE Routines[SEP_MAXIMUM_ROUTINES];
    BOOLEAN                              Ended;

    ExAcquireFastMutex(&SepLogonLock);
    Ended = --Logon->Tokens == 0;
    if (Ended)
        RemoveEntryList(&Logon->Link);
    RtlCopyMemory(Routines, SepTerminated, sizeof Routines);
    ExReleaseFastMutex(&SepLogonLock);

    if (!Ended)
        return;
    for (ULONG Index = 0; Logon->Marked && Index < SEP_MAXIMUM_ROUTINES; Index++)
        if (Routines[Index] != NULL)
            Routines[Index](&Logon->LogonId);
    ExFreePoolWithTag(Logon, SEP_TAG_LOGON);
}

PSEP_LOGON
SepNewLogon(LUID LogonId)
{
    PSEP_LOGON Logon = ExAllocatePoolWithTag(PagedPool, sizeof *Logon, SEP_TAG_LOGON);

    if (Logon == NULL)
        return NULL;
    Logon->LogonId = LogonId;
    Logon->Tokens  = 1;
    Logon->Marked  = FALSE;
    ExAcquireFastMutex(&SepLogonLock);
    InsertTailList(&SepLogons, &Logon->Link);
    ExReleaseFastMutex(&SepLogonLock);
    return Logon;
}

/* Puts To in the place of From in the table of routines. */
static NTSTATUS
SepReplaceRoutine(PSE_LOGON_SESSION_TERMINATED_ROUTINE From,
                  PSE_LOGON_SESSION_TERMINATED_ROUTINE To, NTSTATUS Otherwise)
{
    NTSTATUS Status = Otherwise;

    PAGED_CODE();

    ExAcquireFastMutex(&SepLogonLock);
    for (ULONG Index = 0; Index < SEP_MAXIMUM_ROUTINES && !NT_SUCCESS(Status); Index++) {
        if (SepTerminated[Index] == From) {
            SepTerminated[Index] = To;
            Status = STATUS_SUCCESS;
        }
    }
    ExReleaseFastMutex(&SepLogonLock);
    return Status;
}

/* Routine is called when a marked logon session ends, at PASSIVE_LEVEL. */
NTSTATUS NTAPI
SeRegisterLogonSessionTerminatedRoutine(PSE_LOGON_SESSION_TERMINATED_ROUTINE CallbackRoutine)
{
    if (CallbackRoutine == NULL)
        return STATUS_INVALID_PARAMETER;
    return SepReplaceRoutine(NULL, CallbackRoutine, STATUS_INSUFFICIENT_RESOURCES);
}

NTSTATUS NTAPI
SeUnregisterLogonSessionTerminatedRoutine(PSE_LOGON_SESSION_TERMINATED_ROUTINE CallbackRoutine)
{
    if (CallbackRoutine == NULL)
        return STATUS_INVALID_PARAMETER;
    return SepReplaceRoutine(CallbackRoutine, NULL, STATUS_NOT_FOUND);
}

/* STATUS_NOT_FOUND: there is no such session. PASSIVE_LEVEL. */
NTSTATUS NTAPI
SeMarkLogonSessionForTerminationNotification(PLUID LogonId)
{
    PSEP_LOGON Logon;

    PAGED_CODE();

    ExAcquireFastMutex(&SepLogonLock);
    Logon = SepFindLogonLocked(*LogonId);
    if (Logon != NULL)
        Logon->Marked = TRUE;
    ExReleaseFastMutex(&SepLogonLock);
    return Logon != NULL ? STATUS_SUCCESS : STATUS_NOT_FOUND;
}
