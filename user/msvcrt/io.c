/*
 * Streams. Each has one buffer that holds either what was read ahead or what is to be written
 * (STREAM_WRITING).
 *
 * Text streams turn "\n" into "\r\n" on the way out and drop the "\r" of "\r\n" on the way in.
 * Standard output is line-buffered, standard error is written out at the end of every call, and a
 * read from standard input first writes out the former, so that a prompt is seen. A read of 0
 * bytes is the end of the file, once: the next read of a console asks again after clearerr, as on
 * Windows.
 *
 * Lock: one critical section a stream, taken by every public routine for its whole length.
 */
#include "crt.h"

FILE                    _iob[STREAM_COUNT];
static HANDLE           CrtHandles[STREAM_COUNT];
static CRITICAL_SECTION CrtLocks[STREAM_COUNT];
static CRITICAL_SECTION CrtTableLock;               // which streams are in use

VOID
CrtInitializeStreams(VOID)
{
    static const DWORD Which[3] = { STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE };
    static const int   Flags[3] = { STREAM_READ, STREAM_WRITE | _IOLBF, STREAM_WRITE | _IONBF };

    InitializeCriticalSection(&CrtTableLock);
    for (int Index = 0; Index < STREAM_COUNT; Index++) {
        InitializeCriticalSection(&CrtLocks[Index]);
        _iob[Index]._file = Index;
    }
    for (int Index = 0; Index < 3; Index++) {
        CrtHandles[Index] = GetStdHandle(Which[Index]);
        _iob[Index]._flag = Flags[Index];
    }
}

HANDLE
CrtHandle(int File)
{
    return (unsigned)File < STREAM_COUNT ? CrtHandles[File] : NULL;
}

FILE * __cdecl
__iob_func(void)
{
    return _iob;
}

static BOOL
CrtNeedBuffer(FILE *Stream)
{
    if (Stream->_base)
        return TRUE;
    Stream->_bufsiz = STREAM_BUFFER;
    Stream->_base = Stream->_ptr = malloc(STREAM_BUFFER);
    Stream->_cnt = 0;
    return Stream->_base != NULL;
}

static int
CrtFlush(FILE *Stream)
{
    char *Next = Stream->_base, *End = Stream->_ptr;

    if (!(Stream->_flag & STREAM_WRITING))
        return 0;
    Stream->_ptr = Stream->_base;
    Stream->_flag &= ~STREAM_WRITING;
    while (Next < End) {
        DWORD Done = 0;

        if (!WriteFile(CrtHandles[Stream->_file], Next, (DWORD)(End - Next), &Done, NULL)
            || Done == 0) {
            CrtSetError();
            Stream->_flag |= STREAM_ERROR;
            return EOF;
        }
        Next += Done;
    }
    return 0;
}

VOID
CrtLock(FILE *Stream)
{
    EnterCriticalSection(&CrtLocks[Stream->_file]);
}

VOID
CrtUnlock(FILE *Stream)
{
    if (Stream->_flag & _IONBF)
        CrtFlush(Stream);
    LeaveCriticalSection(&CrtLocks[Stream->_file]);
}

static int
CrtPutByte(FILE *Stream, char Byte)
{
    if (Stream->_ptr == Stream->_base + Stream->_bufsiz && CrtFlush(Stream))
        return EOF;
    Stream->_flag |= STREAM_WRITING;
    *Stream->_ptr++ = Byte;
    return 0;
}

/*
 * Puts bytes into the buffer, translated if the stream is text; the caller has the lock. 0, or
 * EOF.
 */
int
CrtWriteBytes(FILE *Stream, const void *Bytes, size_t Count)
{
    const char *Text = Bytes;
    BOOL        Line = FALSE;

    if (!(Stream->_flag & STREAM_WRITE) || !CrtNeedBuffer(Stream)) {
        Stream->_flag |= STREAM_ERROR;
        errno = EBADF;
        return EOF;
    }
    if (!(Stream->_flag & STREAM_WRITING)) {                // what was read ahead is dropped
        Stream->_ptr = Stream->_base;
        Stream->_cnt = 0;
    }
    for (; Count; Count--, Text++) {
        Line |= *Text == '\n';
        if (*Text == '\n' && !(Stream->_flag & STREAM_BINARY) && CrtPutByte(Stream, '\r'))
            return EOF;
        if (CrtPutByte(Stream, *Text))
            return EOF;
    }
    return Line && (Stream->_flag & _IOLBF) ? CrtFlush(Stream) : 0;
}

VOID
CrtFlushAll(VOID)
{
    for (int Index = 0; Index < STREAM_COUNT; Index++)
        if (_iob[Index]._flag & STREAM_WRITING)
            fflush(&_iob[Index]);
}

int __cdecl
fflush(FILE *Stream)
{
    int Result;

    if (Stream == NULL) {
        CrtFlushAll();
        return 0;
    }
    CrtLock(Stream);
    Result = CrtFlush(Stream);
    CrtUnlock(Stream);
    return Result;
}

/* Reads ahead. Returns the first byte, or EOF. */
static int
CrtFill(FILE *Stream)
{
    DWORD Done = 0;

    if (!(Stream->_flag & STREAM_READ) || !CrtNeedBuffer(Stream)) {
        Stream->_flag |= STREAM_ERROR;
        errno = EBADF;
        return EOF;
    }
    if (Stream->_flag & STREAM_END)
        return EOF;
    CrtFlush(Stream);
    if (Stream == &_iob[0])
        fflush(&_iob[1]);
    Stream->_ptr = Stream->_base;
    Stream->_cnt = 0;
    if (!ReadFile(CrtHandles[Stream->_file], Stream->_base, Stream->_bufsiz, &Done, NULL)) {
        CrtSetError();
        Stream->_flag |= STREAM_ERROR;
        return EOF;
    }
    if (Done == 0) {
        Stream->_flag |= STREAM_END;
        return EOF;
    }
    Stream->_cnt = (int)Done - 1;
    return (unsigned char)*Stream->_ptr++;
}

/* The next byte, with text translation; the caller has the lock. */
int
CrtGetByte(FILE *Stream)
{
    int Byte;

    if (Stream->_charbuf) {
        Byte = Stream->_charbuf - 1;
        Stream->_charbuf = 0;
        return Byte;
    }
    for (;;) {
        if (Stream->_cnt > 0 && !(Stream->_flag & STREAM_WRITING)) {
            Stream->_cnt--;
            Byte = (unsigned char)*Stream->_ptr++;
        } else {
            Byte = CrtFill(Stream);
        }
        if (Byte != '\r' || (Stream->_flag & STREAM_BINARY) || Stream->_cnt == 0
            || *Stream->_ptr != '\n')
            return Byte;
    }
}

static FILE *
CrtTakeStream(HANDLE File, int Flags)
{
    FILE *Stream = NULL;

    EnterCriticalSection(&CrtTableLock);
    for (int Index = 3; Index < STREAM_COUNT && !Stream; Index++)
        if (_iob[Index]._flag == 0)
            Stream = &_iob[Index];
    if (Stream) {
        memset(Stream, 0, sizeof *Stream);
        Stream->_file = (int)(Stream - _iob);
        Stream->_flag = Flags;
        CrtHandles[Stream->_file] = File;
    }
    LeaveCriticalSection(&CrtTableLock);
    return Stream;
}

static FILE *
CrtOpen(const wchar_t *Name, const wchar_t *Mode)
{
    DWORD  Access, Creation;
    int    Flags;
    HANDLE File;
    FILE  *Stream;

    switch (*Mode) {
    case L'r': Flags = STREAM_READ;  Access = GENERIC_READ;  Creation = OPEN_EXISTING; break;
    case L'w': Flags = STREAM_WRITE; Access = GENERIC_WRITE; Creation = CREATE_ALWAYS; break;
    case L'a': Flags = STREAM_WRITE; Access = GENERIC_WRITE; Creation = OPEN_ALWAYS;   break;
    default:   errno = EINVAL;       return NULL;
    }
    for (const wchar_t *Letter = Mode + 1; *Letter; Letter++) {
        if (*Letter == L'+') {
            Flags |= STREAM_READ | STREAM_WRITE;
            Access = GENERIC_READ | GENERIC_WRITE;
        }
        if (*Letter == L'b')
            Flags |= STREAM_BINARY;
    }
    File = CreateFileW(Name, Access, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, Creation, 0, NULL);
    if (File == INVALID_HANDLE_VALUE) {
        CrtSetError();
        return NULL;
    }
    if (*Mode == L'a')
        SetFilePointer(File, 0, NULL, FILE_END);
    Stream = CrtTakeStream(File, Flags);
    if (Stream == NULL) {
        CloseHandle(File);
        errno = EMFILE;
    }
    return Stream;
}

FILE * __cdecl
_wfopen(const wchar_t *Name, const wchar_t *Mode)
{
    return CrtOpen(Name, Mode);
}

FILE * __cdecl
fopen(const char *Name, const char *Mode)
{
    wchar_t WideName[MAX_PATH], WideMode[8];
    size_t  Index;

    if (strlen(Name) >= MAX_PATH || strlen(Mode) >= 8) {
        errno = EINVAL;
        return NULL;
    }
    for (Index = 0; Index <= strlen(Name); Index++)
        WideName[Index] = (unsigned char)Name[Index];
    for (Index = 0; Index <= strlen(Mode); Index++)
        WideMode[Index] = (unsigned char)Mode[Index];
    return CrtOpen(WideName, WideMode);
}

int __cdecl
fclose(FILE *Stream)
{
    int Result;

    if (Stream->_flag == 0)
        return EOF;
    CrtLock(Stream);
    Result = CrtFlush(Stream);
    free(Stream->_base);
    Stream->_base = Stream->_ptr = NULL;
    Stream->_cnt = Stream->_charbuf = 0;
    if (!CloseHandle(CrtHandles[Stream->_file]))
        Result = EOF;
    CrtHandles[Stream->_file] = NULL;
    CrtUnlock(Stream);
    Stream->_flag = 0;
    return Result;
}

/* Only the manner counts: a caller's buffer is not used. */
int __cdecl
setvbuf(FILE *Stream, char *Buffer, int Mode, size_t Size)
{
    CrtLock(Stream);
    Stream->_flag = (Stream->_flag & ~(_IOLBF | _IONBF)) | (Mode & (_IOLBF | _IONBF));
    CrtUnlock(Stream);
    return 0;
}

void __cdecl
setbuf(FILE *Stream, char *Buffer)
{
    setvbuf(Stream, Buffer, Buffer ? _IOFBF : _IONBF, STREAM_BUFFER);
}
