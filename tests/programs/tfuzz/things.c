/*
 * The things that a child's calls are about: a few objects of every kind, and the memory that all
 * its threads share. They are made once and last as long as the child.
 */
#include "things.h"
#include "sdk/ntreg.h"
#include "sdk/ntsection.h"
#include "sdk/ntsecurity.h"
#include <sddl.h>
#include <string.h>

const char Kinds[] = KINDS;
HANDLE     Things[sizeof KINDS - 1][OF_A_KIND];
PUCHAR     Memory, Descriptor;
ULONG      DescriptorLength;

DWORD WINAPI
ComeBack(PVOID Parameter)
{
    return 0;
}

/* Keeps a handle under its kind's letter. */
static PHANDLE
Keep(char Kind)
{
    PHANDLE Place = Things[strchr(Kinds, Kind) - Kinds];

    for (ULONG Index = 0; Index < OF_A_KIND - 1; Index++, Place++)
        if (*Place == NULL)
            break;
    return Place;
}

static void
KeepFile(char Kind, const char *Name, DWORD Access, DWORD Flags)
{
    *Keep(Kind) = CreateFileA(Name, Access, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING,
        FILE_FLAG_BACKUP_SEMANTICS | Flags, NULL);
}

/* F: synchronous, Q: asynchronous, J: a directory. */
static void
MakeFiles(void)
{
    KeepFile('F', "NUL", GENERIC_READ | GENERIC_WRITE, 0);
    KeepFile('F', "\\\\.\\Example\\FUZZ", GENERIC_READ | GENERIC_WRITE, 0);
    KeepFile('F', "\\SystemRoot\\System32\\ntdll.dll", GENERIC_READ, 0);
    KeepFile('Q', "NUL", GENERIC_READ | GENERIC_WRITE, FILE_FLAG_OVERLAPPED);
    KeepFile('Q', "\\\\.\\Example\\FUZZ", GENERIC_READ | GENERIC_WRITE, FILE_FLAG_OVERLAPPED);
    KeepFile('Q', "\\\\.\\Example\\FUZZ2", GENERIC_READ, FILE_FLAG_OVERLAPPED);
    KeepFile('Q', "\\SystemRoot\\System32\\ntdll.dll", GENERIC_READ, FILE_FLAG_OVERLAPPED);
    KeepFile('Q', "\\\\.\\Notify", GENERIC_READ | GENERIC_WRITE, FILE_FLAG_OVERLAPPED);
    KeepFile('Q', "\\\\.\\Inverted", GENERIC_READ | GENERIC_WRITE, FILE_FLAG_OVERLAPPED);
    KeepFile('Q', "\\\\.\\Ticker", GENERIC_READ | GENERIC_WRITE, FILE_FLAG_OVERLAPPED);
    KeepFile('F', "\\\\.\\GetDev", GENERIC_READ | GENERIC_WRITE, 0);
    KeepFile('J', "\\SystemRoot\\System32", GENERIC_READ, 0);
    KeepFile('J', "\\SystemRoot", GENERIC_READ, FILE_FLAG_OVERLAPPED);
}

static void
MakeObjects(void)
{
    LARGE_INTEGER Size = { .QuadPart = 0x20000 };
    HANDLE        Self = NtCurrentProcess();

    NtCreateEvent(Keep('E'), EVENT_ALL_ACCESS, NULL, 0, FALSE);
    NtCreateEvent(Keep('E'), EVENT_ALL_ACCESS, NULL, 1, TRUE);
    NtCreateEvent(Keep('E'), SYNCHRONIZE, NULL, 1, TRUE);
    NtCreateIoCompletion(Keep('C'), IO_COMPLETION_ALL_ACCESS, NULL, 0);
    NtCreateSemaphore(Keep('S'), SEMAPHORE_ALL_ACCESS, NULL, 1, 5);
    NtCreateMutant(Keep('M'), MUTANT_ALL_ACCESS, NULL, FALSE);
    NtCreateTimer(Keep('T'), TIMER_ALL_ACCESS, NULL, 0);
    NtCreateTimer(Keep('T'), TIMER_ALL_ACCESS, NULL, 1);
    NtCreateSection(Keep('N'), SECTION_ALL_ACCESS, NULL, &Size, PAGE_READWRITE, SEC_COMMIT, NULL);
    NtOpenProcessToken(Self, TOKEN_ALL_ACCESS, Keep('O'));
    NtDuplicateToken(*Things[strchr(Kinds, 'O') - Kinds], TOKEN_ALL_ACCESS, NULL, FALSE,
        TokenImpersonation, Keep('O'));
    *Keep('H') = CreateThread(NULL, 0, ComeBack, NULL,
        CREATE_SUSPENDED, NULL);
    NtDuplicateObject(Self, Self, Self, Keep('P'), PROCESS_ALL_ACCESS & ~PROCESS_TERMINATE
        & ~PROCESS_SUSPEND_RESUME, 0, 0);
}

static void
MakeNames(void)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING    Name;

    InitializeObjectAttributes(&Attributes, &Name, 0, NULL, NULL);
    RtlInitUnicodeString(&Name, L"\\BaseNamedObjects");
    NtOpenDirectoryObject(Keep('D'), DIRECTORY_QUERY | DIRECTORY_TRAVERSE, &Attributes);
    NtCreateDirectoryObject(Keep('D'), 0xF000F, NULL);
    RtlInitUnicodeString(&Name, L"\\SystemRoot");
    NtOpenSymbolicLinkObject(Keep('L'), SYMBOLIC_LINK_QUERY, &Attributes);
    RtlInitUnicodeString(&Name, L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\pipe");
    NtOpenKey(Keep('K'), KEY_READ, &Attributes);
}

BOOL
MakeThings(void)
{
    DWORD Old;

    Memory = VirtualAlloc(NULL, (PAGES + 2) * PAGE, MEM_RESERVE, PAGE_READWRITE);
    if (Memory == NULL || !VirtualAlloc(Memory, (PAGES + 1) * PAGE, MEM_COMMIT, PAGE_READWRITE)
        || !VirtualProtect(Memory + PAGES * PAGE, PAGE, PAGE_READONLY, &Old)
        || !ConvertStringSecurityDescriptorToSecurityDescriptorA(
            "O:BAG:BAD:(A;;GA;;;WD)(D;;GW;;;BG)", SDDL_REVISION_1,
            (PVOID *)&Descriptor, &DescriptorLength))
        return FALSE;
    MakeFiles();
    MakeObjects();
    MakeNames();
    return TRUE;
}
