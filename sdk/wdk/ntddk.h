/* What the WDK's ntddk.h has and mingw-w64's has not (see wdm.h). */
#pragma once

#include_next <ntddk.h>

ROUTINE_TYPE(DRIVER_REINITIALIZE);
ROUTINE_TYPE(EXPAND_STACK_CALLOUT);
ROUTINE_TYPE(RTL_RUN_ONCE_INIT_FN);
ROUTINE_TYPE(TIMER_APC_ROUTINE);
