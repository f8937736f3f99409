/*
 * What is known about a file, and may be changed: size, position, type, attributes, and the classes
 * of GetFileInformationByHandleEx, which are the kernel's under other numbers.
 */
#include "k32.h"
#include <winioctl.h>

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

/* Where a move ends. What is below 0, or does not fit Limit, is none. */
static BOOL
BasepMoveFrom(HANDLE File, LARGE_INTEGER Distance, DWORD Method, LONG64 Limit, PLARGE_INTEGER New)
{
    IO_STATUS_BLOCK Iosb;
    LARGE_INTEGER   Base = { .QuadPart = 0 };

    if (Method > FILE_END)
        return BaseSetStatus(STATUS_INVALID_PARAMETER);
    if (Method == FILE_CURRENT && !BaseSetStatus(NtQueryInformationFile(File, &Iosb, &Base,
            sizeof Base, EtFilePositionInformation)))
        return FALSE;
    if (Method == FILE_END && !GetFileSizeEx(File, &Base))
        return FALSE;
    New->QuadPart = Base.QuadPart + Distance.QuadPart;
    if (New->QuadPart < 0 || New->QuadPart > Limit) {
        RtlSetLastWin32Error(New->QuadPart < 0 ? ERROR_NEGATIVE_SEEK : ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    return BaseSetStatus(NtSetInformationFile(File, &Iosb, New, sizeof *New,
        EtFilePositionInformation));
}

BOOL WINAPI
SetFilePointerEx(HANDLE File, LARGE_INTEGER Distance, PLARGE_INTEGER New, DWORD Method)
{
    LARGE_INTEGER Position;

    if (!BasepMoveFrom(File, Distance, Method, MAXLONGLONG, &Position))
        return FALSE;
    if (New)
        *New = Position;
    return TRUE;
}

/* Without High the new position must fit 32 bits. */
DWORD WINAPI
SetFilePointer(HANDLE File, LONG Low, PLONG High, DWORD Method)
{
    LARGE_INTEGER Distance, New;

    Distance.QuadPart = Low;
    if (High) {
        Distance.LowPart = (ULONG)Low;
        Distance.HighPart = *High;
    }
    if (!BasepMoveFrom(File, Distance, Method, High ? MAXLONGLONG : MAXDWORD, &New))
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
GetFileAttributesExW(LPCWSTR Name, GET_FILEEX_INFO_LEVELS Level, LPVOID Information)
{
    WIN32_FILE_ATTRIBUTE_DATA    *Data = Information;
    FILE_NETWORK_OPEN_INFORMATION Open;
    UNICODE_STRING                Path;
    OBJECT_ATTRIBUTES             Attributes;
    NTSTATUS                      Status = STATUS_OBJECT_PATH_NOT_FOUND;

    if (Level != GetFileExInfoStandard)
        return BaseSetStatus(STATUS_INVALID_PARAMETER);
    if (RtlDosPathNameToNtPathName_U(Name, &Path, NULL, NULL)) {
        InitializeObjectAttributes(&Attributes, &Path, OBJ_CASE_INSENSITIVE, NULL, NULL);
        Status = NtQueryFullAttributesFile(&Attributes, &Open);
        RtlFreeUnicodeString(&Path);
    }
    if (!BaseSetStatus(Status))
        return FALSE;
    Data->dwFileAttributes = Open.FileAttributes;
    BaseFileTime(&Data->ftCreationTime, Open.CreationTime);
    BaseFileTime(&Data->ftLastAccessTime, Open.LastAccessTime);
    BaseFileTime(&Data->ftLastWriteTime, Open.LastWriteTime);
    Data->nFileSizeHigh = Open.EndOfFile.HighPart;
    Data->nFileSizeLow = Open.EndOfFile.LowPart;
    return TRUE;
}

BOOL WINAPI
GetFileAttributesExA(LPCSTR Name, GET_FILEEX_INFO_LEVELS Level, LPVOID Information)
{
    PWSTR Wide = BaseWiden(Name);
    BOOL  Result = GetFileAttributesExW(Wide, Level, Information);

    BaseFree(Wide);
    return Result;
}

BOOL WINAPI
GetFileInformationByHandle(HANDLE File, LPBY_HANDLE_FILE_INFORMATION Data)
{
    FILE_ALL_INFORMATION       All;
    FILE_FS_VOLUME_INFORMATION Volume;
    IO_STATUS_BLOCK            Iosb;
    NTSTATUS                   Status;

    Status = NtQueryInformationFile(File, &Iosb, &All, sizeof All, EtFileAllInformation);
    if (Status == STATUS_BUFFER_OVERFLOW || NT_SUCCESS(Status))     // the name is not wanted
        Status = NtQueryVolumeInformationFile(File, &Iosb, &Volume, sizeof Volume,
            EtFileFsVolumeInformation);
    if (Status != STATUS_BUFFER_OVERFLOW && !BaseSetStatus(Status))
        return FALSE;
    Data->dwFileAttributes = All.BasicInformation.FileAttributes;
    BaseFileTime(&Data->ftCreationTime, All.BasicInformation.CreationTime);
    BaseFileTime(&Data->ftLastAccessTime, All.BasicInformation.LastAccessTime);
    BaseFileTime(&Data->ftLastWriteTime, All.BasicInformation.LastWriteTime);
    Data->dwVolumeSerialNumber = Volume.VolumeSerialNumber;
    Data->nFileSizeHigh = All.StandardInformation.EndOfFile.HighPart;
    Data->nFileSizeLow = All.StandardInformation.EndOfFile.LowPart;
    Data->nNumberOfLinks = All.StandardInformation.NumberOfLinks;
    Data->nFileIndexHigh = All.InternalInformation.IndexNumber.HighPart;
    Data->nFileIndexLow = All.InternalInformation.IndexNumber.LowPart;
    return TRUE;
}

/* By FILE_INFO_BY_HANDLE_CLASS: the kernel's class, when asked for and when set; 0: it is none. */
static const struct { UCHAR Query, Set; } BaseClasses[] = {
    [FileBasicInfo] = { EtFileBasicInformation, EtFileBasicInformation },
    [FileStandardInfo] = { EtFileStandardInformation, 0 },
    [FileNameInfo] = { EtFileNameInformation, 0 },
    [FileRenameInfo] = { 0, EtFileRenameInformation },
    [FileDispositionInfo] = { 0, EtFileDispositionInformation },
    [FileAllocationInfo] = { 0, EtFileAllocationInformation },
    [FileEndOfFileInfo] = { 0, EtFileEndOfFileInformation },
    [FileStreamInfo] = { 22, 0 },
    [FileCompressionInfo] = { 28, 0 },
    [FileAttributeTagInfo] = { EtFileAttributeTagInformation, 0 },
    [FileIoPriorityHintInfo] = { 0, EtFileIoPriorityHintInformation },
};

BOOL WINAPI
GetFileInformationByHandleEx(HANDLE File, FILE_INFO_BY_HANDLE_CLASS Class, LPVOID Buffer,
    DWORD Length)
{
    BOOLEAN         Restart = Class == FileIdBothDirectoryRestartInfo;
    IO_STATUS_BLOCK Iosb;

    if (Class == FileIdBothDirectoryInfo || Restart)
        return BaseSetStatus(NtQueryDirectoryFile(File, NULL, NULL, NULL, &Iosb, Buffer, Length,
            37, FALSE, NULL, Restart));
    if ((ULONG)Class >= ARRAYSIZE(BaseClasses) || BaseClasses[Class].Query == 0)
        return BaseSetStatus(STATUS_INVALID_PARAMETER);
    return BaseSetStatus(NtQueryInformationFile(File, &Iosb, Buffer, Length,
        BaseClasses[Class].Query));
}

BOOL WINAPI
SetFileInformationByHandle(HANDLE File, FILE_INFO_BY_HANDLE_CLASS Class, LPVOID Buffer,
    DWORD Length)
{
    IO_STATUS_BLOCK Iosb;

    if ((ULONG)Class >= ARRAYSIZE(BaseClasses) || BaseClasses[Class].Set == 0)
        return BaseSetStatus(STATUS_INVALID_PARAMETER);
    return BaseSetStatus(NtSetInformationFile(File, &Iosb, Buffer, Length,
        BaseClasses[Class].Set));
}

/* The file ends where its position is. */
BOOL WINAPI
SetEndOfFile(HANDLE File)
{
    LARGE_INTEGER   End;
    IO_STATUS_BLOCK Iosb;

    if (!BaseSetStatus(NtQueryInformationFile(File, &Iosb, &End, sizeof End,
            EtFilePositionInformation)))
        return FALSE;
    return BaseSetStatus(NtSetInformationFile(File, &Iosb, &End, sizeof End,
        EtFileEndOfFileInformation));
}
