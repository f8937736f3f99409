/*
 * Files against cancellation, filters against calls, unloading against opening, and ten thousand
 * loads of another driver (null.sys).
 */
#include "ktstorm.h"

#define NULL_SERVICE    L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\null"
#define READS           8
#define CLOSES          4000
#define CALLS           30000
#define ATTACHES        2000
#define RELOADS         100
#define LOADS           10000
#define LOADS_SEVERAL   1000                    // where each makes all processors flush
#define POOLTAG_CLASS   22
#define POOLTAG_BYTES   32768

typedef NTSTATUS NTAPI CANCEL_EX(HANDLE File, PIO_STATUS_BLOCK Request, PIO_STATUS_BLOCK Iosb);

NTSYSAPI NTSTATUS NTAPI ZwQuerySystemInformation(ULONG Class, PVOID Buffer, ULONG Length,
                                                 PULONG Returned);

static HANDLE        KtFile;
static CANCEL_EX    *KtCancelEx;
static volatile LONG KtDone, KtOpened, KtRefused;

/* ---- close against cancel ---- */

/* The handle may be gone at any moment. */
static VOID
CancelOften(VOID)
{
    IO_STATUS_BLOCK Iosb;

    while (!KtDone)
        KtCancelEx(KtFile, NULL, &Iosb);
}

static VOID
CloseOften(VOID)
{
    IO_STATUS_BLOCK Iosb[READS];
    LARGE_INTEGER   Zero = { .QuadPart = 0 };
    UCHAR           Byte;
    HANDLE          File;

    for (ULONG Round = 0; Round < CLOSES; Round++) {
        EXPECT_HERE(KtOpen(DEVICE_NAME, 0, &File) == STATUS_SUCCESS);
        KtFile = File;
        for (ULONG Index = 0; Index < READS; Index++) {
            Iosb[Index].Status = STATUS_PENDING;
            EXPECT_HERE(ZwReadFile(File, NULL, NULL, NULL, &Iosb[Index], &Byte, 1, &Zero, NULL)
                        == STATUS_PENDING);
        }
        EXPECT_HERE(ZwClose(File) == STATUS_SUCCESS);
        for (ULONG Index = 0; Index < READS; Index++)
            EXPECT_HERE(*(volatile NTSTATUS *)&Iosb[Index].Status == STATUS_CANCELLED);
    }
    KtDone = TRUE;
}

VOID
KtCloseAgainstCancel(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"ZwCancelIoFileEx");
    LONG           Before = KtCancelled;

    KtCancelEx = (CANCEL_EX *)MmGetSystemRoutineAddress(&Name);
    EXPECT_HERE(KtCancelEx != NULL);
    if (KtCancelEx == NULL)
        return;
    KtDone = FALSE;
    KtBoth(CloseOften, CancelOften);
    EXPECT_HERE(KtCancelled == Before + CLOSES * READS);
    EXPECT_HERE(KtDevice->ReferenceCount == 0);
}

/* ---- attach against call ---- */

static VOID
CallOften(VOID)
{
    IO_STATUS_BLOCK Iosb;
    HANDLE          File;

    EXPECT_HERE(KtOpen(DEVICE_NAME, FILE_SYNCHRONOUS_IO_NONALERT, &File) == STATUS_SUCCESS);
    for (ULONG Round = 0; Round < CALLS; Round++)
        EXPECT_HERE(ZwDeviceIoControlFile(File, NULL, NULL, NULL, &Iosb,
                                          CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED,
                                                   FILE_ANY_ACCESS), NULL, 0, NULL, 0)
                    == STATUS_SUCCESS);
    ZwClose(File);
    KtDone = TRUE;
}

static VOID
AttachOften(VOID)
{
    LARGE_INTEGER Tick = { .QuadPart = -1000 };

    for (ULONG Round = 0; Round < ATTACHES || !KtDone; Round++) {
        EXPECT_HERE(IoAttachDeviceToDeviceStack(KtFilter, KtDevice) == KtDevice);
        EXPECT_HERE(KtFilter->StackSize == KtDevice->StackSize + 1);
        if (Round % 64 == 0)
            KeDelayExecutionThread(KernelMode, FALSE, &Tick);   // requests go through it
        IoDetachDevice(KtDevice);
    }
}

VOID
KtAttachAgainstCall(VOID)
{
    KtDone = FALSE;
    KtFiltered = 0;
    KtBoth(CallOften, AttachOften);
    EXPECT_HERE(KtFiltered > 0 && KtDevice->AttachedDevice == NULL);
    EXPECT_HERE(KtDevice->ReferenceCount == 0);
}

/* ---- unload against open ---- */

static VOID
OpenOften(VOID)
{
    NTSTATUS Status;
    HANDLE   File;

    while (!KtDone) {
        Status = KtOpen(L"\\Device\\Null", FILE_SYNCHRONOUS_IO_NONALERT, &File);
        if (NT_SUCCESS(Status)) {
            KtOpened++;
            EXPECT_HERE(ZwClose(File) == STATUS_SUCCESS);
        } else {
            KtRefused++;
            YieldProcessor();
            EXPECT_HERE(Status == STATUS_NO_SUCH_DEVICE || Status == STATUS_OBJECT_NAME_NOT_FOUND);
        }
    }
}

static VOID
ReloadOften(VOID)
{
    UNICODE_STRING Service = RTL_CONSTANT_STRING(NULL_SERVICE);
    LARGE_INTEGER  Tick = { .QuadPart = -1000 };
    NTSTATUS       Status;

    for (ULONG Round = 0; Round < RELOADS; Round++) {
        Status = ZwUnloadDriver(&Service);
        EXPECT_HERE(Status == STATUS_SUCCESS);
        // while the former one is on its way out, a load is refused; it may take the unload back
        while ((Status = ZwLoadDriver(&Service)) == STATUS_IMAGE_ALREADY_LOADED)
            KeDelayExecutionThread(KernelMode, FALSE, &Tick);
        EXPECT_HERE(Status == STATUS_SUCCESS);
    }
    KtDone = TRUE;
}

VOID
KtUnloadAgainstOpen(VOID)
{
    KtDone = FALSE;
    KtOpened = KtRefused = 0;
    KtBoth(ReloadOften, OpenOften);
    DbgPrint("ktstorm: %d opens, %d refused\n", KtOpened, KtRefused);
    EXPECT_HERE(KtOpened > 0);
}

/* ---- loads ---- */

typedef struct _POOLTAG {
    ULONG  Tag, PagedAllocs, PagedFrees;
    SIZE_T PagedUsed;
    ULONG  NonPagedAllocs, NonPagedFrees;
    SIZE_T NonPagedUsed;
} POOLTAG;

typedef struct _POOLTAG_LIST {
    ULONG   Count;
    POOLTAG Tags[1];
} POOLTAG_LIST;

static POOLTAG_LIST *
Tags(VOID)
{
    POOLTAG_LIST *List = ExAllocatePoolWithTag(NonPagedPool, POOLTAG_BYTES, STORM_TAG);

    EXPECT_HERE(NT_SUCCESS(ZwQuerySystemInformation(POOLTAG_CLASS, List, POOLTAG_BYTES, NULL)));
    return List;
}

static LONG
Blocks(const POOLTAG *Tag)
{
    return (LONG)(Tag->PagedAllocs - Tag->PagedFrees + Tag->NonPagedAllocs - Tag->NonPagedFrees);
}

static VOID
Cycle(VOID)
{
    UNICODE_STRING Service = RTL_CONSTANT_STRING(NULL_SERVICE);
    HANDLE         File;

    EXPECT_HERE(ZwLoadDriver(&Service) == STATUS_SUCCESS);
    EXPECT_HERE(KtOpen(L"\\Device\\Null", FILE_SYNCHRONOUS_IO_NONALERT, &File) == STATUS_SUCCESS);
    EXPECT_HERE(ZwUnloadDriver(&Service) == STATUS_SUCCESS);    // pends
    EXPECT_HERE(ZwClose(File) == STATUS_SUCCESS);               // and is done
}

/* A tag may have a few more blocks than before (other threads go on), but not one a cycle. */
VOID
KtTenThousandLoads(VOID)
{
    UNICODE_STRING Service = RTL_CONSTANT_STRING(NULL_SERVICE);
    ULONG          Loads = KeQueryActiveProcessors() == 1 ? LOADS : LOADS_SEVERAL;
    POOLTAG_LIST  *Before, *After;

    EXPECT_HERE(ZwUnloadDriver(&Service) == STATUS_SUCCESS);
    for (ULONG Round = 0; Round < 100; Round++)                 // caches fill
        Cycle();
    Before = Tags();
    for (ULONG Round = 0; Round < Loads; Round++)
        Cycle();
    After = Tags();
    for (ULONG Index = 0; Index < After->Count; Index++)
        for (ULONG Other = 0; Other < Before->Count; Other++)
            if (After->Tags[Index].Tag == Before->Tags[Other].Tag
                && Blocks(&After->Tags[Index]) > Blocks(&Before->Tags[Other]) + 8) {
                DbgPrint("ktstorm: tag %.4s has %d blocks, had %d\n",
                         (PCSTR)&After->Tags[Index].Tag, Blocks(&After->Tags[Index]),
                         Blocks(&Before->Tags[Other]));
                EXPECT_HERE(!"a pool tag grew");
            }
    ExFreePoolWithTag(Before, STORM_TAG);
    ExFreePoolWithTag(After, STORM_TAG);
    EXPECT_HERE(ZwLoadDriver(&Service) == STATUS_SUCCESS);
}
