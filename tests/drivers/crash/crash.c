/*
 * Commits one sin, so that a test can see what the kernel makes of it. Which one, the service's
 * name says: the driver is registered under many names that end in the sin's own, crash-null,
 * crash-irql and so on, and commits it in DriverEntry. A sin that goes unpunished fails the load
 * with STATUS_UNSUCCESSFUL.
 */
#include <ntifs.h>

typedef struct _SIN {
    PCWSTR Name;
    VOID (*Commit)(PDRIVER_OBJECT DriverObject);
} SIN;

static volatile ULONG CrashSink;        // written last by each sin: no call in it becomes a jump

static VOID
CrashNull(PDRIVER_OBJECT DriverObject)
{
    CrashSink = *(volatile ULONG *)8;
}

static VOID
CrashNonpagedArea(PDRIVER_OBJECT DriverObject)
{
    CrashSink = *(volatile ULONG *)0xFFFFC0FFFFFF0000ULL;
}

static VOID
CrashIrql(PDRIVER_OBJECT DriverObject)
{
    KIRQL OldIrql;

    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    CrashSink = *(volatile ULONG *)0xFFFFC0FFFFFF0000ULL;
    KeLowerIrql(OldIrql);
}

static VOID
CrashWait(PDRIVER_OBJECT DriverObject)
{
    LARGE_INTEGER Second = { .QuadPart = -10000000 };
    KIRQL         OldIrql;

    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    KeDelayExecutionThread(KernelMode, FALSE, &Second);
    KeLowerIrql(OldIrql);
}

static __attribute__((noinline)) ULONG
CrashRecurse(volatile ULONG *Above)
{
    volatile ULONG Block[256];

    Block[0] = *Above + 1;
    if (Block[0] == 0)
        return 0;
    return CrashRecurse(Block) + Block[0];
}

static VOID
CrashStack(PDRIVER_OBJECT DriverObject)
{
    volatile ULONG Zero = 0;

    CrashSink = CrashRecurse(&Zero);
}

static VOID
CrashDoubleFree(PDRIVER_OBJECT DriverObject)
{
    PVOID Block = ExAllocatePoolWithTag(NonPagedPool, 100, 'hsrC');

    ExFreePoolWithTag(Block, 'hsrC');
    ExFreePoolWithTag(Block, 'hsrC');
    CrashSink = 1;
}

static VOID
CrashRaise(PDRIVER_OBJECT DriverObject)
{
    ExRaiseStatus(STATUS_DATA_ERROR);
    CrashSink = 1;
}

static VOID
CrashReference(PDRIVER_OBJECT DriverObject)
{
    PDEVICE_OBJECT Device;
    ULONG          Count;

    IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    for (Count = 0; Count < 10; Count += 1)
        ObDereferenceObject(Device);
    CrashSink = 1;
}

/*
 * Completes a request twice, with the APC that finishes it held back, as it would be above
 * PASSIVE_LEVEL.
 */
static NTSTATUS NTAPI
CrashCompleteTwice(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KeEnterGuardedRegion();
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    KeLeaveGuardedRegion();
    return STATUS_SUCCESS;
}

static VOID
CrashComplete(PDRIVER_OBJECT DriverObject)
{
    PDEVICE_OBJECT  Device;
    IO_STATUS_BLOCK Iosb;
    KEVENT          Event;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = CrashCompleteTwice;
    IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    IoCallDriver(Device, IoBuildDeviceIoControlRequest(0x222000, Device, NULL, 0, NULL, 0, FALSE,
                                                       &Event, &Iosb));
    CrashSink = 1;
}

static VOID
CrashCall(PDRIVER_OBJECT DriverObject)
{
    PDEVICE_OBJECT Device;
    PIRP           Irp = IoAllocateIrp(1, FALSE);

    IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    IoSetNextIrpStackLocation(Irp);
    IofCallDriver(Device, Irp);
    CrashSink = 1;
}

static VOID
CrashFastFail(PDRIVER_OBJECT DriverObject)
{
    __asm__ __volatile__("int $0x29" : : "c"(3));
}

static VOID
CrashReadOnly(PDRIVER_OBJECT DriverObject)
{
    *(volatile UCHAR *)(ULONG_PTR)CrashReadOnly = 0;
}

static VOID
CrashExecute(PDRIVER_OBJECT DriverObject)
{
    PUCHAR Code = ExAllocatePoolWithTag(NonPagedPool, 16, 'hsrC');

    Code[0] = 0xC3;
    ((VOID (*)(VOID))Code)();
    CrashSink = 1;
}

static VOID
CrashBreak(PDRIVER_OBJECT DriverObject)
{
    DbgBreakPoint();
    CrashSink = 1;
}

static VOID
CrashManual(PDRIVER_OBJECT DriverObject)
{
    KeBugCheckEx(0xE2, 1, 2, 3, 4);
    CrashSink = 1;
}

static const SIN CrashSins[] = {
    { L"null", CrashNull },
    { L"nonpaged", CrashNonpagedArea },
    { L"irql", CrashIrql },
    { L"wait", CrashWait },
    { L"stack", CrashStack },
    { L"free", CrashDoubleFree },
    { L"raise", CrashRaise },
    { L"reference", CrashReference },
    { L"complete", CrashComplete },
    { L"call", CrashCall },
    { L"fastfail", CrashFastFail },
    { L"readonly", CrashReadOnly },
    { L"execute", CrashExecute },
    { L"break", CrashBreak },
    { L"manual", CrashManual },
};

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ULONG Index;

    for (Index = 0; Index < sizeof(CrashSins) / sizeof(CrashSins[0]); Index += 1) {
        UNICODE_STRING Name, Tail = *RegistryPath;

        RtlInitUnicodeString(&Name, CrashSins[Index].Name);
        if (Tail.Length <= Name.Length)
            continue;
        Tail.Buffer += (Tail.Length - Name.Length) / sizeof(WCHAR);
        Tail.Length = Name.Length;
        if (Tail.Buffer[-1] == L'-' && RtlEqualUnicodeString(&Name, &Tail, TRUE))
            CrashSins[Index].Commit(DriverObject);
    }
    return STATUS_UNSUCCESSFUL;
}
