/*
 * Breaks one rule about memory; which one, the service's name says (badpool-paged, badpool-tag,
 ...). The kernel must stop
 * the machine with the documented code and name this driver; if it does not,
 the load fails with STATUS_UNSUCCESSFUL.
 */
#include <ntifs.h>

#define TAG 'dabK'

typedef struct _SIN {
    PCWSTR Name;
    VOID (*Commit)(VOID);
} SIN;

static VOID
BadPagedAllocation(VOID)
{
    KIRQL OldIrql;

    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    ExAllocatePoolWithTag(PagedPool, 10, TAG);
    KeLowerIrql(OldIrql);
}

static VOID
BadPagedFree(VOID)
{
    PVOID Block = ExAllocatePoolWithTag(PagedPool, 10, TAG);
    KIRQL OldIrql;

    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    ExFreePoolWithTag(Block, TAG);
    KeLowerIrql(OldIrql);
}

static VOID
BadHighIrql(VOID)
{
    KIRQL OldIrql;

    KeRaiseIrql(DISPATCH_LEVEL + 1, &OldIrql);
    ExAllocatePoolWithTag(NonPagedPool, 10, TAG);
    KeLowerIrql(OldIrql);
}

/* Paged pool touched at DISPATCH_LEVEL after the trimmer has been there. */
static VOID
BadTrimmed(VOID)
{
    PUCHAR        Block = ExAllocatePoolWithTag(PagedPool, 2 * PAGE_SIZE, TAG);
    LARGE_INTEGER Seconds = { .QuadPart = -50000000 };
    KIRQL         OldIrql;

    Block[0] = 1;
    KeDelayExecutionThread(KernelMode, FALSE, &Seconds);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    *(volatile UCHAR *)Block += 1;
    KeLowerIrql(OldIrql);
}

static VOID
BadOverrun(VOID)
{
    PUCHAR Block = ExAllocatePoolWithTag(NonPagedPool, 600, TAG);

    ExAllocatePoolWithTag(NonPagedPool, 600, TAG);
    RtlFillMemory(Block, 616, 0xEE);
    ExFreePoolWithTag(Block, TAG);
}

static VOID
BadTag(VOID)
{
    ExFreePoolWithTag(ExAllocatePoolWithTag(NonPagedPool, 10, TAG), 'rehO');
}

static VOID
BadZero(VOID)
{
    ExAllocatePoolWithTag(NonPagedPool, 0, TAG);
}

static VOID
BadDoubleFree(VOID)
{
    PVOID Block = ExAllocatePoolWithTag(PagedPool, 2000, TAG);

    ExFreePoolWithTag(Block, TAG);
    ExFreePoolWithTag(Block, TAG);
}

static VOID
BadDoubleFreeOfPages(VOID)
{
    PVOID Block = ExAllocatePoolWithTag(NonPagedPool, 20000, TAG);

    ExFreePoolWithTag(Block, TAG);
    ExFreePoolWithTag(Block, TAG);
}

static VOID
BadUserAddress(VOID)
{
    ExFreePool((PVOID)0x10000);
}

static VOID
BadForeignAddress(VOID)
{
    ULONG Local[8];

    ExFreePool((PVOID)((ULONG64)Local & ~15ULL));
}

static VOID
BadUnlock(VOID)
{
    ULONG Local = 0;
    PMDL  Mdl = IoAllocateMdl(&Local, sizeof Local, FALSE, FALSE, NULL);

    MmUnlockPages(Mdl);
}

/*
 * The driver is unloaded while its timer still runs: the load fails, and the DPC's code would be
 * gone.
 */
static VOID NTAPI
BadTimerRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
}

static VOID
BadTimer(VOID)
{
    PKTIMER       Timer = ExAllocatePoolWithTag(NonPagedPool, sizeof(KTIMER) + sizeof(KDPC), TAG);
    PKDPC         Dpc = (PKDPC)(Timer + 1);
    LARGE_INTEGER Second = { .QuadPart = -10000000 };

    KeInitializeTimer(Timer);
    KeInitializeDpc(Dpc, BadTimerRoutine, NULL);
    KeSetTimer(Timer, Second, Dpc);
}

/* A part of an MDL that has more pages than there is room for. */
static VOID
BadPartial(VOID)
{
    PUCHAR Block = ExAllocatePoolWithTag(NonPagedPool, 3 * PAGE_SIZE, TAG);
    PMDL   Whole = IoAllocateMdl(Block, 3 * PAGE_SIZE, FALSE, FALSE, NULL);
    PMDL   Part = IoAllocateMdl(Block, PAGE_SIZE, FALSE, FALSE, NULL);

    MmBuildMdlForNonPagedPool(Whole);
    IoBuildPartialMdl(Whole, Part, Block, 2 * PAGE_SIZE);
}

static const SIN Sins[] = {
    { L"paged", BadPagedAllocation }, { L"pagedfree", BadPagedFree }, { L"irql", BadHighIrql },
    { L"trimmed", BadTrimmed }, { L"overrun", BadOverrun }, { L"tag", BadTag }, { L"zero",
    BadZero },
    { L"double", BadDoubleFree }, { L"pages", BadDoubleFreeOfPages }, { L"user", BadUserAddress },
    { L"foreign", BadForeignAddress }, { L"unlock", BadUnlock },
    { L"timer", BadTimer }, { L"partial", BadPartial },
};

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Sins); Index++) {
        UNICODE_STRING Name, Tail = *RegistryPath;

        RtlInitUnicodeString(&Name, Sins[Index].Name);
        if (Name.Length + sizeof(WCHAR) > Tail.Length)
            continue;
        Tail.Buffer += (Tail.Length - Name.Length) / sizeof(WCHAR);
        Tail.Length = Name.Length;
        if (Tail.Buffer[-1] == L'-' && RtlEqualUnicodeString(&Name, &Tail, TRUE)) {
            DbgPrint("badpool: %wZ\n", &Name);
            Sins[Index].Commit();
        }
    }
    return STATUS_UNSUCCESSFUL;
}
