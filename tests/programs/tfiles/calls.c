/*
 * The services that carry data and may pend: what they have in common is a status block, an event,
 * a handle with a right; each is called with one of them wrong. And memory that was good when the
 * request was made, and is not when it ends.
 */
#include "tfiles.h"

#define PEND    XFER_CODE(XFER_PEND, METHOD_BUFFERED)

typedef struct _CALL {
    HANDLE           File, Event;
    PIO_STATUS_BLOCK Iosb;
    PLARGE_INTEGER   Offset;
    PULONG           Key;
} CALL;

static LARGE_INTEGER Zero;
static HANDLE        File;

static NTSTATUS
Read(const CALL *Call)
{
    return NtReadFile(Call->File, Call->Event, NULL, NULL, Call->Iosb, Room, 16, Call->Offset,
        Call->Key);
}

static NTSTATUS
Write(const CALL *Call)
{
    return NtWriteFile(Call->File, Call->Event, NULL, NULL, Call->Iosb, Room, 0, Call->Offset,
        Call->Key);
}

static NTSTATUS
Device(const CALL *Call)
{
    return NtDeviceIoControlFile(Call->File, Call->Event, NULL, NULL, Call->Iosb,
        CTL_CODE(0x8123, 0x800 + XFER_ECHO, METHOD_BUFFERED, FILE_READ_ACCESS), Room, 16,
        Room + 64, 16);
}

static NTSTATUS
FileSystem(const CALL *Call)
{
    return NtFsControlFile(Call->File, Call->Event, NULL, NULL, Call->Iosb,
        CTL_CODE(0x8123, 0x800 + XFER_ECHO, METHOD_BUFFERED, FILE_WRITE_ACCESS), Room, 16,
        Room + 64, 16);
}

static NTSTATUS
Flush(const CALL *Call)
{
    return NtFlushBuffersFile(Call->File, Call->Iosb);
}

static NTSTATUS
Lock(const CALL *Call)
{
    LARGE_INTEGER One = { .QuadPart = 1 };

    return NtLockFile(Call->File, Call->Event, NULL, NULL, Call->Iosb, Call->Offset, &One, 0, TRUE,
        TRUE);
}

/* Access: one of these rights is needed; Status: of a call that is right. */
static const struct {
    const char *Name;
    NTSTATUS  (*Call)(const CALL *Call);
    ACCESS_MASK Access;
    NTSTATUS    Status;
    BOOL        HasEvent, HasOffset, HasKey;
} Services[] = {
    { "read", Read, FILE_READ_DATA, STATUS_SUCCESS, TRUE, TRUE, TRUE },
    { "write", Write, FILE_WRITE_DATA | FILE_APPEND_DATA, STATUS_SUCCESS, TRUE, TRUE, TRUE },
    { "device control", Device, FILE_READ_DATA, STATUS_SUCCESS, TRUE, FALSE, FALSE },
    { "file system control", FileSystem, FILE_WRITE_DATA, STATUS_SUCCESS, TRUE, FALSE, FALSE },
    { "flush", Flush, FILE_WRITE_DATA | FILE_APPEND_DATA, STATUS_INVALID_DEVICE_REQUEST, FALSE,
      FALSE, FALSE },
    { "lock", Lock, FILE_READ_DATA | FILE_WRITE_DATA, STATUS_INVALID_DEVICE_REQUEST, TRUE, TRUE,
      FALSE },
};

static CALL
Right(PIO_STATUS_BLOCK Iosb)
{
    return (CALL){ File, NULL, Iosb, &Zero, NULL };
}

static void
Try(ULONG Index, const CALL *Call, NTSTATUS Wanted, const char *What)
{
    NTSTATUS Status = Services[Index].Call(Call);

    Expect(Status == Wanted, "%s, %s: 0x%08lX", Services[Index].Name, What, (ULONG)Status);
}

/* Each pointer of a call, set to Value, which must give Wanted. */
static void
Pointers(ULONG Index, PVOID Value, NTSTATUS Wanted)
{
    IO_STATUS_BLOCK Iosb = FILLED;
    CALL            Call = Right(&Iosb);

    Call.Iosb = Value;
    Try(Index, &Call, Wanted, "status block");
    Call = Right(&Iosb);
    Call.Offset = Value;
    if (Services[Index].HasOffset && Value != NULL)
        Try(Index, &Call, Wanted, "offset");
    Call = Right(&Iosb);
    Call.Key = Value;
    if (Services[Index].HasKey && Value != NULL)
        Try(Index, &Call, Wanted, "key");
    Expect(IsUntold(&Iosb), "%s: the status block is written", Services[Index].Name);
}

static void
Handles(ULONG Index)
{
    IO_STATUS_BLOCK Iosb = FILLED;
    CALL            Call = Right(&Iosb);
    HANDLE          Event = NewEvent(), Weak = Weaken(Event, SYNCHRONIZE | EVENT_QUERY_STATE);

    if (Services[Index].HasEvent) {
        Call.Event = Weak;
        Try(Index, &Call, STATUS_ACCESS_DENIED, "an event that may not be set");
        Call.Event = File;
        Try(Index, &Call, STATUS_OBJECT_TYPE_MISMATCH, "a file as event");
    }
    CloseHandle(Weak);
    Call.Event = NULL;
    Call.File = Event;
    Try(Index, &Call, STATUS_OBJECT_TYPE_MISMATCH, "an event as file");
    CloseHandle(Event);
    Try(Index, &Call, STATUS_INVALID_HANDLE, "a closed handle");
    Call.File = Weaken(File, FILE_ALL_ACCESS & ~Services[Index].Access);
    Try(Index, &Call, STATUS_ACCESS_DENIED, "without the right");
    CloseHandle(Call.File);
    for (ACCESS_MASK Bit = 1; Bit <= FILE_APPEND_DATA; Bit <<= 1)
        if (Services[Index].Access & Bit) {
            Expect(IsUntold(&Iosb), "%s: the status block is written", Services[Index].Name);
            Call.File = Weaken(File, Bit);
            Try(Index, &Call, Services[Index].Status, "with one right only");
            CloseHandle(Call.File);
            Iosb = (IO_STATUS_BLOCK)FILLED;
        }
}

/* Output and status block are in a page that goes while the driver has the request. */
static void
Gone(void)
{
    HANDLE          Event = NewEvent();
    PUCHAR          Page = VirtualAlloc(NULL, PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    IO_STATUS_BLOCK Iosb = FILLED;

    Promise("Memory that is gone when a request ends: the request says so, and no harm is done");
    Expect(NtDeviceIoControlFile(File, Event, NULL, NULL, &Iosb, PEND, NULL, 0, Page, 64)
        == STATUS_PENDING, "pend");
    VirtualFree(Page, 0, MEM_RELEASE);
    XferReleaseAll(File, STATUS_SUCCESS, 64);
    Expect(WaitForSingleObject(Event, 0) == WAIT_OBJECT_0 && Iosb.Status == AV
        && Iosb.Information == 0, "output: 0x%08lX", (ULONG)Iosb.Status);

    Page = VirtualAlloc(NULL, PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    Expect(NtDeviceIoControlFile(File, Event, NULL, NULL, (PIO_STATUS_BLOCK)Page, PEND, NULL, 0,
        Room, 64) == STATUS_PENDING, "pend");
    VirtualFree(Page, 0, MEM_RELEASE);
    XferReleaseAll(File, STATUS_SUCCESS, 64);
    Expect(WaitForSingleObject(Event, 0) == WAIT_OBJECT_0, "status block: no event");
    CloseHandle(Event);
}

/* A request that ends at once (XFER_END), or is marked pending and ends at once. */
static void
Ends(ULONG Function, NTSTATUS Ending, BOOL Data, BOOL Told)
{
    XFER_ENDING     Input = { Ending, sizeof Input };
    IO_STATUS_BLOCK Iosb = FILLED;
    NTSTATUS        Status;

    FillRoom();
    Status = NtDeviceIoControlFile(File, NULL, NULL, NULL, &Iosb, XFER_CODE(Function,
        METHOD_BUFFERED), &Input, sizeof Input, Room, 2 * sizeof Input);
    Expect(Function == XFER_END ? Status == Ending : Status == STATUS_PENDING,
        "0x%08lX, not 0x%08lX", (ULONG)Status, (ULONG)Ending);
    Expect(Data ? memcmp(Room, &Input, sizeof Input) == 0 && IsFilled(sizeof Input) : IsFilled(0),
        "function %lu, 0x%08lX: data", Function, (ULONG)Ending);
    Expect(Told ? Iosb.Status == Ending && Iosb.Information == sizeof Input : IsUntold(&Iosb),
        "function %lu, 0x%08lX: status block", Function, (ULONG)Ending);
}

static void
Endings(void)
{
    static const NTSTATUS Statuses[] = { STATUS_SUCCESS, 0x40001234, STATUS_BUFFER_OVERFLOW };

    Promise("A success and a warning bring their data, an error none; one that pended is told");
    for (ULONG Index = 0; Index < ARRAYSIZE(Statuses); Index++) {
        Ends(XFER_END, Statuses[Index], TRUE, TRUE);
        Ends(XFER_PEND_MARK, Statuses[Index], TRUE, TRUE);
    }
    Ends(XFER_END, STATUS_UNSUCCESSFUL, FALSE, FALSE);
    Ends(XFER_PEND_MARK, STATUS_UNSUCCESSFUL, FALSE, TRUE);
}

static NTSTATUS
Rename(HANDLE Handle, HANDLE Root, PCWSTR Name)
{
    union { FILE_RENAME_INFORMATION Rename; UCHAR Bytes[200]; } Information = { 0 };
    IO_STATUS_BLOCK Iosb;

    Information.Rename.RootDirectory = Root;
    Information.Rename.FileNameLength = (ULONG)(wcslen(Name) * sizeof(WCHAR));
    wcscpy(Information.Rename.FileName, Name);
    return NtSetInformationFile(Handle, &Iosb, &Information, sizeof Information,
        EtFileRenameInformation);
}

static void
Renames(void)
{
    HANDLE Disk = XferOpen(DISK_FILE, MAXIMUM_ALLOWED, 7, 0x20), Event = NewEvent();
    HANDLE Folder = XferOpen(DISK_FOLDER, FILE_LIST_DIRECTORY, 7, 0x20);

    Promise("New names that lead elsewhere: the directory is looked for, and whose it is");
    Expect(Rename(Disk, NULL, L"\\SystemRoot\\new") == STATUS_MEDIA_WRITE_PROTECTED, "the disk");
    Expect(Rename(Disk, Folder, L"new") == STATUS_MEDIA_WRITE_PROTECTED, "a folder of the disk");
    Expect(Rename(Disk, NULL, L"\\Nowhere\\new") == STATUS_OBJECT_PATH_NOT_FOUND, "nowhere");
    Expect(Rename(Disk, NULL, NO_DRIVER) == STATUS_NOT_SAME_DEVICE, "another device");
    Expect(Rename(Disk, Event, L"new") == STATUS_OBJECT_TYPE_MISMATCH, "below an event");
    Expect(Rename(Disk, (HANDLE)(LONG_PTR)(LONG)0x80000004, L"new") == STATUS_INVALID_HANDLE,
        "below a handle of the kernel");
    Expect(Rename(File, NULL, NO_DRIVER) == STATUS_INVALID_DEVICE_REQUEST, "the same device");
    CloseHandle(Disk);
    CloseHandle(Folder);
    CloseHandle(Event);
}

void
Calls(void)
{
    File = XferOpen(L"\\??\\XferBuffered\\calls", FILE_ALL_ACCESS, 7, 0);
    Promise("Whatever carries data refuses bad status blocks, offsets and keys");
    FillRoom();
    for (ULONG Index = 0; Index < ARRAYSIZE(Services); Index++) {
        for (ULONG Which = 0; Which < BAD; Which++)
            Pointers(Index, Bad[Which], AV);
        for (ULONG Odd = 1; Odd < 4; Odd++)
            Pointers(Index, Room + PAGE + Odd, STATUS_DATATYPE_MISALIGNMENT);
        IO_STATUS_BLOCK Iosb = FILLED;
        CALL            Call = Right(&Iosb);

        Call.Iosb = (PIO_STATUS_BLOCK)ReadOnly;
        Try(Index, &Call, AV, "read-only status block");
    }
    Expect(IsFilled(0), "something is written");
    Promise("Whatever carries data looks at the handles of file and event, and at the right");
    for (ULONG Index = 0; Index < ARRAYSIZE(Services); Index++)
        Handles(Index);
    Endings();
    Gone();
    Renames();
    CloseHandle(File);
}
