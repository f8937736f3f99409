/* What the sources of topen share. */
#pragma once

#include "tests/drivers/xfer/client.h"
#include <stdio.h>
#include <string.h>

#define DEVICE  L"\\??\\XferBuffered\\file"
#define SHARED  L"\\??\\XferBuffered\\share"    // share access is counted over all of these
#define DISK    L"\\SystemRoot\\System32\\drivers\\null.sys"

#define FILE_SEQUENTIAL_ONLY            0x00000004
#define FILE_NO_INTERMEDIATE_BUFFERING  0x00000008
#define FILE_CREATE_TREE_CONNECTION     0x00000080
#define FILE_COMPLETE_IF_OPLOCKED       0x00000100
#define FILE_RANDOM_ACCESS              0x00000800
#define FILE_OPEN_FOR_BACKUP_INTENT     0x00004000
#define FILE_NO_COMPRESSION             0x00008000
#define FILE_RESERVE_OPFILTER           0x00100000
#define FILE_OPEN_REPARSE_POINT         0x00200000

NTSTATUS OpenStatus(PCWSTR Path, ACCESS_MASK Access, ULONG Share, ULONG Options, PHANDLE File);

void Sharing(void);
void Arguments(void);
void Capture(void);
void PipesAndMailslots(void);
