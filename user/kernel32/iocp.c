/*
 * Completion ports, and the other ways to learn that a request has ended: APCs and the status
 * block.
 *
 * CreateIoCompletionPort makes a port, or gives a file to one, or both. A packet is taken with
 * GetQueuedCompletionStatus, whose result is that of the request: FALSE with an OVERLAPPED is a
 * request that failed, FALSE without one is no packet. ReadFileEx and WriteFileEx have their
 * routine called in an alertable wait of the thread that issued them.
 */
#include "k32.h"

typedef struct _BASE_APC_TRANSFER {
    LPOVERLAPPED_COMPLETION_ROUTINE Routine;
    LPOVERLAPPED                    Overlapped;
    PIO_STATUS_BLOCK                Iosb;
    LARGE_INTEGER                   Offset;
} BASE_APC_TRANSFER;

HANDLE WINAPI
CreateIoCompletionPort(HANDLE File, HANDLE Existing, ULONG_PTR Key, DWORD Threads)
{
    FILE_COMPLETION_INFORMATION Completion = { Existing, (PVOID)Key };
    IO_STATUS_BLOCK             Iosb;
    NTSTATUS                    Status = STATUS_SUCCESS;

    if (File == INVALID_HANDLE_VALUE && Existing != NULL) {
        RtlSetLastWin32Error(ERROR_INVALID_PARAMETER);
        return NULL;
    }
    if (Existing == NULL)
        Status = NtCreateIoCompletion(&Completion.Port, IO_COMPLETION_ALL_ACCESS, NULL, Threads);
    if (NT_SUCCESS(Status) && File != INVALID_HANDLE_VALUE) {
        Status = NtSetInformationFile(File, &Iosb, &Completion, sizeof Completion,
            EtFileCompletionInformation);
        if (!NT_SUCCESS(Status) && Existing == NULL)
            NtClose(Completion.Port);
    }
    return BaseSetStatus(Status) ? Completion.Port : NULL;
}

BOOL WINAPI
PostQueuedCompletionStatus(HANDLE Port, DWORD Bytes, ULONG_PTR Key, LPOVERLAPPED Overlapped)
{
    return BaseSetStatus(NtSetIoCompletion(Port, (PVOID)Key, Overlapped, STATUS_SUCCESS, Bytes));
}

BOOL WINAPI
GetQueuedCompletionStatus(HANDLE Port, LPDWORD Bytes, PULONG_PTR Key, LPOVERLAPPED *Overlapped,
    DWORD Milliseconds)
{
    LARGE_INTEGER   Timeout;
    IO_STATUS_BLOCK Iosb;
    PVOID           ApcContext = NULL;
    NTSTATUS        Status;

    Status = NtRemoveIoCompletion(Port, (PVOID *)Key, &ApcContext, &Iosb,
        BaseTimeout(&Timeout, Milliseconds));
    *Overlapped = ApcContext;
    if (Status == STATUS_SUCCESS) {
        *Bytes = (DWORD)Iosb.Information;
        return BaseSetStatus(Iosb.Status);
    }
    *Overlapped = NULL;
    if (Status == STATUS_TIMEOUT)
        RtlSetLastWin32Error(WAIT_TIMEOUT);
    else if (Status == STATUS_ABANDONED)
        RtlSetLastWin32Error(ERROR_ABANDONED_WAIT_0);
    else
        BaseSetStatus(Status);
    return FALSE;
}

BOOL WINAPI
GetQueuedCompletionStatusEx(HANDLE Port, LPOVERLAPPED_ENTRY Entries, ULONG Count, PULONG Removed,
    DWORD Milliseconds, BOOL Alertable)
{
    LARGE_INTEGER Timeout;
    NTSTATUS      Status;

    Status = NtRemoveIoCompletionEx(Port, (PFILE_IO_COMPLETION_INFORMATION)Entries, Count, Removed,
        BaseTimeout(&Timeout, Milliseconds), Alertable != FALSE);
    if (Status == STATUS_SUCCESS)
        return TRUE;
    if (Status == STATUS_TIMEOUT)
        RtlSetLastWin32Error(WAIT_TIMEOUT);
    else if (Status == STATUS_USER_APC || Status == STATUS_ALERTED)
        RtlSetLastWin32Error(WAIT_IO_COMPLETION);
    else if (Status == STATUS_ABANDONED)
        RtlSetLastWin32Error(ERROR_ABANDONED_WAIT_0);
    else
        BaseSetStatus(Status);
    return FALSE;
}

BOOL WINAPI
SetFileCompletionNotificationModes(HANDLE File, UCHAR Modes)
{
    ULONG           Flags = Modes;
    IO_STATUS_BLOCK Iosb;

    return BaseSetStatus(NtSetInformationFile(File, &Iosb, &Flags, sizeof Flags,
        EtFileIoCompletionNotificationInformation));
}

/* The APC of ReadFileEx and WriteFileEx: Context is the program's routine. */
static VOID NTAPI
BasepIoApc(PVOID Context, PIO_STATUS_BLOCK Iosb, ULONG Reserved)
{
    LPOVERLAPPED_COMPLETION_ROUTINE Routine = (LPOVERLAPPED_COMPLETION_ROUTINE)Context;
    DWORD                           Error = 0;

    if (!NT_SUCCESS(Iosb->Status))
        Error = RtlNtStatusToDosError(Iosb->Status);
    Routine(Error, Error != 0 ? 0 : (DWORD)Iosb->Information, (LPOVERLAPPED)Iosb);
}

static BOOL
BasepFinishEx(NTSTATUS Status)
{
    // a warning has its APC too, which tells it
    return (Status & 0xC0000000) == 0x80000000 || BaseSetStatus(Status);
}

BOOL WINAPI
ReadFileEx(HANDLE File, LPVOID Buffer, DWORD Length, LPOVERLAPPED Overlapped,
    LPOVERLAPPED_COMPLETION_ROUTINE Routine)
{
    LARGE_INTEGER Offset = { .LowPart = Overlapped->Offset, .HighPart = Overlapped->OffsetHigh };

    Overlapped->Internal = (ULONG_PTR)STATUS_PENDING;
    return BasepFinishEx(NtReadFile(File, NULL, BasepIoApc, (PVOID)Routine,
        (PIO_STATUS_BLOCK)Overlapped, Buffer, Length, &Offset, NULL));
}

BOOL WINAPI
WriteFileEx(HANDLE File, LPCVOID Buffer, DWORD Length, LPOVERLAPPED Overlapped,
    LPOVERLAPPED_COMPLETION_ROUTINE Routine)
{
    LARGE_INTEGER Offset = { .LowPart = Overlapped->Offset, .HighPart = Overlapped->OffsetHigh };

    Overlapped->Internal = (ULONG_PTR)STATUS_PENDING;
    return BasepFinishEx(NtWriteFile(File, NULL, BasepIoApc, (PVOID)Routine,
        (PIO_STATUS_BLOCK)Overlapped, (PVOID)Buffer, Length, &Offset, NULL));
}

/* What changes in a folder. Without an OVERLAPPED the call waits. */
BOOL WINAPI
ReadDirectoryChangesW(HANDLE Folder, LPVOID Buffer, DWORD Length, WINBOOL WatchTree, DWORD Filter,
    LPDWORD Done, LPOVERLAPPED Overlapped, LPOVERLAPPED_COMPLETION_ROUTINE Routine)
{
    IO_STATUS_BLOCK   Iosb;
    PIO_STATUS_BLOCK  Block = Overlapped ? (PIO_STATUS_BLOCK)Overlapped : &Iosb;
    HANDLE            Event = Overlapped && !Routine ? Overlapped->hEvent : NULL;
    NTSTATUS          Status;

    Block->Status = STATUS_PENDING;
    Status = NtNotifyChangeDirectoryFile(Folder, Event, Routine ? BasepIoApc : NULL,
        Routine ? (PVOID)Routine : Overlapped, Block, Buffer, Length, Filter, (BOOLEAN)WatchTree);
    if (Overlapped == NULL && Status == STATUS_PENDING) {
        NtWaitForSingleObject(Folder, FALSE, NULL);
        Status = Iosb.Status;
    }
    if (Done != NULL && Status != STATUS_PENDING)
        *Done = (DWORD)Block->Information;
    return Status == STATUS_PENDING || BaseSetStatus(Status);
}

/*
 * The result of an overlapped request, waiting for it at most Milliseconds; Alertable: an APC ends
 * the wait (WAIT_IO_COMPLETION).
 */
BOOL WINAPI
GetOverlappedResultEx(HANDLE File, LPOVERLAPPED Overlapped, LPDWORD Done, DWORD Milliseconds,
    BOOL Alertable)
{
    HANDLE Event = (HANDLE)((ULONG_PTR)Overlapped->hEvent & ~1ULL);
    DWORD  Waited;

    if ((NTSTATUS)Overlapped->Internal == STATUS_PENDING) {
        if (Milliseconds == 0) {
            RtlSetLastWin32Error(ERROR_IO_INCOMPLETE);
            return FALSE;
        }
        Waited = WaitForSingleObjectEx(Event ? Event : File, Milliseconds, Alertable);
        if (Waited != WAIT_OBJECT_0) {
            if (Waited != WAIT_FAILED)
                RtlSetLastWin32Error(Waited);
            return FALSE;
        }
    }
    *Done = (DWORD)Overlapped->InternalHigh;
    return BaseSetStatus((NTSTATUS)Overlapped->Internal);
}

BOOL WINAPI
GetOverlappedResult(HANDLE File, LPOVERLAPPED Overlapped, LPDWORD Done, BOOL Wait)
{
    return GetOverlappedResultEx(File, Overlapped, Done, Wait ? INFINITE : 0, FALSE);
}

/* Packets of all bound files, one thread that calls their routines; both for good. */
static DWORD WINAPI
BasepCallbackThread(PVOID Port)
{
    LPOVERLAPPED_COMPLETION_ROUTINE Routine;
    PVOID                           Overlapped;
    IO_STATUS_BLOCK                 Iosb;

    while (NT_SUCCESS(NtRemoveIoCompletion(Port, (PVOID *)&Routine, &Overlapped, &Iosb, NULL)))
        Routine(RtlNtStatusToDosError(Iosb.Status), (DWORD)Iosb.Information, Overlapped);
    return 0;
}

static HANDLE
BasepCallbackPort(VOID)
{
    static HANDLE Shared;
    HANDLE        Port, Thread;

    if (Shared != NULL)
        return Shared;
    Port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    if (Port == NULL)
        return NULL;
    if (InterlockedCompareExchangePointer(&Shared, Port, NULL) != NULL) {
        NtClose(Port);
        return Shared;
    }
    Thread = CreateThread(NULL, 0, BasepCallbackThread, Port, 0, NULL);
    if (Thread != NULL)
        NtClose(Thread);
    return Port;
}

/* Routine is called, in a thread of its own, for each request of File that has ended. */
BOOL WINAPI
BindIoCompletionCallback(HANDLE File, LPOVERLAPPED_COMPLETION_ROUTINE Routine, ULONG Flags)
{
    HANDLE Port = BasepCallbackPort();

    return Port != NULL && CreateIoCompletionPort(File, Port, (ULONG_PTR)Routine, 0) != NULL;
}
