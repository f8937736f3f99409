/*
 * Byte range locks. LockFile fails at once where LockFileEx may wait, in the call for a synchronous
 * file, else until the OVERLAPPED says that the lock is granted.
 */
#include "k32.h"

static LARGE_INTEGER
BasepLarge(DWORD Low, DWORD High)
{
    LARGE_INTEGER Value = { .LowPart = Low, .HighPart = (LONG)High };

    return Value;
}

/* Waits if the request goes on and the caller has no OVERLAPPED to see it by. */
static NTSTATUS
BasepWaitFor(HANDLE File, NTSTATUS Status, PIO_STATUS_BLOCK Iosb)
{
    if (Status != STATUS_PENDING)
        return Status;
    NtWaitForSingleObject(File, FALSE, NULL);
    return Iosb->Status;
}

BOOL WINAPI
LockFile(HANDLE File, DWORD OffsetLow, DWORD OffsetHigh, DWORD LengthLow, DWORD LengthHigh)
{
    LARGE_INTEGER   Offset = BasepLarge(OffsetLow, OffsetHigh);
    LARGE_INTEGER   Length = BasepLarge(LengthLow, LengthHigh);
    IO_STATUS_BLOCK Iosb;

    return BaseSetStatus(BasepWaitFor(File, NtLockFile(File, NULL, NULL, NULL, &Iosb, &Offset,
        &Length, 0, TRUE, TRUE), &Iosb));
}

BOOL WINAPI
LockFileEx(HANDLE File, DWORD Flags, DWORD Reserved, DWORD LengthLow, DWORD LengthHigh,
    LPOVERLAPPED Overlapped)
{
    LARGE_INTEGER Offset = BasepLarge(Overlapped->Offset, Overlapped->OffsetHigh);
    LARGE_INTEGER Length = BasepLarge(LengthLow, LengthHigh);
    PVOID         Context = (ULONG_PTR)Overlapped->hEvent & 1 ? NULL : Overlapped;
    NTSTATUS      Status;

    if (Reserved != 0)
        return BaseSetStatus(STATUS_INVALID_PARAMETER);
    Overlapped->Internal = (ULONG_PTR)STATUS_PENDING;
    Status = NtLockFile(File, (HANDLE)((ULONG_PTR)Overlapped->hEvent & ~1ULL), NULL, Context,
        (PIO_STATUS_BLOCK)Overlapped, &Offset, &Length, 0, (Flags & LOCKFILE_FAIL_IMMEDIATELY) != 0,
        (Flags & LOCKFILE_EXCLUSIVE_LOCK) != 0);
    if (Status == STATUS_PENDING) {
        RtlSetLastWin32Error(ERROR_IO_PENDING);
        return FALSE;
    }
    return BaseSetStatus(Status);
}

BOOL WINAPI
UnlockFile(HANDLE File, DWORD OffsetLow, DWORD OffsetHigh, DWORD LengthLow, DWORD LengthHigh)
{
    LARGE_INTEGER   Offset = BasepLarge(OffsetLow, OffsetHigh);
    LARGE_INTEGER   Length = BasepLarge(LengthLow, LengthHigh);
    IO_STATUS_BLOCK Iosb;

    return BaseSetStatus(NtUnlockFile(File, &Iosb, &Offset, &Length, 0));
}

BOOL WINAPI
UnlockFileEx(HANDLE File, DWORD Reserved, DWORD LengthLow, DWORD LengthHigh,
    LPOVERLAPPED Overlapped)
{
    if (Reserved != 0)
        return BaseSetStatus(STATUS_INVALID_PARAMETER);
    return UnlockFile(File, Overlapped->Offset, Overlapped->OffsetHigh, LengthLow, LengthHigh);
}
