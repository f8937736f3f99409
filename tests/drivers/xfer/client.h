/* For programs that talk to xfer.sys: include it once. */
#pragma once

#include "sdk/ntapi.h"
#include <winioctl.h>
#include "user/lib/testing.h"
#include "xfer.h"

static inline NTSTATUS
XferLoad(BOOL Load)
{
    WCHAR          Key[] = L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\xfer";
    UNICODE_STRING Name;

    RtlInitUnicodeString(&Name, Key);
    return Load ? NtLoadDriver(&Name) : NtUnloadDriver(&Name);
}

/* Options: 0 for an asynchronous file. NULL if it cannot be opened. */
static inline HANDLE
XferOpen(PCWSTR Path, ACCESS_MASK Access, ULONG Share, ULONG Options)
{
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK   Iosb;
    UNICODE_STRING    Name;
    HANDLE            File = NULL;

    RtlInitUnicodeString(&Name, Path);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    NtCreateFile(&File, Access | SYNCHRONIZE, &Attributes, &Iosb, NULL, 0, Share, FILE_OPEN,
        Options, NULL, 0);
    return File;
}

/* A buffered control request with its own status block, waited for. */
static inline NTSTATUS
XferCall(HANDLE File, ULONG Function, PVOID Input, ULONG InputLength, PVOID Output,
    ULONG OutputLength, PULONG_PTR Information)
{
    IO_STATUS_BLOCK Iosb = { { 0 }, 0 };
    NTSTATUS        Status;

    Status = NtDeviceIoControlFile(File, NULL, NULL, NULL, &Iosb,
        XFER_CODE(Function, METHOD_BUFFERED), Input, InputLength, Output, OutputLength);
    if (Information != NULL)
        *Information = Iosb.Information;
    return Status;
}

static inline XFER_COUNTS
XferCounts(HANDLE File)
{
    XFER_COUNTS Counts = { 0 };

    XferCall(File, XFER_QUERY, NULL, 0, &Counts, sizeof Counts, NULL);
    return Counts;
}

/* Ends whatever the device has pended; how much that was. */
static inline ULONG
XferReleaseAll(HANDLE File, NTSTATUS Status, ULONG Length)
{
    XFER_ENDING Ending = { Status, Length };
    ULONG_PTR   Count = 0;

    XferCall(File, XFER_RELEASE, &Ending, sizeof Ending, NULL, 0, &Count);
    return (ULONG)Count;
}
