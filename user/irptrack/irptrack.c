/*
 * irptrack [-b] [-r] [-n COUNT] DEVICE: shows the IRPs that pass through a device while it runs,
 * one a line, as irptrack.sys sees them from above. Ctrl-C ends it, and with it the filter.
 */
#include <windows.h>
#include <winioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../lib/status.h"
#include "drivers/irptrack/irptrack_ioctl.h"

#define PROGRAM "irptrack"
#define MAX_AT_ONCE 64
#define PAUSE_MS    100                     // between looks at what has come

static const char *const Majors[] = {
    "CREATE", "CREATE_NAMED_PIPE", "CLOSE", "READ", "WRITE", "QUERY_INFORMATION",
    "SET_INFORMATION", "QUERY_EA", "SET_EA", "FLUSH_BUFFERS", "QUERY_VOLUME_INFORMATION",
    "SET_VOLUME_INFORMATION", "DIRECTORY_CONTROL", "FILE_SYSTEM_CONTROL", "DEVICE_CONTROL",
    "INTERNAL_DEVICE_CONTROL", "SHUTDOWN", "LOCK_CONTROL", "CLEANUP", "CREATE_MAILSLOT",
    "QUERY_SECURITY", "SET_SECURITY", "POWER", "SYSTEM_CONTROL", "DEVICE_CHANGE", "QUERY_QUOTA",
    "SET_QUOTA", "PNP",
};

static int
Usage(void)
{
    fprintf(stderr, "usage: %s [-b] [-r] [-n COUNT] DEVICE    e.g. %s \\Device\\Example\n"
                    "    -b         pass IRPs down blind, without a completion routine\n"
                    "    -r         refuse writes\n"
                    "    -n COUNT   end after COUNT IRPs; else Ctrl-C ends\n", PROGRAM, PROGRAM);
    return 2;
}

static void
Print(const IRPTRACK_RECORD *Record)
{
    const char *Name = Record->Major < sizeof Majors / sizeof Majors[0] ? Majors[Record->Major]
                                                                        : "?";

    if (Record->Lost != 0)
        printf("(%lu IRPs passed unrecorded: more came than were read)\n", Record->Lost);
    printf("%016llx %4lu.%-4lu %-24s %s%s%s %6llu us  %s, %llu bytes\n", Record->Irp,
        Record->Process, Record->Thread, Name,
        Record->How & IRPTRACK_HERE ? "here  " : Record->How & IRPTRACK_BLIND ? "blind " : "passed",
        Record->How & IRPTRACK_PENDED ? " pended" : "       ",
        Record->How & IRPTRACK_CANCELLED ? " cancelled" : "          ",
        (Record->Ended - Record->Started) / 10, RtlpStatusName(Record->Status),
        Record->Information);
}

/* What this program itself sends, to a console that is being watched, is not shown. */
static int
Show(HANDLE Filter, ULONG Count)
{
    static IRPTRACK_RECORD Records[MAX_AT_ONCE];
    ULONG                  Shown = 0, Done;

    printf("irp               process   function                 way                          time"
           "  status\n");
    while (Count == 0 || Shown < Count) {
        if (!ReadFile(Filter, Records, sizeof Records, &Done, NULL))
            return FailLast(PROGRAM, "cannot read the records");
        if (Done == 0)
            Sleep(PAUSE_MS);
        for (ULONG Index = 0; Index < Done / sizeof Records[0]; Index++)
            if (Records[Index].Process != GetCurrentProcessId() && (Count == 0 || Shown < Count)) {
                Print(&Records[Index]);
                Shown++;
            }
        fflush(stdout);
    }
    return 0;
}

static HANDLE
OpenTracker(const char *Device)
{
    char Path[MAX_PATH];

    _snprintf(Path, sizeof Path, "\\\\.\\IrpTrack%s", Device);
    Path[sizeof Path - 1] = '\0';
    return CreateFileA(Path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
        OPEN_EXISTING, 0, NULL);
}

/* The file is the filter: it leaves the stack when the file is closed. */
static HANDLE
OpenFilter(const char *Device)
{
    HANDLE Filter = OpenTracker(Device);

    if (Filter == INVALID_HANDLE_VALUE) {
        FailLast(PROGRAM, "cannot attach above %s", Device);
        // irptrack.sys, if it is there, has another complaint about no name at all
        if (OpenTracker("") == INVALID_HANDLE_VALUE && GetLastError() == ERROR_FILE_NOT_FOUND)
            fprintf(stderr, "%s: `sc start irptrack` loads the driver.\n", PROGRAM);
    }
    return Filter;
}

int
main(int Count, char **Arguments)
{
    ULONG  Flags = 0, Limit = 0;
    HANDLE Filter;
    DWORD  Done;
    int    Index;

    for (Index = 1; Index < Count && Arguments[Index][0] == '-'; Index++)
        if (strcmp(Arguments[Index], "-b") == 0)
            Flags |= IRPTRACK_PASS_BLIND;
        else if (strcmp(Arguments[Index], "-r") == 0)
            Flags |= IRPTRACK_REFUSE_WRITES;
        else if (strcmp(Arguments[Index], "-n") == 0 && Index + 1 < Count)
            Limit = strtoul(Arguments[++Index], NULL, 0);
        else
            return Usage();
    if (Index != Count - 1 || Arguments[Index][0] != '\\')
        return Usage();

    Filter = OpenFilter(Arguments[Index]);
    if (Filter == INVALID_HANDLE_VALUE)
        return 1;
    if (!DeviceIoControl(Filter, IOCTL_IRPTRACK_SET_FLAGS, &Flags, sizeof Flags, NULL, 0, &Done,
            NULL))
        return FailLast(PROGRAM, "cannot set the filter's flags");
    return Show(Filter, Limit);
}
