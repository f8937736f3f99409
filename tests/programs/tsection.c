/*
 * Sections from a program: memory that processes share, files seen as memory, copies at the first
 * write, reserved sections that are committed piece by piece, images; rights, refusals, leaks.
 *
 * Run with an argument it is the other process: it opens the section of that name, checks what
 * the first process wrote and answers.
 */
#include "sdk/ntapi.h"
#include "sdk/ntsection.h"
#include "user/lib/testing.h"
#include <stdio.h>
#include <string.h>

#define NAME    "tsection"
#define SIZE    0x30000

static int
Other(void)
{
    HANDLE Section = OpenFileMappingA(FILE_MAP_WRITE | FILE_MAP_READ, FALSE, NAME);
    char  *View = Section ? MapViewOfFile(Section, FILE_MAP_WRITE | FILE_MAP_READ, 0, 0, 0) : NULL;

    if (View == NULL || strcmp(View, "from the first") != 0)
        return 1;
    strcpy(View + 0x20000, "from the second");
    return 0;
}

static LONG
ReadsAt(volatile char *At, BOOL Write)
{
    LONG Code = 0;

    __try {
        char Value = *At;

        if (Write)
            *At = Value;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Code = GetExceptionCode();
    }
    return Code;
}

static void
Shared(void)
{
    HANDLE Section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, SIZE, NAME);
    HANDLE Again = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, SIZE, NAME);
    char  *First, *Second, *Part, *ReadOnly;
    MEMORY_BASIC_INFORMATION Info;
    DWORD  Old;

    Promise("Memory is shared between views and between processes, and outlives its handles");
    Expect(Section && Again && GetLastError() == ERROR_ALREADY_EXISTS, "error %lu",
        GetLastError());
    First = MapViewOfFile(Section, FILE_MAP_WRITE | FILE_MAP_READ, 0, 0, 0);
    Second = MapViewOfFile(Again, FILE_MAP_WRITE, 0, 0, 0);
    Part = MapViewOfFile(Section, FILE_MAP_READ, 0, 0x10000, 0x1000);
    ReadOnly = MapViewOfFile(Section, FILE_MAP_READ, 0, 0, 0);
    Expect(First && Second && Part && ReadOnly && First != Second, "not mapped: error %lu",
        GetLastError());
    CloseHandle(Again);
    strcpy(First, "from the first");
    First[0x10010] = 'x';
    Expect(strcmp(Second, "from the first") == 0 && Part[0x10] == 'x', "not the same pages");
    Expect(ReadsAt(ReadOnly, FALSE) == 0 && ReadsAt(ReadOnly, TRUE) == STATUS_ACCESS_VIOLATION,
        "a view for reading can be written");
    Expect(VirtualQuery(Part, &Info, sizeof Info) == sizeof Info && Info.Type == MEM_MAPPED
        && Info.RegionSize == 0x1000 && Info.Protect == PAGE_READONLY, "type %lx", Info.Type);
    Expect(!VirtualProtect(ReadOnly, 0x1000, PAGE_READWRITE, &Old), "its rights were widened");
    Expect(VirtualProtect(First + 0x1000, 0x1000, PAGE_READONLY, &Old) && Old == PAGE_READWRITE
        && ReadsAt(First + 0x1000, TRUE) == STATUS_ACCESS_VIOLATION, "rights were not narrowed");
    Expect(!VirtualFree(First, 0, MEM_RELEASE), "VirtualFree took a view");
    Expect(RunProgram("tsection.exe other") == 0, "the other process did not see it");
    Expect(strcmp(Second + 0x20000, "from the second") == 0, "nor this one the other's");
    Expect(FlushViewOfFile(First, 0) && !FlushViewOfFile(&Info, 0), "flush");
    CloseHandle(Section);
    Expect(UnmapViewOfFile(First + 5) && !UnmapViewOfFile(First), "unmapped twice");
    Expect(strcmp(Second, "from the first") == 0, "the last view lost its pages");
    Expect(OpenFileMappingA(FILE_MAP_READ, FALSE, NAME) == NULL, "the name is there");
    UnmapViewOfFile(Second);
    UnmapViewOfFile(Part);
    UnmapViewOfFile(ReadOnly);
    Expect(ReadsAt(Second, FALSE) == STATUS_ACCESS_VIOLATION, "there is something left");
}

static void
Files(void)
{
    HANDLE File = CreateFileA("\\SystemRoot\\System32\\ntdll.dll", GENERIC_READ, FILE_SHARE_READ,
               NULL, OPEN_EXISTING, 0, NULL);
    HANDLE Section = CreateFileMappingA(File, NULL, PAGE_WRITECOPY, 0, 0, NULL);
    DWORD  Size = GetFileSize(File, NULL), Read;
    char  *View, *Copy, Buffer[64];

    Promise("A file's section has its bytes; a write to a copying view stays with that view");
    Expect(Section != NULL, "error %lu", GetLastError());
    View = MapViewOfFile(Section, FILE_MAP_READ, 0, 0, 0);
    Copy = MapViewOfFile(Section, FILE_MAP_COPY, 0, 0, 0);
    Expect(View && Copy && View[0] == 'M' && View[1] == 'Z', "error %lu", GetLastError());
    SetFilePointer(File, 0x1234, NULL, FILE_BEGIN);
    Expect(ReadFile(File, Buffer, sizeof Buffer, &Read, NULL) && memcmp(Buffer, View + 0x1234,
        sizeof Buffer) == 0, "other bytes");
    Expect(View[Size] == 0 || Size % 0x1000 == 0, "the last page does not end in zeros");
    CloseHandle(File);
    Copy[0x1234] ^= 1;
    Copy[3] = 'c';
    Expect(View[3] != 'c' && (View[0x1234] ^ 1) == Copy[0x1234] && Copy[2] == View[2],
        "the copy is not a copy");
    // the kernel writes to it as the program does
    Expect(WriteFile(INVALID_HANDLE_VALUE, Copy, 1, NULL, NULL) == FALSE, "?");
    NtQuerySystemTime((PLARGE_INTEGER)(Copy + 0x2000));
    Expect(memcmp(Copy + 0x2000, View + 0x2000, 8) != 0, "the kernel's write went nowhere");
    UnmapViewOfFile(Copy);
    Copy = MapViewOfFile(Section, FILE_MAP_COPY, 0, 0, 0);
    Expect(Copy[3] == View[3], "a new view has the old one's writes");
    Expect(MapViewOfFile(Section, FILE_MAP_WRITE, 0, 0, 0) == NULL, "mapped for writing");
    UnmapViewOfFile(Copy);
    UnmapViewOfFile(View);
    CloseHandle(Section);
    File = CreateFileA("\\\\.\\NUL", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
    Expect(CreateFileMappingA(File, NULL, PAGE_READONLY, 0, 0, NULL) == NULL, "a device's section");
    CloseHandle(File);
}

static NTSTATUS
Delete(PCWSTR Name)
{
    UNICODE_STRING    String;
    OBJECT_ATTRIBUTES Attributes;

    RtlInitUnicodeString(&String, Name);
    InitializeObjectAttributes(&Attributes, &String, OBJ_CASE_INSENSITIVE, NULL, NULL);
    return NtDeleteFile(&Attributes);
}

static void
Deletes(void)
{
    NTSTATUS Status;

    Promise("NtDeleteFile opens and closes, and says why a file cannot go");
    Status = Delete(L"\\SystemRoot\\System32\\ntdll.dll");
    Expect(Status == STATUS_MEDIA_WRITE_PROTECTED, "the RAM disk: 0x%08lX", (ULONG)Status);
    Status = Delete(L"\\SystemRoot\\System32\\nothing");
    Expect(Status == STATUS_OBJECT_NAME_NOT_FOUND, "nothing: 0x%08lX", (ULONG)Status);
    Status = Delete(L"\\BaseNamedObjects");
    Expect(Status == STATUS_OBJECT_TYPE_MISMATCH, "a directory: 0x%08lX", (ULONG)Status);
    Status = Delete(L"\\??\\NUL");
    Expect(Status == STATUS_SUCCESS, "a device, which takes no notice: 0x%08lX", (ULONG)Status);
}

static void
Reserved(void)
{
    HANDLE Section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE | SEC_RESERVE,
               0, 0x100000, NULL);
    char  *First = MapViewOfFile(Section, FILE_MAP_WRITE, 0, 0, 0);
    char  *Second = MapViewOfFile(Section, FILE_MAP_WRITE, 0, 0, 0);

    Promise("A reserved section is committed page by page, for all its views");
    Expect(First && Second, "error %lu", GetLastError());
    Expect(ReadsAt(First + 0x4000, FALSE) == STATUS_ACCESS_VIOLATION, "there was memory");
    Expect(VirtualAlloc(First + 0x4000, 0x2000, MEM_COMMIT, PAGE_READWRITE) == First + 0x4000,
        "error %lu", GetLastError());
    First[0x5000] = 'r';
    Expect(Second[0x5000] == 'r', "the other view does not have it");
    Expect(ReadsAt(Second + 0x6000, FALSE) == STATUS_ACCESS_VIOLATION, "too much memory");
    Expect(!VirtualFree(First + 0x4000, 0x1000, MEM_DECOMMIT), "decommitted");
    CloseHandle(Section);
    UnmapViewOfFile(First);
    Expect(Second[0x5000] == 'r', "gone with the first view");
    UnmapViewOfFile(Second);
}

static void
Images(void)
{
    HANDLE  File = CreateFileA("\\SystemRoot\\System32\\ntdll.dll", GENERIC_READ | GENERIC_EXECUTE,
                FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL), Section = NULL;
    SECTION_IMAGE_INFORMATION Image = { 0 };
    SECTION_BASIC_INFORMATION Basic = { 0 };
    PVOID   Base = NULL;
    SIZE_T  Size = 0;
    NTSTATUS Status;

    Promise("An image section is mapped with its sections in place and says what it is");
    Status = NtCreateSection(&Section, SECTION_ALL_ACCESS, NULL, NULL, PAGE_EXECUTE_READ, SEC_IMAGE,
        File);
    Expect(Status == 0, "status 0x%08lX", (ULONG)Status);
    Expect(NtQuerySection(Section, SectionImageInformation, &Image, sizeof Image, NULL) == 0
        && Image.Machine == 0x8664, "machine %x", Image.Machine);
    Expect(NtQuerySection(Section, SectionBasicInformation, &Basic, sizeof Basic, NULL) == 0
        && (Basic.AllocationAttributes & SEC_IMAGE), "attributes %lx", Basic.AllocationAttributes);
    Expect(NtQuerySection(Section, 2, &Basic, sizeof Basic, NULL) == STATUS_INVALID_INFO_CLASS
        && NtQuerySection(Section, 0, &Basic, 4, NULL) == STATUS_INFO_LENGTH_MISMATCH, "?");
    Status = NtMapViewOfSection(Section, NtCurrentProcess(), &Base, 0, 0, NULL, &Size, 2, 0,
        PAGE_EXECUTE_READ);
    // ntdll lies at its own base already
    Expect(Status == STATUS_IMAGE_NOT_AT_BASE, "status 0x%08lX", (ULONG)Status);
    Expect(Base && Base != GetModuleHandleA("ntdll.dll")
        && memcmp(Base, GetModuleHandleA("ntdll.dll"), 64) == 0, "not ntdll");
    Expect(NtUnmapViewOfSection(NtCurrentProcess(), Base) == 0, "not unmapped");
    NtClose(Section);
    CloseHandle(File);
}

static NTSTATUS
Map(HANDLE Section, PVOID Base, ULONG64 Offset, SIZE_T Size, SIZE_T Commit, ULONG Inherit,
    ULONG Type, ULONG Protect)
{
    LARGE_INTEGER At = { .QuadPart = (LONGLONG)Offset };
    PVOID         Where = Base;
    NTSTATUS      Status = NtMapViewOfSection(Section, NtCurrentProcess(), &Where, 0, Commit, &At,
                               &Size, Inherit, Type, Protect);

    if (Status >= 0)
        NtUnmapViewOfSection(NtCurrentProcess(), Where);
    return Status;
}

static void
Refusals(void)
{
    LARGE_INTEGER Size = { .QuadPart = SIZE };
    HANDLE        Section, Narrow;

    Promise("Views that make no sense are refused with the documented status");
    NtCreateSection(&Section, SECTION_ALL_ACCESS, NULL, &Size, PAGE_READWRITE, SEC_COMMIT, NULL);
    DuplicateHandle(GetCurrentProcess(), Section, GetCurrentProcess(), &Narrow, SECTION_MAP_READ,
        FALSE, 0);
    const struct { NTSTATUS Got, Wanted; } Tries[] = {
        { Map(Section, NULL, 0, 0, 0, 1, 0, PAGE_READWRITE), STATUS_SUCCESS },
        { Map(Section, (PVOID)0x50000000, 0, 0, 0, 1, 0, PAGE_READWRITE), STATUS_SUCCESS },
        { Map(Section, (PVOID)0x50001000, 0, 0, 0, 1, 0, PAGE_READONLY), STATUS_MAPPED_ALIGNMENT },
        { Map(Section, NULL, 0x1000, 0, 0, 1, 0, PAGE_READONLY), STATUS_MAPPED_ALIGNMENT },
        { Map(Section, NULL, SIZE, 0, 0, 1, 0, PAGE_READONLY), STATUS_INVALID_VIEW_SIZE },
        { Map(Section, NULL, 0x10000, SIZE, 0, 1, 0, PAGE_READONLY), STATUS_INVALID_VIEW_SIZE },
        { Map(Section, NULL, 0, 0x1000, 0x2000, 1, 0, PAGE_READONLY), STATUS_INVALID_PARAMETER_5 },
        { Map(Section, NULL, 0, 0, 0, 3, 0, PAGE_READONLY), STATUS_INVALID_PARAMETER_8 },
        { Map(Section, NULL, 0, 0, 0, 1, 0x77, PAGE_READONLY), STATUS_INVALID_PARAMETER_9 },
        { Map(Section, NULL, 0, 0, 0, 1, 0, 3), STATUS_INVALID_PAGE_PROTECTION },
        { Map(Section, NULL, 0, 0, 0, 1, 0, PAGE_EXECUTE_READ), STATUS_SECTION_PROTECTION },
        { Map(Section, (PVOID)0xFFFF800000000000, 0, 0, 0, 1, 0, PAGE_READONLY),
          STATUS_INVALID_PARAMETER_3 },
        { Map(Narrow, NULL, 0, 0, 0, 1, 0, PAGE_READWRITE), STATUS_ACCESS_DENIED },
        { Map(Narrow, NULL, 0, 0, 0, 1, 0, PAGE_WRITECOPY), STATUS_SUCCESS },
        { NtUnmapViewOfSection(NtCurrentProcess(), &Size), STATUS_NOT_MAPPED_VIEW },
        { NtExtendSection(Section, &Size), STATUS_SECTION_NOT_EXTENDED },
    };
    for (ULONG Index = 0; Index < ARRAYSIZE(Tries); Index++)
        Expect(Tries[Index].Got == Tries[Index].Wanted, "try %lu: 0x%08lX, not 0x%08lX", Index,
            (ULONG)Tries[Index].Got, (ULONG)Tries[Index].Wanted);
    NtClose(Section);
    NtClose(Narrow);
}

int
main(int Count, char **Arguments)
{
    ULONG64 Segments = 0, Bytes, Objects = 0;
    ULONG   Handles = 0;

    if (Count > 1)
        return Other();
    for (ULONG Round = 0; Round < 3; Round++) {
        if (Round == 1) {
            Handles = HandleCount();
            PoolTag("MmSt", &Segments, &Bytes);
            PoolTag("Sect", &Objects, &Bytes);
        }
        Shared();
        Files();
        Deletes();
        Reserved();
        Images();
        Refusals();
    }
    Promise("None of it leaves a handle, a section or a segment behind");
    Expect(HandleCount() == Handles, "%lu handles became %lu", Handles, HandleCount());
    ExpectTag("MmSt", Segments);
    ExpectTag("Sect", Objects);
    return Done("tsection");
}
