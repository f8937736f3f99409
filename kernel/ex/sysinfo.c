/*
 * NtQuerySystemInformation: what the system says about itself.
 *
 * Every class is one row of a table: a collector that fills a kernel buffer. A collector is
 * called with an EXP_SINK that counts what it is given even when the buffer is full, so one pass
 * gives both the data and the length the caller would have needed; the service copies to the
 * caller afterwards. Collectors never see user memory.
 */
#include "ex/sysinfo.h"

#define EXP_TAG_SYSINFO     'sysE'
#define EXP_MAXIMUM_INFORMATION (64 * 1024 * 1024)

typedef struct _EXP_CLASS {
    ULONG     Class;
    NTSTATUS (*Collect)(PEXP_SINK Sink);
} EXP_CLASS;

PVOID
ExpReserve(PEXP_SINK Sink, SIZE_T Length)
{
    SIZE_T Offset = Sink->Needed;

    Sink->Needed += Length;
    if (Sink->Needed > Sink->Length)
        return NULL;
    RtlZeroMemory(Sink->Buffer + Offset, Length);
    return Sink->Buffer + Offset;
}

PVOID
ExpUserAddress(PEXP_SINK Sink, PVOID Address)
{
    return Sink->User + ((PUCHAR)Address - Sink->Buffer);
}

static NTSTATUS
ExpCollectBasic(PEXP_SINK Sink)
{
    PSYSTEM_BASIC_INFORMATION Basic = ExpReserve(Sink, sizeof *Basic);

    if (Basic == NULL)
        return STATUS_INFO_LENGTH_MISMATCH;
    Basic->TimerResolution = CLOCK_INTERVAL_100NS;
    Basic->PageSize = PAGE_SIZE;
    Basic->NumberOfPhysicalPages = (ULONG)MmNumberOfPhysicalPages;
    Basic->AllocationGranularity = 0x10000;
    Basic->MinimumUserModeAddress = MM_LOWEST_USER;
    Basic->MaximumUserModeAddress = MM_HIGHEST_USER;
    Basic->ActiveProcessorsAffinityMask = KeQueryActiveProcessors();
    Basic->NumberOfProcessors = KeNumberProcessors;
    return STATUS_SUCCESS;
}

static NTSTATUS
ExpCollectTimeOfDay(PEXP_SINK Sink)
{
    PSYSTEM_TIMEOFDAY_INFORMATION Time = ExpReserve(Sink, sizeof *Time);

    if (Time == NULL)
        return STATUS_INFO_LENGTH_MISMATCH;
    KeQuerySystemTime(&Time->CurrentTime);
    Time->BootTime.QuadPart = Time->CurrentTime.QuadPart - KeQueryInterruptTime();
    return STATUS_SUCCESS;
}

static NTSTATUS
ExpCollectModules(PEXP_SINK Sink)
{
    PRTL_PROCESS_MODULES            Header = ExpReserve(Sink,
        FIELD_OFFSET(RTL_PROCESS_MODULES, Modules));
    PRTL_PROCESS_MODULE_INFORMATION Module;
    PKLDR_DATA_TABLE_ENTRY          Entry;
    PLIST_ENTRY                     Link;
    ULONG                           Count = 0, Index, Characters;

    for (Link = PsLoadedModuleList.Flink; Link != &PsLoadedModuleList;
         Link = Link->Flink, Count++) {
        Entry = CONTAINING_RECORD(Link, KLDR_DATA_TABLE_ENTRY, InLoadOrderLinks);
        Module = ExpReserve(Sink, sizeof *Module);
        if (Module == NULL)
            continue;
        Module->ImageBase = Entry->DllBase;
        Module->ImageSize = Entry->SizeOfImage;
        Module->Flags = Entry->Flags;
        Module->LoadOrderIndex = (USHORT)Count;
        Module->LoadCount = (USHORT)Entry->LoadCount;
        Characters = min(Entry->FullDllName.Length / sizeof(WCHAR),
                         sizeof Module->FullPathName - 1);
        for (Index = 0; Index < Characters; Index++) {
            Module->FullPathName[Index] = (CHAR)Entry->FullDllName.Buffer[Index];
            if (Module->FullPathName[Index] == '\\')
                Module->OffsetToFileName = (USHORT)(Index + 1);
        }
    }
    if (Sink->Needed > Sink->Length)
        return STATUS_INFO_LENGTH_MISMATCH;
    Header->NumberOfModules = Count;
    return STATUS_SUCCESS;
}

static NTSTATUS
ExpCollectPoolTags(PEXP_SINK Sink)
{
    PSYSTEM_POOLTAG_INFORMATION Header = ExpReserve(Sink,
        FIELD_OFFSET(SYSTEM_POOLTAG_INFORMATION, TagInfo));
    PSYSTEM_POOLTAG             Tag;
    PPOOL_TRACKER               Tracker;
    ULONG                       Index, Count = 0;

    for (Index = 0; Index < ExpPoolTrackerCount; Index++) {
        Tracker = &ExpPoolTrackers[Index];
        if (Tracker->Tag == 0)
            continue;
        Count++;
        Tag = ExpReserve(Sink, sizeof *Tag);
        if (Tag == NULL)
            continue;
        Tag->TagUlong = Tracker->Tag;
        Tag->PagedAllocs = Tracker->PagedAllocs;
        Tag->PagedFrees = Tracker->PagedFrees;
        Tag->PagedUsed = Tracker->PagedBytes;
        Tag->NonPagedAllocs = Tracker->NonPagedAllocs;
        Tag->NonPagedFrees = Tracker->NonPagedFrees;
        Tag->NonPagedUsed = Tracker->NonPagedBytes;
    }
    if (Sink->Needed > Sink->Length)
        return STATUS_INFO_LENGTH_MISMATCH;
    Header->Count = Count;
    return STATUS_SUCCESS;
}

static NTSTATUS
ExpCollectCommandLine(PEXP_SINK Sink)
{
    PCSTR  Line = KeLoaderBlock->CommandLine;
    SIZE_T Length = strlen(Line) + 1, Index;
    PWCH   Text = ExpReserve(Sink, Length * sizeof(WCHAR));

    if (Text == NULL)
        return STATUS_INFO_LENGTH_MISMATCH;
    for (Index = 0; Index < Length; Index++)
        Text[Index] = (UCHAR)Line[Index];
    return STATUS_SUCCESS;
}

static const EXP_CLASS ExpClasses[] = {
    { EtSystemBasicInformation,     ExpCollectBasic },
    { EtSystemProcessorInformation, ExpCollectProcessor },
    { EtSystemPerformanceInformation, ExpCollectPerformance },
    { EtSystemTimeOfDayInformation, ExpCollectTimeOfDay },
    { EtSystemProcessInformation,   ExpCollectProcesses },
    { EtSystemProcessorTimes,       ExpCollectProcessorTimes },
    { EtSystemFlagsInformation,     ExpCollectFlags },
    { EtSystemModuleInformation,    ExpCollectModules },
    { EtSystemHandleInformation,    ExpCollectHandles },
    { EtSystemObjectInformation,    ExpCollectObjects },
    { EtSystemPoolTagInformation,   ExpCollectPoolTags },
    { EtSystemInterruptInformation, ExpCollectInterrupts },
    { EtSystemKernelDebuggerInformation, ExpCollectDebugger },
    { EtSystemExtendedHandleInformation, ExpCollectExtendedHandles },
    { EtSystemCommandLine,          ExpCollectCommandLine },
};

static const EXP_CLASS *
ExpFindClass(ULONG Class)
{
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(ExpClasses); Index++)
        if (ExpClasses[Index].Class == Class)
            return &ExpClasses[Index];
    return NULL;
}

/* Copies the collected data, or only the length that is needed, to the caller. */
static NTSTATUS
ExpReturnInformation(PEXP_SINK Sink, PVOID Buffer, PULONG ReturnLength, NTSTATUS Status)
{
    __try {
        if (NT_SUCCESS(Status))
            RtlCopyMemory(Buffer, Sink->Buffer, Sink->Needed);
        if (ReturnLength != NULL)
            *ReturnLength = (ULONG)Sink->Needed;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    return Status;
}

/*
 * Documented. STATUS_INVALID_INFO_CLASS for a class that is not in the table;
 * STATUS_INFO_LENGTH_MISMATCH, with *ReturnLength what is needed now, when the buffer is too
 * small.
 */
NTSTATUS NTAPI
NtQuerySystemInformation(ULONG SystemInformationClass, PVOID SystemInformation, ULONG Length,
                         PULONG ReturnLength)
{
    const EXP_CLASS *Class = ExpFindClass(SystemInformationClass);
    EXP_SINK Sink = { .User = SystemInformation, .Length = min(Length, EXP_MAXIMUM_INFORMATION) };
    NTSTATUS Status;

    PAGED_CODE();

    if (Class == NULL)
        return STATUS_INVALID_INFO_CLASS;
    if (ExGetPreviousMode() != KernelMode) {
        __try {
            ProbeForWrite(SystemInformation, Length,
                          Length < sizeof(ULONG) ? 1 : sizeof(ULONG));
            if (ReturnLength != NULL)
                ProbeForWrite(ReturnLength, sizeof(ULONG), sizeof(ULONG));
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            return GetExceptionCode();
        }
    }

    if (Sink.Length != 0) {
        Sink.Buffer = ExAllocatePoolWithTag(PagedPool, Sink.Length, EXP_TAG_SYSINFO);
        if (Sink.Buffer == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = Class->Collect(&Sink);
    Status = ExpReturnInformation(&Sink, SystemInformation, ReturnLength, Status);
    if (Sink.Buffer != NULL)
        ExFreePoolWithTag(Sink.Buffer, EXP_TAG_SYSINFO);
    return Status;
}
