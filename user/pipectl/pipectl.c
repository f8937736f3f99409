/*
 * pipectl NAME [query | size BYTES | drop | overwrite]: the control codes of pipe.sys. Opening a
 * pipe creates it if it is not there, so a size set here lasts only while another program has the
 * pipe open.
 */
#include <windows.h>
#include <winioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../lib/status.h"
#include "drivers/pipe/pipe_ioctl.h"

#define PROGRAM "pipectl"

static int
Usage(void)
{
    fprintf(stderr, "usage: %s NAME [query]       size, bytes held, bytes lost, open instances\n"
                    "       %s NAME size BYTES    set the buffer's size\n"
                    "       %s NAME drop          what does not fit is lost\n"
                    "       %s NAME overwrite     what does not fit replaces the oldest bytes\n",
        PROGRAM, PROGRAM, PROGRAM, PROGRAM);
    return 2;
}

static int
Query(HANDLE Pipe, const char *Name)
{
    PIPE_INFORMATION Information;
    DWORD            Done;

    if (!DeviceIoControl(Pipe, IOCTL_PIPE_QUERY, NULL, 0, &Information, sizeof Information,
        &Done, NULL))
        return FailLast(PROGRAM, "cannot query pipe %s", Name);
    printf("pipe %s: size %lu, held %lu, lost %llu, open elsewhere %lu times, %s\n", Name,
        Information.Size, Information.Held, Information.Lost, Information.Opens - 1,
        Information.Mode == PIPE_DROP_NEW ? "drops new data" : "overwrites old data");
    return 0;
}

static int
Set(HANDLE Pipe, const char *Name, DWORD Code, ULONG Value)
{
    DWORD Done;

    if (!DeviceIoControl(Pipe, Code, &Value, sizeof Value, NULL, 0, &Done, NULL))
        return FailLast(PROGRAM, "cannot change pipe %s", Name);
    return Query(Pipe, Name);
}

int
main(int Count, char **Arguments)
{
    const char *Verb = Count > 2 ? Arguments[2] : "query";
    char        Path[512];
    HANDLE      Pipe;
    int         Result;

    if (Count < 2 || Count > 4 || (Count == 4) != (strcmp(Verb, "size") == 0))
        return Usage();
    if (strlen(Arguments[1]) > sizeof Path - 16) {
        fprintf(stderr, "%s: the name is too long: STATUS_NAME_TOO_LONG (0xC0000106)\n", PROGRAM);
        return 1;
    }
    sprintf(Path, "\\\\.\\Example\\%s", Arguments[1]);
    Pipe = CreateFileA(Path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
        NULL, OPEN_EXISTING, 0, NULL);
    if (Pipe == INVALID_HANDLE_VALUE)
        return FailLast(PROGRAM, "cannot open %s", Path);

    if (strcmp(Verb, "query") == 0)
        Result = Query(Pipe, Arguments[1]);
    else if (strcmp(Verb, "size") == 0)
        Result = Set(Pipe, Arguments[1], IOCTL_PIPE_SET_SIZE, strtoul(Arguments[3], NULL, 0));
    else if (strcmp(Verb, "drop") == 0)
        Result = Set(Pipe, Arguments[1], IOCTL_PIPE_SET_MODE, PIPE_DROP_NEW);
    else if (strcmp(Verb, "overwrite") == 0)
        Result = Set(Pipe, Arguments[1], IOCTL_PIPE_SET_MODE, PIPE_OVERWRITE_OLD);
    else
        Result = Usage();
    CloseHandle(Pipe);
    return Result;
}
