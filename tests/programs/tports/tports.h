/* What the sources of tports share. Port and File are those of the running promise. */
#pragma once

#include "tests/drivers/xfer/client.h"
#include <stdio.h>
#include <string.h>

#define READ_WRITE  (FILE_READ_DATA | FILE_WRITE_DATA)

extern HANDLE          Port, File;
extern IO_STATUS_BLOCK Iosb;                    // of Control

HANDLE   NewPort(ULONG Threads);
HANDLE   OpenWithPort(PCWSTR Path, ULONG_PTR Key);
NTSTATUS Control(ULONG Function, PVOID Context, NTSTATUS Status, ULONG Length);
HANDLE   StartWorker(void);

void Values(void);
void Many(void);
void Requests(void);
void Association(void);
void Concurrency(void);
void Closing(void);
void Race(void);
void Apcs(void);
void StatusBlocks(void);
