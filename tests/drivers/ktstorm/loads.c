/*
 * Another driver (null.sys) loaded and unloaded: against opens of its device, and ten thousand
 * times in a row.
 */
#include "ktstorm.h"

#define NULL_SERVICE    L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\null"
#define NULL_DEVICE     L"\\Device\\Null"
#define RELOADS         3000
#define OPENS_EACH      8                       // at least, on the average
#define LOADS           10000

static volatile LONG KtDone, KtOpened, KtRefused;
static LONG          KtReloads, KtTakenBack;

/* ---- unload against open ---- */

static VOID
OpenOften(VOID)
{
    NTSTATUS Status;
    HANDLE   File;

    while (!KtDone) {
        Status = KtOpen(NULL_DEVICE, FILE_SYNCHRONOUS_IO_NONALERT, &File);
        if (NT_SUCCESS(Status)) {
            InterlockedIncrement(&KtOpened);
            EXPECT_HERE(ZwClose(File) == STATUS_SUCCESS);
        } else {
            InterlockedIncrement(&KtRefused);
            KeStallExecutionProcessor(10);
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

    for (KtReloads = 0; KtReloads < RELOADS; KtReloads++) {
        while (KtOpened < KtReloads * OPENS_EACH)
            ZwYieldExecution();
        Status = ZwUnloadDriver(&Service);
        EXPECT_HERE(Status == STATUS_SUCCESS);
        // while the former one is on its way out, a load is refused; it may take the unload back
        while ((Status = ZwLoadDriver(&Service)) == STATUS_IMAGE_ALREADY_LOADED) {
            KtTakenBack++;
            KeDelayExecutionThread(KernelMode, FALSE, &Tick);
        }
        EXPECT_HERE(Status == STATUS_SUCCESS);
    }
    KtDone = TRUE;
}

/* Our own file is the only one. */
static VOID
ExpectUnused(VOID)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(NULL_DEVICE);
    PDEVICE_OBJECT Device;
    PFILE_OBJECT   File;

    EXPECT_HERE(IoGetDeviceObjectPointer(&Name, FILE_READ_DATA, &File, &Device)
                == STATUS_SUCCESS);
    EXPECT_HERE(Device->ReferenceCount == 1);
    ObDereferenceObject(File);
    EXPECT_HERE(Device->ReferenceCount == 0);
}

VOID
KtUnloadAgainstOpen(VOID)
{
    static const KT_ROUTINE Routines[] = { ReloadOften, OpenOften, OpenOften };

    KtDone = FALSE;
    KtOpened = KtRefused = KtTakenBack = 0;
    KtTogether(Routines, RTL_NUMBER_OF(Routines));
    DbgPrint("ktstorm: %d unloads (%d loads came while one was under way), %d opens, %d refused\n",
             KtReloads, KtTakenBack, KtOpened, KtRefused);
    ExpectUnused();
}

/* ---- loads ---- */

static VOID
Cycle(VOID)
{
    UNICODE_STRING Service = RTL_CONSTANT_STRING(NULL_SERVICE);
    HANDLE         File;

    EXPECT_HERE(ZwUnloadDriver(&Service) == STATUS_SUCCESS);
    EXPECT_HERE(ZwLoadDriver(&Service) == STATUS_SUCCESS);
    EXPECT_HERE(KtOpen(NULL_DEVICE, FILE_SYNCHRONOUS_IO_NONALERT, &File) == STATUS_SUCCESS);
    EXPECT_HERE(ZwUnloadDriver(&Service) == STATUS_SUCCESS);    // pends
    EXPECT_HERE(KtOpen(NULL_DEVICE, FILE_SYNCHRONOUS_IO_NONALERT, &(HANDLE){ NULL })
                == STATUS_NO_SUCH_DEVICE);
    EXPECT_HERE(ZwClose(File) == STATUS_SUCCESS);               // and is done
    EXPECT_HERE(ZwLoadDriver(&Service) == STATUS_SUCCESS);
}

VOID
KtTenThousandLoads(VOID)
{
    for (ULONG Round = 0; Round < LOADS / 2; Round++)
        Cycle();
    ExpectUnused();
}
