/* What the sources of tfiles share. */
#pragma once

#include "tests/drivers/xfer/client.h"
#include <stdio.h>
#include <string.h>

#define PAGE        0x1000
#define FILL        0xA5
#define AV          STATUS_ACCESS_VIOLATION
#define DISK_FILE   L"\\SystemRoot\\System32\\drivers\\null.sys"
#define DISK_FOLDER L"\\SystemRoot\\System32\\drivers"
#define NO_DRIVER   L"\\??\\XferBuffered\\x"    // a driver that knows of no information

#define FILLED      { { .Status = 0x77777777 }, 77 }    // a status block nobody has written

extern PUCHAR Room;                             // two pages, and nothing behind
extern PUCHAR ReadOnly;                         // a page
extern PVOID  Bad[];                            // BAD of them: aligned, and of no use
#define BAD         8

void FillRoom(void);
/* Whether all of Room from Offset on is as FillRoom left it. */
BOOL IsFilled(ULONG Offset);
/* Whether nobody has written the status block. */
BOOL IsUntold(const IO_STATUS_BLOCK *Iosb);
/* A second handle with Access only; NULL if it cannot be had. */
HANDLE Weaken(HANDLE File, ACCESS_MASK Access);
HANDLE NewEvent(void);

void Classes(void);
void Directories(void);
void Names(void);
void Calls(void);
