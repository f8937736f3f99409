/* Volumes, of which there is one: how much room it has, what it is called, what it can do. */
#include "k32.h"

#define FILE_OPEN_FOR_FREE_SPACE_QUERY  0x00800000
#define NAME_BYTES                      (MAX_PATH * sizeof(WCHAR))

/* A folder, for questions about its volume. */
static NTSTATUS
BasepOpenFolder(LPCWSTR Name, PHANDLE Folder)
{
    UNICODE_STRING    Path;
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK   Iosb;
    NTSTATUS          Status;

    if (!RtlDosPathNameToNtPathName_U(Name, &Path, NULL, NULL))
        return STATUS_OBJECT_PATH_NOT_FOUND;
    InitializeObjectAttributes(&Attributes, &Path, OBJ_CASE_INSENSITIVE, NULL, NULL);
    Status = NtOpenFile(Folder, SYNCHRONIZE, &Attributes, &Iosb,
        FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
        FILE_SYNCHRONOUS_IO_NONALERT | FILE_DIRECTORY_FILE | FILE_OPEN_FOR_FREE_SPACE_QUERY);
    RtlFreeUnicodeString(&Path);
    return Status;
}

/* Each of the results may be NULL; so may Name, for the current folder. */
BOOL WINAPI
GetDiskFreeSpaceExW(LPCWSTR Name, PULARGE_INTEGER Available, PULARGE_INTEGER Total,
    PULARGE_INTEGER Free)
{
    FILE_FS_FULL_SIZE_INFORMATION Size;
    IO_STATUS_BLOCK               Iosb;
    HANDLE                        Folder;
    ULONG64                       Unit;

    if (!BaseSetStatus(BasepOpenFolder(Name ? Name : L".", &Folder)))
        return FALSE;
    if (!BaseSetStatus(NtQueryVolumeInformationFile(Folder, &Iosb, &Size, sizeof Size,
            EtFileFsFullSizeInformation))) {
        NtClose(Folder);
        return FALSE;
    }
    NtClose(Folder);
    Unit = (ULONG64)Size.SectorsPerAllocationUnit * Size.BytesPerSector;
    if (Available)
        Available->QuadPart = (ULONG64)Size.CallerAvailableAllocationUnits.QuadPart * Unit;
    if (Total)
        Total->QuadPart = (ULONG64)Size.TotalAllocationUnits.QuadPart * Unit;
    if (Free)
        Free->QuadPart = (ULONG64)Size.ActualAvailableAllocationUnits.QuadPart * Unit;
    return TRUE;
}

BOOL WINAPI
GetDiskFreeSpaceExA(LPCSTR Name, PULARGE_INTEGER Available, PULARGE_INTEGER Total,
    PULARGE_INTEGER Free)
{
    PWSTR Wide = BaseWiden(Name);
    BOOL  Result = GetDiskFreeSpaceExW(Wide, Available, Total, Free);

    BaseFree(Wide);
    return Result;
}

/* Copies and ends a name; FALSE if it does not fit Room characters. */
static BOOL
BasepGiveName(LPWSTR Buffer, DWORD Room, const WCHAR *Name, ULONG Bytes)
{
    if (Buffer == NULL)
        return TRUE;
    if (Room <= Bytes / sizeof(WCHAR)) {
        RtlSetLastWin32Error(ERROR_BAD_LENGTH);
        return FALSE;
    }
    memcpy(Buffer, Name, Bytes);
    Buffer[Bytes / sizeof(WCHAR)] = 0;
    return TRUE;
}

typedef struct _BASE_VOLUME {
    union {
        FILE_FS_VOLUME_INFORMATION Volume;
        UCHAR                      VolumeBytes[sizeof(FILE_FS_VOLUME_INFORMATION) + NAME_BYTES];
    };
    union {
        FILE_FS_ATTRIBUTE_INFORMATION Attributes;
        UCHAR AttributeBytes[sizeof(FILE_FS_ATTRIBUTE_INFORMATION) + NAME_BYTES];
    };
    union {
        FILE_NAME_INFORMATION Name;
        UCHAR                 NameBytes[sizeof(FILE_NAME_INFORMATION) + NAME_BYTES];
    };
} BASE_VOLUME, *PBASE_VOLUME;

static NTSTATUS
BasepQueryVolume(HANDLE Folder, PBASE_VOLUME Volume)
{
    IO_STATUS_BLOCK Iosb;
    NTSTATUS        Status;

    Status = NtQueryInformationFile(Folder, &Iosb, &Volume->Name, sizeof Volume->NameBytes,
        EtFileNameInformation);
    if (NT_SUCCESS(Status))
        Status = NtQueryVolumeInformationFile(Folder, &Iosb, &Volume->Volume,
            sizeof Volume->VolumeBytes, EtFileFsVolumeInformation);
    if (NT_SUCCESS(Status))
        Status = NtQueryVolumeInformationFile(Folder, &Iosb, &Volume->Attributes,
            sizeof Volume->AttributeBytes, EtFileFsAttributeInformation);
    return Status;
}

/* Root is a volume's root and ends in a backslash; NULL: that of the current folder. */
BOOL WINAPI
GetVolumeInformationW(LPCWSTR Root, LPWSTR Label, DWORD LabelRoom, LPDWORD Serial,
    LPDWORD ComponentLength, LPDWORD Flags, LPWSTR Kind, DWORD KindRoom)
{
    BASE_VOLUME Volume;
    HANDLE      Folder;
    NTSTATUS    Status;

    if (Root != NULL && (Root[0] == 0 || Root[wcslen(Root) - 1] != L'\\')) {
        RtlSetLastWin32Error(ERROR_INVALID_NAME);
        return FALSE;
    }
    if (!BaseSetStatus(BasepOpenFolder(Root ? Root : L"\\", &Folder)))
        return FALSE;
    Status = BasepQueryVolume(Folder, &Volume);
    NtClose(Folder);
    if (!BaseSetStatus(Status))
        return FALSE;
    if (Volume.Name.FileNameLength != sizeof(WCHAR)) {
        RtlSetLastWin32Error(ERROR_DIR_NOT_ROOT);
        return FALSE;
    }
    if (Serial)
        *Serial = Volume.Volume.VolumeSerialNumber;
    if (ComponentLength)
        *ComponentLength = Volume.Attributes.MaximumComponentNameLength;
    if (Flags)
        *Flags = Volume.Attributes.FileSystemAttributes;
    return BasepGiveName(Label, LabelRoom, Volume.Volume.VolumeLabel,
            Volume.Volume.VolumeLabelLength)
        && BasepGiveName(Kind, KindRoom, Volume.Attributes.FileSystemName,
            Volume.Attributes.FileSystemNameLength);
}

static VOID
BasepNarrow(LPSTR Target, const WCHAR *Source)
{
    do
        *Target++ = (CHAR)*Source;
    while (*Source++);
}

BOOL WINAPI
GetVolumeInformationA(LPCSTR Root, LPSTR Label, DWORD LabelRoom, LPDWORD Serial,
    LPDWORD ComponentLength, LPDWORD Flags, LPSTR Kind, DWORD KindRoom)
{
    WCHAR WideLabel[MAX_PATH + 1], WideKind[MAX_PATH + 1];
    PWSTR Wide = BaseWiden(Root);
    BOOL  Result = GetVolumeInformationW(Wide, Label ? WideLabel : NULL, min(LabelRoom, MAX_PATH),
        Serial, ComponentLength, Flags, Kind ? WideKind : NULL, min(KindRoom, MAX_PATH));

    BaseFree(Wide);
    if (Result && Label)
        BasepNarrow(Label, WideLabel);
    if (Result && Kind)
        BasepNarrow(Kind, WideKind);
    return Result;
}
