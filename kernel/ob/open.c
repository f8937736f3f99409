/*
 * Opening: from a name or a pointer to a handle or a reference.
 *
 *   ObOpenObjectByName       name -> handle; what every NtOpenXxx and NtCreateFile does
 *   ObOpenObjectByPointer    pointer -> handle
 *   ObReferenceObjectByName  name -> reference, no handle
 *   ObMakeTemporaryObject    the object loses its name, now or with its last handle
 *
 * A temporary object that is found by name may lose it (its last handle closed on another
 * processor) before our handle counts. So after the handle was counted we look whether the name
 * is still there; if not, the handle is given up and the name is walked again, which finds
 * nothing, or a younger object. An open that succeeds thus always leads to the object that has
 * the name.
 *
 * An object that a parse procedure has just made (a file) comes with its creation reference and
 * is not inserted anywhere; its handle is made here with the reason ObCreateHandle, and the
 * reference dropped.
 */
#include "kernel.h"
#include "ob/obp.h"

static NTSTATUS
ObpPrepareWalk(POB_WALK Walk, POBJECT_ATTRIBUTES Attributes, POBJECT_TYPE Type,
               KPROCESSOR_MODE Mode, PVOID ParseContext, PWSTR Inline)
{
    NTSTATUS Status;

    if (Attributes == NULL)
        return STATUS_INVALID_PARAMETER;

    Status = ObpCaptureAttributes(Attributes, Mode, (POBJECT_CREATE_INFORMATION)Walk, Inline,
                                  OB_INLINE_NAME);
    if (!NT_SUCCESS(Status))
        return Status;

    Walk->ParseContext = ParseContext;
    Walk->Type   = Type;
    Walk->Check  = ObpCheckMode(Mode, Walk->Attributes);
    Walk->Insert = NULL;
    Walk->Inline = Inline;
    if (Type != NULL && (Walk->Attributes & Type->TypeInfo.InvalidAttributes))
        Status = STATUS_INVALID_PARAMETER;
    else if (Walk->SecurityDescriptor != NULL)  // for what a parse procedure makes
        Status = SeCaptureSecurityDescriptor(Walk->SecurityDescriptor, Mode, PagedPool, TRUE,
                                             &Walk->SecurityDescriptor);
    if (!NT_SUCCESS(Status))
        ObpFreeName(&Walk->Name, Inline);
    return Status;
}

/* A handle to what the walk has found. *Again: the object was losing its name, walk once more. */
static NTSTATUS
ObpHandleForFound(POB_WALK Walk, POBJECT_HEADER Header, PHANDLE Handle, PBOOLEAN Again)
{
    OB_OPEN_REASON Reason = (Header->Flags & OB_FLAG_CREATE_INFO) ? ObCreateHandle : ObOpenHandle;
    ACCESS_MASK    Granted;
    NTSTATUS       Status;

    ObpFreeCreateInformation(Header);
    Status = ObpGrantAccess(Walk->AccessState, Header, Walk->Check, Reason == ObCreateHandle,
                            &Granted);
    if (NT_SUCCESS(Status))
        Status = ObpCreateHandle(Reason, Header, Walk->Attributes, Granted, Handle);
    if (NT_SUCCESS(Status) && Reason == ObOpenHandle && ObpHasLostName(Header)) {
        ObCloseHandle(*Handle, KernelMode);
        *Handle = NULL;
        *Again  = TRUE;
    }
    return Status;
}

/*
 * Opens the object at a name. Attributes are read as Mode's caller's; Type NULL: any. AccessState
 * NULL: DesiredAccess is asked for. ParseContext is for the parse procedures on the way. *Handle
 * is kernel memory. PASSIVE_LEVEL. Statuses of the walk (name.c), of capturing, of the type's
 * open procedure.
 */
NTSTATUS NTAPI
ObOpenObjectByName(POBJECT_ATTRIBUTES Attributes, POBJECT_TYPE Type, KPROCESSOR_MODE Mode,
                   PACCESS_STATE AccessState, ACCESS_MASK DesiredAccess, PVOID ParseContext,
                   PHANDLE Handle)
{
    WCHAR        Inline[OB_INLINE_NAME];
    ACCESS_STATE Local;
    NTSTATUS     Status;
    BOOLEAN      Again;
    OB_WALK      Walk;
    PVOID        Object;

    MAY_BLOCK();
    *Handle = NULL;

    Status = ObpPrepareWalk(&Walk, Attributes, Type, Mode, ParseContext, Inline);
    if (!NT_SUCCESS(Status))
        return Status;

    Walk.AccessState = AccessState;
    if (AccessState == NULL)
        SeBeginAccessState(Walk.AccessState = &Local, DesiredAccess, Type
                           ? &Type->TypeInfo.GenericMapping : NULL);
    if (UNLIKELY(Walk.SecurityDescriptor != NULL))
        Walk.AccessState->SecurityDescriptor = Walk.SecurityDescriptor;

    do {
        Again  = FALSE;
        Status = ObpWalkName(&Walk, &Object);
        if (NT_SUCCESS(Status)) {
            Status = ObpHandleForFound(&Walk, OBJECT_TO_HEADER(Object), Handle, &Again);
            ObpDereference(OBJECT_TO_HEADER(Object), OB_TAG_NAME, CALLER());
        }
    } while (Again);

    if (AccessState == NULL)
        SeEndAccessState(&Local);
    ObpFreeName(&Walk.Name, Inline);
    if (UNLIKELY(Walk.SecurityDescriptor != NULL))
        SeReleaseSecurityDescriptor(Walk.SecurityDescriptor, KernelMode, TRUE);
    return Status;
}

/*
 * The object at a name, referenced, without a handle. Name is read as Mode's caller's. <=
 * APC_LEVEL, PASSIVE_LEVEL if a parse procedure on the way needs it. Statuses as
 * ObOpenObjectByName.
 */
NTSTATUS NTAPI
ObReferenceObjectByName(PUNICODE_STRING Name, ULONG Attributes, PACCESS_STATE AccessState,
                        ACCESS_MASK DesiredAccess, POBJECT_TYPE Type, KPROCESSOR_MODE Mode,
                        PVOID ParseContext, PVOID *Object)
{
    WCHAR        Inline[OB_INLINE_NAME];
    ACCESS_STATE Local;
    ACCESS_MASK  Granted;
    NTSTATUS     Status;
    OB_WALK      Walk = { .Attributes = Attributes, .Type = Type, .Mode = Mode,
                         .Check = ObpCheckMode(Mode, Attributes),
                         .ParseContext = ParseContext,
                          .Inline = Inline, .AccessState = AccessState };

    MAY_BLOCK();
    *Object = NULL;
    if (Name == NULL)
        return STATUS_OBJECT_NAME_INVALID;

    Status = ObpCaptureName(Name, Mode, &Walk.Name, Inline, OB_INLINE_NAME);
    if (!NT_SUCCESS(Status))
        return Status;
    if (Walk.Name.Length == 0)
        return STATUS_OBJECT_NAME_INVALID;

    if (AccessState == NULL)
        SeBeginAccessState(Walk.AccessState = &Local, DesiredAccess, Type
                           ? &Type->TypeInfo.GenericMapping : NULL);

    Status = ObpWalkName(&Walk, Object);
    if (NT_SUCCESS(Status)) {
        Status = ObpGrantAccess(Walk.AccessState, OBJECT_TO_HEADER(*Object), Walk.Check, FALSE,
                                &Granted);
        if (!NT_SUCCESS(Status)) {
            ObpDereference(OBJECT_TO_HEADER(*Object), OB_TAG_NAME, CALLER());
            *Object = NULL;
        }
    }
    if (AccessState == NULL)
        SeEndAccessState(&Local);
    ObpFreeName(&Walk.Name, Inline);
    return Status;
}

static NTSTATUS
ObpOpenByPointer(PVOID Object, ULONG Attributes, PACCESS_STATE AccessState,
                 ACCESS_MASK DesiredAccess, POBJECT_TYPE Type, KPROCESSOR_MODE Mode, ULONG Tag,
                 PHANDLE Handle, PVOID Caller)
{
    POBJECT_HEADER Header = ObpHeaderOf(Object);
    ACCESS_STATE   Local;
    ACCESS_MASK    Granted;
    NTSTATUS       Status;

    PAGED_CODE();
    *Handle = NULL;

    if (Type != NULL ? Header->Type != Type : Mode != KernelMode)
        return STATUS_OBJECT_TYPE_MISMATCH;
    if (Attributes & Header->Type->TypeInfo.InvalidAttributes)
        return STATUS_INVALID_PARAMETER;

    ObpReference(Header, Tag, Caller);
    if (AccessState == NULL)
        SeBeginAccessState(AccessState = &Local, DesiredAccess,
                           &Header->Type->TypeInfo.GenericMapping);
    Status = ObpGrantAccess(AccessState, Header, ObpCheckMode(Mode, Attributes), FALSE, &Granted);
    if (NT_SUCCESS(Status))
        Status = ObpCreateHandle(ObOpenHandle, Header, Attributes, Granted, Handle);
    if (AccessState == &Local)
        SeEndAccessState(AccessState);
    ObpDereference(Header, Tag, Caller);
    return Status;
}

/*
 * A handle to an object that the caller has a reference to. PASSIVE_LEVEL.
 * STATUS_OBJECT_TYPE_MISMATCH, STATUS_INVALID_PARAMETER, ...
 */
NTSTATUS NTAPI
ObOpenObjectByPointer(PVOID Object, ULONG HandleAttributes, PACCESS_STATE AccessState,
                      ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                      KPROCESSOR_MODE AccessMode, PHANDLE Handle)
{
    return ObpOpenByPointer(Object, HandleAttributes, AccessState, DesiredAccess, ObjectType,
                            AccessMode, OB_TAG_DEFAULT,
                            Handle, CALLER());
}

NTSTATUS NTAPI
ObOpenObjectByPointerWithTag(PVOID Object, ULONG HandleAttributes, PACCESS_STATE AccessState,
                             ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                             KPROCESSOR_MODE AccessMode, ULONG Tag, PHANDLE Handle)
{
    return ObpOpenByPointer(Object, HandleAttributes, AccessState, DesiredAccess, ObjectType,
                            AccessMode, Tag, Handle,
                            CALLER());
}

/*
 * Takes the permanent flag off; the name goes at once if no handle is open, else with the last.
 * PASSIVE_LEVEL; the caller has a reference.
 */
VOID NTAPI
ObMakeTemporaryObject(PVOID Object)
{
    POBJECT_HEADER Header = ObpHeaderOf(Object);

    PAGED_CODE();

    __atomic_fetch_and(&Header->Flags, (UCHAR)~OB_FLAG_PERMANENT, __ATOMIC_SEQ_CST);
    ObpRemoveName(Header, TRUE);
}

NTSTATUS NTAPI
NtMakeTemporaryObject(HANDLE Handle)
{
    PVOID    Object;
    NTSTATUS Status = ObReferenceObjectByHandle(Handle, DELETE, NULL, KeGetPreviousMode(),
                                                &Object, NULL);

    PAGED_CODE();

    if (!NT_SUCCESS(Status))
        return Status;

    ObMakeTemporaryObject(Object);
    ObDereferenceObject(Object);
    return STATUS_SUCCESS;
}

/*
 * The object keeps its name without handles from now on (with no name it makes no difference).
 * STATUS_PRIVILEGE_NOT_HELD without SeCreatePermanentPrivilege.
 */
NTSTATUS NTAPI
NtMakePermanentObject(HANDLE Handle)
{
    KPROCESSOR_MODE Mode = KeGetPreviousMode();
    PVOID           Object;
    NTSTATUS        Status;

    PAGED_CODE();

    if (!SeHasPrivilege(SE_CREATE_PERMANENT_PRIVILEGE, Mode))
        return STATUS_PRIVILEGE_NOT_HELD;
    Status = ObReferenceObjectByHandle(Handle, 0, NULL, Mode, &Object, NULL);
    if (!NT_SUCCESS(Status))
        return Status;

    __atomic_fetch_or(&OBJECT_TO_HEADER(Object)->Flags, OB_FLAG_PERMANENT, __ATOMIC_SEQ_CST);
    ObDereferenceObject(Object);
    return STATUS_SUCCESS;
}
