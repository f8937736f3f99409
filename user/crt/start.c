/*
 * Where a program begins: argv from the C library, main, exit. clang's main calls __main first,
 * which in C has nothing to do; mingw-w64's own start-up code has C++ constructors there.
 */
#include <windows.h>

int  __cdecl __getmainargs(int *Count, char ***Arguments, char ***Environment, int Wildcards,
    void *StartupInfo);
void __cdecl __set_app_type(int Type);
void __cdecl exit(int Code);
int  __cdecl main(int Count, char **Arguments, char **Environment);
void _pei386_runtime_relocator(void);

int (*__cdecl _onexit(int (*Routine)(void)))(void);

/* mingw-w64's import library leaves it to the start-up code. */
int __cdecl
atexit(void (*Routine)(void))
{
    return _onexit((int (*)(void))(PVOID)Routine) ? 0 : -1;
}

void __cdecl
__main(void)
{
}

DWORD WINAPI
mainCRTStartup(LPVOID Peb)
{
    struct { int NewMode; } StartupInfo = { 0 };
    int    Count;
    char **Arguments, **Environment;

    _pei386_runtime_relocator();
    __set_app_type(1);                                      // a console program
    __getmainargs(&Count, &Arguments, &Environment, 0, &StartupInfo);
    exit(main(Count, Arguments, Environment));
    return 0;
}
