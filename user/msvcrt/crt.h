/*
 * The C library's own declarations. The public ones are mingw-w64's (<stdio.h> and so on) for
 * programs; the files here define what those declare and say it once more, because the headers
 * also define parts inline.
 *
 * The library keeps no lock but one for each stream and one for the list of exit routines; errno
 * and the like are a thread's own (CRT_THREAD).
 */
#pragma once

#include "sdk/ntapi.h"
#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#define EOF         (-1)
#define ENOENT      2
#define EBADF       9
#define ENOMEM      12
#define EACCES      13
#define EEXIST      17
#define EINVAL      22
#define EMFILE      24
#define ENOSPC      28
#define EDOM        33
#define ERANGE      34

#define _IOFBF      0x0000
#define _IOLBF      0x0040
#define _IONBF      0x0004

typedef struct _iobuf {                     // as <stdio.h> shows it
    char *_ptr;                             // next byte to take or to put
    int   _cnt;                             // bytes left to take; 0 while writing
    char *_base;                            // the buffer
    int   _flag;                            // STREAM_*
    int   _file;                            // index in the tables of io.c
    int   _charbuf;                         // a character pushed back, plus 1
    int   _bufsiz;
    char *_tmpfname;
} FILE;

#define STREAM_READ     0x0001
#define STREAM_WRITE    0x0002
#define STREAM_END      0x0010
#define STREAM_ERROR    0x0020
#define STREAM_WRITING  0x0100              // the buffer holds bytes to be written
#define STREAM_BINARY   0x8000
#define STREAM_COUNT    64
#define STREAM_BUFFER   1024

typedef struct _CRT_THREAD {
    int           Errno;
    unsigned long DosErrno;
    unsigned      Seed;
    char         *Token;                    // strtok
    char          Text[64];
    struct tm    *Time;
    int           TimeFields[9];
} CRT_THREAD, *PCRT_THREAD;

extern FILE   _iob[STREAM_COUNT];
extern char  *_acmdln;
extern int    _fmode, _commode;

PCRT_THREAD CrtThread(VOID);
VOID        CrtSetError(VOID);              // errno from GetLastError
BOOL        CrtInitializeThreads(VOID);
VOID        CrtFreeThread(VOID);
VOID        CrtInitializeStreams(VOID);
VOID        CrtFlushAll(VOID);
VOID        CrtRunExitRoutines(VOID);
// under the stream's lock
int         CrtWriteBytes(FILE *Stream, const void *Bytes, size_t Count);
VOID        CrtLock(FILE *Stream);
VOID        CrtUnlock(FILE *Stream);        // also flushes what must not stay
HANDLE      CrtHandle(int File);

#undef  errno
#define errno (CrtThread()->Errno)

/*
 * format.c: Put gets each character; Wide tells that Format is UTF-16. Returns the number of
 * characters.
 */
typedef VOID (*PCRT_PUT)(PVOID Context, WCHAR Character);
int    CrtFormat(PCRT_PUT Put, PVOID Context, const void *Format, BOOL Wide, va_list Arguments);
int    CrtFormatDouble(char *Buffer, double Value, char Conversion, int Precision, BOOL Alternate);
#define CRT_DOUBLE_TEXT 800

void  *malloc(size_t Size);
void  *calloc(size_t Count, size_t Size);
void  *realloc(void *Block, size_t Size);
void   free(void *Block);
void  *memcpy(void *To, const void *From, size_t Size);
void  *memmove(void *To, const void *From, size_t Size);
void  *memset(void *To, int Value, size_t Size);
int    memcmp(const void *A, const void *B, size_t Size);
size_t strlen(const char *Text);
size_t wcslen(const wchar_t *Text);
char  *strcpy(char *To, const char *From);
int    fflush(FILE *Stream);
int    fprintf(FILE *Stream, const char *Format, ...);
int    fputs(const char *Text, FILE *Stream);
DECLSPEC_NORETURN void _exit(int Code);
DECLSPEC_NORETURN void exit(int Code);
int    toupper(int Character);
int    tolower(int Character);
int    isspace(int Character);
int    isdigit(int Character);
