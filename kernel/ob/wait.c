/*
 * Waiting on handles: NtWaitForSingleObject, NtWaitForMultipleObjects,
 * NtSignalAndWaitForSingleObject.
 *
 * A handle needs SYNCHRONIZE and an object one can wait for: its type's DefaultObject says where
 * in the body the dispatcher header is, or a pointer to one (a file waits for its event). The
 * objects are referenced for as long as the wait lasts, so a close on the way does not matter. A
 * time-out is captured once; negative is relative, positive an absolute system time, none is for
 * ever.
 *
 * A wait may raise (a mutant acquired too often) and then returns that status.
 *
 * STATUS_OBJECT_TYPE_MISMATCH: nothing to wait for. STATUS_INVALID_PARAMETER_1 / _2 / _3: too
 * many or no handles, ... STATUS_INVALID_PARAMETER_MIX: the same object twice in a wait for all.
 */
#include "kernel.h"
#include "ob/obp.h"

static NTSTATUS
ObpCaptureTimeout(PLARGE_INTEGER Timeout, KPROCESSOR_MODE Mode, PLARGE_INTEGER Captured)
{
    if (Timeout == NULL)
        return STATUS_SUCCESS;

    __try {
        if (Mode != KernelMode)
            ProbeForRead(Timeout, sizeof(*Timeout), sizeof(ULONG));
        *Captured = *(volatile LARGE_INTEGER *)Timeout;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

/* What a wait on the object waits for, or NULL. */
static PVOID
ObpWaitObject(PVOID Object)
{
    LONG  Offset = OBJECT_TO_HEADER(Object)->Type->DefaultObject;
    PVOID Field;

    if (Offset < 0)
        return Offset == OB_WAIT_DEFAULT ? &ObpDefaultObject : NULL;

    Field = (PUCHAR)Object + (Offset & ~OB_WAIT_POINTER);
    return (Offset & OB_WAIT_POINTER) ? *(PVOID *)Field : Field;
}

/* The handle's object, referenced, and its dispatcher object. */
static NTSTATUS
ObpReferenceForWait(HANDLE Handle, KPROCESSOR_MODE Mode, PVOID *Object, PVOID *WaitObject)
{
    NTSTATUS Status = ObReferenceObjectByHandle(Handle, SYNCHRONIZE, NULL, Mode, Object, NULL);

    if (!NT_SUCCESS(Status))
        return Status;

    *WaitObject = ObpWaitObject(*Object);
    if (*WaitObject == NULL) {
        ObDereferenceObject(*Object);
        *Object = NULL;
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS
ObpWaitForOne(PVOID WaitObject, KPROCESSOR_MODE Mode, BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    __try {
        return KeWaitForSingleObject(WaitObject, UserRequest, Mode, Alertable, Timeout);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
}

NTSTATUS NTAPI
NtWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    KPROCESSOR_MODE Mode = KeGetPreviousMode();
    PVOID           Object, WaitObject;
    LARGE_INTEGER   Captured;
    NTSTATUS        Status;

    MAY_BLOCK();

    Status = ObpCaptureTimeout(Timeout, Mode, &Captured);
    if (NT_SUCCESS(Status))
        Status = ObpReferenceForWait(Handle, Mode, &Object, &WaitObject);
    if (!NT_SUCCESS(Status))
        return Status;

    Status = ObpWaitForOne(WaitObject, Mode, Alertable, Timeout ? &Captured : NULL);
    ObDereferenceObject(Object);
    return Status;
}

static NTSTATUS
ObpCaptureHandles(PHANDLE Handles, ULONG Count, KPROCESSOR_MODE Mode, PHANDLE Captured)
{
    __try {
        if (Mode != KernelMode)
            ProbeForRead(Handles, Count * sizeof(HANDLE), sizeof(ULONG));
        RtlCopyMemory(Captured, Handles, Count * sizeof(HANDLE));
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

typedef struct _OB_WAIT {
    HANDLE      Handles[MAXIMUM_WAIT_OBJECTS];
    PVOID       Objects[MAXIMUM_WAIT_OBJECTS];
    PVOID       WaitObjects[MAXIMUM_WAIT_OBJECTS];
    KWAIT_BLOCK Blocks[MAXIMUM_WAIT_OBJECTS];
} OB_WAIT, *POB_WAIT;

static BOOLEAN
ObpHasDuplicates(POB_WAIT Wait, ULONG Count)
{
    for (ULONG Index = 1; Index < Count; Index++)
        for (ULONG Other = 0; Other < Index; Other++)
            if (Wait->WaitObjects[Index] == Wait->WaitObjects[Other])
                return TRUE;
    return FALSE;
}

static NTSTATUS
ObpWaitForMany(POB_WAIT Wait, ULONG Count, WAIT_TYPE WaitType, KPROCESSOR_MODE Mode,
               BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG    Known;

    for (Known = 0; Known < Count; Known++) {
        Status = ObpReferenceForWait(Wait->Handles[Known], Mode, &Wait->Objects[Known],
                                     &Wait->WaitObjects[Known]);
        if (!NT_SUCCESS(Status))
            goto Done;
    }
    if (WaitType == WaitAll && ObpHasDuplicates(Wait, Count)) {
        Status = STATUS_INVALID_PARAMETER_MIX;
        goto Done;
    }

    __try {
        Status = KeWaitForMultipleObjects(Count, Wait->WaitObjects, WaitType, UserRequest, Mode,
                                          Alertable, Timeout,
                                          Wait->Blocks);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }

Done:
    while (Known != 0)
        ObDereferenceObject(Wait->Objects[--Known]);
    return Status;
}

NTSTATUS NTAPI
NtWaitForMultipleObjects(ULONG Count, PHANDLE Handles, WAIT_TYPE WaitType, BOOLEAN Alertable,
                         PLARGE_INTEGER Timeout)
{
    KPROCESSOR_MODE Mode = KeGetPreviousMode();
    LARGE_INTEGER   Captured;
    NTSTATUS        Status;
    POB_WAIT        Wait;

    MAY_BLOCK();

    if (Count == 0 || Count > MAXIMUM_WAIT_OBJECTS)
        return STATUS_INVALID_PARAMETER_1;
    if (WaitType != WaitAll && WaitType != WaitAny)
        return STATUS_INVALID_PARAMETER_3;

    Status = ObpCaptureTimeout(Timeout, Mode, &Captured);
    if (!NT_SUCCESS(Status))
        return Status;

    Wait = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Wait), 'tiaW');
    if (Wait == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;

    Status = ObpCaptureHandles(Handles, Count, Mode, Wait->Handles);
    if (NT_SUCCESS(Status))
        Status = ObpWaitForMany(Wait, Count, WaitType, Mode, Alertable, Timeout ? &Captured : NULL);
    ExFreePoolWithTag(Wait, 'tiaW');
    return Status;
}

/*
 * Signals an event, releases a mutant or a semaphore by one. On success the dispatcher lock is
 * held until the wait that the caller goes on to, so that the two are one step.
 */
static NTSTATUS
ObpSignal(PVOID Object, ACCESS_MASK Granted, KPROCESSOR_MODE Mode)
{
    POBJECT_TYPE Type   = OBJECT_TO_HEADER(Object)->Type;
    ACCESS_MASK  Needed = Type == *ExEventObjectType ? EVENT_MODIFY_STATE
                        : Type == *ExSemaphoreObjectType ? SEMAPHORE_MODIFY_STATE : 0;

    if (Type != *ExEventObjectType && Type != *ExSemaphoreObjectType && Type != ExMutantObjectType)
        return STATUS_OBJECT_TYPE_MISMATCH;
    if (Mode != KernelMode && (Needed & ~Granted) != 0)
        return STATUS_ACCESS_DENIED;

    __try {
        if (Type == *ExEventObjectType)
            KeSetEvent(Object, EVENT_INCREMENT, TRUE);
        else if (Type == *ExSemaphoreObjectType)
            KeReleaseSemaphore(Object, SEMAPHORE_INCREMENT, 1, TRUE);
        else
            KeReleaseMutant(Object, 1, FALSE, TRUE);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI
NtSignalAndWaitForSingleObject(HANDLE SignalHandle, HANDLE WaitHandle, BOOLEAN Alertable,
                               PLARGE_INTEGER Timeout)
{
    KPROCESSOR_MODE           Mode = KeGetPreviousMode();
    PVOID                     Signal, Object, WaitObject;
    OBJECT_HANDLE_INFORMATION Information;
    LARGE_INTEGER             Captured;
    NTSTATUS                  Status;

    MAY_BLOCK();

    Status = ObpCaptureTimeout(Timeout, Mode, &Captured);
    if (NT_SUCCESS(Status))
        Status = ObReferenceObjectByHandle(SignalHandle, 0, NULL, Mode, &Signal, &Information);
    if (!NT_SUCCESS(Status))
        return Status;

    Status = ObpReferenceForWait(WaitHandle, Mode, &Object, &WaitObject);
    if (NT_SUCCESS(Status)) {
        Status = ObpSignal(Signal, Information.GrantedAccess, Mode);
        if (NT_SUCCESS(Status))
            Status = ObpWaitForOne(WaitObject, Mode, Alertable, Timeout ? &Captured : NULL);
        ObDereferenceObject(Object);
    }
    ObDereferenceObject(Signal);
    return Status;
}
