/*
 * Access rights at open: what was asked for becomes what the handle is granted.
 *
 * Generic rights (GENERIC_READ, ...) mean what the type's generic mapping says; MAXIMUM_ALLOWED
 * means all that can be granted; rights the type does not know are dropped. Whoever has just made
 * the object, and the kernel, is granted what he asks for; everybody else is checked against the
 * object's descriptor (se/access.c). An object without one is open to everybody: unnamed objects
 * of types that do not require one.
 *
 * An object's parse procedure may have granted some rights already
 * (AccessState->PreviouslyGrantedAccess); they stay. At use nothing is asked here any more:
 * ObReferenceObjectByHandle compares with the handle's granted access.
 *
 * On the way to a name nothing is asked of the directories either, but of one who does not hold
 * SeChangeNotifyPrivilege: he needs DIRECTORY_TRAVERSE to each. The directory that a new object
 * is inserted in must let its maker create there; the answer is found before the directory is
 * locked and counts only if the name turns out to be free.
 */
#include "kernel.h"
#include "ob/obp.h"

/* The type keeps its objects' descriptors itself: gets a copy and checks that. */
static NTSTATUS
ObpCheckForeign(PACCESS_STATE AccessState, POBJECT_HEADER Header)
{
    PSECURITY_DESCRIPTOR Descriptor;
    BOOLEAN              Allocated;
    ACCESS_MASK          Granted;
    NTSTATUS             Status = ObGetObjectSecurity(&Header->Body, &Descriptor, &Allocated);

    if (!NT_SUCCESS(Status))
        return Status;
    SeAccessCheck(Descriptor, &AccessState->SubjectSecurityContext, FALSE,
                  AccessState->RemainingDesiredAccess, AccessState->PreviouslyGrantedAccess, NULL,
                  &Header->Type->TypeInfo.GenericMapping, UserMode, &Granted, &Status);
    ObReleaseObjectSecurity(Descriptor, Allocated);
    if (NT_SUCCESS(Status)) {
        AccessState->PreviouslyGrantedAccess = Granted;
        AccessState->RemainingDesiredAccess  = 0;
    }
    return Status;
}

static NTSTATUS
ObpCheckObject(PACCESS_STATE AccessState, POBJECT_HEADER Header)
{
    PSECURITY_DESCRIPTOR Descriptor;
    NTSTATUS             Status;

    if (Header->Type->TypeInfo.SecurityProcedure != NULL)
        return ObpCheckForeign(AccessState, Header);
    Descriptor = ObHoldDescriptor(&Header->SecurityDescriptor);
    Status = SeCheckStored(AccessState, Descriptor, &Header->Type->TypeInfo.GenericMapping);
    ObDropDescriptor(&Header->SecurityDescriptor, Descriptor);
    return Status;
}

static DECLSPEC_NOINLINE NTSTATUS
ObpGrantRemaining(PACCESS_STATE AccessState, POBJECT_HEADER Header, KPROCESSOR_MODE Check,
                  BOOLEAN New)
{
    if (Check != KernelMode && !New)
        return ObpCheckObject(AccessState, Header);
    if ((AccessState->RemainingDesiredAccess & ACCESS_SYSTEM_SECURITY)
        && !SeHasPrivilege(SE_SECURITY_PRIVILEGE, Check))
        return STATUS_PRIVILEGE_NOT_HELD;
    SeGrantRemaining(AccessState, &Header->Type->TypeInfo.GenericMapping);
    return STATUS_SUCCESS;
}

NTSTATUS
ObpGrantAccess(PACCESS_STATE AccessState, POBJECT_HEADER Header, KPROCESSOR_MODE Check,
               BOOLEAN New, PACCESS_MASK Granted)
{
    NTSTATUS Status = STATUS_SUCCESS;

    *Granted = 0;
    // of a new object its parse procedure may have granted it all
    if (!New || AccessState->RemainingDesiredAccess != 0)
        Status = ObpGrantRemaining(AccessState, Header, Check, New);
    if (!NT_SUCCESS(Status))
        return Status;

    AccessState->PreviouslyGrantedAccess &=
        Header->Type->TypeInfo.ValidAccessMask | ACCESS_SYSTEM_SECURITY;
    *Granted = AccessState->PreviouslyGrantedAccess;
    return STATUS_SUCCESS;
}

/* Whether the walk's caller has Right to a directory. */
static NTSTATUS
ObpCheckRight(POB_WALK Walk, POBJECT_DIRECTORY Directory, ACCESS_MASK Right)
{
    POBJECT_HEADER       Header = OBJECT_TO_HEADER(Directory);
    ACCESS_STATE         State;
    PSECURITY_DESCRIPTOR Descriptor;
    NTSTATUS             Status;

    State.SubjectSecurityContext  = Walk->AccessState->SubjectSecurityContext;
    State.RemainingDesiredAccess  = Right;
    State.PreviouslyGrantedAccess = 0;
    Descriptor = ObHoldDescriptor(&Header->SecurityDescriptor);
    Status = SeCheckStored(&State, Descriptor, &ObpDirectoryObjectType->TypeInfo.GenericMapping);
    ObDropDescriptor(&Header->SecurityDescriptor, Descriptor);
    return Status;
}

NTSTATUS
ObpCheckDirectory(POB_WALK Walk, POBJECT_DIRECTORY Directory, BOOLEAN Last)
{
    POBJECT_HEADER       Header = OBJECT_TO_HEADER(Directory), Insert = Walk->Insert;
    PSECURITY_DESCRIPTOR Parent;
    NTSTATUS             Status;

    if (Insert == NULL || !Last) {
        if (Walk->Check == KernelMode || (Walk->AccessState->Flags & TOKEN_HAS_TRAVERSE_PRIVILEGE))
            return STATUS_SUCCESS;
        return ObpCheckRight(Walk, Directory, DIRECTORY_TRAVERSE);
    }
    Walk->CreateStatus = STATUS_SUCCESS;
    if (Walk->Check != KernelMode)
        Walk->CreateStatus = ObpCheckRight(Walk, Directory,
                                           Insert->Type == ObpDirectoryObjectType
                                           ? DIRECTORY_CREATE_SUBDIRECTORY
                                           : DIRECTORY_CREATE_OBJECT);
    Parent = ObHoldDescriptor(&Header->SecurityDescriptor);
    Status = ObpAssignDescriptor(Insert, Walk->SecurityDescriptor, Parent,
                                 &Walk->AccessState->SubjectSecurityContext);
    ObDropDescriptor(&Header->SecurityDescriptor, Parent);
    return Status;
}
