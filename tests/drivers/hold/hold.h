/*
 * What hold.sys, a driver for tests, is asked by programs through \\.\Hold, besides what hold.c
 * says of files and names.
 */
#pragma once

#define HOLD_CODE(Function) CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (Function), METHOD_BUFFERED, 0)

#define HOLD_COUNT      HOLD_CODE(0)    // output: ULONG, the requests it holds
#define HOLD_REFERENCE  HOLD_CODE(1)    // input: a handle to a file; one reference is kept
#define HOLD_DROP       HOLD_CODE(2)    // drops that reference at DISPATCH_LEVEL
#define HOLD_SHUTDOWN   HOLD_CODE(3)    // IRP_MJ_SHUTDOWN is wanted, and kept like a read
#define HOLD_GUARDED    HOLD_CODE(4)    // sends itself a read and waits for it with APCs disabled
