/*
 * What xfer.sys, a driver for tests, is asked by programs. Its three devices, \\.\XferBuffered,
 * \\.\XferDirect and \\.\XferNeither, differ only in how reads and writes travel.
 *
 * Reads give XFER_PATTERN of the offset; writes must carry it (STATUS_DATA_ERROR). Each control
 * function exists with every method.
 */
#pragma once

#define XFER_PATTERN(Offset)    ((UCHAR)((Offset) * 7 + 3))
#define XFER_CODE(Function, Method) CTL_CODE(0x8123, 0x800 + (Function), (Method), FILE_ANY_ACCESS)

#define XFER_ECHO       0   // output byte = ~input byte; Information is the shorter length
#define XFER_END        1   // ends at once as XFER_ENDING says
#define XFER_PEND       2   // pended until XFER_RELEASE, or cancelled
#define XFER_RELEASE    3   // ends all that is pended as XFER_ENDING says; Information: how many
#define XFER_QUERY      4   // output: XFER_COUNTS of the device
#define XFER_POKE       5   // writes the input to the start of every pended request's MDL
#define XFER_PEND_MARK  6   // completes at once, but with the IRP marked pending

typedef struct _XFER_ENDING {
    LONG    Status;
    ULONG   Information;
} XFER_ENDING, *PXFER_ENDING;

typedef struct _XFER_COUNTS {
    LONG    Creates, Cleanups, Closes, Pended;
    ULONG64 CleanupThread, CloseThread;
    LONG    CleanupOrder, CloseOrder;       // of the last ones, counted together
    ULONG64 LastOffset;                     // of the last read or write
    ULONG   LastKey, LastLength;
} XFER_COUNTS, *PXFER_COUNTS;
