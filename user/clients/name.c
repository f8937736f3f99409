/*
 * From what a user types to the name of an object. Win32's names are symbolic links in \??; they
 * are followed one by one, for the names of open files begin with the device's own name.
 */
#include "clients.h"
#include <stdio.h>
#include <string.h>

#define MAX_LINKS   32

/* The target of the link at Name, which may be none. */
static NTSTATUS
FollowLink(PUNICODE_STRING Name, PUNICODE_STRING Target)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE            Link;
    NTSTATUS          Status;

    InitializeObjectAttributes(&Attributes, Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    Status = NtOpenSymbolicLinkObject(&Link, SYMBOLIC_LINK_QUERY, &Attributes);
    if (!NT_SUCCESS(Status))
        return Status;
    Status = NtQuerySymbolicLinkObject(Link, Target, NULL);
    NtClose(Link);
    return Status;
}

/* Replaces the longest head of Name that is a link by its target. FALSE: none is. */
static BOOL
ReplaceLink(PUNICODE_STRING Name)
{
    WCHAR          Buffer[MAX_NAME];
    UNICODE_STRING Target = { 0, sizeof Buffer, Buffer }, Head = *Name;
    USHORT         Rest;

    while (Head.Length > sizeof(WCHAR)) {
        if (NT_SUCCESS(FollowLink(&Head, &Target))) {
            Rest = Name->Length - Head.Length;
            if (Target.Length + Rest > Name->MaximumLength)
                return FALSE;
            memmove((PUCHAR)Name->Buffer + Target.Length, (PUCHAR)Name->Buffer + Head.Length,
                Rest);
            memcpy(Name->Buffer, Target.Buffer, Target.Length);
            Name->Length = Target.Length + Rest;
            return TRUE;
        }
        do
            Head.Length -= sizeof(WCHAR);
        while (Head.Length && Head.Buffer[Head.Length / sizeof(WCHAR)] != L'\\');
    }
    return FALSE;
}

NTSTATUS
ResolveName(const char *Text, PUNICODE_STRING Name)
{
    BOOL IsWin32 = strncmp(Text, "\\\\.\\", 4) == 0 || strncmp(Text, "\\\\?\\", 4) == 0;
    int  Length;

    if (IsWin32)
        Text += 4;
    Length = _snwprintf(Name->Buffer, MAX_NAME, L"%ls%hs",
        IsWin32 || *Text != '\\' ? L"\\??\\" : L"", Text);
    if (Length < 0 || Length >= MAX_NAME)
        return STATUS_NAME_TOO_LONG;
    Name->Length = (USHORT)(Length * sizeof(WCHAR));
    Name->MaximumLength = MAX_NAME * sizeof(WCHAR);
    for (ULONG Count = 0; ReplaceLink(Name); Count++)
        if (Count == MAX_LINKS)
            return STATUS_OBJECT_PATH_INVALID;
    return STATUS_SUCCESS;
}

NTSTATUS
ProbeDriver(PUNICODE_STRING Name)
{
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK   Iosb;
    HANDLE            Handle;
    NTSTATUS          Status;

    InitializeObjectAttributes(&Attributes, Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    Status = NtOpenFile(&Handle, SYNCHRONIZE, &Attributes, &Iosb, 0, 0);
    if (NT_SUCCESS(Status))
        NtClose(Handle);
    return Status;
}
