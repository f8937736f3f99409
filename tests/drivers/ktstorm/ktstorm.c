/*
 * The driver: its device, its queue, its two helper threads and the list of tests. Each test runs
 * hundreds of thousands of requests and checks that every one ended exactly once.
 */
#include "ktstorm.h"
#include "../ktest.h"

/* A thread that runs one routine after the other, as told. */
typedef struct _HELPER {
    KEVENT     Go, Done;
    KT_ROUTINE Routine;                         // NULL: end
    PKTHREAD   Thread;
} HELPER;

PDRIVER_OBJECT KtDriver;
PDEVICE_OBJECT KtDevice, KtFilter;
IO_CSQ         KtQueue;
volatile LONG  KtCompleted, KtCancelled, KtCleaned, KtFiltered;

static KSPIN_LOCK KtQueueLock;
static LIST_ENTRY KtQueueHead;
static HELPER     KtHelpers[3];

VOID
KtExpectAt(BOOLEAN Holds, PCSTR Condition, ULONG Line)
{
    KtExpect(Holds, Condition, Line);
}

VOID
KtFinish(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

/* ---- the queue ---- */

static NTSTATUS NTAPI
QueueInsert(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    if (Context != NULL)                        // the test asks for a refusal
        return STATUS_DEVICE_BUSY;
    InsertTailList(&KtQueueHead, &Irp->Tail.Overlay.ListEntry);
    return STATUS_SUCCESS;
}

static VOID NTAPI
QueueRemove(PIO_CSQ Csq, PIRP Irp)
{
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

/* Context NULL: any; else those of that file. */
static PIRP NTAPI
QueuePeek(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    PLIST_ENTRY Entry = Irp != NULL ? Irp->Tail.Overlay.ListEntry.Flink : KtQueueHead.Flink;

    for (; Entry != &KtQueueHead; Entry = Entry->Flink) {
        Irp = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry);
        if (Context == NULL || IoGetCurrentIrpStackLocation(Irp)->FileObject == Context)
            return Irp;
    }
    return NULL;
}

static VOID NTAPI
QueueLock(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&KtQueueLock, Irql);
}

static VOID NTAPI
QueueUnlock(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&KtQueueLock, Irql);
}

static VOID NTAPI
QueueCancelled(PIO_CSQ Csq, PIRP Irp)
{
    InterlockedIncrement(&KtCancelled);
    KtFinish(Irp, STATUS_CANCELLED);
}

static NTSTATUS NTAPI
Dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Sp = IoGetCurrentIrpStackLocation(Irp);
    PIRP               Left;
    NTSTATUS           Status;

    if (DeviceObject == KtFilter) {
        InterlockedIncrement(&KtFiltered);
        IoSkipCurrentIrpStackLocation(Irp);
        return IoCallDriver(KtDevice, Irp);
    }
    if (Sp->MajorFunction == IRP_MJ_READ) {
        // the last argument: a context to insert it with
        Status = IoCsqInsertIrpEx(&KtQueue, Irp, Sp->Parameters.Others.Argument4, NULL);
        return Status == STATUS_SUCCESS ? STATUS_PENDING : Status;
    }
    if (Sp->MajorFunction == IRP_MJ_CLEANUP)
        while ((Left = IoCsqRemoveNextIrp(&KtQueue, Sp->FileObject)) != NULL) {
            InterlockedIncrement(&KtCleaned);
            QueueCancelled(&KtQueue, Left);
        }
    KtFinish(Irp, STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

/* ---- helpers ---- */

static VOID NTAPI
HelperThread(PVOID Context)
{
    HELPER *Helper = Context;

    for (;;) {
        KeWaitForSingleObject(&Helper->Go, Executive, KernelMode, FALSE, NULL);
        if (Helper->Routine == NULL)
            return;
        Helper->Routine();
        KeSetEvent(&Helper->Done, 0, FALSE);
    }
}

static VOID
StartHelpers(VOID)
{
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(KtHelpers); Index++) {
        KeInitializeEvent(&KtHelpers[Index].Go, SynchronizationEvent, FALSE);
        KeInitializeEvent(&KtHelpers[Index].Done, SynchronizationEvent, FALSE);
        KtHelpers[Index].Thread = KtStart(HelperThread, &KtHelpers[Index]);
    }
}

static VOID
EndHelpers(VOID)
{
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(KtHelpers); Index++) {
        KtHelpers[Index].Routine = NULL;
        KeSetEvent(&KtHelpers[Index].Go, 0, FALSE);
        KtJoin(KtHelpers[Index].Thread);
    }
}

VOID
KtTogether(const KT_ROUTINE *Routines, ULONG Count)
{
    for (ULONG Index = 0; Index < Count; Index++)
        KtHelpers[Index].Routine = Routines[Index];
    for (ULONG Index = 0; Index < Count; Index++)
        KeSetEvent(&KtHelpers[Index].Go, 0, FALSE);
    for (ULONG Index = 0; Index < Count; Index++)
        EXPECT(KtWait(&KtHelpers[Index].Done, 400000) == STATUS_SUCCESS);
}

VOID
KtBoth(KT_ROUTINE First, KT_ROUTINE Second)
{
    const KT_ROUTINE Routines[] = { First, Second };

    KtTogether(Routines, RTL_NUMBER_OF(Routines));
}

NTSTATUS
KtOpen(PCWSTR Text, ULONG Options, PHANDLE Handle)
{
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK   Iosb;
    UNICODE_STRING    Name;

    RtlInitUnicodeString(&Name, Text);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    return ZwOpenFile(Handle, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &Attributes, &Iosb,
                      FILE_SHARE_READ | FILE_SHARE_WRITE, Options);
}

static const KT_TEST Races[] = {
    { "Cancel against complete: each of 200,000 requests ends once", KtCancelAgainstComplete },
    { "Cancel against removal by context: each of 100,000 requests ends once, and a context whose "
      "request is gone gives none", KtCancelAgainstRemove },
    { "100,000 requests queued at once are cancelled in any order, each in constant time",
      KtManyInAnyOrder },
    { "Close against cancel: each of 200,000 requests ends once, whoever comes first",
      KtCloseAgainstCancel },
    { "Attach against call: each of 200,000 requests takes the one way or the other",
      KtAttachAgainstCall },
    { "Unload against open: an open succeeds whole or fails, and the driver comes back",
      KtUnloadAgainstOpen },
    { "A driver is loaded, opened, stopped and closed ten thousand times", KtTenThousandLoads },
};

/* The next race, and afterwards everything counted is as before. */
static VOID
Race(VOID)
{
    static ULONG Next;

    KtNoteCounts();
    Races[Next++].Routine();
    EXPECT(KtCountsAreBack());
    EXPECT(KtDevice->ReferenceCount == 0);      // a file's last reference may go in the background
}

static VOID
RunRaces(VOID)
{
    KT_TEST Tests[RTL_NUMBER_OF(Races)];

    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Races); Index++)
        Tests[Index] = (KT_TEST){ Races[Index].Sentence, Race };
    KtRun("ktstorm", Tests, RTL_NUMBER_OF(Tests));
}

static VOID NTAPI
Unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(KtFilter);
    IoDeleteDevice(KtDevice);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(DEVICE_NAME);

    KtDriver = DriverObject;
    for (ULONG Major = 0; Major <= IRP_MJ_MAXIMUM_FUNCTION; Major++)
        DriverObject->MajorFunction[Major] = Dispatch;
    DriverObject->DriverUnload = Unload;
    InitializeListHead(&KtQueueHead);
    KeInitializeSpinLock(&KtQueueLock);
    IoCsqInitializeEx(&KtQueue, QueueInsert, QueueRemove, QueuePeek, QueueLock, QueueUnlock,
                      QueueCancelled);
    IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &KtDevice);
    IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &KtFilter);
    KtDevice->Flags &= ~DO_DEVICE_INITIALIZING;         // it is opened before DriverEntry returns
    KtFilter->Flags &= ~DO_DEVICE_INITIALIZING;
    StartHelpers();
    RunRaces();
    EndHelpers();
    return STATUS_SUCCESS;
}
