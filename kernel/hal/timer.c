/*
 * The clocks of a PC and how fast they run. The 8254's channel 2, whose 1.193182 MHz are known,
 * measures the local APIC's timer and the time stamp counter once at start-up; after that it only
 * beeps. Three rounds of 2 ms are made and the middle one is believed, since an emulated
 * processor may be stopped in the middle of a round.
 *
 * Nothing here is guarded: calibration runs alone, later there are only reads.
 */
#include "hal/halp.h"
#include "ke/ke.h"

#define PIT_FREQUENCY       1193182
#define PIT_CHANNEL2        0x42
#define PIT_COMMAND         0x43
#define PIT_ONE_SHOT        0xB0                // channel 2, both bytes, mode 0
#define PIT_SQUARE_WAVE     0xB6                // channel 2, both bytes, mode 3
#define PIT_LATCH           0x80                // channel 2
#define SPEAKER_PORT        0x61
#define SPEAKER_GATE        0x01
#define SPEAKER_DATA        0x02

#define ROUND_COUNTS        (PIT_FREQUENCY / 500)
#define ROUNDS              3

static ULONG64 HalpTscPerSecond;
static ULONG   HalpApicPerSecond;               // divided by 16

ULONG64
HalpReadTsc(VOID)
{
    return __rdtsc();
}

ULONG64
HalpTscFrequency(VOID)
{
    return HalpTscPerSecond;
}

static VOID
HalpPitLoad(UCHAR Mode, USHORT Count)
{
    __outbyte(PIT_COMMAND, Mode);
    __outbyte(PIT_CHANNEL2, (UCHAR)Count);
    __outbyte(PIT_CHANNEL2, (UCHAR)(Count >> 8));
}

/* Starts channel 2 counting down from 65535, speaker off. */
VOID
HalpPitStart(VOID)
{
    __outbyte(SPEAKER_PORT, (UCHAR)((__inbyte(SPEAKER_PORT) & ~SPEAKER_DATA) | SPEAKER_GATE));
    HalpPitLoad(PIT_ONE_SHOT, 0xFFFF);
}

/* Counts since HalpPitStart. */
ULONG
HalpPitElapsed(VOID)
{
    UCHAR Low;

    __outbyte(PIT_COMMAND, PIT_LATCH);
    Low = __inbyte(PIT_CHANNEL2);
    return (USHORT)(0xFFFF - (Low | __inbyte(PIT_CHANNEL2) << 8));
}

static VOID
HalpMeasure(PULONG64 Tsc, PULONG64 Apic)
{
    ULONG64 TscStart, TscEnd;
    ULONG   ApicStart, ApicEnd, PitStart, PitEnd;

    HalpPitStart();
    HalpWriteApicTimer(0xFFFFFFFF, FALSE);
    PitStart = HalpPitElapsed();
    TscStart = HalpReadTsc();
    ApicStart = HalpReadApicTimer();
    do {
        PitEnd = HalpPitElapsed();
        TscEnd = HalpReadTsc();
        ApicEnd = HalpReadApicTimer();
    } while (PitEnd - PitStart < ROUND_COUNTS);

    *Tsc = (TscEnd - TscStart) * PIT_FREQUENCY / (PitEnd - PitStart);
    *Apic = (ULONG64)(ApicStart - ApicEnd) * PIT_FREQUENCY / (PitEnd - PitStart);
}

static ULONG64
HalpMiddle(ULONG64 Values[ROUNDS])
{
    ULONG64 A = Values[0], B = Values[1], C = Values[2];

    return max(min(A, B), min(max(A, B), C));
}

VOID
HalpCalibrate(VOID)
{
    ULONG64 Tsc[ROUNDS], Apic[ROUNDS];

    for (ULONG Round = 0; Round < ROUNDS; Round++)
        HalpMeasure(&Tsc[Round], &Apic[Round]);
    HalpTscPerSecond = HalpMiddle(Tsc);
    HalpApicPerSecond = (ULONG)HalpMiddle(Apic);
}

/* This processor's clock interrupts, from now on. */
VOID
HalpStartClock(VOID)
{
    HalpWriteApicTimer((ULONG)((ULONG64)HalpApicPerSecond * CLOCK_INTERVAL_100NS / 10000000), TRUE);
}

/* Waits without giving up the processor. Any IRQL. */
VOID NTAPI
KeStallExecutionProcessor(ULONG MicroSeconds)
{
    ULONG64 End = HalpReadTsc() + HalpTscPerSecond * MicroSeconds / 1000000;

    while ((LONG64)(HalpReadTsc() - End) < 0)
        YieldProcessor();
}

/* A counter that never goes back, and how often it counts in a second. Any IRQL. */
LARGE_INTEGER NTAPI
KeQueryPerformanceCounter(PLARGE_INTEGER PerformanceFrequency)
{
    LARGE_INTEGER Counter;

    if (PerformanceFrequency != NULL)
        PerformanceFrequency->QuadPart = (LONGLONG)HalpTscPerSecond;
    Counter.QuadPart = (LONGLONG)HalpReadTsc();
    return Counter;
}

/* Frequency in Hz, 0 for silence. FALSE if the speaker cannot make it. IRQL <= DISPATCH_LEVEL. */
BOOLEAN NTAPI
HalMakeBeep(ULONG Frequency)
{
    UCHAR Speaker = __inbyte(SPEAKER_PORT) & ~(SPEAKER_GATE | SPEAKER_DATA);

    IRQL_AT_MOST(DISPATCH_LEVEL);

    __outbyte(SPEAKER_PORT, Speaker);
    if (Frequency == 0)
        return TRUE;
    if (Frequency > PIT_FREQUENCY || PIT_FREQUENCY / Frequency > 0xFFFF)
        return FALSE;
    HalpPitLoad(PIT_SQUARE_WAVE, (USHORT)(PIT_FREQUENCY / Frequency));
    __outbyte(SPEAKER_PORT, Speaker | SPEAKER_GATE | SPEAKER_DATA);
    return TRUE;
}
