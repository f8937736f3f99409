/*
 * NtQuerySystemInformation: the processes, each with its threads.
 */
#include "ex/sysinfo.h"

/* One thread; its times are clock ticks times the interval. */
static VOID
ExpDescribeThread(PETHREAD Thread, PSYSTEM_THREAD_INFORMATION Entry)
{
    Entry->KernelTime.QuadPart = (LONGLONG)Thread->Tcb.KernelTime * CLOCK_INTERVAL_100NS;
    Entry->UserTime.QuadPart = (LONGLONG)Thread->Tcb.UserTime * CLOCK_INTERVAL_100NS;
    Entry->CreateTime = Thread->CreateTime;
    Entry->WaitTime = Thread->Tcb.WaitTime;
    Entry->StartAddress = Thread->StartAddress;
    Entry->ClientId = Thread->Cid;
    Entry->Priority = Thread->Tcb.Priority;
    Entry->BasePriority = Thread->Tcb.BasePriority;
    Entry->ContextSwitches = Thread->Tcb.ContextSwitches;
    Entry->ThreadState = Thread->Tcb.State;
    Entry->WaitReason = Thread->Tcb.WaitReason;
}

/*
 * The name's characters follow the threads; the structure points to where they will be for the
 * caller.
 */
static VOID
ExpDescribeName(PEXP_SINK Sink, PEPROCESS Process, PSYSTEM_PROCESS_INFORMATION Entry)
{
    ULONG Length = (ULONG)strnlen(Process->ImageFileName, sizeof Process->ImageFileName), Index;
    PWCH  Name = ExpReserve(Sink, ROUND_UP((Length + 1) * sizeof(WCHAR), 8));

    if (Name == NULL || Entry == NULL || Process == PsInitialSystemProcess)
        return;
    for (Index = 0; Index < Length; Index++)
        Name[Index] = (UCHAR)Process->ImageFileName[Index];
    Entry->ImageName.Length = (USHORT)(Length * sizeof(WCHAR));
    Entry->ImageName.MaximumLength = (USHORT)((Length + 1) * sizeof(WCHAR));
    Entry->ImageName.Buffer = ExpUserAddress(Sink, Name);
}

static VOID
ExpDescribeProcess(PEPROCESS Process, PSYSTEM_PROCESS_INFORMATION Entry)
{
    PHANDLE_TABLE Table = Process->ObjectTable;

    Entry->CreateTime = Process->CreateTime;
    Entry->UserTime.QuadPart = (LONGLONG)Process->Pcb.UserTime * CLOCK_INTERVAL_100NS;
    Entry->KernelTime.QuadPart = (LONGLONG)Process->Pcb.KernelTime * CLOCK_INTERVAL_100NS;
    Entry->BasePriority = Process->Pcb.BasePriority;
    Entry->UniqueProcessId = Process->UniqueProcessId;
    Entry->InheritedFromUniqueProcessId = Process->InheritedFromUniqueProcessId;
    Entry->HandleCount = Table != NULL ? ExGetHandleCount(Table) : 0;
    Entry->PageDirectoryBase = Process->Pcb.DirectoryTableBase;
    Entry->VirtualSize = Process->Mm.VirtualSize;
    Entry->PeakVirtualSize = Process->Mm.PeakVirtualSize;
    Entry->PrivatePageCount = Process->Mm.CommitCharge;
    Entry->WorkingSetSize = Entry->PagefileUsage = Process->Mm.CommitCharge * PAGE_SIZE;
    Entry->PeakWorkingSetSize = Entry->PeakPagefileUsage =
        Process->Mm.PeakCommitCharge * PAGE_SIZE;
    Entry->QuotaPagedPoolUsage = Process->QuotaBlock->Quota[PagedPool].Usage;
    Entry->QuotaPeakPagedPoolUsage = Process->QuotaBlock->Quota[PagedPool].Peak;
    Entry->QuotaNonPagedPoolUsage = Process->QuotaBlock->Quota[NonPagedPool].Usage;
    Entry->QuotaPeakNonPagedPoolUsage = Process->QuotaBlock->Quota[NonPagedPool].Peak;
}

NTSTATUS
ExpCollectProcesses(PEXP_SINK Sink)
{
    PSYSTEM_PROCESS_INFORMATION Entry, Last = NULL;
    PSYSTEM_THREAD_INFORMATION  ThreadEntry;
    PEPROCESS Process = NULL;
    PETHREAD  Thread;
    SIZE_T    Start;

    while ((Process = PsGetNextProcess(Process)) != NULL) {
        if (Process->ObjectTable == NULL)
            continue;                           // it has ended; handles keep it
        Start = Sink->Needed;
        Entry = ExpReserve(Sink, sizeof *Entry);
        if (Entry != NULL)
            ExpDescribeProcess(Process, Entry);
        for (Thread = NULL; (Thread = PsGetNextProcessThread(Process, Thread)) != NULL; ) {
            if (Thread->Tcb.State == Terminated)
                continue;
            ThreadEntry = ExpReserve(Sink, sizeof *ThreadEntry);
            if (ThreadEntry != NULL) {
                ExpDescribeThread(Thread, ThreadEntry);
                Entry->NumberOfThreads++;
            }
        }
        ExpDescribeName(Sink, Process, Entry);
        if (Entry != NULL)
            Entry->NextEntryOffset = (ULONG)(Sink->Needed - Start);
        Last = Entry;
    }
    if (Sink->Needed > Sink->Length)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (Last != NULL)
        Last->NextEntryOffset = 0;
    return STATUS_SUCCESS;
}
