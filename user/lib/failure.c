/*
 * How a program says that something failed: "name: what was tried: STATUS_NAME (0xC0000034)", on
 * standard error, with the status behind the last failed call.
 */
#include "sdk/ntapi.h"
#include "status.h"
#include <stdio.h>
#include <stdarg.h>

static void
PrintFailure(const char *Program, NTSTATUS Status, const char *Format, va_list Arguments)
{
    fflush(stdout);
    fprintf(stderr, "%s: ", Program);
    vfprintf(stderr, Format, Arguments);
    fprintf(stderr, ": %s (0x%08lX)\n", RtlpStatusName(Status), (ULONG)Status);
}

int
FailStatus(const char *Program, NTSTATUS Status, const char *Format, ...)
{
    va_list Arguments;

    va_start(Arguments, Format);
    PrintFailure(Program, Status, Format, Arguments);
    va_end(Arguments);
    return 1;
}

int
FailLast(const char *Program, const char *Format, ...)
{
    NTSTATUS Status = RtlGetLastNtStatus();
    va_list  Arguments;

    va_start(Arguments, Format);
    PrintFailure(Program, Status, Format, Arguments);
    va_end(Arguments);
    return 1;
}
