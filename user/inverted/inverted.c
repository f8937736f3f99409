/*
 * inverted wait [COUNT] | tell TEXT | park COUNT: the three roles around inverted.sys. `wait`
 * prints news as it comes; `tell` makes news; `park` leaves COUNT requests with the driver until
 * Enter is pressed, so that they can be looked at in a debugger, and then cancels them.
 */
#include <windows.h>
#include <winioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../lib/status.h"
#include "drivers/inverted/inverted_ioctl.h"

#define PROGRAM "inverted"

static int
Usage(void)
{
    fprintf(stderr, "usage: %s wait [COUNT]   prints COUNT pieces of news, or all until Ctrl-C\n"
                    "       %s tell TEXT      tells all who wait\n"
                    "       %s park COUNT     parks COUNT requests until Enter\n",
            PROGRAM, PROGRAM, PROGRAM);
    return 2;
}

static int
Wait(HANDLE Device, ULONG Count)
{
    INVERTED_NEWS News;
    DWORD         Done;

    printf("Waiting for news.\n");
    fflush(stdout);
    for (ULONG Index = 0; Count == 0 || Index < Count; Index++) {
        if (!DeviceIoControl(Device, IOCTL_INVERTED_WAIT, NULL, 0, &News, sizeof News, &Done, NULL))
            return FailLast(PROGRAM, "cannot wait for news");
        printf("%llu: %.*s\n", News.Sequence, (int)News.Length, News.Text);
        fflush(stdout);
    }
    return 0;
}

static int
Tell(HANDLE Device, const char *Text)
{
    ULONG Told = 0;
    DWORD Done;

    if (!DeviceIoControl(Device, IOCTL_INVERTED_TELL, (PVOID)Text, (DWORD)strlen(Text), &Told,
            sizeof Told, &Done, NULL))
        return FailLast(PROGRAM, "cannot tell");
    printf("%lu were waiting.\n", Told);
    return 0;
}

static int
Park(HANDLE Device, ULONG Count)
{
    struct { OVERLAPPED Overlapped; INVERTED_NEWS News; } *Parked = calloc(Count, sizeof *Parked);
    char  Line[8];
    DWORD Done;

    if (Parked == NULL) {
        fprintf(stderr, "%s: there is not enough memory for %lu requests\n", PROGRAM, Count);
        return 1;
    }
    for (ULONG Index = 0; Index < Count; Index++)
        if (!DeviceIoControl(Device, IOCTL_INVERTED_WAIT, NULL, 0, &Parked[Index].News,
                sizeof(INVERTED_NEWS), NULL, &Parked[Index].Overlapped) &&
            GetLastError() != ERROR_IO_PENDING)
            return FailLast(PROGRAM, "cannot park request %lu", Index + 1);
    printf("%lu requests are parked. Enter cancels them.\n", Count);
    fgets(Line, sizeof Line, stdin);
    CancelIo(Device);
    for (ULONG Index = 0; Index < Count; Index++)
        GetOverlappedResult(Device, &Parked[Index].Overlapped, &Done, TRUE);
    return 0;
}

int
main(int Count, char **Arguments)
{
    const char *Verb = Count > 1 ? Arguments[1] : "";
    BOOL        Waits = strcmp(Verb, "wait") == 0, Parks = strcmp(Verb, "park") == 0;
    ULONG       Number = Count > 2 ? strtoul(Arguments[2], NULL, 0) : 0;
    HANDLE      Device;
    int         Result;

    if (!(Waits && Count <= 3) && !(Parks && Count == 3 && Number > 0) &&
        !(strcmp(Verb, "tell") == 0 && Count == 3))
        return Usage();
    Device = CreateFileA("\\\\.\\Inverted", GENERIC_READ | GENERIC_WRITE,
        FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING,
        Parks ? FILE_FLAG_OVERLAPPED : 0, NULL);
    if (Device == INVALID_HANDLE_VALUE) {
        Result = FailLast(PROGRAM, "cannot open \\\\.\\Inverted");
        fprintf(stderr, "%s: `sc start inverted` loads the driver.\n", PROGRAM);
        return Result;
    }
    Result = Waits ? Wait(Device, Number) : Parks ? Park(Device, Number)
                                                  : Tell(Device, Arguments[2]);
    CloseHandle(Device);
    return Result;
}
