/*
 * The way into the kernel and back, and opens. The null call is the smallest service there is. The
 * null device is opened by the service with a name made beforehand, and by CreateFile, which turns
 * the name that a program knows into the kernel's first.
 */
#include "bench.h"
#include <stdio.h>
#include <stdlib.h>

static OBJECT_ATTRIBUTES NullDevice;

static void
RunNullCall(ULONG Count)
{
    while (Count--)
        NtGetCurrentProcessorNumber();
}

static void
RunOpenClose(ULONG Count)
{
    IO_STATUS_BLOCK Iosb;
    HANDLE          File;

    while (Count--) {
        NtOpenFile(&File, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &NullDevice, &Iosb, 0,
            FILE_SYNCHRONOUS_IO_NONALERT);
        NtClose(File);
    }
}

static void
RunCreateFile(ULONG Count)
{
    while (Count--)
        CloseHandle(CreateFileW(L"\\\\.\\NUL", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
            0, NULL));
}

/* smss is the first program; it leaves the time of its first instruction in the environment. */
void
BenchBoot(void)
{
    char Ticks[32];

    Require(GetEnvironmentVariableA("STARTED_AT", Ticks, sizeof Ticks) != 0, "STARTED_AT");
    printf("op boot-to-first-program %s\n", Ticks);
}

void
BenchCalls(void)
{
    UNICODE_STRING  Name;
    IO_STATUS_BLOCK Iosb;
    HANDLE          File;

    Measure("null-call", 2000, RunNullCall);

    RtlInitUnicodeString(&Name, L"\\Device\\Null");
    InitializeObjectAttributes(&NullDevice, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    Require(NT_SUCCESS(NtOpenFile(&File, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &NullDevice,
        &Iosb, 0, FILE_SYNCHRONOUS_IO_NONALERT)), "opening the null device");
    NtClose(File);
    Measure("open-close-null", 1000, RunOpenClose);
    Measure("createfile-close-null", 1000, RunCreateFile);
}
