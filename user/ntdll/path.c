/*
 * DOS path names to NT names.
 *
 *   \\.\X, \\?\X, \??\X         \??\X                   a device by its DOS name
 *   NUL, CON, COM1 ...          \??\NUL                 the old device names, without an extension
 *   \SystemRoot\X, \Device\X    as they are             NT names that Etude's programs may type
 *   C:\X, C:\Windows\X, \X      \SystemRoot\X           the RAM disk is the only disk
 *   X, C:X                      \SystemRoot\dir\X       relative to the current directory
 *
 * Slashes become backslashes; "." and ".." are resolved and do not climb above the root.
 */
#include "ntdllp.h"

#define RTLP_MAX_PATH   0x400

static BOOLEAN
RtlpHasPrefix(PCWSTR Text, PCWSTR Prefix)
{
    for (; *Prefix; Prefix++, Text++) {
        WCHAR A = *Text >= L'A' && *Text <= L'Z' ? *Text + 32 : *Text;
        WCHAR B = *Prefix >= L'A' && *Prefix <= L'Z' ? *Prefix + 32 : *Prefix;

        if (A != B && !(B == L'\\' && A == L'/'))
            return FALSE;
    }
    return TRUE;
}

static BOOLEAN
RtlpIsOldDevice(PCWSTR Name)
{
    static const PCWSTR Devices[] = { L"NUL", L"CON", L"CONIN$", L"CONOUT$", L"AUX", L"PRN" };
    ULONG               Length = (ULONG)wcslen(Name);

    for (ULONG Index = 0; Index < ARRAYSIZE(Devices); Index++)
        if (Length == wcslen(Devices[Index]) && RtlpHasPrefix(Name, Devices[Index]))
            return TRUE;
    return Length == 4 && (RtlpHasPrefix(Name, L"COM") || RtlpHasPrefix(Name, L"LPT"))
        && Name[3] >= L'1' && Name[3] <= L'9';
}

/*
 * Appends the parts of Path to Target (which holds Count characters, Root of them fixed); 0 if it
 * does not fit.
 */
static ULONG
RtlpAppendParts(PWSTR Target, ULONG Count, ULONG Root, PCWSTR Path)
{
    while (*Path) {
        ULONG Length = 0;

        while (Path[Length] && Path[Length] != L'\\' && Path[Length] != L'/')
            Length++;
        if (Length == 2 && Path[0] == L'.' && Path[1] == L'.') {
            while (Count > Root && Target[--Count] != L'\\')
                ;
        } else if (Length && !(Length == 1 && Path[0] == L'.')) {
            if (Count + Length + 1 >= RTLP_MAX_PATH)
                return 0;
            Target[Count++] = L'\\';
            memcpy(Target + Count, Path, Length * sizeof(WCHAR));
            Count += Length;
        }
        Path += Length;
        while (*Path == L'\\' || *Path == L'/')
            Path++;
    }
    return Count;
}

/* Appends Path as it stands. */
static ULONG
RtlpAppendVerbatim(PWSTR Target, ULONG Count, PCWSTR Path)
{
    ULONG Length = (ULONG)wcslen(Path);

    if (Count + Length >= RTLP_MAX_PATH)
        return 0;
    memcpy(Target + Count, Path, Length * sizeof(WCHAR));
    return Count + Length;
}

static ULONG
RtlpTranslate(PCWSTR Dos, PWSTR Target)
{
    static const WCHAR Root[] = L"\\SystemRoot", Devices[] = L"\\??\\";
    ULONG              Count = ARRAYSIZE(Root) - 1;
    PCWSTR             Directory = NULL;

    if (RtlpHasPrefix(Dos, L"\\\\.\\") || RtlpHasPrefix(Dos, L"\\\\?\\") || RtlpHasPrefix(Dos,
        Devices) || RtlpIsOldDevice(Dos)) {
        memcpy(Target, Devices, sizeof Devices);
        return RtlpAppendVerbatim(Target, 4, RtlpIsOldDevice(Dos) ? Dos : Dos + 4);
    }
    if (RtlpHasPrefix(Dos, L"\\SystemRoot\\") || RtlpHasPrefix(Dos, L"\\Device\\"))
        return RtlpAppendVerbatim(Target, 0, Dos);

    if (Dos[0] && Dos[1] == L':')
        Dos += 2;
    if (Dos[0] != L'\\' && Dos[0] != L'/')
        Directory = NtCurrentPeb()->ProcessParameters->CurrentDirectory.DosPath.Buffer;
    else if (RtlpHasPrefix(Dos, L"\\Windows\\"))
        Dos += 8;
    memcpy(Target, Root, sizeof Root);
    if (Directory && Directory[0] && Directory[1] == L':')
        Directory += 2;
    if (Directory && RtlpHasPrefix(Directory, L"\\SystemRoot"))
        Directory += ARRAYSIZE(Root) - 1;
    if (Directory)
        Count = RtlpAppendParts(Target, Count, ARRAYSIZE(Root) - 1, Directory);
    return Count ? RtlpAppendParts(Target, Count, ARRAYSIZE(Root) - 1, Dos) : 0;
}

/*
 * NtName's buffer comes from the process heap: RtlFreeUnicodeString. *FilePart is the last part
 * within it. FALSE for an empty name, one longer than 1023 characters, or when memory is short.
 */
BOOLEAN NTAPI
RtlDosPathNameToNtPathName_U(PCWSTR DosName, PUNICODE_STRING NtName, PWSTR *FilePart,
    PVOID Reserved)
{
    PWSTR Buffer;
    ULONG Count;

    if (DosName == NULL || DosName[0] == 0)
        return FALSE;
    Buffer = RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, 0, (RTLP_MAX_PATH + 1) * sizeof(WCHAR));
    if (Buffer == NULL)
        return FALSE;
    Count = RtlpTranslate(DosName, Buffer);
    if (Count == 0) {
        RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, Buffer);
        return FALSE;
    }
    Buffer[Count] = 0;
    NtName->Buffer = Buffer;
    NtName->Length = (USHORT)(Count * sizeof(WCHAR));
    NtName->MaximumLength = (RTLP_MAX_PATH + 1) * sizeof(WCHAR);
    if (FilePart) {
        while (Count > 0 && Buffer[Count - 1] != L'\\')
            Count--;
        *FilePart = Buffer[Count] ? Buffer + Count : NULL;
    }
    return TRUE;
}
