/*
 * The services of values: query by name, enumerate by index, set and delete.
 *
 * What they give back is the name, the data, or both, behind a fixed part with their lengths; the
 * classes whose name ends in Align64 put the data at a multiple of 8. Sizes as answer.c says.
 */
#include "cm/cmp.h"

static NTSTATUS
CmpAnswerValueName(PCM_VALUE Value, PCM_ANSWER Answer, ULONG Room)
{
    ULONG                       Fixed = FIELD_OFFSET(KEY_VALUE_BASIC_INFORMATION, Name);
    KEY_VALUE_BASIC_INFORMATION Basic = { 0, Value->Type, Value->Name.Length, { 0 } };
    NTSTATUS                    Status = CmpBeginAnswer(Answer, Fixed, Fixed + Value->Name.Length,
                                                        Room);

    if (NT_SUCCESS(Status)) {
        CmpAddToAnswer(Answer, 0, &Basic, Fixed);
        CmpAddToAnswer(Answer, Fixed, Value->Name.Buffer, Value->Name.Length);
    }
    return Status;
}

static NTSTATUS
CmpAnswerFullValue(PCM_VALUE Value, ULONG Unit, PCM_ANSWER Answer, ULONG Room)
{
    ULONG                      Fixed = FIELD_OFFSET(KEY_VALUE_FULL_INFORMATION, Name);
    ULONG                      Offset = (ULONG)ROUND_UP(Fixed + Value->Name.Length, Unit);
    KEY_VALUE_FULL_INFORMATION Full = { 0, Value->Type, Offset, Value->Size, Value->Name.Length,
                                        { 0 } };
    NTSTATUS                   Status;

    if (Value->Size > MAXLONG)
        return STATUS_INVALID_PARAMETER;
    Status = CmpBeginAnswer(Answer, Fixed, Offset + Value->Size, Room);
    if (NT_SUCCESS(Status)) {
        CmpAddToAnswer(Answer, 0, &Full, Fixed);
        CmpAddToAnswer(Answer, Fixed, Value->Name.Buffer, Value->Name.Length);
        CmpAddToAnswer(Answer, Offset, Value->Data, Value->Size);
    }
    return Status;
}

static NTSTATUS
CmpAnswerPartialValue(PCM_VALUE Value, ULONG Class, PCM_ANSWER Answer, ULONG Room)
{
    KEY_VALUE_PARTIAL_INFORMATION         Partial = { 0, Value->Type, Value->Size, { 0 } };
    KEY_VALUE_PARTIAL_INFORMATION_ALIGN64 Aligned = { Value->Type, Value->Size, { 0 } };
    BOOLEAN                               Plain = Class == KeyValuePartialInformation;
    ULONG                                 Fixed = Plain ? FIELD_OFFSET(
        KEY_VALUE_PARTIAL_INFORMATION, Data) : FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION_ALIGN64,
                                                            Data);
    NTSTATUS                              Status = CmpBeginAnswer(Answer, Fixed,
                                                                  Fixed + Value->Size, Room);

    if (NT_SUCCESS(Status)) {
        CmpAddToAnswer(Answer, 0, Plain ? (PVOID)&Partial : &Aligned, Fixed);
        CmpAddToAnswer(Answer, Fixed, Value->Data, Value->Size);
    }
    return Status;
}

static NTSTATUS
CmpAnswerValue(PCM_VALUE Value, ULONG Class, PCM_ANSWER Answer, ULONG Room)
{
    switch (Class) {
    case KeyValueBasicInformation:
        return CmpAnswerValueName(Value, Answer, Room);
    case KeyValueFullInformation:
        return CmpAnswerFullValue(Value, sizeof(ULONG), Answer, Room);
    case KeyValueFullInformationAlign64:
        return CmpAnswerFullValue(Value, sizeof(ULONG64), Answer, Room);
    }
    return CmpAnswerPartialValue(Value, Class, Answer, Room);
}

/*
 * System service: wants KEY_QUERY_VALUE. STATUS_OBJECT_NAME_NOT_FOUND: no such value;
 * STATUS_INVALID_PARAMETER: no such class.
 */
NTSTATUS NTAPI
NtQueryValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName,
                KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass, PVOID KeyValueInformation,
                ULONG Length, PULONG ResultLength)
{
    CM_ANSWER      Answer;
    UNICODE_STRING Name;
    PCM_VALUE      Value;
    PCM_KEY        Key;
    NTSTATUS       Status = CmpProbeAnswer(KeyValueInformation, Length, ResultLength);

    PAGED_CODE();

    if ((ULONG)KeyValueInformationClass > KeyValuePartialInformationAlign64)
        return STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(Status))
        Status = CmpCaptureString(ValueName, CM_MAX_VALUE_NAME, &Name);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = CmpLockKey(KeyHandle, KEY_QUERY_VALUE, &Key);
    if (NT_SUCCESS(Status)) {
        Value = CmpFindValue(Key->Node, &Name);
        Status = Value == NULL ? STATUS_OBJECT_NAME_NOT_FOUND
               : CmpAnswerValue(Value, KeyValueInformationClass, &Answer, Length);
        CmpUnlockKey(Key);
    }
    CmpFreeString(&Name);
    return CmpSendAnswer(&Answer, Status, KeyValueInformation, ResultLength);
}

/* System service: wants KEY_QUERY_VALUE. STATUS_NO_MORE_ENTRIES: Index is past the last value. */
NTSTATUS NTAPI
NtEnumerateValueKey(HANDLE KeyHandle, ULONG Index,
                    KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                    PVOID KeyValueInformation, ULONG Length, PULONG ResultLength)
{
    CM_ANSWER Answer;
    PCM_KEY   Key;
    NTSTATUS  Status = CmpProbeAnswer(KeyValueInformation, Length, ResultLength);

    PAGED_CODE();

    if ((ULONG)KeyValueInformationClass > KeyValuePartialInformationAlign64)
        return STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(Status))
        Status = CmpLockKey(KeyHandle, KEY_QUERY_VALUE, &Key);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = STATUS_NO_MORE_ENTRIES;
    if (Index < Key->Node->ValueCount)
        Status = CmpAnswerValue(Key->Node->Values[Index], KeyValueInformationClass, &Answer,
                                Length);
    CmpUnlockKey(Key);
    return CmpSendAnswer(&Answer, Status, KeyValueInformation, ResultLength);
}

/* The caller's data in pool, NULL if there is none. */
static NTSTATUS
CmpCaptureData(const VOID *Data, ULONG Size, PVOID *Captured)
{
    *Captured = NULL;
    if (Size == 0)
        return STATUS_SUCCESS;
    if (Size > MAXLONG)
        return STATUS_INSUFFICIENT_RESOURCES;
    __try {
        if (KeGetPreviousMode() != KernelMode)
            ProbeForRead((PVOID)Data, Size, 1);
        *Captured = ExAllocatePoolWithTag(PagedPool, Size, CM_TAG_BUFFER);
        if (*Captured == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        RtlCopyMemory(*Captured, Data, Size);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        if (*Captured != NULL)
            ExFreePoolWithTag(*Captured, CM_TAG_BUFFER);
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

/*
 * System service: wants KEY_SET_VALUE; makes the value or changes it. Any Type and any Data are
 * kept as they are. STATUS_INVALID_PARAMETER: a name longer than 16383 characters.
 */
NTSTATUS NTAPI
NtSetValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName, ULONG TitleIndex, ULONG Type,
              PVOID Data, ULONG DataSize)
{
    UNICODE_STRING Name;
    PVOID          Copy;
    PCM_KEY        Key;
    NTSTATUS       Status = CmpCaptureString(ValueName, CM_MAX_VALUE_NAME, &Name);

    PAGED_CODE();

    if (!NT_SUCCESS(Status))
        return Status;
    Status = CmpCaptureData(Data, DataSize, &Copy);
    if (NT_SUCCESS(Status)) {
        Status = CmpLockKey(KeyHandle, KEY_SET_VALUE, &Key);
        if (NT_SUCCESS(Status)) {
            Status = CmpSetValue(Key->Node, &Name, Type, Copy, DataSize);
            CmpUnlockKey(Key);
        }
        if (Copy != NULL)
            ExFreePoolWithTag(Copy, CM_TAG_BUFFER);
    }
    CmpFreeString(&Name);
    return Status;
}

/* System service: wants KEY_SET_VALUE. STATUS_OBJECT_NAME_NOT_FOUND: no such value. */
NTSTATUS NTAPI
NtDeleteValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName)
{
    UNICODE_STRING Name;
    PCM_KEY        Key;
    NTSTATUS       Status = CmpCaptureString(ValueName, CM_MAX_VALUE_NAME, &Name);

    PAGED_CODE();

    if (!NT_SUCCESS(Status))
        return Status;
    Status = CmpLockKey(KeyHandle, KEY_SET_VALUE, &Key);
    if (NT_SUCCESS(Status)) {
        Status = CmpDeleteValue(Key->Node, &Name);
        CmpUnlockKey(Key);
    }
    CmpFreeString(&Name);
    return Status;
}
