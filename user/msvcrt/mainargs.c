/*
 * argv from the command line, by Windows' rules:
 *
 *   The program's name is up to a blank, or between quotes. After it: blanks separate arguments;
 *   between quotes they do not; 2n backslashes before a quote are n backslashes and the quote
 *   counts; 2n+1 are n and a literal quote; other backslashes stand for themselves; "" inside
 *   quotes is a literal quote.
 *
 * The parser runs over the command line as UTF-16 and writes UTF-16; the narrow vector is made
 * from the wide one.
 */
#include "crt.h"

extern int       __argc;
extern char    **__argv, **__initenv, **_environ;
extern wchar_t **__wargv, **__winitenv, *_wcmdln;

#define CRT_MAX_ARGUMENTS   128

/*
 * Writes one argument, terminated, to *To; returns where the next one begins, or NULL at the end
 * of the line.
 */
static const wchar_t *
CrtArgument(const wchar_t *From, wchar_t **To, BOOL IsName)
{
    BOOL Quoted = FALSE;

    while (*From == L' ' || *From == L'\t')
        From++;
    if (*From == 0)
        return NULL;
    while (*From && (Quoted || (*From != L' ' && *From != L'\t'))) {
        ULONG Slashes = 0;

        while (!IsName && From[Slashes] == L'\\')
            Slashes++;
        if (Slashes) {
            BOOL  Quote = From[Slashes] == L'"';
            ULONG Count = Quote ? Slashes / 2 : Slashes;

            From += Slashes;
            while (Count--)
                *(*To)++ = L'\\';
            if (Quote && (Slashes & 1))
                *(*To)++ = *From++;
        } else if (*From == L'"') {
            if (Quoted && !IsName && From[1] == L'"')
                *(*To)++ = *From++;
            else
                Quoted = !Quoted;
            From++;
        } else {
            *(*To)++ = *From++;
        }
    }
    *(*To)++ = 0;
    return From;
}

static char *
CrtNarrow(const wchar_t *Wide)
{
    size_t Length = wcslen(Wide);
    char  *Text = malloc(Length + 1);

    for (size_t Index = 0; Text && Index <= Length; Index++)
        Text[Index] = (char)Wide[Index];
    return Text;
}

static void
CrtParse(void)
{
    const wchar_t *From = _wcmdln;
    wchar_t       *To = malloc((wcslen(_wcmdln) + 2) * sizeof(wchar_t));
    int            Count = 0;

    __wargv = calloc(CRT_MAX_ARGUMENTS + 1, sizeof(wchar_t *));
    __argv = calloc(CRT_MAX_ARGUMENTS + 1, sizeof(char *));
    if (!To || !__wargv || !__argv)
        _exit(255);
    while (Count < CRT_MAX_ARGUMENTS) {
        wchar_t *Start = To;

        From = CrtArgument(From, &To, Count == 0);
        if (From == NULL)
            break;
        __wargv[Count] = Start;
        __argv[Count++] = CrtNarrow(Start);
    }
    __argc = Count;
}

static void
CrtParseEnvironment(void)
{
    wchar_t *Block = GetEnvironmentStringsW();
    int      Count = 0;

    for (wchar_t *Entry = Block; Entry && *Entry; Entry += wcslen(Entry) + 1)
        Count++;
    __winitenv = calloc(Count + 1, sizeof(wchar_t *));
    __initenv = _environ = calloc(Count + 1, sizeof(char *));
    if (!__winitenv || !_environ)
        _exit(255);
    Count = 0;
    for (wchar_t *Entry = Block; Entry && *Entry; Entry += wcslen(Entry) + 1) {
        __winitenv[Count] = Entry;
        _environ[Count++] = CrtNarrow(Entry);
    }
}

int __cdecl
__getmainargs(int *Count, char ***Arguments, char ***Environment, int Wildcards, void *StartupInfo)
{
    if (__argv == NULL) {
        CrtParse();
        CrtParseEnvironment();
    }
    *Count = __argc;
    *Arguments = __argv;
    *Environment = _environ;
    return 0;
}

int __cdecl
__wgetmainargs(int *Count, wchar_t ***Arguments, wchar_t ***Environment, int Wildcards,
    void *StartupInfo)
{
    char **Narrow, **NarrowEnvironment;

    __getmainargs(Count, &Narrow, &NarrowEnvironment, Wildcards, StartupInfo);
    *Arguments = __wargv;
    *Environment = __winitenv;
    return 0;
}

char * __cdecl
getenv(const char *Name)
{
    size_t Length = strlen(Name);
    int    Count;
    char **Arguments, **Environment;

    __getmainargs(&Count, &Arguments, &Environment, 0, NULL);
    for (; *Environment; Environment++) {
        size_t Index = 0;

        while (Index < Length && toupper((*Environment)[Index]) == toupper(Name[Index]))
            Index++;
        if (Index == Length && (*Environment)[Index] == '=')
            return *Environment + Length + 1;
    }
    return NULL;
}

/* For programs and parts of mingw-w64's run-time that reach the variables through functions. */
char ** __cdecl     __p__acmdln(void) { return &_acmdln; }
int * __cdecl       __p__fmode(void) { return &_fmode; }
int * __cdecl       __p__commode(void) { return &_commode; }
int * __cdecl       __p___argc(void) { return &__argc; }
char *** __cdecl    __p___argv(void) { return &__argv; }
wchar_t *** __cdecl __p___wargv(void) { return &__wargv; }
char *** __cdecl    __p__environ(void) { return &_environ; }
char *** __cdecl    __p___initenv(void) { return &__initenv; }
