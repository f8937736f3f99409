/*
 * <time.h>: seconds since 1970 from the system time (UTC; the zone is UTC too), processor time
 * taken as elapsed time since the process began, and the calendar.
 */
#include "crt.h"

struct tm {
    int tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday, tm_yday, tm_isdst;
};

#define SECONDS_TO_1970     11644473600LL
#define DAY                 86400

static ULONGLONG CrtStartTick;

long long __cdecl
_time64(long long *Result)
{
    FILETIME  Time;
    long long Seconds;

    GetSystemTimeAsFileTime(&Time);
    Seconds = (long long)(((ULONG64)Time.dwHighDateTime << 32 | Time.dwLowDateTime) / 10000000);
    Seconds -= SECONDS_TO_1970;
    if (Result)
        *Result = Seconds;
    return Seconds;
}

long __cdecl
clock(void)
{
    if (CrtStartTick == 0)
        CrtStartTick = GetTickCount64() - 1;
    return (long)(GetTickCount64() - CrtStartTick);
}

double __cdecl
_difftime64(long long Late, long long Early)
{
    return (double)(Late - Early);
}

static int
CrtLeap(int Year)
{
    return (Year % 4 == 0 && Year % 100) || Year % 400 == 0;
}

struct tm * __cdecl
_gmtime64(const long long *Time)
{
    static const char Days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    struct tm        *Fields = (struct tm *)CrtThread()->TimeFields;
    long long         Left = *Time / DAY;
    int               Second = (int)(*Time % DAY), Year = 1970, Month = 0;

    if (*Time < 0)
        return NULL;
    Fields->tm_hour = Second / 3600;
    Fields->tm_min = Second / 60 % 60;
    Fields->tm_sec = Second % 60;
    Fields->tm_wday = (int)((Left + 4) % 7);
    for (; Left >= 365 + CrtLeap(Year); Year++)
        Left -= 365 + CrtLeap(Year);
    Fields->tm_yday = (int)Left;
    for (; Left >= Days[Month] + (Month == 1 && CrtLeap(Year)); Month++)
        Left -= Days[Month] + (Month == 1 && CrtLeap(Year));
    Fields->tm_mday = (int)Left + 1;
    Fields->tm_mon = Month;
    Fields->tm_year = Year - 1900;
    Fields->tm_isdst = 0;
    return Fields;
}

struct tm * __cdecl
_localtime64(const long long *Time)
{
    return _gmtime64(Time);
}
