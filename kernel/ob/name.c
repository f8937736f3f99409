/*
 * The walk along a name: \Device\Example\HELLO, from the root or from a RootDirectory handle, to
 * an object.
 *
 * At each step there is a current object (referenced) and the rest of the name:
 *   a symbolic link    is replaced by its target and the walk starts again at the root
 *   a type that parses (a device, a file) gets the rest of the name; what it returns is the
 *   result. STATUS_REPARSE:
 *                      it has put another name in place of the whole one, and the walk starts
 *                      again
 *   nothing is left    this is the object
 *   a directory        is searched for the next part
 *   anything else      cannot have anything below it
 *
 * An object that is inserted meets the same steps, but no type but the link parses for it, and
 * the last part is inserted if the directory does not have it, under the same hold of the
 * directory's lock ((1) in ob.h).
 *
 * Statuses: STATUS_OBJECT_PATH_SYNTAX_BAD (must begin with a backslash, or must not, below a
 * root), STATUS_OBJECT_NAME_INVALID (an empty part), STATUS_OBJECT_PATH_NOT_FOUND (not the last
 * part), STATUS_OBJECT_NAME_NOT_FOUND (the last), STATUS_OBJECT_TYPE_MISMATCH,
 * STATUS_OBJECT_NAME_COLLISION, STATUS_OBJECT_PATH_INVALID (too many links).
 *
 * The name \?? is no object: a walk that begins with it begins in \GLOBAL??, where the names are
 * that programs use for devices. (Windows looks among those of the caller's log-on session first;
 * here there is one session.)
 *
 * Locks: one directory's at a time; none while a type parses.
 */
#include "kernel.h"
#include "ob/obp.h"

#define SEPARATOR   OBJ_NAME_PATH_SEPARATOR

static inline VOID
ObpSkip(PUNICODE_STRING Rest, ULONG Characters)
{
    Rest->Buffer        += Characters;
    Rest->Length        -= Characters * sizeof(WCHAR);
    Rest->MaximumLength  = Rest->Length;
}

/* The walk's reference to an object on the way. Where it starts it has none. */
static inline VOID
ObpLeave(PVOID Object)
{
    if (Object != ObpRootDirectory && Object != ObpDosDevicesDirectory)
        ObpDereference(OBJECT_TO_HEADER(Object), OB_TAG_NAME, CALLER());
}

/* Whether an absolute name begins with the part \??. */
static inline BOOLEAN
ObpIsDosName(PUNICODE_STRING Name)
{
    static const union { WCHAR Text[4]; ULONG64 Four; } Prefix = { L"\\??\\" };

    if (Name->Length >= sizeof(Prefix))
        return *(UNALIGNED ULONG64 *)Name->Buffer == Prefix.Four;
    return Name->Length == 3 * sizeof(WCHAR) && Name->Buffer[1] == '?' && Name->Buffer[2] == '?';
}

/* Where the walk begins, referenced, and the part of the name that is to be walked. */
static NTSTATUS
ObpStartWalk(POB_WALK Walk, PVOID *Start, PUNICODE_STRING Rest)
{
    BOOLEAN  Absolute = Walk->Name.Length != 0 && Walk->Name.Buffer[0] == SEPARATOR;
    NTSTATUS Status;

    *Rest = Walk->Name;
    if (Walk->RootDirectory == NULL) {
        if (!Absolute)
            return STATUS_OBJECT_PATH_SYNTAX_BAD;
        *Start = ObpRootDirectory;
        if (ObpIsDosName(Rest)) {
            *Start = ObpDosDevicesDirectory;
            ObpSkip(Rest, 3);
        }
        if (Rest->Length == sizeof(WCHAR) && *Start == ObpRootDirectory)
            ObpSkip(Rest, 1);                   // the root itself
        return STATUS_SUCCESS;
    }

    Status = ObReferenceObjectByHandleWithTag(Walk->RootDirectory, 0, NULL, Walk->Mode,
                                              OB_TAG_NAME, Start, NULL);
    if (!NT_SUCCESS(Status))
        return Status;

    if (*Start == ObpRootDirectory || *Start == ObpDosDevicesDirectory)
        ObpDereference(OBJECT_TO_HEADER(*Start), OB_TAG_NAME, CALLER());
    if (OBJECT_TO_HEADER(*Start)->Type == ObpDirectoryObjectType) {
        if (Absolute)
            Status = STATUS_OBJECT_PATH_SYNTAX_BAD;
    } else if (OBJECT_TO_HEADER(*Start)->Type->TypeInfo.ParseProcedure == NULL) {
        Status = STATUS_OBJECT_TYPE_MISMATCH;
    }
    if (!NT_SUCCESS(Status))
        ObpLeave(*Start);
    return Status;
}

/* Cuts the next part off Rest. */
static NTSTATUS
ObpNextPart(PUNICODE_STRING Rest, PUNICODE_STRING Part, PULONG Hash)
{
    PWSTR Text = Rest->Buffer;
    ULONG Room = Rest->Length / sizeof(WCHAR), Length;

    if (*Text == SEPARATOR)
        Text++, Room--;
    *Hash = ObpHashPart(Text, Room, &Length);
    if (Length == 0)
        return STATUS_OBJECT_NAME_INVALID;

    Part->Buffer = Text;
    Part->Length = Part->MaximumLength = (USHORT)(Length * sizeof(WCHAR));
    Rest->Buffer = Text + Length;
    Rest->Length = Rest->MaximumLength = (USHORT)((Room - Length) * sizeof(WCHAR));
    return STATUS_SUCCESS;
}

/*
 * Looks the part up in a directory; the last part of an insertion is inserted when it is not
 * there. *Found, referenced, is the object that has the name afterwards; *Inserted tells whether
 * it has just got it.
 */
static NTSTATUS
ObpLookupPart(POB_WALK Walk, POBJECT_DIRECTORY Directory, PUNICODE_STRING Part, ULONG Hash,
              BOOLEAN Last, PVOID *Found, PBOOLEAN Inserted)
{
    NTSTATUS Status = STATUS_SUCCESS;

    *Inserted = FALSE;
    ExAcquireFastMutex(&Directory->Lock);
    *Found = ObpFindNameLocked(Directory, Part, Hash,
                               (Walk->Attributes & OBJ_CASE_INSENSITIVE) != 0);
    if (*Found == NULL && !Last) {
        Status = STATUS_OBJECT_PATH_NOT_FOUND;
    } else if (*Found == NULL && Walk->Insert == NULL) {
        Status = STATUS_OBJECT_NAME_NOT_FOUND;
    } else if (*Found == NULL && !NT_SUCCESS(Walk->CreateStatus)) {
        Status = Walk->CreateStatus;
    } else if (*Found == NULL) {
        Status    = ObpInsertNameLocked(Directory, Part, Hash, Walk->Insert);
        *Inserted = TRUE;
        *Found    = &Walk->Insert->Body;
    }
    if (NT_SUCCESS(Status))
        ObpReference(OBJECT_TO_HEADER(*Found), OB_TAG_NAME, CALLER());
    ExReleaseFastMutex(&Directory->Lock);
    return Status;
}

/* Hands the rest of the name to the object's type. *Result is referenced by the type. */
static NTSTATUS
ObpParse(POB_WALK Walk, PVOID Object, PUNICODE_STRING Rest, PVOID *Result)
{
    PWSTR    Old  = Walk->Name.Buffer;
    KIRQL    Irql = KeGetCurrentIrql();
    NTSTATUS Status;

    *Result = NULL;
    Status = OBJECT_TO_HEADER(Object)->Type->TypeInfo.ParseProcedure(Object, Walk->Type,
        Walk->AccessState, Walk->Mode,
                 Walk->Attributes, &Walk->Name, Rest, Walk->ParseContext,
                 Walk->SecurityQos.Length != 0 ? &Walk->SecurityQos : NULL, Result);
    ASSERT(KeGetCurrentIrql() == Irql);

    if (Status == STATUS_REPARSE) {
        if (Walk->Name.Buffer != Old && Old != Walk->Inline)
            ExFreePool(Old);
        return Status;
    }
    if (!NT_SUCCESS(Status))
        return Status;

    if (*Result == NULL)
        return STATUS_OBJECT_NAME_NOT_FOUND;

    if (Walk->Type != NULL && OBJECT_TO_HEADER(*Result)->Type != Walk->Type) {
        ObfDereferenceObject(*Result);
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    return Status;
}

static NTSTATUS
ObpFollowLink(POB_WALK Walk, POBJECT_SYMBOLIC_LINK Link, PUNICODE_STRING Rest)
{
    PWSTR    Old    = Walk->Name.Buffer;
    NTSTATUS Status = ObpSubstituteLink(Link, Rest, &Walk->Name);

    if (!NT_SUCCESS(Status))
        return Status;

    if (Old != Walk->Inline)
        ExFreePool(Old);
    return STATUS_REPARSE;
}

/* The name ends at this object, which was there before. */
static NTSTATUS
ObpAtEnd(POB_WALK Walk, PVOID Object)
{
    BOOLEAN Wanted = Walk->Type == NULL || OBJECT_TO_HEADER(Object)->Type == Walk->Type;

    if (Walk->Insert != NULL && !(Walk->Attributes & OBJ_OPENIF))
        return STATUS_OBJECT_NAME_COLLISION;
    if (!Wanted)
        return STATUS_OBJECT_TYPE_MISMATCH;
    return Walk->Insert != NULL ? STATUS_OBJECT_NAME_EXISTS : STATUS_SUCCESS;
}

static inline BOOLEAN
ObpIsLinkOnTheWay(POB_WALK Walk, POBJECT_TYPE Type, PUNICODE_STRING Rest)
{
    return Type == ObpSymbolicLinkObjectType && (Rest->Length != 0 ||
           (Walk->Type != ObpSymbolicLinkObjectType && !(Walk->Attributes & OBJ_OPENLINK)));
}

/* The name ends at Current, which was there before. Its reference becomes the caller's. */
static NTSTATUS
ObpFinish(POB_WALK Walk, PVOID Current, PVOID *Object)
{
    NTSTATUS Status = ObpAtEnd(Walk, Current);

    if (NT_SUCCESS(Status)) {
        ObpReference(OBJECT_TO_HEADER(Current), OB_TAG_NAME, CALLER());
        *Object = Current;
    }
    return Status;
}

/* Of most callers' way through a directory nothing is asked (access.c). */
static inline BOOLEAN
ObpMustAsk(POB_WALK Walk)
{
    return Walk->Check != KernelMode && !(Walk->AccessState->Flags & TOKEN_HAS_TRAVERSE_PRIVILEGE);
}

/* From Current (whose reference it takes over) to the end, a reparse, or an error. */
static NTSTATUS
ObpWalkFrom(POB_WALK Walk, PVOID Current, PUNICODE_STRING Rest, PVOID *Object)
{
    UNICODE_STRING Part;
    ULONG          Hash;
    BOOLEAN        Inserted;
    NTSTATUS       Status;
    PVOID          Next;

    for (;;) {
        POBJECT_TYPE Type = OBJECT_TO_HEADER(Current)->Type;

        Next = NULL;
        if (ObpIsLinkOnTheWay(Walk, Type, Rest)) {
            Status = ObpFollowLink(Walk, Current, Rest);
        } else if (Type->TypeInfo.ParseProcedure != NULL && Walk->Insert == NULL) {
            Status = ObpParse(Walk, Current, Rest, Object);
        } else if (Rest->Length == 0) {
            Status = ObpFinish(Walk, Current, Object);
        } else if (Type != ObpDirectoryObjectType) {
            Status = STATUS_OBJECT_TYPE_MISMATCH;
        } else {
            Status = ObpNextPart(Rest, &Part, &Hash);
            if (NT_SUCCESS(Status) && (Walk->Insert != NULL || ObpMustAsk(Walk)))
                Status = ObpCheckDirectory(Walk, Current, Rest->Length == 0);
            if (NT_SUCCESS(Status))
                Status = ObpLookupPart(Walk, Current, &Part, Hash, Rest->Length == 0, &Next,
                                       &Inserted);
        }
        ObpLeave(Current);
        if (!NT_SUCCESS(Status) || Next == NULL)
            return Status;
        Current = Next;
        if (Inserted) {
            *Object = Current;
            return STATUS_SUCCESS;
        }
    }
}

NTSTATUS
ObpWalkName(POB_WALK Walk, PVOID *Object)
{
    UNICODE_STRING Rest;
    NTSTATUS       Status;
    PVOID          Start;

    PAGED_CODE();
    *Object = NULL;
    if (Walk->Type != NULL && Walk->Type->TypeInfo.CaseInsensitive)
        Walk->Attributes |= OBJ_CASE_INSENSITIVE;

    for (ULONG Links = 0; Links <= OB_MAXIMUM_LINKS; Links++) {
        Status = ObpStartWalk(Walk, &Start, &Rest);
        if (!NT_SUCCESS(Status))
            return Status;

        Status = ObpWalkFrom(Walk, Start, &Rest, Object);
        if (Status != STATUS_REPARSE)
            return Status;
        Walk->RootDirectory = NULL;
    }
    return STATUS_OBJECT_PATH_INVALID;
}
