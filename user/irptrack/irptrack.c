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
    ULONG                  Shown = 0, Lost = 0, NewLost, Done;

    printf("irp               process   function                 way                          time"
           "  status\n");
    while (Count == 0 || Shown < Count) {
        if (!DeviceIoControl(Filter, IOCTL_IRPTRACK_READ, NULL, 0, Records, sizeof Records, &Done,
                NULL))
            return FailLast(PROGRAM, "cannot read the records");
        if (Done == 0)
            Sleep(PAUSE_MS);
        for (ULONG Index = 0; Index < Done / sizeof Records[0]; Index++)
            if (Records[Index].Process != GetCurrentProcessId() && (Count == 0 || Shown < Count)) {
                Print(&Records[Index]);
                Shown++;
            }
        if (DeviceIoControl(Filter, IOCTL_IRPTRACK_LOST, NULL, 0, &NewLost, sizeof NewLost, &Done,
                NULL) && NewLost != Lost)
            printf("(%lu IRPs passed unseen: the ring was full)\n", NewLost - Lost), Lost = NewLost;
        fflush(stdout);
    }
    return 0;
}

int
main(int Count, char **Arguments)
{
    IRPTRACK_ATTACH Request = { 0 };
    ULONG           Limit = 0;
    HANDLE          Filter;
    DWORD           Done;
    int             Index, Result;

    for (Index = 1; Index < Count && Arguments[Index][0] == '-'; Index++)
        if (strcmp(Arguments[Index], "-b") == 0)
            Request.Flags |= IRPTRACK_PASS_BLIND;
        else if (strcmp(Arguments[Index], "-r") == 0)
            Request.Flags |= IRPTRACK_REFUSE_WRITES;
        else if (strcmp(Arguments[Index], "-n") == 0 && Index + 1 < Count)
            Limit = strtoul(Arguments[++Index], NULL, 0);
        else
            return Usage();
    if (Index != Count - 1 || strlen(Arguments[Index]) >= IRPTRACK_MAX_NAME)
        return Usage();

    Filter = CreateFileA("\\\\.\\IrpTrack", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ |
        FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    if (Filter == INVALID_HANDLE_VALUE) {
        Result = FailLast(PROGRAM, "cannot open \\\\.\\IrpTrack");
        fprintf(stderr, "%s: `sc start irptrack` loads the driver.\n", PROGRAM);
        return Result;
    }
    mbstowcs(Request.Name, Arguments[Index], IRPTRACK_MAX_NAME);
    if (!DeviceIoControl(Filter, IOCTL_IRPTRACK_ATTACH, &Request, sizeof Request, NULL, 0, &Done,
            NULL))
        return FailLast(PROGRAM, "cannot attach above %s", Arguments[Index]);
    return Show(Filter, Limit);
}
