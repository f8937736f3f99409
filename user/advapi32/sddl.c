/*
 * SIDs and security descriptors as text. What these return is freed with LocalFree, which frees
 * from the process heap.
 */
#include "advapi.h"
#include "sdk/ntsecurity.h"
#include <sddl.h>

#define LONGEST_SID 68

static PSTR
Narrow(PCWSTR Text)
{
    SIZE_T Count = wcslen(Text) + 1;
    PSTR   Narrowed = AdvAllocate(Count);

    if (Narrowed)
        AdvNarrowTo(Narrowed, Text, Count);
    return Narrowed;
}

BOOL WINAPI
ConvertSidToStringSidW(PSID Sid, LPWSTR *Text)
{
    UNICODE_STRING String;

    if (!AdvSetStatus(RtlConvertSidToUnicodeString(&String, Sid, TRUE)))
        return FALSE;
    *Text = String.Buffer;
    return TRUE;
}

BOOL WINAPI
ConvertSidToStringSidA(PSID Sid, LPSTR *Text)
{
    LPWSTR Wide;

    if (!ConvertSidToStringSidW(Sid, &Wide))
        return FALSE;
    *Text = Narrow(Wide);
    AdvFree(Wide);
    return *Text != NULL;
}

BOOL WINAPI
ConvertStringSidToSidW(LPCWSTR Text, PSID *Sid)
{
    *Sid = AdvAllocate(LONGEST_SID);
    if (*Sid == NULL)
        return FALSE;
    if (AdvSetStatus(RtlpTextToSid(Text, *Sid, LONGEST_SID)))
        return TRUE;
    AdvFree(*Sid);
    *Sid = NULL;
    return FALSE;
}

BOOL WINAPI
ConvertStringSidToSidA(LPCSTR Text, PSID *Sid)
{
    BOOL  Failed = FALSE, Done;
    PWSTR Wide = AdvWiden(Text, &Failed);

    if (Wide == NULL)
        return FALSE;
    Done = ConvertStringSidToSidW(Wide, Sid);
    AdvFree(Wide);
    return Done;
}

BOOL WINAPI
ConvertStringSecurityDescriptorToSecurityDescriptorW(LPCWSTR Text, DWORD Revision,
    PSECURITY_DESCRIPTOR *Descriptor, PULONG Size)
{
    ULONG Length = 0;

    if (Revision != SDDL_REVISION_1)
        return AdvSetStatus(STATUS_UNKNOWN_REVISION);
    if (!AdvSetStatus(RtlpSddlToDescriptor(Text, Descriptor, &Length)))
        return FALSE;
    if (Size)
        *Size = Length;
    return TRUE;
}

BOOL WINAPI
ConvertStringSecurityDescriptorToSecurityDescriptorA(LPCSTR Text, DWORD Revision,
    PSECURITY_DESCRIPTOR *Descriptor, PULONG Size)
{
    BOOL  Failed = FALSE, Done;
    PWSTR Wide = AdvWiden(Text, &Failed);

    if (Wide == NULL)
        return FALSE;
    Done = ConvertStringSecurityDescriptorToSecurityDescriptorW(Wide, Revision, Descriptor, Size);
    AdvFree(Wide);
    return Done;
}

BOOL WINAPI
ConvertSecurityDescriptorToStringSecurityDescriptorW(PSECURITY_DESCRIPTOR Descriptor,
    DWORD Revision, SECURITY_INFORMATION Information, LPWSTR *Text, PULONG Count)
{
    ULONG Needed = 0;

    if (Revision != SDDL_REVISION_1)
        return AdvSetStatus(STATUS_UNKNOWN_REVISION);
    RtlpDescriptorToSddl(Descriptor, Information, NULL, &Needed);
    *Text = AdvAllocate(Needed * sizeof(WCHAR));
    if (*Text == NULL)
        return FALSE;
    if (Count)
        *Count = Needed;
    return AdvSetStatus(RtlpDescriptorToSddl(Descriptor, Information, *Text, &Needed));
}

BOOL WINAPI
ConvertSecurityDescriptorToStringSecurityDescriptorA(PSECURITY_DESCRIPTOR Descriptor,
    DWORD Revision, SECURITY_INFORMATION Information, LPSTR *Text, PULONG Count)
{
    LPWSTR Wide;

    if (!ConvertSecurityDescriptorToStringSecurityDescriptorW(Descriptor, Revision, Information,
            &Wide, Count))
        return FALSE;
    *Text = Narrow(Wide);
    AdvFree(Wide);
    return *Text != NULL;
}
