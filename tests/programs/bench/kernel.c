/*
 * Figures that only a driver can take: kbench.sys is loaded as anybody's driver would be, runs each
 * operation of its table when asked to, and hands back the batches.
 */
#include "bench.h"
#include <winioctl.h>
#include "tests/drivers/kbench/kbench_ioctl.h"
#include <stdio.h>

#define SERVICE L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\kbench"

void
BenchKernel(void)
{
    UNICODE_STRING Service;
    KBENCH_RESULT  Result;
    HANDLE         Device;
    DWORD          Done;
    NTSTATUS       Status;

    RtlInitUnicodeString(&Service, SERVICE);
    Status = NtLoadDriver(&Service);
    Require(NT_SUCCESS(Status) || Status == STATUS_IMAGE_ALREADY_LOADED, "loading kbench.sys");
    Device = CreateFileW(L"\\\\.\\KBench", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0,
        NULL);
    Require(Device != INVALID_HANDLE_VALUE, "opening kbench.sys");
    for (ULONG Index = 0; DeviceIoControl(Device, IOCTL_KBENCH_RUN, &Index, sizeof Index, &Result,
        sizeof Result, &Done, NULL); Index++)
        Report(Result.Name, Result.Means);
    CloseHandle(Device);
    NtUnloadDriver(&Service);
}
