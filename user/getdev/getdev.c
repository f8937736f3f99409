/*
 * getdev take NAME | peek NAME | drop | forget | list: tells getdev.sys whose device to take with
 * IoGetDeviceObjectPointer, and what to do with the file object it gets. Watch the target
 * meanwhile: `sc stop` of its driver is pending as long as the file object is kept, and for ever
 * once it is forgotten. Needs `sc start getdev`.
 */
#include <windows.h>
#include <winioctl.h>
#include <stdio.h>
#include <string.h>
#include "../lib/status.h"
#include "drivers/getdev/getdev_ioctl.h"

#define PROGRAM "getdev"

static const struct {
    const char *Verb;
    DWORD       Code;
    const char *Done;
} Verbs[] = {
    { "take",   IOCTL_GETDEV_TAKE,   "taken and kept" },
    { "peek",   IOCTL_GETDEV_PEEK,   "taken and let go" },
    { "drop",   IOCTL_GETDEV_DROP,   "let go" },
    { "forget", IOCTL_GETDEV_FORGET, "forgotten, never to be let go" },
};

static int
Usage(void)
{
    fprintf(stderr, "usage: %s take NAME    take the device NAME and keep its file object\n"
                    "       %s peek NAME    take it and let it go at once\n"
                    "       %s drop         let go what was taken last\n"
                    "       %s forget       forget what was taken last, without letting it go\n"
                    "       %s list         what is kept\n",
        PROGRAM, PROGRAM, PROGRAM, PROGRAM, PROGRAM);
    return 2;
}

static void
Print(const GETDEV_ENTRY *Entry, const char *What)
{
    printf("%ls: %s: file object %016llx, device %016llx, stack size %lu, type %08lx\n",
        Entry->Name, What, Entry->FileObject, Entry->DeviceObject, Entry->StackSize,
        Entry->DeviceType);
}

static int
List(HANDLE Device)
{
    static GETDEV_ENTRY Entries[GETDEV_MAX_KEPT];
    DWORD               Length, Index;

    if (!DeviceIoControl(Device, IOCTL_GETDEV_LIST, NULL, 0, Entries, sizeof Entries, &Length,
        NULL))
        return FailLast(PROGRAM, "cannot list");
    for (Index = 0; Index < Length / sizeof *Entries; Index++)
        Print(&Entries[Index], "kept");
    if (Length == 0)
        printf("nothing is kept\n");
    return 0;
}

static int
Act(HANDLE Device, DWORD Index, const char *Name)
{
    WCHAR        Wide[GETDEV_MAX_NAME];
    GETDEV_ENTRY Entry;
    DWORD        Length = 0, Done;

    while (Name[Length] != 0 && Length < GETDEV_MAX_NAME) {
        Wide[Length] = (UCHAR)Name[Length];
        Length++;
    }
    if (!DeviceIoControl(Device, Verbs[Index].Code, Wide, Length * sizeof(WCHAR), &Entry,
        sizeof Entry, &Done, NULL))
        return FailLast(PROGRAM, "cannot %s %s", Verbs[Index].Verb, Name);
    Print(&Entry, Verbs[Index].Done);
    return 0;
}

int
main(int Count, char **Arguments)
{
    DWORD  Index = 0;
    HANDLE Device;
    int    Result;

    if (Count < 2)
        return Usage();
    while (Index < ARRAYSIZE(Verbs) && strcmp(Verbs[Index].Verb, Arguments[1]) != 0)
        Index++;
    if (Index == ARRAYSIZE(Verbs) ? strcmp(Arguments[1], "list") != 0 || Count != 2
                                  : Count != (Index < 2 ? 3 : 2))
        return Usage();

    Device = CreateFileA("\\\\.\\GetDev", GENERIC_READ | GENERIC_WRITE,
        FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    if (Device == INVALID_HANDLE_VALUE)
        return FailLast(PROGRAM, "cannot open \\\\.\\GetDev (type `sc start getdev` first)");
    Result = Index == ARRAYSIZE(Verbs) ? List(Device)
                                       : Act(Device, Index, Count > 2 ? Arguments[2] : "");
    CloseHandle(Device);
    return Result;
}
