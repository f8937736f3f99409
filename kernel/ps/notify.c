/*
 * Who wants to know of new and ended processes, threads and images: PsSet...NotifyRoutine.
 *
 * A slot is taken and given back by a compare-exchange, so the callers of the routines take no
 * lock; a routine may still be running on another processor when it is removed, and its driver
 * must not unload in that instant, as on Windows before rundown protection.
 */
#include "ps/psp.h"

#define PSP_MAXIMUM_NOTIFY 8

static PVOID PspProcessNotify[PSP_MAXIMUM_NOTIFY];
static PVOID PspThreadNotify[PSP_MAXIMUM_NOTIFY];
static PVOID PspImageNotify[PSP_MAXIMUM_NOTIFY];

static NTSTATUS
PspAddNotify(PVOID *Slots, PVOID Routine)
{
    ULONG Index;

    for (Index = 0; Index < PSP_MAXIMUM_NOTIFY; Index++)
        if (InterlockedCompareExchangePointer(&Slots[Index], Routine, NULL) == NULL)
            return STATUS_SUCCESS;
    return STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS
PspRemoveNotify(PVOID *Slots, PVOID Routine, NTSTATUS NotFound)
{
    ULONG Index;

    for (Index = 0; Index < PSP_MAXIMUM_NOTIFY; Index++)
        if (InterlockedCompareExchangePointer(&Slots[Index], NULL, Routine) == Routine)
            return STATUS_SUCCESS;
    return NotFound;
}

VOID
PspCallProcessNotify(PEPROCESS Process, BOOLEAN Create)
{
    PCREATE_PROCESS_NOTIFY_ROUTINE Routine;
    ULONG Index;

    for (Index = 0; Index < PSP_MAXIMUM_NOTIFY; Index++)
        if ((Routine = *(PVOID volatile *)&PspProcessNotify[Index]) != NULL)
            Routine(Process->InheritedFromUniqueProcessId, Process->UniqueProcessId, Create);
}

VOID
PspCallThreadNotify(PETHREAD Thread, BOOLEAN Create)
{
    PCREATE_THREAD_NOTIFY_ROUTINE Routine;
    ULONG Index;

    for (Index = 0; Index < PSP_MAXIMUM_NOTIFY; Index++)
        if ((Routine = *(PVOID volatile *)&PspThreadNotify[Index]) != NULL)
            Routine(Thread->Cid.UniqueProcess, Thread->Cid.UniqueThread, Create);
}

VOID
PspCallImageNotify(PUNICODE_STRING Name, HANDLE ProcessId, PIMAGE_INFO Information)
{
    PLOAD_IMAGE_NOTIFY_ROUTINE Routine;
    ULONG Index;

    for (Index = 0; Index < PSP_MAXIMUM_NOTIFY; Index++)
        if ((Routine = *(PVOID volatile *)&PspImageNotify[Index]) != NULL)
            Routine(Name, ProcessId, Information);
}

NTSTATUS NTAPI
PsSetCreateProcessNotifyRoutine(PCREATE_PROCESS_NOTIFY_ROUTINE Routine, BOOLEAN Remove)
{
    PAGED_CODE();
    return Remove ? PspRemoveNotify(PspProcessNotify, Routine, STATUS_INVALID_PARAMETER)
                  : PspAddNotify(PspProcessNotify, Routine);
}

NTSTATUS NTAPI
PsSetCreateThreadNotifyRoutine(PCREATE_THREAD_NOTIFY_ROUTINE Routine)
{
    PAGED_CODE();
    return PspAddNotify(PspThreadNotify, Routine);
}

NTSTATUS NTAPI
PsRemoveCreateThreadNotifyRoutine(PCREATE_THREAD_NOTIFY_ROUTINE Routine)
{
    PAGED_CODE();
    return PspRemoveNotify(PspThreadNotify, Routine, STATUS_PROCEDURE_NOT_FOUND);
}

NTSTATUS NTAPI
PsSetLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE Routine)
{
    PAGED_CODE();
    return PspAddNotify(PspImageNotify, Routine);
}

NTSTATUS NTAPI
PsRemoveLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE Routine)
{
    PAGED_CODE();
    return PspRemoveNotify(PspImageNotify, Routine, STATUS_PROCEDURE_NOT_FOUND);
}
