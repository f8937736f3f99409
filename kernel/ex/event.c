/*
 * Event objects: a KEVENT with a name and handles. A notification event stays signalled until it
 * is reset, a synchronization event until one waiter was let through.
 *
 * The services that change the state want EVENT_MODIFY_STATE, the query EVENT_QUERY_STATE,
 * waiting SYNCHRONIZE. An address for the former state is probed before anything is changed.
 *
 * IoCreateNotificationEvent and IoCreateSynchronizationEvent, for drivers, open or create a named
 * event in kernel mode and give back the KEVENT, which lives as long as the handle is open.
 */
#include "kernel.h"
#include "ex/exobj.h"

NTSTATUS NTAPI
NtCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
              EVENT_TYPE EventType,
    BOOLEAN InitialState)
{
    KPROCESSOR_MODE Mode   = KeGetPreviousMode();
    NTSTATUS        Status = ObProbeHandle(EventHandle, Mode);
    PKEVENT         Event;

    PAGED_CODE();

    if (!NT_SUCCESS(Status))
        return Status;
    if (EventType != NotificationEvent && EventType != SynchronizationEvent)
        return STATUS_INVALID_PARAMETER;

    Status = ObCreateObject(Mode, *ExEventObjectType, ObjectAttributes, Mode, NULL,
                            sizeof(KEVENT), 0, 0, (PVOID *)&Event);
    if (!NT_SUCCESS(Status))
        return Status;

    KeInitializeEvent(Event, EventType, InitialState != FALSE);
    return ObInsertService(Event, DesiredAccess, EventHandle, Mode);
}

NTSTATUS NTAPI
NtOpenEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ObOpenService(EventHandle, DesiredAccess, ObjectAttributes, *ExEventObjectType, NULL);
}

enum { EVENT_SET, EVENT_RESET, EVENT_PULSE };

static NTSTATUS
ExpChangeEvent(HANDLE Handle, PLONG PreviousState, ULONG Change)
{
    KPROCESSOR_MODE Mode   = KeGetPreviousMode();
    NTSTATUS        Status = ObProbeOutput(PreviousState, sizeof(LONG), Mode);
    PKEVENT         Event;
    LONG            Old;

    PAGED_CODE();

    if (NT_SUCCESS(Status))
        Status = ObReferenceObjectByHandle(Handle, EVENT_MODIFY_STATE, *ExEventObjectType, Mode,
                                           (PVOID *)&Event, NULL);
    if (!NT_SUCCESS(Status))
        return Status;

    Old = Change == EVENT_SET   ? KeSetEvent(Event, EVENT_INCREMENT, FALSE)
        : Change == EVENT_RESET ? KeResetEvent(Event)
                                : KePulseEvent(Event, EVENT_INCREMENT, FALSE);
    ObDereferenceObject(Event);
    ExpWriteLong(PreviousState, Old);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI
NtSetEvent(HANDLE EventHandle, PLONG PreviousState)
{
    return ExpChangeEvent(EventHandle, PreviousState, EVENT_SET);
}

NTSTATUS NTAPI
NtResetEvent(HANDLE EventHandle, PLONG PreviousState)
{
    return ExpChangeEvent(EventHandle, PreviousState, EVENT_RESET);
}

NTSTATUS NTAPI
NtClearEvent(HANDLE EventHandle)
{
    return ExpChangeEvent(EventHandle, NULL, EVENT_RESET);
}

NTSTATUS NTAPI
NtPulseEvent(HANDLE EventHandle, PLONG PreviousState)
{
    return ExpChangeEvent(EventHandle, PreviousState, EVENT_PULSE);
}

NTSTATUS NTAPI
NtQueryEvent(HANDLE EventHandle, ULONG Class, PVOID Buffer, ULONG Length, PULONG ReturnLength)
{
    EVENT_BASIC_INFORMATION Basic;
    PKEVENT                 Event;
    NTSTATUS                Status;

    Status = ExpBeginQuery(EventHandle, EVENT_QUERY_STATE, *ExEventObjectType, Class, Length,
                           sizeof Basic, (PVOID *)&Event);
    if (!NT_SUCCESS(Status))
        return Status;

    Basic.EventType  = Event->Header.Type;
    Basic.EventState = KeReadStateEvent(Event);
    ObDereferenceObject(Event);
    return ObReturnBytes(Buffer, &Basic, sizeof(Basic), ReturnLength, KeGetPreviousMode());
}
