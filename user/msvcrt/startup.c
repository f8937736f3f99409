/*
 * The beginning and the end of a C program: what the start-up code of a program calls
 * (__getmainargs, _initterm, ...), the list of routines for exit, signals that a program raises
 * itself, and the DLL's own entry point.
 *
 * exit runs the routines of atexit and _onexit, the last one first, flushes the streams and ends
 * the process; the DLL's process detach flushes once more for programs that call ExitProcess
 * themselves.
 */
#include "crt.h"

typedef void (*PCRT_ROUTINE)(void);
typedef int (*PCRT_ONEXIT)(void);
typedef void (*PCRT_SIGNAL)(int);

#define CRT_EXIT_ROUTINES   256
#define CRT_SIGNALS         23
#define SIG_DFL             ((PCRT_SIGNAL)0)
#define SIG_IGN             ((PCRT_SIGNAL)1)
#define SIG_ERR             ((PCRT_SIGNAL)-1)

char  *_acmdln;
wchar_t *_wcmdln;
int    _fmode, _commode, __argc;
char **__argv, **__initenv, **_environ;
wchar_t **__wargv, **__winitenv;

static CRITICAL_SECTION CrtExitLock;
static PCRT_ONEXIT      CrtExit[CRT_EXIT_ROUTINES];     // guarded by CrtExitLock
static ULONG            CrtExitCount;
static PCRT_SIGNAL      CrtSignals[CRT_SIGNALS];

BOOL WINAPI
DllMain(HINSTANCE Instance, DWORD Reason, LPVOID Reserved)
{
    switch (Reason) {
    case DLL_PROCESS_ATTACH:
        InitializeCriticalSection(&CrtExitLock);
        _acmdln = GetCommandLineA();
        _wcmdln = GetCommandLineW();
        CrtInitializeStreams();
        return CrtInitializeThreads();
    case DLL_THREAD_DETACH:
        CrtFreeThread();
        break;
    case DLL_PROCESS_DETACH:
        CrtFlushAll();
        break;
    }
    return TRUE;
}

void __cdecl
_initterm(PCRT_ROUTINE *First, PCRT_ROUTINE *End)
{
    for (; First < End; First++)
        if (*First)
            (*First)();
}

int __cdecl
_initterm_e(PCRT_ONEXIT *First, PCRT_ONEXIT *End)
{
    for (; First < End; First++) {
        int Result = *First ? (*First)() : 0;

        if (Result)
            return Result;
    }
    return 0;
}

PCRT_ONEXIT __cdecl
_onexit(PCRT_ONEXIT Routine)
{
    BOOL Room;

    EnterCriticalSection(&CrtExitLock);
    Room = CrtExitCount < CRT_EXIT_ROUTINES;
    if (Room)
        CrtExit[CrtExitCount++] = Routine;
    LeaveCriticalSection(&CrtExitLock);
    return Room ? Routine : NULL;
}

int __cdecl
atexit(void (*Routine)(void))
{
    return _onexit((PCRT_ONEXIT)(PVOID)Routine) ? 0 : -1;
}

VOID
CrtRunExitRoutines(VOID)
{
    for (;;) {
        PCRT_ONEXIT Routine;

        EnterCriticalSection(&CrtExitLock);
        Routine = CrtExitCount ? CrtExit[--CrtExitCount] : NULL;
        LeaveCriticalSection(&CrtExitLock);
        if (Routine == NULL)
            return;
        Routine();
    }
}

void __cdecl
_cexit(void)
{
    CrtRunExitRoutines();
    CrtFlushAll();
}

void __cdecl
_c_exit(void)
{
    CrtFlushAll();
}

void __cdecl
_exit(int Code)
{
    ExitProcess((UINT)Code);
    __builtin_unreachable();
}

void __cdecl
exit(int Code)
{
    _cexit();
    _exit(Code);
}

void __cdecl
abort(void)
{
    fputs("abnormal program termination\n", &_iob[2]);
    _exit(3);
}

void __cdecl
_amsg_exit(int Number)
{
    fputs("the C library could not start the program\n", &_iob[2]);
    _exit(255);
}

void __cdecl
_assert(const char *Expression, const char *File, unsigned Line)
{
    fprintf(&_iob[2], "assertion failed: %s, %s, line %u\n", Expression, File, Line);
    _exit(3);
}

PCRT_SIGNAL __cdecl
signal(int Number, PCRT_SIGNAL Handler)
{
    PCRT_SIGNAL Old;

    if (Number < 0 || Number >= CRT_SIGNALS) {
        errno = EINVAL;
        return SIG_ERR;
    }
    Old = CrtSignals[Number];
    CrtSignals[Number] = Handler;
    return Old;
}

int __cdecl
raise(int Number)
{
    PCRT_SIGNAL Handler;

    if (Number < 0 || Number >= CRT_SIGNALS)
        return -1;
    Handler = CrtSignals[Number];
    if (Handler == SIG_IGN)
        return 0;
    if (Handler == SIG_DFL)
        _exit(3);
    CrtSignals[Number] = SIG_DFL;
    Handler(Number);
    return 0;
}

void __cdecl
__set_app_type(int Type)
{
}

void __cdecl
__setusermatherr(int (*Handler)(void *))
{
}

void __cdecl
_fpreset(void)
{
    ULONG Mxcsr = 0x1F80;

    __asm__ volatile ("fninit; ldmxcsr %0" : : "m" (Mxcsr));
}

/*
 * Locks of the C library that other parts of mingw-w64's run-time take by number; one for all of
 * them.
 */
void __cdecl
_lock(int Number)
{
    EnterCriticalSection(&CrtExitLock);
}

void __cdecl
_unlock(int Number)
{
    LeaveCriticalSection(&CrtExitLock);
}
