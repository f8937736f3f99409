/*
 * Time: 100-nanosecond units since the first of January 1601 (UTC), its fields, and seconds since
 * 1970.
 *
 * Days are counted in the calendar's 400-year periods of 146097 days; counting years from March
 * puts the leap day at the end of a year, where it disturbs nothing. 1601-01-01 was a Monday and
 * lies 306 days after 1600-03-01.
 */
#include "rtlp.h"

#define UNITS_PER_SECOND        10000000LL
#define SECONDS_PER_DAY         86400
#define SECONDS_1601_TO_1970    11644473600LL
#define DAYS_FROM_MARCH_1600    306
#define DAYS_PER_400_YEARS      146097

/* Days from 1600-03-01 to the first day of a month; Year and Month count from March. */
static LONG
RtlpDaysToMonth(LONG Year, LONG Month)
{
    return Year * 365 + Year / 4 - Year / 100 + Year / 400 + (153 * Month + 2) / 5;
}

static BOOLEAN
RtlpIsLeapYear(LONG Year)
{
    return (Year % 4 == 0 && Year % 100 != 0) || Year % 400 == 0;
}

/* The fields of a time that is not negative. Any IRQL. */
VOID NTAPI
RtlTimeToTimeFields(PLARGE_INTEGER Time, PTIME_FIELDS TimeFields)
{
    LONG64 Units = Time->QuadPart > 0 ? Time->QuadPart : 0;
    LONG64 Seconds = Units / UNITS_PER_SECOND;
    LONG   Second = (LONG)(Seconds % SECONDS_PER_DAY);
    LONG   Days = (LONG)(Seconds / SECONDS_PER_DAY);
    LONG   SinceMarch = Days + DAYS_FROM_MARCH_1600;
    LONG   Year = (LONG)(SinceMarch * 400LL / DAYS_PER_400_YEARS);
    LONG   Month;

    while (RtlpDaysToMonth(Year, 0) > SinceMarch)
        Year -= 1;
    while (RtlpDaysToMonth(Year + 1, 0) <= SinceMarch)
        Year += 1;
    SinceMarch -= RtlpDaysToMonth(Year, 0);
    Month = (5 * SinceMarch + 2) / 153;

    TimeFields->Day = (CSHORT)(SinceMarch - (153 * Month + 2) / 5 + 1);
    TimeFields->Month = (CSHORT)(Month < 10 ? Month + 3 : Month - 9);
    TimeFields->Year = (CSHORT)(1600 + Year + (Month >= 10));
    TimeFields->Weekday = (CSHORT)((Days + 1) % 7);
    TimeFields->Hour = (CSHORT)(Second / 3600);
    TimeFields->Minute = (CSHORT)(Second / 60 % 60);
    TimeFields->Second = (CSHORT)(Second % 60);
    TimeFields->Milliseconds = (CSHORT)(Units / 10000 % 1000);
}

/* The reverse, Weekday ignored; FALSE if a field is out of its range. Any IRQL. */
BOOLEAN NTAPI
RtlTimeFieldsToTime(PTIME_FIELDS TimeFields, PLARGE_INTEGER Time)
{
    static const UCHAR Lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    LONG               Year = TimeFields->Year, Month = TimeFields->Month, Last;
    LONG64             Days;

    if (Year < 1601 || Month < 1 || Month > 12)
        return FALSE;
    Last = Lengths[Month - 1] + (Month == 2 && RtlpIsLeapYear(Year));
    if (TimeFields->Day < 1 || TimeFields->Day > Last ||
        (ULONG)TimeFields->Hour > 23 || (ULONG)TimeFields->Minute > 59 ||
        (ULONG)TimeFields->Second > 59 || (ULONG)TimeFields->Milliseconds > 999)
        return FALSE;

    Days = RtlpDaysToMonth(Year - 1600 - (Month < 3), Month < 3 ? Month + 9 : Month - 3) +
           TimeFields->Day - 1 - DAYS_FROM_MARCH_1600;
    Time->QuadPart = (((Days * 24 + TimeFields->Hour) * 60 + TimeFields->Minute) * 60 +
                      TimeFields->Second) * UNITS_PER_SECOND + TimeFields->Milliseconds * 10000LL;
    return TRUE;
}

VOID NTAPI
RtlSecondsSince1970ToTime(ULONG Seconds, PLARGE_INTEGER Time)
{
    Time->QuadPart = (Seconds + SECONDS_1601_TO_1970) * UNITS_PER_SECOND;
}

/* FALSE if Time is before 1970 or after 2106. */
BOOLEAN NTAPI
RtlTimeToSecondsSince1970(PLARGE_INTEGER Time, PULONG Seconds)
{
    LONG64 Value = Time->QuadPart / UNITS_PER_SECOND - SECONDS_1601_TO_1970;

    *Seconds = (ULONG)Value;
    return Value >= 0 && Value <= MAXULONG;
}
