/*
 * Who may do what to services and to the registry: a thread that acts for somebody who is no
 * administrator reads both and changes neither, and does not meet an administrator's handles.
 */
#include "tservice.h"

NTSTATUS NTAPI NtOpenProcessToken(HANDLE Process, ACCESS_MASK Access, PHANDLE Token);
NTSTATUS NTAPI NtFilterToken(HANDLE Token, ULONG Flags, PTOKEN_GROUPS Disable,
    PTOKEN_PRIVILEGES Delete, PTOKEN_GROUPS Restrict, PHANDLE New);
NTSTATUS NTAPI NtDuplicateToken(HANDLE Token, ACCESS_MASK Access, POBJECT_ATTRIBUTES Attributes,
    BOOLEAN EffectiveOnly, TOKEN_TYPE Type, PHANDLE New);

/* The running thread acts for somebody who is no administrator; back again with NULL. */
static NTSTATUS
ActAsNobody(HANDLE *Nobody)
{
    static SID System = { SID_REVISION, 1, SECURITY_NT_AUTHORITY, { SECURITY_LOCAL_SYSTEM_RID } };
    static struct { SID Sid; DWORD More; } Admins = { { SID_REVISION, 2, SECURITY_NT_AUTHORITY,
        { SECURITY_BUILTIN_DOMAIN_RID } }, DOMAIN_ALIAS_RID_ADMINS };
    struct { TOKEN_GROUPS Groups; SID_AND_ATTRIBUTES More; } Disable = { { 2, { { &System, 0 } } },
        { &Admins.Sid, 0 } };
    SECURITY_QUALITY_OF_SERVICE Qos = { sizeof Qos, SecurityImpersonation, FALSE, FALSE };
    OBJECT_ATTRIBUTES Attributes;
    HANDLE            Own, Filtered = NULL;
    NTSTATUS          Status = NtOpenProcessToken(NtCurrentProcess(), TOKEN_DUPLICATE | TOKEN_QUERY,
                          &Own);

    InitializeObjectAttributes(&Attributes, NULL, 0, NULL, NULL);
    Attributes.SecurityQualityOfService = &Qos;
    if (Status >= 0)
        Status = NtFilterToken(Own, 0, &Disable.Groups, NULL, NULL, &Filtered);
    if (Status >= 0)
        Status = NtDuplicateToken(Filtered, TOKEN_IMPERSONATE | TOKEN_QUERY, &Attributes, FALSE,
            TokenImpersonation, Nobody);
    if (Status >= 0)
        Status = NtSetInformationThread(NtCurrentThread(), 5, Nobody, sizeof *Nobody);
    NtClose(Own);
    if (Filtered)
        NtClose(Filtered);
    return Status;
}

void
Rights(void)
{
    HANDLE    Nobody = NULL, None = NULL;
    HKEY      Key;
    SC_HANDLE Limited, Service, Own = OpenServiceA(Manager, "null", SERVICE_ALL_ACCESS);
    NTSTATUS  Status;

    Promise("Who is no administrator reads the registry and services, and changes neither");
    Status = ActAsNobody(&Nobody);
    Expect(Status == 0, "status 0x%08lX", (ULONG)Status);
    Expect(RegOpenKeyExA(HKEY_LOCAL_MACHINE, "System\\CurrentControlSet\\Services\\null", 0,
        KEY_READ, &Key) == 0, "cannot read");
    RegCloseKey(Key);
    Expect(RegOpenKeyExA(HKEY_LOCAL_MACHINE, "System\\CurrentControlSet\\Services\\null", 0,
        KEY_SET_VALUE, &Key) == ERROR_ACCESS_DENIED, "can write");
    Expect(RegCreateKeyExA(HKEY_LOCAL_MACHINE, "Software\\Mine", 0, NULL, 0, KEY_READ, NULL, &Key,
        NULL) == ERROR_ACCESS_DENIED, "can create");
    Expect(RegCreateKeyExA(HKEY_CURRENT_USER, "Software\\Mine", 0, NULL, 0, KEY_ALL_ACCESS, NULL,
        &Key, NULL) == 0, "cannot write to his own");
    RegCloseKey(Key);
    FAILS(OpenSCManagerA(NULL, NULL, SC_MANAGER_CREATE_SERVICE), ERROR_ACCESS_DENIED);
    Limited = OpenSCManagerA(NULL, NULL, SC_MANAGER_CONNECT);
    FAILS(OpenServiceA(Limited, "null", SERVICE_CHANGE_CONFIG), ERROR_ACCESS_DENIED);
    FAILS(OpenServiceA(Limited, "null", DELETE), ERROR_ACCESS_DENIED);
    FAILS(OpenServiceA(Limited, "null", SERVICE_START), ERROR_ACCESS_DENIED);
    FAILS(OpenServiceA(Limited, "null", SERVICE_STOP), ERROR_ACCESS_DENIED);
    FAILS(OpenServiceA(Limited, "null", GENERIC_EXECUTE), ERROR_ACCESS_DENIED);
    Service = OpenServiceA(Limited, "null", GENERIC_READ);
    Expect(Service != NULL && StateOf(Service) != 0, "cannot ask: error %lu", GetLastError());
    CloseServiceHandle(Own);
    Own = OpenServiceA(Manager, "null", SERVICE_QUERY_STATUS);
    Expect(Own != NULL, "cannot ask again: error %lu", GetLastError());
    CloseServiceHandle(Service);
    CloseServiceHandle(Own);
    NtSetInformationThread(NtCurrentThread(), 5, &None, sizeof None);
    CloseServiceHandle(Limited);
    RegDeleteTreeA(HKEY_CURRENT_USER, "Software\\Mine");
    NtClose(Nobody);
}
