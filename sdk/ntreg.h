/*
 * The registry's structures that mingw-w64's headers leave out: for programs those that the DDK
 * headers have, for the kernel the few that those lack too. Published layouts.
 */
#pragma once

typedef struct _KEY_NAME_INFORMATION {
    ULONG NameLength;
    WCHAR Name[1];
} KEY_NAME_INFORMATION, *PKEY_NAME_INFORMATION;

typedef struct _KEY_CACHED_INFORMATION {
    LARGE_INTEGER LastWriteTime;
    ULONG         TitleIndex, SubKeys, MaxNameLen, Values, MaxValueNameLen, MaxValueDataLen;
    ULONG         NameLength;
    WCHAR         Name[1];
} KEY_CACHED_INFORMATION, *PKEY_CACHED_INFORMATION;

typedef struct _KEY_FLAGS_INFORMATION {
    ULONG Wow64Flags;
    ULONG KeyFlags;                             // KEY_FLAG_VOLATILE
    ULONG ControlFlags;
} KEY_FLAGS_INFORMATION, *PKEY_FLAGS_INFORMATION;

#define KEY_FLAG_VOLATILE   1

#ifndef _NTOSKRNL_

enum { KeyBasicInformation, KeyNodeInformation, KeyFullInformation, KeyNameInformation };
enum { KeyValueBasicInformation, KeyValueFullInformation, KeyValuePartialInformation };

typedef struct _KEY_BASIC_INFORMATION {
    LARGE_INTEGER LastWriteTime;
    ULONG         TitleIndex, NameLength;
    WCHAR         Name[1];
} KEY_BASIC_INFORMATION, *PKEY_BASIC_INFORMATION;

typedef struct _KEY_FULL_INFORMATION {
    LARGE_INTEGER LastWriteTime;
    ULONG         TitleIndex, ClassOffset, ClassLength, SubKeys, MaxNameLen, MaxClassLen;
    ULONG         Values, MaxValueNameLen, MaxValueDataLen;
    WCHAR         Class[1];
} KEY_FULL_INFORMATION, *PKEY_FULL_INFORMATION;

typedef struct _KEY_VALUE_FULL_INFORMATION {
    ULONG TitleIndex, Type, DataOffset, DataLength, NameLength;
    WCHAR Name[1];
} KEY_VALUE_FULL_INFORMATION, *PKEY_VALUE_FULL_INFORMATION;

typedef struct _KEY_VALUE_PARTIAL_INFORMATION {
    ULONG TitleIndex, Type, DataLength;
    UCHAR Data[1];
} KEY_VALUE_PARTIAL_INFORMATION, *PKEY_VALUE_PARTIAL_INFORMATION;

NTSTATUS NTAPI NtCreateKey(PHANDLE Key, ACCESS_MASK Access, POBJECT_ATTRIBUTES Attributes,
    ULONG TitleIndex, PUNICODE_STRING Class, ULONG Options, PULONG Disposition);
NTSTATUS NTAPI NtOpenKey(PHANDLE Key, ACCESS_MASK Access, POBJECT_ATTRIBUTES Attributes);
NTSTATUS NTAPI NtOpenKeyEx(PHANDLE Key, ACCESS_MASK Access, POBJECT_ATTRIBUTES Attributes,
    ULONG Options);
NTSTATUS NTAPI NtDeleteKey(HANDLE Key);
NTSTATUS NTAPI NtFlushKey(HANDLE Key);
NTSTATUS NTAPI NtQueryKey(HANDLE Key, ULONG Class, PVOID Buffer, ULONG Length, PULONG Needed);
NTSTATUS NTAPI NtEnumerateKey(HANDLE Key, ULONG Index, ULONG Class, PVOID Buffer, ULONG Length,
    PULONG Needed);
NTSTATUS NTAPI NtQueryValueKey(HANDLE Key, PUNICODE_STRING Name, ULONG Class, PVOID Buffer,
    ULONG Length, PULONG Needed);
NTSTATUS NTAPI NtEnumerateValueKey(HANDLE Key, ULONG Index, ULONG Class, PVOID Buffer,
    ULONG Length, PULONG Needed);
NTSTATUS NTAPI NtSetValueKey(HANDLE Key, PUNICODE_STRING Name, ULONG TitleIndex, ULONG Type,
    const VOID *Data, ULONG Size);
NTSTATUS NTAPI NtDeleteValueKey(HANDLE Key, PUNICODE_STRING Name);

#endif
