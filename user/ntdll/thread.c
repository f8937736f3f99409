/*
 * The end of threads and processes, and the creation of threads.
 *
 * RtlExitUserProcess stops the other threads first, so that the DLLs' process detach runs alone.
 * It takes the locks before that the detach needs, so that none of them is in the middle of what
 * they guard: the loader's, the PEB's and the process heap's. Threads that waited for one have not
 * left it, so they are made anew. Any other lock that a stopped thread has is lost: who wants it
 * now ends the process (critsec.c).
 * RtlExitUserThread tells the DLLs of the thread's end; the last thread of a process ends the
 * process instead.
 */
#include "ntdllp.h"

VOID NTAPI
RtlExitUserProcess(NTSTATUS Status)
{
    RtlEnterCriticalSection(&LdrpLoaderLock);
    RtlAcquirePebLock();
    RtlLockHeap(NtCurrentPeb()->ProcessHeap);
    NtTerminateProcess(NULL, Status);
    RtlpRenewHeapLock(NtCurrentPeb()->ProcessHeap);
    RtlInitializeCriticalSection(NtCurrentPeb()->FastPebLock);
    RtlInitializeCriticalSection(&LdrpLoaderLock);
    LdrpExitStatus = Status;
    LdrShutdownProcess();
    NtTerminateProcess(NtCurrentProcess(), Status);
    __builtin_unreachable();
}

VOID NTAPI
RtlExitUserThread(NTSTATUS Status)
{
    ULONG LastThread = FALSE;

    if (NT_SUCCESS(NtQueryInformationThread(NtCurrentThread(), EtThreadAmILastThread, &LastThread,
            sizeof LastThread, NULL)) && LastThread)
        RtlExitUserProcess(Status);
    LdrShutdownThread();
    NtTerminateThread(NtCurrentThread(), Status);
    __builtin_unreachable();
}

NTSTATUS NTAPI
RtlCreateUserThread(HANDLE Process, PVOID SecurityDescriptor, BOOLEAN Suspended, ULONG ZeroBits,
    SIZE_T StackReserve, SIZE_T StackCommit, PVOID Start, PVOID Parameter, PHANDLE Thread,
    CLIENT_ID *Id)
{
    OBJECT_ATTRIBUTES        Attributes;
    THREAD_BASIC_INFORMATION Information;
    HANDLE                   Handle;
    NTSTATUS                 Status;

    InitializeObjectAttributes(&Attributes, NULL, 0, NULL, SecurityDescriptor);
    Status = NtCreateThreadEx(&Handle, THREAD_ALL_ACCESS, &Attributes, Process, Start, Parameter,
        Suspended ? THREAD_CREATE_FLAGS_CREATE_SUSPENDED : 0, ZeroBits, StackCommit,
        StackReserve, NULL);
    if (!NT_SUCCESS(Status))
        return Status;
    if (Id && NT_SUCCESS(NtQueryInformationThread(Handle, EtThreadBasicInformation, &Information,
            sizeof Information, NULL)))
        *Id = Information.ClientId;
    if (Thread)
        *Thread = Handle;
    else
        NtClose(Handle);
    return STATUS_SUCCESS;
}
