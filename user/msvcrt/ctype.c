/*
 * Characters of the "C" locale, the locale itself, and the few numbers that mingw-w64's run-time
 * asks for.
 */
#include "crt.h"
#include <ctype.h>

int __cdecl isdigit(int Character) { return Character >= '0' && Character <= '9'; }
int __cdecl isupper(int Character) { return Character >= 'A' && Character <= 'Z'; }
int __cdecl islower(int Character) { return Character >= 'a' && Character <= 'z'; }
int __cdecl isalpha(int Character) { return isupper(Character & ~0x20) && Character >= 'A'; }
int __cdecl isalnum(int Character) { return isalpha(Character) || isdigit(Character); }
int __cdecl isspace(int Character)
{
    return Character == ' ' || (Character >= 9 && Character <= 13);
}
int __cdecl iscntrl(int Character)
{
    return (Character >= 0 && Character < 32) || Character == 127;
}
int __cdecl isprint(int Character) { return Character >= 32 && Character < 127; }
int __cdecl isgraph(int Character) { return Character > 32 && Character < 127; }
int __cdecl ispunct(int Character) { return isgraph(Character) && !isalnum(Character); }
int __cdecl isxdigit(int Character)
{
    return isdigit(Character) || ((Character | 0x20) >= 'a' && (Character | 0x20) <= 'f');
}
int __cdecl toupper(int Character) { return islower(Character) ? Character - 32 : Character; }
int __cdecl tolower(int Character) { return isupper(Character) ? Character + 32 : Character; }

/* The classes of iswctype and _isctype, by the bits that <ctype.h> has for them. */
int __cdecl
iswctype(wint_t Character, wctype_t Classes)
{
    return Character < 128
        && (((Classes & _UPPER) && isupper(Character))
            || ((Classes & _LOWER) && islower(Character))
            || ((Classes & _DIGIT) && isdigit(Character))
            || ((Classes & _SPACE) && isspace(Character))
            || ((Classes & _PUNCT) && ispunct(Character))
            || ((Classes & _CONTROL) && iscntrl(Character))
            || ((Classes & _BLANK) && Character == ' ')
            || ((Classes & _HEX) && isxdigit(Character)));
}

int __cdecl
_isctype(int Character, int Classes)
{
    return iswctype((wint_t)Character, (wctype_t)Classes);
}

wint_t __cdecl towupper(wint_t Character) { return (wint_t)toupper(Character); }
wint_t __cdecl towlower(wint_t Character) { return (wint_t)tolower(Character); }

unsigned __cdecl ___lc_codepage_func(void) { return 0; }
int __cdecl ___mb_cur_max_func(void) { return 1; }
#undef  __mb_cur_max
int __mb_cur_max = 1;

struct lconv {
    char *Text[10];                     // decimal point first, as in <locale.h>
    char  Numbers[14];
};

struct lconv * __cdecl
localeconv(void)
{
    static struct lconv Locale = { { ".", "", "", "", "", "", "", "", "", "" }, { 0 } };

    return &Locale;
}

char * __cdecl
setlocale(int Category, const char *Name)
{
    return Name == NULL || *Name == 0 || (Name[0] == 'C' && Name[1] == 0) ? "C" : NULL;
}
