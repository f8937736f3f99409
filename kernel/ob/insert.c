/*
 * Insertion: the second half of making an object, after its creator has filled in the body.
 *
 * A named object takes its place in the namespace first, found by the same walk that opens names
 * (name.c), then the handle is made, on this object or, with OBJ_OPENIF, on the one that had the
 * name already. From the moment it has its name others may open it, and close it again before our
 * own handle exists: OB_FLAG_INSERTING keeps the name until then. If no handle could be made the
 * name goes again, unless somebody else has one by then ((2) in ob.h).
 *
 * Whatever happens, the creation reference is dropped at the end, so a creator who fails has
 * nothing to undo, and one who wants to keep a pointer asks for additional references.
 */
#include "kernel.h"
#include "ob/obp.h"

/*
 * The handle of the new object, or of the one that was there (Target). *Again: that one was losing
 * its name meanwhile, so the name is free and the insertion has to be tried again.
 */
static NTSTATUS
ObpHandleForInserted(POB_WALK Walk, POBJECT_HEADER Target, PHANDLE Handle, PBOOLEAN Again)
{
    OB_OPEN_REASON Reason = Target == Walk->Insert ? ObCreateHandle : ObOpenHandle;
    ACCESS_MASK    Granted;
    NTSTATUS       Status = ObpGrantAccess(Walk->AccessState, Target, Walk->Check,
                                           Reason == ObCreateHandle, &Granted);

    if (NT_SUCCESS(Status))
        Status = ObpCreateHandle(Reason, Target, Walk->Attributes, Granted, Handle);
    if (NT_SUCCESS(Status) && Reason == ObOpenHandle && ObpHasLostName(Target)) {
        ObCloseHandle(*Handle, KernelMode);
        *Handle = NULL;
        *Again  = TRUE;
    }
    if (!NT_SUCCESS(Status) && Reason == ObCreateHandle)
        __atomic_fetch_and(&Target->Flags, (UCHAR)~OB_FLAG_PERMANENT, __ATOMIC_SEQ_CST);
    return Status;
}

static NTSTATUS
ObpInsertOnce(POB_WALK Walk, ULONG AdditionalReferences, PVOID *NewObject, PHANDLE Handle,
              PBOOLEAN Again)
{
    PVOID    Target = &Walk->Insert->Body;
    NTSTATUS Status = STATUS_SUCCESS, HandleStatus = STATUS_SUCCESS;

    *Again = FALSE;
    if (Walk->Name.Length != 0)
        Status = ObpWalkName(Walk, &Target);
    else if (Walk->Type->TypeInfo.SecurityRequired || Walk->SecurityDescriptor != NULL)
        Status = ObpAssignDescriptor(Walk->Insert, Walk->SecurityDescriptor, NULL,
                                     &Walk->AccessState->SubjectSecurityContext);
    if (!NT_SUCCESS(Status))
        return Status;
    if (Walk->Name.Length == 0)
        ObpReference(Walk->Insert, OB_TAG_NAME, CALLER());

    if (Handle != NULL)
        HandleStatus = ObpHandleForInserted(Walk, OBJECT_TO_HEADER(Target), Handle, Again);
    if (NT_SUCCESS(HandleStatus) && !*Again) {
        for (ULONG Index = 0; Index < AdditionalReferences; Index++)
            ObpReference(OBJECT_TO_HEADER(Target), OB_TAG_DEFAULT, CALLER());
        if (NewObject != NULL)
            *NewObject = Target;
    }
    ObpDereference(OBJECT_TO_HEADER(Target), OB_TAG_NAME, CALLER());
    return NT_SUCCESS(HandleStatus) ? Status : HandleStatus;
}

/*
 * Moves what ObCreateObject has kept into Walk. The header has none of it left when the name
 * becomes visible.
 */
static VOID
ObpTakeCreateInformation(POBJECT_HEADER Header, POB_WALK Walk)
{
    POBJECT_CREATE_INFORMATION Info = Header->ObjectCreateInfo;

    ASSERT(Header->Flags & OB_FLAG_CREATE_INFO);

    RtlZeroMemory(Walk, sizeof(*Walk));
    if (OB_IS_SMALL_CREATE_INFO(Info)) {
        Walk->Attributes = OB_SMALL_ATTRIBUTES(Info);
        Walk->Mode       = OB_SMALL_MODE(Info);
    } else {
        *(POBJECT_CREATE_INFORMATION)Walk = *Info;
        RtlZeroMemory(&Info->Name, sizeof(Info->Name));
        Info->SecurityDescriptor = NULL;
    }
    Walk->Insert = Header;
    Walk->Type   = Header->Type;
    Walk->Check  = ObpCheckMode(Walk->Mode, Walk->Attributes);
    ObpFreeCreateInformation(Header);
}

/*
 * Gives an object that ObCreateObject made its name and, if Handle is not NULL, a handle with
 * DesiredAccess (or AccessState's), and drops the creation reference, also when it fails.
 * AdditionalReferences more are left with the caller on success; *NewObject (may be NULL) is then
 * the object that has the handle. Handle is kernel memory. PASSIVE_LEVEL.
 * STATUS_OBJECT_NAME_EXISTS (success), and errors of the walk: STATUS_OBJECT_NAME_COLLISION,
 * STATUS_OBJECT_PATH_NOT_FOUND, ...
 */
NTSTATUS NTAPI
ObInsertObject(PVOID Object, PACCESS_STATE AccessState, ACCESS_MASK DesiredAccess,
               ULONG AdditionalReferences, PVOID *NewObject, PHANDLE Handle)
{
    POBJECT_HEADER Header = ObpHeaderOf(Object);
    ACCESS_STATE   Local;
    NTSTATUS       Status;
    BOOLEAN        Again;
    OB_WALK        Walk;

    PAGED_CODE();
    if (Handle != NULL)
        *Handle = NULL;

    ObpTakeCreateInformation(Header, &Walk);
    Walk.AccessState = AccessState;
    if (AccessState == NULL)
        SeBeginAccessState(Walk.AccessState = &Local, DesiredAccess, NULL);
    if (Handle != NULL)
        Header->Flags |= OB_FLAG_INSERTING;

    do {
        Status = ObpInsertOnce(&Walk, AdditionalReferences, NewObject, Handle, &Again);
    } while (Again);

    if (Handle != NULL) {
        __atomic_fetch_and(&Header->Flags, (UCHAR)~OB_FLAG_INSERTING, __ATOMIC_SEQ_CST);
        if (Header->HandleCount == 0)
            ObpRemoveName(Header, TRUE);
    }
    if (AccessState == NULL)
        SeEndAccessState(&Local);
    ObpFreeName(&Walk.Name, NULL);
    SeReleaseSecurityDescriptor(Walk.SecurityDescriptor, KernelMode, TRUE);
    ObpDereference(Header, OB_TAG_DEFAULT, CALLER());
    return Status;
}
