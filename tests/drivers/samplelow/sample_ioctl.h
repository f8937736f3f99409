/* What tsample.exe and samplelow.sys agree on. */
#pragma once

/* Input: handles of the caller, for the debugger to look at. */
#define IOCTL_SAMPLE_STOP CTL_CODE(FILE_DEVICE_UNKNOWN, 0x900, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define SAMPLE_HANDLES    4
