/*
 * The type Key: how a name below \Registry becomes a key object, and how it gives its name back.
 *
 * Every open makes a key object of its own, which the object manager forgets with its last handle
 * or reference; the node below it stays. The names of keys do not distinguish case, whatever the
 * caller's attributes say, and separators at the end of a name, or more than one in a row, do not
 * matter.
 *
 * The object manager takes a new key object for one that its opener has made, and would grant
 * whatever is asked. So the check is made here, against the key's own descriptor. A new key's is
 * made as that of any object, from what its maker says and what its parent passes on; its maker
 * is granted what he asks for. NtSetSecurityObject on a handle changes the key's, for good.
 */
#include "cm/cmp.h"
#include "se/se.h"

POBJECT_TYPE CmpKeyObjectType;

static NTSTATUS
CmpCheckKey(PCM_NODE Node, PACCESS_STATE AccessState)
{
    PSECURITY_DESCRIPTOR Held = ObHoldDescriptor(&Node->Descriptor);
    NTSTATUS             Status = SeCheckStored(AccessState, Held,
                                                &CmpKeyObjectType->TypeInfo.GenericMapping);

    ObDropDescriptor(&Node->Descriptor, Held);
    return Status;
}

/* The descriptor of a new key. */
static NTSTATUS
CmpAssignDescriptor(PCM_NODE Node, PACCESS_STATE AccessState)
{
    PSECURITY_DESCRIPTOR Parent = ObHoldDescriptor(&Node->Parent->Descriptor), Made, Logged;
    NTSTATUS             Status;

    Status = SeAssignSecurity(Parent, AccessState->SecurityDescriptor, &Made, TRUE,
                              &AccessState->SubjectSecurityContext,
                              &CmpKeyObjectType->TypeInfo.GenericMapping, PagedPool);
    ObDropDescriptor(&Node->Parent->Descriptor, Parent);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = ObLogSecurityDescriptor(Made, &Logged, 1);
    SeDeassignSecurity(&Made);
    if (NT_SUCCESS(Status))
        ObReplaceDescriptor(&Node->Descriptor, Logged);
    return Status;
}

/* Makes the key Name of Parent, if who asks may (or Check is FALSE). */
static NTSTATUS
CmpMakeKey(PCM_NODE Parent, PUNICODE_STRING Name, PCM_CREATE Create, PACCESS_STATE AccessState,
           BOOLEAN Check, PCM_NODE *Child)
{
    ACCESS_STATE State = { .SubjectSecurityContext = AccessState->SubjectSecurityContext,
                           .RemainingDesiredAccess = KEY_CREATE_SUB_KEY };
    NTSTATUS     Status = Check ? CmpCheckKey(Parent, &State) : STATUS_SUCCESS;

    if (NT_SUCCESS(Status))
        Status = CmpCreateChild(Parent, Name,
                                Create->Options & REG_OPTION_VOLATILE ? CM_VOLATILE : 0, Create,
                                Child);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = CmpAssignDescriptor(*Child, AccessState);
    if (!NT_SUCCESS(Status))
        CmpDeleteNode(*Child);
    return Status;
}

/* The node at the end of Rest, referenced (2); with Create the last part is made if need be. */
static NTSTATUS
CmpWalk(PCM_NODE Node, UNICODE_STRING Rest, PCM_CREATE Create, PACCESS_STATE AccessState,
        BOOLEAN Check, PCM_NODE *Result)
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
        Status = CmpMakeKey(Node, &Part, Create, AccessState, Check, &Child);
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
    NTSTATUS   Status;
    PCM_KEY    Key;

    PAGED_CODE();

    // somebody who opens another type may have brought a context of its own
    if (ObjectType != CmpKeyObjectType && ObjectType != NULL)
        return STATUS_OBJECT_TYPE_MISMATCH;
    Status = ObCreateObject(KernelMode, CmpKeyObjectType, NULL, KernelMode, NULL, sizeof *Key, 0,
                            0, (PVOID *)&Key);
    if (!NT_SUCCESS(Status))
        return Status;

    ExAcquireFastMutex(&CmpLock);
    Status = CmpWalk(((PCM_KEY)ParseObject)->Node, *RemainingName, Create, AccessState, Check,
                     &Key->Node);
    ExReleaseFastMutex(&CmpLock);
    if (NT_SUCCESS(Status) && Check &&
        (Create == NULL || Create->Disposition == REG_OPENED_EXISTING_KEY))
        Status = CmpCheckKey(Key->Node, AccessState);
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

/* Security procedure: the node has the descriptor, and keeps it. */
NTSTATUS
CmpKeySecurity(PVOID Object, SECURITY_OPERATION_CODE Operation, PSECURITY_INFORMATION Information,
               PSECURITY_DESCRIPTOR Descriptor, PULONG Length,
               PSECURITY_DESCRIPTOR *ObjectsDescriptor, POOL_TYPE PoolType,
               PGENERIC_MAPPING Mapping)
{
    PCM_NODE Node = ((PCM_KEY)Object)->Node;

    if (Operation == AssignSecurityDescriptor)
        SeDeassignSecurity(&Descriptor);        // the node has its own
    if (Operation != SetSecurityDescriptor && Operation != QuerySecurityDescriptor)
        return STATUS_SUCCESS;
    if (Node->Flags & CM_DELETED)
        return STATUS_KEY_DELETED;
    return ObDefaultSecurityMethod(&Node->Descriptor, Operation, Information, Descriptor, Length,
                                   &CmpKeyObjectType->TypeInfo.GenericMapping);
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
