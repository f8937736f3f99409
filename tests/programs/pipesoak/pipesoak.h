/*
 * What the files of pipesoak share. The parent (pipesoak.c, messages.c, streams.c) starts this
 * program again as clients (clients.c) and kills some of them.
 */
#pragma once

#include "sdk/ntapi.h"
#include <winioctl.h>
#include "user/lib/testing.h"
#include "drivers/pipe/pipe_ioctl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WRITERS     64
#define MAX_READERS     64
#define MESSAGES_EACH   4096                // of a writer, at most
#define MESSAGE_DATA    8192                // bytes of data, at most

typedef struct _MESSAGE {
    ULONG Writer, Sequence, Length;
    ULONG Reserved;
    UCHAR Data[MESSAGE_DATA];
} MESSAGE;

#define MESSAGE_HEAD    FIELD_OFFSET(MESSAGE, Data)

/* What a reader says of each message that was as it should be. */
typedef struct _RECEIPT {
    ULONG Reader, Writer, Sequence;
} RECEIPT;

/* common.c */
HANDLE       OpenPipe(const char *Name, DWORD Access, ULONG Waits);
BOOL         SetPipe(HANDLE Pipe, DWORD Code, ULONG Value);
PIPE_TRAFFIC Traffic(HANDLE Pipe);
ULONG        Random(PULONG Seed);           // 0 to 2^31 - 1
void         Fill(PUCHAR Data, ULONG Length, ULONG64 Seed);
BOOL         IsFilled(const UCHAR *Data, ULONG Length, ULONG64 Seed);
UCHAR        StreamByte(ULONG64 Offset, ULONG Seed);
HANDLE       StartClient(const char *Format, ...);
ULONG        EndOf(HANDLE Client);          // waits; its exit status

/* The parent's rounds: what is carried while clients are killed. */
void SoakMessages(ULONG Megabytes);
void SoakStreams(ULONG Megabytes);

/* clients.c; what they return is their exit status, 0 if everything was as it should be. */
int WriteMessages(ULONG Writer, ULONG Count);
int ReadMessages(ULONG Reader);
int WriteStream(const char *Pipe, ULONG Seed, ULONG Kilobytes);
int ReadStream(const char *Pipe, ULONG Seed);

#define KILLED 77                           // the exit status of a client that was killed
