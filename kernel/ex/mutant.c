/*
 * Mutant objects: a KMUTANT with a name and handles; what a program calls a mutex. It is owned by
 * a thread, which may acquire it several times and must release it as often. A thread that ends
 * with one leaves it abandoned, which the next owner is told by STATUS_ABANDONED from its wait.
 *
 * Releasing needs no right, only to be the owner: ke/ raises STATUS_MUTANT_NOT_OWNED otherwise,
 * which becomes the status here.
 */
#include "kernel.h"
#include "ex/exobj.h"

/* The last reference is gone: nobody waits, but its owner may still have it. */
VOID
ExpDeleteMutant(PVOID Object)
{
    PKMUTANT Mutant = Object;

    if (Mutant->Header.SignalState <= 0)
        KeReleaseMutant(Mutant, 0, TRUE, FALSE);
}

NTSTATUS NTAPI
NtCreateMutant(PHANDLE MutantHandle, ACCESS_MASK DesiredAccess,
               POBJECT_ATTRIBUTES ObjectAttributes, BOOLEAN InitialOwner)
{
    KPROCESSOR_MODE Mode   = KeGetPreviousMode();
    NTSTATUS        Status = ObProbeHandle(MutantHandle, Mode);
    PKMUTANT        Mutant;

    PAGED_CODE();

    if (NT_SUCCESS(Status))
        Status = ObCreateObject(Mode, ExMutantObjectType, ObjectAttributes, Mode, NULL,
                                sizeof(KMUTANT), 0, 0,
                                (PVOID *)&Mutant);
    if (!NT_SUCCESS(Status))
        return Status;

    KeInitializeMutant(Mutant, InitialOwner != FALSE);
    return ObInsertService(Mutant, DesiredAccess, MutantHandle, Mode);
}

NTSTATUS NTAPI
NtOpenMutant(PHANDLE MutantHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ObOpenService(MutantHandle, DesiredAccess, ObjectAttributes, ExMutantObjectType, NULL);
}

NTSTATUS NTAPI
NtReleaseMutant(HANDLE MutantHandle, PLONG PreviousCount)
{
    KPROCESSOR_MODE Mode   = KeGetPreviousMode();
    NTSTATUS        Status = ObProbeOutput(PreviousCount, sizeof(LONG), Mode);
    PKMUTANT        Mutant;
    LONG            Old    = 0;

    PAGED_CODE();

    if (NT_SUCCESS(Status))
        Status = ObReferenceObjectByHandle(MutantHandle, 0, ExMutantObjectType, Mode,
                                           (PVOID *)&Mutant, NULL);
    if (!NT_SUCCESS(Status))
        return Status;

    __try {
        Old = KeReleaseMutant(Mutant, 1, FALSE, FALSE);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    ObDereferenceObject(Mutant);
    if (NT_SUCCESS(Status))
        ExpWriteLong(PreviousCount, Old);
    return Status;
}

NTSTATUS NTAPI
NtQueryMutant(HANDLE MutantHandle, ULONG Class, PVOID Buffer, ULONG Length, PULONG ReturnLength)
{
    MUTANT_BASIC_INFORMATION Basic = { 0 };
    PKMUTANT                 Mutant;
    NTSTATUS                 Status;

    Status = ExpBeginQuery(MutantHandle, MUTANT_QUERY_STATE, ExMutantObjectType, Class, Length,
                           sizeof Basic, (PVOID *)&Mutant);
    if (!NT_SUCCESS(Status))
        return Status;

    Basic.CurrentCount   = KeReadStateMutant(Mutant);
    Basic.OwnedByCaller  = Mutant->OwnerThread == KeGetCurrentThread();
    Basic.AbandonedState = Mutant->Abandoned;
    ObDereferenceObject(Mutant);
    return ObReturnBytes(Buffer, &Basic, sizeof(Basic), ReturnLength, KeGetPreviousMode());
}
