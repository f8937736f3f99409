/*
 * STRING and ANSI_STRING, and their conversion to and from UTF-16. The ANSI and the OEM code page
 * of this system are both Latin-1: a byte is the character of the same number, and a character
 * above 0xFF becomes '?'. So a conversion keeps the number of characters, and lengths are known
 * without looking.
 */
#include "rtlp.h"

BOOLEAN NlsMbCodePageTag = FALSE;       // every character of either code page is one byte
BOOLEAN NlsMbOemCodePageTag = FALSE;
static USHORT RtlpLeadBytes[256];       // 0: a byte that leads no other
PUSHORT NlsOemLeadByteInfo = RtlpLeadBytes;

VOID NTAPI
RtlInitString(PSTRING Destination, PCSZ Source)
{
    SIZE_T Length = Source != NULL ? strlen(Source) : 0;

    if (Length > RTL_MAX_STRING)
        Length = RTL_MAX_STRING;
    Destination->Length = (USHORT)Length;
    Destination->MaximumLength = Source != NULL ? (USHORT)(Length + 1) : 0;
    Destination->Buffer = (PCHAR)Source;
}

VOID NTAPI
RtlInitAnsiString(PANSI_STRING Destination, PCSZ Source)
{
    RtlInitString(Destination, Source);
}

NTSTATUS NTAPI
RtlInitAnsiStringEx(PANSI_STRING Destination, PCSZ Source)
{
    if (Source != NULL && strlen(Source) > RTL_MAX_STRING) {
        RtlInitString(Destination, NULL);
        return STATUS_NAME_TOO_LONG;
    }
    RtlInitString(Destination, Source);
    return STATUS_SUCCESS;
}

CHAR NTAPI
RtlUpperChar(CHAR Character)
{
    WCHAR Upper = RtlUpcaseUnicodeChar((UCHAR)Character);

    return Upper <= 0xFF ? (CHAR)Upper : Character;
}

LONG NTAPI
RtlCompareString(PSTRING String1, PSTRING String2, BOOLEAN CaseInSensitive)
{
    ULONG Count = min(String1->Length, String2->Length), Index;

    for (Index = 0; Index < Count; Index += 1) {
        CHAR Left = String1->Buffer[Index], Right = String2->Buffer[Index];

        if (CaseInSensitive) {
            Left = RtlUpperChar(Left);
            Right = RtlUpperChar(Right);
        }
        if (Left != Right)
            return (LONG)(UCHAR)Left - (LONG)(UCHAR)Right;
    }
    return (LONG)String1->Length - (LONG)String2->Length;
}

BOOLEAN NTAPI
RtlEqualString(PSTRING String1, PSTRING String2, BOOLEAN CaseInSensitive)
{
    return String1->Length == String2->Length &&
           RtlCompareString(String1, String2, CaseInSensitive) == 0;
}

BOOLEAN NTAPI
RtlPrefixString(PSTRING String1, PSTRING String2, BOOLEAN CaseInSensitive)
{
    STRING Start = *String2;

    if (String1->Length > String2->Length)
        return FALSE;
    Start.Length = String1->Length;
    return RtlCompareString(String1, &Start, CaseInSensitive) == 0;
}

VOID NTAPI
RtlCopyString(PSTRING Destination, PSTRING Source)
{
    Destination->Length = 0;
    if (Source == NULL)
        return;
    Destination->Length = min(Source->Length, Destination->MaximumLength);
    memmove(Destination->Buffer, Source->Buffer, Destination->Length);
}

VOID NTAPI
RtlUpperString(PSTRING Destination, PSTRING Source)
{
    ULONG Index;

    Destination->Length = min(Source->Length, Destination->MaximumLength);
    for (Index = 0; Index < Destination->Length; Index += 1)
        Destination->Buffer[Index] = RtlUpperChar(Source->Buffer[Index]);
}

/* Converts what fits; *Written (may be NULL) is the result's size in bytes. */
NTSTATUS NTAPI
RtlMultiByteToUnicodeN(PWCH Unicode, ULONG MaxBytes, PULONG Written, const CHAR *MultiByte,
                       ULONG Bytes)
{
    ULONG Count = min(MaxBytes / (ULONG)sizeof(WCHAR), Bytes), Index;

    for (Index = 0; Index < Count; Index += 1)
        Unicode[Index] = (UCHAR)MultiByte[Index];
    if (Written != NULL)
        *Written = Count * sizeof(WCHAR);
    return Count == Bytes ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}

NTSTATUS NTAPI
RtlUnicodeToMultiByteN(PCHAR MultiByte, ULONG MaxBytes, PULONG Written, PCWCH Unicode, ULONG Bytes)
{
    ULONG Characters = Bytes / sizeof(WCHAR), Count = min(MaxBytes, Characters), Index;

    for (Index = 0; Index < Count; Index += 1)
        MultiByte[Index] = Unicode[Index] <= 0xFF ? (CHAR)Unicode[Index] : '?';
    if (Written != NULL)
        *Written = Count;
    return Count == Characters ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}

/* Sizes in bytes, terminator included. */
ULONG NTAPI
RtlxAnsiStringToUnicodeSize(PCANSI_STRING Source)
{
    return (Source->Length + 1) * sizeof(WCHAR);
}

ULONG NTAPI
RtlxUnicodeStringToAnsiSize(PCUNICODE_STRING Source)
{
    return Source->Length / sizeof(WCHAR) + 1;
}

/*
 * Converts Source with a terminator. Allocate: Destination gets a buffer of paged pool (IRQL <=
 * APC_LEVEL), to be freed with RtlFreeUnicodeString; otherwise STATUS_BUFFER_OVERFLOW if its own
 * is too small.
 */
NTSTATUS NTAPI
RtlAnsiStringToUnicodeString(PUNICODE_STRING Destination, PCANSI_STRING Source, BOOLEAN Allocate)
{
    ULONG Size = RtlxAnsiStringToUnicodeSize(Source), Written;

    if (Size > RTL_MAX_STRING)
        return STATUS_INVALID_PARAMETER_2;
    if (Allocate) {
        Destination->Buffer = ExAllocatePoolWithTag(PagedPool, Size, RTL_STRING_TAG);
        if (Destination->Buffer == NULL)
            return STATUS_NO_MEMORY;
        Destination->MaximumLength = (USHORT)Size;
    } else if (Size > Destination->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }

    RtlMultiByteToUnicodeN(Destination->Buffer, Size, &Written, Source->Buffer, Source->Length);
    Destination->Length = (USHORT)Written;
    Destination->Buffer[Written / sizeof(WCHAR)] = L'\0';
    return STATUS_SUCCESS;
}

/* The other way round; free an allocated result with RtlFreeAnsiString. */
NTSTATUS NTAPI
RtlUnicodeStringToAnsiString(PANSI_STRING Destination, PCUNICODE_STRING Source, BOOLEAN Allocate)
{
    ULONG    Size = RtlxUnicodeStringToAnsiSize(Source), Written;
    NTSTATUS Status;

    if (Allocate) {
        Destination->Buffer = ExAllocatePoolWithTag(PagedPool, Size, RTL_STRING_TAG);
        if (Destination->Buffer == NULL)
            return STATUS_NO_MEMORY;
        Destination->MaximumLength = (USHORT)Size;
    } else if (Destination->MaximumLength == 0) {
        return STATUS_BUFFER_OVERFLOW;
    }

    Status = RtlUnicodeToMultiByteN(Destination->Buffer, Destination->MaximumLength - 1, &Written,
                                    Source->Buffer, Source->Length);
    Destination->Length = (USHORT)Written;
    Destination->Buffer[Written] = '\0';
    return Status;
}

VOID NTAPI
RtlFreeAnsiString(PANSI_STRING String)
{
    if (String->Buffer != NULL)
        ExFreePoolWithTag(String->Buffer, 0);
    RtlInitString(String, NULL);
}

BOOLEAN NTAPI
RtlIsValidOemCharacter(PWCHAR Character)
{
    *Character = *Character <= 0xFF ? RtlUpcaseUnicodeChar(*Character) : L'?';
    return *Character != L'?';
}
