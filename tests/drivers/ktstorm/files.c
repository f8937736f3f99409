/*
 * Files closed against cancellation of what is outstanding on them, filters attached and detached
 * against calls.
 */
#include "ktstorm.h"

#define READS           8
#define CLOSES          25000
#define CALLS           200000
#define ATTACHES        10000

typedef NTSTATUS NTAPI CANCEL_EX(HANDLE File, PIO_STATUS_BLOCK Request, PIO_STATUS_BLOCK Iosb);

static volatile HANDLE KtFile;
static volatile LONG   KtPended, KtClosed;      // the last round in which that was done
static volatile LONG   KtDone, KtAttached;
static CANCEL_EX      *KtCancelEx;

/* ---- close against cancel ---- */

static VOID
Pause(VOID)
{
    if (KeQueryActiveProcessors() == 1)
        ZwYieldExecution();
    else
        YieldProcessor();
}

static VOID
CloseOften(VOID)
{
    for (LONG Round = 1; Round <= CLOSES; Round++) {
        while (KtPended < Round)
            Pause();
        for (LONG Spin = Round % 500; Spin > 0; Spin--)     // now the one is first, now the other
            YieldProcessor();
        EXPECT_HERE(ZwClose(KtFile) == STATUS_SUCCESS);
        KtClosed = Round;
    }
}

/* A request is cancelled by its own thread, so this one makes them; the handle may be gone. */
static VOID
PendAndCancelOften(VOID)
{
    IO_STATUS_BLOCK Iosb[READS], Result;
    LARGE_INTEGER   Zero = { .QuadPart = 0 };
    UCHAR           Byte;
    HANDLE          File;

    for (LONG Round = 1; Round <= CLOSES; Round++) {
        EXPECT_HERE(KtOpen(DEVICE_NAME, 0, &File) == STATUS_SUCCESS);
        for (ULONG Index = 0; Index < READS; Index++) {
            Iosb[Index].Status = STATUS_PENDING;
            EXPECT_HERE(ZwReadFile(File, NULL, NULL, NULL, &Iosb[Index], &Byte, 1, &Zero, NULL)
                        == STATUS_PENDING);
        }
        KtFile = File;
        KtPended = Round;
        KtCancelEx(File, NULL, &Result);
        while (KtClosed < Round)
            Pause();
        for (ULONG Index = 0; Index < READS; Index++)
            while (*(volatile NTSTATUS *)&Iosb[Index].Status != STATUS_CANCELLED)
                Pause();
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
    KtPended = KtClosed = 0;
    KtBoth(CloseOften, PendAndCancelOften);
    DbgPrint("ktstorm: %d of %d reads were ended by CLEANUP, the others cancelled\n", KtCleaned,
             CLOSES * READS);
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
    EXPECT_HERE(KtDevice->ReferenceCount == 0);
}
