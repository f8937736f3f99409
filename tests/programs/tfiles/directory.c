/* NtQueryDirectoryFile, its classes and all its arguments. */
#include "tfiles.h"

/* Where the name lies; the structure is a little longer than that. */
static const struct { ULONG Class, Least, Name, Alignment; NTSTATUS Status; } Entries[] = {
    { 1, 72, 64, 8, STATUS_SUCCESS },           // directory
    { 2, 72, 68, 8, STATUS_SUCCESS },           // full
    { 3, 96, 94, 8, STATUS_SUCCESS },           // both
    { 12, 16, 12, 4, STATUS_SUCCESS },          // names
    { 29, 72, 0, 8, STATUS_INVALID_PARAMETER }, // object ids
    { 32, 56, 0, 8, STATUS_INVALID_PARAMETER }, // quotas
    { 33, 16, 0, 8, STATUS_INVALID_PARAMETER }, // reparse points
    { 37, 112, 104, 8, STATUS_SUCCESS },        // both, with the file's number
    { 38, 88, 80, 8, STATUS_SUCCESS },          // full, with the file's number
};

static HANDLE Folder;

static NTSTATUS
List(HANDLE Handle, PIO_STATUS_BLOCK Iosb, PVOID Buffer, ULONG Length, ULONG Class,
    PUNICODE_STRING Pattern)
{
    return NtQueryDirectoryFile(Handle, NULL, NULL, NULL, Iosb, Buffer, Length, Class, TRUE,
        Pattern, TRUE);
}

static void
Lengths(void)
{
    UNICODE_STRING Name;

    Promise("Listings: each class with each length, from none to enough");
    for (ULONG Row = 0; Row < ARRAYSIZE(Entries); Row++)
        for (ULONG Length = 0; Length < Entries[Row].Least + 24; Length++) {
            ULONG           Needed = Entries[Row].Name + 8 * sizeof(WCHAR);
            IO_STATUS_BLOCK Iosb = FILLED;
            NTSTATUS        Status, Wanted = Entries[Row].Status;

            Folder = XferOpen(DISK_FOLDER, FILE_LIST_DIRECTORY, FILE_SHARE_READ, 0x20);
            RtlInitUnicodeString(&Name, L"null.sys");
            FillRoom();
            Status = List(Folder, &Iosb, Room, Length, Entries[Row].Class, &Name);
            if (Length < Entries[Row].Least)
                Wanted = STATUS_INFO_LENGTH_MISMATCH;
            else if (NT_SUCCESS(Wanted) && Length < Needed)
                Wanted = STATUS_BUFFER_OVERFLOW;
            Expect(Status == Wanted, "class %lu, %lu bytes: 0x%08lX", Entries[Row].Class, Length,
                (ULONG)Status);
            Expect((Status & 0xC0000000) == 0xC0000000 ? IsUntold(&Iosb) && IsFilled(0)
                : Iosb.Status == Status && Iosb.Information == min(Length, Needed)
                    && IsFilled(min(Length, Needed)),
                "class %lu, %lu bytes: %llu written", Entries[Row].Class, Length,
                (ULONG64)Iosb.Information);
            CloseHandle(Folder);
        }
}

static void
BadBuffers(void)
{
    Promise("Listings: every class refuses bad, read-only, misaligned buffers and status blocks");
    for (ULONG Row = 0; Row < ARRAYSIZE(Entries); Row++) {
        ULONG           Class = Entries[Row].Class;
        IO_STATUS_BLOCK Iosb = FILLED;
        NTSTATUS        Status;

        FillRoom();
        for (ULONG Index = 0; Index < BAD; Index++) {
            Status = List(Folder, &Iosb, Bad[Index], 512, Class, NULL);
            Expect(Status == AV, "class %lu, bad buffer: 0x%08lX", Class, (ULONG)Status);
            Status = List(Folder, Bad[Index], Room, 512, Class, NULL);
            Expect(Status == AV, "class %lu, bad status block: 0x%08lX", Class, (ULONG)Status);
        }
        Expect(List(Folder, &Iosb, ReadOnly, 512, Class, NULL) == AV, "read-only");
        Expect(List(Folder, &Iosb, Room + 2 * PAGE - 8, 512, Class, NULL) == AV, "over the end");
        for (ULONG Odd = 1; Odd < Entries[Row].Alignment; Odd++)
            Expect(List(Folder, &Iosb, Room + Odd, 512, Class, NULL)
                == STATUS_DATATYPE_MISALIGNMENT, "class %lu, misaligned by %lu", Class, Odd);
        Expect(IsFilled(0) && IsUntold(&Iosb), "class %lu: something is written", Class);
    }
}

static void
BadPatterns(void)
{
    UNICODE_STRING Name = { 16, 16, NULL };

    Promise("Listings: a pattern that cannot be read is refused");
    FillRoom();
    for (ULONG Index = 1; Index < BAD; Index++) {
        IO_STATUS_BLOCK Iosb = FILLED;

        Name.Buffer = Bad[Index];
        Expect(List(Folder, &Iosb, Room, 512, 1, &Name) == AV, "text at %p", Bad[Index]);
        Expect(List(Folder, &Iosb, Room, 512, 1, Bad[Index]) == AV, "string at %p", Bad[Index]);
        Name.Buffer = (PWSTR)(Room + PAGE + 1);
        Expect(List(Folder, &Iosb, Room, 512, 1, &Name) == STATUS_DATATYPE_MISALIGNMENT, "odd");
        Expect(IsFilled(0) && IsUntold(&Iosb), "something is written");
    }
}

static void
BadHandles(void)
{
    HANDLE          Weak = Weaken(Folder, FILE_READ_ATTRIBUTES | SYNCHRONIZE), Event = NewEvent();
    HANDLE          File = XferOpen(DISK_FILE, FILE_READ_DATA, FILE_SHARE_READ, 0x20);
    IO_STATUS_BLOCK Iosb = FILLED;
    NTSTATUS        Status;

    Promise("Listings: handles that are none, no directory's, of another type, without the right");
    FillRoom();
    Expect(List(Weak, &Iosb, Room, 512, 1, NULL) == STATUS_ACCESS_DENIED, "right");
    Expect(List(File, &Iosb, Room, 512, 1, NULL) == STATUS_INVALID_PARAMETER, "a file");
    Expect(List(Event, &Iosb, Room, 512, 1, NULL) == STATUS_OBJECT_TYPE_MISMATCH, "an event");
    Status = NtQueryDirectoryFile(Folder, File, NULL, NULL, &Iosb, Room, 512, 1, TRUE, NULL, TRUE);
    Expect(Status == STATUS_OBJECT_TYPE_MISMATCH, "a file as event: 0x%08lX", (ULONG)Status);
    CloseHandle(Weak);
    Expect(List(Weak, &Iosb, Room, 512, 1, NULL) == STATUS_INVALID_HANDLE, "closed");
    for (ULONG Class = 0; Class < 80; Class++) {
        ULONG Row = 0;

        while (Row < ARRAYSIZE(Entries) && Entries[Row].Class != Class)
            Row++;
        Expect(Row < ARRAYSIZE(Entries)
            || List(Folder, &Iosb, Room, 512, Class, NULL) == STATUS_INVALID_INFO_CLASS,
            "class %lu", Class);
    }
    Expect(IsFilled(0) && IsUntold(&Iosb), "something is written");
    CloseHandle(File);
    CloseHandle(Event);
}

static NTSTATUS
Watch(HANDLE Handle, HANDLE Event, PIO_STATUS_BLOCK Iosb, PVOID Buffer, ULONG Filter)
{
    return NtNotifyChangeDirectoryFile(Handle, Event, NULL, NULL, Iosb, Buffer, 512, Filter, TRUE);
}

static void
Changes(void)
{
    HANDLE          Async = XferOpen(DISK_FOLDER, FILE_LIST_DIRECTORY, FILE_SHARE_READ, 0);
    HANDLE          File = XferOpen(DISK_FILE, FILE_READ_DATA, FILE_SHARE_READ, 0);
    HANDLE          Weak = Weaken(Async, SYNCHRONIZE), Event = NewEvent();
    IO_STATUS_BLOCK Iosb = FILLED, Cancel;

    Promise("Changes of a directory: a request for them waits until it is cancelled or closed");
    for (ULONG Index = 0; Index < BAD; Index++) {
        Expect(Watch(Async, NULL, Bad[Index], Room, 1) == AV, "status block %lu", Index);
        Expect(Watch(Async, NULL, &Iosb, Bad[Index], 1) == AV, "buffer %lu", Index);
    }
    Expect(Watch(Async, NULL, &Iosb, ReadOnly, 1) == AV, "read-only");
    Expect(Watch(Async, NULL, &Iosb, Room + 1, 1) == STATUS_DATATYPE_MISALIGNMENT, "misaligned");
    Expect(Watch(Async, NULL, &Iosb, Room, 0) == STATUS_INVALID_PARAMETER, "no filter");
    Expect(Watch(Async, NULL, &Iosb, Room, 0x1000) == STATUS_INVALID_PARAMETER, "a bad filter");
    Expect(Watch(Weak, NULL, &Iosb, Room, 1) == STATUS_ACCESS_DENIED, "without the right");
    Expect(Watch(File, NULL, &Iosb, Room, 1) == STATUS_INVALID_PARAMETER, "a file");
    Expect(IsUntold(&Iosb), "the status block is written");
    Expect(Watch(Async, Event, &Iosb, Room, 1) == STATUS_PENDING && IsUntold(&Iosb), "it is told");
    Expect(NtCancelIoFile(Async, &Cancel) == STATUS_SUCCESS && Iosb.Status == STATUS_CANCELLED
        && WaitForSingleObject(Event, 0) == WAIT_OBJECT_0, "cancel: 0x%08lX", (ULONG)Iosb.Status);
    Expect(Watch(Async, Event, &Iosb, Room, 0xFFF) == STATUS_PENDING, "again");
    CloseHandle(Weak);
    CloseHandle(Async);
    Expect(WaitForSingleObject(Event, 0) == WAIT_OBJECT_0 && Iosb.Status == STATUS_NOTIFY_CLEANUP
        && Iosb.Information == 0, "close: 0x%08lX", (ULONG)Iosb.Status);
    CloseHandle(File);
    CloseHandle(Event);
}

void
Directories(void)
{
    Changes();
    Lengths();
    Folder = XferOpen(DISK_FOLDER, FILE_LIST_DIRECTORY | FILE_READ_ATTRIBUTES, FILE_SHARE_READ,
        0x20);
    BadBuffers();
    BadPatterns();
    BadHandles();
    CloseHandle(Folder);
}
