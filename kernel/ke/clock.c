/*
 * Time. Every processor's local APIC interrupts it each 10 ms at CLOCK_LEVEL. On each, the tick
 * is charged to the running thread and its quantum; the boot processor also moves the system's
 * time on.
 *
 * How far time has come is read from the time stamp counter, not counted in ticks, because an
 * emulator may drop ticks when its host is busy. Times are published in KUSER_SHARED_DATA, where
 * drivers and programs read them without a call:
 *
 *   InterruptTime   100 ns units since start-up
 *   SystemTime      the same added to what the battery clock said at start-up; since 1601
 *   TickCount       InterruptTime in units of 10 ms
 *
 * Only the boot processor writes them, High2Time before the rest and High1Time after, so that a
 * reader who sees both equal has a whole value; on x64 the eight bytes of LowPart and High1Time
 * are also one store.
 */
#include "ke/kip.h"

/* Milliseconds a tick, 24 bits of fraction: GetTickCount is TickCount times this. */
#define TICK_MULTIPLIER     ((ULONG)(CLOCK_INTERVAL_100NS / 10000) << 24)
#define TIME_SHIFT          40

static ULONG64 KiStartTsc;
static ULONG64 KiTimeScale;                     // 100 ns units a count, TIME_SHIFT bits fraction
static ULONG64 KiBootSystemTime;                // system time when InterruptTime was 0

static VOID
KiPublishTime(volatile KSYSTEM_TIME *Time, ULONG64 Value)
{
    Time->High2Time = (LONG)(Value >> 32);
    *(volatile ULONG64 *)&Time->LowPart = Value;
}

static VOID
KiAdvanceTime(VOID)
{
    PKUSER_SHARED_DATA Shared = SharedUserData;
    ULONG64            Elapsed = HalpReadTsc() - KiStartTsc;
    ULONG64            Now = (ULONG64)(((unsigned __int128)Elapsed * KiTimeScale) >> TIME_SHIFT);
    ULONG64            Ticks = Now / CLOCK_INTERVAL_100NS;

    KiPublishTime(&Shared->InterruptTime, Now);
    KiPublishTime(&Shared->SystemTime, KiBootSystemTime + Now);
    KiPublishTime(&Shared->TickCount, Ticks);
    Shared->TickCountLowDeprecated = (ULONG)Ticks;
}

static VOID
KiPublishFeatures(PKUSER_SHARED_DATA Shared)
{
    Shared->ProcessorFeatures[PF_COMPARE_EXCHANGE_DOUBLE] = TRUE;
    Shared->ProcessorFeatures[PF_MMX_INSTRUCTIONS_AVAILABLE] = TRUE;
    Shared->ProcessorFeatures[PF_XMMI_INSTRUCTIONS_AVAILABLE] = TRUE;
    Shared->ProcessorFeatures[PF_XMMI64_INSTRUCTIONS_AVAILABLE] = TRUE;
    Shared->ProcessorFeatures[PF_RDTSC_INSTRUCTION_AVAILABLE] = TRUE;
    Shared->ProcessorFeatures[PF_PAE_ENABLED] = TRUE;
    Shared->ProcessorFeatures[PF_NX_ENABLED] = TRUE;
}

/*
 * Fills the shared page. On the boot processor, once, when mm/ has mapped it and before the clock
 * is started.
 */
VOID
KeInitializeClock(VOID)
{
    static const WCHAR SystemRoot[] = L"\\SystemRoot";
    PKUSER_SHARED_DATA Shared = SharedUserData;
    LARGE_INTEGER      Time;

    HalpReadClock(&Time);
    KiBootSystemTime = Time.QuadPart;
    KiTimeScale = (10000000ULL << TIME_SHIFT) / HalpTscFrequency();
    KiStartTsc = HalpReadTsc();

    Shared->TickCountMultiplier = TICK_MULTIPLIER;
    Shared->NtMajorVersion = 5;
    Shared->NtMinorVersion = 2;
    Shared->NtProductType = NtProductServer;
    Shared->ProductTypeIsValid = TRUE;
    RtlCopyMemory(Shared->NtSystemRoot, SystemRoot, sizeof SystemRoot);
    KiPublishFeatures(Shared);
    KiAdvanceTime();
}

/* Whose time was it? */
static VOID
KiChargeTick(PKPRCB Prcb, PKTHREAD Thread, PKTRAP_FRAME TrapFrame)
{
    if (TRAP_FROM_USER(TrapFrame)) {
        Prcb->UserTime++;
        Thread->UserTime++;
        InterlockedIncrement((LONG volatile *)&Thread->Process->UserTime);
        return;
    }
    Prcb->KernelTime++;
    if (TrapFrame->PreviousIrql > DISPATCH_LEVEL) {
        Prcb->InterruptTime++;
    } else if (Prcb->DpcRoutineActive) {
        Prcb->DpcTime++;
    } else {
        Thread->KernelTime++;
        InterlockedIncrement((LONG volatile *)&Thread->Process->KernelTime);
    }
}

/* The clock interrupt, CLOCK_LEVEL. */
VOID
KeUpdateSystemTime(PKTRAP_FRAME TrapFrame)
{
    PKPRCB   Prcb = KeGetCurrentPrcb();
    PKTHREAD Thread = Prcb->CurrentThread;
    BOOLEAN  Dispatch = FALSE;

    if (Prcb->Number == 0) {
        KiAdvanceTime();
        if (!Prcb->TimerCheck && KiIsTimerDue(SharedUserData->InterruptTime.LowPart |
            (ULONG64)SharedUserData->InterruptTime.High1Time << 32))
            Prcb->TimerCheck = Dispatch = TRUE;
    }

    KiChargeTick(Prcb, Thread, TrapFrame);
    if (Thread != Prcb->IdleThread && --Thread->Quantum <= 0)
        Prcb->QuantumEnd = Dispatch = TRUE;
    if (Dispatch)
        KiRequestSoftwareInterrupt(DISPATCH_LEVEL);
}

/* 100 ns units a clock tick. */
ULONG NTAPI
KeQueryTimeIncrement(VOID)
{
    return CLOCK_INTERVAL_100NS;
}
