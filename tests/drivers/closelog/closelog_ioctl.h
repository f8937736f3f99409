/*
 * \\.\CloseLog as its programs see it. A write of a ULONG gives a file its number; a read stays
 * until it is cancelled; any control request reads a CLOSE_LOG and begins a new one.
 */
#pragma once

#define CLOSE_LOG_ENTRIES   128
#define CLOSE_LOG_CANCELLED 0xFFFFFFFF          // a read was

typedef struct _CLOSE_LOG {
    unsigned long Reads;                        // that stay
    unsigned long Count;                        // of entries, also of those that found no room
    unsigned long Entries[CLOSE_LOG_ENTRIES];   // files by number as their last handles closed
} CLOSE_LOG;
