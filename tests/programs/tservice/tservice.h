/* What tservice's files share. */
#pragma once

#include "sdk/ntapi.h"
#include "user/lib/testing.h"
#include <winsvc.h>

extern SC_HANDLE Manager;

DWORD StateOf(SC_HANDLE Service);

/* rights.c */
void  Rights(void);
