/* What the sources of tcancel share. */
#pragma once

#include "sdk/ntapi.h"
#include <winioctl.h>
#include "user/lib/testing.h"
#include "user/lib/census.h"
#include "tests/drivers/hold/hold.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

HANDLE Open(const char *Name, DWORD Flags);
ULONG  Held(HANDLE Hold);                       // requests that hold.sys has
void   ExpectLeft(HANDLE Hold, const CENSUS *Before, ULONG Kept);
int    Part(const char *Name);                  // kept.c: what a test or another program asks for
