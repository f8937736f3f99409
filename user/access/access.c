/*
 * access: what may I do to this object? Prints its owner, its descriptor, the entries of its DACL
 * one by one, and the rights that are granted, by name.
 *
 *     access \Device\Null              access 1234               access -u student \Driver
 *
 * What is granted is found by asking for it: the object is opened with MAXIMUM_ALLOWED, with -u
 * while acting as that user, and the handle says what it came to. A number is a process.
 */
#include "sdk/ntapi.h"
#include "sdk/ntsecurity.h"
#include "sdk/ntreg.h"
#include "sdk/ntfile.h"
#include "sdk/ntsection.h"
#include "../lib/rights.h"
#include "../lib/status.h"
#include <sddl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM     "access"
#define TYPE_NAME   32

typedef NTSTATUS (NTAPI *OPENER)(PHANDLE Handle, ACCESS_MASK Access, POBJECT_ATTRIBUTES Attributes);

static NTSTATUS NTAPI
OpenDevice(PHANDLE Handle, ACCESS_MASK Access, POBJECT_ATTRIBUTES Attributes)
{
    IO_STATUS_BLOCK Iosb;

    return NtOpenFile(Handle, Access, Attributes, &Iosb, FILE_SHARE_READ | FILE_SHARE_WRITE
        | FILE_SHARE_DELETE, 0);
}

/* Tried one after the other until one does not say STATUS_OBJECT_TYPE_MISMATCH. */
static const OPENER Openers[] = { NtOpenDirectoryObject, NtOpenSymbolicLinkObject, OpenDevice,
    NtOpenEvent, NtOpenMutant, NtOpenSemaphore, NtOpenTimer, NtOpenSection, NtOpenIoCompletion,
    NtOpenKey };

static NTSTATUS
OpenObject(const char *Object, ACCESS_MASK Access, PHANDLE Handle)
{
    WCHAR             Wide[512];
    UNICODE_STRING    Name;
    OBJECT_ATTRIBUTES Attributes;
    NTSTATUS          Status = STATUS_OBJECT_TYPE_MISMATCH;

    InitializeObjectAttributes(&Attributes, NULL, OBJ_CASE_INSENSITIVE, NULL, NULL);
    if (Object[0] != '\\') {
        CLIENT_ID Id = { (HANDLE)(ULONG_PTR)strtoul(Object, NULL, 0), NULL };

        return NtOpenProcess(Handle, Access, &Attributes, &Id);
    }
    if (strlen(Object) >= ARRAYSIZE(Wide))
        return STATUS_NAME_TOO_LONG;
    for (ULONG Index = 0; Index <= strlen(Object); Index++)
        Wide[Index] = (UCHAR)Object[Index];
    RtlInitUnicodeString(&Name, Wide);
    Attributes.ObjectName = &Name;
    for (ULONG Index = 0; Index < ARRAYSIZE(Openers)
         && Status == STATUS_OBJECT_TYPE_MISMATCH; Index++)
        Status = Openers[Index](Handle, Access, &Attributes);
    return Status;
}

/* A name with its SID, or only the SID. */
static void
PrintSid(PSID Sid)
{
    char         Name[64], Domain[64];
    DWORD        NameRoom = sizeof Name, DomainRoom = sizeof Domain;
    SID_NAME_USE Use;
    LPSTR        Text;

    if (LookupAccountSidA(NULL, Sid, Name, &NameRoom, Domain, &DomainRoom, &Use))
        printf("%s%s%s", Domain, Domain[0] ? "\\" : "", Name);
    else if (ConvertSidToStringSidA(Sid, &Text))
        printf("%s", Text);
}

static void
PrintDacl(PSECURITY_DESCRIPTOR Descriptor, const char *Type)
{
    BOOL                Present, Defaulted;
    PACL                Dacl = NULL;
    ACCESS_ALLOWED_ACE *Ace;

    GetSecurityDescriptorDacl(Descriptor, &Present, &Dacl, &Defaulted);
    if (!Present || Dacl == NULL)
        printf("  everybody may do everything: there is no DACL\n");
    for (DWORD Index = 0; Dacl && Index < Dacl->AceCount; Index++) {
        if (!GetAce(Dacl, Index, (LPVOID *)&Ace))
            return;
        printf("  %s ", Ace->Header.AceType == ACCESS_ALLOWED_ACE_TYPE ? "allow"
            : Ace->Header.AceType == ACCESS_DENIED_ACE_TYPE ? "deny " : "other");
        PrintSid(&Ace->SidStart);
        printf(": 0x%06lX", Ace->Mask);
        PrintRights(Type, Ace->Mask);
        printf("%s\n", Ace->Header.AceFlags & INHERIT_ONLY_ACE ? " (for what is made in it)" : "");
    }
}

/* Owner, SDDL and DACL, as far as the caller may read them. */
static void
PrintDescriptor(HANDLE Object, const char *Type)
{
    const SECURITY_INFORMATION All = OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION
        | DACL_SECURITY_INFORMATION;
    static ULONG64 Descriptor[4096];
    DWORD          Needed;
    BOOL           Defaulted;
    PSID           Owner = NULL;
    LPSTR          Text;

    if (!GetKernelObjectSecurity(Object, All, Descriptor, sizeof Descriptor, &Needed)) {
        FailLast(PROGRAM, "its descriptor cannot be read");
        return;
    }
    GetSecurityDescriptorOwner(Descriptor, &Owner, &Defaulted);
    if (Owner) {
        printf("owner ");
        PrintSid(Owner);
        printf("\n");
    }
    if (ConvertSecurityDescriptorToStringSecurityDescriptorA(Descriptor, SDDL_REVISION_1, All,
            &Text, NULL))
        printf("SDDL  %s\n", Text);
    PrintDacl(Descriptor, Type);
}

/* The name of the handle's type, and what the handle may do. */
static BOOL
Describe(HANDLE Handle, char *Type, ACCESS_MASK *Granted)
{
    static ULONG64           Buffer[64];
    PUNICODE_STRING          Name = (PUNICODE_STRING)Buffer;     // OBJECT_TYPE_INFORMATION's first
    OBJECT_BASIC_INFORMATION Basic;
    NTSTATUS                 Status;

    Status = NtQueryObject(Handle, EtObjectTypeInformation, Buffer, sizeof Buffer, NULL);
    if (NT_SUCCESS(Status))
        Status = NtQueryObject(Handle, EtObjectBasicInformation, &Basic, sizeof Basic, NULL);
    if (!NT_SUCCESS(Status))
        return FALSE;
    for (ULONG Index = 0; Index < Name->Length / sizeof(WCHAR) && Index < TYPE_NAME - 1; Index++) {
        Type[Index] = (char)Name->Buffer[Index];
        Type[Index + 1] = 0;
    }
    *Granted = Basic.GrantedAccess;
    return TRUE;
}

static int
ActAs(const char *User)
{
    HANDLE Token;

    if (!LogonUserA(User, NULL, NULL, LOGON32_LOGON_INTERACTIVE, LOGON32_PROVIDER_DEFAULT, &Token)
        || !ImpersonateLoggedOnUser(Token))
        return FailLast(PROGRAM, "%s", User);
    return 0;
}

static int
Show(const char *Object, const char *User)
{
    char        Type[TYPE_NAME] = "object", Name[64];
    DWORD       Room = sizeof Name;
    ACCESS_MASK Granted = 0;
    HANDLE      Handle;
    NTSTATUS    Status = OpenObject(Object, READ_CONTROL, &Handle);

    if (Status == STATUS_OBJECT_TYPE_MISMATCH)
        return FailStatus(PROGRAM, Status, "%s: no program can open an object of its type",
            Object);
    if (!NT_SUCCESS(Status) && Status != STATUS_ACCESS_DENIED)
        return FailStatus(PROGRAM, Status, "%s", Object);
    if (NT_SUCCESS(Status)) {
        Describe(Handle, Type, &Granted);
        printf("%s: %s\n", Object, Type);
        PrintDescriptor(Handle, Type);
        NtClose(Handle);
    } else {
        printf("%s: who may do what with it is not for you to read\n", Object);
    }

    if (User && ActAs(User))
        return 1;
    Status = OpenObject(Object, MAXIMUM_ALLOWED, &Handle);
    Granted = 0;
    if (NT_SUCCESS(Status))
        Describe(Handle, Type, &Granted);
    GetUserNameA(Name, &Room);
    printf("%s may: 0x%06lX", Name, Granted);
    PrintRights(Type, Granted);
    if (!NT_SUCCESS(Status))
        printf(" (%s)", RtlpStatusName(Status));
    printf("\n");
    if (NT_SUCCESS(Status))
        NtClose(Handle);
    RevertToSelf();
    return 0;
}

/* A path, or the number of a process. */
static BOOL
IsObject(const char *Word)
{
    char *End;

    if (Word[0] == '\\')
        return TRUE;
    strtoul(Word, &End, 0);
    return Word[0] >= '0' && Word[0] <= '9' && *End == 0;
}

int
main(int Count, char **Arguments)
{
    const char *User = NULL, *Object = NULL;

    for (int Index = 1; Index < Count; Index++) {
        if (strcmp(Arguments[Index], "-u") == 0 && Index + 1 < Count)
            User = Arguments[++Index];
        else if (Object == NULL && IsObject(Arguments[Index]))
            Object = Arguments[Index];
        else
            Object = User = "";
    }
    if (Object == NULL || Object[0] == 0) {
        fprintf(stderr, "usage: %s [-u USER] OBJECT  what you (or USER) may do to an object\n"
            "                           by its path, or to a process by its number\n", PROGRAM);
        return 2;
    }
    return Show(Object, User);
}
