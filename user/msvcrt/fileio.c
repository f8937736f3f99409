/*
 * Reading, writing and seeking on streams, and the few routines on file numbers (a stream's index
 * in _iob) that mingw-w64's run-time uses. See io.c for buffers and locks.
 */
#include "crt.h"

int CrtGetByte(FILE *Stream);

int __cdecl
fputc(int Character, FILE *Stream)
{
    char Byte = (char)Character;
    int  Result;

    CrtLock(Stream);
    Result = CrtWriteBytes(Stream, &Byte, 1);
    CrtUnlock(Stream);
    return Result ? EOF : (unsigned char)Byte;
}

int __cdecl
putchar(int Character)
{
    return fputc(Character, &_iob[1]);
}

int __cdecl
fputs(const char *Text, FILE *Stream)
{
    int Result;

    CrtLock(Stream);
    Result = CrtWriteBytes(Stream, Text, strlen(Text));
    CrtUnlock(Stream);
    return Result;
}

int __cdecl
puts(const char *Text)
{
    int Result;

    CrtLock(&_iob[1]);
    Result = CrtWriteBytes(&_iob[1], Text, strlen(Text));
    if (Result == 0)
        Result = CrtWriteBytes(&_iob[1], "\n", 1);
    CrtUnlock(&_iob[1]);
    return Result;
}

int __cdecl
fputws(const wchar_t *Text, FILE *Stream)
{
    int Result = 0;

    CrtLock(Stream);
    for (; *Text && Result == 0; Text++) {
        char Byte = *Text < 256 ? (char)*Text : '?';

        Result = CrtWriteBytes(Stream, &Byte, 1);
    }
    CrtUnlock(Stream);
    return Result;
}

size_t __cdecl
fwrite(const void *Buffer, size_t Size, size_t Count, FILE *Stream)
{
    int Result;

    if (Size == 0 || Count == 0)
        return 0;
    CrtLock(Stream);
    Result = CrtWriteBytes(Stream, Buffer, Size * Count);
    CrtUnlock(Stream);
    return Result ? 0 : Count;
}

int __cdecl
fgetc(FILE *Stream)
{
    int Byte;

    CrtLock(Stream);
    Byte = CrtGetByte(Stream);
    CrtUnlock(Stream);
    return Byte;
}

int __cdecl
getchar(void)
{
    return fgetc(&_iob[0]);
}

int __cdecl
ungetc(int Character, FILE *Stream)
{
    if (Character == EOF || Stream->_charbuf)
        return EOF;
    CrtLock(Stream);
    Stream->_charbuf = (unsigned char)Character + 1;
    Stream->_flag &= ~STREAM_END;
    CrtUnlock(Stream);
    return Character;
}

/* A line with its "\n", at most Size - 1 bytes; NULL at the end of the file. */
char * __cdecl
fgets(char *Buffer, int Size, FILE *Stream)
{
    int Count = 0, Byte = 0;

    CrtLock(Stream);
    while (Count < Size - 1 && Byte != '\n') {
        Byte = CrtGetByte(Stream);
        if (Byte == EOF)
            break;
        Buffer[Count++] = (char)Byte;
    }
    CrtUnlock(Stream);
    if (Count == 0)
        return NULL;
    Buffer[Count] = 0;
    return Buffer;
}

char * __cdecl
gets(char *Buffer)
{
    char *Result = fgets(Buffer, 512, &_iob[0]);
    size_t Length = Result ? strlen(Result) : 0;

    if (Length && Buffer[Length - 1] == '\n')
        Buffer[Length - 1] = 0;
    return Result;
}

size_t __cdecl
fread(void *Buffer, size_t Size, size_t Count, FILE *Stream)
{
    char  *Bytes = Buffer;
    size_t Total = Size * Count, Done = 0;

    CrtLock(Stream);
    while (Done < Total) {
        int Byte = CrtGetByte(Stream);

        if (Byte == EOF)
            break;
        Bytes[Done++] = (char)Byte;
    }
    CrtUnlock(Stream);
    return Size ? Done / Size : 0;
}

int __cdecl
feof(FILE *Stream)
{
    return Stream->_flag & STREAM_END;
}

int __cdecl
ferror(FILE *Stream)
{
    return Stream->_flag & STREAM_ERROR;
}

void __cdecl
clearerr(FILE *Stream)
{
    Stream->_flag &= ~(STREAM_END | STREAM_ERROR);
}

int __cdecl
fseek(FILE *Stream, long Offset, int Origin)
{
    DWORD Result;

    fflush(Stream);
    CrtLock(Stream);
    if (Origin == FILE_CURRENT)
        Offset -= Stream->_cnt + (Stream->_charbuf != 0);
    Stream->_cnt = Stream->_charbuf = 0;
    Stream->_flag &= ~STREAM_END;
    Result = SetFilePointer(CrtHandle(Stream->_file), Offset, NULL, Origin);
    CrtUnlock(Stream);
    return Result == INVALID_SET_FILE_POINTER ? -1 : 0;
}

long __cdecl
ftell(FILE *Stream)
{
    DWORD Result;

    fflush(Stream);
    Result = SetFilePointer(CrtHandle(Stream->_file), 0, NULL, FILE_CURRENT);
    return Result == INVALID_SET_FILE_POINTER ? -1
        : (long)Result - Stream->_cnt - (Stream->_charbuf != 0);
}

void __cdecl
rewind(FILE *Stream)
{
    fseek(Stream, 0, FILE_BEGIN);
    clearerr(Stream);
}

int __cdecl
_fileno(FILE *Stream)
{
    return Stream->_file;
}

int __cdecl
_isatty(int File)
{
    return GetFileType(CrtHandle(File)) == FILE_TYPE_CHAR;
}

intptr_t __cdecl
_get_osfhandle(int File)
{
    HANDLE Handle = CrtHandle(File);

    return Handle ? (intptr_t)Handle : -1;
}

/* Switches a stream between text and binary (_O_BINARY is 0x8000); returns the former mode. */
int __cdecl
_setmode(int File, int Mode)
{
    int Old;

    if (CrtHandle(File) == NULL)
        return -1;
    Old = _iob[File]._flag & STREAM_BINARY ? 0x8000 : 0x4000;
    _iob[File]._flag = (_iob[File]._flag & ~STREAM_BINARY) | (Mode & 0x8000);
    return Old;
}

int __cdecl
_write(int File, const void *Buffer, unsigned Count)
{
    DWORD Done = 0;

    return WriteFile(CrtHandle(File), Buffer, Count, &Done, NULL) ? (int)Done : -1;
}

int __cdecl
_read(int File, void *Buffer, unsigned Count)
{
    DWORD Done = 0;

    return ReadFile(CrtHandle(File), Buffer, Count, &Done, NULL) ? (int)Done : -1;
}
