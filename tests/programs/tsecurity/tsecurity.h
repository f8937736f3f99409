/*
 * Shared by the parts of tsecurity: what the administrator and the student both do.
 */
#pragma once

#include "sdk/ntsecurity.h"
#include "../../../user/lib/testing.h"
#include <sddl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STUDENT     "S-1-5-21-1970412-3390218-2003-1001"
#define CLOSED      L"\\BaseNamedObjects\\SeClosed"
#define READABLE    L"\\BaseNamedObjects\\SeReadable"

#define EXPECT(What, Wanted)                                                        \
    do {                                                                            \
        NTSTATUS Got = (What);                                                      \
        Expect(Got == (Wanted), "line %d: 0x%08lX", __LINE__, (ULONG)Got);          \
    } while (0)

OBJECT_ATTRIBUTES *Named(PCWSTR Name, PSECURITY_DESCRIPTOR Descriptor);
NTSTATUS OpenEventAs(PCWSTR Name, ACCESS_MASK Access);
HANDLE   MakeEvent(PCWSTR Name, const char *Sddl);
NTSTATUS LoadNothing(BOOL Unload);              // a service that is not there

void     TestKeys(void);                         // keys.c

/* What the student checks: student.c. */
int      Student(char **Arguments);
