/*
 * How the services of keys and values take in and give back.
 *
 * An answer has a fixed part and, behind it, names and data of any length. The documented rule of
 * all query and enumeration services: a buffer that does not even take the fixed part is
 * STATUS_BUFFER_TOO_SMALL and stays as it was; one that takes that but not all is filled as far
 * as it goes, STATUS_BUFFER_OVERFLOW; in both cases, as on success, ResultLength is what all of
 * it needs.
 */
#include "cm/cmp.h"

/* References the key object and takes CmpLock; a key that was deleted is refused (3). */
NTSTATUS
CmpLockKey(HANDLE Handle, ACCESS_MASK Access, PCM_KEY *Key)
{
    NTSTATUS Status = ObReferenceObjectByHandle(Handle, Access, CmpKeyObjectType,
                                                KeGetPreviousMode(), (PVOID *)Key, NULL);

    PAGED_CODE();

    if (!NT_SUCCESS(Status))
        return Status;
    ExAcquireFastMutex(&CmpLock);
    if (!((*Key)->Node->Flags & CM_DELETED))
        return STATUS_SUCCESS;
    CmpUnlockKey(*Key);
    return STATUS_KEY_DELETED;
}

VOID
CmpUnlockKey(PCM_KEY Key)
{
    ExReleaseFastMutex(&CmpLock);
    ObDereferenceObject(Key);
}

NTSTATUS
CmpCaptureString(PUNICODE_STRING String, ULONG Longest, PUNICODE_STRING Captured)
{
    KPROCESSOR_MODE Mode = KeGetPreviousMode();
    UNICODE_STRING  Given;
    NTSTATUS        Status = STATUS_SUCCESS;

    *Captured = (UNICODE_STRING){ 0 };
    if (String == NULL)
        return STATUS_SUCCESS;
    __try {
        if (Mode != KernelMode)
            ProbeForRead(String, sizeof *String, sizeof(ULONG));
        Given = *(volatile UNICODE_STRING *)String;
        if (Mode != KernelMode)
            ProbeForRead(Given.Buffer, Given.Length, sizeof(WCHAR));
        if ((Given.Length & 1) || Given.Length > Longest)
            return STATUS_INVALID_PARAMETER;
        if (Given.Length == 0)
            return STATUS_SUCCESS;
        Captured->Buffer = ExAllocatePoolWithTag(PagedPool, Given.Length, CM_TAG_BUFFER);
        if (Captured->Buffer == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        RtlCopyMemory(Captured->Buffer, Given.Buffer, Given.Length);
        Captured->Length = Captured->MaximumLength = Given.Length;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
        CmpFreeString(Captured);
    }
    return Status;
}

VOID
CmpFreeString(PUNICODE_STRING Captured)
{
    if (Captured->Buffer != NULL)
        ExFreePoolWithTag(Captured->Buffer, CM_TAG_BUFFER);
    Captured->Buffer = NULL;
}

NTSTATUS
CmpProbeAnswer(PVOID Buffer, ULONG Length, PULONG ResultLength)
{
    if (KeGetPreviousMode() == KernelMode)
        return STATUS_SUCCESS;
    __try {
        ProbeForWrite(ResultLength, sizeof *ResultLength, sizeof(ULONG));
        ProbeForWrite(Buffer, Length, sizeof(ULONG));
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

NTSTATUS
CmpBeginAnswer(PCM_ANSWER Answer, ULONG Fixed, ULONG Total, ULONG Room)
{
    Answer->Fixed = Fixed;
    Answer->Needed = Total;
    Answer->Room = min(Room, Total);
    Answer->Buffer = NULL;
    if (Room < Fixed)
        return STATUS_SUCCESS;
    Answer->Buffer = ExAllocatePoolWithTag(PagedPool, Answer->Room, CM_TAG_BUFFER);
    if (Answer->Buffer == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlZeroMemory(Answer->Buffer, Answer->Room);
    return STATUS_SUCCESS;
}

VOID
CmpAddToAnswer(PCM_ANSWER Answer, ULONG Offset, const VOID *Data, ULONG Size)
{
    if (Answer->Buffer != NULL && Offset < Answer->Room)
        RtlCopyMemory(Answer->Buffer + Offset, Data, min(Size, Answer->Room - Offset));
}

NTSTATUS
CmpSendAnswer(PCM_ANSWER Answer, NTSTATUS Status, PVOID Buffer, PULONG ResultLength)
{
    if (!NT_SUCCESS(Status))
        return Status;
    if (Answer->Buffer == NULL)
        Status = STATUS_BUFFER_TOO_SMALL;
    else if (Answer->Room < Answer->Needed)
        Status = STATUS_BUFFER_OVERFLOW;
    __try {
        *ResultLength = Answer->Needed;
        if (Answer->Buffer != NULL)
            RtlCopyMemory(Buffer, Answer->Buffer, Answer->Room);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    if (Answer->Buffer != NULL)
        ExFreePoolWithTag(Answer->Buffer, CM_TAG_BUFFER);
    return Status;
}
