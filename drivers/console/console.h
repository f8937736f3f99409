/*
 * The control codes of \Device\Console0 and \Device\Console1 (\\.\CONSOLE0, \\.\CONSOLE1), for
 * programs and for the driver. Include <windows.h> and <winioctl.h>, or <ntddk.h>, first.
 *
 * A console has a mode, the ENABLE_* bits of <wincon.h>:
 *
 *   ENABLE_LINE_INPUT        reads complete with a line, edited and ended by "\r\n"; without it,
 *                            with what was typed
 *   ENABLE_ECHO_INPUT        what is typed is shown (only while ENABLE_LINE_INPUT is set)
 *   ENABLE_PROCESSED_INPUT   Ctrl-C is a break and not a character
 *
 * All three are set at first. In line mode Ctrl-D or Ctrl-Z at the start of a line ends the file:
 * one read completes successfully with 0 bytes.
 *
 * A break shows "^C" and drops the line and all input typed ahead; it completes the waits, and
 * then every pending read with STATUS_CANCELLED. A break that finds nobody waiting does both when
 * the next wait comes.
 */
#pragma once

#define FILE_DEVICE_ETUDE_CONSOLE   0x8050

#define CONSOLE_CONTROL(Function)   \
    CTL_CODE(FILE_DEVICE_ETUDE_CONSOLE, 0x800 + (Function), METHOD_BUFFERED, FILE_ANY_ACCESS)

#define IOCTL_CONSOLE_GET_MODE      CONSOLE_CONTROL(0)      // out: ULONG
#define IOCTL_CONSOLE_SET_MODE      CONSOLE_CONTROL(1)      // in: ULONG
// completes at the next break; can be cancelled
#define IOCTL_CONSOLE_WAIT_BREAK    CONSOLE_CONTROL(2)
#define IOCTL_CONSOLE_FLUSH_INPUT   CONSOLE_CONTROL(3)      // forgets what was typed and not read

#ifndef ENABLE_LINE_INPUT
#define ENABLE_PROCESSED_INPUT      0x1
#define ENABLE_LINE_INPUT           0x2
#define ENABLE_ECHO_INPUT           0x4
#endif
