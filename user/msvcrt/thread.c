/*
 * What a thread has of its own: errno, the seed of rand, strtok's place. Made at first use, found
 * through a TLS slot, freed when the thread ends. Also error texts, and _beginthreadex, which
 * needs nothing beyond CreateThread for that.
 */
#include "crt.h"

static DWORD CrtSlot = TLS_OUT_OF_INDEXES;

BOOL
CrtInitializeThreads(VOID)
{
    CrtSlot = TlsAlloc();
    return CrtSlot != TLS_OUT_OF_INDEXES;
}

PCRT_THREAD
CrtThread(VOID)
{
    DWORD       Error = GetLastError();
    PCRT_THREAD Thread = TlsGetValue(CrtSlot);

    if (Thread == NULL) {
        Thread = calloc(1, sizeof *Thread);
        if (Thread == NULL)
            _exit(255);
        Thread->Seed = 1;
        TlsSetValue(CrtSlot, Thread);
    }
    SetLastError(Error);
    return Thread;
}

VOID
CrtFreeThread(VOID)
{
    free(TlsGetValue(CrtSlot));
    TlsSetValue(CrtSlot, NULL);
}

int * __cdecl
_errno(void)
{
    return &CrtThread()->Errno;
}

unsigned long * __cdecl
__doserrno(void)
{
    return &CrtThread()->DosErrno;
}

VOID
CrtSetError(VOID)
{
    PCRT_THREAD Thread = CrtThread();

    Thread->DosErrno = GetLastError();
    switch (Thread->DosErrno) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_NAME:
    case ERROR_BAD_PATHNAME:
    case ERROR_MOD_NOT_FOUND:      Thread->Errno = ENOENT; break;
    case ERROR_ACCESS_DENIED:
    case ERROR_WRITE_PROTECT:
    case ERROR_SHARING_VIOLATION:  Thread->Errno = EACCES; break;
    case ERROR_INVALID_HANDLE:     Thread->Errno = EBADF; break;
    case ERROR_FILE_EXISTS:
    case ERROR_ALREADY_EXISTS:     Thread->Errno = EEXIST; break;
    case ERROR_NOT_ENOUGH_MEMORY:  Thread->Errno = ENOMEM; break;
    case ERROR_DISK_FULL:          Thread->Errno = ENOSPC; break;
    case ERROR_TOO_MANY_OPEN_FILES: Thread->Errno = EMFILE; break;
    default:                       Thread->Errno = EINVAL; break;
    }
}

char * __cdecl
strerror(int Number)
{
    static const struct { int Number; const char *Text; } Texts[] = {
        { 0, "No error" }, { ENOENT, "No such file or directory" },
            { EBADF, "Bad file descriptor" },
        { ENOMEM, "Not enough memory" }, { EACCES, "Permission denied" }, { EEXIST, "File exists" },
        { EINVAL, "Invalid argument" }, { EMFILE, "Too many open files" },
            { ENOSPC, "No space left on device" },
        { EDOM, "Domain error" }, { ERANGE, "Result too large" },
    };

    for (ULONG Index = 0; Index < ARRAYSIZE(Texts); Index++)
        if (Texts[Index].Number == Number)
            return (char *)Texts[Index].Text;
    return "Unknown error";
}

void __cdecl
perror(const char *Prefix)
{
    const char *Text = strerror(errno);

    if (Prefix && *Prefix)
        fprintf(&_iob[2], "%s: %s\n", Prefix, Text);
    else
        fprintf(&_iob[2], "%s\n", Text);
}

uintptr_t __cdecl
_beginthreadex(void *Security, unsigned StackSize, unsigned (__stdcall *Start)(void *),
    void *Argument, unsigned Flags, unsigned *Id)
{
    HANDLE Thread = CreateThread(Security, StackSize, (LPTHREAD_START_ROUTINE)(PVOID)Start,
        Argument, Flags, (LPDWORD)Id);

    if (Thread == NULL)
        CrtSetError();
    return (uintptr_t)Thread;
}

void __cdecl
_endthreadex(unsigned Code)
{
    ExitThread(Code);
}
