/*
 * Loaded modules: the kernel first, then drivers in the order of loading.
 *
 * PsLoadedModuleList is changed under PsLoadedModuleLock. It is also walked without a lock at any
 * IRQL, by everything that has to know whose code an address is: exception dispatch, stack
 * traces, bugchecks. So an entry is linked in by one store, an unlinked entry keeps its own
 * links, and its memory stays: the last MI_UNLOADED_KEPT entries are kept as the list of unloaded
 * drivers, by which a jump into a driver that is gone is told from other faults.
 *
 * An entry and its names are one block of nonpaged pool, tag 'dLmM'; its symbols are another.
 */
#include "mm/mmp.h"
#include "mm/image.h"
#include "rtl/rtl.h"

LIST_ENTRY PsLoadedModuleList = { &PsLoadedModuleList, &PsLoadedModuleList };

static KSPIN_LOCK            PsLoadedModuleLock;
static KLDR_DATA_TABLE_ENTRY MiKernelEntry;
// guarded by PsLoadedModuleLock; read without it
static PKLDR_DATA_TABLE_ENTRY MiUnloaded[MI_UNLOADED_KEPT];
static ULONG                 MiUnloadedNext;

VOID
MiInsertModule(PKLDR_DATA_TABLE_ENTRY Entry)
{
    KIRQL OldIrql;

    KeAcquireSpinLock(&PsLoadedModuleLock, &OldIrql);
    InsertTailList(&PsLoadedModuleList, &Entry->InLoadOrderLinks);
    KeReleaseSpinLock(&PsLoadedModuleLock, OldIrql);
}

/* Takes Entry off the list and keeps it among the unloaded ones. */
VOID
MiRetireModule(PKLDR_DATA_TABLE_ENTRY Entry)
{
    PKLDR_DATA_TABLE_ENTRY Oldest;
    KIRQL                  OldIrql;

    KeAcquireSpinLock(&PsLoadedModuleLock, &OldIrql);
    Entry->InLoadOrderLinks.Blink->Flink = Entry->InLoadOrderLinks.Flink;
    Entry->InLoadOrderLinks.Flink->Blink = Entry->InLoadOrderLinks.Blink;
    Oldest = MiUnloaded[MiUnloadedNext];
    MiUnloaded[MiUnloadedNext] = Entry;
    MiUnloadedNext = (MiUnloadedNext + 1) % MI_UNLOADED_KEPT;
    KeReleaseSpinLock(&PsLoadedModuleLock, OldIrql);

    if (Oldest != NULL)
        ExFreePoolWithTag(Oldest, MI_MODULE_TAG);
}

static BOOLEAN
MiHolds(PKLDR_DATA_TABLE_ENTRY Entry, PVOID Address)
{
    return (ULONG64)Address - (ULONG64)Entry->DllBase < Entry->SizeOfImage;
}

PKLDR_DATA_TABLE_ENTRY
MmFindModule(PVOID Address)
{
    PLIST_ENTRY Link = PsLoadedModuleList.Flink;

    for (; Link != &PsLoadedModuleList; Link = Link->Flink) {
        PKLDR_DATA_TABLE_ENTRY Entry = CONTAINING_RECORD(Link, KLDR_DATA_TABLE_ENTRY,
                                                         InLoadOrderLinks);

        if (MiHolds(Entry, Address))
            return Entry;
    }
    return NULL;
}

/* The driver that was unloaded from where Address is, or NULL. */
PKLDR_DATA_TABLE_ENTRY
MmFindUnloadedModule(PVOID Address)
{
    for (ULONG Index = 0; Index < MI_UNLOADED_KEPT; Index++)
        if (MiUnloaded[Index] != NULL && MiHolds(MiUnloaded[Index], Address))
            return MiUnloaded[Index];
    return NULL;
}

/* The module that answers to Name in an import table; the kernel is the HAL too. */
PKLDR_DATA_TABLE_ENTRY
MiFindModuleByName(PUNICODE_STRING Name)
{
    UNICODE_STRING Hal = RTL_CONSTANT_STRING(L"HAL.dll");
    PLIST_ENTRY    Link = PsLoadedModuleList.Flink;

    if (RtlEqualUnicodeString(Name, &Hal, TRUE))
        return &MiKernelEntry;
    for (; Link != &PsLoadedModuleList; Link = Link->Flink) {
        PKLDR_DATA_TABLE_ENTRY Entry = CONTAINING_RECORD(Link, KLDR_DATA_TABLE_ENTRY,
                                                         InLoadOrderLinks);

        if (RtlEqualUnicodeString(&Entry->BaseDllName, Name, TRUE))
            return Entry;
    }
    return NULL;
}

/*
 * Enters the kernel. Its symbols are read where the loader put the file, which stays there for
 * good.
 */
INIT_CODE VOID
MiInitializeModules(PLOADER_PARAMETER_BLOCK LoaderBlock)
{
    PKLDR_DATA_TABLE_ENTRY Entry = &MiKernelEntry;

    Entry->DllBase = (PVOID)LoaderBlock->KernelBase;
    Entry->SizeOfImage = (ULONG)LoaderBlock->KernelSize;
    Entry->LoadCount = 1;
    RtlInitUnicodeString(&Entry->FullDllName, L"\\SystemRoot\\System32\\ntoskrnl.exe");
    RtlInitUnicodeString(&Entry->BaseDllName, L"ntoskrnl.exe");
    MiDescribeImage(Entry);
    MiFindSymbols(Entry, PHYSICAL_TO_VA(LoaderBlock->KernelFile), LoaderBlock->KernelFileSize);
    MiInsertModule(Entry);
    MiInitializeLoader();
}

/*
 * The address of a routine or variable that the kernel exports, or NULL. PASSIVE_LEVEL.
 */
PVOID NTAPI
MmGetSystemRoutineAddress(PUNICODE_STRING SystemRoutineName)
{
    CHAR  Name[128];
    ULONG Length = SystemRoutineName->Length / sizeof(WCHAR);

    PAGED_CODE();

    if (Length >= sizeof(Name))
        return NULL;
    for (ULONG Index = 0; Index < Length; Index++)
        Name[Index] = SystemRoutineName->Buffer[Index] < 128
            ? (CHAR)SystemRoutineName->Buffer[Index] : '?';
    Name[Length] = '\0';
    return RtlFindExportedRoutineByName(MiKernelEntry.DllBase, Name, NULL);
}

/* For rtl/: whose image is it? */
PVOID
RtlpFindImage(PVOID Pc, PULONG SizeOfImage)
{
    PKLDR_DATA_TABLE_ENTRY Entry = MmFindModule(Pc);

    if (Entry == NULL)
        return NULL;
    *SizeOfImage = Entry->SizeOfImage;
    return Entry->DllBase;
}

/*
 * For rtl/: where the running code's stack lies. Off the thread's stack (a double fault's, start-
 * up's) the current page must do.
 */
BOOLEAN
RtlpGetStackLimits(PULONG64 Low, PULONG64 High)
{
    ULONG64  Here = (ULONG64)__builtin_frame_address(0);
    PKTHREAD Thread = KeGetCurrentThread();

    *Low = ROUND_DOWN(Here, PAGE_SIZE);
    *High = *Low + PAGE_SIZE;
    if (Thread != NULL && Here >= (ULONG64)Thread->StackLimit &&
        Here < (ULONG64)Thread->StackBase) {
        *Low = (ULONG64)Thread->StackLimit;
        *High = (ULONG64)Thread->StackBase;
    }
    return TRUE;
}
