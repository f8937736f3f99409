/*
 * Serial ports: their time-outs. COMMTIMEOUTS is the driver's SERIAL_TIMEOUTS under another name.
 */
#include "k32.h"
#include <winioctl.h>
#include "drivers/serial/serial_ioctl.h"

BOOL WINAPI
GetCommTimeouts(HANDLE File, LPCOMMTIMEOUTS Timeouts)
{
    DWORD Done;

    return DeviceIoControl(File, IOCTL_SERIAL_GET_TIMEOUTS, NULL, 0, Timeouts, sizeof *Timeouts,
        &Done, NULL);
}

BOOL WINAPI
SetCommTimeouts(HANDLE File, LPCOMMTIMEOUTS Timeouts)
{
    DWORD Done;

    return DeviceIoControl(File, IOCTL_SERIAL_SET_TIMEOUTS, Timeouts, sizeof *Timeouts, NULL, 0,
        &Done, NULL);
}
