/*
 * What kbench.sys and the bench program agree on. Programs include it after <winioctl.h>, the
 * driver after <ntddk.h>.
 */
#pragma once

#define KBENCH_BATCHES          20U
#define KBENCH_NAME             40U

typedef struct _KBENCH_RESULT {
    char      Name[KBENCH_NAME];
    ULONGLONG Means[KBENCH_BATCHES];    // ticks an operation
} KBENCH_RESULT, *PKBENCH_RESULT;

/*
 * Input: ULONG, an operation's place in the driver's table. Output: KBENCH_RESULT. Fails with
 * STATUS_NO_MORE_ENTRIES behind the last.
 */
#define IOCTL_KBENCH_RUN        CTL_CODE(0x8001, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
