/*
 * Traps, interrupts and clocks as a driver sees them: exceptions in kernel mode, IRQL as a gate for
 * interrupts, a device's interrupt from connect to disconnect (the 8254's channel 0, which nobody
 * else uses), SSE registers under interrupts, and the clocks against each other.
 */
#include "../ktest.h"

/* <ntddk.h> hides it on x64. */
NTHALAPI ULONG NTAPI
HalGetInterruptVector(INTERFACE_TYPE InterfaceType, ULONG BusNumber, ULONG BusInterruptLevel,
    ULONG BusInterruptVector, PKIRQL Irql, PKAFFINITY Affinity);

#define PIT_CHANNEL0        0x40
#define PIT_COMMAND         0x43
#define PIT_RATE            0x34                // channel 0, both bytes, mode 2
#define PIT_HERTZ           1193182
#define SECOND              10000000LL

static volatile int Zero;
static char         Order[8];
static ULONG        OrderLength;

static VOID
Note(char Letter)
{
    if (OrderLength < sizeof Order - 1)
        Order[OrderLength++] = Letter;
}

static BOOLEAN
NotedIs(PCSTR Text)
{
    BOOLEAN Same = strcmp(Order, Text) == 0;

    RtlZeroMemory(Order, sizeof Order);
    OrderLength = 0;
    return Same;
}

static VOID
Divide(VOID)
{
    __try {
        Zero = 7 / Zero;
    } __finally {
        Note('f');
    }
}

static VOID
Exceptions(VOID)
{
    KIRQL OldIrql;

    __try {
        Divide();
    } __except (Note('x'), GetExceptionCode() == STATUS_INTEGER_DIVIDE_BY_ZERO) {
        Note('h');
    }
    EXPECT(NotedIs("xfh"));

    __try {
        *(volatile int *)0x10000 = 1;           // the System process has no user memory
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        EXPECT(GetExceptionCode() == STATUS_ACCESS_VIOLATION);
        Note('a');
    }
    EXPECT(NotedIs("a"));

    __try {
        *(volatile int *)0x8000000000000000 = 1;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        EXPECT(GetExceptionCode() == STATUS_ACCESS_VIOLATION);
        Note('g');
    }
    EXPECT(NotedIs("g"));

    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    __try {
        Divide();
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Note('d');
    }
    EXPECT(KeGetCurrentIrql() == DISPATCH_LEVEL);
    KeLowerIrql(OldIrql);
    EXPECT(NotedIs("fd"));
}

static VOID NTAPI
CountDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    InterlockedIncrement((LONG volatile *)Context);
}

static VOID
IrqlIsAGate(VOID)
{
    volatile LONG Ran = 0;
    KDPC          Dpc;
    KIRQL         OldIrql;

    KeInitializeDpc(&Dpc, CountDpc, (PVOID)&Ran);
    KeRaiseIrql(HIGH_LEVEL, &OldIrql);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    EXPECT(Ran == 0);
    KeLowerIrql(DISPATCH_LEVEL);
    KeStallExecutionProcessor(100);
    EXPECT(Ran == 0);
    KeLowerIrql(OldIrql);
    EXPECT(Ran == 1);
}

static volatile LONG PitTicks;
static KIRQL         PitIrql;

static BOOLEAN NTAPI
PitInterrupt(PKINTERRUPT Interrupt, PVOID Context)
{
    UNREFERENCED_PARAMETER(Interrupt);
    if (KeGetCurrentIrql() == PitIrql)
        InterlockedIncrement((LONG volatile *)Context);
    return TRUE;
}

static BOOLEAN NTAPI
ReadTicks(PVOID Context)
{
    EXPECT(KeGetCurrentIrql() == PitIrql);
    *(LONG *)Context = PitTicks;
    KeStallExecutionProcessor(25000);
    EXPECT(PitTicks == *(LONG *)Context);       // kept out meanwhile
    return TRUE;
}

static VOID
StartPit(ULONG Hertz)
{
    ULONG Count = PIT_HERTZ / Hertz;

    WRITE_PORT_UCHAR((PUCHAR)PIT_COMMAND, PIT_RATE);
    WRITE_PORT_UCHAR((PUCHAR)PIT_CHANNEL0, (UCHAR)Count);
    WRITE_PORT_UCHAR((PUCHAR)PIT_CHANNEL0, (UCHAR)(Count >> 8));
}

static VOID
DeviceInterrupt(VOID)
{
    PKINTERRUPT Interrupt, Second;
    KAFFINITY   Affinity;
    ULONG       Vector = HalGetInterruptVector(Isa, 0, 0, 0, &PitIrql, &Affinity);
    LONG        Seen = 0;

    EXPECT(Vector >> 4 == PitIrql && Affinity == KeQueryActiveProcessors());
    EXPECT(IoConnectInterrupt(&Interrupt, PitInterrupt, (PVOID)&PitTicks, NULL, Vector, PitIrql,
        PitIrql, Latched, FALSE, Affinity, FALSE) == STATUS_SUCCESS);
    EXPECT(IoConnectInterrupt(&Second, PitInterrupt, NULL, NULL, Vector, PitIrql, PitIrql, Latched,
        FALSE, Affinity, FALSE) == STATUS_INVALID_PARAMETER);

    StartPit(100);
    KT_AWAIT(PitTicks > 5);
    EXPECT(PitTicks > 5);
    EXPECT(KeSynchronizeExecution(Interrupt, ReadTicks, &Seen));
    IoDisconnectInterrupt(Interrupt);
    Seen = PitTicks;
    KtSleep(50);
    EXPECT(PitTicks == Seen);
}

/* Overwrites what an interrupted driver has in xmm0 to xmm5. */
static VOID NTAPI
SpoilDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    __asm__ __volatile__(
        "pcmpeqd %%xmm0, %%xmm0; pcmpeqd %%xmm1, %%xmm1; pcmpeqd %%xmm2, %%xmm2\n\t"
        "pcmpeqd %%xmm3, %%xmm3; pcmpeqd %%xmm4, %%xmm4; pcmpeqd %%xmm5, %%xmm5" : : : "memory");
    InterlockedIncrement((LONG volatile *)Context);
}

static VOID
VectorRegisters(VOID)
{
    volatile LONG Ran = 0;
    ULONG64       Pattern = 0x0123456789ABCDEF, Sum = 0;
    LARGE_INTEGER Due = KtAfter(10);
    KTIMER        Timer;
    KDPC          Dpc;

    KeInitializeTimerEx(&Timer, SynchronizationTimer);
    KeInitializeDpc(&Dpc, SpoilDpc, (PVOID)&Ran);
    KeSetTimerEx(&Timer, Due, 10, &Dpc);
    __asm__ __volatile__(
        "movq %1, %%xmm0; movq %1, %%xmm1; movq %1, %%xmm2; movq %1, %%xmm3; movq %1, %%xmm4\n\t"
        "movq %1, %%xmm5; movq %1, %%xmm8\n"
        "1: pause; cmpl $5, %2; jl 1b\n\t"
        "paddq %%xmm1, %%xmm0; paddq %%xmm2, %%xmm0; paddq %%xmm3, %%xmm0; paddq %%xmm4, %%xmm0\n\t"
        "paddq %%xmm5, %%xmm0; paddq %%xmm8, %%xmm0; movq %%xmm0, %0"
        : "=&r"(Sum) : "r"(Pattern), "m"(Ran) : "memory", "cc");
    KeCancelTimer(&Timer);
    KeFlushQueuedDpcs();
    EXPECT(Sum == Pattern * 7);
}

/* Whether three clocks agree about half a second. A host that stops between two looks excuses. */
static BOOLEAN
ClocksAgree(VOID)
{
    LARGE_INTEGER Frequency, Start, End, SystemStart, SystemEnd;
    ULONG64       Interrupt;
    LONGLONG      Counted, Passed;

    KeQuerySystemTime(&SystemStart);
    Interrupt = KeQueryInterruptTime();
    Start = KeQueryPerformanceCounter(&Frequency);
    KtSleep(500);
    End = KeQueryPerformanceCounter(NULL);
    Passed = (LONGLONG)(KeQueryInterruptTime() - Interrupt);
    KeQuerySystemTime(&SystemEnd);

    Counted = (End.QuadPart - Start.QuadPart) * 1000 / Frequency.QuadPart * (SECOND / 1000);
    EXPECT(Passed >= SECOND / 2 - SECOND / 50);
    EXPECT(SystemStart.QuadPart > 400LL * 365 * 86400 * SECOND);
    return Counted - Passed < SECOND / 10 && Passed - Counted < SECOND / 10
        && SystemEnd.QuadPart - SystemStart.QuadPart - Passed < SECOND / 10;
}

static VOID
Clocks(VOID)
{
    LARGE_INTEGER Frequency, Start, End;
    BOOLEAN       Agree = FALSE;

    for (ULONG Try = 0; Try < 10 && !Agree; Try++)
        Agree = ClocksAgree();
    EXPECT(Agree);

    KeQueryPerformanceCounter(&Frequency);
    Start = KeQueryPerformanceCounter(NULL);
    KeStallExecutionProcessor(5000);
    End = KeQueryPerformanceCounter(NULL);
    EXPECT((End.QuadPart - Start.QuadPart) * 1000 >= Frequency.QuadPart * 5);
}

static VOID
Processors(VOID)
{
    KAFFINITY Active = KeQueryActiveProcessors();
    ULONG     Number;

    EXPECT(KtProcessors() == (ULONG)KeNumberProcessors);
    for (Number = 0; Number < (ULONG)KeNumberProcessors; Number++) {
        EXPECT(Active >> Number & 1);
        KeSetSystemAffinityThread((KAFFINITY)1 << Number);
        EXPECT(KeGetCurrentProcessorNumber() == Number);
        KtSleep(20);
        EXPECT(KeGetCurrentProcessorNumber() == Number);
    }
    KeRevertToUserAffinityThread();
}

static const KT_TEST Tests[] = {
    { "An exception in kernel mode finds its handler, at the IRQL it happened at", Exceptions },
    { "A DPC waits until IRQL falls below DISPATCH_LEVEL, and no longer", IrqlIsAGate },
    { "A device's interrupt arrives at its IRQL from connect to disconnect", DeviceInterrupt },
    { "Vector registers of a driver survive interrupts and DPCs", VectorRegisters },
    { "The clocks agree, and a stall is as long as it says", Clocks },
    { "A thread can be put on every processor", Processors },
};

static VOID NTAPI
Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = Unload;
    KtRun("kttrap", Tests, RTL_NUMBER_OF(Tests));
    return STATUS_SUCCESS;
}
