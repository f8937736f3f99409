/* A pipe's descriptor: its creator gives it, every later open is checked against it. */
#include "twait.h"
#include <sddl.h>

/* FR and FW: file rights to read and write; WD: everybody. */
#define READ_ONLY   "D:(A;;FR;;;WD)"
#define READ_WRITE  "D:(A;;FRFW;;;WD)"

static PSECURITY_DESCRIPTOR
Descriptor(const char *Text)
{
    PSECURITY_DESCRIPTOR Made = NULL;

    Expect(ConvertStringSecurityDescriptorToSecurityDescriptorA(Text, SDDL_REVISION_1, &Made, NULL),
        "%s: %lu", Text, GetLastError());
    return Made;
}

static HANDLE
Create(PSECURITY_DESCRIPTOR Security, DWORD Access)
{
    SECURITY_ATTRIBUTES Attributes = { sizeof Attributes, Security, FALSE };

    return CreateFileA("\\\\.\\Example\\TGUARDED", Access, FILE_SHARE_READ | FILE_SHARE_WRITE,
        &Attributes, OPEN_EXISTING, 0, NULL);
}

static BOOL
Opens(DWORD Access)
{
    HANDLE Pipe = Create(NULL, Access);

    if (Pipe == INVALID_HANDLE_VALUE)
        return FALSE;
    CloseHandle(Pipe);
    return TRUE;
}

void
TestSecurity(void)
{
    PSECURITY_DESCRIPTOR Reading = Descriptor(READ_ONLY), Both = Descriptor(READ_WRITE);
    HANDLE               Owner = Create(Reading, GENERIC_READ | GENERIC_WRITE | WRITE_DAC);
    UCHAR                Held[256];
    DWORD                Needed, Count;
    LPSTR                Text;

    Promise("A pipe's creator gets what he asks for, others what his descriptor lets them");
    Expect(Owner != INVALID_HANDLE_VALUE, "the creator: %lu", GetLastError());
    Expect(Opens(GENERIC_READ), "a reader: %lu", GetLastError());
    Expect(!Opens(GENERIC_WRITE) && GetLastError() == ERROR_ACCESS_DENIED, "a writer: %lu",
        GetLastError());
    Expect(!Opens(GENERIC_READ | GENERIC_WRITE), "one who wants both");

    Promise("Who was refused is not counted, as a writer or as an open");
    Expect(Traffic(Owner).Writers == 1 && Traffic(Owner).Readers == 1, "%lu writers, %lu readers",
        Traffic(Owner).Writers, Traffic(Owner).Readers);

    Promise("The descriptor can be read and changed, and later opens go by what it is then");
    Expect(GetKernelObjectSecurity(Owner, DACL_SECURITY_INFORMATION, Held, sizeof Held, &Needed),
        "reading it: %lu", GetLastError());
    Expect(ConvertSecurityDescriptorToStringSecurityDescriptorA(Held, SDDL_REVISION_1,
        DACL_SECURITY_INFORMATION, &Text, &Count) && strcmp(Text, READ_ONLY) == 0, "it is %s",
        Text);
    LocalFree(Text);
    Expect(SetKernelObjectSecurity(Owner, DACL_SECURITY_INFORMATION, Both), "changing it: %lu",
        GetLastError());
    Expect(Opens(GENERIC_WRITE), "a writer: %lu", GetLastError());
    CloseHandle(Owner);
    LocalFree(Reading);
    LocalFree(Both);
}
