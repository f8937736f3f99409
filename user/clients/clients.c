/*
 * clients DEVICE: how many clients a driver has, counted from outside with no help of the driver
 * (count.c). With -o the program is a client itself, and with a name in \Driver it asks whether
 * that driver is still in memory: together they follow a driver through its stop.
 * docs/how-many-clients.md is the walk-through.
 */
#include "clients.h"
#include "../lib/status.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLL_MILLISECONDS   100
#define MAX_OPENS           1000

/* What main and the client thread tell each other. */
typedef struct _CLIENT {
    PUNICODE_STRING Name;
    ULONG           Count;
    HANDLE          Opened, Leave;              // events
    NTSTATUS        Status;
} CLIENT;

static int
Usage(void)
{
    fprintf(stderr, "usage: %s DEVICE             counts the open files of a device\n"
        "       %s -w DEVICE          says so again whenever the number changes\n"
        "       %s -o DEVICE [COUNT]  opens it COUNT times, and closes at Enter\n"
        "       %s \\Driver\\NAME       asks whether a driver is in memory\n"
        "       %s -w \\Driver\\NAME    waits until it is not\n",
        PROGRAM, PROGRAM, PROGRAM, PROGRAM, PROGRAM);
    return 2;
}

/* Opens the device Count times and keeps it open until Leave is set. */
static DWORD WINAPI
ClientThread(PVOID Parameter)
{
    CLIENT           *Client = Parameter;
    HANDLE            Files[MAX_OPENS];
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK   Iosb;
    ULONG             Open = 0;

    InitializeObjectAttributes(&Attributes, Client->Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    do {
        Client->Status = NtOpenFile(&Files[Open], FILE_READ_DATA | SYNCHRONIZE, &Attributes,
            &Iosb, FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_SYNCHRONOUS_IO_NONALERT);
    } while (NT_SUCCESS(Client->Status) && ++Open < Client->Count);
    SetEvent(Client->Opened);
    if (NT_SUCCESS(Client->Status))
        WaitForSingleObject(Client->Leave, INFINITE);
    while (Open)
        NtClose(Files[--Open]);
    return 0;
}

/* A program started in the background has no line to wait for: it stays until it is ended. */
static void
AwaitEnter(void)
{
    char Line[80];

    if (fgets(Line, sizeof Line, stdin) == NULL && feof(stdin))
        Sleep(INFINITE);
}

static int
Hold(PUNICODE_STRING Name, ULONG Count)
{
    CLIENT Client = { Name, Count, CreateEventA(NULL, TRUE, FALSE, NULL),
        CreateEventA(NULL, TRUE, FALSE, NULL), STATUS_SUCCESS };
    HANDLE Thread = CreateThread(NULL, 0, ClientThread, &Client, 0, NULL);

    if (Thread == NULL)
        return FailLast(PROGRAM, "cannot make a thread");
    WaitForSingleObject(Client.Opened, INFINITE);
    if (NT_SUCCESS(Client.Status)) {
        PrintString(Name);
        printf(" is open, %lu time%s; Enter closes it\n", Count, Count == 1 ? "" : "s");
        fflush(stdout);
        AwaitEnter();
        SetEvent(Client.Leave);
    }
    WaitForSingleObject(Thread, INFINITE);
    if (!NT_SUCCESS(Client.Status))
        return FailStatus(PROGRAM, Client.Status, "cannot open %.*ls",
            (int)(Name->Length / sizeof(WCHAR)), Name->Buffer);
    return 0;
}

/* 0: in memory, or (waiting) gone at last; 1: not there. */
static int
AskDriver(PUNICODE_STRING Name, BOOL Wait)
{
    NTSTATUS Status = ProbeDriver(Name);

    while (Wait && Status == STATUS_OBJECT_TYPE_MISMATCH) {
        Sleep(POLL_MILLISECONDS);
        Status = ProbeDriver(Name);
    }
    PrintString(Name);
    printf(": %s: the open says %s (0x%08lX)\n",
        Status == STATUS_OBJECT_TYPE_MISMATCH ? "in memory"
        : Status == STATUS_OBJECT_NAME_NOT_FOUND ? "not in memory" : "unclear",
        RtlpStatusName(Status), (ULONG)Status);
    return Status == (Wait ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_OBJECT_TYPE_MISMATCH) ? 0 : 1;
}

static int
CountClients(PUNICODE_STRING Name, BOOL Watch)
{
    ULONG    Before = (ULONG)-1;
    NTSTATUS Status;

    while (NT_SUCCESS(Status = ShowClients(Name, Watch, &Before)) && Watch)
        Sleep(POLL_MILLISECONDS);
    if (!NT_SUCCESS(Status))
        return FailStatus(PROGRAM, Status, "there is no device %.*ls",
            (int)(Name->Length / sizeof(WCHAR)), Name->Buffer);
    return 0;
}

int
main(int Count, char **Arguments)
{
    static WCHAR Drivers[] = L"\\Driver\\";
    WCHAR          Buffer[MAX_NAME];
    UNICODE_STRING Name = { 0, 0, Buffer }, Prefix = { 16, 18, Drivers };
    const char    *Option = Count > 2 ? Arguments[1] : "";
    BOOL           Open = strcmp(Option, "-o") == 0, Watch = strcmp(Option, "-w") == 0;
    ULONG          Opens = Open && Count == 4 ? strtoul(Arguments[3], NULL, 0) : 1;
    NTSTATUS       Status;

    if (Count != (Open && Count == 4 ? 4 : Open || Watch ? 3 : 2)
        || Opens == 0 || Opens > MAX_OPENS || Arguments[Open || Watch ? 2 : 1][0] == '-')
        return Usage();
    Status = ResolveName(Arguments[Open || Watch ? 2 : 1], &Name);
    if (!NT_SUCCESS(Status))
        return FailStatus(PROGRAM, Status, "%s", Arguments[Open || Watch ? 2 : 1]);
    if (Open)
        return Hold(&Name, Opens);
    return StartsWith(&Name, &Prefix) ? AskDriver(&Name, Watch) : CountClients(&Name, Watch);
}
