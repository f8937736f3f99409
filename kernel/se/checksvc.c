/*
 * The services with which a server checks for itself: NtAccessCheck, NtPrivilegeCheck,
 * NtImpersonateThread. And what a driver calls to have an open recorded: there is no audit log,
 * so nothing is.
 */
#include "se/sep.h"

#define GENERIC_RIGHTS  (GENERIC_ALL | GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE)

/* A token for impersonation, at least good enough to look at, or a Primary one. Referenced. */
static NTSTATUS
SepReferenceClientHandle(HANDLE Handle, KPROCESSOR_MODE Mode, BOOLEAN Primary, PTOKEN *Token)
{
    NTSTATUS Status = ObReferenceObjectByHandle(Handle, TOKEN_QUERY, SepTokenObjectType, Mode,
                                                (PVOID *)Token, NULL);

    if (!NT_SUCCESS(Status))
        return Status;
    if ((*Token)->TokenType != TokenImpersonation)
        Status = Primary ? STATUS_SUCCESS : STATUS_NO_IMPERSONATION_TOKEN;
    else if ((*Token)->ImpersonationLevel < SecurityIdentification)
        Status = STATUS_BAD_IMPERSONATION_LEVEL;
    if (!NT_SUCCESS(Status))
        ObDereferenceObject(*Token);
    return Status;
}

/* The set of privileges that were needed, into the caller's buffer. */
static NTSTATUS
SepReturnUsed(ULONG64 Used, PPRIVILEGE_SET To, PULONG Length, KPROCESSOR_MODE Mode)
{
    PRIVILEGE_SET  None = { 0 };
    PPRIVILEGE_SET Set = SepMakePrivilegeSet(Used);
    ULONG          Size = Set == NULL ? sizeof None
        : FIELD_OFFSET(PRIVILEGE_SET, Privilege[Set->PrivilegeCount]), Room = 0;
    NTSTATUS       Status = STATUS_SUCCESS;

    __try {
        Room = *(volatile ULONG *)Length;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    if (NT_SUCCESS(Status))
        Status = ObReturnBytes(Length, &Size, sizeof Size, NULL, Mode);
    if (NT_SUCCESS(Status))
        Status = Room < Size ? STATUS_BUFFER_TOO_SMALL
            : ObReturnBytes(To, Set != NULL ? Set : &None, Size, NULL, Mode);
    SeFreePrivileges(Set);
    return Status;
}

/*
 * System service: what DesiredAccess comes to for the client behind ClientToken. The answer is in
 * *GrantedAccess and *AccessStatus; the service's own status says whether the question was right:
 * STATUS_NO_IMPERSONATION_TOKEN, STATUS_GENERIC_NOT_MAPPED, STATUS_INVALID_SECURITY_DESCR (no
 * owner or group), STATUS_BUFFER_TOO_SMALL.
 */
NTSTATUS NTAPI
NtAccessCheck(PSECURITY_DESCRIPTOR SecurityDescriptor, HANDLE ClientToken,
              ACCESS_MASK DesiredAccess, PGENERIC_MAPPING GenericMapping,
              PPRIVILEGE_SET PrivilegeSet, PULONG PrivilegeSetLength, PACCESS_MASK GrantedAccess,
              PNTSTATUS AccessStatus)
{
    KPROCESSOR_MODE      Mode = KeGetPreviousMode();
    PSECURITY_DESCRIPTOR Captured = NULL;
    RTL_SECURITY_PARTS   Parts;
    GENERIC_MAPPING      Mapping;
    SEP_CHECK            Check = { NULL, DesiredAccess, 0, &Mapping, 0, 0 };
    NTSTATUS             Status, Answer;

    PAGED_CODE();

    if (DesiredAccess & GENERIC_RIGHTS)
        return STATUS_GENERIC_NOT_MAPPED;
    if (SecurityDescriptor == NULL || GrantedAccess == NULL || AccessStatus == NULL
        || PrivilegeSetLength == NULL)
        return STATUS_ACCESS_VIOLATION;
    __try {
        if (Mode != KernelMode) {
            ProbeForRead(GenericMapping, sizeof Mapping, sizeof(ULONG));
            ProbeForWrite(PrivilegeSetLength, sizeof(ULONG), sizeof(ULONG));
            ProbeForWrite(GrantedAccess, sizeof(ACCESS_MASK), sizeof(ULONG));
            ProbeForWrite(AccessStatus, sizeof(NTSTATUS), sizeof(ULONG));
        }
        Mapping = *(volatile GENERIC_MAPPING *)GenericMapping;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    Status = SepReferenceClientHandle(ClientToken, Mode, FALSE, &Check.Token);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = SeCaptureSecurityDescriptor(SecurityDescriptor, Mode, PagedPool, TRUE, &Captured);
    if (NT_SUCCESS(Status)) {
        RtlpGetParts(Captured, &Parts);
        if (Parts.Owner == NULL || Parts.Group == NULL)
            Status = STATUS_INVALID_SECURITY_DESCR;
    }
    if (NT_SUCCESS(Status)) {
        Answer = SepAccessCheck(&Check, Captured);
        Status = SepReturnUsed(Check.Used, PrivilegeSet, PrivilegeSetLength, Mode);
    }
    SeReleaseSecurityDescriptor(Captured, Mode, TRUE);
    ObDereferenceObject(Check.Token);
    if (NT_SUCCESS(Status))
        Status = ObReturnBytes(GrantedAccess, &Check.Granted, sizeof Check.Granted, NULL, Mode);
    if (NT_SUCCESS(Status))
        Status = ObReturnBytes(AccessStatus, &Answer, sizeof Answer, NULL, Mode);
    return Status;
}

/* System service: whether the client holds the privileges of the set; marks those it holds. */
NTSTATUS NTAPI
NtPrivilegeCheck(HANDLE ClientToken, PPRIVILEGE_SET RequiredPrivileges, PBOOLEAN Result)
{
    KPROCESSOR_MODE   Mode = KeGetPreviousMode();
    PTOKEN_PRIVILEGES Set = NULL;
    PTOKEN            Token;
    ULONG             Control = 0;
    BOOLEAN           Held;
    NTSTATUS          Status;

    PAGED_CODE();

    if (RequiredPrivileges == NULL || Result == NULL)
        return STATUS_ACCESS_VIOLATION;
    __try {
        if (Mode != KernelMode) {
            ProbeForWrite(RequiredPrivileges, sizeof *RequiredPrivileges, sizeof(ULONG));
            ProbeForWrite(Result, sizeof *Result, 1);
        }
        Control = *(volatile ULONG *)&RequiredPrivileges->Control;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    Status = SepCapturePrivilegeSet(RequiredPrivileges, Mode, &Set);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = SepReferenceClientHandle(ClientToken, Mode, TRUE, &Token);
    if (NT_SUCCESS(Status)) {
        Held = SepCheckPrivileges(Token, Set->Privileges, Set->PrivilegeCount,
                                  (Control & PRIVILEGE_SET_ALL_NECESSARY) != 0);
        ObDereferenceObject(Token);
        Status = ObReturnBytes(RequiredPrivileges->Privilege, Set->Privileges,
                               Set->PrivilegeCount * sizeof(LUID_AND_ATTRIBUTES), NULL, Mode);
    }
    ExFreePoolWithTag(Set, SEP_TAG_QUERY);
    return NT_SUCCESS(Status) ? ObReturnBytes(Result, &Held, sizeof Held, NULL, Mode) : Status;
}

/* System service: ServerThread acts for whomever ClientThread acts for. */
NTSTATUS NTAPI
NtImpersonateThread(HANDLE ServerThreadHandle, HANDLE ClientThreadHandle,
                    PSECURITY_QUALITY_OF_SERVICE SecurityQos)
{
    KPROCESSOR_MODE             Mode = KeGetPreviousMode();
    SECURITY_QUALITY_OF_SERVICE Qos;
    SECURITY_CLIENT_CONTEXT     Context;
    PETHREAD                    Server, Client;
    NTSTATUS                    Status;

    PAGED_CODE();

    __try {
        if (Mode != KernelMode)
            ProbeForRead(SecurityQos, sizeof Qos, sizeof(ULONG));
        Qos = *(volatile SECURITY_QUALITY_OF_SERVICE *)SecurityQos;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    if ((ULONG)Qos.ImpersonationLevel > SecurityDelegation)
        return STATUS_BAD_IMPERSONATION_LEVEL;
    Status = ObReferenceObjectByHandle(ClientThreadHandle, THREAD_DIRECT_IMPERSONATION,
                                       *PsThreadType, Mode, (PVOID *)&Client, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = ObReferenceObjectByHandle(ServerThreadHandle, THREAD_IMPERSONATE, *PsThreadType,
                                       Mode, (PVOID *)&Server, NULL);
    if (NT_SUCCESS(Status)) {
        Status = SeCreateClientSecurity(Client, &Qos, FALSE, &Context);
        if (NT_SUCCESS(Status)) {
            Status = SeImpersonateClientEx(&Context, Server);
            ObDereferenceObject(Context.ClientToken);
        }
        ObDereferenceObject(Server);
    }
    ObDereferenceObject(Client);
    return Status;
}

/* Documented; nothing is recorded. */
VOID NTAPI
SeOpenObjectAuditAlarm(PUNICODE_STRING ObjectTypeName, PVOID Object,
                       PUNICODE_STRING AbsoluteObjectName,
                       PSECURITY_DESCRIPTOR SecurityDescriptor, PACCESS_STATE AccessState,
                       BOOLEAN ObjectCreated, BOOLEAN AccessGranted, KPROCESSOR_MODE AccessMode,
                       PBOOLEAN GenerateOnClose)
{
    PAGED_CODE();
    *GenerateOnClose = FALSE;
}

VOID NTAPI
SeOpenObjectForDeleteAuditAlarm(PUNICODE_STRING ObjectTypeName, PVOID Object,
                                PUNICODE_STRING AbsoluteObjectName,
                                PSECURITY_DESCRIPTOR SecurityDescriptor,
                                PACCESS_STATE AccessState, BOOLEAN ObjectCreated,
                                BOOLEAN AccessGranted, KPROCESSOR_MODE AccessMode,
                                PBOOLEAN GenerateOnClose)
{
    PAGED_CODE();
    *GenerateOnClose = FALSE;
}

VOID NTAPI
SeDeleteObjectAuditAlarm(PVOID Object, HANDLE Handle)
{
    PAGED_CODE();
}

BOOLEAN NTAPI
SeAuditingFileEvents(BOOLEAN AccessGranted, PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    return FALSE;
}

BOOLEAN NTAPI
SeAuditingFileOrGlobalEvents(BOOLEAN AccessGranted, PSECURITY_DESCRIPTOR SecurityDescriptor,
                             PSECURITY_SUBJECT_CONTEXT SubjectSecurityContext)
{
    return FALSE;
}
