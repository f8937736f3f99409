/*
 * The listing of a folder.
 *
 * A search handle is a small block on the heap with the folder's handle and the last answer of
 * the file system, which gives one name at a time; the pattern is matched there.
 */
#include "k32.h"

typedef struct _BASE_SEARCH {
    HANDLE         Folder;
    UNICODE_STRING Path, Pattern;
    BOOLEAN        Started;
} BASE_SEARCH, *PBASE_SEARCH;

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
    BaseFileTime(&Data->ftCreationTime, Answer.Entry.CreationTime);
    BaseFileTime(&Data->ftLastAccessTime, Answer.Entry.LastAccessTime);
    BaseFileTime(&Data->ftLastWriteTime, Answer.Entry.LastWriteTime);
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

/* Level tells whether short names are wanted, of which there are none. Folders only is a hint. */
HANDLE WINAPI
FindFirstFileExW(LPCWSTR Pattern, FINDEX_INFO_LEVELS Level, LPVOID Data, FINDEX_SEARCH_OPS Search,
    LPVOID Filter, DWORD Flags)
{
    if (Level >= FindExInfoMaxInfoLevel || Search > FindExSearchLimitToDirectories
        || Filter != NULL || (Flags & ~7)) {
        RtlSetLastWin32Error(Search == FindExSearchLimitToDevices ? ERROR_NOT_SUPPORTED
            : ERROR_INVALID_PARAMETER);
        return INVALID_HANDLE_VALUE;
    }
    return FindFirstFileW(Pattern, Data);
}

HANDLE WINAPI
FindFirstFileExA(LPCSTR Pattern, FINDEX_INFO_LEVELS Level, LPVOID Data, FINDEX_SEARCH_OPS Search,
    LPVOID Filter, DWORD Flags)
{
    WIN32_FIND_DATAW WideData;
    PWSTR            Wide = BaseWiden(Pattern);
    HANDLE           Find = FindFirstFileExW(Wide, Level, &WideData, Search, Filter, Flags);

    BaseFree(Wide);
    if (Find != INVALID_HANDLE_VALUE)
        BasepNarrowFindData(&WideData, Data);
    return Find;
}
