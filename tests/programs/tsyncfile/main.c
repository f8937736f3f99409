/*
 * Synchronous, alertable and asynchronous files: where a request without an offset goes, what
 * breaks a wait off and what does not, how the file's own lock lines threads up, and when the
 * file's own event is set.
 */
#include "tsyncfile.h"

HANDLE Control;

int
main(void)
{
    static const char *const Tags[] = { "IoBf", "File", "Irp ", "Mdl " };
    ULONG64 Before[ARRAYSIZE(Tags)], Bytes;
    ULONG   Handles;

    MeetAtLocks();
    XferLoad(TRUE);
    Control = XferOpen(L"\\??\\XferBuffered\\control", FILE_READ_DATA, 7, 0x20);
    Waits();
    for (ULONG Index = 0; Index < ARRAYSIZE(Tags); Index++)
        PoolTag(Tags[Index], &Before[Index], &Bytes);
    Handles = HandleCount();

    Offsets();
    Appending();
    Unbuffered();
    Events();
    Waits();
    Lock();
    Closing();

    Promise("All this leaves pool, handles and the driver as they were");
    for (ULONG Index = 0; Index < ARRAYSIZE(Tags); Index++)
        ExpectTag(Tags[Index], Before[Index] + (Index == 2 ? 8 : 0));
    Expect(HandleCount() == Handles, "%lu handles became %lu", Handles, HandleCount());
    CloseHandle(Control);
    Expect(XferLoad(FALSE) == STATUS_SUCCESS, "the driver cannot be unloaded");
    return Done("tsyncfile");
}
