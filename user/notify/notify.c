/*
 * notify [SECONDS [leave]]: hands notify.sys an event, waits until the driver sets it, and says
 * so. With `leave` it closes its own handle to the event at once and waits for Enter instead, so
 * that a debugger finds the event with no handle and one reference, the driver's.
 */
#include <windows.h>
#include <winioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../lib/status.h"
#include "drivers/notify/notify_ioctl.h"

#define PROGRAM "notify"

static int
Usage(void)
{
    fprintf(stderr, "usage: %s [SECONDS [leave]]    waits for an event that the driver sets\n",
            PROGRAM);
    return 2;
}

static int
Wait(HANDLE Event, ULONG Milliseconds)
{
    printf("The driver has the event and sets it in %lu ms.\n", Milliseconds);
    if (WaitForSingleObject(Event, INFINITE) != WAIT_OBJECT_0)
        return FailLast(PROGRAM, "cannot wait for the event");
    printf("The event is set.\n");
    return 0;
}

static int
Leave(HANDLE Event)
{
    char Line[8];

    CloseHandle(Event);
    printf("The only handle is closed; the driver's reference keeps the event. Enter ends.\n");
    fgets(Line, sizeof Line, stdin);
    return 0;
}

int
main(int Count, char **Arguments)
{
    ULONG          Milliseconds = (ULONG)(Count > 1 ? strtod(Arguments[1], NULL) * 1000 : 1000);
    NOTIFY_REQUEST Request = { .Milliseconds = Milliseconds };
    HANDLE         Device, Event;
    DWORD          Done;
    int            Result;

    if (Count > 3 || (Count == 3 && strcmp(Arguments[2], "leave")) ||
        (Count > 1 && !strchr("0123456789.", Arguments[1][0])))
        return Usage();
    Device = CreateFileA("\\\\.\\Notify", 0, 0, NULL, OPEN_EXISTING, 0, NULL);
    if (Device == INVALID_HANDLE_VALUE) {
        Result = FailLast(PROGRAM, "cannot open \\\\.\\Notify");
        fprintf(stderr, "%s: `sc start notify` loads the driver.\n", PROGRAM);
        return Result;
    }
    Event = CreateEventA(NULL, FALSE, FALSE, NULL);
    if (Event == NULL)
        return FailLast(PROGRAM, "cannot create an event");

    Request.Event = (ULONG_PTR)Event;
    if (!DeviceIoControl(Device, IOCTL_NOTIFY_SET, &Request, sizeof Request, NULL, 0, &Done, NULL))
        return FailLast(PROGRAM, "the driver refuses the event");
    return Count == 3 ? Leave(Event) : Wait(Event, Milliseconds);
}
