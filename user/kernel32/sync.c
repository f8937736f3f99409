/*
 * Events, mutexes, semaphores, waitable timers, and waiting. A named object lives in
 * \BaseNamedObjects; creating one that is there already opens it, and GetLastError says
 * ERROR_ALREADY_EXISTS.
 */
#include "k32.h"

/*
 * The common end of Create...: the handle, or NULL with the error; a first creation clears the
 * last error.
 */
static HANDLE
BasepCreated(NTSTATUS Status, HANDLE Handle)
{
    if (!BaseSetStatus(Status))
        return NULL;
    RtlSetLastWin32Error(Status == STATUS_OBJECT_NAME_EXISTS ? ERROR_ALREADY_EXISTS
        : ERROR_SUCCESS);
    return Handle;
}

HANDLE WINAPI
CreateEventW(LPSECURITY_ATTRIBUTES Security, BOOL Manual, BOOL Initial, LPCWSTR Name)
{
    BASE_OBJECT_NAME Object;
    HANDLE           Handle = NULL;

    if (!BaseObjectName(&Object, Security, Name))
        return NULL;
    return BasepCreated(NtCreateEvent(&Handle, EVENT_ALL_ACCESS, &Object.Attributes, Manual ? 0
        : 1, Initial != 0), Handle);
}

HANDLE WINAPI
CreateMutexW(LPSECURITY_ATTRIBUTES Security, BOOL Owner, LPCWSTR Name)
{
    BASE_OBJECT_NAME Object;
    HANDLE           Handle = NULL;

    if (!BaseObjectName(&Object, Security, Name))
        return NULL;
    return BasepCreated(NtCreateMutant(&Handle, MUTANT_ALL_ACCESS, &Object.Attributes,
        Owner != 0), Handle);
}

HANDLE WINAPI
CreateSemaphoreW(LPSECURITY_ATTRIBUTES Security, LONG Count, LONG Maximum, LPCWSTR Name)
{
    BASE_OBJECT_NAME Object;
    HANDLE           Handle = NULL;

    if (!BaseObjectName(&Object, Security, Name))
        return NULL;
    return BasepCreated(NtCreateSemaphore(&Handle, SEMAPHORE_ALL_ACCESS, &Object.Attributes,
        Count, Maximum), Handle);
}

HANDLE WINAPI
CreateWaitableTimerW(LPSECURITY_ATTRIBUTES Security, BOOL Manual, LPCWSTR Name)
{
    BASE_OBJECT_NAME Object;
    HANDLE           Handle = NULL;

    if (!BaseObjectName(&Object, Security, Name))
        return NULL;
    return BasepCreated(NtCreateTimer(&Handle, TIMER_ALL_ACCESS, &Object.Attributes, Manual ? 0
        : 1), Handle);
}

HANDLE WINAPI
OpenEventW(DWORD Access, BOOL Inherit, LPCWSTR Name)
{
    SECURITY_ATTRIBUTES Security = { sizeof Security, NULL, Inherit };
    BASE_OBJECT_NAME    Object;
    HANDLE              Handle = NULL;

    if (!BaseObjectName(&Object, &Security, Name))
        return NULL;
    Object.Attributes.Attributes &= ~OBJ_OPENIF;
    return BasepCreated(NtOpenEvent(&Handle, Access, &Object.Attributes), Handle);
}

HANDLE WINAPI
OpenMutexW(DWORD Access, BOOL Inherit, LPCWSTR Name)
{
    SECURITY_ATTRIBUTES Security = { sizeof Security, NULL, Inherit };
    BASE_OBJECT_NAME    Object;
    HANDLE              Handle = NULL;

    if (!BaseObjectName(&Object, &Security, Name))
        return NULL;
    Object.Attributes.Attributes &= ~OBJ_OPENIF;
    return BasepCreated(NtOpenMutant(&Handle, Access, &Object.Attributes), Handle);
}

HANDLE WINAPI
CreateEventA(LPSECURITY_ATTRIBUTES Security, BOOL Manual, BOOL Initial, LPCSTR Name)
{
    PWSTR  Wide = BaseWiden(Name);
    HANDLE Handle = CreateEventW(Security, Manual, Initial, Wide);

    BaseFree(Wide);
    return Handle;
}

HANDLE WINAPI
CreateMutexA(LPSECURITY_ATTRIBUTES Security, BOOL Owner, LPCSTR Name)
{
    PWSTR  Wide = BaseWiden(Name);
    HANDLE Handle = CreateMutexW(Security, Owner, Wide);

    BaseFree(Wide);
    return Handle;
}

HANDLE WINAPI
CreateSemaphoreA(LPSECURITY_ATTRIBUTES Security, LONG Count, LONG Maximum, LPCSTR Name)
{
    PWSTR  Wide = BaseWiden(Name);
    HANDLE Handle = CreateSemaphoreW(Security, Count, Maximum, Wide);

    BaseFree(Wide);
    return Handle;
}

HANDLE WINAPI
OpenEventA(DWORD Access, BOOL Inherit, LPCSTR Name)
{
    PWSTR  Wide = BaseWiden(Name);
    HANDLE Handle = OpenEventW(Access, Inherit, Wide);

    BaseFree(Wide);
    return Handle;
}

BOOL WINAPI
SetEvent(HANDLE Event)
{
    return BaseSetStatus(NtSetEvent(Event, NULL));
}

BOOL WINAPI
ResetEvent(HANDLE Event)
{
    return BaseSetStatus(NtClearEvent(Event));
}

BOOL WINAPI
PulseEvent(HANDLE Event)
{
    return BaseSetStatus(NtPulseEvent(Event, NULL));
}

BOOL WINAPI
ReleaseMutex(HANDLE Mutex)
{
    return BaseSetStatus(NtReleaseMutant(Mutex, NULL));
}

BOOL WINAPI
ReleaseSemaphore(HANDLE Semaphore, LONG Count, LPLONG Previous)
{
    return BaseSetStatus(NtReleaseSemaphore(Semaphore, Count, Previous));
}

BOOL WINAPI
SetWaitableTimer(HANDLE Timer, const LARGE_INTEGER *Due, LONG Period, PTIMERAPCROUTINE Routine,
    LPVOID Argument, BOOL Resume)
{
    LARGE_INTEGER Copy = *Due;

    return BaseSetStatus(NtSetTimer(Timer, &Copy, (PTIMER_APC_ROUTINE)Routine, Argument,
        Resume != 0, Period, NULL));
}

BOOL WINAPI
CancelWaitableTimer(HANDLE Timer)
{
    return BaseSetStatus(NtCancelTimer(Timer, NULL));
}

static DWORD
BasepWaited(NTSTATUS Status)
{
    return BaseSetStatus(Status) ? (DWORD)Status : WAIT_FAILED;
}

DWORD WINAPI
WaitForSingleObjectEx(HANDLE Object, DWORD Milliseconds, BOOL Alertable)
{
    LARGE_INTEGER Timeout;

    return BasepWaited(NtWaitForSingleObject(Object, Alertable != 0, BaseTimeout(&Timeout,
        Milliseconds)));
}

DWORD WINAPI
WaitForSingleObject(HANDLE Object, DWORD Milliseconds)
{
    return WaitForSingleObjectEx(Object, Milliseconds, FALSE);
}

DWORD WINAPI
WaitForMultipleObjectsEx(DWORD Count, const HANDLE *Objects, BOOL All, DWORD Milliseconds,
    BOOL Alertable)
{
    LARGE_INTEGER Timeout;

    return BasepWaited(NtWaitForMultipleObjects(Count, (PHANDLE)Objects, All ? 0 : 1,
        Alertable != 0, BaseTimeout(&Timeout, Milliseconds)));
}

DWORD WINAPI
WaitForMultipleObjects(DWORD Count, const HANDLE *Objects, BOOL All, DWORD Milliseconds)
{
    return WaitForMultipleObjectsEx(Count, Objects, All, Milliseconds, FALSE);
}

DWORD WINAPI
SignalObjectAndWait(HANDLE Signal, HANDLE Object, DWORD Milliseconds, BOOL Alertable)
{
    LARGE_INTEGER Timeout;

    return BasepWaited(NtSignalAndWaitForSingleObject(Signal, Object, Alertable != 0,
        BaseTimeout(&Timeout, Milliseconds)));
}

DWORD WINAPI
SleepEx(DWORD Milliseconds, BOOL Alertable)
{
    LARGE_INTEGER Interval, Forever = { .QuadPart = MINLONGLONG };
    NTSTATUS      Status;

    if (Milliseconds == 0 && !Alertable) {
        NtYieldExecution();
        return 0;
    }
    if (BaseTimeout(&Interval, Milliseconds) == NULL)
        Interval = Forever;
    Status = NtDelayExecution(Alertable != 0, &Interval);
    return Status == STATUS_USER_APC ? WAIT_IO_COMPLETION : 0;
}

VOID WINAPI
Sleep(DWORD Milliseconds)
{
    SleepEx(Milliseconds, FALSE);
}

BOOL WINAPI
SwitchToThread(VOID)
{
    return NtYieldExecution() != STATUS_NO_YIELD_PERFORMED;
}
