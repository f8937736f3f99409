/*
 * Duplicating handles, between any two processes.
 *
 * The source is looked up in the source process' table, the target is made in the target's,
 * without attaching to either: tables are kernel memory, and are referenced for as long as that
 * takes. The new handle has the source's access
 * (DUPLICATE_SAME_ACCESS) or what is asked for, the source's attributes
 *                         (DUPLICATE_SAME_ATTRIBUTES) or those given.
 * DUPLICATE_CLOSE_SOURCE closes the source whatever becomes of the rest, as documented; without a
 * target it is how one process closes another's handle.
 *
 * The source's rights, or fewer, need no leave; more are checked against the object's descriptor
 * as if it were opened.
 *
 * A source of -1 or -2 is the calling process or thread, if the source process is the caller's. A
 * kernel handle as source means the System process' table, from kernel mode only.
 */
#include "kernel.h"
#include "ob/obp.h"

/* The source's object, referenced, its access and attributes. */
static NTSTATUS
ObpReferenceSource(PHANDLE_TABLE Table, HANDLE Source, BOOLEAN OwnProcess, KPROCESSOR_MODE Mode,
                   PVOID *Object, PACCESS_MASK Granted, PULONG Attributes)
{
    OBJECT_HANDLE_INFORMATION Information;
    NTSTATUS                  Status;
    EX_HOLD                   Hold;

    if ((LONG64)(ULONG_PTR)Source < 0) {
        if (!OwnProcess && !IS_KERNEL_HANDLE(Source))
            return STATUS_INVALID_HANDLE;
        Status = ObReferenceObjectByHandle(Source, 0, NULL, Mode, Object, &Information);
        *Granted    = Information.GrantedAccess;
        *Attributes = Information.HandleAttributes;
        return Status;
    }
    if (!ObpHoldHandle(Table, Source, &Hold))
        return ObpBadHandle(Table, Source);

    *Object     = &((POBJECT_HEADER)EX_HOLD_ADDRESS(Hold.Value))->Body;
    *Granted    = Hold.GrantedAccess;
    *Attributes = ObpSlotAttributes(Hold.Value);
    ObfReferenceObject(*Object);
    ObpDropHold(&Hold);
    return STATUS_SUCCESS;
}

/* The rights of Access that the type knows; MAXIMUM_ALLOWED is all of them. */
static NTSTATUS
ObpTrimAccess(POBJECT_TYPE Type, ACCESS_MASK Access, PACCESS_MASK Granted)
{
    if (Access & MAXIMUM_ALLOWED)
        Access |= Type->TypeInfo.GenericMapping.GenericAll;
    *Granted = Access & (Type->TypeInfo.ValidAccessMask | ACCESS_SYSTEM_SECURITY);
    return STATUS_SUCCESS;
}

static NTSTATUS
ObpMakeDuplicate(PVOID Object, PEPROCESS Source, PHANDLE_TABLE Table, ACCESS_MASK Access,
                 ACCESS_MASK SourceAccess,
                 ULONG Attributes, KPROCESSOR_MODE Mode, PHANDLE Target)
{
    POBJECT_HEADER Header = OBJECT_TO_HEADER(Object);
    BOOLEAN        Kernel = (Attributes & OBJ_KERNEL_HANDLE) != 0 && Mode == KernelMode;
    ACCESS_STATE   AccessState;
    ACCESS_MASK    Granted;
    NTSTATUS       Status;

    RtlMapGenericMask(&Access, &Header->Type->TypeInfo.GenericMapping);
    if (Mode == KernelMode || (Access & ~SourceAccess) == 0) {
        Status = ObpTrimAccess(Header->Type, Access, &Granted);
    } else if (Header->Type->TypeInfo.SecurityProcedure != NULL) {
        Status = STATUS_ACCESS_DENIED;          // more only by another open
    } else {
        SeBeginAccessState(&AccessState, Access, &Header->Type->TypeInfo.GenericMapping);
        Status = ObpGrantAccess(&AccessState, Header, Mode, FALSE, &Granted);
        SeEndAccessState(&AccessState);
    }
    if (!NT_SUCCESS(Status))
        return Status;

    if (Kernel)
        Table = ObpKernelHandleTable;
    if (ObpIsWatched(Header->Type))
        Status = ObpCreateWatchedHandle(OB_OPERATION_HANDLE_DUPLICATE, Source, Table,
                                        ObDuplicateHandle, Header, Attributes, Granted, Kernel,
                                        Target);
    else
        Status = ObpCreateHandleInTable(Table, ObDuplicateHandle, Header, Attributes, Granted,
                                        Target);
    if (NT_SUCCESS(Status) && Kernel)
        *Target = ObpKernelHandleValue(*Target);
    return Status;
}

static VOID
ObpCloseSource(PHANDLE_TABLE Table, HANDLE Source, KPROCESSOR_MODE Mode)
{
    if (IS_KERNEL_HANDLE(Source))
        ObCloseHandle(Source, Mode);
    else if ((LONG64)(ULONG_PTR)Source >= 0)
        ObpCloseHandleInTable(Table, Source, Mode, FALSE);
}

NTSTATUS
ObDuplicateObject(PEPROCESS SourceProcess, HANDLE Source, PEPROCESS TargetProcess, PHANDLE Target,
                  ACCESS_MASK Access, ULONG Attributes, ULONG Options, KPROCESSOR_MODE Mode)
{
    PHANDLE_TABLE From   = ObpReferenceProcessTable(SourceProcess);
    PHANDLE_TABLE To     = TargetProcess != NULL ? ObpReferenceProcessTable(TargetProcess) : NULL;
    PVOID         Object = NULL;
    ACCESS_MASK   SourceAccess;
    ULONG         SourceAttributes;
    NTSTATUS      Status;

    MAY_BLOCK();

    if (Target != NULL)
        *Target = NULL;

    if (From == NULL || (TargetProcess != NULL && To == NULL))
        Status = STATUS_PROCESS_IS_TERMINATING;
    else
        Status = ObpReferenceSource(From, Source, SourceProcess == ObpCurrentProcess(), Mode,
                                    &Object, &SourceAccess,
                                    &SourceAttributes);

    if (NT_SUCCESS(Status) && To != NULL)
        Status = ObpMakeDuplicate(Object, SourceProcess, To, (Options & DUPLICATE_SAME_ACCESS)
                                  ? SourceAccess : Access, SourceAccess,
                                  (Options & DUPLICATE_SAME_ATTRIBUTES)
                                      ? SourceAttributes : Attributes, Mode, Target);

    if (Object != NULL) {
        if (Options & DUPLICATE_CLOSE_SOURCE)
            ObpCloseSource(From, Source, Mode);
        ObDereferenceObject(Object);
    }
    if (To != NULL)
        ObpDereferenceTable(To);
    if (From != NULL)
        ObpDereferenceTable(From);
    return Status;
}

/*
 * A new handle that is written to a caller who cannot be written to is closed again in the
 * process it was made in.
 */
static NTSTATUS
ObpReturnDuplicate(PHANDLE To, HANDLE Handle, PEPROCESS Process)
{
    PHANDLE_TABLE Table;
    NTSTATUS      Status;

    __try {
        *To = Handle;
        return STATUS_SUCCESS;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }

    Table = ObpReferenceProcessTable(Process);
    if (Table != NULL) {
        ObpCloseHandleInTable(Table, Handle, KernelMode, TRUE);
        ObpDereferenceTable(Table);
    }
    return Status;
}

NTSTATUS NTAPI
NtDuplicateObject(HANDLE SourceProcessHandle, HANDLE SourceHandle, HANDLE TargetProcessHandle,
                  PHANDLE TargetHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
                  ULONG Options)
{
    KPROCESSOR_MODE Mode   = KeGetPreviousMode();
    PEPROCESS       Source = NULL, Target = NULL;
    HANDLE          New    = NULL;
    NTSTATUS        Status = STATUS_SUCCESS;

    MAY_BLOCK();

    if (Options & ~(DUPLICATE_CLOSE_SOURCE | DUPLICATE_SAME_ACCESS | DUPLICATE_SAME_ATTRIBUTES))
        return STATUS_INVALID_PARAMETER;
    if (Mode != KernelMode)
        HandleAttributes &= ~OBJ_KERNEL_HANDLE;
    if (TargetHandle != NULL)
        Status = ObProbeHandle(TargetHandle, Mode);
    if (!NT_SUCCESS(Status))
        return Status;

    Status = ObReferenceObjectByHandle(SourceProcessHandle, PROCESS_DUP_HANDLE, *PsProcessType,
                                       Mode, (PVOID *)&Source, NULL);
    if (!NT_SUCCESS(Status))
        return Status;

    if (TargetProcessHandle != NULL)
        Status = ObReferenceObjectByHandle(TargetProcessHandle, PROCESS_DUP_HANDLE,
                                           *PsProcessType, Mode, (PVOID *)&Target,
                                           NULL);
    else if (!(Options & DUPLICATE_CLOSE_SOURCE))
        Status = STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(Status))
        Status = ObDuplicateObject(Source, SourceHandle, Target, &New, DesiredAccess,
                                   HandleAttributes, Options, Mode);
    if (NT_SUCCESS(Status) && New != NULL && TargetHandle != NULL)
        Status = ObpReturnDuplicate(TargetHandle, New, Target);

    if (Target != NULL)
        ObDereferenceObject(Target);
    ObDereferenceObject(Source);
    return Status;
}
