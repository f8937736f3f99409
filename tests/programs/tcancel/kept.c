/*
 * What becomes of a process, a thread of the kernel and the machine while hold.sys keeps a request
 * that belongs to them.
 */
#include "tcancel.h"

/* In CancelIo, which waits until the request is back. */
static DWORD WINAPI
CancelHeld(void *Context)
{
    static OVERLAPPED Request;
    static char       Byte;
    HANDLE            File = Open("\\\\.\\Hold", FILE_FLAG_OVERLAPPED);

    ReadFile(File, &Byte, 1, NULL, &Request);
    CancelIo(File);
    return 0;
}

static void CALLBACK
Never(DWORD Error, DWORD Count, OVERLAPPED *Request)
{
    ExitProcess(4);
}

/* A read for each way to be told of its end. */
static void
Leave(void)
{
    static OVERLAPPED Requests[3];
    static char       Byte;
    HANDLE            Files[3];

    for (ULONG Index = 0; Index < 3; Index++)
        Files[Index] = Open("\\\\.\\Hold", FILE_FLAG_OVERLAPPED);
    Requests[0].hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
    ReadFile(Files[0], &Byte, 1, NULL, &Requests[0]);
    CreateIoCompletionPort(Files[1], NULL, 7, 0);
    ReadFile(Files[1], &Byte, 1, NULL, &Requests[1]);
    ReadFileEx(Files[2], &Byte, 1, &Requests[2], Never);
}

/* What a child is in the middle of, by name; the driver keeps it. */
static const char *const Kept[] = { "open", "query", "cleanup", "end" };

/* The child: ends with reads outstanding, or gets stuck in the request called Name. */
static int
Child(const char *Name)
{
    char   Path[32];
    HANDLE File;

    if (strcmp(Name, "leave") == 0) {
        Leave();
        return 3;
    }
    if (strcmp(Name, "cancel") == 0) {
        HANDLE Hold = Open("\\\\.\\Hold", 0);
        ULONG  Before = Held(Hold);

        CreateThread(NULL, 0, CancelHeld, NULL, 0, NULL);
        while (Held(Hold) == Before)
            Sleep(1);
        ExitProcess(3);
    }
    sprintf(Path, "\\\\.\\Hold\\%s", Name);
    File = Open(Path, 0);
    if (strcmp(Name, "query") == 0)
        GetFileSize(File, NULL);
    return 3;
}

/* Children that are killed, or end, in the middle of what the kernel cannot give up. */
static int
Kernel(void)
{
    PROCESS_INFORMATION Children[ARRAYSIZE(Kept)];
    STARTUPINFOA        Startup = { .cb = sizeof Startup };
    HANDLE              Hold;
    char                Line[32];
    DWORD               Written;

    StartDriver("hold");
    Hold = Open("\\\\.\\Hold", 0);
    Promise("A process that ends while a driver keeps a request stays until it is back");
    for (ULONG Index = 0; Index < ARRAYSIZE(Kept); Index++) {
        sprintf(Line, "tcancel %s", Kept[Index]);
        Expect(CreateProcessA(NULL, Line, NULL, NULL, FALSE, 0, NULL, NULL, &Startup,
            &Children[Index]), "%s: %lu", Line, GetLastError());
        while (Held(Hold) <= Index)
            Sleep(1);
        TerminateProcess(Children[Index].hProcess, 7);
    }
    printf("stuck\n");
    getchar();
    for (ULONG Index = 0; Index < ARRAYSIZE(Kept); Index++)
        Expect(WaitForSingleObject(Children[Index].hProcess, 0) == WAIT_TIMEOUT, "%s has ended",
            Kept[Index]);

    Promise("When it is back, the process ends");
    Expect(WriteFile(Hold, "x", 1, &Written, NULL), "write: %lu", GetLastError());
    for (ULONG Index = 0; Index < ARRAYSIZE(Kept); Index++)
        while (WaitForSingleObject(Children[Index].hProcess, 1) == WAIT_TIMEOUT)
            WriteFile(Hold, "x", 1, &Written, NULL);    // CLEANUP and CLOSE follow
    return Done("kernel");
}

/* Opens Name and has the driver drop the last reference where it cannot wait. */
static void
CloseFromDispatchLevel(HANDLE Hold, const char *Name)
{
    HANDLE File = Open(Name, 0);
    DWORD  Done;

    Expect(DeviceIoControl(Hold, HOLD_REFERENCE, &File, sizeof File, NULL, 0, &Done, NULL),
        "%s: reference: %lu", Name, GetLastError());
    CloseHandle(File);
    Expect(DeviceIoControl(Hold, HOLD_DROP, NULL, 0, NULL, 0, &Done, NULL), "%s: drop: %lu", Name,
        GetLastError());
}

/* Waits until the driver holds Kept requests and there are that many more objects, no others. */
void
ExpectLeft(HANDLE Hold, const CENSUS *Before, ULONG Kept)
{
    static CENSUS After;
    ULONG         Growth = 0;

    for (ULONG Try = 0; Try < 2000; Try++) {
        TakeCensus(&After);
        Growth = CensusGrowth(Before, &After, (LONG)Kept, 100000);
        if (Growth == 0 && Held(Hold) == Kept)
            return;
        Sleep(10);
    }
    Expect(FALSE, "%lu requests are held, %lu of a type are left", Held(Hold), Growth);
}

#define KEPT_CLOSES     7                       // more than there are worker threads

/* CLOSE requests that the kernel sends in threads of its own, when a last reference goes. */
static int
Closes(void)
{
    static CENSUS Before;
    HANDLE        Hold;
    DWORD         Written;

    StartDriver("hold");
    Hold = Open("\\\\.\\Hold", 0);
    TakeCensus(&Before);
    Promise("A CLOSE that a thread of the system waits for in vain holds up no other deletion");
    for (ULONG Index = 0; Index < KEPT_CLOSES; Index++)
        CloseFromDispatchLevel(Hold, "\\\\.\\Hold\\end");
    for (ULONG Index = 0; Index < 1000; Index++)
        CloseFromDispatchLevel(Hold, "\\\\.\\Hold\\plain");
    ExpectLeft(Hold, &Before, KEPT_CLOSES);
    printf("stuck\n");
    getchar();

    Promise("Given back at last, they leave nothing behind, and the driver can go");
    Expect(WriteFile(Hold, "x", 1, &Written, NULL), "write: %lu", GetLastError());
    ExpectLeft(Hold, &Before, 0);
    CloseHandle(Hold);
    Expect(StopDriver("hold") == STATUS_SUCCESS, "the driver stays");
    return Done("closes");
}

/* The machine is shut down, in vain as far as the driver is concerned. */
static int
KeepShutdown(void)
{
    DWORD Done;

    StartDriver("hold");
    return !DeviceIoControl(Open("\\\\.\\Hold", 0), HOLD_SHUTDOWN, NULL, 0, NULL, 0, &Done, NULL);
}

/* A file opened relative, whose name nobody but the driver knows whole; it keeps the question. */
static int
Relative(void)
{
    UNICODE_STRING    Name;
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK   Iosb;
    HANDLE            File, Hold;
    NTSTATUS          Status;

    StartDriver("hold");
    Hold = Open("\\\\.\\Hold", 0);
    RtlInitUnicodeString(&Name, L"xquery");
    InitializeObjectAttributes(&Attributes, &Name, 0, Hold, NULL);
    Status = NtOpenFile(&File, FILE_READ_DATA, &Attributes, &Iosb, FILE_SHARE_READ, 0);
    printf("relative 0x%08lX\n", Status);
    getchar();
    return 0;
}

int
Part(const char *Name)
{
    if (strcmp(Name, "relative") == 0)
        return Relative();
    if (strcmp(Name, "kernel") == 0)
        return Kernel();
    if (strcmp(Name, "closes") == 0)
        return Closes();
    return strcmp(Name, "shutdown") == 0 ? KeepShutdown() : Child(Name);
}
