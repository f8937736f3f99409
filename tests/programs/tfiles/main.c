/*
 * Every class of information about files and volumes, and every service that gives or takes it,
 * with every kind of buffer: good, short by each number of bytes, long, misaligned, unmapped,
 * reserved, read-only, over the end of a mapping, and in kernel space; bad status blocks; handles
 * that are none, of another type, or without the right. What fails has written nothing and changed
 * nothing. At the end pool and handles are where they were.
 */
#include "tfiles.h"

PUCHAR Room, ReadOnly;
PVOID  Bad[BAD] = {
    NULL, (PVOID)0x8, (PVOID)0x6660000, (PVOID)0xFFFFF80000401000, (PVOID)0xFFFFC00000000000,
    (PVOID)0x0000800000000000, (PVOID)0xFFFFFFFFFFFFFFF0, NULL,
};

void
FillRoom(void)
{
    memset(Room, FILL, 2 * PAGE);
}

BOOL
IsFilled(ULONG Offset)
{
    while (Offset < 2 * PAGE && Room[Offset] == FILL)
        Offset++;
    return Offset >= 2 * PAGE;
}

BOOL
IsUntold(const IO_STATUS_BLOCK *Iosb)
{
    return Iosb->Status == 0x77777777 && Iosb->Information == 77;
}

HANDLE
Weaken(HANDLE File, ACCESS_MASK Access)
{
    HANDLE Weak = NULL;

    NtDuplicateObject(NtCurrentProcess(), File, NtCurrentProcess(), &Weak, Access, 0, 0);
    return Weak;
}

HANDLE
NewEvent(void)
{
    HANDLE Event = NULL;

    NtCreateEvent(&Event, EVENT_ALL_ACCESS, NULL, 0, FALSE);
    return Event;
}

int
main(void)
{
    static const char *const Tags[] = { "IoBf", "IoNm", "Irp ", "File", "Disk", "Mdl " };
    ULONG64 Before[ARRAYSIZE(Tags)], Bytes;
    ULONG   Handles;
    DWORD   Old;

    XferLoad(TRUE);
    Room = VirtualAlloc(NULL, 3 * PAGE, MEM_RESERVE, PAGE_READWRITE);
    VirtualAlloc(Room, 2 * PAGE, MEM_COMMIT, PAGE_READWRITE);
    ReadOnly = VirtualAlloc(NULL, PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    VirtualProtect(ReadOnly, PAGE, PAGE_READONLY, &Old);
    Bad[BAD - 1] = Room + 2 * PAGE;             // reserved
    CloseHandle(XferOpen(DISK_FILE, FILE_READ_DATA, FILE_SHARE_READ, 0));
    for (ULONG Index = 0; Index < ARRAYSIZE(Tags); Index++)
        PoolTag(Tags[Index], &Before[Index], &Bytes);
    Handles = HandleCount();

    Classes();
    Directories();
    Names();
    Calls();

    Promise("All this leaves pool, handles and the driver as they were");
    for (ULONG Index = 0; Index < ARRAYSIZE(Tags); Index++)
        ExpectTag(Tags[Index], Before[Index] + (Index == 2 ? 8 : 0));   // free IRPs are kept
    Expect(HandleCount() == Handles, "%lu handles became %lu", Handles, HandleCount());
    Expect(XferLoad(FALSE) == STATUS_SUCCESS, "the driver cannot be unloaded");
    return Done("tfiles");
}
