/* What the sources of tsyncfile share. */
#pragma once

#include "tests/drivers/xfer/client.h"
#include <stdio.h>
#include <string.h>

#define PATH        L"\\??\\XferBuffered\\file"
#define ALERT       FILE_SYNCHRONOUS_IO_ALERT
#define NOALERT     FILE_SYNCHRONOUS_IO_NONALERT
#define READ_WRITE  (FILE_READ_DATA | FILE_WRITE_DATA)

extern HANDLE Control;                          // a file of its own, for asking the driver

/* offsets.c */
void Offsets(void);
void Appending(void);
void Unbuffered(void);

/* waits.c */
void Waits(void);
void Lock(void);
void Events(void);
void Closing(void);
