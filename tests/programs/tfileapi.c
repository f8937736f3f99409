/* kernel32's functions about files that exist already: what they say, refuse, and leave alone. */
#include "sdk/ntapi.h"
#include "user/lib/testing.h"
#include <stdio.h>
#include <string.h>

#define FOLDER  "C:\\System32"
#define NAME    FOLDER "\\ntdll.dll"

static BOOL
Fails(BOOL Result, DWORD Error)
{
    return !Result && GetLastError() == Error;
}

static HANDLE
Open(DWORD Access, DWORD Flags)
{
    return CreateFileA(NAME, Access, FILE_SHARE_READ, NULL, OPEN_EXISTING, Flags, NULL);
}

static void
ByName(void)
{
    WIN32_FILE_ATTRIBUTE_DATA Data = { 0 };
    HANDLE                    File = Open(GENERIC_READ, 0);

    Promise("GetFileAttributesEx tells attributes, size and times");
    Expect(GetFileAttributesExA(NAME, GetFileExInfoStandard, &Data), "%lu", GetLastError());
    Expect(Data.dwFileAttributes == GetFileAttributesA(NAME) && Data.nFileSizeHigh == 0
        && Data.nFileSizeLow == GetFileSize(File, NULL) && Data.ftLastWriteTime.dwHighDateTime != 0,
        "attributes 0x%lX, %lu bytes", Data.dwFileAttributes, Data.nFileSizeLow);
    Expect(GetFileAttributesExW(L"C:\\System32", GetFileExInfoStandard, &Data)
        && (Data.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY), "a folder");
    Expect(Fails(GetFileAttributesExA("C:\\none", GetFileExInfoStandard, &Data),
        ERROR_FILE_NOT_FOUND), "a file that is not there: %lu", GetLastError());
    Expect(Fails(GetFileAttributesExA("C:\\none\\x", GetFileExInfoStandard, &Data),
        ERROR_PATH_NOT_FOUND), "a path that is not there: %lu", GetLastError());
    Expect(Fails(GetFileAttributesExA(NAME, GetFileExMaxInfoLevel, &Data),
        ERROR_INVALID_PARAMETER), "a level that is none");
    CloseHandle(File);
}

static void
ByHandle(void)
{
    BY_HANDLE_FILE_INFORMATION One, Two;
    union { FILE_NAME_INFO Name; UCHAR Bytes[200]; } Name;
    FILE_STANDARD_INFO         Standard;
    FILE_BASIC_INFO            Basic;
    HANDLE                     File = Open(GENERIC_READ, 0), Again = Open(GENERIC_READ, 0);

    Promise("GetFileInformationByHandle and Ex tell what a file is");
    Expect(GetFileInformationByHandle(File, &One) && GetFileInformationByHandle(Again, &Two),
        "%lu", GetLastError());
    Expect(memcmp(&One, &Two, sizeof One) == 0 && One.nFileIndexLow != 0 && One.nNumberOfLinks == 1
        && One.dwVolumeSerialNumber != 0 && One.nFileSizeLow == GetFileSize(File, NULL),
        "two handles differ");
    Expect(GetFileInformationByHandleEx(File, FileBasicInfo, &Basic, sizeof Basic)
        && Basic.FileAttributes == One.dwFileAttributes, "basic");
    Expect(GetFileInformationByHandleEx(File, FileStandardInfo, &Standard, sizeof Standard)
        && (ULONG)Standard.EndOfFile.QuadPart == One.nFileSizeLow && !Standard.Directory,
        "standard");
    Expect(GetFileInformationByHandleEx(File, FileNameInfo, &Name, sizeof Name)
        && Name.Name.FileNameLength == 19 * sizeof(WCHAR)
        && memcmp(Name.Name.FileName, L"\\System32\\ntdll.dll", 38) == 0, "name");
    Expect(Fails(GetFileInformationByHandleEx(File, FileNameInfo, &Name, 12), ERROR_MORE_DATA),
        "a name that is cut: %lu", GetLastError());
    Expect(Fails(GetFileInformationByHandleEx(File, FileBasicInfo, &Basic, 39), ERROR_BAD_LENGTH),
        "a short buffer: %lu", GetLastError());
    Expect(Fails(GetFileInformationByHandleEx(File, FileRenameInfo, &Name, sizeof Name),
        ERROR_INVALID_PARAMETER), "a class that is only set");
    Expect(Fails(GetFileInformationByHandleEx(File, 99, &Name, sizeof Name),
        ERROR_INVALID_PARAMETER), "a class that is none");
    Expect(Fails(SetFileInformationByHandle(File, FileNameInfo, &Name, sizeof Name),
        ERROR_INVALID_PARAMETER), "a class that cannot be set");
    CloseHandle(Again);
    Expect(Fails(GetFileInformationByHandle(Again, &One), ERROR_INVALID_HANDLE), "a closed handle");
    CloseHandle(File);
}

static void
Folders(void)
{
    static UCHAR       Buffer[0x4000] __attribute__((aligned(8)));
    HANDLE             Folder = CreateFileA(FOLDER, GENERIC_READ, 7, NULL, OPEN_EXISTING,
        FILE_FLAG_BACKUP_SEMANTICS, NULL), Find;
    WIN32_FIND_DATAA   Data;
    ULONG              First = 0, Count[2] = { 0, 0 };

    Promise("A folder is listed by its handle, and found by FindFirstFileEx");
    for (ULONG Round = 0; Round < 2; Round++) {
        FILE_INFO_BY_HANDLE_CLASS Class = Round == 0 ? FileIdBothDirectoryInfo
            : FileIdBothDirectoryRestartInfo;

        while (GetFileInformationByHandleEx(Folder, Class, Buffer, sizeof Buffer)) {
            PFILE_ID_BOTH_DIR_INFO Entry = (PVOID)Buffer;

            for (Count[Round]++; Entry->NextEntryOffset; Count[Round]++)
                Entry = (PVOID)((PUCHAR)Entry + Entry->NextEntryOffset);
            Class = FileIdBothDirectoryInfo;
        }
        Expect(GetLastError() == ERROR_NO_MORE_FILES, "the end: %lu", GetLastError());
    }
    Expect(Count[0] > 20 && Count[0] == Count[1], "%lu, then %lu", Count[0], Count[1]);
    Find = FindFirstFileExA(FOLDER "\\*", FindExInfoBasic, &Data, FindExSearchNameMatch, NULL, 0);
    Expect(Find != INVALID_HANDLE_VALUE && strcmp(Data.cFileName, ".") == 0
        && Data.ftCreationTime.dwHighDateTime + 1 != 0, "find: %lu", GetLastError());
    for (First = 1; FindNextFileA(Find, &Data); First++)
        ;
    FindClose(Find);
    Expect(First == Count[0], "%lu, not %lu", First, Count[0]);
    Expect(FindFirstFileExA(FOLDER "\\*", FindExInfoMaxInfoLevel, &Data, 0, NULL, 0)
        == INVALID_HANDLE_VALUE && GetLastError() == ERROR_INVALID_PARAMETER, "a level");
    Expect(FindFirstFileExA(FOLDER "\\*", FindExInfoBasic, &Data, FindExSearchLimitToDevices, NULL,
        0) == INVALID_HANDLE_VALUE && GetLastError() == ERROR_NOT_SUPPORTED, "devices");
    CloseHandle(Folder);
}

static void
Volumes(void)
{
    ULARGE_INTEGER Available, Total, Free;
    char           Label[20] = "", Kind[20] = "";
    DWORD          Serial = 0, Component = 0, Flags = 0;
    BY_HANDLE_FILE_INFORMATION File;
    HANDLE         Handle = Open(GENERIC_READ, 0);

    Promise("A volume's size, label and file system are told");
    Expect(GetDiskFreeSpaceExA("C:\\", &Available, &Total, &Free), "%lu", GetLastError());
    Expect(Total.QuadPart > 100000 && Available.QuadPart == 0 && Free.QuadPart == 0, "%llu bytes",
        Total.QuadPart);
    Expect(GetDiskFreeSpaceExW(NULL, NULL, &Free, NULL) && Free.QuadPart == Total.QuadPart,
        "the current folder: %lu", GetLastError());
    Expect(Fails(GetDiskFreeSpaceExA("C:\\none", NULL, NULL, NULL), ERROR_FILE_NOT_FOUND), "none");
    Expect(GetVolumeInformationA("C:\\", Label, sizeof Label, &Serial, &Component, &Flags, Kind,
        sizeof Kind), "%lu", GetLastError());
    Expect(strcmp(Label, "ETUDE") == 0 && strcmp(Kind, "USTAR") == 0 && Component == 100
        && (Flags & FILE_READ_ONLY_VOLUME), "%s, %s, %lu, 0x%lX", Label, Kind, Component, Flags);
    GetFileInformationByHandle(Handle, &File);
    Expect(Serial == File.dwVolumeSerialNumber, "serial 0x%lX", Serial);
    Expect(GetVolumeInformationW(NULL, NULL, 0, NULL, NULL, NULL, NULL, 0), "nothing wanted");
    Expect(Fails(GetVolumeInformationA("C:\\", Label, 5, NULL, NULL, NULL, NULL, 0),
        ERROR_BAD_LENGTH), "no room: %lu", GetLastError());
    Expect(Fails(GetVolumeInformationA(FOLDER "\\", NULL, 0, NULL, NULL, NULL, NULL, 0),
        ERROR_DIR_NOT_ROOT), "no root: %lu", GetLastError());
    Expect(Fails(GetVolumeInformationA("C:", NULL, 0, NULL, NULL, NULL, NULL, 0),
        ERROR_INVALID_NAME), "no backslash: %lu", GetLastError());
    CloseHandle(Handle);
}

static void
Positions(void)
{
    HANDLE        File = Open(GENERIC_READ, 0);
    DWORD         Size = GetFileSize(File, NULL), Done = 77;
    LARGE_INTEGER Far = { .QuadPart = 0x500000010 }, New = { .QuadPart = 0 };
    LONG          High = 7;
    char          Byte;

    Promise("A file's pointer is moved from the start, itself and the end, and not below 0");
    Expect(SetFilePointer(File, 100, NULL, FILE_BEGIN) == 100, "begin");
    Expect(SetFilePointer(File, -40, NULL, FILE_CURRENT) == 60, "current");
    Expect(SetFilePointer(File, -1, NULL, FILE_END) == Size - 1, "end");
    Expect(ReadFile(File, &Byte, 1, &Done, NULL) && Done == 1, "the last byte");
    Expect(ReadFile(File, &Byte, 1, &Done, NULL) && Done == 0, "behind it");
    Expect(SetFilePointer(File, 0x10, &High, FILE_BEGIN) == 0x10 && High == 7, "a high part");
    Expect(SetFilePointerEx(File, Far, &New, FILE_BEGIN) && New.QuadPart == Far.QuadPart, "far");
    Expect(SetFilePointer(File, -1, NULL, FILE_BEGIN) == INVALID_SET_FILE_POINTER
        && GetLastError() == ERROR_NEGATIVE_SEEK, "below 0: %lu", GetLastError());
    Expect(SetFilePointer(File, 1, NULL, FILE_CURRENT) == INVALID_SET_FILE_POINTER
        && GetLastError() == ERROR_INVALID_PARAMETER, "too far for 32 bits: %lu", GetLastError());
    Expect(SetFilePointerEx(File, (LARGE_INTEGER){ .QuadPart = 0 }, &New, FILE_CURRENT)
        && New.QuadPart == Far.QuadPart, "it has moved");
    Expect(Fails(SetFilePointerEx(File, Far, NULL, 3), ERROR_INVALID_PARAMETER), "method: %lu",
        GetLastError());
    Expect(Fails(SetEndOfFile(File), ERROR_ACCESS_DENIED), "end, without the right: %lu",
        GetLastError());
    CloseHandle(File);
    File = Open(MAXIMUM_ALLOWED, 0);
    Expect(Fails(SetEndOfFile(File), ERROR_WRITE_PROTECT), "end: %lu", GetLastError());
    CloseHandle(File);
}

static void
Locks(void)
{
    HANDLE     First = Open(GENERIC_READ, 0), Second = Open(GENERIC_READ, FILE_FLAG_OVERLAPPED);
    OVERLAPPED Range = { .Offset = 10, .hEvent = CreateEventA(NULL, TRUE, FALSE, NULL) }, One;
    DWORD      Done;
    char       Byte;

    Promise("LockFile, LockFileEx and their ends");
    Expect(LockFile(First, 10, 0, 20, 0), "lock: %lu", GetLastError());
    Expect(Fails(LockFile(Second, 29, 0, 1, 0), ERROR_LOCK_VIOLATION), "twice: %lu",
        GetLastError());
    Expect(Fails(LockFileEx(Second, LOCKFILE_FAIL_IMMEDIATELY, 0, 5, 0, &Range),
        ERROR_LOCK_VIOLATION), "shared, at once");
    Expect(Fails(LockFileEx(Second, 0, 1, 5, 0, &Range), ERROR_INVALID_PARAMETER), "reserved");
    memset(&One, 0, sizeof One);
    One.Offset = 12;
    Expect(Fails(ReadFile(Second, &Byte, 1, &Done, &One), ERROR_LOCK_VIOLATION), "read: %lu",
        GetLastError());
    Expect(Fails(LockFileEx(Second, LOCKFILE_EXCLUSIVE_LOCK, 0, 5, 0, &Range), ERROR_IO_PENDING),
        "waiting");
    Expect(WaitForSingleObject(Range.hEvent, 0) == WAIT_TIMEOUT, "granted too early");
    Expect(UnlockFile(First, 10, 0, 20, 0), "unlock: %lu", GetLastError());
    Expect(GetOverlappedResult(Second, &Range, &Done, TRUE), "not granted: %lu", GetLastError());
    Expect(Fails(UnlockFile(First, 10, 0, 20, 0), ERROR_NOT_LOCKED), "again: %lu", GetLastError());
    Expect(UnlockFileEx(Second, 0, 5, 0, &Range), "unlock Ex: %lu", GetLastError());
    CloseHandle(Range.hEvent);
    CloseHandle(First);
    CloseHandle(Second);
}

static volatile LONG Called;
static DWORD         CalledError, CalledBytes;
static LPOVERLAPPED  CalledWith;

static void CALLBACK
Callback(DWORD Error, DWORD Bytes, LPOVERLAPPED Overlapped)
{
    CalledError = Error;
    CalledBytes = Bytes;
    CalledWith = Overlapped;
    InterlockedIncrement(&Called);
}

static void
Callbacks(void)
{
    HANDLE     File = Open(GENERIC_READ, FILE_FLAG_OVERLAPPED);
    OVERLAPPED Overlapped = { 0 };
    char       Bytes[100];

    Promise("BindIoCompletionCallback: a routine is called for each request that ends");
    Expect(BindIoCompletionCallback(File, Callback, 0), "%lu", GetLastError());
    for (LONG Round = 1; Round <= 10; Round++) {
        ReadFile(File, Bytes, 90 + Round, NULL, &Overlapped);
        while (Called < Round)
            SwitchToThread();
        Expect(CalledError == 0 && CalledBytes == 90 + (DWORD)Round && CalledWith == &Overlapped,
            "error %lu, %lu bytes", CalledError, CalledBytes);
    }
    Expect(!BindIoCompletionCallback(File, Callback, 0), "twice");
    CloseHandle(File);
}

static void
Changes(void)
{
    HANDLE      Folder = CreateFileA(FOLDER, FILE_LIST_DIRECTORY, 7, NULL, OPEN_EXISTING,
        FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OVERLAPPED, NULL);
    OVERLAPPED  Overlapped = { 0 };
    static char Buffer[512];

    Promise("ReadDirectoryChangesW waits for changes, and its routine hears that it was cancelled");
    Called = 0;
    Expect(ReadDirectoryChangesW(Folder, Buffer, sizeof Buffer, FALSE, FILE_NOTIFY_CHANGE_SIZE,
        NULL, &Overlapped, Callback), "%lu", GetLastError());
    Expect(SleepEx(0, TRUE) == 0 && Called == 0, "it does not wait");
    Expect(CancelIo(Folder) && SleepEx(0, TRUE) == WAIT_IO_COMPLETION && Called == 1
        && CalledError == ERROR_OPERATION_ABORTED && CalledWith == &Overlapped, "error %lu",
        CalledError);
    Expect(Fails(ReadDirectoryChangesW(Folder, Buffer, sizeof Buffer, FALSE, 0, NULL, &Overlapped,
        NULL), ERROR_INVALID_PARAMETER), "no filter: %lu", GetLastError());
    CloseHandle(Folder);
}

static void
Flags(void)
{
    static const struct { DWORD Flag; ULONG Mode; } Modes[] = {
        { 0, 0x20 }, { FILE_FLAG_OVERLAPPED, 0 }, { FILE_FLAG_WRITE_THROUGH, 0x22 },
        { FILE_FLAG_SEQUENTIAL_SCAN, 0x24 }, { FILE_FLAG_NO_BUFFERING, 0x28 },
        { FILE_FLAG_NO_BUFFERING | FILE_FLAG_OVERLAPPED, 0x8 },
    };
    IO_STATUS_BLOCK Iosb;
    ULONG           Mode = 0;
    char            Byte;
    DWORD           Done;
    HANDLE          File;

    Promise("CreateFile's flags become modes of the file");
    for (ULONG Index = 0; Index < ARRAYSIZE(Modes); Index++) {
        File = Open(GENERIC_READ, Modes[Index].Flag);
        NtQueryInformationFile(File, &Iosb, &Mode, sizeof Mode, 16);
        Expect(Mode == Modes[Index].Mode, "flag 0x%lX: mode 0x%lX", Modes[Index].Flag, Mode);
        CloseHandle(File);
    }
    File = Open(GENERIC_READ, FILE_FLAG_NO_BUFFERING);
    Expect(Fails(ReadFile(File, &Byte, 1, &Done, NULL), ERROR_INVALID_PARAMETER), "a byte: %lu",
        GetLastError());
    CloseHandle(File);
    Expect(Open(GENERIC_READ, FILE_FLAG_DELETE_ON_CLOSE) == INVALID_HANDLE_VALUE
        && GetLastError() == ERROR_WRITE_PROTECT, "delete on close: %lu", GetLastError());
}

int
main(void)
{
    Flags();
    ByName();
    ByHandle();
    Folders();
    Volumes();
    Positions();
    Locks();
    Callbacks();
    Changes();
    return Done("tfileapi");
}
