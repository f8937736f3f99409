/*
 * Symbolic links: names that stand for other names.
 *
 * The walk (name.c) meets a link on its way and calls ObpSubstituteLink, which puts the link's
 * target in place of the part that led to it; then it starts again at the root. A link at the end
 * of a name is followed too, unless a link is what the caller opens. After OB_MAXIMUM_LINKS
 * substitutions the walk gives up with STATUS_OBJECT_PATH_INVALID, which is how a loop ends.
 *
 * A link's target is fixed when it is made; it may name something that does not exist (yet).
 */
#include "kernel.h"
#include "ob/obp.h"

VOID
ObpDeleteSymbolicLink(PVOID Object)
{
    ObpFreeName(&((POBJECT_SYMBOLIC_LINK)Object)->LinkTarget, NULL);
}

/*
 * *Name becomes target + Rest, in new pool; the old buffer is the caller's. STATUS_NAME_TOO_LONG,
 * STATUS_INSUFFICIENT_RESOURCES.
 */
NTSTATUS
ObpSubstituteLink(POBJECT_SYMBOLIC_LINK Link, PUNICODE_STRING Rest, PUNICODE_STRING Name)
{
    ULONG TargetLength = Link->LinkTarget.Length;
    ULONG Length;
    PWSTR Buffer;

    if (Rest->Length != 0 &&
        Link->LinkTarget.Buffer[TargetLength / sizeof(WCHAR) - 1] == OBJ_NAME_PATH_SEPARATOR)
        TargetLength -= sizeof(WCHAR);          // Rest begins with one

    Length = TargetLength + Rest->Length;
    if (Length > 0xFFFE)
        return STATUS_NAME_TOO_LONG;

    Buffer = ExAllocatePoolWithTag(PagedPool, Length, TAG_OB_NAME);
    if (Buffer == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;

    RtlCopyMemory(Buffer, Link->LinkTarget.Buffer, TargetLength);
    RtlCopyMemory((PUCHAR)Buffer + TargetLength, Rest->Buffer, Rest->Length);
    Name->Buffer = Buffer;
    Name->Length = Name->MaximumLength = (USHORT)Length;
    return STATUS_SUCCESS;
}
