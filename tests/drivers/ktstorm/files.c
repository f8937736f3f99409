/*
 * Files closed against cancellation of what is outstanding on them, filters attached and detached
 * against calls.
 */
#include "ktstorm.h"

#define READS           8
#define FILES           16
#define ROUNDS          1600
#define REQUESTS        (ROUNDS * FILES * READS)
#define CALLS           200000
#define ATTACHES        10000

typedef NTSTATUS NTAPI CANCEL_EX(HANDLE File, PIO_STATUS_BLOCK Request, PIO_STATUS_BLOCK Iosb);

static HANDLE        KtFiles[FILES];
static KEVENT        KtPended, KtClosed;
static volatile LONG KtDone, KtAttached;
static CANCEL_EX    *KtCancelEx;

/* ---- close against cancel ---- */

/* From the other end in every other round, so that the two meet. */
static VOID
CloseOften(VOID)
{
    for (ULONG Round = 0; Round < ROUNDS; Round++) {
        KeWaitForSingleObject(&KtPended, Executive, KernelMode, FALSE, NULL);
        for (ULONG Index = 0; Index < FILES; Index++)
            EXPECT_HERE(ZwClose(KtFiles[Round % 2 ? FILES - 1 - Index : Index]) == STATUS_SUCCESS);
        KeSetEvent(&KtClosed, 0, FALSE);
    }
}

static VOID
PendOn(PHANDLE File, PIO_STATUS_BLOCK Iosb)
{
    static UCHAR  Byte;
    LARGE_INTEGER Zero = { .QuadPart = 0 };

    EXPECT_HERE(KtOpen(DEVICE_NAME, 0, File) == STATUS_SUCCESS);
    for (ULONG Index = 0; Index < READS; Index++) {
        Iosb[Index].Status = STATUS_PENDING;
        EXPECT_HERE(ZwReadFile(*File, NULL, NULL, NULL, &Iosb[Index], &Byte, 1, &Zero, NULL)
                    == STATUS_PENDING);
    }
}

/* A request is cancelled by its own thread, so this one makes them; the handle may be gone. */
static VOID
PendAndCancelOften(VOID)
{
    static IO_STATUS_BLOCK Iosb[FILES * READS];
    IO_STATUS_BLOCK        Result;

    for (ULONG Round = 0; Round < ROUNDS; Round++) {
        for (ULONG Index = 0; Index < FILES; Index++)
            PendOn(&KtFiles[Index], &Iosb[Index * READS]);
        KeSetEvent(&KtPended, Round & 2, FALSE);            // with a boost it runs at once
        for (ULONG Index = 0; Index < FILES; Index++)
            KtCancelEx(KtFiles[Index], NULL, &Result);
        KeWaitForSingleObject(&KtClosed, Executive, KernelMode, FALSE, NULL);
        for (ULONG Index = 0; Index < FILES * READS; Index++)
            while (*(volatile NTSTATUS *)&Iosb[Index].Status != STATUS_CANCELLED)
                ZwYieldExecution();
    }
}

VOID
KtCloseAgainstCancel(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"ZwCancelIoFileEx");
    LONG           Before = KtCancelled;

    KtCleaned = 0;
    KtCancelEx = (CANCEL_EX *)MmGetSystemRoutineAddress(&Name);
    EXPECT_HERE(KtCancelEx != NULL);
    if (KtCancelEx == NULL)
        return;
    KeInitializeEvent(&KtPended, SynchronizationEvent, FALSE);
    KeInitializeEvent(&KtClosed, SynchronizationEvent, FALSE);
    KtBoth(CloseOften, PendAndCancelOften);
    DbgPrint("ktstorm: %d of %d reads were ended by CLEANUP, the others cancelled\n", KtCleaned,
             REQUESTS);
    EXPECT_HERE(KtCancelled == Before + REQUESTS);
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
        KtAttached++;
    }
}

VOID
KtAttachAgainstCall(VOID)
{
    KtDone = FALSE;
    KtFiltered = KtAttached = 0;
    KtBoth(CallOften, AttachOften);
    DbgPrint("ktstorm: %d of %d calls went through the filter, attached %d times\n", KtFiltered,
             CALLS, KtAttached);
    EXPECT_HERE(KtFiltered > 0 && KtDevice->AttachedDevice == NULL);
}
