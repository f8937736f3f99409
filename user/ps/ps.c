/*
 * ps: one line a process: its number, its parent's, its threads, handles, memory and time, and
 * its image's name.
 */
#include "sdk/ntapi.h"
#include "../lib/status.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM "ps"

static NTSTATUS
QueryProcesses(void **Result)
{
    ULONG    Size = 0x4000, Needed = 0;
    NTSTATUS Status;
    void    *Buffer;

    for (;;) {
        Buffer = malloc(Size);
        if (Buffer == NULL)
            return STATUS_NO_MEMORY;
        Status = NtQuerySystemInformation(EtSystemProcessInformation, Buffer, Size, &Needed);
        if (Status != STATUS_INFO_LENGTH_MISMATCH)
            break;
        free(Buffer);
        Size = (Needed > Size ? Needed : Size) + 0x1000;
    }
    *Result = Buffer;
    return Status;
}

static void
PrintProcess(const SYSTEM_PROCESS_INFORMATION *Process)
{
    ULONG64 Milliseconds = (Process->UserTime.QuadPart + Process->KernelTime.QuadPart) / 10000;
    int     Length = Process->ImageName.Length / sizeof(WCHAR);

    printf("%5u %6u %7lu %7lu %7lluK %6llu.%02llu  ",
        (unsigned)(ULONG_PTR)Process->UniqueProcessId,
        (unsigned)(ULONG_PTR)Process->InheritedFromUniqueProcessId, Process->NumberOfThreads,
        Process->HandleCount, (ULONG64)Process->VirtualSize / 1024, Milliseconds / 1000,
        Milliseconds / 10 % 100);
    if (Length)
        printf("%.*ls\n", Length, Process->ImageName.Buffer);
    else
        printf("%s\n", Process->UniqueProcessId ? "System" : "Idle");
}

int
main(int Count, char **Arguments)
{
    void    *Buffer;
    char    *Next;
    NTSTATUS Status;

    if (Count != 1) {
        fprintf(stderr, "usage: %s    lists the processes\n", PROGRAM);
        return 2;
    }
    Status = QueryProcesses(&Buffer);
    if (!NT_SUCCESS(Status))
        return FailStatus(PROGRAM, Status, "cannot list the processes");
    printf("  PID PARENT THREADS HANDLES   MEMORY      TIME  NAME\n");
    for (Next = Buffer;; Next += ((PSYSTEM_PROCESS_INFORMATION)Next)->NextEntryOffset) {
        PrintProcess((PSYSTEM_PROCESS_INFORMATION)Next);
        if (((PSYSTEM_PROCESS_INFORMATION)Next)->NextEntryOffset == 0)
            break;
    }
    free(Buffer);
    return 0;
}
