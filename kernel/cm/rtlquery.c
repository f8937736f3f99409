/*
 * RtlQueryRegistryValues: many values with one call, by a table that the caller fills in.
 *
 * The entries are taken in order. There is a top key, which the call names, and a current one,
 * which an entry with RTL_QUERY_REGISTRY_SUBKEY changes and one with RTL_QUERY_REGISTRY_TOPKEY
 * resets. An entry asks for one value by name or, without a name, for all of the current key. A
 * value that is not there is an error if it is required, otherwise the entry's default takes its
 * place, or the entry is passed over if it has none; the values of a key that is not there, and
 * need not be, are not there either.
 */
#include "cm/rtlregp.h"

typedef struct _RTLP_QUERY {
    HANDLE Top, Current;                        // NULL: not there; Current may be Top
    PVOID  Context, Environment;
} RTLP_QUERY, *PRTLP_QUERY;

/* A value as Full information with two zero bytes behind, in pool; by name or by index. */
static NTSTATUS
RtlpReadValue(HANDLE Key, PCWSTR Name, ULONG Index, PKEY_VALUE_FULL_INFORMATION *Full)
{
    UNICODE_STRING String;
    ULONG          Room = 256, Needed = 0;
    NTSTATUS       Status;

    if (Key == NULL)
        return Name != NULL ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_NO_MORE_ENTRIES;
    RtlInitUnicodeString(&String, Name);
    for (;; Room = Needed) {
        *Full = ExAllocatePoolWithTag(PagedPool, (SIZE_T)Room + sizeof(WCHAR), CM_TAG_BUFFER);
        if (*Full == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        Status = Name != NULL
            ? ZwQueryValueKey(Key, &String, KeyValueFullInformation, *Full, Room, &Needed)
            : ZwEnumerateValueKey(Key, Index, KeyValueFullInformation, *Full, Room, &Needed);
        if (NT_SUCCESS(Status)) {
            RtlZeroMemory((PUCHAR)*Full + (*Full)->DataOffset + (*Full)->DataLength,
                          sizeof(WCHAR));
            return STATUS_SUCCESS;
        }
        ExFreePoolWithTag(*Full, CM_TAG_BUFFER);
        if (Status != STATUS_BUFFER_OVERFLOW && Status != STATUS_BUFFER_TOO_SMALL)
            return Status;
    }
}

/* Checks the type, if the entry wants it, and hands the value over. */
static NTSTATUS
RtlpReportFull(PRTLP_QUERY Query, PRTL_QUERY_REGISTRY_TABLE Entry, PCWSTR Name,
               PKEY_VALUE_FULL_INFORMATION Full)
{
    RTLP_VALUE Value = { Name, Full->Type, Full->DataLength, (PUCHAR)Full + Full->DataOffset };
    ULONG      Wanted = Entry->DefaultType >> RTL_QUERY_REGISTRY_TYPECHECK_SHIFT;

    if ((Entry->Flags & RTL_QUERY_REGISTRY_TYPECHECK) && Wanted != Full->Type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    return RtlpReportValue(Entry, &Value, Query->Context, Query->Environment);
}

/* The length of a default, where the table leaves it out. */
static ULONG
RtlpDefaultLength(PRTL_QUERY_REGISTRY_TABLE Entry, ULONG Type)
{
    PCWSTR Text = Entry->DefaultData;

    if (Entry->DefaultLength != 0 || Text == NULL)
        return Entry->DefaultLength;
    if (Type == REG_SZ || Type == REG_EXPAND_SZ)
        return (ULONG)(wcslen(Text) + 1) * sizeof(WCHAR);
    if (Type != REG_MULTI_SZ)
        return 0;
    while (*Text != 0)
        Text += wcslen(Text) + 1;
    return (ULONG)(Text + 1 - (PCWSTR)Entry->DefaultData) * sizeof(WCHAR);
}

static NTSTATUS
RtlpQueryOne(PRTLP_QUERY Query, PRTL_QUERY_REGISTRY_TABLE Entry)
{
    PKEY_VALUE_FULL_INFORMATION Full;
    RTLP_VALUE                  Default = { Entry->Name, Entry->DefaultType & 0xFF, 0,
                                            Entry->DefaultData };
    UNICODE_STRING              Name;
    NTSTATUS                    Status = RtlpReadValue(Query->Current, Entry->Name, 0, &Full);

    if (NT_SUCCESS(Status)) {
        Status = RtlpReportFull(Query, Entry, Entry->Name, Full);
        ExFreePoolWithTag(Full, CM_TAG_BUFFER);
        if (NT_SUCCESS(Status) && (Entry->Flags & RTL_QUERY_REGISTRY_DELETE)) {
            RtlInitUnicodeString(&Name, Entry->Name);
            ZwDeleteValueKey(Query->Current, &Name);
        }
        return Status;
    }
    if (Status != STATUS_OBJECT_NAME_NOT_FOUND || (Entry->Flags & RTL_QUERY_REGISTRY_REQUIRED))
        return Status;
    if (Default.Type == REG_NONE)
        return STATUS_SUCCESS;
    Default.Length = RtlpDefaultLength(Entry, Default.Type);
    return RtlpReportValue(Entry, &Default, Query->Context, Query->Environment);
}

/* One of all values, by its index; *Deleted: it is not there any more. */
static NTSTATUS
RtlpQueryIndex(PRTLP_QUERY Query, PRTL_QUERY_REGISTRY_TABLE Entry, ULONG Index, PBOOLEAN Deleted)
{
    PKEY_VALUE_FULL_INFORMATION Full;
    UNICODE_STRING              Name;
    NTSTATUS                    Status = RtlpReadValue(Query->Current, NULL, Index, &Full);

    *Deleted = FALSE;
    if (!NT_SUCCESS(Status))
        return Status;
    Name.Length = (USHORT)Full->NameLength;
    Name.MaximumLength = Name.Length + sizeof(WCHAR);
    Name.Buffer = ExAllocatePoolWithTag(PagedPool, Name.MaximumLength, CM_TAG_BUFFER);
    Status = STATUS_INSUFFICIENT_RESOURCES;
    if (Name.Buffer != NULL) {
        RtlCopyMemory(Name.Buffer, Full->Name, Name.Length);
        Name.Buffer[Name.Length / sizeof(WCHAR)] = 0;
        Status = RtlpReportFull(Query, Entry, Name.Buffer, Full);
        if (NT_SUCCESS(Status) && (Entry->Flags & RTL_QUERY_REGISTRY_DELETE))
            *Deleted = NT_SUCCESS(ZwDeleteValueKey(Query->Current, &Name));
        CmpFreeString(&Name);
    }
    ExFreePoolWithTag(Full, CM_TAG_BUFFER);
    return Status;
}

static NTSTATUS
RtlpQueryAll(PRTLP_QUERY Query, PRTL_QUERY_REGISTRY_TABLE Entry)
{
    BOOLEAN  Deleted, Any = FALSE;
    ULONG    Index = 0;
    NTSTATUS Status;

    while (NT_SUCCESS(Status = RtlpQueryIndex(Query, Entry, Index, &Deleted))) {
        Any = TRUE;
        Index += !Deleted;
    }
    if (Status != STATUS_NO_MORE_ENTRIES)
        return Status;
    return !Any && (Entry->Flags & RTL_QUERY_REGISTRY_REQUIRED) ? STATUS_OBJECT_NAME_NOT_FOUND
                                                                : STATUS_SUCCESS;
}

static VOID
RtlpLeaveSubkey(PRTLP_QUERY Query)
{
    if (Query->Current != Query->Top && Query->Current != NULL)
        ZwClose(Query->Current);
    Query->Current = Query->Top;
}

static NTSTATUS
RtlpEnterSubkey(PRTLP_QUERY Query, PRTL_QUERY_REGISTRY_TABLE Entry)
{
    UNICODE_STRING Name;
    HANDLE         Key = NULL;
    NTSTATUS       Status = STATUS_OBJECT_NAME_NOT_FOUND;

    if (Entry->Name == NULL)
        return STATUS_INVALID_PARAMETER;
    RtlInitUnicodeString(&Name, Entry->Name);
    if (Query->Top != NULL)
        Status = RtlpOpenKey(Query->Top, &Name, KEY_READ | KEY_SET_VALUE, FALSE, &Key);
    Query->Current = NT_SUCCESS(Status) ? Key : NULL;
    if (Status == STATUS_OBJECT_NAME_NOT_FOUND && !(Entry->Flags & RTL_QUERY_REGISTRY_REQUIRED))
        return STATUS_SUCCESS;
    if (!NT_SUCCESS(Status) || Entry->QueryRoutine == NULL)
        return Status;
    return RtlpQueryAll(Query, Entry);
}

static NTSTATUS
RtlpQueryEntry(PRTLP_QUERY Query, PRTL_QUERY_REGISTRY_TABLE Entry)
{
    RTLP_VALUE None = { NULL, REG_NONE, 0, NULL };

    if ((Entry->Flags & RTL_QUERY_REGISTRY_DIRECT) &&
        (Entry->Name == NULL || Entry->QueryRoutine != NULL || Entry->EntryContext == NULL ||
         (Entry->Flags & RTL_QUERY_REGISTRY_SUBKEY)))
        return STATUS_INVALID_PARAMETER;
    if (Entry->Flags & (RTL_QUERY_REGISTRY_SUBKEY | RTL_QUERY_REGISTRY_TOPKEY))
        RtlpLeaveSubkey(Query);
    if (Entry->Flags & RTL_QUERY_REGISTRY_SUBKEY)
        return RtlpEnterSubkey(Query, Entry);
    if (Entry->QueryRoutine == NULL && !(Entry->Flags & RTL_QUERY_REGISTRY_DIRECT))
        return STATUS_INVALID_PARAMETER;
    if (Entry->Name != NULL)
        return RtlpQueryOne(Query, Entry);
    if (Entry->Flags & RTL_QUERY_REGISTRY_NOVALUE)
        return RtlpReportValue(Entry, &None, Query->Context, Query->Environment);
    return RtlpQueryAll(Query, Entry);
}

/*
 * Asks for the values that QueryTable names, below RelativeTo and Path. PASSIVE_LEVEL.
 * STATUS_OBJECT_NAME_NOT_FOUND: the key, or something required, is not there;
 * STATUS_INVALID_PARAMETER: an entry that makes no sense; STATUS_OBJECT_TYPE_MISMATCH;
 * STATUS_BUFFER_TOO_SMALL; what an entry's routine returned, if it failed.
 */
NTSTATUS NTAPI
RtlQueryRegistryValues(ULONG RelativeTo, PCWSTR Path, PRTL_QUERY_REGISTRY_TABLE QueryTable,
                       PVOID Context, PVOID Environment)
{
    RTLP_QUERY Query = { .Context = Context, .Environment = Environment };
    NTSTATUS   Status = RtlpOpenPlace(RelativeTo, Path, MAXIMUM_ALLOWED, FALSE, &Query.Top);

    if (Status == STATUS_OBJECT_NAME_NOT_FOUND && (RelativeTo & RTL_REGISTRY_OPTIONAL)) {
        Query.Top = NULL;
        Status = STATUS_SUCCESS;
    }
    if (!NT_SUCCESS(Status))
        return Status;
    Query.Current = Query.Top;
    for (; NT_SUCCESS(Status) && (QueryTable->QueryRoutine != NULL || QueryTable->Name != NULL ||
             (QueryTable->Flags & (RTL_QUERY_REGISTRY_SUBKEY | RTL_QUERY_REGISTRY_DIRECT)));
         QueryTable++)
        Status = RtlpQueryEntry(&Query, QueryTable);
    RtlpLeaveSubkey(&Query);
    RtlpClosePlace(RelativeTo, Query.Top);
    return Status;
}
