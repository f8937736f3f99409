/*
 * Tests the drivers that come with the system from inside: ramdisk.sys through \SystemRoot,
 * pipe.sys, null.sys.
 */
#include <ntifs.h>
#include "../ktest.h"
#include "../../../drivers/pipe/pipe_ioctl.h"

#define BUFFER_SIZE     4096

static UCHAR           KtBuffer[BUFFER_SIZE];
static IO_STATUS_BLOCK KtIosb;

static NTSTATUS
OpenAt(HANDLE Root, PCWSTR Text, ACCESS_MASK Access, ULONG Disposition, ULONG Options,
       PHANDLE Handle)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING    Name;

    RtlInitUnicodeString(&Name, Text);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, Root,
                               NULL);
    return ZwCreateFile(Handle, Access | SYNCHRONIZE, &Attributes, &KtIosb, NULL, 0,
                        FILE_SHARE_READ, Disposition,
                        Options | FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0);
}

static NTSTATUS
Open(PCWSTR Text, ULONG Options, PHANDLE Handle)
{
    return OpenAt(NULL, Text, FILE_READ_DATA | FILE_READ_ATTRIBUTES, FILE_OPEN, Options, Handle);
}

static VOID
RamdiskNames(VOID)
{
    static const struct { PCWSTR Name; ULONG Options; NTSTATUS Status; } Names[] = {
        { L"\\SystemRoot\\System32\\drivers\\null.sys", 0, STATUS_SUCCESS },
        { L"\\systemroot\\SYSTEM32\\Drivers\\NULL.SYS", FILE_NON_DIRECTORY_FILE, STATUS_SUCCESS },
        { L"\\Device\\Ramdisk\\System32", FILE_DIRECTORY_FILE, STATUS_SUCCESS },
        { L"\\SystemRoot", FILE_DIRECTORY_FILE, STATUS_SUCCESS },
        { L"\\SystemRoot\\System32\\nothing", 0, STATUS_OBJECT_NAME_NOT_FOUND },
        { L"\\SystemRoot\\nowhere\\null.sys", 0, STATUS_OBJECT_PATH_NOT_FOUND },
        { L"\\SystemRoot\\System32\\drivers\\null.sys\\x", 0, STATUS_OBJECT_PATH_NOT_FOUND },
        { L"\\SystemRoot\\System32", FILE_NON_DIRECTORY_FILE, STATUS_FILE_IS_A_DIRECTORY },
        { L"\\SystemRoot\\System32\\drivers\\null.sys", FILE_DIRECTORY_FILE,
         STATUS_NOT_A_DIRECTORY },
    };
    HANDLE File, Relative;

    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Names); Index++) {
        NTSTATUS Status = Open(Names[Index].Name, Names[Index].Options, &File);

        EXPECT(Status == Names[Index].Status);
        if (NT_SUCCESS(Status))
            ZwClose(File);
    }
    EXPECT(Open(L"\\SystemRoot\\System32", FILE_DIRECTORY_FILE, &File) == STATUS_SUCCESS);
    EXPECT(OpenAt(File, L"drivers\\pipe.sys", FILE_READ_DATA, FILE_OPEN, 0,
                  &Relative) == STATUS_SUCCESS);
    ZwClose(Relative);
    ZwClose(File);
}

static VOID
RamdiskReadOnly(VOID)
{
    PCWSTR        Name = L"\\SystemRoot\\System32\\drivers\\null.sys";
    LARGE_INTEGER Zero = { .QuadPart = 0 };
    HANDLE        File;

    EXPECT(OpenAt(NULL, Name, FILE_WRITE_DATA, FILE_OPEN, 0,
                  &File) == STATUS_MEDIA_WRITE_PROTECTED);
    EXPECT(OpenAt(NULL, Name, FILE_READ_DATA, FILE_CREATE, 0,
                  &File) == STATUS_OBJECT_NAME_COLLISION);
    EXPECT(OpenAt(NULL, Name, FILE_READ_DATA, FILE_OVERWRITE, 0,
                  &File) == STATUS_MEDIA_WRITE_PROTECTED);
    EXPECT(OpenAt(NULL, L"\\SystemRoot\\new", FILE_READ_DATA, FILE_OPEN_IF, 0,
                  &File) == STATUS_MEDIA_WRITE_PROTECTED);
    EXPECT(Open(Name, 0, &File) == STATUS_SUCCESS);
    EXPECT(ZwWriteFile(File, NULL, NULL, NULL, &KtIosb, KtBuffer, 1, &Zero,
                       NULL) == STATUS_MEDIA_WRITE_PROTECTED);
    ZwClose(File);
}

static VOID
RamdiskReads(VOID)
{
    FILE_STANDARD_INFORMATION Standard;
    FILE_POSITION_INFORMATION Position;
    FILE_NAME_INFORMATION    *Name = (PVOID)KtBuffer;
    ULONG64                   Total = 0;
    LARGE_INTEGER             Offset;
    NTSTATUS                  Status;
    HANDLE                    File;

    EXPECT(Open(L"\\SystemRoot\\System32\\drivers\\pipe.sys", 0, &File) == STATUS_SUCCESS);
    EXPECT(ZwQueryInformationFile(File, &KtIosb, &Standard, sizeof Standard,
                                  FileStandardInformation) == STATUS_SUCCESS);
    EXPECT(!Standard.Directory && Standard.EndOfFile.QuadPart > 1000);
    EXPECT(ZwReadFile(File, NULL, NULL, NULL, &KtIosb, KtBuffer, 100, NULL,
                      NULL) == STATUS_SUCCESS);
    EXPECT(KtBuffer[0] == 'M' && KtBuffer[1] == 'Z' && KtIosb.Information == 100);
    for (Total = 100; NT_SUCCESS(Status = ZwReadFile(File, NULL, NULL, NULL, &KtIosb, KtBuffer,
                                                     BUFFER_SIZE, NULL, NULL));)
        Total += KtIosb.Information;
    EXPECT(Status == STATUS_END_OF_FILE && Total == (ULONG64)Standard.EndOfFile.QuadPart);
    EXPECT(ZwQueryInformationFile(File, &KtIosb, &Position, sizeof Position,
                                  FilePositionInformation) == STATUS_SUCCESS);
    EXPECT(Position.CurrentByteOffset.QuadPart == Standard.EndOfFile.QuadPart);
    Offset.QuadPart = Standard.EndOfFile.QuadPart - 10;
    EXPECT(ZwReadFile(File, NULL, NULL, NULL, &KtIosb, KtBuffer, 100, &Offset,
                      NULL) == STATUS_SUCCESS);
    EXPECT(KtIosb.Information == 10);
    EXPECT(ZwQueryInformationFile(File, &KtIosb, Name, BUFFER_SIZE,
                                  FileNameInformation) == STATUS_SUCCESS);
    EXPECT(Name->FileNameLength == 26 * sizeof(WCHAR) &&
           wcsncmp(Name->FileName, L"\\System32\\drivers\\pipe.sys", 26) == 0);
    EXPECT(ZwQueryInformationFile(File, &KtIosb, Name, 20,
                                  FileNameInformation) == STATUS_BUFFER_OVERFLOW);
    EXPECT(ZwQueryInformationFile(File, &KtIosb, Name, 3,
                                  FileStandardInformation) == STATUS_INFO_LENGTH_MISMATCH);
    EXPECT(ZwQueryInformationFile(File, &KtIosb, Name, BUFFER_SIZE,
                                  99) == STATUS_INVALID_INFO_CLASS);
    ZwClose(File);
}

/* How many entries of a directory match; Length small makes many calls. */
static ULONG
Count(HANDLE Directory, PCWSTR Text, ULONG Length, NTSTATUS *Last)
{
    UNICODE_STRING              Pattern;
    PFILE_BOTH_DIR_INFORMATION  Entry;
    ULONG                       Entries = 0;
    BOOLEAN                     Restart = TRUE;

    RtlInitUnicodeString(&Pattern, Text);
    for (;;) {
        *Last = ZwQueryDirectoryFile(Directory, NULL, NULL, NULL, &KtIosb, KtBuffer, Length,
                                     FileBothDirectoryInformation,
                                     FALSE, &Pattern, Restart);
        Restart = FALSE;
        if (!NT_SUCCESS(*Last))
            return Entries;
        for (Entry = (PVOID)KtBuffer;; Entry = (PVOID)((PUCHAR)Entry + Entry->NextEntryOffset)) {
            Entries++;
            if (Entry->NextEntryOffset == 0)
                break;
        }
    }
}

static VOID
RamdiskLists(VOID)
{
    PCWSTR   Name = L"\\SystemRoot\\System32\\drivers";
    HANDLE   Directory;
    NTSTATUS Last;
    ULONG    All;

    EXPECT(Open(Name, FILE_DIRECTORY_FILE, &Directory) == STATUS_SUCCESS);
    All = Count(Directory, L"*", BUFFER_SIZE, &Last);
    EXPECT(All >= 5 && Last == STATUS_NO_MORE_FILES);
    EXPECT(Count(Directory, L"*", 200, &Last) == All && Last == STATUS_NO_MORE_FILES);
    ZwClose(Directory);
    Open(Name, FILE_DIRECTORY_FILE, &Directory);
    EXPECT(Count(Directory, L"P?pe.*", BUFFER_SIZE, &Last) == 1);
    ZwClose(Directory);
    Open(Name, FILE_DIRECTORY_FILE, &Directory);
    EXPECT(Count(Directory, L"*.none", BUFFER_SIZE, &Last) == 0 && Last == STATUS_NO_SUCH_FILE);
    ZwClose(Directory);
}

/* A driver's bad addresses below system space fault inside the services, not through them. */
static VOID
BadBuffers(VOID)
{
    static const PVOID Bad[] = { NULL, (PVOID)16, (PVOID)0x6660000, (PVOID)0x0000800000000000 };
    LARGE_INTEGER      Zero = { .QuadPart = 0 };
    HANDLE             File, Folder, Pipe;

    EXPECT(Open(L"\\SystemRoot\\System32\\ntdll.dll", 0, &File) == STATUS_SUCCESS);
    EXPECT(Open(L"\\SystemRoot\\System32", FILE_DIRECTORY_FILE, &Folder) == STATUS_SUCCESS);
    EXPECT(OpenAt(NULL, L"\\Device\\Example\\KtBad", FILE_READ_DATA | FILE_WRITE_DATA, FILE_OPEN, 0,
                  &Pipe) == STATUS_SUCCESS);
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Bad); Index++) {
        PVOID P = Bad[Index];

        EXPECT(ZwReadFile(File, NULL, NULL, NULL, &KtIosb, P, 64, &Zero, NULL)
               == STATUS_ACCESS_VIOLATION);
        EXPECT(P == NULL            // a driver that does not care
               || ZwReadFile(File, NULL, NULL, NULL, P, KtBuffer, 64, &Zero, NULL)
               == STATUS_ACCESS_VIOLATION);
        EXPECT(ZwQueryInformationFile(File, &KtIosb, P, 24, FileStandardInformation)
               == STATUS_ACCESS_VIOLATION);
        EXPECT(ZwQueryInformationFile(File, P, KtBuffer, 24, FileStandardInformation)
               == STATUS_ACCESS_VIOLATION);
        EXPECT(ZwSetInformationFile(File, &KtIosb, P, 8, FilePositionInformation)
               == STATUS_ACCESS_VIOLATION);
        EXPECT(ZwQueryVolumeInformationFile(File, &KtIosb, P, 8, FileFsDeviceInformation)
               == STATUS_ACCESS_VIOLATION);
        EXPECT(ZwQueryDirectoryFile(Folder, NULL, NULL, NULL, &KtIosb, P, 512,
                                    FileDirectoryInformation, TRUE, NULL, TRUE)
               == STATUS_ACCESS_VIOLATION);
        EXPECT(ZwWriteFile(Pipe, NULL, NULL, NULL, &KtIosb, P, 64, NULL, NULL)
               == STATUS_ACCESS_VIOLATION);
    }
    ZwClose(Pipe);
    ZwClose(Folder);
    ZwClose(File);
}

static VOID
NullDevice(VOID)
{
    HANDLE File;

    EXPECT(OpenAt(NULL, L"\\??\\NUL", FILE_READ_DATA | FILE_WRITE_DATA, FILE_OPEN, 0,
                  &File) == STATUS_SUCCESS);
    EXPECT(ZwWriteFile(File, NULL, NULL, NULL, &KtIosb, KtBuffer, 1234, NULL,
                       NULL) == STATUS_SUCCESS);
    EXPECT(KtIosb.Information == 1234);
    EXPECT(ZwReadFile(File, NULL, NULL, NULL, &KtIosb, KtBuffer, 10, NULL,
                      NULL) == STATUS_END_OF_FILE);
    ZwClose(File);
}

static NTSTATUS
OpenPipe(PCWSTR Name, PHANDLE Pipe)
{
    return OpenAt(NULL, Name, FILE_READ_DATA | FILE_WRITE_DATA, FILE_OPEN, 0, Pipe);
}

static ULONG_PTR
WritePipe(HANDLE Pipe, PCSTR Text)
{
    EXPECT(ZwWriteFile(Pipe, NULL, NULL, NULL, &KtIosb, (PVOID)Text, (ULONG)strlen(Text), NULL,
                       NULL) == STATUS_SUCCESS);
    return KtIosb.Information;
}

static BOOLEAN
ReadsPipe(HANDLE Pipe, PCSTR Text)
{
    EXPECT(ZwReadFile(Pipe, NULL, NULL, NULL, &KtIosb, KtBuffer, 100, NULL,
                      NULL) == STATUS_SUCCESS);
    return KtIosb.Information == strlen(Text) &&
        RtlCompareMemory(KtBuffer, Text, strlen(Text)) == strlen(Text);
}

static NTSTATUS
ControlPipe(HANDLE Pipe, ULONG Code, ULONG Value, PPIPE_INFORMATION Information)
{
    return ZwDeviceIoControlFile(Pipe, NULL, NULL, NULL, &KtIosb, Code, &Value,
                                 Information == NULL ? sizeof Value : 0,
                                 Information, Information != NULL ? sizeof *Information : 0);
}

static VOID
PipeNames(VOID)
{
    static WCHAR     Long[100] = L"\\Device\\Example\\";
    PIPE_INFORMATION Information;
    HANDLE           First, Second, Third;

    EXPECT(OpenPipe(L"\\Device\\Example", &First) == STATUS_OBJECT_NAME_INVALID);
    EXPECT(OpenPipe(L"\\Device\\Example\\", &First) == STATUS_OBJECT_NAME_INVALID);
    EXPECT(OpenPipe(L"\\Device\\Example\\A\\B", &First) == STATUS_OBJECT_NAME_INVALID);
    for (ULONG Index = 0; Index < PIPE_MAX_NAME; Index++)
        Long[16 + Index] = L'x';
    EXPECT(OpenPipe(Long, &First) == STATUS_SUCCESS);
    ZwClose(First);
    Long[16 + PIPE_MAX_NAME] = L'x';
    EXPECT(OpenPipe(Long, &First) == STATUS_NAME_TOO_LONG);

    EXPECT(OpenPipe(L"\\??\\Example\\KtFile", &First) == STATUS_SUCCESS &&
           KtIosb.Information == FILE_CREATED);
    EXPECT(OpenPipe(L"\\Device\\Example\\ktFILE", &Second) == STATUS_SUCCESS &&
           KtIosb.Information == FILE_OPENED);
    EXPECT(OpenPipe(L"\\Device\\Example\\KtFile2", &Third) == STATUS_SUCCESS &&
           KtIosb.Information == FILE_CREATED);
    EXPECT(WritePipe(First, "shared") == 6 && ReadsPipe(Third, "") && ReadsPipe(Second, "shared"));
    EXPECT(ControlPipe(Second, IOCTL_PIPE_QUERY, 0, &Information) == STATUS_SUCCESS &&
           Information.Opens == 2);
    ZwClose(First);
    EXPECT(ControlPipe(Second, IOCTL_PIPE_QUERY, 0, &Information) == STATUS_SUCCESS &&
           Information.Opens == 1);
    ZwClose(Second);
    ZwClose(Third);
}

static VOID
PipeSizes(VOID)
{
    PIPE_INFORMATION Information;
    HANDLE           Pipe;

    EXPECT(OpenPipe(L"\\Device\\Example\\KtSizes", &Pipe) == STATUS_SUCCESS);
    EXPECT(ControlPipe(Pipe, IOCTL_PIPE_SET_SIZE, 0, NULL) == STATUS_INVALID_PARAMETER);
    EXPECT(ControlPipe(Pipe, IOCTL_PIPE_SET_SIZE, 10, NULL) == STATUS_SUCCESS);
    EXPECT(WritePipe(Pipe, "01234567") == 8 && WritePipe(Pipe, "89abcd") == 2);         // cut short
    EXPECT(ReadsPipe(Pipe, "0123456789") && ReadsPipe(Pipe, ""));
    EXPECT(ControlPipe(Pipe, IOCTL_PIPE_SET_MODE, 2, NULL) == STATUS_INVALID_PARAMETER);
    EXPECT(ControlPipe(Pipe, IOCTL_PIPE_SET_MODE, PIPE_OVERWRITE_OLD, NULL) == STATUS_SUCCESS);
    EXPECT(WritePipe(Pipe, "01234567") == 8 && WritePipe(Pipe, "89abcd") == 6 &&
           ReadsPipe(Pipe, "456789abcd"));
    EXPECT(WritePipe(Pipe, "0123456789abcdef") == 16 && ReadsPipe(Pipe, "6789abcdef"));
    EXPECT(ControlPipe(Pipe, IOCTL_PIPE_QUERY, 0, &Information) == STATUS_SUCCESS);
    EXPECT(Information.Size == 10 && Information.Held == 0 && Information.Lost == 4 + 4 + 6 &&
           Information.Mode == 1);
    EXPECT(WritePipe(Pipe, "abcdefgh") == 8 &&
           ControlPipe(Pipe, IOCTL_PIPE_SET_SIZE, 5, NULL) == STATUS_SUCCESS);
    EXPECT(ReadsPipe(Pipe, "defgh"));
    EXPECT(ControlPipe(Pipe, 0x80002000, 0, NULL) == STATUS_INVALID_DEVICE_REQUEST);
    ZwClose(Pipe);
}

static const KT_TEST Tests[] = {
    { "Names on the RAM disk are found in any case, and refused with the right status",
     RamdiskNames },
    { "The RAM disk refuses whatever would change it", RamdiskReadOnly },
    { "Files on the RAM disk are read from end to end, and know size, position and name",
     RamdiskReads },
    { "Directories on the RAM disk are listed, by pattern and in small pieces", RamdiskLists },
    { "A driver's bad addresses come back as statuses", BadBuffers },
    { "The null device swallows what is written and has nothing to read", NullDevice },
    { "A pipe is found by its name in any case; names that are none are refused", PipeNames },
    { "A pipe's size and mode decide what is lost, and it is counted", PipeSizes },
};

static VOID NTAPI
Unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = Unload;
    KtRun("ktfile", Tests, RTL_NUMBER_OF(Tests));
    return STATUS_SUCCESS;
}
