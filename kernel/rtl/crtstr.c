/*
 * The narrow string functions of the C library that drivers import from the kernel, and programs
 * from ntdll. As the C standard has them; letters are ASCII's.
 */
#include "rtlp.h"

size_t
strlen(const char *String)
{
    const char *End = String;

    while (*End != '\0')
        End += 1;
    return End - String;
}

size_t
strnlen(const char *String, size_t Limit)
{
    size_t Length = 0;

    while (Length < Limit && String[Length] != '\0')
        Length += 1;
    return Length;
}

int
strcmp(const char *First, const char *Second)
{
    while (*First == *Second && *First != '\0') {
        First += 1;
        Second += 1;
    }
    return (UCHAR)*First - (UCHAR)*Second;
}

int
strncmp(const char *First, const char *Second, size_t Limit)
{
    for (; Limit > 0; Limit -= 1, First += 1, Second += 1) {
        if (*First != *Second || *First == '\0')
            return (UCHAR)*First - (UCHAR)*Second;
    }
    return 0;
}

char *
strcpy(char *Target, const char *Source)
{
    memcpy(Target, Source, strlen(Source) + 1);
    return Target;
}

char *
strncpy(char *Target, const char *Source, size_t Limit)
{
    size_t Length = strnlen(Source, Limit);

    memcpy(Target, Source, Length);
    memset(Target + Length, 0, Limit - Length);
    return Target;
}

char *
strcat(char *Target, const char *Source)
{
    strcpy(Target + strlen(Target), Source);
    return Target;
}

char *
strncat(char *Target, const char *Source, size_t Limit)
{
    size_t Length = strnlen(Source, Limit);
    char  *End = Target + strlen(Target);

    memcpy(End, Source, Length);
    End[Length] = '\0';
    return Target;
}

char *
strchr(const char *String, int Character)
{
    for (; *String != (char)Character; String += 1) {
        if (*String == '\0')
            return NULL;
    }
    return (char *)String;
}

char *
strrchr(const char *String, int Character)
{
    const char *Found = NULL;

    do {
        if (*String == (char)Character)
            Found = String;
    } while (*String++ != '\0');
    return (char *)Found;
}

char *
strstr(const char *String, const char *Part)
{
    size_t Length = strlen(Part);

    for (; *String != '\0' || Length == 0; String += 1) {
        if (strncmp(String, Part, Length) == 0)
            return (char *)String;
    }
    return NULL;
}

size_t
strcspn(const char *String, const char *Set)
{
    size_t Length = 0;

    while (String[Length] != '\0' && strchr(Set, String[Length]) == NULL)
        Length += 1;
    return Length;
}

int
tolower(int Character)
{
    return Character >= 'A' && Character <= 'Z' ? Character + 32 : Character;
}

int
toupper(int Character)
{
    return Character >= 'a' && Character <= 'z' ? Character - 32 : Character;
}

int
_strnicmp(const char *First, const char *Second, size_t Limit)
{
    for (; Limit > 0; Limit -= 1, First += 1, Second += 1) {
        int Left = tolower((UCHAR)*First), Right = tolower((UCHAR)*Second);

        if (Left != Right || Left == '\0')
            return Left - Right;
    }
    return 0;
}

int
_stricmp(const char *First, const char *Second)
{
    return _strnicmp(First, Second, (size_t)-1);
}
