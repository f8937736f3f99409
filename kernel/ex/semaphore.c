/*
 * Semaphore objects: a KSEMAPHORE with a name and handles. A wait takes one from the count or
 * waits until there is one; a release adds, never beyond the limit:
 * STATUS_SEMAPHORE_LIMIT_EXCEEDED, and nothing is added.
 *
 * Releasing wants SEMAPHORE_MODIFY_STATE, the query SEMAPHORE_QUERY_STATE, waiting SYNCHRONIZE.
 */
#include "kernel.h"
#include "ex/exobj.h"

NTSTATUS NTAPI
NtCreateSemaphore(PHANDLE SemaphoreHandle, ACCESS_MASK DesiredAccess,
                  POBJECT_ATTRIBUTES ObjectAttributes, LONG InitialCount,
    LONG MaximumCount)
{
    KPROCESSOR_MODE Mode   = KeGetPreviousMode();
    NTSTATUS        Status = ObProbeHandle(SemaphoreHandle, Mode);
    PKSEMAPHORE     Semaphore;

    PAGED_CODE();

    if (!NT_SUCCESS(Status))
        return Status;
    if (MaximumCount <= 0 || InitialCount < 0 || InitialCount > MaximumCount)
        return STATUS_INVALID_PARAMETER;

    Status = ObCreateObject(Mode, *ExSemaphoreObjectType, ObjectAttributes, Mode, NULL,
                            sizeof(KSEMAPHORE), 0, 0,
                            (PVOID *)&Semaphore);
    if (!NT_SUCCESS(Status))
        return Status;

    KeInitializeSemaphore(Semaphore, InitialCount, MaximumCount);
    return ObInsertService(Semaphore, DesiredAccess, SemaphoreHandle, Mode);
}

NTSTATUS NTAPI
NtOpenSemaphore(PHANDLE SemaphoreHandle, ACCESS_MASK DesiredAccess,
                POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ObOpenService(SemaphoreHandle, DesiredAccess, ObjectAttributes, *ExSemaphoreObjectType,
                         NULL);
}

NTSTATUS NTAPI
NtReleaseSemaphore(HANDLE SemaphoreHandle, LONG ReleaseCount, PLONG PreviousCount)
{
    KPROCESSOR_MODE Mode   = KeGetPreviousMode();
    NTSTATUS        Status = ObProbeOutput(PreviousCount, sizeof(LONG), Mode);
    PKSEMAPHORE     Semaphore;
    LONG            Old    = 0;

    PAGED_CODE();

    if (!NT_SUCCESS(Status))
        return Status;
    if (ReleaseCount <= 0)
        return STATUS_INVALID_PARAMETER;

    Status = ObReferenceObjectByHandle(SemaphoreHandle, SEMAPHORE_MODIFY_STATE,
                                       *ExSemaphoreObjectType, Mode,
                                       (PVOID *)&Semaphore, NULL);
    if (!NT_SUCCESS(Status))
        return Status;

    __try {
        Old = KeReleaseSemaphore(Semaphore, SEMAPHORE_INCREMENT, ReleaseCount, FALSE);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    ObDereferenceObject(Semaphore);
    if (NT_SUCCESS(Status))
        ExpWriteLong(PreviousCount, Old);
    return Status;
}

NTSTATUS NTAPI
NtQuerySemaphore(HANDLE SemaphoreHandle, ULONG Class, PVOID Buffer, ULONG Length,
                 PULONG ReturnLength)
{
    SEMAPHORE_BASIC_INFORMATION Basic;
    PKSEMAPHORE                 Semaphore;
    NTSTATUS                    Status;

    Status = ExpBeginQuery(SemaphoreHandle, SEMAPHORE_QUERY_STATE, *ExSemaphoreObjectType,
                           Class, Length, sizeof Basic, (PVOID *)&Semaphore);
    if (!NT_SUCCESS(Status))
        return Status;

    Basic.CurrentCount = KeReadStateSemaphore(Semaphore);
    Basic.MaximumCount = Semaphore->Limit;
    ObDereferenceObject(Semaphore);
    return ObReturnBytes(Buffer, &Basic, sizeof(Basic), ReturnLength, KeGetPreviousMode());
}
