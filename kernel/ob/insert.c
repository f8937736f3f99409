/*
 * Insertion: the second half of making an object, after its creator has filled in the body.
 *
 * A named object takes its place in the namespace first, found by the same walk that opens names
 * (name.c), then the handle is made, on this object or, with OBJ_OPENIF, on the one that had the
 * name already. A handle that cannot be made takes the name back (unless the object is permanent
 * and somebody else has opened it by then: a name goes only when no handle is open, (2) in ob.h).
 *
 * Whatever happens, the creation reference is dropped at the end, so a creator who fails has
 * nothing to undo, and one who wants to keep a pointer asks for additional references.
 */
#include "kernel.h"
#include "ob/obp.h"

/* Puts the object at its name. *Found is the object that has the name now, referenced. */
static NTSTATUS
ObpInsertByName(POBJECT_HEADER Header, POBJECT_CREATE_INFORMATION Info, PACCESS_STATE AccessState,
                PVOID *Found)
{
    OB_WALK Walk = {
        .RootDirectory = Info->RootDirectory, .Attributes = Info->Attributes, .Type = Header->Type,
        .Mode = Info->ProbeMode, .AccessState = AccessState, .ParseContext = Info->ParseContext,
        .Insert = Header, .Name = Info->Name,
    };
    NTSTATUS Status;

    RtlZeroMemory(&Info->Name, sizeof(Info->Name));
    Status = ObpWalkName(&Walk, Found);
    ObpFreeName(&Walk.Name, NULL);
    return Status;
}

/*
 * The handle of a new object, or of the one that was there. Undoes the insertion when that fails.
 */
static NTSTATUS
ObpHandleForInserted(POBJECT_HEADER Header, POBJECT_HEADER Target, ULONG Attributes,
                     PACCESS_STATE AccessState,
    KPROCESSOR_MODE Mode, ULONG AdditionalReferences, PHANDLE Handle)
{
    OB_OPEN_REASON Reason = Target == Header ? ObCreateHandle : ObOpenHandle;
    ACCESS_MASK    Granted;
    NTSTATUS       Status = ObpGrantAccess(AccessState, Target->Type, Mode, &Granted);

    if (NT_SUCCESS(Status))
        Status = ObpCreateHandle(Reason, Target, Attributes, Granted, AdditionalReferences, Handle);
    if (!NT_SUCCESS(Status) && Target == Header && ObpNameInfo(Header) != NULL) {
        Header->Flags &= ~OB_FLAG_PERMANENT;
        ObpRemoveName(Header, TRUE);
    }
    return Status;
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
               ULONG AdditionalReferences,
    PVOID *NewObject, PHANDLE Handle)
{
    POBJECT_HEADER             Header     = ObpHeaderOf(Object);
    POBJECT_CREATE_INFORMATION Info       = Header->ObjectCreateInfo;
    BOOLEAN                    Small      = OB_IS_SMALL_CREATE_INFO(Info);
    ULONG                      Attributes = Small ? OB_SMALL_ATTRIBUTES(Info) : Info->Attributes;
    KPROCESSOR_MODE            Mode       = Small ? OB_SMALL_MODE(Info) : Info->ProbeMode;
    NTSTATUS                   Status     = STATUS_SUCCESS, HandleStatus = STATUS_SUCCESS;
    PVOID                      Target     = Object;
    ACCESS_STATE               Local;

    PAGED_CODE();
    ASSERT(Header->Flags & OB_FLAG_CREATE_INFO);
    if (Handle != NULL)
        *Handle = NULL;

    if (AccessState == NULL)
        SeCreateAccessState(AccessState = &Local, NULL, DesiredAccess, NULL);

    if (!Small && Info->Name.Length != 0)
        Status = ObpInsertByName(Header, Info, AccessState, &Target);
    else
        ObpReference(Header, OB_TAG_NAME, CALLER());
    if (!NT_SUCCESS(Status))
        goto Done;

    ObpFreeCreateInformation(Header);
    if (Handle != NULL)
        HandleStatus = ObpHandleForInserted(Header, OBJECT_TO_HEADER(Target), Attributes,
                                            AccessState, Mode,
                                            AdditionalReferences, Handle);
    else
        for (ULONG Index = 0; Index < AdditionalReferences; Index++)
            ObpReference(OBJECT_TO_HEADER(Target), OB_TAG_DEFAULT, CALLER());
    if (!NT_SUCCESS(HandleStatus))
        Status = HandleStatus;
    else if (NewObject != NULL)
        *NewObject = Target;
    ObpDereference(OBJECT_TO_HEADER(Target), OB_TAG_NAME, CALLER());

Done:
    if (AccessState == &Local)
        SeDeleteAccessState(AccessState);
    ObpDereference(Header, OB_TAG_DEFAULT, CALLER());
    return Status;
}
