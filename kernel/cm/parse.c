/*
 * The type Key: how a name below \Registry becomes a key object, and how it gives its name back.
 *
 * Every open makes a key object of its own, which the object manager forgets with its last handle
 * or reference; the node below it stays. The names of keys do not distinguish case, whatever the
 * caller's attributes say, and separators at the end of a name, or more than one in a row, do not
 * matter.
 *
 * The object manager takes a new key object for one that its opener has made, and would grant
 * whatever is asked. So the check is made here: against one descriptor for all keys, which lets
 * everybody read and the system and administrators do the rest; the default user's keys, which
 * are everybody's, are open. Whoever makes a key is granted what he asks for.
 */
#include "cm/cmp.h"
#include "se/se.h"

POBJECT_TYPE CmpKeyObjectType;

/* Whether the walk's caller may make keys where not everybody may. */
static NTSTATUS
CmpCheckCreate(PACCESS_STATE AccessState)
{
    ACCESS_STATE State;

    State.SubjectSecurityContext  = AccessState->SubjectSecurityContext;
    State.RemainingDesiredAccess  = KEY_CREATE_SUB_KEY;
    State.PreviouslyGrantedAccess = 0;
    return SeCheckStored(&State, CmpDescriptor, &CmpKeyObjectType->TypeInfo.GenericMapping);
}

/*
 * The node at the end of Rest, referenced (2); with Create the last part is made if need be, unless
 * MayCreate is a failure and the place is not open to everybody.
 */
static NTSTATUS
CmpWalk(PCM_NODE Node, UNICODE_STRING Rest, PCM_CREATE Create, NTSTATUS MayCreate,
        PCM_NODE *Result)
{
    UNICODE_STRING Part, Ahead, After;
    PCM_NODE       Child;
    NTSTATUS       Status;

    if (Node->Flags & CM_DELETED)
        return STATUS_KEY_DELETED;
    if (Create != NULL)
        Create->Disposition = REG_OPENED_EXISTING_KEY;
    for (; CmpNextPart(&Rest, &Part); Node = Child) {
        if (Part.Length > CM_MAX_KEY_NAME)
            return STATUS_INVALID_PARAMETER;
        Child = CmpFindChild(Node, &Part);
        if (Child != NULL)
            continue;
        Ahead = Rest;
        if (Create == NULL || CmpNextPart(&Ahead, &After))
            return STATUS_OBJECT_NAME_NOT_FOUND;
        if (!NT_SUCCESS(MayCreate) && !(Node->Flags & CM_OPEN))
            return MayCreate;
        Status = CmpCreateChild(Node, &Part,
                                Create->Options & REG_OPTION_VOLATILE ? CM_VOLATILE : 0, Create,
                                &Child);
        if (!NT_SUCCESS(Status))
            return Status;
        Create->Disposition = REG_CREATED_NEW_KEY;
    }
    Node->References++;
    *Result = Node;
    return STATUS_SUCCESS;
}

/* Parse procedure. Context is a CM_CREATE, or NULL: only what is there is opened. */
NTSTATUS
CmpParseKey(PVOID ParseObject, POBJECT_TYPE ObjectType, PACCESS_STATE AccessState,
            KPROCESSOR_MODE Mode, ULONG Attributes, PUNICODE_STRING CompleteName,
            PUNICODE_STRING RemainingName, PVOID Context,
            PSECURITY_QUALITY_OF_SERVICE SecurityQos, PVOID *Object)
{
    BOOLEAN    Check = Mode != KernelMode || (Attributes & OBJ_FORCE_ACCESS_CHECK);
    PCM_CREATE Create = ObjectType != NULL ? Context : NULL;
    NTSTATUS   Status, MayCreate = STATUS_SUCCESS;
    PCM_KEY    Key;

    PAGED_CODE();

    // somebody who opens another type may have brought a context of its own
    if (ObjectType != CmpKeyObjectType && ObjectType != NULL)
        return STATUS_OBJECT_TYPE_MISMATCH;
    Status = ObCreateObject(KernelMode, CmpKeyObjectType, NULL, KernelMode, NULL, sizeof *Key, 0,
                            0, (PVOID *)&Key);
    if (!NT_SUCCESS(Status))
        return Status;

    if (Check && Create != NULL)
        MayCreate = CmpCheckCreate(AccessState);
    ExAcquireFastMutex(&CmpLock);
    Status = CmpWalk(((PCM_KEY)ParseObject)->Node, *RemainingName, Create, MayCreate, &Key->Node);
    ExReleaseFastMutex(&CmpLock);
    if (NT_SUCCESS(Status) && Check && !(Key->Node->Flags & CM_OPEN) &&
        (Create == NULL || Create->Disposition == REG_OPENED_EXISTING_KEY))
        Status = SeCheckStored(AccessState, CmpDescriptor,
                               &CmpKeyObjectType->TypeInfo.GenericMapping);
    if (!NT_SUCCESS(Status)) {
        ObDereferenceObject(Key);
        return Status;
    }
    *Object = Key;
    return STATUS_SUCCESS;
}

/* Delete procedure. */
VOID
CmpDeleteKeyObject(PVOID Object)
{
    PCM_KEY Key = Object;

    if (Key->Node == NULL)
        return;
    ExAcquireFastMutex(&CmpLock);
    CmpDereferenceNode(Key->Node);
    ExReleaseFastMutex(&CmpLock);
}

/* Query-name procedure; Information may be the caller's memory. */
NTSTATUS
CmpQueryKeyName(PVOID Object, BOOLEAN HasName, POBJECT_NAME_INFORMATION Information, ULONG Length,
                PULONG ReturnLength, KPROCESSOR_MODE Mode)
{
    UNICODE_STRING Name;
    NTSTATUS       Status;

    PAGED_CODE();

    ExAcquireFastMutex(&CmpLock);
    Status = CmpFullName(((PCM_KEY)Object)->Node, &Name);
    ExReleaseFastMutex(&CmpLock);
    if (!NT_SUCCESS(Status))
        return Status;

    *ReturnLength = sizeof *Information + Name.MaximumLength;
    if (Length < *ReturnLength) {
        Status = Length < sizeof *Information ? STATUS_INFO_LENGTH_MISMATCH
                                              : STATUS_BUFFER_OVERFLOW;
    } else {
        __try {
            RtlCopyMemory(Information + 1, Name.Buffer, Name.MaximumLength);
            Information->Name = Name;
            Information->Name.Buffer = (PWSTR)(Information + 1);
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            Status = GetExceptionCode();
        }
    }
    CmpFreeString(&Name);
    return Status;
}
