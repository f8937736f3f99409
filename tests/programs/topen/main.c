/*
 * Opening files: every argument of NtCreateFile and its kin that makes no sense is refused with
 * its documented status; and whether two opens of one file agree, for every access and every share
 * mode of both. Nothing is left behind by what was refused.
 */
#include "topen.h"

NTSTATUS
OpenStatus(PCWSTR Path, ACCESS_MASK Access, ULONG Share, ULONG Options, PHANDLE File)
{
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK   Iosb;
    UNICODE_STRING    Name;

    RtlInitUnicodeString(&Name, Path);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    return NtOpenFile(File, Access, &Attributes, &Iosb, Share, Options);
}

int
main(void)
{
    static const char *const Tags[] = { "IoBf", "IoNm", "File", "Irp " };
    ULONG64     Before[ARRAYSIZE(Tags)], Bytes;
    HANDLE      Control;
    XFER_COUNTS Counts;
    ULONG       Handles;

    XferLoad(TRUE);
    Control = XferOpen(DEVICE, FILE_READ_DATA, 7, 0x20);
    for (ULONG Index = 0; Index < ARRAYSIZE(Tags); Index++)
        PoolTag(Tags[Index], &Before[Index], &Bytes);
    Handles = HandleCount();

    Arguments();
    Capture();
    PipesAndMailslots();
    Sharing();

    Promise("All this leaves pool, handles and the driver as they were");
    for (ULONG Index = 0; Index < ARRAYSIZE(Tags); Index++)
        ExpectTag(Tags[Index], Before[Index]
            + (Tags[Index][0] == 'I' && Tags[Index][1] == 'r' ? 8 : 0));
    Expect(HandleCount() == Handles, "%lu handles became %lu", Handles, HandleCount());
    Counts = XferCounts(Control);
    Expect(Counts.Creates == Counts.Cleanups + 1 && Counts.Creates == Counts.Closes + 1,
        "%ld opened, %ld cleaned up, %ld closed", Counts.Creates, Counts.Cleanups, Counts.Closes);
    CloseHandle(Control);
    Expect(XferLoad(FALSE) == STATUS_SUCCESS, "the driver cannot be unloaded");
    return Done("topen");
}
