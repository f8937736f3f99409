/*
 * The battery-backed clock: read once at start-up, to know what time it is. It ticks in its own
 * registers, in BCD or binary and in 12 or 24 hours as register B says; a reading counts only if
 * the clock was not being updated and a second reading agrees.
 */
#include "hal/halp.h"

#define CMOS_INDEX          0x70
#define CMOS_DATA           0x71
#define RTC_A_UPDATING      0x80
#define RTC_B_BINARY        0x04
#define RTC_B_24_HOURS      0x02
#define RTC_PM              0x80

#define SECONDS_1601_1970   11644473600LL

typedef struct _HALP_RTC {
    UCHAR Second, Minute, Hour, Day, Month, Year;
} HALP_RTC;

static UCHAR
HalpCmosRead(UCHAR Register)
{
    __outbyte(CMOS_INDEX, Register);
    return __inbyte(CMOS_DATA);
}

static VOID
HalpReadRegisters(HALP_RTC *Rtc)
{
    static const UCHAR Registers[sizeof(HALP_RTC)] = { 0x00, 0x02, 0x04, 0x07, 0x08, 0x09 };

    while (HalpCmosRead(0x0A) & RTC_A_UPDATING)
        YieldProcessor();
    for (ULONG Index = 0; Index < sizeof *Rtc; Index++)
        ((PUCHAR)Rtc)[Index] = HalpCmosRead(Registers[Index]);
}

static UCHAR
HalpFromBcd(UCHAR Value)
{
    return (UCHAR)((Value >> 4) * 10 + (Value & 15));
}

static VOID
HalpNormalize(HALP_RTC *Rtc)
{
    UCHAR Mode = HalpCmosRead(0x0B);
    UCHAR Pm = Rtc->Hour & RTC_PM;

    Rtc->Hour &= (UCHAR)~RTC_PM;
    if (!(Mode & RTC_B_BINARY))
        for (ULONG Index = 0; Index < sizeof *Rtc; Index++)
            ((PUCHAR)Rtc)[Index] = HalpFromBcd(((PUCHAR)Rtc)[Index]);
    if (!(Mode & RTC_B_24_HOURS))
        Rtc->Hour = (UCHAR)(Rtc->Hour % 12 + (Pm ? 12 : 0));
}

/* Days from 1 January 1970; the year begins in March, so that the leap day is its last. */
static LONGLONG
HalpDaysSince1970(LONG Year, LONG Month, LONG Day)
{
    LONG DayOfYear = (153 * ((Month + 9) % 12) + 2) / 5 + Day - 1;

    Year -= Month <= 2;
    return (LONGLONG)Year * 365 + Year / 4 - Year / 100 + Year / 400 + DayOfYear - 719468;
}

VOID
HalpReadClock(PLARGE_INTEGER Time)
{
    HALP_RTC Rtc, Again;
    LONGLONG Seconds;

    HalpReadRegisters(&Again);
    do {
        Rtc = Again;
        HalpReadRegisters(&Again);
    } while (RtlCompareMemory(&Rtc, &Again, sizeof Rtc) != sizeof Rtc);
    HalpNormalize(&Rtc);

    Seconds = HalpDaysSince1970(2000 + Rtc.Year, Rtc.Month, Rtc.Day) * 86400 +
        Rtc.Hour * 3600 + Rtc.Minute * 60 + Rtc.Second;
    Time->QuadPart = (Seconds + SECONDS_1601_1970) * 10000000;
}
