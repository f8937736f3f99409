/*
 * The services of symbolic links: NtCreateSymbolicLinkObject, NtOpenSymbolicLinkObject,
 * NtQuerySymbolicLinkObject.
 *
 * A link is made with the name it stands for and is not changed afterwards, so reading it needs
 * no lock. Opening one by name opens the link itself and not what it stands for, because the type
 * that is asked for is the link's (name.c).
 *
 * A query writes into the caller's UNICODE_STRING: as many bytes as MaximumLength allows, and a
 * closing zero if there is room and ReturnLength asks for the whole; a target that does not fit
 * is STATUS_BUFFER_TOO_SMALL and writes nothing but the needed length.
 */
#include "kernel.h"
#include "ob/obp.h"

/* The target a caller gives: not empty, of whole characters, inside its own MaximumLength. */
static NTSTATUS
ObpCaptureTarget(PUNICODE_STRING Target, KPROCESSOR_MODE Mode, PUNICODE_STRING Captured)
{
    UNICODE_STRING Given;
    NTSTATUS       Status;

    RtlZeroMemory(Captured, sizeof(*Captured));
    __try {
        if (Mode != KernelMode)
            ProbeForRead(Target, sizeof(*Target), sizeof(ULONG));
        Given = *(volatile UNICODE_STRING *)Target;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    if (Given.Length == 0 || (Given.Length & 1) || Given.Length > Given.MaximumLength)
        return STATUS_INVALID_PARAMETER;

    /* Given is ours now; only its characters are still the caller's. */
    __try {
        if (Mode != KernelMode)
            ProbeForRead(Given.Buffer, Given.Length, sizeof(WCHAR));
        Status = ObpCaptureName(&Given, KernelMode, Captured, NULL, 0);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    return Status;
}

NTSTATUS NTAPI
NtCreateSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess,
                           POBJECT_ATTRIBUTES ObjectAttributes, PUNICODE_STRING LinkTarget)
{
    KPROCESSOR_MODE       Mode   = KeGetPreviousMode();
    NTSTATUS              Status = ObProbeHandle(LinkHandle, Mode);
    POBJECT_SYMBOLIC_LINK Link;
    UNICODE_STRING        Target;

    PAGED_CODE();

    if (NT_SUCCESS(Status))
        Status = ObpCaptureTarget(LinkTarget, Mode, &Target);
    if (!NT_SUCCESS(Status))
        return Status;

    Status = ObCreateObject(Mode, ObpSymbolicLinkObjectType, ObjectAttributes, Mode, NULL,
                            sizeof(*Link), 0, 0,
                            (PVOID *)&Link);
    if (!NT_SUCCESS(Status)) {
        ObpFreeName(&Target, NULL);
        return Status;
    }
    Link->LinkTarget = Target;
    KeQuerySystemTime(&Link->CreationTime);
    return ObInsertService(Link, DesiredAccess, LinkHandle, Mode);
}

NTSTATUS NTAPI
NtOpenSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess,
                         POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ObOpenService(LinkHandle, DesiredAccess, ObjectAttributes, ObpSymbolicLinkObjectType,
                         NULL);
}

/* Writes the target to the caller's string. */
static NTSTATUS
ObpReturnTarget(POBJECT_SYMBOLIC_LINK Link, PUNICODE_STRING Out, PULONG ReturnLength,
                KPROCESSOR_MODE Mode)
{
    PUNICODE_STRING Target = &Link->LinkTarget;
    NTSTATUS        Status = STATUS_SUCCESS;
    UNICODE_STRING  Given;

    __try {
        if (Mode != KernelMode) {
            ProbeForWrite(Out, sizeof(*Out), sizeof(ULONG));
            if (ReturnLength != NULL)
                ProbeForWrite(ReturnLength, sizeof(ULONG), sizeof(ULONG));
        }
        Given = *(volatile UNICODE_STRING *)Out;
        if (Mode != KernelMode)
            ProbeForWrite(Given.Buffer, Given.MaximumLength, sizeof(WCHAR));

        if (Given.MaximumLength < Target->Length) {
            Status = STATUS_BUFFER_TOO_SMALL;
        } else {
            RtlCopyMemory(Given.Buffer, Target->Buffer, Target->Length);
            if (Given.MaximumLength >= Target->Length + sizeof(WCHAR))
                Given.Buffer[Target->Length / sizeof(WCHAR)] = 0;
            Out->Length = Target->Length;
        }
        if (ReturnLength != NULL)
            *ReturnLength = Target->Length + sizeof(WCHAR);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    return Status;
}

NTSTATUS NTAPI
NtQuerySymbolicLinkObject(HANDLE LinkHandle, PUNICODE_STRING LinkTarget, PULONG ReturnLength)
{
    KPROCESSOR_MODE       Mode = KeGetPreviousMode();
    POBJECT_SYMBOLIC_LINK Link;
    NTSTATUS              Status;

    PAGED_CODE();

    Status = ObReferenceObjectByHandle(LinkHandle, SYMBOLIC_LINK_QUERY, ObpSymbolicLinkObjectType,
                                       Mode, (PVOID *)&Link, NULL);
    if (!NT_SUCCESS(Status))
        return Status;

    Status = ObpReturnTarget(Link, LinkTarget, ReturnLength, Mode);
    ObDereferenceObject(Link);
    return Status;
}
