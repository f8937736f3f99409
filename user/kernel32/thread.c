/*
 * Threads, and thread-local storage by TlsAlloc: 64 slots in the TEB, handed out by a bit map
 * that the process shares. A slot is cleared in the allocating thread only; others see NULL until
 * they set it, because a slot that was freed is not used again while another is left.
 */
#include "k32.h"

#define BASE_TLS_SLOTS  64

static volatile LONG64 BaseTlsInUse;
static LONG            BaseTlsNext;

HANDLE WINAPI
CreateRemoteThread(HANDLE Process, LPSECURITY_ATTRIBUTES Security, SIZE_T StackSize,
    LPTHREAD_START_ROUTINE Start, LPVOID Parameter, DWORD Flags, LPDWORD Id)
{
    BOOL      IsReserve = (Flags & STACK_SIZE_PARAM_IS_A_RESERVATION) != 0;
    CLIENT_ID Client;
    HANDLE    Thread;
    NTSTATUS  Status;

    Status = RtlCreateUserThread(Process, NULL, TRUE, 0, IsReserve ? StackSize : 0, IsReserve ? 0
        : StackSize, (PVOID)Start, Parameter, &Thread, &Client);
    if (!BaseSetStatus(Status))
        return NULL;
    if (Id)
        *Id = (DWORD)(ULONG_PTR)Client.UniqueThread;
    if (!(Flags & CREATE_SUSPENDED))
        NtResumeThread(Thread, NULL);
    return Thread;
}

HANDLE WINAPI
CreateThread(LPSECURITY_ATTRIBUTES Security, SIZE_T StackSize, LPTHREAD_START_ROUTINE Start,
    LPVOID Parameter, DWORD Flags, LPDWORD Id)
{
    return CreateRemoteThread(NtCurrentProcess(), Security, StackSize, Start, Parameter, Flags, Id);
}

HANDLE WINAPI
OpenThread(DWORD Access, BOOL Inherit, DWORD Id)
{
    CLIENT_ID         Client = { NULL, (HANDLE)(ULONG_PTR)Id };
    OBJECT_ATTRIBUTES Attributes;
    HANDLE            Thread;

    InitializeObjectAttributes(&Attributes, NULL, Inherit ? OBJ_INHERIT : 0, NULL, NULL);
    return BaseSetStatus(NtOpenThread(&Thread, Access, &Attributes, &Client)) ? Thread : NULL;
}

BOOL WINAPI
TerminateThread(HANDLE Thread, DWORD Code)
{
    return BaseSetStatus(NtTerminateThread(Thread, Code));
}

BOOL WINAPI
GetExitCodeThread(HANDLE Thread, LPDWORD Code)
{
    THREAD_BASIC_INFORMATION Basic;

    if (!BaseSetStatus(NtQueryInformationThread(Thread, EtThreadBasicInformation, &Basic,
        sizeof Basic, NULL)))
        return FALSE;
    *Code = Basic.ExitStatus;
    return TRUE;
}

HANDLE WINAPI
GetCurrentThread(VOID)
{
    return NtCurrentThread();
}

DWORD WINAPI
GetCurrentThreadId(VOID)
{
    return (DWORD)(ULONG_PTR)((PTEB)NtCurrentTeb())->ClientId.UniqueThread;
}

DWORD WINAPI
SuspendThread(HANDLE Thread)
{
    ULONG Previous;

    return BaseSetStatus(NtSuspendThread(Thread, &Previous)) ? Previous : (DWORD)-1;
}

DWORD WINAPI
ResumeThread(HANDLE Thread)
{
    ULONG Previous;

    return BaseSetStatus(NtResumeThread(Thread, &Previous)) ? Previous : (DWORD)-1;
}

DWORD WINAPI
QueueUserAPC(PAPCFUNC Routine, HANDLE Thread, ULONG_PTR Data)
{
    return BaseSetStatus(NtQueueApcThread(Thread, (PPS_APC_ROUTINE)Routine, (PVOID)Data, NULL,
        NULL));
}

/*
 * Priority is relative to the process' base: THREAD_PRIORITY_LOWEST (-2) to
 * THREAD_PRIORITY_HIGHEST (2).
 */
BOOL WINAPI
SetThreadPriority(HANDLE Thread, int Priority)
{
    LONG Increment = Priority;

    return BaseSetStatus(NtSetInformationThread(Thread, EtThreadBasePriority, &Increment,
        sizeof Increment));
}

int WINAPI
GetThreadPriority(HANDLE Thread)
{
    THREAD_BASIC_INFORMATION Basic;

    if (!BaseSetStatus(NtQueryInformationThread(Thread, EtThreadBasicInformation, &Basic,
        sizeof Basic, NULL)))
        return THREAD_PRIORITY_ERROR_RETURN;
    return Basic.BasePriority;
}

DWORD WINAPI
TlsAlloc(VOID)
{
    for (ULONG Try = 0; Try < BASE_TLS_SLOTS; Try++) {
        ULONG Slot = (ULONG)InterlockedIncrement(&BaseTlsNext) % BASE_TLS_SLOTS;

        if (InterlockedOr64(&BaseTlsInUse, 1LL << Slot) & (1LL << Slot))
            continue;
        ((PTEB)NtCurrentTeb())->TlsSlots[Slot] = NULL;
        return Slot;
    }
    RtlSetLastWin32Error(ERROR_NO_MORE_ITEMS);
    return TLS_OUT_OF_INDEXES;
}

static BOOL
BasepIsSlot(DWORD Slot)
{
    if (Slot < BASE_TLS_SLOTS && (BaseTlsInUse & (1LL << Slot)))
        return TRUE;
    RtlSetLastWin32Error(ERROR_INVALID_PARAMETER);
    return FALSE;
}

BOOL WINAPI
TlsFree(DWORD Slot)
{
    if (!BasepIsSlot(Slot))
        return FALSE;
    InterlockedAnd64(&BaseTlsInUse, ~(1LL << Slot));
    return TRUE;
}

LPVOID WINAPI
TlsGetValue(DWORD Slot)
{
    if (!BasepIsSlot(Slot))
        return NULL;
    RtlSetLastWin32Error(ERROR_SUCCESS);
    return ((PTEB)NtCurrentTeb())->TlsSlots[Slot];
}

BOOL WINAPI
TlsSetValue(DWORD Slot, LPVOID Value)
{
    if (!BasepIsSlot(Slot))
        return FALSE;
    ((PTEB)NtCurrentTeb())->TlsSlots[Slot] = Value;
    return TRUE;
}
