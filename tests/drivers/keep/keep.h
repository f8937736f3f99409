/*
 * What keep.sys, a driver for tests, is asked by programs through \\.\Keep. It writes down what
 * happens to files with a name (\\.\Keep\anything) in a log, and keeps reads of them, whose
 * buffers are MDLs, until it is told to let go: cancelling does not move it.
 */
#pragma once

#define KEEP_CODE(Function) CTL_CODE(0x8124, 0x800 + (Function), METHOD_BUFFERED, FILE_ANY_ACCESS)

#define KEEP_LOG        KEEP_CODE(0)    // output: KEEP_EVENTS, which are forgotten
#define KEEP_REFERENCE  KEEP_CODE(1)    // input: a handle to a file; one reference is kept
#define KEEP_DROP       KEEP_CODE(2)    // drops that reference, in a thread of the system
#define KEEP_RELEASE    KEEP_CODE(3)    // ends every read, with 0x5A in its buffer's first byte
#define KEEP_LOCK       KEEP_CODE(4)    // input: an address; its page is locked, for good

typedef struct _KEEP_EVENT {
    ULONG   Major;                              // IRP_MJ_CREATE, CLEANUP, CLOSE
    ULONG   Serial;                             // of the create
    ULONG64 Thread, Process;
} KEEP_EVENT;

typedef struct _KEEP_EVENTS {
    ULONG      Count;
    KEEP_EVENT Events[12];
} KEEP_EVENTS;
