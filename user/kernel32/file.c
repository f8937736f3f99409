/*
 * Opening files and devices, reading, writing and controlling them.
 *
 * A file opened without FILE_FLAG_OVERLAPPED is synchronous in the kernel: its calls return when
 * they are done. With it, the OVERLAPPED is the IO_STATUS_BLOCK (Internal and InternalHigh are
 * its two fields) and a call that goes on is FALSE with ERROR_IO_PENDING. Reading at the end of a
 * file is a success of 0 bytes, as console programs expect.
 */
#include "k32.h"
#include <winioctl.h>

/* What becomes of CreateFile's flags. */
static const struct { DWORD Flag; ULONG Option; } BaseFlags[] = {
    { FILE_FLAG_WRITE_THROUGH,      0x00000002 },   // FILE_WRITE_THROUGH
    { FILE_FLAG_SEQUENTIAL_SCAN,    0x00000004 },   // FILE_SEQUENTIAL_ONLY
    { FILE_FLAG_NO_BUFFERING,       0x00000008 },   // FILE_NO_INTERMEDIATE_BUFFERING
    { FILE_FLAG_RANDOM_ACCESS,      0x00000800 },   // FILE_RANDOM_ACCESS
    { FILE_FLAG_DELETE_ON_CLOSE,    0x00001000 },   // FILE_DELETE_ON_CLOSE
    { FILE_FLAG_BACKUP_SEMANTICS,   0x00004000 },   // FILE_OPEN_FOR_BACKUP_INTENT
    { FILE_FLAG_OPEN_REPARSE_POINT, 0x00200000 },   // FILE_OPEN_REPARSE_POINT
};

static NTSTATUS
BasepOpen(PCWSTR Name, PHANDLE File, DWORD Access, DWORD Share, LPSECURITY_ATTRIBUTES Security,
    ULONG Disposition, DWORD Flags, PULONG_PTR Information)
{
    UNICODE_STRING    Path;
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK   Iosb = { { 0 }, 0 };
    ULONG             Options = 0;
    NTSTATUS          Status;

    if (!RtlDosPathNameToNtPathName_U(Name, &Path, NULL, NULL))
        return STATUS_OBJECT_PATH_NOT_FOUND;
    if (!(Flags & FILE_FLAG_OVERLAPPED))
        Options |= FILE_SYNCHRONOUS_IO_NONALERT;
    if (!(Flags & FILE_FLAG_BACKUP_SEMANTICS))
        Options |= FILE_NON_DIRECTORY_FILE;
    if (Flags & FILE_FLAG_DELETE_ON_CLOSE)
        Access |= DELETE;
    for (ULONG Index = 0; Index < ARRAYSIZE(BaseFlags); Index++)
        if (Flags & BaseFlags[Index].Flag)
            Options |= BaseFlags[Index].Option;
    InitializeObjectAttributes(&Attributes, &Path, OBJ_CASE_INSENSITIVE, NULL,
        Security ? Security->lpSecurityDescriptor : NULL);
    if (Security && Security->bInheritHandle)
        Attributes.Attributes |= OBJ_INHERIT;
    Status = NtCreateFile(File, Access | SYNCHRONIZE | FILE_READ_ATTRIBUTES, &Attributes, &Iosb,
        NULL, Flags & 0xFFFF & ~FILE_ATTRIBUTE_DIRECTORY, Share, Disposition, Options, NULL, 0);
    *Information = Iosb.Information;
    RtlFreeUnicodeString(&Path);
    return Status;
}

HANDLE WINAPI
CreateFileW(LPCWSTR Name, DWORD Access, DWORD Share, LPSECURITY_ATTRIBUTES Security,
    DWORD Creation, DWORD Flags, HANDLE Template)
{
    static const ULONG Dispositions[] = { 0, FILE_CREATE, FILE_OVERWRITE_IF, FILE_OPEN,
        FILE_OPEN_IF, FILE_OVERWRITE };
    ULONG_PTR          Information;
    HANDLE             File;
    NTSTATUS           Status;

    if (Name == NULL || Creation < CREATE_NEW || Creation > TRUNCATE_EXISTING) {
        RtlSetLastWin32Error(ERROR_INVALID_PARAMETER);
        return INVALID_HANDLE_VALUE;
    }
    File = BaseConsoleDevice(Name, Access, Security && Security->bInheritHandle);
    if (File)
        return File;
    Status = BasepOpen(Name, &File, Access, Share, Security, Dispositions[Creation], Flags,
        &Information);
    if (!BaseSetStatus(Status)) {
        if (Status == STATUS_OBJECT_NAME_COLLISION)
            RtlSetLastWin32Error(ERROR_FILE_EXISTS);
        return INVALID_HANDLE_VALUE;
    }
    RtlSetLastWin32Error((Creation == OPEN_ALWAYS && Information == FILE_OPENED)
        || (Creation == CREATE_ALWAYS && Information == FILE_OVERWRITTEN) ? ERROR_ALREADY_EXISTS
        : ERROR_SUCCESS);
    return File;
}

HANDLE WINAPI
CreateFileA(LPCSTR Name, DWORD Access, DWORD Share, LPSECURITY_ATTRIBUTES Security,
    DWORD Creation, DWORD Flags, HANDLE Template)
{
    PWSTR  Wide = BaseWiden(Name);
    HANDLE File = CreateFileW(Wide, Access, Share, Security, Creation, Flags, Template);

    BaseFree(Wide);
    return File;
}

/*
 * The end of a transfer: Status is what the service returned, Iosb its block when there is no
 * OVERLAPPED.
 */
static __attribute__((noinline)) BOOL
BasepFinish(HANDLE File, NTSTATUS Status, PIO_STATUS_BLOCK Iosb, LPOVERLAPPED Overlapped,
    LPDWORD Done)
{
    if (Overlapped) {
        if (Done && Status != STATUS_PENDING)
            *Done = (DWORD)Overlapped->InternalHigh;
        if (Status == STATUS_PENDING) {
            RtlSetLastWin32Error(ERROR_IO_PENDING);
            return FALSE;
        }
        return BaseSetStatus(Status);
    }
    if (Status == STATUS_PENDING) {
        NtWaitForSingleObject(File, FALSE, NULL);
        Status = Iosb->Status;
    }
    if (Done && (NT_SUCCESS(Status) || (Status & 0xC0000000) == 0x80000000))
        *Done = (DWORD)Iosb->Information;
    if (Status == STATUS_CANCELLED)
        BaseBreak(File);
    if (Status == STATUS_END_OF_FILE) {
        if (Done)
            *Done = 0;
        return TRUE;
    }
    return BaseSetStatus(Status);
}

typedef struct _BASE_TRANSFER {
    HANDLE           Event;
    PVOID            ApcContext;
    PIO_STATUS_BLOCK Iosb;
    LARGE_INTEGER    Offset;
    PLARGE_INTEGER   Where;
} BASE_TRANSFER;

static VOID
BasepPrepare(BASE_TRANSFER *Transfer, PIO_STATUS_BLOCK Own, LPOVERLAPPED Overlapped, LPDWORD Done)
{
    memset(Transfer, 0, sizeof *Transfer);
    memset(Own, 0, sizeof *Own);
    Transfer->Iosb = Own;
    if (Done)
        *Done = 0;
    if (Overlapped == NULL)
        return;
    Overlapped->Internal = (ULONG_PTR)STATUS_PENDING;
    Transfer->Iosb = (PIO_STATUS_BLOCK)Overlapped;
    Transfer->Event = (HANDLE)((ULONG_PTR)Overlapped->hEvent & ~1ULL);
    Transfer->ApcContext = (ULONG_PTR)Overlapped->hEvent & 1 ? NULL : Overlapped;
    Transfer->Offset.LowPart = Overlapped->Offset;
    Transfer->Offset.HighPart = Overlapped->OffsetHigh;
    Transfer->Where = &Transfer->Offset;
}

static __attribute__((noinline)) BOOL
BasepTransferOverlapped(BOOL Write, HANDLE File, LPVOID Buffer, DWORD Length, LPDWORD Done,
    LPOVERLAPPED Overlapped)
{
    IO_STATUS_BLOCK Iosb;
    BASE_TRANSFER   Transfer;
    NTSTATUS        Status;

    BasepPrepare(&Transfer, &Iosb, Overlapped, Done);
    Status = (Write ? NtWriteFile : NtReadFile)(File, Transfer.Event, NULL, Transfer.ApcContext,
        Transfer.Iosb, Buffer, Length, Transfer.Where, NULL);
    return BasepFinish(File, Status, &Iosb, Overlapped, Done);
}

BOOL WINAPI
ReadFile(HANDLE File, LPVOID Buffer, DWORD Length, LPDWORD Done, LPOVERLAPPED Overlapped)
{
    IO_STATUS_BLOCK Iosb = { .Information = 0 };
    NTSTATUS        Status;

    if (Overlapped)
        return BasepTransferOverlapped(FALSE, File, Buffer, Length, Done, Overlapped);
    if (Done)
        *Done = 0;
    Status = NtReadFile(File, NULL, NULL, NULL, &Iosb, Buffer, Length, NULL, NULL);
    if (Status != STATUS_SUCCESS || Done == NULL)
        return BasepFinish(File, Status, &Iosb, NULL, Done);
    *Done = (DWORD)Iosb.Information;
    return TRUE;
}

BOOL WINAPI
WriteFile(HANDLE File, LPCVOID Buffer, DWORD Length, LPDWORD Done, LPOVERLAPPED Overlapped)
{
    IO_STATUS_BLOCK Iosb = { .Information = 0 };
    NTSTATUS        Status;

    if (Overlapped)
        return BasepTransferOverlapped(TRUE, File, (LPVOID)Buffer, Length, Done, Overlapped);
    if (Done)
        *Done = 0;
    Status = NtWriteFile(File, NULL, NULL, NULL, &Iosb, (PVOID)Buffer, Length, NULL, NULL);
    if (Status != STATUS_SUCCESS || Done == NULL)
        return BasepFinish(File, Status, &Iosb, NULL, Done);
    *Done = (DWORD)Iosb.Information;
    return TRUE;
}

BOOL WINAPI
DeviceIoControl(HANDLE File, DWORD Code, LPVOID Input, DWORD InputLength, LPVOID Output,
    DWORD OutputLength, LPDWORD Done, LPOVERLAPPED Overlapped)
{
    IO_STATUS_BLOCK Iosb;
    BASE_TRANSFER   Transfer;
    NTSTATUS        Status;

    BasepPrepare(&Transfer, &Iosb, Overlapped, Done);
    if (Code >> 16 == FILE_DEVICE_FILE_SYSTEM)
        Status = NtFsControlFile(File, Transfer.Event, NULL, Transfer.ApcContext, Transfer.Iosb,
            Code, Input, InputLength, Output, OutputLength);
    else
        Status = NtDeviceIoControlFile(File, Transfer.Event, NULL, Transfer.ApcContext,
            Transfer.Iosb, Code, Input, InputLength, Output, OutputLength);
    return BasepFinish(File, Status, &Iosb, Overlapped, Done);
}

BOOL WINAPI
CancelIo(HANDLE File)
{
    IO_STATUS_BLOCK Iosb;

    return BaseSetStatus(NtCancelIoFile(File, &Iosb));
}

/* Overlapped NULL: all requests of the process for File. */
BOOL WINAPI
CancelIoEx(HANDLE File, LPOVERLAPPED Overlapped)
{
    IO_STATUS_BLOCK Iosb;

    return BaseSetStatus(NtCancelIoFileEx(File, (PIO_STATUS_BLOCK)Overlapped, &Iosb));
}

BOOL WINAPI
CancelSynchronousIo(HANDLE Thread)
{
    IO_STATUS_BLOCK Iosb;

    return BaseSetStatus(NtCancelSynchronousIoFile(Thread, NULL, &Iosb));
}

BOOL WINAPI
CloseHandle(HANDLE Handle)
{
    BaseForgetSnapshot(Handle);
    return BaseSetStatus(NtClose(Handle));
}

BOOL WINAPI
FlushFileBuffers(HANDLE File)
{
    IO_STATUS_BLOCK Iosb;

    return BaseSetStatus(NtFlushBuffersFile(File, &Iosb));
}
