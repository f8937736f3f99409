/*
 * UNICODE_STRING: counted UTF-16 strings. Length and MaximumLength are bytes; nothing here relies
 * on a terminator, and everything that builds a string adds one when there is room.
 *
 * Comparisons without case go through RtlUpcaseUnicodeChar (upcase.c). Strings with a buffer of
 * their own come from paged pool and are freed by RtlFreeUnicodeString; routines that allocate
 * say so. The others may be called at any IRQL at which their buffers may be touched.
 */
#include "rtlp.h"

/*
 * Counts Source (may be NULL) into *Destination without copying; too long a string is cut to
 * 32766 characters.
 */
VOID NTAPI
RtlInitUnicodeString(PUNICODE_STRING Destination, PCWSTR Source)
{
    SIZE_T Length = Source != NULL ? wcslen(Source) * sizeof(WCHAR) : 0;

    if (Length > RTL_MAX_STRING - sizeof(WCHAR))
        Length = RTL_MAX_STRING - sizeof(WCHAR);
    Destination->Length = (USHORT)Length;
    Destination->MaximumLength = Source != NULL ? (USHORT)(Length + sizeof(WCHAR)) : 0;
    Destination->Buffer = (PWSTR)Source;
}

/* The same, but STATUS_NAME_TOO_LONG instead of cutting. */
NTSTATUS NTAPI
RtlInitUnicodeStringEx(PUNICODE_STRING Destination, PCWSTR Source)
{
    if (Source != NULL && wcslen(Source) * sizeof(WCHAR) > RTL_MAX_STRING - sizeof(WCHAR)) {
        RtlInitUnicodeString(Destination, NULL);
        return STATUS_NAME_TOO_LONG;
    }
    RtlInitUnicodeString(Destination, Source);
    return STATUS_SUCCESS;
}

/* The difference of the first characters that differ, or of the lengths. */
LONG NTAPI
RtlCompareUnicodeStrings(PCWCH First, SIZE_T FirstCount, PCWCH Second, SIZE_T SecondCount,
                         BOOLEAN CaseInSensitive)
{
    SIZE_T Count = min(FirstCount, SecondCount), Index;

    for (Index = 0; Index < Count; Index += 1) {
        WCHAR Left = First[Index], Right = Second[Index];

        if (Left == Right)
            continue;
        if (CaseInSensitive) {
            Left = RtlUpcaseUnicodeChar(Left);
            Right = RtlUpcaseUnicodeChar(Right);
        }
        if (Left != Right)
            return (LONG)Left - (LONG)Right;
    }
    return (LONG)FirstCount - (LONG)SecondCount;
}

LONG NTAPI
RtlCompareUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive)
{
    return RtlCompareUnicodeStrings(String1->Buffer, String1->Length / sizeof(WCHAR),
                                    String2->Buffer,
                                    String2->Length / sizeof(WCHAR), CaseInSensitive);
}

BOOLEAN NTAPI
RtlEqualUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive)
{
    return String1->Length == String2->Length &&
           RtlCompareUnicodeString(String1, String2, CaseInSensitive) == 0;
}

/* Does String2 start with String1? */
BOOLEAN NTAPI
RtlPrefixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive)
{
    SIZE_T Count = String1->Length / sizeof(WCHAR);

    return String1->Length <= String2->Length &&
           RtlCompareUnicodeStrings(String1->Buffer, Count, String2->Buffer, Count,
                                    CaseInSensitive) == 0;
}

static VOID
RtlpTerminateUnicodeString(PUNICODE_STRING String)
{
    if (String->MaximumLength - String->Length >= (int)sizeof(WCHAR))
        String->Buffer[String->Length / sizeof(WCHAR)] = L'\0';
}

/* Copies as much of Source (NULL: nothing) as fits. */
VOID NTAPI
RtlCopyUnicodeString(PUNICODE_STRING Destination, PCUNICODE_STRING Source)
{
    Destination->Length = 0;
    if (Source == NULL)
        return;

    Destination->Length = min(Source->Length, Destination->MaximumLength);
    memmove(Destination->Buffer, Source->Buffer, Destination->Length);
    RtlpTerminateUnicodeString(Destination);
}

static NTSTATUS
RtlpAppendBytes(PUNICODE_STRING Destination, PCWCH Source, SIZE_T Length)
{
    if (Length > (SIZE_T)(Destination->MaximumLength - Destination->Length))
        return STATUS_BUFFER_TOO_SMALL;

    memmove((PUCHAR)Destination->Buffer + Destination->Length, Source, Length);
    Destination->Length += (USHORT)Length;
    RtlpTerminateUnicodeString(Destination);
    return STATUS_SUCCESS;
}

/* STATUS_BUFFER_TOO_SMALL, and nothing appended, if Source does not fit. */
NTSTATUS NTAPI
RtlAppendUnicodeStringToString(PUNICODE_STRING Destination, PCUNICODE_STRING Source)
{
    return RtlpAppendBytes(Destination, Source->Buffer, Source->Length);
}

NTSTATUS NTAPI
RtlAppendUnicodeToString(PUNICODE_STRING Destination, PCWSTR Source)
{
    if (Source == NULL)
        return STATUS_SUCCESS;
    return RtlpAppendBytes(Destination, Source, wcslen(Source) * sizeof(WCHAR));
}

/* A buffer of Length bytes for a string about to be filled. */
static NTSTATUS
RtlpAllocateUnicodeString(PUNICODE_STRING String, SIZE_T Length)
{
    if (Length > RTL_MAX_STRING)
        return STATUS_NAME_TOO_LONG;

    String->Length = 0;
    String->MaximumLength = (USHORT)Length;
    String->Buffer = ExAllocatePoolWithTag(PagedPool, Length, RTL_STRING_TAG);
    return String->Buffer != NULL ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

/* Makes room for Length bytes in Destination: by allocation, or by checking that there is. */
static NTSTATUS
RtlpPrepareDestination(PUNICODE_STRING Destination, ULONG Length, BOOLEAN Allocate)
{
    if (Allocate)
        return RtlpAllocateUnicodeString(Destination, Length);
    return Length <= Destination->MaximumLength ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}

static NTSTATUS
RtlpMapUnicodeString(PUNICODE_STRING Destination, PCUNICODE_STRING Source, BOOLEAN Allocate,
                     WCHAR (NTAPI *Map)(WCHAR))
{
    NTSTATUS Status = RtlpPrepareDestination(Destination, Source->Length, Allocate);
    ULONG    Index;

    if (!NT_SUCCESS(Status))
        return Status;

    for (Index = 0; Index < Source->Length / sizeof(WCHAR); Index += 1)
        Destination->Buffer[Index] = Map(Source->Buffer[Index]);
    Destination->Length = Source->Length;
    return STATUS_SUCCESS;
}

/*
 * Destination becomes Source in capitals; Allocate: with a new buffer (IRQL <= APC_LEVEL then).
 */
NTSTATUS NTAPI
RtlUpcaseUnicodeString(PUNICODE_STRING Destination, PCUNICODE_STRING Source, BOOLEAN Allocate)
{
    return RtlpMapUnicodeString(Destination, Source, Allocate, RtlUpcaseUnicodeChar);
}

NTSTATUS NTAPI
RtlDowncaseUnicodeString(PUNICODE_STRING Destination, PCUNICODE_STRING Source, BOOLEAN Allocate)
{
    return RtlpMapUnicodeString(Destination, Source, Allocate, RtlDowncaseUnicodeChar);
}

/* A copy of Source with a buffer of its own. IRQL <= APC_LEVEL. */
BOOLEAN NTAPI
RtlCreateUnicodeString(PUNICODE_STRING Destination, PCWSTR Source)
{
    UNICODE_STRING String;

    RtlInitUnicodeString(&String, Source);
    if (!NT_SUCCESS(RtlpAllocateUnicodeString(Destination, String.Length + sizeof(WCHAR))))
        return FALSE;
    RtlCopyUnicodeString(Destination, &String);
    return TRUE;
}

/*
 * As above; Flags: RTL_DUPLICATE_UNICODE_STRING_NULL_TERMINATE (1) and ..._ALLOCATE_NULL_STRING
 * (2: an empty string gets a buffer too). IRQL <= APC_LEVEL.
 */
NTSTATUS NTAPI
RtlDuplicateUnicodeString(ULONG Flags, PCUNICODE_STRING Source, PUNICODE_STRING Destination)
{
    SIZE_T   Extra = (Flags & 1) != 0 ? sizeof(WCHAR) : 0;
    NTSTATUS Status;

    RtlInitUnicodeString(Destination, NULL);
    if (Source->Length == 0 && (Flags & 2) == 0)
        return STATUS_SUCCESS;

    Status = RtlpAllocateUnicodeString(Destination, Source->Length + Extra);
    if (NT_SUCCESS(Status))
        RtlCopyUnicodeString(Destination, Source);
    return Status;
}

/* Frees the buffer that one of the allocating routines gave String. IRQL <= APC_LEVEL. */
VOID NTAPI
RtlFreeUnicodeString(PUNICODE_STRING String)
{
    if (String->Buffer != NULL)
        ExFreePoolWithTag(String->Buffer, 0);
    RtlInitUnicodeString(String, NULL);
}

NTSTATUS NTAPI
RtlValidateUnicodeString(ULONG Flags, PCUNICODE_STRING String)
{
    if (Flags != 0 || (String->Length | String->MaximumLength) % sizeof(WCHAR) != 0 ||
        String->Length > String->MaximumLength ||
            (String->Buffer == NULL && String->MaximumLength != 0))
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

/* HashAlgorithm 0 or 1: x65599, as documented. */
NTSTATUS NTAPI
RtlHashUnicodeString(PCUNICODE_STRING String, BOOLEAN CaseInSensitive, ULONG HashAlgorithm,
                     PULONG HashValue)
{
    ULONG Hash = 0, Index;

    if (String == NULL || HashValue == NULL || HashAlgorithm > 1)
        return STATUS_INVALID_PARAMETER;

    for (Index = 0; Index < String->Length / sizeof(WCHAR); Index += 1) {
        WCHAR Character = String->Buffer[Index];

        Hash = Hash * 65599 + (CaseInSensitive ? RtlUpcaseUnicodeChar(Character) : Character);
    }
    *HashValue = Hash;
    return STATUS_SUCCESS;
}
