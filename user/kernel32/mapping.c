/*
 * File mappings: sections by their Win32 names. INVALID_HANDLE_VALUE in place of a file is memory
 * that processes share; its name lives in \BaseNamedObjects.
 */
#include "k32.h"
#include "sdk/ntsection.h"

#define PROTECT_BITS    0xFF

HANDLE WINAPI
CreateFileMappingW(HANDLE File, LPSECURITY_ATTRIBUTES Security, DWORD Protect, DWORD SizeHigh,
    DWORD SizeLow, LPCWSTR Name)
{
    BASE_OBJECT_NAME Object;
    LARGE_INTEGER    Size = { .LowPart = SizeLow, .HighPart = (LONG)SizeHigh };
    DWORD            Attributes = Protect & ~PROTECT_BITS;
    ACCESS_MASK      Access = STANDARD_RIGHTS_REQUIRED | SECTION_QUERY | SECTION_MAP_READ;
    HANDLE           Section = NULL;
    NTSTATUS         Status;

    Protect &= PROTECT_BITS;
    if (Protect == PAGE_READWRITE || Protect == PAGE_EXECUTE_READWRITE)
        Access |= SECTION_MAP_WRITE;
    if (Protect >= PAGE_EXECUTE)
        Access |= SECTION_MAP_EXECUTE;
    if (!(Attributes & (SEC_COMMIT | SEC_RESERVE | SEC_IMAGE)))
        Attributes |= SEC_COMMIT;
    if (File == NULL) {
        RtlSetLastWin32Error(ERROR_INVALID_HANDLE);
        return NULL;
    }
    if (!BaseObjectName(&Object, Security, Name))
        return NULL;
    Status = NtCreateSection(&Section, Access, &Object.Attributes, Size.QuadPart ? &Size : NULL,
        Protect, Attributes, File == INVALID_HANDLE_VALUE ? NULL : File);
    if (!BaseSetStatus(Status)) {
        if (Status == STATUS_INVALID_PARAMETER_4)
            RtlSetLastWin32Error(ERROR_INVALID_PARAMETER);
        return NULL;
    }
    RtlSetLastWin32Error(Status == STATUS_OBJECT_NAME_EXISTS ? ERROR_ALREADY_EXISTS
        : ERROR_SUCCESS);
    return Section;
}

HANDLE WINAPI
CreateFileMappingA(HANDLE File, LPSECURITY_ATTRIBUTES Security, DWORD Protect, DWORD SizeHigh,
    DWORD SizeLow, LPCSTR Name)
{
    PWSTR  Wide = BaseWiden(Name);
    HANDLE Section = NULL;

    if (Wide || !Name)
        Section = CreateFileMappingW(File, Security, Protect, SizeHigh, SizeLow, Wide);
    BaseFree(Wide);
    return Section;
}

/* Access: FILE_MAP_*, which are SECTION_* but for the copy. */
static ACCESS_MASK
BasepSectionAccess(DWORD Access)
{
    ACCESS_MASK Rights = Access & (SECTION_ALL_ACCESS | FILE_MAP_EXECUTE);

    if (Access & FILE_MAP_EXECUTE)
        Rights = (Rights & ~FILE_MAP_EXECUTE) | SECTION_MAP_EXECUTE;
    return Access == FILE_MAP_COPY ? SECTION_MAP_READ : Rights;
}

HANDLE WINAPI
OpenFileMappingW(DWORD Access, BOOL Inherit, LPCWSTR Name)
{
    SECURITY_ATTRIBUTES Security = { sizeof Security, NULL, Inherit };
    BASE_OBJECT_NAME    Object;
    HANDLE              Section = NULL;

    if (Name == NULL) {
        RtlSetLastWin32Error(ERROR_INVALID_PARAMETER);
        return NULL;
    }
    if (!BaseObjectName(&Object, &Security, Name))
        return NULL;
    Object.Attributes.Attributes &= ~OBJ_OPENIF;
    BaseSetStatus(NtOpenSection(&Section, BasepSectionAccess(Access), &Object.Attributes));
    return Section;
}

HANDLE WINAPI
OpenFileMappingA(DWORD Access, BOOL Inherit, LPCSTR Name)
{
    PWSTR  Wide = BaseWiden(Name);
    HANDLE Section = Wide || !Name ? OpenFileMappingW(Access, Inherit, Wide) : NULL;

    BaseFree(Wide);
    return Section;
}

LPVOID WINAPI
MapViewOfFileEx(HANDLE Section, DWORD Access, DWORD OffsetHigh, DWORD OffsetLow, SIZE_T Size,
    LPVOID Base)
{
    LARGE_INTEGER Offset = { .LowPart = OffsetLow, .HighPart = (LONG)OffsetHigh };
    BOOL          Execute = (Access & FILE_MAP_EXECUTE) != 0;
    PVOID         View = Base;
    ULONG         Protect;

    if ((Access & ~FILE_MAP_EXECUTE) == FILE_MAP_COPY)
        Protect = Execute ? PAGE_EXECUTE_WRITECOPY : PAGE_WRITECOPY;
    else if (Access & FILE_MAP_WRITE)
        Protect = Execute ? PAGE_EXECUTE_READWRITE : PAGE_READWRITE;
    else if (Access & FILE_MAP_READ)
        Protect = Execute ? PAGE_EXECUTE_READ : PAGE_READONLY;
    else
        Protect = PAGE_NOACCESS;
    return BaseSetStatus(NtMapViewOfSection(Section, NtCurrentProcess(), &View, 0, 0, &Offset,
        &Size, 1, 0, Protect)) ? View : NULL;
}

LPVOID WINAPI
MapViewOfFile(HANDLE Section, DWORD Access, DWORD OffsetHigh, DWORD OffsetLow, SIZE_T Size)
{
    return MapViewOfFileEx(Section, Access, OffsetHigh, OffsetLow, Size, NULL);
}

BOOL WINAPI
UnmapViewOfFile(LPCVOID Base)
{
    return BaseSetStatus(NtUnmapViewOfSection(NtCurrentProcess(), (PVOID)Base));
}

BOOL WINAPI
FlushViewOfFile(LPCVOID Base, SIZE_T Size)
{
    IO_STATUS_BLOCK Iosb;
    PVOID           Start = (PVOID)Base;

    return BaseSetStatus(NtFlushVirtualMemory(NtCurrentProcess(), &Start, &Size, &Iosb));
}
