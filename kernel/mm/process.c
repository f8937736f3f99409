/*
 * Address spaces of processes.
 *
 * A process has a PML4 of its own whose upper half is a copy of the system's, for the entries
 * there never change. The lower half starts with one page: the shared user data, read-only at
 * 0x7FFE0000. Its life: made with the process; emptied by the last thread on its way out, while
 * it still runs in it; the tables go with the process object, when nobody can be attached to it
 * any more.
 */
#include "mm/section.h"

#define MI_USER_SHARED_VA   0x7FFE0000ULL

static NTSTATUS
MiMapSharedUserPage(PMM_PROCESS Mm, PULONG64 Pml4)
{
    ULONG64  Start = MI_USER_SHARED_VA;
    PULONG64 Pte = MiMakePte(Pml4, (PVOID)Start);
    PMMVAD   Vad;
    NTSTATUS Status;

    if (Pte == NULL || !MiChargeUserCommit(1))
        return STATUS_NO_MEMORY;
    ExAcquireFastMutex(&Mm->AddressCreationLock);
    Status = MiReserveLocked(Mm, &Start, PAGE_SIZE, MM_HIGHEST_USER, FALSE, &Vad);
    if (NT_SUCCESS(Status)) {
        Vad->Fixed = TRUE;
        Vad->Protection = MI_READONLY;
        Mm->CommitCharge++;
        MiReferenceFrame(MiSharedUserPage);
        *Pte = PFN_TO_PTE(MiSharedUserPage) | MiUserRights(MI_READONLY) | PTE_COMMITTED |
               ((ULONG64)MI_READONLY << PTE_PROTECT_SHIFT);
    }
    ExReleaseFastMutex(&Mm->AddressCreationLock);
    if (!NT_SUCCESS(Status))
        MiReturnCommit(1);
    return Status;
}

/* *DirectoryTableBase is for CR3. On failure there is nothing to delete. IRQL <= APC_LEVEL. */
NTSTATUS
MmCreateProcessAddressSpace(PMM_PROCESS Mm, PULONG64 DirectoryTableBase)
{
    PFN_NUMBER Pfn;
    PULONG64   Pml4;
    NTSTATUS   Status;

    PAGED_CODE();

    *DirectoryTableBase = 0;
    MiInitializeMm(Mm);
    if (!MiChargeUserCommit(1))
        return STATUS_COMMITMENT_LIMIT;
    Pfn = MiAllocateFrame(TRUE);
    if (Pfn == 0) {
        MiReturnCommit(1);
        return STATUS_NO_MEMORY;
    }
    Pml4 = PFN_TO_VA(Pfn);
    RtlCopyMemory(Pml4 + 256, MiSystemPml4 + 256, PAGE_SIZE / 2);
    Status = MiMapSharedUserPage(Mm, Pml4);
    if (!NT_SUCCESS(Status)) {
        MiFreeUserPageTables(Pml4);
        MiDereferenceFrame(Pfn);
        MiReturnCommit(1);
        return Status;
    }
    *DirectoryTableBase = PFN_TO_PTE(Pfn);
    return STATUS_SUCCESS;
}

/*
 * Frees all user memory of Process, in whose address space the caller runs. No thread of it goes
 * back to user mode.
 */
VOID
MmCleanProcessAddressSpace(PEPROCESS Process)
{
    PMM_PROCESS Mm = &Process->Mm;
    BOOLEAN     Any = FALSE;

    PAGED_CODE();

    if (Mm->VadList.Flink == NULL)
        return;
    ExAcquireFastMutex(&Mm->AddressCreationLock);
    for (PLIST_ENTRY Link = Mm->VadList.Flink; Link != &Mm->VadList; Link = Link->Flink) {
        PMMVAD Vad = CONTAINING_RECORD(Link, MMVAD, Link);

        Any |= MiInvalidateLocked(Vad->Start, Vad->End);
    }
    if (Any)
        KiIpiFlushTb(NULL, TRUE);                   // once for all of it
    while (!IsListEmpty(&Mm->VadList)) {
        PMMVAD Vad = CONTAINING_RECORD(Mm->VadList.Flink, MMVAD, Link);

        if (Vad->Segment != NULL) {
            MiRemoveViewLocked(Mm, Vad);
            continue;
        }
        MiDecommitLocked(Mm, Vad->Start, Vad->End);
        MiRemoveVadLocked(Mm, Vad);
    }
    ExReleaseFastMutex(&Mm->AddressCreationLock);
}

/*
 * Frees the tables. A driver that still holds pages of the process locked is stopped here, for it
 * would write to somebody else's.
 */
VOID
MmDeleteProcessAddressSpace(PEPROCESS Process)
{
    ULONG64  DirectoryTableBase = Process->Pcb.DirectoryTableBase;
    PULONG64 Pml4 = PHYSICAL_TO_VA(DirectoryTableBase);

    if (DirectoryTableBase == 0 || Pml4 == MiSystemPml4)
        return;
    if (Process->Mm.LockedPages != 0)
        KiStopDriver(PROCESS_HAS_LOCKED_PAGES, 0, (ULONG_PTR)Process, Process->Mm.LockedPages, 0,
                     Process->Mm.Locker, "left pages of a process locked that has ended");
    if (!IsListEmpty(&Process->Mm.VadList)) {       // it never ran
        KAPC_STATE ApcState;

        KeStackAttachProcess((PRKPROCESS)&Process->Pcb, &ApcState);
        MmCleanProcessAddressSpace(Process);
        KeUnstackDetachProcess(&ApcState);
    }
    MiFreeUserPageTables(Pml4);
    MiDereferenceFrame(DirectoryTableBase >> PAGE_SHIFT);
    MiReturnCommit(1);
}
