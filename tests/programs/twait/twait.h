/* What the files of twait share: pipes whose reads and writes wait. */
#pragma once

#include "sdk/ntapi.h"
#include <winioctl.h>
#include "user/lib/testing.h"
#include "drivers/pipe/pipe_ioctl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_BOTH (PIPE_WAIT_READ | PIPE_WAIT_WRITE)

/* Opens \\.\Example\NAME, or whatever Name is if it has a backslash; Waits is what it asks for. */
HANDLE Open(const char *Name, DWORD Access, DWORD Flags, ULONG Waits);
BOOL   Set(HANDLE Pipe, DWORD Code, ULONG Value);
PIPE_TRAFFIC Traffic(HANDLE Pipe);

/* One request in a thread of its own. Start returns when the driver has it in a queue, or it is
 * done; Finish waits for its end and returns its NTSTATUS, Done how many bytes it moved. */
typedef struct _REQUEST {
    HANDLE   Pipe, Thread;
    BOOL     Write;
    PVOID    Data;
    DWORD    Length, Done;
    NTSTATUS Status;
} REQUEST;

void     Start(REQUEST *Request, HANDLE Pipe, BOOL Write, PVOID Data, DWORD Length);
NTSTATUS Finish(REQUEST *Request);

/* Done at once, in this thread. */
NTSTATUS ReadNow(HANDLE Pipe, PVOID Data, DWORD Length, PDWORD Done);
NTSTATUS WriteNow(HANDLE Pipe, const void *Data, DWORD Length, PDWORD Done);

/* Whether the pipe's counters agree: Written = Read + Lost + Held. */
BOOL Balanced(HANDLE Pipe);

void TestMessages(void);
void TestCancel(void);
void TestSecurity(void);
