/*
 * Who may open a pipe. The creator gives a descriptor with his open (SECURITY_ATTRIBUTES of
 * CreateFile), or the system makes one from his token's defaults; SeAssignSecurity decides. Every
 * later open is checked against it with SeAccessCheck. The create IRP says all that takes: in
 * SecurityContext->AccessState are the one who asks (SubjectSecurityContext), what for
 * (RemainingDesiredAccess), and the creator's descriptor.
 *
 * Names behind a device are the driver's to guard: the I/O manager checks a device's own
 * descriptor only for opens of the device itself.
 *
 * PIPE.Security is guarded by ListMutex, which an open holds anyway: IRP_MJ_SET_SECURITY may
 * exchange it at any time. Everything here is called at PASSIVE_LEVEL.
 */
#include <ntifs.h>
#include "pipe.h"

static VOID
PipeGrant(PACCESS_STATE State, ACCESS_MASK Granted)
{
    State->PreviouslyGrantedAccess |= Granted;
    State->RemainingDesiredAccess &= ~(Granted | MAXIMUM_ALLOWED);
}

/*
 * The descriptor of a new pipe; its creator gets what he asks for, but the right to its audit only
 * by privilege, which no owner has of himself. With ListMutex held.
 */
NTSTATUS
PipeAssignSecurity(PPIPE Pipe, PIO_SECURITY_CONTEXT Context, KPROCESSOR_MODE Mode)
{
    PACCESS_STATE State = Context->AccessState;
    ACCESS_MASK   Granted = Context->DesiredAccess;
    NTSTATUS      Status;

    if ((Granted & ACCESS_SYSTEM_SECURITY) &&
        !SeSinglePrivilegeCheck(RtlConvertLongToLuid(SE_SECURITY_PRIVILEGE), Mode))
        return STATUS_PRIVILEGE_NOT_HELD;
    Status = SeAssignSecurity(NULL, State->SecurityDescriptor, &Pipe->Security, FALSE,
                              &State->SubjectSecurityContext, IoGetFileObjectGenericMapping(),
                              PagedPool);
    if (!NT_SUCCESS(Status))
        return Status;
    if (Granted & MAXIMUM_ALLOWED)
        Granted |= FILE_ALL_ACCESS;
    RtlMapGenericMask(&Granted, IoGetFileObjectGenericMapping());
    State->RemainingDesiredAccess = 0;
    PipeGrant(State, Granted & ~MAXIMUM_ALLOWED);
    return STATUS_SUCCESS;
}

VOID
PipeFreeSecurity(PPIPE Pipe)
{
    SeDeassignSecurity(&Pipe->Security);
}

/* Checks an open of an existing pipe, and notes what is granted. With ListMutex held. */
NTSTATUS
PipeCheckAccess(PPIPE Pipe, PIO_SECURITY_CONTEXT Context, KPROCESSOR_MODE Mode)
{
    PACCESS_STATE  State = Context->AccessState;
    PPRIVILEGE_SET Privileges = NULL;
    ACCESS_MASK    Granted = 0;
    NTSTATUS       Status = STATUS_ACCESS_DENIED;
    BOOLEAN        Allowed;

    SeLockSubjectContext(&State->SubjectSecurityContext);
    Allowed = SeAccessCheck(Pipe->Security, &State->SubjectSecurityContext, TRUE,
                            Context->DesiredAccess, 0, &Privileges,
                            IoGetFileObjectGenericMapping(), Mode, &Granted, &Status);
    SeUnlockSubjectContext(&State->SubjectSecurityContext);
    if (Privileges != NULL)
        SeFreePrivileges(Privileges);
    if (!Allowed)
        return Status;
    PipeGrant(State, Granted);
    return STATUS_SUCCESS;
}

/*
 * The parts of the descriptor that were asked for go to the caller's buffer, which may be a
 * program's and fault: not with ListMutex held for ever after.
 */
static __attribute__((noinline)) NTSTATUS
PipeCopySecurity(PPIPE Pipe, PSECURITY_INFORMATION Wanted, PVOID Buffer, PULONG Length)
{
    __try {
        return SeQuerySecurityDescriptorInfo(Wanted, Buffer, Length, &Pipe->Security);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
}

NTSTATUS NTAPI
PipeQuerySecurity(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION   Stack = IoGetCurrentIrpStackLocation(Irp);
    PPIPE_DEVICE         Device = PipeDeviceOf(DeviceObject);
    PPIPE                Pipe = Stack->FileObject->FsContext;
    ULONG                Length = Stack->Parameters.QuerySecurity.Length;
    SECURITY_INFORMATION Wanted = Stack->Parameters.QuerySecurity.SecurityInformation;
    NTSTATUS             Status;

    KeWaitForSingleObject(&Device->ListMutex, Executive, KernelMode, FALSE, NULL);
    Status = PipeCopySecurity(Pipe, &Wanted, Irp->UserBuffer, &Length);
    KeReleaseMutex(&Device->ListMutex, FALSE);
    if (Status == STATUS_BUFFER_TOO_SMALL)
        Status = STATUS_BUFFER_OVERFLOW;
    return PipeComplete(Irp, Status, NT_ERROR(Status) ? 0 : Length);
}

NTSTATUS NTAPI
PipeSetSecurity(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION   Stack = IoGetCurrentIrpStackLocation(Irp);
    PPIPE_DEVICE         Device = PipeDeviceOf(DeviceObject);
    PPIPE                Pipe = Stack->FileObject->FsContext;
    SECURITY_INFORMATION Given = Stack->Parameters.SetSecurity.SecurityInformation;
    PSECURITY_DESCRIPTOR Old;
    NTSTATUS             Status;

    KeWaitForSingleObject(&Device->ListMutex, Executive, KernelMode, FALSE, NULL);
    Old = Pipe->Security;
    Status = SeSetSecurityDescriptorInfo(NULL, &Given,
                                         Stack->Parameters.SetSecurity.SecurityDescriptor,
                                         &Pipe->Security, PagedPool,
                                         IoGetFileObjectGenericMapping());
    KeReleaseMutex(&Device->ListMutex, FALSE);
    if (NT_SUCCESS(Status) && Old != Pipe->Security)
        ExFreePool(Old);
    return PipeComplete(Irp, Status, 0);
}
