/*
 * The descriptors of keys: each has its own, which outlives the handles, is passed on to what is
 * made in it, and decides who may open it. What the student may is tried by acting for him.
 */
#include "tsecurity.h"
#include "sdk/ntreg.h"

#define KEY     L"\\Registry\\Machine\\Software\\SeKey"
#define BELOW   KEY L"\\Below"
#define HIS     L"\\Registry\\User\\.Default\\SeHis"

static PSECURITY_DESCRIPTOR
FromText(const char *Sddl)
{
    PSECURITY_DESCRIPTOR Descriptor = NULL;

    Expect(Sddl == NULL || ConvertStringSecurityDescriptorToSecurityDescriptorA(Sddl,
        SDDL_REVISION_1, &Descriptor, NULL), "%s is refused", Sddl);
    return Descriptor;
}

static HANDLE
MakeKey(PCWSTR Name, const char *Sddl, NTSTATUS Wanted)
{
    PSECURITY_DESCRIPTOR Descriptor = FromText(Sddl);
    HANDLE               Key = NULL;

    EXPECT(NtCreateKey(&Key, KEY_ALL_ACCESS, Named(Name, Descriptor), 0, NULL, 0, NULL), Wanted);
    LocalFree(Descriptor);
    return Key;
}

static void
SetDacl(PCWSTR Name, const char *Sddl)
{
    PSECURITY_DESCRIPTOR Descriptor = FromText(Sddl);
    HANDLE               Key = NULL;

    EXPECT(NtOpenKey(&Key, WRITE_DAC, Named(Name, NULL)), STATUS_SUCCESS);
    EXPECT(NtSetSecurityObject(Key, DACL_SECURITY_INFORMATION, Descriptor), STATUS_SUCCESS);
    LocalFree(Descriptor);
    NtClose(Key);
}

static NTSTATUS
OpenKey(PCWSTR Name, ACCESS_MASK Access)
{
    HANDLE   Key;
    NTSTATUS Status = NtOpenKey(&Key, Access, Named(Name, NULL));

    if (NT_SUCCESS(Status))
        NtClose(Key);
    return Status;
}

/* Whether the DACL of the key Name has the text. */
static BOOL
HasDacl(PCWSTR Name, const char *Wanted)
{
    UCHAR  Room[512];
    ULONG  Needed;
    LPSTR  Text = NULL;
    HANDLE Key;
    BOOL   Same;

    if (!NT_SUCCESS(NtOpenKey(&Key, READ_CONTROL, Named(Name, NULL))))
        return FALSE;
    Same = NT_SUCCESS(NtQuerySecurityObject(Key, DACL_SECURITY_INFORMATION, Room, sizeof Room,
            &Needed))
        && ConvertSecurityDescriptorToStringSecurityDescriptorA(Room, SDDL_REVISION_1,
            DACL_SECURITY_INFORMATION, &Text, NULL) && strcmp(Text, Wanted) == 0;
    Expect(Same, "%ls has %s, not %s", Name, Text, Wanted);
    LocalFree(Text);
    NtClose(Key);
    return Same;
}

static void
TestLasting(HANDLE Student)
{
    NtClose(MakeKey(KEY, NULL, STATUS_SUCCESS));
    ImpersonateLoggedOnUser(Student);
    EXPECT(OpenKey(KEY, KEY_READ), STATUS_SUCCESS);
    EXPECT(OpenKey(KEY, KEY_SET_VALUE), STATUS_ACCESS_DENIED);
    EXPECT(OpenKey(KEY, WRITE_DAC), STATUS_ACCESS_DENIED);
    MakeKey(BELOW, NULL, STATUS_ACCESS_DENIED);
    RevertToSelf();

    SetDacl(KEY, "D:P(A;;KA;;;BA)");
    HasDacl(KEY, "D:P(A;;KA;;;BA)");
    ImpersonateLoggedOnUser(Student);
    EXPECT(OpenKey(KEY, KEY_READ), STATUS_ACCESS_DENIED);
    EXPECT(OpenKey(KEY, MAXIMUM_ALLOWED), STATUS_ACCESS_DENIED);
    RevertToSelf();
    SetDacl(KEY, "D:P(A;CI;KA;;;BA)(A;;KRKW;;;WD)");
    ImpersonateLoggedOnUser(Student);
    EXPECT(OpenKey(KEY, KEY_READ | KEY_SET_VALUE), STATUS_SUCCESS);
    EXPECT(OpenKey(KEY, DELETE), STATUS_ACCESS_DENIED);
    RevertToSelf();
}

static void
TestInherited(HANDLE Student)
{
    HANDLE Below;

    ImpersonateLoggedOnUser(Student);
    Below = MakeKey(BELOW, NULL, STATUS_SUCCESS);
    EXPECT(OpenKey(BELOW, KEY_READ), STATUS_ACCESS_DENIED);     // only what BA has is passed on
    EXPECT(OpenKey(BELOW, READ_CONTROL | WRITE_DAC), STATUS_SUCCESS);   // but he owns it
    RevertToSelf();
    HasDacl(BELOW, "D:(A;CI;KA;;;BA)");
    EXPECT(NtDeleteKey(Below), STATUS_SUCCESS);
    EXPECT(NtSetSecurityObject(Below, DACL_SECURITY_INFORMATION,
        &(SECURITY_DESCRIPTOR){ .Revision = 1 }), STATUS_KEY_DELETED);
    NtClose(Below);

    Below = MakeKey(BELOW, "D:(A;;KR;;;WD)(A;;KA;;;BA)", STATUS_SUCCESS);
    HasDacl(BELOW, "D:(A;;KR;;;WD)(A;;KA;;;BA)");
    ImpersonateLoggedOnUser(Student);
    EXPECT(OpenKey(BELOW, KEY_READ), STATUS_SUCCESS);
    RevertToSelf();
    EXPECT(NtDeleteKey(Below), STATUS_SUCCESS);
    NtClose(Below);
}

void
TestKeys(void)
{
    HANDLE Student = NULL, Key;

    LogonUserA("student", NULL, NULL, LOGON32_LOGON_INTERACTIVE, 0, &Student);
    Promise("The descriptor that is set on a key lasts, and decides who may open it");
    TestLasting(Student);
    Promise("A new key has the descriptor that its maker gives it, or what its parent passes on");
    TestInherited(Student);
    EXPECT(NtOpenKey(&Key, DELETE, Named(KEY, NULL)), STATUS_SUCCESS);
    EXPECT(NtDeleteKey(Key), STATUS_SUCCESS);
    NtClose(Key);

    Promise("The student makes keys where the default user may, and closes them to others");
    ImpersonateLoggedOnUser(Student);
    Key = MakeKey(HIS, "D:", STATUS_SUCCESS);
    EXPECT(OpenKey(HIS, KEY_READ), STATUS_ACCESS_DENIED);
    RevertToSelf();
    EXPECT(OpenKey(HIS, KEY_READ), STATUS_ACCESS_DENIED);
    EXPECT(NtDeleteKey(Key), STATUS_SUCCESS);
    NtClose(Key);
    NtClose(Student);
}
