/*
 * Who wants to know of new and ended processes, threads and images: PsSet...NotifyRoutine.
 *
 * A slot is taken and given back by a compare-exchange, so the callers of the routines take no
 * lock. A caller counts itself into the slot before it reads the routine; who removes the routine
 * clears it first and then waits until nobody is counted, so when the removal returns the routine
 * does not run and its driver may go. A routine therefore must not remove itself.
 *
 * The routines are called at PASSIVE_LEVEL in a critical region. Images are drivers, programs and
 * ntdll.dll, which the kernel loads; the other DLLs are read by ntdll.dll in the process itself.
 */
#include "ps/psp.h"

#define PSP_MAXIMUM_NOTIFY 8

typedef struct _PSP_NOTIFY {
    PVOID volatile Routine;
    LONG volatile  Calls;                       // of the routine, or about to see that it is gone
} PSP_NOTIFY, *PPSP_NOTIFY;

static PSP_NOTIFY PspProcessNotify[PSP_MAXIMUM_NOTIFY];
static PSP_NOTIFY PspThreadNotify[PSP_MAXIMUM_NOTIFY];
static PSP_NOTIFY PspImageNotify[PSP_MAXIMUM_NOTIFY];

/* Puts Routine in place of Old in one of the slots; NULL: none has Old. */
static PPSP_NOTIFY
PspReplaceNotify(PPSP_NOTIFY Slots, PVOID Old, PVOID Routine)
{
    for (PPSP_NOTIFY Slot = Slots; Slot < Slots + PSP_MAXIMUM_NOTIFY; Slot++)
        if (InterlockedCompareExchangePointer(&Slot->Routine, Routine, Old) == Old)
            return Slot;
    return NULL;
}

static NTSTATUS
PspRemoveNotify(PPSP_NOTIFY Slots, PVOID Routine, NTSTATUS NotFound)
{
    LARGE_INTEGER Pause = { .QuadPart = -10000 };
    PPSP_NOTIFY   Slot = PspReplaceNotify(Slots, Routine, NULL);

    MAY_BLOCK();

    while (Slot != NULL && Slot->Calls != 0)
        KeDelayExecutionThread(KernelMode, FALSE, &Pause);
    return Slot != NULL ? STATUS_SUCCESS : NotFound;
}

/* All routines take three arguments, each in a register. */
static VOID
PspCallNotify(PPSP_NOTIFY Slots, PVOID First, HANDLE Id, PVOID Last)
{
    for (PPSP_NOTIFY Slot = Slots; Slot < Slots + PSP_MAXIMUM_NOTIFY; Slot++) {
        VOID (NTAPI *Routine)(PVOID, HANDLE, PVOID);

        if (Slot->Routine == NULL)
            continue;
        KeEnterCriticalRegion();
        InterlockedIncrement(&Slot->Calls);
        if ((Routine = Slot->Routine) != NULL)
            Routine(First, Id, Last);
        InterlockedDecrement(&Slot->Calls);
        KeLeaveCriticalRegion();
    }
}

VOID
PspCallProcessNotify(PEPROCESS Process, BOOLEAN Create)
{
    PspCallNotify(PspProcessNotify, Process->InheritedFromUniqueProcessId,
                  Process->UniqueProcessId, (PVOID)(ULONG_PTR)Create);
}

VOID
PspCallThreadNotify(PETHREAD Thread, BOOLEAN Create)
{
    PspCallNotify(PspThreadNotify, Thread->Cid.UniqueProcess, Thread->Cid.UniqueThread,
                  (PVOID)(ULONG_PTR)Create);
}

VOID
PsReportImage(PUNICODE_STRING Name, PEPROCESS Process, PVOID Base, SIZE_T Size)
{
    IMAGE_INFO Information = { .ImageAddressingMode = IMAGE_ADDRESSING_MODE_32BIT,
        .SystemModeImage = Process == NULL, .ImageBase = Base, .ImageSize = Size };

    PspCallNotify(PspImageNotify, Name, Process != NULL ? Process->UniqueProcessId : NULL,
                  &Information);
}

/* STATUS_INVALID_PARAMETER: registered already, not registered, or there is no room. */
NTSTATUS NTAPI
PsSetCreateProcessNotifyRoutine(PCREATE_PROCESS_NOTIFY_ROUTINE Routine, BOOLEAN Remove)
{
    PAGED_CODE();
    if (Remove)
        return PspRemoveNotify(PspProcessNotify, Routine, STATUS_INVALID_PARAMETER);
    return PspReplaceNotify(PspProcessNotify, Routine, Routine) == NULL
        && PspReplaceNotify(PspProcessNotify, NULL, Routine) ? STATUS_SUCCESS
                                                             : STATUS_INVALID_PARAMETER;
}

NTSTATUS NTAPI
PsSetCreateThreadNotifyRoutine(PCREATE_THREAD_NOTIFY_ROUTINE Routine)
{
    PAGED_CODE();
    return PspReplaceNotify(PspThreadNotify, NULL, Routine) != NULL
        ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
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
    return PspReplaceNotify(PspImageNotify, NULL, Routine) != NULL
        ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS NTAPI
PsRemoveLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE Routine)
{
    PAGED_CODE();
    return PspRemoveNotify(PspImageNotify, Routine, STATUS_PROCEDURE_NOT_FOUND);
}
