/*
 * How RtlQueryRegistryValues hands a value over: stored in the place the table entry names
 * (RTL_QUERY_REGISTRY_DIRECT), or as arguments of the entry's routine; before that, unless the
 * entry says no, %NAME% in REG_EXPAND_SZ is replaced from the environment, and the strings of
 * REG_MULTI_SZ are taken one by one.
 */
#include "cm/rtlregp.h"

#define EXPANDED_ROOM   (MAXUSHORT - 1)

/* NAME's value in an environment block of NAME=VALUE strings; NULL if it is not there. */
static PCWSTR
RtlpFindVariable(PCWSTR Environment, PCWSTR Name, SIZE_T Length)
{
    if (Environment == NULL)                    // the kernel's own has one variable
        return Length == 10 && _wcsnicmp(Name, L"SystemRoot", 10) == 0 ? L"\\SystemRoot" : NULL;
    for (; *Environment != 0; Environment += wcslen(Environment) + 1)
        if (_wcsnicmp(Environment, Name, Length) == 0 && Environment[Length] == L'=')
            return Environment + Length + 1;
    return NULL;
}

/* To: EXPANDED_ROOM bytes. The length in bytes with the terminator, 0 if there is no room. */
static ULONG
RtlpExpand(PCWSTR Environment, PCWSTR From, PWSTR To)
{
    ULONG Count = 0, Room = EXPANDED_ROOM / sizeof(WCHAR);

    while (*From != 0) {
        PCWSTR End = *From == L'%' ? wcschr(From + 1, L'%') : NULL;
        PCWSTR With = End != NULL ? RtlpFindVariable(Environment, From + 1,
                                                     (SIZE_T)(End - From - 1)) : NULL;
        SIZE_T Length = With != NULL ? wcslen(With) : 1;

        if (Count + Length + 1 > Room)
            return 0;
        RtlCopyMemory(To + Count, With != NULL ? With : From, Length * sizeof(WCHAR));
        Count += (ULONG)Length;
        From = With != NULL ? End + 1 : From + 1;
    }
    To[Count] = 0;
    return (Count + 1) * sizeof(WCHAR);
}

/* EntryContext is a UNICODE_STRING, whose buffer is allocated if it has none. */
static NTSTATUS
RtlpStoreString(PUNICODE_STRING Target, const RTLP_VALUE *Value)
{
    ULONG Length = Value->Length & ~1U;
    PWSTR Text = Value->Data;

    if (Length != 0 && Text[Length / sizeof(WCHAR) - 1] == 0)
        Length -= sizeof(WCHAR);
    if (Length + sizeof(WCHAR) > MAXUSHORT)
        return STATUS_BUFFER_TOO_SMALL;
    if (Target->Buffer == NULL) {
        // freed by RtlFreeUnicodeString or ExFreePool
        Target->Buffer = ExAllocatePoolWithTag(PagedPool, Length + sizeof(WCHAR), 'grtS');
        if (Target->Buffer == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        Target->MaximumLength = (USHORT)(Length + sizeof(WCHAR));
    } else if (Target->MaximumLength < Length + sizeof(WCHAR)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    RtlCopyMemory(Target->Buffer, Text, Length);
    Target->Buffer[Length / sizeof(WCHAR)] = 0;
    Target->Length = (USHORT)Length;
    return STATUS_SUCCESS;
}

/* EntryContext is a ULONG, or a buffer that begins with its size, negative for data alone. */
static NTSTATUS
RtlpStoreBytes(PVOID Target, const RTLP_VALUE *Value)
{
    LONG   Room = *(PLONG)Target;
    ULONG  Size = Room < 0 ? 0U - (ULONG)Room : (ULONG)Room;
    PULONG Head = Target;

    if (Value->Length <= sizeof(ULONG)) {
        RtlCopyMemory(Target, Value->Data, Value->Length);
        return STATUS_SUCCESS;
    }
    if (Room < 0) {
        if (Size < Value->Length)
            return STATUS_BUFFER_TOO_SMALL;
        RtlCopyMemory(Target, Value->Data, Value->Length);
        return STATUS_SUCCESS;
    }
    if (Size < 2 * sizeof(ULONG) || Size - 2 * sizeof(ULONG) < Value->Length)
        return STATUS_BUFFER_TOO_SMALL;
    Head[0] = Value->Length;
    Head[1] = Value->Type;
    RtlCopyMemory(Head + 2, Value->Data, Value->Length);
    return STATUS_SUCCESS;
}

static BOOLEAN
RtlpIsString(ULONG Type)
{
    return Type == REG_SZ || Type == REG_EXPAND_SZ || Type == REG_MULTI_SZ;
}

/* One value, as it stands, to the place or the routine of the entry. */
static NTSTATUS
RtlpHandOver(PRTL_QUERY_REGISTRY_TABLE Entry, const RTLP_VALUE *Value, PVOID Context)
{
    NTSTATUS Status;

    if (Entry->Flags & RTL_QUERY_REGISTRY_DIRECT)
        return RtlpIsString(Value->Type) ? RtlpStoreString(Entry->EntryContext, Value)
                                         : RtlpStoreBytes(Entry->EntryContext, Value);
    Status = Entry->QueryRoutine((PWSTR)Value->Name, Value->Type, Value->Data, Value->Length,
                                 Context, Entry->EntryContext);
    return Status == STATUS_BUFFER_TOO_SMALL ? STATUS_SUCCESS : Status;
}

static NTSTATUS
RtlpReportStrings(PRTL_QUERY_REGISTRY_TABLE Entry, const RTLP_VALUE *Value, PVOID Context)
{
    PWSTR      Text = Value->Data, End = Text + Value->Length / sizeof(WCHAR);
    RTLP_VALUE One = { Value->Name, REG_SZ, 0, NULL };
    NTSTATUS   Status = STATUS_SUCCESS;

    if (Entry->Flags & RTL_QUERY_REGISTRY_DIRECT)
        return STATUS_INVALID_PARAMETER;        // one place cannot hold them
    for (; NT_SUCCESS(Status) && Text < End && *Text != 0; Text += One.Length / sizeof(WCHAR)) {
        One.Data = Text;
        One.Length = (ULONG)(wcslen(Text) + 1) * sizeof(WCHAR);
        Status = RtlpHandOver(Entry, &One, Context);
    }
    return Status;
}

NTSTATUS
RtlpReportValue(PRTL_QUERY_REGISTRY_TABLE Entry, const RTLP_VALUE *Value, PVOID Context,
                PVOID Environment)
{
    RTLP_VALUE Expanded = *Value;
    NTSTATUS   Status = STATUS_BUFFER_TOO_SMALL;

    if (Entry->Flags & RTL_QUERY_REGISTRY_NOEXPAND)
        return RtlpHandOver(Entry, Value, Context);
    if (Value->Type == REG_MULTI_SZ)
        return RtlpReportStrings(Entry, Value, Context);
    if (Value->Type != REG_EXPAND_SZ || wcschr(Value->Data, L'%') == NULL)
        return RtlpHandOver(Entry, Value, Context);

    Expanded.Data = ExAllocatePoolWithTag(PagedPool, EXPANDED_ROOM, CM_TAG_BUFFER);
    if (Expanded.Data == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    Expanded.Type = REG_SZ;
    Expanded.Length = RtlpExpand(Environment, Value->Data, Expanded.Data);
    if (Expanded.Length != 0)
        Status = RtlpHandOver(Entry, &Expanded, Context);
    ExFreePoolWithTag(Expanded.Data, CM_TAG_BUFFER);
    return Status;
}
