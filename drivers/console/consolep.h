/*
 * Private to console.sys: one CONSOLE for each serial line. Its four files:
 *
 *   console.c   the driver: devices, dispatch routines, control codes, unloading
 *   pump.c      the console's own two IRPs to the serial driver, and the output ring
 *   input.c     what arrives: breaks, typed bytes, reads
 *   edit.c      the line being typed: keys, echo, history
 *
 *   serial --ReadPump--> Typed ring --> edit.c --> Line --> read IRPs
 *   write IRPs, echo --> Output ring --WritePump--> serial
 *
 * One spin lock guards all of a console's state. IRPs are completed and sent only outside it:
 * what has to happen after the lock is dropped is done by ConsoleRun, which every entry point
 * ends in.
 */
#pragma once

#include <ntddk.h>
#include "../common/irpqueue.h"
#include "console.h"

#define CONSOLES            2
#define CONSOLE_LINE        256         // the longest line
#define CONSOLE_TYPED       2048        // input nobody has read yet; a power of two
#define CONSOLE_OUTPUT      4096        // a power of two
#define CONSOLE_ECHO_ROOM   1024        // of which programs leave this much to the echo
#define CONSOLE_HISTORY     16          // lines
#define CONSOLE_CHUNK       256         // bytes a serial request moves at most

/* One IRP of the console's own, sent again and again. */
typedef enum _PUMP_STATE {
    PumpIdle,                           // not sent
    PumpCalling,                        // IoCallDriver has not returned yet
    // IoCallDriver has returned, the IRP is with the serial driver
    PumpSent,
    // completed before IoCallDriver returned: PumpRun goes round again
    PumpAnswered
} PUMP_STATE;

typedef struct _CONSOLE *PCONSOLE;

typedef struct _PUMP {
    /* Set at creation, never changed: */
    PCONSOLE Console;
    UCHAR    Major;                     // IRP_MJ_READ or IRP_MJ_WRITE
    PIRP     Irp;

    /* Owned by whoever moved State out of PumpIdle: */
    UCHAR Buffer[CONSOLE_CHUNK];

    /* Guarded by Console->Lock: */
    PUMP_STATE State;
} PUMP, *PPUMP;

typedef struct _EDIT_LINE {
    UCHAR Bytes[CONSOLE_LINE + 2];      // room for "\r\n"
    ULONG Length, Cursor;               // bytes
} EDIT_LINE, *PEDIT_LINE;

typedef struct _CONSOLE {
    /* Set at creation, never changed: */
    PDEVICE_OBJECT Device, SerialDevice;
    PFILE_OBJECT   SerialFile;
    PUMP           ReadPump, WritePump;

    /* Guarded by Lock: */
    KSPIN_LOCK Lock;
    IRP_QUEUE  Reads, Writes, BreakWaits;   // a write's progress is DriverContext[0] of its IRP
    ULONG      Mode;
    BOOLEAN    BreakTyped;                  // a break not yet told to anybody
    // a wait has been told of a break, which now cancels the reads
    BOOLEAN    CancelReads;
    BOOLEAN    Stopping;                    // being unloaded, or the line failed: no more input
    KEVENT     Stopped;                     // set when, while Stopping, both pumps are idle
    KEVENT     Drained;                     // set while the serial driver has all output

    ULONG  TypedPut, TypedGet;
    UCHAR  Typed[CONSOLE_TYPED];
    ULONG  OutputPut, OutputGet;
    UCHAR  Output[CONSOLE_OUTPUT];
    UCHAR  LastOutput;                      // so that "\r\n" does not become "\r\r\n"

    EDIT_LINE Line;
    BOOLEAN   LineDone;                     // ended, by Enter or as the end of file (Length 0)
    ULONG     LineRead;                     // bytes of a line that is done that were read already
    // 0, or how far into an escape sequence: '\033', '[', or its digit
    UCHAR     Escape;
    BOOLEAN   AfterReturn;                  // a '\n' right after '\r' is the same Enter
    EDIT_LINE History[CONSOLE_HISTORY];
    // lines ever entered; the one shown, HistoryCount for none
    ULONG     HistoryCount, HistoryAt;
} CONSOLE;

/* pump.c */
VOID    PumpInitialize(PPUMP Pump, PCONSOLE Console, UCHAR Major, PIRP Irp);
VOID    ConsoleRun(PCONSOLE Console);
VOID    ConsoleNoteDrainedLocked(PCONSOLE Console);
BOOLEAN ConsoleOutputRoomLocked(PCONSOLE Console, ULONG Room);
VOID    ConsolePutLocked(PCONSOLE Console, UCHAR Byte);
VOID    ConsolePutTextLocked(PCONSOLE Console, PCSTR Text);

/* input.c */
VOID  ConsoleInputLocked(PCONSOLE Console, const UCHAR *Bytes, ULONG Count);
BOOLEAN ConsoleWantsInputLocked(PCONSOLE Console);
VOID  ConsoleFlushLocked(PCONSOLE Console);
VOID  ConsoleServeReads(PCONSOLE Console);
VOID  ConsoleServeBreak(PCONSOLE Console);

/* edit.c */
VOID EditByteLocked(PCONSOLE Console, UCHAR Byte);
VOID EditResetLocked(PCONSOLE Console);

#define WRITTEN(Irp)    (*(PULONG)&(Irp)->Tail.Overlay.DriverContext[0])
