/*
 * The services that open and copy tokens: NtOpenProcessToken, NtOpenThreadToken, NtDuplicateToken.
 *
 * A token has a descriptor like any object, and its own user is its owner: opening another
 * process' token takes PROCESS_QUERY_INFORMATION to the process, then what one wants to the token.
 */
#include "se/sep.h"

/* A handle to Token, whose reference is dropped. */
static NTSTATUS
SepReturnToken(PTOKEN Token, ACCESS_MASK Access, ULONG Attributes, PHANDLE To,
               KPROCESSOR_MODE Mode)
{
    HANDLE   Handle = NULL;
    NTSTATUS Status;

    if (Mode != KernelMode)
        Attributes &= ~OBJ_KERNEL_HANDLE;
    Status = ObOpenObjectByPointer(Token, Attributes, NULL, Access, SepTokenObjectType, Mode,
                                   &Handle);
    ObDereferenceObject(Token);
    return ObReturnHandle(To, Handle, Mode, Status);
}

/* System service: a handle to a process' primary token. STATUS_ACCESS_DENIED. */
NTSTATUS NTAPI
NtOpenProcessTokenEx(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
                     PHANDLE TokenHandle)
{
    KPROCESSOR_MODE Mode = KeGetPreviousMode();
    NTSTATUS        Status = ObProbeHandle(TokenHandle, Mode);
    PEPROCESS       Process;
    PTOKEN          Token;

    PAGED_CODE();

    if (NT_SUCCESS(Status))
        Status = ObReferenceObjectByHandle(ProcessHandle, PROCESS_QUERY_INFORMATION,
                                           *PsProcessType, Mode, (PVOID *)&Process, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    Token = PsReferencePrimaryToken(Process);
    ObDereferenceObject(Process);
    return SepReturnToken(Token, DesiredAccess, HandleAttributes, TokenHandle, Mode);
}

NTSTATUS NTAPI
NtOpenProcessToken(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, PHANDLE TokenHandle)
{
    return NtOpenProcessTokenEx(ProcessHandle, DesiredAccess, 0, TokenHandle);
}

/* Opens as the process' own user, whomever the thread impersonates. */
static NTSTATUS
SepReturnTokenAsSelf(PTOKEN Token, ACCESS_MASK Access, ULONG Attributes, PHANDLE To,
                     KPROCESSOR_MODE Mode)
{
    SECURITY_IMPERSONATION_LEVEL Level = SecurityAnonymous;
    BOOLEAN                      Copy, Effective;
    PETHREAD                     Thread = PsGetCurrentThread();
    PACCESS_TOKEN                Own = PsReferenceImpersonationToken(Thread, &Copy, &Effective,
                                                                     &Level);
    NTSTATUS                     Status;

    PsRevertToSelf();
    Status = SepReturnToken(Token, Access, Attributes, To, Mode);
    if (Own != NULL)
        PsImpersonateClient(Thread, Own, FALSE, FALSE, Level);
    PsDereferenceImpersonationToken(Own);
    return Status;
}

/*
 * System service: a handle to the token that a thread impersonates. OpenAsSelf: checked against
 * the process' token. STATUS_NO_TOKEN; STATUS_CANT_OPEN_ANONYMOUS.
 */
NTSTATUS NTAPI
NtOpenThreadTokenEx(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
                    ULONG HandleAttributes, PHANDLE TokenHandle)
{
    KPROCESSOR_MODE              Mode = KeGetPreviousMode();
    SECURITY_IMPERSONATION_LEVEL Level = SecurityAnonymous;
    NTSTATUS                     Status = ObProbeHandle(TokenHandle, Mode);
    BOOLEAN                      Copy, Effective;
    PETHREAD                     Thread;
    PTOKEN                       Token;

    PAGED_CODE();

    if (NT_SUCCESS(Status))
        Status = ObReferenceObjectByHandle(ThreadHandle, THREAD_QUERY_INFORMATION, *PsThreadType,
                                           Mode, (PVOID *)&Thread, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    Token = PsReferenceImpersonationToken(Thread, &Copy, &Effective, &Level);
    ObDereferenceObject(Thread);
    if (Token == NULL)
        return STATUS_NO_TOKEN;
    if (Level == SecurityAnonymous) {
        ObDereferenceObject(Token);
        return STATUS_CANT_OPEN_ANONYMOUS;
    }
    if (OpenAsSelf)
        return SepReturnTokenAsSelf(Token, DesiredAccess, HandleAttributes, TokenHandle, Mode);
    return SepReturnToken(Token, DesiredAccess, HandleAttributes, TokenHandle, Mode);
}

NTSTATUS NTAPI
NtOpenThreadToken(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
                  PHANDLE TokenHandle)
{
    return NtOpenThreadTokenEx(ThreadHandle, DesiredAccess, OpenAsSelf, 0, TokenHandle);
}

/* The level in an OBJECT_ATTRIBUTES' quality of service. */
static NTSTATUS
SepCaptureLevel(POBJECT_ATTRIBUTES Attributes, KPROCESSOR_MODE Mode,
                PSECURITY_IMPERSONATION_LEVEL Level)
{
    PSECURITY_QUALITY_OF_SERVICE Qos;

    *Level = SecurityAnonymous;
    if (Attributes == NULL)
        return STATUS_SUCCESS;
    __try {
        if (Mode != KernelMode)
            ProbeForRead(Attributes, sizeof *Attributes, sizeof(ULONG));
        Qos = *(PVOID volatile *)&Attributes->SecurityQualityOfService;
        if (Qos != NULL) {
            if (Mode != KernelMode)
                ProbeForRead(Qos, sizeof *Qos, sizeof(ULONG));
            *Level = *(volatile SECURITY_IMPERSONATION_LEVEL *)&Qos->ImpersonationLevel;
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return (ULONG)*Level > SecurityDelegation ? STATUS_BAD_IMPERSONATION_LEVEL : STATUS_SUCCESS;
}

/*
 * System service: a copy of a token, primary or for impersonation at the level in
 * ObjectAttributes' quality of service. The handle needs TOKEN_DUPLICATE; DesiredAccess 0 gives
 * the new one the same rights.
 * STATUS_BAD_IMPERSONATION_LEVEL: an impersonation token can only go to a lower level, and not
 * from below SecurityImpersonation to a primary one.
 */
NTSTATUS NTAPI
NtDuplicateToken(HANDLE ExistingTokenHandle, ACCESS_MASK DesiredAccess,
                 POBJECT_ATTRIBUTES ObjectAttributes, BOOLEAN EffectiveOnly, TOKEN_TYPE Type,
                 PHANDLE NewTokenHandle)
{
    KPROCESSOR_MODE              Mode = KeGetPreviousMode();
    OBJECT_HANDLE_INFORMATION    Information;
    SECURITY_IMPERSONATION_LEVEL Level;
    NTSTATUS                     Status = ObProbeHandle(NewTokenHandle, Mode);
    PTOKEN                       Token, Copy;

    PAGED_CODE();

    if (Type != TokenPrimary && Type != TokenImpersonation)
        return STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(Status))
        Status = SepCaptureLevel(ObjectAttributes, Mode, &Level);
    if (NT_SUCCESS(Status))
        Status = ObReferenceObjectByHandle(ExistingTokenHandle, TOKEN_DUPLICATE,
                                           SepTokenObjectType, Mode, (PVOID *)&Token,
                                           &Information);
    if (!NT_SUCCESS(Status))
        return Status;

    if (Token->TokenType == TokenImpersonation
        && (Type == TokenPrimary ? Token->ImpersonationLevel < SecurityImpersonation
                                 : Level > Token->ImpersonationLevel))
        Status = STATUS_BAD_IMPERSONATION_LEVEL;
    else
        Status = SepDuplicateToken(Token, ObjectAttributes, EffectiveOnly, Type,
                                   Type == TokenPrimary ? SecurityAnonymous : Level, Mode, &Copy);
    ObDereferenceObject(Token);
    if (!NT_SUCCESS(Status))
        return Status;
    return ObInsertService(Copy, DesiredAccess != 0 ? DesiredAccess : Information.GrantedAccess,
                           NewTokenHandle, Mode);
}
