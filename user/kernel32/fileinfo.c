/*
 * What is known about a file: size, position, type, attributes; and the listing of a folder.
 *
 * A search handle is a small block on the heap with the folder's handle and the last answer of
 * the file system, which gives one name at a time; the pattern is matched there.
 */
#include "k32.h"
#include <winioctl.h>

typedef struct _BASE_SEARCH {
    HANDLE         Folder;
    UNICODE_STRING Path, Pattern;
    BOOLEAN        Started;
} BASE_SEARCH, *PBASE_SEARCH;

BOOL WINAPI
GetFileSizeEx(HANDLE File, PLARGE_INTEGER Size)
{
    FILE_STANDARD_INFORMATION Standard;
    IO_STATUS_BLOCK           Iosb;

    if (!BaseSetStatus(NtQueryInformationFile(File, &Iosb, &Standard, sizeof Standard,
        EtFileStandardInformation)))
        return FALSE;
    *Size = Standard.EndOfFile;
    return TRUE;
}

DWORD WINAPI
GetFileSize(HANDLE File, LPDWORD High)
{
    LARGE_INTEGER Size;

    if (!GetFileSizeEx(File, &Size))
        return INVALID_FILE_SIZE;
    if (High)
        *High = Size.HighPart;
    RtlSetLastWin32Error(ERROR_SUCCESS);
    return Size.LowPart;
}

BOOL WINAPI
SetFilePointerEx(HANDLE File, LARGE_INTEGER Distance, PLARGE_INTEGER New, DWORD Method)
{
    FILE_POSITION_INFORMATION Position;
    IO_STATUS_BLOCK           Iosb;
    LARGE_INTEGER             Base = { .QuadPart = 0 };

    if (Method == FILE_CURRENT) {
        if (!BaseSetStatus(NtQueryInformationFile(File, &Iosb, &Position, sizeof Position,
                EtFilePositionInformation)))
            return FALSE;
        Base = Position.CurrentByteOffset;
    } else if (Method == FILE_END && !GetFileSizeEx(File, &Base)) {
        return FALSE;
    }
    Position.CurrentByteOffset.QuadPart = Base.QuadPart + Distance.QuadPart;
    if (Position.CurrentByteOffset.QuadPart < 0) {
        RtlSetLastWin32Error(ERROR_NEGATIVE_SEEK);
        return FALSE;
    }
    if (New)
        *New = Position.CurrentByteOffset;
    return BaseSetStatus(NtSetInformationFile(File, &Iosb, &Position, sizeof Position,
        EtFilePositionInformation));
}

DWORD WINAPI
SetFilePointer(HANDLE File, LONG Low, PLONG High, DWORD Method)
{
    LARGE_INTEGER Distance, New;

    Distance.QuadPart = Low;
    if (High) {
        Distance.LowPart = (ULONG)Low;
        Distance.HighPart = *High;
    }
    if (!SetFilePointerEx(File, Distance, &New, Method))
        return INVALID_SET_FILE_POINTER;
    if (High)
        *High = New.HighPart;
    RtlSetLastWin32Error(ERROR_SUCCESS);
    return New.LowPart;
}

DWORD WINAPI
GetFileType(HANDLE File)
{
    FILE_FS_DEVICE_INFORMATION Device;
    IO_STATUS_BLOCK            Iosb;
    DWORD                      Mode;

    if (GetConsoleMode(File, &Mode))
        return FILE_TYPE_CHAR;
    if (!BaseSetStatus(NtQueryVolumeInformationFile(File, &Iosb, &Device, sizeof Device,
        EtFileFsDeviceInformation)))
        return FILE_TYPE_UNKNOWN;
    RtlSetLastWin32Error(ERROR_SUCCESS);
    switch (Device.DeviceType) {
    case FILE_DEVICE_DISK:
    case FILE_DEVICE_DISK_FILE_SYSTEM:
    case FILE_DEVICE_VIRTUAL_DISK:
    case FILE_DEVICE_FILE_SYSTEM:
        return FILE_TYPE_DISK;
    case FILE_DEVICE_NAMED_PIPE:
        return FILE_TYPE_PIPE;
    }
    return FILE_TYPE_CHAR;
}

DWORD WINAPI
GetFileAttributesW(LPCWSTR Name)
{
    FILE_BASIC_INFORMATION Basic;
    UNICODE_STRING         Path;
    OBJECT_ATTRIBUTES      Attributes;
    NTSTATUS               Status = STATUS_OBJECT_PATH_NOT_FOUND;

    if (RtlDosPathNameToNtPathName_U(Name, &Path, NULL, NULL)) {
        InitializeObjectAttributes(&Attributes, &Path, OBJ_CASE_INSENSITIVE, NULL, NULL);
        Status = NtQueryAttributesFile(&Attributes, &Basic);
        RtlFreeUnicodeString(&Path);
    }
    return BaseSetStatus(Status) ? Basic.FileAttributes : INVALID_FILE_ATTRIBUTES;
}

DWORD WINAPI
GetFileAttributesA(LPCSTR Name)
{
    PWSTR Wide = BaseWiden(Name);
    DWORD Result = GetFileAttributesW(Wide);

    BaseFree(Wide);
    return Result;
}

BOOL WINAPI
FindClose(HANDLE Find)
{
    PBASE_SEARCH Search = Find;

    NtClose(Search->Folder);
    RtlFreeUnicodeString(&Search->Path);
    BaseFree(Search);
    return TRUE;
}

BOOL WINAPI
FindNextFileW(HANDLE Find, LPWIN32_FIND_DATAW Data)
{
    PBASE_SEARCH    Search = Find;
    IO_STATUS_BLOCK Iosb;
    NTSTATUS        Status;
    union {
        FILE_DIRECTORY_INFORMATION Entry;
        UCHAR                      Bytes[sizeof(FILE_DIRECTORY_INFORMATION) + 2 * MAX_PATH];
    } Answer;

    Status = NtQueryDirectoryFile(Search->Folder, NULL, NULL, NULL, &Iosb, &Answer,
        sizeof Answer, EtFileDirectoryInformation, TRUE, Search->Started ? NULL
        : &Search->Pattern, !Search->Started);
    Search->Started = TRUE;
    if (!BaseSetStatus(Status))
        return FALSE;

    memset(Data, 0, sizeof *Data);
    Data->dwFileAttributes = Answer.Entry.FileAttributes;
    Data->nFileSizeLow = Answer.Entry.EndOfFile.LowPart;
    Data->nFileSizeHigh = Answer.Entry.EndOfFile.HighPart;
    memcpy(&Data->ftLastWriteTime, &Answer.Entry.LastWriteTime, sizeof(FILETIME));
    memcpy(Data->cFileName, Answer.Entry.FileName,
        min(Answer.Entry.FileNameLength, sizeof Data->cFileName - sizeof(WCHAR)));
    return TRUE;
}

HANDLE WINAPI
FindFirstFileW(LPCWSTR Pattern, LPWIN32_FIND_DATAW Data)
{
    PBASE_SEARCH      Search = BaseAllocate(sizeof *Search);
    UNICODE_STRING    Folder;
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK   Iosb;
    PWSTR             Last;
    NTSTATUS          Status;

    if (Search == NULL)
        return INVALID_HANDLE_VALUE;
    memset(Search, 0, sizeof *Search);
    if (!RtlDosPathNameToNtPathName_U(Pattern, &Search->Path, &Last, NULL) || Last == NULL) {
        RtlFreeUnicodeString(&Search->Path);
        BaseFree(Search);
        RtlSetLastWin32Error(ERROR_PATH_NOT_FOUND);
        return INVALID_HANDLE_VALUE;
    }
    RtlInitUnicodeString(&Search->Pattern, Last);
    Folder = Search->Path;
    Folder.Length = (USHORT)((PUCHAR)Last - (PUCHAR)Folder.Buffer);
    InitializeObjectAttributes(&Attributes, &Folder, OBJ_CASE_INSENSITIVE, NULL, NULL);
    Status = NtOpenFile(&Search->Folder, FILE_LIST_DIRECTORY | SYNCHRONIZE, &Attributes, &Iosb,
        FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_SYNCHRONOUS_IO_NONALERT | FILE_DIRECTORY_FILE);
    if (!BaseSetStatus(Status)) {
        RtlFreeUnicodeString(&Search->Path);
        BaseFree(Search);
        return INVALID_HANDLE_VALUE;
    }
    if (FindNextFileW(Search, Data))
        return Search;
    FindClose(Search);
    RtlSetLastWin32Error(ERROR_FILE_NOT_FOUND);
    return INVALID_HANDLE_VALUE;
}

static VOID
BasepNarrowFindData(const WIN32_FIND_DATAW *Wide, LPWIN32_FIND_DATAA Data)
{
    memset(Data, 0, sizeof *Data);
    memcpy(Data, Wide, FIELD_OFFSET(WIN32_FIND_DATAA, cFileName));
    for (ULONG Index = 0; Wide->cFileName[Index] && Index < MAX_PATH - 1; Index++)
        Data->cFileName[Index] = (CHAR)Wide->cFileName[Index];
}

HANDLE WINAPI
FindFirstFileA(LPCSTR Pattern, LPWIN32_FIND_DATAA Data)
{
    WIN32_FIND_DATAW WideData;
    PWSTR            Wide = BaseWiden(Pattern);
    HANDLE           Find = FindFirstFileW(Wide, &WideData);

    BaseFree(Wide);
    if (Find != INVALID_HANDLE_VALUE)
        BasepNarrowFindData(&WideData, Data);
    return Find;
}

BOOL WINAPI
FindNextFileA(HANDLE Find, LPWIN32_FIND_DATAA Data)
{
    WIN32_FIND_DATAW WideData;

    if (!FindNextFileW(Find, &WideData))
        return FALSE;
    BasepNarrowFindData(&WideData, Data);
    return TRUE;
}
