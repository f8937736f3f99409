/*
 * pipectl NAME [VERB]: what pipe.sys can do, by hand. It queries and sets, and plays a reader or a
 * writer that waits. Opening a pipe creates it if it is not there, so what is set here lasts only
 * while another program has the pipe open; and who opens it to set or write something is a writer,
 * the last of which takes the end of the file with it.
 */
#include <windows.h>
#include <winioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../lib/status.h"
#include "drivers/pipe/pipe_ioctl.h"

#define PROGRAM "pipectl"

static const char *Name;

static int
Usage(void)
{
    fprintf(stderr,
        "usage: %s NAME [query]       size, bytes held, bytes lost, open instances\n"
        "       %s NAME traffic       bytes in and out, readers and writers, who waits\n"
        "       %s NAME size BYTES    set the buffer's size\n"
        "       %s NAME drop          what does not fit is lost\n"
        "       %s NAME overwrite     what does not fit replaces the oldest bytes\n"
        "       %s NAME bytes         a stream of bytes\n"
        "       %s NAME messages      a read returns one message at most\n"
        "       %s NAME get           wait for data and print it until the end of the file\n"
        "       %s NAME put TEXT      write TEXT, waiting for room\n",
        PROGRAM, PROGRAM, PROGRAM, PROGRAM, PROGRAM, PROGRAM, PROGRAM, PROGRAM, PROGRAM);
    return 2;
}

static int
Query(HANDLE Pipe, const char *Unused)
{
    PIPE_INFORMATION Information;
    DWORD            Done;

    (void)Unused;
    if (!DeviceIoControl(Pipe, IOCTL_PIPE_QUERY, NULL, 0, &Information, sizeof Information,
        &Done, NULL))
        return FailLast(PROGRAM, "cannot query pipe %s", Name);
    printf("pipe %s: size %lu, held %lu, lost %llu, open elsewhere %lu times, %s\n", Name,
        Information.Size, Information.Held, Information.Lost, Information.Opens - 1,
        Information.Mode == PIPE_DROP_NEW ? "drops new data" : "overwrites old data");
    return 0;
}

static int
Traffic(HANDLE Pipe, const char *Unused)
{
    PIPE_TRAFFIC Figures;
    DWORD        Done;

    (void)Unused;
    if (!DeviceIoControl(Pipe, IOCTL_PIPE_QUERY_TRAFFIC, NULL, 0, &Figures, sizeof Figures, &Done,
        NULL))
        return FailLast(PROGRAM, "cannot query pipe %s", Name);
    printf("pipe %s: %llu bytes in, %llu out, %llu lost, %lu held; %s\n", Name, Figures.Written,
        Figures.Read, Figures.Lost, Figures.Held,
        Figures.Type == PIPE_MESSAGES ? "messages" : "bytes");
    printf("%lu readers, %lu reads wait; %lu writers, %lu writes wait\n", Figures.Readers,
        Figures.ReadsWaiting, Figures.Writers, Figures.WritesWaiting);
    return 0;
}

static BOOL
Control(HANDLE Pipe, DWORD Code, ULONG Value)
{
    DWORD Done;

    return DeviceIoControl(Pipe, Code, &Value, sizeof Value, NULL, 0, &Done, NULL);
}

static int
Set(HANDLE Pipe, DWORD Code, ULONG Value)
{
    if (!Control(Pipe, Code, Value))
        return FailLast(PROGRAM, "cannot change pipe %s", Name);
    return Query(Pipe, NULL);
}

static int
Size(HANDLE Pipe, const char *Text)
{
    return Set(Pipe, IOCTL_PIPE_SET_SIZE, strtoul(Text, NULL, 0));
}

static int
Drop(HANDLE Pipe, const char *Unused)
{
    (void)Unused;
    return Set(Pipe, IOCTL_PIPE_SET_MODE, PIPE_DROP_NEW);
}

static int
Overwrite(HANDLE Pipe, const char *Unused)
{
    (void)Unused;
    return Set(Pipe, IOCTL_PIPE_SET_MODE, PIPE_OVERWRITE_OLD);
}

static int
Bytes(HANDLE Pipe, const char *Unused)
{
    (void)Unused;
    return Set(Pipe, IOCTL_PIPE_SET_TYPE, PIPE_BYTES);
}

static int
Messages(HANDLE Pipe, const char *Unused)
{
    (void)Unused;
    return Set(Pipe, IOCTL_PIPE_SET_TYPE, PIPE_MESSAGES);
}

static int
Get(HANDLE Pipe, const char *Unused)
{
    char  Data[256];
    DWORD Done;

    (void)Unused;
    Control(Pipe, IOCTL_PIPE_SET_WAIT, PIPE_WAIT_READ);
    printf("Waiting for data.\n");
    while (ReadFile(Pipe, Data, sizeof Data, &Done, NULL) || GetLastError() == ERROR_MORE_DATA) {
        if (Done == 0) {
            printf("The end of the file.\n");
            return 0;
        }
        printf("%lu bytes: %.*s\n", Done, (int)Done, Data);
    }
    return FailLast(PROGRAM, "cannot read pipe %s", Name);
}

static int
Put(HANDLE Pipe, const char *Text)
{
    DWORD Done;

    Control(Pipe, IOCTL_PIPE_SET_WAIT, PIPE_WAIT_WRITE);
    if (!WriteFile(Pipe, Text, (DWORD)strlen(Text), &Done, NULL))
        return FailLast(PROGRAM, "cannot write pipe %s", Name);
    printf("%lu bytes are in.\n", Done);
    return 0;
}

static const struct {
    const char *Verb;
    DWORD       Access;
    BOOL        TakesText;
    int       (*Run)(HANDLE Pipe, const char *Text);
} Verbs[] = {
    { "query",     FILE_READ_ATTRIBUTES, FALSE, Query },
    { "traffic",   FILE_READ_ATTRIBUTES, FALSE, Traffic },
    { "size",      GENERIC_WRITE,        TRUE,  Size },
    { "drop",      GENERIC_WRITE,        FALSE, Drop },
    { "overwrite", GENERIC_WRITE,        FALSE, Overwrite },
    { "bytes",     GENERIC_WRITE,        FALSE, Bytes },
    { "messages",  GENERIC_WRITE,        FALSE, Messages },
    { "get",       GENERIC_READ,         FALSE, Get },
    { "put",       GENERIC_WRITE,        TRUE,  Put },
};

int
main(int Count, char **Arguments)
{
    const char *Wanted = Count > 2 ? Arguments[2] : "query";
    char        Path[512];
    HANDLE      Pipe;
    unsigned    Verb = 0;
    int         Result;

    while (Verb < sizeof Verbs / sizeof *Verbs && strcmp(Verbs[Verb].Verb, Wanted) != 0)
        Verb++;
    if (Count < 2 || Verb == sizeof Verbs / sizeof *Verbs ||
        Count != (Verbs[Verb].TakesText ? 4 : Count == 2 ? 2 : 3))
        return Usage();
    Name = Arguments[1];
    if (strlen(Name) > sizeof Path - 16) {
        fprintf(stderr, "%s: the name is too long: STATUS_NAME_TOO_LONG (0xC0000106)\n", PROGRAM);
        return 1;
    }
    sprintf(Path, "\\\\.\\Example\\%s", Name);
    Pipe = CreateFileA(Path, Verbs[Verb].Access, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
        OPEN_EXISTING, 0, NULL);
    if (Pipe == INVALID_HANDLE_VALUE)
        return FailLast(PROGRAM, "cannot open %s", Path);
    Result = Verbs[Verb].Run(Pipe, Count > 3 ? Arguments[3] : NULL);
    CloseHandle(Pipe);
    return Result;
}
